/*
 * What is said of files: status, modes, owners, flags, times, extended
 * attributes, file systems, handles.
 */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

static void
setup(void)
{

	raw_setup();
	raw_put(&S, "f", "12345");
	ck_assert_int_eq(chmod(raw_host(&S, "f"), 0644), 0);
	OK(G, symlink, P("f"), P("/l"));
}

static struct rump_stat
status(const char *path)
{
	struct rump_stat st;

	OK(G, __lstat50, P(path), P(&st));
	return st;
}

START_TEST(stat_and_theirs)
{
	struct rump_stat st, fst;
	struct rump_stat30 old;
	struct stat host;
	int fd, fds[2];

	ck_assert_int_eq(stat(raw_host(&S, "f"), &host), 0);
	st = status("/f");
	ck_assert_uint_eq(st.st_mode, RUMP_S_IFREG | 0644);
	ck_assert_int_eq(st.st_size, 5);
	ck_assert_uint_eq(st.st_ino, host.st_ino);
	ck_assert_uint_eq(st.st_uid, host.st_uid);
	ck_assert_int_eq(st.st_mtim.tv_sec, host.st_mtim.tv_sec);
	ck_assert_int_eq(st.st_mtim.tv_nsec, host.st_mtim.tv_nsec);
	ck_assert_uint_eq(st.st_nlink, 1);
	st = status("/l");
	ck_assert_uint_eq(st.st_mode & RUMP_S_IFMT, RUMP_S_IFLNK);
	OK(G, __stat50, P("/l"), P(&st));
	ck_assert_uint_eq(st.st_ino, host.st_ino);
	fd = raw_open(G, "/f", 0, 0);
	OK(G, __fstat50, fd, P(&fst));
	ck_assert_mem_eq(&st, &fst, sizeof(st));
	OK(G, fstatat, RUMP_AT_FDCWD, P("l"), P(&st), 0);
	ck_assert_mem_eq(&st, &fst, sizeof(st));
	ck_assert_int_eq(CALL(G, fstatat, RUMP_AT_FDCWD, P("l"), P(&st), 1),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, __stat50, P("/none"), P(&st)), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, __stat50, P("/f/x"), P(&st)),
	    RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, __fstat50, 99, P(&st)), RUMP_EBADF);

	OK(G, compat_50___stat30, P("/l"), P(&old));
	ck_assert_uint_eq(old.st_ino, host.st_ino);
	ck_assert_int_eq(old.st_size, 5);
	OK(G, compat_50___lstat30, P("/l"), P(&old));
	ck_assert_uint_eq(old.st_mode & RUMP_S_IFMT, RUMP_S_IFLNK);
	OK(G, compat_50___fstat30, fd, P(&old));
	ck_assert_int_eq(old.st_mtimespec.tv_sec, host.st_mtim.tv_sec);

	OK(G, pipe2, P(fds), 0);
	OK(G, __fstat50, fds[0], P(&st));
	ck_assert(RUMP_S_ISFIFO(st.st_mode));
	OK(G, __fstat50, 0, P(&st));
	ck_assert(RUMP_S_ISCHR(st.st_mode));
}
END_TEST

START_TEST(modes)
{
	int fd = raw_open(G, "/f", 0, 0);

	OK(G, chmod, P("/l"), 0600);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 0600);
	OK(G, fchmod, fd, 0640);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 0640);
	OK(G, fchmodat, RUMP_AT_FDCWD, P("f"), 04755, 0);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 04755);
	ck_assert_int_eq(CALL(G, fchmodat, RUMP_AT_FDCWD, P("f"), 0, 1),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, chmod, P("/none"), 0), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, fchmod, 99, 0), RUMP_EBADF);
	/* Linux keeps no modes of links. */
	ck_assert_int_eq(CALL(G, lchmod, P("/l"), 0), RUMP_EOPNOTSUPP);
	OK(G, lchmod, P("/f"), 0600);
	if (skip_unless_root())
		return;
	OK(G, chown, P("/f"), 1000, 50);
	OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, chmod, P("/f"), 01644), RUMP_EFTYPE);
	ck_assert_int_eq(CALL(G, chmod, P("/f"), 02755), RUMP_EPERM);
	OK(G, chmod, P("/f"), 0755);
	OK(G, seteuid, 0);
	OK(G, seteuid, 1001);
	ck_assert_int_eq(CALL(G, chmod, P("/f"), 0755), RUMP_EPERM);
}
END_TEST

