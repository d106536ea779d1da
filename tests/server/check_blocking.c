/*
 * A blocked call delays nobody: not its own client's other calls, not
 * another client.  And it ends when its client goes.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <check.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "lib/suite.h"
#include "testkern.h"

static struct bed bed;

static void
setup(enum way way)
{

	bed_init(&bed, way);
	bed_start(&bed);
}

/* How a call can sleep; the latter two need threads. */
static const int sleeps[] = { TK_GATE_WAIT, TK_GATE_BLOCK, TK_GATE_SILENT };
enum { NSLEEPS = 3 };

static void
others_go_on(int way, int sleep)
{
	int64_t rv[2];
	int a, b, i;

	setup(way);
	a = cl_guest(&bed);
	b = cl_guest(&bed);
	cl_call(a, 10, sleep, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 1);
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(cl_syscall(a, TK_ECHO, 3, 0, 0, rv), 0);
		ck_assert_int_eq(cl_syscall(b, TK_ECHO, 4, 0, 0, rv), 0);
	}
	cl_call(b, 11, sleep, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 2);
	ck_assert_int_eq(cl_syscall(a, TK_ECHO, 5, 0, 0, rv), 0);
	tk_gate(&bed.tk, true);
	ck_assert_int_eq(cl_answer(a, 10, NULL), 0);
	ck_assert_int_eq(cl_answer(b, 11, NULL), 0);
	ck_assert_int_eq(cl_syscall(a, TK_ECHO, 5, 0, 0, rv), 0);
	close(a);
	close(b);
	bed_stop(&bed);
}

START_TEST(sleepers)
{

	others_go_on(THREADS, sleeps[_i]);
}
END_TEST

START_TEST(sleeper_in_loop)
{

	others_go_on(LOOP, TK_GATE_WAIT);
}
END_TEST

