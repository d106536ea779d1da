/*
 * Servers that mean ill or die at the worst moment.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/client/fakeserver.h"
#include "tests/lib/suite.h"
#include "wire/frame.h"

static int64_t rv;

/* What a call answers is never taken for a failure of the library's own: the
 * call is not made again. */
START_TEST(negative_errors)
{
	int before, error, got;

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_INFTIME);
	for (error = -1; error >= -5; error--) {
		before = atomic_load(&fake.sh->calls);
		got = fake_call(FAKE_ERRNO, (uint64_t)error, 0, 0, &rv);
		ck_assert_int_eq(got, error == -3 ? RUMP_EINTR : RUMP_EIO);
		ck_assert_int_eq(atomic_load(&fake.sh->calls), before + 1);
	}
	got = fake_call(FAKE_ERRNO, (uint64_t)INT32_MIN, 0, 0, &rv);
	ck_assert_int_eq(got, RUMP_EIO);
	ck_assert_int_eq(fake_call(FAKE_ERRNO, 12345, 0, 0, &rv), 12345);
}
END_TEST

/* A socket that is not connected is not a server that is lost. */
START_TEST(not_connected_is_an_answer)
{

	rumpclient_setconnretry(RUMPCLIENT_RETRYCONN_DIE);
	ck_assert_int_eq(fake_call(FAKE_ERRNO, RUMP_ENOTCONN, 0, 0, &rv),
	    RUMP_ENOTCONN);
	ck_assert_int_eq(fake_call(FAKE_ECHO, 7, 0, 0, &rv), 0);
	ck_assert_int_eq(rv, 7);
}
END_TEST

/* --- widening one's own rights --- */

/* Lets the server write over 4 bytes at `length' during a call, and then at
 * p, which only what it has written there would allow. */
static void
try_widening(int num, uint64_t b, uint64_t c, void *length, void *p)
{
	unsigned char *q = p;

	*q = 0xee;
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)length, .len = 4 };
	fake.sh->ops[1] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)p, .len = 16 };
	ck_assert_int_eq(fake_call(num, 3, b, c, &rv), RUMP_EFAULT);
	ck_assert_uint_eq(*q, 0xee);
}

START_TEST(lengths_are_those_at_the_beginning)
{
	static char mem[4096];
	struct rump_mmsghdr mmsg;
	struct rump_msghdr msg;
	uint32_t len;

	len = 16;
	try_widening(RUMP_SYS_getsockname, (uintptr_t)mem, (uintptr_t)&len,
	    &len, mem + 100);
	ck_assert_uint_ne(len, 16);

	msg = (struct rump_msghdr){ .msg_control = mem,
	    .msg_controllen = 16 };
	try_widening(RUMP_SYS_recvmsg, (uintptr_t)&msg, 0,
	    &msg.msg_controllen, mem + 100);
	ck_assert_uint_ne(msg.msg_controllen, 16);

	mmsg.msg_hdr = (struct rump_msghdr){ .msg_control = mem,
	    .msg_controllen = 16 };
	try_widening(RUMP_SYS_recvmmsg, (uintptr_t)&mmsg, 1,
	    &mmsg.msg_hdr.msg_controllen, mem + 100);

	/* What is sent may be read only as far as the program said. */
	mmsg.msg_hdr.msg_controllen = 16;
	fake.sh->ops[0] = (struct fake_op){ .what = OP_COPYOUT,
	    .addr = (uintptr_t)&mmsg.msg_hdr.msg_controllen, .len = 4 };
	fake.sh->ops[1] = (struct fake_op){ .what = OP_COPYIN,
	    .addr = (uintptr_t)mem + 100, .len = 16 };
	ck_assert_int_eq(fake_call(RUMP_SYS_sendmmsg, 3, (uintptr_t)&mmsg, 1,
	    &rv), RUMP_EFAULT);
	ck_assert(fake.sh->ops[1].refused);
}
END_TEST

/* --- the server dies after so many bytes --- */

enum { PARTS = 3, PART_MAX = 8192, CALL_BYTES = 5000 };

/* What it says at once, after the handshake, after a call. */
static uint8_t parts[PARTS][PART_MAX];
static size_t lens[PARTS];
static uint8_t memory[CALL_BYTES];

static void
add(unsigned part, unsigned class, unsigned type, uint64_t reqno, uint32_t u,
    const void *body, size_t len)
{
	struct frame_hdr hdr = frame_hdr(class, type, reqno, u, len);

	ck_assert_uint_le(lens[part] + sizeof(hdr) + len, PART_MAX);
	memcpy(parts[part] + lens[part], &hdr, sizeof(hdr));
	if (len > 0)
		memcpy(parts[part] + lens[part] + sizeof(hdr), body, len);
	lens[part] += sizeof(hdr) + len;
}

