/*
 * Banner and handshake.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/conn.h"
#include "client/error.h"
#include "client/handshake.h"
#include "client/log.h"
#include "client/upcall.h"
#include "wire/banner.h"

#define FIRST_REQNO	1

const char *
handshake_comm(void)
{

#ifdef __GLIBC__
	if (program_invocation_short_name != NULL &&
	    program_invocation_short_name[0] != '\0')
		return program_invocation_short_name;
#endif
	return "rumpclient";
}

/* Waits for an event on fd until the deadline.  Returns 0 or an errno. */
static int
await(int fd, short events, uint64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = events };
	uint64_t now;
	int n;

	for (;;) {
		now = conn_now();
		if (now >= deadline)
			return ETIMEDOUT;
		n = poll(&pfd, 1, (int)(deadline - now));
		if (n == -1 && errno != EINTR)
			return errno;
		if (n > 0)
			return pfd.revents & POLLNVAL ? EBADF : 0;
	}
}

static int
send_all(int fd, const void *data, size_t len, uint64_t deadline)
{
	const char *p = data;
	ssize_t n;
	int error;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return errno;
		error = await(fd, POLLOUT, deadline);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Receives at least one byte and at most len: the count, 0 at the end of the
 * stream, or -1 with *error set. */
static ssize_t
recv_some(int fd, void *data, size_t len, uint64_t deadline, int *error)
{
	ssize_t n;

	for (;;) {
		n = recv(fd, data, len, 0);	/* for a moment */
		if (n >= 0)
			return n;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN) {
			*error = errno;
			return -1;
		}
		*error = await(fd, POLLIN, deadline);
		if (*error != 0)
			return -1;
	}
}