START_TEST(owners)
{
	int fd = raw_open(G, "/f", 0, 0);

	if (skip_unless_root())
		return;
	OK(G, chown, P("/l"), 10, 20);
	ck_assert_uint_eq(status("/f").st_uid, 10);
	ck_assert_uint_eq(status("/f").st_gid, 20);
	ck_assert_uint_eq(status("/l").st_uid, 0);
	OK(G, lchown, P("/l"), 11, -1);
	ck_assert_uint_eq(status("/l").st_uid, 11);
	ck_assert_uint_eq(status("/l").st_gid, 0);
	OK(G, fchownat, RUMP_AT_FDCWD, P("l"), 12, 22,
	    RUMP_AT_SYMLINK_NOFOLLOW);
	ck_assert_uint_eq(status("/l").st_gid, 22);
	/* NetBSD's clears the bit of what is given, also when it is the same;
	 * POSIX's none for root. */
	OK(G, chmod, P("/f"), 06755);
	OK(G, fchown, fd, -1, 21);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 04755);
	OK(G, chmod, P("/f"), 06755);
	OK(G, chown, P("/f"), 13, -1);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 02755);
	OK(G, chmod, P("/f"), 06755);
	OK(G, chown, P("/f"), 13, 21);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 0755);
	OK(G, chmod, P("/f"), 06755);
	OK(G, __posix_chown, P("/f"), 14, 24);
	OK(G, __posix_fchown, fd, 14, 25);
	ck_assert_uint_eq(status("/f").st_mode & 07777, 06755);
	OK(G, __posix_lchown, P("/l"), 15, 25);
	ck_assert_uint_eq(status("/l").st_uid, 15);
	ck_assert_int_eq(CALL(G, chown, P("/none"), 1, 1), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, fchown, 99, 1, 1), RUMP_EBADF);
}
END_TEST

/* A device of the host that there is not, so that opening it would fail. */
START_TEST(flags_open_no_device)
{

	if (skip_unless_root())
		return;
	OK(G, __mknod50, P("/dev"), RUMP_S_IFCHR | 0600,
	    rump_makedev(10, 250));
	ck_assert_int_eq(CALL(G, open, P("/dev"), RUMP_O_RDONLY, 0),
	    RUMP_ENXIO);
	ck_assert_int_eq(CALL(G, chflags, P("/dev"), 0), RUMP_EOPNOTSUPP);
}
END_TEST

START_TEST(file_flags)
{
	int error, fd;

	error = CALL(G, chflags, P("/f"), RUMP_UF_NODUMP);
	if (error == RUMP_EOPNOTSUPP)
		return;		/* the file system has none */
	ck_assert_int_eq(error, 0);
	ck_assert_uint_eq(status("/f").st_flags, RUMP_UF_NODUMP);
	ck_assert_int_eq(CALL(G, chflags, P("/f"), RUMP_UF_OPAQUE),
	    RUMP_EOPNOTSUPP);
	ck_assert_int_eq(CALL(G, lchflags, P("/l"), RUMP_UF_NODUMP),
	    RUMP_EOPNOTSUPP);
	if (geteuid() == 0) {
		OK(G, chflags, P("/f"), RUMP_SF_IMMUTABLE);
		ck_assert_int_eq(CALL(G, unlink, P("/f")), RUMP_EPERM);
		fd = raw_open(G, "/f", RUMP_O_RDONLY, 0);
		OK(G, fchflags, fd, 0);
		OK(G, seteuid, 1000);
		ck_assert_int_eq(CALL(G, chflags, P("/f"), RUMP_UF_NODUMP),
		    RUMP_EPERM);
		OK(G, seteuid, 0);
		/* An owner who may not read it. */
		OK(G, chmod, P("/f"), 0);
		OK(G, chown, P("/f"), 1000, -1);
		OK(G, seteuid, 1000);
		OK(G, chflags, P("/f"), RUMP_UF_NODUMP);
		OK(G, seteuid, 0);
	}
	OK(G, chflags, P("/f"), 0);
	ck_assert_uint_eq(status("/f").st_flags, 0);
}
END_TEST

