/*
 * Receiving messages, with control messages and descriptors.
 */
#include <sys/stat.h>

#include <netinet/in.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/ktime.h"
#include "hostkern/path.h"
#include "hostkern/sockmsg.h"

enum {
	STREAM_PIECE = 256 * 1024,	/* of a stream, in one recvmsg */
	/* What a receiver may say; the rest is not for it to set. */
	RECV_FLAGS = RUMP_MSG_OOB | RUMP_MSG_PEEK,
	/* What it is told. */
	TOLD_FLAGS = RUMP_MSG_OOB | RUMP_MSG_EOR | RUMP_MSG_TRUNC |
	    RUMP_MSG_CTRUNC,
};

ssize_t
sock_read(struct file *f, void *buf, size_t len)
{
	ssize_t n = recv(f->hfd, buf, len, MSG_DONTWAIT);

	if (n == -1)
		sockmsg_errno(sock_of(f), false);
	return n;
}

struct receiving {
	struct lwp *l;
	struct file *f;
	struct ksock *so;
	int flags;
	int hostflags;
	struct sockaddr_storage from;
	socklen_t fromlen;
	_Alignas(8) char control[SOCKMSG_HOST_CTLMAX];
	size_t controllen;
	int told;		/* TOLD_FLAGS */
	bool want_control;
	uint64_t done;
};

static void
receiving_init(struct receiving *r, struct lwp *l, struct file *f, int flags)
{

	r->l = l;
	r->f = f;
	r->so = sock_of(f);
	r->flags = flags;
	(void)rump_conv_msg_flags_to_host(flags & RECV_FLAGS, &r->hostflags);
	r->hostflags |= MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
	r->from.ss_family = AF_UNSPEC;
	r->fromlen = 0;
	r->controllen = 0;
	r->told = 0;
	r->want_control = false;
	r->done = 0;
}

/* Who sends on a connection is not told; who sends a datagram is, be it
 * without a name. */
static void
keep_sender(struct receiving *r, socklen_t len)
{

	if (sock_has_connections(r->so)) {
		r->fromlen = 0;
	} else if (r->so->domain == RUMP_AF_LOCAL && len == 0) {
		r->from.ss_family = AF_UNIX;
		r->fromlen = sizeof(r->from.ss_family);
	} else {
		r->fromlen = len;
	}
}

