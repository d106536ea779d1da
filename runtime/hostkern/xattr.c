/*
 * Extended attributes: the setxattr family with names like "user.x", and the
 * extattr_* family, whose user namespace is the same attributes without the
 * prefix.  Other namespaces of the host are not a guest's to see.
 */
#include <sys/xattr.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/path.h"

#define PREFIX	"user."

enum {
	PREFIXLEN = sizeof(PREFIX) - 1,
	NAMELEN = PREFIXLEN + RUMP_XATTR_NAME_MAX + 1,
};

static int
xattr_errno(void)
{

	switch (errno) {
	case ENODATA:
		return RUMP_ENOATTR;
	default:
		return kern_errno();
	}
}

/* --- the file: by name, by name without following, by descriptor --- */

enum which { BY_PATH, BY_LINK, BY_FD };

struct subject {
	enum which which;
	rump_uaddr_t path;
	int fd;
};

static int
lookup(struct lwp *l, const struct subject *s, bool modify,
    struct nameref *n, char proc[PATH_PROCFD])
{
	int flags = s->which == BY_LINK ? PATH_NOFOLLOW : 0, error;
	char path[KERN_PATHLEN];

	if (s->which == BY_FD) {
		error = modify ? path_modify_fd(l, s->fd, n) :
		    path_lookup_fd(l, s->fd, n);
	} else if (modify) {
		error = path_modify(l, RUMP_AT_FDCWD, s->path, flags, n);
	} else {
		error = path_copyin(l, s->path, path);
		if (error == 0)
			error = path_lookup(l, RUMP_AT_FDCWD, path,
			    flags, n);
	}
	if (error == 0)
		path_procfd(proc, n->fd);
	return error;
}

/* --- operations; name is the host's, uaddrs are the client's --- */

static int
set_attr(struct lwp *l, const struct subject *s, const char *name,
    rump_uaddr_t uvalue, uint64_t size, int flags)
{
	char proc[PATH_PROCFD];
	struct nameref n;
	void *value;
	int error;

	if (size > RUMP_XATTR_SIZE_MAX)
		return RUMP_E2BIG;
	value = rumpserver_alloc(l, size);
	if (value == NULL)
		return RUMP_ENOMEM;
	error = rumpserver_copyin(l, uvalue, value, size);
	if (error == 0)
		error = lookup(l, s, true, &n, proc);
	if (error != 0)
		goto out;
	/* XATTR_CREATE and XATTR_REPLACE are the same numbers. */
	if (setxattr(proc, name, value, size, flags) != 0)
		error = xattr_errno();
	nameref_close(&n);
out:
	rumpserver_free(value);
	return error;
}

/* Too little room: ERANGE, or with `cut` as much as fits.  0: the length. */
static int
get_attr(struct lwp *l, const struct subject *s, const char *name,
    rump_uaddr_t uvalue, uint64_t size, bool cut, register_t *retval)
{
	char proc[PATH_PROCFD], *value;
	struct nameref n;
	ssize_t len;
	int error;

	value = rumpserver_alloc(l, RUMP_XATTR_SIZE_MAX);
	if (value == NULL)
		return RUMP_ENOMEM;
	error = lookup(l, s, false, &n, proc);
	if (error != 0)
		goto out;
	len = getxattr(proc, name, value, RUMP_XATTR_SIZE_MAX);
	if (len == -1)
		error = xattr_errno();
	nameref_close(&n);
	if (error != 0)
		goto out;
	if (size != 0 && (uint64_t)len > size) {
		if (!cut) {
			error = RUMP_ERANGE;
			goto out;
		}
		len = (ssize_t)size;
	}
	retval[0] = len;
	if (size != 0)
		error = rumpserver_copyout(l, value, uvalue, (size_t)len);
out:
	rumpserver_free(value);
	return error;
}

static int
remove_attr(struct lwp *l, const struct subject *s, const char *name)
{
	char proc[PATH_PROCFD];
	struct nameref n;
	int error;

	error = lookup(l, s, true, &n, proc);
	if (error != 0)
		return error;
	if (removexattr(proc, name) != 0)
		error = xattr_errno();
	nameref_close(&n);
	return error;
}

/*
 * How a list is written: setxattr's is the names as they are, each with its
 * NUL; extattr's is for each a byte with its length and the bare name.
 */
