/*
 * kqueue and kevent.
 *
 * A queue is an epoll instance of the host.  Every note in it has a host
 * descriptor of its own there, so that the host wakes whoever waits: a
 * duplicate of the guest's file for READ and WRITE, an inotify for VNODE and
 * for READ at the end of a regular file, a timerfd for TIMER, an eventfd for
 * what this kernel itself announces (USER, SIGNAL, PROC).  What epoll says is
 * only a hint; the note's filter looks for itself before an event is
 * returned.  A queue can be polled like any descriptor.
 */
#include <sys/epoll.h>
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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>

#include "hostkern/kqueue.h"
#include "hostkern/ktime.h"
#include "hostkern/path.h"

enum {
	BATCH = 8,		/* changes fetched at once */
	EVENTS_MAX = 256,	/* events returned at once */
	HINTS = 64,		/* from epoll at once */
	NOTES_MAX = 16384,	/* in one queue */
	/* Flags that stay with a note. */
	KEPT_FLAGS = RUMP_EV_ONESHOT | RUMP_EV_CLEAR | RUMP_EV_DISPATCH,
	KQUEUE_FLAGS = RUMP_O_CLOEXEC | RUMP_O_NONBLOCK | RUMP_O_NOSIGPIPE,
};

struct knote {
	struct knote *next;
	struct rump_kevent kev;	/* ident, filter, kept flags, asked-for
				 * fflags and data, udata */
	int efd;		/* in epoll; -1: none */
	int ofd;		/* the file, if efd is another; -1: none */
	bool enabled;
	bool hit;		/* epoll has mentioned it */
	bool regular;		/* READ of a regular file */
	bool socket;
	bool exited;		/* PROC: there is no more to come */
	uint32_t fflags;	/* what happened */
	int64_t count;		/* how often; PROC: what it says as data */
	int64_t size;		/* VNODE: of the file when last seen */
	nlink_t nlink;
};

struct kqueue {
	struct kqueue *next, **prevp;	/* kqueues.lock */
	struct kproc *p;	/* whose it is; not inherited, not passed */
	int epfd;
	pthread_mutex_t lock;	/* guards the notes */
	struct knote *notes, **tail;
	unsigned nnotes;
};

/* All of a kernel's: hk->ext[KERN_SLOT_KQUEUE].  lock comes before a queue's
 * own, and that before hk->proc_lock. */
struct kqueues {
	pthread_mutex_t lock;
	struct kqueue *first;
};

static struct kqueues *
kern_kqueues(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_KQUEUE];
}

/* --- notes --- */

static void
event_set(struct knote *kn)
{
	uint64_t one = 1;
	ssize_t n;

	n = write(kn->efd, &one, sizeof(one));
	(void)n;
}

/* timerfd and eventfd alike: how much it has counted, 0 if nothing. */
static uint64_t
event_take(struct knote *kn)
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

static int
ident_get(struct kproc *p, uintptr_t ident, struct file **fp)
{

	return ident > INT32_MAX ? RUMP_EBADF : fd_get(p, (int)ident, fp);
}

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

static int
set_timer(struct knote *kn)
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
	return kn->efd == -1 ? kern_errno() : set_timer(kn);
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

	kn->count += (int64_t)event_take(kn);
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

static const struct filter {
	/* The file is that of ident, if it is a descriptor. */
	int (*attach)(struct kproc *, struct knote *, const struct file *);
	bool (*happened)(struct knote *, struct rump_kevent *);
	bool isfd;		/* ident is a descriptor */
	bool eventfd;		/* we set it: to be taken back by EV_CLEAR */
} filters[] = {
	[RUMP_EVFILT_READ] = { attach_rw, happened_read, true, false },
	[RUMP_EVFILT_WRITE] = { attach_rw, happened_write, true, false },
	[RUMP_EVFILT_VNODE] = { attach_vnode, happened_vnode, true, false },
	[RUMP_EVFILT_PROC] = { attach_proc, happened_proc, false, true },
	[RUMP_EVFILT_SIGNAL] = { attach_signal, happened_signal, false, true },
	[RUMP_EVFILT_TIMER] = { attach_timer, happened_timer, false, false },
	[RUMP_EVFILT_USER] = { attach_user, happened_user, false, true },
};

