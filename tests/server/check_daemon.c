/*
 * rump_server as a program: starting, stopping, and its manners as a daemon.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testkern.h"

#define PROGRAM		RUMPGEN_BUILD "/bin/rump_server"

enum { PATIENCE_MS = 20000, MAX_ARGS = 16 };

static char dir[64], path[96], locator[128];

/* A started server: what it writes to stderr, and to its --ready-fd. */
static pid_t pid;
static int errfd, readyfd;

/* Whether the inherited descriptor is announced as a listening one. */
static bool activation;

static void
scratch(void)
{

	snprintf(dir, sizeof(dir), "/tmp/rumpgen-daemon-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	snprintf(locator, sizeof(locator), "unix://%s", path);
}

static void
cleanup(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* In the child: becomes the program.  Descriptor 3 is the ready pipe. */
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
	if (activation) {
		setenv("LISTEN_PID", self, 1);
		setenv("LISTEN_FDS", "1", 1);
	}
	dup2(ready, 4);
	close_range(5, ~0U, 0);
	execv(PROGRAM, argv);
	_exit(127);
}

/* Starts it; the list of arguments ends with NULL. */
static void
start(int inherit, ...)
{
	char *argv[MAX_ARGS] = { "rump_server", "--ready-fd", "4" };
	int err[2], ready[2], n;
	va_list ap;

	va_start(ap, inherit);
	for (n = 3; n < MAX_ARGS && (argv[n] = va_arg(ap, char *)) != NULL; n++)
		continue;
	va_end(ap);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		become(err[1], ready[1], inherit, argv);
	close(err[1]);
	close(ready[1]);
	errfd = err[0];
	readyfd = ready[0];
}

/* Reads until `text' has come or the other end is closed. */
static bool
reads(int fd, const char *text)
{
	static char buf[8192];
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t len;
	ssize_t n;

	for (len = 0; len < sizeof(buf) - 1; len += (size_t)n) {
		buf[len] = '\0';
		if (strstr(buf, text) != NULL)
			return true;
		if (poll(&pfd, 1, PATIENCE_MS) != 1)
			return false;
		n = read(fd, buf + len, sizeof(buf) - 1 - len);
		if (n <= 0)
			return false;
	}
	return false;
}

static void
await_ready(void)
{

	ck_assert(reads(readyfd, "ready\n"));
}

/* Its exit status; -1 when a signal ended it. */
static int
status(void)
{
	int st;

	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	close(errfd);
	close(readyfd);
	return WIFEXITED(st) ? WEXITSTATUS(st) : -1;
}

static int
stop(void)
{

	ck_assert_int_eq(kill(pid, SIGTERM), 0);
	return status();
}

static int
dial(const char *where)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = PATIENCE_MS / 1000 };
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", where);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* NetBSD's getpid is call 20. */
static void
expect_kernel(int fd)
{
	char line[128];
	int64_t rv[2];
	ssize_t n;

	n = recv(fd, line, sizeof(line) - 1, 0);
	ck_assert_int_gt(n, 8);
	ck_assert_int_eq(line[n - 1], '\n');
	ck_assert_int_eq(strncmp(line, "RUMPSP-0.4-NetBSD-", 18), 0);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "check", 6);
	ck_assert_uint_eq(cl_recv(fd).class, RESP);
	cl_send(fd, REQ, SYSCALL, 2, 20, NULL, 0);
	ck_assert_int_eq(cl_answer(fd, 2, rv), 0);
	ck_assert_int_ge(rv[0], 2);
	ck_assert_int_eq(rv[1], 1);
}

START_TEST(serves_and_stops)
{
	struct stat st;
	int fd;

	scratch();
	start(-1, "--root", dir, "--mode", "0640", locator, NULL);
	await_ready();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	fd = dial(path);
	expect_kernel(fd);
	ck_assert_int_eq(stop(), 0);
	cl_eof(fd);
	close(fd);
	ck_assert_int_eq(access(path, F_OK), -1);
	cleanup();
}
END_TEST

/* Killed, it leaves its socket; the next one takes its place, but not that
 * of a server that lives. */
START_TEST(stale_socket)
{
	int fd;

	scratch();
	start(-1, "--root", dir, locator, NULL);
	await_ready();
	kill(pid, SIGKILL);
	ck_assert_int_eq(status(), -1);
	ck_assert_int_eq(access(path, F_OK), 0);
	start(-1, "--root", dir, locator, NULL);
	await_ready();
	fd = dial(path);
	expect_kernel(fd);
	close(fd);
	fd = (int)pid;
	start(-1, "--root", dir, locator, NULL);
	ck_assert(reads(errfd, "another server is there"));
	ck_assert_int_eq(status(), 1);
	kill(fd, SIGTERM);
	ck_assert_int_eq(waitpid(fd, NULL, 0), fd);
	cleanup();
}
END_TEST

START_TEST(counters)
{
	char control[160], where[128], text[1024];
	json_t *json;
	ssize_t n;
	int fd, ctl;

	scratch();
	snprintf(where, sizeof(where), "%s/control", dir);
	snprintf(control, sizeof(control), "unix://%s", where);
	start(-1, "--root", dir, "--control", control, locator, NULL);
	await_ready();
	fd = dial(path);
	expect_kernel(fd);
	ctl = dial(where);
	n = recv(ctl, text, sizeof(text) - 1, MSG_WAITALL);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_eq(strchr(text, '\n'), text + n - 1);
	json = json_loads(text, 0, NULL);
	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "clients")),
	    1);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "calls")),
	    1);
	json_decref(json);
	close(ctl);
	kill(pid, SIGUSR1);
	ck_assert(reads(errfd, "counters {\"clients\":1,"));
	close(fd);
	ck_assert_int_eq(stop(), 0);
	ck_assert_int_eq(access(where, F_OK), -1);
	cleanup();
}
END_TEST

