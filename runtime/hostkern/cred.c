/*
 * Credentials: a process's ids, the calls that change them, and a thread's
 * identity towards the host's file systems.
 */
#include <sys/syscall.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/kern.h"

#define NOID	((uint32_t)-1)

/* What this thread is towards the host; not known: somewhere between, if it
 * has been touched. */
static _Thread_local struct {
	bool touched;
	bool known;
	uid_t uid;
	gid_t gid;
	uint64_t list;
	unsigned ngroups;
	gid_t groups[KERN_NGROUPS];	/* unless there are more */
} identity;

struct kcred *
cred_make(uid_t uid, gid_t gid, unsigned ngroups, const gid_t *groups)
{
	static atomic_ullong lists;
	struct kcred *c;

	c = calloc(1, sizeof(*c) + ngroups * sizeof(c->groups[0]));
	if (c == NULL)
		return NULL;
	atomic_init(&c->refs, 1);
	c->ruid = c->euid = c->svuid = uid;
	c->rgid = c->egid = c->svgid = gid;
	c->ngroups = ngroups;
	if (ngroups > 0)
		memcpy(c->groups, groups, ngroups * sizeof(c->groups[0]));
	if (ngroups > KERN_NGROUPS)
		c->list = atomic_fetch_add(&lists, 1) + 1;
	return c;
}

struct kcred *
cred_get(struct kproc *p)
{
	struct kcred *c;

	pthread_mutex_lock(&p->lock);
	c = p->cred;
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&p->lock);
	return c;
}

void
cred_put(struct kcred *c)
{

	if (c != NULL && atomic_fetch_sub(&c->refs, 1) == 1)
		free(c);
}

bool
cred_ingroup(const struct kcred *c, gid_t gid)
{
	unsigned i;

	if (c->egid == gid)
		return true;
	for (i = 0; i < c->ngroups; i++) {
		if (c->groups[i] == gid)
			return true;
	}
	return false;
}

bool
cred_maysignal(const struct kcred *c, struct kproc *p)
{
	const struct kcred *its;
	bool may;

	pthread_mutex_lock(&p->lock);
	its = p->cred;
	may = c->euid == 0 || c->euid == its->ruid || c->euid == its->svuid ||
	    c->ruid == its->ruid || c->ruid == its->svuid;
	pthread_mutex_unlock(&p->lock);
	return may;
}

unsigned
cred_shown(const struct kcred *c)
{

	return c->ngroups < KERN_NGROUPS ? c->ngroups : KERN_NGROUPS;
}

int
cred_suser(struct kproc *p)
{
	uid_t euid;

	pthread_mutex_lock(&p->lock);
	euid = p->cred->euid;
	pthread_mutex_unlock(&p->lock);
	return euid == 0 ? 0 : RUMP_EPERM;
}

/* --- the thread's identity --- */

/*
 * As bare system calls these are this thread's alone; the C library's would
 * change every thread.  It is the effective ids, not just those for files:
 * away from 0 they take all capabilities from the thread (raw sockets, low
 * ports, …), and they are what the other end of a local connection is told.
 * The real ids stay the server's, so that a guest's user cannot send signals
 * to the server's threads, and the way back stays open.
 */
static bool
become(uid_t uid, gid_t gid, unsigned ngroups, const gid_t *groups)
{
	const long keep = -1;

	identity.touched = true;
	identity.known = false;
	return syscall(SYS_setresuid, keep, 0L, keep) == 0 &&
	    syscall(SYS_setgroups, (size_t)ngroups, groups) == 0 &&
	    syscall(SYS_setresgid, keep, (long)gid, keep) == 0 &&
	    syscall(SYS_setresuid, keep, (long)uid, keep) == 0;
}

bool
cred_works(void)
{
	const uid_t nobody = 65534;
	gid_t gid = getegid(), groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);
	bool ok;

	if (n == -1)
		return false;
	ok = become(nobody, nobody, 1, &nobody) &&
	    (uid_t)syscall(SYS_geteuid) == nobody;
	return become(0, gid, (unsigned)n, groups) && ok;
}

