#include "bench/row.h"

#include <stdbool.h>
#include <stdio.h>

/* Names and notes are our own constants: only quotes need care. */
static void
print_string(const char *key, const char *s)
{

	printf("\"%s\":\"", key);
	for (; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	putchar('"');
}

static void
print_spread(const char *key, const struct spread *s)
{

	if (s->n == 0)
		return;
	printf(",\"%s\":{\"median\":%.6g,\"q1\":%.6g,\"q3\":%.6g,\"n\":%u}",
	    key, s->median, s->q1, s->q3, s->n);
}

static void
print_goal(const struct row *r)
{
	static const char *const names[] = {
		[GOAL_RATIO_MAX] = "ratio_max",
		[GOAL_RATIO_MIN] = "ratio_min",
		[GOAL_MAX] = "max",
	};
	bool met;

	if (r->goal == GOAL_NONE)
		return;
	if (r->goal == GOAL_RATIO_MIN)
		met = r->ratio.median >= r->goal_value;
	else if (r->goal == GOAL_RATIO_MAX)
		met = r->ratio.median <= r->goal_value;
	else
		met = r->ours.median <= r->goal_value;
	printf(",\"target\":{\"%s\":%.3g,\"met\":%s}", names[r->goal],
	    r->goal_value, met ? "true" : "false");
}

void
row_print(const struct row *r)
{

	putchar('{');
	print_string("name", r->name);
	putchar(',');
	print_string("unit", r->unit);
	print_spread("ours", &r->ours);
	print_spread("bare", &r->bare);
	print_spread("ratio", &r->ratio);
	print_goal(r);
	if (r->note != NULL) {
		putchar(',');
		print_string("note", r->note);
	}
	puts("}");
	fflush(stdout);
}

void
row_skip(const char *name, const char *why)
{

	putchar('{');
	print_string("name", name);
	putchar(',');
	print_string("skipped", why);
	puts("}");
	fflush(stdout);
}
