/*
 * Sockets: made, connected, accepted, closed.  sendmsg.c and recvmsg.c
 * move the data, sockopt.c has the options.
 */
#include <sys/ioctl.h>

#include <netinet/in.h>

#include <linux/sockios.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/async.h"
#include "hostkern/ktime.h"
#include "hostkern/sock.h"

static void
socket_destroy(struct hostkern *hk)
{
	struct sockets *ss = kern_sockets(hk);

	if (ss == NULL)
		return;
	rights_destroy(hk);
	pthread_mutex_destroy(&ss->lock);
	free(ss);
}

static int
socket_create(struct hostkern *hk)
{
	struct sockets *ss;
	int error;

	ss = calloc(1, sizeof(*ss));
	if (ss == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&ss->lock, NULL);
	hk->ext[KERN_SLOT_SOCKET] = ss;
	error = rights_create(hk);
	if (error != 0)
		socket_destroy(hk);
	return error;
}

const struct kern_module socket_module = {
	.create = socket_create,
	.destroy = socket_destroy,
};

static uint64_t
new_box(struct hostkern *hk)
{

	return atomic_fetch_add(&kern_sockets(hk)->lastbox, 1) + 1;
}

/* The host's close would wait that long, though the socket never blocks and
 * whoever asked for it may have gone.  What lingers for no time is reset. */
static void
stop_lingering(const struct file *f)
{
	const struct linger off = { 0, 0 };
	struct linger lg;
	socklen_t len = sizeof(lg);

	if (getsockopt(f->hfd, SOL_SOCKET, SO_LINGER, &lg, &len) == 0 &&
	    lg.l_linger > 0)
		(void)setsockopt(f->hfd, SOL_SOCKET, SO_LINGER, &off,
		    sizeof(off));
}

static void
sock_close(struct file *f)
{
	struct ksock *so = sock_of(f);

	sockname_forget(f->hk, so);
	kqueue_source_free(&so->watchers);
	if (so->domain != RUMP_AF_LOCAL)
		stop_lingering(f);
	free(so);
}

/* read(2) and write(2) wait as recv and send do. */
static int
sock_file_wait(struct lwp *l, struct file *f, short events)
{

	return sock_wait(l, f, events, false);
}

/* Bytes on their way; what the host cannot tell of a kind of socket is 0. */
static int
bytes_queued(const struct file *f)
{
	int n = 0;

	(void)ioctl(f->hfd, SIOCOUTQ, &n);
	return n;
}

static int
bytes_free(const struct file *f)
{
	socklen_t len = sizeof(int);
	int size = 0, used = bytes_queued(f);

	(void)getsockopt(f->hfd, SOL_SOCKET, SO_SNDBUF, &size, &len);
	size /= 2;		/* the host doubles what was asked for */
	return size > used ? size - used : 0;
}

static int
sock_ioctl(struct lwp *l, struct file *f, unsigned long com,
    rump_uaddr_t data, register_t *retval)
{
	int error, n;

	(void)retval;
	switch (com) {
	case RUMP_SIOCSPGRP:
		error = rumpserver_copyin(l, data, &n, sizeof(n));
		return error != 0 ? error :
		    async_setowner(kern_proc(l), f, n);
	case RUMP_SIOCGPGRP:
		n = async_getowner(f);
		break;
	case RUMP_SIOCATMARK:
		if (ioctl(f->hfd, SIOCATMARK, &n) != 0)
			n = 0;	/* of a kind that has no marks */
		break;
	case RUMP_FIONWRITE:
		n = bytes_queued(f);
		break;
	case RUMP_FIONSPACE:
		n = bytes_free(f);
		break;
	default:
		return RUMP_EPASSTHROUGH;
	}
	return rumpserver_copyout(l, &n, data, sizeof(n));
}

static const struct fileops sock_ops = {
	.close = sock_close,
	.ioctl = sock_ioctl,
	.read = sock_read,
	.write = sock_write,
	.wait = sock_file_wait,
};

