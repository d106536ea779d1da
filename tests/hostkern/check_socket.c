/*
 * Sockets: what goes through them, what they are called, and what their
 * options say.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "message.h"
#include "raw.h"
#include "ways.h"

static struct raw_guest *H;

static void
setup(void)
{

	raw_setup();
	H = raw_guest(&S, "client");
}

static void
teardown(void)
{

	raw_leave(H);
	raw_teardown();
}

static struct rump_sockaddr_in
loopback(uint16_t port)
{
	struct rump_sockaddr_in sin;

	memset(&sin, 0, sizeof(sin));
	sin.sin_len = sizeof(sin);
	sin.sin_family = RUMP_AF_INET;
	sin.sin_port = htons(port);
	sin.sin_addr.s_addr = htonl(RUMP_INADDR_LOOPBACK);
	return sin;
}

static int
tcp(struct raw_guest *g)
{

	return (int)OK(g, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
}

/* A listener on a port of the host's choice. */
static int
tcp_listener(struct raw_guest *g, struct rump_sockaddr_in *sin)
{
	uint32_t len = sizeof(*sin);
	int fd = tcp(g);

	*sin = loopback(0);
	OK(g, bind, fd, P(sin), sizeof(*sin));
	OK(g, listen, fd, 5);
	OK(g, getsockname, fd, P(sin), P(&len));
	ck_assert_uint_eq(len, 16);
	ck_assert_uint_eq(sin->sin_len, 16);
	ck_assert_uint_ne(sin->sin_port, 0);
	return fd;
}

START_TEST(tcp_both_ways)
{
	struct rump_sockaddr_in at, from, me;
	uint32_t len = sizeof(from), melen = sizeof(me);
	int l = tcp_listener(G, &at), c = tcp(H), n, s;
	char buf[64] = "";

	BEGIN(G, accept, l, P(&from), P(&len));
	ck_assert(raw_pending(G));
	OK(H, connect, c, P(&at), sizeof(at));
	ck_assert_int_eq(raw_end(G), 0);
	s = (int)G->retval[0];
	OK(H, getsockname, c, P(&me), P(&melen));
	ck_assert_mem_eq(&me, &from, sizeof(me));
	len = sizeof(from);
	OK(H, getpeername, c, P(&from), P(&len));
	ck_assert_mem_eq(&from, &at, sizeof(at));

	ck_assert_int_eq(OK(H, sendto, c, P("question"), 8, 0, 0, 0), 8);
	ck_assert_int_eq(OK(G, recvfrom, s, P(buf), sizeof(buf), 0, 0, 0), 8);
	ck_assert_str_eq(buf, "question");
	/* read and write do it, too. */
	ck_assert_int_eq(OK(G, write, s, P("answer"), 6), 6);
	ck_assert_int_eq(OK(H, read, c, P(buf), sizeof(buf)), 6);
	ck_assert_mem_eq(buf, "answer", 6);

	OK(G, ioctl, s, RUMP_SIOCATMARK, P(&n));
	ck_assert_int_eq(n, 0);
	OK(G, ioctl, s, RUMP_FIONWRITE, P(&n));
	ck_assert_int_eq(n, 0);
	OK(G, ioctl, s, RUMP_FIONSPACE, P(&n));
	ck_assert_int_gt(n, 0);
	OK0(G, getpid_with_ppid);
	n = (int)G->retval[0];
	OK(G, ioctl, s, RUMP_SIOCSPGRP, P(&n));
	OK(G, ioctl, s, RUMP_SIOCGPGRP, P(&n));
	ck_assert_int_eq(n, OK0(G, getpid_with_ppid));

	/* Wait for all of it, though it comes in pieces. */
	BEGIN(G, recvfrom, s, P(buf), 6, RUMP_MSG_WAITALL, 0, 0);
	OK(H, sendto, c, P("abc"), 3, 0, 0, 0);
	ck_assert(raw_pending(G));
	OK(H, sendto, c, P("def"), 3, 0, 0, 0);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 6);
	ck_assert_mem_eq(buf, "abcdef", 6);

	/* The end. */
	OK(H, shutdown, c, RUMP_SHUT_WR);
	ck_assert_int_eq(OK(G, recvfrom, s, P(buf), 6, 0, 0, 0), 0);
	OK(G, close, s);
	ck_assert_int_eq(CALL(H, sendto, c, P("x"), 1, 0, 0, 0), RUMP_EPIPE);
	ck_assert_uint_eq(H->raised, 1u << RUMP_SIGPIPE);
	H->raised = 0;
	ck_assert_int_eq(CALL(H, sendto, c, P("x"), 1, RUMP_MSG_NOSIGNAL, 0,
	    0), RUMP_EPIPE);
	ck_assert_uint_eq(H->raised, 0);
}
END_TEST

START_TEST(much_data)
{
	enum { LEN = 1000 * 1000 };	/* more than a socket holds */
	char *out = malloc(LEN), *in = malloc(LEN);
	int32_t fd[2];
	struct raw_guest *child;
	int64_t got;
	int i;

	for (i = 0; i < LEN; i++)
		out[i] = (char)(i * 7 + i / 1000);
	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(fd));
	child = raw_fork(&S, G);
	BEGIN(child, sendto, fd[1], P(out), LEN, 0, 0, 0);
	ck_assert(raw_pending(child));
	got = OK(G, recvfrom, fd[0], P(in), LEN, RUMP_MSG_WAITALL, 0, 0);
	ck_assert_int_eq(got, LEN);
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_int_eq(child->retval[0], LEN);
	ck_assert_mem_eq(in, out, LEN);
	raw_leave(child);
	free(in);
	free(out);
}
END_TEST

