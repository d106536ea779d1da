/*
 * Timers: their settings, and the signals they raise in the client.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define IV(x)	((struct itimerval *)(x))
#define IS(x)	((struct itimerspec *)(x))
#define TS(x)	((struct timespec *)(x))
#define TIMER(id)	((timer_t)(intptr_t)(id))

enum { TICK_US = 10000, LONG_S = 1000 };

static volatile sig_atomic_t caught[65];

static void
on_signal(int signo)
{

	caught[signo]++;
}

/*
 * Waits until host signal signo has come n times.  The client library takes
 * what the server raises while it reads, so calls have to be made meanwhile.
 */
static void
await(int signo, int n)
{
	long long start = clock_us();

	while (caught[signo] < n) {
		(void)rump_sys_getppid();
		ck_assert_int_lt(clock_us() - start, patience_us());
	}
}

static void
catch(int signo)
{
	struct sigaction sa = { .sa_handler = on_signal };

	caught[signo] = 0;
	ck_assert_int_eq(sigaction(signo, &sa, NULL), 0);
}

static int32_t
timer_new(rump_clockid_t clock, int signo)
{
	struct rump_sigevent ev = { .sigev_notify = RUMP_SIGEV_SIGNAL,
	    .sigev_signo = signo };
	int32_t id = -1;

	ck_assert_int_eq(rump_sys_timer_create(clock, (struct sigevent *)&ev,
	    (timer_t *)&id), 0);
	ck_assert_int_ge(id, 4);
	return id;
}

static struct rump_itimerspec
in_us(int64_t value, int64_t interval)
{
	struct rump_itimerspec its = {
		.it_value = { value / 1000000, value % 1000000 * 1000 },
		.it_interval = { interval / 1000000,
		    interval % 1000000 * 1000 },
	};

	return its;
}

static int
arm(int32_t id, int64_t value_us, int64_t interval_us)
{
	struct rump_itimerspec its = in_us(value_us, interval_us);

	return rump_sys_timer_settime(TIMER(id), 0, IS(&its), NULL);
}

START_TEST(itimer_raises_once)
{
	struct rump_itimerval itv = { .it_value.tv_usec = 20000 }, old;
	long long start;

	catch(SIGALRM);
	start = clock_us();
	ck_assert_int_eq(rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv), NULL),
	    0);
	await(SIGALRM, 1);
	ck_assert_int_ge(clock_us() - start, 20000);
	ck_assert_int_eq(rump_sys_getitimer(RUMP_ITIMER_REAL, IV(&old)), 0);
	ck_assert(old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
	ck_assert_int_eq(caught[SIGALRM], 1);
}
END_TEST

START_TEST(itimer_raises_again_until_stopped)
{
	struct rump_itimerval itv = { .it_value.tv_usec = TICK_US,
	    .it_interval.tv_usec = TICK_US }, old;
	int n;

	catch(SIGALRM);
	ck_assert_int_eq(rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv), NULL),
	    0);
	await(SIGALRM, 5);
	itv = (struct rump_itimerval){ .it_value.tv_sec = 0 };
	ck_assert_int_eq(rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv),
	    IV(&old)), 0);
	ck_assert_int_eq(old.it_interval.tv_usec, TICK_US);
	ck_assert(old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0 &&
	    old.it_value.tv_usec <= TICK_US);
	/* The answer came behind every signal raised before. */
	(void)rump_sys_getppid();
	n = caught[SIGALRM];
	usleep(3 * TICK_US);
	(void)rump_sys_getppid();
	ck_assert_int_eq(caught[SIGALRM], n);
}
END_TEST

START_TEST(itimer_setting_is_read_back)
{
	struct rump_itimerval itv = { .it_value.tv_sec = LONG_S,
	    .it_interval = { .tv_sec = 7, .tv_usec = 9 } }, old;
	int which;

	for (which = RUMP_ITIMER_REAL; which <= RUMP_ITIMER_MONOTONIC;
	    which++) {
		memset(&old, 0xff, sizeof(old));
		ck_assert_int_eq(rump_sys_getitimer(which, IV(&old)), 0);
		ck_assert(old.it_value.tv_sec == 0 &&
		    old.it_value.tv_usec == 0 && old.it_interval.tv_sec == 0);
		ck_assert_int_eq(rump_sys_setitimer(which, IV(&itv), NULL), 0);
		ck_assert_int_eq(rump_sys_setitimer(which, NULL, IV(&old)), 0);
		ck_assert(old.it_value.tv_sec >= LONG_S - 5 &&
		    old.it_value.tv_sec <= LONG_S);
		ck_assert(old.it_interval.tv_sec == 7 &&
		    old.it_interval.tv_usec == 9);
	}
	ck_assert_int_eq(rump_sys_getitimer(RUMP_ITIMER_REAL, IV(&old)), 0);
	ck_assert_int_ge(old.it_value.tv_sec, LONG_S - 5);
}
END_TEST

