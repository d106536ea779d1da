/*
 * The tracer: what a line looks like, what it survives.  Each test runs in a
 * process of its own (Check forks), so each starts untraced.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <arpa/inet.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>

#include "lib/suite.h"
#include "trace/names.h"
#include "trace/sysdesc.h"
#include "trace/trace.h"

static char file[64];

static void
begin(void)
{
	int fd;

	strcpy(file, "/tmp/check_trace.XXXXXX");
	fd = mkstemp(file);
	ck_assert_int_ge(fd, 0);
	close(fd);
	setenv("RUMPCLIENT_TRACE", file, 1);
	ck_assert(!rump_trace_enabled());
	rump_trace_init();
	ck_assert(rump_trace_enabled());
}

static void
end(void)
{

	unlink(file);
}

/* All that was written, in a static buffer. */
static const char *
written(void)
{
	static char buf[1 << 20];
	FILE *fp = fopen(file, "r");
	size_t n;

	ck_assert_ptr_nonnull(fp);
	n = fread(buf, 1, sizeof(buf) - 1, fp);
	buf[n] = '\0';
	fclose(fp);
	return buf;
}

#define A(p)	((uint64_t)(uintptr_t)(p))

/* Traces a call of 1.234567 ms and compares all after the brackets. */
static void
expect(int num, const uint64_t *args, size_t nargs, int64_t r0, int64_t r1,
    int error, const char *want)
{
	const register_t retval[2] = { r0, r1 };
	char head[64], line[2200];

	ck_assert_int_eq(truncate(file, 0), 0);
	rump_trace_call(num, args, nargs, retval, error, 1234567);
	snprintf(head, sizeof(head), "[%d %d] ", getpid(), gettid());
	snprintf(line, sizeof(line), "%s%s <0.001234>\n", head, want);
	ck_assert_str_eq(written(), line);
}

#define EXPECT(num, r0, r1, error, want, ...) do {			\
	const uint64_t args_[] = { __VA_ARGS__ };			\
	expect(num, args_, sizeof(args_) / sizeof(args_[0]), r0, r1,	\
	    error, want);						\
} while (0)

START_TEST(every_set_is_known)
{
	const struct sysdesc_arg *a;
	unsigned i, j, sets = 0;

	for (i = 0; i < rump_nsysdesc; i++) {
		for (j = 0; j < rump_sysdesc[i].narg; j++) {
			a = &rump_sysdesc[i].args[j];
			if (a->set == NULL)
				continue;
			sets++;
			ck_assert_msg(trace_set_find(a->set) != NULL,
			    "syscalls.master: %s: argument %s: there is no "
			    "set of names \"%s\" in runtime/trace/names.c",
			    rump_sysdesc[i].name, a->name, a->set);
		}
	}
	ck_assert_uint_gt(sets, 50);
	ck_assert_ptr_null(trace_set_find("no such set"));
}
END_TEST

/* A flag that shares bits with another, or a field that does not hold its
 * values, would print wrong. */
START_TEST(sets_are_sound)
{
	const struct trace_set *s;
	uint64_t flags;
	size_t i;

	for (s = trace_sets; s->name != NULL; s++) {
		flags = 0;
		for (i = 0; i < s->n; i++) {
			if (s->field == UINT64_MAX ||
			    (s->values[i].value & ~s->field) == 0)
				continue;
			ck_assert_msg((s->values[i].value & s->field) == 0 &&
			    (s->values[i].value & flags) == 0,
			    "%s: %s", s->name, s->values[i].name);
			flags |= s->values[i].value;
		}
	}
}
END_TEST

static const char *
names(const char *set, uint64_t value)
{
	static struct trace_line ln;

	line_init(&ln);
	trace_set_put(&ln, trace_set_find(set), value);
	ln.buf[ln.len] = '\0';
	return ln.buf;
}

