/*
 * Threads give way after they have unlocked something, in programs that are
 * linked with chaos.c.
 */
#ifndef TESTS_FUZZ_CHAOS_H
#define TESTS_FUZZ_CHAOS_H

#include <stdatomic.h>

/* For what it only takes time from: a lot, on a busy machine. */
extern atomic_bool chaos_off;

#endif
