/*
 * Names of values, by set: what _Flags_(set) and _Enum_(set) in the list of
 * calls refer to.  Pure; async-signal-safe.
 */
#ifndef RUMPGEN_TRACE_NAMES_H
#define RUMPGEN_TRACE_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/line.h"

struct trace_name {
	uint64_t value;
	const char *name;
};

/*
 * The bits of `field` hold one value, which has one name; every other bit is
 * a flag.  So an enumeration has all bits in its field, a set of flags
 * usually none, and open's flags the access mode.
 */
struct trace_set {
	const char *name;
	uint64_t field;
	const struct trace_name *values;
	size_t n;
};

/* NULL when there is no set of that name. */
const struct trace_set *trace_set_find(const char *name);

/*
 * Appends the names of a value, joined by |.  What has no name goes in
 * hexadecimal (in decimal when it is a whole small enumeration value).
 */
void trace_set_put(struct trace_line *, const struct trace_set *, uint64_t);

/* All sets, for the tests; ends with a name of NULL. */
extern const struct trace_set trace_sets[];

#endif
