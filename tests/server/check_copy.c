/*
 * Client memory: what goes over the wire for every way to copy, and what
 * happens to a client that answers wrongly or not at all.
 */
#include <sys/socket.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
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

static uint64_t
sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t s = 0;

	while (len-- > 0)
		s = s * 31 + *p++;
	return s;
}

static uint8_t *
pattern(size_t len)
{
	uint8_t *p = malloc(len + 1);
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = tk_byte(i * 3 + 1);
	return p;
}

static const size_t sizes[] = { 1, 7, 8, 4096, 8152, 8192, 65536, 200000,
    1 << 20 };
enum { NSIZES = sizeof(sizes) / sizeof(sizes[0]) };

static void
one_copyin(int fd, int num, size_t size)
{
	uint8_t *data = pattern(size);
	uint64_t len, addr;
	struct frame f;
	int64_t rv[2];

	cl_call(fd, 5, num, 0x7f0000001000, size, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	ck_assert_uint_eq(addr, 0x7f0000001000);
	ck_assert_uint_eq(len, size);
	cl_send(fd, RESP, COPYIN, f.reqno, 0, data, size);
	ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
	ck_assert_uint_eq((uint64_t)rv[0], sum(data, size));
	free(data);
}

START_TEST(copyin_sizes)
{
	unsigned i;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < NSIZES; i++) {
		one_copyin(fd, TK_COPYIN, sizes[i]);
		one_copyin(fd, TK_BORROW, sizes[i]);
	}
	/* Nothing asks nothing. */
	ck_assert_int_eq(cl_syscall(fd, TK_COPYIN, 1, 0, 0, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_BORROW, 1, 0, 0, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_BORROW, 1,
	    RUMPSERVER_BORROW_MAX + 1, 0, NULL), RUMP_EINVAL);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Longer than a frame may carry: in order, piece after piece. */
START_TEST(copyin_pieces)
{
	const size_t size = 10000, piece = 4096;
	uint8_t *data = pattern(size);
	uint64_t len, addr, off;
	struct frame f;
	int64_t rv[2];
	int fd;

	bed_init(&bed, _i);
	bed.cfg.max_copy = piece;
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, size, 0);
	for (off = 0; off < size; off += len) {
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert_uint_eq(addr, 0x1000 + off);
		ck_assert_uint_eq(len, size - off < piece ? size - off : piece);
		cl_send(fd, RESP, COPYIN, f.reqno, 0, data + off, len);
	}
	ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
	ck_assert_uint_eq((uint64_t)rv[0], sum(data, size));
	ck_assert_uint_eq(bed_stats(&bed).copyin_bytes, size);
	free(data);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* An answer that dribbles in. */
START_TEST(copyin_dribbles)
{
	uint8_t *data = pattern(600), hdr[24] = { 0 };
	uint64_t len, addr, total = 624;
	uint16_t class = RESP, type = COPYIN;
	struct frame f;
	int64_t rv[2];
	int fd, i;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 600, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	memcpy(hdr, &total, 8);
	memcpy(hdr + 8, &f.reqno, 8);
	memcpy(hdr + 16, &class, 2);
	memcpy(hdr + 18, &type, 2);
	for (i = 0; i < 24; i++)
		cl_raw(fd, hdr + i, 1);
	for (i = 0; i < 600; i += 3)
		cl_raw(fd, data + i, 3);
	ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
	ck_assert_uint_eq((uint64_t)rv[0], sum(data, 600));
	free(data);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(copyin_fault)
{
	uint64_t len, addr;
	struct frame f;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 10, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	cl_send(fd, ERROR, 0, f.reqno, E_MALFORMED, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, 5, NULL), RUMP_EFAULT);
	cl_call(fd, 6, TK_COPYINSTR, 0x1000, 10, 0);
	f = cl_copyreq(fd, COPYINSTR, &len, &addr);
	cl_send(fd, ERROR, 0, f.reqno, E_MALFORMED, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, 6, NULL), RUMP_EFAULT);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Nobody is asked for what is at address 0, or to put something there. */
START_TEST(address_zero)
{
	static const int calls[] = { TK_COPYIN, TK_COPYINSTR, TK_BORROW,
	    TK_COPYOUT, TK_COPYOUTSTR, TK_RESERVE };
	unsigned i;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		ck_assert_int_eq(cl_syscall(fd, calls[i], 0, 10, 10, NULL),
		    RUMP_EFAULT);
	ck_assert_int_eq(cl_syscall(fd, TK_COPYIN, 0, 0, 0, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_COPYOUT, 0, 0, 0, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* An answer of another length or to another number ends the connection. */
START_TEST(copyin_lies)
{
	static const struct {
		int num;
		size_t len;
		uint64_t off;		/* of the number */
	} lies[] = {
		{ TK_COPYIN, 9, 0 }, { TK_COPYIN, 11, 0 }, { TK_COPYIN, 0, 0 },
		{ TK_COPYIN, 10, 1 }, { TK_COPYINSTR, 11, 0 },
		{ TK_ANONMMAP, 10, 0 },
	};
	uint8_t data[16] = { 0 };
	struct frame f;
	unsigned i;
	int fd;

	setup(_i);
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fd = cl_guest(&bed);
		cl_call(fd, 5, lies[i].num, 0x1000, 10, 0);
		f = cl_recv(fd);
		cl_send(fd, RESP, COPYIN, f.reqno + lies[i].off, 0, data,
		    lies[i].len);
		cl_eof(fd);
		close(fd);
		tk_wait_procs(&bed.tk, 0);
	}
	ck_assert_uint_eq(bed_stats(&bed).protocol_errors, i);
	bed_stop(&bed);
}
END_TEST

/* NetBSD's client answers copyinstr as copyin; both are fine. */
START_TEST(copyinstr_answers)
{
	static const char path[] = "/etc/motd";
	uint64_t len, addr;
	struct frame f;
	int64_t rv[2];
	unsigned type;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (type = COPYIN; type <= COPYINSTR; type++) {
		cl_call(fd, 5, TK_COPYINSTR, 0x2000, 1024, 0);
		f = cl_copyreq(fd, COPYINSTR, &len, &addr);
		ck_assert_uint_eq(len, 1024);
		cl_send(fd, RESP, type, f.reqno, 0, path, sizeof(path));
		ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
		ck_assert_int_eq(rv[0], sizeof(path));
		ck_assert_uint_eq((uint64_t)rv[1], sum(path, sizeof(path)));
	}
	/* The whole length without a NUL; less without one. */
	cl_call(fd, 6, TK_COPYINSTR, 0x2000, 9, 0);
	f = cl_copyreq(fd, COPYINSTR, &len, &addr);
	cl_send(fd, RESP, COPYIN, f.reqno, 0, path, 9);
	ck_assert_int_eq(cl_answer(fd, 6, NULL), RUMP_ENAMETOOLONG);
	cl_call(fd, 7, TK_COPYINSTR, 0x2000, 1024, 0);
	f = cl_copyreq(fd, COPYINSTR, &len, &addr);
	cl_send(fd, RESP, COPYIN, f.reqno, 0, path, 3);
	ck_assert_int_eq(cl_answer(fd, 7, NULL), RUMP_ENAMETOOLONG);
	close(fd);
	bed_stop(&bed);
}
END_TEST

static void
expect_copyout(int fd, uint64_t at, size_t size)
{
	uint64_t len, addr;
	struct frame f;
	size_t i;

	/* In one frame or several. */
	for (; size > 0; size -= len, at += len) {
		f = cl_copyreq(fd, COPYOUT, &len, &addr);
		ck_assert_uint_eq(addr, 0x3000 + at);
		ck_assert(len > 0 && len <= size);
		for (i = 0; i < len; i++)
			if (f.body[16 + i] != tk_byte(at + i))
				ck_abort_msg("byte %zu of %zu", i, size);
	}
}

START_TEST(copyout_sizes)
{
	unsigned i;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < NSIZES; i++) {
		cl_call(fd, 5, TK_COPYOUT, 0x3000, sizes[i], 0);
		expect_copyout(fd, 0, sizes[i]);
		ck_assert_int_eq(cl_answer(fd, 5, NULL), 0);
		cl_call(fd, 6, TK_RESERVE, 0x3000, sizes[i], sizes[i] / 2);
		if (sizes[i] / 2 > 0)
			expect_copyout(fd, 0, sizes[i] / 2);
		ck_assert_int_eq(cl_answer(fd, 6, NULL), 0);
	}
	ck_assert_int_eq(cl_syscall(fd, TK_COPYOUT, 1, 0, 0, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_RESERVE, 1, 100, 0, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_RESERVE, 1,
	    RUMPSERVER_BORROW_MAX + 1, 0, NULL), RUMP_EINVAL);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(copyout_pieces)
{
	int fd, i;

	bed_init(&bed, _i);
	bed.cfg.max_copy = 4096;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < 2; i++) {
		cl_call(fd, 5, i == 0 ? TK_COPYOUT : TK_RESERVE, 0x3000, 10000,
		    10000);
		expect_copyout(fd, 0, 4096);
		expect_copyout(fd, 4096, 4096);
		expect_copyout(fd, 8192, 10000 - 8192);
		ck_assert_int_eq(cl_answer(fd, 5, NULL), 0);
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* The data of a 64 KiB read and its answer come in one piece. */
START_TEST(copyout_gathers)
{
	const size_t size = 65536, all = 40 + 65536 + 48;
	uint8_t *buf = malloc(all + 1);
	int fd, num;

	setup(_i);
	fd = cl_guest(&bed);
	for (num = TK_COPYOUT; num != 0; num = num == TK_COPYOUT ? TK_RESERVE :
	    0) {
		cl_call(fd, 5, num, 0x3000, size, size);
		/* One send(2): the first byte is there with the last. */
		ck_assert_int_eq(recv(fd, buf, 1, 0), 1);
		ck_assert_int_eq(recv(fd, buf + 1, all, MSG_DONTWAIT), all - 1);
	}
	free(buf);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(copyoutstr)
{
	uint64_t len, addr;
	struct frame f;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYOUTSTR, 0x4000, 6, 0);
	f = cl_copyreq(fd, COPYOUTSTR, &len, &addr);
	ck_assert_uint_eq(len, 6);
	ck_assert_uint_eq(addr, 0x4000);
	ck_assert_mem_eq(f.body + 16, "hello", 6);
	ck_assert_int_eq(cl_answer(fd, 5, NULL), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_COPYOUTSTR, 0x4000, 5, 0, NULL),
	    RUMP_ENAMETOOLONG);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(anonmmap_and_raise)
{
	uint64_t len, addr = 0x7f1234560000;
	struct frame f;
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_ANONMMAP, 65536, 0, 0);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.class, REQ);
	ck_assert_uint_eq(f.type, ANONMMAP);
	ck_assert_uint_eq(f.bodylen, 8);
	memcpy(&len, f.body, 8);
	ck_assert_uint_eq(len, 65536);
	cl_send(fd, RESP, ANONMMAP, f.reqno, 0, &addr, 8);
	ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
	ck_assert_uint_eq((uint64_t)rv[0], addr);

	addr = 0;
	cl_call(fd, 6, TK_ANONMMAP, 65536, 0, 0);
	f = cl_recv(fd);
	cl_send(fd, RESP, ANONMMAP, f.reqno, 0, &addr, 8);
	ck_assert_int_eq(cl_answer(fd, 6, NULL), RUMP_ENOMEM);

	cl_call(fd, 7, TK_RAISE, 30, 0, 0);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.class, REQ);
	ck_assert_uint_eq(f.type, RAISE);
	ck_assert_uint_eq(f.u, 30);
	ck_assert_uint_eq(f.bodylen, 0);
	ck_assert_int_eq(cl_answer(fd, 7, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Many calls wait for their data at once; the answers come backwards, with
 * other calls in between. */
START_TEST(copyins_at_once)
{
	enum { N = 24 };
	uint64_t reqno[N], len, addr;
	struct frame f;
	char text[16];
	int64_t rv[2];
	unsigned i;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	for (i = 0; i < N; i++)
		cl_call(fd, 100 + i, TK_COPYIN, i + 1, 8, 0);
	for (i = 0; i < N; i++) {
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert(addr > 0 && addr <= N);
		reqno[addr - 1] = f.reqno;
	}
	for (i = N; i-- > 0;) {
		cl_call(fd, 500, TK_ECHO, i, 0, 0);
		ck_assert_int_eq(cl_answer(fd, 500, rv), 0);
		ck_assert_int_eq(rv[0], i);
		snprintf(text, sizeof(text), "data %02u", i);
		cl_send(fd, RESP, COPYIN, reqno[i], 0, text, 8);
		ck_assert_int_eq(cl_answer(fd, 100 + i, rv), 0);
		ck_assert_uint_eq((uint64_t)rv[0], sum(text, 8));
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* The answer, the next call and half of one more in one piece. */
START_TEST(copyin_with_more_behind)
{
	uint8_t buf[200];
	uint64_t len, addr, n64;
	uint16_t n16;
	struct frame f;
	int64_t rv[2];
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 3, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	memset(buf, 0, sizeof(buf));
	n64 = 27;
	memcpy(buf, &n64, 8);
	memcpy(buf + 8, &f.reqno, 8);
	n16 = RESP;
	memcpy(buf + 16, &n16, 2);
	n16 = COPYIN;
	memcpy(buf + 18, &n16, 2);
	memcpy(buf + 24, "abc", 3);
	for (n64 = 0; n64 < 2; n64++) {
		const uint64_t call[] = { 40, 6 + n64,
		    (uint64_t)TK_ECHO << 32 | SYSCALL << 16, 77, 0 };

		memcpy(buf + 27 + n64 * 40, call, 40);
	}
	cl_raw(fd, buf, 27 + 40 + 13);
	/* Either may be first. */
	for (n64 = 0; n64 < 2; n64++) {
		f = cl_recv(fd);
		ck_assert(f.reqno == 5 || f.reqno == 6);
		memcpy(rv, f.body + 8, sizeof(rv));
		ck_assert_uint_eq((uint64_t)rv[0], f.reqno == 6 ? 77 :
		    sum("abc", 3));
	}
	cl_raw(fd, buf + 27 + 40 + 13, 40 - 13);
	ck_assert_int_eq(cl_answer(fd, 7, rv), 0);
	ck_assert_int_eq(rv[0], 77);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Gone in the middle of a copyin: before the answer, and within it. */
START_TEST(client_dies)
{
	uint8_t part[100] = { 0 };
	uint64_t len, addr, n64;
	uint16_t n16;
	struct frame f;
	int fd, i;

	setup(_i);
	for (i = 0; i < 3; i++) {
		fd = cl_guest(&bed);
		cl_call(fd, 5, i == 2 ? TK_BORROW : TK_COPYIN, 0x1000, 100000,
		    0);
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		n64 = 24 + 100000;
		memcpy(part, &n64, 8);
		memcpy(part + 8, &f.reqno, 8);
		n16 = RESP;
		memcpy(part + 16, &n16, 2);
		n16 = COPYIN;
		memcpy(part + 18, &n16, 2);
		if (i > 0)
			cl_raw(fd, part, sizeof(part));
		close(fd);
		tk_wait_procs(&bed.tk, 0);
	}
	bed_stop(&bed);
}
END_TEST

START_TEST(no_answer)
{
	uint64_t len, addr;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.answer_timeout_ms = in_units(500);
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 10, 0);
	cl_call(fd, 6, TK_COPYIN, 0x1000, 10, 0);
	cl_copyreq(fd, COPYIN, &len, &addr);
	cl_copyreq(fd, COPYIN, &len, &addr);
	cl_eof(fd);
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	tk_wait_log(&bed.tk, "does not answer");
	ck_assert_uint_eq(bed_stats(&bed).timeouts, 1);
	bed_stop(&bed);
}
END_TEST

/* Sends as much of a copyin's answer as is wanted. */
static void
part_of_answer(int fd, uint64_t reqno, const void *data, size_t len,
    size_t from, size_t to)
{
	uint8_t frame[1024];
	uint64_t total = 24 + len;
	uint16_t n16[2] = { RESP, COPYIN };

	ck_assert_uint_le(total, sizeof(frame));
	memset(frame, 0, 24);
	memcpy(frame, &total, 8);
	memcpy(frame + 8, &reqno, 8);
	memcpy(frame + 16, n16, 4);
	memcpy(frame + 24, data, len);
	cl_raw(fd, frame + from, to - from);
}

/* A frame's time counts from its beginning, however long the client has
 * thought before: it may be stopped, or far away. */
START_TEST(late_and_slow_answer)
{
	const int limit = in_units(500);
	uint8_t *data = pattern(600);
	uint64_t len, addr;
	struct frame f;
	int64_t rv[2];
	int fd;

	bed_init(&bed, _i);
	bed.cfg.frame_timeout_ms = limit;
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 600, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	poll(NULL, 0, limit + 50);
	part_of_answer(fd, f.reqno, data, 600, 0, 100);
	poll(NULL, 0, 30);
	part_of_answer(fd, f.reqno, data, 600, 100, 624);
	ck_assert_int_eq(cl_answer(fd, 5, rv), 0);
	ck_assert_uint_eq((uint64_t)rv[0], sum(data, 600));
	/* And it does end. */
	cl_call(fd, 6, TK_COPYIN, 0x1000, 600, 0);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	part_of_answer(fd, f.reqno, data, 600, 0, 100);
	cl_eof(fd);
	tk_wait_log(&bed.tk, "half a frame");
	free(data);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* One that sends all kinds of things, but no answer. */
START_TEST(no_answer_among_calls)
{
	const uint64_t call[5] = { 40, 9, (uint64_t)TK_ECHO << 32 |
	    SYSCALL << 16 };
	uint64_t len, addr;
	char drop[4096];
	int fd;

	bed_init(&bed, _i);
	bed.cfg.answer_timeout_ms = 100;
	bed_start(&bed);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYIN, 0x1000, 10, 0);
	cl_copyreq(fd, COPYIN, &len, &addr);
	while (send(fd, call, sizeof(call), MSG_NOSIGNAL) > 0) {
		ck_assert_int_lt(bed_stats(&bed).calls, 1000000);
		(void)recv(fd, drop, sizeof(drop), MSG_DONTWAIT);
	}
	tk_wait_log(&bed.tk, "does not answer");
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Both ways at once, more than any socket buffer holds. */
START_TEST(big_both_ways)
{
	const size_t size = 8 << 20, piece = 1 << 20;
	uint8_t *data = pattern(size);
	uint64_t len, addr, off, i, answers;
	struct frame f;
	int fd;

	setup(_i);
	fd = cl_guest(&bed);
	cl_call(fd, 5, TK_COPYINOUT, 0x1000, 0x9000, size);
	for (off = 0; off < size; off += len) {
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert_uint_eq(len, piece);
		cl_send(fd, RESP, COPYIN, f.reqno, 0, data + off, len);
	}
	/* Calls go on in between. */
	for (i = 0; i < 10; i++)
		cl_call(fd, 6, TK_ECHO, 1, 2, 0);
	off = answers = 0;
	while (answers < 11) {
		f = cl_recv(fd);
		if (f.type == SYSCALL) {
			ck_assert_uint_eq(f.body[0], 0);
			answers++;
			continue;
		}
		ck_assert_uint_eq(f.type, COPYOUT);
		memcpy(&addr, f.body + 8, 8);
		ck_assert_uint_eq(addr, 0x9000 + off);
		for (i = 0; i < f.bodylen - 16; i++)
			if ((f.body[16 + i] ^ data[off + i]) != 0xff)
				ck_abort_msg("byte %llu",
				    (unsigned long long)(off + i));
		off += i;
	}
	ck_assert_uint_eq(off, size);
	free(data);
	close(fd);
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		copyin_sizes, copyin_pieces, copyin_dribbles, copyin_fault,
		address_zero, copyin_lies, copyinstr_answers, copyout_sizes,
		copyout_pieces, copyout_gathers, copyoutstr, anonmmap_and_raise,
		copyins_at_once, copyin_with_more_behind, client_dies,
		no_answer, late_and_slow_answer, no_answer_among_calls,
		big_both_ways,
	};
	Suite *s = suite_create("copy");
	TCase *tc = tcase_create("copy");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_loop_test(tc, tests[i], 0, NWAYS);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
