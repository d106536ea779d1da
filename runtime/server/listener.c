/*
 * Listening sockets, and who may come in.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/server.h"

/* --- who may --- */

static bool
in_uids(const struct rumpserver_config *cfg, uid_t uid)
{
	size_t i;

	for (i = 0; i < cfg->n_allow_uid; i++)
		if (cfg->allow_uid[i] == uid)
			return true;
	return false;
}

static bool
in_gids(const struct rumpserver_config *cfg, gid_t gid)
{
	size_t i;

	for (i = 0; i < cfg->n_allow_gid; i++)
		if (cfg->allow_gid[i] == gid)
			return true;
	return false;
}

bool
peer_groups(int fd, gid_t **vp, unsigned *n)
{
	socklen_t len = 0;
	gid_t *v;

	*vp = NULL;
	*n = 0;
	/* How long it is, unless there are none. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0 ||
	    errno != ERANGE)
		return true;
	v = malloc(len);
	if (v == NULL)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, v, &len) == -1) {
		free(v);
		return true;
	}
	*vp = v;
	*n = len / sizeof(v[0]);
	return true;
}

static bool
in_peer_groups(const struct rumpserver_config *cfg, int fd)
{
	bool found = false;
	unsigned i, n;
	gid_t *v;

	if (cfg->n_allow_gid == 0 || !peer_groups(fd, &v, &n))
		return false;
	for (i = 0; i < n && !found; i++)
		found = in_gids(cfg, v[i]);
	free(v);
	return found;
}

bool
access_allowed(const struct rumpserver_config *cfg, int fd,
    const struct rumpserver_peer *peer)
{

	if (cfg->allow_anyone || !peer->local)
		return true;
	if (!peer->known)
		return false;
	if (cfg->n_allow_uid == 0 && cfg->n_allow_gid == 0)
		return peer->uid == geteuid() || peer->uid == 0;
	return in_uids(cfg, peer->uid) || in_gids(cfg, peer->gid) ||
	    in_peer_groups(cfg, fd);
}

static bool
is_local(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return getsockname(fd, (struct sockaddr *)&ss, &len) == 0 &&
	    ss.ss_family == AF_UNIX;
}

static struct rumpserver_peer
peer_of(int fd, bool local)
{
	struct rumpserver_peer peer = { .uid = (uid_t)-1, .gid = (gid_t)-1,
	    .local = local };
	struct ucred cred;
	socklen_t len = sizeof(cred);

	/* Pid 0: the other end is not a process of this host's. */
	if (!local || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred,
	    &len) == -1 || cred.uid == (uid_t)-1)
		return peer;
	peer.known = true;
	peer.uid = cred.uid;
	peer.gid = cred.gid;
	peer.pid = cred.pid;
	return peer;
}

/* --- coming in --- */

static void
admit(struct rumpserver *srv, const struct listener *li, int fd)
{
	struct rumpserver_peer peer;
	int on = 1;

	fd = wire_fd_above_stdio(fd);
	if (fd == -1)
		return;
	peer = peer_of(fd, li->local);
	if (li->tcp)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	session_open(srv, fd, &peer, access_allowed(&srv->cfg, fd, &peer) ?
	    0 : FRAME_ERR_AUTH);
}

static void
rearm(struct timer *t)
{
	struct listener *li;
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };

	li = (struct listener *)((char *)t - offsetof(struct listener, timer));
	ev.data.u64 = li->id;
	epoll_ctl(li->srv->epfd, EPOLL_CTL_MOD, li->fd, &ev);
}

enum accepted {
	GO_ON,		/* a client, or the trouble of one */
	NOBODY,		/* for now */
	STARVED,	/* of descriptors or memory */
	BROKEN
};

static enum accepted
accept_failed(int error)
{

	switch (error) {
	case EAGAIN:
		return NOBODY;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return STARVED;
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
	case EOPNOTSUPP:
		return BROKEN;
	default:
		return GO_ON;
	}
}

static enum accepted
accept_one(struct listener *li)
{
	enum accepted what;
	int fd, error;

	fd = accept4(li->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd != -1) {
		li->starved = false;
		admit(li->srv, li, fd);
		return GO_ON;
	}
	error = errno;
	what = accept_failed(error);
	if (what == BROKEN)
		srv_log(li->srv, RUMPSERVER_LOG_ERROR, "cannot accept: %s",
		    strerror(error));
	if (what == STARVED && !atomic_exchange(&li->starved, true))
		srv_log(li->srv, RUMPSERVER_LOG_ERROR, "cannot accept "
		    "a client: %s; trying again as clients leave",
		    strerror(error));
	return what;
}

static void
accept_some(struct listener *li)
{
	enum accepted what;
	unsigned i;

	what = GO_ON;
	for (i = 0; i < ACCEPT_BATCH && what == GO_ON; i++)
		what = accept_one(li);
	if (what == STARVED)
		timer_set(li->srv, &li->timer, ACCEPT_BACKOFF_MS);
	else if (what != BROKEN)
		rearm(&li->timer);
}