START_TEST(value_names)
{

	ck_assert_str_eq(names("open", 0), "O_RDONLY");
	ck_assert_str_eq(names("open", RUMP_O_RDWR | RUMP_O_CREAT),
	    "O_RDWR|O_CREAT");
	ck_assert_str_eq(names("open", RUMP_O_APPEND | 0x1000),
	    "O_RDONLY|O_APPEND|0x1000");
	ck_assert_str_eq(names("access", 0), "F_OK");
	ck_assert_str_eq(names("access", 6), "R_OK|W_OK");
	ck_assert_str_eq(names("msg", 0), "0");
	ck_assert_str_eq(names("msg", 0x82), "MSG_PEEK|MSG_DONTWAIT");
	ck_assert_str_eq(names("whence", 2), "SEEK_END");
	ck_assert_str_eq(names("whence", 77), "77");
	ck_assert_str_eq(names("socktype", RUMP_SOCK_STREAM |
	    RUMP_SOCK_CLOEXEC), "SOCK_STREAM|SOCK_CLOEXEC");
	ck_assert_str_eq(names("socktype", 9 | RUMP_SOCK_CLOEXEC),
	    "9|SOCK_CLOEXEC");
	ck_assert_str_eq(names("sol", 0xffff), "SOL_SOCKET");
	ck_assert_str_eq(names("ioctl", RUMP_TIOCGWINSZ), "TIOCGWINSZ");
	ck_assert_str_eq(names("ioctl", 0x12345678), "0x12345678");
	ck_assert_str_eq(names("chflags", RUMP_SF_LOG), "SF_LOG");
}
END_TEST

START_TEST(files)
{
	char text[] = "hello\n\t\"q\"\x01" "9";

	EXPECT(RUMP_SYS_open, 3, 0, 0,
	    "open(\"/etc/motd\", O_RDWR|O_CREAT, 0644) = 3",
	    A("/etc/motd"), RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	EXPECT(RUMP_SYS_open, 0, 0, RUMP_ENOENT,
	    "open(\"/x\", O_RDONLY, 0) = -1 ENOENT (No such file or directory)",
	    A("/x"), 0, 0);
	EXPECT(RUMP_SYS_read, 5, 0, 0, "read(3, \"hello\", 100) = 5",
	    3, A(text), 100);
	EXPECT(RUMP_SYS_write, 12, 0, 0,
	    "write(4, \"hello\\n\\t\\\"q\\\"\\0019\", 12) = 12",
	    4, A(text), 12);
	EXPECT(RUMP_SYS_lseek, INT64_C(1) << 33, 0, 0,
	    "lseek(3, -1, SEEK_END) = 8589934592",
	    3, 0, UINT64_MAX, 2);
	EXPECT(RUMP_SYS_close, 0, 0, RUMP_EBADF,
	    "close(-1) = -1 EBADF (Bad file descriptor)", 0xffffffff);
	EXPECT(RUMP_SYS_pipe, 3, 4, 0, "pipe() = 3 [4]", 0);
}
END_TEST

START_TEST(cut_short)
{
	const char *path =
	    "/0123456789/0123456789/0123456789/0123456789";
	char data[100];

	memset(data, 'x', sizeof(data));
	EXPECT(RUMP_SYS_chdir, 0, 0, 0,
	    "chdir(\"/0123456789/0123456789/012345678\"...) = 0", A(path));
	/* Exactly as long as is shown. */
	EXPECT(RUMP_SYS_chdir, 0, 0, 0,
	    "chdir(\"/0123456789/0123456789/012345678\") = 0",
	    A("/0123456789/0123456789/012345678"));
	EXPECT(RUMP_SYS_chdir, 0, 0, 0,
	    "chdir(\"/0123456789/0123456789\") = 0", A(path + 22));
	EXPECT(RUMP_SYS_write, 100, 0, 0,
	    "write(1, \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"..., 100) = 100",
	    1, A(data), 100);
}
END_TEST

