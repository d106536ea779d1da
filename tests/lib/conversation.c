/*
 * Recorded conversations: reading them, finding one's way in them.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "conversation.h"

static const char *const classes[] = { "req", "resp", "error" };
static const char *const types[SP_NTYPES] = {
	"handshake", "syscall", "copyin", "copyinstr", "copyout", "copyoutstr",
	"anonmmap", "prefork", "raise"
};

static int
lookup(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < n; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

static int
hexdigit(char c)
{

	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decodes a string of hex digits into ev->body.  Returns NULL or what is
 * wrong with it. */
static const char *
hexbody(struct conversation_event *ev, const char *hex)
{
	size_t i, n;

	if (hex == NULL)
		return "no body";
	n = strlen(hex);
	if (n % 2 != 0)
		return "odd number of hex digits";
	/* One byte more, so that an empty body has memory of its own too. */
	ev->body = calloc(1, n / 2 + 1);
	if (ev->body == NULL)
		return "out of memory";
	for (i = 0; i < n; i += 2) {
		int hi = hexdigit(hex[i]), lo = hexdigit(hex[i + 1]);

		if (hi < 0 || lo < 0)
			return "not a hex digit in the body";
		ev->body[i / 2] = (uint8_t)(hi << 4 | lo);
	}
	ev->bodylen = n / 2;
	return NULL;
}

/* Fills a frame's header members.  Returns NULL or what is wrong. */
static const char *
parse_frame(struct conversation_event *ev, const json_t *obj)
{
	const char *why;
	int class, type;

	why = hexbody(ev, json_string_value(json_object_get(obj, "body")));
	if (why != NULL)
		return why;
	class = lookup(classes, 3,
	    json_string_value(json_object_get(obj, "class")));
	if (class < 0)
		return "class is none of req, resp, error";
	type = lookup(types, SP_NTYPES,
	    json_string_value(json_object_get(obj, "type")));
	if (type < 0 && class == SP_ERROR)
		type = 0;
	if (type < 0)
		return "unknown type";
	ev->class = (uint16_t)class;
	ev->type = (uint16_t)type;
	ev->len = (uint64_t)json_integer_value(json_object_get(obj, "len"));
	ev->reqno = (uint64_t)json_integer_value(json_object_get(obj, "reqno"));
	ev->u = (uint32_t)json_integer_value(json_object_get(obj, "u"));
	if (ev->len != SP_HDRLEN + ev->bodylen)
		return "len is not 24 and the length of the body";
	return NULL;
}

static const char *
parse_event(struct conversation_event *ev, const json_t *obj)
{
	const char *from = json_string_value(json_object_get(obj, "from"));
	const json_t *banner = json_object_get(obj, "banner");
	const json_t *conn = json_object_get(obj, "conn");

	if (!json_is_integer(conn))
		return "no connection number";
	ev->conn = (int)json_integer_value(conn);
	if (from != NULL && strcmp(from, "client") == 0)
		ev->from = CONVERSATION_CLIENT;
	else if (from != NULL && strcmp(from, "server") == 0)
		ev->from = CONVERSATION_SERVER;
	else
		return "from is neither client nor server";
	if (json_is_true(json_object_get(obj, "eof"))) {
		ev->kind = CONVERSATION_EOF;
		return NULL;
	}
	if (banner != NULL) {
		ev->kind = CONVERSATION_BANNER;
		return hexbody(ev, json_string_value(banner));
	}
	ev->kind = CONVERSATION_FRAME;
	return parse_frame(ev, obj);
}

/* Appends the event of one line.  Returns NULL or what is wrong. */
static const char *
parse_line(struct conversation *conv, const char *text, unsigned line)
{
	struct conversation_event *events, *ev;
	json_error_t err;
	const char *why;
	json_t *obj;

	obj = json_loads(text, 0, &err);
	if (obj == NULL || !json_is_object(obj)) {
		json_decref(obj);
		return "not a JSON object";
	}
	/* A line that only describes is no event. */
	if (json_object_get(obj, "conn") == NULL &&
	    json_object_get(obj, "from") == NULL) {
		json_decref(obj);
		return NULL;
	}
	events = reallocarray(conv->events, conv->nevents + 1,
	    sizeof(*events));
	if (events == NULL) {
		json_decref(obj);
		return "out of memory";
	}
	conv->events = events;
	ev = &events[conv->nevents++];
	memset(ev, 0, sizeof(*ev));
	ev->line = line;
	why = parse_event(ev, obj);
	json_decref(obj);
	return why;
}

