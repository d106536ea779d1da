/*
 * Who a process is: numbers, groups, sessions, ids, limits; and that the
 * host's files see it so.
 */
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

START_TEST(pids_and_parents)
{
	struct raw_guest *a, *b;
	int pid;

	ck_assert_int_eq(OK0(G, getpid), 2);
	ck_assert_int_eq(G->retval[1], 1);
	ck_assert_int_eq(OK0(G, getppid), 1);
	a = raw_fork(&S, G);
	b = raw_fork(&S, a);
	pid = (int)OK0(a, getpid);
	ck_assert_int_eq(OK0(b, getppid), pid);
	/* Orphans are init's. */
	raw_leave(a);
	ck_assert_int_eq(OK0(b, getppid), 1);
	raw_leave(b);
}
END_TEST

START_TEST(groups_and_sessions)
{
	struct raw_guest *a, *b;
	int pid, apid, bpid;

	pid = (int)OK0(G, getpid);
	ck_assert_int_eq(OK0(G, getpgrp), 1);
	ck_assert_int_eq(OK0(G, setsid), pid);
	ck_assert_int_eq(CALL0(G, setsid), RUMP_EPERM);
	ck_assert_int_eq(OK0(G, getpgrp), pid);
	ck_assert_int_eq(OK(G, getsid, 0), pid);
	ck_assert_int_eq(CALL(G, setpgid, 0, 0), RUMP_EPERM);
	a = raw_fork(&S, G);
	b = raw_fork(&S, G);
	apid = (int)OK0(a, getpid);
	bpid = (int)OK0(b, getpid);
	ck_assert_int_eq(OK(G, getpgid, apid), pid);
	OK(G, setpgid, apid, 0);
	ck_assert_int_eq(OK0(a, getpgrp), apid);
	OK(G, setpgid, bpid, apid);
	ck_assert_int_eq(OK(b, getpgid, 0), apid);
	ck_assert_int_eq(OK(a, getsid, bpid), pid);
	ck_assert_int_eq(CALL(a, setpgid, bpid, 0), RUMP_ESRCH);
	ck_assert_int_eq(CALL(a, setpgid, 0, -5), RUMP_EINVAL);
	ck_assert_int_eq(CALL(a, setpgid, 0, 29999), RUMP_EPERM);
	ck_assert_int_eq(CALL(a, getpgid, 29999), RUMP_ESRCH);
	ck_assert_int_eq(CALL(a, getsid, 29999), RUMP_ESRCH);
	raw_exec(b, "b");
	ck_assert_int_eq(CALL(G, setpgid, bpid, pid), RUMP_EACCES);
	/* a leads a group that outlives it. */
	raw_leave(a);
	ck_assert_int_eq(OK0(b, getpgrp), apid);
	ck_assert_int_eq(OK0(b, setsid), bpid);
	ck_assert_int_eq(CALL(G, setpgid, bpid, pid), RUMP_EPERM);
	raw_leave(b);
}
END_TEST

START_TEST(ids_are_the_peers)
{

	ck_assert_int_eq(OK0(G, getuid), (int64_t)getuid());
	ck_assert_int_eq(G->retval[1], (int64_t)geteuid());
	ck_assert_int_eq(OK0(G, getgid), (int64_t)getgid());
	ck_assert_int_eq(OK0(G, geteuid), (int64_t)geteuid());
	ck_assert_int_eq(OK0(G, getegid), (int64_t)getegid());
	ck_assert_int_eq(OK0(G, issetugid), 0);
}
END_TEST

/* The peer is this process. */
static void
setup_with_groups(void)
{
	static const gid_t groups[] = { 4242, 4343 };

	if (geteuid() == 0)
		ck_assert_int_eq(setgroups(2, groups), 0);
	raw_setup();
}

/* More than a guest of NetBSD's can have. */
static void
setup_with_many_groups(void)
{
	gid_t groups[40];
	unsigned i;

	for (i = 0; i < 40; i++)
		groups[i] = 5000 + i;
	if (geteuid() == 0)
		ck_assert_int_eq(setgroups(40, groups), 0);
	raw_setup();
}

static void
put_for_group(const char *name, gid_t gid, mode_t mode)
{

	raw_put(&S, name, "x");
	ck_assert_int_eq(chown(raw_host(&S, name), 0, gid), 0);
	ck_assert_int_eq(chmod(raw_host(&S, name), mode), 0);
}

