/*
 * The host's mount table, as seen from a guest's root: only what is mounted
 * below it, by the names that the guest has for that.
 */
#ifndef RUMPGEN_HOSTKERN_MOUNTS_H
#define RUMPGEN_HOSTKERN_MOUNTS_H

#include <limits.h>
#include <stdio.h>

#include "hostkern/kern.h"

/* A walk through the table. */
struct mounts {
	struct lwp *l;
	const struct kdir *root;
	char rootname[PATH_MAX];	/* as the host has it */
	FILE *fp;
	char *line;
	size_t cap;
	char name[PATH_MAX];
};

/* Also after a failure mounts_close() is due. */
int mounts_open(struct lwp *, struct mounts *, const struct kdir *root);
/* The next that may be below the root, which mounts_enter() finds out; the
 * name is good until the one after. */
bool mounts_next(struct mounts *, uint64_t *id, const char **name);
/* A descriptor (O_PATH) of its root; -1 when that name leads to another, or
 * nowhere where the thread may go. */
int mounts_enter(const struct mounts *, uint64_t id, const char *name);
void mounts_close(struct mounts *);

/* The name of the mount of a descriptor's file, "/" for that of the root. */
void mount_name(struct lwp *, const struct kdir *root, int fd, char *buf,
    size_t len);

#endif
