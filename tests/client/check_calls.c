/*
 * Calls and upcalls on a healthy connection.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "client/conn.h"
#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"

static int64_t rv;

/* The library's safety nets, of a second each, are taken away: a wake-up that
 * is lost is to be seen. */
#define NET	1000

int
sem_timedwait(sem_t *sem, const struct timespec *until)
{

	(void)until;
	return sem_wait(sem);
}

int
poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	return ppoll(fds, n, ms < 0 || ms == NET ? NULL : &ts, NULL);
}

START_TEST(init_is_idempotent)
{

	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 1);
	ck_assert_str_eq(fake.sh->comm, program_invocation_short_name);
}
END_TEST

/* NetBSD's server puts a NUL behind the name's allocation: there must be room
 * for it that malloc(3) gives anyway. */
START_TEST(names_of_all_lengths)
{
	static char name[150];
	size_t n;

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	program_invocation_short_name = name;
	for (n = 1; n < sizeof(name); n++) {
		name[n - 1] = 'n';
		ck_assert_int_eq(fake_call(FAKE_HANGUP, n, 0, 0, &rv), 0);
		ck_assert_uint_ne(fake.sh->comm_len % 8, 0);
		ck_assert_int_eq(fake.sh->comm[fake.sh->comm_len - 1], '\0');
		if (n < 100)
			ck_assert_str_eq(fake.sh->comm, name);
	}
}
END_TEST

START_TEST(results_and_errors)
{
	const uint64_t args[2] = { 77, (uint64_t)-5 };
	register_t retval[2];

	ck_assert_int_eq(rumpclient_syscall(FAKE_ECHO, args, sizeof(args),
	    retval), 0);
	ck_assert_int_eq(retval[0], 77);
	ck_assert_int_eq(retval[1], -5);
	ck_assert_int_eq(rumpclient_syscall(FAKE_GETPID, NULL, 0, retval), 0);
	ck_assert_int_eq(retval[0], 2);
	ck_assert_int_eq(retval[1], 1);

	errno = 4711;
	ck_assert_int_eq(fake_call(FAKE_ERRNO, RUMP_EAGAIN, 0, 0, &rv),
	    RUMP_EAGAIN);
	ck_assert_int_eq(fake_call(FAKE_ERRFRAME, 5, 0, 0, &rv), RUMP_EBUSY);
	ck_assert_int_eq(errno, 4711);
	ck_assert_int_eq(rumpclient_syscall(FAKE_ECHO, fake.sh, 129, retval),
	    RUMP_E2BIG);
}
END_TEST

START_TEST(not_connected_yet)
{
	pid_t pid;

	/* A process that has never connected. */
	pid = fork();
	if (pid == 0)
		_exit(fake_call(FAKE_GETPID, 0, 0, 0, &rv) != RUMP_ENOTCONN);
	ck_assert_int_ne(pid, -1);
	{
		int status;

		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
}
END_TEST

START_TEST(every_byte_by_itself)
{
	static char buf[300];
	size_t i;

	fake.sh->slow = true;
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 2);
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)buf, .len = sizeof(buf) };
	ck_assert_int_eq(fake_call(3, 0, (uintptr_t)buf, sizeof(buf), &rv), 0);
	for (i = 0; i < sizeof(buf); i++)
		ck_assert_uint_eq((unsigned char)buf[i], fake_byte(i));
}
END_TEST

#define THREADS	16

static void *
echo_thread(void *arg)
{
	uint64_t id = (uintptr_t)arg, i;
	int64_t r;

	for (i = 0; i < 200; i++) {
		if (fake_call(FAKE_ECHO, id << 32 | i, 0, 0, &r) != 0 ||
		    (uint64_t)r != (id << 32 | i))
			return (void *)1;
	}
	return NULL;
}

static void
run_threads(void *(*fn)(void *))
{
	pthread_t t[THREADS];
	void *bad;
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, fn, (void *)i),
		    0);
	for (i = 0; i < THREADS; i++) {
		ck_assert_int_eq(pthread_join(t[i], &bad), 0);
		ck_assert_ptr_null(bad);
	}
}

START_TEST(threads)
{

	run_threads(echo_thread);
}
END_TEST

START_TEST(threads_answered_backwards)
{

	/* Every answer is held until all threads wait, then the last call is
	 * answered first. */
	fake.sh->batch = THREADS;
	run_threads(echo_thread);
}
END_TEST

static void *
block_thread(void *arg)
{
	uintptr_t id = (uintptr_t)arg;
	int64_t r;

	if (fake_call(FAKE_BLOCK, id, 0, 0, &r) != 0 || (uintptr_t)r != id)
		return (void *)1;
	return NULL;
}

