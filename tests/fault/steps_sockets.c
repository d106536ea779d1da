/*
 * Sockets, local ones and those of the Internet.
 */
#include <sys/socket.h>
#include <sys/types.h>

#include <stdint.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/fault/steps.h"

#define SA(x)	((struct sockaddr *)(x))

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

static struct rump_sockaddr_in
loopback(void)
{
	struct rump_sockaddr_in in;

	memset(&in, 0, sizeof(in));
	in.sin_len = sizeof(in);
	in.sin_family = RUMP_AF_INET;
	in.sin_addr.s_addr = __builtin_bswap32(0x7f000001);
	return in;
}

/* Sets and gets each; some a socket has not. */
static bool
options(int s)
{
	static const int opts[] = { RUMP_SO_REUSEADDR, RUMP_SO_KEEPALIVE,
	    RUMP_SO_BROADCAST, RUMP_SO_SNDBUF, RUMP_SO_RCVBUF,
	    RUMP_SO_LINGER, RUMP_SO_RCVTIMEO, RUMP_SO_ERROR, RUMP_SO_TYPE };
	char buf[32] = { 1 };
	socklen_t len;
	size_t i;

	for (i = 0; i < sizeof(opts) / sizeof(opts[0]); i++) {
		len = sizeof(buf);
		if (rump_sys_getsockopt(s, RUMP_SOL_SOCKET, opts[i], buf,
		    &len) == -1)
			return false;
		(void)rump_sys_setsockopt(s, RUMP_SOL_SOCKET, opts[i], buf,
		    len);
	}
	return true;
}

static bool
internet(void)
{
	struct rump_sockaddr_in at = loopback();
	socklen_t len = sizeof(at);
	int l, c, s = -1, on = 1;
	char buf[4];
	bool ok;

	l = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	c = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ok = rump_sys_bind(l, SA(&at), len) == 0 &&
	    rump_sys_listen(l, 1) == 0 &&
	    rump_sys_getsockname(l, SA(&at), &len) == 0 &&
	    rump_sys_connect(c, SA(&at), len) == 0;
	if (ok)
		s = rump_sys_accept(l, SA(&at), &len);
	ok = ok && s != -1 && options(s) &&
	    rump_sys_setsockopt(c, RUMP_IPPROTO_TCP, RUMP_TCP_NODELAY, &on,
	    sizeof(on)) == 0 &&
	    rump_sys_getpeername(c, SA(&at), &len) == 0 &&
	    rump_sys_write(c, "tcp", 3) == 3 &&
	    rump_sys_read(s, buf, 1) == 1 &&
	    rump_sys_ioctl(s, RUMP_FIONREAD, &on) == 0 &&
	    rump_sys_shutdown(c, RUMP_SHUT_WR) == 0;
	rump_sys_close(s);
	rump_sys_close(c);
	return rump_sys_close(l) == 0 && ok;
}

static bool
datagrams(void)
{
	struct rump_iovec iov = { "udp", 3 };
	struct rump_mmsghdr mm;
	struct rump_sockaddr_in at = loopback();
	socklen_t len = sizeof(at);
	int a, b;
	bool ok;

	memset(&mm, 0, sizeof(mm));
	mm.msg_hdr.msg_iov = &iov;
	mm.msg_hdr.msg_iovlen = 1;
	a = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	b = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_DGRAM |
	    RUMP_SOCK_CLOEXEC, 0);
	ok = rump_sys_bind(a, SA(&at), len) == 0 &&
	    rump_sys_getsockname(a, SA(&at), &len) == 0 &&
	    rump_sys_connect(b, SA(&at), len) == 0 &&
	    rump_sys_sendmmsg(b, (struct mmsghdr *)&mm, 1, 0) == 1;
	if (ok) {
		iov.iov_base = (char[4]){ 0 };
		ok = rump_sys_recvmmsg(a, (struct mmsghdr *)&mm, 1, 0, NULL) ==
		    1;
	}
	rump_sys_close(a);
	return rump_sys_close(b) == 0 && ok;
}

const struct step steps_sockets[] = {
	{ "sockets", sockets }, { "internet", internet },
	{ "datagrams", datagrams }, { NULL, NULL }
};
