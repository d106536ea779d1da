/*
 * Time as NetBSD/amd64 lays it out: clocks, timers, and the structures of
 * today and of before NetBSD 6, the "50" ones.
 */
#ifndef RUMP_RUMPDEFS_TIME_H
#define RUMP_RUMPDEFS_TIME_H

#include <stdint.h>

struct rump_timespec {
	int64_t tv_sec;
	int64_t tv_nsec;
};

struct rump_timeval {
	int64_t tv_sec;
	int32_t tv_usec;		/* four bytes, then padding */
	int32_t rump_pad;		/* ours: keeps the padding defined */
};

struct rump_timespec50 {
	int32_t tv_sec;
	int32_t rump_pad;		/* ours */
	int64_t tv_nsec;
};

struct rump_timeval50 {
	int64_t tv_sec;			/* a long even then */
	int64_t tv_usec;
};

struct rump_itimerval {
	struct rump_timeval it_interval;
	struct rump_timeval it_value;
};

struct rump_itimerspec {
	struct rump_timespec it_interval;
	struct rump_timespec it_value;
};

/* The second argument of gettimeofday; always zero. */
struct rump_timezone {
	int32_t tz_minuteswest;
	int32_t tz_dsttime;
};

typedef int32_t rump_clockid_t;
typedef int32_t rump_timer_t;

#define RUMP_CLOCK_REALTIME	0
#define RUMP_CLOCK_VIRTUAL	1	/* user time of the process */
#define RUMP_CLOCK_PROF		2	/* user and system time */
#define RUMP_CLOCK_MONOTONIC	3
/* CPU time of one lwp or process: the base plus its id, 0 for oneself. */
#define RUMP_CLOCK_THREAD_CPUTIME_ID	0x20000000
#define RUMP_CLOCK_PROCESS_CPUTIME_ID	0x40000000

#define RUMP_ITIMER_REAL	0
#define RUMP_ITIMER_VIRTUAL	1
#define RUMP_ITIMER_PROF	2
#define RUMP_ITIMER_MONOTONIC	3

/* timer_settime, clock_nanosleep */
#define RUMP_TIMER_RELTIME	0
#define RUMP_TIMER_ABSTIME	1

/* Instead of nanoseconds, in utimensat and futimens. */
#define RUMP_UTIME_NOW		0x3fffffff
#define RUMP_UTIME_OMIT		0x3ffffffe

#endif
