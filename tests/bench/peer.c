#include "bench/peer.h"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/options.h"
#include "bench/placement.h"

#define MAX_PEERS	80	/* 64 clients, a server and a few */

static pid_t peers[MAX_PEERS];
static pid_t peers_owner;	/* a forked child must not kill for its parent */

static void
kill_all(void)
{
	unsigned i;

	if (getpid() != peers_owner)
		return;
	for (i = 0; i < MAX_PEERS; i++) {
		if (peers[i] != 0)
			peer_kill(peers[i]);
	}
}

void
peer_kill_at_exit(pid_t pid)
{
	unsigned i;

	if (peers_owner == 0) {
		peers_owner = getpid();
		atexit(kill_all);
	}
	for (i = 0; i < MAX_PEERS; i++) {
		if (peers[i] == 0) {
			peers[i] = pid;
			return;
		}
	}
	kill(pid, SIGKILL);
	errno = EAGAIN;
	bench_die("more than %d peers", MAX_PEERS);
}

void
peer_kill(pid_t pid)
{
	unsigned i;

	for (i = 0; i < MAX_PEERS; i++) {
		if (peers[i] == pid)
			peers[i] = 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* In the child: be a peer, and no longer than the parent lives. */
static void
become_peer(peer_fn *fn, int fd, void *arg)
{

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	place_self(place_of_servers);
	fn(fd, arg);
	_exit(0);
}

int
peer_start(peer_fn *fn, void *arg, pid_t *pidp)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
		bench_die("socketpair");
	pid = fork();
	if (pid == -1)
		bench_die("fork");
	if (pid == 0) {
		close(sv[0]);
		become_peer(fn, sv[1], arg);
	}
	close(sv[1]);
	peer_kill_at_exit(pid);
	if (pidp != NULL)
		*pidp = pid;
	return sv[0];
}

static struct sockaddr_un
local_address(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		bench_die("%s", path);
	}
	strcpy(sun.sun_path, path);
	return sun;
}

pid_t
peer_listen(peer_fn *fn, void *arg, const char *path)
{
	struct sockaddr_un sun = local_address(path);
	pid_t pid;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		bench_die("listening at %s", path);
	pid = fork();
	if (pid == -1)
		bench_die("fork");
	if (pid == 0)
		become_peer(fn, fd, arg);
	close(fd);
	peer_kill_at_exit(pid);
	return pid;
}

int
connect_local(const char *path)
{
	struct sockaddr_un sun = local_address(path);
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 ||
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		bench_die("connecting to %s", path);
	return fd;
}

void
send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			bench_die("send");
		p += n;
		len -= (size_t)n;
	}
}

size_t
recv_some(int fd, void *buf, size_t len)
{
	ssize_t n;

	do
		n = recv(fd, buf, len, 0);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == ECONNRESET)
		return 0;
	if (n == -1)
		bench_die("recv");
	return (size_t)n;
}

void
recv_all(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t n;

	while (len > 0) {
		n = recv_some(fd, p, len);
		if (n == 0) {
			errno = EPIPE;
			bench_die("the peer hung up");
		}
		p += n;
		len -= n;
	}
}
