/* Error numbers. */
#include <errno.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

struct error {
	const char *name;
	const char *text;
	int host;
};

/* By NetBSD's number: name, text, the host's number. */
static const struct error errors[] = {
#define E(n, t)	[RUMP_##n] = { #n, t, n }
/* ... one that the host does not have under that name. */
#define X(n, t, h)	[RUMP_##n] = { #n, t, h }
	[0] = { "0", "No error", 0 },
	E(EPERM, "Operation not permitted"),
	E(ENOENT, "No such file or directory"),
	E(ESRCH, "No such process"),
	E(EINTR, "Interrupted system call"),
	E(EIO, "Input/output error"),
	E(ENXIO, "Device not configured"),
	E(E2BIG, "Argument list too long"),
	E(ENOEXEC, "Exec format error"),
	E(EBADF, "Bad file descriptor"),
	E(ECHILD, "No child processes"),
	E(EDEADLK, "Resource deadlock avoided"),
	E(ENOMEM, "Cannot allocate memory"),
	E(EACCES, "Permission denied"),
	E(EFAULT, "Bad address"),
	E(ENOTBLK, "Block device required"),
	E(EBUSY, "Device busy"),
	E(EEXIST, "File exists"),
	E(EXDEV, "Cross-device link"),
	E(ENODEV, "Operation not supported by device"),
	E(ENOTDIR, "Not a directory"),
	E(EISDIR, "Is a directory"),
	E(EINVAL, "Invalid argument"),
	E(ENFILE, "Too many open files in system"),
	E(EMFILE, "Too many open files"),
	E(ENOTTY, "Inappropriate ioctl for device"),
	E(ETXTBSY, "Text file busy"),
	E(EFBIG, "File too large"),
	E(ENOSPC, "No space left on device"),
	E(ESPIPE, "Illegal seek"),
	E(EROFS, "Read-only file system"),
	E(EMLINK, "Too many links"),
	E(EPIPE, "Broken pipe"),
	E(EDOM, "Numerical argument out of domain"),
	E(ERANGE, "Result too large or too small"),
	E(EAGAIN, "Resource temporarily unavailable"),
	E(EINPROGRESS, "Operation now in progress"),
	E(EALREADY, "Operation already in progress"),
	E(ENOTSOCK, "Socket operation on non-socket"),
	E(EDESTADDRREQ, "Destination address required"),
	E(EMSGSIZE, "Message too long"),
	E(EPROTOTYPE, "Protocol wrong type for socket"),
	E(ENOPROTOOPT, "Protocol option not available"),
	E(EPROTONOSUPPORT, "Protocol not supported"),
	E(ESOCKTNOSUPPORT, "Socket type not supported"),
	E(EOPNOTSUPP, "Operation not supported"),
	E(EPFNOSUPPORT, "Protocol family not supported"),
	E(EAFNOSUPPORT, "Address family not supported"),
	E(EADDRINUSE, "Address already in use"),
	E(EADDRNOTAVAIL, "Can't assign requested address"),
	E(ENETDOWN, "Network is down"),
	E(ENETUNREACH, "Network is unreachable"),
	E(ENETRESET, "Network dropped connection on reset"),
	E(ECONNABORTED, "Software caused connection abort"),
	E(ECONNRESET, "Connection reset by peer"),
	E(ENOBUFS, "No buffer space available"),
	E(EISCONN, "Socket is already connected"),
	E(ENOTCONN, "Socket is not connected"),
	E(ESHUTDOWN, "Can't send after socket shutdown"),
	E(ETOOMANYREFS, "Too many references"),
	E(ETIMEDOUT, "Operation timed out"),
	E(ECONNREFUSED, "Connection refused"),
	E(ELOOP, "Too many levels of symbolic links"),
	E(ENAMETOOLONG, "File name too long"),
	E(EHOSTDOWN, "Host is down"),
	E(EHOSTUNREACH, "No route to host"),
	E(ENOTEMPTY, "Directory not empty"),
	X(EPROCLIM, "Too many processes", EAGAIN),
	E(EUSERS, "Too many users"),
	E(EDQUOT, "Disc quota exceeded"),
	E(ESTALE, "Stale NFS file handle"),
	E(EREMOTE, "Too many levels of remote in path"),
	X(EBADRPC, "RPC struct is bad", EPROTO),
	X(ERPCMISMATCH, "RPC version wrong", EPROTO),
	X(EPROGUNAVAIL, "RPC program not available", EPROTO),
	X(EPROGMISMATCH, "RPC program version wrong", EPROTO),
	X(EPROCUNAVAIL, "Bad procedure for RPC program", EPROTO),
	E(ENOLCK, "No locks available"),
	E(ENOSYS, "Function not implemented"),
	X(EFTYPE, "Inappropriate file type or format", EINVAL),
	X(EAUTH, "Authentication error", EACCES),
	X(ENEEDAUTH, "Need authenticator", EACCES),
	E(EIDRM, "Identifier removed"),
	E(ENOMSG, "No message of desired type"),
	E(EOVERFLOW, "Value too large to be stored in data type"),
	E(EILSEQ, "Illegal byte sequence"),
	E(ENOTSUP, "Not supported"),
	E(ECANCELED, "Operation canceled"),
	E(EBADMSG, "Bad or corrupt message"),
	E(ENODATA, "No message available"),
	E(ENOSR, "No STREAM resources"),
	E(ENOSTR, "Not a STREAM"),
	E(ETIME, "STREAM ioctl timeout"),
	X(ENOATTR, "Attribute not found", ENODATA),
	E(EMULTIHOP, "Multihop attempted"),
	E(ENOLINK, "Link has been severed"),
	E(EPROTO, "Protocol error"),
#undef E
#undef X
};

