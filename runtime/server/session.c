/*
 * Sessions: one connection each, and who owns its input.
 */
#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

/* --- the table: epoll knows a session by slot and generation --- */

enum { SLOT_NONE = UINT32_MAX, GEN_MASK = 0xffffff };

static bool
slots_grow(struct rumpserver *srv)
{
	struct slot *p;
	uint32_t n, i;

	n = srv->nslots != 0 ? srv->nslots * 2 : 64;
	p = realloc(srv->slots, n * sizeof(*p));
	if (p == NULL)
		return false;
	for (i = srv->nslots; i < n; i++)
		p[i] = (struct slot){ .next_free = i + 1 < n ? i + 1 :
		    SLOT_NONE };
	srv->free_slot = srv->nslots;
	srv->slots = p;
	srv->nslots = n;
	return true;
}

/* srv->lock held. */
static bool
slot_take(struct rumpserver *srv, struct session *ses)
{
	struct slot *slot;
	uint32_t i;

	if (srv->nslots == 0 || srv->free_slot == SLOT_NONE)
		if (!slots_grow(srv))
			return false;
	i = srv->free_slot;
	slot = &srv->slots[i];
	srv->free_slot = slot->next_free;
	slot->gen = (slot->gen + 1) & GEN_MASK;
	slot->session = ses;
	ses->id = EV_SESSION | (uint64_t)slot->gen << 32 | i;
	return true;
}

static void
slot_release(struct rumpserver *srv, struct session *ses)
{
	uint32_t i = (uint32_t)ses->id;

	pthread_mutex_lock(&srv->lock);
	srv->slots[i].session = NULL;
	srv->slots[i].next_free = srv->free_slot;
	srv->free_slot = i;
	pthread_mutex_unlock(&srv->lock);
}

struct session *
session_lookup(struct rumpserver *srv, uint64_t id)
{
	struct session *ses;
	uint32_t i = (uint32_t)id;

	ses = NULL;
	pthread_mutex_lock(&srv->lock);
	if (i < srv->nslots && srv->slots[i].session != NULL &&
	    srv->slots[i].session->id == id) {
		ses = srv->slots[i].session;
		session_ref(ses);
	}
	pthread_mutex_unlock(&srv->lock);
	return ses;
}

/* --- life --- */

const char too_many_asleep[] = "keeps one thread too many waiting";

void
session_timeout(struct session *ses, const char *why)
{

	atomic_store(&ses->timeout_why, why);
	session_kill(ses);
}

static void
in_timeout(struct timer *t)
{
	struct session *ses;

	ses = (struct session *)((char *)t - offsetof(struct session, in_timer));
	session_timeout(ses, ses->in_why);
}

static void
out_timeout(struct timer *t)
{
	struct session *ses;

	ses = (struct session *)((char *)t - offsetof(struct session, out_timer));
	session_timeout(ses, "reads too little of what it is sent");
}

static struct session *
session_alloc(struct rumpserver *srv, int fd)
{
	struct session *ses;

	ses = calloc(1, sizeof(*ses));
	if (ses == NULL)
		return NULL;
	ses->srv = srv;
	ses->fd = fd;
	ses->work.run = session_work;
	ses->in_timer.fire = in_timeout;
	ses->out_timer.fire = out_timeout;
	TAILQ_INIT(&ses->busy);
	TAILQ_INIT(&ses->idle);
	TAILQ_INIT(&ses->out);
	LIST_INIT(&ses->out_fibers);
	pthread_mutex_init(&ses->lock, NULL);
	pthread_mutex_init(&ses->out_lock, NULL);
	pthread_mutex_init(&ses->ep_lock, NULL);
	pthread_cond_init(&ses->out_cond, NULL);
	atomic_init(&ses->refs, 1);
	return ses;
}

static void
session_free(struct session *ses)
{

	close(ses->fd);
	rumpserver_account_put(ses->account);
	free(ses->exec_comm);
	free(ses->in.data);
	pthread_mutex_destroy(&ses->lock);
	pthread_mutex_destroy(&ses->out_lock);
	pthread_mutex_destroy(&ses->ep_lock);
	pthread_cond_destroy(&ses->out_cond);
	free(ses);
}

