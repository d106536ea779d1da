/*
 * Connecting anew after the server was lost, by policy.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "client/conn.h"
#include "client/log.h"

/* Between attempts, in milliseconds: the first pause and the longest. */
#define BACKOFF_MIN	20
#define BACKOFF_MAX	2000

static _Atomic(time_t) policy = 0;

void
rumpclient_setconnretry(time_t timeout)
{

	if (timeout < RUMPCLIENT_RETRYCONN_DIE)
		return;
	atomic_store(&policy, timeout);
}

_Noreturn static void
die(void)
{

	client_log("%s: the server is gone: exiting, as asked for",
	    conn_server.text);
	_exit(1);
}

/* An attempt with setup held.  True: connected. */
static bool
attempt(struct conn *c, const struct entry *e, uint64_t deadline)
{
	bool say;
	int error;

	pthread_mutex_lock(&c->lock);
	say = !c->announced;
	c->announced = true;
	pthread_mutex_unlock(&c->lock);
	if (say)
		client_log("%s: the server is gone: connecting again",
		    conn_server.text);

	sig_open(e);
	error = conn_connect(c, HANDSHAKE_GUEST, NULL, deadline, true);
	sig_close();

	pthread_mutex_lock(&c->lock);
	if (error == 0) {
		c->announced = false;
	} else {
		c->attempts++;
		if (c->backoff == 0)
			c->backoff = BACKOFF_MIN;
		else if (c->backoff < BACKOFF_MAX / 2)
			c->backoff *= 2;
		else
			c->backoff = BACKOFF_MAX;
		c->retry_at = conn_now() + c->backoff;
	}
	pthread_mutex_unlock(&c->lock);
	if (error == 0)
		client_log("%s: connected again, as a new process",
		    conn_server.text);
	return error == 0;
}

/* Sleeps with signals open, at most until the deadline. */
static void
pause_until(const struct entry *e, uint64_t until, uint64_t deadline)
{
	uint64_t now;

	now = conn_now();
	if (until > deadline)
		until = deadline;
	if (until <= now)
		return;
	/* Not by a semaphore, whose clock may be set back. */
	sig_open(e);
	poll(NULL, 0, (int)(until - now));
	sig_close();
}

enum turn { TURN_UP, TURN_OURS, TURN_EARLY, TURN_NEVER };

/* With setup held: what to do. */
static enum turn
turn(struct conn *c, unsigned tries, bool once, uint64_t *retry_at)
{
	enum turn t;

	pthread_mutex_lock(&c->lock);
	*retry_at = c->retry_at;
	if (c->state == CONN_UP)
		t = TURN_UP;
	else if (!c->everup || conn_server.kind == LOCATOR_FD)
		t = TURN_NEVER;
	else if (once)
		/* Another thread's try since then was ours, too. */
		t = c->attempts == tries ? TURN_OURS : TURN_NEVER;
	else
		t = c->backoff == 0 || c->retry_at <= conn_now() ?
		    TURN_OURS : TURN_EARLY;
	pthread_mutex_unlock(&c->lock);
	return t;
}

bool
conn_reconnect(struct conn *c, const struct entry *e, bool again)
{
	uint64_t deadline, retry_at;
	unsigned tries;
	enum turn t;
	time_t p;

	pthread_mutex_lock(&c->lock);
	tries = c->attempts;
	t = c->everup ? TURN_EARLY : TURN_NEVER;
	pthread_mutex_unlock(&c->lock);
	if (t == TURN_NEVER)
		return false;		/* not connected, ever */

	p = atomic_load(&policy);
	if (p == 0 || (p == RUMPCLIENT_RETRYCONN_ONCE && again))
		return false;
	if (p == RUMPCLIENT_RETRYCONN_DIE)
		die();
	deadline = UINT64_MAX;
	if (p > 0 && (uint64_t)p < UINT64_MAX / 2000)
		deadline = conn_now() + (uint64_t)p * 1000;

	for (;;) {
		if (conn_setup_begin(c, e) != 0)
			return false;
		t = turn(c, tries, p == RUMPCLIENT_RETRYCONN_ONCE, &retry_at);
		if (t == TURN_OURS && attempt(c, e, deadline))
			t = TURN_UP;
		conn_setup_end(c);
		if (t == TURN_UP)
			return true;
		if (t == TURN_NEVER || conn_now() >= deadline)
			return false;
		if (t == TURN_EARLY)
			pause_until(e, retry_at, deadline);
	}
}
