/*
 * The errnos of NetBSD's manual pages: for each call what is wrong with it and
 * what it must say.  Values that need two guests, waiting, or another identity
 * have tests of their own.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"

/* What setup() opens, in this order. */
enum {
	RDWR = 3, RDONLY, WRONLY, DIR_, PIPER, PIPEW, TCP, UDP, LSTREAM,
	LDGRAM, KQ, PAIR, PAIR2, FRESH, FREE,
	BAD = 77,
};

static char buf[128 * 1024], longname[300], longpath[2000];
static struct rump_iovec iov[1] = { { buf, 8 } };
static struct rump_msghdr many = { .msg_iov = iov, .msg_iovlen = 2000 };
static struct rump_timespec bad_ts = { .tv_nsec = 1000000000 };
static struct rump_timeval bad_tv[2] = { { .tv_usec = 1000000 } };
static struct rump_itimerval bad_itv = {
    .it_value = { .tv_usec = 1000000 } };
static struct rump_flock bad_type = { .l_type = 99 },
    bad_whence = { .l_type = RUMP_F_RDLCK, .l_whence = 9 },
    good_lock = { .l_type = RUMP_F_WRLCK },
    before_start = { .l_type = RUMP_F_RDLCK, .l_start = -1 };
static struct rump_kevent bad_filter = { .filter = -99,
    .flags = RUMP_EV_ADD },
    bad_ident = { .ident = BAD, .filter = RUMP_EVFILT_READ,
    .flags = RUMP_EV_ADD },
    not_there = { .ident = 1, .filter = RUMP_EVFILT_TIMER,
    .flags = RUMP_EV_DELETE };
static struct rump_sockaddr_in nobody = { .sin_len = sizeof(nobody),
    .sin_family = RUMP_AF_INET, .sin_port = 0x0100,	/* 1 */
    .sin_addr = { 0x0100007f } },
    elsewhere = { .sin_len = sizeof(elsewhere),
    .sin_family = RUMP_AF_INET, .sin_addr = { 0x01020304 } };
static struct rump_sockaddr_un no_socket = { .sun_len = 7,
    .sun_family = RUMP_AF_LOCAL, .sun_path = "/file" },
    no_file = { .sun_len = 7, .sun_family = RUMP_AF_LOCAL,
    .sun_path = "/none" },
    dead = { .sun_len = 7, .sun_family = RUMP_AF_LOCAL,
    .sun_path = "/sock" },
    taken = { .sun_len = 7, .sun_family = RUMP_AF_LOCAL,
    .sun_path = "/file" };
static char filter_name[] = "EVFILT_NONE";
static struct rump_kfilter_mapping no_filter = { .name = filter_name,
    .len = 12, .filter = 77 },
    short_name = { .name = filter_name, .len = 4 };
static uint32_t len4 = 4;
static int64_t timer_id;

