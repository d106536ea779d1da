/*
 * Frames that go.
 *
 * A frame is sent at once when nothing is in front of it.  What the socket
 * does not take is kept in ses->out when it is little, and epoll tells when
 * it takes more, so that an answer to a client that does not read holds no
 * thread.  More than that is sent by the lwp itself in pieces (out_big), with
 * others queueing behind.  Everything here is guarded by ses->out_lock, which
 * is held across non-blocking sends only.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "server/server.h"

/* What is left of a frame. */
struct rest {
	struct iovec iov[2];
	size_t len;
};

static void
rest_advance(struct rest *r, size_t n)
{
	size_t k;
	int i;

	r->len -= n;
	for (i = 0; i < 2 && n > 0; i++) {
		k = n < r->iov[i].iov_len ? n : r->iov[i].iov_len;
		if (k == 0)
			continue;
		r->iov[i].iov_base = (char *)r->iov[i].iov_base + k;
		r->iov[i].iov_len -= k;
		n -= k;
	}
}

static size_t
waiting(const struct session *ses)
{

	return ses->out.len - ses->out_off;
}

/* out_lock held: the client is gone for good. */
static void
fail(struct session *ses)
{

	if (atomic_exchange(&ses->out_failed, true))
		return;
	buf_reset(&ses->out, 0);
	ses->out_off = 0;
	atomic_store(&ses->out_waiting, 0);
	session_kill(ses);
}

