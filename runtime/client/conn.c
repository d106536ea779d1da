/*
 * The connection's life: set up, lost, taken down, forked.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "client/conn.h"
#include "client/handshake.h"
#include "client/log.h"
#include "wire/host.h"

/* How long a receive blocks before the reader looks at signals as well. */
#define RECV_TIMEOUT_US	2000

struct locator conn_server;

static struct conn process_conn = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.sendlock = PTHREAD_MUTEX_INITIALIZER,
	.fd = -1, .kickfd = -1, .kickfd_w = -1, .newfd = -1,
	.sig = { .fd = -1 },
};

/* In memory that every thread has from the start: otherwise, when the library
 * came with dlopen(3), a thread's first look at it calls malloc(3), which a
 * signal handler's call may have interrupted. */
static _Thread_local struct conn *override
    __attribute__((__tls_model__("initial-exec")));

/* The process whose copy of the memory this is; changed only by the fork
 * handlers, before which there is no other thread. */
static pid_t process_pid;

void
conn_override_end(struct entry *e)
{
	struct conn *c = override;

	/* A child that was in the library when it exec'd or died has left
	 * this to its parent; its descriptors are gone with it. */
	override = c->outer;
	e->cancelstate = c->cancelstate;
	conn_drop_unsent(c);
	munmap(c, sizeof(*c));
}

struct conn *
conn_self(struct entry *e)
{

	while (override != NULL && override->owner != getpid())
		conn_override_end(e);
	return override != NULL ? override : &process_conn;
}

void
conn_override(struct conn *c, const struct entry *e)
{

	c->owner = getpid();
	c->outer = override;
	c->cancelstate = e->cancelstate;
	override = c;
}

void
conn_init(struct conn *c)
{

	memset(c, 0, offsetof(struct conn, rbuf));
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->sendlock, NULL);
	c->fd = c->kickfd = c->kickfd_w = c->newfd = -1;
	c->sig.fd = -1;
}

uint64_t
conn_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- fork(2) --- */

static struct entry fork_entry;		/* sendlock of process_conn */

static void
before_fork(void)
{
	struct entry e;

	entry_begin(&e);
	conn_self(&e);		/* sees whose override is */
	pthread_mutex_lock(&process_conn.sendlock);
	pthread_mutex_lock(&process_conn.lock);
	fork_entry = e;
}

static void
after_fork_parent(void)
{
	struct entry e;

	e = fork_entry;
	pthread_mutex_unlock(&process_conn.lock);
	pthread_mutex_unlock(&process_conn.sendlock);
	entry_end(&e);
}

static void close_all(struct conn *c);

/*
 * The stream stays the parent's: the child closes its copies of the
 * descriptors and starts with nothing.  A call that a signal handler of this
 * thread has interrupted, with the fork in it, ends with ENOTCONN.
 */
static void
after_fork_child(void)
{
	struct conn *c = &process_conn;
	struct call *call;
	struct entry e;

	for (call = c->pending; call != NULL; call = call->next) {
		call->pending = false;
		call->done = call->lost = true;
		call->error = RUMP_ENOTCONN;
		sem_post(&call->sem);
	}
	c->pending = c->reader = c->claimer = NULL;
	c->state = CONN_NONE;
	c->everup = false;
	c->frozen = false;
	c->setup = false;
	c->setup_waiters = NULL;
	c->announced = false;
	if (c->newfd != -1)
		host_close(c->newfd);
	c->newfd = -1;
	close_all(c);
	if (override != NULL)
		close_all(override);	/* a vfork child's, who has forked */
	override = NULL;
	process_pid = getpid();

	e = fork_entry;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
	entry_end(&e);
}

/* Before the constructors of a program that this library is a part of: they
 * may connect and fork. */
