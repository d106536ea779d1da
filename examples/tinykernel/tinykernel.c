/* A kernel of one's own behind librumpserver: boxes that all clients share.
 * Its calls are in syscalls.master, their handlers below. */
#include <err.h>
#include <pthread.h>
#include <signal.h>

#include <rump/rump_handlers.h>
#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

static struct box {
	size_t len;			/* 0: empty */
	char data[4096];
} boxes[64];
static unsigned full;			/* of them */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* the above */

int
sys_put(struct lwp *l, const struct sys_put_args *uap, register_t *retval)
{
	struct box new = { .len = uap->len };
	int error;

	if (uap->box < 0 || uap->box >= 64)
		return RUMP_EINVAL;
	if (new.len > sizeof(new.data))
		return RUMP_E2BIG;
	/* The client may be far away: no lock is held while it is asked. */
	error = rumpserver_copyin(l, uap->data, new.data, new.len);
	if (error != 0)
		return error;
	pthread_mutex_lock(&lock);
	full = full - (boxes[uap->box].len > 0) + (new.len > 0);
	boxes[uap->box] = new;
	pthread_mutex_unlock(&lock);
	return 0;
}

int
sys_get(struct lwp *l, const struct sys_get_args *uap, register_t *retval)
{
	struct box copy;

	if (uap->box < 0 || uap->box >= 64)
		return RUMP_EINVAL;
	pthread_mutex_lock(&lock);
	copy = boxes[uap->box];
	pthread_mutex_unlock(&lock);
	if (copy.len == 0)
		return RUMP_ENOENT;
	*retval = (register_t)(copy.len < uap->len ? copy.len : uap->len);
	return rumpserver_copyout(l, copy.data, uap->data, (size_t)*retval);
}

int
sys_count(struct lwp *l, const void *uap, register_t *retval)
{
	pthread_mutex_lock(&lock);
	*retval = full;
	pthread_mutex_unlock(&lock);
	return 0;
}

static int
do_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2])
{
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
	const struct rumpserver_config config = { .kernel = &tinykernel };
	struct rumpserver *srv = rumpserver_create(&config);
	sigset_t set;

	if (argc != 2 || srv == NULL)
		errx(2, "usage: tinykernel LOCATOR");
	/* Before there are threads, so that they have it blocked, too. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (rumpserver_listen(srv, argv[1], NULL, 0) == -1 ||
	    rumpserver_start(srv) == -1)
		err(1, "%s", argv[1]);
	warnx("ready");
	sigwaitinfo(&set, NULL);
	rumpserver_stop(srv, 1000);
	rumpserver_destroy(srv);
}