/*
 * By the host's number, where the table above cannot be read backwards:
 * numbers that are there twice, and numbers of the host alone.  What is in
 * neither is RUMP_EIO.
 */
static const struct abi_pair host_only[] = {
	{ RUMP_EAGAIN, EAGAIN },
	{ RUMP_EACCES, EACCES },
	{ RUMP_EINVAL, EINVAL },
	{ RUMP_EPROTO, EPROTO },
	{ RUMP_ENODATA, ENODATA },
	{ RUMP_EOPNOTSUPP, EOPNOTSUPP },
	{ RUMP_EINTR, ERESTART },
	{ RUMP_EPIPE, ESTRPIPE },
	{ RUMP_EBADF, EBADFD },
	{ RUMP_EEXIST, EISNAM },
	{ RUMP_EEXIST, ENOTUNIQ },
	{ RUMP_ENOEXEC, ELIBBAD },
	{ RUMP_ENOEXEC, ELIBEXEC },
	{ RUMP_ENOENT, ELIBACC },
	{ RUMP_ENXIO, ENOMEDIUM },
	{ RUMP_EFTYPE, EMEDIUMTYPE },
	{ RUMP_ENETDOWN, ENONET },
	{ RUMP_ENETDOWN, ERFKILL },
	{ RUMP_ENOBUFS, EXFULL },
	{ RUMP_EINVAL, EBADR },
	{ RUMP_EINVAL, EBADRQC },
	{ RUMP_ERANGE, ECHRNG },
	{ RUMP_ENEEDAUTH, ENOKEY },
	{ RUMP_EAUTH, EKEYEXPIRED },
	{ RUMP_EAUTH, EKEYREVOKED },
	{ RUMP_EAUTH, EKEYREJECTED },
	{ RUMP_EPROTO, ECOMM },
};

int
rump_conv_errno_to_host(int nb)
{

	if (nb == 0)
		return 0;
	if (nb < 0 || nb > RUMP_ELAST)
		return EIO;
	return errors[nb].host;
}

int
rump_conv_errno_from_host(int host)
{
	int nb;

	if (host == 0)
		return 0;
	if (abi_from_host(host_only, ABI_COUNT(host_only), host, &nb))
		return nb;
	/* Most numbers are the same on both sides. */
	if (host > 0 && host <= RUMP_ELAST && errors[host].host == host)
		return host;
	for (nb = 1; nb <= RUMP_ELAST; nb++) {
		if (errors[nb].host == host)
			return nb;
	}
	return RUMP_EIO;
}

const char *
rump_conv_errno_name(int nb)
{

	if (nb < 0 || nb > RUMP_ELAST)
		return "E?";
	return errors[nb].name;
}

const char *
rump_conv_errno_text(int nb)
{

	if (nb < 0 || nb > RUMP_ELAST)
		return "Unknown error";
	return errors[nb].text;
}