/* Sends what the socket takes; false after an error. */
static bool
send_some(struct session *ses, struct rest *r)
{
	struct msghdr msg = { .msg_iov = r->iov, .msg_iovlen = 2 };
	ssize_t n;

	do {
		if (r->iov[1].iov_len == 0)
			n = send(ses->fd, r->iov[0].iov_base,
			    r->iov[0].iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
		else
			n = sendmsg(ses->fd, &msg,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n >= 0) {
		rest_advance(r, (size_t)n);
		return true;
	}
	if (errno == EAGAIN)
		return true;
	fail(ses);
	return false;
}

static void
expect_progress(struct session *ses)
{

	timer_set(ses->srv, &ses->out_timer, ses->srv->cfg.send_timeout_ms);
}

static void
wake_waiters(struct session *ses)
{
	struct fiber *f;

	pthread_cond_broadcast(&ses->out_cond);
	while ((f = LIST_FIRST(&ses->out_fibers)) != NULL) {
		fiber_unlist(f);
		fiber_ready(ses->srv, f);
	}
}

/* Sends from the queue; asks epoll when that is not all. */
static void
flush_queue(struct session *ses)
{
	struct rest r;
	size_t before;

	before = waiting(ses);
	if (before == 0)
		return;
	r = (struct rest){ { { ses->out.data + ses->out_off, before } },
	    before };
	if (!send_some(ses, &r))
		return;
	ses->out_off += before - r.len;
	atomic_store(&ses->out_waiting, r.len);
	if (r.len == 0) {
		ses->out_off = 0;
		buf_reset(&ses->out, 0);
		timer_cancel(ses->srv, &ses->out_timer);
		return;
	}
	if (r.len < before)
		expect_progress(ses);
	session_poll_out(ses);
}

static bool
queue(struct session *ses, const struct rest *r)
{
	bool first = waiting(ses) == 0;

	if (waiting(ses) + r->len > OUT_KILL) {
		ses_log(ses, RUMPSERVER_LOG_WARN, "does not read its answers; "
		    "disconnecting");
		fail(ses);
		return false;
	}
	if (!buf_append(&ses->out, r->iov[0].iov_base, r->iov[0].iov_len) ||
	    !buf_append(&ses->out, r->iov[1].iov_base, r->iov[1].iov_len)) {
		ses_log(ses, RUMPSERVER_LOG_WARN, "no memory for its answers; "
		    "disconnecting");
		fail(ses);
		return false;
	}
	atomic_store(&ses->out_waiting, waiting(ses));
	if (first && !ses->out_big) {
		expect_progress(ses);
		session_poll_out(ses);
	}
	return true;
}

/* out_lock held: the last thread has waited for the client. */
static void
out_of_patience(struct session *ses)
{

	session_timeout(ses, "keeps the last thread waiting");
	fail(ses);
}

/* out_lock held, dropped meanwhile: until the output changes. */
static void
wait_turn(struct session *ses, struct lwp *l)
{
	struct timespec until;

	if (l->fiber != NULL) {
		fiber_list(l->fiber, &ses->out_fibers);
		pthread_mutex_unlock(&ses->out_lock);
		fiber_yield(l->fiber);
		pthread_mutex_lock(&ses->out_lock);
		fiber_unlist(l->fiber);
		return;
	}
	if (pool_sleep(ses->srv)) {
		pthread_cond_wait(&ses->out_cond, &ses->out_lock);
		pool_awake(ses->srv);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LAST_THREAD_MS / 1000;
	if (pthread_cond_timedwait(&ses->out_cond, &ses->out_lock, &until) ==
	    ETIMEDOUT)
		out_of_patience(ses);
}

/* out_lock held, dropped meanwhile: until the socket takes more. */
static void
wait_writable(struct session *ses, struct lwp *l)
{
	struct pollfd pfd = { .fd = ses->fd, .events = POLLOUT };
	bool counted;
	int n;

	if (l->fiber != NULL) {
		session_poll_out(ses);
		wait_turn(ses, l);
		return;
	}
	pthread_mutex_unlock(&ses->out_lock);
	counted = pool_sleep(ses->srv);
	n = poll(&pfd, 1, counted ? -1 : LAST_THREAD_MS);
	if (counted)
		pool_awake(ses->srv);
	pthread_mutex_lock(&ses->out_lock);
	if (n == 0)
		out_of_patience(ses);
}

/*
 * Sends a long frame in pieces.  The session's input is somebody else's
 * meanwhile: the client may have to be read from before it reads.
 */
static void
send_big(struct session *ses, struct lwp *l, struct rest *r, bool begun)
{
	size_t before;

	ses->out_big |= begun;
	pthread_mutex_unlock(&ses->out_lock);
	session_give(ses, l->worker);
	pthread_mutex_lock(&ses->out_lock);
	while (!begun && !atomic_load(&ses->out_failed) &&
	    (ses->out_big || waiting(ses) > 0))
		wait_turn(ses, l);
	if (!begun && atomic_load(&ses->out_failed))
		return;

	ses->out_big = true;
	expect_progress(ses);
	while (r->len > 0 && !atomic_load(&ses->out_failed)) {
		before = r->len;
		if (!send_some(ses, r))
			break;
		if (r->len < before)
			expect_progress(ses);
		if (r->len > 0)
			wait_writable(ses, l);
	}
	ses->out_big = false;
	timer_cancel(ses->srv, &ses->out_timer);
	if (waiting(ses) > 0)
		expect_progress(ses);
	flush_queue(ses);
	wake_waiters(ses);
}

bool
session_send(struct session *ses, struct lwp *l, const void *head,
    size_t headlen, const void *data, size_t datalen)
{
	struct rest r = { { { (void *)head, headlen },
	    { (void *)data, datalen } }, headlen + datalen };
	bool big, ok;

	big = false;
	pthread_mutex_lock(&ses->out_lock);
	if (!atomic_load(&ses->out_failed) && !ses->out_big &&
	    waiting(ses) == 0)
		send_some(ses, &r);
	if (r.len > 0 && !atomic_load(&ses->out_failed)) {
		big = l != NULL && r.len > OUT_PIECE;
		if (big)
			send_big(ses, l, &r, r.len < headlen + datalen);
		else
			queue(ses, &r);
	}
	ok = !atomic_load(&ses->out_failed);
	pthread_mutex_unlock(&ses->out_lock);
	if (big)
		session_unpause(ses);
	return ok;
}

void
session_flush(struct session *ses)
{

	pthread_mutex_lock(&ses->out_lock);
	if (!ses->out_big && !atomic_load(&ses->out_failed))
		flush_queue(ses);
	if (ses->out_big || waiting(ses) == 0)
		wake_waiters(ses);
	pthread_mutex_unlock(&ses->out_lock);
	session_unpause(ses);
}

void
session_out_fail(struct session *ses)
{

	pthread_mutex_lock(&ses->out_lock);
	fail(ses);
	timer_cancel(ses->srv, &ses->out_timer);
	wake_waiters(ses);
	pthread_mutex_unlock(&ses->out_lock);
}

bool
session_respond(struct session *ses, const struct frame_hdr *req,
    const void *body, size_t len)
{
	struct frame_hdr hdr;

	hdr = frame_hdr(FRAME_RESP, req->type, req->reqno, 0, len);
	return session_send(ses, NULL, &hdr, sizeof(hdr), body, len);
}

bool
session_error(struct session *ses, uint64_t reqno, enum frame_error error)
{
	struct frame_hdr hdr;

	count(&ses->srv->count.errors, 1);
	hdr = frame_hdr(FRAME_ERROR, 0, reqno, error, 0);
	return session_send(ses, NULL, &hdr, sizeof(hdr), NULL, 0);
}
