/*
 * Every place in the runtime where the host is called fails once, in each way
 * that such a call has: the server and a client do a bit of everything
 * meanwhile.  Afterwards the connection works or is cleanly gone, another
 * client finds a server that works, and when the server has ended, no
 * descriptor, thread or memory is left.
 *
 * The server runs on threads of its own behind a local socket; sites that are
 * reached only in an event loop or over TCP have their turn there.
 *
 * RUMPGEN_FAULT_EVERY=N takes one case of N only, as is done under a
 * sanitizer, where each is ten times as slow, unless it says 1.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"
#include "tests/fault/fault.h"
#include "tests/fault/workload.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/suite.h"
#include "tests/lib/tree.h"

enum {
	PARTS = 8,
	LOCATOR_LEN = 128,
	SITES = 2048,
	CASE_S = 120,		/* a case that takes longer hangs */
	STOP_MS = 2000,
};

/* How the server runs and listens. */
enum way { THREADS, LOOP, TCP };

/* How the process of a case ends. */
enum { WELL, BROKEN = 10 };

/* Where there is a leak checker: finds what is lost by now. */
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));

static char dir[64], root[80];
static char *locator;		/* shared: where the server really listens */
static enum way way;

/* --- what is left --- */

static int
entries(const char *name)
{
	DIR *d = opendir(name);
	int n = 0;

	if (d == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
nap(void)
{

	nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
}

/* Says what is not as it should be, and ends the process. */
static void
broken(const char *what)
{

	fprintf(stderr, "fault: %s\n", what);
	_exit(BROKEN);
}

static void
check_leaks(const char *whose)
{

	if (__lsan_do_recoverable_leak_check != NULL &&
	    __lsan_do_recoverable_leak_check() != 0)
		broken(whose);
}

/* --- clients --- */

struct helper {
	pid_t pid;
	int start;		/* a byte: begin; the end: there is no server */
};

/* Something may fail under it; then it does all once more. */
static void
client_under_fault(void)
{
	const char *failed;

	setenv("RUMP_SERVER", locator, 1);
	if (rumpclient_init() == -1)
		return;
	workload();
	fault_disarm();
	if (rump_sys_getpid() == -1)
		return;		/* the connection is gone */
	failed = workload();
	if (failed != NULL) {
		fprintf(stderr, "fault: afterwards a client's step '%s' "
		    "fails: %s\n", failed, strerror(errno));
		_exit(BROKEN);
	}
	check_leaks("the client leaks");
}

static void
client_afterwards(void)
{
	const char *failed;

	setenv("RUMP_SERVER", locator, 1);
	if (rumpclient_init() == -1)
		broken("afterwards nobody can connect");
	failed = workload();
	if (failed != NULL) {
		fprintf(stderr, "fault: afterwards another client's step "
		    "'%s' fails: %s\n", failed, strerror(errno));
		_exit(BROKEN);
	}
}

/*
 * A client that begins later: forked before there are threads.  `other' is one
 * made before, whose end of a pipe is not this one's to hold open, or NULL.
 */
static struct helper
helper_make(void (*body)(void), const struct helper *other)
{
	struct helper h;
	int fd[2];
	char c;

	if (pipe(fd) == -1 || (h.pid = fork()) == -1)
		broken("no process for a client");
	if (h.pid == 0) {
		close(fd[1]);
		if (other != NULL)
			close(other->start);
		if (read(fd[0], &c, 1) == 1)
			body();
		_exit(WELL);
	}
	close(fd[0]);
	h.start = fd[1];
	return h;
}

/* --- the server --- */

static void
quiet(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	if (level <= RUMPSERVER_LOG_WARN && getenv("FAULT_VERBOSE") != NULL)
		fprintf(stderr, "server: %s\n", line);
}

static struct hostkern *
kernel_start(void)
{
	const struct hostkern_config conf = { .root = root, .console_fd = -1,
	    .anon_set = true, .anon_uid = getuid(), .anon_gid = getgid() };
	char why[128];

	return hostkern_create(&conf, why, sizeof(why));
}

static struct rumpserver *
server_start(struct hostkern *hk)
{
	const struct rumpserver_config sc = { .kernel = &hostkern_kernel,
	    .kern = hk, .log = quiet };
	struct rumpserver *srv;
	char wanted[96];

	srv = rumpserver_create(&sc);
	if (srv == NULL)
		return NULL;
	snprintf(wanted, sizeof(wanted), way == TCP ? "tcp://127.0.0.1:0/" :
	    "unix://%s/sock", dir);
	if (rumpserver_listen(srv, wanted, locator, LOCATOR_LEN) == 0 &&
	    (way == LOOP || rumpserver_start(srv) == 0))
		return srv;
	rumpserver_stop(srv, 0);
	rumpserver_destroy(srv);
	return NULL;
}

/* Lets the server run for a moment; srv may be NULL. */
static void
serve(struct rumpserver *srv)
{
	struct pollfd pfd = { .events = POLLIN };

	if (way != LOOP || srv == NULL) {
		nap();
		return;
	}
	pfd.fd = rumpserver_pollfd(srv);
	rumpserver_step(srv);
	poll(&pfd, 1, 1);
}

static void
helper_run(struct helper *h, struct rumpserver *srv)
{
	int status;

	if (srv != NULL && write(h->start, "", 1) != 1)
		broken("a client has ended");
	close(h->start);
	while (waitpid(h->pid, &status, WNOHANG) == 0)
		serve(srv);
	if (!WIFEXITED(status)) {
		fprintf(stderr, "fault: a client is killed by signal %d\n",
		    WTERMSIG(status));
		_exit(BROKEN);
	}
	if (WEXITSTATUS(status) != WELL)
		_exit(BROKEN);
}

/* Everybody has gone, also as the server sees it. */
static void
await_nobody(struct rumpserver *srv)
{
	struct rumpserver_stats st;

	do {
		serve(srv);
		rumpserver_getstats(srv, &st);
	} while (st.clients > 0);
}

/* One case, in a process of its own; site NULL: nothing fails. */
static void
run(const struct fault_site *site, enum fault_way how)
{
	struct helper first, second;
	struct rumpserver *srv;
	struct hostkern *hk;
	int fds;
	bool failed;

	first = helper_make(client_under_fault, NULL);
	second = helper_make(client_afterwards, &first);
	fds = entries("/proc/self/fd");
	if (site != NULL)
		fault_arm(site, how, 1);

	hk = kernel_start();
	srv = hk != NULL ? server_start(hk) : NULL;
	helper_run(&first, srv);
	failed = fault_disarm();
	helper_run(&second, srv);
	if (srv == NULL && !failed)
		broken("the server does not start");
	if (srv != NULL) {
		await_nobody(srv);
		/* What is called in the end only. */
		if (site != NULL && !failed)
			fault_arm(site, how, 1);
		rumpserver_stop(srv, STOP_MS);
		rumpserver_destroy(srv);
	}
	if (hk != NULL)
		hostkern_destroy(hk);
	while (entries("/proc/self/task") != 3)
		nap();		/* "." and ".." */
	if (entries("/proc/self/fd") != fds - 2)
		broken("descriptors are left open");
	check_leaks("the server leaks");
	_exit(WELL);
}

/* --- cases --- */

/* How the case ended: NULL as it should, or what is wrong. */
static const char *
try(const struct fault_site *site, enum fault_way how)
{
	static char why[64];
	char sock[80];
	struct pollfd pfd = { .events = POLLIN };
	int fd[2], status;
	pid_t pid;

	ck_assert_int_eq(pipe(fd), 0);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		setpgid(0, 0);
		close(fd[0]);
		run(site, how);
	}
	setpgid(pid, pid);
	close(fd[1]);
	/* Its end is when all that it has started are gone. */
	pfd.fd = fd[0];
	why[0] = '\0';
	if (poll(&pfd, 1, CASE_S * 1000) == 0) {
		snprintf(why, sizeof(why), "hangs");
		kill(-pid, SIGABRT);
		kill(-pid, SIGKILL);
	}
	close(fd[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (why[0] == '\0' && WIFSIGNALED(status))
		snprintf(why, sizeof(why), "killed by signal %d",
		    WTERMSIG(status));
	else if (why[0] == '\0' && WEXITSTATUS(status) != WELL)
		snprintf(why, sizeof(why), "exit %d", WEXITSTATUS(status));
	snprintf(sock, sizeof(sock), "%s/sock", dir);
	unlink(sock);
	return why[0] != '\0' ? why : NULL;
}

static void
setup(void)
{

	signal(SIGPIPE, SIG_IGN);
	strcpy(dir, "/tmp/rumpgen-fault-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(root, sizeof(root), "%s/root", dir);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	locator = mmap(NULL, LOCATOR_LEN, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(locator, MAP_FAILED);
	fault_init();
}

static void
teardown(void)
{

	tree_remove(dir);
}

static unsigned
every(void)
{
	const char *s = getenv("RUMPGEN_FAULT_EVERY");

	if (s != NULL && atoi(s) > 0)
		return (unsigned)atoi(s);
	return UNDER_SANITIZER ? 8 : 1;
}

/* The sites of this way that the one before has not reached. */
static unsigned
find_sites(enum way w, struct fault_site *sites)
{
	static struct fault_site before[SITES];
	unsigned nbefore = 0, n, i, j = 0, kept = 0;

	if (w != THREADS) {
		way = THREADS;
		ck_assert_ptr_null(try(NULL, 0));
		nbefore = fault_sites(before, SITES);
	}
	way = w;
	ck_assert_ptr_null(try(NULL, 0));
	n = fault_sites(sites, SITES);
	for (i = 0; i < n; i++) {
		while (j < nbefore && before[j].where < sites[i].where)
			j++;
		if (j == nbefore || before[j].where != sites[i].where)
			sites[kept++] = sites[i];
	}
	return kept;
}

static void
fail_each(enum way w, unsigned part, unsigned parts)
{
	static struct fault_site sites[SITES];
	unsigned n, i, bit, cases = 0, bad = 0;
	const char *why;

	n = find_sites(w, sites);
	ck_assert_uint_gt(n, 0);
	for (i = 0; i < n; i++) {
		for (bit = 1; bit <= FAULT_EMFILE; bit <<= 1) {
			if ((sites[i].ways & bit) == 0 ||
			    cases++ % (parts * every()) != part)
				continue;
			why = try(&sites[i], bit);
			if (why == NULL)
				continue;
			bad++;
			fprintf(stderr, "fault: %s: %s\n",
			    fault_name(&sites[i], bit), why);
		}
	}
	printf("%u sites, %u cases in %u parts\n", n, cases, parts * every());
	ck_assert_msg(bad == 0, "%u cases go wrong", bad);
}

START_TEST(threads)
{
	fail_each(THREADS, (unsigned)_i, PARTS);
}
END_TEST

START_TEST(event_loop)
{
	fail_each(LOOP, 0, 1);
}
END_TEST

START_TEST(tcp)
{
	fail_each(TCP, 0, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("faults of the host");
	TCase *tc = tcase_create("each site");

	tcase_set_timeout(tc, 3600);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, threads, 0, PARTS);
	tcase_add_test(tc, event_loop);
	tcase_add_test(tc, tcp);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