void
listener_accept(struct rumpserver *srv, uint64_t id)
{
	struct listener *li;

	pthread_mutex_lock(&srv->lock);
	LIST_FOREACH(li, &srv->listeners, link)
		if (li->id == id && !srv->stopping)
			break;
	if (li != NULL)
		srv->accepting++;
	pthread_mutex_unlock(&srv->lock);
	if (li == NULL)
		return;

	accept_some(li);

	pthread_mutex_lock(&srv->lock);
	if (--srv->accepting == 0)
		pthread_cond_broadcast(&srv->idle);
	pthread_mutex_unlock(&srv->lock);
}

/* --- listening --- */

static int
listener_add(struct rumpserver *srv, struct listener *li)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(li->fd, (struct sockaddr *)&ss, &len) == -1)
		return -1;
	li->srv = srv;
	li->local = ss.ss_family == AF_UNIX;
	li->tcp = ss.ss_family == AF_INET || ss.ss_family == AF_INET6;
	li->timer.fire = rearm;

	pthread_mutex_lock(&srv->lock);
	li->id = EV_LISTENER | ++srv->listener_ids;
	LIST_INSERT_HEAD(&srv->listeners, li, link);
	pthread_mutex_unlock(&srv->lock);
	ev.data.u64 = li->id;
	if (epoll_ctl(srv->epfd, EPOLL_CTL_ADD, li->fd, &ev) == 0)
		return 0;
	pthread_mutex_lock(&srv->lock);
	LIST_REMOVE(li, link);
	pthread_mutex_unlock(&srv->lock);
	return -1;
}

int
rumpserver_listen(struct rumpserver *srv, const char *locator, char *resolved,
    size_t len)
{
	char why[LOCATOR_WHY];
	struct listener *li;
	int error;

	li = calloc(1, sizeof(*li));
	if (li == NULL)
		return -1;
	error = locator_parse(&li->locator, locator, LOCATOR_SERVER, why);
	if (error == 0 && li->locator.kind == LOCATOR_FD) {
		error = EINVAL;
		snprintf(why, sizeof(why), "%.100s: cannot listen on a "
		    "connected descriptor; serve it instead", locator);
	}
	if (error != 0) {
		srv_log(srv, RUMPSERVER_LOG_ERROR, "%s", why);
		goto fail;
	}
	li->fd = locator_listen(&li->locator, LISTEN_BACKLOG,
	    srv->cfg.socket_mode);
	if (li->fd == -1) {
		error = errno;
		srv_log(srv, RUMPSERVER_LOG_ERROR, "cannot listen at %s: %s",
		    li->locator.text, locator_listen_error(error));
		goto fail;
	}
	li->unlink = li->locator.kind == LOCATOR_UNIX;
	if (listener_add(srv, li) == -1) {
		error = errno;
		close(li->fd);
		if (li->unlink)
			locator_unlink(&li->locator);
		goto fail;
	}
	if (resolved != NULL)
		snprintf(resolved, len, "%s", li->locator.text);
	srv_log(srv, RUMPSERVER_LOG_INFO, "listening at %s", li->locator.text);
	return 0;

fail:
	free(li);
	errno = error;
	return -1;
}

int
rumpserver_listen_fd(struct rumpserver *srv, int fd)
{
	struct listener *li;
	int accepts, flags, error;
	socklen_t len = sizeof(accepts);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &len) == -1)
		return -1;
	if (!accepts) {
		errno = EINVAL;
		return -1;
	}
	fd = wire_fd_above_stdio(fd);
	if (fd == -1)
		return -1;
	li = calloc(1, sizeof(*li));
	if (li == NULL)
		goto fail;
	li->fd = fd;
	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		goto fail;
	if (listener_add(srv, li) == 0)
		return 0;
fail:
	error = errno;
	close(fd);
	free(li);
	errno = error;
	return -1;
}

int
rumpserver_serve_fd(struct rumpserver *srv, int fd)
{
	struct rumpserver_peer peer;
	int type, flags, on = 1;
	socklen_t len = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == -1)
		return -1;
	if (type != SOCK_STREAM) {
		errno = EPROTOTYPE;
		return -1;
	}
	fd = wire_fd_above_stdio(fd);
	if (fd == -1)
		return -1;
	/* Blocking, so that a worker can wait in recv(2). */
	flags = fcntl(fd, F_GETFL);
	if (flags != -1)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	peer = peer_of(fd, is_local(fd));
	if (!peer.local)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peer.local = true;
	return session_open(srv, fd, &peer, 0);
}

void
listeners_close(struct rumpserver *srv)
{
	struct listener *li;

	pthread_mutex_lock(&srv->lock);
	srv->stopping = true;
	while (srv->accepting > 0)
		pthread_cond_wait(&srv->idle, &srv->lock);
	pthread_mutex_unlock(&srv->lock);
	while ((li = LIST_FIRST(&srv->listeners)) != NULL) {
		LIST_REMOVE(li, link);
		timer_cancel(srv, &li->timer);
		if (li->unlink)
			locator_unlink(&li->locator);
		close(li->fd);
		free(li);
	}
}
