/*
 * Servers that go away, never were, or talk nonsense; and what
 * rumpclient_setconnretry() makes of it.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "client/conn.h"
#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"
#include "wire/frame.h"

static int64_t rv;

/* The clock on the wall goes back an hour whenever somebody has looked at it:
 * nothing may depend on waiting by it. */
int
clock_gettime(clockid_t clock, struct timespec *ts)
{

	if (syscall(SYS_clock_gettime, clock, ts) == -1)
		return -1;
	if (clock == CLOCK_REALTIME)
		ts->tv_sec += 3600;
	return 0;
}

/* What goes to stderr during a test. */
static int saved_stderr = -1;

static void
catch_stderr(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/stderr", fake.dir);
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR | O_APPEND, 0600);
	ck_assert_int_ne(fd, -1);
	saved_stderr = dup(2);
	dup2(fd, 2);
	close(fd);
}

static const char *
caught(void)
{
	static char text[4096];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/stderr", fake.dir);
	fd = open(path, O_RDONLY);
	ck_assert_int_ne(fd, -1);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(fd);
	unlink(path);
	dup2(saved_stderr, 2);
	close(saved_stderr);
	return text;
}

static int
lines(const char *s)
{
	int n;

	for (n = 0; *s != '\0'; s++)
		n += *s == '\n';
	return n;
}

/* --- init --- */

