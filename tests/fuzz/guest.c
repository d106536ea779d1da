#include <sys/ioctl.h>
#include <sys/stat.h>

#include <linux/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "fuzz/guest.h"
#include "lib/tree.h"
#include "trace/sysdesc.h"

/* Where things are in a guest's memory. */
enum { NAMES = 0, NAME_SIZE = 64, STRUCTS = 4096, NOISE = 16384 };

static const char *const names[] = {
	"/", ".", "..", "f", "/d/f", "d/../f", "../../etc/passwd", "link",
	"loop", "/dev/null", "/dev/zero", "/dev/random", "/dev/tty", "fifo",
	"sock", "new", "d/new", "d", "", "/dev/full", "user.name", "f/x",
	"n/o/t", "link/../../x", "kern.hostname", "//d//f", "f/", "d/.",
};

enum { NNAMES = sizeof(names) / sizeof(names[0]) };

static void
put(struct guest_memory *m, size_t at, const void *p, size_t len)
{

	if (at <= GUEST_MEMORY && len <= GUEST_MEMORY - at)
		memcpy(m->bytes + at, p, len);
}

void
guest_fill(struct guest_memory *m, struct supply *in)
{
	struct rng r = { .state = take32(in) };
	uint64_t v;
	size_t i;

	for (i = 0; i < GUEST_MEMORY; i += 8) {
		v = i % 64 < 32 ? rng_below(&r, 300) : rng_extreme(&r);
		memcpy(m->bytes + i, &v, 8);
	}
	for (i = 0; i < NNAMES; i++)
		put(m, NAMES + i * NAME_SIZE, names[i], strlen(names[i]) + 1);
	/* One without an end. */
	memset(m->bytes + STRUCTS - 1100, 'n', 1100);
}

static uint64_t
number(struct supply *in)
{
	struct rng r = { .state = take8(in) };

	return r.state < 160 ? r.state % 32 : rng_extreme(&r);
}

static uint64_t
address(struct guest_memory *m, struct supply *in)
{
	uint8_t how = take8(in);

	switch (how % 16) {
	case 0:
		return 0;
	case 1:
		return take64(in);
	case 2:		/* runs out of it */
		return m->base + GUEST_MEMORY - how;
	case 3:
		return m->base + take8(in);
	default:
		return m->base + NOISE + (uint64_t)how * 128;
	}
}

static void
put_iovecs(struct guest_memory *m, struct supply *in, size_t at)
{
	uint64_t iov[2];
	unsigned i;

	for (i = 0; i < 8; i++) {
		iov[0] = address(m, in);
		iov[1] = take8(in) < 250 ? take8(in) : take_length(in);
		put(m, at + i * sizeof(iov), iov, sizeof(iov));
	}
}

/* An address of the family that a first byte may ask for. */
static void
put_name(struct guest_memory *m, struct supply *in, size_t at)
{
	static const uint8_t in4[16] = { 16, 2, 0, 0, 127, 0, 0, 1 };
	uint8_t local[106] = { 106, 1 };

	if (take8(in) % 2 == 0) {
		put(m, at, in4, sizeof(in4));
		return;
	}
	strcpy((char *)local + 2, names[take8(in) % NNAMES]);
	put(m, at, local, sizeof(local));
}

static void
put_control(struct guest_memory *m, struct supply *in, size_t at)
{
	/* cmsghdr { len, level, type }, descriptors */
	uint32_t c[6] = { 20, 0xffff, 1, 0, 3, 4 };

	if (take8(in) % 4 == 0)
		c[take8(in) % 6] = (uint32_t)number(in);
	put(m, at, c, sizeof(c));
}

static void
put_msghdr(struct guest_memory *m, struct supply *in, size_t at)
{
	uint8_t msg[48] = { 0 };
	uint64_t v;
	uint32_t n;

	put_iovecs(m, in, at + 512);
	put_name(m, in, at + 768);
	put_control(m, in, at + 1024);
	v = take8(in) % 2 == 0 ? 0 : m->base + at + 768;
	memcpy(msg, &v, 8);
	n = v == 0 ? 0 : (uint32_t)(take8(in) % 4 == 0 ? number(in) : 106);
	memcpy(msg + 8, &n, 4);
	v = m->base + at + 512;
	memcpy(msg + 16, &v, 8);
	n = (uint32_t)(take8(in) % 8 == 0 ? number(in) : take8(in) % 8);
	memcpy(msg + 24, &n, 4);
	v = m->base + at + 1024;
	memcpy(msg + 32, &v, 8);
	n = (uint32_t)(take8(in) % 4 == 0 ? number(in) : 24);
	memcpy(msg + 40, &n, 4);
	put(m, at, msg, sizeof(msg));
	put(m, at + 56, msg, sizeof(msg));	/* mmsghdr's next */
}

