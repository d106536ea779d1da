/*
 * File systems and their limits: statvfs, getvfsstat, pathconf.
 *
 * A guest sees its root mounted, and what the host has mounted below it.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/mounts.h"
#include "hostkern/path.h"
#include "hostkern/statvfs.h"

enum { VDISABLE = 0377, TTY_LINE = 255, MIN_HOLE = 512 };

static const struct {
	unsigned long magic;
	const char *name;
} types[] = {
	{ EXT4_SUPER_MAGIC, RUMP_MOUNT_EXT2FS },
	{ TMPFS_MAGIC, RUMP_MOUNT_TMPFS },
	{ NFS_SUPER_MAGIC, RUMP_MOUNT_NFS },
	{ MSDOS_SUPER_MAGIC, RUMP_MOUNT_MSDOS },
	{ ISOFS_SUPER_MAGIC, RUMP_MOUNT_CD9660 },
	{ OVERLAYFS_SUPER_MAGIC, RUMP_MOUNT_OVERLAY },
	{ FUSE_SUPER_MAGIC, RUMP_MOUNT_PUFFS },
	{ PROC_SUPER_MAGIC, RUMP_MOUNT_PROCFS },
	{ DEVPTS_SUPER_MAGIC, RUMP_MOUNT_PTYFS },
	{ XFS_SUPER_MAGIC, "xfs" },
	{ BTRFS_SUPER_MAGIC, "btrfs" },
};

static const char *
type_name(int fd)
{
	struct statfs fs;
	size_t i;

	if (fstatfs(fd, &fs) == 0) {
		for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
			if (types[i].magic == (unsigned long)fs.f_type)
				return types[i].name;
		}
	}
	return "host";
}

static struct kdir *
root_of(struct kproc *p)
{
	struct kdir *root;

	pthread_mutex_lock(&p->lock);
	root = kdir_ref(p->root);
	pthread_mutex_unlock(&p->lock);
	return root;
}

/* All but the name; what it is mounted from is the host's to know. */
static int
numbers(struct hostkern *hk, int fd, struct rump_statvfs *nb)
{
	struct statvfs host;

	if (fstatvfs(fd, &host) != 0)
		return kern_errno();
	rump_conv_statvfs_from_host(&host, nb);
	if (hk->read_only)
		nb->f_flag |= RUMP_ST_RDONLY;
	nb->f_flag |= RUMP_ST_LOCAL;
	snprintf(nb->f_fstypename, sizeof(nb->f_fstypename), "%s",
	    type_name(fd));
	snprintf(nb->f_mntfromname, sizeof(nb->f_mntfromname), "%s",
	    nb->f_fstypename);
	return 0;
}

int
statvfs_hfd(struct lwp *l, int fd, struct rump_statvfs *nb)
{
	struct kproc *p = kern_proc(l);
	struct kdir *root;
	int error;

	error = numbers(p->hk, fd, nb);
	if (error != 0)
		return error;
	root = root_of(p);
	mount_name(l, root, fd, nb->f_mntonname, sizeof(nb->f_mntonname));
	kdir_put(root);
	return 0;
}

int
sys_statvfs1(struct lwp *l, const struct sys_statvfs1_args *uap,
    register_t *retval)
{
	char path[KERN_PATHLEN];
	struct rump_statvfs nb;
	struct nameref n;
	int error;

	(void)retval;
	error = path_copyin(l, uap->path, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &n);
	if (error != 0)
		return error;
	error = statvfs_hfd(l, n.fd, &nb);
	nameref_close(&n);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &nb, uap->buf, sizeof(nb));
}

int
sys_fstatvfs1(struct lwp *l, const struct sys_fstatvfs1_args *uap,
    register_t *retval)
{
	struct rump_statvfs nb;
	struct nameref n;
	int error;

	(void)retval;
	error = path_lookup_fd(l, uap->fd, &n);
	if (error != 0)
		return error;
	error = statvfs_hfd(l, n.fd, &nb);
	nameref_close(&n);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &nb, uap->buf, sizeof(nb));
}

/* --- getvfsstat --- */

struct listing {
	struct lwp *l;
	rump_uaddr_t buf;	/* 0: they are only counted */
	uint64_t room;		/* for so many */
	uint64_t n;
};

static int
list_one(struct listing *ls, int fd, const char *name)
{
	struct rump_statvfs nb;
	int error;

	if (ls->buf != 0 && ls->n < ls->room) {
		error = numbers(kern_proc(ls->l)->hk, fd, &nb);
		if (error != 0)
			return error;
		snprintf(nb.f_mntonname, sizeof(nb.f_mntonname), "%s", name);
		error = rumpserver_copyout(ls->l, &nb,
		    ls->buf + ls->n * sizeof(nb), sizeof(nb));
		if (error != 0)
			return error;
	}
	ls->n++;
	return 0;
}

