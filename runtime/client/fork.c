/*
 * Forking here and in the server.
 *
 * The child of a fork(2) has its own copy of the connection's memory, which
 * the fork handlers in conn.c have cleared.  The child of a vfork(2) runs in
 * the parent's memory but with its own descriptors: it gets a connection
 * structure of its own, which only its thread sees (conn_override()), and
 * touches nothing of the parent's; the parent drops that structure when it
 * runs again and comes here.
 */
#include <sys/mman.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "client/call.h"
#include "client/error.h"
#include "client/handshake.h"
#include "client/log.h"
#include "trace/line.h"
#include "wire/host.h"

struct rumpclient_fork {
	uint32_t cookie[FRAME_COOKIE_WORDS];	/* first: programs rely on it */
	int error;			/* why a vfork child's init failed */
};

struct rumpclient_fork *
rumpclient_prefork(void)
{
	struct rumpclient_fork *rf;
	struct call call = { .type = FRAME_PREFORK };
	struct entry e;
	int error;

	if (conn_server.kind == LOCATOR_FD) {
		client_log("%s: a fork needs a second connection, which this "
		    "kind of locator cannot give", conn_server.text);
		errno = EOPNOTSUPP;
		return NULL;
	}
	rf = calloc(1, sizeof(*rf));
	if (rf == NULL)
		return NULL;
	entry_begin(&e);
	error = call_persist(conn_self(&e), &call, &e);
	entry_end(&e);
	if (error != 0) {
		free(rf);
		errno = rumpclient__host_errno(error);
		return NULL;
	}
	memcpy(rf->cookie, call.resp.cookie, sizeof(rf->cookie));
	return rf;
}

/* A connection structure for a vfork child. */
static struct conn *
vfork_conn(void)
{
	void *p;

	p = mmap(NULL, sizeof(struct conn), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	conn_init(p);
	return p;
}

/* c is a vfork child's new connection, or NULL: this process's own. */
static int
connect_child(struct conn *c, const uint32_t *cookie)
{
	const bool vforked = c != NULL;
	struct entry e;
	int error;

	entry_begin(&e);
	if (vforked)
		conn_override(c, &e);
	else
		c = conn_self(&e);
	error = conn_setup_begin(c, &e);
	if (error == 0) {
		sig_open(&e);
		error = conn_connect(c, HANDSHAKE_FORK, cookie, UINT64_MAX,
		    false);
		sig_close();
		conn_setup_end(c);
	}
	if (error != 0 && vforked)
		conn_override_end(&e);
	entry_end(&e);
	return error;
}

int
rumpclient_fork_init(struct rumpclient_fork *rf)
{
	struct conn *c;
	bool vforked;

	vforked = !conn_process_is_own();
	c = vforked ? vfork_conn() : NULL;
	rf->error = vforked && c == NULL ? errno :
	    connect_child(c, rf->cookie);
	if (rf->error != 0) {
		errno = rf->error;
		return -1;
	}
	if (!vforked)
		free(rf);
	return 0;
}

/* A short connection of its own that uses the cookie up. */
static int
cancel_in_server(const struct rumpclient_fork *rf)
{
	struct entry e;
	int fd, error;

	entry_begin(&e);
	sig_open(&e);		/* nothing is held, and it may take long */
	fd = locator_connect(&conn_server);
	if (fd == -1) {
		error = errno;
	} else {
		error = conn_prepare_socket(fd);
		if (error == 0)
			error = handshake_cancel(fd, rf->cookie);
		host_close(fd);
	}
	entry_end(&e);
	return error;
}

void
rumpclient_fork_cancel(struct rumpclient_fork *rf)
{
	int saved, error;

	saved = errno;
	error = cancel_in_server(rf);
	if (error != 0)
		client_log("%s: the server may keep a cancelled fork for a "
		    "while: %s", conn_server.text, client_strerror(error));
	free(rf);
	errno = saved;
}

void
rumpclient_fork_vparent(struct rumpclient_fork *rf)
{
	struct entry e;

	entry_begin(&e);
	conn_self(&e);		/* drops the child's connection */
	entry_end(&e);
	free(rf);
}

void
rumpclient_fork_done(struct rumpclient_fork *rf)
{

	free(rf);
}

static void
reap(pid_t pid)
{

	while (waitpid(pid, NULL, 0) == -1 && errno == EINTR)
		continue;
}

pid_t
rumpclient__vfork_parent(struct rumpclient_fork *rf, pid_t pid)
{
	int error;

	error = rf->error;
	if (error == 0) {
		rumpclient_fork_vparent(rf);
		return pid;
	}
	reap(pid);
	rumpclient_fork_cancel(rf);
	errno = error;
	return -1;
}

/* --- rumpclient_fork --- */

/* So often the parent looks whether the child lives, in milliseconds. */
#define REPORT_SLICE	500

/* A pipe above the standard descriptors. */
static int
open_pipe(int p[2])
{

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	p[0] = wire_fd_above_stdio(p[0]);
	p[1] = wire_fd_above_stdio(p[1]);
	if (p[0] != -1 && p[1] != -1)
		return 0;
	if (p[0] != -1)
		host_close(p[0]);
	if (p[1] != -1)
		host_close(p[1]);
	return -1;
}

/* The child's side: connects and tells the parent how it went. */
static pid_t
child(struct rumpclient_fork *rf, int report)
{
	int error;

	error = rumpclient_fork_init(rf) == -1 ? errno : 0;
	/* The parent may be gone, which is no reason for a SIGPIPE. */
	line_write(report, (const char *)&error, sizeof(error));
	if (error != 0)
		_exit(1);
	host_close(report);
	return 0;
}

/* Gone, though not necessarily reaped yet. */
static bool
is_dead(pid_t pid)
{
	siginfo_t si = { .si_pid = 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) ==
	    -1 ? errno == ECHILD : si.si_pid == pid;
}

/* The parent's side: how it went.  A child that dies without a word does not
 * close the pipe if another thread's child has a copy of it. */
static int
child_report(int report, pid_t pid)
{
	struct pollfd pfd = { .fd = report, .events = POLLIN };
	ssize_t n;
	int error;
	bool dead;

	for (;;) {
		dead = is_dead(pid);
		if (poll(&pfd, 1, dead ? 0 : REPORT_SLICE) == 1)
			break;
		if (dead)
			return EIO;
	}
	do {
		n = read(report, &error, sizeof(error));
	} while (n == -1 && errno == EINTR);
	return n == (ssize_t)sizeof(error) ? error : EIO;
}

pid_t
rumpclient_fork(void)
{
	struct rumpclient_fork *rf;
	int p[2], error;
	pid_t pid;

	rf = rumpclient_prefork();
	if (rf == NULL)
		return -1;
	if (open_pipe(p) == -1) {
		rumpclient_fork_cancel(rf);
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		host_close(p[0]);
		return child(rf, p[1]);
	}
	error = pid == -1 ? errno : 0;
	host_close(p[1]);
	if (pid != -1) {
		error = child_report(p[0], pid);
		if (error != 0)
			reap(pid);
	}
	host_close(p[0]);
	if (error == 0) {
		rumpclient_fork_done(rf);
		return pid;
	}
	rumpclient_fork_cancel(rf);
	errno = error;
	return -1;
}
