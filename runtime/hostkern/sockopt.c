/*
 * Options of sockets.
 */
#include <netinet/in.h>

#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/ktime.h"
#include "hostkern/sock.h"

/* An option's value in NetBSD's form. */
struct optval {
	_Alignas(8) char data[SOCK_OPTMAX];
	uint32_t len;		/* when getting: room, then length */
};

static int
get_int(const struct optval *v, int *n)
{

	if (v->len != sizeof(*n))
		return RUMP_EINVAL;
	memcpy(n, v->data, sizeof(*n));
	return 0;
}

static int
put_value(struct optval *v, const void *data, uint32_t len)
{

	if (v->len > len)
		v->len = len;
	memcpy(v->data, data, v->len);
	return 0;
}

static int
put_int(struct optval *v, int n)
{

	return put_value(v, &n, sizeof(n));
}

/* --- options the host's socket cannot keep for us --- */

static int
set_timeout(_Atomic int64_t *ns, const struct optval *v, bool old)
{
	struct rump_timeval tv;
	struct rump_timeval50 tv50;
	int64_t n;
	int error;

	if (old) {
		if (v->len != sizeof(tv50))
			return RUMP_EINVAL;
		memcpy(&tv50, v->data, sizeof(tv50));
		tv = (struct rump_timeval){ .tv_sec = tv50.tv_sec,
		    .tv_usec = (int32_t)tv50.tv_usec };
	} else {
		if (v->len != sizeof(tv))
			return RUMP_EINVAL;
		memcpy(&tv, v->data, sizeof(tv));
	}
	error = ktime_fromval(&tv, &n);
	if (error != 0 || n < 0)
		return RUMP_EDOM;
	atomic_store(ns, n);
	return 0;
}

static int
get_timeout(_Atomic int64_t *ns, struct optval *v, bool old)
{
	struct rump_timeval tv = ktime_toval(atomic_load(ns));
	struct rump_timeval50 tv50 = { tv.tv_sec, tv.tv_usec };

	if (old)
		return put_value(v, &tv50, sizeof(tv50));
	return put_value(v, &tv, sizeof(tv));
}

/* Options that say yes or no, and mean nothing to the host or are not
 * everybody's there. */
static bool
keeps(const struct ksock *so, int name)
{

	return name == RUMP_SO_USELOOPBACK || name == RUMP_SO_DEBUG ||
	    (name == RUMP_SO_REUSEPORT && so->domain == RUMP_AF_LOCAL);
}

static int
set_bit(atomic_int *bits, int bit, int on)
{

	if (on)
		atomic_fetch_or(bits, bit);
	else
		atomic_fetch_and(bits, ~bit);
	return 0;
}

/* EPASSTHROUGH: not one of these. */
static int
set_own(struct file *f, int name, const struct optval *v)
{
	struct ksock *so = sock_of(f);
	int error, n;

	switch (name) {
	case RUMP_SO_SNDTIMEO:
	case RUMP_SO_OSNDTIMEO:
		return set_timeout(&so->sndtimeo, v,
		    name == RUMP_SO_OSNDTIMEO);
	case RUMP_SO_RCVTIMEO:
	case RUMP_SO_ORCVTIMEO:
		return set_timeout(&so->rcvtimeo, v,
		    name == RUMP_SO_ORCVTIMEO);
	case RUMP_SO_NOSIGPIPE:
	case RUMP_SO_SNDLOWAT:
		break;
	case RUMP_SO_ACCEPTCONN:
	case RUMP_SO_TYPE:
	case RUMP_SO_ERROR:
	case RUMP_SO_OVERFLOWED:
		return RUMP_ENOPROTOOPT;
	default:
		if (!keeps(so, name))
			return RUMP_EPASSTHROUGH;
	}
	error = get_int(v, &n);
	if (error != 0)
		return error;
	if (name == RUMP_SO_NOSIGPIPE)
		return set_bit(&f->flags, RUMP_O_NOSIGPIPE, n);
	if (name != RUMP_SO_SNDLOWAT)
		return set_bit(&so->options, name, n);
	if (n < 1)
		return RUMP_EINVAL;
	atomic_store(&so->sndlowat, n);
	return 0;
}

static int
get_own(struct file *f, int name, struct optval *v)
{
	struct ksock *so = sock_of(f);

	switch (name) {
	case RUMP_SO_SNDTIMEO:
	case RUMP_SO_OSNDTIMEO:
		return get_timeout(&so->sndtimeo, v,
		    name == RUMP_SO_OSNDTIMEO);
	case RUMP_SO_RCVTIMEO:
	case RUMP_SO_ORCVTIMEO:
		return get_timeout(&so->rcvtimeo, v,
		    name == RUMP_SO_ORCVTIMEO);
	case RUMP_SO_NOSIGPIPE:
		return put_int(v,
		    (atomic_load(&f->flags) & RUMP_O_NOSIGPIPE) != 0);
	case RUMP_SO_SNDLOWAT:
		return put_int(v, atomic_load(&so->sndlowat));
	case RUMP_SO_OVERFLOWED:
		return put_int(v, 0);
	default:
		return keeps(so, name) ?
		    put_int(v, (atomic_load(&so->options) & name) != 0) :
		    RUMP_EPASSTHROUGH;
	}
}