static uint64_t
pointer(struct guest_memory *m, struct supply *in,
    const struct sysdesc_arg *a, unsigned i)
{
	size_t at = STRUCTS + 2048 * (i % 6);
	uint8_t how = take8(in);

	if (how % 16 == 15)
		return address(m, in);
	switch (a->extent) {
	case SYSDESC_X_STRING:
		if (how % 32 == 14)
			return m->base + STRUCTS - 1100;
		return m->base + NAMES + (how % NNAMES) * NAME_SIZE;
	case SYSDESC_X_IOVEC:
		put_iovecs(m, in, at);
		return m->base + at;
	case SYSDESC_X_MSGHDR:
	case SYSDESC_X_MMSGHDR:
		put_msghdr(m, in, at);
		return m->base + at;
	case SYSDESC_X_ARG:
	case SYSDESC_X_ARGPTR:
		if (strstr(a->type, "sockaddr") != NULL) {
			put_name(m, in, at);
			return m->base + at;
		}
		break;
	default:
		break;
	}
	if ((a->dir & SYSDESC_OPT) && how % 3 == 0)
		return 0;
	return m->base + NOISE + (uint64_t)how * 128;
}

static uint64_t
argument(struct guest_memory *m, struct supply *in,
    const struct sysdesc_arg *a, unsigned i)
{
	uint64_t v;

	switch (a->kind) {
	case SYSDESC_PAD:
		return 0;
	case SYSDESC_PTR:
		return pointer(m, in, a, i);
	case SYSDESC_FD:
		v = take8(in);
		if (v < 240)
			return v % 12;
		return v < 248 ? (uint32_t)-100 : (uint32_t)number(in);
	case SYSDESC_OCTAL:
		return take32(in) & 07777;
	default:
		v = number(in);
		return a->size == 4 ? (uint32_t)v : v;
	}
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

void
guest_call(struct guest_memory *m, struct supply *in, struct guest_call *c)
{
	const struct sysdesc *d;
	unsigned i;

	*c = (struct guest_call){ .num = (int)(((unsigned)take8(in) << 8 |
	    take8(in)) % rump_nsysdesc) };
	while (rump_sysdesc[c->num].name == NULL)
		c->num = (c->num + 1) % (int)rump_nsysdesc;
	d = &rump_sysdesc[c->num];
	c->nargs = d->narg;
	for (i = 0; i < d->narg && i < GUEST_ARGS; i++)
		c->args[i] = argument(m, in, &d->args[i], i);
	no_devices(d, c);
}

/* --- the root --- */

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

const char *
guest_root(void)
{
	char path[128], other[128];

	strcpy(root, "/tmp/rumpgen-fuzz-XXXXXX");
	if (mkdtemp(root) == NULL)
		fuzz_fail("mkdtemp: %s", strerror(errno));
	chmod(root, 0777);
	file("f");
	snprintf(path, sizeof(path), "%s/d", root);
	mkdir(path, 0777);
	file("d/f");
	snprintf(path, sizeof(path), "%s/link", root);
	(void)!symlink("d", path);
	snprintf(other, sizeof(other), "%s/loop", root);
	(void)!symlink("loop", other);
	snprintf(path, sizeof(path), "%s/fifo", root);
	mkfifo(path, 0666);
	return root;
}

/* Calls may have made files immutable. */
static int
free_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	int fd, none = 0;

	(void)type;
	(void)where;
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return 0;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return 0;
	(void)ioctl(fd, FS_IOC_SETFLAGS, &none);
	close(fd);
	return 0;
}

void
guest_root_remove(void)
{

	nftw(root, free_one, 16, FTW_PHYS);
	if (tree_remove(root) != 0)
		fuzz_fail("%s cannot be removed: %s", root, strerror(errno));
}
