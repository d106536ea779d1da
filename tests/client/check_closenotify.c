/*
 * Programs that close and overwrite descriptors wholesale, while other
 * threads call.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"

#define THREADS	4

static int64_t rv;
static int first;		/* lowest descriptor of the library's */
static atomic_bool stop_it;
static pthread_t threads[THREADS];
static bool threads_retry;

static void
start(void)
{

	fake_start(&fake);
	first = open("/dev/null", O_RDONLY);
	close(first);
	ck_assert_int_eq(rumpclient_init(), 0);
	threads_retry = false;
}

static void *
echo_thread(void *arg)
{
	uint64_t i;
	int64_t r;
	int error;

	(void)arg;
	for (i = 0; !atomic_load(&stop_it); i++) {
		error = fake_call(FAKE_ECHO, i, 0, 0, &r);
		if (error == RUMP_ENOTCONN && threads_retry)
			continue;
		if (error != 0 || (uint64_t)r != i)
			return (void *)1;
	}
	return NULL;
}

static void *
block_thread(void *arg)
{
	int64_t r;

	(void)arg;
	return (void *)(intptr_t)fake_call(FAKE_BLOCK, 1, 0, 0, &r);
}

static void
start_load(void)
{
	int i;

	atomic_store(&stop_it, false);
	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, echo_thread, NULL);
}

static void
stop_load(void)
{
	void *bad;
	int i;

	atomic_store(&stop_it, true);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &bad);
		ck_assert_ptr_null(bad);
	}
}

/* Announced closes of every number there is, again and again. */
static void
close_all_by_number(int null)
{
	int fd, n;

	for (fd = first; fd < first + 20; fd++) {
		n = fd;
		if (fd == null)
			continue;
		ck_assert_int_eq(rumpclient__closenotify(&n,
		    RUMPCLIENT_CLOSE_CLOSE), 0);
		ck_assert_int_eq(n, fd);
		close(fd);
	}
}

START_TEST(close_under_load)
{
	int i;

	start_load();
	for (i = 0; i < 50; i++)
		close_all_by_number(-1);
	stop_load();
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 2);	/* the same connection still */
}
END_TEST

START_TEST(dup2_under_load)
{
	int null, i, fd, n;

	null = open("/dev/zero", O_RDWR);
	ck_assert_int_ne(null, -1);
	start_load();
	for (i = 0; i < 50; i++) {
		for (fd = first; fd < first + 8; fd++) {
			if (fd == null)
				continue;
			n = fd;
			ck_assert_int_eq(rumpclient__closenotify(&n,
			    RUMPCLIENT_CLOSE_DUP2), 0);
			ck_assert_int_eq(dup2(null, fd), fd);
		}
		close_all_by_number(null);
	}
	stop_load();
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 2);
}
END_TEST

START_TEST(closefrom_under_load)
{
	int i, j, fd, fds[3], from;

	start_load();
	for (i = 0; i < 50; i++) {
		for (j = 0; j < 3; j++)
			fds[j] = open("/dev/null", O_RDONLY);
		from = first;
		ck_assert_int_eq(rumpclient__closenotify(&from,
		    RUMPCLIENT_CLOSE_FCLOSEM), 0);
		ck_assert_int_gt(from, first);
		for (fd = from; fd < from + 20; fd++)
			close(fd);
		for (j = 0; j < 3; j++)
			ck_assert_int_eq(fcntl(fds[j], F_GETFD), -1);
	}
	stop_load();
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 2);
}
END_TEST

/* The reader sleeps in poll(2) when its descriptors move. */
START_TEST(moved_under_a_sleeping_reader)
{
	pthread_t t;
	void *ret;

	pthread_create(&t, NULL, block_thread, NULL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	close_all_by_number(-1);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	pthread_join(t, &ret);
	ck_assert_ptr_null(ret);
}
END_TEST

START_TEST(others_are_left_alone)
{
	int n;

	n = -1;
	ck_assert_int_eq(rumpclient__closenotify(&n, RUMPCLIENT_CLOSE_CLOSE),
	    -1);
	ck_assert_int_eq(errno, EBADF);
	n = 1000;
	ck_assert_int_eq(rumpclient__closenotify(&n, RUMPCLIENT_CLOSE_CLOSE),
	    0);
	ck_assert_int_eq(rumpclient__closenotify(&n,
	    RUMPCLIENT_CLOSE_FCLOSEM), 0);
	ck_assert_int_eq(n, 1000);
	n = 0;
	ck_assert_int_eq(rumpclient__closenotify(&n,
	    (enum rumpclient_closevariant)77), -1);
	ck_assert_int_eq(errno, EINVAL);
}
END_TEST

/* Nobody says a word: the connection is lost, and made anew. */
START_TEST(closed_without_a_word)
{
	int i, fd;

	if (skip_under_tsan())
		return;
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	threads_retry = true;
	start_load();
	for (i = 0; i < 10; i++) {
		for (fd = first; fd < first + 8; fd++)
			close(fd);
		while (fake_call(FAKE_ECHO, 1, 0, 0, &rv) == RUMP_ENOTCONN)
			continue;
	}
	stop_load();
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

/* And the program has files of its own in the old places: they are neither
 * closed nor written to. */
START_TEST(numbers_taken_without_a_word)
{
	char path[96], text[8];
	int fd[3], i;

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	snprintf(path, sizeof(path), "%s/file", fake.dir);
	for (i = 0; i < 8; i++)
		close(first + i);
	for (i = 0; i < 3; i++) {
		fd[i] = open(path, O_RDWR | O_CREAT | O_APPEND, 0600);
		ck_assert_int_eq(fd[i], first + i);
	}
	unlink(path);
	while (fake_call(FAKE_ECHO, 1, 0, 0, &rv) == RUMP_ENOTCONN)
		continue;
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(pread(fd[i], text, sizeof(text), 0), 0);
		close(fd[i]);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("closenotify");
	TCase *tc = tcase_create("closenotify");

	tcase_add_checked_fixture(tc, start, fake_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, close_under_load);
	tcase_add_test(tc, dup2_under_load);
	tcase_add_test(tc, closefrom_under_load);
	tcase_add_test(tc, moved_under_a_sleeping_reader);
	tcase_add_test(tc, others_are_left_alone);
	tcase_add_test(tc, closed_without_a_word);
	tcase_add_test(tc, numbers_taken_without_a_word);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
