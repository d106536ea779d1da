/*
 * The process and the system: limits, sysctl, reboot, tracing, modules,
 * quotas, remote descriptors of files.
 */
#ifndef RUMP_RUMPDEFS_SYSTEM_H
#define RUMP_RUMPDEFS_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#define RUMP_NGROUPS_MAX	16
#define RUMP_LOGIN_NAME_MAX	17	/* with the NUL */
#define RUMP_MAXLOGNAME		16
#define RUMP_MAXHOSTNAMELEN	256
#define RUMP_OPEN_MAX		128
#define RUMP_ARG_MAX		(256 * 1024)
#define RUMP_MAX_CANON		255
#define RUMP_MAX_INPUT		255

/* --- getrlimit, setrlimit --- */

#define RUMP_RLIMIT_CPU		0	/* seconds */
#define RUMP_RLIMIT_FSIZE	1
#define RUMP_RLIMIT_DATA	2
#define RUMP_RLIMIT_STACK	3
#define RUMP_RLIMIT_CORE	4
#define RUMP_RLIMIT_RSS		5
#define RUMP_RLIMIT_MEMLOCK	6
#define RUMP_RLIMIT_NPROC	7
#define RUMP_RLIMIT_NOFILE	8
#define RUMP_RLIMIT_SBSIZE	9	/* not on Linux */
#define RUMP_RLIMIT_AS		10
#define RUMP_RLIMIT_VMEM	RUMP_RLIMIT_AS
#define RUMP_RLIMIT_NTHR	11	/* not on Linux */
#define RUMP_RLIM_NLIMITS	12

#define RUMP_RLIM_INFINITY	UINT64_C(0x7fffffffffffffff)
#define RUMP_RLIM_SAVED_MAX	RUMP_RLIM_INFINITY
#define RUMP_RLIM_SAVED_CUR	RUMP_RLIM_INFINITY

struct rump_rlimit {
	uint64_t rlim_cur;
	uint64_t rlim_max;
};

/* --- __sysctl --- */

#define RUMP_CTL_MAXNAME	12
#define RUMP_SYSCTL_NAMELEN	32

/* First component of a name. */
#define RUMP_CTL_UNSPEC		0
#define RUMP_CTL_KERN		1
#define RUMP_CTL_VM		2
#define RUMP_CTL_VFS		3
#define RUMP_CTL_NET		4
#define RUMP_CTL_DEBUG		5
#define RUMP_CTL_HW		6
#define RUMP_CTL_MACHDEP	7
#define RUMP_CTL_USER		8
#define RUMP_CTL_DDB		9
#define RUMP_CTL_PROC		10
#define RUMP_CTL_VENDOR		11
#define RUMP_CTL_EMUL		12
#define RUMP_CTL_SECURITY	13
#define RUMP_CTL_MAXID		14

/* Last component, instead of a number: operations on the tree itself. */
#define RUMP_CTL_EOL		(-1)
#define RUMP_CTL_QUERY		(-2)
#define RUMP_CTL_CREATE		(-3)
#define RUMP_CTL_CREATESYM	(-4)
#define RUMP_CTL_DESTROY	(-5)
#define RUMP_CTL_MMAP		(-6)
#define RUMP_CTL_DESCRIBE	(-7)

#define RUMP_CTLTYPE_NODE	1
#define RUMP_CTLTYPE_INT	2
#define RUMP_CTLTYPE_STRING	3
#define RUMP_CTLTYPE_QUAD	4
#define RUMP_CTLTYPE_STRUCT	5
#define RUMP_CTLTYPE_BOOL	6
#define RUMP_CTLTYPE_LONG	RUMP_CTLTYPE_QUAD
#define RUMP_SYSCTL_TYPEMASK	0x0000000f
#define RUMP_SYSCTL_TYPE(x)	((x) & RUMP_SYSCTL_TYPEMASK)

