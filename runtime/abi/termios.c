/* Terminal modes. */
#include <string.h>
#include <termios.h>

#include <rump/rumpconv.h>

#include "abi/table.h"

static const struct abi_pair input[] = {
	{ RUMP_IGNBRK, IGNBRK }, { RUMP_BRKINT, BRKINT },
	{ RUMP_IGNPAR, IGNPAR }, { RUMP_PARMRK, PARMRK },
	{ RUMP_INPCK, INPCK }, { RUMP_ISTRIP, ISTRIP },
	{ RUMP_INLCR, INLCR }, { RUMP_IGNCR, IGNCR },
	{ RUMP_ICRNL, ICRNL }, { RUMP_IXON, IXON },
	{ RUMP_IXOFF, IXOFF }, { RUMP_IXANY, IXANY },
	{ RUMP_IMAXBEL, IMAXBEL },
};

static const struct abi_pair output[] = {
	{ RUMP_OPOST, OPOST }, { RUMP_ONLCR, ONLCR },
	{ RUMP_OXTABS, XTABS }, { RUMP_OCRNL, OCRNL },
	{ RUMP_ONOCR, ONOCR }, { RUMP_ONLRET, ONLRET },
};

static const struct abi_pair control[] = {
	{ RUMP_CS8, CS8 }, { RUMP_CS7, CS7 }, { RUMP_CS6, CS6 },
	{ RUMP_CSTOPB, CSTOPB }, { RUMP_CREAD, CREAD },
	{ RUMP_PARENB, PARENB }, { RUMP_PARODD, PARODD },
	{ RUMP_HUPCL, HUPCL }, { RUMP_CLOCAL, CLOCAL },
	{ RUMP_CRTSCTS, (int)CRTSCTS },
};

static const struct abi_pair local[] = {
	{ RUMP_ECHOKE, ECHOKE }, { RUMP_ECHOE, ECHOE },
	{ RUMP_ECHOK, ECHOK }, { RUMP_ECHO, ECHO },
	{ RUMP_ECHONL, ECHONL }, { RUMP_ECHOPRT, ECHOPRT },
	{ RUMP_ECHOCTL, ECHOCTL }, { RUMP_ISIG, ISIG },
	{ RUMP_ICANON, ICANON }, { RUMP_IEXTEN, IEXTEN },
	{ RUMP_EXTPROC, EXTPROC }, { RUMP_TOSTOP, TOSTOP },
	{ RUMP_FLUSHO, FLUSHO }, { RUMP_PENDIN, PENDIN },
	{ (int)RUMP_NOFLSH, NOFLSH },
};

static const struct abi_pair characters[] = {
	{ RUMP_VEOF, VEOF }, { RUMP_VEOL, VEOL }, { RUMP_VEOL2, VEOL2 },
	{ RUMP_VERASE, VERASE }, { RUMP_VWERASE, VWERASE },
	{ RUMP_VKILL, VKILL }, { RUMP_VREPRINT, VREPRINT },
	{ RUMP_VINTR, VINTR }, { RUMP_VQUIT, VQUIT },
	{ RUMP_VSUSP, VSUSP }, { RUMP_VSTART, VSTART },
	{ RUMP_VSTOP, VSTOP }, { RUMP_VLNEXT, VLNEXT },
	{ RUMP_VDISCARD, VDISCARD }, { RUMP_VMIN, VMIN },
	{ RUMP_VTIME, VTIME },
};

/* NetBSD has bits a second, the host codes. */
static const struct abi_pair speeds[] = {
	{ 0, B0 }, { 50, B50 }, { 75, B75 }, { 110, B110 }, { 134, B134 },
	{ 150, B150 }, { 200, B200 }, { 300, B300 }, { 600, B600 },
	{ 1200, B1200 }, { 1800, B1800 }, { 2400, B2400 }, { 4800, B4800 },
	{ 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 },
	{ 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
	{ 460800, B460800 }, { 921600, B921600 },
};

static tcflag_t
to_host(const struct abi_pair *t, size_t n, uint32_t nb)
{
	int rest;

	return (tcflag_t)abi_bits_to_host(t, n, (int)nb, &rest);
}

static uint32_t
from_host(const struct abi_pair *t, size_t n, tcflag_t host)
{
	int rest;

	return (uint32_t)abi_bits_from_host(t, n, (int)host, &rest);
}

static speed_t
speed_to_host(int32_t nb)
{
	int host;

	return abi_to_host(speeds, ABI_COUNT(speeds), nb, &host) ?
	    (speed_t)host : B38400;
}

static int32_t
speed_from_host(speed_t host)
{
	int nb;

	return abi_from_host(speeds, ABI_COUNT(speeds), (int)host, &nb) ?
	    nb : 38400;
}

/* NUL disables a character on Linux, 0xff on NetBSD; not VMIN and VTIME. */
static bool
is_count(int nb)
{

	return nb == RUMP_VMIN || nb == RUMP_VTIME;
}

void
rump_conv_termios_to_host(const struct rump_termios *nb, struct termios *host)
{
	uint8_t c;
	size_t i;

	memset(host, 0, sizeof(*host));
	host->c_iflag = to_host(input, ABI_COUNT(input), nb->c_iflag);
	host->c_oflag = to_host(output, ABI_COUNT(output), nb->c_oflag);
	host->c_cflag = to_host(control, ABI_COUNT(control), nb->c_cflag);
	host->c_lflag = to_host(local, ABI_COUNT(local), nb->c_lflag);
	for (i = 0; i < ABI_COUNT(characters); i++) {
		c = nb->c_cc[characters[i].nb];
		if (!is_count(characters[i].nb) && c == RUMP__POSIX_VDISABLE)
			c = _POSIX_VDISABLE;
		host->c_cc[characters[i].host] = c;
	}
	cfsetispeed(host, speed_to_host(nb->c_ispeed));
	cfsetospeed(host, speed_to_host(nb->c_ospeed));
}

void
rump_conv_termios_from_host(const struct termios *host,
    struct rump_termios *nb)
{
	uint8_t c;
	size_t i;

	memset(nb, 0, sizeof(*nb));
	nb->c_iflag = from_host(input, ABI_COUNT(input), host->c_iflag);
	nb->c_oflag = from_host(output, ABI_COUNT(output), host->c_oflag);
	nb->c_cflag = from_host(control, ABI_COUNT(control), host->c_cflag);
	nb->c_lflag = from_host(local, ABI_COUNT(local), host->c_lflag);
	memset(nb->c_cc, RUMP__POSIX_VDISABLE, sizeof(nb->c_cc));
	for (i = 0; i < ABI_COUNT(characters); i++) {
		c = host->c_cc[characters[i].host];
		if (!is_count(characters[i].nb) && c == _POSIX_VDISABLE)
			c = RUMP__POSIX_VDISABLE;
		nb->c_cc[characters[i].nb] = c;
	}
	nb->c_ispeed = speed_from_host(cfgetispeed(host));
	nb->c_ospeed = speed_from_host(cfgetospeed(host));
}
