/*
 * rump_server's options, each by what it does.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <check.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"
#include "program.h"
#include "testkern.h"

/* --- clients --- */

static int
guest(void)
{
	int fd;

	fd = rs_dial(rs.path);
	rs_guest(fd);
	return fd;
}

static int
open_file(int fd, const char *path, int flags)
{
	int64_t rv[2];

	ck_assert_int_eq(cl_with_path(fd, RUMP_SYS_open, path, (uint64_t)flags,
	    0644, rv), 0);
	return (int)rv[0];
}

static void
make_pipe(int fd, int64_t ends[2])
{

	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_pipe, 0, 0, 0, ends), 0);
}

/* Writes one byte into a pipe of the guest's. */
static void
fill_pipe(int fd, int64_t end)
{
	uint64_t len, addr;
	struct frame f;

	cl_call(fd, 71, RUMP_SYS_write, (uint64_t)end, 0x1000, 1);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	cl_send(fd, RESP, COPYIN, f.reqno, 0, "x", 1);
}

/* One of the server's counters. */
static long
counter(const char *control, const char *name)
{
	char text[2048], key[64];
	const char *p;
	ssize_t n;
	int fd;

	fd = rs_dial(control);
	n = recv(fd, text, sizeof(text) - 1, MSG_WAITALL);
	ck_assert_int_gt(n, 0);
	close(fd);
	text[n] = '\0';
	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(text, key);
	ck_assert_ptr_nonnull(p);
	return strtol(p + strlen(key), NULL, 10);
}

static void
start_with_control(const char *option, const char *value, char control[128])
{
	char where[160];

	rs_scratch();
	snprintf(control, 128, "%s/control", rs.dir);
	snprintf(where, sizeof(where), "unix://%s", control);
	rs_start(-1, "--root", rs.dir, "--control", where, option, value,
	    rs.locator, NULL);
	rs_ready();
}

static void
finish(void)
{

	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}

/* --- limits --- */

/* One client for each limit of time, all at once. */
START_TEST(times)
{
	uint32_t cookie[4];
	int none, half, deaf, silent, parent, file;

	rs_scratch();
	rs_start(-1, "-v", "--root", rs.dir, "--handshake-timeout", "1",
	    "--frame-timeout", "1", "--send-timeout", "1",
	    "--answer-timeout", "1", "--prefork-timeout", "1", rs.locator,
	    NULL);
	rs_ready();
	half = guest();
	cl_raw(half, "half a header", 13);
	deaf = guest();
	file = open_file(deaf, "/dev/zero", RUMP_O_RDONLY);
	cl_call(deaf, 1, RUMP_SYS_read, (uint64_t)file, 0x1000, 1 << 20);
	silent = guest();
	cl_call(silent, 1, RUMP_SYS_open, 0x1000, 0, 0);
	parent = guest();
	cl_prefork(parent, 2, cookie);
	none = rs_dial(rs.path);
	ck_assert(rs_says("no handshake in time"));
	ck_assert(rs_says("half a frame and no more"));
	ck_assert(rs_says("reads too little of what it is sent"));
	ck_assert(rs_says("does not answer a copy request"));
	ck_assert(rs_says("a fork was never completed"));
	/* Only the client that did nothing wrong is left. */
	ck_assert_int_eq(cl_syscall(parent, RUMP_SYS_getpid, 0, 0, 0, NULL),
	    0);
	close(none);
	close(half);
	close(deaf);
	close(silent);
	close(parent);
	finish();
}
END_TEST

START_TEST(clients)
{
	int a, late;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--max-clients", "1", rs.locator, NULL);
	rs_ready();
	a = guest();
	late = rs_dial(rs.path);
	ck_assert_uint_eq(cl_refusal(late), E_NOMEM);
	ck_assert(rs_says("too many clients"));
	ck_assert_int_eq(cl_syscall(a, RUMP_SYS_getpid, 0, 0, 0, NULL), 0);
	close(late);
	close(a);
	finish();
}
END_TEST

