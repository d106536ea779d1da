/*
 * Advisory locks.
 */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

enum { MANY = UNDER_SANITIZER ? 200 : 1000 };

static int
new_file(const char *path)
{

	return raw_open(G, path, RUMP_O_RDWR | RUMP_O_CREAT, 0666);
}

START_TEST(flocks)
{
	struct raw_guest *other = raw_guest(&S, "other");
	int fd = new_file("/f"), fd2, fds[2];

	fd2 = raw_open(other, "/f", RUMP_O_RDWR, 0);
	OK(G, flock, fd, RUMP_LOCK_EX);
	OK(G, flock, (int)OK(G, dup, fd), RUMP_LOCK_EX);
	ck_assert_int_eq(CALL(other, flock, fd2, RUMP_LOCK_SH |
	    RUMP_LOCK_NB), RUMP_EWOULDBLOCK);
	BEGIN(other, flock, fd2, RUMP_LOCK_EX);
	ck_assert(raw_pending(other));
	OK(G, flock, fd, RUMP_LOCK_UN);
	ck_assert_int_eq(raw_end(other), 0);
	ck_assert_int_eq(CALL(G, open, P("/f"), RUMP_O_RDWR | RUMP_O_EXLOCK |
	    RUMP_O_NONBLOCK, 0), RUMP_EWOULDBLOCK);
	OK(other, close, fd2);
	OK(G, open, P("/f"), RUMP_O_RDWR | RUMP_O_EXLOCK | RUMP_O_NONBLOCK,
	    0);
	ck_assert_int_eq(CALL(G, flock, fd, 0), RUMP_EINVAL);
	OK(G, flock, raw_open(G, "/dev/null", RUMP_O_RDWR, 0), RUMP_LOCK_SH);
	OK(G, pipe2, P(fds), 0);
	ck_assert_int_eq(CALL(G, flock, fds[0], RUMP_LOCK_EX),
	    RUMP_EOPNOTSUPP);
	raw_leave(other);
}
END_TEST

static struct rump_flock
range(int type, int64_t start, int64_t len)
{

	return (struct rump_flock){ .l_start = start, .l_len = len,
	    .l_type = (int16_t)type, .l_whence = RUMP_SEEK_SET };
}

static int
setlk(struct raw_guest *g, int fd, int type, int64_t start, int64_t len)
{
	struct rump_flock fl = range(type, start, len);

	return CALL(g, fcntl, fd, RUMP_F_SETLK, P(&fl));
}

START_TEST(record_locks)
{
	struct raw_guest *child;
	struct rump_flock fl;
	int fd = new_file("/f"), fd2, pid;

	OK(G, write, fd, P("0123456789"), 10);
	pid = (int)OK0(G, getpid);
	child = raw_fork(&S, G);
	/* One's own never conflict, whichever descriptor. */
	fd2 = raw_open(G, "/f", RUMP_O_RDWR, 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 10), 0);
	ck_assert_int_eq(setlk(G, fd2, RUMP_F_WRLCK, 5, 10), 0);
	/* The child has the same open file and is another process. */
	ck_assert_int_eq(setlk(child, fd, RUMP_F_RDLCK, 0, 1), RUMP_EAGAIN);
	fl = range(RUMP_F_RDLCK, 3, 0);
	OK(child, fcntl, fd, RUMP_F_GETLK, P(&fl));
	ck_assert_int_eq(fl.l_type, RUMP_F_WRLCK);
	ck_assert_int_eq(fl.l_pid, pid);
	/* One of two ranges, as NetBSD does not join them. */
	ck_assert_int_eq(fl.l_start, 0);
	ck_assert_int_eq(fl.l_len, 5);
	fl = range(RUMP_F_WRLCK, 100, 1);
	OK(child, fcntl, fd, RUMP_F_GETLK, P(&fl));
	ck_assert_int_eq(fl.l_type, RUMP_F_UNLCK);
	ck_assert_int_eq(fl.l_start, 100);
	/* A hole in the middle. */
	ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, 4, 2), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_WRLCK, 4, 2), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_WRLCK, 4, 3), RUMP_EAGAIN);
	fl = range(RUMP_F_WRLCK, 7, 1);
	OK(child, fcntl, fd, RUMP_F_GETLK, P(&fl));
	ck_assert_int_eq(fl.l_pid, pid);
	ck_assert_int_eq(fl.l_start, 6);
	/* As far as there are bytes, and not where there is none. */
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, INT64_MAX - 1, 0), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_WRLCK, INT64_MAX - 1, 1),
	    RUMP_EAGAIN);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, INT64_MAX - 1, 1), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_WRLCK, INT64_MAX - 1, 1), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_UNLCK, 50, 0), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, INT64_MAX, 0),
	    RUMP_EOVERFLOW);
	/* From the end, backwards. */
	fl = (struct rump_flock){ .l_start = 0, .l_len = -2,
	    .l_type = RUMP_F_WRLCK, .l_whence = RUMP_SEEK_END };
	ck_assert_int_eq(CALL(child, fcntl, fd, RUMP_F_SETLK, P(&fl)),
	    RUMP_EAGAIN);

	/* Waiting for one, until closing any descriptor drops it. */
	fl = range(RUMP_F_WRLCK, 0, 0);
	BEGIN(child, fcntl, fd, RUMP_F_SETLKW, P(&fl));
	ck_assert(raw_pending(child));
	OK(G, close, fd2);
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_RDLCK, 0, 1), RUMP_EAGAIN);
	raw_leave(child);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_RDLCK, 0, 1), 0);

	fd2 = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(setlk(G, fd2, RUMP_F_WRLCK, 0, 1), RUMP_EBADF);
	ck_assert_int_eq(setlk(G, fd2, 9, 0, 1), RUMP_EINVAL);
	ck_assert_int_eq(setlk(G, fd2, RUMP_F_RDLCK, -1, 1), RUMP_EINVAL);
	ck_assert_int_eq(setlk(G, 0, RUMP_F_RDLCK, 0, 1), RUMP_EINVAL);
}
END_TEST

