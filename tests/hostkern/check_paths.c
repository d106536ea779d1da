/*
 * Names of files: what they mean, and that none leads out of the root.
 */
#include <sys/mount.h>
#include <sys/stat.h>

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "message.h"
#include "raw.h"
#include "ways.h"

static void
setup(void)
{

	raw_setup();
	raw_put(&S, "../secret", "secret");
	raw_put(&S, "secret", "inside");
}

/* The first bytes of the file, or "" with the errno in *error. */
static const char *
peek(int atfd, const char *path, int *error)
{
	static char buf[16];
	int fd;

	memset(buf, 0, sizeof(buf));
	*error = CALL(G, openat, atfd, P(path), RUMP_O_RDONLY, 0);
	if (*error != 0)
		return buf;
	fd = (int)G->retval[0];
	*error = CALL(G, read, fd, P(buf), sizeof(buf) - 1);
	OK(G, close, fd);
	return buf;
}

static void
inside(int atfd, const char *path)
{
	int error;
	const char *got = peek(atfd, path, &error);

	ck_assert_msg(error == 0, "%s: errno %d", path, error);
	ck_assert_msg(strcmp(got, "inside") == 0, "%s: %s", path, got);
}

START_TEST(dotdot_stops_at_the_root)
{
	int dfd;

	OK(G, mkdir, P("/a"), 0755);
	OK(G, mkdir, P("/a/b"), 0755);
	inside(RUMP_AT_FDCWD, "/secret");
	inside(RUMP_AT_FDCWD, "secret");
	inside(RUMP_AT_FDCWD, "../secret");
	inside(RUMP_AT_FDCWD, "/../secret");
	inside(RUMP_AT_FDCWD, "/a/../../../../secret");
	inside(RUMP_AT_FDCWD, "../../../../../../../../../../secret");
	OK(G, chdir, P("/a/b"));
	inside(RUMP_AT_FDCWD, "../../secret");
	inside(RUMP_AT_FDCWD, "../../../secret");
	dfd = raw_open(G, "/a", RUMP_O_RDONLY | RUMP_O_DIRECTORY, 0);
	inside(dfd, "../secret");
	inside(dfd, "../../secret");
	inside(dfd, "b/../../../secret");
	OK(G, chdir, P(".."));
	OK(G, chdir, P(".."));
	OK(G, chdir, P(".."));
	inside(RUMP_AT_FDCWD, "secret");
	OK(G, fchdir, dfd);
	inside(RUMP_AT_FDCWD, "../../secret");
	ck_assert_int_eq(CALL(G, mkdir, P("../../a"), 0755), RUMP_EEXIST);
	OK(G, mkdir, P("../../c"), 0755);
	ck_assert_int_eq(access(raw_host(&S, "c"), F_OK), 0);
	ck_assert_int_eq(access(raw_host(&S, "../c"), F_OK), -1);
}
END_TEST

