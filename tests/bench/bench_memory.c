/*
 * What an idle connection costs: resident memory of the server for each of
 * 5,000 guests that have shaken hands and do nothing.
 */
#include <sys/resource.h>
#include <sys/socket.h>

#include <stdio.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"
#include "bench/row.h"
#include "bench/sample.h"

#define CONNECTIONS	5000u
#define STEPS		10u	/* a sample each */
#define ROW_NAME	"memory, each of 5000 idle connections"
#define SPARE_FDS	100u

/*
 * Both sides need that many descriptors; the server inherits the limit, and
 * may use two of them for a connection.  Returns whether there are enough.
 */
static bool
raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		bench_die("getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		bench_die("setrlimit");
	return rl.rlim_cur >= 2 * CONNECTIONS + SPARE_FDS;
}

/* The bare limit: a handshake each, then nothing but the descriptor. */
static void
accept_and_keep(int lfd, void *arg)
{
	const char answer[28] = { 28, [16] = 1 };
	char b[64];
	int fd;

	(void)arg;
	for (;;) {
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			bench_die("accept");
		send_all(fd, "RUMPSP-0.4-bench-0/bench\n", 25);
		recv_some(fd, b, sizeof(b));
		send_all(fd, answer, sizeof(answer));
	}
}

/* Bytes a connection, a sample for each step; the sockets stay open. */
static void
measure(struct samples *s, pid_t pid, const char *path)
{
	double before, after;
	unsigned i, j;

	bare_guest(path);	/* whatever comes with the first */
	before = resident_bytes(pid);
	for (i = 0; i < STEPS; i++) {
		for (j = 0; j < CONNECTIONS / STEPS; j++)
			bare_guest(path);
		after = resident_bytes(pid);
		samples_add(s, (after - before) / (CONNECTIONS / STEPS));
		before = after;
	}
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	struct samples ours = { .n = 0 }, bare = { .n = 0 };
	struct row row = { .name = ROW_NAME, .unit = "B",
	    .note = "resident memory of the server process; the kernel's own "
	    "is the same on both sides" };
	struct daemon daemon;
	char path[96];
	pid_t peer;

	if (!raise_nofile()) {
		row_skip(ROW_NAME, "the hard limit of open files (ulimit -Hn) "
		    "is below 10100");
		return 0;
	}
	place_of_servers = PLACE_ANYWHERE;
	daemon_start(&daemon, &o);
	measure(&ours, daemon.pid, daemon.sock);
	snprintf(path, sizeof(path), "%s/bare", daemon.dir);
	peer = peer_listen(accept_and_keep, NULL, path);
	measure(&bare, peer, path);
	row.ours = samples_spread(&ours);
	row.bare = samples_spread(&bare);
	row_print(&row);
	return 0;
}
