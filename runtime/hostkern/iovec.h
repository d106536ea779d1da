/*
 * A client's vector of buffers (struct iovec), as readv, writev, sendmsg and
 * recvmsg are given one.
 */
#ifndef RUMPGEN_HOSTKERN_IOVEC_H
#define RUMPGEN_HOSTKERN_IOVEC_H

#include <stdint.h>

#include "hostkern/kern.h"

enum { IOV_ON_STACK = 8 };	/* NetBSD's UIO_SMALLIOV */

/* A struct iovec of the client. */
struct client_iovec {
	rump_uaddr_t base;
	uint64_t len;
};

struct vector {
	struct client_iovec small[IOV_ON_STACK];
	struct client_iovec *iov;	/* small, or allocated */
	int n;
	uint64_t total;			/* bytes of all: at most INT64_MAX */
};

/*
 * Fetches n of them, from 0 to KERN_IOV as the caller has checked.  EINVAL
 * when they are too long together, ENOMEM, or what the copyin says; nothing is
 * left to be freed then.
 */
int vector_get(struct lwp *, rump_uaddr_t, int n, struct vector *);
void vector_free(struct vector *);

/* Copies len bytes at `skip` in the client's buffers to (in) or from buf.
 * Returns what copyin and copyout say. */
int vector_copy(struct lwp *, const struct vector *, uint64_t skip, char *buf,
    size_t len, bool in);

#endif