START_TEST(connecting_to_nobody)
{
	struct rump_sockaddr_in at = loopback(0);
	uint32_t len = sizeof(at);
	int c = tcp(H), taken = tcp(G);

	/* A port that is bound but not listened at. */
	OK(G, bind, taken, P(&at), sizeof(at));
	OK(G, getsockname, taken, P(&at), P(&len));
	ck_assert_int_eq(CALL(H, connect, c, P(&at), sizeof(at)),
	    RUMP_ECONNREFUSED);
	ck_assert_int_eq(CALL(H, bind, tcp(H), P(&at), sizeof(at)),
	    RUMP_EADDRINUSE);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), 15), RUMP_EINVAL);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), 1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), 300), RUMP_EINVAL);
	at.sin_port = 0;
	ck_assert_int_eq(CALL(H, connect, c, P(&at), 16),
	    RUMP_EADDRNOTAVAIL);
	ck_assert_int_eq(CALL(H, connect, 99, P(&at), 16), RUMP_EBADF);
	ck_assert_int_eq(CALL(H, connect, 1, P(&at), 16), RUMP_ENOTSOCK);
	ck_assert_int_eq(CALL(H, getpeername, c, P(&at), P(&len)),
	    RUMP_ENOTCONN);
}
END_TEST

/* What connects says at each step; and nothing is said of time limits. */
START_TEST(connecting_step_by_step)
{
	struct rump_timeval tv = { 0, 10000, 0 };
	struct rump_sockaddr_in at, six;
	struct rump_pollfd pfd = { .events = RUMP_POLLOUT };
	int c, l = tcp_listener(G, &at), on = 1;

	c = (int)OK(H, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM |
	    RUMP_SOCK_NONBLOCK, 0);
	six = at;
	six.sin_family = RUMP_AF_INET6;
	ck_assert_int_eq(CALL(H, connect, c, P(&six), sizeof(six)),
	    RUMP_EAFNOSUPPORT);
	/* As a little-endian host's program would say it. */
	at.sin_len = at.sin_family;
	at.sin_family = 0;
	ck_assert_int_eq(CALL(H, connect, c, P(&at), sizeof(at)),
	    RUMP_EINPROGRESS);
	pfd.fd = c;
	OK(H, poll, P(&pfd), 1, 10000);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), sizeof(at)),
	    RUMP_EISCONN);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), sizeof(at)),
	    RUMP_EISCONN);
	ck_assert_int_eq(CALL(G, connect, l, P(&at), sizeof(at)),
	    RUMP_EOPNOTSUPP);
	ck_assert_int_eq(CALL(G, shutdown, l, RUMP_SHUT_RD), RUMP_ENOTCONN);
	OK(G, accept, l, 0, 0);

	c = tcp(H);
	OK(H, setsockopt, c, RUMP_SOL_SOCKET, RUMP_SO_SNDTIMEO, P(&tv),
	    sizeof(tv));
	OK(H, connect, c, P(&at), sizeof(at));
	ck_assert_int_eq(CALL(H, connect, c, P(&at), sizeof(at)),
	    RUMP_EISCONN);
	OK(G, accept, l, 0, 0);
	OK(G, setsockopt, l, RUMP_SOL_SOCKET, RUMP_SO_RCVTIMEO, P(&tv),
	    sizeof(tv));
	OK(G, setsockopt, l, RUMP_SOL_SOCKET, RUMP_SO_DEBUG, P(&on), 4);
	BEGIN(G, accept, l, 0, 0);
	ck_assert(raw_pending(G));
	OK(H, connect, tcp(H), P(&at), sizeof(at));
	ck_assert_int_eq(raw_end(G), 0);
}
END_TEST

/* Who calls is not hung up on because there is no descriptor for the call. */
START_TEST(accepting_without_descriptors)
{
	struct rump_sockaddr_in at;
	struct rump_rlimit rl;
	int c = tcp(H), l = tcp_listener(G, &at), s;

	OK(H, connect, c, P(&at), sizeof(at));
	OK(G, getrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	rl.rlim_cur = (uint64_t)l + 1;
	OK(G, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	ck_assert_int_eq(CALL(G, accept, l, 0, 0), RUMP_EMFILE);
	rl.rlim_cur++;
	OK(G, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	s = (int)OK(G, accept, l, 0, 0);
	OK(G, write, s, P("x"), 1);
	OK(H, read, c, P(&at), 1);
}
END_TEST

/* Nobody waits for a peer that does not read: not who closes, and not who ends a
 * process. */
START_TEST(closing_what_lingers)
{
	struct rump_linger lg = { 1, UINT16_MAX };
	struct rump_sockaddr_in at;
	int i, fd, l = tcp_listener(G, &at);
	char buf[4096] = "";

	for (i = 0; i < 2; i++) {
		fd = (int)OK(H, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM |
		    RUMP_SOCK_NONBLOCK, 0);
		(void)CALL(H, connect, fd, P(&at), sizeof(at));
		OK(G, accept, l, 0, 0);
		OK(H, setsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_LINGER, P(&lg),
		    sizeof(lg));
		while (CALL(H, write, fd, P(buf), sizeof(buf)) == 0)
			continue;
	}
	OK(H, close, fd);
	/* The other, and the end of the process, is for teardown. */
}
END_TEST

START_TEST(datagrams_and_their_peers)
{
	struct rump_sockaddr_in at = loopback(0), none;
	uint32_t len = sizeof(at);
	char c;
	int a, b;

	a = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	b = (int)OK(H, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, a, P(&at), sizeof(at));
	OK(G, getsockname, a, P(&at), P(&len));
	OK(H, connect, b, P(&at), sizeof(at));
	ck_assert_int_eq(CALL(H, sendto, b, P("x"), 1, 0, P(&at),
	    sizeof(at)), RUMP_EISCONN);
	OK(H, connect, b, P(&at), sizeof(at));
	OK(H, write, b, P("x"), 1);
	/* A null address ends it. */
	memset(&none, 0, sizeof(none));
	ck_assert_int_eq(CALL(H, connect, b, P(&none), sizeof(none)),
	    RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(CALL(H, getpeername, b, P(&none), P(&len)),
	    RUMP_ENOTCONN);
	ck_assert_int_eq(CALL(H, write, b, P("x"), 1), RUMP_EDESTADDRREQ);
	OK(H, sendto, b, P("y"), 1, 0, P(&at), sizeof(at));
	/* Nothing written is a datagram, too. */
	OK(H, connect, b, P(&at), sizeof(at));
	OK(H, write, b, 0, 0);
	OK(G, recvfrom, a, P(&c), 1, 0, 0, 0);
	ck_assert_int_eq(OK(G, recvfrom, a, P(&c), 1, 0, 0, 0), 1);
	ck_assert_int_eq(OK(G, recvfrom, a, P(&c), 1, 0, 0, 0), 0);
	OK(H, write, b, P("x"), 1);
	OK(H, write, b, P("x"), 1);
	/* Nothing wanted is no reason to wait, and takes one all the same. */
	OK(G, recvfrom, a, P(&c), 1, 0, 0, 0);
	ck_assert_int_eq(OK(G, recvfrom, a, 0, 0, 0, 0, 0), 0);
	ck_assert_int_eq(OK(G, recvfrom, a, 0, 0, 0, 0, 0), 0);
	ck_assert_int_eq(CALL(G, recvfrom, a, P(&c), 1, RUMP_MSG_OOB, 0, 0),
	    RUMP_EOPNOTSUPP);
}
END_TEST

START_TEST(kinds_of_sockets)
{

	ck_assert_int_eq(CALL(G, __socket30, 99, 1, 0), RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_ROUTE, 3, 0),
	    RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_INET, 9, 0),
	    RUMP_EPROTOTYPE);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_INET, 1,
	    RUMP_IPPROTO_UDP), RUMP_EPROTONOSUPPORT);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_RAW, 0),
	    RUMP_EPROTOTYPE);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_LOCAL,
	    RUMP_SOCK_STREAM, 1), RUMP_EPROTONOSUPPORT);
	OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, RUMP_IPPROTO_UDP);
}
END_TEST