/* One try; bytes, or -1 with errno.  Who wants nothing need not wait. */
static ssize_t
recv_host(struct receiving *r, void *buf, size_t len)
{
	struct iovec iov = { buf, len };
	struct msghdr mh = { .msg_name = &r->from,
	    .msg_namelen = sizeof(r->from), .msg_iov = &iov,
	    .msg_iovlen = 1 };
	ssize_t n;

	if (r->want_control) {
		mh.msg_control = r->control;
		mh.msg_controllen = sizeof(r->control);
	}
	do {
		n = recvmsg(r->f->hfd, &mh, r->hostflags);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN && len == 0 ? 0 : -1;
	keep_sender(r, mh.msg_namelen);
	r->controllen = r->want_control ? mh.msg_controllen : 0;
	r->told = rump_conv_msg_flags_from_host(mh.msg_flags) & TOLD_FLAGS;
	r->done += (uint64_t)n;
	return n;
}

/* Is there more to wait for after n bytes, of `left` wanted? */
static bool
wants_more(const struct receiving *r, size_t n, uint64_t left)
{

	return (r->flags & RUMP_MSG_WAITALL) != 0 && sockmsg_is_stream(r->so) &&
	    (r->flags & RUMP_MSG_PEEK) == 0 && n > 0 && left > 0 &&
	    r->controllen == 0;
}

static int
recv_wait(struct receiving *r)
{

	if (errno != EAGAIN) {
		sockmsg_errno(r->so, false);
		return kern_errno();
	}
	return sock_wait(r->l, r->f, POLLIN, sockmsg_nowait(r->flags));
}

static int
recv_range(struct receiving *r, rump_uaddr_t buf, uint64_t len)
{
	void *room = NULL;
	size_t want;
	ssize_t n;
	int error, saved;

	for (;;) {
		want = len < SOCKMSG_PIECE ? (size_t)len : SOCKMSG_PIECE;
		if (want > 0) {
			error = rumpserver_copyout_reserve(r->l, buf, want,
			    &room);
			if (error != 0)
				return error;
		}
		n = recv_host(r, room, want);
		saved = errno;
		error = want == 0 ? 0 : rumpserver_copyout_commit(r->l,
		    n > 0 ? (size_t)n : 0);
		if (error != 0)
			return error;
		errno = saved;
		if (n == -1) {
			error = recv_wait(r);
			if (error != 0)
				return error;
			continue;
		}
		buf += (size_t)n;
		len -= (uint64_t)n;
		if (!wants_more(r, (size_t)n, len))
			return 0;
	}
}

static int
recv_end(struct receiving *r, int error, register_t *retval)
{

	if (r->done > 0 && (error == RUMP_EINTR || error == RUMP_EWOULDBLOCK))
		error = 0;
	retval[0] = (register_t)r->done;
	return error;
}

int
sys_recvfrom(struct lwp *l, const struct sys_recvfrom_args *uap,
    register_t *retval)
{
	struct receiving r;
	struct sockname from;
	struct file *f;
	int error;

	error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	receiving_init(&r, l, f, uap->flags);
	error = uap->len > INT64_MAX ? RUMP_EINVAL :
	    sockmsg_check_flags(r.so, uap->flags);
	if (error == 0)
		error = recv_range(&r, uap->buf, uap->len);
	error = recv_end(&r, error, retval);
	if (error == 0 && uap->from != 0) {
		sockname_from_host(f->hk, &r.from, r.fromlen, &from);
		error = sockname_copyout(l, &from, uap->from,
		    uap->fromlenaddr);
	}
	file_put(f);
	return error;
}

/* Takes the host's descriptors out of the control messages. */
static int
extract_fds(struct receiving *r, int *fds, int max)
{
	struct cmsghdr cm;
	size_t off = 0, out = 0, space, n, i;
	int fd, got = 0;

	while (r->controllen - off >= sizeof(cm)) {
		memcpy(&cm, r->control + off, sizeof(cm));
		if (cm.cmsg_len < CMSG_LEN(0) ||
		    cm.cmsg_len > r->controllen - off)
			break;
		space = CMSG_ALIGN(cm.cmsg_len);
		if (space > r->controllen - off)
			space = r->controllen - off;
		if (cm.cmsg_level == SOL_SOCKET &&
		    cm.cmsg_type == SCM_RIGHTS) {
			n = (cm.cmsg_len - CMSG_LEN(0)) / sizeof(fd);
			for (i = 0; i < n; i++) {
				memcpy(&fd, r->control + off + CMSG_LEN(0) +
				    i * sizeof(fd), sizeof(fd));
				if (got < max)
					fds[got++] = fd;
				else
					close(fd);
			}
		} else {
			memmove(r->control + out, r->control + off, space);
			out += space;
		}
		off += space;
	}
	r->controllen = out;
	return got;
}

/* Room for how many descriptors after `used` bytes of messages? */
static int
rights_room(size_t room, size_t used)
{

	if (room < used + rump_cmsg_len(sizeof(int32_t)))
		return 0;
	return (int)((room - used - rump_cmsg_len(0)) / sizeof(int32_t));
}

/* One more message; false when it does not fit. */
static bool
put_control(char *nb, size_t room, uint32_t *used, int level, int type,
    const void *data, size_t len)
{
	struct rump_cmsghdr cm = { .cmsg_level = level, .cmsg_type = type,
	    .cmsg_len = (uint32_t)rump_cmsg_len(len) };
	size_t end = *used + rump_cmsg_space(len);

	if (room < *used + rump_cmsg_len(len))
		return false;
	memset(nb + *used, 0, rump_cmsg_len(0));
	memcpy(nb + *used, &cm, sizeof(cm));
	memcpy(nb + *used + rump_cmsg_len(0), data, len);
	*used = (uint32_t)(end < room ? end : room);
	return true;
}

/* EPERM: a directory would lead the client out of the root it has changed to. */
static int
check_files(struct receiving *r, struct file **files, int n)
{
	struct stat st;
	int error, i;

	error = cred_assume(kern_proc(r->l));
	for (i = 0; i < n && error == 0; i++) {
		if (files[i]->type == FILE_VNODE &&
		    fstat(files[i]->hfd, &st) == 0 && S_ISDIR(st.st_mode))
			error = path_check_root(r->l, files[i]->hfd);
	}
	return error;
}

/*
 * The files get descriptors, fds[0..*got); the caller keeps his references to
 * those *got.  All of them or, when the client has no room for all, or must not
 * have one of them, none.  EMSGSIZE: it has no descriptors left.
 */
static int
install_files(struct receiving *r, struct file **files, int n, int32_t *fds,
    int *got, bool fit)
{
	bool cloexec = (r->flags & RUMP_MSG_CMSG_CLOEXEC) != 0;
	int error = fit ? check_files(r, files, n) : 0, i;
	struct file *f;

	*got = 0;
	if (!fit)
		r->told |= RUMP_MSG_CTRUNC;
	for (i = 0; i < n; i++) {
		if (!fit || error != 0) {
			file_put(files[i]);
			continue;
		}
		f = files[i];
		file_ref(f);
		error = fd_install(kern_proc(r->l), &f, 0, cloexec,
		    &fds[*got]);
		if (error == 0)
			++*got;
		else
			file_put(files[i]);
	}
	return error == RUMP_EMFILE ? RUMP_EMSGSIZE : error;
}

/* Who sent it, if the receiver wants to know: once on a connection, with
 * every datagram. */
static void
put_creds(struct receiving *r, char *nb, size_t room, uint32_t *used)
{
	const size_t head = offsetof(struct rump_sockcred, sc_groups);
	struct {
		struct rump_sockcred sc;
		gid_t more[KERN_NGROUPS - 1];
	} c;
	const int want = atomic_load(&r->so->wantcreds);
	struct sockid id;
	size_t skip = 0;
	int type = RUMP_SCM_CREDS;

	if (want == 0 || !sockname_sender(r->f, &r->from, r->fromlen, &id))
		return;
	c.sc = (struct rump_sockcred){ .sc_pid = id.pid, .sc_uid = id.ruid,
	    .sc_euid = id.euid, .sc_gid = id.rgid, .sc_egid = id.egid,
	    .sc_ngroups = (int32_t)id.ngroups };
	memcpy((char *)&c + head, id.groups, sizeof(id.groups));
	if (want == RUMP_LOCAL_OCREDS) {
		skip = offsetof(struct rump_sockcred, sc_uid);
		type = RUMP_SCM_OCREDS;
	}
	if (!put_control(nb, room, used, RUMP_SOL_SOCKET, type,
	    (char *)&c + skip, head + id.ngroups * sizeof(id.groups[0]) -
	    skip))
		r->told |= RUMP_MSG_CTRUNC;
	if (r->so->type != RUMP_SOCK_DGRAM)
		atomic_store(&r->so->wantcreds, 0);
}

/* Takes out what the host says of the destination. */
static bool
remove_pktinfo(struct receiving *r, struct in_pktinfo *pi)
{
	struct msghdr mh = { .msg_control = r->control,
	    .msg_controllen = r->controllen };
	struct cmsghdr *cm;
	char *end = r->control + r->controllen, *next;

	for (cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm)) {
		if (cm->cmsg_level != IPPROTO_IP ||
		    cm->cmsg_type != IP_PKTINFO ||
		    cm->cmsg_len < CMSG_LEN(sizeof(*pi)))
			continue;
		memcpy(pi, CMSG_DATA(cm), sizeof(*pi));
		next = (char *)cm + CMSG_ALIGN(cm->cmsg_len);
		if (next > end)
			next = end;
		memmove(cm, next, (size_t)(end - next));
		r->controllen -= (size_t)(next - (char *)cm);
		return true;
	}
	return false;
}

