/*
 * Sending frames whole, without ever waiting for long.
 *
 * What the socket does not take at once is queued in memory and sent by the
 * reader when there is room.  So no thread sits in the middle of a frame
 * with signals held back because the server is slow, and a server that waits
 * for us to read cannot lock up with us waiting for it to.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/conn.h"
#include "client/usermem.h"

#define SEND_FLAGS	(MSG_NOSIGNAL | MSG_DONTWAIT)

/* How long the sender of bulk data waits for room before it queues the rest,
 * in milliseconds. */
#define ROOM_TIMEOUT	20

/* The least memory of a queue, in bytes; a power of two times it always. */
#define QUEUE_MIN	(64 * 1024)

/*
 * Moves the queue to new memory, of at least room bytes.  Mapped, not
 * malloc'd: the call may be a signal handler's that interrupted malloc(3).
 * Doubled, so that many small frames are not copied again for each.
 */
static bool
queue_grow(struct conn *c, size_t room)
{
	size_t used, size;
	char *p;

	used = c->unsent_end - c->unsent_start;
	size = c->unsent_room > 0 ? c->unsent_room : QUEUE_MIN;
	while (size < room)
		size *= 2;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return false;
	if (used > 0)
		memcpy(p, c->unsent + c->unsent_start, used);
	conn_drop_unsent(c);
	c->unsent = p;
	c->unsent_room = size;
	c->unsent_end = used;
	return true;
}

/* Room for len more bytes at the queue's end.  sendlock held. */
static char *
queue_room(struct conn *c, size_t len)
{
	size_t used;

	used = c->unsent_end - c->unsent_start;
	if (used + len > c->unsent_room) {
		if (!queue_grow(c, used + len))
			return NULL;
	} else if (c->unsent_end + len > c->unsent_room) {
		memmove(c->unsent, c->unsent + c->unsent_start, used);
		c->unsent_start = 0;
		c->unsent_end = used;
	}
	return c->unsent + c->unsent_end;
}

void
conn_drop_unsent(struct conn *c)
{

	if (c->unsent != NULL)
		munmap(c->unsent, c->unsent_room);
	c->unsent = NULL;
	c->unsent_start = c->unsent_end = c->unsent_room = 0;
	atomic_store(&c->have_unsent, false);
}

/* len bytes came into the room. */
static void
queue_filled(struct conn *c, size_t len)
{

	c->unsent_end += len;
	atomic_store(&c->have_unsent, true);
	conn_kick(c);
}

/* One send(2) that restarts.  -1 with errno set; EAGAIN: no room. */
static ssize_t
send_some(struct conn *c, const void *data, size_t len)
{
	ssize_t n;

	do {
		n = send(c->fd, data, len, SEND_FLAGS);
	} while (n == -1 && errno == EINTR);
	return n;
}

/* sendlock held. */
static int
send_or_queue(struct conn *c, const char *frame, size_t len)
{
	ssize_t n;
	char *room;

	n = 0;
	if (c->unsent_end == c->unsent_start) {
		n = send_some(c, frame, len);
		if (n == (ssize_t)len)
			return 0;
		if (n == -1 && errno != EAGAIN)
			return ENOTCONN;
		if (n == -1)
			n = 0;
	}
	room = queue_room(c, len - (size_t)n);
	if (room == NULL)
		return n == 0 ? ENOMEM : ENOTCONN;
	memcpy(room, frame + n, len - (size_t)n);
	queue_filled(c, len - (size_t)n);
	return 0;
}

int
conn_send(struct conn *c, const void *frame, size_t len)
{
	int error;

	pthread_mutex_lock(&c->sendlock);
	error = send_or_queue(c, frame, len);
	pthread_mutex_unlock(&c->sendlock);
	return error;
}

int
conn_send_call(struct conn *c, unsigned generation, const void *frame,
    size_t len)
{
	int error;

	pthread_mutex_lock(&c->sendlock);
	if (c->generation != generation)
		error = ENOTCONN;
	else if (c->frozen)
		error = EAGAIN;
	else
		error = send_or_queue(c, frame, len);
	pthread_mutex_unlock(&c->sendlock);
	return error;
}

