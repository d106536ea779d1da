/*
 * Names of files.
 */
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostkern/dev.h"
#include "hostkern/hostfd.h"
#include "hostkern/path.h"

enum {
	RENAME_RETRIES = 1000,
	NAME_TRIES = 8,
	CLIMB_MAX = 16384,	/* directories above another */
};

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
	int error;

	error = path_id(d->fd, &d->id);
	if (error != 0)
		return error;
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
path_openat2(struct lwp *l, int dirfd, const char *path,
    const struct open_how *how)
{
	int fd, tries;

	for (tries = 0; tries < RENAME_RETRIES; tries++) {
		fd = (int)syscall(SYS_openat2, dirfd, path, how,
		    sizeof(*how));
		if (fd != -1 || (errno != EAGAIN && errno != EINTR))
			break;
		if (l != NULL && rumpserver_interrupted(l)) {
			errno = EINTR;
			break;
		}
		sched_yield();
	}
	return fd;
}

/* For hosts whose statx(2) does not say (before Linux 5.8). */
static bool
fdinfo_mount(int fd, uint64_t *mnt)
{
	char name[48], line[128];
	bool found = false;
	FILE *fp;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	fp = fopen(name, "re");
	if (fp == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), fp) != NULL)
		found = sscanf(line, "mnt_id: %" SCNu64, mnt) == 1;
	fclose(fp);
	return found;
}

int
path_id(int fd, struct fileid *id)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &sx) != 0)
		return kern_errno();
	id->dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	id->ino = sx.stx_ino;
	id->mnt = sx.stx_mnt_id;
	return (sx.stx_mask & STATX_MNT_ID) != 0 ||
	    fdinfo_mount(fd, &id->mnt) ? 0 : RUMP_EOPNOTSUPP;
}

bool
path_same(const struct fileid *a, const struct fileid *b)
{

	return a->ino == b->ino && a->dev == b->dev && a->mnt == b->mnt;
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
path_reopen(struct kproc *p, int fd, int flags)
{
	char proc[PATH_PROCFD];

	path_procfd(proc, fd);
	if (cred_assume(p) != 0)
		return -1;
	return open(proc, (flags & ~O_NOFOLLOW) | O_CLOEXEC);
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

/* A name that the host has for the directory, as it would be seen from the
 * root if it is there. */
static int
likely_name(const struct kdir *root, int fd, char *buf, size_t len)
{
	char rootname[PATH_MAX], name[PATH_MAX];
	size_t n;
	int error;

	error = path_hostname(root->fd, rootname);
	if (error == 0)
		error = path_hostname(fd, name);
	if (error != 0)
		return error;
	n = strlen(rootname);
	if (n == 1)
		n = 0;		/* the root is the host's own */
	if (strlen(name) < n)
		return RUMP_EXDEV;
	if (strlen(name) - n >= len)
		return RUMP_ENAMETOOLONG;
	strcpy(buf, name[n] == '\0' ? "/" : name + n);
	return 0;
}

/* Is that directory the one with this name? */
static int
check_name(struct lwp *l, const struct kdir *root, const char *name,
    const struct fileid *id)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY |
	    O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	struct fileid found;
	int error, fd;

	fd = path_openat2(l, root->fd, name, &how);
	if (fd == -1)
		return kern_errno();
	error = path_id(fd, &found);
	close(fd);
	if (error != 0)
		return error;
	return path_same(&found, id) ? 0 : RUMP_EXDEV;
}

int
path_name(struct lwp *l, const struct kdir *root, int fd, char *buf,
    size_t len)
{
	struct fileid id;
	struct stat st;
	int error, tries;

	if (fstat(fd, &st) != 0)
		return kern_errno();
	if (st.st_nlink == 0)
		return RUMP_ENOENT;
	error = path_id(fd, &id);
	for (tries = 0; error == 0 && tries < NAME_TRIES; tries++) {
		error = likely_name(root, fd, buf, len);
		if (error == 0)
			error = check_name(l, root, buf, &id);
		if (error == 0)
			return 0;
		/* It may have been renamed just now. */
		if (error == RUMP_ENOENT || error == RUMP_EXDEV)
			error = 0;
	}
	return error != 0 ? error : RUMP_EXDEV;
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
	struct fileid id;
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
		b->isroot = b->at->hdev == b->root->id.dev &&
		    b->at->hino == b->root->id.ino &&
		    path_id(b->fd, &id) == 0 && path_same(&id, &b->root->id);
	} else if (b->cwd != NULL) {
		b->fd = b->cwd->fd;
		b->isroot = path_same(&b->cwd->id, &b->root->id);
	} else {
		b->fd = b->root->fd;
		b->isroot = true;
	}
	return 0;
}

