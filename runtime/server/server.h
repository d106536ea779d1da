/*
 * librumpserver from the inside.
 *
 * One epoll instance holds every descriptor, each registered one-shot.  Every
 * connection is a session; at any time at most one party owns its input: a
 * worker (who reads and runs what it reads), the ready queue, or epoll.  A
 * worker runs a call right where it read it.  When the call blocks, or the
 * watchdog finds that it sleeps, the input goes to somebody else; the worker
 * notices when the call is over and leaves the session alone.  When it still
 * owns the input it stays: it waits in recv(2) for STICKY_MS before it gives
 * the session back to epoll.  So a busy client costs one thread wakeup a
 * call, as many as the bare socket.
 *
 * In an event loop there is one worker, the caller; calls run on fibers.
 *
 * Locks, in the order in which they may be taken together:
 *
 *	srv->active_lock  the list of workers that own an input
 *	ses->lock	  a session's state, its lwps and their sleep
 *	ses->out_lock	  a session's output: held across non-blocking sends
 *	ses->ep_lock	  what epoll is asked for on behalf of a session
 *	srv->timer_lock	  the timers; held while their functions run
 *	srv->pool_lock	  the ready queue and the count of threads
 *	srv->lock	  the tables of sessions, listeners and preforks
 *
 * No lock is held while the kernel's functions run or while anybody blocks.
 */
#ifndef RUMPGEN_SERVER_SERVER_H
#define RUMPGEN_SERVER_SERVER_H

#include <sys/queue.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "wire/banner.h"
#include "wire/frame.h"
#include "wire/locator.h"

enum {
	/* Input buffer; the longest frame that is read whole must fit. */
	INBUF_SIZE = 8192,
	/* A worker waits this long with a session it has just served. */
	STICKY_MS = 2,
	/* Threads that may wait so at once. */
	STICKY_MAX = 128,
	/* A thread that epoll does not need leaves after this time. */
	IDLE_THREAD_MS = 5000,
	/* The watchdog looks this often, and that often in vain. */
	TICK_MS = 5,
	TICK_QUIET = 10,
	/* Copyouts up to this many bytes travel with the answer. */
	OUT_GATHER = 128 * 1024,
	/* Other copyouts have frames of so many bytes. */
	OUT_PIECE = 64 * 1024,
	/* A client that has not read so much is not read from, and its calls
	 * wait before they send more. */
	OUT_PAUSE = 256 * 1024,
	/* It has to read so much in each send_timeout_ms. */
	OUT_PROGRESS = 64 * 1024,
	/* The rest of a frame up to here is copied to be kept. */
	OUT_SMALL = 4096,
	/* Room for a call's answer behind its copyouts. */
	ANSWER_ROOM = 64,
	/* Buffers up to here are free of charge. */
	BUF_FREE = 4096,
	/* Idle lwps and buffer bytes that a session keeps. */
	LWP_KEEP = 4,
	BUF_KEEP = 1024,
	/* The last thread that is awake waits for a client this long. */
	LAST_THREAD_MS = 1000,
	/* A refused client has this long to read why. */
	LINGER_MS = 1000,
	/* accept(2) out of descriptors or memory: try again after this. */
	ACCEPT_BACKOFF_MS = 100,
	ACCEPT_BATCH = 64,
	/* Reads and frames of one client in one turn of the caller's loop. */
	LOOP_TURN = 32,
	/* Threads awake beyond which more are made by the tick alone, so many
	 * each, when none of them comes back. */
	AWAKE_MAX = 8,
	TICK_SPAWN = 8,
	/* The same of a thread's, and of threads from the queue. */
	THREAD_TURN = 4096,
	QUEUE_TURN = 16,
	LISTEN_BACKLOG = 4096,
	/* Host descriptors that no client is given. */
	FD_RESERVE = 128,
	PREFORK_BUCKETS = 256,
	/* Threads that end sessions and processes, at once: more would be in the
	 * way of those that serve. */
	ENDINGS_MAX = 2,
	/* They hang when none has ended in so many ticks. */
	ENDINGS_TICKS = 50,
	/* Ends that one looks through for one that is paid for. */
	ENDINGS_LOOK = 64,
	/* Refused clients that may hear why, at once. */
	REFUSED_MAX = 64,
	/* Complaints about one client, and all, that are logged in a time. */
	LOG_CLIENT = 8,
	LOG_ALL = 64,
	LOG_TIME_MS = 10000,
	FIBER_CACHE = 32,
};

