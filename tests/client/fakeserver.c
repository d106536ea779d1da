/*
 * The fake server: a thread a connection that reads, a thread a call.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"
#include "wire/frame.h"
#include "wire/locator.h"

#define GOOD_BANNER	"RUMPSP-0.4-Fake-1.0/test\n"
#define MAXCOOKIES	64

struct fakeserver fake;

struct response {
	struct response *next;
	struct frame_hdr hdr;
	char *body;
};

struct peer {
	int fd;
	int pid, ppid;
	uint64_t reqno;
	pthread_mutex_t sendlock, lock;
	pthread_cond_t cond;
	struct response *responses;
	atomic_bool gone;
	unsigned calls;			/* in progress; mtx */
	bool inexec;			/* they are to end; mtx */
	struct frame_hdr held[64];	/* answers of a batch */
	struct frame_sysresp heldresp[64];
	unsigned nheld;
};

struct work {
	struct peer *peer;
	struct frame_hdr hdr;
	uint64_t args[16];
};

static struct fake_shared *sh;
static pthread_mutex_t mtx = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static unsigned released[256];	/* so often */
static struct { uint32_t word; int pid, ppid; bool used; } cookies[MAXCOOKIES];
static unsigned ncookies;

unsigned char
fake_byte(uint64_t i)
{

	return (unsigned char)(i * 7 + 3);
}

uint32_t
fake_sum(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint32_t sum;

	for (sum = 0; len > 0; len--)
		sum = sum * 31 + *p++;
	return sum;
}

