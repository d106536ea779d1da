/*
 * read and write in all their forms.
 *
 * One piece is at most RUMPSERVER_BORROW_MAX bytes and goes between the
 * host's call and the server's own buffer without a copy.  Only files and
 * devices without an end are read on after a full piece; what may block ends
 * a read with its first bytes, as a short read.
 */
#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/iovec.h"
#include "hostkern/kern.h"
#include "hostkern/rw.h"

enum {
	PIECE = RUMPSERVER_BORROW_MAX,
	SLOW_VECTOR = 64 * 1024,	/* most of a readv that may block */
};

/* One transfer; off is -1 for the file's own offset. */
struct transfer {
	struct lwp *l;
	struct file *f;
	int64_t off;
	size_t done;
};

static bool
may_block(const struct file *f)
{

	return f->type != FILE_VNODE && f->type != FILE_DEV;
}

/* One host read; bytes or -1 with errno. */
static ssize_t
host_read(struct transfer *t, void *buf, size_t len)
{
	const struct fileops *ops = t->f->ops;
	ssize_t n;

	if (t->f->type == FILE_CONSOLE || atomic_load(&t->f->revoked))
		return 0;
	do {
		if (ops != NULL && ops->read != NULL)
			n = ops->read(t->f, buf, len);
		else
			n = t->off == -1 ? read(t->f->hfd, buf, len) :
			    pread(t->f->hfd, buf, len, t->off);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Whether a write clears the set-id bits depends on who writes. */
static ssize_t
host_write(struct transfer *t, const void *buf, size_t len)
{
	const struct fileops *ops = t->f->ops;
	ssize_t n;

	if (t->f->type == FILE_CONSOLE && t->f->hfd == -1)
		return (ssize_t)len;
	if (t->f->type == FILE_VNODE && cred_assume(kern_proc(t->l)) != 0)
		return -1;
	do {
		if (ops != NULL && ops->write != NULL)
			n = ops->write(t->l, t->f, buf, len);
		else
			n = t->off == -1 ?
			    write(t->f->hfd, buf, len) :
			    pwrite(t->f->hfd, buf, len, t->off);
	} while (n == -1 && errno == EINTR);
	return n;
}

static void
moved(struct transfer *t, size_t n)
{

	t->done += n;
	if (t->off != -1)
		t->off += (int64_t)n;
}

/* EAGAIN from the host: wait, if the file is one that says it. */
static int
wait_or_fail(struct transfer *t, short events)
{

	if (errno == EAGAIN && (t->f->traits & FILE_SLOW) != 0)
		return file_wait(t->l, t->f, events);
	return kern_errno();
}

/* Reads into client memory; *more says that a further piece may follow. */
static int
read_piece(struct transfer *t, rump_uaddr_t uaddr, size_t len, bool *more)
{
	void *room;
	ssize_t n;
	int error;

	for (;;) {
		error = rumpserver_copyout_reserve(t->l, uaddr, len, &room);
		if (error != 0)
			return error;
		n = host_read(t, room, len);
		if (n != -1)
			break;
		error = errno;
		(void)rumpserver_copyout_commit(t->l, 0);
		errno = error;
		error = wait_or_fail(t, POLLIN);
		if (error != 0)
			return error;
	}
	*more = (size_t)n == len && !may_block(t->f);
	moved(t, (size_t)n);
	return rumpserver_copyout_commit(t->l, (size_t)n);
}

static int
read_range(struct transfer *t, rump_uaddr_t uaddr, uint64_t len)
{
	bool more = true;
	size_t n, before;
	int error;

	while (len > 0 && more) {
		if (rumpserver_interrupted(t->l))
			return RUMP_EINTR;
		n = len < PIECE ? (size_t)len : PIECE;
		before = t->done;
		error = read_piece(t, uaddr, n, &more);
		if (error != 0)
			return error;
		uaddr += t->done - before;
		len -= t->done - before;
	}
	return 0;
}

/* Writes all of buf unless an error or the guest's O_NONBLOCK ends it. */
static int
write_all(struct transfer *t, const char *buf, size_t len)
{
	struct pollfd pfd = { .fd = t->f->hfd, .events = POLLOUT };
	ssize_t n;
	int error;

	while (len > 0) {
		if (t->f->type == FILE_CONSOLE && t->f->hfd != -1) {
			/* Its host descriptor is shared and may block. */
			error = rumpserver_wait(t->l, &pfd, 1, NULL);
			if (error != 0)
				return error;
		}
		n = host_write(t, buf, len);
		if (n == -1) {
			error = wait_or_fail(t, POLLOUT);
			if (error != 0)
				return error;
			continue;
		}
		moved(t, (size_t)n);
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

/* To a socket: nothing is a datagram, too, and without a connection an error. */
static int
write_nothing(struct transfer *t)
{
	int error = 0;

	while (error == 0 && host_write(t, "", 0) == -1)
		error = wait_or_fail(t, POLLOUT);
	return error;
}

static int
write_range(struct transfer *t, rump_uaddr_t uaddr, uint64_t len)
{
	const void *data;
	size_t n;
	int error;

	do {
		n = len < PIECE ? (size_t)len : PIECE;
		error = rumpserver_copyin_borrow(t->l, uaddr, n, &data);
		if (error == 0)
			error = write_all(t, data, n);
		if (error != 0)
			return error;
		uaddr += n;
		len -= n;
	} while (len > 0);
	return 0;
}

/* What was moved counts more than the error that came then. */
static int
finish(struct transfer *t, int error, register_t *retval)
{

	if (error == RUMP_EPIPE)
		error = file_epipe(t->l, t->f);
	else if (t->done > 0 && error != RUMP_EFAULT)
		error = 0;
	retval[0] = (register_t)t->done;
	return error;
}

static int64_t
file_size(const struct file *f)
{
	struct stat st;

	return fstat(f->hfd, &st) == 0 ? st.st_size : -1;
}

static int
check_offset(const struct file *f, int64_t off)
{

	if (may_block(f))
		return RUMP_ESPIPE;
	return off < 0 ? RUMP_EINVAL : 0;
}

static int
check_file(const struct file *f, bool at, int64_t off)
{

	if ((f->traits & FILE_NORW) != 0)
		return RUMP_ENXIO;
	return at ? check_offset(f, off) : 0;
}

/* at: at offset off rather than the file's own. */
static int
get_file(struct lwp *l, int fd, bool write, bool at, int64_t off,
    struct transfer *t)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error;

	error = write ? fd_getwrite(p, fd, &f) : fd_getread(p, fd, &f);
	if (error != 0)
		return error;
	error = check_file(f, at, off);
	if (error != 0) {
		file_put(f);
		return error;
	}
	*t = (struct transfer){ .l = l, .f = f, .off = at ? off : -1 };
	return 0;
}

static int
do_read(struct lwp *l, int fd, rump_uaddr_t buf, uint64_t len, bool at,
    int64_t off, register_t *retval)
{
	struct transfer t;
	int error;

	if (len > SSIZE_MAX)
		return RUMP_EINVAL;
	error = get_file(l, fd, false, at, off, &t);
	if (error != 0)
		return error;
	error = read_range(&t, buf, len);
	error = finish(&t, error, retval);
	file_put(t.f);
	return error;
}

/*
 * A file may not be written past RLIMIT_FSIZE.  The whole of a write that
 * would is refused, with a signal, as NetBSD does.
 */
static int
check_file_size(struct transfer *t, uint64_t len)
{
	int64_t off = t->off;

	if (t->f->type != FILE_VNODE || proc_rlimit(kern_proc(t->l),
	    RUMP_RLIMIT_FSIZE) == RUMP_RLIM_INFINITY)
		return 0;
	if ((atomic_load(&t->f->flags) & RUMP_O_APPEND) != 0)
		off = file_size(t->f);
	else if (off == -1)
		off = lseek(t->f->hfd, 0, SEEK_CUR);
	if (off == -1)
		return kern_errno();
	return file_check_size(t->l, (uint64_t)off + len);
}

static int
do_write(struct lwp *l, int fd, rump_uaddr_t buf, uint64_t len, bool at,
    int64_t off, register_t *retval)
{
	struct transfer t;
	int error;

	if (len > SSIZE_MAX)
		return RUMP_EINVAL;
	error = get_file(l, fd, true, at, off, &t);
	if (error != 0)
		return error;
	if (len > 0)
		error = check_file_size(&t, len);
	if (len > 0 && error == 0)
		error = write_range(&t, buf, len);
	else if (len == 0 && t.f->type == FILE_SOCKET)
		error = write_nothing(&t);
	error = finish(&t, error, retval);
	file_put(t.f);
	return error;
}

int
sys_read(struct lwp *l, const struct sys_read_args *uap, register_t *retval)
{

	return do_read(l, uap->fd, uap->buf, uap->nbyte, false, 0, retval);
}

int
sys_pread(struct lwp *l, const struct sys_pread_args *uap, register_t *retval)
{

	return do_read(l, uap->fd, uap->buf, uap->nbyte, true, uap->offset,
	    retval);
}

int
sys_write(struct lwp *l, const struct sys_write_args *uap, register_t *retval)
{

	return do_write(l, uap->fd, uap->buf, uap->nbyte, false, 0, retval);
}

int
sys_pwrite(struct lwp *l, const struct sys_pwrite_args *uap,
    register_t *retval)
{

	return do_write(l, uap->fd, uap->buf, uap->nbyte, true, uap->offset,
	    retval);
}

/* --- vectors --- */

/* What is there, if need be after a wait. */
static int
read_some(struct transfer *t, char *buf, size_t len)
{
	ssize_t n;
	int error;

	while ((n = host_read(t, buf, len)) == -1) {
		error = wait_or_fail(t, POLLIN);
		if (error != 0)
			return error;
	}
	moved(t, (size_t)n);
	return 0;
}

/* All through one host read, so that what is read is one moment's. */
static int
read_gathered(struct transfer *t, const struct vector *v)
{
	size_t cap = may_block(t->f) ? SLOW_VECTOR : PIECE, len, left, n;
	char *buf, *from;
	int error, i;

	len = v->total < cap ? (size_t)v->total : cap;
	buf = rumpserver_alloc(t->l, len);
	if (buf == NULL)
		return RUMP_ENOMEM;
	error = read_some(t, buf, len);
	left = t->done;
	from = buf;
	for (i = 0; error == 0 && left > 0; i++) {
		n = v->iov[i].len < left ? (size_t)v->iov[i].len : left;
		error = rumpserver_copyout(t->l, from, v->iov[i].base, n);
		from += n;
		left -= n;
	}
	rumpserver_free(buf);
	return error;
}

static int
read_scattered(struct transfer *t, const struct vector *v)
{
	size_t before;
	int error, i;

	for (i = 0; i < v->n; i++) {
		before = t->done;
		error = read_range(t, v->iov[i].base, v->iov[i].len);
		if (error != 0)
			return error;
		if (t->done - before < v->iov[i].len)
			break;
	}
	return 0;
}

static int
write_gathered(struct transfer *t, const struct vector *v)
{
	size_t off = 0;
	char *buf;
	int error = 0, i;

	buf = rumpserver_alloc(t->l, (size_t)v->total);
	if (buf == NULL)
		return RUMP_ENOMEM;
	for (i = 0; error == 0 && i < v->n; i++) {
		error = rumpserver_copyin(t->l, v->iov[i].base, buf + off,
		    (size_t)v->iov[i].len);
		off += (size_t)v->iov[i].len;
	}
	if (error == 0)
		error = write_all(t, buf, off);
	rumpserver_free(buf);
	return error;
}

static int
write_scattered(struct transfer *t, const struct vector *v)
{
	int error, i;

	for (i = 0; i < v->n; i++) {
		if (v->iov[i].len == 0)
			continue;
		error = write_range(t, v->iov[i].base, v->iov[i].len);
		if (error != 0)
			return error;
	}
	return 0;
}

static int
do_vector(struct lwp *l, int fd, rump_uaddr_t uiov, int n, bool write,
    bool at, int64_t off, register_t *retval)
{
	struct transfer t;
	struct vector v;
	bool gather;
	int error;

	error = get_file(l, fd, write, at, off, &t);
	if (error != 0)
		return error;
	error = n > 0 && n <= KERN_IOV ? vector_get(l, uiov, n, &v) :
	    RUMP_EINVAL;
	if (error != 0)
		goto out;
	if (write && v.total > 0) {
		error = check_file_size(&t, v.total);
		if (error != 0)
			goto done;
	}
	gather = v.total <= PIECE || (!write && may_block(t.f));
	if (v.total == 0)
		error = 0;
	else if (write)
		error = gather ? write_gathered(&t, &v) :
		    write_scattered(&t, &v);
	else
		error = gather ? read_gathered(&t, &v) :
		    read_scattered(&t, &v);
	error = finish(&t, error, retval);
done:
	vector_free(&v);
out:
	file_put(t.f);
	return error;
}

int
sys_readv(struct lwp *l, const struct sys_readv_args *uap, register_t *retval)
{

	return do_vector(l, uap->fd, uap->iovp, uap->iovcnt, false, false, 0,
	    retval);
}

int
sys_writev(struct lwp *l, const struct sys_writev_args *uap,
    register_t *retval)
{

	return do_vector(l, uap->fd, uap->iovp, uap->iovcnt, true, false, 0,
	    retval);
}

int
sys_preadv(struct lwp *l, const struct sys_preadv_args *uap,
    register_t *retval)
{

	return do_vector(l, uap->fd, uap->iovp, uap->iovcnt, false, true,
	    uap->offset, retval);
}

int
sys_pwritev(struct lwp *l, const struct sys_pwritev_args *uap,
    register_t *retval)
{

	return do_vector(l, uap->fd, uap->iovp, uap->iovcnt, true, true,
	    uap->offset, retval);
}

/* --- for the rest of the kernel --- */

static int
begin(struct transfer *t, struct lwp *l, struct file *f, int64_t off)
{
	const bool at = !may_block(f);

	*t = (struct transfer){ .l = l, .f = f, .off = at ? off : -1 };
	return check_file(f, at, off);
}

static int
end(struct transfer *t, int error, size_t *done)
{
	register_t moved = 0;

	error = finish(t, error, &moved);
	*done = (size_t)moved;
	return error;
}

int
rw_read(struct lwp *l, struct file *f, int64_t off, void *buf, size_t len,
    size_t *done)
{
	struct transfer t;
	size_t before, n;
	int error;

	*done = 0;
	error = begin(&t, l, f, off);
	if (error != 0)
		return error;
	while (t.done < len) {
		if (rumpserver_interrupted(l)) {
			error = RUMP_EINTR;
			break;
		}
		n = len - t.done < PIECE ? len - t.done : PIECE;
		before = t.done;
		error = read_some(&t, (char *)buf + before, n);
		if (error != 0 || t.done - before < n || may_block(f))
			break;
	}
	return end(&t, error, done);
}

int
rw_write(struct lwp *l, struct file *f, int64_t off, const void *buf,
    size_t len, size_t *done)
{
	struct transfer t;
	size_t n;
	int error;

	*done = 0;
	error = begin(&t, l, f, off);
	if (error == 0 && len > 0)
		error = check_file_size(&t, len);
	if (error != 0)
		return error;
	if (len == 0 && f->type == FILE_SOCKET)
		error = write_nothing(&t);
	while (t.done < len && error == 0) {
		if (rumpserver_interrupted(l)) {
			error = RUMP_EINTR;
			break;
		}
		n = len - t.done < PIECE ? len - t.done : PIECE;
		error = write_all(&t, (const char *)buf + t.done, n);
	}
	return end(&t, error, done);
}
