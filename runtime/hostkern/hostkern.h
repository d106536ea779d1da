/*
 * hostkern: NetBSD/amd64's system calls served by the Linux host, as a
 * kernel for librumpserver.
 *
 *	struct hostkern *hk = hostkern_create(&conf, why, sizeof(why));
 *	struct rumpserver_config sc = { .kernel = &hostkern_kernel, .kern = hk };
 *	srv = rumpserver_create(&sc);
 *
 * What it changes in the process it lives in: the umask becomes 0 (each guest
 * has its own), SIGPIPE and SIGXFSZ are ignored where they had their default
 * action, and the soft limit of descriptors is raised to the hard one.  A
 * server that runs as root takes, on each thread that runs calls, the effective
 * ids and groups of the guest it works for (this thread only; the real ids stay;
 * the thread of an event loop gets its own back at the end of each step).  Its
 * own threads, once a guest wants them: one for timers, one for SIGIO, one for
 * files that kqueues watch, one for descriptors in messages.
 */
#ifndef RUMPGEN_HOSTKERN_HOSTKERN_H
#define RUMPGEN_HOSTKERN_HOSTKERN_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>

#include <rump/rumpserver.h>

struct hostkern_config {
	const char *root;	/* directory served as "/"; NULL: "/" */
	bool read_only;		/* calls that modify files give EROFS */
	bool no_net;		/* sockets are local ones only */
	const char *hostname;	/* kern.hostname at first; NULL: the host's */
	int console_fd;		/* where guests' descriptors 0, 1, 2 write;
				 * not closed by us.  -1: nowhere */
	bool anon_set;		/* anon_uid and anon_gid are meant; else 65534 */
	uid_t anon_uid;		/* who a guest is whose peer is unknown (TCP) */
	gid_t anon_gid;
};

struct hostkern;

/*
 * Opens the root.  Returns NULL with one line in why[] that says what failed
 * and why.  The strings in the configuration are copied.
 */
struct hostkern *hostkern_create(const struct hostkern_config *, char *why,
    size_t whylen);

/* After the server that uses it has been destroyed. */
void hostkern_destroy(struct hostkern *);

/* For rumpserver_config.kernel, with the hostkern as `kern`. */
extern const struct rumpserver_kernel hostkern_kernel;

#endif
