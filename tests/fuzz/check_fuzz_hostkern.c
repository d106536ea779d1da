/*
 * The host kernel and guests that call anything with anything.
 *
 * The guests speak the protocol by hand, so that no client library stands
 * between what an input says and what the kernel gets, and serve its copies
 * from memory of their own.  A call that does not come back within a moment
 * stays as it is until its guest hangs up.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "fuzz/fuzz.h"
#include "fuzz/guest.h"
#include "hostkern/hostkern.h"
#include "trace/sysdesc.h"
#include "wire/frame.h"

enum { GUESTS = 2, PATIENCE_MS = 2, MAX_CALLS = 60 };

struct guest {
	int fd;
	uint64_t reqno, answered;
	struct guest_memory mem;
	uint8_t bytes[GUEST_MEMORY];
	uint8_t in[FRAME_HDRLEN + sizeof(struct frame_copy)];
	size_t got;
	uint64_t body;			/* of the frame, still to come */
	uint8_t resp[24];
	size_t nresp;
};

static struct guest guests[GUESTS];
static struct hostkern *hk;
static struct rumpserver *srv;
static unsigned fds_before;

/* --- the guest's side of the wire --- */

static void hear(struct guest *, int ms);

static void
say(struct guest *g, unsigned class, unsigned type, uint64_t reqno,
    uint32_t u, const void *body, size_t len)
{
	static uint8_t frame[FRAME_HDRLEN + GUEST_MEMORY];
	struct frame_hdr hdr = frame_hdr(class, type, reqno, u, len);
	const uint8_t *p = frame;
	ssize_t n;

	memcpy(frame, &hdr, sizeof(hdr));
	if (len > 0)
		memcpy(frame + sizeof(hdr), body, len);
	for (len += sizeof(hdr); len > 0; len -= (size_t)n) {
		n = send(g->fd, p, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		p += n;
	}
}

static bool
ours(const struct guest *g, uint64_t addr, uint64_t len)
{

	return addr >= g->mem.base && len <= GUEST_MEMORY &&
	    addr - g->mem.base <= GUEST_MEMORY - len;
}

static void
copyin(struct guest *g, const struct frame_hdr *hdr)
{
	struct frame_copy copy;
	uint64_t room;

	memcpy(&copy, g->in + FRAME_HDRLEN, sizeof(copy));
	if (!ours(g, copy.addr, 0) || (hdr->type == FRAME_COPYIN &&
	    !ours(g, copy.addr, copy.len))) {
		say(g, FRAME_ERROR, 0, hdr->reqno, FRAME_ERR_MALFORMED, NULL,
		    0);
		return;
	}
	if (hdr->type == FRAME_COPYINSTR) {
		room = g->mem.base + GUEST_MEMORY - copy.addr;
		if (copy.len > room)
			copy.len = room;
		room = strnlen((char *)g->bytes + (copy.addr - g->mem.base),
		    copy.len);
		if (room < copy.len)
			copy.len = room + 1;
	}
	say(g, FRAME_RESP, FRAME_COPYIN, hdr->reqno, 0, g->bytes +
	    (copy.addr - g->mem.base), copy.len);
}

/* The head of a frame has come. */
static void
head(struct guest *g, const struct frame_hdr *hdr)
{
	const uint64_t addr = g->mem.base + GUEST_MEMORY / 2;

	if (frame_check(hdr, FRAME_FROM_SERVER) != NULL)
		fuzz_fail("the server sends: %s",
		    frame_check(hdr, FRAME_FROM_SERVER));
	if (hdr->class != FRAME_REQ) {
		if (hdr->class == FRAME_ERROR)
			g->answered++;
		return;
	}
	switch (hdr->type) {
	case FRAME_COPYIN:
	case FRAME_COPYINSTR:
		copyin(g, hdr);
		break;
	case FRAME_ANONMMAP:
		say(g, FRAME_RESP, FRAME_ANONMMAP, hdr->reqno, 0, &addr, 8);
		break;
	default:
		break;
	}
}

static void
result(struct guest *g)
{
	int32_t error;

	memcpy(&error, g->resp, sizeof(error));
	g->answered++;
	if (error < 0 || error > RUMP_ELAST)
		fuzz_fail("a call fails with error %d", error);
}

/* Bytes of a frame's head that are looked at before the rest. */
static size_t
wanted(const struct guest *g)
{
	struct frame_hdr hdr;

	memcpy(&hdr, g->in, sizeof(hdr));
	if (hdr.class == FRAME_REQ && hdr.len >= sizeof(g->in))
		return sizeof(g->in);
	return sizeof(hdr);
}

static void
hear_byte(struct guest *g, uint8_t byte)
{
	struct frame_hdr hdr;

	if (g->body > 0) {
		g->body--;
		if (g->nresp < sizeof(g->resp))
			g->resp[g->nresp++] = byte;
	} else {
		g->in[g->got++] = byte;
		if (g->got < FRAME_HDRLEN || g->got < wanted(g))
			return;
		memcpy(&hdr, g->in, sizeof(hdr));
		head(g, &hdr);
		g->body = hdr.len - g->got;
		g->got = g->nresp = 0;
	}
	memcpy(&hdr, g->in, sizeof(hdr));
	if (g->body == 0 && hdr.class == FRAME_RESP &&
	    hdr.type == FRAME_SYSCALL)
		result(g);
	else if (g->body == 0 && hdr.class == FRAME_RESP)
		g->answered++;
}

static void
hear(struct guest *g, int ms)
{
	static uint8_t buf[65536];
	struct pollfd pfd = { .fd = g->fd, .events = POLLIN };
	ssize_t n, i;

	if (poll(&pfd, 1, ms) != 1)
		return;
	n = recv(g->fd, buf, sizeof(buf), MSG_DONTWAIT);
	for (i = 0; i < n; i++)
		hear_byte(g, buf[i]);
}

/* Until every request has its answer, or nothing has come for a moment. */
static void
hear_all(struct guest *g)
{
	struct pollfd pfd = { .fd = g->fd, .events = POLLIN };

	while (g->answered < g->reqno && poll(&pfd, 1, PATIENCE_MS) == 1 &&
	    !(pfd.revents & POLLHUP))
		hear(g, 0);
}

static void
join(struct guest *g)
{
	char banner[FRAME_HDRLEN * 4];
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ||
	    rumpserver_serve_fd(srv, sv[1]) == -1)
		fuzz_fail("serve_fd: %s", strerror(errno));
	g->fd = sv[0];
	g->reqno = g->answered = 0;
	g->got = g->nresp = 0;
	g->body = 0;
	g->mem = (struct guest_memory){ g->bytes, 0x100000 };
	if (recv(g->fd, banner, sizeof(banner), 0) <= 0)
		fuzz_fail("no banner");
	say(g, FRAME_REQ, FRAME_HANDSHAKE, ++g->reqno, HANDSHAKE_GUEST,
	    "guest", 6);
	hear_all(g);
}

