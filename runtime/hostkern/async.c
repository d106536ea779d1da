/*
 * Signals of files.
 *
 * One thread, made when a file first wants it, waits in an edge-triggered
 * epoll for all of them.  Files are known to it by numbers that are never used
 * again, so an event for one that has gone means nothing.
 *
 * async.lock guards the list of files; f->lock may be taken in it.
 * async.telling, which comes before all other locks, is held by the thread
 * while it raises signals, so that the processes stay meanwhile.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hostkern/async.h"
#include "hostkern/raise.h"

enum { EVENTS_AT_ONCE = 16 };

struct watched {
	struct watched *next;
	uint64_t id;		/* 0 is the thread's call to end */
	struct file *f;
	bool fresh;		/* async.lock: what epoll says is no news */
};

struct async {
	struct hostkern *hk;
	int epfd, quit;
	pthread_mutex_t lock;
	pthread_cond_t seen;	/* lock: a file is not fresh any more */
	struct watched *files;	/* lock */
	uint64_t lastid;	/* lock */
	bool running;		/* lock */
	pthread_t thread;
	pthread_mutex_t telling;	/* processes found stay while it is held */
};

static struct async *
async_of(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_ASYNC];
}

/* --- signals --- */

/* hk->proc_lock held. */
static bool
is_owner(const struct kproc *p, pid_t owner)
{

	return owner > 0 ? p->pid == owner : p->pgrp->pgid == -owner;
}

static void
tell_owner(struct hostkern *hk, pid_t owner)
{
	struct async *a = async_of(hk);
	struct kproc *p, **found;
	unsigned i, n = 0;

	if (owner == 0)
		return;
	pthread_mutex_lock(&a->telling);
	pthread_mutex_lock(&hk->proc_lock);
	found = calloc(hk->nprocs, sizeof(found[0]));
	for (p = hk->procs; found != NULL && p != NULL; p = p->next) {
		if (is_owner(p, owner))
			found[n++] = p;
	}
	pthread_mutex_unlock(&hk->proc_lock);
	for (i = 0; i < n; i++)
		(void)raise_signal(found[i], RUMP_SIGIO);
	pthread_mutex_unlock(&a->telling);
	free(found);
}

/* It is out of the list of processes, so nobody starts to tell it anything. */
static void
async_proc_exit(struct kproc *p)
{
	struct async *a = async_of(p->hk);

	pthread_mutex_lock(&a->telling);
	pthread_mutex_unlock(&a->telling);
}

/* Lock held; NULL for a file that has gone. */
static struct watched *
by_id(struct async *a, uint64_t id)
{
	struct watched *w;

	for (w = a->files; w != NULL && w->id != id;)
		w = w->next;
	return w;
}

/* Who is to hear of an event, or 0. */
static pid_t
owner_of(struct async *a, uint64_t id)
{
	struct watched *w;
	pid_t owner = 0;

	pthread_mutex_lock(&a->lock);
	w = by_id(a, id);
	if (w != NULL && w->fresh) {
		w->fresh = false;
		pthread_cond_broadcast(&a->seen);
	} else if (w != NULL) {
		owner = async_getowner(w->f);
	}
	pthread_mutex_unlock(&a->lock);
	return owner;
}

static void *
async_thread(void *arg)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	struct async *a = arg;
	int i, n;

	for (;;) {
		n = epoll_wait(a->epfd, ev, EVENTS_AT_ONCE, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == 0)
				return NULL;
			tell_owner(a->hk, owner_of(a, ev[i].data.u64));
		}
	}
}

/* --- which files --- */

static bool
watch(struct async *a, int hfd, uint32_t events, uint64_t id)
{
	struct epoll_event ev = { .events = events, .data.u64 = id };

	return epoll_ctl(a->epfd, EPOLL_CTL_ADD, hfd, &ev) == 0;
}

/* Lock held. */
static bool
start_thread(struct async *a)
{
	sigset_t all, old;

	if (a->running)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	a->running = watch(a, a->quit, EPOLLIN, 0) &&
	    pthread_create(&a->thread, NULL, async_thread, a) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return a->running;
}

static bool
is_ready(int hfd)
{
	struct pollfd pfd = { .fd = hfd,
	    .events = POLLIN | POLLOUT | POLLRDHUP };

	return poll(&pfd, 1, 0) > 0;
}

/*
 * Lock held, dropped meanwhile.  A file is signalled for what happens, not for
 * what it is when it is entered, but epoll begins with that: waits until the
 * thread has thrown it away.
 */
