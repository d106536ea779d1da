/*
 * Clients that mean ill, one trick a test.
 */
#include <sys/socket.h>

#include <check.h>
#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "lib/conversation.h"
#include "lib/suite.h"
#include "testkern.h"

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

/* How often the log says it. */
static unsigned
count_log(struct bed *bed, const char *text)
{
	const char *p;
	unsigned n;

	pthread_mutex_lock(&bed->tk.lock);
	n = 0;
	for (p = bed->tk.log; (p = strstr(p, text)) != NULL; p++)
		n++;
	pthread_mutex_unlock(&bed->tk.lock);
	return n;
}

/* Long enough for the server to look at what has come; no event says so. */
static void
let_it_look(void)
{
	const struct timespec ts = { .tv_nsec = 30 * 1000000 };

	nanosleep(&ts, NULL);
}

/* A refused client may stay for a second, also when it took two tries to send
 * what it is refused for. */
START_TEST(test_refused_in_halves)
{
	const uint8_t frame[24] = { 24, [16] = 0, [18] = 5 };
	struct bed bed;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_raw(fd, frame, 10);
	let_it_look();
	cl_raw(fd, frame + 10, sizeof(frame) - 10);
	ck_assert_uint_eq(cl_error(fd, 0), E_MALFORMED);
	tk_wait_procs(&bed.tk, 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* A few lines, however often.  Never error 1: NetBSD's client would spin. */
START_TEST(test_prefork_flood)
{
	enum { LIMIT = 4, FLOOD = 500 };
	unsigned i, refused;
	struct frame f;
	struct bed bed;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.max_preforks_per_proc = LIMIT;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < FLOOD; i++)
		cl_send(fd, REQ, PREFORK, i + 2, 0, NULL, 0);
	refused = 0;
	for (i = 0; i < FLOOD; i++) {
		f = cl_recv(fd);
		if (f.class == ERROR)
			ck_assert_uint_eq(f.u, E_NOMEM);
		refused += f.class == ERROR;
	}
	ck_assert_uint_eq(refused, FLOOD - LIMIT);
	ck_assert_uint_lt(count_log(&bed, "prefork refused"), refused);
	close(fd);
	tk_wait_procs(&bed.tk, LIMIT);
	tk_wait_log(&bed.tk, "more suppressed");
	bed_stop(&bed);
}
END_TEST

/* However many clients break the protocol, the log stays readable. */
START_TEST(test_violation_flood)
{
	enum { FLOOD = 300 };
	struct bed bed;
	unsigned i;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	for (i = 0; i < FLOOD; i++) {
		fd = cl_guest(&bed);
		cl_send(fd, REQ, COPYIN, 2, 0, NULL, 0);
		ck_assert_uint_eq(cl_error(fd, 2), E_MALFORMED);
		close(fd);
	}
	ck_assert_uint_eq(bed_stats(&bed).protocol_errors, FLOOD);
	/* Another time may have begun. */
	ck_assert_uint_lt(count_log(&bed, "protocol error"), FLOOD);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
	ck_assert_ptr_nonnull(strstr(bed.tk.log, "more suppressed"));
}
END_TEST

/* Numbers that no table has: the kernel does not see them. */
START_TEST(test_odd_numbers)
{
	static const uint32_t odd[] = { 0x80000000, 0xffffffff, 0xfffffffe };
	struct bed bed;
	unsigned i;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		ck_assert_int_eq(cl_syscall(fd, (int)odd[i], 1, 2, 3, NULL),
		    RUMP_ENOSYS);
	ck_assert_uint_eq(tk_read(&bed.tk, &bed.tk.calls), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* A recorded call as one that our kernel has, with a copyin where it has
 * arguments. */
static uint32_t
own_call(const struct conversation_event *ev)
{
	const uint64_t little = 64;

	if (ev->bodylen < 16)
		return TK_GETPID;
	memcpy(ev->body + 8, &little, 8);
	return TK_COPYIN;
}

static size_t
recorded_bytes(const struct conversation *c, uint8_t *to, size_t cap)
{
	const struct conversation_event *ev;
	size_t i, len;
	uint16_t half[2];
	uint32_t u;

	len = 0;
	for (i = 0; i < c->nevents; i++) {
		ev = &c->events[i];
		if (ev->kind != CONVERSATION_FRAME ||
		    ev->from != CONVERSATION_CLIENT ||
		    ev->conn != c->events[0].conn)
			continue;
		ck_assert_uint_le(len + 24 + ev->bodylen, cap);
		half[0] = ev->class;
		half[1] = ev->type;
		u = ev->class == SP_REQ && ev->type == SP_SYSCALL ?
		    own_call(ev) : ev->u;
		memcpy(to + len, &ev->len, 8);
		memcpy(to + len + 8, &ev->reqno, 8);
		memcpy(to + len + 16, half, 4);
		memcpy(to + len + 20, &u, 4);
		if (ev->bodylen > 0)
			memcpy(to + len + 24, ev->body, ev->bodylen);
		len += 24 + ev->bodylen;
	}
	return len;
}

/* Hangs up after every number of bytes. */
static void
cut_everywhere(struct bed *bed, const char *path)
{
	static uint8_t bytes[1 << 20];
	char why[CONVERSATION_WHY];
	struct conversation *c;
	size_t len, cut;
	int fd;

	c = conversation_load(path, why);
	ck_assert_msg(c != NULL, "%s", why);
	len = recorded_bytes(c, bytes, sizeof(bytes));
	conversation_free(c);
	if (len > 2000)
		len = 2000;
	for (cut = 0; cut <= len; cut++) {
		fd = cl_connect(bed);
		/* It may have hung up already. */
		(void)send(fd, bytes, cut, MSG_NOSIGNAL);
		if (cut % 2 == 0)
			shutdown(fd, SHUT_WR);
		close(fd);
	}
}

START_TEST(test_cut_everywhere)
{
	char **list;
	struct bed bed;
	unsigned fds;
	size_t i;

	fds = count_fds();
	bed_init(&bed, _i);
	/* What was copied for nobody goes at once. */
	bed.cfg.prefork_timeout_ms = 1;
	bed_start(&bed);
	list = conversation_list(RUMPGEN_TOP "/tests/fixtures/conversation");
	ck_assert_ptr_nonnull(list);
	for (i = 0; list[i] != NULL; i++)
		cut_everywhere(&bed, list[i]);
	conversation_list_free(list);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

START_TEST(test_thousand_connects)
{
	struct bed bed;
	unsigned fds, i;
	int fd;

	fds = count_fds();
	bed_init(&bed, _i);
	bed_start(&bed);
	for (i = 0; i < 1000; i++) {
		fd = i % 2 == 0 ? cl_guest(&bed) : cl_connect(&bed);
		if (i % 3 == 0)
			cl_call(fd, 2, TK_SLEEP, 10000, 0, 0);
		close(fd);
	}
	tk_wait_procs(&bed.tk, 0);
	ck_assert_uint_eq(bed_stats(&bed).clients_total, 1000);
	bed_stop(&bed);
	ck_assert_uint_eq(count_fds(), fds);
}
END_TEST

/* Asks for much and reads nothing: disconnected, and nobody else waits. */
START_TEST(test_never_reads)
{
	enum { BULK = 1 << 20, CALLS = 30 };
	struct bed bed;
	int64_t rv[2];
	int deaf, fd, i;

	bed_init(&bed, _i);
	bed.cfg.send_timeout_ms = 300;
	bed_start(&bed);
	deaf = cl_guest(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < CALLS; i++)
		cl_call(deaf, (uint64_t)i + 2, TK_COPYOUT, 0x1000, BULK, 0);
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 3, rv), 0);
	tk_wait_procs(&bed.tk, 1);
	ck_assert_uint_eq(count_log(&bed, "reads too little of what"), 1);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 3, rv), 0);
	close(deaf);
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* Copies of processes that are gone do not pile up: the newest are kept. */
START_TEST(test_orphan_flood)
{
	enum { CLIENTS = 5, EACH = 3, ROUNDS = 10 };
	uint32_t cookie[ROUNDS * EACH][4];
	struct bed bed;
	unsigned i;
	int fd = -1;

	bed_init(&bed, _i);
	bed.cfg.max_clients = CLIENTS;
	bed.cfg.user_share = 100;
	bed_start(&bed);
	for (i = 0; i < ROUNDS * EACH; i++) {
		if (i % EACH == 0)
			fd = cl_guest(&bed);
		cl_prefork(fd, i + 2, cookie[i]);
		if (i % EACH != EACH - 1)
			continue;
		close(fd);
		while (bed_stats(&bed).clients > 0)
			sched_yield();
	}
	tk_wait_procs(&bed.tk, CLIENTS);
	ck_assert_uint_eq(bed_stats(&bed).preforks_now, CLIENTS);
	for (i = 0; i < 2; i++) {
		fd = cl_connect(&bed);
		cl_fork(fd, 1, cookie[i == 0 ? 0 : ROUNDS * EACH - 1], 0);
		if (i == 0)
			ck_assert_uint_eq(cl_error(fd, 1), E_NO_PREFORK);
		else
			ck_assert_uint_eq(cl_recv(fd).class, RESP);
		close(fd);
	}
	bed_stop(&bed);
}
END_TEST

/* Preforks that take their time are calls in progress, and as many. */
START_TEST(test_preforks_at_once)
{
	enum { LIMIT = 4, FLOOD = 50 };
	uint64_t len, addr;
	struct frame f, copy;
	struct bed bed;
	int fd, i;

	bed_init(&bed, THREADS);
	bed.cfg.max_calls_per_client = LIMIT;
	bed.tk.copy_waits = true;
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 2, TK_COPYIN, 0x1000, 1, 0);
	copy = cl_copyreq(fd, COPYIN, &len, &addr);
	for (i = 0; i < FLOOD; i++)
		cl_send(fd, REQ, PREFORK, (uint64_t)i + 3, 0, NULL, 0);
	for (i = 0; i < FLOOD - (LIMIT - 1); i++) {
		f = cl_recv(fd);
		ck_assert_uint_eq(f.class, ERROR);
		ck_assert_uint_eq(f.u, E_NOMEM);
	}
	tk_wait_sleeping(&bed.tk, LIMIT - 1);
	tk_gate(&bed.tk, true);
	for (i = 0; i < LIMIT - 1; i++)
		ck_assert_uint_eq(cl_recv(fd).class, RESP);
	cl_send(fd, RESP, COPYIN, copy.reqno, 0, "a", 1);
	ck_assert_int_eq(cl_answer(fd, 2, NULL), 0);
	close(fd);
	tk_wait_procs(&bed.tk, LIMIT - 1);
	bed_stop(&bed);
}
END_TEST

