/*
 * The host's calls as the runtime under test has them.  Each fails in the ways
 * it says where fault_here() wants it, and is the host's own otherwise.
 *
 * The Makefile takes the names from the lines that begin with CALL, MOVE, VEC
 * and MEMORY.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fault/fault.h"
#include "tests/lib/sanitizer.h"

#define SHORT	FAULT_SHORT
#define INTR	FAULT_EINTR
#define AGAIN	FAULT_EAGAIN
#define NOMEM	FAULT_ENOMEM
#define MFILE	FAULT_EMFILE

/* Sets errno; true when the call is to fail with it. */
static bool
refused(enum fault_way way)
{

	switch (way) {
	case FAULT_EINTR:
		errno = EINTR;
		return true;
	case FAULT_EAGAIN:
		errno = EAGAIN;
		return true;
	case FAULT_ENOMEM:
		errno = ENOMEM;
		return true;
	case FAULT_EMFILE:
		errno = EMFILE;
		return true;
	default:
		return false;
	}
}

/* The prototype of each comes first: nothing else declares it. */
#define CALL(ret, name, params, args, ways)				\
	ret fault_##name params;					\
	ret fault_##name params						\
	{								\
									\
		if (refused(fault_here(#name,				\
		    __builtin_return_address(0), (ways))))		\
			return (ret)-1;					\
		return name args;					\
	}

/* Moves len bytes, or one. */
#define MOVE(name, params, args, ways)					\
	ssize_t fault_##name params;					\
	ssize_t fault_##name params					\
	{								\
		enum fault_way way;					\
									\
		way = fault_here(#name, __builtin_return_address(0),	\
		    SHORT | (ways));					\
		if (refused(way))					\
			return -1;					\
		if (way == SHORT && len > 1)				\
			len = 1;					\
		return name args;					\
	}

#define MEMORY(name, params, args)					\
	void *fault_##name params;					\
	void *fault_##name params					\
	{								\
									\
		if (refused(fault_here(#name,				\
		    __builtin_return_address(0), NOMEM)))		\
			return NULL;					\
		return name args;					\
	}

/* One iovec with one byte. */
#define VEC(name, type, ways)						\
	ssize_t fault_##name(int fd, type *msg, int flags);		\
	ssize_t fault_##name(int fd, type *msg, int flags)		\
	{								\
		enum fault_way way;					\
		struct msghdr m = *msg;					\
		struct iovec one;					\
		ssize_t n;						\
									\
		way = fault_here(#name, __builtin_return_address(0),	\
		    SHORT | (ways));					\
		if (refused(way))					\
			return -1;					\
		if (way != SHORT || m.msg_iovlen == 0 ||		\
		    m.msg_iov[0].iov_len == 0)				\
			return name(fd, msg, flags);			\
		one = (struct iovec){ m.msg_iov[0].iov_base, 1 };	\
		m.msg_iov = &one;					\
		m.msg_iovlen = 1;					\
		n = name(fd, &m, flags);				\
		received(msg, &m);					\
		return n;						\
	}

/* What recvmsg(2) tells in the header. */
static void
to_header(struct msghdr *to, const struct msghdr *from)
{

	to->msg_namelen = from->msg_namelen;
	to->msg_controllen = from->msg_controllen;
	to->msg_flags = from->msg_flags;
}

static void
to_nothing(const struct msghdr *to, const struct msghdr *from)
{

	(void)to;
	(void)from;
}

#define received(to, from) _Generic((to),				\
	struct msghdr *: to_header, const struct msghdr *: to_nothing)(to, from)

/* --- bytes --- */

MOVE(read, (int fd, void *p, size_t len), (fd, p, len), INTR | AGAIN | NOMEM)
MOVE(write, (int fd, const void *p, size_t len), (fd, p, len),
    INTR | AGAIN | NOMEM)
MOVE(pread, (int fd, void *p, size_t len, off_t o), (fd, p, len, o),
    INTR | NOMEM)
MOVE(pwrite, (int fd, const void *p, size_t len, off_t o), (fd, p, len, o),
    INTR | NOMEM)
MOVE(recv, (int fd, void *p, size_t len, int f), (fd, p, len, f),
    INTR | AGAIN | NOMEM)
MOVE(send, (int fd, const void *p, size_t len, int f), (fd, p, len, f),
    INTR | AGAIN | NOMEM)
MOVE(getrandom, (void *p, size_t len, unsigned f), (p, len, f), INTR)
VEC(recvmsg, struct msghdr, INTR | AGAIN | NOMEM)
VEC(sendmsg, const struct msghdr, INTR | AGAIN | NOMEM)

/* --- new descriptors --- */

CALL(int, accept4, (int fd, struct sockaddr *sa, socklen_t *len, int f),
    (fd, sa, len, f), INTR | AGAIN | NOMEM | MFILE)
