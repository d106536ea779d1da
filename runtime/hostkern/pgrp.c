/*
 * Numbers, process groups and sessions, and the calls about them.  pgrp.h says
 * what a connection begins with.
 */
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/kern.h"
#include "hostkern/pgrp.h"

/* What is named by a number; it is free when nothing is. */
struct name {
	struct kproc *proc;
	struct kpgrp *pgrp;
	struct ksession *session;
	pid_t next;		/* free: the one freed after it; 0: none */
};

/*
 * All numbers; proc_lock.  They are given out in order, and then the one that
 * has been free for longest first.  A process may keep three of them from
 * others, its own, its group's and its session's; so there are more than
 * KERN_PID_WRAP, for when none of those is free.
 */
struct pids {
	pid_t fresh;		/* from here on none has been used yet */
	pid_t first, *last;	/* the free ones below, by name.next */
	struct name names[KERN_PID_MAX + 1];
};

int
pids_create(struct hostkern *hk)
{

	hk->pids = calloc(1, sizeof(*hk->pids));
	if (hk->pids == NULL)
		return RUMP_ENOMEM;
	hk->pids->fresh = KERN_PID_FIRST;
	hk->pids->last = &hk->pids->first;
	return 0;
}

void
pids_destroy(struct hostkern *hk)
{

	free(hk->pids);
}

/* --- numbers; proc_lock held --- */

static struct name *
name_of(struct hostkern *hk, pid_t id)
{

	return &hk->pids->names[id];
}

/* Something is not named by it any more. */
static void
name_left(struct hostkern *hk, pid_t id)
{
	struct name *n = name_of(hk, id);

	if (n->proc != NULL || n->pgrp != NULL || n->session != NULL)
		return;
	n->next = 0;
	*hk->pids->last = id;
	hk->pids->last = &n->next;
}

static pid_t
oldest_free(struct pids *ids)
{
	pid_t pid = ids->first;

	if (pid == 0)
		return 0;
	ids->first = ids->names[pid].next;
	if (ids->first == 0)
		ids->last = &ids->first;
	return pid;
}

int
pid_take(struct kproc *p)
{
	struct pids *ids = p->hk->pids;
	pid_t pid = 0;

	if (ids->fresh > KERN_PID_WRAP)
		pid = oldest_free(ids);
	if (pid == 0 && ids->fresh <= KERN_PID_MAX)
		pid = ids->fresh++;
	if (pid == 0)
		return RUMP_EAGAIN;
	p->pid = pid;
	ids->names[pid].proc = p;
	return 0;
}

void
pid_free(struct kproc *p)
{

	name_of(p->hk, p->pid)->proc = NULL;
	name_left(p->hk, p->pid);
}

struct kproc *
proc_find(struct hostkern *hk, pid_t pid)
{

	if (pid < 0 || pid > KERN_PID_MAX)
		return NULL;
	return name_of(hk, pid)->proc;
}

/* --- groups and sessions; proc_lock held --- */

static void
session_put(struct hostkern *hk, struct ksession *s)
{

	if (--s->refs != 0)
		return;
	if (s->sid != INIT_PID) {
		name_of(hk, s->sid)->session = NULL;
		name_left(hk, s->sid);
	}
	free(s);
}

static struct ksession *
session_make(struct hostkern *hk, pid_t sid)
{
	struct ksession *s;

	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return NULL;
	s->refs = 1;
	s->sid = sid;
	if (sid != INIT_PID)
		name_of(hk, sid)->session = s;
	return s;
}

/* Where a session's groups are found by their numbers. */
static struct kpgrp **
place_of(struct hostkern *hk, struct ksession *s, pid_t pgid)
{

	return pgid == INIT_PID ? &s->first : &name_of(hk, pgid)->pgrp;
}

void
pgrp_put(struct kpgrp *pg)
{

	if (--pg->refs == 0)
		free(pg);
}

/* A group with no members yet. */
static struct kpgrp *
pgrp_make(struct hostkern *hk, pid_t pgid, struct ksession *s)
{
	struct kpgrp *pg;

	pg = calloc(1, sizeof(*pg));
	if (pg == NULL)
		return NULL;
	TAILQ_INIT(&pg->members);
	pg->pgid = pgid;
	pg->session = s;
	s->refs++;
	*place_of(hk, s, pgid) = pg;
	return pg;
}

/* As pgrp_make() in a session of its own. */
static struct kpgrp *
pgrp_make_apart(struct hostkern *hk, pid_t id, const char *login)
{
	struct ksession *s;
	struct kpgrp *pg;

	s = session_make(hk, id);
	if (s == NULL)
		return NULL;
	memcpy(s->login, login, strlen(login) + 1);
	pg = pgrp_make(hk, id, s);
	session_put(hk, s);
	return pg;
}

struct kpgrp *
pgrp_first(struct hostkern *hk)
{

	return pgrp_make_apart(hk, INIT_PID, "root");
}

/* The last member has gone: the number is free, whoever else keeps the group. */
static void
pgrp_emptied(struct hostkern *hk, struct kpgrp *pg)
{

	*place_of(hk, pg->session, pg->pgid) = NULL;
	if (pg->pgid != INIT_PID)
		name_left(hk, pg->pgid);
	session_put(hk, pg->session);
	pg->session = NULL;
}

