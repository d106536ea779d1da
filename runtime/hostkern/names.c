/*
 * Calls that make, remove and rename names: mkdir, mknod, link, symlink,
 * unlink, rename and theirs.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/dev.h"
#include "hostkern/path.h"

/*
 * The place for a new name.  EEXIST when it cannot be new; ENOENT for a slash
 * after the name of what is no directory.
 */
static int
place_for(struct lwp *l, int atfd, const char *path, bool isdir,
    struct parentref *r)
{
	int error;

	error = path_parent(l, atfd, path, r);
	if (error != 0)
		return error;
	if (r->last != LAST_NAME)
		error = RUMP_EEXIST;
	else if (kern_proc(l)->hk->read_only)
		error = parentref_exists(r) ? RUMP_EEXIST : RUMP_EROFS;
	else if (r->slash && !isdir)
		error = parentref_exists(r) ? RUMP_EEXIST : RUMP_ENOENT;
	if (error != 0)
		parentref_close(r);
	return error;
}

/* The same, the name coming from the client. */
static int
place_copyin(struct lwp *l, int atfd, rump_uaddr_t upath, bool isdir,
    struct parentref *r)
{
	char path[KERN_PATHLEN];
	int error;

	error = path_copyin(l, upath, path);
	if (error != 0)
		return error;
	return place_for(l, atfd, path, isdir, r);
}

/* --- mkdir, mkfifo, mknod --- */

static int
do_mkdir(struct lwp *l, int atfd, rump_uaddr_t upath, mode_t mode)
{
	struct kproc *p = kern_proc(l);
	struct parentref r;
	int error;

	error = place_copyin(l, atfd, upath, true, &r);
	if (error != 0)
		return error;
	mode &= RUMP_ACCESSPERMS & ~proc_umask(p);
	if (path_assume_maker(p, r.fd, &mode) != 0 ||
	    mkdirat(r.fd, r.name, mode) != 0)
		error = kern_errno();
	parentref_close(&r);
	return error;
}

int
sys_mkdir(struct lwp *l, const struct sys_mkdir_args *uap, register_t *retval)
{

	(void)retval;
	return do_mkdir(l, RUMP_AT_FDCWD, uap->path, uap->mode);
}

int
sys_mkdirat(struct lwp *l, const struct sys_mkdirat_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_mkdir(l, uap->fd, uap->path, uap->mode);
}

/* mode with the type; the device number is the host's. */
static int
make_node(struct lwp *l, int atfd, rump_uaddr_t upath, mode_t mode, dev_t dev)
{
	struct kproc *p = kern_proc(l);
	struct parentref r;
	int error;

	error = place_copyin(l, atfd, upath, false, &r);
	if (error != 0)
		return error;
	mode = (mode & RUMP_S_IFMT) |
	    (mode & RUMP_ALLPERMS & ~proc_umask(p));
	if (path_assume_maker(p, r.fd, &mode) != 0 ||
	    mknodat(r.fd, r.name, mode, dev) != 0)
		error = kern_errno();
	parentref_close(&r);
	return error;
}

int
sys_mkfifo(struct lwp *l, const struct sys_mkfifo_args *uap,
    register_t *retval)
{

	(void)retval;
	return make_node(l, RUMP_AT_FDCWD, uap->path,
	    RUMP_S_IFIFO | (uap->mode & RUMP_ALLPERMS), 0);
}

int
sys_mkfifoat(struct lwp *l, const struct sys_mkfifoat_args *uap,
    register_t *retval)
{

	(void)retval;
	return make_node(l, uap->fd, uap->path,
	    RUMP_S_IFIFO | (uap->mode & RUMP_ALLPERMS), 0);
}

static int
do_mknod(struct lwp *l, int atfd, rump_uaddr_t upath, uint32_t mode,
    uint64_t dev)
{
	int error;

	switch (mode & RUMP_S_IFMT) {
	case RUMP_S_IFIFO:
		return make_node(l, atfd, upath, mode, 0);
	case RUMP_S_IFREG:
		dev = 0;
		break;
	case RUMP_S_IFCHR:
	case RUMP_S_IFBLK:
		break;
	case RUMP_S_IFWHT:
		return RUMP_EOPNOTSUPP;
	default:
		return RUMP_EINVAL;
	}
	error = cred_suser(kern_proc(l));
	if (error != 0)
		return error;
	return make_node(l, atfd, upath, mode, dev_to_host(dev));
}

int
sys___mknod50(struct lwp *l, const struct sys___mknod50_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_mknod(l, RUMP_AT_FDCWD, uap->path, uap->mode, uap->dev);
}

int
compat_50_sys_mknod(struct lwp *l, const struct compat_50_sys_mknod_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_mknod(l, RUMP_AT_FDCWD, uap->path, uap->mode, uap->dev);
}

int
sys_mknodat(struct lwp *l, const struct sys_mknodat_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_mknod(l, uap->fd, uap->path, uap->mode, uap->dev);
}

/* --- links --- */