static bool
is_already(uid_t uid, gid_t gid, const struct kcred *c)
{

	if (!identity.known || identity.uid != uid || identity.gid != gid ||
	    identity.ngroups != c->ngroups || identity.list != c->list)
		return false;
	return c->list != 0 || memcmp(identity.groups, c->groups,
	    c->ngroups * sizeof(c->groups[0])) == 0;
}

/* Guests with the same ids take turns on a thread for nothing. */
static bool
try_become(uid_t uid, gid_t gid, const struct kcred *c)
{

	if (is_already(uid, gid, c))
		return true;
	identity.known = become(uid, gid, c->ngroups, c->groups);
	identity.uid = uid;
	identity.gid = gid;
	identity.list = c->list;
	identity.ngroups = c->ngroups;
	if (c->list == 0)
		memcpy(identity.groups, c->groups,
		    c->ngroups * sizeof(c->groups[0]));
	return identity.known;
}

/* cred_check() said that there are such ids: it is the memory. */
static int
must_become(uid_t uid, gid_t gid, const struct kcred *c)
{

	if (try_become(uid, gid, c))
		return 0;
	errno = ENOMEM;
	return RUMP_ENOMEM;
}

int
cred_assume(struct kproc *p)
{
	struct kcred *c;
	int error;

	if (!p->hk->privileged)
		return 0;
	c = cred_get(p);
	error = must_become(c->euid, c->egid, c);
	cred_put(c);
	return error;
}

int
cred_assume_real(struct kproc *p)
{
	struct kcred *c;
	int error;

	if (!p->hk->privileged)
		return 0;
	c = cred_get(p);
	error = must_become(c->ruid, c->rgid, c);
	cred_put(c);
	return error;
}

int
cred_assume_group(struct kproc *p, gid_t gid)
{
	struct kcred *c;
	int error = 0;

	if (!p->hk->privileged)
		return 0;
	c = cred_get(p);
	if (!try_become(c->euid, gid, c))
		error = must_become(c->euid, c->egid, c);
	cred_put(c);
	return error;
}

int
cred_assume_server(struct hostkern *hk)
{

	if (!hk->privileged)
		return 0;
	return must_become(hk->self->euid, hk->self->egid, hk->self);
}

void
cred_leave(struct hostkern *hk)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	if (!identity.touched)
		return;
	while (cred_assume_server(hk) != 0)
		nanosleep(&moment, NULL);
}

struct kcred *
cred_self(void)
{
	gid_t groups[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, groups);

	return cred_make(geteuid(), getegid(), n > 0 ? (unsigned)n : 0,
	    groups);
}

/*
 * Whether the host has such ids at all: not every number is one (-1), and in a
 * container not every other either.  To be asked before a process gets them.
 */
int
cred_check(struct hostkern *hk, const struct kcred *c)
{
	int error = 0;

	if (!hk->privileged)
		return 0;
	if (!become(c->ruid, c->rgid, c->ngroups, c->groups) ||
	    !become(c->euid, c->egid, c->ngroups, c->groups))
		error = errno == EINVAL ? RUMP_EINVAL : RUMP_ENOMEM;
	if (cred_assume_server(hk) != 0)
		error = RUMP_ENOMEM;
	return error;
}

/* --- changing ids --- */

/* c with other groups. */
static struct kcred *
with_groups(const struct kcred *c, unsigned ngroups, const gid_t *groups)
{
	struct kcred *new;

	new = cred_make(c->ruid, c->rgid, ngroups, groups);
	if (new == NULL)
		return NULL;
	new->euid = c->euid;
	new->svuid = c->svuid;
	new->egid = c->egid;
	new->svgid = c->svgid;
	return new;
}