START_TEST(flags_of_new_sockets)
{
	int fd;

	fd = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM |
	    RUMP_SOCK_CLOEXEC | RUMP_SOCK_NONBLOCK | RUMP_SOCK_NOSIGPIPE, 0);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFD, 0), RUMP_FD_CLOEXEC);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_RDWR |
	    RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE);
	fd = tcp(G);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFD, 0), 0);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_RDWR);
}
END_TEST

START_TEST(accepting_with_flags)
{
	struct rump_sockaddr_in at;
	int l = tcp_listener(G, &at), s;

	OK(G, fcntl, l, RUMP_F_SETFL, RUMP_O_NONBLOCK);
	ck_assert_int_eq(CALL(G, accept, l, 0, 0), RUMP_EAGAIN);
	OK(H, connect, tcp(H), P(&at), sizeof(at));
	/* accept hands non-blocking on, paccept does not. */
	s = (int)OK(G, accept, l, 0, 0);
	ck_assert_int_eq(OK(G, fcntl, s, RUMP_F_GETFL, 0),
	    RUMP_O_RDWR | RUMP_O_NONBLOCK);
	OK(H, connect, tcp(H), P(&at), sizeof(at));
	s = (int)OK(G, paccept, l, 0, 0, 0, RUMP_SOCK_CLOEXEC);
	ck_assert_int_eq(OK(G, fcntl, s, RUMP_F_GETFL, 0), RUMP_O_RDWR);
	ck_assert_int_eq(OK(G, fcntl, s, RUMP_F_GETFD, 0), RUMP_FD_CLOEXEC);
}
END_TEST

START_TEST(datagrams)
{
	struct rump_sockaddr_in at = loopback(0), from;
	uint32_t len = sizeof(at);
	char buf[8] = "";
	int a, b;

	a = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	b = (int)OK(H, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, a, P(&at), sizeof(at));
	OK(G, getsockname, a, P(&at), P(&len));
	OK(H, sendto, b, P("one"), 3, 0, P(&at), sizeof(at));
	OK(H, sendto, b, P(""), 0, 0, P(&at), sizeof(at));
	OK(H, sendto, b, P("longer than it"), 14, 0, P(&at), sizeof(at));
	ck_assert_int_eq(OK(G, recvfrom, a, P(buf), 8, RUMP_MSG_PEEK, 0, 0),
	    3);
	len = sizeof(from);
	ck_assert_int_eq(OK(G, recvfrom, a, P(buf), 8, 0, P(&from), P(&len)),
	    3);
	ck_assert_uint_eq(len, 16);
	ck_assert_uint_eq(from.sin_family, RUMP_AF_INET);
	ck_assert_int_eq(OK(G, recvfrom, a, P(buf), 8, 0, 0, 0), 0);
	ck_assert_int_eq(OK(G, recvfrom, a, P(buf), 8, 0, 0, 0), 8);
	ck_assert_mem_eq(buf, "longer t", 8);
	ck_assert_int_eq(CALL(G, recvfrom, a, P(buf), 8, RUMP_MSG_DONTWAIT, 0,
	    0), RUMP_EAGAIN);
	/* No destination. */
	ck_assert_int_eq(CALL(H, sendto, b, P("x"), 1, 0, 0, 0),
	    RUMP_EDESTADDRREQ);
}
END_TEST

