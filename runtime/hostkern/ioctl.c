/*
 * ioctl: what every descriptor has, and terminals.
 */
#include <sys/ioctl.h>

#include <errno.h>
#include <fcntl.h>
#include <termios.h>

#include <rump/rump_handlers.h>
#include <rump/rump_syscallargs.h>
#include <rump/rumpconv.h>

#include "hostkern/async.h"
#include "hostkern/fdcalls.h"

static int
copyin_int(struct lwp *l, rump_uaddr_t data, int *value)
{

	return rumpserver_copyin(l, data, value, sizeof(*value));
}

static int
copyout_int(struct lwp *l, rump_uaddr_t data, int value)
{

	return rumpserver_copyout(l, &value, data, sizeof(value));
}

/* FIONBIO and FIOASYNC: a flag of the open file. */
static int
set_flag(struct lwp *l, struct file *f, int flag, rump_uaddr_t data)
{
	int error, on;

	error = copyin_int(l, data, &on);
	if (error == 0)
		file_setfl(f, flag, on != 0 ? flag : 0);
	return error;
}

static bool
is_writing_end(const struct file *f)
{

	return f->type == FILE_PIPE &&
	    (atomic_load(&f->flags) & RUMP_O_ACCMODE) == RUMP_O_WRONLY;
}

/* How much there is to read. */
static int
get_count(struct lwp *l, struct file *f, rump_uaddr_t data)
{
	int n = 0;

	if (f->type == FILE_KQUEUE)
		return RUMP_ENOTTY;
	/* The host's pipe says it at both ends. */
	if (f->type != FILE_CONSOLE && !is_writing_end(f) &&
	    ioctl(f->hfd, FIONREAD, &n) != 0)
		return kern_errno();
	return copyout_int(l, data, n);
}

/* What was written into a pipe and not read yet, or how much more fits. */
static int
get_written(struct lwp *l, struct file *f, bool space, rump_uaddr_t data)
{
	int n = 0, size;

	if (f->type != FILE_PIPE)
		return RUMP_EPASSTHROUGH;
	if (is_writing_end(f)) {
		size = fcntl(f->hfd, F_GETPIPE_SZ);
		if (size == -1 || ioctl(f->hfd, FIONREAD, &n) != 0)
			return kern_errno();
		if (space)
			n = size - n;
	}
	return copyout_int(l, data, n);
}

static int
ioctl_file(struct lwp *l, struct file *f, unsigned long com,
    rump_uaddr_t data)
{
	int error, owner;

	switch (com) {
	case RUMP_FIONBIO:
		return set_flag(l, f, RUMP_O_NONBLOCK, data);
	case RUMP_FIOASYNC:
		return set_flag(l, f, RUMP_O_ASYNC, data);
	case RUMP_FIONREAD:
		return get_count(l, f, data);
	case RUMP_FIONWRITE:
	case RUMP_FIONSPACE:
		return get_written(l, f, com == RUMP_FIONSPACE, data);
	case RUMP_FIOSETOWN:
		if (f->type == FILE_VNODE)
			return RUMP_ENOTTY;
		error = copyin_int(l, data, &owner);
		return error != 0 ? error :
		    async_setowner(kern_proc(l), f, owner);
	case RUMP_FIOGETOWN:
		if (f->type == FILE_VNODE)
			return RUMP_ENOTTY;
		return copyout_int(l, data, async_getowner(f));
	default:
		return RUMP_EPASSTHROUGH;
	}
}

/* --- terminals: the console, where it is one --- */

static bool
is_terminal(const struct file *f)
{

	return f->type == FILE_CONSOLE && f->hk->console_tty;
}

static int
get_winsize(struct lwp *l, struct file *f, rump_uaddr_t data)
{
	struct rump_winsize nb;
	struct winsize ws;

	if (ioctl(f->hfd, TIOCGWINSZ, &ws) != 0)
		return kern_errno();
	nb = (struct rump_winsize){ .ws_row = ws.ws_row, .ws_col = ws.ws_col,
	    .ws_xpixel = ws.ws_xpixel, .ws_ypixel = ws.ws_ypixel };
	return rumpserver_copyout(l, &nb, data, sizeof(nb));
}

static int
set_winsize(struct lwp *l, struct file *f, rump_uaddr_t data)
{
	struct rump_winsize nb;
	struct winsize ws;
	int error;

	error = rumpserver_copyin(l, data, &nb, sizeof(nb));
	if (error != 0)
		return error;
	ws = (struct winsize){ .ws_row = nb.ws_row, .ws_col = nb.ws_col,
	    .ws_xpixel = nb.ws_xpixel, .ws_ypixel = nb.ws_ypixel };
	return ioctl(f->hfd, TIOCSWINSZ, &ws) != 0 ? kern_errno() : 0;
}

static int
get_termios(struct lwp *l, struct file *f, rump_uaddr_t data)
{
	struct rump_termios nb;
	struct termios host;

	if (tcgetattr(f->hfd, &host) != 0)
		return kern_errno();
	rump_conv_termios_from_host(&host, &nb);
	return rumpserver_copyout(l, &nb, data, sizeof(nb));
}

/*
 * The terminal belongs to whoever started the server, so a guest may look at
 * its modes but not change them.
 */
static int
ioctl_terminal(struct lwp *l, struct file *f, unsigned long com,
    rump_uaddr_t data)
{

	if (!is_terminal(f))
		return RUMP_ENOTTY;
	switch (com) {
	case RUMP_TIOCGWINSZ:
		return get_winsize(l, f, data);
	case RUMP_TIOCSWINSZ:
		return set_winsize(l, f, data);
	case RUMP_TIOCGETA:
		return get_termios(l, f, data);
	case RUMP_TIOCSETA:
	case RUMP_TIOCSETAW:
	case RUMP_TIOCSETAF:
		return RUMP_EPERM;
	default:
		return RUMP_ENOTTY;
	}
}

/* @partial sys_ioctl: FIONBIO, FIOASYNC, FIOSETOWN, FIOGETOWN, FIONREAD, for pipes FIONWRITE and FIONSPACE, FIOCLEX, FIONCLEX, of sockets FIONWRITE, FIONSPACE, SIOCSPGRP, SIOCGPGRP and SIOCATMARK, of kqueues KFILTER_BYFILTER and KFILTER_BYNAME, and, on the console, its size and, to look at, its modes; ENOTTY for others */
int
sys_ioctl(struct lwp *l, const struct sys_ioctl_args *uap, register_t *retval)
{
	struct kproc *p = kern_proc(l);
	unsigned long com = uap->com;
	struct file *f;
	int error;

	if (com == RUMP_FIOCLEX || com == RUMP_FIONCLEX)
		return fd_setcloexec(p, uap->fd, com == RUMP_FIOCLEX);
	error = fd_get(p, uap->fd, &f);
	if (error != 0)
		return error;
	error = RUMP_EPASSTHROUGH;
	if (f->ops != NULL && f->ops->ioctl != NULL)
		error = f->ops->ioctl(l, f, com, uap->data, retval);
	if (error == RUMP_EPASSTHROUGH)
		error = ioctl_file(l, f, com, uap->data);
	if (error == RUMP_EPASSTHROUGH)
		error = ioctl_terminal(l, f, com, uap->data);
	file_put(f);
	return error;
}
