#include <string.h>

#include <rump/rumpdefs.h>

#include "trace/names.h"

#define WHOLE	UINT64_MAX

/* N: NetBSD's name is that of the constant without RUMP_. */
#define N(x)	{ (uint64_t)RUMP_##x, #x }

static const struct trace_name open_names[] = {
	N(O_RDONLY), N(O_WRONLY), N(O_RDWR), N(O_NONBLOCK), N(O_APPEND),
	N(O_SHLOCK), N(O_EXLOCK), N(O_ASYNC), N(O_SYNC), N(O_NOFOLLOW),
	N(O_CREAT), N(O_TRUNC), N(O_EXCL), N(O_NOCTTY), N(O_DSYNC),
	N(O_RSYNC), N(O_ALT_IO), N(O_DIRECT), N(O_DIRECTORY), N(O_CLOEXEC),
	N(O_SEARCH), N(O_NOSIGPIPE),
};

static const struct trace_name access_names[] = {
	N(F_OK), N(R_OK), N(W_OK), N(X_OK),
};

static const struct trace_name at_names[] = {
	N(AT_EACCESS), N(AT_SYMLINK_NOFOLLOW), N(AT_SYMLINK_FOLLOW),
	N(AT_REMOVEDIR),
};

static const struct trace_name whence_names[] = {
	N(SEEK_SET), N(SEEK_CUR), N(SEEK_END),
};

static const struct trace_name fcntl_names[] = {
	N(F_DUPFD), N(F_GETFD), N(F_SETFD), N(F_GETFL), N(F_SETFL),
	N(F_GETOWN), N(F_SETOWN), N(F_GETLK), N(F_SETLK), N(F_SETLKW),
	N(F_CLOSEM), N(F_MAXFD), N(F_DUPFD_CLOEXEC), N(F_GETNOSIGPIPE),
	N(F_SETNOSIGPIPE),
};

static const struct trace_name flock_names[] = {
	N(LOCK_SH), N(LOCK_EX), N(LOCK_NB), N(LOCK_UN),
};

static const struct trace_name fsync_names[] = {
	N(FDATASYNC), N(FFILESYNC), N(FDISKSYNC),
};

static const struct trace_name fadvise_names[] = {
	N(POSIX_FADV_NORMAL), N(POSIX_FADV_RANDOM), N(POSIX_FADV_SEQUENTIAL),
	N(POSIX_FADV_WILLNEED), N(POSIX_FADV_DONTNEED),
	N(POSIX_FADV_NOREUSE),
};

static const struct trace_name chflags_names[] = {
	N(UF_NODUMP), N(UF_IMMUTABLE), N(UF_APPEND), N(UF_OPAQUE),
	N(SF_ARCHIVED), N(SF_IMMUTABLE), N(SF_APPEND), N(SF_SNAPSHOT),
	N(SF_LOG), N(SF_SNAPINVAL),
};

static const struct trace_name mount_names[] = {
	N(MNT_RDONLY), N(MNT_SYNCHRONOUS), N(MNT_NOEXEC), N(MNT_NOSUID),
	N(MNT_NODEV), N(MNT_UNION), N(MNT_ASYNC), N(MNT_NOCOREDUMP),
	N(MNT_RELATIME), N(MNT_IGNORE), N(MNT_DISCARD), N(MNT_EXTATTR),
	N(MNT_LOG), N(MNT_NOATIME), N(MNT_SYMPERM), N(MNT_NODEVMTIME),
	N(MNT_SOFTDEP), N(MNT_UPDATE), N(MNT_RELOAD), N(MNT_FORCE),
	N(MNT_GETARGS),
};

static const struct trace_name mntwait_names[] = {
	N(MNT_WAIT), N(MNT_NOWAIT), N(MNT_LAZY),
};

#define P(x)	{ RUMP_PC_##x, "_PC_" #x }
static const struct trace_name pathconf_names[] = {
	P(LINK_MAX), P(MAX_CANON), P(MAX_INPUT), P(NAME_MAX), P(PATH_MAX),
	P(PIPE_BUF), P(CHOWN_RESTRICTED), P(NO_TRUNC), P(VDISABLE),
	P(SYNC_IO), P(FILESIZEBITS), P(SYMLINK_MAX), P(2_SYMLINKS),
	P(ACL_EXTENDED), P(MIN_HOLE_SIZE),
};
#undef P

