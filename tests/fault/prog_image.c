/*
 * The image that workload.c execs: is it the process that it is told?
 */
#include <stdlib.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

int
main(int argc, char **argv)
{

	if (argc != 2 || rumpclient_init() == -1)
		return 2;
	return rump_sys_getpid() == atoi(argv[1]) ? 0 : 3;
}
