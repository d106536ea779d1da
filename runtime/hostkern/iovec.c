#include <stdlib.h>

#include "hostkern/iovec.h"

void
vector_free(struct vector *v)
{

	if (v->iov != v->small)
		rumpserver_free(v->iov);
}

int
vector_get(struct lwp *l, rump_uaddr_t uaddr, int n, struct vector *v)
{
	int error, i;

	v->n = n;
	v->total = 0;
	v->iov = v->small;
	if (n > IOV_ON_STACK) {
		v->iov = rumpserver_alloc(l, (size_t)n * sizeof(v->iov[0]));
		if (v->iov == NULL)
			return RUMP_ENOMEM;
	}
	error = rumpserver_copyin(l, uaddr, v->iov,
	    (size_t)n * sizeof(v->iov[0]));
	for (i = 0; error == 0 && i < n; i++) {
		if (v->iov[i].len > (uint64_t)INT64_MAX - v->total)
			error = RUMP_EINVAL;
		v->total += v->iov[i].len;
	}
	if (error != 0)
		vector_free(v);
	return error;
}

int
vector_copy(struct lwp *l, const struct vector *v, uint64_t skip, char *buf,
    size_t len, bool in)
{
	uint64_t room;
	rump_uaddr_t at;
	size_t n;
	int error = 0, i;

	for (i = 0; error == 0 && len > 0 && i < v->n; i++) {
		room = v->iov[i].len;
		if (skip >= room) {
			skip -= room;
			continue;
		}
		at = v->iov[i].base + skip;
		room -= skip;
		skip = 0;
		n = room < len ? (size_t)room : len;
		error = in ? rumpserver_copyin(l, at, buf, n) :
		    rumpserver_copyout(l, buf, at, n);
		buf += n;
		len -= n;
	}
	return error;
}
