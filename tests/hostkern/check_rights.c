/*
 * Descriptors in messages: that guests can hand them to each other, and that
 * nobody else can hand them any or gets any.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/* --- between guests --- */

START_TEST(descriptors_in_messages)
{
	struct rump_cmsghdr *cm;
	struct message m;
	int32_t fds[2], got[2];
	char buf[16] = "";
	int g, h;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	raw_put(&S, "file", "0123456789");
	fds[0] = raw_open(G, "/file", RUMP_O_RDONLY, 0);
	OK(G, pipe2, P(got), RUMP_O_NONBLOCK);
	fds[1] = got[0];
	message_init(&m);
	message_pass(&m, fds, 2);
	OK(G, sendmsg, g, P(&m.mh), 0);
	/* In between both are closed by the sender. */
	OK(G, close, fds[0]);
	OK(G, close, fds[1]);

	message_init(&m);
	message_room(&m);
	OK(H, recvmsg, h, P(&m.mh), RUMP_MSG_CMSG_CLOEXEC);
	cm = rump_cmsg_firsthdr(&m.mh);
	ck_assert_ptr_nonnull(cm);
	ck_assert_int_eq(cm->cmsg_level, RUMP_SOL_SOCKET);
	ck_assert_int_eq(cm->cmsg_type, RUMP_SCM_RIGHTS);
	ck_assert_uint_eq(cm->cmsg_len, 24);
	ck_assert_ptr_null(rump_cmsg_nxthdr(&m.mh, cm));
	memcpy(fds, rump_cmsg_data(cm), sizeof(fds));
	ck_assert_int_eq(OK(H, read, fds[0], P(buf), 4), 4);
	ck_assert_mem_eq(buf, "0123", 4);
	ck_assert_int_eq(OK(H, fcntl, fds[0], RUMP_F_GETFD, 0),
	    RUMP_FD_CLOEXEC);
	/* The open file object went over, its flags with it. */
	ck_assert_int_eq(OK(H, fcntl, fds[1], RUMP_F_GETFL, 0),
	    RUMP_O_NONBLOCK);
	ck_assert_int_eq(CALL(H, read, fds[1], P(buf), 1), RUMP_EAGAIN);
	OK(G, write, got[1], P("piped"), 5);
	ck_assert_int_eq(OK(H, read, fds[1], P(buf), 16), 5);
}
END_TEST

START_TEST(descriptors_shared_not_copied)
{
	int32_t fd, got;
	char c;
	int g, h;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	raw_put(&S, "file", "0123456789");
	fd = raw_open(G, "/file", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(pass_one(G, g, fd), 0);
	ck_assert_int_eq(take_one(H, h, &got), 0);
	OK(G, lseek, fd, 0, 5, RUMP_SEEK_SET);
	OK(H, read, got, P(&c), 1);
	ck_assert_int_eq(c, '5');
	OK(H, fcntl, got, RUMP_F_SETFL, RUMP_O_APPEND);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_APPEND);
}
END_TEST

/* A file with its name's length as content. */
static int
numbered_file(int i)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "/n%d", i);
	fd = raw_open(G, name, RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	OK(G, pwrite, fd, P(&i), sizeof(i), 0, 0);
	OK(G, unlink, P(name));
	return fd;
}

/* The open file that numbered_file(i) made, passed on, and nothing else. */
static void
expect_number(struct raw_guest *g, int fd, int i)
{
	int got = -1;

	ck_assert_int_eq(OK(g, pread, fd, P(&got), sizeof(got), 0, 0),
	    sizeof(got));
	ck_assert_int_eq(got, i);
	OK(g, close, fd);
}

static void
pass_number(struct raw_guest *from, int s, struct raw_guest *to, int r)
{
	static int number;
	int32_t fd = numbered_file(++number), got;

	ck_assert_int_eq(pass_one(from, s, fd), 0);
	OK(from, close, fd);
	ck_assert_int_eq(take_one(to, r, &got), 0);
	expect_number(to, got, number);
}

