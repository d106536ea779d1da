/*
 * The log: one line an event.
 *
 * What peers do wrong is said a limited number of times, for one client and
 * for all of them together; what is left out is counted, and the count said
 * with the next line that is not.
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

/* log_lock held: whether one more line may be said.  In a new time the number
 * of those not said before goes to *kept. */
static bool
may_say(struct lograte *r, unsigned most, uint64_t now, unsigned *kept)
{

	*kept = 0;
	if (r->said == 0 || now - r->since >= LOG_TIME_MS) {
		*kept = r->kept;
		*r = (struct lograte){ .since = now };
	}
	if (r->said == most) {
		r->kept++;
		return false;
	}
	r->said++;
	return true;
}

static void
say_kept(const struct rumpserver *srv, unsigned n, const char *of)
{

	if (n > 0)
		srv_log(srv, RUMPSERVER_LOG_WARN, "%s%u more suppressed", of,
		    n);
}

/* Whether a complaint about the client is one too many. */
static bool
too_many(struct session *ses, const char *name)
{
	struct rumpserver *srv = ses->srv;
	uint64_t now = now_ms();
	unsigned own, all;
	bool ok;

	all = 0;
	pthread_mutex_lock(&srv->log_lock);
	ok = may_say(&ses->lograte, LOG_CLIENT, now, &own) &&
	    may_say(&srv->lograte, LOG_ALL, now, &all);
	pthread_mutex_unlock(&srv->log_lock);
	say_kept(srv, own, name);
	say_kept(srv, all, "");
	return !ok;
}

void
ses_log(struct session *ses, enum rumpserver_loglevel level, const char *fmt,
    ...)
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
	if (level <= RUMPSERVER_LOG_WARN && too_many(ses, line))
		return;
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof(line) - (size_t)n, fmt, ap);
	va_end(ap);
	put_line(ses->srv, level, line);
}

void
log_end_client(struct session *ses)
{

	if (ses->lograte.kept > 0)
		srv_log(ses->srv, RUMPSERVER_LOG_WARN, "client %u: %u more "
		    "suppressed", ses->number, ses->lograte.kept);
}

void
log_end_server(struct rumpserver *srv)
{

	say_kept(srv, srv->lograte.kept, "");
}
