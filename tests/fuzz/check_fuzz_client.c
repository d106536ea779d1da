/*
 * The client library and a hostile server.
 *
 * An input says what a server does on one connection: banner, handshake, and
 * then answers, copies of all kinds, signals, wrong frames, halves of frames,
 * silence and hanging up, while one or two threads make calls.  The library
 * connects anew for every input.  No call may hang, the server may not write
 * where the guard does not let it, no descriptor may be left.
 *
 * What would be the server's right but the end of this process is kept from
 * it: a copyout goes to memory that is meant for it or that cannot be written,
 * a signal is one that has a handler, a mapping is small (or too large).
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "wire/frame.h"

#include <rump/rump_sysnum.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

enum { PAGE = 4096, THREADS = 2, MAX_PENDING = 32, MAX_STEPS = 100 };

/* Places in the calls' memory. */
enum { NAMELEN = 200, PATH = 1000 };

/* --- the program's memory --- */

/* room: what calls name.  canary: what they do not.  fixed: cannot be
 * written.  none: is not there. */
static struct {
	uint8_t room[4 * PAGE], none[PAGE], fixed[PAGE], none2[PAGE],
	    canary[PAGE];
} *mem;

static void
map_memory(void)
{

	mem = mmap(NULL, sizeof(*mem), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED)
		fuzz_fail("mmap: %s", strerror(errno));
	memset(mem->canary, 0xca, sizeof(mem->canary));
	mprotect(mem->none, PAGE, PROT_NONE);
	mprotect(mem->none2, PAGE, PROT_NONE);
	mprotect(mem->fixed, PAGE, PROT_READ);
}

/* --- the program: threads that make calls --- */

struct caller {
	pthread_t thread;
	sem_t go;
	uint8_t plan[4];
};

static struct caller callers[THREADS];
static sigset_t handled;	/* signals that the callers have handlers for */
static int donefd;
static bool quit;

/* This thread is at its plan; what a signal's handler does belongs to the
 * same input, and is over when the plan is. */
static __thread volatile sig_atomic_t at_plan;

static void
one_call(unsigned what)
{
	struct rump_iovec iov[3] = {
		{ mem->room, 100 }, { mem->room + 8000, 300 },
		{ mem->room + 12000, 4384 }
	};
	struct rump_msghdr msg = { .msg_name = mem->room, .msg_namelen = 16,
	    .msg_iov = iov, .msg_iovlen = 3, .msg_control = mem->room + 500,
	    .msg_controllen = 100 };
	struct rumpclient_fork *rf;
	register_t rv[2];
	uint64_t a[4] = { 3, (uintptr_t)mem->room, 4 * PAGE, 0 };
	int num;

	num = RUMP_SYS_getpid;
	switch (what % 9) {
	case 0:
		break;
	case 1:
		num = RUMP_SYS_read;
		break;
	case 2:
		num = RUMP_SYS_write;
		break;
	case 3:
		num = RUMP_SYS_open;
		a[0] = (uintptr_t)mem->room + PATH;
		a[1] = 0;
		break;
	case 4:
		num = RUMP_SYS_readv;
		a[1] = (uintptr_t)iov;
		a[2] = 3;
		break;
	case 5:
		num = RUMP_SYS_recvmsg;
		a[1] = (uintptr_t)&msg;
		break;
	case 6:
		num = RUMP_SYS_getsockname;
		a[2] = (uintptr_t)mem->room + NAMELEN;
		break;
	case 7:
		rf = rumpclient_prefork();
		if (rf != NULL)
			rumpclient_fork_done(rf);
		return;
	default:
		num = RUMP_SYS_write;
		a[1] = (uintptr_t)mem->room + 3 * PAGE + 4000;
		a[2] = 200;	/* runs into what is not there */
	}
	(void)rumpclient_syscall(num, a, sizeof(a), rv);
}

static void *
make_calls(void *arg)
{
	struct caller *c = arg;
	size_t i;

	pthread_sigmask(SIG_UNBLOCK, &handled, NULL);
	for (;;) {
		while (sem_wait(&c->go) == -1)
			continue;
		if (quit)
			return NULL;
		at_plan = 1;
		for (i = 0; i < sizeof(c->plan); i++)
			if (c->plan[i] < 200)
				one_call(c->plan[i]);
		at_plan = 0;
		eventfd_write(donefd, 1);
	}
}

/* A handler that makes a call, if not itself in the middle of one. */
static void
on_signal(int signo)
{
	static __thread int depth;
	register_t rv[2];

	(void)signo;
	if (depth++ == 0 && at_plan)
		(void)rumpclient_syscall(RUMP_SYS_getppid, NULL, 0, rv);
	depth--;
}