#define RUMP_CTLFLAG_READONLY	0x00000000u
#define RUMP_CTLFLAG_READWRITE	0x00000070u
#define RUMP_CTLFLAG_ANYWRITE	0x00000080u
#define RUMP_CTLFLAG_PRIVATE	0x00000100u
#define RUMP_CTLFLAG_PERMANENT	0x00000200u
#define RUMP_CTLFLAG_OWNDATA	0x00000400u
#define RUMP_CTLFLAG_IMMEDIATE	0x00000800u
#define RUMP_CTLFLAG_HEX	0x00001000u
#define RUMP_CTLFLAG_ROOT	0x00002000u
#define RUMP_CTLFLAG_ANYNUMBER	0x00004000u
#define RUMP_CTLFLAG_HIDDEN	0x00008000u
#define RUMP_CTLFLAG_ALIAS	0x00010000u
#define RUMP_CTLFLAG_MMAP	0x00020000u
#define RUMP_CTLFLAG_OWNDESC	0x00040000u
#define RUMP_CTLFLAG_UNSIGNED	0x00080000u
#define RUMP_SYSCTL_FLAGMASK	0x00fffff0u
#define RUMP_SYSCTL_FLAGS(x)	((x) & RUMP_SYSCTL_FLAGMASK)
#define RUMP_SYSCTL_VERS_MASK	0xff000000u
#define RUMP_SYSCTL_VERS_0	0x00000000u
#define RUMP_SYSCTL_VERS_1	0x01000000u
#define RUMP_SYSCTL_VERSION	RUMP_SYSCTL_VERS_1

/*
 * What RUMP_CTL_QUERY returns, one for each child; programs that look names up
 * by text walk the tree with it.  Addresses in it mean nothing to a client
 * and are zero.
 */
struct rump_sysctlnode {
	uint32_t sysctl_flags;		/* version, flags, type */
	int32_t sysctl_num;
	char sysctl_name[RUMP_SYSCTL_NAMELEN];
	uint32_t sysctl_ver;
	uint32_t sysctl_rsvd;
	union {
		struct {
			uint32_t csize;
			uint32_t clen;
			uint64_t child;
		} child;
		struct {
			uint64_t data;
			uint64_t offset;
		} data;
		int32_t alias;
		int32_t idata;
		uint64_t qdata;
		uint8_t bdata;
	} sysctl_un;
	uint64_t sysctl_size;
	uint64_t sysctl_func;
	uint64_t sysctl_parent;
	uint64_t sysctl_desc;
};