/* The last reference is gone: nobody else knows the session. */
static void
session_destroy(struct ending *e)
{
	struct session *ses = (struct session *)((char *)e -
	    offsetof(struct session, ending));
	struct rumpserver *srv = ses->srv;
	struct rump_proc *p = ses->proc;
	const bool refused = ses->refusal != 0;

	lwps_release(ses);
	if (p != NULL)
		proc_end(srv, p);
	timer_cancel(srv, &ses->in_timer);
	timer_cancel(srv, &ses->out_timer);
	log_end_client(ses);
	if (!refused) {
		rumpserver_refund(ses->account, RUMPSERVER_CONNECTIONS, 1);
		uncount(&srv->count.clients);
	}
	session_free(ses);

	pthread_mutex_lock(&srv->lock);
	srv->nsessions--;
	srv->nrefused -= refused;
	pthread_cond_broadcast(&srv->idle);
	pthread_mutex_unlock(&srv->lock);
}

void
session_ref(struct session *ses)
{

	atomic_fetch_add(&ses->refs, 1);
}

void
session_unref(struct session *ses)
{

	if (atomic_fetch_sub(&ses->refs, 1) != 1)
		return;
	ses->ending.run = session_destroy;
	ses->ending.payer = ses->account;
	ending_now(ses->srv, &ses->ending);
}

/* Counts the session in; false when it cannot even be refused politely. */
static bool
session_admit(struct session *ses)
{
	struct rumpserver *srv = ses->srv;
	const bool refused = ses->refusal != 0;
	bool ok;

	pthread_mutex_lock(&srv->lock);
	ses->number = ++srv->numbers;
	ok = !srv->stopping && (!refused || srv->nrefused < REFUSED_MAX) &&
	    slot_take(srv, ses);
	if (ok) {
		srv->nsessions++;
		srv->nrefused += refused;
	}
	pthread_mutex_unlock(&srv->lock);
	return ok;
}

/* It stays until it has read why. */
static void
session_turn_away(struct session *ses)
{
	const struct rumpserver_peer *peer = &ses->peer;

	count(&ses->srv->count.refused, 1);
	if (ses->refusal == FRAME_ERR_AUTH)
		ses_log(ses, RUMPSERVER_LOG_WARN, "refused: pid %ld of uid "
		    "%lu gid %lu is not on the list of those allowed",
		    (long)peer->pid, (unsigned long)peer->uid,
		    (unsigned long)peer->gid);
	else
		ses_log(ses, RUMPSERVER_LOG_WARN, "refused: too many clients, "
		    "of %u in all", ses->srv->cfg.max_clients);
}

/* Its number, its account and whether it may stay. */
static bool
session_enter(struct session *ses, enum frame_error refusal)
{
	struct rumpserver *srv = ses->srv;
	bool paid;

	ses->account = account_make(srv->budgets, &ses->peer);
	if (ses->account == NULL)
		return false;
	paid = refusal == 0 && rumpserver_charge(ses->account,
	    RUMPSERVER_CONNECTIONS, 1);
	ses->refusal = paid ? 0 : refusal != 0 ? refusal : FRAME_ERR_NOMEM;
	if (!session_admit(ses)) {
		if (paid)
			rumpserver_refund(ses->account, RUMPSERVER_CONNECTIONS,
			    1);
		return false;
	}
	return true;
}

