/*
 * POSIX semaphores.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/raw.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define NAME	"/sem"

static intptr_t
sem_new(unsigned value)
{
	intptr_t id = -1;

	ck_assert_int_eq(rump_sys__ksem_init(value, &id), 0);
	ck_assert_int_ge(id, 0);
	return id;
}

static intptr_t
sem_named(int oflag, unsigned value)
{
	intptr_t id = -1;

	if (rump_sys__ksem_open(NAME, oflag, 0600, value, &id) == -1)
		return -1;
	return id;
}

static unsigned
value_of(intptr_t id)
{
	unsigned value = 0xdead;

	ck_assert_int_eq(rump_sys__ksem_getvalue(id, &value), 0);
	return value;
}

static int
timedwait(intptr_t id, int64_t ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_nsec += ms % 1000 * 1000000;
	ts.tv_sec += ms / 1000 + ts.tv_nsec / 1000000000;
	ts.tv_nsec %= 1000000000;
	return rump_sys__ksem_timedwait(id, &ts);
}

START_TEST(counts)
{
	intptr_t id = sem_new(2);

	ck_assert_uint_eq(value_of(id), 2);
	ck_assert_int_eq(rump_sys__ksem_wait(id), 0);
	ck_assert_int_eq(rump_sys__ksem_trywait(id), 0);
	ck_assert_uint_eq(value_of(id), 0);
	ck_fails(rump_sys__ksem_trywait(id), EAGAIN);
	ck_assert_int_eq(rump_sys__ksem_post(id), 0);
	ck_assert_uint_eq(value_of(id), 1);
	ck_assert_int_eq(timedwait(id, 0), 0);
	ck_assert_int_eq(rump_sys__ksem_destroy(id), 0);
	ck_fails(rump_sys__ksem_post(id), EBADF);
}
END_TEST

START_TEST(value_has_an_end)
{
	intptr_t id = sem_new(UINT32_MAX);

	ck_fails(rump_sys__ksem_post(id), EOVERFLOW);
	ck_assert_uint_eq(value_of(id), UINT32_MAX);
	ck_assert_int_eq(rump_sys__ksem_trywait(id), 0);
	ck_assert_int_eq(rump_sys__ksem_post(id), 0);
}
END_TEST

START_TEST(ids_are_checked)
{
	int fd = rump_sys_open("/", RUMP_O_RDONLY);
	static const intptr_t bad[] = { -1, 777, INT64_C(1) << 32, INT64_MIN };
	size_t i;
	unsigned value;

	ck_assert_int_ge(fd, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_fails(rump_sys__ksem_wait(bad[i]), EBADF);
		ck_fails(rump_sys__ksem_trywait(bad[i]), EBADF);
		ck_fails(rump_sys__ksem_post(bad[i]), EBADF);
		ck_fails(rump_sys__ksem_close(bad[i]), EBADF);
		ck_fails(rump_sys__ksem_destroy(bad[i]), EBADF);
		ck_fails(rump_sys__ksem_getvalue(bad[i], &value), EBADF);
	}
	/* A descriptor of something else. */
	ck_fails(rump_sys__ksem_post(fd), EINVAL);
	ck_fails(rump_sys__ksem_close(fd), EINVAL);
	ck_assert_int_eq(rump_sys_close(fd), 0);
	/* And one that was a semaphore. */
	fd = sem_new(0);
	ck_assert_int_eq(rump_sys_close(fd), 0);
	ck_fails(rump_sys__ksem_post(fd), EBADF);
}
END_TEST

START_TEST(is_a_descriptor)
{
	intptr_t id = sem_new(7);
	struct rump_stat st;
	int copy;
	char c;

	copy = rump_sys_dup(id);
	ck_assert_int_ge(copy, 0);
	ck_assert_int_eq(rump_sys__ksem_destroy(id), 0);
	ck_assert_uint_eq(value_of(copy), 7);
	ck_assert_int_eq(rump_sys_fstat(copy, (struct stat *)&st), 0);
	ck_assert_int_eq(st.st_size, 7);
	ck_assert_int_eq(rump_sys_read(copy, &c, 1), -1);
	ck_assert_uint_eq(value_of(copy), 7);
}
END_TEST

