/*
 * Files: opening, descriptors, locks, status, directories, file systems,
 * extended attributes, asynchronous I/O.
 */
#ifndef RUMP_RUMPDEFS_FILE_H
#define RUMP_RUMPDEFS_FILE_H

/* glibc's makes a macro of d_fileno: it has to come before our use of it. */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs_signal.h>
#include <rump/rumpdefs_time.h>

/* Sizes of things, NUL included where there is one. */
#define RUMP_PATH_MAX		1024
#define RUMP_NAME_MAX		511
#define RUMP_LINK_MAX		32767
#define RUMP_PIPE_BUF		512
#define RUMP_IOV_MAX		1024
#define RUMP_MAXSYMLINKS	32

/* --- open, openat, fcntl(F_GETFL, F_SETFL), pipe2, dup3, kqueue1 --- */

#define RUMP_O_RDONLY		0x00000000
#define RUMP_O_WRONLY		0x00000001
#define RUMP_O_RDWR		0x00000002
#define RUMP_O_ACCMODE		0x00000003
#define RUMP_O_NONBLOCK		0x00000004
#define RUMP_O_NDELAY		RUMP_O_NONBLOCK
#define RUMP_O_APPEND		0x00000008
#define RUMP_O_SHLOCK		0x00000010	/* flock(LOCK_SH) on open */
#define RUMP_O_EXLOCK		0x00000020	/* flock(LOCK_EX) on open */
#define RUMP_O_ASYNC		0x00000040
#define RUMP_O_SYNC		0x00000080
#define RUMP_O_FSYNC		RUMP_O_SYNC
#define RUMP_O_NOFOLLOW		0x00000100
#define RUMP_O_CREAT		0x00000200
#define RUMP_O_TRUNC		0x00000400
#define RUMP_O_EXCL		0x00000800
#define RUMP_O_NOCTTY		0x00008000
#define RUMP_O_DSYNC		0x00010000
#define RUMP_O_RSYNC		0x00020000
#define RUMP_O_ALT_IO		0x00040000
#define RUMP_O_DIRECT		0x00080000
#define RUMP_O_DIRECTORY	0x00200000
#define RUMP_O_CLOEXEC		0x00400000
#define RUMP_O_SEARCH		0x00800000
#define RUMP_O_NOSIGPIPE	0x01000000

#define RUMP_AT_FDCWD		(-100)
#define RUMP_AT_EACCESS		0x100
#define RUMP_AT_SYMLINK_NOFOLLOW 0x200
#define RUMP_AT_SYMLINK_FOLLOW	0x400
#define RUMP_AT_REMOVEDIR	0x800

/* access, faccessat */
#define RUMP_F_OK		0
#define RUMP_X_OK		1
#define RUMP_W_OK		2
#define RUMP_R_OK		4

#define RUMP_SEEK_SET		0
#define RUMP_SEEK_CUR		1
#define RUMP_SEEK_END		2

/* --- fcntl --- */

#define RUMP_F_DUPFD		0
#define RUMP_F_GETFD		1
#define RUMP_F_SETFD		2
#define RUMP_F_GETFL		3
#define RUMP_F_SETFL		4
#define RUMP_F_GETOWN		5
#define RUMP_F_SETOWN		6
#define RUMP_F_GETLK		7
#define RUMP_F_SETLK		8
#define RUMP_F_SETLKW		9
#define RUMP_F_CLOSEM		10	/* close this one and all above */
#define RUMP_F_MAXFD		11	/* highest descriptor in use */
#define RUMP_F_DUPFD_CLOEXEC	12
#define RUMP_F_GETNOSIGPIPE	13
#define RUMP_F_SETNOSIGPIPE	14

#define RUMP_FD_CLOEXEC		1

#define RUMP_F_RDLCK		1
#define RUMP_F_UNLCK		2
#define RUMP_F_WRLCK		3

struct rump_flock {
	int64_t l_start;
	int64_t l_len;			/* 0: to the end, wherever it moves */
	int32_t l_pid;
	int16_t l_type;
	int16_t l_whence;
};

/* Commands that a file system takes: direction and size in the number. */
#define RUMP_F_PARAM_MASK	0xfff
#define RUMP_F_PARAM_LEN(x)	(((x) >> 16) & RUMP_F_PARAM_MASK)
#define RUMP_F_PARAM_MAX	4095
#define RUMP_F_FSCTL		((int)0x80000000)
#define RUMP_F_FSVOID		0x40000000
#define RUMP_F_FSOUT		0x20000000
#define RUMP_F_FSIN		0x10000000
#define RUMP_F_FSINOUT		(RUMP_F_FSIN | RUMP_F_FSOUT)
#define RUMP_F_FSDIRMASK	0x70000000
#define RUMP_F_FSPRIV		0x00008000

