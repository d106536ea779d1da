/*
 * Deriving from the calls in progress what the server may touch.
 */
#include <sys/mman.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "client/conn.h"
#include "client/guard.h"
#include "client/log.h"
#include "client/usermem.h"
#include "trace/sysdesc.h"

static atomic_bool guarded = true;
static atomic_bool set_by_program;

/* Longest string where the description names no limit. */
#define STRING_MAX	1024u

/* The same of a sysctl node's value: NetBSD looks for the NUL in 33 pages. */
#define NODE_STRING_MAX	(33u * 4096)

/* The most iovecs, mmsghdrs or aiocbs of one call that are looked at; no
 * kernel takes more. */
#define VECTOR_MAX	1024u

/* A parameter this large may hold a pointer to who knows what. */
#define POINTER_SIZE	8u

/* NetBSD/amd64's aiocb, up to what matters here. */
#define AIOCB_SIZE	88u
struct aiocb_head {
	int64_t offset;
	uint64_t buf;
	uint64_t nbytes;
};

/* A question, and the call it is asked of. */
struct query {
	uint64_t addr;
	uint64_t len;
	enum guard_way way;
	const struct sysdesc *desc;
	const uint64_t *args;
	unsigned nargs;		/* in the call, as sent */
	const struct guard_names *names;
	bool sure;		/* what nobody can say is a no */
};

void
rumpclient_setguard(int on)
{

	atomic_store(&set_by_program, true);
	atomic_store(&guarded, on != 0);
}

void
guard_environment(void)
{
	const char *s;

	s = getenv("RUMPCLIENT_GUARD");
	if (s == NULL || atomic_load(&set_by_program))
		return;
	if (strcmp(s, "on") == 0)
		atomic_store(&guarded, true);
	else if (strcmp(s, "off") == 0)
		atomic_store(&guarded, false);
	else
		client_log("RUMPCLIENT_GUARD is '%.40s', not on or off: "
		    "ignored", s);
}

/* Whether the query lies in len bytes at addr that go in direction dir. */
static bool
within(const struct query *q, uint64_t addr, uint64_t len, unsigned dir)
{

	if (!(dir & (q->way == GUARD_OUT ? SYSDESC_OUT : SYSDESC_IN)))
		return false;
	return addr != 0 && q->addr >= addr && q->addr - addr <= len &&
	    q->len <= len - (q->addr - addr);
}

/* len times size, without overflow. */
static uint64_t
times(uint64_t n, uint64_t size)
{

	return size != 0 && n > UINT64_MAX / size ? UINT64_MAX : n * size;
}

/* Argument i as its type has it; negative is nothing. */
static uint64_t
arg_value(const struct query *q, unsigned i)
{
	const struct sysdesc_arg *a;

	if (i >= q->nargs || i >= q->desc->narg)
		return 0;
	a = &q->desc->args[i];
	if (a->size != 4)
		return q->args[i];
	if (a->kind == SYSDESC_UINT)
		return (uint32_t)q->args[i];
	return (int32_t)q->args[i] < 0 ? 0 : (uint64_t)(int32_t)q->args[i];
}

static uint64_t
vector_count(uint64_t n)
{

	return n < VECTOR_MAX ? n : VECTOR_MAX;
}

/* The count behind pointer argument i: a socklen_t or a size_t. */
static uint64_t
arg_pointee(const struct query *q, unsigned i)
{
	uint64_t v;
	uint32_t v32;

	if (i >= q->nargs || i >= q->desc->narg)
		return 0;
	if (q->desc->args[i].bytes == sizeof(v32)) {
		if (usermem_read(&v32, q->args[i], sizeof(v32)) != 0)
			return 0;
		return v32;
	}
	if (usermem_read(&v, q->args[i], sizeof(v)) != 0)
		return 0;
	return v;
}

static bool
names_string(const struct query *q, uint64_t addr, uint64_t max)
{
	size_t len;

	if (max == 0)
		max = STRING_MAX;
	if (addr == 0 || q->addr < addr || q->addr - addr >= max)
		return false;
	/* The answer to a copyinstr ends at the NUL, so any length will do
	 * that is asked for. */
	if (q->way == GUARD_STRING && q->addr == addr)
		return true;
	if (usermem_strlen(addr, (size_t)max, NULL, 0, &len) != 0)
		return false;
	if (q->way == GUARD_STRING)
		return q->addr - addr < len;
	return within(q, addr, len, SYSDESC_IN);
}

