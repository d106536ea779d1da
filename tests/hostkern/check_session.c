/*
 * The host kernel through the real client library: what a program sees of
 * fork and exec.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

struct shared {
	int fd;			/* a file, at offset 3 */
	int rd, wr;		/* a pipe */
	pid_t parent;
};

static int
forked_child(void *arg)
{
	struct shared *s = arg;
	char buf[8] = "";

	if (rump_sys_getpid() == s->parent || rump_sys_getppid() != s->parent)
		return 1;
	if (rump_sys_read(s->fd, buf, sizeof(buf)) != 3 ||
	    strcmp(buf, "def") != 0)
		return 2;
	if (rump_sys_close(s->wr) != 0)
		return 3;
	memset(buf, 0, sizeof(buf));
	if (rump_sys_read(s->rd, buf, sizeof(buf)) != 5 ||
	    strcmp(buf, "piped") != 0)
		return 4;
	if (rump_sys_read(s->rd, buf, sizeof(buf)) != 0)
		return 5;
	return 0;
}

START_TEST(fork_shares_files_and_pipes)
{
	struct shared s;
	int fd[2];
	char buf[3];
	pid_t pid;

	s.parent = rump_sys_getpid();
	s.fd = rump_sys_open("/f", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(s.fd, 3);
	ck_assert_int_eq(rump_sys_write(s.fd, "abcdef", 6), 6);
	ck_assert_int_eq(rump_sys_lseek(s.fd, 0, RUMP_SEEK_SET), 0);
	ck_assert_int_eq(rump_sys_read(s.fd, buf, 3), 3);
	ck_assert_int_eq(rump_sys_pipe(fd), 0);
	s.rd = fd[0];
	s.wr = fd[1];
	pid = guest_start(true, forked_child, &s);
	ck_assert_int_eq(rump_sys_write(s.wr, "piped", 5), 5);
	ck_assert_int_eq(rump_sys_close(s.wr), 0);
	ck_assert_int_eq(guest_wait(pid), 0);
	/* The child moved the offset that both have. */
	ck_assert_int_eq(rump_sys_lseek(s.fd, 0, RUMP_SEEK_CUR), 6);
}
END_TEST

static int
stranger(void *arg)
{
	struct shared *s = arg;

	if (rump_sys_getppid() != 1)
		return 1;
	if (rump_sys_close(s->fd) != -1 || errno != EBADF)
		return 2;
	return rump_sys_open("/f", RUMP_O_RDONLY) == 3 ? 0 : 3;
}

START_TEST(a_new_guest_has_nothing_of_ours)
{
	struct shared s;

	s.fd = rump_sys_open("/f", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(s.fd, 3);
	ck_assert_int_eq(guest_wait(guest_start(false, stranger, &s)), 0);
}
END_TEST

static int
becomes_another_image(void *arg)
{
	char pid[16], kept[16], closed[16];
	char *argv[] = { "prog_image", pid, kept, closed, NULL };
	extern char **environ;
	int fd, fd2;

	(void)arg;
	if (rump_sys_mkdir("/d", 0755) != 0 || rump_sys_chdir("/d") != 0)
		return 1;
	fd = rump_sys_open("file", RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	if (rump_sys_write(fd, "kept", 4) != 4 ||
	    rump_sys_lseek(fd, 0, RUMP_SEEK_SET) != 0)
		return 2;
	fd2 = rump_sys_open("file", RUMP_O_RDONLY | RUMP_O_CLOEXEC);
	snprintf(pid, sizeof(pid), "%d", (int)rump_sys_getpid());
	snprintf(kept, sizeof(kept), "%d", fd);
	snprintf(closed, sizeof(closed), "%d", fd2);
	/* One that fails leaves everything as it was. */
	if (rumpclient_exec("/nonexistent", argv, environ) != -1 ||
	    rump_sys_fcntl(fd2, RUMP_F_GETFD, NULL) != RUMP_FD_CLOEXEC)
		return 3;
	rumpclient_exec(RUMPGEN_BUILD "/tests/hostkern/prog_image", argv,
	    environ);
	return 4;
}

START_TEST(exec_keeps_the_process)
{

	ck_assert_int_eq(guest_wait(guest_start(true, becomes_another_image,
	    NULL)), 0);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_test(t, fork_shares_files_and_pipes);
	tcase_add_test(t, a_new_guest_has_nothing_of_ours);
	tcase_add_test(t, exec_keeps_the_process);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern session", host_start,
	    host_stop, add_tests));
}
