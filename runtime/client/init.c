/*
 * rumpclient_init: from the environment to a connection.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "client/conn.h"
#include "client/guard.h"
#include "client/handshake.h"
#include "client/init.h"
#include "client/log.h"
#include "trace/trace.h"
#include "wire/host.h"

/* The process whose connection came from fd://, which cannot be had twice. */
static pid_t fd_taken_by;

/* Number of our own choosing for the first request after an exec: answers to
 * the former image's calls may still come. */
static uint64_t
reqno_after_exec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_nsec << 33 | (uint64_t)ts.tv_sec << 63) |
	    (uint64_t)1 << 32;
}

/* Sets conn_server, which other threads look at, only when it changes: a
 * server that was lost is most often sought in the same place.  And a relative
 * path means the same after a chdir(2). */
static int
set_server(const char *value, char why[LOCATOR_WHY])
{
	static char set_from[LOCATOR_MAX];
	struct locator loc;
	int error;

	if (conn_server.kind == LOCATOR_UNIX && set_from[0] != '\0' &&
	    strcmp(value, set_from) == 0)
		return 0;
	error = locator_parse(&loc, value, LOCATOR_CLIENT, why);
	if (error != 0)
		return error;
	if (strcmp(loc.text, conn_server.text) != 0)
		conn_server = loc;
	snprintf(set_from, sizeof(set_from), "%s", value);
	return 0;
}

static int
parse_server(void)
{
	char why[LOCATOR_WHY];
	const char *name, *value;
	int error;

	name = ENV_PARSED;
	value = getenv(name);
	if (value == NULL) {
		name = ENV_SERVER;
		value = getenv(name);
	}
	if (value == NULL) {
		client_log("no server: set " ENV_SERVER " to its locator "
		    "(unix://PATH, tcp://HOST:PORT/, ...)");
		return ENOENT;
	}
	error = set_server(value, why);
	if (error != 0)
		client_log("%s: %s", name, why);
	return error;
}

/* Decimal descriptor number up to `end`; -1 only if allowed. */
static bool
parse_fd(const char *s, const char *end, bool none, int *fd)
{
	long v;

	if (none && end - s == 2 && s[0] == '-' && s[1] == '1') {
		*fd = -1;
		return true;
	}
	if (s == end || end - s > 9)
		return false;
	for (v = 0; s < end; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (*s - '0');
	}
	*fd = (int)v;
	return true;
}

/* The former image's signal descriptor, if it is one and not somebody's. */
static void
close_signalfd(int fd)
{
#ifdef __linux__
	char path[64], target[64];
	ssize_t n;

	if (fd == -1)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, target, sizeof(target) - 1);
	if (n == -1)
		return;
	target[n] = '\0';
	if (strcmp(target, "anon_inode:[signalfd]") == 0)
		host_close(fd);
#else
	(void)fd;
#endif
}

static int
check_inherited(int fd, const char *value)
{
	socklen_t len;
	int type;

	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1 ||
	    type != SOCK_STREAM) {
		client_log(ENV_EXECFD "=%.40s: descriptor %d is not a stream "
		    "socket", value, fd);
		return EBADF;
	}
	return 0;
}

/* A program started by rumpclient_exec(). */
static int
take_over(struct conn *c, const char *value)
{
	uint64_t reqno;
	const char *comma;
	int fd, sigfd, error;

	comma = strchr(value, ',');
	if (comma == NULL || !parse_fd(value, comma, false, &fd) ||
	    !parse_fd(comma + 1, value + strlen(value), true, &sigfd)) {
		client_log(ENV_EXECFD "=%.40s: not two descriptor numbers "
		    "with a comma", value);
		return EINVAL;
	}
	error = check_inherited(fd, value);
	if (error != 0)
		return error;
	close_signalfd(sigfd);
	fd = wire_fd_above_stdio(fd);
	if (fd == -1)
		return errno;
	reqno = reqno_after_exec();
	error = conn_prepare_socket(fd);
	if (error == 0)
		error = handshake_exec(fd, reqno, false);
	if (error != 0) {
		host_close(fd);
		return error;
	}
	return conn_adopt(c, fd, reqno + 1);
}

static int
connect_anew(struct conn *c)
{

	if (conn_server.kind == LOCATOR_FD && fd_taken_by != 0) {
		client_log("%s: this connection is %s already: a second "
		    "process needs a locator that can be connected to",
		    conn_server.text, fd_taken_by == getpid() ? "used up" :
		    "the parent process's");
		return EBUSY;
	}
	return conn_connect(c, HANDSHAKE_GUEST, NULL, UINT64_MAX, false);
}

/* Setup held, signals open. */
static int
initialize(struct conn *c)
{
	const char *execfd;
	char value[64];
	int error;

	rump_trace_init();
	guard_environment();
	error = parse_server();
	if (error != 0)
		return error;
	execfd = getenv(ENV_EXECFD);
	if (execfd == NULL) {
		error = connect_anew(c);
	} else {
		snprintf(value, sizeof(value), "%s", execfd);
		unsetenv(ENV_EXECFD);
		error = take_over(c, value);
	}
	if (error == 0 && conn_server.kind == LOCATOR_FD)
		fd_taken_by = getpid();
	return error;
}

static bool
is_up(struct conn *c)
{
	bool up;

	pthread_mutex_lock(&c->lock);
	up = c->state == CONN_UP;
	pthread_mutex_unlock(&c->lock);
	return up;
}

int
rumpclient_init(void)
{
	struct conn *c;
	struct entry e;
	int error;

	entry_begin(&e);
	c = conn_self(&e);
	error = conn_setup_begin(c, &e);
	if (error == 0) {
		if (!is_up(c)) {
			sig_open(&e);
			error = initialize(c);
			sig_close();
		}
		conn_setup_end(c);
	}
	entry_end_errno(&e, error);
	return error == 0 ? 0 : -1;
}