static bool
put(int fd, const void *data, size_t len)
{
	const char *p = data;
	size_t piece;
	ssize_t n;

	while (len > 0) {
		piece = sh->slow ? 1 : len;
		n = send(fd, p, piece, MSG_NOSIGNAL);
		if (n == -1)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
get(int fd, void *data, size_t len)
{

	return len == 0 || recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

static void
put_frame(struct peer *p, const struct frame_hdr *hdr, const void *body)
{

	pthread_mutex_lock(&p->sendlock);
	if (put(p->fd, hdr, sizeof(*hdr)) && hdr->len > sizeof(*hdr))
		put(p->fd, body, (size_t)hdr->len - sizeof(*hdr));
	pthread_mutex_unlock(&p->sendlock);
}

static void
put_error(struct peer *p, uint64_t reqno, uint32_t code)
{
	struct frame_hdr hdr;

	hdr = frame_hdr(FRAME_ERROR, 0, reqno, code, 0);
	put_frame(p, &hdr, NULL);
}

/* The answer to request reqno of ours; NULL when the client is gone. */
static struct response *
await_response(struct peer *p, uint64_t reqno)
{
	struct response *r, **rp;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		for (rp = &p->responses; *rp != NULL; rp = &(*rp)->next) {
			if ((*rp)->hdr.reqno == reqno)
				break;
		}
		if (*rp != NULL || p->gone)
			break;
		pthread_cond_wait(&p->cond, &p->lock);
	}
	r = *rp;
	if (r != NULL)
		*rp = r->next;
	pthread_mutex_unlock(&p->lock);
	return r;
}

static uint64_t
new_reqno(struct peer *p)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->reqno++;
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void
do_copyin(struct peer *p, struct fake_op *op)
{
	struct frame_copy copy = { op->len, op->addr };
	struct frame_hdr hdr;
	struct response *r;
	size_t n;

	hdr = frame_hdr(FRAME_REQ, op->what == OP_COPYIN ? FRAME_COPYIN :
	    FRAME_COPYINSTR, new_reqno(p), 0, sizeof(copy));
	put_frame(p, &hdr, &copy);
	r = await_response(p, hdr.reqno);
	if (r == NULL)
		return;
	pthread_mutex_lock(&mtx);
	op->refused = r->hdr.class == FRAME_ERROR;
	op->type = r->hdr.type;
	op->got = r->hdr.len - FRAME_HDRLEN;
	op->sum = fake_sum(r->body, (size_t)op->got);
	n = op->got < sizeof(op->data) ? (size_t)op->got : sizeof(op->data);
	memcpy(op->data, r->body, n);
	pthread_mutex_unlock(&mtx);
	free(r->body);
	free(r);
}

static void
do_copyout(struct peer *p, const struct fake_op *op)
{
	struct frame_hdr hdr;
	struct frame_copy *copy;
	char *body;
	uint64_t i;

	body = malloc(sizeof(*copy) + op->len);
	copy = (struct frame_copy *)(void *)body;
	*copy = (struct frame_copy){ op->len, op->addr };
	for (i = 0; i < op->len; i++)
		body[sizeof(*copy) + i] = (char)fake_byte(i);
	hdr = frame_hdr(FRAME_REQ, FRAME_COPYOUT, new_reqno(p), 0,
	    sizeof(*copy) + op->len);
	put_frame(p, &hdr, body);
	free(body);
}

static void
put_sysresp(struct peer *p, const struct frame_hdr *req,
    const struct frame_sysresp *resp)
{
	struct frame_hdr hdr;
	unsigned i;

	hdr = frame_hdr(FRAME_RESP, FRAME_SYSCALL, req->reqno, 0,
	    sizeof(*resp));
	if (sh->batch <= 1) {
		put_frame(p, &hdr, resp);
		return;
	}
	pthread_mutex_lock(&p->lock);
	p->held[p->nheld] = hdr;
	p->heldresp[p->nheld] = *resp;
	if (++p->nheld == sh->batch) {
		for (i = p->nheld; i-- > 0;)
			put_frame(p, &p->held[i], &p->heldresp[i]);
		p->nheld = 0;
	}
	pthread_mutex_unlock(&p->lock);
}

static void
do_anonmmap(struct peer *p, uint64_t len, struct frame_sysresp *resp)
{
	struct frame_hdr hdr;
	struct response *r;

	hdr = frame_hdr(FRAME_REQ, FRAME_ANONMMAP, new_reqno(p), 0, 8);
	put_frame(p, &hdr, &len);
	r = await_response(p, hdr.reqno);
	if (r == NULL)
		return;
	memcpy(&resp->retval[0], r->body, 8);
	free(r->body);
	free(r);
}

static void
do_block(struct peer *p, unsigned id)
{
	unsigned before;

	/* Counted, as one of a connection that is lost takes nothing from its
	 * successor. */
	pthread_mutex_lock(&mtx);
	before = released[id % 256];
	atomic_fetch_add(&sh->blocked, 1);
	while (released[id % 256] == before && !p->gone && !p->inexec)
		pthread_cond_wait(&cond, &mtx);
	pthread_mutex_unlock(&mtx);
}

static void
do_release(unsigned id)
{

	pthread_mutex_lock(&mtx);
	released[id % 256]++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mtx);
}

static bool
hangs_up(uint64_t id)
{
	static uint64_t last;
	bool first;

	pthread_mutex_lock(&mtx);
	first = id == 0 || id != last;
	last = id;
	pthread_mutex_unlock(&mtx);
	return first;
}

static void
do_ops(struct peer *p)
{
	struct fake_op *op;

	for (op = sh->ops; op < sh->ops + FAKE_MAXOPS && op->what != OP_END;
	    op++) {
		if (op->what == OP_COPYOUT)
			do_copyout(p, op);
		else
			do_copyin(p, op);
	}
}

static void
run_call(struct peer *p, const struct work *w)
{
	struct frame_sysresp resp = { .error = 0, .pad = 0xdeadbeef };
	struct frame_hdr hdr;

	switch (w->hdr.u) {
	case FAKE_GETPID:
		do_ops(p);
		resp.retval[0] = p->pid;
		resp.retval[1] = p->ppid;
		break;
	case FAKE_BLOCK:
		do_block(p, (unsigned)w->args[0]);
		resp.retval[0] = (int64_t)w->args[0];
		break;
	case FAKE_RELEASE:
		do_release((unsigned)w->args[0]);
		break;
	case FAKE_RAISE:
		hdr = frame_hdr(FRAME_REQ, FRAME_RAISE, new_reqno(p),
		    (uint32_t)w->args[0], 0);
		put_frame(p, &hdr, NULL);
		break;
	case FAKE_ANONMMAP:
		do_anonmmap(p, w->args[0], &resp);
		break;
	case FAKE_ERRNO:
		resp.error = (int32_t)w->args[0];
		break;
	case FAKE_ERRFRAME:
		put_error(p, w->hdr.reqno, (uint32_t)w->args[0]);
		return;
	case FAKE_HANGUP:
		if (hangs_up(w->args[0])) {
			shutdown(p->fd, SHUT_RDWR);
			return;
		}
		break;
	case FAKE_BYTES:
		pthread_mutex_lock(&p->sendlock);
		put(p->fd, sh->bytes, sh->nbytes);
		pthread_mutex_unlock(&p->sendlock);
		if (w->args[0])
			shutdown(p->fd, SHUT_RDWR);
		return;
	case FAKE_ECHO:
		resp.retval[0] = (int64_t)w->args[0];
		resp.retval[1] = (int64_t)w->args[1];
		break;
	case FAKE_EXIT:
		_exit(0);
	default:
		do_ops(p);
		break;
	}
	put_sysresp(p, &w->hdr, &resp);
}

static void *
call_thread(void *arg)
{
	struct work *w = arg;
	struct peer *p = w->peer;

	run_call(p, w);
	free(w);
	pthread_mutex_lock(&mtx);
	p->calls--;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mtx);
	return NULL;
}

