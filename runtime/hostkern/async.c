/*
 * Signals of files.
 *
 * One thread, made when a file first wants it, waits in an edge-triggered
 * epoll for all of them.  Files are known to it by numbers that are never used
 * again, so an event for one that has gone means nothing.
 *
 * async.lock guards the table of files; f->lock may be taken in it.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "hostkern/async.h"
#include "hostkern/pgrp.h"
#include "hostkern/raise.h"

enum { EVENTS_AT_ONCE = 256, BUCKETS = 1024 };

/*
 * Who hears of a file's events: the very process or group that F_SETOWN found,
 * not what has its number later.  Counted; immutable.
 */
struct fowner {
	atomic_uint refs;
	struct hostkern *hk;
	pid_t id;		/* a process's, or -group */
	uint64_t serial;	/* of the process */
	struct kpgrp *pgrp;	/* or the group; counted */
	struct kcred *cred;	/* of who called F_SETOWN */
};

struct watched {
	LIST_ENTRY(watched) link;	/* async.files */
	uint64_t id;		/* 0 is the thread's call to end */
	struct file *f;
	bool fresh;		/* async.lock: what epoll says is no news */
};

struct async {
	struct hostkern *hk;
	int epfd, quit;
	pthread_mutex_t lock;
	pthread_cond_t seen;	/* lock: a file is not fresh any more */
	LIST_HEAD(, watched) files[BUCKETS];	/* by id; lock */
	uint64_t lastid;	/* lock */
	bool running;		/* lock */
	pthread_t thread;
	uint64_t walks;		/* over groups; the thread's */
};

static struct async *
async_of(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_ASYNC];
}

/* --- owners --- */

