/*
 * Waiting for descriptors: poll and select in all their forms.
 *
 * A guest's descriptors become the host's in one array, which is polled
 * once without waiting and, if nothing is ready, again after each wait.  A
 * socket without a connection is not waited for with the host but watched
 * (sock_watch()).
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/kern.h"
#include "hostkern/ktime.h"
#include "hostkern/sock.h"

enum { SETS = 3 };		/* select's: readable, writable, exceptional */

/* One descriptor waited for. */
struct watch {
	struct file *file;	/* NULL: a bad or no descriptor */
	int16_t now;		/* RUMP_POLL*: so without asking the host */
	bool unready;		/* whatever the host says: not to be asked in
				 * a wait */
	bool watched;		/* by the waiter */
	struct sock_waiter waiter;
};

struct watching {
	struct rumpserver_account *account;	/* pays for the arrays */
	struct lwp *l;
	struct watch *w;
	struct pollfd *pfds;	/* the same, for the host */
	unsigned n;
	bool unready;		/* some are */
};

static size_t
watching_bytes(const struct watching *g)
{

	return (g->n + 1) * (sizeof(g->w[0]) + sizeof(g->pfds[0]));
}

static void
watching_free(struct watching *g)
{
	unsigned i;

	for (i = 0; g->w != NULL && i < g->n; i++) {
		if (g->w[i].watched)
			sock_unwatch(g->w[i].file, &g->w[i].waiter);
		file_put(g->w[i].file);
	}
	free(g->w);
	free(g->pfds);
	rumpserver_refund(g->account, RUMPSERVER_BYTES, watching_bytes(g));
}

static int
watching_alloc(struct watching *g, struct lwp *l, unsigned n)
{

	*g = (struct watching){ .account = kern_proc(l)->account, .l = l,
	    .n = n };
	if (!rumpserver_charge(g->account, RUMPSERVER_BYTES,
	    watching_bytes(g)))
		return RUMP_ENOMEM;
	g->w = calloc(n + 1, sizeof(g->w[0]));
	g->pfds = calloc(n + 1, sizeof(g->pfds[0]));
	if (g->w != NULL && g->pfds != NULL)
		return 0;
	watching_free(g);
	return RUMP_ENOMEM;
}

/* Urgent data is POLLPRI with the host, POLLRDBAND with NetBSD. */
static short
host_events(int16_t events)
{
	short host = rump_conv_pollevents_to_host(events);

	if ((events & RUMP_POLLRDBAND) != 0)
		host |= POLLPRI;
	return host;
}

static int16_t
guest_events(short host, int16_t events)
{
	int16_t nb = rump_conv_pollevents_from_host(host);

	if ((host & POLLPRI) != 0)
		nb |= RUMP_POLLRDBAND;
	return nb & (events | RUMP_POLLERR | RUMP_POLLHUP | RUMP_POLLNVAL);
}

/* Descriptor fd in place i; EBADF, and it is POLLNVAL then. */
static int
watch_fd(struct kproc *p, struct watching *g, unsigned i, int fd,
    int16_t events)
{
	struct watch *w = &g->w[i];
	int error;

	g->pfds[i].fd = -1;
	error = fd_get(p, fd, &w->file);	/* which is NULL if it fails */
	if (error != 0) {
		w->now = RUMP_POLLNVAL;
		return error;
	}
	if (w->file->hfd == -1) {
		/* A console that is not there: a write goes nowhere. */
		w->now = events & (RUMP_POLLIN | RUMP_POLLRDNORM |
		    RUMP_POLLOUT);
		return 0;
	}
	g->pfds[i].fd = w->file->hfd;
	g->pfds[i].events = host_events(events);
	return 0;
}

/*
 * A socket is hung up in the host's eyes when it has no connection yet, in which
 * NetBSD sees nothing, and when its peer is gone, which NetBSD calls readable
 * (and that goes for it without saying, so POLLHUP is not said).
 */
static void
judge_hung_up(struct pollfd *pfd)
{
	struct pollfd in = { .fd = pfd->fd, .events = POLLIN };

	pfd->revents &= ~POLLHUP;
	if (poll(&in, 1, 0) == 1 && (in.revents & (POLLIN | POLLERR)) == 0)
		pfd->revents = 0;
}

/* Hung up: is it a socket without a connection?  *news: watched only from now
 * on, so it may have got one a moment ago. */
