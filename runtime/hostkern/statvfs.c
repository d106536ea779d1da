/*
 * File systems and their limits: statvfs, getvfsstat, pathconf.
 *
 * A guest sees one mounted file system, the served root; a file on another
 * one of the host below it gives that one's numbers under the same name.
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

int
statvfs_hfd(struct hostkern *hk, int fd, struct rump_statvfs *nb)
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
	snprintf(nb->f_mntonname, sizeof(nb->f_mntonname), "/");
	snprintf(nb->f_mntfromname, sizeof(nb->f_mntfromname), "root");
	return 0;
}

int
sys_statvfs1(struct lwp *l, const struct sys_statvfs1_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	char path[KERN_PATHLEN];
	struct rump_statvfs nb;
	struct nameref n;
	int error;

	(void)retval;
	error = path_copyin(l, uap->path, path);
	if (error == 0)
		error = path_lookup(p, RUMP_AT_FDCWD, path, 0, &n);
	if (error != 0)
		return error;
	error = statvfs_hfd(p->hk, n.fd, &nb);
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
	error = statvfs_hfd(kern_proc(l)->hk, n.fd, &nb);
	nameref_close(&n);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &nb, uap->buf, sizeof(nb));
}

/* @partial sys_getvfsstat: lists the served root, and not what the host has mounted below it */
int
sys_getvfsstat(struct lwp *l, const struct sys_getvfsstat_args *uap,
    register_t *retval)
{
	struct hostkern *hk = kern_proc(l)->hk;
	struct rump_statvfs nb;
	int error;

	if (uap->flags != RUMP_MNT_WAIT && uap->flags != RUMP_MNT_NOWAIT &&
	    uap->flags != RUMP_MNT_LAZY && uap->flags != 0)
		return RUMP_EINVAL;
	retval[0] = 1;
	if (uap->buf == 0)
		return 0;
	if (uap->bufsize < sizeof(nb)) {
		retval[0] = 0;
		return 0;
	}
	error = statvfs_hfd(hk, hk->root->fd, &nb);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &nb, uap->buf, sizeof(nb));
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
		error = path_lookup(kern_proc(l), RUMP_AT_FDCWD, path, 0, &n);
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
