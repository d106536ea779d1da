/*
 * The parts of the kernel that keep something of their own for each process.
 */
#include <stddef.h>

#include "hostkern/kern.h"

const struct kern_module *const kern_modules[] = {
	NULL
};