#define RUMP_KERN_OSTYPE	1
#define RUMP_KERN_OSRELEASE	2
#define RUMP_KERN_OSREV		3
#define RUMP_KERN_VERSION	4
#define RUMP_KERN_MAXVNODES	5
#define RUMP_KERN_MAXPROC	6
#define RUMP_KERN_MAXFILES	7
#define RUMP_KERN_ARGMAX	8
#define RUMP_KERN_SECURELVL	9
#define RUMP_KERN_HOSTNAME	10
#define RUMP_KERN_HOSTID	11
#define RUMP_KERN_CLOCKRATE	12	/* rump_clockinfo */
#define RUMP_KERN_VNODE		13
#define RUMP_KERN_PROC		14
#define RUMP_KERN_FILE		15
#define RUMP_KERN_PROF		16
#define RUMP_KERN_POSIX1	17
#define RUMP_KERN_NGROUPS	18
#define RUMP_KERN_JOB_CONTROL	19
#define RUMP_KERN_SAVED_IDS	20
#define RUMP_KERN_OBOOTTIME	21
#define RUMP_KERN_DOMAINNAME	22
#define RUMP_KERN_MAXPARTITIONS	23
#define RUMP_KERN_RAWPARTITION	24
#define RUMP_KERN_NTPTIME	25
#define RUMP_KERN_TIMEX		26
#define RUMP_KERN_AUTONICETIME	27
#define RUMP_KERN_AUTONICEVAL	28
#define RUMP_KERN_RTC_OFFSET	29
#define RUMP_KERN_ROOT_DEVICE	30
#define RUMP_KERN_MSGBUFSIZE	31
#define RUMP_KERN_FSYNC		32
#define RUMP_KERN_SYNCHRONIZED_IO 37
#define RUMP_KERN_IOV_MAX	38
#define RUMP_KERN_MBUF		39
#define RUMP_KERN_MAPPED_FILES	40
#define RUMP_KERN_MEMLOCK	41
#define RUMP_KERN_MEMLOCK_RANGE	42
#define RUMP_KERN_MEMORY_PROTECTION 43
#define RUMP_KERN_LOGIN_NAME_MAX 44
#define RUMP_KERN_DEFCORENAME	45
#define RUMP_KERN_LOGSIGEXIT	46
#define RUMP_KERN_PROC2		47
#define RUMP_KERN_PROC_ARGS	48
#define RUMP_KERN_FSCALE	49
#define RUMP_KERN_CCPU		50
#define RUMP_KERN_CP_TIME	51
#define RUMP_KERN_MSGBUF	53
#define RUMP_KERN_CONSDEV	54
#define RUMP_KERN_MAXPTYS	55
#define RUMP_KERN_PIPE		56
#define RUMP_KERN_MAXPHYS	57
#define RUMP_KERN_SBMAX		58
#define RUMP_KERN_TKSTAT	59
#define RUMP_KERN_MONOTONIC_CLOCK 60
#define RUMP_KERN_URND		61
#define RUMP_KERN_LABELSECTOR	62
#define RUMP_KERN_LABELOFFSET	63
#define RUMP_KERN_LWP		64
#define RUMP_KERN_FORKFSLEEP	65
#define RUMP_KERN_POSIX_THREADS	66
#define RUMP_KERN_POSIX_SEMAPHORES 67
#define RUMP_KERN_POSIX_BARRIERS 68
#define RUMP_KERN_POSIX_TIMERS	69
#define RUMP_KERN_POSIX_SPIN_LOCKS 70
#define RUMP_KERN_POSIX_READER_WRITER_LOCKS 71
#define RUMP_KERN_DUMP_ON_PANIC	72
#define RUMP_KERN_SOMAXKVA	73
#define RUMP_KERN_ROOT_PARTITION 74
#define RUMP_KERN_DRIVERS	75
#define RUMP_KERN_BUF		76
#define RUMP_KERN_FILE2		77
#define RUMP_KERN_VERIEXEC	78
#define RUMP_KERN_CP_ID		79
#define RUMP_KERN_HARDCLOCK_TICKS 80
#define RUMP_KERN_ARND		81
#define RUMP_KERN_SYSVIPC	82
#define RUMP_KERN_BOOTTIME	83	/* rump_timespec */
#define RUMP_KERN_EVCNT		84
#define RUMP_KERN_MAXID		85

struct rump_clockinfo {
	int32_t hz;
	int32_t tick;			/* microseconds */
	int32_t tickadj;
	int32_t stathz;
	int32_t profhz;
};

#define RUMP_HW_MACHINE		1
#define RUMP_HW_MODEL		2
#define RUMP_HW_NCPU		3
#define RUMP_HW_BYTEORDER	4
#define RUMP_HW_PHYSMEM		5
#define RUMP_HW_USERMEM		6
#define RUMP_HW_PAGESIZE	7
#define RUMP_HW_DISKNAMES	8
#define RUMP_HW_IOSTATS		9
#define RUMP_HW_MACHINE_ARCH	10
#define RUMP_HW_ALIGNBYTES	11
#define RUMP_HW_CNMAGIC		12
#define RUMP_HW_PHYSMEM64	13
#define RUMP_HW_USERMEM64	14
#define RUMP_HW_IOSTATNAMES	15
#define RUMP_HW_NCPUONLINE	16
#define RUMP_HW_MAXID		15

#define RUMP_USER_CS_PATH	1
#define RUMP_USER_POSIX2_VERSION 10
#define RUMP_USER_ATEXIT_MAX	21

/* net.inet.ip */
#define RUMP_IPCTL_FORWARDING	1
#define RUMP_IPCTL_SENDREDIRECTS 2
#define RUMP_IPCTL_DEFTTL	3
#define RUMP_IPCTL_ANONPORTMIN	10
#define RUMP_IPCTL_ANONPORTMAX	11
#define RUMP_IPCTL_LOWPORTMIN	16
#define RUMP_IPCTL_LOWPORTMAX	17
/* net.inet6.ip6 */
#define RUMP_IPV6CTL_FORWARDING	1
#define RUMP_IPV6CTL_DEFHLIM	3
#define RUMP_IPV6CTL_V6ONLY	24

/* --- reboot --- */

