/*
 * Guests that mean ill to the server itself.
 */
#include <sys/resource.h>

#include <check.h>
#include <unistd.h>

#include "tests/hostkern/raw.h"
#include "tests/lib/suite.h"

/* An id that no host has: refused, and the server still serves. */
START_TEST(impossible_ids)
{
	uint32_t groups[2] = { 5, UINT32_MAX }, got[16];
	struct raw_server s;
	struct raw_guest *g;
	int error;

	raw_start(&s, NULL);
	g = raw_guest(&s, "ids");
	error = CALL(g, setgroups, 2, P(groups));
	ck_assert_int_eq(error, geteuid() == 0 ? RUMP_EINVAL : RUMP_EPERM);
	(void)raw_open(g, "/new", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ck_assert_int_lt(OK(g, getgroups, 16, P(got)), 2);
	raw_leave(g);
	raw_stop(&s);
}
END_TEST

/* A server whose own files may only be so long does not die of a guest that
 * writes a longer one. */
START_TEST(long_file)
{
	struct rlimit limit;
	struct raw_server s;
	struct raw_guest *g;
	int fd;

	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 1 << 16;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	raw_start(&s, NULL);
	g = raw_guest(&s, "long");
	fd = raw_open(g, "/new", RUMP_O_CREAT | RUMP_O_RDWR, 0644);
	ck_assert_int_eq(CALL(g, pwrite, fd, P("x"), 1, 0, 1 << 17),
	    RUMP_EFBIG);
	ck_assert_int_eq(CALL(g, ftruncate, fd, 0, 1 << 17), RUMP_EFBIG);
	raw_leave(g);
	raw_stop(&s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostile guests");
	TCase *tc = tcase_create("server");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, impossible_ids);
	tcase_add_test(tc, long_file);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
