/*
 * Waiting for readiness: poll, select, kqueue.
 */
#ifndef RUMP_RUMPDEFS_READY_H
#define RUMP_RUMPDEFS_READY_H

#include <stdint.h>

/* --- poll, pollts --- */

struct rump_pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};

#define RUMP_POLLIN		0x0001
#define RUMP_POLLPRI		0x0002
#define RUMP_POLLOUT		0x0004
#define RUMP_POLLWRNORM		RUMP_POLLOUT
#define RUMP_POLLRDNORM		0x0040
#define RUMP_POLLRDBAND		0x0080
#define RUMP_POLLWRBAND		0x0100
/* Only in revents. */
#define RUMP_POLLERR		0x0008
#define RUMP_POLLHUP		0x0010
#define RUMP_POLLNVAL		0x0020
#define RUMP_INFTIM		(-1)

/* --- select, pselect --- */

/*
 * Descriptor n is bit n % 32 of word n / 32.  A call may pass a longer array
 * than this; it reads and writes as many whole words as its nd needs.
 */
#define RUMP_FD_SETSIZE		256
#define RUMP_NFDBITS		32

struct rump_fd_set {
	uint32_t fds_bits[RUMP_FD_SETSIZE / RUMP_NFDBITS];
};

static inline void
rump_fd_zero(struct rump_fd_set *set)
{
	int i;

	for (i = 0; i < RUMP_FD_SETSIZE / RUMP_NFDBITS; i++)
		set->fds_bits[i] = 0;
}

/* Descriptors outside 0..RUMP_FD_SETSIZE-1 are ignored. */
static inline void
rump_fd_setbit(int fd, struct rump_fd_set *set)
{

	if (fd >= 0 && fd < RUMP_FD_SETSIZE)
		set->fds_bits[fd / 32] |= UINT32_C(1) << fd % 32;
}

static inline void
rump_fd_clrbit(int fd, struct rump_fd_set *set)
{

	if (fd >= 0 && fd < RUMP_FD_SETSIZE)
		set->fds_bits[fd / 32] &= ~(UINT32_C(1) << fd % 32);
}

static inline int
rump_fd_isset(int fd, const struct rump_fd_set *set)
{

	if (fd < 0 || fd >= RUMP_FD_SETSIZE)
		return 0;
	return (set->fds_bits[fd / 32] >> fd % 32) & 1;
}

/* --- kqueue --- */

struct rump_kevent {
	uintptr_t ident;
	uint32_t filter;
	uint32_t flags;
	uint32_t fflags;
	uint32_t rump_pad;		/* ours: keeps the padding defined */
	int64_t data;
	intptr_t udata;
};

#define RUMP_EVFILT_READ	0u
#define RUMP_EVFILT_WRITE	1u
#define RUMP_EVFILT_AIO		2u
#define RUMP_EVFILT_VNODE	3u
#define RUMP_EVFILT_PROC	4u
#define RUMP_EVFILT_SIGNAL	5u
#define RUMP_EVFILT_TIMER	6u	/* data: period in milliseconds */
#define RUMP_EVFILT_FS		7u	/* 7 and 8: since NetBSD 8 and 10 */
#define RUMP_EVFILT_USER	8u

/* What to do with the event. */
#define RUMP_EV_ADD		0x0001u
#define RUMP_EV_DELETE		0x0002u
#define RUMP_EV_ENABLE		0x0004u
#define RUMP_EV_DISABLE		0x0008u
/* How it behaves. */
#define RUMP_EV_ONESHOT		0x0010u
#define RUMP_EV_CLEAR		0x0020u
#define RUMP_EV_RECEIPT		0x0040u
#define RUMP_EV_DISPATCH	0x0080u
#define RUMP_EV_SYSFLAGS	0xf000u
#define RUMP_EV_FLAG1		0x2000u
/* What comes back. */
#define RUMP_EV_ERROR		0x4000u	/* data: the errno */
#define RUMP_EV_EOF		0x8000u

/* READ and WRITE */
#define RUMP_NOTE_LOWAT		0x0001u

/* VNODE */
#define RUMP_NOTE_DELETE	0x0001u
#define RUMP_NOTE_WRITE		0x0002u
#define RUMP_NOTE_EXTEND	0x0004u
#define RUMP_NOTE_ATTRIB	0x0008u
#define RUMP_NOTE_LINK		0x0010u
#define RUMP_NOTE_RENAME	0x0020u
#define RUMP_NOTE_REVOKE	0x0040u

/* PROC */
#define RUMP_NOTE_EXIT		0x80000000u
#define RUMP_NOTE_FORK		0x40000000u
#define RUMP_NOTE_EXEC		0x20000000u
#define RUMP_NOTE_PCTRLMASK	0xf0000000u
#define RUMP_NOTE_PDATAMASK	0x000fffffu
#define RUMP_NOTE_TRACK		0x00000001u
#define RUMP_NOTE_TRACKERR	0x00000002u
#define RUMP_NOTE_CHILD		0x00000004u

/* USER: how fflags change the stored ones, and the trigger. */
#define RUMP_NOTE_FFNOP		0x00000000u
#define RUMP_NOTE_FFAND		0x40000000u
#define RUMP_NOTE_FFOR		0x80000000u
#define RUMP_NOTE_FFCOPY	0xc0000000u
#define RUMP_NOTE_FFCTRLMASK	0xc0000000u
#define RUMP_NOTE_FFLAGSMASK	0x00ffffffu
#define RUMP_NOTE_TRIGGER	0x01000000u

#endif
