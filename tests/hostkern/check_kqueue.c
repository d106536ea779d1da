/*
 * kqueue: every filter, the flags of events, and how notes go away.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

static struct raw_guest *W;		/* waits; acts */
static int KQ, R, WR;

static void
setup(void)
{

	raw_setup();
	OK0(G, pipe);
	R = (int)G->retval[0];
	WR = (int)G->retval[1];
	W = raw_fork(&S, G);
	KQ = (int)OK0(G, kqueue);
}

static void
teardown(void)
{

	raw_leave(W);
	raw_teardown();
}

static struct rump_kevent
kev(uintptr_t ident, uint32_t filter, uint32_t flags, uint32_t fflags,
    int64_t data)
{
	struct rump_kevent k;

	memset(&k, 0, sizeof(k));
	k.ident = ident;
	k.filter = filter;
	k.flags = flags;
	k.fflags = fflags;
	k.data = data;
	k.udata = 4711;
	return k;
}

static int
change(struct rump_kevent k)
{

	return CALL(G, __kevent50, KQ, P(&k), 1, 0, 0, 0);
}

/* The events there are now; *k is the first. */
static int
events(struct rump_kevent *k)
{
	static struct rump_kevent list[8];
	struct rump_timespec zero = { 0, 0 };
	int n;

	n = (int)OK(G, __kevent50, KQ, 0, 0, P(list), 8, P(&zero));
	*k = list[0];
	return n;
}

START_TEST(reading)
{
	struct rump_kevent k;
	char c;

	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ADD, 0, 0)), 0);
	ck_assert_int_eq(events(&k), 0);
	BEGIN(G, __kevent50, KQ, 0, 0, P(&k), 1, 0);
	ck_assert(raw_pending(G));
	OK(W, write, WR, P("xyz"), 3);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 1);
	ck_assert_uint_eq(k.ident, (uintptr_t)R);
	ck_assert_uint_eq(k.filter, RUMP_EVFILT_READ);
	ck_assert_int_eq(k.data, 3);
	ck_assert_int_eq(k.udata, 4711);
	/* Still so, as long as it is not read. */
	ck_assert_int_eq(events(&k), 1);
	OK(G, read, R, P(&c), 1);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(k.data, 2);
	OK(G, close, WR);
	OK(W, close, WR);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.flags & RUMP_EV_EOF, RUMP_EV_EOF);
}
END_TEST

START_TEST(writing)
{
	struct rump_kevent k;

	ck_assert_int_eq(change(kev((uintptr_t)WR, RUMP_EVFILT_WRITE,
	    RUMP_EV_ADD, 0, 0)), 0);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.filter, RUMP_EVFILT_WRITE);
	ck_assert_int_gt(k.data, 0);
	OK(G, close, R);
	OK(W, close, R);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.flags & RUMP_EV_EOF, RUMP_EV_EOF);
}
END_TEST

START_TEST(how_often)
{
	struct rump_kevent k;

	/* Only what is new. */
	change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ADD | RUMP_EV_CLEAR, 0, 0));
	OK(W, write, WR, P("x"), 1);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(events(&k), 0);
	OK(W, write, WR, P("x"), 1);
	ck_assert_int_eq(events(&k), 1);
	change(kev((uintptr_t)R, RUMP_EVFILT_READ, RUMP_EV_DELETE, 0, 0));

	/* Once. */
	change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ADD | RUMP_EV_ONESHOT, 0, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(events(&k), 0);
	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_DELETE, 0, 0)), RUMP_ENOENT);

	/* Once, and again when asked. */
	change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ADD | RUMP_EV_DISPATCH, 0, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(events(&k), 0);
	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ENABLE, 0, 0)), 0);
	ck_assert_int_eq(events(&k), 1);

	/* Off and on. */
	change(kev((uintptr_t)R, RUMP_EVFILT_READ, RUMP_EV_DELETE, 0, 0));
	change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ADD | RUMP_EV_DISABLE, 0, 0));
	ck_assert_int_eq(events(&k), 0);
	change(kev((uintptr_t)R, RUMP_EVFILT_READ, RUMP_EV_ENABLE, 0, 0));
	ck_assert_int_eq(events(&k), 1);
}
END_TEST

