/*
 * What the fuzz targets share.
 *
 * A target is a program check_fuzz_NAME.c that defines `fuzz_target`.  Built
 * as an ordinary test it runs inputs of its own making for FUZZ_SECONDS
 * (default 5) from FUZZ_SEED (default: always the same) and says which seed
 * and which input it was when one fails; FUZZ_ONLY=N runs input N alone, over
 * and over when FUZZ_SECONDS is set.
 * FUZZ_LOG=1 tells more, where a target has more to tell.
 * FUZZ_CORPUS=DIR writes a hundred inputs there instead.  Built with
 * -DFUZZ_LIBFUZZER and clang's -fsanitize=fuzzer (make fuzz) the inputs are
 * libFuzzer's.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_MAX = 4096 };	/* bytes of one input */

/* --- random numbers: the same ones for the same seed --- */

struct rng {
	uint64_t state;
};
uint64_t rng_next(struct rng *);
uint64_t rng_below(struct rng *, uint64_t n);		/* 0..n-1 */
/* Small, huge, negative, powers of two and their neighbours. */
uint64_t rng_extreme(struct rng *);

/* --- a target --- */

struct fuzz_target {
	const char *name;
	void (*setup)(void);
	/* Makes an input; returns its length. */
	size_t (*make)(struct rng *, uint8_t buf[FUZZ_MAX]);
	/* Must come back within fuzz_hang() seconds, whatever the input. */
	void (*run)(const uint8_t *, size_t);
	/* After the last one: nothing may be left. */
	void (*finish)(void);
	/* How long as a test, in seconds, without FUZZ_SECONDS; 0: 5. */
	unsigned seconds;
	/* Every other input is from a seed that is new each time, and told. */
	bool fresh;
};
unsigned fuzz_hang(void);

extern const struct fuzz_target fuzz_target;
extern unsigned long fuzz_seed, fuzz_current;	/* which input it is */

/* Says what is wrong and aborts. */
__attribute__((format(printf, 1, 2), noreturn))
void fuzz_fail(const char *fmt, ...);

/* Descriptors that this process has open. */
unsigned fuzz_fds(void);

/* --- an input as a supply of values; zeros when it is used up --- */

struct supply {
	const uint8_t *p;
	size_t left;
};
uint8_t take8(struct supply *);
uint32_t take32(struct supply *);
uint64_t take64(struct supply *);
/* A length that is mostly small, sometimes around a limit. */
uint64_t take_length(struct supply *);
/* Up to n bytes; the count. */
size_t take_bytes(struct supply *, void *, size_t n);

/* --- making inputs --- */

/* Flips, moves, removes, repeats and replaces a few bytes; the new length. */
size_t fuzz_mutate(struct rng *, uint8_t *, size_t len, size_t cap);
size_t fuzz_random(struct rng *, uint8_t *, size_t max);

/*
 * A recorded conversation (tests/fixtures/conversation), one side's bytes of
 * its first connection, banner not included; the length, at most cap.
 */
size_t fuzz_recorded(struct rng *, bool from_client, uint8_t *, size_t cap);

#endif
