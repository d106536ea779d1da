/*
 * Descriptors, processes and pipes: what is shared, what is copied, what is
 * closed.
 */
#include <sys/ioctl.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

START_TEST(first_descriptors_are_the_console)
{
	char c;

	ck_assert_int_eq(OK(G, write, 1, P("x"), 1), 1);
	ck_assert_int_eq(OK(G, read, 0, P(&c), 1), 0);
	ck_assert_int_eq(raw_open(G, "/", RUMP_O_RDONLY, 0), 3);
	ck_assert_int_eq(CALL(G, close, -1), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, close, 4), RUMP_EBADF);
	OK(G, close, 1);
	ck_assert_int_eq(raw_open(G, "/", RUMP_O_RDONLY, 0), 1);
}
END_TEST

START_TEST(console_writes_where_it_is_told)
{
	struct hostkern_config conf = { .root = NULL };
	struct raw_server s;
	struct raw_guest *g;
	char buf[16] = "";
	int fd[2];

	ck_assert_int_eq(pipe(fd), 0);
	conf.console_fd = fd[1];
	raw_start(&s, &conf);
	g = raw_guest(&s, "talker");
	ck_assert_int_eq(OK(g, write, 2, P("hello"), 5), 5);
	ck_assert_int_eq(read(fd[0], buf, sizeof(buf)), 5);
	ck_assert_str_eq(buf, "hello");
	raw_leave(g);
	raw_stop(&s);
	/* Ours still. */
	ck_assert_int_eq(write(fd[1], "x", 1), 1);
	close(fd[0]);
	close(fd[1]);
}
END_TEST

/* A terminal of the host's: its far end is ours. */
static int
open_terminal(int *far)
{
	int fd;

	*far = posix_openpt(O_RDWR | O_NOCTTY);
	ck_assert_int_ge(*far, 0);
	ck_assert_int_eq(grantpt(*far), 0);
	ck_assert_int_eq(unlockpt(*far), 0);
	fd = open(ptsname(*far), O_RDWR | O_NOCTTY);
	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(console_that_is_a_terminal)
{
	struct winsize size = { .ws_row = 25, .ws_col = 80 };
	struct hostkern_config conf = { .root = NULL };
	struct rump_winsize ws = { 0 };
	struct rump_termios modes;
	struct raw_server s;
	struct raw_guest *g;
	char buf[16] = "";
	int far, fd;

	conf.console_fd = open_terminal(&far);
	ck_assert_int_eq(ioctl(far, TIOCSWINSZ, &size), 0);
	raw_start(&s, &conf);
	g = raw_guest(&s, "talker");
	OK(g, ioctl, 1, RUMP_TIOCGWINSZ, P(&ws));
	ck_assert_uint_eq(ws.ws_row, 25);
	ck_assert_uint_eq(ws.ws_col, 80);
	ws.ws_row = 50;
	OK(g, ioctl, 1, RUMP_TIOCSWINSZ, P(&ws));
	ck_assert_int_eq(ioctl(far, TIOCGWINSZ, &size), 0);
	ck_assert_uint_eq(size.ws_row, 50);
	ck_assert_uint_eq(size.ws_col, 80);
	OK(g, ioctl, 1, RUMP_TIOCGETA, P(&modes));
	ck_assert_uint_ne(modes.c_lflag & RUMP_ECHO, 0);
	fd = raw_open(g, "/dev/tty", RUMP_O_RDWR, 0);
	ck_assert_int_eq(OK(g, write, fd, P("hello"), 5), 5);
	ck_assert_int_eq(read(far, buf, sizeof(buf)), 5);
	ck_assert_str_eq(buf, "hello");
	raw_leave(g);
	raw_stop(&s);
	close(conf.console_fd);
	close(far);
}
END_TEST

START_TEST(lowest_number_is_taken)
{
	int i;

	for (i = 3; i < 40; i++)
		ck_assert_int_eq(OK(G, dup, 0), i);
	OK(G, close, 20);
	OK(G, close, 7);
	ck_assert_int_eq(OK(G, dup, 0), 7);
	ck_assert_int_eq(OK(G, dup, 0), 20);
	ck_assert_int_eq(OK(G, dup, 0), 40);
	ck_assert_int_eq(OK(G, fcntl, 0, RUMP_F_DUPFD, 100), 100);
	ck_assert_int_eq(OK(G, fcntl, 0, RUMP_F_DUPFD, 10), 41);
	ck_assert_int_eq(OK(G, fcntl, 0, RUMP_F_MAXFD, 0), 100);
	OK(G, fcntl, 30, RUMP_F_CLOSEM, 0);
	ck_assert_int_eq(OK(G, fcntl, 0, RUMP_F_MAXFD, 0), 29);
	ck_assert_int_eq(OK(G, dup, 0), 30);
	ck_assert_int_eq(CALL(G, fcntl, 0, RUMP_F_DUPFD, -1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, fcntl, 0, RUMP_F_DUPFD, 1 << 30),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, fcntl, 500, RUMP_F_DUPFD, 0), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, fcntl, 0, 12345, 0), RUMP_EINVAL);
}
END_TEST

