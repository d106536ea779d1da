/*
 * The control socket.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/control.h"
#include "rump_server/log.h"
#include "wire/locator.h"

enum { CONTROL_BACKLOG = 16, CONTROL_RETRY_MS = 100 };

struct control {
	struct locator locator;
	struct rumpserver *srv;
	pthread_t thread;
	bool running;
	int fd;
	int stopfd;		/* eventfd */
};

/* The line fits into any socket's buffer: nobody is waited for. */
static void
answer(struct control *c, int fd)
{
	char json[LOG_COUNTERS];
	int n;

	n = log_counters_json(json, sizeof(json), c->srv);
	send(fd, json, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void *
serve(void *arg)
{
	struct control *c = arg;
	struct pollfd pfd[2] = {
		{ .fd = c->fd, .events = POLLIN },
		{ .fd = c->stopfd, .events = POLLIN },
	};
	int fd;

	while (poll(pfd, 2, -1) >= 0 || errno == EINTR) {
		if (pfd[1].revents != 0)
			break;
		if (pfd[0].revents == 0)
			continue;
		fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			answer(c, fd);
		else if (errno != EAGAIN)
			poll(&pfd[1], 1, CONTROL_RETRY_MS);
	}
	return NULL;
}

static void
release(struct control *c)
{

	if (c->fd != -1) {
		close(c->fd);
		locator_unlink(&c->locator);
	}
	if (c->stopfd != -1)
		close(c->stopfd);
	free(c);
}

struct control *
control_open(const struct locator *loc, unsigned mode)
{
	struct control *c;

	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->locator = *loc;
	c->stopfd = eventfd(0, EFD_CLOEXEC);
	c->fd = c->stopfd == -1 ? -1 : locator_listen(&c->locator,
	    CONTROL_BACKLOG, mode);
	if (c->fd != -1)
		return c;
	log_put(RUMPSERVER_LOG_ERROR, "--control %s: %s", loc->text,
	    locator_listen_error(errno));
	release(c);
	return NULL;
}

bool
control_start(struct control *c, struct rumpserver *srv)
{
	int error;

	c->srv = srv;
	error = pthread_create(&c->thread, NULL, serve, c);
	c->running = error == 0;
	if (!c->running)
		log_put(RUMPSERVER_LOG_ERROR, "--control: cannot make a "
		    "thread: %s", strerror(error));
	return c->running;
}

void
control_stop(struct control *c)
{

	if (c == NULL)
		return;
	if (c->running) {
		eventfd_write(c->stopfd, 1);
		pthread_join(c->thread, NULL);
	}
	release(c);
}