static void
fowner_put(struct fowner *o)
{

	if (o == NULL || atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	if (o->pgrp != NULL) {
		pthread_mutex_lock(&o->hk->proc_lock);
		pgrp_put(o->pgrp);
		pthread_mutex_unlock(&o->hk->proc_lock);
	}
	cred_put(o->cred);
	free(o);
}

/* Takes o over, NULL: nobody is the owner. */
static void
set_owner(struct file *f, struct fowner *o)
{
	struct fowner *old;

	pthread_mutex_lock(&f->lock);
	old = f->owner;
	f->owner = o;
	pthread_mutex_unlock(&f->lock);
	fowner_put(old);
}

/* hk->proc_lock held: finds the owner. */
static int
find_owner(struct kproc *p, struct fowner *o)
{
	struct kproc *q;

	if (o->id < 0) {
		o->pgrp = pgrp_find(p, -o->id);
		if (o->pgrp == NULL)
			return o->id == -INIT_PID ? RUMP_EPERM : RUMP_EINVAL;
		o->pgrp->refs++;
		return o->pgrp->session == p->pgrp->session ? 0 : RUMP_EPERM;
	}
	q = proc_find(p->hk, o->id);
	if (q == NULL)
		return RUMP_ESRCH;
	o->serial = q->serial;
	return cred_maysignal(o->cred, q) ? 0 : RUMP_EPERM;
}

int
async_setowner(struct kproc *p, struct file *f, int owner)
{
	struct fowner *o;
	int error;

	if (owner == INT_MIN)
		return RUMP_EINVAL;
	if (owner == 0) {
		set_owner(f, NULL);
		return 0;
	}
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return RUMP_ENOMEM;
	atomic_init(&o->refs, 1);
	o->hk = p->hk;
	o->id = owner;
	o->cred = cred_get(p);
	pthread_mutex_lock(&p->hk->proc_lock);
	error = find_owner(p, o);
	pthread_mutex_unlock(&p->hk->proc_lock);
	if (error != 0)
		fowner_put(o);
	else
		set_owner(f, o);
	return error;
}

int
async_getowner(struct file *f)
{
	int owner;

	pthread_mutex_lock(&f->lock);
	owner = f->owner != NULL ? f->owner->id : 0;
	pthread_mutex_unlock(&f->lock);
	return owner;
}

/* --- signals --- */

/* p is held, and let go. */
static void
tell(const struct fowner *o, struct kproc *p)
{

	if (cred_maysignal(o->cred, p))
		(void)raise_signal(p, RUMP_SIGIO);
	proc_release(p);
}

static struct kproc *
hold_process(const struct fowner *o)
{
	struct kproc *p;

	pthread_mutex_lock(&o->hk->proc_lock);
	p = proc_find(o->hk, o->id);
	if (p != NULL && p->serial != o->serial)
		p = NULL;
	if (p != NULL)
		proc_hold(p);
	pthread_mutex_unlock(&o->hk->proc_lock);
	return p;
}

static void
tell_owner(struct async *a, const struct fowner *o)
{
	struct kproc *p;

	if (o->pgrp == NULL) {
		p = hold_process(o);
		if (p != NULL)
			tell(o, p);
		return;
	}
	a->walks++;
	while ((p = pgrp_walk(o->hk, o->pgrp, a->walks)) != NULL)
		tell(o, p);
}

/* Lock held; NULL for a file that has gone. */
static struct watched *
by_id(struct async *a, uint64_t id)
{
	struct watched *w;

	LIST_FOREACH(w, &a->files[id % BUCKETS], link) {
		if (w->id == id)
			break;
	}
	return w;
}

/* Who is to hear of an event, as a reference, or NULL. */
static struct fowner *
owner_of(struct async *a, uint64_t id)
{
	struct fowner *o = NULL;
	struct watched *w;

	pthread_mutex_lock(&a->lock);
	w = by_id(a, id);
	if (w != NULL && w->fresh) {
		w->fresh = false;
		pthread_cond_broadcast(&a->seen);
	} else if (w != NULL) {
		pthread_mutex_lock(&w->f->lock);
		o = w->f->owner;
		if (o != NULL)
			atomic_fetch_add(&o->refs, 1);
		pthread_mutex_unlock(&w->f->lock);
	}
	pthread_mutex_unlock(&a->lock);
	return o;
}

/* Do both reach the same processes? */
static bool
same_owner(const struct fowner *a, const struct fowner *b)
{

	return a->pgrp == b->pgrp && a->id == b->id &&
	    a->serial == b->serial && a->cred->euid == b->cred->euid &&
	    a->cred->ruid == b->cred->ruid;
}

/* Adds the owner of an event, unless it is there: signals do not queue. */
static int
add_owner(struct fowner **owners, int n, struct fowner *o)
{
	int i;

	if (o == NULL)
		return n;
	for (i = 0; i < n; i++) {
		if (same_owner(owners[i], o)) {
			fowner_put(o);
			return n;
		}
	}
	owners[n] = o;
	return n + 1;
}

/*
 * Those who wait in settle() are let go first; then everybody is told once,
 * however many files they own: else many files of a large group would keep
 * all others waiting.
 */
static void *
async_thread(void *arg)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	struct fowner *owners[EVENTS_AT_ONCE];
	struct async *a = arg;
	int i, n, nowners;
	bool quit = false;

	while (!quit) {
		n = epoll_wait(a->epfd, ev, EVENTS_AT_ONCE, -1);
		nowners = 0;
		for (i = 0; i < n; i++) {
			quit |= ev[i].data.u64 == 0;
			nowners = add_owner(owners, nowners,
			    owner_of(a, ev[i].data.u64));
		}
		for (i = 0; i < nowners; i++) {
			tell_owner(a, owners[i]);
			fowner_put(owners[i]);
		}
	}
	return NULL;
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

	if (!a->running)
		a->running = kern_thread(&a->thread, async_thread, a);
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
	LIST_INSERT_HEAD(&a->files[w->id % BUCKETS], w, link);
	f->watched = w;
	settle(a, w->id, f->hfd);
}

/* Lock held. */
static void
leave(struct async *a, struct file *f)
{
	struct watched *w = f->watched;

	(void)epoll_ctl(a->epfd, EPOLL_CTL_DEL, f->hfd, NULL);
	f->watched = NULL;
	LIST_REMOVE(w, link);
	free(w);
}

void
async_changed(struct file *f)
{
	struct async *a = async_of(f->hk);
	bool wanted;

	pthread_mutex_lock(&a->lock);
	wanted = (atomic_load(&f->flags) & RUMP_O_ASYNC) != 0;
	if (wanted && f->watched == NULL)
		enter(a, f);
	else if (!wanted && f->watched != NULL)
		leave(a, f);
	pthread_mutex_unlock(&a->lock);
}

void
async_forget(struct file *f)
{
	struct async *a = async_of(f->hk);

	if (f->watched != NULL) {
		pthread_mutex_lock(&a->lock);
		leave(a, f);
		pthread_mutex_unlock(&a->lock);
	}
	fowner_put(f->owner);
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
	if (a->epfd == -1 || a->quit == -1 || !watch(a, a->quit, EPOLLIN, 0)) {
		if (a->epfd != -1)
			close(a->epfd);
		if (a->quit != -1)
			close(a->quit);
		free(a);
		return RUMP_ENFILE;
	}
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->seen, NULL);
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
	free(a);
}

const struct kern_module async_module = {
	.create = async_create,
	.destroy = async_destroy,
};