static const struct trace_name extattr_names[] = {
	N(EXTATTR_NAMESPACE_USER), N(EXTATTR_NAMESPACE_SYSTEM),
};

static const struct trace_name xattr_names[] = {
	N(XATTR_CREATE), N(XATTR_REPLACE),
};

static const struct trace_name domain_names[] = {
	N(AF_UNSPEC), N(AF_LOCAL), N(AF_INET), N(AF_IMPLINK), N(AF_NS),
	N(AF_ISO), N(AF_SNA), N(AF_APPLETALK), N(AF_OROUTE), N(AF_LINK),
	N(AF_IPX), N(AF_INET6), N(AF_ISDN), N(AF_NATM), N(AF_ARP),
	N(AF_BLUETOOTH), N(AF_IEEE80211), N(AF_MPLS), N(AF_ROUTE),
};

#define SOCKFLAGS	N(SOCK_CLOEXEC), N(SOCK_NONBLOCK), N(SOCK_NOSIGPIPE)
static const struct trace_name socktype_names[] = {
	N(SOCK_STREAM), N(SOCK_DGRAM), N(SOCK_RAW), N(SOCK_RDM),
	N(SOCK_SEQPACKET), N(SOCK_CONN_DGRAM), SOCKFLAGS,
};

static const struct trace_name sockflags_names[] = {
	SOCKFLAGS,
};

static const struct trace_name ipproto_names[] = {
	N(IPPROTO_IP), N(IPPROTO_ICMP), N(IPPROTO_IGMP), N(IPPROTO_IPV4),
	N(IPPROTO_TCP), N(IPPROTO_UDP), N(IPPROTO_IPV6), N(IPPROTO_ICMPV6),
	N(IPPROTO_SCTP), N(IPPROTO_RAW),
};

static const struct trace_name sol_names[] = {
	N(SOL_SOCKET), N(IPPROTO_IP), N(IPPROTO_TCP), N(IPPROTO_UDP),
	N(IPPROTO_IPV6), N(IPPROTO_ICMPV6),
};

static const struct trace_name shut_names[] = {
	N(SHUT_RD), N(SHUT_WR), N(SHUT_RDWR),
};

static const struct trace_name msg_names[] = {
	N(MSG_OOB), N(MSG_PEEK), N(MSG_DONTROUTE), N(MSG_EOR), N(MSG_TRUNC),
	N(MSG_CTRUNC), N(MSG_WAITALL), N(MSG_DONTWAIT), N(MSG_BCAST),
	N(MSG_MCAST), N(MSG_NOSIGNAL), N(MSG_CMSG_CLOEXEC), N(MSG_NBIO),
	N(MSG_WAITFORONE), N(MSG_NOTIFICATION),
};

static const struct trace_name poll_names[] = {
	N(POLLIN), N(POLLPRI), N(POLLOUT), N(POLLERR), N(POLLHUP),
	N(POLLNVAL), N(POLLRDNORM), N(POLLRDBAND), N(POLLWRBAND),
};

static const struct trace_name evfilt_names[] = {
	N(EVFILT_READ), N(EVFILT_WRITE), N(EVFILT_AIO), N(EVFILT_VNODE),
	N(EVFILT_PROC), N(EVFILT_SIGNAL), N(EVFILT_TIMER), N(EVFILT_FS),
	N(EVFILT_USER),
};

static const struct trace_name ev_names[] = {
	N(EV_ADD), N(EV_DELETE), N(EV_ENABLE), N(EV_DISABLE), N(EV_ONESHOT),
	N(EV_CLEAR), N(EV_RECEIPT), N(EV_DISPATCH), N(EV_ERROR), N(EV_EOF),
};

static const struct trace_name clockid_names[] = {
	N(CLOCK_REALTIME), N(CLOCK_VIRTUAL), N(CLOCK_PROF),
	N(CLOCK_MONOTONIC), N(CLOCK_THREAD_CPUTIME_ID),
	N(CLOCK_PROCESS_CPUTIME_ID),
};

