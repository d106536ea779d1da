/*
 * Sockets: what they have beyond an open file, and the parts of the code
 * that share it.
 *
 * A guest's socket is a socket of the host, always non-blocking there.
 * Addresses of the internet families go over as they are.  A local name is
 * resolved under the served root, to a directory: there the host binds the
 * socket to a number made at random, by which `sockname.c' remembers what the
 * guest called it, and the file is renamed to what it is to be called.
 */
#ifndef RUMPGEN_HOSTKERN_SOCK_H
#define RUMPGEN_HOSTKERN_SOCK_H

#include <sys/queue.h>
#include <sys/socket.h>

#include "hostkern/kern.h"
#include "hostkern/kqueue.h"

enum {
	SOCK_NAMEMAX = 255,	/* NetBSD's UCHAR_MAX: longest address */
	SOCK_OPTMAX = 2048,	/* NetBSD's MCLBYTES: longest option value */
	SOCK_CTLMAX = 4096,	/* its page: longest control messages */
	SOCK_PASSMAX = 252,	/* descriptors in one message */
	SOCK_BUCKETS = 1024,	/* of the tables of bound sockets */
};

/* A guest's address.  That of a local socket may be longer than any structure
 * for it. */
struct sockname {
	uint32_t len;		/* 0: none */
	union {
		struct rump_sockaddr_storage addr;
		char bytes[SOCK_NAMEMAX];
	};
};

/* What a receiver wants to know of a datagram's destination. */
enum { SOCK_TELL_PKTINFO = 1, SOCK_TELL_DSTADDR = 2 };

/* Who somebody is to the other end of a local socket. */
struct sockid {
	pid_t pid;
	uid_t ruid, euid;
	gid_t rgid, egid;
	unsigned ngroups;
	gid_t groups[KERN_NGROUPS];
};

/* A call in poll or select that waits for a change of a socket. */
struct sock_waiter {
	LIST_ENTRY(sock_waiter) link;
	struct lwp *l;
};

struct ksock {
	int domain;		/* RUMP_AF_* */
	int type;		/* RUMP_SOCK_* without flags */

	/*
	 * Local sockets: the number of this one, never used again, and that of
	 * the one it is connected to; 0: none, or none of this server.
	 */
	uint64_t box;
	_Atomic uint64_t peerbox;

	/* file.lock (name: sockets.lock) */
	struct sockname name;	/* local sockets: as bound */
	struct sockname peer;	/* local sockets: as connected, as accepted */
	bool have_peerid;
	struct sockid peerid;
	LIST_HEAD(, sock_waiter) waiters;

	struct knsource watchers;	/* notes of queues */

	/* rights.c, while it looks for what nobody can receive */
	bool doubted;
	struct flight *waiting;

	/* sockets.lock */
	uint64_t number;	/* bound under it to a local name; 0: not */
	dev_t dev;		/* of the socket's file */
	ino_t ino;
	struct sockid selfid;	/* who bound it */
	struct caller *callers, **lastcaller;
	LIST_ENTRY(ksock) named, filed;	/* the bound */

	/* Kept here because the host's socket never blocks; ns, 0: for ever */
	_Atomic int64_t rcvtimeo, sndtimeo;
	atomic_int sndlowat;
	atomic_int tell;	/* SOCK_TELL_* */
	atomic_int portrange;	/* RUMP_IP_PORTRANGE_* */
	atomic_int options;	/* RUMP_SO_*: those kept here */
	atomic_bool connected;	/* it is, or has been, or tries */
	atomic_int wantcreds;	/* LOCAL_CREDS, LOCAL_OCREDS or 0 */
};

/*
 * Somebody of this server who has connected to a local socket and is not
 * accepted yet, in the order of the host's queue.
 */
struct caller {
	struct caller *next;
	struct sockid id;
	struct sockname name;
	uint64_t box, peerbox;	/* of the socket to be */
};

/* One for the whole kernel: hk->ext[KERN_SLOT_SOCKET]. */
struct sockets {
	pthread_mutex_t lock;	/* guards all of it */
	LIST_HEAD(, ksock) named[SOCK_BUCKETS];		/* by number */
	LIST_HEAD(, ksock) filed[SOCK_BUCKETS];		/* by ino */
	_Atomic uint64_t lastbox;
	struct flights *flights;	/* rights.c */
};

static inline struct sockets *
kern_sockets(const struct hostkern *hk)
{

	return hk->ext[KERN_SLOT_SOCKET];
}

extern const struct kern_module socket_module;

/* The socket behind a descriptor, with a reference; EBADF, ENOTSOCK. */
int sock_get(struct kproc *, int fd, struct file **);

