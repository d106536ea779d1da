#include <sys/types.h>

#include <dirent.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "lib/conversation.h"
#include "lib/suite.h"

#define DEFAULT_SEED	20160101u
#define DEFAULT_SECONDS	5

unsigned long fuzz_seed, fuzz_current;

/* --- numbers --- */

uint64_t
rng_next(struct rng *r)
{
	uint64_t z;

	z = r->state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t
rng_below(struct rng *r, uint64_t n)
{

	return rng_next(r) % n;
}

uint64_t
rng_extreme(struct rng *r)
{
	uint64_t v;

	switch (rng_below(r, 6)) {
	case 0:
		return rng_below(r, 16);
	case 1:
		return -rng_below(r, 16);
	case 2:
		v = (uint64_t)1 << rng_below(r, 64);
		return v + rng_below(r, 3) - 1;
	case 3:
		return (uint32_t)-rng_below(r, 16);
	case 4:
		return rng_below(r, 65536);
	default:
		return rng_next(r);
	}
}

/* --- supply --- */

size_t
take_bytes(struct supply *s, void *to, size_t n)
{

	if (n > s->left)
		n = s->left;
	memcpy(to, s->p, n);
	s->p += n;
	s->left -= n;
	return n;
}

uint8_t
take8(struct supply *s)
{
	uint8_t v = 0;

	take_bytes(s, &v, sizeof(v));
	return v;
}

uint32_t
take32(struct supply *s)
{
	uint32_t v = 0;

	take_bytes(s, &v, sizeof(v));
	return v;
}

uint64_t
take64(struct supply *s)
{
	uint64_t v = 0;

	take_bytes(s, &v, sizeof(v));
	return v;
}

uint64_t
take_length(struct supply *s)
{
	static const uint64_t limits[] = { 0, 1, 24, 4096, 8192, 65536,
	    131072, 262144, 1 << 20, (1 << 20) + 1, 3 << 20, 16 << 20 };
	uint8_t c = take8(s);

	if (c < 240)
		return c;
	return limits[take8(s) % (sizeof(limits) / sizeof(limits[0]))] +
	    c % 3 - 1;
}

/* --- inputs --- */

size_t
fuzz_random(struct rng *r, uint8_t *buf, size_t max)
{
	size_t n, i;

	n = (size_t)rng_below(r, max + 1);
	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)rng_next(r);
	return n;
}

static size_t
mutate_once(struct rng *r, uint8_t *buf, size_t len, size_t cap)
{
	size_t at, n;
	uint64_t v;

	if (len == 0)
		return fuzz_random(r, buf, cap < 32 ? cap : 32);
	at = (size_t)rng_below(r, len);
	n = 1 + (size_t)rng_below(r, len - at < 32 ? len - at : 32);
	switch (rng_below(r, 6)) {
	case 0:
		buf[at] ^= (uint8_t)(1u << rng_below(r, 8));
		return len;
	case 1:
		buf[at] = (uint8_t)rng_next(r);
		return len;
	case 2:
		v = rng_extreme(r);
		if (len - at >= 8)
			memcpy(buf + at, &v, 8);
		return len;
	case 3:
		memmove(buf + at, buf + at + n, len - at - n);
		return len - n;
	case 4:
		if (len + n > cap)
			return at;
		memmove(buf + at + n, buf + at, len - at);
		return len + n;
	default:
		return rng_below(r, 8) == 0 ? at : len;
	}
}

size_t
fuzz_mutate(struct rng *r, uint8_t *buf, size_t len, size_t cap)
{
	uint64_t n;

	for (n = 1 + rng_below(r, 5); n > 0; n--)
		len = mutate_once(r, buf, len, cap);
	return len;
}

static struct conversation *
load(const char *path)
{
	char why[CONVERSATION_WHY];
	struct conversation *c;

	c = conversation_load(path, why);
	if (c == NULL)
		fuzz_fail("%s", why);
	return c;
}

enum { MAX_RECORDED = 64 };
static struct conversation *recorded[MAX_RECORDED];
static size_t nrecorded;

static void
load_recorded(void)
{
	char **list;
	size_t i;

	list = conversation_list(RUMPGEN_TOP "/tests/fixtures/conversation");
	if (list == NULL || list[0] == NULL)
		fuzz_fail("no recorded conversations");
	for (i = 0; list[i] != NULL && i < MAX_RECORDED; i++)
		recorded[nrecorded++] = load(list[i]);
	conversation_list_free(list);
}

static size_t
put_frame(const struct conversation_event *ev, uint8_t *to, size_t room)
{
	uint8_t hdr[SP_HDRLEN];

	if (SP_HDRLEN + ev->bodylen > room)
		return 0;
	memcpy(hdr, &ev->len, 8);
	memcpy(hdr + 8, &ev->reqno, 8);
	memcpy(hdr + 16, &ev->class, 2);
	memcpy(hdr + 18, &ev->type, 2);
	memcpy(hdr + 20, &ev->u, 4);
	memcpy(to, hdr, SP_HDRLEN);
	if (ev->bodylen > 0)
		memcpy(to + SP_HDRLEN, ev->body, ev->bodylen);
	return SP_HDRLEN + ev->bodylen;
}

