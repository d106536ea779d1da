/*
 * Files: reading, writing, offsets, lengths, directories, locks.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "host.h"
#include "raw.h"
#include "ways.h"

static int
new_file(const char *path)
{

	return raw_open(G, path, RUMP_O_RDWR | RUMP_O_CREAT, 0666);
}

START_TEST(read_and_write)
{
	char buf[8] = "";
	int fd = new_file("/f");

	ck_assert_int_eq(OK(G, write, fd, P("hello"), 5), 5);
	ck_assert_int_eq(OK(G, lseek, fd, 0, -3, RUMP_SEEK_END), 2);
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 3);
	ck_assert_str_eq(buf, "llo");
	ck_assert_int_eq(OK(G, read, fd, P(buf), 8), 0);
	ck_assert_int_eq(OK(G, read, fd, 0, 0), 0);
	ck_assert_int_eq(OK(G, write, fd, 0, 0), 0);
	ck_assert_int_eq(OK(G, pread, fd, P(buf), 2, 0, 1), 2);
	ck_assert_mem_eq(buf, "el", 2);
	ck_assert_int_eq(OK(G, pwrite, fd, P("J"), 1, 0, 0), 1);
	ck_assert_int_eq(OK(G, lseek, fd, 0, 0, RUMP_SEEK_CUR), 5);
	ck_assert_str_eq(raw_get(&S, "f"), "Jello");
	ck_assert_int_eq(CALL(G, pread, fd, P(buf), 2, 0, -1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, read, fd, P(buf), UINT64_MAX), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, read, 99, P(buf), 1), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, lseek, fd, 0, -9, RUMP_SEEK_SET),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, lseek, fd, 0, 0, 3), RUMP_EINVAL);
	fd = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(CALL(G, write, fd, P("x"), 1), RUMP_EBADF);
	fd = raw_open(G, "/f", RUMP_O_WRONLY | RUMP_O_TRUNC, 0);
	ck_assert_int_eq(CALL(G, read, fd, P(buf), 1), RUMP_EBADF);
	ck_assert_str_eq(raw_get(&S, "f"), "");
	fd = raw_open(G, "/", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(CALL(G, read, fd, P(buf), 1), RUMP_EISDIR);
}
END_TEST

/* More than one piece of the server's buffer. */
START_TEST(large_transfers)
{
	const size_t len = 3 * 1024 * 1024 + 12345;
	char *out = malloc(len), *in = calloc(1, len + 100);
	int fd = new_file("/f");
	size_t i;

	for (i = 0; i < len; i++)
		out[i] = (char)(i * 7 >> 4);
	ck_assert_int_eq(OK(G, write, fd, P(out), len), (int64_t)len);
	OK(G, lseek, fd, 0, 0, RUMP_SEEK_SET);
	ck_assert_int_eq(OK(G, read, fd, P(in), len + 100), (int64_t)len);
	ck_assert_mem_eq(in, out, len);
	memset(in, 0, len);
	ck_assert_int_eq(OK(G, pread, fd, P(in), 65536, 0, 1000), 65536);
	ck_assert_mem_eq(in, out + 1000, 65536);
	free(in);
	free(out);
}
END_TEST

