/*
 * reconnect: a client that does not mind losing its connection.
 *
 *	RUMP_SERVER=unix:///tmp/sock reconnect
 *
 * First, with the server of RUMP_SERVER: four threads call while all
 * descriptors of the process, so also those of the library, are closed under
 * it, again and again.  Then with a server of its own (the program named by
 * RUMP_SERVER_PROGRAM): four threads call while the server is killed or
 * terminated, and started anew.
 *
 * A call that finds the connection lost, or loses it, connects and is made
 * again: in a new process of the server, where a descriptor of the old one's
 * means nothing.  No call may hang, none may fail otherwise, and none may get a
 * wrong answer.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#ifndef RUMPGEN_BUILD
#define RUMPGEN_BUILD	"/usr/local"
#endif

#define THREADS		4
#define BLOWS		20	/* times that all descriptors are closed */
#define RESTARTS	4
#define PATIENCE	20	/* seconds until all threads call again */
#define DATA_LEN	3000

/* --- four threads that call --- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t progress = PTHREAD_COND_INITIALIZER;
/* The mutex guards these. */
static unsigned long done[THREADS];	/* rounds of calls that went well */
static unsigned long lost;		/* calls that got EBADF */
static pid_t lastpid;			/* what getpid said last */
static unsigned pids;			/* how often it said something new */
static bool over;

