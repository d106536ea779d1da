/*
 * Advisory locks: flock(2), and the byte ranges of fcntl(2).
 *
 * Who among the guests has what, and who waits, is in a table of ours, by
 * file.  A byte range belongs to a process, a lock of flock to an open file;
 * the two kinds do not see each other.  The host's locks are taken beside that,
 * for its other processes, on the very description that the guest locks by: so
 * nothing is opened for a lock, and none asks for more than the guest may.
 * That works as closing any descriptor of a file lets all of the process's
 * ranges in it go: none outlives the descriptor it came by.
 *
 * Who lets go of something gives it to those who wait for it, in their order.
 * Of those whom only a process of the host is in the way of, one a file asks
 * again from time to time, for all of them.
 *
 * Locks: locktab.lock guards the table of files, their references, and how
 * many locks a user has; lockfile.lock a file's locks and those who wait for
 * them; locktab.waits_lock which process waits for which.  They are taken in
 * the order lockfile.lock, then one of the others.  The host's calls made
 * with lockfile.lock held do not block.
 */
#include <sys/file.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "hostkern/kcv.h"
#include "hostkern/ktime.h"
#include "hostkern/lock.h"

enum {
	FILE_BUCKETS = 1024,
	USER_BUCKETS = 64,
	/* Processes that wait for one another, at most: NetBSD's
	 * maxlockdepth. */
	LONGEST_CHAIN = 50,
	/* How often a process of the host is asked, from, and in the end. */
	ASK_FIRST_MS = 1,
	ASK_LAST_MS = 512,
};

/* How many locks a user has or waits for. */
struct lockuser {
	LIST_ENTRY(lockuser) link;
	uid_t uid;
	unsigned n;
};

/* [start, end), end INT64_MAX being the end wherever it moves. */
struct lock {
	TAILQ_ENTRY(lock) link;		/* lockfile's held or waiting */
	struct kproc *p;		/* whose range it is; NULL: flock's */
	struct file *f;			/* whose lock it is for flock; has the
					 * host's; a range has a reference */
	struct lockuser *user;
	struct rumpserver_account *payer;
	struct lockwait *wait;		/* if it is waited for */
	short type;			/* F_RDLCK, F_WRLCK; F_UNLCK */
	int64_t start, end;
};

TAILQ_HEAD(locklist, lock);

/* A call that waits; on its stack.  lockfile.lock. */
struct lockwait {
	LIST_ENTRY(lockwait) link;	/* the process's; waits_lock */
	struct kproc *on;		/* who has it, if a range; waits_lock */
	struct lock *spare;
	struct kcv changed;		/* done, or to be the asker */
	bool behind_host;
	bool done;
	int error;
};

LIST_HEAD(waitlist, lockwait);

/* A file that is locked or waited for. */
struct lockfile {
	LIST_ENTRY(lockfile) link;
	uint64_t dev, ino;
	unsigned refs;			/* calls at it; locktab.lock */
	pthread_mutex_t lock;
	struct locklist held;
	struct locklist waiting;	/* in the order of their coming */
	struct lockwait *asker;		/* asks the host for all */
	unsigned ask_ms;
};

struct locktab {
	pthread_mutex_t lock;
	LIST_HEAD(, lockfile) files[FILE_BUCKETS];
	LIST_HEAD(, lockuser) users[USER_BUCKETS];
	pthread_mutex_t waits_lock;
};

static struct locktab *
locktab_of(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_LOCK];
}

static int
lock_create(struct hostkern *hk)
{
	struct locktab *tab;

	tab = calloc(1, sizeof(*tab));
	if (tab == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&tab->lock, NULL);
	pthread_mutex_init(&tab->waits_lock, NULL);
	hk->ext[KERN_SLOT_LOCK] = tab;
	return 0;
}

static void
lock_destroy(struct hostkern *hk)
{
	struct locktab *tab = locktab_of(hk);

	if (tab == NULL)
		return;
	pthread_mutex_destroy(&tab->lock);
	pthread_mutex_destroy(&tab->waits_lock);
	free(tab);
	hk->ext[KERN_SLOT_LOCK] = NULL;
}

