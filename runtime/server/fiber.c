/*
 * Fibers: in the caller's event loop every call runs on a stack of its own,
 * so that it can be set aside while it waits.
 *
 * Only the loop's thread switches.  Any thread may ready a fiber, so the
 * ready list has a lock; it is taken last of all.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "server/server.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FIBER_ASAN
#endif
#ifdef __SANITIZE_THREAD__
#define FIBER_TSAN
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* One side of a switch, and what the sanitizers must know of it. */
struct context {
	ucontext_t uc;
	const void *bottom;
	size_t size;
	void *fake;
	void *tsan;
};

struct fiber {
	struct context ctx;
	struct loop *loop;
	uint8_t *stack;			/* guard page first; NULL: none */
	size_t mapped;
	void (*fn)(void *);
	void *arg;
	bool ended;			/* or not begun */
	bool ready;			/* loop->lock */
	STAILQ_ENTRY(fiber) ready_link;
	LIST_ENTRY(fiber) list_link;	/* the list's lock */
	bool listed;
	SLIST_ENTRY(fiber) free_link;
};

struct loop {
	struct context main;
	struct fiber **fibers;
	uint32_t nfibers, cap;
	SLIST_HEAD(, fiber) unused;	/* a stack at the first ones only */
	unsigned cached;
	pthread_mutex_t lock;
	STAILQ_HEAD(, fiber) ready;
};

/* --- switching --- */

static void
arrived(struct context *me, struct context *from)
{

#ifdef FIBER_ASAN
	__sanitizer_finish_switch_fiber(me->fake, &from->bottom, &from->size);
#else
	(void)me;
	(void)from;
#endif
}

static void
switch_to(struct context *from, struct context *to, bool last)
{

#ifdef FIBER_ASAN
	__sanitizer_start_switch_fiber(last ? NULL : &from->fake, to->bottom,
	    to->size);
#endif
#ifdef FIBER_TSAN
	__tsan_switch_to_fiber(to->tsan, 0);
#endif
	(void)last;
	swapcontext(&from->uc, &to->uc);
	arrived(from, to);
}

/* makecontext(3) passes ints only. */
static void
fiber_main(unsigned high, unsigned low)
{
	struct fiber *f = (struct fiber *)((uintptr_t)high << 32 | low);
	struct loop *loop = f->loop;

	arrived(&f->ctx, &loop->main);
	f->fn(f->arg);
	f->ended = true;
	switch_to(&f->ctx, &loop->main, true);
}

/* --- stacks --- */

static bool
stack_map(struct fiber *f, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *p;

	size = (size + page - 1) / page * page + page;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	if (mprotect(p, page, PROT_NONE) == -1) {
		munmap(p, size);
		return false;
	}
	f->stack = p;
	f->mapped = size;
	f->ctx.bottom = f->stack + page;
	f->ctx.size = size - page;
	return true;
}

static void
stack_unmap(struct fiber *f)
{

	if (f->stack != NULL)
		munmap(f->stack, f->mapped);
	f->stack = NULL;
}

/* --- fibers --- */

static struct loop *
loop_get(struct rumpserver *srv)
{
	struct loop *loop = srv->fibers;

	if (loop != NULL)
		return loop;
	loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return NULL;
	SLIST_INIT(&loop->unused);
	STAILQ_INIT(&loop->ready);
	pthread_mutex_init(&loop->lock, NULL);
	srv->fibers = loop;
	return loop;
}

static struct fiber *
fiber_new(struct loop *loop)
{
	struct fiber *f, **p;
	uint32_t cap;

	if (loop->nfibers == loop->cap) {
		cap = loop->cap != 0 ? loop->cap * 2 : 16;
		p = realloc(loop->fibers, cap * sizeof(*p));
		if (p == NULL)
			return NULL;
		loop->fibers = p;
		loop->cap = cap;
	}
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->loop = loop;
	f->ended = true;
	loop->fibers[loop->nfibers++] = f;
	return f;
}

