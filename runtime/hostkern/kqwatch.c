/*
 * kqueue: what happens to files, from the host's inotify.
 *
 * A server has one instance, made with the first note about a file: the host
 * allows a user few.  A file has one watch there, however many notes are about
 * it.  A thread tells the notes, and so does whoever looks for events, before
 * it looks: so what a guest has done it can also see.
 *
 * The host wants to see that who watches a file may read it, so the server asks,
 * which needs no right of the guest's: its note learns no more than that
 * something has changed, as fstat(2) of the descriptor that it has would tell
 * it.  The names in what inotify says are for nobody.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostkern/hostfd.h"
#include "hostkern/knote.h"
#include "hostkern/path.h"

enum {
	BUCKETS = 1024,
	EVENTS = IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF |
	    IN_CREATE | IN_DELETE | IN_MOVE,
};

/* A file of the host. */
struct kqwatch {
	LIST_ENTRY(kqwatch) link;
	int wd;
	struct knlist notes;
	uint32_t mask;		/* what take() has found */
	struct kqwatch *changed;	/* the next of those with some */
};

/* One for a kernel: hk->ext[KERN_SLOT_KQWATCH]. */
struct kqwatches {
	pthread_mutex_t lock;	/* guards all of it */
	int ifd, quit;		/* -1: not needed yet */
	int lostfd;		/* eventfd in every queue with a watch: the
				 * host has lost some news */
	atomic_uint lost;	/* so often */
	pthread_t thread;
	LIST_HEAD(, kqwatch) bucket[BUCKETS];
};

static struct kqwatches *
watches_of(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_KQWATCH];
}

/* --- telling; lock held --- */

static struct kqwatch *
find(struct kqwatches *ws, int wd)
{
	struct kqwatch *w;

	LIST_FOREACH(w, &ws->bucket[(unsigned)wd % BUCKETS], link)
		if (w->wd == wd)
			break;
	return w;
}

static void
tell(struct kqwatch *w)
{
	struct knote *kn;

	LIST_FOREACH(kn, &w->notes, told)
		knote_tell(kn, w->mask);
	w->mask = 0;
}

/* Each queue looks at its own files, once it is asked: this wakes who waits. */
static void
tell_lost(struct kqwatches *ws)
{

	atomic_fetch_add(&ws->lost, 1);
	(void)eventfd_write(ws->lostfd, 1);
}

/* Whose the n bytes of events are, in front of *changed. */
static void
sort(struct kqwatches *ws, const char *buf, ssize_t n,
    struct kqwatch **changed)
{
	struct inotify_event ev;
	struct kqwatch *w;
	ssize_t off;

	for (off = 0; off + (ssize_t)sizeof(ev) <= n;
	    off += (ssize_t)(sizeof(ev) + ev.len)) {
		memcpy(&ev, buf + off, sizeof(ev));
		w = find(ws, ev.wd);
		if ((ev.mask & IN_Q_OVERFLOW) != 0)
			tell_lost(ws);
		if (w == NULL || (ev.mask & EVENTS) == 0)
			continue;
		if (w->mask == 0) {
			w->changed = *changed;
			*changed = w;
		}
		w->mask |= ev.mask & EVENTS;
	}
}

/* What is there now, and no more: some files may change faster than their
 * notes are told, which is once, however often they did. */
static void
take(struct kqwatches *ws)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct kqwatch *w, *changed = NULL;
	int left = 0;
	ssize_t n;

	(void)ioctl(ws->ifd, FIONREAD, &left);
	for (; left > 0; left -= (int)n) {
		n = read(ws->ifd, buf, sizeof(buf));
		if (n <= 0)
			break;
		sort(ws, buf, n, &changed);
	}
	while ((w = changed) != NULL) {
		changed = w->changed;
		tell(w);
	}
}

void
kqwatch_look(struct hostkern *hk)
{
	struct kqwatches *ws = watches_of(hk);

	pthread_mutex_lock(&ws->lock);
	take(ws);
	pthread_mutex_unlock(&ws->lock);
}

unsigned
kqwatch_lost(const struct hostkern *hk)
{

	return atomic_load(&watches_of(hk)->lost);
}

static void *
watcher(void *arg)
{
	struct kqwatches *ws = arg;
	struct pollfd pfd[2] = { { .fd = ws->ifd, .events = POLLIN },
	    { .fd = ws->quit, .events = POLLIN } };

	while (pfd[1].revents == 0) {
		(void)poll(pfd, 2, -1);
		pthread_mutex_lock(&ws->lock);
		take(ws);
		pthread_mutex_unlock(&ws->lock);
	}
	return NULL;
}