/* --- running --- */

static void
one_call(struct guest *g, struct supply *in)
{
	struct guest_call c;

	guest_call(&g->mem, in, &c);
	if (getenv("FUZZ_LOG") != NULL)
		fprintf(stderr, "%d %s(%llx, %llx, %llx, %llx)\n", g->fd,
		    rump_sysdesc[c.num].name, (unsigned long long)c.args[0],
		    (unsigned long long)c.args[1],
		    (unsigned long long)c.args[2],
		    (unsigned long long)c.args[3]);
	say(g, FRAME_REQ, FRAME_SYSCALL, ++g->reqno, (uint32_t)c.num, c.args,
	    c.nargs * sizeof(uint64_t));
	hear_all(g);
}

static void
run(const uint8_t *data, size_t len)
{
	struct supply in = { data, len };
	unsigned i, n;

	for (i = 0; i < GUESTS; i++) {
		join(&guests[i]);
		guest_fill(&guests[i].mem, &in);
	}
	for (n = 0; n < MAX_CALLS && in.left > 0; n++) {
		i = take8(&in);
		one_call(&guests[i % GUESTS], &in);
		if (i % 64 == 63) {
			say(&guests[0], FRAME_REQ, FRAME_PREFORK,
			    ++guests[0].reqno, 0, NULL, 0);
			hear_all(&guests[0]);
		}
	}
	for (i = 0; i < GUESTS; i++)
		close(guests[i].fd);
	rumpserver_join(srv);
	if (fuzz_fds() > fds_before + 300)
		fuzz_fail("descriptors pile up: %u, now %u", fds_before,
		    fuzz_fds());
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{

	return fuzz_random(r, buf, 1500);
}

static void
setup(void)
{
	struct hostkern_config conf = { .console_fd = -1 };
	struct rumpserver_config sc = { .kernel = &hostkern_kernel,
	    .prefork_timeout_ms = 300, .answer_timeout_ms = 5000 };
	struct rlimit limit;
	char why[256];

	/* The host's disk is not for a fuzzer either. */
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 1 << 20;
	setrlimit(RLIMIT_FSIZE, &limit);
	fds_before = fuzz_fds();
	conf.root = guest_root();
	hk = hostkern_create(&conf, why, sizeof(why));
	if (hk == NULL)
		fuzz_fail("%s", why);
	sc.kern = hk;
	srv = rumpserver_create(&sc);
	if (srv == NULL || rumpserver_start(srv) == -1)
		fuzz_fail("no server: %s", strerror(errno));
}

static void
finish(void)
{

	rumpserver_stop(srv, 0);
	rumpserver_destroy(srv);
	hostkern_destroy(hk);
	guest_root_remove();
	if (fuzz_fds() != fds_before)
		fuzz_fail("%u descriptors are left", fuzz_fds() - fds_before);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_hostkern", .setup = setup, .make = make, .run = run,
	.finish = finish
};
