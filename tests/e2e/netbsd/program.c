/*
 * A program as NetBSD's headers leave it after preprocessing: no header of
 * ours, only the declarations and symbols that its authors compiled against.
 *
 *	program PATH
 *
 * Writes to PATH in the server, reads it back, forks; exits with 0.
 */
#include <sys/types.h>
#include <sys/wait.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* <rump/rumpclient.h>, <rump/rump_syscalls.h> */
int	rumpclient_init(void);
pid_t	rumpclient_fork(void);
struct rumpclient_fork;
struct rumpclient_fork *rumpclient_prefork(void);
void	rumpclient_fork_cancel(struct rumpclient_fork *);
void	rumpclient_setconnretry(time_t);
int	rumpclient_syscall(int, const void *, size_t, long *);
int	rumpclient__closenotify(int *, int);
ssize_t	rump_sys_read(int, void *, size_t) __asm("rump___sysimpl_read");
ssize_t	rump_sys_write(int, const void *, size_t)
    __asm("rump___sysimpl_write");
int	rump_sys_open(const char *, int, ...) __asm("rump___sysimpl_open");
int	rump_sys_close(int) __asm("rump___sysimpl_close");
off_t	rump_sys_lseek(int, off_t, int) __asm("rump___sysimpl_lseek");
pid_t	rump_sys_getpid(void) __asm("rump___sysimpl_getpid");
int	rump_sys_mkdir(const char *, mode_t) __asm("rump___sysimpl_mkdir");
int	rump_sys_stat(const char *, void *) __asm("rump___sysimpl_stat50");
int	rump_sys_pipe(int *);

/* NetBSD's O_RDWR | O_CREAT. */
#define RDWR_CREAT	0x202

static int
forks(void)
{
	struct rumpclient_fork *rf;
	int fd[2], status;
	pid_t mine, child;
	char c;

	rf = rumpclient_prefork();
	if (rf == NULL)
		return 0;
	rumpclient_fork_cancel(rf);
	mine = rump_sys_getpid();
	if (rump_sys_pipe(fd) == -1)
		return 0;
	child = rumpclient_fork();
	if (child == 0)
		_exit(rump_sys_getpid() != mine &&
		    rump_sys_write(fd[1], "c", 1) == 1 ? 0 : 1);
	return child > 0 && waitpid(child, &status, 0) == child &&
	    status == 0 && rump_sys_read(fd[0], &c, 1) == 1 && c == 'c';
}

/* Something that closes descriptors by number, and a call by number. */
static int
odds(void)
{
	long retval[2];
	int fd;

	for (fd = 3; fd < 20; fd++) {
		int n = fd;

		if (rumpclient__closenotify(&n, 0) == -1)
			return 0;
		close(n);
	}
	rumpclient_setconnretry(0);
	return rumpclient_syscall(20, NULL, 0, retval) == 0 &&
	    retval[0] == rump_sys_getpid();
}

int
main(int argc, char *argv[])
{
	char buf[8], stat[256];
	int fd;

	if (argc != 2 || rumpclient_init() == -1)
		return 2;
	fd = rump_sys_open(argv[1], RDWR_CREAT, 0600);
	if (fd == -1 || rump_sys_write(fd, "netbsd", 6) != 6 ||
	    rump_sys_lseek(fd, 3, SEEK_SET) != 3 ||
	    rump_sys_read(fd, buf, 8) != 3 || memcmp(buf, "bsd", 3) != 0 ||
	    rump_sys_close(fd) == -1)
		return 3;
	/* Errors are the host's. */
	errno = 0;
	if (rump_sys_stat("/no such file", stat) != -1 || errno != ENOENT)
		return 4;
	if (rump_sys_stat(argv[1], stat) != 0)
		return 5;
	if (rump_sys_mkdir(argv[1], 0700) != -1 || errno != EEXIST)
		return 6;
	if (!forks())
		return 7;
	if (!odds())
		return 8;
	return 0;
}
