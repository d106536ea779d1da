/*
 * The ticker: a thread that runs the timers and watches for kernels that
 * sleep without saying so.
 *
 * A worker is on the active list as long as it owns a session's input.  Its
 * seq is odd while the kernel runs.  When two ticks find the same odd number
 * the kernel has slept (or computed) for that long, and the session's input
 * is given away; the worker notices when the call is over.
 *
 * The ticks stop when nothing has moved for a while; kernel_enter() starts
 * them again.  ticker_asleep is set before the last look at the workers and
 * seq is changed before the look at ticker_asleep, so one of the two sees
 * the other.
 */
#include <errno.h>

#include "server/server.h"

void
ticker_wake(struct rumpserver *srv)
{

	if (!atomic_load(&srv->ticker_asleep))
		return;
	pthread_mutex_lock(&srv->timer_lock);
	atomic_store(&srv->ticker_asleep, false);
	pthread_cond_signal(&srv->timer_cond);
	pthread_mutex_unlock(&srv->timer_lock);
}

void
kernel_enter(struct worker *w)
{

	if (w->loop)
		return;
	atomic_fetch_add(&w->seq, 1);
	ticker_wake(w->srv);
}

void
kernel_leave(struct worker *w)
{

	if (w->loop)
		return;
	atomic_fetch_add(&w->seq, 1);
	if (atomic_load(&w->owes) != NULL)
		settle(w);
}

void
settle(struct worker *w)
{
	struct rumpserver_account *a;

	a = atomic_exchange(&w->owes, NULL);
	rumpserver_refund(a, RUMPSERVER_THREADS, 1);
	rumpserver_account_put(a);
}

void
watch(struct worker *w, struct session *ses)
{
	struct rumpserver *srv = w->srv;

	if (w->loop)
		return;
	pthread_mutex_lock(&srv->active_lock);
	if (w->session == NULL)
		TAILQ_INSERT_TAIL(&srv->active, w, active);
	w->session = ses;
	w->seen = atomic_load(&w->seq) - 1;
	pthread_mutex_unlock(&srv->active_lock);
}

void
unwatch(struct worker *w)
{
	struct rumpserver *srv = w->srv;

	if (w->loop)
		return;
	pthread_mutex_lock(&srv->active_lock);
	if (w->session != NULL) {
		TAILQ_REMOVE(&srv->active, w, active);
		w->session = NULL;
	}
	pthread_mutex_unlock(&srv->active_lock);
}

/* A client that has as many threads as it may has its other calls wait. */
static bool
pay(struct worker *w, struct rumpserver_account *a)
{

	if (!rumpserver_charge(a, RUMPSERVER_THREADS, 1))
		return false;
	settle(w);
	rumpserver_account_ref(a);
	atomic_store(&w->owes, a);
	return true;
}

/* Takes the input away from a worker that sleeps in the kernel. */
static void
relieve(struct worker *w)
{
	struct session *ses = w->session;
	bool owner;

	pthread_mutex_lock(&ses->lock);
	owner = ses->input == INPUT_OWNED && ses->owner == w &&
	    atomic_load(&w->seq) == w->seen &&
	    pay(w, ses->proc->account);
	if (owner)
		session_give_locked(ses);
	pthread_mutex_unlock(&ses->lock);
	if (!owner)
		return;
	/* If it has left the kernel just now, it may have seen no debt. */
	if (atomic_load(&w->seq) != w->seen)
		settle(w);
	TAILQ_REMOVE(&w->srv->active, w, active);
	w->session = NULL;
}

/* Looks at every active worker; true if any has moved or is at work. */
static bool
scan(struct rumpserver *srv)
{
	struct worker *w, *next;
	unsigned seq;
	bool busy;

	busy = false;
	pthread_mutex_lock(&srv->active_lock);
	for (w = TAILQ_FIRST(&srv->active); w != NULL; w = next) {
		next = TAILQ_NEXT(w, active);
		seq = atomic_load(&w->seq);
		if (seq != w->seen || (seq & 1) != 0)
			busy = true;
		if (seq == w->seen && (seq & 1) != 0)
			relieve(w);
		else
			w->seen = seq;
	}
	pthread_mutex_unlock(&srv->active_lock);
	return busy;
}

/* timer_lock held: waits for ms milliseconds (-1: for ever) or a signal. */
static void
doze(struct rumpserver *srv, int ms)
{
	struct timespec ts;
	uint64_t us;

	if (ms < 0) {
		pthread_cond_wait(&srv->timer_cond, &srv->timer_lock);
		return;
	}
	us = now_us() + (uint64_t)ms * 1000;
	ts.tv_sec = (time_t)(us / 1000000);
	ts.tv_nsec = (long)(us % 1000000) * 1000;
	pthread_cond_timedwait(&srv->timer_cond, &srv->timer_lock, &ts);
}

static bool
scan_unlocked(struct rumpserver *srv)
{
	bool busy;

	pthread_mutex_unlock(&srv->timer_lock);
	busy = scan(srv);
	busy |= pool_tick(srv);
	busy |= endings_tick(srv);
	pthread_mutex_lock(&srv->timer_lock);
	return busy;
}

static void *
ticker(void *arg)
{
	struct rumpserver *srv = arg;
	int next, quiet;

	quiet = 0;
	pthread_mutex_lock(&srv->timer_lock);
	while (!srv->ticker_quit) {
		next = timers_run(srv);
		if (scan_unlocked(srv))
			quiet = 0;
		else if (quiet < TICK_QUIET)
			quiet++;
		if (quiet == TICK_QUIET) {
			atomic_store(&srv->ticker_asleep, true);
			if (scan_unlocked(srv)) {
				atomic_store(&srv->ticker_asleep, false);
				quiet = 0;
			}
			next = timers_run(srv);
			if (srv->ticker_quit)
				break;
		}
		if (atomic_load(&srv->ticker_asleep)) {
			doze(srv, next);
			if (!atomic_load(&srv->ticker_asleep))
				quiet = 0;
		} else {
			doze(srv, next >= 0 && next < TICK_MS ? next : TICK_MS);
		}
	}
	pthread_mutex_unlock(&srv->timer_lock);
	return NULL;
}

int
watchdog_start(struct rumpserver *srv)
{
	int error;

	error = pthread_create(&srv->ticker, NULL, ticker, srv);
	if (error != 0) {
		errno = error;
		return -1;
	}
	srv->ticker_on = true;
	return 0;
}

void
watchdog_stop(struct rumpserver *srv)
{

	if (!srv->ticker_on)
		return;
	pthread_mutex_lock(&srv->timer_lock);
	srv->ticker_quit = true;
	pthread_cond_signal(&srv->timer_cond);
	pthread_mutex_unlock(&srv->timer_lock);
	pthread_join(srv->ticker, NULL);
	srv->ticker_on = false;
}