START_TEST(refusals)
{
	struct rump_kevent k[2], out[2];
	struct rump_timespec bad = { 0, -1 };

	ck_assert_int_eq(change(kev(99, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0)),
	    RUMP_EBADF);
	ck_assert_int_eq(change(kev(1, 77, RUMP_EV_ADD, 0, 0)), RUMP_EINVAL);
	ck_assert_int_eq(change(kev(1, RUMP_EVFILT_AIO, RUMP_EV_ADD, 0, 0)),
	    RUMP_EINVAL);
	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_ENABLE, 0, 0)), RUMP_ENOENT);
	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_VNODE,
	    RUMP_EV_ADD, 1, 0)), RUMP_EINVAL);
	ck_assert_int_eq(change(kev(1, RUMP_EVFILT_TIMER, RUMP_EV_ADD, 0,
	    -1)), RUMP_EINVAL);
	ck_assert_int_eq(change(kev(1, RUMP_EVFILT_TIMER, RUMP_EV_ADD, 0,
	    0)), RUMP_EINVAL);
	ck_assert_int_eq(change(kev(99, RUMP_EVFILT_READ, RUMP_EV_DELETE, 0,
	    0)), RUMP_EBADF);
	ck_assert_int_eq(change(kev(64, RUMP_EVFILT_SIGNAL, RUMP_EV_ADD, 0,
	    0)), RUMP_EINVAL);
	ck_assert_int_eq(change(kev(29999, RUMP_EVFILT_PROC, RUMP_EV_ADD,
	    RUMP_NOTE_EXIT, 0)), RUMP_ESRCH);
	ck_assert_int_eq(CALL(G, __kevent50, R, 0, 0, P(out), 1, 0),
	    RUMP_EBADF);
	/* The time limit is not looked at before the changes are made. */
	k[0] = kev(7, RUMP_EVFILT_USER, RUMP_EV_ADD, 0, 0);
	ck_assert_int_eq(CALL(G, __kevent50, KQ, P(k), 1, P(out), 1, P(&bad)),
	    RUMP_EINVAL);
	k[0].flags = RUMP_EV_DELETE;
	OK(G, __kevent50, KQ, P(k), 1, 0, 0, P(&bad));
	ck_assert_int_eq(CALL(G, read, KQ, P(out), 1), RUMP_ENXIO);
	ck_assert_int_eq(CALL(G, kqueue1, 1), RUMP_EINVAL);

	/* With room for it, an error is an event, and the rest goes on. */
	k[0] = kev(99, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0);
	k[1] = kev((uintptr_t)WR, RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0);
	ck_assert_int_eq(OK(G, __kevent50, KQ, P(k), 2, P(out), 2, 0), 1);
	ck_assert_uint_eq(out[0].flags, RUMP_EV_ERROR);
	ck_assert_int_eq(out[0].data, RUMP_EBADF);
	ck_assert_uint_eq(out[0].ident, 99);
	ck_assert_int_eq(events(&out[0]), 1);
}
END_TEST

START_TEST(closing_forgets)
{
	struct rump_kevent k;
	int fd;

	change(kev((uintptr_t)WR, RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0));
	change(kev((uintptr_t)R, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0));
	ck_assert_int_eq(events(&k), 1);
	OK(G, close, WR);
	ck_assert_int_eq(events(&k), 0);
	/* The note must not keep the pipe open. */
	OK(W, close, WR);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.flags & RUMP_EV_EOF, RUMP_EV_EOF);
	/* Another file at the same number is not watched. */
	fd = (int)OK(G, dup2, 0, R);
	ck_assert_int_eq(fd, R);
	ck_assert_int_eq(events(&k), 0);
	ck_assert_int_eq(change(kev((uintptr_t)R, RUMP_EVFILT_READ,
	    RUMP_EV_DELETE, 0, 0)), RUMP_ENOENT);
}
END_TEST

