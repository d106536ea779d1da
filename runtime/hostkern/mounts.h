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
	const struct kdir *root;
	char rootname[PATH_MAX];	/* as the host has it */
	FILE *fp;
	char *line;
	size_t cap;
	char name[PATH_MAX];
};

/* Also after a failure mounts_close() is due. */
int mounts_open(struct mounts *, const struct kdir *root);
/* The next one below the root; the name is good until the one after. */
bool mounts_next(struct mounts *, uint64_t *id, const char **name);
/* A descriptor (O_PATH) of its root; -1 when another is mounted over it. */
int mounts_enter(const struct mounts *, uint64_t id, const char *name);
void mounts_close(struct mounts *);

/* The mount of a descriptor's file; false: the host does not say. */
bool mount_id(int fd, uint64_t *id);
/* Its name, "/" for that of the root. */
void mount_name(const struct kdir *root, int fd, char *buf, size_t len);

#endif