static void
put_destination(struct receiving *r, char *nb, size_t room, uint32_t *used,
    const struct in_pktinfo *pi)
{
	const struct rump_in_pktinfo info = {
		.ipi_addr = { pi->ipi_addr.s_addr },
		.ipi_ifindex = (uint32_t)pi->ipi_ifindex,
	};
	int tell = atomic_load(&r->so->tell);
	bool fit = true;

	if ((tell & SOCK_TELL_DSTADDR) != 0)
		fit = put_control(nb, room, used, RUMP_IPPROTO_IP,
		    RUMP_IP_RECVDSTADDR, &info.ipi_addr,
		    sizeof(info.ipi_addr));
	if (fit && (tell & SOCK_TELL_PKTINFO) != 0)
		fit = put_control(nb, room, used, RUMP_IPPROTO_IP,
		    RUMP_IP_PKTINFO, &info, sizeof(info));
	if (!fit)
		r->told |= RUMP_MSG_CTRUNC;
}

static int
recv_control(struct receiving *r, struct rump_msghdr *mh)
{
	_Alignas(8) char nb[SOCK_CTLMAX];
	struct file *files[SOCK_PASSMAX];
	int32_t passed[SOCK_PASSMAX];
	int error, fds[SOCK_PASSMAX + 1], nfds, nfiles, npassed;
	uint32_t room = mh->msg_controllen, used;
	struct in_pktinfo pi;
	bool destined, truncated = false;

	destined = remove_pktinfo(r, &pi);
	nfds = extract_fds(r, fds, (int)(sizeof(fds) / sizeof(fds[0])));
	if ((r->flags & RUMP_MSG_PEEK) != 0) {
		/* The message stays, and its descriptors with it. */
		while (nfds > 0)
			close(fds[--nfds]);
	}
	nfiles = rights_take(r->f->hk, r->so, fds, nfds, files);
	/* Of a process of the host, and nothing for us. */
	if (nfds > 0 && nfiles == 0)
		r->told |= RUMP_MSG_CTRUNC;
	if (room > sizeof(nb))
		room = sizeof(nb);
	memset(nb, 0, sizeof(nb));
	used = room;
	error = rump_conv_cmsg_from_host(r->control, r->controllen, nb, &used,
	    &truncated);
	if (error != 0)
		used = 0;
	if (truncated)
		r->told |= RUMP_MSG_CTRUNC;
	if (destined)
		put_destination(r, nb, room, &used, &pi);
	put_creds(r, nb, room, &used);
	error = install_files(r, files, nfiles, passed, &npassed,
	    nfiles <= rights_room(room, used));
	if (error == 0 && npassed > 0)
		(void)put_control(nb, room, &used, RUMP_SOL_SOCKET,
		    RUMP_SCM_RIGHTS, passed,
		    (size_t)npassed * sizeof(passed[0]));
	if (error == 0 && mh->msg_control != NULL)
		error = rumpserver_copyout(r->l, nb,
		    (uintptr_t)mh->msg_control, used);
	while (npassed > 0) {
		npassed--;
		if (error != 0)
			fd_uninstall(kern_proc(r->l), passed[npassed],
			    files[npassed]);
		else
			file_put(files[npassed]);
	}
	mh->msg_controllen = used;
	return error;
}

