/*
 * Asynchronous I/O.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/raw.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define CB(x)	((struct aiocb *)(x))
#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

enum { BIG = 3 * 1024 * 1024 + 17 };

static int
file(const char *content)
{
	int fd = rump_sys_open("/file", RUMP_O_RDWR | RUMP_O_CREAT |
	    RUMP_O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rump_sys_write(fd, content, strlen(content)),
	    strlen(content));
	return fd;
}

static void
pipe_new(int fd[2])
{

	ck_assert_int_eq(rump_sys_pipe(fd), 0);
}

static struct rump_aiocb
job(int fd, void *buf, size_t len, int64_t offset)
{
	struct rump_aiocb cb;

	memset(&cb, 0, sizeof(cb));
	cb.aio_fildes = fd;
	cb.aio_buf = buf;
	cb.aio_nbytes = len;
	cb.aio_offset = offset;
	return cb;
}

/* Sleeps until it is done; aio_error's answer, a NetBSD errno. */
static int
await(struct rump_aiocb *cb)
{
	const struct aiocb *list[] = { CB(cb) };
	int error;

	while ((error = rump_sys_aio_error(CB(cb))) == RUMP_EINPROGRESS)
		ck_assert_int_eq(rump_sys_aio_suspend(list, 1, NULL), 0);
	return error;
}

static volatile sig_atomic_t caught;

static void
on_signal(int signo)
{

	(void)signo;
	caught++;
}

static void
await_signals(int n)
{
	long long start = clock_us();

	while (caught < n) {
		(void)rump_sys_getppid();
		ck_assert_int_lt(clock_us() - start, patience_us());
	}
}

START_TEST(reads)
{
	int fd = file("0123456789");
	char buf[8] = "xxxxxxx";
	struct rump_aiocb cb = job(fd, buf, 4, 3);

	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_str_eq(buf, "3456xxx");
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 4);
	ck_fails(rump_sys_aio_return(CB(&cb)), EINVAL);
	ck_fails(rump_sys_aio_error(CB(&cb)), EINVAL);
	/* Up to the end, and behind it. */
	cb = job(fd, buf, 7, 8);
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 2);
	ck_assert_str_eq(buf, "8956xxx");
	cb = job(fd, buf, 7, 100);
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 0);
}
END_TEST

START_TEST(writes)
{
	int fd = file("0123456789");
	char buf[16] = "AB";
	struct rump_aiocb cb = job(fd, buf, 2, 5);

	ck_assert_int_eq(rump_sys_aio_write(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 2);
	memset(buf, 0, sizeof(buf));
	ck_assert_int_eq(rump_sys_pread(fd, buf, 15, 0), 10);
	ck_assert_str_eq(buf, "01234AB789");
	cb = job(fd, NULL, 0, 0);
	ck_assert_int_eq(rump_sys_aio_fsync(RUMP_O_SYNC, CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 0);
	ck_assert_int_eq(rump_sys_aio_fsync(RUMP_O_DSYNC, CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
}
END_TEST

START_TEST(moves_much)
{
	int fd = file("");
	char *out = malloc(BIG), *in = calloc(1, BIG);
	struct rump_aiocb cb;
	size_t i;

	ck_assert(out != NULL && in != NULL);
	for (i = 0; i < BIG; i++)
		out[i] = i * 7919 >> 5;
	cb = job(fd, out, BIG, 1);
	ck_assert_int_eq(rump_sys_aio_write(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), BIG);
	cb = job(fd, in, BIG, 1);
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), BIG);
	ck_assert_int_eq(memcmp(in, out, BIG), 0);
	free(in);
	free(out);
}
END_TEST

/* A read that has nothing to read is in progress, not an error, and holds up
 * nobody else's calls. */
START_TEST(waits_for_input)
{
	struct timespec soon = { .tv_nsec = 20000000 };
	const struct aiocb *list[3] = { NULL };
	char buf[16] = "";
	struct rump_aiocb cb;
	int fd[2];

	pipe_new(fd);
	cb = job(fd[0], buf, sizeof(buf), 0);
	list[2] = CB(&cb);
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb)), RUMP_EINPROGRESS);
	ck_fails(rump_sys_aio_return(CB(&cb)), EINVAL);
	ck_fails(rump_sys_aio_read(CB(&cb)), EINVAL);	/* in use */
	ck_fails(rump_sys_aio_suspend(list, 3, &soon), EAGAIN);
	ck_assert_int_eq(rump_sys_write(fd[1], "hello", 5), 5);
	ck_assert_int_eq(rump_sys_aio_suspend(list, 3, NULL), 0);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb)), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 5);
}
END_TEST

