/*
 * What every test program's main() ends with, what its tests say when they
 * cannot be done here, and how long they wait.
 */
#ifndef TESTS_LIB_SUITE_H
#define TESTS_LIB_SUITE_H

#include <check.h>
#include <stdbool.h>

/*
 * Runs the suite as Check's environment variables say, and frees it.  What
 * main() is to return: EXIT_SUCCESS unless a test failed.
 */
int suite_run(Suite *);

/*
 * Says "skipped: REASON" and the test case's name, which tests/run counts, once
 * for a test.  The test returns then.  True from the others, which look for the
 * reason themselves: `if (skip_unless_root()) return;`.
 */
void skip(const char *reason);
bool skip_unless_root(void);
bool skip_under_sanitizer(void);
bool skip_unless_files(unsigned hard_limit);	/* RLIMIT_NOFILE */

/*
 * How long, in milliseconds, to wait for what must happen: 20 s in the unit
 * of time that tests/run measures.  Nothing waits that long unless a test
 * fails.  No test asks whether something took less than a time of its own.
 */
int patience_ms(void);

#endif
