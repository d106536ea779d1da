/*
 * Descriptors in messages between local sockets.
 *
 * What a guest passes is the open file object, which lives here and not in
 * the host's kernel.  So the files wait here, in a flight, and what the message
 * carries is a token: the reading end of a pipe made for it, whose inode number
 * tells which flight it is when the message arrives.  A token is good for one
 * flight, once, and only on the socket that it was sent to; whatever else
 * comes in a message is closed.
 *
 * We keep the writing end: it is in error when the host has thrown the message
 * away (the socket closed, the data read without its control messages).  A
 * thread, made with the first flight, waits for that and lets the files go.
 *
 * A socket passed over itself, or in a longer circle, that nobody can receive
 * any more is there until the server ends, in the budget of who sent it.
 *
 * flights.lock guards the table.  No other lock is taken in it.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostkern/hostfd.h"
#include "hostkern/sock.h"

enum { BUCKETS = 4096, EVENTS_AT_ONCE = 16 };

struct flight {
	struct flight *next;	/* in its bucket */
	dev_t dev;		/* the token's */
	ino_t ino;
	uint64_t to;		/* the ksock.box it is sent to */
	int wfd;
	struct rumpserver_account *payer;	/* of wfd */
	int n;
	struct file *files[];
};

struct flights {
	pthread_mutex_t lock;
	struct flight *bucket[BUCKETS];	/* by ino */
	int epfd, quit;		/* quit is the thread's call to end */
	bool watched;		/* there is a thread; lock */
	pthread_t thread;
};

static struct flights *
flights_of(const struct hostkern *hk)
{

	return kern_sockets(hk)->flights;
}

/* Out of the table, or not in it yet. */
static void
flight_free(struct flight *fl)
{
	int i;

	for (i = 0; i < fl->n; i++)
		file_put(fl->files[i]);
	close(fl->wfd);
	hostfd_refund(fl->payer);
	free(fl);
}

/* --- the end of those that never land --- */

static bool
has_ended(const struct flight *fl)
{
	struct pollfd pfd = { .fd = fl->wfd };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLERR) != 0;
}

/* The number may be that of another by now. */
static void
flight_lost(struct flights *fs, ino_t ino)
{
	struct flight **flp, *fl;

	pthread_mutex_lock(&fs->lock);
	for (flp = &fs->bucket[ino % BUCKETS]; (fl = *flp) != NULL;
	    flp = &fl->next) {
		if (fl->ino == ino && has_ended(fl)) {
			*flp = fl->next;
			break;
		}
	}
	pthread_mutex_unlock(&fs->lock);
	if (fl != NULL)
		flight_free(fl);
}

static void *
flights_thread(void *arg)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	struct flights *fs = arg;
	int i, n;

	for (;;) {
		n = epoll_wait(fs->epfd, ev, EVENTS_AT_ONCE, -1);
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == 0)
				return NULL;
			flight_lost(fs, ev[i].data.u64);
		}
	}
}

