/*
 * Files, their names and what is kept about them.
 */
#include <sys/types.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/fault/steps.h"

enum { BIG = 300 * 1024 };

static bool
file_of(const char *name, const char *content)
{
	const size_t len = strlen(content);
	char buf[32];
	bool ok;
	int fd;

	fd = rump_sys_open(name, RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_TRUNC,
	    0600);
	if (fd == -1)
		return false;
	ok = rump_sys_write(fd, content, len) == (ssize_t)len &&
	    rump_sys_pread(fd, buf, sizeof(buf), 0) == (ssize_t)len &&
	    memcmp(buf, content, len) == 0 &&
	    rump_sys_lseek(fd, 0, RUMP_SEEK_SET) == 0 &&
	    rump_sys_ftruncate(fd, 2) == 0 && rump_sys_fsync(fd) == 0 &&
	    rump_sys_fchmod(fd, 0640) == 0 &&
	    rump_sys_flock(fd, RUMP_LOCK_EX | RUMP_LOCK_NB) == 0;
	return rump_sys_close(fd) == 0 && ok;
}

static bool
files(void)
{
	struct rump_stat st;
	char buf[512];
	bool ok;
	int fd;

	if (!file_of("/a", "content"))
		return false;
	ok = rump_sys_stat("/a", (struct stat *)&st) == 0 &&
	    st.st_size == 2 &&
	    rump_sys_link("/a", "/b") == 0 &&
	    rump_sys_symlink("a", "/c") == 0 &&
	    rump_sys_readlink("/c", buf, sizeof(buf)) == 1 &&
	    rump_sys_rename("/b", "/d") == 0 &&
	    rump_sys_access("/c", RUMP_R_OK) == 0;
	fd = rump_sys_open("/", RUMP_O_RDONLY);
	ok = ok && fd != -1 && rump_sys_getdents(fd, buf, sizeof(buf)) > 0;
	if (fd != -1)
		rump_sys_close(fd);
	return rump_sys_unlink("/d") == 0 && rump_sys_unlink("/c") == 0 && ok;
}

static bool
directories(void)
{
	char buf[64];
	bool ok;

	ok = rump_sys_mkdir("/dir", 0755) == 0 &&
	    rump_sys_chdir("/dir") == 0 &&
	    rump_sys___getcwd(buf, sizeof(buf)) > 0 &&
	    rump_sys_mkfifo("../dir/fifo", 0600) == 0 &&
	    rump_sys_unlink("fifo") == 0;
	return rump_sys_chdir("/") == 0 && rump_sys_rmdir("/dir") == 0 && ok;
}