START_TEST(waits_for_room)
{
	static char out[200000], in[200000];
	struct rump_aiocb cb;
	size_t done = 0;
	ssize_t n;
	int fd[2];

	memset(out, 'w', sizeof(out));
	pipe_new(fd);
	cb = job(fd[1], out, sizeof(out), 0);
	ck_assert_int_eq(rump_sys_aio_write(CB(&cb)), 0);
	while (done < sizeof(in)) {
		n = rump_sys_read(fd[0], in + done, sizeof(in) - done);
		ck_assert_int_gt(n, 0);
		done += n;
	}
	ck_assert_int_eq(memcmp(in, out, sizeof(in)), 0);
	ck_assert_int_eq(await(&cb), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), sizeof(out));
}
END_TEST

/* Errors of the operation come with aio_error, as in NetBSD. */
START_TEST(errors_come_late)
{
	int ro = rump_sys_open("/", RUMP_O_RDONLY), fd = file("x");
	char buf[4];
	struct {
		struct rump_aiocb cb;
		int (*call)(struct aiocb *);
		int error;
	} t[] = {
		{ job(99, buf, 1, 0), rump_sys_aio_read, RUMP_EBADF },
		{ job(-1, buf, 1, 0), rump_sys_aio_write, RUMP_EBADF },
		{ job(ro, buf, 1, 0), rump_sys_aio_write, RUMP_EBADF },
		{ job(ro, buf, 1, 0), rump_sys_aio_read, RUMP_EISDIR },
		{ job(fd, buf, 1, -1), rump_sys_aio_read, RUMP_EINVAL },
	};
	size_t i;

	for (i = 0; i < LENGTH(t); i++) {
		ck_assert_int_eq(t[i].call(CB(&t[i].cb)), 0);
		ck_assert_int_eq(await(&t[i].cb), t[i].error);
		ck_assert_int_eq(rump_sys_aio_return(CB(&t[i].cb)), -1);
	}
}
END_TEST

START_TEST(arguments_are_checked_at_once)
{
	int fd = file("x");
	char buf[4];
	struct rump_aiocb cb;

	ck_fails(rump_sys_aio_read((void *)8), EFAULT);
	ck_fails(rump_sys_aio_error((void *)8), EFAULT);
	ck_fails(rump_sys_aio_return((void *)8), EFAULT);
	cb = job(fd, NULL, 1, 0);
	ck_fails(rump_sys_aio_read(CB(&cb)), EINVAL);
	cb = job(fd, buf, SIZE_MAX, 0);
	ck_fails(rump_sys_aio_read(CB(&cb)), EINVAL);
	cb = job(fd, (void *)8, 4, 0);
	ck_fails(rump_sys_aio_write(CB(&cb)), EFAULT);
	cb = job(fd, buf, 1, 0);
	cb.aio_sigevent.sigev_notify = 4;
	ck_fails(rump_sys_aio_read(CB(&cb)), EINVAL);
	cb.aio_sigevent.sigev_notify = RUMP_SIGEV_SIGNAL;
	cb.aio_sigevent.sigev_signo = RUMP_NSIG;
	ck_fails(rump_sys_aio_read(CB(&cb)), EINVAL);
	cb = job(fd, buf, 1, 0);
	ck_fails(rump_sys_aio_fsync(0, CB(&cb)), EINVAL);
	ck_fails(rump_sys_aio_error(CB(&cb)), EINVAL);
	ck_fails(rump_sys_aio_suspend(NULL, 0, NULL), EAGAIN);
	ck_fails(rump_sys_aio_suspend(NULL, 513, NULL), EAGAIN);
	ck_fails(rump_sys_aio_suspend((void *)8, 1, NULL), EFAULT);
	ck_fails(rump_sys_lio_listio(2, NULL, 1, NULL), EINVAL);
	ck_fails(rump_sys_lio_listio(RUMP_LIO_WAIT, NULL, 0, NULL), EINVAL);
	ck_fails(rump_sys_lio_listio(RUMP_LIO_WAIT, NULL, 513, NULL), EINVAL);
}
END_TEST

