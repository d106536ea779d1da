/*
 * The log: one line an event.
 */
#include <stdarg.h>
#include <stdio.h>

#include "server/server.h"

#define LINE_MAX_	512

static void
put_line(const struct rumpserver *srv, enum rumpserver_loglevel level,
    char *line)
{
	char *p;

	/* Text of a peer's making stays one line. */
	for (p = line; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	if (srv->cfg.log != NULL)
		srv->cfg.log(srv->cfg.log_cookie, level, line);
	else if (level <= RUMPSERVER_LOG_WARN)
		fprintf(stderr, "rumpserver: %s\n", line);
}

void
srv_log(const struct rumpserver *srv, enum rumpserver_loglevel level,
    const char *fmt, ...)
{
	char line[LINE_MAX_];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	put_line(srv, level, line);
}

void
ses_log(const struct session *ses, enum rumpserver_loglevel level,
    const char *fmt, ...)
{
	char line[LINE_MAX_];
	va_list ap;
	int n;

	if (ses->peer.known)
		n = snprintf(line, sizeof(line),
		    "client %u (pid %ld, uid %lu): ", ses->number,
		    (long)ses->peer.pid, (unsigned long)ses->peer.uid);
	else
		n = snprintf(line, sizeof(line), "client %u: ", ses->number);
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	put_line(ses->srv, level, line);
}
