/*
 * A server and hostile clients.
 *
 * An input is a list of things that up to three clients do to a server with a
 * small kernel, in threads or in an event loop: well-formed frames, frames
 * with something wrong, halves of frames, floods, answers of all kinds to what
 * the server asks, disconnects.  Afterwards every client hangs up, and the
 * server must have come back to where it was, with at most a line of warning
 * or two a client.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

/* --- the kernel --- */

enum {
	K_GETPID, K_COPYIN, K_COPYINSTR, K_COPYOUT, K_COPYOUTSTR, K_BORROW,
	K_RESERVE, K_ANONMMAP, K_RAISE, K_WAIT, K_WAITFD, K_BLOCK, K_MANY,
	K_SILENT, K_ERROR, K_NCALLS
};

enum { NAP_MS = 60, MAX_COPY = 3 << 20 };

struct kernel {
	pthread_mutex_t lock;
	pthread_cond_t cond;		/* an interrupt has come */
	int never[2];			/* a pipe that is never readable */
	atomic_int procs, lwps;
	atomic_int warnings;
	bool loop;
	struct rumpserver *srv;
};

struct proc {
	atomic_int calls, lwps;
};

static struct kernel kernels[2];

static struct proc *
lwp_private(const struct lwp *l)
{

	return rumpserver_proc_private(rumpserver_lwp_proc(l));
}

static int
make_proc(struct kernel *k, struct rump_proc *p)
{
	struct proc *pr;

	pr = calloc(1, sizeof(*pr));
	if (pr == NULL)
		return RUMP_ENOMEM;
	rumpserver_proc_setprivate(p, pr);
	atomic_fetch_add(&k->procs, 1);
	return 0;
}

static int
k_new(void *kern, struct rump_proc *p, const struct rumpserver_peer *peer,
    const char *comm)
{

	(void)peer;
	return comm[0] == 'R' ? RUMP_EPERM : make_proc(kern, p);
}

static int
k_copy(void *kern, struct rump_proc *child, struct rump_proc *parent)
{
	struct proc *pr = rumpserver_proc_private(parent);

	if (atomic_load(&pr->calls) % 4 == 3)
		return RUMP_EAGAIN;
	return make_proc(kern, child);
}

static int
k_exec(void *kern, struct rump_proc *p, const char *comm)
{
	struct proc *pr = rumpserver_proc_private(p);

	(void)kern;
	if (atomic_load(&pr->calls) != 0)
		fuzz_fail("an exec beside a call");
	return comm[0] == 'E' ? RUMP_ENOMEM : 0;
}

static void
k_exit(void *kern, struct rump_proc *p)
{
	struct proc *pr = rumpserver_proc_private(p);
	struct kernel *k = kern;

	if (atomic_load(&pr->calls) != 0 || atomic_load(&pr->lwps) != 0)
		fuzz_fail("a process ends before its calls and lwps");
	free(pr);
	atomic_fetch_sub(&k->procs, 1);
}

static int
k_lwp_new(void *kern, struct lwp *l)
{
	struct kernel *k = kern;

	atomic_fetch_add(&k->lwps, 1);
	atomic_fetch_add(&lwp_private(l)->lwps, 1);
	rumpserver_lwp_setprivate(l, k);
	return 0;
}

static void
k_lwp_release(void *kern, struct lwp *l)
{
	struct kernel *k = kern;

	if (rumpserver_lwp_private(l) != k)
		fuzz_fail("release of an unknown lwp");
	atomic_fetch_sub(&k->lwps, 1);
	atomic_fetch_sub(&lwp_private(l)->lwps, 1);
}

static void
k_interrupt(void *kern, struct lwp *l)
{
	struct kernel *k = kern;

	if (rumpserver_lwp_private(l) != k)
		fuzz_fail("interrupt of an unknown lwp");
	pthread_mutex_lock(&k->lock);
	pthread_cond_broadcast(&k->cond);
	pthread_mutex_unlock(&k->lock);
}