START_TEST(signals_tell)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int fd = file("x");
	char buf[4];
	struct rump_aiocb cb = job(fd, buf, 1, 0);

	caught = 0;
	ck_assert_int_eq(sigaction(SIGUSR1, &sa, NULL), 0);
	cb.aio_sigevent.sigev_notify = RUMP_SIGEV_SIGNAL;
	cb.aio_sigevent.sigev_signo = RUMP_SIGUSR1;
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	await_signals(1);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb)), 0);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb)), 1);
	ck_assert_int_eq(caught, 1);
}
END_TEST

START_TEST(queued_ones_can_be_cancelled)
{
	char buf[4][4];
	struct rump_aiocb cb[4];
	int fd[2], other, i;

	pipe_new(fd);
	other = file("y");
	for (i = 0; i < 4; i++) {
		cb[i] = job(fd[0], buf[i], 1, 0);
		ck_assert_int_eq(rump_sys_aio_read(CB(&cb[i])), 0);
	}
	/* The first is or will be at work, the others wait behind it. */
	ck_assert_int_eq(rump_sys_aio_cancel(fd[0], CB(&cb[2])),
	    RUMP_AIO_CANCELED);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[2])), RUMP_ECANCELED);
	ck_assert_int_eq(rump_sys_aio_return(CB(&cb[2])), -1);
	ck_assert_int_eq(rump_sys_aio_cancel(other, NULL), RUMP_AIO_ALLDONE);
	ck_fails(rump_sys_aio_cancel(other, CB(&cb[1])), EBADF);
	ck_fails(rump_sys_aio_cancel(77, NULL), EBADF);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[1])), RUMP_EINPROGRESS);
	i = rump_sys_aio_cancel(fd[0], NULL);
	ck_assert(i == RUMP_AIO_NOTCANCELED || i == RUMP_AIO_CANCELED);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[1])), RUMP_ECANCELED);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[3])), RUMP_ECANCELED);
	ck_assert_int_eq(rump_sys_write(fd[1], "zz", 2), 2);
	i = await(&cb[0]);
	ck_assert(i == 0 || i == RUMP_ECANCELED);
	ck_assert_int_eq(rump_sys_aio_cancel(fd[0], NULL), RUMP_AIO_ALLDONE);
}
END_TEST

