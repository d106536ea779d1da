#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "driver.h"

#define MAXFORKS	16
#define NETBSD_NSIG	33
#define NETBSD_ENOTCONN	57

/* A prefork in hand, under the cookie as recorded. */
struct prefork {
	uint8_t cookie[SP_COOKIELEN];
	struct rumpclient_fork *rf;
};

struct driver {
	const struct conversation *conv;
	int conn;
	size_t at;		/* the event being driven */
	size_t begun;		/* where this process took the connection over */
	struct prefork forks[MAXFORKS];
	size_t nforks;
};

/* NetBSD's numbers of the signals that have other ones on Linux, and of some
 * that have the same. */
static const struct { int netbsd, host; } signals[] = {
	{ 1, SIGHUP }, { 2, SIGINT }, { 3, SIGQUIT }, { 10, SIGBUS },
	{ 13, SIGPIPE }, { 14, SIGALRM }, { 15, SIGTERM }, { 16, SIGURG },
	{ 20, SIGCHLD }, { 23, SIGIO }, { 26, SIGVTALRM }, { 27, SIGPROF },
	{ 28, SIGWINCH }, { 30, SIGUSR1 }, { 31, SIGUSR2 },
};
#define NSIGNALS	(sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t raised[NSIGNALS];

static int __attribute__((format(printf, 2, 3)))
fail(const struct driver *d, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%u: client: ", d->conv->path,
	    d->conv->events[d->at].line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/* --- what the protocol's errors mean ----------------------------------------- */

static const struct { uint32_t code; int host, netbsd; } errors[] = {
	{ 1, EAGAIN, 35 }, { 2, EPERM, 1 }, { 3, ESRCH, 3 }, { 4, EIO, 5 },
	{ 5, EBUSY, 16 }, { 6, ENOMEM, 12 }, { 7, EINVAL, 22 },
};

/* The recorded outcome of the request at i: 0 for a response, else an errno
 * of the host's. */
static int
outcome(const struct conversation *conv, size_t i)
{
	size_t j = conversation_answer(conv, i), k;

	if (j == conv->nevents)
		return ENOTCONN;
	if (conv->events[j].class == SP_RESP)
		return 0;
	for (k = 0; k < sizeof(errors) / sizeof(errors[0]); k++)
		if (errors[k].code == conv->events[j].u)
			return errors[k].host;
	return EIO;
}

static int
netbsd_errno(int host)
{
	size_t k;

	for (k = 0; k < sizeof(errors) / sizeof(errors[0]); k++)
		if (errors[k].host == host)
			return errors[k].netbsd;
	return host == ENOTCONN ? NETBSD_ENOTCONN : host;
}

/* Compares what a function of the library returned with the record. */
static int
check_outcome(const struct driver *d, const char *function, int rv)
{
	int error = rv == 0 ? 0 : errno;
	int want = outcome(d->conv, d->at);

	if (error != want)
		return fail(d, "%s: %s, recorded is %s", function,
		    strerror(error), strerror(want));
	return 0;
}

/* --- signals ------------------------------------------------------------------ */

static void
count_signal(int signo, siginfo_t *info, void *context)
{
	size_t i;

	(void)context;
	/* Raised by a process, not by the end of a child. */
	if (info->si_code > 0)
		return;
	for (i = 0; i < NSIGNALS; i++)
		if (signals[i].host == signo)
			raised[i]++;
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_sigaction = count_signal,
	    .sa_flags = SA_RESTART | SA_SIGINFO };
	size_t i;

	for (i = 0; i < NSIGNALS; i++) {
		sigaction(signals[i].host, &sa, NULL);
		raised[i] = 0;
	}
}

/* Compares the signals taken with those raised on our connection. */
static int
check_signals(const struct driver *d)
{
	const struct conversation_event *ev;
	size_t i, j;
	int want;

	for (i = 0; i < NSIGNALS; i++) {
		want = 0;
		for (j = d->begun; j < d->at; j++) {
			ev = &d->conv->events[j];
			if (ev->conn == d->conn &&
			    ev->kind == CONVERSATION_FRAME &&
			    ev->class == SP_REQ && ev->type == SP_RAISE &&
			    (int)ev->u == signals[i].netbsd)
				want++;
		}
		if (raised[i] != want)
			return fail(d, "signal %d came %d times, raised were "
			    "%d", signals[i].host, (int)raised[i], want);
	}
	return 0;
}

/* --- calls --------------------------------------------------------------------- */

