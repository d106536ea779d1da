#include <arpa/inet.h>

#include <stdbool.h>
#include <string.h>

#include <rump/rumpdefs.h>

#include "fuzz/object.h"
#include "fuzz/values.h"

/* One element of an array of them, made in a buffer of this size. */
enum { ELEMENT_MAX = 1088, LONG_NAME = 1088 };

static uint64_t
place(const struct object_space *sp, enum object_kind kind, struct rng *r)
{

	if (rng_below(r, 32) == 0)
		return rng_below(r, 2) == 0 ? 0 : rng_extreme(r);
	return sp->place(sp->cookie, kind,
	    (uint32_t)(OBJECT_NAMES + rng_below(r, 1 << 20)));
}

static void *
pointer(const struct object_space *sp, enum object_kind kind, struct rng *r)
{

	return (void *)(uintptr_t)place(sp, kind, r);
}

static void
make_noise(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	uint64_t v[8];
	unsigned i;

	(void)sp;
	for (i = 0; i < 8; i++)
		v[i] = i < 4 ? rng_below(r, 300) : rng_extreme(r);
	memcpy(to, v, sizeof(v));
}

static void
make_string(const struct object_space *sp, struct rng *r, uint8_t *to)
{

	(void)sp;
	if (rng_below(r, 48) == 0)
		memset(to, 'n', LONG_NAME);
	else
		strcpy((char *)to, value_name(r));
}

static void
make_size(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	uint64_t v = value_length(r);

	(void)sp;
	memcpy(to, &v, sizeof(v));
}

static void
make_int(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	uint32_t v = (uint32_t)value_number(r);

	(void)sp;
	memcpy(to, &v, sizeof(v));
}

static void
make_time(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	int64_t v[2] = { 0, (int64_t)rng_below(r, 2000) };

	(void)sp;
	if (rng_below(r, 8) == 0)
		v[0] = (int64_t)value_number(r);
	if (rng_below(r, 16) == 0)
		v[1] = (int64_t)rng_extreme(r);
	memcpy(to, v, sizeof(v));
}

static void
make_fdset(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_fd_set set;
	unsigned i;

	(void)sp;
	rump_fd_zero(&set);
	for (i = 0; i < 3; i++)
		rump_fd_setbit((int)value_fd(r), &set);
	memcpy(to, &set, sizeof(set));
}

static void
local_address(uint8_t *to, const char *name)
{
	struct rump_sockaddr_un un = { .sun_len = sizeof(un),
	    .sun_family = RUMP_AF_LOCAL };

	strncpy(un.sun_path, name, sizeof(un.sun_path) - 1);
	memcpy(to, &un, sizeof(un));
}

static void
make_sockaddr(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_sockaddr_in in = { .sin_len = sizeof(in),
	    .sin_family = RUMP_AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)sp;
	if (rng_below(r, 3) > 0) {
		local_address(to, value_name(r));
		return;
	}
	if (rng_below(r, 8) == 0)
		in.sin_family = (uint8_t)value_of_set(r, "domain");
	memcpy(to, &in, sizeof(in));
}

static void
make_control(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	/* The header's length without its padding; then three descriptors. */
	uint32_t c[7] = { 16 + 4 * 2, RUMP_SOL_SOCKET, RUMP_SCM_RIGHTS, 0,
	    (uint32_t)value_fd(r), (uint32_t)value_fd(r),
	    (uint32_t)value_fd(r) };

	(void)sp;
	if (rng_below(r, 4) == 0)
		c[rng_below(r, 7)] = (uint32_t)value_number(r);
	memcpy(to, c, sizeof(c));
}

static void
make_iovec(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_iovec iov = { pointer(sp, OBJECT_NOISE, r),
	    value_length(r) };

	memcpy(to, &iov, sizeof(iov));
}

static void
make_msghdr(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_mmsghdr m = { .msg_hdr = {
	    .msg_iov = pointer(sp, OBJECT_IOVEC, r),
	    .msg_iovlen = (int32_t)rng_below(r, 5),
	    .msg_control = pointer(sp, OBJECT_CONTROL, r),
	    .msg_controllen = rng_below(r, 2) == 0 ? 0 : 24 } };

	if (rng_below(r, 4) == 0) {
		m.msg_hdr.msg_name = pointer(sp, OBJECT_SOCKADDR, r);
		m.msg_hdr.msg_namelen = 106;
	}
	if (rng_below(r, 8) == 0)
		m.msg_hdr.msg_iovlen = (int32_t)value_number(r);
	if (rng_below(r, 8) == 0)
		m.msg_hdr.msg_controllen = (uint32_t)value_length(r);
	memcpy(to, &m, sizeof(m));
}

static void
make_pollfd(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_pollfd p = { .fd = (int32_t)value_fd(r),
	    .events = (int16_t)value_of_set(r, "poll") };

	(void)sp;
	memcpy(to, &p, sizeof(p));
}

