/*
 * Printing what an argument points at.
 */
#ifndef RUMPGEN_TRACE_VALUE_H
#define RUMPGEN_TRACE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/line.h"
#include "trace/sysdesc.h"

/* A call that is over. */
struct trace_call {
	const struct sysdesc *desc;
	const uint64_t *args;
	size_t nargs;
	int64_t result;		/* retval[0] */
	bool failed;
};

/* Appends one argument. */
void trace_put_arg(struct trace_line *, const struct trace_call *, size_t arg);

/* Bytes of a string or buffer that are shown, elements of an array. */
enum { TRACE_SHOW_BYTES = 32, TRACE_SHOW_ELEMENTS = 4 };

#endif