static const struct filter *
filter_of(uint32_t n)
{

	if (n >= sizeof(filters) / sizeof(filters[0]) ||
	    filters[n].attach == NULL)
		return NULL;
	return &filters[n];
}

/* --- a queue and its notes; lock held --- */

static int
note_enable(struct kqueue *kq, struct knote *kn, bool on)
{
	struct epoll_event ev = { .events = EPOLLIN, .data = { .ptr = kn } };

	if (on == kn->enabled)
		return 0;
	if (!on) {
		(void)epoll_ctl(kq->epfd, EPOLL_CTL_DEL, kn->efd, NULL);
		kn->enabled = false;
		kn->hit = false;
		return 0;
	}
	if (kn->kev.filter == RUMP_EVFILT_WRITE && !kn->regular)
		ev.events = EPOLLOUT;
	if (kn->kev.filter == RUMP_EVFILT_READ)
		ev.events |= EPOLLRDHUP;
	/* With EV_CLEAR only what is new counts. */
	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0)
		ev.events |= EPOLLET;
	if (epoll_ctl(kq->epfd, EPOLL_CTL_ADD, kn->efd, &ev) != 0)
		return errno == EPERM ? RUMP_EINVAL : kern_errno();
	kn->enabled = true;
	/* There may be something to be seen already. */
	kn->hit = true;
	return 0;
}

static void
note_free(struct knote *kn)
{

	if (kn->efd != -1)
		close(kn->efd);
	if (kn->ofd != -1)
		close(kn->ofd);
	free(kn);
}

/* Out of the list at *knp. */
static void
note_remove(struct kqueue *kq, struct knote **knp)
{
	struct knote *kn = *knp;

	*knp = kn->next;
	if (kq->tail == &kn->next)
		kq->tail = knp;
	kq->nnotes--;
	(void)note_enable(kq, kn, false);
	note_free(kn);
}

static struct knote **
note_find(struct kqueue *kq, uintptr_t ident, uint32_t filter)
{
	struct knote **knp;

	for (knp = &kq->notes; *knp != NULL; knp = &(*knp)->next) {
		if ((*knp)->kev.ident == ident &&
		    (*knp)->kev.filter == filter)
			break;
	}
	return knp;
}

static int
note_add(struct kqueue *kq, const struct rump_kevent *kev,
    const struct file *f, struct knote **made)
{
	struct knote *kn;
	int error;

	if (kq->nnotes >= NOTES_MAX)
		return RUMP_ENOMEM;
	kn = calloc(1, sizeof(*kn));
	if (kn == NULL)
		return RUMP_ENOMEM;
	kn->efd = kn->ofd = -1;
	kn->kev = *kev;
	kn->kev.flags &= KEPT_FLAGS;
	if (kev->filter == RUMP_EVFILT_USER)
		kn->kev.fflags &= RUMP_NOTE_FFLAGSMASK;
	error = filter_of(kev->filter)->attach(kq->p, kn, f);
	if (error == 0 && (kn->efd >= kq->p->hk->hfd_max ||
	    kn->ofd >= kq->p->hk->hfd_max))
		error = RUMP_ENFILE;
	if (error != 0) {
		note_free(kn);
		return error;
	}
	*kq->tail = kn;
	kq->tail = &kn->next;
	kq->nnotes++;
	*made = kn;
	return 0;
}

/* A change of a USER event's flags, and its trigger. */
static void
user_touch(struct knote *kn, uint32_t fflags)
{
	uint32_t value = fflags & RUMP_NOTE_FFLAGSMASK & ~RUMP_NOTE_TRIGGER;

	kn->kev.fflags &= ~RUMP_NOTE_TRIGGER;
	switch (fflags & RUMP_NOTE_FFCTRLMASK) {
	case RUMP_NOTE_FFAND:
		kn->kev.fflags &= value;
		break;
	case RUMP_NOTE_FFOR:
		kn->kev.fflags |= value;
		break;
	case RUMP_NOTE_FFCOPY:
		kn->kev.fflags = value;
		break;
	}
	if ((fflags & RUMP_NOTE_TRIGGER) != 0) {
		kn->count = 1;
		event_set(kn);
	}
}