enum handed { BY_FLOCK, BY_CLOSE, BY_FCNTL, BY_FIFO, NWAYS };

/* One guest waits, the other does what it waits for. */
static void
hand_over(enum handed way, struct raw_guest *other)
{
	struct rump_flock fl = range(RUMP_F_WRLCK, 0, 1);
	int fd = -1, fd2;

	fd2 = raw_open(other, "/f", RUMP_O_RDWR, 0);
	if (way != BY_FIFO)
		fd = raw_open(G, "/f", RUMP_O_RDWR, 0);
	if (way == BY_FIFO) {
		BEGIN(other, open, P("/fifo"), RUMP_O_WRONLY, 0);
	} else if (way == BY_FCNTL) {
		ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 1), 0);
		BEGIN(other, fcntl, fd2, RUMP_F_SETLKW, P(&fl));
	} else {
		OK(G, flock, fd, RUMP_LOCK_EX);
		BEGIN(other, flock, fd2, RUMP_LOCK_EX);
	}
	ck_assert(raw_pending(other));
	if (way == BY_FIFO)
		(void)raw_open(G, "/fifo", RUMP_O_RDONLY | RUMP_O_NONBLOCK, 0);
	else if (way == BY_FLOCK)
		OK(G, flock, fd, RUMP_LOCK_UN);
	else if (way == BY_FCNTL)
		ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, 0, 0), 0);
	else
		OK(G, close, fd);
	ck_assert_int_eq(raw_end(other), 0);
	OK(G, fcntl, 3, RUMP_F_CLOSEM, 0);
	OK(other, fcntl, 3, RUMP_F_CLOSEM, 0);
}

START_TEST(locks_are_handed_over)
{
	struct raw_guest *other = raw_guest(&S, "other");
	int round;

	(void)new_file("/f");
	OK(G, mkfifo, P("/fifo"), 0600);
	for (round = 0; round < 3; round++)
		hand_over((enum handed)_i, other);
	raw_leave(other);
}
END_TEST

/* The right to lock a file comes from its having been opened. */
START_TEST(record_locks_of_one_who_was_root)
{
	struct raw_guest *other;
	int fd, fd2;

	if (skip_unless_root())
		return;
	other = raw_guest(&S, "other");
	fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	fd2 = raw_open(other, "/f", RUMP_O_RDWR, 0);
	OK(G, setuid, 1000);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 1), 0);
	ck_assert_int_eq(setlk(other, fd2, RUMP_F_RDLCK, 0, 1), RUMP_EAGAIN);
	ck_assert_int_eq(CALL(G, open, P("/f"), RUMP_O_RDONLY, 0),
	    RUMP_EACCES);
	raw_leave(other);
}
END_TEST

