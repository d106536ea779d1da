/*
 * Clocks and sleeping.
 */
#include <stdlib.h>
#include <time.h>

#include <rump/rump_handlers.h>

#include "hostkern/kern.h"
#include "hostkern/ktime.h"

/* adjtime changes the clock by at most this part of the time that passes:
 * 500 microseconds a second, as NetBSD does. */
#define SLEW_DIVISOR	2000

/* Per server.  The timer queue has a lock of its own. */
struct ktime {
	pthread_mutex_t lock;	/* guards the next three */
	int64_t step;		/* our CLOCK_REALTIME minus the host's */
	int64_t adj;		/* still to be added, by adjtime */
	int64_t adj_since;	/* uptime up to which adj is accounted for */
	struct timerq *timerq;
};

static struct ktime *
ktime_of(struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_TIME];
}

struct timerq *
ktime_timerq(struct hostkern *hk)
{

	return ktime_of(hk)->timerq;
}

static int
time_create(struct hostkern *hk)
{
	struct ktime *kt;
	int error;

	kt = calloc(1, sizeof(*kt));
	if (kt == NULL)
		return RUMP_ENOMEM;
	error = timerq_create(hk, &kt->timerq);
	if (error != 0) {
		free(kt);
		return error;
	}
	pthread_mutex_init(&kt->lock, NULL);
	hk->ext[KERN_SLOT_TIME] = kt;
	return 0;
}

static void
time_destroy(struct hostkern *hk)
{
	struct ktime *kt = ktime_of(hk);

	if (kt == NULL)
		return;
	timerq_destroy(kt->timerq);
	pthread_mutex_destroy(&kt->lock);
	free(kt);
	hk->ext[KERN_SLOT_TIME] = NULL;
}

/* A fork copies no timers; an exec keeps those of setitimer. */
const struct kern_module time_module = {
	.create = time_create,
	.destroy = time_destroy,
	.proc_exec = timers_exec,
	.proc_exit = timers_exit,
};

/* --- arithmetic --- */

static int64_t
hostclock(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * KTIME_SEC + ts.tv_nsec;
}

int64_t
ktime_uptime(void)
{

	return hostclock(CLOCK_MONOTONIC);
}