/* --- the server --- */

struct pending {
	uint64_t reqno;
	uint16_t type;
};

struct server {
	struct supply in;
	int fd;
	bool guarded;
	/* What the client says. */
	uint8_t hdr[24];
	size_t got;
	uint64_t skip;
	struct pending pending[MAX_PENDING];
	unsigned npending;
	uint64_t reqno;
	/* What we say, up to the end of a header, copy or mapping. */
	uint8_t out[40];
	size_t nout;
	uint64_t body;		/* bytes of the body that follow as they are */
	bool broken;		/* the client follows no more */
	bool deaf;		/* the client reads no more */
	size_t piece;		/* bytes in one send, 0: all */
};

static int listener = -1;
static unsigned fds_before;

static bool
within(uint64_t addr, uint64_t len, const void *p, size_t size)
{
	uint64_t at = (uintptr_t)p;

	return addr >= at && addr - at <= size && len <= size - (addr - at);
}

/* Where a copyout is ours to let through. */
static bool
harmless(const struct server *s, uint64_t addr, uint64_t len)
{

	if (addr < PAGE || addr > (uint64_t)1 << 48)
		return len < (uint64_t)1 << 40;
	if (s->guarded && within(addr, len, mem->canary, PAGE))
		return true;
	/* Up to the page that is not there, and then no further. */
	return within(addr, 0, mem, offsetof(__typeof__(*mem), none2));
}

static void
say_out(struct server *s, const uint8_t *p, size_t len)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLOUT };
	size_t n, m;
	ssize_t k;
	unsigned tries;

	for (tries = 0; len > 0 && !s->deaf; ) {
		m = s->piece != 0 && s->piece < len ? s->piece : len;
		k = send(s->fd, p, m, MSG_NOSIGNAL | MSG_DONTWAIT);
		n = k > 0 ? (size_t)k : 0;
		tries = n > 0 ? 0 : tries + 1;
		s->deaf = (k == -1 && errno != EAGAIN) || tries == 10;
		if (n == 0)
			(void)poll(&pfd, 1, 1);
		p += n;
		len -= n;
	}
}

/* The head of a frame is complete: is it fit to be sent? */
static void
tame(struct server *s)
{
	struct frame_hdr hdr;
	struct frame_copy copy;
	uint64_t len;
	static const uint32_t signals[] = { 1, 28, 30, 31 };

	memcpy(&hdr, s->out, sizeof(hdr));
	if (hdr.class != FRAME_REQ)
		return;
	if (hdr.type == FRAME_RAISE && hdr.u <= 64) {
		hdr.u = signals[hdr.u % 4];
		memcpy(s->out, &hdr, sizeof(hdr));
	} else if (hdr.type == FRAME_ANONMMAP) {
		memcpy(&len, s->out + 24, sizeof(len));
		if (len <= 1 << 30)
			len %= 65536;
		memcpy(s->out + 24, &len, sizeof(len));
	} else if (hdr.type == FRAME_COPYOUT || hdr.type == FRAME_COPYOUTSTR) {
		memcpy(&copy, s->out + 24, sizeof(copy));
		if (!harmless(s, copy.addr, copy.len))
			copy.addr = (uintptr_t)mem->none;
		memcpy(s->out + 24, &copy, sizeof(copy));
	}
}

/* Bytes of the head that must be complete before any of them is sent. */
static size_t
head(const struct server *s)
{
	struct frame_hdr hdr;

	memcpy(&hdr, s->out, sizeof(hdr));
	if (hdr.class != FRAME_REQ)
		return 24;
	if (hdr.type == FRAME_ANONMMAP)
		return 32;
	if (hdr.type == FRAME_COPYOUT || hdr.type == FRAME_COPYOUTSTR)
		return 40;
	return 24;
}

/* Everything that the server says goes through here. */
static void
say(struct server *s, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct frame_hdr hdr;
	size_t n;

	while (len > 0) {
		if (s->broken || s->body > 0) {
			n = s->broken || s->body > len ? len :
			    (size_t)s->body;
			say_out(s, p, n);
			s->body -= s->broken ? 0 : n;
			p += n;
			len -= n;
			continue;
		}
		s->out[s->nout++] = *p++;
		len--;
		if (s->nout < 24)
			continue;
		memcpy(&hdr, s->out, sizeof(hdr));
		if (frame_check(&hdr, FRAME_FROM_SERVER) != NULL) {
			s->broken = true;
		} else if (s->nout < head(s)) {
			continue;
		} else {
			tame(s);
			s->body = hdr.len - s->nout;
		}
		say_out(s, s->out, s->nout);
		s->nout = 0;
	}
}

