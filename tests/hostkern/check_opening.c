/*
 * Opening files: that nothing is opened that is refused, not even for a
 * moment, and what is made by way of links.
 */
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

/* --- what is refused is not opened --- */

/* Watches a file of the root for being opened. */
static int
watch_opens(const struct raw_server *s, const char *name)
{
	int ifd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	ck_assert_int_ge(ifd, 0);
	ck_assert_int_ge(inotify_add_watch(ifd, raw_host(s, name), IN_OPEN),
	    0);
	return ifd;
}

/* Has it been? */
static bool
was_opened(int ifd)
{
	_Alignas(struct inotify_event) char buf[4096];

	return read(ifd, buf, sizeof(buf)) > 0;
}

static void
host_node(const char *name, mode_t mode, unsigned major, unsigned minor)
{

	ck_assert_int_eq(mknod(raw_host(&S, name), mode,
	    makedev(major, minor)), 0);
	ck_assert_int_eq(chmod(raw_host(&S, name), mode & 0777), 0);
}

START_TEST(devices_are_not_opened_to_be_refused)
{
	const int flags[] = { RUMP_O_RDONLY, RUMP_O_WRONLY, RUMP_O_RDWR,
	    RUMP_O_RDWR | RUMP_O_CREAT, RUMP_O_RDWR | RUMP_O_TRUNC,
	    RUMP_O_RDONLY | RUMP_O_NONBLOCK };
	int ifd;
	size_t i;

	if (skip_unless_root())
		return;
	/* The kernel's messages; a number that is no driver's. */
	host_node("kmsg", S_IFCHR | 0666, 1, 11);
	host_node("disk", S_IFBLK | 0666, 250, 77);
	OK(G, symlink, P("kmsg"), P("/link"));
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		ifd = watch_opens(&S, "kmsg");
		ck_assert_int_eq(CALL(G, open, P("/kmsg"), flags[i], 0666),
		    RUMP_ENXIO);
		ck_assert_int_eq(CALL(G, open, P("/link"), flags[i], 0666),
		    RUMP_ENXIO);
		ck_assert(!was_opened(ifd));
		close(ifd);
		ck_assert_int_eq(CALL(G, open, P("/disk"), flags[i], 0666),
		    RUMP_ENXIO);
	}
	/* The watch does see what is opened. */
	host_node("null", S_IFCHR | 0666, 1, 3);
	ifd = watch_opens(&S, "null");
	OK(G, open, P("/null"), RUMP_O_RDWR, 0);
	ck_assert(was_opened(ifd));
	close(ifd);
}
END_TEST

struct swapper {
	char at[PATH_MAX], a[PATH_MAX], b[PATH_MAX];
	atomic_bool stop;
};

/* A file and a device take turns under one name. */
static void *
swap(void *arg)
{
	struct swapper *w = arg;

	while (!atomic_load(&w->stop)) {
		(void)rename(w->a, w->at);
		(void)rename(w->at, w->a);
		(void)rename(w->b, w->at);
		(void)rename(w->at, w->b);
	}
	return NULL;
}

START_TEST(devices_are_not_opened_in_a_race)
{
	struct swapper w = { .stop = false };
	int error, i, ifd, refused = 0;
	pthread_t thread;

	if (skip_unless_root())
		return;
	raw_put(&S, "file", "");
	host_node("kmsg", S_IFCHR | 0666, 1, 11);
	ifd = watch_opens(&S, "kmsg");
	strcpy(w.at, raw_host(&S, "name"));
	strcpy(w.a, raw_host(&S, "file"));
	strcpy(w.b, raw_host(&S, "kmsg"));
	ck_assert_int_eq(pthread_create(&thread, NULL, swap, &w), 0);
	for (i = 0; i < 3000 || refused == 0; i++) {
		error = CALL(G, open, P("/name"), RUMP_O_RDONLY, 0);
		ck_assert_msg(error == 0 || error == RUMP_ENOENT ||
		    error == RUMP_ENXIO, "errno %d", error);
		if (error == 0)
			OK(G, close, G->retval[0]);
		refused += error == RUMP_ENXIO;
	}
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	ck_assert(!was_opened(ifd));
	close(ifd);
}
END_TEST

START_TEST(sockets_and_links_are_not_opened)
{
	struct rump_sockaddr_un at = { .sun_len = 12,
	    .sun_family = RUMP_AF_LOCAL, .sun_path = "/socket" };
	int s;

	s = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	OK(G, bind, s, P(&at), at.sun_len);
	ck_assert_int_eq(CALL(G, open, P("/socket"), RUMP_O_RDWR, 0),
	    RUMP_EOPNOTSUPP);
	OK(G, symlink, P("/socket"), P("/link"));
	ck_assert_int_eq(CALL(G, open, P("/link"), RUMP_O_RDONLY |
	    RUMP_O_NOFOLLOW, 0), RUMP_EFTYPE);
	ck_assert_int_eq(CALL(G, open, P("/link"), RUMP_O_RDWR |
	    RUMP_O_NOFOLLOW | RUMP_O_CREAT, 0644), RUMP_EFTYPE);
	ck_assert_int_eq(CALL(G, open, P("/link"), RUMP_O_RDONLY, 0),
	    RUMP_EOPNOTSUPP);
}
END_TEST

