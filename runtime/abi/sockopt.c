/* Options of sockets and their values. */
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <string.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

struct option {
	int nblevel, nbname;
	int level, name;
	enum rump_conv_sockopt_type type;
};

#define INT	RUMP_CONV_SOCKOPT_INT
static const struct option options[] = {
#define SO(n, t)	{ RUMP_SOL_SOCKET, RUMP_##n, SOL_SOCKET, n, t }
	SO(SO_DEBUG, INT),
	SO(SO_ACCEPTCONN, INT),
	SO(SO_REUSEADDR, INT),
	SO(SO_KEEPALIVE, INT),
	SO(SO_DONTROUTE, INT),
	SO(SO_BROADCAST, INT),
	SO(SO_OOBINLINE, INT),
	SO(SO_REUSEPORT, INT),
	SO(SO_TIMESTAMP, INT),
	SO(SO_SNDBUF, INT),
	SO(SO_RCVBUF, INT),
	SO(SO_SNDLOWAT, INT),
	SO(SO_RCVLOWAT, INT),
	SO(SO_LINGER, RUMP_CONV_SOCKOPT_LINGER),
	SO(SO_ERROR, RUMP_CONV_SOCKOPT_ERRNO),
	SO(SO_TYPE, RUMP_CONV_SOCKOPT_SOCKTYPE),
	SO(SO_SNDTIMEO, RUMP_CONV_SOCKOPT_TIMEVAL),
	SO(SO_RCVTIMEO, RUMP_CONV_SOCKOPT_TIMEVAL),
#undef SO
	{ RUMP_SOL_SOCKET, RUMP_SO_OSNDTIMEO, SOL_SOCKET, SO_SNDTIMEO,
	    RUMP_CONV_SOCKOPT_TIMEVAL50 },
	{ RUMP_SOL_SOCKET, RUMP_SO_ORCVTIMEO, SOL_SOCKET, SO_RCVTIMEO,
	    RUMP_CONV_SOCKOPT_TIMEVAL50 },

#define IP(n, h, t)	{ RUMP_IPPROTO_IP, RUMP_##n, IPPROTO_IP, h, t }
	IP(IP_HDRINCL, IP_HDRINCL, INT),
	IP(IP_TOS, IP_TOS, INT),
	IP(IP_TTL, IP_TTL, INT),
	IP(IP_RECVOPTS, IP_RECVOPTS, INT),
	IP(IP_MULTICAST_IF, IP_MULTICAST_IF, RUMP_CONV_SOCKOPT_IN_ADDR),
	IP(IP_MULTICAST_TTL, IP_MULTICAST_TTL, RUMP_CONV_SOCKOPT_INT8),
	IP(IP_MULTICAST_LOOP, IP_MULTICAST_LOOP, RUMP_CONV_SOCKOPT_INT8),
	IP(IP_ADD_MEMBERSHIP, IP_ADD_MEMBERSHIP, RUMP_CONV_SOCKOPT_IP_MREQ),
	IP(IP_DROP_MEMBERSHIP, IP_DROP_MEMBERSHIP, RUMP_CONV_SOCKOPT_IP_MREQ),
	IP(IP_RECVTTL, IP_RECVTTL, INT),
	IP(IP_MINTTL, IP_MINTTL, INT),
	IP(IP_RECVPKTINFO, IP_PKTINFO, INT),
#undef IP

#define IP6(n, h, t)	{ RUMP_IPPROTO_IPV6, RUMP_##n, IPPROTO_IPV6, h, t }
	IP6(IPV6_UNICAST_HOPS, IPV6_UNICAST_HOPS, INT),
	IP6(IPV6_MULTICAST_IF, IPV6_MULTICAST_IF, INT),
	IP6(IPV6_MULTICAST_HOPS, IPV6_MULTICAST_HOPS, INT),
	IP6(IPV6_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, INT),
	IP6(IPV6_JOIN_GROUP, IPV6_JOIN_GROUP, RUMP_CONV_SOCKOPT_IPV6_MREQ),
	IP6(IPV6_LEAVE_GROUP, IPV6_LEAVE_GROUP, RUMP_CONV_SOCKOPT_IPV6_MREQ),
	IP6(IPV6_CHECKSUM, IPV6_CHECKSUM, INT),
	IP6(IPV6_V6ONLY, IPV6_V6ONLY, INT),
	IP6(IPV6_RECVPKTINFO, IPV6_RECVPKTINFO, INT),
	IP6(IPV6_RECVHOPLIMIT, IPV6_RECVHOPLIMIT, INT),
	IP6(IPV6_RECVRTHDR, IPV6_RECVRTHDR, INT),
	IP6(IPV6_RECVHOPOPTS, IPV6_RECVHOPOPTS, INT),
	IP6(IPV6_RECVDSTOPTS, IPV6_RECVDSTOPTS, INT),
	IP6(IPV6_RECVPATHMTU, IPV6_RECVPATHMTU, INT),
	IP6(IPV6_RECVTCLASS, IPV6_RECVTCLASS, INT),
	IP6(IPV6_TCLASS, IPV6_TCLASS, INT),
	IP6(IPV6_DONTFRAG, IPV6_DONTFRAG, INT),
#undef IP6

#define TCP(n, h)	{ RUMP_IPPROTO_TCP, RUMP_##n, IPPROTO_TCP, h, INT }
	TCP(TCP_NODELAY, TCP_NODELAY),
	TCP(TCP_MAXSEG, TCP_MAXSEG),
	TCP(TCP_NOPUSH, TCP_CORK),
	TCP(TCP_KEEPIDLE, TCP_KEEPIDLE),
	TCP(TCP_KEEPINTVL, TCP_KEEPINTVL),
	TCP(TCP_KEEPCNT, TCP_KEEPCNT),
#undef TCP
};