const struct kern_module lock_module = {
	.create = lock_create,
	.destroy = lock_destroy,
};

/* --- files --- */

/* With a reference; NULL when it is in no table and not to be made, or there
 * is no memory. */
static struct lockfile *
lockfile_get(const struct file *f, bool make)
{
	struct locktab *tab = locktab_of(f->hk);
	uint64_t dev = f->hdev, ino = f->hino;
	struct lockfile *lf;
	size_t i;

	if (f->dev != NULL) {
		dev = 0;
		ino = (uintptr_t)f->dev;
	}
	i = (ino ^ dev) % FILE_BUCKETS;
	pthread_mutex_lock(&tab->lock);
	LIST_FOREACH(lf, &tab->files[i], link)
		if (lf->dev == dev && lf->ino == ino)
			break;
	if (lf == NULL && make && (lf = calloc(1, sizeof(*lf))) != NULL) {
		lf->dev = dev;
		lf->ino = ino;
		lf->ask_ms = ASK_FIRST_MS;
		pthread_mutex_init(&lf->lock, NULL);
		TAILQ_INIT(&lf->held);
		TAILQ_INIT(&lf->waiting);
		LIST_INSERT_HEAD(&tab->files[i], lf, link);
	}
	if (lf != NULL)
		lf->refs++;
	pthread_mutex_unlock(&tab->lock);
	return lf;
}

/* A file stays as long as there are locks. */
static void
lockfile_put(struct hostkern *hk, struct lockfile *lf)
{
	struct locktab *tab = locktab_of(hk);
	bool last;

	pthread_mutex_lock(&tab->lock);
	last = --lf->refs == 0 && TAILQ_EMPTY(&lf->held);
	if (last)
		LIST_REMOVE(lf, link);
	pthread_mutex_unlock(&tab->lock);
	if (!last)
		return;
	pthread_mutex_destroy(&lf->lock);
	free(lf);
}

/* --- locks --- */

/* One more for that user, if there are not as many as `most'. */
static struct lockuser *
user_charge(struct locktab *tab, uid_t uid, unsigned most)
{
	struct lockuser *u;

	pthread_mutex_lock(&tab->lock);
	LIST_FOREACH(u, &tab->users[uid % USER_BUCKETS], link)
		if (u->uid == uid)
			break;
	if (u == NULL && (u = calloc(1, sizeof(*u))) != NULL) {
		u->uid = uid;
		LIST_INSERT_HEAD(&tab->users[uid % USER_BUCKETS], u, link);
	}
	if (u != NULL && u->n >= most)
		u = NULL;
	if (u != NULL)
		u->n++;
	pthread_mutex_unlock(&tab->lock);
	return u;
}

/* A second for who has one. */
static struct lockuser *
user_ref(struct locktab *tab, struct lockuser *u)
{

	pthread_mutex_lock(&tab->lock);
	u->n++;
	pthread_mutex_unlock(&tab->lock);
	return u;
}

static void
user_refund(struct locktab *tab, struct lockuser *u)
{

	if (u == NULL)
		return;
	pthread_mutex_lock(&tab->lock);
	if (--u->n == 0)
		LIST_REMOVE(u, link);
	else
		u = NULL;
	pthread_mutex_unlock(&tab->lock);
	free(u);
}

/* Memory for a lock, for which its user is not counted yet, or NULL. */
static struct lock *
lock_alloc(struct kproc *p)
{
	struct lock *k;

	if (!rumpserver_charge(p->account, RUMPSERVER_BYTES, sizeof(*k)))
		return NULL;
	k = calloc(1, sizeof(*k));
	if (k == NULL) {
		rumpserver_refund(p->account, RUMPSERVER_BYTES, sizeof(*k));
		return NULL;
	}
	k->payer = p->account;
	rumpserver_account_ref(k->payer);
	return k;
}

/* No lock held: the file may go with it. */
static void
lock_free(struct hostkern *hk, struct lock *k)
{

	if (k == NULL)
		return;
	user_refund(locktab_of(hk), k->user);
	rumpserver_refund(k->payer, RUMPSERVER_BYTES, sizeof(*k));
	rumpserver_account_put(k->payer);
	if (k->p != NULL)
		file_put(k->f);
	free(k);
}