/* Those that it is not shown let it in, or keep it out, all the same. */
START_TEST(all_groups_of_the_peer_count)
{
	uint32_t groups[16] = { 0 };
	struct raw_guest *child;

	if (skip_unless_root())
		return;
	ck_assert_int_eq(OK(G, getgroups, 0, 0), 16);
	ck_assert_int_eq(CALL(G, getgroups, 15, P(groups)), RUMP_EINVAL);
	ck_assert_int_eq(OK(G, getgroups, 16, P(groups)), 16);
	ck_assert_uint_eq(groups[15], 5015);
	put_for_group("let", 5039, 0040);
	put_for_group("kept", 5039, 0604);
	child = raw_fork(&S, G);
	OK(child, seteuid, 1000);
	(void)raw_open(child, "/let", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(CALL(child, open, P("/kept"), RUMP_O_RDONLY, 0),
	    RUMP_EACCES);
	OK(child, seteuid, 0);
	OK(child, setgroups, 2, P(groups));
	ck_assert_int_eq(OK(child, getgroups, 0, 0), 2);
	OK(child, seteuid, 1000);
	ck_assert_int_eq(CALL(child, open, P("/let"), RUMP_O_RDONLY, 0),
	    RUMP_EACCES);
	(void)raw_open(child, "/kept", RUMP_O_RDONLY, 0);
	raw_leave(child);
}
END_TEST

START_TEST(groups_are_the_peers)
{
	uint32_t groups[16] = { 0 };
	struct raw_guest *child;

	if (skip_unless_root())
		return;
	ck_assert_int_eq(OK(G, getgroups, 16, P(groups)), 2);
	ck_assert_uint_eq(groups[0], 4242);
	ck_assert_uint_eq(groups[1], 4343);
	/* Files are judged by them. */
	raw_put(&S, "f", "x");
	ck_assert_int_eq(chown(raw_host(&S, "f"), 0, 4343), 0);
	ck_assert_int_eq(chmod(raw_host(&S, "f"), 0040), 0);
	child = raw_fork(&S, G);
	OK(child, seteuid, 1000);
	(void)raw_open(child, "/f", RUMP_O_RDONLY, 0);
	raw_leave(child);
}
END_TEST

START_TEST(changing_ids)
{
	uint32_t groups[20] = { 7, 8, 9 }, got[16] = { 0 };

	if (skip_unless_root())
		return;
	ck_assert_int_eq(OK(G, getgroups, 0, 0), 0);
	OK(G, setgroups, 3, P(groups));
	ck_assert_int_eq(OK(G, getgroups, 16, P(got)), 3);
	ck_assert_mem_eq(got, groups, 12);
	ck_assert_int_eq(CALL(G, getgroups, 2, P(got)), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, setgroups, 17, P(groups)), RUMP_EINVAL);

	ck_assert_int_eq(OK0(G, issetugid), 1);
	raw_exec(G, "anew");
	/* To what it is already. */
	OK(G, setuid, 0);
	OK(G, setregid, -1, 0);
	ck_assert_int_eq(OK0(G, issetugid), 0);
	OK(G, setegid, 50);
	ck_assert_int_eq(OK0(G, getgid), 0);
	ck_assert_int_eq(G->retval[1], 50);
	ck_assert_int_eq(OK0(G, issetugid), 1);
	OK(G, setgid, 60);
	OK(G, seteuid, 1000);
	ck_assert_int_eq(OK0(G, getuid), 0);
	ck_assert_int_eq(G->retval[1], 1000);
	ck_assert_int_eq(CALL(G, setgroups, 0, 0), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, seteuid, 1001), RUMP_EPERM);
	OK(G, seteuid, 0);
	OK(G, setreuid, 1000, 1001);
	/* The saved id followed the effective one: no way back. */
	ck_assert_int_eq(CALL(G, seteuid, 0), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, setuid, 0), RUMP_EPERM);
	OK(G, setreuid, -1, 1000);
	OK(G, seteuid, 1001);
	OK(G, setuid, 1000);
	ck_assert_int_eq(OK0(G, geteuid), 1000);
	ck_assert_int_eq(CALL(G, setregid, 0, 0), RUMP_EPERM);
	raw_exec(G, "again");
	ck_assert_int_eq(OK0(G, issetugid), 0);
}
END_TEST

