/*
 * librumpserver: put a kernel behind the rump_sp protocol.
 *
 * A kernel is a table of functions (struct rumpserver_kernel).  The server
 * accepts clients, speaks the protocol and calls the table: every connection
 * is a process (struct rump_proc), every call in progress runs on an lwp
 * (struct lwp).  The kernel numbers its processes itself; the server knows
 * neither pids nor descriptors.
 *
 * Conventions.  Functions that stand in for kernel facilities (copyin, wait,
 * …) and all functions of the table that return int return 0 or a NetBSD
 * errno (RUMP_E* in <rump/rumpdefs.h>).  Functions that manage the server
 * itself return 0 or -1 with the host's errno set.
 */
#ifndef RUMP_RUMPSERVER_H
#define RUMP_RUMPSERVER_H

#include <sys/types.h>

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <rump/rump_types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rumpserver;
struct rump_proc;
struct lwp;

/* Who is at the other end of a connection, as far as the host can tell. */
struct rumpserver_peer {
	bool known;		/* uid, gid and pid are from SO_PEERCRED */
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* host pid, for logs */
	unsigned ngroups;	/* supplementary ones, if known: all */
	const gid_t *groups;	/* in proc_new, until it returns */
	bool local;		/* local socket or inherited descriptor */
};

/*
 * The kernel.  `kern` is the pointer given to rumpserver_create().  All
 * functions may be called from any thread and concurrently, except that for
 * one process proc_new or proc_copy comes first, proc_exec never runs beside
 * a syscall of that process, and proc_exit comes last, when no lwp of the
 * process is left.  All but syscall may be NULL: a function that does nothing
 * and succeeds, for kernels whose processes have nothing of their own.
 */
struct rumpserver_kernel {
	const char *name;		/* for logs: "hostkern" */
	const char *ostype;		/* for the banner: "NetBSD" */
	const char *osrelease;		/* "7.99.34" */
	const char *machine;		/* "amd64" */

	/* A guest: a new child of init with no descriptors of its own making.
	 * `comm` is the client's command name.  Refuse with an errno; the
	 * client is told "no memory" when it is one of those for too many or
	 * too much, else "not authorised", and disconnected. */
	int (*proc_new)(void *kern, struct rump_proc *p,
	    const struct rumpserver_peer *peer, const char *comm);

	/* Prefork: `child` becomes a copy of `parent`, whose child it is,
	 * descriptors included. */
	int (*proc_copy)(void *kern, struct rump_proc *child,
	    struct rump_proc *parent);

	/* The client behind a preforked copy has connected (fork
	 * handshake). */
	void (*proc_attach)(void *kern, struct rump_proc *p,
	    const struct rumpserver_peer *peer);

	/* Exec: close what is marked close-on-exec, take the new command
	 * name.  The process's other calls are over. */
	int (*proc_exec)(void *kern, struct rump_proc *p, const char *comm);

	/* The process is gone (disconnect, cancelled or expired prefork). */
	void (*proc_exit)(void *kern, struct rump_proc *p);

	/* An lwp is made for the first call and reused; `release` comes when
	 * it is idle for good. */
	int (*lwp_new)(void *kern, struct lwp *l);
	void (*lwp_release)(void *kern, struct lwp *l);

	/* One call.  `args` is the wire image, `len` bytes, 8-byte aligned;
	 * usually handed to rumpserver_dispatch() with the generated sysent.
	 * Returns 0 or a NetBSD errno; results in retval[0..1], zero before. */
	int (*syscall)(void *kern, struct lwp *l, int num, const void *args,
	    size_t len, register_t retval[2]);

	/* Wake l, which may sleep somewhere else than in rumpserver_wait():
	 * its process is going away or exec'ing.  Called from another thread,
	 * possibly when l sleeps no more or not yet: a call that is about to
	 * sleep asks rumpserver_interrupted() once it can be woken.  It should
	 * end with RUMP_EINTR soon. */
	void (*interrupt)(void *kern, struct lwp *l);

	/* In an event loop: the step is over, and its thread is the caller's
	 * again, as whom the kernel should leave it. */
	void (*step_done)(void *kern);
};

/*
 * --- what a kernel may ask of the server while it runs a call ---
 *
 * What takes an lwp is called by the thread that runs the lwp's call, from
 * within it, unless it says otherwise.  Copies and waits let other calls of
 * the same process run meanwhile, on this thread or others: hold no lock of
 * the kernel's across them that a call may want.
 */

struct rump_proc *rumpserver_lwp_proc(const struct lwp *l);

