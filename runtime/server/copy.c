/*
 * Client memory: requests of ours and their answers.
 *
 * A copyin asks in one request for all that the kernel wants, up to max_copy
 * bytes; a round trip for each small piece is what makes a write slow.  The
 * answer goes from the socket to where the kernel wants it.
 *
 * The lwp that waits for an answer reads the session's input itself when
 * nobody else does.  Whoever owns the input writes the answer where the lwp
 * wants it and sets copy.done under ses->lock.
 */
#include <errno.h>
#include <string.h>

#include "server/server.h"

struct copyframe {
	struct frame_hdr hdr;
	struct frame_copy copy;
};

/* --- waiting for the answer --- */

static void
no_answer(struct session *ses)
{

	session_timeout(ses, "does not answer a copy request");
}

/* ses->lock held: makes the input ours if nobody is at work on it. */
static bool
own_input(struct session *ses, struct worker *w)
{

	switch (ses->input) {
	case INPUT_OWNED:
		return ses->owner == w;
	case INPUT_QUEUED:
		if (!pool_unqueue(ses->srv, &ses->work))
			return false;
		break;
	case INPUT_ARMED:
		session_poll_in(ses, false);
		break;
	case INPUT_PAUSED:
		break;
	case INPUT_CLOSED:
		return false;
	}
	ses->input = INPUT_OWNED;
	ses->owner = w;
	return true;
}

/* ses->lock held: ours for reading, now. */
static void
read_answer(struct session *ses, struct lwp *l, uint64_t end_ms)
{
	struct worker *w = l->worker;

	pthread_mutex_unlock(&ses->lock);
	watch(w, ses);
	w->reading_for = l;
	session_read_for(ses, w, l, end_ms);
	w->reading_for = NULL;
	pthread_mutex_lock(&ses->lock);
}

/*
 * ses->lock held: while somebody else is at work on the input, until end_ms.
 * With too many threads asleep that is soon.  False: the time was over.
 */
static bool
await_answer(struct session *ses, struct lwp *l, uint64_t end_ms)
{
	const uint64_t soon = now_ms() + LAST_THREAD_MS;
	const bool last = !pool_sleep(l);
	struct timespec until;
	bool late;

	if (last && soon < end_ms)
		end_ms = soon;
	until = (struct timespec){ .tv_sec = (time_t)(end_ms / 1000),
	    .tv_nsec = (long)(end_ms % 1000) * 1000000 };
	late = pthread_cond_timedwait(&l->wake, &ses->lock, &until) ==
	    ETIMEDOUT && !l->copy.done;
	if (!last)
		pool_awake(l);
	if (late && last)
		session_timeout(ses, too_many_asleep);
	else if (late)
		no_answer(ses);
	return !late;
}

/* ses->lock held. */
static void
sleep_thread(struct session *ses, struct lwp *l)
{
	const unsigned limit = ses->srv->cfg.answer_timeout_ms;
	uint64_t end = now_ms() + limit;

	while (!l->copy.done) {
		if (own_input(ses, l->worker))
			read_answer(ses, l, end);
		else if (!await_answer(ses, l, end))
			end = now_ms() + limit;
	}
}

/* ses->lock held. */
static void
sleep_fiber(struct session *ses, struct lwp *l)
{
	struct rumpserver *srv = ses->srv;

	atomic_store(&l->timed_out, false);
	timer_set(srv, &l->timer, srv->cfg.answer_timeout_ms);
	while (!l->copy.done) {
		pthread_mutex_unlock(&ses->lock);
		fiber_yield(l->fiber);
		if (atomic_exchange(&l->timed_out, false))
			no_answer(ses);
		pthread_mutex_lock(&ses->lock);
	}
	timer_cancel(srv, &l->timer);
}

static void
copy_sleep(struct lwp *l)
{
	struct session *ses = l->session;
	bool give;

	kernel_leave(l->worker);
	pthread_mutex_lock(&ses->lock);
	if (l->fiber != NULL)
		sleep_fiber(ses, l);
	else
		sleep_thread(ses, l);
	l->sleep = LWP_AWAKE;
	atomic_fetch_sub(&ses->ncopy, 1);
	give = atomic_load(&ses->ncopy) > 0 && session_owned(ses, l->worker);
	pthread_mutex_unlock(&ses->lock);
	/* Others wait for answers, too, and we are off. */
	if (give)
		session_give(ses, l->worker);
	kernel_enter(l->worker);
}

/* --- asking --- */

