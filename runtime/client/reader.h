/*
 * The reader: one thread receives for all that wait on a connection.
 */
#ifndef RUMPGEN_CLIENT_READER_H
#define RUMPGEN_CLIENT_READER_H

#include <stdbool.h>

#include "client/conn.h"

/* Makes call the reader if nobody is.  lock held. */
bool reader_take(struct conn *c, struct call *call);

/* Gives the role up: to setup's claimer, else it is offered to the newest
 * call that waits.  (Never to an older one of the same thread, which may be
 * below a signal handler with a call of its own.)  lock held; returns whom to
 * conn_post() without it. */
struct call *reader_leave(struct conn *c);

/*
 * Receives and serves until the call is done, the connection lost or claimed,
 * or a handler of the thread is due; the caller then leaves the role.
 * Returns true when a handler is due.  Signals held back, no lock held.
 */
bool reader_run(struct conn *c, struct call *me, const struct entry *e);

/*
 * For exec: receives until the stream is between two frames and nothing is
 * left in the buffer, at most until the deadline (conn_now()).  The caller
 * has the role by a claim.  Returns 0 or ETIMEDOUT, ENOTCONN.
 */
int reader_settle(struct conn *c, uint64_t deadline);

#endif
