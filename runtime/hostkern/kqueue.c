/*
 * kqueue: the queues, the notes in them, and what the kernel tells them.
 * knote.h says how it works.
 */
#include <sys/epoll.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/knote.h"
#include "hostkern/kqueue.h"

enum {
	HINTS = 64,		/* from epoll at once */
	NOTES_MAX = 16384,	/* in one queue */
	/* Flags that stay with a note. */
	KEPT_FLAGS = RUMP_EV_ONESHOT | RUMP_EV_CLEAR | RUMP_EV_DISPATCH,
	KQUEUE_FLAGS = RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE,
};

/* All of a kernel's: hk->ext[KERN_SLOT_KQUEUE].  lock comes before a queue's
 * own, and that before hk->proc_lock. */
struct kqueues {
	pthread_mutex_t lock;
	struct kqueue *first;
};

static struct kqueues *
kern_kqueues(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_KQUEUE];
}

/* --- a queue and its notes; lock held --- */

static int
note_enable(struct kqueue *kq, struct knote *kn, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = kn } };

	if (on == kn->enabled)
		return 0;
	if (!on) {
		(void)epoll_ctl(kq->epfd, EPOLL_CTL_DEL, kn->efd, NULL);
		kn->enabled = false;
		kn->hit = false;
		return 0;
	}
	if (kn->kev.filter == RUMP_EVFILT_WRITE && !kn->regular)
		ev.events = EPOLLOUT;
	if (kn->kev.filter == RUMP_EVFILT_READ)
		ev.events |= EPOLLRDHUP;
	/* With EV_CLEAR only what is new counts. */
	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0)
		ev.events |= EPOLLET;
	if (epoll_ctl(kq->epfd, EPOLL_CTL_ADD, kn->efd, &ev) != 0)
		return errno == EPERM ? RUMP_EINVAL : kern_errno();
	kn->enabled = true;
	/* There may be something to be seen already. */
	kn->hit = true;
	return 0;
}

static void
note_free(struct knote *kn)
{

	if (kn->efd != -1)
		close(kn->efd);
	if (kn->ofd != -1)
		close(kn->ofd);
	free(kn);
}

/* Out of the list at *knp. */
static void
note_remove(struct kqueue *kq, struct knote **knp)
{
	struct knote *kn = *knp;

	*knp = kn->next;
	if (kq->tail == &kn->next)
		kq->tail = knp;
	kq->nnotes--;
	(void)note_enable(kq, kn, false);
	note_free(kn);
}

static struct knote **
note_find(struct kqueue *kq, uintptr_t ident, uint32_t filter)
{
	struct knote **knp;

	for (knp = &kq->notes; *knp != NULL; knp = &(*knp)->next) {
		if ((*knp)->kev.ident == ident &&
		    (*knp)->kev.filter == filter)
			break;
	}
	return knp;
}

static int
note_add(struct kqueue *kq, const struct rump_kevent *kev,
    const struct file *f, struct knote **made)
{
	struct knote *kn;
	int error;

	if (kq->nnotes >= NOTES_MAX)
		return RUMP_ENOMEM;
	kn = calloc(1, sizeof(*kn));
	if (kn == NULL)
		return RUMP_ENOMEM;
	kn->efd = kn->ofd = -1;
	kn->kev = *kev;
	kn->kev.flags &= KEPT_FLAGS;
	if (kev->filter == RUMP_EVFILT_USER)
		kn->kev.fflags &= RUMP_NOTE_FFLAGSMASK;
	error = kqfilter_find(kev->filter)->attach(kq->p, kn, f);
	if (error == 0 && (kn->efd >= kq->p->hk->hfd_max ||
	    kn->ofd >= kq->p->hk->hfd_max))
		error = RUMP_ENFILE;
	if (error != 0) {
		note_free(kn);
		return error;
	}
	*kq->tail = kn;
	kq->tail = &kn->next;
	kq->nnotes++;
	*made = kn;
	return 0;
}

/* A change of a USER event's flags, and its trigger. */
static void
user_touch(struct knote *kn, uint32_t fflags)
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
		knote_event_set(kn);
	}
}

static int
note_change(struct knote *kn, const struct rump_kevent *kev)
{

	kn->kev.udata = kev->udata;
	if (kev->filter == RUMP_EVFILT_USER)
		return 0;
	kn->kev.fflags = kev->fflags;
	kn->kev.data = kev->data;
	return kev->filter == RUMP_EVFILT_TIMER ? knote_set_timer(kn) : 0;
}

