/*
 * A daemon's manners.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/log.h"
#include "rump_server/service.h"

enum { LISTEN_FIRST = 3 };

int
service_listen_fds(int *first)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	long n;

	n = 0;
	if (pid != NULL && fds != NULL && strtol(pid, NULL, 10) == getpid())
		n = strtol(fds, NULL, 10);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	*first = LISTEN_FIRST;
	return n > 0 && n < INT_MAX ? (int)n : 0;
}

/* The parent's part: leaves when the child says that it is ready. */
static void
await_child(int fd)
{
	char c;
	ssize_t n;

	do
		n = read(fd, &c, 1);
	while (n == -1 && errno == EINTR);
	_exit(n == 1 ? 0 : 1);
}

static int
close_failed(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

int
service_background(void)
{
	int fd[2], null;

	if (pipe2(fd, O_CLOEXEC) == -1)
		return -1;
	switch (fork()) {
	case -1:
		close(fd[0]);
		close(fd[1]);
		return -1;
	case 0:
		break;
	default:
		close(fd[1]);
		await_child(fd[0]);
	}
	close(fd[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null != -1) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
	return fd[1];
}

static void
notify(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len;
	size_t n;
	int fd;

	if (path == NULL)
		return;
	n = strlen(path);
	if (n == 0 || n >= sizeof(sun.sun_path) || strchr("/@", *path) == NULL)
		return;
	memcpy(sun.sun_path, path, n);
	/* '@' stands for the NUL of an abstract name. */
	if (*path == '@')
		sun.sun_path[0] = '\0';
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL,
	    (struct sockaddr *)&sun, len) == -1)
		log_put(RUMPSERVER_LOG_WARN, "NOTIFY_SOCKET %s: %s", path,
		    strerror(errno));
	close(fd);
}

static void
tell(int fd, const char *text)
{

	if (fd == -1)
		return;
	if (write(fd, text, strlen(text)) == -1)
		log_put(RUMPSERVER_LOG_WARN, "cannot say on descriptor %d that "
		    "we are ready: %s", fd, strerror(errno));
	close(fd);
}

void
service_ready(int parent, int ready_fd)
{
	char text[64];

	snprintf(text, sizeof(text), "READY=1\nMAINPID=%ld\n", (long)getpid());
	notify(text);
	tell(ready_fd, "ready\n");
	tell(parent, "+");
}

void
service_stopping(void)
{

	notify("STOPPING=1\n");
}

/*
 * Locked for writing, so only who may write it can keep us away; and a lock of
 * the open file, which a guest that closes the same file cannot undo.
 */
static int
lock_pid_file(const char *path)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct stat ours, there;
	int fd;

	for (;;) {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (fd == -1)
			return -1;
		if (fcntl(fd, F_OFD_SETLK, &lock) == -1 ||
		    fstat(fd, &ours) == -1)
			return close_failed(fd);
		/* Or the one before us has removed it meanwhile. */
		if (stat(path, &there) == 0 && there.st_dev == ours.st_dev &&
		    there.st_ino == ours.st_ino)
			return fd;
		close(fd);
	}
}

int
service_pid_file(const char *path)
{
	char text[32];
	int fd, n;

	fd = lock_pid_file(path);
	if (fd == -1)
		return -1;
	n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == -1 || write(fd, text, (size_t)n) != n)
		return close_failed(fd);
	return fd;
}

void
service_pid_file_end(const char *path, int fd)
{

	if (fd == -1)
		return;
	/* With --user the directory may not be ours any more. */
	if (unlink(path) == -1 && ftruncate(fd, 0) == -1)
		log_put(RUMPSERVER_LOG_WARN, "--pid-file %s: cannot remove it: "
		    "%s", path, strerror(errno));
	close(fd);
}
