/*
 * Interval timers: timer_create and its family, setitimer and getitimer.
 *
 * All timers of a server share one thread, which is started with the first
 * timer that is set, sleeps until the earliest is due and raises the signal
 * in the client.  timerq.lock guards every timer, every process's set of them
 * (kproc.ext[KERN_SLOT_TIME]) and the heap.  It is held while a signal is
 * raised, so that the process cannot go away meanwhile; raising never blocks.
 *
 * As in a NetBSD rump kernel, timers of processor time keep what they are set
 * to but never run down: the time is the client's, and not seen here.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rump/rump_handlers.h>

#include "hostkern/kern.h"
#include "hostkern/kqueue.h"
#include "hostkern/ktime.h"
#include "hostkern/raise.h"

enum {
	TIMER_MIN = 4,		/* 0..3 are those of setitimer */
	TIMER_MAX = 36,
	OVERRUN_MAX = 32,	/* NetBSD's DELAYTIMER_MAX: most that getoverrun tells */
	UNARMED = -1,
	TURN = 256,		/* fired without a rest */
};

/* A timer: what it does, and when. */
struct ktimer {
	struct kproc *proc;
	rump_clockid_t clock;
	int signo;		/* 0: no notification */
	int missed;		/* periods since the last signal, without one */
	int overruns;		/* what it was when that was raised */
	int64_t deadline;	/* uptime; of processor time: what is left */
	int64_t interval;	/* 0: once */
	int heapidx;		/* place in the heap, UNARMED */
};

/* The timers of a process; setitimer's numbers are those of their clocks. */
struct ptimers {
	struct ktimer *t[TIMER_MAX];
};

struct timerq {
	pthread_mutex_t lock;
	pthread_cond_t cond;	/* the earliest deadline changed; stop */
	struct ktimer **heap;	/* armed ones; a heap by deadline */
	int n, room;
	bool running, stop;
	pthread_t thread;
};

/* --- the heap; q->lock held --- */

static void
place(struct timerq *q, int i, struct ktimer *t)
{

	q->heap[i] = t;
	t->heapidx = i;
}

static void
sift_up(struct timerq *q, int i)
{
	struct ktimer *t = q->heap[i];
	int up;

	for (; i > 0; i = up) {
		up = (i - 1) / 2;
		if (q->heap[up]->deadline <= t->deadline)
			break;
		place(q, i, q->heap[up]);
	}
	place(q, i, t);
}

static void
sift_down(struct timerq *q, int i)
{
	struct ktimer *t = q->heap[i];
	int down;

	for (; (down = 2 * i + 1) < q->n; i = down) {
		if (down + 1 < q->n &&
		    q->heap[down + 1]->deadline < q->heap[down]->deadline)
			down++;
		if (t->deadline <= q->heap[down]->deadline)
			break;
		place(q, i, q->heap[down]);
	}
	place(q, i, t);
}

static void
disarm(struct timerq *q, struct ktimer *t)
{
	struct ktimer *last;
	int i = t->heapidx;

	if (i == UNARMED)
		return;
	t->heapidx = UNARMED;
	last = q->heap[--q->n];
	if (last == t)
		return;
	place(q, i, last);
	sift_down(q, i);
	sift_up(q, last->heapidx);
}

/* Room for one more, so that arming cannot fail. */
static int
make_room(struct timerq *q)
{
	struct ktimer **heap;
	int room;

	if (q->n < q->room)
		return 0;
	room = q->room == 0 ? 16 : 2 * q->room;
	heap = reallocarray(q->heap, room, sizeof(*heap));
	if (heap == NULL)
		return RUMP_ENOMEM;
	q->heap = heap;
	q->room = room;
	return 0;
}

static void
arm(struct timerq *q, struct ktimer *t)
{

	place(q, q->n++, t);
	sift_up(q, t->heapidx);
	if (q->heap[0] == t)
		pthread_cond_signal(&q->cond);
}

/* --- the thread --- */