static int
note_change(struct knote *kn, const struct rump_kevent *kev)
{

	kn->kev.udata = kev->udata;
	if (kev->filter == RUMP_EVFILT_USER)
		return 0;
	kn->kev.fflags = kev->fflags;
	kn->kev.data = kev->data;
	return kev->filter == RUMP_EVFILT_TIMER ? set_timer(kn) : 0;
}

static int
apply(struct kqueue *kq, const struct rump_kevent *kev, const struct file *f)
{
	struct knote **knp, *kn;
	int error = 0;

	knp = note_find(kq, kev->ident, kev->filter);
	kn = *knp;
	if (kn == NULL && (kev->flags & RUMP_EV_ADD) == 0)
		return RUMP_ENOENT;
	if ((kev->flags & RUMP_EV_DELETE) != 0 && kn != NULL) {
		note_remove(kq, knp);
		return 0;
	}
	if (kn == NULL)
		error = note_add(kq, kev, f, &kn);
	else if ((kev->flags & RUMP_EV_ADD) != 0)
		error = note_change(kn, kev);
	if (error != 0)
		return error;
	if (kev->filter == RUMP_EVFILT_USER)
		user_touch(kn, kev->fflags);
	if ((kev->flags & RUMP_EV_DISABLE) != 0)
		return note_enable(kq, kn, false);
	if ((kev->flags & (RUMP_EV_ADD | RUMP_EV_ENABLE)) != 0) {
		error = note_enable(kq, kn, true);
		if (error != 0)
			note_remove(kq, note_find(kq, kev->ident,
			    kev->filter));
	}
	return error;
}

static void
take_hints(struct kqueue *kq)
{
	struct epoll_event ev[HINTS];
	int i, n;

	/* epoll goes round, so the next scan begins with the others. */
	n = epoll_wait(kq->epfd, ev, HINTS, 0);
	for (i = 0; i < n; i++)
		((struct knote *)ev[i].data.ptr)->hit = true;
}

/* Something may be there that epoll does not mention. */
static bool
is_sticky(const struct knote *kn)
{

	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0)
		return false;
	return kn->fflags != 0 || (kn->regular &&
	    kn->kev.filter == RUMP_EVFILT_READ);
}

/* The event has been returned.  True: the note goes. */
static bool
note_returned(struct kqueue *kq, struct knote *kn,
    const struct rump_kevent *out)
{

	if ((out->flags & RUMP_EV_ONESHOT) != 0)
		return true;
	if ((kn->kev.flags & RUMP_EV_CLEAR) != 0) {
		kn->fflags = 0;
		kn->count = 0;
		if (filter_of(kn->kev.filter)->eventfd)
			(void)event_take(kn);
	}
	if ((kn->kev.flags & RUMP_EV_DISPATCH) != 0)
		(void)note_enable(kq, kn, false);
	return false;
}

/* At most max events; returns how many. */
static size_t
scan(struct kqueue *kq, struct rump_kevent *events, size_t max)
{
	struct rump_kevent *out;
	struct knote **knp, *kn;
	size_t n = 0;

	pthread_mutex_lock(&kq->lock);
	take_hints(kq);
	for (knp = &kq->notes; (kn = *knp) != NULL && n < max;) {
		if (!kn->enabled || (!kn->hit && !is_sticky(kn))) {
			knp = &kn->next;
			continue;
		}
		kn->hit = false;
		out = &events[n];
		*out = kn->kev;
		if (!filter_of(kn->kev.filter)->happened(kn, out)) {
			knp = &kn->next;
			continue;
		}
		out->fflags = kn->fflags;
		n++;
		if (note_returned(kq, kn, out))
			note_remove(kq, knp);
		else
			knp = &kn->next;
	}
	pthread_mutex_unlock(&kq->lock);
	return n;
}

/* --- what happens elsewhere --- */