START_TEST(structures)
{
	struct rump_sockaddr_in sin;
	struct rump_iovec iov[2] = { { (char *)"abc", 3 }, { (char *)"de", 2 } };
	struct rump_pollfd pfd = { 5, RUMP_POLLIN, RUMP_POLLHUP };
	struct rump_timespec ts = { 1, 500 };
	struct rump_stat st;
	struct rump_fd_set set;
	struct rump_flock fl = { 10, 20, 0, RUMP_F_WRLCK, RUMP_SEEK_SET };
	uint32_t len = sizeof(sin);
	int one = 1;

	memset(&sin, 0, sizeof(sin));
	sin.sin_len = sizeof(sin);
	sin.sin_family = RUMP_AF_INET;
	sin.sin_port = htons(8080);
	sin.sin_addr.s_addr = htonl(RUMP_INADDR_LOOPBACK);
	EXPECT(RUMP_SYS_connect, 0, 0, 0,
	    "connect(3, {AF_INET, 127.0.0.1:8080}, 16) = 0",
	    3, A(&sin), sizeof(sin));
	EXPECT(RUMP_SYS_accept, 4, 0, 0,
	    "accept(3, {AF_INET, 127.0.0.1:8080}, [16]) = 4",
	    3, A(&sin), A(&len));
	EXPECT(RUMP_SYS_writev, 5, 0, 0,
	    "writev(1, [{\"abc\", 3}, {\"de\", 2}], 2) = 5",
	    1, A(iov), 2);
	EXPECT(RUMP_SYS_readv, 4, 0, 0,
	    "readv(0, [{\"abc\", 3}, {\"d\", 2}], 2) = 4",
	    0, A(iov), 2);
	EXPECT(RUMP_SYS_poll, 1, 0, 0,
	    "poll([{fd=5, events=POLLIN, revents=POLLHUP}], 1, -1) = 1",
	    A(&pfd), 1, 0xffffffff);
	EXPECT(RUMP_SYS___nanosleep50, 0, 0, 0,
	    "__nanosleep50(1.000000500, NULL) = 0", A(&ts), 0);
	memset(&st, 0, sizeof(st));
	st.st_mode = RUMP_S_IFREG | 0644;
	st.st_size = 42;
	EXPECT(RUMP_SYS___fstat50, 0, 0, 0,
	    "__fstat50(3, {mode=S_IFREG|0644, size=42, ...}) = 0", 3, A(&st));
	rump_fd_zero(&set);
	rump_fd_setbit(3, &set);
	rump_fd_setbit(9, &set);
	EXPECT(RUMP_SYS___select50, 2, 0, 0,
	    "__select50(10, [3 9], NULL, NULL, NULL) = 2",
	    10, A(&set), 0, 0, 0);
	EXPECT(RUMP_SYS_fcntl, 0, 0, 0,
	    "fcntl(3, F_SETLK, {type=F_WRLCK, whence=SEEK_SET, start=10, "
	    "len=20}) = 0", 3, RUMP_F_SETLK, A(&fl));
	EXPECT(RUMP_SYS_fcntl, 7, 0, 0, "fcntl(3, F_DUPFD, 0) = 7",
	    3, RUMP_F_DUPFD, 0);
	EXPECT(RUMP_SYS_ioctl, 0, 0, 0, "ioctl(3, FIONBIO, [1]) = 0",
	    3, RUMP_FIONBIO, A(&one));
}
END_TEST

