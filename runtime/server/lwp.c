/*
 * Lwps: calls in progress.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "server/server.h"

static void
lwp_timeout(struct timer *t)
{
	struct lwp *l;

	l = (struct lwp *)((char *)t - offsetof(struct lwp, timer));
	atomic_store(&l->timed_out, true);
	fiber_ready(l->session->srv, l->fiber);
}

static struct lwp *
lwp_alloc(struct session *ses)
{
	pthread_condattr_t attr;
	struct lwp *l;

	l = calloc(1, sizeof(*l));
	if (l == NULL)
		return NULL;
	l->session = ses;
	l->proc = ses->proc;
	l->work.run = lwp_work;
	l->timer.fire = lwp_timeout;
	l->out.account = l->in.account = l->aside.account = l->proc->account;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&l->wake, &attr);
	pthread_condattr_destroy(&attr);
	return l;
}

static void
lwp_free(struct lwp *l)
{
	struct rumpserver *srv = l->session->srv;

	if (l->known && srv->kernel->lwp_release != NULL)
		srv->kernel->lwp_release(srv->kern, l);
	pthread_cond_destroy(&l->wake);
	buf_reset(&l->out, 0);
	buf_reset(&l->in, 0);
	buf_reset(&l->aside, 0);
	free(l);
}

struct lwp *
lwp_get(struct session *ses)
{
	struct lwp *l;

	l = TAILQ_FIRST(&ses->idle);
	if (l != NULL) {
		TAILQ_REMOVE(&ses->idle, l, link);
		ses->nidle--;
	} else {
		l = lwp_alloc(ses);
		if (l == NULL)
			return NULL;
	}
	l->begun = l->told = false;
	l->worker = NULL;
	l->fiber = NULL;
	l->job = NULL;
	atomic_store(&l->interrupted, false);
	atomic_store(&l->woken, false);
	TAILQ_INSERT_TAIL(&ses->busy, l, link);
	ses->nbusy++;
	session_ref(ses);
	return l;
}

bool
lwp_put(struct lwp *l, struct worker *w)
{
	struct session *ses = l->session;
	bool exec, owned, surplus;

	uncount(&ses->srv->count.calls_now);
	pthread_mutex_lock(&ses->lock);
	TAILQ_REMOVE(&ses->busy, l, link);
	ses->nbusy--;
	surplus = ses->nidle >= LWP_KEEP && l->pins == 0;
	if (!surplus) {
		TAILQ_INSERT_HEAD(&ses->idle, l, link);
		ses->nidle++;
	}
	exec = ses->exec && ses->nbusy == 0;
	owned = session_owned(ses, w);
	/* On an idle session nobody frees the buffers later. */
	if (!owned && ses->input != INPUT_OWNED) {
		buf_reset(&l->out, BUF_KEEP);
		buf_reset(&l->in, BUF_KEEP);
	}
	pthread_mutex_unlock(&ses->lock);

	if (surplus)
		lwp_free(l);
	if (exec)
		owned = exec_finish(ses, w);
	session_unref(ses);
	return owned;
}

void
lwps_release(struct session *ses)
{
	struct lwp *l;

	for (;;) {
		pthread_mutex_lock(&ses->lock);
		l = TAILQ_FIRST(&ses->idle);
		if (l != NULL) {
			TAILQ_REMOVE(&ses->idle, l, link);
			ses->nidle--;
		}
		pthread_mutex_unlock(&ses->lock);
		if (l == NULL)
			return;
		lwp_free(l);
	}
}

void
lwp_wake(struct lwp *l)
{

	if (l->fiber != NULL)
		fiber_ready(l->session->srv, l->fiber);
	else if (l->sleep == LWP_WAIT && l->polls)
		pthread_kill(l->worker->thread, WAKE_SIGNAL);
	else
		pthread_cond_signal(&l->wake);
}

/* Interrupts those that sleep with us; collects up to n others. */
static size_t
interrupt_some(struct session *ses, struct lwp **v, size_t n)
{
	struct lwp *l;
	size_t found;

	found = 0;
	TAILQ_FOREACH(l, &ses->busy, link) {
		if (l->told)
			continue;
		if (found == n)
			break;
		l->told = true;
		atomic_store(&l->interrupted, true);
		if (l->sleep == LWP_WAIT) {
			lwp_wake(l);
		} else if (l->sleep == LWP_AWAKE && l->begun) {
			l->pins++;
			v[found++] = l;
		}
	}
	return found;
}

void
lwps_interrupt(struct session *ses)
{
	const struct rumpserver_kernel *k = ses->srv->kernel;
	struct lwp *v[64];
	size_t n, i;

	do {
		n = interrupt_some(ses, v, sizeof(v) / sizeof(v[0]));
		if (n == 0)
			break;
		pthread_mutex_unlock(&ses->lock);
		for (i = 0; i < n && k->interrupt != NULL; i++)
			k->interrupt(ses->srv->kern, v[i]);
		pthread_mutex_lock(&ses->lock);
		for (i = 0; i < n; i++)
			v[i]->pins--;
	} while (n == sizeof(v) / sizeof(v[0]));
}

