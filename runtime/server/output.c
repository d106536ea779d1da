/*
 * Frames that go.
 *
 * A frame is sent at once when nothing is in front of it.  What the socket
 * does not take is kept in ses->out, a list of pieces, and epoll tells when it
 * takes more, so that a client that does not read holds no thread: the buffer
 * of a long answer changes hands, with who pays for it, and the call is over.
 * The client is not read from while much waits (OUT_PAUSE), so that is one
 * answer, and one more of each call in progress.  Only a call that has more to
 * send before it is over waits for the client.
 *
 * Everything here is guarded by ses->out_lock, which is held across
 * non-blocking sends only.
 */
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

/* What is kept: some frames, or the rest of one. */
struct outpiece {
	TAILQ_ENTRY(outpiece) link;
	struct buf buf;
	size_t off;
};

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

	return atomic_load_explicit(&ses->out_waiting, memory_order_relaxed);
}

static bool
failed(const struct session *ses)
{

	return atomic_load(&ses->out_failed);
}

static bool
room(const struct session *ses)
{

	return waiting(ses) <= OUT_PAUSE || failed(ses);
}

static void
drop_first(struct session *ses)
{
	struct outpiece *p = TAILQ_FIRST(&ses->out);

	TAILQ_REMOVE(&ses->out, p, link);
	buf_reset(&p->buf, 0);
	free(p);
}