#define CASE(expected, name, ...) \
	{ #name, #__VA_ARGS__, RUMP_SYS_##name, ARGS(__VA_ARGS__), expected }

static const struct {
	const char *name, *text;
	int num, nargs;
	const uint64_t *args;
	int expected;
} cases[] = {
	/* open */
	CASE(RUMP_ENOENT, open, P("/none"), RUMP_O_RDONLY, 0),
	CASE(RUMP_ENOENT, open, P(""), RUMP_O_RDONLY, 0),
	CASE(RUMP_ENOENT, open, P("/none/x"), RUMP_O_CREAT, 0644),
	CASE(RUMP_ENOTDIR, open, P("/file/x"), RUMP_O_RDONLY, 0),
	CASE(RUMP_ENOTDIR, open, P("/file/"), RUMP_O_RDONLY, 0),
	CASE(RUMP_ENOTDIR, open, P("/file"), RUMP_O_DIRECTORY, 0),
	CASE(RUMP_ENOTDIR, open, P("/dev/null"), RUMP_O_DIRECTORY, 0),
	CASE(RUMP_EISDIR, open, P("/dir"), RUMP_O_WRONLY, 0),
	CASE(RUMP_EISDIR, open, P("/dir"), RUMP_O_RDWR, 0),
	CASE(RUMP_EEXIST, open, P("/file"), RUMP_O_CREAT | RUMP_O_EXCL, 0),
	CASE(RUMP_EEXIST, open, P("/dir"), RUMP_O_CREAT | RUMP_O_EXCL, 0),
	CASE(RUMP_EEXIST, open, P("/dir/"), RUMP_O_CREAT | RUMP_O_EXCL, 0),
	CASE(RUMP_EEXIST, open, P("/"), RUMP_O_CREAT | RUMP_O_EXCL, 0),
	CASE(RUMP_ENOENT, open, P("/none/"), RUMP_O_CREAT, 0),
	CASE(RUMP_ENOENT, open, P("/none/"), RUMP_O_CREAT | RUMP_O_EXCL, 0),
	CASE(RUMP_EEXIST, open, P("/dangling"), RUMP_O_CREAT | RUMP_O_EXCL,
	    0),
	CASE(RUMP_ELOOP, open, P("/loop"), RUMP_O_RDONLY, 0),
	CASE(RUMP_EFTYPE, open, P("/link"), RUMP_O_NOFOLLOW, 0),
	CASE(RUMP_ENAMETOOLONG, open, P(longname), RUMP_O_RDONLY, 0),
	CASE(RUMP_ENAMETOOLONG, open, P(longpath), RUMP_O_RDONLY, 0),
	CASE(RUMP_EINVAL, open, P("/file"), RUMP_O_ACCMODE, 0),
	CASE(RUMP_EOPNOTSUPP, open, P("/sock"), RUMP_O_RDWR, 0),
	CASE(RUMP_ENXIO, open, P("/fifo"), RUMP_O_WRONLY | RUMP_O_NONBLOCK,
	    0),
	CASE(RUMP_EBADF, openat, BAD, P("file"), 0, 0),
	CASE(RUMP_ENOTDIR, openat, RDWR, P("file"), 0, 0),
	/* descriptors */
	CASE(RUMP_EBADF, close, BAD),
	CASE(RUMP_EBADF, close, -1),
	CASE(RUMP_EBADF, dup, BAD),
	CASE(RUMP_EBADF, dup2, BAD, 5),
	CASE(RUMP_EBADF, dup2, BAD, BAD),
	CASE(RUMP_EBADF, dup2, RDWR, -1),
	CASE(RUMP_EBADF, dup2, RDWR, 1000000),
	CASE(RUMP_EINVAL, dup3, RDWR, 20, RUMP_O_CREAT),
	CASE(RUMP_EBADF, dup3, BAD, 20, RUMP_O_CREAT),
	CASE(RUMP_EINVAL, pipe2, P(buf), RUMP_O_CREAT),
	CASE(RUMP_EBADF, fcntl, BAD, RUMP_F_GETFL, 0),
	CASE(RUMP_EINVAL, fcntl, RDWR, 999, 0),
	CASE(RUMP_EINVAL, fcntl, RDWR, RUMP_F_DUPFD, -1),
	CASE(RUMP_EBADF, fcntl, BAD, RUMP_F_DUPFD, -1),
	CASE(RUMP_EINVAL, fcntl, RDWR, RUMP_F_DUPFD, 1000000),
	CASE(RUMP_EINVAL, fcntl, RDWR, RUMP_F_SETLK, P(&bad_type)),
	CASE(RUMP_EINVAL, fcntl, RDWR, RUMP_F_SETLK, P(&bad_whence)),
	CASE(RUMP_EINVAL, fcntl, RDWR, RUMP_F_SETLK, P(&before_start)),
	CASE(RUMP_EBADF, fcntl, RDONLY, RUMP_F_SETLK, P(&good_lock)),
	CASE(RUMP_EINVAL, fcntl, PIPER, RUMP_F_SETLK, P(&good_lock)),
	CASE(RUMP_EINVAL, flock, RDWR, 0),
	CASE(RUMP_EBADF, flock, BAD, RUMP_LOCK_SH),
	CASE(RUMP_EOPNOTSUPP, flock, PIPER, RUMP_LOCK_SH),
	CASE(RUMP_EOPNOTSUPP, flock, PIPER, 0),
	CASE(RUMP_EBADF, ioctl, BAD, RUMP_FIONREAD, P(buf)),
	CASE(RUMP_ENOTTY, ioctl, RDWR, RUMP_TIOCGWINSZ, P(buf)),
	CASE(RUMP_ENOTTY, ioctl, PIPER, RUMP_KFILTER_BYNAME, P(buf)),
	CASE(RUMP_ENOENT, ioctl, KQ, RUMP_KFILTER_BYFILTER, P(&no_filter)),
	CASE(RUMP_ENOENT, ioctl, KQ, RUMP_KFILTER_BYNAME, P(&no_filter)),
	CASE(RUMP_ENAMETOOLONG, ioctl, KQ, RUMP_KFILTER_BYFILTER,
	    P(&short_name)),
	/* read and write */
	CASE(RUMP_EBADF, read, BAD, P(buf), 1),
	CASE(RUMP_EBADF, read, WRONLY, P(buf), 1),
	CASE(RUMP_EBADF, read, PIPEW, P(buf), 1),
	CASE(RUMP_EISDIR, read, DIR_, P(buf), 1),
	CASE(RUMP_EINVAL, read, RDWR, P(buf), UINT64_MAX),
	CASE(RUMP_EBADF, write, RDONLY, P(buf), 1),
	CASE(RUMP_EBADF, write, PIPER, P(buf), 1),
	CASE(RUMP_EINVAL, write, RDWR, P(buf), UINT64_MAX),
	CASE(RUMP_ESPIPE, pread, PIPER, P(buf), 1, 0, 0),
	CASE(RUMP_ESPIPE, pwrite, PIPEW, P(buf), 1, 0, 0),
	CASE(RUMP_ESPIPE, pread, PAIR, P(buf), 1, 0, 0),
	CASE(RUMP_EINVAL, pread, RDWR, P(buf), 1, 0, -1),
	CASE(RUMP_EINVAL, pwrite, RDWR, P(buf), 1, 0, -1),
	CASE(RUMP_EINVAL, readv, RDWR, P(iov), 0),
	CASE(RUMP_EINVAL, readv, RDWR, P(iov), 1025),
	CASE(RUMP_EINVAL, writev, RDWR, P(iov), -1),
	CASE(RUMP_EBADF, writev, RDONLY, P(iov), 1),
	CASE(RUMP_EBADF, lseek, BAD, 0, 0, 0),
	CASE(RUMP_ESPIPE, lseek, PIPER, 0, 0, 0),
	CASE(RUMP_ESPIPE, lseek, PAIR, 0, 0, 0),
	CASE(RUMP_EINVAL, lseek, RDWR, 0, 0, 9),
	CASE(RUMP_EBADF, lseek, BAD, 0, 0, 9),
	CASE(RUMP_ESPIPE, lseek, PIPER, 0, 0, 9),
	CASE(RUMP_EINVAL, lseek, RDWR, 0, -1, 0),
	CASE(RUMP_EBADF, fsync, BAD),
	CASE(RUMP_EINVAL, fsync, PIPER),
	CASE(RUMP_EBADF, fdatasync, RDONLY),
	CASE(RUMP_EINVAL, fsync_range, RDWR, 0, 0, 0, 0),
	CASE(RUMP_EINVAL, truncate, P("/file"), 0, -1),
	CASE(RUMP_EISDIR, truncate, P("/dir"), 0, 0),
	CASE(RUMP_ENOENT, truncate, P("/none"), 0, 0),
	CASE(RUMP_EINVAL, ftruncate, RDONLY, 0, 0),
	CASE(RUMP_EINVAL, ftruncate, PIPEW, 0, 0),
	CASE(RUMP_EINVAL, ftruncate, RDWR, 0, -1),
	CASE(RUMP_EINVAL, __getdents30, RDWR, P(buf), sizeof(buf)),
	CASE(RUMP_EBADF, __getdents30, BAD, P(buf), sizeof(buf)),
	/* names */
	CASE(RUMP_EEXIST, mkdir, P("/dir"), 0755),
	CASE(RUMP_EEXIST, mkdir, P("/file"), 0755),
	CASE(RUMP_EEXIST, mkdir, P("/dangling"), 0755),
	CASE(RUMP_EEXIST, mkdir, P("/"), 0755),
	CASE(RUMP_ENOENT, mkdir, P("/none/x"), 0755),
	CASE(RUMP_ENOTDIR, mkdir, P("/file/x"), 0755),
	CASE(RUMP_ENOTEMPTY, rmdir, P("/full")),
	CASE(RUMP_ENOTDIR, rmdir, P("/file")),
	CASE(RUMP_ENOENT, rmdir, P("/none")),
	CASE(RUMP_EINVAL, rmdir, P("/dir/.")),
	CASE(RUMP_EBUSY, rmdir, P("/")),
	CASE(RUMP_EPERM, unlink, P("/dir")),
	CASE(RUMP_ENOENT, unlink, P("/none")),
	CASE(RUMP_ENOTDIR, unlink, P("/file/")),
	CASE(RUMP_EINVAL, unlinkat, RUMP_AT_FDCWD, P("/file"), 1),
	CASE(RUMP_EPERM, link, P("/dir"), P("/new")),
	CASE(RUMP_EEXIST, link, P("/file"), P("/dir")),
	CASE(RUMP_ENOENT, link, P("/none"), P("/new")),
	CASE(RUMP_EEXIST, symlink, P("x"), P("/file")),
	CASE(RUMP_ENOENT, symlink, P("x"), P("/none/x")),
	CASE(RUMP_ENAMETOOLONG, symlink, P(longpath), P("/new")),
	CASE(RUMP_EINVAL, readlink, P("/file"), P(buf), 8),
	CASE(RUMP_EINVAL, readlink, P("/dir"), P(buf), 8),
	CASE(RUMP_ENOENT, readlink, P("/none"), P(buf), 8),
	CASE(RUMP_ENOENT, rename, P("/none"), P("/new")),
	CASE(RUMP_ENOENT, rename, P("/file"), P("/none/x")),
	CASE(RUMP_EISDIR, rename, P("/file"), P("/dir")),
	CASE(RUMP_ENOTDIR, rename, P("/dir"), P("/file")),
	CASE(RUMP_ENOTEMPTY, rename, P("/dir"), P("/full")),
	CASE(RUMP_EINVAL, rename, P("/dir"), P("/dir/sub")),
	CASE(RUMP_EINVAL, rename, P("/dir/."), P("/new")),
	CASE(RUMP_EINVAL, rename, P("/dir"), P("/full/..")),
	CASE(RUMP_EEXIST, mkfifo, P("/file"), 0644),
	CASE(RUMP_EEXIST, mkfifo, P("/dir"), 0644),
	CASE(RUMP_EINVAL, __mknod50, P("/new"), RUMP_S_IFDIR | 0755, 0, 0),
	CASE(RUMP_ENOTDIR, chdir, P("/file")),
	CASE(RUMP_ENOENT, chdir, P("/none")),
	CASE(RUMP_ENOTDIR, fchdir, RDWR),
	CASE(RUMP_EBADF, fchdir, BAD),
	CASE(RUMP_ERANGE, __getcwd, P(buf), 1),
	CASE(RUMP_EINVAL, access, P("/file"), 8),
	CASE(RUMP_ENOENT, access, P("/none"), 0),
	CASE(RUMP_EINVAL, faccessat, RUMP_AT_FDCWD, P("/file"), 0, 0x8000),
	CASE(RUMP_ENOENT, __stat50, P("/dangling"), P(buf)),
	CASE(RUMP_EINVAL, fstatat, RUMP_AT_FDCWD, P("/file"), P(buf),
	    0x8000),
	CASE(RUMP_EBADF, __fstat50, BAD, P(buf)),
	CASE(RUMP_ENOENT, chmod, P("/none"), 0644),
	CASE(RUMP_EINVAL, fchmod, PIPER, 0644),
	CASE(RUMP_EINVAL, __utimes50, P("/file"), P(bad_tv)),
	CASE(RUMP_EINVAL, pathconf, P("/file"), 999),
	CASE(RUMP_EINVAL, getvfsstat, 0, 0, 0x1000),
	/* sockets */
	CASE(RUMP_EAFNOSUPPORT, __socket30, 99, RUMP_SOCK_STREAM, 0),
	CASE(RUMP_EAFNOSUPPORT, __socket30, RUMP_AF_UNSPEC,
	    RUMP_SOCK_STREAM, 0),
	CASE(RUMP_EPROTOTYPE, __socket30, RUMP_AF_INET, 9, 0),
	CASE(RUMP_EOPNOTSUPP, socketpair, RUMP_AF_INET, RUMP_SOCK_STREAM, 0,
	    P(buf)),
	CASE(RUMP_ENOTSOCK, bind, RDWR, P(&nobody), sizeof(nobody)),
	CASE(RUMP_EBADF, bind, BAD, P(&nobody), sizeof(nobody)),
	CASE(RUMP_EADDRNOTAVAIL, bind, UDP, P(&elsewhere),
	    sizeof(elsewhere)),
	CASE(RUMP_EADDRINUSE, bind, LSTREAM, P(&taken), 7),
	CASE(RUMP_ENOTSOCK, connect, RDWR, P(&nobody), sizeof(nobody)),
	CASE(RUMP_ECONNREFUSED, connect, TCP, P(&nobody), sizeof(nobody)),
	CASE(RUMP_ENOENT, connect, LSTREAM, P(&no_file), 7),
	CASE(RUMP_ENOTSOCK, connect, LSTREAM, P(&no_socket),
	    7),
	CASE(RUMP_ECONNREFUSED, connect, LSTREAM, P(&dead), 7),
	CASE(RUMP_ECONNREFUSED, connect, LDGRAM, P(&dead), 7),
	CASE(RUMP_EISCONN, connect, PAIR, P(&dead), 7),
	CASE(RUMP_EOPNOTSUPP, listen, UDP, 1),
	CASE(RUMP_ENOTSOCK, listen, PIPER, 1),
	CASE(RUMP_EDESTADDRREQ, listen, LSTREAM, 1),
	CASE(RUMP_EINVAL, listen, PAIR, 1),
	CASE(RUMP_EINVAL, accept, TCP, 0, 0),
	CASE(RUMP_EOPNOTSUPP, accept, UDP, 0, 0),
	CASE(RUMP_ENOTSOCK, accept, RDWR, 0, 0),
	CASE(RUMP_ENOTCONN, getpeername, TCP, P(buf), P(&len4)),
	CASE(RUMP_ENOTCONN, getpeername, LSTREAM, P(buf), P(&len4)),
	CASE(RUMP_ENOTSOCK, getsockname, RDWR, P(buf), P(&len4)),
	CASE(RUMP_ENOTCONN, shutdown, TCP, 2),
	CASE(RUMP_ENOTCONN, shutdown, LDGRAM, 2),
	CASE(RUMP_EINVAL, shutdown, PAIR, 5),
	CASE(RUMP_ENOTCONN, sendto, FRESH, P(buf), 1, 0, 0, 0),
	CASE(RUMP_ENOTCONN, write, FRESH, P(buf), 1),
	CASE(RUMP_ENOTCONN, recvfrom, FRESH, P(buf), 1, 0, 0, 0),
	CASE(RUMP_ENOTCONN, sendto, LSTREAM, P(buf), 1, 0, 0, 0),
	CASE(RUMP_ENOTCONN, sendto, LSTREAM, P(buf), 1, 0, P(&dead), 7),
	CASE(RUMP_ENOTCONN, recvfrom, LSTREAM, P(buf), 1, 0, 0, 0),
	CASE(RUMP_ENOTCONN, read, LSTREAM, P(buf), 1),
	CASE(RUMP_ENOTCONN, readv, LSTREAM, P(iov), 1),
	CASE(RUMP_ENOTCONN, write, LSTREAM, P(buf), 0),
	CASE(RUMP_ENOTCONN, read, FRESH, P(buf), 1),
	CASE(RUMP_EOPNOTSUPP, sendto, PAIR, P(buf), 1, RUMP_MSG_OOB, 0, 0),
	CASE(RUMP_EOPNOTSUPP, recvfrom, PAIR, P(buf), 1, RUMP_MSG_OOB, 0, 0),
	CASE(RUMP_EDESTADDRREQ, sendto, UDP, P(buf), 1, 0, 0, 0),
	CASE(RUMP_EDESTADDRREQ, sendto, LDGRAM, P(buf), 1, 0, 0, 0),
	CASE(RUMP_EMSGSIZE, sendto, UDP, P(buf), 70000, 0, P(&nobody),
	    sizeof(nobody)),
	CASE(RUMP_EMSGSIZE, sendmsg, UDP, P(&many), 0),
	CASE(RUMP_ENOPROTOOPT, getsockopt, TCP, RUMP_SOL_SOCKET, 0x7777,
	    P(buf), P(&len4)),
	CASE(RUMP_ENOPROTOOPT, setsockopt, TCP, RUMP_SOL_SOCKET, 0x7777,
	    P(buf), 4),
	CASE(RUMP_EINVAL, setsockopt, TCP, RUMP_SOL_SOCKET,
	    RUMP_SO_KEEPALIVE, P(buf), 1),
	CASE(RUMP_EINVAL, setsockopt, TCP, RUMP_SOL_SOCKET,
	    RUMP_SO_KEEPALIVE, P(buf), 8),
	CASE(RUMP_EINVAL, setsockopt, BAD, RUMP_SOL_SOCKET,
	    RUMP_SO_KEEPALIVE, 0, 4),
	CASE(RUMP_EINVAL, bind, UDP, P(&nobody), 2),
	CASE(RUMP_ENOTSOCK, getsockopt, RDWR, RUMP_SOL_SOCKET,
	    RUMP_SO_TYPE, P(buf), P(&len4)),
	/* readiness and time */
	CASE(RUMP_EINVAL, poll, P(buf), 1000000, 0),
	CASE(RUMP_EINVAL, poll, P(buf), 0, -5),
	CASE(RUMP_EINVAL, __pollts50, P(buf), 0, P(&bad_ts), 0),
	CASE(RUMP_EINVAL, __select50, -1, 0, 0, 0, 0),
	CASE(RUMP_EINVAL, __select50, 0, 0, 0, 0, P(bad_tv)),
	CASE(RUMP_EINVAL, kqueue1, RUMP_O_CREAT),
	CASE(RUMP_EBADF, __kevent50, BAD, 0, 0, 0, 0, 0),
	CASE(RUMP_EBADF, __kevent50, RDWR, 0, 0, 0, 0, 0),
	CASE(RUMP_EINVAL, __kevent50, KQ, P(&bad_filter), 1, 0, 0, 0),
	CASE(RUMP_EBADF, __kevent50, KQ, P(&bad_ident), 1, 0, 0, 0),
	CASE(RUMP_ENOENT, __kevent50, KQ, P(&not_there), 1, 0, 0, 0),
	CASE(RUMP_ENXIO, read, KQ, P(buf), 1),
	CASE(RUMP_EINVAL, __clock_gettime50, 99, P(buf)),
	CASE(RUMP_EINVAL, __clock_settime50, RUMP_CLOCK_MONOTONIC,
	    P(&bad_ts)),
	CASE(RUMP_EINVAL, __nanosleep50, P(&bad_ts), 0),
	CASE(RUMP_EINVAL, __setitimer50, 99, P(&bad_itv), 0),
	CASE(RUMP_EINVAL, __setitimer50, RUMP_ITIMER_REAL, P(&bad_itv), 0),
	CASE(RUMP_EINVAL, timer_create, 99, 0, P(&timer_id)),
	CASE(RUMP_EINVAL, timer_delete, 30),
	CASE(RUMP_EINVAL, timer_getoverrun, 30),
	/* processes */
	CASE(RUMP_ESRCH, getpgid, 29999),
	CASE(RUMP_ESRCH, setpgid, 29999, 0),
	CASE(RUMP_EINVAL, setpgid, 0, -1),
	CASE(RUMP_EINVAL, getrlimit, 99, P(buf)),
	CASE(RUMP_EINVAL, getgroups, -1, P(buf)),
	CASE(RUMP_EBADF, _ksem_post, BAD),
	CASE(RUMP_EINVAL, _ksem_post, RDWR),
	CASE(RUMP_ENOSYS, utrace, 0, 0, 0),
};

enum { NCASES = sizeof(cases) / sizeof(cases[0]) };

static void
expect_fd(int64_t fd, int wanted)
{
	ck_assert_int_eq(fd, wanted);
}

static void
host_socket_file(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    raw_host(&S, "sock"));
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(s);
}