/* Sleeps where the server does not know. */
static int
nap(struct kernel *k, struct lwp *l, bool tell)
{
	struct timespec until;

	if (k->loop)
		return 0;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += NAP_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (tell)
		rumpserver_block(l);
	pthread_mutex_lock(&k->lock);
	while (!rumpserver_interrupted(l) && pthread_cond_timedwait(&k->cond,
	    &k->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&k->lock);
	if (tell)
		rumpserver_unblock(l);
	return rumpserver_interrupted(l) ? RUMP_EINTR : 0;
}

static int
wait_for(struct kernel *k, struct lwp *l, bool fd, unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)(ms % NAP_MS) * 1000000 };
	struct pollfd pfd = { .fd = k->never[0], .events = POLLIN };

	return rumpserver_wait(l, fd ? &pfd : NULL, fd ? 1 : 0, &ts);
}

static int
copy_in(struct lwp *l, int num, uint64_t addr, size_t len, register_t *sum)
{
	size_t i, done;
	const void *p;
	uint8_t *buf;
	int error;

	buf = malloc(len != 0 ? len : 1);
	done = len;
	p = buf;
	if (num == K_COPYINSTR)
		error = rumpserver_copyinstr(l, addr, (char *)buf, len, &done);
	else if (num == K_BORROW)
		error = rumpserver_copyin_borrow(l, addr, len, &p);
	else
		error = rumpserver_copyin(l, addr, buf, len);
	if (error == 0) {
		if (num == K_COPYINSTR && strlen((char *)buf) + 1 != done)
			fuzz_fail("copyinstr's length");
		for (i = 0; i < done; i++)
			*sum += ((const uint8_t *)p)[i];
	}
	free(buf);
	return error;
}

static int
copy_out(struct lwp *l, int num, uint64_t addr, size_t len, uint64_t used)
{
	void *buf;
	int error;

	if (num == K_RESERVE) {
		error = rumpserver_copyout_reserve(l, addr, len, &buf);
		if (error != 0)
			return error;
		memset(buf, 'r', len);
		return rumpserver_copyout_commit(l, (size_t)used);
	}
	buf = malloc(len + 1);
	memset(buf, 'x', len);
	((char *)buf)[len] = '\0';
	if (num == K_COPYOUTSTR)
		error = rumpserver_copyoutstr(l, buf, addr, len + 1, NULL);
	else
		error = rumpserver_copyout(l, buf, addr, len);
	free(buf);
	return error;
}

static int
many(struct kernel *k, struct lwp *l, uint64_t addr, uint64_t n,
    register_t *sum)
{
	uint64_t i;
	int error;

	error = 0;
	for (i = 0; i < n % 20 && error == 0; i++) {
		(void)copy_out(l, K_COPYOUT, addr, (size_t)(i * 1000), 0);
		error = copy_in(l, K_COPYIN, addr, (size_t)(i * 10 + 1), sum);
		(void)rumpserver_raise(rumpserver_lwp_proc(l), (int)i);
		if (i % 4 == 3 && error == 0)
			error = wait_for(k, l, i & 4, 1);
	}
	return error;
}

static int
call(struct kernel *k, struct lwp *l, int num, const uint64_t *a,
    register_t *rv)
{
	size_t len = (size_t)(a[1] % MAX_COPY);
	rump_uaddr_t addr;

	switch (num) {
	case K_COPYIN:
	case K_COPYINSTR:
	case K_BORROW:
		return copy_in(l, num, a[0], len, rv);
	case K_COPYOUT:
	case K_COPYOUTSTR:
	case K_RESERVE:
		return copy_out(l, num, a[0], len, a[2]);
	case K_ANONMMAP:
		return rumpserver_anonmmap(l, len, &addr);
	case K_RAISE:
		return rumpserver_raise(rumpserver_lwp_proc(l), (int)a[0]);
	case K_WAIT:
	case K_WAITFD:
		return wait_for(k, l, num == K_WAITFD, (unsigned)a[0]);
	case K_BLOCK:
	case K_SILENT:
		return nap(k, l, num == K_BLOCK);
	case K_MANY:
		return many(k, l, a[0], a[1], rv);
	case K_ERROR:
		return (int)a[0];
	default:
		return 0;
	}
}