/* out_lock held: the client is gone for good. */
static void
fail(struct session *ses)
{

	if (atomic_exchange(&ses->out_failed, true))
		return;
	while (!TAILQ_EMPTY(&ses->out))
		drop_first(ses);
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

/* The client has this time to take the next OUT_PROGRESS bytes, or all. */
static void
expect_progress(struct session *ses)
{

	ses->out_taken = 0;
	timer_set(ses->srv, &ses->out_timer, ses->srv->cfg.send_timeout_ms);
}

static void
taken(struct session *ses, size_t n)
{

	atomic_fetch_sub(&ses->out_waiting, n);
	ses->out_taken += n;
	if (waiting(ses) == 0)
		timer_cancel(ses->srv, &ses->out_timer);
	else if (ses->out_taken >= OUT_PROGRESS)
		expect_progress(ses);
}

/* One who waits for room at a time; when he has sent, the next one. */
static void
wake_next(struct session *ses)
{
	struct fiber *f;

	pthread_cond_signal(&ses->out_cond);
	f = LIST_FIRST(&ses->out_fibers);
	if (f == NULL)
		return;
	fiber_unlist(f);
	fiber_ready(ses->srv, f);
}

static void
wake_all(struct session *ses)
{

	pthread_cond_broadcast(&ses->out_cond);
	while (!LIST_EMPTY(&ses->out_fibers))
		wake_next(ses);
}

/* Sends what is kept; asks epoll when that is not all. */
static void
flush_kept(struct session *ses)
{
	struct outpiece *p;
	struct rest r;
	size_t len;

	while ((p = TAILQ_FIRST(&ses->out)) != NULL) {
		len = p->buf.len - p->off;
		r = (struct rest){ { { p->buf.data + p->off, len } }, len };
		if (!send_some(ses, &r))
			return;
		p->off += len - r.len;
		taken(ses, len - r.len);
		if (r.len > 0) {
			session_poll_out(ses);
			return;
		}
		drop_first(ses);
	}
}

/* --- keeping --- */

static struct outpiece *
add_piece(struct session *ses)
{
	struct outpiece *p;

	p = calloc(1, sizeof(*p));
	if (p != NULL)
		TAILQ_INSERT_TAIL(&ses->out, p, link);
	return p;
}

/* Little: behind what is there. */
static bool
keep_copy(struct session *ses, const struct rest *r)
{
	struct outpiece *p;

	p = TAILQ_LAST(&ses->out, outpieces);
	if (p == NULL || p->buf.len + r->len > OUT_PIECE) {
		p = add_piece(ses);
		if (p != NULL)
			p->buf.account = ses->account;
	}
	return p != NULL &&
	    buf_append(&p->buf, r->iov[0].iov_base, r->iov[0].iov_len) &&
	    buf_append(&p->buf, r->iov[1].iov_base, r->iov[1].iov_len);
}

/* Much: l's buffer, which has room for all of it, becomes the session's. */
static bool
keep_buffer(struct session *ses, struct lwp *l, const struct rest *r)
{
	struct outpiece *p;

	p = add_piece(ses);
	if (p == NULL || !buf_append(&l->out, r->iov[1].iov_base,
	    r->iov[1].iov_len))
		return false;
	p->buf = l->out;
	p->off = l->out.len - r->len;
	l->out = (struct buf){ .account = l->out.account };
	return true;
}

static void
keep(struct session *ses, struct lwp *l, const struct rest *r)
{
	const bool first = waiting(ses) == 0;
	bool kept;

	kept = r->len <= OUT_SMALL || l == NULL ? keep_copy(ses, r) :
	    keep_buffer(ses, l, r);
	if (!kept) {
		ses_log(ses, RUMPSERVER_LOG_WARN, "no memory for its answers; "
		    "disconnecting");
		fail(ses);
		return;
	}
	atomic_fetch_add(&ses->out_waiting, r->len);
	if (!first)
		return;
	expect_progress(ses);
	session_poll_out(ses);
}

/* out_lock held. */
static void
send_locked(struct session *ses, struct lwp *l, struct rest *r)
{

	if (!failed(ses) && waiting(ses) == 0)
		send_some(ses, r);
	if (r->len > 0 && !failed(ses))
		keep(ses, l, r);
}

static bool
send_or_keep(struct session *ses, struct lwp *l, struct rest *r)
{
	bool ok;

	pthread_mutex_lock(&ses->out_lock);
	send_locked(ses, l, r);
	if (l != NULL && room(ses))
		wake_next(ses);
	ok = !failed(ses);
	pthread_mutex_unlock(&ses->out_lock);
	return ok;
}

bool
session_send(struct session *ses, const void *head, size_t headlen,
    const void *data, size_t datalen)
{
	struct rest r = { { { (void *)head, headlen },
	    { (void *)data, datalen } }, headlen + datalen };

	return send_or_keep(ses, NULL, &r);
}

bool
session_raise(struct session *ses, struct frame_hdr *hdr)
{
	const uint64_t bit = UINT64_C(1) << hdr->u % 64;
	struct rest r = { { { hdr, sizeof(*hdr) } }, sizeof(*hdr) };
	bool ok;

	pthread_mutex_lock(&ses->out_lock);
	if (waiting(ses) == 0)
		ses->out_raised = 0;
	if ((ses->out_raised & bit) == 0)
		send_locked(ses, NULL, &r);
	if (waiting(ses) > 0)
		ses->out_raised |= bit;
	ok = !failed(ses);
	pthread_mutex_unlock(&ses->out_lock);
	return ok;
}

bool
lwp_send(struct lwp *l, const void *data, size_t len)
{
	struct rest r = { { { l->out.data, l->out.len },
	    { (void *)data, len } }, l->out.len + len };
	bool ok;

	ok = send_or_keep(l->session, l, &r);
	l->out.len = 0;
	return ok;
}

/* --- waiting for room --- */

/* out_lock held: with as many threads asleep as may be. */
static void
out_of_patience(struct session *ses)
{

	session_timeout(ses, too_many_asleep);
	fail(ses);
	wake_all(ses);
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
	if (pool_sleep(l)) {
		pthread_cond_wait(&ses->out_cond, &ses->out_lock);
		pool_awake(l);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LAST_THREAD_MS / 1000;
	if (pthread_cond_timedwait(&ses->out_cond, &ses->out_lock, &until) ==
	    ETIMEDOUT)
		out_of_patience(ses);
}

bool
lwp_await_room(struct lwp *l)
{
	struct session *ses = l->session;

	if (room(ses))
		return !failed(ses);
	/* The client may have to be read from before it reads. */
	session_give(ses, l->worker);
	pthread_mutex_lock(&ses->out_lock);
	while (!room(ses))
		wait_turn(ses, l);
	pthread_mutex_unlock(&ses->out_lock);
	return !failed(ses);
}

void
session_flush(struct session *ses)
{

	pthread_mutex_lock(&ses->out_lock);
	if (!failed(ses))
		flush_kept(ses);
	if (room(ses))
		wake_next(ses);
	pthread_mutex_unlock(&ses->out_lock);
	session_unpause(ses);
}

void
session_out_fail(struct session *ses)
{

	pthread_mutex_lock(&ses->out_lock);
	fail(ses);
	timer_cancel(ses->srv, &ses->out_timer);
	wake_all(ses);
	pthread_mutex_unlock(&ses->out_lock);
}

bool
session_respond(struct session *ses, const struct frame_hdr *req,
    const void *body, size_t len)
{
	struct frame_hdr hdr;

	hdr = frame_hdr(FRAME_RESP, req->type, req->reqno, 0, len);
	return session_send(ses, &hdr, sizeof(hdr), body, len);
}

bool
session_error(struct session *ses, uint64_t reqno, enum frame_error error)
{
	struct frame_hdr hdr;

	count(&ses->srv->count.errors, 1);
	hdr = frame_hdr(FRAME_ERROR, 0, reqno, error, 0);
	return session_send(ses, &hdr, sizeof(hdr), NULL, 0);
}
