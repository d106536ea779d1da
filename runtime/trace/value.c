#include <arpa/inet.h>

#include <string.h>

#include <rump/rumpdefs.h>

#include "trace/memory.h"
#include "trace/names.h"
#include "trace/value.h"

/* --- pieces --- */

static void
put_set(struct trace_line *ln, const char *set, uint64_t value)
{
	const struct trace_set *s = trace_set_find(set);

	if (s != NULL)
		trace_set_put(ln, s, value);
	else
		line_hex(ln, value);
}

static void
put_fd(struct trace_line *ln, int32_t fd)
{

	if (fd == RUMP_AT_FDCWD)
		line_str(ln, "AT_FDCWD");
	else
		line_int(ln, fd);
}

/* len bytes of data, the first of them shown. */
static void
put_bytes(struct trace_line *ln, uint64_t addr, uint64_t len)
{
	unsigned char buf[TRACE_SHOW_BYTES];
	size_t want, got;

	want = len < sizeof(buf) ? (size_t)len : sizeof(buf);
	got = trace_peek(addr, buf, want);
	if (got == 0 && want > 0) {
		line_hex(ln, addr);
		return;
	}
	line_quoted(ln, buf, got);
	if (got < len)
		line_str(ln, "...");
}

/* A string that ends with a NUL, or after most bytes. */
static void
put_string(struct trace_line *ln, uint64_t addr, uint64_t most)
{
	unsigned char buf[TRACE_SHOW_BYTES + 1], *end;
	size_t want, got, len;

	want = most < sizeof(buf) ? (size_t)most : sizeof(buf);
	got = trace_peek(addr, buf, want);
	if (got == 0) {
		line_hex(ln, addr);
		return;
	}
	end = memchr(buf, '\0', got);
	len = end != NULL ? (size_t)(end - buf) : got;
	if (len > TRACE_SHOW_BYTES)
		len = TRACE_SHOW_BYTES;
	line_quoted(ln, buf, len);
	if (end == NULL)
		line_str(ln, "...");
}

/* --- structures, by the type's name in the list --- */

static void
put_seconds(struct trace_line *ln, int64_t sec, uint64_t fraction,
    unsigned digits)
{

	line_int(ln, sec);
	line_char(ln, '.');
	line_padded(ln, fraction, digits);
}

static void
put_timespec(struct trace_line *ln, const void *p)
{
	struct rump_timespec ts;

	memcpy(&ts, p, sizeof(ts));
	if (ts.tv_nsec == RUMP_UTIME_NOW)
		line_str(ln, "UTIME_NOW");
	else if (ts.tv_nsec == RUMP_UTIME_OMIT)
		line_str(ln, "UTIME_OMIT");
	else
		put_seconds(ln, ts.tv_sec, (uint64_t)ts.tv_nsec, 9);
}

static void
put_timespec50(struct trace_line *ln, const void *p)
{
	struct rump_timespec50 ts;

	memcpy(&ts, p, sizeof(ts));
	put_seconds(ln, ts.tv_sec, (uint64_t)ts.tv_nsec, 9);
}

static void
put_timeval(struct trace_line *ln, const void *p)
{
	struct rump_timeval tv;

	memcpy(&tv, p, sizeof(tv));
	put_seconds(ln, tv.tv_sec, (uint32_t)tv.tv_usec, 6);
}

static void
put_timeval50(struct trace_line *ln, const void *p)
{
	struct rump_timeval50 tv;

	memcpy(&tv, p, sizeof(tv));
	put_seconds(ln, tv.tv_sec, (uint64_t)tv.tv_usec, 6);
}

static void
put_itimerval(struct trace_line *ln, const void *p)
{

	line_str(ln, "{interval=");
	put_timeval(ln, p);
	line_str(ln, ", value=");
	put_timeval(ln, (const char *)p + sizeof(struct rump_timeval));
	line_char(ln, '}');
}

