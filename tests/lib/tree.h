/*
 * Directories that tests make.
 */
#ifndef TESTS_LIB_TREE_H
#define TESTS_LIB_TREE_H

/* Removes it and all in it, without following links.  0, or what remove(3)
 * said of the first that stays, with errno. */
int tree_remove(const char *path);

#endif
