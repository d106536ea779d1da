/*
 * The guard: which of our memory the server may touch.
 *
 * In guarded mode, the default, only what a call in progress names: the
 * extents of its pointer arguments by the call's description, followed
 * through iovec, msghdr, mmsghdr, aiocb and sysctlnode.  A call whose
 * description does not say, or that is not described, opens all memory while
 * it is in progress, as does an ioctl or fcntl whose parameter is large enough
 * to hold a pointer or of an unknown size, and an aio call for the rest of the
 * connection.  Memory that the server had us map (anonmmap) is open to it as
 * long as any call is in progress.
 *
 * RUMPCLIENT_GUARD=on|off in the environment, rumpclient_setguard() in the
 * program; the program's word is the last.
 */
#ifndef RUMPGEN_CLIENT_GUARD_H
#define RUMPGEN_CLIENT_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct conn;

enum guard_way {
	GUARD_IN,	/* the server reads */
	GUARD_OUT,	/* the server writes */
	GUARD_STRING,	/* the server reads up to a NUL */
};

/* Takes the mode from the environment; says so when it is neither. */
void guard_environment(void);

/*
 * Notes in call->names what a system call names through its pointers, before
 * it is sent; what the server writes there later changes nothing.  end frees
 * it, when the call is no longer pending.  Async-signal-safe.
 */
void guard_begin(struct call *call);
void guard_end(struct call *call);

/*
 * Whether the server may touch len bytes at addr.  When not, says so once a
 * connection, and guard_fault() is next.  No lock held.
 */
bool guard_allows(struct conn *c, uint64_t addr, size_t len,
    enum guard_way way);

/* len bytes at addr were mapped for the server.  No lock held. */
void guard_mapped(struct conn *c, uint64_t addr, size_t len);

/* The server's data did not reach that address, or ours not the server: the
 * calls that name it fail with EFAULT, whatever the server answers; if none
 * does, those that were given it, those of which nobody can say, and else all
 * in progress.  No lock held. */
void guard_fault(struct conn *c, uint64_t addr, size_t len,
    enum guard_way way);

#endif
