/*
 * POSIX asynchronous I/O.
 *
 * Client memory can be touched only by a call of that client while it is in
 * progress, so an operation has three parts:
 *
 *	submission	aio_read, aio_write, aio_fsync, lio_listio: the call
 *			fetches the aiocb and what is to be written, marks the
 *			aiocb as in progress and queues a job
 *	work		the process's worker, one of the server's threads
 *			while there are jobs, does them one after the other as
 *			in NetBSD, between the file and memory of ours, just
 *			as read(2) and write(2) would, then raises the signal
 *			that was asked for
 *	delivery	the next aio_error, aio_suspend or aio_return that
 *			names the aiocb, or lio_listio when it waits: copies
 *			what was read into the client's buffer and completes
 *			the aiocb
 *
 * Between work and delivery the job is remembered by the aiocb's address.  Its
 * bytes are the guest's, paid for before there is memory for them.
 *
 * Locks: paio.lock guards the jobs' list and states and lio counts.  A job that
 * is RUNNING belongs to the worker, one that is DONE and taken off the list to
 * the call that took it.
 */
#include <sys/queue.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_handlers.h>

#include "hostkern/aio.h"
#include "hostkern/kcv.h"
#include "hostkern/kern.h"
#include "hostkern/ktime.h"
#include "hostkern/raise.h"
#include "hostkern/rw.h"

enum {
	AIO_JOBS_MAX = RUMP_AIO_LISTIO_MAX,	/* of a process, undelivered
						 * ones included */
	AIO_OP_BYTES = 16 * 1024 * 1024,	/* most that one job moves */
	/* In the client's aiocb, NetBSD's values. */
	JOB_NONE = 0, JOB_WIP = 1, JOB_DONE = 2,
};

enum aio_op { OP_READ, OP_WRITE, OP_SYNC, OP_DSYNC };
enum aio_state { QUEUED, RUNNING, DONE };

/* A lio_listio call whose jobs are not all done. */
struct lio {
	unsigned refs;		/* jobs, and the call while it is in progress */
	int signo;		/* raised when all are done; 0: none */
};

struct aiojob {
	TAILQ_ENTRY(aiojob) link;
	enum aio_state state;
	enum aio_op op;
	rump_uaddr_t uaddr;	/* of the aiocb; what the job is known by */
	rump_uaddr_t ubuf;
	int fd;
	int64_t offset;
	char *data;
	size_t len;		/* paid for */
	int signo;		/* 0: none */
	struct lio *lio;	/* NULL: none */
	int error;
	int64_t retval;
};

/* Per process. */
struct paio {
	struct kproc *proc;
	pthread_mutex_t lock;
	TAILQ_HEAD(, aiojob) jobs;	/* in order of submission */
	struct kcv done;	/* some job is */
	unsigned ndone;		/* how many have been */
	unsigned njobs;
	bool working;		/* there is a worker */
};

static struct paio *
paio_of(struct kproc *p)
{

	return p->ext[KERN_SLOT_AIO];
}

/* --- jobs; lock held --- */

static struct aiojob *
job_find(struct paio *aio, rump_uaddr_t uaddr)
{
	struct aiojob *job;

	TAILQ_FOREACH(job, &aio->jobs, link)
		if (job->uaddr == uaddr)
			break;
	return job;
}

static struct aiojob *
job_unlink(struct paio *aio, struct aiojob *job)
{

	TAILQ_REMOVE(&aio->jobs, job, link);
	aio->njobs--;
	return job;
}

static void
job_free(struct paio *aio, struct aiojob *job)
{

	rumpserver_refund(aio->proc->account, RUMPSERVER_BYTES, job->len);
	free(job->data);
	free(job);
}

/* --- the end of a job --- */

static void
notify(struct paio *aio, int signo)
{

	if (signo != 0)
		(void)raise_signal(aio->proc, signo);
}

/* One part of a lio_listio less; the signal to raise now.  Lock held. */
static int
lio_put(struct lio *lio)
{
	int signo;

	if (lio == NULL || --lio->refs != 0)
		return 0;
	signo = lio->signo;
	free(lio);
	return signo;
}

/* Marks the job as done and tells everybody.  Lock not held; the job may be
 * gone when this returns. */
static void
job_done(struct paio *aio, struct aiojob *job)
{
	int signo, liosigno;

	pthread_mutex_lock(&aio->lock);
	signo = job->signo;
	liosigno = lio_put(job->lio);
	job->lio = NULL;
	job->state = DONE;
	aio->ndone++;
	kcv_broadcast(&aio->done);
	pthread_mutex_unlock(&aio->lock);
	notify(aio, signo);
	notify(aio, liosigno);
}

