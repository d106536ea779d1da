/*
 * Requests that are not calls.
 */
#include <sys/socket.h>

#include <stdlib.h>
#include <string.h>

#include "server/server.h"

enum frame_error
error_frame(int error)
{

	switch (error) {
	case RUMP_EPERM:
	case RUMP_EACCES:
		return FRAME_ERR_AUTH;
	case RUMP_EAGAIN:
	case RUMP_ENOMEM:
	case RUMP_ENFILE:
	case RUMP_EMFILE:
	case RUMP_EPROCLIM:
		return FRAME_ERR_NOMEM;
	default:
		return FRAME_ERR_RFORK;
	}
}

void
session_hangup(struct session *ses)
{

	ses->state = SES_DRAIN;
	/* What in_timer counts from here on no frame's end takes back. */
	ses->frame_timed = false;
	if (atomic_load(&ses->out_waiting) == 0)
		shutdown(ses->fd, SHUT_WR);
	session_deadline(ses, LINGER_MS, "refused, and does not hang up");
}

void
session_refuse(struct session *ses, uint64_t reqno, enum frame_error error)
{

	session_error(ses, reqno, error);
	session_hangup(ses);
}

/* Whether an exec has waited for this prefork. */
static bool
prefork_over(struct session *ses)
{
	bool go;

	pthread_mutex_lock(&ses->lock);
	go = --ses->nbusy == 0 && ses->exec;
	pthread_mutex_unlock(&ses->lock);
	return go;
}

static void
serve_prefork(struct session *ses, const struct request *req, struct worker *w)
{

	kernel_enter(w);
	prefork_make(ses, req);
	kernel_leave(w);
	if (prefork_over(ses))
		exec_finish(ses, w);
}

static bool
is_exec(const struct request *req)
{

	return req->hdr.type == FRAME_HANDSHAKE && req->hdr.u == HANDSHAKE_EXEC;
}

/*
 * Takes the request's place among those at work, in the order of arrival:
 * whatever came behind an exec finds it in progress.  false: refused.
 */
static bool
admit(struct session *ses, const struct request *req)
{
	bool exec, ok;

	if (is_exec(req))
		return exec_admit(ses, req);
	if (req->hdr.type != FRAME_PREFORK) {
		session_error(ses, req->hdr.reqno, FRAME_ERR_MALFORMED);
		return false;
	}
	pthread_mutex_lock(&ses->lock);
	exec = ses->exec;
	ok = !exec && ses->nbusy < ses->srv->cfg.max_calls_per_client;
	if (ok)
		ses->nbusy++;
	pthread_mutex_unlock(&ses->lock);
	if (!ok)
		session_error(ses, req->hdr.reqno, exec ? FRAME_ERR_INEXEC :
		    FRAME_ERR_NOMEM);
	return ok;
}

/* A request on an established connection, admitted. */
static void
serve(struct session *ses, const struct request *req, struct worker *w)
{

	if (is_exec(req))
		exec_run(ses, w);
	else
		serve_prefork(ses, req, w);
}

bool
request_run(struct session *ses, const struct request *req, struct worker *w)
{
	bool owned;

	if (ses->state == SES_NEW) {
		handshake(ses, req);
		return true;
	}
	if (!admit(ses, req))
		return true;
	session_ref(ses);
	serve(ses, req, w);
	pthread_mutex_lock(&ses->lock);
	owned = session_owned(ses, w);
	pthread_mutex_unlock(&ses->lock);
	session_unref(ses);
	return owned;
}

static void
request_work(struct work *work, struct worker *w)
{
	struct request *req = (struct request *)work;
	struct session *ses = req->session;

	serve(ses, req, w);
	free(req);
	session_unref(ses);
}

void
request_queue(struct session *ses, const struct request *req)
{
	struct request *copy;

	copy = malloc(sizeof(*copy) + req->len);
	if (copy == NULL) {
		session_error(ses, req->hdr.reqno, FRAME_ERR_NOMEM);
		return;
	}
	if (!admit(ses, req)) {
		free(copy);
		return;
	}
	*copy = *req;
	copy->work.run = request_work;
	copy->body = (uint8_t *)(copy + 1);
	memcpy(copy->body, req->body, req->len);
	session_ref(ses);
	pool_queue(ses->srv, &copy->work);
}