START_TEST(names)
{
	intptr_t id, again;

	ck_assert_int_eq(sem_named(0, 0), -1);
	ck_assert_int_eq(errno, ENOENT);
	id = sem_named(RUMP_O_CREAT | RUMP_O_EXCL, 3);
	ck_assert_int_ge(id, 0);
	ck_assert_int_eq(sem_named(RUMP_O_CREAT | RUMP_O_EXCL, 3), -1);
	ck_assert_int_eq(errno, EEXIST);
	again = sem_named(RUMP_O_CREAT, 9);
	ck_assert_int_ge(again, 0);
	ck_assert_int_ne(again, id);
	ck_assert_uint_eq(value_of(again), 3);
	ck_assert_int_eq(rump_sys__ksem_post(id), 0);
	ck_assert_uint_eq(value_of(again), 4);
	ck_fails(rump_sys__ksem_destroy(id), EINVAL);

	/* It stays when nobody has it open, */
	ck_assert_int_eq(rump_sys__ksem_close(id), 0);
	ck_assert_int_eq(rump_sys__ksem_close(again), 0);
	id = sem_named(0, 0);
	ck_assert_uint_eq(value_of(id), 4);
	/* and goes with its name and the last descriptor. */
	ck_assert_int_eq(rump_sys__ksem_unlink(NAME), 0);
	ck_fails(rump_sys__ksem_unlink(NAME), ENOENT);
	ck_assert_uint_eq(value_of(id), 4);
	again = sem_named(RUMP_O_CREAT | RUMP_O_EXCL, 1);
	ck_assert_uint_eq(value_of(again), 1);
	ck_assert_uint_eq(value_of(id), 4);
}
END_TEST

START_TEST(names_are_checked)
{
	static const char *const bad[] = { "sem", "/", "", "/a/b", "//" };
	const int how = RUMP_O_CREAT;
	intptr_t id;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_fails(rump_sys__ksem_open(bad[i], how, 0600, 0, &id),
		    EINVAL);
	ck_fails(rump_sys__ksem_open("/123456789abcde", how, 0600, 0, &id),
	    ENAMETOOLONG);
	ck_assert_int_eq(rump_sys__ksem_open("/123456789abcd", how, 0600, 0,
	    &id), 0);
	ck_fails(rump_sys__ksem_open((char *)8, how, 0600, 0, &id), EFAULT);
	ck_fails(rump_sys__ksem_unlink("nothing"), ENOENT);
}
END_TEST

static int
open_refused(void *arg)
{

	(void)arg;
	if (rump_sys_setgid(1001) != 0 || rump_sys_setuid(1001) != 0)
		return 2;
	if (sem_named(0, 0) != -1 || errno != EACCES)
		return 3;
	return rump_sys__ksem_unlink(NAME) == -1 && errno == EACCES ? 0 : 4;
}

START_TEST(names_have_owners)
{

	if (skip_unless_root())
		return;
	ck_assert_int_ge(sem_named(RUMP_O_CREAT, 0), 0);
	ck_assert_int_eq(guest_wait(guest_start(false, open_refused, NULL)),
	    0);
}
END_TEST

START_TEST(time_runs_out)
{
	intptr_t id = sem_new(0);
	struct timespec ts = { .tv_nsec = 1000000000 };
	long long start = clock_us();

	ck_fails(timedwait(id, 50), ETIMEDOUT);
	ck_assert_int_ge(clock_us() - start, 50000);
	ck_fails(timedwait(id, -1000), ETIMEDOUT);
	ck_fails(rump_sys__ksem_timedwait(id, &ts), EINVAL);
	ts = (struct timespec){ .tv_sec = -1 };
	ck_fails(rump_sys__ksem_timedwait(id, &ts), EINVAL);
	ck_fails(rump_sys__ksem_timedwait(id, (void *)8), EFAULT);
}
END_TEST

struct pair {
	intptr_t ping, pong;
	int rounds;
};