__attribute__((constructor(101)))
static void
watch_forks(void)
{

	process_pid = getpid();
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

bool
conn_process_is_own(void)
{

	return process_pid == getpid();
}

/* --- setup --- */

static bool
setup_is_mine(const struct conn *c)
{

	return c->setup && pthread_equal(c->setup_owner, pthread_self());
}

/* lock held on entry and return, not in between. */
static void
wait_for_setup(struct conn *c, const struct entry *e)
{
	struct setup_waiter w, **p;

	sem_init(&w.sem, 0, 0);
	w.next = c->setup_waiters;
	c->setup_waiters = &w;
	pthread_mutex_unlock(&c->lock);
	sig_semwait(e, &w.sem, 1000);
	pthread_mutex_lock(&c->lock);
	for (p = &c->setup_waiters; *p != NULL; p = &(*p)->next) {
		if (*p == &w) {
			*p = w.next;
			break;
		}
	}
	sem_destroy(&w.sem);
}

int
conn_setup_begin(struct conn *c, const struct entry *e)
{

	pthread_mutex_lock(&c->lock);
	while (c->setup && !setup_is_mine(c))
		wait_for_setup(c, e);
	if (c->setup) {
		pthread_mutex_unlock(&c->lock);
		return EBUSY;
	}
	c->setup = true;
	c->setup_owner = pthread_self();
	pthread_mutex_unlock(&c->lock);
	return 0;
}

void
conn_setup_end(struct conn *c)
{
	struct setup_waiter *w;

	pthread_mutex_lock(&c->lock);
	c->setup = false;
	for (w = c->setup_waiters; w != NULL; w = w->next)
		sem_post(&w->sem);
	pthread_mutex_unlock(&c->lock);
}

int
conn_setup_wait(struct conn *c, const struct entry *e)
{
	int error;

	error = 0;
	pthread_mutex_lock(&c->lock);
	while (c->setup && !setup_is_mine(c))
		wait_for_setup(c, e);
	if (c->setup)
		error = EBUSY;
	pthread_mutex_unlock(&c->lock);
	return error;
}

void
conn_claim(struct conn *c, struct call *claim)
{

	sem_init(&claim->sem, 0, 0);
	pthread_mutex_lock(&c->lock);
	if (c->reader == NULL) {
		c->reader = claim;
		pthread_mutex_unlock(&c->lock);
		return;
	}
	c->claimer = claim;
	pthread_mutex_unlock(&c->lock);
	conn_kick(c);
	while (sem_wait(&claim->sem) == -1)
		continue;
}

/* --- descriptors --- */

static struct file_id
file_id(int fd)
{
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		return (struct file_id){ .ino = 0 };
	return (struct file_id){ st.st_dev, st.st_ino };
}

static bool
is_file(int fd, const struct file_id *id)
{
	struct stat st;

	return fd != -1 && fstat(fd, &st) == 0 && st.st_dev == id->dev &&
	    st.st_ino == id->ino;
}

void
conn_kick(struct conn *c)
{
	uint64_t one = 1;

	if (is_file(c->kickfd_w, &c->kick_id) &&
	    write(c->kickfd_w, &one, sizeof(one)) == -1)
		return;		/* full: it has been kicked already */
}

void
conn_unkick(struct conn *c)
{
	uint64_t buf;

	if (!is_file(c->kickfd, &c->kick_id))
		return;
	while (read(c->kickfd, &buf, sizeof(buf)) == -1 && errno == EINTR)
		continue;
}

static int
open_kick(struct conn *c)
{
#ifdef __linux__
	int fd;

	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd == -1)
		return errno;
	c->kickfd = c->kickfd_w = wire_fd_above_stdio(fd);
	return c->kickfd == -1 ? errno : 0;
#else
	int p[2];

	if (pipe(p) == -1)
		return errno;
	c->kickfd = wire_fd_above_stdio(p[0]);
	c->kickfd_w = wire_fd_above_stdio(p[1]);
	if (c->kickfd == -1 || c->kickfd_w == -1)
		return errno;
	fcntl(c->kickfd, F_SETFL, O_NONBLOCK);
	fcntl(c->kickfd_w, F_SETFL, O_NONBLOCK);
	return 0;
#endif
}

/* Closes and forgets; needs everything that the descriptors are under. */
static void
close_all(struct conn *c)
{

	if (is_file(c->fd, &c->fd_id))
		host_close(c->fd);
	if (c->kickfd_w != c->kickfd && is_file(c->kickfd_w, &c->kick_id))
		host_close(c->kickfd_w);
	if (is_file(c->kickfd, &c->kick_id))
		host_close(c->kickfd);
	c->fd = c->kickfd = c->kickfd_w = -1;
	if (!is_file(c->sig.fd, &c->sig_id))
		c->sig.fd = -1;
	sigwait_close(&c->sig);

	conn_drop_unsent(c);
	c->rstart = c->rend = 0;
	c->copyout_left = 0;
	c->raised = false;
	c->mapped_bytes = 0;
	c->refusals.n = 0;
	c->no_errors = false;
}

static bool
is_local(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len;

	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return false;
	return ss.ss_family == AF_UNIX;
}

int
conn_prepare_socket(int fd)
{
	struct timeval tv = { .tv_usec = RECV_TIMEOUT_US };
	int flags;

	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == -1)
		return errno;
	return 0;
}

int
conn_adopt(struct conn *c, int fd, uint64_t reqno)
{
	struct call claim = { .done = true };
	struct entry e;
	int error;

	entry_begin(&e);
	conn_claim(c, &claim);
	pthread_mutex_lock(&c->sendlock);
	pthread_mutex_lock(&c->lock);
	/* A fork's connection in the place of its parent's. */
	if (c->state == CONN_UP)
		conn_fail_pending(c);
	close_all(c);
	error = open_kick(c);
	if (error == 0)
		error = sigwait_open(&c->sig);
	c->fd = fd;
	c->newfd = -1;
	c->fd_id = file_id(fd);
	c->kick_id = file_id(c->kickfd);
	c->sig_id = file_id(c->sig.fd);
	if (error == 0) {
		c->local = is_local(fd);
		c->reqno = reqno;
		c->generation++;
		c->state = CONN_UP;
		c->everup = true;
		c->aio = c->refused = false;
		c->backoff = 0;
	} else {
		close_all(c);
	}
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
	conn_release(c, &claim);
	entry_end(&e);
	return error;
}