void
kqueue_closed(struct kproc *p, int fd)
{
	struct kqueues *kqs = kern_kqueues(p->hk);
	struct knote **knp;
	struct kqueue *kq;

	pthread_mutex_lock(&kqs->lock);
	for (kq = kqs->first; kq != NULL; kq = kq->next) {
		if (kq->p != p)
			continue;
		pthread_mutex_lock(&kq->lock);
		for (knp = &kq->notes; *knp != NULL;) {
			if ((*knp)->kev.ident == (uintptr_t)fd &&
			    filter_of((*knp)->kev.filter)->isfd)
				note_remove(kq, knp);
			else
				knp = &(*knp)->next;
		}
		pthread_mutex_unlock(&kq->lock);
	}
	pthread_mutex_unlock(&kqs->lock);
}

/* Watches the child of the note's process like that, as NOTE_TRACK asks. */
static int
follow(struct kqueue *kq, const struct knote *kn, pid_t child)
{
	struct rump_kevent kev = kn->kev;
	struct knote *new;
	int error;

	kev.ident = (uintptr_t)child;
	kev.flags |= RUMP_EV_ADD;
	error = apply(kq, &kev, NULL);
	if (error != 0)
		return error;
	new = *note_find(kq, kev.ident, kev.filter);
	new->fflags = RUMP_NOTE_CHILD;
	new->count = (int64_t)kn->kev.ident;
	event_set(new);
	return 0;
}

static void
note_forked(struct kqueue *kq, struct knote *kn, pid_t child)
{

	kn->fflags |= kn->kev.fflags & RUMP_NOTE_FORK;
	if ((kn->kev.fflags & RUMP_NOTE_TRACK) != 0 &&
	    follow(kq, kn, child) != 0)
		kn->fflags |= RUMP_NOTE_TRACKERR;
	if (kn->fflags != 0)
		event_set(kn);
}

/* What has happened to a note's signal or process; fflags says what to that. */
static void
note_touch(struct knote *kn, uint32_t fflags)
{

	if (kn->kev.filter == RUMP_EVFILT_SIGNAL)
		kn->count++;
	kn->fflags |= kn->kev.fflags & fflags;
	kn->exited |= (fflags & RUMP_NOTE_EXIT) != 0;
	if (kn->count > 0 || kn->fflags != 0 || kn->exited)
		event_set(kn);
}

/* Something about `ident` for all queues (of p, if it is not NULL); `child` is
 * not 0: a fork. */
static void
announce(struct hostkern *hk, struct kproc *p, uint32_t filter,
    uintptr_t ident, uint32_t fflags, pid_t child)
{
	struct kqueues *kqs = kern_kqueues(hk);
	struct knote *kn;
	struct kqueue *kq;

	if (kqs == NULL)
		return;
	pthread_mutex_lock(&kqs->lock);
	for (kq = kqs->first; kq != NULL; kq = kq->next) {
		if (p != NULL && kq->p != p)
			continue;
		pthread_mutex_lock(&kq->lock);
		kn = *note_find(kq, ident, filter);
		if (kn != NULL && child != 0)
			note_forked(kq, kn, child);
		else if (kn != NULL)
			note_touch(kn, fflags);
		pthread_mutex_unlock(&kq->lock);
	}
	pthread_mutex_unlock(&kqs->lock);
}

void
kqueue_signal(struct kproc *p, int signo)
{

	announce(p->hk, p, RUMP_EVFILT_SIGNAL, (uintptr_t)signo, 0, 0);
}

static void
kqueue_proc_forked(struct kproc *child, struct kproc *parent)
{

	announce(parent->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)parent->pid,
	    RUMP_NOTE_FORK, child->pid);
}

static void
kqueue_proc_exec(struct kproc *p)
{

	announce(p->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)p->pid,
	    RUMP_NOTE_EXEC, 0);
}

static void
kqueue_proc_exit(struct kproc *p)
{

	announce(p->hk, NULL, RUMP_EVFILT_PROC, (uintptr_t)p->pid,
	    RUMP_NOTE_EXIT, 0);
}

