/*
 * Signals of files: SIGIO to the owner of a file with O_ASYNC when something
 * can be read from it or written to it again.
 */
#ifndef RUMPGEN_HOSTKERN_ASYNC_H
#define RUMPGEN_HOSTKERN_ASYNC_H

#include "hostkern/kern.h"

/* O_ASYNC of a file with FILE_SLOW is set or cleared. */
void async_changed(struct file *);
/* The file is about to go. */
void async_forget(struct file *);

/*
 * Who gets the signal: a process, or the group -owner; 0: nobody.  ESRCH,
 * EINVAL (there is no such group), EPERM (a process that the caller could not
 * kill, a group of another session).  Whether it could kill it is asked again,
 * of each member, when the signal comes.
 */
int async_setowner(struct kproc *, struct file *, int owner);
int async_getowner(struct file *);

extern const struct kern_module async_module;

#endif