static bool
names_iovec(const struct query *q, uint64_t addr, uint64_t n, unsigned dir)
{
	struct { uint64_t base, len; } iov;
	uint64_t i;

	n = vector_count(n);
	if (within(q, addr, n * sizeof(iov), SYSDESC_IN))
		return true;
	for (i = 0; i < n; i++) {
		if (usermem_read(&iov, addr + i * sizeof(iov),
		    sizeof(iov)) != 0)
			return false;
		if (within(q, iov.base, iov.len, dir))
			return true;
	}
	return false;
}

/* The message header at addr, which read msg when the call began. */
static bool
names_msghdr(const struct query *q, uint64_t addr,
    const struct rump_msghdr *msg, unsigned dir)
{

	if (within(q, addr, sizeof(*msg), dir | SYSDESC_IN))
		return true;
	/* What is received is written, what is sent is read. */
	if (dir & SYSDESC_OUT)
		dir = SYSDESC_OUT;
	if (within(q, (uintptr_t)msg->msg_name, msg->msg_namelen, dir) ||
	    within(q, (uintptr_t)msg->msg_control, msg->msg_controllen, dir))
		return true;
	return msg->msg_iovlen > 0 && names_iovec(q, (uintptr_t)msg->msg_iov,
	    (uint64_t)msg->msg_iovlen, dir);
}

static bool
names_mmsghdr(const struct query *q, uint64_t addr, unsigned dir)
{
	const struct guard_names *names = q->names;
	const size_t size = sizeof(struct rump_mmsghdr);
	size_t i;

	/* The count of each message is written in both directions. */
	if (within(q, addr, names->nmsgs * size, SYSDESC_IN | SYSDESC_OUT))
		return true;
	for (i = 0; i < names->nmsgs; i++) {
		if (names_msghdr(q, addr + i * size,
		    &names->msgs[i].msg_hdr, dir))
			return true;
	}
	return false;
}

static bool
names_ioctl(const struct query *q, uint64_t addr, uint64_t com)
{
	uint64_t len;
	unsigned dir;

	/* Of a number alone, as ZFS has them, only the device knows. */
	len = (com >> 16) & 0x1fff;
	if ((len >= POINTER_SIZE || com >> 16 == 0) && !q->sure)
		return true;
	dir = 0;
	if (com & 0x80000000u)
		dir |= SYSDESC_IN;
	if (com & 0x40000000u)
		dir |= SYSDESC_OUT;
	return within(q, addr, len, dir);
}

static bool
names_fcntl(const struct query *q, uint64_t addr, unsigned arg)
{
	uint32_t cmd;

	/* Its high bit is no sign, as arg_value() would have it. */
	cmd = arg < q->nargs ? (uint32_t)q->args[arg] : 0;
	switch (cmd) {
	case RUMP_F_GETLK:
	case RUMP_F_SETLK:
	case RUMP_F_SETLKW:
		return within(q, addr, sizeof(struct rump_flock),
		    SYSDESC_IN | SYSDESC_OUT);
	default:
		/* File systems' own, which have their high bit set, and those
		 * that later kernels have: F_GETPATH is one with memory. */
		return cmd > RUMP_F_SETNOSIGPIPE && !q->sure;
	}
}

/* A new value that is a node names more: the value of a node to be made, the
 * description of one that is there. */
static bool
names_sysctl(const struct query *q, uint64_t addr, uint64_t len)
{
	struct rump_sysctlnode node;

	if (within(q, addr, len, SYSDESC_IN))
		return true;
	if (q->way == GUARD_OUT || len != sizeof(node) ||
	    usermem_read(&node, addr, sizeof(node)) != 0)
		return false;
	return names_string(q, node.sysctl_desc, 0) ||
	    names_string(q, node.sysctl_un.data.data, NODE_STRING_MAX) ||
	    within(q, node.sysctl_un.data.data, node.sysctl_size, SYSDESC_IN);
}

static bool
names_aiocb(const struct query *q, uint64_t addr)
{
	struct aiocb_head head;

	if (within(q, addr, AIOCB_SIZE, SYSDESC_IN | SYSDESC_OUT))
		return true;
	if (usermem_read(&head, addr, sizeof(head)) != 0)
		return false;
	return within(q, head.buf, head.nbytes, SYSDESC_IN | SYSDESC_OUT);
}

