/*
 * Making open files of host descriptors: shared by open and fhopen.
 */
#ifndef RUMPGEN_HOSTKERN_OPEN_H
#define RUMPGEN_HOSTKERN_OPEN_H

#include "hostkern/kern.h"

/* An open file for what is opened next; flags are the guest's RUMP_O_*. */
int open_begin(struct kproc *, int flags, struct file **);
/*
 * The file of O_PATH descriptor fd, which is closed, is opened for it: flags
 * are the guest's, host the host's.  ENXIO for a device that guests may not
 * have, EFTYPE for a symbolic link, EOPNOTSUPP for a socket, EROFS.
 */
int open_found(struct lwp *, struct file *, int fd, int flags, int host);

/* The part of open that may wait: a fifo's other side, O_SHLOCK, O_EXLOCK. */
int open_finish(struct lwp *, struct file *, int flags);

#endif