static void
put_itimerspec(struct trace_line *ln, const void *p)
{

	line_str(ln, "{interval=");
	put_timespec(ln, p);
	line_str(ln, ", value=");
	put_timespec(ln, (const char *)p + sizeof(struct rump_timespec));
	line_char(ln, '}');
}

static void
put_mode_size(struct trace_line *ln, uint32_t mode, int64_t size)
{

	line_str(ln, "{mode=");
	put_set(ln, "filetype", mode & RUMP_S_IFMT);
	line_char(ln, '|');
	line_octal(ln, mode & RUMP_ALLPERMS);
	line_str(ln, ", size=");
	line_int(ln, size);
	line_str(ln, ", ...}");
}

static void
put_stat(struct trace_line *ln, const void *p)
{
	struct rump_stat st;

	memcpy(&st, p, sizeof(st));
	put_mode_size(ln, st.st_mode, st.st_size);
}

static void
put_stat30(struct trace_line *ln, const void *p)
{
	struct rump_stat30 st;

	memcpy(&st, p, sizeof(st));
	put_mode_size(ln, st.st_mode, st.st_size);
}

static void
put_rlim(struct trace_line *ln, uint64_t n)
{

	if (n == RUMP_RLIM_INFINITY)
		line_str(ln, "RLIM_INFINITY");
	else
		line_uint(ln, n);
}

static void
put_rlimit(struct trace_line *ln, const void *p)
{
	struct rump_rlimit rl;

	memcpy(&rl, p, sizeof(rl));
	line_str(ln, "{cur=");
	put_rlim(ln, rl.rlim_cur);
	line_str(ln, ", max=");
	put_rlim(ln, rl.rlim_max);
	line_char(ln, '}');
}

static void
put_pollfd(struct trace_line *ln, const void *p)
{
	struct rump_pollfd pfd;

	memcpy(&pfd, p, sizeof(pfd));
	line_str(ln, "{fd=");
	line_int(ln, pfd.fd);
	line_str(ln, ", events=");
	put_set(ln, "poll", (uint16_t)pfd.events);
	line_str(ln, ", revents=");
	put_set(ln, "poll", (uint16_t)pfd.revents);
	line_char(ln, '}');
}

static void
put_kevent(struct trace_line *ln, const void *p)
{
	struct rump_kevent kev;

	memcpy(&kev, p, sizeof(kev));
	line_str(ln, "{ident=");
	line_uint(ln, kev.ident);
	line_str(ln, ", filter=");
	put_set(ln, "evfilt", kev.filter);
	line_str(ln, ", flags=");
	put_set(ln, "ev", kev.flags);
	line_str(ln, ", fflags=");
	line_hex(ln, kev.fflags);
	line_str(ln, ", data=");
	line_int(ln, kev.data);
	line_char(ln, '}');
}

static void
put_flock(struct trace_line *ln, const void *p)
{
	struct rump_flock fl;

	memcpy(&fl, p, sizeof(fl));
	line_str(ln, "{type=");
	put_set(ln, "locktype", (uint16_t)fl.l_type);
	line_str(ln, ", whence=");
	put_set(ln, "whence", (uint16_t)fl.l_whence);
	line_str(ln, ", start=");
	line_int(ln, fl.l_start);
	line_str(ln, ", len=");
	line_int(ln, fl.l_len);
	line_char(ln, '}');
}

static void
put_sigset(struct trace_line *ln, const void *p)
{
	const struct trace_set *names = trace_set_find("signal");
	struct rump_sigset set;
	const char *sep = "";
	int n;

	memcpy(&set, p, sizeof(set));
	line_char(ln, '[');
	for (n = 1; n < RUMP_NSIG; n++) {
		if (!rump_sigismember(&set, n))
			continue;
		line_str(ln, sep);
		trace_set_put(ln, names, (uint64_t)n);
		sep = " ";
	}
	line_char(ln, ']');
}