START_TEST(split_banner)
{

	fake.sh->banner_split = 9;
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

static const struct {
	const char *banner, *say;
} banners[] = {
	{ "SSH-2.0-OpenSSH_9.2\n", "does not start with RUMPSP-" },
	{ "RUMPSP-1.0-NetBSD-9/amd64\n", "another version" },
	{ "RUMPSP-0.4-NetBSD-9/amd64\nX", "behind the banner" },
	{ "RUMPSP-0.4-0123456789012345678901234567890123456789012345678901234"
	  "5678901234567890123456789012345678901234567890", "longer than" },
};

START_TEST(bad_banner)
{
	const char *text;
	int before;

	snprintf(fake.sh->banner, sizeof(fake.sh->banner), "%s",
	    banners[_i].banner);
	fake.sh->banner_len = strlen(fake.sh->banner);
	before = fake_count_open();
	catch_stderr();
	ck_assert_int_eq(rumpclient_init(), -1);
	ck_assert_int_eq(errno, EPROTO);
	text = caught();
	ck_assert_int_eq(lines(text), 1);
	ck_assert_ptr_nonnull(strstr(text, banners[_i].say));
	ck_assert_int_eq(fake_count_open(), before);

	/* And when the server has come to its senses: */
	fake.sh->banner_len = 0;
	ck_assert_int_eq(rumpclient_init(), 0);
}
END_TEST

static const struct {
	const char *name, *value, *say;
	int error;
} environments[] = {
	{ "RUMP_SERVER", NULL, "set RUMP_SERVER", ENOENT },
	{ "RUMP_SERVER", "tcp://1.2.3.4:99999", "RUMP_SERVER: "
	  "tcp://1.2.3.4:99999: port '99999'", EINVAL },
	{ "RUMP__PARSEDSERVER", "bogus", "RUMP__PARSEDSERVER: bogus: does not "
	  "start", EINVAL },
	{ "RUMP_SERVER", "unix:///nonexistent/s", "cannot connect", ENOENT },
	{ "RUMPCLIENT__EXECFD", "12", "EXECFD=12: not two", EINVAL },
	{ "RUMPCLIENT__EXECFD", "x,-1", "EXECFD=x,-1: not two", EINVAL },
	{ "RUMPCLIENT__EXECFD", "-1,-1", "EXECFD=-1,-1: not two", EINVAL },
	{ "RUMPCLIENT__EXECFD", "0x3,4", "not two", EINVAL },
	{ "RUMPCLIENT__EXECFD", "77,-1", "descriptor 77 is not a stream",
	  EBADF },
};

START_TEST(bad_environment)
{
	const char *text;
	int before;

	if (environments[_i].value == NULL)
		unsetenv(environments[_i].name);
	else
		setenv(environments[_i].name, environments[_i].value, 1);
	before = fake_count_open();
	catch_stderr();
	ck_assert_int_eq(rumpclient_init(), -1);
	ck_assert_int_eq(errno, environments[_i].error);
	text = caught();
	ck_assert_int_eq(lines(text), 1);
	ck_assert_msg(strstr(text, environments[_i].say) != NULL, "%s", text);
	ck_assert_int_eq(fake_count_open(), before);
	ck_assert_ptr_null(getenv("RUMPCLIENT__EXECFD"));
}
END_TEST

START_TEST(parsed_server_wins)
{

	setenv("RUMP__PARSEDSERVER", fake.locator, 1);
	setenv("RUMP_SERVER", "unix:///nonexistent/s", 1);
	ck_assert_int_eq(rumpclient_init(), 0);
}
END_TEST

/* A relative path means the same for a child that has changed its directory,
 * and a bad locator does not make the good one forgotten. */
START_TEST(resolved_once)
{
	int status;
	pid_t pid;

	ck_assert_int_eq(chdir(fake.dir), 0);
	setenv("RUMP_SERVER", "unix://sock", 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(chdir("/"), 0);
	pid = fork();
	if (pid == 0)
		_exit(rumpclient_init() != 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);

	ck_assert_int_eq(fake_call(FAKE_HANGUP, 1, 0, 0, &rv), RUMP_ENOTCONN);
	setenv("RUMP_SERVER", "bogus", 1);
	ck_assert_int_eq(rumpclient_init(), -1);
	ck_assert_int_eq(errno, EINVAL);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

START_TEST(inherited_stream)
{
	struct sockaddr_storage ss;
	char text[32];
	socklen_t len;
	int fd, status;
	pid_t pid;

	/* Connects like a parent would, and hands the stream on. */
	ck_assert_int_eq(rumpclient_init(), 0);
	for (fd = 3; fd < 64; fd++) {
		len = sizeof(ss);
		if (getpeername(fd, (struct sockaddr *)&ss, &len) == 0)
			break;
	}
	ck_assert_int_lt(fd, 64);
	{
		struct sockaddr_storage to = ss;

		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, len), 0);
	}
	snprintf(text, sizeof(text), "fd://%d", fd);
	pid = fork();
	if (pid == 0) {
		setenv("RUMP_SERVER", text, 1);
		if (rumpclient_init() != 0)
			_exit(1);
		if (fake_call(FAKE_GETPID, 0, 0, 0, &rv) != 0 || rv != 3)
			_exit(2);
		if (rumpclient_prefork() != NULL || errno != EOPNOTSUPP)
			_exit(3);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

/* --- losing it --- */

#define THREADS	8

static void *
block_thread(void *arg)
{
	int64_t r;

	return (void *)(intptr_t)fake_call(FAKE_BLOCK, (uintptr_t)arg, 0, 0,
	    &r);
}

static void
block_threads(pthread_t t[THREADS])
{
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, block_thread, (void *)i);
	ck_assert(fake_wait(&fake.sh->blocked, THREADS));
}

static void
join_all(pthread_t t[THREADS], int error)
{
	void *ret;
	int i;

	for (i = 0; i < THREADS; i++) {
		pthread_join(t[i], &ret);
		ck_assert_int_eq((int)(intptr_t)ret, error);
	}
}

START_TEST(all_pending_calls_fail)
{
	pthread_t t[THREADS];
	int before;

	block_threads(t);
	before = fake_count_open();
	fake_kill(&fake);
	join_all(t, RUMP_ENOTCONN);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), RUMP_ENOTCONN);
	/* Socket, signalfd, eventfd. */
	ck_assert_int_eq(fake_count_open(), before - 3);
	/* init connects anew. */
	fake_restart(&fake);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_count_open(), before);
}
END_TEST