static int
recv_vector(struct receiving *r, const struct vector *v)
{
	uint64_t limit = sockmsg_is_stream(r->so) &&
	    (r->flags & RUMP_MSG_WAITALL) == 0 ? STREAM_PIECE : SOCKMSG_PIECE;
	size_t len = v->total < limit ? (size_t)v->total : (size_t)limit;
	size_t at = 0;
	char *buf;
	ssize_t n;
	int error = 0;

	buf = rumpserver_alloc(r->l, len);
	if (buf == NULL)
		return RUMP_ENOMEM;
	do {
		n = recv_host(r, buf + at, len - at);
		if (n == -1)
			error = recv_wait(r);
		else
			at += (size_t)n;
	} while (error == 0 && (n == -1 ||
	    wants_more(r, (size_t)n, len - at)));
	if (at > 0 && (error == RUMP_EINTR || error == RUMP_EWOULDBLOCK))
		error = 0;
	if (error == 0)
		error = vector_copy(r->l, v, 0, buf, at, false);
	rumpserver_free(buf);
	return error;
}

static int
recv_name(struct receiving *r, struct rump_msghdr *mh)
{
	struct sockname from;

	if (mh->msg_name == NULL)
		return 0;
	sockname_from_host(r->f->hk, &r->from, r->fromlen, &from);
	if (mh->msg_namelen > from.len)
		mh->msg_namelen = from.len;
	return rumpserver_copyout(r->l, from.bytes, (uintptr_t)mh->msg_name,
	    mh->msg_namelen);
}