START_TEST(calls)
{
	int64_t end[2];
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--max-calls", "1", rs.locator, NULL);
	rs_ready();
	fd = guest();
	make_pipe(fd, end);
	cl_call(fd, 1, RUMP_SYS_read, (uint64_t)end[0], 0x1000, 1);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getpid, 0, 0, 0, NULL),
	    RUMP_EAGAIN);
	close(fd);
	finish();
}
END_TEST

START_TEST(preforks)
{
	uint32_t cookie[4];
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--max-preforks", "1", rs.locator,
	    NULL);
	rs_ready();
	fd = guest();
	cl_prefork(fd, 2, cookie);
	cl_send(fd, REQ, PREFORK, 3, 0, NULL, 0);
	ck_assert_uint_eq(cl_error(fd, 3), E_NOMEM);
	close(fd);
	finish();
}
END_TEST

/* One stays awake. */
START_TEST(threads)
{
	char control[128];
	int64_t end[2];
	struct frame f;
	unsigned i;
	int fd;

	start_with_control("--max-threads", "4", control);
	fd = guest();
	make_pipe(fd, end);
	for (i = 0; i < 10; i++)
		cl_call(fd, i, RUMP_SYS_read, (uint64_t)end[0], 0x1000, 1);
	for (i = 0; i < 7; i++) {
		f = cl_recv(fd);
		ck_assert_uint_eq(f.type, SYSCALL);
		ck_assert_uint_eq(f.body[0], RUMP_ENOMEM);
	}
	ck_assert_int_eq(counter(control, "threads"), 4);
	/* A call is answered a moment before it is over. */
	while (counter(control, "calls_now") != 3)
		sched_yield();
	finish();
	close(fd);
}
END_TEST

/* The counter of a kind that is limited; there is one for each. */
static void
try_budget(const char *option, const char *value, const char *key)
{
	char control[128], name[32];
	int fd;

	start_with_control(option, value, control);
	fd = guest();
	snprintf(name, sizeof(name), "%s_held", key);
	ck_assert_int_ge(counter(control, name), 0);
	snprintf(name, sizeof(name), "%s_over", key);
	ck_assert_int_eq(counter(control, name), 0);
	close(fd);
	finish();
}

START_TEST(budgets)
{

	try_budget("--max-client-bytes", "8", "bytes");
	try_budget("--max-bytes", "9", "bytes");
	try_budget("--max-client-threads", "8", "threads");
	try_budget("--max-client-fds", "20", "fds");
	try_budget("--max-fds", "200", "fds");
	try_budget("--max-semaphores", "3", "semaphores");
	try_budget("--user-share", "50", "clients");
}
END_TEST

/* Buffers that wait for the client's bytes are held for it. */
START_TEST(vectors)
{
	enum { MIB = 1 << 20 };
	const uint64_t iov[4] = { 0x2000, MIB - 1, 0x3000, 1 };
	char control[128];
	uint64_t len, addr;
	struct frame f;
	int64_t end[2];
	unsigned i;
	int fd;

	/* Room for two, and for what else there is. */
	start_with_control("--max-client-bytes", "3", control);
	fd = guest();
	make_pipe(fd, end);
	for (i = 0; i < 3; i++) {
		cl_call(fd, i, RUMP_SYS_writev, (uint64_t)end[1], 0x1000, 2);
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert_uint_eq(addr, 0x1000);
		cl_send(fd, RESP, COPYIN, f.reqno, 0, iov, sizeof(iov));
		if (i == 2)
			break;
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert_uint_eq(len, MIB - 1);
		ck_assert_int_ge(counter(control, "bytes_held"),
		    (i + 1) * MIB);
	}
	ck_assert_int_eq(cl_answer(fd, 2, NULL), RUMP_ENOMEM);
	ck_assert_int_eq(counter(control, "bytes_over"), 1);
	close(fd);
	finish();
}
END_TEST

/* With half for each user, the second connection of two is one too many. */
START_TEST(share)
{
	int a, b;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--max-clients", "2", "--user-share",
	    "50", rs.locator, NULL);
	rs_ready();
	a = guest();
	b = rs_dial(rs.path);
	ck_assert_uint_eq(cl_refusal(b), E_NOMEM);
	close(a);
	close(b);
	finish();
}
END_TEST

