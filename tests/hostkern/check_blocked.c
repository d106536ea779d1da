/*
 * Every call that can sleep: it ends at once, and leaves nothing behind, when
 * its client goes away and when another thread of it execs, in both ways to
 * run a server.
 */
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

enum { FOR_EVER_S = 1000000 };

static struct raw_guest *Holder;	/* has what the others wait for */

/* --- what they wait with --- */

static char buf[64 * 1024];
static struct rump_timespec long_ts = { .tv_sec = FOR_EVER_S };
static struct rump_iovec iov = { buf, sizeof(buf) };
static struct rump_msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct rump_mmsghdr mmh;
static struct rump_flock whole = { .l_type = RUMP_F_WRLCK };
static struct rump_pollfd pfd;
static struct rump_fd_set set;
static struct rump_kevent kev;
static struct rump_aiocb cb;
static struct rump_aiocb *cbs[1] = { &cb };
static int64_t sem;

static int
reading_end(struct raw_guest *g)
{
	int rd;

	OK0(g, pipe);
	rd = (int)g->retval[0];
	pfd = (struct rump_pollfd){ .fd = rd, .events = RUMP_POLLIN };
	rump_fd_zero(&set);
	rump_fd_setbit(rd, &set);
	return rd;
}

/* A descriptor that takes no more. */
static int
fill(struct raw_guest *g, int fd)
{

	OK(g, fcntl, fd, RUMP_F_SETFL, RUMP_O_NONBLOCK);
	while (CALL(g, write, fd, P(buf), sizeof(buf)) == 0)
		continue;
	while (CALL(g, write, fd, P(buf), 1) == 0)
		continue;
	OK(g, fcntl, fd, RUMP_F_SETFL, 0);
	return fd;
}

static int
full_pipe(struct raw_guest *g)
{

	OK0(g, pipe);
	return fill(g, (int)g->retval[1]);
}

static int
one_of_pair(struct raw_guest *g)
{
	int32_t sv[2];

	OK(g, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(sv));
	return sv[0];
}

static int
held_file(struct raw_guest *g)
{
	int mine = raw_open(Holder, "/held", RUMP_O_RDWR | RUMP_O_CREAT, 0666);

	OK(Holder, flock, mine, RUMP_LOCK_EX);
	OK(Holder, fcntl, mine, RUMP_F_SETLK, P(&whole));
	return raw_open(g, "/held", RUMP_O_RDWR, 0);
}

