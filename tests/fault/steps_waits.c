/*
 * What waits for something, or lets others wait.
 */
#include <sys/types.h>

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/fault/steps.h"
#include "tests/lib/suite.h"

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
	struct rump_timespec ts = { .tv_sec = patience_ms() / 1000 };
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
	struct rump_timespec ts = { .tv_sec = patience_ms() / 1000 };
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

static bool
clocks(void)
{
	struct rump_itimerspec its = { .it_value = { .tv_sec = 100 } };
	struct rump_timespec ts;
	timer_t id;
	bool ok;

	if (rump_sys_timer_create(RUMP_CLOCK_MONOTONIC, NULL, &id) != 0)
		return false;
	ok = rump_sys_timer_settime(id, 0, (struct itimerspec *)&its, NULL) ==
	    0 && rump_sys_timer_gettime(id, (struct itimerspec *)&its) == 0 &&
	    rump_sys_clock_gettime(RUMP_CLOCK_REALTIME,
	    (struct timespec *)&ts) == 0;
	return rump_sys_timer_delete(id) == 0 && ok;
}

/* Two descriptors, one of which is ready. */
static bool
polls(void)
{
	struct rump_timespec ts = { .tv_sec = patience_ms() / 1000 };
	struct rump_pollfd pfd[2];
	int a[2], kq;
	bool ok;

	if (rump_sys_pipe(a) != 0)
		return false;
	kq = rump_sys_kqueue();
	pfd[0] = (struct rump_pollfd){ .fd = a[1], .events = RUMP_POLLOUT };
	pfd[1] = (struct rump_pollfd){ .fd = kq, .events = RUMP_POLLIN };
	ok = kq != -1 && rump_sys_pollts((struct pollfd *)pfd, 2,
	    (struct timespec *)&ts, NULL) == 1;
	rump_sys_close(a[0]);
	rump_sys_close(a[1]);
	return rump_sys_close(kq) == 0 && ok;
}

const struct step steps_waits[] = {
	{ "pipes", pipes }, { "naps", naps }, { "events", events },
	{ "locks", locks }, { "semaphores", semaphores }, { "aio", aio },
	{ "clocks", clocks }, { "polls", polls }, { NULL, NULL }
};
