/*
 * The tracer in the client library: a program that makes calls, forks and has
 * threads, against a server whose kernel answers every call alike.
 */
#include <sys/wait.h>

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "lib/suite.h"

enum { THREADS = 3, CALLS = 200 };

static char folder[64], file[80];

static int
proc_new(void *kern, struct rump_proc *p, const struct rumpserver_peer *peer,
    const char *comm)
{

	(void)kern;
	(void)p;
	(void)peer;
	(void)comm;
	return 0;
}

static int
proc_copy(void *kern, struct rump_proc *child, struct rump_proc *parent)
{

	(void)kern;
	(void)child;
	(void)parent;
	return 0;
}

static void
proc_exit(void *kern, struct rump_proc *p)
{

	(void)kern;
	(void)p;
}

/* read gives "data" and no file can be opened. */
static int
syscall_any(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2])
{
	uint64_t a[3] = { 0, 0, 0 };

	(void)kern;
	memcpy(a, args, len < sizeof(a) ? len : sizeof(a));
	switch (num) {
	case RUMP_SYS_open:
		return RUMP_ENOENT;
	case RUMP_SYS_read:
		retval[0] = 4;
		return rumpserver_copyout(l, "data", a[1], 4);
	default:
		return 0;
	}
}

static const struct rumpserver_kernel kernel = {
	.name = "alike",
	.ostype = "NetBSD",
	.osrelease = "7.99.34",
	.machine = "amd64",
	.proc_new = proc_new,
	.proc_copy = proc_copy,
	.proc_exit = proc_exit,
	.syscall = syscall_any,
};

/* Serves until its standard input, a pipe to the test, is closed. */
static pid_t
serve(const char *locator, int *life)
{
	struct rumpserver_config conf = { .kernel = &kernel };
	struct rumpserver *srv;
	int ready[2], alive[2];
	pid_t pid;
	char c;

	ck_assert_int_eq(pipe(ready), 0);
	ck_assert_int_eq(pipe(alive), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		close(alive[1]);
		srv = rumpserver_create(&conf);
		if (srv == NULL ||
		    rumpserver_listen(srv, locator, NULL, 0) != 0 ||
		    rumpserver_start(srv) != 0 ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		while (read(alive[0], &c, 1) > 0)
			continue;
		rumpserver_stop(srv, 0);
		rumpserver_destroy(srv);
		_exit(0);
	}
	close(ready[1]);
	close(alive[0]);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*life = alive[1];
	return pid;
}

static void *
caller(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < CALLS; i++)
		rump_sys_close(5);
	return NULL;
}

/* Runs in a process of its own. */
static int
program(void)
{
	pthread_t t[THREADS];
	char buf[16];
	int i, status;
	pid_t pid;

	if (rumpclient_init() != 0)
		return 1;
	rump_sys_open("/no such file", RUMP_O_RDWR, 0);
	rump_sys_read(3, buf, sizeof(buf));
	/* As a program does that closes what it does not know. */
	close_range(64, ~0U, 0);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, caller, NULL);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	pid = rumpclient_fork();
	if (pid == 0) {
		caller(NULL);
		_exit(0);
	}
	return pid == -1 || waitpid(pid, &status, 0) != pid || status != 0;
}

/* Lines whose text after the brackets begins with `begin`. */
static int
count(const char *begin)
{
	char line[512], *text;
	int n = 0;
	FILE *fp;

	fp = fopen(file, "r");
	ck_assert_ptr_nonnull(fp);
	while (fgets(line, sizeof(line), fp) != NULL) {
		ck_assert_int_eq(line[0], '[');
		ck_assert_int_eq(line[strlen(line) - 1], '\n');
		text = strchr(line, ']');
		ck_assert_ptr_nonnull(text);
		if (strncmp(text + 2, begin, strlen(begin)) == 0)
			n++;
	}
	fclose(fp);
	return n;
}

START_TEST(a_program)
{
	char locator[96];
	int life, status;
	pid_t server, pid;

	strcpy(folder, "/tmp/rumpgen-trace-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/trace", folder);
	snprintf(locator, sizeof(locator), "unix://%s/sock", folder);
	server = serve(locator, &life);
	setenv("RUMP_SERVER", locator, 1);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		setenv("RUMPCLIENT_TRACE", _i == 0 ? file : "stderr", 1);
		if (_i == 1 && freopen(file, "a", stderr) == NULL)
			_exit(2);
		_exit(program());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);

	ck_assert_int_eq(count("open(\"/no such file\", O_RDWR, 0) = -1 ENOENT "
	    "(No such file or directory) <0."), 1);
	ck_assert_int_eq(count("read(3, \"data\", 16) = 4 <0."), 1);
	ck_assert_int_eq(count("close(5) = 0 <0."), (THREADS + 1) * CALLS);
	ck_assert_int_eq(count(""), (THREADS + 1) * CALLS + 2);

	close(life);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_int_eq(status, 0);
	unlink(file);
	rmdir(folder);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace of a program");
	TCase *tc = tcase_create("program");

	tcase_add_loop_test(tc, a_program, 0, 2);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
