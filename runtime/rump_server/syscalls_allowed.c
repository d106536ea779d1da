/*
 * The host calls that the server has a use for, by Linux's names: those that
 * the server, the host kernel and the C library make (of Debian 12 and 13)
 * once there is a filter.  What a room of the kernel comes to need is added
 * here; what nobody needs any more is taken out.  Names that the architecture
 * does not have are passed over.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <linux/fs.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>

#include <fcntl.h>
#include <sched.h>

#include "rump_server/sandbox.h"

#define ANY(call)	{ .name = call }
#define ABSENT(call)	{ .name = call, .absent = true }
#define WITH(call, n, m, v) \
	{ .name = call, .arg = n, .mask = m, .value = v }
#define CMD(call, v)	WITH(call, 1, INT_ARG, (uint32_t)(v))
#define OF_OURS(call)	{ .name = call, .self = true, .mask = INT_ARG }

#define INT_ARG		UINT64_C(0xffffffff)
#define THREAD		(CLONE_VM | CLONE_THREAD)
#define SET_VMA		UINT64_C(0x53564d41)	/* PR_SET_VMA */

const struct sandbox_call sandbox_allowed[] = {
	/* Descriptors. */
	ANY("read"), ANY("write"), ANY("writev"), ANY("pread64"),
	ANY("pwrite64"), ANY("lseek"), ANY("close"), ANY("pipe2"),
	ANY("fsync"), ANY("fdatasync"), ANY("syncfs"), ANY("ftruncate"),
	ANY("fallocate"), ANY("fadvise64"), ANY("flock"),

	/* Of them, but nothing that types on a terminal or makes a descriptor
	 * signal somebody. */
	CMD("fcntl", F_DUPFD_CLOEXEC), CMD("fcntl", F_GETFD),
	CMD("fcntl", F_SETFD), CMD("fcntl", F_GETFL),
	CMD("fcntl", F_SETFL), CMD("fcntl", F_OFD_GETLK),
	CMD("fcntl", F_OFD_SETLK), CMD("fcntl", F_GETPIPE_SZ),
	CMD("ioctl", FIONREAD), CMD("ioctl", SIOCOUTQ),
	CMD("ioctl", SIOCATMARK), CMD("ioctl", TCGETS),
	CMD("ioctl", TIOCGWINSZ), CMD("ioctl", TIOCSWINSZ),
	CMD("ioctl", FS_IOC_GETFLAGS), CMD("ioctl", FS_IOC_SETFLAGS),
	/* For who refuses what is not here. */
	CMD("ioctl", SECCOMP_IOCTL_NOTIF_RECV),
	CMD("ioctl", SECCOMP_IOCTL_NOTIF_SEND),

	/* Names.  chmod and the like are the C library's where they exist. */
	ANY("openat"), ANY("openat2"), ANY("getdents64"), ANY("fstat"),
	ANY("newfstatat"), ANY("statx"), ANY("statfs"), ANY("fstatfs"),
	ANY("access"), ANY("faccessat"), ANY("faccessat2"), ANY("readlink"),
	ANY("readlinkat"), ANY("getcwd"), ANY("linkat"), ANY("symlinkat"),
	ANY("unlink"), ANY("unlinkat"), ANY("renameat"), ANY("renameat2"),
	ANY("mkdirat"), ANY("mknodat"), ANY("chmod"), ANY("fchmod"),
	ANY("fchmodat"), ANY("fchownat"), ANY("truncate"),
	ANY("utimensat"), ANY("umask"), ANY("getxattr"), ANY("setxattr"),
	ANY("listxattr"), ANY("removexattr"), ANY("name_to_handle_at"),
	ANY("open_by_handle_at"),

	/* Sockets: local ones and the Internet's. */
	WITH("socket", 0, INT_ARG, AF_UNIX),
	WITH("socket", 0, INT_ARG, AF_INET),
	WITH("socket", 0, INT_ARG, AF_INET6),
	ANY("socketpair"),	/* of others there are none */
	ANY("bind"), ANY("connect"), ANY("listen"), ANY("accept4"),
	ANY("getsockname"), ANY("getpeername"), ANY("getsockopt"),
	ANY("setsockopt"), ANY("shutdown"), ANY("sendto"),
	ANY("recvfrom"), ANY("sendmsg"), ANY("recvmsg"),

	/* Waiting, and what is waited for. */
	ANY("poll"), ANY("ppoll"), ANY("epoll_create1"), ANY("epoll_ctl"),
	ANY("epoll_wait"), ANY("epoll_pwait"), ANY("eventfd2"),
	ANY("timerfd_create"), ANY("timerfd_settime"),
	ANY("inotify_init1"), ANY("inotify_add_watch"),
	ANY("inotify_rm_watch"),

	/* Time; the vDSO's where it can tell. */
	ANY("clock_gettime"), ANY("clock_nanosleep"),

	/* Memory, but none that runs. */
	ANY("brk"), ANY("munmap"), ANY("mremap"), ANY("madvise"),
	WITH("mmap", 2, PROT_EXEC, 0), WITH("mprotect", 2, PROT_EXEC, 0),
	/* The C library gives it names, if it is asked to. */
	WITH("prctl", 0, INT_ARG, SET_VMA),

	/* Threads, and no processes.  What clone3 makes cannot be seen: the
	 * C library makes do with clone. */
	WITH("clone", 0, THREAD, THREAD), ABSENT("clone3"),
	ANY("set_robust_list"), ANY("rseq"), ANY("futex"),
	ANY("sched_yield"), ANY("sched_getaffinity"), ANY("gettid"),
	ANY("getpid"), ANY("exit"), ANY("exit_group"),
	ANY("restart_syscall"),

	/* Signals, to nobody else. */
	ANY("rt_sigaction"), ANY("rt_sigprocmask"), ANY("rt_sigreturn"),
	ANY("rt_sigtimedwait"), OF_OURS("kill"), OF_OURS("tgkill"),

	/* A thread takes on a guest's ids and its own again. */
	ANY("getuid"), ANY("geteuid"), ANY("getgid"), ANY("getegid"),
	ANY("getgroups"), ANY("setresuid"), ANY("setresgid"),
	ANY("setgroups"),

	/* About the host and the server. */
	ANY("uname"), ANY("sysinfo"), ANY("getrandom"),
	WITH("prlimit64", 0, INT_ARG, 0),

	{ .name = NULL }
};
