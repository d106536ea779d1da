/*
 * A fence round the root: landlock(7).
 *
 * It adds nothing to what guests are refused by the host kernel's own checks,
 * which keep them below the root; it is for the day when one of those fails.
 */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <linux/landlock.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/log.h"
#include "rump_server/sandbox.h"

/* Of later versions than the host's headers may know. */
#define ACCESS_REFER		(UINT64_C(1) << 13)
#define ACCESS_TRUNCATE		(UINT64_C(1) << 14)
#define ACCESS_IOCTL_DEV	(UINT64_C(1) << 15)

#define READ	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define REMOVE	LANDLOCK_ACCESS_FS_REMOVE_FILE
#define DEVICE	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/*
 * Without the right to rename and link from one directory to another, which
 * came with version 2, guests would miss something below the root.
 */
enum { VERSION_NEEDED = 2 };

/* 0: there is none. */
static int
version(void)
{
	long v;

	v = syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION);
	return v > 0 ? (int)v : 0;
}

/* All rights to files that a version knows. */
static uint64_t
all_rights(int v)
{
	uint64_t all = ACCESS_REFER | (ACCESS_REFER - 1);

	if (v >= 3)
		all |= ACCESS_TRUNCATE;
	if (v >= 5)
		all |= ACCESS_IOCTL_DEV;
	return all;
}

/* What is not there, or not for our user, needs no right. */
static int
allow(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights };
	long rc;
	int error;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd == -1)
		return errno == ENOENT || errno == EACCES ? 0 : -1;
	rc = syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	error = errno;
	close(rule.parent_fd);
	errno = error;
	return rc == 0 ? 0 : -1;
}

static int
allow_removal(int ruleset, const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	if (strlen(path) >= sizeof(dir)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(dir, path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return allow(ruleset, ".", REMOVE);
	slash[slash == dir] = '\0';
	return allow(ruleset, dir, REMOVE);
}

static int
fill(int ruleset, uint64_t all, const char *root, const char *const *left,
    size_t n)
{
	static const char *const devices[] = { "/dev/null", "/dev/zero",
	    "/dev/full", "/dev/random", "/dev/urandom" };
	uint64_t device = DEVICE | (all & ACCESS_IOCTL_DEV);
	size_t i;

	if (allow(ruleset, root, all) == -1 || allow(ruleset, "/proc",
	    READ) == -1)
		return -1;
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		if (allow(ruleset, devices[i], device) == -1)
			return -1;
	for (i = 0; i < n; i++)
		if (allow_removal(ruleset, left[i]) == -1)
			return -1;
	return 0;
}

static bool
restrict_files(int v, const char *root, const char *const *left, size_t n)
{
	struct landlock_ruleset_attr attr = {
	    .handled_access_fs = all_rights(v) };
	int ruleset;
	bool ok;

	ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr.handled_access_fs), 0);
	ok = ruleset != -1 && fill(ruleset, attr.handled_access_fs, root,
	    left, n) == 0 && syscall(SYS_landlock_restrict_self, ruleset,
	    0) == 0;
	if (!ok)
		log_put(RUMPSERVER_LOG_ERROR, "cannot restrict the server to "
		    "the files below %s: %s", root, strerror(errno));
	if (ruleset != -1)
		close(ruleset);
	return ok;
}

bool
sandbox_files(const char *root, const char *const *left, size_t n)
{
	int v;

	if (SANDBOX_IMPOSSIBLE || root[strspn(root, "/")] == '\0')
		return true;
	v = version();
	if (v >= VERSION_NEEDED)
		return restrict_files(v, root, left, n);
	log_put(RUMPSERVER_LOG_INFO, "the host has no landlock of version %d: "
	    "nothing but the server's own checks keeps it below %s",
	    VERSION_NEEDED, root);
	return true;
}