CALL(int, epoll_create1, (int f), (f), NOMEM | MFILE)
CALL(int, eventfd, (unsigned n, int f), (n, f), NOMEM | MFILE)
CALL(int, inotify_init1, (int f), (f), NOMEM | MFILE)
CALL(int, pipe2, (int fd[2], int f), (fd, f), NOMEM | MFILE)
CALL(int, signalfd, (int fd, const sigset_t *s, int f), (fd, s, f),
    NOMEM | MFILE)
CALL(int, socket, (int d, int t, int p), (d, t, p), NOMEM | MFILE)
CALL(int, socketpair, (int d, int t, int p, int sv[2]), (d, t, p, sv),
    NOMEM | MFILE)
CALL(int, timerfd_create, (int c, int f), (c, f), NOMEM | MFILE)
CALL(int, open_by_handle_at, (int fd, struct file_handle *h, int f),
    (fd, h, f), NOMEM | MFILE)

/* With what may come behind, as the ABI allows. */
CALL(int, open, (const char *n, int f, unsigned m), (n, f, m),
    INTR | NOMEM | MFILE)
CALL(int, openat, (int d, const char *n, int f, unsigned m), (d, n, f, m),
    INTR | NOMEM | MFILE)
CALL(int, fcntl, (int fd, int cmd, void *arg), (fd, cmd, arg), NOMEM | MFILE)
CALL(int, ioctl, (int fd, unsigned long cmd, void *arg), (fd, cmd, arg), NOMEM)

/* --- waiting --- */

CALL(int, epoll_wait, (int fd, struct epoll_event *ev, int n, int ms),
    (fd, ev, n, ms), INTR)
CALL(int, poll, (struct pollfd *fds, nfds_t n, int ms), (fds, n, ms),
    INTR | NOMEM)
CALL(int, ppoll, (struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *set), (fds, n, ts, set), INTR | NOMEM)
CALL(int, sem_wait, (sem_t *s), (s), INTR)
CALL(int, sem_timedwait, (sem_t *s, const struct timespec *ts), (s, ts), INTR)
CALL(pid_t, waitpid, (pid_t pid, int *st, int f), (pid, st, f), INTR)

/* --- memory and threads --- */

MEMORY(malloc, (size_t n), (n))
MEMORY(calloc, (size_t n, size_t size), (n, size))
MEMORY(realloc, (void *p, size_t n), (p, n))
MEMORY(reallocarray, (void *p, size_t n, size_t size), (p, n, size))
MEMORY(strdup, (const char *s), (s))
CALL(void *, mmap, (void *p, size_t n, int prot, int f, int fd, off_t o),
    (p, n, prot, f, fd, o), NOMEM)
CALL(int, mprotect, (void *p, size_t n, int prot), (p, n, prot), NOMEM)
CALL(pid_t, fork, (void), (), AGAIN | NOMEM)

/* What the compiler makes of them where it knows how much room there is. */
int
fault___poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t room)
{

	(void)room;
	return fault_poll(fds, n, ms);
}

int
fault___ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *ts,
    const sigset_t *set, size_t room)
{

	(void)room;
	return fault_ppoll(fds, n, ts, set);
}

int fault_pthread_create(pthread_t *, const pthread_attr_t *,
    void *(*)(void *), void *);
int
fault_pthread_create(pthread_t *t, const pthread_attr_t *attr,
    void *(*fn)(void *), void *arg)
{

	if (refused(fault_here("pthread_create", __builtin_return_address(0),
	    AGAIN)))
		return errno;
	return pthread_create(t, attr, fn, arg);
}

/* --- files --- */

CALL(int, fallocate, (int fd, int m, off_t o, off_t n), (fd, m, o, n),
    INTR | NOMEM)
CALL(int, fchmod, (int fd, mode_t m), (fd, m), NOMEM)
CALL(int, fchownat, (int fd, const char *n, uid_t u, gid_t g, int f),
    (fd, n, u, g, f), NOMEM)
CALL(int, fdatasync, (int fd), (fd), INTR)
CALL(int, flock, (int fd, int op), (fd, op), INTR | NOMEM)
CALL(int, fstat, (int fd, struct stat *st), (fd, st), NOMEM)
CALL(int, fstatat, (int fd, const char *n, struct stat *st, int f),
    (fd, n, st, f), NOMEM)
CALL(int, fstatfs, (int fd, struct statfs *st), (fd, st), INTR | NOMEM)
CALL(int, fstatvfs, (int fd, struct statvfs *st), (fd, st), INTR | NOMEM)
CALL(int, fsync, (int fd), (fd), INTR)
CALL(int, ftruncate, (int fd, off_t o), (fd, o), INTR | NOMEM)
CALL(int, linkat, (int d, const char *a, int e, const char *b, int f),
    (d, a, e, b, f), NOMEM)
