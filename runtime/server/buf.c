/*
 * Memory that grows.
 */
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

uint8_t *
buf_room(struct buf *b, size_t n)
{
	uint8_t *p;
	size_t cap;

	if (b->cap - b->len >= n)
		return b->data + b->len;
	if (n > SIZE_MAX / 2 - b->len)
		return NULL;
	cap = b->cap != 0 ? b->cap : 256;
	while (cap - b->len < n)
		cap *= 2;
	p = realloc(b->data, cap);
	if (p == NULL)
		return NULL;
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
	free(b->data);
	b->data = NULL;
	b->cap = 0;
}