static void
judge(struct watching *g, unsigned i, bool *news)
{
	struct watch *w = &g->w[i];

	judge_hung_up(&g->pfds[i]);
	if (g->pfds[i].revents != 0)
		return;
	g->pfds[i].fd = -1;
	g->unready = w->unready = true;
	if (w->watched)
		return;
	sock_watch(w->file, &w->waiter, g->l);
	*news = w->watched = true;
}

static bool
ask_once(struct watching *g, bool *news)
{
	unsigned i, ready = 0;

	*news = false;
	for (i = 0; g->unready && i < g->n; i++) {
		if (g->w[i].unready)
			g->pfds[i].fd = g->w[i].file->hfd;
		g->w[i].unready = false;
	}
	g->unready = false;
	if (poll(g->pfds, g->n, 0) <= 0)
		return false;
	for (i = 0; i < g->n; i++) {
		if ((g->pfds[i].revents & POLLHUP) != 0 &&
		    g->w[i].file->type == FILE_SOCKET)
			judge(g, i, news);
		ready += g->pfds[i].revents != 0;
	}
	return ready > 0;
}

static bool
ask_host(struct watching *g)
{
	bool news, ready;

	do
		ready = ask_once(g, &news);
	while (news && !ready);
	return ready;
}

static bool
any_ready(struct watching *g)
{
	bool ready = false;
	unsigned i;

	for (i = 0; i < g->n && !ready; i++)
		ready = g->w[i].now != 0;
	return ask_host(g) || ready;
}

/* 0 also when the time is over; EINTR.  deadline INT64_MAX: for ever. */
static int
watching_wait(struct watching *g, int64_t deadline)
{
	int error;

	while (!any_ready(g)) {
		error = ktime_sleep(g->l, g->pfds, g->n, deadline);
		if (error == RUMP_EWOULDBLOCK) {
			(void)any_ready(g);
			return 0;
		}
		if (error != 0)
			return error;
	}
	return 0;
}

/* --- time limits --- */

static int64_t
deadline_in(int64_t ns)
{

	return ns <= 0 ? 0 : ktime_add(ktime_uptime(), ns);
}

/* The client's timespec, timespec50, timeval or timeval50; 0: for ever. */
enum limit_kind { SPEC, SPEC50, VAL, VAL50 };

static int
copyin_limit(struct lwp *l, rump_uaddr_t uaddr, enum limit_kind kind,
    int64_t *ns)
{
	union {
		struct rump_timespec ts;
		struct rump_timespec50 ts50;
		struct rump_timeval tv;
		struct rump_timeval50 tv50;
	} u;
	struct rump_timespec ts;
	struct rump_timeval tv;
	int error;

	/* All are of the same size. */
	error = rumpserver_copyin(l, uaddr, &u, sizeof(u));
	if (error != 0)
		return error;
	switch (kind) {
	case SPEC:
		return ktime_fromspec(&u.ts, ns);
	case SPEC50:
		ts = (struct rump_timespec){ u.ts50.tv_sec, u.ts50.tv_nsec };
		return ktime_fromspec(&ts, ns);
	case VAL:
		return ktime_fromval(&u.tv, ns);
	case VAL50:
		if (u.tv50.tv_usec < 0 || u.tv50.tv_usec >= 1000000)
			return RUMP_EINVAL;
		tv = (struct rump_timeval){ .tv_sec = u.tv50.tv_sec,
		    .tv_usec = (int32_t)u.tv50.tv_usec };
		return ktime_fromval(&tv, ns);
	}
	return RUMP_EINVAL;
}

static int
get_deadline(struct lwp *l, rump_uaddr_t uaddr, enum limit_kind kind,
    int64_t *deadline)
{
	int64_t ns;
	int error;

	*deadline = INT64_MAX;
	if (uaddr == 0)
		return 0;
	error = copyin_limit(l, uaddr, kind, &ns);
	if (error != 0)
		return error;
	if (ns < 0)
		return RUMP_EINVAL;
	*deadline = deadline_in(ns);
	return 0;
}

/* Signals are the client's: a mask is fetched, for its EFAULT, and unused. */
static int
check_mask(struct lwp *l, rump_uaddr_t umask)
{
	struct rump_sigset mask;

	if (umask == 0)
		return 0;
	return rumpserver_copyin(l, umask, &mask, sizeof(mask));
}

/* --- poll --- */

static void
poll_results(struct watching *g, struct rump_pollfd *fds, int *n)
{
	unsigned i;

	*n = 0;
	for (i = 0; i < g->n; i++) {
		fds[i].revents = g->w[i].now;
		if (g->pfds[i].fd != -1)
			fds[i].revents = guest_events(g->pfds[i].revents,
			    fds[i].events);
		if (fds[i].revents != 0)
			++*n;
	}
}

