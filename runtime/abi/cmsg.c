/* Control messages: what travels beside the data of a message. */
#include <sys/socket.h>
#include <sys/time.h>

#include <netinet/in.h>

#include <string.h>

#include <rump/rumpconv.h>

/* One message taken apart, of either side. */
struct message {
	int level;
	int type;
	const void *data;
	size_t len;
};

/*
 * The next message of a buffer in which *off bytes are done: 1, 0 at the
 * end, -1 when its length is nonsense.  Bytes too few for a header end it.
 */
static int
next_nb(const void *buf, size_t len, size_t *off, struct message *m)
{
	const size_t head = rump_cmsg_align(sizeof(struct rump_cmsghdr));
	struct rump_cmsghdr cm;

	if (*off >= len || len - *off < sizeof(cm))
		return 0;
	memcpy(&cm, (const char *)buf + *off, sizeof(cm));
	if (cm.cmsg_len < head || cm.cmsg_len > len - *off)
		return -1;
	m->level = cm.cmsg_level;
	m->type = cm.cmsg_type;
	m->data = (const char *)buf + *off + head;
	m->len = cm.cmsg_len - head;
	*off += rump_cmsg_align(cm.cmsg_len);
	return 1;
}

static int
next_host(const void *buf, size_t len, size_t *off, struct message *m)
{
	struct cmsghdr cm;

	if (*off >= len || len - *off < sizeof(cm))
		return 0;
	memcpy(&cm, (const char *)buf + *off, sizeof(cm));
	if (cm.cmsg_len < CMSG_LEN(0) || cm.cmsg_len > len - *off)
		return -1;
	m->level = cm.cmsg_level;
	m->type = cm.cmsg_type;
	m->data = (const char *)buf + *off + CMSG_LEN(0);
	m->len = cm.cmsg_len - CMSG_LEN(0);
	*off += CMSG_ALIGN(cm.cmsg_len);
	return 1;
}

static int
put_host(void *buf, size_t room, size_t *off, int level, int type,
    const void *data, size_t len)
{
	struct cmsghdr cm;

	if (room - *off < CMSG_SPACE(len))
		return RUMP_EINVAL;
	memset((char *)buf + *off, 0, CMSG_SPACE(len));
	memset(&cm, 0, sizeof(cm));
	cm.cmsg_len = CMSG_LEN(len);
	cm.cmsg_level = level;
	cm.cmsg_type = type;
	memcpy((char *)buf + *off, &cm, sizeof(cm));
	memcpy((char *)buf + *off + CMSG_LEN(0), data, len);
	*off += CMSG_SPACE(len);
	return 0;
}

/* The last message may do without the padding at its end. */
static bool
put_nb(void *buf, size_t room, size_t *off, int level, int type,
    const void *data, size_t len)
{
	struct rump_cmsghdr cm;
	size_t space = rump_cmsg_space(len);

	if (room < *off || room - *off < rump_cmsg_len(len))
		return false;
	if (space > room - *off)
		space = room - *off;
	memset((char *)buf + *off, 0, space);
	cm.cmsg_len = (uint32_t)rump_cmsg_len(len);
	cm.cmsg_level = level;
	cm.cmsg_type = type;
	memcpy((char *)buf + *off, &cm, sizeof(cm));
	memcpy((char *)buf + *off + rump_cmsg_len(0), data, len);
	*off += space;
	return true;
}

static int
pktinfo_to_host(const struct message *m, void *host, size_t room, size_t *off)
{
	struct rump_in_pktinfo nb;
	struct in_pktinfo pi;

	if (m->len < sizeof(nb))
		return RUMP_EINVAL;
	memcpy(&nb, m->data, sizeof(nb));
	memset(&pi, 0, sizeof(pi));
	pi.ipi_ifindex = (int)nb.ipi_ifindex;
	pi.ipi_spec_dst.s_addr = nb.ipi_addr.s_addr;
	return put_host(host, room, off, IPPROTO_IP, IP_PKTINFO, &pi,
	    sizeof(pi));
}

/* Where it is to be sent from, alone. */
static int
srcaddr_to_host(const struct message *m, void *host, size_t room, size_t *off)
{
	struct in_pktinfo pi;

	if (m->len < sizeof(pi.ipi_spec_dst))
		return RUMP_EINVAL;
	memset(&pi, 0, sizeof(pi));
	memcpy(&pi.ipi_spec_dst, m->data, sizeof(pi.ipi_spec_dst));
	return put_host(host, room, off, IPPROTO_IP, IP_PKTINFO, &pi,
	    sizeof(pi));
}

/* Messages of which only the numbers differ. */
struct plain {
	int nblevel, nbtype, level, type;
	size_t len;
};

static const struct plain plain[] = {
	{ RUMP_IPPROTO_IP, RUMP_IP_TOS, IPPROTO_IP, IP_TOS, 4 },
	{ RUMP_IPPROTO_IPV6, RUMP_IPV6_PKTINFO, IPPROTO_IPV6, IPV6_PKTINFO,
	    sizeof(struct rump_in6_pktinfo) },
	{ RUMP_IPPROTO_IPV6, RUMP_IPV6_HOPLIMIT, IPPROTO_IPV6, IPV6_HOPLIMIT,
	    4 },
	{ RUMP_IPPROTO_IPV6, RUMP_IPV6_TCLASS, IPPROTO_IPV6, IPV6_TCLASS, 4 },
};