static void
locks_free(struct hostkern *hk, struct locklist *gone)
{
	struct lock *k;

	while ((k = TAILQ_FIRST(gone)) != NULL) {
		TAILQ_REMOVE(gone, k, link);
		lock_free(hk, k);
	}
}

static bool
overlap(const struct lock *a, const struct lock *b)
{

	return a->start < b->end && b->start < a->end;
}

static bool
same_owner(const struct lock *a, const struct lock *b)
{

	return a->p == b->p && (a->p != NULL || a->f == b->f);
}

static bool
conflict(const struct lock *a, const struct lock *b)
{

	return (a->p == NULL) == (b->p == NULL) && !same_owner(a, b) &&
	    (a->type == F_WRLCK || b->type == F_WRLCK) && overlap(a, b);
}

/* lf->lock held: what a guest has that is in the way; NULL: nothing. */
static struct lock *
blocker(struct lockfile *lf, const struct lock *wanted)
{
	struct lock *k;

	TAILQ_FOREACH(k, &lf->held, link)
		if (conflict(k, wanted))
			break;
	return k;
}

/* --- the host's; lf->lock held --- */

static int
host_range(const struct file *f, short type, int64_t start, int64_t end)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = end == INT64_MAX ? 0 : end - start };

	if (fcntl(f->hfd, F_OFD_SETLK, &fl) == 0)
		return 0;
	return errno == EACCES ? RUMP_EAGAIN : kern_errno();
}

static int
host_flock(const struct file *f, short type)
{
	int how = type == F_UNLCK ? LOCK_UN : type == F_RDLCK ? LOCK_SH :
	    LOCK_EX;

	while (flock(f->hfd, how | LOCK_NB) != 0) {
		if (errno != EINTR)
			return kern_errno();
	}
	return 0;
}

/* What all ranges on f at `at' come to; *next: up to where that is so. */
static short
held_at(struct lockfile *lf, const struct file *f, int64_t at, int64_t *next)
{
	short type = F_UNLCK;
	struct lock *k;

	TAILQ_FOREACH(k, &lf->held, link) {
		if (k->p == NULL || k->f != f)
			continue;
		if (k->start <= at && at < k->end && type != F_WRLCK)
			type = k->type;
		if (k->start > at && k->start < *next)
			*next = k->start;
		if (k->end > at && k->end < *next)
			*next = k->end;
	}
	return type;
}

/* The host's locks on f become what is held: a fork's process may have some on
 * the same description. */
static void
host_settle(struct lockfile *lf, const struct lock *was, int64_t start,
    int64_t end)
{
	int64_t next;
	short type;

	if (was->p == NULL) {
		(void)host_flock(was->f, F_UNLCK);
		return;
	}
	for (; start < end; start = next) {
		next = end;
		type = held_at(lf, was->f, start, &next);
		(void)host_range(was->f, type, start, next);
	}
}

/* The process's ranges on its other descriptions of the file are in the host's
 * eyes somebody else's: let go of there where the new one will be. */
static bool
host_let_go(struct lockfile *lf, const struct lock *new)
{
	struct lock *k;
	bool any = false;

	TAILQ_FOREACH(k, &lf->held, link) {
		if (!same_owner(k, new) || k->f == new->f || !overlap(k, new))
			continue;
		any = true;
		(void)host_range(k->f, F_UNLCK, new->start, new->end);
	}
	return any;
}

static void
host_take_back(struct lockfile *lf, const struct lock *new)
{
	struct lock *k;

	TAILQ_FOREACH(k, &lf->held, link)
		if (same_owner(k, new) && overlap(k, new))
			host_settle(lf, k, k->start, k->end);
}

static int
host_lock(struct lockfile *lf, const struct lock *new)
{
	struct lock *k;
	int error;

	if (new->p != NULL) {
		error = host_range(new->f, new->type, new->start, new->end);
		if (error == RUMP_EAGAIN && host_let_go(lf, new)) {
			error = host_range(new->f, new->type, new->start,
			    new->end);
			if (error != 0)
				host_take_back(lf, new);
		}
		return error;
	}
	error = host_flock(new->f, new->type);
	if (error == 0)
		return 0;
	/* The host has let the old one go. */
	TAILQ_FOREACH(k, &lf->held, link)
		if (same_owner(k, new))
			(void)host_flock(k->f, k->type);
	return error;
}

