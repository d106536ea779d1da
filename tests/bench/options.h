/*
 * What every bench program is told on its command line:
 *
 *	bench_X [--quick] BUILD_DIR
 */
#ifndef RUMPGEN_BENCH_OPTIONS_H
#define RUMPGEN_BENCH_OPTIONS_H

#include <stdbool.h>

struct bench_options {
	bool quick;		/* a quarter of the rounds */
	const char *build;	/* where bin/rump_server is */
};

/*
 * Parses the command line, exits with a usage line if it is not one.  Also
 * sets an alarm that ends a program which hangs, and ignores SIGPIPE.
 */
struct bench_options bench_options(int argc, char **argv);

/* Rounds of `full` measurements, or of a quarter of it with --quick. */
unsigned bench_rounds(const struct bench_options *, unsigned full);

/* Prints "PROGRAM: message: strerror" and exits; what the programs do about
 * every error, as a measurement that went wrong is none. */
void bench_die(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

#endif