/* Level 0 of a local socket. */
static int
set_local(struct file *f, int name, const struct optval *v)
{
	int error, n;

	if (name != RUMP_LOCAL_CREDS && name != RUMP_LOCAL_OCREDS)
		return RUMP_ENOPROTOOPT;
	error = get_int(v, &n);
	if (error == 0)
		atomic_store(&sock_of(f)->wantcreds, n != 0 ? name : 0);
	return error;
}

static int
get_local(struct file *f, int name, struct optval *v)
{
	struct ksock *so = sock_of(f);
	struct rump_unpcbid id;
	struct sockid peer;
	bool known;

	if (name == RUMP_LOCAL_CREDS || name == RUMP_LOCAL_OCREDS)
		return put_int(v, atomic_load(&so->wantcreds) == name);
	if (name != RUMP_LOCAL_PEEREID)
		return RUMP_ENOPROTOOPT;
	pthread_mutex_lock(&f->lock);
	known = so->have_peerid;
	peer = so->peerid;
	pthread_mutex_unlock(&f->lock);
	id = (struct rump_unpcbid){ peer.pid, peer.euid, peer.egid };
	return known ? put_value(v, &id, sizeof(id)) : RUMP_ENOTCONN;
}

/* --- the host's --- */

/* Values that the host takes for others. */
static int
check_value(int name, const struct optval *v)
{
	struct rump_linger lg;
	int error, n;

	switch (name) {
	case RUMP_SO_LINGER:
		if (v->len != sizeof(lg))
			return RUMP_EINVAL;
		memcpy(&lg, v->data, sizeof(lg));
		return lg.l_linger < 0 || lg.l_linger > UINT16_MAX ?
		    RUMP_EDOM : 0;
	case RUMP_SO_SNDBUF:
	case RUMP_SO_RCVBUF:
	case RUMP_SO_RCVLOWAT:
		error = get_int(v, &n);
		return error == 0 && n < 1 ? RUMP_EINVAL : error;
	default:
		return 0;
	}
}

static bool
is_buffer(const struct rump_conv_sockopt *o)
{

	return o->level == SOL_SOCKET &&
	    (o->name == SO_SNDBUF || o->name == SO_RCVBUF);
}

/* The host makes as much of a buffer as it has; NetBSD refuses then. */
static int
set_buffer(struct file *f, int name, const struct optval *v)
{
	socklen_t len = sizeof(int);
	int before, now, size;

	memcpy(&size, v->data, sizeof(size));
	if (getsockopt(f->hfd, SOL_SOCKET, name, &before, &len) != 0 ||
	    setsockopt(f->hfd, SOL_SOCKET, name, &size, sizeof(size)) != 0 ||
	    getsockopt(f->hfd, SOL_SOCKET, name, &now, &len) != 0)
		return kern_errno();
	if (now / 2 >= size)
		return 0;
	before /= 2;
	(void)setsockopt(f->hfd, SOL_SOCKET, name, &before, sizeof(before));
	return RUMP_ENOBUFS;
}

static int
set_host(struct file *f, int level, int name, const struct optval *v)
{
	_Alignas(8) char host[RUMP_CONV_SOCKOPT_MAX];
	struct rump_conv_sockopt o;
	socklen_t len = sizeof(host);
	int error;

	error = rump_conv_sockopt_to_host(sock_of(f)->domain, level, name, &o);
	if (error == 0 && o.type == RUMP_CONV_SOCKOPT_INT &&
	    v->len != sizeof(int))
		error = RUMP_EINVAL;
	if (error == 0 && level == RUMP_SOL_SOCKET)
		error = check_value(name, v);
	if (error == 0)
		error = rump_conv_sockoptval_to_host(o.type, v->data, v->len,
		    host, &len);
	if (error != 0)
		return error;
	if (is_buffer(&o))
		return set_buffer(f, o.name, v);
	return setsockopt(f->hfd, o.level, o.name, host, len) == 0 ? 0 :
	    kern_errno();
}

/* The host doubles what was asked for, to account for its own needs. */
static void
halve(void *host)
{
	int n;

	memcpy(&n, host, sizeof(n));
	n /= 2;
	memcpy(host, &n, sizeof(n));
}

static int
get_host(struct file *f, int level, int name, struct optval *v)
{
	_Alignas(8) char host[RUMP_CONV_SOCKOPT_MAX], nb[RUMP_CONV_SOCKOPT_MAX];
	struct rump_conv_sockopt o;
	socklen_t len = sizeof(host);
	uint32_t nblen = sizeof(nb);
	int error;

	error = rump_conv_sockopt_to_host(sock_of(f)->domain, level, name, &o);
	if (error != 0)
		return error;
	if (getsockopt(f->hfd, o.level, o.name, host, &len) != 0)
		return kern_errno();
	if (is_buffer(&o))
		halve(host);
	if (o.type == RUMP_CONV_SOCKOPT_INT8 && v->len == 1)
		nblen = 1;
	error = rump_conv_sockoptval_from_host(o.type, host, len, nb, &nblen);
	return error != 0 ? error : put_value(v, nb, nblen);
}

