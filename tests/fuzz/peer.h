/*
 * A guest's side of the wire, by hand: no client library stands between what
 * an input says and what the server gets.
 */
#ifndef TESTS_FUZZ_PEER_H
#define TESTS_FUZZ_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpserver.h>

#include "wire/frame.h"

enum { PEER_OUT = 65536, PEER_BODY = 1040 };

struct peer {
	unsigned id;
	int fd;				/* -1: nobody */
	uint64_t reqno, answered;	/* sent, and of these answered */
	uint64_t newest;		/* what the last answer was to */
	bool astray;			/* has sent what is no request */
	uint8_t out[PEER_OUT];
	size_t nout;
	/* A frame that comes. */
	uint8_t head[FRAME_HDRLEN];
	uint8_t body[PEER_BODY];	/* its beginning */
	size_t got;
	void (*heard)(struct peer *, const struct frame_hdr *,
	    const uint8_t *body);
};

/* A new connection, its banner read. */
void peer_join(struct peer *, struct rumpserver *);
void peer_leave(struct peer *);

/* Sent by the next flush, or when there is no more room. */
void peer_say(struct peer *, unsigned class, unsigned type, uint64_t reqno,
    uint32_t u, const void *body, size_t len);
/* A request of our own; its number. */
uint64_t peer_ask(struct peer *, unsigned type, uint32_t u, const void *body,
    size_t len);
/* Part of a frame, or of what is none. */
void peer_bytes(struct peer *, const void *, size_t);

/* Sends and hears what there is of n peers, waiting up to ms for more to
 * come; true when something came. */
bool peers_pump(struct peer *, size_t n, int ms);

#endif
