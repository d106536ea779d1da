#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/suite.h"

#define PROGRAM		RUMPGEN_BUILD "/bin/rump_server"

static pid_t pid;
static char dir[64], root[80], locator[160], control[96];

/* --- starting --- */

/* In the child: nothing of the test's but the ready pipe and the log. */
static void
become(int ready)
{
	char log[96], where[128];
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(log, sizeof(log), "%s/log", dir);
	snprintf(where, sizeof(where), "unix://%s", control);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	dup2(ready, 3);
	close_range(4, ~0U, 0);
	unsetenv("RUMPCLIENT_TRACE");
	execl(PROGRAM, PROGRAM, "-v", "--root", root, "--ready-fd", "3",
	    "--anon", "root", "--control", where, locator, (char *)NULL);
	perror(PROGRAM);
	_exit(127);
}

static void
spawn(void)
{
	struct pollfd pfd;
	int ready[2];
	char c;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0)
		become(ready[1]);
	close(ready[1]);
	pfd = (struct pollfd){ .fd = ready[0], .events = POLLIN };
	ck_assert_int_eq(poll(&pfd, 1, patience_ms()), 1);
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	close(ready[0]);
}

/* Port 0 has become a real one: the log names it. */
static void
learn_port(void)
{
	char path[96];
	const char *p;

	snprintf(path, sizeof(path), "%s/log", dir);
	p = strstr(contents(path), " at tcp");
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(sscanf(p, " at %159s", locator), 1);
}

void
daemon_start_at(const char *where)
{

	snprintf(dir, sizeof(dir), "/tmp/rumpgen-e2e-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(root, sizeof(root), "%s/root", dir);
	ck_assert_int_eq(mkdir(root, 0755), 0);
	snprintf(control, sizeof(control), "%s/control", dir);
	if (where == NULL)
		snprintf(locator, sizeof(locator), "unix://%s/sock", dir);
	else
		snprintf(locator, sizeof(locator), "%s", where);
	spawn();
	if (where != NULL)
		learn_port();
	setenv("RUMP_SERVER", locator, 1);
}

void
daemon_start(void)
{

	daemon_start_at(NULL);
}

void
daemon_again(void)
{

	spawn();
}

/* --- ending --- */

void
daemon_kill(void)
{
	int status;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	pid = 0;
}

/* Every line is one that -v asks for.  Nothing has been missed by the filter of
 * host calls. */
static void
check_log(void)
{
	char path[96];
	const char *text;

	snprintf(path, sizeof(path), "%s/log", dir);
	text = contents(path);
	ck_assert_msg(strstr(text, "rror") == NULL &&
	    strstr(text, "Sanitizer") == NULL &&
	    strstr(text, "refused host call") == NULL, "%s", text);
}

void
daemon_stop(void)
{
	char cmd[96];

	if (pid != 0) {
		ck_assert_int_eq(kill(pid, SIGTERM), 0);
		ck_assert_int_eq(status_of(pid), 0);
		pid = 0;
	}
	check_log();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* --- looking --- */

const char *
daemon_dir(void)
{

	return dir;
}

const char *
daemon_root(void)
{

	return root;
}

const char *
daemon_locator(void)
{

	return locator;
}

long
daemon_counter(const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char json[1024], key[64];
	const char *p;
	size_t len;
	ssize_t n;
	int fd;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", control);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	len = 0;
	while ((n = read(fd, json + len, sizeof(json) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	json[len] = '\0';
	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(json, key);
	ck_assert_ptr_nonnull(p);
	return strtol(p + strlen(key), NULL, 10);
}

bool
daemon_wait(const char *name, long value)
{
	long long began = 0;

	while (daemon_counter(name) != value)
		if (!keep_waiting(&began))
			return false;
	return true;
}

int
open_descriptors(void)
{
	struct dirent *e;
	DIR *d;
	int n;

	d = opendir("/proc/self/fd");
	ck_assert_ptr_nonnull(d);
	for (n = 0; (e = readdir(d)) != NULL;)
		n += e->d_name[0] != '.';
	closedir(d);
	return n - 1;		/* opendir's own */
}

int
status_of(pid_t child)
{
	int status;

	ck_assert_int_gt(child, 0);
	while (waitpid(child, &status, 0) == -1)
		ck_assert_int_eq(errno, EINTR);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int saved_stderr = -1;

void
capture(void)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/stderr", dir);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_APPEND, 0600);
	ck_assert_int_ne(fd, -1);
	saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

bool
captured_wait(const char *text)
{
	long long began = 0;
	char path[96];

	snprintf(path, sizeof(path), "%s/stderr", dir);
	while (strstr(contents(path), text) == NULL)
		if (!keep_waiting(&began))
			return false;
	return true;
}

const char *
captured(void)
{
	char path[96];

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	snprintf(path, sizeof(path), "%s/stderr", dir);
	return contents(path);
}

const char *
contents(const char *path)
{
	static char text[256 * 1024];
	size_t len;
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_msg(fd != -1, "%s: %s", path, strerror(errno));
	len = 0;
	while ((n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	text[len] = '\0';
	return text;
}
