#include "hostkern/kcv.h"
#include "hostkern/ktime.h"

/* On the stack of the call. */
struct kcv_sleeper {
	TAILQ_ENTRY(kcv_sleeper) link;
	struct lwp *l;
	bool woken;
};

void
kcv_init(struct kcv *cv)
{

	TAILQ_INIT(&cv->sleepers);
}

int
kcv_wait(struct kcv *cv, pthread_mutex_t *lock, struct lwp *l,
    int64_t deadline)
{
	struct kcv_sleeper s = { .l = l };
	int error;

	TAILQ_INSERT_TAIL(&cv->sleepers, &s, link);
	do {
		pthread_mutex_unlock(lock);
		error = ktime_sleep(l, NULL, 0, deadline);
		pthread_mutex_lock(lock);
	} while (error == 0 && !s.woken);
	/* Its turn is not lost with an interrupt that came as well. */
	if (s.woken)
		return 0;
	TAILQ_REMOVE(&cv->sleepers, &s, link);
	return error;
}

void
kcv_signal(struct kcv *cv)
{
	struct kcv_sleeper *s = TAILQ_FIRST(&cv->sleepers);

	if (s == NULL)
		return;
	TAILQ_REMOVE(&cv->sleepers, s, link);
	s->woken = true;
	rumpserver_wake(s->l);
}

void
kcv_broadcast(struct kcv *cv)
{

	while (!TAILQ_EMPTY(&cv->sleepers))
		kcv_signal(cv);
}