START_TEST(timers)
{
	struct rump_timespec ts = { patience_ms() / 1000, 0 };
	struct rump_timespec50 ts50 = { 0, 0, 1000000 };
	struct rump_kevent k;

	change(kev(7, RUMP_EVFILT_TIMER, RUMP_EV_ADD, 0, 5));
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 1);
	ck_assert_uint_eq(k.ident, 7);
	ck_assert_int_ge(k.data, 1);
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 1);
	change(kev(7, RUMP_EVFILT_TIMER, RUMP_EV_DELETE, 0, 0));
	change(kev(8, RUMP_EVFILT_TIMER, RUMP_EV_ADD | RUMP_EV_ONESHOT, 0,
	    1));
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 1);
	ck_assert_int_eq(k.data, 1);
	/* The time limit, in both forms. */
	ts = (struct rump_timespec){ 0, 1000000 };
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 0);
	ck_assert_int_eq(OK(G, compat_50_kevent, KQ, 0, 0, P(&k), 1, P(&ts50)),
	    0);
}
END_TEST

START_TEST(user_events)
{
	struct rump_kevent k;

	change(kev(1, RUMP_EVFILT_USER, RUMP_EV_ADD | RUMP_EV_CLEAR, 0x0f, 0));
	ck_assert_int_eq(events(&k), 0);
	change(kev(1, RUMP_EVFILT_USER, 0, RUMP_NOTE_FFOR | 0xf0, 0));
	ck_assert_int_eq(events(&k), 0);
	change(kev(1, RUMP_EVFILT_USER, 0, RUMP_NOTE_TRIGGER, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, 0xff);
	ck_assert_int_eq(events(&k), 0);
	change(kev(1, RUMP_EVFILT_USER, 0,
	    RUMP_NOTE_FFAND | RUMP_NOTE_TRIGGER | 0x3c, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, 0x3c);
	change(kev(1, RUMP_EVFILT_USER, 0,
	    RUMP_NOTE_FFCOPY | RUMP_NOTE_TRIGGER | 0x1, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, 0x1);
	/* Without EV_CLEAR it stays. */
	change(kev(2, RUMP_EVFILT_USER, RUMP_EV_ADD, RUMP_NOTE_TRIGGER, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(events(&k), 1);
}
END_TEST

START_TEST(files)
{
	struct rump_kevent k;
	struct rump_timespec ts = { patience_ms() / 1000, 0 };
	int fd, out;
	char c[8];

	raw_put(&S, "file", "abc");
	fd = raw_open(G, "/file", RUMP_O_RDONLY, 0);
	change(kev((uintptr_t)fd, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(k.data, 3);
	OK(G, read, fd, P(c), 8);
	ck_assert_int_eq(events(&k), 0);
	/* At the end, until it grows. */
	out = raw_open(W, "/file", RUMP_O_WRONLY | RUMP_O_APPEND, 0);
	BEGIN(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts));
	ck_assert(raw_pending(G));
	OK(W, write, out, P("de"), 2);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(G->retval[0], 1);
	ck_assert_int_eq(k.data, 2);
	change(kev((uintptr_t)fd, RUMP_EVFILT_READ, RUMP_EV_DELETE, 0, 0));

	change(kev((uintptr_t)fd, RUMP_EVFILT_VNODE,
	    RUMP_EV_ADD | RUMP_EV_CLEAR, 0x7f, 0));
	ck_assert_int_eq(events(&k), 0);
	OK(W, write, out, P("f"), 1);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_WRITE | RUMP_NOTE_EXTEND);
	ck_assert_int_eq(events(&k), 0);
	OK(W, chmod, P("/file"), 0600);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_ATTRIB);
	OK(W, link, P("/file"), P("/other"));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_LINK);
	OK(W, rename, P("/other"), P("/third"));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags & RUMP_NOTE_RENAME, RUMP_NOTE_RENAME);
	OK(W, unlink, P("/third"));
	OK(W, unlink, P("/file"));
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags & RUMP_NOTE_DELETE, RUMP_NOTE_DELETE);
}
END_TEST

/* Our own descriptors that are inotify instances; *watches is how many files
 * those watch. */
static int
inotify_instances(int *watches)
{
	char name[64], line[512];
	int fd, n = 0;
	ssize_t len;
	FILE *f;

	*watches = 0;
	for (fd = 0; fd < 1024; fd++) {
		snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
		len = readlink(name, line, sizeof(line) - 1);
		line[len > 0 ? len : 0] = '\0';
		if (strstr(line, "inotify") == NULL)
			continue;
		n++;
		snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
		f = fopen(name, "r");
		ck_assert_ptr_nonnull(f);
		while (fgets(line, sizeof(line), f) != NULL)
			*watches += strncmp(line, "inotify", 7) == 0;
		fclose(f);
	}
	return n;
}

/* However many notes there are: one instance of the host's, and a watch for
 * each file, which goes with the last note about it. */
static uint64_t
held_descriptors(void)
{
	struct rumpserver_stats st;

	rumpserver_getstats(S.srv, &st);
	return st.held[RUMPSERVER_DESCRIPTORS];
}

static atomic_bool enough;

/* Two files in turn, as the host tells once of what comes twice. */
static void *
write_on(void *arg)
{
	const int *hfd = arg;
	unsigned i;

	for (i = 0; !atomic_load(&enough); i++)
		ck_assert_int_eq(pwrite(hfd[i % 2], "x", 1, 0), 1);
	return NULL;
}

/* Who watches another file does not wait for those that never rest. */
START_TEST(files_without_rest)
{
	enum { NOTES = 200 };
	const struct rump_timespec zero = { 0, 0 };
	const char *const names[] = { "a", "b" };
	struct rump_kevent k, got;
	pthread_t thread;
	int fd, hfd[2], i, kq;

	raw_put(&S, "c", "");
	kq = (int)OK0(W, kqueue);
	for (i = 0; i < NOTES; i++) {
		if (i < 2) {
			raw_put(&S, names[i], "");
			hfd[i] = open(raw_host(&S, names[i]), O_WRONLY);
			ck_assert_int_ne(hfd[i], -1);
		}
		fd = i % 2 == 0 ? raw_open(W, "/a", RUMP_O_RDONLY, 0) :
		    raw_open(W, "/b", RUMP_O_RDONLY, 0);
		k = kev((uintptr_t)fd, RUMP_EVFILT_VNODE, RUMP_EV_ADD,
		    RUMP_NOTE_WRITE, 0);
		OK(W, __kevent50, kq, P(&k), 1, 0, 0, 0);
	}
	fd = raw_open(G, "/c", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(change(kev((uintptr_t)fd, RUMP_EVFILT_VNODE,
	    RUMP_EV_ADD, RUMP_NOTE_DELETE, 0)), 0);
	atomic_store(&enough, false);
	ck_assert_int_eq(pthread_create(&thread, NULL, write_on, hfd), 0);
	for (i = 0; i < 20; i++)
		ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&got), 1,
		    P(&zero)), 0);
	OK(G, close, fd);
	atomic_store(&enough, true);
	pthread_join(thread, NULL);
	close(hfd[0]);
	close(hfd[1]);
}
END_TEST

