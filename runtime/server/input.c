/*
 * Frames that come.  Only the owner of a session's input is in here.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

/* What one step through the input came to. */
enum step {
	STEP_AGAIN,	/* a frame is done with, w still owns the input */
	STEP_MORE,	/* more bytes are needed */
	STEP_LOST,	/* somebody else owns the input; hands off */
	STEP_END,	/* the session is over; hands off */
};

static size_t
buffered(const struct session *ses)
{

	return ses->in.len - ses->in_off;
}

static void
consume(struct session *ses, size_t n)
{

	ses->in_off += n;
	if (ses->in_off == ses->in.len)
		ses->in_off = ses->in.len = 0;
}

/* The header at the head of the buffer, which holds at least that much. */
static struct frame_hdr
peek_hdr(const struct session *ses)
{
	struct frame_hdr hdr;

	memcpy(&hdr, ses->in.data + ses->in_off, sizeof(hdr));
	return hdr;
}

bool
session_buffered(const struct session *ses)
{
	struct frame_hdr hdr;
	size_t n = buffered(ses);

	if (ses->state == SES_DRAIN)
		return false;
	if (ses->fill != NULL)
		return n > 0;
	if (n < FRAME_HDRLEN)
		return false;
	hdr = peek_hdr(ses);
	return n >= hdr.len || hdr.class != FRAME_REQ ||
	    frame_check(&hdr, FRAME_FROM_CLIENT) != NULL;
}

static enum step
end(struct session *ses, struct worker *w, const char *why)
{

	unwatch(w);
	session_end(ses, why);
	return STEP_END;
}

static enum step
violation(struct session *ses, struct worker *w, const struct frame_hdr *hdr,
    const char *why)
{

	count(&ses->srv->count.protocol_errors, 1);
	ses_log(ses, RUMPSERVER_LOG_WARN, "protocol error: %s (class %u, "
	    "type %s, %llu bytes); disconnecting", why, hdr->class,
	    hdr->class == FRAME_ERROR ? "error" : frame_type_name(hdr->type),
	    (unsigned long long)hdr->len);
	/* With an impossible length nobody knows where the next one begins. */
	if (hdr->class != FRAME_REQ || hdr->len < FRAME_HDRLEN ||
	    hdr->len > FRAME_HDRLEN + FRAME_MAX_COPY)
		return end(ses, w, "protocol error");
	session_refuse(ses, hdr->reqno, FRAME_ERR_MALFORMED);
	return STEP_AGAIN;
}

/* --- answers to our requests --- */

static void
answered(struct session *ses, struct lwp *l, size_t got, bool failed)
{

	pthread_mutex_lock(&ses->lock);
	l->copy.got = got;
	l->copy.failed = failed;
	l->copy.done = true;
	lwp_wake(l);
	pthread_mutex_unlock(&ses->lock);
}

static enum step
fill_done(struct session *ses)
{
	struct lwp *l = ses->fill;

	if (ses->fill_off < ses->fill_len)
		return STEP_MORE;
	ses->fill = NULL;
	answered(ses, l, ses->fill_len, false);
	return STEP_AGAIN;
}

/* Moves what the buffer holds of the body to where it belongs. */
static enum step
fill_buffered(struct session *ses)
{
	size_t n;

	n = ses->fill_len - ses->fill_off;
	if (n > buffered(ses))
		n = buffered(ses);
	if (n > 0) {
		memcpy(ses->fill->copy.dst + ses->fill_off,
		    ses->in.data + ses->in_off, n);
		ses->fill_off += n;
		consume(ses, n);
	}
	return fill_done(ses);
}

static struct lwp *
find_waiter(struct session *ses, uint64_t reqno)
{
	struct lwp *l;

	pthread_mutex_lock(&ses->lock);
	TAILQ_FOREACH(l, &ses->busy, link)
		if (l->sleep == LWP_COPY && !l->copy.done &&
		    l->copy.reqno == reqno)
			break;
	pthread_mutex_unlock(&ses->lock);
	return l;
}

static enum step
step_answer(struct session *ses, struct worker *w, const struct frame_hdr *hdr)
{
	struct lwp *l;
	size_t len;

	l = find_waiter(ses, hdr->reqno);
	if (l == NULL)
		return violation(ses, w, hdr, "answer to no request");
	len = hdr->len - FRAME_HDRLEN;
	if (hdr->class == FRAME_ERROR) {
		consume(ses, FRAME_HDRLEN);
		answered(ses, l, 0, true);
		return STEP_AGAIN;
	}
	if (len > l->copy.cap || (l->copy.exact && len != l->copy.cap))
		return violation(ses, w, hdr, "answer of the wrong length");
	consume(ses, FRAME_HDRLEN);
	ses->fill = l;
	ses->fill_off = 0;
	ses->fill_len = len;
	return fill_buffered(ses);
}

/* --- requests --- */