START_TEST(local_names)
{
	struct rump_sockaddr_un at = local("/dir/sock"), got;
	uint32_t len = sizeof(got);
	struct stat st;
	int l, c, s;

	OK(G, mkdir, P("/dir"), 0755);
	OK(G, umask, 027);
	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, l, P(&at), at.sun_len);
	ck_assert_int_eq(lstat(raw_host(&S, "dir/sock"), &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 0777, 0750);
	OK(G, listen, l, 1);
	OK(G, getsockname, l, P(&got), P(&len));
	ck_assert_uint_eq(len, at.sun_len);
	ck_assert_str_eq(got.sun_path, "/dir/sock");

	c = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	/* By another name for the same. */
	OK(H, chdir, P("/dir"));
	got = local("./sock");
	OK(H, connect, c, P(&got), got.sun_len);
	s = (int)OK(G, accept, l, 0, 0);
	len = sizeof(got);
	OK(H, getpeername, c, P(&got), P(&len));
	ck_assert_str_eq(got.sun_path, "/dir/sock");
	len = sizeof(got);
	OK(G, getsockname, s, P(&got), P(&len));
	ck_assert_str_eq(got.sun_path, "/dir/sock");
	/* The client has no name. */
	len = sizeof(got);
	OK(G, getpeername, s, P(&got), P(&len));
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(got.sun_family, RUMP_AF_LOCAL);

	ck_assert_int_eq(CALL(H, bind, c, P(&at), at.sun_len),
	    RUMP_EADDRINUSE);
	OK(G, unlink, P("/dir/sock"));
	c = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ck_assert_int_eq(CALL(H, connect, c, P(&at), at.sun_len),
	    RUMP_ENOENT);
}
END_TEST

START_TEST(local_names_stay_inside)
{
	struct rump_sockaddr_un sun;
	struct stat st;
	int fd;

	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	sun = local("/../../outside");
	OK(G, bind, fd, P(&sun), sun.sun_len);
	ck_assert_int_eq(lstat(raw_host(&S, "outside"), &st), 0);
	ck_assert_int_eq(lstat(raw_host(&S, "../outside"), &st), -1);
	/* An empty name would be an abstract one of the host. */
	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	memset(&sun, 0, sizeof(sun));
	sun.sun_family = RUMP_AF_LOCAL;
	ck_assert_int_eq(CALL(G, bind, fd, P(&sun), sizeof(sun)),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, connect, fd, P(&sun), sizeof(sun)),
	    RUMP_ENOENT);
	raw_put(&S, "file", "");
	sun = local("/file");
	ck_assert_int_eq(CALL(G, connect, fd, P(&sun), sun.sun_len),
	    RUMP_ENOTSOCK);
	ck_assert_int_eq(CALL(G, bind, fd, P(&sun), sun.sun_len),
	    RUMP_EADDRINUSE);
	sun = local("/none/x");
	ck_assert_int_eq(CALL(G, bind, fd, P(&sun), sun.sun_len),
	    RUMP_ENOENT);
}
END_TEST

/* Longer than NetBSD's structure for them. */
START_TEST(long_local_names)
{
	struct rump_sockaddr_un *at;
	char buf[255], got[256];
	uint32_t len = sizeof(got);
	DIR *dir;
	int fd, from, i;

	memset(buf, 0, sizeof(buf));
	at = (struct rump_sockaddr_un *)buf;
	at->sun_family = RUMP_AF_LOCAL;
	for (i = 0; i < 10; i++) {
		strcat(buf + 2, "/directory-with-a-name");
		OK(G, mkdir, P(buf + 2), 0755);
	}
	strcat(buf + 2, "/socket");
	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, fd, P(at), sizeof(buf));
	OK(G, getsockname, fd, P(got), P(&len));
	ck_assert_uint_eq(len, sizeof(buf));
	ck_assert_str_eq(got + 2, buf + 2);
	ck_assert_int_eq(CALL(G, bind, fd, P(at), sizeof(buf)), RUMP_EINVAL);
	fd = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(H, connect, fd, P(at), sizeof(buf));
	len = sizeof(got);
	OK(H, getpeername, fd, P(got), P(&len));
	ck_assert_str_eq(got + 2, buf + 2);

	/* In one piece. */
	memset(buf + 2, 'a', sizeof(buf) - 2);
	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, fd, P(at), sizeof(buf));
	from = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(H, connect, from, P(at), sizeof(buf));
	OK(H, write, from, 0, 0);
	len = sizeof(got);
	ck_assert_int_eq(OK(G, recvfrom, fd, 0, 0, 0, P(got), P(&len)), 0);
	ck_assert_uint_eq(len, 2);
	/* There is nothing else by it, and a second has no place. */
	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	ck_assert_int_eq(CALL(G, bind, fd, P(at), sizeof(buf)),
	    RUMP_EADDRINUSE);
	dir = opendir(S.root);
	ck_assert_ptr_nonnull(dir);
	for (i = 0; readdir(dir) != NULL; i++)
		continue;
	closedir(dir);
	ck_assert_int_eq(i, 4);		/* with . and .. */
}
END_TEST

/* A bound socket costs the descriptor that it is, and each is known by its
 * name. */
START_TEST(many_local_names)
{
	enum { MANY = 100 };
	struct rump_sockaddr_un at, from;
	uint32_t len;
	int32_t fd[MANY];
	char name[32], c;
	int base, g, i;

	OK(G, mkdir, P("/d"), 0755);
	base = raw_descriptors(S.root);
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "/d/s%d", i);
		at = local(name);
		fd[i] = (int)OK(G, __socket30, RUMP_AF_LOCAL,
		    RUMP_SOCK_DGRAM, 0);
		OK(G, bind, fd[i], P(&at), at.sun_len);
	}
	ck_assert_int_eq(raw_descriptors(S.root), base);
	at = local("/box");
	g = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(H, bind, g, P(&at), at.sun_len);
	for (i = 0; i < MANY; i += 7) {
		OK(G, sendto, fd[i], P("x"), 1, 0, P(&at), at.sun_len);
		memset(&from, 0, sizeof(from));
		len = sizeof(from);
		OK(H, recvfrom, g, P(&c), 1, 0, P(&from), P(&len));
		snprintf(name, sizeof(name), "/d/s%d", i);
		ck_assert_str_eq(from.sun_path, name);
	}
	/* The name of one that is closed is its file's alone. */
	OK(G, sendto, fd[0], P("x"), 1, 0, P(&at), at.sun_len);
	OK(G, close, fd[0]);
	len = sizeof(from);
	OK(H, recvfrom, g, P(&c), 1, 0, P(&from), P(&len));
	ck_assert_uint_eq(len, 2);
	at = local("/d/s0");
	ck_assert_int_eq(CALL(H, connect, g, P(&at), at.sun_len),
	    RUMP_ECONNREFUSED);
}
END_TEST

