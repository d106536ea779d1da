/*
 * Recorded rump_sp conversations, and a player for either side of one.
 *
 * A conversation is a `.jsonl` file, an event a line:
 *
 *	{"conn":1,"from":"server","banner":"<hex>"}
 *	{"conn":1,"from":"client","len":48,"reqno":3,"class":"req",
 *	 "type":"syscall","u":4,"body":"<hex>"}
 *	{"conn":1,"from":"client","eof":true}
 *
 * `class` is req, resp or error; `type` the frame type's name; `u` the last
 * word of the header.  Other members of a line are ignored.
 *
 * The player knows the protocol by itself: nothing here uses the code that
 * the tests are about.
 */
#ifndef TESTS_LIB_CONVERSATION_H
#define TESTS_LIB_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum conversation_side { CONVERSATION_CLIENT, CONVERSATION_SERVER };

enum conversation_kind {
	CONVERSATION_BANNER,	/* body is the line, newline included */
	CONVERSATION_FRAME,
	CONVERSATION_EOF,
};

/* The protocol's numbers, as rump_sp 0.4 has them. */
enum { SP_REQ = 0, SP_RESP = 1, SP_ERROR = 2 };
enum {
	SP_HANDSHAKE = 0, SP_SYSCALL = 1, SP_COPYIN = 2, SP_COPYINSTR = 3,
	SP_COPYOUT = 4, SP_COPYOUTSTR = 5, SP_ANONMMAP = 6, SP_PREFORK = 7,
	SP_RAISE = 8, SP_NTYPES
};
enum { SP_GUEST = 0, SP_FORK = 2, SP_EXEC = 3 };
#define SP_HDRLEN	24u
#define SP_COOKIELEN	16u

struct conversation_event {
	unsigned line;			/* in the file, from 1 */
	int conn;
	enum conversation_side from;
	enum conversation_kind kind;
	/* a frame's header */
	uint64_t len;			/* header included */
	uint64_t reqno;
	uint16_t class;
	uint16_t type;
	uint32_t u;
	/* a frame's body, or the banner */
	uint8_t *body;
	size_t bodylen;
};

struct conversation {
	char *path;
	struct conversation_event *events;
	size_t nevents;
};

/* Room for a message that says what is wrong and where. */
#define CONVERSATION_WHY	512

/*
 * Reads a file.  Returns NULL with a message in why[] when it cannot be read
 * or a line is not an event.  Free with conversation_free().
 */
struct conversation *conversation_load(const char *path,
    char why[CONVERSATION_WHY]);
void conversation_free(struct conversation *);

/*
 * The `.jsonl` files of a folder, sorted, NULL at the end; NULL when there is
 * no such folder.  Free with conversation_list_free().
 */
char **conversation_list(const char *folder);
void conversation_list_free(char **);

/* --- finding one's way in a conversation --- */

/*
 * The event that answers the request ev[i]: the first later frame on the
 * same connection, from the other side, with its number, of class response
 * or error.  Returns its index, or nevents when there is none.
 */
size_t conversation_answer(const struct conversation *, size_t i);

/* The next event on connection conn from index i on, nevents if none. */
size_t conversation_next(const struct conversation *, size_t i, int conn);

/* Is this a request of a server that names client memory?  If so, which. */
bool conversation_copy(const struct conversation_event *, uint64_t *addr,
    uint64_t *len);

/*
 * Does this value of an argument slot point at memory that a later copyin or
 * copyout of the call at index i touches?  Such a slot is a pointer.
 */
bool conversation_is_pointer(const struct conversation *, size_t i,
    uint64_t slot);

/* The host-independent little-endian integers of a body. */
uint64_t conversation_u64(const uint8_t *);
uint32_t conversation_u32(const uint8_t *);

/* --- playing --- */

struct conversation_player {
	const struct conversation *conv;
	enum conversation_side side;	/* the one to play */

	/* A connected socket for connection `conn`: connect(2) for a client,
	 * accept(2) for a server.  The player closes it.  -1: cannot. */
	int (*open)(void *cookie, int conn);

	/* Event i comes next; before it is sent or waited for.  Optional. */
	void (*progress)(void *cookie, size_t i);
	void *cookie;

	size_t chunk;		/* send at most so many bytes at once; 0: all */
	int timeout_ms;		/* for one event of the other side */
};

/*
 * Plays one side from the first event to the last.  What the other side
 * sends must be the recorded bytes.  Allowed to differ are only
 *
 * - request numbers of the other side: they may start anywhere, on a
 *   connection and again after an exec, but count like the recorded ones;
 * - a client's command name in a guest or exec handshake;
 * - addresses: an argument slot that is a pointer (conversation_is_pointer),
 *   the answer to anonmmap; where the player names them later, in copies and
 *   results, it uses the values it was told;
 * - process ids in the results of the calls that return them, the same one
 *   for the same recorded one;
 * - the cookie in the answer to prefork; the player uses the one it got;
 * - the four bytes of padding in the answer to a syscall.
 *
 * Returns true, or false with a message in why[] that names file, line and
 * difference.
 */
bool conversation_play(const struct conversation_player *,
    char why[CONVERSATION_WHY]);

#endif
