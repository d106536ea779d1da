/*
 * Null calls a second by 1, 4 and 16 threads on one connection.  The bare
 * limit has no one connection: each thread has its own socket and its own
 * thread in the peer, so nobody waits for anybody.
 */
#include <sys/socket.h>

#include <pthread.h>
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

#define MAX_THREADS	16
#define ROUND_NS	50000000u
#define BATCH		16u	/* calls between looks at the clock */

struct caller {
	pthread_t thread;
	struct bare *bare;	/* NULL: our library */
	uint64_t deadline;
	uint64_t calls;
};

static int peer_end[MAX_THREADS];

static void *
call_until_deadline(void *arg)
{
	struct caller *c = arg;
	unsigned i;

	while (now_ns() < c->deadline) {
		if (c->bare != NULL)
			bare_getpid(c->bare, BATCH);
		else for (i = 0; i < BATCH; i++) {
			if (rump_sys_getpid() <= 0)
				bench_die("getpid");
		}
		c->calls += BATCH;
	}
	return NULL;
}

/* Calls a second of n threads together. */
static double
measure(unsigned n, struct bare *bare)
{
	struct caller c[MAX_THREADS];
	uint64_t start = now_ns(), calls = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		c[i] = (struct caller){ .deadline = start + ROUND_NS,
		    .bare = bare != NULL ? &bare[i] : NULL };
		if (pthread_create(&c[i].thread, NULL, call_until_deadline,
		    &c[i]) != 0)
			bench_die("pthread_create");
	}
	for (i = 0; i < n; i++) {
		pthread_join(c[i].thread, NULL);
		calls += c[i].calls;
	}
	return (double)calls * 1e9 / (double)(now_ns() - start);
}

static void
run(const char *name, unsigned n, struct bare *bare, unsigned rounds)
{
	struct samples ours = { .n = 0 }, limit = { .n = 0 };
	struct samples ratio = { .n = 0 };
	struct row row = { .name = name, .unit = "/s",
	    .note = "bare: a socket and two threads for each thread" };
	double a, b;
	unsigned i;

	for (i = 0; i < rounds; i++) {
		b = measure(n, bare);
		a = measure(n, NULL);
		samples_add(&ours, a);
		samples_add(&limit, b);
		samples_add(&ratio, a / b);
	}
	row.ours = samples_spread(&ours);
	row.bare = samples_spread(&limit);
	row.ratio = samples_spread(&ratio);
	row_print(&row);
}

static void *
peer_thread(void *arg)
{

	bare_serve_null(*(int *)arg, NULL);
	return NULL;
}

static void
peer_threads(int fd, void *arg)
{
	pthread_t t;
	unsigned i;
	char c;

	(void)arg;
	for (i = 0; i < MAX_THREADS; i++) {
		if (pthread_create(&t, NULL, peer_thread, &peer_end[i]) != 0)
			bench_die("pthread_create");
	}
	recv_some(fd, &c, 1);	/* until the program ends */
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	unsigned i, rounds = bench_rounds(&o, 20);
	struct bare bare[MAX_THREADS];
	struct daemon daemon;
	int sv[2];

	place_of_servers = PLACE_SERVER_HALF;
	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT_HALF);
	for (i = 0; i < MAX_THREADS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
			bench_die("socketpair");
		bare[i] = (struct bare){ .fd = sv[0] };
		peer_end[i] = sv[1];
	}
	peer_start(peer_threads, NULL, NULL);
	if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	run("null calls, 1 thread", 1, bare, rounds);
	run("null calls, 4 threads", 4, bare, rounds);
	run("null calls, 16 threads", 16, bare, rounds);
	return 0;
}
