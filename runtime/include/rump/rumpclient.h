/*
 * librumpclient: a program's system calls answered by a rump_sp server.
 *
 * The interface is that of NetBSD's rumpclient(3); programs compiled against
 * NetBSD's own <rump/rumpclient.h> run on this library and the other way
 * round.  Extensions of ours are marked so.
 *
 * The calls themselves are declared in <rump/rump_syscalls.h>.
 */
#ifndef RUMP_RUMPCLIENT_H
#define RUMP_RUMPCLIENT_H

#include <sys/types.h>

#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A fork in the making; its first 16 bytes are the prefork cookie. */
struct rumpclient_fork;

/*
 * Connects to the server named by the environment (RUMP__PARSEDSERVER, else
 * RUMP_SERVER) and becomes a guest process there; in a program started by
 * rumpclient_exec() takes over the inherited connection instead.  Does
 * nothing when this process is already connected; connects anew after a
 * fork(2) that was not rumpclient_fork().  Thread-safe.  Returns 0, or -1
 * with errno set and one line on stderr that says which part of the locator
 * or which step failed.
 */
int rumpclient_init(void);

/*
 * fork(2) here and in the server: the child is a process of its own there,
 * with copies of the parent's descriptors.  As fork(2); -1 leaves both kernels
 * as they were.  Only async-signal-safe functions and this library may be
 * used in the child of a multi-threaded process.
 */
pid_t rumpclient_fork(void);

/*
 * The steps of a fork for those who need their own fork(2) in between:
 * prefork copies the process in the server at once; then either the child
 * calls fork_init, or the parent cancels; after a vfork(2) the parent calls
 * fork_vparent.  prefork returns NULL with errno set on failure, fork_init 0
 * or -1 with errno set.  The structure is freed by fork_init (child of a
 * fork(2)), fork_cancel and fork_vparent (parent); a parent that used plain
 * fork(2) frees its copy with rumpclient_fork_done().  fork_init in the process
 * that called prefork makes it the copy; the one it was ends in the server.
 */
struct rumpclient_fork *rumpclient_prefork(void);
int rumpclient_fork_init(struct rumpclient_fork *);
void rumpclient_fork_cancel(struct rumpclient_fork *);
void rumpclient_fork_vparent(struct rumpclient_fork *);
void rumpclient_fork_done(struct rumpclient_fork *);	/* ours */

/*
 * vfork(2) likewise: the child runs in the parent's memory, with a connection
 * of its own, and may make rump calls, rumpclient_exec() or _exit(2).  Returns
 * as vfork(2); after -1 there is no child.
 *
 *	pid_t rumpclient_vfork(void);
 *
 * The child must not return from the frame that called vfork(2), so this is
 * an inline function; for GCC, which inlines nothing that calls vfork(2), the
 * same as a statement expression.
 */
pid_t rumpclient__vfork_parent(struct rumpclient_fork *, pid_t);
#if defined(__STRICT_ANSI__) && !defined(__cplusplus)
pid_t vfork(void);		/* which strict C has not */
#endif

#define RUMPCLIENT__VFORK(rf, pid)					\
	do {								\
		(rf) = rumpclient_prefork();				\
		(pid) = -1;						\
		if ((rf) == NULL)					\
			break;						\
		(pid) = vfork();					\
		if ((pid) == -1)					\
			rumpclient_fork_cancel(rf);			\
		else if ((pid) != 0)					\
			(pid) = rumpclient__vfork_parent((rf), (pid));	\
		else if (rumpclient_fork_init(rf) == -1)		\
			_exit(1);					\
	} while (0)

#if defined(__GNUC__) && !defined(__clang__)
#define rumpclient_vfork() __extension__({				\
	struct rumpclient_fork *rumpclient__rf;				\
	pid_t rumpclient__pid;						\
	RUMPCLIENT__VFORK(rumpclient__rf, rumpclient__pid);		\
	rumpclient__pid;						\
})
#else
static inline __attribute__((__always_inline__, __returns_twice__)) pid_t
rumpclient_vfork(void)
{
	struct rumpclient_fork *rf;
	pid_t pid;

	RUMPCLIENT__VFORK(rf, pid);
	return pid;
}
#endif

/*
 * execve(2) that keeps the server process: the new image's rumpclient_init()
 * takes over the connection, pid and descriptors; descriptors marked
 * close-on-exec in the server are closed by its exec handshake.  Returns only
 * on failure: -1 with errno set, everything usable as before.  While it runs,
 * calls of other threads wait; one made by a signal handler of this very
 * thread fails with RUMP_EBUSY.
 */
int rumpclient_exec(const char *, char *const [], char *const []);

/* daemon(3) by way of a rump fork; the connection follows. */
int rumpclient_daemon(int, int);

/*
 * What to do when the server is lost.  0, the default: every call fails with
 * ENOTCONN.  A number of seconds: try that long to connect anew, as a fresh
 * guest.  INFTIME: try for ever.  ONCE: try once a call.  DIE: _exit(1).
 * Other negative values are ignored.  A call that was in progress is made
 * again, although the server may have carried it out.
 */
#define RUMPCLIENT_RETRYCONN_INFTIME	((time_t)-1)
#define RUMPCLIENT_RETRYCONN_ONCE	((time_t)-2)
#define RUMPCLIENT_RETRYCONN_DIE	((time_t)-3)
void rumpclient_setconnretry(time_t);

/*
 * The guard (ours).  On, the default, the server may touch only memory that a
 * call in progress names by its arguments; a call whose memory nobody can
 * know opens everything while it is in progress.  Off, any address.  What is
 * refused is said once on stderr and ends the call with EFAULT.  The
 * environment's RUMPCLIENT_GUARD=on|off sets it for a program that does not.
 * Any thread, any time.
 */
void rumpclient_setguard(int);

/*
 * One system call by number.  `data` is the argument structure in wire form
 * (8 bytes an argument, <rump/rump_syscallargs.h>), dlen its size in bytes.
 * Returns 0 or the NetBSD errno (also for failures of this library itself,
 * such as RUMP_ENOTCONN), and the results in retval[0] and retval[1].
 * Thread-safe; may be called from a signal handler, also one that interrupted
 * another call, but such a handler must not leave by longjmp(3).  Not a
 * cancellation point: a cancel takes effect after it.  errno is kept.
 */
int rumpclient_syscall(int, const void *, size_t, register_t *);

/*
 * For programs that close or overwrite descriptors wholesale: tells the
 * library that *fdp is about to be closed (CLOSE), overwritten by dup2 (DUP2)
 * or is the lower bound of a closefrom (FCLOSEM).  The library moves its own
 * descriptors out of the way; after FCLOSEM it has closed those that are not
 * its own below its highest, and *fdp is where the caller goes on.  Returns
 * 0, or -1 with errno set.
 */
enum rumpclient_closevariant {
	RUMPCLIENT_CLOSE_CLOSE,
	RUMPCLIENT_CLOSE_DUP2,
	RUMPCLIENT_CLOSE_FCLOSEM
};
int rumpclient__closenotify(int *, enum rumpclient_closevariant);

#ifdef __cplusplus
}
#endif

#endif
