#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "trace/line.h"

void
line_init(struct trace_line *ln)
{

	ln->len = 0;
	ln->limit = TRACE_LINE_MAX - TRACE_LINE_TAIL;
}

void
line_tail(struct trace_line *ln)
{
	int full = ln->len == ln->limit;

	ln->limit = TRACE_LINE_MAX;
	if (full)
		line_str(ln, "...");
}

void
line_char(struct trace_line *ln, char c)
{

	if (ln->len < ln->limit)
		ln->buf[ln->len++] = c;
}

void
line_str(struct trace_line *ln, const char *s)
{

	while (*s != '\0')
		line_char(ln, *s++);
}

static void
number(struct trace_line *ln, uint64_t n, unsigned base, unsigned least)
{
	char digits[64];
	unsigned i = 0;

	do {
		digits[i++] = "0123456789abcdef"[n % base];
		n /= base;
	} while (n != 0 && i < sizeof(digits));
	while (i < least && i < sizeof(digits))
		digits[i++] = '0';
	while (i > 0)
		line_char(ln, digits[--i]);
}

void
line_uint(struct trace_line *ln, uint64_t n)
{

	number(ln, n, 10, 1);
}

void
line_int(struct trace_line *ln, int64_t n)
{

	if (n < 0) {
		line_char(ln, '-');
		number(ln, -(uint64_t)n, 10, 1);
	} else {
		number(ln, (uint64_t)n, 10, 1);
	}
}

void
line_hex(struct trace_line *ln, uint64_t n)
{

	if (n != 0)
		line_str(ln, "0x");
	number(ln, n, 16, 1);
}

void
line_octal(struct trace_line *ln, uint64_t n)
{

	if (n != 0)
		line_char(ln, '0');
	number(ln, n, 8, 1);
}

void
line_padded(struct trace_line *ln, uint64_t n, unsigned digits)
{

	number(ln, n, 10, digits);
}

/* As short as it can be: a digit after an octal escape needs all three. */
static void
escaped(struct trace_line *ln, unsigned char c, int digit_follows)
{
	static const char named[] = "\\\\\"\"\nn\tt\rr\vv\ff\aa\bb";
	size_t i;

	for (i = 0; i + 1 < sizeof(named); i += 2) {
		if (c == (unsigned char)named[i]) {
			line_char(ln, '\\');
			line_char(ln, named[i + 1]);
			return;
		}
	}
	if (c >= 0x20 && c < 0x7f) {
		line_char(ln, (char)c);
		return;
	}
	line_char(ln, '\\');
	number(ln, c, 8, digit_follows ? 3 : 1);
}

void
line_quoted(struct trace_line *ln, const unsigned char *s, size_t len)
{
	size_t i;

	line_char(ln, '"');
	for (i = 0; i < len; i++)
		escaped(ln, s[i], i + 1 < len && s[i + 1] >= '0' &&
		    s[i + 1] <= '9');
	line_char(ln, '"');
}

/* Takes the SIGPIPE of this thread's own write, which is blocked. */
static void
take_sigpipe(const sigset_t *pipe)
{
	static const struct timespec now;

	while (sigtimedwait(pipe, NULL, &now) == -1 && errno == EINTR)
		continue;
}

void
line_write(int fd, const char *line, size_t len)
{
	sigset_t pipe, mask, pending;
	ssize_t n;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe, &mask);
	sigpending(&pending);
	do
		n = write(fd, line, len);
	while (n == -1 && errno == EINTR);
	/* One that was there before is somebody else's. */
	if (n == -1 && errno == EPIPE && sigismember(&pending, SIGPIPE) == 0)
		take_sigpipe(&pipe);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}
