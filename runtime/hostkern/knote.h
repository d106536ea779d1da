/*
 * The inside of kqueue: queues, their notes, and the filters that know when
 * something has happened.
 *
 * A queue is an epoll instance of the host, so it can be polled like any
 * descriptor, and the host wakes whoever waits.  In it are duplicates of the
 * guest's descriptors for READ and WRITE, a timerfd for each TIMER, and one
 * eventfd of the queue's for all notes that this kernel itself announces (USER,
 * SIGNAL, PROC, VNODE, and regular files).  What is said to have happened is
 * only a hint: it puts the note among the ready ones, and the note's filter
 * looks for itself before an event is returned.  Of a note that is ready in
 * the host's eyes but not in the filter's (a socket without a connection, fewer
 * bytes than it wants) epoll is to tell only what is new, until it is.
 *
 * Locks, in this order:
 *
 *	kqproc.lock	a process's queues and their notes
 *	knsource.lock	who is to hear of something (a process, a signal);
 *			kqwatches.lock for files
 *	kqueue.mail_lock	what notes of the queue have been told; the last
 */
#ifndef RUMPGEN_HOSTKERN_KNOTE_H
#define RUMPGEN_HOSTKERN_KNOTE_H

#include <sys/queue.h>
#include <sys/types.h>

#include <pthread.h>
#include <time.h>

#include "hostkern/kern.h"
#include "hostkern/kqueue.h"

TAILQ_HEAD(knqueue, knote);

/*
 * A process as queues see it: its own, and those that watch it.  It stays as
 * long as one of those does.
 */
struct kqproc {
	atomic_uint refs;
	struct rumpserver_account *account;
	pthread_mutex_t lock;
	struct knlist *onfd;	/* notes on a descriptor, by its number */
	unsigned nonfd;
	atomic_uint nfdnotes;	/* how many those are; changed with the lock
				 * held */
	struct knsource signals;	/* its own EVFILT_SIGNAL notes */
	struct knsource watchers;	/* others' EVFILT_PROC notes */
	bool gone;		/* watchers.lock */
};

struct knote {
	struct kqueue *kq;
	LIST_ENTRY(knote) byident;	/* kq->hash */
	LIST_ENTRY(knote) onfd;		/* kqproc.onfd */
	LIST_ENTRY(knote) regular;	/* kq->regulars, or kq->vnodes */
	TAILQ_ENTRY(knote) ready;	/* kq->ready */
	struct rump_kevent kev;	/* ident, filter, kept flags, asked-for
				 * fflags and data, udata */
	const struct file *of;	/* what ident is a descriptor of, or NULL; only
				 * to be compared */
	int efd;		/* in epoll; -1: it is announced */
	struct rumpserver_account *payer;	/* for efd, or watch */
	struct file *file;	/* a regular one, or NULL */
	struct file *socket;	/* or NULL */
	bool enabled;
	bool isready;
	bool edge;		/* epoll is to tell only what is new */
	bool exited;		/* PROC: there is no more to come */
	uint32_t fflags;	/* what happened */
	uint32_t mask;		/* VNODE: what inotify says happened */
	int64_t count;		/* how often; PROC: what it says as data */
	struct stat_seen {	/* VNODE: of the file when last seen */
		int64_t size;
		nlink_t nlink;
		struct timespec mtime, ctime;
	} seen;

	/* Who tells it: the source's lock. */
	LIST_ENTRY(knote) told;
	struct knsource *source;	/* PROC, SIGNAL; immutable */
	struct kqproc *target;		/* PROC: whose source that is */
	struct kqwatch *watch;		/* regular files; kqwatches.lock */

	/* kq->mail_lock */
	TAILQ_ENTRY(knote) mail;
	bool mailed;
	bool born;		/* by NOTE_TRACK; not in the hash yet */
	uint32_t wants;		/* which news */
	uint32_t news;
	unsigned nnews;
};

