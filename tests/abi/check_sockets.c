/* What sockets need: families, types, addresses, options, control messages. */
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include <check.h>
#include <string.h>

#include <rump/rumpconv.h>

#include "lib/suite.h"

START_TEST(kinds)
{
	int host, nb;

	ck_assert_int_eq(rump_conv_domain_to_host(24, &host), 0);
	ck_assert_int_eq(host, AF_INET6);
	ck_assert_int_eq(rump_conv_domain_from_host(AF_INET6, &nb), 0);
	ck_assert_int_eq(nb, 24);
	ck_assert_int_eq(rump_conv_domain_to_host(10, &host),
	    RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(rump_conv_domain_from_host(AF_NETLINK, &nb),
	    RUMP_EAFNOSUPPORT);

	ck_assert_int_eq(rump_conv_socktype_to_host(1 | 0x10000000 |
	    0x20000000 | 0x40000000, &host), 0);
	ck_assert_int_eq(host, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_eq(rump_conv_socktype_from_host(host, &nb), 0);
	ck_assert_int_eq(nb, 1 | 0x10000000 | 0x20000000);
	ck_assert_int_eq(rump_conv_socktype_to_host(5, &host), 0);
	ck_assert_int_eq(host, SOCK_SEQPACKET);
	ck_assert_int_eq(rump_conv_socktype_to_host(9, &host),
	    RUMP_EPROTOTYPE);
	ck_assert_int_eq(rump_conv_socktype_to_host(INT32_MIN | 1, &host),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(msgflags)
{
	static const struct {
		int nb, host;
	} t[] = {
		{ 0x1, MSG_OOB }, { 0x2, MSG_PEEK }, { 0x4, MSG_DONTROUTE },
		{ 0x8, MSG_EOR }, { 0x10, MSG_TRUNC }, { 0x20, MSG_CTRUNC },
		{ 0x40, MSG_WAITALL }, { 0x80, MSG_DONTWAIT },
		{ 0x400, MSG_NOSIGNAL }, { 0x800, MSG_CMSG_CLOEXEC },
		{ 0x2000, MSG_WAITFORONE },
	};
	size_t i;
	int host;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_int_eq(rump_conv_msg_flags_to_host(t[i].nb, &host),
		    0);
		ck_assert_int_eq(host, t[i].host);
		ck_assert_int_eq(rump_conv_msg_flags_from_host(t[i].host),
		    t[i].nb);
	}
	ck_assert_int_eq(rump_conv_msg_flags_to_host(0x4000, &host),
	    RUMP_EOPNOTSUPP);
	ck_assert_int_eq(rump_conv_msg_flags_from_host(MSG_ERRQUEUE), 0);
}
END_TEST

START_TEST(inet)
{
	struct rump_sockaddr_storage back;
	struct rump_sockaddr_in nb;
	struct sockaddr_storage host;
	struct sockaddr_in *sin = (struct sockaddr_in *)&host;
	socklen_t hostlen;
	uint32_t len;

	memset(&nb, 0, sizeof(nb));
	nb.sin_len = 0;		/* not looked at */
	nb.sin_family = RUMP_AF_INET;
	nb.sin_port = htons(80);
	nb.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, sizeof(nb), &host,
	    &hostlen), 0);
	ck_assert_uint_eq(hostlen, sizeof(*sin));
	ck_assert_int_eq(sin->sin_family, AF_INET);
	ck_assert_int_eq(ntohs(sin->sin_port), 80);
	ck_assert_uint_eq(ntohl(sin->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    hostlen, &back, &len), 0);
	ck_assert_uint_eq(len, 16);
	nb.sin_len = 16;
	ck_assert_mem_eq(&back, &nb, sizeof(nb));

	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 15, &host, &hostlen),
	    RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 17, &host, &hostlen),
	    RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 1, &host, &hostlen),
	    RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 0, &host, &hostlen),
	    RUMP_EINVAL);
	nb.sin_family = 10;
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 16, &host, &hostlen),
	    RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    1, &back, &len), RUMP_EINVAL);
}
END_TEST