static int
recv_all(int fd, void *data, size_t len, uint64_t deadline)
{
	char *p = data;
	ssize_t n;
	int error;

	while (len > 0) {
		n = recv_some(fd, p, len, deadline, &error);
		if (n == -1)
			return error;
		if (n == 0)
			return ECONNRESET;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
say(bool quiet, int error, const char *what)
{

	if (!quiet)
		client_log("%s: %s: %s", conn_server.text, what,
		    client_strerror(error));
	return error;
}

static int
read_banner(int fd, uint64_t deadline, bool quiet)
{
	char line[BANNER_MAX];
	struct banner b;
	const char *why, *nl;
	size_t len;
	ssize_t n;
	int error;

	len = 0;
	do {
		if (len == sizeof(line)) {
			if (!quiet)
				client_log("%s: banner longer than %d bytes",
				    conn_server.text, BANNER_MAX);
			return EPROTO;
		}
		n = recv_some(fd, line + len, sizeof(line) - len, deadline,
		    &error);
		if (n == -1)
			return say(quiet, error, "no banner from the server");
		if (n == 0)
			return say(quiet, ECONNRESET, "the server hung up "
			    "before its banner");
		nl = memchr(line + len, '\n', (size_t)n);
		len += (size_t)n;
	} while (nl == NULL);

	why = banner_parse(&b, line, (size_t)(nl - line) + 1);
	if (why == NULL && nl != line + len - 1)
		why = "text behind the banner";
	if (why == NULL && b.major != BANNER_MAJOR)
		why = "the server speaks another version of the protocol";
	if (why != NULL) {
		if (!quiet)
			client_log("%s: %s", conn_server.text, why);
		return EPROTO;
	}
	return 0;
}

static int
throw_away(int fd, uint64_t len, uint64_t deadline)
{
	char buf[4096];
	size_t n;
	int error;

	while (len > 0) {
		n = len < sizeof(buf) ? (size_t)len : sizeof(buf);
		error = recv_all(fd, buf, n, deadline);
		if (error != 0)
			return error;
		len -= n;
	}
	return 0;
}

/* A request of the server's for a call of the image before: copyin and the
 * like get an error, what needs no answer none. */
static int
decline(int fd, const struct frame_hdr *req, struct refusals *declined,
    uint64_t deadline)
{
	struct refusal r = { .reqno = req->reqno,
	    .string = req->type == FRAME_COPYINSTR };
	struct frame_hdr hdr;
	uint64_t nowhere;
	char frame[sizeof(hdr) + sizeof(nowhere)];
	int error;

	switch (req->type) {
	case FRAME_COPYIN:
	case FRAME_COPYINSTR:
		error = recv_all(fd, &r.copy, sizeof(r.copy), deadline);
		if (error != 0)
			return error;
		refusal_note(declined, &r);
		hdr = frame_hdr(FRAME_ERROR, 0, req->reqno,
		    FRAME_ERR_MALFORMED, 0);
		return send_all(fd, &hdr, sizeof(hdr), deadline);
	case FRAME_ANONMMAP:
		hdr = frame_hdr(FRAME_RESP, FRAME_ANONMMAP, req->reqno, 0,
		    sizeof(nowhere));
		nowhere = 0;
		memcpy(frame, &hdr, sizeof(hdr));
		memcpy(frame + sizeof(hdr), &nowhere, sizeof(nowhere));
		error = send_all(fd, frame, sizeof(frame), deadline);
		if (error != 0)
			return error;
		/* FALLTHROUGH */
	default:
		return throw_away(fd, req->len - FRAME_HDRLEN, deadline);
	}
}

/* What such a server gets instead. */
static int
send_zeros(int fd, const struct refusal *r, uint64_t deadline)
{
	static const char zeros[4096];
	struct frame_hdr hdr;
	uint64_t len, n;
	int error;

	len = r->string ? 1 : r->copy.len;
	if (len > FRAME_MAX_MOVE)
		return EPROTO;
	hdr = frame_hdr(FRAME_RESP, FRAME_COPYIN, r->reqno, 0, (size_t)len);
	error = send_all(fd, &hdr, sizeof(hdr), deadline);
	for (; len > 0 && error == 0; len -= n) {
		n = len < sizeof(zeros) ? len : sizeof(zeros);
		error = send_all(fd, zeros, (size_t)n, deadline);
	}
	return error;
}

/* A frame that is about a call of the image before. */
static int
settle_frame(int fd, const struct frame_hdr *hdr,
    struct refusals *declined, uint64_t deadline)
{
	const struct refusal *r;

	r = refusal_find(declined, hdr);
	if (r != NULL)
		return send_zeros(fd, r, deadline);
	if (hdr->class == FRAME_REQ)
		return decline(fd, hdr, declined, deadline);
	return throw_away(fd, hdr->len - FRAME_HDRLEN, deadline);
}

/* Reads frames until the answer to the handshake has come. */
static int
read_answer(int fd, uint64_t reqno, bool inherited, uint64_t deadline,
    bool quiet)
{
	struct refusals declined = { .n = 0 };
	struct frame_hdr hdr;
	const char *why;
	int32_t nberror;
	int error;

	for (;;) {
		error = recv_all(fd, &hdr, sizeof(hdr), deadline);
		if (error != 0)
			return say(quiet, error, "no answer to the handshake");
		why = frame_check(&hdr, FRAME_FROM_SERVER);
		if (why != NULL)
			break;
		if (hdr.class == FRAME_ERROR && hdr.reqno == reqno &&
		    refusal_find(&declined, &hdr) == NULL) {
			if (!quiet)
				client_log("%s: handshake refused: %s",
				    conn_server.text, frame_error_name(hdr.u));
			return rumpclient__host_errno(
			    frame_error_to_errno(hdr.u));
		}
		if (hdr.class == FRAME_RESP && hdr.type == FRAME_HANDSHAKE &&
		    hdr.reqno == reqno) {
			error = recv_all(fd, &nberror, sizeof(nberror),
			    deadline);
			if (error == 0)
				error = rumpclient__host_errno(nberror);
			if (error != 0)
				say(quiet, error, "handshake failed");
			return error;
		}
		why = "something other than the handshake's answer";
		if (!inherited)
			break;
		error = settle_frame(fd, &hdr, &declined, deadline);
		if (error != 0)
			return say(quiet, error, "no answer to the handshake");
	}
	if (!quiet)
		client_log("%s: the server broke the protocol: %s",
		    conn_server.text, why);
	return EPROTO;
}

static int
send_request(int fd, enum frame_handshake kind, uint64_t reqno,
    const void *body, size_t len, uint64_t deadline)
{
	char frame[sizeof(struct frame_hdr) + 256];
	struct frame_hdr hdr;

	if (len > sizeof(frame) - sizeof(hdr))
		return EMSGSIZE;
	hdr = frame_hdr(FRAME_REQ, FRAME_HANDSHAKE, reqno, kind, len);
	memcpy(frame, &hdr, sizeof(hdr));
	memcpy(frame + sizeof(hdr), body, len);
	return send_all(fd, frame, sizeof(hdr) + len, deadline);
}

static int
send_comm(int fd, enum frame_handshake kind, uint64_t reqno,
    uint64_t deadline)
{
	char comm[128] = { 0 };
	size_t len;

	/* A longer name is cut; the kernel cuts it anyway. */
	strncpy(comm, handshake_comm(), sizeof(comm) - 2);
	len = strlen(comm) + 1;
	/* NetBSD's server writes another NUL behind the body, and that is
	 * behind its allocation when a multiple of 8 was asked for. */
	if (len % 8 == 0)
		len++;
	return send_request(fd, kind, reqno, comm, len, deadline);
}

static int
send_cookie(int fd, const uint32_t *cookie, bool cancel, uint64_t deadline)
{
	struct frame_fork body;

	memcpy(body.cookie, cookie, sizeof(body.cookie));
	body.cancel = cancel;
	return send_request(fd, HANDSHAKE_FORK, FIRST_REQNO, &body,
	    sizeof(body), deadline);
}

int
handshake_first(int fd, enum frame_handshake kind, const uint32_t *cookie,
    uint64_t deadline, bool quiet)
{
	int error;

	error = read_banner(fd, deadline, quiet);
	if (error != 0)
		return error;
	if (kind == HANDSHAKE_FORK)
		error = send_cookie(fd, cookie, false, deadline);
	else
		error = send_comm(fd, kind, FIRST_REQNO, deadline);
	if (error != 0)
		return say(quiet, error, "handshake not sent");
	return read_answer(fd, FIRST_REQNO, false, deadline, quiet);
}

int
handshake_exec(int fd, uint64_t reqno, bool quiet)
{
	uint64_t deadline;
	int error;

	deadline = conn_now() + HANDSHAKE_TIMEOUT;
	error = send_comm(fd, HANDSHAKE_EXEC, reqno, deadline);
	if (error != 0)
		return say(quiet, error, "exec handshake not sent");
	return read_answer(fd, reqno, true, deadline, quiet);
}

int
handshake_cancel(int fd, const uint32_t *cookie)
{
	uint64_t deadline;
	ssize_t n;
	char byte;
	int error;

	deadline = conn_now() + HANDSHAKE_TIMEOUT;
	error = read_banner(fd, deadline, true);
	if (error == 0)
		error = send_cookie(fd, cookie, true, deadline);
	if (error != 0)
		return error;
	do {
		n = recv_some(fd, &byte, 1, deadline, &error);
	} while (n > 0);
	return n == 0 || error == ECONNRESET ? 0 : error;
}
