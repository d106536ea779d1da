/*
 * Signals around a call.
 *
 * Every entry into the library holds back all signals that can be held back
 * (all but those that a fault in this very thread causes), so no handler runs
 * while a lock or the reader's role is held.  They are let through at points
 * where nothing is held: sig_open() and the waits that say so.
 *
 * Thread cancellation: disabled from entry to leave.  A rump call is not a
 * cancellation point; a request made meanwhile takes effect at the thread's
 * next cancellation point outside.
 */
#ifndef RUMPGEN_CLIENT_SIGWAIT_H
#define RUMPGEN_CLIENT_SIGWAIT_H

#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>

/* What an entry point changed and puts back. */
struct entry {
	sigset_t mask;		/* the caller's signal mask */
	int cancelstate;
	int saved_errno;
};

/* Masks signals, disables cancellation, remembers errno. */
void entry_begin(struct entry *e);
/* Puts everything back; errno as it was. */
void entry_end(struct entry *e);
/* The same but with errno set to `error`, unless that is 0. */
void entry_end_errno(struct entry *e, int error);

/* Signals held back from here on / let through as the caller had them. */
void sig_close(void);
void sig_open(const struct entry *e);

/* Lets pending handlers run.  Nothing may be held. */
void sig_breathe(const struct entry *e);

/* Waits on sem with signals open, at most `ms` milliseconds.  Nothing may be
 * held.  Returns whether it has taken a post; may return early without. */
bool sig_semwait(const struct entry *e, sem_t *sem, unsigned ms);

/* Raises host signal signo so that its handler runs when signals are next
 * open: for the process, or, for the signals that are never held back, for
 * this thread, where it is now blocked until sig_open(). */
void sig_raise(int signo);

/* Notices signals while they are held back: a signalfd(2) on Linux. */
struct sigwait {
	int fd;			/* -1: none */
	sigset_t set;		/* what fd is armed for */
};

/* Opens it.  Returns 0 or a host errno. */
int sigwait_open(struct sigwait *w);
void sigwait_close(struct sigwait *w);

/*
 * poll(2) on up to SIGWAIT_MAXFD descriptors that also ends when a signal is
 * pending that the entry's caller does not block.  *pending says whether.
 * Returns as poll does; EINTR may happen.
 */
#define SIGWAIT_MAXFD	2
int sigwait_poll(struct sigwait *w, const struct entry *e, struct pollfd *fds,
    nfds_t nfds, int timeout_ms, bool *pending);

/* Arms fd for every signal: what an image of NetBSD's library expects. */
void sigwait_arm_all(struct sigwait *w);

#endif
