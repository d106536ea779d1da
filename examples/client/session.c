/*
 * A client session from beginning to end, told as it goes: identity, a file,
 * a pipe, a fork through a cookie, an exec handoff and what a disconnect
 * cleans up.  Every step is checked; the exit status says if all held.
 *
 *	RUMP_SERVER=unix:///tmp/sock session
 *
 * The server's root is the directory given to rump_server --root, so the file
 * written here is there to see afterwards.
 */
#include <sys/wait.h>

#include <err.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

static unsigned failures;

/* Reports one thing that had to hold. */
static void
expect(bool holds, const char *what)
{

	if (holds)
		return;
	failures++;
	fflush(stdout);
	warn("    NOT SO: %s", what);
}

static void
step(const char *title)
{

	printf("\n== %s\n", title);
	fflush(stdout);
}

static void
identity(void)
{

	step("identity: who am I in there?");
	printf("   getpid() = %d, getppid() = %d   (host pid %d)\n",
	    rump_sys_getpid(), rump_sys_getppid(), getpid());
	expect(rump_sys_getppid() == 1, "a guest is a child of init");
	printf("   getuid() = %u, getgid() = %u\n",
	    (unsigned)rump_sys_getuid(), (unsigned)rump_sys_getgid());
}

static void
file(void)
{
	static const char text[] = "written through a remote system call\n";
	char buf[64] = "";
	int fd;
	ssize_t n;
	off_t at;

	step("a real file in the served root");
	fd = rump_sys_open("/hello.txt",
	    RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_TRUNC, 0644);
	printf("   open(\"/hello.txt\", O_RDWR|O_CREAT|O_TRUNC, 0644) = %d\n", fd);
	expect(fd >= 0, "open");
	n = rump_sys_write(fd, text, sizeof(text) - 1);
	printf("   write(%d, \"%.17s\"..., %zu) = %zd\n", fd, text,
	    sizeof(text) - 1, n);
	expect(n == (ssize_t)sizeof(text) - 1, "write");
	at = rump_sys_lseek(fd, 8, RUMP_SEEK_SET);
	printf("   lseek(%d, 8, SEEK_SET) = %lld\n", fd, (long long)at);
	expect(at == 8, "lseek");
	n = rump_sys_read(fd, buf, 16);
	printf("   read(%d, \"%s\", 16) = %zd\n", fd, buf, n);
	expect(n == 16 && memcmp(buf, text + 8, 16) == 0, "read");
	n = rump_sys_close(fd);
	printf("   close(%d) = %zd\n", fd, n);
	expect(n == 0, "close");
	n = rump_sys_close(fd);
	printf("   close(%d) = %zd, %s\n", fd, n, strerror(errno));
	expect(n == -1 && errno == EBADF, "a second close fails");
	fd = rump_sys_open("/../../../etc/passwd", RUMP_O_RDONLY);
	printf("   open(\"/../../../etc/passwd\") = %d, %s\n", fd,
	    strerror(errno));
	expect(fd == -1, "nobody leaves the root");
}

static void
apipe(void)
{
	char buf[8] = "";
	int fd[2];
	ssize_t n;

	step("a pipe");
	expect(rump_sys_pipe(fd) == 0, "pipe");
	printf("   pipe() = [%d, %d]\n", fd[0], fd[1]);
	n = rump_sys_write(fd[1], "through", 7);
	printf("   write(%d, \"through\", 7) = %zd\n", fd[1], n);
	n = rump_sys_read(fd[0], buf, sizeof(buf));
	printf("   read(%d, \"%s\", 8) = %zd\n", fd[0], buf, n);
	expect(n == 7 && strcmp(buf, "through") == 0, "read");
	rump_sys_close(fd[0]);
	rump_sys_close(fd[1]);
}

static void
wait_for(pid_t child, const char *what)
{
	int status;

	if (waitpid(child, &status, 0) == -1)
		err(1, "waitpid");
	errno = 0;
	expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, what);
}

