/*
 * Calls for facilities that a server on a host does not have: mounting, NFS
 * service, kernel modules, tracing by the kernel, quotas, control of extended
 * attributes, and reboot.  Each checks its arguments as NetBSD does and then
 * gives the errno of a NetBSD kernel that was built without the facility.
 */
#include <string.h>

#include <rump/rump_handlers.h>

#include "hostkern/kern.h"
#include "hostkern/path.h"

enum {
	MFSNAMELEN = 32,	/* a file system type, with NUL */
	MAXMODNAME = 32,	/* a module's name, with NUL */
	EXTATTR_NAMELEN = 256,	/* an attribute's name, with NUL */
	BOOTSTR_LEN = 128,	/* a boot string, with NUL */
	QUOTACTL_LAST = 13,	/* quotaoff, the last operation */
};

/* The path names something: 0, or why it does not. */
static int
check_path(struct lwp *l, rump_uaddr_t upath)
{
	char path[KERN_PATHLEN];
	struct nameref nr;
	int error;

	error = path_copyin(l, upath, path);
	if (error != 0)
		return error;
	error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &nr);
	if (error == 0)
		nameref_close(&nr);
	return error;
}

/* --- mounting --- */

/* @absent sys___mount50: a server has its root and mounts nothing; ENODEV, as for any file system type that is not configured */
int
sys___mount50(struct lwp *l, const struct sys___mount50_args *uap,
    register_t *retval)
{
	char type[MFSNAMELEN];
	int error;

	(void)retval;
	if ((uap->flags & (RUMP_MNT_UPDATE | RUMP_MNT_GETARGS)) == 0) {
		error = rumpserver_copyinstr(l, uap->type, type, sizeof(type),
		    NULL);
		return error != 0 ? error : RUMP_ENODEV;
	}
	/* These are about what is mounted already, whatever its type. */
	error = check_path(l, uap->path);
	if (error != 0)
		return error;
	error = cred_suser(kern_proc(l));
	return error != 0 ? error : RUMP_EOPNOTSUPP;
}

/* @absent sys_unmount: nothing is mounted but the root, which NetBSD does not let go either; EINVAL, or EPERM for anyone but the superuser */
int
sys_unmount(struct lwp *l, const struct sys_unmount_args *uap,
    register_t *retval)
{
	int error;

	(void)retval;
	error = check_path(l, uap->path);
	if (error == 0)
		error = cred_suser(kern_proc(l));
	return error != 0 ? error : RUMP_EINVAL;
}

/* @absent sys_nfssvc: there is no NFS server; ENOSYS, as without NetBSD's nfsserver module */
int
sys_nfssvc(struct lwp *l, const struct sys_nfssvc_args *uap,
    register_t *retval)
{

	(void)l;
	(void)uap;
	(void)retval;
	return RUMP_ENOSYS;
}

/* @absent sys___quotactl: the served files have no NetBSD quotas; EOPNOTSUPP, as on a file system without */
int
sys___quotactl(struct lwp *l, const struct sys___quotactl_args *uap,
    register_t *retval)
{
	uint32_t op;
	int error;

	(void)retval;
	error = rumpserver_copyin(l, uap->args, &op, sizeof(op));
	if (error == 0)
		error = check_path(l, uap->path);
	if (error != 0)
		return error;
	return op > QUOTACTL_LAST ? RUMP_EINVAL : RUMP_EOPNOTSUPP;
}

/* @absent sys_extattrctl: the host's file systems need no starting and stopping of attributes; EOPNOTSUPP, as on all but NetBSD's ufs */
int
sys_extattrctl(struct lwp *l, const struct sys_extattrctl_args *uap,
    register_t *retval)
{
	char name[EXTATTR_NAMELEN];
	int error;

	(void)retval;
	error = check_path(l, uap->path);
	if (error == 0 && uap->filename != 0)
		error = check_path(l, uap->filename);
	if (error == 0 && uap->attrname != 0)
		error = rumpserver_copyinstr(l, uap->attrname, name,
		    sizeof(name), NULL);
	return error != 0 ? error : RUMP_EOPNOTSUPP;
}

