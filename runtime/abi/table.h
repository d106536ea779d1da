/* Pairs of equal values, and how to go through them. */
#ifndef RUMPGEN_ABI_TABLE_H
#define RUMPGEN_ABI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct abi_pair {
	int nb;
	int host;
};

#define ABI_COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* The first pair with that value decides; false when there is none. */
bool abi_to_host(const struct abi_pair *, size_t n, int nb, int *host);
bool abi_from_host(const struct abi_pair *, size_t n, int host, int *nb);

/* Bit by bit; *rest gets the bits that no pair has. */
int abi_bits_to_host(const struct abi_pair *, size_t n, int nb, int *rest);
int abi_bits_from_host(const struct abi_pair *, size_t n, int host, int *rest);

#endif
