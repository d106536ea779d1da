/*
 * Sending messages, with control messages and descriptors.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/sockmsg.h"

/* What a sender may say; the rest is not for it to set. */
enum { SEND_FLAGS = RUMP_MSG_OOB | RUMP_MSG_DONTROUTE | RUMP_MSG_EOR };

struct sending {
	struct lwp *l;
	struct file *f;
	struct ksock *so;
	int flags;		/* the client's */
	int hostflags;
	struct sockaddr_storage to;
	socklen_t tolen;	/* 0: where it is connected to */
	int tofd;		/* -1: none */
	_Alignas(8) char control[SOCKMSG_HOST_CTLMAX];
	size_t controllen;
	struct rights rights;
	uint64_t box;		/* whom the rights are for */
	bool sent;		/* a message has gone */
	uint64_t done;
};

static void
sending_init(struct sending *s, struct lwp *l, struct file *f, int flags)
{

	s->l = l;
	s->f = f;
	s->so = sock_of(f);
	s->flags = flags;
	(void)rump_conv_msg_flags_to_host(flags & SEND_FLAGS, &s->hostflags);
	s->hostflags |= MSG_NOSIGNAL | MSG_DONTWAIT;
	s->tolen = 0;
	s->tofd = -1;
	s->controllen = 0;
	s->rights.token = -1;
	s->box = 0;
	s->sent = false;
	s->done = 0;
}

static void
sending_end(struct sending *s)
{

	rights_done(s->f->hk, &s->rights, s->box, s->sent);
	if (s->tofd != -1)
		close(s->tofd);
}

static int
sending_name(struct sending *s, rump_uaddr_t name, uint32_t len)
{
	struct sockname sn;
	int error;

	if (name == 0)
		return 0;
	error = sockname_copyin(s->l, name, len, &sn);
	if (error != 0)
		return error;
	if (s->so->type == RUMP_SOCK_DGRAM && atomic_load(&s->so->connected) &&
	    sock_is_connected(s->f))
		return RUMP_EISCONN;
	return sockname_to_host(s->l, s->so, &sn, &s->to,
	    &s->tolen, &s->tofd);
}

/*
 * A host process that asks who sends (SO_PASSCRED) is told the thread's real
 * ids, which are the server's: so messages to local sockets say the guest's.
 * Appends to `len` bytes of control messages; the new length.
 */
static size_t
add_ucred(struct kproc *p, const struct file *f, char *control, size_t len)
{
	struct cmsghdr *cm = (struct cmsghdr *)(control + CMSG_ALIGN(len));
	struct ucred uc = { .pid = getpid() };
	struct kcred *c;

	if (!f->hk->privileged || sock_of(f)->domain != RUMP_AF_LOCAL)
		return len;
	c = cred_get(p);
	uc.uid = c->euid;
	uc.gid = c->egid;
	cred_put(c);
	*cm = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(uc)),
	    .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS };
	memcpy(CMSG_DATA(cm), &uc, sizeof(uc));
	return CMSG_ALIGN(len) + CMSG_SPACE(sizeof(uc));
}

ssize_t
sock_write(struct lwp *l, struct file *f, const void *data, size_t len)
{
	_Alignas(8) char control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = { (void *)(uintptr_t)data, len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control };

	ssize_t n;

	mh.msg_controllen = add_ucred(kern_proc(l), f, control, 0);
	if (cred_assume(kern_proc(l)) != 0)
		return -1;
	n = sendmsg(f->hfd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1)
		sockmsg_errno(sock_of(f), true);
	return n;
}

/* All of the bytes, unless an error comes first; the control messages go with
 * the first of them. */
static int
send_bytes(struct sending *s, const char *data, size_t len)
{
	struct iovec iov;
	struct msghdr mh;
	ssize_t n;
	int error;

	do {
		iov = (struct iovec){ (void *)(uintptr_t)data, len };
		mh = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 };
		if (s->tolen != 0) {
			mh.msg_name = &s->to;
			mh.msg_namelen = s->tolen;
		}
		mh.msg_control = s->control;
		mh.msg_controllen = add_ucred(kern_proc(s->l), s->f,
		    s->control, s->controllen);
		error = cred_assume(kern_proc(s->l));
		if (error != 0)
			return error;
		n = sendmsg(s->f->hfd, &mh, s->hostflags);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			sockmsg_errno(s->so, true);
			if (errno != EAGAIN)
				return kern_errno();
			error = sock_wait(s->l, s->f, POLLOUT,
			    sockmsg_nowait(s->flags));
			if (error != 0)
				return error;
			continue;
		}
		s->controllen = 0;
		s->sent = true;
		s->done += (uint64_t)n;
		data += n;
		len -= (size_t)n;
	} while (len > 0 || n == -1);
	return 0;
}

