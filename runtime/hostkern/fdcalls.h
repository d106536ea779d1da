/*
 * What fcntl and ioctl share.
 */
#ifndef RUMPGEN_HOSTKERN_FDCALLS_H
#define RUMPGEN_HOSTKERN_FDCALLS_H

#include "hostkern/kern.h"

/* Sets those open flags (RUMP_O_*) that are in mask to what flags says. */
void file_setfl(struct file *, int mask, int flags);

#endif