START_TEST(vectors)
{
	char a[3] = "", b[5] = "", *big = malloc(2 * 1024 * 1024);
	struct rump_iovec wv[] = { { "one", 3 }, { NULL, 0 }, { "three", 5 } };
	struct rump_iovec rv[] = { { a, 3 }, { b, 5 } };
	struct rump_iovec many[20], large[2];
	char bytes[20], back[20];
	int fd = new_file("/f"), i;

	ck_assert_int_eq(OK(G, writev, fd, P(wv), 3), 8);
	ck_assert_str_eq(raw_get(&S, "f"), "onethree");
	OK(G, lseek, fd, 0, 0, RUMP_SEEK_SET);
	ck_assert_int_eq(OK(G, readv, fd, P(rv), 2), 8);
	ck_assert_mem_eq(a, "one", 3);
	ck_assert_mem_eq(b, "three", 5);
	ck_assert_int_eq(OK(G, preadv, fd, P(rv), 2, 0, 3), 5);
	ck_assert_mem_eq(a, "thr", 3);
	ck_assert_mem_eq(b, "ee", 2);
	ck_assert_int_eq(OK(G, pwritev, fd, P(wv), 3, 0, 8), 8);
	ck_assert_str_eq(raw_get(&S, "f"), "onethreeonethree");
	ck_assert_int_eq(CALL(G, readv, fd, P(rv), 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, readv, fd, P(rv), 1025), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, preadv, fd, P(rv), 2, 0, -1), RUMP_EINVAL);
	wv[0].iov_len = (size_t)INT64_MAX;
	ck_assert_int_eq(CALL(G, writev, fd, P(wv), 3), RUMP_EINVAL);

	for (i = 0; i < 20; i++) {
		bytes[i] = (char)('a' + i);
		many[i] = (struct rump_iovec){ &bytes[i], 1 };
	}
	OK(G, lseek, fd, 0, 0, RUMP_SEEK_SET);
	ck_assert_int_eq(OK(G, writev, fd, P(many), 20), 20);
	ck_assert_int_eq(OK(G, pread, fd, P(back), 20, 0, 0), 20);
	ck_assert_mem_eq(back, bytes, 20);

	memset(big, 'z', 2 * 1024 * 1024);
	large[0] = (struct rump_iovec){ big, 1500000 };
	large[1] = (struct rump_iovec){ big + 1500000, 500000 };
	ck_assert_int_eq(OK(G, pwritev, fd, P(large), 2, 0, 0), 2000000);
	memset(big, 0, 2 * 1024 * 1024);
	ck_assert_int_eq(OK(G, preadv, fd, P(large), 2, 0, 0), 2000000);
	ck_assert_int_eq(big[0], 'z');
	ck_assert_int_eq(big[1999999], 'z');
	ck_assert_int_eq(big[2000000], 0);
	free(big);
}
END_TEST

START_TEST(lengths)
{
	struct rump_stat st;
	int fd = new_file("/f"), fd2[2];

	OK(G, ftruncate, fd, 0, 4096);
	OK(G, __fstat50, fd, P(&st));
	ck_assert_int_eq(st.st_size, 4096);
	OK(G, truncate, P("/f"), 0, 10);
	OK(G, __stat50, P("/f"), P(&st));
	ck_assert_int_eq(st.st_size, 10);
	ck_assert_int_eq(CALL(G, truncate, P("/"), 0, 10), RUMP_EISDIR);
	ck_assert_int_eq(CALL(G, truncate, P("/none"), 0, 1), RUMP_ENOENT);
	ck_assert_int_eq(CALL(G, truncate, P("/f"), 0, -1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, ftruncate, fd, 0, -1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, ftruncate, 0, 0, 1), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, ftruncate, raw_open(G, "/f", 0, 0), 0, 1),
	    RUMP_EINVAL);

	/* The errno is the result of these two. */
	ck_assert_int_eq(OK(G, posix_fallocate, fd, 0, 0, 8192), 0);
	OK(G, __fstat50, fd, P(&st));
	ck_assert_int_eq(st.st_size, 8192);
	ck_assert_int_ge(st.st_blocks, 16);
	ck_assert_int_eq(OK(G, posix_fallocate, fd, 0, -1, 1), RUMP_EINVAL);
	ck_assert_int_eq(OK(G, posix_fallocate, 99, 0, 0, 1), RUMP_EBADF);
	ck_assert_int_eq(OK(G, __posix_fadvise50, fd, 0, 0, 0,
	    RUMP_POSIX_FADV_WILLNEED), 0);
	ck_assert_int_eq(OK(G, __posix_fadvise50, fd, 0, 0, 0, 17),
	    RUMP_EINVAL);
	OK(G, pipe2, P(fd2), 0);
	ck_assert_int_eq(OK(G, __posix_fadvise50, fd2[0], 0, 0, 0, 0),
	    RUMP_ESPIPE);
	ck_assert_int_eq(OK(G, posix_fallocate, fd2[1], 0, 0, 1),
	    RUMP_ESPIPE);

	OK(G, pwrite, fd, P("data"), 4, 0, 0);
	OK(G, fdiscard, fd, 0, 0, 4096);
	ck_assert_str_eq(raw_get(&S, "f"), "");
	ck_assert_int_eq(CALL(G, fdiscard, fd, 0, 0, 0), RUMP_EINVAL);
}
END_TEST

