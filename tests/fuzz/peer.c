#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/peer.h"

enum { MAX_PEERS = 16, PATIENCE_MS = 200 };

void
peer_leave(struct peer *p)
{

	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
}

void
peer_join(struct peer *p, struct rumpserver *srv)
{
	char banner[128];
	int sv[2];

	peer_leave(p);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1 ||
	    rumpserver_serve_fd(srv, sv[1]) == -1)
		fuzz_fail("serve_fd: %s", strerror(errno));
	p->fd = sv[0];
	p->reqno = p->answered = p->newest = 0;
	p->got = p->nout = 0;
	p->astray = false;
	if (recv(p->fd, banner, sizeof(banner), 0) <= 0)
		fuzz_fail("no banner");
}

/* What does not go out at once waits: the server may wait for us. */
static void
flush(struct peer *p)
{
	ssize_t n;

	if (p->fd == -1 || p->nout == 0)
		return;
	n = send(p->fd, p->out, p->nout, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && errno != EAGAIN)
		peer_leave(p);
	if (n <= 0)
		return;
	p->nout -= (size_t)n;
	memmove(p->out, p->out + n, p->nout);
}

/* When neither side reads one has to give up. */
static void
make_room(struct peer *p)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };

	(void)poll(&pfd, 1, PATIENCE_MS);
	flush(p);
	if (p->nout == sizeof(p->out))
		peer_leave(p);
}

void
peer_bytes(struct peer *p, const void *data, size_t len)
{
	const uint8_t *from = data;
	size_t n;

	while (p->fd != -1 && len > 0) {
		n = sizeof(p->out) - p->nout;
		if (n > len)
			n = len;
		memcpy(p->out + p->nout, from, n);
		p->nout += n;
		from += n;
		len -= n;
		if (p->nout == sizeof(p->out))
			make_room(p);
	}
}

void
peer_say(struct peer *p, unsigned class, unsigned type, uint64_t reqno,
    uint32_t u, const void *body, size_t len)
{
	struct frame_hdr hdr = frame_hdr(class, type, reqno, u, len);

	peer_bytes(p, &hdr, sizeof(hdr));
	peer_bytes(p, body, len);
}

uint64_t
peer_ask(struct peer *p, unsigned type, uint32_t u, const void *body,
    size_t len)
{

	peer_say(p, FRAME_REQ, type, ++p->reqno, u, body, len);
	return p->reqno;
}

/* Takes what belongs to the frame that comes, its head first; the bytes
 * taken. */
static size_t
take(struct peer *p, const uint8_t *from, size_t n)
{
	bool head = p->got < FRAME_HDRLEN;
	size_t at = head ? p->got : p->got - FRAME_HDRLEN;
	size_t room = head ? FRAME_HDRLEN : PEER_BODY;
	struct frame_hdr hdr;

	memcpy(&hdr, p->head, sizeof(hdr));
	if (n > (head ? FRAME_HDRLEN : hdr.len) - p->got)
		n = (head ? FRAME_HDRLEN : hdr.len) - p->got;
	if (at < room)
		memcpy((head ? p->head : p->body) + at, from,
		    n < room - at ? n : room - at);
	p->got += n;
	if (p->got < FRAME_HDRLEN)
		return n;
	memcpy(&hdr, p->head, sizeof(hdr));
	if (head && frame_check(&hdr, FRAME_FROM_SERVER) != NULL)
		fuzz_fail("the server sends: %s",
		    frame_check(&hdr, FRAME_FROM_SERVER));
	if (p->got == hdr.len) {
		p->got = 0;
		p->heard(p, &hdr, p->body);
	}
	return n;
}

static void
hear(struct peer *p)
{
	static uint8_t buf[65536];
	ssize_t n;
	size_t at;

	n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
		peer_leave(p);
	for (at = 0; n > 0 && at < (size_t)n && p->fd != -1;)
		at += take(p, buf + at, (size_t)n - at);
}

bool
peers_pump(struct peer *peers, size_t n, int ms)
{
	struct pollfd pfd[MAX_PEERS];
	bool any = false;
	size_t i;

	for (i = 0; i < n && i < MAX_PEERS; i++) {
		flush(&peers[i]);
		pfd[i] = (struct pollfd){ .fd = peers[i].fd,
		    .events = POLLIN | (peers[i].nout > 0 ? POLLOUT : 0) };
	}
	if (poll(pfd, i, ms) <= 0)
		return false;
	for (i = 0; i < n && i < MAX_PEERS; i++)
		if (peers[i].fd != -1 && pfd[i].revents != 0) {
			hear(&peers[i]);
			any = true;
		}
	return any;
}
