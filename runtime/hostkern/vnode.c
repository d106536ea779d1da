/*
 * Offsets, lengths, storage and flock of open files.
 */
#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/lock.h"
#include "hostkern/open.h"
#include "hostkern/path.h"

int
sys_lseek(struct lwp *l, const struct sys_lseek_args *uap, register_t *retval)
{
	struct file *f;
	off_t off;
	int error;

	error = fd_get(kern_proc(l), uap->fd, &f);
	if (error != 0)
		return error;
	/* The three that NetBSD has are the same numbers on Linux. */
	if (f->type != FILE_VNODE && f->type != FILE_DEV)
		error = RUMP_ESPIPE;
	else if (uap->whence < RUMP_SEEK_SET || uap->whence > RUMP_SEEK_END)
		error = RUMP_EINVAL;
	else if ((off = lseek(f->hfd, uap->offset, uap->whence)) == -1)
		error = kern_errno();
	else
		retval[0] = off;
	file_put(f);
	return error;
}

int
sys_truncate(struct lwp *l, const struct sys_truncate_args *uap,
    register_t *retval)
{
	char proc[PATH_PROCFD];
	struct nameref n;
	int error;

	(void)retval;
	if (uap->length < 0)
		return RUMP_EINVAL;
	error = path_modify(l, RUMP_AT_FDCWD, uap->path, 0, &n);
	if (error != 0)
		return error;
	path_procfd(proc, n.fd);
	error = file_check_size(l, (uint64_t)uap->length);
	if (error == 0 && truncate(proc, uap->length) != 0)
		error = kern_errno();
	nameref_close(&n);
	return error;
}

int
sys_ftruncate(struct lwp *l, const struct sys_ftruncate_args *uap,
    register_t *retval)
{
	struct file *f;
	int error;

	(void)retval;
	error = fd_get(kern_proc(l), uap->fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_VNODE ||
	    (atomic_load(&f->flags) & RUMP_O_ACCMODE) == RUMP_O_RDONLY)
		error = RUMP_EINVAL;
	else if (uap->length > 0)
		error = file_check_size(l, (uint64_t)uap->length);
	if (error == 0)
		error = cred_assume(kern_proc(l));
	if (error == 0 && ftruncate(f->hfd, uap->length) != 0)
		error = kern_errno();
	file_put(f);
	return error;
}

/* --- to the disk --- */

enum flush { FLUSH_DATA, FLUSH_FILE };

static int
do_fsync(struct lwp *l, int fd, enum flush what, bool written)
{
	struct file *f;
	int error, r;

	error = written ? fd_getwrite(kern_proc(l), fd, &f) :
	    fd_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	if (f->type == FILE_VNODE) {
		rumpserver_block(l);
		r = what == FLUSH_DATA ? fdatasync(f->hfd) : fsync(f->hfd);
		error = r != 0 ? kern_errno() : 0;
		rumpserver_unblock(l);
	} else if (f->type != FILE_DEV && f->type != FILE_FIFO &&
	    f->type != FILE_CONSOLE)
		error = RUMP_EINVAL;
	file_put(f);
	return error;
}

int
sys_fsync(struct lwp *l, const struct sys_fsync_args *uap, register_t *retval)
{

	(void)retval;
	return do_fsync(l, uap->fd, FLUSH_FILE, false);
}

int
sys_fdatasync(struct lwp *l, const struct sys_fdatasync_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_fsync(l, uap->fd, FLUSH_DATA, true);
}

/* The range is a hint that the host's calls do not take. */
int
sys_fsync_range(struct lwp *l, const struct sys_fsync_range_args *uap,
    register_t *retval)
{
	const int kinds = RUMP_FDATASYNC | RUMP_FFILESYNC;

	(void)retval;
	if ((uap->flags & ~(kinds | RUMP_FDISKSYNC)) != 0 ||
	    (uap->flags & kinds) == kinds || (uap->flags & kinds) == 0)
		return RUMP_EINVAL;
	if (uap->start < 0 || uap->length < 0 ||
	    (uap->length != 0 && uap->start > INT64_MAX - uap->length))
		return RUMP_EINVAL;
	return do_fsync(l, uap->fd, (uap->flags & RUMP_FDATASYNC) != 0 ?
	    FLUSH_DATA : FLUSH_FILE, true);
}

