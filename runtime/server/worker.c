/*
 * The pool: threads that wait in epoll or take from the ready queue.
 *
 * nwaiting counts the threads that are in epoll_wait(2) or on their way
 * there.  A thread that gets something to do and leaves nobody behind makes
 * a new one first, so there is always somebody to wait; one too many leaves
 * after a while.  The eventfd is edge-triggered and never read: a write wakes
 * one thread, but writes that come at once may wake but one together.  So who
 * takes from the queue and leaves something there wakes the next.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

static void *worker_main(void *);

int
pool_init(struct rumpserver *srv)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET,
	    .data.u64 = EV_WAKE };

	TAILQ_INIT(&srv->queue);
	STAILQ_INIT(&srv->dead_workers);
	TAILQ_INIT(&srv->active);
	srv->epfd = wire_fd_above_stdio(epoll_create1(EPOLL_CLOEXEC));
	if (srv->epfd == -1)
		return -1;
	srv->wakefd = wire_fd_above_stdio(eventfd(0, EFD_CLOEXEC |
	    EFD_NONBLOCK));
	if (srv->wakefd == -1)
		return -1;
	return epoll_ctl(srv->epfd, EPOLL_CTL_ADD, srv->wakefd, &ev);
}

void
worker_init(struct worker *w, struct rumpserver *srv)
{

	memset(w, 0, sizeof(*w));
	w->srv = srv;
}

static void
wake_one(struct rumpserver *srv)
{

	eventfd_write(srv->wakefd, 1);
}

bool
pool_has_waiter(struct rumpserver *srv)
{

	return atomic_load_explicit(&srv->nwaiting, memory_order_relaxed) > 0;
}

/* --- threads --- */

static void
join_dead(struct rumpserver *srv)
{
	struct worker *w;

	for (;;) {
		pthread_mutex_lock(&srv->pool_lock);
		w = STAILQ_FIRST(&srv->dead_workers);
		if (w != NULL)
			STAILQ_REMOVE_HEAD(&srv->dead_workers, dead);
		pthread_mutex_unlock(&srv->pool_lock);
		if (w == NULL)
			return;
		pthread_join(w->thread, NULL);
		free(w);
	}
}

static int
thread_make(struct worker *w)
{
	pthread_attr_t attr;
	int error;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, w->srv->cfg.stack_size);
	error = pthread_create(&w->thread, &attr, worker_main, w);
	pthread_attr_destroy(&attr);
	return error;
}

/* pool_lock held: reserves the place of one more thread if there may be. */
static bool
reserve_thread(struct rumpserver *srv)
{

	if (srv->mode != MODE_THREADS || srv->quit ||
	    srv->nthreads >= srv->cfg.max_threads)
		return false;
	srv->nthreads++;
	srv->nwaiting++;
	return true;
}

/* The same if there is need, too: those that are awake come back soon. */
static bool
want_thread(struct rumpserver *srv)
{

	if (srv->nwaiting > 0)
		return false;
	if (srv->nthreads - srv->nsleeping >= AWAKE_MAX) {
		srv->wanted = true;
		return false;
	}
	return reserve_thread(srv);
}

/* After want_thread() said so, without the lock. */
static int
spawn(struct rumpserver *srv)
{
	struct worker *w;
	bool first;
	int error;

	join_dead(srv);
	w = malloc(sizeof(*w));
	error = ENOMEM;
	if (w != NULL) {
		worker_init(w, srv);
		error = thread_make(w);
		if (error == 0)
			return 0;
		free(w);
	}
	pthread_mutex_lock(&srv->pool_lock);
	srv->nthreads--;
	srv->nwaiting--;
	first = !srv->starved;
	srv->starved = true;
	pthread_mutex_unlock(&srv->pool_lock);
	if (first)
		srv_log(srv, RUMPSERVER_LOG_ERROR, "cannot make another "
		    "thread: %s; calls wait until others end", strerror(error));
	return error;
}

