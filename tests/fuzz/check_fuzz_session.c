/*
 * The host kernel and sessions of guests that call anything with anything.
 *
 * An input is a head, which says what its calls are chosen from, and steps of
 * 16 bytes each, so that one can be changed or taken out and the others stay
 * what they are.  Several guests, forks of one another among them, have many
 * calls in flight; what a copyin is answered with is made when it is asked
 * for, may differ each time, come late, twice, never, or be an error.
 * Which calls and arguments there are is known from the generated
 * descriptions alone.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "fuzz/fuzz.h"
#include "fuzz/guest.h"
#include "fuzz/peer.h"
#include "fuzz/record.h"
#include "fuzz/values.h"
#include "hostkern/hostkern.h"
#include "lib/sanitizer.h"
#include "trace/sysdesc.h"

enum {
	PEERS = 6, FOCUS = 24, COOKIES = 8, HELD = 16, MAX_BURST = 256,
	PATIENCE_MS = 1, SLACK_FDS = 300, A_PIECE = 1 << 20
};

struct head {
	uint64_t seed;
	uint8_t focus;		/* how many calls, and of which kind */
	uint8_t fds;
	uint8_t hold;		/* one answer to a copyin in so many */
	uint8_t manners;	/* of a peer that breaks the protocol */
	uint8_t unused[4];
};

struct step {
	uint8_t op, guest;
	uint16_t call;
	uint32_t seed;
	uint8_t arg[8];
};

/* A copyin that has not been answered. */
struct held {
	struct peer *peer;
	struct frame_hdr hdr;
	struct frame_copy copy;
};

static struct hostkern *hk;
static struct rumpserver *srv;
static unsigned fds_before;

static struct peer peers[PEERS];
static struct {
	struct rng rng;			/* for answers */
	unsigned hold;
	bool rude, quick;
	unsigned focus[FOCUS], nfocus;
	uint32_t cookies[COOKIES][FRAME_COOKIE_WORDS];
	unsigned ncookies;
	struct held held[HELD];
	unsigned nheld;
} now;

/* --- the guests' memory --- */

/* An address says what is there: a mark, the kind, the seed, an offset. */
#define MARK	UINT64_C(0x4000)

static uint64_t
place(void *cookie, enum object_kind kind, uint32_t seed)
{

	(void)cookie;
	return MARK << 48 | (uint64_t)kind << 40 |
	    (uint64_t)(seed & 0xffffff) << 16;
}
static const struct object_space space = { .place = place };

static bool
is_ours(uint64_t addr)
{

	return addr >> 48 == MARK && (addr >> 40 & 0xff) < OBJECT_KINDS;
}

static void
answer(struct held *h)
{
	static uint8_t bytes[A_PIECE];
	uint64_t addr = h->copy.addr;
	size_t len = h->copy.len < A_PIECE ? h->copy.len : A_PIECE;
	uint32_t seed = addr >> 16 & 0xffffff;

	/* Now and then it is not what it was when asked for before. */
	if (seed >= OBJECT_NAMES && rng_below(&now.rng, 8) == 0)
		seed = (uint32_t)(OBJECT_NAMES + rng_below(&now.rng, 1 << 20));
	object_read(&space, addr >> 40 & 0xff, seed, addr & 0xffff, bytes,
	    len);
	if (h->hdr.type == FRAME_COPYINSTR && memchr(bytes, 0, len) != NULL)
		len = strlen((char *)bytes) + 1;
	if (now.rude && rng_below(&now.rng, 32) == 0)
		len += rng_below(&now.rng, 2) == 0 ? -(len > 0) : len < A_PIECE;
	peer_say(h->peer, FRAME_RESP, FRAME_COPYIN, h->hdr.reqno, 0, bytes,
	    len);
	if (now.rude && rng_below(&now.rng, 64) == 0)
		peer_say(h->peer, FRAME_RESP, FRAME_COPYIN, h->hdr.reqno, 0,
		    bytes, len);
}

