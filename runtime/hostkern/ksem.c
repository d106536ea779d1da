/*
 * POSIX semaphores: what sem_open(3) and sem_init(3) call.
 *
 * An id is a descriptor, as in NetBSD: a fork copies it, close(2) closes it.
 * The host knows nothing of it.
 *
 * Who makes a semaphore pays for it until it is gone, a named one also when
 * its maker is.
 *
 * Locks: ksemtab.lock guards the names and the count of references; taken
 * before ksem.lock, which guards a semaphore's value and waiters.
 */
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>

#include "hostkern/kcv.h"
#include "hostkern/kern.h"
#include "hostkern/ksem.h"
#include "hostkern/ktime.h"

enum {
	KSEM_NAMELEN = 14,	/* NetBSD's SEM_MAX_NAMELEN */
	KSEM_BUCKETS = 256,
};

#define KSEM_VALUE_MAX	UINT32_MAX	/* NetBSD's SEM_VALUE_MAX */

struct ksem {
	pthread_mutex_t lock;
	uint32_t value;		/* lock */
	unsigned waiters;	/* lock */
	struct kcv posted;	/* lock */
	struct rumpserver_account *payer;
	unsigned refs;		/* open files; ksemtab.lock */
	bool linked;		/* has its name; ksemtab.lock */
	struct ksem *next;	/* ksemtab.lock */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	char name[KSEM_NAMELEN + 1];	/* "": none */
};

/* Per server: the named ones. */
struct ksemtab {
	pthread_mutex_t lock;
	struct ksem *buckets[KSEM_BUCKETS];
};

static struct ksemtab *
ksemtab_of(struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_KSEM];
}

static void
ksem_free(struct ksem *ks)
{

	rumpserver_refund(ks->payer, RUMPSERVER_SEMAPHORES, 1);
	rumpserver_account_put(ks->payer);
	pthread_mutex_destroy(&ks->lock);
	free(ks);
}

static int
ksem_create(struct hostkern *hk)
{
	struct ksemtab *tab;

	tab = calloc(1, sizeof(*tab));
	if (tab == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&tab->lock, NULL);
	hk->ext[KERN_SLOT_KSEM] = tab;
	return 0;
}

static void
ksem_destroy(struct hostkern *hk)
{
	struct ksemtab *tab = ksemtab_of(hk);
	struct ksem *ks;
	size_t i;

	if (tab == NULL)
		return;
	for (i = 0; i < KSEM_BUCKETS; i++) {
		while ((ks = tab->buckets[i]) != NULL) {
			tab->buckets[i] = ks->next;
			ksem_free(ks);
		}
	}
	pthread_mutex_destroy(&tab->lock);
	free(tab);
	hk->ext[KERN_SLOT_KSEM] = NULL;
}

const struct kern_module ksem_module = {
	.create = ksem_create,
	.destroy = ksem_destroy,
};

/* --- the objects --- */

static int
ksem_make(struct kproc *p, const char *name, mode_t mode, uint32_t value,
    struct ksem **ksp)
{
	struct kcred *cred;
	struct ksem *ks;

	if (!rumpserver_charge(p->account, RUMPSERVER_SEMAPHORES, 1))
		return RUMP_ENOSPC;
	ks = calloc(1, sizeof(*ks));
	if (ks == NULL) {
		rumpserver_refund(p->account, RUMPSERVER_SEMAPHORES, 1);
		return RUMP_ENOMEM;
	}
	rumpserver_account_ref(p->account);
	pthread_mutex_init(&ks->lock, NULL);
	kcv_init(&ks->posted);
	ks->payer = p->account;
	ks->value = value;
	ks->mode = mode;
	cred = cred_get(p);
	ks->uid = cred->euid;
	ks->gid = cred->egid;
	cred_put(cred);
	if (name != NULL)
		memcpy(ks->name, name, strlen(name) + 1);
	*ksp = ks;
	return 0;
}