/* One pointer of the kernel's own on every process and lwp; NULL at first. */
void *rumpserver_proc_private(const struct rump_proc *p);
void rumpserver_proc_setprivate(struct rump_proc *p, void *priv);
void *rumpserver_lwp_private(const struct lwp *l);
void rumpserver_lwp_setprivate(struct lwp *l, void *priv);

/*
 * Client memory.  Each returns 0 or RUMP_EFAULT (refused or unmapped in the
 * client, or the client is gone); lengths in bytes, any length (longer ones
 * than one frame may carry go in pieces).  len 0 never touches the wire, nor
 * does address 0: with another length that is RUMP_EFAULT.
 *
 * copyinstr fetches up to len bytes including the NUL; RUMP_ENAMETOOLONG
 * when there is none in len bytes.  *done (may be NULL) gets the length with
 * NUL.  copyoutstr copies a string of at most len bytes, NUL included, with
 * the same error and *done.
 *
 * copyout is buffered until the answer (or the next copyin): kaddr may be
 * reused at once.  A fault in the client cannot be reported by the protocol.
 */
int rumpserver_copyin(struct lwp *l, rump_uaddr_t uaddr, void *kaddr,
    size_t len);
int rumpserver_copyinstr(struct lwp *l, rump_uaddr_t uaddr, char *kaddr,
    size_t len, size_t *done);
int rumpserver_copyout(struct lwp *l, const void *kaddr, rump_uaddr_t uaddr,
    size_t len);
int rumpserver_copyoutstr(struct lwp *l, const char *kaddr,
    rump_uaddr_t uaddr, size_t len, size_t *done);

/*
 * The same without a copy in between.  copyin_borrow: *data points at the
 * client's bytes inside the server's buffer, valid until the lwp's next
 * copyin of any kind or the end of the call; len at most
 * RUMPSERVER_BORROW_MAX.  copyout_reserve: *data is room for len bytes (at
 * most RUMPSERVER_BORROW_MAX, not aligned) to be filled and then committed
 * with the number of bytes that are to go to uaddr (0: none); no other copy in
 * between.  Longer ones give RUMP_EINVAL.
 */
#define RUMPSERVER_BORROW_MAX	(1024 * 1024)
int rumpserver_copyin_borrow(struct lwp *l, rump_uaddr_t uaddr, size_t len,
    const void **data);
int rumpserver_copyout_reserve(struct lwp *l, rump_uaddr_t uaddr, size_t len,
    void **data);
int rumpserver_copyout_commit(struct lwp *l, size_t used);

/* Fresh zeroed memory in the client; RUMP_ENOMEM when it has none. */
int rumpserver_anonmmap(struct lwp *l, size_t len, rump_uaddr_t *uaddr);

/* Raises NetBSD signal signo in the client of p.  May be called from any
 * thread, also outside a call, as long as proc_exit has not returned for p;
 * never blocks.  RUMP_ESRCH: nobody is there. */
int rumpserver_raise(struct rump_proc *p, int signo);

/*
 * Sleeping.  A call may sleep as long as it likes if the server knows:
 *
 * rumpserver_wait is poll(2) with a timeout (NULL: for ever; fds may be NULL
 * with nfds 0), ended with RUMP_EINTR when the lwp is interrupted and
 * RUMP_EWOULDBLOCK when the time is over.  It works in every way to run a
 * server, the event loop included.  RUMP_ENOMEM: the client or its user has as
 * many threads asleep as he may, or all but this one sleep and there may be no
 * more (max_threads).  A thread is woken by SIGURG, for which rumpserver_start
 * sets a handler if the program has none.
 *
 * rumpserver_block/unblock bracket any other sleep (not in an event loop,
 * where it stops everybody).  A kernel that sleeps without saying so delays
 * only other calls of the same connection, and those for a few milliseconds:
 * a watchdog notices.  Of a client with as many threads as it may have, the
 * other calls wait.
 *
 * rumpserver_interrupted: the call should give up with RUMP_EINTR.
 */
int rumpserver_wait(struct lwp *l, struct pollfd *fds, nfds_t nfds,
    const struct timespec *timeout);
void rumpserver_block(struct lwp *l);
void rumpserver_unblock(struct lwp *l);
bool rumpserver_interrupted(const struct lwp *l);

/*
 * Sleeping until another call says so, which costs no descriptor.
 * rumpserver_sleep is as rumpserver_wait, and 0 when rumpserver_wake came: in
 * this sleep, or before it in the same call, since the last sleep.  It may be
 * meant for an earlier one, so look again what has happened.  Wake from any
 * thread, as long as the call is in progress.
 */