static void
setup(void)
{
	int32_t sv[2];

	memset(longname, 'n', sizeof(longname) - 1);
	memset(longpath, '/', sizeof(longpath) - 1);
	raw_setup();
	expect_fd(raw_open(G, "/file", RUMP_O_RDWR | RUMP_O_CREAT, 0644),
	    RDWR);
	expect_fd(raw_open(G, "/file", RUMP_O_RDONLY, 0), RDONLY);
	expect_fd(raw_open(G, "/file", RUMP_O_WRONLY, 0), WRONLY);
	OK(G, mkdir, P("/dir"), 0755);
	OK(G, mkdir, P("/full"), 0755);
	OK(G, mkdir, P("/full/x"), 0755);
	OK(G, symlink, P("file"), P("/link"));
	OK(G, symlink, P("none"), P("/dangling"));
	OK(G, symlink, P("loop"), P("/loop"));
	OK(G, mkfifo, P("/fifo"), 0644);
	host_socket_file();
	expect_fd(raw_open(G, "/dir", RUMP_O_RDONLY, 0), DIR_);
	expect_fd(OK0(G, pipe), PIPER);
	expect_fd(OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0), TCP);
	expect_fd(OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0), UDP);
	expect_fd(OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0),
	    LSTREAM);
	expect_fd(OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0),
	    LDGRAM);
	expect_fd(OK0(G, kqueue), KQ);
	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(sv));
	expect_fd(sv[0], PAIR);
	expect_fd(OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0),
	    FRESH);
}

