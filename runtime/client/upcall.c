/*
 * Serving copyin, copyinstr, copyout, copyoutstr, anonmmap and raise.
 */
#include <sys/mman.h>

#include <errno.h>
#include <string.h>

#include <rump/rumpconv.h>

#include "client/guard.h"
#include "client/log.h"
#include "client/upcall.h"
#include "client/usermem.h"

/* Up to here the kernel sends a local socket's frame whole or not at all, so
 * that a bad address shows before a byte is out. */
#define WHOLE_MAX	16384

/* Sends an answer; a lost connection is dealt with here. */
static void
answer(struct conn *c, const struct frame_hdr *hdr, const void *body)
{
	char frame[sizeof(*hdr) + sizeof(uint64_t)];
	size_t len;

	len = (size_t)hdr->len - sizeof(*hdr);
	memcpy(frame, hdr, sizeof(*hdr));
	if (len > 0)
		memcpy(frame + sizeof(*hdr), body, len);
	if (conn_send(c, frame, sizeof(*hdr) + len) != 0)
		conn_lost(c, c->generation);
}

static void
answer_error(struct conn *c, uint64_t reqno)
{
	struct frame_hdr hdr;

	hdr = frame_hdr(FRAME_ERROR, 0, reqno, FRAME_ERR_MALFORMED, 0);
	answer(c, &hdr, NULL);
}

/* --- copyin, copyinstr --- */

/* Answers with len bytes at addr.  Returns false when nothing was sent because
 * they cannot be read. */
static bool
answer_memory(struct conn *c, uint64_t reqno, uint64_t addr, size_t len)
{
	struct frame_hdr hdr;
	int error;

	if ((len > WHOLE_MAX || !c->local) && !usermem_readable(addr, len))
		return false;
	/* NetBSD's client answers a copyinstr as a copyin too. */
	hdr = frame_hdr(FRAME_RESP, FRAME_COPYIN, reqno, 0, len);
	error = conn_send_user(c, &hdr, addr, len);
	if (error == EFAULT || error == ENOMEM)
		return false;
	if (error == ERANGE)
		guard_fault(c, addr, len, GUARD_IN);
	else if (error != 0)
		conn_lost(c, c->generation);
	return true;
}

/*
 * For a server that takes nothing but data for an answer: it gets zeros or an
 * empty string.
 */
