/*
 * What <rump/rump_syscalls.h> needs from the host: the types its declarations
 * use, and __RENAME, which gives a declaration the symbol it stands for.
 */
#ifndef RUMP_RUMP_SYSCALLS_COMPAT_H
#define RUMP_RUMP_SYSCALLS_COMPAT_H

#include <sys/types.h>
#include <sys/select.h>
#include <sys/socket.h>

#include <signal.h>
#include <stdint.h>
#include <time.h>

#ifdef __NetBSD__

#include <sys/cdefs.h>
#include <sys/param.h>

/* Hosts from before the 64-bit time_t: their structures are the old ones. */
#if !__NetBSD_Prereq__(5,99,7)
#define RUMP_SYS_RENAME_STAT	rump___sysimpl_stat30
#define RUMP_SYS_RENAME_FSTAT	rump___sysimpl_fstat30
#define RUMP_SYS_RENAME_LSTAT	rump___sysimpl_lstat30
#define RUMP_SYS_RENAME_FHSTAT	rump___sysimpl_fhstat40
#define RUMP_SYS_RENAME_MKNOD	rump___sysimpl_mknod
#define RUMP_SYS_RENAME_UTIMES	rump___sysimpl_utimes
#define RUMP_SYS_RENAME_FUTIMES	rump___sysimpl_futimes
#define RUMP_SYS_RENAME_LUTIMES	rump___sysimpl_lutimes
#define RUMP_SYS_RENAME_SELECT	rump___sysimpl_select
#define RUMP_SYS_RENAME_PSELECT	rump___sysimpl_pselect
#define RUMP_SYS_RENAME_POLLTS	rump___sysimpl_pollts
#define RUMP_SYS_RENAME_KEVENT	rump___sysimpl_kevent
#endif

#else /* !__NetBSD__ */

/* NetBSD's types that other hosts have not, or not in strict C. */
typedef unsigned int u_int;
typedef unsigned long u_long;
typedef int32_t lwpid_t;
typedef int psetid_t;
typedef unsigned long cpuid_t;
struct _cpuset;
typedef struct _cpuset cpuset_t;

#ifndef __RENAME
#define RUMP_SYMBOL(x)	#x
#ifdef __ELF__
#define __RENAME(x)	__asm(RUMP_SYMBOL(x))
#else
#define __RENAME(x)	__asm("_" RUMP_SYMBOL(x))
#endif
#endif

#endif /* __NetBSD__ */

#endif
