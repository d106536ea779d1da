/*
 * Ends: of sessions and of copies that nobody asked for.
 *
 * The kernel's part of it may take a while, and thousands may end at once.
 * So ENDINGS_MAX threads are at it at most, each with one after another; who
 * comes when there are as many leaves his to them.
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

static void
run(struct rumpserver *srv, struct ending *e)
{

	while (e != NULL) {
		e->run(e);
		pthread_mutex_lock(&srv->lock);
		e = next(srv);
		pthread_mutex_unlock(&srv->lock);
	}
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
	run(srv, e);
}

void
endings_init(struct rumpserver *srv)
{

	STAILQ_INIT(&srv->endings);
	srv->ending_work.run = ending_work;
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
	run(srv, e);
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
