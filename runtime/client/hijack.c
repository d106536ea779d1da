/*
 * The symbol by which librumphijack, when it is there, finds the host's
 * functions behind those it replaces.
 */
#include <dlfcn.h>

void *rumpclient__dlsym(void *handle, const char *symbol);
void *rumphijack_dlsym(void *handle, const char *symbol)
    __attribute__((__weak__, __alias__("rumpclient__dlsym")));

void *
rumpclient__dlsym(void *handle, const char *symbol)
{

	return dlsym(handle, symbol);
}
