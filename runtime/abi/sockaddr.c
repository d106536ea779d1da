/* Families, types, addresses and message flags of sockets. */
#include <sys/socket.h>
#include <sys/un.h>

#include <netinet/in.h>

#include <string.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair domains[] = {
	{ RUMP_AF_UNSPEC, AF_UNSPEC },
	{ RUMP_AF_LOCAL, AF_UNIX },
	{ RUMP_AF_INET, AF_INET },
	{ RUMP_AF_INET6, AF_INET6 },
};

int
rump_conv_domain_to_host(int nb, int *host)
{

	return abi_to_host(domains, ABI_COUNT(domains), nb, host) ?
	    0 : RUMP_EAFNOSUPPORT;
}

int
rump_conv_domain_from_host(int host, int *nb)
{

	return abi_from_host(domains, ABI_COUNT(domains), host, nb) ?
	    0 : RUMP_EAFNOSUPPORT;
}

static const struct abi_pair types[] = {
	{ RUMP_SOCK_STREAM, SOCK_STREAM },
	{ RUMP_SOCK_DGRAM, SOCK_DGRAM },
	{ RUMP_SOCK_RAW, SOCK_RAW },
	{ RUMP_SOCK_RDM, SOCK_RDM },
	{ RUMP_SOCK_SEQPACKET, SOCK_SEQPACKET },
};

static const struct abi_pair type_flags[] = {
	{ RUMP_SOCK_CLOEXEC, SOCK_CLOEXEC },
	{ RUMP_SOCK_NONBLOCK, SOCK_NONBLOCK },
};

int
rump_conv_socktype_to_host(int nb, int *host)
{
	int flags, rest, type;

	flags = abi_bits_to_host(type_flags, ABI_COUNT(type_flags),
	    (int)(nb & RUMP_SOCK_FLAGS_MASK) & ~RUMP_SOCK_NOSIGPIPE, &rest);
	if (rest != 0)
		return RUMP_EINVAL;
	if (!abi_to_host(types, ABI_COUNT(types),
	    (int)(nb & ~RUMP_SOCK_FLAGS_MASK), &type))
		return RUMP_EPROTOTYPE;
	*host = type | flags;
	return 0;
}

int
rump_conv_socktype_from_host(int host, int *nb)
{
	int flags, rest, type;

	flags = abi_bits_from_host(type_flags, ABI_COUNT(type_flags), host,
	    &rest);
	if (!abi_from_host(types, ABI_COUNT(types), rest, &type))
		return RUMP_EPROTOTYPE;
	*nb = type | flags;
	return 0;
}

static const struct abi_pair msg_flags[] = {
	{ RUMP_MSG_OOB, MSG_OOB },
	{ RUMP_MSG_PEEK, MSG_PEEK },
	{ RUMP_MSG_DONTROUTE, MSG_DONTROUTE },
	{ RUMP_MSG_EOR, MSG_EOR },
	{ RUMP_MSG_TRUNC, MSG_TRUNC },
	{ RUMP_MSG_CTRUNC, MSG_CTRUNC },
	{ RUMP_MSG_WAITALL, MSG_WAITALL },
	{ RUMP_MSG_DONTWAIT, MSG_DONTWAIT },
	{ RUMP_MSG_NOSIGNAL, MSG_NOSIGNAL },
	{ RUMP_MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC },
	{ RUMP_MSG_WAITFORONE, MSG_WAITFORONE },
	{ RUMP_MSG_NBIO, MSG_DONTWAIT },
};

int
rump_conv_msg_flags_to_host(int nb, int *host)
{
	int rest;

	*host = abi_bits_to_host(msg_flags, ABI_COUNT(msg_flags),
	    nb & ~(RUMP_MSG_BCAST | RUMP_MSG_MCAST), &rest);
	return rest == 0 ? 0 : RUMP_EOPNOTSUPP;
}

int
rump_conv_msg_flags_from_host(int host)
{
	int rest;

	return abi_bits_from_host(msg_flags, ABI_COUNT(msg_flags), host,
	    &rest);
}

static int
in_to_host(const void *nb, size_t len, struct sockaddr_in *host)
{
	struct rump_sockaddr_in sin;

	if (len != sizeof(sin))
		return RUMP_EINVAL;
	memcpy(&sin, nb, sizeof(sin));
	host->sin_family = AF_INET;
	host->sin_port = sin.sin_port;
	host->sin_addr.s_addr = sin.sin_addr.s_addr;
	return 0;
}

static int
in6_to_host(const void *nb, size_t len, struct sockaddr_in6 *host)
{
	struct rump_sockaddr_in6 sin6;

	if (len != sizeof(sin6))
		return RUMP_EINVAL;
	memcpy(&sin6, nb, sizeof(sin6));
	host->sin6_family = AF_INET6;
	host->sin6_port = sin6.sin6_port;
	host->sin6_flowinfo = sin6.sin6_flowinfo;
	memcpy(&host->sin6_addr, &sin6.sin6_addr, sizeof(host->sin6_addr));
	host->sin6_scope_id = sin6.sin6_scope_id;
	return 0;
}

