#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/tree.h"
#include "served.h"

void
served_folder(struct served *s)
{

	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "/tmp/rumpgen-served-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	snprintf(s->root, sizeof(s->root), "%s/root", s->dir);
	snprintf(s->socket, sizeof(s->socket), "%s/socket", s->dir);
	ck_assert_int_eq(mkdir(s->root, 0755), 0);
	/* Whoever comes by TCP is nobody to the kernel behind. */
	ck_assert_int_eq(chmod(s->root, 0777), 0);
}

static void
log_line(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	if (level < RUMPSERVER_LOG_DEBUG)
		fprintf(stderr, "server: %s\n", line);
}

static void *
step(void *arg)
{
	struct served *s = arg;
	struct pollfd pfd[2] = {
		{ .fd = rumpserver_pollfd(s->srv), .events = POLLIN },
		{ .fd = s->quit, .events = POLLIN },
	};

	do
		poll(pfd, 2, rumpserver_step(s->srv));
	while ((pfd[1].revents & POLLIN) == 0);
	return NULL;
}

static void
listen_at(struct served *s)
{
	char locator[80], resolved[80] = "";

	if (s->how == SERVED_FD)
		return;
	if (s->how == SERVED_TCP)
		snprintf(locator, sizeof(locator), "tcp://127.0.0.1:0/");
	else
		snprintf(locator, sizeof(locator), "unix://%s", s->socket);
	ck_assert_int_eq(rumpserver_listen(s->srv, locator, resolved,
	    sizeof(resolved)), 0);
	if (s->how == SERVED_TCP)
		ck_assert_int_eq(sscanf(resolved, "tcp://127.0.0.1:%u",
		    &s->port), 1);
}

void
served_start(struct served *s, const struct rumpserver_kernel *kernel,
    void *kern, enum served_how how)
{
	struct rumpserver_config conf = { .kernel = kernel, .kern = kern,
	    .log = log_line };

	s->how = how;
	s->srv = rumpserver_create(&conf);
	ck_assert_ptr_nonnull(s->srv);
	listen_at(s);
	if (how != SERVED_LOOP) {
		ck_assert_int_eq(rumpserver_start(s->srv), 0);
		return;
	}
	s->quit = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_ge(s->quit, 0);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, step, s), 0);
}

static int
connect_to(int family, const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd == -1)
		return -1;
	if (connect(fd, addr, len) == -1) {
		close(fd);
		return -1;
	}
	/* Fails on a local socket, where there is nothing to switch off. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int
served_connect(const struct served *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int sv[2];

	switch (s->how) {
	case SERVED_FD:
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) ==
		    -1)
			return -1;
		if (rumpserver_serve_fd(s->srv, sv[1]) == -1) {
			close(sv[0]);
			return -1;
		}
		return sv[0];
	case SERVED_TCP:
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		sin.sin_port = htons((uint16_t)s->port);
		return connect_to(AF_INET, (struct sockaddr *)&sin,
		    sizeof(sin));
	default:
		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->socket);
		return connect_to(AF_UNIX, (struct sockaddr *)&sun,
		    sizeof(sun));
	}
}

void
served_stop(struct served *s)
{

	if (s->how == SERVED_LOOP) {
		eventfd_write(s->quit, 1);
		pthread_join(s->thread, NULL);
		close(s->quit);
	}
	rumpserver_stop(s->srv, 0);
	rumpserver_destroy(s->srv);
}

void
served_remove(struct served *s)
{

	tree_remove(s->dir);
}