static void
miss(struct ktimer *t, int64_t n)
{

	if (n > OVERRUN_MAX - t->missed)
		n = OVERRUN_MAX - t->missed;
	t->missed += n;
}

static void
fire(struct timerq *q, struct ktimer *t, int64_t now)
{
	int64_t late;

	if (t->interval == 0) {
		disarm(q, t);
	} else {
		late = (now - t->deadline) / t->interval;
		miss(t, late);
		t->deadline = ktime_add(t->deadline,
		    (late + 1) * t->interval);
		sift_down(q, t->heapidx);
	}
	if (t->signo == 0)
		return;
	if (raise_signal(t->proc, t->signo)) {
		t->overruns = t->missed;
		t->missed = 0;
	} else
		miss(t, 1);
}

/*
 * What is due, TURN of them at most; returns when to go on.  After as many it
 * is as much later as they took: there may be more due at all times than the
 * thread can do, and others want the lock.
 */
static int64_t
fire_due(struct timerq *q)
{
	const int64_t began = ktime_uptime();
	int64_t now = began;
	int n;

	for (n = 0; q->n > 0 && q->heap[0]->deadline <= now; n++) {
		if (n == TURN)
			return now + (now - began);
		fire(q, q->heap[0], now);
		now = ktime_uptime();
	}
	return q->n > 0 ? q->heap[0]->deadline : INT64_MAX;
}

