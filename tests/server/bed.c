/*
 * A server with the test kernel, in the background.
 */
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testkern.h"

static void
note(void *cookie, enum rumpserver_loglevel level, const char *line)
{
	struct testkern *tk = cookie;
	size_t n;

	if (getenv("BED_LOG") != NULL)
		fprintf(stderr, "%d %s\n", level, line);
	if (level == RUMPSERVER_LOG_DEBUG)
		return;
	pthread_mutex_lock(&tk->lock);
	n = strlen(tk->log);
	snprintf(tk->log + n, sizeof(tk->log) - n, "%d %s\n", level, line);
	pthread_cond_broadcast(&tk->cond);
	pthread_mutex_unlock(&tk->lock);
}

void
bed_init(struct bed *bed, enum way way)
{

	memset(bed, 0, sizeof(*bed));
	tk_init(&bed->tk);
	bed->way = way;
	bed->cfg.kernel = &testkern_kernel;
	bed->cfg.kern = &bed->tk;
	bed->cfg.log = note;
	bed->cfg.log_cookie = &bed->tk;
}

/* Somebody's event loop. */
static void *
drive(void *arg)
{
	struct bed *bed = arg;
	struct pollfd pfd[2] = {
		{ .fd = rumpserver_pollfd(bed->srv), .events = POLLIN },
		{ .fd = bed->stopfd, .events = POLLIN },
	};
	int ms;

	ms = 0;
	while (poll(pfd, 2, ms) >= 0 && pfd[1].revents == 0)
		ms = rumpserver_step(bed->srv);
	return NULL;
}

void
bed_start(struct bed *bed)
{

	snprintf(bed->dir, sizeof(bed->dir), "/tmp/rumpgen-server-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(bed->dir));
	snprintf(bed->path, sizeof(bed->path), "%s/sock", bed->dir);
	snprintf(bed->locator, sizeof(bed->locator), "unix://%s", bed->path);
	bed->srv = rumpserver_create(&bed->cfg);
	ck_assert_ptr_nonnull(bed->srv);
	ck_assert_int_eq(rumpserver_listen(bed->srv, bed->locator, NULL, 0), 0);
	if (bed->way == THREADS) {
		ck_assert_int_eq(rumpserver_start(bed->srv), 0);
		return;
	}
	if (bed->way == BY_HAND)
		return;
	bed->stopfd = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&bed->driver, NULL, drive, bed), 0);
}

void
bed_stop(struct bed *bed)
{
	unsigned i;

	if (bed->way == LOOP) {
		eventfd_write(bed->stopfd, 1);
		pthread_join(bed->driver, NULL);
		close(bed->stopfd);
	}
	rumpserver_stop(bed->srv, 0);
	for (i = 0; i < RUMPSERVER_NBUDGETS; i++)
		ck_assert_uint_eq(bed_stats(bed).held[i], 0);
	ck_assert_uint_eq(bed_stats(bed).clients, 0);
	ck_assert_uint_eq(bed_stats(bed).calls_now, 0);
	ck_assert_uint_eq(bed_stats(bed).preforks_now, 0);
	ck_assert_uint_eq(bed_stats(bed).threads, 0);
	rumpserver_destroy(bed->srv);
	ck_assert_uint_eq(bed->tk.procs, 0);
	ck_assert_uint_eq(bed->tk.lwps, 0);
	ck_assert_int_eq(access(bed->path, F_OK), -1);
	ck_assert_int_eq(rmdir(bed->dir), 0);
	tk_fini(&bed->tk);
}

struct rumpserver_stats
bed_stats(struct bed *bed)
{
	struct rumpserver_stats st;

	rumpserver_getstats(bed->srv, &st);
	return st;
}
