/*
 * Local sockets and messages for tests that speak the protocol by hand.
 */
#ifndef RUMPGEN_TESTS_HOSTKERN_MESSAGE_H
#define RUMPGEN_TESTS_HOSTKERN_MESSAGE_H

#include "raw.h"

struct rump_sockaddr_un local(const char *path);

struct message {
	struct rump_msghdr mh;
	struct rump_iovec iov[2];
	char data[2][16];
	_Alignas(8) char control[256];
};

/* Four bytes and sixteen; no control messages. */
void message_init(struct message *);
/* Adds descriptors to be sent. */
void message_pass(struct message *, const int32_t *fds, int n);
/* Adds room for control messages to be received. */
void message_room(struct message *);
/* The descriptors that came, at most max; how many. */
int message_fds(struct message *, int32_t *fds, int max);

/* All of it at once: an errno, and the descriptor or -1. */
int pass_one(struct raw_guest *, int s, int32_t fd);
int take_one(struct raw_guest *, int s, int32_t *fd);

/* A socket of g's at that name, and one of h's connected to it. */
void connected(int type, struct raw_guest *, int *gs, struct raw_guest *,
    int *hs);

#endif
