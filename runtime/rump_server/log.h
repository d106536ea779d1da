/*
 * rump_server's log: one line an event on stderr, with the level for a
 * service manager where stderr is its journal.
 */
#ifndef RUMPGEN_RUMP_SERVER_LOG_H
#define RUMPGEN_RUMP_SERVER_LOG_H

#include <rump/rumpserver.h>

/* Lines up to this level are written. */
void log_level(enum rumpserver_loglevel);

/* For rumpserver_config.log. */
void log_line(void *cookie, enum rumpserver_loglevel, const char *line);

void log_put(enum rumpserver_loglevel, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for the counters. */
enum { LOG_COUNTERS = 2000 };

/* What was asked for: written at every level, as information. */
void log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The counters as one line; JSON, newline included.  Returns its length. */
int log_counters_json(char *buf, size_t len, struct rumpserver *);
void log_counters(struct rumpserver *);

#endif
