/*
 * open, openat.
 *
 * The host's descriptor is always O_NONBLOCK, so that no thread of the server
 * can hang in open, read or write; the guest's O_NONBLOCK is in file.flags.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/dev.h"
#include "hostkern/inode.h"
#include "hostkern/open.h"
#include "hostkern/path.h"

/* What of the open flags stays with the open file (F_GETFL). */
enum {
	KEPT_FLAGS = RUMP_O_ACCMODE | RUMP_O_NONBLOCK | RUMP_O_APPEND |
	    RUMP_O_ASYNC | RUMP_O_SYNC | RUMP_O_DSYNC | RUMP_O_RSYNC |
	    RUMP_O_ALT_IO | RUMP_O_DIRECT | RUMP_O_NOSIGPIPE
};

struct opening {
	struct lwp *l;
	struct kproc *p;
	int atfd;
	const char *path;
	int flags;		/* RUMP_O_* */
	struct open_how how;
};

static bool
wants_write(int flags)
{

	return (flags & RUMP_O_ACCMODE) != RUMP_O_RDONLY ||
	    (flags & RUMP_O_TRUNC) != 0;
}

static int
host_flags(int flags, struct open_how *how)
{
	const int noop = RUMP_O_ASYNC | RUMP_O_DIRECT | RUMP_O_NOCTTY;
	int error, host;

	if ((flags & RUMP_O_SEARCH) != 0) {
		/* O_PATH goes with few others. */
		how->flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
		if ((flags & RUMP_O_NOFOLLOW) != 0)
			how->flags |= O_NOFOLLOW;
		return 0;
	}
	error = rump_conv_open_flags_to_host(flags & ~noop, &host);
	if (error != 0)
		return error;
	how->flags = (unsigned)host | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	return 0;
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

/* The type of what the path names: 0 or an errno. */
static int
find_type(const struct opening *o, mode_t *type)
{
	struct nameref n;
	struct stat st;
	int error;

	error = path_lookup(o->p, o->atfd, o->path,
	    (o->flags & RUMP_O_NOFOLLOW) != 0 ? PATH_NOFOLLOW : 0, &n);
	if (error != 0)
		return error;
	error = fstat(n.fd, &st) != 0 ? kern_errno() : 0;
	if (error == 0)
		*type = n.dev != NULL ? S_IFCHR : st.st_mode & S_IFMT;
	nameref_close(&n);
	return error;
}

/* A root served read-only: nothing is made or changed, devices excepted. */
static int
restrict_read_only(struct opening *o)
{
	mode_t type;
	int error;

	if (!o->p->hk->read_only ||
	    (!wants_write(o->flags) && (o->flags & RUMP_O_CREAT) == 0))
		return 0;
	error = find_type(o, &type);
	if (error == RUMP_ENOENT && (o->flags & RUMP_O_CREAT) != 0)
		return RUMP_EROFS;
	if (error != 0)
		return error;
	if ((o->flags & RUMP_O_CREAT) != 0 && (o->flags & RUMP_O_EXCL) != 0)
		return RUMP_EEXIST;
	if (wants_write(o->flags) && (S_ISREG(type) || S_ISDIR(type)))
		return RUMP_EROFS;
	o->flags &= ~(RUMP_O_CREAT | RUMP_O_TRUNC);
	return 0;
}

/* NetBSD's errno where it differs from the host's. */
static int
translate_error(const struct opening *o, int error)
{
	mode_t type;

	switch (error) {
	case RUMP_ELOOP:
		if ((o->flags & RUMP_O_NOFOLLOW) != 0 &&
		    find_type(o, &type) == 0 && S_ISLNK(type))
			return RUMP_EFTYPE;
		return error;
	case RUMP_ENODEV:
		return RUMP_ENXIO;
	case RUMP_ENXIO:
		if (find_type(o, &type) == 0 && S_ISSOCK(type))
			return RUMP_EOPNOTSUPP;
		return error;
	default:
		return error;
	}
}

static bool
is_blocking_fifo_writer(const struct opening *o)
{
	mode_t type;

	return (o->flags & RUMP_O_ACCMODE) == RUMP_O_WRONLY &&
	    (o->flags & RUMP_O_NONBLOCK) == 0 &&
	    find_type(o, &type) == 0 && S_ISFIFO(type);
}

/*
 * A file that is there already.  Without O_NONBLOCK the writer of a fifo waits
 * for its reader.
 */
static int
open_existing(struct opening *o, int *hfd)
{
	struct open_how how = o->how;
	unsigned round = 0;
	int error;

	how.flags &= ~(uint64_t)O_CREAT;
	how.mode = 0;
	for (;;) {
		error = path_open(o->p, o->atfd, o->path, &how, hfd);
		if (error != RUMP_ENXIO || !is_blocking_fifo_writer(o))
			return error;
		error = kern_backoff(o->l, &round);
		if (error != 0)
			return error;
	}
}

/* One that is not.  EEXIST: it is, or a link to what is not. */
static int
make_file(struct opening *o, int *hfd)
{
	mode_t mode = (mode_t)o->how.mode;
	struct parentref r;
	int error;

	error = path_parent(o->p, o->atfd, o->path, &r);
	if (error != 0)
		return error;
	if (r.last != LAST_NAME)
		error = RUMP_EEXIST;
	else if (r.slash)
		error = parentref_exists(&r) ? RUMP_EEXIST : RUMP_ENOENT;
	else {
		path_assume_maker(o->p, r.fd, &mode);
		*hfd = openat(r.fd, r.name, (int)o->how.flags | O_EXCL, mode);
		if (*hfd == -1)
			error = kern_errno();
	}
	parentref_close(&r);
	return error;
}

/* What is both O_CREAT and there is opened, a directory as well. */
static int
open_host(struct opening *o, int *hfd)
{
	const bool excl = (o->flags & RUMP_O_EXCL) != 0;
	int error = RUMP_ENOENT;

	if ((o->flags & RUMP_O_CREAT) == 0)
		return open_existing(o, hfd);
	if (!excl)
		error = open_existing(o, hfd);
	if (error == RUMP_ENOENT && dev_find(o->p, o->atfd, o->path) != NULL)
		return excl ? RUMP_EEXIST : RUMP_ENOENT;
	if (error == RUMP_ENOENT)
		error = make_file(o, hfd);
	if (error == RUMP_EEXIST && !excl)
		error = path_open(o->p, o->atfd, o->path, &o->how, hfd);
	return error;
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
		error = kern_backoff(l, &round);
		if (error != 0)
			return error;
	}
	return 0;
}

