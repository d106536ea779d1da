/*
 * rump_server as a program.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>

#include "lib/suite.h"
#include "program.h"
#include "testkern.h"

enum { MAX_ARGS = 24 };

struct program rs;

void
rs_scratch(void)
{

	snprintf(rs.dir, sizeof(rs.dir), "/tmp/rumpgen-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(rs.dir));
	snprintf(rs.path, sizeof(rs.path), "%s/sock", rs.dir);
	snprintf(rs.locator, sizeof(rs.locator), "unix://%s", rs.path);
}

void
rs_cleanup(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", rs.dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* In the child: becomes the program. */
static void
become(int err, int ready, int inherit, char *const argv[])
{
	char self[16];

	dup2(err, STDERR_FILENO);
	/* Above those that are given numbers, then down to them. */
	ready = fcntl(ready, F_DUPFD, 10);
	if (inherit != -1) {
		inherit = fcntl(inherit, F_DUPFD, 10);
		dup2(inherit, 3);
		close(inherit);
		snprintf(self, sizeof(self), "%d", (int)getpid());
	}
	if (rs.activation) {
		setenv("LISTEN_PID", self, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	dup2(ready, 4);
	close_range(5, ~0U, 0);
	execv(RS_PROGRAM, argv);
	_exit(127);
}

void
rs_start(int inherit, ...)
{
	char *argv[MAX_ARGS] = { "rump_server", "--ready-fd", "4" };
	int err[2], ready[2], n;
	va_list ap;

	va_start(ap, inherit);
	for (n = 3; n < MAX_ARGS && (argv[n] = va_arg(ap, char *)) != NULL; n++)
		continue;
	va_end(ap);
	ck_assert_int_lt(n, MAX_ARGS);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	rs.pid = fork();
	ck_assert_int_ge(rs.pid, 0);
	if (rs.pid == 0)
		become(err[1], ready[1], inherit, argv);
	close(err[1]);
	close(ready[1]);
	rs.errfd = err[0];
	rs.readyfd = ready[0];
	rs.nsaid = 0;
	rs.said[0] = '\0';
}

/* One byte when it is ready, none when it ends before. */
void
rs_ready(void)
{
	struct pollfd pfd = { .fd = rs.readyfd, .events = POLLIN };
	char line[16];
	ssize_t n;

	ck_assert_int_eq(poll(&pfd, 1, patience_ms()), 1);
	n = read(rs.readyfd, line, sizeof(line));
	ck_assert_msg(n == 6 && memcmp(line, "ready\n", 6) == 0,
	    "it does not get ready: %d", (int)rs_says("ready"));
}

bool
rs_says(const char *text)
{
	struct pollfd pfd = { .fd = rs.errfd, .events = POLLIN };
	const size_t room = sizeof(rs.said) - 1;
	size_t at;
	ssize_t n;

	while (strstr(rs.said, text) == NULL) {
		at = rs.nsaid;
		if (at >= room || poll(&pfd, 1, patience_ms()) != 1)
			return false;
		n = read(rs.errfd, rs.said + at, room - at);
		if (n <= 0)
			return false;
		rs.nsaid = at + (size_t)n;
		rs.said[rs.nsaid] = '\0';
	}
	return true;
}

int
rs_status(void)
{
	int st;

	ck_assert_int_eq(waitpid(rs.pid, &st, 0), rs.pid);
	close(rs.errfd);
	close(rs.readyfd);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

int
rs_stop(void)
{

	ck_assert_int_eq(kill(rs.pid, SIGTERM), 0);
	return rs_status();
}

int
rs_listen(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

int
rs_dial(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = patience_ms() / 1000 };
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

void
rs_guest(int fd)
{
	char line[128];
	ssize_t n;

	n = recv(fd, line, sizeof(line) - 1, 0);
	ck_assert_int_gt(n, 8);
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_int_eq(strncmp(line, "RUMPSP-0.4-NetBSD-", 18), 0);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "check", 6);
	ck_assert_uint_eq(cl_recv(fd).class, RESP);
}

void
rs_kernel(int fd)
{
	int64_t rv[2];

	rs_guest(fd);
	cl_send(fd, REQ, SYSCALL, 2, RUMP_SYS_getpid_with_ppid, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, 2, rv), 0);
	ck_assert_int_ge(rv[0], 2);
	ck_assert_int_eq(rv[1], 1);
}