/* By way of /proc, as linkat(2) of an O_PATH descriptor wants privileges. */
static int
link_fd(int fd, const struct parentref *r)
{
	char proc[PATH_PROCFD];

	path_procfd(proc, fd);
	if (linkat(AT_FDCWD, proc, r->fd, r->name, AT_SYMLINK_FOLLOW) != 0)
		return kern_errno();
	return 0;
}

static int
do_link(struct lwp *l, int fd1, rump_uaddr_t uname1, int fd2,
    rump_uaddr_t uname2, bool follow)
{
	struct kproc *p = kern_proc(l);
	char name1[KERN_PATHLEN], name2[KERN_PATHLEN];
	struct parentref r;
	struct nameref n;
	int error;

	error = path_copyin(l, uname1, name1);
	if (error == 0)
		error = path_lookup(l, fd1, name1, follow ? 0 : PATH_NOFOLLOW,
		    &n);
	if (error != 0)
		return error;
	error = path_copyin(l, uname2, name2);
	if (error == 0)
		error = place_for(l, fd2, name2, false, &r);
	if (error != 0)
		goto out;
	error = cred_assume(p);
	if (error == 0)
		error = n.dev != NULL ? RUMP_EXDEV : link_fd(n.fd, &r);
	parentref_close(&r);
out:
	nameref_close(&n);
	return error;
}

int
sys_link(struct lwp *l, const struct sys_link_args *uap, register_t *retval)
{

	(void)retval;
	return do_link(l, RUMP_AT_FDCWD, uap->path, RUMP_AT_FDCWD, uap->link,
	    true);
}

int
sys_linkat(struct lwp *l, const struct sys_linkat_args *uap,
    register_t *retval)
{

	(void)retval;
	if ((uap->flags & ~RUMP_AT_SYMLINK_FOLLOW) != 0)
		return RUMP_EINVAL;
	return do_link(l, uap->fd1, uap->name1, uap->fd2, uap->name2,
	    (uap->flags & RUMP_AT_SYMLINK_FOLLOW) != 0);
}

static int
do_symlink(struct lwp *l, rump_uaddr_t utarget, int atfd, rump_uaddr_t upath)
{
	char target[KERN_PATHLEN];
	struct parentref r;
	mode_t mode = 0;	/* links have none of their own */
	int error;

	error = rumpserver_copyinstr(l, utarget, target, sizeof(target),
	    NULL);
	if (error == 0)
		error = place_copyin(l, atfd, upath, false, &r);
	if (error != 0)
		return error;
	if (path_assume_maker(kern_proc(l), r.fd, &mode) != 0 ||
	    symlinkat(target, r.fd, r.name) != 0)
		error = kern_errno();
	parentref_close(&r);
	return error;
}

int
sys_symlink(struct lwp *l, const struct sys_symlink_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_symlink(l, uap->path, RUMP_AT_FDCWD, uap->link);
}

int
sys_symlinkat(struct lwp *l, const struct sys_symlinkat_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_symlink(l, uap->path1, uap->fd, uap->path2);
}

static int
do_readlink(struct lwp *l, int atfd, rump_uaddr_t upath, rump_uaddr_t buf,
    uint64_t size, register_t *retval)
{
	char path[KERN_PATHLEN], target[PATH_MAX];
	struct nameref n;
	struct stat st;
	ssize_t len;
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup(l, atfd, path, PATH_NOFOLLOW,
		    &n);
	if (error != 0)
		return error;
	/* readlinkat(2) of a descriptor says ENOENT for what is no link. */
	if (fstat(n.fd, &st) != 0)
		error = kern_errno();
	else if (!S_ISLNK(st.st_mode))
		error = RUMP_EINVAL;
	if (error != 0)
		goto out;
	len = readlinkat(n.fd, "", target, sizeof(target));
	if (len == -1) {
		error = kern_errno();
		goto out;
	}
	if ((uint64_t)len > size)
		len = (ssize_t)size;
	retval[0] = len;
	error = rumpserver_copyout(l, target, buf, (size_t)len);
out:
	nameref_close(&n);
	return error;
}

int
sys_readlink(struct lwp *l, const struct sys_readlink_args *uap,
    register_t *retval)
{

	return do_readlink(l, RUMP_AT_FDCWD, uap->path, uap->buf, uap->count,
	    retval);
}

int
sys_readlinkat(struct lwp *l, const struct sys_readlinkat_args *uap,
    register_t *retval)
{

	return do_readlink(l, uap->fd, uap->path, uap->buf, uap->bufsize,
	    retval);
}

/* --- removing --- */

/* What is not a name of its own in a directory cannot be removed. */
static int
removable(const struct parentref *r, bool dir)
{

	switch (r->last) {
	case LAST_ROOT:
		return RUMP_EBUSY;
	case LAST_DOT:
		return dir ? RUMP_EINVAL : RUMP_EPERM;
	case LAST_DOTDOT:
		return dir ? RUMP_ENOTEMPTY : RUMP_EPERM;
	default:
		return 0;
	}
}

