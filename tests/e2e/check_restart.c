/*
 * The server killed and started again, with each policy of
 * rumpclient_setconnretry().
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/suite.h"

#define THREADS	8

static int fd[2];

static void
start_at(const char *where)
{

	daemon_start_at(where);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(rump_sys_pipe(fd), 0);
}

static void
start(void)
{

	start_at(NULL);
}

static void
start_tcp(void)
{

	start_at("tcp://127.0.0.1:0/");
}

static long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A call that blocks until the server is gone: its errno. */
static void *
sleeper(void *arg)
{
	char c;

	(void)arg;
	return (void *)(intptr_t)(rump_sys_read(fd[0], &c, 1) == -1 ?
	    errno : 0);
}

static void
sleepers(pthread_t t[THREADS])
{
	int i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, sleeper, NULL),
		    0);
	ck_assert(daemon_wait("calls_now", THREADS));
}

/* Every one of them gets that. */
static void
expect(pthread_t t[THREADS], int expected)
{
	void *error;
	int i;

	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], &error);
		ck_assert_int_eq((int)(intptr_t)error, expected);
	}
}

START_TEST(no_retry)
{
	pthread_t t[THREADS];
	int before;

	before = open_descriptors();
	sleepers(t);
	daemon_kill();
	expect(t, ENOTCONN);
	errno = 0;
	ck_assert_int_eq(rump_sys_getpid(), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(open_descriptors(), before - 3);
	daemon_again();
	ck_assert_int_eq(rump_sys_getpid(), -1);
	/* Until the program says so. */
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_gt(rump_sys_getpid(), 1);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

static void *
caller(void *arg)
{

	(void)arg;
	return (void *)(intptr_t)(rump_sys_getpid() > 1 ? 0 : errno);
}

static const time_t waits[] = { RUMPCLIENT_RETRYCONN_INFTIME, 30 };

START_TEST(retry_until_it_is_back)
{
	pthread_t t[THREADS], asleep[THREADS];
	const char *text;
	int i, before;
	char c;

	before = open_descriptors();
	rumpclient_setconnretry(waits[_i]);
	capture();
	sleepers(asleep);
	daemon_kill();
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, caller, NULL);
	/* It comes back while they wait for it. */
	ck_assert(captured_wait("connecting again"));
	daemon_again();
	expect(t, 0);
	/* What was in progress is made again, by the fresh guest. */
	expect(asleep, EBADF);
	text = captured();
	ck_assert_ptr_nonnull(strstr(text, "connecting again"));
	ck_assert_ptr_nonnull(strstr(text, "connected again"));
	/* One connection, a fresh guest, without the old descriptors. */
	ck_assert_int_eq(daemon_counter("clients"), 1);
	ck_assert_int_eq(rump_sys_getppid(), 1);
	errno = 0;
	ck_assert_int_eq(rump_sys_read(fd[0], &c, 1), -1);
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(retry_runs_out)
{
	long began;

	rumpclient_setconnretry(1);
	daemon_kill();
	capture();
	began = now_ms();
	errno = 0;
	ck_assert_int_eq(rump_sys_getpid(), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_ge(now_ms() - began, 990);
	captured();
}
END_TEST

START_TEST(retry_once)
{

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
	daemon_kill();
	capture();
	ck_assert_int_eq(rump_sys_getpid(), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	daemon_again();
	ck_assert_int_gt(rump_sys_getpid(), 1);
	captured();
}
END_TEST

START_TEST(die)
{
	pthread_t t;
	pid_t child;

	child = rumpclient_fork();
	if (child == 0) {
		rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_DIE);
		if (_i)
			pthread_create(&t, NULL, sleeper, NULL);
		sleeper(NULL);
		_exit(0);
	}
	ck_assert(daemon_wait("calls_now", _i ? 2 : 1));
	daemon_kill();
	ck_assert_int_eq(status_of(child), 1);
}
END_TEST

/* Again and again, threads calling all the time: none hangs, none gets
 * anything but an answer. */
static void *
steady(void *arg)
{
	pid_t *last = arg;
	pid_t pid;

	while (__atomic_load_n(last, __ATOMIC_RELAXED) != -1) {
		pid = rump_sys_getpid();
		if (pid == -1)
			return (void *)(intptr_t)errno;
	}
	return NULL;
}

START_TEST(many_restarts)
{
	pthread_t t[4];
	pid_t on = 0;
	void *error;
	int i, before;

	before = open_descriptors();
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	capture();
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, steady, &on);
	for (i = 0; i < 10; i++) {
		daemon_kill();
		daemon_again();
		ck_assert(daemon_wait("clients", 1));
	}
	__atomic_store_n(&on, -1, __ATOMIC_RELAXED);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &error);
		ck_assert_int_eq((int)(intptr_t)error, 0);
	}
	captured();
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("restart");
	TCase *tc = tcase_create("restart");
	TCase *tcp = tcase_create("tcp");

	tcase_add_checked_fixture(tc, start, daemon_stop);
	tcase_add_test(tc, no_retry);
	tcase_add_loop_test(tc, retry_until_it_is_back, 0, 2);
	tcase_add_test(tc, retry_runs_out);
	tcase_add_test(tc, retry_once);
	tcase_add_loop_test(tc, die, 0, 2);
	tcase_add_test(tc, many_restarts);
	suite_add_tcase(s, tc);

	/* Where a request may still be sent to a server that is gone. */
	tcase_add_checked_fixture(tcp, start_tcp, daemon_stop);
	tcase_add_test(tcp, no_retry);
	tcase_add_test(tcp, retry_until_it_is_back);
	tcase_add_test(tcp, retry_once);
	tcase_add_loop_test(tcp, die, 0, 2);
	tcase_add_test(tcp, many_restarts);
	suite_add_tcase(s, tcp);

	return suite_run(s);
}