/* What kind of open file this is; ENXIO and the like for what is not served. */
static int
classify(const struct hostkern *hk, int hfd, const struct stat *st,
    enum file_type *type)
{
	struct statfs fs;

	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		*type = FILE_DEV;
		return dev_permitted(st->st_rdev) && S_ISCHR(st->st_mode) ?
		    0 : RUMP_ENXIO;
	}
	if (S_ISFIFO(st->st_mode)) {
		*type = FILE_FIFO;
		return 0;
	}
	*type = FILE_VNODE;
	/* A proc file system in the root would show the server's memory. */
	if (st->st_dev != hk->rootdev && S_ISREG(st->st_mode) &&
	    fstatfs(hfd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return RUMP_EACCES;
	return 0;
}

int
open_hfd(struct file *f, int hfd)
{
	enum file_type type = FILE_VNODE;
	struct stat st;
	int error;

	if (fstat(hfd, &st) != 0)
		error = kern_errno();
	else
		error = classify(f->hk, hfd, &st, &type);
	if (error != 0) {
		close(hfd);
		return error;
	}
	f->type = type;
	f->traits = type == FILE_VNODE ? 0 : FILE_SLOW;
	f->hfd = hfd;
	f->hdev = st.st_dev;
	f->hino = st.st_ino;
	error = inode_enter(f);
	if (error == 0 && type == FILE_FIFO)
		kern_nudge(f->hk);
	return error;
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

/* Opens it for f; a device of ours where the root has none. */
static int
open_file(struct opening *o, struct file *f)
{
	const struct synthdev *dev;
	int error, hfd;

	error = open_host(o, &hfd);
	if (error == 0)
		return open_hfd(f, hfd);
	if (error == RUMP_ENOENT) {
		dev = dev_find(o->p, o->atfd, o->path);
		if (dev != NULL && (o->how.flags & O_DIRECTORY) != 0)
			return RUMP_ENOTDIR;
		if (dev != NULL)
			return dev_open(dev, f);
	}
	return translate_error(o, error);
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
		error = restrict_read_only(&o);
	if (error == 0)
		error = host_flags(o.flags, &o.how);
	if (error != 0)
		return error;
	if ((o.flags & RUMP_O_CREAT) != 0)
		o.how.mode = mode & ~proc_umask(o.p) & RUMP_ALLPERMS &
		    ~(mode_t)RUMP_S_ISTXT;

	error = open_begin(o.p, o.flags, &f);
	if (error != 0)
		return error;
	error = open_file(&o, f);
	if (error == 0)
		error = open_finish(l, f, o.flags);
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
