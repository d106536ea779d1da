/*
 * Calls about descriptors: close, dup, pipes, fcntl.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/async.h"
#include "hostkern/fdcalls.h"
#include "hostkern/lock.h"

enum {
	/* What F_SETFL sets. */
	SETTABLE = RUMP_O_APPEND | RUMP_O_ASYNC | RUMP_O_SYNC |
	    RUMP_O_NONBLOCK | RUMP_O_DSYNC | RUMP_O_RSYNC | RUMP_O_ALT_IO |
	    RUMP_O_DIRECT | RUMP_O_NOSIGPIPE,
	/* Flags of pipe2 and dup3. */
	DESC_FLAGS = RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE,
};

int
sys_close(struct lwp *l, const struct sys_close_args *uap, register_t *retval)
{

	(void)retval;
	return fd_close(kern_proc(l), uap->fd);
}

/* A second descriptor, not below min, for the file of fd. */
static int
dup_min(struct kproc *p, int fd, int min, bool cloexec, register_t *retval)
{
	struct file *f;
	int error, new;

	error = fd_get(p, fd, &f);
	if (error != 0)
		return error;
	if (min < 0 || (min > 0 &&
	    (uint64_t)min >= proc_rlimit(p, RUMP_RLIMIT_NOFILE))) {
		file_put(f);
		return RUMP_EINVAL;
	}
	error = fd_install(p, &f, min, cloexec, &new);
	if (error == 0)
		retval[0] = new;
	return error;
}

static int
dup_to(struct kproc *p, int from, int to, int flags, register_t *retval)
{
	struct file *f, *installed;
	int error;

	error = fd_get(p, from, &f);
	if (error != 0)
		return error;
	if (to == from || (flags & ~DESC_FLAGS) != 0) {
		file_put(f);
		if (to != from)
			return RUMP_EINVAL;
		retval[0] = to;
		return 0;
	}
	file_ref(f);
	installed = f;
	error = fd_install_at(p, &installed, to,
	    (flags & RUMP_O_CLOEXEC) != 0);
	if (error == 0) {
		atomic_fetch_or(&f->flags, flags & ~RUMP_O_CLOEXEC);
		retval[0] = to;
	}
	file_put(f);
	return error;
}

int
sys_dup(struct lwp *l, const struct sys_dup_args *uap, register_t *retval)
{

	return dup_min(kern_proc(l), uap->fd, 0, false, retval);
}

int
sys_dup2(struct lwp *l, const struct sys_dup2_args *uap, register_t *retval)
{

	return dup_to(kern_proc(l), uap->from, uap->to, 0, retval);
}

int
sys_dup3(struct lwp *l, const struct sys_dup3_args *uap, register_t *retval)
{

	return dup_to(kern_proc(l), uap->from, uap->to, uap->flags, retval);
}

/* --- pipes --- */

/* Two ends without descriptors. */
static int
make_ends(struct kproc *p, int flags, struct file *f[2])
{
	int error, hfd[2];

	flags &= ~RUMP_O_CLOEXEC;
	error = file_make(p, FILE_PIPE, RUMP_O_RDONLY | flags, FILE_SLOW,
	    NULL, &f[0]);
	if (error != 0)
		return error;
	error = file_make(p, FILE_PIPE, RUMP_O_WRONLY | flags, FILE_SLOW,
	    NULL, &f[1]);
	if (error == 0 && pipe2(hfd, O_CLOEXEC | O_NONBLOCK) != 0) {
		error = kern_errno();
		file_put(f[1]);
	}
	if (error != 0) {
		file_put(f[0]);
		return error;
	}
	f[0]->hfd = hfd[0];
	f[1]->hfd = hfd[1];
	return 0;
}

static int
make_pipe(struct lwp *l, int flags, const rump_uaddr_t *uaddr, int fd[2])
{
	struct file *f[2];
	int error;

	if ((flags & ~DESC_FLAGS) != 0)
		return RUMP_EINVAL;
	error = make_ends(kern_proc(l), flags, f);
	if (error != 0)
		return error;
	return fd_install_pair(l, f, (flags & RUMP_O_CLOEXEC) != 0, uaddr, fd);
}

int
sys_pipe(struct lwp *l, const void *v, register_t *retval)
{
	int error, fd[2];

	(void)v;
	error = make_pipe(l, 0, NULL, fd);
	if (error != 0)
		return error;
	retval[0] = fd[0];
	retval[1] = fd[1];
	return 0;
}

