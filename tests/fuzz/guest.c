#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <linux/fs.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/guest.h"
#include "fuzz/values.h"
#include "lib/tree.h"
#include "trace/sysdesc.h"

/* --- a call --- */

unsigned
guest_number(unsigned n)
{
	unsigned i, count = 0;

	for (i = 0; i < rump_nsysdesc; i++)
		count += rump_sysdesc[i].name != NULL;
	n %= count;
	for (i = 0; rump_sysdesc[i].name == NULL || n-- > 0;)
		i++;
	return i;
}

/* What a command says: a number of some kind, or an address. */
static bool
is_number(struct rng *r, const struct sysdesc_arg *a, uint64_t *v)
{

	if (a->extent != SYSDESC_X_FCNTL && a->extent != SYSDESC_X_IOCTL)
		return false;
	switch (rng_below(r, 6)) {
	case 0: case 1:
		*v = value_fd(r);
		return true;
	case 2:
		*v = value_of_set(r, "open");
		return true;
	case 3:
		*v = value_number(r);
		return true;
	default:
		return false;
	}
}

static uint64_t
pointer(const struct object_space *sp, struct rng *r,
    const struct sysdesc_arg *a)
{
	uint64_t v;

	if (is_number(r, a, &v))
		return v;
	if ((a->dir & SYSDESC_OPT) != 0 && rng_below(r, 3) == 0)
		return 0;
	if (rng_below(r, 32) == 0)
		return rng_extreme(r);
	return sp->place(sp->cookie, object_kind(a),
	    (uint32_t)(OBJECT_NAMES + rng_below(r, 1 << 20)));
}

/* The host's real devices are not for a fuzzer. */
static void
no_devices(const struct sysdesc *d, struct guest_call *c)
{
	unsigned i;

	if (strstr(d->name, "mknod") == NULL)
		return;
	for (i = 0; i < d->narg && i < GUEST_ARGS; i++)
		if (strcmp(d->args[i].name, "mode") == 0)
			c->args[i] = (c->args[i] & 0777) | S_IFIFO;
}

/* How many there are of something is a small number, mostly. */
static bool
is_count(const struct sysdesc *d, unsigned arg)
{
	const struct sysdesc_arg *a;
	unsigned i;

	for (i = 0; i < d->narg; i++) {
		a = &d->args[i];
		if (a->extent >= SYSDESC_X_ARG && a->arg == arg &&
		    object_kind(a) != OBJECT_NOISE)
			return true;
	}
	return false;
}

void
guest_call(const struct object_space *sp, unsigned num, uint32_t seed,
    const uint8_t *bytes, size_t nbytes, struct guest_call *c)
{
	const struct sysdesc *d = &rump_sysdesc[num];
	const struct sysdesc_arg *a;
	struct rng r;
	unsigned i;

	*c = (struct guest_call){ .num = num, .nargs = d->narg };
	for (i = 0; i < d->narg && i < GUEST_ARGS; i++) {
		a = &d->args[i];
		r.state = (uint64_t)seed << 16 ^ (uint64_t)i << 8 ^
		    bytes[i % nbytes];
		if (a->kind == SYSDESC_PTR)
			c->args[i] = pointer(sp, &r, a);
		else if (a->kind != SYSDESC_FD && a->set == NULL &&
		    is_count(d, i) && rng_below(&r, 8) > 0)
			c->args[i] = rng_below(&r, 2) == 0 ?
			    rng_below(&r, 5) : 16 + rng_below(&r, 100);
		else
			c->args[i] = value_scalar(&r, a);
	}
	no_devices(d, c);
}

/* --- the root --- */

enum { MAX_DEPTH = 8 };
static char root[64];

static void
file(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd == -1 || write(fd, "content of a file\n", 18) != 18)
		fuzz_fail("%s: %s", path, strerror(errno));
	close(fd);
}

/* libFuzzer writes what it finds where only root may. */
static bool
stays_root(void)
{

#ifdef FUZZ_LIBFUZZER
	return true;
#else
	return geteuid() != 0 || getenv("FUZZ_AS_ROOT") != NULL;
#endif
}

static void
become_nobody(void)
{
	const id_t nobody = 65534;

	if (setgroups(0, NULL) == -1 ||
	    setresgid(nobody, nobody, nobody) == -1 ||
	    setresuid(nobody, nobody, nobody) == -1 ||
	    prctl(PR_SET_DUMPABLE, 1) == -1)	/* /proc/self is still ours */
		fuzz_fail("nobody: %s", strerror(errno));
}

void
guest_confine(void)
{
	struct rlimit limit = { 1 << 20, RLIM_INFINITY };

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max > 1 << 20)
		limit.rlim_cur = 1 << 20;
	(void)setrlimit(RLIMIT_FSIZE, &limit);
	if (!stays_root())
		become_nobody();
}

/* Calls may have made files immutable, and directories unreadable. */
static int
free_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	int fd, none = 0;

	(void)type;
	(void)where;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	(void)chmod(path, 0777);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return 0;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
	return 0;
}

static void
remove_all(const char *path)
{
	int depth;

	/* One level more can be read each time. */
	for (depth = 0; tree_remove(path) != 0; depth++) {
		if (depth == MAX_DEPTH)
			fuzz_fail("%s cannot be removed: %s", path,
			    strerror(errno));
		nftw(path, free_one, 16, FTW_PHYS);
	}
}

/* The root itself may not be another one: the server has it open. */
static void
free_root(void)
{
	struct stat st;

	if (stat(root, &st) == 0)
		(void)free_one(root, &st, FTW_D, NULL);
}

static void
empty(void)
{
	struct dirent *e;
	char path[512];
	DIR *d;

	free_root();
	d = opendir(root);
	if (d == NULL)
		fuzz_fail("%s: %s", root, strerror(errno));
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", root, e->d_name);
		remove_all(path);
	}
	closedir(d);
}

static void
furnish(void)
{
	char path[128];

	file("f");
	snprintf(path, sizeof(path), "%s/d", root);
	mkdir(path, 0777);
	file("d/f");
	snprintf(path, sizeof(path), "%s/link", root);
	(void)!symlink("d", path);
	snprintf(path, sizeof(path), "%s/loop", root);
	(void)!symlink("loop", path);
	snprintf(path, sizeof(path), "%s/fifo", root);
	mkfifo(path, 0666);
}

const char *
guest_root(void)
{

	strcpy(root, "/tmp/rumpgen-fuzz-XXXXXX");
	if (mkdtemp(root) == NULL)
		fuzz_fail("mkdtemp: %s", strerror(errno));
	chmod(root, 0777);
	furnish();
	return root;
}

void
guest_root_renew(void)
{

	empty();
	furnish();
}

void
guest_root_remove(void)
{

	free_root();
	remove_all(root);
}
