#include <sys/resource.h>

#include <check.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"

int
suite_run(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void
skip(const char *reason)
{
	const char *name = tcase_name();

	printf("skipped: %s: %s\n", reason, name != NULL ? name : "all");
	fflush(stdout);
}

bool
skip_unless_root(void)
{

	if (geteuid() == 0)
		return false;
	skip("needs root");
	return true;
}

bool
skip_under_sanitizer(void)
{

	if (!UNDER_SANITIZER)
		return false;
	skip("under a sanitizer");
	return true;
}

bool
skip_under_tsan(void)
{

	if (!UNDER_TSAN)
		return false;
	skip("under ThreadSanitizer");
	return true;
}

bool
skip_unless_localhost(void)
{
	const struct addrinfo hints = { .ai_family = AF_INET };
	struct addrinfo *ai;

	if (getaddrinfo("localhost", NULL, &hints, &ai) == 0) {
		freeaddrinfo(ai);
		return false;
	}
	skip("no name localhost");
	return true;
}

bool
skip_unless_files(unsigned n)
{
	char reason[64];

	if (files_limit() >= n)
		return false;
	snprintf(reason, sizeof(reason), "needs %u descriptors", n);
	skip(reason);
	return true;
}

unsigned
files_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return 0;
	return rl.rlim_max > UINT_MAX ? UINT_MAX : (unsigned)rl.rlim_max;
}

int
in_units(int ms)
{
	const char *unit = getenv("RUMPGEN_TIME_UNIT");
	int n = unit != NULL ? atoi(unit) : 1;

	return ms * (n < 1 ? 1 : n > 1000 ? 1000 : n);
}

int
patience_ms(void)
{

	return in_units(20000);
}

bool
keep_waiting(long long *began_ms)
{
	struct timespec ts;
	long long now;

	poll(NULL, 0, 1);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = ts.tv_sec * 1000LL + ts.tv_nsec / 1000000 + 1;
	if (*began_ms == 0)
		*began_ms = now;
	return now - *began_ms < patience_ms();
}
