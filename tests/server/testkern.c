/*
 * The test kernel: each call does one thing that the server offers.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpdefs.h>

#include "lib/suite.h"
#include "testkern.h"

struct tkproc {
	int pid, ppid;
	char comm[64];
};

static void
changed(struct testkern *tk)
{

	pthread_cond_broadcast(&tk->cond);
	pthread_mutex_unlock(&tk->lock);
}

static struct tkproc *
tkproc_make(struct testkern *tk, struct rump_proc *p, int ppid,
    const char *comm)
{
	struct tkproc *kp = calloc(1, sizeof(*kp));

	ck_assert_ptr_nonnull(kp);
	snprintf(kp->comm, sizeof(kp->comm), "%s", comm);
	pthread_mutex_lock(&tk->lock);
	kp->pid = tk->next_pid++;
	kp->ppid = ppid;
	tk->procs++;
	changed(tk);
	rumpserver_proc_setprivate(p, kp);
	return kp;
}

static int
tk_proc_new(void *kern, struct rump_proc *p,
    const struct rumpserver_peer *peer, const char *comm)
{
	struct testkern *tk = kern;

	(void)peer;
	if (tk->refuse != 0)
		return tk->refuse;
	tkproc_make(tk, p, 1, comm);
	return 0;
}

static int
tk_proc_copy(void *kern, struct rump_proc *child, struct rump_proc *parent)
{
	struct testkern *tk = kern;
	struct tkproc *pp = rumpserver_proc_private(parent);

	if (tk->copy_error != 0)
		return tk->copy_error;
	pthread_mutex_lock(&tk->lock);
	tk->sleeping += tk->copy_waits;
	pthread_cond_broadcast(&tk->cond);
	while (tk->copy_waits && !tk->open)
		pthread_cond_wait(&tk->cond, &tk->lock);
	tk->sleeping -= tk->copy_waits;
	changed(tk);
	tkproc_make(tk, child, pp->pid, pp->comm);
	pthread_mutex_lock(&tk->lock);
	tk->copies++;
	changed(tk);
	return 0;
}

static int
tk_proc_exec(void *kern, struct rump_proc *p, const char *comm)
{
	struct testkern *tk = kern;
	struct tkproc *kp = rumpserver_proc_private(p);

	if (tk->exec_error != 0)
		return tk->exec_error;
	snprintf(kp->comm, sizeof(kp->comm), "%s", comm);
	pthread_mutex_lock(&tk->lock);
	tk->execs++;
	changed(tk);
	return 0;
}

static void
tk_proc_exit(void *kern, struct rump_proc *p)
{
	struct testkern *tk = kern;
	bool waits;

	free(rumpserver_proc_private(p));
	pthread_mutex_lock(&tk->lock);
	waits = tk->exits_that_wait > 0;
	tk->exits_that_wait -= waits;
	tk->sleeping += waits;
	pthread_cond_broadcast(&tk->cond);
	while (waits && !tk->open)
		pthread_cond_wait(&tk->cond, &tk->lock);
	tk->sleeping -= waits;
	tk->procs--;
	changed(tk);
}

static int
tk_lwp_new(void *kern, struct lwp *l)
{
	struct testkern *tk = kern;

	if (tk->lwp_error != 0)
		return tk->lwp_error;
	rumpserver_lwp_setprivate(l, tk);
	pthread_mutex_lock(&tk->lock);
	tk->lwps++;
	changed(tk);
	return 0;
}

static void
tk_lwp_release(void *kern, struct lwp *l)
{
	struct testkern *tk = kern;

	ck_assert_ptr_eq(rumpserver_lwp_private(l), tk);
	pthread_mutex_lock(&tk->lock);
	tk->lwps--;
	changed(tk);
}

/* Wakes everybody at the gate; those interrupted see it. */
static void
tk_interrupt(void *kern, struct lwp *l)
{
	struct testkern *tk = kern;

	(void)l;
	pthread_mutex_lock(&tk->lock);
	tk->interrupts++;
	changed(tk);
}

static uint64_t
sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t s = 0;

	while (len-- > 0)
		s = s * 31 + *p++;
	return s;
}

static void
fill(uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = tk_byte(i);
}

static int
do_copyin(struct lwp *l, const uint64_t *a, register_t *rv)
{
	void *buf = malloc(a[1] + 1);
	int error;

	error = rumpserver_copyin(l, a[0], buf, a[1]);
	if (error == 0)
		rv[0] = (register_t)sum(buf, a[1]);
	free(buf);
	return error;
}

