/*
 * The server's clocks, its timers, and sleeping by them.
 *
 * Times are nanoseconds in an int64_t, which lasts until the year 2262.
 */
#ifndef RUMPGEN_HOSTKERN_KTIME_H
#define RUMPGEN_HOSTKERN_KTIME_H

#include <stdbool.h>
#include <stdint.h>

#include "hostkern/kern.h"

#define KTIME_SEC	INT64_C(1000000000)

enum {
	KTIME_HZ = 100,			/* kern.clockrate */
	KTIME_TICK = 1000000000 / KTIME_HZ,	/* ns; timers' shortest period */
};

/*
 * CLOCK_REALTIME of a server is the host's plus what guests have set: a
 * superuser of a guest sets the clock of its server, never the host's.
 * CLOCK_MONOTONIC is the host's.  EINVAL: another clock.
 */
int ktime_get(struct hostkern *, rump_clockid_t, int64_t *ns);
int64_t ktime_uptime(void);		/* CLOCK_MONOTONIC */
int64_t ktime_boottime(struct hostkern *);	/* when uptime was 0 */

/*
 * EINVAL unless nanoseconds (microseconds) are in range.  Seconds too large
 * for *ns become the largest or least value.
 */
int ktime_fromspec(const struct rump_timespec *, int64_t *ns);
int ktime_fromval(const struct rump_timeval *, int64_t *ns);
struct rump_timespec ktime_tospec(int64_t ns);
struct rump_timeval ktime_toval(int64_t ns);

/* a + b without overflow; neither is negative. */
int64_t ktime_add(int64_t a, int64_t b);

/*
 * Sleeps until `deadline` on the uptime clock: EWOULDBLOCK when the time is
 * over, EINTR; 0 when one of the fds is ready.
 */
int ktime_wait(struct lwp *, struct pollfd *fds, nfds_t, int64_t deadline);
/* The same for rumpserver_sleep(); INT64_MAX: for ever. */
int ktime_sleep(struct lwp *, struct pollfd *fds, nfds_t, int64_t deadline);

/* Timers (timers.c); the time module calls them. */
struct timerq;
int timerq_create(struct hostkern *, struct timerq **);
void timerq_destroy(struct timerq *);
struct timerq *ktime_timerq(struct hostkern *);
void timers_exec(struct kproc *);	/* those of timer_create go */
void timers_exit(struct kproc *);

extern const struct kern_module time_module;

#endif