/* Sleeping calls with more behind them in the same packet. */
START_TEST(buffered_behind)
{
	uint64_t req[4][5];
	int64_t rv[2];
	unsigned i;
	int fd, num = _i < NSLEEPS ? sleeps[_i] : TK_GATE_WAIT;

	setup(_i < NSLEEPS ? THREADS : LOOP);
	fd = cl_guest(&bed);
	for (i = 0; i < 4; i++) {
		req[i][0] = 40;
		req[i][1] = i;
		req[i][2] = (uint64_t)(i < 3 ? num : TK_ECHO) << 32 |
		    SYSCALL << 16;
		req[i][3] = 0;
		req[i][4] = 0;
	}
	cl_raw(fd, req, sizeof(req));
	ck_assert_int_eq(cl_answer(fd, 3, rv), 0);
	tk_wait_sleeping(&bed.tk, 3);
	tk_gate(&bed.tk, true);
	for (i = 0; i < 3; i++)
		ck_assert_uint_lt(cl_recv(fd).reqno, 3);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(wait_times)
{
	struct timespec a, b;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	clock_gettime(CLOCK_MONOTONIC, &a);
	ck_assert_int_eq(cl_syscall(fd, TK_SLEEP, 30, 0, 0, NULL),
	    RUMP_EWOULDBLOCK);
	ck_assert_int_eq(cl_syscall(fd, TK_GATE_WAIT, 30, 0, 0, NULL),
	    RUMP_EWOULDBLOCK);
	ck_assert_int_eq(cl_syscall(fd, TK_WAIT_FILE, 30, 0, 0, NULL),
	    RUMP_EWOULDBLOCK);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_ge((b.tv_sec - a.tv_sec) * 1000 +
	    (b.tv_nsec - a.tv_nsec) / 1000000, 89);
	tk_gate(&bed.tk, true);
	ck_assert_int_eq(cl_syscall(fd, TK_GATE_WAIT, 0, 0, 0, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* A copyin after a sleep, when another thread has the input. */
START_TEST(copyin_after_sleep)
{
	uint64_t len, addr;
	struct frame f;
	int64_t rv[2];
	int fd, i;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < 50; i++) {
		tk_gate(&bed.tk, false);
		cl_call(fd, 10, TK_GATE_COPYIN, 0x1000, 4, 0);
		tk_wait_sleeping(&bed.tk, 1);
		if (i % 2 == 0)
			ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 3, 0, 0, rv),
			    0);
		tk_gate(&bed.tk, true);
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		cl_send(fd, RESP, COPYIN, f.reqno, 0, "abcd", 4);
		ck_assert_int_eq(cl_answer(fd, 10, NULL), 0);
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/*
 * Calls that come all at once while a copyin of their client is open go to
 * other threads: each gets one, whatever the calls before it do.  Idle threads
 * are there, so that none has to be made.
 */
START_TEST(burst_behind_copyin)
{
	enum { SLEEPERS = 6, ROUNDS = 40 };
	uint64_t req[SLEEPERS + 1][5], len, addr;
	struct frame f;
	int fd, i, round;

	setup(THREADS);
	fd = cl_guest(&bed);
	for (round = 0; round < ROUNDS; round++) {
		tk_gate(&bed.tk, false);
		cl_call(fd, 100, TK_COPYIN, 0x1000, 4, 0);
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		for (i = 0; i <= SLEEPERS; i++) {
			req[i][0] = 40;
			req[i][1] = (uint64_t)i;
			req[i][2] = (uint64_t)(i < SLEEPERS ? TK_GATE_WAIT :
			    TK_ECHO) << 32 | SYSCALL << 16;
			req[i][3] = req[i][4] = 0;
		}
		cl_raw(fd, req, sizeof(req));
		/* The last one's answer comes first, the others sleep. */
		ck_assert_int_eq(cl_answer(fd, SLEEPERS, NULL), 0);
		tk_wait_sleeping(&bed.tk, SLEEPERS);
		cl_send(fd, RESP, COPYIN, f.reqno, 0, "abcd", 4);
		ck_assert_int_eq(cl_answer(fd, 100, NULL), 0);
		tk_gate(&bed.tk, true);
		for (i = 0; i < SLEEPERS; i++)
			ck_assert_uint_lt(cl_recv(fd).reqno, SLEEPERS);
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* The client goes: its calls end wherever they sleep. */
START_TEST(disconnect_interrupts)
{
	int fd, i, n;

	n = _i == 0 ? NSLEEPS : 1;
	setup(_i == 0 ? THREADS : LOOP);
	fd = cl_guest(&bed);
	for (i = 0; i < n; i++)
		cl_call(fd, (uint64_t)i, sleeps[i], 0, 0, 0);
	cl_call(fd, 9, TK_SLEEP, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, (unsigned)n);
	close(fd);
	tk_wait_sleeping(&bed.tk, 0);
	tk_wait_procs(&bed.tk, 0);
	/* Only those are told through the kernel who sleep in it. */
	ck_assert_uint_eq(bed.tk.interrupts, (unsigned)n - 1);
	bed_stop(&bed);
}
END_TEST

/* Exec ends calls that sleep in the kernel, too. */
START_TEST(exec_interrupts_kernel)
{
	struct frame f;
	int fd, i;

	setup(THREADS);
	fd = cl_guest(&bed);
	cl_call(fd, 1, TK_GATE_BLOCK, 0, 0, 0);
	cl_call(fd, 2, TK_GATE_SILENT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 2);
	cl_send(fd, REQ, HANDSHAKE, 20, EXEC, "sh", 3);
	for (i = 0; i < 2; i++) {
		f = cl_recv(fd);
		ck_assert_uint_eq(f.type, SYSCALL);
		ck_assert_uint_eq(f.body[0], RUMP_EINTR);
	}
	ck_assert_uint_eq(cl_recv(fd).reqno, 20);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(thousand_blocked)
{
	enum { CLIENTS = 10 };
	/* Each that sleeps on a descriptor has one of its own besides. */
	const int each = files_limit() >= 1200 ? 100 : 50;
	int fd[CLIENTS], i, j;
	int64_t rv[2];

	setup(_i);
	for (i = 0; i < CLIENTS; i++) {
		fd[i] = cl_guest(&bed);
		for (j = 0; j < each; j++)
			cl_call(fd[i], (uint64_t)j, TK_GATE_WAIT, 0, 0, 0);
	}
	tk_wait_sleeping(&bed.tk, (unsigned)(CLIENTS * each));
	for (i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(cl_syscall(fd[i], TK_ECHO, 3, 0, 0, rv), 0);
	/* Half of them go, the others are answered. */
	for (i = 0; i < CLIENTS; i += 2)
		close(fd[i]);
	tk_wait_procs(&bed.tk, CLIENTS / 2);
	tk_gate(&bed.tk, true);
	for (i = 1; i < CLIENTS; i += 2) {
		for (j = 0; j < each; j++)
			ck_assert_int_lt((int)cl_recv(fd[i]).reqno, each);
		close(fd[i]);
	}
	bed_stop(&bed);
}
END_TEST

/* Stopping ends what sleeps; with grace it may end by itself. */
START_TEST(stop_interrupts)
{
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 10, TK_GATE_WAIT, 0, 0, 0);
	cl_call(fd, 11, TK_SLEEP, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 1);
	bed_stop(&bed);
	close(fd);
}
END_TEST

/* Interrupts that come when the call is awake already: its next sleep, for a
 * client that does not read, is none the worse. */
START_TEST(kicked_out_of_sleep)
{
	const uint64_t size = 1 << 20;
	uint64_t got, len, addr, i;
	int64_t rv[2];
	int fd, other;

	setup(_i);
	fd = cl_guest(&bed);
	other = cl_guest(&bed);
	for (i = 0; i < 20; i++) {
		cl_call(fd, i, TK_KICKED, 0x1000, size, 0);
		ck_assert_int_eq(cl_syscall(other, TK_ECHO, 3, 0, 0, rv), 0);
		for (got = 0; got < size; got += len)
			cl_copyreq(fd, COPYOUT, &len, &addr);
		ck_assert_int_eq(cl_answer(fd, i, NULL), 0);
	}
	close(fd);
	close(other);
	bed_stop(&bed);
}
END_TEST

static void *
stop_gently(void *arg)
{

	rumpserver_stop(arg, 20000);
	return NULL;
}

/* A sleep for a wake-up takes no descriptor, and no other's wake-up. */
START_TEST(woken_from_sleep)
{
	int64_t rv[2];
	int a, b, i;

	setup(_i);
	a = cl_guest(&bed);
	b = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(b, TK_WAKE, 0, 0, 0, rv), RUMP_ESRCH);
	ck_assert_int_eq(cl_syscall(a, TK_DOZE, 1, 0, 0, rv),
	    RUMP_EWOULDBLOCK);
	for (i = 0; i < 20; i++) {
		cl_call(a, 10, TK_DOZE, 0, 0, 0);
		tk_wait_sleeping(&bed.tk, 1);
		ck_assert_int_eq(cl_syscall(b, TK_WAKE, 0, 0, 0, rv), 0);
		ck_assert_int_eq(cl_answer(a, 10, rv), 0);
		tk_wait_sleeping(&bed.tk, 0);
	}
	cl_call(a, 10, TK_DOZE, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 1);
	close(a);
	tk_wait_sleeping(&bed.tk, 0);
	close(b);
	bed_stop(&bed);
}
END_TEST

/* What no call waits for, beside calls, until its process goes or exec's. */
START_TEST(jobs)
{
	struct frame f;
	int64_t rv[2];
	int a;

	setup(_i);
	a = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(a, TK_JOB, 0, 0, 0, rv), 0);
	tk_wait_sleeping(&bed.tk, 1);
	ck_assert_int_eq(cl_syscall(a, TK_ECHO, 3, 0, 0, rv), 0);
	tk_gate(&bed.tk, true);
	f = cl_recv(a);
	ck_assert_int_eq(f.class, REQ);
	ck_assert_int_eq(f.type, RAISE);
	tk_gate(&bed.tk, false);
	ck_assert_int_eq(cl_syscall(a, TK_JOB, 0, 0, 0, rv), 0);
	tk_wait_sleeping(&bed.tk, 1);
	cl_send(a, REQ, HANDSHAKE, 20, EXEC, "new", 4);
	f = cl_recv(a);
	ck_assert_int_eq(f.class, RESP);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.jobs), 2);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.cut_jobs), 1);
	ck_assert_int_eq(cl_syscall(a, TK_JOB, 0, 0, 0, rv), 0);
	tk_wait_sleeping(&bed.tk, 1);
	close(a);
	tk_wait_procs(&bed.tk, 0);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.cut_jobs), 2);
	bed_stop(&bed);
}
END_TEST

