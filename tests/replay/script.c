#include <sys/eventfd.h>

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "script.h"

#define MAXCONN	64

/* NetBSD's numbers. */
enum { N_EPERM = 1, N_ESRCH = 3, N_ENOMEM = 12, N_EFAULT = 14, N_EINVAL = 22,
	N_EAGAIN = 35 };

struct script {
	const struct conversation *conv;
	int *reached;		/* an eventfd an event: the player is there */
	atomic_size_t at;

	/* lock guards the rest */
	pthread_mutex_t lock;
	bool *taken;		/* a request that the kernel has seen */
	struct rump_proc *procs[MAXCONN];
	char wrong[CONVERSATION_WHY];
};

struct script *
script_create(const struct conversation *conv)
{
	struct script *s = calloc(1, sizeof(*s));
	size_t i;

	if (s == NULL)
		return NULL;
	s->conv = conv;
	s->reached = calloc(conv->nevents, sizeof(*s->reached));
	s->taken = calloc(conv->nevents, sizeof(*s->taken));
	pthread_mutex_init(&s->lock, NULL);
	for (i = 0; s->reached != NULL && i < conv->nevents; i++)
		s->reached[i] = eventfd(0, EFD_CLOEXEC);
	if (s->reached == NULL || s->taken == NULL) {
		script_destroy(s);
		return NULL;
	}
	return s;
}

