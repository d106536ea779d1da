/* Signal numbers and sets. */
#include <signal.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair signals[] = {
	{ RUMP_SIGHUP, SIGHUP },
	{ RUMP_SIGINT, SIGINT },
	{ RUMP_SIGQUIT, SIGQUIT },
	{ RUMP_SIGILL, SIGILL },
	{ RUMP_SIGTRAP, SIGTRAP },
	{ RUMP_SIGABRT, SIGABRT },
	{ RUMP_SIGFPE, SIGFPE },
	{ RUMP_SIGKILL, SIGKILL },
	{ RUMP_SIGBUS, SIGBUS },
	{ RUMP_SIGSEGV, SIGSEGV },
	{ RUMP_SIGSYS, SIGSYS },
	{ RUMP_SIGPIPE, SIGPIPE },
	{ RUMP_SIGALRM, SIGALRM },
	{ RUMP_SIGTERM, SIGTERM },
	{ RUMP_SIGURG, SIGURG },
	{ RUMP_SIGSTOP, SIGSTOP },
	{ RUMP_SIGTSTP, SIGTSTP },
	{ RUMP_SIGCONT, SIGCONT },
	{ RUMP_SIGCHLD, SIGCHLD },
	{ RUMP_SIGTTIN, SIGTTIN },
	{ RUMP_SIGTTOU, SIGTTOU },
	{ RUMP_SIGIO, SIGIO },
	{ RUMP_SIGXCPU, SIGXCPU },
	{ RUMP_SIGXFSZ, SIGXFSZ },
	{ RUMP_SIGVTALRM, SIGVTALRM },
	{ RUMP_SIGPROF, SIGPROF },
	{ RUMP_SIGWINCH, SIGWINCH },
	{ RUMP_SIGUSR1, SIGUSR1 },
	{ RUMP_SIGUSR2, SIGUSR2 },
	{ RUMP_SIGPWR, SIGPWR },
};

int
rump_conv_signo_to_host(int nb)
{
	int host;

	if (nb >= RUMP_SIGRTMIN && nb <= RUMP_SIGRTMAX) {
		host = SIGRTMIN + (nb - RUMP_SIGRTMIN);
		return host <= SIGRTMAX ? host : 0;
	}
	if (!abi_to_host(signals, ABI_COUNT(signals), nb, &host))
		return 0;
	return host;
}

int
rump_conv_signo_from_host(int host)
{
	int nb;

	if (host >= SIGRTMIN && host <= SIGRTMAX) {
		nb = RUMP_SIGRTMIN + (host - SIGRTMIN);
		return nb <= RUMP_SIGRTMAX ? nb : 0;
	}
	if (!abi_from_host(signals, ABI_COUNT(signals), host, &nb))
		return 0;
	return nb;
}

void
rump_conv_sigset_to_host(const struct rump_sigset *nb, sigset_t *host)
{
	int n, h;

	sigemptyset(host);
	for (n = 1; n < RUMP_NSIG; n++) {
		if (!rump_sigismember(nb, n))
			continue;
		h = rump_conv_signo_to_host(n);
		if (h != 0)
			sigaddset(host, h);
	}
}

void
rump_conv_sigset_from_host(const sigset_t *host, struct rump_sigset *nb)
{
	int h;

	rump_sigemptyset(nb);
	for (h = 1; h <= SIGRTMAX; h++) {
		if (sigismember(host, h) == 1)
			rump_sigaddset(nb, rump_conv_signo_from_host(h));
	}
}
