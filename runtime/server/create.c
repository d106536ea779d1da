/*
 * A server from its making to its end.
 */
#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

#define DEFAULT(field, value) do {		\
	if ((field) == 0)			\
		(field) = (value);		\
} while (0)

/* The host's descriptors, less a reserve for the server itself. */
static unsigned
spare_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 || rl.rlim_cur > INT_MAX)
		return INT_MAX;
	if (rl.rlim_cur < 2 * FD_RESERVE)
		return (unsigned)rl.rlim_cur / 2;
	return (unsigned)rl.rlim_cur - FD_RESERVE;
}

static void
set_defaults(struct rumpserver_config *cfg)
{

	DEFAULT(cfg->max_clients, 10000);
	DEFAULT(cfg->max_calls_per_client, 1024);
	DEFAULT(cfg->max_threads, 16384);
	DEFAULT(cfg->max_preforks_per_proc, 64);
	DEFAULT(cfg->prefork_timeout_ms, 60000);
	DEFAULT(cfg->handshake_timeout_ms, 10000);
	DEFAULT(cfg->frame_timeout_ms, 30000);
	DEFAULT(cfg->send_timeout_ms, 30000);
	DEFAULT(cfg->answer_timeout_ms, 300000);
	DEFAULT(cfg->max_copy, 1024 * 1024);
	DEFAULT(cfg->stack_size, 512 * 1024);
	DEFAULT(cfg->socket_mode, 0600);
	DEFAULT(cfg->max_bytes, 1024 * 1024 * 1024);
	DEFAULT(cfg->max_client_bytes, 64 * 1024 * 1024);
	DEFAULT(cfg->max_client_threads, 1024);
	DEFAULT(cfg->max_fds, spare_descriptors());
	DEFAULT(cfg->max_client_fds, 16384);
	DEFAULT(cfg->max_semaphores, 1024);
	DEFAULT(cfg->user_share, 75);
	if (cfg->user_share > 100)
		cfg->user_share = 100;
	if (cfg->max_copy > FRAME_MAX_COPY)
		cfg->max_copy = FRAME_MAX_COPY;
	if (cfg->stack_size < RUMPSERVER_STACK_MIN)
		cfg->stack_size = RUMPSERVER_STACK_MIN;
}

static bool
copy_list(const void **list, size_t n, size_t size)
{
	void *p;

	if (n == 0)
		return true;
	p = reallocarray(NULL, n, size);
	if (p == NULL)
		return false;
	memcpy(p, *list, n * size);
	*list = p;
	return true;
}

/* The lists are ours, not the caller's. */
static bool
copy_config(struct rumpserver *srv, const struct rumpserver_config *cfg)
{
	const void *uid = cfg->allow_uid, *gid = cfg->allow_gid;

	srv->cfg = *cfg;
	srv->cfg.allow_uid = NULL;
	srv->cfg.allow_gid = NULL;
	set_defaults(&srv->cfg);
	if (!copy_list(&uid, cfg->n_allow_uid, sizeof(*cfg->allow_uid)))
		return false;
	srv->cfg.allow_uid = uid;
	if (!copy_list(&gid, cfg->n_allow_gid, sizeof(*cfg->allow_gid)))
		return false;
	srv->cfg.allow_gid = gid;
	return true;
}

static void
cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void
init_locks(struct rumpserver *srv)
{

	pthread_mutex_init(&srv->lock, NULL);
	pthread_mutex_init(&srv->pool_lock, NULL);
	pthread_mutex_init(&srv->log_lock, NULL);
	pthread_mutex_init(&srv->active_lock, NULL);
	pthread_mutex_init(&srv->timer_lock, NULL);
	cond_init_monotonic(&srv->idle);
	cond_init_monotonic(&srv->pool_empty);
	cond_init_monotonic(&srv->timer_cond);
}

struct rumpserver *
rumpserver_create(const struct rumpserver_config *cfg)
{
	const struct rumpserver_kernel *k = cfg->kernel;
	struct rumpserver *srv;
	int error;

	if (k == NULL || k->syscall == NULL) {
		errno = EINVAL;
		return NULL;
	}
	srv = calloc(1, sizeof(*srv));
	if (srv == NULL)
		return NULL;
	srv->kernel = k;
	srv->kern = cfg->kern;
	srv->epfd = srv->wakefd = -1;
	init_locks(srv);
	preforks_init(srv);
	endings_init(srv);
	worker_init(&srv->loop, srv);
	srv->loop.loop = true;
	srv->bannerlen = banner_format(srv->banner, k->ostype, k->osrelease,
	    k->machine, NULL);
	errno = EINVAL;
	if (srv->bannerlen != 0 && copy_config(srv, cfg) &&
	    budgets_init(srv) && pool_init(srv) == 0)
		return srv;
	error = errno;
	rumpserver_destroy(srv);
	errno = error;
	return NULL;
}

int
rumpserver_start(struct rumpserver *srv)
{

	if (srv->mode != MODE_NONE) {
		errno = EALREADY;
		return -1;
	}
	srv->mode = MODE_THREADS;
	if (watchdog_start(srv) == -1)
		return -1;
	return pool_start(srv);
}

/* --- the end --- */