START_TEST(files_are_judged_by_effective_ids)
{
	uint32_t group = 4321;
	struct raw_guest *other;
	struct rump_stat st;
	struct stat host;

	if (skip_unless_root())
		return;
	raw_put(&S, "private", "x");
	ck_assert_int_eq(chmod(raw_host(&S, "private"), 0600), 0);
	raw_put(&S, "group", "x");
	ck_assert_int_eq(chown(raw_host(&S, "group"), 0, 4321), 0);
	ck_assert_int_eq(chmod(raw_host(&S, "group"), 0640), 0);

	OK(G, setgid, 1234);
	OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, open, P("/private"), 0, 0), RUMP_EACCES);
	ck_assert_int_eq(CALL(G, open, P("/group"), 0, 0), RUMP_EACCES);
	ck_assert_int_eq(CALL(G, chown, P("/group"), 1000, -1), RUMP_EPERM);
	/* access goes by the real ids. */
	OK(G, access, P("/private"), RUMP_R_OK);
	ck_assert_int_eq(CALL(G, faccessat, RUMP_AT_FDCWD, P("/private"),
	    RUMP_R_OK, RUMP_AT_EACCESS), RUMP_EACCES);
	raw_open(G, "/mine", RUMP_O_CREAT | RUMP_O_RDWR, 0666);
	ck_assert_int_eq(stat(raw_host(&S, "mine"), &host), 0);
	ck_assert_uint_eq(host.st_uid, 1000);
	ck_assert_uint_eq(host.st_mode & 07777, 0644);

	/* Another guest on the same threads is still root, and so am I. */
	other = raw_guest(&S, "other");
	raw_open(other, "/private", RUMP_O_RDWR, 0);
	ck_assert_int_eq(CALL(G, open, P("/private"), 0, 0), RUMP_EACCES);
	OK(other, chown, P("/mine"), 77, 88);
	OK(other, __stat50, P("/mine"), P(&st));
	ck_assert_uint_eq(st.st_uid, 77);
	ck_assert_uint_eq(st.st_gid, 88);
	raw_leave(other);
	OK(G, seteuid, 0);
	OK(G, setgroups, 1, P(&group));
	OK(G, setuid, 1000);
	raw_open(G, "/group", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(CALL(G, open, P("/group"), RUMP_O_WRONLY, 0),
	    RUMP_EACCES);
}
END_TEST

static uint32_t
group_of(const char *path)
{
	struct rump_stat st;

	OK(G, __lstat50, P(path), P(&st));
	return st.st_gid;
}

/* As on NetBSD's file systems, whose process it may be. */
START_TEST(new_files_take_the_directorys_group)
{
	struct rump_sockaddr_un at = { .sun_family = RUMP_AF_LOCAL,
	    .sun_len = 10, .sun_path = "/d/sock" };
	struct rump_stat st;
	int round;

	if (skip_unless_root())
		return;
	raw_put(&S, "private", "x");
	OK(G, chown, P("/private"), 0, 20);
	OK(G, chmod, P("/private"), 0040);
	OK(G, mkdir, P("/closed"), 0755);
	OK(G, chown, P("/closed"), 0, 20);
	OK(G, mkdir, P("/others"), 0755);
	OK(G, chown, P("/others"), 0, 20);
	OK(G, chmod, P("/others"), 0707);
	for (round = 0; round < 2; round++) {
		OK(G, mkdir, P("/d"), 0755);
		OK(G, chown, P("/d"), 0, 20);
		OK(G, chmod, P("/d"), 0777);
		if (round == 1) {
			OK(G, setgid, 1000);
			OK(G, setuid, 1000);
		}
		(void)raw_open(G, "/d/f", RUMP_O_CREAT | RUMP_O_RDWR, 06755);
		OK(G, __lstat50, P("/d/f"), P(&st));
		ck_assert_uint_eq(st.st_gid, 20);
		ck_assert_uint_eq(st.st_mode & 07777,
		    round == 0 ? 06755 : 04755);
		OK(G, mkdir, P("/d/d"), 0755);
		OK(G, mkfifo, P("/d/fifo"), 0644);
		OK(G, symlink, P("f"), P("/d/l"));
		OK(G, bind, (int)OK(G, __socket30, RUMP_AF_LOCAL,
		    RUMP_SOCK_STREAM, 0), P(&at), sizeof(at));
		ck_assert_uint_eq(group_of("/d/d"), 20);
		ck_assert_uint_eq(group_of("/d/fifo"), 20);
		ck_assert_uint_eq(group_of("/d/l"), 20);
		ck_assert_uint_eq(group_of("/d/sock"), 20);
		if (round == 0)
			OK(G, rename, P("/d"), P("/roots"));
	}
	/* The group is the files', not the process's. */
	ck_assert_int_eq(CALL(G, mkdir, P("/closed/d"), 0755), RUMP_EACCES);
	ck_assert_int_eq(CALL(G, open, P("/closed/f"), RUMP_O_CREAT, 0644),
	    RUMP_EACCES);
	OK(G, mkdir, P("/others/d"), 0755);
	OK(G, mkdir, P("/d/d/d"), 0755);
	ck_assert_int_eq(CALL(G, open, P("/private"), RUMP_O_RDONLY, 0),
	    RUMP_EACCES);
}
END_TEST