/* --- the table; lf->lock held --- */

/*
 * Takes what `by' covers out of its owner's locks.  What goes is put on
 * `gone'; a range may fall in two, for which *spare is used up.  What is on
 * the description of a lock that takes its place has changed in the host
 * already.
 */
static void
cut(struct lockfile *lf, const struct lock *by, struct lock **spare,
    struct locklist *gone)
{
	struct lock *k, *after, *rest;
	struct lock was;

	for (k = TAILQ_FIRST(&lf->held); k != NULL; k = after) {
		after = TAILQ_NEXT(k, link);
		if (!same_owner(k, by) || !overlap(k, by))
			continue;
		was = *k;
		if (k->start >= by->start && k->end <= by->end) {
			TAILQ_REMOVE(&lf->held, k, link);
			TAILQ_INSERT_TAIL(gone, k, link);
		} else if (k->start < by->start && k->end > by->end) {
			rest = *spare;
			*spare = NULL;
			rest->user = user_ref(locktab_of(k->f->hk), k->user);
			rest->p = k->p;
			rest->f = k->f;
			file_ref(rest->f);
			rest->type = k->type;
			rest->start = by->end;
			rest->end = k->end;
			k->end = by->start;
			TAILQ_INSERT_AFTER(&lf->held, k, rest, link);
		} else if (k->start < by->start) {
			k->end = by->start;
		} else {
			k->start = by->end;
		}
		if (by->type == F_UNLCK || k->f != by->f)
			host_settle(lf, &was,
			    was.start > by->start ? was.start : by->start,
			    was.end < by->end ? was.end : by->end);
	}
}

/* What is wanted is had, or EAGAIN; then *held says by whom, NULL being the
 * host. */
static int
take(struct lockfile *lf, struct lock *new, struct lock **spare,
    struct lock **held, struct locklist *gone)
{
	int error;

	*held = blocker(lf, new);
	if (*held != NULL)
		return RUMP_EAGAIN;
	error = host_lock(lf, new);
	if (error != 0)
		return error;
	cut(lf, new, spare, gone);
	TAILQ_INSERT_TAIL(&lf->held, new, link);
	return 0;
}

/* --- who waits; lf->lock held --- */

static struct waitlist *
waits_of(struct kproc *p)
{

	return (struct waitlist *)&p->ext[KERN_SLOT_LOCK];
}

/*
 * k waits for `on', or NULL: whoever is no process of ours.  EDEADLK when that
 * one waits for k's process in the end.  A process's last lock in a file goes
 * before the process, and with it goes what is said here of those who waited.
 */
static int
wait_for(struct lock *k, struct kproc *on)
{
	struct locktab *tab = locktab_of(k->f->hk);
	struct lockwait *w;
	int depth, error = 0;

	if (k->p == NULL)
		return 0;
	pthread_mutex_lock(&tab->waits_lock);
	k->wait->on = on;
	for (depth = 0; on != NULL && depth < LONGEST_CHAIN; depth++) {
		if (on == k->p) {
			error = RUMP_EDEADLK;
			break;
		}
		w = LIST_FIRST(waits_of(on));
		on = w != NULL ? w->on : NULL;
	}
	pthread_mutex_unlock(&tab->waits_lock);
	return error;
}

/* The wait is over, with the lock or without. */
static void
end_wait(struct lockfile *lf, struct lock *k, int error)
{
	struct lockwait *w = k->wait;

	(void)wait_for(k, NULL);	/* whom it has not got it from may go */
	k->wait = NULL;
	w->done = true;
	w->error = error;
	if (lf->asker == w)
		lf->asker = NULL;
	kcv_signal(&w->changed);
}

/* Somebody asks the host, if anybody is behind it. */
static void
choose_asker(struct lockfile *lf)
{
	struct lock *k;

	if (lf->asker != NULL && lf->asker->behind_host)
		return;
	lf->asker = NULL;
	TAILQ_FOREACH(k, &lf->waiting, link)
		if (k->wait->behind_host)
			break;
	if (k == NULL) {
		lf->ask_ms = ASK_FIRST_MS;
		return;
	}
	lf->asker = k->wait;
	kcv_signal(&k->wait->changed);
}