/* Numbers a request of len bytes; false when there is nobody to ask. */
static bool
copy_begin(struct lwp *l, void *dst, size_t cap, bool exact, size_t len)
{
	struct session *ses = l->session;
	bool dead;

	if (buf_room(&l->out, len) == NULL || !lwp_await_room(l))
		return false;
	pthread_mutex_lock(&ses->lock);
	dead = ses->dead;
	if (!dead) {
		l->copy = (struct copywait){ .reqno = ses->reqno++,
		    .dst = dst, .cap = cap, .exact = exact };
		l->sleep = LWP_COPY;
		atomic_fetch_add(&ses->ncopy, 1);
	}
	pthread_mutex_unlock(&ses->lock);
	return !dead;
}

/*
 * Sends a request behind what has gathered, for which there is room already,
 * and waits for its answer.
 */
static int
copy_ask(struct lwp *l, const void *frame, size_t len)
{

	buf_append(&l->out, frame, len);
	/* Not sent: the input ends soon and the wait with it. */
	if (!lwp_send(l, NULL, 0))
		session_kill(l->session);
	copy_sleep(l);
	return l->copy.failed ? RUMP_EFAULT : 0;
}

static int
copy_request(struct lwp *l, enum frame_type type, rump_uaddr_t uaddr,
    void *dst, size_t len, bool exact)
{
	struct copyframe f;

	/* Nothing is there, and NetBSD's client would go and look. */
	if (uaddr == 0 || !copy_begin(l, dst, len, exact, sizeof(f)))
		return RUMP_EFAULT;
	f.hdr = frame_hdr(FRAME_REQ, type, l->copy.reqno, 0, sizeof(f.copy));
	f.copy = (struct frame_copy){ .len = len, .addr = uaddr };
	return copy_ask(l, &f, sizeof(f));
}

static size_t
piece(const struct lwp *l, size_t len)
{
	size_t max = l->session->srv->cfg.max_copy;

	return len < max ? len : max;
}

int
rumpserver_copyin(struct lwp *l, rump_uaddr_t uaddr, void *kaddr, size_t len)
{
	uint8_t *dst = kaddr;
	size_t n;
	int error;

	for (; len > 0; len -= n) {
		n = piece(l, len);
		error = copy_request(l, FRAME_COPYIN, uaddr, dst, n, true);
		if (error != 0)
			return error;
		count(&l->session->srv->count.copyin_bytes, n);
		uaddr += n;
		dst += n;
	}
	return 0;
}

int
rumpserver_copyinstr(struct lwp *l, rump_uaddr_t uaddr, char *kaddr,
    size_t len, size_t *done)
{
	size_t n, got;
	int error;

	for (got = 0; got < len; got += n) {
		n = piece(l, len - got);
		error = copy_request(l, FRAME_COPYINSTR, uaddr + got,
		    kaddr + got, n, false);
		if (error != 0)
			return error;
		count(&l->session->srv->count.copyin_bytes, l->copy.got);
		if (memchr(kaddr + got, '\0', l->copy.got) != NULL) {
			if (done != NULL)
				*done = got + strlen(kaddr + got) + 1;
			return 0;
		}
		/* No NUL though there was room: that is all there is. */
		if (l->copy.got < n)
			break;
	}
	return RUMP_ENAMETOOLONG;
}

int
rumpserver_copyin_borrow(struct lwp *l, rump_uaddr_t uaddr, size_t len,
    const void **data)
{

	if (len > RUMPSERVER_BORROW_MAX)
		return RUMP_EINVAL;
	l->in.len = 0;
	*data = buf_room(&l->in, len != 0 ? len : 1);
	if (*data == NULL)
		return RUMP_ENOMEM;
	return rumpserver_copyin(l, uaddr, l->in.data, len);
}

int
rumpserver_anonmmap(struct lwp *l, size_t len, rump_uaddr_t *uaddr)
{
	struct {
		struct frame_hdr hdr;
		uint64_t len;
	} f;
	int error;

	*uaddr = 0;
	if (!copy_begin(l, uaddr, sizeof(*uaddr), true, sizeof(f)))
		return RUMP_ENOMEM;
	f.hdr = frame_hdr(FRAME_REQ, FRAME_ANONMMAP, l->copy.reqno, 0,
	    sizeof(f.len));
	f.len = len;
	error = copy_ask(l, &f, sizeof(f));
	return error != 0 || *uaddr == 0 ? RUMP_ENOMEM : 0;
}

/* --- towards the client --- */

