/* Flags of open and of the *at calls, fcntl's commands, record locks. */
#include <fcntl.h>
#include <string.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair open_bits[] = {
	{ RUMP_O_NONBLOCK, O_NONBLOCK },
	{ RUMP_O_APPEND, O_APPEND },
	{ RUMP_O_ASYNC, O_ASYNC },
	{ RUMP_O_SYNC, O_SYNC },
	{ RUMP_O_NOFOLLOW, O_NOFOLLOW },
	{ RUMP_O_CREAT, O_CREAT },
	{ RUMP_O_TRUNC, O_TRUNC },
	{ RUMP_O_EXCL, O_EXCL },
	{ RUMP_O_NOCTTY, O_NOCTTY },
	{ RUMP_O_DSYNC, O_DSYNC },
	{ RUMP_O_DIRECT, O_DIRECT },
	{ RUMP_O_DIRECTORY, O_DIRECTORY },
	{ RUMP_O_CLOEXEC, O_CLOEXEC },
	{ RUMP_O_SEARCH, O_PATH },
};

/* Known to NetBSD, without an equal on the host. */
#define OPEN_NB_ONLY	(RUMP_O_SHLOCK | RUMP_O_EXLOCK | RUMP_O_NOSIGPIPE | \
			 RUMP_O_ALT_IO | RUMP_O_RSYNC)

int
rump_conv_open_flags_to_host(int nb, int *host)
{
	int bits, rest;

	if ((nb & RUMP_O_ACCMODE) == RUMP_O_ACCMODE)
		return RUMP_EINVAL;
	bits = abi_bits_to_host(open_bits, ABI_COUNT(open_bits),
	    nb & ~(RUMP_O_ACCMODE | OPEN_NB_ONLY), &rest);
	if (rest != 0)
		return RUMP_EINVAL;
	/* Linux has no O_RSYNC of its own; its O_SYNC is the nearest. */
	if ((nb & RUMP_O_RSYNC) != 0)
		bits |= O_SYNC;
	/* The access modes have the same values. */
	*host = bits | (nb & RUMP_O_ACCMODE);
	return 0;
}

int
rump_conv_open_flags_from_host(int host)
{
	int rest;

	return abi_bits_from_host(open_bits, ABI_COUNT(open_bits),
	    host & ~O_ACCMODE, &rest) | (host & O_ACCMODE);
}

static const struct abi_pair at_bits[] = {
	{ RUMP_AT_SYMLINK_NOFOLLOW, AT_SYMLINK_NOFOLLOW },
	{ RUMP_AT_SYMLINK_FOLLOW, AT_SYMLINK_FOLLOW },
	/* Linux has one bit for both: no call takes both. */
	{ RUMP_AT_REMOVEDIR, AT_REMOVEDIR },
	{ RUMP_AT_EACCESS, AT_EACCESS },
};

int
rump_conv_at_flags_to_host(int nb, int *host)
{
	int rest;

	*host = abi_bits_to_host(at_bits, ABI_COUNT(at_bits), nb, &rest);
	return rest == 0 ? 0 : RUMP_EINVAL;
}

int
rump_conv_at_flags_from_host(int host, int *nb)
{
	int rest;

	*nb = abi_bits_from_host(at_bits, ABI_COUNT(at_bits), host, &rest);
	return rest == 0 ? 0 : RUMP_EINVAL;
}

static const struct abi_pair fcntl_cmds[] = {
	{ RUMP_F_DUPFD, F_DUPFD },
	{ RUMP_F_GETFD, F_GETFD },
	{ RUMP_F_SETFD, F_SETFD },
	{ RUMP_F_GETFL, F_GETFL },
	{ RUMP_F_SETFL, F_SETFL },
	{ RUMP_F_GETOWN, F_GETOWN },
	{ RUMP_F_SETOWN, F_SETOWN },
	{ RUMP_F_GETLK, F_GETLK },
	{ RUMP_F_SETLK, F_SETLK },
	{ RUMP_F_SETLKW, F_SETLKW },
	{ RUMP_F_DUPFD_CLOEXEC, F_DUPFD_CLOEXEC },
};

int
rump_conv_fcntl_to_host(int nb, int *host)
{

	return abi_to_host(fcntl_cmds, ABI_COUNT(fcntl_cmds), nb, host) ?
	    0 : RUMP_EINVAL;
}

int
rump_conv_fcntl_from_host(int host, int *nb)
{

	return abi_from_host(fcntl_cmds, ABI_COUNT(fcntl_cmds), host, nb) ?
	    0 : RUMP_EINVAL;
}

static const struct abi_pair lock_types[] = {
	{ RUMP_F_RDLCK, F_RDLCK },
	{ RUMP_F_WRLCK, F_WRLCK },
	{ RUMP_F_UNLCK, F_UNLCK },
};

int
rump_conv_flock_to_host(const struct rump_flock *nb, struct flock *host)
{
	int type;

	if (!abi_to_host(lock_types, ABI_COUNT(lock_types), nb->l_type, &type))
		return RUMP_EINVAL;
	memset(host, 0, sizeof(*host));
	host->l_type = (short)type;
	host->l_whence = nb->l_whence;
	host->l_start = nb->l_start;
	host->l_len = nb->l_len;
	host->l_pid = nb->l_pid;
	return 0;
}

int
rump_conv_flock_from_host(const struct flock *host, struct rump_flock *nb)
{
	int type;

	if (!abi_from_host(lock_types, ABI_COUNT(lock_types), host->l_type,
	    &type))
		return RUMP_EINVAL;
	nb->l_type = (int16_t)type;
	nb->l_whence = host->l_whence;
	nb->l_start = host->l_start;
	nb->l_len = host->l_len;
	nb->l_pid = host->l_pid;
	return 0;
}
