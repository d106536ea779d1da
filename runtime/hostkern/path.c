/*
 * Names of files.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostkern/dev.h"
#include "hostkern/hostfd.h"
#include "hostkern/path.h"

enum { RENAME_RETRIES = 1000 };

struct kdir *
kdir_ref(struct kdir *d)
{

	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

void
kdir_put(struct kdir *d)
{

	if (d == NULL || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	close(d->fd);
	hostfd_refund(d->payer);
	free(d);
}

static int
kdir_fill(struct kproc *p, struct kdir *d)
{
	struct stat st;

	if (fstat(d->fd, &st) != 0)
		return kern_errno();
	d->dev = st.st_dev;
	d->ino = st.st_ino;
	return p != NULL ? hostfd_charge(p, &d->payer) : 0;
}

int
kdir_make(struct kproc *p, int fd, struct kdir **dp)
{
	struct kdir *d;
	int error;

	d = calloc(1, sizeof(*d));
	if (d == NULL) {
		close(fd);
		return RUMP_ENOMEM;
	}
	atomic_init(&d->refs, 1);
	d->fd = fd;
	error = kdir_fill(p, d);
	if (error != 0)
		kdir_put(d);
	else
		*dp = d;
	return error;
}

int
path_openat2(int dirfd, const char *path, const struct open_how *how)
{
	int fd, tries;

	for (tries = 0; tries < RENAME_RETRIES; tries++) {
		fd = (int)syscall(SYS_openat2, dirfd, path, how,
		    sizeof(*how));
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			break;
		sched_yield();
	}
	return fd;
}

int
path_copyin(struct lwp *l, rump_uaddr_t uaddr, char path[KERN_PATHLEN])
{
	int error;

	error = rumpserver_copyinstr(l, uaddr, path, KERN_PATHLEN, NULL);
	if (error != 0)
		return error;
	return path[0] == '\0' ? RUMP_ENOENT : 0;
}

void
path_procfd(char buf[PATH_PROCFD], int fd)
{

	snprintf(buf, PATH_PROCFD, "/proc/self/fd/%d", fd);
}

int
path_hostname(int fd, char buf[PATH_MAX])
{
	char proc[PATH_PROCFD];
	ssize_t n;

	path_procfd(proc, fd);
	n = readlink(proc, buf, PATH_MAX - 1);
	if (n == -1)
		return kern_errno();
	buf[n] = '\0';
	return 0;
}

int
path_name(int root, int fd, char *buf, size_t len)
{
	char rootname[PATH_MAX], name[PATH_MAX];
	struct stat st;
	const char *rel;
	size_t n;
	int error;

	if (fstat(fd, &st) != 0)
		return kern_errno();
	if (st.st_nlink == 0)
		return RUMP_ENOENT;
	error = path_hostname(root, rootname);
	if (error == 0)
		error = path_hostname(fd, name);
	if (error != 0)
		return error;
	n = strlen(rootname);
	if (n == 1)
		n = 0;		/* the root is the host's own */
	if (strncmp(name, rootname, n) != 0 ||
	    (name[n] != '/' && name[n] != '\0'))
		return RUMP_ENOENT;
	rel = name[n] == '\0' ? "/" : name + n;
	if (strlen(rel) >= len)
		return RUMP_ENAMETOOLONG;
	strcpy(buf, rel);
	return 0;
}

/* Where a lookup starts.  What is referenced is let go by base_put(). */
struct base {
	struct kdir *root, *cwd;
	struct file *at;
	int fd;
	bool isroot;
};

static void
base_put(struct base *b)
{

	kdir_put(b->root);
	kdir_put(b->cwd);
	if (b->at != NULL)
		file_put(b->at);
}

static int
base_get(struct kproc *p, int atfd, const char *path, struct base *b)
{
	struct file *f = NULL;
	int error;

	if (path[0] != '/' && atfd != RUMP_AT_FDCWD) {
		error = fd_get(p, atfd, &f);
		if (error != 0)
			return error;
		if (f->type != FILE_VNODE) {
			file_put(f);
			return RUMP_ENOTDIR;
		}
	}
	*b = (struct base){ .fd = -1, .at = f };
	pthread_mutex_lock(&p->lock);
	b->root = kdir_ref(p->root);
	if (path[0] != '/' && b->at == NULL)
		b->cwd = kdir_ref(p->cwd);
	pthread_mutex_unlock(&p->lock);

	if (b->at != NULL) {
		b->fd = b->at->hfd;
		b->isroot = b->at->hdev == b->root->dev &&
		    b->at->hino == b->root->ino;
	} else if (b->cwd != NULL) {
		b->fd = b->cwd->fd;
		b->isroot = b->cwd->dev == b->root->dev &&
		    b->cwd->ino == b->root->ino;
	} else {
		b->fd = b->root->fd;
		b->isroot = true;
	}
	return 0;
}

enum place { IS_ROOT, IS_BELOW, IS_ELSEWHERE, IS_UNKNOWN };