static int
answer(void *arg)
{
	struct pair *pair = arg;
	int i;

	for (i = 0; i < pair->rounds; i++) {
		if (rump_sys__ksem_wait(pair->ping) != 0 ||
		    rump_sys__ksem_post(pair->pong) != 0)
			return 1;
	}
	return 0;
}

/* A fork has the same semaphores; each side sleeps for the other. */
START_TEST(wakes_another_process)
{
	struct pair pair = { sem_new(0), sem_new(0), 100 };
	pid_t pid;
	int i;

	pid = guest_start(true, answer, &pair);
	for (i = 0; i < pair.rounds; i++) {
		ck_assert_int_eq(rump_sys__ksem_post(pair.ping), 0);
		ck_assert_int_eq(rump_sys__ksem_wait(pair.pong), 0);
	}
	ck_assert_int_eq(guest_wait(pid), 0);
	ck_assert_uint_eq(value_of(pair.ping), 0);
	ck_assert_uint_eq(value_of(pair.pong), 0);
}
END_TEST

static int
answer_by_name(void *arg)
{
	struct pair pair = { .rounds = *(int *)arg };

	if (rump_sys__ksem_open("/ping", 0, 0, 0, &pair.ping) != 0 ||
	    rump_sys__ksem_open("/pong", 0, 0, 0, &pair.pong) != 0)
		return 2;
	return answer(&pair);
}

START_TEST(wakes_another_guest_by_name)
{
	struct pair pair = { .rounds = 20 };
	pid_t pid;
	int i;

	ck_assert_int_eq(rump_sys__ksem_open("/ping", RUMP_O_CREAT, 0666, 0,
	    &pair.ping), 0);
	ck_assert_int_eq(rump_sys__ksem_open("/pong", RUMP_O_CREAT, 0666, 0,
	    &pair.pong), 0);
	pid = guest_start(false, answer_by_name, &pair.rounds);
	for (i = 0; i < pair.rounds; i++) {
		ck_assert_int_eq(rump_sys__ksem_post(pair.ping), 0);
		ck_assert_int_eq(rump_sys__ksem_wait(pair.pong), 0);
	}
	ck_assert_int_eq(guest_wait(pid), 0);
}
END_TEST

static void *
take_many(void *arg)
{
	struct pair *pair = arg;
	int i;

	for (i = 0; i < pair->rounds; i++) {
		if (rump_sys__ksem_wait(pair->ping) != 0)
			return "failed";
	}
	return NULL;
}

/* As many threads as wait get as much as is posted, no more and no less. */
START_TEST(nothing_is_lost_among_threads)
{
	struct pair pair = { .ping = sem_new(0), .rounds = 50 };
	pthread_t threads[8];
	void *failed;
	int i;

	for (i = 0; i < 8; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_many,
		    &pair), 0);
	for (i = 0; i < 8 * pair.rounds; i++)
		ck_assert_int_eq(rump_sys__ksem_post(pair.ping), 0);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
	ck_assert_uint_eq(value_of(pair.ping), 0);
}
END_TEST

static int
wait_for_ever(void *arg)
{

	return rump_sys__ksem_wait(*(intptr_t *)arg) == 0;
}

/* What a killed sleeper leaves: the semaphore can be destroyed once the
 * server has noticed, and what is posted is not taken by the dead. */
START_TEST(a_client_that_is_gone_waits_no_more)
{
	intptr_t id = sem_new(0);
	long long start = clock_us();
	pid_t pid;

	pid = guest_start(true, wait_for_ever, &id);
	while (rump_sys__ksem_destroy(rump_sys_dup(id)) == 0)
		ck_assert_int_lt(clock_us() - start, patience_us());
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(guest_wait(pid), -1);
	while (rump_sys__ksem_destroy(rump_sys_dup(id)) != 0) {
		ck_assert_int_eq(errno, EBUSY);
		ck_assert_int_lt(clock_us() - start, patience_us());
	}
	ck_assert_int_eq(rump_sys__ksem_post(id), 0);
	ck_assert_uint_eq(value_of(id), 1);
}
END_TEST

/* --- how many --- */

