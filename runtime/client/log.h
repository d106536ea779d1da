/*
 * Messages for people: one line on stderr, "rumpclient: " before it.
 */
#ifndef RUMPGEN_CLIENT_LOG_H
#define RUMPGEN_CLIENT_LOG_H

/*
 * Writes one line with a single write(2) to descriptor 2; no locks, no stdio
 * stream, no allocation, errno kept.  `fmt` has no newline.
 */
__attribute__((format(printf, 1, 2)))
void client_log(const char *fmt, ...);

/* What a host errno means, for such a line.  Untranslated where the host has
 * it so: a translation takes locks, which a signal handler may not. */
const char *client_strerror(int error);

#endif