START_TEST(watches_of_files)
{
	struct rump_timespec zero = { 0, 0 };
	struct rump_kevent k[2], got;
	int fd[2], i, j, kq[40], watches;
	uint64_t before;

	raw_put(&S, "a", "");
	raw_put(&S, "b", "");
	fd[0] = raw_open(G, "/a", RUMP_O_RDWR, 0);
	fd[1] = raw_open(G, "/b", RUMP_O_RDWR, 0);
	ck_assert_int_eq(inotify_instances(&watches), 0);
	before = held_descriptors();
	for (i = 0; i < 40; i++) {
		kq[i] = (int)OK0(G, kqueue);
		for (j = 0; j < 2; j++)
			k[j] = kev((uintptr_t)fd[j], RUMP_EVFILT_VNODE,
			    RUMP_EV_ADD | RUMP_EV_CLEAR, RUMP_NOTE_WRITE, 0);
		OK(G, __kevent50, kq[i], P(k), 2, 0, 0, 0);
	}
	ck_assert_int_eq(inotify_instances(&watches), 1);
	ck_assert_int_eq(watches, 2);
	/* Each queue is two, and each note is paid for as one. */
	ck_assert_uint_eq(held_descriptors() - before, 40 * (2 + 2));
	OK(G, write, fd[1], P("x"), 1);
	for (i = 0; i < 40; i++) {
		ck_assert_int_eq(OK(G, __kevent50, kq[i], 0, 0, P(&got), 1,
		    P(&zero)), 1);
		ck_assert_uint_eq(got.ident, (uintptr_t)fd[1]);
	}
	OK(G, close, fd[0]);
	(void)inotify_instances(&watches);
	ck_assert_int_eq(watches, 1);
	for (i = 0; i < 40; i++)
		OK(G, close, kq[i]);
	ck_assert_int_eq(inotify_instances(&watches), 1);
	ck_assert_int_eq(watches, 0);
	ck_assert_uint_eq(held_descriptors(), before - 1);
	/* And the file is free: it can be watched again. */
	ck_assert_int_eq(change(kev((uintptr_t)fd[1], RUMP_EVFILT_VNODE,
	    RUMP_EV_ADD, RUMP_NOTE_WRITE, 0)), 0);
	OK(G, write, fd[1], P("x"), 1);
	ck_assert_int_eq(events(&got), 1);
}
END_TEST