START_TEST(times)
{
	struct rump_timeval tv[2] = { { .tv_sec = 1000, .tv_usec = 5 },
	    { .tv_sec = 2000, .tv_usec = 999999 } };
	struct rump_timeval50 tv50[2] = { { .tv_sec = 3000, .tv_usec = 7 },
	    { .tv_sec = 4000, .tv_usec = 8 } };
	struct rump_timespec ts[2] = { { .tv_sec = 5000, .tv_nsec = 9 },
	    { .tv_nsec = RUMP_UTIME_OMIT } };
	int fd = raw_open(G, "/f", 0, 0);

	OK(G, __utimes50, P("/l"), P(tv));
	ck_assert_int_eq(status("/f").st_atim.tv_sec, 1000);
	ck_assert_int_eq(status("/f").st_atim.tv_nsec, 5000);
	ck_assert_int_eq(status("/f").st_mtim.tv_nsec, 999999000);
	OK(G, __lutimes50, P("/l"), P(tv));
	ck_assert_int_eq(status("/l").st_mtim.tv_sec, 2000);
	OK(G, compat_50_utimes, P("/f"), P(tv50));
	ck_assert_int_eq(status("/f").st_atim.tv_sec, 3000);
	ck_assert_int_eq(status("/f").st_mtim.tv_nsec, 8000);
	OK(G, utimensat, RUMP_AT_FDCWD, P("l"), P(ts), 0);
	ck_assert_int_eq(status("/f").st_atim.tv_sec, 5000);
	ck_assert_int_eq(status("/f").st_mtim.tv_sec, 4000);
	OK(G, utimensat, RUMP_AT_FDCWD, P("l"), P(ts),
	    RUMP_AT_SYMLINK_NOFOLLOW);
	ck_assert_int_eq(status("/l").st_atim.tv_sec, 5000);
	OK(G, __futimes50, fd, P(tv));
	ck_assert_int_eq(status("/f").st_atim.tv_sec, 1000);
	OK(G, compat_50_futimes, fd, P(tv50));
	ck_assert_int_eq(status("/f").st_atim.tv_sec, 3000);
	OK(G, compat_50_lutimes, P("/l"), P(tv50));
	ck_assert_int_eq(status("/l").st_mtim.tv_sec, 4000);
	ts[0].tv_nsec = RUMP_UTIME_NOW;
	OK(G, futimens, fd, P(ts));
	ck_assert_int_gt(status("/f").st_atim.tv_sec, 1000000);
	ck_assert_int_eq(status("/f").st_mtim.tv_sec, 4000);
	OK(G, __utimes50, P("/f"), 0);
	ck_assert_int_gt(status("/f").st_mtim.tv_sec, 1000000);
	tv[0].tv_usec = 1000000;
	ck_assert_int_eq(CALL(G, __utimes50, P("/f"), P(tv)), RUMP_EINVAL);
	ts[0].tv_nsec = -1;
	ck_assert_int_eq(CALL(G, futimens, fd, P(ts)), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, futimens, 99, 0), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, __utimes50, P("/none"), 0), RUMP_ENOENT);
}
END_TEST

START_TEST(accessing)
{

	OK(G, access, P("/f"), RUMP_F_OK);
	OK(G, access, P("/l"), RUMP_R_OK | RUMP_W_OK);
	ck_assert_int_eq(CALL(G, access, P("/f"), RUMP_X_OK), RUMP_EACCES);
	ck_assert_int_eq(CALL(G, access, P("/none"), RUMP_F_OK),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, access, P("/f"), 8), RUMP_EINVAL);
	OK(G, faccessat, RUMP_AT_FDCWD, P("f"), RUMP_R_OK, RUMP_AT_EACCESS);
	ck_assert_int_eq(CALL(G, faccessat, RUMP_AT_FDCWD, P("f"), 0, 1),
	    RUMP_EINVAL);
	OK(G, symlink, P("none"), P("/dangling"));
	OK(G, faccessat, RUMP_AT_FDCWD, P("dangling"), RUMP_F_OK,
	    RUMP_AT_SYMLINK_NOFOLLOW);
}
END_TEST