/* A socket that the child of a fork(2) meanwhile, and closenotify, know of. */
static int
open_newfd(struct conn *c)
{
	struct entry e;
	int fd, error;

	entry_begin(&e);
	pthread_mutex_lock(&c->lock);
	fd = locator_socket(&conn_server);
	if (fd != -1 && conn_server.kind == LOCATOR_FD)
		fd = wire_fd_above_stdio(fd);
	error = errno;
	c->newfd = fd;
	pthread_mutex_unlock(&c->lock);
	entry_end_errno(&e, fd == -1 ? error : 0);
	return fd;
}

static void
close_newfd(struct conn *c)
{
	struct entry e;

	entry_begin(&e);
	pthread_mutex_lock(&c->lock);
	if (c->newfd != -1)
		host_close(c->newfd);
	c->newfd = -1;
	pthread_mutex_unlock(&c->lock);
	entry_end(&e);
}

/*
 * Closes what a lost connection has left, once its reader is off.  Before the
 * new socket is made: should the program have closed the old one under us, the
 * new one may get its number.
 */
static void
take_down(struct conn *c)
{
	struct call claim = { .done = true };
	struct entry e;

	entry_begin(&e);
	conn_claim(c, &claim);
	pthread_mutex_lock(&c->sendlock);
	pthread_mutex_lock(&c->lock);
	if (c->state != CONN_UP)
		close_all(c);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
	conn_release(c, &claim);
	entry_end(&e);
}

/* Milliseconds until the deadline, at least one and at most `limit`. */
static unsigned
time_left(uint64_t deadline, unsigned limit)
{
	uint64_t now;

	now = conn_now();
	if (deadline <= now)
		return 1;
	return deadline - now < limit ? (unsigned)(deadline - now) : limit;
}

int
conn_connect(struct conn *c, enum frame_handshake kind,
    const uint32_t *cookie, uint64_t deadline, bool quiet)
{
	int error, fd;

	take_down(c);
	fd = open_newfd(c);
	if (fd == -1 || locator_connect_socket(&conn_server, fd,
	    time_left(deadline, LOCATOR_CONNECT_TIMEOUT * 1000)) == -1) {
		error = errno;
		if (!quiet)
			client_log("%s: cannot connect: %s", conn_server.text,
			    client_strerror(error));
		close_newfd(c);
		return error;
	}
	error = conn_prepare_socket(fd);
	if (error == 0)
		error = handshake_first(fd, kind, cookie, conn_now() +
		    time_left(deadline, HANDSHAKE_TIMEOUT), quiet);
	if (error != 0) {
		close_newfd(c);
		return error;
	}
	error = conn_adopt(c, fd, 2);
	if (error != 0 && !quiet)
		client_log("%s: connected, but: %s", conn_server.text,
		    client_strerror(error));
	return error;
}

/* --- losing it --- */

struct call *
conn_wake(struct call *call)
{

	if (!call->waiting)
		return NULL;
	call->waiting = false;
	return call;
}

void
conn_post(struct call *call)
{

	if (call != NULL)
		sem_post(&call->sem);
}

void
conn_fail_pending(struct conn *c)
{
	struct call *call;

	for (call = c->pending; call != NULL; call = call->next) {
		if (call->done)
			continue;
		call->done = call->lost = true;
		call->error = RUMP_ENOTCONN;
		conn_post(conn_wake(call));
	}
}

/*
 * While somebody reads, the calls stay pending: the reader may be moving data
 * to or from memory that is its caller's own again as soon as a call is over.
 */
void
conn_lost(struct conn *c, unsigned generation)
{

	pthread_mutex_lock(&c->lock);
	if (c->state == CONN_UP && c->generation == generation) {
		c->state = CONN_LOST;
		/* Wakes the reader, and the server if it is there yet; but
		 * the program may have closed the socket under us. */
		if (!is_file(c->fd, &c->fd_id) ||
		    shutdown(c->fd, SHUT_RDWR) == -1)
			conn_kick(c);
		if (c->reader == NULL)
			conn_fail_pending(c);
	}
	pthread_mutex_unlock(&c->lock);
}

void
conn_broken(struct conn *c, const char *why)
{
	bool up;

	/* A lost connection's last frames answer calls that are over. */
	pthread_mutex_lock(&c->lock);
	up = c->state == CONN_UP;
	pthread_mutex_unlock(&c->lock);
	if (up)
		client_log("%s: the server broke the protocol: %s; "
		    "disconnected", conn_server.text, why);
	conn_lost(c, c->generation);
}

void
conn_reap(struct conn *c)
{

	pthread_mutex_lock(&c->sendlock);
	pthread_mutex_lock(&c->lock);
	if (c->state == CONN_LOST && c->reader == NULL)
		close_all(c);
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
}
