/*
 * Getting our descriptors out of the way of a program that closes or
 * overwrites its descriptors by number.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "client/conn.h"
#include "wire/host.h"

static bool
is_ours(struct conn *c, int fd)
{
	bool ours;

	pthread_mutex_lock(&c->lock);
	ours = fd == c->fd || fd == c->newfd || fd == c->kickfd ||
	    fd == c->kickfd_w || fd == c->sig.fd;
	pthread_mutex_unlock(&c->lock);
	return ours;
}

/* *p gets a new number if it is fd.  The old one stays open: it is the
 * caller's to close or overwrite. */
static int
move(int *p, int fd)
{
	int nfd;

	if (*p != fd)
		return 0;
	nfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (nfd == -1)
		return errno;
	*p = nfd;
	return 0;
}

/* Setup held: so there is no newfd, and nobody reads or sends by the old
 * number while it changes. */
static int
move_away(struct conn *c, int fd)
{
	struct call claim = { .done = true };
	bool same;
	int error;

	conn_claim(c, &claim);
	pthread_mutex_lock(&c->sendlock);
	pthread_mutex_lock(&c->lock);
	same = c->kickfd == c->kickfd_w;
	error = move(&c->fd, fd);
	if (error == 0)
		error = move(&c->sig.fd, fd);
	if (error == 0)
		error = move(&c->kickfd, fd);
	if (same)
		c->kickfd_w = c->kickfd;
	else if (error == 0)
		error = move(&c->kickfd_w, fd);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
	conn_release(c, &claim);
	return error;
}

static int
highest(struct conn *c)
{
	int max;

	pthread_mutex_lock(&c->lock);
	max = c->fd;
	if (c->kickfd > max)
		max = c->kickfd;
	if (c->kickfd_w > max)
		max = c->kickfd_w;
	if (c->sig.fd > max)
		max = c->sig.fd;
	pthread_mutex_unlock(&c->lock);
	return max;
}

/* Setup held: closes what is not ours from *fdp to our highest. */
static void
close_others(struct conn *c, int *fdp)
{
	int fd, max;

	max = highest(c);
	for (fd = *fdp; fd <= max; fd++) {
		if (!is_ours(c, fd))
			host_close(fd);
	}
	*fdp = fd;
}

int
rumpclient__closenotify(int *fdp, enum rumpclient_closevariant variant)
{
	struct conn *c;
	struct entry e;
	int error;

	if (*fdp < 0) {
		errno = EBADF;
		return -1;
	}
	entry_begin(&e);
	c = conn_self(&e);
	error = 0;
	switch (variant) {
	case RUMPCLIENT_CLOSE_CLOSE:
	case RUMPCLIENT_CLOSE_DUP2:
		if (!is_ours(c, *fdp))
			break;
		error = conn_setup_begin(c, &e);
		if (error != 0)
			break;
		error = move_away(c, *fdp);
		conn_setup_end(c);
		break;
	case RUMPCLIENT_CLOSE_FCLOSEM:
		error = conn_setup_begin(c, &e);
		if (error != 0)
			break;
		close_others(c, fdp);
		conn_setup_end(c);
		break;
	default:
		error = EINVAL;
	}
	entry_end_errno(&e, error);
	return error == 0 ? 0 : -1;
}
