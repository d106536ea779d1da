#include "abi/table.h"

bool
abi_to_host(const struct abi_pair *t, size_t n, int nb, int *host)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (t[i].nb == nb) {
			*host = t[i].host;
			return true;
		}
	}
	return false;
}

bool
abi_from_host(const struct abi_pair *t, size_t n, int host, int *nb)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (t[i].host == host) {
			*nb = t[i].nb;
			return true;
		}
	}
	return false;
}

/*
 * A pair's bits must all be there: Linux's O_SYNC contains its O_DSYNC, so the
 * larger one comes first in a table.
 */
int
abi_bits_to_host(const struct abi_pair *t, size_t n, int nb, int *rest)
{
	size_t i;
	int host = 0;

	for (i = 0; i < n; i++) {
		if ((nb & t[i].nb) == t[i].nb) {
			host |= t[i].host;
			nb &= ~t[i].nb;
		}
	}
	*rest = nb;
	return host;
}

int
abi_bits_from_host(const struct abi_pair *t, size_t n, int host, int *rest)
{
	size_t i;
	int nb = 0;

	for (i = 0; i < n; i++) {
		if ((host & t[i].host) == t[i].host) {
			nb |= t[i].nb;
			host &= ~t[i].host;
		}
	}
	*rest = host;
	return nb;
}