/* Many notes: found again, in any order, and none is forgotten. */
START_TEST(many_notes)
{
	enum { N = 2000 };
	struct rump_kevent k;
	int i;

	for (i = 0; i < N; i++)
		ck_assert_int_eq(change(kev((uintptr_t)i * 8, RUMP_EVFILT_USER,
		    RUMP_EV_ADD | RUMP_EV_CLEAR, 0, 0)), 0);
	ck_assert_int_eq(events(&k), 0);
	for (i = N - 1; i >= 0; i -= 3)
		ck_assert_int_eq(change(kev((uintptr_t)i * 8, RUMP_EVFILT_USER,
		    0, RUMP_NOTE_TRIGGER, 0)), 0);
	for (i = N - 1; i >= 0; i -= 3) {
		ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, 0), 1);
		ck_assert_uint_eq(k.ident, (uintptr_t)i * 8);
	}
	ck_assert_int_eq(events(&k), 0);
	for (i = 0; i < N; i++)
		ck_assert_int_eq(change(kev((uintptr_t)i * 8, RUMP_EVFILT_USER,
		    RUMP_EV_DELETE, 0, 0)), 0);
	ck_assert_int_eq(change(kev(8, RUMP_EVFILT_USER, RUMP_EV_DELETE, 0,
	    0)), RUMP_ENOENT);
}
END_TEST

/* What is added is seen by the thread that waits, and by poll. */
START_TEST(adding_wakes)
{
	struct rump_pollfd pfd = { KQ, RUMP_POLLIN, 0 };
	struct rump_kevent k[2], got;

	BEGIN(G, __kevent50, KQ, 0, 0, P(&got), 1, 0);
	ck_assert(raw_pending(G));
	k[0] = kev(1, RUMP_EVFILT_USER, RUMP_EV_ADD, 0, 0);
	BEGIN(G, __kevent50, KQ, P(k), 1, 0, 0, 0);
	ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
	ck_assert(raw_pending(G));
	k[0] = kev(1, RUMP_EVFILT_USER, 0, RUMP_NOTE_TRIGGER, 0);
	BEGIN(G, __kevent50, KQ, P(k), 1, 0, 0, 0);
	ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
	ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
	ck_assert_uint_eq(got.ident, 1);
	/* It stays so, and then it does not. */
	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 1);
	k[0].flags = RUMP_EV_DELETE;
	ck_assert_int_eq(change(k[0]), 0);
	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 0);
}
END_TEST