static struct fiber *
fiber_get(struct rumpserver *srv, struct loop *loop)
{
	struct fiber *f;

	f = SLIST_FIRST(&loop->unused);
	if (f != NULL)
		SLIST_REMOVE_HEAD(&loop->unused, free_link);
	else if ((f = fiber_new(loop)) == NULL)
		return NULL;
	if (f->stack != NULL) {
		loop->cached--;
	} else if (!stack_map(f, srv->cfg.stack_size)) {
		SLIST_INSERT_HEAD(&loop->unused, f, free_link);
		return NULL;
	}
	return f;
}

static void
fiber_put(struct fiber *f)
{
	struct loop *loop = f->loop;

	pthread_mutex_lock(&loop->lock);
	if (f->ready)
		STAILQ_REMOVE(&loop->ready, f, fiber, ready_link);
	f->ready = false;
	pthread_mutex_unlock(&loop->lock);
#ifdef FIBER_TSAN
	__tsan_destroy_fiber(f->ctx.tsan);
#endif
	if (loop->cached < FIBER_CACHE)
		loop->cached++;
	else
		stack_unmap(f);
	SLIST_INSERT_HEAD(&loop->unused, f, free_link);
}

static void
resume(struct fiber *f)
{
	struct loop *loop = f->loop;

#ifdef FIBER_TSAN
	loop->main.tsan = __tsan_get_current_fiber();
#endif
	switch_to(&loop->main, &f->ctx, false);
	if (f->ended)
		fiber_put(f);
}

/* A function of its own: getcontext(3) returns as setjmp(3) does. */
__attribute__((noinline))
static void
fiber_prepare(struct fiber *f)
{
	uintptr_t p = (uintptr_t)f;

	getcontext(&f->ctx.uc);
	f->ctx.uc.uc_stack.ss_sp = (void *)f->ctx.bottom;
	f->ctx.uc.uc_stack.ss_size = f->ctx.size;
	f->ctx.uc.uc_link = NULL;
	makecontext(&f->ctx.uc, (void (*)(void))fiber_main, 2,
	    (unsigned)(p >> 32), (unsigned)p);
}

bool
fiber_start(struct rumpserver *srv, void (*fn)(void *), void *arg,
    struct fiber **self)
{
	struct loop *loop = loop_get(srv);
	struct fiber *f;

	if (loop == NULL || (f = fiber_get(srv, loop)) == NULL)
		return false;
	f->fn = fn;
	f->arg = arg;
	f->ended = false;
	f->ctx.fake = NULL;
#ifdef FIBER_TSAN
	f->ctx.tsan = __tsan_create_fiber(0);
#endif
	fiber_prepare(f);
	*self = f;
	resume(f);
	return true;
}

void
fiber_yield(struct fiber *f)
{

	switch_to(&f->ctx, &f->loop->main, false);
}

void
fiber_ready(struct rumpserver *srv, struct fiber *f)
{
	struct loop *loop = f->loop;

	pthread_mutex_lock(&loop->lock);
	if (!f->ready) {
		f->ready = true;
		STAILQ_INSERT_TAIL(&loop->ready, f, ready_link);
	}
	pthread_mutex_unlock(&loop->lock);
	eventfd_write(srv->wakefd, 1);
}

bool
fibers_run(struct rumpserver *srv)
{
	struct loop *loop = srv->fibers;
	struct fiber *f;

	if (loop == NULL)
		return false;
	pthread_mutex_lock(&loop->lock);
	f = STAILQ_FIRST(&loop->ready);
	if (f != NULL) {
		STAILQ_REMOVE_HEAD(&loop->ready, ready_link);
		f->ready = false;
	}
	pthread_mutex_unlock(&loop->lock);
	if (f == NULL)
		return false;
	resume(f);
	return true;
}

void
fibers_free(struct rumpserver *srv)
{
	struct loop *loop = srv->fibers;
	uint32_t i;

	if (loop == NULL)
		return;
	for (i = 0; i < loop->nfibers; i++) {
		stack_unmap(loop->fibers[i]);
		free(loop->fibers[i]);
	}
	free(loop->fibers);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
	srv->fibers = NULL;
}

/* --- what they wait for --- */

void
fiber_list(struct fiber *f, struct fiber_list *list)
{

	LIST_INSERT_HEAD(list, f, list_link);
	f->listed = true;
}

void
fiber_unlist(struct fiber *f)
{

	if (f->listed)
		LIST_REMOVE(f, list_link);
	f->listed = false;
}