START_TEST(waiting_in_a_circle_is_noticed)
{
	struct rump_flock fl = range(RUMP_F_WRLCK, 0, 1);
	struct rump_flock fl2 = range(RUMP_F_WRLCK, 1, 1);
	struct raw_guest *last = NULL, *other;
	int fd = new_file("/f");

	other = raw_fork(&S, G);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 1), 0);
	ck_assert_int_eq(setlk(other, fd, RUMP_F_WRLCK, 1, 1), 0);
	BEGIN(other, fcntl, fd, RUMP_F_SETLKW, P(&fl));
	BEGIN(G, fcntl, fd, RUMP_F_SETLKW, P(&fl2));
	/* Who closes the circle is told; the server says who came last. */
	while (last == NULL) {
		if (!raw_pending(G))
			last = G;
		else if (!raw_pending(other))
			last = other;
	}
	ck_assert_int_eq(raw_end(last), RUMP_EDEADLK);
	ck_assert_int_eq(setlk(last, fd, RUMP_F_UNLCK, 0, 0), 0);
	ck_assert_int_eq(raw_end(last == G ? other : G), 0);
	raw_leave(other);
}
END_TEST

/* The host's own programs see our guests' locks, and the other way round. */
START_TEST(record_locks_reach_the_host)
{
	struct flock host = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
	    .l_start = 0, .l_len = 1 };
	struct rump_flock fl = range(RUMP_F_WRLCK, 0, 1);
	int fd = new_file("/f"), hfd;

	hfd = open(raw_host(&S, "f"), O_RDWR);
	ck_assert_int_ge(hfd, 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 1), 0);
	ck_assert_int_eq(fcntl(hfd, F_OFD_SETLK, &host), -1);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, 0, 1), 0);
	ck_assert_int_eq(fcntl(hfd, F_OFD_SETLK, &host), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 0, 1), RUMP_EAGAIN);
	OK(G, fcntl, fd, RUMP_F_GETLK, P(&fl));
	ck_assert_int_eq(fl.l_type, RUMP_F_WRLCK);
	ck_assert_int_eq(fl.l_pid, -1);
	close(hfd);
}
END_TEST

/* --- with the host's programs --- */

/* A guest that may only read it has locked it: it runs all the same. */
static void
lock_and_run(void)
{
	char cmd[256];
	int fd;

	snprintf(cmd, sizeof(cmd), "cp /bin/true %s", raw_host(&S, "prog"));
	ck_assert_int_eq(system(cmd), 0);
	fd = raw_open(G, "/prog", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_RDLCK, 0, 0), 0);
	OK(G, flock, fd, RUMP_LOCK_EX);
	ck_assert_int_eq(system(raw_host(&S, "prog")), 0);
}

START_TEST(programs_run_on)
{

	lock_and_run();
}
END_TEST

START_TEST(nothing_is_opened_for_writing)
{
	struct hostkern_config conf = { .read_only = true, .console_fd = -1 };

	raw_leave(G);
	raw_stop(&S);
	raw_start(&S, &conf);
	G = raw_guest(&S, "reader");
	lock_and_run();
}
END_TEST

START_TEST(no_descriptors_are_taken)
{
	struct rump_flock fl = range(RUMP_F_WRLCK, 0, 0);
	struct raw_guest *other = raw_guest(&S, "other");
	int fd[100], theirs, i;
	int before;
	char name[16];

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/f%d", i);
		fd[i] = new_file(name);
	}
	theirs = raw_open(other, "/f0", RUMP_O_RDWR, 0);
	before = raw_descriptors("");
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(setlk(G, fd[i], RUMP_F_WRLCK, 0, 0), 0);
	BEGIN(other, fcntl, theirs, RUMP_F_SETLKW, P(&fl));
	ck_assert(raw_pending(other));
	ck_assert_int_eq(raw_descriptors(""), before);
	OK(G, close, fd[0]);
	ck_assert_int_eq(raw_end(other), 0);
	raw_leave(other);
}
END_TEST

static bool
host_may(int hfd, short type, int64_t start, int64_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
	    .l_start = start, .l_len = len };

	if (fcntl(hfd, F_OFD_SETLK, &fl) != 0)
		return false;
	fl.l_type = F_UNLCK;
	ck_assert_int_eq(fcntl(hfd, F_OFD_SETLK, &fl), 0);
	return true;
}

/* A parent and a child lock by one description of the host's. */
START_TEST(what_two_share_stays_for_the_other)
{
	struct raw_guest *child;
	int fd = new_file("/f"), hfd;

	hfd = open(raw_host(&S, "f"), O_RDWR);
	child = raw_fork(&S, G);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_RDLCK, 0, 10), 0);
	ck_assert_int_eq(setlk(child, fd, RUMP_F_RDLCK, 5, 10), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, 0, 0), 0);
	ck_assert(host_may(hfd, F_WRLCK, 0, 5));
	ck_assert(!host_may(hfd, F_WRLCK, 5, 1));
	ck_assert(!host_may(hfd, F_WRLCK, 14, 1));
	ck_assert(host_may(hfd, F_WRLCK, 15, 5));
	OK(child, close, fd);
	ck_assert(host_may(hfd, F_WRLCK, 0, 0));
	close(hfd);
	raw_leave(child);
}
END_TEST

