/*
 * Open files: their life, and waiting on them.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostkern/async.h"
#include "hostkern/hostfd.h"
#include "hostkern/inode.h"
#include "hostkern/kern.h"
#include "hostkern/ktime.h"
#include "hostkern/lock.h"
#include "hostkern/raise.h"
#include "hostkern/sock.h"

/* In file.refs: one reference of a message beside what it counts as one. */
static const uint64_t FLYING = UINT64_C(1) << 32;

int
file_make(struct kproc *p, enum file_type type, int flags, unsigned traits,
    const struct fileops *ops, struct file **fp)
{
	struct rumpserver_account *payer = NULL;
	struct file *f;
	int error;

	if ((traits & FILE_BORROWED) == 0) {
		error = hostfd_charge(p, &payer);
		if (error != 0)
			return error;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL) {
		hostfd_refund(payer);
		return RUMP_ENOMEM;
	}
	atomic_init(&f->refs, 1);
	atomic_init(&f->flags, flags);
	pthread_mutex_init(&f->lock, NULL);
	f->hk = p->hk;
	f->type = type;
	f->traits = traits;
	f->hfd = -1;
	f->payer = payer;
	f->ops = ops;
	*fp = f;
	return 0;
}

void
file_ref(struct file *f)
{

	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

/* Of so many references. */
static bool
all_fly(uint64_t refs)
{

	return refs % FLYING == refs / FLYING;
}

void
file_fly(struct file *f)
{

	atomic_fetch_add(&f->refs, FLYING);
}

void
file_land(struct file *f)
{

	atomic_fetch_sub(&f->refs, FLYING);
}

bool
file_in_messages(const struct file *f)
{

	return all_fly(atomic_load(&f->refs));
}

void
file_put(struct file *f)
{
	struct hostkern *hk;
	uint64_t left;

	if (f == NULL)
		return;
	hk = f->hk;
	left = atomic_fetch_sub(&f->refs, 1) - 1;
	if (left != 0) {
		if (all_fly(left))	/* f may be gone by now */
			rights_alone(hk);
		return;
	}
	async_forget(f);
	inode_leave(f);
	if (f->ops != NULL && f->ops->close != NULL)
		f->ops->close(f);
	flock_closed(f);
	if (f->hfd != -1 && (f->traits & FILE_BORROWED) == 0)
		close(f->hfd);
	hostfd_refund(f->payer);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

/* A call that sleeps on a file; on its stack. */
struct file_sleep {
	struct file_sleep *next, **prevp;
	struct lwp *l;
	bool closed;
};

static void
sleep_enter(struct file *f, struct file_sleep *s)
{

	pthread_mutex_lock(&f->lock);
	s->next = f->sleepers;
	s->prevp = &f->sleepers;
	if (s->next != NULL)
		s->next->prevp = &s->next;
	f->sleepers = s;
	pthread_mutex_unlock(&f->lock);
}

/* Was the descriptor closed meanwhile? */
static bool
sleep_leave(struct file *f, struct file_sleep *s)
{

	pthread_mutex_lock(&f->lock);
	*s->prevp = s->next;
	if (s->next != NULL)
		s->next->prevp = s->prevp;
	pthread_mutex_unlock(&f->lock);
	return s->closed;
}

int
file_sleep_until(struct lwp *l, struct file *f, short events,
    int64_t deadline)
{
	struct pollfd pfd = { .fd = f->hfd, .events = events };
	struct file_sleep s = { .l = l };
	int error;

	sleep_enter(f, &s);
	/* Whoever revokes or closes it from now on finds this sleeper. */
	if (atomic_load(&f->revoked) || !fd_has(kern_proc(l), f))
		error = RUMP_EBADF;
	else if (deadline == INT64_MAX)
		error = rumpserver_wait(l, &pfd, 1, NULL);
	else
		error = ktime_wait(l, &pfd, 1, deadline);
	if (sleep_leave(f, &s))
		error = RUMP_EBADF;
	return error;
}

int
file_wait(struct lwp *l, struct file *f, short events)
{

	if (f->ops != NULL && f->ops->wait != NULL)
		return f->ops->wait(l, f, events);
	if ((atomic_load(&f->flags) & RUMP_O_NONBLOCK) != 0)
		return RUMP_EWOULDBLOCK;
	return file_sleep_until(l, f, events, INT64_MAX);
}

bool
file_has_sleepers(struct file *f)
{
	bool has;

	pthread_mutex_lock(&f->lock);
	has = f->sleepers != NULL;
	pthread_mutex_unlock(&f->lock);
	return has;
}

void
file_wake_closed(struct kproc *p, struct file *f)
{
	struct file_sleep *s;

	pthread_mutex_lock(&f->lock);
	for (s = f->sleepers; s != NULL; s = s->next) {
		if (p != NULL && kern_proc(s->l) != p)
			continue;
		s->closed = true;
		rumpserver_interrupt(s->l);
	}
	pthread_mutex_unlock(&f->lock);
}

int
file_check_size(struct lwp *l, uint64_t size)
{

	if (size <= proc_rlimit(kern_proc(l), RUMP_RLIMIT_FSIZE))
		return 0;
	(void)raise_signal(kern_proc(l), RUMP_SIGXFSZ);
	return RUMP_EFBIG;
}

int
file_epipe(struct lwp *l, struct file *f)
{

	if ((atomic_load(&f->flags) & RUMP_O_NOSIGPIPE) == 0)
		(void)raise_signal(kern_proc(l), RUMP_SIGPIPE);
	return RUMP_EPIPE;
}
