/*
 * Other threads go on where they seldom do.
 *
 * What is wrong after a lock has been released goes wrong only when another
 * thread takes it just then.  Programs linked with --wrap=pthread_mutex_unlock
 * give way there now and then.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <time.h>

#include "fuzz/chaos.h"

atomic_bool chaos_off;

int __real_pthread_mutex_unlock(pthread_mutex_t *);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *);

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	static __thread uint32_t state;
	const struct timespec moment = { .tv_nsec = 1000 };
	int error = __real_pthread_mutex_unlock(m);

	if (atomic_load_explicit(&chaos_off, memory_order_relaxed))
		return error;
	if (state == 0)
		state = (uint32_t)(uintptr_t)&state | 1;
	state = state * 1664525 + 1013904223;
	if (state >> 28 == 0)
		sched_yield();
	else if (state >> 22 == 1)
		nanosleep(&moment, NULL);
	return error;
}
