/*
 * Handshakes, calls, forks and execs, and what happens to those who break
 * the protocol.  Every test runs with threads and in an event loop.
 */
#include <sys/socket.h>

#include <check.h>
#include <string.h>
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

START_TEST(guest_and_calls)
{
	int64_t rv[2];
	int a, b;

	setup(_i);
	a = cl_guest(&bed);
	b = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(a, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 2);
	ck_assert_int_eq(rv[1], 1);
	ck_assert_int_eq(cl_syscall(b, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 3);
	ck_assert_int_eq(cl_syscall(a, TK_ECHO, 5, UINT64_MAX, 0, rv), 0);
	ck_assert_int_eq(rv[0], 5);
	ck_assert_int_eq(rv[1], -1);
	ck_assert_int_eq(cl_syscall(a, TK_ERROR, 35, 0, 0, rv), 35);
	ck_assert_int_eq(cl_syscall(a, 9999, 0, 0, 0, rv), RUMP_ENOSYS);
	close(a);
	tk_wait_procs(&bed.tk, 1);
	ck_assert_int_eq(cl_syscall(b, TK_ECHO, 1, 2, 0, rv), 0);
	ck_assert_uint_eq(bed_stats(&bed).clients_total, 2);
	close(b);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* A call without a body; a number beyond int; the highest request number. */
START_TEST(odd_calls)
{
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_send(fd, REQ, SYSCALL, 0, TK_GETPID, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, 0, rv), 0);
	ck_assert_int_eq(rv[0], 2);
	cl_send(fd, REQ, SYSCALL, UINT64_MAX, UINT32_MAX, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, UINT64_MAX, rv), RUMP_ENOSYS);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(pipelined)
{
	uint64_t req[3 * 200 * 2], *p = req, i;
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < 200; i++) {
		*p++ = 24 + 16;
		*p++ = i;
		*p++ = (uint64_t)TK_ECHO << 32 | (uint64_t)SYSCALL << 16;
		*p++ = i * 3;
		*p++ = ~i;
	}
	cl_raw(fd, req, (size_t)(p - req) * 8);
	for (i = 0; i < 200; i++) {
		ck_assert_int_eq(cl_answer(fd, i, rv), 0);
		ck_assert_uint_eq((uint64_t)rv[0], i * 3);
		ck_assert_uint_eq((uint64_t)rv[1], ~i);
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Every byte by itself. */
START_TEST(bytewise)
{
	uint64_t req[] = { 40, 77, (uint64_t)TK_ECHO << 32 | SYSCALL << 16,
	    8, 9 };
	const char *p = (const char *)req;
	int64_t rv[2];
	size_t i;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < sizeof(req); i++)
		cl_raw(fd, p + i, 1);
	ck_assert_int_eq(cl_answer(fd, 77, rv), 0);
	ck_assert_int_eq(rv[1], 9);
	close(fd);
	bed_stop(&bed);
}
END_TEST

static void
expect_refusal(unsigned type, uint32_t u, const void *body, size_t len,
    uint32_t code)
{
	int fd;

	fd = cl_connect(&bed);
	cl_send(fd, REQ, type, 42, u, body, len);
	ck_assert_uint_eq(cl_error(fd, 42), code);
	cl_eof(fd);
	close(fd);
}

START_TEST(first_request)
{
	const uint8_t fork[20] = { 1, 2, 3 };

	setup(_i);
	expect_refusal(SYSCALL, TK_GETPID, NULL, 0, E_AUTH);
	expect_refusal(PREFORK, 0, NULL, 0, E_AUTH);
	expect_refusal(HANDSHAKE, EXEC, "sh", 3, E_AUTH);
	expect_refusal(HANDSHAKE, AUTH, "x", 2, E_AUTH);
	expect_refusal(HANDSHAKE, FORK, fork, 20, E_NO_PREFORK);
	expect_refusal(HANDSHAKE, FORK, fork, 19, E_MALFORMED);
	expect_refusal(HANDSHAKE, GUEST, "abc", 3, E_MALFORMED);
	expect_refusal(HANDSHAKE, GUEST, NULL, 0, E_MALFORMED);
	expect_refusal(HANDSHAKE, 17, "x", 2, E_MALFORMED);
	expect_refusal(99, 0, NULL, 0, E_MALFORMED);
	expect_refusal(COPYIN, 0, fork, 16, E_MALFORMED);
	bed.tk.refuse = RUMP_EPERM;
	expect_refusal(HANDSHAKE, GUEST, "x", 2, E_AUTH);
	bed.tk.refuse = RUMP_EAGAIN;
	expect_refusal(HANDSHAKE, GUEST, "x", 2, E_NOMEM);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

START_TEST(second_handshake)
{
	const uint32_t cookie[4] = { 1 };
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_send(fd, REQ, HANDSHAKE, 5, GUEST, "x", 2);
	ck_assert_uint_eq(cl_error(fd, 5), E_MALFORMED);
	cl_fork(fd, 6, cookie, 0);
	ck_assert_uint_eq(cl_error(fd, 6), E_MALFORMED);
	cl_send(fd, REQ, HANDSHAKE, 7, AUTH, "x", 2);
	ck_assert_uint_eq(cl_error(fd, 7), E_MALFORMED);
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, rv), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* What breaks the stream ends the connection, and that one only. */
START_TEST(violations)
{
	static const struct {
		uint64_t hdr[3];
		uint32_t code;		/* 0: no error frame comes */
	} bad[] = {
		{ { 23, 1, SYSCALL << 16 }, 0 },
		{ { 0, 1, SYSCALL << 16 }, 0 },
		{ { UINT64_MAX, 1, SYSCALL << 16 }, 0 },
		{ { 1 << 30, 1, SYSCALL << 16 }, 0 },
		{ { 24 + 8 * 17, 1, SYSCALL << 16 }, E_MALFORMED },
		{ { 24 + 8192, 1, HANDSHAKE << 16 }, E_MALFORMED },
		{ { 24, 1, 9 << 16 }, E_MALFORMED },
		{ { 24, 1, COPYOUT << 16 }, E_MALFORMED },
		{ { 25, 1, PREFORK << 16 }, E_MALFORMED },
		{ { 24, 1, SYSCALL << 16 | RESP }, 0 },
		{ { 24, 1, COPYIN << 16 | RESP }, 0 },
		{ { 32, 1, ANONMMAP << 16 | RESP }, 0 },
		{ { 24, 1, ERROR }, 0 },
		{ { 24, 1, 7 }, 0 },
	};
	unsigned i;
	int fd, good;

	setup(_i);
	good = cl_guest(&bed);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = cl_guest(&bed);
		cl_raw(fd, bad[i].hdr, 24);
		if (bad[i].code != 0)
			ck_assert_uint_eq(cl_error(fd, 1), bad[i].code);
		cl_eof(fd);
		close(fd);
	}
	tk_wait_procs(&bed.tk, 1);
	ck_assert_int_eq(cl_syscall(good, TK_GETPID, 0, 0, 0, NULL), 0);
	ck_assert_uint_eq(bed_stats(&bed).protocol_errors, i);
	close(good);
	bed_stop(&bed);
}
END_TEST

START_TEST(fork_by_cookie)
{
	uint32_t cookie[4], other[4];
	int64_t rv[2];
	int fd, child, late;

	setup(_i);
	fd = cl_guest(&bed);
	cl_prefork(fd, 10, cookie);
	cl_prefork(fd, 11, other);
	ck_assert_mem_ne(cookie, other, 16);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.copies), 2);
	ck_assert_uint_eq(bed_stats(&bed).preforks_now, 2);

	child = cl_connect(&bed);
	cl_fork(child, 3, cookie, 0);
	ck_assert_uint_eq(cl_recv(child).class, RESP);
	ck_assert_int_eq(cl_syscall(child, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 3);
	ck_assert_int_eq(rv[1], 2);

	/* Used up. */
	late = cl_connect(&bed);
	cl_fork(late, 4, cookie, 0);
	ck_assert_uint_eq(cl_error(late, 4), E_NO_PREFORK);
	cl_eof(late);
	close(late);

	/* The copy outlives the caller. */
	close(fd);
	tk_wait_procs(&bed.tk, 2);
	late = cl_connect(&bed);
	cl_fork(late, 5, other, 0);
	ck_assert_uint_eq(cl_recv(late).class, RESP);
	ck_assert_int_eq(cl_syscall(late, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 4);
	ck_assert_uint_eq(bed_stats(&bed).preforks_now, 0);
	close(late);
	close(child);
	bed_stop(&bed);
}
END_TEST

START_TEST(fork_cancel)
{
	uint32_t cookie[4];
	int fd, by;

	setup(_i);
	fd = cl_guest(&bed);
	cl_prefork(fd, 10, cookie);
	tk_wait_procs(&bed.tk, 2);
	by = cl_connect(&bed);
	cl_fork(by, 1, cookie, 1);
	cl_eof(by);
	close(by);
	tk_wait_procs(&bed.tk, 1);
	/* Unknown by now: no answer either. */
	by = cl_connect(&bed);
	cl_fork(by, 1, cookie, 1);
	cl_eof(by);
	close(by);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(fork_limits)
{
	uint32_t cookie[4];
	int fd, child;

	bed_init(&bed, _i);
	bed.cfg.max_preforks_per_proc = 2;
	bed.cfg.prefork_timeout_ms = in_units(500);
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_prefork(fd, 1, cookie);
	cl_prefork(fd, 2, cookie);
	cl_send(fd, REQ, PREFORK, 3, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 3), E_NOMEM);
	/* Expired: the copies go, and there is room again. */
	tk_wait_procs(&bed.tk, 1);
	child = cl_connect(&bed);
	cl_fork(child, 4, cookie, 0);
	ck_assert_uint_eq(cl_error(child, 4), E_NO_PREFORK);
	cl_eof(child);
	close(child);
	cl_prefork(fd, 5, cookie);
	bed.tk.copy_error = RUMP_EIO;
	cl_send(fd, REQ, PREFORK, 6, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 6), E_RFORK);
	bed.tk.copy_error = RUMP_EAGAIN;
	cl_send(fd, REQ, PREFORK, 7, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 7), E_NOMEM);
	close(fd);
	bed_stop(&bed);
}
END_TEST

