/*
 * Sessions of one process: every kind of locator and of bad locator, data
 * small and large, many calls at once, the tracer, the guard.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/suite.h"
#include "wire/locator.h"

#define MIB	((size_t)1024 * 1024)

static void
start_connected(void)
{

	daemon_start();
	ck_assert_int_eq(rumpclient_init(), 0);
}

/* --- where the server is --- */

/* What any session must be able to do. */
static void
use(void)
{
	char path[128], buf[8];
	int fd;

	ck_assert_int_gt(rump_sys_getpid(), 1);
	ck_assert_int_eq(rump_sys_getppid(), 1);
	fd = rump_sys_open("/used", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rump_sys_write(fd, "session", 7), 7);
	ck_assert_int_eq(rump_sys_pread(fd, buf, 8, 3), 4);
	ck_assert_int_eq(memcmp(buf, "sion", 4), 0);
	ck_assert_int_eq(rump_sys_close(fd), 0);
	snprintf(path, sizeof(path), "%s/used", daemon_root());
	ck_assert_str_eq(contents(path), "session");
	errno = 0;
	ck_assert_int_eq(rump_sys_close(fd), -1);
	ck_assert_int_eq(errno, EBADF);
}

static const char *const places[] = {
	NULL, "tcp://127.0.0.1:0/", "tcp6://[::1]:0/"
};

START_TEST(every_locator)
{
	int before;

	daemon_start_at(places[_i]);
	before = open_descriptors();
	ck_assert_int_eq(rumpclient_init(), 0);
	use();
	/* Socket, signalfd, eventfd; init is idempotent. */
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(open_descriptors(), before + 3);
	ck_assert_int_eq(daemon_counter("clients"), 1);
}
END_TEST

