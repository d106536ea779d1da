/*
 * Where a process stands: chdir, chroot, getcwd.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/path.h"

/* Sets p's working directory; takes over d. */
static void
set_cwd(struct kproc *p, struct kdir *d)
{
	struct kdir *old;

	pthread_mutex_lock(&p->lock);
	old = p->cwd;
	p->cwd = d;
	pthread_mutex_unlock(&p->lock);
	kdir_put(old);
}

int
path_check_root(struct lwp *l, int fd)
{
	struct kproc *p = kern_proc(l);
	struct kdir *root;
	bool inside;

	pthread_mutex_lock(&p->lock);
	root = p->chrooted ? kdir_ref(p->root) : NULL;
	pthread_mutex_unlock(&p->lock);
	if (root == NULL)
		return 0;
	inside = path_is_under(l, root, fd) == 0;
	kdir_put(root);
	return inside ? 0 : RUMP_EPERM;
}

/* The directory of that name, if one may enter it. */
static int
enter_path(struct lwp *l, rump_uaddr_t upath, struct kdir **dp)
{
	char path[KERN_PATHLEN];
	struct nameref n;
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path,
		    PATH_DIRECTORY, &n);
	if (error != 0)
		return error;
	if (faccessat(n.fd, "", X_OK, AT_EACCESS | AT_EMPTY_PATH) != 0) {
		error = kern_errno();
		nameref_close(&n);
		return error;
	}
	return kdir_make(kern_proc(l), n.fd, dp);
}

/* The directory behind a descriptor, likewise. */
static int
enter_fd(struct lwp *l, int fd, struct kdir **dp)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error, hfd;

	error = fd_get(p, fd, &f);
	if (error != 0)
		return error;
	hfd = -1;
	if (f->type != FILE_VNODE)
		error = RUMP_ENOTDIR;
	else if (cred_assume(p) != 0 || (hfd = openat(f->hfd, ".",
	    O_PATH | O_DIRECTORY | O_CLOEXEC)) == -1)
		error = kern_errno();
	file_put(f);
	if (error != 0)
		return error;
	error = path_check_root(l, hfd);
	if (error != 0) {
		close(hfd);
		return error;
	}
	return kdir_make(p, hfd, dp);
}

int
sys_chdir(struct lwp *l, const struct sys_chdir_args *uap, register_t *retval)
{
	struct kdir *d;
	int error;

	(void)retval;
	error = enter_path(l, uap->path, &d);
	if (error == 0)
		set_cwd(kern_proc(l), d);
	return error;
}

int
sys_fchdir(struct lwp *l, const struct sys_fchdir_args *uap,
    register_t *retval)
{
	struct kdir *d;
	int error;

	(void)retval;
	error = enter_fd(l, uap->fd, &d);
	if (error == 0)
		set_cwd(kern_proc(l), d);
	return error;
}

/*
 * A new root; takes over d.  A working directory that is not under it would
 * be a way out: then the new root becomes that as well, as NetBSD has it.
 */
static void
set_root(struct lwp *l, struct kdir *d)
{
	struct kproc *p = kern_proc(l);
	struct kdir *oldcwd, *oldroot;
	bool inside;

	pthread_mutex_lock(&p->lock);
	oldcwd = kdir_ref(p->cwd);
	pthread_mutex_unlock(&p->lock);
	inside = cred_assume(p) == 0 && path_is_under(l, d, oldcwd->fd) == 0;
	kdir_put(oldcwd);
	if (!inside)
		set_cwd(p, kdir_ref(d));

	pthread_mutex_lock(&p->lock);
	oldroot = p->root;
	p->root = d;
	p->chrooted = !path_same(&d->id, &p->hk->root->id);
	pthread_mutex_unlock(&p->lock);
	kdir_put(oldroot);
}

int
sys_chroot(struct lwp *l, const struct sys_chroot_args *uap,
    register_t *retval)
{
	struct kdir *d;
	int error;

	(void)retval;
	error = cred_suser(kern_proc(l));
	if (error == 0)
		error = enter_path(l, uap->path, &d);
	if (error == 0)
		set_root(l, d);
	return error;
}

int
sys_fchroot(struct lwp *l, const struct sys_fchroot_args *uap,
    register_t *retval)
{
	struct kdir *d;
	int error;

	(void)retval;
	error = cred_suser(kern_proc(l));
	if (error == 0)
		error = enter_fd(l, uap->fd, &d);
	if (error == 0)
		set_root(l, d);
	return error;
}

int
sys___getcwd(struct lwp *l, const struct sys___getcwd_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char name[PATH_MAX];
	struct kdir *cwd, *root;
	size_t len;
	int error;

	if (uap->length < 2)
		return RUMP_ERANGE;
	pthread_mutex_lock(&p->lock);
	cwd = kdir_ref(p->cwd);
	root = kdir_ref(p->root);
	pthread_mutex_unlock(&p->lock);
	error = cred_assume(p);
	if (error == 0)
		error = path_name(l, root, cwd->fd, name, sizeof(name));
	kdir_put(cwd);
	kdir_put(root);
	if (error != 0)
		return error == RUMP_EXDEV ? RUMP_ENOENT : error;
	len = strlen(name) + 1;
	if (len > uap->length)
		return RUMP_ERANGE;
	retval[0] = (register_t)len;
	return rumpserver_copyout(l, name, uap->bufp, len);
}
