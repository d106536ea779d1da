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
	char **captures;	/* NULL-terminated, as the others */
	size_t ncaptures;
	char **fixtures;
	size_t nfixtures;
	char **calls;
	size_t ncalls;
};

/*
 * Finds the files: captures in the source tree's tests/fixtures/netbsd,
 * fixtures in out/tests/fixtures/conversation and in
 * tests/fixtures/conversation, calls in out/tests/fixtures/calls.  Ends the program where one of them has none.
 */
void recordings_find(struct recordings *);
void recordings_free(struct recordings *);

#endif