static void *
timerq_thread(void *arg)
{
	struct timerq *q = arg;
	struct timespec until;
	int64_t next;

	pthread_mutex_lock(&q->lock);
	while (!q->stop) {
		next = fire_due(q);
		until.tv_sec = next / KTIME_SEC;
		until.tv_nsec = next % KTIME_SEC;
		(void)pthread_cond_timedwait(&q->cond, &q->lock, &until);
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* q->lock held. */
static int
start_thread(struct timerq *q)
{

	if (!q->running)
		q->running = kern_thread(&q->thread, timerq_thread, q);
	return q->running ? 0 : RUMP_EAGAIN;
}

int
timerq_create(struct hostkern *hk, struct timerq **qp)
{
	pthread_condattr_t attr;
	struct timerq *q;

	(void)hk;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->cond, &attr);
	pthread_condattr_destroy(&attr);
	*qp = q;
	return 0;
}

void
timerq_destroy(struct timerq *q)
{
	bool running;

	pthread_mutex_lock(&q->lock);
	q->stop = true;
	running = q->running;
	pthread_cond_signal(&q->cond);
	pthread_mutex_unlock(&q->lock);
	if (running)
		pthread_join(q->thread, NULL);
	pthread_cond_destroy(&q->cond);
	pthread_mutex_destroy(&q->lock);
	free(q->heap);
	free(q);
}

/* --- a process's timers --- */

static bool
is_cputime(rump_clockid_t clock)
{

	return clock == RUMP_CLOCK_VIRTUAL || clock == RUMP_CLOCK_PROF;
}

static int
default_signal(rump_clockid_t clock)
{

	switch (clock) {
	case RUMP_CLOCK_VIRTUAL:
		return RUMP_SIGVTALRM;
	case RUMP_CLOCK_PROF:
		return RUMP_SIGPROF;
	default:
		return RUMP_SIGALRM;
	}
}

/* The process's set, made when there is none; NULL: no memory.  Lock held. */
static struct ptimers *
ptimers_get(struct kproc *p)
{

	if (p->ext[KERN_SLOT_TIME] == NULL)
		p->ext[KERN_SLOT_TIME] = calloc(1, sizeof(struct ptimers));
	return p->ext[KERN_SLOT_TIME];
}

/* The timer numbered id, NULL when there is none.  Lock held. */
static struct ktimer *
timer_find(struct kproc *p, int id)
{
	struct ptimers *pts = p->ext[KERN_SLOT_TIME];

	if (pts == NULL || id < 0 || id >= TIMER_MAX)
		return NULL;
	return pts->t[id];
}

static struct ktimer *
timer_posix(struct kproc *p, int id)
{

	return id < TIMER_MIN ? NULL : timer_find(p, id);
}

static int
timer_make(struct kproc *p, struct ptimers *pts, int id, rump_clockid_t clock,
    int signo)
{
	struct ktimer *t;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return RUMP_ENOMEM;
	t->proc = p;
	t->clock = clock;
	t->signo = signo;
	t->heapidx = UNARMED;
	pts->t[id] = t;
	return 0;
}

static void
timer_free(struct timerq *q, struct ptimers *pts, int id)
{

	if (pts->t[id] == NULL)
		return;
	disarm(q, pts->t[id]);
	free(pts->t[id]);
	pts->t[id] = NULL;
}

static void
timers_free(struct kproc *p, int first)
{
	struct timerq *q = ktime_timerq(p->hk);
	struct ptimers *pts;
	int i;

	pthread_mutex_lock(&q->lock);
	pts = p->ext[KERN_SLOT_TIME];
	if (pts != NULL) {
		for (i = first; i < TIMER_MAX; i++)
			timer_free(q, pts, i);
	}
	if (first == 0) {
		free(pts);
		p->ext[KERN_SLOT_TIME] = NULL;
	}
	pthread_mutex_unlock(&q->lock);
}

void
timers_exec(struct kproc *p)
{

	timers_free(p, TIMER_MIN);
}

void
timers_exit(struct kproc *p)
{

	timers_free(p, 0);
}

/* --- setting and getting; lock held --- */

/* A timer's setting: nanoseconds. */
struct setting {
	int64_t value, interval;
};

static void
timer_get(const struct ktimer *t, struct setting *s)
{

	s->interval = t->interval;
	if (is_cputime(t->clock)) {
		s->value = t->deadline;
		return;
	}
	s->value = 0;
	if (t->heapidx == UNARMED)
		return;
	s->value = t->deadline - ktime_uptime();
	if (s->value <= 0)
		s->value = 1;	/* due, but still set */
}

/* A set timer runs for a tick at least. */
static int64_t
atleast_tick(int64_t ns)
{

	return ns > 0 && ns < KTIME_TICK ? KTIME_TICK : ns;
}

/* s->value 0 stops the timer; absolute: it is a time on the timer's clock. */
static int
timer_set(struct timerq *q, struct ktimer *t, const struct setting *s,
    bool absolute)
{
	int64_t now, left = s->value;
	int error;

	if (is_cputime(t->clock)) {
		t->deadline = s->value;
		t->interval = s->interval;
		return 0;
	}
	if (left != 0) {
		error = start_thread(q);
		if (error == 0)
			error = make_room(q);
		if (error != 0)
			return error;
	}
	disarm(q, t);
	t->interval = atleast_tick(s->interval);
	t->missed = t->overruns = 0;
	if (left == 0)
		return 0;
	if (absolute) {
		(void)ktime_get(t->proc->hk, t->clock, &now);
		left = left <= now ? 0 : left - now;
	} else
		left = atleast_tick(left);
	t->deadline = ktime_add(ktime_uptime(), left);
	arm(q, t);
	return 0;
}

/* --- timer_create and its family --- */

/* What the timer raises: 0 and *signo (0: nothing), or EINVAL. */
static int
sigevent_signo(const struct rump_sigevent *ev, int *signo)
{

	if (ev->sigev_notify < RUMP_SIGEV_NONE ||
	    ev->sigev_notify > RUMP_SIGEV_SA)
		return RUMP_EINVAL;
	*signo = 0;
	if (ev->sigev_notify != RUMP_SIGEV_SIGNAL)
		return 0;
	if (ev->sigev_signo <= 0 || ev->sigev_signo >= RUMP_NSIG)
		return RUMP_EINVAL;
	*signo = ev->sigev_signo;
	return 0;
}

/* @partial sys_timer_create: a signal is delivered while a call is in progress or with the next one, without its sigev_value, for which the protocol has no room; timers of CLOCK_VIRTUAL and CLOCK_PROF never expire, the server does not see its clients' processor time */
int
sys_timer_create(struct lwp *l, const struct sys_timer_create_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct timerq *q = ktime_timerq(p->hk);
	struct rump_sigevent ev;
	struct ptimers *pts;
	int32_t id;
	int error, signo;

	(void)retval;
	if (uap->clock_id < RUMP_CLOCK_REALTIME ||
	    uap->clock_id > RUMP_CLOCK_MONOTONIC)
		return RUMP_EINVAL;
	signo = default_signal(uap->clock_id);
	if (uap->evp != 0) {
		error = rumpserver_copyin(l, uap->evp, &ev, sizeof(ev));
		if (error == 0)
			error = sigevent_signo(&ev, &signo);
		if (error != 0)
			return error;
	}
	pthread_mutex_lock(&q->lock);
	pts = ptimers_get(p);
	error = pts == NULL ? RUMP_ENOMEM : RUMP_EAGAIN;
	for (id = TIMER_MIN; pts != NULL && id < TIMER_MAX; id++) {
		if (pts->t[id] != NULL)
			continue;
		error = timer_make(p, pts, id, uap->clock_id, signo);
		break;
	}
	pthread_mutex_unlock(&q->lock);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &id, uap->timerid, sizeof(id));
}

