/*
 * rump_sp frames: the 24-byte header, its numbers and the limits.
 *
 * The layout is that of rump_sp protocol 0.4 as NetBSD's librumpuser and
 * librumpclient speak it (rump_sp(7), docs/man).  Everything is LP64 little-endian;
 * the structures below are the bytes on the wire, asserted in frame.c.
 *
 * This is the only place that looks at raw peer bytes: frame_check() turns a
 * header into a value the rest of the code may rely on.
 */
#ifndef RUMPGEN_WIRE_FRAME_H
#define RUMPGEN_WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header field `class`. */
enum frame_class {
	FRAME_REQ = 0,
	FRAME_RESP = 1,
	FRAME_ERROR = 2,
};

/* Header field `type`; 0 in an error frame. */
enum frame_type {
	FRAME_HANDSHAKE = 0,
	FRAME_SYSCALL = 1,
	FRAME_COPYIN = 2,
	FRAME_COPYINSTR = 3,
	FRAME_COPYOUT = 4,
	FRAME_COPYOUTSTR = 5,
	FRAME_ANONMMAP = 6,
	FRAME_PREFORK = 7,
	FRAME_RAISE = 8,
	FRAME_NTYPES
};

/* Header field `u` of a handshake request. */
enum frame_handshake {
	HANDSHAKE_GUEST = 0,
	HANDSHAKE_AUTH = 1,	/* reserved upstream */
	HANDSHAKE_FORK = 2,
	HANDSHAKE_EXEC = 3,
};

/* Header field `u` of an error frame; frame_error_to_errno() maps it. */
enum frame_error {
	FRAME_ERR_TRYAGAIN = 1,
	FRAME_ERR_AUTH = 2,
	FRAME_ERR_NO_PREFORK = 3,
	FRAME_ERR_RFORK = 4,
	FRAME_ERR_INEXEC = 5,
	FRAME_ERR_NOMEM = 6,
	FRAME_ERR_MALFORMED = 7,
};

struct frame_hdr {
	uint64_t len;		/* whole frame in bytes, header included */
	uint64_t reqno;		/* a response carries that of its request */
	uint16_t class;		/* enum frame_class */
	uint16_t type;		/* enum frame_type */
	uint32_t u;		/* syscall, handshake, signal or error number */
};

#define FRAME_HDRLEN	24u

/* Body of COPYIN, COPYINSTR; head of the body of COPYOUT, COPYOUTSTR. */
struct frame_copy {
	uint64_t len;
	uint64_t addr;		/* in the client */
};

/* Response to SYSCALL. */
struct frame_sysresp {
	int32_t error;		/* NetBSD errno, 0 for success */
	uint32_t pad;		/* sent as 0, ignored when it comes */
	int64_t retval[2];
};

#define FRAME_COOKIE_WORDS	4

/* Body of a fork handshake, 20 bytes. */
struct frame_fork {
	uint32_t cookie[FRAME_COOKIE_WORDS];
	int32_t cancel;		/* non-zero: discard the prefork */
};

/* Limits.  A peer that goes past one has broken the protocol. */
enum {
	/* Arguments of one syscall: NetBSD's SYS_MAXSYSARGS (8) and room. */
	FRAME_MAX_ARGS = 16,
	/* Command name in a guest or exec handshake, NUL included. */
	FRAME_MAX_COMM = 4096,
	/* Data in one copyin, copyinstr, copyout or copyoutstr of this
	 * project's server. */
	FRAME_MAX_COPY = 16 * 1024 * 1024,
	/* The same as the client has it: NetBSD's rump kernel moves what is
	 * read from or written to a file of its host in one piece. */
	FRAME_MAX_MOVE = 1024 * 1024 * 1024,
	/* The longest frame of all: a copyout of FRAME_MAX_MOVE bytes. */
	FRAME_MAX = FRAME_MAX_MOVE + 40,
};

/* Who sent a frame: decides which requests are legal. */
enum frame_peer { FRAME_FROM_CLIENT, FRAME_FROM_SERVER };

/*
 * Checks a header just received from `from`: class and type known and legal
 * in that direction, length within the bounds of that class and type (exact
 * where the protocol fixes it).  Returns NULL when it is fine, otherwise a
 * constant string that says what is wrong, fit for a log line.
 * Async-signal-safe and thread-safe.
 */
const char *frame_check(const struct frame_hdr *hdr, enum frame_peer from);

/* Fills a header.  `bodylen` is without the header. */
static inline struct frame_hdr
frame_hdr(enum frame_class class, enum frame_type type, uint64_t reqno,
    uint32_t u, size_t bodylen)
{

	return (struct frame_hdr){ .len = FRAME_HDRLEN + bodylen,
	    .reqno = reqno, .class = (uint16_t)class, .type = (uint16_t)type,
	    .u = u };
}

/* The NetBSD errno a client reports for an error frame's code; EIO (5) for
 * a code the protocol does not know. */
int frame_error_to_errno(uint32_t code);

/* Names for logs and traces: "copyin", "guest", …; "?" when unknown. */
const char *frame_type_name(unsigned type);
const char *frame_handshake_name(unsigned kind);
const char *frame_error_name(uint32_t code);

#endif