/* A low port, for the superuser, wherever a socket gets one. */
START_TEST(low_ports)
{
	const int low = RUMP_IP_PORTRANGE_LOW, none = 3;
	struct rump_sockaddr_in at, mine = loopback(0);
	uint32_t len = sizeof(mine);
	int fd[3], i, l;

	l = tcp_listener(G, &at);
	for (i = 0; i < 3; i++) {
		fd[i] = tcp(H);
		ck_assert_int_eq(CALL(H, setsockopt, fd[i], RUMP_IPPROTO_IP,
		    RUMP_IP_PORTRANGE, P(&none), 4), RUMP_EINVAL);
		OK(H, setsockopt, fd[i], RUMP_IPPROTO_IP, RUMP_IP_PORTRANGE,
		    P(&low), 4);
	}
	if (geteuid() != 0) {
		ck_assert_int_eq(CALL(H, bind, fd[0], P(&mine), sizeof(mine)),
		    RUMP_EACCES);
		return;
	}
	OK(H, bind, fd[0], P(&mine), sizeof(mine));
	OK(H, connect, fd[1], P(&at), sizeof(at));
	OK(H, listen, fd[2], 1);
	for (i = 0; i < 3; i++) {
		OK(H, getsockname, fd[i], P(&mine), P(&len));
		ck_assert_uint_ge(ntohs(mine.sin_port), 600);
		ck_assert_uint_lt(ntohs(mine.sin_port), 1024);
	}
	OK(G, close, l);
}
END_TEST

START_TEST(local_datagrams_say_who)
{
	struct rump_sockaddr_un a = local("/a"), b = local("/b"), from;
	uint32_t len = sizeof(from);
	char buf[8];
	int error, fa, fb, fc;

	fa = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	fb = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, fa, P(&a), a.sun_len);
	OK(H, bind, fb, P(&b), b.sun_len);
	OK(H, sendto, fb, P("hi"), 2, 0, P(&a), a.sun_len);
	ck_assert_int_eq(OK(G, recvfrom, fa, P(buf), 8, 0, P(&from), P(&len)),
	    2);
	ck_assert_uint_eq(len, b.sun_len);
	ck_assert_str_eq(from.sun_path, "/b");
	/* And back to what it said. */
	OK(G, sendto, fa, P("ho"), 2, 0, P(&from), len);
	ck_assert_int_eq(OK(H, recvfrom, fb, P(buf), 8, 0, 0, 0), 2);
	/* Who has no name says so. */
	fc = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(H, sendto, fc, P("hi"), 2, 0, P(&a), a.sun_len);
	len = sizeof(from);
	OK(G, recvfrom, fa, P(buf), 8, 0, P(&from), P(&len));
	ck_assert_uint_eq(len, 2);
	ck_assert_uint_eq(from.sun_len, 2);
	ck_assert_uint_eq(from.sun_family, RUMP_AF_LOCAL);
	/* As many as the receiver has room for, and no wait for more. */
	while ((error = CALL(G, sendto, fa, P("ho"), 2, 0, P(&b),
	    b.sun_len)) == 0)
		continue;
	ck_assert_int_eq(error, RUMP_ENOBUFS);
	OK(G, connect, fa, P(&b), b.sun_len);
	ck_assert_int_eq(CALL(G, write, fa, P("ho"), 2), RUMP_ENOBUFS);
	OK(H, recvfrom, fb, P(buf), 8, 0, 0, 0);
	OK(G, write, fa, P("ho"), 2);
}
END_TEST

START_TEST(options)
{
	struct rump_timeval tv = { 0, 30000, 0 }, tvback;
	struct rump_linger lg = { 1, 7 }, lgback;
	uint32_t len = sizeof(int);
	int32_t pair[2];
	char c;
	int fd = tcp(G), on = 1, v = 0;

	OK(G, setsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR, P(&on), 4);
	OK(G, getsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_REUSEADDR, P(&v),
	    P(&len));
	ck_assert_int_ne(v, 0);
	OK(G, getsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_TYPE, P(&v), P(&len));
	ck_assert_int_eq(v, RUMP_SOCK_STREAM);
	OK(G, setsockopt, fd, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, P(&on), 4);
	OK(G, getsockopt, fd, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 1);
	OK(G, setsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_LINGER, P(&lg),
	    sizeof(lg));
	len = sizeof(lgback);
	OK(G, getsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_LINGER, P(&lgback),
	    P(&len));
	ck_assert_mem_eq(&lg, &lgback, sizeof(lg));
	v = 16384;
	OK(G, setsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_RCVBUF, P(&v), 4);
	v = 0;
	len = 4;
	OK(G, getsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_RCVBUF, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 16384);
	OK(G, setsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_NOSIGPIPE, P(&on), 4);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETNOSIGPIPE, 0), 1);
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET, 0x7777,
	    P(&on), 4), RUMP_ENOPROTOOPT);
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET,
	    RUMP_SO_LINGER, P(&lg), 4), RUMP_EINVAL);
	lg.l_linger = -1;
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET,
	    RUMP_SO_LINGER, P(&lg), sizeof(lg)), RUMP_EDOM);
	v = 0;
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET,
	    RUMP_SO_RCVLOWAT, P(&v), 4), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET,
	    RUMP_SO_RCVBUF, P(&v), 4), RUMP_EINVAL);
	/* Too much changes nothing. */
	v = INT32_MAX;
	ck_assert_int_eq(CALL(G, setsockopt, fd, RUMP_SOL_SOCKET,
	    RUMP_SO_RCVBUF, P(&v), 4), RUMP_ENOBUFS);
	OK(G, getsockopt, fd, RUMP_SOL_SOCKET, RUMP_SO_RCVBUF, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 16384);

	/* A time limit that the host's socket knows nothing of. */
	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(pair));
	OK(G, setsockopt, pair[0], RUMP_SOL_SOCKET, RUMP_SO_RCVTIMEO, P(&tv),
	    sizeof(tv));
	len = sizeof(tvback);
	OK(G, getsockopt, pair[0], RUMP_SOL_SOCKET, RUMP_SO_RCVTIMEO,
	    P(&tvback), P(&len));
	ck_assert_mem_eq(&tv, &tvback, sizeof(tv));
	ck_assert_int_eq(CALL(G, recvfrom, pair[0], P(&c), 1, 0, 0, 0),
	    RUMP_EAGAIN);
	ck_assert_int_eq(CALL(G, read, pair[0], P(&c), 1), RUMP_EAGAIN);
}
END_TEST

