/*
 * The player itself: both sides of every conversation against each other, and
 * whether it sees what differs.
 */
#include <sys/socket.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/conversation.h"
#include "lib/suite.h"
#include "recordings.h"

static struct recordings recordings;

#define MAXCONN	64

/* One side of a playing on its own thread; connections are socket pairs made
 * before either side starts. */
struct half {
	struct conversation_player cp;
	int fds[MAXCONN];
	pthread_t thread;
	bool ok;
	char why[CONVERSATION_WHY];
};

static int
open_half(void *cookie, int conn)
{
	struct half *h = cookie;
	int fd;

	if (conn < 0 || conn >= MAXCONN)
		return -1;
	fd = h->fds[conn];
	h->fds[conn] = -1;
	return fd;
}

static void
close_half(struct half *h)
{
	int i;

	for (i = 0; i < MAXCONN; i++)
		if (h->fds[i] != -1)
			close(h->fds[i]);
}

static void *
play_half(void *arg)
{
	struct half *h = arg;

	h->ok = conversation_play(&h->cp, h->why);
	return NULL;
}

/* Plays `client` on one side and `server` on the other. */
static void
play_both(const struct conversation *client, const struct conversation *server,
    size_t chunk, struct half *c, struct half *s)
{
	int i, sv[2];

	memset(c, 0, sizeof(*c));
	memset(s, 0, sizeof(*s));
	for (i = 0; i < MAXCONN; i++) {
		ck_assert_int_eq(socketpair(AF_UNIX,
		    SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
		c->fds[i] = sv[0];
		s->fds[i] = sv[1];
	}
	c->cp = (struct conversation_player){ .conv = client,
	    .side = CONVERSATION_CLIENT, .open = open_half, .cookie = c,
	    .chunk = chunk, .timeout_ms = patience_ms() };
	s->cp = c->cp;
	s->cp.conv = server;
	s->cp.side = CONVERSATION_SERVER;
	s->cp.cookie = s;
	ck_assert_int_eq(pthread_create(&c->thread, NULL, play_half, c), 0);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, play_half, s), 0);
	pthread_join(c->thread, NULL);
	/* A side that gives up early must not leave the other waiting. */
	close_half(c);
	pthread_join(s->thread, NULL);
	close_half(s);
}

static struct conversation *
load(const char *path)
{
	char why[CONVERSATION_WHY];
	struct conversation *conv = conversation_load(path, why);

	ck_assert_msg(conv != NULL, "%s", why);
	return conv;
}

static void
play_with_itself(const char *path)
{
	struct conversation *conv = load(path);
	struct half c, s;
	size_t chunk;

	/* Whole frames, and a byte at a time. */
	for (chunk = 0; chunk < 2; chunk++) {
		play_both(conv, conv, chunk, &c, &s);
		ck_assert_msg(c.ok, "client: %s", c.why);
		ck_assert_msg(s.ok, "server: %s", s.why);
	}
	conversation_free(conv);
}

START_TEST(capture_with_itself)
{
	play_with_itself(recordings.captures[_i]);
}
END_TEST

START_TEST(fixture_with_itself)
{
	play_with_itself(recordings.fixtures[_i]);
}
END_TEST

/* --- a small conversation to change ------------------------------------------ */

#define BANNER \
	"{\"conn\":1,\"from\":\"server\",\"banner\":\"52554d5053502d302e340a\"}"
#define GUEST \
	"{\"conn\":1,\"from\":\"client\",\"len\":26,\"reqno\":1,\"class\":\"req\"," \
	"\"type\":\"handshake\",\"u\":0,\"body\":\"6100\"}"
#define GUEST_OK \
	"{\"conn\":1,\"from\":\"server\",\"len\":28,\"reqno\":1,\"class\":\"resp\"," \
	"\"type\":\"handshake\",\"u\":0,\"body\":\"00000000\"}"
#define CLIENT_EOF	"{\"conn\":1,\"from\":\"client\",\"eof\":true}"
#define CALL(len, reqno, num, body) \
	"{\"conn\":1,\"from\":\"client\",\"len\":" #len ",\"reqno\":" #reqno "," \
	"\"class\":\"req\",\"type\":\"syscall\",\"u\":" #num ",\"body\":\"" body "\"}"
