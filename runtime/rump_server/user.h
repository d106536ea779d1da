/*
 * Giving up the rights the server was started with.
 */
#ifndef RUMPGEN_RUMP_SERVER_USER_H
#define RUMPGEN_RUMP_SERVER_USER_H

#include <sys/types.h>

#include <stdbool.h>

/* No program that this process might become gets more rights than it has. */
bool user_no_new_privs(void);

/*
 * Becomes this user for good, with its groups (`name' is looked up for them,
 * and may be a number).  Before there are threads.  false: the log says why,
 * and the process is not to go on.
 */
bool user_become(const char *name, uid_t, gid_t);

#endif