int
sys_timer_delete(struct lwp *l, const struct sys_timer_delete_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct timerq *q = ktime_timerq(p->hk);
	int error = RUMP_EINVAL;

	(void)retval;
	pthread_mutex_lock(&q->lock);
	if (timer_posix(p, uap->timerid) != NULL) {
		timer_free(q, p->ext[KERN_SLOT_TIME], uap->timerid);
		error = 0;
	}
	pthread_mutex_unlock(&q->lock);
	return error;
}

static int
setting_fromspec(const struct rump_itimerspec *its, struct setting *s)
{
	int error;

	error = ktime_fromspec(&its->it_value, &s->value);
	if (error == 0)
		error = ktime_fromspec(&its->it_interval, &s->interval);
	if (error == 0 && (s->value < 0 || s->interval < 0))
		error = RUMP_EINVAL;
	return error;
}

static struct rump_itimerspec
setting_tospec(const struct setting *s)
{
	struct rump_itimerspec its = {
		.it_value = ktime_tospec(s->value),
		.it_interval = ktime_tospec(s->interval),
	};

	return its;
}

int
sys___timer_settime50(struct lwp *l,
    const struct sys___timer_settime50_args *uap, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct timerq *q = ktime_timerq(p->hk);
	struct rump_itimerspec its;
	struct setting new, old;
	struct ktimer *t;
	int error;

	(void)retval;
	error = rumpserver_copyin(l, uap->value, &its, sizeof(its));
	if (error == 0)
		error = setting_fromspec(&its, &new);
	if (error != 0)
		return error;
	pthread_mutex_lock(&q->lock);
	t = timer_posix(p, uap->timerid);
	if (t == NULL) {
		error = RUMP_EINVAL;
	} else {
		timer_get(t, &old);
		error = timer_set(q, t, &new,
		    (uap->flags & RUMP_TIMER_ABSTIME) != 0);
	}
	pthread_mutex_unlock(&q->lock);
	if (error != 0 || uap->ovalue == 0)
		return error;
	its = setting_tospec(&old);
	return rumpserver_copyout(l, &its, uap->ovalue, sizeof(its));
}

int
sys___timer_gettime50(struct lwp *l,
    const struct sys___timer_gettime50_args *uap, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct timerq *q = ktime_timerq(p->hk);
	struct rump_itimerspec its;
	struct setting s;
	struct ktimer *t;

	(void)retval;
	pthread_mutex_lock(&q->lock);
	t = timer_posix(p, uap->timerid);
	if (t != NULL)
		timer_get(t, &s);
	pthread_mutex_unlock(&q->lock);
	if (t == NULL)
		return RUMP_EINVAL;
	its = setting_tospec(&s);
	return rumpserver_copyout(l, &its, uap->value, sizeof(its));
}