_Static_assert(INBUF_SIZE >= FRAME_HDRLEN + FRAME_MAX_COMM, "handshake");
_Static_assert(INBUF_SIZE >= FRAME_HDRLEN + FRAME_MAX_ARGS * 8, "syscall");
_Static_assert(RUMPSERVER_BORROW_MAX <= FRAME_MAX_COPY, "borrow");

/* The archive is linked with all kinds of kernels: nothing from here on is
 * seen outside of the library (make the one object with --localize-hidden). */
#pragma GCC visibility push(hidden)

struct worker;
struct session;
struct fiber;

/* Fibers that wait for one thing; its lock guards the list. */
LIST_HEAD(fiber_list, fiber);

/* --- growing memory (buf.c) --- */

/* Its account pays for it; NULL: nobody does. */
struct buf {
	uint8_t *data;
	size_t len, cap;
	struct rumpserver_account *account;
};

/* Room for n more bytes behind len; NULL without memory, or over budget. */
uint8_t *buf_room(struct buf *, size_t n);
bool buf_append(struct buf *, const void *, size_t n);
/* Empties it, and frees memory beyond keep bytes. */
void buf_reset(struct buf *, size_t keep);

/* --- timers (timer.c): srv->timer_lock --- */

/*
 * A function to be called once at a time.  It runs under the timer lock, in
 * the ticker or the step, and may take only srv->lock, pool_lock and no other.
 */
struct timer {
	void (*fire)(struct timer *);
	uint64_t when;		/* now_ms() */
	size_t index;		/* in the heap, from 1; 0: not set */
};

uint64_t now_ms(void);
uint64_t now_us(void);
void timer_set(struct rumpserver *, struct timer *, uint64_t ms);
/* After it, the function does not run and will not. */
void timer_cancel(struct rumpserver *, struct timer *);
/* Runs what is due; the milliseconds to the next, -1: none.  Lock held. */
int timers_run(struct rumpserver *);

/* --- the pool (worker.c) --- */

/*
 * Ends a worker's ppoll(2): blocked in all of them but there, sent to one
 * thread only, and harmless where it is not expected.  A handler of the
 * program's own, if it has one, does as well.
 */
#define WAKE_SIGNAL	SIGURG

/* Something for any worker to do; srv->pool_lock. */
struct work {
	TAILQ_ENTRY(work) link;
	bool queued;
	void (*run)(struct work *, struct worker *);
};

struct worker {
	struct rumpserver *srv;
	pthread_t thread;
	bool loop;			/* the caller's event loop */
	STAILQ_ENTRY(worker) dead;	/* srv->pool_lock */

	/* What the watchdog knows; srv->active_lock, except seq. */
	TAILQ_ENTRY(worker) active;
	struct session *session;	/* on the list with this one, or NULL */
	unsigned seen;
	atomic_uint seq;		/* odd: the kernel runs */

	struct lwp *reading_for;	/* reads input for this sleeping lwp */
	sigset_t mask;			/* while it polls in rumpserver_wait */
	/* Pays for it while a call sleeps unasked: see relieve(). */
	_Atomic(struct rumpserver_account *) owes;
};

int pool_init(struct rumpserver *);
void pool_queue(struct rumpserver *, struct work *);
/* Takes it out of the queue again; false: somebody has begun it. */
bool pool_unqueue(struct rumpserver *, struct work *);
/* The caller's loop: runs what is queued, once; false when nothing was. */
bool pool_step(struct rumpserver *);
int pool_start(struct rumpserver *);
void pool_stop(struct rumpserver *);
void worker_init(struct worker *, struct rumpserver *);
/* Handles one event that epoll reported. */
void worker_event(struct worker *, uint64_t what, uint32_t events);
bool pool_has_waiter(struct rumpserver *);
/* By the watchdog: makes threads if all that are awake seem to be stuck.  True:
 * look again soon. */