START_TEST(revoking)
{
	struct raw_guest *other = raw_guest(&S, "other");
	struct rump_stat st;
	int dev, fd, fifo, mine;
	char c;

	fd = raw_open(other, "/f", RUMP_O_RDWR, 0);
	dev = raw_open(other, "/dev/null", RUMP_O_RDWR, 0);
	OK(G, mkfifo, P("/fifo"), 0666);
	mine = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	fifo = raw_open(other, "/fifo", RUMP_O_RDWR, 0);
	OK(G, revoke, P("/l"));
	ck_assert_int_eq(CALL(other, read, fd, P(&c), 1), RUMP_EIO);
	ck_assert_int_eq(CALL(other, write, fd, P(&c), 1), RUMP_EIO);
	ck_assert_int_eq(CALL(other, __fstat50, fd, P(&st)), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, read, mine, P(&c), 1), RUMP_EIO);
	OK(other, close, fd);
	OK(other, read, raw_open(other, "/f", RUMP_O_RDWR, 0), P(&c), 1);
	/* Another's sleep ends with it. */
	BEGIN(other, read, fifo, P(&c), 1);
	ck_assert(raw_pending(other));
	OK(G, revoke, P("/fifo"));
	ck_assert_int_eq(raw_end(other), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, revoke, P("/none")), RUMP_ENOENT);
	if (geteuid() == 0) {
		OK(G, revoke, P("/dev/null"));
		ck_assert_int_eq(OK(other, read, dev, P(&c), 1), 0);
		ck_assert_int_eq(CALL(other, write, dev, P(&c), 1), RUMP_EIO);
		OK(other, setuid, 1000);
	}
	ck_assert_int_eq(CALL(other, revoke, P("/dev/null")), RUMP_EPERM);
	raw_leave(other);
}
END_TEST

START_TEST(extended_attributes)
{
	char buf[64] = "", big[300];
	int fd = raw_open(G, "/f", RUMP_O_RDWR, 0), error;

	error = CALL(G, setxattr, P("/l"), P("user.one"), P("first"), 5, 0);
	if (error == RUMP_EOPNOTSUPP)
		return;		/* the file system has none */
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(OK(G, getxattr, P("/f"), P("user.one"), P(buf), 64),
	    5);
	ck_assert_str_eq(buf, "first");
	ck_assert_int_eq(OK(G, fgetxattr, fd, P("user.one"), 0, 0), 5);
	ck_assert_int_eq(CALL(G, lgetxattr, P("/f"), P("user.one"), P(buf),
	    4), RUMP_ERANGE);
	ck_assert_int_eq(CALL(G, getxattr, P("/f"), P("user.no"), P(buf), 64),
	    RUMP_ENOATTR);
	ck_assert_int_eq(CALL(G, fsetxattr, fd, P("user.one"), P("x"), 1,
	    RUMP_XATTR_CREATE), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, fsetxattr, fd, P("user.two"), P("x"), 1,
	    RUMP_XATTR_REPLACE), RUMP_ENOATTR);
	ck_assert_int_eq(CALL(G, setxattr, P("/f"), P("trusted.x"), P("x"),
	    1, 0), RUMP_EOPNOTSUPP);
	ck_assert_int_eq(CALL(G, setxattr, P("/f"), P("user."), P("x"), 1,
	    0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, setxattr, P("/f"), P("user.a"), P("x"), 1,
	    4), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, setxattr, P("/f"), P("user.a"), P("x"),
	    65537, 0), RUMP_E2BIG);
	memset(big, 'n', sizeof(big));
	memcpy(big, "user.", 5);
	big[299] = '\0';
	ck_assert_int_eq(CALL(G, setxattr, P("/f"), P(big), P("x"), 1, 0),
	    RUMP_ERANGE);

	/* The same attributes under the other calls' names. */
	ck_assert_int_eq(OK(G, extattr_set_fd, fd,
	    RUMP_EXTATTR_NAMESPACE_USER, P("two"), P("second"), 6), 6);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_eq(OK(G, extattr_get_file, P("/l"),
	    RUMP_EXTATTR_NAMESPACE_USER, P("one"), P(buf), 64), 5);
	ck_assert_str_eq(buf, "first");
	ck_assert_int_eq(OK(G, extattr_get_file, P("/l"),
	    RUMP_EXTATTR_NAMESPACE_USER, P("two"), 0, 0), 6);
	ck_assert_int_eq(OK(G, extattr_get_link, P("/f"),
	    RUMP_EXTATTR_NAMESPACE_USER, P("two"), P(buf), 3), 3);
	ck_assert_int_eq(OK(G, listxattr, P("/f"), P(buf), 64), 18);
	ck_assert_int_eq(OK(G, flistxattr, fd, 0, 0), 18);
	ck_assert_int_eq(CALL(G, llistxattr, P("/f"), P(buf), 10),
	    RUMP_ERANGE);
	ck_assert_int_eq(OK(G, extattr_list_file, P("/f"),
	    RUMP_EXTATTR_NAMESPACE_USER, P(buf), 64), 8);
	ck_assert_int_eq(buf[0], 3);
	ck_assert_int_eq(buf[4], 3);
	ck_assert_int_eq(OK(G, extattr_list_fd, fd,
	    RUMP_EXTATTR_NAMESPACE_USER, 0, 0), 8);
	ck_assert_int_eq(CALL(G, extattr_get_fd, fd, 3, P("one"), P(buf), 1),
	    RUMP_EINVAL);
	if (geteuid() == 0)
		OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, extattr_get_fd, fd,
	    RUMP_EXTATTR_NAMESPACE_SYSTEM, P("one"), P(buf), 1), RUMP_EPERM);
	if (geteuid() == 0)
		OK(G, seteuid, 0);
	OK(G, extattr_delete_fd, fd, RUMP_EXTATTR_NAMESPACE_USER, P("one"));
	OK(G, fremovexattr, fd, P("user.two"));
	ck_assert_int_eq(CALL(G, removexattr, P("/f"), P("user.two")),
	    RUMP_ENOATTR);
	ck_assert_int_eq(OK(G, listxattr, P("/f"), P(buf), 64), 0);
}
END_TEST