void
script_destroy(struct script *s)
{
	size_t i;

	for (i = 0; s->reached != NULL && i < s->conv->nevents; i++)
		close(s->reached[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->reached);
	free(s->taken);
	free(s);
}

const char *
script_wrong(struct script *s)
{

	return s->wrong[0] == '\0' ? NULL : s->wrong;
}

static void __attribute__((format(printf, 3, 4)))
wrong(struct script *s, size_t i, const char *fmt, ...)
{
	va_list ap;
	int n;

	pthread_mutex_lock(&s->lock);
	if (s->wrong[0] == '\0') {
		n = snprintf(s->wrong, sizeof(s->wrong), "%s:%u: kernel: ",
		    s->conv->path, i < s->conv->nevents ?
		    s->conv->events[i].line : 0);
		va_start(ap, fmt);
		if (n > 0 && (size_t)n < sizeof(s->wrong))
			vsnprintf(s->wrong + n, sizeof(s->wrong) - (size_t)n,
			    fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- which event is which --------------------------------------------------------- */

/* Takes the next request of that type and, of a handshake or call, that u;
 * conn 0 is any connection.  nevents, and wrong, when there is none. */
static size_t
take(struct script *s, int conn, unsigned type, uint32_t u, const void *body,
    size_t len)
{
	const struct conversation_event *ev;
	size_t i;

	pthread_mutex_lock(&s->lock);
	for (i = 0; i < s->conv->nevents; i++) {
		ev = &s->conv->events[i];
		if (s->taken[i] || ev->from != CONVERSATION_CLIENT ||
		    ev->kind != CONVERSATION_FRAME || ev->class != SP_REQ ||
		    ev->type != type || ev->u != u ||
		    (conn != 0 && ev->conn != conn))
			continue;
		if (body == NULL || (ev->bodylen == len &&
		    memcmp(ev->body, body, len) == 0))
			break;
	}
	if (i < s->conv->nevents)
		s->taken[i] = true;
	pthread_mutex_unlock(&s->lock);
	if (i == s->conv->nevents)
		wrong(s, i, "request of type %u, %u, was not recorded", type,
		    u);
	return i;
}

static void
set_proc(struct script *s, size_t i, struct rump_proc *p)
{
	int conn;

	if (i == s->conv->nevents)
		return;
	conn = s->conv->events[i].conn;
	pthread_mutex_lock(&s->lock);
	if (conn > 0 && conn < MAXCONN)
		s->procs[conn] = p;
	pthread_mutex_unlock(&s->lock);
}

static int
conn_of(struct script *s, const struct rump_proc *p)
{
	int conn;

	pthread_mutex_lock(&s->lock);
	for (conn = MAXCONN - 1; conn > 0; conn--)
		if (s->procs[conn] == p)
			break;
	pthread_mutex_unlock(&s->lock);
	return conn;
}

/* What the recorded kernel must have answered, for the error in the frame. */
static int
outcome(const struct conversation *conv, size_t i)
{
	size_t j;

	if (i == conv->nevents)
		return N_EINVAL;
	j = conversation_answer(conv, i);
	if (j == conv->nevents || conv->events[j].class == SP_RESP)
		return 0;
	switch (conv->events[j].u) {
	case 1:
		return N_EAGAIN;
	case 2:
		return N_EPERM;
	case 6:
		return N_ENOMEM;
	default:
		return N_EINVAL;
	}
}

/* --- following the player ------------------------------------------------------------ */

void
script_progress(struct script *s, size_t i)
{
	const struct conversation_event *ev = &s->conv->events[i];
	struct rump_proc *p;
	int error;

	atomic_store(&s->at, i);
	eventfd_write(s->reached[i], 1);
	if (ev->kind != CONVERSATION_FRAME || ev->class != SP_REQ ||
	    ev->type != SP_RAISE || ev->conn >= MAXCONN)
		return;
	pthread_mutex_lock(&s->lock);
	p = s->procs[ev->conn];
	pthread_mutex_unlock(&s->lock);
	error = p == NULL ? N_ESRCH : rumpserver_raise(p, (int)ev->u);
	if (error != 0)
		wrong(s, i, "rumpserver_raise gave %d", error);
}

static int
wait_for(struct script *s, struct lwp *l, size_t i)
{
	struct pollfd pfd = { .fd = s->reached[i], .events = POLLIN };

	if (atomic_load(&s->at) >= i)
		return 0;
	return rumpserver_wait(l, &pfd, 1, NULL);
}

/* --- a call ---------------------------------------------------------------------------- */

static void
copyin(struct script *s, struct lwp *l, size_t i)
{
	const struct conversation_event *ev = &s->conv->events[i], *answer;
	size_t j = conversation_answer(s->conv, i), done = 0;
	uint64_t addr, len;
	char *buf;
	int error;

	conversation_copy(ev, &addr, &len);
	buf = calloc(1, len + 1);
	if (buf == NULL || j == s->conv->nevents) {
		wrong(s, i, "copyin of %zu bytes without an answer",
		    (size_t)len);
		free(buf);
		return;
	}
	answer = &s->conv->events[j];
	if (ev->type == SP_COPYINSTR)
		error = rumpserver_copyinstr(l, addr, buf, len, &done);
	else {
		error = rumpserver_copyin(l, addr, buf, len);
		done = len;
	}
	if (answer->class == SP_ERROR) {
		if (error != N_EFAULT)
			wrong(s, j, "copyin gave %d", error);
	} else if (error != 0)
		wrong(s, j, "copyin gave %d", error);
	else if (done != answer->bodylen ||
	    memcmp(buf, answer->body, done) != 0)
		wrong(s, j, "copyin gave other bytes");
	free(buf);
}

static void
copyout(struct script *s, struct lwp *l, size_t i)
{
	const struct conversation_event *ev = &s->conv->events[i];
	uint64_t addr, len;
	size_t done;
	int error;

	conversation_copy(ev, &addr, &len);
	if (ev->type == SP_COPYOUTSTR)
		error = rumpserver_copyoutstr(l, (const char *)ev->body + 16,
		    addr, len, &done);
	else {
		error = rumpserver_copyout(l, ev->body + 16, addr, len);
		done = len;
	}
	if (error != 0 || done != ev->bodylen - 16)
		wrong(s, i, "copyout gave %d and %zu bytes", error, done);
}

static void
anonmmap(struct script *s, struct lwp *l, size_t i)
{
	const struct conversation_event *ev = &s->conv->events[i];
	size_t j = conversation_answer(s->conv, i);
	uint64_t want;
	rump_uaddr_t got = 0;
	int error;

	if (ev->bodylen < 8 || j == s->conv->nevents ||
	    s->conv->events[j].bodylen < 8)
		return;
	want = conversation_u64(s->conv->events[j].body);
	error = rumpserver_anonmmap(l, conversation_u64(ev->body), &got);
	if (error != (want == 0 ? N_ENOMEM : 0) || (error == 0 && got != want))
		wrong(s, j, "anonmmap gave %d, address 0x%llx", error,
		    (unsigned long long)got);
}

static int
script_syscall(void *kern, struct lwp *l, int num, const void *args,
    size_t len, register_t retval[2])
{
	struct script *s = kern;
	const struct conversation_event *ev;
	int conn = conn_of(s, rumpserver_lwp_proc(l)), error;
	size_t i, k, end;
	bool held = false;	/* copyouts wait for the answer to go */

	i = take(s, conn, SP_SYSCALL, (uint32_t)num, args, len);
	if (i == s->conv->nevents)
		return N_EINVAL;
	end = conversation_answer(s->conv, i);
	for (k = i + 1; k <= end && k < s->conv->nevents; k++) {
		ev = &s->conv->events[k];
		if (ev->conn != conn || ev->from != CONVERSATION_SERVER ||
		    ev->kind != CONVERSATION_FRAME || ev->type == SP_RAISE)
			continue;
		if (!held && (error = wait_for(s, l, k)) != 0)
			return error;
		if (k == end)
			break;
		if (ev->class != SP_REQ)
			continue;	/* another call's answer */
		held = ev->type == SP_COPYOUT || ev->type == SP_COPYOUTSTR;
		if (held)
			copyout(s, l, k);
		else if (ev->type == SP_ANONMMAP)
			anonmmap(s, l, k);
		else
			copyin(s, l, k);
	}
	if (end == s->conv->nevents || s->conv->events[end].bodylen != 24)
		return N_EINVAL;
	ev = &s->conv->events[end];
	retval[0] = (register_t)conversation_u64(ev->body + 8);
	retval[1] = (register_t)conversation_u64(ev->body + 16);
	return (int)conversation_u32(ev->body);
}

/* --- processes ---------------------------------------------------------------------------- */

static int
script_new(void *kern, struct rump_proc *p, const struct rumpserver_peer *peer,
    const char *comm)
{
	struct script *s = kern;
	size_t i = take(s, 0, SP_HANDSHAKE, SP_GUEST, comm, strlen(comm) + 1);

	(void)peer;
	set_proc(s, i, p);
	return outcome(s->conv, i);
}

static int
script_copy(void *kern, struct rump_proc *child, struct rump_proc *parent)
{
	struct script *s = kern;

	(void)child;
	return outcome(s->conv,
	    take(s, conn_of(s, parent), SP_PREFORK, 0, NULL, 0));
}

static void
script_attach(void *kern, struct rump_proc *p,
    const struct rumpserver_peer *peer)
{
	struct script *s = kern;

	(void)peer;
	set_proc(s, take(s, 0, SP_HANDSHAKE, SP_FORK, NULL, 0), p);
}

static int
script_exec(void *kern, struct rump_proc *p, const char *comm)
{
	struct script *s = kern;

	return outcome(s->conv, take(s, conn_of(s, p), SP_HANDSHAKE, SP_EXEC,
	    comm, strlen(comm) + 1));
}

static void
script_exit(void *kern, struct rump_proc *p)
{
	struct script *s = kern;
	int conn = conn_of(s, p);

	pthread_mutex_lock(&s->lock);
	s->procs[conn] = NULL;
	pthread_mutex_unlock(&s->lock);
}

const struct rumpserver_kernel script_kernel = {
	.name = "script",
	.ostype = "NetBSD",
	.osrelease = "7.99.34",
	.machine = "amd64",
	.proc_new = script_new,
	.proc_copy = script_copy,
	.proc_attach = script_attach,
	.proc_exec = script_exec,
	.proc_exit = script_exit,
	.syscall = script_syscall,
};
