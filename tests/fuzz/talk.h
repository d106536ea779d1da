/*
 * Guests that make one call after another and wait for each, with memory of
 * their own: what check_fuzz_model.c compares its model with.
 */
#ifndef TESTS_FUZZ_TALK_H
#define TESTS_FUZZ_TALK_H

#include <stdbool.h>
#include <stdint.h>

#include <rump/rumpserver.h>

#include "fuzz/peer.h"

enum { TALKERS = 13, TALK_MEMORY = 65536, TALK_BASE = 0x10000 };

/* What became of a request. */
struct talk_answer {
	uint64_t reqno;		/* 0: none */
	enum frame_class class;
	int error;		/* errno, or the code of an error frame */
	int64_t ret[2];
	uint32_t cookie[FRAME_COOKIE_WORDS];
};

/* A server of its own, with this root, on threads or in an event loop. */
void talk_start(const char *root, bool in_loop);
void talk_stop(void);

/* Bytes of guest n's memory, which begins at TALK_BASE. */
uint8_t *talk_memory(unsigned n);
uint64_t talk_raised(unsigned n);	/* bit s: signal s came */

/* A connection and its first request; the answer, as below. */
struct talk_answer talk_guest(unsigned n);
struct talk_answer talk_fork(unsigned n, const uint32_t *cookie, bool cancel);
void talk_leave(unsigned n);

/* A request: its number.  Its answer: reqno 0 when none comes in time or the
 * server hangs up. */
uint64_t talk_ask(unsigned n, unsigned type, uint32_t u, const void *body,
    size_t len);
struct talk_answer talk_wait(unsigned n, uint64_t reqno);
/* There is an answer already. */
bool talk_has(unsigned n, uint64_t reqno);

/* The server has come to these numbers; false when it does not in time. */
bool talk_rest(uint64_t clients, uint64_t preforks);

#endif
