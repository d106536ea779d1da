/*
 * A file's status, for stat, fstat and fhstat.
 */
#ifndef RUMPGEN_HOSTKERN_STAT_H
#define RUMPGEN_HOSTKERN_STAT_H

#include "hostkern/kern.h"

/* Of a host descriptor, O_PATH or not. */
int stat_hfd(int hfd, struct rump_stat *);
int stat_file(struct file *, struct rump_stat *);
int stat_path(struct lwp *, int atfd, rump_uaddr_t upath, bool follow,
    struct rump_stat *);

/* Hands it to the client, unless error says that there is none: returns
 * that then. */
int stat_copyout(struct lwp *, int error, const struct rump_stat *,
    rump_uaddr_t);
int stat_copyout30(struct lwp *, int error, const struct rump_stat *,
    rump_uaddr_t);

#endif