/* NetBSD leaves the second descriptor in the second result here, too. */
int
sys_pipe2(struct lwp *l, const struct sys_pipe2_args *uap, register_t *retval)
{
	const rump_uaddr_t fildes = uap->fildes;
	int error, fd[2];

	error = make_pipe(l, uap->flags, &fildes, fd);
	if (error != 0)
		return error;
	retval[0] = 0;
	retval[1] = fd[1];
	return 0;
}

/* --- fcntl --- */

void
file_setfl(struct file *f, int mask, int flags)
{
	int host, old, new;

	old = atomic_load(&f->flags);
	do {
		new = (old & ~mask) | (flags & mask);
	} while (!atomic_compare_exchange_weak(&f->flags, &old, new));

	if (f->type == FILE_VNODE && ((old ^ new) & RUMP_O_APPEND) != 0) {
		host = fcntl(f->hfd, F_GETFL);
		host = (new & RUMP_O_APPEND) != 0 ? host | O_APPEND :
		    host & ~O_APPEND;
		(void)fcntl(f->hfd, F_SETFL, host);
	}
	if ((f->traits & FILE_SLOW) != 0 && ((old ^ new) & RUMP_O_ASYNC) != 0)
		async_changed(f);
	if (f->ops != NULL && f->ops->setfl != NULL)
		f->ops->setfl(f);
}

/* Commands about the open file. */
static int
fcntl_file(struct lwp *l, int fd, struct file *f, int cmd, rump_uaddr_t arg,
    register_t *retval)
{
	int flags = atomic_load(&f->flags);

	switch (cmd) {
	case RUMP_F_GETFL:
		retval[0] = flags;
		return 0;
	case RUMP_F_SETFL:
		file_setfl(f, SETTABLE, (int)arg);
		return 0;
	case RUMP_F_GETOWN:
		if (f->type == FILE_VNODE)
			return RUMP_ENOTTY;
		retval[0] = async_getowner(f);
		return 0;
	case RUMP_F_SETOWN:
		if (f->type == FILE_VNODE)
			return RUMP_ENOTTY;
		return async_setowner(kern_proc(l), f, (int)arg);
	case RUMP_F_GETNOSIGPIPE:
		retval[0] = (flags & RUMP_O_NOSIGPIPE) != 0;
		return 0;
	case RUMP_F_SETNOSIGPIPE:
		file_setfl(f, RUMP_O_NOSIGPIPE,
		    (int)arg != 0 ? RUMP_O_NOSIGPIPE : 0);
		return 0;
	case RUMP_F_GETLK:
	case RUMP_F_SETLK:
	case RUMP_F_SETLKW:
		return plock_fcntl(l, fd, f, cmd, arg);
	default:
		return RUMP_EINVAL;
	}
}

static int
get_cloexec(struct kproc *p, int fd, register_t *retval)
{
	bool cloexec;
	int error;

	error = fd_getcloexec(p, fd, &cloexec);
	if (error == 0)
		retval[0] = cloexec ? RUMP_FD_CLOEXEC : 0;
	return error;
}

int
sys_fcntl(struct lwp *l, const struct sys_fcntl_args *uap, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error;

	switch (uap->cmd) {
	case RUMP_F_CLOSEM:
		if (uap->fd < 0)
			return RUMP_EBADF;
		fd_closefrom(p, uap->fd);
		return 0;
	case RUMP_F_MAXFD:
		retval[0] = fd_highest(p);
		return 0;
	case RUMP_F_GETFD:
		return get_cloexec(p, uap->fd, retval);
	case RUMP_F_SETFD:
		return fd_setcloexec(p, uap->fd,
		    (uap->arg & RUMP_FD_CLOEXEC) != 0);
	case RUMP_F_DUPFD:
		return dup_min(p, uap->fd, (int)uap->arg, false, retval);
	case RUMP_F_DUPFD_CLOEXEC:
		return dup_min(p, uap->fd, (int)uap->arg, true, retval);
	}
	error = fd_get(p, uap->fd, &f);
	if (error != 0)
		return error;
	error = fcntl_file(l, uap->fd, f, uap->cmd, uap->arg, retval);
	file_put(f);
	return error;
}