#define RUMP_RB_AUTOBOOT	0
#define RUMP_RB_ASKNAME		0x00000001
#define RUMP_RB_SINGLE		0x00000002
#define RUMP_RB_NOSYNC		0x00000004
#define RUMP_RB_HALT		0x00000008
#define RUMP_RB_INITNAME	0x00000010
#define RUMP_RB_KDB		0x00000040
#define RUMP_RB_RDONLY		0x00000080
#define RUMP_RB_DUMP		0x00000100
#define RUMP_RB_MINIROOT	0x00000200
#define RUMP_RB_STRING		0x00000400	/* bootstr is a string */
#define RUMP_RB_POWERDOWN	(RUMP_RB_HALT | 0x800)
#define RUMP_RB_USERCONF	0x00001000
#define RUMP_AB_QUIET		0x00010000
#define RUMP_AB_VERBOSE		0x00020000
#define RUMP_AB_SILENT		0x00040000
#define RUMP_AB_DEBUG		0x00080000

/* --- ktrace, fktrace, utrace --- */

#define RUMP_KTROP_SET		0
#define RUMP_KTROP_CLEAR	1
#define RUMP_KTROP_CLEARFILE	2
#define RUMP_KTROP_MASK		3
#define RUMP_KTRFLAG_DESCEND	4

#define RUMP_KTR_SYSCALL	1
#define RUMP_KTR_SYSRET		2
#define RUMP_KTR_NAMEI		3
#define RUMP_KTR_GENIO		4
#define RUMP_KTR_PSIG		5
#define RUMP_KTR_CSW		6
#define RUMP_KTR_EMUL		7
#define RUMP_KTR_USER		8
#define RUMP_KTR_EXEC_ARG	10
#define RUMP_KTR_EXEC_ENV	11
#define RUMP_KTR_SAUPCALL	13
#define RUMP_KTR_MIB		14
#define RUMP_KTR_EXEC_FD	15
#define RUMP_KTRFAC_SYSCALL	(1 << RUMP_KTR_SYSCALL)
#define RUMP_KTRFAC_SYSRET	(1 << RUMP_KTR_SYSRET)
#define RUMP_KTRFAC_NAMEI	(1 << RUMP_KTR_NAMEI)
#define RUMP_KTRFAC_GENIO	(1 << RUMP_KTR_GENIO)
#define RUMP_KTRFAC_PSIG	(1 << RUMP_KTR_PSIG)
#define RUMP_KTRFAC_CSW		(1 << RUMP_KTR_CSW)
#define RUMP_KTRFAC_EMUL	(1 << RUMP_KTR_EMUL)
#define RUMP_KTRFAC_USER	(1 << RUMP_KTR_USER)
#define RUMP_KTRFAC_EXEC_ARG	(1 << RUMP_KTR_EXEC_ARG)
#define RUMP_KTRFAC_EXEC_ENV	(1 << RUMP_KTR_EXEC_ENV)
#define RUMP_KTRFAC_MIB		(1 << RUMP_KTR_MIB)
#define RUMP_KTRFAC_EXEC_FD	(1 << RUMP_KTR_EXEC_FD)
#define RUMP_KTRFAC_MASK	0x00ffffff
#define RUMP_KTRFAC_PERSISTENT	0x80000000u
#define RUMP_KTRFAC_INHERIT	0x40000000
#define RUMP_KTRFAC_TRC_EMUL	0x10000000
#define RUMP_KTR_USER_MAXIDLEN	20
#define RUMP_KTR_USER_MAXLEN	2048

/* --- modctl --- */

enum rump_modctl {
	RUMP_MODCTL_LOAD,		/* rump_modctl_load */
	RUMP_MODCTL_UNLOAD,		/* the module's name */
	RUMP_MODCTL_STAT,		/* rump_iovec */
	RUMP_MODCTL_EXISTS		/* 0: load, 1: autoload */
};

struct rump_modctl_load {
	const char *ml_filename;
	int ml_flags;
	const char *ml_props;
	size_t ml_propslen;
};

/* --- __quotactl --- */