static int
un_to_host(const char *path, size_t room, struct sockaddr_un *host,
    socklen_t *hostlen)
{
	size_t len;

	len = strnlen(path, room);
	if (len == 0)
		return RUMP_ENOENT;
	if (len >= sizeof(host->sun_path))
		return RUMP_ENAMETOOLONG;
	host->sun_family = AF_UNIX;
	memcpy(host->sun_path, path, len);
	*hostlen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	return 0;
}

int
rump_conv_sockaddr_to_host(const void *nb, size_t len,
    struct sockaddr_storage *host, socklen_t *hostlen)
{
	const size_t head = offsetof(struct rump_sockaddr, sa_data);
	uint8_t family;

	if (len < head || len > 255)
		return RUMP_EINVAL;
	family = ((const uint8_t *)nb)[1];
	memset(host, 0, sizeof(*host));
	switch (family) {
	case RUMP_AF_UNSPEC:
		host->ss_family = AF_UNSPEC;
		*hostlen = sizeof(struct sockaddr);
		return 0;
	case RUMP_AF_LOCAL:
		return un_to_host((const char *)nb + head, len - head,
		    (struct sockaddr_un *)host, hostlen);
	case RUMP_AF_INET:
		*hostlen = sizeof(struct sockaddr_in);
		return in_to_host(nb, len, (struct sockaddr_in *)host);
	case RUMP_AF_INET6:
		*hostlen = sizeof(struct sockaddr_in6);
		return in6_to_host(nb, len, (struct sockaddr_in6 *)host);
	default:
		return RUMP_EAFNOSUPPORT;
	}
}

static int
in_from_host(const struct sockaddr *host, socklen_t hostlen,
    struct rump_sockaddr_storage *nb)
{
	struct sockaddr_in sin;
	struct rump_sockaddr_in out;

	if (hostlen < sizeof(sin))
		return RUMP_EINVAL;
	memcpy(&sin, host, sizeof(sin));
	memset(&out, 0, sizeof(out));
	out.sin_len = sizeof(out);
	out.sin_family = RUMP_AF_INET;
	out.sin_port = sin.sin_port;
	out.sin_addr.s_addr = sin.sin_addr.s_addr;
	memcpy(nb, &out, sizeof(out));
	return 0;
}

static int
in6_from_host(const struct sockaddr *host, socklen_t hostlen,
    struct rump_sockaddr_storage *nb)
{
	struct sockaddr_in6 sin6;
	struct rump_sockaddr_in6 out;

	/* The host's may lack the scope at its end (RFC 2133). */
	if (hostlen < offsetof(struct sockaddr_in6, sin6_scope_id))
		return RUMP_EINVAL;
	memset(&sin6, 0, sizeof(sin6));
	memcpy(&sin6, host, hostlen < sizeof(sin6) ? hostlen : sizeof(sin6));
	memset(&out, 0, sizeof(out));
	out.sin6_len = sizeof(out);
	out.sin6_family = RUMP_AF_INET6;
	out.sin6_port = sin6.sin6_port;
	out.sin6_flowinfo = sin6.sin6_flowinfo;
	memcpy(&out.sin6_addr, &sin6.sin6_addr, sizeof(out.sin6_addr));
	out.sin6_scope_id = sin6.sin6_scope_id;
	memcpy(nb, &out, sizeof(out));
	return 0;
}

static int
un_from_host(const struct sockaddr *host, socklen_t hostlen,
    struct rump_sockaddr_storage *nb)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	const char *path = (const char *)host + head;
	struct rump_sockaddr_un out;
	size_t len = 0;

	/* Unnamed: no path.  Abstract: the path begins with a NUL. */
	if (hostlen > head && path[0] != '\0')
		len = strnlen(path, hostlen - head);
	if (len > sizeof(out.sun_path))
		return RUMP_ENAMETOOLONG;
	memset(&out, 0, sizeof(out));
	out.sun_len = (uint8_t)(offsetof(struct rump_sockaddr_un, sun_path) +
	    len + (len > 0 && len < sizeof(out.sun_path)));
	out.sun_family = RUMP_AF_LOCAL;
	memcpy(out.sun_path, path, len);
	memcpy(nb, &out, sizeof(out));
	return 0;
}

int
rump_conv_sockaddr_from_host(const struct sockaddr *host, socklen_t hostlen,
    struct rump_sockaddr_storage *nb, uint32_t *len)
{
	sa_family_t family;
	int error;

	if (hostlen < sizeof(family))
		return RUMP_EINVAL;
	memcpy(&family, host, sizeof(family));
	memset(nb, 0, sizeof(*nb));
	switch (family) {
	case AF_UNSPEC:
		nb->ss_len = sizeof(struct rump_sockaddr);
		error = 0;
		break;
	case AF_UNIX:
		error = un_from_host(host, hostlen, nb);
		break;
	case AF_INET:
		error = in_from_host(host, hostlen, nb);
		break;
	case AF_INET6:
		error = in6_from_host(host, hostlen, nb);
		break;
	default:
		error = RUMP_EAFNOSUPPORT;
		break;
	}
	if (error == 0)
		*len = nb->ss_len;
	return error;
}