START_TEST(host_name)
{
	char locator[64];
	unsigned port;

	daemon_start_at("tcp://127.0.0.1:0/");
	if (skip_unless_localhost())
		return;
	ck_assert_int_eq(sscanf(daemon_locator(), "tcp://127.0.0.1:%u/",
	    &port), 1);
	snprintf(locator, sizeof(locator), "tcp://localhost:%u", port);
	setenv("RUMP_SERVER", locator, 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	use();
}
END_TEST

/* A relative path is meant from where init was called. */
START_TEST(relative_path)
{

	ck_assert_int_eq(chdir(daemon_dir()), 0);
	setenv("RUMP_SERVER", "unix://sock", 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	ck_assert_int_eq(chdir("/"), 0);
	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_ONCE);
	use();
	daemon_kill();
	daemon_again();
	capture();
	(void)rump_sys_getpid();	/* may meet the old connection */
	ck_assert_int_gt(rump_sys_getpid(), 1);
	captured();
}
END_TEST

/* A connected descriptor of the parent's, made non-blocking as other event
 * loops' are. */
START_TEST(inherited_descriptor)
{
	char why[LOCATOR_WHY], text[32];
	struct locator loc;
	int fd;

	ck_assert_int_eq(locator_parse(&loc, daemon_locator(), LOCATOR_CLIENT,
	    why), 0);
	fd = locator_connect(&loc);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	snprintf(text, sizeof(text), "fd://%d", fd);
	setenv("RUMP_SERVER", text, 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	use();
	capture();
	errno = 0;
	ck_assert_ptr_null(rumpclient_prefork());
	ck_assert_int_eq(errno, EOPNOTSUPP);
	ck_assert_ptr_nonnull(strstr(captured(), "second connection"));
	use();
}
END_TEST

/* --- where it is not --- */

static const struct {
	const char *value;	/* NULL: unset */
	int error;
	const char *say;
} bad[] = {
	{ NULL, ENOENT, "set RUMP_SERVER" },
	{ "", EINVAL, "RUMP_SERVER: " },
	{ "/tmp/sock", EINVAL, "RUMP_SERVER: /tmp/sock: " },
	{ "unix://", EINVAL, "RUMP_SERVER: unix://: " },
	{ "http://localhost:80/", EINVAL, "http://localhost:80/: " },
	{ "tcp://127.0.0.1:99999/", EINVAL, "'99999'" },
	{ "tcp://127.0.0.1:80/x", EINVAL, "tcp://127.0.0.1:80/x: " },
	{ "tcp6://::1:80/", EINVAL, "tcp6://::1:80/: " },
	{ "fd://x", EINVAL, "fd://x: " },
	{ "fd://200", EBADF, "fd://200: cannot connect" },
	{ "unix:///nonexistent/sock", ENOENT, "cannot connect: No such file" },
	{ "tcp://127.0.0.1:1/", ECONNREFUSED, "cannot connect: Connection "
	  "refused" },
};

START_TEST(bad_locator)
{
	const char *text;
	int before;

	if (bad[_i].value == NULL)
		unsetenv("RUMP_SERVER");
	else
		setenv("RUMP_SERVER", bad[_i].value, 1);
	before = open_descriptors();
	capture();
	errno = 0;
	ck_assert_int_eq(rumpclient_init(), -1);
	ck_assert_int_eq(errno, bad[_i].error);
	text = captured();
	ck_assert_msg(strstr(text, bad[_i].say) != NULL, "%s", text);
	ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
	ck_assert_int_eq(open_descriptors(), before);
	errno = 0;
	ck_assert_int_eq(rump_sys_getpid(), -1);
	ck_assert_int_eq(errno, ENOTCONN);

	/* And then with a good one. */
	setenv("RUMP_SERVER", daemon_locator(), 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	use();
}
END_TEST

static const char *const speeches[] = {
	"220 mail.example.org ESMTP\r\n", "RUMPSP-9.0-X-1/y\n", "", "\n"
};

/* A server of another kind. */
START_TEST(not_a_rump_server)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char locator[128];
	const char *text;
	int fd, s, before;
	pid_t pid;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/other", daemon_dir());
	snprintf(locator, sizeof(locator), "unix://%s", sun.sun_path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		s = accept(fd, NULL, NULL);
		_exit(send(s, speeches[_i], strlen(speeches[_i]), 0) == -1);
	}
	close(fd);
	setenv("RUMP_SERVER", locator, 1);
	before = open_descriptors();
	capture();
	errno = 0;
	ck_assert_int_eq(rumpclient_init(), -1);
	ck_assert_int_eq(errno, *speeches[_i] == '\0' ? ECONNRESET : EPROTO);
	text = captured();
	ck_assert_ptr_nonnull(strstr(text, locator));
	ck_assert_ptr_nonnull(strstr(text, *speeches[_i] == '\0' ?
	    "hung up before its banner" : *speeches[_i] == 'R' ?
	    "another version" : "banner"));
	ck_assert_int_eq(open_descriptors(), before);
	ck_assert_int_eq(status_of(pid), 0);
}
END_TEST

/* --- data --- */

static char *
pattern(size_t len)
{
	char *p;
	size_t i;

	p = malloc(len);
	ck_assert_ptr_nonnull(p);
	for (i = 0; i < len; i++)
		p[i] = (char)(i * 31 + i / 4096);
	return p;
}

static const size_t sizes[] = { 1, 4095, 65536, 5 * MIB + 1 };

START_TEST(data_of_all_sizes)
{
	size_t len = sizes[_i], at;
	char *out, *in;
	ssize_t n;
	int fd;

	out = pattern(len);
	in = calloc(1, len);
	fd = rump_sys_open("/data", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(rump_sys_write(fd, out, len), (ssize_t)len);
	ck_assert_int_eq(rump_sys_lseek(fd, 0, RUMP_SEEK_SET), 0);
	for (at = 0; at < len; at += (size_t)n) {
		n = rump_sys_read(fd, in + at, len - at);
		ck_assert_int_gt(n, 0);
	}
	ck_assert_int_eq(memcmp(in, out, len), 0);
	ck_assert_int_eq(rump_sys_read(fd, in, 1), 0);
	ck_assert_int_eq(rump_sys_close(fd), 0);
	free(in);
	free(out);
}
END_TEST

/* Memory that is not there fails the call, not the process; what is there of
 * it may have been used. */
START_TEST(bad_addresses)
{
	void *nowhere = (void *)(uintptr_t)4096;
	char c = 'x';
	int fd[2];

	ck_assert_int_eq(rump_sys_pipe(fd), 0);
	errno = 0;
	ck_assert_int_eq(rump_sys_write(fd[1], nowhere, 10), -1);
	ck_assert_int_eq(errno, EFAULT);
	errno = 0;
	ck_assert_int_eq(rump_sys_write(fd[1], nowhere, 60000), -1);
	ck_assert_int_eq(errno, EFAULT);
	errno = 0;
	ck_assert_int_eq(rump_sys_open(nowhere, RUMP_O_RDONLY), -1);
	ck_assert_int_eq(errno, EFAULT);
	ck_assert_int_eq(rump_sys_write(fd[1], &c, 1), 1);
	errno = 0;
	ck_assert_int_eq(rump_sys_read(fd[0], nowhere, 1), -1);
	ck_assert_int_eq(errno, EFAULT);
	use();
}
END_TEST

/* --- many at once --- */

#define FLIGHT	200

static int flight_pipe[2];

static void *
read_one(void *arg)
{
	char c = 0;

	(void)arg;
	if (rump_sys_read(flight_pipe[0], &c, 1) != 1)
		return NULL;
	return (void *)(uintptr_t)(unsigned char)c;
}

START_TEST(calls_in_flight)
{
	pthread_t t[FLIGHT];
	pthread_attr_t attr;
	bool seen[256] = { false };
	char bytes[FLIGHT];
	void *got;
	int i;

	ck_assert_int_eq(rump_sys_pipe(flight_pipe), 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (i = 0; i < FLIGHT; i++) {
		ck_assert_int_eq(pthread_create(&t[i], &attr, read_one, NULL),
		    0);
		bytes[i] = (char)(i + 1);
	}
	pthread_attr_destroy(&attr);
	ck_assert(daemon_wait("calls_now", FLIGHT));
	/* Other calls go on beside them. */
	use();
	ck_assert_int_eq(rump_sys_write(flight_pipe[1], bytes, FLIGHT),
	    FLIGHT);
	for (i = 0; i < FLIGHT; i++) {
		pthread_join(t[i], &got);
		ck_assert_ptr_nonnull(got);
		ck_assert(!seen[(uintptr_t)got]);
		seen[(uintptr_t)got] = true;
	}
	ck_assert(daemon_wait("calls_now", 0));
}
END_TEST

/* Threads with files of their own: every answer goes to who asked. */
static void *
own_file(void *arg)
{
	char path[32], out[5000], in[5000];
	size_t len;
	int i, fd;

	snprintf(path, sizeof(path), "/own%d", (int)(uintptr_t)arg);
	for (i = 0; i < 40; i++) {
		len = (size_t)(1 + i * 120);
		memset(out, (int)(uintptr_t)arg + i, len);
		fd = rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT, 0600);
		if (fd == -1 ||
		    rump_sys_pwrite(fd, out, len, 0) != (ssize_t)len ||
		    rump_sys_pread(fd, in, len, 0) != (ssize_t)len ||
		    memcmp(in, out, len) != 0 || rump_sys_close(fd) != 0)
			return (void *)"file";
		if (rump_sys_open(path, RUMP_O_RDWR | RUMP_O_CREAT |
		    RUMP_O_EXCL, 0600) != -1 || errno != EEXIST)
			return (void *)"errno";
	}
	return NULL;
}

START_TEST(threads_of_all_kinds_of_calls)
{
	pthread_t t[12];
	uintptr_t i;
	void *bad_at;

	for (i = 0; i < 12; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, own_file,
		    (void *)i), 0);
	for (i = 0; i < 12; i++) {
		pthread_join(t[i], &bad_at);
		ck_assert_msg(bad_at == NULL, "%s", (char *)bad_at);
	}
}
END_TEST

/* --- tracer, guard --- */

/* The lines of a session that the environment, not the program, has traced. */
START_TEST(traced)
{
	static const char *const lines[] = {
		"getpid() = ", " [1] <0.",
		"open(\"/traced\", O_RDWR|O_CREAT, 0600) = 3 <0.",
		"write(3, \"hello\", 5) = 5 <",
		"pread(3, \"ell\", 3, ", "= 3 <",
		"open(\"/none\", O_RDONLY", "= -1 ENOENT (",
		"close(7) = -1 EBADF (",
	};
	char path[96], buf[8];
	const char *text, *p;
	size_t i;
	int n;

	snprintf(path, sizeof(path), "%s/trace", daemon_dir());
	setenv("RUMPCLIENT_TRACE", path, 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	(void)rump_sys_getpid();
	ck_assert_int_eq(rump_sys_open("/traced", RUMP_O_RDWR | RUMP_O_CREAT,
	    0600), 3);
	ck_assert_int_eq(rump_sys_write(3, "hello", 5), 5);
	ck_assert_int_eq(rump_sys_pread(3, buf, 3, 1), 3);
	ck_assert_int_eq(rump_sys_open("/none", RUMP_O_RDONLY), -1);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(rump_sys_close(7), -1);
	ck_assert_int_eq(errno, EBADF);

	text = contents(path);
	for (i = 0, p = text; i < sizeof(lines) / sizeof(lines[0]); i++) {
		p = strstr(p, lines[i]);
		ck_assert_msg(p != NULL, "no %s in\n%s", lines[i], text);
	}
	for (n = 0, p = text; (p = strchr(p, '\n')) != NULL; p++)
		n++;
	ck_assert_int_eq(n, 6);
}
END_TEST

/* With the guard on and off a well-behaved server is served alike, through
 * every kind of extent. */
START_TEST(guard_is_not_in_the_way)
{
	struct rump_iovec iov[2];
	struct rump_msghdr msg = { 0 };
	char a[3] = "", b[4] = "", path[32] = "/g";
	struct rump_stat st;
	int fd[2];

	setenv("RUMPCLIENT_GUARD", _i ? "on" : "off", 1);
	ck_assert_int_eq(rumpclient_init(), 0);
	capture();
	use();
	ck_assert_int_eq(rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_STREAM,
	    0, fd), 0);
	iov[0] = (struct rump_iovec){ "abc", 3 };
	iov[1] = (struct rump_iovec){ "defg", 4 };
	ck_assert_int_eq(rump_sys_writev(fd[0], (void *)iov, 2), 7);
	iov[0] = (struct rump_iovec){ a, 3 };
	iov[1] = (struct rump_iovec){ b, 4 };
	msg.msg_iov = iov;
	msg.msg_iovlen = 2;
	ck_assert_int_eq(rump_sys_recvmsg(fd[1], (void *)&msg, 0), 7);
	ck_assert_int_eq(memcmp(a, "abc", 3), 0);
	ck_assert_int_eq(memcmp(b, "defg", 4), 0);
	ck_assert_int_eq(rump_sys_mkdir(path, 0700), 0);
	ck_assert_int_eq(rump_sys_stat(path, (void *)&st), 0);
	ck_assert(RUMP_S_ISDIR(st.st_mode));
	ck_assert_str_eq(captured(), "");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *places_tc = tcase_create("places");
	TCase *start_tc = tcase_create("start");
	TCase *data_tc = tcase_create("data");

	tcase_add_checked_fixture(places_tc, NULL, daemon_stop);
	tcase_add_loop_test(places_tc, every_locator, 0, 3);
	tcase_add_test(places_tc, host_name);
	suite_add_tcase(s, places_tc);

	tcase_add_checked_fixture(start_tc, daemon_start, daemon_stop);
	tcase_add_test(start_tc, relative_path);
	tcase_add_test(start_tc, inherited_descriptor);
	tcase_add_loop_test(start_tc, bad_locator, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_loop_test(start_tc, not_a_rump_server, 0,
	    sizeof(speeches) / sizeof(speeches[0]));
	tcase_add_test(start_tc, traced);
	tcase_add_loop_test(start_tc, guard_is_not_in_the_way, 0, 2);
	suite_add_tcase(s, start_tc);

	tcase_add_checked_fixture(data_tc, start_connected, daemon_stop);
	tcase_add_loop_test(data_tc, data_of_all_sizes, 0,
	    sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(data_tc, bad_addresses);
	tcase_add_test(data_tc, calls_in_flight);
	tcase_add_test(data_tc, threads_of_all_kinds_of_calls);
	suite_add_tcase(s, data_tc);

	return suite_run(s);
}