START_TEST(limit_of_descriptors)
{
	struct rump_rlimit rl = { .rlim_cur = 6, .rlim_max = 6 };
	int error, n;

	OK(G, setrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	for (n = 0; (error = CALL(G, dup, 0)) == 0; n++)
		continue;
	ck_assert_int_eq(error, RUMP_EMFILE);
	ck_assert_int_eq(n, 3);
	ck_assert_int_eq(CALL(G, dup2, 0, 6), RUMP_EBADF);
	ck_assert_int_eq(CALL0(G, pipe), RUMP_EMFILE);
	/* Nothing is made that there is no descriptor for. */
	ck_assert_int_eq(CALL(G, open, P("/new"), RUMP_O_CREAT, 0644),
	    RUMP_EMFILE);
	ck_assert_int_eq(access(raw_host(&S, "new"), F_OK), -1);
	OK(G, close, 5);
	ck_assert_int_eq(CALL0(G, pipe), RUMP_EMFILE);
	ck_assert_int_eq(OK(G, dup, 0), 5);
}
END_TEST

START_TEST(dup_shares_the_offset)
{
	char buf[4] = "";
	int fd, fd2;

	raw_put(&S, "f", "abcdef");
	fd = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	fd2 = (int)OK(G, dup, fd);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 3), 3);
	ck_assert_int_eq(OK(G, read, fd2, P(buf), 3), 3);
	ck_assert_str_eq(buf, "def");
	ck_assert_int_eq(OK(G, dup2, fd, 9), 9);
	ck_assert_int_eq(OK(G, lseek, 9, 0, 1, RUMP_SEEK_SET), 1);
	ck_assert_int_eq(OK(G, lseek, fd, 0, 0, RUMP_SEEK_CUR), 1);
	ck_assert_int_eq(OK(G, dup2, fd, fd), fd);
	ck_assert_int_eq(CALL(G, dup2, 77, 78), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, dup2, fd, -1), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, dup3, fd, 11, 0x7), RUMP_EINVAL);
	/* A second open is another file object. */
	fd2 = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(OK(G, lseek, fd2, 0, 0, RUMP_SEEK_CUR), 0);
}
END_TEST

START_TEST(fork_copies_descriptors_and_shares_files)
{
	struct raw_guest *child;
	char buf[4] = "";
	int fd, parent, ppid;

	raw_put(&S, "f", "abcdef");
	fd = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	OK(G, read, fd, P(buf), 2);
	parent = (int)OK0(G, getpid);
	child = raw_fork(&S, G);
	ck_assert_int_ne(OK0(child, getpid), parent);
	ppid = (int)child->retval[1];
	ck_assert_int_eq(ppid, parent);
	ck_assert_int_eq(OK(child, read, fd, P(buf), 2), 2);
	ck_assert_mem_eq(buf, "cd", 2);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 2), 2);
	ck_assert_mem_eq(buf, "ef", 2);
	/* The numbers are each one's own. */
	OK(child, close, fd);
	ck_assert_int_eq(OK(G, lseek, fd, 0, 0, RUMP_SEEK_CUR), 6);
	ck_assert_int_eq(OK(child, dup, 0), fd);
	raw_leave(child);
}
END_TEST