static int
kqueue_create(struct hostkern *hk)
{
	struct kqueues *kqs;

	kqs = calloc(1, sizeof(*kqs));
	if (kqs == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&kqs->lock, NULL);
	hk->ext[KERN_SLOT_KQUEUE] = kqs;
	return 0;
}

static void
kqueue_destroy(struct hostkern *hk)
{
	struct kqueues *kqs = kern_kqueues(hk);

	if (kqs == NULL)
		return;
	pthread_mutex_destroy(&kqs->lock);
	free(kqs);
	hk->ext[KERN_SLOT_KQUEUE] = NULL;
}

const struct kern_module kqueue_module = {
	.create = kqueue_create,
	.destroy = kqueue_destroy,
	.proc_forked = kqueue_proc_forked,
	.proc_exec = kqueue_proc_exec,
	.proc_exit = kqueue_proc_exit,
};

/* --- the calls --- */

static void
kqueue_close(struct file *f)
{
	struct kqueues *kqs = kern_kqueues(f->hk);
	struct kqueue *kq = f->data;

	pthread_mutex_lock(&kqs->lock);
	*kq->prevp = kq->next;
	if (kq->next != NULL)
		kq->next->prevp = kq->prevp;
	pthread_mutex_unlock(&kqs->lock);
	while (kq->notes != NULL)
		note_remove(kq, &kq->notes);
	pthread_mutex_destroy(&kq->lock);
	free(kq);
}

/* By number; those that are not implemented have names, too. */
static const char *const filter_names[] = { "EVFILT_READ", "EVFILT_WRITE",
    "EVFILT_AIO", "EVFILT_VNODE", "EVFILT_PROC", "EVFILT_SIGNAL",
    "EVFILT_TIMER", "EVFILT_FS", "EVFILT_USER" };

enum { FILTER_NAMES = sizeof(filter_names) / sizeof(filter_names[0]),
    FILTER_NAMELEN = 32 };	/* NetBSD's KFILTER_MAXNAME */

static int
map_number(struct lwp *l, struct rump_kfilter_mapping *km)
{

	if (km->filter >= FILTER_NAMES)
		return RUMP_ENOENT;
	return rumpserver_copyoutstr(l, filter_names[km->filter],
	    (uintptr_t)km->name, km->len, NULL);
}

static int
map_name(struct lwp *l, struct rump_kfilter_mapping *km)
{
	char name[FILTER_NAMELEN];
	int error;

	error = rumpserver_copyinstr(l, (uintptr_t)km->name, name,
	    sizeof(name), NULL);
	if (error != 0)
		return error;
	for (km->filter = 0; km->filter < FILTER_NAMES; km->filter++) {
		if (strcmp(filter_names[km->filter], name) == 0)
			return 0;
	}
	return RUMP_ENOENT;
}

static int
kqueue_ioctl(struct lwp *l, struct file *f, unsigned long com,
    rump_uaddr_t data, register_t *retval)
{
	struct rump_kfilter_mapping km;
	int error;

	(void)f;
	(void)retval;
	if (com != RUMP_KFILTER_BYFILTER && com != RUMP_KFILTER_BYNAME)
		return RUMP_EPASSTHROUGH;
	error = rumpserver_copyin(l, data, &km, sizeof(km));
	if (error == 0)
		error = com == RUMP_KFILTER_BYFILTER ? map_number(l, &km) :
		    map_name(l, &km);
	return error != 0 ? error :
	    rumpserver_copyout(l, &km, data, sizeof(km));
}

static const struct fileops kqueue_ops = {
	.close = kqueue_close,
	.ioctl = kqueue_ioctl,
};

