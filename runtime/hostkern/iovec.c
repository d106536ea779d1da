#include <stdlib.h>

#include "hostkern/iovec.h"

void
vector_free(struct vector *v)
{

	if (v->iov != v->small)
		free(v->iov);
}

int
vector_get(struct lwp *l, rump_uaddr_t uaddr, int n, struct vector *v)
{
	int error, i;

	v->n = n;
	v->total = 0;
	v->iov = v->small;
	if (n > IOV_ON_STACK) {
		v->iov = calloc((size_t)n, sizeof(v->iov[0]));
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
