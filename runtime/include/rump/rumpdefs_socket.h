/*
 * Sockets: families, types, addresses with their length byte, options,
 * messages and what travels beside them.
 */
#ifndef RUMP_RUMPDEFS_SOCKET_H
#define RUMP_RUMPDEFS_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs_file.h>

/* --- socket, socketpair, paccept --- */

#define RUMP_SOCK_STREAM	1
#define RUMP_SOCK_DGRAM		2
#define RUMP_SOCK_RAW		3
#define RUMP_SOCK_RDM		4
#define RUMP_SOCK_SEQPACKET	5
#define RUMP_SOCK_CONN_DGRAM	6
#define RUMP_SOCK_DCCP		RUMP_SOCK_CONN_DGRAM
/* Or-ed into the type; paccept takes them alone. */
#define RUMP_SOCK_CLOEXEC	0x10000000
#define RUMP_SOCK_NONBLOCK	0x20000000
#define RUMP_SOCK_NOSIGPIPE	0x40000000
#define RUMP_SOCK_FLAGS_MASK	0xf0000000u

#define RUMP_AF_UNSPEC		0
#define RUMP_AF_LOCAL		1
#define RUMP_AF_UNIX		RUMP_AF_LOCAL
#define RUMP_AF_INET		2
#define RUMP_AF_IMPLINK		3
#define RUMP_AF_PUP		4
#define RUMP_AF_CHAOS		5
#define RUMP_AF_NS		6
#define RUMP_AF_ISO		7
#define RUMP_AF_OSI		RUMP_AF_ISO
#define RUMP_AF_ECMA		8
#define RUMP_AF_DATAKIT		9
#define RUMP_AF_CCITT		10
#define RUMP_AF_SNA		11
#define RUMP_AF_DECnet		12
#define RUMP_AF_DLI		13
#define RUMP_AF_LAT		14
#define RUMP_AF_HYLINK		15
#define RUMP_AF_APPLETALK	16
#define RUMP_AF_OROUTE		17
#define RUMP_AF_LINK		18
#define RUMP_AF_COIP		20
#define RUMP_AF_CNT		21
#define RUMP_AF_IPX		23
#define RUMP_AF_INET6		24	/* Linux has 10 */
#define RUMP_AF_ISDN		26
#define RUMP_AF_E164		RUMP_AF_ISDN
#define RUMP_AF_NATM		27
#define RUMP_AF_ARP		28
#define RUMP_AF_BLUETOOTH	31
#define RUMP_AF_IEEE80211	32
#define RUMP_AF_MPLS		33
#define RUMP_AF_ROUTE		34
#define RUMP_AF_MAX		35

#define RUMP_PF_UNSPEC		RUMP_AF_UNSPEC
#define RUMP_PF_LOCAL		RUMP_AF_LOCAL
#define RUMP_PF_UNIX		RUMP_PF_LOCAL
#define RUMP_PF_INET		RUMP_AF_INET
#define RUMP_PF_IMPLINK		RUMP_AF_IMPLINK
#define RUMP_PF_PUP		RUMP_AF_PUP
#define RUMP_PF_CHAOS		RUMP_AF_CHAOS
#define RUMP_PF_NS		RUMP_AF_NS
#define RUMP_PF_ISO		RUMP_AF_ISO
#define RUMP_PF_OSI		RUMP_AF_OSI
#define RUMP_PF_ECMA		RUMP_AF_ECMA
#define RUMP_PF_DATAKIT		RUMP_AF_DATAKIT
#define RUMP_PF_CCITT		RUMP_AF_CCITT
#define RUMP_PF_SNA		RUMP_AF_SNA
#define RUMP_PF_DECnet		RUMP_AF_DECnet
#define RUMP_PF_DLI		RUMP_AF_DLI
#define RUMP_PF_LAT		RUMP_AF_LAT
#define RUMP_PF_HYLINK		RUMP_AF_HYLINK
#define RUMP_PF_APPLETALK	RUMP_AF_APPLETALK
#define RUMP_PF_OROUTE		RUMP_AF_OROUTE
#define RUMP_PF_LINK		RUMP_AF_LINK
#define RUMP_PF_COIP		RUMP_AF_COIP
#define RUMP_PF_CNT		RUMP_AF_CNT
#define RUMP_PF_INET6		RUMP_AF_INET6
#define RUMP_PF_IPX		RUMP_AF_IPX
#define RUMP_PF_ISDN		RUMP_AF_ISDN
#define RUMP_PF_E164		RUMP_AF_E164
#define RUMP_PF_NATM		RUMP_AF_NATM
#define RUMP_PF_ARP		RUMP_AF_ARP
#define RUMP_PF_BLUETOOTH	RUMP_AF_BLUETOOTH
#define RUMP_PF_MPLS		RUMP_AF_MPLS
#define RUMP_PF_ROUTE		RUMP_AF_ROUTE
#define RUMP_PF_MAX		RUMP_AF_MAX