/* One's own locks by another description are no obstacle. */
START_TEST(one_process_by_two_descriptions)
{
	int fd = new_file("/f"), rd, hfd;

	rd = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	hfd = open(raw_host(&S, "f"), O_RDWR);
	ck_assert_int_eq(setlk(G, rd, RUMP_F_RDLCK, 0, 10), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 2, 4), 0);
	ck_assert(!host_may(hfd, F_RDLCK, 2, 4));
	ck_assert(host_may(hfd, F_RDLCK, 0, 2));
	ck_assert(!host_may(hfd, F_WRLCK, 0, 2));
	ck_assert_int_eq(setlk(G, rd, RUMP_F_RDLCK, 0, 0), 0);
	ck_assert(host_may(hfd, F_RDLCK, 0, 0));
	ck_assert(!host_may(hfd, F_WRLCK, 3, 1));
	/* The host is in the way: all stays as it was. */
	ck_assert_int_eq(flock(hfd, LOCK_SH), 0);
	OK(G, flock, fd, RUMP_LOCK_SH);
	ck_assert_int_eq(CALL(G, flock, fd, RUMP_LOCK_EX | RUMP_LOCK_NB),
	    RUMP_EWOULDBLOCK);
	ck_assert_int_ne(flock(hfd, LOCK_EX | LOCK_NB), 0);
	OK(G, close, fd);
	ck_assert(host_may(hfd, F_WRLCK, 0, 0));
	close(hfd);
}
END_TEST

/* One of those who wait asks the host; another, when that one has gone. */
START_TEST(the_host_is_asked_for_all)
{
	struct rump_flock fl = range(RUMP_F_WRLCK, 0, 0);
	struct flock host = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct raw_guest *g[4];
	int fd[4], hfd, i;

	(void)new_file("/f");
	hfd = open(raw_host(&S, "f"), O_RDWR);
	ck_assert_int_eq(flock(hfd, LOCK_EX), 0);
	ck_assert_int_eq(fcntl(hfd, F_OFD_SETLK, &host), 0);
	for (i = 0; i < 4; i++) {
		g[i] = raw_guest(&S, "waiter");
		fd[i] = raw_open(g[i], "/f", RUMP_O_RDWR, 0);
		if (i % 2 == 0)
			BEGIN(g[i], flock, fd[i], RUMP_LOCK_EX);
		else
			BEGIN(g[i], fcntl, fd[i], RUMP_F_SETLKW, P(&fl));
		ck_assert(raw_pending(g[i]));
	}
	raw_leave(g[0]);
	raw_leave(g[1]);
	ck_assert(raw_pending(g[2]));
	close(hfd);
	ck_assert_int_eq(raw_end(g[2]), 0);
	ck_assert_int_eq(raw_end(g[3]), 0);
	raw_leave(g[2]);
	raw_leave(g[3]);
}
END_TEST

/* --- many --- */

/* Calls of one guest that wait for a lock of flock, each by an open file of
 * its own, the first of which is returned. */
static int
begin_many(struct raw_guest *g)
{
	int first = raw_open(g, "/f", RUMP_O_RDWR, 0), i;

	for (i = 1; i < MANY; i++)
		(void)raw_open(g, "/f", RUMP_O_RDWR, 0);
	for (i = 0; i < MANY; i++)
		BEGIN(g, flock, first + i, RUMP_LOCK_EX);
	return first;
}

/* Each gets it when the one before lets go, in the order in which they came:
 * to the lock, which need not be quite that in which they were sent. */
START_TEST(many_in_their_order)
{
	int fd = new_file("/f"), first, got = 0, inorder = 0, let = 0;
	struct raw_guest *other;
	uint64_t base, last = 0, reqno;

	if (skip_unless_files(MANY + 400))
		return;
	other = raw_guest(&S, "other");
	OK(G, flock, fd, RUMP_LOCK_EX);
	first = begin_many(other);
	base = other->reqno - MANY + 1;
	ck_assert(raw_pending(other));
	OK(G, flock, fd, RUMP_LOCK_UN);
	while (got < MANY || let < MANY) {
		ck_assert_int_eq(raw_end_any(other, &reqno), 0);
		if (reqno >= base + MANY) {
			let++;
			continue;
		}
		ck_assert_int_eq(CALL(G, flock, fd, RUMP_LOCK_SH |
		    RUMP_LOCK_NB), RUMP_EWOULDBLOCK);
		got++;
		inorder += reqno > last;
		last = reqno;
		BEGIN(other, close, first + (int)(reqno - base));
	}
	ck_assert_int_ge(inorder, MANY / 10 * 9);
	raw_leave(other);
}
END_TEST