START_TEST(peers_of_a_pair)
{
	struct rump_unpcbid id;
	uint32_t len = sizeof(id);
	int32_t pair[2];

	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(pair));
	OK(G, getsockopt, pair[0], 0, RUMP_LOCAL_PEEREID, P(&id), P(&len));
	OK0(G, getpid_with_ppid);
	ck_assert_int_eq(id.unp_pid, G->retval[0]);
}
END_TEST

static int64_t
pid_of(struct raw_guest *g)
{

	OK0(g, getpid_with_ppid);
	return g->retval[0];
}

/* Three call before one is accepted; the second is gone by then. */
START_TEST(peers_of_connections)
{
	struct rump_sockaddr_un at = local("/door"), mine = local("/mine"), who;
	struct rump_unpcbid id;
	uint32_t len = sizeof(id), wholen = sizeof(who);
	struct raw_guest *third = raw_guest(&S, "third");
	int64_t pids[3];
	int c[3], i, l, s;

	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, l, P(&at), at.sun_len);
	OK(G, listen, l, 5);
	for (i = 0; i < 3; i++) {
		struct raw_guest *g = i == 2 ? third : H;

		c[i] = (int)OK(g, __socket30, RUMP_AF_LOCAL,
		    RUMP_SOCK_STREAM, 0);
		if (i == 1)
			OK(g, bind, c[i], P(&mine), mine.sun_len);
		OK(g, connect, c[i], P(&at), at.sun_len);
		pids[i] = pid_of(g);
	}
	OK(H, getsockopt, c[0], 0, RUMP_LOCAL_PEEREID, P(&id), P(&len));
	ck_assert_int_eq(id.unp_pid, pid_of(G));
	OK(H, write, c[1], P("x"), 1);
	OK(H, close, c[1]);
	for (i = 0; i < 3; i++) {
		wholen = sizeof(who);
		s = (int)OK(G, accept, l, P(&who), P(&wholen));
		OK(G, getsockopt, s, 0, RUMP_LOCAL_PEEREID, P(&id), P(&len));
		ck_assert_int_eq(id.unp_pid, pids[i]);
		ck_assert_uint_eq(wholen, i == 1 ? mine.sun_len : 2);
		/* On a connection nobody is told again. */
		wholen = sizeof(who);
		if (i == 1)
			OK(G, recvfrom, s, P(&who), 1, 0, P(&who),
			    P(&wholen));
		ck_assert_uint_eq(wholen, i == 1 ? 0 : sizeof(who));
	}
	raw_leave(third);
}
END_TEST

/* --- messages --- */

START_TEST(scattered_messages)
{
	struct message m;
	int g, h;

	connected(RUMP_SOCK_SEQPACKET, G, &g, H, &h);
	message_init(&m);
	memcpy(m.data[0], "abcd", 4);
	memcpy(m.data[1], "efg", 3);
	m.iov[1].iov_len = 3;
	ck_assert_int_eq(OK(H, sendmsg, h, P(&m.mh), 0), 7);
	message_init(&m);
	ck_assert_int_eq(OK(G, recvmsg, g, P(&m.mh), 0), 7);
	ck_assert_mem_eq(m.data[0], "abcd", 4);
	ck_assert_mem_eq(m.data[1], "efg", 3);
	ck_assert_int_eq(m.mh.msg_flags & RUMP_MSG_TRUNC, 0);

	ck_assert_int_eq(OK(H, sendto, h, P("0123456789"), 10, 0, 0, 0), 10);
	message_init(&m);
	m.mh.msg_iovlen = 1;
	ck_assert_int_eq(OK(G, recvmsg, g, P(&m.mh), 0), 4);
	ck_assert_int_eq(m.mh.msg_flags & RUMP_MSG_TRUNC, RUMP_MSG_TRUNC);
	m.mh.msg_iovlen = 1025;
	ck_assert_int_eq(CALL(G, recvmsg, g, P(&m.mh), 0), RUMP_EMSGSIZE);
}
END_TEST