/* What the host has refused once it refuses those who want as much. */
static bool
covers(const struct lock *k, const struct lock *refused)
{

	return refused != NULL && (k->p == NULL) == (refused->p == NULL) &&
	    (k->type == F_WRLCK || refused->type == F_RDLCK) &&
	    k->start <= refused->start && k->end >= refused->end;
}

/*
 * Gives k, which waits, what it wants, if it can have it now; else it stays in
 * its place.  *refused is one to whom the host has just refused a lock, or
 * NULL.
 */
static void
serve(struct lockfile *lf, struct lock *k, const struct lock **refused,
    struct locklist *gone)
{
	struct lock *after = TAILQ_NEXT(k, link), *held;
	int error;

	if (covers(k, *refused) && blocker(lf, k) == NULL) {
		k->wait->behind_host = true;
		(void)wait_for(k, NULL);
		return;
	}
	TAILQ_REMOVE(&lf->waiting, k, link);
	error = take(lf, k, &k->wait->spare, &held, gone);
	k->wait->behind_host = error == RUMP_EAGAIN && held == NULL;
	if (k->wait->behind_host)
		*refused = k;
	if (error == RUMP_EAGAIN)
		error = wait_for(k, held != NULL ? held->p : NULL);
	if (error != 0 || (held == NULL && !k->wait->behind_host)) {
		end_wait(lf, k, error);
		return;
	}
	if (after != NULL)
		TAILQ_INSERT_BEFORE(after, k, link);
	else
		TAILQ_INSERT_TAIL(&lf->waiting, k, link);
}

/* Gives those who wait what they can have now. */
static void
serve_waiting(struct lockfile *lf, struct locklist *gone)
{
	const struct lock *refused = NULL;
	struct lock *k, *after;

	for (k = TAILQ_FIRST(&lf->waiting); k != NULL; k = after) {
		after = TAILQ_NEXT(k, link);
		serve(lf, k, &refused, gone);
	}
	choose_asker(lf);
}

static void
enter_waits(struct lock *k)
{
	struct locktab *tab = locktab_of(k->f->hk);

	if (k->p == NULL)
		return;
	pthread_mutex_lock(&tab->waits_lock);
	LIST_INSERT_HEAD(waits_of(k->p), k->wait, link);
	pthread_mutex_unlock(&tab->waits_lock);
}

static void
leave_waits(struct locktab *tab, struct kproc *p, struct lockwait *w)
{

	if (p == NULL)
		return;
	pthread_mutex_lock(&tab->waits_lock);
	LIST_REMOVE(w, link);
	pthread_mutex_unlock(&tab->waits_lock);
}

/* Sleeps until it is done, or the time to ask the host, which is 0 as well. */
static int
sleep_once(struct lwp *l, struct lockfile *lf, struct lockwait *w,
    struct locklist *gone)
{
	int64_t until = INT64_MAX;
	int error;

	if (lf->asker == w)
		until = ktime_add(ktime_uptime(),
		    (int64_t)lf->ask_ms * 1000000);
	error = kcv_wait(&w->changed, &lf->lock, l, until);
	if (error != RUMP_EWOULDBLOCK)
		return error;
	if (lf->ask_ms < ASK_LAST_MS)
		lf->ask_ms *= 2;
	serve_waiting(lf, gone);
	return 0;
}

/*
 * Whether it got the lock or not, it is not waited for any more.  Once it is
 * done, k is the table's, and may have gone with another call's.
 */
static int
wait_lock(struct lwp *l, struct lockfile *lf, struct lock *k,
    struct lock **spare, struct locklist *gone)
{
	struct lockwait w = { .spare = *spare };
	const struct lock *refused = NULL;
	struct kproc *p = k->p;
	int error = 0;

