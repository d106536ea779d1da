/*
 * A process's descriptors: which number means which open file.
 */
#include <stdlib.h>
#include <string.h>

#include "hostkern/kern.h"
#include "hostkern/kqueue.h"

enum { NENTS_FIRST = 8 };

int
fdtable_init(struct fdtable *t)
{

	t->ents = calloc(NENTS_FIRST, sizeof(t->ents[0]));
	if (t->ents == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	t->nents = NENTS_FIRST;
	t->lowfree = 0;
	return 0;
}

/* Lock held (or the table is nobody else's): room for descriptor fd. */
static int
grow(struct fdtable *t, int fd)
{
	struct fdent *ents;
	int n = t->nents;

	if (fd < n)
		return 0;
	while (n <= fd)
		n *= 2;
	ents = realloc(t->ents, (size_t)n * sizeof(ents[0]));
	if (ents == NULL)
		return RUMP_ENOMEM;
	memset(ents + t->nents, 0, (size_t)(n - t->nents) * sizeof(ents[0]));
	t->ents = ents;
	t->nents = n;
	return 0;
}

static bool
isopen(const struct fdtable *t, int fd)
{

	return fd >= 0 && fd < t->nents && t->ents[fd].file != NULL;
}

/* Lock held: takes fd out of the table; the reference is the caller's. */
static struct file *
take_out(struct fdtable *t, int fd)
{
	struct file *f = t->ents[fd].file;

	t->ents[fd] = (struct fdent){ .file = NULL };
	if (fd < t->lowfree)
		t->lowfree = fd;
	return f;
}

static void
put_in(struct fdtable *t, int fd, struct file *f, bool cloexec)
{

	t->ents[fd] = (struct fdent){ .file = f, .cloexec = cloexec };
	if (fd == t->lowfree)
		t->lowfree++;
}

static bool
has_file(struct fdtable *t, const struct file *f)
{
	int fd;

	pthread_mutex_lock(&t->lock);
	for (fd = 0; fd < t->nents && t->ents[fd].file != f; fd++)
		continue;
	pthread_mutex_unlock(&t->lock);
	return fd < t->nents;
}

/* What close does with a file taken out of the table. */
static void
closed(struct kproc *p, struct file *f)
{

	plock_closed(p, f);
	if ((f->traits & FILE_SLOW) != 0 && atomic_load(&f->refs) > 1 &&
	    !has_file(&p->fdt, f))
		file_wake_closed(p, f);
	file_put(f);
}

static int
nofile(struct kproc *p)
{
	uint64_t limit = proc_rlimit(p, RUMP_RLIMIT_NOFILE);

	return limit < KERN_NOFILE_MAX ? (int)limit : KERN_NOFILE_MAX;
}

/* Revoked or not. */
static int
get_any(struct kproc *p, int fd, struct file **fp)
{
	struct fdtable *t = &p->fdt;
	int error = RUMP_EBADF;

	pthread_mutex_lock(&t->lock);
	if (isopen(t, fd)) {
		*fp = t->ents[fd].file;
		file_ref(*fp);
		error = 0;
	}
	pthread_mutex_unlock(&t->lock);
	return error;
}

int
fd_get(struct kproc *p, int fd, struct file **fp)
{
	int error;

	error = get_any(p, fd, fp);
	if (error == 0 && atomic_load(&(*fp)->revoked)) {
		file_put(*fp);
		error = RUMP_EBADF;
	}
	return error;
}

static int
get_with_mode(struct kproc *p, int fd, int unwanted, struct file **fp)
{
	struct file *f;
	int error;

	error = get_any(p, fd, &f);
	if (error != 0)
		return error;
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
fd_install(struct kproc *p, struct file *f, int min, bool cloexec, int *fdp)
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
	if (error == 0) {
		put_in(t, fd, f, cloexec);
		*fdp = fd;
	}
	pthread_mutex_unlock(&t->lock);
	return error;
}

int
fd_install_at(struct kproc *p, struct file *f, int fd, bool cloexec)
{
	struct fdtable *t = &p->fdt;
	struct file *old = NULL;
	int error;

	if (fd < 0 || fd >= nofile(p))
		return RUMP_EBADF;
	pthread_mutex_lock(&t->lock);
	error = grow(t, fd);
	if (error == 0) {
		if (isopen(t, fd))
			old = take_out(t, fd);
		put_in(t, fd, f, cloexec);
	}
	pthread_mutex_unlock(&t->lock);
	if (old != NULL) {
		kqueue_closed(p, fd);
		closed(p, old);
	}
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
	kqueue_closed(p, fd);
	closed(p, f);
	return 0;
}

int
fd_highest(struct kproc *p)
{
	struct fdtable *t = &p->fdt;
	int fd;

	pthread_mutex_lock(&t->lock);
	for (fd = t->nents - 1; fd >= 0 && !isopen(t, fd); fd--)
		continue;
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

static void
revoke_in(struct fdtable *t, bool (*is)(const struct file *, const void *),
    const void *arg)
{
	struct file *f;
	int fd;

	pthread_mutex_lock(&t->lock);
	for (fd = 0; fd < t->nents; fd++) {
		f = t->ents[fd].file;
		if (f == NULL || !is(f, arg))
			continue;
		atomic_store(&f->revoked, true);
		file_wake_closed(NULL, f);
	}
	pthread_mutex_unlock(&t->lock);
}

void
fd_revoke(struct hostkern *hk, bool (*is)(const struct file *, const void *),
    const void *arg)
{
	struct kproc *p;

	pthread_mutex_lock(&hk->proc_lock);
	for (p = hk->procs; p != NULL; p = p->next)
		revoke_in(&p->fdt, is, arg);
	pthread_mutex_unlock(&hk->proc_lock);
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
	error = grow(to, from->nents - 1);
	for (fd = 0; error == 0 && fd < from->nents; fd++) {
		f = from->ents[fd].file;
		if (f == NULL || (f->traits & FILE_NOINHERIT) != 0)
			continue;
		file_ref(f);
		to->ents[fd] = from->ents[fd];
	}
	to->lowfree = 0;
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

	for (fd = 0; fd < t->nents; fd++) {
		if (t->ents[fd].file != NULL) {
			plock_closed(p, t->ents[fd].file);
			file_put(t->ents[fd].file);
		}
	}
	free(t->ents);
	pthread_mutex_destroy(&t->lock);
}
