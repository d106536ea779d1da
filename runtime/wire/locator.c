/*
 * Reading locators, and the sockets behind them.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire/host.h"
#include "wire/locator.h"

/* Where parsing is: for messages that quote the locator. */
struct parse {
	const char *whole;
	struct locator *loc;
	enum locator_role role;
	char *why;
};

__attribute__((format(printf, 3, 4)))
static int
fail(const struct parse *ps, int error, const char *fmt, ...)
{
	va_list ap;
	int n;

	n = snprintf(ps->why, LOCATOR_WHY, "%.200s: ", ps->whole);
	va_start(ap, fmt);
	if (n >= 0 && n < LOCATOR_WHY)
		vsnprintf(ps->why + n, (size_t)(LOCATOR_WHY - n), fmt, ap);
	va_end(ap);
	return error;
}

static struct sockaddr_in *
addr_in(struct locator *loc)
{

	return (struct sockaddr_in *)&loc->addr;
}

static struct sockaddr_in6 *
addr_in6(struct locator *loc)
{

	return (struct sockaddr_in6 *)&loc->addr;
}

/* Writes the resolved locator; the address is numeric, so it fits. */
static void
set_text(struct locator *loc)
{
	char num[INET6_ADDRSTRLEN];

	switch (loc->kind) {
	case LOCATOR_UNIX:
		snprintf(loc->text, sizeof(loc->text), "unix://%s",
		    ((struct sockaddr_un *)&loc->addr)->sun_path);
		break;
	case LOCATOR_TCP:
		inet_ntop(AF_INET, &addr_in(loc)->sin_addr, num, sizeof(num));
		snprintf(loc->text, sizeof(loc->text), "tcp://%s:%u/", num,
		    ntohs(addr_in(loc)->sin_port));
		break;
	case LOCATOR_TCP6:
		inet_ntop(AF_INET6, &addr_in6(loc)->sin6_addr, num,
		    sizeof(num));
		snprintf(loc->text, sizeof(loc->text), "tcp6://[%s]:%u/", num,
		    ntohs(addr_in6(loc)->sin6_port));
		break;
	case LOCATOR_FD:
		snprintf(loc->text, sizeof(loc->text), "fd://%d", loc->fd);
		break;
	}
}

/* Decimal number 0..max, digits only, the whole string. */
static bool
parse_number(const char *s, long max, long *out)
{
	long v;

	if (*s == '\0')
		return false;
	v = 0;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		v = v * 10 + (*s - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return true;
}

static int
parse_unix(const struct parse *ps, const char *path)
{
	struct sockaddr_un *sun;
	char cwd[PATH_MAX];
	int n;

	if (*path == '\0')
		return fail(ps, EINVAL, "no path after unix://");
	sun = (struct sockaddr_un *)&ps->loc->addr;
	sun->sun_family = AF_UNIX;
	if (*path == '/') {
		n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s", path);
	} else {
		if (getcwd(cwd, sizeof(cwd)) == NULL)
			return fail(ps, errno, "cannot resolve the relative "
			    "path: getcwd: %s", strerror(errno));
		n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/%s",
		    strcmp(cwd, "/") == 0 ? "" : cwd, path);
	}
	if (n < 0 || (size_t)n >= sizeof(sun->sun_path))
		return fail(ps, ENAMETOOLONG, "resolved path is %d bytes, a "
		    "local socket's may have %zu: use a shorter one", n,
		    sizeof(sun->sun_path) - 1);
	ps->loc->addrlen = sizeof(*sun);
	set_text(ps->loc);
	return 0;
}

