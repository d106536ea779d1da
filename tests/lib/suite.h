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
bool skip_under_tsan(void);
bool skip_unless_localhost(void);	/* where /etc/hosts is missing */
bool skip_unless_files(unsigned n);

/* How many descriptors a process may have, if it asks for them. */
unsigned files_limit(void);

/*
 * Times in the unit that tests/run measures at its start ($RUMPGEN_TIME_UNIT, 1
 * on an idle machine): so many milliseconds are multiplied by it.  Patience is
 * how long to wait for what must happen, 20 s; nothing waits that long unless
 * a test fails.  No test asks whether something took less than another time.
 */
int in_units(int ms);
int patience_ms(void);

/*
 * For loops that wait for what nobody tells: `for (t = 0; !it_is_so();)
 * ck_assert(keep_waiting(&t));` waits a moment, and is false when patience
 * has run out since t was 0.
 */
bool keep_waiting(long long *began_ms);

#endif