int
session_open(struct rumpserver *srv, int fd,
    const struct rumpserver_peer *peer, enum frame_error refusal)
{
	struct session *ses;
	struct epoll_event ev;
	struct timeval tv = { .tv_usec = STICKY_MS * 1000 };

	ses = session_alloc(srv, fd);
	if (ses == NULL) {
		close(fd);
		return -1;
	}
	ses->peer = *peer;
	if (!session_enter(ses, refusal)) {
		count(&srv->count.refused, 1);
		session_free(ses);
		errno = EUSERS;
		return -1;
	}
	refusal = ses->refusal;
	if (refusal != 0) {
		session_turn_away(ses);
	} else {
		count(&srv->count.clients, 1);
		count(&srv->count.clients_total, 1);
		ses_log(ses, RUMPSERVER_LOG_INFO, "connected");
	}

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	session_deadline(ses, refusal != 0 ? LINGER_MS :
	    srv->cfg.handshake_timeout_ms, "no handshake in time");
	session_send(ses, srv->banner, srv->bannerlen, NULL, 0);

	ses->ep_in = true;
	ev = (struct epoll_event){ .events = EPOLLIN | EPOLLONESHOT,
	    .data.u64 = ses->id };
	if (epoll_ctl(srv->epfd, EPOLL_CTL_ADD, fd, &ev) == -1) {
		int error = errno;

		session_end(ses, "epoll_ctl failed");
		errno = error;
		return -1;
	}
	if (refusal == 0)
		return 0;
	errno = EUSERS;
	return -1;
}

void
session_kill(struct session *ses)
{

	shutdown(ses->fd, SHUT_RDWR);
}

void
session_deadline(struct session *ses, unsigned ms, const char *why)
{

	timer_cancel(ses->srv, &ses->in_timer);
	if (ms == 0)
		return;
	ses->in_why = why;
	timer_set(ses->srv, &ses->in_timer, ms);
}

static void
log_end(struct session *ses, const char *why)
{
	const char *late = atomic_load(&ses->timeout_why);

	if (late != NULL && ses->refusal == 0) {
		count(&ses->srv->count.timeouts, 1);
		ses_log(ses, RUMPSERVER_LOG_WARN, "disconnected: %s", late);
	} else {
		ses_log(ses, RUMPSERVER_LOG_INFO, "gone: %s", why);
	}
}

void
session_end(struct session *ses, const char *why)
{
	struct rumpserver *srv = ses->srv;
	struct lwp *l;

	log_end(ses, why);
	slot_release(srv, ses);
	pthread_mutex_lock(&ses->ep_lock);
	ses->ep_in = ses->ep_out = false;
	epoll_ctl(srv->epfd, EPOLL_CTL_DEL, ses->fd, NULL);
	pthread_mutex_unlock(&ses->ep_lock);
	timer_cancel(srv, &ses->in_timer);

	pthread_mutex_lock(&ses->lock);
	ses->input = INPUT_CLOSED;
	ses->owner = NULL;
	ses->dead = true;
	ses->fill = NULL;
	TAILQ_FOREACH(l, &ses->busy, link) {
		if (l->sleep != LWP_COPY || l->copy.done)
			continue;
		l->copy.done = l->copy.failed = true;
		lwp_wake(l);
	}
	lwps_interrupt(ses);
	pthread_mutex_unlock(&ses->lock);

	session_kill(ses);
	session_out_fail(ses);
	session_unref(ses);
}

/* --- what epoll is asked for --- */

static void
ep_update(struct session *ses)
{
	struct epoll_event ev;

	ev = (struct epoll_event){ .events = EPOLLONESHOT |
	    (ses->ep_in ? EPOLLIN : 0) | (ses->ep_out ? EPOLLOUT : 0),
	    .data.u64 = ses->id };
	epoll_ctl(ses->srv->epfd, EPOLL_CTL_MOD, ses->fd, &ev);
}

void
session_poll_in(struct session *ses, bool on)
{

	pthread_mutex_lock(&ses->ep_lock);
	if (on || ses->ep_in) {
		ses->ep_in = on;
		ep_update(ses);
	}
	pthread_mutex_unlock(&ses->ep_lock);
}

void
session_poll_out(struct session *ses)
{

	pthread_mutex_lock(&ses->ep_lock);
	if (!ses->ep_out) {
		ses->ep_out = true;
		ep_update(ses);
	}
	pthread_mutex_unlock(&ses->ep_lock);
}

