/*
 * A client of raw bytes.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/suite.h"
#include "testkern.h"

/* Nothing here waits longer than this for the server. */
static void
set_timeout(int fd)
{
	struct timeval tv = { .tv_sec = patience_ms() / 1000 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int
connect_bed(struct bed *bed)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", bed->path);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	set_timeout(fd);
	return fd;
}

void
cl_raw(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

static void
recv_all(int fd, void *data, size_t len)
{
	char *p = data;
	ssize_t n;

	while (len > 0) {
		n = recv(fd, p, len, 0);
		ck_assert_msg(n > 0, "recv: %s", n == 0 ? "end of connection" :
		    strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

void
cl_banner(int fd)
{
	char line[96];
	size_t n;

	for (n = 0; n < sizeof(line) - 1; n++) {
		recv_all(fd, line + n, 1);
		if (line[n] == '\n')
			break;
	}
	line[n + 1] = '\0';
	ck_assert_str_eq(line, "RUMPSP-0.4-Test-1.0/amd64\n");
}

int
cl_connect(struct bed *bed)
{
	int fd;

	fd = connect_bed(bed);
	cl_banner(fd);
	return fd;
}

int
cl_pair(struct bed *bed)
{
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	set_timeout(sv[0]);
	ck_assert_int_eq(rumpserver_serve_fd(bed->srv, sv[1]), 0);
	cl_banner(sv[0]);
	return sv[0];
}

void
cl_send(int fd, unsigned class, unsigned type, uint64_t reqno, uint32_t u,
    const void *body, size_t len)
{
	uint8_t *buf;
	uint64_t total = 24 + len;
	uint16_t c = (uint16_t)class, t = (uint16_t)type;

	buf = malloc(total);
	memcpy(buf, &total, 8);
	memcpy(buf + 8, &reqno, 8);
	memcpy(buf + 16, &c, 2);
	memcpy(buf + 18, &t, 2);
	memcpy(buf + 20, &u, 4);
	if (len > 0)
		memcpy(buf + 24, body, len);
	cl_raw(fd, buf, total);
	free(buf);
}

static _Thread_local uint8_t *body;

void
cl_done(void)
{

	free(body);
	body = NULL;
}

struct frame
cl_recv(int fd)
{
	uint8_t hdr[24];
	struct frame f;

	recv_all(fd, hdr, sizeof(hdr));
	memcpy(&f.len, hdr, 8);
	memcpy(&f.reqno, hdr + 8, 8);
	memcpy(&f.class, hdr + 16, 2);
	memcpy(&f.type, hdr + 18, 2);
	memcpy(&f.u, hdr + 20, 4);
	ck_assert_uint_ge(f.len, 24);
	ck_assert_uint_le(f.len, 64 << 20);
	f.bodylen = f.len - 24;
	free(body);
	body = malloc(f.bodylen + 1);
	f.body = body;
	recv_all(fd, f.body, f.bodylen);
	return f;
}

int
cl_guest(struct bed *bed)
{
	const uint8_t zero[4] = { 0 };
	struct frame f;
	int fd;

	fd = cl_connect(bed);
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "test", 5);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.reqno, 1);
	ck_assert_uint_eq(f.class, RESP);
	ck_assert_uint_eq(f.type, HANDSHAKE);
	ck_assert_uint_eq(f.u, 0);
	ck_assert_uint_eq(f.bodylen, 4);
	ck_assert_mem_eq(f.body, zero, 4);
	return fd;
}

void
cl_call(int fd, uint64_t reqno, int num, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t args[3] = { a, b, c };

	cl_send(fd, REQ, SYSCALL, reqno, (uint32_t)num, args, sizeof(args));
}

static int
check_answer(const struct frame *f, uint64_t reqno, int64_t retval[2])
{
	int32_t error, pad;

	ck_assert_uint_eq(f->reqno, reqno);
	ck_assert_uint_eq(f->class, RESP);
	ck_assert_uint_eq(f->type, SYSCALL);
	ck_assert_uint_eq(f->u, 0);
	ck_assert_uint_eq(f->bodylen, 24);
	memcpy(&error, f->body, 4);
	memcpy(&pad, f->body + 4, 4);
	ck_assert_int_eq(pad, 0);
	if (retval != NULL)
		memcpy(retval, f->body + 8, 16);
	return error;
}

int
cl_answer(int fd, uint64_t reqno, int64_t retval[2])
{
	struct frame f;

	f = cl_recv(fd);
	return check_answer(&f, reqno, retval);
}

int
cl_syscall(int fd, int num, uint64_t a, uint64_t b, uint64_t c,
    int64_t retval[2])
{
	static atomic_ullong reqno = 1000000;
	uint64_t n = atomic_fetch_add(&reqno, 1);

	cl_call(fd, n, num, a, b, c);
	return cl_answer(fd, n, retval);
}

int
cl_with_path(int fd, int num, const char *path, uint64_t b, uint64_t c,
    int64_t retval[2])
{
	uint64_t len, addr;
	struct frame f;

	cl_call(fd, 70, num, 0x1000, b, c);
	f = cl_copyreq(fd, COPYINSTR, &len, &addr);
	ck_assert_uint_eq(addr, 0x1000);
	cl_send(fd, RESP, COPYINSTR, f.reqno, 0, path, strlen(path) + 1);
	return cl_answer(fd, 70, retval);
}

uint32_t
cl_error(int fd, uint64_t reqno)
{
	struct frame f;

	f = cl_recv(fd);
	ck_assert_uint_eq(f.reqno, reqno);
	ck_assert_uint_eq(f.class, ERROR);
	ck_assert_uint_eq(f.type, 0);
	ck_assert_uint_eq(f.bodylen, 0);
	return f.u;
}

struct frame
cl_copyreq(int fd, unsigned type, uint64_t *len, uint64_t *addr)
{
	struct frame f;

	f = cl_recv(fd);
	ck_assert_uint_eq(f.class, REQ);
	ck_assert_uint_eq(f.type, type);
	ck_assert_uint_eq(f.u, 0);
	ck_assert_uint_ge(f.bodylen, 16);
	memcpy(len, f.body, 8);
	memcpy(addr, f.body + 8, 8);
	if (type == COPYIN || type == COPYINSTR)
		ck_assert_uint_eq(f.bodylen, 16);
	else
		ck_assert_uint_eq(f.bodylen, 16 + *len);
	return f;
}

int
cl_tcp(struct bed *bed)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	char where[64];
	unsigned port;
	int fd;

	ck_assert_int_eq(rumpserver_listen(bed->srv, "tcp://127.0.0.1:0/",
	    where, sizeof(where)), 0);
	ck_assert_int_eq(sscanf(where, "tcp://127.0.0.1:%u/", &port), 1);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin.sin_port = htons((uint16_t)port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	set_timeout(fd);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

uint32_t
cl_refusal(int fd)
{
	struct frame f;
	char c;

	do
		recv_all(fd, &c, 1);
	while (c != '\n');
	cl_send(fd, REQ, HANDSHAKE, 1, GUEST, "late", 5);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.reqno, 1);
	if (f.class == RESP)
		return 0;
	ck_assert_uint_eq(f.class, ERROR);
	cl_eof(fd);
	return f.u;
}

void
cl_eof(int fd)
{
	char c;
	ssize_t n;

	n = recv(fd, &c, 1, 0);
	ck_assert_msg(n == 0 || (n == -1 && errno == ECONNRESET),
	    "no end of connection: %s", n > 0 ? "more bytes" : strerror(errno));
}

void
cl_prefork(int fd, uint64_t reqno, uint32_t cookie[4])
{
	struct frame f;

	cl_send(fd, REQ, PREFORK, reqno, 0, NULL, 0);
	f = cl_recv(fd);
	ck_assert_uint_eq(f.reqno, reqno);
	ck_assert_uint_eq(f.class, RESP);
	ck_assert_uint_eq(f.type, PREFORK);
	ck_assert_uint_eq(f.bodylen, 16);
	memcpy(cookie, f.body, 16);
}

void
cl_fork(int fd, uint64_t reqno, const uint32_t cookie[4], int32_t cancel)
{
	uint8_t body[20];

	memcpy(body, cookie, 16);
	memcpy(body + 16, &cancel, 4);
	cl_send(fd, REQ, HANDSHAKE, reqno, FORK, body, sizeof(body));
}