int
sock_make(struct kproc *p, int domain, int type, int flags, struct file **fp)
{
	struct ksock *so;
	int error;

	so = calloc(1, sizeof(*so));
	if (so == NULL)
		return RUMP_ENOMEM;
	so->domain = domain;
	so->type = type;
	so->box = new_box(p->hk);
	so->lastcaller = &so->callers;
	LIST_INIT(&so->waiters);
	kqueue_source_init(&so->watchers);
	atomic_init(&so->sndlowat, 2048);
	atomic_init(&so->options, RUMP_SO_USELOOPBACK);
	error = file_make(p, FILE_SOCKET, flags, FILE_SLOW, &sock_ops, fp);
	if (error != 0) {
		kqueue_source_free(&so->watchers);
		free(so);
		return error;
	}
	(*fp)->data = so;
	return 0;
}

void
sock_watch(struct file *f, struct sock_waiter *w, struct lwp *l)
{

	w->l = l;
	pthread_mutex_lock(&f->lock);
	LIST_INSERT_HEAD(&sock_of(f)->waiters, w, link);
	pthread_mutex_unlock(&f->lock);
}

void
sock_unwatch(struct file *f, struct sock_waiter *w)
{

	pthread_mutex_lock(&f->lock);
	LIST_REMOVE(w, link);
	pthread_mutex_unlock(&f->lock);
}

/* It has been connected (or not), or listens now. */
static void
changed(struct file *f)
{
	struct ksock *so = sock_of(f);
	struct sock_waiter *w;

	pthread_mutex_lock(&f->lock);
	LIST_FOREACH(w, &so->waiters, link)
		rumpserver_wake(w->l);
	pthread_mutex_unlock(&f->lock);
	kqueue_source_changed(&so->watchers);
}

int
sock_get(struct kproc *p, int fd, struct file **fp)
{
	struct file *f;
	int error;

	error = fd_get(p, fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_SOCKET) {
		file_put(f);
		return RUMP_ENOTSOCK;
	}
	*fp = f;
	return 0;
}

bool
sock_is_connected(const struct file *f)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getpeername(f->hfd, (struct sockaddr *)&ss, &len) == 0;
}

int
sock_wait(struct lwp *l, struct file *f, short events, bool nowait)
{
	struct ksock *so = sock_of(f);
	int64_t limit;

	if (nowait || (atomic_load(&f->flags) & RUMP_O_NONBLOCK) != 0)
		return RUMP_EWOULDBLOCK;
	limit = (events & POLLOUT) != 0 ? so->sndtimeo : so->rcvtimeo;
	return file_sleep_until(l, f, events, limit == 0 ? INT64_MAX :
	    ktime_add(ktime_uptime(), limit));
}

/* What O_ flags the SOCK_ flags of a call mean. */
static int
sock_flags(int type)
{
	int flags = 0;

	if ((type & RUMP_SOCK_NONBLOCK) != 0)
		flags |= RUMP_O_NONBLOCK;
	if ((type & RUMP_SOCK_NOSIGPIPE) != 0)
		flags |= RUMP_O_NOSIGPIPE;
	return flags;
}

/* Domain, type and protocol to the host's, as NetBSD would refuse them. */
static int
check_kind(struct hostkern *hk, int *domain, int *type, int protocol)
{
	bool local;
	int error;

	if (*domain == RUMP_AF_UNSPEC ||
	    (hk->no_net && *domain != RUMP_AF_LOCAL))
		return RUMP_EAFNOSUPPORT;
	local = *domain == RUMP_AF_LOCAL;
	error = rump_conv_domain_to_host(*domain, domain);
	if (error == 0)
		error = rump_conv_socktype_to_host(*type, type);
	/* The host would take raw ones, and its own number as protocol. */
	if (error == 0 && local && ((*type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) ==
	    SOCK_RAW || protocol != 0))
		error = RUMP_EPROTOTYPE;
	if (error == RUMP_EPROTOTYPE && protocol != 0)
		error = RUMP_EPROTONOSUPPORT;
	*type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	return error;
}

static int
host_refusal(void)
{

	return errno == ESOCKTNOSUPPORT ? RUMP_EPROTOTYPE : kern_errno();
}

