/*
 * Calls for what a server on a host does not have.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define NOWHERE	((void *)8)

static void
be_nobody(void)
{

	if (rump_sys_geteuid() == 0)
		ck_assert_int_eq(rump_sys_setuid(1000), 0);
}

START_TEST(mounting)
{
	char name[64];

	ck_fails(rump_sys_mount("ffs", "/", 0, NULL, 0), ENODEV);
	ck_fails(rump_sys_mount(NOWHERE, "/", 0, NULL, 0), EFAULT);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_fails(rump_sys_mount(name, "/", 0, NULL, 0), ENAMETOOLONG);
	ck_fails(rump_sys_mount("ffs", "/none", RUMP_MNT_UPDATE, NULL, 0),
	    ENOENT);
	ck_fails(rump_sys_unmount("/none", 0), ENOENT);
	ck_fails(rump_sys_unmount(NOWHERE, 0), EFAULT);
	if (rump_sys_geteuid() == 0) {
		ck_fails(rump_sys_mount("ffs", "/", RUMP_MNT_UPDATE, NULL, 0),
		    EOPNOTSUPP);
		ck_fails(rump_sys_unmount("/", 0), EINVAL);
	}
	be_nobody();
	ck_fails(rump_sys_mount("ffs", "/", RUMP_MNT_UPDATE, NULL, 0), EPERM);
	ck_fails(rump_sys_unmount("/", 0), EPERM);
}
END_TEST

START_TEST(file_systems)
{
	uint64_t args[8] = { 0 };

	ck_fails(rump_sys___quotactl("/", (void *)args), EOPNOTSUPP);
	ck_fails(rump_sys___quotactl("/none", (void *)args), ENOENT);
	ck_fails(rump_sys___quotactl("/", NOWHERE), EFAULT);
	args[0] = 14;
	ck_fails(rump_sys___quotactl("/", (void *)args), EINVAL);
	ck_fails(rump_sys_extattrctl("/", 1, NULL, 1, NULL), EOPNOTSUPP);
	ck_fails(rump_sys_extattrctl("/", 1, "/", 1, "name"), EOPNOTSUPP);
	ck_fails(rump_sys_extattrctl("/", 1, "/none", 1, "name"), ENOENT);
	ck_fails(rump_sys_extattrctl("/", 1, NULL, 1, NOWHERE), EFAULT);
	ck_fails(rump_sys_nfssvc(0, NULL), ENOSYS);
}
END_TEST

START_TEST(modules)
{
	struct rump_modctl_load ml = { .ml_filename = "nfs" };
	char buf[16];
	struct rump_iovec iov = { buf, sizeof(buf) };

	ck_assert_int_eq(rump_sys_modctl(RUMP_MODCTL_STAT, &iov), 0);
	ck_assert_uint_eq(iov.iov_len, 0);
	ck_fails(rump_sys_modctl(RUMP_MODCTL_STAT, NOWHERE), EFAULT);
	ck_fails(rump_sys_modctl(RUMP_MODCTL_EXISTS, NULL), ENOSYS);
	ck_fails(rump_sys_modctl(4, NULL), EINVAL);
	ck_fails(rump_sys_modctl(RUMP_MODCTL_LOAD, NOWHERE), EFAULT);
	ck_fails(rump_sys_modctl(RUMP_MODCTL_UNLOAD,
	    "a-name-that-is-longer-than-any-module's"), ENAMETOOLONG);
	if (rump_sys_geteuid() == 0) {
		ck_fails(rump_sys_modctl(RUMP_MODCTL_LOAD, &ml), ENOENT);
		ck_fails(rump_sys_modctl(RUMP_MODCTL_UNLOAD, "nfs"), ENOENT);
	}
	be_nobody();
	ck_fails(rump_sys_modctl(RUMP_MODCTL_LOAD, &ml), EPERM);
	ck_fails(rump_sys_modctl(RUMP_MODCTL_UNLOAD, "nfs"), EPERM);
}
END_TEST

START_TEST(tracing)
{

	ck_fails(rump_sys_ktrace("/trace", RUMP_KTROP_SET,
	    RUMP_KTRFAC_SYSCALL, 0), ENOSYS);
	ck_fails(rump_sys_fktrace(0, RUMP_KTROP_SET, RUMP_KTRFAC_SYSCALL, 0),
	    ENOSYS);
	ck_fails(rump_sys_utrace("label", "x", 1), ENOSYS);
}
END_TEST

/* The server is there afterwards: host_stop sees to it. */
START_TEST(rebooting)
{
	char how[] = "-s";

	ck_fails(rump_sys_reboot(RUMP_RB_HALT, NULL), EPERM);
	if (rump_sys_geteuid() == 0) {
		ck_fails(rump_sys_reboot(RUMP_RB_STRING, NOWHERE), EFAULT);
		ck_fails(rump_sys_reboot(RUMP_RB_STRING, how), EPERM);
	}
	be_nobody();
	ck_fails(rump_sys_reboot(RUMP_RB_AUTOBOOT, NULL), EPERM);
	ck_assert_int_ge(rump_sys_getpid(), 2);
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, mounting);
	tcase_add_test(tc, file_systems);
	tcase_add_test(tc, modules);
	tcase_add_test(tc, tracing);
	tcase_add_test(tc, rebooting);
}

int
main(void)
{

	return suite_run(suite_both_ways("misc", host_start, host_stop,
	    add_tests));
}
