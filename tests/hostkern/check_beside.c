/*
 * Calls that take descriptors away beside every other kind of call that uses
 * them: all in progress at once, in one guest, on every kind of file.  What
 * they answer does not matter; that nothing is used after it has gone (the
 * sanitizers say so), that nothing stays, and that the guest goes on does.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fuzz/chaos.h"
#include "lib/suite.h"
#include "raw.h"

enum { FD = 0xfdfdfd, SPARE = 40 };

/* --- what a descriptor may be of --- */

static int
a_file(void)
{

	return raw_open(G, "/x", RUMP_O_RDWR | RUMP_O_CREAT, 0666);
}

static int
a_directory(void)
{

	return raw_open(G, "/d", RUMP_O_RDONLY, 0);
}

static int
a_fifo(void)
{

	return raw_open(G, "/p", RUMP_O_RDWR | RUMP_O_NONBLOCK, 0);
}

static int
a_device(void)
{

	return raw_open(G, "/dev/null", RUMP_O_RDWR, 0);
}

static int
a_pipe(void)
{
	int32_t fd[2];

	OK(G, pipe2, P(fd), RUMP_O_NONBLOCK);
	OK(G, write, fd[1], P("some"), 4);
	return fd[0];
}

static int
a_socket(void)
{
	int32_t fd[2];

	OK(G, socketpair, RUMP_AF_LOCAL,
	    RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK, 0, P(fd));
	OK(G, write, fd[1], P("some"), 4);
	return fd[0];
}

static int
a_listener(void)
{
	struct rump_sockaddr_un at = { .sun_len = 5,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/ls" };
	int s;

	(void)CALL(G, unlink, P("/ls"));
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL,
	    RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK, 0);
	OK(G, bind, s, P(&at), at.sun_len);
	OK(G, listen, s, 5);
	return s;
}