static int
do_copyinstr(struct lwp *l, const uint64_t *a, register_t *rv)
{
	char *buf = malloc(a[1] + 1);
	size_t done;
	int error;

	error = rumpserver_copyinstr(l, a[0], buf, a[1], &done);
	if (error == 0) {
		rv[0] = (register_t)done;
		rv[1] = (register_t)sum(buf, done);
	}
	free(buf);
	return error;
}

static int
do_copyout(struct lwp *l, const uint64_t *a, register_t *rv)
{
	uint8_t *buf = malloc(a[1] + 1);
	int error;

	fill(buf, a[1]);
	error = rumpserver_copyout(l, buf, a[0], a[1]);
	memset(buf, 0xee, a[1]);
	free(buf);
	rv[0] = (register_t)a[1];
	return error;
}

static int
do_borrow(struct lwp *l, const uint64_t *a, register_t *rv)
{
	const void *data;
	int error;

	error = rumpserver_copyin_borrow(l, a[0], a[1], &data);
	if (error == 0)
		rv[0] = (register_t)sum(data, a[1]);
	return error;
}

static int
do_reserve(struct lwp *l, const uint64_t *a, register_t *rv)
{
	void *data;
	int error;

	error = rumpserver_copyout_reserve(l, a[0], a[1], &data);
	if (error != 0)
		return error;
	fill(data, a[2]);
	rv[0] = (register_t)a[2];
	return rumpserver_copyout_commit(l, a[2]);
}

static int
do_copyinout(struct lwp *l, const uint64_t *a, register_t *rv)
{
	uint8_t *buf = malloc(a[2] + 1);
	size_t i;
	int error;

	error = rumpserver_copyin(l, a[0], buf, a[2]);
	for (i = 0; i < a[2]; i++)
		buf[i] = (uint8_t)~buf[i];
	if (error == 0)
		error = rumpserver_copyout(l, buf, a[1], a[2]);
	free(buf);
	rv[0] = (register_t)a[2];
	return error;
}

static struct timespec
ms_timespec(uint64_t ms)
{

	return (struct timespec){ .tv_sec = (time_t)(ms / 1000),
	    .tv_nsec = (long)(ms % 1000) * 1000000 };
}

static void
at_gate(struct testkern *tk, int change)
{

	pthread_mutex_lock(&tk->lock);
	tk->sleeping += (unsigned)change;
	changed(tk);
}

static int
gate_wait(struct testkern *tk, struct lwp *l, uint64_t ms)
{
	struct timespec ts = ms_timespec(ms);
	struct pollfd pfd = { .fd = tk->gatefd[0], .events = POLLIN };
	int error;

	at_gate(tk, 1);
	error = rumpserver_wait(l, &pfd, 1, ms != 0 ? &ts : NULL);
	at_gate(tk, -1);
	if (error == 0 && (pfd.revents & POLLIN) == 0)
		return RUMP_EIO;
	return error;
}

static int
gate_sleep(struct testkern *tk, struct lwp *l)
{
	int error;

	pthread_mutex_lock(&tk->lock);
	tk->sleeping++;
	pthread_cond_broadcast(&tk->cond);
	while (!tk->open && !rumpserver_interrupted(l))
		pthread_cond_wait(&tk->cond, &tk->lock);
	error = tk->open ? 0 : RUMP_EINTR;
	tk->sleeping--;
	changed(tk);
	return error;
}

static int
do_sleep(struct lwp *l, uint64_t ms)
{
	struct timespec ts = ms_timespec(ms);

	return rumpserver_wait(l, NULL, 0, ms != 0 ? &ts : NULL);
}

static int
do_doze(struct testkern *tk, struct lwp *l, uint64_t ms)
{
	struct timespec ts = ms_timespec(ms);
	int error;

	pthread_mutex_lock(&tk->lock);
	tk->dozing = l;
	pthread_mutex_unlock(&tk->lock);
	at_gate(tk, 1);
	error = rumpserver_sleep(l, NULL, 0, ms != 0 ? &ts : NULL);
	pthread_mutex_lock(&tk->lock);
	tk->dozing = NULL;
	pthread_mutex_unlock(&tk->lock);
	at_gate(tk, -1);
	return error;
}

