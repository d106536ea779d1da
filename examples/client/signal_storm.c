/*
 * signal_storm: rump calls from a signal handler, while rump calls are in
 * progress.
 *
 *	RUMP_SERVER=unix:///tmp/sock signal_storm
 *
 * A timer strikes every 10 ms and its handler makes calls of its own; the
 * program meanwhile makes 20,000 calls and checks every answer.  Now and then
 * it waits in a read(2) of a pipe that only the handler writes to: that read
 * can end only if a handler may call while a call sleeps.
 */
#include <sys/time.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#define CALLS		20000
#define TICK_US		10000
#define READ_EVERY	1000	/* calls between two reads of the pipe */
#define LIMIT_SECONDS	100	/* a hang is a failure, not a wait */

static pid_t mypid;		/* in the server */
static int pipefd[2];

static volatile sig_atomic_t ticks;
static volatile sig_atomic_t bad_ticks;	/* a call in the handler went wrong */
static volatile sig_atomic_t waiting;	/* a read wants a byte */

static void
on_tick(int signo)
{
	int saved_errno = errno;

	(void)signo;
	ticks++;
	if (rump_sys_getpid() != mypid)
		bad_ticks++;
	if (waiting) {
		waiting = 0;
		if (rump_sys_write(pipefd[1], "!", 1) != 1)
			bad_ticks++;
	}
	errno = saved_errno;
}

static void
fail(const char *what)
{

	fprintf(stderr, "signal_storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
start_storm(void)
{
	struct sigaction sa = { .sa_handler = on_tick, .sa_flags = SA_RESTART };
	struct itimerval tick = {
		.it_interval = { .tv_usec = TICK_US },
		.it_value = { .tv_usec = TICK_US },
	};

	/* The host's timer: it strikes this process, not the server. */
	if (sigaction(SIGALRM, &sa, NULL) == -1 ||
	    setitimer(ITIMER_REAL, &tick, NULL) == -1)
		fail("starting the timer");
}

static void
stop_storm(void)
{
	struct itimerval never = { .it_value = { .tv_usec = 0 } };

	setitimer(ITIMER_REAL, &never, NULL);
}

/* Two calls: what is written must be read again. */
static void
write_and_read(int fd, unsigned i)
{
	char out[600], in[600];

	memset(out, (int)i, sizeof(out));
	if (rump_sys_pwrite(fd, out, sizeof(out), 0) != sizeof(out))
		fail("pwrite");
	if (rump_sys_pread(fd, in, sizeof(in), 0) != sizeof(in))
		fail("pread");
	if (memcmp(in, out, sizeof(in)) != 0) {
		errno = EILSEQ;
		fail("what pread brought is not what pwrite took");
	}
}

static void
check_getpid(void)
{
	pid_t pid = rump_sys_getpid();

	if (pid != mypid) {
		fprintf(stderr, "signal_storm: getpid: %d instead of %d: %s\n",
		    (int)pid, (int)mypid, strerror(errno));
		exit(1);
	}
}

/* One call that sleeps until the handler has made one. */
static void
wait_for_handler(void)
{
	char c = 0;

	waiting = 1;
	if (rump_sys_read(pipefd[0], &c, 1) != 1 || c != '!')
		fail("read from the pipe that the handler writes to");
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + ts.tv_nsec / 1e9;
}

int
main(void)
{
	unsigned calls = 0, reads = 0, i = 0;
	double start, took;
	sigset_t tick;
	int fd;

	if (rumpclient_init() == -1)
		return 1;
	mypid = rump_sys_getpid();
	fd = rump_sys_open("/signal_storm", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (mypid == -1 || fd == -1 || rump_sys_pipe(pipefd) == -1)
		fail("setting up");
	printf("%d calls as process %d, a handler's call every %d ms\n",
	    CALLS, (int)mypid, TICK_US / 1000);

	start = now();
	start_storm();
	while (calls < CALLS) {
		check_getpid();
		write_and_read(fd, i++);
		calls += 3;
		if (calls / READ_EVERY > reads) {
			wait_for_handler();
			reads++;
			calls++;
		}
		if (now() - start > LIMIT_SECONDS) {
			errno = ETIMEDOUT;
			fail("20,000 calls");
		}
	}
	stop_storm();
	took = now() - start;

	/* No handler from here on, so the sums hold still. */
	sigemptyset(&tick);
	sigaddset(&tick, SIGALRM);
	sigprocmask(SIG_BLOCK, &tick, NULL);
	if (bad_ticks != 0 || ticks < (int)reads) {
		fprintf(stderr, "signal_storm: %d of %d handlers failed\n",
		    (int)bad_ticks, (int)ticks);
		return 1;
	}
	rump_sys_unlink("/signal_storm");
	printf("%u calls right in %.1f s, %d handlers called in between, "
	    "%u of them ended a sleeping read\n", calls, took, (int)ticks,
	    reads);
	return 0;
}