static void
answer_zeros(struct conn *c, const struct refusal *r)
{
	size_t len;
	void *zeros;

	len = r->string ? 1 : (size_t)r->copy.len;
	zeros = MAP_FAILED;
	if (len <= FRAME_MAX_COPY)
		zeros = mmap(NULL, len, PROT_READ,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (zeros == MAP_FAILED) {
		conn_broken(c, "copyin of much that is not there");
		return;
	}
	if (!answer_memory(c, r->reqno, (uintptr_t)zeros, len))
		conn_lost(c, c->generation);
	munmap(zeros, len);
}

void
refusal_note(struct refusals *rs, const struct refusal *r)
{

	rs->last[rs->n++ % CONN_MAX_REFUSALS] = *r;
}

struct refusal *
refusal_find(struct refusals *rs, const struct frame_hdr *hdr)
{
	unsigned i;

	if (hdr->class != FRAME_ERROR || hdr->u != FRAME_ERR_MALFORMED)
		return NULL;
	for (i = 0; i < rs->n && i < CONN_MAX_REFUSALS; i++) {
		if (!rs->last[i].settled && rs->last[i].reqno == hdr->reqno)
			return &rs->last[i];
	}
	return NULL;
}

static void
refuse(struct conn *c, const struct frame_hdr *hdr,
    const struct frame_copy *copy)
{
	const struct refusal r = { .reqno = hdr->reqno, .copy = *copy,
	    .string = hdr->type == FRAME_COPYINSTR };

	/* The call fails here, whatever the server makes of the answer. */
	guard_fault(c, r.copy.addr, (size_t)r.copy.len,
	    r.string ? GUARD_STRING : GUARD_IN);
	if (c->no_errors) {
		answer_zeros(c, &r);
		return;
	}
	refusal_note(&c->refusals, &r);
	answer_error(c, hdr->reqno);
}

bool
upcall_returned(struct conn *c, const struct frame_hdr *hdr)
{
	struct refusal *r;

	r = refusal_find(&c->refusals, hdr);
	if (r == NULL)
		return false;
	c->no_errors = true;
	answer_zeros(c, r);
	r->settled = true;
	return true;
}

static void
copyin(struct conn *c, const struct frame_hdr *hdr,
    const struct frame_copy *copy)
{

	if (copy->len > FRAME_MAX_MOVE ||
	    !guard_allows(c, copy->addr, (size_t)copy->len, GUARD_IN) ||
	    !answer_memory(c, hdr->reqno, copy->addr, (size_t)copy->len))
		refuse(c, hdr, copy);
}

static void
copyinstr(struct conn *c, const struct frame_hdr *hdr,
    const struct frame_copy *copy)
{
	char frame[sizeof(struct frame_hdr) + 1024];
	struct frame_hdr resp;
	size_t len;

	if (copy->len > FRAME_MAX_COPY ||
	    !guard_allows(c, copy->addr, (size_t)copy->len, GUARD_STRING) ||
	    usermem_strlen(copy->addr, (size_t)copy->len,
	    frame + sizeof(resp), sizeof(frame) - sizeof(resp), &len) != 0) {
		refuse(c, hdr, copy);
		return;
	}
	if (len > sizeof(frame) - sizeof(resp)) {
		if (!answer_memory(c, hdr->reqno, copy->addr, len))
			refuse(c, hdr, copy);
		return;
	}
	resp = frame_hdr(FRAME_RESP, FRAME_COPYIN, hdr->reqno, 0, len);
	memcpy(frame, &resp, sizeof(resp));
	if (conn_send(c, frame, sizeof(resp) + len) != 0)
		conn_lost(c, c->generation);
}

/* --- copyout, copyoutstr --- */

static const char *
copyout(struct conn *c, const struct frame_hdr *hdr,
    const struct frame_copy *copy)
{

	if (copy->len != hdr->len - FRAME_HDRLEN - sizeof(*copy))
		return "copyout with another length than its data";
	c->copyout_left = copy->len;
	c->copyout_addr = copy->addr;
	c->copyout_drop = false;
	if (!guard_allows(c, copy->addr, (size_t)copy->len, GUARD_OUT))
		upcall_copyout_fault(c);
	return NULL;
}

void
upcall_copyout_placed(struct conn *c, size_t n)
{

	c->copyout_addr += n;
	c->copyout_left -= n;
}

void
upcall_copyout_fault(struct conn *c)
{

	guard_fault(c, c->copyout_addr, (size_t)c->copyout_left, GUARD_OUT);
	c->copyout_drop = true;
}

void
upcall_copyout_data(struct conn *c, const char *data, size_t n)
{

	if (!c->copyout_drop && usermem_write(c->copyout_addr, data, n) != 0)
		upcall_copyout_fault(c);
	upcall_copyout_placed(c, n);
}

/* --- anonmmap, raise --- */

static void
anonmmap(struct conn *c, const struct frame_hdr *hdr, uint64_t len)
{
	struct frame_hdr resp;
	uint64_t addr;
	void *p;

	addr = 0;
	if (len > 0 && len <= UPCALL_MAX_ANONMMAP &&
	    len <= UPCALL_MAX_MAPPED - c->mapped_bytes) {
		p = mmap(NULL, (size_t)len, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED) {
			addr = (uintptr_t)p;
			c->mapped_bytes += len;
			guard_mapped(c, addr, (size_t)len);
		}
	}
	resp = frame_hdr(FRAME_RESP, FRAME_ANONMMAP, hdr->reqno, 0,
	    sizeof(addr));
	answer(c, &resp, &addr);
}

static void
raise_signal(struct conn *c, uint32_t nbsigno)
{
	int signo;

	signo = nbsigno <= RUMP_NSIG ?
	    rump_conv_signo_to_host((int)nbsigno) : 0;
	if (signo <= 0) {
		client_log("%s: the server raised signal %u, which this "
		    "system does not have: ignored", conn_server.text,
		    nbsigno);
		return;
	}
	c->raised = true;
	sig_raise(signo);
}

const char *
upcall(struct conn *c, const struct frame_hdr *hdr, const char *body)
{
	struct frame_copy copy;
	uint64_t len;

	switch (hdr->type) {
	case FRAME_COPYIN:
		memcpy(&copy, body, sizeof(copy));
		copyin(c, hdr, &copy);
		return NULL;
	case FRAME_COPYINSTR:
		memcpy(&copy, body, sizeof(copy));
		copyinstr(c, hdr, &copy);
		return NULL;
	case FRAME_COPYOUT:
	case FRAME_COPYOUTSTR:
		memcpy(&copy, body, sizeof(copy));
		return copyout(c, hdr, &copy);
	case FRAME_ANONMMAP:
		memcpy(&len, body, sizeof(len));
		anonmmap(c, hdr, len);
		return NULL;
	case FRAME_RAISE:
		raise_signal(c, hdr->u);
		return NULL;
	default:
		return "request of a type that servers do not send";
	}
}
