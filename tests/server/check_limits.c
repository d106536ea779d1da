/*
 * Clients that misbehave cost only themselves; and who may connect at all.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"
#include "testkern.h"

static struct bed bed;

/* A well-behaved client is served whatever the others do. */
static void
expect_served(void)
{
	int64_t rv[2];
	int fd;

	fd = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 0, rv), 0);
	close(fd);
}

START_TEST(never_handshakes)
{
	int a, b;

	bed_init(&bed, _i);
	bed.cfg.handshake_timeout_ms = in_units(500);
	bed_start(&bed);
	a = cl_connect(&bed);
	b = cl_connect(&bed);
	cl_raw(b, "half a header", 13);
	cl_eof(a);
	cl_eof(b);
	tk_wait_log(&bed.tk, "no handshake in time");
	/* The client sees it a moment before it is counted. */
	while (bed_stats(&bed).timeouts < 2)
		sched_yield();
	close(a);
	close(b);
	expect_served();
	bed_stop(&bed);
}
END_TEST

START_TEST(half_frames)
{
	const uint64_t call[] = { 40, 1, (uint64_t)TK_ECHO << 32 |
	    SYSCALL << 16, 1, 2 };
	const int limit = in_units(800);
	int64_t rv[2];
	int fd, i;

	bed_init(&bed, _i);
	bed.cfg.frame_timeout_ms = limit;
	bed_start(&bed);
	fd = cl_guest(&bed);
	/* Slow but within the time for each frame. */
	for (i = 0; i < 3; i++) {
		cl_raw(fd, call, 30);
		poll(NULL, 0, limit * 3 / 8);
		cl_raw(fd, (const char *)call + 30, 10);
		ck_assert_int_eq(cl_answer(fd, 1, rv), 0);
	}
	/* Idle for longer than that is fine. */
	poll(NULL, 0, limit + 50);
	ck_assert_int_eq(cl_syscall(fd, TK_ECHO, 1, 2, 0, rv), 0);
	cl_raw(fd, call, 39);
	cl_eof(fd);
	close(fd);
	tk_wait_log(&bed.tk, "half a frame");
	expect_served();
	bed_stop(&bed);
}
END_TEST

/* Fills a connection with calls whose answers nobody reads. */
static void
flood(int fd, int num, uint64_t a, uint64_t b)
{
	const uint64_t call[5] = { 40, 1, (uint64_t)num << 32 | SYSCALL << 16,
	    a, b };
	ssize_t n;

	do
		n = send(fd, call, sizeof(call), MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == sizeof(call));
	/* What follows is the rest of that call or nothing. */
}

