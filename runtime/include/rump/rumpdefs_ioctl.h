/*
 * ioctl commands.  A command says itself how many bytes it carries and which
 * way: RUMP_IOCPARM_LEN(com), com & RUMP_IOC_IN, com & RUMP_IOC_OUT.
 */
#ifndef RUMP_RUMPDEFS_IOCTL_H
#define RUMP_RUMPDEFS_IOCTL_H

#include <stddef.h>
#include <stdint.h>

#include <rump/rumpdefs_time.h>

#define RUMP_IOCPARM_MASK	0x1ffful
#define RUMP_IOCPARM_SHIFT	16
#define RUMP_IOCGROUP_SHIFT	8
#define RUMP_IOCPARM_LEN(x)	(((x) >> RUMP_IOCPARM_SHIFT) & RUMP_IOCPARM_MASK)
#define RUMP_IOCBASECMD(x)	((x) & ~(RUMP_IOCPARM_MASK << RUMP_IOCPARM_SHIFT))
#define RUMP_IOCGROUP(x)	(((x) >> RUMP_IOCGROUP_SHIFT) & 0xff)
#define RUMP_IOC_VOID		0x20000000ul
#define RUMP_IOC_OUT		0x40000000ul	/* from the kernel */
#define RUMP_IOC_IN		0x80000000ul	/* to the kernel */
#define RUMP_IOC_INOUT		(RUMP_IOC_IN | RUMP_IOC_OUT)
#define RUMP_IOC_DIRMASK	0xe0000000ul

#define _RUMP_IOC(inout, group, num, len) \
	((inout) | (((len) & RUMP_IOCPARM_MASK) << RUMP_IOCPARM_SHIFT) | \
	 ((unsigned long)(group) << RUMP_IOCGROUP_SHIFT) | (unsigned long)(num))
#define _RUMP_IO(g, n)		_RUMP_IOC(RUMP_IOC_VOID, g, n, 0ul)
#define _RUMP_IOR(g, n, t)	_RUMP_IOC(RUMP_IOC_OUT, g, n, sizeof(t))
#define _RUMP_IOW(g, n, t)	_RUMP_IOC(RUMP_IOC_IN, g, n, sizeof(t))
#define _RUMP_IOWR(g, n, t)	_RUMP_IOC(RUMP_IOC_INOUT, g, n, sizeof(t))

/* --- any descriptor --- */

#define RUMP_FIOCLEX		_RUMP_IO('f', 1)
#define RUMP_FIONCLEX		_RUMP_IO('f', 2)
#define RUMP_FIONREAD		_RUMP_IOR('f', 127, int)
#define RUMP_FIONBIO		_RUMP_IOW('f', 126, int)
#define RUMP_FIOASYNC		_RUMP_IOW('f', 125, int)
#define RUMP_FIOSETOWN		_RUMP_IOW('f', 124, int)
#define RUMP_FIOGETOWN		_RUMP_IOR('f', 123, int)
#define RUMP_FIOGETBMAP		_RUMP_IOWR('f', 122, int64_t)
#define RUMP_FIONWRITE		_RUMP_IOR('f', 121, int)
#define RUMP_FIONSPACE		_RUMP_IOR('f', 120, int)

/* --- sockets --- */

#define RUMP_SIOCATMARK		_RUMP_IOR('s', 7, int)
#define RUMP_SIOCSPGRP		_RUMP_IOW('s', 8, int)
#define RUMP_SIOCGPGRP		_RUMP_IOR('s', 9, int)

/* --- kqueues --- */

struct rump_kfilter_mapping {
	char *name;
	size_t len;			/* of name, for BYFILTER */
	uint32_t filter;		/* RUMP_EVFILT_* */
	uint32_t rump_pad;		/* ours: keeps the padding defined */
};

#define RUMP_KFILTER_BYFILTER	_RUMP_IOWR('k', 0, struct rump_kfilter_mapping)
#define RUMP_KFILTER_BYNAME	_RUMP_IOWR('k', 1, struct rump_kfilter_mapping)

/* --- terminals --- */

struct rump_winsize {
	uint16_t ws_row;
	uint16_t ws_col;
	uint16_t ws_xpixel;
	uint16_t ws_ypixel;
};

#define RUMP_NCCS		20

