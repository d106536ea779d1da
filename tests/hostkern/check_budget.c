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
	return suite_run(s);
}
