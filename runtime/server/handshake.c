/*
 * The first request of a connection: guest or fork.
 */
#include <stdlib.h>
#include <string.h>

#include <rump/rumpdefs_errno.h>

#include "server/server.h"

const char *
request_comm(const struct request *req)
{

	if (req->len == 0 || req->body[req->len - 1] != '\0')
		return NULL;
	return (const char *)req->body;
}

static void
established(struct session *ses, const struct request *req)
{
	const int32_t zero = 0;

	ses->state = SES_UP;
	session_deadline(ses, 0, NULL);
	session_respond(ses, &req->hdr, &zero, sizeof(zero));
}

/* The kernel is told the peer's groups, which nobody keeps. */
static int
guest_start(struct session *ses, struct rump_proc *p, const char *comm)
{
	struct rumpserver_peer peer = ses->peer;
	gid_t *groups = NULL;
	int error;

	if (peer.known && !peer_groups(ses->fd, &groups, &peer.ngroups))
		return RUMP_ENOMEM;
	peer.groups = groups;
	error = kernel_proc_new(ses->srv, p, &peer, comm);
	free(groups);
	return error;
}

static void
guest(struct session *ses, const struct request *req)
{
	struct rumpserver *srv = ses->srv;
	const char *comm = request_comm(req);
	struct rump_proc *p;
	int error;

	if (comm == NULL) {
		count(&srv->count.protocol_errors, 1);
		ses_log(ses, RUMPSERVER_LOG_WARN, "guest handshake without a "
		    "terminated command name; disconnecting");
		session_refuse(ses, req->hdr.reqno, FRAME_ERR_MALFORMED);
		return;
	}
	rumpserver_account_ref(ses->account);
	p = proc_alloc(ses->account);
	if (p == NULL) {
		session_refuse(ses, req->hdr.reqno, FRAME_ERR_NOMEM);
		return;
	}
	atomic_store(&p->session, ses);
	error = guest_start(ses, p, comm);
	if (error != 0) {
		proc_free(p);
		ses_log(ses, RUMPSERVER_LOG_WARN, "guest '%.40s' refused by "
		    "the kernel: errno %d", comm, error);
		session_refuse(ses, req->hdr.reqno,
		    error_frame(error) == FRAME_ERR_NOMEM ? FRAME_ERR_NOMEM :
		    FRAME_ERR_AUTH);
		return;
	}
	ses->proc = p;
	ses_log(ses, RUMPSERVER_LOG_INFO, "guest '%.40s'", comm);
	established(ses, req);
}

static void
forked(struct session *ses, const struct request *req)
{
	struct rumpserver *srv = ses->srv;
	struct frame_fork body;
	struct rump_proc *p;

	memcpy(&body, req->body, sizeof(body));
	p = prefork_take(srv, body.cookie);
	if (body.cancel != 0) {
		if (p != NULL)
			proc_end(srv, p);
		ses_log(ses, RUMPSERVER_LOG_INFO, "cancels a fork");
		session_hangup(ses);
		return;
	}
	if (p == NULL) {
		ses_log(ses, RUMPSERVER_LOG_WARN, "fork with an unknown, used "
		    "or expired cookie; disconnecting");
		session_refuse(ses, req->hdr.reqno, FRAME_ERR_NO_PREFORK);
		return;
	}
	ses->proc = p;
	atomic_store(&p->session, ses);
	if (srv->kernel->proc_attach != NULL)
		srv->kernel->proc_attach(srv->kern, p, &ses->peer);
	ses_log(ses, RUMPSERVER_LOG_INFO, "forked");
	established(ses, req);
}

void
handshake(struct session *ses, const struct request *req)
{

	if (ses->refusal != 0) {
		session_refuse(ses, req->hdr.reqno, ses->refusal);
	} else if (req->hdr.type == FRAME_HANDSHAKE &&
	    req->hdr.u == HANDSHAKE_GUEST) {
		guest(ses, req);
	} else if (req->hdr.type == FRAME_HANDSHAKE &&
	    req->hdr.u == HANDSHAKE_FORK) {
		forked(ses, req);
	} else {
		ses_log(ses, RUMPSERVER_LOG_WARN, "first request is neither a "
		    "guest nor a fork handshake; disconnecting");
		session_refuse(ses, req->hdr.reqno, FRAME_ERR_AUTH);
	}
}
