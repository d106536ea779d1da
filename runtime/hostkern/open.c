/*
 * open, openat.
 *
 * What is opened is first looked up (O_PATH), which no driver notices; only
 * when it is known to be a file that guests may have, it is opened, by way of
 * that descriptor.
 *
 * The host's descriptor is always O_NONBLOCK, so that no thread of the server
 * can hang in open, read or write; the guest's O_NONBLOCK is in file.flags.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/dev.h"
#include "hostkern/inode.h"
#include "hostkern/lock.h"
#include "hostkern/open.h"
#include "hostkern/path.h"

/* What of the open flags stays with the open file (F_GETFL). */
enum {
	KEPT_FLAGS = RUMP_O_ACCMODE | RUMP_O_NONBLOCK | RUMP_O_APPEND |
	    RUMP_O_ASYNC | RUMP_O_SYNC | RUMP_O_DSYNC | RUMP_O_RSYNC |
	    RUMP_O_ALT_IO | RUMP_O_DIRECT | RUMP_O_NOSIGPIPE
};

enum { LINKS_MAX = 32 };		/* NetBSD's MAXSYMLINKS */

struct opening {
	struct lwp *l;
	struct kproc *p;
	int atfd;
	char *path;		/* KERN_PATHLEN bytes */
	int flags;		/* RUMP_O_* */
	int host;		/* the host's, without O_CREAT and O_EXCL */
	mode_t mode;
	struct file *f;
};

static bool
wants_write(int flags)
{

	return (flags & RUMP_O_ACCMODE) != RUMP_O_RDONLY ||
	    (flags & RUMP_O_TRUNC) != 0;
}

static int
host_flags(int flags, int *host)
{
	const int noop = RUMP_O_ASYNC | RUMP_O_DIRECT | RUMP_O_NOCTTY |
	    RUMP_O_CREAT | RUMP_O_EXCL;
	int error;

	if ((flags & RUMP_O_SEARCH) != 0) {
		*host = O_DIRECTORY;
		if ((flags & RUMP_O_NOFOLLOW) != 0)
			*host |= O_NOFOLLOW;
		return 0;
	}
	error = rump_conv_open_flags_to_host(flags & ~noop, host);
	if (error == 0)
		*host |= O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	return error;
}

static int
check_flags(int flags)
{

	if ((flags & RUMP_O_ACCMODE) == RUMP_O_ACCMODE)
		return RUMP_EINVAL;
	if ((flags & (RUMP_O_SHLOCK | RUMP_O_EXLOCK)) ==
	    (RUMP_O_SHLOCK | RUMP_O_EXLOCK))
		return RUMP_EINVAL;
	if ((flags & (RUMP_O_CREAT | RUMP_O_DIRECTORY)) ==
	    (RUMP_O_CREAT | RUMP_O_DIRECTORY))
		return RUMP_EINVAL;
	return 0;
}

/* May a file of that kind be opened at all?  A root served read-only is not
 * written, devices and fifos in it excepted. */
static int
check_kind(const struct hostkern *hk, const struct stat *st, int flags)
{

	switch (st->st_mode & S_IFMT) {
	case S_IFLNK:
		return RUMP_EFTYPE;
	case S_IFSOCK:
		return RUMP_EOPNOTSUPP;
	case S_IFBLK:
		return RUMP_ENXIO;
	case S_IFCHR:
		return dev_permitted(st->st_rdev) ? 0 : RUMP_ENXIO;
	case S_IFIFO:
		return 0;
	default:
		return hk->read_only && wants_write(flags) ? RUMP_EROFS : 0;
	}
}

/* f has its descriptor, of what st says. */
static int
open_done(struct file *f, const struct stat *st)
{
	int error;

	if (S_ISCHR(st->st_mode)) {
		f->type = FILE_DEV;
		f->traits = FILE_SLOW;
	} else if (S_ISFIFO(st->st_mode)) {
		f->type = FILE_FIFO;
		f->traits = FILE_SLOW;
	}
	f->hdev = st->st_dev;
	f->hino = st->st_ino;
	error = inode_enter(f);
	if (error == 0 && f->type == FILE_FIFO)
		kern_nudge(f->hk, f->hino);
	return error;
}