static bool
names_aiocblist(const struct query *q, uint64_t addr, uint64_t n)
{
	uint64_t i, cb;

	n = vector_count(n);
	if (within(q, addr, n * sizeof(cb), SYSDESC_IN))
		return true;
	for (i = 0; i < n; i++) {
		if (usermem_read(&cb, addr + i * sizeof(cb), sizeof(cb)) != 0)
			return false;
		if (cb != 0 && names_aiocb(q, cb))
			return true;
	}
	return false;
}

static bool
arg_names(const struct query *q, const struct sysdesc_arg *a, uint64_t addr)
{

	switch (a->extent) {
	case SYSDESC_X_NONE:
		return false;
	case SYSDESC_X_UNKNOWN:
		return !q->sure;
	case SYSDESC_X_CONST:
		return within(q, addr, a->bytes, a->dir);
	case SYSDESC_X_ARG:
		return within(q, addr, times(arg_value(q, a->arg), a->bytes),
		    a->dir);
	case SYSDESC_X_ARGPTR:
		return within(q, addr, times(q->names->count, a->bytes),
		    a->dir);
	case SYSDESC_X_STRING:
		return q->way != GUARD_OUT &&
		    names_string(q, addr, a->bytes);
	case SYSDESC_X_IOVEC:
		return names_iovec(q, addr, arg_value(q, a->arg), a->dir);
	case SYSDESC_X_MSGHDR:
		return names_msghdr(q, addr, &q->names->msg, a->dir);
	case SYSDESC_X_MMSGHDR:
		return names_mmsghdr(q, addr, a->dir);
	case SYSDESC_X_IOCTL:
		return names_ioctl(q, addr, arg_value(q, a->arg));
	case SYSDESC_X_FCNTL:
		return names_fcntl(q, addr, a->arg);
	case SYSDESC_X_SYSCTL:
		return names_sysctl(q, addr, arg_value(q, a->arg));
	case SYSDESC_X_FDSET:
		return within(q, addr, (arg_value(q, a->arg) + 31) / 32 * 4,
		    a->dir);
	case SYSDESC_X_AIOCB:
		return names_aiocb(q, addr);
	case SYSDESC_X_AIOCBLIST:
		return names_aiocblist(q, addr, arg_value(q, a->arg));
	default:
		return !q->sure;
	}
}

/* Makes the query one about this call; false: nobody can say. */
static bool
about_call(struct query *q, const struct call *call)
{

	if (call->num >= rump_nsysdesc || rump_sysdesc[call->num].name == NULL)
		return false;
	q->desc = &rump_sysdesc[call->num];
	q->args = call->args;
	q->nargs = (unsigned)(call->arglen / sizeof(uint64_t));
	q->names = &call->names;
	return true;
}

/* Whether the call names what the query asks for. */
static bool
call_names(struct query *q, const struct call *call)
{
	unsigned i;

	if (call->type != FRAME_SYSCALL)
		return false;
	if (!about_call(q, call))
		return !q->sure;
	for (i = 0; i < q->desc->narg && i < q->nargs; i++) {
		if (arg_names(q, &q->desc->args[i], q->args[i]))
			return true;
	}
	return false;
}

