#include <stddef.h>

#include <rump/rump_syscalls.h>

#include "tests/fault/steps.h"
#include "tests/fault/workload.h"

/* What a step that failed may have left. */
static void
clean(void)
{
	static const char *const names[] = { "/a", "/b", "/c", "/d", "/f",
	    "/t", "/v", "/big", "/sock", "/dir/fifo" };
	static const char *const dirs[] = { "/dir", "/h", "/jail" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)rump_sys_unlink(names[i]);
	for (i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		(void)rump_sys_rmdir(dirs[i]);
}

const char *
workload(void)
{
	static const struct step *const parts[] = { steps_files, steps_waits,
	    steps_sockets, steps_processes };
	const char *failed = NULL;
	const struct step *s;
	size_t i;

	clean();
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (s = parts[i]; s->name != NULL; s++) {
			if (!s->run() && failed == NULL)
				failed = s->name;
		}
	}
	return failed;
}
