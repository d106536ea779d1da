/*
 * Our client library against recorded servers: what it sends must be what
 * NetBSD's sent, but for addresses, its command name and where its numbers
 * begin.
 *
 * The test plays the server; a program of its own (driver.h, this same file
 * started anew) makes the calls.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <arpa/inet.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "driver.h"
#include "lib/suite.h"
#include "recordings.h"

static struct recordings recordings;

/* How a conversation is played. */
static const struct { bool tcp; size_t chunk; } ways[] = {
	{ false, 0 }, { true, 0 }, { false, 1 },
};
#define NWAYS	((int)(sizeof(ways) / sizeof(ways[0])))

struct server {
	const struct conversation *conv;
	int fd;
	char dir[32];
	char path[64];
	char locator[80];
};

static void
listen_unix(struct server *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(s->fd, 0);
	snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->path);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	snprintf(s->locator, sizeof(s->locator), "unix://%s", s->path);
}

static void
listen_tcp(struct server *s)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sin);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(s->fd, 0);
	ck_assert_int_eq(bind(s->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	ck_assert_int_eq(getsockname(s->fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(s->locator, sizeof(s->locator), "tcp://127.0.0.1:%u/",
	    ntohs(sin.sin_port));
}

/* Starts the program that drives connection conn of the conversation. */
static void
start_driver(struct server *s, int conn)
{
	char name[] = "replayed", flag[] = DRIVER_FLAG, at[] = "0", number[16];
	char *argv[] = { name, flag, s->conv->path, number, at, NULL };
	pid_t pid;

	snprintf(number, sizeof(number), "%d", conn);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return;
	setenv("RUMP_SERVER", s->locator, 1);
	unsetenv("RUMP__PARSEDSERVER");
	unsetenv("RUMPCLIENT__EXECFD");
	execv("/proc/self/exe", argv);
	perror("/proc/self/exe");
	_exit(1);
}

/* Connections come in the order of the conversation, as a guest's driver is
 * started only when its turn has come. */
static int
accept_one(void *cookie, int conn)
{
	struct server *s = cookie;
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	int fd, on = 1, ready;

	if (driver_begins(s->conv, conn))
		start_driver(s, conn);
	do
		ready = poll(&pfd, 1, patience_ms());
	while (ready == -1 && errno == EINTR);
	if (ready <= 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	/* Fails on a local socket, where there is nothing to switch off. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Waits for all programs; how many of them failed. */
static int
reap(void)
{
	int failed = 0, status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid == -1 && errno == EINTR)
			continue;
		if (pid == -1)
			return failed;
		if (status != 0) {
			fprintf(stderr, "driver: status 0x%x\n",
			    (unsigned)status);
			failed++;
		}
	}
}

static void
replay(const char *path, int way)
{
	char why[CONVERSATION_WHY] = "";
	struct server s = { .dir = "/tmp/rumpgen-replay-XXXXXX" };
	struct conversation *conv;
	struct conversation_player cp;
	bool ok;
	int failed;

	conv = conversation_load(path, why);
	ck_assert_msg(conv != NULL, "%s", why);
	if (!driver_can(conv)) {
		conversation_free(conv);
		return;
	}
	/* A driver's children come to us when it ends. */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	ck_assert_ptr_nonnull(mkdtemp(s.dir));
	s.conv = conv;
	if (ways[way].tcp)
		listen_tcp(&s);
	else
		listen_unix(&s);
	ck_assert_int_eq(listen(s.fd, 8), 0);
	cp = (struct conversation_player){ .conv = conv,
	    .side = CONVERSATION_SERVER, .open = accept_one, .cookie = &s,
	    .chunk = ways[way].chunk, .timeout_ms = patience_ms() };
	ok = conversation_play(&cp, why);
	/* Whoever still wants something from us gets an end. */
	close(s.fd);
	if (s.path[0] != '\0')
		unlink(s.path);
	rmdir(s.dir);
	failed = reap();
	ck_assert_msg(ok, "%s", why);
	ck_assert_int_eq(failed, 0);
	conversation_free(conv);
}

START_TEST(capture)
{
	replay(recordings.captures[_i / NWAYS], _i % NWAYS);
}
END_TEST

START_TEST(fixture)
{
	replay(recordings.fixtures[_i / NWAYS], _i % NWAYS);
}
END_TEST

START_TEST(every_call)
{
	size_t i;

	ck_assert_uint_gt(recordings.ncalls, 0);
	for (i = 0; i < recordings.ncalls; i++)
		replay(recordings.calls[i], 0);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite;
	TCase *tc;
	int status;

	if (argc > 1 && strcmp(argv[1], DRIVER_FLAG) == 0)
		return driver_main(argc, argv);
	suite = suite_create("replay client");
	tc = tcase_create("conversations");
	recordings_find(&recordings);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, capture, 0,
	    (int)recordings.ncaptures * NWAYS);
	tcase_add_loop_test(tc, fixture, 0,
	    (int)recordings.nfixtures * NWAYS);
	tcase_add_test(tc, every_call);
	suite_add_tcase(suite, tc);
	status = suite_run(suite);
	recordings_free(&recordings);
	return status;
}
