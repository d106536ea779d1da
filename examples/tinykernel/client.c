/*
 * A program that uses the tiny kernel's calls, and checks what they do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

static void
expect(int ok, const char *what)
{

	if (ok)
		return;
	fprintf(stderr, "tinykernel: %s: not as expected (%s)\n", what,
	    strerror(errno));
	exit(1);
}

int
main(void)
{
	static char big[5000];
	char buf[64];

	if (rumpclient_init() == -1)
		return 1;
	expect(rump_sys_count() == 0, "count at first");
	expect(rump_sys_put(7, "hello", 6) == 0, "put");
	expect(rump_sys_put(63, "blue", 5) == 0, "put elsewhere");
	expect(rump_sys_put(63, "green", 6) == 0, "put again");
	expect(rump_sys_count() == 2, "count");
	expect(rump_sys_get(7, buf, sizeof(buf)) == 6, "get");
	expect(strcmp(buf, "hello") == 0, "what was put");
	expect(rump_sys_get(63, buf, 3) == 3, "get of a part");
	expect(memcmp(buf, "gre", 3) == 0, "the part");
	expect(rump_sys_put(7, NULL, 0) == 0, "put of nothing");
	expect(rump_sys_get(7, buf, sizeof(buf)) == -1 && errno == ENOENT,
	    "get from an empty box");
	expect(rump_sys_count() == 1, "count of what is left");
	expect(rump_sys_get(64, buf, sizeof(buf)) == -1 && errno == EINVAL,
	    "get from no box");
	expect(rump_sys_put(1, big, sizeof(big)) == -1 && errno == E2BIG,
	    "put of too much");
	expect(rump_sys_put(1, NULL, 1) == -1 && errno == EFAULT,
	    "put from nowhere");
	puts("put, get, count: as they should be");
	return 0;
}