/* flock */
#define RUMP_LOCK_SH		0x01
#define RUMP_LOCK_EX		0x02
#define RUMP_LOCK_NB		0x04
#define RUMP_LOCK_UN		0x08

/* fsync_range; one of the first two, perhaps with the third */
#define RUMP_FDATASYNC		0x10
#define RUMP_FFILESYNC		0x20
#define RUMP_FDISKSYNC		0x40

/* posix_fadvise */
#define RUMP_POSIX_FADV_NORMAL	0
#define RUMP_POSIX_FADV_RANDOM	1
#define RUMP_POSIX_FADV_SEQUENTIAL 2
#define RUMP_POSIX_FADV_WILLNEED 3
#define RUMP_POSIX_FADV_DONTNEED 4
#define RUMP_POSIX_FADV_NOREUSE	5

/* readv, writev and messages */
struct rump_iovec {
	void *iov_base;
	size_t iov_len;
};

/* --- stat --- */

struct rump_stat {
	uint64_t st_dev;
	uint32_t st_mode;
	uint64_t st_ino;
	uint32_t st_nlink;
	uint32_t st_uid;
	uint32_t st_gid;
	uint64_t st_rdev;
	struct rump_timespec st_atim;
	struct rump_timespec st_mtim;
	struct rump_timespec st_ctim;
	struct rump_timespec st_birthtim;
	int64_t st_size;
	int64_t st_blocks;		/* of 512 bytes */
	int32_t st_blksize;
	uint32_t st_flags;		/* RUMP_UF_*, RUMP_SF_* */
	uint32_t st_gen;
	uint32_t st_spare[2];
};

/* Before NetBSD 6: 32-bit devices and seconds. */
struct rump_stat30 {
	uint32_t st_dev;
	uint32_t st_mode;
	uint64_t st_ino;
	uint32_t st_nlink;
	uint32_t st_uid;
	uint32_t st_gid;
	uint32_t st_rdev;
	struct rump_timespec50 st_atimespec;
	struct rump_timespec50 st_mtimespec;
	struct rump_timespec50 st_ctimespec;
	struct rump_timespec50 st_birthtimespec;
	int64_t st_size;
	int64_t st_blocks;
	int32_t st_blksize;
	uint32_t st_flags;
	uint32_t st_gen;
	uint32_t st_spare[2];
};

#define RUMP_S_IFMT		0170000
#define RUMP_S_IFIFO		0010000
#define RUMP_S_IFCHR		0020000
#define RUMP_S_IFDIR		0040000
#define RUMP_S_IFBLK		0060000
#define RUMP_S_IFREG		0100000
#define RUMP_S_IFLNK		0120000
#define RUMP_S_IFSOCK		0140000
#define RUMP_S_IFWHT		0160000	/* whiteout; not on Linux */
#define RUMP_S_ISUID		0004000
#define RUMP_S_ISGID		0002000
#define RUMP_S_ISVTX		0001000
#define RUMP_S_ISTXT		RUMP_S_ISVTX
#define RUMP_S_IRWXU		0000700
#define RUMP_S_IRUSR		0000400
#define RUMP_S_IWUSR		0000200
#define RUMP_S_IXUSR		0000100
#define RUMP_S_IRWXG		0000070
#define RUMP_S_IRGRP		0000040
#define RUMP_S_IWGRP		0000020
#define RUMP_S_IXGRP		0000010
#define RUMP_S_IRWXO		0000007
#define RUMP_S_IROTH		0000004
#define RUMP_S_IWOTH		0000002
#define RUMP_S_IXOTH		0000001
#define RUMP_ACCESSPERMS	0000777
#define RUMP_ALLPERMS		0007777

#define RUMP_S_ISDIR(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFDIR)
#define RUMP_S_ISCHR(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFCHR)
#define RUMP_S_ISBLK(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFBLK)
#define RUMP_S_ISREG(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFREG)
#define RUMP_S_ISFIFO(m)	(((m) & RUMP_S_IFMT) == RUMP_S_IFIFO)
#define RUMP_S_ISLNK(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFLNK)
#define RUMP_S_ISSOCK(m)	(((m) & RUMP_S_IFMT) == RUMP_S_IFSOCK)
#define RUMP_S_ISWHT(m)		(((m) & RUMP_S_IFMT) == RUMP_S_IFWHT)

