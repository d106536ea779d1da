/*
 * hostkern from the inside: processes, credentials, descriptors, open files.
 * path.h has the names of files.
 *
 * Functions that return int return 0 or a NetBSD errno (RUMP_E*) unless they
 * say otherwise.
 *
 * Locks, in the order in which they may be taken together:
 *
 *	kqproc.lock	a process's queues (knote.h)
 *	flights.lock	files in messages (rights.c)
 *	sockets.lock	names of local sockets, and who calls there (sock.h)
 *	hk->proc_lock	the process tree, groups, sessions, pid numbers
 *	p->lock		a process's credentials, directories, limits, name
 *	p->fdt.lock	a process's descriptor table
 *	async.lock	who is told of files (async.c); a bucket of inode.c
 *	f->lock		an open file's mutable parts (said at each)
 *
 * Other parts say where theirs are what comes behind them.  file_put() may take
 * any of these, the first for a queue only.
 *
 * No lock is held across anything that may wait: copyin, copyout,
 * rumpserver_wait, a host call on a slow descriptor.
 */
#ifndef RUMPGEN_HOSTKERN_KERN_H
#define RUMPGEN_HOSTKERN_KERN_H

#include <sys/queue.h>
#include <sys/types.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rump/rumpdefs.h>
#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"

enum {
	KERN_PID_WRAP = 30000,	/* pids above only when all below are taken */
	KERN_PID_MAX = 99999,
	KERN_PID_FIRST = 2,	/* 1 is init */
	KERN_NGROUPS = 16,	/* NetBSD's NGROUPS_MAX: shown to guests */
	KERN_LOGNAME = 16,	/* NetBSD's MAXLOGNAME, NUL not included */
	KERN_COMLEN = 16,	/* NetBSD's MAXCOMLEN */
	KERN_HOSTNAME = 256,	/* NetBSD's MAXHOSTNAMELEN */
	KERN_PATHLEN = 1024,	/* NetBSD's MAXPATHLEN, NUL included */
	KERN_IOV = 1024,	/* NetBSD's IOV_MAX */
	KERN_NOFILE = 1024,	/* RLIMIT_NOFILE of a guest at first */
	KERN_NOFILE_MAX = 16384,
	KERN_PLOCKS = 1024,	/* locks of a user: NetBSD's maxlocksperuid */
};

struct kproc;
struct file;

/*
 * Parts of the kernel that keep something for each process (timers, aio).
 * They list themselves in kern_modules[] (modules.c); any member may be NULL.
 * What they keep hangs on kproc.ext[slot].
 */
enum kern_slot {
	KERN_SLOT_TIME, KERN_SLOT_AIO, KERN_SLOT_KSEM, KERN_SLOT_SOCKET,
	KERN_SLOT_KQUEUE, KERN_SLOT_KQWATCH,
	KERN_SLOT_SYSCTL, KERN_SLOT_ASYNC, KERN_SLOT_LOCK, KERN_SLOT_BACKOFF,
	KERN_NSLOTS
};

struct kern_module {
	int (*create)(struct hostkern *);
	void (*destroy)(struct hostkern *);
	int (*proc_new)(struct kproc *);
	int (*proc_copy)(struct kproc *child, struct kproc *parent);
	/* The child is there, with its number. */
	void (*proc_forked)(struct kproc *child, struct kproc *parent);
	void (*proc_exec)(struct kproc *);
	void (*proc_exit)(struct kproc *);
};

extern const struct kern_module *const kern_modules[];	/* ends with NULL */

/* A file of the host's, and the mount by way of which one got there.  Where a
 * file is, is found out by these numbers and never by names. */
struct fileid {
	uint64_t mnt, dev, ino;
};

/* A directory that processes stand in or have as their root; immutable. */
struct kdir {
	atomic_uint refs;
	int fd;			/* O_PATH */
	struct rumpserver_account *payer;	/* for fd; NULL: nobody */
	struct fileid id;
};

struct kdir *kdir_ref(struct kdir *);
void kdir_put(struct kdir *);
/* Takes over fd, an O_PATH descriptor of a directory, for which p pays (NULL:
 * nobody); closes it on failure. */
int kdir_make(struct kproc *p, int fd, struct kdir **);

/*
 * Credentials; immutable once a process has them.  The supplementary groups
 * are all that the host has for the user, as one may be denied what others are
 * not; a guest sees the first KERN_NGROUPS.
 */
struct kcred {
	atomic_uint refs;
	uid_t ruid, euid, svuid;
	gid_t rgid, egid, svgid;
	uint64_t list;		/* number of a list too long to compare */
	unsigned ngroups;
	gid_t groups[];
};

/* One descriptor of a process. */
struct fdent {
	struct file *file;	/* NULL: free */
	bool cloexec;
};