static void
fail(const char *what)
{

	fprintf(stderr, "reconnect: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* A call returned -1: exits unless its descriptor was the old process's. */
static void
must_be_lost(const char *what)
{

	if (errno != EBADF)
		fail(what);
	pthread_mutex_lock(&mutex);
	lost++;
	pthread_mutex_unlock(&mutex);
}

/*
 * Getpid, a file written and read.  The descriptor is good for as long as the
 * connection: after a reconnect its number means nothing, or even another
 * thread's file, so the four of them share one file with always the same data.
 * Returns whether all calls were answered by one server process.
 */
static bool
call_round(const char *path, const char *out)
{
	char in[DATA_LEN];
	ssize_t n;
	pid_t pid;
	int fd;

	pid = rump_sys_getpid();
	if (pid == -1)
		fail("getpid");
	fd = rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (fd == -1)
		fail("open");
	n = rump_sys_pwrite(fd, out, DATA_LEN, 0);
	if (n != DATA_LEN) {
		must_be_lost("pwrite");
		return false;
	}
	n = rump_sys_pread(fd, in, DATA_LEN, 0);
	if (n != DATA_LEN) {
		must_be_lost("pread");
		return false;
	}
	if (memcmp(in, out, DATA_LEN) != 0) {
		errno = EILSEQ;
		fail("what pread brought is not what pwrite took");
	}
	if (rump_sys_close(fd) == -1) {
		must_be_lost("close");
		return false;
	}
	pthread_mutex_lock(&mutex);
	if (pid != lastpid)
		pids++;
	lastpid = pid;
	pthread_mutex_unlock(&mutex);
	return true;
}

static void *
caller(void *arg)
{
	unsigned self = (unsigned)(size_t)arg;
	char out[DATA_LEN];
	bool well, stop = false;

	memset(out, 'r', sizeof(out));
	while (!stop) {
		well = call_round("/reconnect", out);
		pthread_mutex_lock(&mutex);
		if (well) {
			done[self]++;
			pthread_cond_signal(&progress);
		}
		stop = over;
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

/* Returns when every thread has done two rounds from now on: the second has
 * begun after this call, so it went over a connection that works. */
static void
wait_for_all(const char *after)
{
	struct timespec limit;
	unsigned long goal[THREADS];
	unsigned i;

	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += PATIENCE;
	pthread_mutex_lock(&mutex);
	for (i = 0; i < THREADS; i++)
		goal[i] = done[i] + 2;
	for (i = 0; i < THREADS; i++) {
		while (done[i] < goal[i]) {
			errno = pthread_cond_timedwait(&progress, &mutex,
			    &limit);
			if (errno != 0)
				fail(after);
		}
	}
	pthread_mutex_unlock(&mutex);
}

static void
start_callers(pthread_t thread[THREADS])
{
	size_t i;

	if (rumpclient_init() == -1)
		exit(1);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	for (i = 0; i < THREADS; i++) {
		errno = pthread_create(&thread[i], NULL, caller, (void *)i);
		if (errno != 0)
			fail("pthread_create");
	}
	wait_for_all("the first calls");
}

static void
end_callers(pthread_t thread[THREADS], const char *what)
{
	unsigned long rounds = 0;
	unsigned i;

	pthread_mutex_lock(&mutex);
	over = true;
	pthread_mutex_unlock(&mutex);
	for (i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		rounds += done[i];
	}
	rump_sys_unlink("/reconnect");
	printf("%s: %lu rounds of calls went well, %lu descriptors were lost\n",
	    what, rounds, lost);
}

/* --- part one: descriptors closed --- */

static void
close_descriptors(void)
{
	pthread_t thread[THREADS];
	unsigned i;

	start_callers(thread);
	for (i = 0; i < BLOWS; i++) {
		/* As a careless program does that "closes everything". */
		close_range(3, ~0U, 0);
		wait_for_all("calls after all descriptors were closed");
	}
	end_callers(thread, "descriptors closed");
	/* One process to begin with and a fresh one after each blow. */
	printf("descriptors closed: %u processes in the server\n", pids);
	if (pids <= BLOWS) {
		errno = ENOTCONN;
		fail("not every blow was felt");
	}
}

/* --- part two: the server restarted --- */

static pid_t
start_server(const char *locator, const char *root)
{
	const char *program = getenv("RUMP_SERVER_PROGRAM");
	char ready[16], c;
	struct pollfd pfd;
	pid_t pid;
	int fd[2];

	if (program == NULL)
		program = RUMPGEN_BUILD "/bin/rump_server";
	if (pipe(fd) == -1)
		fail("pipe");
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Nothing of the parent's but the pipe: the server must not
		 * keep its predecessor's connections open. */
		dup2(fd[1], 3);
		close_range(4, ~0U, 0);
		snprintf(ready, sizeof(ready), "%d", 3);
		execl(program, program, "--root", root, "--ready-fd", ready,
		    locator, (char *)NULL);
		fprintf(stderr, "reconnect: %s: %s\n", program,
		    strerror(errno));
		_exit(127);
	}
	close(fd[1]);
	pfd = (struct pollfd){ .fd = fd[0], .events = POLLIN };
	if (poll(&pfd, 1, PATIENCE * 1000) != 1 || read(fd[0], &c, 1) != 1)
		fail("starting a server");
	close(fd[0]);
	return pid;
}

static void
stop_server(pid_t pid, int signo)
{

	kill(pid, signo);
	if (waitpid(pid, NULL, 0) != pid)
		fail("waitpid");
}

static void
restart_server(void)
{
	char dir[] = "/tmp/reconnect.XXXXXX", locator[64], file[64];
	pthread_t thread[THREADS];
	unsigned i;
	pid_t pid;

	if (mkdtemp(dir) == NULL)
		fail("mkdtemp");
	snprintf(locator, sizeof(locator), "unix://%s/sock", dir);
	setenv("RUMP_SERVER", locator, 1);
	pid = start_server(locator, dir);
	start_callers(thread);
	for (i = 0; i < RESTARTS; i++) {
		/* Killed it leaves its socket behind, for the next to find. */
		stop_server(pid, i % 2 == 0 ? SIGKILL : SIGTERM);
		pid = start_server(locator, dir);
		wait_for_all("calls after the server was restarted");
	}
	end_callers(thread, "server restarted");
	stop_server(pid, SIGTERM);
	snprintf(file, sizeof(file), "%s/sock", dir);
	unlink(file);
	if (rmdir(dir) == -1)
		fail(dir);
}

/* --- */

/* Each part in a process of its own, which so has a connection of its own. */
static bool
run(void (*part)(void))
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		part();
		exit(0);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	bool closed, restarted;

	printf("%d threads call; all descriptors closed %d times; then the "
	    "server restarted %d times\n", THREADS, BLOWS, RESTARTS);
	closed = run(close_descriptors);
	restarted = run(restart_server);
	if (!closed || !restarted)
		return 1;
	printf("every call was answered\n");
	return 0;
}