static struct copyframe
copyout_head(struct lwp *l, enum frame_type type, rump_uaddr_t uaddr,
    size_t len)
{
	struct session *ses = l->session;
	struct copyframe f;
	uint64_t reqno;

	pthread_mutex_lock(&ses->lock);
	reqno = ses->reqno++;
	pthread_mutex_unlock(&ses->lock);
	count(&ses->srv->count.copyout_bytes, len);
	f.hdr = frame_hdr(FRAME_REQ, type, reqno, 0, sizeof(f.copy) + len);
	f.copy = (struct frame_copy){ .len = len, .addr = uaddr };
	return f;
}

/* One frame, gathered for the answer while there is little, else sent. */
static int
copyout_piece(struct lwp *l, enum frame_type type, const void *kaddr,
    rump_uaddr_t uaddr, size_t len)
{
	struct copyframe f;

	/* What the socket does not take must be kept. */
	if (buf_room(&l->out, sizeof(f) + len + ANSWER_ROOM) == NULL)
		return RUMP_ENOMEM;
	f = copyout_head(l, type, uaddr, len);
	if (l->out.len + sizeof(f) + len <= OUT_GATHER) {
		buf_append(&l->out, &f, sizeof(f));
		buf_append(&l->out, kaddr, len);
		return 0;
	}
	if (!lwp_await_room(l))
		return RUMP_EFAULT;
	buf_append(&l->out, &f, sizeof(f));
	return lwp_send(l, kaddr, len) ? 0 : RUMP_EFAULT;
}

static bool
gone(struct lwp *l)
{

	return atomic_load(&l->session->out_failed);
}

int
rumpserver_copyout(struct lwp *l, const void *kaddr, rump_uaddr_t uaddr,
    size_t len)
{
	const uint8_t *src = kaddr;
	size_t n;
	int error;

	if (len > 0 && (uaddr == 0 || gone(l)))
		return RUMP_EFAULT;
	for (; len > 0; len -= n) {
		n = piece(l, len < OUT_PIECE ? len : OUT_PIECE);
		error = copyout_piece(l, FRAME_COPYOUT, src, uaddr, n);
		if (error != 0)
			return error;
		uaddr += n;
		src += n;
	}
	return 0;
}

int
rumpserver_copyoutstr(struct lwp *l, const char *kaddr, rump_uaddr_t uaddr,
    size_t len, size_t *done)
{
	size_t n;

	n = strnlen(kaddr, len);
	if (n == len)
		return RUMP_ENAMETOOLONG;
	if (uaddr == 0 || gone(l))
		return RUMP_EFAULT;
	if (done != NULL)
		*done = n + 1;
	/* Only a string of a reasonable length is one frame. */
	if (n + 1 > piece(l, OUT_PIECE))
		return rumpserver_copyout(l, kaddr, uaddr, n + 1);
	return copyout_piece(l, FRAME_COPYOUTSTR, kaddr, uaddr, n + 1);
}

/* More than a frame may carry is filled in elsewhere, and copied out then. */
static bool
aside(const struct lwp *l, size_t len)
{

	return len > l->session->srv->cfg.max_copy;
}

int
rumpserver_copyout_reserve(struct lwp *l, rump_uaddr_t uaddr, size_t len,
    void **data)
{
	const size_t head = sizeof(struct copyframe);
	uint8_t *p;

	if (len > RUMPSERVER_BORROW_MAX)
		return RUMP_EINVAL;
	if (uaddr == 0 && len > 0)
		return RUMP_EFAULT;
	/* A call's output does not pile up. */
	if (l->out.len > OUT_GATHER &&
	    (!lwp_await_room(l) || !lwp_send(l, NULL, 0)))
		return RUMP_EFAULT;
	if (aside(l, len))
		p = buf_room(&l->aside, len);
	else
		p = buf_room(&l->out, head + len + ANSWER_ROOM);
	if (p == NULL)
		return RUMP_ENOMEM;
	l->reserved = len;
	l->reserve_addr = uaddr;
	*data = aside(l, len) ? p : p + head;
	return 0;
}

int
rumpserver_copyout_commit(struct lwp *l, size_t used)
{
	const size_t len = l->reserved;
	struct copyframe f;
	int error;

	if (used > len)
		return RUMP_EINVAL;
	l->reserved = 0;
	error = 0;
	if (used > 0 && gone(l)) {
		error = RUMP_EFAULT;
	} else if (used > 0 && aside(l, len)) {
		error = rumpserver_copyout(l, l->aside.data, l->reserve_addr,
		    used);
	} else if (used > 0) {
		f = copyout_head(l, FRAME_COPYOUT, l->reserve_addr, used);
		memcpy(l->out.data + l->out.len, &f, sizeof(f));
		l->out.len += sizeof(f) + used;
	}
	buf_reset(&l->aside, 0);
	return error;
}
