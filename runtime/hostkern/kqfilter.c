/*
 * The filters of kqueue: what each watches, and whether it has happened.
 */
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

#include <linux/sockios.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "hostkern/knote.h"
#include "hostkern/path.h"

void
knote_event_set(struct knote *kn)
{
	uint64_t one = 1;
	ssize_t n;

	n = write(kn->efd, &one, sizeof(one));
	(void)n;
}

uint64_t
knote_event_take(struct knote *kn)
{
	uint64_t n;

	return read(kn->efd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* Watches a file that has no readiness of its own.  Whoever has it open may,
 * whatever its mode says by now. */
static int
watch_file(struct hostkern *hk, struct knote *kn, uint32_t mask)
{
	char name[PATH_PROCFD];

	cred_assume_server(hk);
	path_procfd(name, kn->ofd);
	kn->efd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (kn->efd == -1 || inotify_add_watch(kn->efd, name, mask) == -1)
		return kern_errno();
	return 0;
}

/* What inotify says has happened. */
static uint32_t
watch_take(struct knote *kn)
{
	_Alignas(struct inotify_event) char buf[4096];
	struct inotify_event ev;
	uint32_t mask = 0;
	ssize_t n, off;

	while ((n = read(kn->efd, buf, sizeof(buf))) > 0) {
		for (off = 0; off + (ssize_t)sizeof(ev) <= n;
		    off += (ssize_t)(sizeof(ev) + ev.len)) {
			memcpy(&ev, buf + off, sizeof(ev));
			mask |= ev.mask;
		}
	}
	return mask;
}

/* --- attaching --- */

static int
attach_fd(struct knote *kn, const struct file *f)
{

	kn->regular = f->type == FILE_VNODE;
	kn->socket = f->type == FILE_SOCKET;
	if (f->hfd == -1)
		return RUMP_EINVAL;
	kn->ofd = fcntl(f->hfd, F_DUPFD_CLOEXEC, 0);
	return kn->ofd == -1 ? kern_errno() : 0;
}

static int
attach_rw(struct kproc *p, struct knote *kn, const struct file *f)
{
	int error;

	error = attach_fd(kn, f);
	if (error != 0)
		return error;
	if (kn->regular && kn->kev.filter == RUMP_EVFILT_READ)
		return watch_file(p->hk, kn, IN_MODIFY);
	if (kn->regular) {
		/* A regular file can always be written. */
		kn->efd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC);
		return kn->efd == -1 ? kern_errno() : 0;
	}
	kn->efd = kn->ofd;
	kn->ofd = -1;
	return 0;
}

static int
attach_vnode(struct kproc *p, struct knote *kn, const struct file *f)
{
	struct stat st;
	int error;

	if (f->type != FILE_VNODE)
		return RUMP_EINVAL;
	error = attach_fd(kn, f);
	if (error != 0)
		return error;
	if (fstat(kn->ofd, &st) != 0)
		return kern_errno();
	kn->size = st.st_size;
	kn->nlink = st.st_nlink;
	return watch_file(p->hk, kn, IN_MODIFY | IN_ATTRIB |
	    IN_MOVE_SELF | IN_DELETE_SELF | IN_CREATE | IN_DELETE | IN_MOVE);
}

int
knote_set_timer(struct knote *kn)
{
	struct itimerspec its = { .it_value = { .tv_nsec = 0 } };
	int64_t ms = kn->kev.data;

	if (ms <= 0)
		return RUMP_EINVAL;
	its.it_value.tv_sec = ms / 1000;
	its.it_value.tv_nsec = ms % 1000 * 1000000;
	if ((kn->kev.flags & RUMP_EV_ONESHOT) == 0)
		its.it_interval = its.it_value;
	return timerfd_settime(kn->efd, 0, &its, NULL) == 0 ? 0 :
	    kern_errno();
}

static int
attach_timer(struct kproc *p, struct knote *kn, const struct file *f)
{

	(void)p;
	(void)f;
	kn->kev.flags |= RUMP_EV_CLEAR;
	kn->efd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return kn->efd == -1 ? kern_errno() : knote_set_timer(kn);
}

static int
attach_event(struct knote *kn)
{

	kn->efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return kn->efd == -1 ? kern_errno() : 0;
}

static int
attach_signal(struct kproc *p, struct knote *kn, const struct file *f)
{

	(void)p;
	(void)f;
	if (kn->kev.ident < 1 || kn->kev.ident >= RUMP_NSIG)
		return RUMP_EINVAL;
	kn->kev.flags |= RUMP_EV_CLEAR;
	return attach_event(kn);
}

/* May a process with these credentials watch q? */
static bool
may_watch(const struct kcred *c, struct kproc *q)
{
	bool may;

	pthread_mutex_lock(&q->lock);
	may = c->euid == 0 || (c->ruid == q->cred->ruid && !q->sugid);
	pthread_mutex_unlock(&q->lock);
	return may;
}

static int
attach_proc(struct kproc *p, struct knote *kn, const struct file *f)
{
	struct kcred *c = cred_get(p);
	struct kproc *q = NULL;
	int error = 0;

	(void)f;
	pthread_mutex_lock(&p->hk->proc_lock);
	if (kn->kev.ident <= KERN_PID_MAX)
		q = proc_find(p->hk, (pid_t)kn->kev.ident);
	if (q == NULL)
		error = RUMP_ESRCH;
	else if (!may_watch(c, q))
		error = RUMP_EACCES;
	pthread_mutex_unlock(&p->hk->proc_lock);
	cred_put(c);
	if (error != 0)
		return error;
	kn->kev.flags |= RUMP_EV_CLEAR;
	return attach_event(kn);
}

static int
attach_user(struct kproc *p, struct knote *kn, const struct file *f)
{

	(void)p;
	(void)f;
	return attach_event(kn);
}

/* --- filters: has it happened? --- */

static int64_t
space_left(int fd)
{
	socklen_t len = sizeof(int);
	int size, used = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0) {
		(void)ioctl(fd, SIOCOUTQ, &used);
		return size / 2 > used ? size / 2 - used : 1;
	}
	size = fcntl(fd, F_GETPIPE_SZ);
	if (size == -1)
		return RUMP_PIPE_BUF;
	(void)ioctl(fd, FIONREAD, &used);
	return size > used ? size - used : 1;
}

