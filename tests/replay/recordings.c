#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conversation.h"
#include "recordings.h"

/* A folder that is absent, or empty, is a failure: nothing would be played. */
static char **
find(const char *folder, size_t *n)
{
	char **list = conversation_list(folder);

	*n = 0;
	while (list != NULL && list[*n] != NULL)
		(*n)++;
	if (*n == 0) {
		fprintf(stderr, "no conversations in %s\n", folder);
		exit(EXIT_FAILURE);
	}
	return list;
}

/* Puts the files of two folders into one list. */
static char **
join(char **a, size_t na, char **b, size_t nb)
{
	char **list = calloc(na + nb + 1, sizeof(*list));

	if (list == NULL) {
		perror("conversations");
		exit(EXIT_FAILURE);
	}
	memcpy(list, a, na * sizeof(*list));
	memcpy(list + na, b, nb * sizeof(*list));
	free(a);
	free(b);
	return list;
}

void
recordings_find(struct recordings *r)
{
	char **generated, **written;
	size_t ngenerated, nwritten;

	r->captures = find(RUMPGEN_TOP "/tests/fixtures/netbsd",
	    &r->ncaptures);
	generated = find(RUMPGEN_TOP "/out/tests/fixtures/conversation",
	    &ngenerated);
	written = find(RUMPGEN_TOP "/tests/fixtures/conversation", &nwritten);
	r->fixtures = join(generated, ngenerated, written, nwritten);
	r->nfixtures = ngenerated + nwritten;
	r->calls = find(RUMPGEN_TOP "/out/tests/fixtures/calls", &r->ncalls);
}

void
recordings_free(struct recordings *r)
{

	conversation_list_free(r->captures);
	conversation_list_free(r->fixtures);
	conversation_list_free(r->calls);
	memset(r, 0, sizeof(*r));
}