static int
apply(struct kqueue *kq, const struct rump_kevent *kev, const struct file *f)
{
	struct knote **knp, *kn;
	int error = 0;

	knp = note_find(kq, kev->ident, kev->filter);
	kn = *knp;
	if (kn == NULL && (kev->flags & RUMP_EV_ADD) == 0)
		return RUMP_ENOENT;
	if ((kev->flags & RUMP_EV_DELETE) != 0 && kn != NULL) {
		note_remove(kq, knp);
		return 0;
	}
	if (kn == NULL)
		error = note_add(kq, kev, f, &kn);
	else if ((kev->flags & RUMP_EV_ADD) != 0)
		error = note_change(kn, kev);
	if (error != 0)
		return error;
	if (kev->filter == RUMP_EVFILT_USER)
		user_touch(kn, kev->fflags);
	if ((kev->flags & RUMP_EV_DISABLE) != 0)
		return note_enable(kq, kn, false);
	if ((kev->flags & (RUMP_EV_ADD | RUMP_EV_ENABLE)) != 0) {
		error = note_enable(kq, kn, true);
		if (error != 0)
			note_remove(kq, note_find(kq, kev->ident,
			    kev->filter));
	}
	return error;
}

int
kqueue_change(struct kqueue *kq, const struct rump_kevent *kev,
    const struct file *f)
{
	int error;

	pthread_mutex_lock(&kq->lock);
	error = apply(kq, kev, f);
	pthread_mutex_unlock(&kq->lock);
	return error;
}

static void
take_hints(struct kqueue *kq)
{
	struct epoll_event ev[HINTS];
	int i, n;

	/* epoll goes round, so the next scan begins with the others. */
	n = epoll_wait(kq->epfd, ev, HINTS, 0);
	for (i = 0; i < n; i++)
		((struct knote *)ev[i].data.ptr)->hit = true;
}

/* Something may be there that epoll does not mention. */
static bool
is_sticky(const struct knote *kn)
{

	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0)
		return false;
	return kn->fflags != 0 || (kn->regular &&
	    kn->kev.filter == RUMP_EVFILT_READ);
}

/* The event has been returned.  True: the note goes. */
static bool
note_returned(struct kqueue *kq, struct knote *kn,
    const struct rump_kevent *out)
{

	if ((out->flags & RUMP_EV_ONESHOT) != 0)
		return true;
	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0) {
		kn->fflags = 0;
		kn->count = 0;
		if (kqfilter_find(kn->kev.filter)->eventfd)
			(void)knote_event_take(kn);
	}
	if ((kn->kev.flags & RUMP_EV_DISPATCH) != 0)
		(void)note_enable(kq, kn, false);
	return false;
}

size_t
kqueue_scan(struct kqueue *kq, struct rump_kevent *events, size_t max)
{
	struct rump_kevent *out;
	struct knote **knp, *kn;
	size_t n = 0;

	pthread_mutex_lock(&kq->lock);
	take_hints(kq);
	for (knp = &kq->notes; (kn = *knp) != NULL && n < max;) {
		if (!kn->enabled || (!kn->hit && !is_sticky(kn))) {
			knp = &kn->next;
			continue;
		}
		kn->hit = false;
		out = &events[n];
		*out = kn->kev;
		if (!kqfilter_find(kn->kev.filter)->happened(kn, out)) {
			knp = &kn->next;
			continue;
		}
		out->fflags = kn->fflags;
		n++;
		if (note_returned(kq, kn, out))
			note_remove(kq, knp);
		else
			knp = &kn->next;
	}
	pthread_mutex_unlock(&kq->lock);
	return n;
}

/* --- what happens elsewhere --- */

void
kqueue_closed(struct kproc *p, int fd)
{
	struct kqueues *kqs = kern_kqueues(p->hk);
	struct knote **knp;
	struct kqueue *kq;

	pthread_mutex_lock(&kqs->lock);
	for (kq = kqs->first; kq != NULL; kq = kq->next) {
		if (kq->p != p)
			continue;
		pthread_mutex_lock(&kq->lock);
		for (knp = &kq->notes; *knp != NULL;) {
			if ((*knp)->kev.ident == (uintptr_t)fd &&
			    kqfilter_find((*knp)->kev.filter)->isfd)
				note_remove(kq, knp);
			else
				knp = &(*knp)->next;
		}
		pthread_mutex_unlock(&kq->lock);
	}
	pthread_mutex_unlock(&kqs->lock);
}

/* Watches the child of the note's process like that, as NOTE_TRACK asks. */
static int
follow(struct kqueue *kq, const struct knote *kn, pid_t child)
{
	struct rump_kevent kev = kn->kev;
	struct knote *new;
	int error;

	kev.ident = (uintptr_t)child;
	kev.flags |= RUMP_EV_ADD;
	error = apply(kq, &kev, NULL);
	if (error != 0)
		return error;
	new = *note_find(kq, kev.ident, kev.filter);
	new->fflags = RUMP_NOTE_CHILD;
	new->count = (int64_t)kn->kev.ident;
	knote_event_set(new);
	return 0;
}

