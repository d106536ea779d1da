/*
 * Addresses of sockets, and the names of local ones under the served root.
 */
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "hostkern/path.h"
#include "hostkern/sock.h"

enum { LOWEST_PORT = 600 };	/* NetBSD's IPPORT_RESERVEDMIN */

/* The host's name of a bound socket: in the directory behind that descriptor,
 * while it was bound, and the number.  For printf(3) and for scanf(3). */
static const char bind_name[] = "/proc/self/fd/%d/.%016" PRIx64;
static const char bind_scan[] = "/proc/self/fd/%*d/.%16" SCNx64 "%n";

int
sockname_copyin(struct lwp *l, rump_uaddr_t uaddr, uint32_t len,
    struct sockname *sn)
{
	int error;

	memset(sn, 0, sizeof(*sn));
	if (len <= offsetof(struct rump_sockaddr, sa_data) ||
	    len > SOCK_NAMEMAX)
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, uaddr, sn->bytes, len);
	if (error != 0)
		return error;
	if (sn->addr.ss_family == 0 && sn->addr.ss_len < RUMP_AF_MAX)
		sn->addr.ss_family = sn->addr.ss_len;
	sn->len = len;
	sn->addr.ss_len = (uint8_t)len;
	return 0;
}

int
sockname_copyout(struct lwp *l, const struct sockname *sn, rump_uaddr_t uaddr,
    rump_uaddr_t ulenp)
{
	uint32_t len;
	int error;

	if (uaddr == 0)
		return 0;
	error = rumpserver_copyin(l, ulenp, &len, sizeof(len));
	if (error != 0)
		return error;
	if (len > INT32_MAX)
		return RUMP_EINVAL;
	if (len > sn->len)
		len = sn->len;
	error = rumpserver_copyout(l, sn->bytes, uaddr, len);
	if (error != 0)
		return error;
	return rumpserver_copyout(l, &len, ulenp, sizeof(len));
}

/* The path in a local address; ENOENT when it is empty. */
static int
local_path(const struct sockname *sn, char path[KERN_PATHLEN])
{
	const size_t head = offsetof(struct rump_sockaddr_un, sun_path);
	size_t len;

	len = strnlen(sn->bytes + head, sn->len - head);
	memcpy(path, sn->bytes + head, len);
	path[len] = '\0';
	return len == 0 ? RUMP_ENOENT : 0;
}

/* The host's socket file, by way of a descriptor of it. */
static int
local_to_host(struct lwp *l, const struct sockname *sn,
    struct sockaddr_un *sun, socklen_t *len, int *fd)
{
	char path[KERN_PATHLEN];
	struct nameref nr;
	struct stat st;
	int error;

	error = local_path(sn, path);
	if (error == 0)
		error = path_lookup(l, RUMP_AT_FDCWD, path, 0, &nr);
	if (error != 0)
		return error;
	if (fstat(nr.fd, &st) != 0)
		error = kern_errno();
	else if (!S_ISSOCK(st.st_mode))
		error = RUMP_ENOTSOCK;
	if (error != 0) {
		nameref_close(&nr);
		return error;
	}
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	path_procfd(sun->sun_path, nr.fd);
	*len = sizeof(*sun);
	*fd = nr.fd;
	return 0;
}

static in_port_t
port_of(const struct sockaddr_storage *ss)
{

	if (ss->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)ss)->sin_port);
	if (ss->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)ss)->sin6_port);
	return 0;
}

int
sockname_to_host(struct lwp *l, const struct ksock *so,
    const struct sockname *sn, struct sockaddr_storage *ss, socklen_t *len,
    int *fd)
{
	int error;

	*fd = -1;
	if (sn->addr.ss_family != so->domain)
		return RUMP_EAFNOSUPPORT;
	if (so->domain == RUMP_AF_LOCAL)
		return local_to_host(l, sn, (struct sockaddr_un *)ss, len, fd);
	error = rump_conv_sockaddr_to_host(&sn->addr, sn->len, ss, len);
	if (error == 0 && so->type != RUMP_SOCK_RAW && port_of(ss) == 0)
		error = RUMP_EADDRNOTAVAIL;
	return error;
}