static int
send_end(struct sending *s, int error, register_t *retval)
{

	if (error == RUMP_EPIPE && (s->flags & RUMP_MSG_NOSIGNAL) == 0)
		(void)file_epipe(s->l, s->f);
	if (s->done > 0 && (error == RUMP_EINTR || error == RUMP_EWOULDBLOCK))
		error = 0;
	retval[0] = (register_t)s->done;
	return error;
}

static int
send_range(struct sending *s, rump_uaddr_t buf, uint64_t len)
{
	const void *data = "";
	size_t n;
	int error;

	if (len > SOCKMSG_PIECE && !sockmsg_is_stream(s->so))
		return RUMP_EMSGSIZE;
	do {
		n = len < SOCKMSG_PIECE ? (size_t)len : SOCKMSG_PIECE;
		error = n == 0 ? 0 :
		    rumpserver_copyin_borrow(s->l, buf, n, &data);
		if (error == 0)
			error = send_bytes(s, data, n);
		buf += n;
		len -= n;
	} while (error == 0 && len > 0);
	return error;
}

int
sys_sendto(struct lwp *l, const struct sys_sendto_args *uap,
    register_t *retval)
{
	struct sending s;
	struct file *f;
	int error;

	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	sending_init(&s, l, f, uap->flags);
	error = uap->len > INT64_MAX ? RUMP_EINVAL :
	    sending_name(&s, uap->to, uap->tolen);
	if (error == 0)
		error = sockmsg_check_flags(s.so, uap->flags);
	if (error == 0)
		error = send_range(&s, uap->buf, uap->len);
	error = send_end(&s, error, retval);
	sending_end(&s);
	file_put(f);
	return error;
}

/*
 * The descriptors among the control messages nb[0..len) go to fds, and the
 * other messages together, in place.
 */
static int
split_rights(char *nb, size_t *len, int32_t fds[SOCK_PASSMAX], int *nfds)
{
	const size_t head = rump_cmsg_len(0);
	struct rump_cmsghdr cm;
	size_t off = 0, out = 0, space, n;

	*nfds = 0;
	while (*len - off >= sizeof(cm)) {
		memcpy(&cm, nb + off, sizeof(cm));
		if (cm.cmsg_len < head || cm.cmsg_len > *len - off)
			return RUMP_EINVAL;
		space = rump_cmsg_align(cm.cmsg_len);
		if (space > *len - off)
			space = *len - off;
		if (cm.cmsg_level == RUMP_SOL_SOCKET &&
		    cm.cmsg_type == RUMP_SCM_RIGHTS) {
			n = (cm.cmsg_len - head) / sizeof(fds[0]);
			if (n > (size_t)(SOCK_PASSMAX - *nfds))
				return RUMP_EINVAL;
			memcpy(fds + *nfds, nb + off + head,
			    n * sizeof(fds[0]));
			*nfds += (int)n;
		} else {
			memmove(nb + out, nb + off, space);
			out += space;
		}
		off += space;
	}
	*len = out;
	return 0;
}

