/*
 * One line of a trace, composed in a fixed buffer.  What does not fit is
 * dropped, so nothing here fails.  Async-signal-safe, no allocation.
 *
 * And how a line of whatever origin is written.
 */
#ifndef RUMPGEN_TRACE_LINE_H
#define RUMPGEN_TRACE_LINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * LINE_TAIL bytes are kept for the end of a line: however long the arguments,
 * the result is there.  Nothing longer than PIPE_BUF, so that writing one is
 * a single step also to a pipe.
 */
enum { TRACE_LINE_MAX = 2048, TRACE_LINE_TAIL = 192 };

struct trace_line {
	size_t len;
	size_t limit;		/* dropped from here on */
	char buf[TRACE_LINE_MAX];
};

void line_init(struct trace_line *);
/* The rest may use the tail; marks with "..." that something was dropped. */
void line_tail(struct trace_line *);

void line_char(struct trace_line *, char);
void line_str(struct trace_line *, const char *);
void line_int(struct trace_line *, int64_t);
void line_uint(struct trace_line *, uint64_t);
void line_hex(struct trace_line *, uint64_t);		/* with 0x; 0 is 0 */
void line_octal(struct trace_line *, uint64_t);		/* with 0 */
/* Exactly `digits` digits, zeros in front: a fraction. */
void line_padded(struct trace_line *, uint64_t, unsigned digits);
/* In quotes, what does not print escaped as in C. */
void line_quoted(struct trace_line *, const unsigned char *, size_t len);

/* write(2) of a message that may get lost: what goes wrong is forgotten, a
 * pipe that nobody reads included, which is not to end the program.  errno is
 * changed. */
void line_write(int fd, const char *line, size_t len);

#endif
