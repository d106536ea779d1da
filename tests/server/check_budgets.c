/*
 * What a client holds is charged to it: memory, threads.  Over its budget it
 * gets an error or waits, and nobody else notices.
 */
#include <sys/socket.h>

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "lib/suite.h"
#include "testkern.h"

static struct bed bed;

enum { MIB = 1 << 20 };

static uint64_t
held(enum rumpserver_budget kind)
{

	return bed_stats(&bed).held[kind];
}

static void
await_held(enum rumpserver_budget kind, uint64_t n)
{

	while (held(kind) != n)
		sched_yield();
}

/* Another client, of the same user, and one of another. */
static void
expect_served(void)
{
	int64_t rv[2];
	int fd;

	fd = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 7, 8, 0, rv), 0);
	close(fd);
	fd = cl_tcp(&bed);
	ck_assert_uint_eq(cl_refusal(fd), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 7, 8, 0, rv), 0);
	close(fd);
}

static unsigned
count_fds(void)
{
	unsigned n;
	DIR *d;

	d = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(d);
	for (n = 0; readdir(d) != NULL; n++)
		continue;
	closedir(d);
	return n;
}

/* --- memory --- */

/* Asks for very much, and reads late: next to nothing is held meanwhile, no
 * thread waits, and all of it comes. */
START_TEST(unread_answers)
{
	enum { CALLS = 200 };
	static bool answered[CALLS];
	unsigned i, done;
	struct frame f;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, TK_RESERVE, 0x1000, MIB, MIB);
	while (held(RUMPSERVER_BYTES) == 0)
		sched_yield();
	expect_served();
	ck_assert_uint_le(held(RUMPSERVER_BYTES), 16 * MIB);
	await_held(RUMPSERVER_THREADS, 0);
	for (done = 0; done < CALLS;) {
		f = cl_recv(fd);
		if (f.class != RESP) {
			ck_assert_uint_eq(f.type, COPYOUT);
			continue;
		}
		ck_assert_uint_lt(f.reqno, CALLS);
		ck_assert(!answered[f.reqno]);
		answered[f.reqno] = true;
		done++;
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Many little ones, too few to stop the server, are paid for as well. */
START_TEST(unread_little)
{
	enum { CALLS = 5000, MUCH = 64 * 1024 };
	unsigned i, done;
	struct frame f;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, TK_ECHO, 7, 8, 0);
	while (held(RUMPSERVER_BYTES) < MUCH)
		sched_yield();
	for (done = 0; done < CALLS; done++) {
		f = cl_recv(fd);
		ck_assert_uint_eq(f.class, RESP);
	}
	await_held(RUMPSERVER_BYTES, 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Calls that wait and then answer at once, more than may be held: some fail,
 * the others are answered. */
START_TEST(answers_at_once)
{
	enum { CALLS = 12, ROOM = 4 };
	unsigned i, failed, done;
	struct frame f;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.max_client_bytes = ROOM * MIB;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, TK_GATE_RESERVE, 0x1000, MIB - 4096, MIB - 4096);
	tk_wait_sleeping(&bed.tk, CALLS);
	tk_gate(&bed.tk, true);
	tk_wait_sleeping(&bed.tk, 0);
	failed = 0;
	for (done = 0; done < CALLS;) {
		ck_assert_uint_le(held(RUMPSERVER_BYTES), ROOM * MIB);
		f = cl_recv(fd);
		if (f.class != RESP)
			continue;
		done++;
		if (f.body[0] == 0)
			continue;
		ck_assert_uint_eq(f.body[0], RUMP_ENOMEM);
		failed++;
	}
	ck_assert_uint_ge(failed, 1);
	ck_assert_uint_lt(failed, CALLS);
	ck_assert_uint_ge(bed_stats(&bed).over_budget[RUMPSERVER_BYTES], 1);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Copyins that are not answered, with the memory for what should come. */
START_TEST(unanswered_copyins)
{
	enum { ROOM = 4, CALLS = ROOM + 3 };
	struct frame f;
	unsigned i;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.max_client_bytes = ROOM * MIB + 64 * 1024;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++) {
		cl_call(fd, i, TK_BORROW, 0x1000, MIB, 0);
		f = cl_recv(fd);
		ck_assert_uint_eq(f.class, i < ROOM ? REQ : RESP);
		if (i >= ROOM)
			ck_assert_uint_eq(f.body[0], RUMP_ENOMEM);
	}
	expect_served();
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	await_held(RUMPSERVER_BYTES, 0);
	bed_stop(&bed);
}
END_TEST

/* A byte now and then is not enough. */
START_TEST(reads_a_byte)
{
	char c;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.send_timeout_ms = 300;
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 1, TK_RESERVE, 0x1000, MIB, MIB);
	while (!tk_logged(&bed.tk, "reads too little")) {
		(void)recv(fd, &c, 1, MSG_DONTWAIT);
		poll(NULL, 0, 1);
	}
	tk_wait_procs(&bed.tk, 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Signals for a client that does not read are pending, each once. */
START_TEST(pending_signals)
{
	enum { RAISES = 500, UNREAD = 300 * 1024 };
	unsigned i, raised, done;
	struct frame f;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.send_timeout_ms = in_units(30000);
	bed_start(&bed);
	fd = cl_guest(&bed);
	/* More than a socket takes, less than what stops the server. */
	cl_call(fd, 0, TK_RESERVE, 0x1000, UNREAD, UNREAD);
	for (i = 1; i <= RAISES; i++)
		cl_call(fd, i, TK_RAISE, 1 + i % 2, 0, 0);
	while (tk_read(&bed.tk, &bed.tk.calls) <= RAISES)
		sched_yield();
	raised = 0;
	for (done = 0; done <= RAISES;) {
		f = cl_recv(fd);
		raised += f.class == REQ && f.type == RAISE;
		done += f.class == RESP;
	}
	ck_assert_uint_ge(raised, 2);
	ck_assert_uint_lt(raised, RAISES);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* --- threads --- */

static const int sleeps[] = { TK_GATE_WAIT, TK_SLEEP };

START_TEST(threads_of_a_client)
{
	enum { MOST = 3, CALLS = 8 };
	unsigned i;
	int fd, other;

	bed_init(&bed, THREADS);
	bed.cfg.max_client_threads = MOST;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, sleeps[_i], 0, 0, 0);
	for (i = MOST; i < CALLS; i++)
		ck_assert_uint_eq(cl_recv(fd).body[0], RUMP_ENOMEM);
	await_held(RUMPSERVER_THREADS, MOST);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 0, NULL), 0);
	other = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(other, TK_SLEEP, 1, 0, 0, NULL),
	    RUMP_EWOULDBLOCK);
	close(fd);
	close(other);
	bed_stop(&bed);
}
END_TEST

