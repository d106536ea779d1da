/*
 * kqueue: the queues, the notes in them, and what comes out.
 * knote.h says how it works.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/hostfd.h"
#include "hostkern/knote.h"
#include "hostkern/kqueue.h"

enum {
	HINTS = 64,		/* from epoll at once */
	NOTES_MAX = 16384,	/* in one queue */
	BUCKETS_FIRST = 8,
	/* Flags that stay with a note. */
	KEPT_FLAGS = RUMP_EV_ONESHOT | RUMP_EV_CLEAR | RUMP_EV_DISPATCH,
	KQUEUE_FLAGS = RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE,
};

/* --- notes by ident and filter; the process's lock held in all of these --- */

static struct knlist *
bucket(const struct kqueue *kq, uintptr_t ident, uint32_t filter)
{
	const uint64_t h = (ident * 16 + filter) * UINT64_C(0x9e3779b97f4a7c15);

	return &kq->hash[(h >> 32) & (kq->nhash - 1)];
}

/* Room for one more. */
static int
hash_grow(struct kqueue *kq)
{
	struct knlist *old = kq->hash;
	unsigned i, n = kq->nhash;
	struct knote *kn;

	if (kq->nnotes < n)
		return 0;
	kq->nhash = n == 0 ? BUCKETS_FIRST : 2 * n;
	kq->hash = calloc(kq->nhash, sizeof(kq->hash[0]));
	if (kq->hash == NULL) {
		kq->hash = old;
		kq->nhash = n;
		return RUMP_ENOMEM;
	}
	for (i = 0; i < n; i++) {
		while ((kn = LIST_FIRST(&old[i])) != NULL) {
			LIST_REMOVE(kn, byident);
			LIST_INSERT_HEAD(bucket(kq, kn->kev.ident,
			    kn->kev.filter), kn, byident);
		}
	}
	free(old);
	return 0;
}

static struct knote *
note_find(struct kqueue *kq, uintptr_t ident, uint32_t filter)
{
	struct knote *kn;

	if (kq->nhash == 0)
		return NULL;
	LIST_FOREACH(kn, bucket(kq, ident, filter), byident)
		if (kn->kev.ident == ident && kn->kev.filter == filter)
			break;
	return kn;
}

static void
hash_enter(struct kqueue *kq, struct knote *kn)
{

	LIST_INSERT_HEAD(bucket(kq, kn->kev.ident, kn->kev.filter), kn,
	    byident);
	kq->nnotes++;
}

/* --- notes by descriptor; likewise --- */

static bool
is_fdnote(const struct knote *kn)
{

	return kqfilter_find(kn->kev.filter)->isfd;
}

/* ident has been a descriptor's number, so the table has an end. */
static int
onfd_grow(struct kqproc *kp, unsigned fd)
{
	struct knlist *lists;
	unsigned i, n = kp->nonfd == 0 ? BUCKETS_FIRST : kp->nonfd;
	struct knote *kn;

	while (n <= fd)
		n *= 2;
	if (n == kp->nonfd)
		return 0;
	lists = calloc(n, sizeof(lists[0]));
	if (lists == NULL)
		return RUMP_ENOMEM;
	for (i = 0; i < kp->nonfd; i++) {
		while ((kn = LIST_FIRST(&kp->onfd[i])) != NULL) {
			LIST_REMOVE(kn, onfd);
			LIST_INSERT_HEAD(&lists[i], kn, onfd);
		}
	}
	free(kp->onfd);
	kp->onfd = lists;
	kp->nonfd = n;
	return 0;
}

/* --- ready or not; likewise --- */

static void
note_ready(struct kqueue *kq, struct knote *kn)
{

	if (!kn->enabled || kn->isready)
		return;
	TAILQ_INSERT_TAIL(&kq->ready, kn, ready);
	kn->isready = true;
	kq->nready++;
	kq->nannounced += kn->efd == -1;
}

static void
note_unready(struct kqueue *kq, struct knote *kn)
{

	if (!kn->isready)
		return;
	TAILQ_REMOVE(&kq->ready, kn, ready);
	kn->isready = false;
	kq->nready--;
	kq->nannounced -= kn->efd == -1;
}

/* Is there something to be looked at that epoll does not mention itself? */
static void
set_woken(struct kqueue *kq)
{
	eventfd_t n;
	bool woken;

	pthread_mutex_lock(&kq->mail_lock);
	woken = kq->nannounced > 0 || !TAILQ_EMPTY(&kq->mail);
	if (woken != kq->woken && kq->wakefd != -1) {
		if (woken)
			(void)eventfd_write(kq->wakefd, 1);
		else
			(void)eventfd_read(kq->wakefd, &n);
		kq->woken = woken;
	}
	pthread_mutex_unlock(&kq->mail_lock);
}