START_TEST(syncing)
{
	int fd = new_file("/f"), ro, fds[2];

	OK(G, write, fd, P("x"), 1);
	OK(G, fsync, fd);
	OK(G, fdatasync, fd);
	OK(G, fsync_range, fd, RUMP_FFILESYNC, 0, 0);
	OK(G, fsync_range, fd, RUMP_FDATASYNC | RUMP_FDISKSYNC, 0, 100);
	OK0(G, sync);
	ck_assert_int_eq(CALL(G, fsync_range, fd, 0, 0, 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, fsync_range, fd, RUMP_FFILESYNC |
	    RUMP_FDATASYNC, 0, 0), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, fsync_range, fd, RUMP_FFILESYNC, -1, 0),
	    RUMP_EINVAL);
	ro = raw_open(G, "/f", RUMP_O_RDONLY, 0);
	OK(G, fsync, ro);
	ck_assert_int_eq(CALL(G, fdatasync, ro), RUMP_EBADF);
	ck_assert_int_eq(CALL(G, fsync, 99), RUMP_EBADF);
	OK(G, pipe2, P(fds), 0);
	ck_assert_int_eq(CALL(G, fsync, fds[0]), RUMP_EINVAL);
	OK(G, mkfifo, P("/fifo"), 0600);
	OK(G, fsync, raw_open(G, "/fifo", RUMP_O_RDWR, 0));
}
END_TEST

/* Walks one buffer of entries, counting the names that were made. */
static int
count_entries(const char *buf, int64_t n, int seen[300])
{
	const struct rump_dirent *d;
	int count = 0, i;
	int64_t at;

	for (at = 0; at < n; at += d->d_reclen) {
		d = (const struct rump_dirent *)(buf + at);
		ck_assert_int_eq(d->d_reclen % 8, 0);
		ck_assert_int_le(at + d->d_reclen, n);
		ck_assert_uint_eq(d->d_namlen, strlen(d->d_name));
		ck_assert_uint_ne(d->d_fileno, 0);
		if (sscanf(d->d_name, "name%d", &i) == 1) {
			ck_assert_int_eq(d->d_type, RUMP_DT_REG);
			seen[i]++;
			count++;
		} else {
			ck_assert_int_eq(d->d_type, RUMP_DT_DIR);
		}
	}
	return count;
}

START_TEST(directories)
{
	int seen[300] = { 0 }, dfd, fd, i, round, total;
	char name[32], buf[1024];
	int64_t n;

	OK(G, mkdir, P("/d"), 0755);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "/d/name%d", i);
		fd = new_file(name);
		OK(G, close, fd);
	}
	dfd = raw_open(G, "/d", RUMP_O_RDONLY, 0);
	for (round = 1; round <= 2; round++) {
		total = 0;
		while ((n = OK(G, __getdents30, dfd, P(buf),
		    sizeof(buf))) > 0)
			total += count_entries(buf, n, seen);
		ck_assert_int_eq(total, 300);
		for (i = 0; i < 300; i++)
			ck_assert_int_eq(seen[i], round);
		OK(G, lseek, dfd, 0, 0, RUMP_SEEK_SET);
	}
	ck_assert_int_eq(CALL(G, __getdents30, dfd, P(buf), 8), RUMP_EINVAL);
	/* What is there need not be made. */
	OK(G, close, raw_open(G, "/d", RUMP_O_RDONLY | RUMP_O_CREAT, 0666));
	fd = raw_open(G, "/d/name1", RUMP_O_RDONLY, 0);
	ck_assert_int_eq(CALL(G, __getdents30, fd, P(buf), 1024),
	    RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, __getdents30, 99, P(buf), 1024),
	    RUMP_EBADF);
	OK(G, mkdir, P("/gone"), 0755);
	fd = raw_open(G, "/gone", RUMP_O_RDONLY, 0);
	OK(G, rmdir, P("/gone"));
	ck_assert_int_eq(OK(G, __getdents30, fd, P(buf), 1024), 0);
}
END_TEST

