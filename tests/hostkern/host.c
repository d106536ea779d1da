#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"
#include "rump_server/sandbox.h"
#include "rump_server/user.h"
#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"
#include "tests/lib/tree.h"

enum { STOP_MS = 2000 };

/* Where there is a leak checker: finds what is lost by now. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static char folder[64], root[80];
static pid_t server;
static int lifeline = -1;	/* the server ends when this is closed */

/* Until the lifeline is cut. */
static void
run_loop(struct rumpserver *srv, int life)
{
	struct pollfd pfd[2] = {
		{ .fd = rumpserver_pollfd(srv), .events = POLLIN },
		{ .fd = life, .events = POLLIN },
	};
	int ms = 0;

	for (;;) {
		if (poll(pfd, 2, ms) > 0 && pfd[1].revents != 0)
			return;
		ms = rumpserver_step(srv);
	}
}

static void
serve(int ready, int life)
{
	struct hostkern_config conf = { .root = root, .console_fd = -1 };
	struct rumpserver_config sc = { .kernel = &hostkern_kernel };
	struct rumpserver *srv;
	struct hostkern *hk;
	char locator[128], why[128], c;

	hk = hostkern_create(&conf, why, sizeof(why));
	if (hk == NULL) {
		fprintf(stderr, "hostkern: %s\n", why);
		_exit(2);
	}
	sc.kern = hk;
	srv = rumpserver_create(&sc);
	snprintf(locator, sizeof(locator), "unix://%s/sock", folder);
	/* Shut in as rump_server is. */
	if (srv == NULL || rumpserver_listen(srv, locator, NULL, 0) == -1 ||
	    !user_no_new_privs() || !sandbox_files(root, NULL, 0) ||
	    !sandbox_calls() ||
	    (!in_event_loop && rumpserver_start(srv) == -1)) {
		perror("rumpserver");
		_exit(2);
	}
	if (write(ready, "r", 1) != 1)
		_exit(2);
	if (in_event_loop)
		run_loop(srv, life);
	else
		while (read(life, &c, 1) == -1 && errno == EINTR)
			continue;
	rumpserver_stop(srv, STOP_MS);
	rumpserver_destroy(srv);
	hostkern_destroy(hk);
	if (__lsan_do_recoverable_leak_check != NULL &&
	    __lsan_do_recoverable_leak_check() != 0)
		_exit(3);
	_exit(0);
}

void
host_start(void)
{
	int ready[2], life[2];
	char locator[128], c;

	strcpy(folder, "/tmp/rumpgen-host-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(root, sizeof(root), "%s/root", folder);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(life, O_CLOEXEC), 0);
	fflush(NULL);
	server = fork();
	ck_assert_int_ne(server, -1);
	if (server == 0) {
		close(life[1]);
		serve(ready[1], life[0]);
	}
	close(ready[1]);
	close(life[0]);
	lifeline = life[1];
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	snprintf(locator, sizeof(locator), "unix://%s/sock", folder);
	setenv("RUMP_SERVER", locator, 1);
	ck_assert_int_eq(rumpclient_init(), 0);
}

void
host_stop(void)
{
	int status;

	close(lifeline);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the server ended with status 0x%x", status);
	tree_remove(folder);
}

const char *
host_root(void)
{

	return root;
}

pid_t
guest_start(bool forked, int (*body)(void *), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = forked ? rumpclient_fork() : fork();
	ck_assert_int_ne(pid, -1);
	if (pid != 0)
		return pid;
	close(lifeline);
	if (!forked && rumpclient_init() == -1)
		_exit(99);
	_exit(body(arg));
}

int
guest_wait(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
gate_init(struct gate *g)
{

	ck_assert_int_eq(pipe(g->fd), 0);
}

void
gate_open(struct gate *g)
{

	if (write(g->fd[1], "", 1) != 1)
		abort();
}

void
gate_pass(struct gate *g)
{
	ssize_t n;
	char c;

	do {
		n = read(g->fd[0], &c, 1);
	} while (n == -1 && errno == EINTR);
	if (n != 1)
		abort();
}

long long
patience_us(void)
{

	return patience_ms() * 1000LL;
}

long long
clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}
