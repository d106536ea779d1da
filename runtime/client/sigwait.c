/*
 * Noticing held-back signals with signalfd(2).  It is never read: it only
 * tells that a handler is due.
 */
#ifdef __linux__

#include <sys/signalfd.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/sigwait.h"
#include "wire/host.h"
#include "wire/locator.h"

int
sigwait_open(struct sigwait *w)
{
	int fd;

	sigemptyset(&w->set);
	fd = signalfd(-1, &w->set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd != -1)
		fd = wire_fd_above_stdio(fd);
	w->fd = fd;
	return fd == -1 ? errno : 0;
}

void
sigwait_close(struct sigwait *w)
{

	if (w->fd != -1)
		host_close(w->fd);
	w->fd = -1;
}

static void
arm(struct sigwait *w, const sigset_t *set)
{

	if (memcmp(set, &w->set, sizeof(*set)) == 0)
		return;
	if (signalfd(w->fd, set, 0) != -1)
		w->set = *set;
}

void
sigwait_arm_all(struct sigwait *w)
{
	sigset_t set;

	if (w->fd == -1)
		return;
	sigfillset(&set);
	arm(w, &set);
}

int
sigwait_poll(struct sigwait *w, const struct entry *e, struct pollfd *fds,
    nfds_t nfds, int timeout_ms, bool *pending)
{
	struct pollfd p[SIGWAIT_MAXFD + 1];
	sigset_t set;
	int n, signo;

	/* Only what would be delivered: one that the caller blocks may stay
	 * pending for ever. */
	sigfillset(&set);
	for (signo = 1; signo <= SIGRTMAX; signo++) {
		if (sigismember(&e->mask, signo) == 1)
			sigdelset(&set, signo);
	}
	arm(w, &set);

	memcpy(p, fds, nfds * sizeof(*p));
	p[nfds] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
	n = poll(p, nfds + 1, timeout_ms);
	memcpy(fds, p, nfds * sizeof(*p));
	*pending = n > 0 && p[nfds].revents != 0;
	return n;
}

#endif
