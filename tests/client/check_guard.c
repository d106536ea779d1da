/*
 * The guard: what each kind of argument opens to the server, and nothing
 * else.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"

static int64_t rv;
static char mem[4096], other[4096];

static uint64_t
at(const void *p)
{

	return (uintptr_t)p;
}

/* Makes the call and sees whether the server may read len bytes at p. */
static bool
may_read(int num, uint64_t a, uint64_t b, uint64_t c, const void *p,
    uint64_t len)
{
	int error;

	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN, .addr = at(p),
	    .len = len };
	error = fake_call(num, a, b, c, &rv);
	/* The server answers success in both cases. */
	ck_assert_int_eq(error, fake.sh->ops[0].refused ? RUMP_EFAULT : 0);
	return error == 0;
}

/* Makes the call and sees whether the server may write there. */
static bool
may_write(int num, uint64_t a, uint64_t b, uint64_t c, void *p,
    uint64_t len)
{
	unsigned char *q = p;
	int error;
	bool written;

	q[0] = 0xee;
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT, .addr = at(p),
	    .len = len };
	error = fake_call(num, a, b, c, &rv);
	written = q[0] == fake_byte(0);
	ck_assert_int_eq(error, written ? 0 : RUMP_EFAULT);
	return written;
}

START_TEST(buffers)
{

	/* write(fd, buf, 100): reads those, writes nothing. */
	ck_assert(may_read(4, 1, at(mem), 100, mem, 100));
	ck_assert(may_read(4, 1, at(mem), 100, mem + 40, 60));
	ck_assert(!may_read(4, 1, at(mem), 100, mem, 101));
	ck_assert(!may_read(4, 1, at(mem), 100, mem + 40, 61));
	ck_assert(!may_read(4, 1, at(mem + 1), 100, mem, 1));
	ck_assert(!may_read(4, 1, at(mem), 100, other, 1));
	ck_assert(!may_write(4, 1, at(mem), 100, mem, 100));

	/* read(fd, buf, 100): the other way round. */
	ck_assert(may_write(3, 1, at(mem), 100, mem, 100));
	ck_assert(may_write(3, 1, at(mem), 100, mem + 99, 1));
	ck_assert(!may_write(3, 1, at(mem), 100, mem + 99, 2));
	ck_assert(!may_write(3, 1, at(mem), 100, other, 1));
	ck_assert(!may_read(3, 1, at(mem), 100, mem, 1));

	/* getpid() names nothing. */
	ck_assert(!may_read(20, 0, 0, 0, mem, 1));
	ck_assert(!may_write(20, 0, 0, 0, mem, 1));
}
END_TEST

START_TEST(wrapping_lengths)
{

	ck_assert(!may_read(4, 1, at(mem), 100, mem + 50, 1 << 20));
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = at(mem), .len = UINT64_MAX };
	ck_assert_int_eq(fake_call(4, 1, at(mem), 100, &rv), RUMP_EFAULT);
	ck_assert(fake.sh->ops[0].refused);
	fake.sh->ops[0].addr = UINT64_MAX - 4;
	fake.sh->ops[0].len = 100;
	ck_assert_int_eq(fake_call(4, 1, at(mem), 100, &rv), RUMP_EFAULT);
	ck_assert(fake.sh->ops[0].refused);
}
END_TEST

START_TEST(strings)
{

	strcpy(mem, "/etc/motd");
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYINSTR,
	    .addr = at(mem), .len = 1024 };
	ck_assert_int_eq(fake_call(5, at(mem), 0, 0, &rv), 0);
	ck_assert(!fake.sh->ops[0].refused);
	ck_assert_str_eq(fake.sh->ops[0].data, "/etc/motd");

	fake.sh->ops[0].addr = at(mem + 5);
	ck_assert_int_eq(fake_call(5, at(mem), 0, 0, &rv), 0);
	ck_assert(!fake.sh->ops[0].refused);

	fake.sh->ops[0].addr = at(mem + 10);	/* behind the NUL */
	ck_assert_int_eq(fake_call(5, at(mem), 0, 0, &rv), RUMP_EFAULT);
	ck_assert(fake.sh->ops[0].refused);

	ck_assert(may_read(5, at(mem), 0, 0, mem, 10));
	ck_assert(!may_read(5, at(mem), 0, 0, mem, 11));
	ck_assert(!may_write(5, at(mem), 0, 0, mem, 1));
}
END_TEST