struct kqueue {
	struct kproc *p;	/* whose it is; not inherited, not passed */
	struct kqproc *kp;
	int epfd;
	int wakefd;		/* eventfd: a note was announced; -1: none
				 * needed yet */
	struct rumpserver_account *payer;	/* for wakefd */
	struct knlist *hash;	/* notes by ident and filter */
	unsigned nhash;		/* a power of 2, or 0 */
	unsigned nnotes;
	unsigned nwatches;	/* notes with a watch */
	struct knlist vnodes;	/* VNODE: they look when news were lost */
	unsigned lost;		/* kqwatch_lost() when last asked */
	struct knlist regulars;	/* READ of regular files: whoever reads or
				 * seeks tells nobody */
	struct knqueue ready;	/* enabled notes that are to be looked at */
	unsigned nready;
	unsigned nannounced;	/* of those that epoll does not mention */
	pthread_mutex_t mail_lock;
	struct knqueue mail;	/* notes with news; mail_lock */
	bool woken;		/* wakefd is readable; mail_lock */
};

/* --- filters; the process's lock held --- */

struct kqfilter {
	/* Sets efd, or who tells it.  The file is that of ident, if it is a
	 * descriptor.  Returns a NetBSD errno. */
	int (*attach)(struct kproc *, struct knote *, struct file *);
	/* Whether there is an event: fills in its flags and data. */
	bool (*happened)(struct knote *, struct rump_kevent *);
	bool isfd;		/* ident is a descriptor */
};

/* The filter of that number, NULL if there is none. */
const struct kqfilter *kqfilter_find(uint32_t n);

/* Is it an EVFILT_READ of a regular file? */
static inline bool
knote_is_regular(const struct knote *kn)
{

	return kn->file != NULL && kn->kev.filter == RUMP_EVFILT_READ;
}

/* What a PROC note wants to be told, after its fflags were set. */
void knote_set_wants(struct knote *);
/* Starts the note's timerfd as its event says.  Returns a NetBSD errno. */
int knote_set_timer(struct knote *kn);

/* --- queues; these take the process's lock --- */

/* Makes one change; f is the file of its ident if that is a descriptor.
 * Returns a NetBSD errno. */
int kqueue_change(struct kqueue *kq, const struct rump_kevent *kev,
    struct file *f);
/* Takes at most max events out of it; returns how many. */
size_t kqueue_scan(struct kqueue *kq, struct rump_kevent *events, size_t max);

/* --- what notes are told (kqnews.c) --- */

struct kqproc *kqproc_of(const struct kproc *);
struct kqproc *kqproc_ref(struct kqproc *);
void kqproc_put(struct kqproc *);

/* A note without anything, paid for; NULL: no memory for that process. */
struct knote *knote_alloc(struct kqueue *);
/* After knote_silence(). */
void knote_free(struct knote *);

/* News for a note; the lock of who tells it held. */
void knote_tell(struct knote *, uint32_t news);
/* From now on the source tells it; false: it has gone. */
bool knote_listen(struct knote *, struct knsource *, struct kqproc *target);
/* Nobody tells it anything from now on, and it forgets what it was told. */
void knote_silence(struct knote *);
/* Those with news, which *born, *news and *n say; NULL: no more. */
struct knote *kqueue_mail(struct kqueue *, bool *born, uint32_t *news,
    unsigned *n);

/* --- files (kqwatch.c) --- */

/* Tells the note what happens to its file; what inotify calls it.  Its process
 * pays as for a descriptor: the host allows the server a number of them. */
int kqwatch_add(struct hostkern *, struct knote *, int hfd);
void kqwatch_remove(struct hostkern *, struct knote *);
/* Tells what has happened until now. */
void kqwatch_look(struct hostkern *);
/* How often the host has lost news: nobody knows whose. */
unsigned kqwatch_lost(const struct hostkern *);
int kqwatch_create(struct hostkern *);
void kqwatch_destroy(struct hostkern *);

#endif