static bool
watch(struct flights *fs, int fd, uint32_t events, uint64_t number)
{
	struct epoll_event ev = { .events = events, .data.u64 = number };

	return epoll_ctl(fs->epfd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* Lock held. */
static bool
start_thread(struct flights *fs)
{
	sigset_t all, old;

	if (fs->watched)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	fs->watched = pthread_create(&fs->thread, NULL, flights_thread,
	    fs) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return fs->watched;
}

int
rights_create(struct hostkern *hk)
{
	struct flights *fs;

	fs = calloc(1, sizeof(*fs));
	if (fs == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&fs->lock, NULL);
	fs->epfd = epoll_create1(EPOLL_CLOEXEC);
	fs->quit = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kern_sockets(hk)->flights = fs;
	return fs->epfd != -1 && fs->quit != -1 &&
	    watch(fs, fs->quit, EPOLLIN, 0) ? 0 : RUMP_ENFILE;
}

void
rights_destroy(struct hostkern *hk)
{
	struct flights *fs = flights_of(hk);
	struct flight *fl;
	int i;

	if (fs == NULL)
		return;
	if (fs->watched) {
		(void)eventfd_write(fs->quit, 1);
		pthread_join(fs->thread, NULL);
	}
	for (i = 0; i < BUCKETS; i++) {
		while ((fl = fs->bucket[i]) != NULL) {
			fs->bucket[i] = fl->next;
			flight_free(fl);
		}
	}
	if (fs->epfd != -1)
		close(fs->epfd);
	if (fs->quit != -1)
		close(fs->quit);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

/* --- sending --- */

/* References to the files; those got stay in fl when one cannot be. */
static int
gather(struct kproc *p, const int32_t *fds, int n, struct flight *fl)
{
	struct file *f;
	int error, i;

	for (i = 0; i < n; i++) {
		error = fd_get(p, fds[i], &f);
		if (error != 0)
			return error;
		fl->files[fl->n++] = f;
		if ((f->traits & FILE_NOINHERIT) != 0)
			return RUMP_EBADF;
	}
	return 0;
}

/* EAGAIN, as NetBSD says when too many are under way. */
static int
flight_make(struct kproc *p, int n, struct flight **flp, int *token)
{
	struct flight *fl;
	struct stat st;
	int pipefd[2];

	fl = calloc(1, sizeof(*fl) + (size_t)n * sizeof(fl->files[0]));
	if (fl == NULL)
		return RUMP_ENOMEM;
	if (hostfd_charge(p, &fl->payer) != 0) {
		free(fl);
		return RUMP_EAGAIN;
	}
	if (pipe2(pipefd, O_CLOEXEC | O_NONBLOCK) != 0) {
		hostfd_refund(fl->payer);
		free(fl);
		return RUMP_EAGAIN;
	}
	fl->wfd = pipefd[1];
	(void)fstat(pipefd[0], &st);	/* it is ours, and open */
	fl->dev = st.st_dev;
	fl->ino = st.st_ino;
	*flp = fl;
	*token = pipefd[0];
	return 0;
}

static int
flight_launch(struct flights *fs, struct flight *fl)
{
	struct flight **flp = &fs->bucket[fl->ino % BUCKETS];
	int error = 0;

	pthread_mutex_lock(&fs->lock);
	if (start_thread(fs) && watch(fs, fl->wfd, 0, fl->ino)) {
		fl->next = *flp;
		*flp = fl;
	} else
		error = RUMP_EAGAIN;
	pthread_mutex_unlock(&fs->lock);
	return error;
}

int
rights_make(struct kproc *p, const int32_t *fds, int n, uint64_t to,
    struct rights *r)
{
	struct flight *fl;
	int error, token;

	if (n > SOCK_PASSMAX)
		return RUMP_EINVAL;
	error = flight_make(p, n, &fl, &token);
	if (error != 0)
		return error;
	fl->to = to;
	error = gather(p, fds, n, fl);
	if (error == 0)
		error = flight_launch(flights_of(p->hk), fl);
	if (error != 0) {
		close(token);
		flight_free(fl);
		return error;
	}
	r->token = token;
	return 0;
}

/* The flight of this token, out of the table; NULL when it is none, or none
 * for `to`. */
static struct flight *
flight_land(struct flights *fs, int token, uint64_t to)
{
	struct flight **flp, *fl;
	struct stat st;

	if (fstat(token, &st) != 0 || !S_ISFIFO(st.st_mode))
		return NULL;
	pthread_mutex_lock(&fs->lock);
	for (flp = &fs->bucket[st.st_ino % BUCKETS]; (fl = *flp) != NULL;
	    flp = &fl->next) {
		if (fl->dev == st.st_dev && fl->ino == st.st_ino &&
		    fl->to == to) {
			*flp = fl->next;
			break;
		}
	}
	pthread_mutex_unlock(&fs->lock);
	return fl;
}

void
rights_done(struct hostkern *hk, struct rights *r, uint64_t to, bool sent)
{
	struct flight *fl = NULL;

	if (r->token == -1)
		return;
	if (!sent)
		fl = flight_land(flights_of(hk), r->token, to);
	close(r->token);
	r->token = -1;
	if (fl != NULL)
		flight_free(fl);
}

int
rights_take(struct hostkern *hk, const struct ksock *so, const int *hfds,
    int n, struct file *files[SOCK_PASSMAX])
{
	struct flight *fl = NULL;
	int got, i;

	for (i = 0; i < n; i++) {
		if (fl == NULL)
			fl = flight_land(flights_of(hk), hfds[i], so->box);
		close(hfds[i]);
	}
	if (fl == NULL)
		return 0;
	for (got = 0; got < fl->n; got++)
		files[got] = fl->files[got];
	fl->n = 0;
	flight_free(fl);
	return got;
}
