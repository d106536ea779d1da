/*
 * The bare limit of a call: the frames of that call and nothing else, between
 * two processes over a local stream socket, with plain send(2) and recv(2)
 * into one buffer.  The peer does what the call does on the host (a pread(2),
 * an open(2)), as the rump_server must do that as well.
 */
#ifndef RUMPGEN_BENCH_BARE_H
#define RUMPGEN_BENCH_BARE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/duel.h"
#include "bench/peer.h"

#define BARE_BLOCK	65536u	/* longest data of a call */
#define BARE_STAT	152u	/* NetBSD's struct stat */

/* The peer of all calls below; arg is a file that it opens. */
peer_fn bare_serve;

/* A peer that answers getpid only, but in any number of threads. */
peer_fn bare_serve_null;

/* One end of it, for duel_fn's arg. */
struct bare {
	int fd;
	size_t len;		/* data bytes of pread, pwrite and push */
	const char *path;	/* of open and stat */
};

/* Each as often as asked for; `arg` is a struct bare. */
duel_fn bare_getpid, bare_pread, bare_pwrite, bare_open_close, bare_stat;

/* Throughput: the data goes one way, only its end is acknowledged. */
duel_fn bare_push;

/*
 * Connections.  bare_accept is for peer_listen(): one client after the other,
 * banner, handshake, then nothing until the client hangs up.
 * bare_connect connects and reads the banner, bare_guest shakes hands as well,
 * with any server; both return the socket.
 * bare_fork does so with a cookie; bare_exec is the handshake of a new image.
 */
peer_fn bare_accept;
int bare_connect(const char *path);
int bare_guest(const char *path);
int bare_fork(const char *path);
void bare_prefork(int fd);
void bare_exec(int fd);

#endif