/* Splits "HOST:PORT[/]" or "[HOST]:PORT[/]" in place. */
static int
split_hostport(const struct parse *ps, char *s, bool brackets, char **host,
    in_port_t *port)
{
	char *p, *slash;
	long v;

	if (brackets && *s == '[') {
		*host = s + 1;
		p = strchr(s, ']');
		if (p == NULL)
			return fail(ps, EINVAL, "no ']' after the address");
		*p++ = '\0';
	} else {
		if (brackets && *s != '*')
			return fail(ps, EINVAL, "address is not in [ ]");
		*host = s;
		p = s + strcspn(s, ":/");
	}
	if (*p != ':')
		return fail(ps, EINVAL, "no ':PORT' after the address");
	*p++ = '\0';
	if (**host == '\0')
		return fail(ps, EINVAL, "no address before ':%.20s'", p);

	slash = strchr(p, '/');
	if (slash != NULL) {
		if (slash[1] != '\0')
			return fail(ps, EINVAL, "'%.40s' after the port: only "
			    "one '/' may follow", slash);
		*slash = '\0';
	}
	if (!parse_number(p, 65535, &v))
		return fail(ps, EINVAL, "port '%.40s' is not in 0..65535", p);
	*port = htons((in_port_t)v);
	return 0;
}

/* Looks a name up; the numeric forms were tried before. */
static int
lookup(const struct parse *ps, const char *host, int family)
{
	struct addrinfo hints, *res;
	int rc;

	hints = (struct addrinfo){ .ai_family = family,
	    .ai_socktype = SOCK_STREAM };
	rc = getaddrinfo(host, NULL, &hints, &res);
	if (rc == EAI_SYSTEM)
		return fail(ps, errno, "host '%.80s': %s", host,
		    strerror(errno));
	if (rc != 0)
		return fail(ps, rc == EAI_AGAIN ? EAGAIN :
		    rc == EAI_MEMORY ? ENOMEM : EHOSTUNREACH,
		    "host '%.80s': %s", host, gai_strerror(rc));
	memcpy(&ps->loc->addr, res->ai_addr, res->ai_addrlen);
	freeaddrinfo(res);
	return 0;
}

static int
parse_tcp(const struct parse *ps, const char *s)
{
	char text[LOCATOR_MAX], *host;
	struct sockaddr_in *sin;
	in_port_t port;
	int error;

	snprintf(text, sizeof(text), "%s", s);
	error = split_hostport(ps, text, false, &host, &port);
	if (error != 0)
		return error;

	sin = addr_in(ps->loc);
	if (strcmp(host, "*") == 0 || strcmp(host, "0") == 0) {
		if (ps->role != LOCATOR_SERVER)
			return fail(ps, EINVAL, "address '%s' is for servers: "
			    "a client names one", host);
		sin->sin_addr.s_addr = htonl(INADDR_ANY);
	} else if (inet_pton(AF_INET, host, &sin->sin_addr) != 1) {
		error = lookup(ps, host, AF_INET);
		if (error != 0)
			return error;
	}
	sin->sin_family = AF_INET;
	sin->sin_port = port;
	ps->loc->addrlen = sizeof(*sin);
	set_text(ps->loc);
	return 0;
}

