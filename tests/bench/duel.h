/*
 * Measuring two ways to do the same thing side by side: rounds of a few
 * milliseconds, ours and the bare limit's in turn, so that whatever else the
 * machine does hits both.
 */
#ifndef RUMPGEN_BENCH_DUEL_H
#define RUMPGEN_BENCH_DUEL_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/row.h"

/* Does it n times.  Returns the nanoseconds that took, by its own clock. */
typedef uint64_t duel_fn(void *arg, unsigned n);

struct duel {
	struct row row;		/* name, goal and note; the rest is filled in */
	duel_fn *ours, *bare;	/* bare may be NULL */
	void *ours_arg, *bare_arg;
	unsigned rounds;
	double bytes;		/* moved each time: the row is MB/s, not us */
	bool per_second;	/* the row is times a second, not us */
	unsigned max_n;		/* most times in a round; 0: no limit */
};

/* Measures and prints the row. */
void duel_run(struct duel *);

#endif
