/*
 * What a call's arguments are: the generated decode table
 * (out/trace/rump_sysdesc.c).  The tracer prints with it, the client's guard
 * derives from it which memory a call names.
 */
#ifndef RUMPGEN_TRACE_SYSDESC_H
#define RUMPGEN_TRACE_SYSDESC_H

#include <stddef.h>
#include <stdint.h>

/* How a value prints. */
enum sysdesc_kind {
	SYSDESC_INT,		/* signed, `size` bytes */
	SYSDESC_UINT,
	SYSDESC_HEX,		/* unsigned long flags and the like */
	SYSDESC_OCTAL,		/* mode_t */
	SYSDESC_FD,		/* int that is a descriptor */
	SYSDESC_PTR,
	SYSDESC_PAD,		/* not part of the C interface */
	SYSDESC_VOID,		/* a return type only */
};

/* Which way the bytes behind a pointer go. */
enum { SYSDESC_IN = 1, SYSDESC_OUT = 2, SYSDESC_OPT = 4 };

/* How many bytes are behind a pointer. */
enum sysdesc_extent {
	SYSDESC_X_NONE,		/* not a pointer */
	SYSDESC_X_UNKNOWN,	/* the list does not say: anything */
	SYSDESC_X_CONST,	/* `bytes` bytes */
	SYSDESC_X_ARG,		/* value of argument `arg` times `bytes` */
	SYSDESC_X_ARGPTR,	/* socklen_t or size_t behind argument `arg`,
				 * times `bytes` */
	SYSDESC_X_STRING,	/* to the NUL, at most `bytes` */
	SYSDESC_X_IOVEC,	/* `arg`-th argument counts struct iovec, each
				 * naming memory in direction `dir` */
	SYSDESC_X_MSGHDR,	/* struct msghdr and what it names */
	SYSDESC_X_MMSGHDR,	/* array of struct mmsghdr, argument `arg` */
	SYSDESC_X_IOCTL,	/* size and direction in the command, `arg` */
	SYSDESC_X_FCNTL,	/* by the command in argument `arg` */
	SYSDESC_X_SYSCTL,	/* a new value of `arg` bytes, perhaps a
				 * struct sysctlnode and what it names */
	SYSDESC_X_FDSET,	/* as many bits as argument `arg` says */
	SYSDESC_X_AIOCB,	/* struct aiocb and the buffer it names */
	SYSDESC_X_AIOCBLIST,	/* array of pointers to struct aiocb, `arg` */
};

struct sysdesc_arg {
	const char *name;
	const char *type;	/* as in the list: "const char *" */
	uint8_t kind;		/* enum sysdesc_kind */
	uint8_t size;		/* bytes of the value in its slot */
	uint8_t dir;
	uint8_t extent;		/* enum sysdesc_extent */
	uint8_t arg;		/* argument index the extent refers to */
	uint32_t bytes;
	const char *set;	/* names of its values (names.h), or NULL */
	uint8_t set_isflags;	/* the set's members are or-ed together */
};

struct sysdesc {
	const char *name;	/* "read", "__stat50" */
	const char *handler;	/* "sys_read" */
	const char *rettype;
	uint8_t retkind;	/* enum sysdesc_kind */
	uint8_t returns_errno;	/* the result is a NetBSD errno, or 0 */
	uint8_t flags;		/* RUMP_SYF_* of <rump/rumpserver.h> */
	uint8_t narg;
	const struct sysdesc_arg *args;
};

/* Index is the syscall number; name is NULL where there is no call. */
extern const struct sysdesc rump_sysdesc[];
extern const unsigned rump_nsysdesc;

#endif