enum list_form { LIST_XATTR, LIST_EXTATTR };

/* Rewrites the host's list in place, which never gets longer. */
static size_t
rewrite_list(char *list, size_t len, enum list_form form)
{
	size_t at, n, used = 0;

	for (at = 0; at < len; at += n + 1) {
		n = strlen(list + at);
		if (strncmp(list + at, PREFIX, PREFIXLEN) != 0)
			continue;
		if (form == LIST_XATTR) {
			memmove(list + used, list + at, n + 1);
			used += n + 1;
		} else {
			list[used++] = (char)(n - PREFIXLEN);
			memmove(list + used, list + at + PREFIXLEN,
			    n - PREFIXLEN);
			used += n - PREFIXLEN;
		}
	}
	return used;
}

static int
list_attrs(struct lwp *l, const struct subject *s, rump_uaddr_t ulist,
    uint64_t size, enum list_form form, register_t *retval)
{
	char proc[PATH_PROCFD], *list;
	struct nameref n;
	ssize_t got;
	size_t len;
	int error;

	list = rumpserver_alloc(l, XATTR_LIST_MAX);
	if (list == NULL)
		return RUMP_ENOMEM;
	error = lookup(l, s, false, &n, proc);
	if (error != 0)
		goto out;
	got = listxattr(proc, list, XATTR_LIST_MAX);
	if (got == -1)
		error = xattr_errno();
	nameref_close(&n);
	if (error != 0)
		goto out;
	len = rewrite_list(list, (size_t)got, form);
	if (size != 0 && len > size) {
		if (form == LIST_XATTR) {
			error = RUMP_ERANGE;
			goto out;
		}
		len = (size_t)size;
	}
	retval[0] = (register_t)len;
	if (size != 0)
		error = rumpserver_copyout(l, list, ulist, len);
out:
	rumpserver_free(list);
	return error;
}

/* --- setxattr and its family --- */

static int
copyin_name(struct lwp *l, rump_uaddr_t uname, char name[NAMELEN])
{
	int error;

	error = rumpserver_copyinstr(l, uname, name, NAMELEN, NULL);
	if (error == RUMP_ENAMETOOLONG)
		return RUMP_ERANGE;
	if (error != 0)
		return error;
	if (strncmp(name, PREFIX, PREFIXLEN) != 0)
		return RUMP_EOPNOTSUPP;
	return name[PREFIXLEN] == '\0' ? RUMP_EINVAL : 0;
}

static int
xattr_set(struct lwp *l, struct subject s, rump_uaddr_t uname,
    rump_uaddr_t value, uint64_t size, int flags)
{
	char name[NAMELEN];
	int error;

	if ((flags & ~(RUMP_XATTR_CREATE | RUMP_XATTR_REPLACE)) != 0)
		return RUMP_EINVAL;
	error = copyin_name(l, uname, name);
	if (error != 0)
		return error;
	return set_attr(l, &s, name, value, size, flags);
}

static int
xattr_get(struct lwp *l, struct subject s, rump_uaddr_t uname,
    rump_uaddr_t value, uint64_t size, register_t *retval)
{
	char name[NAMELEN];
	int error;

	error = copyin_name(l, uname, name);
	if (error != 0)
		return error;
	return get_attr(l, &s, name, value, size, false, retval);
}

static int
xattr_remove(struct lwp *l, struct subject s, rump_uaddr_t uname)
{
	char name[NAMELEN];
	int error;

	error = copyin_name(l, uname, name);
	return error != 0 ? error : remove_attr(l, &s, name);
}

static struct subject
by_path(rump_uaddr_t path)
{

	return (struct subject){ .which = BY_PATH, .path = path };
}

static struct subject
by_link(rump_uaddr_t path)
{

	return (struct subject){ .which = BY_LINK, .path = path };
}

static struct subject
by_fd(int fd)
{

	return (struct subject){ .which = BY_FD, .fd = fd };
}

/* @partial sys_setxattr: attributes of the user namespace ("user.…") */
int
sys_setxattr(struct lwp *l, const struct sys_setxattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_set(l, by_path(uap->path), uap->name, uap->value,
	    uap->size, uap->flags);
}

/* @partial sys_lsetxattr: attributes of the user namespace ("user.…") */
int
sys_lsetxattr(struct lwp *l, const struct sys_lsetxattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_set(l, by_link(uap->path), uap->name, uap->value,
	    uap->size, uap->flags);
}