START_TEST(itimer_checks)
{
	struct rump_itimerval itv = { .it_value.tv_usec = 1000000 };

	ck_fails(rump_sys_setitimer(4, IV(&itv), NULL), EINVAL);
	ck_fails(rump_sys_setitimer(-1, IV(&itv), NULL), EINVAL);
	ck_fails(rump_sys_getitimer(4, IV(&itv)), EINVAL);
	ck_fails(rump_sys_setitimer(0, IV(&itv), NULL), EINVAL);
	itv.it_value.tv_usec = -1;
	ck_fails(rump_sys_setitimer(0, IV(&itv), NULL), EINVAL);
	itv.it_value = (struct rump_timeval){ .tv_sec = -1 };
	ck_fails(rump_sys_setitimer(0, IV(&itv), NULL), EINVAL);
	itv.it_value.tv_sec = INT64_MAX;
	ck_assert_int_eq(rump_sys_setitimer(0, IV(&itv), NULL), 0);
	ck_fails(rump_sys_setitimer(0, (void *)8, NULL), EFAULT);
}
END_TEST

START_TEST(timers_raise_their_signals)
{
	int32_t a = timer_new(RUMP_CLOCK_REALTIME, RUMP_SIGUSR1);
	int32_t b = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR2);

	ck_assert_int_ne(a, b);
	catch(SIGUSR1);
	catch(SIGUSR2);
	ck_assert_int_eq(arm(a, 20000, 0), 0);
	ck_assert_int_eq(arm(b, TICK_US, TICK_US), 0);
	await(SIGUSR1, 1);
	await(SIGUSR2, 4);
	ck_assert_int_eq(rump_sys_timer_delete(TIMER(b)), 0);
	ck_assert_int_eq(caught[SIGUSR1], 1);
	ck_assert_int_ge(rump_sys_timer_getoverrun(TIMER(a)), 0);
	ck_fails(rump_sys_timer_getoverrun(TIMER(b)), EINVAL);
}
END_TEST

/* While the client makes no call one signal waits for it; the others count as
 * overruns of the next. */
START_TEST(idle_clients_are_not_flooded)
{
	int32_t id = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);
	int most = 0, tries, i, n;

	catch(SIGUSR1);
	ck_assert_int_eq(arm(id, TICK_US, TICK_US), 0);
	for (tries = 0; most < 5 && tries < 50; tries++) {
		usleep(12 * TICK_US);
		for (i = 0; i < 200 && most < 5; i++) {
			n = rump_sys_timer_getoverrun(TIMER(id));
			ck_assert_int_ge(n, 0);
			most = n > most ? n : most;
		}
	}
	ck_assert_int_ge(most, 5);
	ck_assert_int_le(most, 32);
	await(SIGUSR1, 2);
}
END_TEST

START_TEST(timers_without_an_event_raise_alarms)
{
	int32_t id = -1;

	catch(SIGALRM);
	ck_assert_int_eq(rump_sys_timer_create(RUMP_CLOCK_MONOTONIC, NULL,
	    (timer_t *)&id), 0);
	ck_assert_int_eq(arm(id, TICK_US, 0), 0);
	await(SIGALRM, 1);
}
END_TEST

START_TEST(timers_may_raise_nothing)
{
	struct rump_sigevent ev = { .sigev_notify = RUMP_SIGEV_NONE };
	struct rump_itimerspec its;
	int32_t id = -1;
	long long start = clock_us();

	ck_assert_int_eq(rump_sys_timer_create(RUMP_CLOCK_MONOTONIC,
	    (struct sigevent *)&ev, (timer_t *)&id), 0);
	ck_assert_int_eq(arm(id, TICK_US, 0), 0);
	do {
		ck_assert_int_eq(rump_sys_timer_gettime(TIMER(id), IS(&its)),
		    0);
		ck_assert_int_lt(clock_us() - start, patience_us());
	} while (its.it_value.tv_sec != 0 || its.it_value.tv_nsec != 0);
	ck_assert_int_ge(clock_us() - start, TICK_US);
}
END_TEST