bool pool_tick(struct rumpserver *);
/*
 * Around a call's sleep of unknown length, which its account pays for.  False:
 * the client or its user has as many threads as he may, or it would be the
 * last one that sleeps, with nobody left to see who comes or goes.  Then a call
 * does not sleep, and a client is not waited for longer than LAST_THREAD_MS.
 */
bool pool_sleep(struct lwp *);
void pool_awake(struct lwp *);
/* Why it is disconnected then. */
extern const char too_many_asleep[];

/* --- ends (ending.c): srv->lock --- */

/* Something that ends, and with it a process of the kernel's; last of all. */
struct ending {
	STAILQ_ENTRY(ending) link;
	void (*run)(struct ending *);
	struct rumpserver_account *payer;	/* of a thread; whose end it is */
};

void endings_init(struct rumpserver *);
/* Here, unless many others are at the like already.  No lock is held. */
void ending_now(struct rumpserver *, struct ending *);
/* On another thread.  From a timer, too. */
void ending_later(struct rumpserver *, struct ending *);
/* By the watchdog: sends others if those that are at it seem to hang.  True:
 * look again soon. */
bool endings_tick(struct rumpserver *);

/* --- the watchdog (watchdog.c) --- */

int watchdog_start(struct rumpserver *);
void watchdog_stop(struct rumpserver *);
/* There is something for it to look at.  No lock is held. */
void ticker_wake(struct rumpserver *);
/* Around everything of the kernel that a worker runs. */
void kernel_enter(struct worker *);
void kernel_leave(struct worker *);
/* What the watchdog has charged for it is paid back. */
void settle(struct worker *);
void watch(struct worker *, struct session *);
void unwatch(struct worker *);

/* --- budgets (budget.c) --- */

/* The limits and who holds what; lives on while there is an account. */
struct budgets;

bool budgets_init(struct rumpserver *);
void budgets_put(struct budgets *);
void budgets_stats(struct budgets *, struct rumpserver_stats *);
/* An account of the peer's user; or, of the same user as another one.  NULL
 * without memory. */
struct rumpserver_account *account_make(struct budgets *,
    const struct rumpserver_peer *);
struct rumpserver_account *account_make_beside(struct rumpserver_account *);

/* --- processes (proc.c) --- */

struct rump_proc {
	_Atomic(struct session *) session;	/* NULL: a prefork */
	void *priv;
	struct rumpserver_account *account;
	/* Cookies that it has outstanding; srv->lock. */
	LIST_HEAD(, prefork) preforks;
	unsigned npreforks;
};

/* Takes over the account; NULL without memory or when there are too many. */
struct rump_proc *proc_alloc(struct rumpserver_account *);
/* One that the kernel has not seen, or does not know any more. */
void proc_free(struct rump_proc *);
/* The kernel's functions, where it has them. */
int kernel_proc_new(struct rumpserver *, struct rump_proc *,
    const struct rumpserver_peer *, const char *comm);
int kernel_proc_copy(struct rumpserver *, struct rump_proc *child,
    struct rump_proc *parent);
int kernel_proc_exec(struct rumpserver *, struct rump_proc *, const char *comm);
/* ... and then the memory. */
void proc_end(struct rumpserver *, struct rump_proc *);

/* --- lwps (lwp.c) --- */

enum lwp_sleep {
	LWP_AWAKE,	/* or asleep where only the kernel knows */
	LWP_COPY,	/* waits for the client's answer */
	LWP_WAIT,	/* rumpserver_wait */
};

/* A request of ours that the client answers; ses->lock, see copy.c. */
struct copywait {
	uint64_t reqno;
	uint8_t *dst;		/* written by who owns the input only */
	size_t cap;		/* the answer is at most this long ... */
	bool exact;		/* ... and not shorter */
	bool done;
	bool failed;
	size_t got;
};

struct lwp {
	struct work work;
	struct session *session;
	struct rump_proc *proc;
	void *priv;
	TAILQ_ENTRY(lwp) link;		/* ses->busy or ses->idle: ses->lock */
	bool known;			/* the kernel has seen lwp_new */
	/* ses->lock */
	bool begun;			/* the kernel runs its call */
	bool told;			/* of the interrupt */
	unsigned pins;			/* being told */

