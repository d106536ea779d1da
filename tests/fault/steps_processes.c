/*
 * Processes and who they are.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/fault/steps.h"
#include "tests/lib/suite.h"

static bool
ended_well(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

static bool
forks(void)
{
	pid_t parent = rump_sys_getpid(), pid;

	pid = rumpclient_fork();
	if (pid == 0)
		_exit(rump_sys_getppid() != parent);
	return pid != -1 && ended_well(pid);
}

static bool
execs(void)
{
	static const char image[] = RUMPGEN_BUILD "/tests/fault/prog_image";
	char me[16];
	char *const argv[] = { (char *)image, me, NULL };
	extern char **environ;
	pid_t pid;

	pid = rumpclient_fork();
	if (pid == 0) {
		snprintf(me, sizeof(me), "%d", rump_sys_getpid());
		rumpclient_exec(image, argv, environ);
		_exit(1);
	}
	return pid != -1 && ended_well(pid);
}

static volatile sig_atomic_t caught;

static void
on_signal(int signo)
{

	(void)signo;
	caught = 1;
}

/* The server's signal comes, or the timer has not been set. */
static bool
signals(void)
{
	struct rump_itimerval it = { .it_value = { .tv_usec = 1000 } };
	struct rump_timespec ts = { .tv_nsec = 1000000 };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	int naps;
	bool ok;

	caught = 0;
	sigaction(SIGALRM, &sa, &old);
	ok = rump_sys_setitimer(0, (struct itimerval *)&it, NULL) == 0;
	for (naps = 0; ok && !caught && naps < patience_ms(); naps++)
		(void)rump_sys_nanosleep((struct timespec *)&ts, NULL);
	ok = ok && caught;
	sigaction(SIGALRM, &old, NULL);
	return ok;
}

static bool
identity(void)
{
	const int mib[] = { RUMP_CTL_KERN, RUMP_KERN_OSTYPE };
	char buf[64];
	size_t len = sizeof(buf);
	gid_t groups[16];

	return rump_sys_getgroups(16, groups) >= 0 &&
	    rump_sys_setreuid((uid_t)-1, (uid_t)-1) == 0 &&
	    rump_sys___sysctl(mib, 2, buf, &len, NULL, 0) == 0 &&
	    rump_sys___getlogin(buf, sizeof(buf)) == 0;
}

/* A child's alone: another root, another session, other ids. */
static bool
confined(void)
{
	pid_t pid;

	if (rump_sys_mkdir("/jail", 0755) == -1)
		return false;
	pid = rumpclient_fork();
	if (pid == 0) {
		rump_sys_setsid();
		rump_sys_chroot("/jail");
		rump_sys_setgroups(0, NULL);
		rump_sys_setuid(1);
		_exit(rump_sys_chdir("/") != 0);
	}
	return (pid != -1 && ended_well(pid)) &
	    (rump_sys_rmdir("/jail") == 0);
}

const struct step steps_processes[] = {
	{ "forks", forks }, { "execs", execs }, { "signals", signals },
	{ "identity", identity }, { "confined", confined }, { NULL, NULL }
};
