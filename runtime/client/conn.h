/*
 * A connection to the server and the calls that wait on it.
 *
 * A process has one (conn_self()), except that a vfork(2) child, which runs
 * in its parent's memory, gets one of its own for as long as it does.
 *
 * What a call costs when no other is in its way: one send(2), one recv(2) that
 * brings header and body together, two changes of the signal mask (handlers
 * may make calls themselves), and no poll(2) and no allocation: the call is on
 * its caller's stack, its frame is made there, and the wait for the answer is
 * in recv(2).  tests/client/check_lean.c holds it to that.
 *
 * Who may touch what:
 *
 *   lock       the members under "lock"; held for a few instructions, and for
 *              the guard's look at the calls in progress, never across a wait
 *   sendlock   sending on the socket, so that frames do not mix, and the
 *              queue of what the socket did not take
 *   reader     the thread whose call is `reader` has the right to receive:
 *              the members under "reader"
 *   setup      the right to connect, take down, move descriptors, exec; a
 *              flag with an owner, held across waits
 *
 * Order: setup, then the reader's role, then sendlock, then lock.  The
 * descriptors change only under all of setup, role, sendlock and lock, so
 * any one of the last three is enough to use them.  Signals are held back
 * (entry_begin) wherever the role or a lock is held.
 */
#ifndef RUMPGEN_CLIENT_CONN_H
#define RUMPGEN_CLIENT_CONN_H

#include <sys/types.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>

#include "client/sigwait.h"
#include "wire/frame.h"
#include "wire/locator.h"

/* Limits, all in bytes. */
enum {
	/* Receive buffer: many small frames in one recv(2). */
	CONN_RBUF = 16 * 1024,
	/* With this much unsent the reader serves nobody until it is gone. */
	CONN_MAX_UNSENT = 1024 * 1024,
	/* Regions (not bytes) mapped for the server that the guard knows. */
	CONN_MAX_MAPPED = 16,
	/* Refusals (not bytes) that are kept: as many as a NetBSD kernel has
	 * threads to wait with. */
	CONN_MAX_REFUSALS = 128,
};

/*
 * What a call named when it began, where its arguments only lead there: the
 * server may write to some of that memory, and must not widen its own rights
 * by it.  See guard.h.
 */
struct guard_names {
	uint64_t count;			/* behind the pointer to a length */
	bool aio;			/* ... and is used after the call */
	struct rump_msghdr msg;
	struct rump_mmsghdr *msgs;	/* nmsgs of them, mapped, or NULL */
	size_t nmsgs, mapped;
};

/* A copyin or copyinstr that was answered with an error. */
struct refusal {
	uint64_t reqno;
	struct frame_copy copy;
	bool string;
	bool settled;		/* the error came back and was dealt with */
};

/* The latest of them; see upcall_returned(). */
struct refusals {
	struct refusal last[CONN_MAX_REFUSALS];
	unsigned n;
};

/* What a call waits for; lives on the caller's stack while it is pending. */
struct call {
	/* Set before call_run() and constant from then on. */
	uint16_t type;		/* FRAME_SYSCALL or FRAME_PREFORK */
	uint32_t num;		/* syscall number */
	const void *args;	/* request body; 8-byte aligned for syscalls */
	size_t arglen;
	struct guard_names names;

	/* lock */
	struct call *next, *prev;
	uint64_t reqno;
	bool pending;		/* on the list */
	bool waiting;		/* on sem, with signals open; false again by
				 * whoever posts, or owes a post */
	bool done;
	bool efault;		/* a copyout of the server's went wrong */
	bool lost;		/* done because the server is gone */
	int error;		/* NetBSD errno, once done */
	union {
		struct frame_sysresp sysresp;
		uint32_t cookie[FRAME_COOKIE_WORDS];
	} resp;			/* once done, with error 0 */

	sem_t sem;		/* "look at done, or at the reader's role" */
};

