/*
 * rump_server's command line.
 */
#ifndef RUMPGEN_RUMP_SERVER_OPTIONS_H
#define RUMPGEN_RUMP_SERVER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"
#include "wire/locator.h"

struct options {
	struct rumpserver_config server;	/* limits and access */
	struct hostkern_config kernel;
	struct locator *locators;		/* n of them */
	int nlocators;
	bool daemon;
	bool tcp_any;				/* no warning */
	int verbose;				/* -v's */
	const char *pid_file;
	bool has_control;
	struct locator control;
	int ready_fd;				/* -1: none */
	unsigned grace_ms;
	bool chown_socket;
	uid_t owner;
	gid_t group;
	const char *user;	/* who to become, for initgroups; NULL: stay */
	uid_t user_uid;
	gid_t user_gid;
	bool no_sandbox;
	int mistake;		/* the status that one ends with */
};

/*
 * Reads the command line.  Prints help, version and mistakes itself.  Returns
 * -1 to go on, else the status to exit with.
 */
int options_read(struct options *, int argc, char **argv);
void options_free(struct options *);

/* Says that `where' needs --root. */
void options_no_root(const char *where);

#endif
