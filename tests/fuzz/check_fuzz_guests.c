/*
 * The real client library and the real host kernel: programs whose threads
 * call anything with anything, and are killed.
 *
 * An input is what two programs of three threads each do.  The server is a
 * process of its own; it must be there at the end, come to rest and leak
 * nothing.  A program that ends otherwise than by our SIGKILL or by itself
 * is a failure as well, guard on or off.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "fuzz/fuzz.h"
#include "fuzz/guest.h"
#include "fuzz/values.h"
#include "hostkern/hostkern.h"

enum { PROGRAMS = 2, THREADS = 3, CALLS = 40, KILL_MS = 60 };
enum { OBJECTS = 64, OBJECT_SIZE_MAX = 1024,
    MEMORY = OBJECTS * OBJECT_SIZE_MAX };

int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static pid_t server;
static int lifeline;		/* the server ends when this is closed */
static char socket_dir[64];

/* --- the server --- */

static void
serve(const char *root, const char *locator, int ready, int life)
{
	struct hostkern_config conf = { .root = root, .console_fd = -1 };
	struct rumpserver_config sc = { .kernel = &hostkern_kernel,
	    .prefork_timeout_ms = 500 };
	struct rumpserver_stats st;
	struct rumpserver *srv;
	struct hostkern *hk;
	char why[256], c;

	hk = hostkern_create(&conf, why, sizeof(why));
	if (hk == NULL)
		fuzz_fail("%s", why);
	sc.kern = hk;
	srv = rumpserver_create(&sc);
	if (srv == NULL || rumpserver_listen(srv, locator, NULL, 0) == -1 ||
	    rumpserver_start(srv) == -1)
		fuzz_fail("no server: %s", strerror(errno));
	if (write(ready, "r", 1) != 1)
		_exit(2);
	while (read(life, &c, 1) == -1 && errno == EINTR)
		continue;
	alarm(fuzz_hang());
	rumpserver_join(srv);
	rumpserver_stop(srv, 0);
	rumpserver_getstats(srv, &st);
	if (st.clients != 0 || st.calls_now != 0 || st.threads != 0)
		_exit(3);
	rumpserver_destroy(srv);
	hostkern_destroy(hk);
	if (__lsan_do_recoverable_leak_check != NULL &&
	    __lsan_do_recoverable_leak_check() != 0)
		_exit(4);
	_exit(0);
}

static void
setup(void)
{
	const char *root;
	char locator[128], c;
	int ready[2], life[2];

	guest_confine();
	root = guest_root();
	strcpy(socket_dir, "/tmp/rumpgen-guests-XXXXXX");
	if (mkdtemp(socket_dir) == NULL || pipe(ready) == -1 ||
	    pipe(life) == -1)
		fuzz_fail("setup: %s", strerror(errno));
	snprintf(locator, sizeof(locator), "unix://%s/sock", socket_dir);
	fflush(NULL);
	server = fork();
	if (server == 0) {
		alarm(0);
		close(life[1]);
		serve(root, locator, ready[1], life[0]);
	}
	close(ready[1]);
	close(life[0]);
	lifeline = life[1];
	if (server == -1 || read(ready[0], &c, 1) != 1)
		fuzz_fail("the server does not start");
	close(ready[0]);
	setenv("RUMP_SERVER", locator, 1);
}

static void
finish(void)
{
	int status;

	close(lifeline);
	if (waitpid(server, &status, 0) != server || status != 0)
		fuzz_fail("the server ends with status 0x%x", status);
	rmdir(socket_dir);
	guest_root_remove();
}

/* --- a program --- */

static struct supply plan[THREADS];

/* With nothing on either side: a call that is given more room than there is
 * fails and does not write over what else is in the program. */
static uint8_t *
map_memory(void)
{
	const size_t wall = 256 << 20;
	uint8_t *p;

	p = mmap(NULL, wall + MEMORY + wall, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED || mprotect(p + wall, MEMORY,
	    PROT_READ | PROT_WRITE) == -1)
		_exit(90);
	return p + wall;
}