	kcv_init(&w.changed);
	k->wait = &w;
	enter_waits(k);
	TAILQ_INSERT_TAIL(&lf->waiting, k, link);
	serve(lf, k, &refused, gone);
	choose_asker(lf);
	while (!w.done && error == 0)
		error = sleep_once(l, lf, &w, gone);
	if (w.done) {
		error = w.error;
	} else {
		TAILQ_REMOVE(&lf->waiting, k, link);
		if (lf->asker == &w)
			lf->asker = NULL;
		choose_asker(lf);
	}
	leave_waits(locktab_of(kern_proc(l)->hk), p, &w);
	*spare = w.spare;
	return error;
}

/* --- setting --- */

/*
 * p NULL: for flock.  Letting go may take one more, where a range falls in
 * two; so for it there is more room, as in NetBSD.  NULL: there are too many.
 */
static struct lock *
lock_make(struct lwp *l, struct kproc *p, struct file *f, short type)
{
	struct kproc *me = kern_proc(l);
	struct kcred *cred;
	struct lock *k;

	k = lock_alloc(me);
	if (k == NULL)
		return NULL;
	cred = cred_get(me);
	k->user = user_charge(locktab_of(me->hk), cred->euid,
	    KERN_PLOCKS * (type == F_UNLCK ? 2u : 1u));
	cred_put(cred);
	if (k->user == NULL) {
		lock_free(me->hk, k);
		return NULL;
	}
	k->p = p;
	k->f = f;
	if (p != NULL)
		file_ref(f);
	k->type = type;
	k->end = INT64_MAX;
	return k;
}

/* With the file's lock: takes k over unless it fails. */
static int
apply(struct lwp *l, struct lockfile *lf, struct lock *k, struct lock **spare,
    bool wait, struct locklist *gone)
{
	const struct lock old = { .f = k->f, .end = INT64_MAX,
	    .type = F_UNLCK };
	const short type = k->type;	/* k may be gone after a wait */
	struct lock *held;
	int error;

	if (type == F_UNLCK) {
		cut(lf, k, spare, gone);
		TAILQ_INSERT_TAIL(gone, k, link);
		error = 0;
	} else {
		error = take(lf, k, spare, &held, gone);
	}
	if (error == RUMP_EAGAIN && wait) {
		/* As NetBSD does: two that share a lock and want it alone
		 * would wait for each other. */
		if (k->p == NULL)
			cut(lf, &old, spare, gone);
		if (!TAILQ_EMPTY(gone))
			serve_waiting(lf, gone);
		error = wait_lock(l, lf, k, spare, gone);
	}
	if (type != F_WRLCK)
		serve_waiting(lf, gone);
	return error;
}

/* Takes k over. */
static int
set_lock(struct lwp *l, struct lock *k, bool wait)
{
	struct kproc *p = kern_proc(l);
	struct locklist gone = TAILQ_HEAD_INITIALIZER(gone);
	struct lock *spare = NULL;
	struct lockfile *lf = NULL;
	int error = RUMP_ENOLCK;

	spare = lock_alloc(p);
	if (spare != NULL)
		lf = lockfile_get(k->f, true);
	if (lf == NULL) {
		lock_free(p->hk, spare);
		lock_free(p->hk, k);
		return error;
	}
	pthread_mutex_lock(&lf->lock);
	error = apply(l, lf, k, &spare, wait, &gone);
	pthread_mutex_unlock(&lf->lock);
	if (error != 0)
		lock_free(p->hk, k);
	lock_free(p->hk, spare);
	locks_free(p->hk, &gone);
	lockfile_put(p->hk, lf);
	return error;
}

/* The owner of `all', F_UNLCK for the whole file, lets go of everything. */
static void
let_go(const struct lock *all)
{
	struct locklist gone = TAILQ_HEAD_INITIALIZER(gone);
	struct hostkern *hk = all->f->hk;
	struct lockfile *lf;
	struct lock *none = NULL;	/* nothing falls in two */

	lf = lockfile_get(all->f, false);
	if (lf == NULL)
		return;
	pthread_mutex_lock(&lf->lock);
	cut(lf, all, &none, &gone);
	if (!TAILQ_EMPTY(&gone))
		serve_waiting(lf, &gone);
	pthread_mutex_unlock(&lf->lock);
	locks_free(hk, &gone);
	lockfile_put(hk, lf);
}

