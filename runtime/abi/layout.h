/*
 * NetBSD/amd64's sizes and offsets, stated as numbers and compared with what
 * the compiler made of <rump/rumpdefs.h>.  Including this file is the check;
 * it declares nothing.  C and C++.
 */
#ifndef RUMPGEN_ABI_LAYOUT_H
#define RUMPGEN_ABI_LAYOUT_H

#include <stddef.h>

#include <rump/rumpdefs.h>

#ifdef __cplusplus
#define LAYOUT_ASSERT(e, what)	static_assert(e, what)
#else
#define LAYOUT_ASSERT(e, what)	_Static_assert(e, what)
#endif
#define SIZE(s, n)	LAYOUT_ASSERT(sizeof(struct s) == (n), "size of " #s)
#define AT(s, m, n)	LAYOUT_ASSERT(offsetof(struct s, m) == (n), \
			    "offset of " #s "." #m)

SIZE(rump_timespec, 16); AT(rump_timespec, tv_nsec, 8);
SIZE(rump_timeval, 16); AT(rump_timeval, tv_usec, 8);
SIZE(rump_timespec50, 16); AT(rump_timespec50, tv_nsec, 8);
SIZE(rump_timeval50, 16); AT(rump_timeval50, tv_usec, 8);
SIZE(rump_itimerval, 32); AT(rump_itimerval, it_value, 16);
SIZE(rump_itimerspec, 32); AT(rump_itimerspec, it_value, 16);
SIZE(rump_timezone, 8);

SIZE(rump_sigset, 16);
SIZE(rump_sigevent, 32);
AT(rump_sigevent, sigev_signo, 4);
AT(rump_sigevent, sigev_value, 8);
AT(rump_sigevent, sigev_function, 16);
AT(rump_sigevent, sigev_attributes, 24);

SIZE(rump_flock, 24);
AT(rump_flock, l_len, 8);
AT(rump_flock, l_pid, 16);
AT(rump_flock, l_type, 20);
AT(rump_flock, l_whence, 22);
SIZE(rump_iovec, 16); AT(rump_iovec, iov_len, 8);

SIZE(rump_stat, 152);
AT(rump_stat, st_dev, 0);
AT(rump_stat, st_mode, 8);
AT(rump_stat, st_ino, 16);
AT(rump_stat, st_nlink, 24);
AT(rump_stat, st_uid, 28);
AT(rump_stat, st_gid, 32);
AT(rump_stat, st_rdev, 40);
AT(rump_stat, st_atim, 48);
AT(rump_stat, st_mtim, 64);
AT(rump_stat, st_ctim, 80);
AT(rump_stat, st_birthtim, 96);
AT(rump_stat, st_size, 112);
AT(rump_stat, st_blocks, 120);
AT(rump_stat, st_blksize, 128);
AT(rump_stat, st_flags, 132);
AT(rump_stat, st_gen, 136);
AT(rump_stat, st_spare, 140);

SIZE(rump_stat30, 136);
AT(rump_stat30, st_mode, 4);
AT(rump_stat30, st_ino, 8);
AT(rump_stat30, st_nlink, 16);
AT(rump_stat30, st_uid, 20);
AT(rump_stat30, st_gid, 24);
AT(rump_stat30, st_rdev, 28);
AT(rump_stat30, st_atimespec, 32);
AT(rump_stat30, st_mtimespec, 48);
AT(rump_stat30, st_ctimespec, 64);
AT(rump_stat30, st_birthtimespec, 80);
AT(rump_stat30, st_size, 96);
AT(rump_stat30, st_blocks, 104);
AT(rump_stat30, st_blksize, 112);
AT(rump_stat30, st_flags, 116);
AT(rump_stat30, st_gen, 120);
AT(rump_stat30, st_spare, 124);

SIZE(rump_dirent, 528);
AT(rump_dirent, d_reclen, 8);
AT(rump_dirent, d_namlen, 10);
AT(rump_dirent, d_type, 12);
AT(rump_dirent, d_name, 13);

SIZE(rump_fsid, 8);
SIZE(rump_statvfs, 2256);
AT(rump_statvfs, f_blocks, 32);
AT(rump_statvfs, f_files, 64);
AT(rump_statvfs, f_syncreads, 96);
AT(rump_statvfs, f_fsidx, 128);
AT(rump_statvfs, f_fsid, 136);
AT(rump_statvfs, f_namemax, 144);
AT(rump_statvfs, f_owner, 152);
AT(rump_statvfs, f_spare, 156);
AT(rump_statvfs, f_fstypename, 172);
AT(rump_statvfs, f_mntonname, 204);
AT(rump_statvfs, f_mntfromname, 1228);

