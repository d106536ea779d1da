/*
 * The parts of the kernel that keep something of their own for each process.
 */
#include <stddef.h>

#include "hostkern/aio.h"
#include "hostkern/async.h"
#include "hostkern/kern.h"
#include "hostkern/kqueue.h"
#include "hostkern/ksem.h"
#include "hostkern/ktime.h"
#include "hostkern/lock.h"
#include "hostkern/sock.h"
#include "hostkern/sysctl.h"

const struct kern_module *const kern_modules[] = {
	&kqueue_module,		/* told by others of signals */
	&time_module,
	&aio_module,
	&socket_module,		/* ends with files that are under way */
	&sysctl_module,
	&ksem_module,		/* the last to end: files need them */
	&backoff_module,
	&async_module,
	&lock_module,
	NULL
};