/* chflags: what the owner may set, and what only root may. */
#define RUMP_UF_SETTABLE	0x0000ffffu
#define RUMP_UF_NODUMP		0x00000001u
#define RUMP_UF_IMMUTABLE	0x00000002u
#define RUMP_UF_APPEND		0x00000004u
#define RUMP_UF_OPAQUE		0x00000008u
#define RUMP_SF_SETTABLE	0xffff0000u
#define RUMP_SF_ARCHIVED	0x00010000u
#define RUMP_SF_IMMUTABLE	0x00020000u
#define RUMP_SF_APPEND		0x00040000u
#define RUMP_SF_SNAPSHOT	0x00200000u
#define RUMP_SF_LOG		0x00400000u
#define RUMP_SF_SNAPINVAL	0x00800000u

/*
 * Device numbers: twelve bits of major in the middle, the minor around it.
 */
static inline uint64_t
rump_makedev(uint32_t maj, uint32_t min)
{

	return ((maj << 8) & 0x000fff00u) | ((min << 12) & 0xfff00000u) |
	    (min & 0x000000ffu);
}

static inline uint32_t
rump_major(uint64_t dev)
{

	return ((uint32_t)dev & 0x000fff00u) >> 8;
}

static inline uint32_t
rump_minor(uint64_t dev)
{

	return (((uint32_t)dev & 0xfff00000u) >> 12) |
	    ((uint32_t)dev & 0x000000ffu);
}

/* --- directories --- */

/*
 * What getdents returns, one after the other: each record is d_reclen bytes
 * long, a multiple of 8, and its name ends in a NUL.
 */
struct rump_dirent {
	uint64_t d_fileno;
	uint16_t d_reclen;
	uint16_t d_namlen;		/* without the NUL */
	uint8_t d_type;
	char d_name[RUMP_NAME_MAX + 1];
};

/* Bytes of a record for a name of namlen characters. */
static inline size_t
rump_dirent_reclen(size_t namlen)
{

	return (offsetof(struct rump_dirent, d_name) + namlen + 1 + 7) &
	    ~(size_t)7;
}

#define RUMP_DT_UNKNOWN		0
#define RUMP_DT_FIFO		1
#define RUMP_DT_CHR		2
#define RUMP_DT_DIR		4
#define RUMP_DT_BLK		6
#define RUMP_DT_REG		8
#define RUMP_DT_LNK		10
#define RUMP_DT_SOCK		12
#define RUMP_DT_WHT		14

/* --- pathconf, fpathconf --- */

#define RUMP_PC_LINK_MAX	1
#define RUMP_PC_MAX_CANON	2
#define RUMP_PC_MAX_INPUT	3
#define RUMP_PC_NAME_MAX	4
#define RUMP_PC_PATH_MAX	5
#define RUMP_PC_PIPE_BUF	6
#define RUMP_PC_CHOWN_RESTRICTED 7
#define RUMP_PC_NO_TRUNC	8
#define RUMP_PC_VDISABLE	9
#define RUMP_PC_SYNC_IO		10
#define RUMP_PC_FILESIZEBITS	11
#define RUMP_PC_SYMLINK_MAX	12
#define RUMP_PC_2_SYMLINKS	13
#define RUMP_PC_ACL_EXTENDED	14
#define RUMP_PC_MIN_HOLE_SIZE	15

/* --- file systems --- */

#define RUMP_VFS_NAMELEN	32
#define RUMP_VFS_MNAMELEN	1024

struct rump_fsid {
	int32_t fsid_val[2];
};

struct rump_statvfs {
	uint64_t f_flag;		/* RUMP_ST_* */
	uint64_t f_bsize;
	uint64_t f_frsize;
	uint64_t f_iosize;

	uint64_t f_blocks;		/* these four in units of f_frsize */
	uint64_t f_bfree;
	uint64_t f_bavail;
	uint64_t f_bresvd;

	uint64_t f_files;
	uint64_t f_ffree;
	uint64_t f_favail;
	uint64_t f_fresvd;

	uint64_t f_syncreads;
	uint64_t f_syncwrites;
	uint64_t f_asyncreads;
	uint64_t f_asyncwrites;