/* --- the worker --- */

static int
job_transfer(struct lwp *l, struct file *f, struct aiojob *job)
{
	size_t done;
	int error;

	error = job->op == OP_READ ?
	    rw_read(l, f, job->offset, job->data, job->len, &done) :
	    rw_write(l, f, job->offset, job->data, job->len, &done);
	if (error == 0)
		job->retval = (int64_t)done;
	/* It may not sleep, as too many do. */
	return error == RUMP_ENOMEM ? RUMP_EAGAIN : error;
}

static int
job_sync(struct lwp *l, struct file *f, struct aiojob *job)
{
	int error;

	if (f->type != FILE_VNODE)
		return RUMP_EINVAL;
	rumpserver_block(l);
	error = (job->op == OP_DSYNC ? fdatasync(f->hfd) : fsync(f->hfd)) ==
	    -1 ? kern_errno() : 0;
	rumpserver_unblock(l);
	if (error == 0)
		job->retval = 0;
	return error;
}

/* As in NetBSD the descriptor is looked up when the job's turn has come. */
static void
job_run(struct lwp *l, struct aiojob *job)
{
	struct kproc *p = kern_proc(l);
	struct file *f;

	job->retval = -1;
	job->error = job->op == OP_READ ? fd_getread(p, job->fd, &f) :
	    fd_getwrite(p, job->fd, &f);
	if (job->error != 0)
		return;
	job->error = job->op == OP_SYNC || job->op == OP_DSYNC ?
	    job_sync(l, f, job) : job_transfer(l, f, job);
	file_put(f);
}

/* Lock held. */
static struct aiojob *
next_queued(struct paio *aio)
{
	struct aiojob *job;

	TAILQ_FOREACH(job, &aio->jobs, link)
		if (job->state == QUEUED)
			break;
	return job;
}

static void work(struct lwp *, void *);

/* Lock held. */
static int
start_worker(struct paio *aio, struct lwp *l)
{

	if (!aio->working)
		aio->working = rumpserver_spawn(l, work, aio) == 0;
	return aio->working ? 0 : RUMP_EAGAIN;
}

/*
 * Until there is nothing to do, or it is interrupted: then the process ends or
 * exec's, and the jobs with it, nobody being told, or somebody has closed a
 * descriptor, and the rest is another worker's.
 */
static void
work(struct lwp *l, void *arg)
{
	struct paio *aio = arg;
	struct aiojob *job;
	bool again, began = false;

	pthread_mutex_lock(&aio->lock);
	while (!rumpserver_interrupted(l) &&
	    (job = next_queued(aio)) != NULL) {
		began = true;
		job->state = RUNNING;
		pthread_mutex_unlock(&aio->lock);
		job_run(l, job);
		again = job->error == RUMP_EINTR;
		if (!again)
			job_done(aio, job);
		pthread_mutex_lock(&aio->lock);
		if (again)
			job->state = QUEUED;
	}
	aio->working = false;
	if (began && next_queued(aio) != NULL)
		(void)start_worker(aio, l);
	pthread_mutex_unlock(&aio->lock);
}

/* All of them, when there is no worker any more. */
static void
forget_jobs(struct paio *aio)
{
	struct aiojob *job;

	while ((job = TAILQ_FIRST(&aio->jobs)) != NULL) {
		job_unlink(aio, job);
		(void)lio_put(job->lio);
		job_free(aio, job);
	}
}

/* --- processes --- */

static int
aio_proc_new(struct kproc *p)
{
	struct paio *aio;

	aio = calloc(1, sizeof(*aio));
	if (aio == NULL)
		return RUMP_ENOMEM;
	aio->proc = p;
	TAILQ_INIT(&aio->jobs);
	kcv_init(&aio->done);
	pthread_mutex_init(&aio->lock, NULL);
	p->ext[KERN_SLOT_AIO] = aio;
	return 0;
}

/* Operations in progress are not a child's. */
static int
aio_proc_copy(struct kproc *child, struct kproc *parent)
{

	(void)parent;
	return aio_proc_new(child);
}

/* The new image knows nothing of them either. */
static void
aio_proc_exec(struct kproc *p)
{

	forget_jobs(paio_of(p));
}

