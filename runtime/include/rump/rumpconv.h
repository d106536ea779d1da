/*
 * From NetBSD's numbers and structures to the host's and back.
 *
 * The calls of <rump/rump_syscalls.h> take NetBSD's; a program on Linux often
 * has the host's in hand.  This header is an extension of ours: NetBSD has
 * nothing like it.  The embedded host kernel uses the same functions.
 *
 * Every function here is pure: it touches nothing but its arguments, so it is
 * thread-safe and async-signal-safe, and leaves errno alone.  `nb` is NetBSD's
 * side, `host` the host's.  Functions that can fail return 0 or a NetBSD errno
 * (RUMP_E*); on failure what they point at is unspecified.  Source and
 * destination must not overlap.
 */
#ifndef RUMP_RUMPCONV_H
#define RUMP_RUMPCONV_H

#include <sys/types.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>
#include <time.h>

#include <rump/rumpdefs.h>

#ifdef __cplusplus
extern "C" {
#endif

struct itimerspec;		/* which strict C has not */

/* --- errno --- */

/*
 * Total in both directions; 0 is 0.  A number without an equal on the other
 * side becomes the nearest in meaning (RUMP_ENOATTR is ENODATA, RUMP_EPROCLIM
 * is EAGAIN, the host's EBADFD is RUMP_EBADF), and EIO where none is near.
 * The host has one number for ENOTSUP and EOPNOTSUPP: it comes back as
 * RUMP_EOPNOTSUPP.
 */
int rump_conv_errno_to_host(int nb);
int rump_conv_errno_from_host(int host);

/*
 * The name ("ENOENT") and the text of a NetBSD errno; "E?" and "Unknown
 * error" when it is none.  Static strings.
 */
const char *rump_conv_errno_name(int nb);
const char *rump_conv_errno_text(int nb);

/* --- signals --- */

/* 0 when the other side has no such signal.  RUMP_SIGINFO and RUMP_SIGEMT
 * have none on Linux, Linux's SIGSTKFLT none on NetBSD; real-time signals map
 * one to one from the first on as far as both go. */
int rump_conv_signo_to_host(int nb);
int rump_conv_signo_from_host(int host);

/* Signals without an equal are left out. */
void rump_conv_sigset_to_host(const struct rump_sigset *nb, sigset_t *host);
void rump_conv_sigset_from_host(const sigset_t *host, struct rump_sigset *nb);

/* --- open files --- */

/*
 * RUMP_O_* and the host's O_*.  To the host: RUMP_EINVAL when a bit is
 * unknown.  RUMP_O_SHLOCK, O_EXLOCK and O_NOSIGPIPE have no equal there and
 * are left for the caller to act upon; RUMP_O_SEARCH becomes O_PATH;
 * RUMP_O_ALT_IO is dropped.  From the host unknown bits are dropped.
 */
int rump_conv_open_flags_to_host(int nb, int *host);
int rump_conv_open_flags_from_host(int host);

/* RUMP_AT_* and AT_*; RUMP_EINVAL for an unknown bit.  The value
 * RUMP_AT_FDCWD equals AT_FDCWD. */
int rump_conv_at_flags_to_host(int nb, int *host);
int rump_conv_at_flags_from_host(int host, int *nb);

/*
 * fcntl commands.  RUMP_EINVAL for one the other side does not have
 * (RUMP_F_CLOSEM, F_MAXFD, F_GETNOSIGPIPE, F_SETNOSIGPIPE).  What a command
 * carries has its own functions: open flags, flock.
 */
int rump_conv_fcntl_to_host(int nb, int *host);
int rump_conv_fcntl_from_host(int host, int *nb);

/* RUMP_EINVAL when l_type is none. */
int rump_conv_flock_to_host(const struct rump_flock *nb, struct flock *host);
int rump_conv_flock_from_host(const struct flock *host, struct rump_flock *nb);

/* RUMP_DT_* of a file mode and the mode's type bits of a RUMP_DT_*. */
uint8_t rump_conv_mode_to_dtype(uint32_t mode);
uint32_t rump_conv_dtype_to_mode(uint8_t dtype);

/*
 * Puts one directory entry at `buf`, where `room` bytes are left.  Returns
 * the bytes it took, 0 when it does not fit.  namlen is without NUL and at
 * most RUMP_NAME_MAX (longer: 0).
 */
size_t rump_conv_dirent_pack(void *buf, size_t room, uint64_t fileno,
    uint8_t dtype, const char *name, size_t namlen);

/* --- stat, statvfs --- */

/* Device numbers: the same major and minor in the other's coding. */
uint64_t rump_conv_dev_from_host(dev_t host);
dev_t rump_conv_dev_to_host(uint64_t nb);

/*
 * The birth time, which the host's struct stat does not have, is taken to be
 * the earliest of the other three; flags and generation are 0.
 */
void rump_conv_stat_from_host(const struct stat *host, struct rump_stat *nb);
void rump_conv_stat_to_host(const struct rump_stat *nb, struct stat *host);
/* With birth time and the immutable, append and nodump flags. */
#ifdef STATX_BASIC_STATS
void rump_conv_stat_from_statx(const struct statx *host, struct rump_stat *nb);
#endif
/* To the structure of before NetBSD 6: devices and seconds cut to 32 bits. */
void rump_conv_stat_to_stat30(const struct rump_stat *nb,
    struct rump_stat30 *old);

/* Names (f_fstypename, f_mntonname, f_mntfromname) are left empty. */
void rump_conv_statvfs_from_host(const struct statvfs *host,
    struct rump_statvfs *nb);
void rump_conv_statvfs_to_host(const struct rump_statvfs *nb,
    struct statvfs *host);

/* _PC_*; RUMP_EINVAL for one the other side does not have. */
int rump_conv_pathconf_to_host(int nb, int *host);
int rump_conv_pathconf_from_host(int host, int *nb);

/* --- time --- */

void rump_conv_timespec_to_host(const struct rump_timespec *nb,
    struct timespec *host);
void rump_conv_timespec_from_host(const struct timespec *host,
    struct rump_timespec *nb);
void rump_conv_timeval_to_host(const struct rump_timeval *nb,
    struct timeval *host);
void rump_conv_timeval_from_host(const struct timeval *host,
    struct rump_timeval *nb);
void rump_conv_timespec50_to_host(const struct rump_timespec50 *nb,
    struct timespec *host);
void rump_conv_timespec50_from_host(const struct timespec *host,
    struct rump_timespec50 *nb);
void rump_conv_timeval50_to_host(const struct rump_timeval50 *nb,
    struct timeval *host);
void rump_conv_timeval50_from_host(const struct timeval *host,
    struct rump_timeval50 *nb);
void rump_conv_itimerval_to_host(const struct rump_itimerval *nb,
    struct itimerval *host);
void rump_conv_itimerval_from_host(const struct itimerval *host,
    struct rump_itimerval *nb);
void rump_conv_itimerspec_to_host(const struct rump_itimerspec *nb,
    struct itimerspec *host);
void rump_conv_itimerspec_from_host(const struct itimerspec *host,
    struct rump_itimerspec *nb);

/*
 * Clocks.  RUMP_CLOCK_VIRTUAL and RUMP_CLOCK_PROF both become the host's CPU
 * time of the process.  RUMP_EINVAL for a clock the other side does not have,
 * CPU clocks of other processes and threads included.
 */
int rump_conv_clockid_to_host(int nb, clockid_t *host);
int rump_conv_clockid_from_host(clockid_t host, int *nb);

/* --- readiness --- */

/* poll's events and revents; bits the other side does not know are dropped. */
short rump_conv_pollevents_to_host(int16_t nb);
int16_t rump_conv_pollevents_from_host(short host);

/*
 * select's sets: the first nd bits, nd at most FD_SETSIZE and
 * RUMP_FD_SETSIZE as the case may be (larger is cut); the rest is cleared.
 */
void rump_conv_fdset_to_host(const struct rump_fd_set *nb, int nd,
    fd_set *host);
void rump_conv_fdset_from_host(const fd_set *host, int nd,
    struct rump_fd_set *nb);

/* --- limits --- */

/* RLIMIT_*; RUMP_EINVAL for one the other side does not have. */
int rump_conv_rlimit_to_host(int nb, int *host);
int rump_conv_rlimit_from_host(int host, int *nb);
/* One value; infinity is infinity. */
rlim_t rump_conv_rlim_to_host(uint64_t nb);
uint64_t rump_conv_rlim_from_host(rlim_t host);

/* --- sockets --- */

/* RUMP_EAFNOSUPPORT unless it is UNSPEC, LOCAL, INET or INET6. */
int rump_conv_domain_to_host(int nb, int *host);
int rump_conv_domain_from_host(int host, int *nb);

/*
 * The type with its flags.  RUMP_SOCK_NOSIGPIPE has no equal and is left for
 * the caller.  RUMP_EPROTOTYPE for an unknown type, RUMP_EINVAL for an unknown
 * flag.
 */
int rump_conv_socktype_to_host(int nb, int *host);
int rump_conv_socktype_from_host(int host, int *nb);

/*
 * Flags of send and recv.  To the host: RUMP_EOPNOTSUPP for a bit that it
 * does not have.  BCAST and MCAST, which only come back, are dropped.  From
 * the host unknown bits are dropped.
 */
int rump_conv_msg_flags_to_host(int nb, int *host);
int rump_conv_msg_flags_from_host(int host);

/*
 * Addresses.  To the host: `len` is the length given with the address (the
 * length byte is not looked at, as NetBSD does not).  RUMP_EINVAL when it is
 * too short, or not right for INET and INET6; RUMP_EAFNOSUPPORT for a family
 * other than LOCAL, INET, INET6 and UNSPEC; RUMP_ENOENT for a local name that is
 * empty (on Linux it would be an abstract one); RUMP_ENAMETOOLONG.
 *
 * From the host: *len gets the length that is also in the length byte.
 * Unnamed and abstract local addresses are the two bytes of length and
 * family.  RUMP_EAFNOSUPPORT, RUMP_EINVAL, RUMP_ENAMETOOLONG as above.
 */
int rump_conv_sockaddr_to_host(const void *nb, size_t len,
    struct sockaddr_storage *host, socklen_t *hostlen);
int rump_conv_sockaddr_from_host(const struct sockaddr *host,
    socklen_t hostlen, struct rump_sockaddr_storage *nb, uint32_t *len);

/* What the value of a socket option is. */
enum rump_conv_sockopt_type {
	RUMP_CONV_SOCKOPT_INT,		/* int32_t on both sides */
	RUMP_CONV_SOCKOPT_INT8,		/* one byte or int; int on the host */
	RUMP_CONV_SOCKOPT_ERRNO,	/* int32_t, an errno */
	RUMP_CONV_SOCKOPT_SOCKTYPE,	/* int32_t, SOCK_* */
	RUMP_CONV_SOCKOPT_LINGER,	/* rump_linger */
	RUMP_CONV_SOCKOPT_TIMEVAL,	/* rump_timeval */
	RUMP_CONV_SOCKOPT_TIMEVAL50,	/* rump_timeval50 */
	RUMP_CONV_SOCKOPT_IN_ADDR,	/* rump_in_addr */
	RUMP_CONV_SOCKOPT_IP_MREQ,	/* rump_ip_mreq */
	RUMP_CONV_SOCKOPT_IPV6_MREQ,	/* rump_ipv6_mreq */
	RUMP_CONV_SOCKOPT_PEERID	/* rump_unpcbid; struct ucred */
};

struct rump_conv_sockopt {
	int level;
	int name;
	enum rump_conv_sockopt_type type;
};

/* Room that a value takes on either side. */
#define RUMP_CONV_SOCKOPT_MAX	128

/*
 * Level and name.  `domain` is the RUMP_AF_* of the socket: level 0 is
 * IPPROTO_IP on an internet socket and the local options on a local one.
 * RUMP_ENOPROTOOPT for an option that the other side does not have; the options
 * that NetBSD keeps by itself (RUMP_SO_NOSIGPIPE, SO_USELOOPBACK,
 * SO_ACCEPTFILTER, LOCAL_CREDS, LOCAL_CONNWAIT) are among those.
 */
int rump_conv_sockopt_to_host(int domain, int level, int name,
    struct rump_conv_sockopt *host);
int rump_conv_sockopt_from_host(int level, int name,
    struct rump_conv_sockopt *nb);

/*
 * A value of that type.  RUMP_EINVAL when len is not right for it.  *hostlen
 * and *nblen: on entry the room, on return the length.
 */
int rump_conv_sockoptval_to_host(enum rump_conv_sockopt_type, const void *nb,
    size_t len, void *host, socklen_t *hostlen);
int rump_conv_sockoptval_from_host(enum rump_conv_sockopt_type,
    const void *host, socklen_t len, void *nb, uint32_t *nblen);

/*
 * A whole control buffer.  *hostlen and *nblen as above.  Descriptors in
 * SCM_RIGHTS go over as they are: which process's they are is the caller's
 * business.  To the host: RUMP_EINVAL for a malformed buffer or a message that
 * the host does not have.  From the host: messages NetBSD does not have are
 * left out; when room runs out the rest is, and *truncated is set.
 */
int rump_conv_cmsg_to_host(const void *nb, size_t len, void *host,
    size_t *hostlen);
int rump_conv_cmsg_from_host(const void *host, size_t len, void *nb,
    uint32_t *nblen, bool *truncated);

/* --- terminals --- */

/* Modes that only one side has are dropped. */
void rump_conv_termios_to_host(const struct rump_termios *nb,
    struct termios *host);
void rump_conv_termios_from_host(const struct termios *host,
    struct rump_termios *nb);

#ifdef __cplusplus
}
#endif

#endif
