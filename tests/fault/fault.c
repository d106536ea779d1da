#include <sys/mman.h>

#include <link.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/fault.h"

enum { SLOTS = 8192 };

struct slot {
	_Atomic uintptr_t where;
	_Atomic(const char *) call;
	atomic_uint ways;
};

/* Shared by all processes. */
struct state {
	struct slot slots[SLOTS];
	_Atomic uintptr_t armed;
	atomic_uint way;
	atomic_int left;	/* times until it fails */
	atomic_bool failed;
};

static struct state *state;

void
fault_init(void)
{

	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (state == MAP_FAILED)
		abort();
}

static void
record(const char *call, uintptr_t where, unsigned ways)
{
	uintptr_t free = 0;
	struct slot *s;
	unsigned i;

	for (i = 0; i < SLOTS; i++) {
		s = &state->slots[(where / 4 + i) % SLOTS];
		if (atomic_load(&s->where) == where)
			return;
		free = 0;
		if (atomic_load(&s->where) != 0 ||
		    !atomic_compare_exchange_strong(&s->where, &free, where)) {
			if (free == where)
				return;
			continue;
		}
		atomic_store(&s->ways, ways);
		atomic_store(&s->call, call);
		return;
	}
	abort();
}

enum fault_way
fault_here(const char *call, void *place, unsigned ways)
{
	uintptr_t where = (uintptr_t)place;

	if (state == NULL)
		return 0;
	record(call, where, ways);
	if (atomic_load(&state->armed) != where ||
	    atomic_fetch_sub(&state->left, 1) != 1)
		return 0;
	atomic_store(&state->failed, true);
	return atomic_load(&state->way);
}

static int
by_address(const void *a, const void *b)
{
	const struct fault_site *s = a, *t = b;

	return s->where < t->where ? -1 : s->where > t->where;
}

unsigned
fault_sites(struct fault_site *sites, unsigned max)
{
	unsigned i, n = 0;
	const char *its;

	for (i = 0; i < SLOTS && n < max; i++) {
		its = atomic_load(&state->slots[i].call);
		if (its != NULL)
			sites[n++] = (struct fault_site){ its,
			    atomic_load(&state->slots[i].where),
			    atomic_load(&state->slots[i].ways) };
	}
	qsort(sites, n, sizeof(sites[0]), by_address);
	return n;
}

void
fault_arm(const struct fault_site *site, enum fault_way way, unsigned nth)
{

	atomic_store(&state->failed, false);
	atomic_store(&state->way, way);
	atomic_store(&state->left, (int)nth);
	atomic_store(&state->armed, site->where);
}

bool
fault_disarm(void)
{

	atomic_store(&state->armed, 0);
	return atomic_load(&state->failed);
}

static int
first_object(struct dl_phdr_info *info, size_t size, void *base)
{

	(void)size;
	*(uintptr_t *)base = info->dlpi_addr;
	return 1;
}

/* What addr2line(1) says of the place, where it is there. */
static void
place_name(uintptr_t where, char *name, size_t len)
{
	char cmd[128], *p;
	uintptr_t base = 0;
	FILE *f;

	dl_iterate_phdr(first_object, &base);
	snprintf(name, len, "%#lx", (unsigned long)(where - base));
	snprintf(cmd, sizeof(cmd), "addr2line -sfpe /proc/%ld/exe %#lx",
	    (long)getpid(), (unsigned long)(where - base - 1));
	f = popen(cmd, "r");
	if (f == NULL)
		return;
	if (fgets(name, (int)len, f) != NULL) {
		p = strchr(name, '\n');
		if (p != NULL)
			*p = '\0';
	}
	pclose(f);
}

const char *
fault_name(const struct fault_site *s, enum fault_way way)
{
	static char line[256];
	char place[160];
	const char *how = way == FAULT_SHORT ? "short" :
	    way == FAULT_EINTR ? "EINTR" : way == FAULT_EAGAIN ? "EAGAIN" :
	    way == FAULT_ENOMEM ? "ENOMEM" : "EMFILE";

	place_name(s->where, place, sizeof(place));
	snprintf(line, sizeof(line), "%s (%s) in %s", s->call, how, place);
	return line;
}