static void
aio_proc_exit(struct kproc *p)
{
	struct paio *aio = paio_of(p);

	forget_jobs(aio);
	pthread_mutex_destroy(&aio->lock);
	free(aio);
	p->ext[KERN_SLOT_AIO] = NULL;
}

const struct kern_module aio_module = {
	.proc_new = aio_proc_new,
	.proc_copy = aio_proc_copy,
	.proc_exec = aio_proc_exec,
	.proc_exit = aio_proc_exit,
};

/* --- submission --- */

static int
sigevent_signo(const struct rump_sigevent *ev, int *signo)
{

	if (ev->sigev_signo < 0 || ev->sigev_signo >= RUMP_NSIG ||
	    ev->sigev_notify < RUMP_SIGEV_NONE ||
	    ev->sigev_notify > RUMP_SIGEV_SA)
		return RUMP_EINVAL;
	*signo = ev->sigev_notify == RUMP_SIGEV_NONE ? 0 : ev->sigev_signo;
	return 0;
}

static bool
moves_data(enum aio_op op)
{

	return op == OP_READ || op == OP_WRITE;
}

/* Room for the job's bytes, and those that are to be written. */
static int
job_fetch(struct lwp *l, struct aiojob *job, size_t len)
{

	if (!rumpserver_charge(kern_proc(l)->account, RUMPSERVER_BYTES, len))
		return RUMP_EAGAIN;
	job->len = len;
	job->data = malloc(len);
	if (job->data == NULL)
		return RUMP_EAGAIN;
	return job->op == OP_WRITE ?
	    rumpserver_copyin(l, job->ubuf, job->data, len) : 0;
}

/* The job that the aiocb describes, its data fetched. */
static int
job_make(struct lwp *l, enum aio_op op, rump_uaddr_t uaddr,
    const struct rump_aiocb *cb, struct aiojob **jobp)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct aiojob *job;
	int error, signo;

	error = sigevent_signo(&cb->aio_sigevent, &signo);
	if (error != 0)
		return error;
	if (moves_data(op) && (cb->aio_buf == NULL || cb->aio_nbytes >
	    INT64_MAX))
		return RUMP_EINVAL;
	job = calloc(1, sizeof(*job));
	if (job == NULL)
		return RUMP_EAGAIN;
	job->op = op;
	job->uaddr = uaddr;
	job->ubuf = (uintptr_t)cb->aio_buf;
	job->fd = cb->aio_fildes;
	job->offset = cb->aio_offset;
	job->signo = signo;
	if (!moves_data(op) || cb->aio_nbytes == 0) {
		*jobp = job;
		return 0;
	}
	error = job_fetch(l, job, cb->aio_nbytes < AIO_OP_BYTES ?
	    (size_t)cb->aio_nbytes : AIO_OP_BYTES);
	if (error != 0) {
		job_free(aio, job);
		return error;
	}
	*jobp = job;
	return 0;
}

/* Queues the job, or says why not; lock held. */
static int
job_queue(struct paio *aio, struct lwp *l, struct aiojob *job,
    struct lio *lio)
{
	struct aiojob *old;
	int error;

	old = job_find(aio, job->uaddr);
	if (old != NULL) {
		if (old->state != DONE)
			return RUMP_EINVAL;	/* that aiocb is in use */
		job_free(aio, job_unlink(aio, old));
	}
	if (aio->njobs >= AIO_JOBS_MAX)
		return RUMP_EAGAIN;
	error = start_worker(aio, l);
	if (error != 0)
		return error;
	TAILQ_INSERT_TAIL(&aio->jobs, job, link);
	aio->njobs++;
	job->lio = lio;
	if (lio != NULL)
		lio->refs++;
	return 0;
}

/* Tells the client's aiocb how the operation stands. */
static int
copyout_status(struct lwp *l, rump_uaddr_t uaddr, int state, int error,
    int64_t retval)
{
	struct rump_aiocb cb;
	const size_t from = offsetof(struct rump_aiocb, aio_state);

	memset(&cb, 0, sizeof(cb));
	cb.aio_state = state;
	cb.aio_errno = error;
	cb.aio_retval = retval;
	return rumpserver_copyout(l, (char *)&cb + from, uaddr + from,
	    sizeof(cb) - from);
}