void
session_polled(struct session *ses, uint32_t events, bool *in, bool *out)
{
	const uint32_t end = EPOLLHUP | EPOLLERR;

	pthread_mutex_lock(&ses->ep_lock);
	*in = ses->ep_in && (events & (EPOLLIN | end)) != 0;
	*out = ses->ep_out && (events & (EPOLLOUT | end)) != 0;
	if (*in)
		ses->ep_in = false;
	if (*out)
		ses->ep_out = false;
	if (ses->ep_in || ses->ep_out)
		ep_update(ses);
	pthread_mutex_unlock(&ses->ep_lock);
}

/* --- who owns the input --- */

bool
session_take(struct session *ses, struct worker *w)
{
	bool taken;

	pthread_mutex_lock(&ses->lock);
	taken = ses->input == INPUT_ARMED;
	if (taken) {
		ses->input = INPUT_OWNED;
		ses->owner = w;
		session_poll_in(ses, false);
	}
	pthread_mutex_unlock(&ses->lock);
	if (taken)
		watch(w, ses);
	return taken;
}

bool
session_owned(struct session *ses, struct worker *w)
{

	return ses->input == INPUT_OWNED && ses->owner == w;
}

/* Somebody of the session's own who waits for an answer reads on. */
static bool
give_to_sleeper(struct session *ses)
{
	struct lwp *l;

	if (atomic_load(&ses->ncopy) == 0)
		return false;
	TAILQ_FOREACH(l, &ses->busy, link) {
		if (l->sleep != LWP_COPY || l->copy.done || l->fiber != NULL ||
		    l->worker == ses->owner)
			continue;
		ses->input = INPUT_OWNED;
		ses->owner = l->worker;
		lwp_wake(l);
		return true;
	}
	return false;
}

/* Nothing to read: keeps little memory. */
static void
shrink(struct session *ses)
{
	struct lwp *l;

	if (ses->in.len == ses->in_off) {
		ses->in_off = 0;
		buf_reset(&ses->in, 0);
	}
	TAILQ_FOREACH(l, &ses->idle, link) {
		buf_reset(&l->out, BUF_KEEP);
		buf_reset(&l->in, BUF_KEEP);
	}
}

/* A half frame may not stay one for long. */
static void
time_frame(struct session *ses)
{
	bool half;

	if (ses->state != SES_UP)
		return;
	half = ses->fill != NULL || ses->in.len > ses->in_off;
	if (half && !ses->frame_timed)
		session_deadline(ses, ses->srv->cfg.frame_timeout_ms,
		    "half a frame and no more");
	else if (!half && ses->frame_timed)
		session_deadline(ses, 0, NULL);
	ses->frame_timed = half;
}

void
session_give_locked(struct session *ses)
{

	if (give_to_sleeper(ses))
		return;
	ses->owner = NULL;
	if (session_buffered(ses)) {
		ses->input = INPUT_QUEUED;
		pool_queue(ses->srv, &ses->work);
		return;
	}
	ses->input = INPUT_ARMED;
	shrink(ses);
	time_frame(ses);
	session_poll_in(ses, true);
}

void
session_give(struct session *ses, struct worker *w)
{

	if (w == NULL || w->loop)
		return;
	unwatch(w);
	pthread_mutex_lock(&ses->lock);
	if (session_owned(ses, w))
		session_give_locked(ses);
	pthread_mutex_unlock(&ses->lock);
}

static bool
drained(struct session *ses)
{

	return atomic_load(&ses->out_waiting) <= OUT_PAUSE ||
	    atomic_load(&ses->out_failed);
}

bool
session_pause(struct session *ses, struct worker *w)
{
	bool paused;

	unwatch(w);
	pthread_mutex_lock(&ses->lock);
	ses->input = INPUT_PAUSED;
	ses->owner = NULL;
	paused = !drained(ses);
	if (!paused) {
		ses->input = INPUT_OWNED;
		ses->owner = w;
	}
	pthread_mutex_unlock(&ses->lock);
	if (!paused)
		watch(w, ses);
	return paused;
}

void
session_unpause(struct session *ses)
{

	pthread_mutex_lock(&ses->lock);
	if (ses->input == INPUT_PAUSED && drained(ses))
		session_give_locked(ses);
	pthread_mutex_unlock(&ses->lock);
}
