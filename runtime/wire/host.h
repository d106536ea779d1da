/*
 * Functions of the host's own, whatever a preloaded library has in their
 * place.  NetBSD's librumphijack turns close(2) and execve(2) into calls of
 * the client library, and socket(2) into one of the server's.
 */
#ifndef RUMPGEN_WIRE_HOST_H
#define RUMPGEN_WIRE_HOST_H

#include <sys/socket.h>

#include <unistd.h>

/* ThreadSanitizer has to see descriptors come and go. */
#if defined(__SANITIZE_THREAD__)
#define HOST_PLAIN	1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HOST_PLAIN	1
#endif
#endif

#if defined(__linux__) && !defined(HOST_PLAIN)

#include <sys/syscall.h>

static inline int
host_close(int fd)
{

	return (int)syscall(SYS_close, fd);
}

static inline int
host_socket(int domain, int type, int protocol)
{

	return (int)syscall(SYS_socket, domain, type, protocol);
}

static inline int
host_execve(const char *path, char *const argv[], char *const envp[])
{

	return (int)syscall(SYS_execve, path, argv, envp);
}

#else

#define host_close	close
#define host_socket	socket
#define host_execve	execve

#endif

#endif
