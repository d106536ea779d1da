/*
 * The filters of kqueue: what each watches, and whether it has happened.
 */
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

#include "hostkern/hostfd.h"
#include "hostkern/knote.h"
#include "hostkern/sock.h"

void
knote_set_wants(struct knote *kn)
{

	switch (kn->kev.filter) {
	case RUMP_EVFILT_PROC:
		kn->wants = (kn->kev.fflags & (RUMP_NOTE_FORK |
		    RUMP_NOTE_EXEC | RUMP_NOTE_TRACK)) | RUMP_NOTE_EXIT |
		    RUMP_NOTE_TRACKERR;
		break;
	case RUMP_EVFILT_READ:
		kn->wants = kn->socket != NULL ? UINT32_MAX : IN_MODIFY;
		break;
	default:
		kn->wants = UINT32_MAX;
		break;
	}
}

/* --- attaching --- */

/* A descriptor that the note pays for. */
static int
set_efd(struct kproc *p, struct knote *kn, int (*make)(int), int arg)
{
	int error;

	error = hostfd_charge(p, &kn->payer);
	if (error != 0)
		return error;
	kn->efd = make(arg);
	return kn->efd == -1 ? kern_errno() : 0;
}

static int
duplicate(int fd)
{

	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int
make_timer(int clock)
{

	return timerfd_create(clock, TFD_NONBLOCK | TFD_CLOEXEC);
}

/* The note is about a regular file or directory, which it keeps open. */
static void
set_file(struct knote *kn, struct file *f)
{

	file_ref(f);
	kn->file = f;
}

/* A socket, which tells when it gets a connection. */
static void
set_socket(struct knote *kn, struct file *f)
{

	file_ref(f);
	kn->socket = f;
	knote_set_wants(kn);
	(void)knote_listen(kn, &sock_of(f)->watchers, NULL);
}

static int
attach_rw(struct kproc *p, struct knote *kn, struct file *f)
{

	if (f->hfd == -1)
		return RUMP_EINVAL;
	if (f->type == FILE_SOCKET)
		set_socket(kn, f);
	if (f->type != FILE_VNODE)
		return set_efd(p, kn, duplicate, f->hfd);
	set_file(kn, f);
	/* A regular file can always be written. */
	return kn->kev.filter == RUMP_EVFILT_READ ?
	    kqwatch_add(p->hk, kn, f->hfd) : 0;
}

static bool
see(const struct knote *kn, struct stat_seen *seen)
{
	struct stat st;

	if (fstat(kn->file->hfd, &st) != 0)
		return false;
	*seen = (struct stat_seen){ .size = st.st_size, .nlink = st.st_nlink,
	    .mtime = st.st_mtim, .ctime = st.st_ctim };
	return true;
}

static int
attach_vnode(struct kproc *p, struct knote *kn, struct file *f)
{

	if (f->type != FILE_VNODE)
		return RUMP_EINVAL;
	set_file(kn, f);
	if (!see(kn, &kn->seen))
		return kern_errno();
	return kqwatch_add(p->hk, kn, f->hfd);
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
attach_timer(struct kproc *p, struct knote *kn, struct file *f)
{
	int error;

	(void)f;
	kn->kev.flags |= RUMP_EV_CLEAR;
	error = set_efd(p, kn, make_timer, CLOCK_MONOTONIC);
	return error != 0 ? error : knote_set_timer(kn);
}

static int
attach_signal(struct kproc *p, struct knote *kn, struct file *f)
{

	(void)f;
	if (kn->kev.ident < 1 || kn->kev.ident >= RUMP_NSIG)
		return RUMP_EINVAL;
	kn->kev.flags |= RUMP_EV_CLEAR;
	knote_set_wants(kn);
	(void)knote_listen(kn, &kqproc_of(p)->signals, NULL);
	return 0;
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

/* Who a process is to its watchers, with a reference. */
static int
find_target(struct kproc *p, uintptr_t ident, struct kqproc **target)
{
	struct kcred *c = cred_get(p);
	struct kproc *q = NULL;
	int error = 0;

	pthread_mutex_lock(&p->hk->proc_lock);
	if (ident <= KERN_PID_MAX)
		q = proc_find(p->hk, (pid_t)ident);
	if (q == NULL)
		error = RUMP_ESRCH;
	else if (!may_watch(c, q))
		error = RUMP_EACCES;
	else
		*target = kqproc_ref(kqproc_of(q));
	pthread_mutex_unlock(&p->hk->proc_lock);
	cred_put(c);
	return error;
}

static int
attach_proc(struct kproc *p, struct knote *kn, struct file *f)
{
	struct kqproc *target;
	int error;

	(void)f;
	error = find_target(p, kn->kev.ident, &target);
	if (error != 0)
		return error;
	kn->kev.flags |= RUMP_EV_CLEAR;
	knote_set_wants(kn);
	if (!knote_listen(kn, &target->watchers, target))
		error = RUMP_ESRCH;
	kqproc_put(target);
	return error;
}

static int
attach_user(struct kproc *p, struct knote *kn, struct file *f)
{

	(void)p;
	(void)kn;
	(void)f;
	return 0;
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

/* Of a TCP connection the host says that there is room, but not when there is
 * more: that has to do. */
static bool
tells_more(const struct knote *kn)
{

	return kn->socket == NULL ||
	    sock_of(kn->socket)->domain == RUMP_AF_LOCAL;
}

/* A socket that has no connection yet: hung up, in the host's eyes. */
static bool
is_fresh(const struct knote *kn, short revents)
{
	struct pollfd pfd = { .fd = kn->efd, .events = POLLIN };

	return kn->socket != NULL && (revents & POLLHUP) != 0 &&
	    poll(&pfd, 1, 0) == 1 && (pfd.revents & (POLLIN | POLLERR)) == 0;
}

static bool
happened_read(struct knote *kn, struct rump_kevent *out)
{
	struct pollfd pfd = { .fd = kn->efd, .events = POLLIN | POLLRDHUP };
	struct stat st;
	int n = 0;

	if (kn->file != NULL) {
		if (fstat(kn->file->hfd, &st) != 0)
			return false;
		out->data = st.st_size - lseek(kn->file->hfd, 0, SEEK_CUR);
		return out->data != 0;
	}
	if (poll(&pfd, 1, 0) != 1 || is_fresh(kn, pfd.revents))
		return false;
	/* A listening socket or a queue has no bytes, but something. */
	if (ioctl(kn->efd, FIONREAD, &n) != 0)
		n = kn->socket != NULL ? backlog(kn->efd) : 1;
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
	if (kn->file != NULL)
		return true;
	if (poll(&pfd, 1, 0) != 1 || is_fresh(kn, pfd.revents))
		return false;
	if ((pfd.revents & POLLHUP) != 0 ||
	    (kn->socket == NULL && (pfd.revents & POLLERR) != 0))
		out->flags |= RUMP_EV_EOF;
	else
		out->data = space_left(kn->efd);
	return (out->flags & RUMP_EV_EOF) != 0 || !tells_more(kn) ||
	    (kn->kev.fflags & RUMP_NOTE_LOWAT) == 0 ||
	    out->data >= kn->kev.data;
}

static bool
differ(const struct timespec *a, const struct timespec *b)
{

	return a->tv_sec != b->tv_sec || a->tv_nsec != b->tv_nsec;
}

/* What inotify has said, or was too busy to say. */
static uint32_t
vnode_notes(struct knote *kn, uint32_t mask)
{
	struct stat_seen now, *seen = &kn->seen;
	uint32_t notes = 0;

	if (!see(kn, &now))
		return 0;
	if ((mask & IN_Q_OVERFLOW) != 0 && differ(&now.mtime, &seen->mtime))
		mask |= IN_MODIFY;
	else if ((mask & IN_Q_OVERFLOW) != 0 &&
	    differ(&now.ctime, &seen->ctime))
		mask |= IN_ATTRIB;
	if ((mask & (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVE)) != 0)
		notes |= RUMP_NOTE_WRITE;
	if ((mask & IN_MODIFY) != 0 && now.size > seen->size)
		notes |= RUMP_NOTE_EXTEND;
	if ((mask & IN_MOVE_SELF) != 0)
		notes |= RUMP_NOTE_RENAME;
	if (now.nlink != seen->nlink)
		notes |= RUMP_NOTE_LINK;
	else if ((mask & IN_ATTRIB) != 0)
		notes |= RUMP_NOTE_ATTRIB;
	if (now.nlink == 0)
		notes |= RUMP_NOTE_DELETE;
	*seen = now;
	return notes;
}

static bool
happened_vnode(struct knote *kn, struct rump_kevent *out)
{

	if (kn->mask != 0)
		kn->fflags |= vnode_notes(kn, kn->mask) & kn->kev.fflags;
	kn->mask = 0;
	out->data = 0;
	return kn->fflags != 0;
}

/* How often it has fired since it was last asked. */
static int64_t
timer_take(struct knote *kn)
{
	uint64_t n;

	return read(kn->efd, &n, sizeof(n)) == sizeof(n) ? (int64_t)n : 0;
}

static bool
happened_timer(struct knote *kn, struct rump_kevent *out)
{

	kn->count += timer_take(kn);
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
	[RUMP_EVFILT_READ] = { attach_rw, happened_read, true },
	[RUMP_EVFILT_WRITE] = { attach_rw, happened_write, true },
	[RUMP_EVFILT_VNODE] = { attach_vnode, happened_vnode, true },
	[RUMP_EVFILT_PROC] = { attach_proc, happened_proc, false },
	[RUMP_EVFILT_SIGNAL] = { attach_signal, happened_signal, false },
	[RUMP_EVFILT_TIMER] = { attach_timer, happened_timer, false },
	[RUMP_EVFILT_USER] = { attach_user, happened_user, false },
};

const struct kqfilter *
kqfilter_find(uint32_t n)
{

	if (n >= sizeof(filters) / sizeof(filters[0]) ||
	    filters[n].attach == NULL)
		return NULL;
	return &filters[n];
}