static int
k_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t rv[2])
{
	uint64_t a[3] = { 0 };
	struct proc *pr = lwp_private(l);
	int error;

	if (num < 0 || num >= K_NCALLS)
		return RUMP_ENOSYS;
	memcpy(a, args, len < sizeof(a) ? len : sizeof(a));
	atomic_fetch_add(&pr->calls, 1);
	error = call(kern, l, num, a, rv);
	atomic_fetch_sub(&pr->calls, 1);
	return error;
}

static const struct rumpserver_kernel kernel_ops = {
	.name = "fuzz", .ostype = "Fuzz", .osrelease = "1", .machine = "any",
	.proc_new = k_new, .proc_copy = k_copy, .proc_exec = k_exec,
	.proc_exit = k_exit, .lwp_new = k_lwp_new,
	.lwp_release = k_lwp_release, .syscall = k_syscall,
	.interrupt = k_interrupt,
};

/* --- the clients --- */

enum { MAX_CLIENTS = 3, MAX_ASKED = 32, MAX_COOKIES = 8, MAX_STEPS = 200 };

struct asked {
	uint64_t reqno, len;
	uint16_t type;
};

struct client {
	int fd;			/* -1: none */
	bool banner;		/* it has come */
	uint64_t reqno;
	uint8_t hdr[24 + 16];	/* of the frame that comes */
	size_t got;
	uint64_t skip;		/* bytes of its body still to come */
	bool collect;		/* the body is a cookie */
	struct asked asked[MAX_ASKED];
	unsigned nasked;
};

struct scene {
	struct kernel *k;
	struct supply in;
	struct client clients[MAX_CLIENTS];
	struct client *cl;	/* the one that acts */
	uint8_t cookies[MAX_COOKIES][16];
	unsigned ncookies, connected;
};

static void
step(struct kernel *k, int ms)
{
	struct pollfd pfd = { .fd = rumpserver_pollfd(k->srv),
	    .events = POLLIN };

	if (!k->loop)
		return;
	(void)poll(&pfd, 1, ms);
	(void)rumpserver_step(k->srv);
}

static void
client_close(struct client *cl)
{

	if (cl->fd != -1)
		close(cl->fd);
	*cl = (struct client){ .fd = -1 };
}

static void
client_open(struct scene *s, struct client *cl)
{
	int sv[2];

	client_close(cl);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		fuzz_fail("socketpair: %s", strerror(errno));
	if (rumpserver_serve_fd(s->k->srv, sv[1]) == -1)
		fuzz_fail("serve_fd: %s", strerror(errno));
	*cl = (struct client){ .fd = sv[0], .reqno = 1 };
	s->connected++;
}

/* A whole header of the server's, and of a copy its length. */
static void
noted(struct client *cl)
{
	struct asked a = { 0 };
	uint16_t class;
	uint64_t len;

	memcpy(&len, cl->hdr, 8);
	memcpy(&a.reqno, cl->hdr + 8, 8);
	memcpy(&class, cl->hdr + 16, 2);
	memcpy(&a.type, cl->hdr + 18, 2);
	if (len < 24 || len > (32 << 20) || class > 2 || a.type > 8)
		fuzz_fail("the server sends a frame of length %llu, class %u, "
		    "type %u", (unsigned long long)len, class, a.type);
	if (class == 0 && a.type >= 2 && a.type <= 5)
		memcpy(&a.len, cl->hdr + 24, 8);
	if (class == 0 && (a.type == 2 || a.type == 3 || a.type == 6) &&
	    cl->nasked < MAX_ASKED)
		cl->asked[cl->nasked++] = a;
}

static bool
is_cookie(const struct client *cl)
{

	return cl->hdr[16] == 1 && cl->hdr[18] == 7;
}

/* How much of a frame is looked at. */
static size_t
looked_at(const struct client *cl)
{
	uint64_t len;

	if (cl->got < 24)
		return 24;
	memcpy(&len, cl->hdr, 8);
	return len < sizeof(cl->hdr) ? (size_t)len : sizeof(cl->hdr);
}

