/*
 * fork, vfork, prefork, cancel, daemon, exec.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"

static int64_t rv;

int rumpclient__exec_augmentenv(char *const oenv[], char ***newenv);

/* Our pid in the server; -1 when the call fails. */
static int
rump_pid(void)
{
	int64_t r;

	return fake_call(FAKE_GETPID, 0, 0, 0, &r) == 0 ? (int)r : -1;
}

static int
rump_ppid(void)
{
	register_t retval[2];

	if (rumpclient_syscall(FAKE_GETPID, NULL, 0, retval) != 0)
		return -1;
	return (int)retval[1];
}

static int
status_of(pid_t pid)
{
	int status;

	ck_assert_int_gt(pid, 0);
	while (waitpid(pid, &status, 0) == -1)
		ck_assert_int_eq(errno, EINTR);
	return status;
}

START_TEST(forked)
{
	int before;
	pid_t pid;

	ck_assert_int_eq(rump_pid(), 2);
	before = fake_count_open();
	pid = rumpclient_fork();
	if (pid == 0) {
		if (rump_pid() != 3 || rump_ppid() != 2)
			_exit(1);
		_exit(fake_count_open() == before ? 0 : 2);
	}
	ck_assert_int_eq(rump_pid(), 2);
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(rump_pid(), 2);
	ck_assert_int_eq(fake_count_open(), before);
	ck_assert_int_eq(atomic_load(&fake.sh->forks), 1);
}
END_TEST

/* Children of children, each with its own identity. */
static int
grow(int depth)
{
	int mine, status;
	pid_t pid;

	mine = rump_pid();
	if (depth == 0)
		return mine > 0 ? 0 : 1;
	pid = rumpclient_fork();
	if (pid == -1)
		return 1;
	if (pid == 0) {
		if (rump_ppid() != mine || rump_pid() == mine)
			_exit(1);
		_exit(grow(depth - 1));
	}
	if (rump_pid() != mine)
		return 1;
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 1;
}

START_TEST(fork_tree)
{

	ck_assert_int_eq(grow(5), 0);
}
END_TEST

static void *
echo_thread(void *arg)
{
	atomic_bool *stop_it = arg;
	uint64_t i;
	int64_t r;

	for (i = 0; !atomic_load(stop_it); i++) {
		if (fake_call(FAKE_ECHO, i, 0, 0, &r) != 0 ||
		    (uint64_t)r != i)
			return (void *)1;
	}
	return NULL;
}

/* Ways to make a child while other threads call. */
static pid_t
vfork_child(void)
{
	pid_t pid;

	pid = rumpclient_vfork();
	if (pid == 0)
		_exit(rump_pid() > 2 && rump_ppid() == 2 ? 0 : 1);
	return pid;
}

static pid_t
fork_child(void)
{
	pid_t pid;

	pid = rumpclient_fork();
	if (pid == 0)
		_exit(rump_pid() > 2 && rump_ppid() == 2 ? 0 : 1);
	return pid;
}

static pid_t
plain_child(void)
{
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		/* Not connected, and no harm to the parent's stream. */
		if (rump_pid() != -1)
			_exit(1);
		if (rumpclient_init() != 0 || rump_pid() < 3)
			_exit(2);
		_exit(rump_ppid() == 1 ? 0 : 3);
	}
	return pid;
}

static pid_t (*const makers[])(void) = {
	fork_child, vfork_child, plain_child
};

START_TEST(children_beside_threads)
{
	pthread_t t[4];
	atomic_bool stop_it = false;
	void *bad;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, echo_thread, &stop_it);
	for (i = 0; i < 10; i++)
		ck_assert_int_eq(status_of(makers[_i]()), 0);
	atomic_store(&stop_it, true);
	for (i = 0; i < 4; i++) {
		pthread_join(t[i], &bad);
		ck_assert_ptr_null(bad);
	}
	ck_assert_int_eq(rump_pid(), 2);
	/* Every child's connection ended with it. */
	ck_assert(fake_wait(&fake.sh->closed, 10));
}
END_TEST

