/*
 * Moving bytes between an open file and memory of ours, just as read(2) and
 * write(2) do: with the same waits, guards, identities and limits.
 */
#ifndef RUMPGEN_HOSTKERN_RW_H
#define RUMPGEN_HOSTKERN_RW_H

#include "hostkern/kern.h"

/* At offset `off' of a file that has offsets.  What was moved is in *done, and
 * counts more than an error that came then. */
int rw_read(struct lwp *, struct file *, int64_t off, void *, size_t,
    size_t *done);
int rw_write(struct lwp *, struct file *, int64_t off, const void *, size_t,
    size_t *done);

#endif
