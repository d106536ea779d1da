#include "bench/bare.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "bench/options.h"
#include "wire/frame.h"

/* What `u` of a request asks the peer to do; NetBSD's numbers where there is
 * one.  `reqno`, which nobody needs here, carries the length of the data. */
enum bare_op {
	OP_OPEN = 5, OP_CLOSE = 6, OP_GETPID = 20, OP_PREAD = 173,
	OP_PWRITE = 174, OP_STAT = 439,
	OP_PUSH = 10000,	/* data, then one answer */
};

#define ARGS(n)		(FRAME_HDRLEN + 8 * (n))	/* request of n slots */
#define ANSWER		(FRAME_HDRLEN + sizeof(struct frame_sysresp))
#define COPYHEAD	(FRAME_HDRLEN + sizeof(struct frame_copy))
#define COMM		"bench"

static const char banner[] = "RUMPSP-0.4-NetBSD-7.99.34/amd64\n";

/* Whatever one side sends or has received. */
union bare_buf {
	struct frame_hdr hdr;
	char bytes[COPYHEAD + BARE_BLOCK + ANSWER];
};

/* --- the peer --- */

struct server {
	int fd;			/* the socket */
	int file;		/* for pread and pwrite */
	int opened;		/* by open, until close */
	union bare_buf b;
};

static void
answer(struct server *s)
{

	s->b.hdr.len = ANSWER;
	send_all(s->fd, &s->b, ANSWER);
}

/* A copyin or copyinstr: the client's data, at b.bytes + FRAME_HDRLEN. */
static void
copyin(struct server *s, size_t len)
{

	s->b.hdr.len = COPYHEAD;
	send_all(s->fd, &s->b, COPYHEAD);
	recv_all(s->fd, &s->b, FRAME_HDRLEN + len);
}

static void
serve_pwrite(struct server *s)
{
	size_t len = s->b.hdr.reqno;

	copyin(s, len);
	if (pwrite(s->file, s->b.bytes + FRAME_HDRLEN, len, 0) != (ssize_t)len)
		bench_die("pwrite");
	answer(s);
}

/* The copyout and the answer leave in one piece. */
static void
serve_pread(struct server *s)
{
	size_t len = s->b.hdr.reqno;

	if (pread(s->file, s->b.bytes + COPYHEAD, len, 0) != (ssize_t)len)
		bench_die("pread");
	send_all(s->fd, &s->b, COPYHEAD + len + ANSWER);
}

static void
serve_open(struct server *s)
{

	copyin(s, s->b.hdr.reqno);
	s->opened = open(s->b.bytes + FRAME_HDRLEN, O_RDONLY | O_CLOEXEC);
	if (s->opened == -1)
		bench_die("%s", s->b.bytes + FRAME_HDRLEN);
	answer(s);
}

static void
serve_stat(struct server *s)
{
	struct stat st;

	copyin(s, s->b.hdr.reqno);
	if (stat(s->b.bytes + FRAME_HDRLEN, &st) == -1)
		bench_die("%s", s->b.bytes + FRAME_HDRLEN);
	memcpy(s->b.bytes + COPYHEAD, &st,
	    sizeof(st) < BARE_STAT ? sizeof(st) : BARE_STAT);
	send_all(s->fd, &s->b, COPYHEAD + BARE_STAT + ANSWER);
}

/* `got` bytes of the data came together with the request. */
static void
serve_push(struct server *s, size_t got)
{
	size_t left = s->b.hdr.reqno - got;

	while (left > 0)
		left -= recv_some(s->fd, s->b.bytes,
		    left < BARE_BLOCK ? left : BARE_BLOCK);
	answer(s);
}

void
bare_serve(int fd, void *arg)
{
	static struct server s;	/* too big for a stack, one a process */
	size_t n;

	s.fd = fd;
	s.file = open(arg, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (s.file == -1)
		bench_die("%s", (char *)arg);
	while ((n = recv_some(fd, &s.b, ARGS(5))) >= FRAME_HDRLEN) {
		switch (s.b.hdr.u) {
		case OP_PWRITE:
			serve_pwrite(&s);
			break;
		case OP_PREAD:
			serve_pread(&s);
			break;
		case OP_OPEN:
			serve_open(&s);
			break;
		case OP_CLOSE:
			close(s.opened);
			answer(&s);
			break;
		case OP_STAT:
			serve_stat(&s);
			break;
		case OP_PUSH:
			serve_push(&s, n - FRAME_HDRLEN);
			break;
		default:
			answer(&s);
			break;
		}
	}
}

void
bare_serve_null(int fd, void *arg)
{
	union {
		struct frame_hdr hdr;
		char bytes[ANSWER];
	} b;

	(void)arg;
	while (recv_some(fd, &b, ANSWER) >= FRAME_HDRLEN)
		send_all(fd, &b, ANSWER);
}

/* --- the client --- */

static union bare_buf client_buf;	/* the main thread's */

static void
request(const struct bare *c, enum bare_op op, unsigned args, size_t datalen)
{

	client_buf.hdr = frame_hdr(FRAME_REQ, FRAME_SYSCALL, datalen, op,
	    8 * args);
	send_all(c->fd, &client_buf, ARGS(args));
}

/* Serves the copyin or copyinstr that comes next, with len bytes of what is
 * in the buffer already. */
static void
serve_copyin(const struct bare *c, size_t len)
{

	recv_all(c->fd, &client_buf, COPYHEAD);
	send_all(c->fd, &client_buf, FRAME_HDRLEN + len);
}

uint64_t
bare_getpid(void *arg, unsigned n)
{
	const struct bare *c = arg;
	union {
		struct frame_hdr hdr;
		char bytes[ANSWER];
	} b;			/* several threads come here */
	uint64_t start = now_ns();

	while (n-- > 0) {
		b.hdr = frame_hdr(FRAME_REQ, FRAME_SYSCALL, 0, OP_GETPID, 0);
		send_all(c->fd, &b, ARGS(0));
		recv_all(c->fd, &b, ANSWER);
	}
	return now_ns() - start;
}

uint64_t
bare_pwrite(void *arg, unsigned n)
{
	const struct bare *c = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		request(c, OP_PWRITE, 5, c->len);
		serve_copyin(c, c->len);
		recv_all(c->fd, &client_buf, ANSWER);
	}
	return now_ns() - start;
}

