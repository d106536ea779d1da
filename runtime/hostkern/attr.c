/*
 * Calls that ask for or change what is said of a file: access, chmod, chown,
 * chflags, utimes and theirs.
 */
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/dev.h"
#include "hostkern/inode.h"
#include "hostkern/path.h"

static int
nofollow_flag(int atflags)
{

	return (atflags & RUMP_AT_SYMLINK_NOFOLLOW) != 0 ? PATH_NOFOLLOW : 0;
}

/* --- access --- */

static int
check_access(struct kproc *p, struct nameref *n, int mode)
{
	struct stat st;

	if ((mode & RUMP_W_OK) != 0 && p->hk->read_only && n->dev == NULL) {
		if (fstat(n->fd, &st) != 0)
			return kern_errno();
		if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) ||
		    S_ISLNK(st.st_mode))
			return RUMP_EROFS;
	}
	/* R_OK and the others are the same numbers on Linux. */
	if (faccessat(n->fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) != 0)
		return kern_errno();
	return 0;
}

static int
do_access(struct lwp *l, int atfd, rump_uaddr_t upath, int mode, int flags)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	struct nameref n;
	int error;

	if ((mode & ~(RUMP_R_OK | RUMP_W_OK | RUMP_X_OK)) != 0 ||
	    (flags & ~(RUMP_AT_EACCESS | RUMP_AT_SYMLINK_NOFOLLOW)) != 0)
		return RUMP_EINVAL;
	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup_as(l, (flags & RUMP_AT_EACCESS) == 0,
		    atfd, path, nofollow_flag(flags), &n);
	if (error != 0)
		return error;
	error = check_access(p, &n, mode);
	nameref_close(&n);
	return error;
}

int
sys_access(struct lwp *l, const struct sys_access_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_access(l, RUMP_AT_FDCWD, uap->path, uap->flags, 0);
}

int
sys_faccessat(struct lwp *l, const struct sys_faccessat_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_access(l, uap->fd, uap->path, uap->amode, uap->flag);
}

/* --- chmod --- */

/* What NetBSD refuses to all but the superuser, where Linux drops bits. */
static int
check_mode_bits(struct kproc *p, const struct stat *st, uint32_t mode)
{
	struct kcred *c = cred_get(p);
	int error = 0;

	if (c->euid != 0) {
		if ((mode & RUMP_S_ISTXT) != 0 && !S_ISDIR(st->st_mode))
			error = RUMP_EFTYPE;
		else if ((mode & RUMP_S_ISGID) != 0 &&
		    !cred_ingroup(c, st->st_gid))
			error = RUMP_EPERM;
	}
	cred_put(c);
	return error;
}

static int
chmod_fd(int fd, mode_t mode)
{
	char proc[PATH_PROCFD];

	path_procfd(proc, fd);
	return chmod(proc, mode) != 0 ? kern_errno() : 0;
}

/* `error` is that of the look-up; closes the reference. */
static int
finish_chmod(struct lwp *l, int error, struct nameref *n, uint32_t mode)
{
	struct kproc *p = kern_proc(l);
	struct stat st;

	if (error != 0)
		return error;
	mode &= RUMP_ALLPERMS;
	if (fstat(n->fd, &st) != 0)
		error = kern_errno();
	else
		error = check_mode_bits(p, &st, mode);
	if (error == 0)
		error = chmod_fd(n->fd, mode);
	nameref_close(n);
	return error;
}

int
sys_chmod(struct lwp *l, const struct sys_chmod_args *uap, register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chmod(l, path_modify(l, RUMP_AT_FDCWD, uap->path, 0,
	    &n), &n, uap->mode);
}

/* @partial sys_lchmod: symbolic links have no mode on the host: EOPNOTSUPP for them */
int
sys_lchmod(struct lwp *l, const struct sys_lchmod_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chmod(l, path_modify(l, RUMP_AT_FDCWD, uap->path,
	    PATH_NOFOLLOW, &n), &n, uap->mode);
}

int
sys_fchmod(struct lwp *l, const struct sys_fchmod_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chmod(l, path_modify_fd(l, uap->fd, &n), &n, uap->mode);
}

int
sys_fchmodat(struct lwp *l, const struct sys_fchmodat_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	if ((uap->flag & ~RUMP_AT_SYMLINK_NOFOLLOW) != 0)
		return RUMP_EINVAL;
	return finish_chmod(l, path_modify(l, uap->fd, uap->path,
	    nofollow_flag(uap->flag), &n), &n, uap->mode);
}