START_TEST(exec_closes_what_is_marked)
{
	int keep, marked, pid;

	keep = raw_open(G, "/", RUMP_O_RDONLY, 0);
	marked = raw_open(G, "/", RUMP_O_RDONLY | RUMP_O_CLOEXEC, 0);
	ck_assert_int_eq(OK(G, fcntl, keep, RUMP_F_GETFD, 0), 0);
	ck_assert_int_eq(OK(G, fcntl, marked, RUMP_F_GETFD, 0),
	    RUMP_FD_CLOEXEC);
	ck_assert_int_eq(OK(G, fcntl, keep, RUMP_F_DUPFD_CLOEXEC, 10), 10);
	OK(G, dup3, keep, 11, RUMP_O_CLOEXEC);
	OK(G, dup2, 11, 12);
	OK(G, ioctl, 12, RUMP_FIOCLEX, 0);
	OK(G, dup2, 11, 13);
	OK(G, ioctl, 13, RUMP_FIOCLEX, 0);
	OK(G, ioctl, 13, RUMP_FIONCLEX, 0);
	OK(G, dup2, 11, 14);
	OK(G, fcntl, 14, RUMP_F_SETFD, RUMP_FD_CLOEXEC);
	pid = (int)OK0(G, getpid);
	raw_exec(G, "other");
	ck_assert_int_eq(OK0(G, getpid), pid);
	OK(G, fcntl, keep, RUMP_F_GETFD, 0);
	OK(G, fcntl, 13, RUMP_F_GETFD, 0);
	ck_assert_int_eq(CALL(G, fcntl, marked, RUMP_F_GETFD, 0), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, close, 10), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, close, 11), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, close, 12), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, close, 14), RUMP_EBADF);
	ck_assert_int_eq(OK(G, dup, 0), marked);
}
END_TEST

START_TEST(flags_belong_to_the_file)
{
	int fd, fd2, flags;

	fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	fd2 = (int)OK(G, dup, fd);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_RDWR);
	OK(G, fcntl, fd, RUMP_F_SETFL, RUMP_O_APPEND | RUMP_O_NONBLOCK |
	    RUMP_O_WRONLY);
	flags = (int)OK(G, fcntl, fd2, RUMP_F_GETFL, 0);
	ck_assert_int_eq(flags, RUMP_O_RDWR | RUMP_O_APPEND |
	    RUMP_O_NONBLOCK);
	OK(G, write, fd, P("one"), 3);
	OK(G, lseek, fd, 0, 0, RUMP_SEEK_SET);
	OK(G, write, fd2, P("two"), 3);
	ck_assert_str_eq(raw_get(&S, "f"), "onetwo");
	OK(G, fcntl, fd, RUMP_F_SETFL, 0);
	OK(G, pwrite, fd, P("2"), 1, 0, 0);
	ck_assert_str_eq(raw_get(&S, "f"), "2netwo");
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETNOSIGPIPE, 0), 0);
	OK(G, fcntl, fd, RUMP_F_SETNOSIGPIPE, 1);
	ck_assert_int_eq(OK(G, fcntl, fd2, RUMP_F_GETNOSIGPIPE, 0), 1);
	ck_assert_int_eq(OK(G, fcntl, fd, RUMP_F_GETFL, 0), RUMP_O_RDWR |
	    RUMP_O_NOSIGPIPE);
}
END_TEST

START_TEST(pipe_carries_bytes)
{
	char buf[16] = "";
	int fd[2], n, rd, space, wr;

	OK0(G, pipe);
	rd = (int)G->retval[0];
	wr = (int)G->retval[1];
	ck_assert_int_eq(rd, 3);
	ck_assert_int_eq(wr, 4);
	OK(G, ioctl, wr, RUMP_FIONSPACE, P(&space));
	ck_assert_int_eq(OK(G, write, wr, P("hello"), 5), 5);
	OK(G, ioctl, rd, RUMP_FIONREAD, P(&n));
	ck_assert_int_eq(n, 5);
	OK(G, ioctl, wr, RUMP_FIONWRITE, P(&n));
	ck_assert_int_eq(n, 5);
	OK(G, ioctl, wr, RUMP_FIONSPACE, P(&n));
	ck_assert_int_eq(n, space - 5);
	/* What is at the other end is not at this one. */
	OK(G, ioctl, wr, RUMP_FIONREAD, P(&n));
	ck_assert_int_eq(n, 0);
	OK(G, ioctl, rd, RUMP_FIONWRITE, P(&n));
	ck_assert_int_eq(n, 0);
	ck_assert_int_eq(OK(G, read, rd, P(buf), 16), 5);
	ck_assert_str_eq(buf, "hello");
	ck_assert_int_eq(CALL(G, read, wr, P(buf), 1), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, write, rd, P(buf), 1), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, lseek, rd, 0, 0, 0), RUMP_ESPIPE);
	ck_assert_int_eq(CALL(G, pread, rd, P(buf), 1, 0, 0), RUMP_ESPIPE);

	OK(G, pipe2, P(fd), RUMP_O_NONBLOCK | RUMP_O_CLOEXEC);
	ck_assert_int_eq(fd[0], 5);
	ck_assert_int_eq(fd[1], 6);
	ck_assert_int_eq(G->retval[1], 6);
	ck_assert_int_eq(CALL(G, read, fd[0], P(buf), 1), RUMP_EAGAIN);
	ck_assert_int_eq(OK(G, fcntl, fd[1], RUMP_F_GETFD, 0), 1);
	ck_assert_int_eq(CALL(G, pipe2, P(fd), 1), RUMP_EINVAL);
}
END_TEST

