#include "hostkern/kqueue.h"
#include "hostkern/raise.h"

bool
raise_signal(struct kproc *p, int signo)
{
	const uint64_t bit = UINT64_C(1) << signo;

	kqueue_signal(p, signo);
	if (atomic_load(&p->calls) == 0 &&
	    (atomic_fetch_or(&p->raised, bit) & bit) != 0)
		return false;
	/* ESRCH: the client is gone, or that of a fork has not come yet. */
	(void)rumpserver_raise(p->rp, signo);
	return true;
}