/* A copy of p's credentials to be changed and given to cred_commit(). */
static struct kcred *
cred_edit(struct kproc *p)
{
	struct kcred *old, *c;

	old = cred_get(p);
	c = with_groups(old, old->ngroups, old->groups);
	if (c != NULL)
		c->list = old->list;
	cred_put(old);
	return c;
}

/* Takes c over; EINVAL, ENOMEM: it stays as it was. */
static int
cred_commit(struct kproc *p, struct kcred *c)
{
	struct kcred *old;
	int error;

	error = cred_check(p->hk, c);
	if (error != 0) {
		cred_put(c);
		return error;
	}
	pthread_mutex_lock(&p->hk->proc_lock);
	error = proc_setuser(p, c->ruid);
	if (error == 0) {
		pthread_mutex_lock(&p->lock);
		old = p->cred;
		p->cred = c;
		p->sugid = true;
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&p->hk->proc_lock);
	cred_put(error == 0 ? old : c);
	return error;
}

/* Which present ids a process that is not root may take for a new one. */
enum { FROM_R = 1, FROM_E = 2, FROM_S = 4 };

static bool
may_take(uint32_t new, unsigned from, uint32_t r, uint32_t e, uint32_t s)
{

	if (new == NOID)
		return true;
	return ((from & FROM_R) != 0 && new == r) ||
	    ((from & FROM_E) != 0 && new == e) ||
	    ((from & FROM_S) != 0 && new == s);
}

static void
take(uint32_t *id, uint32_t new)
{

	if (new != NOID)
		*id = new;
}

/* The real, effective and saved id of users, or of groups. */
enum idkind { USER_IDS, GROUP_IDS };
struct ids {
	uint32_t *r, *e, *s;
};

static struct ids
ids_of(struct kcred *c, enum idkind kind)
{

	if (kind == USER_IDS)
		return (struct ids){ &c->ruid, &c->euid, &c->svuid };
	return (struct ids){ &c->rgid, &c->egid, &c->svgid };
}

/* NOID leaves an id as it is. */
static int
set_ids(struct kproc *p, enum idkind kind, uint32_t r, unsigned rfrom,
    uint32_t e, unsigned efrom, uint32_t s, unsigned sfrom)
{
	struct kcred *c;
	struct ids now;

	c = cred_edit(p);
	if (c == NULL)
		return RUMP_ENOMEM;
	now = ids_of(c, kind);
	if (c->euid != 0 &&
	    (!may_take(r, rfrom, *now.r, *now.e, *now.s) ||
	    !may_take(e, efrom, *now.r, *now.e, *now.s) ||
	    !may_take(s, sfrom, *now.r, *now.e, *now.s))) {
		cred_put(c);
		return RUMP_EPERM;
	}
	/* What changes nothing does not make the process one with changed ids. */
	if (may_take(r, FROM_R, *now.r, 0, 0) &&
	    may_take(e, FROM_E, 0, *now.e, 0) &&
	    may_take(s, FROM_S, 0, 0, *now.s)) {
		cred_put(c);
		return 0;
	}
	take(now.r, r);
	take(now.e, e);
	take(now.s, s);
	return cred_commit(p, c);
}

/* setuid, setgid: all three at once. */
static int
set_id(struct lwp *l, enum idkind kind, uint32_t id)
{

	return set_ids(kern_proc(l), kind, id, FROM_R, id, FROM_R, id, FROM_R);
}

/* seteuid, setegid. */
static int
set_effective_id(struct lwp *l, enum idkind kind, uint32_t id)
{

	return set_ids(kern_proc(l), kind, NOID, 0, id, FROM_R | FROM_S,
	    NOID, 0);
}

/*
 * setreuid, setregid.  The saved id follows the new effective one when the
 * real one changes.
 */
