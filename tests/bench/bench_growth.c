/*
 * What grows with what: the cost of a thing in a server that somebody has
 * filled, beside the same in an empty server, in turn in one run.
 *
 * A row is an entry of rows[]: how to fill the server, and what to do there
 * again and again (a duel_fn, its arg a struct site).
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/duel.h"
#include "bench/guest.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"
#include "bench/row.h"
#include "bench/sample.h"

/* One of the two servers. */
struct site {
	struct daemon daemon;
	struct guest g;		/* one that measures */
	int kq;			/* a queue of its; 0: not yet */
};

struct growth {
	const char *name;
	/* Fills the server with what is to be in nobody's way; what it
	 * connects stays. */
	void (*fill)(struct site *);
	duel_fn *fn;
	unsigned fds;		/* descriptors that it needs, here or there */
	/* What there are fewer of when there may be only fewer descriptors:
	 * named behind their number; NULL: then it is not done. */
	const char *fewer;
};

/* The limits are not what is measured. */
static const char *const no_limits[] = { "--max-clients", "30000",
    "--max-preforks", "30000", "--user-share", "100",
    "--max-client-fds", "16384", "--max-client-bytes", "1024", NULL };

#define OPENED		16000u
#define TARGET		1.5
#define SPARE_FDS	1000u

static unsigned opened;		/* at most OPENED */

static unsigned long
raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		bench_die("getrlimit");
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		bench_die("setrlimit");
	return rl.rlim_cur;
}

static void
site_start(struct site *p, const struct bench_options *o)
{

	daemon_start_with(&p->daemon, o, no_limits);
	p->g = guest_connect(p->daemon.sock);
	p->kq = 0;
}

static void
site_stop(struct site *p)
{

	close(p->g.fd);
	daemon_stop(&p->daemon);
}

static void
measure(const struct growth *gr, const struct bench_options *o)
{
	const unsigned long nofile = raise_nofile();
	struct site full, empty;
	char name[80];
	struct duel d = {
		.row = { .name = name, .goal = GOAL_RATIO_MAX,
		    .goal_value = TARGET,
		    .note = "bare: the same in an empty server" },
		.ours = gr->fn, .ours_arg = &full,
		.bare = gr->fn, .bare_arg = &empty,
		.rounds = bench_rounds(o, 60),
	};

	opened = gr->fds;
	if (gr->fewer != NULL && nofile < opened + SPARE_FDS &&
	    nofile > 2 * SPARE_FDS)
		opened = (unsigned)nofile - SPARE_FDS;
	if (gr->fewer != NULL)
		snprintf(name, sizeof(name), "%s %u %s", gr->name, opened,
		    gr->fewer);
	else
		snprintf(name, sizeof(name), "%s", gr->name);
	if (nofile < opened + SPARE_FDS) {
		row_skip(gr->name, "too few descriptors (ulimit -n)");
		return;
	}
	site_start(&full, o);
	site_start(&empty, o);
	gr->fill(&full);
	duel_run(&d);
	site_stop(&full);
	site_stop(&empty);
}

/* --- processes --- */

/* Forks that nobody completes are processes like all others, and need no
 * descriptors. */
static void
fill_processes(struct site *p)
{
	struct guest g = guest_connect(p->daemon.sock);

	guest_prefork(&g, 25000, NULL);
}

static uint64_t
handshakes(void *arg, unsigned n)
{
	struct site *p = arg;
	uint64_t start = now_ns();

	while (n-- > 0)
		close(bare_guest(p->daemon.sock));
	return now_ns() - start;
}

static uint64_t
forks(void *arg, unsigned n)
{
	uint32_t cookie[1][FRAME_COOKIE_WORDS];
	struct site *p = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		guest_prefork(&p->g, 1, cookie);
		close(guest_fork(p->daemon.sock, cookie[0]).fd);
	}
	return now_ns() - start;
}

/* --- descriptors --- */

#define NOTES		8000u