struct rump_termios {
	uint32_t c_iflag;
	uint32_t c_oflag;
	uint32_t c_cflag;
	uint32_t c_lflag;
	uint8_t c_cc[RUMP_NCCS];
	int32_t c_ispeed;		/* bits a second, not codes */
	int32_t c_ospeed;
};

typedef char rump_linedn_t[32];

struct rump_ptmget {
	int32_t cfd;
	int32_t sfd;
	char cn[1024];
	char sn[1024];
};

#define RUMP_TIOCEXCL		_RUMP_IO('t', 13)
#define RUMP_TIOCNXCL		_RUMP_IO('t', 14)
#define RUMP_TIOCFLUSH		_RUMP_IOW('t', 16, int)
#define RUMP_TIOCGETA		_RUMP_IOR('t', 19, struct rump_termios)
#define RUMP_TIOCSETA		_RUMP_IOW('t', 20, struct rump_termios)
#define RUMP_TIOCSETAW		_RUMP_IOW('t', 21, struct rump_termios)
#define RUMP_TIOCSETAF		_RUMP_IOW('t', 22, struct rump_termios)
#define RUMP_TIOCGETD		_RUMP_IOR('t', 26, int)
#define RUMP_TIOCSETD		_RUMP_IOW('t', 27, int)
#define RUMP_TIOCGLINED		_RUMP_IOR('t', 66, rump_linedn_t)
#define RUMP_TIOCSLINED		_RUMP_IOW('t', 67, rump_linedn_t)
#define RUMP_TIOCPTMGET		_RUMP_IOR('t', 70, struct rump_ptmget)
#define RUMP_TIOCGRANTPT	_RUMP_IO('t', 71)
#define RUMP_TIOCPTSNAME	_RUMP_IOR('t', 72, struct rump_ptmget)
#define RUMP_TIOCDCDTIMESTAMP	_RUMP_IOR('t', 88, struct rump_timeval)
#define RUMP_TIOCSFLAGS		_RUMP_IOW('t', 92, int)
#define RUMP_TIOCGFLAGS		_RUMP_IOR('t', 93, int)
#define RUMP_TIOCDRAIN		_RUMP_IO('t', 94)
#define RUMP_TIOCSIG		_RUMP_IO('t', 95)
#define RUMP_TIOCEXT		_RUMP_IOW('t', 96, int)
#define RUMP_TIOCSCTTY		_RUMP_IO('t', 97)
#define RUMP_TIOCCONS		_RUMP_IOW('t', 98, int)
#define RUMP_TIOCGSID		_RUMP_IOR('t', 99, int)
#define RUMP_TIOCSTAT		_RUMP_IOW('t', 101, int)
#define RUMP_TIOCUCNTL		_RUMP_IOW('t', 102, int)
#define RUMP_TIOCSWINSZ		_RUMP_IOW('t', 103, struct rump_winsize)
#define RUMP_TIOCGWINSZ		_RUMP_IOR('t', 104, struct rump_winsize)
#define RUMP_TIOCREMOTE		_RUMP_IOW('t', 105, int)
#define RUMP_TIOCMGET		_RUMP_IOR('t', 106, int)
#define RUMP_TIOCMBIC		_RUMP_IOW('t', 107, int)
#define RUMP_TIOCMBIS		_RUMP_IOW('t', 108, int)
#define RUMP_TIOCMSET		_RUMP_IOW('t', 109, int)
#define RUMP_TIOCSTART		_RUMP_IO('t', 110)
#define RUMP_TIOCSTOP		_RUMP_IO('t', 111)
#define RUMP_TIOCPKT		_RUMP_IOW('t', 112, int)
#define RUMP_TIOCNOTTY		_RUMP_IO('t', 113)
#define RUMP_TIOCSTI		_RUMP_IOW('t', 114, char)
#define RUMP_TIOCOUTQ		_RUMP_IOR('t', 115, int)
#define RUMP_TIOCSPGRP		_RUMP_IOW('t', 118, int)
#define RUMP_TIOCGPGRP		_RUMP_IOR('t', 119, int)
#define RUMP_TIOCCDTR		_RUMP_IO('t', 120)
#define RUMP_TIOCSDTR		_RUMP_IO('t', 121)
#define RUMP_TIOCCBRK		_RUMP_IO('t', 122)
#define RUMP_TIOCSBRK		_RUMP_IO('t', 123)
#define RUMP_TIOCSQSIZE		_RUMP_IOW('t', 128, int)
#define RUMP_TIOCGQSIZE		_RUMP_IOR('t', 129, int)