START_TEST(inet6)
{
	struct rump_sockaddr_storage back;
	struct rump_sockaddr_in6 nb;
	struct sockaddr_storage host;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&host;
	socklen_t hostlen;
	uint32_t len;

	memset(&nb, 0, sizeof(nb));
	nb.sin6_len = sizeof(nb);
	nb.sin6_family = RUMP_AF_INET6;
	nb.sin6_port = htons(443);
	nb.sin6_flowinfo = htonl(5);
	nb.sin6_addr.s6_bytes[15] = 1;
	nb.sin6_scope_id = 2;
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, sizeof(nb), &host,
	    &hostlen), 0);
	ck_assert(IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr));
	ck_assert_uint_eq(sin6->sin6_scope_id, 2);
	ck_assert_int_eq(sin6->sin6_family, AF_INET6);
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    hostlen, &back, &len), 0);
	ck_assert_uint_eq(len, 28);
	ck_assert_mem_eq(&back, &nb, sizeof(nb));
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 24, &host, &hostlen),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(local)
{
	struct rump_sockaddr_storage back;
	struct rump_sockaddr_un nb, *out = (struct rump_sockaddr_un *)&back;
	struct sockaddr_storage host;
	struct sockaddr_un *sun = (struct sockaddr_un *)&host;
	socklen_t hostlen;
	uint32_t len;

	memset(&nb, 0, sizeof(nb));
	nb.sun_family = RUMP_AF_LOCAL;
	strcpy(nb.sun_path, "/tmp/s");
	/* With the NUL, without it, with much after it. */
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 9, &host, &hostlen),
	    0);
	ck_assert_str_eq(sun->sun_path, "/tmp/s");
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 8, &host, &hostlen),
	    0);
	ck_assert_str_eq(sun->sun_path, "/tmp/s");
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, sizeof(nb), &host,
	    &hostlen), 0);
	ck_assert_str_eq(sun->sun_path, "/tmp/s");
	ck_assert_uint_eq(hostlen, 2 + 7);
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    hostlen, &back, &len), 0);
	ck_assert_uint_eq(len, 9);
	ck_assert_uint_eq(out->sun_len, 9);
	ck_assert_uint_eq(out->sun_family, RUMP_AF_LOCAL);
	ck_assert_str_eq(out->sun_path, "/tmp/s");

	/* Neither an empty name nor an abstract one goes to the host. */
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, 2, &host, &hostlen),
	    RUMP_ENOENT);
	nb.sun_path[0] = '\0';
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, sizeof(nb), &host,
	    &hostlen), RUMP_ENOENT);
	memset(nb.sun_path, 'x', sizeof(nb.sun_path));
	ck_assert_int_eq(rump_conv_sockaddr_to_host(&nb, sizeof(nb), &host,
	    &hostlen), 0);
	ck_assert_uint_eq(strlen(sun->sun_path), 104);
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    hostlen, &back, &len), 0);
	ck_assert_uint_eq(len, 106);

	/* From the host: unnamed, abstract, too long for NetBSD. */
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    2, &back, &len), 0);
	ck_assert_uint_eq(len, 2);
	sun->sun_path[0] = '\0';
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    20, &back, &len), 0);
	ck_assert_uint_eq(len, 2);
	memset(sun->sun_path, 'y', sizeof(sun->sun_path));
	ck_assert_int_eq(rump_conv_sockaddr_from_host((struct sockaddr *)&host,
	    sizeof(*sun), &back, &len), RUMP_ENAMETOOLONG);
}
END_TEST

START_TEST(sockopts)
{
	static const struct {
		int level, name, hlevel, hname;
	} t[] = {
		{ 0xffff, 0x0004, SOL_SOCKET, SO_REUSEADDR },
		{ 0xffff, 0x0008, SOL_SOCKET, SO_KEEPALIVE },
		{ 0xffff, 0x0080, SOL_SOCKET, SO_LINGER },
		{ 0xffff, 0x0200, SOL_SOCKET, SO_REUSEPORT },
		{ 0xffff, 0x1001, SOL_SOCKET, SO_SNDBUF },
		{ 0xffff, 0x1007, SOL_SOCKET, SO_ERROR },
		{ 0xffff, 0x1008, SOL_SOCKET, SO_TYPE },
		{ 0xffff, 0x100c, SOL_SOCKET, SO_RCVTIMEO },
		{ 0, 4, IPPROTO_IP, IP_TTL },
		{ 0, 12, IPPROTO_IP, IP_ADD_MEMBERSHIP },
		{ 41, 27, IPPROTO_IPV6, IPV6_V6ONLY },
		{ 6, 1, IPPROTO_TCP, TCP_NODELAY },
		{ 6, 5, IPPROTO_TCP, TCP_KEEPINTVL },
	};
	struct rump_conv_sockopt o;
	size_t i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_int_eq(rump_conv_sockopt_to_host(RUMP_AF_INET,
		    t[i].level, t[i].name, &o), 0);
		ck_assert_int_eq(o.level, t[i].hlevel);
		ck_assert_int_eq(o.name, t[i].hname);
		ck_assert_int_eq(rump_conv_sockopt_from_host(t[i].hlevel,
		    t[i].hname, &o), 0);
		ck_assert_int_eq(o.level, t[i].level);
		ck_assert_int_eq(o.name, t[i].name);
	}
	ck_assert_int_eq(rump_conv_sockopt_to_host(RUMP_AF_INET, 0xffff,
	    0x7777, &o), RUMP_ENOPROTOOPT);
	/* Level 0 of a local socket is another one. */
	ck_assert_int_eq(rump_conv_sockopt_to_host(RUMP_AF_LOCAL, 0, 4, &o),
	    RUMP_ENOPROTOOPT);
	ck_assert_int_eq(rump_conv_sockopt_to_host(RUMP_AF_LOCAL, 0, 3, &o),
	    0);
	ck_assert_int_eq(o.name, SO_PEERCRED);
}
END_TEST