/* Whatever the kind of socket, and who connected to whom. */
START_TEST(every_kind_carries_them)
{
	const int types[] = { RUMP_SOCK_STREAM, RUMP_SOCK_SEQPACKET,
	    RUMP_SOCK_DGRAM };
	struct raw_guest *child;
	int32_t got, sv[2];
	int g, h;
	size_t i;

	for (i = 0; i < 3; i++) {
		connected(types[i], H, &h, G, &g);
		pass_number(G, g, H, h);
		OK(G, close, g);
		OK(H, close, h);
		if (types[i] != RUMP_SOCK_DGRAM) {
			connected(types[i], G, &g, H, &h);
			pass_number(G, g, H, h);
			OK(G, close, g);
			OK(H, close, h);
		}
		OK(G, socketpair, RUMP_AF_LOCAL, types[i], 0, P(sv));
		pass_number(G, sv[0], G, sv[1]);
		pass_number(G, sv[1], G, sv[0]);
		/* A copy of the process has the same sockets. */
		child = raw_fork(&S, G);
		g = numbered_file(7);
		ck_assert_int_eq(pass_one(G, sv[0], g), 0);
		ck_assert_int_eq(take_one(child, sv[1], &got), 0);
		expect_number(child, got, 7);
		raw_leave(child);
		OK(G, close, g);
		OK(G, close, sv[0]);
		OK(G, close, sv[1]);
	}
}
END_TEST

