/*
 * The command line.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "rump_server/options.h"
#include "rump_server/refuse.h"
#include "wire/frame.h"

#define DEFAULT_GRACE_MS	2000

static const char help_text[] =
"usage: rump_server [option]... locator...\n"
"Serves NetBSD's system calls over rump_sp, with this host as the kernel.\n"
"\n"
"A locator is unix://PATH, tcp://ADDRESS:PORT/, tcp6://[ADDRESS]:PORT/ or\n"
"fd://N, one connected socket; with nothing but those the server ends with\n"
"its clients.  None is needed under socket activation.\n"
"\n"
"What is served\n"
"  -r, --root DIR             directory that guests see as / (default /)\n"
"      --read-only            calls that modify files fail with EROFS\n"
"      --no-net               no sockets but local ones\n"
"      --refuse PRESET        calls that fail with EPERM; may be repeated:\n";

static const char help_text2[] =
"      --hostname NAME        kern.hostname at first (default: the host's)\n"
"      --anon USER[:GROUP]    who a guest over TCP is (default 65534)\n"
"      --console              guests' descriptors 1 and 2 write to stderr\n"
"\n"
"Who may connect to local sockets (default: our own user and root)\n"
"      --allow-uid USER,...   these users, by name or number\n"
"      --allow-gid GROUP,...  members of these groups\n"
"      --allow-anyone         everybody who can open the socket\n"
"      --mode OCTAL           mode of the socket (default 0600)\n"
"      --owner USER[:GROUP]   owner of the socket\n"
"      --tcp-any              no warning about TCP open to the network\n"
"\n"
"Limits\n"
"      --max-clients N        connections (10000)\n"
"      --max-calls N          calls in progress, each client (1024)\n"
"      --max-threads N        threads, each blocked call needs one (16384)\n"
"      --max-preforks N       forks under way, each process (64)\n"
"      --max-client-bytes MIB memory held for a client (64)\n"
"      --max-client-threads N threads that a client has (1024)\n"
"      --max-client-fds N     host descriptors that a client has (16384)\n"
"      --max-bytes MIB        memory held for all clients (1024)\n"
"      --max-fds N            host descriptors of all (what the server may\n"
"                             open, less 128)\n"
"      --max-semaphores N     semaphores of all (1024)\n"
"      --user-share PERCENT   of what others leave of clients, threads and\n"
"                             the rest, what one user may have (75)\n"
"      --max-copy BYTES       one copyin or copyout frame (1048576);\n"
"                             at most 16777216\n"
"      --stack-size KIB       stack of each thread (512); at least 64\n"
"      --prefork-timeout S    a fork's cookie expires (60)\n"
"      --handshake-timeout S  from accept to handshake (10)\n"
"      --frame-timeout S      from a frame's begin to its end (30)\n"
"      --send-timeout S       for a client to read 64 KiB of its answers (30)\n"
"      --answer-timeout S     a client that answers no copyin (300)\n"
"\n"
"Running\n"
"  -d, --daemon               into the background once it is ready\n"
"      --user USER[:GROUP]    become this user once the sockets are open; all\n"
"                             guests then act as that user\n"
"      --no-sandbox           no filter of host calls, no fence round the root\n"
"      --pid-file FILE        write the process id there\n"
"      --ready-fd N           write a line to descriptor N when ready\n"
"      --control LOCATOR      answer each connection with the counters, JSON\n"
"      --grace S              calls may finish this long after SIGTERM (2)\n"
"  -v, --verbose              log clients coming and going; -vv: preforks too\n"
"  -h, --help                 this text\n"
"  -V, --version\n"
"\n"
"SIGTERM, SIGINT and SIGHUP stop the server in good order, SIGUSR1 logs the\n"
"counters.\n"
"LISTEN_FDS and NOTIFY_SOCKET are understood as systemd means them.\n";

enum {
	O_READ_ONLY = 256, O_NO_NET, O_REFUSE, O_HOSTNAME, O_ANON, O_CONSOLE,
	O_ALLOW_UID, O_ALLOW_GID, O_ALLOW_ANYONE, O_MODE, O_OWNER, O_TCP_ANY,
	O_MAX_CLIENTS, O_MAX_CALLS, O_MAX_THREADS, O_MAX_PREFORKS,
	O_MAX_CLIENT_BYTES, O_MAX_CLIENT_THREADS, O_MAX_CLIENT_FDS,
	O_MAX_BYTES, O_MAX_FDS, O_MAX_SEMAPHORES, O_USER_SHARE, O_MAX_COPY,
	O_STACK_SIZE, O_PREFORK_TIMEOUT, O_HANDSHAKE_TIMEOUT, O_FRAME_TIMEOUT,
	O_SEND_TIMEOUT, O_ANSWER_TIMEOUT, O_PID_FILE, O_READY_FD, O_CONTROL,
	O_GRACE, O_USER, O_NO_SANDBOX
};

static const struct option longopts[] = {
	{ "root", required_argument, NULL, 'r' },
	{ "read-only", no_argument, NULL, O_READ_ONLY },
	{ "no-net", no_argument, NULL, O_NO_NET },
	{ "refuse", required_argument, NULL, O_REFUSE },
	{ "hostname", required_argument, NULL, O_HOSTNAME },
	{ "anon", required_argument, NULL, O_ANON },
	{ "console", no_argument, NULL, O_CONSOLE },
	{ "allow-uid", required_argument, NULL, O_ALLOW_UID },
	{ "allow-gid", required_argument, NULL, O_ALLOW_GID },
	{ "allow-anyone", no_argument, NULL, O_ALLOW_ANYONE },
	{ "mode", required_argument, NULL, O_MODE },
	{ "owner", required_argument, NULL, O_OWNER },
	{ "tcp-any", no_argument, NULL, O_TCP_ANY },
	{ "max-clients", required_argument, NULL, O_MAX_CLIENTS },
	{ "max-calls", required_argument, NULL, O_MAX_CALLS },
	{ "max-threads", required_argument, NULL, O_MAX_THREADS },
	{ "max-preforks", required_argument, NULL, O_MAX_PREFORKS },
	{ "max-client-bytes", required_argument, NULL, O_MAX_CLIENT_BYTES },
	{ "max-client-threads", required_argument, NULL, O_MAX_CLIENT_THREADS },
	{ "max-client-fds", required_argument, NULL, O_MAX_CLIENT_FDS },
	{ "max-bytes", required_argument, NULL, O_MAX_BYTES },
	{ "max-fds", required_argument, NULL, O_MAX_FDS },
	{ "max-semaphores", required_argument, NULL, O_MAX_SEMAPHORES },
	{ "user-share", required_argument, NULL, O_USER_SHARE },
	{ "max-copy", required_argument, NULL, O_MAX_COPY },
	{ "stack-size", required_argument, NULL, O_STACK_SIZE },
	{ "prefork-timeout", required_argument, NULL, O_PREFORK_TIMEOUT },
	{ "handshake-timeout", required_argument, NULL, O_HANDSHAKE_TIMEOUT },
	{ "frame-timeout", required_argument, NULL, O_FRAME_TIMEOUT },
	{ "send-timeout", required_argument, NULL, O_SEND_TIMEOUT },
	{ "answer-timeout", required_argument, NULL, O_ANSWER_TIMEOUT },
	{ "daemon", no_argument, NULL, 'd' },
	{ "pid-file", required_argument, NULL, O_PID_FILE },
	{ "ready-fd", required_argument, NULL, O_READY_FD },
	{ "control", required_argument, NULL, O_CONTROL },
	{ "grace", required_argument, NULL, O_GRACE },
	{ "user", required_argument, NULL, O_USER },
	{ "no-sandbox", no_argument, NULL, O_NO_SANDBOX },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 }
};

/* A mistake on the command line; the option's value is in `what'. */
__attribute__((format(printf, 1, 2)))
static bool
mistake(const char *fmt, ...)
{
	va_list ap;

	fputs("rump_server: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return false;
}

/* --- values --- */

static bool
read_number(const char *name, const char *s, int base, unsigned long max,
    unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(s, &end, base);
	if (*s >= '0' && *s <= '9' && *end == '\0' && errno == 0 && *out <= max)
		return true;
	if (base == 8)
		return mistake("--%s: '%s' is not an octal number up to 0%lo",
		    name, s, max);
	return mistake("--%s: '%s' is not a number up to %lu", name, s, max);
}

static bool
read_limit(const char *name, const char *s, unsigned scale, unsigned *out)
{
	unsigned long v;

	if (!read_number(name, s, 10, INT_MAX / scale, &v))
		return false;
	if (v == 0)
		return mistake("--%s: must be more than 0", name);
	*out = (unsigned)v * scale;
	return true;
}

static bool
read_size(const char *name, const char *s, unsigned scale, size_t *out)
{
	unsigned v = 0;

	if (!read_limit(name, s, scale, &v))
		return false;
	*out = v;
	return true;
}

static bool
read_mib(const char *name, const char *s, uint64_t *out)
{
	unsigned v = 0;

	if (!read_limit(name, s, 1, &v))
		return false;
	*out = (uint64_t)v << 20;
	return true;
}

static bool
read_share(const char *s, unsigned *out)
{

	if (!read_limit("user-share", s, 1, out))
		return false;
	if (*out > 100)
		return mistake("--user-share: at most 100");
	return true;
}

static bool
read_copy(const char *s, size_t *out)
{

	if (!read_size("max-copy", s, 1, out))
		return false;
	if (*out > FRAME_MAX_COPY)
		return mistake("--max-copy: at most %d", FRAME_MAX_COPY);
	return true;
}

static bool
read_stack(const char *s, size_t *out)
{

	if (!read_size("stack-size", s, 1024, out))
		return false;
	if (*out < RUMPSERVER_STACK_MIN)
		return mistake("--stack-size: at least %d KiB",
		    RUMPSERVER_STACK_MIN / 1024);
	return true;
}

static bool
read_user(const char *name, const char *s, uid_t *uid, gid_t *gid)
{
	struct passwd *pw;
	unsigned long v;

	pw = getpwnam(s);
	if (pw != NULL) {
		*uid = pw->pw_uid;
		if (gid != NULL)
			*gid = pw->pw_gid;
		return true;
	}
	if (*s < '0' || *s > '9')
		return mistake("--%s: no user '%s'", name, s);
	if (!read_number(name, s, 10, UINT_MAX - 1, &v))
		return false;
	*uid = (uid_t)v;
	if (gid != NULL)
		*gid = (gid_t)v;
	return true;
}

static bool
read_group(const char *name, const char *s, gid_t *gid)
{
	struct group *gr;
	unsigned long v;

	gr = getgrnam(s);
	if (gr != NULL) {
		*gid = gr->gr_gid;
		return true;
	}
	if (*s < '0' || *s > '9')
		return mistake("--%s: no group '%s'", name, s);
	if (!read_number(name, s, 10, UINT_MAX - 1, &v))
		return false;
	*gid = (gid_t)v;
	return true;
}

/* USER[:GROUP]; splits s in place. */
static bool
read_owner(const char *name, char *s, uid_t *uid, gid_t *gid)
{
	char *colon;

	colon = strchr(s, ':');
	if (colon != NULL)
		*colon++ = '\0';
	return read_user(name, s, uid, gid) &&
	    (colon == NULL || read_group(name, colon, gid));
}

/* A list with commas, appended to what earlier options gave. */
static bool
read_uids(struct rumpserver_config *cfg, char *s)
{
	uid_t *list;
	char *name;

	while ((name = strsep(&s, ",")) != NULL) {
		list = reallocarray((void *)cfg->allow_uid,
		    cfg->n_allow_uid + 1, sizeof(*list));
		if (list == NULL)
			return mistake("%s", strerror(errno));
		cfg->allow_uid = list;
		if (!read_user("allow-uid", name, &list[cfg->n_allow_uid],
		    NULL))
			return false;
		cfg->n_allow_uid++;
	}
	return true;
}

static bool
read_gids(struct rumpserver_config *cfg, char *s)
{
	gid_t *list;
	char *name;

	while ((name = strsep(&s, ",")) != NULL) {
		list = reallocarray((void *)cfg->allow_gid,
		    cfg->n_allow_gid + 1, sizeof(*list));
		if (list == NULL)
			return mistake("%s", strerror(errno));
		cfg->allow_gid = list;
		if (!read_group("allow-gid", name, &list[cfg->n_allow_gid]))
			return false;
		cfg->n_allow_gid++;
	}
	return true;
}

static bool
read_refuse(const char *s)
{
	char names[256];

	if (refuse_preset(s))
		return true;
	refuse_names(names, sizeof(names));
	return mistake("--refuse: no preset '%s'; there are%s", s, names);
}

static bool
read_mode(const char *s, unsigned *mode)
{
	unsigned long v;

	if (!read_number("mode", s, 8, 0777, &v))
		return false;
	if (v == 0)
		return mistake("--mode: nobody could connect");
	*mode = (unsigned)v;
	return true;
}

static bool
read_fd(const char *s, int *fd)
{
	unsigned long v;
	int mode;

	if (!read_number("ready-fd", s, 10, INT_MAX, &v))
		return false;
	*fd = (int)v;
	mode = fcntl(*fd, F_GETFL);
	if (mode == -1)
		return mistake("--ready-fd %s: %s", s, strerror(errno));
	if ((mode & O_ACCMODE) == O_RDONLY || (mode & O_PATH) != 0)
		return mistake("--ready-fd %s: is not open for writing", s);
	return true;
}

static bool
read_grace(const char *s, unsigned *ms)
{
	unsigned long v;

	if (!read_number("grace", s, 10, 86400, &v))
		return false;
	*ms = (unsigned)v * 1000;
	return true;
}

/* What is no locator is wrong usage, a name that is not found is not. */
static bool
read_locator(struct options *o, const char *option, const char *s,
    struct locator *loc)
{
	char why[LOCATOR_WHY];
	int error;

	error = locator_parse(loc, s, LOCATOR_SERVER, why);
	if (error == 0)
		return true;
	if (error != EINVAL && error != ENAMETOOLONG)
		o->mistake = 1;
	return mistake("%s%s", option, why);
}

/* n locators; those of TCP show nobody the host's whole tree by oversight. */
static bool
read_locators(struct options *o, int n, char **v)
{
	struct locator *loc;

	o->locators = calloc((size_t)n + 1, sizeof(o->locators[0]));
	if (o->locators == NULL)
		return mistake("%s", strerror(errno));
	for (; o->nlocators < n; o->nlocators++) {
		loc = &o->locators[o->nlocators];
		if (!read_locator(o, "", v[o->nlocators], loc))
			return false;
		if (o->kernel.root == NULL && locator_is_tcp(loc)) {
			options_no_root(loc->text);
			return false;
		}
	}
	return true;
}

static bool
read_new_user(struct options *o, char *arg)
{

	if (!read_owner("user", arg, &o->user_uid, &o->user_gid))
		return false;
	o->user = arg;		/* without its group now */
	if (o->user_uid == 0)
		return mistake("--user: '%s' is root, whose rights are to be "
		    "given up", arg);
	if (geteuid() == 0)
		return true;
	o->mistake = 1;
	return mistake("--user: only root can become another user");
}

/* --- options --- */

static bool
read_served(struct options *o, int opt, char *arg)
{

	switch (opt) {
	case 'r':
		o->kernel.root = arg;
		return true;
	case O_READ_ONLY:
		o->kernel.read_only = true;
		return true;
	case O_NO_NET:
		o->kernel.no_net = true;
		return true;
	case O_REFUSE:
		return read_refuse(arg);
	case O_HOSTNAME:
		o->kernel.hostname = arg;
		return strlen(arg) < RUMP_MAXHOSTNAMELEN ||
		    mistake("--hostname: at most %d characters",
		    RUMP_MAXHOSTNAMELEN - 1);
	case O_ANON:
		o->kernel.anon_set = true;
		return read_owner("anon", arg, &o->kernel.anon_uid,
		    &o->kernel.anon_gid);
	case O_CONSOLE:
		o->kernel.console_fd = 2;
		return true;
	}
	return false;
}

static bool
read_access(struct options *o, int opt, char *arg)
{
	struct rumpserver_config *cfg = &o->server;

	switch (opt) {
	case O_ALLOW_UID:
		return read_uids(cfg, arg);
	case O_ALLOW_GID:
		return read_gids(cfg, arg);
	case O_ALLOW_ANYONE:
		cfg->allow_anyone = true;
		return true;
	case O_MODE:
		return read_mode(arg, &cfg->socket_mode);
	case O_OWNER:
		o->chown_socket = true;
		return read_owner("owner", arg, &o->owner, &o->group);
	case O_TCP_ANY:
		o->tcp_any = true;
		return true;
	}
	return false;
}

static bool
read_budgets(struct rumpserver_config *c, int opt, const char *arg)
{

	switch (opt) {
	case O_MAX_CLIENT_BYTES:
		return read_mib("max-client-bytes", arg, &c->max_client_bytes);
	case O_MAX_CLIENT_THREADS:
		return read_limit("max-client-threads", arg, 1,
		    &c->max_client_threads);
	case O_MAX_CLIENT_FDS:
		return read_limit("max-client-fds", arg, 1,
		    &c->max_client_fds);
	case O_MAX_BYTES:
		return read_mib("max-bytes", arg, &c->max_bytes);
	case O_MAX_FDS:
		return read_limit("max-fds", arg, 1, &c->max_fds);
	case O_MAX_SEMAPHORES:
		return read_limit("max-semaphores", arg, 1,
		    &c->max_semaphores);
	case O_USER_SHARE:
		return read_share(arg, &c->user_share);
	}
	return false;
}

static bool
read_limits(struct options *o, int opt, char *arg)
{
	struct rumpserver_config *c = &o->server;

	switch (opt) {
	case O_MAX_CLIENTS:
		return read_limit("max-clients", arg, 1, &c->max_clients);
	case O_MAX_CALLS:
		return read_limit("max-calls", arg, 1,
		    &c->max_calls_per_client);
	case O_MAX_THREADS:
		return read_limit("max-threads", arg, 1, &c->max_threads);
	case O_MAX_PREFORKS:
		return read_limit("max-preforks", arg, 1,
		    &c->max_preforks_per_proc);
	case O_MAX_COPY:
		return read_copy(arg, &c->max_copy);
	case O_STACK_SIZE:
		return read_stack(arg, &c->stack_size);
	case O_PREFORK_TIMEOUT:
		return read_limit("prefork-timeout", arg, 1000,
		    &c->prefork_timeout_ms);
	case O_HANDSHAKE_TIMEOUT:
		return read_limit("handshake-timeout", arg, 1000,
		    &c->handshake_timeout_ms);
	case O_FRAME_TIMEOUT:
		return read_limit("frame-timeout", arg, 1000,
		    &c->frame_timeout_ms);
	case O_SEND_TIMEOUT:
		return read_limit("send-timeout", arg, 1000,
		    &c->send_timeout_ms);
	case O_ANSWER_TIMEOUT:
		return read_limit("answer-timeout", arg, 1000,
		    &c->answer_timeout_ms);
	}
	return false;
}

static bool
read_running(struct options *o, int opt, char *arg)
{

	switch (opt) {
	case 'd':
		o->daemon = true;
		return true;
	case 'v':
		o->verbose++;
		return true;
	case O_PID_FILE:
		o->pid_file = arg;
		return true;
	case O_READY_FD:
		return read_fd(arg, &o->ready_fd);
	case O_CONTROL:
		o->has_control = true;
		return read_locator(o, "--control: ", arg, &o->control);
	case O_USER:
		return read_new_user(o, arg);
	case O_NO_SANDBOX:
		o->no_sandbox = true;
		return true;
	case O_GRACE:
		return read_grace(arg, &o->grace_ms);
	}
	return false;
}

static bool
read_option(struct options *o, int opt, char *arg)
{

	if (opt == 'r' || (opt >= O_READ_ONLY && opt <= O_CONSOLE))
		return read_served(o, opt, arg);
	if (opt >= O_ALLOW_UID && opt <= O_TCP_ANY)
		return read_access(o, opt, arg);
	if (opt >= O_MAX_CLIENT_BYTES && opt <= O_USER_SHARE)
		return read_budgets(&o->server, opt, arg);
	if (opt >= O_MAX_CLIENTS && opt <= O_ANSWER_TIMEOUT)
		return read_limits(o, opt, arg);
	return read_running(o, opt, arg);
}

static void
print_help(void)
{

	fputs(help_text, stdout);
	refuse_print(stdout);
	fputs(help_text2, stdout);
}

int
options_read(struct options *o, int argc, char **argv)
{
	int opt;

	memset(o, 0, sizeof(*o));
	o->kernel.console_fd = -1;
	o->ready_fd = -1;
	o->grace_ms = DEFAULT_GRACE_MS;
	o->mistake = 2;
	/* As getopt's messages are to begin. */
	if (argc > 0)
		argv[0] = (char *)"rump_server";
	while ((opt = getopt_long(argc, argv, "dhr:vV", longopts,
	    NULL)) != -1) {
		if (opt == 'h') {
			print_help();
			return 0;
		}
		if (opt == 'V') {
			puts("rump_server 0.1, rump_sp 0.4");
			return 0;
		}
		if (opt == '?') {
			mistake("--help prints the options");
			return 2;
		}
		if (!read_option(o, opt, optarg))
			return o->mistake;
	}
	if (!read_locators(o, argc - optind, argv + optind))
		return o->mistake;
	if (o->nlocators == 0 && getenv("LISTEN_FDS") == NULL) {
		mistake("no locator: say where to listen, such as "
		    "unix:///tmp/rump.sock");
		return 2;
	}
	/* Whoever becomes a user wants to be reached by it. */
	if (o->user != NULL && !o->chown_socket) {
		o->chown_socket = true;
		o->owner = o->user_uid;
		o->group = o->user_gid;
	}
	return -1;
}

void
options_free(struct options *o)
{

	free((void *)o->server.allow_uid);
	free((void *)o->server.allow_gid);
	free(o->locators);
}

void
options_no_root(const char *where)
{

	mistake("%s: TCP clients are not asked who they are, so say with "
	    "--root what they are to see", where);
}