START_TEST(limit_of_file_size)
{
	struct rump_rlimit rl = { .rlim_cur = 10, .rlim_max = 20 };
	struct rump_iovec iov = { "abc", 3 };
	int fd = new_file("/f");

	OK(G, setrlimit, RUMP_RLIMIT_FSIZE, P(&rl));
	ck_assert_int_eq(OK(G, write, fd, P("0123456789"), 10), 10);
	ck_assert_int_eq(CALL(G, write, fd, P("x"), 1), RUMP_EFBIG);
	OK0(G, getpid);
	ck_assert_uint_eq(G->raised, UINT64_C(1) << RUMP_SIGXFSZ);
	ck_assert_int_eq(CALL(G, pwritev, fd, P(&iov), 1, 0, 8),
	    RUMP_EFBIG);
	ck_assert_int_eq(OK(G, pwritev, fd, P(&iov), 1, 0, 7), 3);
	OK(G, fcntl, fd, RUMP_F_SETFL, RUMP_O_APPEND);
	OK(G, lseek, fd, 0, 0, RUMP_SEEK_SET);
	ck_assert_int_eq(CALL(G, write, fd, P("x"), 1), RUMP_EFBIG);
	ck_assert_str_eq(raw_get(&S, "f"), "0123456abc");
	iov.iov_len = 0;
	OK(G, fcntl, fd, RUMP_F_SETFL, 0);
	OK(G, lseek, fd, 0, 30, RUMP_SEEK_SET);
	OK(G, writev, fd, P(&iov), 1);
	/* Nor is it made longer without writing. */
	G->raised = 0;
	ck_assert_int_eq(CALL(G, ftruncate, fd, 0, 11), RUMP_EFBIG);
	ck_assert_int_eq(CALL(G, truncate, P("/f"), 0, 11), RUMP_EFBIG);
	ck_assert_int_eq(OK(G, posix_fallocate, fd, 0, 4, 7), RUMP_EFBIG);
	OK0(G, getpid);
	ck_assert_uint_eq(G->raised, UINT64_C(1) << RUMP_SIGXFSZ);
	ck_assert_str_eq(raw_get(&S, "f"), "0123456abc");
	OK(G, ftruncate, fd, 0, 10);
	ck_assert_int_eq(OK(G, posix_fallocate, fd, 0, 4, 6), 0);
	OK(G, truncate, P("/f"), 0, 3);
	ck_assert_str_eq(raw_get(&S, "f"), "012");
}
END_TEST

START_TEST(searching_only)
{
	struct rump_stat st;
	char buf[64];
	int dfd;

	OK(G, mkdir, P("/d"), 0755);
	raw_put(&S, "d/f", "x");
	dfd = raw_open(G, "/d", RUMP_O_SEARCH | RUMP_O_DIRECTORY, 0);
	OK(G, openat, dfd, P("f"), RUMP_O_RDONLY, 0);
	OK(G, __fstat50, dfd, P(&st));
	ck_assert(RUMP_S_ISDIR(st.st_mode));
	ck_assert_int_eq(CALL(G, __getdents30, dfd, P(buf), 64), RUMP_EBADF);
	OK(G, fchdir, dfd);
	OK(G, access, P("f"), RUMP_F_OK);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_set_timeout(t, 60);
	tcase_add_test(t, read_and_write);
	tcase_add_test(t, large_transfers);
	tcase_add_test(t, vectors);
	tcase_add_test(t, lengths);
	tcase_add_test(t, syncing);
	tcase_add_test(t, directories);
	tcase_add_test(t, limit_of_file_size);
	tcase_add_test(t, searching_only);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern files", raw_setup,
	    raw_teardown, add_tests));
}