/* --- chown --- */

/*
 * The set-id bits after a change of owner.  NetBSD's own chown clears the bit
 * of what was given, be it the present one; POSIX's clears both unless the
 * superuser asks.
 */
static mode_t
mode_after(const struct stat *st, uint32_t uid, uint32_t gid, bool posix,
    bool suser)
{
	const uint32_t same = (uint32_t)-1;
	mode_t mode = st->st_mode & RUMP_ALLPERMS;

	if (posix)
		return suser ? mode : mode & ~(mode_t)(S_ISUID | S_ISGID);
	if (uid != same)
		mode &= ~(mode_t)S_ISUID;
	if (gid != same)
		mode &= ~(mode_t)S_ISGID;
	return mode;
}

static int
chown_fd(struct kproc *p, int fd, uint32_t uid, uint32_t gid, bool posix)
{
	struct stat before, after;
	mode_t mode;

	if (fstat(fd, &before) != 0)
		return kern_errno();
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		return kern_errno();
	if (S_ISLNK(before.st_mode) || fstat(fd, &after) != 0)
		return 0;
	mode = mode_after(&before, uid, gid, posix, cred_suser(p) == 0);
	if (mode != (after.st_mode & RUMP_ALLPERMS))
		return chmod_fd(fd, mode);
	return 0;
}

static int
finish_chown(struct lwp *l, int error, struct nameref *n, uint32_t uid,
    uint32_t gid, bool posix)
{

	if (error != 0)
		return error;
	error = chown_fd(kern_proc(l), n->fd, uid, gid, posix);
	nameref_close(n);
	return error;
}

static int
chown_path(struct lwp *l, int atfd, rump_uaddr_t path, uint32_t uid,
    uint32_t gid, int lookup, bool posix)
{
	struct nameref n;

	return finish_chown(l, path_modify(l, atfd, path, lookup, &n), &n,
	    uid, gid, posix);
}

int
sys_chown(struct lwp *l, const struct sys_chown_args *uap, register_t *retval)
{

	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, uap->path, uap->uid, uap->gid, 0,
	    false);
}

int
sys_lchown(struct lwp *l, const struct sys_lchown_args *uap,
    register_t *retval)
{

	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, uap->path, uap->uid, uap->gid,
	    PATH_NOFOLLOW, false);
}

int
sys_fchown(struct lwp *l, const struct sys_fchown_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chown(l, path_modify_fd(l, uap->fd, &n), &n, uap->uid,
	    uap->gid, false);
}

int
sys___posix_chown(struct lwp *l, const struct sys___posix_chown_args *uap,
    register_t *retval)
{

	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, uap->path, uap->uid, uap->gid, 0,
	    true);
}

int
sys___posix_lchown(struct lwp *l, const struct sys___posix_lchown_args *uap,
    register_t *retval)
{

	(void)retval;
	return chown_path(l, RUMP_AT_FDCWD, uap->path, uap->uid, uap->gid,
	    PATH_NOFOLLOW, true);
}

int
sys___posix_fchown(struct lwp *l, const struct sys___posix_fchown_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chown(l, path_modify_fd(l, uap->fd, &n), &n, uap->uid,
	    uap->gid, true);
}

int
sys_fchownat(struct lwp *l, const struct sys_fchownat_args *uap,
    register_t *retval)
{

	(void)retval;
	if ((uap->flag & ~RUMP_AT_SYMLINK_NOFOLLOW) != 0)
		return RUMP_EINVAL;
	return chown_path(l, uap->fd, uap->path, uap->owner, uap->group,
	    nofollow_flag(uap->flag), false);
}

/* --- chflags: as far as the host's file systems have such flags --- */

static int
host_fsflags(uint64_t flags, int *host)
{
	const uint64_t known = RUMP_UF_NODUMP | RUMP_UF_IMMUTABLE |
	    RUMP_UF_APPEND | RUMP_SF_IMMUTABLE | RUMP_SF_APPEND;

	if ((flags & ~known) != 0)
		return RUMP_EOPNOTSUPP;
	*host = 0;
	if ((flags & RUMP_UF_NODUMP) != 0)
		*host |= FS_NODUMP_FL;
	if ((flags & (RUMP_UF_IMMUTABLE | RUMP_SF_IMMUTABLE)) != 0)
		*host |= FS_IMMUTABLE_FL;
	if ((flags & (RUMP_UF_APPEND | RUMP_SF_APPEND)) != 0)
		*host |= FS_APPEND_FL;
	return 0;
}