#define RUMP_TIOCM_LE		0001
#define RUMP_TIOCM_DTR		0002
#define RUMP_TIOCM_RTS		0004
#define RUMP_TIOCM_ST		0010
#define RUMP_TIOCM_SR		0020
#define RUMP_TIOCM_CTS		0040
#define RUMP_TIOCM_CAR		0100
#define RUMP_TIOCM_CD		RUMP_TIOCM_CAR
#define RUMP_TIOCM_RNG		0200
#define RUMP_TIOCM_RI		RUMP_TIOCM_RNG
#define RUMP_TIOCM_DSR		0400

/* c_cc */
#define RUMP_VEOF		0
#define RUMP_VEOL		1
#define RUMP_VEOL2		2
#define RUMP_VERASE		3
#define RUMP_VWERASE		4
#define RUMP_VKILL		5
#define RUMP_VREPRINT		6
#define RUMP_VINTR		8
#define RUMP_VQUIT		9
#define RUMP_VSUSP		10
#define RUMP_VDSUSP		11
#define RUMP_VSTART		12
#define RUMP_VSTOP		13
#define RUMP_VLNEXT		14
#define RUMP_VDISCARD		15
#define RUMP_VMIN		16
#define RUMP_VTIME		17
#define RUMP_VSTATUS		18
#define RUMP__POSIX_VDISABLE	0xff

/* c_iflag */
#define RUMP_IGNBRK		0x00000001u
#define RUMP_BRKINT		0x00000002u
#define RUMP_IGNPAR		0x00000004u
#define RUMP_PARMRK		0x00000008u
#define RUMP_INPCK		0x00000010u
#define RUMP_ISTRIP		0x00000020u
#define RUMP_INLCR		0x00000040u
#define RUMP_IGNCR		0x00000080u
#define RUMP_ICRNL		0x00000100u
#define RUMP_IXON		0x00000200u
#define RUMP_IXOFF		0x00000400u
#define RUMP_IXANY		0x00000800u
#define RUMP_IMAXBEL		0x00002000u

/* c_oflag */
#define RUMP_OPOST		0x00000001u
#define RUMP_ONLCR		0x00000002u
#define RUMP_OXTABS		0x00000004u
#define RUMP_ONOEOT		0x00000008u
#define RUMP_OCRNL		0x00000010u
#define RUMP_ONOCR		0x00000020u
#define RUMP_ONLRET		0x00000040u

/* c_cflag */
#define RUMP_CIGNORE		0x00000001u
#define RUMP_CSIZE		0x00000300u
#define RUMP_CS5		0x00000000u
#define RUMP_CS6		0x00000100u
#define RUMP_CS7		0x00000200u
#define RUMP_CS8		0x00000300u
#define RUMP_CSTOPB		0x00000400u
#define RUMP_CREAD		0x00000800u
#define RUMP_PARENB		0x00001000u
#define RUMP_PARODD		0x00002000u
#define RUMP_HUPCL		0x00004000u
#define RUMP_CLOCAL		0x00008000u
#define RUMP_CRTSCTS		0x00010000u
#define RUMP_CDTRCTS		0x00020000u
#define RUMP_MDMBUF		0x00100000u

/* c_lflag */
#define RUMP_ECHOKE		0x00000001u
#define RUMP_ECHOE		0x00000002u
#define RUMP_ECHOK		0x00000004u
#define RUMP_ECHO		0x00000008u
#define RUMP_ECHONL		0x00000010u
#define RUMP_ECHOPRT		0x00000020u
#define RUMP_ECHOCTL		0x00000040u
#define RUMP_ISIG		0x00000080u
#define RUMP_ICANON		0x00000100u
#define RUMP_ALTWERASE		0x00000200u
#define RUMP_IEXTEN		0x00000400u
#define RUMP_EXTPROC		0x00000800u
#define RUMP_TOSTOP		0x00400000u
#define RUMP_FLUSHO		0x00800000u
#define RUMP_NOKERNINFO		0x02000000u
#define RUMP_PENDIN		0x20000000u
#define RUMP_NOFLSH		0x80000000u

#endif