/* --- running one --- */

/* False when there is no use in it: the client is gone. */
static bool
lwp_begin(struct lwp *l)
{
	struct session *ses = l->session;
	bool dead;

	pthread_mutex_lock(&ses->lock);
	dead = ses->dead;
	if (l->known)
		l->begun = !dead;
	pthread_mutex_unlock(&ses->lock);
	return !dead;
}

/* Tells the kernel of a new lwp. */
static int
lwp_introduce(struct lwp *l)
{
	struct rumpserver *srv = l->session->srv;
	int error;

	error = 0;
	if (srv->kernel->lwp_new != NULL)
		error = srv->kernel->lwp_new(srv->kern, l);
	if (error != 0)
		return error;
	pthread_mutex_lock(&l->session->lock);
	l->known = l->begun = true;
	pthread_mutex_unlock(&l->session->lock);
	return 0;
}

static void
lwp_answer(struct lwp *l, int error, const register_t retval[2])
{
	struct {
		struct frame_hdr hdr;
		struct frame_sysresp resp;
	} f;

	f.hdr = frame_hdr(FRAME_RESP, FRAME_SYSCALL, l->reqno, 0,
	    sizeof(f.resp));
	f.resp = (struct frame_sysresp){ .error = error,
	    .retval = { retval[0], retval[1] } };
	if (buf_append(&l->out, &f, sizeof(f)))
		lwp_send(l, NULL, 0);
	else if (lwp_send(l, NULL, 0))
		session_send(l->session, &f, sizeof(f), NULL, 0);
}

static void
lwp_call(struct lwp *l, int error)
{
	struct rumpserver *srv = l->session->srv;
	register_t retval[2] = { 0, 0 };

	if (error == 0)
		error = srv->kernel->syscall(srv->kern, l, l->num, l->args,
		    l->arglen, retval);
	l->reserved = 0;
	rumpserver_unblock(l);
	buf_reset(&l->aside, 0);
	lwp_answer(l, error, retval);
}

/* Also when there is no use in it: then it finds itself interrupted. */
static void
lwp_job(struct lwp *l, int error)
{

	if (error != 0)
		atomic_store(&l->interrupted, true);
	l->job(l, l->job_arg);
	l->out.len = 0;
}

bool
lwp_run(struct lwp *l)
{
	struct worker *w = l->worker;
	bool begun = lwp_begin(l);
	int error = begun ? 0 : RUMP_ESRCH;

	if (!begun && l->job == NULL)
		return lwp_put(l, w);
	kernel_enter(w);
	if (begun && !l->known)
		error = lwp_introduce(l);
	if (l->job == NULL)
		lwp_call(l, error);
	else
		lwp_job(l, error);
	kernel_leave(w);
	return lwp_put(l, w);
}

void
lwp_work(struct work *work, struct worker *w)
{
	struct lwp *l = (struct lwp *)work;
	struct session *ses = l->session;

	if (w->loop) {
		if (!fiber_start(ses->srv, lwp_fiber, l, &l->fiber)) {
			lwp_job(l, RUMP_ENOMEM);
			lwp_put(l, w);
		}
		return;
	}
	l->worker = w;
	if (lwp_run(l))
		session_run(ses, w);
}

void
lwp_fiber(void *arg)
{
	struct lwp *l = arg;

	l->worker = &l->session->srv->loop;
	lwp_run(l);
}

/* --- for the kernel --- */

int
rumpserver_spawn(struct lwp *l, void (*job)(struct lwp *, void *), void *arg)
{
	struct session *ses = l->session;
	struct lwp *new = NULL;
	int error = 0;

	pthread_mutex_lock(&ses->lock);
	if (ses->dead || ses->exec)
		error = RUMP_ESRCH;
	else if ((new = lwp_get(ses)) == NULL)
		error = RUMP_ENOMEM;
	pthread_mutex_unlock(&ses->lock);
	if (error != 0)
		return error;
	new->job = job;
	new->job_arg = arg;
	count(&ses->srv->count.calls_now, 1);
	pool_queue(ses->srv, &new->work);
	return 0;
}

struct rump_proc *
rumpserver_lwp_proc(const struct lwp *l)
{

	return l->proc;
}

void *
rumpserver_lwp_private(const struct lwp *l)
{

	return l->priv;
}

void
rumpserver_lwp_setprivate(struct lwp *l, void *priv)
{

	l->priv = priv;
}

bool
rumpserver_interrupted(const struct lwp *l)
{

	return atomic_load(&l->interrupted);
}

void
rumpserver_interrupt(struct lwp *l)
{
	struct session *ses = l->session;

	pthread_mutex_lock(&ses->lock);
	if (l->begun) {
		atomic_store(&l->interrupted, true);
		if (l->sleep == LWP_WAIT)
			lwp_wake(l);
	}
	pthread_mutex_unlock(&ses->lock);
}