static const struct trace_name itimer_names[] = {
	N(ITIMER_REAL), N(ITIMER_VIRTUAL), N(ITIMER_PROF),
	N(ITIMER_MONOTONIC),
};

static const struct trace_name timer_names[] = {
	N(TIMER_ABSTIME),
};

static const struct trace_name rlimit_names[] = {
	N(RLIMIT_CPU), N(RLIMIT_FSIZE), N(RLIMIT_DATA), N(RLIMIT_STACK),
	N(RLIMIT_CORE), N(RLIMIT_RSS), N(RLIMIT_MEMLOCK), N(RLIMIT_NPROC),
	N(RLIMIT_NOFILE), N(RLIMIT_SBSIZE), N(RLIMIT_AS), N(RLIMIT_NTHR),
};

static const struct trace_name reboot_names[] = {
	N(RB_ASKNAME), N(RB_SINGLE), N(RB_NOSYNC), N(RB_HALT),
	N(RB_INITNAME), N(RB_KDB), N(RB_RDONLY), N(RB_DUMP), N(RB_MINIROOT),
	N(RB_STRING), N(RB_USERCONF),
};

static const struct trace_name ktrop_names[] = {
	N(KTROP_SET), N(KTROP_CLEAR), N(KTROP_CLEARFILE), N(KTRFLAG_DESCEND),
};

static const struct trace_name ktrfac_names[] = {
	N(KTRFAC_SYSCALL), N(KTRFAC_SYSRET), N(KTRFAC_NAMEI),
	N(KTRFAC_GENIO), N(KTRFAC_PSIG), N(KTRFAC_CSW), N(KTRFAC_EMUL),
	N(KTRFAC_USER), N(KTRFAC_EXEC_ARG), N(KTRFAC_EXEC_ENV),
	N(KTRFAC_MIB), N(KTRFAC_EXEC_FD), N(KTRFAC_INHERIT),
	N(KTRFAC_PERSISTENT),
};

static const struct trace_name modctl_names[] = {
	N(MODCTL_LOAD), N(MODCTL_UNLOAD), N(MODCTL_STAT), N(MODCTL_EXISTS),
};

static const struct trace_name lio_names[] = {
	N(LIO_NOWAIT), N(LIO_WAIT),
};

static const struct trace_name aiofsync_names[] = {
	N(O_SYNC), N(O_DSYNC),
};

static const struct trace_name signal_names[] = {
	N(SIGHUP), N(SIGINT), N(SIGQUIT), N(SIGILL), N(SIGTRAP), N(SIGABRT),
	N(SIGEMT), N(SIGFPE), N(SIGKILL), N(SIGBUS), N(SIGSEGV), N(SIGSYS),
	N(SIGPIPE), N(SIGALRM), N(SIGTERM), N(SIGURG), N(SIGSTOP),
	N(SIGTSTP), N(SIGCONT), N(SIGCHLD), N(SIGTTIN), N(SIGTTOU),
	N(SIGIO), N(SIGXCPU), N(SIGXFSZ), N(SIGVTALRM), N(SIGPROF),
	N(SIGWINCH), N(SIGINFO), N(SIGUSR1), N(SIGUSR2), N(SIGPWR),
};

static const struct trace_name locktype_names[] = {
	N(F_RDLCK), N(F_UNLCK), N(F_WRLCK),
};

static const struct trace_name filetype_names[] = {
	N(S_IFIFO), N(S_IFCHR), N(S_IFDIR), N(S_IFBLK), N(S_IFREG),
	N(S_IFLNK), N(S_IFSOCK), N(S_IFWHT),
};