START_TEST(file_systems)
{
	struct rump_statvfs a, b;
	int fd = raw_open(G, "/f", 0, 0), fds[2];

	OK(G, statvfs1, P("/f"), P(&a), RUMP_ST_WAIT);
	ck_assert_uint_gt(a.f_blocks, 0);
	ck_assert_uint_eq(a.f_namemax, 255);
	ck_assert_str_eq(a.f_mntonname, "/");
	OK(G, fstatvfs1, fd, P(&b), RUMP_ST_NOWAIT);
	ck_assert_uint_eq(a.f_fsid, b.f_fsid);
	ck_assert_int_eq(OK(G, getvfsstat, 0, 0, RUMP_ST_NOWAIT), 1);
	memset(&b, 0, sizeof(b));
	ck_assert_int_eq(OK(G, getvfsstat, P(&b), sizeof(b), RUMP_ST_NOWAIT),
	    1);
	ck_assert_uint_eq(a.f_fsid, b.f_fsid);
	ck_assert_int_eq(OK(G, getvfsstat, P(&b), 100, RUMP_ST_NOWAIT), 0);
	ck_assert_int_eq(CALL(G, statvfs1, P("/none"), P(&a), 1),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, fstatvfs1, 99, P(&a), 1), RUMP_EBADF);

	ck_assert_int_eq(OK(G, pathconf, P("/f"), RUMP_PC_NAME_MAX), 255);
	ck_assert_int_eq(OK(G, pathconf, P("/f"), RUMP_PC_PATH_MAX), 1024);
	ck_assert_int_eq(OK(G, fpathconf, fd, RUMP_PC_PIPE_BUF), 512);
	ck_assert_int_gt(OK(G, fpathconf, fd, RUMP_PC_LINK_MAX), 1);
	ck_assert_int_eq(OK(G, fpathconf, fd, RUMP_PC_FILESIZEBITS), 64);
	ck_assert_int_eq(CALL(G, pathconf, P("/f"), 99), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, pathconf, P("/none"), RUMP_PC_NAME_MAX),
	    RUMP_ENOENT);
	OK(G, pipe2, P(fds), 0);
	ck_assert_int_eq(OK(G, fpathconf, fds[0], RUMP_PC_PIPE_BUF), 512);
	ck_assert_int_eq(CALL(G, fpathconf, fds[0], RUMP_PC_NAME_MAX),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(file_handles)
{
	unsigned char fh[200];
	struct rump_statvfs vfs;
	struct rump_stat st;
	struct rump_stat30 old;
	uint64_t size = 4;
	char buf[8] = "";
	int error, fd;

	if (skip_unless_root())
		return;
	error = CALL(G, __getfh30, P("/f"), P(fh), P(&size));
	if (error == RUMP_EOPNOTSUPP)
		return;		/* the file system has none */
	ck_assert_int_eq(error, RUMP_E2BIG);
	ck_assert_uint_gt(size, 16);
	ck_assert_uint_le(size, sizeof(fh));
	OK(G, __getfh30, P("/l"), P(fh), P(&size));
	OK(G, unlink, P("/l"));
	OK(G, rename, P("/f"), P("/g"));
	OK(G, __fhstat50, P(fh), size, P(&st));
	ck_assert_uint_eq(st.st_ino, status("/g").st_ino);
	OK(G, compat_50___fhstat40, P(fh), size, P(&old));
	ck_assert_uint_eq(old.st_ino, st.st_ino);
	OK(G, __fhstatvfs140, P(fh), size, P(&vfs), 0);
	fd = (int)OK(G, __fhopen40, P(fh), size, RUMP_O_RDONLY);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 5);
	ck_assert_str_eq(buf, "12345");
	ck_assert_int_eq(CALL(G, __fhopen40, P(fh), size, RUMP_O_CREAT),
	    RUMP_EINVAL);
	/* A handle of one's own making opens nothing. */
	fh[size - 1] ^= 1;
	ck_assert_int_eq(CALL(G, __fhopen40, P(fh), size, RUMP_O_RDONLY),
	    RUMP_ESTALE);
	fh[size - 1] ^= 1;
	ck_assert_int_eq(CALL(G, __fhopen40, P(fh), 3, 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, __fhopen40, P(fh), 1000, 0), RUMP_EINVAL);
	OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, __fhopen40, P(fh), size, 0), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, __getfh30, P("/g"), P(fh), P(&size)),
	    RUMP_EPERM);
}
END_TEST

