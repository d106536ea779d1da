/*
 * The few types that generated code and both halves of the runtime share.
 */
#ifndef RUMP_RUMP_TYPES_H
#define RUMP_RUMP_TYPES_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

/*
 * An address in the client's memory.  Deliberately an integer: a server has
 * no business dereferencing it; copyin and copyout take it.
 */
typedef uint64_t rump_uaddr_t;

/*
 * One argument slot: on the wire every syscall argument takes 8 bytes, a
 * narrower value sits in the low ones.  Each member of an argument structure
 * is aligned so that the structure is the wire image itself.
 */
#ifdef __cplusplus
#define RUMP_ARG	alignas(8)
#else
#define RUMP_ARG	_Alignas(8)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "rump_sp argument slots are little-endian; this host is not"
#endif

#endif
