/*
 * What a guest can have many of: who has too much is told so, in NetBSD's
 * words, and nobody else is.
 */
#include <check.h>

#include "lib/suite.h"
#include "raw.h"

enum { FDS = 24 };

static uint64_t
held(enum rumpserver_budget kind)
{
	struct rumpserver_stats st;

	rumpserver_getstats(S.srv, &st);
	return st.held[kind];
}

static void
descriptors_setup(void)
{

	raw_config = (struct rumpserver_config){ .max_client_fds = FDS };
	raw_setup();
}

static int
open_file(void)
{

	return CALL(G, open, P("/f"), RUMP_O_RDWR | RUMP_O_CREAT, 0644);
}

static int
make_pipe(void)
{

	return CALL0(G, pipe);
}

static int
make_socket(void)
{

	return CALL(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
}

static int
make_pair(void)
{

	return CALL(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0,
	    P((int32_t[2]){ 0 }));
}

static int
make_queue(void)
{

	return CALL0(G, kqueue);
}

static int
open_device(void)
{

	return CALL(G, open, P("/dev/null"), RUMP_O_RDWR, 0);
}

static int (*const ways[])(void) = { open_file, make_pipe, make_socket,
    make_pair, make_queue, open_device };

/* By whatever call: beyond so many there are none for it, for others there
 * are, and what it closes it has again. */
START_TEST(descriptors)
{
	const uint64_t before = held(RUMPSERVER_DESCRIPTORS);
	struct raw_guest *other = raw_guest(&S, "other");
	int error, n;

	for (n = 0; (error = ways[_i]()) == 0; n++)
		ck_assert_int_le(n, FDS);
	ck_assert_int_eq(error, RUMP_ENFILE);
	ck_assert_int_ge(n, FDS / 2 - 1);
	ck_assert_int_gt(raw_open(other, "/o", RUMP_O_CREAT, 0644), 0);
	/* A second descriptor is none of the host's. */
	OK(G, dup, 0);
	OK(G, fcntl, 3, RUMP_F_CLOSEM, 0);
	ck_assert_int_eq(ways[_i](), 0);
	OK(G, fcntl, 3, RUMP_F_CLOSEM, 0);
	raw_leave(other);
	ck_assert_uint_eq(held(RUMPSERVER_DESCRIPTORS), before);
}
END_TEST

/* The directories that it stands in are among them, also in a child; and who
 * made one pays, wherever it goes. */
START_TEST(directories)
{
	const uint64_t before = held(RUMPSERVER_DESCRIPTORS);
	struct raw_guest *child;
	int n;

	OK(G, mkdir, P("/d"), 0755);
	OK(G, chdir, P("/d"));
	ck_assert_uint_eq(held(RUMPSERVER_DESCRIPTORS), before + 1);
	child = raw_fork(&S, G);
	OK(G, chdir, P("/"));
	ck_assert_uint_eq(held(RUMPSERVER_DESCRIPTORS), before + 2);
	raw_leave(child);
	ck_assert_uint_eq(held(RUMPSERVER_DESCRIPTORS), before + 1);
	for (n = 0; open_file() == 0; n++)
		ck_assert_int_le(n, FDS);
	ck_assert_int_eq(CALL(G, chdir, P("/d")), RUMP_ENFILE);
}
END_TEST

/* --- memory --- */

enum { KB = 1024 };

static void
bytes_setup(void)
{

	raw_config = (struct rumpserver_config){
	    .max_client_bytes = 512 * KB };
	raw_setup();
}

/* Notes that cost no descriptor cost memory. */
START_TEST(notes)
{
	const uint64_t before = held(RUMPSERVER_BYTES);
	struct rump_kevent k = { .filter = RUMP_EVFILT_USER,
	    .flags = RUMP_EV_ADD };
	int error, kq = (int)OK0(G, kqueue);

	do {
		k.ident++;
		error = CALL(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
	} while (error == 0 && k.ident < 16000);
	ck_assert_int_eq(error, RUMP_ENOMEM);
	ck_assert_uint_gt(k.ident, 100);
	OK(G, close, kq);
	ck_assert_uint_eq(held(RUMPSERVER_BYTES), before);
}
END_TEST

/* A copy of a process has as large a table as it needs, and pays for it; what
 * was high and is closed is not copied. */
START_TEST(tables)
{
	struct rump_rlimit rl = { 16384, 16384 };
	const uint64_t before = held(RUMPSERVER_BYTES);
	struct raw_guest *child;
	uint64_t now, with;

	OK(G, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	OK(G, dup2, 0, 16383);
	now = held(RUMPSERVER_BYTES);
	ck_assert_uint_ge(now, before + 128 * KB);
	child = raw_fork(&S, G);
	with = held(RUMPSERVER_BYTES);
	ck_assert_uint_ge(with, now + 128 * KB);
	raw_leave(child);
	ck_assert_uint_lt(held(RUMPSERVER_BYTES), now + KB);
	OK(G, close, 16383);
	child = raw_fork(&S, G);
	ck_assert_uint_lt(held(RUMPSERVER_BYTES), now + 32 * KB);
	raw_leave(child);
}
END_TEST

/* So do descriptors waited for, as long as the call is in progress. */
START_TEST(waiting)
{
	struct rump_rlimit rl = { 16384, 16384 };
	static struct rump_pollfd fds[16384];
	const uint64_t before = held(RUMPSERVER_BYTES);
	int i;

	OK(G, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	for (i = 0; i < 16384; i++)
		fds[i].fd = -1;
	ck_assert_int_eq(CALL(G, poll, P(fds), 16384, 0), RUMP_ENOMEM);
	OK(G, poll, P(fds), 4096, 0);
	/* A buffer of the connection's may stay, the 192 KiB do not. */
	ck_assert_uint_lt(held(RUMPSERVER_BYTES), before + 128 * KB);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostkern budgets");
	TCase *tc = tcase_create("descriptors");

	tcase_add_checked_fixture(tc, descriptors_setup, raw_teardown);
	tcase_add_loop_test(tc, descriptors, 0,
	    sizeof(ways) / sizeof(ways[0]));
	tcase_add_test(tc, directories);
	suite_add_tcase(s, tc);
	tc = tcase_create("memory");
	tcase_add_checked_fixture(tc, bytes_setup, raw_teardown);
	tcase_add_test(tc, notes);
	tcase_add_test(tc, tables);
	tcase_add_test(tc, waiting);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
