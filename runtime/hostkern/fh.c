/*
 * File handles: getfh, fhopen, fhstat, fhstatvfs.
 *
 * A guest's handle carries the host's (name_to_handle_at(2)).  The host opens
 * any file of the file system by its handle, also outside the served root, so
 * a handle counts only with the seal that getfh put on it: a keyed hash
 * (SipHash-2-4) whose key is made at random when the kernel starts.  As on
 * NetBSD all of this is for the superuser.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/open.h"
#include "hostkern/path.h"
#include "hostkern/stat.h"
#include "hostkern/statvfs.h"

/* The handle as a guest holds it; only `used` bytes of it are passed. */
struct guest_handle {
	uint64_t seal;		/* of all that follows */
	int32_t type;
	uint32_t len;		/* of bytes */
	unsigned char bytes[MAX_HANDLE_SZ];
};

enum { HANDLE_HEAD = offsetof(struct guest_handle, bytes) };

/* Room for the host's handle, whose last member has no size. */
union host_handle {
	struct file_handle fh;
	unsigned char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
};

/* --- the seal --- */

static uint64_t
rotl(uint64_t x, int n)
{

	return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] = rotl(v[2], 32);
}

static uint64_t
siphash(const uint64_t key[2], const unsigned char *data, size_t len)
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575, key[1] ^
	    0x646f72616e646f6d, key[0] ^ 0x6c7967656e657261, key[1] ^
	    0x7465646279746573 };
	uint64_t m;
	size_t at, n;
	int i;

	for (at = 0; at <= len; at += 8) {
		n = len - at < 8 ? len - at : 8;
		m = 0;
		memcpy(&m, data + at, n);
		if (n < 8)
			m |= (uint64_t)(len & 0xff) << 56;
		v[3] ^= m;
		sip_round(v);
		sip_round(v);
		v[0] ^= m;
		if (n < 8)
			break;
	}
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t
seal(const struct hostkern *hk, const struct guest_handle *h)
{
	const size_t from = offsetof(struct guest_handle, type);

	return siphash(hk->fh_key, (const unsigned char *)h + from,
	    HANDLE_HEAD - from + h->len);
}

/* --- making one --- */

/* Only for files on the root's own mount, where they can be opened again. */
static int
make_handle(struct hostkern *hk, int fd, struct guest_handle *h)
{
	union host_handle host = { .fh.handle_bytes = MAX_HANDLE_SZ };
	union host_handle root = { .fh.handle_bytes = MAX_HANDLE_SZ };
	int mount, rootmount;

	if (name_to_handle_at(fd, "", &host.fh, &mount, AT_EMPTY_PATH) != 0 ||
	    name_to_handle_at(hk->root->fd, "", &root.fh, &rootmount,
	    AT_EMPTY_PATH) != 0)
		return errno == EOPNOTSUPP || errno == EOVERFLOW ?
		    RUMP_EOPNOTSUPP : kern_errno();
	if (mount != rootmount)
		return RUMP_EOPNOTSUPP;
	h->type = host.fh.handle_type;
	h->len = host.fh.handle_bytes;
	memcpy(h->bytes, host.fh.f_handle, h->len);
	h->seal = seal(hk, h);
	return 0;
}

/* @partial sys___getfh30: files on the root's own mount, if the host's file system has handles */
int
sys___getfh30(struct lwp *l, const struct sys___getfh30_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	struct guest_handle h;
	struct nameref n;
	uint64_t room, size;
	int error;

	(void)retval;
	error = cred_suser(p);
	if (error == 0)
		error = rumpserver_copyin(l, uap->fh_size, &room,
		    sizeof(room));
	if (error == 0)
		error = path_copyin(l, uap->fname, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &n);
	if (error != 0)
		return error;
	error = n.dev != NULL ? RUMP_EOPNOTSUPP :
	    make_handle(p->hk, n.fd, &h);
	nameref_close(&n);
	if (error != 0)
		return error;
	size = HANDLE_HEAD + h.len;
	error = rumpserver_copyout(l, &size, uap->fh_size, sizeof(size));
	if (error == 0 && room < size)
		error = RUMP_E2BIG;
	if (error == 0)
		error = rumpserver_copyout(l, &h, uap->fhp, size);
	return error;
}

/* --- using one --- */

