/*
 * Text and headers from outside: locators, banners, frame headers.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "wire/banner.h"
#include "wire/frame.h"
#include "wire/locator.h"

static void
nothing(void)
{
}

/* Looking a name up asks the network; only forms that do not are tried. */
static bool
is_name(const char *s)
{
	struct in_addr in;
	char host[512];
	size_t n;

	if (strncmp(s, "tcp://", 6) != 0)
		return false;
	s += 6;
	n = strcspn(s, ":/");
	if (n == 0 || n >= sizeof(host))
		return false;
	memcpy(host, s, n);
	host[n] = '\0';
	return strcmp(host, "*") != 0 && strcmp(host, "0") != 0 &&
	    inet_pton(AF_INET, host, &in) != 1;
}

static void
locator(const char *s, enum locator_role role)
{
	struct locator loc, again;
	char why[LOCATOR_WHY];

	if (is_name(s))
		return;
	if (locator_parse(&loc, s, role, why) != 0) {
		if (memchr(why, '\0', sizeof(why)) == NULL || why[0] == '\0')
			fuzz_fail("no reason why '%s' is no locator", s);
		return;
	}
	if (memchr(loc.text, '\0', sizeof(loc.text)) == NULL)
		fuzz_fail("resolved locator without an end");
	/* What it resolves to is what exec hands on. */
	if (locator_parse(&again, loc.text, role, why) != 0 &&
	    loc.kind != LOCATOR_TCP)
		fuzz_fail("'%s' resolves to '%s': %s", s, loc.text, why);
	if (loc.kind != LOCATOR_TCP && strcmp(loc.text, again.text) != 0)
		fuzz_fail("'%s' resolves to '%s', that to '%s'", s, loc.text,
		    again.text);
}

static void
banner(const uint8_t *data, size_t len)
{
	struct banner b;
	char *line;

	/* Exactly as long as it is, so that reading on is noticed. */
	line = malloc(len != 0 ? len : 1);
	memcpy(line, data, len);
	if (banner_parse(&b, line, len) == NULL &&
	    (len > BANNER_MAX || line[len - 1] != '\n' ||
	    strlen(b.ostype) + strlen(b.osrelease) + strlen(b.machine) +
	    strlen(b.extensions) > len))
		fuzz_fail("a banner of %zu bytes with parts too long", len);
	free(line);
}

static void
frame(const uint8_t *data, size_t len)
{
	struct frame_hdr hdr = { 0 };
	const char *client, *server;

	memcpy(&hdr, data, len < sizeof(hdr) ? len : sizeof(hdr));
	client = frame_check(&hdr, FRAME_FROM_CLIENT);
	server = frame_check(&hdr, FRAME_FROM_SERVER);
	if ((client == NULL || server == NULL) &&
	    (hdr.len < FRAME_HDRLEN || hdr.len > FRAME_MAX ||
	    hdr.class > FRAME_ERROR || hdr.type >= FRAME_NTYPES))
		fuzz_fail("an impossible header is let through");
	if (client == NULL && hdr.class == FRAME_REQ &&
	    hdr.len > FRAME_HDRLEN + FRAME_MAX_COMM)
		fuzz_fail("a client's request of %llu bytes",
		    (unsigned long long)hdr.len);
	(void)frame_error_to_errno(hdr.u);
	(void)frame_error_name(hdr.u);
	(void)frame_handshake_name(hdr.u);
	(void)frame_type_name(hdr.type);
}

static void
run(const uint8_t *data, size_t len)
{
	char *s;

	if (len == 0)
		return;
	switch (data[0] % 3) {
	case 0:
		s = malloc(len);
		memcpy(s, data + 1, len - 1);
		s[len - 1] = '\0';
		locator(s, data[0] & 4 ? LOCATOR_SERVER : LOCATOR_CLIENT);
		free(s);
		break;
	case 1:
		banner(data + 1, len - 1);
		break;
	default:
		frame(data + 1, len - 1);
	}
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{
	static const char *const good[] = {
		"unix:///tmp/sock", "unix://sock", "tcp://127.0.0.1:80/",
		"tcp://*:0", "tcp6://[::1]:65535/", "tcp6://*:7", "fd://12",
		"RUMPSP-0.4-NetBSD-7.99.34/amd64\n",
		"RUMPSP-0.4-NetBSD-7.99.34/amd64 ext a b\n", "RUMPSP-0.4\n",
	};
	const char *s = good[rng_below(r, sizeof(good) / sizeof(good[0]))];
	size_t len;

	buf[0] = (uint8_t)(*s == 'R' ? 1 : 3 * rng_below(r, 8));
	if (rng_below(r, 3) == 0) {
		buf[0] = 2;
		len = fuzz_recorded(r, rng_below(r, 2), buf + 1, FUZZ_MAX - 1);
		if (len > 24)
			len = 24;
	} else {
		len = strlen(s);
		memcpy(buf + 1, s, len);
	}
	return 1 + fuzz_mutate(r, buf + 1, len, rng_below(r, 9) == 0 ?
	    FUZZ_MAX - 1 : 128);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_text", .setup = nothing, .make = make, .run = run,
	.finish = nothing
};