/*
 * Goes up from directory fd until it is at the root.  *at is where it was after
 * `steps' steps, or the root if that came first.  EXDEV: fd is not under the
 * root.
 */
static int
climb(struct lwp *l, const struct kdir *root, int fd, int steps, int *at)
{
	struct fileid id, below = { .ino = 0 };
	int cur = fcntl(fd, F_DUPFD_CLOEXEC, 0), error, n, up;

	*at = -1;
	for (n = 0;; n++) {
		error = cur == -1 ? kern_errno() : path_id(cur, &id);
		if (error != 0 || path_same(&id, &root->id))
			break;
		if (path_same(&id, &below))	/* above all there is */
			error = RUMP_EXDEV;
		else if (n == CLIMB_MAX)
			error = RUMP_ENAMETOOLONG;
		else if (rumpserver_interrupted(l))
			error = RUMP_EINTR;
		if (error != 0)
			break;
		up = openat(cur, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (n == steps)
			*at = cur;
		else
			close(cur);
		below = id;
		cur = up;
	}
	if (error == 0 && *at == -1) {
		*at = cur;
		return 0;
	}
	if (cur != -1)
		close(cur);
	if (error != 0 && *at != -1) {
		close(*at);
		*at = -1;
	}
	return error;
}

int
path_is_under(struct lwp *l, const struct kdir *root, int fd)
{
	int at, error;

	error = climb(l, root, fd, 0, &at);
	if (error == 0)
		close(at);
	return error;
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

static int
open_in(struct lwp *l, const struct base *b, int fd, const char *path,
    struct open_how *how, int *hfd)
{

	how->resolve = RESOLVE_NO_MAGICLINKS |
	    (fd == b->root->fd ? RESOLVE_IN_ROOT : RESOLVE_BENEATH);
	*hfd = path_openat2(l, fd, path[0] != '\0' ? path : ".", how);
	return *hfd == -1 ? kern_errno() : 0;
}

/*
 * From a directory that has no name to be put before another: from the one
 * above to which the path goes first.  A directory that is not under the
 * process's root (one held open from before a chroot) counts as the root.
 */
static int
open_from_above(struct lwp *l, const struct base *b, const char *path,
    struct open_how *how, int *hfd)
{
	struct fileid id;
	int at, error, steps = 0;
	const char *rest;

	while ((rest = after_dotdot(path)) != NULL) {
		path = rest;
		steps++;
	}
	error = climb(l, b->root, b->fd, steps, &at);
	if (error == RUMP_EXDEV)
		return open_in(l, b, b->root->fd, path, how, hfd);
	if (error != 0)
		return error;
	error = path_id(at, &id);
	if (error == 0)
		error = open_in(l, b, path_same(&id, &b->root->id) ?
		    b->root->fd : at, path, how, hfd);
	close(at);
	return error == RUMP_EXDEV ? RUMP_ENAMETOOLONG : error;
}

/* The name leaves the directory it starts from: the same from the root. */
static int
open_from_root(struct lwp *l, const struct base *b, const char *path,
    struct open_how *how, int *hfd)
{
	char full[PATH_MAX];
	const char *left = path, *rest;
	size_t n;

	if (path_name(l, b->root, b->fd, full, sizeof(full)) != 0)
		return open_from_above(l, b, path, how, hfd);
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
		return open_from_above(l, b, path, how, hfd);
	full[n] = '/';
	strcpy(full + n + 1, left);
	return open_in(l, b, b->root->fd, full, how, hfd);
}

static int
open_from(struct lwp *l, const struct base *b, const char *path,
    const struct open_how *how, int *hfd)
{
	struct open_how h = *how;
	int error;

	error = open_in(l, b, b->isroot ? b->root->fd : b->fd, path, &h, hfd);
	if (error == RUMP_EXDEV && !b->isroot)
		error = open_from_root(l, b, path, &h, hfd);
	return error;
}

/*
 * What is in a proc file system would show, and do, much of what the server
 * and the other guests are: nothing there is to be had, and so neither are the
 * ways out of it.
 */
static int
refuse_proc(const struct hostkern *hk, int hfd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(hfd, &st) != 0)
		return kern_errno();
	return st.st_dev != hk->rootdev && fstatfs(hfd, &fs) == 0 &&
	    fs.f_type == PROC_SUPER_MAGIC ? RUMP_EACCES : 0;
}

static int
open_as(struct lwp *l, bool real, int atfd, const char *path,
    const struct open_how *how, int *hfd)
{
	struct kproc *p = kern_proc(l);
	struct base b;
	int error;

	error = base_get(p, atfd, path, &b);
	if (error != 0)
		return error;
	error = real ? cred_assume_real(p) : cred_assume(p);
	if (error == 0)
		error = open_from(l, &b, path, how, hfd);
	base_put(&b);
	if (error != 0)
		return error;
	error = refuse_proc(p->hk, *hfd);
	if (error != 0)
		close(*hfd);
	return error;
}

int
path_find(struct lwp *l, int atfd, const char *path, int flags, int *hfd)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC |
	    (unsigned)flags };

	return open_as(l, false, atfd, path, &how, hfd);
}