static void
append_token(struct sending *s)
{
	struct cmsghdr cm = { .cmsg_level = SOL_SOCKET,
	    .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	char *at = s->control + s->controllen;

	memset(at, 0, CMSG_SPACE(sizeof(int)));
	memcpy(at, &cm, sizeof(cm));
	memcpy(at + CMSG_LEN(0), &s->rights.token, sizeof(int));
	s->controllen += CMSG_SPACE(sizeof(int));
}

static int
sending_control(struct sending *s, const struct rump_msghdr *mh)
{
	_Alignas(8) char nb[SOCK_CTLMAX];
	int32_t fds[SOCK_PASSMAX];
	size_t len = mh->msg_controllen;
	int error, nfds;

	if (mh->msg_control == NULL)
		return 0;
	if (len < rump_cmsg_len(0) || len > sizeof(nb))
		return RUMP_EINVAL;
	error = rumpserver_copyin(s->l, (uintptr_t)mh->msg_control, nb, len);
	if (error == 0)
		error = split_rights(nb, &len, fds, &nfds);
	if (error != 0)
		return error;
	/* Only local sockets carry descriptors, and nothing else. */
	if (s->so->domain == RUMP_AF_LOCAL ? len > 0 : nfds > 0)
		return RUMP_EINVAL;
	s->controllen = sizeof(s->control);
	error = rump_conv_cmsg_to_host(nb, len, s->control, &s->controllen);
	if (error != 0 || nfds == 0)
		return error;
	error = sockname_box(s->f, s->tofd, &s->box);
	if (error == 0)
		error = rights_make(kern_proc(s->l), fds, nfds, s->box,
		    &s->rights);
	if (error == 0)
		append_token(s);
	return error;
}

/* A whole message out of its pieces; a stream in several rounds. */
static int
send_vector(struct sending *s, const struct vector *v)
{
	uint64_t at = 0;
	size_t n;
	char *buf;
	int error;

	if (v->total > SOCKMSG_PIECE && !sockmsg_is_stream(s->so))
		return RUMP_EMSGSIZE;
	buf = rumpserver_alloc(s->l, v->total < SOCKMSG_PIECE ?
	    (size_t)v->total : SOCKMSG_PIECE);
	if (buf == NULL)
		return RUMP_ENOMEM;
	do {
		n = v->total - at < SOCKMSG_PIECE ? (size_t)(v->total - at) :
		    SOCKMSG_PIECE;
		error = vector_copy(s->l, v, at, buf, n, true);
		if (error == 0)
			error = send_bytes(s, buf, n);
		at += n;
	} while (error == 0 && at < v->total);
	rumpserver_free(buf);
	return error;
}

static int
send_message(struct lwp *l, struct file *f, const struct rump_msghdr *mh,
    int flags, register_t *retval)
{
	struct sending s;
	struct vector v;
	int error;

	error = sockmsg_vector(l, mh, &v);
	if (error != 0)
		return error;
	sending_init(&s, l, f, flags);
	error = sending_name(&s, (uintptr_t)mh->msg_name, mh->msg_namelen);
	if (error == 0)
		error = sending_control(&s, mh);
	if (error == 0)
		error = sockmsg_check_flags(s.so, flags);
	if (error == 0)
		error = send_vector(&s, &v);
	error = send_end(&s, error, retval);
	sending_end(&s);
	vector_free(&v);
	return error;
}

/* @partial sys_sendmsg: descriptors, source addresses and packet information as control messages */
int
sys_sendmsg(struct lwp *l, const struct sys_sendmsg_args *uap,
    register_t *retval)
{
	struct rump_msghdr mh;
	struct file *f;
	int error;

	error = sockmsg_get(l, uap->s, uap->msg, &mh, &f);
	if (error != 0)
		return error;
	error = send_message(l, f, &mh, uap->flags, retval);
	file_put(f);
	return error;
}

int
sys_sendmmsg(struct lwp *l, const struct sys_sendmmsg_args *uap,
    register_t *retval)
{
	uint32_t i, n = sockmsg_count(uap->vlen);
	struct rump_mmsghdr mm;
	register_t sent[2];
	rump_uaddr_t at = uap->mmsg;
	struct file *f;
	int error;

	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	for (i = 0; i < n; i++, at += sizeof(mm)) {
		error = rumpserver_copyin(l, at, &mm, sizeof(mm));
		if (error == 0)
			error = send_message(l, f, &mm.msg_hdr,
			    (int)uap->flags, sent);
		if (error != 0)
			break;
		mm.msg_len = (uint32_t)sent[0];
		error = rumpserver_copyout(l, &mm.msg_len,
		    at + offsetof(struct rump_mmsghdr, msg_len),
		    sizeof(mm.msg_len));
		if (error != 0)
			break;
	}
	file_put(f);
	retval[0] = i;
	return i > 0 ? 0 : error;
}