/* Addresses that are not there print as numbers. */
START_TEST(bad_memory)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map, want[128];

	map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(munmap(map + page, page), 0);
	EXPECT(RUMP_SYS_chdir, 0, 0, RUMP_EFAULT,
	    "chdir(0x10) = -1 EFAULT (Bad address)", 0x10);
	EXPECT(RUMP_SYS_chdir, 0, 0, RUMP_EFAULT,
	    "chdir(0xffffffffffffffff) = -1 EFAULT (Bad address)",
	    UINT64_MAX);
	EXPECT(RUMP_SYS_chdir, 0, 0, RUMP_EFAULT,
	    "chdir(NULL) = -1 EFAULT (Bad address)", 0);
	/* A string and a buffer that run into the hole. */
	memset(map + page - 4, 'z', 4);
	EXPECT(RUMP_SYS_chdir, 0, 0, RUMP_EFAULT,
	    "chdir(\"zzzz\"...) = -1 EFAULT (Bad address)",
	    A(map + page - 4));
	EXPECT(RUMP_SYS_write, 8, 0, 0, "write(1, \"zzzz\"..., 8) = 8",
	    1, A(map + page - 4), 8);
	snprintf(want, sizeof(want), "writev(1, [0x%lx], 1) = -1 EFAULT "
	    "(Bad address)", (unsigned long)A(map + page));
	EXPECT(RUMP_SYS_writev, 0, 0, RUMP_EFAULT, want, 1, A(map + page), 1);
	/* Counts of nonsense. */
	EXPECT(RUMP_SYS_poll, 0, 0, RUMP_EINVAL,
	    "poll([0x10], 4294967295, 0) = -1 EINVAL (Invalid argument)",
	    0x10, 0xffffffff, 0);
}
END_TEST

START_TEST(odd_calls)
{

	EXPECT(9999, 0, 0, RUMP_ENOSYS,
	    "syscall_9999(0x1, 0) = -1 ENOSYS (Function not implemented)",
	    1, 0);
	EXPECT(-1, 0, 0, RUMP_ENOSYS,
	    "syscall_-1(0x1) = -1 ENOSYS (Function not implemented)", 1);
	/* Fewer arguments than the call has. */
	EXPECT(RUMP_SYS_read, 0, 0, RUMP_EINVAL,
	    "read(3) = -1 EINVAL (Invalid argument)", 3);
	EXPECT(RUMP_SYS_getpid_with_ppid, 7, 1, 0,
	    "getpid() = 7 [1]", 0);
}
END_TEST

/* Calls whose result is an errno, whichever way it comes. */
START_TEST(results_that_are_errnos)
{

	EXPECT(RUMP_SYS___posix_fadvise50, RUMP_EINVAL, 0, 0,
	    "__posix_fadvise50(3, 0, 0, POSIX_FADV_NORMAL) = 22 EINVAL "
	    "(Invalid argument)", 3, 0, 0, 0, 0);
	EXPECT(RUMP_SYS___posix_fadvise50, 0, 0, RUMP_ENOTCONN,
	    "__posix_fadvise50(3, 0, 0, POSIX_FADV_NORMAL) = 57 ENOTCONN "
	    "(Socket is not connected)", 3, 0, 0, 0, 0);
	EXPECT(RUMP_SYS___posix_fadvise50, 0, 0, 0,
	    "__posix_fadvise50(3, 0, 0, POSIX_FADV_NORMAL) = 0",
	    3, 0, 0, 0, 0);
	/* A number that looks like one and is none. */
	EXPECT(RUMP_SYS_dup, RUMP_EINVAL, 0, 0, "dup(3) = 22", 3);
}
END_TEST

START_TEST(errno_is_kept)
{
	const uint64_t args[] = { 0x10 };
	const register_t retval[2] = { 0, 0 };

	errno = 4711;
	rump_trace_call(RUMP_SYS_chdir, args, 1, retval, RUMP_EFAULT, 0);
	ck_assert_int_eq(errno, 4711);
}
END_TEST

enum { THREADS = 4, LINES = 500 };

static void *
many(void *arg)
{
	const uint64_t args[] = { 1, A("some text"), 9 };
	const register_t retval[2] = { 9, 0 };
	int i;

	(void)arg;
	for (i = 0; i < LINES; i++)
		rump_trace_call(RUMP_SYS_write, args, 3, retval, 0, 1000);
	return NULL;
}