	struct rump_fsid f_fsidx;
	uint64_t f_fsid;
	uint64_t f_namemax;
	uint32_t f_owner;
	uint32_t f_spare[4];

	char f_fstypename[RUMP_VFS_NAMELEN];
	char f_mntonname[RUMP_VFS_MNAMELEN];
	char f_mntfromname[RUMP_VFS_MNAMELEN];
};

/* mount, and the same bits under the name ST_ in f_flag */
#define RUMP_MNT_RDONLY		0x00000001u
#define RUMP_MNT_SYNCHRONOUS	0x00000002u
#define RUMP_MNT_NOEXEC		0x00000004u
#define RUMP_MNT_NOSUID		0x00000008u
#define RUMP_MNT_NODEV		0x00000010u
#define RUMP_MNT_UNION		0x00000020u
#define RUMP_MNT_ASYNC		0x00000040u
#define RUMP_MNT_NOCOREDUMP	0x00008000u
#define RUMP_MNT_RELATIME	0x00020000u
#define RUMP_MNT_IGNORE		0x00100000u
#define RUMP_MNT_DISCARD	0x00800000u
#define RUMP_MNT_EXTATTR	0x01000000u
#define RUMP_MNT_LOG		0x02000000u
#define RUMP_MNT_NOATIME	0x04000000u
#define RUMP_MNT_SYMPERM	0x20000000u
#define RUMP_MNT_NODEVMTIME	0x40000000u
#define RUMP_MNT_SOFTDEP	0x80000000u
/* ... exported over NFS */
#define RUMP_MNT_EXRDONLY	0x00000080u
#define RUMP_MNT_EXPORTED	0x00000100u
#define RUMP_MNT_DEFEXPORTED	0x00000200u
#define RUMP_MNT_EXPORTANON	0x00000400u
#define RUMP_MNT_EXKERB		0x00000800u
#define RUMP_MNT_EXNORESPORT	0x08000000u
#define RUMP_MNT_EXPUBLIC	0x10000000u
/* ... known only to the kernel */
#define RUMP_MNT_LOCAL		0x00001000u
#define RUMP_MNT_QUOTA		0x00002000u
#define RUMP_MNT_ROOTFS		0x00004000u
/* ... what the call is to do */
#define RUMP_MNT_UPDATE		0x00010000u
#define RUMP_MNT_RELOAD		0x00040000u
#define RUMP_MNT_FORCE		0x00080000u
#define RUMP_MNT_GETARGS	0x00400000u
#define RUMP_MNT_OP_FLAGS	(RUMP_MNT_UPDATE | RUMP_MNT_RELOAD | \
				 RUMP_MNT_FORCE | RUMP_MNT_GETARGS)

/* statvfs1, fstatvfs1, getvfsstat: how fresh the numbers have to be */
#define RUMP_MNT_WAIT		1
#define RUMP_MNT_NOWAIT		2
#define RUMP_MNT_LAZY		3
#define RUMP_ST_WAIT		RUMP_MNT_WAIT
#define RUMP_ST_NOWAIT		RUMP_MNT_NOWAIT

#define RUMP_ST_RDONLY		RUMP_MNT_RDONLY
#define RUMP_ST_SYNCHRONOUS	RUMP_MNT_SYNCHRONOUS
#define RUMP_ST_NOEXEC		RUMP_MNT_NOEXEC
#define RUMP_ST_NOSUID		RUMP_MNT_NOSUID
#define RUMP_ST_NODEV		RUMP_MNT_NODEV
#define RUMP_ST_UNION		RUMP_MNT_UNION
#define RUMP_ST_ASYNC		RUMP_MNT_ASYNC
#define RUMP_ST_NOCOREDUMP	RUMP_MNT_NOCOREDUMP
#define RUMP_ST_RELATIME	RUMP_MNT_RELATIME
#define RUMP_ST_IGNORE		RUMP_MNT_IGNORE
#define RUMP_ST_EXTATTR		RUMP_MNT_EXTATTR
#define RUMP_ST_LOG		RUMP_MNT_LOG
#define RUMP_ST_NOATIME		RUMP_MNT_NOATIME
#define RUMP_ST_SYMPERM		RUMP_MNT_SYMPERM
#define RUMP_ST_NODEVMTIME	RUMP_MNT_NODEVMTIME
#define RUMP_ST_SOFTDEP		RUMP_MNT_SOFTDEP
#define RUMP_ST_EXRDONLY	RUMP_MNT_EXRDONLY
#define RUMP_ST_EXPORTED	RUMP_MNT_EXPORTED
#define RUMP_ST_DEFEXPORTED	RUMP_MNT_DEFEXPORTED
#define RUMP_ST_EXPORTANON	RUMP_MNT_EXPORTANON
#define RUMP_ST_EXKERB		RUMP_MNT_EXKERB
#define RUMP_ST_EXNORESPORT	RUMP_MNT_EXNORESPORT
#define RUMP_ST_EXPUBLIC	RUMP_MNT_EXPUBLIC
#define RUMP_ST_LOCAL		RUMP_MNT_LOCAL
#define RUMP_ST_QUOTA		RUMP_MNT_QUOTA
#define RUMP_ST_ROOTFS		RUMP_MNT_ROOTFS