/* Where a datagram was sent to, in both ways, and how far it came. */
START_TEST(destinations_in_messages)
{
	struct rump_sockaddr_in at = loopback(0);
	uint32_t len = sizeof(at), dst;
	struct rump_in_pktinfo pi;
	struct rump_cmsghdr *cm;
	struct message m;
	int a, b, on = 1, off = 0, v;

	a = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	b = (int)OK(H, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, a, P(&at), sizeof(at));
	OK(G, getsockname, a, P(&at), P(&len));
	OK(G, setsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, P(&on), 4);
	OK(G, setsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVTTL, P(&on), 4);
	len = 4;
	OK(G, getsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 1);
	OK(G, getsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVPKTINFO, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 0);
	OK(H, sendto, b, P("x"), 1, 0, P(&at), sizeof(at));
	message_init(&m);
	m.mh.msg_control = m.control;
	m.mh.msg_controllen = sizeof(m.control);
	OK(G, recvmsg, a, P(&m.mh), 0);
	cm = rump_cmsg_firsthdr(&m.mh);
	ck_assert_ptr_nonnull(cm);
	ck_assert_int_eq(cm->cmsg_level, RUMP_IPPROTO_IP);
	ck_assert_int_eq(cm->cmsg_type, RUMP_IP_RECVTTL);
	ck_assert_uint_eq(cm->cmsg_len, rump_cmsg_len(1));
	cm = rump_cmsg_nxthdr(&m.mh, cm);
	ck_assert_ptr_nonnull(cm);
	ck_assert_int_eq(cm->cmsg_level, RUMP_IPPROTO_IP);
	ck_assert_int_eq(cm->cmsg_type, RUMP_IP_RECVDSTADDR);
	ck_assert_uint_eq(cm->cmsg_len, rump_cmsg_len(4));
	memcpy(&dst, rump_cmsg_data(cm), 4);
	ck_assert_uint_eq(dst, htonl(RUMP_INADDR_LOOPBACK));
	ck_assert_ptr_null(rump_cmsg_nxthdr(&m.mh, cm));
	/* Back, from where it came to. */
	m.mh.msg_control = cm;
	m.mh.msg_controllen = (uint32_t)rump_cmsg_space(4);
	m.mh.msg_name = &at;
	m.mh.msg_namelen = sizeof(at);
	OK(G, sendmsg, a, P(&m.mh), 0);

	OK(G, setsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVTTL, P(&off), 4);
	OK(G, setsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVDSTADDR, P(&off),
	    4);
	OK(G, setsockopt, a, RUMP_IPPROTO_IP, RUMP_IP_RECVPKTINFO, P(&on), 4);
	OK(H, sendto, b, P("x"), 1, 0, P(&at), sizeof(at));
	message_init(&m);
	OK(G, recvmsg, a, P(&m.mh), 0);		/* what it sent itself */
	m.mh.msg_control = m.control;
	m.mh.msg_controllen = sizeof(m.control);
	OK(G, recvmsg, a, P(&m.mh), 0);
	cm = rump_cmsg_firsthdr(&m.mh);
	ck_assert_ptr_nonnull(cm);
	ck_assert_int_eq(cm->cmsg_type, RUMP_IP_PKTINFO);
	ck_assert_uint_eq(cm->cmsg_len, rump_cmsg_len(sizeof(pi)));
	memcpy(&pi, rump_cmsg_data(cm), sizeof(pi));
	ck_assert_uint_eq(pi.ipi_addr.s_addr, htonl(RUMP_INADDR_LOOPBACK));
}
END_TEST

/* An IPv6 socket leaves the IPv4 addresses to others, unless told. */
START_TEST(six_is_not_four)
{
	struct rump_sockaddr_in sin = loopback(0);
	struct rump_sockaddr_in6 sin6;
	uint32_t len = sizeof(sin);
	int error, six, v = 0;

	error = CALL(G, __socket30, RUMP_AF_INET6, RUMP_SOCK_STREAM, 0);
	if (error != 0)
		return;		/* a host without */
	six = (int)G->retval[0];
	sin.sin_addr.s_addr = 0;
	v = tcp(G);
	OK(G, bind, v, P(&sin), sizeof(sin));
	OK(G, listen, v, 1);
	OK(G, getsockname, v, P(&sin), P(&len));
	memset(&sin6, 0, sizeof(sin6));
	sin6.sin6_len = sizeof(sin6);
	sin6.sin6_family = RUMP_AF_INET6;
	sin6.sin6_port = sin.sin_port;
	OK(G, bind, six, P(&sin6), sizeof(sin6));
	OK(G, listen, six, 1);
	len = 4;
	OK(G, getsockopt, six, RUMP_IPPROTO_IPV6, RUMP_IPV6_V6ONLY, P(&v),
	    P(&len));
	ck_assert_int_eq(v, 1);
}
END_TEST

START_TEST(credentials_in_messages)
{
	struct rump_sockaddr_un a = local("/a"), b = local("/b");
	struct rump_cmsghdr *cm;
	struct rump_sockcred sc;
	struct message m;
	const uint32_t groups[2] = { 7, 8 };
	const uint32_t n = geteuid() == 0 ? 2 : (uint32_t)OK(H, getgroups, 0,
	    0);
	int g, h, on = 1;

	if (geteuid() == 0) {
		OK(H, setgroups, 2, P(groups));
		OK(H, seteuid, 1000);
	}
	OK(H, umask, 0);
	OK(G, umask, 0);
	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	OK(G, setsockopt, g, 0, RUMP_LOCAL_CREDS, P(&on), 4);
	OK(H, write, h, P("12"), 2);
	message_init(&m);
	m.iov[0].iov_len = 1;
	m.mh.msg_iovlen = 1;
	m.mh.msg_control = m.control;
	m.mh.msg_controllen = sizeof(m.control);
	OK(G, recvmsg, g, P(&m.mh), 0);
	cm = rump_cmsg_firsthdr(&m.mh);
	ck_assert_ptr_nonnull(cm);
	ck_assert_int_eq(cm->cmsg_type, RUMP_SCM_CREDS);
	ck_assert_uint_eq(cm->cmsg_len, rump_cmsg_len(24 + 4 * n));
	memcpy(&sc, rump_cmsg_data(cm), 24);
	ck_assert_int_eq(OK0(H, getpid_with_ppid), sc.sc_pid);
	ck_assert_int_eq(OK0(H, getuid), sc.sc_uid);
	ck_assert_int_eq(OK0(H, geteuid), sc.sc_euid);
	ck_assert_int_eq(sc.sc_ngroups, (int)n);
	if (geteuid() == 0)
		ck_assert_mem_eq((char *)rump_cmsg_data(cm) + 24, groups, 8);
	/* Once on a connection. */
	m.mh.msg_controllen = sizeof(m.control);
	OK(G, recvmsg, g, P(&m.mh), 0);
	ck_assert_uint_eq(m.mh.msg_controllen, 0);

	/* With every datagram. */
	g = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	h = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(G, bind, g, P(&a), a.sun_len);
	OK(H, bind, h, P(&b), b.sun_len);
	/* As programs of NetBSD 7 have it: without the pid. */
	OK(G, setsockopt, g, 0, RUMP_LOCAL_OCREDS, P(&on), 4);
	for (on = 0; on < 2; on++) {
		OK(H, sendto, h, P("x"), 1, 0, P(&a), a.sun_len);
		m.mh.msg_controllen = sizeof(m.control);
		OK(G, recvmsg, g, P(&m.mh), 0);
		ck_assert_uint_eq(m.mh.msg_controllen,
		    rump_cmsg_space(20 + 4 * n));
		cm = rump_cmsg_firsthdr(&m.mh);
		ck_assert_int_eq(cm->cmsg_type, RUMP_SCM_OCREDS);
		ck_assert_int_eq(OK0(H, getuid), *(int *)rump_cmsg_data(cm));
	}
}
END_TEST