uint64_t
bare_pread(void *arg, unsigned n)
{
	const struct bare *c = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		request(c, OP_PREAD, 5, c->len);
		recv_all(c->fd, &client_buf, COPYHEAD + c->len + ANSWER);
	}
	return now_ns() - start;
}

/* Serves the copyinstr of c->path. */
static void
serve_copyinstr(const struct bare *c)
{
	size_t len = strlen(c->path) + 1;

	recv_all(c->fd, &client_buf, COPYHEAD);
	memcpy(client_buf.bytes + FRAME_HDRLEN, c->path, len);
	send_all(c->fd, &client_buf, FRAME_HDRLEN + len);
}

uint64_t
bare_open_close(void *arg, unsigned n)
{
	const struct bare *c = arg;
	size_t len = strlen(c->path) + 1;
	uint64_t start = now_ns();

	while (n-- > 0) {
		request(c, OP_OPEN, 3, len);
		serve_copyinstr(c);
		recv_all(c->fd, &client_buf, ANSWER);
		request(c, OP_CLOSE, 1, 0);
		recv_all(c->fd, &client_buf, ANSWER);
	}
	return now_ns() - start;
}

uint64_t
bare_stat(void *arg, unsigned n)
{
	const struct bare *c = arg;
	size_t len = strlen(c->path) + 1;
	uint64_t start = now_ns();

	while (n-- > 0) {
		request(c, OP_STAT, 2, len);
		serve_copyinstr(c);
		recv_all(c->fd, &client_buf, COPYHEAD + BARE_STAT + ANSWER);
	}
	return now_ns() - start;
}

uint64_t
bare_push(void *arg, unsigned n)
{
	const struct bare *c = arg;
	uint64_t start = now_ns();

	request(c, OP_PUSH, 0, n * c->len);
	while (n-- > 0)
		send_all(c->fd, client_buf.bytes, c->len);
	recv_all(c->fd, &client_buf, ANSWER);
	return now_ns() - start;
}

/* --- connections --- */

/* Frames of handshakes and preforks; the longest is a fork's, 44 bytes. */
union small {
	struct frame_hdr hdr;
	char bytes[64];
};

static void
send_small(int fd, enum frame_class class, enum frame_type type, uint32_t u,
    const void *body, size_t len)
{
	union small b = { .hdr = frame_hdr(class, type, 0, u, len) };

	if (body != NULL)
		memcpy(b.bytes + FRAME_HDRLEN, body, len);
	send_all(fd, &b, FRAME_HDRLEN + len);
}

void
bare_accept(int lfd, void *arg)
{
	const int32_t error = 0;
	union small b;
	int fd;

	(void)arg;
	for (;;) {
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			bench_die("accept");
		send_all(fd, banner, sizeof(banner) - 1);
		while (recv_some(fd, &b, sizeof(b)) > 0)
			send_small(fd, FRAME_RESP, FRAME_HANDSHAKE, 0, &error,
			    sizeof(error));
		close(fd);
	}
}

/* Reads the banner, at least in the one piece that everybody sends it in. */
static void
recv_banner(int fd)
{
	char line[96];
	size_t n;

	n = recv_some(fd, line, sizeof(line));
	if (n == 0 || line[n - 1] != '\n') {
		errno = EPROTO;
		bench_die("no banner");
	}
}

static void
recv_handshake_answer(int fd)
{
	union small b;

	recv_all(fd, &b, FRAME_HDRLEN + sizeof(int32_t));
	if (b.hdr.class != FRAME_RESP) {
		errno = EPROTO;
		bench_die("the handshake was refused");
	}
}

int
bare_connect(const char *path)
{
	int fd = connect_local(path);

	recv_banner(fd);
	return fd;
}

int
bare_guest(const char *path)
{
	int fd = bare_connect(path);

	send_small(fd, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_GUEST, COMM,
	    sizeof(COMM));
	recv_handshake_answer(fd);
	return fd;
}

int
bare_fork(const char *path)
{
	int fd = bare_connect(path);

	send_small(fd, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_FORK, NULL,
	    sizeof(struct frame_fork));
	recv_handshake_answer(fd);
	return fd;
}

void
bare_exec(int fd)
{

	send_small(fd, FRAME_REQ, FRAME_HANDSHAKE, HANDSHAKE_EXEC, COMM,
	    sizeof(COMM));
	recv_handshake_answer(fd);
}

void
bare_prefork(int fd)
{
	union small b;

	/* Answered by bare_serve, so by 48 bytes instead of 40. */
	send_small(fd, FRAME_REQ, FRAME_PREFORK, 0, NULL, 0);
	recv_all(fd, &b, ANSWER);
}
