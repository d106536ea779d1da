/*
 * Host descriptors that are kept for a guest: who pays for them.
 */
#include "hostkern/hostfd.h"

int
hostfd_charge(struct kproc *p, struct rumpserver_account **payer)
{

	if (!rumpserver_charge(p->account, RUMPSERVER_DESCRIPTORS, 1))
		return RUMP_ENFILE;
	rumpserver_account_ref(p->account);
	*payer = p->account;
	return 0;
}

void
hostfd_refund(struct rumpserver_account *payer)
{

	rumpserver_refund(payer, RUMPSERVER_DESCRIPTORS, 1);
	rumpserver_account_put(payer);
}