/* A write of 10 bytes comes in pieces of 4. */
START_TEST(copies)
{
	static const uint64_t piece[] = { 4, 4, 2 };
	uint64_t len, addr, at;
	struct frame f;
	int64_t rv[2];
	unsigned i;
	int fd, file;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--max-copy", "4", "--stack-size",
	    "256", rs.locator, NULL);
	rs_ready();
	fd = guest();
	cl_call(fd, 70, RUMP_SYS_open, 0x1000, RUMP_O_RDWR | RUMP_O_CREAT,
	    0644);
	f = cl_copyreq(fd, COPYINSTR, &len, &addr);
	ck_assert_uint_le(len, 4);
	cl_send(fd, RESP, COPYINSTR, f.reqno, 0, "/f", 3);
	ck_assert_int_eq(cl_answer(fd, 70, rv), 0);
	file = (int)rv[0];
	cl_call(fd, 71, RUMP_SYS_write, (uint64_t)file, 0x1000, 10);
	at = 0x1000;
	for (i = 0; i < 3; i++) {
		f = cl_copyreq(fd, COPYIN, &len, &addr);
		ck_assert_uint_eq(len, piece[i]);
		ck_assert_uint_eq(addr, at);
		at += len;
		cl_send(fd, RESP, COPYIN, f.reqno, 0, "0123", len);
	}
	ck_assert_int_eq(cl_answer(fd, 71, rv), 0);
	ck_assert_int_eq(rv[0], 10);
	close(fd);
	finish();
}
END_TEST

/* Without that limit, one copyin for all that the call can take. */
START_TEST(one_copyin)
{
	static char data[1 << 20];
	uint64_t len, addr;
	struct frame f;
	int64_t rv[2];
	int fd, file;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	rs_ready();
	fd = guest();
	file = open_file(fd, "/f", RUMP_O_RDWR | RUMP_O_CREAT);
	cl_call(fd, 71, RUMP_SYS_write, (uint64_t)file, 0x1000, sizeof(data));
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	ck_assert_uint_eq(len, sizeof(data));
	cl_send(fd, RESP, COPYIN, f.reqno, 0, data, len);
	ck_assert_int_eq(cl_answer(fd, 71, rv), 0);
	ck_assert_int_eq(rv[0], sizeof(data));
	close(fd);
	finish();
}
END_TEST

/* --- who may connect --- */

/* Whether a user of the host is let in.  Needs root. */
static bool
welcome(uid_t uid, gid_t gid)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, status;
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", rs.path);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (setgroups(0, NULL) == -1 || setgid(gid) == -1 ||
		    setuid(uid) == -1)
			_exit(100);
		/* The socket's mode keeps some out. */
		if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
			_exit(E_AUTH);
		_exit(cl_refusal(fd));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) != 0)
		ck_assert_int_eq(WEXITSTATUS(status), E_AUTH);
	return WEXITSTATUS(status) == 0;
}

static void
start_for_all(const char *option, const char *value)
{

	rs_scratch();
	ck_assert_int_eq(chmod(rs.dir, 0755), 0);
	/* A second value, or none. */
	rs_start(-1, "--root", rs.dir, "--mode", "0666", rs.locator, option,
	    value, NULL);
	rs_ready();
}

START_TEST(users)
{

	if (skip_unless_root())
		return;
	start_for_all("--allow-uid", "1001,root");
	ck_assert(welcome(1001, 5));
	ck_assert(welcome(0, 5));
	ck_assert(!welcome(1002, 5));
	ck_assert(rs_says("uid 1002 gid 5 is not on the list"));
	finish();
	start_for_all("--allow-gid", "2001");
	ck_assert(welcome(1001, 2001));
	ck_assert(!welcome(1001, 5));
	ck_assert(!welcome(0, 0));
	finish();
	start_for_all("--allow-anyone", NULL);
	ck_assert(welcome(1001, 5));
	finish();
}
END_TEST