	/* The call. */
	uint64_t reqno;
	int num;
	size_t arglen;
	uint64_t args[FRAME_MAX_ARGS];
	/* Or a job of the kernel's, which is no call. */
	void (*job)(struct lwp *, void *);
	void *job_arg;

	/* Who runs it. */
	struct worker *worker;
	struct fiber *fiber;

	/* Frames not sent yet, and what copyin_borrow lends. */
	struct buf out, in;
	size_t reserved;		/* bytes of copyout_reserve */
	struct buf aside;		/* ... which are too many for a frame */
	rump_uaddr_t reserve_addr;

	/* ses->lock */
	enum lwp_sleep sleep;
	bool polls;			/* in rumpserver_wait, descriptors */
	bool blocks;			/* and pays, in rumpserver_block */
	pthread_cond_t wake;
	struct copywait copy;
	struct timer timer;		/* of a fiber's sleep */
	atomic_bool timed_out;
	atomic_bool interrupted;
	atomic_bool wakeable, woken;	/* rumpserver_sleep, rumpserver_wake */
};

/* ses->lock held: an lwp for a new call, NULL without memory. */
struct lwp *lwp_get(struct session *);
/*
 * The call is over; its reference to the session goes with it.  True: w
 * owns the session's input, so the session is still there.
 */
bool lwp_put(struct lwp *, struct worker *w);
/* Runs the call and answers it, or does the job, on a worker or a fiber; as
 * lwp_put(). */
bool lwp_run(struct lwp *);
/* The same on another worker. */
void lwp_work(struct work *, struct worker *);
/* ... and on a fiber. */
void lwp_fiber(void *);
/* Frees the idle ones, telling the kernel; nobody else may use them. */
void lwps_release(struct session *);
/* ses->lock held on entry and return, dropped in between. */
void lwps_interrupt(struct session *);
/* ses->lock held: ends the sleep that the server knows of. */
void lwp_wake(struct lwp *);

/* --- sessions (session.c) --- */

/* Lines said in the time since `since', and those not said; srv->log_lock. */
struct lograte {
	uint64_t since;
	unsigned said, kept;
};

enum session_state { SES_NEW, SES_UP, SES_DRAIN };
enum input_state {
	INPUT_ARMED,	/* epoll will tell */
	INPUT_OWNED,	/* by ses->owner */
	INPUT_QUEUED,	/* frames are left in the buffer */
	INPUT_PAUSED,	/* until the client has read what we sent */
	INPUT_CLOSED
};

struct session {
	struct rumpserver *srv;
	uint64_t id;			/* slot and generation, for epoll */
	unsigned number;		/* for the log */
	struct lograte lograte;
	int fd;
	struct rumpserver_peer peer;
	struct rumpserver_account *account;
	enum frame_error refusal;	/* what its handshake will get, or 0 */
	/* One a busy lwp, one a queued request, one for the table. */
	atomic_uint refs;
	struct work work;
	struct ending ending;

	pthread_mutex_t lock;
	enum session_state state;	/* written by the input's owner */
	struct rump_proc *proc;		/* set once */
	bool dead;
	bool exec;			/* an exec waits for the other calls */
	uint64_t exec_reqno;
	char *exec_comm;
	uint64_t reqno;			/* of our next request */
	TAILQ_HEAD(, lwp) busy, idle;
	unsigned nbusy, nidle;		/* nbusy: requests at work, too */
	atomic_uint ncopy;		/* lwps asleep in LWP_COPY */

	enum input_state input;
	struct worker *owner;
	/* Below: whoever owns the input. */
	struct buf in;
	size_t in_off;
	struct lwp *fill;		/* gets the body now arriving */
	size_t fill_off, fill_len;
	bool frame_timed;		/* in_timer counts a half frame */

	pthread_mutex_t out_lock;
	pthread_cond_t out_cond;	/* room in out, or the session dead */
	TAILQ_HEAD(outpieces, outpiece) out;
	atomic_size_t out_waiting;	/* bytes in out, for reading unlocked */
	size_t out_taken;		/* ... sent since out_timer was set */
	uint64_t out_raised;		/* signals in out, by number */
	atomic_bool out_failed;
	struct fiber_list out_fibers;

