/*
 * What a guest must not be able to do: be somebody else towards the host, be
 * given a way out of the root, or use up what all share.
 */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "message.h"
#include "raw.h"
#include "ways.h"

enum { SOMEBODY = 1000 };

static void
become_somebody(struct raw_guest *g)
{

	OK(g, setgid, SOMEBODY);
	OK(g, setuid, SOMEBODY);
}

/* --- identity: of a server that is root --- */

START_TEST(privileges_are_the_guests)
{
	struct rump_sockaddr_in low = { .sin_len = sizeof(low),
	    .sin_family = RUMP_AF_INET, .sin_port = 0xff03,	/* 1023 */
	    .sin_addr = { 0x0100007f } };
	int s;

	OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_RAW, 1);
	become_somebody(G);
	ck_assert_int_eq(CALL(G, __socket30, RUMP_AF_INET, RUMP_SOCK_RAW, 1),
	    RUMP_EPERM);
	s = (int)OK(G, __socket30, RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	ck_assert_int_eq(CALL(G, bind, s, P(&low), sizeof(low)),
	    RUMP_EACCES);
}
END_TEST

/* A service of the host at /service. */
static int
host_listener(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    raw_host(&S, "service"));
	ck_assert_int_eq(bind(s, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(chmod(sun.sun_path, 0777), 0);
	ck_assert_int_eq(listen(s, 4), 0);
	return s;
}

static uid_t
sender_of_next(int c)
{
	_Alignas(8) char control[CMSG_SPACE(sizeof(struct ucred))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control, .msg_controllen = sizeof(control) };
	struct ucred uc;

	ck_assert_int_eq(recvmsg(c, &mh, 0), 1);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&mh));
	memcpy(&uc, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(uc));
	return uc.uid;
}

START_TEST(services_of_the_host_see_the_guest)
{
	struct rump_sockaddr_un to = local("/service");
	int c, l = host_listener(), on = 1, s;
	socklen_t len = sizeof(struct ucred);
	struct ucred uc;

	become_somebody(G);
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, connect, s, P(&to), to.sun_len);
	c = accept(l, NULL, NULL);
	ck_assert_int_eq(setsockopt(c, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)), 0);
	ck_assert_int_eq(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &len),
	    0);
	ck_assert_uint_eq(uc.uid, SOMEBODY);
	ck_assert_uint_eq(uc.gid, SOMEBODY);
	OK(G, sendto, s, P("a"), 1, 0, 0, 0);
	ck_assert_uint_eq(sender_of_next(c), SOMEBODY);
	OK(G, write, s, P("b"), 1);
	ck_assert_uint_eq(sender_of_next(c), SOMEBODY);
	close(c);
	close(l);
}
END_TEST

START_TEST(clients_of_the_host_see_the_guest)
{
	struct rump_sockaddr_un at = local("/door");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(struct ucred);
	struct ucred uc;
	int c, s;

	become_somebody(G);
	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, s, P(&at), at.sun_len);
	OK(G, listen, s, 1);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
	    raw_host(&S, "door"));
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(c, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &uc, &len),
	    0);
	ck_assert_uint_eq(uc.uid, SOMEBODY);
	close(c);
}
END_TEST

/* The thread that serves both was the superuser a moment ago. */
START_TEST(set_id_bits_go_with_a_write)
{
	struct raw_guest *other = raw_guest(&S, "root");
	const int changes = 3;
	struct stat st;
	int fd, i;

	become_somebody(other);
	for (i = 0; i < changes; i++) {
		fd = raw_open(other, "/tool", RUMP_O_RDWR | RUMP_O_CREAT,
		    0755);
		OK(other, write, fd, P("#!"), 2);
		OK(other, fchmod, fd, 04755);
		OK(G, mkdir, P("/dir"), 0755);
		OK(G, rmdir, P("/dir"));
		if (i == 0)
			OK(other, write, fd, P("x"), 1);
		else if (i == 1)
			OK(other, ftruncate, fd, 0, 1);
		else
			OK(other, posix_fallocate, fd, 0, 0, 8);
		ck_assert_int_eq(stat(raw_host(&S, "tool"), &st), 0);
		ck_assert_msg((st.st_mode & 07777) == 0755, "change %d", i);
		OK(other, close, fd);
		OK(other, unlink, P("/tool"));
	}
	raw_leave(other);
}
END_TEST

static void
not_shut_in(void)
{

	raw_shut_in = false;
}

/* From now on no thread of this process can make that system call with `arg'
 * as the second argument. */
static void
forbid(uint32_t call, uint32_t arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arg, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_TSYNC, &prog), 0);
}

/* A thread that is somebody already is not made that once more. */
START_TEST(same_ids_cost_nothing)
{
	struct raw_guest *other;

	raw_leave(G);
	raw_stop(&S);
	ck_assert_int_eq(setgroups(0, NULL), 0);
	raw_setup();
	OK(G, mkdir, P("/dir"), 0755);
	other = raw_guest(&S, "other");
	forbid(SYS_setresgid, 0);
	OK(other, access, P("/dir"), RUMP_W_OK);
	OK(other, rmdir, P("/dir"));
	OK(G, mkdir, P("/dir"), 0755);
	raw_leave(other);
}
END_TEST

