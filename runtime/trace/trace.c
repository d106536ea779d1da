#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpconv.h>

#include "trace/sysdesc.h"
#include "trace/trace.h"
#include "trace/value.h"

/*
 * Where lines go.  `state` is written last by the one thread that opened, so
 * whoever sees ON sees the rest.  A program may close descriptors it did not
 * open: `dev` and `ino` tell whether fd is still ours, and the file is opened
 * anew when it is not (stderr if that is still what it was); `reopening` is
 * the lock of that, tried only, since a signal handler could wait for it for
 * ever.
 */
enum { UNKNOWN, BUSY, OFF, ON };
static atomic_int state = UNKNOWN;
static atomic_flag reopening = ATOMIC_FLAG_INIT;
static atomic_int fd = -1;
static atomic_ullong dev, ino;
static char path[PATH_MAX];		/* absolute; empty: stderr */

enum { FD_LOWEST = 64 };		/* out of the program's way */

/* Takes over `from`: -1 with errno set, else the descriptor to use. */
static int
settle(int from)
{
	int high;

	high = fcntl(from, F_DUPFD_CLOEXEC, FD_LOWEST);
	if (high == -1)
		high = fcntl(from, F_DUPFD_CLOEXEC, 3);
	return high;
}

static int
open_trace(void)
{
	struct stat st;
	int high, low;

	if (path[0] == '\0') {
		high = settle(STDERR_FILENO);
	} else {
		low = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
		    O_NOCTTY, 0666);
		if (low == -1)
			return -1;
		high = settle(low);
		close(low);
	}
	if (high == -1 || fstat(high, &st) == -1)
		return -1;
	dev = st.st_dev;
	ino = st.st_ino;
	return high;
}

