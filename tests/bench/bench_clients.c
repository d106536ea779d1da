/*
 * Null calls a second by 1, 8 and 64 client processes.  The processes live as
 * long as the program and do a round of ours or of the bare limit in turn.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"
#include "bench/row.h"
#include "bench/sample.h"

#define MAX_CLIENTS	64
#define ROUND_NS	80000000u
#define BATCH		16u

/* Shared by all processes.  The barrier has the clients of the present row
 * and the parent; between two barriers the fields are left alone. */
struct board {
	pthread_barrier_t barrier;
	bool bare;
	bool over;		/* the row is: exit */
	uint64_t deadline;
	uint64_t calls[MAX_CLIENTS];
};

static struct board *board;

static void
call_until_deadline(unsigned self, struct bare *bare)
{
	uint64_t calls = 0;
	unsigned i;

	while (now_ns() < board->deadline) {
		if (board->bare)
			bare_getpid(bare, BATCH);
		else for (i = 0; i < BATCH; i++) {
			if (rump_sys_getpid() <= 0)
				bench_die("getpid");
		}
		calls += BATCH;
	}
	board->calls[self] = calls;
}

static void
client(unsigned self, const char *bare_path)
{
	struct bare bare;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	bare = (struct bare){ .fd = connect_local(bare_path) };
	if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	for (;;) {
		pthread_barrier_wait(&board->barrier);
		if (board->over)
			_exit(0);
		call_until_deadline(self, &bare);
		pthread_barrier_wait(&board->barrier);
	}
}

static double
measure(unsigned n, bool bare)
{
	uint64_t start, calls = 0;
	unsigned i;

	board->bare = bare;
	start = now_ns();
	board->deadline = start + ROUND_NS;
	pthread_barrier_wait(&board->barrier);
	pthread_barrier_wait(&board->barrier);
	for (i = 0; i < n; i++)
		calls += board->calls[i];
	return (double)calls * 1e9 / (double)(now_ns() - start);
}

static void
run(const char *name, unsigned n, const char *bare_path, unsigned rounds)
{
	struct samples ours = { .n = 0 }, limit = { .n = 0 };
	struct samples ratio = { .n = 0 };
	struct row row = { .name = name, .unit = "/s",
	    .note = "bare: a process and a socket for each client, a thread "
	    "for each in the peer" };
	pthread_barrierattr_t attr;
	pid_t pid[MAX_CLIENTS];
	double a, b;
	unsigned i;

	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&board->barrier, &attr, n + 1);
	board->over = false;
	for (i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i] == -1)
			bench_die("fork");
		if (pid[i] == 0)
			client(i, bare_path);
		peer_kill_at_exit(pid[i]);
	}
	measure(n, false);	/* warm up */
	for (i = 0; i < rounds; i++) {
		b = measure(n, true);
		a = measure(n, false);
		samples_add(&ours, a);
		samples_add(&limit, b);
		samples_add(&ratio, a / b);
	}
	board->over = true;
	pthread_barrier_wait(&board->barrier);
	for (i = 0; i < n; i++)
		peer_kill(pid[i]);
	row.ours = samples_spread(&ours);
	row.bare = samples_spread(&limit);
	row.ratio = samples_spread(&ratio);
	row_print(&row);
}

static void *
peer_thread(void *arg)
{
	int fd = (int)(intptr_t)arg;

	bare_serve_null(fd, NULL);
	close(fd);
	return NULL;
}

static void
accept_threads(int lfd, void *arg)
{
	pthread_t t;
	int fd;

	(void)arg;
	for (;;) {
		fd = accept4(lfd, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			bench_die("accept");
		if (pthread_create(&t, NULL, peer_thread,
		    (void *)(intptr_t)fd) != 0)
			bench_die("pthread_create");
		pthread_detach(t);
	}
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	unsigned rounds = bench_rounds(&o, 16);
	struct daemon daemon;
	char path[96];

	place_of_servers = PLACE_SERVER_HALF;
	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT_HALF);
	snprintf(path, sizeof(path), "%s/bare", daemon.dir);
	peer_listen(accept_threads, NULL, path);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		bench_die("mmap");
	run("null calls, 1 client", 1, path, rounds);
	run("null calls, 8 clients", 8, path, rounds);
	run("null calls, 64 clients", 64, path, rounds);
	return 0;
}
