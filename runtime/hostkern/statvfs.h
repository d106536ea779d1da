/*
 * A file system's numbers, for statvfs and fhstatvfs.
 */
#ifndef RUMPGEN_HOSTKERN_STATVFS_H
#define RUMPGEN_HOSTKERN_STATVFS_H

#include "hostkern/kern.h"

/* Of the file system of a host descriptor. */
int statvfs_hfd(struct hostkern *, int fd, struct rump_statvfs *);

#endif