static int
poll_fds(struct lwp *l, struct rump_pollfd *fds, unsigned nfds,
    int64_t deadline, int *n)
{
	struct kproc *p = kern_proc(l);
	struct watching g;
	unsigned i;
	int error;

	error = watching_alloc(&g, l, nfds);
	if (error != 0)
		return error;
	for (i = 0; i < nfds; i++) {
		if (fds[i].fd >= 0)
			(void)watch_fd(p, &g, i, fds[i].fd, fds[i].events);
		else
			g.pfds[i].fd = -1;
	}
	error = watching_wait(&g, deadline);
	if (error == 0)
		poll_results(&g, fds, n);
	watching_free(&g);
	return error;
}

static int
do_poll(struct lwp *l, rump_uaddr_t ufds, uint32_t nfds, int64_t deadline,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	const size_t bytes = nfds * sizeof(struct rump_pollfd);
	struct rump_pollfd *fds;
	int error = RUMP_ENOMEM, n = 0;

	if (nfds > 1000 + proc_rlimit(p, RUMP_RLIMIT_NOFILE))
		return RUMP_EINVAL;
	if (!rumpserver_charge(p->account, RUMPSERVER_BYTES, bytes))
		return RUMP_ENOMEM;
	fds = malloc(bytes + 1);
	if (fds != NULL)
		error = rumpserver_copyin(l, ufds, fds, bytes);
	if (error == 0)
		error = poll_fds(l, fds, nfds, deadline, &n);
	if (error == 0)
		error = rumpserver_copyout(l, fds, ufds, bytes);
	free(fds);
	rumpserver_refund(p->account, RUMPSERVER_BYTES, bytes);
	retval[0] = n;
	return error;
}

int
sys_poll(struct lwp *l, const struct sys_poll_args *uap, register_t *retval)
{
	int64_t deadline = INT64_MAX;

	if (uap->timeout != RUMP_INFTIM) {
		if (uap->timeout < 0)
			return RUMP_EINVAL;
		deadline = deadline_in(uap->timeout * INT64_C(1000000));
	}
	return do_poll(l, uap->fds, uap->nfds, deadline, retval);
}

static int
do_pollts(struct lwp *l, rump_uaddr_t fds, uint32_t nfds, rump_uaddr_t ts,
    enum limit_kind kind, rump_uaddr_t mask, register_t *retval)
{
	int64_t deadline;
	int error;

	error = get_deadline(l, ts, kind, &deadline);
	if (error == 0)
		error = check_mask(l, mask);
	if (error != 0)
		return error;
	return do_poll(l, fds, nfds, deadline, retval);
}

/* @partial sys___pollts50: signals are the client's, so its mask has no effect here */
int
sys___pollts50(struct lwp *l, const struct sys___pollts50_args *uap,
    register_t *retval)
{

	return do_pollts(l, uap->fds, uap->nfds, uap->ts, SPEC, uap->mask,
	    retval);
}

/* @partial compat_50_sys_pollts: as pollts */
int
compat_50_sys_pollts(struct lwp *l,
    const struct compat_50_sys_pollts_args *uap, register_t *retval)
{

	return do_pollts(l, uap->fds, uap->nfds, uap->ts, SPEC50, uap->mask,
	    retval);
}

/* --- select --- */

/* What a bit in each of the sets asks for, and what answers it. */
static const struct {
	int16_t ask, answer;
} set_events[SETS] = {
	{ RUMP_POLLRDNORM | RUMP_POLLIN,
	    RUMP_POLLRDNORM | RUMP_POLLIN | RUMP_POLLHUP | RUMP_POLLERR },
	{ RUMP_POLLOUT, RUMP_POLLOUT | RUMP_POLLERR },
	{ RUMP_POLLRDBAND | RUMP_POLLPRI, RUMP_POLLRDBAND | RUMP_POLLPRI },
};

struct selecting {
	int nd;
	size_t bytes;		/* of one set */
	rump_uaddr_t uset[SETS];
	uint32_t *set[SETS];	/* NULL: the client has none */
};

static bool
wanted(const struct selecting *s, int set, int fd)
{

	return s->set[set] != NULL &&
	    (s->set[set][fd / 32] >> fd % 32 & 1) != 0;
}

static void
selecting_free(struct selecting *s)
{
	int i;

	for (i = 0; i < SETS; i++)
		free(s->set[i]);
}