	pthread_mutex_t ep_lock;
	bool ep_in, ep_out;

	struct timer in_timer, out_timer;
	const char *in_why;		/* what in_timer is for */
	_Atomic(const char *) timeout_why;
};

/*
 * Takes fd over in any case.  0, or -1 with errno set.  With a refusal, which
 * may also come of there being too many, the client is served just so far that
 * its handshake gets that for an answer: NetBSD's client knows nothing else.
 */
int session_open(struct rumpserver *, int fd, const struct rumpserver_peer *,
    enum frame_error refusal);
void session_ref(struct session *);
void session_unref(struct session *);
/* The session of an epoll datum with a reference, or NULL. */
struct session *session_lookup(struct rumpserver *, uint64_t id);
/* Makes the input end soon; any thread, any lock. */
void session_kill(struct session *);
/* The same, as the client has exceeded a limit: says why. */
void session_timeout(struct session *, const char *why);
/* The owner of the input has seen its end. */
void session_end(struct session *, const char *why);

/* Ownership of the input.  take: false if somebody else has it. */
bool session_take(struct session *, struct worker *);
bool session_owned(struct session *, struct worker *);
/* To a sleeping lwp, the queue or epoll; nothing if w does not own it. */
void session_give(struct session *, struct worker *);
/* The same by the watchdog, with ses->lock held. */
void session_give_locked(struct session *);
/* False if the output has drained meanwhile. */
bool session_pause(struct session *, struct worker *);
/* Goes on after a pause of the output; out_lock not held. */
void session_unpause(struct session *);
/* in_timer: disconnects after ms milliseconds, saying why.  0: does not. */
void session_deadline(struct session *, unsigned ms, const char *why);
/* ep_lock not held: asks epoll for more. */
void session_poll_in(struct session *, bool on);
void session_poll_out(struct session *);
/* An event came: which of the two it concerns. */
void session_polled(struct session *, uint32_t events, bool *in, bool *out);

/* --- frames that come (input.c) --- */

/* Serves a session whose input w owns, until it does no more. */
void session_run(struct session *, struct worker *);
void session_work(struct work *, struct worker *);
/* Reads until the answer that l sleeps for is there; the owner calls.  It is
 * begun by end_ms (now_ms()), or the client disconnected. */
void session_read_for(struct session *, struct worker *, struct lwp *,
    uint64_t end_ms);
/* Whether the buffer holds something to do. */
bool session_buffered(const struct session *);

/* --- frames that go (output.c) --- */

/* Sends or keeps frames; false when the client is gone.  It never waits. */
bool session_send(struct session *, const void *head, size_t headlen,
    const void *data, size_t datalen);
/* The same for a signal, which is pending once, however often it is raised. */
bool session_raise(struct session *, struct frame_hdr *);
/* The same for l->out, which is empty then, and more behind it, which l->out
 * has room for. */
bool lwp_send(struct lwp *l, const void *data, size_t len);
/* Before a call sends something that is not its end: waits while the client has
 * much to read. */
bool lwp_await_room(struct lwp *l);
bool session_respond(struct session *, const struct frame_hdr *req,
    const void *body, size_t len);
bool session_error(struct session *, uint64_t reqno, enum frame_error);
/* The socket takes bytes again. */
void session_flush(struct session *);
/* Wakes everybody who waits for the output. */
void session_out_fail(struct session *);

/* --- requests that are not calls (request.c, handshake.c, exec.c) --- */

/* A request with the little body it may have. */
struct request {
	struct work work;
	struct session *session;
	struct frame_hdr hdr;
	size_t len;
	uint8_t *body;
};

/* Runs it here; as lwp_put(). */
bool request_run(struct session *, const struct request *, struct worker *);
/* Runs it on another worker; takes a copy.  By the owner of the input, as
 * above: both take the request's place, or refuse it, before they return. */
void request_queue(struct session *, const struct request *);
/* The other calls are over: does the exec that waits; as lwp_put(). */
bool exec_finish(struct session *, struct worker *);
/* Says why and hangs up when the client has had time to read it; by the
 * owner of the input. */