/* A queue that is closed ends the calls that wait for its events. */
START_TEST(closing_ends_the_wait)
{
	struct rump_kevent k;

	BEGIN(G, __kevent50, KQ, 0, 0, P(&k), 1, 0);
	ck_assert(raw_pending(G));
	BEGIN(G, close, KQ);
	if (raw_end_any(G, &(uint64_t){ 0 }) == 0)
		ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), RUMP_EBADF);
	else
		ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
}
END_TEST

START_TEST(processes)
{
	struct rump_timespec ts = { patience_ms() / 1000, 0 };
	struct raw_guest *child;
	struct rump_kevent k;
	int64_t pid;

	OK0(W, getpid_with_ppid);
	pid = W->retval[0];
	ck_assert_int_eq(change(kev((uintptr_t)pid, RUMP_EVFILT_PROC,
	    RUMP_EV_ADD, RUMP_NOTE_FORK | RUMP_NOTE_EXEC | RUMP_NOTE_EXIT,
	    0)), 0);
	child = raw_fork(&S, W);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_FORK);
	raw_exec(W, "other");
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_EXEC);
	raw_leave(W);
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 1);
	ck_assert_uint_eq(k.fflags, RUMP_NOTE_EXIT);
	ck_assert_uint_eq(k.flags & RUMP_EV_EOF, RUMP_EV_EOF);
	W = child;
}
END_TEST

/* Children, and their children, are watched without being named. */
START_TEST(following_processes)
{
	struct rump_timespec ts = { patience_ms() / 1000, 0 };
	struct raw_guest *child, *grandchild;
	struct rump_kevent k[2];
	int64_t pid, childpid;

	OK0(W, getpid_with_ppid);
	pid = W->retval[0];
	ck_assert_int_eq(change(kev((uintptr_t)pid, RUMP_EVFILT_PROC,
	    RUMP_EV_ADD, RUMP_NOTE_TRACK | RUMP_NOTE_FORK, 0)), 0);
	child = raw_fork(&S, W);
	OK0(child, getpid_with_ppid);
	childpid = child->retval[0];
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(k), 2, 0), 2);
	ck_assert_uint_eq(k[0].ident, (uintptr_t)pid);
	ck_assert_uint_eq(k[0].fflags, RUMP_NOTE_FORK);
	ck_assert_uint_eq(k[1].ident, (uintptr_t)childpid);
	ck_assert_uint_eq(k[1].fflags, RUMP_NOTE_CHILD);
	ck_assert_int_eq(k[1].data, pid);
	ck_assert_int_eq(k[1].udata, 4711);
	grandchild = raw_fork(&S, child);
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(k), 2, 0), 2);
	ck_assert_uint_eq(k[1].fflags, RUMP_NOTE_CHILD);
	ck_assert_int_eq(k[1].data, childpid);
	/* The end is told also to those who did not ask for it. */
	raw_leave(grandchild);
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(k), 2, P(&ts)), 1);
	ck_assert_uint_eq(k[0].fflags, 0);
	ck_assert_uint_eq(k[0].flags & RUMP_EV_EOF, RUMP_EV_EOF);
	ck_assert_int_eq(change(kev(k[0].ident, RUMP_EVFILT_PROC,
	    RUMP_EV_DELETE, 0, 0)), RUMP_ENOENT);
	raw_leave(child);
}
END_TEST

/* Only one's own are to be watched. */
START_TEST(watching_others)
{
	struct rump_kevent k;
	int kq;

	if (skip_unless_root())
		return;
	OK(W, setuid, 77);
	kq = (int)OK0(W, kqueue);
	OK0(G, getpid_with_ppid);
	k = kev((uintptr_t)G->retval[0], RUMP_EVFILT_PROC, RUMP_EV_ADD,
	    RUMP_NOTE_EXIT, 0);
	ck_assert_int_eq(CALL(W, __kevent50, kq, P(&k), 1, 0, 0, 0),
	    RUMP_EACCES);
}
END_TEST

