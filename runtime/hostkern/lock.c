/*
 * Byte-range locks.
 *
 * NetBSD's belong to a process and a file: a process's own locks never
 * conflict, and closing any descriptor of the file lets all of them go.  The
 * host's that fit are those of open file descriptions (F_OFD_SETLK), one
 * description a process and file, kept in a plock_owner: then the host
 * arbitrates, also with its other processes.  The ranges are remembered
 * beside that, because F_GETLK has to name the process and the host does not
 * know ours.
 *
 * A process that waits for another's lock says so in a plock_wait, so that two
 * that wait for each other are noticed (EDEADLK).
 *
 * hk->plock_lock guards all owners, their ranges, and the waits.  It is held across the
 * host's F_OFD_SETLK, which does not block.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "hostkern/lock.h"
#include "hostkern/path.h"

/* Processes that wait for one another, at most: NetBSD's maxlockdepth. */
enum { LONGEST_CHAIN = 50 };

/* [start, end), end INT64_MAX being the end wherever it moves. */
struct plock {
	struct plock *next;
	int64_t start, end;
	short type;		/* F_RDLCK, F_WRLCK */
};

struct plock_owner {
	struct plock_owner *next;	/* hk->plocks */
	struct kproc *p;
	uint64_t dev, ino;
	int fd;			/* the description the host's locks are on */
	struct plock *locks;
};

/* A call that waits for a lock; on its stack. */
struct plock_wait {
	struct plock_wait *next;	/* hk->plock_waits */
	pid_t pid;			/* who waits */
	pid_t holder;			/* for whom; -1: nobody of ours */
};

/* --- owners; plock_lock held --- */

static struct plock_owner *
owner_find(struct kproc *p, const struct file *f)
{
	struct plock_owner *o;

	for (o = p->hk->plocks; o != NULL; o = o->next) {
		if (o->p == p && o->dev == f->hdev && o->ino == f->hino)
			break;
	}
	return o;
}

/*
 * A description of its own for the file: opened for both where that can be,
 * so that it serves both kinds of locks, else as the guest has it.  By the
 * server, as the guest may have become somebody who could not open it again;
 * by the guest where the file system does not serve our root.
 */
static int
reopen(struct kproc *p, const struct file *f)
{
	const int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	char proc[PATH_PROCFD];
	int accmode = atomic_load(&f->flags) & RUMP_O_ACCMODE, fd;

	path_procfd(proc, f->hfd);
	if (cred_assume_server(p->hk) != 0)
		return -1;
	fd = open(proc, O_RDWR | flags);
	if (fd == -1)
		fd = open(proc, accmode | flags);
	if (fd == -1 && cred_assume(p) == 0)
		fd = open(proc, accmode | flags);
	return fd;
}

static int
owner_make(struct kproc *p, const struct file *f, struct plock_owner **op)
{
	struct plock_owner *o;

	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return RUMP_ENOMEM;
	o->fd = reopen(p, f);
	if (o->fd == -1) {
		free(o);
		return kern_errno();
	}
	o->p = p;
	o->dev = f->hdev;
	o->ino = f->hino;
	o->next = p->hk->plocks;
	p->hk->plocks = o;
	*op = o;
	return 0;
}

/* Closing the description lets the host's locks go. */
static void
owner_free(struct plock_owner **op)
{
	struct plock_owner *o = *op;
	struct plock *k;

	*op = o->next;
	while ((k = o->locks) != NULL) {
		o->locks = k->next;
		o->p->nplocks--;
		free(k);
	}
	close(o->fd);
	kern_nudge(o->p->hk);
	free(o);
}

void
plock_closed(struct kproc *p, struct file *f)
{
	struct plock_owner **op;

	if (!atomic_load(&p->has_plocks) || f->type != FILE_VNODE)
		return;
	pthread_mutex_lock(&p->hk->plock_lock);
	for (op = &p->hk->plocks; *op != NULL; op = &(*op)->next) {
		if ((*op)->p == p && (*op)->dev == f->hdev &&
		    (*op)->ino == f->hino) {
			owner_free(op);
			break;
		}
	}
	pthread_mutex_unlock(&p->hk->plock_lock);
}

void
plock_exit(struct kproc *p)
{
	struct plock_owner **op;

	if (!atomic_load(&p->has_plocks))
		return;
	pthread_mutex_lock(&p->hk->plock_lock);
	for (op = &p->hk->plocks; *op != NULL;) {
		if ((*op)->p == p)
			owner_free(op);
		else
			op = &(*op)->next;
	}
	pthread_mutex_unlock(&p->hk->plock_lock);
}

/* --- what is remembered; plock_lock held --- */

/*
 * Takes [start, end) out of the owner's ranges; one may fall in two, for
 * which *spare is used up.
 */
