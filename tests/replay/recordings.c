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

void
recordings_find(struct recordings *r)
{
	const char *folder = getenv("RUMPGEN_CAPTURES");

	if (folder == NULL || folder[0] == '\0')
		folder = RUMPGEN_TOP "/../shared/captures";
	r->captures = find("captures", folder, &r->ncaptures);
	r->fixtures = find("fixtures",
	    RUMPGEN_TOP "/out/tests/fixtures/conversation", &r->nfixtures);
}

void
recordings_free(struct recordings *r)
{

	conversation_list_free(r->captures);
	conversation_list_free(r->fixtures);
	memset(r, 0, sizeof(*r));
}

const char *
recordings_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}
