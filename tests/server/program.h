/*
 * rump_server as a program, one at a time, and what it says.  Whatever goes
 * wrong fails the test.
 */
#ifndef TESTS_SERVER_PROGRAM_H
#define TESTS_SERVER_PROGRAM_H

#include <sys/types.h>

#include <stdbool.h>

#define RS_PROGRAM	RUMPGEN_BUILD "/bin/rump_server"

struct program {
	/* A scratch directory, a socket's place in it, and its locator. */
	char dir[64], path[96], locator[128];
	pid_t pid;
	int errfd, readyfd;	/* its stderr, and its --ready-fd */
	/* The inherited descriptor is announced as a listening one. */
	bool activation;
	char said[32768];	/* on stderr, as far as we have read */
	size_t nsaid;
};

extern struct program rs;

void rs_scratch(void);
void rs_cleanup(void);

/* Starts it, with `inherit' (-1: none) as its descriptor 3 and 4 as its
 * --ready-fd; the list of arguments ends with NULL. */
void rs_start(int inherit, ...);
/* Waits until it is ready. */
void rs_ready(void);
/* Waits until it has said this on stderr; false when it ended without. */
bool rs_says(const char *text);
/* Waits for its end: its exit status, -1 when a signal ended it. */
int rs_status(void);
/* SIGTERM first. */
int rs_stop(void);

/* A socket that listens there, as of socket activation; a connection. */
int rs_listen(const char *path);
int rs_dial(const char *path);
/* Reads the banner and becomes a guest. */
void rs_guest(int fd);
/* ... and getpid works. */
void rs_kernel(int fd);

#endif
