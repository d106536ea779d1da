/*
 * What a call that nobody contends costs the client in system calls, counted
 * with ptrace(2).
 *
 * Each kind of call is made many times, with a getppid(2) between two of them
 * as a mark.  Now and then the server takes longer than the first receive
 * waits, and a signal or a timer gets in between: so the median counts.
 */
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/sanitizer.h"
#include "tests/lib/suite.h"

#define ROUNDS	101		/* odd: there is a median */
#define KIB64	65536

/* System calls of one rump call, by what they are for. */
struct cost {
	int sends, receives, masks, others;
};

static char data[KIB64];
static int fd;

/* --- the calls --- */

static bool
null_call(void)
{

	return rump_sys_getppid() == 1;
}

static bool
pwrite_1(void)
{

	return rump_sys_pwrite(fd, data, 1, 0) == 1;
}

static bool
pread_1(void)
{

	return rump_sys_pread(fd, data, 1, 0) == 1;
}

static bool
pwrite_64k(void)
{

	return rump_sys_pwrite(fd, data, KIB64, 0) == KIB64;
}

static bool
pread_64k(void)
{

	return rump_sys_pread(fd, data, KIB64, 0) == KIB64;
}

static bool
open_close(void)
{
	int n;

	n = rump_sys_open("/cost", RUMP_O_RDONLY);
	return n >= 0 && rump_sys_close(n) == 0;
}

/* --- the traced child --- */

static void
mark(void)
{

	syscall(SYS_getppid);
}

/* Connects, warms up, and stops; then does its rounds between marks. */
static void
traced(bool (*call)(void))
{
	int i;

	if (rumpclient_init() == -1)
		_exit(1);
	fd = rump_sys_open("/cost", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (fd == -1 || !pwrite_64k())
		_exit(2);
	for (i = 0; i < 10; i++) {
		if (!call())
			_exit(3);
	}
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
		_exit(4);
	raise(SIGSTOP);
	for (i = 0; i < ROUNDS; i++) {
		mark();
		if (!call())
			_exit(5);
	}
	mark();
	_exit(0);
}

/* --- counting --- */

static void
account(struct cost *c, uint64_t nr)
{

	switch (nr) {
	case SYS_sendto:
	case SYS_sendmsg:
		c->sends++;
		break;
	case SYS_recvfrom:
	case SYS_recvmsg:
		c->receives++;
		break;
	case SYS_rt_sigprocmask:
		c->masks++;
		break;
	default:
		c->others++;
	}
}

/* The number of the system call that the child enters. */
static uint64_t
entered(pid_t child)
{
	struct __ptrace_syscall_info info;

	ck_assert_int_gt(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info),
	    &info), 0);
	ck_assert_int_eq(info.op, PTRACE_SYSCALL_INFO_ENTRY);
	return info.entry.nr;
}

/* From one stop to the next; false when the child is done. */
static bool
resume(pid_t child, int *status)
{

	ck_assert_int_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	ck_assert_int_eq(waitpid(child, status, 0), child);
	return WIFSTOPPED(*status);
}

static void
count(bool (*call)(void), struct cost round[ROUNDS])
{
	int status, n;
	pid_t child;
	uint64_t nr;

	memset(round, 0, ROUNDS * sizeof(*round));
	child = fork();
	ck_assert_int_ne(child, -1);
	if (child == 0)
		traced(call);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSTOPPED(status), "%d", status);
	ck_assert_int_eq(ptrace(PTRACE_SETOPTIONS, child, NULL,
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	n = -1;
	while (n < ROUNDS && resume(child, &status)) {
		nr = entered(child);
		if (nr == SYS_getppid)
			n++;
		else if (n >= 0)
			account(&round[n], nr);
		ck_assert(resume(child, &status));	/* its end */
	}
	ck_assert_int_eq(n, ROUNDS);
	ck_assert_int_eq(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
	ck_assert_int_eq(status_of(child), 0);
}

static int
total(const struct cost *c)
{

	return c->sends + c->receives + c->masks + c->others;
}

static int
by_total(const void *a, const void *b)
{

	return total(a) - total(b);
}

static struct cost
median(const char *name, bool (*call)(void))
{
	struct cost round[ROUNDS], c;

	count(call, round);
	qsort(round, ROUNDS, sizeof(*round), by_total);
	c = round[ROUNDS / 2];
	printf("%-14s %d: send %d, receive %d, sigprocmask %d, other %d "
	    "(least %d, most %d)\n", name, total(&c), c.sends, c.receives,
	    c.masks, c.others, total(&round[0]), total(&round[ROUNDS - 1]));
	return c;
}

/* --- what must hold --- */

/* One send, one receive, two changes of the signal mask, nothing else. */
START_TEST(null)
{
	struct cost c;

	c = median("getppid", null_call);
	ck_assert_int_eq(c.sends, 1);
	ck_assert_int_eq(c.receives, 1);
	ck_assert_int_eq(c.masks, 2);
	ck_assert_int_eq(c.others, 0);
}
END_TEST

/* Two calls, and a copyinstr: its look at the string, its answer. */
START_TEST(path)
{
	struct cost c;

	c = median("open+close", open_close);
	ck_assert_int_eq(c.sends, 3);
	ck_assert_int_eq(c.receives, 3);
	ck_assert_int_eq(c.masks, 4);
	ck_assert_int_le(c.others, 2);
}
END_TEST

/* A copyin more: its request received, its answer sent. */
START_TEST(small_pwrite)
{
	struct cost c;

	c = median("pwrite 1", pwrite_1);
	ck_assert_int_eq(c.sends, 2);
	ck_assert_int_eq(c.receives, 2);
	ck_assert_int_eq(c.masks, 2);
	ck_assert_int_eq(c.others, 0);
}
END_TEST

/* The copyout travels with the answer; the data is written so that a bad
 * address does not kill us. */
START_TEST(small_pread)
{
	struct cost c;

	c = median("pread 1", pread_1);
	ck_assert_int_eq(c.sends, 1);
	ck_assert_int_eq(c.receives, 1);
	ck_assert_int_eq(c.masks, 2);
	ck_assert_int_le(c.others, 2);
}
END_TEST

/* In one piece; the socket may take it in two. */
START_TEST(large_pwrite)
{
	struct cost c;

	c = median("pwrite 64 KiB", pwrite_64k);
	ck_assert_int_le(c.sends, 4);
	ck_assert_int_eq(c.receives, 2);
	ck_assert_int_eq(c.masks, 2);
	ck_assert_int_le(c.others, 3);
}
END_TEST

/* What came with the header, and the rest in place. */
START_TEST(large_pread)
{
	struct cost c;

	c = median("pread 64 KiB", pread_64k);
	ck_assert_int_eq(c.sends, 1);
	ck_assert_int_le(c.receives, 5);
	ck_assert_int_eq(c.masks, 2);
	ck_assert_int_le(c.others, 3);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cost");
	TCase *tc = tcase_create("cost");

	tcase_add_checked_fixture(tc, daemon_start, daemon_stop);
	/* A sanitizer's runtime makes system calls of its own. */
	if (UNDER_TSAN) {
		skip("under a sanitizer");
	} else {
		tcase_add_test(tc, null);
		tcase_add_test(tc, path);
		tcase_add_test(tc, small_pwrite);
		tcase_add_test(tc, small_pread);
		tcase_add_test(tc, large_pwrite);
		tcase_add_test(tc, large_pread);
	}
	suite_add_tcase(s, tc);
	return suite_run(s);
}
