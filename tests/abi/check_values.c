/* Numbers and structures other than errno and sockets. */
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "lib/suite.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

START_TEST(signals)
{
	/* By NetBSD's number from 1: Linux/amd64's. */
	static const int host[] = { 1, 2, 3, 4, 5, 6, 0, 8, 9, 7, 11, 31, 13,
	    14, 15, 23, 19, 20, 18, 17, 21, 22, 29, 24, 25, 26, 27, 28, 0,
	    10, 12, 30 };
	int n;

	for (n = 1; n <= (int)COUNT(host); n++) {
		ck_assert_int_eq(rump_conv_signo_to_host(n), host[n - 1]);
		if (host[n - 1] != 0)
			ck_assert_int_eq(rump_conv_signo_from_host(host[n - 1]),
			    n);
	}
	ck_assert_int_eq(rump_conv_signo_to_host(RUMP_SIGRTMIN), SIGRTMIN);
	ck_assert_int_eq(rump_conv_signo_from_host(SIGRTMIN + 3),
	    RUMP_SIGRTMIN + 3);
	ck_assert_int_eq(rump_conv_signo_from_host(SIGSTKFLT), 0);
	ck_assert_int_eq(rump_conv_signo_to_host(0), 0);
	ck_assert_int_eq(rump_conv_signo_to_host(-5), 0);
	ck_assert_int_eq(rump_conv_signo_to_host(64), 0);
	ck_assert_int_eq(rump_conv_signo_from_host(1000), 0);
}
END_TEST

START_TEST(sigsets)
{
	struct rump_sigset nb, back;
	sigset_t host;

	rump_sigemptyset(&nb);
	rump_sigaddset(&nb, RUMP_SIGUSR1);
	rump_sigaddset(&nb, RUMP_SIGPWR);
	rump_sigaddset(&nb, RUMP_SIGRTMIN);
	rump_sigaddset(&nb, RUMP_SIGINFO);
	rump_sigaddset(&nb, 0);
	rump_sigaddset(&nb, 1000);
	ck_assert_uint_eq(nb.bits[0], 0xb0000000u);
	ck_assert_uint_eq(nb.bits[1], 1);
	rump_conv_sigset_to_host(&nb, &host);
	ck_assert_int_eq(sigismember(&host, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&host, SIGPWR), 1);
	ck_assert_int_eq(sigismember(&host, SIGRTMIN), 1);
	ck_assert_int_eq(sigismember(&host, SIGUSR2), 0);
	rump_conv_sigset_from_host(&host, &back);
	nb.bits[0] &= ~(1u << (RUMP_SIGINFO - 1));
	ck_assert_mem_eq(&back, &nb, sizeof(nb));
}
END_TEST