/* @partial sys___socket30: local, inet and inet6; no routing sockets or other families */
int
sys___socket30(struct lwp *l, const struct sys___socket30_args *uap,
    register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int domain = uap->domain, type = uap->type, error, fd, on = 1;

	error = check_kind(p->hk, &domain, &type, uap->protocol);
	if (error != 0)
		return error;
	error = sock_make(p, uap->domain, type,
	    RUMP_O_RDWR | sock_flags(uap->type), &f);
	if (error != 0)
		return error;
	if (cred_assume(p) == 0)
		f->hfd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    uap->protocol);
	if (f->hfd == -1) {
		error = host_refusal();
		file_put(f);
		return error;
	}
	/* As on NetBSD, unless the guest wants the IPv4 addresses, too. */
	if (domain == AF_INET6)
		(void)setsockopt(f->hfd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	error = fd_install(p, &f, 0, (uap->type & RUMP_SOCK_CLOEXEC) != 0,
	    &fd);
	if (error == 0)
		retval[0] = fd;
	return error;
}

struct sockid
sock_id(struct kproc *p)
{
	struct kcred *c = cred_get(p);
	struct sockid id = { .pid = p->pid, .ruid = c->ruid, .euid = c->euid,
	    .rgid = c->rgid, .egid = c->egid, .ngroups = cred_shown(c) };

	memcpy(id.groups, c->groups, id.ngroups * sizeof(id.groups[0]));
	cred_put(c);
	return id;
}

static void
set_peerid(struct ksock *so, const struct sockid *id)
{

	so->have_peerid = true;
	so->peerid = *id;
}

static int
make_pair(struct lwp *l, const struct sys_socketpair_args *uap)
{
	struct kproc *p = kern_proc(l);
	const rump_uaddr_t rsv = uap->rsv;
	struct sockid id = sock_id(p);
	struct file *f[2] = { NULL, NULL };
	int domain = uap->domain, type = uap->type, error, fd[2], hfd[2], i;

	error = check_kind(p->hk, &domain, &type, uap->protocol);
	for (i = 0; i < 2 && error == 0; i++)
		error = sock_make(p, uap->domain, type,
		    RUMP_O_RDWR | sock_flags(uap->type), &f[i]);
	if (error == 0)
		error = cred_assume(p);
	if (error == 0 && socketpair(domain, type | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, uap->protocol, hfd) != 0)
		error = host_refusal();
	if (error != 0) {
		file_put(f[0]);
		file_put(f[1]);
		return error;
	}
	for (i = 0; i < 2; i++) {
		f[i]->hfd = hfd[i];
		atomic_store(&sock_of(f[i])->connected, true);
		set_peerid(sock_of(f[i]), &id);
	}
	atomic_store(&sock_of(f[0])->peerbox, sock_of(f[1])->box);
	atomic_store(&sock_of(f[1])->peerbox, sock_of(f[0])->box);
	return fd_install_pair(l, f, (uap->type & RUMP_SOCK_CLOEXEC) != 0,
	    &rsv, fd);
}

int
sys_socketpair(struct lwp *l, const struct sys_socketpair_args *uap,
    register_t *retval)
{

	(void)retval;
	return make_pair(l, uap);
}

int
sys_bind(struct lwp *l, const struct sys_bind_args *uap, register_t *retval)
{
	struct sockname sn;
	struct file *f;
	int error;

	(void)retval;
	error = sockname_copyin(l, uap->name, uap->namelen, &sn);
	if (error == 0)
		error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	error = sockname_bind(l, f, &sn);
	file_put(f);
	return error;
}

/* Where nobody could find it, a local socket cannot listen. */
static int
check_listen(struct file *f)
{
	struct sockets *sks = kern_sockets(f->hk);
	struct ksock *so = sock_of(f);
	bool bound;

	if (so->domain != RUMP_AF_LOCAL || !sock_has_connections(so) ||
	    sock_is_connected(f))
		return 0;
	pthread_mutex_lock(&sks->lock);
	bound = so->number != 0;
	pthread_mutex_unlock(&sks->lock);
	return bound ? 0 : RUMP_EDESTADDRREQ;
}

int
sys_listen(struct lwp *l, const struct sys_listen_args *uap,
    register_t *retval)
{
	struct file *f;
	int error;

	(void)retval;
	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	error = check_listen(f);
	if (error == 0)
		error = sockname_bind_low(l, f);
	if (error == 0)
		error = cred_assume(kern_proc(l));
	if (error == 0 &&
	    listen(f->hfd, uap->backlog < 0 ? 0 : uap->backlog) != 0)
		error = kern_errno();
	changed(f);
	file_put(f);
	return error;
}

/* --- connect --- */

