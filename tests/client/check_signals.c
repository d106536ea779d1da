/*
 * Signals: handlers that call, storms, raises, and nothing lost.
 */
#include <sys/time.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/suite.h"

static int64_t rv;
static atomic_int handled, nested_ok, nested_bad;

static void
on_signal(int signo)
{
	int64_t r;

	(void)signo;
	if (fake_call(FAKE_ECHO, 4711, 0, 0, &r) == 0 && r == 4711)
		atomic_fetch_add(&nested_ok, 1);
	else
		atomic_fetch_add(&nested_bad, 1);
	atomic_fetch_add(&handled, 1);
}

static void
handle(int signo, void (*fn)(int), int flags)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = fn;
	sa.sa_flags = flags;
	ck_assert_int_eq(sigaction(signo, &sa, NULL), 0);
}

static void *
block_thread(void *arg)
{
	int64_t r;

	return (void *)(intptr_t)fake_call(FAKE_BLOCK, (uintptr_t)arg, 0, 0,
	    &r);
}

static void *
other_block_thread(void *arg)
{
	sigset_t set;

	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return block_thread(arg);
}

static void
join_ok(pthread_t t)
{
	void *ret;

	ck_assert_int_eq(pthread_join(t, &ret), 0);
	ck_assert_ptr_null(ret);
}

/* The handler of a thread that sleeps in a call makes one itself: as the
 * reader. */
START_TEST(handler_calls_while_reader)
{
	const int signo = _i == 2 ? SIGABRT : SIGUSR1;
	pthread_t t;
	int i;

	handle(signo, on_signal, _i ? SA_RESTART : 0);
	pthread_create(&t, NULL, block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	for (i = 1; i <= 20; i++) {
		pthread_kill(t, signo);
		ck_assert(fake_wait(&handled, i));
	}
	ck_assert_int_eq(nested_ok, 20);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	join_ok(t);
}
END_TEST

/* And as one that waits for the reader, with the reader going away. */
START_TEST(handler_calls_while_waiting)
{
	pthread_t reader, t;
	int i;

	handle(SIGUSR1, on_signal, 0);
	pthread_create(&reader, NULL, other_block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	pthread_create(&t, NULL, block_thread, (void *)2);
	ck_assert(fake_wait(&fake.sh->blocked, 2));
	for (i = 1; i <= 20; i++) {
		pthread_kill(t, SIGUSR1);
		ck_assert(fake_wait(&handled, i));
		if (i == 10) {
			fake_call(FAKE_RELEASE, 1, 0, 0, &rv);
			join_ok(reader);
		}
	}
	ck_assert_int_eq(nested_ok, 20);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 2, 0, 0, &rv), 0);
	join_ok(t);
}
END_TEST

static void *
cancel_thread(void *arg)
{

	rumpclient_fork_cancel(arg);
	return NULL;
}

/* A server that takes its time for a cancelled fork keeps no signal away. */
START_TEST(handler_calls_while_cancelling)
{
	struct rumpclient_fork *rf;
	pthread_t t;

	handle(SIGUSR1, on_signal, 0);
	rf = rumpclient_prefork();
	ck_assert_ptr_nonnull(rf);
	fake.sh->deaf = true;
	pthread_create(&t, NULL, cancel_thread, rf);
	ck_assert(fake_wait(&fake.sh->accepted, 2));
	pthread_kill(t, SIGUSR1);
	ck_assert(fake_wait(&handled, 1));
	ck_assert_int_eq(nested_ok, 1);
	fake_kill(&fake);
	join_ok(t);
}
END_TEST

/* Counts what is allocated in the handler; the sanitizers have an allocator
 * of their own, and ThreadSanitizer a check of its own. */
static volatile sig_atomic_t in_handler, allocated;

#if defined(__GLIBC__) && !UNDER_SANITIZER
void *__libc_malloc(size_t);

void *
malloc(size_t size)
{

	if (in_handler)
		allocated++;
	return __libc_malloc(size);
}
#endif

static char bulk[3 << 20];

static void
on_signal_bulk(int signo)
{
	int64_t r;

	(void)signo;
	in_handler = 1;
	if (fake_call(4, 0, (uintptr_t)bulk, sizeof(bulk), &r) == 0)
		atomic_fetch_add(&nested_ok, 1);
	in_handler = 0;
}

/* A handler may have interrupted malloc(3): what a slow server does not take
 * at once waits in memory of another kind. */
START_TEST(handler_allocates_nothing)
{

	memset(bulk, 5, sizeof(bulk));
	fake.sh->nap = 50;
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = (uintptr_t)bulk, .len = sizeof(bulk) };
	handle(SIGUSR1, on_signal_bulk, 0);
	raise(SIGUSR1);
	ck_assert_int_eq(nested_ok, 1);
	ck_assert_int_eq(allocated, 0);
	ck_assert_uint_eq(fake.sh->ops[0].sum, fake_sum(bulk, sizeof(bulk)));
}
END_TEST

static void *
echo_thread(void *arg)
{
	uintptr_t n = (uintptr_t)arg, i;
	int64_t r;

	for (i = 0; i < n; i++) {
		if (fake_call(FAKE_ECHO, i, 0, 0, &r) != 0 ||
		    (uintptr_t)r != i)
			return (void *)1;
	}
	return NULL;
}

START_TEST(storm)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };
	pthread_t t[4];
	int i;

	handle(SIGALRM, on_signal, 0);
	setitimer(ITIMER_REAL, &it, NULL);
	for (i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, echo_thread, (void *)500);
	ck_assert_ptr_null(echo_thread((void *)500));
	for (i = 0; i < 4; i++)
		join_ok(t[i]);
	ck_assert(fake_wait(&handled, 20));
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	ck_assert_int_eq(nested_bad, 0);
}
END_TEST