START_TEST(fork_that_the_server_loses)
{
	struct rumpclient_fork *rf;
	pid_t pid;

	/* A cookie that is used up when the child comes. */
	rf = rumpclient_prefork();
	ck_assert_ptr_nonnull(rf);
	pid = fork();
	if (pid == 0) {
		if (rumpclient_fork_init(rf) != 0)
			_exit(1);
		_exit(rump_pid() == 3 ? 0 : 2);
	}
	ck_assert_int_eq(status_of(pid), 0);
	pid = fork();
	if (pid == 0) {
		if (rumpclient_fork_init(rf) != -1 || errno != ESRCH)
			_exit(1);
		_exit(rump_pid() == -1 ? 0 : 2);
	}
	ck_assert_int_eq(status_of(pid), 0);
	rumpclient_fork_done(rf);
	ck_assert_int_eq(rump_pid(), 2);
}
END_TEST

START_TEST(prefork_by_hand)
{
	struct rumpclient_fork *rf;
	uint32_t cookie[4];

	rf = rumpclient_prefork();
	ck_assert_ptr_nonnull(rf);
	memcpy(cookie, rf, sizeof(cookie));
	ck_assert_uint_eq(cookie[0], 0x1000);
	ck_assert_uint_eq(cookie[3], (uint32_t)~0x1000u);
	errno = 4711;
	rumpclient_fork_cancel(rf);
	ck_assert_int_eq(errno, 4711);
	ck_assert_int_eq(atomic_load(&fake.sh->cancels), 1);
	ck_assert_int_eq(rump_pid(), 2);
}
END_TEST

static void *
block_thread(void *arg)
{
	int64_t r;

	return (void *)(intptr_t)fake_call(FAKE_BLOCK, (uintptr_t)arg, 0, 0,
	    &r);
}

/* NetBSD's tests look at a wrong cookie this way. */
START_TEST(fork_without_fork)
{
	struct rumpclient_fork *rf;
	pthread_t t;
	void *ret;

	rf = rumpclient_prefork();
	ck_assert_ptr_nonnull(rf);
	*(uint32_t *)(void *)rf ^= 1;
	ck_assert_int_eq(rumpclient_fork_init(rf), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_int_eq(rump_pid(), 2);
	*(uint32_t *)(void *)rf ^= 1;
	pthread_create(&t, NULL, block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	ck_assert_int_eq(rumpclient_fork_init(rf), 0);
	ck_assert_int_eq(rump_pid(), 3);
	pthread_join(t, &ret);
	ck_assert_int_eq((intptr_t)ret, RUMP_ENOTCONN);
	ck_assert(fake_wait(&fake.sh->closed, 2));
}
END_TEST

START_TEST(no_fork_without_a_server)
{

	fake_kill(&fake);
	ck_assert_int_eq(rumpclient_fork(), -1);
	ck_assert_int_eq(errno, ENOTCONN);
	ck_assert_int_eq(rumpclient_vfork(), -1);
	ck_assert_int_eq(errno, ENOTCONN);
}
END_TEST

START_TEST(child_that_cannot_connect)
{
	int before;

	if (_i == 1 && skip_under_tsan())
		return;
	before = fake_count_open();
	fake.sh->banner_len = 1;	/* bad for whoever comes */
	fake.sh->banner[0] = '\n';
	if (_i == 0)
		ck_assert_int_eq(rumpclient_fork(), -1);
	else
		ck_assert_int_eq(rumpclient_vfork(), -1);
	ck_assert_int_eq(errno, EPROTO);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), 0);	/* the server */
	ck_assert_int_eq(rump_pid(), 2);
	ck_assert_int_eq(fake_count_open(), before);
}
END_TEST

START_TEST(vfork_as_netbsd_has_it)
{
	struct rumpclient_fork *rf;
	int before, i;
	pid_t pid;

	/* The steps that NetBSD's header has inline; GCC takes the last away
	 * when it optimizes. */
	before = fake_count_open();
	for (i = 0; i < 5; i++) {
		rf = rumpclient_prefork();
		ck_assert_ptr_nonnull(rf);
		pid = vfork();
		if (pid == 0) {
			if (rumpclient_fork_init(rf) == -1)
				_exit(2);
			_exit(rump_pid() == 3 + i ? 0 : 1);
		}
		if (_i == 0)
			rumpclient_fork_vparent(rf);
		ck_assert_int_eq(rump_pid(), 2);
		if (_i != 0)
			rumpclient_fork_done(rf);
		ck_assert_int_eq(status_of(pid), 0);
	}
	ck_assert_int_eq(fake_count_open(), before);
}
END_TEST

