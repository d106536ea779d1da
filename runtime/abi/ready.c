/* poll's events, select's sets. */
#include <sys/select.h>

#include <poll.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair poll_bits[] = {
	{ RUMP_POLLIN, POLLIN },
	{ RUMP_POLLPRI, POLLPRI },
	{ RUMP_POLLOUT, POLLOUT },
	{ RUMP_POLLRDNORM, POLLRDNORM },
	{ RUMP_POLLRDBAND, POLLRDBAND },
	{ RUMP_POLLWRBAND, POLLWRBAND },
	{ RUMP_POLLERR, POLLERR },
	{ RUMP_POLLHUP, POLLHUP },
	{ RUMP_POLLNVAL, POLLNVAL },
};

short
rump_conv_pollevents_to_host(int16_t nb)
{
	int rest;

	return (short)abi_bits_to_host(poll_bits, ABI_COUNT(poll_bits), nb,
	    &rest);
}

int16_t
rump_conv_pollevents_from_host(short host)
{
	int nb, rest;

	nb = abi_bits_from_host(poll_bits, ABI_COUNT(poll_bits), host, &rest);
	/* One bit with NetBSD, two on the host. */
	if ((rest & POLLWRNORM) != 0)
		nb |= RUMP_POLLWRNORM;
	return (int16_t)nb;
}

void
rump_conv_fdset_to_host(const struct rump_fd_set *nb, int nd, fd_set *host)
{
	int fd;

	FD_ZERO(host);
	if (nd > RUMP_FD_SETSIZE)
		nd = RUMP_FD_SETSIZE;
	for (fd = 0; fd < nd; fd++) {
		if (rump_fd_isset(fd, nb))
			FD_SET(fd, host);
	}
}

void
rump_conv_fdset_from_host(const fd_set *host, int nd, struct rump_fd_set *nb)
{
	int fd;

	rump_fd_zero(nb);
	if (nd > RUMP_FD_SETSIZE)
		nd = RUMP_FD_SETSIZE;
	for (fd = 0; fd < nd; fd++) {
		if (FD_ISSET(fd, host))
			rump_fd_setbit(fd, nb);
	}
}