/* Connections that wait for accept, where the host tells; 1 else. */
static int
backlog(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0 ||
	    info.tcpi_state != TCP_LISTEN)
		return 1;
	return (int)info.tcpi_unacked;
}

/* A socket that has no connection yet: hung up, in the host's eyes. */
static bool
is_fresh(const struct knote *kn, short revents)
{
	struct pollfd pfd = { .fd = kn->efd, .events = POLLIN };

	return kn->socket && (revents & POLLHUP) != 0 &&
	    poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLIN | POLLERR)) == 0;
}

static bool
happened_read(struct knote *kn, struct rump_kevent *out)
{
	struct pollfd pfd = { .fd = kn->efd, .events = POLLIN | POLLRDHUP };
	struct stat st;
	int n = 0;

	if (kn->regular) {
		(void)watch_take(kn);
		if (fstat(kn->ofd, &st) != 0)
			return false;
		out->data = st.st_size - lseek(kn->ofd, 0, SEEK_CUR);
		return out->data != 0;
	}
	if (poll(&pfd, 1, 0) != 1 || is_fresh(kn, pfd.revents))
		return false;
	/* A listening socket or a queue has no bytes, but something. */
	if (ioctl(kn->efd, FIONREAD, &n) != 0)
		n = kn->socket ? backlog(kn->efd) : 1;
	out->data = n;
	/* An error alone is one of a datagram, and passes. */
	if ((pfd.revents & (POLLHUP | POLLRDHUP)) != 0)
		out->flags |= RUMP_EV_EOF;
	return (out->flags & RUMP_EV_EOF) != 0 ||
	    (kn->kev.fflags & RUMP_NOTE_LOWAT) == 0 ||
	    out->data >= kn->kev.data;
}

