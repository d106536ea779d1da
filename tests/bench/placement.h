/*
 * Where processes run.  Waking a process on another CPU costs several times
 * what it costs on the same one, and the scheduler moves them as it likes: a
 * row that leaves it the choice measures the scheduler.  So servers and peers
 * are put on one CPU, and the client on another or on the same.
 */
#ifndef RUMPGEN_BENCH_PLACEMENT_H
#define RUMPGEN_BENCH_PLACEMENT_H

enum place {
	PLACE_ANYWHERE,		/* the scheduler's choice */
	PLACE_SERVER,
	PLACE_CLIENT,		/* another CPU, if there is one */
	PLACE_SERVER_HALF,	/* throughput: half of the CPUs each */
	PLACE_CLIENT_HALF,
};

/* The calling thread and whatever it starts from now on. */
void place_self(enum place);

/* Where the servers and peers to be started go; PLACE_SERVER at first. */
extern enum place place_of_servers;

#endif
