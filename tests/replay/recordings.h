/*
 * Which conversations the replay tests play.
 */
#ifndef TESTS_REPLAY_RECORDINGS_H
#define TESTS_REPLAY_RECORDINGS_H

#include <stddef.h>

/* Conversations with a NetBSD rump kernel; those that the generator writes
 * for the list, and others that nobody recorded but anybody may have; and the
 * generated ones of each call. */
struct recordings {
	char **captures;	/* NULL-terminated; NULL: not there */
	size_t ncaptures;
	char **fixtures;
	size_t nfixtures;
	char **calls;
	size_t ncalls;
};

/*
 * Finds the files: captures in $RUMPGEN_CAPTURES or ../shared/captures beside
 * the source tree; fixtures in its out/tests/fixtures/conversation and
 * tests/fixtures/conversation; calls in out/tests/fixtures/calls.  Prints one line for a folder that is not
 * there.
 */
void recordings_find(struct recordings *);
void recordings_free(struct recordings *);

/* Milliseconds to wait for one event: generous, as machines are slow at times
 * and nothing waits that long unless a test fails. */
#define RECORDINGS_TIMEOUT	20000

#endif
