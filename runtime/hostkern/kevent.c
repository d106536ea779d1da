/*
 * kevent: changes to a queue, and the events that come out of it.
 */
#include <poll.h>
#include <stdlib.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/knote.h"
#include "hostkern/ktime.h"

enum {
	BATCH = 8,		/* changes fetched at once */
	EVENTS_MAX = 256,	/* events returned at once */
};

/* The call's arguments, the same for both forms of it. */
struct kevent_args {
	rump_uaddr_t changes, events;
	uint64_t nchanges, nevents;
	rump_uaddr_t timeout;
	bool old;		/* it is a timespec50 */
};

static int
ident_get(struct kproc *p, uintptr_t ident, struct file **fp)
{

	return ident > INT32_MAX ? RUMP_EBADF : fd_get(p, (int)ident, fp);
}

/* One change.  The file is let go without the lock: it may be a queue. */
static int
make_change(struct kqueue *kq, const struct rump_kevent *kev)
{
	const struct kqfilter *filter = kqfilter_find(kev->filter);
	struct file *f = NULL;
	int error;

	if (filter == NULL)
		return RUMP_EINVAL;
	if (filter->isfd) {
		error = ident_get(kq->p, kev->ident, &f);
		if (error != 0)
			return error;
	}
	error = kqueue_change(kq, kev, f);
	if (f != NULL)
		file_put(f);
	return error;
}

/*
 * Makes the changes.  One that fails becomes an event if there is room for
 * it, and ends the call if not; *nerrors counts those events.
 */
static int
make_changes(struct lwp *l, struct kqueue *kq, struct kevent_args *a,
    size_t *nerrors)
{
	struct rump_kevent kev[BATCH];
	size_t i, n;
	int error;

	*nerrors = 0;
	while (a->nchanges > 0) {
		if (rumpserver_interrupted(l))
			return RUMP_EINTR;
		n = a->nchanges < BATCH ? (size_t)a->nchanges : BATCH;
		error = rumpserver_copyin(l, a->changes, kev,
		    n * sizeof(kev[0]));
		if (error != 0)
			return error;
		for (i = 0; i < n; i++) {
			kev[i].rump_pad = 0;
			kev[i].flags &= ~RUMP_EV_SYSFLAGS;
			error = make_change(kq, &kev[i]);
			if (error == 0 &&
			    (kev[i].flags & RUMP_EV_RECEIPT) == 0)
				continue;
			if (a->nevents == 0)
				return error;
			kev[i].flags = RUMP_EV_ERROR;
			kev[i].data = error;
			error = rumpserver_copyout(l, &kev[i], a->events,
			    sizeof(kev[i]));
			if (error != 0)
				return error;
			a->events += sizeof(kev[i]);
			a->nevents--;
			++*nerrors;
		}
		a->changes += n * sizeof(kev[0]);
		a->nchanges -= n;
	}
	return 0;
}

/* Waits for events and hands them over; 0 of them when the time is over. */
static int
return_events(struct lwp *l, struct file *f, const struct kevent_args *a,
    int64_t deadline, size_t *got)
{
	struct kqueue *kq = f->data;
	size_t max = a->nevents < EVENTS_MAX ? (size_t)a->nevents : EVENTS_MAX;
	struct rump_kevent *events;
	int error = 0;

	events = rumpserver_alloc(l, max * sizeof(events[0]));
	if (events == NULL)
		return RUMP_ENOMEM;
	while ((*got = kqueue_scan(kq, events, max)) == 0) {
		if (deadline != INT64_MAX && ktime_uptime() >= deadline)
			break;
		error = file_sleep_until(l, f, POLLIN, deadline);
		if (error == RUMP_EWOULDBLOCK)
			error = 0;
		if (error != 0)
			break;
	}
	if (error == 0 && *got > 0)
		error = rumpserver_copyout(l, events, a->events,
		    *got * sizeof(events[0]));
	rumpserver_free(events);
	return error;
}

static int
copyin_timeout(struct lwp *l, const struct kevent_args *a,
    struct rump_timespec *ts)
{
	struct rump_timespec50 old;
	int error;

	if (a->timeout == 0)
		return 0;
	if (!a->old)
		return rumpserver_copyin(l, a->timeout, ts, sizeof(*ts));
	error = rumpserver_copyin(l, a->timeout, &old, sizeof(old));
	if (error == 0)
		*ts = (struct rump_timespec){ old.tv_sec, old.tv_nsec };
	return error;
}

/* INT64_MAX: for ever; 0: not at all. */
static int
limit(const struct kevent_args *a, const struct rump_timespec *ts,
    int64_t *deadline)
{
	int64_t ns;
	int error;

	*deadline = INT64_MAX;
	if (a->timeout == 0)
		return 0;
	error = ktime_fromspec(ts, &ns);
	if (error != 0 || ns < 0)
		return RUMP_EINVAL;
	*deadline = ns == 0 ? 0 : ktime_add(ktime_uptime(), ns);
	return 0;
}

/* A time limit that is none is noticed when it comes to waiting, the changes
 * made. */
static int
do_kevent(struct lwp *l, int fd, struct kevent_args *a, register_t *retval)
{
	struct rump_timespec ts;
	struct file *f;
	int64_t deadline;
	size_t n = 0;
	int error;

	error = fd_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_KQUEUE) {
		file_put(f);
		return RUMP_EBADF;
	}
	error = copyin_timeout(l, a, &ts);
	if (error == 0)
		error = make_changes(l, f->data, a, &n);
	if (error == 0 && n == 0 && a->nevents > 0) {
		error = limit(a, &ts, &deadline);
		if (error == 0)
			error = return_events(l, f, a, deadline, &n);
	}
	file_put(f);
	retval[0] = (register_t)n;
	return error;
}

/* @partial sys___kevent50: no EVFILT_AIO and EVFILT_FS; EVFILT_SIGNAL sees the signals that this kernel raises */
int
sys___kevent50(struct lwp *l, const struct sys___kevent50_args *uap,
    register_t *retval)
{
	struct kevent_args a = { .changes = uap->changelist,
	    .nchanges = uap->nchanges, .events = uap->eventlist,
	    .nevents = uap->nevents, .timeout = uap->timeout };

	return do_kevent(l, uap->fd, &a, retval);
}

/* @partial compat_50_sys_kevent: as kevent */
int
compat_50_sys_kevent(struct lwp *l,
    const struct compat_50_sys_kevent_args *uap, register_t *retval)
{
	struct kevent_args a = { .changes = uap->changelist,
	    .nchanges = uap->nchanges, .events = uap->eventlist,
	    .nevents = uap->nevents, .timeout = uap->timeout, .old = true };

	return do_kevent(l, uap->fd, &a, retval);
}