int
path_lookup(struct lwp *l, int atfd, const char *path, int flags,
    struct nameref *n)
{

	return path_lookup_as(l, false, atfd, path, flags, n);
}

int
path_lookup_as(struct lwp *l, bool real, int atfd, const char *path,
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
	error = open_as(l, real, atfd, path, &how, &n->fd);
	if (error != RUMP_ENOENT)
		return error;
	n->dev = dev_find(l, atfd, path);
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
	error = cred_assume(p);
	if (error != 0)
		file_put(f);
	return error;
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
	char path[KERN_PATHLEN];
	int error;

	error = path_copyin(l, upath, path);
	if (error == 0)
		error = path_lookup(l, atfd, path, flags, n);
	return error != 0 ? error : modifiable(kern_proc(l), n);
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
path_parent(struct lwp *l, int atfd, const char *path, struct parentref *r)
{
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
	return path_find(l, atfd, parent, O_DIRECTORY, &r->fd);
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

int
path_assume_maker(struct kproc *p, int dirfd, mode_t *mode)
{
	const mode_t group_wx = S_IWGRP | S_IXGRP;
	struct kcred *c = cred_get(p);
	struct stat st;
	int error;

	error = cred_assume(p);
	if (error == 0 && p->hk->privileged && fstat(dirfd, &st) == 0 &&
	    (st.st_mode & S_ISGID) == 0 && st.st_gid != c->egid &&
	    (c->euid == 0 || c->euid == st.st_uid ||
	    (st.st_mode & group_wx) == group_wx) && may_write(dirfd)) {
		if (c->euid != 0 && !cred_ingroup(c, st.st_gid))
			*mode &= ~(mode_t)S_ISGID;
		error = cred_assume_group(p, st.st_gid);
	}
	cred_put(c);
	return error;
}
