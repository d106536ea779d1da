/*
 * Processes: their life, the tree under init, limits, and the calls about
 * them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/dev.h"
#include "hostkern/kern.h"
#include "hostkern/pgrp.h"

enum { FIRST_CMASK = 022, USER_BUCKETS = 1024, ORPHANS_AT_ONCE = 64 };

/* Who has processes, by real uid. */
struct kuser {
	LIST_ENTRY(kuser) link;
	uid_t uid;
	unsigned nprocs;
};

struct kusers {
	LIST_HEAD(, kuser) buckets[USER_BUCKETS];
};

/* --- users; proc_lock held --- */

/* Counts one more process; NULL: no memory. */
static struct kuser *
user_enter(struct hostkern *hk, uid_t uid)
{
	/* Numbers in a row, or a stride apart, are not to share a bucket. */
	const uint32_t hash = (uint32_t)uid * UINT32_C(2654435769) >> 22;
	struct kuser *u;

	LIST_FOREACH(u, &hk->users->buckets[hash], link) {
		if (u->uid == uid)
			break;
	}
	if (u == NULL) {
		u = calloc(1, sizeof(*u));
		if (u == NULL)
			return NULL;
		u->uid = uid;
		LIST_INSERT_HEAD(&hk->users->buckets[hash], u, link);
	}
	u->nprocs++;
	return u;
}

static void
user_leave(struct kuser *u)
{

	if (--u->nprocs == 0) {
		LIST_REMOVE(u, link);
		free(u);
	}
}

int
proc_setuser(struct kproc *p, uid_t uid)
{
	struct kuser *u;

	u = user_enter(p->hk, uid);
	if (u == NULL)
		return RUMP_ENOMEM;
	user_leave(p->user);
	p->user = u;
	return 0;
}

/* --- kept from going --- */

void
proc_hold(struct kproc *p)
{

	p->holds++;
}

void
proc_release(struct kproc *p)
{
	struct hostkern *hk = p->hk;

	pthread_mutex_lock(&hk->proc_lock);
	if (--p->holds == 0)
		pthread_cond_broadcast(&hk->released);
	pthread_mutex_unlock(&hk->proc_lock);
}

/* --- birth and death --- */

static void
set_comm(struct kproc *p, const char *comm)
{
	const char *base = strrchr(comm, '/');

	pthread_mutex_lock(&p->lock);
	snprintf(p->comm, sizeof(p->comm), "%.*s", KERN_COMLEN,
	    base != NULL ? base + 1 : comm);
	pthread_mutex_unlock(&p->lock);
}