START_TEST(reader_of_a_pipe_waits_for_its_writer)
{
	struct raw_guest *child;
	char buf[4] = "";
	int rd, wr;

	OK0(G, pipe);
	rd = (int)G->retval[0];
	wr = (int)G->retval[1];
	child = raw_fork(&S, G);
	OK(child, close, wr);
	BEGIN(child, read, rd, P(buf), 4);
	ck_assert(raw_pending(child));
	OK(G, write, wr, P("ab"), 2);
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_int_eq(child->retval[0], 2);
	ck_assert_mem_eq(buf, "ab", 2);
	/* The last writer is gone: end of file. */
	BEGIN(child, read, rd, P(buf), 4);
	ck_assert(raw_pending(child));
	OK(G, close, wr);
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_int_eq(child->retval[0], 0);
	raw_leave(child);
}
END_TEST

START_TEST(writer_of_a_full_pipe_waits_for_its_reader)
{
	const size_t len = 300 * 1024;
	struct raw_guest *child;
	char *in = malloc(len), *out = malloc(len);
	size_t i, n;
	int rd, wr;

	for (i = 0; i < len; i++)
		out[i] = (char)(i * 31 >> 3);
	OK0(G, pipe);
	rd = (int)G->retval[0];
	wr = (int)G->retval[1];
	child = raw_fork(&S, G);
	BEGIN(child, write, wr, P(out), len);
	ck_assert(raw_pending(child));
	for (n = 0; n < len; n += i) {
		i = (size_t)OK(G, read, rd, P(in + n), len - n);
		ck_assert_uint_gt(i, 0);
		(void)raw_pending(child);
	}
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_uint_eq(child->retval[0], len);
	ck_assert_mem_eq(in, out, len);
	raw_leave(child);
	free(in);
	free(out);
}
END_TEST

START_TEST(broken_pipe_raises)
{
	int fd[2], rd, wr;

	OK0(G, pipe);
	rd = (int)G->retval[0];
	wr = (int)G->retval[1];
	OK(G, close, rd);
	ck_assert_int_eq(CALL(G, write, wr, P("x"), 1), RUMP_EPIPE);
	OK0(G, getpid);
	ck_assert_uint_eq(G->raised, UINT64_C(1) << RUMP_SIGPIPE);
	G->raised = 0;
	OK(G, pipe2, P(fd), RUMP_O_NOSIGPIPE);
	OK(G, close, fd[0]);
	ck_assert_int_eq(CALL(G, write, fd[1], P("x"), 1), RUMP_EPIPE);
	OK0(G, getpid);
	ck_assert_uint_eq(G->raised, 0);
}
END_TEST

/* One thread closes what another reads from. */
START_TEST(close_ends_a_blocked_call)
{
	uint64_t read_no, reqno;
	int error, i, other, rd;
	char c;

	OK0(G, pipe);
	rd = (int)G->retval[0];
	other = (int)OK(G, dup, rd);
	BEGIN(G, read, rd, P(&c), 1);
	read_no = G->reqno;
	ck_assert(raw_pending(G));
	/* Not the last descriptor of the pipe: nothing happens. */
	ck_assert_int_eq(CALL(G, close, rd), 0);
	ck_assert(raw_pending(G));
	BEGIN(G, close, other);
	for (i = 0; i < 2; i++) {
		error = raw_end_any(G, &reqno);
		ck_assert_int_eq(error, reqno == read_no ? RUMP_EBADF : 0);
	}
	/* The next call is not interrupted. */
	OK0(G, pipe);
	rd = (int)G->retval[0];
	other = (int)G->retval[1];
	BEGIN(G, read, rd, P(&c), 1);
	ck_assert(raw_pending(G));
	BEGIN(G, write, other, P("x"), 1);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(raw_end_any(G, &reqno), 0);
}
END_TEST