/* A datagram goes to whom it names, also when that is no peer. */
START_TEST(named_datagrams_carry_them)
{
	struct rump_sockaddr_un at = local("/box");
	int32_t fd = numbered_file(1), got;
	struct message m;
	int g, h;

	h = (int)OK(H, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(H, bind, h, P(&at), at.sun_len);
	g = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	ck_assert_int_eq(pass_one(G, g, fd), RUMP_EDESTADDRREQ);
	message_init(&m);
	message_pass(&m, &fd, 1);
	m.mh.msg_name = &at;
	m.mh.msg_namelen = at.sun_len;
	OK(G, sendmsg, g, P(&m.mh), 0);
	ck_assert_int_eq(take_one(H, h, &got), 0);
	expect_number(H, got, 1);
	/* Also with no byte beside them. */
	m.mh.msg_iovlen = 0;
	OK(G, sendmsg, g, P(&m.mh), 0);
	ck_assert_int_eq(take_one(H, h, &got), 0);
	expect_number(H, got, 1);
	/* Only who is connected is a peer. */
	OK(G, connect, g, P(&at), at.sun_len);
	ck_assert_int_eq(pass_one(G, g, fd), 0);
	at = local("/none");
	ck_assert_int_eq(CALL(G, connect, g, P(&at), at.sun_len),
	    RUMP_ENOENT);
	ck_assert_int_eq(pass_one(G, g, fd), RUMP_EDESTADDRREQ);
	g = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ck_assert_int_eq(pass_one(G, g, fd), RUMP_ENOTCONN);
}
END_TEST

START_TEST(a_look_leaves_them_there)
{
	struct message m;
	int32_t fd = numbered_file(3), got;
	int g, h, i;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	ck_assert_int_eq(pass_one(G, g, fd), 0);
	for (i = 0; i < 3; i++) {
		message_init(&m);
		message_room(&m);
		OK(H, recvmsg, h, P(&m.mh), RUMP_MSG_PEEK);
		ck_assert_int_eq(message_fds(&m, &got, 1), 0);
	}
	ck_assert_int_eq(take_one(H, h, &got), 0);
	expect_number(H, got, 3);
}
END_TEST

START_TEST(many_messages_at_once)
{
	enum { N = 4 };
	struct rump_mmsghdr mm[N];
	struct message m[N];
	int32_t fd, got;
	int g, h, i;

	connected(RUMP_SOCK_SEQPACKET, G, &g, H, &h);
	memset(mm, 0, sizeof(mm));
	for (i = 0; i < N; i++) {
		fd = numbered_file(i);
		message_init(&m[i]);
		message_pass(&m[i], &fd, 1);
		mm[i].msg_hdr = m[i].mh;
	}
	ck_assert_int_eq(OK(G, sendmmsg, g, P(mm), N, 0), N);
	for (i = 0; i < N; i++) {
		message_init(&m[i]);
		message_room(&m[i]);
		mm[i].msg_hdr = m[i].mh;
	}
	ck_assert_int_eq(OK(H, recvmmsg, h, P(mm), N, 0, 0), N);
	for (i = 0; i < N; i++) {
		m[i].mh = mm[i].msg_hdr;
		ck_assert_int_eq(message_fds(&m[i], &got, 1), 1);
		expect_number(H, got, i);
	}
}
END_TEST

START_TEST(descriptors_refused)
{
	struct rump_cmsghdr *cm;
	struct message m;
	struct rump_rlimit rl;
	int32_t bad = 77, fds[2];
	int g, h, udp;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	message_init(&m);
	message_pass(&m, &bad, 1);
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EBADF);
	cm = (struct rump_cmsghdr *)m.control;
	cm->cmsg_len = 1000;
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EINVAL);
	cm->cmsg_len = 3;
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EINVAL);
	udp = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	message_init(&m);
	bad = udp;
	message_pass(&m, &bad, 1);
	ck_assert_int_eq(CALL(G, sendmsg, udp, P(&m.mh), 0), RUMP_EINVAL);

	/* No room for the second at the receiver: it gets none. */
	fds[0] = fds[1] = udp;
	message_init(&m);
	message_pass(&m, fds, 2);
	OK(G, sendmsg, g, P(&m.mh), 0);
	message_init(&m);
	m.mh.msg_control = m.control;
	m.mh.msg_controllen = (uint32_t)rump_cmsg_len(4);
	OK(H, recvmsg, h, P(&m.mh), 0);
	ck_assert_int_eq(m.mh.msg_flags & RUMP_MSG_CTRUNC, RUMP_MSG_CTRUNC);
	ck_assert_uint_eq(m.mh.msg_controllen, 0);
	ck_assert_int_eq(OK(H, dup, 0), h + 1);
	/* Nor do those stay that it has no more descriptors for. */
	OK(H, getrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	rl.rlim_cur = (uint64_t)h + 3;	/* one more */
	OK(H, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	message_init(&m);
	message_pass(&m, fds, 2);
	OK(G, sendmsg, g, P(&m.mh), 0);
	ck_assert_int_eq(CALL(H, recvmsg, h, P(&m.mh), 0), RUMP_EMSGSIZE);
	ck_assert_int_eq(OK(H, dup, 0), h + 2);
	/* A local socket takes nothing else, and a header at least. */
	cm->cmsg_type = 0x1234;
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EINVAL);
	m.mh.msg_controllen = 0;
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EINVAL);
	message_init(&m);
	fds[0] = (int32_t)OK0(G, kqueue);
	message_pass(&m, fds, 1);
	ck_assert_int_eq(CALL(G, sendmsg, g, P(&m.mh), 0), RUMP_EBADF);
}
END_TEST

/* --- messages that nobody takes --- */

/* Waits until there are not more than n. */
static void
wait_for_descriptors(const char *name, int n)
{
	long long t;

	for (t = 0; raw_descriptors(name) > n;)
		ck_assert(keep_waiting(&t));
}

/* G reads the end of its pipe once the writing end has gone. */
static void
expect_let_go(int32_t p)
{
	char c;

	ck_assert_int_eq(OK(G, read, p, P(&c), 1), 0);
	OK(G, close, p);
}

static int32_t
pass_a_pipe(int s)
{
	int32_t p[2];

	OK(G, pipe2, P(p), 0);
	ck_assert_int_eq(pass_one(G, s, p[1]), 0);
	OK(G, close, p[1]);
	return p[0];
}