START_TEST(ioctls)
{
	struct rump_winsize ws;
	int fd = raw_open(G, "/f", RUMP_O_RDONLY, 0), n = 0, on = 1;

	OK(G, ioctl, fd, RUMP_FIONREAD, P(&n));
	ck_assert_int_eq(n, 5);
	OK(G, ioctl, fd, RUMP_FIONBIO, P(&on));
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_NONBLOCK);
	on = 0;
	OK(G, ioctl, fd, RUMP_FIONBIO, P(&on));
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), 0);
	ck_assert_int_eq(CALL(G, ioctl, fd, RUMP_TIOCGWINSZ, P(&ws)),
	    RUMP_ENOTTY);
	ck_assert_int_eq(CALL(G, ioctl, 0, RUMP_TIOCGWINSZ, P(&ws)),
	    RUMP_ENOTTY);
	ck_assert_int_eq(CALL(G, ioctl, fd, 0xdead, P(&ws)), RUMP_ENOTTY);
	ck_assert_int_eq(CALL(G, ioctl, 99, RUMP_FIONREAD, P(&n)),
	    RUMP_EBADF);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_test(t, stat_and_theirs);
	tcase_add_test(t, modes);
	tcase_add_test(t, owners);
	tcase_add_test(t, file_flags);
	tcase_add_test(t, flags_open_no_device);
	tcase_add_test(t, times);
	tcase_add_test(t, accessing);
	tcase_add_test(t, revoking);
	tcase_add_test(t, extended_attributes);
	tcase_add_test(t, file_systems);
	tcase_add_test(t, file_handles);
	tcase_add_test(t, ioctls);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern attributes", setup,
	    raw_teardown, add_tests));
}
