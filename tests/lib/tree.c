#include <sys/stat.h>

#include <ftw.h>
#include <stdio.h>

#include "lib/tree.h"

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{

	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
tree_remove(const char *path)
{

	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