CALL(off_t, lseek, (int fd, off_t o, int w), (fd, o, w), NOMEM)
CALL(int, mkdirat, (int d, const char *n, mode_t m), (d, n, m), NOMEM)
CALL(int, mknodat, (int d, const char *n, mode_t m, dev_t v), (d, n, m, v),
    NOMEM)
CALL(int, name_to_handle_at, (int d, const char *n, struct file_handle *h,
    int *id, int f), (d, n, h, id, f), NOMEM)
CALL(ssize_t, readlink, (const char *n, char *p, size_t len), (n, p, len),
    NOMEM)
CALL(ssize_t, readlinkat, (int d, const char *n, char *p, size_t len),
    (d, n, p, len), NOMEM)
CALL(int, renameat, (int d, const char *a, int e, const char *b), (d, a, e, b),
    NOMEM)
CALL(int, statx, (int d, const char *n, int f, unsigned m, struct statx *st),
    (d, n, f, m, st), NOMEM)
CALL(int, symlinkat, (const char *a, int d, const char *b), (a, d, b), NOMEM)
CALL(int, unlinkat, (int d, const char *n, int f), (d, n, f), NOMEM)
CALL(int, utimensat, (int d, const char *n, const struct timespec ts[2],
    int f), (d, n, ts, f), NOMEM)
CALL(ssize_t, listxattr, (const char *n, char *p, size_t len), (n, p, len),
    NOMEM)
CALL(ssize_t, getxattr, (const char *n, const char *a, void *p, size_t len),
    (n, a, p, len), NOMEM)
CALL(int, setxattr, (const char *n, const char *a, const void *p, size_t len,
    int f), (n, a, p, len, f), NOMEM)

/* --- the rest --- */

CALL(int, bind, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len), NOMEM)
CALL(int, connect, (int fd, const struct sockaddr *sa, socklen_t len),
    (fd, sa, len), INTR | NOMEM)
CALL(int, getpeername, (int fd, struct sockaddr *sa, socklen_t *len),
    (fd, sa, len), NOMEM)
CALL(int, getsockname, (int fd, struct sockaddr *sa, socklen_t *len),
    (fd, sa, len), NOMEM)
CALL(int, getsockopt, (int fd, int l, int o, void *p, socklen_t *len),
    (fd, l, o, p, len), NOMEM)
CALL(int, setsockopt, (int fd, int l, int o, const void *p, socklen_t len),
    (fd, l, o, p, len), NOMEM)
CALL(int, inotify_add_watch, (int fd, const char *n, uint32_t m), (fd, n, m),
    NOMEM)
CALL(int, listen, (int fd, int n), (fd, n), NOMEM)
CALL(int, shutdown, (int fd, int how), (fd, how), NOMEM)
CALL(int, timerfd_settime, (int fd, int f, const struct itimerspec *a,
    struct itimerspec *b), (fd, f, a, b), NOMEM)
/* What is done in their stead ASan takes for a mistake: the host is asked to
 * read what may not be read. */
#define VM	(UNDER_SANITIZER ? 0 : NOMEM)
CALL(ssize_t, process_vm_readv, (pid_t p, const struct iovec *a, unsigned long
    n, const struct iovec *b, unsigned long m, unsigned long f),
    (p, a, n, b, m, f), VM)
CALL(ssize_t, process_vm_writev, (pid_t p, const struct iovec *a, unsigned long
    n, const struct iovec *b, unsigned long m, unsigned long f),
    (p, a, n, b, m, f), VM)

/* Only what is new takes memory. */
int fault_epoll_ctl(int, int, int, struct epoll_event *);
int
fault_epoll_ctl(int fd, int op, int what, struct epoll_event *ev)
{

	if (op == EPOLL_CTL_ADD && refused(fault_here("epoll_ctl",
	    __builtin_return_address(0), NOMEM)))
		return -1;
	return epoll_ctl(fd, op, what, ev);
}

/* close(2) closes also when it says EINTR. */
int fault_close(int);
int
fault_close(int fd)
{
	enum fault_way way;
	int rc;

	way = fault_here("close", __builtin_return_address(0), INTR);
	rc = close(fd);
	return refused(way) ? -1 : rc;
}

long fault_syscall(long, long, long, long, long, long, long);
long
fault_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	enum fault_way way;
	long rc;

	way = fault_here("syscall", __builtin_return_address(0),
	    n == SYS_close ? INTR : NOMEM | MFILE);
	if (n != SYS_close && refused(way))
		return -1;
	rc = syscall(n, a, b, c, d, e, f);
	return refused(way) ? -1 : rc;
}
