#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz/record.h"
#include "trace/sysdesc.h"

enum { KEPT = 1024, SHOWN = 100, SHOWN_ARGS = 6 };

static struct event {
	unsigned guest;
	const char *note;		/* else it is a call */
	unsigned num;
	uint64_t reqno, args[SHOWN_ARGS];
	int error;			/* -1: in flight */
} events[KEPT];
static unsigned long nevents;
static atomic_flag printed = ATOMIC_FLAG_INIT;

void __sanitizer_set_death_callback(void (*)(void)) __attribute__((weak));

/* Runs beside the thread that adds events, with ThreadSanitizer's locks held:
 * a race reported here would never end. */
#define NOT_WATCHED	__attribute__((no_sanitize("thread")))

NOT_WATCHED static void
print_event(const struct event *e)
{
	const struct sysdesc *d;
	char line[256];
	unsigned i;
	size_t n;

	n = (size_t)snprintf(line, sizeof(line), "guest %u: %s", e->guest,
	    e->note != NULL ? e->note : rump_sysdesc[e->num].name);
	d = &rump_sysdesc[e->num];
	for (i = 0; e->note == NULL && i < d->narg && i < SHOWN_ARGS; i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s%llx",
		    i == 0 ? "(" : ", ", (unsigned long long)e->args[i]);
	if (e->note == NULL && e->error == -1)
		n += (size_t)snprintf(line + n, sizeof(line) - n,
		    ")	... in flight\n");
	else if (e->note == NULL)
		n += (size_t)snprintf(line + n, sizeof(line) - n, ") = %d\n",
		    e->error);
	else
		line[n++] = '\n';
	if (write(2, line, n) == -1)
		return;
}

/* What is in flight for long, and the last ones. */
NOT_WATCHED static void
print(void)
{
	char line[64];
	unsigned long i;
	int n;

	if (atomic_flag_test_and_set(&printed))
		return;
	n = snprintf(line, sizeof(line), "%s: FUZZ_SEED=%lu FUZZ_ONLY=%lu\n",
	    fuzz_target.name, fuzz_seed, fuzz_current);
	if (write(2, line, (size_t)n) == -1)
		return;
	for (i = nevents > KEPT ? nevents - KEPT : 0; i < nevents; i++)
		if (i + SHOWN >= nevents || events[i % KEPT].error == -1)
			print_event(&events[i % KEPT]);
}

static void
on_signal(int signo)
{

	print();
	signal(signo, SIG_DFL);
	raise(signo);
}

void
record_on(void)
{

	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(print);
	else
		signal(SIGSEGV, on_signal);
	signal(SIGABRT, on_signal);
}

void
record_clear(void)
{

	nevents = 0;
}

static struct event *
add(unsigned guest)
{
	struct event *e = &events[nevents++ % KEPT];

	*e = (struct event){ .guest = guest };
	return e;
}

void
record_note(unsigned guest, const char *what)
{

	add(guest)->note = what;
}

void
record_call(unsigned guest, uint64_t reqno, const struct guest_call *c)
{
	struct event *e = add(guest);
	unsigned i;

	e->num = c->num;
	e->reqno = reqno;
	e->error = -1;
	for (i = 0; i < SHOWN_ARGS; i++)
		e->args[i] = c->args[i];
}

void
record_answer(unsigned guest, uint64_t reqno, int error)
{
	unsigned long i;
	struct event *e;

	for (i = nevents; i > 0 && i + KEPT > nevents; i--) {
		e = &events[(i - 1) % KEPT];
		if (e->note != NULL || e->guest != guest || e->reqno != reqno)
			continue;
		e->error = error;
		return;
	}
}