#define RUMP_SOMAXCONN		128

/* shutdown */
#define RUMP_SHUT_RD		0
#define RUMP_SHUT_WR		1
#define RUMP_SHUT_RDWR		2

/* --- addresses --- */

struct rump_sockaddr {
	uint8_t sa_len;			/* of the whole structure */
	uint8_t sa_family;
	char sa_data[14];
};

struct rump_sockaddr_storage {
	uint8_t ss_len;
	uint8_t ss_family;
	char ss_pad1[6];
	int64_t ss_align;
	char ss_pad2[112];
};

struct rump_sockaddr_un {
	uint8_t sun_len;
	uint8_t sun_family;
	char sun_path[104];
};

struct rump_in_addr {
	uint32_t s_addr;		/* network order */
};

struct rump_sockaddr_in {
	uint8_t sin_len;
	uint8_t sin_family;
	uint16_t sin_port;		/* network order */
	struct rump_in_addr sin_addr;
	int8_t sin_zero[8];
};

struct rump_in6_addr {
	uint8_t s6_bytes[16];
};

struct rump_sockaddr_in6 {
	uint8_t sin6_len;
	uint8_t sin6_family;
	uint16_t sin6_port;		/* network order */
	uint32_t sin6_flowinfo;
	struct rump_in6_addr sin6_addr;
	uint32_t sin6_scope_id;
};

/* In host order; compare after ntohl. */
#define RUMP_INADDR_ANY		0x00000000u
#define RUMP_INADDR_LOOPBACK	0x7f000001u
#define RUMP_INADDR_BROADCAST	0xffffffffu
#define RUMP_INADDR_NONE	0xffffffffu

/* --- getsockopt, setsockopt --- */

#define RUMP_SOL_SOCKET		0xffff

/* int as a truth value */
#define RUMP_SO_DEBUG		0x0001
#define RUMP_SO_ACCEPTCONN	0x0002	/* read only */
#define RUMP_SO_REUSEADDR	0x0004
#define RUMP_SO_KEEPALIVE	0x0008
#define RUMP_SO_DONTROUTE	0x0010
#define RUMP_SO_BROADCAST	0x0020
#define RUMP_SO_USELOOPBACK	0x0040
#define RUMP_SO_OOBINLINE	0x0100
#define RUMP_SO_REUSEPORT	0x0200
#define RUMP_SO_NOSIGPIPE	0x0800
#define RUMP_SO_TIMESTAMP	0x2000
#define RUMP_SO_NOHEADER	0x100a
/* structures */
#define RUMP_SO_LINGER		0x0080	/* rump_linger */
#define RUMP_SO_ACCEPTFILTER	0x1000	/* rump_accept_filter_arg */
#define RUMP_SO_SNDTIMEO	0x100b	/* rump_timeval */
#define RUMP_SO_RCVTIMEO	0x100c	/* rump_timeval */
#define RUMP_SO_OSNDTIMEO	0x1005	/* rump_timeval50 */
#define RUMP_SO_ORCVTIMEO	0x1006	/* rump_timeval50 */
/* int */
#define RUMP_SO_SNDBUF		0x1001
#define RUMP_SO_RCVBUF		0x1002
#define RUMP_SO_SNDLOWAT	0x1003
#define RUMP_SO_RCVLOWAT	0x1004
#define RUMP_SO_ERROR		0x1007	/* read only; a NetBSD errno */
#define RUMP_SO_TYPE		0x1008	/* read only */
#define RUMP_SO_OVERFLOWED	0x1009	/* read only */