/* How the host's attempt ended, once the socket is writable. */
static int
connect_result(struct file *f)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(f->hfd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return kern_errno();
	return rump_conv_errno_from_host(error);
}

/* The socket's time limits are for sending and receiving. */
static int
connect_wait(struct lwp *l, struct file *f)
{
	int error;

	if ((atomic_load(&f->flags) & RUMP_O_NONBLOCK) != 0)
		return RUMP_EINPROGRESS;
	error = file_sleep_until(l, f, POLLOUT, INT64_MAX);
	return error != 0 ? error : connect_result(f);
}

/*
 * connect(2) to the local socket whose file fd is.  The host does not know
 * guests, so whoever will accept learns from us who it is: while the lock is
 * held, our queue of callers grows as the host's does.
 */
static int
connect_local(struct kproc *p, struct file *f,
    const struct sockaddr_storage *ss, socklen_t len, int fd)
{
	struct sockets *sks = kern_sockets(f->hk);
	struct ksock *so = sock_of(f), *to;
	struct caller *c;
	int error = 0;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return RUMP_ENOMEM;
	c->id = sock_id(p);
	pthread_mutex_lock(&sks->lock);
	to = sockname_bound(sks, fd);
	if (connect(f->hfd, (const struct sockaddr *)ss, len) != 0) {
		error = errno == EAGAIN ? RUMP_EAGAIN : kern_errno();
	} else if (to != NULL) {
		c->name = so->name;
		c->box = new_box(f->hk);
		c->peerbox = so->box;
		atomic_store(&so->peerbox, c->box);
		*to->lastcaller = c;
		to->lastcaller = &c->next;
		c = NULL;
		pthread_mutex_lock(&f->lock);
		set_peerid(so, &to->selfid);
		pthread_mutex_unlock(&f->lock);
	}
	pthread_mutex_unlock(&sks->lock);
	free(c);
	return error;
}

static int
connect_once(struct lwp *l, struct file *f, const struct sockaddr_storage *ss,
    socklen_t len, int fd)
{

	int error;

	error = cred_assume(kern_proc(l));
	if (error != 0)
		return error;
	if (fd != -1 && sock_has_connections(sock_of(f)))
		return connect_local(kern_proc(l), f, ss, len, fd);
	if (connect(f->hfd, (const struct sockaddr *)ss, len) == 0)
		return 0;
	return kern_errno();
}

static int
connect_host(struct lwp *l, struct file *f, const struct sockaddr_storage *ss,
    socklen_t len, int fd)
{
	int error;

	error = connect_once(l, f, ss, len, fd);
	if (error == 0 || error == RUMP_EINPROGRESS)
		atomic_store(&sock_of(f)->connected, true);
	changed(f);
	if (error == RUMP_EINPROGRESS)
		return connect_wait(l, f);
	/* A local listener's queue is full. */
	return error == RUMP_EAGAIN ? RUMP_ECONNREFUSED : error;
}

/*
 * What NetBSD looks at before the address.  The host would say EISCONN only to
 * the third connect of a socket that does not block, and success to the second.
 */
static int
check_connect(struct file *f)
{
	struct ksock *so = sock_of(f);
	socklen_t len = sizeof(int);
	int listens;

	if (!sock_has_connections(so))
		return 0;
	if (getsockopt(f->hfd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) ==
	    0 && listens)
		return RUMP_EOPNOTSUPP;
	if (so->domain == RUMP_AF_LOCAL ? atomic_load(&so->connected) :
	    sock_is_connected(f))
		return RUMP_EISCONN;
	return 0;
}

/* fd is the file of the local socket that f is connected to now: what that one
 * called itself, or what it was called when it is none of ours. */
static void
learn_peer(struct file *f, const struct sockname *sn, int fd)
{
	struct sockets *sks = kern_sockets(f->hk);
	struct ksock *to;

	pthread_mutex_lock(&sks->lock);
	to = sockname_bound(sks, fd);
	if (!sock_has_connections(sock_of(f)))
		atomic_store(&sock_of(f)->peerbox, to != NULL ? to->box : 0);
	pthread_mutex_lock(&f->lock);
	sock_of(f)->peer = to != NULL ? to->name : *sn;
	pthread_mutex_unlock(&f->lock);
	pthread_mutex_unlock(&sks->lock);
}

