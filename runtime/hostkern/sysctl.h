/*
 * The tree of __sysctl: its shape (sysctl_tree.c) and how it is asked
 * (sysctl.c).
 */
#ifndef RUMPGEN_HOSTKERN_SYSCTL_H
#define RUMPGEN_HOSTKERN_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

#include "hostkern/kern.h"

enum { SYSCTL_VALUE_MAX = 256 };	/* no value is longer */

/* A value, as the client gets it or gives it. */
struct sysctl_value {
	size_t len;
	size_t room;	/* bytes that the client asks for (a reader's hint) */
	_Alignas(8) unsigned char data[SYSCTL_VALUE_MAX];
};

/*
 * A node or a leaf.  A leaf's value comes from the first of these that is
 * set: read, number, text; else it is `imm`.
 */
struct sysctl_node {
	int num;
	const char *name;
	uint32_t flags;			/* RUMP_CTLTYPE_*, RUMP_CTLFLAG_* */
	const char *desc;

	const struct sysctl_node *child;	/* of a node */
	unsigned nchild;

	int64_t imm;
	const char *text;
	int64_t (*number)(struct hostkern *);
	void (*read)(struct hostkern *, struct sysctl_value *);
	/* Takes a new value, already checked for its length; a string has its
	 * NUL.  NULL: read-only. */
	int (*write)(struct hostkern *, const struct sysctl_value *);
	size_t size;			/* of the value; of a string, the
					 * longest with NUL that is taken */
};

extern const struct sysctl_node sysctl_root;

extern const struct kern_module sysctl_module;

/* What a superuser may set and no other part keeps, per server. */
struct sysctl_vars {
	atomic_int hostid;
};

#endif