/* @partial sys_fsetxattr: attributes of the user namespace ("user.…") */
int
sys_fsetxattr(struct lwp *l, const struct sys_fsetxattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_set(l, by_fd(uap->fd), uap->name, uap->value, uap->size,
	    uap->flags);
}

/* @partial sys_getxattr: attributes of the user namespace ("user.…") */
int
sys_getxattr(struct lwp *l, const struct sys_getxattr_args *uap,
    register_t *retval)
{

	return xattr_get(l, by_path(uap->path), uap->name, uap->value,
	    uap->size, retval);
}

/* @partial sys_lgetxattr: attributes of the user namespace ("user.…") */
int
sys_lgetxattr(struct lwp *l, const struct sys_lgetxattr_args *uap,
    register_t *retval)
{

	return xattr_get(l, by_link(uap->path), uap->name, uap->value,
	    uap->size, retval);
}

/* @partial sys_fgetxattr: attributes of the user namespace ("user.…") */
int
sys_fgetxattr(struct lwp *l, const struct sys_fgetxattr_args *uap,
    register_t *retval)
{

	return xattr_get(l, by_fd(uap->fd), uap->name, uap->value, uap->size,
	    retval);
}

/* @partial sys_listxattr: attributes of the user namespace ("user.…") */
int
sys_listxattr(struct lwp *l, const struct sys_listxattr_args *uap,
    register_t *retval)
{
	struct subject s = by_path(uap->path);

	return list_attrs(l, &s, uap->list, uap->size, LIST_XATTR, retval);
}

/* @partial sys_llistxattr: attributes of the user namespace ("user.…") */
int
sys_llistxattr(struct lwp *l, const struct sys_llistxattr_args *uap,
    register_t *retval)
{
	struct subject s = by_link(uap->path);

	return list_attrs(l, &s, uap->list, uap->size, LIST_XATTR, retval);
}

/* @partial sys_flistxattr: attributes of the user namespace ("user.…") */
int
sys_flistxattr(struct lwp *l, const struct sys_flistxattr_args *uap,
    register_t *retval)
{
	struct subject s = by_fd(uap->fd);

	return list_attrs(l, &s, uap->list, uap->size, LIST_XATTR, retval);
}

/* @partial sys_removexattr: attributes of the user namespace ("user.…") */
int
sys_removexattr(struct lwp *l, const struct sys_removexattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_remove(l, by_path(uap->path), uap->name);
}

/* @partial sys_lremovexattr: attributes of the user namespace ("user.…") */
int
sys_lremovexattr(struct lwp *l, const struct sys_lremovexattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_remove(l, by_link(uap->path), uap->name);
}

/* @partial sys_fremovexattr: attributes of the user namespace ("user.…") */
int
sys_fremovexattr(struct lwp *l, const struct sys_fremovexattr_args *uap,
    register_t *retval)
{

	(void)retval;
	return xattr_remove(l, by_fd(uap->fd), uap->name);
}

/* --- extattr_* --- */

/* The system namespace is the superuser's, and the host has none. */
static int
check_namespace(struct lwp *l, int namespace)
{

	switch (namespace) {
	case RUMP_EXTATTR_NAMESPACE_USER:
		return 0;
	case RUMP_EXTATTR_NAMESPACE_SYSTEM:
		return cred_suser(kern_proc(l)) != 0 ? RUMP_EPERM :
		    RUMP_EOPNOTSUPP;
	default:
		return RUMP_EINVAL;
	}
}

static int
copyin_extname(struct lwp *l, int namespace, rump_uaddr_t uname,
    char name[NAMELEN])
{
	int error;

	error = check_namespace(l, namespace);
	if (error != 0)
		return error;
	memcpy(name, PREFIX, PREFIXLEN);
	error = rumpserver_copyinstr(l, uname, name + PREFIXLEN,
	    RUMP_EXTATTR_MAXNAMELEN, NULL);
	if (error == 0 && name[PREFIXLEN] == '\0')
		error = RUMP_EINVAL;
	return error;
}