START_TEST(many_messages)
{
	struct rump_mmsghdr out[3], in[5];
	struct rump_iovec oiov[3], iiov[5];
	char data[5][8];
	int g, h, i;

	connected(RUMP_SOCK_SEQPACKET, G, &g, H, &h);
	memset(out, 0, sizeof(out));
	memset(in, 0, sizeof(in));
	for (i = 0; i < 3; i++) {
		oiov[i] = (struct rump_iovec){ (char *)"abcdef", (size_t)i + 1 };
		out[i].msg_hdr.msg_iov = &oiov[i];
		out[i].msg_hdr.msg_iovlen = 1;
	}
	for (i = 0; i < 5; i++) {
		iiov[i] = (struct rump_iovec){ data[i], sizeof(data[i]) };
		in[i].msg_hdr.msg_iov = &iiov[i];
		in[i].msg_hdr.msg_iovlen = 1;
	}
	ck_assert_int_eq(OK(H, sendmmsg, h, P(out), 3, 0), 3);
	ck_assert_uint_eq(out[2].msg_len, 3);
	ck_assert_int_eq(OK(G, recvmmsg, g, P(in), 5, RUMP_MSG_WAITFORONE, 0),
	    3);
	ck_assert_uint_eq(in[0].msg_len, 1);
	ck_assert_uint_eq(in[2].msg_len, 3);
	ck_assert_mem_eq(data[2], "abc", 3);
	ck_assert_int_eq(CALL(G, recvmmsg, g, P(in), 5, RUMP_MSG_DONTWAIT, 0),
	    RUMP_EAGAIN);
}
END_TEST

START_TEST(without_a_network)
{
	struct hostkern_config conf = { .no_net = true };
	struct raw_server s;
	struct raw_guest *g;

	raw_start(&s, &conf);
	g = raw_guest(&s, "isolated");
	ck_assert_int_eq(CALL(g, __socket30, RUMP_AF_INET, 1, 0),
	    RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(CALL(g, __socket30, RUMP_AF_INET6, 2, 0),
	    RUMP_EAFNOSUPPORT);
	OK(g, __socket30, RUMP_AF_LOCAL, 1, 0);
	raw_leave(g);
	raw_stop(&s);
}
END_TEST

/* A blocked call ends with its guest. */
START_TEST(leaving_while_waiting)
{
	struct rump_sockaddr_in at;
	struct raw_guest *g = raw_guest(&S, "waiter");
	int l = tcp_listener(g, &at);

	BEGIN(g, accept, l, 0, 0);
	ck_assert(raw_pending(g));
	raw_leave(g);
}
END_TEST

/* Another thread of the process closes what this one sleeps on. */
START_TEST(closed_while_waiting)
{
	struct rump_sockaddr_in at;
	uint64_t accept_no, reqno;
	int error, i, l = tcp_listener(G, &at);

	BEGIN(G, accept, l, 0, 0);
	accept_no = G->reqno;
	ck_assert(raw_pending(G));
	BEGIN(G, close, l);
	for (i = 0; i < 2; i++) {
		error = raw_end_any(G, &reqno);
		ck_assert_int_eq(error, reqno == accept_no ? RUMP_EBADF : 0);
	}
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, tcp_both_ways);
	tcase_add_test(tc, much_data);
	tcase_add_test(tc, connecting_to_nobody);
	tcase_add_test(tc, connecting_step_by_step);
	tcase_add_test(tc, accepting_without_descriptors);
	tcase_add_test(tc, closing_what_lingers);
	tcase_add_test(tc, datagrams_and_their_peers);
	tcase_add_test(tc, kinds_of_sockets);
	tcase_add_test(tc, flags_of_new_sockets);
	tcase_add_test(tc, accepting_with_flags);
	tcase_add_test(tc, datagrams);
	tcase_add_test(tc, local_names);
	tcase_add_test(tc, local_names_stay_inside);
	tcase_add_test(tc, long_local_names);
	tcase_add_test(tc, many_local_names);
	tcase_add_test(tc, low_ports);
	tcase_add_test(tc, local_datagrams_say_who);
	tcase_add_test(tc, options);
	tcase_add_test(tc, peers_of_a_pair);
	tcase_add_test(tc, peers_of_connections);
	tcase_add_test(tc, scattered_messages);
	tcase_add_test(tc, destinations_in_messages);
	tcase_add_test(tc, six_is_not_four);
	tcase_add_test(tc, credentials_in_messages);
	tcase_add_test(tc, many_messages);
	tcase_add_test(tc, leaving_while_waiting);
	tcase_add_test(tc, closed_while_waiting);
}

int
main(void)
{
	Suite *s = suite_both_ways("hostkern sockets", setup, teardown,
	    add_tests);
	TCase *alone = tcase_create("alone");

	tcase_add_test(alone, without_a_network);
	suite_add_tcase(s, alone);
	return suite_run(s);
}
