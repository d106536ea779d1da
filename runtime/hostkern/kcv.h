/*
 * Condition variables for calls, as NetBSD's condvar(9): a call sleeps until
 * another one changes what a mutex guards.  They cost no descriptor, and each
 * wakes only who sleeps on it.
 */
#ifndef RUMPGEN_HOSTKERN_KCV_H
#define RUMPGEN_HOSTKERN_KCV_H

#include <sys/queue.h>

#include "hostkern/kern.h"

struct kcv {
	TAILQ_HEAD(, kcv_sleeper) sleepers;	/* the mutex */
};

void kcv_init(struct kcv *);
/*
 * Sleeps until it is the call's turn to be woken, or until `deadline' on the
 * uptime clock (INT64_MAX: for ever), the mutex dropped meanwhile: 0, EINTR,
 * EWOULDBLOCK.  What was waited for may be gone again.
 */
int kcv_wait(struct kcv *, pthread_mutex_t *, struct lwp *, int64_t deadline);
/* The mutex held: the one that has slept longest, or all of them. */
void kcv_signal(struct kcv *);
void kcv_broadcast(struct kcv *);

#endif