static int
list_below(struct listing *ls, struct mounts *m)
{
	const char *name;
	int error = 0, fd;
	uint64_t id;

	while (error == 0 && mounts_next(m, &id, &name)) {
		fd = mounts_enter(m, id, name);
		if (fd == -1)
			continue;
		error = list_one(ls, fd, name);
		close(fd);
	}
	return error;
}

/* What one may not go to is not told of. */
int
sys_getvfsstat(struct lwp *l, const struct sys_getvfsstat_args *uap,
    register_t *retval)
{
	struct listing ls = { .l = l, .buf = uap->buf,
	    .room = uap->bufsize / sizeof(struct rump_statvfs) };
	struct kproc *p = kern_proc(l);
	struct kdir *root;
	struct mounts m;
	int error;

	if (uap->flags != RUMP_MNT_WAIT && uap->flags != RUMP_MNT_NOWAIT &&
	    uap->flags != RUMP_MNT_LAZY && uap->flags != 0)
		return RUMP_EINVAL;
	error = cred_assume(p);
	if (error != 0)
		return error;
	root = root_of(p);
	error = list_one(&ls, root->fd, "/");
	if (error == 0) {
		error = mounts_open(l, &m, root);
		if (error == 0)
			error = list_below(&ls, &m);
		mounts_close(&m);
	}
	kdir_put(root);
	if (ls.buf != 0 && ls.n > ls.room)
		ls.n = ls.room;
	retval[0] = (register_t)ls.n;
	return error;
}

/* --- pathconf --- */

/* What the host's file system decides. */
static int
host_pathconf(int fd, int name, register_t *retval)
{
	struct statfs fs;
	char proc[PATH_PROCFD];
	long value;
	int error, host;

	if (name == RUMP_PC_NAME_MAX) {
		if (fstatfs(fd, &fs) != 0)
			return kern_errno();
		retval[0] = fs.f_namelen;
		return 0;
	}
	error = rump_conv_pathconf_to_host(name, &host);
	if (error != 0)
		return error;
	path_procfd(proc, fd);
	value = pathconf(proc, host);
	if (value == -1)
		return RUMP_EINVAL;
	retval[0] = value;
	return 0;
}

static int
do_pathconf(int fd, int name, register_t *retval)
{

	switch (name) {
	case RUMP_PC_LINK_MAX:
	case RUMP_PC_NAME_MAX:
	case RUMP_PC_FILESIZEBITS:
		return host_pathconf(fd, name, retval);
	case RUMP_PC_PATH_MAX:
		retval[0] = RUMP_PATH_MAX;
		return 0;
	case RUMP_PC_SYMLINK_MAX:
		retval[0] = RUMP_PATH_MAX - 1;
		return 0;
	case RUMP_PC_PIPE_BUF:
		retval[0] = RUMP_PIPE_BUF;
		return 0;
	case RUMP_PC_CHOWN_RESTRICTED:
	case RUMP_PC_NO_TRUNC:
	case RUMP_PC_SYNC_IO:
	case RUMP_PC_2_SYMLINKS:
		retval[0] = 1;
		return 0;
	case RUMP_PC_ACL_EXTENDED:
		retval[0] = 0;
		return 0;
	case RUMP_PC_VDISABLE:
		retval[0] = VDISABLE;
		return 0;
	case RUMP_PC_MAX_CANON:
	case RUMP_PC_MAX_INPUT:
		retval[0] = TTY_LINE;
		return 0;
	case RUMP_PC_MIN_HOLE_SIZE:
		retval[0] = MIN_HOLE;
		return 0;
	default:
		return RUMP_EINVAL;
	}
}

int
sys_pathconf(struct lwp *l, const struct sys_pathconf_args *uap,
    register_t *retval)
{
	char path[KERN_PATHLEN];
	struct nameref n;
	int error;

	error = path_copyin(l, uap->path, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &n);
	if (error != 0)
		return error;
	error = do_pathconf(n.fd, uap->name, retval);
	nameref_close(&n);
	return error;
}

/* Of what has no name there is only one thing to say. */
int
sys_fpathconf(struct lwp *l, const struct sys_fpathconf_args *uap,
    register_t *retval)
{
	struct file *f;
	int error;

	error = fd_get(kern_proc(l), uap->fd, &f);
	if (error != 0)
		return error;
	switch (f->type) {
	case FILE_VNODE:
	case FILE_FIFO:
	case FILE_DEV:
		error = do_pathconf(f->hfd, uap->name, retval);
		break;
	case FILE_PIPE:
	case FILE_SOCKET:
		retval[0] = RUMP_PIPE_BUF;
		error = uap->name == RUMP_PC_PIPE_BUF ? 0 : RUMP_EINVAL;
		break;
	case FILE_CONSOLE:
		error = uap->name == RUMP_PC_VDISABLE ||
		    uap->name == RUMP_PC_MAX_CANON ||
		    uap->name == RUMP_PC_MAX_INPUT ?
		    do_pathconf(-1, uap->name, retval) : RUMP_EINVAL;
		break;
	default:
		error = RUMP_EOPNOTSUPP;
		break;
	}
	file_put(f);
	return error;
}
