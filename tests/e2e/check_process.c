/*
 * Processes against the real server: fork, vfork, exec, daemon, pipes between
 * them, and signals.
 */
#include <sys/time.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/suite.h"

#define IMAGE	RUMPGEN_BUILD "/tests/e2e/prog_image"

static void
start(void)
{

	daemon_start();
	ck_assert_int_eq(rumpclient_init(), 0);
}

/* --- fork --- */

START_TEST(pipe_across_fork)
{
	char buf[16] = "";
	int fd[2], before;
	pid_t child, mine;

	mine = rump_sys_getpid();
	ck_assert_int_eq(rump_sys_pipe(fd), 0);
	before = open_descriptors();
	child = rumpclient_fork();
	if (child == 0) {
		if (open_descriptors() != before ||
		    rump_sys_getppid() != mine || rump_sys_getpid() == mine)
			_exit(1);
		/* Blocks until the parent writes. */
		if (rump_sys_read(fd[0], buf, sizeof(buf)) != 4 ||
		    memcmp(buf, "down", 4) != 0)
			_exit(2);
		_exit(rump_sys_write(fd[1], "up", 2) == 2 ? 0 : 3);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_eq(rump_sys_getpid(), mine);
	/* The child sits in its read, in the server. */
	ck_assert(daemon_wait("calls_now", 1));
	ck_assert_int_eq(rump_sys_write(fd[1], "down", 4), 4);
	ck_assert_int_eq(status_of(child), 0);
	ck_assert_int_eq(rump_sys_read(fd[0], buf, sizeof(buf)), 2);
	ck_assert_int_eq(memcmp(buf, "up", 2), 0);
	ck_assert(daemon_wait("clients", 1));
}
END_TEST

/* A fork(2) that is nobody's business leaves parent and child at peace; the
 * child may connect by itself. */
START_TEST(plain_fork)
{
	pid_t child, mine;

	mine = rump_sys_getpid();
	child = fork();
	if (child == 0) {
		if (rump_sys_getpid() != -1 || errno != ENOTCONN)
			_exit(1);
		if (rumpclient_init() != 0 || rump_sys_getpid() == mine ||
		    rump_sys_getppid() != 1)
			_exit(2);
		_exit(0);
	}
	ck_assert_int_eq(status_of(child), 0);
	ck_assert_int_eq(rump_sys_getpid(), mine);
}
END_TEST

static void *
pid_thread(void *arg)
{
	atomic_bool *over = arg;
	pid_t mine;

	mine = rump_sys_getpid();
	while (!atomic_load(over)) {
		if (rump_sys_getpid() != mine)
			return (void *)1;
	}
	return NULL;
}

START_TEST(forks_beside_threads)
{
	atomic_bool over = false;
	pthread_t t[4];
	void *bad;
	pid_t child;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, pid_thread, &over);
	for (i = 0; i < 10; i++) {
		child = rumpclient_fork();
		if (child == 0)
			_exit(rump_sys_getpid() > 1 ? 0 : 1);
		ck_assert_int_eq(status_of(child), 0);
	}
	atomic_store(&over, true);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		ck_assert_ptr_null(bad);
	}
	ck_assert(daemon_wait("clients", 1));
	ck_assert_int_eq(daemon_counter("preforks_now"), 0);
}
END_TEST

/* What was copied for a fork that does not come is gone at once. */
START_TEST(cancelled_fork)
{
	struct rumpclient_fork *rf;
	int before;

	before = open_descriptors();
	rf = rumpclient_prefork();
	ck_assert_ptr_nonnull(rf);
	ck_assert_int_eq(daemon_counter("preforks_now"), 1);
	rumpclient_fork_cancel(rf);
	ck_assert_int_eq(daemon_counter("preforks_now"), 0);
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_gt(rump_sys_getpid(), 1);
}
END_TEST

/* --- vfork, exec --- */

/* Descriptor *kept, a pipe's end for writing, and *gone, close-on-exec. */
static int
open_for_exec(int *kept, int *gone)
{
	int fd[2];

	if (rump_sys_pipe(fd) == -1)
		return -1;
	*kept = fd[1];
	*gone = rump_sys_dup(fd[1]);
	if (rump_sys_fcntl(*gone, RUMP_F_SETFD, (void *)RUMP_FD_CLOEXEC) == -1)
		return -1;
	return fd[0];
}