START_TEST(owner)
{
	struct stat st;

	if (skip_unless_root())
		return;
	start_for_all("--owner", "1001:2001");
	ck_assert_int_eq(stat(rs.path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 1001);
	ck_assert_uint_eq(st.st_gid, 2001);
	ck_assert_uint_eq(st.st_mode & 07777, 0666);
	finish();
}
END_TEST

START_TEST(tcp_any)
{

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--tcp-any", "tcp://0:0/", NULL);
	rs_ready();
	kill(rs.pid, SIGTERM);
	ck_assert(!rs_says("open to the network"));
	ck_assert_int_eq(rs_status(), 0);
	rs_cleanup();
}
END_TEST

/* --- what is served --- */

START_TEST(read_only)
{
	char name[128];
	FILE *f;
	int fd;

	rs_scratch();
	snprintf(name, sizeof(name), "%s/f", rs.dir);
	f = fopen(name, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	rs_start(-1, "--root", rs.dir, "--read-only", rs.locator, NULL);
	rs_ready();
	fd = guest();
	open_file(fd, "/f", RUMP_O_RDONLY);
	ck_assert_int_eq(cl_with_path(fd, RUMP_SYS_open, "/f", RUMP_O_RDWR, 0,
	    NULL), RUMP_EROFS);
	ck_assert_int_eq(cl_with_path(fd, RUMP_SYS_mkdir, "/d", 0755, 0, NULL),
	    RUMP_EROFS);
	ck_assert_int_eq(cl_with_path(fd, RUMP_SYS_unlink, "/f", 0, 0, NULL),
	    RUMP_EROFS);
	close(fd);
	finish();
}
END_TEST

START_TEST(no_net)
{
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--no-net", rs.locator, NULL);
	rs_ready();
	fd = guest();
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS___socket30, RUMP_AF_INET,
	    RUMP_SOCK_STREAM, 0, NULL), RUMP_EAFNOSUPPORT);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS___socket30, RUMP_AF_UNIX,
	    RUMP_SOCK_STREAM, 0, NULL), 0);
	close(fd);
	finish();
}
END_TEST

/* A call of each preset; none asks for memory before it is refused. */
static const struct {
	const char *preset;
	int num;
} presets[] = {
	{ "network", RUMP_SYS___socket30 },
	{ "modify", RUMP_SYS_unlink },
	{ "identity", RUMP_SYS_setsid },
	{ "admin", RUMP_SYS_chroot },
	{ "timers", RUMP_SYS_timer_create },
	{ "aio", RUMP_SYS_aio_read },
	{ "ksem", RUMP_SYS__ksem_init },
};
enum { NPRESETS = sizeof(presets) / sizeof(presets[0]) };

START_TEST(presets_refuse)
{
	unsigned i;
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--refuse", presets[_i].preset,
	    rs.locator, NULL);
	rs_ready();
	fd = guest();
	ck_assert_int_eq(cl_syscall(fd, presets[_i].num, 0, 0, 0, NULL),
	    RUMP_EPERM);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getpid, 0, 0, 0,
		    NULL), 0);
	close(fd);
	finish();
}
END_TEST

/* kern.hostname is { CTL_KERN, KERN_HOSTNAME }. */
START_TEST(hostname)
{
	const int32_t name[2] = { 1, 10 };
	const uint64_t room = 64;
	const uint64_t args[6] = { 0x1000, 2, 0x3000, 0x2000, 0, 0 };
	bool found;
	struct frame f;
	uint64_t addr;
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--hostname", "elsewhere", rs.locator,
	    NULL);
	rs_ready();
	fd = guest();
	cl_send(fd, REQ, SYSCALL, 9, RUMP_SYS___sysctl, args, sizeof(args));
	found = false;
	for (f = cl_recv(fd); f.class == REQ; f = cl_recv(fd)) {
		memcpy(&addr, f.body + 8, 8);
		if (f.type == COPYIN && addr == 0x1000)
			cl_send(fd, RESP, COPYIN, f.reqno, 0, name,
			    sizeof(name));
		else if (f.type == COPYIN)
			cl_send(fd, RESP, COPYIN, f.reqno, 0, &room,
			    sizeof(room));
		else if (addr == 0x3000)
			found = f.bodylen == 16 + 10 &&
			    memcmp(f.body + 16, "elsewhere", 10) == 0;
	}
	ck_assert_uint_eq(f.reqno, 9);
	ck_assert_uint_eq(f.body[0], 0);
	ck_assert(found);
	close(fd);
	finish();
}
END_TEST