/* A reference less; tab->lock held.  True: the caller frees it. */
static bool
ksem_unref(struct ksem *ks)
{

	return --ks->refs == 0 && !ks->linked;
}

static void
ksem_fclose(struct file *f)
{
	struct ksemtab *tab = ksemtab_of(f->hk);
	struct ksem *ks = f->data;
	bool last;

	pthread_mutex_lock(&tab->lock);
	last = ksem_unref(ks);
	pthread_mutex_unlock(&tab->lock);
	if (last)
		ksem_free(ks);
}

static int
ksem_fstat(struct file *f, struct rump_stat *st)
{
	struct ksem *ks = f->data;

	memset(st, 0, sizeof(*st));
	st->st_mode = ks->mode |
	    (ks->name[0] != '\0' ? RUMP_S_IFLNK : RUMP_S_IFREG);
	st->st_uid = ks->uid;
	st->st_gid = ks->gid;
	st->st_nlink = 1;
	st->st_blksize = 4096;
	pthread_mutex_lock(&ks->lock);
	st->st_size = ks->value;
	pthread_mutex_unlock(&ks->lock);
	return 0;
}

static const struct fileops ksem_ops = {
	.close = ksem_fclose,
	.stat = ksem_fstat,
};

/*
 * Gives the process a descriptor of ks and the client its number; takes over
 * the caller's reference in every case.
 */
static int
ksem_install(struct lwp *l, struct ksem *ks, rump_uaddr_t idp)
{
	struct kproc *p = kern_proc(l);
	struct ksemtab *tab = ksemtab_of(p->hk);
	struct file *f, *own;
	int64_t id;
	int error, fd;
	bool last;

	error = file_make(p, FILE_SEM, RUMP_O_RDWR, FILE_BORROWED | FILE_NORW,
	    &ksem_ops, &f);
	if (error != 0) {
		pthread_mutex_lock(&tab->lock);
		last = ksem_unref(ks);
		pthread_mutex_unlock(&tab->lock);
		if (last)
			ksem_free(ks);
		return error;
	}
	f->data = ks;
	own = f;
	file_ref(own);
	error = fd_install(p, &f, 0, false, &fd);
	if (error != 0) {
		file_put(own);
		return error;
	}
	id = fd;
	error = rumpserver_copyout(l, &id, idp, sizeof(id));
	if (error != 0)
		fd_uninstall(p, fd, own);
	else
		file_put(own);
	return error;
}

/* The semaphore behind an id, and the file to put when done with it. */
static int
ksem_get(struct lwp *l, int64_t id, struct file **fp, struct ksem **ksp)
{
	struct file *f;
	int error;

	if (id < 0 || id > INT32_MAX)
		return RUMP_EBADF;
	error = fd_get(kern_proc(l), id, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_SEM) {
		file_put(f);
		return RUMP_EINVAL;
	}
	*fp = f;
	*ksp = f->data;
	return 0;
}

/* --- unnamed and named --- */

int
sys__ksem_init(struct lwp *l, const struct sys__ksem_init_args *uap,
    register_t *retval)
{
	struct ksem *ks;
	int error;

	(void)retval;
	error = ksem_make(kern_proc(l), NULL, 0, uap->value, &ks);
	if (error != 0)
		return error;
	ks->refs = 1;		/* nobody else knows it yet */
	return ksem_install(l, ks, uap->idp);
}

/* One slash, in front. */
static int
copyin_name(struct lwp *l, rump_uaddr_t uaddr, char name[KSEM_NAMELEN + 1])
{

	return rumpserver_copyinstr(l, uaddr, name, KSEM_NAMELEN + 1, NULL);
}

static bool
name_ok(const char *name)
{

	return name[0] == '/' && name[1] != '\0' &&
	    strchr(name + 1, '/') == NULL;
}

