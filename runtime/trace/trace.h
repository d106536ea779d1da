/*
 * The call tracer: one line a call, in the manner of strace.
 *
 *	[4711 4713] open("/etc/motd", O_RDWR|O_CREAT, 0644) = 3 <0.000123>
 *	[4711 4711] read(9, 0x7ffe0, 10) = -1 EBADF (Bad file descriptor) <0.000087>
 *
 * In brackets the host's process and thread.  A second result, where the call
 * has one, follows the first: `pipe() = 3 [4]`.
 *
 * RUMPCLIENT_TRACE in the environment switches it on: `stderr`, or the name of
 * a file that is made or appended to.  Each line is one write(2), so threads
 * and processes do not mix theirs.  Nothing in here allocates or changes
 * errno; everything may be called from any thread and from signal handlers.
 */
#ifndef RUMPGEN_TRACE_TRACE_H
#define RUMPGEN_TRACE_TRACE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads the environment (not in a set-user-ID program).  Later calls do
 * nothing.  A file that cannot be opened costs one line on stderr.
 */
void rump_trace_init(void);

/* Whether a call is worth the trouble of measuring its time. */
bool rump_trace_enabled(void);

/*
 * A call is over: its number, its arguments in wire form (nargs slots of 8
 * bytes), its results, its NetBSD errno (0: success) and how long it took.
 * Memory that arguments point at is read now, and need not be there.
 */
void rump_trace_call(int num, const uint64_t *args, size_t nargs,
    const register_t retval[2], int error, uint64_t elapsed_ns);

#endif