/* Memory that objects are put into, the oldest giving way. */
struct memory {
	uint8_t *bytes;
	unsigned next;
};

static struct object_space space_of(struct memory *);

static uint64_t
place(void *cookie, enum object_kind kind, uint32_t seed)
{
	struct memory *m = cookie;
	struct object_space sp = space_of(m);
	uint8_t *to;

	/* What is behind pointers in objects may be anything. */
	to = m->bytes + OBJECT_SIZE_MAX * (kind == OBJECT_NOISE ? seed % 8 :
	    8 + m->next++ % (OBJECTS - 8));
	if (kind != OBJECT_NOISE)
		object_read(&sp, kind, seed, 0, to, 128);
	return (uintptr_t)to;
}

static struct object_space
space_of(struct memory *m)
{

	return (struct object_space){ place, m };
}

static void *
make_calls(void *arg)
{
	struct supply *in = arg;
	struct memory m = { .bytes = map_memory() };
	struct object_space sp = space_of(&m);
	struct guest_call c;
	register_t rv[2];
	uint8_t bytes[8];
	unsigned num;
	int i, error;

	for (i = 0; i < CALLS && in->left > 0; i++) {
		num = guest_number(take32(in));
		take_bytes(in, bytes, sizeof(bytes));
		guest_call(&sp, num, 0, bytes, sizeof(bytes), &c);
		error = rumpclient_syscall((int)c.num, c.args, c.nargs * 8,
		    rv);
		if (error < 0 || error > RUMP_ELAST)
			_exit(91);
	}
	return NULL;
}

/* A fault ends the program; the same signal raised by the kernel that a call
 * asked for it (a timer, say) does not. */
static void
fault(int signo, siginfo_t *si, void *context)
{

	(void)context;
	if (si->si_code > 0)
		signal(signo, SIG_DFL);
}

static void
ignore_signals(void)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
	    SIGTRAP, SIGABRT, SIGSYS };
	struct sigaction sa = { .sa_sigaction = fault,
	    .sa_flags = SA_SIGINFO };
	size_t i;
	int signo;

	for (signo = 1; signo <= SIGRTMAX; signo++)
		signal(signo, SIG_IGN);
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigaction(faults[i], &sa, NULL);
}

static void
program(const uint8_t *data, size_t len)
{
	pthread_t t[THREADS];
	unsigned i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(lifeline);
	ignore_signals();
	if (getenv("FUZZ_LOG") == NULL &&
	    freopen("/dev/null", "w", stderr) == NULL)
		_exit(92);
	if (len > 2)
		values_narrow((uint64_t)data[0] << 8 | data[1],
		    data[2] < 128 ? 3 : 0);
	if (rumpclient_init() == -1)
		_exit(93);
	for (i = 0; i < THREADS; i++) {
		plan[i] = (struct supply){ data + i * len / THREADS,
		    len / THREADS };
		if (pthread_create(&t[i], NULL, make_calls, &plan[i]) != 0)
			_exit(94);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	_exit(0);
}

static void
reap(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		fuzz_fail("waitpid: %s", strerror(errno));
	if (status != 0 && !(WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL))
		fuzz_fail("a program ends with status 0x%x", status);
}

static void
run(const uint8_t *data, size_t len)
{
	const struct timespec a_while = { .tv_nsec = KILL_MS * 1000000 };
	pid_t pid[PROGRAMS];
	unsigned i;

	for (i = 0; i < PROGRAMS; i++) {
		pid[i] = fork();
		if (pid[i] == -1)
			fuzz_fail("fork: %s", strerror(errno));
		if (pid[i] == 0)
			program(data + i * len / PROGRAMS, len / PROGRAMS);
	}
	/* Most block sooner or later; this is their time. */
	nanosleep(&a_while, NULL);
	for (i = 0; i < PROGRAMS; i++)
		reap(pid[i]);
	if (waitpid(server, NULL, WNOHANG) != 0)
		fuzz_fail("the server is gone");
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{

	return fuzz_random(r, buf, FUZZ_MAX);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_guests", .setup = setup, .make = make, .run = run,
	.finish = finish
};
