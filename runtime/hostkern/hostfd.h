/*
 * Host descriptors that are kept for a guest.
 *
 * Whoever makes one pays for it (RUMPSERVER_DESCRIPTORS), before the host is
 * asked, and until it is closed, which may be long after the process has gone:
 * so what keeps the descriptor keeps the payer beside it.  An open file does
 * so in file_make() and file_put().  A descriptor that a call closes before it
 * returns or waits is not paid for; there is a reserve for those.
 */
#ifndef RUMPGEN_HOSTKERN_HOSTFD_H
#define RUMPGEN_HOSTKERN_HOSTFD_H

#include "hostkern/kern.h"

/* One more for p: ENFILE when it has too many.  *payer gets a reference to who
 * pays, or NULL when nobody does. */
int hostfd_charge(struct kproc *p, struct rumpserver_account **payer);
/* It is closed, or was not made after all.  NULL: nothing. */
void hostfd_refund(struct rumpserver_account *payer);

#endif
