/*
 * Receiving frames and handing out answers.
 */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "client/reader.h"
#include "client/upcall.h"

/* A safety net: how long the reader sleeps without looking around, ms. */
#define POLL_TIMEOUT	1000

/* So often a busy reader looks for signals. */
#define BUSY_ROUNDS	16

/* From here on copyout data is received straight into place. */
#define DIRECT_MIN	4096
/* The most that is received before it is known what it is: enough for many
 * answers at once, little of a long copyout. */
#define FIRST_MAX	4096

bool
reader_take(struct conn *c, struct call *call)
{

	if (c->reader != NULL || c->claimer != NULL)
		return false;
	c->reader = call;
	return true;
}

struct call *
reader_leave(struct conn *c)
{
	struct call *call;

	c->reader = NULL;
	if (c->state == CONN_LOST)
		conn_fail_pending(c);
	if (c->claimer != NULL) {
		c->reader = c->claimer;
		c->claimer = NULL;
		return c->reader;
	}
	for (call = c->pending; call != NULL; call = call->next) {
		if (call->waiting && !call->done)
			return conn_wake(call);
	}
	return NULL;
}

void
conn_release(struct conn *c, struct call *claim)
{
	struct call *next;

	next = NULL;
	pthread_mutex_lock(&c->lock);
	if (c->reader == claim)
		next = reader_leave(c);
	pthread_mutex_unlock(&c->lock);
	conn_post(next);
	conn_reap(c);
	sem_destroy(&claim->sem);
}

/* --- answers --- */

static struct call *
find_call(struct conn *c, uint64_t reqno)
{
	struct call *call;

	for (call = c->pending; call != NULL; call = call->next) {
		if (call->reqno == reqno && !call->done)
			return call;
	}
	return NULL;
}

/* Numbers below 0 mean something inside a kernel only, and here they are the
 * library's own.  A kernel that lets its ERESTART out was interrupted. */
static int
sysresp_error(int32_t error)
{

	if (error >= 0)
		return error;
	return error == RUMP_ERESTART ? RUMP_EINTR : RUMP_EIO;
}

/* Returns what is wrong with the answer, or NULL. */
static const char *
deliver(struct conn *c, const struct frame_hdr *hdr, const char *body)
{
	struct call *call, *waiter;
	const char *why;

	why = NULL;
	waiter = NULL;
	pthread_mutex_lock(&c->lock);
	call = find_call(c, hdr->reqno);
	if (call == NULL) {
		why = "answer to a request that is not there";
	} else if (hdr->class == FRAME_ERROR) {
		call->error = frame_error_to_errno(hdr->u);
	} else if (hdr->type != call->type) {
		why = "answer of another type than its request";
	} else {
		/* frame_check() has seen to the length. */
		memcpy(&call->resp, body, hdr->len - FRAME_HDRLEN);
		if (call->type == FRAME_SYSCALL)
			call->error = sysresp_error(call->resp.sysresp.error);
	}
	if (why == NULL) {
		call->done = true;
		if (call->names.aio)
			c->aio = true;
		waiter = conn_wake(call);
	}
	pthread_mutex_unlock(&c->lock);
	conn_post(waiter);
	return why;
}

/* --- frames --- */

static size_t
buffered(const struct conn *c)
{

	return c->rend - c->rstart;
}

/* Moves buffered copyout data into place. */
static void
drain_copyout(struct conn *c)
{
	size_t n;

	n = buffered(c);
	if (n > c->copyout_left)
		n = (size_t)c->copyout_left;
	upcall_copyout_data(c, c->rbuf + c->rstart, n);
	c->rstart += n;
}

/* How much of a frame must be in the buffer before it is looked at. */
static size_t
wanted(const struct frame_hdr *hdr)
{

	if (hdr->class == FRAME_REQ && (hdr->type == FRAME_COPYOUT ||
	    hdr->type == FRAME_COPYOUTSTR))
		return FRAME_HDRLEN + sizeof(struct frame_copy);
	return (size_t)hdr->len;	/* small: see frame_check() */
}

/* Handles all that is complete in the buffer.  Returns false when the
 * connection is no more. */
static bool
handle_frames(struct conn *c)
{
	struct frame_hdr hdr;
	const char *why, *body;

	for (;;) {
		if (c->copyout_left > 0)
			drain_copyout(c);
		if (buffered(c) < FRAME_HDRLEN)
			return true;
		memcpy(&hdr, c->rbuf + c->rstart, sizeof(hdr));
		why = frame_check(&hdr, FRAME_FROM_SERVER);
		if (why == NULL) {
			if (buffered(c) < wanted(&hdr))
				return true;
			body = c->rbuf + c->rstart + FRAME_HDRLEN;
			c->rstart += wanted(&hdr);
			if (hdr.class == FRAME_REQ)
				why = upcall(c, &hdr, body);
			else if (!upcall_returned(c, &hdr))
				why = deliver(c, &hdr, body);
		}
		if (why != NULL) {
			conn_broken(c, why);
			return false;
		}
	}
}

/* --- receiving --- */

/*
 * Copyout data into place, and what comes behind it into the empty buffer.
 * By the bare system call: the address is the server's word.
 */
static ssize_t
recv_direct(struct conn *c)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)c->copyout_addr, (size_t)c->copyout_left },
		{ c->rbuf, CONN_RBUF },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