START_TEST(links_stay_in_the_root)
{
	char target[PATH_MAX], buf[64] = "";
	int error, dfd;

	OK(G, mkdir, P("/a"), 0755);
	OK(G, symlink, P("/secret"), P("/a/abs"));
	OK(G, symlink, P("../../../secret"), P("/a/up"));
	OK(G, symlink, P("/"), P("/a/slash"));
	OK(G, symlink, P("../.."), P("/a/dots"));
	inside(RUMP_AT_FDCWD, "/a/abs");
	inside(RUMP_AT_FDCWD, "/a/up");
	inside(RUMP_AT_FDCWD, "/a/slash/secret");
	inside(RUMP_AT_FDCWD, "/a/dots/secret");
	OK(G, chdir, P("/a"));
	inside(RUMP_AT_FDCWD, "abs");
	inside(RUMP_AT_FDCWD, "up");
	inside(RUMP_AT_FDCWD, "dots/../secret");
	dfd = raw_open(G, "/a", RUMP_O_RDONLY, 0);
	inside(dfd, "slash/a/../secret");

	/* Links put there by the host, to the host's names. */
	snprintf(target, sizeof(target), "%s/../secret", S.root);
	ck_assert_int_eq(symlink(target, raw_host(&S, "a/host")), 0);
	(void)peek(RUMP_AT_FDCWD, "/a/host", &error);
	ck_assert_int_eq(error, RUMP_ENOENT);
	(void)peek(dfd, "host", &error);
	ck_assert_int_eq(error, RUMP_ENOENT);

	/* Making through one makes inside. */
	OK(G, symlink, P("/made"), P("/a/new"));
	OK(G, open, P("new"), RUMP_O_WRONLY | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(access(raw_host(&S, "made"), F_OK), 0);
	ck_assert_int_eq(OK(G, readlink, P("/a/up"), P(buf), sizeof(buf)),
	    15);
	ck_assert_str_eq(buf, "../../../secret");
	ck_assert_int_eq(OK(G, readlink, P("/a/up"), P(buf), 3), 3);
	ck_assert_int_eq(CALL(G, readlink, P("/secret"), P(buf), 64),
	    RUMP_EINVAL);

	OK(G, symlink, P("loop"), P("/loop"));
	(void)peek(RUMP_AT_FDCWD, "/loop", &error);
	ck_assert_int_eq(error, RUMP_ELOOP);
	ck_assert_int_eq(CALL(G, open, P("/a/abs"), RUMP_O_RDONLY |
	    RUMP_O_NOFOLLOW, 0), RUMP_EFTYPE);
}
END_TEST

START_TEST(changed_root_holds)
{
	struct raw_guest *child;
	char buf[64] = "";
	int fd;

	if (skip_unless_root())
		return;
	OK(G, mkdir, P("/jail"), 0755);
	OK(G, mkdir, P("/jail/in"), 0755);
	raw_put(&S, "jail/secret", "jail");
	fd = raw_open(G, "/", RUMP_O_RDONLY, 0);
	child = raw_fork(&S, G);
	OK(child, chroot, P("/jail"));
	/* The old working directory was outside: it became the root. */
	OK(child, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/");
	ck_assert_int_eq(raw_open(child, "/../secret", 0, 0), 4);
	OK(child, read, 4, P(buf), 4);
	ck_assert_mem_eq(buf, "jail", 4);
	ck_assert_int_eq(raw_open(child, "../../secret", 0, 0), 5);
	OK(child, read, 5, P(buf), 4);
	ck_assert_mem_eq(buf, "jail", 4);
	ck_assert_int_eq(CALL(child, fchdir, fd), RUMP_EPERM);
	ck_assert_int_eq(CALL(child, fchroot, fd), RUMP_EPERM);
	/* Nor do names from a descriptor of before climb further. */
	OK(child, openat, fd, P("../../secret"), 0, 0);
	OK(child, read, child->retval[0], P(buf), 6);
	ck_assert_mem_ne(buf, "secret", 6);
	OK(child, chdir, P("/in"));
	OK(child, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/in");
	OK(child, chroot, P("/in"));
	ck_assert_int_eq(CALL(child, open, P("../secret"), 0, 0),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(child, open, P("/dev/null"), 0, 0),
	    RUMP_ENOENT);
	raw_leave(child);
	/* The parent's is as it was. */
	inside(RUMP_AT_FDCWD, "/secret");
	OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, chroot, P("/jail")), RUMP_EPERM);
}
END_TEST

/* A directory from outside a changed root does not come in by a message, nor
 * what came with it; other files do, and directories from inside. */
START_TEST(changed_root_takes_no_directory)
{
	struct raw_guest *child;
	int32_t dirs[2], fd, got, in, out, sv[2];
	struct message m;
	char buf[8];

	if (skip_unless_root())
		return;
	OK(G, mkdir, P("/jail"), 0755);
	OK(G, mkdir, P("/jail/in"), 0755);
	OK(G, mkdir, P("/out"), 0755);
	OK(G, socketpair, RUMP_AF_LOCAL, RUMP_SOCK_SEQPACKET, 0, P(sv));
	child = raw_fork(&S, G);
	OK(child, chroot, P("/jail"));
	OK(child, setuid, 1000);
	out = raw_open(G, "/out", RUMP_O_RDONLY, 0);
	in = raw_open(G, "/jail/in", RUMP_O_RDONLY, 0);
	fd = raw_open(G, "/secret", RUMP_O_RDONLY, 0);

	ck_assert_int_eq(pass_one(G, sv[0], out), 0);
	message_init(&m);
	message_room(&m);
	ck_assert_int_eq(CALL(child, recvmsg, sv[1], P(&m.mh), 0),
	    RUMP_EPERM);
	dirs[0] = in;
	dirs[1] = out;
	message_init(&m);
	message_pass(&m, dirs, 2);
	OK(G, sendmsg, sv[0], P(&m.mh), 0);
	message_init(&m);
	message_room(&m);
	ck_assert_int_eq(CALL(child, recvmsg, sv[1], P(&m.mh), 0),
	    RUMP_EPERM);
	/* Nothing was left behind. */
	ck_assert_int_eq(pass_one(G, sv[0], fd), 0);
	ck_assert_int_eq(take_one(child, sv[1], &got), 0);
	ck_assert_int_eq(got, sv[1] + 1);
	OK(child, read, got, P(buf), 6);
	ck_assert_int_eq(pass_one(G, sv[0], in), 0);
	ck_assert_int_eq(take_one(child, sv[1], &got), 0);
	OK(child, fchdir, got);
	/* Who has not changed its root is given what it could open. */
	ck_assert_int_eq(pass_one(G, sv[0], out), 0);
	ck_assert_int_eq(take_one(G, sv[1], &got), 0);
	OK(G, fchdir, got);
	raw_leave(child);
}
END_TEST

struct swapper {
	char dir[PATH_MAX], link[PATH_MAX], at[PATH_MAX];
	atomic_bool stop;
};

/* A directory and a link to outside take turns under one name. */
static void *
swap(void *arg)
{
	struct swapper *w = arg;

	while (!atomic_load(&w->stop)) {
		(void)rename(w->at, w->dir);
		(void)rename(w->link, w->at);
		(void)rename(w->at, w->link);
		(void)rename(w->dir, w->at);
	}
	return NULL;
}

START_TEST(races_do_not_open_a_way_out)
{
	struct swapper w = { .stop = false };
	const char *got;
	char buf[256];
	pthread_t thread;
	int error, i, wins = 0;

	OK(G, mkdir, P("/a"), 0777);
	OK(G, mkdir, P("/a/d"), 0777);
	raw_put(&S, "a/d/secret", "inside");
	strcpy(w.at, raw_host(&S, "a/d"));
	strcpy(w.dir, raw_host(&S, "a/dir"));
	strcpy(w.link, raw_host(&S, "a/link"));
	ck_assert_int_eq(symlink("../..", w.link), 0);
	OK(G, chdir, P("/a"));
	ck_assert_int_eq(pthread_create(&thread, NULL, swap, &w), 0);
	for (i = 0; i < 3000; i++) {
		got = peek(RUMP_AT_FDCWD, (i & 1) != 0 ? "d/secret" :
		    "/a/d/../d/secret", &error);
		ck_assert_msg(error == 0 || error == RUMP_ENOENT ||
		    error == RUMP_ENOTDIR || error == RUMP_EAGAIN,
		    "errno %d", error);
		if (error == 0) {
			ck_assert_str_eq(got, "inside");
			wins++;
		}
		snprintf(buf, sizeof(buf), "d/m%d", i);
		(void)CALL(G, mkdir, P(buf), 0755);
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	ck_assert_int_gt(wins, 0);
	for (i = 0; i < 3000; i++) {
		snprintf(buf, sizeof(buf), "../m%d", i);
		ck_assert_int_eq(access(raw_host(&S, buf), F_OK), -1);
	}
}
END_TEST

/* A mount name space of one's own, which goes with the test.  Not everybody
 * may have one: not in a chroot, whose root is no mount, and not in a container
 * whose /proc has masks. */
static bool
skip_unless_own_mounts(void)
{

	if (skip_unless_root())
		return true;
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return false;
	skip("no mount name space of its own");
	return true;
}

START_TEST(proc_is_no_way_out)
{
	const char *const names[] = { "/proc", "/proc/", "/proc/.",
	    "/proc/self", "/proc/self/", "/proc/1", "/proc/self/fd",
	    "/proc/self/mem", "/proc/version", "/proc/sys",
	    "/proc/self/task", "/link" };
	char path[128], buf[64];
	int pid = (int)getpid();
	struct rump_stat st;
	struct raw_server s;
	struct raw_guest *g;
	size_t i;

	if (skip_unless_own_mounts())
		return;
	raw_start(&s, NULL);
	g = raw_guest(&s, "tester");
	OK(g, mkdir, P("/proc"), 0755);
	raw_put(&s, "secret", "inside");
	OK(g, symlink, P("proc/self/status"), P("/link"));
	if (mount("proc", raw_host(&s, "proc"), "proc", 0, NULL) != 0) {
		skip("no /proc may be mounted");
		raw_leave(g);
		raw_stop(&s);
		return;
	}
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_int_eq(CALL(g, open, P(names[i]), 0, 0),
		    RUMP_EACCES);
		ck_assert_int_eq(CALL(g, __stat50, P(names[i]), P(&st)),
		    RUMP_EACCES);
		ck_assert_int_ne(CALL(g, chdir, P(names[i])), 0);
	}
	ck_assert_int_eq(CALL(g, open, P("/proc/sys/x"), RUMP_O_RDWR |
	    RUMP_O_CREAT, 0644), RUMP_EACCES);
	ck_assert_int_eq(CALL(g, mkdir, P("/proc/x"), 0755), RUMP_EACCES);
	ck_assert_int_eq(CALL(g, readlink, P("/proc/self/exe"), P(buf),
	    sizeof(buf)), RUMP_EACCES);
	/* Magic links are not even passed. */
	snprintf(path, sizeof(path), "/proc/%d/root/etc/passwd", pid);
	ck_assert_int_eq(CALL(g, open, P(path), 0, 0), RUMP_ELOOP);
	snprintf(path, sizeof(path), "/proc/%d/cwd/x", pid);
	ck_assert_int_eq(CALL(g, mkdir, P(path), 0755), RUMP_ELOOP);
	ck_assert_int_eq(CALL(g, open, P("/proc/self/fd/0"), 0, 0),
	    RUMP_ELOOP);
	/* Who comes out again is where he was. */
	OK(g, open, P("/proc/../secret"), RUMP_O_RDONLY, 0);
	raw_leave(g);
	ck_assert_int_eq(umount(raw_host(&s, "proc")), 0);
	raw_stop(&s);
}
END_TEST

/* The root once more, mounted below itself, is another place: the numbers of
 * its files are the same, but not its mount. */
START_TEST(mounts_of_the_root_are_not_the_root)
{
	struct raw_server s;
	struct raw_guest *g;
	char buf[64];

	if (skip_unless_own_mounts())
		return;
	raw_start(&s, NULL);
	g = raw_guest(&s, "tester");
	OK(g, mkdir, P("/d"), 0755);
	OK(g, mkdir, P("/d/again"), 0755);
	ck_assert_int_eq(mount(s.root, raw_host(&s, "d/again"), NULL, MS_BIND,
	    NULL), 0);
	OK(g, chdir, P("/d/again"));
	OK(g, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/d/again");
	OK(g, chdir, P("d"));
	OK(g, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/d/again/d");
	OK(g, chdir, P("../.."));
	OK(g, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/d");
	OK(g, chdir, P("again"));
	OK(g, chdir, P(".."));
	OK(g, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/d");
	/* Who has changed to the one is not under the other. */
	OK(g, chdir, P("/d"));
	OK(g, chroot, P("/d/again"));
	OK(g, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/");
	raw_leave(g);
	ck_assert_int_eq(umount(raw_host(&s, "d/again")), 0);
	raw_stop(&s);
}
END_TEST

/* So deep that no name of the host's reaches it. */
START_TEST(deep_directories)
{
	enum { DEPTH = 250, TOP = 5 };
	const char *name = "a-name-of-twenty-one-";
	struct rump_stat st, up;
	int dfd = -1, i;

	for (i = 0; i < DEPTH; i++) {
		if (i == DEPTH - 1)
			OK(G, __stat50, P("."), P(&up));
		OK(G, mkdir, P(name), 0755);
		OK(G, chdir, P(name));
		if (i == TOP)
			dfd = raw_open(G, ".", RUMP_O_RDONLY, 0);
	}
	OK(G, __stat50, P(".."), P(&st));
	ck_assert_uint_eq(st.st_ino, up.st_ino);
	OK(G, mkdir, P("../x"), 0755);
	OK(G, rmdir, P("../../a-name-of-twenty-one-/x"));
	/* The same in a changed root, and not where one may not go up. */
	if (geteuid() == 0) {
		OK(G, seteuid, 1000);
		OK(G, __stat50, P(".."), P(&st));
		OK(G, seteuid, 0);
		OK(G, fchmod, dfd, 0700);
		OK(G, seteuid, 1000);
		ck_assert_int_eq(CALL(G, __stat50, P(".."), P(&st)),
		    RUMP_EACCES);
		OK(G, seteuid, 0);
		OK(G, fchroot, dfd);
		OK(G, fchdir, raw_open(G, ".", RUMP_O_RDONLY, 0));
	}
	for (i = DEPTH - 1; i > TOP; i--) {
		OK(G, chdir, P(".."));
		OK(G, rmdir, P(name));
	}
	/* There it ends. */
	if (geteuid() == 0) {
		OK(G, chdir, P("../../.."));
		OK(G, __stat50, P("."), P(&st));
		OK(G, __fstat50, dfd, P(&up));
		ck_assert_uint_eq(st.st_ino, up.st_ino);
	}
}
END_TEST

static long long
cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

/* The processor time of a few lookups of a name. */
static long long
lookup_cost(const char *path)
{
	struct rump_stat st;
	long long start = cpu_us();
	int i;

	for (i = 0; i < 5; i++)
		ck_assert_int_eq(CALL(G, __stat50, P(path), P(&st)), 0);
	return cpu_us() - start;
}

/* From a directory so deep that it has no name, many steps up cost what one
 * does: the way to the root, once. */
START_TEST(many_steps_up_cost_as_one)
{
	enum { DEPTH = 400, STEPS = 300 };
	const char *name = "twelve-bytes";
	char path[3 * STEPS + 1];
	long long few, many;
	struct rump_stat here, st;
	int i;

	for (i = 0; i < DEPTH; i++) {
		OK(G, mkdir, P(name), 0755);
		OK(G, chdir, P(name));
	}
	for (i = 0; i < STEPS; i++)
		memcpy(path + 3 * (size_t)i, "../", 4);
	few = lookup_cost("..");
	many = lookup_cost(path);
	ck_assert_msg(many < 20 * few + 1000, "%lld us for one, %lld for %d",
	    few, many, STEPS);
	/* They lead where they should. */
	OK(G, __stat50, P(path), P(&st));
	for (i = 0; i < DEPTH; i++) {
		OK(G, chdir, P(".."));
		OK(G, rmdir, P(name));
		if (i == STEPS - 1)
			OK(G, __stat50, P("."), P(&here));
	}
	ck_assert_uint_eq(here.st_ino, st.st_ino);
}
END_TEST

/* So many directories further, all of one name. */
static void
go_down(int n)
{
	char path[1024 + 1];
	int i, some;

	for (; n > 0; n -= some) {
		some = n < 500 ? n : 500;
		for (i = 0; i < some; i++)
			memcpy(path + 2 * (size_t)i, "d/", 3);
		OK(G, chdir, P(path));
	}
}

/* Nor does that way go on when nobody waits for its end: exec, as leaving does,
 * ends the call.  It may come too late for that, but not always. */
START_TEST(the_way_up_ends_with_its_caller)
{
	enum { DEPTH = 6000 };
	struct rump_stat st;
	long long t = 0;
	int error = 0, fd, i, up;

	if (in_event_loop)
		return;		/* nobody hears of the exec meanwhile */
	fd = open(raw_host(&S, "."), O_PATH | O_DIRECTORY);
	for (i = 0; i < DEPTH; i++) {
		ck_assert_int_eq(mkdirat(fd, "d", 0755), 0);
		up = fd;
		fd = openat(up, "d", O_PATH | O_DIRECTORY);
		ck_assert_int_ge(fd, 0);
		close(up);
		if (i % 1000 == 999)
			go_down(1000);
	}
	while (error != RUMP_EINTR && keep_waiting(&t)) {
		BEGIN(G, __stat50, P(".."), P(&st));
		error = raw_exec_amid(G, "again");
	}
	ck_assert_int_eq(error, RUMP_EINTR);
	ck_assert_int_eq(CALL(G, __stat50, P(".."), P(&st)), 0);
	OK(G, chdir, P("/"));
	for (; i > 0; i--) {
		up = openat(fd, "..", O_PATH | O_DIRECTORY);
		close(fd);
		fd = up;
		ck_assert_int_eq(unlinkat(fd, "d", AT_REMOVEDIR), 0);
	}
	close(fd);
}
END_TEST

/* What the host mounts below the root has its own name and numbers. */
START_TEST(mounts_below_the_root)
{
	static struct rump_statvfs vfs[16];
	struct raw_server s;
	struct raw_guest *g;

	if (skip_unless_own_mounts())
		return;
	raw_start(&s, NULL);
	g = raw_guest(&s, "tester");
	OK(g, mkdir, P("/d"), 0755);
	OK(g, mkdir, P("/d/a b"), 0755);
	OK(g, statvfs1, P("/d/a b"), P(&vfs[0]), 0);
	ck_assert_str_eq(vfs[0].f_mntonname, "/");
	if (mount("none", raw_host(&s, "d/a b"), "tmpfs", 0, NULL) == 0) {
		OK(g, mkdir, P("/d/a b/x"), 0755);
		OK(g, statvfs1, P("/d/a b/x"), P(&vfs[0]), 0);
		ck_assert_str_eq(vfs[0].f_mntonname, "/d/a b");
		ck_assert_str_eq(vfs[0].f_fstypename, RUMP_MOUNT_TMPFS);
		ck_assert_int_eq(OK(g, getvfsstat, 0, 0, 0), 2);
		ck_assert_int_eq(OK(g, getvfsstat, P(vfs), sizeof(vfs[0]),
		    0), 1);
		ck_assert_str_eq(vfs[0].f_mntonname, "/");
		ck_assert_int_eq(OK(g, getvfsstat, P(vfs), sizeof(vfs), 0),
		    2);
		ck_assert_str_eq(vfs[1].f_mntonname, "/d/a b");
		ck_assert_str_eq(vfs[1].f_fstypename, RUMP_MOUNT_TMPFS);
		/* As another root has it. */
		OK(g, chroot, P("/d"));
		OK(g, statvfs1, P("/a b/x"), P(&vfs[0]), 0);
		ck_assert_str_eq(vfs[0].f_mntonname, "/a b");
		OK(g, chroot, P("/a b/x"));
		OK(g, statvfs1, P("/"), P(&vfs[0]), 0);
		ck_assert_str_eq(vfs[0].f_mntonname, "/");
		ck_assert_int_eq(OK(g, getvfsstat, 0, 0, 0), 1);
		raw_leave(g);
		ck_assert_int_eq(umount(raw_host(&s, "d/a b")), 0);
	} else
		raw_leave(g);
	raw_stop(&s);
}
END_TEST

START_TEST(device_nodes_are_no_way_out)
{
	struct rump_stat st;
	int fd;

	if (skip_unless_root())
		return;
	/* The host's memory and first disk, whatever their numbers. */
	OK(G, mknodat, RUMP_AT_FDCWD, P("/mem"), RUMP_S_IFCHR | 0666, 0,
	    rump_makedev(1, 1));
	ck_assert_int_eq(CALL(G, open, P("/mem"), RUMP_O_RDONLY, 0),
	    RUMP_ENXIO);
	OK(G, mknodat, RUMP_AT_FDCWD, P("/disk"), RUMP_S_IFBLK | 0666, 0,
	    rump_makedev(8, 0));
	ck_assert_int_eq(CALL(G, open, P("/disk"), RUMP_O_RDONLY, 0),
	    RUMP_ENXIO);
	/* NetBSD's null is null, with either of the calls. */
	OK(G, __mknod50, P("/null"), RUMP_S_IFCHR | 0666, rump_makedev(2, 2));
	fd = raw_open(G, "/null", RUMP_O_WRONLY, 0);
	ck_assert_int_eq(OK(G, write, fd, P("x"), 1), 1);
	OK(G, compat_50_mknod, P("/zero"), RUMP_S_IFCHR | 0600,
	    rump_makedev(2, 12));
	OK(G, __stat50, P("/zero"), P(&st));
	ck_assert_uint_eq(st.st_rdev, rump_makedev(2, 12));
	ck_assert_uint_eq(st.st_mode, RUMP_S_IFCHR | 0600);
	OK(G, seteuid, 1000);
	ck_assert_int_eq(CALL(G, __mknod50, P("/n"), RUMP_S_IFCHR | 0666,
	    rump_makedev(2, 2)), RUMP_EPERM);
	OK(G, __mknod50, P("/p"), RUMP_S_IFIFO | 0666, 0);
	ck_assert_int_eq(CALL(G, __mknod50, P("/d"), RUMP_S_IFDIR | 0666, 0),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(getcwd_says_where)
{
	char buf[64] = "";

	ck_assert_int_eq(OK(G, __getcwd, P(buf), sizeof(buf)), 2);
	ck_assert_str_eq(buf, "/");
	OK(G, mkdir, P("/one"), 0755);
	OK(G, mkdir, P("/one/two"), 0755);
	OK(G, chdir, P("one/two/."));
	ck_assert_int_eq(OK(G, __getcwd, P(buf), sizeof(buf)), 9);
	ck_assert_str_eq(buf, "/one/two");
	ck_assert_int_eq(CALL(G, __getcwd, P(buf), 8), RUMP_ERANGE);
	ck_assert_int_eq(OK(G, __getcwd, P(buf), 9), 9);
	OK(G, rename, P("/one"), P("/uno"));
	OK(G, __getcwd, P(buf), sizeof(buf));
	ck_assert_str_eq(buf, "/uno/two");
	OK(G, rmdir, P("../two"));
	ck_assert_int_eq(CALL(G, __getcwd, P(buf), sizeof(buf)), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, chdir, P("/secret")), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, chdir, P("/none")), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, fchdir, 0), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, fchdir, 99), RUMP_EBADF);
}
END_TEST

START_TEST(long_and_empty_names)
{
	char path[2000];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[1999] = '\0';
	ck_assert_int_eq(CALL(G, mkdir, P(path), 0755), RUMP_ENAMETOOLONG);
	path[300] = '\0';
	ck_assert_int_eq(CALL(G, mkdir, P(path), 0755), RUMP_ENAMETOOLONG);
	ck_assert_int_eq(CALL(G, open, P(path), 0, 0), RUMP_ENAMETOOLONG);
	ck_assert_int_eq(CALL(G, mkdir, P(""), 0755), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, open, P(""), 0, 0), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, unlink, P("")), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, openat, 77, P("x"), 0, 0), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, openat, 0, P("x"), 0, 0), RUMP_ENOTDIR);
	/* An absolute name has no use for the descriptor. */
	OK(G, openat, 77, P("/secret"), 0, 0);
}
END_TEST