START_TEST(console)
{
	uint64_t len, addr;
	struct frame f;
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--console", rs.locator, NULL);
	rs_ready();
	fd = guest();
	cl_call(fd, 1, RUMP_SYS_write, 2, 0x1000, 6);
	f = cl_copyreq(fd, COPYIN, &len, &addr);
	cl_send(fd, RESP, COPYIN, f.reqno, 0, "hello\n", 6);
	ck_assert_int_eq(cl_answer(fd, 1, NULL), 0);
	ck_assert(rs_says("hello\n"));
	close(fd);
	finish();
}
END_TEST

/* Over TCP nobody says who a client is. */
START_TEST(anonymous)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	unsigned port;
	int64_t rv[2];
	int fd;

	rs_scratch();
	rs_start(-1, "-v", "--root", rs.dir, "--anon", "1001:2001",
	    "tcp://127.0.0.1:0/", NULL);
	rs_ready();
	ck_assert(rs_says(" at tcp://127.0.0.1:"));
	ck_assert_int_eq(sscanf(strstr(rs.said, "tcp://"),
	    "tcp://127.0.0.1:%u/", &port), 1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	rs_guest(fd);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getuid, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 1001);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getgid, 0, 0, 0, rv), 0);
	ck_assert_int_eq(rv[0], 2001);
	close(fd);
	finish();
}
END_TEST

/* --- the end --- */

/* Without grace a blocked call is interrupted: nothing else would end it. */
START_TEST(end_with_blocked_calls)
{
	const int signo = _i == 0 ? SIGTERM : SIGHUP;
	int64_t end[2];
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--grace", "0", rs.locator, NULL);
	rs_ready();
	fd = guest();
	make_pipe(fd, end);
	cl_call(fd, 1, RUMP_SYS_read, (uint64_t)end[0], 0x1000, 1);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getpid, 0, 0, 0, NULL), 0);
	kill(rs.pid, signo);
	ck_assert_int_eq(rs_status(), 0);
	ck_assert_int_eq(access(rs.path, F_OK), -1);
	close(fd);
	rs_cleanup();
}
END_TEST

/* With grace it may finish, and then the server ends without waiting on. */
START_TEST(end_with_grace)
{
	unsigned answers, bytes;
	struct frame f;
	int64_t end[2];
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--grace", "50", rs.locator, NULL);
	rs_ready();
	fd = guest();
	make_pipe(fd, end);
	cl_call(fd, 1, RUMP_SYS_read, (uint64_t)end[0], 0x1000, 1);
	ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getpid, 0, 0, 0, NULL), 0);
	kill(rs.pid, SIGTERM);
	/* No new clients from here on. */
	while (access(rs.path, F_OK) == 0)
		poll(NULL, 0, 1);
	fill_pipe(fd, end[1]);
	/* The byte and two answers, in whatever order the latter are. */
	for (answers = bytes = 0; answers < 2;) {
		f = cl_recv(fd);
		if (f.class == RESP) {
			ck_assert_uint_eq(f.body[0], 0);
			answers++;
		} else {
			ck_assert_uint_eq(f.type, COPYOUT);
			bytes++;
		}
	}
	ck_assert_uint_eq(bytes, 1);
	ck_assert_int_eq(rs_status(), 0);
	close(fd);
	rs_cleanup();
}
END_TEST

/* --- what it says --- */