/* --- kernel modules --- */

static int
modctl_load(struct lwp *l, rump_uaddr_t arg)
{
	struct rump_modctl_load ml;
	char path[KERN_PATHLEN];
	int error;

	error = rumpserver_copyin(l, arg, &ml, sizeof(ml));
	if (error == 0)
		error = rumpserver_copyinstr(l, (uintptr_t)ml.ml_filename,
		    path, sizeof(path), NULL);
	if (error == 0)
		error = cred_suser(kern_proc(l));
	return error != 0 ? error : RUMP_ENOENT;
}

static int
modctl_unload(struct lwp *l, rump_uaddr_t arg)
{
	char name[MAXMODNAME];
	int error;

	error = rumpserver_copyinstr(l, arg, name, sizeof(name), NULL);
	if (error == 0)
		error = cred_suser(kern_proc(l));
	return error != 0 ? error : RUMP_ENOENT;
}

/* The list of modules, which is empty. */
static int
modctl_stat(struct lwp *l, rump_uaddr_t arg)
{
	struct rump_iovec iov;
	int error;

	error = rumpserver_copyin(l, arg, &iov, sizeof(iov));
	if (error != 0)
		return error;
	iov.iov_len = 0;
	return rumpserver_copyout(l, &iov, arg, sizeof(iov));
}

/* @partial sys_modctl: there are no modules: the list is empty, loading and unloading give ENOENT (EPERM for anyone but the superuser), asking whether one may load gives ENOSYS as in a kernel without modules */
int
sys_modctl(struct lwp *l, const struct sys_modctl_args *uap,
    register_t *retval)
{

	(void)retval;
	switch (uap->cmd) {
	case RUMP_MODCTL_LOAD:
		return modctl_load(l, uap->arg);
	case RUMP_MODCTL_UNLOAD:
		return modctl_unload(l, uap->arg);
	case RUMP_MODCTL_STAT:
		return modctl_stat(l, uap->arg);
	case RUMP_MODCTL_EXISTS:
		return RUMP_ENOSYS;
	default:
		return RUMP_EINVAL;
	}
}

/* --- tracing --- */

/* NetBSD without KTRACE answers these before it looks at any argument. */

/* @absent sys_ktrace: ENOSYS, as without NetBSD's option KTRACE; the client library has a tracer of its own */
int
sys_ktrace(struct lwp *l, const struct sys_ktrace_args *uap,
    register_t *retval)
{

	(void)l;
	(void)uap;
	(void)retval;
	return RUMP_ENOSYS;
}

/* @absent sys_fktrace: ENOSYS, as without NetBSD's option KTRACE */
int
sys_fktrace(struct lwp *l, const struct sys_fktrace_args *uap,
    register_t *retval)
{

	(void)l;
	(void)uap;
	(void)retval;
	return RUMP_ENOSYS;
}

/* @absent sys_utrace: ENOSYS, as without NetBSD's option KTRACE */
int
sys_utrace(struct lwp *l, const struct sys_utrace_args *uap,
    register_t *retval)
{

	(void)l;
	(void)uap;
	(void)retval;
	return RUMP_ENOSYS;
}

/* --- reboot --- */

/* @absent sys_reboot: one guest does not end the server of all; EPERM, also for the superuser */
int
sys_reboot(struct lwp *l, const struct sys_reboot_args *uap,
    register_t *retval)
{
	char bootstr[BOOTSTR_LEN];
	int error;

	(void)retval;
	error = cred_suser(kern_proc(l));
	if (error == 0 && (uap->opt & RUMP_RB_STRING) != 0)
		error = rumpserver_copyinstr(l, uap->bootstr, bootstr,
		    sizeof(bootstr), NULL);
	return error != 0 ? error : RUMP_EPERM;
}