/* What a message carries is let go when its data is read without it, and when
 * the socket is closed: at once, without anybody's next call. */
START_TEST(lost_messages_let_go)
{
	struct message m;
	int32_t p, q;
	char c;
	int base, g, h;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	base = raw_descriptors("pipe:");
	p = pass_a_pipe(g);
	OK(H, read, h, P(&m.data), 16);
	expect_let_go(p);
	p = pass_a_pipe(g);
	OK(H, recvfrom, h, P(&m.data), 16, 0, 0, 0);
	expect_let_go(p);
	/* No room for the header even. */
	p = pass_a_pipe(g);
	message_init(&m);
	m.mh.msg_control = m.control;
	m.mh.msg_controllen = 4;
	OK(H, recvmsg, h, P(&m.mh), 0);
	ck_assert_int_eq(m.mh.msg_flags & RUMP_MSG_CTRUNC, RUMP_MSG_CTRUNC);
	expect_let_go(p);
	wait_for_descriptors("pipe:", base);
	/* Not read at all.  The call sleeps before the socket is closed. */
	p = pass_a_pipe(g);
	q = pass_a_pipe(g);
	BEGIN(G, read, p, P(&c), 1);
	ck_assert(raw_pending(G));
	OK(H, close, h);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 0);
	expect_let_go(q);
	OK(G, close, p);
	OK(G, close, g);
	wait_for_descriptors("pipe:", base);
}
END_TEST

/* What is under way when the server ends goes with it, whatever it is. */
START_TEST(messages_end_with_the_server)
{
	int32_t s[2], fds[8];
	struct message m;
	int64_t sem;
	int n = 0;

	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0, P(s));
	fds[n++] = s[0];
	fds[n++] = s[1];
	OK(G, _ksem_init, 0, P(&sem));
	fds[n++] = (int32_t)sem;
	OK(G, _ksem_open, P("/sem"), RUMP_O_CREAT, 0600, 0, P(&sem));
	fds[n++] = (int32_t)sem;
	fds[n++] = raw_open(G, "/locked", RUMP_O_CREAT | RUMP_O_EXLOCK, 0600);
	fds[n++] = 0;		/* the console */
	OK(G, pipe2, P(fds + n), 0);
	OK(G, fcntl, fds[n], RUMP_F_SETFL, RUMP_O_ASYNC);
	OK(G, fcntl, fds[n], RUMP_F_SETOWN, 0);
	n += 2;
	message_init(&m);
	message_pass(&m, fds, n);
	OK(G, sendmsg, s[0], P(&m.mh), 0);
}
END_TEST

/* A message that could not be sent holds nothing. */
START_TEST(unsent_messages_hold_nothing)
{
	int32_t p[2];
	int g, h, i;
	char c;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	OK(H, close, h);
	OK(G, pipe2, P(p), 0);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(pass_one(G, g, p[1]), RUMP_EPIPE);
	OK(G, close, p[1]);
	ck_assert_int_eq(OK(G, read, p[0], P(&c), 1), 0);
}
END_TEST

/* As many as are under way, none is mixed up or forgotten; when there may be
 * no more, their sender hears so, and others go on. */
START_TEST(none_is_forgotten)
{
	enum { PAIRS = 20, EACH = 100, FILES = 7 };
	int32_t sv[PAIRS][2], fd[FILES], got;
	int error = 0, g, h, i, j, n = 0;

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	for (i = 0; i < FILES; i++)
		fd[i] = numbered_file(i);
	for (i = 0; i < PAIRS && error == 0; i++) {
		OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0,
		    P(sv[i]));
		for (j = 0; j < EACH && error == 0; j++) {
			error = pass_one(G, sv[i][0], fd[n % FILES]);
			n += error == 0;
		}
	}
	ck_assert_int_ge(n, 2 * EACH);
	ck_assert_msg(error == (n < PAIRS * EACH ? RUMP_EAGAIN : 0),
	    "message %d: errno %d", n, error);
	for (j = 0; j < n; j++) {
		ck_assert_int_eq(take_one(G, sv[j / EACH][1], &got), 0);
		expect_number(G, got, j % FILES);
	}
	pass_number(G, g, H, h);
}
END_TEST