/* A busy connection does not keep its reader's signals away. */
START_TEST(busy_reader_gets_signals)
{
	pthread_t reader, t;

	handle(SIGUSR1, on_signal, 0);
	pthread_create(&reader, NULL, block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	pthread_create(&t, NULL, echo_thread, (void *)3000);
	pthread_kill(reader, SIGUSR1);
	ck_assert(fake_wait(&handled, 1));
	join_ok(t);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	join_ok(reader);
}
END_TEST

static void
cpu_time(struct timespec *ts)
{

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, ts);
}

/* A signal that the caller blocks stays blocked, and costs nothing. */
START_TEST(blocked_signal_stays_pending)
{
	struct timespec a, b, ms = { .tv_nsec = 300000000 };
	sigset_t set;
	pthread_t t;

	handle(SIGUSR1, on_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	pthread_create(&t, NULL, block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	cpu_time(&a);
	nanosleep(&ms, NULL);	/* what a busy loop would burn */
	cpu_time(&b);
	ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000 +
	    (b.tv_nsec - a.tv_nsec) / 1000000, 100);
	ck_assert_int_eq(handled, 0);
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	join_ok(t);
	ck_assert_int_eq(handled, 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	ck_assert_int_eq(handled, 1);
}
END_TEST

START_TEST(mask_is_put_back)
{
	sigset_t before, after;
	int signo;

	sigemptyset(&before);
	sigaddset(&before, SIGHUP);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_call(FAKE_RAISE, RUMP_SIGSEGV + 900, 0, 0, &rv),
	    0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	for (signo = 1; signo < 32; signo++)
		ck_assert_int_eq(sigismember(&after, signo), signo == SIGHUP);
}
END_TEST

/* The server raises; the handler has run when the call is over. */
static const int raised[][2] = {
	{ RUMP_SIGUSR1, SIGUSR1 }, { RUMP_SIGCHLD, SIGCHLD },
	{ RUMP_SIGPIPE, SIGPIPE }, { RUMP_SIGSEGV, SIGSEGV },
	{ RUMP_SIGABRT, SIGABRT }, { RUMP_SIGURG, SIGURG },
};

START_TEST(raise_from_server)
{

	handle(raised[_i][1], on_signal, 0);
	ck_assert_int_eq(fake_call(FAKE_RAISE, (uint64_t)raised[_i][0], 0, 0,
	    &rv), 0);
	ck_assert_int_eq(handled, 1);
	ck_assert_int_eq(nested_ok, 1);
}
END_TEST

START_TEST(raise_while_blocked)
{
	pthread_t t;
	sigset_t set;

	handle(SIGUSR1, on_signal, 0);
	pthread_create(&t, NULL, block_thread, (void *)1);
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	sigfillset(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	ck_assert_int_eq(fake_call(FAKE_RAISE, RUMP_SIGUSR1, 0, 0, &rv), 0);
	ck_assert(fake_wait(&handled, 1));
	ck_assert_int_eq(fake_call(FAKE_RELEASE, 1, 0, 0, &rv), 0);
	join_ok(t);
	ck_assert_int_eq(nested_ok, 1);
}
END_TEST

START_TEST(raise_unknown_is_ignored)
{

	ck_assert_int_eq(fake_call(FAKE_RAISE, 9999, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_call(FAKE_RAISE, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

/* SIGPIPE at its default would end this process. */
START_TEST(no_sigpipe)
{

	fake_kill(&fake);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), RUMP_ENOTCONN);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), RUMP_ENOTCONN);
}
END_TEST

/* And nobody reads what the library has to say. */
START_TEST(no_sigpipe_from_lines)
{
	int status, p[2];
	pid_t pid;

	ck_assert_int_eq(pipe(p), 0);
	close(p[0]);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		dup2(p[1], 2);
		setenv("RUMPCLIENT_TRACE", _i ? "stderr" : "", 1);
		if (rumpclient_init() != 0)
			_exit(1);
		rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
		_exit(fake_call(FAKE_HANGUP, 1, 0, 0, &rv));
	}
	close(p[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* SIGINT at its default ends a process whose call sleeps. */
START_TEST(default_action)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		rumpclient_init();
		fake_call(FAKE_BLOCK, 1, 0, 0, &rv);
		_exit(0);
	}
	ck_assert(fake_wait(&fake.sh->blocked, 1));
	kill(pid, SIGINT);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("signals");
	TCase *tc = tcase_create("signals");

	tcase_add_checked_fixture(tc, fake_setup_connected, fake_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, handler_calls_while_reader, 0, 3);
	tcase_add_test(tc, handler_calls_while_waiting);
	tcase_add_test(tc, handler_calls_while_cancelling);
	tcase_add_test(tc, handler_allocates_nothing);
	tcase_add_test(tc, storm);
	tcase_add_test(tc, busy_reader_gets_signals);
	tcase_add_test(tc, blocked_signal_stays_pending);
	tcase_add_test(tc, mask_is_put_back);
	tcase_add_loop_test(tc, raise_from_server, 0,
	    sizeof(raised) / sizeof(raised[0]));
	tcase_add_test(tc, raise_while_blocked);
	tcase_add_test(tc, raise_unknown_is_ignored);
	tcase_add_test(tc, no_sigpipe);
	tcase_add_test(tc, default_action);
	suite_add_tcase(s, tc);
	tc = tcase_create("lines");
	tcase_add_checked_fixture(tc, fake_setup, fake_teardown);
	tcase_add_loop_test(tc, no_sigpipe_from_lines, 0, 2);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
