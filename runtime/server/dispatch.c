/*
 * From a call's number to its handler.
 */
#include "server/server.h"

int
rumpserver_dispatch(const struct rump_sysent *table, unsigned nent,
    struct lwp *l, int num, const void *args, size_t len, register_t retval[2])
{
	const struct rump_sysent *sy;

	if (num < 0 || (unsigned)num >= nent)
		return RUMP_ENOSYS;
	sy = &table[num];
	if (sy->sy_name == NULL || sy->sy_call == NULL)
		return RUMP_ENOSYS;
	if (len < sy->sy_argsize)
		return RUMP_EINVAL;
	return sy->sy_call(l, args, retval);
}