void
plock_closed(struct kproc *p, struct file *f)
{

	if (atomic_load(&p->has_plocks) && f->type == FILE_VNODE)
		let_go(&(struct lock){ .p = p, .f = f, .end = INT64_MAX,
		    .type = F_UNLCK });
}

/* --- flock --- */

void
flock_closed(struct file *f)
{

	if (!atomic_load(&f->flocked))
		return;
	let_go(&(struct lock){ .f = f, .end = INT64_MAX, .type = F_UNLCK });
}

int
file_flock(struct lwp *l, struct file *f, int how, bool nonblock)
{
	short type = how == LOCK_UN ? F_UNLCK : how == LOCK_SH ? F_RDLCK :
	    F_WRLCK;
	struct lock *k;

	k = lock_make(l, NULL, f, type);
	if (k == NULL)
		return RUMP_ENOLCK;
	atomic_store(&f->flocked, true);
	return set_lock(l, k, !nonblock);
}

/* --- fcntl --- */

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
	/* No file has a byte there, and no range that would hold it an end. */
	if (fl->l_start == INT64_MAX || fl->l_len > INT64_MAX - fl->l_start)
		return RUMP_EOVERFLOW;
	fl->l_whence = SEEK_SET;
	return 0;
}

static int64_t
range_end(const struct flock *fl)
{

	return fl->l_len == 0 ? INT64_MAX : fl->l_start + fl->l_len;
}

/* lf->lock held: one of the process's own, on another description, is what the
 * host means. */
static bool
is_own(struct lockfile *lf, const struct lock *wanted, const struct flock *fl)
{
	const struct lock found = { .start = fl->l_start,
	    .end = range_end(fl) };
	struct lock *k;

	TAILQ_FOREACH(k, &lf->held, link)
		if (same_owner(k, wanted) && overlap(k, &found))
			break;
	return k != NULL;
}

/* What stands in the way of a lock, with the process that holds it, or -1. */
static int
get_lock(struct kproc *p, struct file *f, struct flock *fl)
{
	const struct lock wanted = { .p = p, .f = f, .type = fl->l_type,
	    .start = fl->l_start, .end = range_end(fl) };
	struct lockfile *lf;
	struct lock *k;
	int error = 0;

	lf = lockfile_get(f, true);
	if (lf == NULL)
		return RUMP_ENOLCK;
	pthread_mutex_lock(&lf->lock);
	k = blocker(lf, &wanted);
	fl->l_pid = 0;
	if (k != NULL)
		*fl = (struct flock){ .l_type = k->type, .l_whence = SEEK_SET,
		    .l_start = k->start, .l_pid = k->p->pid,
		    .l_len = k->end == INT64_MAX ? 0 : k->end - k->start };
	else if (fcntl(f->hfd, F_OFD_GETLK, fl) != 0)
		error = kern_errno();
	else if (fl->l_type != F_UNLCK && is_own(lf, &wanted, fl))
		fl->l_type = F_UNLCK;
	else if (fl->l_type != F_UNLCK)
		fl->l_pid = -1;
	pthread_mutex_unlock(&lf->lock);
	lockfile_put(p->hk, lf);
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

/* Another call may have closed the descriptor before there was a lock. */
static void
check_open(struct kproc *p, int fd, struct file *f)
{
	struct file *now;

	if (fd_get(p, fd, &now) != 0) {
		plock_closed(p, f);
		return;
	}
	if (now != f)
		plock_closed(p, f);
	file_put(now);
}

static int
do_setlk(struct lwp *l, struct file *f, const struct flock *fl, bool wait)
{
	struct kproc *p = kern_proc(l);
	struct lock *k;

	k = lock_make(l, p, f, fl->l_type);
	if (k == NULL)
		return RUMP_ENOLCK;
	k->start = fl->l_start;
	k->end = range_end(fl);
	atomic_store(&p->has_plocks, true);
	return set_lock(l, k, wait);
}

int
plock_fcntl(struct lwp *l, int fd, struct file *f, int cmd, rump_uaddr_t arg)
{
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
	if (error == 0)
		error = do_setlk(l, f, &fl, cmd == RUMP_F_SETLKW);
	if (error == 0)
		check_open(kern_proc(l), fd, f);
	return error;
}