START_TEST(sockets)
{
	struct rump_sockaddr_in at = { .sin_len = sizeof(at),
	    .sin_family = RUMP_AF_INET, .sin_addr = { 0x0100007f } };
	uint32_t len = sizeof(at);
	struct rump_kevent k;
	int c, i, l;

	l = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	/* There is nothing yet, not even an end. */
	change(kev((uintptr_t)l, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0));
	change(kev((uintptr_t)l, RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0));
	ck_assert_int_eq(events(&k), 0);
	change(kev((uintptr_t)l, RUMP_EVFILT_WRITE, RUMP_EV_DELETE, 0, 0));
	OK(G, bind, l, P(&at), sizeof(at));
	OK(G, listen, l, 5);
	OK(G, getsockname, l, P(&at), P(&len));
	ck_assert_int_eq(events(&k), 0);
	for (i = 1; i <= 3; i++) {
		c = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM,
		    0);
		OK(G, connect, c, P(&at), sizeof(at));
		ck_assert_int_eq(events(&k), 1);
		ck_assert_int_eq(k.data, i);
	}
	change(kev((uintptr_t)l, RUMP_EVFILT_READ, RUMP_EV_DELETE, 0, 0));
	change(kev((uintptr_t)c, RUMP_EVFILT_READ, RUMP_EV_ADD, 0, 0));
	ck_assert_int_eq(events(&k), 0);
	OK(G, close, l);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.flags & RUMP_EV_EOF, RUMP_EV_EOF);
}
END_TEST

/* Nobody looks now and then at what is ready for the host and not for a note: a
 * socket without a connection, too few bytes. */
START_TEST(ready_but_not_enough)
{
	enum { CALLS = 64 };
	struct rump_sockaddr_un at = { .sun_len = 4,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/s" };
	struct rump_kevent got[CALLS], k;
	struct raw_guest *other;
	int i, l, s;

	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	l = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, l, P(&at), at.sun_len);
	OK(G, listen, l, 1);
	other = raw_fork(&S, G);
	change(kev((uintptr_t)s, RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0));
	change(kev((uintptr_t)R, RUMP_EVFILT_READ, RUMP_EV_ADD,
	    RUMP_NOTE_LOWAT, 3));
	OK(W, write, WR, P("12"), 2);
	for (i = 0; i < CALLS; i++)
		BEGIN(G, __kevent50, KQ, 0, 0, P(&got[i]), 1, 0);
	ck_assert(raw_pending(G));
	raw_asleep(other, CALLS);
	OK(other, connect, s, P(&at), at.sun_len);
	for (i = 0; i < CALLS; i++)
		ck_assert_int_eq(raw_end_any(G, &(uint64_t){ 0 }), 0);
	for (i = 0; i < CALLS; i++)
		ck_assert_uint_eq(got[i].filter, RUMP_EVFILT_WRITE);
	raw_leave(other);
	change(kev((uintptr_t)s, RUMP_EVFILT_WRITE, RUMP_EV_DELETE, 0, 0));
	BEGIN(G, __kevent50, KQ, 0, 0, P(&got[0]), 1, 0);
	ck_assert(raw_pending(G));
	OK(W, write, WR, P("3"), 1);
	ck_assert_int_eq(raw_end(G), 0);
	ck_assert_int_eq(got[0].data, 3);
	/* It is so, and stays so. */
	ck_assert_int_eq(events(&k), 1);
	ck_assert_int_eq(events(&k), 1);
	OK(W, read, R, P(got), 1);
	ck_assert_int_eq(events(&k), 0);
	OK(W, write, WR, P("4"), 1);
	ck_assert_int_eq(events(&k), 1);
}
END_TEST

START_TEST(signals)
{
	struct rump_kevent k;

	change(kev(RUMP_SIGPIPE, RUMP_EVFILT_SIGNAL, RUMP_EV_ADD, 0, 0));
	OK(G, close, R);
	OK(W, close, R);
	ck_assert_int_eq(CALL(G, write, WR, P("x"), 1), RUMP_EPIPE);
	ck_assert_int_eq(CALL(G, write, WR, P("x"), 1), RUMP_EPIPE);
	ck_assert_int_eq(events(&k), 1);
	ck_assert_uint_eq(k.ident, RUMP_SIGPIPE);
	ck_assert_int_eq(k.data, 2);
	ck_assert_int_eq(events(&k), 0);
}
END_TEST