int rumpserver_sleep(struct lwp *l, struct pollfd *fds, nfds_t nfds,
    const struct timespec *timeout);
void rumpserver_wake(struct lwp *l);

/*
 * Does work for l's process that no call waits for, on an lwp of its own: as a
 * call, with its thread or fiber, but no copies.  It is interrupted when the
 * process goes away or exec's, which waits for its end.  Runs job(lwp, arg)
 * once, from soon on; ESRCH, ENOMEM: it will not.
 */
int rumpserver_spawn(struct lwp *l, void (*job)(struct lwp *, void *),
    void *arg);

/* Interrupts the call l is in, as a signal would: ends rumpserver_wait() and
 * makes rumpserver_interrupted() true until the call is over.  Does not call
 * the kernel's own interrupt function.  Any thread, as long as lwp_release
 * has not returned for l. */
void rumpserver_interrupt(struct lwp *l);

/*
 * --- budgets ---
 *
 * What a guest can have many of is paid for by an account: every process has
 * one, a copied process one of its own.  Each kind is limited for an account,
 * for a user (the accounts of one host uid; peers whose uid nobody knows are
 * one user) and in all.  A user may hold so much of a kind that the free rest
 * stays in proportion (user_share): whoever comes next finds some.
 *
 * rumpserver_charge takes n of a kind for the account, or nothing: false when
 * one of the limits would be passed, which the statistics count.  The kernel
 * then fails what was asked of it with the errno that it has for that kind.
 * rumpserver_refund gives back what was charged.  What is charged may outlive
 * the process, as a file that was handed on does: who keeps it keeps a
 * reference to its account.
 *
 * Any thread; they never block.  A NULL account has no limits.
 */
enum rumpserver_budget {
	RUMPSERVER_BYTES,	/* memory held on a client's behalf */
	RUMPSERVER_THREADS,	/* that sleep or work for it */
	RUMPSERVER_DESCRIPTORS,	/* of the host */
	RUMPSERVER_CONNECTIONS,	/* by the server alone */
	RUMPSERVER_PROCESSES,	/* clients, and copies that wait for one */
	RUMPSERVER_SEMAPHORES,
	RUMPSERVER_NBUDGETS
};

struct rumpserver_account;

/* A new reference.  NULL if the process has none. */
struct rumpserver_account *rumpserver_proc_account(struct rump_proc *p);
void rumpserver_account_ref(struct rumpserver_account *);
void rumpserver_account_put(struct rumpserver_account *);
bool rumpserver_charge(struct rumpserver_account *,
    enum rumpserver_budget kind, uint64_t n);
void rumpserver_refund(struct rumpserver_account *,
    enum rumpserver_budget kind, uint64_t n);

/*
 * Memory for the time of a call, at most, paid for by its process: what may be
 * large, and what is held while the client is waited for.  NULL when there is
 * none or too much is held.  Free takes NULL.
 */
void *rumpserver_alloc(struct lwp *l, size_t n);
void rumpserver_free(void *p);

/* --- dispatch through a generated table --- */

typedef int rump_sy_call_t(struct lwp *, const void *, register_t *);

/* Generated: rump_sysent[], rump_nsysent (out/server/rump_sysent.c). */
struct rump_sysent {
	const char *sy_name;		/* NULL: no such call */
	rump_sy_call_t *sy_call;
	uint16_t sy_narg;
	uint16_t sy_argsize;		/* bytes on the wire */
	uint32_t sy_flags;		/* RUMP_SYF_* */
};
#define RUMP_SYF_NOERR		0x01	/* result is never an errno */
#define RUMP_SYF_COMPAT		0x02	/* of an older NetBSD */

extern const struct rump_sysent rump_sysent[];
extern const unsigned rump_nsysent;

/*
 * Checks number and argument size (RUMP_ENOSYS, RUMP_EINVAL) and calls the
 * handler.  A body longer than the arguments is accepted, a shorter one not.
 */
int rumpserver_dispatch(const struct rump_sysent *table, unsigned nent,
    struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2]);

/* --- a server --- */

enum rumpserver_loglevel {
	RUMPSERVER_LOG_ERROR, RUMPSERVER_LOG_WARN, RUMPSERVER_LOG_INFO,
	RUMPSERVER_LOG_DEBUG
};

#define RUMPSERVER_STACK_MIN	(64 * 1024)

/* 0 in a limit means its default, given behind it. */
struct rumpserver_config {
	const struct rumpserver_kernel *kernel;
	void *kern;

