/*
 * A process's descriptors: which number means which open file.
 */
#include <stdlib.h>
#include <string.h>

#include "hostkern/kern.h"
#include "hostkern/kqueue.h"
#include "hostkern/lock.h"

enum { NENTS_FIRST = 8 };

/* To n entries, which are more than there are. */
static int
resize(struct fdtable *t, int n)
{
	const size_t more = (size_t)(n - t->nents) * sizeof(t->ents[0]);
	struct fdent *ents;

	if (!rumpserver_charge(t->account, RUMPSERVER_BYTES, more))
		return RUMP_ENOMEM;
	ents = realloc(t->ents, (size_t)n * sizeof(ents[0]));
	if (ents == NULL) {
		rumpserver_refund(t->account, RUMPSERVER_BYTES, more);
		return RUMP_ENOMEM;
	}
	memset(ents + t->nents, 0, more);
	t->ents = ents;
	t->nents = n;
	return 0;
}

int
fdtable_init(struct fdtable *t, struct rumpserver_account *account)
{

	*t = (struct fdtable){ .account = account };
	if (resize(t, NENTS_FIRST) != 0)
		return RUMP_ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	return 0;
}

/* Lock held (or the table is nobody else's): room for descriptor fd. */
static int
grow(struct fdtable *t, int fd)
{
	int n = t->nents;

	if (fd < n)
		return 0;
	while (n <= fd)
		n *= 2;
	return resize(t, n);
}

static bool
isopen(const struct fdtable *t, int fd)
{

	return fd >= 0 && fd < t->end && t->ents[fd].file != NULL;
}

/* Lock held: takes fd out of the table; the reference is the caller's. */
static struct file *
take_out(struct fdtable *t, int fd)
{
	struct file *f = t->ents[fd].file;

	t->ents[fd] = (struct fdent){ .file = NULL };
	if (fd < t->lowfree)
		t->lowfree = fd;
	while (t->end > 0 && t->ents[t->end - 1].file == NULL)
		t->end--;
	return f;
}

/* The reference goes with it: *fp is the table's from now on. */
static void
put_in(struct fdtable *t, int fd, struct file **fp, bool cloexec)
{

	t->ents[fd] = (struct fdent){ .file = *fp, .cloexec = cloexec };
	*fp = NULL;
	if (fd == t->lowfree)
		t->lowfree++;
	if (fd >= t->end)
		t->end = fd + 1;
}

bool
fd_is(struct kproc *p, int fd, const struct file *f)
{
	struct fdtable *t = &p->fdt;
	bool is;

	pthread_mutex_lock(&t->lock);
	is = isopen(t, fd) && t->ents[fd].file == f;
	pthread_mutex_unlock(&t->lock);
	return is;
}

bool
fd_has(struct kproc *p, const struct file *f)
{
	struct fdtable *t = &p->fdt;
	bool has;
	int fd;

	pthread_mutex_lock(&t->lock);
	for (fd = 0; fd < t->end && t->ents[fd].file != f; fd++)
		continue;
	has = fd < t->end;
	pthread_mutex_unlock(&t->lock);
	return has;
}

/* What close does with a file taken out of the table. */
static void
closed(struct kproc *p, int fd, struct file *f)
{

	kqueue_closed(p, fd, f);
	plock_closed(p, f);
	if (file_has_sleepers(f) && !fd_has(p, f))
		file_wake_closed(p, f);
	file_put(f);
}

static int
nofile(struct kproc *p)
{
	uint64_t limit = proc_rlimit(p, RUMP_RLIMIT_NOFILE);

	return limit < KERN_NOFILE_MAX ? (int)limit : KERN_NOFILE_MAX;
}

/* Revoked or not; NULL: there is none. */
static struct file *
get_any(struct kproc *p, int fd)
{
	struct fdtable *t = &p->fdt;
	struct file *f = NULL;

	pthread_mutex_lock(&t->lock);
	if (isopen(t, fd)) {
		f = t->ents[fd].file;
		file_ref(f);
	}
	pthread_mutex_unlock(&t->lock);
	return f;
}