/* Level 0 of a local socket. */
static const struct option local_options[] = {
	{ 0, RUMP_LOCAL_PEEREID, SOL_SOCKET, SO_PEERCRED,
	    RUMP_CONV_SOCKOPT_PEERID },
};

static const struct option *
find_nb(const struct option *t, size_t n, int level, int name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (t[i].nblevel == level && t[i].nbname == name)
			return &t[i];
	}
	return NULL;
}

int
rump_conv_sockopt_to_host(int domain, int level, int name,
    struct rump_conv_sockopt *host)
{
	const struct option *o;

	if (domain == RUMP_AF_LOCAL && level == 0)
		o = find_nb(local_options, ABI_COUNT(local_options), level,
		    name);
	else
		o = find_nb(options, ABI_COUNT(options), level, name);
	if (o == NULL)
		return RUMP_ENOPROTOOPT;
	host->level = o->level;
	host->name = o->name;
	host->type = o->type;
	return 0;
}

int
rump_conv_sockopt_from_host(int level, int name, struct rump_conv_sockopt *nb)
{
	const struct option *o;
	size_t i;

	if (level == SOL_SOCKET && name == SO_PEERCRED) {
		o = &local_options[0];
	} else {
		o = NULL;
		for (i = 0; i < ABI_COUNT(options) && o == NULL; i++) {
			if (options[i].level == level &&
			    options[i].name == name)
				o = &options[i];
		}
	}
	if (o == NULL)
		return RUMP_ENOPROTOOPT;
	nb->level = o->nblevel;
	nb->name = o->nbname;
	nb->type = o->type;
	return 0;
}

/* Copies a value that is the same on both sides. */
static int
same(const void *from, size_t len, size_t want, void *to, size_t room)
{

	if (len < want || room < want)
		return RUMP_EINVAL;
	memcpy(to, from, want);
	return 0;
}

