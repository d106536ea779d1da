/*
 * Signals towards a guest from outside its calls: timers, asynchronous I/O,
 * files with O_ASYNC.
 *
 * A client takes what the server raises while it reads, and it reads while a
 * call of it is in progress.  Raised in between, a signal waits for the next
 * call; so that a timer cannot fill the connection of a client that computes,
 * one of each number waits and no more, as one of each is pending in a
 * process.
 */
#ifndef RUMPGEN_HOSTKERN_RAISE_H
#define RUMPGEN_HOSTKERN_RAISE_H

#include <stdbool.h>

#include "hostkern/kern.h"

/* Around every call of p.  Also at its end, for a signal whose sender saw no
 * call and sent it into this one. */
static inline void
raise_read(struct kproc *p)
{

	if (atomic_load_explicit(&p->raised, memory_order_relaxed) != 0)
		atomic_store(&p->raised, 0);
}

static inline void
raise_enter(struct kproc *p)
{

	atomic_fetch_add(&p->calls, 1);
	raise_read(p);
}

static inline void
raise_leave(struct kproc *p)
{

	raise_read(p);
	atomic_fetch_sub(&p->calls, 1);
}

/*
 * Raises signo (1 to 63) in p's client; false when that signal waits already.
 * Any thread, while p is there; never blocks.
 */
bool raise_signal(struct kproc *p, int signo);

#endif