/* Where a directory is, found out by going up from it; takes over fd. */
static enum place
find_place(const struct kdir *root, int fd)
{
	enum place place = IS_ROOT;
	struct stat st, below = { .st_ino = 0 };
	int up;

	while (fd != -1 && fstat(fd, &st) == 0 &&
	    (st.st_dev != below.st_dev || st.st_ino != below.st_ino)) {
		if (st.st_dev == root->dev && st.st_ino == root->ino) {
			close(fd);
			return place;
		}
		place = IS_BELOW;
		below = st;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = up;
	}
	if (fd == -1)
		return IS_UNKNOWN;	/* not ours to go up, for one */
	close(fd);
	return IS_ELSEWHERE;
}

bool
path_is_under(const struct kdir *root, int fd)
{
	char name[PATH_MAX];
	int error;

	error = path_name(root->fd, fd, name, sizeof(name));
	if (error != RUMP_ENAMETOOLONG)
		return error == 0;
	return find_place(root, fcntl(fd, F_DUPFD_CLOEXEC, 0)) <= IS_BELOW;
}

/* "../x" is "x" seen from above; NULL: the path does not begin like that. */
static const char *
after_dotdot(const char *path)
{

	if (strncmp(path, "..", 2) != 0 || (path[2] != '/' && path[2] != '\0'))
		return NULL;
	path += 2;
	return path + strspn(path, "/");
}

/*
 * From a directory whose name is too long to be put before another: from the
 * one above, if the path goes there first, which must be under the root, too.
 */
static int
open_from_above(const struct base *b, const char *path, struct open_how *how)
{
	int fd = b->fd, result, up;
	const char *rest;
	enum place place = IS_BELOW;

	while (place == IS_BELOW && (rest = after_dotdot(path)) != NULL) {
		path = rest;
		up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd != b->fd)
			close(fd);
		if (up == -1)
			return -1;
		fd = up;
		place = find_place(b->root,
		    fcntl(fd, F_DUPFD_CLOEXEC, 0));
	}
	how->resolve = RESOLVE_NO_MAGICLINKS |
	    (place == IS_BELOW ? RESOLVE_BENEATH : RESOLVE_IN_ROOT);
	result = place == IS_UNKNOWN ? -1 :
	    path_openat2(place == IS_BELOW ? fd : b->root->fd,
	    path[0] != '\0' ? path : ".", how);
	if (fd != b->fd)
		close(fd);
	if (place == IS_UNKNOWN || (result == -1 && errno == EXDEV))
		errno = ENAMETOOLONG;
	return result;
}

/*
 * The name leaves the directory it starts from: the same from the root.  A
 * directory that is not under the process's root (one held open from before
 * a chroot) counts as the root.
 */
static int
open_from_root(const struct base *b, const char *path, struct open_how *how)
{
	char full[PATH_MAX];
	const char *left = path, *rest;
	size_t n;
	int error;

	error = path_name(b->root->fd, b->fd, full, sizeof(full));
	if (error == RUMP_ENOENT)
		strcpy(full, "/");
	else if (error != 0)
		return open_from_above(b, path, how);
	/* There are no links in that name, so `..' cuts it.  The host begins
	 * anew for `..' in a name whenever anything was renamed meanwhile. */
	while ((rest = after_dotdot(left)) != NULL) {
		left = rest;
		*strrchr(full, '/') = '\0';
		if (full[0] == '\0')
			strcpy(full, "/");
	}
	if (left[0] == '\0')
		left = ".";
	n = strlen(full);
	if (n + 1 + strlen(left) >= sizeof(full))
		return open_from_above(b, path, how);
	full[n] = '/';
	strcpy(full + n + 1, left);
	how->resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	return path_openat2(b->root->fd, full, how);
}

/* Identity taken; a descriptor or -1 with errno set. */
static int
open_from(const struct base *b, const char *path, const struct open_how *how)
{
	struct open_how h = *how;
	int fd;

	h.resolve = RESOLVE_NO_MAGICLINKS |
	    (b->isroot ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
	fd = path_openat2(b->fd, path, &h);
	if (fd == -1 && errno == EXDEV && !b->isroot)
		fd = open_from_root(b, path, &h);
	return fd;
}

static int
open_as(struct kproc *p, bool real, int atfd, const char *path,
    const struct open_how *how, int *hfd)
{
	struct base b;
	int error;

	error = base_get(p, atfd, path, &b);
	if (error != 0)
		return error;
	if (real)
		cred_assume_real(p);
	else
		cred_assume(p);
	*hfd = open_from(&b, path, how);
	error = *hfd == -1 ? kern_errno() : 0;
	base_put(&b);
	return error;
}

int
path_open(struct kproc *p, int atfd, const char *path,
    const struct open_how *how, int *hfd)
{

	return open_as(p, false, atfd, path, how, hfd);
}

int
path_lookup(struct kproc *p, int atfd, const char *path, int flags,
    struct nameref *n)
{

	return path_lookup_as(p, false, atfd, path, flags, n);
}

int
path_lookup_as(struct kproc *p, bool real, int atfd, const char *path,
    int flags, struct nameref *n)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC };
	int error;

	if ((flags & PATH_NOFOLLOW) != 0)
		how.flags |= O_NOFOLLOW;
	if ((flags & PATH_DIRECTORY) != 0)
		how.flags |= O_DIRECTORY;
	n->dev = NULL;
	n->file = NULL;
	error = open_as(p, real, atfd, path, &how, &n->fd);
	if (error != RUMP_ENOENT)
		return error;
	n->dev = dev_find(p, atfd, path);
	if (n->dev == NULL)
		return RUMP_ENOENT;
	if ((flags & PATH_DIRECTORY) != 0)
		return RUMP_ENOTDIR;
	n->fd = open(dev_hostname(n->dev), O_PATH | O_CLOEXEC);
	return n->fd == -1 ? kern_errno() : 0;
}