/* The child's half of forking(); its exit status is the number of failures. */
static void
forked_child(const int fd[2], pid_t parent)
{
	char buf[32] = "";
	ssize_t n;

	failures = 0;
	printf("   child:  getpid() = %d, getppid() = %d\n",
	    rump_sys_getpid(), rump_sys_getppid());
	expect(rump_sys_getpid() != parent, "the child has a pid of its own");
	expect(rump_sys_getppid() == parent, "its parent is who forked");
	n = rump_sys_read(fd[0], buf, sizeof(buf) - 1);
	printf("   child:  read(%d) = %zd \"%s\"\n", fd[0], n, buf);
	expect(n == 11 && strcmp(buf, "from parent") == 0,
	    "the child reads what the parent wrote");
	expect(rump_sys_close(fd[0]) == 0 && rump_sys_close(fd[1]) == 0,
	    "the child closes its copies");
	fflush(stdout);
	_exit(failures > 0);
}

static void
forking(void)
{
	char c;
	int fd[2];
	pid_t parent, child;

	step("fork through a cookie");
	parent = rump_sys_getpid();
	expect(rump_sys_pipe(fd) == 0, "pipe");
	expect(rump_sys_write(fd[1], "from parent", 11) == 11, "write");
	printf("   parent: getpid() = %d, wrote \"from parent\" into the pipe\n",
	    parent);
	fflush(stdout);
	child = rumpclient_fork();
	if (child == -1)
		err(1, "rumpclient_fork");
	if (child == 0)
		forked_child(fd, parent);
	wait_for(child, "the child's checks");
	expect(rump_sys_write(fd[1], "x", 1) == 1 &&
	    rump_sys_read(fd[0], &c, 1) == 1 && c == 'x',
	    "the parent's descriptors are still open");
	printf("   parent: my copies of the pipe still work\n");
	rump_sys_close(fd[0]);
	rump_sys_close(fd[1]);
}

/* Becomes examples/client/after_exec, telling it what to find. */
static void
exec_child(const char *image)
{
	char pid[16], kept[16], gone[16];
	int fd, cloexec;

	fd = rump_sys_open("/hello.txt", RUMP_O_RDONLY);
	cloexec = rump_sys_open("/hello.txt", RUMP_O_RDONLY | RUMP_O_CLOEXEC);
	printf("   before: getpid() = %d, descriptor %d open, "
	    "%d open and close-on-exec\n", rump_sys_getpid(), fd, cloexec);
	fflush(stdout);
	snprintf(pid, sizeof(pid), "%d", rump_sys_getpid());
	snprintf(kept, sizeof(kept), "%d", fd);
	snprintf(gone, sizeof(gone), "%d", cloexec);
	rumpclient_exec(image, (char *[]){ (char *)image, pid, kept, gone, NULL },
	    environ);
	err(1, "rumpclient_exec %s", image);
}

static void
execing(const char *image)
{
	pid_t child;

	step("exec handoff into another program");
	fflush(stdout);
	child = rumpclient_fork();
	if (child == -1)
		err(1, "rumpclient_fork");
	if (child == 0)
		exec_child(image);
	wait_for(child, "the new image finds pid and descriptors");
}

static void
disconnect(void)
{
	char c;
	int fd[2];
	pid_t child;
	ssize_t n;

	step("disconnect and clean-up");
	expect(rump_sys_pipe(fd) == 0, "pipe");
	fflush(stdout);
	child = rumpclient_fork();
	if (child == -1)
		err(1, "rumpclient_fork");
	if (child == 0) {
		rump_sys_read(fd[0], &c, 1);	/* blocks until killed */
		_exit(1);
	}
	rump_sys_close(fd[1]);
	printf("   a child holds the pipe's write end and is killed\n");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	n = rump_sys_read(fd[0], &c, 1);
	printf("   read(%d) = %zd: end of file, the server closed its copy\n",
	    fd[0], n);
	expect(n == 0, "a dead client's descriptors are closed");
	rump_sys_close(fd[0]);
}

int
main(int argc, char *argv[])
{
	char image[4096];
	char *slash;

	(void)argc;
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	printf("connected to %s\n", getenv("RUMP_SERVER"));
	snprintf(image, sizeof(image), "%s", argv[0]);
	slash = strrchr(image, '/');
	snprintf(slash != NULL ? slash + 1 : image, 16, "after_exec");

	identity();
	file();
	apipe();
	forking();
	execing(image);
	disconnect();

	printf("\nsession: %s\n", failures == 0 ? "everything as it should be" :
	    "FAILED, see above");
	return failures > 0;
}