#define RUMP_QUOTA_IDTYPE_USER		0
#define RUMP_QUOTA_IDTYPE_GROUP		1
#define RUMP_QUOTA_OBJTYPE_BLOCKS	0
#define RUMP_QUOTA_OBJTYPE_FILES	1
#define RUMP_QUOTA_DEFAULTID		((uint32_t)-1)
#define RUMP_QUOTA_NOLIMIT		UINT64_MAX
#define RUMP_QUOTA_NOTIME		((int64_t)-1)
#define RUMP_QUOTA_RESTRICT_NEEDSQUOTACHECK 0x1
#define RUMP_QUOTA_RESTRICT_UNIFORMGRACE 0x2
#define RUMP_QUOTA_RESTRICT_32BIT	0x4
#define RUMP_QUOTA_RESTRICT_READONLY	0x8
#define RUMP_QUOTA_NAMELEN		32

struct rump_quotakey {
	int32_t qk_idtype;
	uint32_t qk_id;
	int32_t qk_objtype;
};

struct rump_quotaval {
	uint64_t qv_hardlimit;
	uint64_t qv_softlimit;
	uint64_t qv_usage;
	int64_t qv_expiretime;
	int64_t qv_grace;		/* seconds */
};

struct rump_quotastat {
	char qs_implname[RUMP_QUOTA_NAMELEN];
	int32_t qs_numidtypes;
	int32_t qs_numobjtypes;
	uint32_t qs_restrictions;	/* RUMP_QUOTA_RESTRICT_* */
};

struct rump_quotaidtypestat {
	char qis_name[RUMP_QUOTA_NAMELEN];
};

struct rump_quotaobjtypestat {
	char qos_name[RUMP_QUOTA_NAMELEN];
	int32_t qos_isbytes;
};

/* The kernel's own; the caller keeps it between calls. */
struct rump_quotakcursor {
	uint64_t space[8];
};

/* qc_op, and which member of the union goes with it */
#define RUMP_QUOTACTL_STAT		0	/* stat */
#define RUMP_QUOTACTL_IDTYPESTAT	1	/* idtypestat */
#define RUMP_QUOTACTL_OBJTYPESTAT	2	/* objtypestat */
#define RUMP_QUOTACTL_GET		3	/* get */
#define RUMP_QUOTACTL_PUT		4	/* put */
#define RUMP_QUOTACTL_DEL		5	/* del */
#define RUMP_QUOTACTL_CURSOROPEN	6	/* cursoropen, and so on */
#define RUMP_QUOTACTL_CURSORCLOSE	7
#define RUMP_QUOTACTL_CURSORSKIPIDTYPE	8
#define RUMP_QUOTACTL_CURSORGET		9
#define RUMP_QUOTACTL_CURSORATEND	10
#define RUMP_QUOTACTL_CURSORREWIND	11
#define RUMP_QUOTACTL_QUOTAON		12
#define RUMP_QUOTACTL_QUOTAOFF		13

struct rump_quotactl_args {
	uint32_t qc_op;
	union {
		struct {
			struct rump_quotastat *qc_info;
		} stat;
		struct {
			int32_t qc_idtype;
			struct rump_quotaidtypestat *qc_info;
		} idtypestat;
		struct {
			int32_t qc_objtype;
			struct rump_quotaobjtypestat *qc_info;
		} objtypestat;
		struct {
			const struct rump_quotakey *qc_key;
			struct rump_quotaval *qc_val;
		} get;
		struct {
			const struct rump_quotakey *qc_key;
			const struct rump_quotaval *qc_val;
		} put;
		struct {
			const struct rump_quotakey *qc_key;
		} del;
		struct {
			struct rump_quotakcursor *qc_cursor;
		} cursoropen, cursorclose, cursorrewind;
		struct {
			struct rump_quotakcursor *qc_cursor;
			int32_t qc_idtype;
		} cursorskipidtype;
		struct {
			struct rump_quotakcursor *qc_cursor;
			struct rump_quotakey *qc_keys;
			struct rump_quotaval *qc_vals;
			uint32_t qc_maxnum;
			uint32_t *qc_ret;
		} cursorget;
		struct {
			struct rump_quotakcursor *qc_cursor;
			int32_t *qc_ret;
		} cursoratend;
		struct {
			int32_t qc_idtype;
			const char *qc_quotafile;
		} quotaon;
		struct {
			int32_t qc_idtype;
		} quotaoff;
	} u;
};

#endif
