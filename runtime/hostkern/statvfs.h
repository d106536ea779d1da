/*
 * A file system's numbers, for statvfs and fhstatvfs.
 */
#ifndef RUMPGEN_HOSTKERN_STATVFS_H
#define RUMPGEN_HOSTKERN_STATVFS_H

#include "hostkern/kern.h"

/* Of the file system of a host descriptor, as the caller sees it. */
int statvfs_hfd(struct lwp *, int fd, struct rump_statvfs *);

#endif
