#include <sys/types.h>
#include <sys/uio.h>

#include <unistd.h>

#include "trace/memory.h"

enum { PAGE = 4096 };		/* the smallest there is; larger is fine */

/*
 * The kernel copies, so that a bad address is an error and no signal.  It
 * stops at a missing page only between the pieces it is given: hence a piece
 * a page.
 */
size_t
trace_peek(uint64_t addr, void *to, size_t len)
{
	struct iovec local, remote[16];
	uint64_t at = addr;
	size_t n = 0, left = len, piece;
	ssize_t got;

	while (left > 0 && n < sizeof(remote) / sizeof(remote[0])) {
		piece = PAGE - at % PAGE;
		if (piece > left)
			piece = left;
		remote[n].iov_base = (void *)(uintptr_t)at;
		remote[n++].iov_len = piece;
		at += piece;
		left -= piece;
	}
	if (n == 0)
		return 0;
	local.iov_base = to;
	local.iov_len = len - left;
	got = process_vm_readv(getpid(), &local, 1, remote, n, 0);
	return got > 0 ? (size_t)got : 0;
}