#define RESULT(reqno, error, pad, r0, r1) \
	"{\"conn\":1,\"from\":\"server\",\"len\":48,\"reqno\":" #reqno "," \
	"\"class\":\"resp\",\"type\":\"syscall\",\"u\":0,\"body\":\"" \
	error pad r0 "00000000000000" r1 "00000000000000" "\"}"
#define COPYOUT(addr) \
	"{\"conn\":1,\"from\":\"server\",\"len\":41,\"reqno\":0,\"class\":\"req\"," \
	"\"type\":\"copyout\",\"u\":0,\"body\":\"0100000000000000" addr "78\"}"

/* Writes the lines, NULL at the end, to a file and loads it. */
static struct conversation *
make(char why[CONVERSATION_WHY], const char *const lines[])
{
	char path[] = "/tmp/rumpgen-conversation-XXXXXX";
	struct conversation *conv;
	int fd = mkstemp(path);
	FILE *fp;

	ck_assert_int_ge(fd, 0);
	fp = fdopen(fd, "w");
	ck_assert_ptr_nonnull(fp);
	for (; *lines != NULL; lines++)
		fprintf(fp, "%s\n", *lines);
	fclose(fp);
	conv = conversation_load(path, why);
	unlink(path);
	return conv;
}

/* One call and its answer between guest and end. */
static struct conversation *
call(const char *request, const char *copy, const char *answer)
{
	const char *lines[] = { BANNER, GUEST, GUEST_OK, request, copy, answer,
	    CLIENT_EOF, NULL };
	char why[CONVERSATION_WHY];
	struct conversation *conv;

	if (copy == NULL)
		memmove(&lines[4], &lines[5], 3 * sizeof(lines[0]));
	conv = make(why, lines);
	ck_assert_msg(conv != NULL, "%s", why);
	return conv;
}

#define P1	"0010000000700000"
#define P2	"0020000000700000"
#define READ(p)	CALL(48, 2, 3, "0300000000000000" p "0100000000000000")

static const struct {
	const char *client_call, *client_copy, *client_answer;
	const char *server_call, *server_copy, *server_answer;
	const char *client_why, *server_why;	/* NULL: nothing differs */
} changes[] = {
	/* Addresses, padding, pids and where numbers begin may differ. */
	{ READ(P1), COPYOUT(P1), RESULT(2, "00000000", "00000000", "01", "00"),
	  READ(P2), COPYOUT(P2), RESULT(2, "00000000", "ffffffff", "01", "00"),
	  NULL, NULL },
	{ CALL(24, 2, 20, ""), NULL,
	  RESULT(2, "00000000", "00000000", "05", "01"),
	  CALL(24, 2, 20, ""), NULL,
	  RESULT(2, "00000000", "00000000", "07", "02"), NULL, NULL },
	/* Results, errors, arguments, numbers may not. */
	{ CALL(24, 2, 25, ""), NULL,
	  RESULT(2, "00000000", "00000000", "05", "00"),
	  CALL(24, 2, 25, ""), NULL,
	  RESULT(2, "00000000", "00000000", "07", "00"),
	  "retval[0] is 0x7", NULL },
	{ CALL(24, 2, 42, ""), NULL,
	  RESULT(2, "00000000", "00000000", "03", "04"),
	  CALL(24, 2, 42, ""), NULL,
	  RESULT(2, "18000000", "00000000", "03", "04"),
	  "error is 24", NULL },
	{ CALL(32, 2, 6, "0300000000000000"), NULL,
	  RESULT(2, "00000000", "00000000", "00", "00"),
	  CALL(32, 2, 6, "0400000000000000"), NULL,
	  RESULT(2, "00000000", "00000000", "00", "00"),
	  "header ended", "argument 0 is 0x3" },
	{ CALL(24, 2, 20, ""), NULL,
	  RESULT(2, "00000000", "00000000", "05", "01"),
	  CALL(24, 2, 39, ""), NULL,
	  RESULT(2, "00000000", "00000000", "05", "01"),
	  "header ended", "u 20 came" },
	{ CALL(24, 3, 20, ""), NULL,
	  RESULT(3, "00000000", "00000000", "05", "01"),
	  CALL(24, 2, 20, ""), NULL,
	  RESULT(2, "00000000", "00000000", "05", "01"),
	  "header ended", "request number is 3" },
	{ READ(P1), COPYOUT(P1), RESULT(2, "00000000", "00000000", "01", "00"),
	  READ(P1), NULL, RESULT(2, "00000000", "00000000", "01", "00"),
	  "class 1 type 1", NULL },
};

