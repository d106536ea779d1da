/*
 * fork through a cookie: prefork, fork(2), the child connects and shows the
 * cookie, exits, is waited for.
 */
#include <sys/wait.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/duel.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"

struct bare_parent {
	int fd;			/* answers the prefork */
	char path[96];		/* answers the child */
};

static void
reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		errno = ECHILD;
		bench_die("a forked child failed");
	}
}

static uint64_t
ours_fork(void *arg, unsigned n)
{
	uint64_t start = now_ns();
	pid_t pid;

	(void)arg;
	while (n-- > 0) {
		pid = rumpclient_fork();
		if (pid == -1)
			bench_die("rumpclient_fork");
		if (pid == 0)
			_exit(0);
		reap(pid);
	}
	return now_ns() - start;
}

static uint64_t
bare_forks(void *arg, unsigned n)
{
	const struct bare_parent *b = arg;
	uint64_t start = now_ns();
	pid_t pid;

	while (n-- > 0) {
		bare_prefork(b->fd);
		pid = fork();
		if (pid == -1)
			bench_die("fork");
		if (pid == 0) {
			bare_fork(b->path);
			_exit(0);
		}
		reap(pid);
	}
	return now_ns() - start;
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	struct daemon daemon;
	struct bare_parent b;
	struct duel d = {
		.row = { .name = "fork through a cookie",
		    .note = "bare: the same frames, fork(2), connect(2) and "
		    "waitpid(2)" },
		.ours = ours_fork, .bare = bare_forks, .bare_arg = &b,
		.rounds = bench_rounds(&o, 60),
	};
	char file[128];

	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT);
	snprintf(file, sizeof(file), "%s/file", daemon.dir);
	snprintf(b.path, sizeof(b.path), "%s/bare", daemon.dir);
	b.fd = peer_start(bare_serve, file, NULL);
	peer_listen(bare_accept, NULL, b.path);
	if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	duel_run(&d);
	return 0;
}
