/*
 * Guests by hand, any number of them in one process: what fills a server, and
 * what measures one beside another.  Anything that goes wrong on the wire ends
 * the program.
 */
#ifndef RUMPGEN_BENCH_GUEST_H
#define RUMPGEN_BENCH_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>

#include "wire/frame.h"

struct guest {
	int fd;
	int64_t retval[2];	/* of the last call */
};

struct guest guest_connect(const char *sock);

/* A call: its NetBSD errno.  Pointers are those of this process. */
int guest_call(struct guest *, int num, int nargs, const uint64_t *args);
/* The result of a call that must not fail. */
int64_t guest_ok(struct guest *, int num, int nargs, const uint64_t *args);
/* A call whose answer is for guest_answer(), or for nobody. */
void guest_begin(struct guest *, int num, int nargs, const uint64_t *args);
int guest_answer(struct guest *);

/* n cookies, asked for at once; `cookies' may be NULL. */
void guest_prefork(struct guest *, unsigned n,
    uint32_t (*cookies)[FRAME_COOKIE_WORDS]);
/* The child of a cookie. */
struct guest guest_fork(const char *sock,
    const uint32_t cookie[FRAME_COOKIE_WORDS]);

/* GUEST(call, &g, open, PTR("/f"), RUMP_O_RDONLY, 0) */
#define PTR(p)		((uint64_t)(uintptr_t)(p))
#define GUEST(what, g, name, ...) \
	guest_##what(g, RUMP_SYS_##name, \
	    (int)(sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t)), \
	    (uint64_t[]){ __VA_ARGS__ })

#endif
