/*
 * What sending and receiving messages have in common.
 */
#include <errno.h>

#include "hostkern/sockmsg.h"

#define MMSG_MAX	1024u

bool
sockmsg_is_stream(const struct ksock *so)
{

	return so->type == RUMP_SOCK_STREAM;
}

/* Some hosts know urgent data of local sockets, and none of datagrams says
 * that it does not. */
int
sockmsg_check_flags(const struct ksock *so, int flags)
{

	return (flags & RUMP_MSG_OOB) != 0 && (!sockmsg_is_stream(so) ||
	    so->domain == RUMP_AF_LOCAL) ? RUMP_EOPNOTSUPP : 0;
}

bool
sockmsg_nowait(int flags)
{

	return (flags & (RUMP_MSG_DONTWAIT | RUMP_MSG_NBIO)) != 0;
}

uint32_t
sockmsg_count(uint32_t vlen)
{

	return vlen < MMSG_MAX ? vlen : MMSG_MAX;
}

int
sockmsg_get(struct lwp *l, int fd, rump_uaddr_t msg, struct rump_msghdr *mh,
    struct file **fp)
{
	int error;

	error = rumpserver_copyin(l, msg, mh, sizeof(*mh));
	return error != 0 ? error : sock_get(kern_proc(l), fd, fp);
}

int
sockmsg_vector(struct lwp *l, const struct rump_msghdr *mh, struct vector *v)
{

	if (mh->msg_iovlen < 0 || mh->msg_iovlen > KERN_IOV)
		return RUMP_EMSGSIZE;
	return vector_get(l, (uintptr_t)mh->msg_iov, mh->msg_iovlen, v);
}

void
sockmsg_errno(const struct ksock *so, bool sending)
{
	const bool never = sockmsg_is_stream(so) &&
	    !atomic_load(&so->connected);

	if (sending && (errno == EPIPE || errno == EOPNOTSUPP) && never)
		errno = ENOTCONN;
	else if (sending && errno == ENOTCONN &&
	    so->type == RUMP_SOCK_DGRAM)
		errno = EDESTADDRREQ;
	else if (sending && errno == EAGAIN &&
	    so->domain == RUMP_AF_LOCAL && so->type == RUMP_SOCK_DGRAM)
		errno = ENOBUFS;	/* nobody waits for a receiver */
	else if (!sending && errno == EINVAL && never)
		errno = ENOTCONN;
}