static void
become_image(int kept, int gone)
{
	char pid[16], a[16], b[16];
	char *argv[] = { "image", pid, a, b, NULL };
	extern char **environ;

	snprintf(pid, sizeof(pid), "%d", (int)rump_sys_getpid());
	snprintf(a, sizeof(a), "%d", kept);
	snprintf(b, sizeof(b), "%d", gone);
	rumpclient_exec(IMAGE, argv, environ);
}

static void
expect_image(int fd)
{
	char buf[16];

	ck_assert_int_eq(rump_sys_read(fd, buf, sizeof(buf)), 5);
	ck_assert_int_eq(memcmp(buf, "image", 5), 0);
}

START_TEST(fork_and_exec)
{
	atomic_bool over = false;
	int fd, kept, gone;
	pthread_t t;
	pid_t child;

	fd = open_for_exec(&kept, &gone);
	ck_assert_int_ge(fd, 0);
	child = rumpclient_fork();
	if (child == 0) {
		if (_i)
			pthread_create(&t, NULL, pid_thread, &over);
		become_image(kept, gone);
		_exit(1);
	}
	ck_assert_int_eq(status_of(child), 0);
	expect_image(fd);
}
END_TEST

START_TEST(vfork_and_exec)
{
	int fd, kept, gone, before;
	pid_t child, mine;

	mine = rump_sys_getpid();
	fd = open_for_exec(&kept, &gone);
	ck_assert_int_ge(fd, 0);
	before = open_descriptors();
	child = rumpclient_vfork();
	if (child == 0) {
		become_image(kept, gone);
		_exit(1);
	}
	ck_assert_int_eq(status_of(child), 0);
	ck_assert_int_eq(rump_sys_getpid(), mine);
	ck_assert_int_eq(open_descriptors(), before);
	expect_image(fd);
	ck_assert(daemon_wait("clients", 1));
}
END_TEST

/* A vfork child has a connection of its own, of which its own child keeps
 * nothing. */
START_TEST(fork_in_a_vfork_child)
{
	pid_t child, grandchild, mine;
	int before;

	if (skip_under_tsan())
		return;
	mine = rump_sys_getpid();
	before = open_descriptors();
	child = rumpclient_vfork();
	if (child == 0) {
		pid_t middle = rump_sys_getpid();

		grandchild = rumpclient_fork();
		if (grandchild == 0)
			_exit(rump_sys_getppid() != middle ? 1 :
			    open_descriptors() != before ? 2 : 0);
		_exit(middle == mine ? 3 : status_of(grandchild));
	}
	ck_assert_int_eq(status_of(child), 0);
	ck_assert_int_eq(rump_sys_getpid(), mine);
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert(daemon_wait("clients", 1));
}
END_TEST