/* What has no connections may be without a peer again. */
static void
forget_peer(struct file *f)
{
	const struct sockaddr none = { .sa_family = AF_UNSPEC };

	if (sock_has_connections(sock_of(f)))
		return;
	(void)connect(f->hfd, &none, sizeof(none));
	atomic_store(&sock_of(f)->peerbox, 0);
	pthread_mutex_lock(&f->lock);
	sock_of(f)->peer.len = 0;
	pthread_mutex_unlock(&f->lock);
}

static int
do_connect(struct lwp *l, struct file *f, const struct sockname *sn)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int error, fd = -1;

	error = check_connect(f);
	if (error != 0)
		return error;
	error = sockname_to_host(l, sock_of(f), sn, &ss, &len, &fd);
	if (error == 0)
		error = sockname_bind_low(l, f);
	if (error == 0)
		error = connect_host(l, f, &ss, len, fd);
	if (error != 0)
		forget_peer(f);
	else if (fd != -1)
		learn_peer(f, sn, fd);
	if (fd != -1)
		close(fd);
	return error;
}

int
sys_connect(struct lwp *l, const struct sys_connect_args *uap,
    register_t *retval)
{
	struct sockname sn;
	struct file *f;
	int error;

	(void)retval;
	error = sockname_copyin(l, uap->name, uap->namelen, &sn);
	if (error == 0)
		error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	error = do_connect(l, f, &sn);
	file_put(f);
	return error;
}

/* --- accept --- */