/* All of them, for one wrong errno must not hide the next. */
START_TEST(errnos)
{
	int error, i, wrong = 0;

	for (i = 0; i < NCASES; i++) {
		error = raw_call(G, cases[i].num, cases[i].nargs,
		    cases[i].args);
		if (error == cases[i].expected)
			continue;
		fprintf(stderr, "%s(%s): errno %d instead of %d\n",
		    cases[i].name, cases[i].text, error, cases[i].expected);
		wrong++;
	}
	ck_assert_int_eq(wrong, 0);
}
END_TEST

/* None of those has left a descriptor or a file behind. */
START_TEST(nothing_is_left)
{
	int i;

	for (i = 0; i < NCASES; i++)
		(void)raw_call(G, cases[i].num, cases[i].nargs,
		    cases[i].args);
	ck_assert_int_eq(OK(G, dup, 0), FREE);
	ck_assert_int_ne(access(raw_host(&S, "new"), F_OK), 0);
}
END_TEST

START_TEST(what_is_no_error)
{
	struct rump_pollfd pfd = { .fd = BAD, .events = RUMP_POLLIN };

	ck_assert_int_eq(OK(G, dup2, RDWR, RDWR), RDWR);
	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 1);
	ck_assert_int_eq(pfd.revents, RUMP_POLLNVAL);
	pfd.fd = -1;
	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 0);
	ck_assert_int_eq(OK(G, read, RDWR, P(buf), 0), 0);
	ck_assert_int_eq(OK(G, write, RDWR, P(buf), 0), 0);
	OK(G, rename, P("/file"), P("/file"));
	OK(G, access, P("/file"), 0);
	OK(G, unlink, P("/dangling"));
	OK(G, rename, P("/dir"), P("/full/x"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostkern errnos");
	TCase *t = tcase_create("all");

	tcase_add_checked_fixture(t, setup, raw_teardown);
	tcase_add_test(t, errnos);
	tcase_add_test(t, nothing_is_left);
	tcase_add_test(t, what_is_no_error);
	suite_add_tcase(s, t);
	return suite_run(s);
}