/* A process's descriptors. */
struct fdtable {
	pthread_mutex_t lock;	/* guards all of it */
	struct fdent *ents;
	int nents;		/* paid for by account */
	struct rumpserver_account *account;	/* the process's */
	int end;		/* from here on all are free */
	int lowfree;		/* nothing below is free */
};

struct kproc {
	struct hostkern *hk;
	struct rump_proc *rp;
	struct rumpserver_account *account;	/* pays for what it has */
	pid_t pid;
	uint64_t serial;	/* never used again, as pids are */
	atomic_int ppid;	/* parent's, for getpid without the lock */

	/* hk->proc_lock */
	struct kproc *parent;	/* NULL: init */
	LIST_HEAD(, kproc) children;
	LIST_ENTRY(kproc) sibling;
	struct kpgrp *pgrp;
	TAILQ_ENTRY(kproc) member;	/* of pgrp */
	uint64_t walk;		/* the last over pgrp that came here */
	struct kuser *user;	/* real one */
	unsigned holds;		/* proc_hold() */
	bool execed;		/* setpgid by the parent is over */

	/* lock */
	pthread_mutex_t lock;
	struct kcred *cred;
	struct kdir *cwd;
	struct kdir *root;
	bool chrooted;		/* root is not the served root */
	bool sugid;		/* ids changed since exec */
	mode_t cmask;
	struct rump_rlimit rlimit[RUMP_RLIM_NLIMITS];
	char comm[KERN_COMLEN + 1];

	struct fdtable fdt;
	atomic_bool has_plocks;	/* it has taken a byte-range lock */
	atomic_uint calls;	/* in progress (raise.h) */
	_Atomic uint64_t raised;	/* signals that wait for a call */
	void *ext[KERN_NSLOTS];	/* each its module's */
};

struct hostkern {
	struct kdir *root;	/* the served root */
	char *rootname;		/* as configured, for messages */
	dev_t rootdev;
	bool read_only;
	bool no_net;
	bool privileged;	/* we may take on a guest's identity */
	struct kcred *self;	/* the server's own */
	int console_fd;		/* -1: none */
	bool console_tty;
	uid_t anon_uid;
	gid_t anon_gid;

	pthread_mutex_t name_lock;
	char hostname[KERN_HOSTNAME];	/* name_lock */
	char domainname[KERN_HOSTNAME];	/* name_lock */

	pthread_mutex_t proc_lock;
	pthread_cond_t released;	/* proc_release() */
	struct pids *pids;	/* pgrp.c */
	struct kusers *users;	/* proc.c */
	uint64_t lastserial;

	struct inodes *inodes;	/* inode.h */

	uint64_t fh_key[2];	/* seals file handles (fh.c) */

	void *ext[KERN_NSLOTS];
};

/* --- processes (proc.c) --- */

static inline struct kproc *
kern_proc(const struct lwp *l)
{

	return rumpserver_proc_private(rumpserver_lwp_proc(l));
}

/* The process with that pid, NULL when there is none.  proc_lock held; the
 * answer is good while it is. */
struct kproc *proc_find(struct hostkern *, pid_t);

/*
 * Keeps a process that has been found from going, for a moment: its exit waits
 * for proc_release().  Nothing that waits comes in between.  proc_lock held,
 * but not for proc_release().
 */
void proc_hold(struct kproc *);
void proc_release(struct kproc *);

int procs_create(struct hostkern *);
void procs_destroy(struct hostkern *);

/* p's user is another one now (set*id).  proc_lock held; ENOMEM. */
int proc_setuser(struct kproc *, uid_t);

int proc_new(void *, struct rump_proc *, const struct rumpserver_peer *,
    const char *comm);
int proc_copy(void *, struct rump_proc *child, struct rump_proc *parent);
int proc_exec(void *, struct rump_proc *, const char *comm);
void proc_exit(void *, struct rump_proc *);

/* The soft limit `which`. */
uint64_t proc_rlimit(struct kproc *, int which);
mode_t proc_umask(struct kproc *);

/* --- credentials (cred.c) --- */

/* NULL: no memory. */
struct kcred *cred_make(uid_t, gid_t, unsigned ngroups, const gid_t *);
struct kcred *cred_get(struct kproc *);	/* a reference to the current one */
void cred_put(struct kcred *);
bool cred_ingroup(const struct kcred *, gid_t);
/* As many groups as a guest sees. */
unsigned cred_shown(const struct kcred *);

/*
 * Makes this thread act towards the host as p (effective ids), or with
 * cred_assume_real as its real ids.  To be called right before a host call
 * that depends on who makes it: one that looks up or changes a file, that
 * makes, names or connects a socket or sends by it; after the last copyin and
 * after every wait, on which another call may have used the thread.  Costs
 * nothing when the thread has that identity already.  Does nothing in a server
 * that is not root.
 *
 * RUMP_ENOMEM, with errno set alike: the host had no memory for it.  The thread
 * may be anybody then, and the host call must not be made.
 */