START_TEST(stop_waits)
{
	pthread_t stopper;
	int fd;

	setup(THREADS);
	fd = cl_guest(&bed);
	cl_call(fd, 10, TK_GATE_WAIT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 1);
	pthread_create(&stopper, NULL, stop_gently, bed.srv);
	/* The socket goes first. */
	while (access(bed.path, F_OK) == 0)
		sched_yield();
	tk_gate(&bed.tk, true);
	ck_assert_int_eq(cl_answer(fd, 10, NULL), 0);
	cl_eof(fd);
	pthread_join(stopper, NULL);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* --- many at once --- */

enum { STORM_THREADS = 6, STORM_CALLS = 300 };

static void *
storm(void *arg)
{
	uint64_t len, addr, i;
	struct frame f;
	int64_t rv[2];
	int fd;

	(void)arg;
	fd = cl_guest(&bed);
	for (i = 0; i < STORM_CALLS; i++) {
		switch (i % 4) {
		case 0:
			ck_assert_int_eq(cl_syscall(fd, TK_ECHO, i, ~i, 0, rv),
			    0);
			ck_assert_uint_eq((uint64_t)rv[1], ~i);
			break;
		case 1:
			cl_call(fd, i, TK_COPYIN, i, 5, 0);
			f = cl_copyreq(fd, COPYIN, &len, &addr);
			ck_assert_uint_eq(addr, i);
			cl_send(fd, RESP, COPYIN, f.reqno, 0, "12345", 5);
			ck_assert_int_eq(cl_answer(fd, i, NULL), 0);
			break;
		case 2:
			cl_call(fd, i, TK_COPYOUT, i, 3000, 0);
			cl_copyreq(fd, COPYOUT, &len, &addr);
			ck_assert_int_eq(cl_answer(fd, i, NULL), 0);
			break;
		case 3:
			ck_assert_int_eq(cl_syscall(fd, TK_SLEEP, 1, 0, 0,
			    NULL), RUMP_EWOULDBLOCK);
			break;
		}
		if (i % 50 == 49) {
			close(fd);
			fd = cl_guest(&bed);
		}
	}
	close(fd);
	cl_done();
	return NULL;
}

START_TEST(storms)
{
	pthread_t thread[STORM_THREADS];
	int i;

	setup(_i);
	for (i = 0; i < STORM_THREADS; i++)
		pthread_create(&thread[i], NULL, storm, NULL);
	for (i = 0; i < STORM_THREADS; i++)
		pthread_join(thread[i], NULL);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("blocking");
	TCase *tc = tcase_create("blocking");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, sleepers, 0, NSLEEPS);
	tcase_add_test(tc, sleeper_in_loop);
	tcase_add_loop_test(tc, buffered_behind, 0, NSLEEPS + 1);
	tcase_add_loop_test(tc, wait_times, 0, NWAYS);
	tcase_add_loop_test(tc, copyin_after_sleep, 0, NWAYS);
	tcase_add_test(tc, burst_behind_copyin);
	tcase_add_loop_test(tc, disconnect_interrupts, 0, NWAYS);
	tcase_add_test(tc, exec_interrupts_kernel);
	tcase_add_loop_test(tc, thousand_blocked, 0, NWAYS);
	tcase_add_loop_test(tc, stop_interrupts, 0, NWAYS);
	tcase_add_loop_test(tc, kicked_out_of_sleep, 0, NWAYS);
	tcase_add_loop_test(tc, woken_from_sleep, 0, NWAYS);
	tcase_add_loop_test(tc, jobs, 0, NWAYS);
	tcase_add_test(tc, stop_waits);
	tcase_add_loop_test(tc, storms, 0, NWAYS);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
