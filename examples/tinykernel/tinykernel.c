/*
 * A kernel of one's own behind librumpserver: named values, shared by all
 * clients.  Its calls are in syscalls.master, their handlers below.
 *
 *	tinykernel LOCATOR
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <rump/rump_handlers.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

enum { NVALUES = 64, NAMELEN = 32, VALUELEN = 4096 };

static struct value {
	char name[NAMELEN];
	char data[VALUELEN];
	size_t len;
} values[NVALUES];
static unsigned nvalues;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* the above */

/* lock held: the place of a name; the next free one if it is new. */
static struct value *
lookup(const char *name)
{
	unsigned i;

	for (i = 0; i < nvalues; i++)
		if (strcmp(values[i].name, name) == 0)
			return &values[i];
	return nvalues < NVALUES ? &values[nvalues] : NULL;
}

int
sys_put(struct lwp *l, const struct sys_put_args *uap, register_t *retval)
{
	struct value new = { .len = uap->len }, *v;
	int error;

	(void)retval;
	if (uap->len > sizeof(new.data))
		return RUMP_E2BIG;
	error = rumpserver_copyinstr(l, uap->name, new.name, NAMELEN, NULL);
	if (error == 0)
		error = rumpserver_copyin(l, uap->value, new.data, uap->len);
	if (error != 0)
		return error;

	pthread_mutex_lock(&lock);
	v = lookup(new.name);
	if (v != NULL && v == &values[nvalues])
		nvalues++;
	if (v != NULL)
		*v = new;
	pthread_mutex_unlock(&lock);
	return v == NULL ? RUMP_ENOSPC : 0;
}

int
sys_get(struct lwp *l, const struct sys_get_args *uap, register_t *retval)
{
	struct value *v, copy = { .len = 0 };
	char name[NAMELEN];
	int error;

	error = rumpserver_copyinstr(l, uap->name, name, NAMELEN, NULL);
	if (error != 0)
		return error;

	pthread_mutex_lock(&lock);
	v = lookup(name);
	if (v == NULL || v == &values[nvalues])
		error = RUMP_ENOENT;
	else
		copy = *v;
	pthread_mutex_unlock(&lock);
	if (error != 0)
		return error;
	if (copy.len > uap->len)
		copy.len = uap->len;
	*retval = (register_t)copy.len;
	return rumpserver_copyout(l, copy.data, uap->value, copy.len);
}

int
sys_count(struct lwp *l, const void *uap, register_t *retval)
{

	(void)l;
	(void)uap;
	pthread_mutex_lock(&lock);
	*retval = nvalues;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int
do_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2])
{

	(void)kern;
	return rumpserver_dispatch(rump_sysent, rump_nsysent, l, num, args,
	    len, retval);
}

/* Its processes have nothing of their own, so a call is all there is. */
static const struct rumpserver_kernel tinykernel = {
	.name = "tinykernel", .ostype = "Tiny", .osrelease = "1",
	.machine = "any", .syscall = do_syscall,
};

int
main(int argc, char **argv)
{
	const struct rumpserver_config cfg = { .kernel = &tinykernel };
	struct rumpserver *srv;
	sigset_t set;
	int signo;

	if (argc != 2) {
		fprintf(stderr, "usage: tinykernel LOCATOR\n");
		return 2;
	}
	/* Before there are threads, so that they have them blocked, too. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);

	srv = rumpserver_create(&cfg);
	if (srv == NULL || rumpserver_listen(srv, argv[1], NULL, 0) == -1 ||
	    rumpserver_start(srv) == -1) {
		perror("tinykernel");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sigwait(&set, &signo);
	rumpserver_stop(srv, 1000);
	rumpserver_destroy(srv);
	return 0;
}