static int
kqueue_make(struct kproc *p, int flags, struct file **fp)
{
	struct kqueues *kqs = kern_kqueues(p->hk);
	struct kqueue *kq;
	int error, epfd;

	epfd = epoll_create1(EPOLL_CLOEXEC);
	if (epfd == -1)
		return kern_errno();
	kq = calloc(1, sizeof(*kq));
	error = kq == NULL ? RUMP_ENOMEM : file_make(p->hk, FILE_KQUEUE, epfd,
	    flags, FILE_NOINHERIT | FILE_NORW, &kqueue_ops, fp);
	if (error != 0) {
		free(kq);
		close(epfd);
		return error;
	}
	kq->p = p;
	kq->epfd = epfd;
	kq->tail = &kq->notes;
	pthread_mutex_init(&kq->lock, NULL);
	(*fp)->data = kq;
	pthread_mutex_lock(&kqs->lock);
	kq->next = kqs->first;
	kq->prevp = &kqs->first;
	if (kq->next != NULL)
		kq->next->prevp = &kq->next;
	kqs->first = kq;
	pthread_mutex_unlock(&kqs->lock);
	return 0;
}

static int
do_kqueue(struct lwp *l, int flags, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	struct file *f;
	int error, fd;

	if ((flags & ~KQUEUE_FLAGS) != 0)
		return RUMP_EINVAL;
	error = kqueue_make(p, RUMP_O_RDWR | (flags & ~RUMP_O_CLOEXEC), &f);
	if (error != 0)
		return error;
	error = fd_install(p, f, 0, (flags & RUMP_O_CLOEXEC) != 0, &fd);
	if (error != 0)
		file_put(f);
	else
		retval[0] = fd;
	return error;
}

int
sys_kqueue(struct lwp *l, const void *v, register_t *retval)
{

	(void)v;
	return do_kqueue(l, 0, retval);
}

int
sys_kqueue1(struct lwp *l, const struct sys_kqueue1_args *uap,
    register_t *retval)
{

	return do_kqueue(l, uap->flags, retval);
}

/* The call's arguments, the same for both forms of it. */
struct kevent_args {
	rump_uaddr_t changes, events;
	uint64_t nchanges, nevents;
	rump_uaddr_t timeout;
	bool old;		/* it is a timespec50 */
};

/* One change.  The file is let go without the lock: it may be a queue. */
static int
make_change(struct kqueue *kq, const struct rump_kevent *kev)
{
	const struct filter *filter = filter_of(kev->filter);
	struct file *f = NULL;
	int error;

	if (filter == NULL)
		return RUMP_EINVAL;
	if (filter->isfd) {
		error = ident_get(kq->p, kev->ident, &f);
		if (error != 0)
			return error;
	}
	pthread_mutex_lock(&kq->lock);
	error = apply(kq, kev, f);
	pthread_mutex_unlock(&kq->lock);
	if (f != NULL)
		file_put(f);
	return error;
}

/*
 * Makes the changes.  One that fails becomes an event if there is room for
 * it, and ends the call if not; *nerrors counts those events.
 */
static int
make_changes(struct lwp *l, struct kqueue *kq, struct kevent_args *a,
    size_t *nerrors)
{
	struct rump_kevent kev[BATCH];
	size_t i, n;
	int error;

	*nerrors = 0;
	while (a->nchanges > 0) {
		n = a->nchanges < BATCH ? (size_t)a->nchanges : BATCH;
		error = rumpserver_copyin(l, a->changes, kev,
		    n * sizeof(kev[0]));
		if (error != 0)
			return error;
		for (i = 0; i < n; i++) {
			kev[i].rump_pad = 0;
			kev[i].flags &= ~RUMP_EV_SYSFLAGS;
			error = make_change(kq, &kev[i]);
			if (error == 0 &&
			    (kev[i].flags & RUMP_EV_RECEIPT) == 0)
				continue;
			if (a->nevents == 0)
				return error;
			kev[i].flags = RUMP_EV_ERROR;
			kev[i].data = error;
			error = rumpserver_copyout(l, &kev[i], a->events,
			    sizeof(kev[i]));
			if (error != 0)
				return error;
			a->events += sizeof(kev[i]);
			a->nevents--;
			++*nerrors;
		}
		a->changes += n * sizeof(kev[0]);
		a->nchanges -= n;
	}
	return 0;
}

