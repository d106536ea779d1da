/*
 * poll, pollts, select, pselect: today's and those of before NetBSD 6.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "host.h"
#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

static struct raw_guest *W;		/* waits; writes */
static int R, WR;			/* a pipe's ends, in both */

static void
setup(void)
{

	raw_setup();
	OK0(G, pipe);
	R = (int)G->retval[0];
	WR = (int)G->retval[1];
	W = raw_fork(&S, G);
}

static void
teardown(void)
{

	raw_leave(W);
	raw_teardown();
}

START_TEST(poll_at_once)
{
	struct rump_pollfd fds[4] = {
		{ R, RUMP_POLLIN, 0x7f },
		{ WR, RUMP_POLLOUT | RUMP_POLLIN, 0x7f },
		{ 99, RUMP_POLLIN, 0x7f },
		{ -1, RUMP_POLLIN, 0x7f },
	};

	ck_assert_int_eq(OK(G, poll, P(fds), 4, 0), 2);
	ck_assert_int_eq(fds[0].revents, 0);
	ck_assert_int_eq(fds[1].revents, RUMP_POLLOUT);
	ck_assert_int_eq(fds[2].revents, RUMP_POLLNVAL);
	ck_assert_int_eq(fds[3].revents, 0);
	OK(W, write, WR, P("x"), 1);
	fds[0].events = RUMP_POLLIN | RUMP_POLLRDNORM;
	ck_assert_int_eq(OK(G, poll, P(fds), 1, 0), 1);
	ck_assert_int_eq(fds[0].revents, RUMP_POLLIN | RUMP_POLLRDNORM);
	ck_assert_int_eq(OK(G, poll, 0, 0, 0), 0);
}
END_TEST

START_TEST(poll_waits)
{
	struct rump_pollfd fd = { R, RUMP_POLLIN, 0 };
	long long began;

	BEGIN(G, poll, P(&fd), 1, RUMP_INFTIM);
	ck_assert(raw_pending(G));
	OK(W, write, WR, P("x"), 1);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 1);
	ck_assert_int_eq(fd.revents, RUMP_POLLIN);

	OK(G, read, R, P(&(char){ 0 }), 1);
	began = clock_us();
	ck_assert_int_eq(OK(G, poll, P(&fd), 1, 30), 0);
	ck_assert_int_ge(clock_us() - began, 30000);
	ck_assert_int_eq(fd.revents, 0);

	/* The other end goes. */
	OK(G, close, WR);
	BEGIN(G, poll, P(&fd), 1, RUMP_INFTIM);
	ck_assert(raw_pending(G));
	OK(W, close, WR);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(fd.revents, RUMP_POLLHUP);
}
END_TEST

/* A socket without a connection is not ready for anything, one whose peer is
 * gone readable and not hung up. */
START_TEST(poll_sockets)
{
	const int both = RUMP_POLLIN | RUMP_POLLOUT;
	struct rump_sockaddr_un at = { .sun_len = 4,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/s" };
	struct rump_pollfd fds[2] = { { 0, RUMP_POLLIN | RUMP_POLLOUT, 0 },
	    { 0, RUMP_POLLIN | RUMP_POLLOUT, 0 } };
	struct rump_timeval zero = { 0, 0, 0 };
	struct raw_guest *thread;
	struct rump_fd_set in, ou;
	int32_t pair[2];
	int i, l, s;

	for (i = 0; i < 2; i++)
		fds[i].fd = (int)OK(G, __socket30, i == 0 ? RUMP_AF_INET :
		    RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ck_assert_int_eq(OK(G, poll, P(fds), 2, 0), 0);
	s = fds[1].fd;
	rump_fd_zero(&in);
	rump_fd_zero(&ou);
	rump_fd_setbit(s, &in);
	rump_fd_setbit(s, &ou);
	ck_assert_int_eq(OK(G, __select50, s + 1, P(&in), P(&ou), 0,
	    P(&zero)), 0);
	/* It gets its connection from another process in the meantime. */
	thread = raw_fork(&S, G);
	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, l, P(&at), at.sun_len);
	OK(G, listen, l, 1);
	BEGIN(G, poll, P(fds), 2, RUMP_INFTIM);
	ck_assert(raw_pending(G));
	OK(thread, connect, s, P(&at), at.sun_len);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 1);
	ck_assert_int_eq(fds[1].revents, RUMP_POLLOUT);
	raw_leave(thread);

	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(pair));
	OK(G, close, pair[1]);
	fds[0].fd = pair[0];
	ck_assert_int_eq(OK(G, poll, P(fds), 1, 0), 1);
	ck_assert_int_eq(fds[0].revents, both);
	fds[0].events = 0;
	ck_assert_int_eq(OK(G, poll, P(fds), 1, 30), 0);
}
END_TEST

