/*
 * The program's own memory at addresses that somebody else named.
 *
 * Nothing here faults: an address that is not mapped, or not for that, is
 * EFAULT.  process_vm_readv(2) and process_vm_writev(2) on oneself, or a pipe
 * where those are forbidden.  Thread-safe and async-signal-safe.
 */
#ifndef RUMPGEN_CLIENT_USERMEM_H
#define RUMPGEN_CLIENT_USERMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies len bytes.  Returns 0 or EFAULT; after EFAULT the destination may
 * have been written in part. */
int usermem_read(void *dst, uint64_t src, size_t len);
int usermem_write(uint64_t dst, const void *src, size_t len);

/* Whether all of it can be read.  Costs one system call for about a thousand
 * pages. */
bool usermem_readable(uint64_t addr, size_t len);

/*
 * Length of the string at addr with its NUL, or max when there is none in max
 * bytes.  Reads page by page and no page after the NUL's.  The first
 * `room` bytes of it are left in buf.  Returns 0 or EFAULT.
 */
int usermem_strlen(uint64_t addr, size_t max, char *buf, size_t room,
    size_t *len);

#endif
