#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

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

void
served_start(struct served *s, const struct rumpserver_kernel *kernel,
    void *kern, bool loop)
{
	struct rumpserver_config conf = { .kernel = kernel, .kern = kern,
	    .log = log_line };
	char locator[64];

	s->loop = loop;
	s->srv = rumpserver_create(&conf);
	ck_assert_ptr_nonnull(s->srv);
	snprintf(locator, sizeof(locator), "unix://%s", s->socket);
	ck_assert_int_eq(rumpserver_listen(s->srv, locator, NULL, 0), 0);
	if (!loop) {
		ck_assert_int_eq(rumpserver_start(s->srv), 0);
		return;
	}
	s->quit = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_ge(s->quit, 0);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, step, s), 0);
}

int
served_connect(const struct served *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", s->socket);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

void
served_stop(struct served *s)
{

	if (s->loop) {
		eventfd_write(s->quit, 1);
		pthread_join(s->thread, NULL);
		close(s->quit);
	}
	rumpserver_stop(s->srv, 0);
	rumpserver_destroy(s->srv);
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{

	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

void
served_remove(struct served *s)
{

	nftw(s->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