/* Longer than any buffer on the way. */
static bool
big(void)
{
	char *data;
	ssize_t n;
	bool ok = false;
	int fd;

	data = calloc(1, BIG);
	fd = rump_sys_open("/big", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	if (fd != -1 && data != NULL) {
		n = rump_sys_pwrite(fd, data, BIG, 0);
		ok = n == BIG && rump_sys_pread(fd, data, BIG, 0) == BIG;
	}
	free(data);
	return fd != -1 && rump_sys_close(fd) == 0 &&
	    rump_sys_unlink("/big") == 0 && ok;
}

static bool
attributes(void)
{
	const struct rump_timeval tv[2] = { { .tv_sec = 1 }, { .tv_sec = 2 } };
	struct rump_statvfs vfs;
	char buf[16];
	bool ok;
	int fd;

	fd = rump_sys_open("/t", RUMP_O_RDWR | RUMP_O_CREAT, 0600);
	ok = fd != -1 && rump_sys_chmod("/t", 0644) == 0 &&
	    rump_sys_utimes("/t", (const struct timeval *)tv) == 0 &&
	    rump_sys_futimes(fd, NULL) == 0 &&
	    rump_sys_chown("/t", (uid_t)-1, (gid_t)-1) == 0 &&
	    rump_sys_fchown(fd, (uid_t)-1, (gid_t)-1) == 0 &&
	    rump_sys_truncate("/t", 10) == 0 &&
	    rump_sys_posix_fallocate(fd, 0, 20) == 0 &&
	    rump_sys_posix_fadvise(fd, 0, 0, 0) == 0 &&
	    rump_sys_fdatasync(fd) == 0 &&
	    rump_sys_statvfs1("/", (struct statvfs *)&vfs, 0) == 0 &&
	    rump_sys_fstatvfs1(fd, (struct statvfs *)&vfs, 0) == 0 &&
	    rump_sys_getvfsstat(NULL, 0, 0) > 0 &&
	    rump_sys_pathconf("/", RUMP_PC_NAME_MAX) > 0;
	/* Not every file system has these. */
	(void)rump_sys_setxattr("/t", "user.a", "b", 1, 0);
	(void)rump_sys_getxattr("/t", "user.a", buf, sizeof(buf));
	(void)rump_sys_listxattr("/t", buf, sizeof(buf));
	(void)rump_sys_fsetxattr(fd, "user.a", "c", 1, 0);
	(void)rump_sys_removexattr("/t", "user.a");
	(void)rump_sys_chflags("/t", 0);
	rump_sys_close(fd);
	return rump_sys_unlink("/t") == 0 && ok;
}

static bool
vectors(void)
{
	struct rump_iovec iov[2] = { { "one", 3 }, { "two", 3 } };
	char a[3], b[3];
	bool ok;
	int fd, fd2;

	fd = rump_sys_open("/v", RUMP_O_RDWR | RUMP_O_CREAT | RUMP_O_APPEND,
	    0600);
	fd2 = rump_sys_dup(fd);
	ok = fd2 != -1 && rump_sys_writev(fd, (struct iovec *)iov, 2) == 6 &&
	    rump_sys_lseek(fd2, 0, RUMP_SEEK_SET) == 0;
	iov[0].iov_base = a;
	iov[1].iov_base = b;
	ok = ok && rump_sys_readv(fd2, (struct iovec *)iov, 2) == 6 &&
	    rump_sys_dup2(fd, fd2) == fd2 &&
	    rump_sys_fcntl(fd, RUMP_F_SETFD, RUMP_FD_CLOEXEC) == 0;
	rump_sys_close(fd);
	rump_sys_close(fd2);
	return rump_sys_unlink("/v") == 0 && ok;
}

/* Open without a name; only root may. */
static bool
handles(void)
{
	char fh[128];
	size_t len = sizeof(fh);
	int fd;

	if (rump_sys_mkdir("/h", 0700) == -1)
		return false;
	if (rump_sys_getfh("/h", fh, &len) == 0) {
		fd = rump_sys_fhopen(fh, len, RUMP_O_RDONLY);
		if (fd != -1)
			rump_sys_close(fd);
	}
	return rump_sys_rmdir("/h") == 0;
}

static bool
devices(void)
{
	char buf[64];
	bool ok;
	int fd;

	fd = rump_sys_open("/dev/zero", RUMP_O_RDWR);
	if (fd != -1) {
		(void)rump_sys_read(fd, buf, sizeof(buf));
		rump_sys_close(fd);
	}
	ok = rump_sys_mkfifo("/f", 0600) == 0;
	fd = rump_sys_open("/f", RUMP_O_RDWR | RUMP_O_NONBLOCK);
	ok = ok && fd != -1 && rump_sys_write(fd, "f", 1) == 1 &&
	    rump_sys_read(fd, buf, 1) == 1;
	rump_sys_close(fd);
	return rump_sys_unlink("/f") == 0 && ok;
}

const struct step steps_files[] = {
	{ "files", files }, { "directories", directories }, { "big", big },
	{ "attributes", attributes }, { "vectors", vectors },
	{ "handles", handles }, { "devices", devices }, { NULL, NULL }
};
