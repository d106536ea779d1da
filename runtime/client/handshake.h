/*
 * The first words on a connection: banner and handshake, before there are
 * calls.  Plain request and answer on a socket that nobody else uses and that
 * conn_prepare_socket() has seen, with a deadline; EINTR restarts.  Errors are host errnos, said on stderr unless
 * quiet.
 */
#ifndef RUMPGEN_CLIENT_HANDSHAKE_H
#define RUMPGEN_CLIENT_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"

/* How long a server may take for banner and answer, in milliseconds. */
#define HANDSHAKE_TIMEOUT	10000

/* The command name that guest and exec handshakes carry. */
const char *handshake_comm(void);

/* Reads the banner, then does a guest handshake or one of fork with the
 * cookie, all by the deadline (conn_now()).  Request number 1. */
int handshake_first(int fd, enum frame_handshake kind, const uint32_t *cookie,
    uint64_t deadline, bool quiet);

/*
 * The exec handshake on an inherited connection, with request number reqno.
 * What the server still has to say to the calls of the former image is
 * thrown away, its copyins are answered with an error.
 */
int handshake_exec(int fd, uint64_t reqno, bool quiet);

/* Banner, then a fork handshake that cancels; waits until the server has
 * closed the connection. */
int handshake_cancel(int fd, const uint32_t *cookie);

#endif