static int
submit1(struct lwp *l, enum aio_op op, rump_uaddr_t uaddr,
    const struct rump_aiocb *cb, struct lio *lio)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct aiojob *job;
	int error;

	error = job_make(l, op, uaddr, cb, &job);
	if (error != 0)
		return error;
	error = copyout_status(l, uaddr, JOB_WIP, RUMP_EINPROGRESS, -1);
	if (error == 0) {
		pthread_mutex_lock(&aio->lock);
		error = job_queue(aio, l, job, lio);
		pthread_mutex_unlock(&aio->lock);
	}
	if (error != 0)
		job_free(aio, job);
	return error;
}

static int
submit(struct lwp *l, enum aio_op op, rump_uaddr_t uaddr)
{
	struct rump_aiocb cb;
	int error;

	error = rumpserver_copyin(l, uaddr, &cb, sizeof(cb));
	if (error != 0)
		return error;
	return submit1(l, op, uaddr, &cb, NULL);
}

/* @partial sys_aio_read: what was read reaches the client's buffer with the aio_error, aio_suspend or aio_return that finds it done (or a waiting lio_listio), at most 16 MiB an operation, within what the client may have of memory; the signal comes without its sigev_value */
int
sys_aio_read(struct lwp *l, const struct sys_aio_read_args *uap,
    register_t *retval)
{

	(void)retval;
	return submit(l, OP_READ, uap->aiocbp);
}

/* @partial sys_aio_write: at most 16 MiB an operation, within what the client may have of memory; the signal comes without its sigev_value */
int
sys_aio_write(struct lwp *l, const struct sys_aio_write_args *uap,
    register_t *retval)
{

	(void)retval;
	return submit(l, OP_WRITE, uap->aiocbp);
}

/* @partial sys_aio_fsync: the signal comes without its sigev_value */
int
sys_aio_fsync(struct lwp *l, const struct sys_aio_fsync_args *uap,
    register_t *retval)
{

	(void)retval;
	switch (uap->op) {
	case RUMP_O_SYNC:
		return submit(l, OP_SYNC, uap->aiocbp);
	case RUMP_O_DSYNC:
		return submit(l, OP_DSYNC, uap->aiocbp);
	default:
		return RUMP_EINVAL;
	}
}

/* --- delivery --- */

/* Takes the job off the list if it is done; lock held.  NULL: not here, or
 * *pending. */
static struct aiojob *
job_take(struct paio *aio, rump_uaddr_t uaddr, bool *pending)
{
	struct aiojob *job = job_find(aio, uaddr);

	*pending = job != NULL && job->state != DONE;
	if (job == NULL || *pending)
		return NULL;
	return job_unlink(aio, job);
}

static int
deliver_data(struct lwp *l, const struct aiojob *job)
{

	if (job->op != OP_READ || job->retval <= 0)
		return 0;
	return rumpserver_copyout(l, job->data, job->ubuf, job->retval);
}

/* Gives the client everything; the job is gone. */
static int
deliver(struct lwp *l, struct aiojob *job)
{
	int error;

	error = deliver_data(l, job);
	if (error == 0)
		error = copyout_status(l, job->uaddr, JOB_DONE, job->error,
		    job->retval);
	job_free(paio_of(kern_proc(l)), job);
	return error;
}

int
sys_aio_return(struct lwp *l, const struct sys_aio_return_args *uap,
    register_t *retval)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct rump_aiocb cb;
	struct aiojob *job;
	bool pending;
	int error;

	pthread_mutex_lock(&aio->lock);
	job = job_take(aio, uap->aiocbp, &pending);
	pthread_mutex_unlock(&aio->lock);
	if (pending)
		return RUMP_EINVAL;
	if (job != NULL) {
		*retval = job->retval;
		error = deliver_data(l, job);
		job_free(aio, job);
	} else {
		/* Another call has delivered it. */
		error = rumpserver_copyin(l, uap->aiocbp, &cb, sizeof(cb));
		if (error == 0 && cb.aio_state != JOB_DONE)
			error = RUMP_EINVAL;
		*retval = cb.aio_retval;
	}
	if (error != 0)
		return error;
	return copyout_status(l, uap->aiocbp, JOB_NONE, 0, -1);
}

int
sys_aio_error(struct lwp *l, const struct sys_aio_error_args *uap,
    register_t *retval)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct rump_aiocb cb;
	struct aiojob *job;
	bool pending;
	int error;

	pthread_mutex_lock(&aio->lock);
	job = job_take(aio, uap->aiocbp, &pending);
	pthread_mutex_unlock(&aio->lock);
	if (pending) {
		*retval = RUMP_EINPROGRESS;
		return 0;
	}
	if (job != NULL) {
		*retval = job->error;
		return deliver(l, job);
	}
	error = rumpserver_copyin(l, uap->aiocbp, &cb, sizeof(cb));
	if (error != 0)
		return error;
	if (cb.aio_state != JOB_DONE)
		return RUMP_EINVAL;
	*retval = cb.aio_errno;
	return 0;
}