static void
say_frame(struct server *s, unsigned class, unsigned type, uint64_t reqno,
    uint32_t u, const void *body, size_t len, uint64_t claimed)
{
	struct frame_hdr hdr;
	uint8_t *f;

	hdr = frame_hdr(class, type, reqno, u, 0);
	hdr.len = claimed;
	f = malloc(sizeof(hdr) + len);
	memcpy(f, &hdr, sizeof(hdr));
	if (len > 0)
		memcpy(f + sizeof(hdr), body, len);
	say(s, f, sizeof(hdr) + len);
	free(f);
}

static void
heard(struct server *s)
{
	struct frame_hdr hdr;

	memcpy(&hdr, s->hdr, sizeof(hdr));
	if (frame_check(&hdr, FRAME_FROM_CLIENT) != NULL)
		fuzz_fail("the client sends a frame of length %llu, class %u, "
		    "type %u", (unsigned long long)hdr.len, hdr.class,
		    hdr.type);
	s->skip = hdr.len - sizeof(hdr);
	s->got = 0;
	if (hdr.class == FRAME_REQ && s->npending < MAX_PENDING)
		s->pending[s->npending++] = (struct pending){ hdr.reqno,
		    hdr.type };
}

/* Listens for up to ms milliseconds.  False at the end. */
static bool
hear(struct server *s, int ms)
{
	static uint8_t buf[65536];
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	ssize_t n, i;
	uint64_t m;

	if (poll(&pfd, 1, ms) != 1)
		return true;
	n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
	for (i = 0; i < n; ) {
		m = (uint64_t)(n - i);
		if (s->skip > 0) {
			m = s->skip < m ? s->skip : m;
			s->skip -= m;
			i += (ssize_t)m;
			continue;
		}
		s->hdr[s->got++] = buf[i++];
		if (s->got == sizeof(s->hdr))
			heard(s);
	}
	return n > 0 || (n == -1 && errno == EAGAIN);
}

static uint64_t
an_address(struct server *s)
{
	uint8_t how = take8(&s->in), off = take8(&s->in);

	switch (how % 10) {
	case 0:
		return off;
	case 1:
		return (uint64_t)0 - off;
	case 2:
		return (uint64_t)1 << 63 | off;
	case 3:
		return (uintptr_t)mem->canary + off;
	case 4:
		return (uintptr_t)mem->fixed + off;
	case 5:
		return (uintptr_t)mem->none - off;
	case 6:
		return (uintptr_t)mem->room + 1000;
	default:
		return (uintptr_t)mem->room + off * 16u;
	}
}

static void
answer(struct server *s, bool well)
{
	struct pending p;
	union {
		struct frame_sysresp resp;
		uint32_t cookie[4];
		int32_t error;
	} body = { .resp = { 0 } };
	size_t len;

	if (s->npending == 0)
		(void)hear(s, 2);
	if (s->npending == 0)
		return;
	p = s->pending[0];
	memmove(s->pending, s->pending + 1, --s->npending * sizeof(p));
	len = p.type == FRAME_SYSCALL ? sizeof(body.resp) :
	    p.type == FRAME_PREFORK ? sizeof(body.cookie) : sizeof(body.error);
	if (p.type == FRAME_SYSCALL)
		body.resp.error = (int8_t)take8(&s->in) / 2;
	if (well) {
		say_frame(s, FRAME_RESP, p.type, p.reqno, 0, &body, len,
		    24 + len);
		return;
	}
	switch (take8(&s->in) % 6) {
	case 0:
		say_frame(s, FRAME_ERROR, 0, p.reqno, take8(&s->in), NULL, 0,
		    24);
		break;
	case 1:
		say_frame(s, FRAME_RESP, take8(&s->in) % 9, p.reqno, 0, &body,
		    len, 24 + len);
		break;
	case 2:
		say_frame(s, FRAME_RESP, p.type, p.reqno + 1, 0, &body, len,
		    24 + len);
		break;
	case 3:
		say_frame(s, FRAME_RESP, p.type, p.reqno, 0, &body, len / 2,
		    24 + len / 2);
		break;
	case 4:		/* half of it */
		say_frame(s, FRAME_RESP, p.type, p.reqno, 0, &body, len / 2,
		    24 + len);
		break;
	default:	/* twice */
		say_frame(s, FRAME_RESP, p.type, p.reqno, 0, &body, len,
		    24 + len);
		say_frame(s, FRAME_RESP, p.type, p.reqno, 0, &body, len,
		    24 + len);
	}
}

