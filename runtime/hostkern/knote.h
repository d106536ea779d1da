/*
 * The inside of kqueue: queues, their notes, and the filters that know when
 * something has happened.
 *
 * A queue is an epoll instance of the host.  Every note in it has a host
 * descriptor of its own there, so that the host wakes whoever waits: a
 * duplicate of the guest's file for READ and WRITE, an inotify for VNODE and
 * for READ at the end of a regular file, a timerfd for TIMER, an eventfd for
 * what this kernel itself announces (USER, SIGNAL, PROC).  What epoll says is
 * only a hint; the note's filter looks for itself before an event is
 * returned.  A queue can be polled like any descriptor.
 */
#ifndef RUMPGEN_HOSTKERN_KNOTE_H
#define RUMPGEN_HOSTKERN_KNOTE_H

#include <sys/types.h>

#include <pthread.h>

#include "hostkern/kern.h"

struct knote {
	struct knote *next;
	struct rump_kevent kev;	/* ident, filter, kept flags, asked-for
				 * fflags and data, udata */
	int efd;		/* in epoll; -1: none */
	int ofd;		/* the file, if efd is another; -1: none */
	bool enabled;
	bool hit;		/* epoll has mentioned it */
	bool regular;		/* READ of a regular file */
	bool socket;
	bool exited;		/* PROC: there is no more to come */
	uint32_t fflags;	/* what happened */
	int64_t count;		/* how often; PROC: what it says as data */
	int64_t size;		/* VNODE: of the file when last seen */
	nlink_t nlink;
};

struct kqueue {
	struct kqueue *next, **prevp;	/* kqueues.lock */
	struct kproc *p;	/* whose it is; not inherited, not passed */
	int epfd;
	pthread_mutex_t lock;	/* guards the notes */
	struct knote *notes, **tail;
	unsigned nnotes;
};

/* --- filters; the queue's lock held --- */

struct kqfilter {
	/* Sets efd, and what else the filter needs.  The file is that of
	 * ident, if it is a descriptor.  Returns a NetBSD errno. */
	int (*attach)(struct kproc *, struct knote *, const struct file *);
	/* Whether there is an event: fills in its flags and data. */
	bool (*happened)(struct knote *, struct rump_kevent *);
	bool isfd;		/* ident is a descriptor */
	bool eventfd;		/* we set it: to be taken back by EV_CLEAR */
};

/* The filter of that number, NULL if there is none. */
const struct kqfilter *kqfilter_find(uint32_t n);

/* Makes the note's eventfd ready. */
void knote_event_set(struct knote *kn);
/* timerfd and eventfd alike: how much it has counted, 0 if nothing. */
uint64_t knote_event_take(struct knote *kn);
/* Starts the note's timerfd as its event says.  Returns a NetBSD errno. */
int knote_set_timer(struct knote *kn);

/* --- queues; these take the lock --- */

/* Makes one change; f is the file of its ident if that is a descriptor.
 * Returns a NetBSD errno. */
int kqueue_change(struct kqueue *kq, const struct rump_kevent *kev,
    const struct file *f);
/* Takes at most max events out of it; returns how many. */
size_t kqueue_scan(struct kqueue *kq, struct rump_kevent *events, size_t max);

#endif