/* --- circles: sockets that only messages have --- */

/* Host descriptors that are held for guests. */
static uint64_t
held(void)
{
	struct rumpserver_stats st;

	rumpserver_getstats(S.srv, &st);
	return st.held[RUMPSERVER_DESCRIPTORS];
}

static void
wait_until_held(uint64_t n)
{
	long long t;

	for (t = 0; held() > n;)
		ck_assert(keep_waiting(&t));
}

static void
pair(int type, int32_t sv[2])
{

	OK(G, socketpair, RUMP_AF_LOCAL, type, 0, P(sv));
}

static void
pass(int s, int32_t fd)
{

	ck_assert_int_eq(pass_one(G, s, fd), 0);
}

static void
close_all(const int32_t *fds, int n)
{
	int i;

	for (i = 0; i < n; i++)
		OK(G, close, fds[i]);
}

/* A socket that waits at itself. */
static void
lose_itself(int type)
{
	int32_t sv[2];

	pair(type, sv);
	pass(sv[0], sv[1]);
	close_all(sv, 2);
}

/* Two that wait at each other, each twice, and at one of them a chain: a socket
 * with a pipe's end waiting at it, whose reading end is returned. */
static int32_t
lose_two(void)
{
	int32_t a[2], b[2], c[2], p;

	pair(RUMP_SOCK_STREAM, a);
	pair(RUMP_SOCK_STREAM, b);
	pair(RUMP_SOCK_SEQPACKET, c);
	pass(a[0], b[1]);
	pass(b[0], a[1]);
	pass(a[0], b[1]);
	pass(b[0], a[1]);
	pass(a[0], c[1]);
	p = pass_a_pipe(c[0]);
	close_all(a, 2);
	close_all(b, 2);
	close_all(c, 2);
	return p;
}

/* A listener that waits at a connection to it that it has not accepted. */
static void
lose_listener(void)
{
	struct rump_sockaddr_un at = local("/ear");
	int32_t s[2];

	s[0] = (int32_t)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, s[0], P(&at), at.sun_len);
	OK(G, listen, s[0], 1);
	s[1] = (int32_t)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, connect, s[1], P(&at), at.sun_len);
	pass(s[1], s[0]);
	close_all(s, 2);
	OK(G, unlink, P("/ear"));
}

START_TEST(circles_end)
{
	const uint64_t before = held();

	lose_itself(RUMP_SOCK_STREAM);
	wait_until_held(before);
	lose_itself(RUMP_SOCK_SEQPACKET);
	wait_until_held(before);
	lose_itself(RUMP_SOCK_DGRAM);
	wait_until_held(before);
	lose_listener();
	wait_until_held(before);
	expect_let_go(lose_two());
	wait_until_held(before);
}
END_TEST

/* Whoever leaves closes all. */
START_TEST(circles_end_with_their_client)
{
	const uint64_t before = held();
	struct raw_guest *child = raw_fork(&S, G), *g = G;
	int32_t sv[2];
	int i;

	G = child;
	for (i = 0; i < 10; i++) {
		pair(RUMP_SOCK_STREAM, sv);
		pass(sv[0], sv[1]);
		pass(sv[1], sv[0]);
	}
	G = g;
	raw_leave(child);
	wait_until_held(before);
}
END_TEST

/* Of messages that wait at sockets in messages those go that nobody can receive,
 * and no other. */
