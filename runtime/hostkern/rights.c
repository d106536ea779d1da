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
 * A message waits at a socket, and a socket may wait in a message: sockets can
 * keep each other when nobody can receive them any more.  When a socket is held
 * by messages alone, the thread looks for those circles and breaks them.
 *
 * flights.lock guards the table.  No other lock is taken in it but sockets.lock.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "hostkern/hostfd.h"
#include "hostkern/ktime.h"
#include "hostkern/sock.h"

enum {
	BUCKETS = 4096,
	EVENTS_AT_ONCE = 16,
	REST_MS = 10,		/* between two looks for circles, and this */
	REST_TIMES = 20		/* many times what a look took */
};

struct flight {
	struct flight *next;	/* in its bucket */
	dev_t dev;		/* the token's */
	ino_t ino;
	uint64_t to;		/* the ksock.box it is sent to */
	int wfd;
	struct rumpserver_account *payer;	/* of wfd */
	bool carries;		/* a local socket */
	LIST_ENTRY(flight) carrier;	/* of those that do */
	struct flight *chain;	/* in a look for circles: at its socket, or */
	bool reached;		/* of those to be followed, when reached */
	int n;
	struct file *files[];
};

struct flights {
	pthread_mutex_t lock;
	struct flight *bucket[BUCKETS];	/* by ino */
	LIST_HEAD(, flight) carriers;
	int epfd, bell;		/* bell: for the thread, to see what is up */
	atomic_bool quit, alone;
	bool watched;		/* there is a thread; lock */
	pthread_t thread;
};

static struct flights *
flights_of(const struct hostkern *hk)
{

	return kern_sockets(hk)->flights;
}

/* Can messages wait there? */
static bool
is_local_socket(const struct file *f)
{

	return f->type == FILE_SOCKET && sock_of(f)->domain == RUMP_AF_LOCAL;
}

/* Lock held. */
static void
table_insert(struct flights *fs, struct flight *fl)
{
	struct flight **flp = &fs->bucket[fl->ino % BUCKETS];
	int i, nsockets = 0;

	fl->next = *flp;
	*flp = fl;
	for (i = 0; i < fl->n; i++) {
		if (!is_local_socket(fl->files[i]))
			continue;
		nsockets++;
		file_fly(fl->files[i]);
		/* Its descriptor may have been closed since we had it. */
		if (file_in_messages(fl->files[i]))
			rights_alone(fl->files[i]->hk);
	}
	fl->carries = nsockets != 0;
	if (fl->carries)
		LIST_INSERT_HEAD(&fs->carriers, fl, carrier);
}

/* Lock held: it is *flp. */
static void
table_remove(struct flight **flp)
{
	struct flight *fl = *flp;
	int i;

	*flp = fl->next;
	if (!fl->carries)
		return;
	LIST_REMOVE(fl, carrier);
	for (i = 0; i < fl->n; i++) {
		if (is_local_socket(fl->files[i]))
			file_land(fl->files[i]);
	}
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
			table_remove(flp);
			break;
		}
	}
	pthread_mutex_unlock(&fs->lock);
	if (fl != NULL)
		flight_free(fl);
}

/* --- the end of those that nobody can receive --- */

/* Where a message may wait: a box, and the socket that it is of. */
struct place {
	uint64_t box;
	struct ksock *so;
};

struct places {
	struct place *at;
	size_t n, room;
};

/* A moment without memory: then it is not looked at, now. */
static bool
add_place(struct places *ps, uint64_t box, struct ksock *so)
{
	size_t room = ps->room != 0 ? 2 * ps->room : 64;
	struct place *at;

	if (ps->n == ps->room) {
		at = reallocarray(ps->at, room, sizeof(*at));
		if (at == NULL)
			return false;
		ps->at = at;
		ps->room = room;
	}
	ps->at[ps->n++] = (struct place){ box, so };
	return true;
}

/* The socket's own, and of those that wait to be accepted by it. */
static bool
add_places(struct hostkern *hk, struct places *ps, struct ksock *so)
{
	const struct caller *c;
	bool all;

	all = add_place(ps, so->box, so);
	pthread_mutex_lock(&kern_sockets(hk)->lock);
	for (c = so->callers; c != NULL && all; c = c->next)
		all = add_place(ps, c->box, so);
	pthread_mutex_unlock(&kern_sockets(hk)->lock);
	return all;
}

/* Doubts all sockets that messages alone hold.  No one else can come by such a
 * socket while the lock is held. */
static bool
doubt(struct flights *fs, struct places *ps)
{
	struct flight *fl;
	struct file *f;
	int i;

	LIST_FOREACH(fl, &fs->carriers, carrier) {
		for (i = 0; i < fl->n; i++) {
			f = fl->files[i];
			if (!is_local_socket(f) || sock_of(f)->doubted ||
			    !file_in_messages(f))
				continue;
			if (!add_places(f->hk, ps, sock_of(f)))
				return false;
			sock_of(f)->doubted = true;
		}
	}
	return true;
}

static int
compare_places(const void *a, const void *b)
{
	const struct place *p = a, *q = b;

	return (p->box > q->box) - (p->box < q->box);
}

/* The doubted socket that the flight's message waits at, or NULL. */
static struct ksock *
waits_at(const struct places *ps, const struct flight *fl)
{
	const struct place key = { .box = fl->to };
	const struct place *p;

	p = bsearch(&key, ps->at, ps->n, sizeof(key), compare_places);
	return p != NULL ? p->so : NULL;
}