START_TEST(login_names)
{
	struct raw_guest *child;
	char name[17] = "";

	OK(G, __getlogin, P(name), sizeof(name));
	ck_assert_str_eq(name, "root");
	if (skip_unless_root())
		return;
	OK0(G, setsid);
	OK(G, __setlogin, P("alice"));
	child = raw_fork(&S, G);
	OK(child, __getlogin, P(name), sizeof(name));
	ck_assert_str_eq(name, "alice");
	ck_assert_int_eq(CALL(G, __setlogin, P("aNameThatIsFarTooLong")),
	    RUMP_EINVAL);
	OK(child, setuid, 5);
	ck_assert_int_eq(CALL(child, __setlogin, P("bob")), RUMP_EPERM);
	raw_leave(child);
}
END_TEST

START_TEST(umask_is_each_ones_own)
{
	struct raw_guest *child;
	struct stat st;

	ck_assert_int_eq(OK(G, umask, 077), 022);
	child = raw_fork(&S, G);
	ck_assert_int_eq(OK(child, umask, 0), 077);
	ck_assert_int_eq(OK(G, umask, 027), 077);
	OK(child, mkdir, P("/open"), 0777);
	OK(G, mkdir, P("/closed"), 0777);
	ck_assert_int_eq(stat(raw_host(&S, "open"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0777);
	ck_assert_int_eq(stat(raw_host(&S, "closed"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0750);
	raw_leave(child);
}
END_TEST

START_TEST(limits)
{
	struct rump_rlimit rl = { .rlim_cur = 0 };

	OK(G, getrlimit, RUMP_RLIMIT_NOFILE, P(&rl));
	ck_assert_uint_gt(rl.rlim_cur, 63);
	ck_assert_uint_ge(rl.rlim_max, rl.rlim_cur);
	OK(G, getrlimit, RUMP_RLIMIT_CPU, P(&rl));
	ck_assert_uint_eq(rl.rlim_cur, RUMP_RLIM_INFINITY);
	ck_assert_int_eq(CALL(G, getrlimit, RUMP_RLIM_NLIMITS, P(&rl)),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, getrlimit, -1, P(&rl)), RUMP_EINVAL);
	rl = (struct rump_rlimit){ .rlim_cur = 10, .rlim_max = 5 };
	ck_assert_int_eq(CALL(G, setrlimit, 0, P(&rl)), RUMP_EINVAL);
	rl = (struct rump_rlimit){ .rlim_cur = 10, .rlim_max = 20 };
	OK(G, setrlimit, RUMP_RLIMIT_CORE, P(&rl));
	memset(&rl, 0, sizeof(rl));
	OK(G, getrlimit, RUMP_RLIMIT_CORE, P(&rl));
	ck_assert_uint_eq(rl.rlim_cur, 10);
	if (skip_unless_root())
		return;
	OK(G, setuid, 1000);
	rl.rlim_max = 21;
	ck_assert_int_eq(CALL(G, setrlimit, RUMP_RLIMIT_CORE, P(&rl)),
	    RUMP_EPERM);
}
END_TEST

START_TEST(limit_of_processes)
{
	struct rump_rlimit rl = { .rlim_cur = 2, .rlim_max = 2 };
	struct raw_guest *child;

	OK(G, setrlimit, RUMP_RLIMIT_NPROC, P(&rl));
	if (geteuid() == 0) {
		/* Not the superuser's. */
		child = raw_fork(&S, G);
		raw_leave(raw_fork(&S, child));
		raw_leave(child);
		OK(G, setuid, 1000);
	}
	child = raw_fork(&S, G);
	raw_fork_refused(G);
	raw_leave(child);
	raw_leave(raw_fork(&S, G));
}
END_TEST

/* --- a host without memory for another identity --- */

static atomic_int refusals;	/* of the calls to come */

/* Instead of the C library's, in this program. */
long
syscall(long n, ...)
{
	long (*host)(long, ...), a[5];	/* nobody has more */
	va_list ap;
	int i;

	va_start(ap, n);
	for (i = 0; i < 5; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	/* To be somebody else; not to be root again. */
	if (n == SYS_setresuid && a[1] != 0 && atomic_load(&refusals) > 0) {
		atomic_fetch_sub(&refusals, 1);
		errno = ENOMEM;
		return -1;
	}
	*(void **)&host = dlsym(RTLD_NEXT, "syscall");
	return host(n, a[0], a[1], a[2], a[3], a[4]);
}

static int
without_memory(struct raw_guest *g, int num, int nargs, const uint64_t *args)
{
	int error;

	atomic_store(&refusals, 1);
	error = raw_call(g, num, nargs, args);
	ck_assert_int_eq(atomic_load(&refusals), 0);
	return error;
}

#define STARVED(g, name, ...) \
	without_memory(g, RUMP_SYS_##name, ARGS(__VA_ARGS__))

/* A user whom no thread has been yet. */
static struct raw_guest *
new_user(void)
{
	static int uid = 2000;
	struct raw_guest *g = raw_fork(&S, G);

	OK(g, setuid, uid++);
	return g;
}

/* The call fails; it is not made as somebody else, and the server lives. */
START_TEST(no_memory_for_an_identity)
{
	struct raw_guest *g;
	struct stat st;
	int fd;

	if (skip_unless_root())
		return;
	raw_put(&S, "private", "x");
	ck_assert_int_eq(chmod(raw_host(&S, "private"), 0600), 0);
	g = new_user();
	ck_assert_int_eq(STARVED(g, open, P("/private"), RUMP_O_RDWR, 0),
	    RUMP_ENOMEM);
	ck_assert_int_eq(CALL(g, open, P("/private"), RUMP_O_RDWR, 0),
	    RUMP_EACCES);
	raw_leave(g);
	g = new_user();
	ck_assert_int_eq(STARVED(g, mkdir, P("/d"), 0755), RUMP_ENOMEM);
	ck_assert_int_eq(stat(raw_host(&S, "d"), &st), -1);
	OK(g, mkdir, P("/d"), 0755);
	ck_assert_int_eq(stat(raw_host(&S, "d"), &st), 0);
	ck_assert_uint_eq(st.st_uid, OK0(g, getuid));
	raw_leave(g);
	g = new_user();
	ck_assert_int_eq(STARVED(g, __socket30, RUMP_AF_LOCAL,
	    RUMP_SOCK_STREAM, 0), RUMP_ENOMEM);
	raw_leave(g);
	fd = raw_open(G, "/private", RUMP_O_RDWR, 0);
	g = new_user();
	ck_assert_int_eq(STARVED(g, write, fd, P("yy"), 2), RUMP_ENOMEM);
	ck_assert_str_eq(raw_get(&S, "private"), "x");
	OK(g, write, fd, P("yy"), 2);
	raw_leave(g);
	g = new_user();
	ck_assert_int_eq(STARVED(g, ftruncate, fd, 0, 0), RUMP_ENOMEM);
	ck_assert_int_eq(STARVED(G, setuid, 7777), RUMP_ENOMEM);
	ck_assert_int_eq(OK0(G, getuid), 0);
	raw_leave(g);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_test(t, pids_and_parents);
	tcase_add_test(t, groups_and_sessions);
	tcase_add_test(t, ids_are_the_peers);
	tcase_add_test(t, changing_ids);
	tcase_add_test(t, files_are_judged_by_effective_ids);
	tcase_add_test(t, new_files_take_the_directorys_group);
	tcase_add_test(t, login_names);
	tcase_add_test(t, umask_is_each_ones_own);
	tcase_add_test(t, limits);
	tcase_add_test(t, limit_of_processes);
	tcase_add_test(t, no_memory_for_an_identity);
}

static Suite *
suite(void)
{
	Suite *s = suite_both_ways("hostkern identity", raw_setup,
	    raw_teardown, add_tests);
	TCase *t = tcase_create("groups");

	tcase_add_checked_fixture(t, setup_with_groups, raw_teardown);
	tcase_add_test(t, groups_are_the_peers);
	suite_add_tcase(s, t);
	t = tcase_create("many groups");
	tcase_add_checked_fixture(t, setup_with_many_groups, raw_teardown);
	tcase_add_test(t, all_groups_of_the_peer_count);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{

	return suite_run(suite());
}