/* --- where a datagram was sent to, which the host tells in one way only --- */

static int
told_bit(const struct file *f, int level, int name)
{

	if (sock_of(f)->domain != RUMP_AF_INET || level != RUMP_IPPROTO_IP)
		return 0;
	switch (name) {
	case RUMP_IP_RECVPKTINFO:
	case RUMP_IP_PKTINFO:	/* with an int, NetBSD takes it for that one */
		return SOCK_TELL_PKTINFO;
	case RUMP_IP_RECVDSTADDR:
		return SOCK_TELL_DSTADDR;
	default:
		return 0;
	}
}

static int
set_told(struct file *f, int bit, const struct optval *v)
{
	atomic_int *tell = &sock_of(f)->tell;
	int error, n, on;

	error = get_int(v, &n);
	if (error != 0)
		return error;
	(void)set_bit(tell, bit, n);
	on = atomic_load(tell) != 0;
	return setsockopt(f->hfd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on)) ==
	    0 ? 0 : kern_errno();
}

/* --- where ports are chosen, which the host does its own way --- */

static bool
is_portrange(const struct file *f, int level, int name)
{
	int domain = sock_of(f)->domain;

	/* IPv6's three values are the same. */
	return (domain == RUMP_AF_INET && level == RUMP_IPPROTO_IP &&
	    name == RUMP_IP_PORTRANGE) || (domain == RUMP_AF_INET6 &&
	    level == RUMP_IPPROTO_IPV6 && name == RUMP_IPV6_PORTRANGE);
}

static int
set_portrange(struct file *f, const struct optval *v)
{
	int error, n;

	error = get_int(v, &n);
	if (error == 0 && (n < RUMP_IP_PORTRANGE_DEFAULT ||
	    n > RUMP_IP_PORTRANGE_LOW))
		error = RUMP_EINVAL;
	if (error == 0)
		atomic_store(&sock_of(f)->portrange, n);
	return error;
}

static int
set_option(struct file *f, int level, int name, const struct optval *v)
{
	int bit, error = RUMP_EPASSTHROUGH;

	if (sock_of(f)->domain == RUMP_AF_LOCAL && level == 0)
		return set_local(f, name, v);
	bit = told_bit(f, level, name);
	if (bit != 0)
		return set_told(f, bit, v);
	if (is_portrange(f, level, name))
		return set_portrange(f, v);
	if (level == RUMP_SOL_SOCKET)
		error = set_own(f, name, v);
	if (error == RUMP_EPASSTHROUGH)
		error = set_host(f, level, name, v);
	return error;
}

static int
get_option(struct file *f, int level, int name, struct optval *v)
{
	int bit, error = RUMP_EPASSTHROUGH;

	if (sock_of(f)->domain == RUMP_AF_LOCAL && level == 0)
		return get_local(f, name, v);
	bit = told_bit(f, level, name);
	if (bit != 0)
		return put_int(v, (atomic_load(&sock_of(f)->tell) & bit) != 0);
	if (is_portrange(f, level, name))
		return put_int(v, atomic_load(&sock_of(f)->portrange));
	if (level == RUMP_SOL_SOCKET)
		error = get_own(f, name, v);
	if (error == RUMP_EPASSTHROUGH)
		error = get_host(f, level, name, v);
	return error;
}

/* @partial sys_setsockopt: the options of runtime/abi/sockopt.c; IP_RECVDSTADDR, IP_PKTINFO and IP_PORTRANGE; no IPsec policies, accept filters, LOCAL_CONNWAIT or congestion control by name */
int
sys_setsockopt(struct lwp *l, const struct sys_setsockopt_args *uap,
    register_t *retval)
{
	struct optval v = { .len = uap->valsize };
	struct file *f;
	int error;

	(void)retval;
	if (v.len > sizeof(v.data) || (uap->val == 0 && v.len > 0))
		return RUMP_EINVAL;
	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	error = rumpserver_copyin(l, uap->val, v.data, v.len);
	if (error == 0)
		error = cred_assume(kern_proc(l));
	if (error == 0)
		error = set_option(f, uap->level, uap->name, &v);
	file_put(f);
	return error;
}

/* @partial sys_getsockopt: the options of runtime/abi/sockopt.c */
int
sys_getsockopt(struct lwp *l, const struct sys_getsockopt_args *uap,
    register_t *retval)
{
	struct optval v = { .len = 0 };
	struct file *f;
	int error;

	(void)retval;
	if (uap->val != 0) {
		error = rumpserver_copyin(l, uap->avalsize, &v.len,
		    sizeof(v.len));
		if (error != 0)
			return error;
		if (v.len > sizeof(v.data))
			v.len = sizeof(v.data);
	}
	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	error = get_option(f, uap->level, uap->name, &v);
	file_put(f);
	if (error != 0 || uap->val == 0)
		return error;
	error = rumpserver_copyout(l, v.data, uap->val, v.len);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &v.len, uap->avalsize, sizeof(v.len));
}
