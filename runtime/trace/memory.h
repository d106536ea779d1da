/*
 * Looking at memory that may not be there.
 */
#ifndef RUMPGEN_TRACE_MEMORY_H
#define RUMPGEN_TRACE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies up to len bytes from our own memory at addr and returns how many
 * could be: less than len where a page is missing, 0 where nothing is.  Never
 * faults.  Async-signal-safe; may change errno.
 */
size_t trace_peek(uint64_t addr, void *to, size_t len);

#endif