void session_refuse(struct session *, uint64_t reqno, enum frame_error);
void session_hangup(struct session *);
/* Kernel's errno as a protocol error.  Never "try again": NetBSD's client does
 * so at once, and for ever. */
enum frame_error error_frame(int error);
/* The first request of a connection; by the owner of the input. */
void handshake(struct session *, const struct request *);
/* The command name in a handshake's body, or NULL. */
const char *request_comm(const struct request *);
/* From here on an exec is in progress; false: refused. */
bool exec_admit(struct session *, const struct request *);
/* Interrupts the calls in flight and waits for none: see exec_finish(). */
void exec_run(struct session *, struct worker *);

/* --- processes copied ahead of their clients (prefork.c) --- */

struct prefork {
	LIST_ENTRY(prefork) hash, sibling;
	TAILQ_ENTRY(prefork) queue;	/* srv->orphans */
	struct ending ending;
	uint32_t cookie[FRAME_COOKIE_WORDS];
	struct rumpserver *srv;
	struct rump_proc *parent;	/* NULL: gone */
	bool linked;			/* in the table */
	struct rump_proc *proc;
	struct timer timer;
};

void preforks_init(struct rumpserver *);
void prefork_make(struct session *, const struct request *);
/* The process behind a cookie, which is used up; NULL: unknown. */
struct rump_proc *prefork_take(struct rumpserver *,
    const uint32_t cookie[FRAME_COOKIE_WORDS]);
/* The parent is gone, its copies wait on: as many in all as there may be
 * clients, then the oldest are discarded. */
void preforks_orphan(struct rumpserver *, struct rump_proc *parent);
void preforks_discard(struct rumpserver *);

/* --- listeners (listener.c) --- */

struct listener {
	LIST_ENTRY(listener) link;	/* srv->lock */
	struct rumpserver *srv;
	uint64_t id;
	int fd;
	bool local, tcp;
	atomic_bool starved;		/* said so already */
	bool unlink;
	struct locator locator;
	struct timer timer;
};

void listener_accept(struct rumpserver *, uint64_t id);
void listeners_close(struct rumpserver *);
/* The supplementary groups of the other end; false: no memory.  *v is to be
 * freed, NULL for none. */
bool peer_groups(int fd, gid_t **v, unsigned *n);
/* Whether the peer may connect. */
bool access_allowed(const struct rumpserver_config *, int fd,
    const struct rumpserver_peer *);

/* --- the caller's loop and its fibers (loop.c, fiber.c, fdwatch.c) --- */

struct fiber;

/* Runs fn(arg) on a stack of its own until it ends or yields.  false: no
 * memory. */
bool fiber_start(struct rumpserver *, void (*fn)(void *), void *arg,
    struct fiber **self);
/* In a fiber: sleeps until fiber_ready() (any thread), which may have come
 * before, for an earlier sleep: whoever yields looks why it has woken. */
void fiber_yield(struct fiber *);
void fiber_ready(struct rumpserver *, struct fiber *);
/* Resumes those that are ready; false when there was none. */
bool fibers_run(struct rumpserver *);
void fibers_free(struct rumpserver *);
/* Puts the running fiber on a list; takes it off, if it still is on it. */
void fiber_list(struct fiber *, struct fiber_list *);
void fiber_unlist(struct fiber *);
/* A descriptor that a fiber waits for (fdwatch.c). */
struct fdwait {
	LIST_ENTRY(fdwait) link;
	struct fiber *fiber;
	int fd;
	short events;			/* as poll(2)'s */
};

/* begin: false without memory.  arm: before each yield; false when epoll
 * does not take the descriptor. */
bool fdwait_begin(struct rumpserver *, struct fdwait *);
bool fdwait_arm(struct rumpserver *, struct fdwait *);
void fdwait_end(struct rumpserver *, struct fdwait *);
void fdwatch_event(struct rumpserver *, uint64_t id);

/* --- the log (log.c) --- */