static struct kproc *
proc_alloc(struct hostkern *hk, struct rump_proc *rp)
{
	struct kproc *p;

	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return NULL;
	p->account = rumpserver_proc_account(rp);
	if (fdtable_init(&p->fdt, p->account) != 0) {
		rumpserver_account_put(p->account);
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	p->hk = hk;
	p->rp = rp;
	return p;
}

static void
proc_free(struct kproc *p)
{

	fdtable_free(p);
	cred_put(p->cred);
	kdir_put(p->cwd);
	kdir_put(p->root);
	rumpserver_account_put(p->account);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/*
 * May p's user have one more process (RLIMIT_NPROC), now that p is counted?  As
 * on NetBSD the superuser may.  proc_lock held.
 */
static bool
is_allowed(struct kproc *p)
{

	return p->user->uid == 0 ||
	    p->user->nprocs <= proc_rlimit(p, RUMP_RLIMIT_NPROC);
}

/* proc_lock held. */
static int
enter(struct kproc *p, struct kproc *parent)
{
	struct kpgrp *pg;
	int error;

	p->user = user_enter(p->hk, p->cred->ruid);
	if (p->user == NULL)
		return RUMP_ENOMEM;
	error = is_allowed(p) ? pid_take(p) : RUMP_EAGAIN;
	if (error != 0)
		goto fail;
	pg = parent != NULL ? parent->pgrp : pgrp_first(p->hk);
	if (pg == NULL) {
		pid_free(p);
		error = RUMP_ENOMEM;
		goto fail;
	}
	pgrp_join(p, pg);
	p->serial = ++p->hk->lastserial;
	p->parent = parent;
	atomic_store(&p->ppid, parent != NULL ? parent->pid : INIT_PID);
	if (parent != NULL)
		LIST_INSERT_HEAD(&parent->children, p, sibling);
	return 0;

fail:
	user_leave(p->user);
	return error;
}

/* Gives p its number and its place in the tree. */
static int
proc_enter(struct kproc *p, struct kproc *parent)
{
	int error;

	pthread_mutex_lock(&p->hk->proc_lock);
	error = enter(p, parent);
	pthread_mutex_unlock(&p->hk->proc_lock);
	return error;
}

/* Children become init's.  False: there are more. */
static bool
leave_children(struct kproc *p)
{
	struct kproc *q;
	int n;

	pthread_mutex_lock(&p->hk->proc_lock);
	for (n = 0; n < ORPHANS_AT_ONCE; n++) {
		q = LIST_FIRST(&p->children);
		if (q == NULL)
			break;
		LIST_REMOVE(q, sibling);
		q->parent = NULL;
		atomic_store(&q->ppid, INIT_PID);
	}
	pthread_mutex_unlock(&p->hk->proc_lock);
	return n < ORPHANS_AT_ONCE;
}

/* Out of the tree, and out of the hands of those who have found it there. */
static void
proc_leave(struct kproc *p)
{
	struct hostkern *hk = p->hk;

	while (!leave_children(p))
		continue;
	pthread_mutex_lock(&hk->proc_lock);
	if (p->parent != NULL)
		LIST_REMOVE(p, sibling);
	pgrp_leave(p);
	user_leave(p->user);
	pid_free(p);
	while (p->holds > 0)
		pthread_cond_wait(&hk->released, &hk->proc_lock);
	pthread_mutex_unlock(&hk->proc_lock);
}

int
procs_create(struct hostkern *hk)
{
	int error;

	error = pids_create(hk);
	if (error != 0)
		return error;
	hk->users = calloc(1, sizeof(*hk->users));
	return hk->users != NULL ? 0 : RUMP_ENOMEM;
}

void
procs_destroy(struct hostkern *hk)
{

	pids_destroy(hk);
	free(hk->users);
}

static void
modules_exit(struct kproc *p, size_t n)
{

	while (n-- > 0) {
		if (kern_modules[n]->proc_exit != NULL)
			kern_modules[n]->proc_exit(p);
	}
}

static size_t
nmodules(void)
{
	size_t n = 0;

	while (kern_modules[n] != NULL)
		n++;
	return n;
}

/* parent NULL: a guest, not a copy. */
static int
modules_start(struct kproc *p, struct kproc *parent)
{
	const struct kern_module *m;
	size_t i;
	int error;

	for (i = 0; kern_modules[i] != NULL; i++) {
		m = kern_modules[i];
		error = 0;
		if (parent == NULL && m->proc_new != NULL)
			error = m->proc_new(p);
		else if (parent != NULL && m->proc_copy != NULL)
			error = m->proc_copy(p, parent);
		if (error != 0) {
			modules_exit(p, i);
			return error;
		}
	}
	return 0;
}

static void
first_limits(struct kproc *p)
{
	int i;

	for (i = 0; i < RUMP_RLIM_NLIMITS; i++) {
		p->rlimit[i].rlim_cur = RUMP_RLIM_INFINITY;
		p->rlimit[i].rlim_max = RUMP_RLIM_INFINITY;
	}
	p->rlimit[RUMP_RLIMIT_NOFILE].rlim_cur = KERN_NOFILE;
	p->rlimit[RUMP_RLIMIT_NOFILE].rlim_max = KERN_NOFILE_MAX;
}

static void
modules_forked(struct kproc *p, struct kproc *parent)
{
	size_t i;

	for (i = 0; kern_modules[i] != NULL; i++) {
		if (kern_modules[i]->proc_forked != NULL)
			kern_modules[i]->proc_forked(p, parent);
	}
}

static int
take_cred(struct kproc *p, struct kcred *c)
{

	if (c == NULL)
		return RUMP_ENOMEM;
	cred_put(p->cred);
	p->cred = c;
	return cred_check(p->hk, c);
}

/* Who the peer is on the host.  In a container the groups may have no numbers
 * here; then it has none. */
static int
first_cred(struct kproc *p, const struct rumpserver_peer *peer)
{
	struct hostkern *hk = p->hk;
	int error;

	if (!peer->known)
		return take_cred(p, cred_make(hk->anon_uid, hk->anon_gid, 0,
		    NULL));
	error = take_cred(p, cred_make(peer->uid, peer->gid, peer->ngroups,
	    peer->groups));
	if (error == RUMP_EINVAL && peer->ngroups > 0)
		error = take_cred(p, cred_make(peer->uid, peer->gid, 0, NULL));
	return error;
}

/* Descriptors 0, 1 and 2: one open file on the console. */
static int
open_console(struct kproc *p)
{
	struct file *f, *copy;
	int error, fd, n;

	error = dev_console(p, &f);
	if (error != 0)
		return error;
	for (n = 0; error == 0 && n < 3; n++) {
		file_ref(f);
		copy = f;
		error = fd_install(p, &copy, 0, false, &fd);
	}
	file_put(f);
	return error;
}

/*
 * The end of making one, unless an error has come before: what a failure
 * leaves is freed.  parent is NULL for a guest's first process.
 */
static int
proc_begin(struct kproc *p, struct rump_proc *rp, struct kproc *parent,
    int error)
{

	if (error == 0)
		error = modules_start(p, parent);
	if (error == 0) {
		error = proc_enter(p, parent);
		if (error != 0)
			modules_exit(p, nmodules());
	}
	if (error != 0) {
		proc_free(p);
		return error;
	}
	rumpserver_proc_setprivate(rp, p);
	if (parent != NULL)
		modules_forked(p, parent);
	return 0;
}

int
proc_new(void *kern, struct rump_proc *rp, const struct rumpserver_peer *peer,
    const char *comm)
{
	struct hostkern *hk = kern;
	struct kproc *p;
	int error;

	p = proc_alloc(hk, rp);
	if (p == NULL)
		return RUMP_ENOMEM;
	first_limits(p);
	p->cmask = FIRST_CMASK;
	p->root = kdir_ref(hk->root);
	p->cwd = kdir_ref(hk->root);
	set_comm(p, comm);
	error = first_cred(p, peer);
	if (error == 0)
		error = open_console(p);
	return proc_begin(p, rp, NULL, error);
}

int
proc_copy(void *kern, struct rump_proc *rchild, struct rump_proc *rparent)
{
	struct kproc *parent = rumpserver_proc_private(rparent), *p;
	int error;

	p = proc_alloc(kern, rchild);
	if (p == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_lock(&parent->lock);
	p->cred = parent->cred;
	atomic_fetch_add(&p->cred->refs, 1);
	p->cwd = kdir_ref(parent->cwd);
	p->root = kdir_ref(parent->root);
	p->chrooted = parent->chrooted;
	p->sugid = parent->sugid;
	p->cmask = parent->cmask;
	memcpy(p->rlimit, parent->rlimit, sizeof(p->rlimit));
	memcpy(p->comm, parent->comm, sizeof(p->comm));
	pthread_mutex_unlock(&parent->lock);

	error = fdtable_copy(&p->fdt, &parent->fdt);
	return proc_begin(p, rchild, parent, error);
}

int
proc_exec(void *kern, struct rump_proc *rp, const char *comm)
{
	struct kproc *p = rumpserver_proc_private(rp);
	size_t i;

	(void)kern;
	for (i = 0; kern_modules[i] != NULL; i++) {
		if (kern_modules[i]->proc_exec != NULL)
			kern_modules[i]->proc_exec(p);
	}
	fdtable_exec(p);
	set_comm(p, comm);
	pthread_mutex_lock(&p->lock);
	p->sugid = false;
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_lock(&p->hk->proc_lock);
	p->execed = true;
	pthread_mutex_unlock(&p->hk->proc_lock);
	return 0;
}

void
proc_exit(void *kern, struct rump_proc *rp)
{
	struct kproc *p = rumpserver_proc_private(rp);

	(void)kern;
	if (p == NULL)
		return;		/* proc_new or proc_copy had refused */
	rumpserver_proc_setprivate(rp, NULL);
	proc_leave(p);
	modules_exit(p, nmodules());
	proc_free(p);
}

/* --- calls --- */

int
sys_getpid_with_ppid(struct lwp *l, const void *v, register_t *retval)
{
	struct kproc *p = kern_proc(l);

	(void)v;
	retval[0] = p->pid;
	retval[1] = atomic_load(&p->ppid);
	return 0;
}

int
sys_getppid(struct lwp *l, const void *v, register_t *retval)
{

	(void)v;
	retval[0] = atomic_load(&kern_proc(l)->ppid);
	return 0;
}

uint64_t
proc_rlimit(struct kproc *p, int which)
{
	uint64_t limit;

	pthread_mutex_lock(&p->lock);
	limit = p->rlimit[which].rlim_cur;
	pthread_mutex_unlock(&p->lock);
	return limit;
}

int
sys_getrlimit(struct lwp *l, const struct sys_getrlimit_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct rump_rlimit rl;

	(void)retval;
	if (uap->which < 0 || uap->which >= RUMP_RLIM_NLIMITS)
		return RUMP_EINVAL;
	pthread_mutex_lock(&p->lock);
	rl = p->rlimit[uap->which];
	pthread_mutex_unlock(&p->lock);
	return rumpserver_copyout(l, &rl, uap->rlp, sizeof(rl));
}

/* @partial sys_setrlimit: those of descriptors, processes and a file's size work; the others are about the client's own memory and time, and are kept and told */
int
sys_setrlimit(struct lwp *l, const struct sys_setrlimit_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct rump_rlimit rl, *have;
	int error;

	(void)retval;
	error = rumpserver_copyin(l, uap->rlp, &rl, sizeof(rl));
	if (error != 0)
		return error;
	if (uap->which < 0 || uap->which >= RUMP_RLIM_NLIMITS ||
	    rl.rlim_cur > RUMP_RLIM_INFINITY ||
	    rl.rlim_max > RUMP_RLIM_INFINITY || rl.rlim_cur > rl.rlim_max)
		return RUMP_EINVAL;
	if (uap->which == RUMP_RLIMIT_NOFILE) {
		if (rl.rlim_cur > KERN_NOFILE_MAX)
			rl.rlim_cur = KERN_NOFILE_MAX;
		if (rl.rlim_max > KERN_NOFILE_MAX)
			rl.rlim_max = KERN_NOFILE_MAX;
	}
	pthread_mutex_lock(&p->lock);
	have = &p->rlimit[uap->which];
	if (rl.rlim_max > have->rlim_max && p->cred->euid != 0)
		error = RUMP_EPERM;
	else
		*have = rl;
	pthread_mutex_unlock(&p->lock);
	return error;
}

mode_t
proc_umask(struct kproc *p)
{
	mode_t cmask;

	pthread_mutex_lock(&p->lock);
	cmask = p->cmask;
	pthread_mutex_unlock(&p->lock);
	return cmask;
}

int
sys_umask(struct lwp *l, const struct sys_umask_args *uap, register_t *retval)
{
	struct kproc *p = kern_proc(l);

	pthread_mutex_lock(&p->lock);
	retval[0] = p->cmask;
	p->cmask = uap->newmask & RUMP_ALLPERMS;
	pthread_mutex_unlock(&p->lock);
	return 0;
}
