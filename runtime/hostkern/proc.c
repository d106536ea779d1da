/*
 * Processes: numbers, the tree under init, groups and sessions, limits, and
 * the calls about them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/dev.h"
#include "hostkern/kern.h"

enum { INIT_PID = 1, FIRST_CMASK = 022 };

/* --- numbers, groups and sessions; proc_lock held in all of these --- */

struct kproc *
proc_find(struct hostkern *hk, pid_t pid)
{
	struct kproc *p;

	for (p = hk->procs; p != NULL; p = p->next) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

static struct kpgrp *
pgrp_find(struct hostkern *hk, pid_t pgid)
{
	struct kpgrp *pg;

	for (pg = hk->pgrps; pg != NULL; pg = pg->next) {
		if (pg->pgid == pgid)
			return pg;
	}
	return NULL;
}

/* A number also stays taken while a group or session is named by it. */
static bool
pid_taken(struct hostkern *hk, pid_t pid)
{
	struct kpgrp *pg;

	if (proc_find(hk, pid) != NULL)
		return true;
	for (pg = hk->pgrps; pg != NULL; pg = pg->next) {
		if (pg->pgid == pid || pg->session->sid == pid)
			return true;
	}
	return false;
}

/* 0 when all are taken. */
static pid_t
pid_alloc(struct hostkern *hk)
{
	pid_t pid = hk->lastpid;
	int tries;

	for (tries = 0; tries < KERN_PID_MAX; tries++) {
		pid = pid >= KERN_PID_MAX ? KERN_PID_FIRST : pid + 1;
		if (!pid_taken(hk, pid)) {
			hk->lastpid = pid;
			return pid;
		}
	}
	return 0;
}

static void
session_put(struct ksession *s)
{

	if (--s->refs == 0)
		free(s);
}

static void
pgrp_put(struct hostkern *hk, struct kpgrp *pg)
{
	struct kpgrp **pp;

	if (--pg->refs != 0)
		return;
	for (pp = &hk->pgrps; *pp != pg; pp = &(*pp)->next)
		continue;
	*pp = pg->next;
	session_put(pg->session);
	free(pg);
}

/* A group with no members yet; takes a reference to the session. */
static struct kpgrp *
pgrp_make(struct hostkern *hk, pid_t pgid, struct ksession *s)
{
	struct kpgrp *pg;

	pg = calloc(1, sizeof(*pg));
	if (pg == NULL)
		return NULL;
	pg->pgid = pgid;
	pg->session = s;
	s->refs++;
	pg->next = hk->pgrps;
	hk->pgrps = pg;
	return pg;
}

static void
pgrp_join(struct hostkern *hk, struct kproc *p, struct kpgrp *pg)
{
	struct kpgrp *old = p->pgrp;

	pg->refs++;
	p->pgrp = pg;
	if (old != NULL)
		pgrp_put(hk, old);
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
	if (fdtable_init(&p->fdt) != 0) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	p->hk = hk;
	p->rp = rp;
	p->account = rumpserver_proc_account(rp);
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
 * May p's user have one more process (RLIMIT_NPROC)?  As on NetBSD the
 * superuser may.  proc_lock held.
 */
static bool
another_allowed(struct kproc *p)
{
	const uint64_t limit = proc_rlimit(p, RUMP_RLIMIT_NPROC);
	struct kcred *mine, *c;
	struct kproc *q;
	uint64_t n = 1;

	if (limit >= p->hk->nprocs + 1)
		return true;
	mine = cred_get(p);
	for (q = p->hk->procs; q != NULL; q = q->next) {
		c = cred_get(q);
		n += c->ruid == mine->ruid;
		cred_put(c);
	}
	n = mine->ruid == 0 ? 0 : n;
	cred_put(mine);
	return n <= limit;
}

/* Gives p its number and its place in the tree. */
static int
proc_enter(struct kproc *p, struct kproc *parent)
{
	struct hostkern *hk = p->hk;

	pthread_mutex_lock(&hk->proc_lock);
	p->pid = another_allowed(p) ? pid_alloc(hk) : 0;
	if (p->pid == 0) {
		pthread_mutex_unlock(&hk->proc_lock);
		return RUMP_EAGAIN;
	}
	p->parent = parent;
	atomic_store(&p->ppid, parent != NULL ? parent->pid : INIT_PID);
	pgrp_join(hk, p, parent != NULL ? parent->pgrp : hk->initpgrp);
	p->next = hk->procs;
	p->prevp = &hk->procs;
	if (p->next != NULL)
		p->next->prevp = &p->next;
	hk->procs = p;
	hk->nprocs++;
	pthread_mutex_unlock(&hk->proc_lock);
	return 0;
}

/* Out of the tree; children become init's. */
static void
proc_leave(struct kproc *p)
{
	struct hostkern *hk = p->hk;
	struct kproc *q;

	pthread_mutex_lock(&hk->proc_lock);
	*p->prevp = p->next;
	if (p->next != NULL)
		p->next->prevp = p->prevp;
	hk->nprocs--;
	for (q = hk->procs; q != NULL; q = q->next) {
		if (q->parent == p) {
			q->parent = NULL;
			atomic_store(&q->ppid, INIT_PID);
		}
	}
	pgrp_put(hk, p->pgrp);
	pthread_mutex_unlock(&hk->proc_lock);
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

_Static_assert(RUMPSERVER_PEER_GROUPS <= KERN_NGROUPS, "groups of a peer");

static void
modules_forked(struct kproc *p, struct kproc *parent)
{
	size_t i;

	for (i = 0; kern_modules[i] != NULL; i++) {
		if (kern_modules[i]->proc_forked != NULL)
			kern_modules[i]->proc_forked(p, parent);
	}
}

/* Who the peer is on the host.  In a container the groups may have no numbers
 * here; then it has none. */
static int
first_cred(struct kproc *p, const struct rumpserver_peer *peer)
{
	struct hostkern *hk = p->hk;

	if (!peer->known) {
		p->cred = cred_make(hk->anon_uid, hk->anon_gid);
		return p->cred == NULL ? RUMP_ENOMEM : cred_check(hk, p->cred);
	}
	p->cred = cred_make(peer->uid, peer->gid);
	if (p->cred == NULL)
		return RUMP_ENOMEM;
	p->cred->ngroups = peer->ngroups;
	memcpy(p->cred->groups, peer->groups,
	    peer->ngroups * sizeof(peer->groups[0]));
	if (cred_check(hk, p->cred) == 0)
		return 0;
	p->cred->ngroups = 0;
	return cred_check(hk, p->cred);
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
	plock_exit(p);
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

int
sys_getpgrp(struct lwp *l, const void *v, register_t *retval)
{
	struct kproc *p = kern_proc(l);

	(void)v;
	pthread_mutex_lock(&p->hk->proc_lock);
	retval[0] = p->pgrp->pgid;
	pthread_mutex_unlock(&p->hk->proc_lock);
	return 0;
}

/* The group of process pid (0: p itself, 1: init); proc_lock held. */
static struct kpgrp *
pgrp_of(struct kproc *p, pid_t pid)
{
	struct kproc *q;

	if (pid == INIT_PID)
		return p->hk->initpgrp;
	q = pid == 0 ? p : proc_find(p->hk, pid);
	return q != NULL ? q->pgrp : NULL;
}

int
sys_getpgid(struct lwp *l, const struct sys_getpgid_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct kpgrp *pg;

	pthread_mutex_lock(&p->hk->proc_lock);
	pg = pgrp_of(p, uap->pid);
	if (pg != NULL)
		retval[0] = pg->pgid;
	pthread_mutex_unlock(&p->hk->proc_lock);
	return pg != NULL ? 0 : RUMP_ESRCH;
}

int
sys_getsid(struct lwp *l, const struct sys_getsid_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct kpgrp *pg;

	pthread_mutex_lock(&p->hk->proc_lock);
	pg = pgrp_of(p, uap->pid);
	if (pg != NULL)
		retval[0] = pg->session->sid;
	pthread_mutex_unlock(&p->hk->proc_lock);
	return pg != NULL ? 0 : RUMP_ESRCH;
}

int
sys_setsid(struct lwp *l, const void *v, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct hostkern *hk = p->hk;
	struct ksession *s;
	struct kpgrp *pg;

	(void)v;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return RUMP_ENOMEM;
	s->sid = p->pid;
	pthread_mutex_lock(&hk->proc_lock);
	if (pgrp_find(hk, p->pid) != NULL) {
		pthread_mutex_unlock(&hk->proc_lock);
		free(s);
		return RUMP_EPERM;
	}
	memcpy(s->login, p->pgrp->session->login, sizeof(s->login));
	pg = pgrp_make(hk, p->pid, s);
	if (pg != NULL)
		pgrp_join(hk, p, pg);
	pthread_mutex_unlock(&hk->proc_lock);
	if (pg == NULL) {
		free(s);
		return RUMP_ENOMEM;
	}
	retval[0] = p->pid;
	return 0;
}

/* proc_lock held. */
static int
set_pgrp(struct kproc *p, pid_t pid, pid_t pgid)
{
	struct hostkern *hk = p->hk;
	struct ksession *s = p->pgrp->session;
	struct kproc *target = p;
	struct kpgrp *pg;

	if (pid != 0 && pid != p->pid) {
		target = proc_find(hk, pid);
		if (target == NULL || target->parent != p)
			return RUMP_ESRCH;
		if (target->pgrp->session != s)
			return RUMP_EPERM;
		if (target->execed)
			return RUMP_EACCES;
	}
	if (target->pgrp->session->sid == target->pid)
		return RUMP_EPERM;	/* leads its session */
	if (pgid == 0)
		pgid = target->pid;
	pg = pgrp_find(hk, pgid);
	if (pg == NULL) {
		if (pgid != target->pid)
			return RUMP_EPERM;
		pg = pgrp_make(hk, pgid, s);
		if (pg == NULL)
			return RUMP_ENOMEM;
	} else if (pg->session != s)
		return RUMP_EPERM;
	if (pg != target->pgrp)
		pgrp_join(hk, target, pg);
	return 0;
}

int
sys_setpgid(struct lwp *l, const struct sys_setpgid_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	int error;

	(void)retval;
	if (uap->pgid < 0)
		return RUMP_EINVAL;
	pthread_mutex_lock(&p->hk->proc_lock);
	error = set_pgrp(p, uap->pid, uap->pgid);
	pthread_mutex_unlock(&p->hk->proc_lock);
	return error;
}

int
sys___getlogin(struct lwp *l, const struct sys___getlogin_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char login[KERN_LOGNAME + 1];
	size_t len = uap->namelen;

	(void)retval;
	pthread_mutex_lock(&p->hk->proc_lock);
	memcpy(login, p->pgrp->session->login, sizeof(login));
	pthread_mutex_unlock(&p->hk->proc_lock);
	if (len > sizeof(login))
		len = sizeof(login);
	return rumpserver_copyout(l, login, uap->namebuf, len);
}

int
sys___setlogin(struct lwp *l, const struct sys___setlogin_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char login[KERN_LOGNAME + 1] = "";
	int error;

	(void)retval;
	error = cred_suser(p);
	if (error != 0)
		return error;
	error = rumpserver_copyinstr(l, uap->namebuf, login, sizeof(login),
	    NULL);
	if (error != 0)
		return error == RUMP_ENAMETOOLONG ? RUMP_EINVAL : error;
	pthread_mutex_lock(&p->hk->proc_lock);
	memcpy(p->pgrp->session->login, login, sizeof(login));
	pthread_mutex_unlock(&p->hk->proc_lock);
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
