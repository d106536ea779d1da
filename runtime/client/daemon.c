/*
 * daemon(3) whose server process comes along.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <rump/rumpclient.h>

/* Descriptors 0 to 2 on /dev/null. */
static int
redirect(void)
{
	int fd, n, saved;

	fd = open("/dev/null", O_RDWR);
	if (fd == -1)
		return -1;
	for (n = 0; n <= 2; n++) {
		if (dup2(fd, n) == -1)
			break;
	}
	saved = errno;
	if (fd > 2)
		close(fd);
	errno = saved;
	return n > 2 ? 0 : -1;
}

int
rumpclient_daemon(int nochdir, int noclose)
{

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
	return noclose ? 0 : redirect();
}