static int
parse_tcp6(const struct parse *ps, const char *s)
{
	char text[LOCATOR_MAX], *host;
	struct sockaddr_in6 *sin6;
	in_port_t port;
	int error;

	snprintf(text, sizeof(text), "%s", s);
	error = split_hostport(ps, text, true, &host, &port);
	if (error != 0)
		return error;

	sin6 = addr_in6(ps->loc);
	if (strcmp(host, "*") == 0) {
		if (ps->role != LOCATOR_SERVER)
			return fail(ps, EINVAL, "address '*' is for servers: "
			    "a client names one");
		sin6->sin6_addr = in6addr_any;
	} else if (inet_pton(AF_INET6, host, &sin6->sin6_addr) != 1) {
		return fail(ps, EINVAL, "'%.80s' is not an IPv6 address",
		    host);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = port;
	ps->loc->addrlen = sizeof(*sin6);
	set_text(ps->loc);
	return 0;
}

static int
parse_fd(const struct parse *ps, const char *s)
{
	long v;

	if (!parse_number(s, INT_MAX, &v))
		return fail(ps, EINVAL, "'%.40s' is not a descriptor number",
		    s);
	ps->loc->fd = (int)v;
	set_text(ps->loc);
	return 0;
}

int
locator_parse(struct locator *loc, const char *s, enum locator_role role,
    char why[LOCATOR_WHY])
{
	static const struct {
		const char *prefix;
		enum locator_kind kind;
		int (*parse)(const struct parse *, const char *);
	} schemes[] = {
		{ "unix://", LOCATOR_UNIX, parse_unix },
		{ "tcp://", LOCATOR_TCP, parse_tcp },
		{ "tcp6://", LOCATOR_TCP6, parse_tcp6 },
		{ "fd://", LOCATOR_FD, parse_fd },
	};
	struct parse ps = { s, loc, role, why };
	size_t i, n;

	memset(loc, 0, sizeof(*loc));
	loc->fd = -1;
	why[0] = '\0';
	if (strlen(s) >= LOCATOR_MAX)
		return fail(&ps, ENAMETOOLONG, "longer than %d bytes",
		    LOCATOR_MAX - 1);
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		n = strlen(schemes[i].prefix);
		if (strncmp(s, schemes[i].prefix, n) != 0)
			continue;
		loc->kind = schemes[i].kind;
		return schemes[i].parse(&ps, s + n);
	}
	return fail(&ps, EINVAL, "does not start with unix://, tcp://, tcp6:// "
	    "or fd://");
}

int
wire_fd_above_stdio(int fd)
{
	int nfd, error;

	if (fd > 2) {
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
			return fd;
		nfd = -1;
	} else {
		nfd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	}
	error = errno;
	host_close(fd);
	errno = error;
	return nfd;
}

/* A stream socket for loc; extra are further SOCK_ flags. */
static int
open_socket(const struct locator *loc, int extra)
{
	int fd;

	fd = host_socket(loc->addr.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | extra, 0);
	if (fd == -1)
		return -1;
	return wire_fd_above_stdio(fd);
}

static void
close_keep_errno(int fd)
{
	int error;

	error = errno;
	host_close(fd);
	errno = error;
}

/* What keeps a connection with nothing to say honest, where the system has
 * the options; a listener's go to the sockets it accepts. */
static void
set_keepalive(int fd)
{
	static const struct {
		int name, value;
	} option[] = {
#ifdef TCP_KEEPIDLE
		{ TCP_KEEPIDLE, LOCATOR_KEEP_IDLE },
#endif
#ifdef TCP_KEEPINTVL
		{ TCP_KEEPINTVL, LOCATOR_KEEP_INTERVAL },
#endif
#ifdef TCP_KEEPCNT
		{ TCP_KEEPCNT, LOCATOR_KEEP_COUNT },
#endif
	};
	size_t i;
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	for (i = 0; i < sizeof(option) / sizeof(option[0]); i++)
		(void)setsockopt(fd, IPPROTO_TCP, option[i].name,
		    &option[i].value, sizeof(option[i].value));
}

bool
locator_is_tcp(const struct locator *loc)
{

	return loc->kind == LOCATOR_TCP || loc->kind == LOCATOR_TCP6;
}

const char *
locator_path(const struct locator *loc)
{

	return ((const struct sockaddr_un *)&loc->addr)->sun_path;
}

