/*
 * rump_server as a program: starting, stopping, and its manners as a daemon.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/suite.h"
#include "program.h"
#include "testkern.h"

START_TEST(serves_and_stops)
{
	struct stat st;
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--mode", "0640", rs.locator, NULL);
	rs_ready();
	ck_assert_int_eq(stat(rs.path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	ck_assert_int_eq(rs_stop(), 0);
	cl_eof(fd);
	close(fd);
	ck_assert_int_eq(access(rs.path, F_OK), -1);
	rs_cleanup();
}
END_TEST

/* Killed, it leaves its socket; the next one takes its place, but not that
 * of a server that lives. */
START_TEST(stale_socket)
{
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	rs_ready();
	kill(rs.pid, SIGKILL);
	ck_assert_int_eq(rs_status(), -1);
	ck_assert_int_eq(access(rs.path, F_OK), 0);
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	rs_ready();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	close(fd);
	fd = (int)rs.pid;
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	ck_assert(rs_says("another server is there"));
	ck_assert_int_eq(rs_status(), 1);
	kill(fd, SIGTERM);
	ck_assert_int_eq(waitpid(fd, NULL, 0), fd);
	rs_cleanup();
}
END_TEST

START_TEST(counters)
{
	char control[160], where[128], text[2048];
	json_t *json;
	ssize_t n;
	int fd, ctl;

	rs_scratch();
	snprintf(where, sizeof(where), "%s/control", rs.dir);
	snprintf(control, sizeof(control), "unix://%s", where);
	rs_start(-1, "--root", rs.dir, "--control", control, rs.locator, NULL);
	rs_ready();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	ctl = rs_dial(where);
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
	kill(rs.pid, SIGUSR1);
	ck_assert(rs_says("counters {\"clients\":1,"));
	close(fd);
	ck_assert_int_eq(rs_stop(), 0);
	ck_assert_int_eq(access(where, F_OK), -1);
	rs_cleanup();
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

	rs_scratch();
	snprintf(pidfile, sizeof(pidfile), "%s/pid", rs.dir);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", rs.dir);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
	rs_start(-1, "--root", rs.dir, "--pid-file", pidfile, rs.locator, NULL);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "READY=1"));
	f = fopen(pidfile, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld", &noted), 1);
	fclose(f);
	ck_assert_int_eq(noted, rs.pid);
	kill(rs.pid, SIGINT);
	n = recv(fd, text, sizeof(text) - 1, 0);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	ck_assert_ptr_nonnull(strstr(text, "STOPPING=1"));
	ck_assert_int_eq(rs_status(), 0);
	ck_assert_int_eq(access(pidfile, F_OK), -1);
	close(fd);
	rs_cleanup();
}
END_TEST

START_TEST(socket_activation)
{
	int ls, fd;

	rs_scratch();
	ls = rs_listen(rs.path);
	rs.activation = true;
	rs_start(ls, "--root", rs.dir, NULL);
	close(ls);
	rs_ready();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	close(fd);
	ck_assert_int_eq(rs_stop(), 0);
	/* It belongs to who made it. */
	ck_assert_int_eq(access(rs.path, F_OK), 0);
	rs_cleanup();
}
END_TEST

START_TEST(one_descriptor)
{
	int sv[2];

	rs_scratch();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	rs_start(sv[1], "--root", rs.dir, "fd://3", NULL);
	close(sv[1]);
	rs_kernel(sv[0]);
	close(sv[0]);
	/* Nobody else can come: it ends by itself. */
	ck_assert_int_eq(rs_status(), 0);
	rs_cleanup();
}
END_TEST

START_TEST(background)
{
	char pidfile[128];
	long daemon;
	FILE *f;
	int fd;

	rs_scratch();
	snprintf(pidfile, sizeof(pidfile), "%s/pid", rs.dir);
	rs_start(-1, "-d", "--root", rs.dir, "--pid-file", pidfile, rs.locator, NULL);
	ck_assert_int_eq(rs_status(), 0);
	/* By then it is ready. */
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	f = fopen(pidfile, "r");
	ck_assert_int_eq(fscanf(f, "%ld", &daemon), 1);
	fclose(f);
	ck_assert_int_ne(daemon, rs.pid);
	kill((pid_t)daemon, SIGTERM);
	cl_eof(fd);
	close(fd);
	/* The last thing it does but exit. */
	while (access(pidfile, F_OK) == 0)
		poll(NULL, 0, 2);
	/* One that cannot start says so with its status. */
	rs_start(-1, "-d", "--root", "/nowhere/at/all", rs.locator, NULL);
	ck_assert(rs_says("/nowhere/at/all"));
	ck_assert_int_eq(rs_status(), 1);
	rs_cleanup();
}
END_TEST