/* A guest that may have so many. */
static struct guest
hoarder(const char *sock)
{
	struct rump_rlimit rl = { 16384, 16384 };
	struct guest g = guest_connect(sock);

	(void)GUEST(ok, &g, setrlimit, RUMP_RLIMIT_NOFILE, PTR(&rl));
	return g;
}

static void
fill_queues(struct site *p)
{
	struct guest g = hoarder(p->daemon.sock);
	unsigned n;

	for (n = 0; n < opened; n++)
		(void)GUEST(ok, &g, kqueue1, 0);
}

static void
fill_fifos(struct site *p)
{
	struct guest g = hoarder(p->daemon.sock);
	char path[16];
	unsigned n;

	for (n = 0; n < opened; n++) {
		snprintf(path, sizeof(path), "/p%u", n / 8);
		if (n % 8 == 0)
			(void)GUEST(ok, &g, mkfifo, PTR(path), 0600);
		(void)GUEST(ok, &g, open, PTR(path),
		    RUMP_O_RDWR | RUMP_O_NONBLOCK, 0);
	}
}

static uint64_t
opens(struct site *p, unsigned n, const char *path, int flags)
{
	uint64_t start = now_ns();
	int64_t fd;

	while (n-- > 0) {
		fd = GUEST(ok, &p->g, open, PTR(path), (uint64_t)flags, 0600);
		(void)GUEST(ok, &p->g, close, (uint64_t)fd);
	}
	return now_ns() - start;
}

static uint64_t
open_files(void *arg, unsigned n)
{

	return opens(arg, n, "/f", RUMP_O_RDWR | RUMP_O_CREAT);
}

static uint64_t
open_fifos(void *arg, unsigned n)
{
	struct site *p = arg;

	(void)GUEST(call, &p->g, mkfifo, PTR("/p0"), 0600);
	return opens(p, n, "/p0", RUMP_O_RDWR | RUMP_O_NONBLOCK);
}

static void
note(struct site *p, unsigned ident, uint32_t flags)
{
	struct rump_kevent k = { .ident = ident,
	    .filter = RUMP_EVFILT_USER, .flags = flags };

	if (p->kq == 0)
		p->kq = (int)GUEST(ok, &p->g, kqueue1, 0);
	(void)GUEST(ok, &p->g, __kevent50, (uint64_t)p->kq, PTR(&k), 1, 0, 0,
	    0);
}

static void
fill_notes(struct site *p)
{
	unsigned n;

	for (n = 1; n < NOTES; n++)
		note(p, n, RUMP_EV_ADD);
}

static uint64_t
add_notes(void *arg, unsigned n)
{
	struct site *p = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		note(p, NOTES, RUMP_EV_ADD);
		note(p, NOTES, RUMP_EV_DELETE);
	}
	return now_ns() - start;
}

/* --- many that leave at once --- */

#define LEAVING		10000u

