/*
 * Preforks: processes copied ahead of the clients that will be them.  The
 * table is guarded by srv->lock.
 */
#include <sys/random.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

static unsigned
bucket(const uint32_t cookie[FRAME_COOKIE_WORDS])
{

	return cookie[0] % PREFORK_BUCKETS;
}

/* srv->lock held. */
static void
unlink_prefork(struct rumpserver *srv, struct prefork *pf)
{

	LIST_REMOVE(pf, hash);
	if (pf->parent != NULL) {
		LIST_REMOVE(pf, sibling);
		pf->parent->npreforks--;
		pf->parent = NULL;
	} else {
		TAILQ_REMOVE(&srv->orphans, pf, queue);
		srv->norphans--;
	}
	pf->linked = false;
	uncount(&srv->count.preforks_now);
}

/* One that is in no table any more. */
static void
discard(struct ending *e)
{
	struct prefork *pf;

	pf = (struct prefork *)((char *)e - offsetof(struct prefork, ending));
	proc_end(pf->srv, pf->proc);
	free(pf);
}

void
preforks_init(struct rumpserver *srv)
{

	TAILQ_INIT(&srv->orphans);
}

static void
expire(struct timer *t)
{
	struct prefork *pf;
	struct rumpserver *srv;
	bool linked;

	pf = (struct prefork *)((char *)t - offsetof(struct prefork, timer));
	srv = pf->srv;
	pthread_mutex_lock(&srv->lock);
	linked = pf->linked;
	if (linked)
		unlink_prefork(srv, pf);
	pthread_mutex_unlock(&srv->lock);
	if (!linked)
		return;
	count(&srv->count.timeouts, 1);
	srv_log(srv, RUMPSERVER_LOG_INFO, "a fork was never completed: its "
	    "copy is discarded");
	ending_later(srv, &pf->ending);
}

/* Fills all of it from the host's random source. */
static bool
randomise(void *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = getrandom(p, len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p = (char *)p + n;
		len -= (size_t)n;
	}
	return true;
}

/* Counts one more against the caller's limit. */
static bool
reserve(struct session *ses, struct rump_proc *parent)
{
	struct rumpserver *srv = ses->srv;
	bool ok;

	pthread_mutex_lock(&srv->lock);
	ok = parent->npreforks < srv->cfg.max_preforks_per_proc;
	if (ok)
		parent->npreforks++;
	pthread_mutex_unlock(&srv->lock);
	if (!ok)
		ses_log(ses, RUMPSERVER_LOG_WARN, "prefork refused: %u "
		    "unused cookies are the limit",
		    srv->cfg.max_preforks_per_proc);
	return ok;
}

static void
unreserve(struct rumpserver *srv, struct rump_proc *parent)
{

	pthread_mutex_lock(&srv->lock);
	parent->npreforks--;
	pthread_mutex_unlock(&srv->lock);
}

static struct prefork *
prefork_alloc(struct rumpserver *srv, struct rump_proc *parent)
{
	struct prefork *pf;

	pf = calloc(1, sizeof(*pf));
	if (pf == NULL)
		return NULL;
	pf->srv = srv;
	pf->parent = parent;
	pf->timer.fire = expire;
	pf->ending.run = discard;
	pf->proc = proc_alloc(account_make_beside(parent->account));
	if (pf->proc == NULL) {
		free(pf);
		return NULL;
	}
	pf->ending.payer = pf->proc->account;
	if (!randomise(pf->cookie, sizeof(pf->cookie))) {
		proc_free(pf->proc);
		free(pf);
		return NULL;
	}
	return pf;
}