#ifdef SYS_recvmsg
	n = syscall(SYS_recvmsg, c->fd, &msg, 0);
#else
	n = recvmsg(c->fd, &msg, 0);
#endif
	if (n > 0 && (size_t)n > iov[0].iov_len)
		c->rend = (size_t)n - iov[0].iov_len;
	return n;
}

/* Receives into the buffer, or copyout data into place.  As recv(2). */
static ssize_t
receive(struct conn *c, int flags)
{
	size_t room;
	ssize_t n;

	if (buffered(c) == 0)
		c->rstart = c->rend = 0;
	if (c->copyout_left >= DIRECT_MIN && !c->copyout_drop &&
	    buffered(c) == 0 && flags == 0) {
		n = recv_direct(c);
		if (n > 0)
			upcall_copyout_placed(c, (size_t)n - buffered(c));
		if (n != -1 || errno != EFAULT)
			return n;
		upcall_copyout_fault(c);
	}
	/* Frames that are looked at whole fit behind a moved rest. */
	if (c->rstart > 0 && CONN_RBUF - c->rend < CONN_RBUF / 2) {
		memmove(c->rbuf, c->rbuf + c->rstart, buffered(c));
		c->rend -= c->rstart;
		c->rstart = 0;
	}
	room = CONN_RBUF - c->rend;
	if (room > FIRST_MAX)
		room = FIRST_MAX;
	n = recv(c->fd, c->rbuf + c->rend, room, flags);
	if (n > 0)
		c->rend += (size_t)n;
	return n;
}

enum event { EVENT_INPUT, EVENT_SIGNAL, EVENT_LOOK, EVENT_LOST };

/* Sleeps until there is something to do. */
static enum event
wait_event(struct conn *c, const struct entry *e, int timeout)
{
	struct pollfd p[SIGWAIT_MAXFD] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->kickfd, .events = POLLIN },
	};
	bool pending, flooded;
	int n;

	flooded = false;
	if (atomic_load(&c->have_unsent)) {
		p[0].events |= POLLOUT;
		pthread_mutex_lock(&c->sendlock);
		flooded = c->unsent_end - c->unsent_start > CONN_MAX_UNSENT;
		pthread_mutex_unlock(&c->sendlock);
		if (flooded)
			p[0].events = POLLOUT;
	}
	n = sigwait_poll(&c->sig, e, p, 2, timeout, &pending);
	if (n == -1)
		return errno == EINTR ? EVENT_LOOK : EVENT_LOST;
	if (p[0].revents & POLLNVAL)
		return EVENT_LOST;
	if (p[1].revents & POLLIN)
		conn_unkick(c);
	if ((p[0].revents & POLLOUT) && conn_flush(c) != 0)
		return EVENT_LOST;
	if (pending)
		return EVENT_SIGNAL;
	if (flooded && !(p[0].revents & (POLLERR | POLLHUP)))
		return EVENT_LOOK;
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		return EVENT_INPUT;
	return EVENT_LOOK;
}

/*
 * Receives something.  The first wait is in recv(2) itself, which the socket
 * ends after two milliseconds; that is all an ordinary call needs.
 */
static enum event
fill(struct conn *c, const struct entry *e, unsigned *rounds)
{
	enum event ev;
	ssize_t n;

	if (++*rounds % BUSY_ROUNDS == 0) {
		ev = wait_event(c, e, 0);
		if (ev == EVENT_SIGNAL || ev == EVENT_LOST)
			return ev;
	}
	if (atomic_load(&c->have_unsent)) {
		ev = wait_event(c, e, POLL_TIMEOUT);
		if (ev != EVENT_INPUT)
			return ev;
	}
	for (;;) {
		n = receive(c, 0);
		if (n > 0)
			return EVENT_INPUT;
		if (n == 0)
			return EVENT_LOST;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return EVENT_LOST;
		ev = wait_event(c, e, POLL_TIMEOUT);
		if (ev != EVENT_INPUT)
			return ev;
	}
}

static bool
must_leave(struct conn *c, const struct call *me)
{
	bool leave;

	pthread_mutex_lock(&c->lock);
	leave = me->done || c->claimer != NULL || c->state != CONN_UP;
	pthread_mutex_unlock(&c->lock);
	return leave;
}

bool
reader_run(struct conn *c, struct call *me, const struct entry *e)
{
	enum event ev;
	unsigned rounds;

	rounds = 0;
	for (;;) {
		if (!handle_frames(c))
			return false;
		if (c->raised) {
			c->raised = false;
			return true;
		}
		if (must_leave(c, me))
			return false;
		ev = fill(c, e, &rounds);
		if (ev == EVENT_SIGNAL)
			return true;
		if (ev == EVENT_LOST) {
			conn_lost(c, c->generation);
			return false;
		}
	}
}

int
reader_settle(struct conn *c, uint64_t deadline)
{
	struct pollfd pfd;
	ssize_t n;

	while (c->rstart != c->rend || c->copyout_left > 0) {
		if (!handle_frames(c))
			return ENOTCONN;
		if (c->rstart == c->rend && c->copyout_left == 0)
			break;
		if (conn_now() >= deadline)
			return ETIMEDOUT;
		pfd = (struct pollfd){ .fd = c->fd, .events = POLLIN };
		if (poll(&pfd, 1, 20) != 1)
			continue;
		n = receive(c, MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return ENOTCONN;
	}
	return 0;
}
