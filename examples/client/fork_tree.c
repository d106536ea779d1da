/*
 * A tree of processes: every process forks two children, three levels deep.
 * Each one writes "pid ppid" into a pipe that all inherited; the root checks
 * that there are as many as there should be, that pids differ, and that every
 * parent is in the tree.
 */
#include <sys/wait.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

enum { DEPTH = 3, CHILDREN = 2, NPROC = 1 + 2 + 4 + 8 };

struct report {
	int pid, ppid;
};

/* Reports this process, then grows the tree below it. */
static void
grow(int to, int depth)
{
	struct report r = { rump_sys_getpid(), rump_sys_getppid() };
	pid_t child[CHILDREN];
	int i, status;

	if (rump_sys_write(to, &r, sizeof(r)) != sizeof(r))
		err(1, "write");
	if (depth == 0)
		return;
	for (i = 0; i < CHILDREN; i++) {
		child[i] = rumpclient_fork();
		if (child[i] == -1)
			err(1, "rumpclient_fork");
		if (child[i] == 0) {
			grow(to, depth - 1);
			_exit(0);
		}
	}
	for (i = 0; i < CHILDREN; i++)
		if (waitpid(child[i], &status, 0) == -1 || status != 0)
			errx(1, "a child failed");
}

static int
find(const struct report *r, int n, int pid)
{
	int i, found = 0;

	for (i = 0; i < n; i++)
		found += r[i].pid == pid;
	return found;
}

int
main(void)
{
	struct report r[NPROC];
	int fd[2], i;

	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	if (rump_sys_pipe(fd) == -1)
		err(1, "pipe");
	grow(fd[1], DEPTH);
	rump_sys_close(fd[1]);
	for (i = 0; i < NPROC; i++)
		if (rump_sys_read(fd[0], &r[i], sizeof(r[i])) != sizeof(r[i]))
			err(1, "report %d of %d is missing", i + 1, NPROC);
	if (rump_sys_read(fd[0], &r[0].pid, 1) != 0)
		errx(1, "more processes than expected");
	for (i = 0; i < NPROC; i++) {
		printf("pid %d, parent %d\n", r[i].pid, r[i].ppid);
		if (find(r, NPROC, r[i].pid) != 1)
			errx(1, "pid %d is not unique", r[i].pid);
		if (r[i].pid != rump_sys_getpid() &&
		    find(r, NPROC, r[i].ppid) != 1)
			errx(1, "pid %d: parent %d is not in the tree",
			    r[i].pid, r[i].ppid);
	}
	printf("%d processes, %d levels\n", NPROC, DEPTH + 1);
	return 0;
}