static int
note_poll(struct kqueue *kq, struct knote *kn, int op)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = kn } };

	if (kn->kev.filter == RUMP_EVFILT_WRITE)
		ev.events = EPOLLOUT;
	if (kn->kev.filter == RUMP_EVFILT_READ)
		ev.events |= EPOLLRDHUP;
	/* With EV_CLEAR only what is new counts. */
	if (kn->edge || (kn->kev.flags & RUMP_EV_CLEAR) != 0)
		ev.events |= EPOLLET;
	if (epoll_ctl(kq->epfd, op, kn->efd, &ev) != 0)
		return errno == EPERM ? RUMP_EINVAL : kern_errno();
	return 0;
}

/* With EV_CLEAR it is so in any case. */
static void
note_set_edge(struct kqueue *kq, struct knote *kn, bool edge)
{

	if (kn->efd == -1 || kn->edge == edge ||
	    (kn->kev.flags & RUMP_EV_CLEAR) != 0)
		return;
	kn->edge = edge;
	(void)note_poll(kq, kn, EPOLL_CTL_MOD);
}

static int
note_enable(struct kqueue *kq, struct knote *kn, bool on)
{
	struct rump_kevent now = kn->kev;
	int error;

	if (on == kn->enabled)
		return 0;
	if (!on) {
		if (kn->efd != -1)
			(void)epoll_ctl(kq->epfd, EPOLL_CTL_DEL, kn->efd,
			    NULL);
		kn->enabled = false;
		note_unready(kq, kn);
		return 0;
	}
	error = kn->efd != -1 ? note_poll(kq, kn, EPOLL_CTL_ADD) : 0;
	if (error != 0)
		return error;
	kn->enabled = true;
	/* There may be something to be seen already. */
	if (kn->efd != -1 || kqfilter_find(kn->kev.filter)->happened(kn, &now))
		note_ready(kq, kn);
	return 0;
}

/* --- a note's life; likewise --- */

/* What attaching it has made, and itself. */
static void
note_free(struct knote *kn)
{

	knote_silence(kn);
	if (kn->efd != -1)
		close(kn->efd);
	hostfd_refund(kn->payer);
	file_put(kn->file);
	file_put(kn->socket);
	knote_free(kn);
}

static void
note_remove(struct kqueue *kq, struct knote *kn)
{

	LIST_REMOVE(kn, byident);
	kq->nnotes--;
	if (is_fdnote(kn)) {
		LIST_REMOVE(kn, onfd);
		atomic_fetch_sub(&kq->kp->nfdnotes, 1);
	}
	if (knote_is_regular(kn) || kn->kev.filter == RUMP_EVFILT_VNODE)
		LIST_REMOVE(kn, regular);
	if (kn->watch != NULL)
		kq->nwatches--;
	(void)note_enable(kq, kn, false);
	note_free(kn);
}

static void
note_enter(struct kqueue *kq, struct knote *kn)
{

	hash_enter(kq, kn);
	if (is_fdnote(kn)) {
		LIST_INSERT_HEAD(&kq->kp->onfd[kn->kev.ident], kn, onfd);
		atomic_fetch_add(&kq->kp->nfdnotes, 1);
	}
	if (knote_is_regular(kn))
		LIST_INSERT_HEAD(&kq->regulars, kn, regular);
	else if (kn->kev.filter == RUMP_EVFILT_VNODE)
		LIST_INSERT_HEAD(&kq->vnodes, kn, regular);
	if (kn->watch != NULL)
		kq->nwatches++;
}

/* The eventfd for what is announced. */
static int
need_wakefd(struct kqueue *kq)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = NULL } };
	int error, fd;

	if (kq->wakefd != -1)
		return 0;
	error = hostfd_charge(kq->p, &kq->payer);
	if (error != 0)
		return error;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd == -1 || epoll_ctl(kq->epfd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		error = kern_errno();
		if (fd != -1)
			close(fd);
		hostfd_refund(kq->payer);
		kq->payer = NULL;
		return error;
	}
	kq->wakefd = fd;
	return 0;
}

static int
note_add(struct kqueue *kq, const struct rump_kevent *kev, struct file *f,
    struct knote **made)
{
	struct knote *kn;
	int error;

