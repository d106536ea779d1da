/* Status of files and file systems, device numbers, pathconf's names. */
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

/* NetBSD's major has 12 bits and its minor 20: higher ones are cut. */
uint64_t
rump_conv_dev_from_host(dev_t host)
{

	return rump_makedev(major(host), minor(host));
}

dev_t
rump_conv_dev_to_host(uint64_t nb)
{

	return makedev(rump_major(nb), rump_minor(nb));
}

static int32_t
blksize(uint64_t n)
{

	return n > INT32_MAX ? INT32_MAX : (int32_t)n;
}

static bool
earlier(const struct rump_timespec *a, const struct rump_timespec *b)
{

	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec;
	return a->tv_nsec < b->tv_nsec;
}

/*
 * A file system's number is a device number on the host.  Its bits beyond
 * NetBSD's would be lost, and two file systems look like one; st_dev has 64
 * bits, so it takes the host's value as it is.  st_rdev is one to take apart
 * and is recoded.
 */
void
rump_conv_stat_from_host(const struct stat *host, struct rump_stat *nb)
{

	memset(nb, 0, sizeof(*nb));
	nb->st_dev = host->st_dev;
	nb->st_mode = host->st_mode;
	nb->st_ino = host->st_ino;
	nb->st_nlink = (uint32_t)host->st_nlink;
	nb->st_uid = host->st_uid;
	nb->st_gid = host->st_gid;
	nb->st_rdev = rump_conv_dev_from_host(host->st_rdev);
	rump_conv_timespec_from_host(&host->st_atim, &nb->st_atim);
	rump_conv_timespec_from_host(&host->st_mtim, &nb->st_mtim);
	rump_conv_timespec_from_host(&host->st_ctim, &nb->st_ctim);
	nb->st_birthtim = nb->st_ctim;
	if (earlier(&nb->st_mtim, &nb->st_birthtim))
		nb->st_birthtim = nb->st_mtim;
	if (earlier(&nb->st_atim, &nb->st_birthtim))
		nb->st_birthtim = nb->st_atim;
	nb->st_size = host->st_size;
	nb->st_blocks = host->st_blocks;
	nb->st_blksize = blksize((uint64_t)host->st_blksize);
}

void
rump_conv_stat_to_host(const struct rump_stat *nb, struct stat *host)
{

	memset(host, 0, sizeof(*host));
	host->st_dev = nb->st_dev;
	host->st_mode = nb->st_mode;
	host->st_ino = nb->st_ino;
	host->st_nlink = nb->st_nlink;
	host->st_uid = nb->st_uid;
	host->st_gid = nb->st_gid;
	host->st_rdev = rump_conv_dev_to_host(nb->st_rdev);
	rump_conv_timespec_to_host(&nb->st_atim, &host->st_atim);
	rump_conv_timespec_to_host(&nb->st_mtim, &host->st_mtim);
	rump_conv_timespec_to_host(&nb->st_ctim, &host->st_ctim);
	host->st_size = nb->st_size;
	host->st_blocks = nb->st_blocks;
	host->st_blksize = nb->st_blksize;
}

static void
statx_time(const struct statx_timestamp *host, struct rump_timespec *nb)
{

	nb->tv_sec = host->tv_sec;
	nb->tv_nsec = host->tv_nsec;
}

void
rump_conv_stat_from_statx(const struct statx *host, struct rump_stat *nb)
{

	memset(nb, 0, sizeof(*nb));
	nb->st_dev = makedev(host->stx_dev_major, host->stx_dev_minor);
	nb->st_mode = host->stx_mode;
	nb->st_ino = host->stx_ino;
	nb->st_nlink = host->stx_nlink;
	nb->st_uid = host->stx_uid;
	nb->st_gid = host->stx_gid;
	nb->st_rdev = rump_makedev(host->stx_rdev_major, host->stx_rdev_minor);
	statx_time(&host->stx_atime, &nb->st_atim);
	statx_time(&host->stx_mtime, &nb->st_mtim);
	statx_time(&host->stx_ctime, &nb->st_ctim);
	if ((host->stx_mask & STATX_BTIME) != 0) {
		statx_time(&host->stx_btime, &nb->st_birthtim);
	} else {
		nb->st_birthtim = nb->st_ctim;
		if (earlier(&nb->st_mtim, &nb->st_birthtim))
			nb->st_birthtim = nb->st_mtim;
	}
	nb->st_size = (int64_t)host->stx_size;
	nb->st_blocks = (int64_t)host->stx_blocks;
	nb->st_blksize = blksize(host->stx_blksize);
	if ((host->stx_attributes & STATX_ATTR_IMMUTABLE) != 0)
		nb->st_flags |= RUMP_SF_IMMUTABLE;
	if ((host->stx_attributes & STATX_ATTR_APPEND) != 0)
		nb->st_flags |= RUMP_SF_APPEND;
	if ((host->stx_attributes & STATX_ATTR_NODUMP) != 0)
		nb->st_flags |= RUMP_UF_NODUMP;
}

static void
timespec_to_old(const struct rump_timespec *ts, struct rump_timespec50 *old)
{

	old->tv_sec = (int32_t)ts->tv_sec;
	old->rump_pad = 0;
	old->tv_nsec = ts->tv_nsec;
}