/* --- exec: this program again, with a word as its argument --- */

static char self[] = "/proc/self/exe";

static int
exec_image(const char *what)
{
	int fds = fake_count_open(), status;

	if (getenv("RUMPCLIENT__EXECFD") == NULL)
		return 10;
	if (rumpclient_init() != 0)
		return 11;
	if (getenv("RUMPCLIENT__EXECFD") != NULL)
		return 12;
	if (getenv("KEPT") == NULL || strcmp(getenv("KEPT"), "yes") != 0)
		return 13;
	/* It came with socket and signalfd, and has an eventfd besides. */
	if (fake_count_open() != fds + 1)
		return 14;
	if (rump_pid() != atoi(what))
		return 15;
	/* A stream that was given to us is nobody else's: see
	 * exec_with_a_given_stream. */
	if (strncmp(getenv("RUMP__PARSEDSERVER"), "fd://", 5) == 0 && fork() == 0)
		return rumpclient_init() == -1 && errno == EBUSY ? 0 : 16;
	while (wait(&status) != -1) {
		if (status != 0)
			return 17;
	}
	return 0;
}

static void
exec_self(int pid)
{
	char text[16], *argv[3] = { self, text, NULL };
	char kept[] = "KEPT=yes", stale[] = "RUMP__PARSEDSERVER=stale";
	char *env[3] = { kept, stale, NULL };

	snprintf(text, sizeof(text), "%d", pid);
	rumpclient_exec(self, argv, env);
}

START_TEST(exec_keeps_the_process)
{
	pid_t pid;

	pid = rumpclient_fork();
	if (pid == 0) {
		exec_self(3);
		_exit(1);
	}
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(atomic_load(&fake.sh->execs), 1);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 1);
}
END_TEST

/* --- a library in front of the host's, as NetBSD's librumphijack --- */

static bool hijack;

int
close(int fd)
{

	if (hijack && rumpclient__closenotify(&fd, RUMPCLIENT_CLOSE_CLOSE) ==
	    -1)
		return -1;
	return (int)syscall(SYS_close, fd);
}

int
socket(int domain, int type, int protocol)
{

	if (hijack) {
		errno = EPROTONOSUPPORT;	/* the server's answer */
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}

int
execve(const char *path, char *const argv[], char *const envp[])
{

	if (hijack)
		return rumpclient_exec(path, argv, envp);
	return (int)syscall(SYS_execve, path, argv, envp);
}

START_TEST(hijacked)
{
	char kept[] = "KEPT=yes", pid_text[] = "3";
	char *argv[] = { self, pid_text, NULL }, *env[] = { kept, NULL };
	pid_t pid;
	int fd;

	/* There the library goes by what is preloaded, the sanitizer. */
	if (skip_under_tsan())
		return;
	hijack = true;
	pid = rumpclient_fork();
	if (pid == 0) {
		for (fd = 3; fd < 32; fd++)
			close(fd);
		if (rump_pid() != 3)
			_exit(16);
		execve(self, argv, env);
		_exit(17);
	}
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(rump_pid(), 2);
	hijack = false;
	ck_assert_int_eq(atomic_load(&fake.sh->execs), 1);
}
END_TEST

START_TEST(exec_with_a_given_stream)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char where[32];
	pid_t pid;
	int fd;

	pid = fork();
	if (pid == 0) {
		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock",
		    fake.dir);
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (connect(fd, (void *)&sun, sizeof(sun)) == -1)
			_exit(1);
		snprintf(where, sizeof(where), "fd://%d", fd);
		setenv("RUMP_SERVER", where, 1);
		if (rumpclient_init() != 0)
			_exit(2);
		exec_self(3);
		_exit(3);
	}
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

