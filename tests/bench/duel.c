#include "bench/duel.h"

#include <stddef.h>

/* How long a round should take: many wake-ups, but short beside drift. */
#define ROUND_NS	4000000u
#define CALIBRATE_NS	1000000u
#define MAX_TIMES	200000u

/* How many times fill a round.  Also warms up whoever is measured. */
static unsigned
calibrate(duel_fn *fn, void *arg, unsigned max)
{
	unsigned n = 1;
	uint64_t ns;

	for (;;) {
		ns = fn(arg, n);
		if (ns >= CALIBRATE_NS || n >= max)
			break;
		n *= 2;
	}
	if (ns == 0)
		ns = 1;
	n = (unsigned)((double)n * ROUND_NS / (double)ns);
	if (n > max)
		n = max;
	return n < 1 ? 1 : n;
}

/* One round in the row's unit. */
static double
measure(const struct duel *d, duel_fn *fn, void *arg, unsigned n)
{
	double ns = (double)fn(arg, n) / n;

	if (d->bytes > 0)
		return d->bytes * 1e3 / ns;
	return d->per_second ? 1e9 / ns : ns / 1e3;
}

void
duel_run(struct duel *d)
{
	struct samples ours = { .n = 0 }, bare = { .n = 0 };
	struct samples ratio = { .n = 0 };
	unsigned max = d->max_n != 0 ? d->max_n : MAX_TIMES;
	unsigned i, n, m = 0;
	double a, b = 0;

	n = calibrate(d->ours, d->ours_arg, max);
	if (d->bare != NULL)
		m = calibrate(d->bare, d->bare_arg, max);
	for (i = 0; i < d->rounds; i++) {
		/* Each goes first in half of the rounds. */
		if (d->bare != NULL && i % 2 == 0)
			b = measure(d, d->bare, d->bare_arg, m);
		a = measure(d, d->ours, d->ours_arg, n);
		if (d->bare != NULL && i % 2 == 1)
			b = measure(d, d->bare, d->bare_arg, m);
		samples_add(&ours, a);
		if (d->bare == NULL)
			continue;
		samples_add(&bare, b);
		samples_add(&ratio, a / b);
	}
	d->row.unit = d->bytes > 0 ? "MB/s" : d->per_second ? "/s" : "us";
	d->row.ours = samples_spread(&ours);
	d->row.bare = samples_spread(&bare);
	d->row.ratio = samples_spread(&ratio);
	row_print(&d->row);
}