/* Makes an lwp for the call, or says why not. */
static struct lwp *
begin_call(struct session *ses, int *error)
{
	struct lwp *l;

	l = NULL;
	pthread_mutex_lock(&ses->lock);
	if (ses->exec)
		*error = RUMP_EBUSY;
	else if (ses->nbusy >= ses->srv->cfg.max_calls_per_client)
		*error = RUMP_EAGAIN;
	else if ((l = lwp_get(ses)) == NULL)
		*error = RUMP_ENOMEM;
	pthread_mutex_unlock(&ses->lock);
	return l;
}

/*
 * A call that cannot be made fails like any other.  An error frame would do for
 * our client, but NetBSD's crashes on one when another thread reads for the
 * caller, and makes a call with TRYAGAIN again and again without a pause.
 */
static void
fail_call(struct session *ses, uint64_t reqno, int error)
{
	const struct frame_hdr req = { .type = FRAME_SYSCALL, .reqno = reqno };
	const struct frame_sysresp resp = { .error = error };

	count(&ses->srv->count.errors, 1);
	session_respond(ses, &req, &resp, sizeof(resp));
}

static enum step
step_syscall(struct session *ses, struct worker *w,
    const struct frame_hdr *hdr, const uint8_t *body, size_t len)
{
	struct lwp *l;
	int error;

	l = NULL;
	error = RUMP_ENOSYS;
	if (hdr->u <= INT32_MAX)
		l = begin_call(ses, &error);
	if (l == NULL) {
		consume(ses, hdr->len);
		fail_call(ses, hdr->reqno, error);
		return STEP_AGAIN;
	}
	l->reqno = hdr->reqno;
	l->num = (int)hdr->u;
	l->arglen = len;
	memcpy(l->args, body, len);
	consume(ses, hdr->len);
	count(&ses->srv->count.calls, 1);
	count(&ses->srv->count.calls_now, 1);

	if (w->loop) {
		if (!fiber_start(ses->srv, lwp_fiber, l, &l->fiber)) {
			fail_call(ses, l->reqno, RUMP_ENOMEM);
			lwp_put(l, w);
		}
		return STEP_AGAIN;
	}
	if (w->reading_for != NULL) {
		pool_queue(ses->srv, &l->work);
		return STEP_AGAIN;
	}
	l->worker = w;
	/* Another lwp's answer must not wait for this call. */
	if (atomic_load(&ses->ncopy) > 0)
		session_give(ses, w);
	return lwp_run(l) ? STEP_AGAIN : STEP_LOST;
}

static enum step
step_request(struct session *ses, struct worker *w,
    const struct frame_hdr *hdr)
{
	uint8_t *body, small[FRAME_MAX_COMM];
	struct request req;
	size_t len;

	if (buffered(ses) < hdr->len)
		return STEP_MORE;
	body = ses->in.data + ses->in_off + FRAME_HDRLEN;
	len = hdr->len - FRAME_HDRLEN;
	if (ses->state == SES_UP && hdr->type == FRAME_SYSCALL)
		return step_syscall(ses, w, hdr, body, len);

	/* The buffer may be somebody else's before the request is done. */
	memcpy(small, body, len);
	consume(ses, hdr->len);
	req = (struct request){ .session = ses, .hdr = *hdr, .len = len,
	    .body = small };
	if (w->reading_for != NULL) {
		request_queue(ses, &req);
		return STEP_AGAIN;
	}
	return request_run(ses, &req, w) ? STEP_AGAIN : STEP_LOST;
}

static enum step
step(struct session *ses, struct worker *w)
{
	struct frame_hdr hdr;
	const char *why;

	if (ses->state == SES_DRAIN) {
		consume(ses, buffered(ses));
		if (ses->fill == NULL)
			return STEP_MORE;
		answered(ses, ses->fill, 0, true);
		ses->fill = NULL;
		return STEP_MORE;
	}
	if (ses->fill != NULL)
		return fill_buffered(ses);
	if (buffered(ses) < FRAME_HDRLEN)
		return STEP_MORE;
	hdr = peek_hdr(ses);
	why = frame_check(&hdr, FRAME_FROM_CLIENT);
	if (why != NULL)
		return violation(ses, w, &hdr, why);
	if (hdr.class != FRAME_REQ)
		return step_answer(ses, w, &hdr);
	return step_request(ses, w, &hdr);
}

/* A frame is done with; the next half frame gets time of its own. */
static void
frame_ended(struct session *ses)
{

	if (!ses->frame_timed)
		return;
	ses->frame_timed = false;
	session_deadline(ses, 0, NULL);
}

/* --- bytes --- */

/* As recv(2), to where the next bytes belong.  wait: as long as the
 * socket's SO_RCVTIMEO. */
