/*
 * Clocks and sleeping.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define TS(x)	((struct timespec *)(x))
#define TV(x)	((struct timeval *)(x))

enum { NOWHERE = 8 };	/* no address */

static int64_t
host_clock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static int64_t
rump_clock(clockid_t id)
{
	struct rump_timespec ts;

	ck_assert_int_eq(rump_sys_clock_gettime(id, TS(&ts)), 0);
	ck_assert(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

START_TEST(clocks_are_the_hosts)
{
	int64_t before, now;

	before = host_clock(CLOCK_REALTIME);
	now = rump_clock(RUMP_CLOCK_REALTIME);
	ck_assert_int_ge(now, before);
	ck_assert_int_le(now, host_clock(CLOCK_REALTIME));
	before = host_clock(CLOCK_MONOTONIC);
	now = rump_clock(RUMP_CLOCK_MONOTONIC);
	ck_assert_int_ge(now, before);
	ck_assert_int_le(now, host_clock(CLOCK_MONOTONIC));
}
END_TEST

START_TEST(other_clocks_are_none)
{
	static const int ids[] = { RUMP_CLOCK_VIRTUAL, RUMP_CLOCK_PROF, 4, -1,
	    1000 };
	struct rump_timespec ts = { 1, 1 };
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		ck_assert_int_eq(rump_sys_clock_gettime(ids[i], TS(&ts)), -1);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_int_eq(rump_sys_clock_getres(ids[i], TS(&ts)), -1);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_int_eq(rump_sys_clock_settime(ids[i], TS(&ts)), -1);
		ck_assert_int_eq(errno, EINVAL);
		ck_assert_int_eq(rump_sys_clock_nanosleep(ids[i], 0, TS(&ts),
		    NULL), EINVAL);
	}
	ck_assert_int_eq(rump_sys_clock_getres(RUMP_CLOCK_MONOTONIC, TS(&ts)),
	    0);
	ck_assert(ts.tv_sec == 0 && ts.tv_nsec == 1);
	ck_assert_int_eq(rump_sys_clock_getres(RUMP_CLOCK_REALTIME, NULL), 0);
}
END_TEST

START_TEST(time_of_day)
{
	struct rump_timezone tz = { 1, 1 };
	struct rump_timeval tv;
	int64_t before, now;

	before = host_clock(CLOCK_REALTIME) / 1000;
	memset(&tv, 0xff, sizeof(tv));
	ck_assert_int_eq(rump_sys_gettimeofday(TV(&tv), &tz), 0);
	now = tv.tv_sec * 1000000 + tv.tv_usec;
	ck_assert_int_ge(now, before);
	ck_assert_int_le(now, host_clock(CLOCK_REALTIME) / 1000);
	ck_assert_int_eq(tv.rump_pad, 0);
	ck_assert(tz.tz_minuteswest == 0 && tz.tz_dsttime == 0);
	ck_assert_int_eq(rump_sys_gettimeofday(NULL, NULL), 0);
}
END_TEST

static int
hour_ahead(void *arg)
{
	int64_t ahead;

	(void)arg;
	ahead = rump_clock(RUMP_CLOCK_REALTIME) - host_clock(CLOCK_REALTIME);
	return ahead / 1000000000 >= 3000 && ahead / 1000000000 <= 3600;
}

START_TEST(setting_is_for_the_server_alone)
{
	struct rump_timespec ts;
	struct rump_timeval tv;
	int64_t host;

	if (skip_unless_root())
		return;
	host = host_clock(CLOCK_REALTIME);
	ts.tv_sec = host / 1000000000 + 3600;
	ts.tv_nsec = host % 1000000000;
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_REALTIME, TS(&ts)),
	    0);
	ck_assert_int_eq(hour_ahead(NULL), 1);
	ck_assert_int_eq(guest_wait(guest_start(false, hour_ahead, NULL)), 1);
	ck_assert_int_lt(host_clock(CLOCK_REALTIME), host + 3000000000000);

	host = host_clock(CLOCK_REALTIME);
	tv = (struct rump_timeval){ .tv_sec = host / 1000000000,
	    .tv_usec = host % 1000000000 / 1000 };
	ck_assert_int_eq(rump_sys_settimeofday(TV(&tv), NULL), 0);
	ck_assert_int_eq(hour_ahead(NULL), 0);
	ck_assert_int_eq(rump_sys_settimeofday(NULL, NULL), 0);
}
END_TEST