	/* One line, no newline.  NULL: stderr, up to WARN. */
	void (*log)(void *cookie, enum rumpserver_loglevel, const char *line);
	void *log_cookie;

	unsigned max_clients;		/* connections: 10000 */
	unsigned max_calls_per_client;	/* in progress at once: 1024 */
	unsigned max_threads;		/* workers, one stays awake: 16384 */
	/* Cookies outstanding: 64; those of processes that are gone, all
	 * together: as many as max_clients. */
	unsigned max_preforks_per_proc;
	unsigned prefork_timeout_ms;	/* cookie expiry: 60000 */
	unsigned handshake_timeout_ms;	/* accept to handshake: 10000 */
	unsigned frame_timeout_ms;	/* begun frame to its end: 30000 */
	/* For a client to read 64 KiB of what it is sent, or all: 30000. */
	unsigned send_timeout_ms;
	unsigned answer_timeout_ms;	/* copyin to its answer: 300000 */
	/* Bytes of one copyin/out frame: 1 MiB; more than 16 MiB is taken for
	 * 16 MiB. */
	size_t max_copy;
	/* Budgets: what all clients have together, and one of them. */
	uint64_t max_bytes;		/* 1 GiB */
	uint64_t max_client_bytes;	/* 64 MiB */
	unsigned max_client_threads;	/* 1024; all: max_threads */
	unsigned max_fds;		/* RLIMIT_NOFILE less a reserve */
	unsigned max_client_fds;	/* 16384 */
	unsigned max_semaphores;	/* 1024 */
	/* What a user may hold of each, in percent, if nobody else holds any;
	 * 100: all of it: 75. */
	unsigned user_share;
	/* Of each call's thread: 512 KiB; less than RUMPSERVER_STACK_MIN is
	 * taken for that. */
	size_t stack_size;

	/* Local sockets: mode of the socket file (0600) and who may connect.
	 * n_allow_uid and n_allow_gid both 0: our own uid and root. */
	unsigned socket_mode;
	const uid_t *allow_uid;
	size_t n_allow_uid;
	const gid_t *allow_gid;
	size_t n_allow_gid;
	bool allow_anyone;
};

struct rumpserver_stats {
	uint64_t clients, clients_total, refused;
	uint64_t calls, calls_now, errors;
	uint64_t copyin_bytes, copyout_bytes;
	uint64_t preforks, preforks_now;
	uint64_t protocol_errors, timeouts;
	uint64_t threads;
	/* By kind: what is charged now, and how often there was too little. */
	uint64_t held[RUMPSERVER_NBUDGETS];
	uint64_t over_budget[RUMPSERVER_NBUDGETS];
};

struct rumpserver *rumpserver_create(const struct rumpserver_config *);

/* Listens at a locator (unix://, tcp://, tcp6://).  `resolved` (may be NULL)
 * gets the locator with the real port, at most len bytes. */
int rumpserver_listen(struct rumpserver *, const char *locator,
    char *resolved, size_t len);
/* Takes over a listening socket (socket activation).  The server owns fd from
 * here on, and closes it when this fails later; what is no listening socket
 * (EINVAL, ENOTSOCK, EBADF) stays the caller's. */
int rumpserver_listen_fd(struct rumpserver *, int fd);
/* Serves one connected stream socket, whoever is at its other end.  Owning fd
 * goes as with rumpserver_listen_fd(); what is no stream socket fails with
 * EPROTOTYPE. */
int rumpserver_serve_fd(struct rumpserver *, int fd);

/* Way one: threads of its own, in the background. */
int rumpserver_start(struct rumpserver *);
/* Blocks until no client is connected: for serve_fd without a listener. */
void rumpserver_join(struct rumpserver *);

/*
 * Way two: the caller's event loop.  When rumpserver_pollfd() is readable,
 * or at the latest after the milliseconds that the last step returned (-1:
 * never), call rumpserver_step().  It never blocks and starts no thread; a
 * call that has to wait is set aside on a stack of its own.  One thread only.
 */
int rumpserver_pollfd(struct rumpserver *);
int rumpserver_step(struct rumpserver *);

/*
 * Stops accepting, lets calls in progress finish for at most grace_ms, then
 * interrupts them, ends every process and unlinks local sockets.  Blocks
 * until done.  Not from a handler.
 */
void rumpserver_stop(struct rumpserver *, unsigned grace_ms);
void rumpserver_destroy(struct rumpserver *);

void rumpserver_getstats(struct rumpserver *, struct rumpserver_stats *);

#ifdef __cplusplus
}
#endif

#endif