int cred_assume(struct kproc *) __attribute__((warn_unused_result));
int cred_assume_real(struct kproc *) __attribute__((warn_unused_result));
/* As p, but a member of that group before all, if the host lets us: for what
 * p may do anyway and the host gives the group to. */
int cred_assume_group(struct kproc *, gid_t)
    __attribute__((warn_unused_result));
/* As the server itself. */
int cred_assume_server(struct hostkern *)
    __attribute__((warn_unused_result));

/* Can this process, which is root, do that?  Leaves it as it was. */
bool cred_works(void);

/* The ids that this process has now; NULL: no memory. */
struct kcred *cred_self(void);
/* The thread goes back to whoever lent it: as the server itself, if it has
 * been somebody else.  Waits for the host's memory. */
void cred_leave(struct hostkern *);

/* RUMP_EINVAL when this host cannot act as such a user, RUMP_ENOMEM when it
 * cannot now.  Leaves the thread with the server's identity. */
int cred_check(struct hostkern *, const struct kcred *);

/* May a process with these ids send the other a signal, by kill's rule? */
bool cred_maysignal(const struct kcred *, struct kproc *);

/* 0 when p's effective user is the superuser, else RUMP_EPERM. */
int cred_suser(struct kproc *);

/* --- open files (file.c) --- */

enum file_type {
	FILE_VNODE,		/* regular file or directory */
	FILE_DEV,		/* character or block device */
	FILE_FIFO,
	FILE_PIPE,
	FILE_SOCKET,
	FILE_KQUEUE,
	FILE_CONSOLE,		/* what 0, 1, 2 of a guest are */
	FILE_SEM,		/* a POSIX semaphore */
};

/* file.traits */
enum {
	FILE_SLOW = 0x01,	/* may block: the host descriptor is O_NONBLOCK,
				 * calls wait with file_wait() */
	FILE_NOINHERIT = 0x02,	/* a fork does not copy it (kqueue) */
	FILE_BORROWED = 0x04,	/* hfd is not ours to close, or none */
	FILE_NORW = 0x08,	/* read and write give ENXIO (kqueue) */
};

/*
 * What a type of file does its own way.  Members may be NULL: then the
 * general code works on hfd.
 */
struct fileops {
	/* The last reference is gone; hfd is closed afterwards. */
	void (*close)(struct file *);
	/* RUMP_EPASSTHROUGH: not mine, try the general ones. */
	int (*ioctl)(struct lwp *, struct file *, unsigned long com,
	    rump_uaddr_t data, register_t *retval);
	int (*stat)(struct file *, struct rump_stat *);
	/* The guest's O_NONBLOCK or O_ASYNC changed; f->flags has the news. */
	void (*setfl)(struct file *);
	/* read(2) on hfd. */
	ssize_t (*read)(struct file *, void *, size_t);
	/* write(2) on hfd, which a copyin may have preceded. */
	ssize_t (*write)(struct lwp *, struct file *, const void *, size_t);
	/* file_wait() for this file: a socket's has time limits. */
	int (*wait)(struct lwp *, struct file *, short events);
};

/*
 * An open file object: shared by dup and fork, counted.  Its offset is that
 * of the host's open file description.
 */
struct file {
	_Atomic uint64_t refs;	/* those of flights count twice: file_fly() */
	struct hostkern *hk;
	enum file_type type;
	unsigned traits;
	int hfd;		/* host descriptor; -1: none */
	struct rumpserver_account *payer;	/* for hfd; NULL: nobody */
	atomic_int flags;	/* RUMP_O_*: access mode, O_APPEND, O_NONBLOCK,
				 * O_ASYNC, O_NOSIGPIPE, … */
	const struct fileops *ops;	/* may be NULL */
	void *data;		/* for ops */
	const struct synthdev *dev;	/* device we supply, or NULL */
	uint64_t hdev, hino;	/* host's numbers, of what has a name; those
				 * of a device we supply are our own */
	struct inode *inode;	/* likewise; immutable */
	LIST_ENTRY(file) same;	/* of the same inode; inode.c */
	struct fowner *owner;	/* F_SETOWN (async.c), NULL: none; lock */
	struct watched *watched;	/* with O_ASYNC; async.c's lock */
	atomic_bool flocked;	/* it has had a lock of flock */
	atomic_bool revoked;	/* good for nothing but close */
	struct file_sleep *sleepers;	/* calls in file_wait(); lock */
	pthread_mutex_t lock;
};

/*
 * A file with one reference and no hfd yet, which p pays for unless it is
 * borrowed: made before the host is asked for a descriptor.  ENFILE: p has too
 * many; ENOMEM.
 */
