/*
 * Making open files of host descriptors: shared by open and fhopen.
 */
#ifndef RUMPGEN_HOSTKERN_OPEN_H
#define RUMPGEN_HOSTKERN_OPEN_H

#include "hostkern/kern.h"

/* An open file for what is opened next; flags are the guest's RUMP_O_*. */
int open_begin(struct kproc *, int flags, struct file **);
/* It gets host descriptor hfd, which is closed on failure.  ENXIO for a device
 * that guests may not have. */
int open_hfd(struct file *, int hfd);

/* The part of open that may wait: a fifo's other side, O_SHLOCK, O_EXLOCK. */
int open_finish(struct lwp *, struct file *, int flags);

/* flock(2); `how` is LOCK_SH, LOCK_EX or LOCK_UN of the host. */
int file_flock(struct lwp *, struct file *, int how, bool nonblock);

#endif