#define MAXSLOTS	16
#define REACH		(UINT64_C(16) << 20)
#define UNTOUCHED	0xa5

/* Memory that stands for what one pointer argument pointed at. */
struct region {
	uint64_t recorded;
	uint8_t *mem;
	uint8_t *after;		/* what is in mem when the call is over */
	size_t len;
};

struct call {
	uint64_t slots[MAXSLOTS];
	size_t nslots;
	struct region regions[MAXSLOTS];
	size_t nregions;
	size_t answer;
};

/* The region that a recorded address is in, counted from its nearest start. */
static struct region *
region_of(struct call *c, uint64_t addr)
{
	struct region *best = NULL;
	size_t i;

	for (i = 0; i < c->nregions; i++)
		if (c->regions[i].recorded <= addr &&
		    addr - c->regions[i].recorded < REACH &&
		    (best == NULL ||
		    c->regions[i].recorded > best->recorded))
			best = &c->regions[i];
	return best;
}

/* The bytes that a copy moved: out, the request carries them; in, the
 * client's answer.  Returns how many, 0 when there was no answer. */
static size_t
copied(const struct conversation *conv, size_t i, const uint8_t **data)
{
	const struct conversation_event *ev = &conv->events[i];
	size_t j;

	if (ev->type == SP_COPYOUT || ev->type == SP_COPYOUTSTR) {
		*data = ev->body + 16;
		return ev->bodylen - 16;
	}
	j = conversation_answer(conv, i);
	if (j == conv->nevents || conv->events[j].class != SP_RESP)
		return 0;
	*data = conv->events[j].body;
	return conv->events[j].bodylen;
}

/* Calls fn for every copy of this call that lies in a region of it. */
static void
each_copy(const struct driver *d, struct call *c,
    void (*fn)(struct region *, size_t off, const uint8_t *, size_t, bool out))
{
	const struct conversation *conv = d->conv;
	const uint8_t *data;
	struct region *r;
	uint64_t addr, len;
	size_t i, n;

	for (i = d->at + 1; i < c->answer; i++) {
		if (conv->events[i].conn != d->conn ||
		    !conversation_copy(&conv->events[i], &addr, &len))
			continue;
		r = region_of(c, addr);
		n = copied(conv, i, &data);
		if (r != NULL && n > 0)
			fn(r, addr - r->recorded, data, n,
			    conv->events[i].type >= SP_COPYOUT);
	}
}

static void
measure(struct region *r, size_t off, const uint8_t *data, size_t n, bool out)
{

	(void)data;
	(void)out;
	if (off + n > r->len)
		r->len = off + n;
}

static void
fill(struct region *r, size_t off, const uint8_t *data, size_t n, bool out)
{

	if (!out)
		memcpy(r->mem + off, data, n);
}

static void
expect(struct region *r, size_t off, const uint8_t *data, size_t n, bool out)
{

	if (out)
		memcpy(r->after + off, data, n);
}

static void
call_free(struct call *c)
{
	size_t i;

	for (i = 0; i < c->nregions; i++) {
		free(c->regions[i].mem);
		free(c->regions[i].after);
	}
}

/* Makes the arguments: recorded values, but pointers to memory of ours that
 * holds what the recorded client had there. */
static int
call_prepare(const struct driver *d, struct call *c)
{
	const struct conversation_event *ev = &d->conv->events[d->at];
	struct region *r;
	uint64_t slot;
	size_t i, j;

	memset(c, 0, sizeof(*c));
	c->answer = conversation_answer(d->conv, d->at);
	c->nslots = ev->bodylen / 8;
	if (c->nslots > MAXSLOTS || ev->bodylen % 8 != 0)
		return fail(d, "%zu bytes of arguments", ev->bodylen);
	for (i = 0; i < c->nslots; i++) {
		slot = c->slots[i] = conversation_u64(ev->body + 8 * i);
		if (conversation_is_pointer(d->conv, d->at, slot))
			c->regions[c->nregions++].recorded = slot;
	}
	each_copy(d, c, measure);
	for (i = 0; i < c->nregions; i++) {
		r = &c->regions[i];
		/* Exactly as long as used, so that a sanitizer sees more. */
		r->mem = malloc(r->len);
		r->after = malloc(r->len);
		if (r->mem == NULL || r->after == NULL)
			return fail(d, "out of memory");
		memset(r->mem, UNTOUCHED, r->len);
	}
	each_copy(d, c, fill);
	for (i = 0; i < c->nregions; i++)
		memcpy(c->regions[i].after, c->regions[i].mem,
		    c->regions[i].len);
	each_copy(d, c, expect);
	for (i = 0; i < c->nslots; i++)
		for (j = 0; j < c->nregions; j++)
			if (conversation_u64(ev->body + 8 * i) ==
			    c->regions[j].recorded)
				c->slots[i] = (uintptr_t)c->regions[j].mem;
	return 0;
}