/* The first argument of mount. */
#define RUMP_MOUNT_FFS		"ffs"
#define RUMP_MOUNT_UFS		RUMP_MOUNT_FFS
#define RUMP_MOUNT_NFS		"nfs"
#define RUMP_MOUNT_MFS		"mfs"
#define RUMP_MOUNT_MSDOS	"msdos"
#define RUMP_MOUNT_LFS		"lfs"
#define RUMP_MOUNT_FDESC	"fdesc"
#define RUMP_MOUNT_NULL		"null"
#define RUMP_MOUNT_OVERLAY	"overlay"
#define RUMP_MOUNT_UMAP		"umap"
#define RUMP_MOUNT_KERNFS	"kernfs"
#define RUMP_MOUNT_PROCFS	"procfs"
#define RUMP_MOUNT_AFS		"afs"
#define RUMP_MOUNT_CD9660	"cd9660"
#define RUMP_MOUNT_UNION	"union"
#define RUMP_MOUNT_ADOSFS	"adosfs"
#define RUMP_MOUNT_EXT2FS	"ext2fs"
#define RUMP_MOUNT_CFS		"coda"
#define RUMP_MOUNT_CODA		RUMP_MOUNT_CFS
#define RUMP_MOUNT_FILECORE	"filecore"
#define RUMP_MOUNT_NTFS		"ntfs"
#define RUMP_MOUNT_SMBFS	"smbfs"
#define RUMP_MOUNT_PTYFS	"ptyfs"
#define RUMP_MOUNT_TMPFS	"tmpfs"
#define RUMP_MOUNT_UDF		"udf"
#define RUMP_MOUNT_SYSVBFS	"sysvbfs"
#define RUMP_MOUNT_PUFFS	"puffs"
#define RUMP_MOUNT_HFS		"hfs"
#define RUMP_MOUNT_EFS		"efs"
#define RUMP_MOUNT_ZFS		"zfs"
#define RUMP_MOUNT_NILFS	"nilfs"
#define RUMP_MOUNT_RUMPFS	"rumpfs"
#define RUMP_MOUNT_V7FS		"v7fs"

struct rump_ufs_args {
	char *fspec;			/* the block device */
};

struct rump_sysvbfs_args {
	char *fspec;
};

/* --- extended attributes --- */

#define RUMP_EXTATTR_NAMESPACE_USER	1
#define RUMP_EXTATTR_NAMESPACE_SYSTEM	2
#define RUMP_EXTATTR_CMD_START		1
#define RUMP_EXTATTR_CMD_STOP		2
#define RUMP_EXTATTR_MAXNAMELEN		255

#define RUMP_XATTR_CREATE		1
#define RUMP_XATTR_REPLACE		2
#define RUMP_XATTR_NAME_MAX		255
#define RUMP_XATTR_SIZE_MAX		65536

/* --- asynchronous I/O --- */

struct rump_aiocb {
	int64_t aio_offset;
	volatile void *aio_buf;
	size_t aio_nbytes;
	int32_t aio_fildes;
	int32_t aio_lio_opcode;
	int32_t aio_reqprio;
	struct rump_sigevent aio_sigevent;

	int32_t aio_state;		/* these three belong to the kernel */
	int32_t aio_errno;
	int64_t aio_retval;
};

#define RUMP_AIO_CANCELED	1
#define RUMP_AIO_NOTCANCELED	2
#define RUMP_AIO_ALLDONE	3
#define RUMP_LIO_NOP		0
#define RUMP_LIO_WRITE		1
#define RUMP_LIO_READ		2
#define RUMP_LIO_NOWAIT		0
#define RUMP_LIO_WAIT		1
#define RUMP_AIO_LISTIO_MAX	512

#endif