START_TEST(what_can_be_received_stays)
{
	enum { DEEP = 20 };
	int32_t a[2], door[2], sv[2], fd, got, p;
	uint64_t before;
	int i;

	fd = numbered_file(5);
	/* A chain: at each socket waits the one before, and at the first of all
	 * its own end and a file. */
	pair(RUMP_SOCK_SEQPACKET, a);
	pass(a[0], fd);
	pass(a[0], a[1]);
	pass(a[0], a[0]);
	door[1] = a[1];
	OK(G, close, a[0]);
	for (i = 0; i < DEEP; i++) {
		pair(RUMP_SOCK_SEQPACKET, sv);
		pass(sv[0], door[1]);
		OK(G, close, door[1]);
		OK(G, close, sv[0]);
		door[1] = sv[1];
	}
	before = held();
	for (i = 0; i < DEEP; i++) {
		lose_itself(RUMP_SOCK_STREAM);
		p = lose_two();
		expect_let_go(p);
	}
	wait_until_held(before);
	ck_assert_uint_eq(held(), before);
	for (i = 0; i < DEEP; i++) {
		ck_assert_int_eq(take_one(G, door[1], &got), 0);
		OK(G, close, door[1]);
		door[1] = got;
	}
	ck_assert_int_eq(take_one(G, door[1], &got), 0);
	expect_number(G, got, 5);
	/* It is received from itself, and still itself. */
	ck_assert_int_eq(take_one(G, door[1], &got), 0);
	OK(G, close, door[1]);
	door[1] = got;
	ck_assert_int_eq(take_one(G, door[1], &door[0]), 0);
	OK(G, write, door[0], P("x"), 1);
	OK(G, read, door[1], P(&p), 1);
	/* And is lost as the others are, when it is passed again. */
	before = held() - 2;
	pass(door[0], door[1]);
	close_all(door, 2);
	wait_until_held(before);
}
END_TEST

/* A circle hangs on a descriptor until that is closed, by whomever. */
START_TEST(a_circle_lives_with_its_last_descriptor)
{
	const uint64_t before = held();
	struct raw_guest *child;
	int32_t sv[2], got;
	uint64_t with;

	pair(RUMP_SOCK_STREAM, sv);
	pass(sv[0], sv[1]);
	child = raw_fork(&S, G);
	with = held();
	close_all(sv, 2);
	/* This one's end tells that it was looked at. */
	lose_itself(RUMP_SOCK_STREAM);
	wait_until_held(with);
	ck_assert_uint_eq(held(), with);
	OK(child, close, sv[0]);
	ck_assert_int_eq(take_one(child, sv[1], &got), 0);
	OK(child, close, sv[1]);
	ck_assert_int_eq(OK(child, read, got, P(sv), 1), 0);
	raw_leave(child);
	wait_until_held(before);
}
END_TEST

/* --- towards processes of the host --- */

/* A process of the host is connected to a listener of G: its socket, and the
 * guest's end. */
static int
host_client(int type, int *s)
{
	const int host = type == RUMP_SOCK_STREAM ? SOCK_STREAM :
	    SOCK_SEQPACKET;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct rump_sockaddr_un at = local("/door");
	int c, l;

	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, type, 0);
	OK(G, bind, l, P(&at), at.sun_len);
	OK(G, listen, l, 1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    raw_host(&S, "door"));
	c = socket(AF_UNIX, host | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(c, (struct sockaddr *)&sun, sizeof(sun)), 0);
	*s = (int)OK(G, accept, l, 0, 0);
	OK(G, close, l);
	OK(G, unlink, P("/door"));
	return c;
}

/* A service of the host in the root. */
static int
host_socket(int type, const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    raw_host(&S, name));
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	if (type != SOCK_DGRAM)
		ck_assert_int_eq(listen(s, 4), 0);
	return s;
}

/* The host's process gets this much data, and no descriptor with it. */
static void
expect_only_data(int c, size_t len)
{
	_Alignas(8) char control[256];
	char buf[64];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };

	ck_assert_int_eq(recvmsg(c, &mh, MSG_DONTWAIT), (ssize_t)len);
	ck_assert_ptr_null(CMSG_FIRSTHDR(&mh));
}

/* Neither to who connects to a guest nor to a service of the host; what is
 * sent without descriptors arrives. */