/* A group that the host has not for us: the file has the guest's. */
START_TEST(impossible_group_of_a_directory)
{
	struct stat st;

	OK(G, mkdir, P("/dir"), 0755);
	OK(G, chown, P("/dir"), 0, 20);
	forbid(SYS_setresgid, 20);
	OK(G, mkdir, P("/dir/dir"), 0755);
	ck_assert_int_eq(stat(raw_host(&S, "dir/dir"), &st), 0);
	ck_assert_uint_eq(st.st_gid, getegid());
}
END_TEST

/* --- roots --- */

/* The server's memory is below /proc. */
START_TEST(roots_that_are_none)
{
	const char *const roots[] = { "/proc", "/proc/self", "/dev/null",
	    "/nonexistent", "" };
	struct hostkern_config conf = { .console_fd = -1 };
	char why[200];
	size_t i;

	for (i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
		conf.root = roots[i];
		why[0] = '\0';
		ck_assert_ptr_null(hostkern_create(&conf, why, sizeof(why)));
		ck_assert_ptr_nonnull(strstr(why, roots[i]));
	}
}
END_TEST

/* --- what all share --- */

START_TEST(descriptors_leave_room_for_the_server)
{
	struct rlimit rl = { 256, 256 };
	struct raw_guest *late;
	int32_t p[2];
	int error, kq;
	struct rump_kevent kev = { .filter = RUMP_EVFILT_TIMER,
	    .flags = RUMP_EV_ADD, .data = 1000000 };

	raw_leave(G);
	raw_stop(&S);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
	raw_setup();
	kq = (int)OK0(G, kqueue);
	while ((error = CALL(G, pipe2, P(p), 0)) == 0)
		continue;
	ck_assert_int_eq(error, RUMP_ENFILE);
	for (error = 0; error == 0; kev.ident++)
		error = CALL(G, __kevent50, kq, P(&kev), 1, 0, 0, 0);
	ck_assert_int_eq(error, RUMP_ENFILE);
	late = raw_guest(&S, "late");
	OK0(late, getpid);
	raw_leave(late);
}
END_TEST

START_TEST(locked_ranges_have_an_end)
{
	struct rump_flock fl = { .l_type = RUMP_F_WRLCK,
	    .l_whence = RUMP_SEEK_SET, .l_len = 1 };
	int error, fd = raw_open(G, "/f", RUMP_O_RDWR | RUMP_O_CREAT, 0644);

	while ((error = CALL(G, fcntl, fd, RUMP_F_SETLK, P(&fl))) == 0)
		fl.l_start += 2;
	ck_assert_int_eq(error, RUMP_ENOLCK);
	ck_assert_int_eq(fl.l_start, 2 * 1024);
	/* Letting go makes room. */
	fl.l_type = RUMP_F_UNLCK;
	fl.l_start = 0;
	OK(G, fcntl, fd, RUMP_F_SETLK, P(&fl));
	fl.l_type = RUMP_F_WRLCK;
	OK(G, fcntl, fd, RUMP_F_SETLK, P(&fl));
	OK(G, close, fd);
	fd = raw_open(G, "/f", RUMP_O_RDWR, 0);
	OK(G, fcntl, fd, RUMP_F_SETLK, P(&fl));
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("hostkern confinement");
	TCase *t = tcase_create("identity");

	tcase_add_checked_fixture(t, raw_setup, raw_teardown);
	if (geteuid() == 0) {
		tcase_add_test(t, privileges_are_the_guests);
		tcase_add_test(t, services_of_the_host_see_the_guest);
		tcase_add_test(t, clients_of_the_host_see_the_guest);
	}
	suite_add_tcase(s, t);
	/* All calls on one thread, which goes from one guest to the other. */
	t = tcase_create("identity on one thread");
	tcase_add_checked_fixture(t, ways_event_loop, ways_threads);
	tcase_add_checked_fixture(t, not_shut_in, NULL);
	tcase_add_checked_fixture(t, raw_setup, raw_teardown);
	if (geteuid() == 0) {
		tcase_add_test(t, set_id_bits_go_with_a_write);
		tcase_add_test(t, same_ids_cost_nothing);
		tcase_add_test(t, impossible_group_of_a_directory);
	}
	suite_add_tcase(s, t);
	t = tcase_create("outside");
	tcase_add_checked_fixture(t, raw_setup, raw_teardown);
	tcase_add_test(t, roots_that_are_none);
	suite_add_tcase(s, t);
	t = tcase_create("shared");
	tcase_add_checked_fixture(t, raw_setup, raw_teardown);
	tcase_add_test(t, descriptors_leave_room_for_the_server);
	tcase_add_test(t, locked_ranges_have_an_end);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{

	return suite_run(suite());
}
