/*
 * utimes and its family, with today's timeval and that of before NetBSD 6.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <time.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/path.h"

/* Access and modification time as utimensat(2) takes them. */
struct times {
	struct timespec ts[2];
};

static struct times
now(void)
{

	return (struct times){ { { .tv_nsec = UTIME_NOW },
	    { .tv_nsec = UTIME_NOW } } };
}

static int
from_timeval(const struct timeval *tv, struct timespec *ts)
{

	if (tv->tv_usec < 0 || tv->tv_usec >= 1000000)
		return RUMP_EINVAL;
	*ts = (struct timespec){ .tv_sec = tv->tv_sec,
	    .tv_nsec = tv->tv_usec * 1000 };
	return 0;
}

/* Each: a pair of times from the client; uaddr 0 means now. */
static int
copyin_timevals(struct lwp *l, rump_uaddr_t uaddr, struct times *t)
{
	struct rump_timeval nb[2];
	struct timeval tv;
	int error, i;

	*t = now();
	if (uaddr == 0)
		return 0;
	error = rumpserver_copyin(l, uaddr, nb, sizeof(nb));
	for (i = 0; error == 0 && i < 2; i++) {
		rump_conv_timeval_to_host(&nb[i], &tv);
		error = from_timeval(&tv, &t->ts[i]);
	}
	return error;
}

static int
copyin_timevals50(struct lwp *l, rump_uaddr_t uaddr, struct times *t)
{
	struct rump_timeval50 nb[2];
	struct timeval tv;
	int error, i;

	*t = now();
	if (uaddr == 0)
		return 0;
	error = rumpserver_copyin(l, uaddr, nb, sizeof(nb));
	for (i = 0; error == 0 && i < 2; i++) {
		rump_conv_timeval50_to_host(&nb[i], &tv);
		error = from_timeval(&tv, &t->ts[i]);
	}
	return error;
}

static int
copyin_timespecs(struct lwp *l, rump_uaddr_t uaddr, struct times *t)
{
	struct rump_timespec nb[2];
	int error, i;

	*t = now();
	if (uaddr == 0)
		return 0;
	error = rumpserver_copyin(l, uaddr, nb, sizeof(nb));
	for (i = 0; error == 0 && i < 2; i++) {
		rump_conv_timespec_to_host(&nb[i], &t->ts[i]);
		if (nb[i].tv_nsec == RUMP_UTIME_NOW)
			t->ts[i].tv_nsec = UTIME_NOW;
		else if (nb[i].tv_nsec == RUMP_UTIME_OMIT)
			t->ts[i].tv_nsec = UTIME_OMIT;
		else if (nb[i].tv_nsec < 0 || nb[i].tv_nsec >= 1000000000)
			error = RUMP_EINVAL;
	}
	return error;
}

static int
set_times(int fd, const struct times *t)
{

	if (utimensat(fd, "", t->ts, AT_EMPTY_PATH) != 0)
		return kern_errno();
	return 0;
}

static int
times_path(struct lwp *l, int atfd, rump_uaddr_t upath, int lookup,
    int error, const struct times *t)
{
	struct nameref n;

	if (error == 0)
		error = path_modify(l, atfd, upath, lookup, &n);
	if (error != 0)
		return error;
	error = set_times(n.fd, t);
	nameref_close(&n);
	return error;
}

static int
times_fd(struct lwp *l, int fd, int error, const struct times *t)
{
	struct nameref n;

	if (error == 0)
		error = path_modify_fd(l, fd, &n);
	if (error != 0)
		return error;
	error = set_times(n.fd, t);
	nameref_close(&n);
	return error;
}

int
sys___utimes50(struct lwp *l, const struct sys___utimes50_args *uap,
    register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals(l, uap->tptr, &t);
	return times_path(l, RUMP_AT_FDCWD, uap->path, 0, error, &t);
}

int
sys___lutimes50(struct lwp *l, const struct sys___lutimes50_args *uap,
    register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals(l, uap->tptr, &t);
	return times_path(l, RUMP_AT_FDCWD, uap->path, PATH_NOFOLLOW, error,
	    &t);
}

int
sys___futimes50(struct lwp *l, const struct sys___futimes50_args *uap,
    register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals(l, uap->tptr, &t);
	return times_fd(l, uap->fd, error, &t);
}

int
compat_50_sys_utimes(struct lwp *l,
    const struct compat_50_sys_utimes_args *uap, register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals50(l, uap->tptr, &t);
	return times_path(l, RUMP_AT_FDCWD, uap->path, 0, error, &t);
}

int
compat_50_sys_lutimes(struct lwp *l,
    const struct compat_50_sys_lutimes_args *uap, register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals50(l, uap->tptr, &t);
	return times_path(l, RUMP_AT_FDCWD, uap->path, PATH_NOFOLLOW, error,
	    &t);
}

int
compat_50_sys_futimes(struct lwp *l,
    const struct compat_50_sys_futimes_args *uap, register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timevals50(l, uap->tptr, &t);
	return times_fd(l, uap->fd, error, &t);
}

int
sys_utimensat(struct lwp *l, const struct sys_utimensat_args *uap,
    register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	if ((uap->flag & ~RUMP_AT_SYMLINK_NOFOLLOW) != 0)
		return RUMP_EINVAL;
	error = copyin_timespecs(l, uap->tptr, &t);
	return times_path(l, uap->fd, uap->path,
	    uap->flag != 0 ? PATH_NOFOLLOW : 0, error, &t);
}

int
sys_futimens(struct lwp *l, const struct sys_futimens_args *uap,
    register_t *retval)
{
	struct times t;
	int error;

	(void)retval;
	error = copyin_timespecs(l, uap->tptr, &t);
	return times_fd(l, uap->fd, error, &t);
}
