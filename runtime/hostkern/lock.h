/*
 * Byte-range locks: fcntl's F_GETLK, F_SETLK and F_SETLKW.
 */
#ifndef RUMPGEN_HOSTKERN_LOCK_H
#define RUMPGEN_HOSTKERN_LOCK_H

#include "hostkern/kern.h"

/* One of the three commands; arg is the client's struct flock. */
int plock_fcntl(struct lwp *, struct file *, int cmd, rump_uaddr_t arg);

#endif
