/*
 * Banners, written and read.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lib/suite.h"
#include "wire/banner.h"

#define NETBSD	"RUMPSP-0.4-NetBSD-7.99.34/amd64\n"

START_TEST(format_is_netbsds)
{
	char buf[BANNER_MAX + 1];

	ck_assert_uint_eq(banner_format(buf, "NetBSD", "7.99.34", "amd64", ""),
	    strlen(NETBSD));
	ck_assert_str_eq(buf, NETBSD);
	ck_assert_uint_gt(banner_format(buf, "NetBSD", "7.99.34", "amd64",
	    "one two"), 0);
	ck_assert_str_eq(buf, "RUMPSP-0.4-NetBSD-7.99.34/amd64 one two\n");
}
END_TEST

START_TEST(format_refuses)
{
	char buf[BANNER_MAX + 1], longpart[BANNER_MAX + 1];

	memset(longpart, 'x', BANNER_MAX);
	longpart[BANNER_MAX] = '\0';
	ck_assert_uint_eq(banner_format(buf, longpart, "1", "m", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "", "1", "m", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "a b", "1", "m", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "a-b", "1", "m", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "a", "1/2", "m", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "a", "1", "m\n", NULL), 0);
	ck_assert_uint_eq(banner_format(buf, "a", "1", "m", "x\ny"), 0);
}
END_TEST

START_TEST(format_fills_to_the_limit)
{
	char buf[BANNER_MAX + 1], m[BANNER_MAX];
	size_t room;

	/* RUMPSP-0.4-a-1/ and the newline leave this for the machine. */
	room = BANNER_MAX - strlen("RUMPSP-0.4-a-1/") - 1;
	memset(m, 'm', sizeof(m));
	m[room] = '\0';
	ck_assert_uint_eq(banner_format(buf, "a", "1", m, NULL), BANNER_MAX);
	m[room] = 'm';
	m[room + 1] = '\0';
	ck_assert_uint_eq(banner_format(buf, "a", "1", m, NULL), 0);
}
END_TEST

START_TEST(parse_netbsd)
{
	struct banner b;

	ck_assert_ptr_null(banner_parse(&b, NETBSD, strlen(NETBSD)));
	ck_assert_uint_eq(b.major, 0);
	ck_assert_uint_eq(b.minor, 4);
	ck_assert_str_eq(b.ostype, "NetBSD");
	ck_assert_str_eq(b.osrelease, "7.99.34");
	ck_assert_str_eq(b.machine, "amd64");
	ck_assert_str_eq(b.extensions, "");
}
END_TEST

START_TEST(parse_parts)
{
	static const char ext[] = "RUMPSP-1.12-X-5.0-rc1/m-68k shm fast\n";
	static const char bare[] = "RUMPSP-0.5\n";
	static const char odd[] = "RUMPSP-0.4-only\n";
	struct banner b;

	ck_assert_ptr_null(banner_parse(&b, ext, strlen(ext)));
	ck_assert_uint_eq(b.major, 1);
	ck_assert_uint_eq(b.minor, 12);
	ck_assert_str_eq(b.osrelease, "5.0-rc1");
	ck_assert_str_eq(b.machine, "m-68k");
	ck_assert_str_eq(b.extensions, "shm fast");

	ck_assert_ptr_null(banner_parse(&b, bare, strlen(bare)));
	ck_assert_uint_eq(b.minor, 5);
	ck_assert_str_eq(b.ostype, "");

	ck_assert_ptr_null(banner_parse(&b, odd, strlen(odd)));
	ck_assert_str_eq(b.ostype, "only");
	ck_assert_str_eq(b.osrelease, "");
	ck_assert_str_eq(b.machine, "");
}
END_TEST

static const char *const wrong[] = {
	"", "\n", "RUMPSP-0.4-NetBSD-7.99.34/amd64", "SSH-2.0-OpenSSH\n",
	"RUMPSP-\n", "RUMPSP-0\n", "RUMPSP-0.\n", "RUMPSP-x.4\n",
	"RUMPSP-99999.4\n", "rumpsp-0.4\n",
};

START_TEST(parse_refuses)
{
	struct banner b;

	ck_assert_ptr_nonnull(banner_parse(&b, wrong[_i], strlen(wrong[_i])));
}
END_TEST

START_TEST(parse_refuses_long_and_nul)
{
	char buf[BANNER_MAX + 1];
	struct banner b;

	memset(buf, 'x', sizeof(buf));
	memcpy(buf, "RUMPSP-0.4-", 11);
	buf[BANNER_MAX] = '\n';
	ck_assert_ptr_nonnull(banner_parse(&b, buf, BANNER_MAX + 1));
	buf[BANNER_MAX - 1] = '\n';
	ck_assert_ptr_null(banner_parse(&b, buf, BANNER_MAX));
	buf[30] = '\0';
	ck_assert_ptr_nonnull(banner_parse(&b, buf, BANNER_MAX));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("banner");
	TCase *tc = tcase_create("banner");

	tcase_add_test(tc, format_is_netbsds);
	tcase_add_test(tc, format_refuses);
	tcase_add_test(tc, format_fills_to_the_limit);
	tcase_add_test(tc, parse_netbsd);
	tcase_add_test(tc, parse_parts);
	tcase_add_loop_test(tc, parse_refuses, 0,
	    sizeof(wrong) / sizeof(wrong[0]));
	tcase_add_test(tc, parse_refuses_long_and_nul);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
