/*
 * NetBSD's constants and structures under rump names: what the calls of
 * <rump/rump_syscalls.h> take and give, whatever the host calls it.
 *
 * Values and layouts are those of NetBSD/amd64 7.99.34.  A constant X of
 * NetBSD is RUMP_X here, a structure x is struct rump_x; its members have
 * NetBSD's names.  A member rump_pad is ours and names padding, so that
 * nothing undefined crosses the wire.  Structures hold real pointers: they are
 * what a client fills in.  The host's own structures and numbers convert with
 * <rump/rumpconv.h>.  Three members could not keep their names, which are macros
 * in the host's headers: sigev_function, sigev_attributes and s6_bytes.
 *
 * Usable from C99 and from C++.
 */
#ifndef RUMP_RUMPDEFS_H
#define RUMP_RUMPDEFS_H

#include <rump/rumpdefs_errno.h>
#include <rump/rumpdefs_time.h>
#include <rump/rumpdefs_signal.h>
#include <rump/rumpdefs_file.h>
#include <rump/rumpdefs_socket.h>
#include <rump/rumpdefs_ready.h>
#include <rump/rumpdefs_ioctl.h>
#include <rump/rumpdefs_system.h>

#endif