static void
copy_out(struct server *s)
{
	static uint8_t body[16 + (3 << 20)];
	struct frame_copy copy;
	uint64_t claimed;
	uint8_t how;
	size_t n;

	copy.addr = an_address(s);
	copy.len = take_length(&s->in) % (3 << 20);
	how = take8(&s->in);
	n = sizeof(copy) + (size_t)copy.len;
	claimed = 24 + n;
	if (how % 16 == 1)
		copy.len += how / 16;
	if (how % 16 == 2)
		copy.len = take64(&s->in);
	if (how % 16 == 3)
		n /= 2;
	memset(body, 'o', n);
	memcpy(body, &copy, sizeof(copy));
	say_frame(s, FRAME_REQ, FRAME_COPYOUT + (how >> 7), s->reqno++, 0,
	    body, n, claimed);
}

static void
copy_in(struct server *s, unsigned type)
{
	struct frame_copy copy;
	unsigned n = 1, i;

	copy.addr = an_address(s);
	copy.len = take_length(&s->in);
	if (copy.len == 200)
		n = 100;	/* a flood */
	if (copy.len == 201)
		copy.len = take64(&s->in);
	for (i = 0; i < n; i++)
		say_frame(s, FRAME_REQ, type, s->reqno++, 0, &copy,
		    sizeof(copy), 24 + sizeof(copy));
}

/* False: hangs up. */
static bool
act(struct server *s)
{
	uint8_t what = take8(&s->in), buf[256];
	uint64_t len;
	size_t n;

	switch (what % 16) {
	case 0:
	case 1:
	case 2:
		answer(s, true);
		return true;
	case 3:
		answer(s, false);
		return true;
	case 4:
	case 5:
		copy_in(s, FRAME_COPYIN);
		return true;
	case 6:
		copy_in(s, FRAME_COPYINSTR);
		return true;
	case 7:
	case 8:
		copy_out(s);
		return true;
	case 9:
		len = take8(&s->in) < 200 ? take_length(&s->in) :
		    take64(&s->in);
		say_frame(s, FRAME_REQ, FRAME_ANONMMAP, s->reqno++, 0, &len,
		    8, 32);
		return true;
	case 10:
		say_frame(s, FRAME_REQ, FRAME_RAISE, s->reqno++,
		    take8(&s->in) < 200 ? 30 : take32(&s->in), NULL, 0, 24);
		return true;
	case 11:
		n = take_bytes(&s->in, buf, take8(&s->in));
		if (what & 128)
			say(s, buf, n);
		else
			say_frame(s, take8(&s->in) % 4, take8(&s->in) % 10,
			    s->reqno, take8(&s->in), buf, n,
			    24 + take_length(&s->in));
		return true;
	case 12:
		s->piece = take8(&s->in) % 64;
		return true;
	case 13:
		return what < 128;
	default:
		return hear(s, 1);
	}
}

/* Banner and handshake; a few are not as they should be. */
static bool
greet(struct server *s)
{
	static const char good[] = "RUMPSP-0.4-Fuzz-1/any\n";
	uint8_t how = take8(&s->in), buf[128];
	unsigned i;

	if (how < 16) {
		say_out(s, buf, take_bytes(&s->in, buf, sizeof(buf)));
		return false;
	}
	if (how < 32) {
		memcpy(buf, good, sizeof(good));
		buf[how - 10] = take8(&s->in);
		say_out(s, buf, sizeof(good) - 1);
		return false;
	}
	say_out(s, (const uint8_t *)good, sizeof(good) - 1);
	for (i = 0; i < 2000 && s->npending == 0; i++)
		if (!hear(s, 5))
			return false;
	if (how < 64)
		answer(s, false);
	else
		answer(s, true);
	return true;
}

static void
converse(struct server *s)
{
	unsigned i;

	if (greet(s))
		for (i = 0; s->in.left > 0 && i < MAX_STEPS; i++)
			if (s->deaf || !act(s))
				break;
	close(s->fd);
}

/* Further connections are refused until the callers are done. */
static void
refuse_until_done(unsigned callers_left)
{
	struct pollfd pfd[2] = {
		{ .fd = listener, .events = POLLIN },
		{ .fd = donefd, .events = POLLIN },
	};
	eventfd_t n;
	int fd;

	while (callers_left > 0) {
		if (poll(pfd, 2, -1) == -1)
			continue;
		if (pfd[0].revents != 0) {
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd != -1)
				close(fd);
		}
		if (pfd[1].revents != 0 && eventfd_read(donefd, &n) == 0)
			callers_left -= (unsigned)n;
	}
}