static unsigned
lines_with(const char *text)
{
	const char *p;
	unsigned n;

	n = 0;
	for (p = rs.said; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

START_TEST(verbosity)
{
	static const char *const flag[] = { NULL, "-v", "-vv" };
	uint32_t cookie[4];
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, rs.locator, flag[_i], NULL);
	rs_ready();
	fd = guest();
	cl_prefork(fd, 2, cookie);
	close(fd);
	kill(rs.pid, SIGTERM);
	/* To the end. */
	ck_assert(!rs_says("this is never said"));
	ck_assert_int_eq(rs_status(), 0);
	ck_assert_uint_eq(lines_with(": connected\n"), _i > 0);
	ck_assert_uint_eq(lines_with(": guest 'check'\n"), _i > 0);
	ck_assert_uint_eq(lines_with(": gone: end of connection\n"), _i > 0);
	ck_assert_uint_eq(lines_with("stopping after signal 15"), _i > 0);
	ck_assert_uint_eq(lines_with(": prefork\n"), _i > 1);
	ck_assert_uint_eq(lines_with("rump_server: serving "), 1);
	ck_assert_uint_eq(lines_with(rs.locator), 1);
	if (_i == 0)
		ck_assert_uint_eq(lines_with("\n"), 1);
	rs_cleanup();
}
END_TEST

/* Under a journal, each line tells its level. */
START_TEST(journal)
{

	rs_scratch();
	setenv("JOURNAL_STREAM", "1:2", 1);
	rs_start(-1, "-v", "--root", rs.dir, "tcp://0:0/", NULL);
	rs_ready();
	ck_assert(rs_says("<4>rump_server: warning: tcp://0.0.0.0:"));
	ck_assert(rs_says("<6>rump_server: serving /"));
	finish();
}
END_TEST

/* An abstract name, with '@' for its NUL. */
START_TEST(abstract_notification)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char text[128];
	socklen_t len;
	ssize_t n;
	int fd;

	rs_scratch();
	n = snprintf(sun.sun_path + 1, sizeof(sun.sun_path) - 1, "%s",
	    rs.dir);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, len), 0);
	snprintf(text, sizeof(text), "@%s", rs.dir);
	setenv("NOTIFY_SOCKET", text, 1);
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "READY=1"));
	close(fd);
	finish();
}
END_TEST

/* --- a crowd --- */

#if UNDER_SANITIZER
enum { IDLE = 200, READERS = 10, READS = 20, ROUNDS = 50 };
#else
enum { IDLE = 5000, READERS = 100, READS = 20, ROUNDS = 500 };
#endif

/* Thousands who do nothing and thousands of blocked calls stop neither
 * another client nor their own clients' other calls. */
START_TEST(crowd)
{
	static int idle[IDLE], reader[READERS];
	char control[128];
	int64_t end[2];
	struct rlimit rl;
	unsigned i, j;
	int fd;

	if (skip_unless_files(IDLE + READERS * (READS + 3) + 200))
		return;
	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	start_with_control("--grace", "0", control);
	fd = guest();
	for (i = 0; i < IDLE; i++)
		idle[i] = guest();
	for (i = 0; i < READERS; i++) {
		reader[i] = guest();
		make_pipe(reader[i], end);
		for (j = 0; j < READS; j++)
			cl_call(reader[i], j, RUMP_SYS_read, (uint64_t)end[0],
			    0x1000, 1);
	}
	while (counter(control, "calls_now") < READERS * READS)
		poll(NULL, 0, 1);
	for (i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(cl_syscall(fd, RUMP_SYS_getpid, 0, 0, 0,
		    NULL), 0);
		ck_assert_int_eq(cl_syscall(reader[0], RUMP_SYS_getpid, 0, 0,
		    0, NULL), 0);
	}
	ck_assert_int_eq(counter(control, "calls_now"), READERS * READS);
	ck_assert_int_eq(counter(control, "clients"), 1 + IDLE + READERS);
	ck_assert_int_eq(rs_stop(), 0);
	for (i = 0; i < IDLE; i++)
		close(idle[i]);
	for (i = 0; i < READERS; i++)
		close(reader[i]);
	close(fd);
	rs_cleanup();
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		times, clients, calls, preforks, threads, budgets, share,
		vectors,
		copies, one_copyin, users,
		owner, tcp_any, read_only, no_net, hostname, console,
		anonymous,
		end_with_grace, journal, abstract_notification, crowd,
	};
	Suite *s = suite_create("options");
	TCase *tc = tcase_create("options");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	tcase_add_loop_test(tc, presets_refuse, 0, NPRESETS);
	tcase_add_loop_test(tc, end_with_blocked_calls, 0, 2);
	tcase_add_loop_test(tc, verbosity, 0, 3);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