/* All connections of a user together have his share. */
START_TEST(threads_of_a_user)
{
	enum { ALL = 16, SHARE = 12, CLIENTS = 4, EACH = 5 };
	int fd[CLIENTS], other;
	unsigned i, j;

	bed_init(&bed, THREADS);
	bed.cfg.max_threads = ALL;
	bed_start(&bed);
	for (i = 0; i < CLIENTS; i++) {
		fd[i] = cl_guest(&bed);
		for (j = 0; j < EACH; j++)
			cl_call(fd[i], j, TK_GATE_WAIT, 0, 0, 0);
	}
	while (bed_stats(&bed).over_budget[RUMPSERVER_THREADS] <
	    CLIENTS * EACH - SHARE)
		sched_yield();
	tk_wait_sleeping(&bed.tk, SHARE);
	other = cl_tcp(&bed);
	ck_assert_uint_eq(cl_refusal(other), 0);
	ck_assert_int_eq(cl_syscall(other, TK_SLEEP, 1, 0, 0, NULL),
	    RUMP_EWOULDBLOCK);
	close(other);
	for (i = 0; i < CLIENTS; i++)
		close(fd[i]);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

static const int gates[] = { TK_GATE_BLOCK, TK_GATE_SILENT };

/* Sleep in the kernel is paid for, too: beyond what it may, a client's calls
 * wait for one another. */
START_TEST(kernel_sleeps)
{
	enum { MOST = 2, CALLS = 6 };
	unsigned i;
	int fd;

	bed_init(&bed, THREADS);
	bed.cfg.max_client_threads = MOST;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, gates[_i], 0, 0, 0);
	/* One more is at it, and keeps the input. */
	tk_wait_sleeping(&bed.tk, MOST + 1);
	while (bed_stats(&bed).over_budget[RUMPSERVER_THREADS] < 3)
		sched_yield();
	ck_assert_uint_eq(held(RUMPSERVER_THREADS), MOST);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.sleeping), MOST + 1);
	expect_served();
	tk_gate(&bed.tk, true);
	for (i = 0; i < CALLS; i++)
		ck_assert_uint_eq(cl_recv(fd).body[0], 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Sleeping costs no descriptors. */
START_TEST(no_descriptors)
{
	enum { CALLS = 100 };
	unsigned i, fds;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 0, NULL), 0);
	fds = count_fds();
	for (i = 0; i < CALLS; i++)
		cl_call(fd, i, TK_GATE_WAIT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, CALLS);
	ck_assert_uint_eq(count_fds(), fds);
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* Many leave at once, and as many ends hang as there are threads for them: the
 * others end, by few threads, and guests are served. */
