/*
 * The two ways that a server runs in: threads of its own, or a caller's event
 * loop.  What is tested of the host kernel is tested in both.
 */
#ifndef RUMPGEN_TESTS_HOSTKERN_WAYS_H
#define RUMPGEN_TESTS_HOSTKERN_WAYS_H

#include <check.h>
#include <stdbool.h>

/* The way of the servers that a test starts: threads, unless told. */
extern bool in_event_loop;

/* A checked fixture, to be added before the one that starts a server. */
void ways_event_loop(void);
void ways_threads(void);

/*
 * A suite with a case for each way, "threads" and "event loop": the same
 * tests, which add_tests adds, between setup and teardown (checked fixtures).
 */
Suite *suite_both_ways(const char *name, SFun setup, SFun teardown,
    void (*add_tests)(TCase *));

#endif
