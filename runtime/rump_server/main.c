/*
 * rump_server: the embedded host kernel behind rump_sp.
 */
#include <sys/resource.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rump_server/control.h"
#include "rump_server/log.h"
#include "rump_server/options.h"
#include "rump_server/refuse.h"
#include "rump_server/sandbox.h"
#include "rump_server/service.h"
#include "rump_server/sockets.h"
#include "rump_server/user.h"

enum { FEWEST_DESCRIPTORS = 64 };

/* --- signals: blocked in every thread, taken by the main one --- */

static void
block_signals(sigset_t *set)
{

	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
wait_for_end(struct rumpserver *srv, const sigset_t *set)
{
	int signo;

	for (;;) {
		if (sigwait(set, &signo) != 0)
			continue;
		if (signo == SIGUSR1) {
			log_counters(srv);
			continue;
		}
		log_put(RUMPSERVER_LOG_INFO, "stopping after signal %d (%s)",
		    signo, strsignal(signo));
		return;
	}
}

/* --- running --- */

/* Nobody new can come when all that is served are connected sockets. */
static bool
only_connected(const struct options *o)
{
	int i;

	for (i = 0; i < o->nlocators; i++)
		if (o->locators[i].kind != LOCATOR_FD)
			return false;
	return o->nlocators > 0;
}

static void *
end_with_clients(void *arg)
{

	rumpserver_join(arg);
	kill(getpid(), SIGTERM);
	return NULL;
}

/* What is made while there are privileges, and ends last. */
struct outside {
	struct sockets *sockets;
	struct control *control;
	int pid_file;
};

static void
run_until_end(const struct options *o, struct outside *out,
    struct rumpserver *srv, const sigset_t *set)
{
	pthread_t thread;
	bool joining;

	joining = only_connected(o) &&
	    pthread_create(&thread, NULL, end_with_clients, srv) == 0;
	wait_for_end(srv, set);
	service_stopping();
	sockets_unlink(out->sockets);
	rumpserver_stop(srv, o->grace_ms);
	if (joining)
		pthread_join(thread, NULL);
}

static const char *
root_of(const struct options *o)
{

	return o->kernel.root != NULL ? o->kernel.root : "/";
}

static int
serve(const struct options *o, struct outside *out, struct rumpserver *srv,
    const sigset_t *set, int parent)
{

	if (!sockets_give(out->sockets, srv) ||
	    (!o->no_sandbox && !sandbox_calls()))
		return 1;
	if (out->control != NULL && !control_start(out->control, srv))
		return 1;
	if (rumpserver_start(srv) != 0) {
		log_put(RUMPSERVER_LOG_ERROR, "cannot make threads: %s",
		    strerror(errno));
		return 1;
	}
	sockets_tell(out->sockets, root_of(o));
	service_ready(parent, o->ready_fd);
	run_until_end(o, out, srv, set);
	return 0;
}

static int
run_server(struct options *o, struct outside *out, struct hostkern *hk,
    const sigset_t *set, int parent)
{
	struct rumpserver *srv;
	int status;

	o->server.kernel = refuse_kernel(&hostkern_kernel);
	o->server.kern = hk;
	o->server.log = log_line;
	srv = rumpserver_create(&o->server);
	if (srv == NULL) {
		log_put(RUMPSERVER_LOG_ERROR, "cannot make a server: %s",
		    strerror(errno));
		return 1;
	}
	status = serve(o, out, srv, set, parent);
	if (status != 0)
		rumpserver_stop(srv, 0);
	control_stop(out->control);
	out->control = NULL;
	rumpserver_destroy(srv);
	return status;
}

/* What we remove when we stop. */
static size_t
left_behind(const struct options *o, const char **left)
{
	size_t n;
	int i;

	n = 0;
	for (i = 0; i < o->nlocators; i++)
		if (o->locators[i].kind == LOCATOR_UNIX)
			left[n++] = locator_path(&o->locators[i]);
	if (o->has_control && o->control.kind == LOCATOR_UNIX)
		left[n++] = locator_path(&o->control);
	if (o->pid_file != NULL)
		left[n++] = o->pid_file;
	return n;
}

static bool
shut_in(const struct options *o)
{
	const char *left[o->nlocators + 2];

	if (!o->no_sandbox)
		return sandbox_files(root_of(o), left, left_behind(o, left));
	log_put(RUMPSERVER_LOG_WARN, "--no-sandbox: nothing but the server's "
	    "own checks is between guests and the host");
	return true;
}

static int
run_kernel(struct options *o, struct outside *out, const sigset_t *set,
    int parent)
{
	char why[512];
	struct hostkern *hk;
	int status;

	if (o->user != NULL && !user_become(o->user, o->user_uid, o->user_gid))
		return 1;
	hk = hostkern_create(&o->kernel, why, sizeof(why));
	if (hk == NULL) {
		log_put(RUMPSERVER_LOG_ERROR, "%s", why);
		return 1;
	}
	status = shut_in(o) ? run_server(o, out, hk, set, parent) : 1;
	hostkern_destroy(hk);
	return status;
}

static bool
make_pid_file(const struct options *o, int *fd)
{

	if (o->pid_file == NULL)
		return true;
	*fd = service_pid_file(o->pid_file);
	if (*fd != -1)
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "--pid-file %s: %s", o->pid_file,
	    errno == EAGAIN ? "another server that runs has it" :
	    strerror(errno));
	return false;
}

/* With fewer, what happens to fail first would not say why. */
static bool
enough_descriptors(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0 ||
	    rl.rlim_max >= FEWEST_DESCRIPTORS)
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "may have %u descriptors open (ulimit "
	    "-n), and needs %d at least", (unsigned)rl.rlim_max,
	    FEWEST_DESCRIPTORS);
	return false;
}

static int
run(struct options *o, const sigset_t *set, int parent)
{
	struct outside out = { .pid_file = -1 };
	int status;

	status = 1;
	if (!enough_descriptors() || !user_no_new_privs() ||
	    !make_pid_file(o, &out.pid_file))
		return 1;
	out.sockets = sockets_open(o, &status);
	if (out.sockets == NULL)
		goto end;
	if (o->has_control) {
		out.control = control_open(&o->control,
		    o->server.socket_mode != 0 ? o->server.socket_mode : 0600);
		if (out.control == NULL)
			goto end;
	}
	status = run_kernel(o, &out, set, parent);
end:
	control_stop(out.control);
	sockets_free(out.sockets);
	service_pid_file_end(o->pid_file, out.pid_file);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;
	sigset_t set;
	int status, parent;

	status = options_read(&o, argc, argv);
	if (status == -1) {
		log_level(o.verbose >= 2 ? RUMPSERVER_LOG_DEBUG :
		    o.verbose == 1 ? RUMPSERVER_LOG_INFO :
		    RUMPSERVER_LOG_WARN);
		parent = -1;
		if (o.daemon && (parent = service_background()) == -1) {
			log_put(RUMPSERVER_LOG_ERROR, "cannot go into the "
			    "background: %s", strerror(errno));
			return 1;
		}
		block_signals(&set);
		status = run(&o, &set, parent);
	}
	options_free(&o);
	return status;
}
