/*
 * The parts of workload.c, by subject.  Each step says whether all that it did
 * went well, and cleans up after itself as far as it can.
 */
#ifndef RUMPGEN_TESTS_FAULT_STEPS_H
#define RUMPGEN_TESTS_FAULT_STEPS_H

#include <stdbool.h>

struct step {
	const char *name;
	bool (*run)(void);
};

/* End with a NULL name. */
extern const struct step steps_files[], steps_sockets[], steps_waits[],
    steps_processes[];

#endif