static void
settle(struct async *a, uint64_t id, int hfd)
{
	struct watched *w;
	struct timespec until;

	while ((w = by_id(a, id)) != NULL && w->fresh && is_ready(hfd)) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 10000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&a->seen, &a->lock, &until);
	}
	if (w != NULL)
		w->fresh = false;
}

/* Lock held.  There is nobody to tell if it fails: then no signals come. */
static void
enter(struct async *a, struct file *f)
{
	struct watched *w;

	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return;
	w->f = f;
	w->id = ++a->lastid;
	if (!start_thread(a) || !watch(a, f->hfd,
	    EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, w->id)) {
		free(w);
		return;
	}
	w->fresh = true;
	w->next = a->files;
	a->files = w;
	settle(a, w->id, f->hfd);
}

/* Lock held: the place of f in the list, or that of its end. */
static struct watched **
find(struct async *a, const struct file *f)
{
	struct watched **wp;

	for (wp = &a->files; *wp != NULL && (*wp)->f != f;)
		wp = &(*wp)->next;
	return wp;
}

/* Lock held. */
static void
leave(struct async *a, struct watched **wp)
{
	struct watched *w = *wp;

	(void)epoll_ctl(a->epfd, EPOLL_CTL_DEL, w->f->hfd, NULL);
	*wp = w->next;
	free(w);
}

static void
set_watched(struct file *f, bool wanted)
{
	struct async *a = async_of(f->hk);
	struct watched **wp;

	pthread_mutex_lock(&a->lock);
	wp = find(a, f);
	if (wanted && *wp == NULL)
		enter(a, f);
	else if (!wanted && *wp != NULL)
		leave(a, wp);
	pthread_mutex_unlock(&a->lock);
}

void
async_changed(struct file *f)
{

	set_watched(f, (atomic_load(&f->flags) & RUMP_O_ASYNC) != 0);
}

void
async_forget(struct file *f)
{

	if ((atomic_load(&f->flags) & RUMP_O_ASYNC) != 0)
		set_watched(f, false);
}

/* --- owners --- */

/* hk->proc_lock held. */
static int
may_own(struct kproc *p, int owner)
{
	struct kproc *q;
	struct kcred *mine, *its;
	int error;

	if (owner < 0) {
		for (q = p->hk->procs; q != NULL && !is_owner(q, owner);)
			q = q->next;
		return q != NULL && q->pgrp->session == p->pgrp->session ?
		    0 : RUMP_EPERM;
	}
	q = proc_find(p->hk, owner);
	if (q == NULL)
		return RUMP_ESRCH;
	mine = cred_get(p);
	its = cred_get(q);
	error = mine->euid == 0 || mine->ruid == its->ruid ||
	    mine->euid == its->ruid ? 0 : RUMP_EPERM;
	cred_put(mine);
	cred_put(its);
	return error;
}

int
async_setowner(struct kproc *p, struct file *f, int owner)
{
	int error = 0;

	if (owner == INT_MIN)
		return RUMP_EINVAL;
	if (owner != 0) {
		pthread_mutex_lock(&p->hk->proc_lock);
		error = may_own(p, owner);
		pthread_mutex_unlock(&p->hk->proc_lock);
	}
	if (error != 0)
		return error;
	pthread_mutex_lock(&f->lock);
	f->owner = owner;
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int
async_getowner(struct file *f)
{
	int owner;

	pthread_mutex_lock(&f->lock);
	owner = f->owner;
	pthread_mutex_unlock(&f->lock);
	return owner;
}

/* --- the module --- */

static int
async_create(struct hostkern *hk)
{
	struct async *a;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return RUMP_ENOMEM;
	a->hk = hk;
	a->epfd = epoll_create1(EPOLL_CLOEXEC);
	a->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->epfd == -1 || a->quit == -1) {
		if (a->epfd != -1)
			close(a->epfd);
		free(a);
		return RUMP_ENFILE;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->seen, NULL);
	pthread_mutex_init(&a->telling, NULL);
	hk->ext[KERN_SLOT_ASYNC] = a;
	return 0;
}

static void
async_destroy(struct hostkern *hk)
{
	struct async *a = async_of(hk);

	if (a->running) {
		eventfd_write(a->quit, 1);
		pthread_join(a->thread, NULL);
	}
	close(a->epfd);
	close(a->quit);
	pthread_mutex_destroy(&a->lock);
	pthread_cond_destroy(&a->seen);
	pthread_mutex_destroy(&a->telling);
	free(a);
}

const struct kern_module async_module = {
	.create = async_create,
	.destroy = async_destroy,
	.proc_exit = async_proc_exit,
};
