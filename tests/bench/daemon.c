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

static char scratch[64];	/* for remove_scratch() */
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

static void
make_scratch(struct daemon *d)
{

	const char *tmp = getenv("TMPDIR");

	/* tests/bench/run cleans TMPDIR up should this program be killed. */
	snprintf(d->dir, sizeof(d->dir), "%s/rumpbench.XXXXXX",
	    tmp != NULL && strlen(tmp) < 40 ? tmp : "/tmp");
	if (mkdtemp(d->dir) == NULL)
		bench_die("%s", d->dir);
	snprintf(d->root, sizeof(d->root), "%s/root", d->dir);
	snprintf(d->sock, sizeof(d->sock), "%s/sock", d->dir);
	snprintf(scratch, sizeof(scratch), "%s", d->dir);
	scratch_owner = getpid();
	atexit(remove_scratch);
	if (mkdir(d->root, 0700) == -1)
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

void
daemon_start(struct daemon *d, const struct bench_options *o)
{
	char program[PATH_MAX], locator[96], ready[16];
	int fd[2];

	make_scratch(d);
	snprintf(program, sizeof(program), "%s/bin/rump_server", o->build);
	snprintf(locator, sizeof(locator), "unix://%s", d->sock);
	if (pipe(fd) == -1)
		bench_die("pipe");
	snprintf(ready, sizeof(ready), "%d", fd[1]);
	d->pid = fork();
	if (d->pid == -1)
		bench_die("fork");
	if (d->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		place_self(place_of_servers);
		close(fd[0]);
		execl(program, program, "--root", d->root, "--ready-fd", ready,
		    locator, (char *)NULL);
		bench_die("%s", program);
	}
	close(fd[1]);
	peer_kill_at_exit(d->pid);
	wait_ready(fd[0], program);
	close(fd[0]);
	setenv("RUMP_SERVER", locator, 1);
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