START_TEST(vfork_then_exec)
{
	static struct rumpclient_fork *rf;
	int i, before, cancelstate;
	pid_t pid;

	before = fake_count_open();
	for (i = 0; i < 5; i++) {
		if (_i == 0) {
			pid = rumpclient_vfork();
		} else {
			/* NetBSD's, as GCC leaves it: without vparent. */
			rf = rumpclient_prefork();
			ck_assert_ptr_nonnull(rf);
			pid = vfork();
			if (pid == 0 && rumpclient_fork_init(rf) == -1)
				_exit(2);
		}
		if (pid == 0) {
			exec_self(3 + i);
			_exit(1);
		}
		ck_assert_int_eq(rump_pid(), 2);
		ck_assert_int_eq(status_of(pid), 0);
		rumpclient_fork_done(rf);
	}
	ck_assert_int_eq(fake_count_open(), before);
	ck_assert_int_eq(atomic_load(&fake.sh->execs), 5);
	/* The child has left the library by way of exec only. */
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancelstate);
	ck_assert_int_eq(cancelstate, PTHREAD_CANCEL_ENABLE);
}
END_TEST

START_TEST(exec_beside_threads)
{
	atomic_bool stop_it = false;
	pthread_t t;
	pid_t pid;
	int i;

	pid = rumpclient_fork();
	if (pid == 0) {
		for (i = 0; i < 3; i++)
			pthread_create(&t, NULL, echo_thread, &stop_it);
		pthread_create(&t, NULL, block_thread, (void *)7);
		if (!fake_wait(&fake.sh->blocked, 1))
			_exit(2);
		exec_self(3);
		_exit(1);
	}
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* The server wants memory of the image before.  It gets none, and no server
 * waits for it: NetBSD's gets zeros. */
START_TEST(exec_beside_copyin)
{
	static const char zeros[5000];
	struct fake_op *op = fake.sh->ops;
	pid_t pid;

	fake.sh->returns_errors = _i;
	op[0] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = (uintptr_t)zeros, .len = sizeof(zeros) };
	op[1] = (struct fake_op){ .what = OP_COPYINSTR,
	    .addr = (uintptr_t)zeros, .len = 1024 };
	pid = rumpclient_fork();
	if (pid == 0) {
		exec_self(3);
		_exit(1);
	}
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert_int_eq(op[0].refused, !_i);
	ck_assert_int_eq(op[1].refused, !_i);
	if (_i) {
		ck_assert_uint_eq(op[0].got, sizeof(zeros));
		ck_assert_uint_eq(op[0].sum, fake_sum(zeros, sizeof(zeros)));
		ck_assert_uint_eq(op[1].got, 1);
	}
}
END_TEST

START_TEST(failing_exec)
{
	char *argv[] = { self, NULL };
	atomic_bool stop_it = false;
	pthread_t t;
	void *bad;
	int fd, flags[64], i, before;

	for (fd = 0; fd < 64; fd++)
		flags[fd] = fcntl(fd, F_GETFD);
	before = fake_count_open();
	pthread_create(&t, NULL, echo_thread, &stop_it);
	for (i = 0; i < 20; i++) {
		ck_assert_int_eq(rumpclient_exec("/nonexistent", argv, NULL),
		    -1);
		ck_assert_int_eq(errno, ENOENT);
		ck_assert_int_eq(rump_pid(), 2);
	}
	atomic_store(&stop_it, true);
	pthread_join(t, &bad);
	ck_assert_ptr_null(bad);
	for (fd = 0; fd < 64; fd++)
		ck_assert_int_eq(flags[fd], fcntl(fd, F_GETFD));
	ck_assert_int_eq(fake_count_open(), before);
}
END_TEST

START_TEST(environment_for_exec)
{
	char a[] = "A=1", old[] = "RUMPCLIENT__EXECFD=99,99";
	char *oenv[] = { a, old, NULL }, **env, server[160];

	ck_assert_int_eq(rumpclient__exec_augmentenv(oenv, &env), 0);
	ck_assert_str_eq(env[0], "A=1");
	ck_assert_int_eq(strncmp(env[1], "RUMPCLIENT__EXECFD=", 19), 0);
	ck_assert_str_ne(env[1], old);
	ck_assert_int_eq(strncmp(env[2], "RUMP__PARSEDSERVER=unix:///", 27),
	    0);
	ck_assert_ptr_null(env[3]);
	free(env);
	/* Nothing to add to what RUMP_SERVER says. */
	snprintf(server, sizeof(server), "RUMP_SERVER=%s", fake.locator);
	oenv[0] = server;
	ck_assert_int_eq(rumpclient__exec_augmentenv(oenv, &env), 0);
	ck_assert_str_eq(env[0], server);
	ck_assert_ptr_null(env[2]);
	free(env);
}
END_TEST

