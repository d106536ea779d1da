/*
 * A server of ours for the length of a test, with a temporary folder.
 */
#ifndef TESTS_REPLAY_SERVED_H
#define TESTS_REPLAY_SERVED_H

#include <pthread.h>

#include <rump/rumpserver.h>

/* How it runs and how clients reach it. */
enum served_how {
	SERVED_LOCAL,		/* its own threads, a local socket */
	SERVED_TCP,		/* its own threads, the loopback */
	SERVED_FD,		/* its own threads, connected sockets */
	SERVED_LOOP,		/* stepped by a thread of ours, a local socket */
	SERVED_NHOW
};

struct served {
	struct rumpserver *srv;
	enum served_how how;
	char dir[32];		/* holds the socket and the folder root */
	char root[48];
	char socket[48];
	unsigned port;		/* SERVED_TCP */
	pthread_t thread;	/* SERVED_LOOP */
	int quit;		/* SERVED_LOOP: eventfd, the thread is to end */
};

/* Makes the folders; root is empty.  Fails the test when it cannot. */
void served_folder(struct served *);

/* Starts a server with that kernel.  Its log goes to stderr. */
void served_start(struct served *, const struct rumpserver_kernel *,
    void *kern, enum served_how);

/* A new connection to it, -1 with errno set. */
int served_connect(const struct served *);

/* Stops the server and waits until it has. */
void served_stop(struct served *);

/* Removes the folders and all that is in them. */
void served_remove(struct served *);

#endif