static int
extattr_set(struct lwp *l, struct subject s, int namespace,
    rump_uaddr_t uname, rump_uaddr_t data, uint64_t nbytes,
    register_t *retval)
{
	char name[NAMELEN];
	int error;

	error = copyin_extname(l, namespace, uname, name);
	if (error == 0)
		error = set_attr(l, &s, name, data, nbytes, 0);
	if (error == 0)
		retval[0] = (register_t)nbytes;
	return error;
}

/* data NULL asks for the length. */
static int
extattr_get(struct lwp *l, struct subject s, int namespace,
    rump_uaddr_t uname, rump_uaddr_t data, uint64_t nbytes,
    register_t *retval)
{
	char name[NAMELEN];
	int error;

	error = copyin_extname(l, namespace, uname, name);
	if (error != 0)
		return error;
	return get_attr(l, &s, name, data, data != 0 ? nbytes : 0, true,
	    retval);
}

static int
extattr_delete(struct lwp *l, struct subject s, int namespace,
    rump_uaddr_t uname)
{
	char name[NAMELEN];
	int error;

	error = copyin_extname(l, namespace, uname, name);
	return error != 0 ? error : remove_attr(l, &s, name);
}

static int
extattr_list(struct lwp *l, struct subject s, int namespace,
    rump_uaddr_t data, uint64_t nbytes, register_t *retval)
{
	int error;

	error = check_namespace(l, namespace);
	if (error != 0)
		return error;
	return list_attrs(l, &s, data, data != 0 ? nbytes : 0, LIST_EXTATTR,
	    retval);
}

/* @partial sys_extattr_set_file: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_set_file(struct lwp *l,
    const struct sys_extattr_set_file_args *uap, register_t *retval)
{

	return extattr_set(l, by_path(uap->path), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_set_link: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_set_link(struct lwp *l,
    const struct sys_extattr_set_link_args *uap, register_t *retval)
{

	return extattr_set(l, by_link(uap->path), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_set_fd: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_set_fd(struct lwp *l, const struct sys_extattr_set_fd_args *uap,
    register_t *retval)
{

	return extattr_set(l, by_fd(uap->fd), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_get_file: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_get_file(struct lwp *l,
    const struct sys_extattr_get_file_args *uap, register_t *retval)
{

	return extattr_get(l, by_path(uap->path), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_get_link: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_get_link(struct lwp *l,
    const struct sys_extattr_get_link_args *uap, register_t *retval)
{

	return extattr_get(l, by_link(uap->path), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_get_fd: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_get_fd(struct lwp *l, const struct sys_extattr_get_fd_args *uap,
    register_t *retval)
{

	return extattr_get(l, by_fd(uap->fd), uap->attrnamespace,
	    uap->attrname, uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_delete_file: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_delete_file(struct lwp *l,
    const struct sys_extattr_delete_file_args *uap, register_t *retval)
{

	(void)retval;
	return extattr_delete(l, by_path(uap->path), uap->attrnamespace,
	    uap->attrname);
}

/* @partial sys_extattr_delete_link: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_delete_link(struct lwp *l,
    const struct sys_extattr_delete_link_args *uap, register_t *retval)
{

	(void)retval;
	return extattr_delete(l, by_link(uap->path), uap->attrnamespace,
	    uap->attrname);
}

/* @partial sys_extattr_delete_fd: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_delete_fd(struct lwp *l,
    const struct sys_extattr_delete_fd_args *uap, register_t *retval)
{

	(void)retval;
	return extattr_delete(l, by_fd(uap->fd), uap->attrnamespace,
	    uap->attrname);
}

/* @partial sys_extattr_list_file: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_list_file(struct lwp *l,
    const struct sys_extattr_list_file_args *uap, register_t *retval)
{

	return extattr_list(l, by_path(uap->path), uap->attrnamespace,
	    uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_list_link: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_list_link(struct lwp *l,
    const struct sys_extattr_list_link_args *uap, register_t *retval)
{

	return extattr_list(l, by_link(uap->path), uap->attrnamespace,
	    uap->data, uap->nbytes, retval);
}

/* @partial sys_extattr_list_fd: the user namespace; EOPNOTSUPP for the system one */
int
sys_extattr_list_fd(struct lwp *l, const struct sys_extattr_list_fd_args *uap,
    register_t *retval)
{

	return extattr_list(l, by_fd(uap->fd), uap->attrnamespace, uap->data,
	    uap->nbytes, retval);
}
