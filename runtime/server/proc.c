/*
 * Processes as the server knows them.
 */
#include <stdlib.h>

#include "server/server.h"

struct rump_proc *
proc_alloc(struct rumpserver_account *a)
{
	struct rump_proc *p;

	if (a == NULL)
		return NULL;
	if (!rumpserver_charge(a, RUMPSERVER_PROCESSES, 1))
		goto fail;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		goto refund;
	p->account = a;
	LIST_INIT(&p->preforks);
	return p;

refund:
	rumpserver_refund(a, RUMPSERVER_PROCESSES, 1);
fail:
	rumpserver_account_put(a);
	return NULL;
}

void
proc_free(struct rump_proc *p)
{

	rumpserver_refund(p->account, RUMPSERVER_PROCESSES, 1);
	rumpserver_account_put(p->account);
	free(p);
}

int
kernel_proc_new(struct rumpserver *srv, struct rump_proc *p,
    const struct rumpserver_peer *peer, const char *comm)
{

	if (srv->kernel->proc_new == NULL)
		return 0;
	return srv->kernel->proc_new(srv->kern, p, peer, comm);
}

int
kernel_proc_copy(struct rumpserver *srv, struct rump_proc *child,
    struct rump_proc *parent)
{

	if (srv->kernel->proc_copy == NULL)
		return 0;
	return srv->kernel->proc_copy(srv->kern, child, parent);
}

int
kernel_proc_exec(struct rumpserver *srv, struct rump_proc *p,
    const char *comm)
{

	if (srv->kernel->proc_exec == NULL)
		return 0;
	return srv->kernel->proc_exec(srv->kern, p, comm);
}

void
proc_end(struct rumpserver *srv, struct rump_proc *p)
{

	preforks_orphan(srv, p);
	if (srv->kernel->proc_exit != NULL)
		srv->kernel->proc_exit(srv->kern, p);
	proc_free(p);
}

struct rumpserver_account *
rumpserver_proc_account(struct rump_proc *p)
{

	rumpserver_account_ref(p->account);
	return p->account;
}

void *
rumpserver_proc_private(const struct rump_proc *p)
{

	return p->priv;
}

void
rumpserver_proc_setprivate(struct rump_proc *p, void *priv)
{

	p->priv = priv;
}
