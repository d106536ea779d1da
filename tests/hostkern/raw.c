#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "lib/tree.h"
#include "raw.h"
#include "rump_server/sandbox.h"
#include "rump_server/user.h"
#include "ways.h"
#include "wire/frame.h"

enum { PREFORKS_AHEAD = 32, A_LITTLE_MS = 30 };

/* --- the server --- */

static void
log_line(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	if (level <= RUMPSERVER_LOG_WARN)
		fprintf(stderr, "server: %s\n", line);
}

struct raw_server S;
struct raw_guest *G;
struct rumpserver_config raw_config;
bool raw_shut_in = true;

/* As rump_server is, but this thread alone and those that it makes. */
static bool
shut_in(const struct raw_server *s)
{

	return !raw_shut_in || (user_no_new_privs() &&
	    sandbox_files(s->root, NULL, 0) && sandbox_calls());
}

static void *
start_server(void *arg)
{
	struct raw_server *s = arg;

	return shut_in(s) && rumpserver_start(s->srv) == 0 ? s : NULL;
}

static void *
run_loop(void *arg)
{
	struct raw_server *s = arg;
	struct pollfd pfd[2] = {
		{ .fd = rumpserver_pollfd(s->srv), .events = POLLIN },
		{ .fd = s->quit[0], .events = POLLIN },
	};

	uid_t uid = (uid_t)syscall(SYS_geteuid);
	int ms;

	if (!shut_in(s))
		abort();
	do {
		ms = rumpserver_step(s->srv);
		/* The thread is ours again. */
		if ((uid_t)syscall(SYS_geteuid) != uid)
			abort();
		poll(pfd, 2, ms);
	} while (pfd[1].revents == 0);
	return NULL;
}

static void
run_server(struct raw_server *s)
{
	pthread_t starter;
	void *started;

	if (!in_event_loop) {
		ck_assert_int_eq(pthread_create(&starter, NULL, start_server,
		    s), 0);
		ck_assert_int_eq(pthread_join(starter, &started), 0);
		ck_assert_ptr_nonnull(started);
		return;
	}
	ck_assert_int_eq(pipe2(s->quit, O_CLOEXEC), 0);
	ck_assert_int_eq(pthread_create(&s->loop, NULL, run_loop, s), 0);
}

static void
end_loop(struct raw_server *s)
{

	close(s->quit[1]);
	pthread_join(s->loop, NULL);
	close(s->quit[0]);
}

void
raw_start(struct raw_server *s, const struct hostkern_config *conf)
{
	struct hostkern_config c = { .console_fd = -1 };
	struct rumpserver_config sc = raw_config;
	char why[256] = "";

	sc.kernel = &hostkern_kernel;
	sc.log = log_line;
	sc.allow_anyone = true;

	if (conf != NULL)
		c = *conf;
	snprintf(s->dir, sizeof(s->dir), "/tmp/rumpgen-raw-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->dir));
	ck_assert_int_eq(chmod(s->dir, 0755), 0);
	snprintf(s->root, sizeof(s->root), "%s/root", s->dir);
	ck_assert_int_eq(mkdir(s->root, 0755), 0);
	ck_assert_int_eq(chmod(s->root, 0777), 0);
	c.root = s->root;
	s->hk = hostkern_create(&c, why, sizeof(why));
	ck_assert_msg(s->hk != NULL, "hostkern_create: %s", why);
	sc.kern = s->hk;
	s->srv = rumpserver_create(&sc);
	ck_assert_ptr_nonnull(s->srv);
	run_server(s);
}

void
raw_stop(struct raw_server *s)
{

	if (in_event_loop)
		end_loop(s);
	rumpserver_stop(s->srv, 0);
	rumpserver_destroy(s->srv);
	hostkern_destroy(s->hk);
	ck_assert_int_eq(tree_remove(s->dir), 0);
}

const char *
raw_host(const struct raw_server *s, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", s->root, name);
	return path;
}

int
raw_descriptors(const char *name)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	char link[256];
	int n = 0;
	ssize_t len;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)) != NULL) {
		len = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);
		link[len < 0 ? 0 : len] = '\0';
		n += strncmp(link, name, strlen(name)) == 0;
	}
	closedir(d);
	return n;
}