/* As a kernel does it: the calls of the old image are over before the new
 * one's handshake is answered. */
static void
end_calls(struct peer *p)
{

	pthread_mutex_lock(&mtx);
	p->inexec = true;
	pthread_cond_broadcast(&cond);
	while (p->calls > 0)
		pthread_cond_wait(&cond, &mtx);
	p->inexec = false;
	pthread_mutex_unlock(&mtx);
}

static void
spawn(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	if (pthread_create(&t, &attr, fn, arg) != 0)
		abort();
	pthread_attr_destroy(&attr);
}

static bool
fork_handshake(struct peer *p, const struct frame_fork *f)
{
	unsigned i;
	bool ok;

	ok = false;
	pthread_mutex_lock(&mtx);
	for (i = 0; i < ncookies; i++) {
		if (cookies[i].word != f->cookie[0] || cookies[i].used ||
		    f->cookie[3] != ~f->cookie[0])
			continue;
		cookies[i].used = ok = true;
		p->pid = cookies[i].pid;
		p->ppid = cookies[i].ppid;
	}
	pthread_mutex_unlock(&mtx);
	return ok;
}

static void
start_work(void *(*fn)(void *), struct peer *p, const struct frame_hdr *hdr,
    const char *body)
{
	struct work *w;

	w = malloc(sizeof(*w));
	w->peer = p;
	w->hdr = *hdr;
	memcpy(w->args, body, sizeof(w->args));
	spawn(fn, w);
}

static void
put_handshake_resp(struct peer *p, uint64_t reqno)
{
	struct frame_hdr hdr;
	int32_t zero = 0;

	hdr = frame_hdr(FRAME_RESP, FRAME_HANDSHAKE, reqno, 0, sizeof(zero));
	put_frame(p, &hdr, &zero);
}

/* An exec that waits for calls of the image before, which want memory. */
static void *
finish_exec(void *arg)
{
	struct work *w = arg;

	do_ops(w->peer);
	sh->ops[0].what = OP_END;
	put_handshake_resp(w->peer, w->hdr.reqno);
	free(w);
	return NULL;
}