/* Copies that went to memory which the server had the client map, and whose
 * address is the call's result. */
static int
check_mapped(const struct driver *d, const struct call *c,
    const struct conversation_event *answer, uint64_t mapped)
{
	uint64_t recorded = conversation_u64(answer->body + 8), addr, len;
	const struct conversation_event *ev;
	const uint8_t *data;
	size_t i, n;

	for (i = d->at + 1; i < c->answer; i++) {
		ev = &d->conv->events[i];
		if (ev->conn != d->conn || ev->type < SP_COPYOUT ||
		    !conversation_copy(ev, &addr, &len) || addr < recorded ||
		    addr - recorded >= REACH)
			continue;
		n = copied(d->conv, i, &data);
		if (memcmp((void *)(uintptr_t)(addr - recorded + mapped), data,
		    n) != 0)
			return fail(d, "mapped memory is not as copied out");
	}
	return 0;
}

/* Was this the answer to an anonmmap of the call? */
static bool
was_mapped(const struct driver *d, const struct call *c, uint64_t addr)
{
	const struct conversation_event *ev;
	size_t i;

	for (i = d->at + 1; i < c->answer; i++) {
		ev = &d->conv->events[i];
		if (ev->conn == d->conn && ev->kind == CONVERSATION_FRAME &&
		    ev->type == SP_ANONMMAP && ev->class == SP_RESP &&
		    ev->bodylen == 8 && conversation_u64(ev->body) == addr)
			return true;
	}
	return false;
}

static int
check_results(const struct driver *d, const struct call *c, int error,
    const register_t retval[2])
{
	const struct conversation_event *answer = NULL;
	uint64_t want;
	int i, werr;

	werr = netbsd_errno(outcome(d->conv, d->at));
	if (werr == 0) {
		answer = &d->conv->events[c->answer];
		if (answer->bodylen != 24)
			return fail(d, "recorded answer has %zu bytes",
			    answer->bodylen);
		werr = (int)conversation_u32(answer->body);
	}
	if (error != werr)
		return fail(d, "syscall %u: error %d, recorded is %d",
		    d->conv->events[d->at].u, error, werr);
	for (i = 0; error == 0 && answer != NULL && i < 2; i++) {
		want = conversation_u64(answer->body + 8 + 8 * i);
		if (want != 0 && was_mapped(d, c, want)) {
			if (check_mapped(d, c, answer,
			    (uint64_t)retval[i]) != 0)
				return -1;
		} else if (want != (uint64_t)retval[i])
			return fail(d, "syscall %u: retval[%d] is 0x%" PRIx64
			    ", recorded is 0x%" PRIx64,
			    d->conv->events[d->at].u, i, (uint64_t)retval[i],
			    want);
	}
	return 0;
}

static int
drive_syscall(const struct driver *d)
{
	const struct conversation_event *ev = &d->conv->events[d->at];
	register_t retval[2] = { 0, 0 };
	struct call c;
	int error, rv;
	size_t i;

	rv = call_prepare(d, &c);
	if (rv == 0) {
		error = rumpclient_syscall((int)ev->u, c.slots, ev->bodylen,
		    retval);
		rv = check_results(d, &c, error, retval);
	}
	for (i = 0; rv == 0 && i < c.nregions; i++)
		if (memcmp(c.regions[i].mem, c.regions[i].after,
		    c.regions[i].len) != 0)
			rv = fail(d, "syscall %u: memory at 0x%" PRIx64
			    " is not as copied out", ev->u,
			    c.regions[i].recorded);
	call_free(&c);
	return rv;
}

/* --- fork and exec -------------------------------------------------------------- */

static int
drive_prefork(struct driver *d)
{
	size_t j = conversation_answer(d->conv, d->at);
	struct rumpclient_fork *rf = rumpclient_prefork();
	struct prefork *pf;

	if (check_outcome(d, "rumpclient_prefork", rf == NULL ? -1 : 0) != 0)
		return -1;
	if (rf == NULL)
		return 0;
	if (d->nforks == MAXFORKS)
		return fail(d, "too many preforks");
	pf = &d->forks[d->nforks++];
	pf->rf = rf;
	memcpy(pf->cookie, d->conv->events[j].body, SP_COOKIELEN);
	if (memcmp(rf, pf->cookie, SP_COOKIELEN) != 0)
		return fail(d, "the cookie is not the one that was sent");
	return 0;
}