static int
set_tcp_options(const struct locator *loc, int fd)
{
	int on = 1;

	if (!locator_is_tcp(loc))
		return 0;
	set_keepalive(fd);
	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* The descriptor of fd:// itself, if it is a stream socket. */
static int
inherited_fd(int fd)
{
	socklen_t len;
	int type;

	len = sizeof(type);
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
		return -1;
	if (type != SOCK_STREAM) {
		errno = EPROTOTYPE;
		return -1;
	}
	return fd;
}

/* A deadline, by the monotonic clock; milliseconds. */
static int64_t
deadline_in(unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + ms;
}

/* How long there is until then; -1 with errno set when it is over. */
static int
time_left(int64_t deadline)
{
	int64_t left;

	left = deadline - deadline_in(0);
	if (left > 0)
		return (int)left;
	errno = ETIMEDOUT;
	return -1;
}

/* After EINTR a TCP connect goes on by itself: waits for its end. */
static int
finish_connect(int fd, int64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len;
	int error, left, n;

	do {
		left = time_left(deadline);
		if (left == -1)
			return -1;
		n = poll(&pfd, 1, left);
		if (n == -1 && errno != EINTR)
			return -1;
	} while (n <= 0);
	len = sizeof(error);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		return -1;
	if (error != 0) {
		errno = error;
		return -1;
	}
	return 0;
}

/* How long connect(2) and send(2) may block; 0 is for ever. */
static int
set_send_timeout(int fd, int ms)
{
	struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int
connect_restart(const struct locator *loc, int fd, unsigned ms)
{
	int64_t deadline;
	int left;

	deadline = deadline_in(ms);
	for (;;) {
		left = time_left(deadline);
		if (left == -1 || set_send_timeout(fd, left) == -1)
			return -1;
		if (connect(fd, (const struct sockaddr *)&loc->addr,
		    loc->addrlen) == 0)
			return 0;
		if (errno == EINPROGRESS || errno == EAGAIN)
			errno = ETIMEDOUT;	/* the send timeout's way */
		if (errno != EINTR)
			return -1;
		/* A local connect that was interrupted has not begun. */
		if (loc->kind != LOCATOR_UNIX)
			return finish_connect(fd, deadline);
	}
}

int
locator_socket(const struct locator *loc)
{

	if (loc->kind == LOCATOR_FD)
		return inherited_fd(loc->fd);
	return open_socket(loc, 0);
}

int
locator_connect_socket(const struct locator *loc, int fd, unsigned ms)
{

	if (loc->kind == LOCATOR_FD)
		return 0;
	if (connect_restart(loc, fd, ms) == -1 ||
	    set_send_timeout(fd, 0) == -1)
		return -1;
	return set_tcp_options(loc, fd);
}

int
locator_connect(const struct locator *loc)
{
	int fd;

	fd = locator_socket(loc);
	if (fd != -1 && locator_connect_socket(loc, fd,
	    LOCATOR_CONNECT_TIMEOUT * 1000) == -1) {
		close_keep_errno(fd);
		return -1;
	}
	return fd;
}

/*
 * Keeps others from looking at the directory's sockets for as long as the
 * descriptor is open: between bind(2) and listen(2) a socket looks dead.  Who
 * holds the lock for long is none of ours, and the directory may not be ours
 * to read: then it goes without.
 */
static int
lock_directory(const struct locator *loc)
{
	char dir[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd, ms;

	snprintf(dir, sizeof(dir), "%s", locator_path(loc));
	*(strrchr(dir, '/') + 1) = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	fd = wire_fd_above_stdio(fd);
	for (ms = 0; ms < LOCATOR_LOCK_MS; ms += 10) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		poll(NULL, 0, 10);
	}
	return fd;
}

/*
 * 0 when the path is a socket that nobody listens on, or nothing any more,
 * else the errno for what is there.  A listener with a full backlog answers
 * EAGAIN here, so it counts as alive.
 */
static int
unix_in_use(const struct locator *loc)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(locator_path(loc), &st) == -1)
		return errno == ENOENT ? 0 : EADDRINUSE;
	if (!S_ISSOCK(st.st_mode))
		return ENOTSOCK;
	fd = open_socket(loc, SOCK_NONBLOCK);
	if (fd == -1)
		return EADDRINUSE;
	stale = connect(fd, (const struct sockaddr *)&loc->addr,
	    loc->addrlen) == -1 && (errno == ECONNREFUSED || errno == ENOENT);
	host_close(fd);
	return stale ? 0 : EADDRINUSE;
}