static int
one_to_host(const struct message *m, void *host, size_t room, size_t *off)
{
	size_t i;

	if (m->level == RUMP_SOL_SOCKET && m->type == RUMP_SCM_RIGHTS)
		return put_host(host, room, off, SOL_SOCKET, SCM_RIGHTS,
		    m->data, m->len);
	if (m->level == RUMP_IPPROTO_IP && m->type == RUMP_IP_PKTINFO)
		return pktinfo_to_host(m, host, room, off);
	if (m->level == RUMP_IPPROTO_IP && m->type == RUMP_IP_RECVDSTADDR)
		return srcaddr_to_host(m, host, room, off);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i].nblevel != m->level || plain[i].nbtype != m->type)
			continue;
		if (m->len < plain[i].len)
			return RUMP_EINVAL;
		return put_host(host, room, off, plain[i].level,
		    plain[i].type, m->data, plain[i].len);
	}
	return RUMP_EINVAL;
}

int
rump_conv_cmsg_to_host(const void *nb, size_t len, void *host,
    size_t *hostlen)
{
	struct message m;
	size_t in = 0, out = 0;
	int error, got;

	while ((got = next_nb(nb, len, &in, &m)) == 1) {
		error = one_to_host(&m, host, *hostlen, &out);
		if (error != 0)
			return error;
	}
	if (got < 0)
		return RUMP_EINVAL;
	*hostlen = out;
	return 0;
}

static bool
creds_from_host(const struct message *m, void *nb, size_t room, size_t *off)
{
	struct ucred cred;
	struct rump_sockcred sc;

	if (m->len < sizeof(cred))
		return true;
	memcpy(&cred, m->data, sizeof(cred));
	memset(&sc, 0, sizeof(sc));
	sc.sc_pid = cred.pid;
	sc.sc_uid = sc.sc_euid = cred.uid;
	sc.sc_gid = sc.sc_egid = cred.gid;
	return put_nb(nb, room, off, RUMP_SOL_SOCKET, RUMP_SCM_CREDS, &sc,
	    sizeof(sc));
}

static bool
time_from_host(const struct message *m, void *nb, size_t room, size_t *off)
{
	struct timeval tv;
	struct rump_timeval out;

	if (m->len < sizeof(tv))
		return true;
	memcpy(&tv, m->data, sizeof(tv));
	rump_conv_timeval_from_host(&tv, &out);
	return put_nb(nb, room, off, RUMP_SOL_SOCKET, RUMP_SCM_TIMESTAMP,
	    &out, sizeof(out));
}

static bool
pktinfo_from_host(const struct message *m, void *nb, size_t room, size_t *off)
{
	struct in_pktinfo pi;
	struct rump_in_pktinfo out;

	if (m->len < sizeof(pi))
		return true;
	memcpy(&pi, m->data, sizeof(pi));
	out.ipi_addr.s_addr = pi.ipi_addr.s_addr;
	out.ipi_ifindex = (uint32_t)pi.ipi_ifindex;
	return put_nb(nb, room, off, RUMP_IPPROTO_IP, RUMP_IP_PKTINFO, &out,
	    sizeof(out));
}

/* The host has an int for it. */
static bool
ttl_from_host(const struct message *m, void *nb, size_t room, size_t *off)
{
	uint8_t byte;
	int ttl;

	if (m->len < sizeof(ttl))
		return true;
	memcpy(&ttl, m->data, sizeof(ttl));
	byte = (uint8_t)ttl;
	return put_nb(nb, room, off, RUMP_IPPROTO_IP, RUMP_IP_RECVTTL, &byte,
	    sizeof(byte));
}

/* False when it does not fit. */
static bool
one_from_host(const struct message *m, void *nb, size_t room, size_t *off)
{
	size_t i;

	if (m->level == SOL_SOCKET && m->type == SCM_RIGHTS)
		return put_nb(nb, room, off, RUMP_SOL_SOCKET, RUMP_SCM_RIGHTS,
		    m->data, m->len);
	if (m->level == SOL_SOCKET && m->type == SCM_CREDENTIALS)
		return creds_from_host(m, nb, room, off);
	if (m->level == SOL_SOCKET && m->type == SCM_TIMESTAMP)
		return time_from_host(m, nb, room, off);
	if (m->level == IPPROTO_IP && m->type == IP_PKTINFO)
		return pktinfo_from_host(m, nb, room, off);
	if (m->level == IPPROTO_IP && m->type == IP_TTL)
		return ttl_from_host(m, nb, room, off);
	for (i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (plain[i].level != m->level || plain[i].type != m->type ||
		    m->len < plain[i].len)
			continue;
		return put_nb(nb, room, off, plain[i].nblevel,
		    plain[i].nbtype, m->data, plain[i].len);
	}
	return true;
}

int
rump_conv_cmsg_from_host(const void *host, size_t len, void *nb,
    uint32_t *nblen, bool *truncated)
{
	struct message m;
	size_t in = 0, out = 0;
	int got;

	*truncated = false;
	while ((got = next_host(host, len, &in, &m)) == 1) {
		if (!one_from_host(&m, nb, *nblen, &out)) {
			*truncated = true;
			break;
		}
	}
	if (got < 0)
		return RUMP_EINVAL;
	*nblen = (uint32_t)out;
	return 0;
}