static void
unnamed(struct sockname *sn)
{

	memset(sn, 0, sizeof(*sn));
	sn->len = offsetof(struct rump_sockaddr_un, sun_path);
	sn->addr.ss_len = (uint8_t)sn->len;
	sn->addr.ss_family = RUMP_AF_LOCAL;
}

/* The number in the host's name of a socket, 0: it is none of ours. */
static uint64_t
number_of(const struct sockaddr_un *sun, socklen_t len)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	char name[sizeof(sun->sun_path) + 1];
	uint64_t number = 0;
	int end = 0;

	memcpy(name, sun->sun_path, len - head);
	name[len - head] = '\0';
	return sscanf(name, bind_scan, &number, &end) == 1 &&
	    name[end] == '\0' ? number : 0;
}

/* The socket that the host knows by that name, or NULL.  sockets.lock held. */
static struct ksock *
find_bound(struct sockets *ss, const struct sockaddr_un *sun, socklen_t len)
{
	const uint64_t number = number_of(sun, len);
	struct ksock *so;

	if (number == 0)
		return NULL;
	LIST_FOREACH(so, &ss->named[number % SOCK_BUCKETS], named) {
		if (so->number == number)
			break;
	}
	return so;
}

static bool
has_name(const struct sockaddr_un *sun, socklen_t len)
{

	return len > offsetof(struct sockaddr_un, sun_path) &&
	    len <= sizeof(*sun) && sun->sun_path[0] != '\0';
}

bool
sockname_sender(struct file *f, const struct sockaddr_storage *from,
    socklen_t len, struct sockid *id)
{
	struct sockets *ss = kern_sockets(f->hk);
	const struct sockaddr_un *sun = (const struct sockaddr_un *)from;
	struct ksock *so = sock_of(f), *sender = NULL;
	bool known;

	pthread_mutex_lock(&f->lock);
	known = so->have_peerid;
	*id = so->peerid;
	pthread_mutex_unlock(&f->lock);
	if (known || from->ss_family != AF_UNIX || !has_name(sun, len))
		return known;
	pthread_mutex_lock(&ss->lock);
	sender = find_bound(ss, sun, len);
	if (sender != NULL)
		*id = sender->selfid;
	pthread_mutex_unlock(&ss->lock);
	return sender != NULL;
}

/*
 * What a guest of ours called the socket of that host name.  A name that is
 * none of ours (a host process's) is told as it is if NetBSD's structure
 * has room for it, and is no name else.
 */
static void
local_from_host(struct hostkern *hk, const struct sockaddr_un *sun,
    socklen_t len, struct sockname *sn)
{
	struct sockets *ss = kern_sockets(hk);
	struct ksock *so;

	unnamed(sn);
	if (!has_name(sun, len))
		return;
	pthread_mutex_lock(&ss->lock);
	so = find_bound(ss, sun, len);
	if (so != NULL)
		*sn = so->name;
	pthread_mutex_unlock(&ss->lock);
	if (so == NULL && number_of(sun, len) == 0 &&
	    rump_conv_sockaddr_from_host((const struct sockaddr *)sun, len,
	    &sn->addr, &sn->len) != 0)
		unnamed(sn);
}

void
sockname_from_host(struct hostkern *hk, const struct sockaddr_storage *ss,
    socklen_t len, struct sockname *sn)
{

	memset(sn, 0, sizeof(*sn));
	if (len < sizeof(ss->ss_family))
		return;
	if (len > sizeof(*ss))
		len = sizeof(*ss);
	if (ss->ss_family == AF_UNIX)
		local_from_host(hk, (const struct sockaddr_un *)ss, len, sn);
	else if (rump_conv_sockaddr_from_host((const struct sockaddr *)ss, len,
	    &sn->addr, &sn->len) != 0)
		sn->len = 0;
}

/* The socket of that file. */
static struct ksock *
find_file(struct sockets *ss, const struct stat *st)
{
	struct ksock *so;

	LIST_FOREACH(so, &ss->filed[st->st_ino % SOCK_BUCKETS], filed) {
		if (so->dev == st->st_dev && so->ino == st->st_ino)
			break;
	}
	return so;
}

