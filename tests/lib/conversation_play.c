/*
 * Playing one side of a recorded conversation over real sockets.
 */
#include <sys/socket.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conversation.h"

/* A recorded value and the one that stands for it in this playing. */
struct binding {
	uint64_t recorded;
	uint64_t actual;
};

struct bindings {
	struct binding *b;
	size_t n;
};

struct cookie {
	uint8_t recorded[SP_COOKIELEN];
	uint8_t actual[SP_COOKIELEN];
};

struct connection {
	int conn;
	int fd;			/* -1: closed again */
	bool numbered;		/* shift is known */
	uint64_t shift;		/* actual - recorded number, other's requests */
	struct bindings addrs;
};

struct play {
	const struct conversation_player *cp;
	struct connection *conns;
	size_t nconns;
	struct bindings pids;
	struct cookie *cookies;
	size_t ncookies;
	size_t at;		/* the event being played */
	char *why;
};

/* --- messages -------------------------------------------------------------- */

static bool __attribute__((format(printf, 2, 3)))
fail(struct play *pl, const char *fmt, ...)
{
	const struct conversation *conv = pl->cp->conv;
	va_list ap;
	int n;

	n = snprintf(pl->why, CONVERSATION_WHY, "%s:%u: ", conv->path,
	    conv->events[pl->at].line);
	if (n < 0 || n >= CONVERSATION_WHY)
		return false;
	va_start(ap, fmt);
	vsnprintf(pl->why + n, (size_t)(CONVERSATION_WHY - n), fmt, ap);
	va_end(ap);
	return false;
}

/* Says where two bodies of the same length differ first. */
static bool
fail_bytes(struct play *pl, const char *what, const uint8_t *want,
    const uint8_t *got, size_t len)
{
	size_t i = 0;

	while (i < len && want[i] == got[i])
		i++;
	return fail(pl, "%s: byte %zu of %zu is 0x%02x, recorded is 0x%02x",
	    what, i, len, got[i], want[i]);
}

/* --- bindings --------------------------------------------------------------- */

static bool
bind_value(struct bindings *bs, uint64_t recorded, uint64_t actual)
{
	struct binding *b;
	size_t i;

	for (i = 0; i < bs->n; i++)
		if (bs->b[i].recorded == recorded) {
			bs->b[i].actual = actual;
			return true;
		}
	b = reallocarray(bs->b, bs->n + 1, sizeof(*b));
	if (b == NULL)
		return false;
	bs->b = b;
	b[bs->n++] = (struct binding){ recorded, actual };
	return true;
}

static const struct binding *
find_value(const struct bindings *bs, uint64_t recorded)
{
	size_t i;

	for (i = 0; i < bs->n; i++)
		if (bs->b[i].recorded == recorded)
			return &bs->b[i];
	return NULL;
}

/* An address counts from the nearest known one below it. */
static uint64_t
translate(const struct bindings *bs, uint64_t addr)
{
	const struct binding *best = NULL;
	size_t i;

	for (i = 0; i < bs->n; i++)
		if (bs->b[i].recorded <= addr &&
		    (best == NULL || bs->b[i].recorded > best->recorded))
			best = &bs->b[i];
	if (best == NULL || addr - best->recorded >= UINT64_C(16) << 20)
		return addr;
	return addr - best->recorded + best->actual;
}

static void
put64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* --- connections ------------------------------------------------------------ */

static struct connection *
connection(struct play *pl, int conn)
{
	struct connection *conns, *c;
	size_t i;

	for (i = 0; i < pl->nconns; i++)
		if (pl->conns[i].conn == conn)
			return &pl->conns[i];
	conns = reallocarray(pl->conns, pl->nconns + 1, sizeof(*conns));
	if (conns == NULL) {
		fail(pl, "out of memory");
		return NULL;
	}
	pl->conns = conns;
	c = &conns[pl->nconns];
	*c = (struct connection){ .conn = conn, .fd = -1 };
	c->fd = pl->cp->open(pl->cp->cookie, conn);
	if (c->fd == -1) {
		fail(pl, "no connection %d: %s", conn, strerror(errno));
		return NULL;
	}
	pl->nconns++;
	return c;
}