/* A frame of nonsense, as a server might send instead of an answer. */
static struct frame_hdr
frame(uint64_t len, uint64_t reqno, unsigned class, unsigned type)
{

	return (struct frame_hdr){ .len = len, .reqno = reqno,
	    .class = (uint16_t)class, .type = (uint16_t)type };
}

START_TEST(nonsense)
{
	struct frame_hdr hdr[] = {
		frame(3, 0, 0, 2), frame(UINT64_MAX, 0, 0, 4),
		frame(24, 0, 9, 9), frame(48, 999999, 1, 1),
		frame(40, 0, 0, 7), frame(24, 12345, 2, 0),
		frame(28, 2, 1, 0), frame(40, 2, 1, 7),
		frame(50, 0, 0, 4), frame(0, 0, 0, 0),
	};
	pthread_t t[THREADS];
	const char *text;

	ck_assert_uint_lt((unsigned)_i, sizeof(hdr) / sizeof(hdr[0]));
	block_threads(t);
	memset(fake.sh->bytes, 0x55, sizeof(fake.sh->bytes));
	memcpy(fake.sh->bytes, &hdr[_i], sizeof(hdr[_i]));
	fake.sh->nbytes = 80;
	catch_stderr();
	ck_assert_int_eq(fake_call(FAKE_BYTES, 0, 0, 0, &rv), RUMP_ENOTCONN);
	join_all(t, RUMP_ENOTCONN);
	text = caught();
	ck_assert_int_eq(lines(text), 1);
	ck_assert_ptr_nonnull(strstr(text, "broke the protocol"));
}
END_TEST

START_TEST(death_in_a_frame)
{
	struct frame_hdr hdr;
	static const size_t cuts[] = { 0, 1, 23, 24, 39, 40, 41, 139 };
	char target[100];
	struct frame_copy copy = { sizeof(target), (uintptr_t)target };
	pthread_t t[THREADS];

	block_threads(t);
	hdr = frame_hdr(FRAME_REQ, FRAME_COPYOUT, 0, 0, 16 + sizeof(target));
	memcpy(fake.sh->bytes, &hdr, sizeof(hdr));
	memcpy(fake.sh->bytes + sizeof(hdr), &copy, sizeof(copy));
	fake.sh->nbytes = cuts[_i];
	ck_assert_int_eq(fake_call(FAKE_BYTES, 1, 0, 0, &rv), RUMP_ENOTCONN);
	join_all(t, RUMP_ENOTCONN);
}
END_TEST

/* What comes behind an answer is not that call's fault any more. */
START_TEST(refused_behind_an_answer)
{
	struct {
		struct frame_hdr answer;
		struct frame_sysresp resp;
		struct frame_hdr hdr;
		struct frame_copy copy;
		uint64_t data;
	} __attribute__((__packed__)) out = { 0 };
	uint64_t nobodys = 7;

	/* The first call on a connection has number 2. */
	out.answer = frame_hdr(FRAME_RESP, FRAME_SYSCALL, 2, 0,
	    sizeof(out.resp));
	out.resp.retval[0] = 5;
	out.hdr = frame_hdr(FRAME_REQ, FRAME_COPYOUT, 0, 0,
	    sizeof(out.copy) + sizeof(out.data));
	out.copy = (struct frame_copy){ sizeof(nobodys), (uintptr_t)&nobodys };
	memcpy(fake.sh->bytes, &out, sizeof(out));
	fake.sh->nbytes = sizeof(out);
	catch_stderr();
	ck_assert_int_eq(fake_call(FAKE_BYTES, 0, 0, 0, &rv), 0);
	ck_assert_ptr_nonnull(strstr(caught(), "no call names"));
	ck_assert_int_eq(rv, 5);
	ck_assert_uint_eq(nobodys, 7);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
}
END_TEST

