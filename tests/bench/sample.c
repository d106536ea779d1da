#include "bench/sample.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void
samples_add(struct samples *s, double v)
{

	if (s->n < SAMPLE_MAX)
		s->v[s->n++] = v;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The q-quantile of sorted values, interpolated. */
static double
quantile(const double *v, unsigned n, double q)
{
	double at = q * (n - 1);
	unsigned i = (unsigned)at;

	if (i + 1 >= n)
		return v[n - 1];
	return v[i] + (at - i) * (v[i + 1] - v[i]);
}

struct spread
samples_spread(const struct samples *s)
{
	struct spread r = { .n = s->n };
	double v[SAMPLE_MAX];

	if (s->n == 0)
		return r;
	memcpy(v, s->v, s->n * sizeof(v[0]));
	qsort(v, s->n, sizeof(v[0]), by_value);
	r.median = quantile(v, s->n, 0.5);
	r.q1 = quantile(v, s->n, 0.25);
	r.q3 = quantile(v, s->n, 0.75);
	return r;
}

uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
