/*
 * What processes, their descriptors and their files must be: a kernel so small
 * that it is right, for check_fuzz_model.c to compare the real one with.
 *
 * Calls return a NetBSD errno and leave their results in ret[].  MODEL_BLOCKS:
 * the call does not come back yet.  MODEL_SKIP: the model does not say.
 */
#ifndef TESTS_FUZZ_MODEL_H
#define TESTS_FUZZ_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_BLOCKS = -1, MODEL_SKIP = -2 };
enum {
	M_PROCS = 12, M_FDS = 40, M_NAMES = 4, M_DIRS = 2, M_NODES = 320,
	M_OPENS = 320, M_DATA = 16384, M_PIPE = 4096
};

enum m_type { M_FILE, M_DIR, M_PIPE_NODE, M_CONSOLE };

struct m_node {
	enum m_type type;
	unsigned nlink, mode;
	size_t len;		/* a pipe's: bytes in it */
	uint8_t data[M_DATA];
};

struct m_open {
	struct m_node *node;
	unsigned refs;
	bool reads, writes, append, nonblock;
	int64_t offset;
};

struct m_desc {
	struct m_open *open;	/* NULL: closed */
	bool cloexec;
};

enum m_state { M_FREE, M_PREFORKED, M_ALIVE };

struct m_proc {
	enum m_state state;
	struct m_proc *parent;	/* NULL: init */
	int64_t pid, pgrp, sid;	/* 0: not known yet */
	unsigned umask, cwd;
	struct m_desc fds[M_FDS];
	struct m_open *reading;	/* a call blocked on a pipe */
	size_t want;
};

struct model {
	struct m_proc procs[M_PROCS];
	struct m_node *names[M_DIRS][M_NAMES];
	struct m_node dir, console, nodes[M_NODES];
	struct m_open opens[M_OPENS];
	unsigned nnodes, nopens;
	int64_t ret[2];
	uint8_t data[M_DATA];	/* what a read gives */
	bool sigpipe;		/* the last call raised it */
};

void model_init(struct model *);

/* Processes.  NULL: there is no more room. */
struct m_proc *model_guest(struct model *);
struct m_proc *model_prefork(struct model *, struct m_proc *);
void model_exec(struct model *, struct m_proc *);
void model_exit(struct model *, struct m_proc *);
int model_setsid(struct model *, struct m_proc *);
int model_setpgid(struct model *, struct m_proc *);

/* A file is one of M_NAMES in one of M_DIRS; flags are NetBSD's. */
int model_open(struct model *, struct m_proc *, unsigned dir, unsigned name,
    int flags);
int model_unlink(struct model *, unsigned dir, unsigned name);
int model_rename(struct model *, unsigned dir, unsigned name, unsigned to_dir,
    unsigned to);

int model_pipe(struct model *, struct m_proc *, int flags);
int model_close(struct model *, struct m_proc *, int fd);
int model_closem(struct model *, struct m_proc *, int fd);
int model_dup(struct model *, struct m_proc *, int fd, int min, bool cloexec);
int model_dup2(struct model *, struct m_proc *, int fd, int to, bool cloexec);
int model_getfd(struct model *, struct m_proc *, int fd);
int model_setfd(struct model *, struct m_proc *, int fd, bool cloexec);

int model_read(struct model *, struct m_proc *, int fd, size_t n);
int model_write(struct model *, struct m_proc *, int fd, const uint8_t *,
    size_t n);
int model_lseek(struct model *, struct m_proc *, int fd, int64_t off,
    int whence);
int model_truncate(struct model *, struct m_proc *, int fd, int64_t len);
/* A regular file's size, mode and links are ret[0], ret[1], data[0]. */
int model_stat(struct model *, struct m_proc *, int fd);

/* The result of p's blocked read, when there is one by now. */
int model_wake(struct model *, struct m_proc *p);

#endif