/* Is a guest of this server, and no process of the host, behind it? */
static bool
is_ours(int hfd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(hfd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    cred.pid == getpid();
}

/* accept(2), and who called: NULL if that is not known.  *caller is the
 * caller's to free. */
static int
accept_once(struct file *f, struct sockaddr_storage *ss, socklen_t *len,
    struct caller **caller)
{
	struct sockets *sks = kern_sockets(f->hk);
	struct ksock *so = sock_of(f);
	int hfd, saved;

	*caller = NULL;
	*len = sizeof(*ss);
	pthread_mutex_lock(&sks->lock);
	hfd = accept4(f->hfd, (struct sockaddr *)ss, len,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);
	saved = errno;
	if (hfd != -1 && so->callers != NULL && is_ours(hfd)) {
		*caller = so->callers;
		so->callers = (*caller)->next;
		if (so->callers == NULL)
			so->lastcaller = &so->callers;
	}
	pthread_mutex_unlock(&sks->lock);
	errno = saved;
	return hfd;
}

static int
accept_host(struct lwp *l, struct file *f, struct sockaddr_storage *ss,
    socklen_t *len, int *hfd, struct caller **caller)
{
	int error;

	for (;;) {
		*hfd = accept_once(f, ss, len, caller);
		if (*hfd != -1)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return kern_errno();
		if ((atomic_load(&f->flags) & RUMP_O_NONBLOCK) != 0)
			return RUMP_EWOULDBLOCK;
		error = file_sleep_until(l, f, POLLIN, INT64_MAX);
		if (error != 0)
			return error;
	}
}

/* For new, with the listener's open-file flags without `clear', with those of
 * `type'. */
static int
accept_file(struct lwp *l, struct file *f, int type, int clear,
    struct sockname *peer, struct file *new)
{
	struct ksock *lso = sock_of(f), *so = sock_of(new);
	struct sockaddr_storage ss;
	struct caller *caller;
	socklen_t len;
	int error;

	error = accept_host(l, f, &ss, &len, &new->hfd, &caller);
	if (error != 0)
		return error;
	atomic_store(&new->flags,
	    (atomic_load(&f->flags) & ~clear) | sock_flags(type));
	sockname_from_host(f->hk, &ss, len, peer);
	atomic_store(&so->connected, true);
	if (caller != NULL) {
		set_peerid(so, &caller->id);
		so->box = caller->box;
		atomic_store(&so->peerbox, caller->peerbox);
		if (caller->name.len != 0)
			*peer = caller->name;
		free(caller);
	}
	if (so->domain == RUMP_AF_LOCAL) {
		pthread_mutex_lock(&kern_sockets(f->hk)->lock);
		so->name = lso->name;
		pthread_mutex_unlock(&kern_sockets(f->hk)->lock);
		so->peer = *peer;
	}
	return 0;
}

static int
do_accept(struct lwp *l, int s, rump_uaddr_t name, rump_uaddr_t namelen,
    int type, int clear, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct sockname peer;
	struct file *f, *new = NULL;
	int error, fd;

	error = sock_get(p, s, &f);
	if (error != 0)
		return error;
	/* Whoever calls waits on rather than being hung up on. */
	error = fd_room(p);
	if (error == 0)
		error = sock_make(p, sock_of(f)->domain, sock_of(f)->type, 0,
		    &new);
	if (error == 0)
		error = accept_file(l, f, type, clear, &peer, new);
	file_put(f);
	if (error == 0)
		error = sockname_copyout(l, &peer, name, namelen);
	if (error != 0) {
		file_put(new);
		return error;
	}
	error = fd_install(p, &new, 0, (type & RUMP_SOCK_CLOEXEC) != 0, &fd);
	if (error == 0)
		retval[0] = fd;
	return error;
}

/* The new descriptor does not block if the listening one does not. */
int
sys_accept(struct lwp *l, const struct sys_accept_args *uap,
    register_t *retval)
{

	return do_accept(l, uap->s, uap->name, uap->anamelen, 0, 0, retval);
}

/* @partial sys_paccept: signals are the client's, so its mask has no effect here */
int
sys_paccept(struct lwp *l, const struct sys_paccept_args *uap,
    register_t *retval)
{
	struct rump_sigset mask;
	int error;

	if (uap->mask != 0) {
		error = rumpserver_copyin(l, uap->mask, &mask, sizeof(mask));
		if (error != 0)
			return error;
	}
	return do_accept(l, uap->s, uap->name, uap->anamelen, uap->flags,
	    RUMP_O_NONBLOCK, retval);
}

/* --- what a socket is called, and its end --- */

static int
get_name(struct file *f, struct sockname *sn)
{
	struct ksock *so = sock_of(f);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (so->domain == RUMP_AF_LOCAL) {
		pthread_mutex_lock(&kern_sockets(f->hk)->lock);
		*sn = so->name;
		pthread_mutex_unlock(&kern_sockets(f->hk)->lock);
		if (sn->len != 0)
			return 0;
	}
	if (getsockname(f->hfd, (struct sockaddr *)&ss, &len) != 0)
		return kern_errno();
	sockname_from_host(f->hk, &ss, len, sn);
	return 0;
}

static int
get_peer(struct file *f, struct sockname *sn)
{
	struct ksock *so = sock_of(f);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getpeername(f->hfd, (struct sockaddr *)&ss, &len) != 0)
		return kern_errno();
	pthread_mutex_lock(&f->lock);
	*sn = so->peer;
	pthread_mutex_unlock(&f->lock);
	if (sn->len == 0)
		sockname_from_host(f->hk, &ss, len, sn);
	return 0;
}

static int
tell_name(struct lwp *l, int fd, int (*get)(struct file *, struct sockname *),
    rump_uaddr_t asa, rump_uaddr_t alen)
{
	struct sockname sn;
	struct file *f;
	int error;

	error = sock_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	error = get(f, &sn);
	file_put(f);
	if (error != 0)
		return error;
	return sockname_copyout(l, &sn, asa, alen);
}

int
sys_getsockname(struct lwp *l, const struct sys_getsockname_args *uap,
    register_t *retval)
{

	(void)retval;
	return tell_name(l, uap->fdes, get_name, uap->asa, uap->alen);
}

int
sys_getpeername(struct lwp *l, const struct sys_getpeername_args *uap,
    register_t *retval)
{

	(void)retval;
	return tell_name(l, uap->fdes, get_peer, uap->asa, uap->alen);
}

int
sys_shutdown(struct lwp *l, const struct sys_shutdown_args *uap,
    register_t *retval)
{
	struct file *f;
	int error;

	(void)retval;
	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	if (uap->how < RUMP_SHUT_RD || uap->how > RUMP_SHUT_RDWR)
		error = RUMP_EINVAL;
	else if (!sock_is_connected(f))	/* a listener, which the host shuts */
		error = RUMP_ENOTCONN;
	else if (shutdown(f->hfd, uap->how) != 0)	/* the same values */
		error = kern_errno();
	file_put(f);
	return error;
}