START_TEST(sockoptvals)
{
	struct rump_timeval rtv = { 3, 4, 0 }, rback;
	struct timeval tv;
	struct ucred cred = { 10, 20, 30 };
	struct rump_unpcbid id;
	socklen_t hostlen;
	uint32_t len;
	uint8_t byte = 7;
	int v, out;

	hostlen = sizeof(tv);
	ck_assert_int_eq(rump_conv_sockoptval_to_host(RUMP_CONV_SOCKOPT_TIMEVAL,
	    &rtv, sizeof(rtv), &tv, &hostlen), 0);
	ck_assert_int_eq(tv.tv_usec, 4);
	ck_assert_uint_eq(hostlen, sizeof(tv));
	len = sizeof(rback);
	ck_assert_int_eq(rump_conv_sockoptval_from_host(
	    RUMP_CONV_SOCKOPT_TIMEVAL, &tv, hostlen, &rback, &len), 0);
	ck_assert_mem_eq(&rtv, &rback, sizeof(rtv));
	ck_assert_int_eq(rump_conv_sockoptval_to_host(RUMP_CONV_SOCKOPT_TIMEVAL,
	    &rtv, 8, &tv, &hostlen), RUMP_EINVAL);

	hostlen = sizeof(v);
	ck_assert_int_eq(rump_conv_sockoptval_to_host(RUMP_CONV_SOCKOPT_INT8,
	    &byte, 1, &v, &hostlen), 0);
	ck_assert_int_eq(v, 7);
	ck_assert_int_eq(rump_conv_sockoptval_to_host(RUMP_CONV_SOCKOPT_INT,
	    &byte, 1, &v, &hostlen), RUMP_EINVAL);
	len = 1;
	ck_assert_int_eq(rump_conv_sockoptval_from_host(
	    RUMP_CONV_SOCKOPT_INT8, &v, sizeof(v), &byte, &len), 0);
	ck_assert_int_eq(byte, 7);

	v = 111;		/* Linux's ECONNREFUSED */
	len = sizeof(out);
	ck_assert_int_eq(rump_conv_sockoptval_from_host(
	    RUMP_CONV_SOCKOPT_ERRNO, &v, sizeof(v), &out, &len), 0);
	ck_assert_int_eq(out, RUMP_ECONNREFUSED);
	len = 2;
	ck_assert_int_eq(rump_conv_sockoptval_from_host(
	    RUMP_CONV_SOCKOPT_ERRNO, &v, sizeof(v), &out, &len), RUMP_EINVAL);

	len = sizeof(id);
	ck_assert_int_eq(rump_conv_sockoptval_from_host(
	    RUMP_CONV_SOCKOPT_PEERID, &cred, sizeof(cred), &id, &len), 0);
	ck_assert_int_eq(id.unp_pid, 10);
	ck_assert_uint_eq(id.unp_egid, 30);
}
END_TEST