static void
hear_byte(struct scene *s, struct client *cl, uint8_t byte)
{
	uint64_t len;

	if (!cl->banner) {
		cl->banner = byte == '\n';
		return;
	}
	cl->hdr[cl->got++] = byte;
	if (cl->got < looked_at(cl))
		return;
	noted(cl);
	if (is_cookie(cl) && s->ncookies < MAX_COOKIES)
		memcpy(s->cookies[s->ncookies++], cl->hdr + 24, 16);
	memcpy(&len, cl->hdr, 8);
	cl->skip = len - cl->got;
	cl->got = 0;
}

static void
hear(struct scene *s, struct client *cl, int ms)
{
	static uint8_t buf[65536];
	struct pollfd pfd = { .fd = cl->fd, .events = POLLIN };
	ssize_t n, i, m;

	if (cl->fd == -1)
		return;
	step(s->k, 0);
	if (poll(&pfd, 1, s->k->loop ? 0 : ms) != 1)
		return;
	n = recv(cl->fd, buf, sizeof(buf), MSG_DONTWAIT);
	for (i = 0; i < n; i++) {
		if (cl->skip > 0) {
			m = cl->skip < (uint64_t)(n - i) ? (ssize_t)cl->skip :
			    n - i;
			cl->skip -= (uint64_t)m;
			i += m - 1;
			continue;
		}
		hear_byte(s, cl, buf[i]);
	}
}

static void
say(struct scene *s, const void *data, size_t len)
{
	const char *p = data;
	unsigned tries;
	ssize_t n;

	for (tries = 0; len > 0 && tries < 8; tries++) {
		n = send(s->cl->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN)
			return;
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else {
			hear(s, s->cl, 1);
		}
	}
}

static void
say_frame(struct scene *s, unsigned class, unsigned type, uint64_t reqno,
    uint32_t u, const void *body, size_t len, uint64_t claimed)
{
	uint8_t *f;
	uint16_t c = (uint16_t)class, t = (uint16_t)type;

	f = malloc(24 + len);
	memcpy(f, &claimed, 8);
	memcpy(f + 8, &reqno, 8);
	memcpy(f + 16, &c, 2);
	memcpy(f + 18, &t, 2);
	memcpy(f + 20, &u, 4);
	if (len > 0)
		memcpy(f + 24, body, len);
	say(s, f, 24 + len);
	free(f);
}

static void
ask(struct scene *s, unsigned type, uint32_t u, const void *body, size_t len)
{

	say_frame(s, 0, type, s->cl->reqno++, u, body, len, 24 + len);
}

static void
ask_call(struct scene *s)
{
	uint64_t a[3];
	uint32_t num;

	num = take8(&s->in) % (K_NCALLS + 1);
	a[0] = take8(&s->in);
	a[1] = take_length(&s->in);
	a[2] = a[1] - take8(&s->in) % 3;
	ask(s, 1, num, a, sizeof(a));
}

static void
ask_fork(struct scene *s)
{
	uint8_t body[20];
	uint8_t how = take8(&s->in);

	memset(body, how, sizeof(body));
	if (s->ncookies > 0 && how < 200)
		memcpy(body, s->cookies[how % s->ncookies], 16);
	memset(body + 16, how % 4 == 3, 4);
	ask(s, 0, 2, body, sizeof(body));
}