void
rump_conv_stat_to_stat30(const struct rump_stat *nb, struct rump_stat30 *old)
{

	memset(old, 0, sizeof(*old));
	old->st_dev = (uint32_t)nb->st_dev;
	old->st_mode = nb->st_mode;
	old->st_ino = nb->st_ino;
	old->st_nlink = nb->st_nlink;
	old->st_uid = nb->st_uid;
	old->st_gid = nb->st_gid;
	old->st_rdev = (uint32_t)nb->st_rdev;
	timespec_to_old(&nb->st_atim, &old->st_atimespec);
	timespec_to_old(&nb->st_mtim, &old->st_mtimespec);
	timespec_to_old(&nb->st_ctim, &old->st_ctimespec);
	timespec_to_old(&nb->st_birthtim, &old->st_birthtimespec);
	old->st_size = nb->st_size;
	old->st_blocks = nb->st_blocks;
	old->st_blksize = nb->st_blksize;
	old->st_flags = nb->st_flags;
	old->st_gen = nb->st_gen;
}

static const struct abi_pair vfs_flags[] = {
	{ (int)RUMP_ST_RDONLY, ST_RDONLY },
	{ (int)RUMP_ST_SYNCHRONOUS, ST_SYNCHRONOUS },
	{ (int)RUMP_ST_NOEXEC, ST_NOEXEC },
	{ (int)RUMP_ST_NOSUID, ST_NOSUID },
	{ (int)RUMP_ST_NODEV, ST_NODEV },
	{ (int)RUMP_ST_NOATIME, ST_NOATIME },
	{ (int)RUMP_ST_RELATIME, ST_RELATIME },
};

void
rump_conv_statvfs_from_host(const struct statvfs *host,
    struct rump_statvfs *nb)
{
	int rest;

	memset(nb, 0, sizeof(*nb));
	nb->f_flag = (unsigned)abi_bits_from_host(vfs_flags,
	    ABI_COUNT(vfs_flags), (int)host->f_flag, &rest);
	nb->f_bsize = host->f_bsize;
	nb->f_frsize = host->f_frsize;
	nb->f_iosize = host->f_bsize;
	nb->f_blocks = host->f_blocks;
	nb->f_bfree = host->f_bfree;
	nb->f_bavail = host->f_bavail;
	nb->f_bresvd = host->f_bfree - host->f_bavail;
	nb->f_files = host->f_files;
	nb->f_ffree = host->f_ffree;
	nb->f_favail = host->f_favail;
	nb->f_fresvd = host->f_ffree - host->f_favail;
	nb->f_fsidx.fsid_val[0] = (int32_t)host->f_fsid;
	nb->f_fsidx.fsid_val[1] = (int32_t)((uint64_t)host->f_fsid >> 32);
	nb->f_fsid = host->f_fsid;
	nb->f_namemax = host->f_namemax;
}

void
rump_conv_statvfs_to_host(const struct rump_statvfs *nb, struct statvfs *host)
{
	int rest;

	memset(host, 0, sizeof(*host));
	host->f_flag = (unsigned long)abi_bits_to_host(vfs_flags,
	    ABI_COUNT(vfs_flags), (int)nb->f_flag, &rest);
	host->f_bsize = nb->f_bsize;
	host->f_frsize = nb->f_frsize;
	host->f_blocks = nb->f_blocks;
	host->f_bfree = nb->f_bfree;
	host->f_bavail = nb->f_bavail;
	host->f_files = nb->f_files;
	host->f_ffree = nb->f_ffree;
	host->f_favail = nb->f_favail;
	host->f_fsid = nb->f_fsid;
	host->f_namemax = nb->f_namemax;
}

static const struct abi_pair pathconf_names[] = {
	{ RUMP_PC_LINK_MAX, _PC_LINK_MAX },
	{ RUMP_PC_MAX_CANON, _PC_MAX_CANON },
	{ RUMP_PC_MAX_INPUT, _PC_MAX_INPUT },
	{ RUMP_PC_NAME_MAX, _PC_NAME_MAX },
	{ RUMP_PC_PATH_MAX, _PC_PATH_MAX },
	{ RUMP_PC_PIPE_BUF, _PC_PIPE_BUF },
	{ RUMP_PC_CHOWN_RESTRICTED, _PC_CHOWN_RESTRICTED },
	{ RUMP_PC_NO_TRUNC, _PC_NO_TRUNC },
	{ RUMP_PC_VDISABLE, _PC_VDISABLE },
	{ RUMP_PC_SYNC_IO, _PC_SYNC_IO },
	{ RUMP_PC_FILESIZEBITS, _PC_FILESIZEBITS },
	{ RUMP_PC_SYMLINK_MAX, _PC_SYMLINK_MAX },
	{ RUMP_PC_2_SYMLINKS, _PC_2_SYMLINKS },
};

int
rump_conv_pathconf_to_host(int nb, int *host)
{

	return abi_to_host(pathconf_names, ABI_COUNT(pathconf_names), nb,
	    host) ? 0 : RUMP_EINVAL;
}

int
rump_conv_pathconf_from_host(int host, int *nb)
{

	return abi_from_host(pathconf_names, ABI_COUNT(pathconf_names), host,
	    nb) ? 0 : RUMP_EINVAL;
}