/* NetBSD's socket is call 394. */
START_TEST(refusals)
{
	const uint64_t args[3] = { 1, 1, 0 };
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--refuse", "network", rs.locator, NULL);
	rs_ready();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	cl_send(fd, REQ, SYSCALL, 9, 394, args, sizeof(args));
	ck_assert_int_eq(cl_answer(fd, 9, NULL), 1);
	close(fd);
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

static void
expect_mistake(const char *text, int status, char *a, char *b, char *c)
{

	rs_start(-1, a, b, c, NULL);
	ck_assert_msg(rs_says("rump_server: "), "no prefix for %s", a);
	ck_assert_msg(rs_says(text), "no '%s' for %s", text, a);
	ck_assert_int_eq(rs_status(), status);
	ck_assert_int_eq(strncmp(rs.said, "rump_server: ", 13), 0);
}

START_TEST(mistakes)
{
	char name[257];

	memset(name, 'x', 256);
	name[256] = '\0';
	rs_scratch();
	expect_mistake("--hostname: at most 255 characters", 2, "--hostname",
	    name, rs.locator);
	expect_mistake("no locator", 2, NULL, NULL, NULL);
	expect_mistake("--max-clients: 'x' is not a number", 2,
	    "--max-clients", "x", rs.locator);
	expect_mistake("--mode: '9' is not an octal number up to 0777", 2,
	    "--mode", "9", rs.locator);
	expect_mistake("must be more than 0", 2, "--max-calls", "0",
	    rs.locator);
	expect_mistake("--max-copy: at most 16777216", 2, "--max-copy",
	    "16777217", rs.locator);
	expect_mistake("--stack-size: at least 64 KiB", 2, "--stack-size",
	    "63", rs.locator);
	expect_mistake("no user 'nobody-such'", 2, "--allow-uid",
	    "nobody-such", rs.locator);
	expect_mistake("no preset 'x'; there are network ", 2, "--refuse", "x",
	    rs.locator);
	expect_mistake("unrecognized option '--nonsense'", 2, "--nonsense",
	    rs.locator, NULL);
	rs_cleanup();
}
END_TEST

/* Root may search everything, but not as another user. */
START_TEST(root_of_others)
{

	rs_scratch();
	ck_assert_int_eq(chmod(rs.dir, 0600), 0);
	rs_start(-1, "--root", rs.dir, "fd://77",
	    geteuid() == 0 ? "--user" : NULL, "65534", NULL);
	ck_assert(rs_says("Permission denied"));
	ck_assert_int_eq(rs_status(), 1);
	ck_assert_int_eq(chmod(rs.dir, 0700), 0);
	rs_cleanup();
}
END_TEST

START_TEST(few_descriptors)
{
	const struct rlimit rl = { 32, 32 };

	rs_scratch();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	expect_mistake("may have 32 descriptors open (ulimit -n), and needs "
	    "64", 1, rs.locator, NULL, NULL);
	rs_cleanup();
}
END_TEST

START_TEST(bad_locators)
{

	rs_scratch();
	expect_mistake("'99999' is not in", 2, "-r/",
	    "tcp://127.0.0.1:99999/", NULL);
	expect_mistake("no path after unix://", 2, "unix://", NULL, NULL);
	expect_mistake("no path after unix://", 2, "-d", rs.locator,
	    "unix://");
	expect_mistake("does not start with", 2, rs.dir, NULL, NULL);
	expect_mistake("--control: ", 2, "--control", rs.dir,
	    rs.locator);
	/* What is no mistake of the command line's. */
	expect_mistake("cannot listen at unix:///nowhere/at/all: No such", 1,
	    "unix:///nowhere/at/all", NULL, NULL);
	/* Nobody's whole host goes to the network by oversight. */
	expect_mistake("--root", 2, "tcp://127.0.0.1:0/", NULL, NULL);
	expect_mistake("--root", 2, "--tcp-any", rs.locator,
	    "tcp6://[::1]:0/");
	ck_assert_int_eq(access(rs.path, F_OK), -1);
	rs_cleanup();
}
END_TEST

START_TEST(no_root_for_activation)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int ls;

	rs_scratch();
	ls = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(ls, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(listen(ls, 5), 0);
	rs.activation = true;
	rs_start(ls, NULL);
	close(ls);
	ck_assert(rs_says("--root"));
	ck_assert_int_eq(rs_status(), 2);
	rs_cleanup();
}
END_TEST

/* Descriptor 3 is what is inherited. */
START_TEST(bad_ready_fd)
{
	int null;

	rs_scratch();
	expect_mistake("--ready-fd 77: Bad file descriptor", 2, "--ready-fd",
	    "77", rs.locator);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	rs_start(null, "--ready-fd", "3", rs.locator, NULL);
	ck_assert(rs_says("--ready-fd 3: is not open for writing"));
	ck_assert_int_eq(rs_status(), 2);
	close(null);
	rs_cleanup();
}
END_TEST

START_TEST(file_in_place)
{
	char *const control[] = { "--control", rs.locator };
	char other[160];
	FILE *f;

	rs_scratch();
	f = fopen(rs.path, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	expect_mistake("that is not a socket", 1, rs.locator, NULL, NULL);
	snprintf(other, sizeof(other), "%s2", rs.locator);
	expect_mistake("that is not a socket", 1, control[0], control[1],
	    other);
	ck_assert_int_eq(access(rs.path, F_OK), 0);
	rs_cleanup();
}
END_TEST

static long
pid_in(const char *path)
{
	long pid = -1;
	FILE *f;

	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%ld", &pid), 1);
	fclose(f);
	return pid;
}

/* Of a server that lives it stays; of one that was killed it is replaced. */
START_TEST(pid_file_of_another)
{
	char pidfile[128], other[160];
	long first;

	rs_scratch();
	snprintf(pidfile, sizeof(pidfile), "%s/pid", rs.dir);
	snprintf(other, sizeof(other), "%s2", rs.locator);
	rs_start(-1, "--root", rs.dir, "--pid-file", pidfile, rs.locator,
	    NULL);
	rs_ready();
	first = rs.pid;
	rs_start(-1, "--root", rs.dir, "--pid-file", pidfile, other, NULL);
	ck_assert(rs_says("another server that runs has it"));
	ck_assert_int_eq(rs_status(), 1);
	ck_assert_int_eq(pid_in(pidfile), first);
	kill((pid_t)first, SIGKILL);
	ck_assert_int_eq(waitpid((pid_t)first, NULL, 0), first);
	rs_start(-1, "--root", rs.dir, "--pid-file", pidfile, rs.locator,
	    NULL);
	rs_ready();
	ck_assert_int_eq(pid_in(pidfile), rs.pid);
	ck_assert_int_eq(rs_stop(), 0);
	ck_assert_int_eq(access(pidfile, F_OK), -1);
	rs_cleanup();
}
END_TEST

/* One line, at every level, with the port that the host has chosen. */
START_TEST(says_where)
{
	char want[200];
	unsigned port;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "tcp://127.0.0.1:0/", NULL);
	rs_ready();
	snprintf(want, sizeof(want), "rump_server: serving %s at "
	    "tcp://127.0.0.1:", rs.dir);
	ck_assert(rs_says(want));
	ck_assert_int_eq(sscanf(rs.said + strlen(want), "%u/\n", &port), 1);
	ck_assert_uint_ne(port, 0);
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

START_TEST(tcp_warning)
{

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "tcp://0:0/", NULL);
	ck_assert(rs_says("open to the network"));
	rs_ready();
	ck_assert_int_eq(rs_stop(), 0);
	rs_start(-1, "--root", rs.dir, "tcp://127.0.0.1:0/", NULL);
	rs_ready();
	kill(rs.pid, SIGTERM);
	ck_assert(!rs_says("open to the network"));
	ck_assert_int_eq(rs_status(), 0);
	rs_cleanup();
}
END_TEST

START_TEST(help)
{
	char line[256];
	bool all;
	FILE *f;

	f = popen("'" RS_PROGRAM "' --help", "r");
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
		background, refusals, mistakes, root_of_others,
		few_descriptors, bad_locators,
		no_root_for_activation, bad_ready_fd, file_in_place,
		pid_file_of_another, says_where, tcp_warning, help,
	};
	Suite *s = suite_create("daemon");
	TCase *tc = tcase_create("daemon");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