START_TEST(openflags)
{
	static const struct {
		int nb, host;
	} t[] = {
		{ 0x0, O_RDONLY }, { 0x1, O_WRONLY }, { 0x2, O_RDWR },
		{ 0x4, O_NONBLOCK }, { 0x8, O_APPEND }, { 0x40, O_ASYNC },
		{ 0x80, O_SYNC }, { 0x100, O_NOFOLLOW }, { 0x200, O_CREAT },
		{ 0x400, O_TRUNC }, { 0x800, O_EXCL }, { 0x8000, O_NOCTTY },
		{ 0x10000, O_DSYNC }, { 0x80000, O_DIRECT },
		{ 0x200000, O_DIRECTORY }, { 0x400000, O_CLOEXEC },
		{ 0x800000, O_PATH }, { 0x602, O_RDWR | O_CREAT | O_TRUNC },
	};
	size_t i;
	int host;

	for (i = 0; i < COUNT(t); i++) {
		ck_assert_int_eq(rump_conv_open_flags_to_host(t[i].nb, &host),
		    0);
		ck_assert_int_eq(host, t[i].host);
		ck_assert_int_eq(rump_conv_open_flags_from_host(t[i].host),
		    t[i].nb);
	}
	/* The caller's business. */
	ck_assert_int_eq(rump_conv_open_flags_to_host(RUMP_O_SHLOCK |
	    RUMP_O_EXLOCK | RUMP_O_NOSIGPIPE | RUMP_O_ALT_IO, &host), 0);
	ck_assert_int_eq(host, 0);
	ck_assert_int_eq(rump_conv_open_flags_to_host(0x1000, &host),
	    RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_open_flags_to_host(3, &host), RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_open_flags_to_host(INT32_MIN, &host),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(atflags)
{
	int host, nb;

	ck_assert_int_eq(rump_conv_at_flags_to_host(0x200, &host), 0);
	ck_assert_int_eq(host, AT_SYMLINK_NOFOLLOW);
	ck_assert_int_eq(rump_conv_at_flags_to_host(0x400, &host), 0);
	ck_assert_int_eq(host, AT_SYMLINK_FOLLOW);
	ck_assert_int_eq(rump_conv_at_flags_to_host(0x800, &host), 0);
	ck_assert_int_eq(host, AT_REMOVEDIR);
	ck_assert_int_eq(rump_conv_at_flags_to_host(0x300, &host), 0);
	ck_assert_int_eq(host, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
	ck_assert_int_eq(rump_conv_at_flags_to_host(0x1000, &host),
	    RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_at_flags_from_host(AT_SYMLINK_NOFOLLOW,
	    &nb), 0);
	ck_assert_int_eq(nb, 0x200);
	ck_assert_int_eq(rump_conv_at_flags_from_host(0x40000000, &nb),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(fcntls)
{
	static const int host[] = { F_DUPFD, F_GETFD, F_SETFD, F_GETFL,
	    F_SETFL, F_GETOWN, F_SETOWN, F_GETLK, F_SETLK, F_SETLKW, -1, -1,
	    F_DUPFD_CLOEXEC, -1, -1 };
	struct rump_flock nb, back;
	struct flock fl;
	int h, n, v;

	for (n = 0; n < (int)COUNT(host); n++) {
		if (host[n] == -1) {
			ck_assert_int_eq(rump_conv_fcntl_to_host(n, &h),
			    RUMP_EINVAL);
			continue;
		}
		ck_assert_int_eq(rump_conv_fcntl_to_host(n, &h), 0);
		ck_assert_int_eq(h, host[n]);
		ck_assert_int_eq(rump_conv_fcntl_from_host(h, &v), 0);
		ck_assert_int_eq(v, n);
	}
	ck_assert_int_eq(rump_conv_fcntl_from_host(F_GETPIPE_SZ, &v),
	    RUMP_EINVAL);

	memset(&nb, 0, sizeof(nb));
	nb.l_start = 1 << 20;
	nb.l_len = 7;
	nb.l_pid = 42;
	nb.l_type = 3;		/* NetBSD's F_WRLCK */
	nb.l_whence = RUMP_SEEK_END;
	ck_assert_int_eq(rump_conv_flock_to_host(&nb, &fl), 0);
	ck_assert_int_eq(fl.l_type, F_WRLCK);
	ck_assert_int_eq(fl.l_whence, SEEK_END);
	ck_assert_int_eq(fl.l_start, 1 << 20);
	memset(&back, 0xff, sizeof(back));
	ck_assert_int_eq(rump_conv_flock_from_host(&fl, &back), 0);
	ck_assert_mem_eq(&back, &nb, sizeof(nb));
	nb.l_type = 0;
	ck_assert_int_eq(rump_conv_flock_to_host(&nb, &fl), RUMP_EINVAL);
}
END_TEST

START_TEST(stats)
{
	struct rump_stat nb;
	struct rump_stat30 old;
	struct stat host, back;

	memset(&host, 0, sizeof(host));
	host.st_dev = makedev(8, 1);
	host.st_mode = S_IFCHR | 0640;
	host.st_ino = UINT64_C(0x123456789a);
	host.st_nlink = 3;
	host.st_uid = 1000;
	host.st_gid = 100;
	host.st_rdev = makedev(5, 300);
	host.st_size = INT64_C(1) << 40;
	host.st_blocks = 17;
	host.st_blksize = 4096;
	host.st_atim.tv_sec = 30;
	host.st_mtim.tv_sec = 10;
	host.st_mtim.tv_nsec = 999;
	host.st_ctim.tv_sec = 20;
	memset(&nb, 0xff, sizeof(nb));
	rump_conv_stat_from_host(&host, &nb);
	ck_assert_uint_eq(nb.st_mode, 0020640);
	ck_assert_uint_eq(nb.st_ino, UINT64_C(0x123456789a));
	ck_assert_uint_eq(nb.st_rdev, 5 << 8 | (300u & 0xff) |
	    (300u & ~0xffu) << 12);
	ck_assert_int_eq(nb.st_birthtim.tv_sec, 10);
	ck_assert_int_eq(nb.st_birthtim.tv_nsec, 999);
	ck_assert_uint_eq(nb.st_flags, 0);
	ck_assert_uint_eq(nb.st_spare[1], 0);
	rump_conv_stat_to_host(&nb, &back);
	ck_assert_mem_eq(&back, &host, sizeof(host));

	rump_conv_stat_to_stat30(&nb, &old);
	ck_assert_uint_eq(old.st_ino, UINT64_C(0x123456789a));
	ck_assert_int_eq(old.st_mtimespec.tv_sec, 10);
	ck_assert_int_eq(old.st_mtimespec.tv_nsec, 999);
	ck_assert_int_eq(old.st_size, INT64_C(1) << 40);
	ck_assert_uint_eq(old.st_gid, 100);
}
END_TEST

START_TEST(statx_birth)
{
	struct rump_stat nb;
	struct statx sx;

	memset(&sx, 0, sizeof(sx));
	sx.stx_mask = STATX_BASIC_STATS | STATX_BTIME;
	sx.stx_btime.tv_sec = 5;
	sx.stx_ctime.tv_sec = 6;
	sx.stx_attributes = STATX_ATTR_APPEND | STATX_ATTR_NODUMP;
	rump_conv_stat_from_statx(&sx, &nb);
	ck_assert_int_eq(nb.st_birthtim.tv_sec, 5);
	ck_assert_uint_eq(nb.st_flags, RUMP_SF_APPEND | RUMP_UF_NODUMP);
	sx.stx_mask = STATX_BASIC_STATS;
	sx.stx_mtime.tv_sec = 4;
	rump_conv_stat_from_statx(&sx, &nb);
	ck_assert_int_eq(nb.st_birthtim.tv_sec, 4);
}
END_TEST

START_TEST(devices)
{

	ck_assert_uint_eq(rump_makedev(0xabc, 0xdef12), 0xdefabc12u);
	ck_assert_uint_eq(rump_major(0xdefabc12u), 0xabc);
	ck_assert_uint_eq(rump_minor(0xdefabc12u), 0xdef12);
	ck_assert_uint_eq(rump_conv_dev_to_host(rump_conv_dev_from_host(
	    makedev(1, 3))), makedev(1, 3));
}
END_TEST

START_TEST(dirents)
{
	struct rump_dirent de;
	char buf[64], name[600];
	size_t n;

	memset(buf, 0xff, sizeof(buf));
	n = rump_conv_dirent_pack(buf, sizeof(buf), 77, RUMP_DT_REG, "motd", 4);
	ck_assert_uint_eq(n, 24);
	memcpy(&de, buf, n);
	ck_assert_uint_eq(de.d_fileno, 77);
	ck_assert_uint_eq(de.d_reclen, 24);
	ck_assert_uint_eq(de.d_namlen, 4);
	ck_assert_uint_eq(de.d_type, 8);
	ck_assert_str_eq(de.d_name, "motd");
	ck_assert_uint_eq((unsigned char)buf[23], 0);
	ck_assert_uint_eq((unsigned char)buf[24], 0xff);
	/* One byte short; the NUL counts. */
	ck_assert_uint_eq(rump_conv_dirent_pack(buf, 23, 1, 8, "motd", 4), 0);
	ck_assert_uint_eq(rump_dirent_reclen(2), 16);
	ck_assert_uint_eq(rump_dirent_reclen(3), 24);
	memset(name, 'x', sizeof(name));
	ck_assert_uint_eq(rump_conv_dirent_pack(name, 600, 1, 8, name, 512),
	    0);
	ck_assert_uint_eq(rump_conv_mode_to_dtype(S_IFSOCK | 0777), 12);
	ck_assert_uint_eq(rump_conv_dtype_to_mode(4), S_IFDIR);
}
END_TEST

START_TEST(statvfses)
{
	struct rump_statvfs nb;
	struct statvfs host, back;

	memset(&host, 0, sizeof(host));
	host.f_bsize = 4096;
	host.f_frsize = 1024;
	host.f_blocks = 1000;
	host.f_bfree = 500;
	host.f_bavail = 400;
	host.f_files = 9;
	host.f_ffree = 8;
	host.f_favail = 8;
	host.f_fsid = 0x1122334455667788ul;
	host.f_flag = ST_RDONLY | ST_NOEXEC | ST_NOATIME | ST_MANDLOCK;
	host.f_namemax = 255;
	rump_conv_statvfs_from_host(&host, &nb);
	ck_assert_uint_eq(nb.f_flag, 0x04000005);
	ck_assert_uint_eq(nb.f_bresvd, 100);
	ck_assert_int_eq(nb.f_fsidx.fsid_val[0], 0x55667788);
	ck_assert_int_eq(nb.f_fsidx.fsid_val[1], 0x11223344);
	ck_assert_uint_eq(nb.f_iosize, 4096);
	rump_conv_statvfs_to_host(&nb, &back);
	host.f_flag &= ~(unsigned long)ST_MANDLOCK;
	ck_assert_uint_eq(back.f_flag, host.f_flag);
	ck_assert_uint_eq(back.f_favail, 8);
	ck_assert_uint_eq(back.f_fsid, host.f_fsid);
}
END_TEST

START_TEST(pathconfs)
{
	int host, n, nb;

	for (n = 1; n <= 13; n++) {
		ck_assert_int_eq(rump_conv_pathconf_to_host(n, &host), 0);
		ck_assert_int_eq(rump_conv_pathconf_from_host(host, &nb), 0);
		ck_assert_int_eq(nb, n);
	}
	ck_assert_int_eq(rump_conv_pathconf_to_host(4, &host), 0);
	ck_assert_int_eq(host, _PC_NAME_MAX);
	ck_assert_int_eq(rump_conv_pathconf_to_host(0, &host), RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_pathconf_to_host(14, &host), RUMP_EINVAL);
}
END_TEST

START_TEST(times)
{
	struct rump_itimerspec its, itsback;
	struct rump_itimerval itv, itvback;
	struct rump_timespec50 ts50;
	struct rump_timeval50 tv50;
	struct itimerspec hits;
	struct itimerval hitv;
	struct timespec ts = { -1, 999999999 };
	struct timeval tv = { 1, 2 };

	memset(&itv, 0, sizeof(itv));
	memset(&itvback, 0xff, sizeof(itvback));
	itv.it_interval.tv_sec = INT64_C(1) << 40;
	itv.it_value.tv_usec = 999999;
	rump_conv_itimerval_to_host(&itv, &hitv);
	ck_assert_int_eq(hitv.it_interval.tv_sec, INT64_C(1) << 40);
	rump_conv_itimerval_from_host(&hitv, &itvback);
	ck_assert_mem_eq(&itv, &itvback, sizeof(itv));

	its.it_interval.tv_sec = 1;
	its.it_interval.tv_nsec = 2;
	its.it_value.tv_sec = -3;
	its.it_value.tv_nsec = 4;
	rump_conv_itimerspec_to_host(&its, &hits);
	ck_assert_int_eq(hits.it_value.tv_sec, -3);
	rump_conv_itimerspec_from_host(&hits, &itsback);
	ck_assert_mem_eq(&its, &itsback, sizeof(its));

	rump_conv_timespec50_from_host(&ts, &ts50);
	ck_assert_int_eq(ts50.tv_sec, -1);
	memset(&ts, 0, sizeof(ts));
	rump_conv_timespec50_to_host(&ts50, &ts);
	ck_assert_int_eq(ts.tv_sec, -1);
	ck_assert_int_eq(ts.tv_nsec, 999999999);
	rump_conv_timeval50_from_host(&tv, &tv50);
	memset(&tv, 0, sizeof(tv));
	rump_conv_timeval50_to_host(&tv50, &tv);
	ck_assert_int_eq(tv.tv_sec, 1);
	ck_assert_int_eq(tv.tv_usec, 2);
}
END_TEST

START_TEST(clocks)
{
	clockid_t host;
	int nb;

	ck_assert_int_eq(rump_conv_clockid_to_host(3, &host), 0);
	ck_assert_int_eq(host, CLOCK_MONOTONIC);
	ck_assert_int_eq(rump_conv_clockid_from_host(CLOCK_MONOTONIC, &nb), 0);
	ck_assert_int_eq(nb, 3);
	ck_assert_int_eq(rump_conv_clockid_to_host(0, &host), 0);
	ck_assert_int_eq(host, CLOCK_REALTIME);
	ck_assert_int_eq(rump_conv_clockid_to_host(1, &host), 0);
	ck_assert_int_eq(host, CLOCK_PROCESS_CPUTIME_ID);
	ck_assert_int_eq(rump_conv_clockid_to_host(4, &host), RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_clockid_to_host(-1, &host), RUMP_EINVAL);
	ck_assert_int_eq(rump_conv_clockid_from_host(CLOCK_TAI, &nb),
	    RUMP_EINVAL);
}
END_TEST

START_TEST(readiness)
{
	struct rump_fd_set nb, back;
	fd_set host;

	ck_assert_int_eq(rump_conv_pollevents_to_host(0x1ff), POLLIN | POLLPRI |
	    POLLOUT | POLLERR | POLLHUP | POLLNVAL | POLLRDNORM | POLLRDBAND |
	    POLLWRBAND);
	ck_assert_int_eq(rump_conv_pollevents_from_host(POLLIN | POLLRDHUP),
	    RUMP_POLLIN);
	/* Linux has a number of its own for it, NetBSD POLLOUT's. */
	ck_assert_int_eq(rump_conv_pollevents_from_host(POLLWRNORM),
	    RUMP_POLLOUT);
	ck_assert_int_eq(rump_conv_pollevents_from_host(POLLWRBAND), 0x100);

	rump_fd_zero(&nb);
	rump_fd_setbit(0, &nb);
	rump_fd_setbit(33, &nb);
	rump_fd_setbit(255, &nb);
	rump_fd_setbit(256, &nb);
	rump_fd_setbit(-1, &nb);
	ck_assert_uint_eq(nb.fds_bits[1], 2);
	rump_conv_fdset_to_host(&nb, 1024, &host);
	ck_assert(FD_ISSET(0, &host) && FD_ISSET(33, &host) &&
	    FD_ISSET(255, &host) && !FD_ISSET(34, &host));
	rump_conv_fdset_from_host(&host, 1024, &back);
	ck_assert_mem_eq(&nb, &back, sizeof(nb));
	rump_conv_fdset_to_host(&nb, 33, &host);
	ck_assert(FD_ISSET(0, &host) && !FD_ISSET(33, &host));
	rump_fd_clrbit(33, &nb);
	ck_assert_int_eq(rump_fd_isset(33, &nb), 0);
}
END_TEST

START_TEST(limits)
{
	static const int host[] = { RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA,
	    RLIMIT_STACK, RLIMIT_CORE, RLIMIT_RSS, RLIMIT_MEMLOCK,
	    RLIMIT_NPROC, RLIMIT_NOFILE, -1, RLIMIT_AS, -1 };
	int h, n, nb;

	for (n = 0; n < (int)COUNT(host); n++) {
		if (host[n] == -1) {
			ck_assert_int_eq(rump_conv_rlimit_to_host(n, &h),
			    RUMP_EINVAL);
			continue;
		}
		ck_assert_int_eq(rump_conv_rlimit_to_host(n, &h), 0);
		ck_assert_int_eq(h, host[n]);
		ck_assert_int_eq(rump_conv_rlimit_from_host(h, &nb), 0);
		ck_assert_int_eq(nb, n);
	}
	ck_assert_uint_eq(rump_conv_rlim_from_host(RLIM_INFINITY),
	    UINT64_C(0x7fffffffffffffff));
	ck_assert_uint_eq(rump_conv_rlim_to_host(UINT64_C(0x7fffffffffffffff)),
	    RLIM_INFINITY);
	ck_assert_uint_eq(rump_conv_rlim_to_host(1024), 1024);
	ck_assert_uint_eq(rump_conv_rlim_from_host(1024), 1024);
}
END_TEST

START_TEST(terminals)
{
	struct rump_termios nb, back;
	struct termios host;

	memset(&nb, 0, sizeof(nb));
	memset(nb.c_cc, 0xff, sizeof(nb.c_cc));
	nb.c_iflag = RUMP_ICRNL | RUMP_IXON | RUMP_BRKINT;
	nb.c_oflag = RUMP_OPOST | RUMP_ONLCR;
	nb.c_cflag = RUMP_CS7 | RUMP_CREAD | RUMP_HUPCL;
	nb.c_lflag = RUMP_ECHO | RUMP_ICANON | RUMP_ISIG | RUMP_NOFLSH;
	nb.c_cc[RUMP_VINTR] = 3;
	nb.c_cc[RUMP_VMIN] = 1;
	nb.c_cc[RUMP_VTIME] = 0xff;
	nb.c_ispeed = nb.c_ospeed = 115200;
	rump_conv_termios_to_host(&nb, &host);
	ck_assert_uint_eq(host.c_iflag, ICRNL | IXON | BRKINT);
	ck_assert_uint_eq(host.c_cflag & CSIZE, CS7);
	ck_assert_uint_eq(host.c_lflag, ECHO | ICANON | ISIG | NOFLSH);
	ck_assert_uint_eq(host.c_cc[VINTR], 3);
	ck_assert_uint_eq(host.c_cc[VQUIT], 0);
	ck_assert_uint_eq(cfgetospeed(&host), B115200);
	rump_conv_termios_from_host(&host, &back);
	ck_assert_mem_eq(&nb, &back, sizeof(nb));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("abi values");
	TCase *tc = tcase_create("values");

	tcase_add_test(tc, signals);
	tcase_add_test(tc, sigsets);
	tcase_add_test(tc, openflags);
	tcase_add_test(tc, atflags);
	tcase_add_test(tc, fcntls);
	tcase_add_test(tc, stats);
	tcase_add_test(tc, statx_birth);
	tcase_add_test(tc, devices);
	tcase_add_test(tc, dirents);
	tcase_add_test(tc, statvfses);
	tcase_add_test(tc, pathconfs);
	tcase_add_test(tc, times);
	tcase_add_test(tc, clocks);
	tcase_add_test(tc, readiness);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, terminals);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