static void
put_int(struct trace_line *ln, const void *p)
{
	int32_t n;

	memcpy(&n, p, sizeof(n));
	line_int(ln, n);
}

static void
put_uint(struct trace_line *ln, const void *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	line_uint(ln, n);
}

static void
put_long(struct trace_line *ln, const void *p)
{
	int64_t n;

	memcpy(&n, p, sizeof(n));
	line_int(ln, n);
}

static const struct printer {
	const char *type;
	size_t size;
	void (*put)(struct trace_line *, const void *);
} printers[] = {
	{ "struct timespec", sizeof(struct rump_timespec), put_timespec },
	{ "struct timespec50", sizeof(struct rump_timespec50),
	    put_timespec50 },
	{ "struct timeval", sizeof(struct rump_timeval), put_timeval },
	{ "struct timeval50", sizeof(struct rump_timeval50), put_timeval50 },
	{ "struct itimerval", sizeof(struct rump_itimerval), put_itimerval },
	{ "struct itimerspec", sizeof(struct rump_itimerspec),
	    put_itimerspec },
	{ "struct stat", sizeof(struct rump_stat), put_stat },
	{ "struct stat30", sizeof(struct rump_stat30), put_stat30 },
	{ "struct rlimit", sizeof(struct rump_rlimit), put_rlimit },
	{ "struct pollfd", sizeof(struct rump_pollfd), put_pollfd },
	{ "struct kevent", sizeof(struct rump_kevent), put_kevent },
	{ "sigset_t", sizeof(struct rump_sigset), put_sigset },
	{ "int", 4, put_int },
	{ "timer_t", 4, put_int },
	{ "gid_t", 4, put_uint },
	{ "unsigned int", 4, put_uint },
	{ "u_int", 4, put_uint },
	{ "socklen_t", 4, put_uint },
	{ "intptr_t", 8, put_long },
	{ "size_t", 8, put_long },
};

/* The printer for what a pointer of that type points at, or NULL. */
static const struct printer *
find_printer(const char *type)
{
	size_t i, len;

	if (strncmp(type, "const ", 6) == 0)
		type += 6;
	for (i = 0; i < sizeof(printers) / sizeof(printers[0]); i++) {
		len = strlen(printers[i].type);
		if (strncmp(type, printers[i].type, len) == 0 &&
		    strcmp(type + len, " *") == 0)
			return &printers[i];
	}
	return NULL;
}

/* `n` elements at addr; one alone without brackets if it is a structure. */
static void
put_elements(struct trace_line *ln, const struct printer *pr, uint64_t addr,
    uint64_t n, bool array)
{
	char buf[256];
	uint64_t i;

	if (array)
		line_char(ln, '[');
	for (i = 0; i < n; i++) {
		if (i > 0)
			line_str(ln, ", ");
		if (i == TRACE_SHOW_ELEMENTS) {
			line_str(ln, "...");
			break;
		}
		if (pr->size > sizeof(buf) || trace_peek(addr + i * pr->size,
		    buf, pr->size) != pr->size) {
			line_hex(ln, addr + i * pr->size);
			break;
		}
		pr->put(ln, buf);
	}
	if (array)
		line_char(ln, ']');
}

/* --- addresses of sockets --- */

static void
put_inet(struct trace_line *ln, const void *p)
{
	struct rump_sockaddr_in sin;
	const uint8_t *a = (const uint8_t *)&sin.sin_addr;
	int i;

	memcpy(&sin, p, sizeof(sin));
	line_str(ln, "{AF_INET, ");
	for (i = 0; i < 4; i++) {
		if (i > 0)
			line_char(ln, '.');
		line_uint(ln, a[i]);
	}
	line_char(ln, ':');
	line_uint(ln, ntohs(sin.sin_port));
	line_char(ln, '}');
}

