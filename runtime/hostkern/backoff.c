/*
 * Waiting for what no descriptor announces and another process of the host
 * may do: asking again, at growing intervals.  A guest that does it says so,
 * and wakes those that wait for the same.
 */
#include <stdlib.h>

#include "hostkern/kcv.h"
#include "hostkern/ktime.h"

enum {
	BUCKETS = 256,
	/* From, and in the end: longer where guests say what they do. */
	FIRST_MS = 1, LAST_MS = 64, LAST_NUDGED_MS = 512,
};

struct backoff {
	pthread_mutex_t lock;
	struct kcv waiters[BUCKETS];	/* lock */
};

static struct backoff *
backoff_of(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_BACKOFF];
}

static int
backoff_create(struct hostkern *hk)
{
	struct backoff *b;
	size_t i;

	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return RUMP_ENOMEM;
	pthread_mutex_init(&b->lock, NULL);
	for (i = 0; i < BUCKETS; i++)
		kcv_init(&b->waiters[i]);
	hk->ext[KERN_SLOT_BACKOFF] = b;
	return 0;
}

static void
backoff_destroy(struct hostkern *hk)
{
	struct backoff *b = backoff_of(hk);

	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
	hk->ext[KERN_SLOT_BACKOFF] = NULL;
}

const struct kern_module backoff_module = {
	.create = backoff_create,
	.destroy = backoff_destroy,
};

int
kern_backoff(struct lwp *l, uint64_t what, unsigned *round)
{
	struct backoff *b = backoff_of(kern_proc(l)->hk);
	const int64_t last = what != 0 ? LAST_NUDGED_MS : LAST_MS;
	int64_t ms = last;
	int error;

	if (*round < 16 && (FIRST_MS << *round) < last)
		ms = FIRST_MS << *round;
	++*round;
	pthread_mutex_lock(&b->lock);
	error = kcv_wait(&b->waiters[what % BUCKETS], &b->lock, l,
	    ktime_add(ktime_uptime(), ms * 1000000));
	pthread_mutex_unlock(&b->lock);
	return error == RUMP_EWOULDBLOCK ? 0 : error;
}

void
kern_nudge(struct hostkern *hk, uint64_t what)
{
	struct backoff *b = backoff_of(hk);

	pthread_mutex_lock(&b->lock);
	kcv_broadcast(&b->waiters[what % BUCKETS]);
	pthread_mutex_unlock(&b->lock);
}
