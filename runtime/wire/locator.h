/*
 * Locators: where a server is.
 *
 *	unix://PATH		local stream socket, PATH relative or absolute
 *	tcp://HOST:PORT[/]	IPv4 address, host name, or (server) `*' or `0'
 *	tcp6://[ADDR]:PORT[/]	IPv6 address (server: `*' as well)
 *	fd://N			an already connected stream socket
 *
 * A relative unix path is resolved against the working directory once, at
 * parse time, so a later chdir(2) does not matter; `text` then holds the
 * resolved locator, which is what exec hands on in RUMP__PARSEDSERVER.
 */
#ifndef RUMPGEN_WIRE_LOCATOR_H
#define RUMPGEN_WIRE_LOCATOR_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <stdbool.h>

enum locator_kind { LOCATOR_UNIX, LOCATOR_TCP, LOCATOR_TCP6, LOCATOR_FD };

#define LOCATOR_MAX	512	/* longest resolved locator, NUL included */

struct locator {
	enum locator_kind kind;
	char text[LOCATOR_MAX];			/* resolved locator */
	struct sockaddr_storage addr;		/* not for fd:// */
	socklen_t addrlen;
	int fd;					/* fd:// only, else -1 */
	dev_t dev;				/* of the socket file that */
	ino_t ino;				/* locator_listen() made */
};

enum locator_role { LOCATOR_CLIENT, LOCATOR_SERVER };

/*
 * Parses `s`.  Returns 0 or a host errno, with a message in why[] that names
 * the offending part ("tcp://127.0.0.1:99999: port '99999' is not in
 * 0..65535").  A host name is looked up here (getaddrinfo(3)), so the call
 * may block for tcp:// with a name and for nothing else.
 */
#define LOCATOR_WHY	(LOCATOR_MAX + 128)
int locator_parse(struct locator *loc, const char *s, enum locator_role role,
    char why[LOCATOR_WHY]);

/*
 * Connects a blocking, close-on-exec stream socket, TCP_NODELAY set on TCP,
 * never with descriptor number 0, 1 or 2.  For fd:// duplicates nothing and
 * returns the descriptor itself after checking that it is a stream socket
 * (EPROTOTYPE when it is another kind).
 * Restarts after EINTR; gives up with ETIMEDOUT after
 * LOCATOR_CONNECT_TIMEOUT seconds.  Returns the descriptor, or -1 with errno
 * set.
 */
#define LOCATOR_CONNECT_TIMEOUT	10
int locator_connect(const struct locator *loc);

/* Its two halves, for those who must know the descriptor before it is
 * connected.  The first does not block; the second, which may take `ms`
 * milliseconds (not 0), returns 0, or -1 with errno set, and leaves fd open. */
int locator_socket(const struct locator *loc);
int locator_connect_socket(const struct locator *loc, int fd, unsigned ms);

/*
 * A TCP peer whose host has gone without a word is noticed, on either side,
 * when it has been silent for so many seconds and then left so many probes
 * unanswered that are so many seconds apart: two minutes in all.
 */
#define LOCATOR_KEEP_IDLE	60
#define LOCATOR_KEEP_COUNT	4
#define LOCATOR_KEEP_INTERVAL	15

/*
 * Binds and listens.  For unix:// a stale socket file (nobody accepts on it)
 * is removed first; a live one gives EADDRINUSE, any other file ENOTSOCK.
 * Of servers that start at once one gets the place: they lock the directory,
 * if they may read it, and wait for LOCATOR_LOCK_MS at most.  `mode` is the
 * socket file's permission bits.  After binding TCP port 0, loc->text and loc->addr carry
 * the real port.  tcp6:// listens for IPv6 only.  Non-blocking,
 * close-on-exec.  Returns the descriptor, or -1 with errno set (EOPNOTSUPP
 * for fd://, which names a connection).
 */
#define LOCATOR_LOCK_MS	1000
int locator_listen(struct locator *loc, int backlog, unsigned mode);
/* What its errno means. */
const char *locator_listen_error(int error);

/* Whether it is tcp:// or tcp6://; the path of a unix:// one. */
bool locator_is_tcp(const struct locator *loc);
const char *locator_path(const struct locator *loc);

/* Removes the unix:// socket file that locator_listen() made, if it is still
 * the one that is there; nothing for other kinds. */
void locator_unlink(const struct locator *loc);

/*
 * Moves fd to a number above 2 with close-on-exec set, closing the original.
 * Returns the new number, or -1 with errno set and fd closed.
 */
int wire_fd_above_stdio(int fd);

#endif
