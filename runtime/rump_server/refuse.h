/*
 * Calls that are refused: presets by name, and the kernel interface that
 * answers EPERM for them and asks the embedded kernel for all others.
 */
#ifndef RUMPGEN_RUMP_SERVER_REFUSE_H
#define RUMPGEN_RUMP_SERVER_REFUSE_H

#include <stdbool.h>
#include <stdio.h>

#include <rump/rumpserver.h>

/* Refuses the calls of a preset; false if there is none of that name. */
bool refuse_preset(const char *name);

/* The presets, a line each. */
void refuse_print(FILE *);
/* Their names, each with a space before it. */
void refuse_names(char *buf, size_t len);

/* `inner', with the refused calls taken out.  One for the whole program. */
const struct rumpserver_kernel *refuse_kernel(
    const struct rumpserver_kernel *inner);

#endif
