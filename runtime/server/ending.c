/*
 * Ends: of sessions and of copies that nobody asked for.
 *
 * The kernel's part of it may take a while, and thousands may end at once.
 * So ENDINGS_MAX threads are at it, each with one after another; who comes
 * when there are as many leaves his to them.  Where all of these hang, as on a
 * file system that does not answer, the tick sends others, whom the clients'
 * accounts pay for: one user's ends that hang are not in others' way.
 */
#include "server/server.h"

/* srv->lock held: the next one, which the caller is at; NULL: he is not. */
static struct ending *
next(struct rumpserver *srv)
{
	struct ending *e;

	e = STAILQ_FIRST(&srv->endings);
	if (e != NULL)
		STAILQ_REMOVE_HEAD(&srv->endings, link);
	else
		srv->nending--;
	return e;
}

/* srv->lock held: one that has a thread left; those that have none go back. */
static struct ending *
next_paid(struct rumpserver *srv)
{
	struct ending *e;
	unsigned i;

	for (i = 0; i < ENDINGS_LOOK; i++) {
		e = STAILQ_FIRST(&srv->endings);
		if (e == NULL)
			return NULL;
		STAILQ_REMOVE_HEAD(&srv->endings, link);
		if (rumpserver_charge(e->payer, RUMPSERVER_THREADS, 1))
			return e;
		STAILQ_INSERT_TAIL(&srv->endings, e, link);
	}
	return NULL;
}

static void
run_paid(struct ending *e)
{
	struct rumpserver_account *payer = e->payer;

	rumpserver_account_ref(payer);
	e->run(e);
	rumpserver_refund(payer, RUMPSERVER_THREADS, 1);
	rumpserver_account_put(payer);
}

/* One after another. */
static void
run(struct rumpserver *srv, struct ending *e, bool paid)
{

	while (e != NULL) {
		if (paid)
			run_paid(e);
		else
			e->run(e);
		pthread_mutex_lock(&srv->lock);
		srv->nended++;
		e = paid ? next_paid(srv) : next(srv);
		pthread_mutex_unlock(&srv->lock);
	}
}

/* One of those that the tick has sent; it makes way for the next first. */
static void
help_work(struct work *work, struct worker *w)
{
	struct rumpserver *srv;
	struct ending *e;
	bool more;

	(void)w;
	srv = (struct rumpserver *)((char *)work -
	    offsetof(struct rumpserver, help_work));
	pthread_mutex_lock(&srv->lock);
	e = next_paid(srv);
	more = e != NULL && --srv->nhelp > 0;
	srv->helping = more;
	pthread_mutex_unlock(&srv->lock);
	if (more)
		pool_queue(srv, &srv->help_work);
	run(srv, e, true);
}

bool
endings_tick(struct rumpserver *srv)
{
	bool waiting, stuck;

	pthread_mutex_lock(&srv->lock);
	waiting = !STAILQ_EMPTY(&srv->endings) && !srv->ending_soon;
	if (!waiting || srv->nended != srv->nended_seen)
		srv->endless_ticks = 0;
	srv->nended_seen = srv->nended;
	stuck = waiting && ++srv->endless_ticks > ENDINGS_TICKS &&
	    !srv->helping;
	if (stuck) {
		srv->helping = true;
		srv->nhelp = TICK_SPAWN;
	}
	pthread_mutex_unlock(&srv->lock);
	if (stuck)
		pool_queue(srv, &srv->help_work);
	return waiting;
}

/* srv->lock held: whether the caller shall be one more at it. */
static bool
join_in(struct rumpserver *srv)
{
	bool room;

	room = srv->nending < ENDINGS_MAX;
	srv->nending += room;
	return room;
}

static void
ending_work(struct work *work, struct worker *w)
{
	struct rumpserver *srv;
	struct ending *e;

	(void)w;
	srv = (struct rumpserver *)((char *)work -
	    offsetof(struct rumpserver, ending_work));
	pthread_mutex_lock(&srv->lock);
	srv->ending_soon = false;
	e = join_in(srv) ? next(srv) : NULL;
	pthread_mutex_unlock(&srv->lock);
	run(srv, e, false);
}

void
endings_init(struct rumpserver *srv)
{

	STAILQ_INIT(&srv->endings);
	srv->ending_work.run = ending_work;
	srv->help_work.run = help_work;
}

void
ending_now(struct rumpserver *srv, struct ending *e)
{

	pthread_mutex_lock(&srv->lock);
	if (!join_in(srv)) {
		STAILQ_INSERT_TAIL(&srv->endings, e, link);
		e = NULL;
	}
	pthread_mutex_unlock(&srv->lock);
	if (e == NULL)
		ticker_wake(srv);
	run(srv, e, false);
}

void
ending_later(struct rumpserver *srv, struct ending *e)
{
	bool begin;

	pthread_mutex_lock(&srv->lock);
	STAILQ_INSERT_TAIL(&srv->endings, e, link);
	begin = !srv->ending_soon && srv->nending < ENDINGS_MAX;
	srv->ending_soon |= begin;
	pthread_mutex_unlock(&srv->lock);
	if (begin)
		pool_queue(srv, &srv->ending_work);
}