static void
prepare(void)
{
	static const char banner[] = "RUMPSP-0.4-Fake-1/any\n";
	static struct {
		struct frame_copy copy;
		uint8_t data[CALL_BYTES];
	} out;
	struct frame_copy copy = { 64, (uintptr_t)memory };
	struct frame_sysresp resp = { .error = 0 };
	const uint64_t page = 4096;
	const int32_t zero = 0;

	memcpy(parts[0], banner, sizeof(banner) - 1);
	lens[0] = sizeof(banner) - 1;
	add(1, FRAME_RESP, FRAME_HANDSHAKE, 1, 0, &zero, sizeof(zero));
	add(2, FRAME_REQ, FRAME_COPYIN, 0, 0, &copy, sizeof(copy));
	add(2, FRAME_REQ, FRAME_COPYINSTR, 1, 0, &copy, sizeof(copy));
	out.copy = (struct frame_copy){ 30, (uintptr_t)memory };
	add(2, FRAME_REQ, FRAME_COPYOUT, 2, 0, &out, sizeof(out.copy) + 30);
	add(2, FRAME_REQ, FRAME_ANONMMAP, 3, 0, &page, sizeof(page));
	add(2, FRAME_REQ, FRAME_RAISE, 4, 30, NULL, 0);
	add(2, FRAME_RESP, FRAME_SYSCALL, 2, 0, &resp, sizeof(resp));
	/* Received in place: the last part is cut in larger steps. */
	out.copy = (struct frame_copy){ CALL_BYTES, (uintptr_t)memory };
	add(2, FRAME_REQ, FRAME_COPYOUT, 5, 0, &out, sizeof(out));
}

static unsigned
count_fds(void)
{
	unsigned n;
	DIR *d;

	d = opendir("/proc/self/fd");
	if (d == NULL)
		_exit(90);
	for (n = 0; readdir(d) != NULL; n++)
		continue;
	closedir(d);
	return n;
}

static int
read_call(void)
{
	const uint64_t a[3] = { 3, (uintptr_t)memory, sizeof(memory) };
	register_t r[2];

	return rumpclient_syscall(RUMP_SYS_read, a, sizeof(a), r);
}

static void *
make_calls(void *arg)
{
	int error, i;

	(void)arg;
	for (i = 0; i < 3; i++) {
		/* It wants to read what read(2) does not name for that. */
		error = read_call();
		if (error != RUMP_EFAULT && error != RUMP_ENOTCONN)
			_exit(91);
	}
	return NULL;
}

/* The program; its exit status says what was wrong. */
static void
client(void)
{
	unsigned before;
	pthread_t t;

	alarm((unsigned)patience_ms() / 1000);
	signal(SIGUSR1, SIG_IGN);
	if (freopen("/dev/null", "w", stderr) == NULL)
		_exit(92);
	before = count_fds();
	if (rumpclient_init() == 0) {
		if (pthread_create(&t, NULL, make_calls, NULL) != 0)
			_exit(93);
		make_calls(NULL);
		pthread_join(t, NULL);
		if (read_call() != RUMP_ENOTCONN)
			_exit(94);
	}
	_exit(count_fds() == before ? 0 : 95);
}

static bool
hear_frame(int fd)
{
	struct frame_hdr hdr;
	char body[256];

	return recv(fd, &hdr, sizeof(hdr), MSG_WAITALL) == sizeof(hdr) &&
	    (hdr.len == sizeof(hdr) || recv(fd, body,
	    (size_t)hdr.len - sizeof(hdr), MSG_WAITALL) > 0);
}

static void
serve(int fd, size_t cut)
{
	char rest[4096];
	size_t n;
	unsigned i;

	for (i = 0; i < PARTS; i++) {
		if (i > 0 && !hear_frame(fd))
			break;
		n = lens[i] < cut ? lens[i] : cut;
		(void)send(fd, parts[i], n, MSG_NOSIGNAL);
		cut -= n;
		if (n < lens[i])
			break;
	}
	/* Half of the time with what the client says unread. */
	if (cut % 2 == 0)
		(void)recv(fd, rest, sizeof(rest), MSG_DONTWAIT);
	close(fd);
}

START_TEST(dies_at_every_byte)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/rumpgen-dies-XXXXXX", locator[128];
	size_t cut, total;
	int fd, l, status;
	pid_t pid;

	prepare();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/sock", dir);
	snprintf(locator, sizeof(locator), "unix://%s", sun.sun_path);
	setenv("RUMP_SERVER", locator, 1);
	l = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(l, 5), 0);

	total = lens[0] + lens[1] + lens[2];
	for (cut = 0; cut <= total;
	    cut += total - cut > CALL_BYTES ? 1 : 311) {
		pid = fork();
		ck_assert_int_ne(pid, -1);
		if (pid == 0) {
			close(l);
			client();
		}
		fd = accept4(l, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ne(fd, -1);
		serve(fd, cut);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "after %zu bytes: status 0x%x", cut, status);
	}
	close(l);
	unlink(sun.sun_path);
	rmdir(dir);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostile servers");
	TCase *tc = tcase_create("answers");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fake_setup_connected, fake_teardown);
	tcase_add_test(tc, negative_errors);
	tcase_add_test(tc, not_connected_is_an_answer);
	tcase_add_test(tc, lengths_are_those_at_the_beginning);
	suite_add_tcase(s, tc);
	tc = tcase_create("death");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, dies_at_every_byte);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
