#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/fault/workload.h"

enum { PATIENCE_S = 10, BIG = 300 * 1024 };

#define SA(x)	((struct sockaddr *)(x))

/* --- files and names --- */

static bool
file_of(const char *name, const char *content)
{
	const size_t len = strlen(content);
	char buf[32];
	bool ok;
	int fd;

	fd = rump_sys_open(name, RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_TRUNC,
	    0600);
	if (fd == -1)
		return false;
	ok = rump_sys_write(fd, content, len) == (ssize_t)len &&
	    rump_sys_pread(fd, buf, sizeof(buf), 0) == (ssize_t)len &&
	    memcmp(buf, content, len) == 0 &&
	    rump_sys_lseek(fd, 0, RUMP_SEEK_SET) == 0 &&
	    rump_sys_ftruncate(fd, 2) == 0 && rump_sys_fsync(fd) == 0 &&
	    rump_sys_fchmod(fd, 0640) == 0 &&
	    rump_sys_flock(fd, RUMP_LOCK_EX | RUMP_LOCK_NB) == 0;
	return rump_sys_close(fd) == 0 && ok;
}

static bool
files(void)
{
	struct rump_stat st;
	char buf[512];
	bool ok;
	int fd;

	if (!file_of("/a", "content"))
		return false;
	ok = rump_sys_stat("/a", (struct stat *)&st) == 0 &&
	    st.st_size == 2 &&
	    rump_sys_link("/a", "/b") == 0 &&
	    rump_sys_symlink("a", "/c") == 0 &&
	    rump_sys_readlink("/c", buf, sizeof(buf)) == 1 &&
	    rump_sys_rename("/b", "/d") == 0 &&
	    rump_sys_access("/c", RUMP_R_OK) == 0;
	fd = rump_sys_open("/", RUMP_O_RDONLY);
	ok = ok && fd != -1 && rump_sys_getdents(fd, buf, sizeof(buf)) > 0;
	if (fd != -1)
		rump_sys_close(fd);
	return rump_sys_unlink("/d") == 0 && rump_sys_unlink("/c") == 0 && ok;
}

static bool
directories(void)
{
	char buf[64];
	bool ok;

	ok = rump_sys_mkdir("/dir", 0755) == 0 &&
	    rump_sys_chdir("/dir") == 0 &&
	    rump_sys___getcwd(buf, sizeof(buf)) > 0 &&
	    rump_sys_mkfifo("../dir/fifo", 0600) == 0 &&
	    rump_sys_unlink("fifo") == 0;
	return rump_sys_chdir("/") == 0 && rump_sys_rmdir("/dir") == 0 && ok;
}