static void
release(unsigned n)
{
	struct held h;

	if (n >= now.nheld)
		return;
	h = now.held[n];
	now.held[n] = now.held[--now.nheld];
	if (h.peer->fd != -1)
		answer(&h);
}

static void
copyin(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{
	struct held h = { .peer = p, .hdr = *hdr };

	memcpy(&h.copy, body, sizeof(h.copy));
	if (!is_ours(h.copy.addr) || rng_below(&now.rng, 128) == 0) {
		peer_say(p, FRAME_ERROR, 0, hdr->reqno, FRAME_ERR_MALFORMED,
		    NULL, 0);
		return;
	}
	if (now.hold == 0 || rng_below(&now.rng, now.hold) != 0) {
		answer(&h);
		return;
	}
	if (now.nheld == HELD)
		release(0);
	now.held[now.nheld++] = h;
}

/* --- what comes from the server --- */

static void
result(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{
	struct frame_sysresp r;

	memcpy(&r, body, sizeof(r));
	record_answer(p->id, hdr->reqno, r.error);
	if (r.error < 0 || r.error > RUMP_ELAST)
		fuzz_fail("a call fails with error %d", r.error);
	if (r.error == 0 && r.retval[0] > 0)
		values_learn((uint64_t)r.retval[0]);
}

static void
request(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{
	uint64_t v = place(NULL, OBJECT_NOISE, OBJECT_NAMES);
	struct frame_copy c;

	if (hdr->type == FRAME_COPYIN || hdr->type == FRAME_COPYINSTR)
		copyin(p, hdr, body);
	else if (hdr->type == FRAME_ANONMMAP)
		peer_say(p, FRAME_RESP, FRAME_ANONMMAP, hdr->reqno, 0, &v, 8);
	else if (hdr->type == FRAME_COPYOUT) {
		memcpy(&c, body, sizeof(c));
		v = 0;
		memcpy(&v, body + sizeof(c), c.len < 8 ? c.len : 8);
		if (c.len == 4 || c.len == 8)
			values_learn(v);
	}
}

static void
heard(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{

	if (hdr->class == FRAME_REQ) {
		request(p, hdr, body);
		return;
	}
	if (!p->astray && (hdr->reqno == 0 || hdr->reqno > p->reqno))
		fuzz_fail("an answer to request %llu of %llu",
		    (unsigned long long)hdr->reqno,
		    (unsigned long long)p->reqno);
	if (++p->answered > p->reqno && !p->astray)
		fuzz_fail("more answers than requests");
	p->newest = hdr->reqno;
	if (hdr->class == FRAME_RESP && hdr->type == FRAME_SYSCALL)
		result(p, hdr, body);
	if (hdr->class == FRAME_RESP && hdr->type == FRAME_PREFORK)
		memcpy(now.cookies[now.ncookies++ % COOKIES], body,
		    sizeof(now.cookies[0]));
}

/* Until this guest's last request has its answer, or nothing comes. */
static void
settle(struct peer *p, int ms)
{

	while (peers_pump(peers, PEERS, p->newest < p->reqno ? ms : 0))
		continue;
}

/* --- what guests do --- */

static void
send_call(struct peer *p, const struct guest_call *c)
{

	record_call(p->id, peer_ask(p, FRAME_SYSCALL, c->num, c->args,
	    c->nargs * sizeof(c->args[0])), c);
}

static void
one_call(struct peer *p, const struct step *s, unsigned change)
{
	struct guest_call c;
	unsigned num;

	num = s->call % 16 == 15 ? guest_number(s->call / 16) :
	    now.focus[s->call % now.nfocus];
	guest_call(&space, num, s->seed + change, s->arg, sizeof(s->arg), &c);
	send_call(p, &c);
}

/* Calls of a few kinds at once. */
static void
burst(struct peer *p, const struct step *s, size_t left)
{
	size_t kinds = 1 + s->arg[1] % 3;
	unsigned i, n = 1 + s->arg[0] % MAX_BURST;

	if (kinds > left)
		kinds = left;
	for (i = 0; i < n && p->fd != -1; i++) {
		one_call(p, &s[i % kinds], i / 4);
		if (i % 64 == 63)
			(void)peers_pump(peers, PEERS, 0);
	}
}

static void
ask_and_settle(struct peer *p, unsigned type, uint32_t u, const void *body,
    size_t len)
{

	peer_ask(p, type, u, body, len);
	settle(p, PATIENCE_MS);
}

static void
call_of(struct peer *p, unsigned num, uint64_t a, uint64_t b, uint64_t d)
{
	struct guest_call c = { .num = num, .nargs = rump_sysdesc[num].narg,
	    .args = { a, b, d } };

	send_call(p, &c);
	settle(p, PATIENCE_MS);
}

static void
pair(struct peer *p, uint64_t type)
{
	struct guest_call c = { .num = RUMP_SYS_socketpair, .nargs = 4,
	    .args = { RUMP_AF_LOCAL, type, 0,
	    place(NULL, OBJECT_NOISE, OBJECT_NAMES) } };

	send_call(p, &c);
	settle(p, PATIENCE_MS);
}

/* One descriptor of each kind, in the order of their numbers from 3 on. */
static void
menagerie(struct peer *p)
{
	enum { F, DF, G, SOCK, D, FIFO };
#define NAME(n)	place(NULL, OBJECT_STRING, n)
#define ADDR(n)	place(NULL, OBJECT_SOCKADDR, n)
	const uint64_t local = RUMP_AF_LOCAL, stream = RUMP_SOCK_STREAM;

	call_of(p, RUMP_SYS_unlink, NAME(SOCK), 0, 0);
	call_of(p, RUMP_SYS_open, NAME(F), RUMP_O_RDWR, 0);
	call_of(p, RUMP_SYS_open, NAME(D), RUMP_O_RDONLY, 0);
	call_of(p, RUMP_SYS_open, NAME(FIFO), RUMP_O_RDWR |
	    RUMP_O_NONBLOCK, 0);
	call_of(p, RUMP_SYS_open, NAME(G), RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	call_of(p, RUMP_SYS_revoke, NAME(G), 0, 0);
	call_of(p, RUMP_SYS_pipe, 0, 0, 0);
	call_of(p, RUMP_SYS_kqueue, 0, 0, 0);
	pair(p, RUMP_SOCK_STREAM);
	pair(p, RUMP_SOCK_DGRAM);
	pair(p, RUMP_SOCK_SEQPACKET);
	call_of(p, RUMP_SYS___socket30, RUMP_AF_INET, RUMP_SOCK_DGRAM, 0);
	call_of(p, RUMP_SYS___socket30, RUMP_AF_INET, stream, 0);
	call_of(p, RUMP_SYS_listen, 17, 4, 0);
	call_of(p, RUMP_SYS___socket30, local, stream, 0);
	call_of(p, RUMP_SYS_bind, 18, ADDR(SOCK), 106);
	call_of(p, RUMP_SYS_listen, 18, 4, 0);
	call_of(p, RUMP_SYS___socket30, local, stream, 0);
	call_of(p, RUMP_SYS_connect, 19, ADDR(SOCK), 106);
	call_of(p, RUMP_SYS_getpid, 0, 0, 0);
	call_of(p, RUMP_SYS__ksem_init, 1, place(NULL, OBJECT_INTS,
	    OBJECT_NAMES), 0);
#undef NAME
#undef ADDR
}

static void
begin_guest(struct peer *p)
{
	unsigned hold = now.hold;

	peer_join(p, srv);
	record_note(p->id, "a guest");
	peer_ask(p, FRAME_HANDSHAKE, HANDSHAKE_GUEST, "guest", 6);
	now.hold = 0;
	while (p->fd != -1 && p->answered == 0)
		(void)peers_pump(peers, PEERS, 1000);
	menagerie(p);
	now.hold = hold;
}

/* With one of the cookies there have been, used or not. */
static void
begin_fork(struct peer *p, const struct step *s)
{
	struct frame_fork ff = { .cancel = s->arg[1] % 8 == 0 };
	unsigned n = now.ncookies < COOKIES ? now.ncookies : COOKIES;

	if (n == 0)
		return;
	memcpy(ff.cookie, now.cookies[s->arg[0] % 4 == 0 ? s->arg[0] / 4 % n :
	    (now.ncookies - 1) % COOKIES], sizeof(ff.cookie));
	peer_join(p, srv);
	record_note(p->id, ff.cancel ? "cancels a fork" : "a fork");
	ask_and_settle(p, FRAME_HANDSHAKE, HANDSHAKE_FORK, &ff, 20);
}

/* What is no request, or not one at this time. */
static void
junk(struct peer *p, const struct step *s)
{

	record_note(p->id, "junk");
	p->astray = true;
	if (s->arg[0] % 2 == 0)
		peer_bytes(p, s, s->arg[1] % (sizeof(*s) + 1));
	else
		peer_say(p, s->arg[1] % 4, s->arg[2] % 10, s->arg[3], s->seed,
		    s, s->arg[4] % (sizeof(*s) + 1));
}

static void
other(struct peer *p, const struct step *s)
{

	switch (s->op % 12) {
	case 0: case 1: case 2:
		record_note(p->id, "prefork");
		ask_and_settle(p, FRAME_PREFORK, 0, NULL, 0);
		break;
	case 3: case 4:
		begin_fork(&peers[s->call % PEERS], s);
		break;
	case 5: case 6:
		record_note(p->id, "exec");
		/* It waits for the calls' ends, so mostly it has them. */
		while (s->arg[0] % 4 > 0 && now.nheld > 0)
			release(0);
		ask_and_settle(p, FRAME_HANDSHAKE, HANDSHAKE_EXEC, "exec", 5);
		break;
	case 7:
		record_note(p->id, "leaves");
		peer_leave(p);
		break;
	case 8: case 9:
		release(s->arg[0] % HELD);
		break;
	case 10:
		settle(p, PATIENCE_MS);
		break;
	default:
		if (now.rude)
			junk(p, s);
	}
}

static struct peer *
somebody(const struct step *s)
{
	unsigned i;

	for (i = 0; i < PEERS; i++)
		if (peers[(s->guest + i) % PEERS].fd != -1)
			return &peers[(s->guest + i) % PEERS];
	begin_guest(&peers[0]);
	return &peers[0];
}

static void
one_step(const struct step *s, size_t left)
{
	struct peer *p = somebody(s);

	if (s->op >= 216)
		other(p, s);
	else if (s->op >= (now.quick ? 144 : 200))
		burst(p, s, left);
	else
		one_call(p, s, 0);
	if (s->op % 3 != 0)
		settle(p, s->op < 144 ? PATIENCE_MS : 0);
	else
		(void)peers_pump(peers, PEERS, 0);
}

/* --- what a session chooses from --- */

/* Calls on descriptors that need no memory of their caller's follow one
 * another so fast that they meet in the table of descriptors. */
static bool
is_quick(const struct sysdesc *d)
{
	bool fd = false;
	unsigned i;

	for (i = 0; i < d->narg; i++) {
		fd |= d->args[i].kind == SYSDESC_FD;
		if (d->args[i].kind == SYSDESC_PTR &&
		    d->args[i].extent != SYSDESC_X_FCNTL)
			return false;
	}
	return fd;
}

static void
choose(const struct head *h)
{
	static const unsigned always[] = { RUMP_SYS_open, RUMP_SYS_close,
	    RUMP_SYS_pipe, RUMP_SYS_kqueue, RUMP_SYS_fcntl };
	static const unsigned holds[] = { 64, 16, 4, 2 };
	struct rng r = { .state = h->seed };
	unsigned n;

	now.quick = h->focus >= 112;
	n = now.quick ? 9 : 8 + h->focus % 16;
	now.rng.state = ~h->seed;
	now.rude = h->manners < 48;
	now.hold = holds[h->hold % 4];
	now.ncookies = now.nheld = 0;
	values_narrow(h->seed, h->fds >= 128 ? 3 : 0);
	memcpy(now.focus, always, sizeof(always));
	now.nfocus = sizeof(always) / sizeof(always[0]);
	while (now.nfocus < n) {
		now.focus[now.nfocus] = guest_number((unsigned)rng_next(&r));
		if (!now.quick || is_quick(&rump_sysdesc[now.focus[now.nfocus]]))
			now.nfocus++;
	}
}

/* --- running --- */

/* Nothing is left of the session but what preforks and messages under way
 * have, and threads that may be wanted again. */
static void
check_rest(void)
{
	struct rumpserver_stats st;
	unsigned ms, fds;

	rumpserver_join(srv);
	rumpserver_getstats(srv, &st);
	if (st.clients != 0 || st.calls_now != 0)
		fuzz_fail("%llu clients and %llu calls are left",
		    (unsigned long long)st.clients,
		    (unsigned long long)st.calls_now);
	for (ms = 0; st.preforks_now == 0; ms++) {
		fds = fuzz_fds();
		rumpserver_getstats(srv, &st);
		if (fds <= fds_before + SLACK_FDS + 2 * st.threads)
			break;
		if (ms > fuzz_hang() * 500)
			fuzz_fail("descriptors pile up: %u, now %u, %u threads",
			    fds_before, fds, (unsigned)st.threads);
		poll(NULL, 0, 1);
	}
}

static void
run(const uint8_t *data, size_t len)
{
	static struct step steps[FUZZ_MAX / sizeof(struct step)];
	struct head head = { 0 };
	size_t i, n;

	memcpy(&head, data, len < sizeof(head) ? len : sizeof(head));
	n = len <= sizeof(head) ? 0 : (len - sizeof(head)) / sizeof(steps[0]);
	if (n > 0)
		memcpy(steps, data + sizeof(head), n * sizeof(steps[0]));
	record_clear();
	guest_root_renew();
	choose(&head);
	begin_guest(&peers[0]);
	begin_guest(&peers[1]);
	for (i = 0; i < n; i++)
		one_step(&steps[i], n - i);
	for (i = 0; i < PEERS; i++)
		peer_leave(&peers[i]);
	check_rest();
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{
	size_t n = 16 + (size_t)rng_below(r, 1024), i;

	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)rng_next(r);
	return n;
}

static void
be_quiet(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	if (level == RUMPSERVER_LOG_ERROR)
		fprintf(stderr, "%s\n", line);
}

static void
setup(void)
{
	struct hostkern_config conf = { .console_fd = -1 };
	struct rumpserver_config sc = { .kernel = &hostkern_kernel,
	    .log = be_quiet, .allow_anyone = true,
	    .prefork_timeout_ms = 300, .answer_timeout_ms = 5000 };
	char why[256];
	unsigned i;

	guest_confine();
	fds_before = fuzz_fds();
	conf.root = guest_root();
	hk = hostkern_create(&conf, why, sizeof(why));
	if (hk == NULL)
		fuzz_fail("%s", why);
	sc.kern = hk;
	srv = rumpserver_create(&sc);
	if (srv == NULL || rumpserver_start(srv) == -1)
		fuzz_fail("no server: %s", strerror(errno));
	for (i = 0; i < PEERS; i++) {
		peers[i].id = i;
		peers[i].fd = -1;
		peers[i].heard = heard;
	}
	record_on();
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
	.name = "fuzz_session", .setup = setup, .make = make, .run = run,
	.finish = finish, .seconds = UNDER_SANITIZER ? 60 : 1
};