static int
int_value(enum rump_conv_sockopt_type type, const void *nb, size_t len,
    int *value)
{
	uint8_t byte;

	if (type == RUMP_CONV_SOCKOPT_INT8 && len == 1) {
		memcpy(&byte, nb, 1);
		*value = byte;
		return 0;
	}
	if (len < sizeof(*value))
		return RUMP_EINVAL;
	memcpy(value, nb, sizeof(*value));
	if (type == RUMP_CONV_SOCKOPT_ERRNO)
		*value = rump_conv_errno_to_host(*value);
	if (type == RUMP_CONV_SOCKOPT_SOCKTYPE)
		return rump_conv_socktype_to_host(*value, value);
	return 0;
}

static int
timeval_to_host(enum rump_conv_sockopt_type type, const void *nb, size_t len,
    struct timeval *host)
{
	struct rump_timeval tv;
	struct rump_timeval50 old;

	if (type == RUMP_CONV_SOCKOPT_TIMEVAL) {
		if (len < sizeof(tv))
			return RUMP_EINVAL;
		memcpy(&tv, nb, sizeof(tv));
		rump_conv_timeval_to_host(&tv, host);
		return 0;
	}
	if (len < sizeof(old))
		return RUMP_EINVAL;
	memcpy(&old, nb, sizeof(old));
	rump_conv_timeval50_to_host(&old, host);
	return 0;
}

static int
peerid_to_host(const void *nb, size_t len, struct ucred *host)
{
	struct rump_unpcbid id;

	if (len < sizeof(id))
		return RUMP_EINVAL;
	memcpy(&id, nb, sizeof(id));
	host->pid = id.unp_pid;
	host->uid = id.unp_euid;
	host->gid = id.unp_egid;
	return 0;
}

int
rump_conv_sockoptval_to_host(enum rump_conv_sockopt_type type, const void *nb,
    size_t len, void *host, socklen_t *hostlen)
{
	struct timeval tv;
	struct ucred cred;
	int error, value;

	switch (type) {
	case RUMP_CONV_SOCKOPT_INT:
	case RUMP_CONV_SOCKOPT_INT8:
	case RUMP_CONV_SOCKOPT_ERRNO:
	case RUMP_CONV_SOCKOPT_SOCKTYPE:
		error = int_value(type, nb, len, &value);
		if (error == 0)
			error = same(&value, sizeof(value), sizeof(value),
			    host, *hostlen);
		*hostlen = sizeof(value);
		return error;
	case RUMP_CONV_SOCKOPT_TIMEVAL:
	case RUMP_CONV_SOCKOPT_TIMEVAL50:
		error = timeval_to_host(type, nb, len, &tv);
		if (error == 0)
			error = same(&tv, sizeof(tv), sizeof(tv), host,
			    *hostlen);
		*hostlen = sizeof(tv);
		return error;
	case RUMP_CONV_SOCKOPT_PEERID:
		error = peerid_to_host(nb, len, &cred);
		if (error == 0)
			error = same(&cred, sizeof(cred), sizeof(cred), host,
			    *hostlen);
		*hostlen = sizeof(cred);
		return error;
	case RUMP_CONV_SOCKOPT_LINGER:
		error = same(nb, len, sizeof(struct linger), host, *hostlen);
		*hostlen = sizeof(struct linger);
		return error;
	case RUMP_CONV_SOCKOPT_IN_ADDR:
		error = same(nb, len, sizeof(struct in_addr), host, *hostlen);
		*hostlen = sizeof(struct in_addr);
		return error;
	case RUMP_CONV_SOCKOPT_IP_MREQ:
		error = same(nb, len, sizeof(struct ip_mreq), host, *hostlen);
		*hostlen = sizeof(struct ip_mreq);
		return error;
	case RUMP_CONV_SOCKOPT_IPV6_MREQ:
		error = same(nb, len, sizeof(struct ipv6_mreq), host,
		    *hostlen);
		*hostlen = sizeof(struct ipv6_mreq);
		return error;
	}
	return RUMP_EINVAL;
}