void
raw_put(const struct raw_server *s, const char *name, const char *data)
{
	FILE *fp = fopen(raw_host(s, name), "w");

	ck_assert_msg(fp != NULL, "%s: %s", name, strerror(errno));
	ck_assert_int_ge(fputs(data, fp), 0);
	ck_assert_int_eq(fclose(fp), 0);
}

const char *
raw_get(const struct raw_server *s, const char *name)
{
	static char data[4096];
	FILE *fp = fopen(raw_host(s, name), "r");
	size_t n;

	ck_assert_msg(fp != NULL, "%s: %s", name, strerror(errno));
	n = fread(data, 1, sizeof(data) - 1, fp);
	data[n] = '\0';
	fclose(fp);
	return data;
}

/* --- the wire --- */

static void
send_all(int fd, const void *data, size_t len)
{
	const char *p = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		ck_assert_msg(n > 0, "send: %s", strerror(errno));
		p += n;
		len -= (size_t)n;
	}
}

static void
receive_all(int fd, void *data, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char *p = data;
	ssize_t n;

	while (len > 0) {
		ck_assert_msg(poll(&pfd, 1, patience_ms()) == 1,
		    "the server says nothing");
		n = recv(fd, p, len, 0);
		if (n == -1 && errno == EINTR)
			continue;
		ck_assert_msg(n > 0, "the server hung up");
		p += n;
		len -= (size_t)n;
	}
}

/* raw_gather() */
static struct {
	bool on;
	int fd;
	char bytes[64 * 1024];
	size_t used;
} gathered;

static void
send_or_gather(int fd, const void *data, size_t len)
{

	if (!gathered.on) {
		send_all(fd, data, len);
		return;
	}
	ck_assert_uint_le(gathered.used + len, sizeof(gathered.bytes));
	memcpy(gathered.bytes + gathered.used, data, len);
	gathered.used += len;
	gathered.fd = fd;
}

void
raw_gather(bool on)
{

	gathered.on = on;
	if (!on)
		send_all(gathered.fd, gathered.bytes, gathered.used);
	gathered.used = 0;
}

static void
send_frame(int fd, enum frame_class class, enum frame_type type,
    uint64_t reqno, uint32_t u, const void *body, size_t len)
{
	struct frame_hdr h = frame_hdr(class, type, reqno, u, len);

	send_or_gather(fd, &h, sizeof(h));
	if (len > 0)
		send_or_gather(fd, body, len);
}

static void
answer_copyin(struct raw_guest *g, const struct frame_hdr *h)
{
	struct frame_copy c;
	const char *from;
	size_t len;

	receive_all(g->fd, &c, sizeof(c));
	from = (const char *)(uintptr_t)c.addr;
	len = h->type == FRAME_COPYINSTR ? strnlen(from, c.len) + 1 : c.len;
	if (len > c.len)
		len = c.len;
	send_frame(g->fd, FRAME_RESP, h->type, h->reqno, 0, from, len);
}

static void
take_copyout(struct raw_guest *g)
{
	struct frame_copy c;

	receive_all(g->fd, &c, sizeof(c));
	receive_all(g->fd, (char *)(uintptr_t)c.addr, c.len);
}

/* Serves what the server asks; true when a response is there, its body
 * unread. */
static bool
serve_one(struct raw_guest *g, struct frame_hdr *h)
{

	receive_all(g->fd, h, sizeof(*h));
	ck_assert_msg(h->class != FRAME_ERROR, "error %u from the server",
	    h->u);
	if (h->class == FRAME_RESP)
		return true;
	switch (h->type) {
	case FRAME_COPYIN:
	case FRAME_COPYINSTR:
		answer_copyin(g, h);
		break;
	case FRAME_COPYOUT:
	case FRAME_COPYOUTSTR:
		take_copyout(g);
		break;
	case FRAME_RAISE:
		ck_assert_uint_lt(h->u, 64);
		g->raised |= UINT64_C(1) << h->u;
		break;
	default:
		ck_abort_msg("request of type %u", h->type);
	}
	return false;
}