START_TEST(control)
{
	_Alignas(8) char nb[128], host[128], back[128];
	struct rump_msghdr mh;
	struct rump_cmsghdr *cm;
	struct cmsghdr hcm;
	int fds[3] = { 5, 6, 7 }, ttl = 9;
	uint32_t nblen;
	size_t hostlen;
	bool truncated;

	memset(nb, 0, sizeof(nb));
	memset(&mh, 0, sizeof(mh));
	mh.msg_control = nb;
	mh.msg_controllen = (uint32_t)(rump_cmsg_space(sizeof(fds)) +
	    rump_cmsg_space(sizeof(ttl)));
	ck_assert_uint_eq(mh.msg_controllen, 32 + 24);
	cm = rump_cmsg_firsthdr(&mh);
	cm->cmsg_len = (uint32_t)rump_cmsg_len(sizeof(fds));
	cm->cmsg_level = RUMP_SOL_SOCKET;
	cm->cmsg_type = RUMP_SCM_RIGHTS;
	memcpy(rump_cmsg_data(cm), fds, sizeof(fds));
	ck_assert_uint_eq(cm->cmsg_len, 28);
	cm = rump_cmsg_nxthdr(&mh, cm);
	ck_assert_ptr_nonnull(cm);
	cm->cmsg_len = (uint32_t)rump_cmsg_len(sizeof(ttl));
	cm->cmsg_level = RUMP_IPPROTO_IP;
	cm->cmsg_type = RUMP_IP_TOS;
	memcpy(rump_cmsg_data(cm), &ttl, sizeof(ttl));
	ck_assert_ptr_null(rump_cmsg_nxthdr(&mh, cm));

	hostlen = sizeof(host);
	ck_assert_int_eq(rump_conv_cmsg_to_host(nb, mh.msg_controllen, host,
	    &hostlen), 0);
	ck_assert_uint_eq(hostlen, CMSG_SPACE(sizeof(fds)) +
	    CMSG_SPACE(sizeof(ttl)));
	memcpy(&hcm, host, sizeof(hcm));
	ck_assert_int_eq(hcm.cmsg_level, SOL_SOCKET);
	ck_assert_int_eq(hcm.cmsg_type, SCM_RIGHTS);
	ck_assert_mem_eq(host + CMSG_LEN(0), fds, sizeof(fds));

	nblen = sizeof(back);
	ck_assert_int_eq(rump_conv_cmsg_from_host(host, hostlen, back, &nblen,
	    &truncated), 0);
	ck_assert(!truncated);
	ck_assert_uint_eq(nblen, mh.msg_controllen);
	ck_assert_mem_eq(back, nb, nblen);

	/* Room for the first only. */
	nblen = 40;
	ck_assert_int_eq(rump_conv_cmsg_from_host(host, hostlen, back, &nblen,
	    &truncated), 0);
	ck_assert(truncated);
	ck_assert_uint_eq(nblen, 32);
}
END_TEST

/* Lengths of all kinds must neither be believed nor crash. */
START_TEST(hostile_control)
{
	_Alignas(8) char nb[64], host[64];
	struct rump_cmsghdr cm = { 0, RUMP_SOL_SOCKET, RUMP_SCM_RIGHTS };
	static const uint32_t bad[] = { 0, 1, 11, 12, 15, 65, 1000,
	    0x7fffffff, 0xfffffff8, 0xffffffff };
	size_t i, len, hostlen;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(nb, 0, sizeof(nb));
		cm.cmsg_len = bad[i];
		memcpy(nb, &cm, sizeof(cm));
		hostlen = sizeof(host);
		ck_assert_int_eq(rump_conv_cmsg_to_host(nb, sizeof(nb), host,
		    &hostlen), RUMP_EINVAL);
	}
	cm.cmsg_len = 64;
	memcpy(nb, &cm, sizeof(cm));
	for (len = 12; len < 64; len++) {
		hostlen = sizeof(host);
		ck_assert_int_eq(rump_conv_cmsg_to_host(nb, len, host,
		    &hostlen), RUMP_EINVAL);
	}
	hostlen = 8;		/* no room on the other side */
	ck_assert_int_eq(rump_conv_cmsg_to_host(nb, 64, host, &hostlen),
	    RUMP_EINVAL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("abi sockets");
	TCase *tc = tcase_create("sockets");

	tcase_add_test(tc, kinds);
	tcase_add_test(tc, msgflags);
	tcase_add_test(tc, inet);
	tcase_add_test(tc, inet6);
	tcase_add_test(tc, local);
	tcase_add_test(tc, sockopts);
	tcase_add_test(tc, sockoptvals);
	tcase_add_test(tc, control);
	tcase_add_test(tc, hostile_control);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
