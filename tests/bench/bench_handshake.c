/*
 * Guests: a connection, its handshake, and its end.  By the client library,
 * which has one connection a process, in a forked child each; and by hand,
 * which shows the server alone.
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

static void
reap(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status != 0) {
		errno = ECHILD;
		bench_die("a guest failed");
	}
}

static uint64_t
ours_guest(void *arg, unsigned n)
{
	uint64_t start = now_ns();
	pid_t pid;

	(void)arg;
	while (n-- > 0) {
		pid = fork();
		if (pid == -1)
			bench_die("fork");
		if (pid == 0)
			_exit(rumpclient_init() == -1);
		reap(pid);
	}
	return now_ns() - start;
}

static uint64_t
bare_forked_guest(void *arg, unsigned n)
{
	uint64_t start = now_ns();
	pid_t pid;

	while (n-- > 0) {
		pid = fork();
		if (pid == -1)
			bench_die("fork");
		if (pid == 0) {
			bare_guest(arg);
			_exit(0);
		}
		reap(pid);
	}
	return now_ns() - start;
}

static uint64_t
guest_by_hand(void *arg, unsigned n)
{
	uint64_t start = now_ns();

	while (n-- > 0)
		close(bare_guest(arg));
	return now_ns() - start;
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	struct daemon daemon;
	char path[96];
	struct duel d = {
		.row = { .name = "guest handshakes, a process each",
		    .note = "bare: the same frames, fork(2), connect(2) and "
		    "waitpid(2)" },
		.ours = ours_guest, .bare = bare_forked_guest,
		.bare_arg = path,
		.rounds = bench_rounds(&o, 60), .per_second = true,
	};
	struct duel by_hand = {
		.row = { .name = "guest handshakes, one process",
		    .note = "ours: our server, but frames sent by hand; bare: "
		    "the same frames and connect(2)" },
		.ours = guest_by_hand, .bare = guest_by_hand,
		.ours_arg = daemon.sock, .bare_arg = path,
		.rounds = bench_rounds(&o, 60), .per_second = true,
	};

	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT);
	snprintf(path, sizeof(path), "%s/bare", daemon.dir);
	peer_listen(bare_accept, NULL, path);
	duel_run(&d);
	duel_run(&by_hand);
	return 0;
}
