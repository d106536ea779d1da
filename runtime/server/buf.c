/*
 * Memory of calls, which may grow, and who pays for it.
 */
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

/* From here on it grows by no more than it must. */
enum { MUCH = 64 * 1024 };

/* A little is nobody's concern, and every call has it. */
static size_t
price(size_t cap)
{

	return cap > BUF_FREE ? cap : 0;
}

static size_t
next_cap(const struct buf *b, size_t n)
{
	size_t want = b->len + n, cap;

	if (want > MUCH)
		return (want + BUF_FREE - 1) / BUF_FREE * BUF_FREE;
	for (cap = b->cap != 0 ? b->cap : 256; cap < want; cap *= 2)
		continue;
	return cap;
}

uint8_t *
buf_room(struct buf *b, size_t n)
{
	uint8_t *p;
	size_t cap, more;

	if (b->cap - b->len >= n)
		return b->data + b->len;
	if (n > SIZE_MAX / 2 - b->len)
		return NULL;
	cap = next_cap(b, n);
	more = price(cap) - price(b->cap);
	if (more > 0 && !rumpserver_charge(b->account, RUMPSERVER_BYTES, more))
		return NULL;
	p = realloc(b->data, cap);
	if (p == NULL) {
		if (more > 0)
			rumpserver_refund(b->account, RUMPSERVER_BYTES, more);
		return NULL;
	}
	b->data = p;
	b->cap = cap;
	return p + b->len;
}

bool
buf_append(struct buf *b, const void *data, size_t n)
{
	uint8_t *p;

	if (n == 0)
		return true;
	p = buf_room(b, n);
	if (p == NULL)
		return false;
	memcpy(p, data, n);
	b->len += n;
	return true;
}

void
buf_reset(struct buf *b, size_t keep)
{

	b->len = 0;
	if (b->cap <= keep)
		return;
	if (price(b->cap) > 0)
		rumpserver_refund(b->account, RUMPSERVER_BYTES, price(b->cap));
	free(b->data);
	b->data = NULL;
	b->cap = 0;
}

/* --- for the kernel --- */

/* In front of what the kernel gets. */
struct block {
	struct rumpserver_account *account;
	alignas(max_align_t) size_t n;
};

void *
rumpserver_alloc(struct lwp *l, size_t n)
{
	struct rumpserver_account *a = l->proc->account;
	struct block *b;

	if (n > SIZE_MAX - sizeof(*b) ||
	    !rumpserver_charge(a, RUMPSERVER_BYTES, price(n)))
		return NULL;
	b = malloc(sizeof(*b) + n);
	if (b == NULL) {
		rumpserver_refund(a, RUMPSERVER_BYTES, price(n));
		return NULL;
	}
	b->account = a;
	b->n = n;
	return b + 1;
}

void
rumpserver_free(void *p)
{
	struct block *b = p;

	if (b == NULL)
		return;
	b--;
	rumpserver_refund(b->account, RUMPSERVER_BYTES, price(b->n));
	free(b);
}
