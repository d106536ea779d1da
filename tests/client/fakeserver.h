/*
 * A rump_sp server in a process of its own that does what a test tells it,
 * misbehaviour included.
 */
#ifndef TESTS_CLIENT_FAKESERVER_H
#define TESTS_CLIENT_FAKESERVER_H

#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Calls that the fake server knows beside getpid; numbers no list has. */
enum {
	FAKE_GETPID = 20,
	FAKE_BLOCK = 1000,	/* id: answers when RELEASE names it */
	FAKE_RELEASE,		/* id */
	FAKE_RAISE,		/* signal number */
	FAKE_ANONMMAP,		/* length */
	FAKE_ERRNO,		/* fails with that errno */
	FAKE_ERRFRAME,		/* fails with that error frame */
	FAKE_HANGUP,		/* id: closes the connection; answers if it was
				 * the last id, not 0, that did */
	FAKE_BYTES,		/* sends shared->bytes as they are */
	FAKE_ECHO,		/* returns its two arguments */
	FAKE_EXIT,		/* the server process ends */
};

/* What the server does to the client's memory during an ordinary call. */
struct fake_op {
	enum { OP_END, OP_COPYIN, OP_COPYINSTR, OP_COPYOUT } what;
	uint64_t addr, len;
	/* results */
	bool refused;		/* an error frame came */
	uint64_t got;		/* bytes that came */
	uint32_t sum;		/* of them */
	uint16_t type;		/* of the answer */
	char data[64];		/* the first ones */
};

#define FAKE_MAXOPS	8

/* In memory that test and server share. */
struct fake_shared {
	/* orders */
	char banner[128];
	size_t banner_len;	/* 0: a good one */
	size_t banner_split;	/* sent in two, the first so long */
	bool slow;		/* every byte in a write of its own */
	bool deaf;		/* never answers a handshake */
	unsigned nap;		/* ms before it reads an answer's body */
	bool returns_errors;	/* as NetBSD's: for them it goes on waiting */
	unsigned batch;		/* hold so many answers, send them reversed */
	struct fake_op ops[FAKE_MAXOPS];	/* for calls of numbers < 1000 */
	char bytes[256];
	size_t nbytes;
	/* reports */
	atomic_int accepted, closed, guests, forks, cancels, execs, preforks;
	atomic_int calls, blocked, errors;
	atomic_int nextpid;
	char comm[128];
	uint64_t comm_len;	/* of the body that it was in */
};

struct fakeserver {
	pid_t pid;
	char dir[64];
	char locator[128];
	struct fake_shared *sh;
};

/* Listens in a new directory, forks the server, sets RUMP_SERVER. */
void fake_start(struct fakeserver *f);
/* A new process at the old place, after fake_kill(). */
void fake_restart(struct fakeserver *f);
/* The same after an outage; returns at once.  Before there are threads, as
 * the others. */
void fake_restart_later(struct fakeserver *f, unsigned ms);
void fake_kill(struct fakeserver *f);
/* Kills it and removes its directory. */
void fake_stop(struct fakeserver *f);

/*
 * The server of a test, and checked fixtures: it is started; the same, with
 * the client library connected to it; it is stopped.
 */
extern struct fakeserver fake;
void fake_setup(void);
void fake_setup_connected(void);
void fake_teardown(void);

/* Waits until *counter is at least n; false after five seconds. */
bool fake_wait(atomic_int *counter, int n);

/* Descriptors that are open here: none may be left behind. */
int fake_count_open(void);

/* Byte i of what OP_COPYOUT sends, and the sum OP_COPYIN reports. */
unsigned char fake_byte(uint64_t i);
uint32_t fake_sum(const void *data, size_t len);

/* rumpclient_syscall() with up to three arguments; the result in *rv. */
int fake_call(int num, uint64_t a, uint64_t b, uint64_t c, int64_t *rv);

#endif
