/*
 * Single calls from one thread: null call, masking, pread and pwrite,
 * open+close, stat.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "bench/bare.h"
#include "bench/daemon.h"
#include "bench/duel.h"
#include "bench/options.h"
#include "bench/peer.h"
#include "bench/placement.h"

#define FILE_NAME	"/bench"

struct ours {
	int fd;			/* rump descriptor of FILE_NAME */
	size_t len;
};

static char data[BARE_BLOCK];

static uint64_t
ours_getpid(void *arg, unsigned n)
{
	uint64_t start = now_ns();

	(void)arg;
	while (n-- > 0) {
		if (rump_sys_getpid() <= 0)
			bench_die("getpid");
	}
	return now_ns() - start;
}

/* What a call pays for its signal mask: block and restore. */
static uint64_t
ours_mask(void *arg, unsigned n)
{
	sigset_t all, old;
	uint64_t start = now_ns();

	(void)arg;
	sigfillset(&all);
	while (n-- > 0) {
		sigprocmask(SIG_BLOCK, &all, &old);
		sigprocmask(SIG_SETMASK, &old, NULL);
	}
	return now_ns() - start;
}

static uint64_t
ours_pwrite(void *arg, unsigned n)
{
	const struct ours *o = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		if (rump_sys_pwrite(o->fd, data, o->len, 0) != (ssize_t)o->len)
			bench_die("pwrite");
	}
	return now_ns() - start;
}

static uint64_t
ours_pread(void *arg, unsigned n)
{
	const struct ours *o = arg;
	uint64_t start = now_ns();

	while (n-- > 0) {
		if (rump_sys_pread(o->fd, data, o->len, 0) != (ssize_t)o->len)
			bench_die("pread");
	}
	return now_ns() - start;
}

static uint64_t
ours_open_close(void *arg, unsigned n)
{
	uint64_t start = now_ns();
	int fd;

	(void)arg;
	while (n-- > 0) {
		fd = rump_sys_open(FILE_NAME, RUMP_O_RDONLY);
		if (fd == -1 || rump_sys_close(fd) == -1)
			bench_die("open and close");
	}
	return now_ns() - start;
}

static uint64_t
ours_stat(void *arg, unsigned n)
{
	struct rump_stat st;
	uint64_t start = now_ns();

	(void)arg;
	while (n-- > 0) {
		if (rump_sys_stat(FILE_NAME, (void *)&st) == -1)
			bench_die("stat");
	}
	return now_ns() - start;
}

static void
run_null(struct bare *b, unsigned rounds)
{
	struct duel d = {
		.row = { .name = "null call (getpid)",
		    .goal = GOAL_RATIO_MAX, .goal_value = 1.25 },
		.ours = ours_getpid, .bare = bare_getpid, .bare_arg = b,
		.rounds = 2 * rounds,	/* the figure that matters most */
	};
	struct duel one_cpu = d;
	struct duel mask = {
		.row = { .name = "signal masking, of a call's cost",
		    .note = "two sigprocmask(2) alone; part of every call" },
		.ours = ours_mask, .rounds = rounds / 2,
	};

	duel_run(&d);
	/* Without waking another CPU only the instructions count. */
	place_self(PLACE_SERVER);
	one_cpu.row.name = "null call (getpid), all on one CPU";
	duel_run(&one_cpu);
	place_self(PLACE_CLIENT);
	duel_run(&mask);
}

static void
run_copy(const char *name, duel_fn *ours, duel_fn *bare, int fd,
    struct bare *b, size_t len, unsigned rounds)
{
	struct ours o = { .fd = fd, .len = len };
	struct bare with_len = { .fd = b->fd, .len = len };
	struct duel d = {
		.row = { .name = name }, .ours = ours, .bare = bare,
		.ours_arg = &o, .bare_arg = &with_len, .rounds = rounds,
	};

	duel_run(&d);
}

/*
 * 64 KiB as throughput, beside the same exchange and beside a socket into
 * which the data is just pushed.
 */
static void
run_throughput(const char *name, const char *push_name, duel_fn *ours,
    duel_fn *bare, int fd, struct bare *b, unsigned rounds)
{
	struct ours o = { .fd = fd, .len = BARE_BLOCK };
	struct bare with_len = { .fd = b->fd, .len = BARE_BLOCK };
	struct duel d = {
		.row = { .name = name,
		    .goal = GOAL_RATIO_MIN, .goal_value = 0.5 },
		.ours = ours, .bare = bare,
		.ours_arg = &o, .bare_arg = &with_len,
		.rounds = rounds, .bytes = BARE_BLOCK,
	};

	duel_run(&d);
	d.row.name = push_name;
	d.row.note = "bare: the data pushed one way without waiting, only its "
	    "end acknowledged, and no file; more than a bare exchange can do";
	d.bare = bare_push;
	duel_run(&d);
}

static void
run_paths(struct bare *b, unsigned rounds)
{
	struct duel oc = {
		.row = { .name = "open+close" },
		.ours = ours_open_close, .bare = bare_open_close,
		.bare_arg = b, .rounds = rounds,
	};
	struct duel st = {
		.row = { .name = "stat" },
		.ours = ours_stat, .bare = bare_stat,
		.bare_arg = b, .rounds = rounds,
	};

	duel_run(&oc);
	duel_run(&st);
}

int
main(int argc, char **argv)
{
	struct bench_options o = bench_options(argc, argv);
	unsigned rounds = bench_rounds(&o, 60);
	char file[128], path[128];
	struct daemon daemon;
	struct bare b;
	int fd;

	daemon_start(&daemon, &o);
	place_self(PLACE_CLIENT);
	if (rumpclient_init() == -1)
		bench_die("rumpclient_init");
	fd = rump_sys_open(FILE_NAME, RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (fd == -1)
		bench_die("open " FILE_NAME);
	snprintf(file, sizeof(file), "%s/file", daemon.dir);
	snprintf(path, sizeof(path), "%s%s", daemon.root, FILE_NAME);
	b = (struct bare){ .fd = peer_start(bare_serve, file, NULL),
	    .path = path };

	run_null(&b, rounds);
	run_copy("pwrite, 1 byte", ours_pwrite, bare_pwrite, fd, &b, 1, rounds);
	run_copy("pread, 1 byte", ours_pread, bare_pread, fd, &b, 1, rounds);
	run_copy("pwrite, 64 KiB", ours_pwrite, bare_pwrite, fd, &b,
	    BARE_BLOCK, rounds);
	run_copy("pread, 64 KiB", ours_pread, bare_pread, fd, &b,
	    BARE_BLOCK, rounds);
	run_throughput("pwrite, 64 KiB, throughput",
	    "pwrite, 64 KiB, beside one-way push", ours_pwrite, bare_pwrite,
	    fd, &b, rounds);
	run_throughput("pread, 64 KiB, throughput",
	    "pread, 64 KiB, beside one-way push", ours_pread, bare_pread,
	    fd, &b, rounds);
	place_self(PLACE_SERVER);
	run_throughput("pwrite, 64 KiB, throughput, one CPU",
	    "pwrite, 64 KiB, beside one-way push, one CPU",
	    ours_pwrite, bare_pwrite, fd, &b, rounds);
	run_throughput("pread, 64 KiB, throughput, one CPU",
	    "pread, 64 KiB, beside one-way push, one CPU",
	    ours_pread, bare_pread, fd, &b, rounds);
	place_self(PLACE_CLIENT);
	run_paths(&b, rounds);
	return 0;
}
