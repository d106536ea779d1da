/*
 * Timers: a binary heap, the soonest at heap[1].
 */
#include <stdlib.h>

#include "server/server.h"

uint64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
now_ms(void)
{

	return now_us() / 1000;
}

static void
place(struct rumpserver *srv, size_t i, struct timer *t)
{

	srv->heap[i] = t;
	t->index = i;
}

static void
sift_up(struct rumpserver *srv, size_t i, struct timer *t)
{

	for (; i > 1 && srv->heap[i / 2]->when > t->when; i /= 2)
		place(srv, i, srv->heap[i / 2]);
	place(srv, i, t);
}

static void
sift_down(struct rumpserver *srv, size_t i, struct timer *t)
{
	size_t child;

	for (; (child = 2 * i) <= srv->nheap; i = child) {
		if (child < srv->nheap &&
		    srv->heap[child + 1]->when < srv->heap[child]->when)
			child++;
		if (srv->heap[child]->when >= t->when)
			break;
		place(srv, i, srv->heap[child]);
	}
	place(srv, i, t);
}

static void
take_out(struct rumpserver *srv, struct timer *t)
{
	struct timer *last;
	size_t i;

	i = t->index;
	t->index = 0;
	last = srv->heap[srv->nheap--];
	if (last == t)
		return;
	if (i > 1 && srv->heap[i / 2]->when > last->when)
		sift_up(srv, i, last);
	else
		sift_down(srv, i, last);
}

static bool
heap_room(struct rumpserver *srv)
{
	struct timer **p;
	size_t cap;

	if (srv->nheap + 1 < srv->heapcap)
		return true;
	cap = srv->heapcap != 0 ? srv->heapcap * 2 : 64;
	p = realloc(srv->heap, cap * sizeof(*p));
	if (p == NULL)
		return false;
	srv->heap = p;
	srv->heapcap = cap;
	return true;
}

void
timer_set(struct rumpserver *srv, struct timer *t, uint64_t ms)
{

	pthread_mutex_lock(&srv->timer_lock);
	if (t->index != 0)
		take_out(srv, t);
	t->when = now_ms() + ms;
	/* Without memory a limit is not enforced; nothing else depends. */
	if (heap_room(srv)) {
		sift_up(srv, ++srv->nheap, t);
		if (t->index == 1)
			pthread_cond_signal(&srv->timer_cond);
	}
	pthread_mutex_unlock(&srv->timer_lock);
}

void
timer_cancel(struct rumpserver *srv, struct timer *t)
{

	pthread_mutex_lock(&srv->timer_lock);
	if (t->index != 0)
		take_out(srv, t);
	pthread_mutex_unlock(&srv->timer_lock);
}

int
timers_run(struct rumpserver *srv)
{
	struct timer *t;
	uint64_t now, left;

	now = now_ms();
	while (srv->nheap > 0) {
		t = srv->heap[1];
		if (t->when > now) {
			left = t->when - now;
			return left < 86400000 ? (int)left : 86400000;
		}
		take_out(srv, t);
		t->fire(t);
	}
	return -1;
}
