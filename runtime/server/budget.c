/*
 * Budgets: who holds how much of what there is not much of.
 *
 * Three counters a charge, of the account, of its user and of all, are added
 * to in this order, and taken back when one of them would pass its limit.  So
 * a charge costs three additions and no lock; beside others it may be refused
 * a little early, never granted too late.
 *
 * budgets.lock guards the table of users and their references.
 */
#include <sys/queue.h>

#include <pthread.h>
#include <stdlib.h>

#include "server/server.h"

enum { USER_BUCKETS = 64 };

/* One kind's limits; UINT64_MAX: none. */
struct limit {
	uint64_t client, all;
};

struct user {
	LIST_ENTRY(user) link;
	struct budgets *budgets;
	unsigned refs;			/* accounts; budgets.lock */
	bool known;
	uid_t uid;			/* if known */
	_Atomic uint64_t held[RUMPSERVER_NBUDGETS];
};

struct budgets {
	atomic_uint refs;		/* users, and the server */
	unsigned share;			/* percent */
	struct limit limit[RUMPSERVER_NBUDGETS];
	_Atomic uint64_t held[RUMPSERVER_NBUDGETS];
	_Atomic uint64_t over[RUMPSERVER_NBUDGETS];
	pthread_mutex_t lock;
	LIST_HEAD(, user) users[USER_BUCKETS];
};

struct rumpserver_account {
	atomic_uint refs;
	struct user *user;
	_Atomic uint64_t held[RUMPSERVER_NBUDGETS];
};

static void
set_limits(struct budgets *b, const struct rumpserver_config *cfg)
{

	b->limit[RUMPSERVER_BYTES] = (struct limit){ cfg->max_client_bytes,
	    cfg->max_bytes };
	b->limit[RUMPSERVER_THREADS] = (struct limit){
	    cfg->max_client_threads, cfg->max_threads };
	b->limit[RUMPSERVER_DESCRIPTORS] = (struct limit){
	    cfg->max_client_fds, cfg->max_fds };
	b->limit[RUMPSERVER_CONNECTIONS] = (struct limit){ UINT64_MAX,
	    cfg->max_clients };
	/* As many copies may wait as there may be clients. */
	b->limit[RUMPSERVER_PROCESSES] = (struct limit){ UINT64_MAX,
	    2 * (uint64_t)cfg->max_clients };
	b->limit[RUMPSERVER_SEMAPHORES] = (struct limit){ UINT64_MAX,
	    cfg->max_semaphores };
}

bool
budgets_init(struct rumpserver *srv)
{
	struct budgets *b;
	unsigned i;

	b = calloc(1, sizeof(*b));
	if (b == NULL)
		return false;
	atomic_init(&b->refs, 1);
	pthread_mutex_init(&b->lock, NULL);
	for (i = 0; i < USER_BUCKETS; i++)
		LIST_INIT(&b->users[i]);
	b->share = srv->cfg.user_share;
	set_limits(b, &srv->cfg);
	srv->budgets = b;
	return true;
}

void
budgets_put(struct budgets *b)
{

	if (b == NULL || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&b->lock);
	free(b);
}

void
budgets_stats(struct budgets *b, struct rumpserver_stats *st)
{
	unsigned i;

	for (i = 0; i < RUMPSERVER_NBUDGETS; i++) {
		st->held[i] = atomic_load(&b->held[i]);
		st->over_budget[i] = atomic_load(&b->over[i]);
	}
}

/* --- users; lock held --- */

static struct user *
user_find(struct budgets *b, const struct rumpserver_peer *peer)
{
	struct user *u;

	LIST_FOREACH(u, &b->users[peer->uid % USER_BUCKETS], link)
		if (u->known == peer->known && u->uid == peer->uid)
			break;
	return u;
}

static struct user *
user_make(struct budgets *b, const struct rumpserver_peer *peer)
{
	struct user *u;

	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return NULL;
	u->budgets = b;
	u->known = peer->known;
	u->uid = peer->uid;
	LIST_INSERT_HEAD(&b->users[u->uid % USER_BUCKETS], u, link);
	atomic_fetch_add(&b->refs, 1);
	return u;
}

