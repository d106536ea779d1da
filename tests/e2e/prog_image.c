/*
 * What rumpclient_exec() of the tests starts.
 *
 *	prog_image PID KEPT GONE
 *
 * Exits with 0 when it is process PID in the server, descriptor KEPT is a pipe
 * to write "image" to, and GONE is not open.
 */
#include <errno.h>
#include <stdlib.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

int
main(int argc, char *argv[])
{

	if (argc != 4 || rumpclient_init() == -1)
		return 10;
	if (getenv("RUMPCLIENT__EXECFD") != NULL)
		return 11;
	if (rump_sys_getpid() != atoi(argv[1]))
		return 12;
	if (rump_sys_close(atoi(argv[3])) != -1 || errno != EBADF)
		return 13;
	if (rump_sys_write(atoi(argv[2]), "image", 5) != 5)
		return 14;
	return 0;
}