static inline struct ksock *
sock_of(const struct file *f)
{

	return f->data;
}

/* A socket's open file, the host's socket still missing.  flags are RUMP_O_*. */
int sock_make(struct kproc *, int domain, int type, int flags,
    struct file **);

/* Is it of a type that has listeners and connections? */
static inline bool
sock_has_connections(const struct ksock *so)
{

	return so->type == RUMP_SOCK_STREAM || so->type == RUMP_SOCK_SEQPACKET;
}

bool sock_is_connected(const struct file *);

/*
 * Sleeps until the host's socket is ready for `events`: 0, EINTR, or
 * EWOULDBLOCK when the guest does not want to wait (nowait, O_NONBLOCK) or
 * its timeout is over.
 */
int sock_wait(struct lwp *, struct file *, short events, bool nowait);

/*
 * The host does not tell when a socket gets a connection or a queue, and until
 * then calls it hung up.  A guest brings that about, who wakes the call l for
 * as long as it is watching.
 */
void sock_watch(struct file *, struct sock_waiter *, struct lwp *l);
void sock_unwatch(struct file *, struct sock_waiter *);

/* read(2) on a socket: bytes, or -1 with errno; never waits. */
ssize_t sock_read(struct file *, void *, size_t);

/* write(2) on a socket: bytes, or -1 with errno; never waits. */
ssize_t sock_write(struct lwp *, struct file *, const void *, size_t);

/* --- addresses (sockname.c) --- */

/*
 * An address from the client: len bytes at uaddr.  As in NetBSD an address that
 * begins as those of 4.3BSD (and of little-endian hosts) do, with a family of
 * 16 bits, is taken for what it says.
 */
int sockname_copyin(struct lwp *, rump_uaddr_t, uint32_t len,
    struct sockname *);

/*
 * To the client as NetBSD does it: at most *ulenp bytes, which then holds how
 * many went.  uaddr 0: the client does not want it.
 */
int sockname_copyout(struct lwp *, const struct sockname *, rump_uaddr_t uaddr,
    rump_uaddr_t ulenp);

/* Where a datagram or a connection goes.  EAFNOSUPPORT: not with this socket.
 * A local name is looked up; *fd is to be closed after the host call unless it
 * is -1. */
int sockname_to_host(struct lwp *, const struct ksock *,
    const struct sockname *, struct sockaddr_storage *, socklen_t *, int *fd);

/* What the host says, in the guest's terms. */
void sockname_from_host(struct hostkern *, const struct sockaddr_storage *,
    socklen_t, struct sockname *);

int sockname_bind(struct lwp *, struct file *, const struct sockname *);
/* Before the host chooses a port for a socket without one: chooses a low one if
 * that is what its IP_PORTRANGE says. */
int sockname_bind_low(struct lwp *, struct file *);
/* The box that a message goes to, by way of host descriptor tofd (-1: to where
 * the socket is connected).  EOPNOTSUPP: to none of this server; ENOTCONN,
 * EDESTADDRREQ: to nobody. */
int sockname_box(struct file *, int tofd, uint64_t *box);
/* The socket bound to the file that host descriptor fd names, or NULL.
 * sockets.lock held. */
struct ksock *sockname_bound(struct sockets *, int fd);
/* Who sent a message from that host address; false when nobody knows. */
bool sockname_sender(struct file *, const struct sockaddr_storage *from,
    socklen_t, struct sockid *);
struct sockid sock_id(struct kproc *);
/* The socket is closed: its name may mean another from now on. */
void sockname_forget(struct hostkern *, struct ksock *);

/* --- descriptors in messages (rights.c) --- */

/* Files on their way: the host carries a token for them. */
struct rights {
	int token;		/* host descriptor; -1: no files */
};

int rights_create(struct hostkern *);
void rights_destroy(struct hostkern *);

/*
 * Takes references to the files of the client's descriptors, for the socket
 * whose box is `to'.  EBADF, also for a kqueue; EINVAL (too many in a message);
 * EAGAIN (too many under way).
 */
int rights_make(struct kproc *, const int32_t *fds, int n, uint64_t to,
    struct rights *);
/* The message is sent, or (sent false) it will not be. */
void rights_done(struct hostkern *, struct rights *, uint64_t to, bool sent);

/* The files of a message received on that socket with these host descriptors,
 * which are all closed.  At most SOCK_PASSMAX; returns how many. */
int rights_take(struct hostkern *, const struct ksock *, const int *hfds,
    int n, struct file *files[SOCK_PASSMAX]);

/* Nothing has a certain socket any more but messages: should nobody be able to
 * receive them, they go, soon. */
void rights_alone(struct hostkern *);

#endif