static void
note_forked(struct kqueue *kq, struct knote *kn, pid_t child)
{

	kn->fflags |= kn->kev.fflags & RUMP_NOTE_FORK;
	if ((kn->kev.fflags & RUMP_NOTE_TRACK) != 0 &&
	    follow(kq, kn, child) != 0)
		kn->fflags |= RUMP_NOTE_TRACKERR;
	if (kn->fflags != 0)
		knote_event_set(kn);
}

/* What has happened to a note's signal or process; fflags says what to that. */
static void
note_touch(struct knote *kn, uint32_t fflags)
{

	if (kn->kev.filter == RUMP_EVFILT_SIGNAL)
		kn->count++;
	kn->fflags |= kn->kev.fflags & fflags;
	kn->exited |= (fflags & RUMP_NOTE_EXIT) != 0;
	if (kn->count > 0 || kn->fflags != 0 || kn->exited)
		knote_event_set(kn);
}

/* Something about `ident` for all queues (of p, if it is not NULL); `child` is
 * not 0: a fork. */
static void
announce(struct hostkern *hk, struct kproc *p, uint32_t filter,
    uintptr_t ident, uint32_t fflags, pid_t child)
{
	struct kqueues *kqs = kern_kqueues(hk);
	struct knote *kn;
	struct kqueue *kq;

	if (kqs == NULL)
		return;
	pthread_mutex_lock(&kqs->lock);
	for (kq = kqs->first; kq != NULL; kq = kq->next) {
		if (p != NULL && kq->p != p)
			continue;
		pthread_mutex_lock(&kq->lock);
		kn = *note_find(kq, ident, filter);
		if (kn != NULL && child != 0)
			note_forked(kq, kn, child);
		else if (kn != NULL)
			note_touch(kn, fflags);
		pthread_mutex_unlock(&kq->lock);
	}
	pthread_mutex_unlock(&kqs->lock);
}

void
kqueue_signal(struct kproc *p, int signo)
{

	announce(p->hk, p, RUMP_EVFILT_SIGNAL, (uintptr_t)signo, 0, 0);
}

static void
kqueue_proc_forked(struct kproc *child, struct kproc *parent)
{

	announce(parent->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)parent->pid,
	    RUMP_NOTE_FORK, child->pid);
}

static void
kqueue_proc_exec(struct kproc *p)
{

	announce(p->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)p->pid,
	    RUMP_NOTE_EXEC, 0);
}

static void
kqueue_proc_exit(struct kproc *p)
{

	announce(p->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)p->pid,
	    RUMP_NOTE_EXIT, 0);
}

static int
kqueue_create(struct hostkern *hk)
{
	struct kqueues *kqs;

	kqs = calloc(1, sizeof(*kqs));
	if (kqs == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&kqs->lock, NULL);
	hk->ext[KERN_SLOT_KQUEUE] = kqs;
	return 0;
}

static void
kqueue_destroy(struct hostkern *hk)
{
	struct kqueues *kqs = kern_kqueues(hk);

	if (kqs == NULL)
		return;
	pthread_mutex_destroy(&kqs->lock);
	free(kqs);
	hk->ext[KERN_SLOT_KQUEUE] = NULL;
}

const struct kern_module kqueue_module = {
	.create = kqueue_create,
	.destroy = kqueue_destroy,
	.proc_forked = kqueue_proc_forked,
	.proc_exec = kqueue_proc_exec,
	.proc_exit = kqueue_proc_exit,
};

/* --- the calls --- */

static void
kqueue_close(struct file *f)
{
	struct kqueues *kqs = kern_kqueues(f->hk);
	struct kqueue *kq = f->data;

	pthread_mutex_lock(&kqs->lock);
	*kq->prevp = kq->next;
	if (kq->next != NULL)
		kq->next->prevp = kq->prevp;
	pthread_mutex_unlock(&kqs->lock);
	while (kq->notes != NULL)
		note_remove(kq, &kq->notes);
	pthread_mutex_destroy(&kq->lock);
	free(kq);
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
	struct kqueues *kqs = kern_kqueues(p->hk);
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
	kq->epfd = f->hfd;
	kq->tail = &kq->notes;
	pthread_mutex_init(&kq->lock, NULL);
	f->ops = &kqueue_ops;
	f->data = kq;
	*fp = f;
	pthread_mutex_lock(&kqs->lock);
	kq->next = kqs->first;
	kq->prevp = &kqs->first;
	if (kq->next != NULL)
		kq->next->prevp = &kq->next;
	kqs->first = kq;
	pthread_mutex_unlock(&kqs->lock);
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
