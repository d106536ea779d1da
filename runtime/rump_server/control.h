/*
 * The control socket: each connection gets the counters, one line of JSON.
 */
#ifndef RUMPGEN_RUMP_SERVER_CONTROL_H
#define RUMPGEN_RUMP_SERVER_CONTROL_H

#include <rump/rumpserver.h>

struct control;
struct locator;

/* Listens at a locator.  NULL: failed, and the log says why. */
struct control *control_open(const struct locator *, unsigned mode);
/* Answers on a thread of its own; false: failed, and the log says why. */
bool control_start(struct control *, struct rumpserver *);
/* Ends the thread and removes the socket; NULL does nothing. */
void control_stop(struct control *);

#endif