/* A slash after the name says that it is a directory. */
static int
check_slash(const struct parentref *r)
{
	struct stat st;

	if (!r->slash)
		return 0;
	if (fstatat(r->fd, r->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return kern_errno();
	return S_ISDIR(st.st_mode) ? 0 : RUMP_ENOTDIR;
}

static int
remove_name(struct kproc *p, const struct parentref *r, bool dir)
{
	int error;

	error = removable(r, dir);
	if (error == 0)
		error = check_slash(r);
	if (error != 0)
		return error;
	if (p->hk->read_only)
		return parentref_exists(r) ? RUMP_EROFS : RUMP_ENOENT;
	if (unlinkat(r->fd, r->name, dir ? AT_REMOVEDIR : 0) == 0)
		return 0;
	if (!dir && errno == EISDIR)
		return RUMP_EPERM;
	return kern_errno();
}

static int
do_unlink(struct lwp *l, int atfd, rump_uaddr_t upath, bool dir)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	struct parentref r;
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_parent(l, atfd, path, &r);
	if (error != 0)
		return error;
	error = remove_name(p, &r, dir);
	parentref_close(&r);
	return error;
}

int
sys_unlink(struct lwp *l, const struct sys_unlink_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_unlink(l, RUMP_AT_FDCWD, uap->path, false);
}

int
sys_rmdir(struct lwp *l, const struct sys_rmdir_args *uap, register_t *retval)
{

	(void)retval;
	return do_unlink(l, RUMP_AT_FDCWD, uap->path, true);
}

int
sys_unlinkat(struct lwp *l, const struct sys_unlinkat_args *uap,
    register_t *retval)
{

	(void)retval;
	if ((uap->flag & ~RUMP_AT_REMOVEDIR) != 0)
		return RUMP_EINVAL;
	return do_unlink(l, uap->fd, uap->path,
	    (uap->flag & RUMP_AT_REMOVEDIR) != 0);
}

/* --- renaming --- */

static int
renamable(const struct parentref *r)
{

	if (r->last == LAST_ROOT)
		return RUMP_EBUSY;
	return r->last == LAST_NAME ? 0 : RUMP_EINVAL;
}

/*
 * Two names of one file: POSIX's rename does nothing, NetBSD's own removes
 * the old one.
 */
static bool
two_names(const struct parentref *from, const struct stat *a,
    const struct parentref *to)
{
	struct stat b, da, db;

	if (fstatat(to->fd, to->name, &b, AT_SYMLINK_NOFOLLOW) != 0 ||
	    a->st_dev != b.st_dev || a->st_ino != b.st_ino)
		return false;
	if (fstat(from->fd, &da) != 0 || fstat(to->fd, &db) != 0)
		return false;
	return da.st_dev != db.st_dev || da.st_ino != db.st_ino ||
	    strcmp(from->name, to->name) != 0;
}

static int
rename_names(struct kproc *p, const struct parentref *from,
    const struct parentref *to, bool posix)
{
	struct stat st;
	int error;

	error = renamable(from);
	if (error == 0)
		error = renamable(to);
	if (error != 0)
		return error;
	if (fstatat(from->fd, from->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return kern_errno();
	if ((from->slash || to->slash) && !S_ISDIR(st.st_mode))
		return RUMP_ENOTDIR;
	if (p->hk->read_only)
		return RUMP_EROFS;
	if (!posix && !S_ISDIR(st.st_mode) && two_names(from, &st, to))
		return unlinkat(from->fd, from->name, 0) != 0 ?
		    kern_errno() : 0;
	if (renameat(from->fd, from->name, to->fd, to->name) != 0)
		return kern_errno();
	return 0;
}

static int
do_rename(struct lwp *l, int fromfd, rump_uaddr_t ufrom, int tofd,
    rump_uaddr_t uto, bool posix)
{
	struct kproc *p = kern_proc(l);
	char frompath[KERN_PATHLEN], topath[KERN_PATHLEN];
	struct parentref from, to;
	int error;

	error = path_copyin(l, ufrom, frompath);
	if (error == 0)
		error = path_copyin(l, uto, topath);
	if (error == 0)
		error = path_parent(l, fromfd, frompath, &from);
	if (error != 0)
		return error;
	error = path_parent(l, tofd, topath, &to);
	if (error == 0) {
		error = rename_names(p, &from, &to, posix);
		parentref_close(&to);
	}
	parentref_close(&from);
	return error;
}

int
sys_rename(struct lwp *l, const struct sys_rename_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_rename(l, RUMP_AT_FDCWD, uap->from, RUMP_AT_FDCWD, uap->to,
	    false);
}

int
sys___posix_rename(struct lwp *l, const struct sys___posix_rename_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_rename(l, RUMP_AT_FDCWD, uap->from, RUMP_AT_FDCWD, uap->to,
	    true);
}

int
sys_renameat(struct lwp *l, const struct sys_renameat_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_rename(l, uap->fromfd, uap->from, uap->tofd, uap->to,
	    false);
}
