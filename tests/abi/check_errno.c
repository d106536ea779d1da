/* Error numbers: every one, against values written down here on their own. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <rump/rumpconv.h>

#include "lib/suite.h"

/* NetBSD's number, Linux's: from the two systems' manuals. */
static const struct {
	int nb, host;
} equal[] = {
	{ 1, 1 }, { 2, 2 }, { 3, 3 }, { 4, 4 }, { 5, 5 }, { 6, 6 }, { 7, 7 },
	{ 8, 8 }, { 9, 9 }, { 10, 10 }, { 11, 35 }, { 12, 12 }, { 13, 13 },
	{ 14, 14 }, { 15, 15 }, { 16, 16 }, { 17, 17 }, { 18, 18 },
	{ 19, 19 }, { 20, 20 }, { 21, 21 }, { 22, 22 }, { 23, 23 },
	{ 24, 24 }, { 25, 25 }, { 26, 26 }, { 27, 27 }, { 28, 28 },
	{ 29, 29 }, { 30, 30 }, { 31, 31 }, { 32, 32 }, { 33, 33 },
	{ 34, 34 }, { 35, 11 }, { 36, 115 }, { 37, 114 }, { 38, 88 },
	{ 39, 89 }, { 40, 90 }, { 41, 91 }, { 42, 92 }, { 43, 93 },
	{ 44, 94 }, { 45, 95 }, { 46, 96 }, { 47, 97 }, { 48, 98 },
	{ 49, 99 }, { 50, 100 }, { 51, 101 }, { 52, 102 }, { 53, 103 },
	{ 54, 104 }, { 55, 105 }, { 56, 106 }, { 57, 107 }, { 58, 108 },
	{ 59, 109 }, { 60, 110 }, { 61, 111 }, { 62, 40 }, { 63, 36 },
	{ 64, 112 }, { 65, 113 }, { 66, 39 }, { 68, 87 }, { 69, 122 },
	{ 70, 116 }, { 71, 66 }, { 77, 37 }, { 78, 38 }, { 82, 43 },
	{ 83, 42 }, { 84, 75 }, { 85, 84 }, { 87, 125 }, { 88, 74 },
	{ 89, 61 }, { 90, 63 }, { 91, 60 }, { 92, 62 }, { 94, 72 },
	{ 95, 67 }, { 96, 71 },
};

/* NetBSD's without an equal, and what they become. */
static const struct {
	int nb, host;
} near[] = {
	{ RUMP_EPROCLIM, EAGAIN }, { RUMP_EBADRPC, EPROTO },
	{ RUMP_ERPCMISMATCH, EPROTO }, { RUMP_EPROGUNAVAIL, EPROTO },
	{ RUMP_EPROGMISMATCH, EPROTO }, { RUMP_EPROCUNAVAIL, EPROTO },
	{ RUMP_EFTYPE, EINVAL }, { RUMP_EAUTH, EACCES },
	{ RUMP_ENEEDAUTH, EACCES }, { RUMP_ENOTSUP, EOPNOTSUPP },
	{ RUMP_ENOATTR, ENODATA },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

START_TEST(equals)
{
	size_t i;

	for (i = 0; i < COUNT(equal); i++) {
		ck_assert_int_eq(rump_conv_errno_to_host(equal[i].nb),
		    equal[i].host);
		ck_assert_int_eq(rump_conv_errno_from_host(equal[i].host),
		    equal[i].nb);
	}
}
END_TEST

START_TEST(nearest)
{
	size_t i;

	for (i = 0; i < COUNT(near); i++)
		ck_assert_int_eq(rump_conv_errno_to_host(near[i].nb),
		    near[i].host);
	/* Together with the equals that is all of NetBSD's. */
	ck_assert_uint_eq(COUNT(equal) + COUNT(near), RUMP_ELAST);
}
END_TEST

START_TEST(total)
{
	int e;

	ck_assert_int_eq(rump_conv_errno_to_host(0), 0);
	ck_assert_int_eq(rump_conv_errno_from_host(0), 0);
	ck_assert_int_eq(rump_conv_errno_to_host(97), EIO);
	ck_assert_int_eq(rump_conv_errno_to_host(-1), EIO);
	ck_assert_int_eq(rump_conv_errno_to_host(INT32_MAX), EIO);
	ck_assert_int_eq(rump_conv_errno_to_host(INT32_MIN), EIO);
	ck_assert_int_eq(rump_conv_errno_from_host(-1), RUMP_EIO);
	ck_assert_int_eq(rump_conv_errno_from_host(4095), RUMP_EIO);
	for (e = -200; e < 600; e++) {
		ck_assert_int_ge(rump_conv_errno_from_host(e), 0);
		ck_assert_int_le(rump_conv_errno_from_host(e), RUMP_ELAST);
		ck_assert_int_ge(rump_conv_errno_to_host(e), 0);
		/* An error stays an error. */
		if (e != 0) {
			ck_assert_int_ne(rump_conv_errno_from_host(e), 0);
			ck_assert_int_ne(rump_conv_errno_to_host(e), 0);
		}
	}
	ck_assert_int_eq(rump_conv_errno_from_host(EBADFD), RUMP_EBADF);
	ck_assert_int_eq(rump_conv_errno_from_host(ENOMEDIUM), RUMP_ENXIO);
}
END_TEST

START_TEST(names)
{
	int e;

	for (e = 0; e <= RUMP_ELAST; e++) {
		ck_assert_ptr_nonnull(rump_conv_errno_name(e));
		ck_assert_uint_gt(strlen(rump_conv_errno_text(e)), 0);
	}
	ck_assert_str_eq(rump_conv_errno_name(35), "EAGAIN");
	ck_assert_str_eq(rump_conv_errno_name(93), "ENOATTR");
	ck_assert_str_eq(rump_conv_errno_text(2),
	    "No such file or directory");
	ck_assert_str_eq(rump_conv_errno_name(97), "E?");
	ck_assert_str_eq(rump_conv_errno_name(-1), "E?");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("abi errno");
	TCase *tc = tcase_create("errno");

	tcase_add_test(tc, equals);
	tcase_add_test(tc, nearest);
	tcase_add_test(tc, total);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