/*
 * open(2) of a file that is known.  Without O_NONBLOCK the writer of a fifo
 * waits for its reader.
 */
static int
open_known(struct lwp *l, int fd, const struct stat *st, int flags, int host,
    int *hfd)
{
	const bool waits = S_ISFIFO(st->st_mode) && (flags &
	    (RUMP_O_ACCMODE | RUMP_O_NONBLOCK)) == RUMP_O_WRONLY;
	unsigned round = 0;
	int error;

	while ((*hfd = path_reopen(kern_proc(l), fd, host)) == -1) {
		if (errno != ENXIO || !waits)
			return errno == ENODEV ? RUMP_ENXIO : kern_errno();
		error = kern_backoff(l, st->st_ino, &round);
		if (error != 0)
			return error;
	}
	return 0;
}

int
open_found(struct lwp *l, struct file *f, int fd, int flags, int host)
{
	struct stat st;
	int error;

	error = fstat(fd, &st) != 0 ? kern_errno() :
	    check_kind(f->hk, &st, flags);
	if (error == 0 && (flags & RUMP_O_SEARCH) == 0) {
		error = open_known(l, fd, &st, flags, host, &f->hfd);
	} else if (error == 0 && !S_ISDIR(st.st_mode)) {
		error = RUMP_ENOTDIR;
	} else if (error == 0) {
		f->hfd = fd;
		fd = -1;
	}
	if (fd != -1)
		close(fd);
	return error != 0 ? error : open_done(f, &st);
}

/* A file that is there already. */
static int
open_existing(struct opening *o)
{
	int error, fd;

	error = path_find(o->l, o->atfd, o->path,
	    o->host & (O_DIRECTORY | O_NOFOLLOW), &fd);
	if (error != 0)
		return error;
	return open_found(o->l, o->f, fd, o->flags, o->host);
}

/*
 * What is to be made is a link to what is not there: that is to be made, then.
 * EEXIST: it is not a link.
 */
static int
follow(struct opening *o, const struct parentref *r)
{
	char target[KERN_PATHLEN], *last;
	ssize_t n;
	size_t dir;

	n = readlinkat(r->fd, r->name, target, sizeof(target));
	if (n == -1)
		return errno == EINVAL ? RUMP_EEXIST : kern_errno();
	last = strrchr(o->path, '/');
	dir = target[0] == '/' || last == NULL ? 0 :
	    (size_t)(last + 1 - o->path);
	if (dir + (size_t)n >= KERN_PATHLEN)
		return RUMP_ENAMETOOLONG;
	memcpy(o->path + dir, target, (size_t)n);
	o->path[dir + (size_t)n] = '\0';
	return RUMP_EEXIST;
}

/* One that is not there.  EEXIST: it is, or another name is in o now. */
static int
make_file(struct opening *o)
{
	const bool excl = (o->flags & RUMP_O_EXCL) != 0;
	mode_t mode = o->mode;
	struct parentref r;
	struct stat st;
	int error;

	error = path_parent(o->l, o->atfd, o->path, &r);
	if (error != 0)
		return error;
	if (r.last != LAST_NAME || r.slash) {
		error = excl && (r.last != LAST_NAME ||
		    parentref_exists(&r)) ? RUMP_EEXIST : RUMP_ENOENT;
	} else if (o->p->hk->read_only) {
		error = excl && parentref_exists(&r) ? RUMP_EEXIST :
		    RUMP_EROFS;
	} else {
		if (path_assume_maker(o->p, r.fd, &mode) == 0)
			o->f->hfd = openat(r.fd, r.name,
			    o->host | O_CREAT | O_EXCL, mode);
		if (o->f->hfd == -1)
			error = errno == EEXIST && !excl ? follow(o, &r) :
			    kern_errno();
		else if (fstat(o->f->hfd, &st) != 0)
			error = kern_errno();
		else
			error = open_done(o->f, &st);
	}
	parentref_close(&r);
	return error;
}

