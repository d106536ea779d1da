/*
 * What an uncontended call costs the client: one send, one receive, two
 * changes of the signal mask; no poll and no allocation.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <check.h>
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"
#include "tests/client/fakeserver.h"

enum { CALLS = 1000 };

/* What this thread does while it counts; the libraries call these in place of
 * the C library's. */
static _Thread_local struct {
	bool on;
	unsigned polls, sends, receives, allocations;
} counted;

int
poll(struct pollfd *fds, nfds_t n, int ms)
{

	counted.polls += counted.on;
	return (int)syscall(SYS_poll, fds, n, ms);
}

int
ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *mask)
{
	struct timespec copy;

	counted.polls += counted.on;
	if (ts != NULL)
		copy = *ts;
	return (int)syscall(SYS_ppoll, fds, n, ts != NULL ? &copy : NULL, mask,
	    8);
}

ssize_t
sendmsg(int fd, const struct msghdr *msg, int flags)
{

	counted.sends += counted.on;
	return syscall(SYS_sendmsg, fd, msg, flags);
}

ssize_t
send(int fd, const void *data, size_t len, int flags)
{

	counted.sends += counted.on;
	return syscall(SYS_sendto, fd, data, len, flags, NULL, 0);
}

ssize_t
recv(int fd, void *data, size_t len, int flags)
{

	counted.receives += counted.on;
	return syscall(SYS_recvfrom, fd, data, len, flags, NULL, NULL);
}

/* A sanitizer has an allocator, and these functions, of its own. */
#if !UNDER_SANITIZER
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);

void *
malloc(size_t n)
{

	counted.allocations += counted.on;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{

	counted.allocations += counted.on;
	return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{

	counted.allocations += counted.on;
	return __libc_realloc(p, n);
}
#endif

static int
do_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2])
{

	(void)kern;
	(void)l;
	(void)args;
	(void)len;
	retval[0] = num;
	return 0;
}

static const struct rumpserver_kernel kernel = {
	.name = "lean", .ostype = "Lean", .osrelease = "1", .machine = "any",
	.syscall = do_syscall,
};

/* Whether a call cost what it should.  The wait for an answer is in recv(2),
 * which comes back after two milliseconds: on a busy machine not every call
 * is as cheap, but none polls without having received in vain. */
static bool
lean_call(void)
{
	const uint64_t args[2] = { 1, 2 };
	register_t rv[2];
	int error;

	counted.polls = counted.sends = counted.receives = 0;
	counted.on = true;
	error = rumpclient_syscall(7, args, sizeof(args), rv);
	counted.on = false;
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(rv[0], 7);
	ck_assert_uint_eq(counted.allocations, 0);
	ck_assert_uint_eq(counted.sends, 1);
	ck_assert_uint_lt(counted.polls, counted.receives);
	return counted.polls == 0 && counted.receives == 1;
}

START_TEST(one_call)
{
	const struct rumpserver_config cfg = { .kernel = &kernel };
	const uint64_t args[2] = { 1, 2 };
	char dir[] = "/tmp/rumpgen-lean-XXXXXX", where[80], path[64];
	struct rumpserver *srv;
	register_t rv[2];
	unsigned i, lean;

	if (skip_under_sanitizer())
		return;
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(where, sizeof(where), "unix://%s", path);
	srv = rumpserver_create(&cfg);
	ck_assert_ptr_nonnull(srv);
	ck_assert_int_eq(rumpserver_listen(srv, where, NULL, 0), 0);
	ck_assert_int_eq(rumpserver_start(srv), 0);
	setenv("RUMP_SERVER", where, 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	/* The first one sets things up. */
	ck_assert_int_eq(rumpclient_syscall(7, args, sizeof(args), rv), 0);
	for (i = lean = 0; i < CALLS; i++)
		lean += lean_call();
	ck_assert_uint_gt(lean, 0);
	rumpserver_stop(srv, 0);
	rumpserver_destroy(srv);
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* A thread's first call, by way of a library that came with dlopen(3). */
static void *
first_call(void *arg)
{
	int (*call)(int, const void *, size_t, register_t *);
	register_t rv[2];
	void *failed;

	*(void **)&call = dlsym(arg, "rumpclient_syscall");
	counted.on = true;
	failed = call(7, NULL, 0, rv) == RUMP_ENOTCONN ? NULL : arg;
	counted.on = false;
	ck_assert_uint_eq(counted.allocations, 0);
	return failed;
}

START_TEST(loaded_late)
{
	const char *so = RUMPGEN_BUILD "/lib/librumpclient.so.0";
	pthread_t t;
	void *lib, *failed;

	if (skip_under_sanitizer())
		return;
	lib = dlopen(so, RTLD_NOW);
	ck_assert_ptr_nonnull(lib);
	ck_assert_int_eq(pthread_create(&t, NULL, first_call, lib), 0);
	pthread_join(t, &failed);
	ck_assert_ptr_null(failed);
}
END_TEST

/* A plug-in that is unloaded and loaded again is the same client still, and
 * has left no connection behind. */
START_TEST(loaded_twice)
{
	const char *so = RUMPGEN_BUILD "/lib/librumpclient.so.0";
	int (*init)(void);
	void *lib;
	int i;

	if (skip_under_sanitizer())
		return;
	fake_setup();
	for (i = 0; i < 2; i++) {
		lib = dlopen(so, RTLD_NOW);
		ck_assert_ptr_nonnull(lib);
		*(void **)&init = dlsym(lib, "rumpclient_init");
		ck_assert_int_eq(init(), 0);
		ck_assert_int_eq(dlclose(lib), 0);
	}
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 1);
	fake_teardown();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lean");
	TCase *tc = tcase_create("lean");

	tcase_add_test(tc, one_call);
	tcase_add_test(tc, loaded_late);
	tcase_add_test(tc, loaded_twice);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
