#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conversation.h"
#include "recordings.h"

static char **
find(const char *what, const char *folder, size_t *n)
{
	char **list = conversation_list(folder);

	*n = 0;
	if (list == NULL)
		printf("no %s: folder %s is absent\n", what, folder);
	while (list != NULL && list[*n] != NULL)
		(*n)++;
	fflush(stdout);
	return list;
}

/* Puts the files of two folders into one list. */
static char **
join(char **a, size_t na, char **b, size_t nb)
{
	char **list = calloc(na + nb + 1, sizeof(*list));

	if (list == NULL || (na == 0 && nb == 0)) {
		free(list);
		conversation_list_free(a);
		conversation_list_free(b);
		return NULL;
	}
	if (na > 0)
		memcpy(list, a, na * sizeof(*list));
	if (nb > 0)
		memcpy(list + na, b, nb * sizeof(*list));
	free(a);
	free(b);
	return list;
}

void
recordings_find(struct recordings *r)
{
	const char *folder = getenv("RUMPGEN_CAPTURES");
	char **generated, **written;
	size_t ngenerated, nwritten;

	if (folder == NULL || folder[0] == '\0')
		folder = RUMPGEN_TOP "/../shared/captures";
	r->captures = find("captures", folder, &r->ncaptures);
	generated = find("generated conversations",
	    RUMPGEN_TOP "/out/tests/fixtures/conversation", &ngenerated);
	written = find("conversations", RUMPGEN_TOP
	    "/tests/fixtures/conversation", &nwritten);
	r->fixtures = join(generated, ngenerated, written, nwritten);
	r->nfixtures = r->fixtures == NULL ? 0 : ngenerated + nwritten;
	r->calls = find("conversations of calls",
	    RUMPGEN_TOP "/out/tests/fixtures/calls", &r->ncalls);
}

void
recordings_free(struct recordings *r)
{

	conversation_list_free(r->captures);
	conversation_list_free(r->fixtures);
	conversation_list_free(r->calls);
	memset(r, 0, sizeof(*r));
}