/* tab->lock held: the place of the one with that name, or for it. */
static struct ksem **
ksem_lookup(struct ksemtab *tab, const char *name)
{
	struct ksem **ksp;
	unsigned hash = 0;
	const char *s;

	for (s = name; *s != '\0'; s++)
		hash = hash * 31 + (unsigned char)*s;
	for (ksp = &tab->buckets[hash % KSEM_BUCKETS]; *ksp != NULL; ksp = &(*ksp)->next) {
		if (strcmp((*ksp)->name, name) == 0)
			break;
	}
	return ksp;
}

static int
ksem_access(struct kproc *p, const struct ksem *ks)
{
	struct kcred *cred = cred_get(p);
	bool ok;

	ok = cred->euid == 0 ||
	    (cred->euid == ks->uid && (ks->mode & 0200) != 0) ||
	    (cred->egid == ks->gid && (ks->mode & 0020) != 0) ||
	    (ks->mode & 0002) != 0;
	cred_put(cred);
	return ok ? 0 : RUMP_EACCES;
}

/* Finds or links, with a reference for the caller; tab->lock held.  `new`
 * may be NULL: then it must exist. */
static int
ksem_open1(struct kproc *p, struct ksemtab *tab, const char *name, bool excl,
    struct ksem *new, struct ksem **ksp)
{
	struct ksem **place = ksem_lookup(tab, name), *ks = *place;
	int error;

	if (ks != NULL) {
		error = excl ? RUMP_EEXIST : ksem_access(p, ks);
		if (error != 0)
			return error;
	} else {
		if (new == NULL)
			return RUMP_ENOENT;
		ks = *place = new;
		ks->linked = true;
	}
	ks->refs++;
	*ksp = ks;
	return 0;
}

int
sys__ksem_open(struct lwp *l, const struct sys__ksem_open_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct ksemtab *tab = ksemtab_of(p->hk);
	char name[KSEM_NAMELEN + 1];
	struct ksem *ks = NULL, *new = NULL;
	int error;

	(void)retval;
	error = copyin_name(l, uap->name, name);
	if (error != 0)
		return error;
	if ((uap->oflag & RUMP_O_CREAT) != 0) {
		if (!name_ok(name))
			return RUMP_EINVAL;
		error = ksem_make(p, name, uap->mode & 0777, uap->value, &new);
		if (error != 0)
			return error;
	}
	pthread_mutex_lock(&tab->lock);
	error = ksem_open1(p, tab, name, (uap->oflag & RUMP_O_EXCL) != 0, new,
	    &ks);
	pthread_mutex_unlock(&tab->lock);
	if (new != NULL && ks != new)
		ksem_free(new);
	if (error != 0)
		return error;
	return ksem_install(l, ks, uap->idp);
}

int
sys__ksem_unlink(struct lwp *l, const struct sys__ksem_unlink_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct ksemtab *tab = ksemtab_of(p->hk);
	char name[KSEM_NAMELEN + 1];
	struct ksem **ksp, *ks = NULL;
	int error;

	(void)retval;
	error = copyin_name(l, uap->name, name);
	if (error != 0)
		return error;
	pthread_mutex_lock(&tab->lock);
	ksp = ksem_lookup(tab, name);
	error = *ksp == NULL ? RUMP_ENOENT : ksem_access(p, *ksp);
	if (error == 0) {
		ks = *ksp;
		*ksp = ks->next;
		ks->linked = false;
		if (ks->refs != 0)
			ks = NULL;	/* the last close frees it */
	}
	pthread_mutex_unlock(&tab->lock);
	if (ks != NULL)
		ksem_free(ks);
	return error;
}

int
sys__ksem_close(struct lwp *l, const struct sys__ksem_close_args *uap,
    register_t *retval)
{
	struct file *f;
	struct ksem *ks;
	int error;

	(void)retval;
	error = ksem_get(l, uap->id, &f, &ks);
	if (error != 0)
		return error;
	file_put(f);
	return fd_close(kern_proc(l), uap->id);
}

