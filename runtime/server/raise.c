/*
 * Signals towards a client.
 */
#include "server/server.h"

int
rumpserver_raise(struct rump_proc *p, int signo)
{
	struct session *ses;
	struct frame_hdr hdr;
	uint64_t reqno;
	bool dead;

	ses = atomic_load(&p->session);
	if (ses == NULL)
		return RUMP_ESRCH;

	pthread_mutex_lock(&ses->lock);
	dead = ses->dead;
	reqno = ses->reqno++;
	pthread_mutex_unlock(&ses->lock);
	if (dead)
		return RUMP_ESRCH;

	hdr = frame_hdr(FRAME_REQ, FRAME_RAISE, reqno, (uint32_t)signo, 0);
	return session_raise(ses, &hdr) ? 0 : RUMP_ESRCH;
}