/* A thread waiting for `setup`. */
struct setup_waiter {
	struct setup_waiter *next;
	sem_t sem;
};

/* The file behind a descriptor.  A program may close one of ours unasked, and
 * open a file of its own that gets the number: which we must leave alone. */
struct file_id {
	dev_t dev;
	ino_t ino;
};

enum conn_state {
	CONN_NONE,		/* never connected in this process */
	CONN_UP,
	CONN_LOST,		/* was up; the next call may reconnect */
};

struct conn {
	/* A vfork child's; constant. */
	pid_t owner;
	struct conn *outer;	/* its thread's before, or NULL */
	int cancelstate;	/* its thread's, which is the parent's */

	pthread_mutex_t lock;
	/* lock */
	enum conn_state state;
	bool everup;		/* a reconnect is possible */
	uint64_t reqno;
	struct call *pending;	/* newest first */
	struct call *reader;	/* NULL: nobody's */
	struct call *claimer;	/* of setup's owner: wants the role next */
	bool frozen;		/* no call may be sent; sendlock as well */
	unsigned generation;	/* counts connections; sendlock and the role
				 * as well */
	bool aio;		/* an aio call was answered: see guard.h */
	bool refused;		/* the guard has said so */
	/* What anonmmap gave the server since a call has been pending; of
	 * more than there is room for, the latest. */
	struct {
		uint64_t addr, len;
	} mapped[CONN_MAX_MAPPED];
	unsigned nmapped;
	bool setup;
	pthread_t setup_owner;
	struct setup_waiter *setup_waiters;
	int newfd;		/* socket being connected, or -1 */
	unsigned attempts;	/* to reconnect, failed ones */
	bool announced;		/* "lost" has been said */
	uint64_t retry_at;	/* monotonic ms: no attempt before */
	unsigned backoff;	/* ms between attempts */

	/* see above */
	int fd;			/* the socket, or -1 */
	int kickfd, kickfd_w;	/* wakes the reader; the same with eventfd */
	struct sigwait sig;
	struct file_id fd_id, kick_id, sig_id;
	bool local;		/* fd is a local socket */

	pthread_mutex_t sendlock;
	/* sendlock */
	char *unsent;		/* mapped, unsent_room bytes */
	size_t unsent_start, unsent_end, unsent_room;
	atomic_bool have_unsent;	/* read by the reader without */

	/* reader */
	size_t rstart, rend;	/* rbuf[rstart..rend) is unread */
	uint64_t copyout_left;	/* bytes to come of a copyout under way */
	uint64_t copyout_addr;
	bool copyout_drop;	/* refused or faulted: throw the rest away */
	bool raised;		/* a signal was raised: let it through */
	uint64_t mapped_bytes;	/* by all anonmmaps */
	struct refusals refusals;
	bool no_errors;		/* the server does not take an error for an
				 * answer, see upcall_returned() */
	char rbuf[CONN_RBUF];
};

/* This thread's connection, within an entry: of which it puts right what a
 * vfork child has left wrong. */
struct conn *conn_self(struct entry *e);
/*
 * Makes c, from mmap(2), this thread's for as long as this process, a vfork(2)
 * child, runs in its parent's memory.  The parent's next conn_self() sees that
 * it is over and unmaps c: a program compiled with NetBSD's header, of which
 * GCC removes the call of rumpclient_fork_vparent(), says nothing.
 */
void conn_override(struct conn *c, const struct entry *e);
/* The same at once; signals held back, e is what holds them. */
void conn_override_end(struct entry *e);

void conn_init(struct conn *c);

/* True when fork(2) handlers have run in this process, that is, it has its
 * own copy of the connection's memory. */
bool conn_process_is_own(void);

/* Where the server is; set by init under setup. */
extern struct locator conn_server;

/* --- setup --- */

/*
 * Takes setup, waiting for another owner with signals open.  Returns 0, or
 * EBUSY when this thread owns it already: a signal handler's call in the
 * middle of a connect or exec.
 */