int
sys_timer_getoverrun(struct lwp *l, const struct sys_timer_getoverrun_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct timerq *q = ktime_timerq(p->hk);
	struct ktimer *t;

	pthread_mutex_lock(&q->lock);
	t = timer_posix(p, uap->timerid);
	if (t != NULL)
		*retval = t->overruns;
	pthread_mutex_unlock(&q->lock);
	return t == NULL ? RUMP_EINVAL : 0;
}

/* --- setitimer, getitimer --- */

static int
setting_fromval(const struct rump_itimerval *itv, struct setting *s)
{
	int error;

	error = ktime_fromval(&itv->it_value, &s->value);
	if (error == 0)
		error = ktime_fromval(&itv->it_interval, &s->interval);
	if (error == 0 && (s->value < 0 || s->interval < 0))
		error = RUMP_EINVAL;
	return error;
}

static struct rump_itimerval
setting_toval(const struct setting *s)
{
	struct rump_itimerval itv = {
		.it_value = ktime_toval(s->value),
		.it_interval = ktime_toval(s->interval),
	};

	/* What is still set must not read as stopped. */
	if (s->value > 0 && itv.it_value.tv_sec == 0 &&
	    itv.it_value.tv_usec == 0)
		itv.it_value.tv_usec = 1;
	return itv;
}

static int
itimer_set(struct kproc *p, int which, const struct setting *new,
    struct setting *old)
{
	struct timerq *q = ktime_timerq(p->hk);
	struct ptimers *pts;
	struct ktimer *t;
	int error = 0;

	memset(old, 0, sizeof(*old));
	pthread_mutex_lock(&q->lock);
	t = timer_find(p, which);
	if (t != NULL)
		timer_get(t, old);
	if (new == NULL || (t == NULL && new->value == 0))
		goto out;
	if (t == NULL) {
		pts = ptimers_get(p);
		error = pts == NULL ? RUMP_ENOMEM :
		    timer_make(p, pts, which, which, default_signal(which));
		if (error != 0)
			goto out;
		t = pts->t[which];
	}
	error = timer_set(q, t, new, false);
out:
	pthread_mutex_unlock(&q->lock);
	return error;
}

static bool
is_itimer(int which)
{

	return which >= RUMP_ITIMER_REAL && which <= RUMP_ITIMER_MONOTONIC;
}

/* @partial sys___setitimer50: a signal is delivered while a call is in progress or with the next one; ITIMER_VIRTUAL and ITIMER_PROF never expire, the server does not see its clients' processor time */
int
sys___setitimer50(struct lwp *l, const struct sys___setitimer50_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct setting new, old;
	struct rump_itimerval itv;
	int error;

	(void)retval;
	if (!is_itimer(uap->which))
		return RUMP_EINVAL;
	if (uap->itv != 0) {
		error = rumpserver_copyin(l, uap->itv, &itv, sizeof(itv));
		if (error == 0)
			error = setting_fromval(&itv, &new);
		if (error != 0)
			return error;
	}
	error = itimer_set(p, uap->which, uap->itv != 0 ? &new : NULL, &old);
	if (error != 0 || uap->oitv == 0)
		return error;
	itv = setting_toval(&old);
	return rumpserver_copyout(l, &itv, uap->oitv, sizeof(itv));
}

int
sys___getitimer50(struct lwp *l, const struct sys___getitimer50_args *uap,
    register_t *retval)
{
	struct setting s;
	struct rump_itimerval itv;

	(void)retval;
	if (!is_itimer(uap->which))
		return RUMP_EINVAL;
	(void)itimer_set(kern_proc(l), uap->which, NULL, &s);
	itv = setting_toval(&s);
	return rumpserver_copyout(l, &itv, uap->itv, sizeof(itv));
}