START_TEST(last_components)
{

	OK(G, mkdir, P("/d/"), 0755);
	OK(G, mkdir, P("/d/e"), 0755);
	ck_assert_int_eq(CALL(G, mkdir, P("/"), 0755), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, mkdir, P("/d/."), 0755), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, mkdir, P("/d/e/.."), 0755), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, mkdir, P("/x/y"), 0755), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, mkdir, P("/secret/y"), 0755), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, open, P("/new/"), RUMP_O_CREAT |
	    RUMP_O_WRONLY, 0644), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, open, P("/d"), RUMP_O_WRONLY, 0),
	    RUMP_EISDIR);
	ck_assert_int_eq(CALL(G, open, P("/secret/"), 0, 0), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, open, P("/secret"), RUMP_O_DIRECTORY, 0),
	    RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, open, P("/secret"), RUMP_O_CREAT |
	    RUMP_O_EXCL, 0644), RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, open, P("/secret"), 3, 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, rmdir, P("/d/.")), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, rmdir, P("/d/e/..")), RUMP_ENOTEMPTY);
	ck_assert_int_eq(CALL(G, rmdir, P("/")), RUMP_EBUSY);
	ck_assert_int_eq(CALL(G, rmdir, P("/d")), RUMP_ENOTEMPTY);
	ck_assert_int_eq(CALL(G, rmdir, P("/secret")), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, unlink, P("/d")), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, unlink, P("/secret/")), RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, unlink, P("/none")), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, unlinkat, RUMP_AT_FDCWD, P("/d"), 1),
	    RUMP_EINVAL);
	OK(G, unlinkat, RUMP_AT_FDCWD, P("/d/e/"), RUMP_AT_REMOVEDIR);
	OK(G, rmdir, P("/d"));
	OK(G, unlink, P("/secret"));
}
END_TEST

