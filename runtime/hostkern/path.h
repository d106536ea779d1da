/*
 * Names of files: from a guest's string to a host descriptor, without a way
 * out of the served root.
 *
 * An absolute name, and one from the root itself, is resolved by openat2(2)
 * with RESOLVE_IN_ROOT from the process's root.  A name from any other
 * directory first with RESOLVE_BENEATH from there; only when that leaves the
 * directory (`..', an absolute symbolic link) the directory's own name is put
 * before it and the whole resolved from the root.  So the kernel confines
 * every step, also while others rename what is on the way.  Where the
 * directory has no name that the host takes, the steps up at the beginning are
 * made one by one, on the way to the root.
 *
 * Where a directory is, is decided by mount, device and inode number (struct
 * fileid).  A name of the host's is a guess, and holds if the file that it
 * leads to from the root is the one.
 *
 * No name leads into a proc file system (EACCES), and magic links are never
 * followed (ELOOP).
 *
 * What works on an existing file gets it as an O_PATH descriptor (struct
 * nameref); what makes, removes or renames a name gets its directory as an
 * O_PATH descriptor and the last component (struct parentref), which no *at
 * call of the host takes for more than one step.
 *
 * Functions return 0 or a NetBSD errno unless they say otherwise.
 */
#ifndef RUMPGEN_HOSTKERN_PATH_H
#define RUMPGEN_HOSTKERN_PATH_H

#include <limits.h>
#include <linux/openat2.h>

#include "hostkern/kern.h"

/* openat2(2): a descriptor, or -1 with errno set.  Tried again while renames
 * on the way disturb it (EAGAIN), unless the call is to end (EINTR). */
int path_openat2(struct lwp *, int dirfd, const char *path,
    const struct open_how *how);

/* Which file a descriptor is of. */
int path_id(int fd, struct fileid *);
bool path_same(const struct fileid *, const struct fileid *);

/* A name from the client; ENOENT when it is empty, ENAMETOOLONG. */
int path_copyin(struct lwp *, rump_uaddr_t, char path[KERN_PATHLEN]);

/*
 * An O_PATH descriptor of what `path' names, starting from descriptor atfd
 * (RUMP_AT_FDCWD: the working directory), found with the identity of the
 * process.  flags: O_DIRECTORY, O_NOFOLLOW.
 */
int path_find(struct lwp *, int atfd, const char *path, int flags, int *hfd);

/* The file of such a descriptor, open(2)ed by p with the host's flags: the only
 * way in which one that was there before is opened, once it is known what it
 * is.  -1 with errno set. */
int path_reopen(struct kproc *, int fd, int flags);

/* An existing file. */
struct nameref {
	int fd;				/* O_PATH, or an open file's */
	const struct synthdev *dev;	/* a device we supply: fd is the host's
					 * and not to be modified */
	struct file *file;		/* whose fd it is, or NULL */
};

enum { PATH_NOFOLLOW = 1, PATH_DIRECTORY = 2 };

int path_lookup(struct lwp *, int atfd, const char *path, int flags,
    struct nameref *);
/* The same with the process's real ids, as access(2) wants it; the thread
 * keeps that identity for the call that follows. */
int path_lookup_as(struct lwp *, bool real, int atfd, const char *path,
    int flags, struct nameref *);
void nameref_close(struct nameref *);

/*
 * path_copyin and path_lookup in one for calls that modify the file: EROFS
 * when the root is served read-only, EPERM for a device of ours.
 */
int path_modify(struct lwp *, int atfd, rump_uaddr_t upath, int flags,
    struct nameref *);

/*
 * The same for the file behind a descriptor.  EINVAL when it is none with a
 * name: a pipe, a socket, a kqueue.
 */
int path_lookup_fd(struct lwp *, int fd, struct nameref *);
int path_modify_fd(struct lwp *, int fd, struct nameref *);

/* A name in its directory. */
enum last_component { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

struct parentref {
	int fd;			/* O_PATH directory; -1 for LAST_ROOT */
	enum last_component last;
	bool slash;		/* the path ended in a slash */
	char name[NAME_MAX + 1];
};

int path_parent(struct lwp *, int atfd, const char *path,
    struct parentref *);
void parentref_close(struct parentref *);
bool parentref_exists(const struct parentref *);

/*
 * Instead of cred_assume() right before a host call that makes a new file in
 * directory dirfd, and does nothing else: NetBSD's file systems give it the
 * group of the directory, the host's that of the process.  So the thread is
 * given that group, where p may write the directory anyway.  As on NetBSD a
 * set-group-id bit of *mode goes if p is no member.  A server that is not root
 * leaves it at the host's way, and so does a directory whose group is denied
 * what others may.  Fails as cred_assume() does.
 */
int path_assume_maker(struct kproc *, int dirfd, mode_t *mode)
    __attribute__((warn_unused_result));

/*
 * The name of directory descriptor fd as seen from directory `root', "/" for
 * root itself, as far as the thread may go there.  ENOENT: removed; EXDEV: it
 * has none, as it is not under root.
 */
int path_name(struct lwp *, const struct kdir *root, int fd, char *buf,
    size_t len);

/* The host's name of a descriptor's file. */
int path_hostname(int fd, char buf[PATH_MAX]);

/* Is directory fd the root, or somewhere under it?  EXDEV: no; EINTR, and
 * ENAMETOOLONG when it is too deep. */
int path_is_under(struct lwp *, const struct kdir *root, int fd);
/* EPERM: the process has changed its root, and directory fd is not under it. */
int path_check_root(struct lwp *, int fd);

/* "/proc/self/fd/N": the name by which the host's calls take descriptor N's
 * file where they have no form for O_PATH descriptors. */
#define PATH_PROCFD	32
void path_procfd(char buf[PATH_PROCFD], int fd);

#endif
