/*
 * A small kernel to put behind the server, a server running it in the
 * background in either way, and a client that speaks raw bytes.  The client
 * knows the protocol by itself: nothing of runtime/wire is used here.
 */
#ifndef TESTS_SERVER_TESTKERN_H
#define TESTS_SERVER_TESTKERN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpserver.h>

/* --- the protocol's numbers --- */

enum { REQ = 0, RESP = 1, ERROR = 2 };
enum {
	HANDSHAKE = 0, SYSCALL = 1, COPYIN = 2, COPYINSTR = 3, COPYOUT = 4,
	COPYOUTSTR = 5, ANONMMAP = 6, PREFORK = 7, RAISE = 8
};
enum { GUEST = 0, AUTH = 1, FORK = 2, EXEC = 3 };
enum {
	E_TRYAGAIN = 1, E_AUTH = 2, E_NO_PREFORK = 3, E_RFORK = 4,
	E_INEXEC = 5, E_NOMEM = 6, E_MALFORMED = 7
};

/* --- the kernel's calls --- */

enum {
	TK_GETPID,		/* pid, parent's pid */
	TK_ECHO,		/* (a, b): returns both */
	TK_ERROR,		/* (n): fails with n */
	TK_COPYIN,		/* (addr, len): the sum of the bytes */
	TK_COPYINSTR,		/* (addr, len): length with NUL, sum */
	TK_COPYOUT,		/* (addr, len): tk_byte(i) at i */
	TK_COPYOUTSTR,		/* (addr, len): "hello" */
	TK_BORROW,		/* as COPYIN */
	TK_RESERVE,		/* (addr, len, used): as COPYOUT */
	TK_ANONMMAP,		/* (len): the address */
	TK_RAISE,		/* (signo) in the caller */
	TK_SLEEP,		/* rumpserver_wait without descriptors, (ms) */
	TK_GATE_WAIT,		/* rumpserver_wait on the gate, (ms) */
	TK_GATE_BLOCK,		/* sleeps until the gate opens, says so */
	TK_GATE_SILENT,		/* the same, says nothing */
	TK_COPYINOUT,		/* (from, to, len): copies, inverted */
	TK_COMM,		/* (addr): copies the command name out */
	TK_GATE_COPYIN,		/* (addr, len): waits as GATE_WAIT, then copyin */
	TK_GATE_RESERVE,	/* (addr, len, used): then as RESERVE */
	TK_KICKED,		/* (addr, len): sleeps until another thread has
				 * interrupted it a lot, then as COPYOUT */
	TK_WAIT_FILE,		/* (ms): waits for what no file has */
	TK_STACK,		/* uses 40 KiB of it */
	TK_DOZE,		/* rumpserver_sleep, (ms), until ... */
	TK_WAKE,		/* ... this: the last that went to sleep so, or
				 * ESRCH */
	TK_JOB,			/* spawns a job: as GATE_WAIT, then SIGUSR1 */
	TK_NCALLS
};

static inline uint8_t
tk_byte(size_t i)
{

	return (uint8_t)(i * 7 + (i >> 8));
}

struct testkern {
	pthread_mutex_t lock;
	pthread_cond_t cond;		/* something below has changed */
	int next_pid;
	bool open;			/* the gate */
	int gatefd[2];			/* pipe; readable when open */
	unsigned sleeping;		/* calls that sleep at the gate */
	struct lwp *dozing;		/* in TK_DOZE */
	unsigned jobs, cut_jobs;	/* over; of them, by an interrupt */
	unsigned procs, lwps;		/* now */
	unsigned execs, copies, interrupts, calls;
	int refuse;			/* errno of the next proc_new */
	int copy_error;			/* ... of proc_copy */
	bool copy_waits;		/* proc_copy does, for the gate */
	unsigned exits_that_wait;	/* in proc_exit, for the gate */
	int exec_error;
	int lwp_error;
	char log[65536];			/* the server's lines */
};

extern const struct rumpserver_kernel testkern_kernel;

void tk_init(struct testkern *);
void tk_fini(struct testkern *);
/* Opens the gate for all who sleep there, or closes it. */
void tk_gate(struct testkern *, bool open);
/* One of the counts, while the kernel runs. */
unsigned tk_read(struct testkern *, const unsigned *count);
/* Wait for a state; fail the test after ten seconds. */
void tk_wait_sleeping(struct testkern *, unsigned n);
void tk_wait_procs(struct testkern *, unsigned n);
void tk_wait_log(struct testkern *, const char *text);
bool tk_logged(struct testkern *, const char *text);

/* --- a server with it --- */

/* By hand: a loop, too, but the test itself makes the steps. */
enum way { THREADS, LOOP, NWAYS, BY_HAND };

struct bed {
	struct testkern tk;
	struct rumpserver *srv;
	enum way way;
	char dir[64], locator[128], path[96];
	pthread_t driver;
	int stopfd;
	struct rumpserver_config cfg;
};

/* Fills the configuration; the caller may change it before bed_start(). */
void bed_init(struct bed *, enum way);
void bed_start(struct bed *);
/* Stops the server and checks that the kernel has nothing left. */
void bed_stop(struct bed *);
struct rumpserver_stats bed_stats(struct bed *);

/* --- a client of raw bytes --- */

struct frame {
	uint64_t len, reqno;
	uint16_t class, type;
	uint32_t u;
	uint8_t *body;
	size_t bodylen;
};

/* Connects and reads the banner. */
int cl_connect(struct bed *);
/* ... and is a guest. */
int cl_guest(struct bed *);
/* Over TCP, at a listener of its own: another user.  Has read nothing yet. */
int cl_tcp(struct bed *);
/* Over a socketpair given to rumpserver_serve_fd(). */
int cl_pair(struct bed *);
void cl_banner(int fd);
void cl_raw(int fd, const void *, size_t);
void cl_send(int fd, unsigned class, unsigned type, uint64_t reqno, uint32_t u,
    const void *body, size_t len);
/* Reads one frame; its body is good until the next one on this thread.
 * cl_done() frees the last one's before a thread ends. */
struct frame cl_recv(int fd);
void cl_done(void);
/* Sends a call. */
void cl_call(int fd, uint64_t reqno, int num, uint64_t a, uint64_t b,
    uint64_t c);
/* Reads an answer to call reqno; returns its errno. */
int cl_answer(int fd, uint64_t reqno, int64_t retval[2]);
/* Both. */
int cl_syscall(int fd, int num, uint64_t a, uint64_t b, uint64_t c,
    int64_t retval[2]);
/* Both, for a call whose first argument, and only pointer, is a string. */
int cl_with_path(int fd, int num, const char *path, uint64_t b, uint64_t c,
    int64_t retval[2]);
/* Reads an error frame and returns its code. */
uint32_t cl_error(int fd, uint64_t reqno);
/* Reads a request of this type with its {length, address}. */
struct frame cl_copyreq(int fd, unsigned type, uint64_t *len, uint64_t *addr);
/* Reads a banner and is a guest: 0, or the error for which the server hangs
 * up. */
uint32_t cl_refusal(int fd);
/* The server closes, having sent nothing more. */
void cl_eof(int fd);
/* Prefork: the cookie. */
void cl_prefork(int fd, uint64_t reqno, uint32_t cookie[4]);
void cl_fork(int fd, uint64_t reqno, const uint32_t cookie[4], int32_t cancel);

#endif
