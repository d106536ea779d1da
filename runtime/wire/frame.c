/*
 * Checking frame headers, and the names of the protocol's numbers.
 */
#include <assert.h>

#include "wire/frame.h"

/* The structures are the bytes on the wire. */
static_assert(sizeof(struct frame_hdr) == FRAME_HDRLEN, "header");
static_assert(offsetof(struct frame_hdr, len) == 0, "header len");
static_assert(offsetof(struct frame_hdr, reqno) == 8, "header reqno");
static_assert(offsetof(struct frame_hdr, class) == 16, "header class");
static_assert(offsetof(struct frame_hdr, type) == 18, "header type");
static_assert(offsetof(struct frame_hdr, u) == 20, "header u");
static_assert(sizeof(struct frame_copy) == 16, "copy");
static_assert(sizeof(struct frame_sysresp) == 24, "sysresp");
static_assert(offsetof(struct frame_sysresp, retval) == 8, "sysresp retval");
static_assert(sizeof(struct frame_fork) == 20, "fork");
static_assert(sizeof(struct frame_copy) + FRAME_HDRLEN + FRAME_MAX_MOVE ==
    FRAME_MAX, "longest frame");

/* NetBSD's errno values, which is what a client reports. */
enum {
	NB_EPERM = 1,
	NB_ESRCH = 3,
	NB_EIO = 5,
	NB_ENOMEM = 12,
	NB_EBUSY = 16,
	NB_EINVAL = 22,
	NB_EAGAIN = 35,
};

/* What one kind of frame may be: body length in bytes, both ends included. */
struct bounds {
	bool legal;
	uint64_t min, max;
};

#define EXACTLY(n)	{ true, (n), (n) }
#define BETWEEN(a, b)	{ true, (a), (b) }

static const struct bounds client_req[FRAME_NTYPES] = {
	[FRAME_HANDSHAKE] = BETWEEN(0, FRAME_MAX_COMM),
	[FRAME_SYSCALL] = BETWEEN(0, FRAME_MAX_ARGS * 8),
	[FRAME_PREFORK] = EXACTLY(0),
};

static const struct bounds client_resp[FRAME_NTYPES] = {
	[FRAME_COPYIN] = BETWEEN(0, FRAME_MAX_MOVE),
	[FRAME_COPYINSTR] = BETWEEN(0, FRAME_MAX_COPY),
	[FRAME_ANONMMAP] = EXACTLY(sizeof(uint64_t)),
};

static const struct bounds server_req[FRAME_NTYPES] = {
	[FRAME_COPYIN] = EXACTLY(sizeof(struct frame_copy)),
	[FRAME_COPYINSTR] = EXACTLY(sizeof(struct frame_copy)),
	[FRAME_COPYOUT] = BETWEEN(sizeof(struct frame_copy),
	    sizeof(struct frame_copy) + FRAME_MAX_MOVE),
	[FRAME_COPYOUTSTR] = BETWEEN(sizeof(struct frame_copy),
	    sizeof(struct frame_copy) + FRAME_MAX_MOVE),
	[FRAME_ANONMMAP] = EXACTLY(sizeof(uint64_t)),
	[FRAME_RAISE] = EXACTLY(0),
};

static const struct bounds server_resp[FRAME_NTYPES] = {
	[FRAME_HANDSHAKE] = EXACTLY(sizeof(int32_t)),
	[FRAME_SYSCALL] = EXACTLY(sizeof(struct frame_sysresp)),
	[FRAME_PREFORK] = EXACTLY(FRAME_COOKIE_WORDS * sizeof(uint32_t)),
};

static const char *
check_handshake(const struct frame_hdr *hdr)
{

	switch (hdr->u) {
	case HANDSHAKE_GUEST:
	case HANDSHAKE_AUTH:
	case HANDSHAKE_EXEC:
		return NULL;
	case HANDSHAKE_FORK:
		if (hdr->len != FRAME_HDRLEN + sizeof(struct frame_fork))
			return "fork handshake is not 20 bytes";
		return NULL;
	default:
		return "unknown handshake";
	}
}

const char *
frame_check(const struct frame_hdr *hdr, enum frame_peer from)
{
	const struct bounds *b;
	uint64_t body;

	if (hdr->len < FRAME_HDRLEN)
		return "frame shorter than its header";
	if (hdr->len > FRAME_MAX)
		return "frame too long";
	body = hdr->len - FRAME_HDRLEN;

	switch (hdr->class) {
	case FRAME_REQ:
		b = from == FRAME_FROM_CLIENT ? client_req : server_req;
		break;
	case FRAME_RESP:
		b = from == FRAME_FROM_CLIENT ? client_resp : server_resp;
		break;
	case FRAME_ERROR:
		if (hdr->type != 0)
			return "error frame with a type";
		if (body != 0)
			return "error frame with a body";
		return NULL;
	default:
		return "unknown frame class";
	}

	if (hdr->type >= FRAME_NTYPES)
		return "unknown frame type";
	b += hdr->type;
	if (!b->legal)
		return "frame type not allowed in this direction";
	if (body < b->min)
		return "frame too short for its type";
	if (body > b->max)
		return "frame too long for its type";
	if (hdr->type == FRAME_HANDSHAKE && hdr->class == FRAME_REQ)
		return check_handshake(hdr);
	return NULL;
}

int
frame_error_to_errno(uint32_t code)
{

	switch (code) {
	case FRAME_ERR_TRYAGAIN:
		return NB_EAGAIN;
	case FRAME_ERR_AUTH:
		return NB_EPERM;
	case FRAME_ERR_NO_PREFORK:
		return NB_ESRCH;
	case FRAME_ERR_RFORK:
		return NB_EIO;
	case FRAME_ERR_INEXEC:
		return NB_EBUSY;
	case FRAME_ERR_NOMEM:
		return NB_ENOMEM;
	case FRAME_ERR_MALFORMED:
		return NB_EINVAL;
	default:
		return NB_EIO;
	}
}

const char *
frame_type_name(unsigned type)
{
	static const char *const names[FRAME_NTYPES] = {
		[FRAME_HANDSHAKE] = "handshake",
		[FRAME_SYSCALL] = "syscall",
		[FRAME_COPYIN] = "copyin",
		[FRAME_COPYINSTR] = "copyinstr",
		[FRAME_COPYOUT] = "copyout",
		[FRAME_COPYOUTSTR] = "copyoutstr",
		[FRAME_ANONMMAP] = "anonmmap",
		[FRAME_PREFORK] = "prefork",
		[FRAME_RAISE] = "raise",
	};

	return type < FRAME_NTYPES ? names[type] : "?";
}

const char *
frame_handshake_name(unsigned kind)
{
	static const char *const names[] = {
		[HANDSHAKE_GUEST] = "guest",
		[HANDSHAKE_AUTH] = "auth",
		[HANDSHAKE_FORK] = "fork",
		[HANDSHAKE_EXEC] = "exec",
	};

	return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "?";
}

const char *
frame_error_name(uint32_t code)
{
	static const char *const names[] = {
		[0] = "?",
		[FRAME_ERR_TRYAGAIN] = "try again",
		[FRAME_ERR_AUTH] = "not authorised",
		[FRAME_ERR_NO_PREFORK] = "no such prefork",
		[FRAME_ERR_RFORK] = "fork failed",
		[FRAME_ERR_INEXEC] = "exec in progress",
		[FRAME_ERR_NOMEM] = "no memory",
		[FRAME_ERR_MALFORMED] = "malformed request",
	};

	return code < sizeof(names) / sizeof(names[0]) ? names[code] : "?";
}