static int
int_from_host(enum rump_conv_sockopt_type type, const void *host,
    socklen_t len, void *nb, uint32_t *nblen)
{
	int value = 0;
	uint8_t byte;

	/* Some of the host's are a single byte when asked for little. */
	if (len == 1) {
		memcpy(&byte, host, 1);
		value = byte;
	} else if (len >= sizeof(value)) {
		memcpy(&value, host, sizeof(value));
	} else {
		return RUMP_EINVAL;
	}
	if (type == RUMP_CONV_SOCKOPT_ERRNO)
		value = rump_conv_errno_from_host(value);
	if (type == RUMP_CONV_SOCKOPT_SOCKTYPE &&
	    rump_conv_socktype_from_host(value, &value) != 0)
		return RUMP_EINVAL;
	if (type == RUMP_CONV_SOCKOPT_INT8 && *nblen == 1) {
		byte = (uint8_t)value;
		memcpy(nb, &byte, 1);
		return 0;
	}
	if (*nblen < sizeof(value))
		return RUMP_EINVAL;
	memcpy(nb, &value, sizeof(value));
	*nblen = sizeof(value);
	return 0;
}

static int
put(const void *value, size_t len, void *nb, uint32_t *nblen)
{

	if (*nblen < len)
		return RUMP_EINVAL;
	memcpy(nb, value, len);
	*nblen = (uint32_t)len;
	return 0;
}

static int
timeval_from_host(enum rump_conv_sockopt_type type, const void *host,
    socklen_t len, void *nb, uint32_t *nblen)
{
	struct timeval tv;
	struct rump_timeval now;
	struct rump_timeval50 old;

	if (len < sizeof(tv))
		return RUMP_EINVAL;
	memcpy(&tv, host, sizeof(tv));
	if (type == RUMP_CONV_SOCKOPT_TIMEVAL) {
		rump_conv_timeval_from_host(&tv, &now);
		return put(&now, sizeof(now), nb, nblen);
	}
	rump_conv_timeval50_from_host(&tv, &old);
	return put(&old, sizeof(old), nb, nblen);
}

static int
peerid_from_host(const void *host, socklen_t len, void *nb, uint32_t *nblen)
{
	struct ucred cred;
	struct rump_unpcbid id;

	if (len < sizeof(cred))
		return RUMP_EINVAL;
	memcpy(&cred, host, sizeof(cred));
	id.unp_pid = cred.pid;
	id.unp_euid = cred.uid;
	id.unp_egid = cred.gid;
	return put(&id, sizeof(id), nb, nblen);
}

int
rump_conv_sockoptval_from_host(enum rump_conv_sockopt_type type,
    const void *host, socklen_t len, void *nb, uint32_t *nblen)
{
	size_t want;

	switch (type) {
	case RUMP_CONV_SOCKOPT_INT:
	case RUMP_CONV_SOCKOPT_INT8:
	case RUMP_CONV_SOCKOPT_ERRNO:
	case RUMP_CONV_SOCKOPT_SOCKTYPE:
		return int_from_host(type, host, len, nb, nblen);
	case RUMP_CONV_SOCKOPT_TIMEVAL:
	case RUMP_CONV_SOCKOPT_TIMEVAL50:
		return timeval_from_host(type, host, len, nb, nblen);
	case RUMP_CONV_SOCKOPT_PEERID:
		return peerid_from_host(host, len, nb, nblen);
	case RUMP_CONV_SOCKOPT_LINGER:
		want = sizeof(struct linger);
		break;
	case RUMP_CONV_SOCKOPT_IN_ADDR:
		want = sizeof(struct in_addr);
		break;
	case RUMP_CONV_SOCKOPT_IP_MREQ:
		want = sizeof(struct ip_mreq);
		break;
	case RUMP_CONV_SOCKOPT_IPV6_MREQ:
		want = sizeof(struct ipv6_mreq);
		break;
	default:
		return RUMP_EINVAL;
	}
	if (len < want)
		return RUMP_EINVAL;
	return put(host, want, nb, nblen);
}