/* What is not about a client. */
void srv_log(const struct rumpserver *, enum rumpserver_loglevel,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* About a client: complaints (WARN and worse) at a limited rate. */
void ses_log(struct session *, enum rumpserver_loglevel, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Say how much was not said. */
void log_end_client(struct session *);
void log_end_server(struct rumpserver *);

/* --- the server --- */

enum server_mode { MODE_NONE, MODE_THREADS, MODE_LOOP };

/* What an epoll datum means: the upper byte. */
#define EV_SESSION	((uint64_t)0 << 56)
#define EV_LISTENER	((uint64_t)1 << 56)
#define EV_WAKE		((uint64_t)2 << 56)
#define EV_FD		((uint64_t)3 << 56)
#define EV_KIND(id)	((id) & ((uint64_t)0xff << 56))

struct slot {
	struct session *session;	/* NULL: free */
	uint32_t gen;
	uint32_t next_free;
};

struct counters {
	atomic_uint_fast64_t clients, clients_total, refused;
	atomic_uint_fast64_t calls, calls_now, errors;
	atomic_uint_fast64_t copyin_bytes, copyout_bytes;
	atomic_uint_fast64_t preforks, preforks_now;
	atomic_uint_fast64_t protocol_errors, timeouts;
};

struct rumpserver {
	struct rumpserver_config cfg;
	const struct rumpserver_kernel *kernel;
	void *kern;
	char banner[BANNER_MAX + 1];
	size_t bannerlen;
	enum server_mode mode;
	int epfd;
	int wakefd;		/* eventfd: there is work, or the end */
	struct counters count;
	struct budgets *budgets;

	pthread_mutex_t lock;
	pthread_cond_t idle;	/* with lock: a session has gone */
	struct slot *slots;
	uint32_t nslots, free_slot;
	unsigned nsessions;	/* until their memory is free */
	unsigned nrefused;	/* of them */
	unsigned numbers;
	LIST_HEAD(, listener) listeners;
	uint64_t listener_ids;
	unsigned accepting;	/* workers at it */
	LIST_HEAD(, prefork) preforks[PREFORK_BUCKETS];
	TAILQ_HEAD(prefork_queue, prefork) orphans;
	unsigned norphans;
	STAILQ_HEAD(, ending) endings;
	unsigned nending;	/* threads at it */
	bool ending_soon;	/* one more is on its way */
	struct work ending_work;
	unsigned nended, nended_seen;	/* at the last tick */
	unsigned endless_ticks;	/* in which none has ended */
	unsigned nhelp;		/* others that are to be sent */
	bool helping;		/* one of them is on its way */
	struct work help_work;
	bool stopping;

	pthread_mutex_t pool_lock;
	pthread_cond_t pool_empty;	/* with pool_lock: no thread left */
	TAILQ_HEAD(, work) queue;
	unsigned nqueued;
	STAILQ_HEAD(, worker) dead_workers;
	unsigned nthreads;
	unsigned nsleeping;	/* of them, between pool_sleep and pool_awake */
	bool wanted;		/* one more, but many are awake */
	unsigned ntaken, ntaken_seen;	/* events and work; at the last tick */
	atomic_uint nwaiting;	/* in epoll, or about to be */
	bool quit;
	bool starved;		/* said that threads cannot be made */
	bool sleepless;		/* said that calls may not sleep */
	atomic_uint sticky;

	pthread_mutex_t log_lock;	/* taken last of all */
	struct lograte lograte;

	pthread_mutex_t active_lock;
	TAILQ_HEAD(, worker) active;

	pthread_mutex_t timer_lock;
	pthread_cond_t timer_cond;
	struct timer **heap;	/* from 1 */
	size_t nheap, heapcap;
	pthread_t ticker;
	bool ticker_on, ticker_quit;
	atomic_bool ticker_asleep;

	/* The caller's loop. */
	struct worker loop;
	struct loop *fibers;
	struct fdwatch **watches;	/* by descriptor */
	size_t nwatches;
};

static inline void
count(atomic_uint_fast64_t *c, uint64_t n)
{

	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static inline void
uncount(atomic_uint_fast64_t *c)
{

	atomic_fetch_sub_explicit(c, 1, memory_order_relaxed);
}

#pragma GCC visibility pop

#endif
