/*
 * What every test program's main() ends with.
 */
#ifndef TESTS_LIB_SUITE_H
#define TESTS_LIB_SUITE_H

#include <check.h>

/*
 * Runs the suite as Check's environment variables say, and frees it.  What
 * main() is to return: EXIT_SUCCESS unless a test failed.
 */
int suite_run(Suite *);

#endif
