/*
 * Advisory locks: flock(2), and the byte ranges of fcntl(2).
 */
#ifndef RUMPGEN_HOSTKERN_LOCK_H
#define RUMPGEN_HOSTKERN_LOCK_H

#include "hostkern/kern.h"

/* F_GETLK, F_SETLK or F_SETLKW by descriptor fd of file f; arg is the
 * client's struct flock. */
int plock_fcntl(struct lwp *, int fd, struct file *f, int cmd,
    rump_uaddr_t arg);
/* flock(2); `how` is LOCK_SH, LOCK_EX or LOCK_UN of the host. */
int file_flock(struct lwp *, struct file *, int how, bool nonblock);

/* p closed a descriptor of this file: its byte ranges there are free. */
void plock_closed(struct kproc *, struct file *);
/* The last reference to the file is gone: so is what flock locked. */
void flock_closed(struct file *);

extern const struct kern_module lock_module;

#endif
