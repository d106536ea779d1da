/*
 * A host kernel behind a server in a process of its own, for tests that are
 * its clients with the real client library.
 */
#ifndef RUMPGEN_TESTS_HOSTKERN_HOST_H
#define RUMPGEN_TESTS_HOSTKERN_HOST_H

#include <sys/types.h>

#include <check.h>
#include <errno.h>
#include <stdbool.h>

/*
 * Starts a server on an empty root of its own, points RUMP_SERVER at it and
 * connects.  host_stop ends it, and fails the test unless the server came to
 * a clean end: all guests gone, no leak, no report of a sanitizer.  To be used
 * as a checked fixture.  in_event_loop (ways.h) says how the server runs.
 */
void host_start(void);
void host_stop(void);

/* The root, as the host names it. */
const char *host_root(void);

/*
 * A guest of its own: runs body in a child that shares the server's process
 * with nobody (a fork through the client library when `forked`, else a plain
 * fork and a new connection), and returns the child's pid.  The child exits
 * with what body returns.
 */
pid_t guest_start(bool forked, int (*body)(void *), void *arg);
/* Its exit status; -1 when a signal ended it. */
int guest_wait(pid_t);

/* A pipe of the host, to tell one process that another has come so far. */
struct gate {
	int fd[2];
};
void gate_init(struct gate *);
void gate_open(struct gate *);
void gate_pass(struct gate *);		/* waits */

/* A call of a client's stub fails with this errno of the host's. */
#define ck_fails(call, error)	do {			\
	ck_assert_int_eq((call), -1);			\
	ck_assert_int_eq(errno, (error));		\
} while (0)

/* Microseconds of the host's monotonic clock. */
long long clock_us(void);
long long patience_us(void);	/* of tests/lib/suite.h */

#endif