int
conn_flush(struct conn *c)
{
	ssize_t n;
	int error;

	error = 0;
	pthread_mutex_lock(&c->sendlock);
	while (c->unsent_start < c->unsent_end) {
		n = send_some(c, c->unsent + c->unsent_start,
		    c->unsent_end - c->unsent_start);
		if (n == -1) {
			if (errno != EAGAIN)
				error = ENOTCONN;
			break;
		}
		c->unsent_start += (size_t)n;
	}
	if (c->unsent_start == c->unsent_end)
		conn_drop_unsent(c);
	pthread_mutex_unlock(&c->sendlock);
	return error;
}

/*
 * Sends on from byte `sent` of header and user memory.  By the bare system
 * call: the address is the server's word, so only the kernel may look at it.
 */
static ssize_t
send_user_some(struct conn *c, const struct frame_hdr *hdr, uint64_t addr,
    size_t sent, size_t total)
{
	struct iovec iov[2];
	struct msghdr msg;
	ssize_t n;
	int i;

	i = 0;
	if (sent < sizeof(*hdr)) {
		iov[i++] = (struct iovec){ (char *)(uintptr_t)hdr + sent,
		    sizeof(*hdr) - sent };
		sent = sizeof(*hdr);
	}
	if (sent < total)
		iov[i++] = (struct iovec){
		    (void *)(uintptr_t)(addr + sent - sizeof(*hdr)),
		    total - sent };
	memset(&msg, 0, sizeof(msg));
	msg.msg_iov = iov;
	msg.msg_iovlen = (size_t)i;
	do {
#ifdef SYS_sendmsg
		n = syscall(SYS_sendmsg, c->fd, &msg, SEND_FLAGS);
#else
		n = sendmsg(c->fd, &msg, SEND_FLAGS);
#endif
	} while (n == -1 && errno == EINTR);
	return n;
}

/* Queues the rest from byte `sent` on; ERANGE: with zeros for what could not
 * be read. */
static int
queue_user(struct conn *c, const struct frame_hdr *hdr, uint64_t addr,
    size_t sent, size_t total)
{
	char *p;
	size_t n, from;
	int error;

	p = queue_room(c, total - sent);
	if (p == NULL)
		return sent == 0 ? ENOMEM : ENOTCONN;
	n = 0;
	if (sent < sizeof(*hdr)) {
		n = sizeof(*hdr) - sent;
		memcpy(p, (const char *)hdr + sent, n);
	}
	from = sent + n - sizeof(*hdr);
	error = 0;
	if (usermem_read(p + n, addr + from, total - sent - n) != 0) {
		memset(p + n, 0, total - sent - n);
		error = ERANGE;
	}
	queue_filled(c, total - sent);
	return error;
}

/* Not when there is something to read, which with many threads there always
 * is: a copy of the rest costs more than who waits for what came. */
static bool
room_soon(struct conn *c)
{
	struct pollfd pfd = { .fd = c->fd, .events = POLLOUT };

	return poll(&pfd, 1, ROOM_TIMEOUT) == 1 &&
	    (pfd.revents & POLLOUT) != 0;
}

int
conn_send_user(struct conn *c, const struct frame_hdr *hdr, uint64_t addr,
    size_t len)
{
	size_t sent, total;
	ssize_t n;
	int error;

	total = sizeof(*hdr) + len;
	sent = 0;
	error = 0;
	pthread_mutex_lock(&c->sendlock);
	while (sent < total && c->unsent_end == c->unsent_start) {
		n = send_user_some(c, hdr, addr, sent, total);
		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EAGAIN && room_soon(c))
			continue;
		if (errno == EFAULT && sent == 0)
			error = EFAULT;
		else if (errno != EAGAIN && errno != EFAULT && errno != EINTR)
			error = ENOTCONN;
		break;
	}
	if (error == 0 && sent < total)
		error = queue_user(c, hdr, addr, sent, total);
	pthread_mutex_unlock(&c->sendlock);
	return error;
}
