/*
 * From the server's errno numbers to the program's.
 */
#include <errno.h>

#include <rump/rumpconv.h>

#include "client/error.h"

int
rumpclient__host_errno(int nberror)
{

	return rump_conv_errno_to_host(nberror);
}

long
rumpclient__fail(int nberror)
{

	errno = rump_conv_errno_to_host(nberror);
	return -1;
}