/* Floods while a copyin of its own is open, then hangs up. */
START_TEST(test_flood_during_copyin)
{
	enum { FLOOD = 3000 };
	uint64_t len, addr;
	struct bed bed;
	int fd, i;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 2, TK_COPYIN, 0x1000, 64, 0);
	(void)cl_copyreq(fd, COPYIN, &len, &addr);
	for (i = 0; i < FLOOD; i++) {
		cl_send(fd, REQ, i % 3 == 0 ? PREFORK : SYSCALL,
		    (uint64_t)i + 3, TK_GETPID, NULL, 0);
		if (i % 8 == 7)
			(void)cl_recv(fd);
	}
	close(fd);
	tk_wait_procs(&bed.tk, bed_stats(&bed).preforks_now);
	bed_stop(&bed);
}
END_TEST

/* Execs, preforks and disconnects while calls of every kind are in progress. */
START_TEST(test_exec_during_calls)
{
	uint64_t len, addr;
	struct frame f;
	struct bed bed;
	int fd, round, i;

	bed_init(&bed, _i);
	bed_start(&bed);
	for (round = 0; round < 20; round++) {
		fd = cl_guest(&bed);
		cl_call(fd, 2, TK_SLEEP, 10000, 0, 0);
		cl_call(fd, 3, TK_GATE_WAIT, 10000, 0, 0);
		cl_call(fd, 4, TK_COPYIN, 0x1000, 64, 0);
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		cl_send(fd, REQ, HANDSHAKE, 5, EXEC, "new", 4);
		if (round % 3 == 0) {		/* in the middle of it */
			close(fd);
			continue;
		}
		cl_send(fd, ERROR, 0, f.reqno, E_MALFORMED, NULL, 0);
		for (i = 0; i < 4; i++) {
			f = cl_recv(fd);
			ck_assert_uint_eq(f.class, RESP);
		}
		ck_assert_uint_eq(f.reqno, 5);
		ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 3, NULL), 0);
		close(fd);
	}
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* A command name without an end. */
START_TEST(test_guest_without_nul)
{
	static char name[4096];
	struct bed bed;
	int fd;

	memset(name, 'n', sizeof(name));
	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_connect(&bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, name, sizeof(name));
	ck_assert_uint_eq(cl_error(fd, 1), E_MALFORMED);
	cl_eof(fd);
	close(fd);
	fd = cl_connect(&bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 1), E_MALFORMED);
	cl_eof(fd);
	close(fd);
	/* Too long even for a frame. */
	fd = cl_connect(&bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, name, sizeof(name) - 1);
	close(fd);
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostile clients");
	TCase *tc = tcase_create("tricks");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_refused_in_halves, 0, NWAYS);
	tcase_add_loop_test(tc, test_prefork_flood, 0, NWAYS);
	tcase_add_loop_test(tc, test_violation_flood, 0, NWAYS);
	tcase_add_loop_test(tc, test_odd_numbers, 0, NWAYS);
	tcase_add_loop_test(tc, test_cut_everywhere, 0, NWAYS);
	tcase_add_loop_test(tc, test_thousand_connects, 0, NWAYS);
	tcase_add_loop_test(tc, test_never_reads, 0, NWAYS);
	tcase_add_loop_test(tc, test_orphan_flood, 0, NWAYS);
	tcase_add_test(tc, test_preforks_at_once);
	tcase_add_loop_test(tc, test_flood_during_copyin, 0, NWAYS);
	tcase_add_loop_test(tc, test_exec_during_calls, 0, NWAYS);
	tcase_add_loop_test(tc, test_guest_without_nul, 0, NWAYS);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
