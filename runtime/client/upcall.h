/*
 * Upcalls: what the server asks of its client while a call is in progress.
 * Only the reader is here.
 */
#ifndef RUMPGEN_CLIENT_UPCALL_H
#define RUMPGEN_CLIENT_UPCALL_H

#include "client/conn.h"

/* Largest anonmmap that is granted, and the most that all of them on one
 * connection may come to, in bytes; nobody unmaps them. */
#define UPCALL_MAX_ANONMMAP	((uint64_t)256 << 20)
#define UPCALL_MAX_MAPPED	((uint64_t)1 << 30)

/*
 * Serves one request of a checked header.  body is complete, except that of a
 * copyout only the frame_copy is there: its data follows by way of the
 * functions below.  Returns NULL, or what is wrong with the request.
 */
const char *upcall(struct conn *c, const struct frame_hdr *hdr,
    const char *body);

/* Remembers that it was answered with an error. */
void refusal_note(struct refusals *rs, const struct refusal *r);
/* The one whose error this frame is, come back; NULL: none's. */
struct refusal *refusal_find(struct refusals *rs,
    const struct frame_hdr *hdr);

/*
 * An error frame that may be one of ours come back: NetBSD's server does not
 * know the errors that a refused copyin is answered with.  It returns them,
 * with the number of its own request, and goes on waiting.  Returns true when
 * it was one; the request has been answered with zeros then, as later ones
 * will be, and its call fails with EFAULT.
 */
bool upcall_returned(struct conn *c, const struct frame_hdr *hdr);

/* n bytes of copyout data, at most copyout_left, from the buffer. */
void upcall_copyout_data(struct conn *c, const char *data, size_t n);
/* n bytes have been received in place. */
void upcall_copyout_placed(struct conn *c, size_t n);
/* The place cannot be written: drops the rest, its call gets EFAULT. */
void upcall_copyout_fault(struct conn *c);

#endif