int
fd_get(struct kproc *p, int fd, struct file **fp)
{
	struct file *f = get_any(p, fd);

	if (f == NULL)
		return RUMP_EBADF;
	if (atomic_load(&f->revoked)) {
		file_put(f);
		return RUMP_EBADF;
	}
	*fp = f;
	return 0;
}

static int
get_with_mode(struct kproc *p, int fd, int unwanted, struct file **fp)
{
	struct file *f = get_any(p, fd);
	int error = 0;

	if (f == NULL)
		return RUMP_EBADF;
	if ((atomic_load(&f->flags) & RUMP_O_ACCMODE) == unwanted)
		error = RUMP_EBADF;
	else if (atomic_load(&f->revoked) &&
	    (f->type != FILE_DEV || unwanted != RUMP_O_WRONLY))
		error = RUMP_EIO;
	if (error != 0) {
		file_put(f);
		return error;
	}
	*fp = f;
	return 0;
}

int
fd_getread(struct kproc *p, int fd, struct file **fp)
{

	return get_with_mode(p, fd, RUMP_O_WRONLY, fp);
}

int
fd_getwrite(struct kproc *p, int fd, struct file **fp)
{

	return get_with_mode(p, fd, RUMP_O_RDONLY, fp);
}

/* Lock held: the lowest free descriptor, which is remembered. */
static int
lowest_free(struct fdtable *t)
{

	while (isopen(t, t->lowfree))
		t->lowfree++;
	return t->lowfree;
}

int
fd_room(struct kproc *p)
{
	int fd, limit = nofile(p);

	pthread_mutex_lock(&p->fdt.lock);
	fd = lowest_free(&p->fdt);
	pthread_mutex_unlock(&p->fdt.lock);
	return fd < limit ? 0 : RUMP_EMFILE;
}

int
fd_install(struct kproc *p, struct file **fp, int min, bool cloexec, int *fdp)
{
	struct fdtable *t = &p->fdt;
	int error, fd, limit = nofile(p);

	pthread_mutex_lock(&t->lock);
	fd = lowest_free(t);
	if (fd < min)
		fd = min;
	while (isopen(t, fd))
		fd++;
	error = fd >= limit ? RUMP_EMFILE : grow(t, fd);
	if (error == 0)
		put_in(t, fd, fp, cloexec);
	pthread_mutex_unlock(&t->lock);
	if (error == 0)
		*fdp = fd;
	file_put(*fp);
	*fp = NULL;
	return error;
}

int
fd_install_at(struct kproc *p, struct file **fp, int fd, bool cloexec)
{
	struct fdtable *t = &p->fdt;
	struct file *old = NULL;
	int error = RUMP_EBADF;

	if (fd >= 0 && fd < nofile(p)) {
		pthread_mutex_lock(&t->lock);
		error = grow(t, fd);
		if (error == 0 && isopen(t, fd))
			old = take_out(t, fd);
		if (error == 0)
			put_in(t, fd, fp, cloexec);
		pthread_mutex_unlock(&t->lock);
	}
	if (old != NULL)
		closed(p, fd, old);
	file_put(*fp);
	*fp = NULL;
	return error;
}

int
fd_close(struct kproc *p, int fd)
{
	struct fdtable *t = &p->fdt;
	struct file *f = NULL;

	pthread_mutex_lock(&t->lock);
	if (isopen(t, fd))
		f = take_out(t, fd);
	pthread_mutex_unlock(&t->lock);
	if (f == NULL)
		return RUMP_EBADF;
	closed(p, fd, f);
	return 0;
}

