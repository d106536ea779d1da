/*
 * Devices that every guest has: the console behind descriptors 0, 1 and 2,
 * and /dev/null, zero, full, random, urandom and tty where the served root
 * has no such files.
 */
#ifndef RUMPGEN_HOSTKERN_DEV_H
#define RUMPGEN_HOSTKERN_DEV_H

#include "hostkern/kern.h"

/*
 * The device that this name means although no file is there; NULL: none.
 * A process that has changed its root has none.
 */
const struct synthdev *dev_find(struct lwp *, int atfd, const char *path);

/* Where the host has it. */
const char *dev_hostname(const struct synthdev *);

void dev_stat(const struct synthdev *, struct rump_stat *);

/* What stands for the host's numbers of its file. */
void dev_numbers(const struct synthdev *, uint64_t *hdev, uint64_t *hino);

/* open(2) of it, for a file that has its flags. */
int dev_open(const struct synthdev *, struct file *);

/* A new open file on the console. */
int dev_console(struct kproc *, struct file **);

/*
 * Device numbers of nodes: those of the devices above are NetBSD's on one
 * side and the host's on the other, any other number is the same on both.
 */
dev_t dev_to_host(uint64_t);
uint64_t dev_from_host(dev_t);

/* May a guest open a host device with this number (a node in the root)? */
bool dev_permitted(dev_t);

#endif