int64_t
ktime_add(int64_t a, int64_t b)
{

	return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static int
tons(int64_t sec, int64_t frac, int64_t unit, int64_t *ns)
{

	if (frac < 0 || frac >= KTIME_SEC / unit)
		return RUMP_EINVAL;
	if (sec >= INT64_MAX / KTIME_SEC)
		*ns = INT64_MAX;
	else if (sec <= INT64_MIN / KTIME_SEC)
		*ns = INT64_MIN;
	else
		*ns = sec * KTIME_SEC + frac * unit;
	return 0;
}

int
ktime_fromspec(const struct rump_timespec *ts, int64_t *ns)
{

	return tons(ts->tv_sec, ts->tv_nsec, 1, ns);
}

int
ktime_fromval(const struct rump_timeval *tv, int64_t *ns)
{

	return tons(tv->tv_sec, tv->tv_usec, 1000, ns);
}

struct rump_timespec
ktime_tospec(int64_t ns)
{
	struct rump_timespec ts;

	ts.tv_sec = ns / KTIME_SEC;
	ts.tv_nsec = ns % KTIME_SEC;
	if (ts.tv_nsec < 0) {
		ts.tv_sec--;
		ts.tv_nsec += KTIME_SEC;
	}
	return ts;
}

struct rump_timeval
ktime_toval(int64_t ns)
{
	struct rump_timespec ts = ktime_tospec(ns);
	struct rump_timeval tv = {
		.tv_sec = ts.tv_sec,
		.tv_usec = ts.tv_nsec / 1000,
	};

	return tv;
}

/* --- the server's clock --- */

/* Moves what adjtime has brought about since the last time from adj to step.
 * kt->lock held. */
static void
slew(struct ktime *kt)
{
	int64_t now, most, part;

	now = ktime_uptime();
	most = (now - kt->adj_since) / SLEW_DIVISOR;
	part = kt->adj;
	if (part > most)
		part = most;
	else if (part < -most)
		part = -most;
	kt->step += part;
	kt->adj -= part;
	kt->adj_since = now;
}

static int64_t
realtime(struct hostkern *hk)
{
	struct ktime *kt = ktime_of(hk);
	int64_t now;

	pthread_mutex_lock(&kt->lock);
	if (kt->adj != 0)
		slew(kt);
	now = hostclock(CLOCK_REALTIME) + kt->step;
	pthread_mutex_unlock(&kt->lock);
	return now;
}

int
ktime_get(struct hostkern *hk, rump_clockid_t id, int64_t *ns)
{

	switch (id) {
	case RUMP_CLOCK_REALTIME:
		*ns = realtime(hk);
		return 0;
	case RUMP_CLOCK_MONOTONIC:
		*ns = ktime_uptime();
		return 0;
	default:
		return RUMP_EINVAL;
	}
}

int64_t
ktime_boottime(struct hostkern *hk)
{

	return realtime(hk) - ktime_uptime();
}

static int
setrealtime(struct lwp *l, int64_t ns)
{
	struct kproc *p = kern_proc(l);
	struct ktime *kt = ktime_of(p->hk);
	int64_t host;
	int error;

	error = cred_suser(p);
	if (error != 0)
		return error;
	host = hostclock(CLOCK_REALTIME);
	/* A time before 1970, or one that sums could overflow. */
	if (ns < 0 || ns > INT64_MAX / 2)
		return RUMP_EINVAL;
	pthread_mutex_lock(&kt->lock);
	kt->step = ns - host;
	kt->adj = 0;
	pthread_mutex_unlock(&kt->lock);
	return 0;
}

/* @partial sys___clock_gettime50: CLOCK_REALTIME and CLOCK_MONOTONIC; a server does not see its clients' processor time */
int
sys___clock_gettime50(struct lwp *l,
    const struct sys___clock_gettime50_args *uap, register_t *retval)
{
	struct rump_timespec ts;
	int64_t now;
	int error;

	(void)retval;
	error = ktime_get(kern_proc(l)->hk, uap->clock_id, &now);
	if (error != 0)
		return error;
	ts = ktime_tospec(now);
	return rumpserver_copyout(l, &ts, uap->tp, sizeof(ts));
}

/* @partial sys___clock_settime50: sets the server's clock, not the host's */
int
sys___clock_settime50(struct lwp *l,
    const struct sys___clock_settime50_args *uap, register_t *retval)
{
	struct rump_timespec ts;
	int64_t ns;
	int error;

	(void)retval;
	error = rumpserver_copyin(l, uap->tp, &ts, sizeof(ts));
	if (error != 0)
		return error;
	if (uap->clock_id != RUMP_CLOCK_REALTIME)
		return RUMP_EINVAL;	/* read-only, or there is none */
	error = ktime_fromspec(&ts, &ns);
	if (error != 0)
		return error;
	return setrealtime(l, ns);
}

/* @partial sys___clock_getres50: CLOCK_REALTIME and CLOCK_MONOTONIC, as clock_gettime */
int
sys___clock_getres50(struct lwp *l,
    const struct sys___clock_getres50_args *uap, register_t *retval)
{
	struct rump_timespec ts = { .tv_sec = 0, .tv_nsec = 1 };

	(void)retval;
	if (uap->clock_id != RUMP_CLOCK_REALTIME &&
	    uap->clock_id != RUMP_CLOCK_MONOTONIC)
		return RUMP_EINVAL;
	if (uap->tp == 0)
		return 0;
	return rumpserver_copyout(l, &ts, uap->tp, sizeof(ts));
}

int
sys___gettimeofday50(struct lwp *l,
    const struct sys___gettimeofday50_args *uap, register_t *retval)
{
	static const struct rump_timezone utc;
	struct rump_timeval tv;
	int error;

	(void)retval;
	if (uap->tp != 0) {
		tv = ktime_toval(realtime(kern_proc(l)->hk));
		error = rumpserver_copyout(l, &tv, uap->tp, sizeof(tv));
		if (error != 0)
			return error;
	}
	if (uap->tzp != 0)
		return rumpserver_copyout(l, &utc, uap->tzp, sizeof(utc));
	return 0;
}

/* @partial sys___settimeofday50: sets the server's clock, not the host's */
int
sys___settimeofday50(struct lwp *l,
    const struct sys___settimeofday50_args *uap, register_t *retval)
{
	struct rump_timeval tv;
	int64_t ns;
	int error;

	(void)retval;
	if (uap->tv == 0)
		return 0;	/* a time zone alone: NetBSD keeps none */
	error = rumpserver_copyin(l, uap->tv, &tv, sizeof(tv));
	if (error != 0)
		return error;
	error = ktime_fromval(&tv, &ns);
	if (error != 0)
		return error;
	return setrealtime(l, ns);
}

/* adjtime's microseconds may be negative or more than a second; of seconds,
 * 30 years are as good as more. */
static int64_t
deltans(const struct rump_timeval *tv)
{
	int64_t sec = tv->tv_sec;

	if (sec > KTIME_SEC)
		sec = KTIME_SEC;
	else if (sec < -KTIME_SEC)
		sec = -KTIME_SEC;
	return sec * KTIME_SEC + INT64_C(1000) * tv->tv_usec;
}

/* @partial sys___adjtime50: slews the server's clock, not the host's */
int
sys___adjtime50(struct lwp *l, const struct sys___adjtime50_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct ktime *kt = ktime_of(p->hk);
	struct rump_timeval delta, olddelta;
	int64_t old;
	int error;

	(void)retval;
	error = cred_suser(p);
	if (error != 0)
		return error;
	if (uap->delta != 0) {
		error = rumpserver_copyin(l, uap->delta, &delta,
		    sizeof(delta));
		if (error != 0)
			return error;
	}
	pthread_mutex_lock(&kt->lock);
	slew(kt);
	old = kt->adj;
	if (uap->delta != 0)
		kt->adj = deltans(&delta);
	pthread_mutex_unlock(&kt->lock);
	if (uap->olddelta == 0)
		return 0;
	olddelta = ktime_toval(old);
	return rumpserver_copyout(l, &olddelta, uap->olddelta,
	    sizeof(olddelta));
}

/* --- sleeping --- */

/* The server's wait may end up to a millisecond early. */
static struct timespec
time_left(int64_t deadline)
{
	int64_t left = deadline - ktime_uptime();

	if (left < 0)
		left = 0;
	return (struct timespec){ .tv_sec = left / KTIME_SEC,
	    .tv_nsec = left % KTIME_SEC };
}

int
ktime_wait(struct lwp *l, struct pollfd *fds, nfds_t nfds, int64_t deadline)
{
	struct timespec ts;
	int error;

	do {
		ts = time_left(deadline);
		error = rumpserver_wait(l, fds, nfds, &ts);
	} while (error == RUMP_EWOULDBLOCK && ktime_uptime() < deadline);
	return error;
}

int
ktime_sleep(struct lwp *l, struct pollfd *fds, nfds_t nfds, int64_t deadline)
{
	struct timespec ts;
	int error;

	if (deadline == INT64_MAX)
		return rumpserver_sleep(l, fds, nfds, NULL);
	do {
		ts = time_left(deadline);
		error = rumpserver_sleep(l, fds, nfds, &ts);
	} while (error == RUMP_EWOULDBLOCK && ktime_uptime() < deadline);
	return error;
}

/*
 * Sleeps for *rqt, or until then on that clock, and leaves in *left what
 * remained of it.
 */
static int
sleepfor(struct lwp *l, rump_clockid_t id, bool absolute,
    const struct rump_timespec *rqt, int64_t *left)
{
	int64_t ns, now, deadline;
	int error;

	*left = 0;
	error = ktime_get(kern_proc(l)->hk, id, &now);
	if (error == 0)
		error = ktime_fromspec(rqt, &ns);
	if (error != 0)
		return error;
	if (absolute)
		ns = ns <= now ? 0 : ns - now;
	if (ns <= 0)
		return 0;	/* NetBSD takes the past as now, no error */
	deadline = ktime_add(ktime_uptime(), ns);
	error = ktime_wait(l, NULL, 0, deadline);
	if (error == RUMP_EWOULDBLOCK)
		error = 0;
	*left = deadline - ktime_uptime();
	if (*left < 0)
		*left = 0;
	return error;
}

int
sys___nanosleep50(struct lwp *l, const struct sys___nanosleep50_args *uap,
    register_t *retval)
{
	struct rump_timespec rqt, rmt;
	int64_t left;
	int error, error1;

	(void)retval;
	error = rumpserver_copyin(l, uap->rqtp, &rqt, sizeof(rqt));
	if (error != 0)
		return error;
	error = sleepfor(l, RUMP_CLOCK_MONOTONIC, false, &rqt, &left);
	if (uap->rmtp == 0 || (error != 0 && error != RUMP_EINTR))
		return error;
	rmt = ktime_tospec(left);
	error1 = rumpserver_copyout(l, &rmt, uap->rmtp, sizeof(rmt));
	return error1 != 0 ? error1 : error;
}

/* The result of this one is the errno itself. */
int
sys_clock_nanosleep(struct lwp *l, const struct sys_clock_nanosleep_args *uap,
    register_t *retval)
{
	bool absolute = (uap->flags & RUMP_TIMER_ABSTIME) != 0;
	struct rump_timespec rqt, rmt;
	int64_t left;
	int error, error1;

	error = rumpserver_copyin(l, uap->rqtp, &rqt, sizeof(rqt));
	if (error != 0)
		goto out;
	error = sleepfor(l, uap->clock_id, absolute, &rqt, &left);
	if (uap->rmtp == 0 || absolute || (error != 0 && error != RUMP_EINTR))
		goto out;
	rmt = ktime_tospec(left);
	error1 = rumpserver_copyout(l, &rmt, uap->rmtp, sizeof(rmt));
	if (error1 != 0)
		error = error1;
out:
	*retval = error;
	return 0;
}
