#include "bench/guest.h"

#include <errno.h>
#include <string.h>

#include "bench/bare.h"
#include "bench/options.h"
#include "bench/peer.h"

enum { ARGS_MAX = 8, PREFORKS_AT_ONCE = 64 };

static void
send_frame(const struct guest *g, enum frame_class class,
    enum frame_type type, uint64_t reqno, uint32_t u, const void *body,
    size_t len)
{
	struct frame_hdr h = frame_hdr(class, type, reqno, u, len);

	send_all(g->fd, &h, sizeof(h));
	if (len > 0)
		send_all(g->fd, body, len);
}

static void
answer_copyin(const struct guest *g, const struct frame_hdr *h)
{
	struct frame_copy c;
	const char *from;
	size_t len;

	recv_all(g->fd, &c, sizeof(c));
	from = (const char *)(uintptr_t)c.addr;
	len = c.len;
	if (h->type == FRAME_COPYINSTR && strnlen(from, len) < len)
		len = strlen(from) + 1;
	send_frame(g, FRAME_RESP, h->type, h->reqno, 0, from, len);
}

static void
take_copyout(const struct guest *g)
{
	struct frame_copy c;

	recv_all(g->fd, &c, sizeof(c));
	recv_all(g->fd, (char *)(uintptr_t)c.addr, c.len);
}

/* Serves what the server asks until an answer is there, its body of len bytes
 * unread. */
static void
recv_answer(const struct guest *g, size_t len)
{
	struct frame_hdr h;

	for (;;) {
		recv_all(g->fd, &h, sizeof(h));
		errno = EPROTO;
		if (h.class == FRAME_RESP && h.len == FRAME_HDRLEN + len)
			return;
		if (h.class != FRAME_REQ)
			bench_die("error %u from the server", h.u);
		if (h.type == FRAME_COPYIN || h.type == FRAME_COPYINSTR)
			answer_copyin(g, &h);
		else if (h.type != FRAME_RAISE)
			take_copyout(g);
	}
}

struct guest
guest_connect(const char *sock)
{

	return (struct guest){ .fd = bare_guest(sock) };
}

void
guest_begin(struct guest *g, int num, int nargs, const uint64_t *args)
{
	struct {
		struct frame_hdr hdr;
		uint64_t args[ARGS_MAX];
	} b;
	size_t len = (size_t)nargs * sizeof(args[0]);

	b.hdr = frame_hdr(FRAME_REQ, FRAME_SYSCALL, 1, (uint32_t)num, len);
	if (nargs > 0)
		memcpy(b.args, args, len);
	send_all(g->fd, &b, FRAME_HDRLEN + len);
}

int
guest_answer(struct guest *g)
{
	struct frame_sysresp r;

	recv_answer(g, sizeof(r));
	recv_all(g->fd, &r, sizeof(r));
	memcpy(g->retval, r.retval, sizeof(g->retval));
	return r.error;
}

int
guest_call(struct guest *g, int num, int nargs, const uint64_t *args)
{

	guest_begin(g, num, nargs, args);
	return guest_answer(g);
}

int64_t
guest_ok(struct guest *g, int num, int nargs, const uint64_t *args)
{
	int error = guest_call(g, num, nargs, args);

	if (error != 0) {
		errno = EPROTO;
		bench_die("call %d failed with NetBSD's error %d", num, error);
	}
	return g->retval[0];
}

void
guest_prefork(struct guest *g, unsigned n,
    uint32_t (*cookies)[FRAME_COOKIE_WORDS])
{
	uint32_t cookie[FRAME_COOKIE_WORDS];
	unsigned sent = 0, got = 0;

	for (; got < n; got++) {
		for (; sent < n && sent - got < PREFORKS_AT_ONCE; sent++)
			send_frame(g, FRAME_REQ, FRAME_PREFORK, 1, 0, NULL,
			    0);
		recv_answer(g, sizeof(cookie));
		recv_all(g->fd, cookie, sizeof(cookie));
		if (cookies != NULL)
			memcpy(cookies[got], cookie, sizeof(cookie));
	}
}

struct guest
guest_fork(const char *sock, const uint32_t cookie[FRAME_COOKIE_WORDS])
{
	struct guest g = { .fd = bare_connect(sock) };
	struct frame_fork ff = { .cancel = 0 };
	int32_t error;

	memcpy(ff.cookie, cookie, sizeof(ff.cookie));
	send_frame(&g, FRAME_REQ, FRAME_HANDSHAKE, 1, HANDSHAKE_FORK, &ff,
	    sizeof(ff));
	recv_answer(&g, sizeof(error));
	recv_all(g.fd, &error, sizeof(error));
	if (error != 0) {
		errno = EPROTO;
		bench_die("the handshake of a fork was refused");
	}
	return g;
}