START_TEST(lists_that_wait)
{
	int fd = file("abcdef");
	char buf[4][4] = { "", "", "Z", "" };
	struct rump_aiocb cb[4];
	struct aiocb *list[5] = { CB(&cb[0]), NULL, CB(&cb[1]), CB(&cb[2]),
	    CB(&cb[3]) };
	int i;

	for (i = 0; i < 4; i++) {
		cb[i] = job(fd, buf[i], 1, i);
		cb[i].aio_lio_opcode = RUMP_LIO_READ;
	}
	cb[2].aio_lio_opcode = RUMP_LIO_WRITE;
	cb[3].aio_lio_opcode = RUMP_LIO_NOP;
	ck_assert_int_eq(rump_sys_lio_listio(RUMP_LIO_WAIT, list, 5, NULL), 0);
	ck_assert_str_eq(buf[0], "a");
	ck_assert_str_eq(buf[1], "b");
	ck_assert_str_eq(buf[3], "");
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(rump_sys_aio_error(CB(&cb[i])), 0);
		ck_assert_int_eq(rump_sys_aio_return(CB(&cb[i])), 1);
	}
	ck_assert_int_eq(rump_sys_pread(fd, buf[0], 3, 1), 3);
	ck_assert_str_eq(buf[0], "bZd");
	/* One that fails, and one that cannot even be queued. */
	cb[1].aio_fildes = 99;
	ck_fails(rump_sys_lio_listio(RUMP_LIO_WAIT, list, 5, NULL), EIO);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[0])), 0);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[1])), RUMP_EBADF);
	cb[1] = job(fd, buf[1], 1, 0);
	cb[1].aio_lio_opcode = 9;
	ck_fails(rump_sys_lio_listio(RUMP_LIO_WAIT, list, 5, NULL), EIO);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb[0])), 0);
}
END_TEST

START_TEST(lists_that_do_not_wait)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct rump_sigevent ev = { .sigev_notify = RUMP_SIGEV_SIGNAL,
	    .sigev_signo = RUMP_SIGUSR2 };
	int fd = file("abcdef");
	char buf[64][2];
	struct rump_aiocb cb[64];
	struct aiocb *list[64];
	int i;

	caught = 0;
	ck_assert_int_eq(sigaction(SIGUSR2, &sa, NULL), 0);
	for (i = 0; i < 64; i++) {
		cb[i] = job(fd, buf[i], 1, i % 6);
		cb[i].aio_lio_opcode = RUMP_LIO_READ;
		list[i] = CB(&cb[i]);
	}
	ck_assert_int_eq(rump_sys_lio_listio(RUMP_LIO_NOWAIT, list, 64,
	    (struct sigevent *)&ev), 0);
	await_signals(1);
	for (i = 0; i < 64; i++) {
		ck_assert_int_eq(rump_sys_aio_error(CB(&cb[i])), 0);
		ck_assert_int_eq(rump_sys_aio_return(CB(&cb[i])), 1);
		ck_assert_int_eq(buf[i][0], "abcdef"[i % 6]);
	}
	ck_assert_int_eq(caught, 1);
}
END_TEST

START_TEST(there_is_an_end)
{
	static struct rump_aiocb cb[600];
	static char buf[600];
	int fd[2], i, error = 0;

	pipe_new(fd);
	for (i = 0; i < 600 && error == 0; i++) {
		cb[i] = job(fd[0], &buf[i], 1, 0);
		if (rump_sys_aio_read(CB(&cb[i])) == -1)
			error = errno;
	}
	ck_assert_int_eq(error, EAGAIN);
	ck_assert_int_eq(i, 513);
}
END_TEST

START_TEST(memory_has_an_end)
{
	static struct rump_aiocb cb[16];
	const size_t len = 16 * 1024 * 1024;
	char *buf = malloc(len);
	int fd[2], i, error = 0;

	ck_assert_ptr_nonnull(buf);
	pipe_new(fd);
	for (i = 0; i < 16 && error == 0; i++) {
		cb[i] = job(fd[0], buf, len, 0);
		if (rump_sys_aio_read(CB(&cb[i])) == -1)
			error = errno;
	}
	ck_assert_int_eq(error, EAGAIN);
	/* Of 64 MiB for a client, which has other memory, too. */
	ck_assert_int_ge(i, 4);
	ck_assert_int_le(i, 5);
	free(buf);
}
END_TEST

struct reader {
	int fd;
	char byte;
	void *failed;
};

static void *
read_async(void *arg)
{
	struct reader *r = arg;
	struct rump_aiocb cb;
	int i;

	for (i = 0; i < 20 && r->failed == NULL; i++) {
		char byte = 0;

		cb = job(r->fd, &byte, 1, r->byte - 'a');
		if (rump_sys_aio_read(CB(&cb)) != 0 || await(&cb) != 0 ||
		    rump_sys_aio_return(CB(&cb)) != 1 || byte != r->byte)
			r->failed = r;
	}
	return r->failed;
}