static void
reach(struct flight *fl, struct flight **todo)
{

	fl->reached = true;
	fl->chain = *todo;
	*todo = fl;
}

/* Whoever receives these can receive what waits at the sockets in them. */
static void
follow(struct flight *todo)
{
	struct flight *fl, *w;
	struct ksock *so;
	int i;

	while ((fl = todo) != NULL) {
		todo = fl->chain;
		for (i = 0; i < fl->n; i++) {
			if (!is_local_socket(fl->files[i]))
				continue;
			so = sock_of(fl->files[i]);
			while ((w = so->waiting) != NULL) {
				so->waiting = w->chain;
				reach(w, &todo);
			}
		}
	}
}

/* Takes those not reached out of the table. */
static struct flight *
take_unreached(struct flights *fs)
{
	struct flight **flp, *fl, *next, *lost = NULL;

	for (fl = LIST_FIRST(&fs->carriers); fl != NULL; fl = next) {
		next = LIST_NEXT(fl, carrier);
		if (fl->reached)
			continue;
		flp = &fs->bucket[fl->ino % BUCKETS];
		while (*flp != fl)
			flp = &(*flp)->next;
		table_remove(flp);
		fl->chain = lost;
		lost = fl;
	}
	return lost;
}

/* The circles, and the carriers that hang on them.  What else does the host
 * throws away when the sockets are closed. */
static struct flight *
take_circles(struct flights *fs, struct places *ps)
{
	struct flight *fl, *todo = NULL;
	struct ksock *so;

	qsort(ps->at, ps->n, sizeof(ps->at[0]), compare_places);
	LIST_FOREACH(fl, &fs->carriers, carrier) {
		so = waits_at(ps, fl);
		if (so == NULL) {
			reach(fl, &todo);
			continue;
		}
		fl->reached = false;
		fl->chain = so->waiting;
		so->waiting = fl;
	}
	follow(todo);
	return take_unreached(fs);
}

static void
break_circles(struct flights *fs)
{
	struct places ps = { .at = NULL };
	struct flight *fl, *lost = NULL;
	size_t i;

	pthread_mutex_lock(&fs->lock);
	if (doubt(fs, &ps) && ps.n != 0)
		lost = take_circles(fs, &ps);
	for (i = 0; i < ps.n; i++) {
		ps.at[i].so->doubted = false;
		ps.at[i].so->waiting = NULL;
	}
	pthread_mutex_unlock(&fs->lock);
	free(ps.at);
	while ((fl = lost) != NULL) {
		lost = fl->chain;
		flight_free(fl);
	}
}

void
rights_alone(struct hostkern *hk)
{
	struct flights *fs = flights_of(hk);

	if (!atomic_exchange(&fs->alone, true))
		(void)eventfd_write(fs->bell, 1);
}

/* --- the thread --- */

/* Breaks circles if there may be any, and if it is time: not before *next, on
 * the uptime clock.  However many sockets were closed, one look serves them
 * all.  How long to sleep, for epoll_wait(). */
static int
look(struct flights *fs, int64_t *next)
{
	const int64_t ms = 1000000, start = ktime_uptime();
	int64_t end;

	if (!atomic_load(&fs->alone))
		return -1;
	if (start < *next)
		return (int)((*next - start) / ms + 1);
	atomic_store(&fs->alone, false);
	break_circles(fs);
	end = ktime_uptime();
	*next = end + REST_MS * ms + REST_TIMES * (end - start);
	return atomic_load(&fs->alone) ? REST_MS : -1;
}

static void *
flights_thread(void *arg)
{
	struct epoll_event ev[EVENTS_AT_ONCE];
	struct flights *fs = arg;
	int64_t next = 0;
	eventfd_t rung;
	int i, n;

	while (!atomic_load(&fs->quit)) {
		n = epoll_wait(fs->epfd, ev, EVENTS_AT_ONCE, look(fs, &next));
		for (i = 0; i < n; i++) {
			if (ev[i].data.u64 == 0)
				(void)eventfd_read(fs->bell, &rung);
			else
				flight_lost(fs, ev[i].data.u64);
		}
	}
	return NULL;
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

	if (!fs->watched)
		fs->watched = kern_thread(&fs->thread, flights_thread, fs);
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
	fs->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	kern_sockets(hk)->flights = fs;
	return fs->epfd != -1 && fs->bell != -1 &&
	    watch(fs, fs->bell, EPOLLIN, 0) ? 0 : RUMP_ENFILE;
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
		atomic_store(&fs->quit, true);
		(void)eventfd_write(fs->bell, 1);
		pthread_join(fs->thread, NULL);
	}
	for (i = 0; i < BUCKETS; i++) {
		while ((fl = fs->bucket[i]) != NULL) {
			table_remove(&fs->bucket[i]);
			flight_free(fl);
		}
	}
	if (fs->epfd != -1)
		close(fs->epfd);
	if (fs->bell != -1)
		close(fs->bell);
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
	int error = 0;

	pthread_mutex_lock(&fs->lock);
	if (start_thread(fs) && watch(fs, fl->wfd, 0, fl->ino))
		table_insert(fs, fl);
	else
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
			table_remove(flp);
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