struct rump_linger {
	int32_t l_onoff;
	int32_t l_linger;		/* seconds */
};

struct rump_accept_filter_arg {
	char af_name[16];
	char af_arg[240];
};

/* Level 0 of a local socket. */
#define RUMP_LOCAL_OCREDS	1	/* LOCAL_CREDS up to NetBSD 7 */
#define RUMP_LOCAL_CONNWAIT	2
#define RUMP_LOCAL_PEEREID	3	/* rump_unpcbid */
#define RUMP_LOCAL_CREDS	4

struct rump_unpcbid {
	int32_t unp_pid;
	uint32_t unp_euid;
	uint32_t unp_egid;
};

/* --- protocols, also as levels of options --- */

#define RUMP_IPPROTO_IP		0
#define RUMP_IPPROTO_HOPOPTS	0
#define RUMP_IPPROTO_ICMP	1
#define RUMP_IPPROTO_IGMP	2
#define RUMP_IPPROTO_GGP	3
#define RUMP_IPPROTO_IPV4	4
#define RUMP_IPPROTO_IPIP	4
#define RUMP_IPPROTO_TCP	6
#define RUMP_IPPROTO_EGP	8
#define RUMP_IPPROTO_PUP	12
#define RUMP_IPPROTO_UDP	17
#define RUMP_IPPROTO_IDP	22
#define RUMP_IPPROTO_TP		29
#define RUMP_IPPROTO_DCCP	33
#define RUMP_IPPROTO_IPV6	41
#define RUMP_IPPROTO_ROUTING	43
#define RUMP_IPPROTO_FRAGMENT	44
#define RUMP_IPPROTO_RSVP	46
#define RUMP_IPPROTO_GRE	47
#define RUMP_IPPROTO_ESP	50
#define RUMP_IPPROTO_AH		51
#define RUMP_IPPROTO_MOBILE	55
#define RUMP_IPPROTO_ICMPV6	58
#define RUMP_IPPROTO_IPV6_ICMP	58
#define RUMP_IPPROTO_NONE	59
#define RUMP_IPPROTO_DSTOPTS	60
#define RUMP_IPPROTO_EON	80
#define RUMP_IPPROTO_ETHERIP	97
#define RUMP_IPPROTO_ENCAP	98
#define RUMP_IPPROTO_PIM	103
#define RUMP_IPPROTO_IPCOMP	108
#define RUMP_IPPROTO_VRRP	112
#define RUMP_IPPROTO_CARP	112
#define RUMP_IPPROTO_SCTP	132
#define RUMP_IPPROTO_PFSYNC	240
#define RUMP_IPPROTO_RAW	255
#define RUMP_IPPROTO_MAX	256

/* Level IPPROTO_IP */
#define RUMP_IP_OPTIONS		1
#define RUMP_IP_HDRINCL		2
#define RUMP_IP_TOS		3
#define RUMP_IP_TTL		4
#define RUMP_IP_RECVOPTS	5
#define RUMP_IP_RECVRETOPTS	6
#define RUMP_IP_RECVDSTADDR	7
#define RUMP_IP_RETOPTS		8
#define RUMP_IP_MULTICAST_IF	9	/* rump_in_addr */
#define RUMP_IP_MULTICAST_TTL	10	/* one byte, or int */
#define RUMP_IP_MULTICAST_LOOP	11	/* one byte, or int */
#define RUMP_IP_ADD_MEMBERSHIP	12	/* rump_ip_mreq */
#define RUMP_IP_DROP_MEMBERSHIP	13	/* rump_ip_mreq */
#define RUMP_IP_PORTALGO	18
#define RUMP_IP_PORTRANGE	19
#define RUMP_IP_RECVIF		20
#define RUMP_IP_ERRORMTU	21
#define RUMP_IP_IPSEC_POLICY	22
#define RUMP_IP_RECVTTL		23
#define RUMP_IP_MINTTL		24
#define RUMP_IP_PKTINFO		25
#define RUMP_IP_RECVPKTINFO	26
#define RUMP_IP_DEFAULT_MULTICAST_TTL	1
#define RUMP_IP_DEFAULT_MULTICAST_LOOP	1
#define RUMP_IP_MAX_MEMBERSHIPS		20
#define RUMP_IP_PORTRANGE_DEFAULT	0
#define RUMP_IP_PORTRANGE_HIGH		1
#define RUMP_IP_PORTRANGE_LOW		2