/* --- guests --- */

static struct raw_guest *
connect_guest(struct raw_server *s)
{
	struct raw_guest *g = calloc(1, sizeof(*g));
	char c = 0;
	int sv[2];

	ck_assert_ptr_nonnull(g);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    sv), 0);
	g->fd = sv[0];
	g->server = s;
	ck_assert_int_eq(rumpserver_serve_fd(s->srv, sv[1]), 0);
	while (c != '\n')
		receive_all(g->fd, &c, 1);
	return g;
}

static void
handshake(struct raw_guest *g, uint32_t kind, const void *body, size_t len)
{
	struct frame_hdr h;
	int32_t error;

	send_frame(g->fd, FRAME_REQ, FRAME_HANDSHAKE, ++g->reqno, kind, body,
	    len);
	while (!serve_one(g, &h))
		continue;
	receive_all(g->fd, &error, sizeof(error));
	ck_assert_int_eq(error, 0);
}

struct raw_guest *
raw_guest(struct raw_server *s, const char *comm)
{
	struct raw_guest *g = connect_guest(s);

	handshake(g, HANDSHAKE_GUEST, comm, strlen(comm) + 1);
	return g;
}

static void
ask_prefork(struct raw_guest *g)
{

	send_frame(g->fd, FRAME_REQ, FRAME_PREFORK, ++g->reqno, 0, NULL, 0);
}

static void
take_cookie(struct raw_guest *g, uint32_t cookie[FRAME_COOKIE_WORDS])
{
	struct frame_hdr h;

	while (!serve_one(g, &h))
		continue;
	receive_all(g->fd, cookie, FRAME_COOKIE_WORDS * sizeof(cookie[0]));
}

void
raw_prefork(struct raw_guest *g, unsigned n)
{
	uint32_t cookie[FRAME_COOKIE_WORDS];
	unsigned asked = 0;

	while (n-- > 0) {
		/* One after the other, but not one at a time. */
		for (; asked < PREFORKS_AHEAD && asked <= n; asked++)
			ask_prefork(g);
		take_cookie(g, cookie);
		asked--;
	}
}

/* The peer of a pair of sockets is who made it. */
struct raw_guest *
raw_guest_as(struct raw_server *s, const char *comm, uid_t uid)
{
	struct raw_guest *g;

	/* Of this thread alone. */
	ck_assert_int_eq(syscall(SYS_setresuid, -1, uid, -1), 0);
	g = connect_guest(s);
	ck_assert_int_eq(syscall(SYS_setresuid, -1, 0, -1), 0);
	handshake(g, HANDSHAKE_GUEST, comm, strlen(comm) + 1);
	return g;
}

struct raw_guest *
raw_fork(struct raw_server *s, struct raw_guest *parent)
{
	struct frame_fork ff = { .cancel = 0 };
	struct raw_guest *g;

	ask_prefork(parent);
	take_cookie(parent, ff.cookie);
	g = connect_guest(s);
	handshake(g, HANDSHAKE_FORK, &ff, 20);
	return g;
}

void
raw_fork_refused(struct raw_guest *parent)
{
	struct frame_hdr h;

	ask_prefork(parent);
	receive_all(parent->fd, &h, sizeof(h));
	ck_assert_int_eq(h.class, FRAME_ERROR);
}

void
raw_exec(struct raw_guest *g, const char *comm)
{

	handshake(g, HANDSHAKE_EXEC, comm, strlen(comm) + 1);
}