static int
make_named(struct raw_guest *g, unsigned i, int64_t *id)
{
	char name[16];

	snprintf(name, sizeof(name), "/n%u", i);
	return CALL(g, _ksem_open, P(name), RUMP_O_CREAT | RUMP_O_EXCL, 0600,
	    0, P(id));
}

/* Until there may be no more; how many that were. */
static unsigned
make_all(struct raw_guest *g, bool named)
{
	unsigned n = 0;
	int64_t id;
	int error;

	for (;;) {
		error = named ? make_named(g, n, &id) :
		    CALL(g, _ksem_init, 0, P(&id));
		if (error != 0)
			break;
		n++;
		if (named)
			OK(g, _ksem_close, (uint64_t)id);
	}
	ck_assert_int_eq(error, RUMP_ENOSPC);
	return n;
}

/* A part of them for one user: when its guest is gone, what it named is still
 * there and its own. */
START_TEST(named_ones_are_not_without_end)
{
	struct raw_guest *h;
	unsigned n;
	int64_t id;

	n = make_all(G, true);
	ck_assert_uint_ge(n, 128);
	raw_leave(G);
	h = raw_guest(&S, "next");
	ck_assert_int_eq(make_named(h, n, &id), RUMP_ENOSPC);
	ck_assert_int_eq(CALL(h, _ksem_init, 0, P(&id)), RUMP_ENOSPC);
	OK(h, _ksem_unlink, P("/n5"));
	ck_assert_int_eq(make_named(h, n, &id), 0);
	ck_assert_int_eq(CALL(h, _ksem_init, 0, P(&id)), RUMP_ENOSPC);
	G = h;
}
END_TEST

START_TEST(one_user_leaves_others_some)
{
	struct raw_guest *a, *b, *c;
	unsigned all, left;

	if (skip_unless_root())
		return;
	a = raw_guest_as(&S, "a", 1001);
	b = raw_guest_as(&S, "b", 1001);
	c = raw_guest_as(&S, "c", 1002);
	OK(a, setrlimit, RUMP_RLIMIT_NOFILE,
	    P(((struct rump_rlimit[]){ { 16384, 16384 } })));
	all = make_all(a, false);
	ck_assert_uint_eq(make_all(b, false), 0);
	left = make_all(c, true);
	ck_assert_uint_gt(left, 0);
	ck_assert_uint_lt(left, all);
	raw_leave(a);
	ck_assert_uint_gt(make_all(b, false), 0);
	raw_leave(b);
	raw_leave(c);
}
END_TEST

/* Neither for being there nor for being waited for. */
START_TEST(they_take_no_descriptors)
{
	const int before = raw_descriptors("");
	unsigned i;
	uint64_t reqno;
	int64_t id;

	for (i = 0; i < 500; i++)
		OK(G, _ksem_init, 0, P(&id));
	BEGIN(G, _ksem_wait, (uint64_t)id);
	ck_assert(raw_pending(G));
	ck_assert_int_eq(raw_descriptors(""), before);
	BEGIN(G, _ksem_post, (uint64_t)id);
	ck_assert_int_eq(raw_end_any(G, &reqno), 0);
	ck_assert_int_eq(raw_end_any(G, &reqno), 0);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, counts);
	tcase_add_test(tc, value_has_an_end);
	tcase_add_test(tc, ids_are_checked);
	tcase_add_test(tc, is_a_descriptor);
	tcase_add_test(tc, names);
	tcase_add_test(tc, names_are_checked);
	tcase_add_test(tc, names_have_owners);
	tcase_add_test(tc, time_runs_out);
	tcase_add_test(tc, wakes_another_process);
	tcase_add_test(tc, wakes_another_guest_by_name);
	tcase_add_test(tc, nothing_is_lost_among_threads);
	tcase_add_test(tc, a_client_that_is_gone_waits_no_more);
}

int
main(void)
{

	Suite *s = suite_both_ways("ksem", host_start, host_stop, add_tests);
	TCase *tc = tcase_create("how many");

	tcase_add_checked_fixture(tc, raw_setup, raw_teardown);
	tcase_add_test(tc, named_ones_are_not_without_end);
	tcase_add_test(tc, one_user_leaves_others_some);
	tcase_add_test(tc, they_take_no_descriptors);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