int
path_lookup_fd(struct lwp *l, int fd, struct nameref *n)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error;

	error = fd_get(p, fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_VNODE && f->type != FILE_FIFO &&
	    f->type != FILE_DEV) {
		file_put(f);
		return RUMP_EINVAL;
	}
	n->fd = f->hfd;
	n->dev = f->dev;
	n->file = f;
	cred_assume(p);
	return 0;
}

void
nameref_close(struct nameref *n)
{

	if (n->file != NULL)
		file_put(n->file);
	else
		close(n->fd);
}

static int
modifiable(struct kproc *p, struct nameref *n)
{
	int error = 0;

	if (p->hk->read_only)
		error = RUMP_EROFS;
	else if (n->dev != NULL)
		error = RUMP_EPERM;
	if (error != 0)
		nameref_close(n);
	return error;
}

int
path_modify(struct lwp *l, int atfd, rump_uaddr_t upath, int flags,
    struct nameref *n)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup(p, atfd, path, flags, n);
	return error != 0 ? error : modifiable(p, n);
}

int
path_modify_fd(struct lwp *l, int fd, struct nameref *n)
{
	int error;

	error = path_lookup_fd(l, fd, n);
	return error != 0 ? error : modifiable(kern_proc(l), n);
}

/*
 * Cuts the last component off `path`, in place, slashes around it included.
 * Returns it; what stays in path is the directory, "" for the present one.
 */
static const char *
cut_last(char *path, bool *slash)
{
	size_t n = strlen(path);
	char *last;

	*slash = false;
	while (n > 0 && path[n - 1] == '/') {
		path[--n] = '\0';
		*slash = true;
	}
	last = strrchr(path, '/');
	if (last == NULL)
		return path;
	*last = '\0';
	return last + 1;
}

static enum last_component
classify(const char *name)
{

	if (name[0] == '\0')
		return LAST_ROOT;
	if (strcmp(name, ".") == 0)
		return LAST_DOT;
	if (strcmp(name, "..") == 0)
		return LAST_DOTDOT;
	return LAST_NAME;
}

int
path_parent(struct kproc *p, int atfd, const char *path, struct parentref *r)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC };
	char dir[KERN_PATHLEN];
	const char *last, *parent;

	strcpy(dir, path);
	r->fd = -1;
	last = cut_last(dir, &r->slash);
	r->last = classify(last);
	if (r->last == LAST_ROOT)
		return 0;
	if (strlen(last) > NAME_MAX)
		return RUMP_ENAMETOOLONG;
	strcpy(r->name, last);
	parent = dir;
	if (last == dir)
		parent = ".";
	else if (dir[0] == '\0')
		parent = "/";
	return path_open(p, atfd, parent, &how, &r->fd);
}

void
parentref_close(struct parentref *r)
{

	if (r->fd != -1)
		close(r->fd);
}

bool
parentref_exists(const struct parentref *r)
{
	struct stat st;

	return fstatat(r->fd, r->name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
may_write(int dirfd)
{

	return faccessat(dirfd, "", W_OK | X_OK,
	    AT_EACCESS | AT_EMPTY_PATH) == 0;
}

void
path_assume_maker(struct kproc *p, int dirfd, mode_t *mode)
{
	const mode_t group_wx = S_IWGRP | S_IXGRP;
	struct kcred *c = cred_get(p);
	struct stat st;

	cred_assume(p);
	if (p->hk->privileged && fstat(dirfd, &st) == 0 &&
	    (st.st_mode & S_ISGID) == 0 && st.st_gid != c->egid &&
	    (c->euid == 0 || c->euid == st.st_uid ||
	    (st.st_mode & group_wx) == group_wx) && may_write(dirfd)) {
		if (c->euid != 0 && !cred_ingroup(c, st.st_gid))
			*mode &= ~(mode_t)S_ISGID;
		cred_assume_group(p, st.st_gid);
	}
	cred_put(c);
}