/* --- watches; lock held --- */

static int
start(struct kqwatches *ws)
{

	if (ws->ifd != -1)
		return 0;
	ws->ifd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	ws->quit = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ws->lostfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (ws->ifd != -1 && ws->quit != -1 && ws->lostfd != -1 &&
	    kern_thread(&ws->thread, watcher, ws))
		return 0;
	if (ws->ifd != -1)
		close(ws->ifd);
	if (ws->quit != -1)
		close(ws->quit);
	if (ws->lostfd != -1)
		close(ws->lostfd);
	ws->ifd = ws->quit = ws->lostfd = -1;
	return RUMP_ENFILE;
}

/* The watch of the file behind hfd. */
static int
get(struct kqwatches *ws, int hfd, struct kqwatch **wp)
{
	char name[PATH_PROCFD];
	struct kqwatch *w;
	int wd;

	path_procfd(name, hfd);
	wd = inotify_add_watch(ws->ifd, name, EVENTS);
	if (wd == -1)
		return errno == ENOSPC ? RUMP_ENFILE : kern_errno();
	w = find(ws, wd);
	if (w == NULL) {
		w = calloc(1, sizeof(*w));
		if (w == NULL) {
			(void)inotify_rm_watch(ws->ifd, wd);
			return RUMP_ENOMEM;
		}
		w->wd = wd;
		LIST_INSERT_HEAD(&ws->bucket[(unsigned)wd % BUCKETS], w,
		    link);
	}
	*wp = w;
	return 0;
}

/* Wakes who waits for the queue's events when news are lost. */
static int
hear_lost(struct kqwatches *ws, struct kqueue *kq)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
	    .data = { .ptr = NULL } };

	if (epoll_ctl(kq->epfd, EPOLL_CTL_ADD, ws->lostfd, &ev) == 0 ||
	    errno == EEXIST)
		return 0;
	return kern_errno();
}

int
kqwatch_add(struct hostkern *hk, struct knote *kn, int hfd)
{
	struct kqwatches *ws = watches_of(hk);
	struct kqwatch *w;
	int error;

	error = hostfd_charge(kn->kq->p, &kn->payer);
	if (error == 0)
		error = cred_assume_server(hk);
	if (error != 0)
		return error;
	knote_set_wants(kn);
	pthread_mutex_lock(&ws->lock);
	error = start(ws);
	if (error == 0)
		error = hear_lost(ws, kn->kq);
	if (error == 0)
		error = get(ws, hfd, &w);
	if (error == 0) {
		/* What has happened until now is no news. */
		take(ws);
		LIST_INSERT_HEAD(&w->notes, kn, told);
		kn->watch = w;
	}
	pthread_mutex_unlock(&ws->lock);
	return error;
}

void
kqwatch_remove(struct hostkern *hk, struct knote *kn)
{
	struct kqwatches *ws = watches_of(hk);
	struct kqwatch *w = kn->watch;

	pthread_mutex_lock(&ws->lock);
	LIST_REMOVE(kn, told);
	if (LIST_EMPTY(&w->notes)) {
		/* EINVAL: the host has done so, its file system is gone. */
		(void)inotify_rm_watch(ws->ifd, w->wd);
		LIST_REMOVE(w, link);
		free(w);
	}
	pthread_mutex_unlock(&ws->lock);
}

int
kqwatch_create(struct hostkern *hk)
{
	struct kqwatches *ws;
	unsigned i;

	ws = calloc(1, sizeof(*ws));
	if (ws == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&ws->lock, NULL);
	ws->ifd = ws->quit = ws->lostfd = -1;
	for (i = 0; i < BUCKETS; i++)
		LIST_INIT(&ws->bucket[i]);
	hk->ext[KERN_SLOT_KQWATCH] = ws;
	return 0;
}

void
kqwatch_destroy(struct hostkern *hk)
{
	struct kqwatches *ws = watches_of(hk);

	if (ws == NULL)
		return;
	if (ws->ifd != -1) {
		(void)eventfd_write(ws->quit, 1);
		pthread_join(ws->thread, NULL);
		close(ws->ifd);
		close(ws->quit);
		close(ws->lostfd);
	}
	pthread_mutex_destroy(&ws->lock);
	free(ws);
	hk->ext[KERN_SLOT_KQWATCH] = NULL;
}