/* --- cancelling --- */

int
sys_aio_cancel(struct lwp *l, const struct sys_aio_cancel_args *uap,
    register_t *retval)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct aiojob *job, *cancelled = NULL;
	struct file *f;
	int error;

	error = fd_get(kern_proc(l), uap->fildes, &f);
	if (error != 0)
		return error;
	file_put(f);
	*retval = RUMP_AIO_ALLDONE;
	do {
		cancelled = NULL;
		pthread_mutex_lock(&aio->lock);
		TAILQ_FOREACH(job, &aio->jobs, link) {
			if (uap->aiocbp != 0 && job->uaddr != uap->aiocbp)
				continue;
			if (job->fd != uap->fildes && uap->aiocbp != 0)
				error = RUMP_EBADF;
			if (job->fd != uap->fildes || job->state == DONE)
				continue;
			if (job->state == RUNNING) {
				*retval = RUMP_AIO_NOTCANCELED;
				continue;
			}
			if (*retval != RUMP_AIO_NOTCANCELED)
				*retval = RUMP_AIO_CANCELED;
			cancelled = job;
			job->state = RUNNING;	/* ours until it is done */
			break;
		}
		pthread_mutex_unlock(&aio->lock);
		if (cancelled != NULL) {
			cancelled->error = RUMP_ECANCELED;
			cancelled->retval = -1;
			job_done(aio, cancelled);
		}
	} while (cancelled != NULL);
	return error;
}

/* --- waiting --- */

/* The addresses of nent aiocbs. */
static int
copyin_list(struct lwp *l, rump_uaddr_t ulist, int nent, rump_uaddr_t **listp)
{
	rump_uaddr_t *list;
	int error;

	list = calloc((size_t)nent, sizeof(*list));
	if (list == NULL)
		return RUMP_EAGAIN;
	error = rumpserver_copyin(l, ulist, list,
	    (size_t)nent * sizeof(*list));
	if (error != 0) {
		free(list);
		return error;
	}
	*listp = list;
	return 0;
}

/* Delivers those that are done; *done says whether any was or, having no job
 * any more, had been before. */
static int
deliver_done(struct lwp *l, const rump_uaddr_t *list, int nent, bool *done)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct rump_aiocb cb;
	struct aiojob *job;
	bool pending;
	int error = 0, i;

	*done = false;
	for (i = 0; i < nent && error == 0; i++) {
		if (list[i] == 0)
			continue;
		pthread_mutex_lock(&aio->lock);
		job = job_take(aio, list[i], &pending);
		pthread_mutex_unlock(&aio->lock);
		if (job != NULL) {
			*done = true;
			error = deliver(l, job);
		} else if (!pending && !*done) {
			error = rumpserver_copyin(l, list[i], &cb,
			    sizeof(cb));
			*done = error == 0 && cb.aio_state == JOB_DONE;
		}
	}
	return error;
}

static int
suspend(struct lwp *l, const rump_uaddr_t *list, int nent, int64_t deadline)
{
	struct paio *aio = paio_of(kern_proc(l));
	unsigned ndone;
	bool done;
	int error;

	pthread_mutex_lock(&aio->lock);
	do {
		ndone = aio->ndone;
		pthread_mutex_unlock(&aio->lock);
		error = deliver_done(l, list, nent, &done);
		pthread_mutex_lock(&aio->lock);
		if (error == 0 && !done && ndone == aio->ndone)
			error = kcv_wait(&aio->done, &aio->lock, l, deadline);
	} while (error == 0 && !done);
	pthread_mutex_unlock(&aio->lock);
	return error == RUMP_EWOULDBLOCK ? RUMP_EAGAIN : error;
}

