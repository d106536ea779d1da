/*
 * What the server can do to the host even if a guest has got hold of it: files
 * below the root alone (landlock(7)), and of the host's calls only those that
 * it has a use for (seccomp(2)).  Both are for good, and for all threads that
 * are made afterwards.
 *
 * Nothing here under sanitizers, whose runtimes have ways of their own.
 */
#ifndef RUMPGEN_RUMP_SERVER_SANDBOX_H
#define RUMPGEN_RUMP_SERVER_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Files below the root, beside a few of /dev and, to read, /proc; and names
 * may be removed from the directories of the n paths, which are what the
 * server removes when it stops.  The root / is no restriction.  A host without
 * landlock is none either, and the log says so.  false: should have worked.
 */
bool sandbox_files(const char *root, const char *const *left, size_t n);

/*
 * A call that is not in the table fails with ENOSYS, and the log says so, at
 * most a line a second; nothing ends.  Starts the thread that says it.
 * A host without such filters is told in the log.  false: should have worked.
 */
bool sandbox_calls(void);

/*
 * The table, up to a name of NULL: a call, by Linux's name, that may be made
 * whatever its arguments are or, with a mask, if the argument ANDed with the
 * mask is the value, or our process id.  A call may be there more than once.
 * With `absent' it fails with ENOSYS in silence, as the C library tries it and
 * knows what else to do.
 */
struct sandbox_call {
	const char *name;
	bool absent, self;
	unsigned arg;
	uint64_t mask, value;
};

extern const struct sandbox_call sandbox_allowed[];

/* Whether this program is built with what makes a sandbox impossible. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_IMPOSSIBLE	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_IMPOSSIBLE	1
#endif
#endif
#ifndef SANDBOX_IMPOSSIBLE
#define SANDBOX_IMPOSSIBLE	0
#endif

#endif
