/*
 * What lies behind a guest's pointers.  An object's bytes are a function of
 * its kind and a seed, so nobody need keep them: a guest whose addresses say
 * both can answer any copyin, and with other bytes each time it is asked.
 */
#ifndef TESTS_FUZZ_OBJECT_H
#define TESTS_FUZZ_OBJECT_H

#include <stddef.h>
#include <stdint.h>

#include "trace/sysdesc.h"

enum object_kind {
	OBJECT_NOISE,		/* small numbers here and there */
	OBJECT_STRING,		/* seed below OBJECT_NAMES: that name */
	OBJECT_SIZE,		/* a length; small numbers behind it */
	OBJECT_INTS,		/* small int32_t */
	OBJECT_TIME,		/* moments, mostly */
	OBJECT_FDSET,
	OBJECT_SOCKADDR,	/* seed below OBJECT_NAMES: local, that name */
	OBJECT_CONTROL,		/* ancillary data: descriptors */
	OBJECT_IOVEC,
	OBJECT_MSGHDR,
	OBJECT_POLLFD,
	OBJECT_KEVENT,
	OBJECT_SIGEVENT,
	OBJECT_AIOCB,
	OBJECT_AIOLIST,		/* pointers to them */
	OBJECT_KINDS
};
enum { OBJECT_NAMES = 16 };

/* Where objects have addresses. */
struct object_space {
	uint64_t (*place)(void *cookie, enum object_kind, uint32_t seed);
	void *cookie;
};

/* The kind of what a pointer argument points at, by its extent and type. */
enum object_kind object_kind(const struct sysdesc_arg *);

/* Its bytes from `from` on. */
void object_read(const struct object_space *, enum object_kind, uint32_t seed,
    size_t from, uint8_t *to, size_t len);

#endif