SIZE(rump_aiocb, 88);
AT(rump_aiocb, aio_buf, 8);
AT(rump_aiocb, aio_nbytes, 16);
AT(rump_aiocb, aio_fildes, 24);
AT(rump_aiocb, aio_lio_opcode, 28);
AT(rump_aiocb, aio_reqprio, 32);
AT(rump_aiocb, aio_sigevent, 40);
AT(rump_aiocb, aio_state, 72);
AT(rump_aiocb, aio_errno, 76);
AT(rump_aiocb, aio_retval, 80);

SIZE(rump_sockaddr, 16); AT(rump_sockaddr, sa_data, 2);
SIZE(rump_sockaddr_storage, 128); AT(rump_sockaddr_storage, ss_align, 8);
SIZE(rump_sockaddr_un, 106); AT(rump_sockaddr_un, sun_path, 2);
SIZE(rump_in_addr, 4);
SIZE(rump_in6_addr, 16);
SIZE(rump_sockaddr_in, 16);
AT(rump_sockaddr_in, sin_family, 1);
AT(rump_sockaddr_in, sin_port, 2);
AT(rump_sockaddr_in, sin_addr, 4);
SIZE(rump_sockaddr_in6, 28);
AT(rump_sockaddr_in6, sin6_port, 2);
AT(rump_sockaddr_in6, sin6_flowinfo, 4);
AT(rump_sockaddr_in6, sin6_addr, 8);
AT(rump_sockaddr_in6, sin6_scope_id, 24);
SIZE(rump_linger, 8);
SIZE(rump_accept_filter_arg, 256);
SIZE(rump_unpcbid, 12);
SIZE(rump_ip_mreq, 8);
SIZE(rump_in_pktinfo, 8);
SIZE(rump_ipv6_mreq, 20);
SIZE(rump_in6_pktinfo, 20);

SIZE(rump_msghdr, 48);
AT(rump_msghdr, msg_namelen, 8);
AT(rump_msghdr, msg_iov, 16);
AT(rump_msghdr, msg_iovlen, 24);
AT(rump_msghdr, msg_control, 32);
AT(rump_msghdr, msg_controllen, 40);
AT(rump_msghdr, msg_flags, 44);
SIZE(rump_mmsghdr, 56); AT(rump_mmsghdr, msg_len, 48);
SIZE(rump_cmsghdr, 12);
SIZE(rump_sockcred, 28); AT(rump_sockcred, sc_uid, 4);
SIZE(rump_sockcred70, 24);

SIZE(rump_pollfd, 8); AT(rump_pollfd, events, 4); AT(rump_pollfd, revents, 6);
SIZE(rump_fd_set, 32);
SIZE(rump_kevent, 40);
AT(rump_kevent, filter, 8);
AT(rump_kevent, flags, 12);
AT(rump_kevent, fflags, 16);
AT(rump_kevent, data, 24);
AT(rump_kevent, udata, 32);

SIZE(rump_kfilter_mapping, 24);
AT(rump_kfilter_mapping, len, 8);
AT(rump_kfilter_mapping, filter, 16);

SIZE(rump_winsize, 8);
SIZE(rump_termios, 44);
AT(rump_termios, c_cc, 16);
AT(rump_termios, c_ispeed, 36);
SIZE(rump_ptmget, 2056);

SIZE(rump_rlimit, 16);
SIZE(rump_clockinfo, 20);
SIZE(rump_sysctlnode, 96);
AT(rump_sysctlnode, sysctl_name, 8);
AT(rump_sysctlnode, sysctl_ver, 40);
AT(rump_sysctlnode, sysctl_un, 48);
AT(rump_sysctlnode, sysctl_size, 64);
AT(rump_sysctlnode, sysctl_desc, 88);
SIZE(rump_modctl_load, 32);
SIZE(rump_quotakey, 12);
SIZE(rump_quotaval, 40);
SIZE(rump_quotastat, 44); AT(rump_quotastat, qs_numidtypes, 32);
SIZE(rump_quotaidtypestat, 32);
SIZE(rump_quotaobjtypestat, 36);
SIZE(rump_quotakcursor, 64);
SIZE(rump_quotactl_args, 48);
AT(rump_quotactl_args, u.idtypestat.qc_info, 16);
AT(rump_quotactl_args, u.cursorget.qc_maxnum, 32);
AT(rump_quotactl_args, u.cursorget.qc_ret, 40);
SIZE(rump_ufs_args, 8);
SIZE(rump_sysvbfs_args, 8);

LAYOUT_ASSERT(RUMP_FIONREAD == 0x4004667f, "FIONREAD");
LAYOUT_ASSERT(RUMP_FIONBIO == 0x8004667e, "FIONBIO");
LAYOUT_ASSERT(RUMP_TIOCGWINSZ == 0x40087468, "TIOCGWINSZ");
LAYOUT_ASSERT(RUMP_TIOCGETA == 0x402c7413, "TIOCGETA");

#undef SIZE
#undef AT
#undef LAYOUT_ASSERT

#endif
