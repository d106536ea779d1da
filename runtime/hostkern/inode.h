/*
 * Which open files are of the same file: found by the host's numbers of it.
 */
#ifndef RUMPGEN_HOSTKERN_INODE_H
#define RUMPGEN_HOSTKERN_INODE_H

#include "hostkern/kern.h"

/* Makes f, its hdev and hino set, one of those that are found; until it ends.
 * ENOMEM. */
int inode_enter(struct file *f);
void inode_leave(struct file *f);

/* Has somebody the file of f open for writing? */
bool inode_has_writer(struct file *f);

/* Whoever has that file open: it is revoked. */
void inode_revoke(struct hostkern *, uint64_t hdev, uint64_t hino);

struct inodes *inodes_make(void);		/* NULL: no memory */
void inodes_free(struct inodes *);

#endif
