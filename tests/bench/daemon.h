/*
 * The rump_server to be measured: started on a fresh root, ready when
 * daemon_start() returns, killed and cleaned up when the program ends.
 */
#ifndef RUMPGEN_BENCH_DAEMON_H
#define RUMPGEN_BENCH_DAEMON_H

#include <sys/types.h>

#include "bench/options.h"

struct daemon {
	pid_t pid;
	char dir[64];		/* scratch, for bare limits as well */
	char root[80];		/* what the server serves */
	char sock[80];		/* its local socket */
};

/* Starts the server and sets RUMP_SERVER to its locator. */
void daemon_start(struct daemon *, const struct bench_options *);
/* The same with more options, a list that ends with NULL; there may be several
 * servers. */
void daemon_start_with(struct daemon *, const struct bench_options *,
    const char *const *options);
void daemon_stop(struct daemon *);

/* Resident memory of a process in bytes. */
double resident_bytes(pid_t);

#endif