/*
 * The ioctls want the file open, which a device or a fifo would notice, and
 * have no flags for; a file system without such flags says ENOTTY.
 *
 * Its owner need not be able to read it: then the server opens it for him.  That
 * is nothing that he could not do by a chmod and another back: whose it is was
 * asked of the same descriptor, nothing is read, and the ioctls are made with
 * his rights, by which the host decides again.
 */
static int
set_fsflags(struct kproc *p, int fd, mode_t mode, int flags)
{
	const int ours = FS_NODUMP_FL | FS_IMMUTABLE_FL | FS_APPEND_FL;
	const int how = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char proc[PATH_PROCFD];
	int error = 0, hfd, old = 0;

	if (!S_ISREG(mode) && !S_ISDIR(mode))
		return RUMP_EOPNOTSUPP;
	path_procfd(proc, fd);
	hfd = cred_assume(p) != 0 ? -1 : open(proc, how);
	if (hfd == -1 && errno == EACCES && cred_assume_server(p->hk) == 0)
		hfd = open(proc, how);
	if (hfd == -1)
		return kern_errno();
	if (cred_assume(p) != 0 || ioctl(hfd, FS_IOC_GETFLAGS, &old) != 0)
		error = errno == ENOTTY ? RUMP_EOPNOTSUPP : kern_errno();
	flags |= old & ~ours;
	if (error == 0 && flags != old &&
	    ioctl(hfd, FS_IOC_SETFLAGS, &flags) != 0)
		error = errno == ENOTTY ? RUMP_EOPNOTSUPP : kern_errno();
	close(hfd);
	return error;
}

static int
finish_chflags(struct lwp *l, int error, struct nameref *n, uint64_t flags)
{
	struct kproc *p = kern_proc(l);
	struct kcred *c;
	struct stat st;
	int host;

	if (error != 0)
		return error;
	c = cred_get(p);
	error = host_fsflags(flags, &host);
	if (error == 0 && fstat(n->fd, &st) != 0)
		error = kern_errno();
	if (error == 0 && c->euid != 0 &&
	    (c->euid != st.st_uid || (flags & RUMP_SF_SETTABLE) != 0))
		error = RUMP_EPERM;
	if (error == 0)
		error = set_fsflags(p, n->fd, st.st_mode, host);
	cred_put(c);
	nameref_close(n);
	return error;
}

/* @partial sys_chflags: nodump, immutable and append-only, where the host's file system has them; EOPNOTSUPP for other flags */
int
sys_chflags(struct lwp *l, const struct sys_chflags_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chflags(l, path_modify(l, RUMP_AT_FDCWD, uap->path, 0,
	    &n), &n, uap->flags);
}

/* @partial sys_lchflags: as chflags */
int
sys_lchflags(struct lwp *l, const struct sys_lchflags_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chflags(l, path_modify(l, RUMP_AT_FDCWD, uap->path,
	    PATH_NOFOLLOW, &n), &n, uap->flags);
}

/* @partial sys_fchflags: as chflags */
int
sys_fchflags(struct lwp *l, const struct sys_fchflags_args *uap,
    register_t *retval)
{
	struct nameref n;

	(void)retval;
	return finish_chflags(l, path_modify_fd(l, uap->fd, &n), &n,
	    uap->flags);
}

/* --- revoke --- */

/* @partial sys_revoke: takes the file from the guests of this server, not from the host's other processes */
int
sys_revoke(struct lwp *l, const struct sys_revoke_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	uint64_t hdev, hino;
	struct nameref n;
	struct kcred *c;
	struct stat st;
	int error;

	(void)retval;
	error = path_copyin(l, uap->path, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &n);
	if (error != 0)
		return error;
	c = cred_get(p);
	if (fstat(n.fd, &st) != 0)
		error = kern_errno();
	else if (c->euid != 0 && (n.dev != NULL || c->euid != st.st_uid))
		error = RUMP_EPERM;
	cred_put(c);
	hdev = st.st_dev;
	hino = st.st_ino;
	if (n.dev != NULL)
		dev_numbers(n.dev, &hdev, &hino);
	if (error == 0)
		inode_revoke(p->hk, hdev, hino);
	nameref_close(&n);
	return error;
}
