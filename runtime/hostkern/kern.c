/*
 * The host kernel as a whole: made, destroyed, and handed to the server.
 */
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "hostkern/inode.h"
#include "hostkern/kern.h"
#include "hostkern/path.h"
#include "hostkern/raise.h"

int
kern_errno(void)
{

	return rump_conv_errno_from_host(errno);
}

bool
kern_thread(pthread_t *thread, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error == 0;
}

/* As many descriptors as there may be; the server says how many of those are
 * for guests. */
static void
raise_descriptor_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl);
}

/* A guest must not end us by what it writes. */
static void
ignore_signal(int signo)
{
	struct sigaction sa;

	if (sigaction(signo, NULL, &sa) != 0 || sa.sa_handler != SIG_DFL)
		return;
	sa.sa_handler = SIG_IGN;
	(void)sigaction(signo, &sa, NULL);
}

static int
open_root(struct hostkern *hk, const char *root, char *why, size_t whylen)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
	    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	struct statfs fs;
	int fd, probe;

	fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) {
		snprintf(why, whylen, "root %s: %s", root, strerror(errno));
		return -1;
	}
	/* path.c keeps guests out of one that is below the root. */
	if (fstatfs(fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC) {
		snprintf(why, whylen, "root %s: a proc file system shows the "
		    "memory of the server", root);
		close(fd);
		return -1;
	}
	/* "." takes the right to search it, too. */
	probe = path_openat2(NULL, fd, ".", &how);
	if (probe == -1) {
		snprintf(why, whylen, "root %s: %s%s", root, strerror(errno),
		    errno == ENOSYS ? " (openat2(2) needs Linux 5.6)" : "");
		close(fd);
		return -1;
	}
	close(probe);
	if (kdir_make(NULL, fd, &hk->root) != 0) {
		snprintf(why, whylen, "root %s: %s", root, strerror(errno));
		return -1;
	}
	hk->rootdev = hk->root->id.dev;
	return 0;
}

static int
start_modules(struct hostkern *hk)
{
	size_t i;
	int error;

	error = 0;
	for (i = 0; kern_modules[i] != NULL; i++) {
		if (kern_modules[i]->create != NULL)
			error = kern_modules[i]->create(hk);
		if (error != 0)
			break;
	}
	while (error != 0 && i-- > 0) {
		if (kern_modules[i]->destroy != NULL)
			kern_modules[i]->destroy(hk);
	}
	return error;
}

static int
make_names(struct hostkern *hk, const struct hostkern_config *conf)
{

	hk->rootname = strdup(conf->root != NULL ? conf->root : "/");
	if (hk->rootname == NULL)
		return -1;
	if (conf->hostname != NULL)
		snprintf(hk->hostname, sizeof(hk->hostname), "%s",
		    conf->hostname);
	else if (gethostname(hk->hostname, sizeof(hk->hostname) - 1) != 0)
		snprintf(hk->hostname, sizeof(hk->hostname), "rump");
	return 0;
}

static void
free_all(struct hostkern *hk)
{

	procs_destroy(hk);
	cred_put(hk->self);
	kdir_put(hk->root);
	free(hk->rootname);
	pthread_mutex_destroy(&hk->name_lock);
	pthread_mutex_destroy(&hk->proc_lock);
	pthread_cond_destroy(&hk->released);
	inodes_free(hk->inodes);
	free(hk);
}

struct hostkern *
hostkern_create(const struct hostkern_config *conf, char *why, size_t whylen)
{
	struct hostkern *hk;
	int error;

	hk = calloc(1, sizeof(*hk));
	if (hk == NULL) {
		snprintf(why, whylen, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&hk->name_lock, NULL);
	pthread_mutex_init(&hk->proc_lock, NULL);
	pthread_cond_init(&hk->released, NULL);
	hk->read_only = conf->read_only;
	hk->no_net = conf->no_net;
	hk->console_fd = conf->console_fd;
	hk->console_tty = conf->console_fd >= 0 && isatty(conf->console_fd);
	hk->anon_uid = conf->anon_set ? conf->anon_uid : 65534;
	hk->anon_gid = conf->anon_set ? conf->anon_gid : 65534;
	hk->privileged = geteuid() == 0;
	hk->self = cred_self();
	hk->inodes = inodes_make();

	if (hk->self == NULL || hk->inodes == NULL || make_names(hk, conf) != 0 ||
	    procs_create(hk) != 0) {
		snprintf(why, whylen, "out of memory");
		goto fail;
	}
	if (getrandom(hk->fh_key, sizeof(hk->fh_key), 0) !=
	    (ssize_t)sizeof(hk->fh_key)) {
		snprintf(why, whylen, "getrandom(2): %s", strerror(errno));
		goto fail;
	}
	/* Root in a container without the capabilities would serve every
	 * guest as root. */
	if (hk->privileged && !cred_works()) {
		snprintf(why, whylen, "runs as root but cannot take on a "
		    "guest's ids: grant CAP_SETUID and CAP_SETGID or run as "
		    "another user");
		goto fail;
	}
	if (open_root(hk, hk->rootname, why, whylen) != 0)
		goto fail;
	error = start_modules(hk);
	if (error != 0) {
		snprintf(why, whylen, "cannot make a kernel: %s",
		    strerror(rump_conv_errno_to_host(error)));
		goto fail;
	}
	raise_descriptor_limit();
	ignore_signal(SIGPIPE);
	ignore_signal(SIGXFSZ);
	(void)umask(0);
	return hk;

fail:
	free_all(hk);
	return NULL;
}

void
hostkern_destroy(struct hostkern *hk)
{
	size_t i;

	if (hk == NULL)
		return;
	for (i = 0; kern_modules[i] != NULL; i++) {
		if (kern_modules[i]->destroy != NULL)
			kern_modules[i]->destroy(hk);
	}
	free_all(hk);
}

static int
kern_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t retval[2])
{
	struct kproc *p = kern_proc(l);
	int error;

	(void)kern;
	raise_enter(p);
	error = rumpserver_dispatch(rump_sysent, rump_nsysent, l, num, args,
	    len, retval);
	raise_leave(p);
	return error;
}

static void
kern_step_done(void *kern)
{

	cred_leave(kern);
}

const struct rumpserver_kernel hostkern_kernel = {
	.name = "hostkern",
	.ostype = "NetBSD",
	.osrelease = "7.99.34",
	.machine = "amd64",
	.proc_new = proc_new,
	.proc_copy = proc_copy,
	.proc_exec = proc_exec,
	.proc_exit = proc_exit,
	.syscall = kern_syscall,
	.step_done = kern_step_done,
};