static int
set_real_and_effective_id(struct lwp *l, enum idkind kind, uint32_t r,
    uint32_t e)
{
	struct kproc *p = kern_proc(l);
	struct kcred *c = cred_get(p);
	struct ids now = ids_of(c, kind);
	uint32_t s;

	if (r == NOID)
		r = *now.r;
	if (e == NOID)
		e = *now.e;
	s = r == *now.r ? NOID : e;
	cred_put(c);
	return set_ids(p, kind, r, FROM_R | FROM_E, e,
	    FROM_R | FROM_E | FROM_S, s, FROM_R | FROM_E | FROM_S);
}

int
sys_setuid(struct lwp *l, const struct sys_setuid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_id(l, USER_IDS, uap->uid);
}

int
sys_seteuid(struct lwp *l, const struct sys_seteuid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_effective_id(l, USER_IDS, uap->euid);
}

int
sys_setreuid(struct lwp *l, const struct sys_setreuid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_real_and_effective_id(l, USER_IDS, uap->ruid, uap->euid);
}

int
sys_setgid(struct lwp *l, const struct sys_setgid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_id(l, GROUP_IDS, uap->gid);
}

int
sys_setegid(struct lwp *l, const struct sys_setegid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_effective_id(l, GROUP_IDS, uap->egid);
}

int
sys_setregid(struct lwp *l, const struct sys_setregid_args *uap,
    register_t *retval)
{

	(void)retval;
	return set_real_and_effective_id(l, GROUP_IDS, uap->rgid, uap->egid);
}

int
sys_getuid_with_euid(struct lwp *l, const void *v, register_t *retval)
{
	struct kcred *c = cred_get(kern_proc(l));

	(void)v;
	retval[0] = c->ruid;
	retval[1] = c->euid;
	cred_put(c);
	return 0;
}

int
sys_getgid_with_egid(struct lwp *l, const void *v, register_t *retval)
{
	struct kcred *c = cred_get(kern_proc(l));

	(void)v;
	retval[0] = c->rgid;
	retval[1] = c->egid;
	cred_put(c);
	return 0;
}

int
sys_geteuid(struct lwp *l, const void *v, register_t *retval)
{
	struct kcred *c = cred_get(kern_proc(l));

	(void)v;
	retval[0] = c->euid;
	cred_put(c);
	return 0;
}

int
sys_getegid(struct lwp *l, const void *v, register_t *retval)
{
	struct kcred *c = cred_get(kern_proc(l));

	(void)v;
	retval[0] = c->egid;
	cred_put(c);
	return 0;
}

int
sys_getgroups(struct lwp *l, const struct sys_getgroups_args *uap,
    register_t *retval)
{
	struct kcred *c = cred_get(kern_proc(l));
	const unsigned n = cred_shown(c);
	int error = 0;

	retval[0] = n;
	if (uap->gidsetsize != 0) {
		if (uap->gidsetsize < (int)n)
			error = RUMP_EINVAL;
		else
			error = rumpserver_copyout(l, c->groups, uap->gidset,
			    n * sizeof(c->groups[0]));
	}
	cred_put(c);
	return error;
}

int
sys_setgroups(struct lwp *l, const struct sys_setgroups_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	gid_t groups[KERN_NGROUPS];
	struct kcred *old, *c;
	int error;

	(void)retval;
	error = cred_suser(p);
	if (error != 0)
		return error;
	if (uap->gidsetsize < 0 || uap->gidsetsize > KERN_NGROUPS)
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, uap->gidset, groups,
	    (size_t)uap->gidsetsize * sizeof(groups[0]));
	if (error != 0)
		return error;
	old = cred_get(p);
	c = with_groups(old, (unsigned)uap->gidsetsize, groups);
	cred_put(old);
	return c != NULL ? cred_commit(p, c) : RUMP_ENOMEM;
}

int
sys_issetugid(struct lwp *l, const void *v, register_t *retval)
{
	struct kproc *p = kern_proc(l);

	(void)v;
	pthread_mutex_lock(&p->lock);
	retval[0] = p->sugid;
	pthread_mutex_unlock(&p->lock);
	return 0;
}