/* --- accounts --- */

/* Takes over a reference to the user. */
static struct rumpserver_account *
account_of(struct user *u)
{
	struct rumpserver_account *a;

	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	atomic_init(&a->refs, 1);
	a->user = u;
	return a;
}

static void
user_put(struct user *u)
{
	struct budgets *b = u->budgets;
	bool last;

	pthread_mutex_lock(&b->lock);
	last = --u->refs == 0;
	if (last)
		LIST_REMOVE(u, link);
	pthread_mutex_unlock(&b->lock);
	if (!last)
		return;
	free(u);
	budgets_put(b);
}

struct rumpserver_account *
account_make(struct budgets *b, const struct rumpserver_peer *peer)
{
	const struct rumpserver_peer nobody = { .known = false };
	struct rumpserver_account *a;
	struct user *u;

	if (!peer->known)
		peer = &nobody;
	pthread_mutex_lock(&b->lock);
	u = user_find(b, peer);
	if (u == NULL)
		u = user_make(b, peer);
	if (u != NULL)
		u->refs++;
	pthread_mutex_unlock(&b->lock);
	if (u == NULL)
		return NULL;
	a = account_of(u);
	if (a == NULL)
		user_put(u);
	return a;
}

struct rumpserver_account *
account_make_beside(struct rumpserver_account *other)
{
	struct user *u = other->user;
	struct rumpserver_account *a;

	pthread_mutex_lock(&u->budgets->lock);
	u->refs++;
	pthread_mutex_unlock(&u->budgets->lock);
	a = account_of(u);
	if (a == NULL)
		user_put(u);
	return a;
}

void
rumpserver_account_ref(struct rumpserver_account *a)
{

	if (a != NULL)
		atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
}

void
rumpserver_account_put(struct rumpserver_account *a)
{

	if (a == NULL || atomic_fetch_sub(&a->refs, 1) != 1)
		return;
	user_put(a->user);
	free(a);
}

/* --- charges --- */

static bool
add(_Atomic uint64_t *held, uint64_t n, uint64_t limit)
{

	if (n > limit)
		return false;
	if (atomic_fetch_add(held, n) <= limit - n)
		return true;
	atomic_fetch_sub(held, n);
	return false;
}

/* What a user may hold of a kind: share percent of what is left by others, but
 * one where there is one. */
static uint64_t
user_limit(struct budgets *b, struct user *u, enum rumpserver_budget kind)
{
	const uint64_t all = b->limit[kind].all;
	uint64_t held = atomic_load(&b->held[kind]);
	uint64_t own = atomic_load(&u->held[kind]), others, left, share;

	if (b->share == 100 || all == UINT64_MAX)
		return all;
	others = held > own ? held - own : 0;
	left = all > others ? all - others : 0;
	share = left / 100 * b->share + left % 100 * b->share / 100;
	return share == 0 && left > 0 ? 1 : share;
}

static bool
charge(struct rumpserver_account *a, enum rumpserver_budget kind, uint64_t n)
{
	struct user *u = a->user;
	struct budgets *b = u->budgets;

	if (!add(&a->held[kind], n, b->limit[kind].client))
		return false;
	if (add(&u->held[kind], n, user_limit(b, u, kind))) {
		if (add(&b->held[kind], n, b->limit[kind].all))
			return true;
		atomic_fetch_sub(&u->held[kind], n);
	}
	atomic_fetch_sub(&a->held[kind], n);
	return false;
}

bool
rumpserver_charge(struct rumpserver_account *a, enum rumpserver_budget kind,
    uint64_t n)
{

	if (a == NULL || charge(a, kind, n))
		return true;
	atomic_fetch_add(&a->user->budgets->over[kind], 1);
	return false;
}

void
rumpserver_refund(struct rumpserver_account *a, enum rumpserver_budget kind,
    uint64_t n)
{

	if (a == NULL)
		return;
	atomic_fetch_sub(&a->held[kind], n);
	atomic_fetch_sub(&a->user->held[kind], n);
	atomic_fetch_sub(&a->user->budgets->held[kind], n);
}