static void
put_inet6(struct trace_line *ln, const void *p)
{
	struct rump_sockaddr_in6 sin6;
	char text[64];

	memcpy(&sin6, p, sizeof(sin6));
	line_str(ln, "{AF_INET6, [");
	/* glibc's uses nothing but the stack. */
	if (inet_ntop(AF_INET6, &sin6.sin6_addr, text, sizeof(text)) != NULL)
		line_str(ln, text);
	line_str(ln, "]:");
	line_uint(ln, ntohs(sin6.sin6_port));
	line_char(ln, '}');
}

static void
put_sockaddr(struct trace_line *ln, uint64_t addr, uint64_t len)
{
	unsigned char buf[sizeof(struct rump_sockaddr_storage)];
	size_t got;

	got = trace_peek(addr, buf, len < sizeof(buf) ? (size_t)len :
	    sizeof(buf));
	if (got < 2) {
		line_hex(ln, addr);
	} else if (buf[1] == RUMP_AF_INET &&
	    got >= sizeof(struct rump_sockaddr_in)) {
		put_inet(ln, buf);
	} else if (buf[1] == RUMP_AF_INET6 &&
	    got >= sizeof(struct rump_sockaddr_in6)) {
		put_inet6(ln, buf);
	} else if (buf[1] == RUMP_AF_LOCAL) {
		line_str(ln, "{AF_LOCAL, ");
		line_quoted(ln, buf + 2, strnlen((char *)buf + 2, got - 2));
		line_char(ln, '}');
	} else {
		line_char(ln, '{');
		put_set(ln, "domain", buf[1]);
		line_str(ln, ", ...}");
	}
}

/* --- scattered buffers --- */

/* `have` bytes are in them in all (those that came, when reading). */
static void
put_iovec(struct trace_line *ln, uint64_t addr, uint64_t n, uint64_t have)
{
	struct rump_iovec iov;
	uint64_t i, len;

	line_char(ln, '[');
	for (i = 0; i < n; i++) {
		if (i > 0)
			line_str(ln, ", ");
		if (i == TRACE_SHOW_ELEMENTS) {
			line_str(ln, "...");
			break;
		}
		if (trace_peek(addr + i * sizeof(iov), &iov, sizeof(iov)) !=
		    sizeof(iov)) {
			line_hex(ln, addr + i * sizeof(iov));
			break;
		}
		len = iov.iov_len < have ? iov.iov_len : have;
		have -= len;
		line_char(ln, '{');
		put_bytes(ln, (uintptr_t)iov.iov_base, len);
		line_str(ln, ", ");
		line_uint(ln, iov.iov_len);
		line_char(ln, '}');
	}
	line_char(ln, ']');
}

static void
put_msghdr(struct trace_line *ln, uint64_t addr, uint64_t have)
{
	struct rump_msghdr mh;

	if (trace_peek(addr, &mh, sizeof(mh)) != sizeof(mh)) {
		line_hex(ln, addr);
		return;
	}
	line_str(ln, "{name=");
	if (mh.msg_name == NULL)
		line_str(ln, "NULL");
	else
		put_sockaddr(ln, (uintptr_t)mh.msg_name, mh.msg_namelen);
	line_str(ln, ", iov=");
	put_iovec(ln, (uintptr_t)mh.msg_iov, (uint32_t)mh.msg_iovlen, have);
	line_str(ln, ", controllen=");
	line_uint(ln, mh.msg_control == NULL ? 0 : mh.msg_controllen);
	line_str(ln, ", flags=");
	put_set(ln, "msg", (uint32_t)mh.msg_flags);
	line_char(ln, '}');
}

