/*
 * A program that says what a recorded client said: it makes the recorded
 * client's calls through librumpclient and checks what it is told.
 */
#ifndef TESTS_REPLAY_DRIVER_H
#define TESTS_REPLAY_DRIVER_H

#include <stddef.h>

#include "lib/conversation.h"

/* First argument of a program that is to call driver_main(). */
#define DRIVER_FLAG	"--drive"

/*
 * Arguments: DRIVER_FLAG, file, connection, index of the event to begin with.
 * Drives that connection, and those that it forks, to the end.  Starts itself
 * with execve(2) from /proc/self/exe for a recorded exec.  Returns the exit
 * status: 0 when the library gave all the recorded results, else 1 after a
 * line on stderr.
 */
int driver_main(int argc, char **argv);

/* Whether a guest begins connection conn; others begin with a fork. */
int driver_begins(const struct conversation *, int conn);

/*
 * Whether this program can make our library say it.  Conversations of clients
 * that break the protocol, or have several calls under way at once, are for
 * the server's tests only.
 */
int driver_can(const struct conversation *);

#endif
