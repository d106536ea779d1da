/*
 * NetBSD's error numbers.
 *
 * These are what crosses the wire and what rumpclient_syscall() and the
 * handlers of a kernel return; rump_conv_errno_to_host() in
 * <rump/rumpconv.h> turns one into the host's.
 */
#ifndef RUMP_RUMPDEFS_ERRNO_H
#define RUMP_RUMPDEFS_ERRNO_H

/* Up to 34 the numbers are those of every Unix. */
#define RUMP_EPERM		1
#define RUMP_ENOENT		2
#define RUMP_ESRCH		3
#define RUMP_EINTR		4
#define RUMP_EIO		5
#define RUMP_ENXIO		6
#define RUMP_E2BIG		7
#define RUMP_ENOEXEC		8
#define RUMP_EBADF		9
#define RUMP_ECHILD		10
#define RUMP_EDEADLK		11	/* Linux has EAGAIN here */
#define RUMP_ENOMEM		12
#define RUMP_EACCES		13
#define RUMP_EFAULT		14
#define RUMP_ENOTBLK		15
#define RUMP_EBUSY		16
#define RUMP_EEXIST		17
#define RUMP_EXDEV		18
#define RUMP_ENODEV		19
#define RUMP_ENOTDIR		20
#define RUMP_EISDIR		21
#define RUMP_EINVAL		22
#define RUMP_ENFILE		23
#define RUMP_EMFILE		24
#define RUMP_ENOTTY		25
#define RUMP_ETXTBSY		26
#define RUMP_EFBIG		27
#define RUMP_ENOSPC		28
#define RUMP_ESPIPE		29
#define RUMP_EROFS		30
#define RUMP_EMLINK		31
#define RUMP_EPIPE		32
#define RUMP_EDOM		33
#define RUMP_ERANGE		34

/* Waiting and non-blocking operation. */
#define RUMP_EAGAIN		35
#define RUMP_EWOULDBLOCK	RUMP_EAGAIN
#define RUMP_EINPROGRESS	36
#define RUMP_EALREADY		37

/* Sockets: wrong use. */
#define RUMP_ENOTSOCK		38
#define RUMP_EDESTADDRREQ	39
#define RUMP_EMSGSIZE		40
#define RUMP_EPROTOTYPE		41
#define RUMP_ENOPROTOOPT	42
#define RUMP_EPROTONOSUPPORT	43
#define RUMP_ESOCKTNOSUPPORT	44
#define RUMP_EOPNOTSUPP		45
#define RUMP_EPFNOSUPPORT	46
#define RUMP_EAFNOSUPPORT	47
#define RUMP_EADDRINUSE		48
#define RUMP_EADDRNOTAVAIL	49

/* Sockets: what the network does. */
#define RUMP_ENETDOWN		50
#define RUMP_ENETUNREACH	51
#define RUMP_ENETRESET		52
#define RUMP_ECONNABORTED	53
#define RUMP_ECONNRESET		54
#define RUMP_ENOBUFS		55
#define RUMP_EISCONN		56
#define RUMP_ENOTCONN		57
#define RUMP_ESHUTDOWN		58
#define RUMP_ETOOMANYREFS	59
#define RUMP_ETIMEDOUT		60
#define RUMP_ECONNREFUSED	61

/* Names, quotas, network file systems. */
#define RUMP_ELOOP		62
#define RUMP_ENAMETOOLONG	63
#define RUMP_EHOSTDOWN		64
#define RUMP_EHOSTUNREACH	65
#define RUMP_ENOTEMPTY		66
#define RUMP_EPROCLIM		67	/* no such number on Linux */
#define RUMP_EUSERS		68
#define RUMP_EDQUOT		69
#define RUMP_ESTALE		70
#define RUMP_EREMOTE		71
#define RUMP_EBADRPC		72	/* 72..76: not on Linux */
#define RUMP_ERPCMISMATCH	73
#define RUMP_EPROGUNAVAIL	74
#define RUMP_EPROGMISMATCH	75
#define RUMP_EPROCUNAVAIL	76
#define RUMP_ENOLCK		77
#define RUMP_ENOSYS		78
#define RUMP_EFTYPE		79	/* 79..81: not on Linux */
#define RUMP_EAUTH		80
#define RUMP_ENEEDAUTH		81

/* System V and POSIX latecomers. */
#define RUMP_EIDRM		82
#define RUMP_ENOMSG		83
#define RUMP_EOVERFLOW		84
#define RUMP_EILSEQ		85
#define RUMP_ENOTSUP		86	/* not EOPNOTSUPP here */
#define RUMP_ECANCELED		87
#define RUMP_EBADMSG		88
#define RUMP_ENODATA		89
#define RUMP_ENOSR		90
#define RUMP_ENOSTR		91
#define RUMP_ETIME		92
#define RUMP_ENOATTR		93	/* no such extended attribute */
#define RUMP_EMULTIHOP		94
#define RUMP_ENOLINK		95
#define RUMP_EPROTO		96
#define RUMP_ELAST		96

/*
 * Signals between the layers of a NetBSD kernel.  They never leave it; a
 * server that sees one in an answer has met a broken kernel.
 */
#define RUMP_EJUSTRETURN	(-2)
#define RUMP_ERESTART		(-3)
#define RUMP_EPASSTHROUGH	(-4)
#define RUMP_EDUPFD		(-5)
#define RUMP_EMOVEFD		(-6)

#endif