int
raw_exec_amid(struct raw_guest *g, const char *comm)
{
	struct frame_sysresp r = { .error = -1 };
	struct frame_hdr h;
	int32_t refused = -1;
	int answers;

	send_frame(g->fd, FRAME_REQ, FRAME_HANDSHAKE, ++g->reqno,
	    HANDSHAKE_EXEC, comm, strlen(comm) + 1);
	for (answers = 0; answers < 2;) {
		if (!serve_one(g, &h))
			continue;
		answers++;
		if (h.type == FRAME_HANDSHAKE)
			receive_all(g->fd, &refused, sizeof(refused));
		else
			receive_all(g->fd, &r, sizeof(r));
	}
	ck_assert_int_eq(refused, 0);
	g->retval[0] = r.retval[0];
	g->retval[1] = r.retval[1];
	return r.error;
}

static uint64_t
clients(struct raw_server *s)
{
	struct rumpserver_stats st;

	rumpserver_getstats(s->srv, &st);
	return st.clients;
}

/*
 * The server counts a client out when its process is gone; nothing announces
 * that, so this looks again and again.
 */
void
raw_leave(struct raw_guest *g)
{
	uint64_t before = clients(g->server);
	long long began = 0;

	close(g->fd);
	while (clients(g->server) >= before)
		ck_assert(keep_waiting(&began));
	free(g);
}

void
raw_setup(void)
{

	raw_start(&S, NULL);
	G = raw_guest(&S, "/bin/tester");
}

void
raw_teardown(void)
{

	raw_leave(G);
	raw_stop(&S);
}

void
raw_begin(struct raw_guest *g, int num, int nargs, const uint64_t *args)
{

	send_frame(g->fd, FRAME_REQ, FRAME_SYSCALL, ++g->reqno, (uint32_t)num,
	    args, (size_t)nargs * sizeof(args[0]));
}

int
raw_end_any(struct raw_guest *g, uint64_t *reqno)
{
	struct frame_sysresp r;
	struct frame_hdr h;

	while (!serve_one(g, &h))
		continue;
	*reqno = h.reqno;
	ck_assert_uint_eq(h.len, FRAME_HDRLEN + sizeof(r));
	receive_all(g->fd, &r, sizeof(r));
	g->retval[0] = r.retval[0];
	g->retval[1] = r.retval[1];
	return r.error;
}

int
raw_end(struct raw_guest *g)
{
	uint64_t reqno;
	int error = raw_end_any(g, &reqno);

	ck_assert_uint_eq(reqno, g->reqno);
	return error;
}

void
raw_asleep(struct raw_guest *g, unsigned n)
{
	struct rusage before, after;
	long long began = 0;

	/* At first some may only be about to sleep. */
	for (;;) {
		ck_assert_int_eq(getrusage(RUSAGE_SELF, &before), 0);
		OK(g, poll, 0, 0, 300);
		ck_assert_int_eq(getrusage(RUSAGE_SELF, &after), 0);
		if (after.ru_nvcsw - before.ru_nvcsw < n)
			return;
		ck_assert_msg(keep_waiting(&began), "%ld wake-ups of %u calls",
		    after.ru_nvcsw - before.ru_nvcsw, n);
	}
}

bool
raw_pending(struct raw_guest *g)
{
	struct pollfd pfd = { .fd = g->fd, .events = POLLIN };
	struct frame_hdr h;

	while (poll(&pfd, 1, A_LITTLE_MS) == 1) {
		ck_assert_int_eq(recv(g->fd, &h, sizeof(h), MSG_PEEK),
		    sizeof(h));
		if (h.class == FRAME_RESP)
			return false;
		(void)serve_one(g, &h);
	}
	return true;
}

int
raw_call(struct raw_guest *g, int num, int nargs, const uint64_t *args)
{

	raw_begin(g, num, nargs, args);
	return raw_end(g);
}

int64_t
raw_ok(struct raw_guest *g, const char *what, int error)
{

	ck_assert_msg(error == 0, "%s: errno %d", what, error);
	return g->retval[0];
}

int
raw_open(struct raw_guest *g, const char *path, int flags, int mode)
{
	int error = CALL(g, open, P(path), flags, mode);

	ck_assert_msg(error == 0, "open %s: errno %d", path, error);
	return (int)g->retval[0];
}