/* Any number of calls that wait for a connection cost nothing until another
 * guest makes it, which wakes them all. */
START_TEST(poll_without_connection)
{
	enum { CALLS = 64 };
	struct rump_sockaddr_un at = { .sun_len = 4,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/s" };
	struct rump_pollfd fds[CALLS];
	struct raw_guest *other;
	int i, l, s;

	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	other = raw_fork(&S, G);
	for (i = 0; i < CALLS; i++) {
		fds[i] = (struct rump_pollfd){ s, RUMP_POLLOUT, 0 };
		BEGIN(G, poll, P(&fds[i]), 1, RUMP_INFTIM);
	}
	ck_assert(raw_pending(G));
	raw_asleep(other, CALLS);
	OK(other, bind, l, P(&at), at.sun_len);
	OK(other, listen, l, 1);
	OK(other, connect, s, P(&at), at.sun_len);
	for (i = 0; i < CALLS; i++)
		ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
	for (i = 0; i < CALLS; i++)
		ck_assert_int_eq(fds[i].revents, RUMP_POLLOUT);
	/* So does a listener's first caller. */
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	raw_leave(other);
	other = raw_fork(&S, G);
	at.sun_path[1] = 't';
	OK(other, bind, s, P(&at), at.sun_len);
	fds[0] = (struct rump_pollfd){ s, RUMP_POLLIN, 0 };
	BEGIN(G, poll, P(&fds[0]), 1, RUMP_INFTIM);
	ck_assert(raw_pending(G));
	OK(other, listen, s, 1);
	ck_assert(raw_pending(G));
	l = (int)OK(other, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(other, connect, l, P(&at), at.sun_len);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(fds[0].revents, RUMP_POLLIN);
	raw_leave(other);
}
END_TEST

START_TEST(poll_refuses)
{
	struct rump_pollfd fd = { R, RUMP_POLLIN, 0 };
	struct rump_timespec ts = { 0, 1000000000 };

	ck_assert_int_eq(CALL(G, poll, P(&fd), 0xffffffff, 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, poll, P(&fd), 1, -5), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, __pollts50, P(&fd), 1, P(&ts), 0),
	    RUMP_EINVAL);
	ts = (struct rump_timespec){ -1, 0 };
	ck_assert_int_eq(CALL(G, __pollts50, P(&fd), 1, P(&ts), 0),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(pollts_both)
{
	struct rump_pollfd fd = { WR, RUMP_POLLOUT, 0 };
	struct rump_timespec ts = { 0, 1000000 };
	struct rump_timespec50 ts50 = { 0, 0, 1000000 };
	struct rump_sigset mask = { { 1, 0, 0, 0 } };

	ck_assert_int_eq(OK(G, __pollts50, P(&fd), 1, P(&ts), P(&mask)), 1);
	ck_assert_int_eq(OK(G, __pollts50, P(&fd), 1, 0, 0), 1);
	fd = (struct rump_pollfd){ R, RUMP_POLLIN, 0 };
	ck_assert_int_eq(OK(G, __pollts50, P(&fd), 1, P(&ts), 0), 0);
	ck_assert_int_eq(OK(G, compat_50_pollts, P(&fd), 1,
	    P(&ts50), 0), 0);
}
END_TEST

START_TEST(select_sets)
{
	struct rump_fd_set in, ou, ex;
	struct rump_timeval zero = { 0, 0, 0 };
	struct rump_timeval50 zero50 = { 0, 0 };
	int nd = WR + 1;

	rump_fd_zero(&in);
	rump_fd_zero(&ou);
	rump_fd_zero(&ex);
	rump_fd_setbit(R, &in);
	rump_fd_setbit(WR, &ou);
	rump_fd_setbit(R, &ex);
	ck_assert_int_eq(OK(G, __select50, nd, P(&in), P(&ou), P(&ex),
	    P(&zero)), 1);
	ck_assert(!rump_fd_isset(R, &in) && rump_fd_isset(WR, &ou) &&
	    !rump_fd_isset(R, &ex));

	OK(W, write, WR, P("x"), 1);
	rump_fd_setbit(R, &in);
	ck_assert_int_eq(OK(G, __select50, nd, P(&in), P(&ou), 0, 0), 2);
	ck_assert(rump_fd_isset(R, &in) && rump_fd_isset(WR, &ou));
	ck_assert_int_eq(OK(G, compat_50_select, nd, P(&in), 0, 0,
	    P(&zero50)), 1);
	/* Beyond nd is not looked at. */
	ck_assert_int_eq(OK(G, __select50, R, P(&in), 0, 0, P(&zero)), 0);

	rump_fd_setbit(200, &in);
	ck_assert_int_eq(CALL(G, __select50, 201, P(&in), 0, 0, P(&zero)),
	    RUMP_EBADF);
	ck_assert_int_eq(CALL(G, __select50, -1, 0, 0, 0, P(&zero)),
	    RUMP_EINVAL);
	zero.tv_usec = 1000000;
	ck_assert_int_eq(CALL(G, __select50, 0, 0, 0, 0, P(&zero)),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(select_waits)
{
	struct rump_timespec ts = { 0, 20000000 };
	struct rump_timespec50 ts50 = { 0, 0, 20000000 };
	struct rump_fd_set in;
	long long began;

	rump_fd_zero(&in);
	rump_fd_setbit(R, &in);
	BEGIN(G, __select50, R + 1, P(&in), 0, 0, 0);
	ck_assert(raw_pending(G));
	OK(W, write, WR, P("x"), 1);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 1);

	began = clock_us();
	ck_assert_int_eq(OK(G, __pselect50, 0, 0, 0, 0, P(&ts), 0), 0);
	ck_assert_int_eq(OK(G, compat_50_pselect, 0, 0, 0, 0,
	    P(&ts50), 0), 0);
	ck_assert_int_ge(clock_us() - began, 40000);
}
END_TEST

/* A revoked descriptor is a bad one, however often one asks; its file is as
 * open as before. */
START_TEST(revoked)
{
	const int fd = raw_open(G, "/x", RUMP_O_CREAT | RUMP_O_RDWR, 0666);
	struct rump_pollfd pfd = { fd, RUMP_POLLIN, 0 };
	struct rump_timespec ts = { 0, 0 };
	struct rump_timeval tv = { 0, 0, 0 };
	struct rump_fd_set set;
	int i, other;

	OK(G, revoke, P("/x"));
	for (i = 0; i < 8; i++) {
		ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 1);
		ck_assert_int_eq(pfd.revents, RUMP_POLLNVAL);
		ck_assert_int_eq(OK(G, __pollts50, P(&pfd), 1, P(&ts), 0), 1);
		rump_fd_zero(&set);
		rump_fd_setbit(fd, &set);
		ck_assert_int_eq(CALL(G, __select50, fd + 1, P(&set), 0, 0,
		    P(&tv)), RUMP_EBADF);
		ck_assert_int_eq(CALL(G, __pselect50, fd + 1, P(&set), 0, 0,
		    P(&ts), 0), RUMP_EBADF);
		other = raw_open(G, "/y", RUMP_O_CREAT | RUMP_O_RDWR, 0666);
		ck_assert_int_eq(CALL(G, read, fd, P(&(char){ 0 }), 1),
		    RUMP_EIO);
		OK(G, close, other);
	}
	OK(G, close, fd);
	ck_assert_int_eq(CALL(G, close, fd), RUMP_EBADF);
}
END_TEST

START_TEST(leaving_while_waiting)
{
	struct rump_pollfd fd = { R, RUMP_POLLIN, 0 };
	struct raw_guest *g = raw_fork(&S, G);

	BEGIN(g, poll, P(&fd), 1, RUMP_INFTIM);
	ck_assert(raw_pending(g));
	raw_leave(g);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, poll_at_once);
	tcase_add_test(tc, poll_waits);
	tcase_add_test(tc, poll_sockets);
	tcase_add_test(tc, poll_without_connection);
	tcase_add_test(tc, poll_refuses);
	tcase_add_test(tc, pollts_both);
	tcase_add_test(tc, select_sets);
	tcase_add_test(tc, select_waits);
	tcase_add_test(tc, revoked);
	tcase_add_test(tc, leaving_while_waiting);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern readiness", setup, teardown,
	    add_tests));
}