/* Waits for events and hands them over; 0 of them when the time is over. */
static int
return_events(struct lwp *l, struct kqueue *kq, const struct kevent_args *a,
    int64_t deadline, size_t *got)
{
	size_t max = a->nevents < EVENTS_MAX ? (size_t)a->nevents : EVENTS_MAX;
	struct pollfd pfd = { .fd = kq->epfd, .events = POLLIN };
	struct rump_kevent *events;
	unsigned round = 0;
	int error = 0;

	events = malloc(max * sizeof(events[0]));
	if (events == NULL)
		return RUMP_ENOMEM;
	while ((*got = scan(kq, events, max)) == 0) {
		if (deadline != INT64_MAX && ktime_uptime() >= deadline)
			break;
		/* Ready in the host's eyes, but not enough for a filter. */
		if (poll(&pfd, 1, 0) == 1)
			error = kern_backoff(l, &round);
		else if (deadline == INT64_MAX)
			error = rumpserver_wait(l, &pfd, 1, NULL);
		else
			error = ktime_wait(l, &pfd, 1, deadline);
		if (error == RUMP_EWOULDBLOCK)
			error = 0;
		if (error != 0)
			break;
	}
	if (error == 0 && *got > 0)
		error = rumpserver_copyout(l, events, a->events,
		    *got * sizeof(events[0]));
	free(events);
	return error;
}

static int
copyin_timeout(struct lwp *l, const struct kevent_args *a,
    struct rump_timespec *ts)
{
	struct rump_timespec50 old;
	int error;

	if (a->timeout == 0)
		return 0;
	if (!a->old)
		return rumpserver_copyin(l, a->timeout, ts, sizeof(*ts));
	error = rumpserver_copyin(l, a->timeout, &old, sizeof(old));
	if (error == 0)
		*ts = (struct rump_timespec){ old.tv_sec, old.tv_nsec };
	return error;
}

/* INT64_MAX: for ever; 0: not at all. */
static int
limit(const struct kevent_args *a, const struct rump_timespec *ts,
    int64_t *deadline)
{
	int64_t ns;
	int error;

	*deadline = INT64_MAX;
	if (a->timeout == 0)
		return 0;
	error = ktime_fromspec(ts, &ns);
	if (error != 0 || ns < 0)
		return RUMP_EINVAL;
	*deadline = ns == 0 ? 0 : ktime_add(ktime_uptime(), ns);
	return 0;
}

/* A time limit that is none is noticed when it comes to waiting, the changes
 * made. */
static int
do_kevent(struct lwp *l, int fd, struct kevent_args *a, register_t *retval)
{
	struct rump_timespec ts;
	struct file *f;
	int64_t deadline;
	size_t n = 0;
	int error;

	error = fd_get(kern_proc(l), fd, &f);
	if (error != 0)
		return error;
	if (f->type != FILE_KQUEUE) {
		file_put(f);
		return RUMP_EBADF;
	}
	error = copyin_timeout(l, a, &ts);
	if (error == 0)
		error = make_changes(l, f->data, a, &n);
	if (error == 0 && n == 0 && a->nevents > 0) {
		error = limit(a, &ts, &deadline);
		if (error == 0)
			error = return_events(l, f->data, a, deadline, &n);
	}
	file_put(f);
	retval[0] = (register_t)n;
	return error;
}

/* @partial sys___kevent50: no EVFILT_AIO and EVFILT_FS; EVFILT_SIGNAL sees the signals that this kernel raises */
int
sys___kevent50(struct lwp *l, const struct sys___kevent50_args *uap,
    register_t *retval)
{
	struct kevent_args a = { .changes = uap->changelist,
	    .nchanges = uap->nchanges, .events = uap->eventlist,
	    .nevents = uap->nevents, .timeout = uap->timeout };

	return do_kevent(l, uap->fd, &a, retval);
}

/* @partial compat_50_sys_kevent: as kevent */
int
compat_50_sys_kevent(struct lwp *l,
    const struct compat_50_sys_kevent_args *uap, register_t *retval)
{
	struct kevent_args a = { .changes = uap->changelist,
	    .nchanges = uap->nchanges, .events = uap->eventlist,
	    .nevents = uap->nevents, .timeout = uap->timeout, .old = true };

	return do_kevent(l, uap->fd, &a, retval);
}