int
sys___aio_suspend50(struct lwp *l, const struct sys___aio_suspend50_args *uap,
    register_t *retval)
{
	struct rump_timespec ts;
	int64_t deadline = INT64_MAX, ns;
	rump_uaddr_t *list;
	int error;

	(void)retval;
	if (uap->nent <= 0 || uap->nent > RUMP_AIO_LISTIO_MAX)
		return RUMP_EAGAIN;
	if (uap->timeout != 0) {
		error = rumpserver_copyin(l, uap->timeout, &ts, sizeof(ts));
		if (error == 0)
			error = ktime_fromspec(&ts, &ns);
		if (error != 0)
			return error;
		deadline = ktime_add(ktime_uptime(), ns > 0 ? ns : 0);
	}
	error = copyin_list(l, uap->list, uap->nent, &list);
	if (error != 0)
		return error;
	error = suspend(l, list, uap->nent, deadline);
	free(list);
	return error;
}

/* --- lio_listio --- */

static int
lio_submit1(struct lwp *l, rump_uaddr_t uaddr, struct lio *lio)
{
	struct rump_aiocb cb;
	int error;

	error = rumpserver_copyin(l, uaddr, &cb, sizeof(cb));
	if (error != 0)
		return error;
	switch (cb.aio_lio_opcode) {
	case RUMP_LIO_NOP:
		return 0;
	case RUMP_LIO_READ:
		return submit1(l, OP_READ, uaddr, &cb, lio);
	case RUMP_LIO_WRITE:
		return submit1(l, OP_WRITE, uaddr, &cb, lio);
	default:
		return RUMP_EINVAL;
	}
}

/* Sleeps until no job is left; the call's own part is the last. */
static int
lio_wait(struct lwp *l, struct lio *lio)
{
	struct paio *aio = paio_of(kern_proc(l));
	int error = 0;

	pthread_mutex_lock(&aio->lock);
	while (error == 0 && lio->refs > 1)
		error = kcv_wait(&aio->done, &aio->lock, l, INT64_MAX);
	pthread_mutex_unlock(&aio->lock);
	return error;
}

/* All that were waited for.  EIO when one has failed. */
static int
lio_deliver(struct lwp *l, const rump_uaddr_t *list, int nent)
{
	struct paio *aio = paio_of(kern_proc(l));
	struct aiojob *job;
	int error = 0, error1, i;
	bool pending, failed;

	for (i = 0; i < nent; i++) {
		pthread_mutex_lock(&aio->lock);
		job = job_take(aio, list[i], &pending);
		pthread_mutex_unlock(&aio->lock);
		if (job == NULL)
			continue;
		failed = job->error != 0;
		error1 = deliver(l, job);
		if (error1 == 0 && failed)
			error1 = RUMP_EIO;
		if (error == 0)
			error = error1;
	}
	return error;
}

static int
lio_mode(struct lwp *l, int mode, rump_uaddr_t usig, int *signo)
{
	struct rump_sigevent ev;
	int error;

	*signo = 0;
	if (mode != RUMP_LIO_WAIT && mode != RUMP_LIO_NOWAIT)
		return RUMP_EINVAL;
	if (mode == RUMP_LIO_WAIT || usig == 0)
		return 0;
	error = rumpserver_copyin(l, usig, &ev, sizeof(ev));
	return error != 0 ? error : sigevent_signo(&ev, signo);
}

/* @partial sys_lio_listio: as aio_read and aio_write */
int
sys_lio_listio(struct lwp *l, const struct sys_lio_listio_args *uap,
    register_t *retval)
{
	struct paio *aio = paio_of(kern_proc(l));
	rump_uaddr_t *list;
	struct lio *lio;
	int error, i, signo;
	bool failed = false;

	(void)retval;
	if (uap->nent < 1 || uap->nent > RUMP_AIO_LISTIO_MAX)
		return RUMP_EINVAL;
	error = lio_mode(l, uap->mode, uap->sig, &signo);
	if (error == 0)
		error = copyin_list(l, uap->list, uap->nent, &list);
	if (error != 0)
		return error;
	lio = calloc(1, sizeof(*lio));
	if (lio == NULL) {
		free(list);
		return RUMP_EAGAIN;
	}
	lio->refs = 1;
	lio->signo = signo;
	for (i = 0; i < uap->nent && !rumpserver_interrupted(l); i++) {
		if (list[i] != 0 && lio_submit1(l, list[i], lio) != 0)
			failed = true;
	}
	if (uap->mode == RUMP_LIO_WAIT) {
		error = lio_wait(l, lio);
		if (error == 0)
			error = lio_deliver(l, list, uap->nent);
	}
	if (error == 0 && failed)
		error = RUMP_EIO;
	pthread_mutex_lock(&aio->lock);
	signo = lio_put(lio);
	pthread_mutex_unlock(&aio->lock);
	notify(aio, signo);
	free(list);
	return error;
}