static void
ranges_cut(struct plock_owner *o, int64_t start, int64_t end,
    struct plock **spare)
{
	struct plock **kp = &o->locks, *k, *rest;

	while ((k = *kp) != NULL) {
		if (k->end <= start || k->start >= end) {
			kp = &k->next;
		} else if (k->start >= start && k->end <= end) {
			*kp = k->next;
			o->p->nplocks--;
			free(k);
		} else if (k->start < start && k->end > end) {
			rest = *spare;
			*spare = NULL;
			*rest = (struct plock){ .next = k->next,
			    .start = end, .end = k->end, .type = k->type };
			k->end = start;
			k->next = rest;
			o->p->nplocks++;
			return;
		} else if (k->start < start) {
			k->end = start;
			kp = &k->next;
		} else {
			k->start = end;
			kp = &k->next;
		}
	}
}

/* The process that holds a lock at `start`, other than p; -1: not ours. */
static pid_t
holder(struct kproc *p, const struct file *f, int64_t start)
{
	struct plock_owner *o;
	struct plock *k;

	for (o = p->hk->plocks; o != NULL; o = o->next) {
		if (o->p == p || o->dev != f->hdev || o->ino != f->hino)
			continue;
		for (k = o->locks; k != NULL; k = k->next) {
			if (k->start <= start && start < k->end)
				return o->p->pid;
		}
	}
	return -1;
}

/* --- the commands --- */

/*
 * A range as the host takes it: from the start of the file, never of
 * negative length.
 */
static int
absolute(const struct file *f, struct flock *fl)
{
	off_t base = 0;

	if (fl->l_whence == SEEK_CUR)
		base = lseek(f->hfd, 0, SEEK_CUR);
	else if (fl->l_whence == SEEK_END) {
		struct stat st;

		if (fstat(f->hfd, &st) != 0)
			return kern_errno();
		base = st.st_size;
	} else if (fl->l_whence != SEEK_SET)
		return RUMP_EINVAL;
	if (base == -1)
		return kern_errno();
	if (__builtin_add_overflow(base, fl->l_start, &fl->l_start))
		return RUMP_EOVERFLOW;
	if (fl->l_len < 0) {
		if (__builtin_add_overflow(fl->l_start, fl->l_len,
		    &fl->l_start))
			return RUMP_EINVAL;
		fl->l_len = -fl->l_len;
	}
	if (fl->l_start < 0)
		return RUMP_EINVAL;
	if (fl->l_len > INT64_MAX - fl->l_start)
		return RUMP_EOVERFLOW;
	fl->l_whence = SEEK_SET;
	return 0;
}

static int64_t
range_end(const struct flock *fl)
{

	return fl->l_len == 0 ? INT64_MAX : fl->l_start + fl->l_len;
}

/* plock_lock held; spare is memory for two ranges, used up as NULL. */
static int
set_lock(struct kproc *p, struct file *f, const struct flock *fl,
    struct plock *spare[2])
{
	struct flock host = *fl;
	struct plock_owner *o;
	struct plock *k;
	int error;

	/* Unlocking may cut a range in two, so it has more room. */
	if (p->nplocks >= KERN_PLOCKS * (fl->l_type == F_UNLCK ? 2u : 1u))
		return RUMP_ENOLCK;
	o = owner_find(p, f);
	if (o == NULL) {
		if (fl->l_type == F_UNLCK)
			return 0;
		error = owner_make(p, f, &o);
		if (error != 0)
			return error;
	}
	host.l_pid = 0;
	if (fcntl(o->fd, F_OFD_SETLK, &host) != 0)
		return errno == EACCES ? RUMP_EAGAIN : kern_errno();
	ranges_cut(o, fl->l_start, range_end(fl), &spare[0]);
	if (fl->l_type != F_WRLCK)
		kern_nudge(p->hk);
	if (fl->l_type == F_UNLCK)
		return 0;
	k = spare[1];
	spare[1] = NULL;
	*k = (struct plock){ .next = o->locks, .start = fl->l_start,
	    .end = range_end(fl), .type = fl->l_type };
	o->locks = k;
	p->nplocks++;
	return 0;
}

static int
try_lock(struct kproc *p, struct file *f, const struct flock *fl)
{
	struct plock *spare[2];
	int error;

	spare[0] = calloc(1, sizeof(*spare[0]));
	spare[1] = calloc(1, sizeof(*spare[1]));
	if (spare[0] == NULL || spare[1] == NULL) {
		error = RUMP_ENOMEM;
	} else {
		pthread_mutex_lock(&p->hk->plock_lock);
		atomic_store(&p->has_plocks, true);
		error = set_lock(p, f, fl, spare);
		pthread_mutex_unlock(&p->hk->plock_lock);
	}
	free(spare[0]);
	free(spare[1]);
	return error;
}

