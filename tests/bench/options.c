#include "bench/options.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Longer than any program takes, shorter than anyone's patience. */
#define BENCH_MAX_SECONDS	120

struct bench_options
bench_options(int argc, char **argv)
{
	struct bench_options o = { .quick = false };
	int i = 1;

	if (i < argc && strcmp(argv[i], "--quick") == 0) {
		o.quick = true;
		i++;
	}
	if (i + 1 != argc) {
		fprintf(stderr, "usage: %s [--quick] BUILD_DIR\n", argv[0]);
		exit(2);
	}
	o.build = argv[i];
	signal(SIGPIPE, SIG_IGN);
	alarm(BENCH_MAX_SECONDS);
	return o;
}

unsigned
bench_rounds(const struct bench_options *o, unsigned full)
{

	if (!o->quick)
		return full;
	return full / 4 < 5 ? 5 : full / 4;
}

void
bench_die(const char *fmt, ...)
{
	int error = errno;
	va_list ap;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(error));
	exit(1);
}