/* Nor is what a root served read-only does not let write. */
START_TEST(read_only_files_are_not_opened_for_writing)
{
	struct hostkern_config conf = { .read_only = true, .console_fd = -1 };
	struct raw_server s;
	struct raw_guest *g;
	int ifd;

	raw_start(&s, &conf);
	raw_put(&s, "f", "data");
	g = raw_guest(&s, "tester");
	ifd = watch_opens(&s, "f");
	ck_assert_int_eq(CALL(g, open, P("/f"), RUMP_O_RDWR, 0), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, open, P("/f"), RUMP_O_WRONLY | RUMP_O_TRUNC |
	    RUMP_O_CREAT, 0644), RUMP_EROFS);
	ck_assert_int_eq(CALL(g, open, P("/f"), RUMP_O_RDONLY | RUMP_O_CREAT |
	    RUMP_O_EXCL, 0644), RUMP_EEXIST);
	ck_assert_int_eq(CALL(g, open, P("/g"), RUMP_O_RDONLY | RUMP_O_CREAT |
	    RUMP_O_EXCL, 0644), RUMP_EROFS);
	ck_assert(!was_opened(ifd));
	OK(g, open, P("/f"), RUMP_O_RDONLY, 0);
	ck_assert(was_opened(ifd));
	ck_assert_str_eq(raw_get(&s, "f"), "data");
	close(ifd);
	raw_leave(g);
	raw_stop(&s);
}
END_TEST

/* By its handle a file is opened in the same way. */
START_TEST(handles_open_no_devices)
{
	unsigned char fh[160];
	uint64_t size = sizeof(fh);
	int error, ifd;

	if (skip_unless_root())
		return;
	host_node("kmsg", S_IFCHR | 0666, 1, 11);
	error = CALL(G, __getfh30, P("/kmsg"), P(fh), P(&size));
	if (error == RUMP_EOPNOTSUPP) {
		skip("this file system has no handles");
		return;
	}
	ck_assert_int_eq(error, 0);
	ifd = watch_opens(&S, "kmsg");
	error = CALL(G, __fhopen40, P(fh), size, RUMP_O_RDWR);
	if (error == RUMP_EPERM)
		skip("may not open by handle");
	else
		ck_assert_int_eq(error, RUMP_ENXIO);
	ck_assert(!was_opened(ifd));
	close(ifd);
}
END_TEST

/* --- making --- */

/* O_CREAT through links that lead to nothing makes what they lead to. */
START_TEST(links_to_nothing_are_followed)
{
	char name[16], to[320];
	int i;

	OK(G, mkdir, P("/a"), 0755);
	OK(G, mkdir, P("/a/b"), 0755);
	OK(G, symlink, P("../../three"), P("/a/b/two"));
	OK(G, symlink, P("b/two"), P("/a/one"));
	OK(G, symlink, P("/a/one"), P("/zero"));
	OK(G, chdir, P("/a"));
	ck_assert_int_eq(CALL(G, open, P("/zero"), RUMP_O_RDWR, 0),
	    RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, open, P("/zero"), RUMP_O_RDWR |
	    RUMP_O_CREAT | RUMP_O_EXCL, 0644), RUMP_EEXIST);
	OK(G, open, P("../zero"), RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(access(raw_host(&S, "three"), F_OK), 0);
	/* Then it is there. */
	OK(G, open, P("one"), RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	/* Out of the root they do not lead, and somewhere they must. */
	OK(G, symlink, P("../../../../up"), P("/a/out"));
	OK(G, open, P("out"), RUMP_O_RDWR | RUMP_O_CREAT, 0644);
	ck_assert_int_eq(access(raw_host(&S, "up"), F_OK), 0);
	OK(G, symlink, P("/none/x"), P("/bad"));
	ck_assert_int_eq(CALL(G, open, P("/bad"), RUMP_O_RDWR |
	    RUMP_O_CREAT, 0644), RUMP_ENOENT);
	/* Not for ever, and not through names that grow too long. */
	OK(G, symlink, P("loop"), P("/loop"));
	ck_assert_int_eq(CALL(G, open, P("/loop"), RUMP_O_RDWR |
	    RUMP_O_CREAT, 0644), RUMP_ELOOP);
	memset(to, '/', sizeof(to));
	memcpy(to, "../a", 4);
	for (i = 0; i < 5; i++) {
		snprintf(to + 290, 16, "l%d", i + 1);
		snprintf(name, sizeof(name), "l%d", i);
		OK(G, symlink, P(to), P(name));
	}
	ck_assert_int_eq(CALL(G, open, P("l0"), RUMP_O_RDWR | RUMP_O_CREAT,
	    0644), RUMP_ENAMETOOLONG);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_set_timeout(t, 60);
	tcase_add_test(t, devices_are_not_opened_to_be_refused);
	tcase_add_test(t, devices_are_not_opened_in_a_race);
	tcase_add_test(t, sockets_and_links_are_not_opened);
	tcase_add_test(t, read_only_files_are_not_opened_for_writing);
	tcase_add_test(t, handles_open_no_devices);
	tcase_add_test(t, links_to_nothing_are_followed);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern opening", raw_setup,
	    raw_teardown, add_tests));
}
