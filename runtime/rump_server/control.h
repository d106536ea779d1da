/*
 * The control socket: each connection gets the counters, one line of JSON.
 */
#ifndef RUMPGEN_RUMP_SERVER_CONTROL_H
#define RUMPGEN_RUMP_SERVER_CONTROL_H

#include <rump/rumpserver.h>

struct control;

/* Listens at a locator and answers on a thread of its own.  NULL: failed,
 * and the log says why. */
struct control *control_start(const char *locator, unsigned mode,
    struct rumpserver *);
/* Ends the thread and removes the socket; NULL does nothing. */
void control_stop(struct control *);

#endif