struct rump_ip_mreq {
	struct rump_in_addr imr_multiaddr;
	struct rump_in_addr imr_interface;
};

struct rump_in_pktinfo {
	struct rump_in_addr ipi_addr;
	uint32_t ipi_ifindex;
};

/* Level IPPROTO_IPV6 */
#define RUMP_IPV6_UNICAST_HOPS	4
#define RUMP_IPV6_MULTICAST_IF	9	/* interface index */
#define RUMP_IPV6_MULTICAST_HOPS 10
#define RUMP_IPV6_MULTICAST_LOOP 11
#define RUMP_IPV6_JOIN_GROUP	12	/* rump_ipv6_mreq */
#define RUMP_IPV6_LEAVE_GROUP	13	/* rump_ipv6_mreq */
#define RUMP_IPV6_PORTRANGE	14
#define RUMP_IPV6_PORTALGO	17
#define RUMP_ICMP6_FILTER	18
#define RUMP_IPV6_CHECKSUM	26
#define RUMP_IPV6_V6ONLY	27
#define RUMP_IPV6_IPSEC_POLICY	28
#define RUMP_IPV6_FAITH		29
#define RUMP_IPV6_RTHDRDSTOPTS	35
#define RUMP_IPV6_RECVPKTINFO	36
#define RUMP_IPV6_RECVHOPLIMIT	37
#define RUMP_IPV6_RECVRTHDR	38
#define RUMP_IPV6_RECVHOPOPTS	39
#define RUMP_IPV6_RECVDSTOPTS	40
#define RUMP_IPV6_USE_MIN_MTU	42
#define RUMP_IPV6_RECVPATHMTU	43
#define RUMP_IPV6_PATHMTU	44
#define RUMP_IPV6_PKTINFO	46
#define RUMP_IPV6_HOPLIMIT	47
#define RUMP_IPV6_NEXTHOP	48
#define RUMP_IPV6_HOPOPTS	49
#define RUMP_IPV6_DSTOPTS	50
#define RUMP_IPV6_RTHDR		51
#define RUMP_IPV6_RECVTCLASS	57
#define RUMP_IPV6_TCLASS	61
#define RUMP_IPV6_DONTFRAG	62
#define RUMP_IPV6_PORTRANGE_DEFAULT	0
#define RUMP_IPV6_PORTRANGE_HIGH	1
#define RUMP_IPV6_PORTRANGE_LOW		2

struct rump_ipv6_mreq {
	struct rump_in6_addr ipv6mr_multiaddr;
	uint32_t ipv6mr_interface;
};

struct rump_in6_pktinfo {
	struct rump_in6_addr ipi6_addr;
	uint32_t ipi6_ifindex;
};

/* Level IPPROTO_TCP */
#define RUMP_TCP_NODELAY	1
#define RUMP_TCP_MAXSEG		2
#define RUMP_TCP_KEEPIDLE	3
#define RUMP_TCP_NOPUSH		4
#define RUMP_TCP_KEEPINTVL	5
#define RUMP_TCP_KEEPCNT	6
#define RUMP_TCP_KEEPINIT	7
#define RUMP_TCP_NOOPT		8
#define RUMP_TCP_INFO		9
#define RUMP_TCP_MD5SIG		0x10
#define RUMP_TCP_CONGCTL	0x20
#define RUMP_TCP_MSS		536
#define RUMP_TCP_MINMSS		216
#define RUMP_TCP_MAXWIN		65535
#define RUMP_TCP_MAX_WINSHIFT	14
#define RUMP_TCP_MAXBURST	4

/* --- messages --- */

struct rump_msghdr {
	void *msg_name;
	uint32_t msg_namelen;
	struct rump_iovec *msg_iov;
	int32_t msg_iovlen;
	void *msg_control;
	uint32_t msg_controllen;
	int32_t msg_flags;
};

