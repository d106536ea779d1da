/* Times and clocks. */
#include <string.h>
#include <time.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

void
rump_conv_timespec_to_host(const struct rump_timespec *nb,
    struct timespec *host)
{

	host->tv_sec = nb->tv_sec;
	host->tv_nsec = nb->tv_nsec;
}

void
rump_conv_timespec_from_host(const struct timespec *host,
    struct rump_timespec *nb)
{

	nb->tv_sec = host->tv_sec;
	nb->tv_nsec = host->tv_nsec;
}

void
rump_conv_timeval_to_host(const struct rump_timeval *nb, struct timeval *host)
{

	host->tv_sec = nb->tv_sec;
	host->tv_usec = nb->tv_usec;
}

void
rump_conv_timeval_from_host(const struct timeval *host,
    struct rump_timeval *nb)
{

	nb->tv_sec = host->tv_sec;
	nb->tv_usec = (int32_t)host->tv_usec;
	nb->rump_pad = 0;
}

void
rump_conv_timespec50_to_host(const struct rump_timespec50 *nb,
    struct timespec *host)
{

	host->tv_sec = nb->tv_sec;
	host->tv_nsec = nb->tv_nsec;
}

void
rump_conv_timespec50_from_host(const struct timespec *host,
    struct rump_timespec50 *nb)
{

	nb->tv_sec = (int32_t)host->tv_sec;
	nb->rump_pad = 0;
	nb->tv_nsec = host->tv_nsec;
}

void
rump_conv_timeval50_to_host(const struct rump_timeval50 *nb,
    struct timeval *host)
{

	host->tv_sec = nb->tv_sec;
	host->tv_usec = nb->tv_usec;
}

void
rump_conv_timeval50_from_host(const struct timeval *host,
    struct rump_timeval50 *nb)
{

	nb->tv_sec = host->tv_sec;
	nb->tv_usec = host->tv_usec;
}

void
rump_conv_itimerval_to_host(const struct rump_itimerval *nb,
    struct itimerval *host)
{

	rump_conv_timeval_to_host(&nb->it_interval, &host->it_interval);
	rump_conv_timeval_to_host(&nb->it_value, &host->it_value);
}

void
rump_conv_itimerval_from_host(const struct itimerval *host,
    struct rump_itimerval *nb)
{

	rump_conv_timeval_from_host(&host->it_interval, &nb->it_interval);
	rump_conv_timeval_from_host(&host->it_value, &nb->it_value);
}

void
rump_conv_itimerspec_to_host(const struct rump_itimerspec *nb,
    struct itimerspec *host)
{

	rump_conv_timespec_to_host(&nb->it_interval, &host->it_interval);
	rump_conv_timespec_to_host(&nb->it_value, &host->it_value);
}

void
rump_conv_itimerspec_from_host(const struct itimerspec *host,
    struct rump_itimerspec *nb)
{

	rump_conv_timespec_from_host(&host->it_interval, &nb->it_interval);
	rump_conv_timespec_from_host(&host->it_value, &nb->it_value);
}

static const struct abi_pair clocks[] = {
	{ RUMP_CLOCK_REALTIME, CLOCK_REALTIME },
	{ RUMP_CLOCK_MONOTONIC, CLOCK_MONOTONIC },
	{ RUMP_CLOCK_PROCESS_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID },
	{ RUMP_CLOCK_THREAD_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID },
	{ RUMP_CLOCK_VIRTUAL, CLOCK_PROCESS_CPUTIME_ID },
	{ RUMP_CLOCK_PROF, CLOCK_PROCESS_CPUTIME_ID },
	/* The host's variations on a theme. */
	{ RUMP_CLOCK_REALTIME, CLOCK_REALTIME_COARSE },
	{ RUMP_CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE },
	{ RUMP_CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW },
};

int
rump_conv_clockid_to_host(int nb, clockid_t *host)
{
	int id;

	if (!abi_to_host(clocks, ABI_COUNT(clocks), nb, &id))
		return RUMP_EINVAL;
	*host = id;
	return 0;
}

int
rump_conv_clockid_from_host(clockid_t host, int *nb)
{

	return abi_from_host(clocks, ABI_COUNT(clocks), host, nb) ?
	    0 : RUMP_EINVAL;
}