START_TEST(threads_do_not_mix)
{
	int fd = file("abcdefgh"), i;
	struct reader r[8];
	pthread_t threads[8];
	void *failed;

	for (i = 0; i < 8; i++) {
		r[i] = (struct reader){ .fd = fd, .byte = 'a' + i };
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_async,
		    &r[i]), 0);
	}
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_ptr_null(failed);
	}
}
END_TEST

static int
knows_nothing(void *arg)
{

	return rump_sys_aio_error(arg) == -1 && errno == EINVAL ? 0 : 1;
}

START_TEST(a_fork_has_none)
{
	char buf[4];
	struct rump_aiocb cb;
	int fd[2];

	pipe_new(fd);
	cb = job(fd[0], buf, 1, 0);
	ck_assert_int_eq(rump_sys_aio_read(CB(&cb)), 0);
	ck_assert_int_eq(guest_wait(guest_start(true, knows_nothing, &cb)), 0);
	ck_assert_int_eq(rump_sys_aio_error(CB(&cb)), RUMP_EINPROGRESS);
}
END_TEST

static int
read_for_ever(void *arg)
{
	static struct rump_aiocb cb[3];
	const struct aiocb *list[] = { CB(&cb[0]) };
	char buf[4];
	int fd[2], i;

	if (rump_sys_pipe(fd) == -1)
		return 1;
	for (i = 0; i < 3; i++) {
		cb[i] = job(fd[0], buf, 1, 0);
		if (rump_sys_aio_read(CB(&cb[i])) != 0)
			return 2;
	}
	gate_open(arg);
	return rump_sys_aio_suspend(list, 1, NULL) == 0;
}

/* host_stop sees that neither its worker nor its sleeper hold up anything. */
START_TEST(a_client_that_is_gone_has_none)
{
	struct gate g;
	pid_t pid;

	gate_init(&g);
	pid = guest_start(true, read_for_ever, &g);
	gate_pass(&g);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(guest_wait(pid), -1);
}
END_TEST

static int
exec_self(void *arg)
{
	char buf[4], *argv[] = { "check_aio", "after-exec", NULL };
	struct rump_aiocb cb;
	int fd[2];

	(void)arg;
	if (rump_sys_pipe(fd) == -1)
		return 3;
	cb = job(fd[0], buf, 1, 0);
	if (rump_sys_aio_read(CB(&cb)) != 0)
		return 4;
	rumpclient_exec("/proc/self/exe", argv, environ);
	return 5;
}

/* In the new image, where Check is not at work: nothing is left of the old
 * one's, and aio works. */
