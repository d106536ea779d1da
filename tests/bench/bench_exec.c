/*
 * exec handoff: this program executes itself over and over, each image taking
 * over the connection of the one before with an exec handshake.
 *
 *	bench_exec ours LEFT START_NS RESULT_FD
 *	bench_exec bare LEFT START_NS RESULT_FD SOCKET
 */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/duel.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"

static char self[PATH_MAX];

/* Runs the next image, or says how long they all took. */
static void
next_image(const char *mode, unsigned left, uint64_t start, const char *result,
    const char *sock)
{
	char left_arg[16], start_arg[32];
	char *argv[] = { self, (char *)mode, left_arg, start_arg,
	    (char *)result, (char *)sock, NULL };
	uint64_t ns;

	if (left == 0) {
		ns = now_ns() - start;
		if (write(atoi(result), &ns, sizeof(ns)) != sizeof(ns))
			bench_die("write");
		_exit(0);
	}
	snprintf(left_arg, sizeof(left_arg), "%u", left - 1);
	snprintf(start_arg, sizeof(start_arg), "%llu",
	    (unsigned long long)start);
	if (sock == NULL)
		rumpclient_exec(self, argv, environ);
	else
		execve(self, argv, environ);
	bench_die("exec %s", self);
}

/* The new image. */
static void
image(char **argv)
{
	unsigned left = (unsigned)strtoul(argv[2], NULL, 10);
	uint64_t start = strtoull(argv[3], NULL, 10);

	if (argv[5] != NULL)
		bare_exec(atoi(argv[5]));
	else if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	next_image(argv[1], left, start, argv[4], argv[5]);
}

/* Reads what the last image wrote, waits for it. */
static uint64_t
collect(pid_t pid, int fd[2])
{
	uint64_t ns;
	int status;

	close(fd[1]);
	if (read(fd[0], &ns, sizeof(ns)) != sizeof(ns)) {
		errno = ECHILD;
		bench_die("a chain of images broke");
	}
	close(fd[0]);
	waitpid(pid, &status, 0);
	return ns;
}

static uint64_t
ours_exec(void *arg, unsigned n)
{
	char result[16];
	int fd[2];
	pid_t pid;

	(void)arg;
	if (pipe(fd) == -1)
		bench_die("pipe");
	pid = rumpclient_fork();
	if (pid == -1)
		bench_die("rumpclient_fork");
	if (pid == 0) {
		snprintf(result, sizeof(result), "%d", fd[1]);
		next_image("ours", n, now_ns(), result, NULL);
	}
	return collect(pid, fd);
}

static uint64_t
bare_execs(void *arg, unsigned n)
{
	char result[16], sock[16];
	int fd[2], *peer = arg;
	pid_t pid;

	if (pipe(fd) == -1)
		bench_die("pipe");
	pid = fork();
	if (pid == -1)
		bench_die("fork");
	if (pid == 0) {
		fcntl(*peer, F_SETFD, 0);
		snprintf(result, sizeof(result), "%d", fd[1]);
		snprintf(sock, sizeof(sock), "%d", *peer);
		next_image("bare", n, now_ns(), result, sock);
	}
	return collect(pid, fd);
}

int
main(int argc, char **argv)
{
	struct bench_options o;
	struct daemon daemon;
	struct duel d = {
		.row = { .name = "exec handoff",
		    .note = "bare: execve(2) of the same program and the same "
		    "frames" },
		.ours = ours_exec, .bare = bare_execs,
		.max_n = 200,
	};
	char path[96];
	int peer;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) == -1)
		bench_die("/proc/self/exe");
	if (argc > 4)
		image(argv);
	o = bench_options(argc, argv);
	d.rounds = bench_rounds(&o, 40);
	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT);
	snprintf(path, sizeof(path), "%s/bare", daemon.dir);
	peer_listen(bare_accept, NULL, path);
	peer = bare_guest(path);
	d.bare_arg = &peer;
	if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	duel_run(&d);
	return 0;
}