static ssize_t
read_more(struct session *ses, bool wait)
{
	ssize_t n;

	do {
		if (ses->fill != NULL) {
			n = recv(ses->fd, ses->fill->copy.dst + ses->fill_off,
			    ses->fill_len - ses->fill_off,
			    wait ? MSG_WAITALL : MSG_DONTWAIT);
			if (n > 0)
				ses->fill_off += (size_t)n;
			continue;
		}
		if (ses->in_off > 0) {
			memmove(ses->in.data, ses->in.data + ses->in_off,
			    buffered(ses));
			ses->in.len -= ses->in_off;
			ses->in_off = 0;
		}
		if (buf_room(&ses->in, INBUF_SIZE - ses->in.len) == NULL) {
			errno = ENOMEM;
			return -1;
		}
		n = recv(ses->fd, ses->in.data + ses->in.len,
		    INBUF_SIZE - ses->in.len, wait ? 0 : MSG_DONTWAIT);
		if (n > 0)
			ses->in.len += (size_t)n;
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Waits with the session for its next frame. */
static ssize_t
read_sticky(struct session *ses)
{
	struct rumpserver *srv = ses->srv;
	ssize_t n;

	if (atomic_fetch_add(&srv->sticky, 1) < STICKY_MAX &&
	    pool_has_waiter(srv))
		n = read_more(ses, true);
	else
		n = read_more(ses, false);
	atomic_fetch_sub(&srv->sticky, 1);
	return n;
}

static const char *
end_reason(ssize_t n)
{

	return n == 0 ? "end of connection" : strerror(errno);
}

/* Others have their turn, too. */
static bool
turn_over(const struct worker *w, unsigned *done)
{

	return ++*done > (w->loop ? LOOP_TURN : THREAD_TURN);
}

void
session_run(struct session *ses, struct worker *w)
{
	unsigned done;
	bool stay;
	ssize_t n;

	stay = false;
	for (done = 0; !turn_over(w, &done);) {
		if (atomic_load(&ses->out_waiting) > OUT_PAUSE &&
		    session_pause(ses, w))
			return;
		switch (step(ses, w)) {
		case STEP_AGAIN:
			stay = !w->loop;
			frame_ended(ses);
			continue;
		case STEP_LOST:
		case STEP_END:
			return;
		case STEP_MORE:
			break;
		}
		if (stay && ses->state != SES_DRAIN)
			n = read_sticky(ses);
		else
			n = read_more(ses, false);
		if (n > 0)
			continue;
		if (n == -1 && errno == EAGAIN)
			break;
		end(ses, w, end_reason(n));
		return;
	}
	unwatch(w);
	pthread_mutex_lock(&ses->lock);
	session_give_locked(ses);
	pthread_mutex_unlock(&ses->lock);
}

void
session_work(struct work *work, struct worker *w)
{
	struct session *ses;

	ses = (struct session *)((char *)work - offsetof(struct session, work));
	pthread_mutex_lock(&ses->lock);
	ses->input = INPUT_OWNED;
	ses->owner = w;
	pthread_mutex_unlock(&ses->lock);
	watch(w, ses);
	session_run(ses, w);
}

/*
 * When the client has to have sent more: an answer is begun by `end' and, as
 * any frame, complete some time after its beginning.
 */
static uint64_t
time_limit(const struct session *ses, const struct lwp *l, uint64_t end,
    uint64_t now, uint64_t *frame_end)
{

	if (ses->fill == NULL && buffered(ses) == 0) {
		*frame_end = 0;
		return end;
	}
	if (*frame_end == 0)
		*frame_end = now + ses->srv->cfg.frame_timeout_ms;
	return ses->fill == l || *frame_end < end ? *frame_end : end;
}

/*
 * The client sends nothing more: waits until then, but not for long with one
 * thread too many, whose end of patience is noted.
 */
static void
wait_readable(struct session *ses, struct lwp *l, uint64_t now,
    uint64_t until, uint64_t *last_end)
{
	struct pollfd pfd = { .fd = ses->fd, .events = POLLIN };

	if (pool_sleep(l)) {
		*last_end = UINT64_MAX;
		poll(&pfd, 1, (int)(until - now));
		pool_awake(l);
		return;
	}
	if (*last_end == UINT64_MAX)
		*last_end = now + LAST_THREAD_MS;
	if (*last_end < until)
		until = *last_end;
	poll(&pfd, 1, until > now ? (int)(until - now) : 0);
	if (now_ms() >= *last_end)
		session_timeout(ses, too_many_asleep);
}

void
session_read_for(struct session *ses, struct worker *w, struct lwp *l,
    uint64_t end_ms)
{
	uint64_t now, until, frame_end, last_end;
	ssize_t n;

	frame_end = 0;
	last_end = UINT64_MAX;
	while (!l->copy.done) {
		switch (step(ses, w)) {
		case STEP_AGAIN:
			frame_end = 0;
			frame_ended(ses);
			continue;
		case STEP_LOST:
		case STEP_END:
			return;
		case STEP_MORE:
			break;
		}
		now = now_ms();
		until = time_limit(ses, l, end_ms, now, &frame_end);
		if (now >= until)
			session_timeout(ses, frame_end != 0 ?
			    "half a frame and no more" :
			    "does not answer a copy request");
		n = read_more(ses, true);
		if (n > 0)
			continue;
		if (n == -1 && errno == EAGAIN) {
			wait_readable(ses, l, now, until, &last_end);
			continue;
		}
		end(ses, w, end_reason(n));
		return;
	}
}