START_TEST(timers_run_to_a_time)
{
	int32_t id = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);
	struct rump_itimerspec its = in_us(0, 0), old;
	struct rump_timespec now;

	catch(SIGUSR1);
	ck_assert_int_eq(rump_sys_clock_gettime(RUMP_CLOCK_MONOTONIC,
	    TS(&now)), 0);
	its.it_value = now;
	its.it_value.tv_sec += LONG_S;
	ck_assert_int_eq(rump_sys_timer_settime(TIMER(id), RUMP_TIMER_ABSTIME,
	    IS(&its), NULL), 0);
	/* The rest is told as a duration. */
	its.it_value = now;
	ck_assert_int_eq(rump_sys_timer_settime(TIMER(id), RUMP_TIMER_ABSTIME,
	    IS(&its), IS(&old)), 0);
	ck_assert(old.it_value.tv_sec >= LONG_S - 5 &&
	    old.it_value.tv_sec <= LONG_S);
	await(SIGUSR1, 1);	/* that time was over */
}
END_TEST

START_TEST(timer_checks)
{
	struct rump_sigevent ev = { .sigev_notify = 4 };
	struct sigevent *evp = (struct sigevent *)&ev;
	int32_t id = timer_new(RUMP_CLOCK_REALTIME, RUMP_SIGUSR1), none = 0;
	timer_t *nonep = (timer_t *)&none;
	struct rump_itimerspec its = in_us(1, 0);
	static const int bad[] = { -1, 0, 3, 35, 36, 1000, INT32_MIN };
	size_t i;

	ck_fails(rump_sys_timer_create(4, NULL, nonep), EINVAL);
	ck_fails(rump_sys_timer_create(-1, NULL, nonep), EINVAL);
	ck_fails(rump_sys_timer_create(0, evp, nonep), EINVAL);
	ev = (struct rump_sigevent){ .sigev_notify = RUMP_SIGEV_SIGNAL };
	ck_fails(rump_sys_timer_create(0, evp, nonep), EINVAL);
	ev.sigev_signo = RUMP_NSIG;
	ck_fails(rump_sys_timer_create(0, evp, nonep), EINVAL);
	ck_fails(rump_sys_timer_create(0, (void *)8, nonep), EFAULT);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_fails(arm(bad[i], 1, 0), EINVAL);
		ck_fails(rump_sys_timer_delete(TIMER(bad[i])), EINVAL);
		ck_fails(rump_sys_timer_gettime(TIMER(bad[i]), IS(&its)),
		    EINVAL);
		ck_fails(rump_sys_timer_getoverrun(TIMER(bad[i])), EINVAL);
	}
	its.it_value.tv_nsec = 1000000000;
	ck_fails(rump_sys_timer_settime(TIMER(id), 0, IS(&its), NULL), EINVAL);
	its.it_value = (struct rump_timespec){ .tv_sec = -1 };
	ck_fails(rump_sys_timer_settime(TIMER(id), 0, IS(&its), NULL), EINVAL);
	ck_assert_int_eq(rump_sys_timer_delete(TIMER(id)), 0);
	ck_fails(rump_sys_timer_delete(TIMER(id)), EINVAL);
}
END_TEST

START_TEST(timers_are_not_without_end)
{
	int32_t id, last = -1;
	int i;

	for (i = 0; i < 32; i++)
		last = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);
	ck_fails(rump_sys_timer_create(0, NULL, (timer_t *)&id), EAGAIN);
	ck_assert_int_eq(rump_sys_timer_delete(TIMER(last)), 0);
	ck_assert_int_eq(timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1), last);
}
END_TEST

/* Many timers at once, deleted in another order than they are due. */
START_TEST(many_are_kept_apart)
{
	struct rump_itimerspec its;
	int32_t ids[32];
	int i;

	for (i = 0; i < 32; i++) {
		ids[i] = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);
		ck_assert_int_eq(arm(ids[i], (LONG_S + i * 37 % 32 * 100) *
		    INT64_C(1000000), 0), 0);
	}
	for (i = 0; i < 32; i += 3)
		ck_assert_int_eq(rump_sys_timer_delete(TIMER(ids[i])), 0);
	for (i = 0; i < 32; i++) {
		if (i % 3 == 0)
			continue;
		ck_assert_int_eq(rump_sys_timer_gettime(TIMER(ids[i]),
		    IS(&its)), 0);
		ck_assert_int_le(its.it_value.tv_sec,
		    LONG_S + i * 37 % 32 * 100);
		ck_assert_int_ge(its.it_value.tv_sec,
		    LONG_S + i * 37 % 32 * 100 - 50);
	}
	catch(SIGUSR1);
	ck_assert_int_eq(arm(ids[31], TICK_US, 0), 0);
	await(SIGUSR1, 1);
	ck_assert_int_eq(caught[SIGUSR1], 1);
}
END_TEST

