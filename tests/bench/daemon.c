#include "bench/daemon.h"

#include <sys/prctl.h>
#include <sys/stat.h>

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/peer.h"
#include "bench/placement.h"

#define READY_MS	5000	/* a server that takes longer does not start */
#define MAX_OPTIONS	32

static char scratch[48];	/* of all servers; for remove_scratch() */
static unsigned nscratch;	/* directories in it */
static pid_t scratch_owner;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{

	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_scratch(void)
{

	if (getpid() == scratch_owner)
		nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* tests/bench/run cleans TMPDIR up should this program be killed. */
static void
make_scratch(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(scratch, sizeof(scratch), "%s/rumpbench.XXXXXX",
	    tmp != NULL && strlen(tmp) < 24 ? tmp : "/tmp");
	if (mkdtemp(scratch) == NULL)
		bench_die("%s", scratch);
	scratch_owner = getpid();
	atexit(remove_scratch);
}

static void
make_place(struct daemon *d)
{

	if (scratch_owner == 0)
		make_scratch();
	snprintf(d->dir, sizeof(d->dir), "%s/%u", scratch, nscratch++);
	snprintf(d->root, sizeof(d->root), "%s/root", d->dir);
	snprintf(d->sock, sizeof(d->sock), "%s/sock", d->dir);
	if (mkdir(d->dir, 0700) == -1 || mkdir(d->root, 0700) == -1)
		bench_die("%s", d->root);
}

static void
wait_ready(int fd, const char *program)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char c;

	errno = ETIMEDOUT;
	if (poll(&pfd, 1, READY_MS) == 1) {
		if (read(fd, &c, 1) == 1)
			return;
		errno = ECHILD;
	}
	bench_die("%s did not get ready", program);
}

/* In the child. */
static void
become_server(const char *program, const struct daemon *d, const char *ready,
    const char *locator, const char *const *options)
{
	const char *argv[MAX_OPTIONS + 8] = { program, "--root", d->root,
	    "--ready-fd", ready };
	int n = 5;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	place_self(place_of_servers);
	while (options != NULL && *options != NULL && n < MAX_OPTIONS)
		argv[n++] = *options++;
	argv[n] = locator;
	execv(program, (char *const *)argv);
	bench_die("%s", program);
}

void
daemon_start_with(struct daemon *d, const struct bench_options *o,
    const char *const *options)
{
	char program[PATH_MAX], locator[96], ready[16];
	int fd[2];

	make_place(d);
	snprintf(program, sizeof(program), "%s/bin/rump_server", o->build);
	snprintf(locator, sizeof(locator), "unix://%s", d->sock);
	if (pipe(fd) == -1)
		bench_die("pipe");
	snprintf(ready, sizeof(ready), "%d", fd[1]);
	d->pid = fork();
	if (d->pid == -1)
		bench_die("fork");
	if (d->pid == 0) {
		close(fd[0]);
		become_server(program, d, ready, locator, options);
	}
	close(fd[1]);
	peer_kill_at_exit(d->pid);
	wait_ready(fd[0], program);
	close(fd[0]);
	setenv("RUMP_SERVER", locator, 1);
}

void
daemon_start(struct daemon *d, const struct bench_options *o)
{

	daemon_start_with(d, o, NULL);
}

void
daemon_stop(struct daemon *d)
{

	peer_kill(d->pid);
}

double
resident_bytes(pid_t pid)
{
	char path[32];
	unsigned long size, resident;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	f = fopen(path, "r");
	if (f == NULL || fscanf(f, "%lu %lu", &size, &resident) != 2)
		bench_die("%s", path);
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}
