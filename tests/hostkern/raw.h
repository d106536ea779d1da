/*
 * Guests of a host kernel that speak the protocol by hand: any number of them
 * in one process and thread, so that a test can let one block in a call while
 * another goes on.  The server runs in the test's own process; its kernel
 * serves a fresh directory.
 *
 * Anything that is not as it should be on the wire fails the test.
 */
#ifndef RUMPGEN_TESTS_HOSTKERN_RAW_H
#define RUMPGEN_TESTS_HOSTKERN_RAW_H

#include <sys/types.h>

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"

struct raw_server {
	struct hostkern *hk;
	struct rumpserver *srv;
	char dir[64];		/* holds root and what is outside of it */
	char root[80];
	pthread_t loop;
	int quit[2];		/* a pipe: closed to end the loop */
};

/* conf may be NULL; its root is not looked at.  in_event_loop (ways.h) says how
 * the server runs; its loop is then a thread of ours. */
void raw_start(struct raw_server *, const struct hostkern_config *conf);
/* What its servers are like in what raw_start does not say itself; a test may
 * change it before it starts one. */
extern struct rumpserver_config raw_config;
/* Its threads are in rump_server's sandbox; not in tests that put filters of
 * their own on all threads. */
extern bool raw_shut_in;
/* Ends the server, checks that no guest was left, removes the directory. */
void raw_stop(struct raw_server *);

/* A file of the host: in the root ("a/b"), or beside it ("../secret"). */
void raw_put(const struct raw_server *, const char *name, const char *data);
/* Its content; fails the test when it cannot be read. */
const char *raw_get(const struct raw_server *, const char *name);
/* The host's name of it, in a static buffer. */
const char *raw_host(const struct raw_server *, const char *name);
/* How many descriptors this process, which is the server, has of what the host
 * calls by a name that begins so; "": of all. */
int raw_descriptors(const char *name);

struct raw_guest {
	struct raw_server *server;
	int fd;
	uint64_t reqno;
	int64_t retval[2];
	uint64_t raised;	/* bit n: signal n came */
};

struct raw_guest *raw_guest(struct raw_server *, const char *comm);
/* As that user, if we are root. */
struct raw_guest *raw_guest_as(struct raw_server *, const char *comm, uid_t);
/* The child of a prefork, as a guest of its own. */
struct raw_guest *raw_fork(struct raw_server *, struct raw_guest *);
/* n preforks that no child completes. */
void raw_prefork(struct raw_guest *, unsigned n);
/* A prefork that the kernel must not allow. */
void raw_fork_refused(struct raw_guest *);
void raw_exec(struct raw_guest *, const char *comm);
/* The same while a call is in progress, whose errno it returns. */
int raw_exec_amid(struct raw_guest *, const char *comm);
/* Disconnects, and waits until the process is gone. */
void raw_leave(struct raw_guest *);

/*
 * What most tests begin with: a server, and a guest of it.  To be used as a
 * checked fixture, or at the beginning of one.
 */
extern struct raw_server S;
extern struct raw_guest *G;
void raw_setup(void);
void raw_teardown(void);

/*
 * A call: its NetBSD errno; results in retval.  raw_begin sends it only, and
 * raw_end waits for its answer; raw_pending says that none has come (it
 * waits a little for one).
 */
int raw_call(struct raw_guest *, int num, int nargs, const uint64_t *args);
void raw_begin(struct raw_guest *, int num, int nargs, const uint64_t *args);
int raw_end(struct raw_guest *);
/* Those begun from here on go out all at once, when that ends. */
void raw_gather(bool);
bool raw_pending(struct raw_guest *);
/*
 * n calls begun sleep: none wakes, as one would that looks now and then, while
 * g waits for a moment in another call.  In an event loop this cannot be seen.
 */
void raw_asleep(struct raw_guest *g, unsigned n);
/* The next answer, of whichever of several calls begun. */
int raw_end_any(struct raw_guest *, uint64_t *reqno);

/* Arguments as a list: numbers, or pointers through P(). */
#define P(ptr)		((uint64_t)(uintptr_t)(ptr))
#define ARGS(...)	(int)(sizeof((uint64_t[]){ __VA_ARGS__ }) / \
			    sizeof(uint64_t)), (uint64_t[]){ __VA_ARGS__ }
#define CALL(g, name, ...) \
			raw_call(g, RUMP_SYS_##name, ARGS(__VA_ARGS__))
#define CALL0(g, name)	raw_call(g, RUMP_SYS_##name, 0, NULL)
#define BEGIN(g, name, ...) \
			raw_begin(g, RUMP_SYS_##name, ARGS(__VA_ARGS__))

/* The call succeeds, and its first result. */
int64_t raw_ok(struct raw_guest *, const char *what, int error);
#define OK(g, name, ...) \
			raw_ok(g, #name, CALL(g, name, __VA_ARGS__))
#define OK0(g, name)	raw_ok(g, #name, CALL0(g, name))

/* open, with the descriptor as the result. */
int raw_open(struct raw_guest *, const char *path, int flags, int mode);

#endif