/* False: the connection ends. */
static bool
handshake(struct peer *p, const struct frame_hdr *req, char *body)
{
	struct frame_fork f;

	if (sh->deaf)
		return true;
	switch (req->u) {
	case HANDSHAKE_GUEST:
		memcpy(sh->comm, body, sizeof(sh->comm));
		sh->comm_len = req->len - FRAME_HDRLEN;
		p->pid = atomic_fetch_add(&sh->nextpid, 1) + 1;
		p->ppid = 1;
		atomic_fetch_add(&sh->guests, 1);
		break;
	case HANDSHAKE_FORK:
		memcpy(&f, body, sizeof(f));
		if (!fork_handshake(p, &f)) {
			put_error(p, req->reqno, FRAME_ERR_NO_PREFORK);
			return false;
		}
		if (f.cancel != 0) {
			atomic_fetch_add(&sh->cancels, 1);
			return false;
		}
		atomic_fetch_add(&sh->forks, 1);
		break;
	case HANDSHAKE_EXEC:
		end_calls(p);
		memcpy(sh->comm, body, sizeof(sh->comm));
		sh->comm_len = req->len - FRAME_HDRLEN;
		atomic_fetch_add(&sh->execs, 1);
		if (sh->ops[0].what == OP_END)
			break;
		start_work(finish_exec, p, req, body);
		return true;
	}
	put_handshake_resp(p, req->reqno);
	return true;
}

static void
prefork(struct peer *p, const struct frame_hdr *req)
{
	struct frame_hdr hdr;
	uint32_t c[4];

	pthread_mutex_lock(&mtx);
	if (ncookies == MAXCOOKIES)
		abort();
	c[0] = 0x1000 + ncookies;
	c[1] = c[2] = 0xabcd;
	c[3] = ~c[0];
	cookies[ncookies].word = c[0];
	cookies[ncookies].pid = atomic_fetch_add(&sh->nextpid, 1) + 1;
	cookies[ncookies].ppid = p->pid;
	ncookies++;
	pthread_mutex_unlock(&mtx);
	atomic_fetch_add(&sh->preforks, 1);
	hdr = frame_hdr(FRAME_RESP, FRAME_PREFORK, req->reqno, 0, sizeof(c));
	put_frame(p, &hdr, c);
}

static void
response(struct peer *p, const struct frame_hdr *hdr)
{
	struct response *r;
	size_t len;

	len = (size_t)hdr->len - FRAME_HDRLEN;
	r = malloc(sizeof(*r));
	r->hdr = *hdr;
	r->body = malloc(len + 1);
	nanosleep(&(struct timespec){ .tv_nsec = (long)sh->nap * 1000000 },
	    NULL);
	if (!get(p->fd, r->body, len)) {
		free(r->body);
		free(r);
		return;
	}
	pthread_mutex_lock(&p->lock);
	r->next = p->responses;
	p->responses = r;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

static bool
request(struct peer *p, const struct frame_hdr *hdr)
{
	char body[FRAME_MAX_COMM] = { 0 };

	if (!get(p->fd, body, (size_t)hdr->len - FRAME_HDRLEN))
		return false;
	switch (hdr->type) {
	case FRAME_HANDSHAKE:
		return handshake(p, hdr, body);
	case FRAME_PREFORK:
		prefork(p, hdr);
		return true;
	default:
		atomic_fetch_add(&sh->calls, 1);
		pthread_mutex_lock(&mtx);
		p->calls++;
		pthread_mutex_unlock(&mtx);
		start_work(call_thread, p, hdr, body);
		return true;
	}
}

static void
send_banner(struct peer *p)
{
	const char *b;
	size_t len, split;

	b = sh->banner_len > 0 ? sh->banner : GOOD_BANNER;
	len = sh->banner_len > 0 ? sh->banner_len : strlen(b);
	split = sh->banner_split < len ? sh->banner_split : len;
	if (split > 0) {
		struct timespec ts = { .tv_nsec = 20000000 };

		put(p->fd, b, split);
		nanosleep(&ts, NULL);	/* what makes it two reads */
	}
	put(p->fd, b + split, len - split);
}

static void *
serve(void *arg)
{
	struct peer *p = arg;
	struct frame_hdr hdr;

	send_banner(p);
	while (get(p->fd, &hdr, sizeof(hdr))) {
		if (frame_check(&hdr, FRAME_FROM_CLIENT) != NULL)
			abort();
		if (hdr.class == FRAME_REQ) {
			if (!request(p, &hdr))
				break;
		} else if (hdr.class == FRAME_ERROR && sh->returns_errors) {
			atomic_fetch_add(&sh->errors, 1);
			put_error(p, hdr.reqno, FRAME_ERR_MALFORMED);
		} else {
			response(p, &hdr);
		}
	}
	shutdown(p->fd, SHUT_RDWR);
	pthread_mutex_lock(&p->lock);
	p->gone = true;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_lock(&mtx);
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&mtx);
	atomic_fetch_add(&sh->closed, 1);
	return NULL;		/* the peer stays: calls may be about */
}

