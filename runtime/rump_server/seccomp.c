/*
 * The filter of host calls: seccomp(2), by libseccomp.
 *
 * What is not in the table is put before a thread of ours, which writes a line
 * and has it fail.  A signal in its stead (SECCOMP_RET_TRAP) would be the end
 * of us where it is blocked, as the C library does now and then.  When that
 * thread is gone, at the end, the host answers ENOSYS by itself.
 */
#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rump_server/log.h"
#include "rump_server/sandbox.h"

/* --- refused calls --- */

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static void
log_refused(const struct seccomp_notif *req)
{
	static time_t last = -1;
	static unsigned long untold;
	char more[64] = "", *name;

	if (last == now()) {
		untold++;
		return;
	}
	last = now();
	if (untold > 0)
		snprintf(more, sizeof(more), "; %lu more since the last line",
		    untold);
	untold = 0;
	name = seccomp_syscall_resolve_num_arch(req->data.arch, req->data.nr);
	log_put(RUMPSERVER_LOG_ERROR, "refused host call %s (%d), first "
	    "argument %#llx%s", name != NULL ? name : "?", req->data.nr,
	    (unsigned long long)req->data.args[0], more);
	free(name);
}

/* What it takes to refuse, made before the filter: a call of this thread's that
 * is not in the table would wait for itself. */
static struct {
	int fd;
	struct seccomp_notif *req;
	struct seccomp_notif_resp *resp;
} refusal;

static void *
refuser(void *arg)
{

	for (;;) {
		/* As the host wants it.  ENOENT: who called has gone. */
		memset(refusal.req, 0, sizeof(*refusal.req));
		if (seccomp_notify_receive(refusal.fd, refusal.req) != 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			break;
		}
		log_refused(refusal.req);
		refusal.resp->id = refusal.req->id;
		refusal.resp->val = 0;
		refusal.resp->error = -ENOSYS;
		refusal.resp->flags = 0;
		(void)seccomp_notify_respond(refusal.fd, refusal.resp);
	}
	log_put(RUMPSERVER_LOG_WARN, "host calls are refused in silence from "
	    "here on");
	close(refusal.fd);
	return arg;
}

/* --- the filter --- */

static int
add_call(scmp_filter_ctx ctx, const struct sandbox_call *c)
{
	uint32_t action = c->absent ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW;
	uint64_t value = c->self ? (uint64_t)getpid() : c->value;
	int nr, rc;

	nr = seccomp_syscall_resolve_name(c->name);
	/* Not a call of this architecture, or newer than libseccomp. */
	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	if (c->mask == 0)
		rc = seccomp_rule_add(ctx, action, nr, 0);
	else
		rc = seccomp_rule_add(ctx, action, nr, 1, SCMP_CMP64(c->arg,
		    SCMP_CMP_MASKED_EQ, c->mask, value));
	if (rc != 0)
		log_put(RUMPSERVER_LOG_ERROR, "filter of host calls: %s: %s",
		    c->name, strerror(-rc));
	return rc;
}

/* A tree in place of a list; other architectures' calls fail, too. */
static int
fill(scmp_filter_ctx ctx)
{
	const struct sandbox_call *c;
	int rc;

	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_ERRNO(ENOSYS));
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	for (c = sandbox_allowed; rc == 0 && c->name != NULL; c++)
		rc = add_call(ctx, c);
	return rc;
}

static bool
start_refuser(scmp_filter_ctx ctx)
{
	pthread_t thread;
	int error;

	refusal.fd = seccomp_notify_fd(ctx);
	error = pthread_create(&thread, NULL, refuser, NULL);
	if (error == 0) {
		pthread_detach(thread);
		return true;
	}
	log_put(RUMPSERVER_LOG_ERROR, "filter of host calls: %s",
	    strerror(error));
	return false;
}

bool
sandbox_calls(void)
{
	scmp_filter_ctx ctx;
	bool ok;
	int rc;

	if (SANDBOX_IMPOSSIBLE)
		return true;
	ctx = seccomp_init(SCMP_ACT_NOTIFY);
	if (ctx == NULL || seccomp_notify_alloc(&refusal.req,
	    &refusal.resp) != 0) {
		log_put(RUMPSERVER_LOG_WARN, "the host cannot filter the "
		    "server's calls");
		seccomp_release(ctx);
		return true;
	}
	ok = fill(ctx) == 0;
	if (ok && (rc = seccomp_load(ctx)) != 0)
		log_put(RUMPSERVER_LOG_WARN, "the host does not filter the "
		    "server's calls: %s", strerror(-rc));
	else if (ok)
		ok = start_refuser(ctx);
	seccomp_release(ctx);
	return ok;
}