START_TEST(the_host_gets_none)
{
	struct rump_sockaddr_un at = local("/service"), box = local("/box");
	struct message m;
	int32_t fd = numbered_file(1);
	int c, d, i, l, s;

	for (i = 0; i < 2; i++) {
		c = host_client(i == 0 ? RUMP_SOCK_STREAM :
		    RUMP_SOCK_SEQPACKET, &s);
		/* The console as well as a file. */
		ck_assert_int_eq(pass_one(G, s, 1), RUMP_EOPNOTSUPP);
		ck_assert_int_eq(pass_one(G, s, fd), RUMP_EOPNOTSUPP);
		OK(G, write, s, P("data"), 4);
		expect_only_data(c, 4);
		close(c);
		OK(G, close, s);
	}
	l = host_socket(SOCK_STREAM, "service");
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, connect, s, P(&at), at.sun_len);
	c = accept(l, NULL, NULL);
	ck_assert_int_eq(pass_one(G, s, fd), RUMP_EOPNOTSUPP);
	OK(G, write, s, P("data"), 4);
	expect_only_data(c, 4);

	d = host_socket(SOCK_DGRAM, "box");
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	message_init(&m);
	message_pass(&m, &fd, 1);
	m.mh.msg_name = &box;
	m.mh.msg_namelen = box.sun_len;
	ck_assert_int_eq(CALL(G, sendmsg, s, P(&m.mh), 0), RUMP_EOPNOTSUPP);
	OK(G, connect, s, P(&box), box.sun_len);
	ck_assert_int_eq(pass_one(G, s, fd), RUMP_EOPNOTSUPP);
	OK(G, write, s, P("data"), 4);
	expect_only_data(d, 4);
	close(c);
	close(d);
	close(l);
}
END_TEST

/* The console goes to another guest as what it is, which writes there and reads
 * nothing, and whose end is not the end of the server's descriptor; the host's
 * processes do not get that either. */
START_TEST(the_console_is_passed_as_the_console)
{
	struct hostkern_config conf = { .root = NULL };
	struct rump_stat st[2];
	char buf[16] = "";
	int32_t got;
	int c, g, h, s, sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	ck_assert_int_eq(send(sv[0], "password", 8, 0), 8);
	raw_leave(H);
	raw_leave(G);
	raw_stop(&S);
	conf.console_fd = sv[1];
	raw_start(&S, &conf);
	G = raw_guest(&S, "typist");
	H = raw_guest(&S, "client");
	c = host_client(RUMP_SOCK_STREAM, &s);
	ck_assert_int_eq(pass_one(G, s, 1), RUMP_EOPNOTSUPP);
	OK(G, write, s, P("data"), 4);
	expect_only_data(c, 4);
	close(c);

	connected(RUMP_SOCK_STREAM, G, &g, H, &h);
	ck_assert_int_eq(pass_one(G, g, 1), 0);
	OK(G, __fstat50, 1, P(&st[0]));
	raw_leave(G);
	ck_assert_int_eq(take_one(H, h, &got), 0);
	OK(H, __fstat50, got, P(&st[1]));
	ck_assert_uint_eq(st[1].st_ino, st[0].st_ino);
	ck_assert_uint_eq(st[1].st_dev, st[0].st_dev);
	ck_assert_uint_eq(st[1].st_rdev, st[0].st_rdev);
	ck_assert_int_eq(OK(H, read, got, P(buf), 8), 0);
	ck_assert_int_eq(CALL(H, recvfrom, got, P(buf), 8, 0, 0, 0),
	    RUMP_ENOTSOCK);
	OK(H, write, got, P("hello"), 5);
	ck_assert_int_eq(recv(sv[0], buf, sizeof(buf), MSG_DONTWAIT), 5);
	OK(H, close, got);
	OK(H, write, 1, P("again"), 5);
	ck_assert_int_eq(recv(sv[0], buf, sizeof(buf), MSG_DONTWAIT), 5);
	ck_assert_int_eq(recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT), 8);
	raw_leave(H);
	raw_stop(&S);
	close(sv[0]);
	close(sv[1]);
	setup();
}
END_TEST