/* Answers what was asked first. */
static void
answer(struct scene *s, bool well)
{
	struct client *cl = s->cl;
	struct asked a;
	uint8_t *body;
	uint64_t len;

	hear(s, cl, 1);
	if (cl->nasked == 0)
		return;
	a = cl->asked[0];
	memmove(cl->asked, cl->asked + 1, --cl->nasked * sizeof(a));
	len = a.type == 6 ? 8 : a.len;
	if (a.type == 3 && len > 8)
		len = 8;
	if (len > MAX_COPY)
		fuzz_fail("asks for %llu bytes", (unsigned long long)len);
	body = calloc(1, len + 64);
	memset(body, 'a', a.type == 3 && len > 0 ? len - 1 : len);
	if (well) {
		say_frame(s, 1, a.type, a.reqno, 0, body, len, 24 + len);
	} else switch (take8(&s->in) % 8) {
	case 0:
		say_frame(s, 2, 0, a.reqno, take8(&s->in), NULL, 0, 24);
		break;
	case 1:
		say_frame(s, 1, a.type, a.reqno, 0, body, len + 1, 25 + len);
		break;
	case 2:
		say_frame(s, 1, a.type, a.reqno, 0, body, len / 2,
		    24 + len / 2);
		break;
	case 3:
		say_frame(s, 1, a.type, a.reqno + 1, 0, body, len, 24 + len);
		break;
	case 4:
		say_frame(s, 1, take8(&s->in) % 9, a.reqno, 0, body, len,
		    24 + len);
		break;
	case 5:		/* half of it */
		say_frame(s, 1, a.type, a.reqno, 0, body, len / 2, 24 + len);
		break;
	case 6:		/* twice */
		say_frame(s, 1, a.type, a.reqno, 0, body, len, 24 + len);
		say_frame(s, 1, a.type, a.reqno, 0, body, len, 24 + len);
		break;
	default:	/* in two parts, with something in between */
		say_frame(s, 1, a.type, a.reqno, 0, body, len / 2, 24 + len);
		step(s->k, 1);
		say(s, body, len - len / 2);
	}
	free(body);
}

static void
any_frame(struct scene *s)
{
	uint8_t body[256];
	uint64_t claimed, reqno;
	size_t n;
	unsigned class, type;

	class = take8(&s->in) % 4;
	type = take8(&s->in) % 10;
	claimed = 24 + take_length(&s->in);
	reqno = take8(&s->in) < 200 ? take8(&s->in) : take64(&s->in);
	n = take_bytes(&s->in, body, take8(&s->in));
	say_frame(s, class, type, reqno, take8(&s->in) % 5, body, n, claimed);
}

static void
flood(struct scene *s)
{
	unsigned n = 20 * (1 + take8(&s->in) % 16), i, what;
	const uint64_t a[3] = { 1, 50, 50 };

	what = take8(&s->in) % 4;
	for (i = 0; i < n; i++) {
		if (what == 0)
			ask(s, 7, 0, NULL, 0);
		else
			ask(s, 1, (uint32_t)(what * i) % K_NCALLS, a,
			    sizeof(a));
	}
}

static void
act(struct scene *s)
{
	uint8_t buf[256];
	size_t n;
	uint8_t what;

	what = take8(&s->in);
	s->cl = &s->clients[what / 16 % MAX_CLIENTS];
	if (s->cl->fd == -1)
		client_open(s, s->cl);
	switch (what % 16) {
	case 0:
	case 1:
		ask(s, 0, 0, "guest", 6);
		break;
	case 2:
		n = take_bytes(&s->in, buf, take8(&s->in));
		ask(s, 0, take8(&s->in) % 5, buf, n);
		break;
	case 3:
	case 4:
	case 5:
		ask_call(s);
		break;
	case 6:
		hear(s, s->cl, 2);
		break;
	case 7:
	case 8:
		answer(s, true);
		break;
	case 9:
		answer(s, false);
		break;
	case 10:
		ask(s, 7, 0, NULL, 0);
		break;
	case 11:
		ask_fork(s);
		break;
	case 12:
		ask(s, 0, 3, take8(&s->in) < 200 ? "exec" : "Exec", 5);
		break;
	case 13:
		any_frame(s);
		break;
	case 14:
		if (take8(&s->in) < 128)
			flood(s);
		else
			say(s, buf, take_bytes(&s->in, buf, take8(&s->in)));
		break;
	default:
		if (take8(&s->in) < 128)
			shutdown(s->cl->fd, SHUT_WR);
		else
			client_close(s->cl);
	}
	step(s->k, 0);
}

/* All hang up; the server must come to rest. */
static void
settle(struct scene *s)
{
	struct rumpserver_stats st;
	struct kernel *k = s->k;
	unsigned i;

	for (i = 0; i < MAX_CLIENTS; i++)
		client_close(&s->clients[i]);
	if (!k->loop)
		rumpserver_join(k->srv);
	do {
		step(k, 10);
		rumpserver_getstats(k->srv, &st);
	} while (st.clients != 0);
	if (st.calls_now != 0)
		fuzz_fail("calls without clients");
	if (atomic_load(&k->lwps) != 0)
		fuzz_fail("lwps without clients");
	if (atomic_exchange(&k->warnings, 0) > 10 * (int)s->connected)
		fuzz_fail("more warnings than clients");
}

