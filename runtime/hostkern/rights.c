/*
 * Descriptors in messages between local sockets.
 *
 * What a guest passes is the open file object, which lives here and not in
 * the host's kernel.  So a message carries, behind the host's descriptors of
 * the files, the reading end of a pipe made for it: a flight.  Its inode number
 * tells which flight it is when the message arrives.  We keep the writing end:
 * poll(2) reports an error on it when the host has thrown the message away
 * (the socket closed, the data read without its control messages), and the
 * files are let go at the next opportunity.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostkern/open.h"
#include "hostkern/path.h"
#include "hostkern/sock.h"

struct flight {
	struct flight *next;	/* sockets.lock */
	int wfd;
	dev_t dev;
	ino_t ino;
	int n;
	struct file *files[SOCK_PASSMAX];
};

static void
flight_free(struct flight *fl)
{
	int i;

	for (i = 0; i < fl->n; i++)
		file_put(fl->files[i]);
	close(fl->wfd);
	free(fl);
}

void
rights_collect(struct hostkern *hk, bool all)
{
	struct sockets *ss = kern_sockets(hk);
	struct flight *dead = NULL, *fl, **flp;
	struct pollfd pfd;

	pthread_mutex_lock(&ss->lock);
	for (flp = &ss->flights; (fl = *flp) != NULL;) {
		pfd = (struct pollfd){ .fd = fl->wfd };
		if (!all && (poll(&pfd, 1, 0) != 1 ||
		    (pfd.revents & POLLERR) == 0)) {
			flp = &fl->next;
			continue;
		}
		*flp = fl->next;
		ss->nflights--;
		fl->next = dead;
		dead = fl;
	}
	pthread_mutex_unlock(&ss->lock);
	while ((fl = dead) != NULL) {
		dead = fl->next;
		flight_free(fl);
	}
}

/* References to the files; those got stay in fl when one cannot be. */
static int
gather(struct kproc *p, const int32_t *fds, int n, struct flight *fl)
{
	struct file *f;
	int error, i;

	for (i = 0; i < n; i++) {
		error = fd_get(p, fds[i], &f);
		if (error != 0)
			return error;
		fl->files[fl->n++] = f;
		if ((f->traits & FILE_NOINHERIT) != 0)
			return RUMP_EBADF;
	}
	return 0;
}

/*
 * When there are too many, the oldest is forgotten.  A socket that was passed
 * over itself, and never received, would else be there for ever.  If it does
 * arrive, the host's descriptors in the message still serve.
 */
static void
flight_launch(struct hostkern *hk, struct flight *fl)
{
	struct sockets *ss = kern_sockets(hk);
	struct flight **last, *old = NULL;

	pthread_mutex_lock(&ss->lock);
	if (ss->nflights >= SOCK_FLIGHTS) {
		for (last = &ss->flights; (*last)->next != NULL;)
			last = &(*last)->next;
		old = *last;
		*last = NULL;
		ss->nflights--;
	}
	fl->next = ss->flights;
	ss->flights = fl;
	ss->nflights++;
	pthread_mutex_unlock(&ss->lock);
	if (old != NULL)
		flight_free(old);
}

int
rights_make(struct kproc *p, const int32_t *fds, int n, struct rights *r)
{
	struct flight *fl;
	struct stat st;
	int error, i, pipefd[2];

	*r = (struct rights){ .flight = NULL };
	if (n > SOCK_PASSMAX)
		return RUMP_EINVAL;
	rights_collect(p->hk, false);
	fl = calloc(1, sizeof(*fl));
	if (fl == NULL)
		return RUMP_ENOMEM;
	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) != 0) {
		error = kern_errno();
		free(fl);
		return error;
	}
	fl->wfd = pipefd[1];
	error = fstat(pipefd[0], &st) != 0 ? kern_errno() : 0;
	fl->dev = st.st_dev;
	fl->ino = st.st_ino;
	if (error == 0)
		error = gather(p, fds, n, fl);
	if (error != 0) {
		close(pipefd[0]);
		flight_free(fl);
		return error;
	}
	flight_launch(p->hk, fl);
	for (i = 0; i < fl->n; i++) {
		if (fl->files[i]->hfd != -1)
			r->hfds[r->n++] = fl->files[i]->hfd;
	}
	r->hfds[r->n++] = pipefd[0];
	r->flight = fl;
	return 0;
}

