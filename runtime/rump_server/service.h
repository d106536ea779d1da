/*
 * What a service manager and the shell expect of a daemon.
 */
#ifndef RUMPGEN_RUMP_SERVER_SERVICE_H
#define RUMPGEN_RUMP_SERVER_SERVICE_H

#include <stdbool.h>

/*
 * The listening sockets handed over by LISTEN_FDS and LISTEN_PID: the first
 * one's number in *first (the others follow).  Removes the variables.
 * Returns their count, 0 when there are none for us.
 */
int service_listen_fds(int *first);

/*
 * Goes into the background: returns in the child only, with the descriptor
 * of a pipe; the parent waits for it and leaves with status 0 when a byte
 * comes, 1 when it is closed without.  -1: failed, errno set.
 */
int service_background(void);

/* Says READY=1 to NOTIFY_SOCKET, a byte to the parent, a line to ready_fd.
 * Descriptors of -1 are none; the others are closed. */
void service_ready(int parent, int ready_fd);
/* Says STOPPING=1. */
void service_stopping(void);

/*
 * Writes our pid.  Returns a descriptor, which keeps others from writing
 * theirs for as long as it is open, or -1 with errno set: EAGAIN when somebody
 * else's is.
 */
int service_pid_file(const char *path);
/* Removes it, or at least what is in it, and closes fd; -1 does nothing. */
void service_pid_file_end(const char *path, int fd);

#endif
