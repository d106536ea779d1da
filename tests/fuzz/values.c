#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/values.h"
#include "trace/names.h"

enum { ALL_FDS = 28, NSEEN = 16, FEW = 3, PLAIN = 8 };

const char *const value_names[] = {
	"f", "d/f", "g", "sock", "d", "fifo", "new", "d/new", "/", ".", "..",
	"d/../f", "../../etc/passwd", "link", "loop", "/dev/null",
	"/dev/zero", "/dev/random", "/dev/tty", "", "/dev/full", "user.name",
	"f/x", "n/o/t", "link/../../x", "kern.hostname", "//d//f", "f/",
	"d/.", NULL
};
enum { NNAMES = sizeof(value_names) / sizeof(value_names[0]) - 1 };

static struct {
	uint64_t seed;
	unsigned fds, names;	/* how many, from which on */
	unsigned fd0, name0;
	uint64_t seen[NSEEN];
	unsigned nseen;
} narrow = { .fds = ALL_FDS, .names = NNAMES };

void
values_narrow(uint64_t seed, unsigned fds)
{
	struct rng r = { .state = seed };

	narrow.seed = seed;
	narrow.fds = fds == 0 ? ALL_FDS : fds;
	narrow.fd0 = fds == 0 ? 0 : (unsigned)rng_below(&r, ALL_FDS);
	narrow.names = rng_below(&r, 4) == 0 ? NNAMES : FEW;
	narrow.name0 = (unsigned)rng_below(&r, rng_below(&r, 2) == 0 ?
	    NNAMES : PLAIN);
	narrow.nseen = 0;
}

void
values_learn(uint64_t v)
{

	narrow.seen[narrow.nseen++ % NSEEN] = v;
}

static uint64_t
seen(struct rng *r)
{
	unsigned n = narrow.nseen < NSEEN ? narrow.nseen : NSEEN;

	return n == 0 ? 0 : narrow.seen[rng_below(r, n)];
}

uint64_t
value_fd(struct rng *r)
{

	switch (rng_below(r, 32)) {
	case 0:
		return (uint32_t)rng_extreme(r);
	case 1:
		return (uint32_t)-100;		/* AT_FDCWD */
	case 2: case 3:
		return (uint32_t)seen(r);
	case 4: case 5:
		return rng_below(r, ALL_FDS);
	default:
		return narrow.fd0 + rng_below(r, narrow.fds);
	}
}

uint64_t
value_number(struct rng *r)
{
	uint64_t how = rng_below(r, 8);

	if (how < 3)
		return rng_below(r, 4);
	if (how == 3)
		return UINT64_C(1) << rng_below(r, 16);
	if (how == 4)
		return rng_below(r, 32);
	return how == 5 ? rng_extreme(r) : seen(r);
}

uint64_t
value_length(struct rng *r)
{
	static const uint64_t limits[] = { 0, 1, 24, 1024, 4096, 8192, 65536,
	    131072, 262144, 1 << 20, (1 << 20) + 1, 3 << 20, 16 << 20 };
	uint64_t how = rng_below(r, 64);

	if (how < 56)
		return rng_below(r, how < 40 ? 128 : 4096);
	if (how < 60)
		return rng_extreme(r);
	return limits[rng_below(r, sizeof(limits) / sizeof(limits[0]))] +
	    rng_below(r, 3) - 1;
}

const char *
value_name(struct rng *r)
{

	if (rng_below(r, 16) == 0)
		return value_names[rng_below(r, NNAMES)];
	return value_names[(narrow.name0 + rng_below(r, narrow.names)) %
	    NNAMES];
}

/* The session has only a few members of each set. */
static uint64_t
member(struct rng *r, const struct trace_set *s)
{
	struct rng own = { .state = narrow.seed ^ s->n ^
	    (uint64_t)s->name[0] << 8 ^ rng_below(r, FEW) << 32 };

	if (rng_below(r, 8) == 0)
		return s->values[rng_below(r, s->n)].value;
	return s->values[rng_below(&own, s->n)].value;
}

uint64_t
value_of_set(struct rng *r, const char *name)
{
	const struct trace_set *s = trace_set_find(name);
	uint64_t v = 0, n;

	if (s == NULL || s->n == 0 || rng_below(r, 32) == 0)
		return rng_extreme(r);
	if (s->field == UINT64_MAX)
		return member(r, s);
	for (n = rng_below(r, 4); n > 0; n--)
		v |= member(r, s);
	return v;
}

/* Who somebody may be: himself, nobody in particular, anybody. */
static uint64_t
identity(struct rng *r)
{
	uint64_t how = rng_below(r, 4);

	if (how == 0)
		return (uint64_t)-1;
	return how == 1 ? value_number(r) : geteuid();
}

static bool
is_type(const struct sysdesc_arg *a, const char *one, const char *other)
{

	return strcmp(a->type, one) == 0 || strcmp(a->type, other) == 0;
}

uint64_t
value_scalar(struct rng *r, const struct sysdesc_arg *a)
{
	uint64_t v;

	if (a->kind == SYSDESC_PAD)
		return 0;
	if (a->kind == SYSDESC_FD)
		v = value_fd(r);
	else if (a->kind == SYSDESC_OCTAL)
		v = rng_next(r) & 07777;
	else if (a->set != NULL)
		v = value_of_set(r, a->set);
	else if (is_type(a, "size_t", "socklen_t"))
		v = value_length(r);
	else if (is_type(a, "uid_t", "gid_t"))
		v = identity(r);
	else if ((is_type(a, "intptr_t", "timer_t") ||
	    is_type(a, "pid_t", "pid_t")) && rng_below(r, 2) == 0)
		v = seen(r);
	else
		v = value_number(r);
	return a->size == 4 ? (uint32_t)v : v;
}