START_TEST(blocked_calls_stop_nobody)
{
	pthread_t t[THREADS];
	void *bad;
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, block_thread, (void *)i);
	ck_assert(fake_wait(&fake.sh->blocked, THREADS));
	ck_assert_int_eq(fake_call(FAKE_ECHO, 5, 0, 0, &rv), 0);
	/* The first to block, whoever reads, then the last. */
	for (i = 0; i < THREADS; i++) {
		uintptr_t id = i % 2 ? i / 2 : THREADS - 1 - i / 2;

		ck_assert_int_eq(fake_call(FAKE_RELEASE, id, 0, 0, &rv), 0);
		ck_assert_int_eq(pthread_join(t[id], &bad), 0);
		ck_assert_ptr_null(bad);
	}
}
END_TEST

/* Another process, which releases what this one names. */
static pid_t
start_releaser(int *to)
{
	unsigned char id;
	pid_t pid;
	int p[2];

	ck_assert_int_eq(pipe(p), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(p[1]);
		if (rumpclient_init() != 0)
			_exit(1);
		while (read(p[0], &id, 1) == 1)
			fake_call(FAKE_RELEASE, id, 0, 0, &rv);
		_exit(0);
	}
	close(p[0]);
	*to = p[1];
	return pid;
}

/* Of calls that sleep it is always the reader's that is answered, and no new
 * one comes to take its place. */
static void
release_readers(int to)
{
	pthread_t t[THREADS];
	unsigned char id;
	void *bad;
	int i;

	atomic_store(&fake.sh->blocked, 0);
	for (i = 0; i < THREADS; i++) {
		pthread_create(&t[i], NULL, block_thread, (void *)(intptr_t)i);
		ck_assert(fake_wait(&fake.sh->blocked, i + 1));
	}
	for (i = THREADS; i > 0; i--) {
		id = (unsigned char)(i % THREADS);	/* 0, then the newest */
		ck_assert_int_eq(write(to, &id, 1), 1);
		ck_assert_int_eq(pthread_join(t[id], &bad), 0);
		ck_assert_ptr_null(bad);
	}
}

START_TEST(role_is_handed_on)
{
	int to, i, status;
	pid_t pid;

	pid = start_releaser(&to);
	for (i = 0; i < 10; i++)
		release_readers(to);
	close(to);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static const size_t sizes[] = {
	0, 1, 100, 4095, 4096, 5000, 16360, 16384, 16385, 70000, 1 << 20,
	5 << 20, 20 << 20
};
#define NSIZES	(sizeof(sizes) / sizeof(sizes[0]))

START_TEST(copyin_sizes)
{
	size_t n = sizes[_i], i;
	char *buf;

	buf = malloc(n + 1);
	for (i = 0; i < n; i++)
		buf[i] = (char)(i * 13);
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = (uintptr_t)buf, .len = n };
	ck_assert_int_eq(fake_call(4, 0, (uintptr_t)buf, n, &rv), 0);
	ck_assert(!fake.sh->ops[0].refused);
	ck_assert_uint_eq(fake.sh->ops[0].type, 2);
	ck_assert_uint_eq(fake.sh->ops[0].got, n);
	ck_assert_uint_eq(fake.sh->ops[0].sum, fake_sum(buf, n));
	free(buf);
}
END_TEST

/* A server that takes its time to read: what the socket does not take waits
 * in memory, and others' calls behind it, in order. */
START_TEST(server_reads_slowly)
{
	static char buf[3 << 20];
	pthread_t t;
	void *bad;
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (char)(i * 17);
	fake.sh->nap = 150;
	for (i = 0; i < 3; i++)
		fake.sh->ops[i] = (struct fake_op){ .what = OP_COPYIN,
		    .addr = (uintptr_t)buf, .len = sizeof(buf) };
	pthread_create(&t, NULL, echo_thread, (void *)1);
	ck_assert_int_eq(fake_call(4, 0, (uintptr_t)buf, sizeof(buf), &rv), 0);
	pthread_join(t, &bad);
	ck_assert_ptr_null(bad);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(fake.sh->ops[i].got, sizeof(buf));
		ck_assert_uint_eq(fake.sh->ops[i].sum,
		    fake_sum(buf, sizeof(buf)));
	}
}
END_TEST

static void *
drain(void *arg)
{
	static char buf[64 * 1024];
	int fd = *(int *)arg;

	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	while (recv(fd, buf, sizeof(buf), 0) > 0)
		continue;
	return NULL;
}