static int
selecting_get(struct lwp *l, struct selecting *s)
{
	int error = 0, i;

	for (i = 0; error == 0 && i < SETS; i++) {
		if (s->uset[i] == 0)
			continue;
		s->set[i] = calloc(1, s->bytes + 1);
		if (s->set[i] == NULL)
			error = RUMP_ENOMEM;
		else
			error = rumpserver_copyin(l, s->uset[i], s->set[i],
			    s->bytes);
	}
	if (error != 0)
		selecting_free(s);
	return error;
}

static int
watch_sets(struct kproc *p, struct selecting *s, struct watching *g)
{
	int16_t events;
	int error = 0, fd, i;

	for (fd = 0; error == 0 && fd < s->nd; fd++) {
		events = 0;
		for (i = 0; i < SETS; i++) {
			if (wanted(s, i, fd))
				events |= set_events[i].ask;
		}
		if (events != 0)
			error = watch_fd(p, g, (unsigned)fd, fd, events);
		else
			g->pfds[fd].fd = -1;
	}
	return error;
}

/* Leaves the bits of what is ready, and counts them. */
static int
select_results(struct selecting *s, const struct watching *g)
{
	int16_t revents;
	int fd, i, n = 0;

	for (fd = 0; fd < s->nd; fd++) {
		revents = g->w[fd].now;
		if (g->pfds[fd].fd != -1)
			revents = guest_events(g->pfds[fd].revents,
			    INT16_MAX);
		for (i = 0; i < SETS; i++) {
			if (!wanted(s, i, fd))
				continue;
			if ((revents & set_events[i].answer) != 0)
				n++;
			else
				s->set[i][fd / 32] &=
				    ~(UINT32_C(1) << fd % 32);
		}
	}
	return n;
}

static int
select_sets(struct lwp *l, struct selecting *s, int64_t deadline, int *n)
{
	struct watching g;
	int error, i;

	error = watching_alloc(&g, l, (unsigned)s->nd);
	if (error != 0)
		return error;
	error = watch_sets(kern_proc(l), s, &g);
	if (error == 0)
		error = watching_wait(&g, deadline);
	if (error == 0)
		*n = select_results(s, &g);
	watching_free(&g);
	for (i = 0; error == 0 && i < SETS; i++) {
		if (s->set[i] != NULL)
			error = rumpserver_copyout(l, s->set[i], s->uset[i],
			    s->bytes);
	}
	return error;
}

static int
do_select(struct lwp *l, int nd, rump_uaddr_t in, rump_uaddr_t ou,
    rump_uaddr_t ex, rump_uaddr_t limit, enum limit_kind kind,
    register_t *retval)
{
	struct selecting s = { .nd = nd, .uset = { in, ou, ex } };
	int64_t deadline;
	int error, n = 0;

	error = get_deadline(l, limit, kind, &deadline);
	if (error != 0)
		return error;
	if (nd < 0)
		return RUMP_EINVAL;
	/* No process has descriptors beyond that. */
	if (s.nd > KERN_NOFILE_MAX)
		s.nd = KERN_NOFILE_MAX;
	s.bytes = ((size_t)s.nd + 31) / 32 * sizeof(uint32_t);
	error = selecting_get(l, &s);
	if (error != 0)
		return error;
	error = select_sets(l, &s, deadline, &n);
	selecting_free(&s);
	retval[0] = n;
	return error;
}

int
sys___select50(struct lwp *l, const struct sys___select50_args *uap,
    register_t *retval)
{

	return do_select(l, uap->nd, uap->in, uap->ou, uap->ex, uap->tv, VAL,
	    retval);
}

int
compat_50_sys_select(struct lwp *l,
    const struct compat_50_sys_select_args *uap, register_t *retval)
{

	return do_select(l, uap->nd, uap->in, uap->ou, uap->ex, uap->tv,
	    VAL50, retval);
}

/* @partial sys___pselect50: signals are the client's, so its mask has no effect here */
int
sys___pselect50(struct lwp *l, const struct sys___pselect50_args *uap,
    register_t *retval)
{
	int error;

	error = check_mask(l, uap->mask);
	if (error != 0)
		return error;
	return do_select(l, uap->nd, uap->in, uap->ou, uap->ex, uap->ts, SPEC,
	    retval);
}

/* @partial compat_50_sys_pselect: as pselect */
int
compat_50_sys_pselect(struct lwp *l,
    const struct compat_50_sys_pselect_args *uap, register_t *retval)
{
	int error;

	error = check_mask(l, uap->mask);
	if (error != 0)
		return error;
	return do_select(l, uap->nd, uap->in, uap->ou, uap->ex, uap->ts,
	    SPEC50, retval);
}