/* The served root's file system. */
int
sys_sync(struct lwp *l, const void *v, register_t *retval)
{
	struct hostkern *hk = kern_proc(l)->hk;
	int fd;

	(void)v;
	(void)retval;
	if (cred_assume_server(hk) != 0)
		return RUMP_ENOMEM;
	fd = openat(hk->root->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	rumpserver_block(l);
	(void)syncfs(fd);
	rumpserver_unblock(l);
	close(fd);
	return 0;
}

/* --- storage --- */

static bool
good_range(int64_t pos, int64_t len)
{

	return pos >= 0 && len > 0 && pos <= INT64_MAX - len;
}

static int
do_fallocate(struct lwp *l, int fd, int mode, int64_t pos, int64_t len)
{
	struct file *f;
	struct stat st;
	int error;

	if (pos < 0 || len <= 0)
		return RUMP_EINVAL;
	if (!good_range(pos, len))
		return RUMP_EFBIG;
	error = fd_getwrite(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	if (f->type == FILE_PIPE || f->type == FILE_FIFO)
		error = RUMP_ESPIPE;
	else if (f->type != FILE_VNODE || fstat(f->hfd, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		error = RUMP_ENODEV;
	else if (mode == 0)
		error = file_check_size(l, (uint64_t)(pos + len));
	if (error == 0)
		error = cred_assume(kern_proc(l));
	if (error == 0 && fallocate(f->hfd, mode, pos, len) != 0)
		error = kern_errno();
	file_put(f);
	return error;
}

/* The errno is the result. */
int
sys_posix_fallocate(struct lwp *l, const struct sys_posix_fallocate_args *uap,
    register_t *retval)
{

	retval[0] = do_fallocate(l, uap->fd, 0, uap->pos, uap->len);
	return 0;
}

int
sys_fdiscard(struct lwp *l, const struct sys_fdiscard_args *uap,
    register_t *retval)
{

	(void)retval;
	return do_fallocate(l, uap->fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, uap->pos, uap->len);
}

static int
do_fadvise(struct lwp *l, int fd, int64_t off, int64_t len, int advice)
{
	struct file *f;
	int error;

	if (len < 0 || advice < RUMP_POSIX_FADV_NORMAL ||
	    advice > RUMP_POSIX_FADV_NOREUSE)
		return RUMP_EINVAL;
	error = fd_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	if (f->type == FILE_PIPE || f->type == FILE_FIFO)
		error = RUMP_ESPIPE;
	else if (f->type != FILE_VNODE)
		error = RUMP_EBADF;
	else	/* the advices are the same numbers on Linux/amd64 */
		error = rump_conv_errno_from_host(
		    posix_fadvise(f->hfd, off, len, advice));
	file_put(f);
	return error;
}

/* Likewise. */
int
sys___posix_fadvise50(struct lwp *l,
    const struct sys___posix_fadvise50_args *uap, register_t *retval)
{

	retval[0] = do_fadvise(l, uap->fd, uap->offset, uap->len,
	    uap->advice);
	return 0;
}

/* --- flock --- */

static int
flock_how(int how, int *host)
{

	switch (how & ~RUMP_LOCK_NB) {
	case RUMP_LOCK_SH:
		*host = LOCK_SH;
		return 0;
	case RUMP_LOCK_EX:
		*host = LOCK_EX;
		return 0;
	case RUMP_LOCK_UN:
		*host = LOCK_UN;
		return 0;
	default:
		return RUMP_EINVAL;
	}
}

int
sys_flock(struct lwp *l, const struct sys_flock_args *uap, register_t *retval)
{
	struct file *f;
	int error, how;

	(void)retval;
	error = fd_get(kern_proc(l), uap->fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_VNODE && f->type != FILE_FIFO &&
	    f->type != FILE_DEV)
		error = RUMP_EOPNOTSUPP;
	else
		error = flock_how(uap->how, &how);
	if (error == 0)
		error = file_flock(l, f, how,
		    (uap->how & RUMP_LOCK_NB) != 0);
	file_put(f);
	return error;
}