START_TEST(exec_that_fails)
{
	char *argv[] = { "x", NULL };
	pid_t mine;
	int before;

	mine = rump_sys_getpid();
	before = open_descriptors();
	errno = 0;
	ck_assert_int_eq(rumpclient_exec("/nonexistent", argv, NULL), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(rump_sys_getpid(), mine);
	ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* --- daemon --- */

START_TEST(daemonized)
{
	int fd[2];
	char buf[16];
	pid_t child, mine;

	mine = rump_sys_getpid();
	ck_assert_int_eq(rump_sys_pipe(fd), 0);
	child = rumpclient_fork();
	if (child == 0) {
		if (rumpclient_daemon(0, 0) == -1 || rump_sys_getpid() <= mine)
			_exit(1);
		/* In the background; the one who forked it has gone. */
		rump_sys_write(fd[1], getsid(0) == getpid() ? "yes" : "no", 3);
		_exit(0);
	}
	ck_assert_int_eq(status_of(child), 0);
	ck_assert_int_eq(rump_sys_read(fd[0], buf, sizeof(buf)), 3);
	ck_assert_int_eq(memcmp(buf, "yes", 3), 0);
	ck_assert(daemon_wait("clients", 1));
}
END_TEST

/* A client killed in its sleep leaves nothing behind in the server. */
START_TEST(killed_clients)
{
	int fd[2], i;
	pid_t child[8];
	char c;

	ck_assert_int_eq(rump_sys_pipe(fd), 0);
	for (i = 0; i < 8; i++) {
		child[i] = rumpclient_fork();
		if (child[i] == 0) {
			rump_sys_close(fd[1]);
			rump_sys_read(fd[0], &c, 1);
			_exit(0);
		}
	}
	ck_assert(daemon_wait("calls_now", 8));
	for (i = 0; i < 8; i++) {
		kill(child[i], SIGKILL);
		ck_assert_int_eq(status_of(child[i]), -1);
	}
	ck_assert(daemon_wait("clients", 1));
	ck_assert(daemon_wait("calls_now", 0));
	ck_assert_int_eq(rump_sys_write(fd[1], "x", 1), 1);
	ck_assert_int_eq(rump_sys_read(fd[0], &c, 1), 1);
}
END_TEST

/* --- signals --- */

static int wakeup[2];
static atomic_int ticks, wrong;
static pid_t self;

/* Calls from a handler, in the middle of the read it has interrupted. */
static void
tick(int signo)
{
	int saved = errno;

	(void)signo;
	if (rump_sys_getpid() != self)
		atomic_fetch_add(&wrong, 1);
	if (atomic_fetch_add(&ticks, 1) == 30 &&
	    rump_sys_write(wakeup[1], "w", 1) != 1)
		atomic_fetch_add(&wrong, 1);
	errno = saved;
}

static void
timer(long us)
{
	struct itimerval it = { { 0, us }, { 0, us } };

	ck_assert_int_eq(setitimer(ITIMER_REAL, &it, NULL), 0);
}

START_TEST(handler_ends_a_blocked_read)
{
	struct sigaction sa = { .sa_handler = tick,
	    .sa_flags = _i ? SA_RESTART : 0 };
	char c;

	self = rump_sys_getpid();
	ck_assert_int_eq(rump_sys_pipe(wakeup), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	timer(2000);
	ck_assert_int_eq(rump_sys_read(wakeup[0], &c, 1), 1);
	timer(0);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_gt(ticks, 30);
}
END_TEST

static void *
reading_thread(void *arg)
{
	char c;

	(void)arg;
	return (void *)(intptr_t)rump_sys_read(wakeup[0], &c, 1);
}

/* The same with other threads blocked and calling beside it. */
START_TEST(handlers_among_threads)
{
	struct sigaction sa = { .sa_handler = tick };
	atomic_bool over = false;
	pthread_t t[4];
	void *ret;
	int i;

	self = rump_sys_getpid();
	ck_assert_int_eq(rump_sys_pipe(wakeup), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	for (i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, reading_thread, NULL);
	for (; i < 4; i++)
		pthread_create(&t[i], NULL, pid_thread, &over);
	timer(2000);
	while (atomic_load(&ticks) < 60)
		ck_assert_int_eq(rump_sys_getppid(), 1);
	timer(0);
	ck_assert_int_eq(rump_sys_write(wakeup[1], "ab", 2), 2);
	atomic_store(&over, true);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &ret);
		ck_assert_int_le((intptr_t)ret, i < 2 ? 1 : 0);
	}
	ck_assert_int_eq(wrong, 0);
}
END_TEST

/* The server's timer raises here. */
START_TEST(raised_by_the_server)
{
	struct rump_itimerval it = { .it_value = { .tv_usec = 5000 } };
	struct sigaction sa = { .sa_handler = tick };
	char c;

	self = rump_sys_getpid();
	ck_assert_int_eq(rump_sys_pipe(wakeup), 0);
	ck_assert_int_eq(sigaction(SIGALRM, &sa, NULL), 0);
	atomic_store(&ticks, 30);		/* the first one writes */
	ck_assert_int_eq(rump_sys_setitimer(RUMP_ITIMER_REAL, (void *)&it,
	    NULL), 0);
	ck_assert_int_eq(rump_sys_read(wakeup[0], &c, 1), 1);
	ck_assert_int_eq(wrong, 0);
	ck_assert_int_eq(ticks, 31);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("process");
	TCase *tc = tcase_create("process");

	tcase_add_checked_fixture(tc, start, daemon_stop);
	tcase_add_test(tc, pipe_across_fork);
	tcase_add_test(tc, plain_fork);
	tcase_add_test(tc, forks_beside_threads);
	tcase_add_test(tc, cancelled_fork);
	tcase_add_loop_test(tc, fork_and_exec, 0, 2);
	tcase_add_test(tc, vfork_and_exec);
	tcase_add_test(tc, fork_in_a_vfork_child);
	tcase_add_test(tc, exec_that_fails);
	tcase_add_test(tc, daemonized);
	tcase_add_test(tc, killed_clients);
	tcase_add_loop_test(tc, handler_ends_a_blocked_read, 0, 2);
	tcase_add_test(tc, handlers_among_threads);
	tcase_add_test(tc, raised_by_the_server);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