bool
pool_sleep(struct lwp *l)
{
	struct rumpserver *srv = l->session->srv;
	bool last, more, first;

	settle(l->worker);
	if (!rumpserver_charge(l->proc->account, RUMPSERVER_THREADS, 1))
		return false;
	pthread_mutex_lock(&srv->pool_lock);
	last = srv->nsleeping + 1 >= srv->nthreads;
	more = last && want_thread(srv);
	srv->nsleeping++;
	pthread_mutex_unlock(&srv->pool_lock);
	if (!last || (more && spawn(srv) == 0))
		return true;

	pthread_mutex_lock(&srv->pool_lock);
	srv->nsleeping--;
	first = !srv->sleepless;
	srv->sleepless = true;
	pthread_mutex_unlock(&srv->pool_lock);
	rumpserver_refund(l->proc->account, RUMPSERVER_THREADS, 1);
	if (first)
		srv_log(srv, RUMPSERVER_LOG_WARN, "all threads but one sleep; "
		    "calls that would put it to sleep fail, clients that keep "
		    "it waiting are disconnected");
	return false;
}

void
pool_awake(struct lwp *l)
{
	struct rumpserver *srv = l->session->srv;

	pthread_mutex_lock(&srv->pool_lock);
	srv->nsleeping--;
	pthread_mutex_unlock(&srv->pool_lock);
	rumpserver_refund(l->proc->account, RUMPSERVER_THREADS, 1);
}

bool
pool_tick(struct rumpserver *srv)
{
	bool wanted, stuck;
	unsigned n;

	pthread_mutex_lock(&srv->pool_lock);
	if (srv->nwaiting > 0)
		srv->wanted = false;
	wanted = srv->wanted;
	stuck = wanted && srv->ntaken == srv->ntaken_seen;
	srv->ntaken_seen = srv->ntaken;
	for (n = 0; stuck && n < TICK_SPAWN; n++)
		if (!reserve_thread(srv))
			break;
	pthread_mutex_unlock(&srv->pool_lock);
	while (n-- > 0)
		spawn(srv);
	return wanted;
}

/* --- the ready queue --- */

void
pool_queue(struct rumpserver *srv, struct work *work)
{
	bool more;

	pthread_mutex_lock(&srv->pool_lock);
	TAILQ_INSERT_TAIL(&srv->queue, work, link);
	work->queued = true;
	srv->nqueued++;
	more = want_thread(srv);
	pthread_mutex_unlock(&srv->pool_lock);
	if (more)
		spawn(srv);
	else
		wake_one(srv);
}

/* pool_lock held. */
static void
dequeue(struct rumpserver *srv, struct work *work)
{

	TAILQ_REMOVE(&srv->queue, work, link);
	work->queued = false;
	srv->nqueued--;
}

bool
pool_unqueue(struct rumpserver *srv, struct work *work)
{
	bool queued;

	pthread_mutex_lock(&srv->pool_lock);
	queued = work->queued;
	if (queued)
		dequeue(srv, work);
	pthread_mutex_unlock(&srv->pool_lock);
	return queued;
}

static struct work *
queue_pop(struct rumpserver *srv)
{
	struct work *work;

	work = TAILQ_FIRST(&srv->queue);
	if (work != NULL)
		dequeue(srv, work);
	return work;
}

/* What is queued meanwhile waits for the next step. */
bool
pool_step(struct rumpserver *srv)
{
	struct work *work;
	unsigned n, left;

	pthread_mutex_lock(&srv->pool_lock);
	n = srv->nqueued;
	for (left = n; left > 0 && (work = queue_pop(srv)) != NULL; left--) {
		pthread_mutex_unlock(&srv->pool_lock);
		work->run(work, &srv->loop);
		pthread_mutex_lock(&srv->pool_lock);
	}
	pthread_mutex_unlock(&srv->pool_lock);
	return n > 0;
}

/* --- one worker --- */

static void
session_event(struct worker *w, uint64_t id, uint32_t events)
{
	struct session *ses;
	bool in, out;

	ses = session_lookup(w->srv, id);
	if (ses == NULL)
		return;
	session_polled(ses, events, &in, &out);
	if (out)
		session_flush(ses);
	/* Who owns the input needs no reference. */
	in = in && session_take(ses, w);
	session_unref(ses);
	if (in)
		session_run(ses, w);
}

void
worker_event(struct worker *w, uint64_t what, uint32_t events)
{

	switch (EV_KIND(what)) {
	case EV_SESSION:
		session_event(w, what, events);
		break;
	case EV_LISTENER:
		listener_accept(w->srv, what);
		break;
	case EV_FD:
		fdwatch_event(w->srv, what);
		break;
	}
}

