/*
 * Samples of one quantity, and what a row says of them: the median and the
 * quartiles, which a few disturbed rounds do not move.
 */
#ifndef RUMPGEN_BENCH_SAMPLE_H
#define RUMPGEN_BENCH_SAMPLE_H

#include <stdint.h>

#define SAMPLE_MAX	256

struct samples {
	unsigned n;
	double v[SAMPLE_MAX];
};

struct spread {
	unsigned n;		/* samples; 0: there is nothing to say */
	double median, q1, q3;
};

/* Adds a sample; drops it silently when SAMPLE_MAX are there. */
void samples_add(struct samples *, double);

struct spread samples_spread(const struct samples *);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_ns(void);

#endif