int conn_setup_begin(struct conn *c, const struct entry *e);
void conn_setup_end(struct conn *c);
/* Waits until nobody has setup; EBUSY as above. */
int conn_setup_wait(struct conn *c, const struct entry *e);

/*
 * The reader's role for setup's owner: nobody receives until release.  The
 * claim is a zeroed call of the owner's, with its semaphore initialized here.
 */
void conn_claim(struct conn *c, struct call *claim);
void conn_release(struct conn *c, struct call *claim);

/*
 * Connects to conn_server and shakes hands; kind is HANDSHAKE_GUEST or
 * HANDSHAKE_FORK, the latter with a cookie.  Under setup, signals may be
 * open.  Gives up at the deadline (conn_now()), or earlier.  Returns 0 or a
 * host errno; says why on stderr unless quiet.
 */
int conn_connect(struct conn *c, enum frame_handshake kind,
    const uint32_t *cookie, uint64_t deadline, bool quiet);

/* Makes fd blocking, with a short time limit on receiving: what handshakes
 * and readers expect.  Returns 0 or a host errno. */
int conn_prepare_socket(int fd);

/* Takes over a prepared, connected socket whose handshake is done; owns fd.
 * The first request will be number reqno.  Under setup.  Returns 0 or a host
 * errno, fd then closed. */
int conn_adopt(struct conn *c, int fd, uint64_t reqno);

/*
 * Reconnects by the policy of rumpclient_setconnretry(), which may be to end
 * the process.  Setup is not held.  `again`: this call has had a reconnect.
 * Returns true when a connection is up again, false when it is not to be.
 */
bool conn_reconnect(struct conn *c, const struct entry *e, bool again);

/*
 * Waking a call goes in two steps, so that the woken thread does not run into
 * the lock that its waker holds: conn_wake() with lock held returns the call
 * if it waits, else NULL; conn_post() takes that once lock is released.  In
 * between the call stays where it is: its thread waits for the post.
 */
struct call *conn_wake(struct call *call);
void conn_post(struct call *call);

/* --- sending; signals held back --- */

/* Sends one frame of the reader's or queues what the socket does not take.
 * Returns 0, ENOMEM (nothing was sent), or ENOTCONN. */
int conn_send(struct conn *c, const void *frame, size_t len);

/* The same for a call: EAGAIN when frozen, ENOTCONN also when the connection
 * is not the one of that generation any more; nothing was sent then. */
int conn_send_call(struct conn *c, unsigned generation, const void *frame,
    size_t len);

/*
 * Sends a header and len bytes from address addr of our own memory, without
 * copying them as long as the socket takes them.  Returns 0; EFAULT when
 * nothing was sent because the address is bad; ERANGE when it turned out bad
 * in the middle and zeros went in the place; ENOMEM, ENOTCONN.
 */
int conn_send_user(struct conn *c, const struct frame_hdr *hdr,
    uint64_t addr, size_t len);

/* Sends what was queued, as far as the socket takes it.  Returns 0 or
 * ENOTCONN. */
int conn_flush(struct conn *c);
/* Forgets what was queued and gives its memory back; sendlock held. */
void conn_drop_unsent(struct conn *c);

/* --- losing it --- */

/* The server of that generation is gone: every pending call fails with
 * ENOTCONN, at once or as soon as the reader is off.  Nothing happens when
 * there has been another connection since.  Holds no lock on entry. */
void conn_lost(struct conn *c, unsigned generation);
/* What it does then; lock held, nobody reads. */
void conn_fail_pending(struct conn *c);
/* The same because the server broke the protocol; says why. */
void conn_broken(struct conn *c, const char *why);
/* Closes what a lost connection leaves, once nobody reads.  Holds nothing. */
void conn_reap(struct conn *c);

/* Wakes the reader from its poll; what it does about that. */
void conn_kick(struct conn *c);
void conn_unkick(struct conn *c);

/* Monotonic milliseconds. */
uint64_t conn_now(void);

#endif