int file_make(struct kproc *p, enum file_type, int flags, unsigned traits,
    const struct fileops *, struct file **);
void file_ref(struct file *);
void file_put(struct file *);	/* NULL: nothing */
/*
 * A reference goes into a message, and comes out of it (rights.c), whose lock
 * is held.  When those in messages are all there are, which file_in_messages()
 * tells, file_put() says so with rights_alone().
 */
void file_fly(struct file *);
void file_land(struct file *);
bool file_in_messages(const struct file *);

/*
 * Sleeps until hfd is ready for `events` (POLLIN, POLLOUT): 0, or EINTR; or
 * EWOULDBLOCK at once when the guest has O_NONBLOCK set; or EBADF when another
 * thread of the process has closed its last descriptor of the file meanwhile.
 */
int file_wait(struct lwp *, struct file *, short events);
/* The sleep alone, whatever O_NONBLOCK says, until `deadline' on the uptime
 * clock (INT64_MAX: for ever): then EWOULDBLOCK. */
int file_sleep_until(struct lwp *, struct file *, short events,
    int64_t deadline);
/* Is some call in file_wait() for it? */
bool file_has_sleepers(struct file *);
/* p has no descriptor of f any more (NULL: f is revoked): ends its calls in
 * file_wait(). */
void file_wake_closed(struct kproc *, struct file *);

/*
 * For conditions that no descriptor announces (backoff.c): sleeps a little
 * longer each time (*round counts, 0 at first), or until kern_nudge() of the
 * same: the number of a file, or 0 for what nobody nudges.  0, or EINTR.
 */
int kern_backoff(struct lwp *, uint64_t what, unsigned *round);
/* A guest did what a call in kern_backoff() may wait for: it opened a fifo.
 * The host's other processes tell nobody. */
void kern_nudge(struct hostkern *, uint64_t what);
extern const struct kern_module backoff_module;

/* A file is to have so many bytes: EFBIG, and SIGXFSZ is raised, when that is
 * more than RLIMIT_FSIZE. */
int file_check_size(struct lwp *, uint64_t size);

/* EPIPE from a write: raises SIGPIPE in the client unless O_NOSIGPIPE. */
int file_epipe(struct lwp *, struct file *);

/* --- descriptors (fdtable.c) --- */

/* The file behind fd, with a reference for the caller; EBADF, also when it is
 * revoked.  *fp is set only on success, here and in those below. */
int fd_get(struct kproc *, int fd, struct file **);
/* The same, EBADF also unless it is open for reading (writing); EIO when it is
 * revoked, but for a device, which reads as at its end. */
int fd_getread(struct kproc *, int fd, struct file **);
int fd_getwrite(struct kproc *, int fd, struct file **);

/*
 * Gives *fp the lowest free descriptor not below min: EMFILE, ENOMEM.  Another
 * call may close that at once, so the caller's reference is used up, whether it
 * succeeds or not, and *fp is NULL afterwards.
 */
int fd_install(struct kproc *, struct file **fp, int min, bool cloexec,
    int *fdp);
/* The same with both, which it uses up in every case; the client gets their
 * numbers at *uaddr (NULL: not so). */
int fd_install_pair(struct lwp *, struct file *f[2], bool cloexec,
    const rump_uaddr_t *uaddr, int fd[2]);
/* Closes fd, which the client could not be told, if it is still f: another call
 * may have put something else there.  Uses up the reference to f, which the
 * caller kept so that f is none but that. */
void fd_uninstall(struct kproc *, int fd, struct file *f);
/* EMFILE when fd_install would say so: asked before a file is made. */
int fd_room(struct kproc *);
/* Puts *fp at exactly fd, closing what was there; reference as above. */
int fd_install_at(struct kproc *, struct file **fp, int fd, bool cloexec);
/* Is fd a descriptor of that file? */
bool fd_is(struct kproc *, int fd, const struct file *);
/* Has p a descriptor of that file? */
bool fd_has(struct kproc *, const struct file *);
int fd_close(struct kproc *, int fd);
void fd_closefrom(struct kproc *, int lowest);
int fd_highest(struct kproc *);		/* -1: none */
int fd_getcloexec(struct kproc *, int fd, bool *);
int fd_setcloexec(struct kproc *, int fd, bool);

int fdtable_init(struct fdtable *, struct rumpserver_account *);
int fdtable_copy(struct fdtable *to, struct fdtable *from);
void fdtable_exec(struct kproc *);
void fdtable_free(struct kproc *);

/* --- threads of the kernel's own (kern.c) --- */

/* One in which no signal of the program's comes; false: there is none to be
 * had. */
bool kern_thread(pthread_t *, void *(*)(void *), void *);

/* --- errors --- */

/* The NetBSD errno for the host's errno. */
int kern_errno(void);

#endif
