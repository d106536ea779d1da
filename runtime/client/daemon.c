/*
 * daemon(3) whose server process comes along.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rump/rumpclient.h>

int
rumpclient_daemon(int nochdir, int noclose)
{
	int fd;

	/* When this returns in the parent the child is connected: the parent
	 * may go, and a failure is still told to the caller. */
	switch (rumpclient_fork()) {
	case -1:
		return -1;
	case 0:
		break;
	default:
		_exit(0);
	}

	if (setsid() == -1)
		return -1;
	if (!nochdir && chdir("/") == -1)
		return -1;
	if (noclose)
		return 0;
	fd = open("/dev/null", O_RDWR);
	if (fd == -1)
		return -1;
	if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
		return -1;
	if (fd > 2)
		close(fd);
	return 0;
}