START_TEST(renaming)
{
	struct rump_stat st;

	OK(G, mkdir, P("/d"), 0755);
	OK(G, mkdir, P("/e"), 0755);
	OK(G, rename, P("/secret"), P("/d/moved"));
	inside(RUMP_AT_FDCWD, "/d/moved");
	ck_assert_int_eq(CALL(G, rename, P("/secret"), P("/x")),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, rename, P("/d"), P("/d/in")), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, rename, P("/d/."), P("/x")), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, rename, P("/"), P("/x")), RUMP_EBUSY);
	ck_assert_int_eq(CALL(G, rename, P("/d/moved"), P("/x/")),
	    RUMP_ENOTDIR);
	ck_assert_int_eq(CALL(G, rename, P("/d/moved"), P("/e")),
	    RUMP_EISDIR);
	OK(G, link, P("/d/moved"), P("/also"));
	OK(G, __stat50, P("/also"), P(&st));
	ck_assert_uint_eq(st.st_nlink, 2);
	/* POSIX: two names of one file stay; NetBSD: the old one goes. */
	OK(G, __posix_rename, P("/also"), P("/d/moved"));
	OK(G, access, P("/also"), RUMP_F_OK);
	OK(G, rename, P("/also"), P("/d/moved"));
	ck_assert_int_eq(CALL(G, access, P("/also"), RUMP_F_OK),
	    RUMP_ENOENT);
	inside(RUMP_AT_FDCWD, "/d/moved");
	OK(G, rename, P("/d/moved"), P("/d/../d/moved"));
	inside(RUMP_AT_FDCWD, "/d/moved");
	OK(G, renameat, raw_open(G, "/d", 0, 0), P("moved"), RUMP_AT_FDCWD,
	    P("secret"));
	inside(RUMP_AT_FDCWD, "/secret");
	OK(G, rename, P("/d"), P("/dir/"));
	OK(G, rmdir, P("/dir"));
}
END_TEST

