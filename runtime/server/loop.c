/*
 * The caller's event loop.
 */
#include <sys/epoll.h>

#include "server/server.h"

enum { EVENTS_A_STEP = 64 };

int
rumpserver_pollfd(struct rumpserver *srv)
{

	if (srv->mode == MODE_NONE)
		srv->mode = MODE_LOOP;
	return srv->epfd;
}

static int
run_timers(struct rumpserver *srv)
{
	int ms;

	pthread_mutex_lock(&srv->timer_lock);
	ms = timers_run(srv);
	pthread_mutex_unlock(&srv->timer_lock);
	return ms;
}

/*
 * Everybody has one turn: what these queue again or set off waits for the next
 * step, which the eventfd asks for.
 */
int
rumpserver_step(struct rumpserver *srv)
{
	struct epoll_event ev[EVENTS_A_STEP];
	int i, n;

	if (srv->mode == MODE_NONE)
		srv->mode = MODE_LOOP;
	n = epoll_wait(srv->epfd, ev, EVENTS_A_STEP, 0);
	for (i = 0; i < n; i++)
		worker_event(&srv->loop, ev[i].data.u64, ev[i].events);
	run_timers(srv);
	pool_step(srv);
	while (fibers_run(srv))
		continue;
	if (srv->kernel->step_done != NULL)
		srv->kernel->step_done(srv->kern);
	return n == EVENTS_A_STEP ? 0 : run_timers(srv);
}