/* True: fd is to be served; false: all callers are done without. */
static bool
wait_for_client(unsigned *callers_left, int *fd)
{
	struct pollfd pfd[2] = {
		{ .fd = listener, .events = POLLIN },
		{ .fd = donefd, .events = POLLIN },
	};
	eventfd_t n;

	while (*callers_left > 0) {
		if (poll(pfd, 2, -1) == -1)
			continue;
		if (pfd[0].revents != 0) {
			*fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			return *fd != -1;
		}
		if (eventfd_read(donefd, &n) == 0)
			*callers_left -= (unsigned)n;
	}
	return false;
}

static void
run(const uint8_t *data, size_t len)
{
	struct server s = { .in = { data, len } };
	unsigned i, left;
	uint8_t how;
	size_t j;

	how = take8(&s.in);
	s.guarded = how & 1;
	rumpclient_setguard(s.guarded);
	memcpy(mem->room + NAMELEN, &(uint32_t){ 100 }, sizeof(uint32_t));
	strcpy((char *)mem->room + PATH, "/a/path");
	left = how & 2 ? 2 : 1;
	for (i = 0; i < left; i++) {
		(void)take_bytes(&s.in, callers[i].plan, 4);
		sem_post(&callers[i].go);
	}
	if (wait_for_client(&left, &s.fd))
		converse(&s);
	refuse_until_done(left);
	for (j = 0; j < sizeof(mem->canary); j++)
		if (mem->canary[j] != 0xca)
			fuzz_fail("the canary is gone: byte %zu", j);
	/* Socket, eventfd and signalfd of a connection not found lost yet;
	 * finish() is exact. */
	if (fuzz_fds() > fds_before + 3)
		fuzz_fail("descriptors are left: %u, %u", fds_before,
		    fuzz_fds());
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{

	return fuzz_mutate(r, buf, fuzz_random(r, buf, 300), 400);
}

/* --- beginning and end --- */

static char dir[64], path[80];

static void
listen_here(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char locator[100];

	strcpy(dir, "/tmp/rumpgen-fuzz-XXXXXX");
	if (mkdtemp(dir) == NULL)
		fuzz_fail("mkdtemp: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/sock", dir);
	strcpy(sun.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(listener, 100) == -1)
		fuzz_fail("listen: %s", strerror(errno));
	snprintf(locator, sizeof(locator), "unix://%s", path);
	setenv("RUMP_SERVER", locator, 1);
	unsetenv("RUMP__PARSEDSERVER");
}

/* A first connection as it should be. */
static void *
first_connection(void *arg)
{
	static const uint8_t fine[3] = { 255 };
	struct server s = { .in = { fine, sizeof(fine) } };

	(void)arg;
	s.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	converse(&s);
	return NULL;
}

static void
setup(void)
{
	static const int signals[] = { SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH };
	struct sigaction sa = { .sa_handler = on_signal };
	pthread_t t;
	size_t i;

	map_memory();
	listen_here();
	donefd = eventfd(0, EFD_CLOEXEC);
	sigemptyset(&handled);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		sigaction(signals[i], &sa, NULL);
		sigaddset(&handled, signals[i]);
	}
	/* Not in this thread, which is the server. */
	pthread_sigmask(SIG_BLOCK, &handled, NULL);
	fds_before = fuzz_fds();
	pthread_create(&t, NULL, first_connection, NULL);
	if (rumpclient_init() == -1)
		fuzz_fail("init: %s", strerror(errno));
	pthread_join(t, NULL);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
	for (i = 0; i < THREADS; i++) {
		sem_init(&callers[i].go, 0, 0);
		pthread_create(&callers[i].thread, NULL, make_calls,
		    &callers[i]);
	}
}

static void
finish(void)
{
	register_t rv[2];
	size_t i;

	quit = true;
	for (i = 0; i < THREADS; i++) {
		sem_post(&callers[i].go);
		pthread_join(callers[i].thread, NULL);
	}
	rumpclient_setconnretry(0);
	if (rumpclient_syscall(RUMP_SYS_getpid, NULL, 0, rv) != RUMP_ENOTCONN)
		fuzz_fail("a call without a server");
	if (fuzz_fds() != fds_before)
		fuzz_fail("%u descriptors are left", fuzz_fds() - fds_before);
	unlink(path);
	rmdir(dir);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_client", .setup = setup, .make = make, .run = run,
	.finish = finish
};
