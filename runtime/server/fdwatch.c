/*
 * Descriptors that fibers wait for.  Each is in the loop's epoll once, for
 * all fibers together: epoll takes a descriptor only once, and an instance
 * a fiber would run into the kernel's limit of wakeup paths.
 *
 * Only the loop's thread is in here, so there is no lock.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdlib.h>

#include "server/server.h"

struct fdwatch {
	LIST_HEAD(, fdwait) waits;
};

static struct fdwatch *
watch_of(struct rumpserver *srv, int fd)
{
	struct fdwatch **p;
	size_t n;

	if ((size_t)fd >= srv->nwatches) {
		n = srv->nwatches != 0 ? srv->nwatches : 64;
		while (n <= (size_t)fd)
			n *= 2;
		p = realloc(srv->watches, n * sizeof(struct fdwatch *));
		if (p == NULL)
			return NULL;
		srv->watches = p;
		while (srv->nwatches < n)
			p[srv->nwatches++] = NULL;
	}
	if (srv->watches[fd] == NULL)
		srv->watches[fd] = calloc(1, sizeof(struct fdwatch));
	return srv->watches[fd];
}

/* Asks epoll for what all of a descriptor's waits want. */
static bool
arm(struct rumpserver *srv, const struct fdwatch *watch, int fd)
{
	struct epoll_event ev = { .events = EPOLLONESHOT,
	    .data.u64 = EV_FD | (uint32_t)fd };
	const struct fdwait *w;

	LIST_FOREACH(w, &watch->waits, link)
		ev.events |= (uint16_t)w->events;
	/* The number may have got another file meanwhile. */
	if (epoll_ctl(srv->epfd, EPOLL_CTL_MOD, fd, &ev) == 0 ||
	    (errno == ENOENT &&
	    epoll_ctl(srv->epfd, EPOLL_CTL_ADD, fd, &ev) == 0))
		return true;
	/* A regular file is ready or never will be: nothing to watch. */
	return errno == EPERM;
}

bool
fdwait_begin(struct rumpserver *srv, struct fdwait *w)
{
	struct fdwatch *watch;

	watch = watch_of(srv, w->fd);
	if (watch == NULL)
		return false;
	LIST_INSERT_HEAD(&watch->waits, w, link);
	return true;
}

bool
fdwait_arm(struct rumpserver *srv, struct fdwait *w)
{

	return arm(srv, srv->watches[w->fd], w->fd);
}

void
fdwait_end(struct rumpserver *srv, struct fdwait *w)
{
	struct fdwatch *watch = srv->watches[w->fd];

	LIST_REMOVE(w, link);
	if (!LIST_EMPTY(&watch->waits)) {
		arm(srv, watch, w->fd);
		return;
	}
	epoll_ctl(srv->epfd, EPOLL_CTL_DEL, w->fd, NULL);
	free(watch);
	srv->watches[w->fd] = NULL;
}

void
fdwatch_event(struct rumpserver *srv, uint64_t id)
{
	uint32_t fd = (uint32_t)id;
	struct fdwait *w;

	if (fd >= srv->nwatches || srv->watches[fd] == NULL)
		return;
	LIST_FOREACH(w, &srv->watches[fd]->waits, link)
		fiber_ready(srv, w->fiber);
}
