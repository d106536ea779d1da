#include <sys/stat.h>

#include <ftw.h>
#include <stdio.h>

#include "lib/tree.h"

static unsigned opened;		/* directories that could not be read */

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{

	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Makes a directory one that can be emptied. */
static int
open_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{

	(void)st;
	(void)ftw;
	if ((type == FTW_D || type == FTW_DNR) && chmod(path, 0700) == 0)
		opened += type == FTW_DNR;
	return 0;
}

int
tree_remove(const char *path)
{

	/* What could not be looked into before is looked into the next time. */
	do {
		opened = 0;
		if (nftw(path, open_one, 16, FTW_PHYS) != 0)
			return -1;
	} while (opened > 0);
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