static int
a_queue(void)
{
	struct rump_kevent k = { .ident = 1, .filter = RUMP_EVFILT_USER,
	    .flags = RUMP_EV_ADD, .fflags = RUMP_NOTE_TRIGGER };
	int kq = (int)OK0(G, kqueue);

	OK(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
	k.ident = (uintptr_t)raw_open(G, "/x", RUMP_O_RDWR, 0);
	k.filter = RUMP_EVFILT_VNODE;
	k.fflags = RUMP_NOTE_WRITE;
	OK(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
	return kq;
}

static int
a_semaphore(void)
{
	int64_t id;

	OK(G, _ksem_init, 1, P(&id));
	return (int)id;
}

static int (*const objects[])(void) = { a_file, a_directory, a_fifo, a_device,
    a_pipe, a_socket, a_listener, a_queue, a_semaphore };

enum { OBJECTS = sizeof(objects) / sizeof(objects[0]) };

/* --- calls --- */

struct call {
	int num, nargs;
	uint64_t args[7];	/* FD: the descriptor */
};

static char buf[256], out[4096];
static struct rump_iovec iov = { buf, 4 };
static struct rump_pollfd pfd;
static struct rump_fd_set set;
static struct rump_timespec zero;
static struct rump_timeval zerotv;
static struct rump_kevent add_read, add_write, add_vnode, event;
static struct rump_flock lock = { .l_type = RUMP_F_RDLCK };
static struct rump_aiocb reading, writing, syncing;
static struct rump_sockaddr_un name = { .sun_len = 5,
    .sun_family = RUMP_AF_LOCAL, .sun_path = "/ls" };
static uint32_t namelen, option = 1;
static struct rump_msghdr msg, passing, getting;
static struct {
	struct rump_cmsghdr h;
	int32_t fd[2];
} rights;
static int watcher;

#define N(...)		(sizeof((uint64_t[]){ __VA_ARGS__ }) / 8)
#define CALLS(X) \
	X(read, FD, P(out), 4) X(write, FD, P(buf), 4) \
	X(readv, FD, P(&iov), 1) X(writev, FD, P(&iov), 1) \
	X(pread, FD, P(out), 4, 0, 0) X(pwrite, FD, P(buf), 4, 0, 0) \
	X(lseek, FD, 0, 0, RUMP_SEEK_END) \
	X(__fstat50, FD, P(out)) X(fstatvfs1, FD, P(out), 0) \
	X(ftruncate, FD, 0, 8) X(posix_fallocate, FD, 0, 0, 8) \
	X(fsync, FD) X(fdatasync, FD) X(fsync_range, FD, 0, 0, 0) \
	X(flock, FD, RUMP_LOCK_EX | RUMP_LOCK_NB) \
	X(fcntl, FD, RUMP_F_GETFL, 0) \
	X(fcntl, FD, RUMP_F_SETFL, RUMP_O_NONBLOCK | RUMP_O_ASYNC) \
	X(fcntl, FD, RUMP_F_SETOWN, 0) X(fcntl, FD, RUMP_F_GETOWN, 0) \
	X(fcntl, FD, RUMP_F_SETLK, P(&lock)) \
	X(fcntl, FD, RUMP_F_GETLK, P(&lock)) \
	X(fcntl, FD, RUMP_F_DUPFD, 0) X(fcntl, FD, RUMP_F_SETFD, 1) \
	X(dup, FD) X(dup2, FD, SPARE) X(dup3, FD, SPARE, RUMP_O_NONBLOCK) \
	X(close, FD) \
	X(fchmod, FD, 0644) X(fchown, FD, -1, -1) X(fchflags, FD, 0) \
	X(futimens, FD, 0) X(fchdir, FD) X(fpathconf, FD, 4) \
	X(__getdents30, FD, P(out), 128) \
	X(openat, FD, P("f"), RUMP_O_CREAT | RUMP_O_RDWR, 0600) \
	X(mkdirat, FD, P("m"), 0700) \
	X(unlinkat, FD, P("f"), 0) X(faccessat, FD, P("f"), 0, 0) \
	X(ioctl, FD, RUMP_FIONREAD, P(&option)) \
	X(poll, P(&pfd), 1, 0) X(__pollts50, P(&pfd), 1, P(&zero), 0) \
	X(__select50, FD + 1, P(&set), 0, 0, P(&zerotv)) \
	X(__pselect50, FD + 1, 0, P(&set), 0, P(&zero), 0) \
	X(__kevent50, FD, 0, 0, P(&event), 1, P(&zero)) \
	X(__kevent50, 0, P(&add_read), 1, P(&event), 1, P(&zero)) \
	X(__kevent50, 0, P(&add_write), 1, P(&event), 1, P(&zero)) \
	X(__kevent50, 0, P(&add_vnode), 1, P(&event), 1, P(&zero)) \
	X(aio_read, P(&reading)) X(aio_write, P(&writing)) \
	X(aio_fsync, RUMP_O_SYNC, P(&syncing)) \
	X(bind, FD, P(&name), 5) X(listen, FD, 1) \
	X(connect, FD, P(&name), 5) \
	X(accept, FD, P(out), P(&namelen)) \
	X(getsockname, FD, P(out), P(&namelen)) \
	X(getpeername, FD, P(out), P(&namelen)) \
	X(setsockopt, FD, RUMP_SOL_SOCKET, RUMP_SO_KEEPALIVE, P(&option), 4) \
	X(getsockopt, FD, RUMP_SOL_SOCKET, RUMP_SO_TYPE, P(out), P(&namelen)) \
	X(sendto, FD, P(buf), 4, 0, 0, 0) \
	X(recvfrom, FD, P(out), 4, 0, 0, 0) \
	X(sendmsg, FD, P(&msg), 0) X(recvmsg, FD, P(&getting), 0) \
	X(sendmsg, FD, P(&passing), 0) X(shutdown, FD, RUMP_SHUT_WR) \
	X(_ksem_post, FD) X(_ksem_trywait, FD) \
	X(_ksem_getvalue, FD, P(out)) X(_ksem_close, FD)
#define X(name, ...)	{ RUMP_SYS_##name, N(__VA_ARGS__), { __VA_ARGS__ } },

static void
begin(const struct call *c, int fd)
{
	uint64_t args[7];
	int i;

	for (i = 0; i < c->nargs; i++)
		args[i] = c->args[i] == FD || c->args[i] == FD + 1 ?
		    (uint64_t)fd + (c->args[i] - FD) : c->args[i];
	if (c->num == RUMP_SYS___kevent50 && args[0] == 0)
		args[0] = (uint64_t)watcher;
	raw_begin(G, c->num, c->nargs, args);
}

/* The structures that calls find the descriptor in. */
static void
aim(int fd)
{
	const struct rump_kevent k = { .ident = (uintptr_t)fd,
	    .flags = RUMP_EV_ADD, .fflags = RUMP_NOTE_WRITE };
	const struct rump_aiocb cb = { .aio_fildes = fd, .aio_buf = out,
	    .aio_nbytes = 4,
	    .aio_sigevent = { .sigev_notify = RUMP_SIGEV_NONE } };

	pfd = (struct rump_pollfd){ fd, RUMP_POLLIN, 0 };
	memset(&set, 0, sizeof(set));
	rump_fd_setbit(fd, &set);
	add_read = add_write = add_vnode = k;
	add_read.filter = RUMP_EVFILT_READ;
	add_write.filter = RUMP_EVFILT_WRITE;
	add_vnode.filter = RUMP_EVFILT_VNODE;
	reading = writing = syncing = cb;
	namelen = 64;
	msg = passing = getting = (struct rump_msghdr){ .msg_iov = &iov,
	    .msg_iovlen = 1 };
	rights.h = (struct rump_cmsghdr){ .cmsg_level = RUMP_SOL_SOCKET,
	    .cmsg_type = RUMP_SCM_RIGHTS,
	    .cmsg_len = (uint32_t)rump_cmsg_len(sizeof(int32_t)) };
	rights.fd[0] = fd;
	passing.msg_control = &rights;
	passing.msg_controllen = rights.h.cmsg_len;
	getting.msg_control = out;
	getting.msg_controllen = 128;
}

/* Jobs that were queued are done, or have seen that it is closed. */
static void
end_jobs(void)
{
	struct rump_aiocb *cb[] = { &reading, &writing, &syncing };
	size_t i;

	for (i = 0; i < sizeof(cb) / sizeof(cb[0]); i++) {
		while (CALL(G, aio_error, P(cb[i])) == 0 &&
		    G->retval[0] == RUMP_EINPROGRESS)
			(void)CALL(G, __aio_suspend50, P(&cb[i]), 1, 0);
		(void)CALL(G, aio_return, P(cb[i]));
	}
}

static const struct call calls[] = { CALLS(X) };

enum { NCALLS = sizeof(calls) / sizeof(calls[0]) };

/* --- what takes the descriptor away --- */

static const struct call taking[] = {
	X(close, FD)
	X(fcntl, FD, RUMP_F_CLOSEM, 0)
	X(dup2, 0, FD)
	X(revoke, P("/x"))
	X(dup3, FD, FD, 0)	/* stands for exec */
};

enum { TAKING = sizeof(taking) / sizeof(taking[0]), CLOSEM = 1,
    EXEC = TAKING - 1, KINDS = 3 };

static void
beside(int take, const struct call *c, int fd)
{
	int left;

	aim(fd);
	if (take == EXEC) {
		OK(G, fcntl, fd, RUMP_F_SETFD, RUMP_FD_CLOEXEC);
		begin(c, fd);
		(void)raw_exec_amid(G, "again");
	} else {
		begin(c, fd);
		begin(&taking[take], fd);
		begin(c, fd);
		begin(c, fd);
		for (left = 4; left > 0; left--)
			(void)raw_end_any(G, &(uint64_t){ 0 });
	}
	end_jobs();
	OK(G, chdir, P("/"));
}

static uint64_t
held(void)
{
	struct rumpserver_stats st;

	rumpserver_getstats(S.srv, &st);
	return st.held[RUMPSERVER_DESCRIPTORS];
}

START_TEST(every_pair)
{
	const int take = _i / OBJECTS, object = _i % OBJECTS;
	long long began = 0;
	uint64_t before;
	int i, fd;

	/* Pairs are too few to meet by chance. */
	atomic_store(&chaos_off, true);
	OK(G, mkdir, P("/d"), 0777);
	OK(G, mkfifo, P("/p"), 0666);
	OK(G, close, a_file());
	OK(G, chdir, P("/"));
	before = held();
	for (i = 0; i < NCALLS; i++) {
		watcher = (int)OK0(G, kqueue);
		fd = objects[object]();
		beside(take, &calls[i], fd);
		OK(G, fcntl, 3, RUMP_F_CLOSEM, 0);
	}
	/* What an exec interrupted may still be about to end. */
	while (held() != before)
		ck_assert(keep_waiting(&began));
}
END_TEST

/* Beside a load a thread that gives way is long in coming back. */
static int
haste(void)
{
	const int n = 100 / in_units(1);

	return n > 20 ? n : 20;
}

/* A call again and again, each between one that makes a file and one that
 * closes all, none of which waits for another. */
static void
burst(const struct call *make, const struct call *c, int fd)
{
	int left = 1, n = haste();

	/* While a call waits for what the client does not send yet, those after
	 * it have threads of their own. */
	BEGIN(G, chdir, P("/"));
	raw_gather(true);
	while (n-- > 0) {
		begin(make, fd);
		begin(c, fd);
		begin(&taking[CLOSEM], fd);
		left += 3;
	}
	raw_gather(false);
	while (left-- > 0)
		(void)raw_end_any(G, &(uint64_t){ 0 });
	OK(G, fcntl, fd, RUMP_F_CLOSEM, 0);
}

START_TEST(in_haste)
{
	static const struct call making[KINDS] = {
		{ RUMP_SYS_kqueue, 0, { 0 } },
		X(__socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM |
		    RUMP_SOCK_NONBLOCK, 0)
		X(pipe2, P(out), RUMP_O_NONBLOCK)
	};
	const int fd = 3;	/* the lowest that is free */
	int i;

	watcher = -1;
	atomic_store(&chaos_off, false);
	aim(fd);
	for (i = 0; i < NCALLS; i++)
		burst(&making[_i], &calls[i], fd);
	end_jobs();
}
END_TEST

/* What is watched at a number is not forgotten with what had it before. */
START_TEST(the_next_at_a_number)
{
	enum { ROUNDS = 1000 };
	struct rump_kevent k = { .filter = RUMP_EVFILT_WRITE,
	    .flags = RUMP_EV_ADD };
	int error, added = 0, added_error = 0, fd, i, left, kq;
	uint64_t reqno, last;
	int32_t p[2];

	kq = (int)OK0(G, kqueue);
	OK(G, pipe2, P(p), 0);
	k.ident = (uintptr_t)p[1];
	OK(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
	k.filter = RUMP_EVFILT_READ;
	for (i = 0; i < ROUNDS; i++) {
		/* The console, which cannot be watched; then the pipe. */
		fd = (int)OK(G, dup, 0);
		k.ident = (uintptr_t)fd;
		k.flags = RUMP_EV_ADD;
		BEGIN(G, chdir, P("/"));
		raw_gather(true);
		BEGIN(G, close, fd);
		BEGIN(G, dup, p[0]);
		BEGIN(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
		raw_gather(false);
		for (left = 4, last = 0; left > 0; left--) {
			error = raw_end_any(G, &reqno);
			if (reqno < last)
				continue;
			last = reqno;
			added_error = error;
		}
		if (added_error == 0) {
			added++;
			k.flags = RUMP_EV_DELETE;
			OK(G, __kevent50, kq, P(&k), 1, 0, 0, 0);
		}
		OK(G, fcntl, fd, RUMP_F_CLOSEM, 0);
	}
	ck_assert_int_gt(added, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostkern calls beside others");
	TCase *tc = tcase_create("every pair");

	tcase_add_checked_fixture(tc, raw_setup, raw_teardown);
	tcase_add_loop_test(tc, every_pair, 0, TAKING * OBJECTS);
	tcase_add_loop_test(tc, in_haste, 0, KINDS);
	tcase_add_test(tc, the_next_at_a_number);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
