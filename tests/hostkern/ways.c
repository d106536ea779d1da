#include <check.h>
#include <stdbool.h>

#include "tests/hostkern/ways.h"

bool in_event_loop;

void
ways_event_loop(void)
{

	in_event_loop = true;
}

void
ways_threads(void)
{

	in_event_loop = false;
}

Suite *
suite_both_ways(const char *name, SFun setup, SFun teardown,
    void (*add_tests)(TCase *))
{
	Suite *s = suite_create(name);
	TCase *threads = tcase_create("threads");
	TCase *loop = tcase_create("event loop");

	tcase_add_checked_fixture(threads, setup, teardown);
	add_tests(threads);
	suite_add_tcase(s, threads);
	tcase_add_checked_fixture(loop, ways_event_loop, ways_threads);
	tcase_add_checked_fixture(loop, setup, teardown);
	add_tests(loop);
	suite_add_tcase(s, loop);
	return s;
}