static void
expect_comm(int fd, const char *comm)
{
	uint64_t len, addr;
	struct frame f;

	cl_call(fd, 900, TK_COMM, 0x5000, 0, 0);
	f = cl_copyreq(fd, COPYOUTSTR, &len, &addr);
	ck_assert_uint_eq(addr, 0x5000);
	ck_assert_uint_eq(len, strlen(comm) + 1);
	ck_assert_str_eq((char *)f.body + 16, comm);
	ck_assert_int_eq(cl_answer(fd, 900, NULL), 0);
}

START_TEST(exec_idle)
{
	struct frame f;
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	expect_comm(fd, "test");
	cl_send(fd, REQ, HANDSHAKE, 0, EXEC, "sh", 3);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.class, RESP);
	ck_assert_uint_eq(f.type, HANDSHAKE);
	ck_assert_uint_eq(f.bodylen, 4);
	expect_comm(fd, "sh");
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 2);
	cl_send(fd, REQ, HANDSHAKE, 1, EXEC, "sh", 2);
	ck_assert_uint_eq(cl_error(fd, 1), E_MALFORMED);
	bed.tk.exec_error = RUMP_ENOMEM;
	cl_send(fd, REQ, HANDSHAKE, 2, EXEC, "sh", 3);
	ck_assert_uint_eq(cl_error(fd, 2), E_NOMEM);
	expect_comm(fd, "sh");
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Calls in flight end with EINTR, then the exec happens. */
START_TEST(exec_interrupts)
{
	struct frame f;
	unsigned i, answers;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < 3; i++)
		cl_call(fd, 10 + i, i == 2 ? TK_SLEEP : TK_GATE_WAIT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 2);
	cl_send(fd, REQ, HANDSHAKE, 20, EXEC, "sh", 3);
	for (answers = 0; answers < 3; answers++) {
		f = cl_recv(fd);
		ck_assert_uint_eq(f.type, SYSCALL);
		ck_assert_uint_ge(f.reqno, 10);
		ck_assert_uint_le(f.reqno, 12);
		ck_assert_uint_eq(f.body[0], RUMP_EINTR);
	}
	f = cl_recv(fd);
	ck_assert_uint_eq(f.reqno, 20);
	ck_assert_uint_eq(f.class, RESP);
	expect_comm(fd, "sh");
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.execs), 1);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* While the exec waits for a call, there is no fork and no second exec. */
START_TEST(exec_waits)
{
	uint64_t len, addr;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 10, TK_COPYIN, 0x1000, 4, 0);
	cl_copyreq(fd, COPYIN, &len, &addr);
	cl_send(fd, REQ, HANDSHAKE, 20, EXEC, "sh", 3);
	cl_send(fd, REQ, PREFORK, 21, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 21), E_INEXEC);
	cl_send(fd, REQ, HANDSHAKE, 22, EXEC, "sh", 3);
	ck_assert_uint_eq(cl_error(fd, 22), E_INEXEC);
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), RUMP_EBUSY);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.execs), 0);
	cl_send(fd, RESP, COPYIN, 0, 0, "abcd", 4);
	ck_assert_int_eq(cl_answer(fd, 10, NULL), 0);
	ck_assert_uint_eq(cl_recv(fd).reqno, 20);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.execs), 1);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(lwp_refused)
{
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	bed.tk.lwp_error = RUMP_EAGAIN;
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), RUMP_EAGAIN);
	bed.tk.lwp_error = 0;
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(connected_descriptor)
{
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_pair(&bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "pair", 5);
	ck_assert_uint_eq(cl_recv(fd).class, RESP);
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 2);
	expect_comm(fd, "pair");
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, guest_and_calls, 0, NWAYS);
	tcase_add_loop_test(tc, odd_calls, 0, NWAYS);
	tcase_add_loop_test(tc, pipelined, 0, NWAYS);
	tcase_add_loop_test(tc, bytewise, 0, NWAYS);
	tcase_add_loop_test(tc, first_request, 0, NWAYS);
	tcase_add_loop_test(tc, second_handshake, 0, NWAYS);
	tcase_add_loop_test(tc, violations, 0, NWAYS);
	tcase_add_loop_test(tc, fork_by_cookie, 0, NWAYS);
	tcase_add_loop_test(tc, fork_cancel, 0, NWAYS);
	tcase_add_loop_test(tc, fork_limits, 0, NWAYS);
	tcase_add_loop_test(tc, exec_idle, 0, NWAYS);
	tcase_add_loop_test(tc, exec_interrupts, 0, NWAYS);
	tcase_add_loop_test(tc, exec_waits, 0, NWAYS);
	tcase_add_loop_test(tc, lwp_refused, 0, NWAYS);
	tcase_add_loop_test(tc, connected_descriptor, 0, NWAYS);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