/* A timer of the process, seen by its queue. */
START_TEST(signals_of_timers)
{
	struct rump_itimerval itv = { .it_value = { .tv_usec = 1000 } };
	struct rump_timespec ts = { patience_ms() / 1000, 0 };
	struct rump_kevent k;

	change(kev(RUMP_SIGALRM, RUMP_EVFILT_SIGNAL, RUMP_EV_ADD, 0, 0));
	OK(G, __setitimer50, RUMP_ITIMER_REAL, P(&itv), 0);
	ck_assert_int_eq(OK(G, __kevent50, KQ, 0, 0, P(&k), 1, P(&ts)), 1);
	ck_assert_uint_eq(k.ident, RUMP_SIGALRM);
	ck_assert_int_eq(k.data, 1);
}
END_TEST

START_TEST(queues_in_queues)
{
	struct rump_pollfd pfd = { KQ, RUMP_POLLIN, 0 };
	struct raw_guest *child;
	struct rump_kevent k;

	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 0);
	change(kev((uintptr_t)WR, RUMP_EVFILT_WRITE, RUMP_EV_ADD, 0, 0));
	ck_assert_int_eq(OK(G, poll, P(&pfd), 1, 0), 1);
	ck_assert_int_eq(pfd.revents, RUMP_POLLIN);
	/* In itself: no. */
	ck_assert_int_eq(change(kev((uintptr_t)KQ, RUMP_EVFILT_READ,
	    RUMP_EV_ADD, 0, 0)), RUMP_EINVAL);
	/* A fork does not take it along. */
	child = raw_fork(&S, G);
	ck_assert_int_eq(CALL(child, __kevent50, KQ, 0, 0, P(&k), 1, 0),
	    RUMP_EBADF);
	raw_leave(child);
}
END_TEST

START_TEST(names_of_filters)
{
	struct rump_kfilter_mapping km;
	char name[32];
	uint32_t i;

	for (i = RUMP_EVFILT_READ; i <= RUMP_EVFILT_USER; i++) {
		km = (struct rump_kfilter_mapping){ .name = name,
		    .len = sizeof(name), .filter = i };
		OK(G, ioctl, KQ, RUMP_KFILTER_BYFILTER, P(&km));
		km.filter = 99;
		OK(G, ioctl, KQ, RUMP_KFILTER_BYNAME, P(&km));
		ck_assert_uint_eq(km.filter, i);
	}
	ck_assert_str_eq(name, "EVFILT_USER");
}
END_TEST

START_TEST(leaving_while_waiting)
{
	struct raw_guest *g = raw_guest(&S, "lonely");
	struct rump_kevent k;
	int kq = (int)OK0(g, kqueue);

	BEGIN(g, __kevent50, kq, 0, 0, P(&k), 1, 0);
	ck_assert(raw_pending(g));
	raw_leave(g);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, reading);
	tcase_add_test(tc, writing);
	tcase_add_test(tc, how_often);
	tcase_add_test(tc, refusals);
	tcase_add_test(tc, closing_forgets);
	tcase_add_test(tc, timers);
	tcase_add_test(tc, user_events);
	tcase_add_test(tc, files);
	tcase_add_test(tc, watches_of_files);
	tcase_add_test(tc, files_without_rest);
	tcase_add_test(tc, many_notes);
	tcase_add_test(tc, adding_wakes);
	tcase_add_test(tc, closing_ends_the_wait);
	tcase_add_test(tc, processes);
	tcase_add_test(tc, following_processes);
	tcase_add_test(tc, watching_others);
	tcase_add_test(tc, sockets);
	tcase_add_test(tc, ready_but_not_enough);
	tcase_add_test(tc, signals);
	tcase_add_test(tc, signals_of_timers);
	tcase_add_test(tc, queues_in_queues);
	tcase_add_test(tc, names_of_filters);
	tcase_add_test(tc, leaving_while_waiting);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern kqueue", setup, teardown,
	    add_tests));
}