START_TEST(linking)
{
	struct rump_stat st;
	int dfd;

	OK(G, mkdir, P("/d"), 0755);
	dfd = raw_open(G, "/d", RUMP_O_RDONLY, 0);
	OK(G, link, P("/secret"), P("/d/hard"));
	inside(dfd, "hard");
	ck_assert_int_eq(CALL(G, link, P("/secret"), P("/d/hard")),
	    RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, link, P("/d"), P("/e")), RUMP_EPERM);
	ck_assert_int_eq(CALL(G, link, P("/none"), P("/e")), RUMP_ENOENT);
	OK(G, symlinkat, P("hard"), dfd, P("soft"));
	/* link follows, linkat only when told. */
	OK(G, link, P("/d/soft"), P("/d/l1"));
	OK(G, __lstat50, P("/d/l1"), P(&st));
	ck_assert(RUMP_S_ISREG(st.st_mode));
	OK(G, linkat, dfd, P("soft"), dfd, P("l2"), 0);
	OK(G, fstatat, dfd, P("l2"), P(&st), RUMP_AT_SYMLINK_NOFOLLOW);
	ck_assert(RUMP_S_ISLNK(st.st_mode));
	OK(G, linkat, dfd, P("soft"), dfd, P("l3"), RUMP_AT_SYMLINK_FOLLOW);
	OK(G, fstatat, dfd, P("l3"), P(&st), RUMP_AT_SYMLINK_NOFOLLOW);
	ck_assert(RUMP_S_ISREG(st.st_mode));
	ck_assert_int_eq(CALL(G, linkat, dfd, P("soft"), dfd, P("l4"), 1),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, symlink, P("x"), P("/d/soft")),
	    RUMP_EEXIST);
	ck_assert_int_eq(CALL(G, symlink, P("x"), P("/d/s/")), RUMP_ENOENT);
}
END_TEST

