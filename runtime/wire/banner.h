/*
 * The banner: the one line a server sends after accept(2).
 *
 *	RUMPSP-<major>.<minor>-<ostype>-<osrelease>/<machine>[ <extension>...]\n
 *
 * NetBSD's client reads it with one read(2), wants a newline as its last byte
 * and ignores the rest, so words after the machine advertise extensions that
 * both sides must know before either uses them.  None is defined yet.
 */
#ifndef RUMPGEN_WIRE_BANNER_H
#define RUMPGEN_WIRE_BANNER_H

#include <stddef.h>

/* The protocol version this project speaks. */
#define BANNER_MAJOR	0
#define BANNER_MINOR	4

/* Longest banner on the wire, newline included. */
#define BANNER_MAX	95

struct banner {
	unsigned major, minor;
	char ostype[BANNER_MAX + 1];
	char osrelease[BANNER_MAX + 1];
	char machine[BANNER_MAX + 1];
	char extensions[BANNER_MAX + 1];	/* "" when there are none */
};

/*
 * Writes the banner line, newline included, NUL-terminated into buf of
 * BANNER_MAX + 1 bytes.  `extensions` are words with single spaces between
 * them, NULL or "" for none.  Returns the length without the NUL, or 0 when
 * the line does not fit or a part is empty, contains a slash, a space or a
 * control character, or (ostype) a hyphen.
 */
size_t banner_format(char buf[BANNER_MAX + 1], const char *ostype,
    const char *osrelease, const char *machine, const char *extensions);

/*
 * Parses a received line of len bytes that ends in '\n'.  Returns NULL or a
 * constant string that says what is wrong.  Only the "RUMPSP-" tag and the
 * version are required, as the rest is free text for other clients; what is
 * missing is "".  Whether the version is one we speak is the caller's to say:
 * the major number decides.
 */
const char *banner_parse(struct banner *b, const char *line, size_t len);

#endif
