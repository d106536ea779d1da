/*
 * Sleeping in a call, with the server's knowledge.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "server/server.h"

/* Descriptors of one wait that need no allocation. */
enum { FEW_FDS = 16 };

static struct timespec
to_timespec(uint64_t us)
{

	return (struct timespec){ .tv_sec = (time_t)(us / 1000000),
	    .tv_nsec = (long)(us % 1000000) * 1000 };
}

/* When a timeout ends, by now_us(); UINT64_MAX: never. */
static uint64_t
end_of(const struct timespec *timeout)
{

	if (timeout == NULL || timeout->tv_sec > INT32_MAX)
		return UINT64_MAX;
	return now_us() + (uint64_t)timeout->tv_sec * 1000000 +
	    ((uint64_t)timeout->tv_nsec + 999) / 1000;
}

static uint64_t
until_ms(uint64_t end)
{
	uint64_t now = now_us();

	return end > now ? (end - now + 999) / 1000 : 0;
}

/* Notes how l sleeps; false when it is interrupted already. */
static bool
fall_asleep(struct lwp *l, bool polls)
{
	bool ok;

	pthread_mutex_lock(&l->session->lock);
	ok = !atomic_load(&l->interrupted);
	if (ok) {
		l->sleep = LWP_WAIT;
		l->polls = polls;
	}
	pthread_mutex_unlock(&l->session->lock);
	return ok;
}

static void
awaken(struct lwp *l)
{

	pthread_mutex_lock(&l->session->lock);
	l->sleep = LWP_AWAKE;
	l->polls = false;
	pthread_mutex_unlock(&l->session->lock);
}

/* In rumpserver_sleep(): a wake-up has come, and is used up. */
static bool
take_wakeup(struct lwp *l)
{

	return l->wakeable && atomic_exchange(&l->woken, false);
}

/* Without descriptors: for the time, an interrupt or a wake-up. */
static int
wait_time(struct lwp *l, uint64_t end)
{
	struct session *ses = l->session;
	struct timespec until = to_timespec(end);
	bool woken;
	int rc;

	rc = 0;
	woken = false;
	pthread_mutex_lock(&ses->lock);
	l->sleep = LWP_WAIT;
	while (rc != ETIMEDOUT && !atomic_load(&l->interrupted) &&
	    !(woken = take_wakeup(l))) {
		if (end == UINT64_MAX)
			pthread_cond_wait(&l->wake, &ses->lock);
		else
			rc = pthread_cond_timedwait(&l->wake, &ses->lock,
			    &until);
	}
	l->sleep = LWP_AWAKE;
	pthread_mutex_unlock(&ses->lock);
	if (woken)
		return 0;
	return atomic_load(&l->interrupted) ? RUMP_EINTR : RUMP_EWOULDBLOCK;
}

/* Until one of them is ready, the time over, or a wake-up has come. */
static int
poll_until(struct lwp *l, struct pollfd *fds, nfds_t nfds, uint64_t end)
{
	struct timespec left;
	uint64_t now;
	int n;

	for (;;) {
		if (take_wakeup(l))
			return 0;
		now = now_us();
		left = to_timespec(end > now ? end - now : 0);
		n = ppoll(fds, nfds, end == UINT64_MAX ? NULL : &left,
		    &l->worker->mask);
		if (atomic_load(&l->interrupted))
			return RUMP_EINTR;
		if (n > 0)
			return 0;
		if (n == 0)
			return RUMP_EWOULDBLOCK;
		/* Woken for an earlier wait, perhaps. */
		if (errno != EINTR)
			return errno == ENOMEM ? RUMP_ENOMEM : RUMP_EINVAL;
	}
}

static int
wait_fds(struct lwp *l, struct pollfd *fds, nfds_t nfds, uint64_t end)
{
	int error;

	if (!fall_asleep(l, true))
		return RUMP_EINTR;
	error = poll_until(l, fds, nfds, end);
	awaken(l);
	return error;
}

/* --- in the caller's loop --- */

static bool
arm_all(struct rumpserver *srv, struct fdwait *v, nfds_t n)
{
	nfds_t i;

	for (i = 0; i < n; i++)
		if (!fdwait_arm(srv, &v[i]))
			return false;
	return true;
}

