/*
 * A kernel that does what a recorded one did: behind our server, it makes the
 * recorded copies, raises the recorded signals and gives the recorded
 * results.
 */
#ifndef TESTS_REPLAY_SCRIPT_H
#define TESTS_REPLAY_SCRIPT_H

#include <rump/rumpserver.h>

#include "lib/conversation.h"

struct script;

extern const struct rumpserver_kernel script_kernel;

struct script *script_create(const struct conversation *);
void script_destroy(struct script *);

/* For conversation_player.progress of the client's side, with the script as
 * cookie: what the kernel does waits until the player has come there. */
void script_progress(struct script *, size_t i);

/* What the kernel was told and was not recorded; NULL when nothing. */
const char *script_wrong(struct script *);

#endif