static void
make_kevent(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_kevent k = {
	    .ident = rng_below(r, 4) == 0 ? value_number(r) : value_fd(r),
	    .filter = (uint32_t)value_of_set(r, "evfilt"),
	    .flags = (uint32_t)(RUMP_EV_ADD | value_of_set(r, "ev")),
	    .fflags = (uint32_t)rng_below(r, 128),
	    .data = (int64_t)value_number(r) };

	(void)sp;
	if (rng_below(r, 3) == 0)
		k.flags &= ~(uint32_t)RUMP_EV_ADD;
	memcpy(to, &k, sizeof(k));
}

static struct rump_sigevent
a_sigevent(struct rng *r)
{

	return (struct rump_sigevent){
	    .sigev_notify = (int32_t)rng_below(r, 4),
	    .sigev_signo = (int32_t)value_of_set(r, "signal") };
}

static void
make_sigevent(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_sigevent ev = a_sigevent(r);

	(void)sp;
	memcpy(to, &ev, sizeof(ev));
}

static void
make_aiocb(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	struct rump_aiocb cb = { .aio_buf = pointer(sp, OBJECT_NOISE, r),
	    .aio_nbytes = value_length(r), .aio_fildes = (int32_t)value_fd(r),
	    .aio_lio_opcode = (int32_t)rng_below(r, 4),
	    .aio_sigevent = a_sigevent(r) };

	memcpy(to, &cb, sizeof(cb));
}

static void
make_aiolist(const struct object_space *sp, struct rng *r, uint8_t *to)
{
	uint64_t v = place(sp, OBJECT_AIOCB, r);

	memcpy(to, &v, sizeof(v));
}

static const struct {
	void (*make)(const struct object_space *, struct rng *, uint8_t *);
	size_t size;
} kinds[OBJECT_KINDS] = {
	[OBJECT_NOISE] = { make_noise, 64 },
	[OBJECT_STRING] = { make_string, LONG_NAME },
	[OBJECT_SIZE] = { make_size, 8 },
	[OBJECT_INTS] = { make_int, 4 },
	[OBJECT_TIME] = { make_time, 16 },
	[OBJECT_FDSET] = { make_fdset, sizeof(struct rump_fd_set) },
	[OBJECT_SOCKADDR] = { make_sockaddr, 128 },
	[OBJECT_CONTROL] = { make_control, 28 },
	[OBJECT_IOVEC] = { make_iovec, sizeof(struct rump_iovec) },
	[OBJECT_MSGHDR] = { make_msghdr, sizeof(struct rump_mmsghdr) },
	[OBJECT_POLLFD] = { make_pollfd, sizeof(struct rump_pollfd) },
	[OBJECT_KEVENT] = { make_kevent, sizeof(struct rump_kevent) },
	[OBJECT_SIGEVENT] = { make_sigevent, sizeof(struct rump_sigevent) },
	[OBJECT_AIOCB] = { make_aiocb, sizeof(struct rump_aiocb) },
	[OBJECT_AIOLIST] = { make_aiolist, 8 },
};

static void
make(const struct object_space *sp, enum object_kind kind, uint32_t seed,
    size_t n, uint8_t *to)
{
	struct rng r = { .state = (uint64_t)seed << 32 ^ n << 8 ^ kind };

	memset(to, 0, ELEMENT_MAX);
	if (seed < OBJECT_NAMES && kind == OBJECT_STRING)
		strcpy((char *)to, value_names[seed]);
	else if (seed < OBJECT_NAMES && kind == OBJECT_SOCKADDR)
		local_address(to, value_names[seed]);
	else
		kinds[kind].make(sp, &r, to);
}

void
object_read(const struct object_space *sp, enum object_kind kind,
    uint32_t seed, size_t from, uint8_t *to, size_t len)
{
	uint8_t element[ELEMENT_MAX];
	size_t size = kinds[kind].size, n;

	for (; len > 0; from += n, to += n, len -= n) {
		make(sp, kind, seed, from / size, element);
		n = size - from % size < len ? size - from % size : len;
		memcpy(to, element + from % size, n);
	}
}

enum object_kind
object_kind(const struct sysdesc_arg *a)
{
	static const struct {
		const char *word;
		enum object_kind kind;
	} types[] = {
		{ "sockaddr", OBJECT_SOCKADDR }, { "pollfd", OBJECT_POLLFD },
		{ "kevent", OBJECT_KEVENT }, { "sigevent", OBJECT_SIGEVENT },
		{ "time", OBJECT_TIME }, { "aiocb *const", OBJECT_AIOLIST },
		{ "aiocb", OBJECT_AIOCB }, { "len_t", OBJECT_SIZE },
		{ "size_t", OBJECT_SIZE }, { "int *", OBJECT_INTS },
		{ "gid_t", OBJECT_INTS }, { "intptr_t", OBJECT_INTS },
		{ "iovec", OBJECT_IOVEC }, { "msghdr", OBJECT_MSGHDR },
		{ "fd_set", OBJECT_FDSET },
	};
	size_t i;

	if (a->extent == SYSDESC_X_STRING)
		return OBJECT_STRING;
	if (a->extent == SYSDESC_X_FCNTL || a->extent == SYSDESC_X_IOCTL)
		return OBJECT_INTS;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strstr(a->type, types[i].word) != NULL)
			return types[i].kind;
	return OBJECT_NOISE;
}