/* The file, opened or made; a device of ours where the root has none. */
static int
open_file(struct opening *o)
{
	const bool creat = (o->flags & RUMP_O_CREAT) != 0;
	const bool excl = creat && (o->flags & RUMP_O_EXCL) != 0;
	const struct synthdev *dev;
	int error, tries;

	for (tries = 0; tries < LINKS_MAX; tries++) {
		error = excl ? RUMP_ENOENT : open_existing(o);
		if (error != RUMP_ENOENT)
			return error;
		dev = dev_find(o->l, o->atfd, o->path);
		if (dev != NULL && excl)
			return RUMP_EEXIST;
		if (dev != NULL && (o->host & O_DIRECTORY) != 0)
			return RUMP_ENOTDIR;
		if (dev != NULL)
			return dev_open(dev, o->f);
		if (!creat)
			return RUMP_ENOENT;
		error = make_file(o);
		if (error != RUMP_EEXIST || excl)
			return error;
	}
	return RUMP_ELOOP;
}

/*
 * ... and the reader for a writer: one of our guests, or one of the host's
 * other processes once it has written or gone.
 */
static int
wait_for_fifo_writer(struct lwp *l, struct file *f)
{
	struct pollfd pfd = { .fd = f->hfd, .events = POLLIN };
	unsigned round = 0;
	int error;

	while (!inode_has_writer(f) && poll(&pfd, 1, 0) == 0) {
		error = kern_backoff(l, f->hino, &round);
		if (error != 0)
			return error;
	}
	return 0;
}

int
open_finish(struct lwp *l, struct file *f, int flags)
{
	int error = 0, how;

	if (f->type == FILE_FIFO &&
	    (flags & (RUMP_O_ACCMODE | RUMP_O_NONBLOCK)) == RUMP_O_RDONLY)
		error = wait_for_fifo_writer(l, f);
	if (error == 0 && (flags & (RUMP_O_SHLOCK | RUMP_O_EXLOCK)) != 0) {
		how = (flags & RUMP_O_EXLOCK) != 0 ? LOCK_EX : LOCK_SH;
		error = file_flock(l, f, how,
		    (flags & RUMP_O_NONBLOCK) != 0);
	}
	return error;
}

int
open_begin(struct kproc *p, int flags, struct file **fp)
{

	return file_make(p, FILE_VNODE, flags & KEPT_FLAGS, 0, NULL, fp);
}

static int
do_open(struct lwp *l, int atfd, rump_uaddr_t upath, int flags,
    uint32_t mode, register_t *retval)
{
	char path[KERN_PATHLEN];
	struct opening o = { .l = l, .p = kern_proc(l), .atfd = atfd,
	    .path = path, .flags = flags };
	struct file *f;
	int error, fd;

	error = check_flags(flags);
	if (error == 0)
		error = fd_room(o.p);
	if (error == 0)
		error = path_copyin(l, upath, path);
	if (error == 0)
		error = host_flags(flags, &o.host);
	if (error == 0)
		error = open_begin(o.p, flags, &f);
	if (error != 0)
		return error;
	o.f = f;
	o.mode = mode & ~proc_umask(o.p) & RUMP_ALLPERMS &
	    ~(mode_t)RUMP_S_ISTXT;
	error = open_file(&o);
	if (error == 0)
		error = open_finish(l, f, flags);
	if (error != 0) {
		file_put(f);
		return error;
	}
	error = fd_install(o.p, &f, 0, (flags & RUMP_O_CLOEXEC) != 0, &fd);
	if (error == 0)
		retval[0] = fd;
	return error;
}

int
sys_open(struct lwp *l, const struct sys_open_args *uap, register_t *retval)
{

	return do_open(l, RUMP_AT_FDCWD, uap->path, uap->flags, uap->mode,
	    retval);
}

int
sys_openat(struct lwp *l, const struct sys_openat_args *uap,
    register_t *retval)
{

	return do_open(l, uap->fd, uap->path, uap->oflags, uap->mode, retval);
}
