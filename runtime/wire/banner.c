/*
 * Writing and reading the banner line.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wire/banner.h"


#define TAG	"RUMPSP-"

/* Fit for a part of the banner: printable, no space, none of `reserved`. */
static bool
part_ok(const char *s, const char *reserved)
{

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 127)
			return false;
		if (strchr(reserved, *s) != NULL)
			return false;
	}
	return true;
}

static bool
extensions_ok(const char *s)
{

	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 127)
			return false;
	}
	return true;
}

size_t
banner_format(char buf[BANNER_MAX + 1], const char *ostype,
    const char *osrelease, const char *machine, const char *extensions)
{
	int n;

	if (extensions == NULL)
		extensions = "";
	/* The first `-' ends the ostype, the first `/' the osrelease. */
	if (!part_ok(ostype, "-/") || !part_ok(osrelease, "/") ||
	    !part_ok(machine, "/") || !extensions_ok(extensions))
		return 0;

	n = snprintf(buf, BANNER_MAX + 1, TAG "%d.%d-%s-%s/%s%s%s\n",
	    BANNER_MAJOR, BANNER_MINOR, ostype, osrelease, machine,
	    *extensions != '\0' ? " " : "", extensions);
	if (n < 0 || n > BANNER_MAX)
		return 0;
	return (size_t)n;
}

/* Reads a decimal number of at most four digits; NULL when there is none. */
static const char *
number(const char *p, unsigned *out)
{
	unsigned v, digits;

	v = 0;
	for (digits = 0; isdigit((unsigned char)*p) && digits < 5; digits++)
		v = v * 10 + (unsigned)(*p++ - '0');
	if (digits == 0 || digits > 4)
		return NULL;
	*out = v;
	return p;
}

/* Copies up to the first of `stops`; returns what is behind the copy. */
static const char *
part(char out[BANNER_MAX + 1], const char *p, const char *stops)
{
	size_t n;

	n = strcspn(p, stops);
	memcpy(out, p, n);
	out[n] = '\0';
	return p + n;
}

const char *
banner_parse(struct banner *b, const char *line, size_t len)
{
	char text[BANNER_MAX + 1];
	const char *p;

	*b = (struct banner){ .major = 0 };
	if (len > BANNER_MAX)
		return "banner longer than 95 bytes";
	if (len == 0 || line[len - 1] != '\n')
		return "banner does not end in a newline";
	if (memchr(line, '\0', len) != NULL)
		return "banner contains a NUL";
	len--;
	memcpy(text, line, len);
	text[len] = '\0';

	if (strncmp(text, TAG, strlen(TAG)) != 0)
		return "banner does not start with RUMPSP-: not a rump_sp "
		    "server";
	p = number(text + strlen(TAG), &b->major);
	if (p == NULL || *p != '.')
		return "banner without a version number";
	p = number(p + 1, &b->minor);
	if (p == NULL)
		return "banner without a version number";

	if (*p == '-')
		p = part(b->ostype, p + 1, "-/ ");
	if (*p == '-')
		p = part(b->osrelease, p + 1, "/ ");
	if (*p == '/')
		p = part(b->machine, p + 1, " ");
	if (*p == ' ')
		part(b->extensions, p + 1, "");
	return NULL;
}