static void
put_fdset(struct trace_line *ln, uint64_t addr, uint64_t nd)
{
	struct rump_fd_set set;
	const char *sep = "";
	size_t bytes;
	int fd;

	if (nd > RUMP_FD_SETSIZE)
		nd = RUMP_FD_SETSIZE;
	bytes = (size_t)((nd + 31) / 32 * 4);
	rump_fd_zero(&set);
	if (trace_peek(addr, &set, bytes) != bytes) {
		line_hex(ln, addr);
		return;
	}
	line_char(ln, '[');
	for (fd = 0; fd < (int)nd; fd++) {
		if (!rump_fd_isset(fd, &set))
			continue;
		line_str(ln, sep);
		line_int(ln, fd);
		sep = " ";
	}
	line_char(ln, ']');
}

/* --- what depends on a command --- */

static void
put_ioctl(struct trace_line *ln, uint64_t addr, uint64_t com)
{
	int32_t n;

	if ((com & RUMP_IOC_INOUT) == 0 || RUMP_IOCPARM_LEN(com) != 4 ||
	    trace_peek(addr, &n, sizeof(n)) != sizeof(n)) {
		line_hex(ln, addr);
		return;
	}
	line_char(ln, '[');
	line_int(ln, n);
	line_char(ln, ']');
}

static void
put_fcntl(struct trace_line *ln, uint64_t value, uint64_t cmd)
{
	struct rump_flock fl;

	switch (cmd) {
	case RUMP_F_SETFL:
		put_set(ln, "open", (uint32_t)value);
		break;
	case RUMP_F_GETLK:
	case RUMP_F_SETLK:
	case RUMP_F_SETLKW:
		if (trace_peek(value, &fl, sizeof(fl)) == sizeof(fl))
			put_flock(ln, &fl);
		else
			line_hex(ln, value);
		break;
	default:
		if ((int32_t)cmd < 0)
			line_hex(ln, value);
		else
			line_int(ln, (int32_t)value);
		break;
	}
}

/* --- arguments --- */

static uint64_t
count(const struct trace_call *c, const struct sysdesc_arg *a)
{
	uint64_t n;

	if (a->arg >= c->nargs || a->arg >= c->desc->narg)
		return 0;
	n = c->args[a->arg];
	if (c->desc->args[a->arg].size == 4)
		n = (uint32_t)n;
	return n;
}

/* The length behind another argument, socklen_t or size_t. */
static uint64_t
count_behind(const struct trace_call *c, const struct sysdesc_arg *a)
{
	uint64_t n = 0;
	size_t size;

	if (a->arg >= c->nargs || a->arg >= c->desc->narg)
		return 0;
	size = strstr(c->desc->args[a->arg].type, "socklen_t") != NULL ? 4 : 8;
	if (trace_peek(c->args[a->arg], &n, size) != size)
		return 0;
	return n;
}

static bool
is_bytes(const struct sysdesc_arg *a)
{

	return strstr(a->type, "void *") != NULL ||
	    strstr(a->type, "char *") != NULL;
}

/* n elements of `bytes` bytes each, of the argument's type. */
static void
put_counted(struct trace_line *ln, const struct trace_call *c,
    const struct sysdesc_arg *a, uint64_t addr, uint64_t n)
{
	const struct printer *pr = find_printer(a->type);
	bool out = (a->dir & SYSDESC_IN) == 0;

	if (strstr(a->type, "struct sockaddr *") != NULL) {
		put_sockaddr(ln, addr, n * a->bytes);
	} else if (pr != NULL) {
		/* As many came back as the result says. */
		if (out && c->result >= 0 && (uint64_t)c->result < n)
			n = (uint64_t)c->result;
		put_elements(ln, pr, addr, n, true);
	} else if (!is_bytes(a) || a->bytes > 1) {
		line_hex(ln, addr);
	} else if (out && c->result == 0 && strstr(a->type, "char *") != NULL) {
		put_string(ln, addr, n);
	} else {
		if (out && a->extent == SYSDESC_X_ARG && c->result >= 0 &&
		    (uint64_t)c->result < n)
			n = (uint64_t)c->result;
		put_bytes(ln, addr, n);
	}
}