static int
do_wake(struct testkern *tk)
{
	int error = RUMP_ESRCH;

	pthread_mutex_lock(&tk->lock);
	if (tk->dozing != NULL) {
		rumpserver_wake(tk->dozing);
		error = 0;
	}
	pthread_mutex_unlock(&tk->lock);
	return error;
}

static void
job(struct lwp *l, void *arg)
{
	struct testkern *tk = arg;
	int error;

	error = gate_wait(tk, l, 0);
	if (error == 0)
		rumpserver_raise(rumpserver_lwp_proc(l), RUMP_SIGUSR1);
	pthread_mutex_lock(&tk->lock);
	tk->jobs++;
	if (error == RUMP_EINTR && rumpserver_interrupted(l))
		tk->cut_jobs++;
	changed(tk);
}

/* A file is always ready, but not for this. */
static int
wait_file(struct lwp *l, uint64_t ms)
{
	struct timespec ts = ms_timespec(ms);
	struct pollfd pfd = { .fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
	    .events = POLLPRI };
	int error;

	ck_assert_int_ge(pfd.fd, 0);
	error = rumpserver_wait(l, &pfd, 1, &ts);
	close(pfd.fd);
	return error;
}

static int
use_stack(void)
{
	volatile char some[40 * 1024];
	size_t i;

	for (i = 0; i < sizeof(some); i += 512)
		some[i] = 1;
	return some[512] - 1;
}

struct kicker {
	struct lwp *l;
	atomic_bool enough;
};

static void *
kick(void *arg)
{
	struct kicker *k = arg;

	while (!atomic_load(&k->enough))
		rumpserver_interrupt(k->l);
	return NULL;
}

static int
do_kicked(struct lwp *l, const uint64_t *a, register_t *rv)
{
	struct kicker k = { .l = l };
	pthread_t thread;
	int error;

	ck_assert_int_eq(pthread_create(&thread, NULL, kick, &k), 0);
	error = rumpserver_wait(l, NULL, 0, NULL);
	atomic_store(&k.enough, true);
	pthread_join(thread, NULL);
	return error == RUMP_EINTR ? do_copyout(l, a, rv) : RUMP_EIO;
}

static int
tk_syscall(void *kern, struct lwp *l, int num, const void *args, size_t len,
    register_t rv[2])
{
	struct testkern *tk = kern;
	struct tkproc *kp = rumpserver_proc_private(rumpserver_lwp_proc(l));
	uint64_t a[16] = { 0 };
	rump_uaddr_t ua;
	int error;

	memcpy(a, args, len);
	pthread_mutex_lock(&tk->lock);
	tk->calls++;
	pthread_mutex_unlock(&tk->lock);
	switch (num) {
	case TK_GETPID:
		rv[0] = kp->pid;
		rv[1] = kp->ppid;
		return 0;
	case TK_ECHO:
		rv[0] = (register_t)a[0];
		rv[1] = (register_t)a[1];
		return 0;
	case TK_ERROR:
		return (int)a[0];
	case TK_COPYIN:
		return do_copyin(l, a, rv);
	case TK_COPYINSTR:
		return do_copyinstr(l, a, rv);
	case TK_COPYOUT:
		return do_copyout(l, a, rv);
	case TK_COPYOUTSTR:
		return rumpserver_copyoutstr(l, "hello", a[0], a[1], NULL);
	case TK_BORROW:
		return do_borrow(l, a, rv);
	case TK_RESERVE:
		return do_reserve(l, a, rv);
	case TK_ANONMMAP:
		error = rumpserver_anonmmap(l, a[0], &ua);
		rv[0] = (register_t)ua;
		return error;
	case TK_RAISE:
		return rumpserver_raise(rumpserver_lwp_proc(l), (int)a[0]);
	case TK_SLEEP:
		return do_sleep(l, a[0]);
	case TK_GATE_WAIT:
		return gate_wait(tk, l, a[0]);
	case TK_GATE_BLOCK:
		rumpserver_block(l);
		error = gate_sleep(tk, l);
		rumpserver_unblock(l);
		return error;
	case TK_GATE_SILENT:
		return gate_sleep(tk, l);
	case TK_COPYINOUT:
		return do_copyinout(l, a, rv);
	case TK_COMM:
		return rumpserver_copyoutstr(l, kp->comm, a[0],
		    sizeof(kp->comm), NULL);
	case TK_GATE_COPYIN:
		error = gate_wait(tk, l, 0);
		return error != 0 ? error : do_copyin(l, a, rv);
	case TK_DOZE:
		return do_doze(tk, l, a[0]);
	case TK_WAKE:
		return do_wake(tk);
	case TK_JOB:
		return rumpserver_spawn(l, job, tk);
	case TK_GATE_RESERVE:
		error = gate_wait(tk, l, 0);
		return error != 0 ? error : do_reserve(l, a, rv);
	case TK_STACK:
		return use_stack();
	case TK_WAIT_FILE:
		return wait_file(l, a[0]);
	case TK_KICKED:
		return do_kicked(l, a, rv);
	default:
		return RUMP_ENOSYS;
	}
}