START_TEST(mass_exit)
{
	enum { GUESTS = 200, HANG = 16 };
	int fd[GUESTS], i;

	bed_init(&bed, THREADS);
	bed.tk.exits_that_wait = HANG;
	bed_start(&bed);
	for (i = 0; i < GUESTS; i++)
		fd[i] = cl_guest(&bed);
	for (i = 0; i < GUESTS; i++)
		close(fd[i]);
	tk_wait_procs(&bed.tk, HANG);
	fd[0] = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(fd[0], TK_ECHO, 7, 8, 0, NULL), 0);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.sleeping), HANG);
	ck_assert_uint_le(bed_stats(&bed).threads, 64);
	tk_gate(&bed.tk, true);
	tk_wait_procs(&bed.tk, 1);
	close(fd[0]);
	bed_stop(&bed);
}
END_TEST

struct flooder {
	pthread_t thread;
	int fd;
	atomic_bool enough;
};

/* Never lets its worker have a rest. */
static void *
flood(void *arg)
{
	struct flooder *f = arg;
	uint64_t calls[64][3] = { { 0 } };
	char answers[48 * 64];
	unsigned i;

	for (i = 0; i < 64; i++) {
		calls[i][0] = 24;
		calls[i][2] = (uint64_t)TK_GETPID << 32 | SYSCALL << 16;
	}
	/* Always as many behind those that it waits for. */
	cl_raw(f->fd, calls, sizeof(calls));
	while (!atomic_load(&f->enough)) {
		cl_raw(f->fd, calls, sizeof(calls));
		ck_assert_int_eq(recv(f->fd, answers, sizeof(answers),
		    MSG_WAITALL), sizeof(answers));
	}
	return NULL;
}

/* As many clients that never stop as there are threads. */
START_TEST(never_stops)
{
	enum { MOST = 3 };
	struct flooder f[MOST];
	unsigned i;

	bed_init(&bed, THREADS);
	bed.cfg.max_threads = MOST;
	bed_start(&bed);
	for (i = 0; i < MOST; i++) {
		f[i].fd = cl_guest(&bed);
		atomic_init(&f[i].enough, false);
	}
	for (i = 0; i < MOST; i++)
		pthread_create(&f[i].thread, NULL, flood, &f[i]);
	for (i = 0; i < 5; i++)
		expect_served();
	for (i = 0; i < MOST; i++)
		atomic_store(&f[i].enough, true);
	for (i = 0; i < MOST; i++) {
		pthread_join(f[i].thread, NULL);
		close(f[i].fd);
	}
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	const TTest *both[] = {
		unread_answers, unread_little, answers_at_once,
		unanswered_copyins, reads_a_byte, pending_signals, no_descriptors,
	};
	const TTest *two[] = {
		threads_of_a_client, kernel_sleeps,
	};
	const TTest *threads[] = {
		threads_of_a_user, mass_exit, never_stops,
	};
	Suite *s = suite_create("budgets");
	TCase *tc = tcase_create("budgets");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		tcase_add_loop_test(tc, both[i], 0, NWAYS);
	for (i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		tcase_add_loop_test(tc, two[i], 0, 2);
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		tcase_add_test(tc, threads[i]);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