/* v[n]: those of fds that name a descriptor. */
static int
yield_until(struct lwp *l, struct pollfd *fds, nfds_t nfds, struct fdwait *v,
    nfds_t n)
{
	struct rumpserver *srv = l->session->srv;

	for (;;) {
		if (!arm_all(srv, v, n))
			return RUMP_EINVAL;
		fiber_yield(l->fiber);
		if (atomic_load(&l->interrupted))
			return RUMP_EINTR;
		if (take_wakeup(l))
			return 0;
		if (nfds > 0 && poll(fds, nfds, 0) > 0)
			return 0;
		if (atomic_load(&l->timed_out))
			return RUMP_EWOULDBLOCK;
	}
}

static int
sleep_watching(struct lwp *l, struct pollfd *fds, nfds_t nfds,
    struct fdwait *v)
{
	struct rumpserver *srv = l->session->srv;
	nfds_t i, n;
	int error;

	n = 0;
	error = 0;
	for (i = 0; i < nfds && error == 0; i++) {
		if (fds[i].fd < 0)
			continue;
		v[n] = (struct fdwait){ .fiber = l->fiber, .fd = fds[i].fd,
		    .events = fds[i].events };
		if (fdwait_begin(srv, &v[n]))
			n++;
		else
			error = RUMP_ENOMEM;
	}
	if (error == 0)
		error = yield_until(l, fds, nfds, v, n);
	while (n > 0)
		fdwait_end(srv, &v[--n]);
	return error;
}

static int
wait_fiber(struct lwp *l, struct pollfd *fds, nfds_t nfds, uint64_t end)
{
	struct rumpserver *srv = l->session->srv;
	struct fdwait few[FEW_FDS], *v;
	int error;

	v = few;
	if (nfds > FEW_FDS)
		v = malloc(nfds * sizeof(*v));
	if (v == NULL)
		return RUMP_ENOMEM;
	atomic_store(&l->timed_out, false);
	if (end != UINT64_MAX)
		timer_set(srv, &l->timer, until_ms(end));
	error = RUMP_EINTR;
	if (fall_asleep(l, false)) {
		error = sleep_watching(l, fds, nfds, v);
		awaken(l);
	}
	timer_cancel(srv, &l->timer);
	if (v != few)
		free(v);
	return error;
}

int
rumpserver_wait(struct lwp *l, struct pollfd *fds, nfds_t nfds,
    const struct timespec *timeout)
{
	uint64_t end;
	int error;

	if (nfds > 65536 || (timeout != NULL && (timeout->tv_sec < 0 ||
	    timeout->tv_nsec < 0 || timeout->tv_nsec > 999999999)))
		return RUMP_EINVAL;
	if (atomic_load(&l->interrupted))
		return RUMP_EINTR;
	/* No one else need be troubled for what is there already. */
	if (take_wakeup(l) || (nfds > 0 && poll(fds, nfds, 0) > 0))
		return 0;
	end = end_of(timeout);
	if (end <= now_us())
		return RUMP_EWOULDBLOCK;
	if (l->fiber != NULL)
		return wait_fiber(l, fds, nfds, end);
	/* Many may sleep with nothing to send yet. */
	if (l->out.len == 0 && l->reserved == 0)
		buf_reset(&l->out, BUF_FREE);
	if (!pool_sleep(l))
		return RUMP_ENOMEM;
	session_give(l->session, l->worker);
	error = nfds == 0 ? wait_time(l, end) : wait_fds(l, fds, nfds, end);
	pool_awake(l);
	return error;
}

int
rumpserver_sleep(struct lwp *l, struct pollfd *fds, nfds_t nfds,
    const struct timespec *timeout)
{
	int error;

	l->wakeable = true;
	error = rumpserver_wait(l, fds, nfds, timeout);
	l->wakeable = false;
	return error;
}

void
rumpserver_wake(struct lwp *l)
{
	struct session *ses = l->session;

	pthread_mutex_lock(&ses->lock);
	atomic_store(&l->woken, true);
	if (l->sleep == LWP_WAIT && l->wakeable)
		lwp_wake(l);
	pthread_mutex_unlock(&ses->lock);
}

void
rumpserver_block(struct lwp *l)
{

	/* One thread too many: the client's other calls wait for this one. */
	if (l->fiber != NULL || l->blocks || !pool_sleep(l))
		return;
	l->blocks = true;
	session_give(l->session, l->worker);
}

void
rumpserver_unblock(struct lwp *l)
{

	/* The input stays where it is; the worker finds out later. */
	if (!l->blocks)
		return;
	l->blocks = false;
	pool_awake(l);
}