START_TEST(pid_file_and_notification)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char pidfile[128], text[128];
	long noted;
	FILE *f;
	ssize_t n;
	int fd;

	scratch();
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", dir);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	start(-1, "--root", dir, "--pid-file", pidfile, locator, NULL);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "READY=1"));
	f = fopen(pidfile, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld", &noted), 1);
	fclose(f);
	ck_assert_int_eq(noted, pid);
	kill(pid, SIGINT);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "STOPPING=1"));
	ck_assert_int_eq(status(), 0);
	ck_assert_int_eq(access(pidfile, F_OK), -1);
	close(fd);
	cleanup();
}
END_TEST

START_TEST(socket_activation)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int ls, fd;

	scratch();
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	ls = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(ls, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(ls, 5), 0);
	activation = true;
	start(ls, "--root", dir, NULL);
	close(ls);
	await_ready();
	fd = dial(path);
	expect_kernel(fd);
	close(fd);
	ck_assert_int_eq(stop(), 0);
	/* It belongs to who made it. */
	ck_assert_int_eq(access(path, F_OK), 0);
	cleanup();
}
END_TEST

START_TEST(one_descriptor)
{
	int sv[2];

	scratch();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	start(sv[1], "--root", dir, "fd://3", NULL);
	close(sv[1]);
	expect_kernel(sv[0]);
	close(sv[0]);
	/* Nobody else can come: it ends by itself. */
	ck_assert_int_eq(status(), 0);
	cleanup();
}
END_TEST

START_TEST(background)
{
	char pidfile[128];
	long daemon;
	FILE *f;
	int fd;

	scratch();
	snprintf(pidfile, sizeof(pidfile), "%s/pid", dir);
	start(-1, "-d", "--root", dir, "--pid-file", pidfile, locator, NULL);
	ck_assert_int_eq(status(), 0);
	/* By then it is ready. */
	fd = dial(path);
	expect_kernel(fd);
	f = fopen(pidfile, "r");
	ck_assert_int_eq(fscanf(f, "%ld", &daemon), 1);
	fclose(f);
	ck_assert_int_ne(daemon, pid);
	kill((pid_t)daemon, SIGTERM);
	cl_eof(fd);
	close(fd);
	/* The last thing it does but exit. */
	while (access(pidfile, F_OK) == 0)
		poll(NULL, 0, 2);
	/* One that cannot start says so with its status. */
	start(-1, "-d", "--root", "/nowhere/at/all", locator, NULL);
	ck_assert(reads(errfd, "/nowhere/at/all"));
	ck_assert_int_eq(status(), 1);
	cleanup();
}
END_TEST

/* NetBSD's socket is call 394. */
START_TEST(refusals)
{
	const uint64_t args[3] = { 1, 1, 0 };
	int fd;

	scratch();
	start(-1, "--root", dir, "--refuse", "network", locator, NULL);
	await_ready();
	fd = dial(path);
	expect_kernel(fd);
	cl_send(fd, REQ, SYSCALL, 9, 394, args, sizeof(args));
	ck_assert_int_eq(cl_answer(fd, 9, NULL), 1);
	close(fd);
	ck_assert_int_eq(stop(), 0);
	cleanup();
}
END_TEST

static void
expect_mistake(const char *text, char *a, char *b, char *c)
{

	start(-1, a, b, c, NULL);
	ck_assert_msg(reads(errfd, text), "no '%s' for %s", text, a);
	ck_assert_int_ne(status(), 0);
}

START_TEST(mistakes)
{

	scratch();
	expect_mistake("no locator", NULL, NULL, NULL);
	expect_mistake("--max-clients: 'x' is not a number", "--max-clients",
	    "x", locator);
	expect_mistake("--mode: '9' is not an octal number", "--mode", "9",
	    locator);
	expect_mistake("must be more than 0", "--max-calls", "0", locator);
	expect_mistake("--max-copy: at most 16777216", "--max-copy",
	    "16777217", locator);
	expect_mistake("no user 'nobody-such'", "--allow-uid", "nobody-such",
	    locator);
	expect_mistake("no preset 'x'; there are", "--refuse", "x", locator);
	expect_mistake("--help", "--nonsense", locator, NULL);
	expect_mistake("'99999' is not in", "tcp://127.0.0.1:99999/", NULL,
	    NULL);
	cleanup();
}
END_TEST

START_TEST(tcp_warning)
{

	scratch();
	start(-1, "--root", dir, "tcp://0:0/", NULL);
	ck_assert(reads(errfd, "open to the network"));
	await_ready();
	ck_assert_int_eq(stop(), 0);
	start(-1, "--root", dir, "tcp://127.0.0.1:0/", NULL);
	await_ready();
	kill(pid, SIGTERM);
	ck_assert(!reads(errfd, "open to the network"));
	ck_assert_int_eq(status(), 0);
	cleanup();
}
END_TEST

START_TEST(help)
{
	char line[256];
	bool all;
	FILE *f;

	f = popen(PROGRAM " --help", "r");
	ck_assert_ptr_nonnull(f);
	all = false;
	while (fgets(line, sizeof(line), f) != NULL) {
		ck_assert_uint_lt(strlen(line), 82);
		all |= strstr(line, "--answer-timeout") != NULL;
	}
	ck_assert_int_eq(pclose(f), 0);
	ck_assert(all);
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		serves_and_stops, stale_socket, counters,
		pid_file_and_notification, socket_activation, one_descriptor,
		background, refusals, mistakes, tcp_warning, help,
	};
	Suite *s = suite_create("daemon");
	TCase *tc = tcase_create("daemon");
	SRunner *sr;
	unsigned i;
	int failed;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