/* The processor's time that we, who are the server, use while doing nothing. */
static long
idle_ms(int ms)
{
	struct rusage a, b;

	getrusage(RUSAGE_SELF, &a);
	poll(NULL, 0, ms);
	getrusage(RUSAGE_SELF, &b);
	timersub(&b.ru_utime, &a.ru_utime, &a.ru_utime);
	timersub(&b.ru_stime, &a.ru_stime, &a.ru_stime);
	timeradd(&a.ru_utime, &a.ru_stime, &a.ru_utime);
	return a.ru_utime.tv_sec * 1000 + a.ru_utime.tv_usec / 1000;
}

/* Also behind a process of the host (_i = 1), which tells nobody. */
START_TEST(many_wait_for_nothing)
{
	struct raw_guest *other;
	struct rumpserver_stats st;
	int fd = new_file("/f"), hfd = -1;
	long nobody;

	if (skip_unless_files(MANY + 400))
		return;
	nobody = idle_ms(400);
	if (_i == 0) {
		OK(G, flock, fd, RUMP_LOCK_EX);
	} else {
		hfd = open(raw_host(&S, "f"), O_RDWR);
		ck_assert_int_eq(flock(hfd, LOCK_EX), 0);
	}
	other = raw_guest(&S, "other");
	(void)begin_many(other);
	do {
		poll(NULL, 0, 300);
		rumpserver_getstats(S.srv, &st);
	} while (st.calls_now < MANY);
	/* A twentieth of the time is a lot. */
	ck_assert_int_le(idle_ms(400), nobody + 20);
	raw_leave(other);
	if (hfd != -1)
		close(hfd);
	OK(G, flock, fd, RUMP_LOCK_EX);
}
END_TEST

/* As in NetBSD, of one user and not of one process. */
START_TEST(there_is_an_end)
{
	struct raw_guest *other = raw_guest(&S, "other"), *stranger;
	int fd = new_file("/f"), fd2, i;

	fd2 = raw_open(other, "/f", RUMP_O_RDWR, 0);
	for (i = 0; i < 1000; i++)
		ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 2 * i, 1), 0);
	OK(other, flock, fd2, RUMP_LOCK_EX);
	for (i = 0; i < 23; i++)
		ck_assert_int_eq(setlk(other, fd2, RUMP_F_WRLCK, 2 * i + 1, 1),
		    0);
	ck_assert_int_eq(setlk(other, fd2, RUMP_F_WRLCK, 99, 1), RUMP_ENOLCK);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 9999, 1), RUMP_ENOLCK);
	if (geteuid() == 0) {
		stranger = raw_guest_as(&S, "stranger", 1001);
		i = raw_open(stranger, "/f", RUMP_O_RDONLY, 0);
		ck_assert_int_eq(setlk(stranger, i, RUMP_F_RDLCK, 9999, 1), 0);
		raw_leave(stranger);
	}
	raw_leave(other);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_WRLCK, 9999, 1), 0);
	ck_assert_int_eq(setlk(G, fd, RUMP_F_UNLCK, 0, 0), 0);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_set_timeout(t, 60);
	tcase_add_test(t, flocks);
	tcase_add_test(t, record_locks);
	tcase_add_loop_test(t, locks_are_handed_over, 0, NWAYS);
	tcase_add_test(t, record_locks_of_one_who_was_root);
	tcase_add_test(t, waiting_in_a_circle_is_noticed);
	tcase_add_test(t, record_locks_reach_the_host);
	tcase_add_test(t, programs_run_on);
	tcase_add_test(t, nothing_is_opened_for_writing);
	tcase_add_test(t, no_descriptors_are_taken);
	tcase_add_test(t, what_two_share_stays_for_the_other);
	tcase_add_test(t, one_process_by_two_descriptions);
	tcase_add_test(t, the_host_is_asked_for_all);
	tcase_add_test(t, many_in_their_order);
	tcase_add_loop_test(t, many_wait_for_nothing, 0, 2);
	tcase_add_test(t, there_is_an_end);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern locks", raw_setup,
	    raw_teardown, add_tests));
}