static int
after_exec(void)
{
	struct rump_aiocb cb;
	const struct aiocb *list[] = { CB(&cb) };
	char buf[4];
	int fd;

	if (rumpclient_init() == -1)
		return 6;
	cb = job(0, buf, 1, 0);
	if (knows_nothing(&cb) != 0)
		return 7;
	fd = rump_sys_open("/new", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	cb = job(fd, "ok", 2, 0);
	if (rump_sys_aio_write(CB(&cb)) != 0 ||
	    rump_sys_aio_suspend(list, 1, NULL) != 0 ||
	    rump_sys_aio_error(CB(&cb)) != 0)
		return 8;
	return rump_sys_aio_return(CB(&cb)) == 2 ? 0 : 9;
}

START_TEST(an_exec_has_none)
{

	ck_assert_int_eq(guest_wait(guest_start(true, exec_self, NULL)), 0);
}
END_TEST

/* --- as read and write --- */

/* Does the job, by itself; its errno, with the result in aio_retval. */
static int
done(struct raw_guest *g, struct rump_aiocb *cb, bool write)
{
	struct rump_aiocb *list[] = { cb };
	int error;

	error = write ? CALL(g, aio_write, P(cb)) : CALL(g, aio_read, P(cb));
	if (error != 0)
		return error;
	OK(g, __aio_suspend50, P(list), 1, 0);
	error = (int)OK(g, aio_error, P(cb));
	cb->aio_retval = OK(g, aio_return, P(cb));
	return error;
}

/* What is typed on the server's terminal is not the guest's. */
START_TEST(the_console_is_guarded)
{
	struct hostkern_config conf = { 0 };
	struct rump_aiocb cb;
	char buf[16] = "";
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ck_assert_int_eq(send(sv[0], "password", 8, 0), 8);
	raw_leave(G);
	raw_stop(&S);
	conf.console_fd = sv[1];
	raw_start(&S, &conf);
	G = raw_guest(&S, "typist");
	cb = job(0, buf, 8, 0);
	ck_assert_int_eq(done(G, &cb, false), 0);
	ck_assert_int_eq(cb.aio_retval, 0);
	cb = job(1, "hello", 5, 0);
	ck_assert_int_eq(done(G, &cb, true), 0);
	ck_assert_int_eq(recv(sv[0], buf, sizeof(buf), MSG_DONTWAIT), 5);
	ck_assert_int_eq(recv(sv[1], buf, sizeof(buf), MSG_DONTWAIT), 8);
	close(sv[0]);
	close(sv[1]);
}
END_TEST

/* The ids that a service of the host is told are the guest's. */
START_TEST(credentials_are_the_guests)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct rump_sockaddr_un to = { .sun_family = RUMP_AF_LOCAL,
	    .sun_path = "/service" };
	_Alignas(8) char control[CMSG_SPACE(sizeof(struct ucred))];
	char buf[8];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };
	struct rump_aiocb cb;
	struct raw_guest *g;
	struct ucred uc;
	int host, s, on = 1;

	if (skip_unless_root())
		return;
	host = socket(AF_UNIX, SOCK_DGRAM, 0);
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s",
	    raw_host(&S, "service"));
	ck_assert_int_eq(bind(host, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(chmod(sa.sun_path, 0777), 0);
	ck_assert_int_eq(setsockopt(host, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)), 0);
	g = raw_guest_as(&S, "client", 1002);
	s = (int)OK(g, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_DGRAM, 0);
	OK(g, connect, s, P(&to), sizeof(to));
	cb = job(s, "hi", 2, 0);
	ck_assert_int_eq(done(g, &cb, true), 0);
	ck_assert_int_eq(recvmsg(host, &mh, 0), 2);
	memcpy(&uc, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(uc));
	ck_assert_int_eq(uc.uid, 1002);
	raw_leave(g);
	close(host);
}
END_TEST

START_TEST(files_have_their_limit)
{
	struct rump_rlimit rl = { .rlim_cur = 10, .rlim_max = 20 };
	struct rump_aiocb cb;
	int fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0600);

	OK(G, setrlimit, RUMP_RLIMIT_FSIZE, P(&rl));
	cb = job(fd, "0123456789", 10, 0);
	ck_assert_int_eq(done(G, &cb, true), 0);
	cb = job(fd, "x", 1, 10);
	ck_assert_int_eq(done(G, &cb, true), RUMP_EFBIG);
	OK0(G, getpid_with_ppid);
	ck_assert_uint_eq(G->raised, UINT64_C(1) << RUMP_SIGXFSZ);
	ck_assert_str_eq(raw_get(&S, "f"), "0123456789");
}
END_TEST

