/*
 * A server of ours for the length of a test: in a temporary folder, on a
 * local socket, with threads of its own or stepped by one of the test's.
 */
#ifndef TESTS_REPLAY_SERVED_H
#define TESTS_REPLAY_SERVED_H

#include <pthread.h>
#include <stdbool.h>

#include <rump/rumpserver.h>

struct served {
	struct rumpserver *srv;
	bool loop;
	char dir[32];		/* holds the socket and the folder root */
	char root[48];
	char socket[48];
	pthread_t thread;	/* steps the server, with loop */
	int quit;		/* eventfd: the thread is to end */
};

/* Makes the folders; root is empty.  Fails the test when it cannot. */
void served_folder(struct served *);

/* Starts a server with that kernel.  Its log goes to stderr. */
void served_start(struct served *, const struct rumpserver_kernel *,
    void *kern, bool loop);

/* A new connection to it, -1 with errno set. */
int served_connect(const struct served *);

/* Stops the server and waits until it has. */
void served_stop(struct served *);

/* Removes the folders and all that is in them. */
void served_remove(struct served *);

#endif
