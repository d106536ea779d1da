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

/* What it takes to refuse, made before the filter: a call of this thread's that
 * is not in the table would wait for itself. */
struct refusal {
	int fd;
	struct seccomp_notif *req;
	struct seccomp_notif_resp *resp;
	time_t last;		/* line, and how many have none since */
	unsigned long untold;
};

static void
log_refused(struct refusal *r)
{
	const struct seccomp_data *call = &r->req->data;
	char more[64] = "", *name;

	if (r->last == now()) {
		r->untold++;
		return;
	}
	r->last = now();
	if (r->untold > 0)
		snprintf(more, sizeof(more), "; %lu more since the last line",
		    r->untold);
	r->untold = 0;
	name = seccomp_syscall_resolve_num_arch(call->arch, call->nr);
	log_put(RUMPSERVER_LOG_ERROR, "refused host call %s (%d), first "
	    "argument %#llx%s", name != NULL ? name : "?", call->nr,
	    (unsigned long long)call->args[0], more);
	free(name);
}

static void
refusal_free(struct refusal *r)
{

	if (r != NULL)
		seccomp_notify_free(r->req, r->resp);
	free(r);
}

static struct refusal *
refusal_make(void)
{
	struct refusal *r;

	r = calloc(1, sizeof(*r));
	if (r != NULL && seccomp_notify_alloc(&r->req, &r->resp) == 0)
		return r;
	free(r);
	return NULL;
}

static void *
refuser(void *arg)
{
	struct refusal *r = arg;

	for (;;) {
		/* As the host wants it.  ENOENT: who called has gone. */
		memset(r->req, 0, sizeof(*r->req));
		if (seccomp_notify_receive(r->fd, r->req) != 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			break;
		}
		log_refused(r);
		r->resp->id = r->req->id;
		r->resp->val = 0;
		r->resp->error = -ENOSYS;
		r->resp->flags = 0;
		(void)seccomp_notify_respond(r->fd, r->resp);
	}
	log_put(RUMPSERVER_LOG_WARN, "host calls are refused in silence from "
	    "here on");
	close(r->fd);
	refusal_free(r);
	return NULL;
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

/* r is the thread's from here on. */
static bool
start_refuser(struct refusal *r)
{
	pthread_t thread;
	int error;

	error = pthread_create(&thread, NULL, refuser, r);
	if (error == 0) {
		pthread_detach(thread);
		return true;
	}
	log_put(RUMPSERVER_LOG_ERROR, "filter of host calls: %s",
	    strerror(error));
	close(r->fd);
	refusal_free(r);
	return false;
}

static bool
load(scmp_filter_ctx ctx, struct refusal *r)
{
	int rc;

	if (fill(ctx) != 0) {
		refusal_free(r);
		return false;
	}
	rc = seccomp_load(ctx);
	if (rc == 0) {
		r->fd = seccomp_notify_fd(ctx);
		return start_refuser(r);
	}
	log_put(RUMPSERVER_LOG_WARN, "the host does not filter the server's "
	    "calls: %s", strerror(-rc));
	refusal_free(r);
	return true;
}

bool
sandbox_calls(void)
{
	struct refusal *r;
	scmp_filter_ctx ctx;
	bool ok;

	if (SANDBOX_IMPOSSIBLE)
		return true;
	r = refusal_make();
	ctx = seccomp_init(SCMP_ACT_NOTIFY);
	if (ctx == NULL || r == NULL) {
		log_put(RUMPSERVER_LOG_WARN, "the host cannot filter the "
		    "server's calls");
		refusal_free(r);
		ok = true;
	} else
		ok = load(ctx, r);
	seccomp_release(ctx);
	return ok;
}
