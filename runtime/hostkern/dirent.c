/*
 * getdents: the host's directory entries in NetBSD's format.
 *
 * A record of NetBSD is never longer than the host's for the same name, so
 * what was read with the client's own size fits, and the host's directory
 * offset is the guest's.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/kern.h"

enum { MOST_AT_ONCE = 64 * 1024 };

/* What getdents64(2) returns. */
struct host_dirent {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* The types have the same numbers on both sides.  Returns the bytes used. */
static size_t
translate(const char *host, size_t hostlen, char *out, size_t room)
{
	const struct host_dirent *d;
	size_t at, used = 0;

	for (at = 0; at < hostlen; at += d->d_reclen) {
		d = (const struct host_dirent *)(host + at);
		used += rump_conv_dirent_pack(out + used, room - used,
		    d->d_ino, d->d_type, d->d_name, strlen(d->d_name));
	}
	return used;
}

static int
read_entries(struct lwp *l, struct file *f, rump_uaddr_t buf, size_t count,
    register_t *retval)
{
	char *host, *out;
	size_t used;
	long n;
	int error = 0;

	host = rumpserver_alloc(l, 2 * count);
	if (host == NULL)
		return RUMP_ENOMEM;
	out = host + count;
	n = syscall(SYS_getdents64, f->hfd, host, count);
	if (n == -1 && errno == ENOENT)
		n = 0;		/* removed: nothing is in it any more */
	if (n == -1) {
		error = errno == ENOTDIR ? RUMP_EINVAL : kern_errno();
		goto done;
	}
	used = translate(host, (size_t)n, out, count);
	retval[0] = (register_t)used;
	error = rumpserver_copyout(l, out, buf, used);
done:
	rumpserver_free(host);
	return error;
}

int
sys___getdents30(struct lwp *l, const struct sys___getdents30_args *uap,
    register_t *retval)
{
	size_t count = uap->count;
	struct file *f;
	int error;

	error = fd_getread(kern_proc(l), uap->fd, &f);
	if (error != 0)
		return error;
	if (count > MOST_AT_ONCE)
		count = MOST_AT_ONCE;
	count &= ~(size_t)7;
	if (f->type != FILE_VNODE || count == 0)
		error = RUMP_EINVAL;
	else
		error = read_entries(l, f, uap->buf, count, retval);
	file_put(f);
	return error;
}
