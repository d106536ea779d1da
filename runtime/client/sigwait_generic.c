/*
 * Noticing held-back signals without signalfd(2): the wait is cut into
 * slices, and sigpending(2) asked between them.
 *
 * Not for Linux, except in the tests of this file, which define
 * RUMPCLIENT_GENERIC_SIGWAIT.
 */
#if !defined(__linux__) || defined(RUMPCLIENT_GENERIC_SIGWAIT)

#include <errno.h>

#include "client/sigwait.h"

/* How late a handler may run, in milliseconds. */
#define SLICE	20

int
sigwait_open(struct sigwait *w)
{

	sigemptyset(&w->set);
	w->fd = -1;
	return 0;
}

void
sigwait_close(struct sigwait *w)
{

	w->fd = -1;
}

void
sigwait_arm_all(struct sigwait *w)
{

	(void)w;
}

static bool
deliverable(const struct entry *e)
{
	sigset_t set;
	int signo;

	if (sigpending(&set) == -1)
		return false;
	for (signo = 1; signo < NSIG; signo++) {
		if (sigismember(&set, signo) == 1 &&
		    sigismember(&e->mask, signo) == 0)
			return true;
	}
	return false;
}

int
sigwait_poll(struct sigwait *w, const struct entry *e, struct pollfd *fds,
    nfds_t nfds, int timeout_ms, bool *pending)
{
	int n, slice;

	(void)w;
	for (;;) {
		*pending = deliverable(e);
		if (*pending)
			return poll(fds, nfds, 0);
		slice = timeout_ms >= 0 && timeout_ms < SLICE ?
		    timeout_ms : SLICE;
		n = poll(fds, nfds, slice);
		if (n != 0)
			return n;
		if (timeout_ms >= 0 && (timeout_ms -= slice) <= 0)
			return 0;
	}
}

#endif