/* pool_lock held, dropped while something is done. */
static void
do_work(struct worker *w, struct work *work, const struct epoll_event *ev)
{
	struct rumpserver *srv = w->srv;
	bool more, left;

	srv->nwaiting--;
	srv->ntaken++;
	more = want_thread(srv);
	left = !TAILQ_EMPTY(&srv->queue);
	pthread_mutex_unlock(&srv->pool_lock);
	if (more)
		spawn(srv);
	else if (left)
		wake_one(srv);
	if (work != NULL)
		work->run(work, w);
	else
		worker_event(w, ev->data.u64, ev->events);
	pthread_mutex_lock(&srv->pool_lock);
	srv->nwaiting++;
}

/*
 * pool_lock held, dropped meanwhile: one event, for which it waits ms
 * milliseconds.  False when this thread is one too many.
 */
static bool
wait_event(struct worker *w, int ms)
{
	struct rumpserver *srv = w->srv;
	struct epoll_event ev;
	int n;

	pthread_mutex_unlock(&srv->pool_lock);
	n = epoll_wait(srv->epfd, &ev, 1, ms);
	pthread_mutex_lock(&srv->pool_lock);
	if (n == 0)
		return srv->nwaiting <= 1;
	if (n == 1 && ev.data.u64 != EV_WAKE)
		do_work(w, NULL, &ev);
	return true;
}

static void
block_wakeups(struct worker *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	pthread_sigmask(SIG_BLOCK, &set, &w->mask);
	sigdelset(&w->mask, WAKE_SIGNAL);
}

/* Those that never stop do not keep out those that come: with nobody else to
 * look, this thread does after some of them. */
static bool
looks_up(struct rumpserver *srv, unsigned *done)
{

	if (srv->nwaiting > 1 || ++*done < QUEUE_TURN)
		return false;
	*done = 0;
	return true;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct rumpserver *srv = w->srv;
	struct work *work;
	unsigned done;

	block_wakeups(w);
	done = 0;
	pthread_mutex_lock(&srv->pool_lock);
	for (;;) {
		if (looks_up(srv, &done))
			wait_event(w, 0);
		work = queue_pop(srv);
		if (work != NULL)
			do_work(w, work, NULL);
		else if (srv->quit || !wait_event(w, IDLE_THREAD_MS))
			break;
	}
	srv->nwaiting--;
	srv->nthreads--;
	if (srv->quit)
		wake_one(srv);
	if (srv->nthreads == 0)
		pthread_cond_signal(&srv->pool_empty);
	STAILQ_INSERT_TAIL(&srv->dead_workers, w, dead);
	pthread_mutex_unlock(&srv->pool_lock);
	settle(w);
	return NULL;
}

static void
on_wakeup(int signo)
{

	(void)signo;
}

/* The program's own handler is as good. */
static int
catch_wakeups(void)
{
	struct sigaction sa;

	if (sigaction(WAKE_SIGNAL, NULL, &sa) == -1)
		return -1;
	if ((sa.sa_flags & SA_SIGINFO) != 0 ||
	    (sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN))
		return 0;
	sa = (struct sigaction){ .sa_handler = on_wakeup,
	    .sa_flags = SA_RESTART };
	return sigaction(WAKE_SIGNAL, &sa, NULL);
}

int
pool_start(struct rumpserver *srv)
{
	bool more;
	int error;

	if (catch_wakeups() == -1)
		return -1;
	pthread_mutex_lock(&srv->pool_lock);
	more = want_thread(srv);
	pthread_mutex_unlock(&srv->pool_lock);
	error = more ? spawn(srv) : 0;
	if (error != 0) {
		errno = error;
		return -1;
	}
	return 0;
}

void
pool_stop(struct rumpserver *srv)
{

	pthread_mutex_lock(&srv->pool_lock);
	srv->quit = true;
	wake_one(srv);
	while (srv->nthreads > 0)
		pthread_cond_wait(&srv->pool_empty, &srv->pool_lock);
	pthread_mutex_unlock(&srv->pool_lock);
	join_dead(srv);
}
