/*
 * The other process of a bare limit: a child that serves a socket with plain
 * send(2) and recv(2), and is killed when the program ends.
 */
#ifndef RUMPGEN_BENCH_PEER_H
#define RUMPGEN_BENCH_PEER_H

#include <sys/types.h>

#include <stddef.h>

/* Runs in the child; returning ends it. */
typedef void peer_fn(int fd, void *arg);

/*
 * Starts a child that runs fn on one end of a stream socketpair.  Returns the
 * other end; *pid (may be NULL) gets the child.
 */
int peer_start(peer_fn *fn, void *arg, pid_t *pid);

/* The same, with fn on a socket that listens at path. */
pid_t peer_listen(peer_fn *fn, void *arg, const char *path);

/* Kills and reaps a child now. */
void peer_kill(pid_t pid);

/* Has pid killed when the program exits; for children of other makings. */
void peer_kill_at_exit(pid_t pid);

/* Exactly len bytes; an error or the end of the stream ends the program. */
void send_all(int fd, const void *buf, size_t len);
void recv_all(int fd, void *buf, size_t len);

/* At least one byte, or 0 at the end of the stream. */
size_t recv_some(int fd, void *buf, size_t len);

/* A stream socket connected to the local socket at path. */
int connect_local(const char *path);

#endif
