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

/* Is the last component of path the name of some device? */
static bool
plausible(const char *path)
{
	const char *last = strrchr(path, '/');
	int i;

	last = last != NULL ? last + 1 : path;
	for (i = 0; i < NDEVICES; i++) {
		if (strcmp(devices[i].path + strlen("/dev/"), last) == 0)
			return true;
	}
	return false;
}

/*
 * Appends the components of path to the absolute name buf, in its shortest
 * form; false when it does not fit.  There are no links to follow: this is
 * for names of which the last does not exist.
 */
static bool
append(char *buf, size_t size, const char *path)
{
	size_t len = strlen(buf), n;
	char *slash;

	while (*path != '\0') {
		n = strcspn(path, "/");
		if (n == 2 && path[0] == '.' && path[1] == '.') {
			slash = strrchr(buf, '/');
			if (slash != NULL)
				*slash = '\0';
			len = strlen(buf);
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (len + 1 + n >= size)
				return false;
			buf[len++] = '/';
			memcpy(buf + len, path, n);
			len += n;
			buf[len] = '\0';
		}
		path += n;
		path += strspn(path, "/");
	}
	return true;
}

/* The name of the directory a relative path starts from. */
static bool
start_name(struct kproc *p, int atfd, char *buf, size_t size)
{
	struct kdir *cwd;
	struct file *f;
	int error;

	if (atfd != RUMP_AT_FDCWD) {
		if (fd_get(p, atfd, &f) != 0)
			return false;
		error = path_name(p->hk->root->fd, f->hfd, buf, size);
		file_put(f);
	} else {
		pthread_mutex_lock(&p->lock);
		cwd = kdir_ref(p->cwd);
		pthread_mutex_unlock(&p->lock);
		error = path_name(p->hk->root->fd, cwd->fd, buf, size);
		kdir_put(cwd);
	}
	if (error == 0 && strcmp(buf, "/") == 0)
		buf[0] = '\0';
	return error == 0;
}

const struct synthdev *
dev_find(struct kproc *p, int atfd, const char *path)
{
	char full[PATH_MAX] = "";
	bool chrooted;
	int i;

	if (!plausible(path))
		return NULL;
	pthread_mutex_lock(&p->lock);
	chrooted = p->chrooted;
	pthread_mutex_unlock(&p->lock);
	if (chrooted)
		return NULL;
	if (path[0] != '/' && !start_name(p, atfd, full, sizeof(full)))
		return NULL;
	if (!append(full, sizeof(full), path))
		return NULL;
	for (i = 0; i < NDEVICES; i++) {
		if (strcmp(devices[i].path, full) == 0)
			return is_tty(&devices[i]) && !p->hk->console_tty ?
			    NULL : &devices[i];
	}
	return NULL;
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
