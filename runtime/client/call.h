/*
 * One request on the connection, from its number to its answer.
 */
#ifndef RUMPGEN_CLIENT_CALL_H
#define RUMPGEN_CLIENT_CALL_H

#include "client/conn.h"

/* Longest request body: the arguments of one syscall. */
#define CALL_MAX_BODY	(FRAME_MAX_ARGS * 8)

/*
 * Sends the request and waits for its answer; on this thread's stack.  The
 * caller has filled in type, num, args and arglen, zeroed the rest and begun
 * an entry.  Returns the NetBSD errno of the answer, with call->resp valid
 * when it is 0; RUMP_ENOTCONN when the server was lost meanwhile; or
 * CALL_UNSENT when the server cannot have seen the request.
 */
#define CALL_UNSENT	(-1)
int call_run(struct conn *c, struct call *call, const struct entry *e);

/*
 * The same, connecting anew by policy and making the call again when the
 * server was lost, before or while it was at it: so does NetBSD's library, and
 * its programs rely on it.  Never CALL_UNSENT.
 */
int call_persist(struct conn *c, struct call *call, const struct entry *e);

#endif
