/*
 * The rump_server of an end-to-end test: the real program in a process of its
 * own, on an empty root.  One at a time.  Whatever goes wrong fails the test.
 */
#ifndef RUMPGEN_TESTS_E2E_DAEMON_H
#define RUMPGEN_TESTS_E2E_DAEMON_H

#include <sys/types.h>

#include <stdbool.h>

/* Starts it at a new place and sets RUMP_SERVER: a local socket, or the other
 * locators with port 0 for one that is free. */
void daemon_start(void);
void daemon_start_at(const char *locator);

/* SIGKILL; returns when it is dead.  Its socket file stays. */
void daemon_kill(void);
/* Starts it at the same place again, after daemon_kill(). */
void daemon_again(void);
/* SIGTERM; it must end well and say nothing but what is said by -v. */
void daemon_stop(void);

const char *daemon_dir(void);		/* for files of the test */
const char *daemon_root(void);
const char *daemon_locator(void);	/* as RUMP_SERVER has it */

/* One of the server's counters, by its name in the JSON. */
long daemon_counter(const char *name);
/* Waits until it has exactly that value; false after ten seconds. */
bool daemon_wait(const char *name, long value);

/* --- helpers of all suites --- */

/* Open descriptors of this process. */
int open_descriptors(void);

/* Exit status of a child; -1 when a signal ended it. */
int status_of(pid_t pid);

/* What goes to stderr from capture() to captured(), which returns it. */
void capture(void);
bool captured_wait(const char *text);	/* until it is there */
const char *captured(void);

/* A file as a string, at most 256 KiB; static memory. */
const char *contents(const char *path);

#endif