/* What the umask took away of the mode is undone, and the socket's file is
 * remembered.  Whoever owns the directory may have put another in its place: the
 * mode of no other file is changed, a link is not followed. */
static int
settle_file(struct locator *loc, unsigned mode)
{
	char proc[sizeof("/proc/self/fd/") + 3 * sizeof(int)];
	struct stat st;
	int fd, rc;

	fd = open(locator_path(loc), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fstat(fd, &st);
	if (rc == 0 && !S_ISSOCK(st.st_mode)) {
		errno = ENOTSOCK;
		rc = -1;
	}
	if (rc == 0) {
		loc->dev = st.st_dev;
		loc->ino = st.st_ino;
	}
	if (rc == 0 && (st.st_mode & 07777) != mode) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
		errno = EPERM;
		rc = st.st_uid == geteuid() ? chmod(proc, (mode_t)mode) : -1;
		if (rc == -1)
			locator_unlink(loc);
	}
	close_keep_errno(fd);
	return rc;
}

/* The mode is set before the name appears, so it is never wider. */
static int
bind_unix(struct locator *loc, int fd, unsigned mode)
{
	const struct sockaddr *sa = (const struct sockaddr *)&loc->addr;
	int error;

	if (fchmod(fd, (mode_t)mode) == -1)
		return -1;
	if (bind(fd, sa, loc->addrlen) == -1) {
		if (errno != EADDRINUSE)
			return -1;
		error = unix_in_use(loc);
		if (error != 0) {
			errno = error;
			return -1;
		}
		if (unlink(locator_path(loc)) == -1 && errno != ENOENT)
			return -1;
		if (bind(fd, sa, loc->addrlen) == -1)
			return -1;
	}
	return settle_file(loc, mode);
}

static int
bind_tcp(struct locator *loc, int fd)
{
	socklen_t len;
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return -1;
	if (loc->kind == LOCATOR_TCP6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == -1)
		return -1;
	if (set_tcp_options(loc, fd) == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&loc->addr, loc->addrlen) == -1)
		return -1;
	len = sizeof(loc->addr);
	if (getsockname(fd, (struct sockaddr *)&loc->addr, &len) == -1)
		return -1;
	set_text(loc);
	return 0;
}

static int
bind_and_listen(struct locator *loc, int fd, int backlog, unsigned mode)
{
	int rc;

	if (loc->kind == LOCATOR_UNIX)
		rc = bind_unix(loc, fd, mode);
	else
		rc = bind_tcp(loc, fd);
	if (rc == -1 || listen(fd, backlog) == 0)
		return rc;
	locator_unlink(loc);
	return -1;
}

int
locator_listen(struct locator *loc, int backlog, unsigned mode)
{
	int fd, lock, rc;

	if (loc->kind == LOCATOR_FD) {
		errno = EOPNOTSUPP;
		return -1;
	}
	fd = open_socket(loc, SOCK_NONBLOCK);
	if (fd == -1)
		return -1;
	lock = loc->kind == LOCATOR_UNIX ? lock_directory(loc) : -1;
	rc = bind_and_listen(loc, fd, backlog, mode);
	if (lock != -1)
		close_keep_errno(lock);
	if (rc == 0)
		return fd;
	close_keep_errno(fd);
	return -1;
}

const char *
locator_listen_error(int error)
{

	if (error == EADDRINUSE)
		return "Address already in use; another server is there";
	if (error == ENOTSOCK)
		return "there is a file of that name that is not a socket";
	return strerror(error);
}

void
locator_unlink(const struct locator *loc)
{
	int error = errno;
	struct stat st;

	if (loc->kind == LOCATOR_UNIX && lstat(locator_path(loc), &st) == 0 &&
	    st.st_dev == loc->dev && st.st_ino == loc->ino)
		unlink(locator_path(loc));
	errno = error;
}