START_TEST(reads_nothing)
{
	struct pollfd pfd;
	bool served;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.send_timeout_ms = 150;
	bed_start(&bed);
	fd = cl_guest(&bed);
	pfd = (struct pollfd){ .fd = fd, .events = POLLOUT };
	served = false;
	while (!tk_logged(&bed.tk, "reads too little")) {
		/* The server reads no more, for now or for good. */
		if (poll(&pfd, 1, 20) != 1 && !served) {
			expect_served();
			served = true;
		} else if ((pfd.revents & POLLOUT) != 0) {
			flood(fd, TK_ECHO, 1, 2);
		}
	}
	tk_wait_procs(&bed.tk, 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(reads_no_copyouts)
{
	int fd, i;

	bed_init(&bed, _i);
	bed.cfg.send_timeout_ms = 150;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < 20; i++)
		cl_call(fd, 1, TK_COPYOUT, 0x1000, 1 << 20, 0);
	expect_served();
	tk_wait_log(&bed.tk, "reads too little");
	tk_wait_procs(&bed.tk, 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Reads late, but reads: every answer comes, in spite of the pause. */
START_TEST(reads_late)
{
	enum { CALLS = 8000 };
	static bool answered[CALLS];
	struct pollfd pfd;
	unsigned sent, got;
	struct frame f;
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (sent = got = 0; got < CALLS;) {
		pfd = (struct pollfd){ .fd = fd,
		    .events = sent < CALLS ? POLLOUT : POLLIN };
		if (poll(&pfd, 1, 20) == 1 && sent < CALLS) {
			cl_call(fd, sent++, TK_ECHO, 1, 2, 0);
			continue;
		}
		/* Stuck, or all sent: some come off. */
		do {
			f = cl_recv(fd);
			ck_assert_uint_eq(f.class, RESP);
			ck_assert_uint_lt(f.reqno, sent);
			ck_assert(!answered[f.reqno]);
			answered[f.reqno] = true;
		} while (++got % 1000 != 0 && got < sent);
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* Too small a stack for anything is none. */
START_TEST(smallest_stack)
{
	int fd;

	bed_init(&bed, _i);
	bed.cfg.stack_size = 20 * 1024;
	bed_start(&bed);
	fd = cl_guest(&bed);
	ck_assert_int_eq(cl_syscall(fd, TK_STACK, 0, 0, 0, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(calls_at_once)
{
	unsigned i, refused, answered;
	int fd;

	bed_init(&bed, _i);
	bed.cfg.max_calls_per_client = 8;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 0; i < 10; i++)
		cl_call(fd, i, TK_GATE_WAIT, 0, 0, 0);
	/* Answers: NetBSD's client cannot have error frames. */
	for (refused = 0; refused < 2; refused++)
		ck_assert_int_eq(cl_answer(fd, 8 + refused, NULL), RUMP_EAGAIN);
	expect_served();
	tk_gate(&bed.tk, true);
	for (answered = 0; answered < 8; answered++)
		ck_assert_uint_eq(cl_recv(fd).class, RESP);
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(few_threads)
{
	struct frame f;
	unsigned i;
	int64_t rv[2];
	int fd, other;

	bed_init(&bed, THREADS);
	bed.cfg.max_threads = 3;
	bed_start(&bed);
	fd = cl_guest(&bed);
	other = cl_guest(&bed);
	for (i = 0; i < 20; i++)
		cl_call(fd, i, TK_GATE_WAIT, 0, 0, 0);
	/* One stays awake: whoever would put it to sleep fails. */
	for (i = 0; i < 18; i++) {
		f = cl_recv(fd);
		ck_assert_uint_lt(f.reqno, 20);
		ck_assert_uint_eq(f.body[0], RUMP_ENOMEM);
	}
	tk_wait_sleeping(&bed.tk, 2);
	ck_assert_uint_eq(bed_stats(&bed).threads, 3);
	ck_assert_int_eq(cl_syscall(other, TK_ECHO, 1, 2, 0, rv), 0);
	/* It sees that a client goes, and there is room again. */
	close(fd);
	tk_wait_procs(&bed.tk, 1);
	cl_call(other, 99, TK_GATE_WAIT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 1);
	tk_gate(&bed.tk, true);
	ck_assert_int_eq(cl_answer(other, 99, NULL), 0);
	close(other);
	bed_stop(&bed);
}
END_TEST

/* A client that lets all threads wait for it is not let have the last. */
START_TEST(waits_for_clients)
{
	int64_t rv[2];
	int fd, other, i;

	bed_init(&bed, THREADS);
	bed.cfg.max_threads = 3;
	bed_start(&bed);
	fd = cl_guest(&bed);
	other = cl_guest(&bed);
	for (i = 0; i < 5; i++)
		cl_call(fd, (uint64_t)i, TK_COPYIN, 0x1000, 1 << 20, 0);
	/* One of its calls asks by now. */
	cl_recv(fd);
	ck_assert_int_eq(cl_syscall(other, TK_ECHO, 1, 2, 0, rv), 0);
	tk_wait_procs(&bed.tk, 1);
	tk_wait_log(&bed.tk, "keeps one thread too many waiting");
	/* Calls that sleep count as well. */
	cl_call(other, 7, TK_GATE_WAIT, 0, 0, 0);
	cl_call(other, 8, TK_GATE_WAIT, 0, 0, 0);
	tk_wait_sleeping(&bed.tk, 2);
	close(fd);
	fd = cl_guest(&bed);
	cl_call(fd, 2, TK_COPYIN, 0x1000, 4, 0);
	tk_wait_procs(&bed.tk, 1);
	ck_assert_int_eq(cl_syscall(other, TK_ECHO, 1, 2, 0, rv), 0);
	close(fd);
	close(other);
	bed_stop(&bed);
}
END_TEST

START_TEST(clients_at_once)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd[3], late;

	bed_init(&bed, _i);
	bed.cfg.max_clients = 3;
	bed.cfg.user_share = 100;
	bed_start(&bed);
	fd[0] = cl_guest(&bed);
	fd[1] = cl_guest(&bed);
	fd[2] = cl_guest(&bed);
	late = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", bed.path);
	ck_assert_int_eq(connect(late, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	ck_assert_uint_eq(cl_refusal(late), E_NOMEM);
	close(late);
	ck_assert_uint_eq(bed_stats(&bed).refused, 1);
	close(fd[0]);
	tk_wait_procs(&bed.tk, 2);
	/* Its place is free a moment later. */
	while (bed_stats(&bed).clients > 2)
		sched_yield();
	expect_served();
	close(fd[1]);
	close(fd[2]);
	bed_stop(&bed);
}
END_TEST

/* Out of descriptors: no spinning, and those who wait are served later. */
START_TEST(out_of_descriptors)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct rumpserver_stats st;
	struct rlimit rl;
	int fd, low, late;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_guest(&bed);
	late = socket(AF_UNIX, SOCK_STREAM, 0);
	low = dup(0);
	close(low);
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = (rlim_t)low;
	setrlimit(RLIMIT_NOFILE, &rl);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", bed.path);
	ck_assert_int_eq(connect(late, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	tk_wait_log(&bed.tk, "cannot accept");
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), 0);
	st = bed_stats(&bed);
	ck_assert_uint_eq(st.clients, 1);
	rl.rlim_cur = rl.rlim_max < 1024 ? rl.rlim_max : 1024;
	setrlimit(RLIMIT_NOFILE, &rl);
	cl_banner(late);
	close(late);
	close(fd);
	bed_stop(&bed);
}
END_TEST

/* In place of the C library's: the next few calls fail. */
static atomic_uint accepts_fail;

int
accept4(int fd, struct sockaddr *sa, socklen_t *len, int flags)
{

	if (atomic_load(&accepts_fail) > 0) {
		atomic_fetch_sub(&accepts_fail, 1);
		errno = EPROTO;
		return -1;
	}
	return (int)syscall(SYS_accept4, fd, sa, len, flags);
}

/* Connections that were no good before they were accepted. */
START_TEST(accept_fails)
{

	bed_init(&bed, _i);
	bed_start(&bed);
	atomic_store(&accepts_fail, 64);
	expect_served();
	ck_assert_uint_eq(atomic_load(&accepts_fail), 0);
	bed_stop(&bed);
}
END_TEST

static size_t
resident(void)
{
	unsigned long size, pages;
	FILE *f;

	f = fopen("/proc/self/statm", "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu %lu", &size, &pages), 2);
	fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Thousands of idle connections, a few KiB each.  A sanitizer has memory of
 * its own, and takes its time. */
#if UNDER_SANITIZER
enum { WARM = 20, MOST = 500, BUDGET = 1 << 30 };
#else
enum { WARM = 200, MOST = 5000, BUDGET = 4096 };
#endif

START_TEST(idle_memory)
{
	static int fd[WARM + MOST];
	struct rlimit rl;
	size_t before, used;
	int i, n;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	n = rl.rlim_max > 2 * (WARM + MOST) + 100 ? MOST :
	    (int)(rl.rlim_max / 2) - WARM - 100;
	bed_init(&bed, _i);
	bed_start(&bed);
	before = 0;
	for (i = 0; i < WARM + n; i++) {
		if (i == WARM)
			before = resident();
		fd[i] = cl_guest(&bed);
		ck_assert_int_eq(cl_syscall(fd[i], TK_GETPID, 0, 0, 0, NULL),
		    0);
	}
	used = resident() - before;
	if (getenv("BED_LOG") != NULL)
		fprintf(stderr, "%d idle connections, %zu bytes each\n", n,
		    used / (size_t)n);
	ck_assert_uint_lt(used, (size_t)n * BUDGET);
	ck_assert_int_eq(cl_syscall(fd[0], TK_GETPID, 0, 0, 0, NULL), 0);
	for (i = 0; i < WARM + n; i++)
		close(fd[i]);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* --- who may connect --- */

/* Connects as another user; whether it could be a guest.  Needs root. */
static bool
welcome(uid_t uid, gid_t gid, gid_t group)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, status;
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", bed.path);
	pid = fork();
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setgroups(1, &group) == -1 || setgid(gid) == -1 ||
		    setuid(uid) == -1 || connect(fd, (struct sockaddr *)&sun,
		    sizeof(sun)) == -1)
			_exit(100);
		_exit(cl_refusal(fd));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		ck_assert_int_eq(WEXITSTATUS(status), E_AUTH);
	return WEXITSTATUS(status) == 0;
}

static void
open_to_all(void)
{

	bed.cfg.socket_mode = 0666;
	bed_start(&bed);
	ck_assert_int_eq(chmod(bed.dir, 0755), 0);
}

START_TEST(access_lists)
{
	const uid_t uids[] = { 1001, 1002 };
	const gid_t gids[] = { 2001 };

	if (skip_unless_root())
		return;
	bed_init(&bed, THREADS);
	bed.cfg.allow_uid = uids;
	bed.cfg.n_allow_uid = 2;
	bed.cfg.allow_gid = gids;
	bed.cfg.n_allow_gid = 1;
	open_to_all();
	ck_assert(welcome(1001, 5, 5));
	ck_assert(welcome(1002, 5, 5));
	ck_assert(!welcome(1003, 5, 5));
	ck_assert(!welcome(0, 0, 0));
	ck_assert(welcome(1003, 2001, 5));
	ck_assert(welcome(1003, 5, 2001));
	ck_assert_uint_eq(bed_stats(&bed).refused, 2);
	tk_wait_log(&bed.tk, "not on the list");
	bed_stop(&bed);
}
END_TEST

START_TEST(access_default)
{
	struct stat st;

	if (skip_unless_root())
		return;
	bed_init(&bed, THREADS);
	open_to_all();
	ck_assert_int_eq(stat(bed.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0666);
	ck_assert(welcome(0, 5, 5));
	ck_assert(!welcome(1001, 0, 0));
	bed_stop(&bed);

	bed_init(&bed, THREADS);
	bed.cfg.allow_anyone = true;
	open_to_all();
	ck_assert(welcome(1001, 5, 5));
	bed_stop(&bed);
}
END_TEST

START_TEST(socket_mode)
{
	struct stat st;

	bed_init(&bed, THREADS);
	bed_start(&bed);
	ck_assert_int_eq(stat(bed.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	bed_stop(&bed);
}
END_TEST

/* --- where to listen --- */

START_TEST(over_tcp)
{
	int fd;

	bed_init(&bed, _i);
	bed_start(&bed);
	fd = cl_tcp(&bed);
	ck_assert_uint_eq(cl_refusal(fd), 0);
	ck_assert_int_eq(cl_syscall(fd, TK_GETPID, 0, 0, 0, NULL), 0);
	close(fd);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* One user has his share, and there is room for another one: those who come
 * over TCP are nobody that the host knows. */
START_TEST(room_for_others)
{
	enum { MOST = 16, SHARE = 12 };
	int fd[SHARE + 1], other[2], i;

	bed_init(&bed, _i);
	bed.cfg.max_clients = MOST;
	bed_start(&bed);
	for (i = 0; i < SHARE; i++)
		fd[i] = cl_guest(&bed);
	fd[SHARE] = cl_connect(&bed);
	cl_send(fd[SHARE], REQ, HANDSHAKE, 1, GUEST, "x", 2);
	ck_assert_uint_eq(cl_error(fd[SHARE], 1), E_NOMEM);
	for (i = 0; i < 2; i++) {
		other[i] = cl_tcp(&bed);
		ck_assert_uint_eq(cl_refusal(other[i]), 0);
	}
	ck_assert_uint_eq(bed_stats(&bed).held[RUMPSERVER_CONNECTIONS],
	    SHARE + 2);
	ck_assert_uint_eq(bed_stats(&bed).over_budget[RUMPSERVER_CONNECTIONS],
	    1);
	for (i = 0; i <= SHARE; i++)
		close(fd[i]);
	for (i = 0; i < 2; i++)
		close(other[i]);
	tk_wait_procs(&bed.tk, 0);
	bed_stop(&bed);
}
END_TEST

/* Copies count as processes: a user's share of them ends with "no memory". */
START_TEST(processes_of_a_user)
{
	enum { MOST = 8, SHARE = 12 };		/* of twice as many */
	uint32_t cookie[4];
	int fd, i;

	bed_init(&bed, _i);
	bed.cfg.max_clients = MOST;
	bed_start(&bed);
	fd = cl_guest(&bed);
	for (i = 1; i < SHARE; i++)
		cl_prefork(fd, (uint64_t)i + 1, cookie);
	cl_send(fd, REQ, PREFORK, 99, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 99), E_NOMEM);
	ck_assert_uint_eq(cl_refusal(cl_tcp(&bed)), 0);
	close(fd);
	bed_stop(&bed);
}
END_TEST

START_TEST(inherited_listener)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(sa_family_t);
	int ls, fd, pair[2];

	bed_init(&bed, _i);
	bed_start(&bed);
	ls = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(ls, (struct sockaddr *)&sun, len), 0);
	ck_assert_int_eq(rumpserver_listen_fd(bed.srv, ls), -1);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(listen(ls, 5), 0);
	len = sizeof(sun);
	ck_assert_int_eq(getsockname(ls, (struct sockaddr *)&sun, &len), 0);
	ck_assert_int_eq(rumpserver_listen_fd(bed.srv, ls), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, len), 0);
	cl_banner(fd);
	close(fd);
	/* No stream socket: stays the caller's. */
	ck_assert_int_eq(pipe(pair), 0);
	ck_assert_int_eq(rumpserver_serve_fd(bed.srv, pair[0]), -1);
	ck_assert_int_eq(close(pair[0]), 0);
	close(pair[1]);
	bed_stop(&bed);
}
END_TEST

START_TEST(bad_locators)
{
	static const char *const bad[] = { "", "unix://", "tcp://1.2.3.4",
	    "nonsense", "fd://0", "unix:///nowhere/at/all/sock" };
	unsigned i;

	bed_init(&bed, THREADS);
	bed_start(&bed);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bed.tk.log[0] = '\0';
		ck_assert_int_eq(rumpserver_listen(bed.srv, bad[i], NULL, 0),
		    -1);
		ck_assert_int_ne(errno, 0);
		ck_assert_str_ne(bed.tk.log, "");
	}
	/* Somebody is there. */
	ck_assert_int_eq(rumpserver_listen(bed.srv, bed.locator, NULL, 0), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	expect_served();
	bed_stop(&bed);
}
END_TEST

/* One step of a caller's loop does a little for everybody, whatever waits. */
START_TEST(steps_are_short)
{
	enum { FLOOD = 2000 };
	static uint64_t calls[FLOOD][3];
	uint64_t before, n;
	struct pollfd pfd;
	int fd, i;

	bed_init(&bed, BY_HAND);
	bed_start(&bed);
	fd = cl_pair(&bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "x", 2);
	rumpserver_step(bed.srv);
	ck_assert_uint_eq(cl_recv(fd).class, RESP);
	for (i = 0; i < FLOOD; i++) {
		calls[i][0] = 24;
		calls[i][2] = (uint64_t)TK_GETPID << 32 | SYSCALL << 16;
	}
	cl_raw(fd, calls, sizeof(calls));
	pfd = (struct pollfd){ .fd = rumpserver_pollfd(bed.srv),
	    .events = POLLIN };
	for (before = 0; before < FLOOD; before += n) {
		ck_assert_int_eq(poll(&pfd, 1, patience_ms()), 1);
		rumpserver_step(bed.srv);
		n = bed_stats(&bed).calls - before;
		ck_assert_uint_le(n, 100);
		while (n > 0 && recv(fd, &(char[48]){ 0 }, 48, MSG_DONTWAIT) ==
		    48)
			continue;
	}
	close(fd);
	bed_stop(&bed);
}
END_TEST

static void *
join_clients(void *arg)
{

	rumpserver_join(arg);
	return NULL;
}

START_TEST(join)
{
	pthread_t thread;
	int a, b;

	bed_init(&bed, THREADS);
	bed_start(&bed);
	a = cl_pair(&bed);
	b = cl_pair(&bed);
	pthread_create(&thread, NULL, join_clients, bed.srv);
	close(a);
	close(b);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(bed_stats(&bed).clients, 0);
	bed_stop(&bed);
}
END_TEST

int
main(void)
{
	const TTest *both[] = {
		never_handshakes, half_frames, reads_nothing,
		reads_no_copyouts, reads_late, smallest_stack, calls_at_once,
		clients_at_once, out_of_descriptors, accept_fails, idle_memory,
		over_tcp, room_for_others, processes_of_a_user,
		inherited_listener,
	};
	const TTest *threads[] = {
		few_threads, access_lists, access_default, socket_mode,
		bad_locators, steps_are_short, join, waits_for_clients,
	};
	Suite *s = suite_create("limits");
	TCase *tc = tcase_create("limits");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(both) / sizeof(both[0]); i++)
		tcase_add_loop_test(tc, both[i], 0, NWAYS);
	for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		tcase_add_test(tc, threads[i]);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