	if (kq->nnotes >= NOTES_MAX)
		return RUMP_ENOMEM;
	error = hash_grow(kq);
	if (error == 0 && f != NULL)
		error = onfd_grow(kq->kp, (unsigned)kev->ident);
	if (error == 0)
		error = need_wakefd(kq);
	if (error != 0)
		return error;
	kn = knote_alloc(kq);
	if (kn == NULL)
		return RUMP_ENOMEM;
	kn->of = f;
	kn->kev = *kev;
	kn->kev.flags &= KEPT_FLAGS;
	if (kev->filter == RUMP_EVFILT_USER)
		kn->kev.fflags &= RUMP_NOTE_FFLAGSMASK;
	error = kqfilter_find(kev->filter)->attach(kq->p, kn, f);
	if (error != 0) {
		note_free(kn);
		return error;
	}
	note_enter(kq, kn);
	/* A close that has not found the note has happened before this. */
	if (f != NULL && !fd_is(kq->p, (int)kev->ident, f)) {
		note_remove(kq, kn);
		return RUMP_EBADF;
	}
	*made = kn;
	return 0;
}

/* --- changes; likewise --- */

/* A change of a USER event's flags, and its trigger. */
static void
user_touch(struct kqueue *kq, struct knote *kn, uint32_t fflags)
{
	uint32_t value = fflags & RUMP_NOTE_FFLAGSMASK & ~RUMP_NOTE_TRIGGER;

	kn->kev.fflags &= ~RUMP_NOTE_TRIGGER;
	switch (fflags & RUMP_NOTE_FFCTRLMASK) {
	case RUMP_NOTE_FFAND:
		kn->kev.fflags &= value;
		break;
	case RUMP_NOTE_FFOR:
		kn->kev.fflags |= value;
		break;
	case RUMP_NOTE_FFCOPY:
		kn->kev.fflags = value;
		break;
	}
	if ((fflags & RUMP_NOTE_TRIGGER) != 0) {
		kn->count = 1;
		note_ready(kq, kn);
	}
}

static int
note_change(struct kqueue *kq, struct knote *kn, const struct rump_kevent *kev)
{

	pthread_mutex_lock(&kq->mail_lock);
	kn->kev.udata = kev->udata;
	if (kev->filter != RUMP_EVFILT_USER) {
		kn->kev.fflags = kev->fflags;
		kn->kev.data = kev->data;
	}
	knote_set_wants(kn);
	pthread_mutex_unlock(&kq->mail_lock);
	return kev->filter == RUMP_EVFILT_TIMER ? knote_set_timer(kn) : 0;
}

static int
apply(struct kqueue *kq, const struct rump_kevent *kev, struct file *f)
{
	struct knote *kn;
	int error = 0;

	kn = note_find(kq, kev->ident, kev->filter);
	if (kn != NULL && kn->of != f) {	/* closed, just now */
		note_remove(kq, kn);
		kn = NULL;
	}
	if (kn == NULL && (kev->flags & RUMP_EV_ADD) == 0)
		return RUMP_ENOENT;
	if ((kev->flags & RUMP_EV_DELETE) != 0 && kn != NULL) {
		note_remove(kq, kn);
		return 0;
	}
	if (kn == NULL)
		error = note_add(kq, kev, f, &kn);
	else if ((kev->flags & RUMP_EV_ADD) != 0)
		error = note_change(kq, kn, kev);
	if (error != 0)
		return error;
	if (kev->filter == RUMP_EVFILT_USER)
		user_touch(kq, kn, kev->fflags);
	if ((kev->flags & RUMP_EV_DISABLE) != 0)
		return note_enable(kq, kn, false);
	if ((kev->flags & (RUMP_EV_ADD | RUMP_EV_ENABLE)) != 0) {
		error = note_enable(kq, kn, true);
		if (error != 0)
			note_remove(kq, kn);
	}
	return error;
}

/* Children that NOTE_TRACK has found become notes like others. */
static void
take_mail(struct kqueue *kq)
{
	struct knote *kn;
	uint32_t news;
	unsigned n;
	bool born;

	while ((kn = kqueue_mail(kq, &born, &news, &n)) != NULL) {
		if (born && hash_grow(kq) != 0 && kq->nhash == 0) {
			note_free(kn);
			continue;
		}
		if (born)
			note_enter(kq, kn);
		if (kn->kev.filter == RUMP_EVFILT_SIGNAL) {
			kn->count += n;
		} else if (kn->kev.filter == RUMP_EVFILT_VNODE) {
			kn->mask |= news;
		} else if (kn->kev.filter == RUMP_EVFILT_PROC) {
			kn->fflags |= news & (kn->kev.fflags |
			    RUMP_NOTE_TRACKERR);
			kn->exited |= (news & RUMP_NOTE_EXIT) != 0;
		}
		note_ready(kq, kn);
	}
}

