/*
 * Messages of sockets: what sendmsg.c and recvmsg.c have in common.
 *
 * The host is never asked to wait.  One piece of data is at most
 * RUMPSERVER_BORROW_MAX bytes: a stream goes in several, a datagram longer
 * than that is too long.
 */
#ifndef RUMPGEN_HOSTKERN_SOCKMSG_H
#define RUMPGEN_HOSTKERN_SOCKMSG_H

#include "hostkern/iovec.h"
#include "hostkern/sock.h"

enum {
	SOCKMSG_PIECE = RUMPSERVER_BORROW_MAX,
	SOCKMSG_HOST_CTLMAX = 4096,	/* control messages of the host */
};

bool sockmsg_is_stream(const struct ksock *);

/* EOPNOTSUPP for flags (RUMP_MSG_*) that this socket knows nothing of. */
int sockmsg_check_flags(const struct ksock *, int flags);

/* Do the flags say that the call is not to wait? */
bool sockmsg_nowait(int flags);

/* How many messages of one sendmmsg or recvmmsg count: as NetBSD, 1024. */
uint32_t sockmsg_count(uint32_t vlen);

/* Fetches a message's header, and the socket as sock_get() does. */
int sockmsg_get(struct lwp *, int fd, rump_uaddr_t msg, struct rump_msghdr *,
    struct file **);

/* Fetches the vector of a message, for vector_free(); EMSGSIZE for too many,
 * or as vector_get(). */
int sockmsg_vector(struct lwp *, const struct rump_msghdr *, struct vector *);

/* Puts right errno of the host's send or receive, where NetBSD has another. */
void sockmsg_errno(const struct ksock *, bool sending);

#endif