/* In a child, whose end is theirs. */
static void
be_guests(const char *sock, unsigned n, int ready)
{

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (n-- > 0)
		(void)guest_connect(sock);
	if (write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static pid_t
start_guests(const char *sock, unsigned n)
{
	int fd[2];
	pid_t pid;
	char c;

	if (pipe(fd) == -1)
		bench_die("pipe");
	pid = fork();
	if (pid == -1)
		bench_die("fork");
	if (pid == 0)
		be_guests(sock, n, fd[1]);
	peer_kill_at_exit(pid);
	close(fd[1]);
	if (read(fd[0], &c, 1) != 1)
		bench_die("guests");
	close(fd[0]);
	return pid;
}

static unsigned
threads_of(pid_t pid)
{
	char path[32], line[128];
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	if (f == NULL)
		bench_die("%s", path);
	while (fgets(line, sizeof(line), f) != NULL && n == 0)
		(void)sscanf(line, "Threads: %u", &n);
	fclose(f);
	return n;
}

static unsigned
descriptors_of(pid_t pid)
{
	char path[32];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL)
		bench_die("%s", path);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

/* A call that needs the processes, and one that has to sleep. */
static double
calls_ms(struct guest *g)
{
	uint64_t start = now_ns();

	(void)GUEST(ok, g, getpgid, 1);
	(void)GUEST(ok, g, poll, 0, 0, 1);
	return (double)(now_ns() - start) / 1e6 - 1;
}

static void
print_value(const char *name, const char *unit, double value, double most)
{
	struct row row = { .name = name, .unit = unit, .goal = GOAL_MAX,
	    .goal_value = most, .ours = { 1, value, value, value } };

	row_print(&row);
}

static void
measure_leaving(const struct bench_options *o)
{
	unsigned long nofile = raise_nofile();
	unsigned n = LEAVING, before, now, threads = 0, turns;
	double worst = 0, ms;
	struct site p;
	char name[80];
	pid_t pid;

	/* A server keeps some descriptors for itself. */
	if (n > nofile / 4 * 3)
		n = (unsigned)(nofile / 4 * 3);
	site_start(&p, o);
	before = descriptors_of(p.daemon.pid);
	pid = start_guests(p.daemon.sock, n);
	kill(pid, SIGKILL);
	for (turns = 0;; turns++) {
		ms = calls_ms(&p.g);
		worst = ms > worst ? ms : worst;
		now = threads_of(p.daemon.pid);
		threads = now > threads ? now : threads;
		if (turns % 16 == 15 && descriptors_of(p.daemon.pid) <= before)
			break;
	}
	peer_kill(pid);
	site_stop(&p);
	snprintf(name, sizeof(name), "%u guests leave: another's longest wait",
	    n);
	print_value(name, "ms", worst, 50);
	snprintf(name, sizeof(name), "%u guests leave: threads", n);
	print_value(name, "", threads, 64);
}

/* --- locks --- */

#define WAITERS		1000u

/* Of one file, by calls of one guest, each with an open file of its own. */
static void
fill_waiters(struct site *p)
{
	struct guest g = hoarder(p->daemon.sock);
	uint64_t fd;
	unsigned n;

	for (n = 0; n < WAITERS + 1; n++) {
		fd = (uint64_t)GUEST(ok, &g, open, PTR("/waited"),
		    RUMP_O_RDWR | RUMP_O_CREAT, 0600);
		if (n == 0)
			(void)GUEST(ok, &g, flock, fd, RUMP_LOCK_EX);
		else
			GUEST(begin, &g, flock, fd, RUMP_LOCK_EX);
	}
}

static uint64_t
locks(void *arg, unsigned n)
{
	struct rump_flock lock = { .l_type = RUMP_F_WRLCK, .l_len = 1 };
	struct rump_flock free = { .l_type = RUMP_F_UNLCK, .l_len = 1 };
	struct site *p = arg;
	uint64_t fd, start;

	fd = (uint64_t)GUEST(ok, &p->g, open, PTR("/locked"),
	    RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	start = now_ns();
	while (n-- > 0) {
		(void)GUEST(ok, &p->g, fcntl, fd, RUMP_F_SETLK, PTR(&lock));
		(void)GUEST(ok, &p->g, fcntl, fd, RUMP_F_SETLK, PTR(&free));
	}
	start = now_ns() - start;
	(void)GUEST(ok, &p->g, close, fd);
	return start;
}

static const struct growth rows[] = {
	{ "guest handshake beside 25000 processes", fill_processes,
	    handshakes, 0, NULL },
	{ "fork beside 25000 processes", fill_processes, forks, 0,
	    NULL },
	{ "open and close beside", fill_queues, open_files, OPENED,
	    "kqueues" },
	{ "open and close of a fifo beside", fill_fifos, open_fifos, OPENED,
	    "others" },
	{ "adding and deleting the 8000th note", fill_notes, add_notes, 0,
	    NULL },
	{ "a lock beside 1000 waiters", fill_waiters, locks, WAITERS,
	    NULL },
};

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	size_t i;

	place_self(PLACE_CLIENT);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		measure(&rows[i], &o);
	measure_leaving(&o);
	return 0;
}
