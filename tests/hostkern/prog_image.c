/*
 * The program that check_session.c execs: says by its exit status whether it
 * is the process it was told, with the descriptors it was told.
 *
 *	prog_image PID KEPT CLOSED
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

int
main(int argc, char **argv)
{
	char buf[8] = "";

	if (argc != 4 || rumpclient_init() == -1)
		return 10;
	if (rump_sys_getpid() != atoi(argv[1]))
		return 11;
	if (rump_sys_read(atoi(argv[2]), buf, sizeof(buf)) != 4 ||
	    strcmp(buf, "kept") != 0)
		return 12;
	if (rump_sys_close(atoi(argv[3])) != -1 || errno != EBADF)
		return 13;
	if (rump_sys_access("file", RUMP_R_OK) != 0)
		return 14;	/* the working directory is still the same */
	return 0;
}
