/*
 * Signals, the sets they come in, and notification by signal.
 */
#ifndef RUMP_RUMPDEFS_SIGNAL_H
#define RUMP_RUMPDEFS_SIGNAL_H

#include <stdint.h>

#define RUMP_SIGHUP		1
#define RUMP_SIGINT		2
#define RUMP_SIGQUIT		3
#define RUMP_SIGILL		4
#define RUMP_SIGTRAP		5
#define RUMP_SIGABRT		6
#define RUMP_SIGIOT		RUMP_SIGABRT
#define RUMP_SIGEMT		7	/* not on Linux/amd64 */
#define RUMP_SIGFPE		8
#define RUMP_SIGKILL		9
#define RUMP_SIGBUS		10
#define RUMP_SIGSEGV		11
#define RUMP_SIGSYS		12
#define RUMP_SIGPIPE		13
#define RUMP_SIGALRM		14
#define RUMP_SIGTERM		15
#define RUMP_SIGURG		16
#define RUMP_SIGSTOP		17
#define RUMP_SIGTSTP		18
#define RUMP_SIGCONT		19
#define RUMP_SIGCHLD		20
#define RUMP_SIGTTIN		21
#define RUMP_SIGTTOU		22
#define RUMP_SIGIO		23
#define RUMP_SIGXCPU		24
#define RUMP_SIGXFSZ		25
#define RUMP_SIGVTALRM		26
#define RUMP_SIGPROF		27
#define RUMP_SIGWINCH		28
#define RUMP_SIGINFO		29	/* not on Linux */
#define RUMP_SIGUSR1		30
#define RUMP_SIGUSR2		31
#define RUMP_SIGPWR		32
#define RUMP_SIGRTMIN		33
#define RUMP_SIGRTMAX		63
#define RUMP_NSIG		64

/* Signal n is bit (n - 1) % 32 of word (n - 1) / 32. */
struct rump_sigset {
	uint32_t bits[4];
};

static inline void
rump_sigemptyset(struct rump_sigset *set)
{

	set->bits[0] = set->bits[1] = set->bits[2] = set->bits[3] = 0;
}

/* Numbers outside 1..127 are ignored. */
static inline void
rump_sigaddset(struct rump_sigset *set, int signo)
{

	if (signo >= 1 && signo <= 127)
		set->bits[(signo - 1) / 32] |= UINT32_C(1) << (signo - 1) % 32;
}

static inline int
rump_sigismember(const struct rump_sigset *set, int signo)
{

	if (signo < 1 || signo > 127)
		return 0;
	return (set->bits[(signo - 1) / 32] >> (signo - 1) % 32) & 1;
}

union rump_sigval {
	int32_t sival_int;
	void *sival_ptr;
};

struct rump_sigevent {
	int32_t sigev_notify;
	int32_t sigev_signo;
	union rump_sigval sigev_value;
	void *sigev_function;
	void *sigev_attributes;
};

#define RUMP_SIGEV_NONE		0
#define RUMP_SIGEV_SIGNAL	1
#define RUMP_SIGEV_THREAD	2
#define RUMP_SIGEV_SA		3

#endif