struct rump_mmsghdr {
	struct rump_msghdr msg_hdr;
	uint32_t msg_len;
};

#define RUMP_MSG_OOB		0x0001
#define RUMP_MSG_PEEK		0x0002
#define RUMP_MSG_DONTROUTE	0x0004
#define RUMP_MSG_EOR		0x0008
#define RUMP_MSG_TRUNC		0x0010
#define RUMP_MSG_CTRUNC		0x0020
#define RUMP_MSG_WAITALL	0x0040
#define RUMP_MSG_DONTWAIT	0x0080
#define RUMP_MSG_BCAST		0x0100
#define RUMP_MSG_MCAST		0x0200
#define RUMP_MSG_NOSIGNAL	0x0400
#define RUMP_MSG_CMSG_CLOEXEC	0x0800
#define RUMP_MSG_NBIO		0x1000
#define RUMP_MSG_WAITFORONE	0x2000
#define RUMP_MSG_NOTIFICATION	0x4000
#define RUMP_MSG_USERFLAGS	0x0ffffff

/* One piece of ancillary data: this header, then the data, 8-aligned. */
struct rump_cmsghdr {
	uint32_t cmsg_len;		/* header, its padding, and data */
	int32_t cmsg_level;
	int32_t cmsg_type;
};

#define RUMP_SCM_RIGHTS		1	/* int32_t each */
#define RUMP_SCM_OCREDS		4	/* rump_sockcred70; no name in NetBSD */
#define RUMP_SCM_TIMESTAMP	8	/* rump_timeval */
#define RUMP_SCM_CREDS		16	/* rump_sockcred */

struct rump_sockcred {
	int32_t sc_pid;
	uint32_t sc_uid;
	uint32_t sc_euid;
	uint32_t sc_gid;
	uint32_t sc_egid;
	int32_t sc_ngroups;
	uint32_t sc_groups[1];		/* sc_ngroups of them */
};

/* Up to NetBSD 7: the same without the pid. */
struct rump_sockcred70 {
	uint32_t sc_uid;
	uint32_t sc_euid;
	uint32_t sc_gid;
	uint32_t sc_egid;
	int32_t sc_ngroups;
	uint32_t sc_groups[1];		/* sc_ngroups of them */
};

static inline size_t
rump_cmsg_align(size_t n)
{

	return (n + 7) & ~(size_t)7;
}

/* cmsg_len of a message with len bytes of data. */
static inline size_t
rump_cmsg_len(size_t len)
{

	return rump_cmsg_align(sizeof(struct rump_cmsghdr)) + len;
}

/* What it occupies in the control buffer. */
static inline size_t
rump_cmsg_space(size_t len)
{

	return rump_cmsg_align(sizeof(struct rump_cmsghdr)) +
	    rump_cmsg_align(len);
}

static inline void *
rump_cmsg_data(const struct rump_cmsghdr *cm)
{

	return (char *)(uintptr_t)cm +
	    rump_cmsg_align(sizeof(struct rump_cmsghdr));
}

/* The first message of mh's control buffer, or NULL. */
static inline struct rump_cmsghdr *
rump_cmsg_firsthdr(const struct rump_msghdr *mh)
{

	if (mh->msg_controllen < sizeof(struct rump_cmsghdr))
		return NULL;
	return (struct rump_cmsghdr *)mh->msg_control;
}

/*
 * The one after cm, or NULL: also when cm claims a length that does not fit
 * the buffer or is shorter than a header.
 */
static inline struct rump_cmsghdr *
rump_cmsg_nxthdr(const struct rump_msghdr *mh, const struct rump_cmsghdr *cm)
{
	size_t off;

	if (cm->cmsg_len < sizeof(struct rump_cmsghdr))
		return NULL;
	off = (size_t)((const char *)cm - (const char *)mh->msg_control) +
	    rump_cmsg_align(cm->cmsg_len);
	if (off + rump_cmsg_align(sizeof(struct rump_cmsghdr)) >
	    mh->msg_controllen)
		return NULL;
	return (struct rump_cmsghdr *)(void *)((char *)mh->msg_control + off);
}

#endif