static void
host_pass(int c, int fd)
{
	_Alignas(8) char control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = { "x", 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(c, &mh, 0), 1);
}

/* G receives a message that somebody put descriptors in, and gets none. */
static void
expect_no_gift(int s)
{
	struct message m;
	int32_t got;

	message_init(&m);
	message_room(&m);
	ck_assert_int_eq(OK(G, recvmsg, s, P(&m.mh), 0), 1);
	ck_assert_int_eq(message_fds(&m, &got, 1), 0);
	ck_assert_int_eq(m.mh.msg_flags & RUMP_MSG_CTRUNC, RUMP_MSG_CTRUNC);
}

/* Nothing that a process of the host passes becomes a guest's: no file that it
 * has open or only names (O_PATH), no directory, no socket, no pipe. */
START_TEST(gifts_are_thrown_away)
{
	int c, p[2], s, sv[2];
	struct pollfd pfd = { .events = 0 };
	struct { const char *name; int flags; } files[] = {
		{ "../file", O_RDONLY }, { "../file", O_RDWR },
		{ "../file", O_PATH }, { ".", O_RDONLY | O_DIRECTORY },
		{ "..", O_RDONLY | O_DIRECTORY }, { "..", O_PATH },
		{ "inside", O_RDONLY },
	};
	size_t i;
	int base, fd;

	raw_put(&S, "../file", "outside");
	raw_put(&S, "inside", "inside");
	c = host_client(RUMP_SOCK_STREAM, &s);
	base = raw_descriptors(S.dir);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		fd = open(raw_host(&S, files[i].name),
		    files[i].flags | O_CLOEXEC);
		ck_assert_int_ge(fd, 0);
		host_pass(c, fd);
		close(fd);
		expect_no_gift(s);
	}
	fd = eventfd(0, EFD_CLOEXEC);
	host_pass(c, fd);
	close(fd);
	expect_no_gift(s);
	/* It is the last descriptor of its end that is closed. */
	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	host_pass(c, p[0]);
	close(p[0]);
	expect_no_gift(s);
	pfd.fd = p[1];
	ck_assert_int_eq(poll(&pfd, 1, -1), 1);
	ck_assert_int_eq(pfd.revents & POLLERR, POLLERR);
	close(p[1]);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	host_pass(c, sv[0]);
	close(sv[0]);
	expect_no_gift(s);
	pfd.fd = sv[1];
	ck_assert_int_eq(poll(&pfd, 1, -1), 1);
	ck_assert_int_eq(pfd.revents & POLLHUP, POLLHUP);
	close(sv[1]);
	wait_for_descriptors(S.dir, base);
	close(c);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, descriptors_in_messages);
	tcase_add_test(tc, descriptors_shared_not_copied);
	tcase_add_test(tc, every_kind_carries_them);
	tcase_add_test(tc, named_datagrams_carry_them);
	tcase_add_test(tc, a_look_leaves_them_there);
	tcase_add_test(tc, many_messages_at_once);
	tcase_add_test(tc, descriptors_refused);
	tcase_add_test(tc, lost_messages_let_go);
	tcase_add_test(tc, messages_end_with_the_server);
	tcase_add_test(tc, unsent_messages_hold_nothing);
	tcase_add_test(tc, none_is_forgotten);
	tcase_add_test(tc, circles_end);
	tcase_add_test(tc, circles_end_with_their_client);
	tcase_add_test(tc, what_can_be_received_stays);
	tcase_add_test(tc, a_circle_lives_with_its_last_descriptor);
	tcase_add_test(tc, the_host_gets_none);
	tcase_add_test(tc, the_console_is_passed_as_the_console);
	tcase_add_test(tc, gifts_are_thrown_away);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern rights", setup, teardown,
	    add_tests));
}
