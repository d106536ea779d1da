/*
 * Numbers, process groups, sessions.
 *
 * A process, a group and a session may be named by the same number, which is
 * free when none of them is.  Each is found by its number in one step.
 *
 * A process of a connection that was not forked begins in a group and a
 * session of its own.  Both show the number 1, for init's, as of a process
 * that NetBSD's rump kernel has made: nothing is named by 1 in the table, and
 * within a session it means that session's.
 */
#ifndef RUMPGEN_HOSTKERN_PGRP_H
#define RUMPGEN_HOSTKERN_PGRP_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "hostkern/kern.h"

enum { INIT_PID = 1 };

struct ksession {
	unsigned refs;		/* groups with members; proc_lock */
	pid_t sid;
	struct kpgrp *first;	/* its group 1, if any; proc_lock */
	char login[KERN_LOGNAME + 1];	/* proc_lock */
};

/* Without members it has neither number nor session any more. */
struct kpgrp {
	unsigned refs;		/* members, owners of files; proc_lock */
	pid_t pgid;
	struct ksession *session;	/* proc_lock */
	TAILQ_HEAD(, kproc) members;	/* proc_lock */
};

int pids_create(struct hostkern *);
void pids_destroy(struct hostkern *);

/* --- proc_lock held --- */

/* Gives p a number; EAGAIN at once when there is none. */
int pid_take(struct kproc *);
void pid_free(struct kproc *);

/* Group 1 of a new session 1, for who joins it; NULL: no memory. */
struct kpgrp *pgrp_first(struct hostkern *);
void pgrp_join(struct kproc *, struct kpgrp *);
void pgrp_leave(struct kproc *);
/* The group that p knows by this number, NULL: there is none. */
struct kpgrp *pgrp_find(struct kproc *p, pid_t pgid);
void pgrp_put(struct kpgrp *);

/* --- proc_lock not held --- */

/*
 * The next member for a walk over a group, kept from going as by proc_hold(),
 * NULL at the end.  Each walk has a number of its own, and there is but one at
 * a time.  The lock is taken for one member alone: who joins meanwhile may be
 * left out.
 */
struct kproc *pgrp_walk(struct hostkern *, struct kpgrp *, uint64_t walk);

#endif
