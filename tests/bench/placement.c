#include "bench/placement.h"

#include <sched.h>
#include <stdbool.h>

#include "bench/options.h"

enum place place_of_servers = PLACE_SERVER;

/* The CPUs that the program was started on. */
static const cpu_set_t *
all_cpus(void)
{
	static cpu_set_t all;
	static bool known;

	if (!known && sched_getaffinity(0, sizeof(all), &all) == -1)
		bench_die("sched_getaffinity");
	known = true;
	return &all;
}

/* The CPUs of a place: of all n, in order, those from..to. */
static cpu_set_t
cpus_of(enum place place)
{
	const cpu_set_t *all = all_cpus();
	int n = CPU_COUNT(all), from = 0, to = n - 1, cpu, i = 0;
	cpu_set_t set;

	if (place == PLACE_SERVER)
		to = 0;
	else if (place == PLACE_CLIENT)
		from = n - 1;
	else if (place == PLACE_SERVER_HALF)
		to = (n - 1) / 2;
	else if (place == PLACE_CLIENT_HALF)
		from = n / 2;
	CPU_ZERO(&set);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, all))
			continue;
		if (i >= from && i <= to)
			CPU_SET(cpu, &set);
		i++;
	}
	return set;
}

void
place_self(enum place place)
{
	cpu_set_t set = cpus_of(place);

	if (sched_setaffinity(0, sizeof(set), &set) == -1)
		bench_die("sched_setaffinity");
}
