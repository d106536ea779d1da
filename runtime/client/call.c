/*
 * Calls: numbering, sending, waiting.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "client/call.h"
#include "client/guard.h"
#include "client/reader.h"
#include "trace/trace.h"

/* A safety net: how long a call sleeps before it looks whether the reader's
 * role has been lying about, because the thread it was offered to sits in a
 * signal handler; ms. */
#define WAIT_TIMEOUT	1000

/* Puts the call on the list.  Returns 0, CALL_UNSENT, or EAGAIN when the
 * connection is frozen. */
static int
enlist(struct conn *c, struct call *call, unsigned *generation)
{
	int error;

	error = 0;
	pthread_mutex_lock(&c->lock);
	if (c->state != CONN_UP) {
		error = CALL_UNSENT;
	} else if (c->frozen) {
		error = EAGAIN;
	} else {
		call->reqno = c->reqno++;
		call->pending = true;
		call->prev = NULL;
		call->next = c->pending;
		if (c->pending != NULL)
			c->pending->prev = call;
		else
			c->nmapped = 0;
		c->pending = call;
		*generation = c->generation;
	}
	pthread_mutex_unlock(&c->lock);
	return error;
}

/* lock held. */
static void
delist(struct conn *c, struct call *call)
{

	if (!call->pending)
		return;		/* forked away */
	if (call->prev != NULL)
		call->prev->next = call->next;
	else
		c->pending = call->next;
	if (call->next != NULL)
		call->next->prev = call->prev;
	call->pending = false;
}

static int
transmit(struct conn *c, const struct call *call, unsigned generation)
{
	struct {
		struct frame_hdr hdr;
		char body[CALL_MAX_BODY];
	} frame;

	frame.hdr = frame_hdr(FRAME_REQ, call->type, call->reqno, call->num,
	    call->arglen);
	if (call->arglen > 0)
		memcpy(frame.body, call->args, call->arglen);
	return conn_send_call(c, generation, &frame,
	    sizeof(frame.hdr) + call->arglen);
}

/* Takes the call off the list again; it has not been sent. */
static void
withdraw(struct conn *c, struct call *call)
{

	pthread_mutex_lock(&c->lock);
	delist(c, call);
	pthread_mutex_unlock(&c->lock);
}

/* As the reader, until this call is done or something else is due.  lock held
 * on entry and return, not in between. */
static void
read_for_all(struct conn *c, struct call *call, const struct entry *e)
{
	struct call *next;
	bool signals;

	pthread_mutex_unlock(&c->lock);
	signals = reader_run(c, call, e);
	pthread_mutex_lock(&c->lock);
	next = reader_leave(c);
	signals = signals && !call->done;
	if (next == NULL && !signals)
		return;
	pthread_mutex_unlock(&c->lock);
	conn_post(next);
	if (signals)
		sig_breathe(e);
	pthread_mutex_lock(&c->lock);
}

/* The same for a call that somebody else reads for. */
static void
wait_for_reader(struct conn *c, struct call *call, const struct entry *e)
{
	bool woken;

	call->waiting = true;
	pthread_mutex_unlock(&c->lock);
	woken = sig_semwait(e, &call->sem, WAIT_TIMEOUT);
	pthread_mutex_lock(&c->lock);
	if (call->waiting) {
		call->waiting = false;
	} else if (!woken) {
		/* A post is on its way: the waker still uses the call. */
		pthread_mutex_unlock(&c->lock);
		while (sem_wait(&call->sem) == -1)
			continue;
		pthread_mutex_lock(&c->lock);
	}
}

/* Reads for everybody or sleeps until somebody has read for us.  Returns with
 * lock held. */
static void
await(struct conn *c, struct call *call, const struct entry *e)
{

	pthread_mutex_lock(&c->lock);
	while (!call->done) {
		if (reader_take(c, call))
			read_for_all(c, call, e);
		else
			wait_for_reader(c, call, e);
	}
	delist(c, call);
}

/* Numbers and sends it, waiting out an exec of another thread's. */
static int
issue(struct conn *c, struct call *call, const struct entry *e)
{
	unsigned generation;
	int error;

	for (;;) {
		error = enlist(c, call, &generation);
		if (error == CALL_UNSENT)
			return error;
		if (error == 0) {
			error = transmit(c, call, generation);
			if (error == 0)
				return 0;
			withdraw(c, call);
		}
		if (error == ENOMEM)
			return RUMP_ENOMEM;
		if (error != EAGAIN) {
			conn_lost(c, generation);
			conn_reap(c);
			return CALL_UNSENT;
		}
		if (conn_setup_wait(c, e) == EBUSY)
			return RUMP_EBUSY;
	}
}

int
call_run(struct conn *c, struct call *call, const struct entry *e)
{
	bool lost;
	int error;

	call->done = call->lost = call->efault = false;
	sem_init(&call->sem, 0, 0);
	error = issue(c, call, e);
	if (error == 0) {
		await(c, call, e);
		error = call->error;
		/* Its error may come of the zeros that the server got. */
		if (call->efault && !call->lost)
			error = RUMP_EFAULT;
		lost = c->state != CONN_UP;
		pthread_mutex_unlock(&c->lock);
		if (lost)
			conn_reap(c);
	}
	sem_destroy(&call->sem);
	return error;
}

int
call_persist(struct conn *c, struct call *call, const struct entry *e)
{
	bool again;
	int error;

	for (again = false;; again = true) {
		error = call_run(c, call, e);
		if (error != CALL_UNSENT && !call->lost)
			return error;
		if (!conn_reconnect(c, e, again))
			return RUMP_ENOTCONN;
	}
}

static uint64_t
nanoseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int
rumpclient_syscall(int num, const void *data, size_t dlen,
    register_t *retval)
{
	struct call call;
	struct entry e;
	uint64_t began;
	int error;

	if (dlen > CALL_MAX_BODY)
		return RUMP_E2BIG;
	call = (struct call){ .type = FRAME_SYSCALL, .num = (uint32_t)num,
	    .args = data, .arglen = dlen };
	began = rump_trace_enabled() ? nanoseconds() : 0;
	entry_begin(&e);
	guard_begin(&call);
	error = call_persist(conn_self(&e), &call, &e);
	guard_end(&call);
	if (call.done && !call.lost) {
		retval[0] = (register_t)call.resp.sysresp.retval[0];
		retval[1] = (register_t)call.resp.sysresp.retval[1];
	}
	entry_end(&e);
	if (began != 0)
		rump_trace_call(num, data, dlen / sizeof(uint64_t), retval,
		    error, nanoseconds() - began);
	return error;
}
