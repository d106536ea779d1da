/*
 * Devices that every guest has.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "hostkern/dev.h"
#include "hostkern/inode.h"
#include "hostkern/path.h"

struct synthdev {
	const char *path;	/* as the guest names it, and as the host */
	uint32_t major, minor;	/* NetBSD/amd64's */
	uint32_t hmajor, hminor;	/* Linux's */
	mode_t mode;
};

static const struct synthdev devices[] = {
	{ "/dev/null", 2, 2, 1, 3, 0666 },
	{ "/dev/zero", 2, 12, 1, 5, 0666 },
	{ "/dev/full", 2, 11, 1, 7, 0666 },
	{ "/dev/random", 46, 0, 1, 8, 0444 },
	{ "/dev/urandom", 46, 1, 1, 9, 0644 },
	{ "/dev/tty", 1, 0, 5, 0, 0666 },
};

static const struct synthdev console = { "/dev/console", 0, 0, 5, 1, 0600 };

enum { NDEVICES = sizeof(devices) / sizeof(devices[0]) };

static bool
is_tty(const struct synthdev *d)
{

	return d->major == 1;
}

/* The device of which the last component of path is the name, or NULL. */
static const struct synthdev *
by_name(const char *path)
{
	const char *last = strrchr(path, '/');
	int i;

	last = last != NULL ? last + 1 : path;
	for (i = 0; i < NDEVICES; i++) {
		if (strcmp(devices[i].path + strlen("/dev/"), last) == 0)
			return &devices[i];
	}
	return NULL;
}

/* Is that directory the root's /dev? */
static bool
is_dev(struct lwp *l, int dirfd)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY |
	    O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct fileid a, b;
	bool same;
	int fd;

	fd = path_openat2(l, kern_proc(l)->hk->root->fd, "dev", &how);
	if (fd == -1)
		return false;
	same = path_id(fd, &a) == 0 && path_id(dirfd, &b) == 0 &&
	    path_same(&a, &b);
	close(fd);
	return same;
}

/* Would that name be the root's /dev, which is not there? */
static bool
is_missing_dev(struct lwp *l, int atfd, const char *path)
{
	const struct kdir *root = kern_proc(l)->hk->root;
	struct parentref r;
	struct fileid id;
	bool is;

	if (path_parent(l, atfd, path, &r) != 0)
		return false;
	is = r.last == LAST_NAME && strcmp(r.name, "dev") == 0 &&
	    path_id(r.fd, &id) == 0 && path_same(&id, &root->id);
	parentref_close(&r);
	return is;
}

/* "x/./" and "x/." are "x". */
static void
cut_dots(char *dir)
{
	size_t n = strlen(dir);

	while (n > 0 && (dir[n - 1] == '/' || (dir[n - 1] == '.' &&
	    (n == 1 || dir[n - 2] == '/'))))
		n--;
	dir[n] = '\0';
}

/* Is path, whose last component is no directory, in /dev? */
static bool
is_in_dev(struct lwp *l, int atfd, const char *path)
{
	char dir[KERN_PATHLEN];
	struct parentref r;
	bool is;
	int error;

	error = path_parent(l, atfd, path, &r);
	if (error == 0) {
		is = r.last == LAST_NAME && !r.slash && is_dev(l, r.fd);
		parentref_close(&r);
		return is;
	}
	if (error != RUMP_ENOENT || strrchr(path, '/') == NULL)
		return false;
	strcpy(dir, path);
	*strrchr(dir, '/') = '\0';
	cut_dots(dir);
	return is_missing_dev(l, atfd, dir);
}

const struct synthdev *
dev_find(struct lwp *l, int atfd, const char *path)
{
	struct kproc *p = kern_proc(l);
	const struct synthdev *d = by_name(path);
	bool chrooted;

	if (d == NULL || (is_tty(d) && !p->hk->console_tty))
		return NULL;
	pthread_mutex_lock(&p->lock);
	chrooted = p->chrooted;
	pthread_mutex_unlock(&p->lock);
	return !chrooted && is_in_dev(l, atfd, path) ? d : NULL;
}

/* The console may be anything, or nothing: /dev/null looks like a device. */
const char *
dev_hostname(const struct synthdev *d)
{

	return is_tty(d) || d == &console ? "/dev/null" : d->path;
}

void
dev_stat(const struct synthdev *d, struct rump_stat *st)
{

	memset(st, 0, sizeof(*st));
	st->st_mode = RUMP_S_IFCHR | d->mode;
	st->st_nlink = 1;
	st->st_ino = 0x100u + d->hmajor * 256 + d->hminor;
	st->st_rdev = rump_makedev(d->major, d->minor);
	st->st_blksize = 65536;
}

int
dev_console(struct kproc *p, struct file **fp)
{
	struct file *f;
	int error;

	error = file_make(p, FILE_CONSOLE, RUMP_O_RDWR,
	    FILE_SLOW | FILE_BORROWED, NULL, &f);
	if (error != 0)
		return error;
	f->hfd = p->hk->console_fd;
	f->dev = &console;
	*fp = f;
	return 0;
}

void
dev_numbers(const struct synthdev *d, uint64_t *hdev, uint64_t *hino)
{

	*hdev = UINT64_MAX;	/* no file system of the host's */
	*hino = makedev(d->hmajor, d->hminor);
}

int
dev_open(const struct synthdev *d, struct file *f)
{

	if (is_tty(d)) {
		f->type = FILE_CONSOLE;
		f->traits = FILE_SLOW | FILE_BORROWED;
		f->hfd = f->hk->console_fd;
	} else {
		f->type = FILE_DEV;
		f->traits = FILE_SLOW;
		f->hfd = open(d->path, (atomic_load(&f->flags) &
		    RUMP_O_ACCMODE) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (f->hfd == -1)
			return kern_errno();
	}
	f->dev = d;
	dev_numbers(d, &f->hdev, &f->hino);
	return inode_enter(f);
}

dev_t
dev_to_host(uint64_t dev)
{
	int i;

	for (i = 0; i < NDEVICES; i++) {
		if (rump_makedev(devices[i].major, devices[i].minor) == dev)
			return makedev(devices[i].hmajor, devices[i].hminor);
	}
	return rump_conv_dev_to_host(dev);
}

uint64_t
dev_from_host(dev_t dev)
{
	int i;

	for (i = 0; i < NDEVICES; i++) {
		if (makedev(devices[i].hmajor, devices[i].hminor) == dev)
			return rump_makedev(devices[i].major,
			    devices[i].minor);
	}
	return rump_conv_dev_from_host(dev);
}

bool
dev_permitted(dev_t dev)
{
	int i;

	for (i = 0; i < NDEVICES; i++) {
		if (!is_tty(&devices[i]) && devices[i].hmajor == major(dev) &&
		    devices[i].hminor == minor(dev))
			return true;
	}
	return false;
}