START_TEST(disconnect_ends_a_blocked_call)
{
	struct raw_guest *child;
	char c;
	int rd;

	OK0(G, pipe);
	rd = (int)G->retval[0];
	child = raw_fork(&S, G);
	BEGIN(child, read, rd, P(&c), 1);
	ck_assert(raw_pending(child));
	raw_leave(child);
}
END_TEST

/* Calls of g until signal signo has come, or for a while. */
static bool
raised_soon(struct raw_guest *g, int signo, int ms)
{
	struct rump_timespec moment = { .tv_nsec = 1000000 };

	while (ms-- > 0 && (g->raised >> signo & 1) == 0)
		OK(g, __nanosleep50, P(&moment), 0);
	return g->raised >> signo & 1;
}

START_TEST(files_raise_for_their_owner)
{
	int fd, pid = (int)OK0(G, getpid), rd, wr;
	struct raw_guest *child;
	char c = 'x';

	OK0(G, pipe);
	rd = (int)G->retval[0];
	wr = (int)G->retval[1];
	child = raw_fork(&S, G);
	fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(CALL(G, fcntl, fd, RUMP_F_SETOWN, pid), RUMP_ENOTTY);
	ck_assert_int_eq(CALL(G, fcntl, rd, RUMP_F_SETOWN, 29999),
	    RUMP_ESRCH);
	OK(G, fcntl, rd, RUMP_F_SETFL, RUMP_O_ASYNC);
	OK(G, fcntl, rd, RUMP_F_SETOWN, pid);
	ck_assert_int_eq(OK(G, fcntl, rd, RUMP_F_GETOWN, 0), pid);
	OK(child, write, wr, P(&c), 1);
	ck_assert(raised_soon(G, RUMP_SIGIO, 2000));
	ck_assert(!raised_soon(child, RUMP_SIGIO, 5));

	/* A group: both. */
	OK(G, fcntl, rd, RUMP_F_SETOWN, -1);
	G->raised = 0;
	OK(child, write, wr, P(&c), 1);
	ck_assert(raised_soon(G, RUMP_SIGIO, 2000));
	ck_assert(raised_soon(child, RUMP_SIGIO, 2000));

	/* Not any more. */
	OK(G, fcntl, rd, RUMP_F_SETFL, 0);
	OK0(G, getpid);
	G->raised = 0;
	OK(child, write, wr, P(&c), 1);
	ck_assert(!raised_soon(G, RUMP_SIGIO, 5));
	OK0(child, setsid);
	ck_assert_int_eq(CALL(child, fcntl, rd, RUMP_F_SETOWN, -1),
	    RUMP_EPERM);
	/* What is there already is no event; and gone while it is watched. */
	OK(G, fcntl, rd, RUMP_F_SETOWN, pid);
	OK(G, fcntl, rd, RUMP_F_SETFL, RUMP_O_ASYNC);
	ck_assert(!raised_soon(G, RUMP_SIGIO, 20));
	OK(child, write, wr, P(&c), 1);
	ck_assert(raised_soon(G, RUMP_SIGIO, 2000));
	raw_leave(child);
}
END_TEST

/* Both ends of a fifo wait in open for the other. */
START_TEST(fifo_ends_meet)
{
	struct raw_guest *child;
	char buf[4] = "";
	int rd, wr;

	OK(G, mkfifo, P("/fifo"), 0600);
	child = raw_fork(&S, G);
	BEGIN(child, open, P("/fifo"), RUMP_O_RDONLY, 0);
	ck_assert(raw_pending(child));
	wr = raw_open(G, "/fifo", RUMP_O_WRONLY, 0);
	ck_assert_int_eq(raw_end(child), 0);
	rd = (int)child->retval[0];
	BEGIN(child, read, rd, P(buf), 4);
	ck_assert(raw_pending(child));
	OK(G, write, wr, P("hi"), 2);
	ck_assert_int_eq(raw_end(child), 0);
	ck_assert_int_eq(child->retval[0], 2);
	OK(child, close, rd);
	OK(G, close, wr);

	ck_assert_int_eq(CALL(G, open, P("/fifo"), RUMP_O_WRONLY |
	    RUMP_O_NONBLOCK, 0), RUMP_ENXIO);
	BEGIN(child, open, P("/fifo"), RUMP_O_WRONLY, 0);
	ck_assert(raw_pending(child));
	rd = raw_open(G, "/fifo", RUMP_O_RDONLY | RUMP_O_NONBLOCK, 0);
	ck_assert_int_eq(raw_end(child), 0);
	raw_leave(child);
	ck_assert_int_eq(OK(G, read, rd, P(buf), 4), 0);
}
END_TEST

