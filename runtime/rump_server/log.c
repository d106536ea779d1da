/*
 * The log.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rump_server/log.h"

#define LINE_LEN	(LOG_COUNTERS + 100)

static enum rumpserver_loglevel threshold = RUMPSERVER_LOG_WARN;

void
log_level(enum rumpserver_loglevel level)
{

	threshold = level;
}

static void
write_line(enum rumpserver_loglevel level, const char *line)
{
	static const char *const names[] = {
		[RUMPSERVER_LOG_ERROR] = "",
		[RUMPSERVER_LOG_WARN] = "warning: ",
		[RUMPSERVER_LOG_INFO] = "",
		[RUMPSERVER_LOG_DEBUG] = "",
	};
	/* sd-daemon's prefixes: err, warning, info, debug. */
	static const char prio[] = { '3', '4', '6', '7' };
	char buf[LINE_LEN];
	int n;

	n = 0;
	if (getenv("JOURNAL_STREAM") != NULL)
		n = snprintf(buf, sizeof(buf), "<%c>", prio[level]);
	n += snprintf(buf + n, sizeof(buf) - (size_t)n, "rump_server: %s%s\n",
	    names[level], line);
	if (n >= (int)sizeof(buf)) {
		n = sizeof(buf) - 1;
		buf[n - 1] = '\n';
	}
	/* One write: lines of threads do not mix. */
	if (write(STDERR_FILENO, buf, (size_t)n) == -1)
		return;
}

void
log_line(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	if (level <= threshold)
		write_line(level, line);
}

void
log_put(enum rumpserver_loglevel level, const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line(NULL, level, line);
}

/* What is held of each budget, and how often there was too little of it. */
static int
budgets_json(char *buf, size_t len, const struct rumpserver_stats *s)
{
	static const char *const names[RUMPSERVER_NBUDGETS] = {
		[RUMPSERVER_BYTES] = "bytes",
		[RUMPSERVER_THREADS] = "threads",
		[RUMPSERVER_DESCRIPTORS] = "fds",
		[RUMPSERVER_CONNECTIONS] = "clients",
		[RUMPSERVER_PROCESSES] = "processes",
		[RUMPSERVER_SEMAPHORES] = "semaphores",
	};
	unsigned i;
	int n;

	n = 0;
	for (i = 0; i < RUMPSERVER_NBUDGETS && n < (int)len; i++)
		n += snprintf(buf + n, len - (size_t)n, ",\"%s_held\":%llu,"
		    "\"%s_over\":%llu", names[i],
		    (unsigned long long)s->held[i], names[i],
		    (unsigned long long)s->over_budget[i]);
	return n;
}

void
log_say(const char *fmt, ...)
{
	char line[LINE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	write_line(RUMPSERVER_LOG_INFO, line);
}

int
log_counters_json(char *buf, size_t len, struct rumpserver *srv)
{
	struct rumpserver_stats s;
	int n;

	rumpserver_getstats(srv, &s);
	n = snprintf(buf, len, "{\"clients\":%llu,\"clients_total\":%llu,"
	    "\"refused\":%llu,\"calls\":%llu,\"calls_now\":%llu,"
	    "\"errors\":%llu,\"copyin_bytes\":%llu,\"copyout_bytes\":%llu,"
	    "\"preforks\":%llu,\"preforks_now\":%llu,"
	    "\"protocol_errors\":%llu,\"timeouts\":%llu,\"threads\":%llu",
	    (unsigned long long)s.clients, (unsigned long long)s.clients_total,
	    (unsigned long long)s.refused, (unsigned long long)s.calls,
	    (unsigned long long)s.calls_now, (unsigned long long)s.errors,
	    (unsigned long long)s.copyin_bytes,
	    (unsigned long long)s.copyout_bytes,
	    (unsigned long long)s.preforks, (unsigned long long)s.preforks_now,
	    (unsigned long long)s.protocol_errors,
	    (unsigned long long)s.timeouts, (unsigned long long)s.threads);
	if (n < (int)len)
		n += budgets_json(buf + n, len - (size_t)n, &s);
	if (n < (int)len)
		n += snprintf(buf + n, len - (size_t)n, "}\n");
	return n < (int)len ? n : (int)len - 1;
}

void
log_counters(struct rumpserver *srv)
{
	char json[LOG_COUNTERS];
	int n;

	n = log_counters_json(json, sizeof(json), srv);
	json[n - 1] = '\0';
	log_say("counters %s", json);
}