START_TEST(vectors)
{
	struct rump_iovec iov[2] = { { mem, 10 }, { other, 20 } };

	/* readv(fd, iov, 2) */
	ck_assert(may_write(120, 1, at(iov), 2, mem, 10));
	ck_assert(may_write(120, 1, at(iov), 2, other, 20));
	ck_assert(!may_write(120, 1, at(iov), 2, other, 21));
	ck_assert(!may_write(120, 1, at(iov), 1, other, 20));
	ck_assert(may_read(120, 1, at(iov), 2, iov, sizeof(iov)));
	ck_assert(!may_read(120, 1, at(iov), 1, iov, sizeof(iov)));
	ck_assert(!may_read(120, 1, at(iov), 2, mem, 1));
	/* writev */
	ck_assert(may_read(121, 1, at(iov), 2, mem, 10));
	ck_assert(!may_write(121, 1, at(iov), 2, mem, 10));
	/* An array that is not there. */
	ck_assert(!may_read(121, 1, 8, 2, mem, 10));
}
END_TEST

START_TEST(messages)
{
	static char name[16], control[32];
	struct rump_iovec iov = { mem, 10 };
	struct rump_msghdr msg = { .msg_name = name,
	    .msg_namelen = sizeof(name), .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };

	/* recvmsg(s, msg, flags) */
	ck_assert(may_read(27, 1, at(&msg), 0, &msg, sizeof(msg)));
	ck_assert(may_read(27, 1, at(&msg), 0, &iov, sizeof(iov)));
	ck_assert(may_write(27, 1, at(&msg), 0, mem, 10));
	ck_assert(may_write(27, 1, at(&msg), 0, name, sizeof(name)));
	ck_assert(may_write(27, 1, at(&msg), 0, control, sizeof(control)));
	ck_assert(!may_write(27, 1, at(&msg), 0, other, 1));
	/* sendmsg */
	ck_assert(may_read(28, 1, at(&msg), 0, mem, 10));
	ck_assert(may_read(28, 1, at(&msg), 0, name, sizeof(name)));
	ck_assert(may_read(28, 1, at(&msg), 0, control, sizeof(control)));
	ck_assert(!may_write(28, 1, at(&msg), 0, mem, 10));
}
END_TEST