START_TEST(devices_are_there_without_files)
{
	struct rump_stat st;
	char buf[8];
	int fd;

	memset(buf, 'x', sizeof(buf));
	fd = raw_open(G, "/dev/zero", RUMP_O_RDWR, 0);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 8);
	ck_assert_mem_eq(buf, "\0\0\0\0\0\0\0", 8);
	fd = raw_open(G, "dev//./null", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(OK(G, write, fd, P(buf), 8), 8);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 0);
	OK(G, __fstat50, fd, P(&st));
	ck_assert(RUMP_S_ISCHR(st.st_mode));
	ck_assert_uint_eq(rump_major(st.st_rdev), 2);
	OK(G, mkdir, P("/a"), 0755);
	OK(G, chdir, P("/a"));
	OK(G, open, P("../dev/null"), RUMP_O_RDWR, 0);
	ck_assert_int_eq(CALL(G, open, P("dev/null"), RUMP_O_RDWR, 0),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, open, P("/a/dev/null"), RUMP_O_RDWR, 0),
	    RUMP_ENOENT);
	fd = raw_open(G, "/dev/full", RUMP_O_WRONLY, 0);
	ck_assert_int_eq(CALL(G, write, fd, P(buf), 8), RUMP_ENOSPC);
	fd = raw_open(G, "/dev/urandom", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 8);
	OK(G, __stat50, P("/dev/random"), P(&st));
	OK(G, access, P("/dev/null"), RUMP_R_OK | RUMP_W_OK);
	ck_assert_int_eq(CALL(G, access, P("/dev/null"), RUMP_X_OK),
	    RUMP_EACCES);
	ck_assert_int_eq(CALL(G, chmod, P("/dev/null"), 0), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, open, P("/dev/null"), RUMP_O_RDWR |
	    RUMP_O_CREAT | RUMP_O_EXCL, 0644), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, open, P("/dev/tty"), RUMP_O_RDWR, 0),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, open, P("/dev/mem"), RUMP_O_RDWR, 0),
	    RUMP_ENOENT);
	/* A file of that name in the root is what the name means. */
	OK(G, mkdir, P("/dev"), 0755);
	OK(G, chdir, P("/dev"));
	fd = raw_open(G, "null", RUMP_O_RDWR, 0);
	ck_assert_int_eq(OK(G, write, fd, P(buf), 8), 8);
	raw_put(&S, "dev/null", "real");
	fd = raw_open(G, "null", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 4);
}
END_TEST

/* What the client cannot be told it does not have. */
START_TEST(untold)
{
	const int64_t max = OK(G, fcntl, 0, RUMP_F_MAXFD, 0);

	ck_assert_int_eq(CALL(G, pipe2, 0, 0), RUMP_EFAULT);
	ck_assert_int_eq(CALL(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_STREAM,
	    0, 0), RUMP_EFAULT);
	ck_assert_int_eq(CALL(G, _ksem_init, 1, 0), RUMP_EFAULT);
	ck_assert_int_eq(OK(G, fcntl, 0, RUMP_F_MAXFD, 0), max);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_set_timeout(t, 60);
	tcase_add_test(t, untold);
	tcase_add_test(t, first_descriptors_are_the_console);
	tcase_add_test(t, console_writes_where_it_is_told);
	tcase_add_test(t, console_that_is_a_terminal);
	tcase_add_test(t, lowest_number_is_taken);
	tcase_add_test(t, limit_of_descriptors);
	tcase_add_test(t, dup_shares_the_offset);
	tcase_add_test(t, fork_copies_descriptors_and_shares_files);
	tcase_add_test(t, exec_closes_what_is_marked);
	tcase_add_test(t, flags_belong_to_the_file);
	tcase_add_test(t, pipe_carries_bytes);
	tcase_add_test(t, reader_of_a_pipe_waits_for_its_writer);
	tcase_add_test(t, writer_of_a_full_pipe_waits_for_its_reader);
	tcase_add_test(t, broken_pipe_raises);
	tcase_add_test(t, close_ends_a_blocked_call);
	tcase_add_test(t, disconnect_ends_a_blocked_call);
	tcase_add_test(t, files_raise_for_their_owner);
	tcase_add_test(t, fifo_ends_meet);
	tcase_add_test(t, devices_are_there_without_files);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern descriptors", raw_setup,
	    raw_teardown, add_tests));
}