static void
run(int lfd)
{
	struct pollfd pfd = { .fd = lfd, .events = POLLIN };
	struct peer *p;
	int fd;

	for (;;) {
		poll(&pfd, 1, -1);
		fd = accept(lfd, NULL, NULL);
		if (fd == -1)
			continue;
		atomic_fetch_add(&sh->accepted, 1);
		p = calloc(1, sizeof(*p));
		p->fd = fd;
		pthread_mutex_init(&p->lock, NULL);
		pthread_mutex_init(&p->sendlock, NULL);
		pthread_cond_init(&p->cond, NULL);
		spawn(serve, p);
	}
}

static int
listen_at(const struct fakeserver *f)
{
	struct locator loc;
	char why[LOCATOR_WHY];
	int lfd;

	if (locator_parse(&loc, f->locator, LOCATOR_SERVER, why) != 0)
		abort();
	lfd = locator_listen(&loc, 64, 0600);
	if (lfd == -1)
		abort();
	return lfd;
}

/* The server process's whole life. */
static void
live(struct fakeserver *f, int lfd)
{
	sigset_t set;

	alarm(6 * (unsigned)patience_ms() / 1000);		/* whatever happens to the test */
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	sh = f->sh;
	run(lfd);
}

void
fake_restart(struct fakeserver *f)
{
	int lfd;

	lfd = listen_at(f);
	f->pid = fork();
	if (f->pid == -1)
		abort();
	if (f->pid == 0)
		live(f, lfd);
	close(lfd);
}

void
fake_restart_later(struct fakeserver *f, unsigned ms)
{
	struct timespec ts = { ms / 1000, (long)(ms % 1000) * 1000000 };

	f->pid = fork();
	if (f->pid == -1)
		abort();
	if (f->pid == 0) {
		nanosleep(&ts, NULL);
		live(f, listen_at(f));
	}
}

void
fake_start(struct fakeserver *f)
{

	f->sh = mmap(NULL, sizeof(*f->sh), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f->sh == MAP_FAILED)
		abort();
	atomic_store(&f->sh->nextpid, 1);
	snprintf(f->dir, sizeof(f->dir), "/tmp/fakeserver.XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		abort();
	snprintf(f->locator, sizeof(f->locator), "unix://%s/sock", f->dir);
	setenv("RUMP_SERVER", f->locator, 1);
	fake_restart(f);
}

void
fake_kill(struct fakeserver *f)
{

	if (f->pid <= 0)
		return;
	kill(f->pid, SIGKILL);
	while (waitpid(f->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	f->pid = 0;
}

void
fake_stop(struct fakeserver *f)
{
	char path[96];

	fake_kill(f);
	snprintf(path, sizeof(path), "%s/sock", f->dir);
	unlink(path);
	rmdir(f->dir);
	munmap(f->sh, sizeof(*f->sh));
}

void
fake_setup(void)
{

	fake_start(&fake);
}

void
fake_setup_connected(void)
{

	fake_start(&fake);
	ck_assert_int_eq(rumpclient_init(), 0);
}

void
fake_teardown(void)
{

	fake_stop(&fake);
}

bool
fake_wait(atomic_int *counter, int n)
{
	long long began = 0;

	while (atomic_load(counter) < n)
		if (!keep_waiting(&began))
			return false;
	return true;
}

int
fake_count_open(void)
{
	int fd, n;

	for (n = 0, fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

int
fake_call(int num, uint64_t a, uint64_t b, uint64_t c, int64_t *rv)
{
	const uint64_t args[] = { a, b, c };
	register_t retval[2] = { -1, -1 };
	int error;

	error = rumpclient_syscall(num, args, sizeof(args), retval);
	if (rv != NULL)
		*rv = retval[0];
	return error;
}
