/*
 * Holding signals back and letting them through.
 */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "client/sigwait.h"

/* Faults of the thread itself: holding these back would only turn a handler
 * into a kill.  (SIGABRT is none: abort(3) unblocks it, and others send it.) */
static const int synchronous[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS
};
#define NSYNCHRONOUS	(sizeof(synchronous) / sizeof(synchronous[0]))

static void
held_back(sigset_t *set)
{
	size_t i;

	sigfillset(set);
	for (i = 0; i < NSYNCHRONOUS; i++)
		sigdelset(set, synchronous[i]);
}

void
entry_begin(struct entry *e)
{
	sigset_t set;

	e->saved_errno = errno;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &e->cancelstate);
	held_back(&set);
	pthread_sigmask(SIG_BLOCK, &set, &e->mask);
}

void
entry_end(struct entry *e)
{

	pthread_sigmask(SIG_SETMASK, &e->mask, NULL);
	pthread_setcancelstate(e->cancelstate, NULL);
	errno = e->saved_errno;
}

void
entry_end_errno(struct entry *e, int error)
{

	if (error != 0)
		e->saved_errno = error;
	entry_end(e);
}

void
sig_close(void)
{
	sigset_t set;

	held_back(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void
sig_open(const struct entry *e)
{

	pthread_sigmask(SIG_SETMASK, &e->mask, NULL);
}

void
sig_breathe(const struct entry *e)
{

	sig_open(e);
	sig_close();
}

bool
sig_semwait(const struct entry *e, sem_t *sem, unsigned ms)
{
	struct timespec until;
	bool taken;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	sig_open(e);
	taken = sem_timedwait(sem, &until) == 0;
	sig_close();
	return taken;
}

void
sig_raise(int signo)
{
	sigset_t set;
	size_t i;

	for (i = 0; i < NSYNCHRONOUS; i++) {
		if (synchronous[i] != signo)
			continue;
		sigemptyset(&set);
		sigaddset(&set, signo);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		raise(signo);
		return;
	}
	kill(getpid(), signo);
}