START_TEST(message_vectors)
{
	static char name[16];
	struct rump_iovec iov[2] = { { mem, 10 }, { other, 20 } };
	struct rump_mmsghdr msg[2] = {
		{ .msg_hdr = { .msg_iov = &iov[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iov[1], .msg_iovlen = 1,
		    .msg_name = name, .msg_namelen = sizeof(name) } },
	};

	ck_assert(may_read(RUMP_SYS_recvmmsg, 1, at(msg), 2, msg,
	    sizeof(msg)));
	ck_assert(may_read(RUMP_SYS_recvmmsg, 1, at(msg), 2, &iov[1],
	    sizeof(iov[1])));
	ck_assert(may_write(RUMP_SYS_recvmmsg, 1, at(msg), 2, mem, 10));
	ck_assert(may_write(RUMP_SYS_recvmmsg, 1, at(msg), 2, other, 20));
	ck_assert(may_write(RUMP_SYS_recvmmsg, 1, at(msg), 2, name,
	    sizeof(name)));
	ck_assert(!may_write(RUMP_SYS_recvmmsg, 1, at(msg), 2, mem, 11));
	ck_assert(!may_write(RUMP_SYS_recvmmsg, 1, at(msg), 1, other, 1));
	ck_assert(!may_read(RUMP_SYS_recvmmsg, 1, at(msg), 1, msg,
	    sizeof(msg)));
	ck_assert(!may_read(RUMP_SYS_recvmmsg, 1, at(msg), 2, mem, 1));

	ck_assert(may_read(RUMP_SYS_sendmmsg, 1, at(msg), 2, other, 20));
	ck_assert(may_read(RUMP_SYS_sendmmsg, 1, at(msg), 2, name,
	    sizeof(name)));
	ck_assert(!may_read(RUMP_SYS_sendmmsg, 1, at(msg), 1, other, 1));
	ck_assert(!may_write(RUMP_SYS_sendmmsg, 1, at(msg), 2, mem, 1));
	/* How much was sent of each goes into the vector itself. */
	ck_assert(may_write(RUMP_SYS_sendmmsg, 1, at(msg), 2, &msg[1].msg_len,
	    sizeof(msg[1].msg_len)));
	/* Vectors that are not there, and longer than any. */
	ck_assert(!may_read(RUMP_SYS_sendmmsg, 1, 8, 2, mem, 1));
	ck_assert(!may_read(RUMP_SYS_sendmmsg, 1, 8, UINT32_MAX, mem, 1));
}
END_TEST

/* Sets of 32-bit words, as many as hold nd bits. */
START_TEST(descriptor_sets)
{
	const int num = RUMP_SYS___select50;

	ck_assert(may_read(num, 33, at(mem), at(other), mem, 8));
	ck_assert(may_write(num, 33, at(mem), at(other), mem, 8));
	ck_assert(may_write(num, 33, at(mem), at(other), other, 8));
	ck_assert(!may_write(num, 33, at(mem), at(other), other, 9));
	ck_assert(may_write(num, 32, at(mem), at(other), other, 4));
	ck_assert(!may_write(num, 32, at(mem), at(other), other, 5));
	ck_assert(!may_write(num, 0, at(mem), at(other), other, 1));
	ck_assert(!may_write(num, (uint32_t)-1, at(mem), at(other), other, 1));
	ck_assert(!may_read(num, 33, 0, at(other), mem, 1));
}
END_TEST

/* An aiocb and its buffer; then, since the kernel goes on after the call, all
 * memory for as long as the connection lasts. */
START_TEST(asynchronous)
{
	struct rump_aiocb cb = { .aio_buf = mem, .aio_nbytes = 100 };
	struct rump_aiocb *list[] = { NULL, &cb };
	const struct {
		int num;
		uint64_t a, b, c;
	} call[] = {
		{ RUMP_SYS_aio_read, at(&cb), 0, 0 },
		{ RUMP_SYS_aio_write, at(&cb), 0, 0 },
		{ RUMP_SYS_aio_fsync, 0, at(&cb), 0 },
		{ RUMP_SYS_lio_listio, 0, at(list), 2 },
		{ RUMP_SYS___aio_suspend50, at(list), 2, 0 },
	}, *k = &call[_i / 4];

	switch (_i % 4) {
	case 0:
		ck_assert(may_read(k->num, k->a, k->b, k->c, &cb,
		    sizeof(cb)));
		break;
	case 1:
		ck_assert(may_read(k->num, k->a, k->b, k->c, mem, 100));
		break;
	case 2:
		ck_assert(may_write(k->num, k->a, k->b, k->c, mem, 100));
		break;
	case 3:
		ck_assert(!may_read(RUMP_SYS_getpid_with_ppid, 0, 0, 0, other,
		    1));
		ck_assert(!may_write(k->num, k->a, k->b, k->c, mem, 101));
		break;
	}
	ck_assert(may_write(RUMP_SYS_getpid_with_ppid, 0, 0, 0, other, 1));
}
END_TEST

/* Also when nobody asked the guard while the call was in progress. */
START_TEST(asynchronous_unnoticed)
{
	struct rump_aiocb cb = { .aio_buf = mem, .aio_nbytes = 100 };

	rumpclient_setguard(0);
	ck_assert(may_read(RUMP_SYS_aio_read, at(&cb), 0, 0, &cb,
	    sizeof(cb)));
	rumpclient_setguard(1);
	ck_assert(may_write(RUMP_SYS_getpid_with_ppid, 0, 0, 0, mem, 100));
}
END_TEST

START_TEST(lengths_behind_pointers)
{
	uint32_t len = 16;

	/* getsockname(s, name, &len) */
	ck_assert(may_read(32, 1, at(mem), at(&len), &len, 4));
	ck_assert(may_write(32, 1, at(mem), at(&len), mem, 16));
	ck_assert(!may_write(32, 1, at(mem), at(&len), mem, 17));
	ck_assert(!may_write(32, 1, at(mem), 8, mem, 1));
}
END_TEST

#define IOC_OUT(n)	(0x40000000u | (n) << 16 | 't' << 8 | 1)
#define IOC_IN(n)	(0x80000000u | (n) << 16 | 't' << 8 | 1)
#define IOC_VOID	(0x20000000u | 't' << 8 | 1)

START_TEST(ioctls)
{
	const int num = RUMP_SYS_ioctl;

	ck_assert(may_write(num, 1, IOC_OUT(4), at(mem), mem, 4));
	ck_assert(!may_write(num, 1, IOC_OUT(4), at(mem), mem, 5));
	ck_assert(!may_read(num, 1, IOC_OUT(4), at(mem), mem, 4));
	ck_assert(may_read(num, 1, IOC_IN(4), at(mem), mem, 4));
	ck_assert(!may_write(num, 1, IOC_IN(4), at(mem), mem, 4));
	ck_assert(may_read(num, 1, IOC_IN(7) | IOC_OUT(7), at(mem), mem, 7));
	ck_assert(may_write(num, 1, IOC_IN(7) | IOC_OUT(7), at(mem), mem, 7));
	ck_assert(!may_write(num, 1, IOC_IN(7) | IOC_OUT(7), at(mem), other,
	    1));
	ck_assert(!may_read(num, 1, IOC_VOID, at(mem), mem, 1));
	/* A parameter that may hold a pointer opens what it must, and a
	 * number that says nothing of its parameter. */
	ck_assert(may_read(num, 1, 0x5a01, at(mem), mem, 2000));
	ck_assert(may_write(num, 1, 0x5a01, at(mem), mem, 2000));
	ck_assert(may_write(num, 1, IOC_IN(8), at(mem), other, 100));
}
END_TEST

START_TEST(fcntls)
{
	const int num = RUMP_SYS_fcntl;
	struct rump_flock lock = { 0 };

	/* Locks have memory, the rest has none. */
	ck_assert(may_read(num, 1, RUMP_F_SETLK, at(&lock), &lock,
	    sizeof(lock)));
	ck_assert(may_read(num, 1, RUMP_F_SETLKW, at(&lock), &lock,
	    sizeof(lock)));
	ck_assert(may_write(num, 1, RUMP_F_GETLK, at(&lock), &lock,
	    sizeof(lock)));
	ck_assert(!may_read(num, 1, RUMP_F_SETLK, at(&lock), mem, 1));
	ck_assert(!may_read(num, 1, RUMP_F_SETFL, at(mem), mem, 1));
	ck_assert(!may_write(num, 1, RUMP_F_DUPFD, at(mem), mem, 1));
	ck_assert(!may_write(num, 1, RUMP_F_SETNOSIGPIPE, at(mem), mem, 1));
	/* A file system's own command, a later kernel's: nobody knows. */
	ck_assert(may_write(num, 1, 0x80000001, at(mem), mem, 100));
	ck_assert(may_write(num, 1, RUMP_F_SETNOSIGPIPE + 1, at(mem), mem,
	    100));
}
END_TEST

/* Makes __sysctl() with a new value and sees whether the server may copy in
 * len bytes, or a string of so many, at p. */
static bool
sysctl_reads(const void *new, size_t newlen, int what, const void *p,
    uint64_t len)
{
	const int name[2] = { 1, -3 };
	const uint64_t args[6] = { at(name), 2, 0, 0, at(new), newlen };
	register_t r[2];
	int error;

	fake.sh->ops[0] = (struct fake_op){ .what = what, .addr = at(p),
	    .len = len };
	error = rumpclient_syscall(RUMP_SYS___sysctl, args, sizeof(args), r);
	ck_assert_int_eq(error, fake.sh->ops[0].refused ? RUMP_EFAULT : 0);
	return error == 0;
}

/* A node that is made names its value, one that is described a text. */
START_TEST(sysctl_nodes)
{
	static char text[3 * 4096];
	struct rump_sysctlnode node = { .sysctl_size = 100,
	    .sysctl_un.data.data = at(mem), .sysctl_desc = at(text) };

	memset(text, 'x', sizeof(text) - 1);
	memset(mem, 'x', sizeof(mem) - 1);
	ck_assert(sysctl_reads(&node, sizeof(node), OP_COPYIN, &node,
	    sizeof(node)));
	ck_assert(sysctl_reads(&node, sizeof(node), OP_COPYIN, mem, 100));
	ck_assert(sysctl_reads(&node, sizeof(node), OP_COPYINSTR, text, 1024));
	ck_assert(!sysctl_reads(&node, sizeof(node), OP_COPYIN, other, 1));
	/* Another value is nothing but itself. */
	ck_assert(!sysctl_reads(&node, sizeof(node) - 1, OP_COPYIN, mem, 1));
	ck_assert(sysctl_reads(mem, 10, OP_COPYIN, mem, 10));
	ck_assert(!sysctl_reads(mem, 10, OP_COPYIN, mem, 11));
	/* A string's NUL is looked for page by page. */
	node.sysctl_un.data.data = at(text);
	node.sysctl_size = 0;
	ck_assert(sysctl_reads(&node, sizeof(node), OP_COPYINSTR, text + 8192,
	    4096));
	ck_assert(sysctl_reads(&node, sizeof(node), OP_COPYIN, text,
	    sizeof(text)));
	ck_assert(!sysctl_reads(NULL, 0, OP_COPYIN, mem, 1));
}
END_TEST

/* Later kernels look at what is in the place of the id. */
START_TEST(semaphore_ids)
{

	ck_assert(may_read(RUMP_SYS__ksem_init, 0, at(mem), 0, mem, 8));
	ck_assert(may_write(RUMP_SYS__ksem_init, 0, at(mem), 0, mem, 8));
}
END_TEST

START_TEST(unknown_calls_open_everything)
{

	ck_assert(may_read(999, 0, 0, 0, mem, sizeof(mem)));
	ck_assert(may_write(999, 0, 0, 0, mem, sizeof(mem)));
}
END_TEST

START_TEST(switched_off)
{

	rumpclient_setguard(0);
	ck_assert(may_read(20, 0, 0, 0, mem, sizeof(mem)));
	rumpclient_setguard(1);
	ck_assert(!may_read(20, 0, 0, 0, mem, sizeof(mem)));
}
END_TEST

START_TEST(environment)
{

	/* Read by init. */
	fake_kill(&fake);
	fake_restart(&fake);
	ck_assert_int_eq(fake_call(20, 0, 0, 0, &rv), RUMP_ENOTCONN);
	setenv("RUMPCLIENT_GUARD", _i ? "off" : "on", 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(may_read(20, 0, 0, 0, mem, 1), _i);
	/* The program's word is the last. */
	rumpclient_setguard(_i);
	ck_assert_int_eq(may_read(20, 0, 0, 0, mem, 1), !_i);
}
END_TEST

/* What a call gets of which the server reads len bytes at p, as NetBSD's. */
static int
reads_zeros(int num, uint64_t a, uint64_t b, uint64_t c, unsigned op,
    uint64_t p, uint64_t len)
{
	static const char zeros[100];

	fake.sh->ops[op].addr = p;
	fake.sh->ops[op].len = len;
	ck_assert_int_eq(fake_call(num, a, b, c, &rv), RUMP_EFAULT);
	ck_assert(!fake.sh->ops[op].refused);
	return fake.sh->ops[op].sum ==
	    fake_sum(zeros, (size_t)fake.sh->ops[op].got) ?
	    (int)fake.sh->ops[op].got : -1;
}

/*
 * NetBSD's server takes nothing but data for an answer, so that is what it
 * gets in the end.  It counts its requests from 0; the first refused one has
 * the number of the call itself once.
 */
START_TEST(servers_that_take_no_errors)
{
	int i;

	fake.sh->returns_errors = true;
	for (i = 0; i < _i; i++)
		fake.sh->ops[i] = (struct fake_op){ .what = OP_COPYIN,
		    .addr = at(mem), .len = 1 };
	fake.sh->ops[_i].what = OP_COPYIN;
	ck_assert_int_eq(reads_zeros(4, 1, at(mem), 100, _i, at(other), 50),
	    50);
	ck_assert_int_eq(reads_zeros(4, 1, at(mem), 100, _i, at(other), 50),
	    50);
	ck_assert_int_eq(reads_zeros(4, 1, 8, 100, _i, 8, 100), 100);
	fake.sh->ops[_i].what = OP_COPYINSTR;
	ck_assert_int_eq(reads_zeros(4, 1, at(mem), 100, _i, 8, 1024), 1);
	ck_assert_int_eq(fake.sh->errors, 1);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 7, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 7);

	/* Nobody sends that much for nothing. */
	fake.sh->ops[_i].what = OP_COPYIN;
	fake.sh->ops[_i].len = UINT64_MAX;
	ck_assert_int_eq(fake_call(4, 1, at(mem), 100, &rv), RUMP_ENOTCONN);
}
END_TEST

static void *
reading_thread(void *arg)
{
	int64_t r;

	(void)arg;
	return (void *)(intptr_t)fake_call(FAKE_BLOCK, 1, 0, 0, &r);
}

/* Any call in progress may be the one that the server works for. */
START_TEST(another_threads_call)
{
	pthread_t t;
	void *ret;

	ck_assert(!may_read(20, 0, 0, 0, mem, 1));
	pthread_create(&t, NULL, reading_thread, NULL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	ck_assert(may_read(20, 0, 0, 0, mem, 1));
	fake.sh->ops[0].what = OP_END;
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	pthread_join(t, &ret);
	ck_assert_ptr_null(ret);
	ck_assert(!may_read(20, 0, 0, 0, mem, 1));
}
END_TEST

/* A bad address that one call names is no other call's, of which nobody knows
 * what it names; nor is one that names nothing, but was given. */
START_TEST(another_threads_fault)
{
	const int num[] = { RUMP_SYS_read, RUMP_SYS_write, RUMP_SYS_open };
	const uint64_t bad = _i < 3 ? 8 : 0;
	const int i = _i % 3;
	pthread_t t;
	void *ret;

	fake.sh->returns_errors = true;
	pthread_create(&t, NULL, reading_thread, NULL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	fake.sh->ops[0] = (struct fake_op){ .addr = bad, .len = 10 };
	fake.sh->ops[0].what = i == 0 ? OP_COPYOUT :
	    i == 1 ? OP_COPYIN : OP_COPYINSTR;
	ck_assert_int_eq(fake_call(num[i], bad, bad, 10, &rv),
	    RUMP_EFAULT);
	fake.sh->ops[0].what = OP_END;
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	pthread_join(t, &ret);
	ck_assert_ptr_null(ret);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("guard");
	TCase *tc = tcase_create("guard");

	tcase_add_checked_fixture(tc, fake_setup_connected, fake_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, buffers);
	tcase_add_test(tc, wrapping_lengths);
	tcase_add_test(tc, strings);
	tcase_add_test(tc, vectors);
	tcase_add_test(tc, messages);
	tcase_add_test(tc, asynchronous_unnoticed);
	tcase_add_test(tc, lengths_behind_pointers);
	tcase_add_test(tc, message_vectors);
	tcase_add_test(tc, descriptor_sets);
	tcase_add_loop_test(tc, asynchronous, 0, 20);
	tcase_add_test(tc, ioctls);
	tcase_add_test(tc, fcntls);
	tcase_add_test(tc, sysctl_nodes);
	tcase_add_test(tc, semaphore_ids);
	tcase_add_test(tc, unknown_calls_open_everything);
	tcase_add_test(tc, switched_off);
	tcase_add_loop_test(tc, environment, 0, 2);
	tcase_add_test(tc, another_threads_call);
	tcase_add_loop_test(tc, another_threads_fault, 0, 6);
	tcase_add_loop_test(tc, servers_that_take_no_errors, 0, 4);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
