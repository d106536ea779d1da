/*
 * stat and its family, in today's structure and that of before NetBSD 6.
 */
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fcntl.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/dev.h"
#include "hostkern/path.h"
#include "hostkern/stat.h"

static bool
is_device(const struct statx *sx)
{

	return S_ISCHR(sx->stx_mode) || S_ISBLK(sx->stx_mode);
}

int
stat_hfd(int hfd, struct rump_stat *st)
{
	struct statx sx;

	if (statx(hfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME,
	    &sx) != 0)
		return kern_errno();
	rump_conv_stat_from_statx(&sx, st);
	if (is_device(&sx))
		st->st_rdev = dev_from_host(makedev(sx.stx_rdev_major,
		    sx.stx_rdev_minor));
	return 0;
}

int
stat_path(struct lwp *l, int atfd, rump_uaddr_t upath, bool follow,
    struct rump_stat *st)
{
	char path[KERN_PATHLEN];
	struct nameref n;
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup(l, atfd, path,
		    follow ? 0 : PATH_NOFOLLOW, &n);
	if (error != 0)
		return error;
	if (n.dev != NULL)
		dev_stat(n.dev, st);
	else
		error = stat_hfd(n.fd, st);
	nameref_close(&n);
	return error;
}

int
stat_file(struct file *f, struct rump_stat *st)
{

	if (f->ops != NULL && f->ops->stat != NULL)
		return f->ops->stat(f, st);
	if (f->dev != NULL) {
		dev_stat(f->dev, st);
		return 0;
	}
	return stat_hfd(f->hfd, st);
}

static int
stat_fd(struct lwp *l, int fd, struct rump_stat *st)
{
	struct file *f;
	int error;

	error = fd_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	error = stat_file(f, st);
	file_put(f);
	return error;
}

int
stat_copyout(struct lwp *l, int error, const struct rump_stat *st,
    rump_uaddr_t uaddr)
{

	if (error != 0)
		return error;
	return rumpserver_copyout(l, st, uaddr, sizeof(*st));
}

int
stat_copyout30(struct lwp *l, int error, const struct rump_stat *st,
    rump_uaddr_t uaddr)
{
	struct rump_stat30 old;

	if (error != 0)
		return error;
	rump_conv_stat_to_stat30(st, &old);
	return rumpserver_copyout(l, &old, uaddr, sizeof(old));
}

int
sys___stat50(struct lwp *l, const struct sys___stat50_args *uap,
    register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout(l,
	    stat_path(l, RUMP_AT_FDCWD, uap->path, true, &st), &st, uap->ub);
}

int
sys___lstat50(struct lwp *l, const struct sys___lstat50_args *uap,
    register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout(l,
	    stat_path(l, RUMP_AT_FDCWD, uap->path, false, &st), &st, uap->ub);
}

int
sys___fstat50(struct lwp *l, const struct sys___fstat50_args *uap,
    register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout(l, stat_fd(l, uap->fd, &st), &st, uap->sb);
}

int
sys_fstatat(struct lwp *l, const struct sys_fstatat_args *uap,
    register_t *retval)
{
	struct rump_stat st;
	int error;

	(void)retval;
	if ((uap->flag & ~RUMP_AT_SYMLINK_NOFOLLOW) != 0)
		return RUMP_EINVAL;
	error = stat_path(l, uap->fd, uap->path, uap->flag == 0, &st);
	return stat_copyout(l, error, &st, uap->buf);
}

int
compat_50_sys___stat30(struct lwp *l,
    const struct compat_50_sys___stat30_args *uap, register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout30(l,
	    stat_path(l, RUMP_AT_FDCWD, uap->path, true, &st), &st, uap->ub);
}

int
compat_50_sys___lstat30(struct lwp *l,
    const struct compat_50_sys___lstat30_args *uap, register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout30(l,
	    stat_path(l, RUMP_AT_FDCWD, uap->path, false, &st), &st, uap->ub);
}

int
compat_50_sys___fstat30(struct lwp *l,
    const struct compat_50_sys___fstat30_args *uap, register_t *retval)
{
	struct rump_stat st;

	(void)retval;
	return stat_copyout30(l, stat_fd(l, uap->fd, &st), &st, uap->sb);
}