static struct rump_sockaddr_un
door(void)
{
	struct rump_sockaddr_un sun = { .sun_len = 7,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/door" };

	return sun;
}

static int
listener(struct raw_guest *g)
{
	struct rump_sockaddr_un at = door();
	int s = (int)OK(g, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);

	OK(g, bind, s, P(&at), at.sun_len);
	OK(g, listen, s, 0);
	return s;
}

static int
job(struct raw_guest *g)
{

	cb = (struct rump_aiocb){ .aio_fildes = reading_end(g),
	    .aio_buf = buf, .aio_nbytes = 1, .aio_lio_opcode = RUMP_LIO_READ };
	return cb.aio_fildes;
}

static int
semaphore(struct raw_guest *g)
{

	OK(g, _ksem_init, 0, P(&sem));
	return (int)sem;
}

/* --- the calls --- */

static void
begin_read(struct raw_guest *g)
{
	BEGIN(g, read, reading_end(g), P(buf), 1);
}

static void
begin_readv(struct raw_guest *g)
{
	BEGIN(g, readv, reading_end(g), P(&iov), 1);
}

static void
begin_write(struct raw_guest *g)
{
	BEGIN(g, write, full_pipe(g), P(buf), 1);
}

static void
begin_writev(struct raw_guest *g)
{
	BEGIN(g, writev, full_pipe(g), P(&iov), 1);
}

static void
begin_fifo_reader(struct raw_guest *g)
{
	OK(g, mkfifo, P("/fifo"), 0600);
	BEGIN(g, open, P("/fifo"), RUMP_O_RDONLY, 0);
}

static void
begin_fifo_writer(struct raw_guest *g)
{
	OK(g, mkfifo, P("/fifo"), 0600);
	BEGIN(g, open, P("/fifo"), RUMP_O_WRONLY, 0);
}

static void
begin_flock(struct raw_guest *g)
{
	BEGIN(g, flock, held_file(g), RUMP_LOCK_EX);
}

static void
begin_open_exlock(struct raw_guest *g)
{
	(void)held_file(g);
	BEGIN(g, open, P("/held"), RUMP_O_RDWR | RUMP_O_EXLOCK, 0);
}

static void
begin_setlkw(struct raw_guest *g)
{
	BEGIN(g, fcntl, held_file(g), RUMP_F_SETLKW, P(&whole));
}

static void
begin_accept(struct raw_guest *g)
{
	BEGIN(g, accept, listener(g), 0, 0);
}

static void
begin_paccept(struct raw_guest *g)
{
	BEGIN(g, paccept, listener(g), 0, 0, 0, 0);
}

/* The listener's queue is full: the host answers nobody else. */
static void
begin_connect(struct raw_guest *g)
{
	static struct rump_sockaddr_in to;
	uint32_t len = sizeof(to);
	struct rump_pollfd out = { .events = RUMP_POLLOUT };
	int s;

	to = (struct rump_sockaddr_in){ .sin_len = sizeof(to),
	    .sin_family = RUMP_AF_INET, .sin_addr = { htonl(0x7f000001) } };
	s = (int)OK(g, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	OK(g, bind, s, P(&to), sizeof(to));
	OK(g, listen, s, 1);
	OK(g, getsockname, s, P(&to), P(&len));
	do {
		out.fd = (int)OK(g, __socket30, RUMP_AF_INET,
		    RUMP_SOCK_STREAM | RUMP_SOCK_NONBLOCK, 0);
		(void)CALL(g, connect, out.fd, P(&to), sizeof(to));
	} while (OK(g, poll, P(&out), 1, 0) == 1);
	s = (int)OK(g, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	BEGIN(g, connect, s, P(&to), sizeof(to));
}

static void
begin_recvfrom(struct raw_guest *g)
{
	BEGIN(g, recvfrom, one_of_pair(g), P(buf), 1, 0, 0, 0);
}

static void
begin_recvmsg(struct raw_guest *g)
{
	BEGIN(g, recvmsg, one_of_pair(g), P(&mh), 0);
}

static void
begin_recvmmsg(struct raw_guest *g)
{
	mmh.msg_hdr = mh;
	BEGIN(g, recvmmsg, one_of_pair(g), P(&mmh), 1, 0, 0);
}

static void
begin_sendto(struct raw_guest *g)
{
	BEGIN(g, sendto, fill(g, one_of_pair(g)), P(buf), 1, 0, 0, 0);
}

static void
begin_sendmsg(struct raw_guest *g)
{
	BEGIN(g, sendmsg, fill(g, one_of_pair(g)), P(&mh), 0);
}

static void
begin_poll(struct raw_guest *g)
{
	(void)reading_end(g);
	BEGIN(g, poll, P(&pfd), 1, RUMP_INFTIM);
}

static void
begin_pollts(struct raw_guest *g)
{
	(void)reading_end(g);
	BEGIN(g, __pollts50, P(&pfd), 1, P(&long_ts), 0);
}

static void
begin_select(struct raw_guest *g)
{
	BEGIN(g, __select50, reading_end(g) + 1, P(&set), 0, 0, 0);
}

static void
begin_pselect(struct raw_guest *g)
{
	BEGIN(g, __pselect50, reading_end(g) + 1, P(&set), 0, 0, P(&long_ts),
	    0);
}

static void
begin_kevent(struct raw_guest *g)
{
	int kq = (int)OK0(g, kqueue);

	kev = (struct rump_kevent){ .ident = (uintptr_t)reading_end(g),
	    .filter = RUMP_EVFILT_READ, .flags = RUMP_EV_ADD };
	BEGIN(g, __kevent50, kq, P(&kev), 1, P(&kev), 1, 0);
}

static void
begin_nanosleep(struct raw_guest *g)
{
	BEGIN(g, __nanosleep50, P(&long_ts), 0);
}

static void
begin_clock_nanosleep(struct raw_guest *g)
{
	BEGIN(g, clock_nanosleep, RUMP_CLOCK_REALTIME, 0, P(&long_ts), 0);
}

static void
begin_ksem_wait(struct raw_guest *g)
{
	BEGIN(g, _ksem_wait, semaphore(g));
}

static void
begin_ksem_timedwait(struct raw_guest *g)
{
	static struct rump_timespec at;

	at = (struct rump_timespec){ .tv_sec = time(NULL) + FOR_EVER_S };
	BEGIN(g, _ksem_timedwait, semaphore(g), P(&at));
}

static void
begin_aio_suspend(struct raw_guest *g)
{
	(void)job(g);
	OK(g, aio_read, P(&cb));
	BEGIN(g, __aio_suspend50, P(cbs), 1, 0);
}

static void
begin_lio_listio(struct raw_guest *g)
{
	(void)job(g);
	BEGIN(g, lio_listio, RUMP_LIO_WAIT, P(cbs), 1, 0);
}

static const struct {
	const char *name;
	void (*begin)(struct raw_guest *);
} calls[] = {
	{ "read", begin_read },
	{ "readv", begin_readv },
	{ "write", begin_write },
	{ "writev", begin_writev },
	{ "open of a fifo for reading", begin_fifo_reader },
	{ "open of a fifo for writing", begin_fifo_writer },
	{ "flock", begin_flock },
	{ "open with O_EXLOCK", begin_open_exlock },
	{ "fcntl F_SETLKW", begin_setlkw },
	{ "accept", begin_accept },
	{ "paccept", begin_paccept },
	{ "connect", begin_connect },
	{ "recvfrom", begin_recvfrom },
	{ "recvmsg", begin_recvmsg },
	{ "recvmmsg", begin_recvmmsg },
	{ "sendto", begin_sendto },
	{ "sendmsg", begin_sendmsg },
	{ "poll", begin_poll },
	{ "pollts", begin_pollts },
	{ "select", begin_select },
	{ "pselect", begin_pselect },
	{ "kevent", begin_kevent },
	{ "nanosleep", begin_nanosleep },
	{ "clock_nanosleep", begin_clock_nanosleep },
	{ "_ksem_wait", begin_ksem_wait },
	{ "_ksem_timedwait", begin_ksem_timedwait },
	{ "aio_suspend", begin_aio_suspend },
	{ "lio_listio", begin_lio_listio },
};

enum { NCALLS = sizeof(calls) / sizeof(calls[0]) };

/* --- the tests --- */

/* Open descriptors of this process, the server's and ours.  Threads keep an
 * eventfd each, so those count only where there is one thread. */
static int
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *de;
	char to[64];
	int n = 0;
	ssize_t len;

	ck_assert_ptr_nonnull(d);
	while ((de = readdir(d)) != NULL) {
		len = readlinkat(dirfd(d), de->d_name, to, sizeof(to) - 1);
		to[len > 0 ? len : 0] = '\0';
		n += in_event_loop || strstr(to, "eventfd") == NULL;
	}
	closedir(d);
	return n;
}

static void
setup(void)
{

	raw_start(&S, NULL);
}

static void
teardown(void)
{

	raw_stop(&S);
}

/* Begins call i for a guest of its own. */
static struct raw_guest *
blocked(int i)
{
	struct raw_guest *g;

	Holder = raw_guest(&S, "holder");
	g = raw_guest(&S, "sleeper");
	calls[i].begin(g);
	ck_assert_msg(raw_pending(g), "%s did not wait", calls[i].name);
	return g;
}

static void
forget_files(void)
{
	static const char *const names[] = { "fifo", "held", "door" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(raw_host(&S, names[i]));
}

START_TEST(disconnect)
{
	struct rumpserver_stats st;
	long long began = 0;
	struct raw_guest *g;
	int before = 0, round;

	/* The first round makes what the server makes once. */
	for (round = 0; round < 2; round++) {
		before = descriptors();
		g = blocked(_i);
		raw_leave(g);
		rumpserver_getstats(S.srv, &st);
		ck_assert_msg(st.calls_now == 0, "%s still runs",
		    calls[_i].name);
		raw_leave(Holder);
		forget_files();
	}
	/* The server closes a connection just after it has counted it out. */
	while (descriptors() > before)
		ck_assert_msg(keep_waiting(&began),
		    "%s left %d descriptors", calls[_i].name,
		    descriptors() - before);
}
END_TEST

START_TEST(exec)
{
	struct raw_guest *g = blocked(_i);
	int error = raw_exec_amid(g, "other");

	if (error == 0)
		error = (int)g->retval[0];	/* clock_nanosleep's */
	ck_assert_msg(error == RUMP_EINTR, "%s: errno %d", calls[_i].name,
	    error);
	/* It goes on as before, and nothing of the call is in its way. */
	OK0(g, getpid);
	raw_leave(g);
	raw_leave(Holder);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_loop_test(t, disconnect, 0, NCALLS);
	tcase_add_loop_test(t, exec, 0, NCALLS);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern blocked calls", setup,
	    teardown, add_tests));
}