static int
copyin_handle(struct lwp *l, rump_uaddr_t ufh, uint64_t size,
    struct guest_handle *h)
{
	struct hostkern *hk = kern_proc(l)->hk;
	int error;

	error = cred_suser(kern_proc(l));
	if (error != 0)
		return error;
	if (size < HANDLE_HEAD || size > sizeof(*h))
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, ufh, h, size);
	if (error != 0)
		return error;
	if (h->len != size - HANDLE_HEAD || h->seal != seal(hk, h))
		return RUMP_ESTALE;
	return 0;
}

/* A host descriptor for the file, O_PATH. */
static int
find_handle(struct lwp *l, rump_uaddr_t ufh, uint64_t size, int *hfd)
{
	struct kproc *p = kern_proc(l);
	union host_handle host;
	struct guest_handle h;
	int error, mount;

	error = copyin_handle(l, ufh, size, &h);
	if (error != 0)
		return error;
	host.fh.handle_bytes = h.len;
	host.fh.handle_type = h.type;
	memcpy(host.fh.f_handle, h.bytes, h.len);
	error = cred_assume(p);
	if (error != 0)
		return error;
	mount = openat(p->hk->root->fd, ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount == -1)
		return kern_errno();
	*hfd = open_by_handle_at(mount, &host.fh, O_PATH | O_CLOEXEC);
	if (*hfd == -1)
		error = kern_errno();
	close(mount);
	return error;
}

/* @partial sys___fhopen40: in a server that may open by handle (CAP_DAC_READ_SEARCH) */
int
sys___fhopen40(struct lwp *l, const struct sys___fhopen40_args *uap,
    register_t *retval)
{
	const int never = RUMP_O_CREAT | RUMP_O_EXCL;
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error, fd, host;

	if ((uap->flags & never) != 0)
		return RUMP_EINVAL;
	error = rump_conv_open_flags_to_host(uap->flags & ~(RUMP_O_ASYNC |
	    RUMP_O_DIRECT | RUMP_O_NOCTTY), &host);
	if (error != 0)
		return error;
	error = open_begin(p, uap->flags, &f);
	if (error != 0)
		return error;
	error = find_handle(l, uap->fhp, uap->fh_size, &fd);
	if (error == 0)
		error = open_found(l, f, fd, uap->flags,
		    host | O_NONBLOCK | O_NOCTTY);
	if (error == 0)
		error = open_finish(l, f, uap->flags);
	if (error != 0) {
		file_put(f);
		return error;
	}
	error = fd_install(p, &f, 0, (uap->flags & RUMP_O_CLOEXEC) != 0, &fd);
	if (error == 0)
		retval[0] = fd;
	return error;
}

static int
stat_handle(struct lwp *l, rump_uaddr_t ufh, uint64_t size,
    struct rump_stat *st)
{
	int error, hfd;

	error = find_handle(l, ufh, size, &hfd);
	if (error != 0)
		return error;
	error = stat_hfd(hfd, st);
	close(hfd);
	return error;
}

/* @partial sys___fhstat50: as fhopen */
int
sys___fhstat50(struct lwp *l, const struct sys___fhstat50_args *uap,
    register_t *retval)
{
	struct rump_stat st;
	int error;

	(void)retval;
	error = stat_handle(l, uap->fhp, uap->fh_size, &st);
	return stat_copyout(l, error, &st, uap->sb);
}

/* @partial compat_50_sys___fhstat40: as fhopen */
int
compat_50_sys___fhstat40(struct lwp *l,
    const struct compat_50_sys___fhstat40_args *uap, register_t *retval)
{
	struct rump_stat st;
	int error;

	(void)retval;
	error = stat_handle(l, uap->fhp, uap->fh_size, &st);
	return stat_copyout30(l, error, &st, uap->sb);
}

/* @partial sys___fhstatvfs140: as fhopen */
int
sys___fhstatvfs140(struct lwp *l, const struct sys___fhstatvfs140_args *uap,
    register_t *retval)
{
	struct rump_statvfs nb;
	int error, hfd;

	(void)retval;
	error = find_handle(l, uap->fhp, uap->fh_size, &hfd);
	if (error != 0)
		return error;
	error = statvfs_hfd(l, hfd, &nb);
	close(hfd);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &nb, uap->buf, sizeof(nb));
}