static void
run(const uint8_t *data, size_t len)
{
	struct scene s = { .in = { data, len } };
	unsigned i, steps;
	uint8_t how;

	how = take8(&s.in);
	s.k = &kernels[how % 2];
	for (i = 0; i < MAX_CLIENTS; i++)
		s.clients[i].fd = -1;
	if (how & 2) {		/* bytes as they are */
		s.cl = &s.clients[0];
		client_open(&s, s.cl);
		for (; s.in.left > 0; hear(&s, s.cl, 0)) {
			i = 1 + how * 8;
			if (i > s.in.left)
				i = (unsigned)s.in.left;
			say(&s, s.in.p, i);
			s.in.p += i;
			s.in.left -= i;
		}
		hear(&s, s.cl, 1);
	} else {
		for (steps = 0; s.in.left > 0 && steps < MAX_STEPS; steps++)
			act(&s);
	}
	settle(&s);
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{
	size_t len;

	buf[0] = (uint8_t)rng_next(r);
	if (buf[0] & 2) {
		len = fuzz_recorded(r, true, buf + 1, FUZZ_MAX / 2);
		return 1 + fuzz_mutate(r, buf + 1, len, FUZZ_MAX - 1);
	}
	buf[1] = 0;		/* a guest to begin with */
	return 2 + fuzz_random(r, buf + 2, 200);
}

/* --- the servers --- */

static unsigned fds_before;

static void
count_line(void *cookie, enum rumpserver_loglevel level, const char *line)
{
	struct kernel *k = cookie;

	if (level <= RUMPSERVER_LOG_WARN)
		atomic_fetch_add(&k->warnings, 1);
	if (getenv("FUZZ_LOG") != NULL)
		fprintf(stderr, "%d %s\n", level, line);
}

static void
start(struct kernel *k, bool loop)
{
	struct rumpserver_config cfg = {
		.kernel = &kernel_ops, .kern = k, .log = count_line,
		.log_cookie = k, .max_calls_per_client = 24,
		.max_preforks_per_proc = 5, .prefork_timeout_ms = 500,
		.handshake_timeout_ms = 2000, .frame_timeout_ms = 2000,
		.send_timeout_ms = 2000, .answer_timeout_ms = 2000,
	};

	k->loop = loop;
	pthread_mutex_init(&k->lock, NULL);
	pthread_cond_init(&k->cond, NULL);
	if (pipe(k->never) == -1)
		fuzz_fail("pipe: %s", strerror(errno));
	k->srv = rumpserver_create(&cfg);
	if (k->srv == NULL || (!loop && rumpserver_start(k->srv) == -1))
		fuzz_fail("no server: %s", strerror(errno));
	step(k, 0);
}

static void
stop(struct kernel *k)
{
	struct rumpserver_stats st;

	rumpserver_stop(k->srv, 0);
	rumpserver_getstats(k->srv, &st);
	if (st.clients != 0 || st.calls_now != 0 || st.preforks_now != 0 ||
	    st.threads != 0)
		fuzz_fail("a stopped server has clients, calls or threads");
	rumpserver_destroy(k->srv);
	if (atomic_load(&k->procs) != 0 || atomic_load(&k->lwps) != 0)
		fuzz_fail("processes or lwps are left");
	close(k->never[0]);
	close(k->never[1]);
	pthread_mutex_destroy(&k->lock);
	pthread_cond_destroy(&k->cond);
}

static void
setup(void)
{

	fds_before = fuzz_fds();
	start(&kernels[0], false);
	start(&kernels[1], true);
}

static void
finish(void)
{

	stop(&kernels[0]);
	stop(&kernels[1]);
	if (fuzz_fds() != fds_before)
		fuzz_fail("%u descriptors are left", fuzz_fds() - fds_before);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_server", .setup = setup, .make = make, .run = run,
	.finish = finish
};