static bool
happened_write(struct knote *kn, struct rump_kevent *out)
{
	struct pollfd pfd = { .fd = kn->efd, .events = POLLOUT };

	out->data = 0;
	if (kn->regular)
		return true;
	if (poll(&pfd, 1, 0) != 1 || is_fresh(kn, pfd.revents))
		return false;
	if ((pfd.revents & POLLHUP) != 0 ||
	    (!kn->socket && (pfd.revents & POLLERR) != 0))
		out->flags |= RUMP_EV_EOF;
	else
		out->data = space_left(kn->efd);
	return (out->flags & RUMP_EV_EOF) != 0 ||
	    (kn->kev.fflags & RUMP_NOTE_LOWAT) == 0 ||
	    out->data >= kn->kev.data;
}

static uint32_t
vnode_notes(struct knote *kn, uint32_t mask)
{
	uint32_t notes = 0;
	struct stat st;

	if (fstat(kn->ofd, &st) != 0)
		return 0;
	if ((mask & (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE)) != 0)
		notes |= RUMP_NOTE_WRITE;
	if ((mask & IN_MODIFY) != 0 && st.st_size > kn->size)
		notes |= RUMP_NOTE_EXTEND;
	if ((mask & IN_MOVE_SELF) != 0)
		notes |= RUMP_NOTE_RENAME;
	if (st.st_nlink != kn->nlink)
		notes |= RUMP_NOTE_LINK;
	else if ((mask & IN_ATTRIB) != 0)
		notes |= RUMP_NOTE_ATTRIB;
	if (st.st_nlink == 0)
		notes |= RUMP_NOTE_DELETE;
	kn->size = st.st_size;
	kn->nlink = st.st_nlink;
	return notes;
}

static bool
happened_vnode(struct knote *kn, struct rump_kevent *out)
{
	uint32_t mask = watch_take(kn);

	if (mask != 0)
		kn->fflags |= vnode_notes(kn, mask) & kn->kev.fflags;
	out->data = 0;
	return kn->fflags != 0;
}

static bool
happened_timer(struct knote *kn, struct rump_kevent *out)
{

	kn->count += (int64_t)knote_event_take(kn);
	out->data = kn->count;
	return kn->count > 0;
}

static bool
happened_signal(struct knote *kn, struct rump_kevent *out)
{

	out->data = kn->count;
	return kn->count > 0;
}

static bool
happened_proc(struct knote *kn, struct rump_kevent *out)
{

	out->data = kn->count;
	if (kn->exited)
		out->flags |= RUMP_EV_EOF | RUMP_EV_ONESHOT;
	return kn->fflags != 0 || kn->exited;
}

static bool
happened_user(struct knote *kn, struct rump_kevent *out)
{

	out->data = kn->kev.data;
	kn->fflags = kn->kev.fflags;
	return kn->count > 0;
}

static const struct kqfilter filters[] = {
	[RUMP_EVFILT_READ] = { attach_rw, happened_read, true, false },
	[RUMP_EVFILT_WRITE] = { attach_rw, happened_write, true, false },
	[RUMP_EVFILT_VNODE] = { attach_vnode, happened_vnode, true, false },
	[RUMP_EVFILT_PROC] = { attach_proc, happened_proc, false, true },
	[RUMP_EVFILT_SIGNAL] = { attach_signal, happened_signal, false, true },
	[RUMP_EVFILT_TIMER] = { attach_timer, happened_timer, false, false },
	[RUMP_EVFILT_USER] = { attach_user, happened_user, false, true },
};

const struct kqfilter *
kqfilter_find(uint32_t n)
{

	if (n >= sizeof(filters) / sizeof(filters[0]) ||
	    filters[n].attach == NULL)
		return NULL;
	return &filters[n];
}
