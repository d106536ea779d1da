/*
 * One line on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/log.h"
#include "trace/line.h"
#include "wire/locator.h"

void
client_log(const char *fmt, ...)
{
	char line[LOCATOR_WHY + 128];
	va_list ap;
	int saved, n, m;

	saved = errno;
	n = snprintf(line, sizeof(line), "rumpclient: ");
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m < 0)
		m = 0;
	n += m;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	line_write(STDERR_FILENO, line, (size_t)n);
	errno = saved;
}

const char *
client_strerror(int error)
{
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
	const char *text;

	text = strerrordesc_np(error);
	return text != NULL ? text : "unknown error";
#else
	return strerror(error);
#endif
}