START_TEST(read_only_root)
{
	struct hostkern_config conf = { .read_only = true, .console_fd = -1 };
	struct rump_timeval tv[2] = { { .tv_sec = 1 } };
	struct raw_server s;
	struct raw_guest *g;
	char buf[8] = "";
	int fd;

	raw_start(&s, &conf);
	raw_put(&s, "f", "data");
	ck_assert_int_eq(mkdir(raw_host(&s, "d"), 0777), 0);
	g = raw_guest(&s, "tester");
	fd = raw_open(g, "/f", RUMP_O_RDONLY | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(OK(g, read, fd, P(buf), 8), 4);
	ck_assert_int_eq(CALL(g, open, P("/f"), RUMP_O_WRONLY, 0),
	    RUMP_EROFS);
	ck_assert_int_eq(CALL(g, open, P("/f"), RUMP_O_TRUNC, 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, open, P("/n"), RUMP_O_CREAT, 0644),
	    RUMP_EROFS);
	ck_assert_int_eq(CALL(g, open, P("/n"), RUMP_O_RDWR, 0), RUMP_ENOENT);
	ck_assert_int_eq(CALL(g, mkdir, P("/n"), 0755), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, mkdir, P("/d"), 0755), RUMP_EEXIST);
	ck_assert_int_eq(CALL(g, rmdir, P("/d")), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, unlink, P("/f")), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, unlink, P("/n")), RUMP_ENOENT);
	ck_assert_int_eq(CALL(g, rename, P("/f"), P("/n")), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, link, P("/f"), P("/n")), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, symlink, P("/f"), P("/n")), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, mkfifo, P("/n"), 0644), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, chmod, P("/f"), 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, fchmod, fd, 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, chown, P("/f"), 0, 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, truncate, P("/f"), 0, 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, __utimes50, P("/f"), P(tv)), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, setxattr, P("/f"), P("user.a"), P("x"), 1,
	    0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, access, P("/f"), RUMP_W_OK), RUMP_EROFS);
	OK(g, access, P("/f"), RUMP_R_OK);
	fd = raw_open(g, "/dev/null", RUMP_O_WRONLY, 0);
	OK(g, write, fd, P("x"), 1);
	ck_assert_str_eq(raw_get(&s, "f"), "data");
	raw_leave(g);
	raw_stop(&s);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_set_timeout(t, 60);
	tcase_add_test(t, dotdot_stops_at_the_root);
	tcase_add_test(t, links_stay_in_the_root);
	tcase_add_test(t, changed_root_holds);
	tcase_add_test(t, the_way_up_ends_with_its_caller);
	tcase_add_test(t, changed_root_takes_no_directory);
	tcase_add_test(t, races_do_not_open_a_way_out);
	tcase_add_test(t, proc_is_no_way_out);
	tcase_add_test(t, mounts_below_the_root);
	tcase_add_test(t, device_nodes_are_no_way_out);
	tcase_add_test(t, getcwd_says_where);
	tcase_add_test(t, deep_directories);
	tcase_add_test(t, many_steps_up_cost_as_one);
	tcase_add_test(t, mounts_of_the_root_are_not_the_root);
	tcase_add_test(t, long_and_empty_names);
	tcase_add_test(t, last_components);
	tcase_add_test(t, renaming);
	tcase_add_test(t, linking);
	tcase_add_test(t, read_only_root);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern paths", setup, raw_teardown,
	    add_tests));
}