START_TEST(differences)
{
	struct conversation *cc, *sc;
	struct half c, s;

	cc = call(changes[_i].client_call, changes[_i].client_copy,
	    changes[_i].client_answer);
	sc = call(changes[_i].server_call, changes[_i].server_copy,
	    changes[_i].server_answer);
	play_both(cc, sc, 0, &c, &s);
	if (changes[_i].client_why == NULL)
		ck_assert_msg(c.ok, "client: %s", c.why);
	else {
		ck_assert(!c.ok);
		ck_assert_msg(strstr(c.why, changes[_i].client_why) != NULL,
		    "client: %s", c.why);
	}
	if (changes[_i].server_why != NULL) {
		ck_assert(!s.ok);
		ck_assert_msg(strstr(s.why, changes[_i].server_why) != NULL,
		    "server: %s", s.why);
	} else if (changes[_i].client_why == NULL)
		ck_assert_msg(s.ok, "server: %s", s.why);
	conversation_free(cc);
	conversation_free(sc);
}
END_TEST

/* The same recorded process id must stay the same one. */
START_TEST(pid_changes_its_mind)
{
	const char *const first[] = { BANNER, GUEST, GUEST_OK,
	    CALL(24, 2, 20, ""),
	    RESULT(2, "00000000", "00000000", "05", "01"),
	    CALL(24, 3, 39, ""),
	    RESULT(3, "00000000", "00000000", "01", "00"), CLIENT_EOF, NULL };
	const char *const second[] = { BANNER, GUEST, GUEST_OK,
	    CALL(24, 2, 20, ""),
	    RESULT(2, "00000000", "00000000", "05", "01"),
	    CALL(24, 3, 39, ""),
	    RESULT(3, "00000000", "00000000", "02", "00"), CLIENT_EOF, NULL };
	char why[CONVERSATION_WHY];
	struct conversation *cc = make(why, first), *sc = make(why, second);
	struct half c, s;

	ck_assert(cc != NULL && sc != NULL);
	play_both(cc, sc, 0, &c, &s);
	ck_assert(!c.ok);
	ck_assert_msg(strstr(c.why, "process id is 2") != NULL, "%s", c.why);
	conversation_free(cc);
	conversation_free(sc);
}
END_TEST

static const struct { const char *line, *why; } bad[] = {
	{ "{\"conn\":1,", "not a JSON object" },
	{ "{\"from\":\"server\",\"eof\":true}", "no connection number" },
	{ "{\"conn\":1,\"from\":\"nobody\",\"eof\":true}", "neither" },
	{ "{\"conn\":1,\"from\":\"server\",\"banner\":\"0\"}", "odd number" },
	{ "{\"conn\":1,\"from\":\"server\",\"banner\":\"0g\"}", "not a hex" },
	{ CALL(25, 1, 20, ""), "len is not" },
	{ "{\"conn\":1,\"from\":\"client\",\"len\":24,\"reqno\":1,"
	  "\"class\":\"req\",\"type\":\"sing\",\"u\":0,\"body\":\"\"}",
	  "unknown type" },
	{ "", "no events" },
};

START_TEST(bad_file)
{
	const char *const lines[] = { bad[_i].line, NULL };
	char why[CONVERSATION_WHY];
	struct conversation *conv = make(why, lines);

	ck_assert_ptr_null(conv);
	ck_assert_msg(strstr(why, bad[_i].why) != NULL, "%s", why);
	ck_assert_msg(strstr(why, "/tmp/rumpgen-conversation-") == why, "%s",
	    why);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("conversation");
	TCase *tc = tcase_create("player");
	int status;

	recordings_find(&recordings);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, capture_with_itself, 0,
	    (int)recordings.ncaptures);
	tcase_add_loop_test(tc, fixture_with_itself, 0,
	    (int)recordings.nfixtures);
	tcase_add_loop_test(tc, differences, 0,
	    (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(tc, pid_changes_its_mind);
	tcase_add_loop_test(tc, bad_file, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	suite_add_tcase(suite, tc);
	status = suite_run(suite);
	recordings_free(&recordings);
	return status;
}