/* Who reads may be writing to a call's memory: the call is not over before
 * that is, though another thread finds the connection lost. */
START_TEST(calls_end_with_the_reader)
{
	struct conn *c;
	struct call claim = { .done = true };
	const struct call *call;
	pthread_t t[THREADS];
	struct entry e;
	int n = 0;

	block_threads(t);
	entry_begin(&e);
	c = conn_self(&e);
	ck_assert_int_eq(conn_setup_begin(c, &e), 0);
	conn_claim(c, &claim);
	/* A thread that sends meets this. */
	conn_lost(c, c->generation);
	pthread_mutex_lock(&c->lock);
	for (call = c->pending; call != NULL; call = call->next) {
		ck_assert(!call->done);
		n++;
	}
	pthread_mutex_unlock(&c->lock);
	ck_assert_int_eq(n, THREADS);
	conn_release(c, &claim);
	conn_setup_end(c);
	entry_end(&e);
	join_all(t, RUMP_ENOTCONN);
}
END_TEST

static int
library_fd(void)
{
	struct entry e;
	int fd;

	entry_begin(&e);
	fd = conn_self(&e)->fd;
	entry_end(&e);
	return fd;
}

/* A program that closes our socket, the number of which the next one gets:
 * one new connection, which works. */
START_TEST(number_used_again)
{
	pthread_t t[THREADS];
	int fd, before, i;

	if (skip_under_tsan())
		return;
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	block_threads(t);
	before = fake_count_open();
	fd = library_fd();
	catch_stderr();
	close(fd);
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
	/* The calls that were in progress are made again, on that one. */
	ck_assert(fake_wait(&fake.sh->blocked, 2 * THREADS));
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(fake_call(FAKE_RELEASE, i, 0, 0, &rv), 0);
	join_all(t, 0);
	ck_assert_int_eq(lines(caught()), 2);
	ck_assert_int_eq(library_fd(), fd);
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 2);
	ck_assert_int_eq(fake_count_open(), before);
}
END_TEST

/* Arguments that a handler makes readable, once the test lets it. */
static uint64_t *late_args;
static atomic_int late_begun, late_go;

static void
on_late_args(int signo)
{

	(void)signo;
	atomic_store(&late_begun, 1);
	fake_wait(&late_go, 1);
	mprotect(late_args, 4096, PROT_READ | PROT_WRITE);
}

static void *
late_thread(void *arg)
{
	register_t retval[2];

	(void)arg;
	return (void *)(intptr_t)rumpclient_syscall(FAKE_ECHO, late_args, 16,
	    retval);
}

/* A call of the lost connection's that is sent when there is a new one goes
 * over that one, and is not the end of it. */
START_TEST(late_call_spares_the_next_connection)
{
	pthread_t t;
	void *ret;

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	late_args = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	ck_assert_ptr_ne(late_args, MAP_FAILED);
	signal(SIGSEGV, on_late_args);
	pthread_create(&t, NULL, late_thread, NULL);
	ck_assert(fake_wait(&late_begun, 1));
	ck_assert_int_eq(fake_call(FAKE_HANGUP, 1, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
	atomic_store(&late_go, 1);
	pthread_join(t, &ret);
	ck_assert_ptr_null(ret);
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 2);
}
END_TEST

/* --- policies --- */

static void *
pid_thread(void *arg)
{
	int64_t r;

	(void)arg;
	return (void *)(intptr_t)fake_call(FAKE_GETPID, 0, 0, 0, &r);
}

static void
outage(time_t policy)
{
	pthread_t t[THREADS];
	const char *text;
	int i;

	rumpclient_setconnretry(policy);
	rumpclient_setconnretry(-4);		/* ignored */
	fake_kill(&fake);
	catch_stderr();
	fake_restart_later(&fake, 300);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, pid_thread, NULL);
	join_all(t, 0);
	text = caught();
	ck_assert_msg(lines(text) == 2, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "connecting again"));
	ck_assert_ptr_nonnull(strstr(text, "connected again"));
	/* One connection for all of them, as a fresh guest. */
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 2);
	ck_assert_int_eq(fake_call(FAKE_GETPID, 0, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 3);
}

