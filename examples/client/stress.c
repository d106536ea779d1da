/*
 * stress: many clients of many threads, killed at random.
 *
 *	RUMP_SERVER=unix:///tmp/sock stress [-t seconds] [-s seed]
 *
 * 32 clients of 8 threads each call for 5 seconds (-t: up to 60) and verify
 * every answer.  Meanwhile clients are killed at random, in the middle of
 * whatever they do, and new ones take their place.  When it is over the
 * server must still answer, and must have no client left: all clients have
 * inherited the writing end of a pipe, and when the last of them is gone in
 * the server, too, reading the other end says so.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#define CLIENTS		32
#define THREADS		8
#define MAX_SECONDS	60
#define MAX_DATA	65536
#define GRACE_SECONDS	60	/* for the end; longer is a hang */

/* Shared by the parent and all clients. */
struct board {
	atomic_bool stop;
	atomic_ullong calls;		/* verified */
	atomic_bool ready[CLIENTS];	/* connected and calling: may be killed */
};

static struct board *board;

/* --- a client --- */

struct caller {
	pthread_t thread;
	unsigned number;	/* in this client */
	unsigned seed;
	int in, out;		/* pipe ends of the two that play ping-pong */
};

static pid_t mypid;		/* of this client in the server */

/* A wrong answer ends the client; the parent sees the exit status. */
static void
wrong(const char *what)
{

	fprintf(stderr, "stress: client %d: %s: %s\n", (int)getpid(), what,
	    strerror(errno));
	_exit(1);
}

static void
verified(unsigned calls)
{

	atomic_fetch_add_explicit(&board->calls, calls, memory_order_relaxed);
}

/* A file of its own, without a name as soon as it is open. */
static int
open_scratch(unsigned number)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/stress.%d.%u", (int)getpid(), number);
	fd = rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_EXCL,
	    0600);
	if (fd == -1)
		wrong("open");
	if (rump_sys_unlink(path) == -1)
		wrong("unlink");
	verified(2);
	return fd;
}

/* What is written must be read again, whatever the size. */
static void
write_and_read(int fd, char *out, char *in, unsigned *seed)
{
	size_t i, len = (size_t)rand_r(seed) % MAX_DATA + 1;
	off_t at = rand_r(seed) % 4096;

	for (i = 0; i < len; i += 256)
		memset(out + i, rand_r(seed), len - i < 256 ? len - i : 256);
	if (rump_sys_pwrite(fd, out, len, at) != (ssize_t)len)
		wrong("pwrite");
	if (rump_sys_pread(fd, in, len, at) != (ssize_t)len)
		wrong("pread");
	if (memcmp(in, out, len) != 0) {
		errno = EILSEQ;
		wrong("what pread brought is not what pwrite took");
	}
	verified(2);
}

static void *
call_at_random(void *arg)
{
	static const char nowhere[] = "/there/is/no/such/file";
	struct caller *c = arg;
	char *out = malloc(MAX_DATA), *in = malloc(MAX_DATA);
	int fd;

	if (out == NULL || in == NULL)
		wrong("malloc");
	fd = open_scratch(c->number);
	while (!atomic_load(&board->stop)) {
		switch (rand_r(&c->seed) % 8) {
		case 0:
			write_and_read(fd, out, in, &c->seed);
			break;
		case 1:
			if (rump_sys_close(fd) == -1)
				wrong("close");
			verified(1);
			fd = open_scratch(c->number);
			break;
		case 2:
			if (rump_sys_open(nowhere, RUMP_O_RDONLY) != -1 ||
			    errno != ENOENT)
				wrong("open of a file that is not there");
			verified(1);
			break;
		default:
			if (rump_sys_getpid() != mypid)
				wrong("getpid");
			verified(1);
			break;
		}
	}
	if (rump_sys_close(fd) == -1)
		wrong("close");
	free(out);
	free(in);
	return NULL;
}

/*
 * Two threads send each other numbers through two pipes, so that at any time
 * one of them sleeps in the server.  The first ends it by closing its pipe.
 */
static void *
serve_ping(void *arg)
{
	struct caller *c = arg;
	uint32_t n = 0;

	while (!atomic_load(&board->stop)) {
		uint32_t back = 0;

		n++;
		if (rump_sys_write(c->out, &n, sizeof(n)) != sizeof(n))
			wrong("write to a pipe");
		if (rump_sys_read(c->in, &back, sizeof(back)) != sizeof(back))
			wrong("read from a pipe");
		if (back != ~n) {
			errno = EILSEQ;
			wrong("a wrong number came back through a pipe");
		}
		verified(2);
	}
	if (rump_sys_close(c->out) == -1)
		wrong("close");
	return NULL;
}

static void *
return_pong(void *arg)
{
	struct caller *c = arg;
	uint32_t n;
	ssize_t got;

	while ((got = rump_sys_read(c->in, &n, sizeof(n))) == sizeof(n)) {
		n = ~n;
		if (rump_sys_write(c->out, &n, sizeof(n)) != sizeof(n))
			wrong("write to a pipe");
		verified(2);
	}
	if (got != 0)
		wrong("the end of a pipe");
	return NULL;
}

