/*
 * The last things that guests did, to be printed when a server that runs in
 * this process dies: by an abort, a fault, or a sanitizer's word.
 */
#ifndef TESTS_FUZZ_RECORD_H
#define TESTS_FUZZ_RECORD_H

#include "fuzz/guest.h"

/* From here on.  Says the seed as well. */
void record_on(void);

void record_clear(void);
void record_note(unsigned guest, const char *what);
void record_call(unsigned guest, uint64_t reqno, const struct guest_call *);
/* The call is in flight no more. */
void record_answer(unsigned guest, uint64_t reqno, int error);

#endif
