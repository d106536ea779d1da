/* Resource limits. */
#include <sys/resource.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair resources[] = {
	{ RUMP_RLIMIT_CPU, RLIMIT_CPU },
	{ RUMP_RLIMIT_FSIZE, RLIMIT_FSIZE },
	{ RUMP_RLIMIT_DATA, RLIMIT_DATA },
	{ RUMP_RLIMIT_STACK, RLIMIT_STACK },
	{ RUMP_RLIMIT_CORE, RLIMIT_CORE },
	{ RUMP_RLIMIT_RSS, RLIMIT_RSS },
	{ RUMP_RLIMIT_MEMLOCK, RLIMIT_MEMLOCK },
	{ RUMP_RLIMIT_NPROC, RLIMIT_NPROC },
	{ RUMP_RLIMIT_NOFILE, RLIMIT_NOFILE },
	{ RUMP_RLIMIT_AS, RLIMIT_AS },
};

int
rump_conv_rlimit_to_host(int nb, int *host)
{

	return abi_to_host(resources, ABI_COUNT(resources), nb, host) ?
	    0 : RUMP_EINVAL;
}

int
rump_conv_rlimit_from_host(int host, int *nb)
{

	return abi_from_host(resources, ABI_COUNT(resources), host, nb) ?
	    0 : RUMP_EINVAL;
}

rlim_t
rump_conv_rlim_to_host(uint64_t nb)
{

	return nb >= RUMP_RLIM_INFINITY ? RLIM_INFINITY : (rlim_t)nb;
}

uint64_t
rump_conv_rlim_from_host(rlim_t host)
{

	if (host == RLIM_INFINITY || host >= RUMP_RLIM_INFINITY)
		return RUMP_RLIM_INFINITY;
	return host;
}