/* Longer than any buffer on the way. */
static bool
big(void)
{
	char *data;
	ssize_t n;
	bool ok = false;
	int fd;

	data = calloc(1, BIG);
	fd = rump_sys_open("/big", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (fd != -1 && data != NULL) {
		n = rump_sys_pwrite(fd, data, BIG, 0);
		ok = n == BIG && rump_sys_pread(fd, data, BIG, 0) == BIG;
	}
	free(data);
	return fd != -1 && rump_sys_close(fd) == 0 &&
	    rump_sys_unlink("/big") == 0 && ok;
}

/* --- what waits --- */

static void *
reader(void *arg)
{
	char c;

	rump_sys_read(*(int *)arg, &c, 1);
	return NULL;
}

/* A read that waits, until the other end writes, or is closed. */
static bool
pipes(void)
{
	struct rump_pollfd pfd;
	pthread_t t;
	int fd[2];
	bool ok;

	if (rump_sys_pipe2(fd, RUMP_O_CLOEXEC) != 0)
		return false;
	pfd = (struct rump_pollfd){ .fd = fd[0], .events = RUMP_POLLIN };
	ok = rump_sys_poll((struct pollfd *)&pfd, 1, 1) == 0;
	if (pthread_create(&t, NULL, reader, &fd[0]) != 0)
		abort();
	ok = rump_sys_write(fd[1], "xy", 2) == 2 && ok;
	ok = rump_sys_close(fd[1]) == 0 && ok;
	pthread_join(t, NULL);
	return rump_sys_close(fd[0]) == 0 && ok;
}

static bool
naps(void)
{
	struct rump_timespec ts = { .tv_nsec = 3000000 };

	return rump_sys_nanosleep((struct timespec *)&ts, NULL) == 0 &&
	    rump_sys_select(0, NULL, NULL, NULL,
	    (struct timeval *)&(struct rump_timeval){ .tv_usec = 1000 }) == 0;
}

static bool
events(void)
{
	struct rump_timespec ts = { .tv_sec = PATIENCE_S };
	struct rump_kevent ev[3], got[3];
	int fd[2], kq;
	bool ok;

	memset(ev, 0, sizeof(ev));
	if (rump_sys_pipe(fd) != 0)
		return false;
	kq = rump_sys_kqueue();
	ev[0] = (struct rump_kevent){ .ident = (uintptr_t)fd[0],
	    .filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD };
	ev[1] = (struct rump_kevent){ .ident = 1, .data = 1,
	    .filter = RUMP_EVFILT_TIMER,
	    .flags = RUMP_EV_ADD | RUMP_EV_ONESHOT };
	ev[2] = (struct rump_kevent){ .ident = 0, .filter = RUMP_EVFILT_VNODE,
	    .flags = RUMP_EV_ADD | RUMP_EV_CLEAR,
	    .fflags = RUMP_NOTE_WRITE };
	ev[2].ident = (uintptr_t)rump_sys_open("/a", RUMP_O_RDWR);
	ok = kq != -1 && rump_sys_write(fd[1], "x", 1) == 1 &&
	    rump_sys_kevent(kq, (struct kevent *)ev, 3, NULL, 0, NULL) == 0 &&
	    rump_sys_pwrite((int)ev[2].ident, "z", 1, 0) == 1 &&
	    rump_sys_kevent(kq, NULL, 0, (struct kevent *)got, 3,
	    (struct timespec *)&ts) > 0;
	rump_sys_close((int)ev[2].ident);
	rump_sys_close(fd[0]);
	rump_sys_close(fd[1]);
	return rump_sys_close(kq) == 0 && ok;
}

/* --- sockets --- */

/* A descriptor from one end to the other. */
static bool
pass(int from, int to)
{
	_Alignas(struct rump_cmsghdr) char control[64] = "";
	struct rump_cmsghdr *cm = (struct rump_cmsghdr *)control;
	struct rump_iovec iov = { "m", 1 };
	struct rump_msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int32_t fd = from;
	char c;

	cm->cmsg_len = (uint32_t)rump_cmsg_len(sizeof(fd));
	cm->cmsg_level = RUMP_SOL_SOCKET;
	cm->cmsg_type = RUMP_SCM_RIGHTS;
	memcpy(rump_cmsg_data(cm), &fd, sizeof(fd));
	mh.msg_control = control;
	mh.msg_controllen = (uint32_t)rump_cmsg_space(sizeof(fd));
	if (rump_sys_sendmsg(from, (struct msghdr *)&mh, 0) != 1)
		return false;
	memset(control, 0, sizeof(control));
	iov = (struct rump_iovec){ &c, 1 };
	mh.msg_controllen = sizeof(control);
	if (rump_sys_recvmsg(to, (struct msghdr *)&mh, 0) != 1)
		return false;
	cm = rump_cmsg_firsthdr(&mh);
	if (cm == NULL)
		return false;
	memcpy(&fd, rump_cmsg_data(cm), sizeof(fd));
	return rump_sys_close(fd) == 0;
}

static bool
sockets(void)
{
	struct rump_sockaddr_un at;
	int sv[2], l, c, s = -1;
	char buf[8];
	bool ok;

	if (rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, sv) != 0)
		return false;
	ok = pass(sv[0], sv[1]);
	rump_sys_close(sv[0]);
	rump_sys_close(sv[1]);

	memset(&at, 0, sizeof(at));
	at.sun_family = RUMP_AF_LOCAL;
	strcpy(at.sun_path, "/sock");
	at.sun_len = sizeof(at);
	l = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	c = rump_sys_socket(RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ok = ok && rump_sys_bind(l, SA(&at), sizeof(at)) == 0 &&
	    rump_sys_listen(l, 5) == 0 &&
	    rump_sys_connect(c, SA(&at), sizeof(at)) == 0;
	if (ok)
		s = rump_sys_accept(l, NULL, NULL);
	ok = ok && s != -1 && rump_sys_sendto(c, "data", 4, 0, NULL, 0) == 4 &&
	    rump_sys_recvfrom(s, buf, sizeof(buf), 0, NULL, NULL) > 0;
	rump_sys_close(s);
	rump_sys_close(c);
	rump_sys_close(l);
	return rump_sys_unlink("/sock") == 0 && ok;
}

/* --- locks, semaphores, asynchronous I/O --- */

static bool
locks(void)
{
	struct rump_flock fl = { .l_type = RUMP_F_WRLCK,
	    .l_whence = RUMP_SEEK_SET, .l_len = 10 };
	bool ok;
	int fd;

	fd = rump_sys_open("/a", RUMP_O_RDWR);
	ok = fd != -1 && rump_sys_fcntl(fd, RUMP_F_SETLK, &fl) == 0 &&
	    rump_sys_fcntl(fd, RUMP_F_GETLK, &fl) == 0;
	return rump_sys_close(fd) == 0 && ok;
}

static bool
semaphores(void)
{
	intptr_t id;
	bool ok;

	if (rump_sys__ksem_init(0, &id) != 0)
		return false;
	ok = rump_sys__ksem_post(id) == 0 && rump_sys__ksem_trywait(id) == 0;
	return rump_sys__ksem_destroy(id) == 0 && ok;
}

static bool
aio(void)
{
	struct rump_timespec ts = { .tv_sec = PATIENCE_S };
	const struct aiocb *list[1];
	struct rump_aiocb cb;
	char buf[4] = "aio";
	bool ok = false;
	int fd;

	memset(&cb, 0, sizeof(cb));
	fd = rump_sys_open("/a", RUMP_O_RDWR);
	cb.aio_fildes = fd;
	cb.aio_buf = buf;
	cb.aio_nbytes = 3;
	list[0] = (struct aiocb *)&cb;
	if (fd != -1 && rump_sys_aio_write((struct aiocb *)&cb) == 0)
		ok = rump_sys_aio_suspend(list, 1, (struct timespec *)&ts) ==
		    0 && rump_sys_aio_return((struct aiocb *)&cb) == 3;
	return rump_sys_close(fd) == 0 && ok;
}

/* --- processes --- */

static bool
ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

static bool
forks(void)
{
	pid_t parent = rump_sys_getpid(), pid;

	pid = rumpclient_fork();
	if (pid == 0)
		_exit(rump_sys_getppid() != parent);
	return pid != -1 && ended_well(pid);
}

static bool
execs(const char *image)
{
	char me[16];
	char *const argv[] = { (char *)image, me, NULL };
	extern char **environ;
	pid_t pid;

	pid = rumpclient_fork();
	if (pid == 0) {
		snprintf(me, sizeof(me), "%d", rump_sys_getpid());
		rumpclient_exec(image, argv, environ);
		_exit(1);
	}
	return pid != -1 && ended_well(pid);
}

static volatile sig_atomic_t caught;

static void
on_signal(int signo)
{

	(void)signo;
	caught = 1;
}

/* The server's signal comes, or the timer has not been set. */
static bool
signals(void)
{
	struct rump_itimerval it = { .it_value = { .tv_usec = 1000 } };
	struct rump_timespec ts = { .tv_nsec = 1000000 };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	int naps;
	bool ok;

	caught = 0;
	sigaction(SIGALRM, &sa, &old);
	ok = rump_sys_setitimer(0, (struct itimerval *)&it, NULL) == 0;
	for (naps = 0; ok && !caught && naps < 1000 * PATIENCE_S; naps++)
		(void)rump_sys_nanosleep((struct timespec *)&ts, NULL);
	ok = ok && caught;
	sigaction(SIGALRM, &old, NULL);
	return ok;
}

/* What a step that failed may have left. */
static void
clean(void)
{
	static const char *const names[] = { "/a", "/b", "/c", "/d", "/big",
	    "/sock", "/dir/fifo" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)rump_sys_unlink(names[i]);
	(void)rump_sys_rmdir("/dir");
}

const char *
workload(const char *image)
{
	static const struct {
		const char *name;
		bool (*step)(void);
	} steps[] = {
		{ "files", files }, { "directories", directories },
		{ "big", big }, { "pipes", pipes }, { "naps", naps },
		{ "events", events }, { "sockets", sockets },
		{ "locks", locks }, { "semaphores", semaphores },
		{ "aio", aio }, { "forks", forks }, { "signals", signals },
	};
	const char *failed = NULL;
	size_t i;

	clean();
	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (!steps[i].step() && failed == NULL)
			failed = steps[i].name;
	}
	if (!execs(image) && failed == NULL)
		failed = "execs";
	return failed;
}
