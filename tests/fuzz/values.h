/*
 * Values for a guest's arguments that are sometimes sensible.  What is chosen
 * from is narrow within one session and differs between sessions, so that its
 * calls meet: a few descriptors, names and members of each set of flags.
 */
#ifndef TESTS_FUZZ_VALUES_H
#define TESTS_FUZZ_VALUES_H

#include <stdint.h>

#include "fuzz/fuzz.h"
#include "trace/sysdesc.h"

/* What the next session chooses from.  One with fds 0 has them all. */
void values_narrow(uint64_t seed, unsigned fds);

/* A number that the kernel has given: a pid, a timer, a descriptor. */
void values_learn(uint64_t);

uint64_t value_fd(struct rng *);
uint64_t value_number(struct rng *);
uint64_t value_length(struct rng *);
const char *value_name(struct rng *);
/* Of a set in trace/names.h; that of an argument, by its type and kind. */
uint64_t value_of_set(struct rng *, const char *set);
uint64_t value_scalar(struct rng *, const struct sysdesc_arg *);

/* The names, by number, with NULL behind the last. */
extern const char *const value_names[];

#endif