int
kqueue_change(struct kqueue *kq, const struct rump_kevent *kev,
    struct file *f)
{
	int error;

	pthread_mutex_lock(&kq->kp->lock);
	take_mail(kq);
	error = apply(kq, kev, f);
	set_woken(kq);
	pthread_mutex_unlock(&kq->kp->lock);
	return error;
}

/* --- events; likewise --- */

static void
take_hints(struct kqueue *kq)
{
	struct epoll_event ev[HINTS];
	int i, n;

	/* epoll goes round, so the next scan begins with the others. */
	n = epoll_wait(kq->epfd, ev, HINTS, 0);
	for (i = 0; i < n; i++) {
		if (ev[i].data.ptr != NULL)
			note_ready(kq, ev[i].data.ptr);
	}
}

/* The event has been returned. */
static void
note_returned(struct kqueue *kq, struct knote *kn,
    const struct rump_kevent *out)
{

	if ((out->flags & RUMP_EV_ONESHOT) != 0) {
		note_remove(kq, kn);
		return;
	}
	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0) {
		kn->fflags = 0;
		kn->count = 0;
	} else if (kn->efd == -1) {
		note_ready(kq, kn);	/* it is so, until told otherwise */
	}
	if ((kn->kev.flags & RUMP_EV_DISPATCH) != 0)
		(void)note_enable(kq, kn, false);
}

/* Looks at those that are ready now, each once. */
static size_t
look(struct kqueue *kq, struct rump_kevent *events, size_t max)
{
	struct rump_kevent *out;
	struct knote *kn;
	unsigned left;
	size_t n = 0;
	bool happened;

	for (left = kq->nready; left > 0 && n < max; left--) {
		kn = TAILQ_FIRST(&kq->ready);
		note_unready(kq, kn);
		out = &events[n];
		*out = kn->kev;
		happened = kqfilter_find(kn->kev.filter)->happened(kn, out);
		note_set_edge(kq, kn, !happened);
		if (!happened)
			continue;
		out->fflags = kn->fflags;
		n++;
		note_returned(kq, kn, out);
	}
	return n;
}

/* What the host lost may have been about any of our files. */
static void
take_lost(struct kqueue *kq)
{
	const unsigned lost = kqwatch_lost(kq->p->hk);
	struct knote *kn;

	if (lost == kq->lost)
		return;
	kq->lost = lost;
	LIST_FOREACH(kn, &kq->vnodes, regular) {
		kn->mask |= IN_Q_OVERFLOW;
		note_ready(kq, kn);
	}
}

size_t
kqueue_scan(struct kqueue *kq, struct rump_kevent *events, size_t max)
{
	struct knote *kn;
	size_t n;

	pthread_mutex_lock(&kq->kp->lock);
	if (kq->nwatches > 0) {
		kqwatch_look(kq->p->hk);
		take_lost(kq);
	}
	take_hints(kq);
	take_mail(kq);
	LIST_FOREACH(kn, &kq->regulars, regular)
		note_ready(kq, kn);
	n = look(kq, events, max);
	set_woken(kq);
	pthread_mutex_unlock(&kq->kp->lock);
	return n;
}

void
kqueue_closed(struct kproc *p, int fd, const struct file *f)
{
	struct kqproc *kp = kqproc_of(p);
	struct knote *kn = NULL, *next;

	if (atomic_load(&kp->nfdnotes) == 0)
		return;
	pthread_mutex_lock(&kp->lock);
	if ((unsigned)fd < kp->nonfd)
		kn = LIST_FIRST(&kp->onfd[fd]);
	for (; kn != NULL; kn = next) {
		next = LIST_NEXT(kn, onfd);
		if (kn->of == f)
			note_remove(kn->kq, kn);
	}
	pthread_mutex_unlock(&kp->lock);
}

/* --- the calls --- */

static void
kqueue_free(struct kqueue *kq)
{

	pthread_mutex_destroy(&kq->mail_lock);
	kqproc_put(kq->kp);
	free(kq->hash);
	free(kq);
}