/* On success *mh is what the client's is to be. */
static int
recv_message(struct lwp *l, struct file *f, struct rump_msghdr *mh, int flags,
    register_t *retval)
{
	struct receiving r;
	struct vector v;
	int error;

	error = sockmsg_vector(l, mh, &v);
	if (error != 0)
		return error;
	if (mh->msg_control == NULL)
		mh->msg_controllen = 0;
	receiving_init(&r, l, f, flags);
	r.want_control = true;
	error = sockmsg_check_flags(r.so, flags);
	if (error == 0)
		error = recv_vector(&r, &v);
	vector_free(&v);
	if (error != 0)
		return recv_end(&r, error, retval);
	error = recv_control(&r, mh);
	if (error == 0)
		error = recv_name(&r, mh);
	mh->msg_flags = r.told;
	retval[0] = (register_t)r.done;
	return error;
}

/* @partial sys_recvmsg: descriptors, credentials (of who connected, or bound the sending socket), times, destinations, packet information as control messages */
int
sys_recvmsg(struct lwp *l, const struct sys_recvmsg_args *uap,
    register_t *retval)
{
	struct rump_msghdr mh;
	struct file *f;
	int error;

	error = sockmsg_get(l, uap->s, uap->msg, &mh, &f);
	if (error != 0)
		return error;
	error = recv_message(l, f, &mh, uap->flags, retval);
	file_put(f);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &mh, uap->msg, sizeof(mh));
}

static int
recvmmsg_deadline(struct lwp *l, rump_uaddr_t timeout, int64_t *deadline)
{
	struct rump_timespec ts;
	int64_t ns;
	int error;

	*deadline = INT64_MAX;
	if (timeout == 0)
		return 0;
	error = rumpserver_copyin(l, timeout, &ts, sizeof(ts));
	if (error == 0)
		error = ktime_fromspec(&ts, &ns);
	if (error == 0)
		*deadline = ktime_add(ktime_uptime(), ns < 0 ? 0 : ns);
	return error;
}

/* The time limit is looked at only after each message: so on NetBSD. */
int
sys_recvmmsg(struct lwp *l, const struct sys_recvmmsg_args *uap,
    register_t *retval)
{
	uint32_t i, n = sockmsg_count(uap->vlen);
	int flags = (int)uap->flags, error;
	struct rump_mmsghdr mm;
	rump_uaddr_t at = uap->mmsg;
	register_t got[2];
	int64_t deadline;
	struct file *f;

	error = recvmmsg_deadline(l, uap->timeout, &deadline);
	if (error == 0)
		error = sock_get(kern_proc(l), uap->s, &f);
	if (error != 0)
		return error;
	for (i = 0; i < n; at += sizeof(mm)) {
		error = rumpserver_copyin(l, at, &mm, sizeof(mm));
		if (error == 0)
			error = recv_message(l, f, &mm.msg_hdr, flags, got);
		if (error != 0)
			break;
		mm.msg_len = (uint32_t)got[0];
		error = rumpserver_copyout(l, &mm, at, sizeof(mm));
		if (error != 0)
			break;
		i++;
		if ((flags & RUMP_MSG_WAITFORONE) != 0)
			flags |= RUMP_MSG_DONTWAIT;
		if (ktime_uptime() >= deadline)
			break;
	}
	file_put(f);
	retval[0] = i;
	return i > 0 ? 0 : error;
}