struct conversation *
conversation_load(const char *path, char why[CONVERSATION_WHY])
{
	struct conversation *conv;
	const char *wrong = NULL;
	char *text = NULL;
	size_t room = 0;
	unsigned line = 0;
	FILE *fp;

	fp = fopen(path, "re");
	conv = calloc(1, sizeof(*conv));
	if (fp == NULL || conv == NULL || (conv->path = strdup(path)) == NULL) {
		wrong = strerror(errno);
		goto out;
	}
	while (wrong == NULL && getline(&text, &room, fp) != -1) {
		line++;
		if (text[strspn(text, " \t\r\n")] != '\0')
			wrong = parse_line(conv, text, line);
	}
	if (wrong == NULL && conv->nevents == 0)
		wrong = "no events";
out:
	free(text);
	if (fp != NULL)
		fclose(fp);
	if (wrong != NULL) {
		snprintf(why, CONVERSATION_WHY, "%s:%u: %s", path, line, wrong);
		conversation_free(conv);
		return NULL;
	}
	return conv;
}

void
conversation_free(struct conversation *conv)
{
	size_t i;

	if (conv == NULL)
		return;
	for (i = 0; i < conv->nevents; i++)
		free(conv->events[i].body);
	free(conv->events);
	free(conv->path);
	free(conv);
}

static int
is_jsonl(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 6 && strcmp(d->d_name + n - 6, ".jsonl") == 0;
}

char **
conversation_list(const char *folder)
{
	struct dirent **names;
	char **list;
	int i, n;

	n = scandir(folder, &names, is_jsonl, alphasort);
	if (n < 0)
		return NULL;
	list = calloc((size_t)n + 1, sizeof(*list));
	for (i = 0; i < n; i++) {
		if (list != NULL && asprintf(&list[i], "%s/%s", folder,
		    names[i]->d_name) == -1) {
			list[i] = NULL;
			conversation_list_free(list);
			list = NULL;
		}
		free(names[i]);
	}
	free(names);
	return list;
}

void
conversation_list_free(char **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

size_t
conversation_answer(const struct conversation *conv, size_t i)
{
	const struct conversation_event *req = &conv->events[i], *ev;
	size_t j;

	for (j = i + 1; j < conv->nevents; j++) {
		ev = &conv->events[j];
		if (ev->conn == req->conn && ev->from != req->from &&
		    ev->kind == CONVERSATION_FRAME && ev->class != SP_REQ &&
		    ev->reqno == req->reqno)
			return j;
	}
	return conv->nevents;
}

size_t
conversation_next(const struct conversation *conv, size_t i, int conn)
{

	while (i < conv->nevents && conv->events[i].conn != conn)
		i++;
	return i;
}

bool
conversation_copy(const struct conversation_event *ev, uint64_t *addr,
    uint64_t *len)
{

	if (ev->kind != CONVERSATION_FRAME || ev->class != SP_REQ ||
	    ev->from != CONVERSATION_SERVER || ev->bodylen < 16)
		return false;
	if (ev->type < SP_COPYIN || ev->type > SP_COPYOUTSTR)
		return false;
	*len = conversation_u64(ev->body);
	*addr = conversation_u64(ev->body + 8);
	return true;
}

/* What one call may reach from one pointer argument; longer than any
 * recorded transfer, shorter than the gaps between address and number. */
#define REACH	(UINT64_C(16) << 20)

bool
conversation_is_pointer(const struct conversation *conv, size_t i,
    uint64_t slot)
{
	size_t end = conversation_answer(conv, i), j;
	uint64_t addr, len;

	if (slot < 4096)
		return false;
	for (j = i + 1; j < end; j++)
		if (conv->events[j].conn == conv->events[i].conn &&
		    conversation_copy(&conv->events[j], &addr, &len) &&
		    addr >= slot && addr - slot < REACH)
			return true;
	return false;
}

uint32_t
conversation_u32(const uint8_t *p)
{

	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

uint64_t
conversation_u64(const uint8_t *p)
{

	return conversation_u32(p) | (uint64_t)conversation_u32(p + 4) << 32;
}