static bool
send_bytes(struct play *pl, struct connection *c, const uint8_t *p, size_t len)
{
	size_t part;
	ssize_t n;

	while (len > 0) {
		part = len;
		if (pl->cp->chunk != 0 && part > pl->cp->chunk)
			part = pl->cp->chunk;
		n = send(c->fd, p, part, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return fail(pl, "sending: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Receives into buf until it is full.  Returns how many bytes came before the
 * end of the stream, or -1 after a message. */
static ssize_t
recv_some(struct play *pl, struct connection *c, uint8_t *buf, size_t len)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLIN };
	size_t got = 0;
	ssize_t n;
	int ready;

	while (got < len) {
		ready = poll(&pfd, 1, pl->cp->timeout_ms);
		if (ready == -1 && errno == EINTR)
			continue;
		if (ready == 0)
			fail(pl, "nothing came for %d ms", pl->cp->timeout_ms);
		if (ready <= 0)
			return -1;
		n = recv(c->fd, buf + got, len - got, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno != ECONNRESET) {
			fail(pl, "receiving: %s", strerror(errno));
			return -1;
		}
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

static bool
recv_bytes(struct play *pl, struct connection *c, const char *what,
    uint8_t *buf, size_t len)
{
	ssize_t n = recv_some(pl, c, buf, len);

	if (n == -1)
		return false;
	if ((size_t)n != len)
		return fail(pl, "%s ended after %zd of %zu bytes", what, n,
		    len);
	return true;
}

/* --- what we send ----------------------------------------------------------- */

/* Puts the values of this playing into the body of a frame of ours. */
static void
fill_in(struct play *pl, struct connection *c,
    const struct conversation_event *ev, uint8_t *body)
{
	const struct binding *b;
	uint64_t addr, len;
	size_t i;

	if (conversation_copy(ev, &addr, &len))
		put64(body + 8, translate(&c->addrs, addr));
	/* An address that anonmmap gave may be a call's result. */
	if (ev->from == CONVERSATION_SERVER && ev->class == SP_RESP &&
	    ev->type == SP_SYSCALL && ev->bodylen == 24)
		for (i = 8; i < 24; i += 8) {
			b = find_value(&c->addrs, conversation_u64(body + i));
			if (b != NULL && b->recorded >= 4096)
				put64(body + i, b->actual);
		}
	if (ev->class == SP_REQ && ev->type == SP_HANDSHAKE &&
	    ev->u == SP_FORK && ev->bodylen >= SP_COOKIELEN)
		for (i = 0; i < pl->ncookies; i++)
			if (memcmp(body, pl->cookies[i].recorded,
			    SP_COOKIELEN) == 0)
				memcpy(body, pl->cookies[i].actual,
				    SP_COOKIELEN);
}

static bool
send_frame(struct play *pl, struct connection *c,
    const struct conversation_event *ev)
{
	uint8_t *frame;
	uint64_t reqno = ev->reqno;
	bool ok;

	frame = calloc(1, SP_HDRLEN + ev->bodylen);
	if (frame == NULL)
		return fail(pl, "out of memory");
	/* Our requests keep their numbers; an answer has the other's. */
	if (ev->class != SP_REQ)
		reqno += c->shift;
	put64(frame, ev->len);
	put64(frame + 8, reqno);
	frame[16] = (uint8_t)ev->class;
	frame[17] = (uint8_t)(ev->class >> 8);
	frame[18] = (uint8_t)ev->type;
	frame[19] = (uint8_t)(ev->type >> 8);
	frame[20] = (uint8_t)ev->u;
	frame[21] = (uint8_t)(ev->u >> 8);
	frame[22] = (uint8_t)(ev->u >> 16);
	frame[23] = (uint8_t)(ev->u >> 24);
	memcpy(frame + SP_HDRLEN, ev->body, ev->bodylen);
	fill_in(pl, c, ev, frame + SP_HDRLEN);
	ok = send_bytes(pl, c, frame, SP_HDRLEN + ev->bodylen);
	free(frame);
	return ok;
}

static bool
send_event(struct play *pl, struct connection *c,
    const struct conversation_event *ev)
{

	switch (ev->kind) {
	case CONVERSATION_BANNER:
		return send_bytes(pl, c, ev->body, ev->bodylen);
	case CONVERSATION_FRAME:
		return send_frame(pl, c, ev);
	case CONVERSATION_EOF:
		close(c->fd);
		c->fd = -1;
		return true;
	}
	return false;
}

/* --- what the other side sends ---------------------------------------------- */

/* A command name: at least the NUL, and that at the end. */
static bool
check_comm(struct play *pl, const uint8_t *body, size_t len)
{

	if (len == 0 || memchr(body, '\0', len) != body + len - 1)
		return fail(pl, "command name is not one string and its NUL");
	return true;
}

static bool
check_arguments(struct play *pl, struct connection *c,
    const struct conversation_event *ev, const uint8_t *body)
{
	uint64_t want, got;
	size_t i;

	for (i = 0; i + 8 <= ev->bodylen; i += 8) {
		want = conversation_u64(ev->body + i);
		got = conversation_u64(body + i);
		if (conversation_is_pointer(pl->cp->conv, pl->at, want)) {
			if (!bind_value(&c->addrs, want, got))
				return fail(pl, "out of memory");
		} else if (want != got)
			return fail(pl, "syscall %u: argument %zu is 0x%"
			    PRIx64 ", recorded is 0x%" PRIx64, ev->u, i / 8,
			    got, want);
	}
	return true;
}

/* Is this the answer to a call whose results are process ids? */
static bool
answers_pids(const struct conversation *conv, size_t i)
{
	static const unsigned calls[] = {
	    20 /* getpid */, 39 /* getppid */, 81 /* getpgrp */,
	    147 /* setsid */, 207 /* getpgid */, 286 /* getsid */ };
	size_t j, k;

	for (j = i; j-- > 0;)
		if (conversation_answer(conv, j) == i)
			for (k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
				if (conv->events[j].u == calls[k])
					return true;
	return false;
}

static bool
check_pid(struct play *pl, uint64_t want, uint64_t got)
{
	const struct binding *b = find_value(&pl->pids, want);

	if (b != NULL && b->actual != got)
		return fail(pl, "process id is %" PRIu64 ", but recorded %"
		    PRIu64 " was %" PRIu64 " before", got, want, b->actual);
	if (b == NULL && !bind_value(&pl->pids, want, got))
		return fail(pl, "out of memory");
	return true;
}

static bool
check_sysresp(struct play *pl, const struct conversation_event *ev,
    const uint8_t *body)
{
	bool pids = answers_pids(pl->cp->conv, pl->at);
	uint64_t want, got;
	int32_t werr, gerr;
	size_t i;

	werr = (int32_t)conversation_u32(ev->body);
	gerr = (int32_t)conversation_u32(body);
	if (werr != gerr)
		return fail(pl, "error is %d, recorded is %d", gerr, werr);
	for (i = 0; i < 2; i++) {
		want = conversation_u64(ev->body + 8 + 8 * i);
		got = conversation_u64(body + 8 + 8 * i);
		if (pids && werr == 0 && want != 0) {
			if (!check_pid(pl, want, got))
				return false;
		} else if (want != got)
			return fail(pl, "retval[%zu] is 0x%" PRIx64
			    ", recorded is 0x%" PRIx64, i, got, want);
	}
	return true;
}

static bool
take_cookie(struct play *pl, const struct conversation_event *ev,
    const uint8_t *body)
{
	struct cookie *cookies;

	cookies = reallocarray(pl->cookies, pl->ncookies + 1,
	    sizeof(*cookies));
	if (cookies == NULL)
		return fail(pl, "out of memory");
	pl->cookies = cookies;
	memcpy(cookies[pl->ncookies].recorded, ev->body, SP_COOKIELEN);
	memcpy(cookies[pl->ncookies].actual, body, SP_COOKIELEN);
	pl->ncookies++;
	return true;
}

static bool
take_mapping(struct play *pl, struct connection *c,
    const struct conversation_event *ev, const uint8_t *body)
{
	uint64_t want = conversation_u64(ev->body);
	uint64_t got = conversation_u64(body);

	if ((want == 0) != (got == 0))
		return fail(pl, "anonmmap gave 0x%" PRIx64 ", recorded is 0x%"
		    PRIx64, got, want);
	if (want != 0 && !bind_value(&c->addrs, want, got))
		return fail(pl, "out of memory");
	return true;
}

static bool
check_body(struct play *pl, struct connection *c,
    const struct conversation_event *ev, const uint8_t *body)
{

	if (ev->class == SP_REQ && ev->type == SP_SYSCALL)
		return check_arguments(pl, c, ev, body);
	if (ev->class == SP_RESP && ev->type == SP_SYSCALL &&
	    ev->bodylen == 24)
		return check_sysresp(pl, ev, body);
	if (ev->class == SP_RESP && ev->type == SP_PREFORK &&
	    ev->bodylen == SP_COOKIELEN)
		return take_cookie(pl, ev, body);
	if (ev->class == SP_RESP && ev->type == SP_ANONMMAP &&
	    ev->bodylen == 8)
		return take_mapping(pl, c, ev, body);
	if (memcmp(ev->body, body, ev->bodylen) != 0)
		return fail_bytes(pl, "body", ev->body, body, ev->bodylen);
	return true;
}

static bool
check_header(struct play *pl, struct connection *c,
    const struct conversation_event *ev, const uint8_t *h, bool named)
{
	uint64_t len = conversation_u64(h);
	uint64_t reqno = conversation_u64(h + 8);
	unsigned class = h[16] | h[17] << 8;
	unsigned type = h[18] | h[19] << 8;
	uint32_t u = conversation_u32(h + 20);

	if (class != ev->class || type != ev->type || u != ev->u)
		return fail(pl, "class %u type %u u %u came, recorded is "
		    "class %u type %u u %u", class, type, u, ev->class,
		    ev->type, ev->u);
	if (len != ev->len && (!named || len < SP_HDRLEN || len > 8192))
		return fail(pl, "length is %" PRIu64 ", recorded is %" PRIu64,
		    len, ev->len);
	if (ev->class != SP_REQ) {
		if (reqno != ev->reqno)
			return fail(pl, "answers request %" PRIu64
			    ", recorded is %" PRIu64, reqno, ev->reqno);
		return true;
	}
	/* A new connection and a new image begin to count where they like. */
	if (!c->numbered || (ev->type == SP_HANDSHAKE && ev->u == SP_EXEC)) {
		c->shift = reqno - ev->reqno;
		c->numbered = true;
	}
	if (reqno != ev->reqno + c->shift)
		return fail(pl, "request number is %" PRIu64 ", by the count "
		    "so far it should be %" PRIu64, reqno,
		    ev->reqno + c->shift);
	return true;
}

static bool
recv_frame(struct play *pl, struct connection *c,
    const struct conversation_event *ev)
{
	bool named = ev->class == SP_REQ && ev->type == SP_HANDSHAKE &&
	    (ev->u == SP_GUEST || ev->u == SP_EXEC);
	uint8_t h[SP_HDRLEN], *body;
	size_t len;
	bool ok;

	if (!recv_bytes(pl, c, "header", h, sizeof(h)) ||
	    !check_header(pl, c, ev, h, named))
		return false;
	len = conversation_u64(h) - SP_HDRLEN;
	body = malloc(len + 1);
	if (body == NULL)
		return fail(pl, "out of memory");
	ok = recv_bytes(pl, c, "body", body, len);
	if (ok && named)
		ok = check_comm(pl, body, len);
	else if (ok)
		ok = check_body(pl, c, ev, body);
	free(body);
	return ok;
}

static bool
recv_event(struct play *pl, struct connection *c,
    const struct conversation_event *ev)
{
	uint8_t buf[256];
	ssize_t n;

	switch (ev->kind) {
	case CONVERSATION_BANNER:
		if (ev->bodylen > sizeof(buf))
			return fail(pl, "recorded banner is too long");
		if (!recv_bytes(pl, c, "banner", buf, ev->bodylen))
			return false;
		if (memcmp(buf, ev->body, ev->bodylen) != 0)
			return fail_bytes(pl, "banner", ev->body, buf,
			    ev->bodylen);
		return true;
	case CONVERSATION_FRAME:
		return recv_frame(pl, c, ev);
	case CONVERSATION_EOF:
		n = recv_some(pl, c, buf, 1);
		if (n == -1)
			return false;
		if (n != 0)
			return fail(pl, "data came, recorded is the end");
		close(c->fd);
		c->fd = -1;
		return true;
	}
	return false;
}

/* --- playing ----------------------------------------------------------------- */

static bool
play_event(struct play *pl)
{
	const struct conversation_event *ev = &pl->cp->conv->events[pl->at];
	struct connection *c = connection(pl, ev->conn);

	if (c == NULL)
		return false;
	/* Both sides may record the end of a connection. */
	if (c->fd == -1)
		return ev->kind == CONVERSATION_EOF ||
		    fail(pl, "connection %d is closed", ev->conn);
	if (pl->cp->progress != NULL)
		pl->cp->progress(pl->cp->cookie, pl->at);
	if (ev->from == pl->cp->side)
		return send_event(pl, c, ev);
	return recv_event(pl, c, ev);
}

bool
conversation_play(const struct conversation_player *cp,
    char why[CONVERSATION_WHY])
{
	struct play pl = { .cp = cp, .why = why };
	bool ok = true;
	size_t i;

	for (pl.at = 0; ok && pl.at < cp->conv->nevents; pl.at++)
		ok = play_event(&pl);
	for (i = 0; i < pl.nconns; i++) {
		if (pl.conns[i].fd != -1)
			close(pl.conns[i].fd);
		free(pl.conns[i].addrs.b);
	}
	free(pl.conns);
	free(pl.pids.b);
	free(pl.cookies);
	return ok;
}