/* Threads and a child at once: every line whole, none missing. */
START_TEST(lines_do_not_mix)
{
	pthread_t t[THREADS];
	char *line, *save;
	int i, n = 0, status;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		many(NULL);
		_exit(0);
	}
	for (i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, many, NULL), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	for (line = strtok_r((char *)(uintptr_t)written(), "\n", &save);
	    line != NULL; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_int_eq(line[0], '[');
		ck_assert_str_eq(strchr(line, ']'),
		    "] write(1, \"some text\", 9) = 9 <0.000001>");
		n++;
	}
	ck_assert_int_eq(n, (THREADS + 1) * LINES);
}
END_TEST

/* The program closes every descriptor, and opens others in their place. */
START_TEST(closed_under_it)
{
	const uint64_t args[] = { 5 };
	const register_t retval[2] = { 0, 0 };
	struct stat st;
	int fd, other;

	for (fd = 64; fd < 128; fd++)
		close(fd);
	rump_trace_call(RUMP_SYS_close, args, 1, retval, 0, 0);
	ck_assert_ptr_nonnull(strstr(written(), "close(5) = 0"));

	other = memfd_create("other", 0);
	ck_assert_int_ge(other, 0);
	for (fd = 64; fd < 128; fd++)
		ck_assert_int_eq(dup2(other, fd), fd);
	ck_assert_int_eq(truncate(file, 0), 0);
	rump_trace_call(RUMP_SYS_close, args, 1, retval, 0, 0);
	ck_assert_ptr_nonnull(strstr(written(), "close(5) = 0"));
	ck_assert_int_eq(fstat(other, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
}
END_TEST

START_TEST(to_stderr)
{
	const uint64_t args[] = { 5 };
	const register_t retval[2] = { 0, 0 };
	char buf[256];
	int fds[2];
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], 2), 2);
	setenv("RUMPCLIENT_TRACE", "stderr", 1);
	rump_trace_init();
	rump_trace_call(RUMP_SYS_close, args, 1, retval, 0, 0);
	n = read(fds[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	ck_assert_ptr_nonnull(strstr(buf, "close(5) = 0 <0.000000>\n"));
}
END_TEST

START_TEST(off)
{
	const uint64_t args[] = { 5 };
	const register_t retval[2] = { 0, 0 };

	unsetenv("RUMPCLIENT_TRACE");
	rump_trace_call(RUMP_SYS_close, args, 1, retval, 0, 0);
	rump_trace_init();
	ck_assert(!rump_trace_enabled());
	setenv("RUMPCLIENT_TRACE", "stderr", 1);
	rump_trace_init();
	ck_assert(!rump_trace_enabled());
}
END_TEST

START_TEST(cannot_open)
{
	char buf[256];
	int fds[2];
	ssize_t n;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(dup2(fds[1], 2), 2);
	setenv("RUMPCLIENT_TRACE", "/nonexistent/dir/file", 1);
	rump_trace_init();
	ck_assert(!rump_trace_enabled());
	n = read(fds[0], buf, sizeof(buf) - 1);
	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	ck_assert_str_eq(buf, "rumpclient: RUMPCLIENT_TRACE: cannot open "
	    "/nonexistent/dir/file: No such file or directory; calls are not "
	    "traced\n");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trace");
	TCase *tc = tcase_create("names"), *lines = tcase_create("lines"),
	    *env = tcase_create("environment");

	tcase_add_test(tc, every_set_is_known);
	tcase_add_test(tc, sets_are_sound);
	tcase_add_test(tc, value_names);
	tcase_add_checked_fixture(lines, begin, end);
	tcase_add_test(lines, files);
	tcase_add_test(lines, cut_short);
	tcase_add_test(lines, structures);
	tcase_add_test(lines, bad_memory);
	tcase_add_test(lines, odd_calls);
	tcase_add_test(lines, results_that_are_errnos);
	tcase_add_test(lines, errno_is_kept);
	tcase_add_test(lines, lines_do_not_mix);
	tcase_add_test(lines, closed_under_it);
	tcase_add_test(env, to_stderr);
	tcase_add_test(env, off);
	tcase_add_test(env, cannot_open);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, lines);
	suite_add_tcase(s, env);
	return suite_run(s);
}