/* --- forks before main() --- */

/* When EARLY is set this is another test's program, and ends here. */
__attribute__((constructor))
static void
fork_early(void)
{
	int status;
	pid_t pid;

	if (getenv("EARLY") == NULL)
		return;
	if (rumpclient_init() != 0)
		_exit(1);
	pid = fork();
	if (pid == 0)
		_exit(rump_pid() != -1);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		_exit(2);
	_exit(rump_pid() == 3 ? 0 : 3);
}

/* A program's constructors may run before those of a static library. */
START_TEST(fork_in_a_constructor)
{
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		setenv("EARLY", "", 1);
		execl(self, self, (char *)NULL);
		_exit(4);
	}
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* --- daemon --- */

START_TEST(daemonized)
{
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		char cwd[16];

		if (rumpclient_init() != 0 || rumpclient_daemon(0, 0) != 0)
			_exit(1);
		/* Only the daemon comes here: all is well if it hangs up. */
		if (rump_pid() == 4 && rump_ppid() == 3 &&
		    getcwd(cwd, sizeof(cwd)) != NULL &&
		    strcmp(cwd, "/") == 0 && getsid(0) == getpid())
			fake_call(FAKE_BLOCK, 1, 0, 0, &rv);
		_exit(0);
	}
	ck_assert_int_eq(status_of(pid), 0);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	ck_assert(fake_wait(&fake.sh->closed, 2));
}
END_TEST

/* --- forks in odd places --- */

static void *
init_thread(void *arg)
{

	(void)arg;
	return (void *)(intptr_t)rumpclient_init();
}

static atomic_int *first_child;		/* shared with it */
static atomic_int forked_once, forked_twice;

static void
note_child(void)
{
	int none = 0;

	atomic_compare_exchange_strong(first_child, &none, getpid());
}

/* In the parent, while it still has all that is the child's. */
static void
let_another_fork(void)
{

	if (atomic_fetch_add(&forked_once, 1) == 0)
		fake_wait(&forked_twice, 1);
}

static void *
fork_thread(void *arg)
{

	(void)arg;
	return (void *)(intptr_t)rumpclient_fork();
}

/* A child that dies before it is connected is not waited for, though another
 * of the same time lives on, with copies of its descriptors. */
START_TEST(child_that_dies_beside_another)
{
	pthread_t t;
	pid_t other;
	void *ret;

	if (skip_under_tsan())
		return;
	first_child = mmap(NULL, sizeof(*first_child), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(first_child, MAP_FAILED);
	pthread_atfork(NULL, let_another_fork, note_child);
	fake.sh->deaf = true;
	pthread_create(&t, NULL, fork_thread, NULL);
	ck_assert(fake_wait(&forked_once, 1));
	other = fork();
	if (other == 0) {
		pause();
		_exit(1);
	}
	atomic_store(&forked_twice, 1);
	ck_assert(fake_wait(&fake.sh->accepted, 2));
	ck_assert_int_eq(kill(*first_child, SIGKILL), 0);
	fake_kill(&fake);
	pthread_join(t, &ret);
	ck_assert_ptr_eq(ret, (void *)(intptr_t)-1);
	ck_assert_int_eq(kill(other, SIGKILL), 0);
	ck_assert_int_eq(status_of(other), SIGKILL);
}
END_TEST

static void
kill_parent(void)
{
	pid_t ppid = getppid();

	kill(ppid, SIGKILL);
	while (getppid() == ppid)
		sched_yield();
}

/* A child that has nobody to tell how it went goes on. */
START_TEST(child_outlives_its_parent)
{
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (rumpclient_init() != 0)
			_exit(1);
		pthread_atfork(NULL, NULL, kill_parent);
		if (rumpclient_fork() == 0)
			fake_call(FAKE_BLOCK, 1, 0, 0, &rv);
		_exit(0);
	}
	ck_assert_int_eq(status_of(pid), SIGKILL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	ck_assert(fake_wait(&fake.sh->closed, 2));
}
END_TEST

/* Another thread is in the middle of connecting: the child has nothing to do
 * with that. */
START_TEST(fork_while_connecting)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int lfd, fd, before, status;
	pthread_t t;
	void *ret;
	pid_t pid;

	/* A server that accepts nobody, and one who stands in line already. */
	fake_kill(&fake);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 0, 0, 0, &rv), RUMP_ENOTCONN);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", fake.dir);
	unlink(sun.sun_path);
	lfd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(lfd, (void *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(lfd, 0), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (void *)&sun, sizeof(sun)), 0);

	before = fake_count_open();
	pthread_create(&t, NULL, init_thread, NULL);
	while (fake_count_open() == before)
		sched_yield();
	pid = fork();
	if (pid == 0)
		_exit(fake_count_open() - before);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	close(lfd);
	pthread_join(t, &ret);
	ck_assert_ptr_eq(ret, (void *)(intptr_t)-1);
	ck_assert_int_eq(fake_count_open(), before - 1);
}
END_TEST