/* An absolute name, so that a later chdir does not matter. */
static bool
remember(const char *name)
{
	size_t len = 0;

	if (strcmp(name, "stderr") == 0)
		return true;
	if (name[0] != '/') {
		if (getcwd(path, sizeof(path)) == NULL)
			return false;
		len = strlen(path);
		path[len++] = '/';
	}
	if (len + strlen(name) >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	strcpy(path + len, name);
	return true;
}

static void
complain(const char *name)
{
	struct trace_line ln;

	line_init(&ln);
	line_str(&ln, "rumpclient: RUMPCLIENT_TRACE: cannot open ");
	line_str(&ln, name);
	line_str(&ln, ": ");
	line_str(&ln,
	    rump_conv_errno_text(rump_conv_errno_from_host(errno)));
	line_str(&ln, "; calls are not traced\n");
	line_write(STDERR_FILENO, ln.buf, ln.len);
}

void
rump_trace_init(void)
{
	const char *name;
	int expected = UNKNOWN, new = OFF, saved = errno;

	if (!atomic_compare_exchange_strong(&state, &expected, BUSY))
		return;
	name = secure_getenv("RUMPCLIENT_TRACE");
	if (name != NULL && name[0] != '\0') {
		if (remember(name))
			atomic_store(&fd, open_trace());
		if (atomic_load(&fd) == -1)
			complain(name);
		else
			new = ON;
	}
	atomic_store(&state, new);
	errno = saved;
}

bool
rump_trace_enabled(void)
{

	return atomic_load_explicit(&state, memory_order_acquire) == ON;
}

static bool
still_ours(int at)
{
	struct stat st;

	return at != -1 && fstat(at, &st) == 0 && st.st_dev == dev &&
	    st.st_ino == ino;
}

/* The descriptor to write to, or -1: then the line is lost. */
static int
output(void)
{
	int at = atomic_load(&fd);

	if (still_ours(at))
		return at;
	if (path[0] == '\0' && !still_ours(STDERR_FILENO))
		return -1;
	if (atomic_flag_test_and_set(&reopening))
		return -1;
	at = open_trace();
	atomic_store(&fd, at);
	atomic_flag_clear(&reopening);
	return at;
}

static void
put_head(struct trace_line *ln)
{

	line_char(ln, '[');
	line_int(ln, getpid());
	line_char(ln, ' ');
	line_int(ln, syscall(SYS_gettid));
	line_str(ln, "] ");
}

static void
put_call(struct trace_line *ln, const struct trace_call *c)
{
	const char *sep = "";
	size_t i;

	line_str(ln, c->desc->name);
	line_char(ln, '(');
	for (i = 0; i < c->desc->narg && i < c->nargs; i++) {
		if (c->desc->args[i].kind == SYSDESC_PAD)
			continue;
		line_str(ln, sep);
		trace_put_arg(ln, c, i);
		sep = ", ";
	}
}

static void
put_unknown(struct trace_line *ln, int num, const uint64_t *args,
    size_t nargs)
{
	size_t i;

	line_str(ln, "syscall_");
	line_int(ln, num);
	line_char(ln, '(');
	for (i = 0; i < nargs && i < 10; i++) {
		if (i > 0)
			line_str(ln, ", ");
		line_hex(ln, args[i]);
	}
}

static void
put_errno(struct trace_line *ln, int error)
{

	line_char(ln, ' ');
	line_str(ln, rump_conv_errno_name(error));
	line_str(ln, " (");
	line_str(ln, rump_conv_errno_text(error));
	line_char(ln, ')');
}

/* A call whose result is an errno never fails otherwise. */
static void
put_errno_result(struct trace_line *ln, int result)
{

	line_int(ln, result);
	if (result != 0)
		put_errno(ln, result);
}

static void
put_result(struct trace_line *ln, const struct sysdesc *desc,
    const register_t retval[2], int error)
{

	line_str(ln, ") = ");
	if (desc != NULL && desc->returns_errno) {
		put_errno_result(ln, error != 0 ? error : (int)retval[0]);
		return;
	}
	if (error != 0) {
		line_str(ln, "-1");
		put_errno(ln, error);
		return;
	}
	switch (desc != NULL ? desc->retkind : SYSDESC_INT) {
	case SYSDESC_OCTAL:
		line_octal(ln, (uint64_t)retval[0]);
		break;
	case SYSDESC_HEX:
	case SYSDESC_PTR:
		line_hex(ln, (uint64_t)retval[0]);
		break;
	case SYSDESC_UINT:
		line_uint(ln, (uint64_t)retval[0]);
		break;
	default:
		line_int(ln, retval[0]);
		break;
	}
	if (retval[1] != 0) {
		line_str(ln, " [");
		line_int(ln, retval[1]);
		line_char(ln, ']');
	}
}

static void
put_time(struct trace_line *ln, uint64_t ns)
{

	line_str(ln, " <");
	line_uint(ln, ns / 1000000000);
	line_char(ln, '.');
	line_padded(ln, ns % 1000000000 / 1000, 6);
	line_str(ln, ">\n");
}

void
rump_trace_call(int num, const uint64_t *args, size_t nargs,
    const register_t retval[2], int error, uint64_t elapsed_ns)
{
	struct trace_line ln;
	struct trace_call c = { .args = args, .nargs = nargs };
	int at, saved = errno;

	if (!rump_trace_enabled())
		return;
	if (num >= 0 && (unsigned)num < rump_nsysdesc &&
	    rump_sysdesc[num].name != NULL)
		c.desc = &rump_sysdesc[num];
	c.result = retval[0];
	c.failed = error != 0;
	line_init(&ln);
	put_head(&ln);
	if (c.desc != NULL)
		put_call(&ln, &c);
	else
		put_unknown(&ln, num, args, nargs);
	line_tail(&ln);
	put_result(&ln, c.desc, retval, error);
	put_time(&ln, elapsed_ns);
	at = output();
	/* Whatever goes wrong here, the call has been made. */
	if (at != -1)
		line_write(at, ln.buf, ln.len);
	errno = saved;
}
