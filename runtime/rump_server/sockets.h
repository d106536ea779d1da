/*
 * The sockets that rump_server listens at: made while it has its privileges,
 * given to the server later, their names removed when it stops.
 */
#ifndef RUMPGEN_RUMP_SERVER_SOCKETS_H
#define RUMPGEN_RUMP_SERVER_SOCKETS_H

#include "rump_server/options.h"

struct sockets;

/*
 * Binds what the options name and takes over what LISTEN_FDS does.  Returns
 * NULL when that fails, with the status to exit with; the log says why.
 */
struct sockets *sockets_open(const struct options *, int *status);

/* The server's from here on; false: the log says why. */
bool sockets_give(struct sockets *, struct rumpserver *);
/* Says where clients find us, a line a socket. */
void sockets_tell(const struct sockets *, const char *root);

/* Removes the names. */
void sockets_unlink(struct sockets *);
/* ... and closes what is still ours. */
void sockets_free(struct sockets *);

#endif
