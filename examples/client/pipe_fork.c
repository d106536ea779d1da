/*
 * A pipe across a fork, with back-pressure: the child writes a megabyte, the
 * parent reads it and compares sums.  Pipes hold far less, so both sides block
 * and wake up many times, each on a connection of its own.
 */
#include <sys/wait.h>

#include <err.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpclient.h>

enum { TOTAL = 1024 * 1024, CHUNK = 10000 };

static unsigned char buf[CHUNK];

static unsigned char
byte_at(uint32_t i)
{

	return (unsigned char)(i * 2654435761u >> 24);
}

static void
writer(int fd)
{
	uint32_t at = 0, n, i;
	ssize_t put;

	while (at < TOTAL) {
		n = TOTAL - at < CHUNK ? TOTAL - at : CHUNK;
		for (i = 0; i < n; i++)
			buf[i] = byte_at(at + i);
		put = rump_sys_write(fd, buf, n);
		if (put <= 0)
			err(1, "write");
		at += (uint32_t)put;
	}
	_exit(0);
}

int
main(void)
{
	uint32_t at = 0;
	int fd[2], status;
	pid_t child;
	ssize_t n, i;

	if (rumpclient_init() == -1)
		err(1, "rumpclient_init");
	if (rump_sys_pipe(fd) == -1)
		err(1, "pipe");
	child = rumpclient_fork();
	if (child == -1)
		err(1, "rumpclient_fork");
	if (child == 0)
		writer(fd[1]);
	rump_sys_close(fd[1]);
	while ((n = rump_sys_read(fd[0], buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i++)
			if (buf[i] != byte_at(at++))
				errx(1, "byte %u differs", at - 1);
	if (n == -1)
		err(1, "read");
	if (waitpid(child, &status, 0) == -1 || status != 0)
		errx(1, "the writer failed");
	if (at != TOTAL)
		errx(1, "%u bytes came, %d were sent", at, TOTAL);
	printf("%u bytes, all in order\n", at);
	return 0;
}
