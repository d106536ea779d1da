/*
 * Listening sockets, and the connected ones of fd://.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/log.h"
#include "rump_server/service.h"
#include "rump_server/sockets.h"

enum { BACKLOG = 4096, DEFAULT_MODE = 0600 };

struct sockets {
	unsigned n;
	struct place {
		struct locator loc;	/* of LISTEN_FDS: the text alone */
		int fd;			/* -1: fd://, or given away */
		bool named;		/* there is a name to remove */
	} at[];
};

static bool
is_loopback(const struct locator *loc)
{
	const struct sockaddr_in *sin = (const void *)&loc->addr;
	const struct sockaddr_in6 *sin6 = (const void *)&loc->addr;

	if (loc->kind == LOCATOR_TCP)
		return ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
}

static void
warn_tcp(const struct options *o, const struct locator *loc)
{

	if (o->tcp_any || !locator_is_tcp(loc) || is_loopback(loc))
		return;
	log_put(RUMPSERVER_LOG_WARN, "%s is open to the network and TCP "
	    "clients are not checked; bind to 127.0.0.1, or say --tcp-any if "
	    "this is meant", loc->text);
}

/* --- ours --- */

static bool
own(const struct options *o, const struct locator *loc)
{

	if (!o->chown_socket || loc->kind != LOCATOR_UNIX ||
	    lchown(locator_path(loc), o->owner, o->group) == 0)
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "--owner: %s: %s", loc->text,
	    strerror(errno));
	return false;
}

static bool
bind_place(const struct options *o, struct place *p, const struct locator *loc)
{

	p->loc = *loc;
	if (loc->kind == LOCATOR_FD)
		return true;
	warn_tcp(o, loc);
	p->fd = locator_listen(&p->loc, BACKLOG, o->server.socket_mode != 0 ?
	    o->server.socket_mode : DEFAULT_MODE);
	p->named = p->fd != -1;
	if (p->named)
		return own(o, &p->loc);
	log_put(RUMPSERVER_LOG_ERROR, "cannot listen at %s: %s", loc->text,
	    locator_listen_error(errno));
	return false;
}

/* --- of socket activation --- */

static bool
is_inet(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6);
}

static bool
take_place(const struct options *o, struct place *p, int fd, int *status)
{

	snprintf(p->loc.text, sizeof(p->loc.text), "LISTEN_FDS descriptor %d",
	    fd);
	p->fd = fd;
	if (o->kernel.root != NULL || !is_inet(fd))
		return true;
	options_no_root(p->loc.text);
	*status = 2;
	return false;
}

/* --- all --- */

struct sockets *
sockets_open(const struct options *o, int *status)
{
	struct sockets *s;
	int i, n, first;

	*status = 1;
	n = service_listen_fds(&first);
	if (n == 0 && o->nlocators == 0) {
		log_put(RUMPSERVER_LOG_ERROR, "LISTEN_FDS is not for this "
		    "process, and there is no locator");
		return NULL;
	}
	s = calloc(1, sizeof(*s) + (size_t)(n + o->nlocators) *
	    sizeof(s->at[0]));
	if (s == NULL) {
		log_put(RUMPSERVER_LOG_ERROR, "%s", strerror(errno));
		return NULL;
	}
	for (i = 0; i < n; i++)
		if (!take_place(o, &s->at[s->n++], first + i, status))
			goto fail;
	for (i = 0; i < o->nlocators; i++) {
		s->at[s->n].fd = -1;
		if (!bind_place(o, &s->at[s->n++], &o->locators[i]))
			goto fail;
	}
	return s;

fail:
	sockets_free(s);
	return NULL;
}

bool
sockets_give(struct sockets *s, struct rumpserver *srv)
{
	struct place *p;
	int rc;

	for (p = s->at; p < s->at + s->n; p++) {
		if (p->fd == -1)
			rc = rumpserver_serve_fd(srv, p->loc.fd);
		else
			rc = rumpserver_listen_fd(srv, p->fd);
		p->fd = -1;
		if (rc == 0)
			continue;
		log_put(RUMPSERVER_LOG_ERROR, "cannot serve %s: %s",
		    p->loc.text, strerror(errno));
		return false;
	}
	return true;
}

void
sockets_tell(const struct sockets *s, const char *root)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		log_say("serving %s at %s", root, s->at[i].loc.text);
}

void
sockets_unlink(struct sockets *s)
{
	struct place *p;

	for (p = s->at; p < s->at + s->n; p++) {
		if (p->named)
			locator_unlink(&p->loc);
		p->named = false;
	}
}

void
sockets_free(struct sockets *s)
{
	struct place *p;

	if (s == NULL)
		return;
	sockets_unlink(s);
	for (p = s->at; p < s->at + s->n; p++)
		if (p->fd != -1)
			close(p->fd);
	free(s);
}
