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

static int
first_cpu(const cpu_set_t *set)
{
	int cpu = 0;

	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, set))
		cpu++;
	return cpu;
}

static int
last_cpu(const cpu_set_t *set)
{
	int cpu = CPU_SETSIZE - 1;

	while (cpu > 0 && !CPU_ISSET(cpu, set))
		cpu--;
	return cpu;
}

void
place_self(enum place place)
{
	const cpu_set_t *all = all_cpus();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(place == PLACE_SERVER ? first_cpu(all) : last_cpu(all), &one);
	if (sched_setaffinity(0, sizeof(one),
	    place == PLACE_ANYWHERE ? all : &one) == -1)
		bench_die("sched_setaffinity");
}
