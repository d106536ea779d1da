/*
 * What the server is shut in with: by itself, in a process that it would end,
 * and in rump_server.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/landlock.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>

#include "lib/suite.h"
#include "program.h"
#include "rump_server/sandbox.h"
#include "rump_server/user.h"
#include "testkern.h"

static char said[65536];	/* by the last child */

/* Runs f in a child with its stderr in said[]; its status, -1: killed. */
static int
in_child(int (*f)(void))
{
	int err[2], status;
	size_t len;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(err[1], STDERR_FILENO);
		_exit(f());
	}
	close(err[1]);
	len = 0;
	while ((n = read(err[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(err[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In the child: the line of the first that is not so is its status. */
#define MUST(e)	do { if (!(e)) return __LINE__ % 250 + 1; } while (0)

/* --- host calls --- */

static bool
refused(long rc)
{

	return rc == -1 && errno == ENOSYS;
}

static void *
call_refused(void *arg)
{

	*(bool *)arg = refused(syscall(SYS_ptrace, 0, 0, 0, 0));
	return NULL;
}

/* With all signals blocked, as the C library has them at times. */
static int
refused_calls(void)
{
	pthread_t thread;
	sigset_t all;
	bool also = false;

	MUST(user_no_new_privs() && sandbox_calls());
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	MUST(refused(syscall(SYS_personality, 0xffffffff)));
	MUST(refused(syscall(SYS_execve, "/bin/true", NULL, NULL)));
	MUST(refused(syscall(SYS_unshare, 0)));
	MUST(refused(syscall(SYS_clone3, NULL, 0)));
	MUST(refused(fork()));
	MUST(refused(socket(AF_PACKET, SOCK_RAW, 0)));
	MUST(refused(kill(getppid(), 0)));
	MUST(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOSYS);
	MUST(refused(ioctl(0, TIOCSTI, "x")));
	MUST(refused(fcntl(0, F_SETOWN, 1)));
	MUST(socket(AF_INET, SOCK_STREAM, 0) != -1);
	MUST(kill(getpid(), 0) == 0);
	MUST(pthread_create(&thread, NULL, call_refused, &also) == 0);
	MUST(pthread_join(thread, NULL) == 0 && also);
	return 0;
}

START_TEST(calls_are_refused)
{

	if (skip_under_sanitizer())
		return;
	ck_assert_int_eq(in_child(refused_calls), 0);
	ck_assert_ptr_nonnull(strstr(said,
	    "rump_server: refused host call personality ("));
}
END_TEST

static int
refused_often(void)
{
	int i;

	MUST(user_no_new_privs() && sandbox_calls());
	for (i = 0; i < 5000; i++)
		MUST(refused(syscall(SYS_personality, 0xffffffff)));
	return 0;
}

static time_t
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

START_TEST(few_lines)
{
	const char *p;
	time_t begin, end;
	long lines;

	if (skip_under_sanitizer())
		return;
	begin = seconds();
	ck_assert_int_eq(in_child(refused_often), 0);
	end = seconds();
	ck_assert_ptr_null(strstr(said, "in silence"));
	lines = 0;
	for (p = said; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	ck_assert_int_ge(lines, 1);
	ck_assert_int_le(lines, end - begin + 1);
}
END_TEST

/* --- files --- */

static bool
has_landlock(void)
{

	return syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION) >= 2;
}

static int
touch(const char *path)
{
	int fd;

	fd = open(path, O_WRONLY | O_CREAT, 0600);
	return fd == -1 ? -1 : close(fd);
}

static void *
open_outside(void *arg)
{

	*(bool *)arg = open("../outside", O_RDONLY) == -1 && errno == EACCES;
	return NULL;
}

/* In rs.dir are a directory `root', where this begins, and a file `outside'. */
static int
fenced_in(void)
{
	char sock[128], root[96];
	const char *left[] = { sock };
	pthread_t thread;
	bool also = false;

	snprintf(root, sizeof(root), "%s/root", rs.dir);
	snprintf(sock, sizeof(sock), "%s/left/sock", rs.dir);
	MUST(user_no_new_privs() && sandbox_files(root, left, 1));
	/* Outside. */
	MUST(open("../outside", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("../outside", O_WRONLY) == -1 && errno == EACCES);
	MUST(open("../new", O_CREAT | O_RDWR, 0600) == -1 && errno == EACCES);
	MUST(open("/etc/passwd", O_RDONLY) == -1 && errno == EACCES);
	MUST(truncate("../outside", 0) == -1 && errno == EACCES);
	MUST(unlink("../outside") == -1 && errno == EACCES);
	MUST(rename("f", "../f") == -1);
	MUST(link("../outside", "l") == -1);
	MUST(pthread_create(&thread, NULL, open_outside, &also) == 0);
	MUST(pthread_join(thread, NULL) == 0 && also);
	/* What is removed at the end. */
	MUST(touch(sock) == -1 && errno == EACCES);
	MUST(unlink("../left/old") == 0);
	/* What it needs itself. */
	MUST(open("/dev/null", O_RDWR) != -1);
	MUST(open("/proc/self/mountinfo", O_RDONLY) != -1);
	MUST(open("/proc/self/mountinfo", O_WRONLY) == -1);
	/* Everything below the root. */
	MUST(touch("f") == 0 && mkdir("a", 0700) == 0);
	MUST(rename("f", "a/f") == 0 && link("a/f", "g") == 0);
	MUST(truncate("g", 5) == 0 && mkfifo("p", 0600) == 0);
	MUST(symlink("g", "s") == 0 && open("s", O_RDWR) != -1);
	MUST(unlink("g") == 0 && unlink("a/f") == 0 && rmdir("a") == 0);
	return 0;
}

START_TEST(files_are_fenced)
{
	char path[128];

	if (!has_landlock()) {
		skip("needs landlock");
		return;
	}
	if (skip_under_sanitizer())
		return;
	rs_scratch();
	snprintf(path, sizeof(path), "%s/outside", rs.dir);
	ck_assert_int_eq(touch(path), 0);
	snprintf(path, sizeof(path), "%s/left", rs.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/left/old", rs.dir);
	ck_assert_int_eq(touch(path), 0);
	snprintf(path, sizeof(path), "%s/root", rs.dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(chdir(path), 0);
	ck_assert_int_eq(in_child(fenced_in), 0);
	ck_assert_int_eq(chdir("/"), 0);
	rs_cleanup();
}
END_TEST

/* The root / is no restriction. */
static int
fenced_by_nothing(void)
{

	MUST(user_no_new_privs() && sandbox_files("//", NULL, 0));
	MUST(open("/etc/passwd", O_RDONLY) != -1);
	return 0;
}

START_TEST(whole_host)
{

	ck_assert_int_eq(in_child(fenced_by_nothing), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

/* --- the program --- */

/* A line of a thread's status, from its name on. */
static const char *
status_line(const char *task, const char *name)
{
	static char line[256];
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/status", (int)rs.pid,
	    task);
	f = fopen(path, "re");
	line[0] = '\0';
	while (f != NULL && fgets(line, sizeof(line), f) != NULL &&
	    strncmp(line, name, strlen(name)) != 0)
		line[0] = '\0';
	if (f != NULL)
		fclose(f);
	return line;
}

/* In all of the server's threads; one that ends meanwhile has none. */
static void
all_threads(const char *name, const char *value)
{
	char want[128], path[64];
	const char *line;
	struct dirent *e;
	int n;
	DIR *d;

	snprintf(want, sizeof(want), "%s:\t%s\n", name, value);
	snprintf(path, sizeof(path), "/proc/%d/task", (int)rs.pid);
	d = opendir(path);
	ck_assert_ptr_nonnull(d);
	for (n = 0; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		line = status_line(e->d_name, want);
		if (line[0] == '\0')
			line = status_line(e->d_name, name);
		ck_assert_msg(line[0] == '\0' || strcmp(line, want) == 0,
		    "%s is not %s", line, want);
		n += line[0] != '\0';
	}
	closedir(d);
	ck_assert_int_ge(n, 2);
}

START_TEST(all_are_shut_in)
{
	int fd;

	rs_scratch();
	rs_start(-1, "--root", rs.dir, rs.locator, NULL);
	rs_ready();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	all_threads("NoNewPrivs", "1");
	all_threads("Seccomp", SANDBOX_IMPOSSIBLE ? "0" : "2");
	close(fd);
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

START_TEST(no_sandbox)
{

	rs_scratch();
	rs_start(-1, "--no-sandbox", "--root", rs.dir, rs.locator, NULL);
	rs_ready();
	ck_assert(rs_says("rump_server: warning: --no-sandbox"));
	all_threads("NoNewPrivs", "1");
	all_threads("Seccomp", "0");
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

/* --- another user --- */

enum { NOBODY = 65534, GROUP = 64321 };

/* With the directory the user's, as its service manager would have it. */
static bool
scratch_of_nobody(void)
{

	if (skip_unless_root())
		return false;
	rs_scratch();
	ck_assert_int_eq(chown(rs.dir, NOBODY, GROUP), 0);
	return true;
}

static void
is_nobody_for_good(void)
{
	char ids[64];

	snprintf(ids, sizeof(ids), "%d\t%d\t%d\t%d", NOBODY, NOBODY, NOBODY,
	    NOBODY);
	all_threads("Uid", ids);
	snprintf(ids, sizeof(ids), "%d\t%d\t%d\t%d", GROUP, GROUP, GROUP,
	    GROUP);
	all_threads("Gid", ids);
	all_threads("CapEff", "0000000000000000");
	all_threads("CapPrm", "0000000000000000");
}

/* All that is made before is there afterwards and goes at the end; a guest
 * that connects as root is nobody towards files. */
START_TEST(becomes_nobody)
{
	char pidfile[96], control[96], where[112], path[96];
	struct stat st;
	int fd;

	if (!scratch_of_nobody())
		return;
	snprintf(pidfile, sizeof(pidfile), "%s/pid", rs.dir);
	snprintf(control, sizeof(control), "%s/control", rs.dir);
	snprintf(where, sizeof(where), "unix://%s", control);
	rs_start(-1, "--root", rs.dir, "--user", "65534:64321", "--pid-file",
	    pidfile, "--control", where, rs.locator, NULL);
	rs_ready();
	is_nobody_for_good();
	ck_assert_int_eq(stat(rs.path, &st), 0);
	ck_assert_uint_eq(st.st_uid, NOBODY);
	ck_assert_int_eq(stat(pidfile, &st), 0);
	ck_assert_uint_eq(st.st_uid, 0);
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	ck_assert_int_eq(cl_with_path(fd, RUMP_SYS_mkdir, "/d", 0755, 0, NULL),
	    0);
	snprintf(path, sizeof(path), "%s/d", rs.dir);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_uid, NOBODY);
	close(fd);
	close(rs_dial(control));
	ck_assert_int_eq(rs_stop(), 0);
	ck_assert_int_eq(access(rs.path, F_OK), -1);
	ck_assert_int_eq(access(control, F_OK), -1);
	ck_assert_int_eq(access(pidfile, F_OK), -1);
	rs_cleanup();
}
END_TEST

START_TEST(owner_is_another)
{
	struct stat st;

	if (!scratch_of_nobody())
		return;
	rs_start(-1, "--root", rs.dir, "--owner", "1234", "--user",
	    "65534:64321", rs.locator, NULL);
	rs_ready();
	is_nobody_for_good();
	ck_assert_int_eq(stat(rs.path, &st), 0);
	ck_assert_uint_eq(st.st_uid, 1234);
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

START_TEST(user_and_activation)
{
	int ls, fd;

	if (!scratch_of_nobody())
		return;
	ls = rs_listen(rs.path);
	rs.activation = true;
	rs_start(ls, "--root", rs.dir, "--user", "65534:64321", NULL);
	close(ls);
	rs_ready();
	is_nobody_for_good();
	fd = rs_dial(rs.path);
	rs_kernel(fd);
	close(fd);
	ck_assert_int_eq(rs_stop(), 0);
	rs_cleanup();
}
END_TEST

/* Where the names cannot be removed, nothing else goes wrong. */
START_TEST(names_that_stay)
{
	char pidfile[96], root[96];
	struct stat st;
	int i;

	if (!scratch_of_nobody())
		return;
	ck_assert_int_eq(chown(rs.dir, 0, 0), 0);
	ck_assert_int_eq(chmod(rs.dir, 0755), 0);
	snprintf(pidfile, sizeof(pidfile), "%s/pid", rs.dir);
	snprintf(root, sizeof(root), "%s/root", rs.dir);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	for (i = 0; i < 2; i++) {
		rs_start(-1, "--root", root, "--user", "65534:64321",
		    "--pid-file", pidfile, rs.locator, NULL);
		rs_ready();
		ck_assert_int_eq(stat(pidfile, &st), 0);
		ck_assert_int_gt(st.st_size, 0);
		ck_assert_int_eq(rs_stop(), 0);
		ck_assert_int_eq(stat(pidfile, &st), 0);
		ck_assert_int_eq(st.st_size, 0);
	}
	rs_cleanup();
}
END_TEST

START_TEST(user_mistakes)
{

	rs_scratch();
	rs_start(-1, "--root", rs.dir, "--user", "0", rs.locator, NULL);
	ck_assert(rs_says("--user: '0' is root"));
	ck_assert_int_eq(rs_status(), 2);
	if (geteuid() != 0) {
		rs_start(-1, "--root", rs.dir, "--user", "1", rs.locator,
		    NULL);
		ck_assert(rs_says("--user: only root can"));
		ck_assert_int_eq(rs_status(), 1);
	}
	rs_cleanup();
}
END_TEST

int
main(void)
{
	const TTest *tests[] = {
		calls_are_refused, few_lines, files_are_fenced, whole_host,
		all_are_shut_in, no_sandbox, becomes_nobody, owner_is_another,
		user_and_activation, names_that_stay, user_mistakes,
	};
	Suite *s = suite_create("sandbox");
	TCase *tc = tcase_create("sandbox");
	unsigned i;

	tcase_set_timeout(tc, 60);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