struct ksock *
sockname_bound(struct sockets *ss, int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? find_file(ss, &st) : NULL;
}

int
sockname_box(struct file *f, int tofd, uint64_t *box)
{
	struct sockets *ss = kern_sockets(f->hk);
	struct ksock *so = sock_of(f), *to;

	if (tofd != -1) {
		pthread_mutex_lock(&ss->lock);
		to = sockname_bound(ss, tofd);
		*box = to != NULL ? to->box : 0;
		pthread_mutex_unlock(&ss->lock);
		return *box != 0 ? 0 : RUMP_EOPNOTSUPP;
	}
	*box = atomic_load(&so->peerbox);
	if (*box != 0)
		return 0;
	if (sock_is_connected(f))
		return RUMP_EOPNOTSUPP;
	return so->type == RUMP_SOCK_DGRAM ? RUMP_EDESTADDRREQ :
	    RUMP_ENOTCONN;
}

/* The file of that name gets the one it is to have, which is not there. */
static int
give_name(const struct parentref *pr, const char *bound)
{

	if (renameat2(pr->fd, bound, pr->fd, pr->name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Not every file system can do that. */
	if (errno == EINVAL && linkat(pr->fd, bound, pr->fd, pr->name, 0) ==
	    0)
		return unlinkat(pr->fd, bound, 0) == 0 ? 0 : kern_errno();
	return errno == EEXIST ? RUMP_EADDRINUSE : kern_errno();
}

/*
 * Host bind under the directory pr; the file gets the guest's umask.  sockets.lock
 * held.
 *
 * For a moment the file has a name that nobody can guess, though whoever may
 * write to the directory can see it, and rename or replace it.  That is an error
 * of the bind, or the name is another's file afterwards, as it could be at any
 * time later.  But what we then know the socket by must not be the file of
 * another's socket, whose connections would be taken for ours.
 */
static int
bind_under(struct kproc *p, struct file *f, const struct parentref *pr,
    uint64_t number)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ksock *so = sock_of(f);
	mode_t mode = 0777 & ~proc_umask(p);
	const char *bound;
	struct stat st;
	int error;

	/* After a bind there would be no second try. */
	if (parentref_exists(pr))
		return RUMP_EADDRINUSE;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), bind_name,
	    pr->fd, number);
	bound = strrchr(sun.sun_path, '/') + 1;
	/* The mode of the socket is that of the file to be. */
	if (fchmod(f->hfd, mode) != 0)
		return kern_errno();
	error = path_assume_maker(p, pr->fd, &mode);
	if (error != 0)
		return error;
	if (bind(f->hfd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return errno == EEXIST ? RUMP_EADDRINUSE : kern_errno();
	if (fstatat(pr->fd, bound, &st, AT_SYMLINK_NOFOLLOW) != 0)
		error = kern_errno();
	else if (!S_ISSOCK(st.st_mode) ||
	    find_file(kern_sockets(f->hk), &st) != NULL)
		error = RUMP_EADDRINUSE;
	else
		error = give_name(pr, bound);
	if (error != 0) {
		(void)unlinkat(pr->fd, bound, 0);
		return error;
	}
	so->dev = st.st_dev;
	so->ino = st.st_ino;
	so->selfid = sock_id(p);
	return 0;
}

static uint64_t
random_number(void)
{
	uint64_t n = 0;

	while (n == 0 && getrandom(&n, sizeof(n), 0) == sizeof(n))
		continue;
	return n;
}

static int
bind_local(struct lwp *l, struct file *f, const struct sockname *sn)
{
	struct kproc *p = kern_proc(l);
	struct sockets *ss = kern_sockets(f->hk);
	struct ksock *so = sock_of(f);
	char path[KERN_PATHLEN];
	struct parentref pr;
	uint64_t number;
	int error;

	pthread_mutex_lock(&ss->lock);
	error = so->number != 0 ? RUMP_EINVAL : 0;
	pthread_mutex_unlock(&ss->lock);
	if (error == 0)
		error = local_path(sn, path);
	if (error != 0)
		return error;
	if (f->hk->read_only)
		return RUMP_EROFS;
	error = path_parent(l, RUMP_AT_FDCWD, path, &pr);
	if (error != 0)
		return error;
	if (pr.last != LAST_NAME || pr.slash) {
		parentref_close(&pr);
		return pr.last == LAST_NAME ? RUMP_ENOENT : RUMP_EADDRINUSE;
	}
	number = random_number();
	pthread_mutex_lock(&ss->lock);
	error = so->number != 0 ? RUMP_EINVAL : number == 0 ? RUMP_ENOMEM :
	    bind_under(p, f, &pr, number);
	if (error == 0) {
		so->name = *sn;
		so->number = number;
		LIST_INSERT_HEAD(&ss->named[number % SOCK_BUCKETS], so,
		    named);
		LIST_INSERT_HEAD(&ss->filed[so->ino % SOCK_BUCKETS], so,
		    filed);
	}
	pthread_mutex_unlock(&ss->lock);
	parentref_close(&pr);
	return error;
}

static void
set_port(struct sockaddr_storage *ss, in_port_t port)
{

	if (ss->ss_family == AF_INET)
		((struct sockaddr_in *)ss)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
}

/* IP_PORTRANGE_LOW: one that NetBSD keeps for the superuser. */
static int
bind_low(struct file *f, struct sockaddr_storage *ss, socklen_t len)
{
	in_port_t port;

	for (port = IPPORT_RESERVED - 1; port >= LOWEST_PORT; port--) {
		set_port(ss, port);
		if (bind(f->hfd, (struct sockaddr *)ss, len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return kern_errno();
	}
	return RUMP_EAGAIN;
}

int
sockname_bind(struct lwp *l, struct file *f, const struct sockname *sn)
{
	struct ksock *so = sock_of(f);
	struct sockaddr_storage ss;
	socklen_t len;
	bool low;
	int error;

	if (sn->addr.ss_family != so->domain)
		return RUMP_EAFNOSUPPORT;
	if (so->domain == RUMP_AF_LOCAL)
		return bind_local(l, f, sn);
	error = rump_conv_sockaddr_to_host(&sn->addr, sn->len, &ss, &len);
	if (error != 0)
		return error;
	low = port_of(&ss) == 0 &&
	    atomic_load(&so->portrange) == RUMP_IP_PORTRANGE_LOW;
	/* The host may be less strict. */
	if ((low || (port_of(&ss) != 0 && port_of(&ss) < IPPORT_RESERVED)) &&
	    cred_suser(kern_proc(l)) != 0)
		return RUMP_EACCES;
	error = cred_assume(kern_proc(l));
	if (error != 0)
		return error;
	if (low)
		return bind_low(f, &ss, len);
	return bind(f->hfd, (struct sockaddr *)&ss, len) == 0 ? 0 :
	    kern_errno();
}

int
sockname_bind_low(struct lwp *l, struct file *f)
{
	struct ksock *so = sock_of(f);
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct sockname any;

	if (atomic_load(&so->portrange) != RUMP_IP_PORTRANGE_LOW ||
	    getsockname(f->hfd, (struct sockaddr *)&ss, &len) != 0 ||
	    port_of(&ss) != 0)
		return 0;
	memset(&any, 0, sizeof(any));
	any.len = so->domain == RUMP_AF_INET ?
	    sizeof(struct rump_sockaddr_in) : sizeof(struct rump_sockaddr_in6);
	any.addr.ss_len = (uint8_t)any.len;
	any.addr.ss_family = (uint8_t)so->domain;
	return sockname_bind(l, f, &any);
}

void
sockname_forget(struct hostkern *hk, struct ksock *so)
{
	struct sockets *ss = kern_sockets(hk);
	struct caller *c;

	pthread_mutex_lock(&ss->lock);
	if (so->number != 0) {
		LIST_REMOVE(so, named);
		LIST_REMOVE(so, filed);
	}
	pthread_mutex_unlock(&ss->lock);
	while ((c = so->callers) != NULL) {
		so->callers = c->next;
		free(c);
	}
}