/* Paid for before it is fetched: the address is not looked at any more. */
START_TEST(memory_is_paid_for_first)
{
	static struct rump_aiocb cb[16];
	const size_t len = 15 * 1024 * 1024;
	char *buf = calloc(1, len);
	struct rumpserver_stats st;
	int i, fd, error = 0;

	OK0(G, pipe);
	fd = (int)G->retval[1];
	for (i = 0; i < 16 && error == 0; i++) {
		cb[i] = job(fd, buf, len, 0);
		error = CALL(G, aio_write, P(&cb[i]));
	}
	ck_assert_int_eq(error, RUMP_EAGAIN);
	cb[15] = job(fd, (void *)8, len, 0);
	ck_assert_int_eq(CALL(G, aio_write, P(&cb[15])), RUMP_EAGAIN);
	rumpserver_getstats(S.srv, &st);
	ck_assert_uint_ge(st.over_budget[RUMPSERVER_BYTES], 2);
	ck_assert_uint_le(st.held[RUMPSERVER_BYTES], 64 * 1024 * 1024);
	raw_leave(G);
	rumpserver_getstats(S.srv, &st);
	ck_assert_uint_lt(st.held[RUMPSERVER_BYTES], len);
	G = raw_guest(&S, "next");
	free(buf);
}
END_TEST

/* As a read that is in progress; what comes after it is done all the same. */
START_TEST(a_closed_descriptor_ends_its_job)
{
	struct rump_aiocb cb[2], *list[] = { &cb[0] };
	char byte;
	int fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0600);

	OK0(G, pipe);
	cb[0] = job((int)G->retval[0], &byte, 1, 0);
	cb[1] = job(fd, "x", 1, 0);
	OK(G, aio_read, P(&cb[0]));
	OK(G, aio_write, P(&cb[1]));
	ck_assert_int_eq(OK(G, aio_error, P(&cb[0])), RUMP_EINPROGRESS);
	OK(G, close, cb[0].aio_fildes);
	OK(G, __aio_suspend50, P(list), 1, 0);
	ck_assert_int_eq(OK(G, aio_error, P(&cb[0])), RUMP_EBADF);
	list[0] = &cb[1];
	OK(G, __aio_suspend50, P(list), 1, 0);
	ck_assert_int_eq(OK(G, aio_error, P(&cb[1])), 0);
	ck_assert_str_eq(raw_get(&S, "f"), "x");
}
END_TEST

static void
add_raw_tests(TCase *tc)
{

	tcase_add_test(tc, the_console_is_guarded);
	tcase_add_test(tc, credentials_are_the_guests);
	tcase_add_test(tc, files_have_their_limit);
	tcase_add_test(tc, memory_is_paid_for_first);
	tcase_add_test(tc, a_closed_descriptor_ends_its_job);
}

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, reads);
	tcase_add_test(tc, writes);
	tcase_add_test(tc, moves_much);
	tcase_add_test(tc, waits_for_input);
	tcase_add_test(tc, waits_for_room);
	tcase_add_test(tc, errors_come_late);
	tcase_add_test(tc, arguments_are_checked_at_once);
	tcase_add_test(tc, signals_tell);
	tcase_add_test(tc, queued_ones_can_be_cancelled);
	tcase_add_test(tc, lists_that_wait);
	tcase_add_test(tc, lists_that_do_not_wait);
	tcase_add_test(tc, there_is_an_end);
	tcase_add_test(tc, memory_has_an_end);
	tcase_add_test(tc, threads_do_not_mix);
	tcase_add_test(tc, a_fork_has_none);
	tcase_add_test(tc, a_client_that_is_gone_has_none);
	tcase_add_test(tc, an_exec_has_none);
}

int
main(int argc, char *argv[])
{
	TCase *tc[2];
	Suite *s;
	int i;

	if (argc == 2 && strcmp(argv[1], "after-exec") == 0)
		return after_exec();
	s = suite_both_ways("aio", host_start, host_stop, add_tests);
	tc[0] = tcase_create("as read, threads");
	tc[1] = tcase_create("as read, event loop");
	for (i = 0; i < 2; i++) {
		tcase_add_checked_fixture(tc[i], i == 0 ? ways_threads :
		    ways_event_loop, NULL);
		tcase_add_checked_fixture(tc[i], raw_setup, raw_teardown);
		add_raw_tests(tc[i]);
		suite_add_tcase(s, tc[i]);
	}
	return suite_run(s);
}