/* Bulk data goes from where it is, though there is something to read, too. */
START_TEST(bulk_data_waits_for_room)
{
	static char data[1 << 20];
	static struct conn c;
	struct frame_hdr hdr;
	int sp[2], tries;
	bool queued;
	pthread_t t;

	hdr = frame_hdr(FRAME_RESP, FRAME_COPYIN, 1, 0, sizeof(data));
	queued = true;
	/* Now and then the machine may be too busy. */
	for (tries = 0; queued && tries < 50; tries++) {
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
		ck_assert_int_eq(write(sp[1], "x", 1), 1);
		pthread_create(&t, NULL, drain, &sp[1]);
		conn_init(&c);
		c.fd = sp[0];
		ck_assert_int_eq(conn_send_user(&c, &hdr, (uintptr_t)data,
		    sizeof(data)), 0);
		queued = c.unsent_end > c.unsent_start;
		conn_drop_unsent(&c);
		close(sp[0]);
		pthread_join(t, NULL);
		close(sp[1]);
	}
	ck_assert(!queued);
}
END_TEST

START_TEST(copyout_sizes)
{
	size_t n = sizes[_i], i;
	unsigned char *buf;

	buf = malloc(n + 2);
	memset(buf, 0xee, n + 2);
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)buf + 1, .len = n };
	ck_assert_int_eq(fake_call(3, 0, (uintptr_t)buf + 1, n, &rv), 0);
	for (i = 0; i < n && buf[i + 1] == fake_byte(i); i++)
		continue;
	ck_assert_uint_eq(i, n);
	ck_assert_uint_eq(buf[0], 0xee);
	ck_assert_uint_eq(buf[n + 1], 0xee);
	free(buf);
}
END_TEST

/* Two pages, the second of which is not there. */
static char *
edge(void)
{
	char *p;

	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	ck_assert_int_eq(munmap(p + 4096, 4096), 0);
	return p;
}

START_TEST(copyinstr)
{
	char *p = edge(), *s;
	static char path[3000];

	/* To the page's end and no further, whatever length is asked for. */
	s = p + 4096 - 6;
	strcpy(s, "/motd");
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYINSTR,
	    .addr = (uintptr_t)s, .len = 1024 };
	ck_assert_int_eq(fake_call(5, (uintptr_t)s, 0, 0, &rv), 0);
	ck_assert(!fake.sh->ops[0].refused);
	ck_assert_uint_eq(fake.sh->ops[0].type, 2);
	ck_assert_uint_eq(fake.sh->ops[0].got, 6);
	ck_assert_str_eq(fake.sh->ops[0].data, "/motd");

	/* No NUL in the length asked for. */
	memset(path, 'x', sizeof(path) - 1);
	fake.sh->ops[0].addr = (uintptr_t)path;
	ck_assert_int_eq(fake_call(5, (uintptr_t)path, 0, 0, &rv), 0);
	ck_assert_uint_eq(fake.sh->ops[0].got, 1024);

	/* No NUL before the hole. */
	memset(p, 'x', 4096);
	fake.sh->ops[0].addr = (uintptr_t)s;
	ck_assert_int_eq(fake_call(5, (uintptr_t)s, 0, 0, &rv), RUMP_EFAULT);
	ck_assert(fake.sh->ops[0].refused);
}
END_TEST

START_TEST(copyin_faults)
{
	char *p = edge();
	uint64_t bad[] = { (uintptr_t)p + 4096, (uintptr_t)p + 4000, 0, 8,
	    UINT64_MAX - 3, (uint64_t)1 << 63, 0xffff800000000000 };
	size_t len[] = { 200, 20000, 200, 100000 }, i, j;

	rumpclient_setguard(0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (j = 0; j < sizeof(len) / sizeof(len[0]); j++) {
			fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN,
			    .addr = bad[i], .len = len[j] };
			ck_assert_int_eq(fake_call(4, 0, bad[i], len[j], &rv),
			    RUMP_EFAULT);
			ck_assert(fake.sh->ops[0].refused);
		}
		fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYINSTR,
		    .addr = bad[i], .len = 1024 };
		if (i != 1) {
			fake_call(5, bad[i], 0, 0, &rv);
			ck_assert(fake.sh->ops[0].refused);
		}
	}
	ck_assert_int_eq(fake_call(FAKE_ECHO, 3, 0, 0, &rv), 0);
}
END_TEST

START_TEST(copyout_faults)
{
	char *p = edge();
	static const char constant[8192] = "read only";
	uint64_t bad[] = { (uintptr_t)p + 4096, (uintptr_t)p + 4000, 0, 8,
	    UINT64_MAX - 3, (uint64_t)1 << 63, (uintptr_t)constant };
	size_t len[] = { 200, 8192, 300000 }, i, j;

	rumpclient_setguard(0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (j = 0; j < sizeof(len) / sizeof(len[0]); j++) {
			fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT,
			    .addr = bad[i], .len = len[j] };
			ck_assert_int_eq(fake_call(3, 0, bad[i], len[j], &rv),
			    RUMP_EFAULT);
			ck_assert_int_eq(fake_call(FAKE_ECHO, j, 0, 0, &rv),
			    0);
			ck_assert_int_eq(rv, (int64_t)j);
		}
	}
	ck_assert_str_eq(constant, "read only");
}
END_TEST

