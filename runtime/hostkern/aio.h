/*
 * Asynchronous I/O.
 */
#ifndef RUMPGEN_HOSTKERN_AIO_H
#define RUMPGEN_HOSTKERN_AIO_H

#include "hostkern/kern.h"

/* Each process's operations. */
extern const struct kern_module aio_module;

#endif
