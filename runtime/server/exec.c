/*
 * Exec handshakes: the process goes on under another program.
 *
 * The calls in flight are interrupted.  Whoever ends the last of them does
 * the exec; until then nothing new begins.
 */
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

bool
exec_admit(struct session *ses, const struct request *req)
{
	const char *name = request_comm(req);
	bool busy;
	char *comm;

	if (name == NULL) {
		session_error(ses, req->hdr.reqno, FRAME_ERR_MALFORMED);
		return false;
	}
	comm = strdup(name);
	if (comm == NULL) {
		session_error(ses, req->hdr.reqno, FRAME_ERR_NOMEM);
		return false;
	}
	pthread_mutex_lock(&ses->lock);
	busy = ses->exec;
	if (!busy) {
		ses->exec = true;
		ses->exec_reqno = req->hdr.reqno;
		ses->exec_comm = comm;
		/* Counts as a call, so that nobody finishes before all are
		 * told. */
		ses->nbusy++;
	}
	pthread_mutex_unlock(&ses->lock);
	if (busy) {
		free(comm);
		session_error(ses, req->hdr.reqno, FRAME_ERR_INEXEC);
	}
	return !busy;
}

void
exec_run(struct session *ses, struct worker *w)
{
	bool go;

	kernel_enter(w);
	pthread_mutex_lock(&ses->lock);
	lwps_interrupt(ses);
	go = --ses->nbusy == 0;
	pthread_mutex_unlock(&ses->lock);
	kernel_leave(w);
	if (go)
		exec_finish(ses, w);
}

bool
exec_finish(struct session *ses, struct worker *w)
{
	struct rumpserver *srv = ses->srv;
	struct frame_hdr req;
	const int32_t zero = 0;
	bool dead, owned;
	char *comm;
	int error;

	pthread_mutex_lock(&ses->lock);
	dead = ses->dead;
	comm = ses->exec_comm;
	ses->exec_comm = NULL;
	req = frame_hdr(FRAME_REQ, FRAME_HANDSHAKE, ses->exec_reqno,
	    HANDSHAKE_EXEC, 0);
	pthread_mutex_unlock(&ses->lock);

	error = 0;
	kernel_enter(w);
	if (!dead) {
		lwps_release(ses);
		error = kernel_proc_exec(srv, ses->proc, comm);
		ses_log(ses, RUMPSERVER_LOG_INFO, "exec '%.40s'", comm);
	}
	free(comm);
	kernel_leave(w);

	pthread_mutex_lock(&ses->lock);
	ses->exec = false;
	owned = session_owned(ses, w);
	pthread_mutex_unlock(&ses->lock);
	if (error != 0)
		session_error(ses, req.reqno, error_frame(error));
	else
		session_respond(ses, &req, &zero, sizeof(zero));
	return owned;
}
