/*
 * Calls that are refused.
 */
#include <string.h>

#include <rump/rumpdefs.h>

#include "rump_server/refuse.h"

enum { MAX_CALLS = 1024 };

static const struct preset {
	const char *name;
	const char *what;
	const char *const *calls;	/* names in the dispatch table */
} presets[] = {
	{ "network", "sockets, local ones too", (const char *const[]){
	    "__socket30", "socketpair", "bind", "connect", "listen", "accept",
	    "paccept", "sendto", "sendmsg", "sendmmsg", NULL } },
	{ "modify", "changes of files but open, write, bind",
	    (const char *const[]){
	    "link", "linkat", "unlink", "unlinkat", "rename", "renameat",
	    "__posix_rename", "symlink", "symlinkat", "mkdir", "mkdirat",
	    "rmdir", "compat_50_mknod", "__mknod50", "mknodat", "mkfifo",
	    "mkfifoat", "chmod", "fchmod", "lchmod", "fchmodat", "chown",
	    "fchown", "lchown", "fchownat", "__posix_chown", "__posix_fchown",
	    "__posix_lchown", "chflags", "fchflags", "lchflags",
	    "compat_50_utimes", "compat_50_futimes", "compat_50_lutimes",
	    "__utimes50", "__futimes50", "__lutimes50", "utimensat",
	    "futimens", "truncate", "ftruncate", "posix_fallocate",
	    "fdiscard", "setxattr", "lsetxattr", "fsetxattr", "removexattr",
	    "lremovexattr", "fremovexattr", "extattr_set_file",
	    "extattr_set_fd", "extattr_set_link", "extattr_delete_file",
	    "extattr_delete_fd", "extattr_delete_link", NULL } },
	{ "identity", "changes of user, group and session",
	    (const char *const[]){
	    "setuid", "seteuid", "setreuid", "setgid", "setegid", "setregid",
	    "setgroups", "setsid", "setpgid", "__setlogin", NULL } },
	{ "admin", "what belongs to the administrator",
	    (const char *const[]){
	    "__mount50", "unmount", "reboot", "modctl", "nfssvc", "ktrace",
	    "fktrace", "__quotactl", "extattrctl", "revoke", "chroot",
	    "fchroot", "compat_50_mknod", "__mknod50", "mknodat",
	    "__settimeofday50", "__adjtime50", "__clock_settime50",
	    "__setlogin", "__getfh30", "__fhopen40", "__fhstatvfs140",
	    "compat_50___fhstat40", "__fhstat50", NULL } },
	{ "timers", "timers that raise signals", (const char *const[]){
	    "timer_create", "__timer_settime50", "__setitimer50", NULL } },
	{ "aio", "asynchronous input and output", (const char *const[]){
	    "aio_read", "aio_write", "aio_fsync", "lio_listio", NULL } },
	{ "ksem", "semaphores", (const char *const[]){
	    "_ksem_init", "_ksem_open", NULL } },
};

enum { NPRESETS = sizeof(presets) / sizeof(presets[0]) };

static bool refused[MAX_CALLS];
static const struct rumpserver_kernel *inner;
static struct rumpserver_kernel outer;

static void
refuse_call(const char *name)
{
	unsigned i;

	for (i = 0; i < rump_nsysent && i < MAX_CALLS; i++)
		if (rump_sysent[i].sy_name != NULL &&
		    strcmp(rump_sysent[i].sy_name, name) == 0)
			refused[i] = true;
}

bool
refuse_preset(const char *name)
{
	const char *const *call;
	unsigned i;

	for (i = 0; i < NPRESETS; i++) {
		if (strcmp(presets[i].name, name) != 0)
			continue;
		for (call = presets[i].calls; *call != NULL; call++)
			refuse_call(*call);
		return true;
	}
	return false;
}

void
refuse_print(FILE *f)
{
	unsigned i;

	for (i = 0; i < NPRESETS; i++)
		fprintf(f, "                             %-8s  %s\n",
		    presets[i].name, presets[i].what);
}

void
refuse_names(char *buf, size_t len)
{
	size_t at;
	unsigned i;

	at = 0;
	for (i = 0; i < NPRESETS && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, " %s",
		    presets[i].name);
}

static int
refuse_syscall(void *kern, struct lwp *l, int num, const void *args,
    size_t len, register_t retval[2])
{

	if (num >= 0 && num < MAX_CALLS && refused[num])
		return RUMP_EPERM;
	return inner->syscall(kern, l, num, args, len, retval);
}

const struct rumpserver_kernel *
refuse_kernel(const struct rumpserver_kernel *k)
{

	if (memchr(refused, true, sizeof(refused)) == NULL)
		return k;
	inner = k;
	outer = *k;
	outer.syscall = refuse_syscall;
	return &outer;
}
