/*
 * Faults in the host's calls.
 *
 * The runtime under test is linked with its calls of the host redirected to
 * those of calls.c (the Makefile renames the symbols in a copy of its objects;
 * the test itself calls the host directly).  A place in the runtime that calls
 * the host is a site, known by its return address.  First the sites are
 * recorded as they are reached; then one of them is armed, and fails once.
 *
 * The state is in memory that forked processes share, so a server and its
 * clients have the same sites.
 */
#ifndef RUMPGEN_TESTS_FAULT_FAULT_H
#define RUMPGEN_TESTS_FAULT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Ways to fail, as bits. */
enum fault_way {
	FAULT_SHORT = 0x01,	/* one byte is moved */
	FAULT_EINTR = 0x02,
	FAULT_EAGAIN = 0x04,
	FAULT_ENOMEM = 0x08,
	FAULT_EMFILE = 0x10,
};

struct fault_site {
	const char *call;	/* "read" */
	uintptr_t where;	/* return address; 0: no site */
	unsigned ways;
};

/* Makes the shared state; before the first call of the runtime. */
void fault_init(void);

/* The sites reached so far, in the order of addresses.  Returns how many, at
 * most max. */
unsigned fault_sites(struct fault_site *, unsigned max);

/* The site fails in that way the `nth' time that it is reached, 1 being the
 * next. */
void fault_arm(const struct fault_site *, enum fault_way, unsigned nth);
/* Nothing fails any more.  Whether something has. */
bool fault_disarm(void);

/* By calls.c: is this call to fail, and how?  0: it is not. */
enum fault_way fault_here(const char *call, void *where, unsigned ways);


/* "read (EINTR) in wait_event, send.c:120", in a static buffer. */
const char *fault_name(const struct fault_site *, enum fault_way);

#endif