void
rights_done(struct hostkern *hk, struct rights *r, bool sent)
{

	if (r->flight == NULL)
		return;
	close(r->hfds[r->n - 1]);
	r->flight = NULL;
	/* With nobody at the other end, the pipe itself tells. */
	if (!sent)
		rights_collect(hk, false);
}

/* The flight that this descriptor stands for, out of the list; or NULL. */
static struct flight *
flight_land(struct hostkern *hk, int hfd)
{
	struct sockets *ss = kern_sockets(hk);
	struct flight *fl, **flp;
	struct stat st;

	if (fstat(hfd, &st) != 0 || !S_ISFIFO(st.st_mode))
		return NULL;
	pthread_mutex_lock(&ss->lock);
	for (flp = &ss->flights; (fl = *flp) != NULL; flp = &fl->next) {
		if (fl->dev == st.st_dev && fl->ino == st.st_ino) {
			*flp = fl->next;
			ss->nflights--;
			break;
		}
	}
	pthread_mutex_unlock(&ss->lock);
	return fl;
}

/*
 * Is that something a guest of ours might have opened itself?  A directory
 * outside of its root would be a way out, and what is neither file, directory,
 * fifo, socket nor device is nothing NetBSD has.
 */
static int
acceptable(struct hostkern *hk, int hfd, const struct stat *st, int flags)
{
	char name[PATH_MAX];

	if (S_ISDIR(st->st_mode))
		return path_name(hk->root->fd, hfd, name, sizeof(name));
	if (S_ISREG(st->st_mode))
		return hk->read_only && (flags & O_ACCMODE) != O_RDONLY ?
		    RUMP_EROFS : 0;
	return S_ISFIFO(st->st_mode) || S_ISCHR(st->st_mode) ? 0 :
	    RUMP_EOPNOTSUPP;
}

/* A descriptor from a process that is not of this server. */
static int
adopt(struct kproc *p, int hfd, struct file **fp)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss), optlen = sizeof(int);
	struct stat st;
	int error, host, type;

	host = fcntl(hfd, F_GETFL);
	if (host == -1 || fstat(hfd, &st) != 0)
		return RUMP_EBADF;
	/* What may block must not block us, even if its other owners notice. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) &&
	    fcntl(hfd, F_SETFL, host | O_NONBLOCK) != 0)
		return RUMP_EINVAL;
	if (!S_ISSOCK(st.st_mode)) {
		error = acceptable(p->hk, hfd, &st, host);
		/* The access mode has the same values. */
		if (error == 0)
			error = open_begin(p, host & O_ACCMODE, fp);
		return error;
	}
	if (getsockname(hfd, (struct sockaddr *)&ss, &len) != 0 ||
	    getsockopt(hfd, SOL_SOCKET, SO_TYPE, &type, &optlen) != 0 ||
	    (p->hk->no_net && ss.ss_family != AF_UNIX))
		return RUMP_EINVAL;
	return sock_make(p, ss.ss_family == AF_INET6 ? RUMP_AF_INET6 :
	    ss.ss_family, type, RUMP_O_RDWR, fp);
}

/* Its open file, or NULL; takes over hfd. */
static struct file *
adopted(struct kproc *p, int hfd)
{
	struct file *f;

	if (adopt(p, hfd, &f) != 0) {
		close(hfd);
		return NULL;
	}
	if (f->type == FILE_SOCKET) {
		f->hfd = hfd;
	} else if (open_hfd(f, hfd) != 0) {
		file_put(f);
		return NULL;
	}
	return f;
}

int
rights_take(struct kproc *p, const int *hfds, int n,
    struct file *files[SOCK_PASSMAX])
{
	struct flight *fl;
	int i, got = 0;

	if (n == 0)
		return 0;
	fl = flight_land(p->hk, hfds[n - 1]);
	for (i = 0; i < n; i++) {
		if (fl != NULL)
			close(hfds[i]);
		else if (got == SOCK_PASSMAX)
			close(hfds[i]);
		else if ((files[got] = adopted(p, hfds[i])) != NULL)
			got++;
	}
	if (fl == NULL)
		return got;
	for (i = 0; i < fl->n; i++)
		files[i] = fl->files[i];
	got = fl->n;
	fl->n = 0;
	flight_free(fl);
	return got;
}