static atomic_int child_status = -1;

static void
fork_in_handler(int signo)
{
	int status, saved;
	pid_t pid;

	(void)signo;
	saved = errno;
	pid = fork();
	if (pid != 0) {
		waitpid(pid, &status, 0);
		atomic_store(&child_status, status);
	}
	errno = saved;		/* the child: into the interrupted call */
}

static pid_t parent;

static void *
interrupted_thread(void *arg)
{
	int64_t r;
	int error;

	(void)arg;
	error = fake_call(FAKE_BLOCK, 1, 0, 0, &r);
	if (getpid() != parent)
		_exit(error);
	return (void *)(intptr_t)error;
}

START_TEST(fork_from_a_handler_within_a_call)
{
	pthread_t t;
	void *ret;

	/* The child comes back out of a call that is not its own. */
	signal(SIGUSR1, fork_in_handler);
	parent = getpid();
	pthread_create(&t, NULL, interrupted_thread, NULL);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	pthread_kill(t, SIGUSR1);
	ck_assert(fake_wait(&child_status, 0));
	ck_assert(WIFEXITED(child_status));
	ck_assert_int_eq(WEXITSTATUS(child_status), RUMP_ENOTCONN);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	pthread_join(t, &ret);
	ck_assert_ptr_null(ret);
	ck_assert_int_eq(rump_pid(), 2);
}
END_TEST

int
main(int argc, char *argv[])
{
	Suite *s;
	TCase *tc;

	if (argc > 1 && getenv("RUMPCLIENT__EXECFD") != NULL)
		return exec_image(argv[1]);

	s = suite_create("fork");
	tc = tcase_create("fork");
	tcase_add_checked_fixture(tc, fake_setup_connected, fake_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, forked);
	tcase_add_test(tc, fork_tree);
	tcase_add_loop_test(tc, children_beside_threads, 0, 3);
	tcase_add_test(tc, fork_that_the_server_loses);
	tcase_add_test(tc, prefork_by_hand);
	tcase_add_test(tc, fork_without_fork);
	tcase_add_test(tc, no_fork_without_a_server);
	tcase_add_loop_test(tc, child_that_cannot_connect, 0, 2);
	tcase_add_loop_test(tc, vfork_as_netbsd_has_it, 0, 2);
	tcase_add_test(tc, exec_keeps_the_process);
	tcase_add_test(tc, exec_with_a_given_stream);
	tcase_add_test(tc, hijacked);
	tcase_add_loop_test(tc, vfork_then_exec, 0, 2);
	tcase_add_test(tc, exec_beside_threads);
	tcase_add_loop_test(tc, exec_beside_copyin, 0, 2);
	tcase_add_test(tc, failing_exec);
	tcase_add_test(tc, environment_for_exec);
	tcase_add_test(tc, fork_in_a_constructor);
	tcase_add_test(tc, daemonized);
	tcase_add_test(tc, child_that_dies_beside_another);
	tcase_add_test(tc, child_outlives_its_parent);
	tcase_add_test(tc, fork_while_connecting);
	tcase_add_test(tc, fork_from_a_handler_within_a_call);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