static const struct trace_name ioctl_names[] = {
	N(FIOCLEX), N(FIONCLEX), N(FIONREAD), N(FIONBIO), N(FIOASYNC),
	N(FIOSETOWN), N(FIOGETOWN), N(FIOGETBMAP), N(FIONWRITE),
	N(FIONSPACE), N(SIOCATMARK), N(SIOCSPGRP), N(SIOCGPGRP),
	N(TIOCEXCL), N(TIOCNXCL), N(TIOCFLUSH), N(TIOCGETA), N(TIOCSETA),
	N(TIOCSETAW), N(TIOCSETAF), N(TIOCGETD), N(TIOCSETD), N(TIOCGLINED),
	N(TIOCSLINED), N(TIOCPTMGET), N(TIOCGRANTPT), N(TIOCPTSNAME),
	N(TIOCSFLAGS), N(TIOCGFLAGS), N(TIOCDRAIN), N(TIOCSIG), N(TIOCEXT),
	N(TIOCSCTTY), N(TIOCCONS), N(TIOCGSID), N(TIOCSTAT), N(TIOCUCNTL),
	N(TIOCSWINSZ), N(TIOCGWINSZ), N(TIOCREMOTE), N(TIOCMGET),
	N(TIOCMBIC), N(TIOCMBIS), N(TIOCMSET), N(TIOCSTART), N(TIOCSTOP),
	N(TIOCPKT), N(TIOCNOTTY), N(TIOCSTI), N(TIOCOUTQ), N(TIOCSPGRP),
	N(TIOCGPGRP), N(TIOCCDTR), N(TIOCSDTR), N(TIOCCBRK), N(TIOCSBRK),
	N(TIOCSQSIZE), N(TIOCGQSIZE),
};

#define SET(set, field)	\
	{ #set, field, set##_names, sizeof(set##_names) / sizeof(set##_names[0]) }

const struct trace_set trace_sets[] = {
	SET(open, RUMP_O_ACCMODE),
	SET(access, 0),
	SET(at, 0),
	SET(whence, WHOLE),
	SET(fcntl, WHOLE),
	SET(flock, 0),
	SET(fsync, 0),
	SET(fadvise, WHOLE),
	SET(chflags, 0),
	SET(mount, 0),
	SET(mntwait, WHOLE),
	SET(pathconf, WHOLE),
	SET(extattr, WHOLE),
	SET(xattr, 0),
	SET(domain, WHOLE),
	SET(socktype, 0x0fffffff),
	SET(sockflags, 0),
	SET(ipproto, WHOLE),
	SET(sol, WHOLE),
	SET(shut, WHOLE),
	SET(msg, 0),
	SET(poll, 0),
	SET(evfilt, WHOLE),
	SET(ev, 0),
	SET(clockid, WHOLE),
	SET(itimer, WHOLE),
	SET(timer, 0),
	SET(rlimit, WHOLE),
	SET(reboot, 0),
	SET(ktrop, RUMP_KTROP_MASK),
	SET(ktrfac, 0),
	SET(modctl, WHOLE),
	SET(lio, WHOLE),
	SET(aiofsync, WHOLE),
	SET(signal, WHOLE),
	SET(locktype, WHOLE),
	SET(filetype, WHOLE),
	SET(ioctl, WHOLE),
	{ NULL, 0, NULL, 0 },
};

const struct trace_set *
trace_set_find(const char *name)
{
	const struct trace_set *s;

	for (s = trace_sets; s->name != NULL; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

static const char *
name_of(const struct trace_set *s, uint64_t value)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (s->values[i].value == value)
			return s->values[i].name;
	}
	return NULL;
}

/* Names the flags among the bits of *rest, and takes them out of it. */
static void
put_flags(struct trace_line *ln, const struct trace_set *s, uint64_t *rest,
    const char **sep)
{
	uint64_t bit;
	size_t i;

	for (i = 0; i < s->n; i++) {
		bit = s->values[i].value;
		if (bit == 0 || (bit & s->field) != 0 || (*rest & bit) != bit)
			continue;
		line_str(ln, *sep);
		line_str(ln, s->values[i].name);
		*sep = "|";
		*rest &= ~bit;
	}
}

void
trace_set_put(struct trace_line *ln, const struct trace_set *s,
    uint64_t value)
{
	const char *name, *sep = "";
	uint64_t flags = value & ~s->field, part = value & s->field;

	/* Nothing set has a name only where the set gives one to 0. */
	name = s->field != 0 || value == 0 ? name_of(s, part) : NULL;
	if (name != NULL) {
		line_str(ln, name);
		sep = "|";
	} else if (part != 0 || value == 0) {
		if (part < 100)
			line_uint(ln, part);
		else
			line_hex(ln, part);
		sep = "|";
	}
	put_flags(ln, s, &flags, &sep);
	if (flags != 0) {
		line_str(ln, sep);
		line_hex(ln, flags);
	}
}