void
pgrp_leave(struct kproc *p)
{
	struct kpgrp *pg = p->pgrp;

	TAILQ_REMOVE(&pg->members, p, member);
	if (TAILQ_EMPTY(&pg->members))
		pgrp_emptied(p->hk, pg);
	p->pgrp = NULL;
	pgrp_put(pg);
}

void
pgrp_join(struct kproc *p, struct kpgrp *pg)
{

	pg->refs++;
	if (p->pgrp != NULL)
		pgrp_leave(p);
	TAILQ_INSERT_TAIL(&pg->members, p, member);
	p->pgrp = pg;
}

struct kpgrp *
pgrp_find(struct kproc *p, pid_t pgid)
{

	if (pgid < INIT_PID || pgid > KERN_PID_MAX)
		return NULL;
	return *place_of(p->hk, p->pgrp->session, pgid);
}

struct kproc *
pgrp_walk(struct hostkern *hk, struct kpgrp *pg, uint64_t walk)
{
	struct kproc *p;

	pthread_mutex_lock(&hk->proc_lock);
	p = TAILQ_FIRST(&pg->members);
	if (p != NULL && p->walk == walk)
		p = NULL;
	if (p != NULL) {
		p->walk = walk;
		TAILQ_REMOVE(&pg->members, p, member);
		TAILQ_INSERT_TAIL(&pg->members, p, member);
		proc_hold(p);
	}
	pthread_mutex_unlock(&hk->proc_lock);
	return p;
}

/* --- calls --- */

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

/* The numbers of the group and the session of process pid (0: p itself). */
static int
numbers_of(struct kproc *p, pid_t pid, pid_t *pgid, pid_t *sid)
{
	struct kproc *q;

	*pgid = *sid = INIT_PID;
	if (pid == INIT_PID)
		return 0;
	pthread_mutex_lock(&p->hk->proc_lock);
	q = pid == 0 ? p : proc_find(p->hk, pid);
	if (q != NULL) {
		*pgid = q->pgrp->pgid;
		*sid = q->pgrp->session->sid;
	}
	pthread_mutex_unlock(&p->hk->proc_lock);
	return q != NULL ? 0 : RUMP_ESRCH;
}

int
sys_getpgid(struct lwp *l, const struct sys_getpgid_args *uap,
    register_t *retval)
{
	pid_t pgid, sid;
	int error;

	error = numbers_of(kern_proc(l), uap->pid, &pgid, &sid);
	if (error == 0)
		retval[0] = pgid;
	return error;
}

int
sys_getsid(struct lwp *l, const struct sys_getsid_args *uap,
    register_t *retval)
{
	pid_t pgid, sid;
	int error;

	error = numbers_of(kern_proc(l), uap->pid, &pgid, &sid);
	if (error == 0)
		retval[0] = sid;
	return error;
}

int
sys_setsid(struct lwp *l, const void *v, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct kpgrp *pg = NULL;
	int error = 0;

	(void)v;
	pthread_mutex_lock(&p->hk->proc_lock);
	if (pgrp_find(p, p->pid) != NULL)
		error = RUMP_EPERM;
	else
		pg = pgrp_make_apart(p->hk, p->pid, p->pgrp->session->login);
	if (pg != NULL)
		pgrp_join(p, pg);
	else if (error == 0)
		error = RUMP_ENOMEM;
	pthread_mutex_unlock(&p->hk->proc_lock);
	if (error == 0)
		retval[0] = p->pid;
	return error;
}

/* The process that p may put into another group.  proc_lock held. */
static int
settable(struct kproc *p, pid_t pid, struct kproc **qp)
{
	struct kproc *q = p;

	if (pid != 0 && pid != p->pid) {
		q = proc_find(p->hk, pid);
		if (q == NULL || q->parent != p)
			return RUMP_ESRCH;
		if (q->pgrp->session != p->pgrp->session)
			return RUMP_EPERM;
		if (q->execed)
			return RUMP_EACCES;
	}
	if (q->pgrp->session->sid == q->pid)
		return RUMP_EPERM;	/* leads its session */
	*qp = q;
	return 0;
}

/* proc_lock held. */
static int
set_pgrp(struct kproc *p, pid_t pid, pid_t pgid)
{
	struct ksession *s = p->pgrp->session;
	struct kproc *q;
	struct kpgrp *pg;
	int error;

	error = settable(p, pid, &q);
	if (error != 0)
		return error;
	if (pgid == 0)
		pgid = q->pid;
	pg = pgrp_find(p, pgid);
	if (pg != NULL && pg->session != s)
		return RUMP_EPERM;
	if (pg == NULL && pgid != q->pid &&
	    (pgid != INIT_PID || s->sid != INIT_PID))
		return RUMP_EPERM;
	if (pg == NULL)
		pg = pgrp_make(p->hk, pgid, s);
	if (pg == NULL)
		return RUMP_ENOMEM;
	if (pg != q->pgrp)
		pgrp_join(q, pg);
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
