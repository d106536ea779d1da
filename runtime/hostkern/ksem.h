/*
 * POSIX semaphores.
 */
#ifndef RUMPGEN_HOSTKERN_KSEM_H
#define RUMPGEN_HOSTKERN_KSEM_H

#include "hostkern/kern.h"

/* The named semaphores of a server. */
extern const struct kern_module ksem_module;

#endif