/* What stands in the way of a lock, with the process that holds it. */
static int
get_lock(struct kproc *p, struct file *f, struct flock *fl)
{
	struct plock_owner *o;
	int error = 0;

	pthread_mutex_lock(&p->hk->plock_lock);
	o = owner_find(p, f);
	fl->l_pid = 0;
	if (fcntl(o != NULL ? o->fd : f->hfd, F_OFD_GETLK, fl) != 0)
		error = kern_errno();
	else if (fl->l_type != F_UNLCK)
		fl->l_pid = holder(p, f, fl->l_start);
	pthread_mutex_unlock(&p->hk->plock_lock);
	return error;
}

/* plock_lock held: does whoever `pid` waits for wait for p in the end? */
static bool
leads_to(struct hostkern *hk, pid_t pid, const struct kproc *p)
{
	struct plock_wait *w;
	int depth;

	for (depth = 0; depth < LONGEST_CHAIN && pid != -1; depth++) {
		if (pid == p->pid)
			return true;
		for (w = hk->plock_waits; w != NULL && w->pid != pid;)
			w = w->next;
		pid = w != NULL ? w->holder : -1;
	}
	return false;
}

/* Finds out whom the wait is for; EDEADLK when that one waits for us. */
static int
find_holder(struct kproc *p, struct file *f, const struct flock *fl,
    struct plock_wait *w)
{
	struct flock asked = *fl;
	int error;

	error = get_lock(p, f, &asked);
	if (error != 0 || asked.l_type == F_UNLCK)
		return error;
	pthread_mutex_lock(&p->hk->plock_lock);
	w->holder = asked.l_pid;
	if (leads_to(p->hk, w->holder, p))
		error = RUMP_EDEADLK;
	pthread_mutex_unlock(&p->hk->plock_lock);
	return error;
}

static void
wait_enter(struct hostkern *hk, struct plock_wait *w)
{

	pthread_mutex_lock(&hk->plock_lock);
	w->next = hk->plock_waits;
	hk->plock_waits = w;
	pthread_mutex_unlock(&hk->plock_lock);
}

static void
wait_leave(struct hostkern *hk, struct plock_wait *w)
{
	struct plock_wait **wp;

	pthread_mutex_lock(&hk->plock_lock);
	for (wp = &hk->plock_waits; *wp != w; wp = &(*wp)->next)
		continue;
	*wp = w->next;
	pthread_mutex_unlock(&hk->plock_lock);
}

static int
wait_lock(struct lwp *l, struct file *f, const struct flock *fl)
{
	struct kproc *p = kern_proc(l);
	struct plock_wait w = { .pid = p->pid, .holder = -1 };
	unsigned round = 0;
	int error;

	wait_enter(p->hk, &w);
	while ((error = try_lock(p, f, fl)) == RUMP_EAGAIN) {
		error = find_holder(p, f, fl, &w);
		if (error == 0)
			error = kern_backoff(l, &round);
		if (error != 0)
			break;
	}
	wait_leave(p->hk, &w);
	return error;
}

/* Nothing in the way: only the type changes. */
static int
answer_getlk(struct lwp *l, struct file *f, struct flock *fl,
    struct rump_flock *nb, rump_uaddr_t arg)
{
	int error;

	error = get_lock(kern_proc(l), f, fl);
	if (error != 0)
		return error;
	if (fl->l_type == F_UNLCK)
		nb->l_type = RUMP_F_UNLCK;
	else
		error = rump_conv_flock_from_host(fl, nb);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, nb, arg, sizeof(*nb));
}

/* A read lock wants a file open for reading, a write lock one for writing. */
static int
check_mode(const struct file *f, short type)
{
	int accmode = atomic_load(&f->flags) & RUMP_O_ACCMODE;

	if (type == F_RDLCK && accmode == RUMP_O_WRONLY)
		return RUMP_EBADF;
	if (type == F_WRLCK && accmode == RUMP_O_RDONLY)
		return RUMP_EBADF;
	return 0;
}

int
plock_fcntl(struct lwp *l, struct file *f, int cmd, rump_uaddr_t arg)
{
	struct kproc *p = kern_proc(l);
	struct rump_flock nb;
	struct flock fl;
	int error;

	if (f->type != FILE_VNODE)
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, arg, &nb, sizeof(nb));
	if (error == 0)
		error = rump_conv_flock_to_host(&nb, &fl);
	if (error == 0)
		error = absolute(f, &fl);
	if (error != 0)
		return error;
	if (cmd == RUMP_F_GETLK)
		return answer_getlk(l, f, &fl, &nb, arg);
	error = check_mode(f, fl.l_type);
	if (error != 0)
		return error;
	if (cmd == RUMP_F_SETLK)
		return try_lock(p, f, &fl);
	return wait_lock(l, f, &fl);
}