START_TEST(setting_checks)
{
	struct rump_timespec ts = { .tv_sec = 1, .tv_nsec = 1000000000 };
	struct rump_timeval tv = { .tv_sec = 1, .tv_usec = -1 };

	if (skip_unless_root())
		return;
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_REALTIME, TS(&ts)),
	    -1);
	ck_assert_int_eq(errno, EINVAL);
	ts = (struct rump_timespec){ .tv_sec = INT64_MAX };
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_REALTIME, TS(&ts)),
	    -1);
	ck_assert_int_eq(errno, EINVAL);
	ts.tv_sec = -1;
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_REALTIME, TS(&ts)),
	    -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(rump_sys_settimeofday(TV(&tv), NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ts.tv_sec = 1;
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_MONOTONIC, TS(&ts)),
	    -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

START_TEST(setting_is_the_superusers)
{
	struct rump_timespec ts = { .tv_sec = 1 };
	struct rump_timeval tv = { .tv_sec = 1 };

	if (rump_sys_geteuid() == 0)
		ck_assert_int_eq(rump_sys_setuid(1000), 0);
	ck_assert_int_eq(rump_sys_clock_settime(RUMP_CLOCK_REALTIME, TS(&ts)),
	    -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(rump_sys_settimeofday(TV(&tv), NULL), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(rump_sys_adjtime(NULL, TV(&tv)), -1);
	ck_assert_int_eq(errno, EPERM);
}
END_TEST

START_TEST(adjusting_takes_its_time)
{
	struct rump_timeval delta = { .tv_sec = -2, .tv_usec = 500000 }, old;
	int64_t host;

	if (skip_unless_root())
		return;
	ck_assert_int_eq(rump_sys_adjtime(TV(&delta), TV(&old)), 0);
	ck_assert(old.tv_sec == 0 && old.tv_usec == 0);
	/* Nearly all is still to do, and no second has been skipped. */
	ck_assert_int_eq(rump_sys_adjtime(NULL, TV(&old)), 0);
	ck_assert(old.tv_sec == -2 && old.tv_usec >= 500000 &&
	    old.tv_usec < 600000);
	host = host_clock(CLOCK_REALTIME);
	ck_assert_int_gt(rump_clock(RUMP_CLOCK_REALTIME) - host, -100000000);
	delta = (struct rump_timeval){ .tv_sec = 0 };
	ck_assert_int_eq(rump_sys_adjtime(TV(&delta), NULL), 0);
	ck_assert_int_eq(rump_sys_adjtime(NULL, TV(&old)), 0);
	ck_assert(old.tv_sec == 0 && old.tv_usec == 0);
}
END_TEST

START_TEST(sleeps_at_least_as_long)
{
	struct rump_timespec rqt = { .tv_nsec = 30000000 }, rmt = { 5, 5 };
	long long start;

	start = clock_us();
	ck_assert_int_eq(rump_sys_nanosleep(TS(&rqt), TS(&rmt)), 0);
	ck_assert_int_ge(clock_us() - start, 30000);
	ck_assert(rmt.tv_sec == 0 && rmt.tv_nsec == 0);

	start = clock_us();
	ck_assert_int_eq(rump_sys_clock_nanosleep(RUMP_CLOCK_REALTIME, 0,
	    TS(&rqt), NULL), 0);
	ck_assert_int_ge(clock_us() - start, 30000);
}
END_TEST

START_TEST(sleeps_until)
{
	struct rump_timespec rqt, rmt = { 5, 5 };
	int64_t until;
	int id;

	for (id = RUMP_CLOCK_REALTIME; id <= RUMP_CLOCK_MONOTONIC;
	    id += RUMP_CLOCK_MONOTONIC - RUMP_CLOCK_REALTIME) {
		until = rump_clock(id) + 30000000;
		rqt.tv_sec = until / 1000000000;
		rqt.tv_nsec = until % 1000000000;
		ck_assert_int_eq(rump_sys_clock_nanosleep(id,
		    RUMP_TIMER_ABSTIME, TS(&rqt), TS(&rmt)), 0);
		ck_assert_int_ge(rump_clock(id), until);
		/* Its rest is not told when it was a time, not a duration. */
		ck_assert(rmt.tv_sec == 5 && rmt.tv_nsec == 5);
		/* That time is over now. */
		ck_assert_int_eq(rump_sys_clock_nanosleep(id,
		    RUMP_TIMER_ABSTIME, TS(&rqt), NULL), 0);
	}
}
END_TEST

START_TEST(sleeping_checks)
{
	struct rump_timespec rqt = { .tv_nsec = 1000000000 };

	ck_assert_int_eq(rump_sys_nanosleep(TS(&rqt), NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC, 0,
	    TS(&rqt), NULL), EINVAL);
	ck_assert_int_eq(rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC,
	    RUMP_TIMER_ABSTIME, TS(&rqt), NULL), EINVAL);
	rqt.tv_nsec = -1;
	ck_assert_int_eq(rump_sys_nanosleep(TS(&rqt), NULL), -1);
	ck_assert_int_eq(errno, EINVAL);
	/* NetBSD has slept through the past already. */
	rqt = (struct rump_timespec){ .tv_sec = -1 };
	ck_assert_int_eq(rump_sys_nanosleep(TS(&rqt), NULL), 0);
	rqt.tv_sec = 0;
	ck_assert_int_eq(rump_sys_nanosleep(TS(&rqt), NULL), 0);
	ck_assert_int_eq(rump_sys_nanosleep((void *)NOWHERE, NULL), -1);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_int_eq(rump_sys_clock_nanosleep(RUMP_CLOCK_MONOTONIC, 0,
	    (void *)NOWHERE, NULL), EFAULT);
}
END_TEST

static int
sleep_for_ever(void *arg)
{
	struct rump_timespec rqt = { .tv_sec = INT64_MAX };

	gate_open(arg);
	return rump_sys_nanosleep(TS(&rqt), NULL) == -1;
}

/* host_stop sees that the server is not held up by the sleeper. */
START_TEST(a_client_that_is_gone_sleeps_no_more)
{
	struct gate g;
	pid_t pid;

	gate_init(&g);
	pid = guest_start(true, sleep_for_ever, &g);
	gate_pass(&g);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(guest_wait(pid), -1);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, clocks_are_the_hosts);
	tcase_add_test(tc, other_clocks_are_none);
	tcase_add_test(tc, time_of_day);
	tcase_add_test(tc, setting_is_for_the_server_alone);
	tcase_add_test(tc, setting_checks);
	tcase_add_test(tc, setting_is_the_superusers);
	tcase_add_test(tc, adjusting_takes_its_time);
	tcase_add_test(tc, sleeps_at_least_as_long);
	tcase_add_test(tc, sleeps_until);
	tcase_add_test(tc, sleeping_checks);
	tcase_add_test(tc, a_client_that_is_gone_sleeps_no_more);
}

int
main(void)
{

	return suite_run(suite_both_ways("time", host_start, host_stop,
	    add_tests));
}
