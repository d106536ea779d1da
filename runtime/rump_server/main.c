/*
 * rump_server: the embedded host kernel behind rump_sp.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

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
#include "rump_server/service.h"
#include "wire/locator.h"

static bool
is_loopback(const struct locator *loc)
{
	const struct sockaddr_in *sin = (const void *)&loc->addr;
	const struct sockaddr_in6 *sin6 = (const void *)&loc->addr;

	if (loc->kind == LOCATOR_TCP)
		return ntohl(sin->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
}

static void
warn_tcp(const struct options *o, const struct locator *loc)
{

	if (o->tcp_any || (loc->kind != LOCATOR_TCP &&
	    loc->kind != LOCATOR_TCP6) || is_loopback(loc))
		return;
	log_put(RUMPSERVER_LOG_WARN, "%s is open to the network and TCP "
	    "clients are not checked; bind to 127.0.0.1, or say --tcp-any if "
	    "this is meant", loc->text);
}

/* Listens at one locator, or serves it if it is a descriptor. */
static bool
open_locator(const struct options *o, struct rumpserver *srv, const char *s)
{
	char why[LOCATOR_WHY];
	struct locator loc;

	if (locator_parse(&loc, s, LOCATOR_SERVER, why) != 0) {
		log_put(RUMPSERVER_LOG_ERROR, "%s", why);
		return false;
	}
	if (loc.kind == LOCATOR_FD) {
		if (rumpserver_serve_fd(srv, loc.fd) == 0)
			return true;
		log_put(RUMPSERVER_LOG_ERROR, "cannot serve %s: %s", s,
		    strerror(errno));
		return false;
	}
	warn_tcp(o, &loc);
	/* The library has said why. */
	if (rumpserver_listen(srv, s, NULL, 0) == -1)
		return false;
	if (!o->chown_socket || loc.kind != LOCATOR_UNIX)
		return true;
	if (chown(loc.text + strlen("unix://"), o->owner, o->group) == 0)
		return true;
	log_put(RUMPSERVER_LOG_ERROR, "--owner: %s: %s", loc.text,
	    strerror(errno));
	return false;
}

static bool
open_all(const struct options *o, struct rumpserver *srv)
{
	int i, n, first;

	n = service_listen_fds(&first);
	for (i = 0; i < n; i++) {
		if (rumpserver_listen_fd(srv, first + i) == 0)
			continue;
		log_put(RUMPSERVER_LOG_ERROR, "LISTEN_FDS: descriptor %d: %s",
		    first + i, strerror(errno));
		return false;
	}
	for (i = 0; i < o->nlocators; i++)
		if (!open_locator(o, srv, o->locators[i]))
			return false;
	if (n == 0 && o->nlocators == 0) {
		log_put(RUMPSERVER_LOG_ERROR, "LISTEN_FDS is not for this "
		    "process, and there is no locator");
		return false;
	}
	return true;
}

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
		if (strncmp(o->locators[i], "fd://", 5) != 0)
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

static void
run_until_end(const struct options *o, struct rumpserver *srv,
    const sigset_t *set)
{
	pthread_t thread;
	bool joining;

	joining = only_connected(o) &&
	    pthread_create(&thread, NULL, end_with_clients, srv) == 0;
	wait_for_end(srv, set);
	service_stopping();
	rumpserver_stop(srv, o->grace_ms);
	if (joining)
		pthread_join(thread, NULL);
}

static int
serve(struct options *o, struct rumpserver *srv, const sigset_t *set,
    int parent)
{
	struct control *control;
	bool started;

	control = NULL;
	if (!open_all(o, srv))
		return 1;
	if (o->control != NULL) {
		control = control_start(o->control, o->server.socket_mode != 0 ?
		    o->server.socket_mode : 0600, srv);
		if (control == NULL)
			return 1;
	}
	if (o->pid_file != NULL && service_pid_file(o->pid_file) == -1) {
		log_put(RUMPSERVER_LOG_ERROR, "--pid-file %s: %s", o->pid_file,
		    strerror(errno));
		control_stop(control);
		return 1;
	}
	started = rumpserver_start(srv) == 0;
	if (started) {
		service_ready(parent, o->ready_fd);
		run_until_end(o, srv, set);
	} else {
		log_put(RUMPSERVER_LOG_ERROR, "cannot make threads: %s",
		    strerror(errno));
	}
	control_stop(control);
	if (o->pid_file != NULL)
		unlink(o->pid_file);
	return started ? 0 : 1;
}

static int
run(struct options *o, const sigset_t *set, int parent)
{
	char why[512];
	struct rumpserver *srv;
	struct hostkern *hk;
	int status;

	hk = hostkern_create(&o->kernel, why, sizeof(why));
	if (hk == NULL) {
		log_put(RUMPSERVER_LOG_ERROR, "%s", why);
		return 1;
	}
	o->server.kernel = refuse_kernel(&hostkern_kernel);
	o->server.kern = hk;
	o->server.log = log_line;
	srv = rumpserver_create(&o->server);
	if (srv == NULL) {
		log_put(RUMPSERVER_LOG_ERROR, "cannot make a server: %s",
		    strerror(errno));
		hostkern_destroy(hk);
		return 1;
	}
	status = serve(o, srv, set, parent);
	if (status != 0)
		rumpserver_stop(srv, 0);
	rumpserver_destroy(srv);
	hostkern_destroy(hk);
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