const struct rumpserver_kernel testkern_kernel = {
	.name = "testkern",
	.ostype = "Test",
	.osrelease = "1.0",
	.machine = "amd64",
	.proc_new = tk_proc_new,
	.proc_copy = tk_proc_copy,
	.proc_exec = tk_proc_exec,
	.proc_exit = tk_proc_exit,
	.lwp_new = tk_lwp_new,
	.lwp_release = tk_lwp_release,
	.syscall = tk_syscall,
	.interrupt = tk_interrupt,
};

/* --- its state --- */

void
tk_init(struct testkern *tk)
{
	pthread_condattr_t attr;

	memset(tk, 0, sizeof(*tk));
	tk->next_pid = 2;
	pthread_mutex_init(&tk->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&tk->cond, &attr);
	pthread_condattr_destroy(&attr);
	ck_assert_int_eq(pipe(tk->gatefd), 0);
}

void
tk_fini(struct testkern *tk)
{

	close(tk->gatefd[0]);
	close(tk->gatefd[1]);
	pthread_mutex_destroy(&tk->lock);
	pthread_cond_destroy(&tk->cond);
}

void
tk_gate(struct testkern *tk, bool open)
{
	char c = 0;

	pthread_mutex_lock(&tk->lock);
	if (open && !tk->open)
		ck_assert_int_eq(write(tk->gatefd[1], &c, 1), 1);
	if (!open && tk->open)
		ck_assert_int_eq(read(tk->gatefd[0], &c, 1), 1);
	tk->open = open;
	changed(tk);
}

unsigned
tk_read(struct testkern *tk, const unsigned *count)
{
	unsigned n;

	pthread_mutex_lock(&tk->lock);
	n = *count;
	pthread_mutex_unlock(&tk->lock);
	return n;
}

static bool
wait_for(struct testkern *tk, bool (*is)(struct testkern *, unsigned,
    const char *), unsigned n, const char *text)
{
	struct timespec end;
	bool ok;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += patience_ms() / 1000;
	rc = 0;
	pthread_mutex_lock(&tk->lock);
	while (!(ok = is(tk, n, text)) && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&tk->cond, &tk->lock, &end);
	pthread_mutex_unlock(&tk->lock);
	return ok;
}

static bool
is_sleeping(struct testkern *tk, unsigned n, const char *text)
{

	(void)text;
	return tk->sleeping == n;
}

static bool
is_procs(struct testkern *tk, unsigned n, const char *text)
{

	(void)text;
	return tk->procs == n;
}

static bool
is_logged(struct testkern *tk, unsigned n, const char *text)
{

	(void)n;
	return strstr(tk->log, text) != NULL;
}

void
tk_wait_sleeping(struct testkern *tk, unsigned n)
{

	ck_assert_msg(wait_for(tk, is_sleeping, n, NULL), "%u calls sleep, not "
	    "%u", tk->sleeping, n);
}

void
tk_wait_procs(struct testkern *tk, unsigned n)
{

	ck_assert_msg(wait_for(tk, is_procs, n, NULL), "%u processes, not %u",
	    tk->procs, n);
}

void
tk_wait_log(struct testkern *tk, const char *text)
{

	ck_assert_msg(wait_for(tk, is_logged, 0, text), "no '%s' in the log:\n"
	    "%s", text, tk->log);
}

bool
tk_logged(struct testkern *tk, const char *text)
{
	bool yes;

	pthread_mutex_lock(&tk->lock);
	yes = is_logged(tk, 0, text);
	pthread_mutex_unlock(&tk->lock);
	return yes;
}
