/*
 * Reading and writing one's own memory without faulting.
 */
#include <sys/mman.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "client/usermem.h"
#include "wire/host.h"

#define PAGE	4096u		/* the smallest there is: a safe stride */
#define PROBES	512u		/* pages asked about in one call */
#define PIECE	4096u		/* what every pipe takes without blocking */

static bool
range_ok(uint64_t addr, size_t len)
{

	return addr <= UINTPTR_MAX && len <= UINTPTR_MAX - addr;
}

static void *
pointer(uint64_t addr)
{

	return (void *)(uintptr_t)addr;
}

/*
 * The way round: write(2) from and read(2) into a pipe check addresses as
 * well.  One of src and dst is the suspect, which does not matter.
 */
static int
copy_by_pipe(void *dst, const void *src, size_t len)
{
	size_t done, n;
	int p[2], error;
	ssize_t w, r;

	if (pipe2(p, O_CLOEXEC) == -1)
		return EFAULT;
	error = 0;
	for (done = 0; done < len && error == 0; done += n) {
		n = len - done < PIECE ? len - done : PIECE;
		w = write(p[1], (const char *)src + done, n);
		if (w != (ssize_t)n) {
			error = EFAULT;
			break;
		}
		r = read(p[0], (char *)dst + done, n);
		if (r != (ssize_t)n)
			error = EFAULT;
	}
	host_close(p[0]);
	host_close(p[1]);
	return error;
}

int
usermem_read(void *dst, uint64_t src, size_t len)
{

	if (len == 0)
		return 0;
	if (!range_ok(src, len))
		return EFAULT;
#ifdef __linux__
	struct iovec local = { dst, len };
	struct iovec remote = { pointer(src), len };
	ssize_t n;

	n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
	if (n == (ssize_t)len)
		return 0;
	if (n != -1 || errno == EFAULT)
		return EFAULT;
#endif
	return copy_by_pipe(dst, pointer(src), len);
}

int
usermem_write(uint64_t dst, const void *src, size_t len)
{

	if (len == 0)
		return 0;
	if (!range_ok(dst, len))
		return EFAULT;
#ifdef __linux__
	struct iovec local = { (void *)(uintptr_t)src, len };
	struct iovec remote = { pointer(dst), len };
	ssize_t n;

	n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
	if (n == (ssize_t)len)
		return 0;
	if (n != -1 || errno == EFAULT)
		return EFAULT;
#endif
	return copy_by_pipe(pointer(dst), src, len);
}

#ifdef __linux__
/*
 * Has the kernel (Linux 5.14) look at the whole range as if it were read:
 * 1 or 0, or -1 when it cannot say.
 */
static int
populate(uint64_t addr, size_t len)
{
#ifdef MADV_POPULATE_READ
	uint64_t start = addr & ~(uint64_t)(PAGE - 1);

	if (madvise(pointer(start), len + (size_t)(addr - start),
	    MADV_POPULATE_READ) == 0)
		return 1;
	if (errno == ENOMEM || errno == EFAULT)
		return 0;
#else
	(void)addr;
	(void)len;
#endif
	return -1;
}

/* Reads the first byte of each page in one call: -1 when that is forbidden,
 * else whether all were there. */
static int
probe_pages(uint64_t addr, uint64_t end)
{
	struct iovec remote[PROBES], local;
	char bytes[PROBES];
	size_t i;
	ssize_t n;

	for (i = 0; i < PROBES && addr < end; i++) {
		remote[i] = (struct iovec){ pointer(addr), 1 };
		addr = (addr & ~(uint64_t)(PAGE - 1)) + PAGE;
	}
	local = (struct iovec){ bytes, i };
	n = process_vm_readv(getpid(), &local, 1, remote, i, 0);
	if (n == -1 && errno != EFAULT)
		return -1;
	return n == (ssize_t)i;
}
#endif

bool
usermem_readable(uint64_t addr, size_t len)
{
	uint64_t end, at;
	char byte;

	if (len == 0)
		return true;
	if (!range_ok(addr, len))
		return false;
	end = addr + len;
	at = addr;
#ifdef __linux__
	int r;

	r = populate(addr, len);
	if (r != -1)
		return r == 1;
	while (at < end) {
		r = probe_pages(at, end);
		if (r == 0)
			return false;
		if (r == -1)
			break;
		at = (at & ~(uint64_t)(PAGE - 1)) + (uint64_t)PROBES * PAGE;
	}
#endif
	while (at < end) {
		if (usermem_read(&byte, at, 1) != 0)
			return false;
		at = (at & ~(uint64_t)(PAGE - 1)) + PAGE;
	}
	return true;
}

int
usermem_strlen(uint64_t addr, size_t max, char *buf, size_t room, size_t *len)
{
	char page[PAGE];
	const char *nul;
	size_t done, n, keep;

	for (done = 0; done < max; done += n) {
		n = PAGE - (size_t)((addr + done) & (PAGE - 1));
		if (n > max - done)
			n = max - done;
		if (usermem_read(page, addr + done, n) != 0)
			return EFAULT;
		nul = memchr(page, '\0', n);
		if (nul != NULL)
			n = (size_t)(nul - page) + 1;
		if (done < room) {
			keep = n < room - done ? n : room - done;
			memcpy(buf + done, page, keep);
		}
		if (nul != NULL) {
			*len = done + n;
			return 0;
		}
	}
	*len = max;
	return 0;
}
