/*
 * The other side of an exec handoff: started by rumpclient_exec(), this image
 * finds itself to be the same process in the server.
 *
 *	after_exec PID KEPT GONE
 *
 * PID is the pid it must have, KEPT a descriptor that must be open and GONE
 * one that was marked close-on-exec.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

int
main(int argc, char *argv[])
{
	char buf[8] = "";
	pid_t pid;
	ssize_t n;

	if (argc != 4)
		errx(2, "usage: after_exec PID KEPT GONE");
	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	pid = rump_sys_getpid();
	printf("   after:  getpid() = %d\n", pid);
	if (pid != atoi(argv[1]))
		errx(1, "pid is %d, was %s", pid, argv[1]);
	n = rump_sys_read(atoi(argv[2]), buf, 7);
	printf("   after:  read(%s) = %zd \"%s\"\n", argv[2], n, buf);
	if (n != 7)
		err(1, "descriptor %s did not survive", argv[2]);
	n = rump_sys_read(atoi(argv[3]), buf, 1);
	printf("   after:  read(%s) = %zd, %s\n", argv[3], n, strerror(errno));
	if (n != -1 || errno != EBADF)
		errx(1, "descriptor %s should be gone", argv[3]);
	return 0;
}
