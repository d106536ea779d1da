/*
 * Processes as the server knows them.
 */
#include <stdlib.h>

#include "server/server.h"

struct rump_proc *
proc_alloc(void)
{
	struct rump_proc *p;

	p = calloc(1, sizeof(*p));
	if (p != NULL)
		LIST_INIT(&p->preforks);
	return p;
}

void
proc_end(struct rumpserver *srv, struct rump_proc *p)
{

	preforks_orphan(srv, p);
	if (srv->kernel->proc_exit != NULL)
		srv->kernel->proc_exit(srv->kern, p);
	free(p);
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