static void
client(unsigned slot, unsigned seed)
{
	struct caller c[THREADS];
	int there[2], back[2];
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	mypid = rump_sys_getpid();
	if (mypid == -1 || rump_sys_pipe(there) == -1 ||
	    rump_sys_pipe(back) == -1)
		wrong("setting up");
	for (i = 0; i < THREADS; i++)
		c[i] = (struct caller){ .number = i, .seed = seed + i };
	c[0].out = there[1];
	c[0].in = back[0];
	c[1].out = back[1];
	c[1].in = there[0];
	for (i = 0; i < THREADS; i++) {
		errno = pthread_create(&c[i].thread, NULL, i == 0 ? serve_ping :
		    i == 1 ? return_pong : call_at_random, &c[i]);
		if (errno != 0)
			wrong("pthread_create");
	}
	atomic_store(&board->ready[slot], true);
	for (i = 0; i < THREADS; i++)
		pthread_join(c[i].thread, NULL);
	_exit(0);
}

/* --- the parent: it has one thread, so it may fork --- */

static pid_t children[CLIENTS];

static void
fail(const char *what)
{
	unsigned i;

	fprintf(stderr, "stress: %s: %s\n", what, strerror(errno));
	for (i = 0; i < CLIENTS; i++) {
		if (children[i] > 0)
			kill(children[i], SIGKILL);
	}
	exit(1);
}

static void
start_client(unsigned slot, unsigned seed)
{
	pid_t pid;

	atomic_store(&board->ready[slot], false);
	/* The child is a copy in the server as well, with the pipe. */
	pid = rumpclient_fork();
	if (pid == -1)
		fail("rumpclient_fork");
	if (pid == 0)
		client(slot, seed);
	children[slot] = pid;
}

/* Kills one that is in the middle of something; false if it is not yet. */
static bool
kill_client(unsigned slot)
{
	int status;

	if (!atomic_load(&board->ready[slot]))
		return false;
	kill(children[slot], SIGKILL);
	if (waitpid(children[slot], &status, 0) != children[slot])
		fail("waitpid");
	children[slot] = 0;
	errno = ECHILD;
	if (!WIFSIGNALED(status))
		fail("a client gave up");
	return true;
}

/* A client that ends by itself has found something wrong. */
static void
check_clients(void)
{

	if (waitpid(-1, NULL, WNOHANG) == 0)
		return;
	errno = ECHILD;
	fail("a client gave up");
}

static void
end_clients(void)
{
	unsigned i;
	int status;

	atomic_store(&board->stop, true);
	for (i = 0; i < CLIENTS; i++) {
		if (waitpid(children[i], &status, 0) != children[i])
			fail("waitpid");
		children[i] = 0;
		errno = ECHILD;
		if (status != 0)
			fail("a client gave up at the end");
	}
}

static void
sleep_ms(unsigned ms)
{
	struct timespec ts = { .tv_nsec = (long)ms * 1000000 };

	nanosleep(&ts, NULL);
}

static unsigned
kill_at_random(unsigned seconds, unsigned *seed)
{
	time_t end = time(NULL) + seconds;
	unsigned kills = 0, slot;

	while (time(NULL) < end) {
		sleep_ms((unsigned)rand_r(seed) % 60);
		check_clients();
		slot = (unsigned)rand_r(seed) % CLIENTS;
		if (!kill_client(slot))
			continue;
		kills++;
		start_client(slot, (unsigned)rand_r(seed));
	}
	return kills;
}

/* The server still knows us, and nobody else has the pipe. */
static void
check_server(pid_t before, int alive[2])
{
	char c;

	if (rump_sys_getpid() != before)
		fail("the server answers no more");
	if (rump_sys_close(alive[1]) == -1)
		fail("close");
	if (rump_sys_read(alive[0], &c, 1) != 0)
		fail("waiting for the server to forget the clients");
}

static unsigned
number(const char *s, unsigned max)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno != 0 || *s == '\0' || *end != '\0' || n > max) {
		fprintf(stderr, "stress: '%s' is not a number from 0 to %u\n",
		    s, max);
		exit(2);
	}
	return (unsigned)n;
}

int
main(int argc, char **argv)
{
	unsigned seconds = 5, seed = (unsigned)time(NULL), kills, i;
	int alive[2], opt;
	pid_t pid;

	while ((opt = getopt(argc, argv, "t:s:")) != -1) {
		switch (opt) {
		case 't':
			seconds = number(optarg, MAX_SECONDS);
			break;
		case 's':
			seed = number(optarg, UINT32_MAX);
			break;
		default:
			fprintf(stderr,
			    "usage: stress [-t seconds] [-s seed]\n");
			return 2;
		}
	}
	printf("%d clients of %d threads for %u s, seed %u\n", CLIENTS,
	    THREADS, seconds, seed);
	fflush(stdout);

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board == MAP_FAILED)
		fail("mmap");
	if (rumpclient_init() == -1)
		return 1;
	pid = rump_sys_getpid();
	if (pid == -1 || rump_sys_pipe(alive) == -1)
		fail("setting up");
	alarm(seconds + GRACE_SECONDS);
	for (i = 0; i < CLIENTS; i++)
		start_client(i, (unsigned)rand_r(&seed));
	kills = kill_at_random(seconds, &seed);
	end_clients();
	check_server(pid, alive);
	printf("%llu answers verified, %u clients killed, the server is well "
	    "and has none left\n", atomic_load(&board->calls), kills);
	return 0;
}
