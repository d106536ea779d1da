/*
 * One row of the report: a line of JSON on stdout, which tests/bench/report.lua
 * collects from all programs.
 */
#ifndef RUMPGEN_BENCH_ROW_H
#define RUMPGEN_BENCH_ROW_H

#include "bench/sample.h"

/* GOAL_MAX: ours, in its unit, is at most that. */
enum row_goal { GOAL_NONE, GOAL_RATIO_MAX, GOAL_RATIO_MIN, GOAL_MAX };

struct row {
	const char *name;
	const char *unit;	/* of ours and bare: "us", "MB/s", … */
	struct spread ours, bare;
	struct spread ratio;	/* ours/bare, over pairs of rounds */
	enum row_goal goal;
	double goal_value;
	const char *note;	/* what the bare limit is; NULL: as usual */
};

void row_print(const struct row *);

/* A row that could not be measured, and why. */
void row_skip(const char *name, const char *why);

#endif