void
fd_uninstall(struct kproc *p, int fd, struct file *f)
{
	struct fdtable *t = &p->fdt;
	bool is;

	pthread_mutex_lock(&t->lock);
	is = isopen(t, fd) && t->ents[fd].file == f;
	if (is)
		(void)take_out(t, fd);
	pthread_mutex_unlock(&t->lock);
	if (is)
		closed(p, fd, f);	/* the table's reference */
	file_put(f);
}

int
fd_install_pair(struct lwp *l, struct file *f[2], bool cloexec,
    const rump_uaddr_t *uaddr, int fd[2])
{
	struct kproc *p = kern_proc(l);
	struct file *own[2] = { f[0], f[1] };
	int error, i, n;

	for (i = 0; i < 2; i++)
		file_ref(own[i]);
	error = fd_install(p, &f[0], 0, cloexec, &fd[0]);
	n = error == 0;
	if (error == 0)
		error = fd_install(p, &f[1], 0, cloexec, &fd[1]);
	else
		file_put(f[1]);
	n += error == 0;
	if (error == 0 && uaddr != NULL)
		error = rumpserver_copyout(l, fd, *uaddr, 2 * sizeof(fd[0]));
	for (i = 0; i < 2; i++) {
		if (error != 0 && i < n)
			fd_uninstall(p, fd[i], own[i]);
		else
			file_put(own[i]);
	}
	return error;
}

int
fd_highest(struct kproc *p)
{
	struct fdtable *t = &p->fdt;
	int fd;

	pthread_mutex_lock(&t->lock);
	fd = t->end - 1;
	pthread_mutex_unlock(&t->lock);
	return fd;
}

void
fd_closefrom(struct kproc *p, int lowest)
{
	int fd;

	while ((fd = fd_highest(p)) >= lowest)
		(void)fd_close(p, fd);
}

int
fd_getcloexec(struct kproc *p, int fd, bool *cloexec)
{
	struct fdtable *t = &p->fdt;
	int error = RUMP_EBADF;

	pthread_mutex_lock(&t->lock);
	if (isopen(t, fd)) {
		*cloexec = t->ents[fd].cloexec;
		error = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return error;
}

int
fd_setcloexec(struct kproc *p, int fd, bool cloexec)
{
	struct fdtable *t = &p->fdt;
	int error = RUMP_EBADF;

	pthread_mutex_lock(&t->lock);
	if (isopen(t, fd)) {
		t->ents[fd].cloexec = cloexec;
		error = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return error;
}

/* `to` is initialised, empty and nobody else's yet. */
int
fdtable_copy(struct fdtable *to, struct fdtable *from)
{
	struct file *f;
	int error, fd;

	pthread_mutex_lock(&from->lock);
	error = grow(to, from->end - 1);
	for (fd = 0; error == 0 && fd < from->end; fd++) {
		f = from->ents[fd].file;
		if (f == NULL || (f->traits & FILE_NOINHERIT) != 0)
			continue;
		file_ref(f);
		put_in(to, fd, &f, from->ents[fd].cloexec);
	}
	pthread_mutex_unlock(&from->lock);
	return error;
}

/* No call of p is in progress, so nobody changes the table meanwhile. */
void
fdtable_exec(struct kproc *p)
{
	bool cloexec;
	int fd;

	for (fd = fd_highest(p); fd >= 0; fd--) {
		if (fd_getcloexec(p, fd, &cloexec) == 0 && cloexec)
			(void)fd_close(p, fd);
	}
}

void
fdtable_free(struct kproc *p)
{
	struct fdtable *t = &p->fdt;
	int fd;

	for (fd = 0; fd < t->end; fd++) {
		if (t->ents[fd].file != NULL) {
			plock_closed(p, t->ents[fd].file);
			file_put(t->ents[fd].file);
		}
	}
	rumpserver_refund(t->account, RUMPSERVER_BYTES,
	    (size_t)t->nents * sizeof(t->ents[0]));
	free(t->ents);
	pthread_mutex_destroy(&t->lock);
}