void
prefork_make(struct session *ses, const struct request *req)
{
	struct rumpserver *srv = ses->srv;
	struct rump_proc *parent = ses->proc;
	uint32_t cookie[FRAME_COOKIE_WORDS];
	struct prefork *pf;
	int error;

	if (!reserve(ses, parent)) {
		session_error(ses, req->hdr.reqno, FRAME_ERR_NOMEM);
		return;
	}
	pf = prefork_alloc(srv, parent);
	if (pf == NULL) {
		unreserve(srv, parent);
		session_error(ses, req->hdr.reqno, FRAME_ERR_NOMEM);
		return;
	}
	error = kernel_proc_copy(srv, pf->proc, parent);
	if (error != 0) {
		unreserve(srv, parent);
		proc_free(pf->proc);
		free(pf);
		session_error(ses, req->hdr.reqno, error_frame(error));
		return;
	}

	memcpy(cookie, pf->cookie, sizeof(cookie));
	count(&srv->count.preforks, 1);
	count(&srv->count.preforks_now, 1);
	pthread_mutex_lock(&srv->lock);
	LIST_INSERT_HEAD(&srv->preforks[bucket(cookie)], pf, hash);
	LIST_INSERT_HEAD(&parent->preforks, pf, sibling);
	pf->linked = true;
	pthread_mutex_unlock(&srv->lock);
	ses_log(ses, RUMPSERVER_LOG_DEBUG, "prefork");
	/* Nobody but us knows the cookie yet. */
	timer_set(srv, &pf->timer, srv->cfg.prefork_timeout_ms);
	session_respond(ses, &req->hdr, cookie, sizeof(cookie));
}

struct rump_proc *
prefork_take(struct rumpserver *srv, const uint32_t cookie[FRAME_COOKIE_WORDS])
{
	struct prefork *pf;
	struct rump_proc *p;

	pthread_mutex_lock(&srv->lock);
	LIST_FOREACH(pf, &srv->preforks[bucket(cookie)], hash)
		if (memcmp(pf->cookie, cookie, sizeof(pf->cookie)) == 0)
			break;
	if (pf != NULL)
		unlink_prefork(srv, pf);
	pthread_mutex_unlock(&srv->lock);
	if (pf == NULL)
		return NULL;
	timer_cancel(srv, &pf->timer);
	p = pf->proc;
	free(pf);
	return p;
}

/* srv->lock held: unlinks the oldest orphans that are too many. */
static void
trim_orphans(struct rumpserver *srv, struct prefork_queue *q)
{
	struct prefork *pf;

	while (srv->norphans > srv->cfg.max_clients) {
		pf = TAILQ_FIRST(&srv->orphans);
		unlink_prefork(srv, pf);
		TAILQ_INSERT_TAIL(q, pf, queue);
	}
}

void
preforks_orphan(struct rumpserver *srv, struct rump_proc *parent)
{
	struct prefork_queue q = TAILQ_HEAD_INITIALIZER(q);
	struct prefork *pf;

	pthread_mutex_lock(&srv->lock);
	while ((pf = LIST_FIRST(&parent->preforks)) != NULL) {
		LIST_REMOVE(pf, sibling);
		pf->parent = NULL;
		TAILQ_INSERT_TAIL(&srv->orphans, pf, queue);
		srv->norphans++;
	}
	trim_orphans(srv, &q);
	pthread_mutex_unlock(&srv->lock);
	while ((pf = TAILQ_FIRST(&q)) != NULL) {
		TAILQ_REMOVE(&q, pf, queue);
		timer_cancel(srv, &pf->timer);
		ending_later(srv, &pf->ending);
	}
}

void
preforks_discard(struct rumpserver *srv)
{
	struct prefork *pf;
	unsigned i;

	for (i = 0; i < PREFORK_BUCKETS; i++) {
		for (;;) {
			pthread_mutex_lock(&srv->lock);
			pf = LIST_FIRST(&srv->preforks[i]);
			if (pf != NULL)
				unlink_prefork(srv, pf);
			pthread_mutex_unlock(&srv->lock);
			if (pf == NULL)
				break;
			timer_cancel(srv, &pf->timer);
			discard(&pf->ending);
		}
	}
}