size_t
fuzz_recorded(struct rng *r, bool from_client, uint8_t *buf, size_t cap)
{
	enum conversation_side side = from_client ? CONVERSATION_CLIENT :
	    CONVERSATION_SERVER;
	const struct conversation_event *ev;
	const struct conversation *c;
	size_t i, len;

	if (nrecorded == 0)
		load_recorded();
	c = recorded[rng_below(r, nrecorded)];
	len = 0;
	for (i = 0; i < c->nevents; i++) {
		ev = &c->events[i];
		if (ev->kind == CONVERSATION_FRAME && ev->from == side &&
		    ev->conn == c->events[0].conn)
			len += put_frame(ev, buf + len, cap - len);
	}
	return len;
}

/* --- failing --- */

void
fuzz_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: FUZZ_SEED=%lu FUZZ_ONLY=%lu: ", fuzz_target.name,
	    fuzz_seed, fuzz_current);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

unsigned
fuzz_fds(void)
{
	unsigned n;
	DIR *d;

	d = opendir("/proc/self/fd");
	if (d == NULL)
		fuzz_fail("/proc/self/fd cannot be read");
	for (n = 0; readdir(d) != NULL; n++)
		continue;
	closedir(d);
	return n - 3;		/* ".", "..", and the directory's own */
}

unsigned
fuzz_hang(void)
{

	return (unsigned)in_units(30000) / 1000;
}

#ifdef FUZZ_LIBFUZZER

int LLVMFuzzerInitialize(int *, char ***);
int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{

	(void)argc;
	(void)argv;
	fuzz_target.setup();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{

	if (len <= FUZZ_MAX)
		fuzz_target.run(data, len);
	return 0;
}

#else

static void
hung(int signo)
{
	static const char text[] = "an input hangs\n";
	char line[128];
	int n;

	(void)signo;
	n = snprintf(line, sizeof(line), "%s: FUZZ_SEED=%lu FUZZ_ONLY=%lu: %s",
	    fuzz_target.name, fuzz_seed, fuzz_current, text);
	if (write(2, line, (size_t)n) == -1)
		_exit(2);
	abort();
}

static unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *s = getenv(name);

	return s != NULL && *s != '\0' ? strtoul(s, NULL, 0) : otherwise;
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static uint8_t input[FUZZ_MAX];

static unsigned long seeds[2];		/* of even and of odd inputs */

static void
choose_seeds(void)
{
	struct timespec ts;

	seeds[0] = seeds[1] = setting("FUZZ_SEED", DEFAULT_SEED);
	clock_gettime(CLOCK_REALTIME, &ts);
	if (fuzz_target.fresh && getenv("FUZZ_SEED") == NULL)
		seeds[1] = (unsigned long)ts.tv_nsec;
	printf("%s: FUZZ_SEED=%lu", fuzz_target.name, seeds[0]);
	if (seeds[1] != seeds[0])
		printf(" and, of every other input, %lu", seeds[1]);
	printf("\n");
	fflush(stdout);
}

static size_t
make_input(unsigned long n)
{
	struct rng r;

	fuzz_current = n;
	fuzz_seed = seeds[n % 2];
	r.state = fuzz_seed * 0x9e3779b97f4a7c15u + n;
	return fuzz_target.make(&r, input);
}

static int
write_corpus(const char *dir)
{
	char path[1024];
	unsigned long n;
	size_t len;
	FILE *f;

	for (n = 0; n < 100; n++) {
		len = make_input(n);
		snprintf(path, sizeof(path), "%s/%03lu", dir, n);
		f = fopen(path, "w");
		if (f == NULL || fwrite(input, 1, len, f) != len ||
		    fclose(f) != 0) {
			perror(path);
			return 1;
		}
	}
	return 0;
}

int
main(void)
{
	const char *dir = getenv("FUZZ_CORPUS");
	unsigned long only, n;
	unsigned patience;
	double end;
	size_t len;

	choose_seeds();
	if (dir != NULL)
		return write_corpus(dir);
	only = setting("FUZZ_ONLY", ~0ul);
	signal(SIGALRM, hung);
	patience = fuzz_hang();
	alarm(patience);
	fuzz_target.setup();
	end = seconds() + (double)setting("FUZZ_SECONDS",
	    fuzz_target.seconds != 0 ? fuzz_target.seconds : DEFAULT_SECONDS);
	for (n = 0; seconds() < end; n++) {
		alarm(patience);
		len = make_input(only != ~0ul ? only : n);
		fuzz_target.run(input, len);
		if (only != ~0ul && getenv("FUZZ_SECONDS") == NULL)
			break;
	}
	alarm(patience);
	fuzz_target.finish();
	while (nrecorded > 0)
		conversation_free(recorded[--nrecorded]);
	printf("%s: %lu inputs, 100%%: Checks: 1, Failures: 0, Errors: 0\n",
	    fuzz_target.name, n);
	return 0;
}

#endif
