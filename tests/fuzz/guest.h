/*
 * Calls of a guest that knows the list of calls but not what is sensible:
 * numbers and arguments made from an input by the generated descriptions.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <stdint.h>

#include "fuzz/fuzz.h"

enum { GUEST_MEMORY = 65536, GUEST_ARGS = 16 };

/* The guest's memory: `bytes` here, at address `base` for the kernel. */
struct guest_memory {
	uint8_t *bytes;
	uint64_t base;
};

/* Fills it with names, structures that point into it, and noise. */
void guest_fill(struct guest_memory *, struct supply *);

struct guest_call {
	int num;
	unsigned nargs;
	uint64_t args[GUEST_ARGS];
};

/* Any call of the list; structures behind its pointers may be written. */
void guest_call(struct guest_memory *, struct supply *, struct guest_call *);

/* Makes a folder with a few files in it, below /tmp; never returns NULL. */
const char *guest_root(void);
/* Removes it and all that is in it. */
void guest_root_remove(void);

#endif