int
sys__ksem_destroy(struct lwp *l, const struct sys__ksem_destroy_args *uap,
    register_t *retval)
{
	struct file *f;
	struct ksem *ks;
	int error;

	(void)retval;
	error = ksem_get(l, uap->id, &f, &ks);
	if (error != 0)
		return error;
	pthread_mutex_lock(&ks->lock);
	if (ks->name[0] != '\0')
		error = RUMP_EINVAL;	/* those are closed and unlinked */
	else if (ks->waiters != 0)
		error = RUMP_EBUSY;
	pthread_mutex_unlock(&ks->lock);
	file_put(f);
	return error != 0 ? error : fd_close(kern_proc(l), uap->id);
}

/* --- up and down --- */

int
sys__ksem_post(struct lwp *l, const struct sys__ksem_post_args *uap,
    register_t *retval)
{
	struct file *f;
	struct ksem *ks;
	int error;

	(void)retval;
	error = ksem_get(l, uap->id, &f, &ks);
	if (error != 0)
		return error;
	pthread_mutex_lock(&ks->lock);
	if (ks->value == KSEM_VALUE_MAX) {
		error = RUMP_EOVERFLOW;
	} else {
		ks->value++;
		kcv_signal(&ks->posted);
	}
	pthread_mutex_unlock(&ks->lock);
	file_put(f);
	return error;
}

/* deadline: uptime, INT64_MAX for ever; EWOULDBLOCK when it is over. */
static int
ksem_down(struct lwp *l, int64_t id, bool wait, int64_t deadline)
{
	struct file *f;
	struct ksem *ks;
	int error;

	error = ksem_get(l, id, &f, &ks);
	if (error != 0)
		return error;
	pthread_mutex_lock(&ks->lock);
	ks->waiters++;
	while (ks->value == 0 && error == 0)
		error = wait ? kcv_wait(&ks->posted, &ks->lock, l, deadline) :
		    RUMP_EAGAIN;
	ks->waiters--;
	if (ks->value != 0) {
		ks->value--;
		error = 0;
	}
	pthread_mutex_unlock(&ks->lock);
	file_put(f);
	return error;
}

int
sys__ksem_wait(struct lwp *l, const struct sys__ksem_wait_args *uap,
    register_t *retval)
{

	(void)retval;
	return ksem_down(l, uap->id, true, INT64_MAX);
}

int
sys__ksem_trywait(struct lwp *l, const struct sys__ksem_trywait_args *uap,
    register_t *retval)
{

	(void)retval;
	return ksem_down(l, uap->id, false, 0);
}

int
sys__ksem_timedwait(struct lwp *l, const struct sys__ksem_timedwait_args *uap,
    register_t *retval)
{
	struct rump_timespec ts;
	int64_t abs, now, left;
	int error;

	(void)retval;
	error = rumpserver_copyin(l, uap->abstime, &ts, sizeof(ts));
	if (error != 0)
		return error;
	if (ts.tv_sec < 0 || ktime_fromspec(&ts, &abs) != 0)
		return RUMP_EINVAL;
	(void)ktime_get(kern_proc(l)->hk, RUMP_CLOCK_REALTIME, &now);
	left = abs > now ? abs - now : 0;
	error = ksem_down(l, uap->id, true,
	    ktime_add(ktime_uptime(), left));
	return error == RUMP_EWOULDBLOCK ? RUMP_ETIMEDOUT : error;
}

int
sys__ksem_getvalue(struct lwp *l, const struct sys__ksem_getvalue_args *uap,
    register_t *retval)
{
	struct file *f;
	struct ksem *ks;
	uint32_t value;
	int error;

	(void)retval;
	error = ksem_get(l, uap->id, &f, &ks);
	if (error != 0)
		return error;
	pthread_mutex_lock(&ks->lock);
	value = ks->value;
	pthread_mutex_unlock(&ks->lock);
	file_put(f);
	return rumpserver_copyout(l, &value, uap->value, sizeof(value));
}