static int
has_timers(void *arg)
{
	struct rump_itimerval old;
	struct rump_itimerspec its;

	if (rump_sys_getitimer(RUMP_ITIMER_REAL, IV(&old)) != 0)
		return 2;
	return old.it_value.tv_sec != 0 ||
	    rump_sys_timer_gettime(TIMER(*(int32_t *)arg), IS(&its)) == 0;
}

START_TEST(a_fork_has_none)
{
	struct rump_itimerval itv = { .it_value.tv_sec = LONG_S };
	int32_t id = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);

	ck_assert_int_eq(arm(id, LONG_S * INT64_C(1000000), 0), 0);
	ck_assert_int_eq(rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv), NULL),
	    0);
	ck_assert_int_eq(has_timers(&id), 1);
	ck_assert_int_eq(guest_wait(guest_start(true, has_timers, &id)), 0);
	ck_assert_int_eq(has_timers(&id), 1);
}
END_TEST

static int
exec_self(void *arg)
{
	struct rump_itimerval itv = { .it_value.tv_sec = LONG_S };
	char id[16], *argv[] = { "check_timers", "after-exec", id, NULL };
	int32_t timer;

	(void)arg;
	timer = timer_new(RUMP_CLOCK_MONOTONIC, RUMP_SIGUSR1);
	if (arm(timer, LONG_S * INT64_C(1000000), 0) != 0 ||
	    rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv), NULL) != 0)
		return 3;
	snprintf(id, sizeof(id), "%d", timer);
	rumpclient_exec("/proc/self/exe", argv, environ);
	return 4;
}

/* In the new image: the timer of setitimer is there, the other is not. */
static int
after_exec(const char *id)
{
	struct rump_itimerval old;
	struct rump_itimerspec its;

	if (rumpclient_init() == -1)
		return 5;
	if (rump_sys_getitimer(RUMP_ITIMER_REAL, IV(&old)) != 0 ||
	    old.it_value.tv_sec == 0)
		return 6;
	return rump_sys_timer_gettime(TIMER(atoi(id)), IS(&its)) == 0 ? 7 : 0;
}

START_TEST(an_exec_keeps_those_of_setitimer)
{

	ck_assert_int_eq(guest_wait(guest_start(true, exec_self, NULL)), 0);
}
END_TEST

static int
tick_until_killed(void *arg)
{
	struct rump_itimerval itv = { .it_value.tv_usec = TICK_US,
	    .it_interval.tv_usec = TICK_US };

	catch(SIGALRM);
	if (rump_sys_setitimer(RUMP_ITIMER_REAL, IV(&itv), NULL) != 0)
		return 1;
	await(SIGALRM, 2);
	gate_open(arg);
	for (;;)
		(void)rump_sys_getppid();
}

/* Timers end with their process; host_stop sees that nothing is left. */
START_TEST(a_client_that_is_gone_has_none)
{
	struct gate g;
	pid_t pid[4];
	int i;

	gate_init(&g);
	for (i = 0; i < 4; i++)
		pid[i] = guest_start(true, tick_until_killed, &g);
	for (i = 0; i < 4; i++)
		gate_pass(&g);
	for (i = 0; i < 4; i++) {
		ck_assert_int_eq(kill(pid[i], SIGKILL), 0);
		ck_assert_int_eq(guest_wait(pid[i]), -1);
	}
	(void)rump_sys_getppid();
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, itimer_raises_once);
	tcase_add_test(tc, itimer_raises_again_until_stopped);
	tcase_add_test(tc, itimer_setting_is_read_back);
	tcase_add_test(tc, itimer_checks);
	tcase_add_test(tc, timers_raise_their_signals);
	tcase_add_test(tc, idle_clients_are_not_flooded);
	tcase_add_test(tc, timers_without_an_event_raise_alarms);
	tcase_add_test(tc, timers_may_raise_nothing);
	tcase_add_test(tc, timers_run_to_a_time);
	tcase_add_test(tc, timer_checks);
	tcase_add_test(tc, timers_are_not_without_end);
	tcase_add_test(tc, many_are_kept_apart);
	tcase_add_test(tc, a_fork_has_none);
	tcase_add_test(tc, an_exec_keeps_those_of_setitimer);
	tcase_add_test(tc, a_client_that_is_gone_has_none);
}

int
main(int argc, char *argv[])
{

	if (argc == 3 && strcmp(argv[1], "after-exec") == 0)
		return after_exec(argv[2]);
	return suite_run(suite_both_ways("timers", host_start, host_stop,
	    add_tests));
}
