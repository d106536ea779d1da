/*
 * Calls of a guest that knows the list of calls but not what is sensible:
 * arguments made by the generated descriptions; and the root that it finds.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include <stdint.h>

#include "fuzz/fuzz.h"
#include "fuzz/object.h"

enum { GUEST_ARGS = 16 };

struct guest_call {
	unsigned num, nargs;
	uint64_t args[GUEST_ARGS];
};

/* The n-th call of the list, which begins again behind its end. */
unsigned guest_number(unsigned n);

/* Arguments for it.  Each follows from the seed and a byte of its own. */
void guest_call(const struct object_space *, unsigned num, uint32_t seed,
    const uint8_t *bytes, size_t nbytes, struct guest_call *);

/*
 * A server's process that guests call anything of: as nobody, unless
 * FUZZ_AS_ROOT is set, so that root's machine is safe from what they find;
 * and with small files.
 */
void guest_confine(void);

/* Makes a folder with a few files in it, below /tmp; never returns NULL. */
const char *guest_root(void);
/* All in it is again as at first. */
void guest_root_renew(void);
/* Removes it and all that is in it. */
void guest_root_remove(void);

#endif