START_TEST(retry_inftime)
{

	outage(RUMPCLIENT_RETRYCONN_INFTIME);
}
END_TEST

START_TEST(retry_seconds)
{

	outage(30);
}
END_TEST

static int64_t
milliseconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The server is gone, or is there and says nothing. */
START_TEST(retry_seconds_run_out)
{
	int64_t began;

	rumpclient_setconnretry(1);
	if (_i == 0)
		fake_kill(&fake);
	else
		fake.sh->deaf = true;
	began = milliseconds();
	ck_assert_int_eq(fake_call(FAKE_HANGUP, 1, 0, 0, &rv), RUMP_ENOTCONN);
	ck_assert_int_ge(milliseconds() - began, 990);
}
END_TEST

START_TEST(retry_once)
{

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
	fake_kill(&fake);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), RUMP_ENOTCONN);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), RUMP_ENOTCONN);
	fake_restart(&fake);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 1, 0, 0, &rv), 0);
	/* For each call, also for one in progress. */
	ck_assert_int_eq(fake_call(FAKE_HANGUP, 1, 0, 0, &rv), 0);
	ck_assert_int_eq(fake_call(FAKE_HANGUP, 0, 0, 0, &rv), RUMP_ENOTCONN);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 4);
}
END_TEST

START_TEST(retry_die)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_DIE);
		if (rumpclient_init() != 0)
			_exit(2);
		fake_call(_i ? FAKE_EXIT : FAKE_HANGUP, 0, 0, 0, &rv);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 1);
}
END_TEST

/* The call in progress is made again. */
START_TEST(retry_after_every_loss)
{
	int i;

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	for (i = 1; i <= 20; i++)
		ck_assert_int_eq(fake_call(FAKE_HANGUP, i, 0, 0, &rv), 0);
	ck_assert_int_eq(atomic_load(&fake.sh->guests), 21);
}
END_TEST

static void
add(Suite *s, const char *name, void (*setup)(void), void (*fill)(TCase *))
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup, fake_teardown);
	tcase_set_timeout(tc, 60);
	fill(tc);
	suite_add_tcase(s, tc);
}

static void
init_tests(TCase *tc)
{

	tcase_add_test(tc, split_banner);
	tcase_add_loop_test(tc, bad_banner, 0,
	    sizeof(banners) / sizeof(banners[0]));
	tcase_add_loop_test(tc, bad_environment, 0,
	    sizeof(environments) / sizeof(environments[0]));
	tcase_add_test(tc, parsed_server_wins);
	tcase_add_test(tc, resolved_once);
	tcase_add_test(tc, inherited_stream);
}

static void
lost_tests(TCase *tc)
{

	tcase_add_test(tc, all_pending_calls_fail);
	tcase_add_loop_test(tc, nonsense, 0, 10);
	tcase_add_loop_test(tc, death_in_a_frame, 0, 8);
	tcase_add_test(tc, refused_behind_an_answer);
	tcase_add_test(tc, calls_end_with_the_reader);
	tcase_add_test(tc, number_used_again);
	tcase_add_test(tc, late_call_spares_the_next_connection);
	tcase_add_test(tc, retry_inftime);
	tcase_add_test(tc, retry_seconds);
	tcase_add_loop_test(tc, retry_seconds_run_out, 0, 2);
	tcase_add_test(tc, retry_once);
	tcase_add_loop_test(tc, retry_die, 0, 2);
	tcase_add_test(tc, retry_after_every_loss);
}

int
main(void)
{
	Suite *s = suite_create("lost");

	add(s, "init", fake_setup, init_tests);
	add(s, "lost", fake_setup_connected, lost_tests);
	return suite_run(s);
}