/* Was this cookie ever the answer to a prefork? */
static bool
was_given(const struct conversation *conv, const uint8_t *cookie)
{
	const struct conversation_event *ev;
	size_t i;

	for (i = 0; i < conv->nevents; i++) {
		ev = &conv->events[i];
		if (ev->kind == CONVERSATION_FRAME && ev->class == SP_RESP &&
		    ev->type == SP_PREFORK && ev->bodylen == SP_COOKIELEN &&
		    memcmp(ev->body, cookie, SP_COOKIELEN) == 0)
			return true;
	}
	return false;
}

/* Our prefork for a cookie, NULL when it is another process's.  For a cookie
 * that nobody was given it is the latest with its first bytes overwritten,
 * which is what a client that guesses would do. */
static struct prefork *
prefork_for(struct driver *d, const uint8_t *cookie)
{
	struct prefork *pf = NULL;
	size_t i;

	for (i = 0; i < d->nforks; i++)
		if (memcmp(d->forks[i].cookie, cookie, SP_COOKIELEN) == 0)
			return &d->forks[i];
	if (d->nforks > 0 && !was_given(d->conv, cookie)) {
		pf = &d->forks[d->nforks - 1];
		memcpy(pf->cookie, cookie, SP_COOKIELEN);
		memcpy(pf->rf, cookie, SP_COOKIELEN);
	}
	return pf;
}

static bool
is_handshake(const struct conversation_event *ev, uint32_t kind)
{

	return ev->kind == CONVERSATION_FRAME &&
	    ev->from == CONVERSATION_CLIENT && ev->class == SP_REQ &&
	    ev->type == SP_HANDSHAKE && ev->u == kind;
}

/* Does any later connection begin with this cookie? */
static bool
used_later(const struct driver *d, size_t i, const uint8_t *cookie)
{

	for (i++; i < d->conv->nevents; i++)
		if (is_handshake(&d->conv->events[i], SP_FORK) &&
		    memcmp(d->conv->events[i].body, cookie, SP_COOKIELEN) == 0)
			return true;
	return false;
}

static void
forks_done(struct driver *d)
{

	while (d->nforks > 0)
		rumpclient_fork_done(d->forks[--d->nforks].rf);
}

/* Waits until the other process has closed its ends of a pipe. */
static void
wait_end(int fd[2])
{
	char c;

	close(fd[1]);
	while (read(fd[0], &c, 1) == -1 && errno == EINTR)
		continue;
	close(fd[0]);
}

/* A fork handshake begins another connection; the child goes on with that. */
static int
drive_fork(struct driver *d)
{
	const struct conversation_event *ev = &d->conv->events[d->at];
	struct prefork *pf = prefork_for(d, ev->body);
	struct rumpclient_fork *rf;
	int connected[2], error, rv;
	pid_t pid;

	if (pf == NULL)
		return 0;	/* some other process's */
	if (conversation_u32(ev->body + SP_COOKIELEN) != 0) {
		rumpclient_fork_cancel(pf->rf);
		*pf = d->forks[--d->nforks];
		return 0;
	}
	if (pipe2(connected, O_CLOEXEC) == -1)
		return fail(d, "pipe: %s", strerror(errno));
	pid = fork();
	if (pid == -1)
		return fail(d, "fork: %s", strerror(errno));
	if (pid > 0) {
		/* Connections come in the recorded order. */
		wait_end(connected);
		if (!used_later(d, d->at, pf->cookie)) {
			rumpclient_fork_done(pf->rf);
			*pf = d->forks[--d->nforks];
		}
		return 0;
	}
	d->conn = ev->conn;
	d->begun = d->at;
	catch_signals();
	rf = pf->rf;
	*pf = d->forks[--d->nforks];
	forks_done(d);
	rv = rumpclient_fork_init(rf);
	error = check_outcome(d, "rumpclient_fork_init", rv);
	if (rv == -1)
		rumpclient_fork_done(rf);
	close(connected[0]);
	close(connected[1]);
	return error;
}

static int
drive_exec(const struct driver *d)
{
	char conn[16], at[24];
	char flag[] = DRIVER_FLAG, self[] = "replayed";
	char *argv[] = { self, flag, d->conv->path, conn, at, NULL };
	extern char **environ;

	snprintf(conn, sizeof(conn), "%d", d->conn);
	snprintf(at, sizeof(at), "%zu", d->at);
	rumpclient_exec("/proc/self/exe", argv, environ);
	return fail(d, "rumpclient_exec: %s", strerror(errno));
}