START_TEST(anonmmap)
{
	char *p;

	ck_assert_int_eq(fake_call(FAKE_ANONMMAP, 10000, 0, 0, &rv), 0);
	p = (char *)(uintptr_t)rv;
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(p[9999], 0);
	p[0] = 1;
	ck_assert_int_eq(fake_call(FAKE_ANONMMAP, UINT64_MAX, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 0);
	ck_assert_int_eq(fake_call(FAKE_ANONMMAP, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 0);
}
END_TEST

/* A server cannot have all of our address space: 1 GiB a connection. */
START_TEST(anonmmap_limit)
{
	int n;

	for (n = 0; n < 20; n++) {
		ck_assert_int_eq(fake_call(FAKE_ANONMMAP, 64 << 20, 0, 0, &rv),
		    0);
		if (rv == 0)
			break;
	}
	ck_assert_int_eq(n, 16);
}
END_TEST

/* Threads that copy in and out at once get their own bytes. */
static void *
copy_thread(void *arg)
{
	static char common[50000];
	int64_t r;

	(void)arg;
	for (int i = 0; i < 20; i++) {
		if (fake_call(4, 0, (uintptr_t)common, sizeof(common), &r))
			return (void *)1;
	}
	return NULL;
}

START_TEST(threads_with_upcalls)
{
	static char in[50000], out[50000];

	/* A number no list has: the guard lets it reach everything. */
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = (uintptr_t)in, .len = sizeof(in) };
	fake.sh->ops[1] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)out, .len = sizeof(out) };
	rumpclient_setguard(0);
	run_threads(copy_thread);
	ck_assert_uint_eq((unsigned char)out[49999], fake_byte(49999));
}
END_TEST

static bool
open_at(int fd)
{

	return fcntl(fd, F_GETFD) != -1;
}

START_TEST(descriptors)
{
	int fd, status;
	pid_t pid;

	/* Close-on-exec, all of them. */
	for (fd = 3; fd < 50; fd++) {
		if (open_at(fd) && fcntl(fd, F_GETFD) == FD_CLOEXEC)
			break;
	}
	ck_assert_int_lt(fd, 50);

	/* With standard descriptors closed they stay free. */
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(0);
		close(1);
		close(2);
		if (rumpclient_init() != 0)
			_exit(1);
		_exit(open_at(0) || open_at(1) || open_at(2) ? 2 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static void *
cancelled_thread(void *arg)
{
	int64_t r;

	(void)arg;
	pthread_cancel(pthread_self());
	fake_call(FAKE_BLOCK, 200, 0, 0, &r);
	pthread_testcancel();
	return (void *)1;
}

START_TEST(cancellation_comes_after_the_call)
{
	pthread_t t;
	void *ret;

	pthread_create(&t, NULL, cancelled_thread, NULL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 200, 0, 0, &rv), 0);
	ck_assert_int_eq(pthread_join(t, &ret), 0);
	ck_assert_ptr_eq(ret, PTHREAD_CANCELED);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("calls");
	TCase *tc = tcase_create("calls");

	tcase_add_checked_fixture(tc, fake_setup_connected, fake_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, init_is_idempotent);
	tcase_add_test(tc, names_of_all_lengths);
	tcase_add_test(tc, results_and_errors);
	tcase_add_test(tc, not_connected_yet);
	tcase_add_test(tc, every_byte_by_itself);
	tcase_add_test(tc, threads);
	tcase_add_test(tc, threads_answered_backwards);
	tcase_add_test(tc, blocked_calls_stop_nobody);
	tcase_add_test(tc, role_is_handed_on);
	tcase_add_loop_test(tc, copyin_sizes, 0, NSIZES);
	tcase_add_test(tc, server_reads_slowly);
	tcase_add_test(tc, bulk_data_waits_for_room);
	tcase_add_loop_test(tc, copyout_sizes, 0, NSIZES);
	tcase_add_test(tc, copyinstr);
	tcase_add_test(tc, copyin_faults);
	tcase_add_test(tc, copyout_faults);
	tcase_add_test(tc, anonmmap);
	tcase_add_test(tc, anonmmap_limit);
	tcase_add_test(tc, threads_with_upcalls);
	tcase_add_test(tc, descriptors);
	tcase_add_test(tc, cancellation_comes_after_the_call);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