static void
kqueue_close(struct file *f)
{
	struct kqueue *kq = f->data;
	struct kqproc *kp = kq->kp;
	struct knote *kn;
	unsigned i;

	pthread_mutex_lock(&kp->lock);
	/* Until the last note is silent, children may be found. */
	while (take_mail(kq), kq->nnotes > 0) {
		for (i = 0; i < kq->nhash; i++) {
			while ((kn = LIST_FIRST(&kq->hash[i])) != NULL)
				note_remove(kq, kn);
		}
	}
	pthread_mutex_unlock(&kp->lock);
	if (kq->wakefd != -1)
		close(kq->wakefd);
	hostfd_refund(kq->payer);
	kqueue_free(kq);
}

/* By number; those that are not implemented have names, too. */
static const char *const filter_names[] = { "EVFILT_READ", "EVFILT_WRITE",
    "EVFILT_AIO", "EVFILT_VNODE", "EVFILT_PROC", "EVFILT_SIGNAL",
    "EVFILT_TIMER", "EVFILT_FS", "EVFILT_USER" };

enum { FILTER_NAMES = sizeof(filter_names) / sizeof(filter_names[0]),
    FILTER_NAMELEN = 32 };	/* NetBSD's KFILTER_MAXNAME */

static int
map_number(struct lwp *l, struct rump_kfilter_mapping *km)
{

	if (km->filter >= FILTER_NAMES)
		return RUMP_ENOENT;
	return rumpserver_copyoutstr(l, filter_names[km->filter],
	    (uintptr_t)km->name, km->len, NULL);
}

static int
map_name(struct lwp *l, struct rump_kfilter_mapping *km)
{
	char name[FILTER_NAMELEN];
	int error;

	error = rumpserver_copyinstr(l, (uintptr_t)km->name, name,
	    sizeof(name), NULL);
	if (error != 0)
		return error;
	for (km->filter = 0; km->filter < FILTER_NAMES; km->filter++) {
		if (strcmp(filter_names[km->filter], name) == 0)
			return 0;
	}
	return RUMP_ENOENT;
}

static int
kqueue_ioctl(struct lwp *l, struct file *f, unsigned long com,
    rump_uaddr_t data, register_t *retval)
{
	struct rump_kfilter_mapping km;
	int error;

	(void)f;
	(void)retval;
	if (com != RUMP_KFILTER_BYFILTER && com != RUMP_KFILTER_BYNAME)
		return RUMP_EPASSTHROUGH;
	error = rumpserver_copyin(l, data, &km, sizeof(km));
	if (error == 0)
		error = com == RUMP_KFILTER_BYFILTER ? map_number(l, &km) :
		    map_name(l, &km);
	return error != 0 ? error :
	    rumpserver_copyout(l, &km, data, sizeof(km));
}

static const struct fileops kqueue_ops = {
	.close = kqueue_close,
	.ioctl = kqueue_ioctl,
};

static int
kqueue_make(struct kproc *p, int flags, struct file **fp)
{
	struct kqueue *kq;
	struct file *f;
	int error;

	error = file_make(p, FILE_KQUEUE, flags, FILE_NOINHERIT | FILE_NORW,
	    NULL, &f);
	if (error != 0)
		return error;
	kq = calloc(1, sizeof(*kq));
	f->hfd = kq != NULL ? epoll_create1(EPOLL_CLOEXEC) : -1;
	if (f->hfd == -1) {
		error = kq != NULL ? kern_errno() : RUMP_ENOMEM;
		free(kq);
		file_put(f);
		return error;
	}
	kq->p = p;
	kq->kp = kqproc_ref(kqproc_of(p));
	kq->epfd = f->hfd;
	kq->wakefd = -1;
	LIST_INIT(&kq->regulars);
	LIST_INIT(&kq->vnodes);
	TAILQ_INIT(&kq->ready);
	TAILQ_INIT(&kq->mail);
	pthread_mutex_init(&kq->mail_lock, NULL);
	f->ops = &kqueue_ops;
	f->data = kq;
	*fp = f;
	return 0;
}

static int
do_kqueue(struct lwp *l, int flags, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error, fd;

	if ((flags & ~KQUEUE_FLAGS) != 0)
		return RUMP_EINVAL;
	error = kqueue_make(p, RUMP_O_RDWR | (flags & ~RUMP_O_CLOEXEC), &f);
	if (error != 0)
		return error;
	error = fd_install(p, &f, 0, (flags & RUMP_O_CLOEXEC) != 0, &fd);
	if (error == 0)
		retval[0] = fd;
	return error;
}

int
sys_kqueue(struct lwp *l, const void *v, register_t *retval)
{

	(void)v;
	return do_kqueue(l, 0, retval);
}

int
sys_kqueue1(struct lwp *l, const struct sys_kqueue1_args *uap,
    register_t *retval)
{

	return do_kqueue(l, uap->flags, retval);
}