/* --- the whole ------------------------------------------------------------------- */

/* One event.  Returns 1 when it ends the connection, -1 on failure. */
static int
drive_event(struct driver *d)
{
	const struct conversation_event *ev = &d->conv->events[d->at];

	if (ev->from != CONVERSATION_CLIENT)
		return 0;
	if (is_handshake(ev, SP_FORK) && ev->conn != d->conn)
		return drive_fork(d);
	if (ev->conn != d->conn)
		return 0;
	if (ev->kind == CONVERSATION_EOF)
		return 1;
	if (ev->class != SP_REQ)
		return 0;
	if (is_handshake(ev, SP_GUEST))
		return check_outcome(d, "rumpclient_init", rumpclient_init());
	if (is_handshake(ev, SP_EXEC))
		return drive_exec(d);
	if (ev->type == SP_PREFORK)
		return drive_prefork(d);
	return drive_syscall(d);
}

int
driver_main(int argc, char **argv)
{
	char why[CONVERSATION_WHY];
	struct conversation *conv;
	struct driver d = { 0 };
	int rv = 0;

	if (argc != 5)
		return 1;
	conv = conversation_load(argv[2], why);
	if (conv == NULL) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	d.conv = conv;
	d.conn = atoi(argv[3]);
	d.at = d.begun = strtoul(argv[4], NULL, 10);
	catch_signals();
	/* A program that exec started: the library does the handshake. */
	if (d.at < conv->nevents && is_handshake(&conv->events[d.at],
	    SP_EXEC)) {
		rv = check_outcome(&d, "rumpclient_init", rumpclient_init());
		d.at++;
	}
	for (; rv == 0 && d.at < conv->nevents; d.at++)
		rv = drive_event(&d);
	if (rv >= 0) {
		if (d.at >= conv->nevents)
			d.at = conv->nevents - 1;
		rv = check_signals(&d);
	}
	forks_done(&d);
	conversation_free(conv);
	return rv == 0 ? 0 : 1;
}

int
driver_begins(const struct conversation *conv, int conn)
{
	size_t i;

	for (i = 0; i < conv->nevents; i++)
		if (conv->events[i].conn == conn &&
		    conv->events[i].from == CONVERSATION_CLIENT)
			return is_handshake(&conv->events[i], SP_GUEST);
	return 0;
}

/* Has anybody asked for a prefork before event i? */
static bool
preforked(const struct conversation *conv, size_t i)
{

	while (i-- > 0)
		if (conv->events[i].kind == CONVERSATION_FRAME &&
		    conv->events[i].type == SP_PREFORK)
			return true;
	return false;
}

/* Is event i the first that the client says on its connection? */
static bool
first_word(const struct conversation *conv, size_t i)
{
	size_t j;

	for (j = 0; j < i; j++)
		if (conv->events[j].conn == conv->events[i].conn &&
		    conv->events[j].from == CONVERSATION_CLIENT)
			return false;
	return true;
}

/* Does the client say anything else before request i is answered? */
static bool
overlaps(const struct conversation *conv, size_t i)
{
	size_t end = conversation_answer(conv, i), j;

	for (j = i + 1; j < end; j++)
		if (conv->events[j].conn == conv->events[i].conn &&
		    conv->events[j].from == CONVERSATION_CLIENT &&
		    conv->events[j].kind == CONVERSATION_FRAME &&
		    conv->events[j].class == SP_REQ)
			return true;
	return false;
}

int
driver_can(const struct conversation *conv)
{
	const struct conversation_event *ev;
	bool begins;
	size_t i;

	for (i = 0; i < conv->nevents; i++) {
		ev = &conv->events[i];
		if (ev->from != CONVERSATION_CLIENT ||
		    ev->kind != CONVERSATION_FRAME || ev->class != SP_REQ)
			continue;
		begins = is_handshake(ev, SP_GUEST) ||
		    is_handshake(ev, SP_FORK);
		if (begins != first_word(conv, i) || overlaps(conv, i))
			return 0;
		if (is_handshake(ev, SP_FORK) && !preforked(conv, i))
			return 0;
		if (!begins && !is_handshake(ev, SP_EXEC) &&
		    ev->type != SP_SYSCALL && ev->type != SP_PREFORK)
			return 0;
	}
	return 1;
}