/* As many of n mmsghdrs as can be read. */
static void
note_msgs(struct guard_names *names, uint64_t addr, uint64_t n)
{
	const size_t size = sizeof(*names->msgs);
	void *p;

	n = vector_count(n);
	if (n == 0)
		return;
	p = mmap(NULL, (size_t)n * size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return;		/* then the call has named nothing */
	names->msgs = p;
	names->mapped = (size_t)n * size;
	while (names->nmsgs < n && usermem_read(&names->msgs[names->nmsgs],
	    addr + names->nmsgs * size, size) == 0)
		names->nmsgs++;
}

void
guard_begin(struct call *call)
{
	struct guard_names *names = &call->names;
	const struct sysdesc_arg *a;
	struct query q;
	unsigned i;

	if (!about_call(&q, call))
		return;
	for (i = 0; i < q.desc->narg && i < q.nargs; i++) {
		a = &q.desc->args[i];
		if (a->extent == SYSDESC_X_ARGPTR)
			names->count = arg_pointee(&q, a->arg);
		else if (a->extent == SYSDESC_X_MSGHDR &&
		    usermem_read(&names->msg, q.args[i],
		    sizeof(names->msg)) != 0)
			names->msg = (struct rump_msghdr){ .msg_name = NULL };
		else if (a->extent == SYSDESC_X_MMSGHDR)
			note_msgs(names, q.args[i], arg_value(&q, a->arg));
		else if (a->extent == SYSDESC_X_AIOCB ||
		    a->extent == SYSDESC_X_AIOCBLIST)
			names->aio = true;
	}
}

void
guard_end(struct call *call)
{
	struct guard_names *names = &call->names;

	if (names->msgs != NULL)
		munmap(names->msgs, names->mapped);
	names->msgs = NULL;
}

/* lock held. */
static bool
was_mapped(const struct conn *c, const struct query *q)
{
	unsigned i;

	for (i = 0; i < c->nmapped && i < CONN_MAX_MAPPED; i++) {
		if (within(q, c->mapped[i].addr, c->mapped[i].len,
		    SYSDESC_IN | SYSDESC_OUT))
			return true;
	}
	return false;
}

void
guard_mapped(struct conn *c, uint64_t addr, size_t len)
{
	unsigned i;

	pthread_mutex_lock(&c->lock);
	i = c->nmapped++ % CONN_MAX_MAPPED;
	c->mapped[i].addr = addr;
	c->mapped[i].len = len;
	pthread_mutex_unlock(&c->lock);
}

static const char *
call_name(const struct call *call)
{

	if (call == NULL || call->num >= rump_nsysdesc ||
	    rump_sysdesc[call->num].name == NULL)
		return "no call";
	return rump_sysdesc[call->num].name;
}

bool
guard_allows(struct conn *c, uint64_t addr, size_t len, enum guard_way way)
{
	struct query q = { .addr = addr, .len = len, .way = way };
	struct call *call;
	const char *during;
	bool ok, say;

	if (!atomic_load(&guarded) || len == 0)
		return true;
	say = false;
	during = NULL;
	pthread_mutex_lock(&c->lock);
	ok = c->aio || was_mapped(c, &q);
	for (call = c->pending; call != NULL && !ok; call = call->next) {
		if (!call->done)
			ok = call_names(&q, call);
	}
	if (!ok) {
		during = call_name(c->pending);
		say = !c->refused;
		c->refused = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (say)
		client_log("%s: the server wants to %s %zu bytes at 0x%llx, "
		    "which no call names (in progress: %s): refused "
		    "(RUMPCLIENT_GUARD=off allows it)", conn_server.text,
		    way == GUARD_OUT ? "write" : "read", len,
		    (unsigned long long)addr, during);
	return ok;
}

/* Whose access it may have been; false: no call's.  lock held. */
static bool
fail_those(struct conn *c, struct query *q)
{
	struct call *call;
	bool any;

	any = false;
	for (call = c->pending; call != NULL; call = call->next) {
		if (!call->done && call_names(q, call))
			any = call->efault = true;
	}
	return any;
}

/* Those that were given the address, such as 0, and name nothing by it.  lock
 * held. */
static bool
fail_given(struct conn *c, uint64_t addr)
{
	struct call *call;
	struct query q;
	unsigned i;
	bool any;

	any = false;
	for (call = c->pending; call != NULL; call = call->next) {
		if (call->done || call->type != FRAME_SYSCALL ||
		    !about_call(&q, call))
			continue;
		for (i = 0; i < q.desc->narg && i < q.nargs; i++)
			if (q.desc->args[i].kind == SYSDESC_PTR &&
			    q.args[i] == addr)
				any = call->efault = true;
	}
	return any;
}

/* Whose access it was nobody knows: every call in progress, but none that has
 * been answered, fails with EFAULT.  lock held. */
static void
fail_all(struct conn *c)
{
	struct call *call;

	for (call = c->pending; call != NULL; call = call->next) {
		if (!call->done)
			call->efault = true;
	}
}

void
guard_fault(struct conn *c, uint64_t addr, size_t len, enum guard_way way)
{
	struct query q = { .addr = addr, .len = len, .way = way,
	    .sure = true };

	pthread_mutex_lock(&c->lock);
	if (!fail_those(c, &q) && !fail_given(c, addr)) {
		q.sure = false;
		if (!fail_those(c, &q))
			fail_all(c);
	}
	pthread_mutex_unlock(&c->lock);
}