static void
put_constant(struct trace_line *ln, const struct sysdesc_arg *a,
    uint64_t addr)
{
	const struct printer *pr = find_printer(a->type);
	uint64_t n;

	if (pr == NULL) {
		line_hex(ln, addr);
		return;
	}
	n = a->bytes / pr->size;
	put_elements(ln, pr, addr, n, n != 1 ||
	    strstr(a->type, "struct ") == NULL);
}

static uint64_t
transferred(const struct trace_call *c, const struct sysdesc_arg *a)
{

	if ((a->dir & SYSDESC_OUT) != 0 && c->result >= 0)
		return (uint64_t)c->result;
	return UINT64_MAX;
}

static void
put_pointer(struct trace_line *ln, const struct trace_call *c,
    const struct sysdesc_arg *a, uint64_t value)
{

	/* Only fcntl's may be something else than an address. */
	if (value == 0 && a->extent != SYSDESC_X_FCNTL) {
		line_str(ln, "NULL");
		return;
	}
	/* Nothing was written by a call that failed. */
	if (c->failed && (a->dir & SYSDESC_IN) == 0 &&
	    a->extent != SYSDESC_X_FCNTL) {
		line_hex(ln, value);
		return;
	}
	switch (a->extent) {
	case SYSDESC_X_STRING:
		put_string(ln, value, a->bytes);
		break;
	case SYSDESC_X_CONST:
		put_constant(ln, a, value);
		break;
	case SYSDESC_X_ARG:
	case SYSDESC_X_SYSCTL:
		put_counted(ln, c, a, value, count(c, a));
		break;
	case SYSDESC_X_ARGPTR:
		put_counted(ln, c, a, value, count_behind(c, a));
		break;
	case SYSDESC_X_IOVEC:
		put_iovec(ln, value, count(c, a), transferred(c, a));
		break;
	case SYSDESC_X_MSGHDR:
		put_msghdr(ln, value, transferred(c, a));
		break;
	case SYSDESC_X_IOCTL:
		put_ioctl(ln, value, count(c, a));
		break;
	case SYSDESC_X_FCNTL:
		put_fcntl(ln, value, count(c, a));
		break;
	case SYSDESC_X_FDSET:
		put_fdset(ln, value, count(c, a));
		break;
	default:
		line_hex(ln, value);
		break;
	}
}

/* A value of `size` bytes in the low end of its slot, sign-extended. */
static int64_t
signed_value(uint64_t value, uint8_t size)
{

	switch (size) {
	case 1:
		return (int8_t)value;
	case 2:
		return (int16_t)value;
	case 4:
		return (int32_t)value;
	default:
		return (int64_t)value;
	}
}

static uint64_t
unsigned_value(uint64_t value, uint8_t size)
{

	if (size >= 1 && size < 8)
		return value & ((UINT64_C(1) << size * 8) - 1);
	return value;
}

void
trace_put_arg(struct trace_line *ln, const struct trace_call *c, size_t i)
{
	const struct sysdesc_arg *a = &c->desc->args[i];
	const struct trace_set *set;
	uint64_t value = c->args[i];

	set = a->set != NULL ? trace_set_find(a->set) : NULL;
	if (set != NULL) {
		trace_set_put(ln, set, unsigned_value(value, a->size));
		return;
	}
	switch (a->kind) {
	case SYSDESC_INT:
		line_int(ln, signed_value(value, a->size));
		break;
	case SYSDESC_UINT:
		line_uint(ln, unsigned_value(value, a->size));
		break;
	case SYSDESC_OCTAL:
		line_octal(ln, unsigned_value(value, a->size));
		break;
	case SYSDESC_FD:
		put_fd(ln, (int32_t)value);
		break;
	case SYSDESC_PTR:
		put_pointer(ln, c, a, value);
		break;
	default:
		line_hex(ln, unsigned_value(value, a->size));
		break;
	}
}