/* srv->lock held: waits until a session has gone, at most until `end'. */
static bool
wait_gone(struct rumpserver *srv, uint64_t end)
{
	struct timespec ts = { .tv_sec = (time_t)(end / 1000),
	    .tv_nsec = (long)(end % 1000) * 1000000 };

	if (end == UINT64_MAX)
		return pthread_cond_wait(&srv->idle, &srv->lock) == 0;
	return pthread_cond_timedwait(&srv->idle, &srv->lock, &ts) == 0;
}

static unsigned
sessions(struct rumpserver *srv)
{
	unsigned n;

	pthread_mutex_lock(&srv->lock);
	n = srv->nsessions;
	pthread_mutex_unlock(&srv->lock);
	return n;
}

/* One turn of waiting for something to end, in either way to run. */
static void
let_run(struct rumpserver *srv, uint64_t until)
{
	struct pollfd pfd = { .fd = srv->epfd, .events = POLLIN };
	uint64_t now;
	int ms;

	if (srv->mode == MODE_LOOP) {
		ms = rumpserver_step(srv);
		/* That was the last one: nothing else will come. */
		if (sessions(srv) == 0)
			return;
		now = now_ms();
		if (until != UINT64_MAX && now < until &&
		    (ms == -1 || (uint64_t)ms > until - now))
			ms = (int)(until - now);
		poll(&pfd, 1, ms);
		return;
	}
	pthread_mutex_lock(&srv->lock);
	if (srv->nsessions > 0)
		wait_gone(srv, until);
	pthread_mutex_unlock(&srv->lock);
}

/* Calls in progress may end by themselves until the grace is over. */
static void
wait_calls(struct rumpserver *srv, unsigned grace_ms)
{
	uint64_t end = now_ms() + grace_ms, now, turn;

	while (atomic_load(&srv->count.calls_now) > 0 && sessions(srv) > 0) {
		now = now_ms();
		if (now >= end)
			return;
		/* The end of a call is no event; looks now and then. */
		turn = now + 5 < end ? now + 5 : end;
		let_run(srv, turn);
	}
}

static void
kill_all(struct rumpserver *srv)
{
	uint32_t i;

	pthread_mutex_lock(&srv->lock);
	for (i = 0; i < srv->nslots; i++)
		if (srv->slots[i].session != NULL)
			session_kill(srv->slots[i].session);
	pthread_mutex_unlock(&srv->lock);
}

void
rumpserver_join(struct rumpserver *srv)
{

	while (sessions(srv) > 0)
		let_run(srv, UINT64_MAX);
}

void
rumpserver_stop(struct rumpserver *srv, unsigned grace_ms)
{

	listeners_close(srv);
	if (srv->mode == MODE_NONE)
		srv->mode = MODE_LOOP;
	wait_calls(srv, grace_ms);
	kill_all(srv);
	rumpserver_join(srv);
	preforks_discard(srv);
	while (srv->mode == MODE_LOOP && pool_step(srv))
		continue;
	/* A timer may have left an ending to the pool. */
	watchdog_stop(srv);
	pool_stop(srv);
	log_end_server(srv);
	srv_log(srv, RUMPSERVER_LOG_INFO, "stopped");
}

static void
destroy_locks(struct rumpserver *srv)
{

	pthread_mutex_destroy(&srv->lock);
	pthread_mutex_destroy(&srv->pool_lock);
	pthread_mutex_destroy(&srv->log_lock);
	pthread_mutex_destroy(&srv->active_lock);
	pthread_mutex_destroy(&srv->timer_lock);
	pthread_cond_destroy(&srv->idle);
	pthread_cond_destroy(&srv->pool_empty);
	pthread_cond_destroy(&srv->timer_cond);
}

void
rumpserver_destroy(struct rumpserver *srv)
{

	if (srv == NULL)
		return;
	if (srv->epfd != -1)
		close(srv->epfd);
	if (srv->wakefd != -1)
		close(srv->wakefd);
	fibers_free(srv);
	destroy_locks(srv);
	free((void *)srv->cfg.allow_uid);
	free((void *)srv->cfg.allow_gid);
	free(srv->slots);
	free(srv->watches);
	free(srv->heap);
	budgets_put(srv->budgets);
	free(srv);
}

void
rumpserver_getstats(struct rumpserver *srv, struct rumpserver_stats *st)
{
	struct counters *c = &srv->count;

	*st = (struct rumpserver_stats){
		.clients = atomic_load(&c->clients),
		.clients_total = atomic_load(&c->clients_total),
		.refused = atomic_load(&c->refused),
		.calls = atomic_load(&c->calls),
		.calls_now = atomic_load(&c->calls_now),
		.errors = atomic_load(&c->errors),
		.copyin_bytes = atomic_load(&c->copyin_bytes),
		.copyout_bytes = atomic_load(&c->copyout_bytes),
		.preforks = atomic_load(&c->preforks),
		.preforks_now = atomic_load(&c->preforks_now),
		.protocol_errors = atomic_load(&c->protocol_errors),
		.timeouts = atomic_load(&c->timeouts),
	};
	budgets_stats(srv->budgets, st);
	pthread_mutex_lock(&srv->pool_lock);
	st->threads = srv->nthreads;
	pthread_mutex_unlock(&srv->pool_lock);
}
