#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "fuzz/talk.h"
#include "hostkern/hostkern.h"

enum { ANSWERS = 4 };

static struct peer peers[TALKERS];
static struct {
	uint8_t memory[TALK_MEMORY];
	struct talk_answer answers[ANSWERS];
	unsigned nanswers;
	uint64_t raised;
} talkers[TALKERS];
static struct hostkern *hk;
static struct rumpserver *srv;
static pthread_t loop;
static int quit[2];		/* a pipe, closed to end the loop; or -1 */

/* A third of what an input may take, in milliseconds. */
static int
patience(void)
{

	return (int)fuzz_hang() * 333;
}

/* --- what the server says --- */

static void
copy(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{
	uint8_t *memory = talkers[p->id].memory;
	struct frame_copy c;

	memcpy(&c, body, sizeof(c));
	c.addr -= TALK_BASE;
	if (c.addr > TALK_MEMORY || (c.len > TALK_MEMORY - c.addr &&
	    hdr->type != FRAME_COPYINSTR))
		fuzz_fail("the server asks for memory that nobody named");
	if (hdr->type == FRAME_COPYOUT) {
		if (c.len > PEER_BODY - sizeof(c))
			fuzz_fail("a copyout of %llu bytes",
			    (unsigned long long)c.len);
		memcpy(memory + c.addr, body + sizeof(c), c.len);
		return;
	}
	if (hdr->type == FRAME_COPYINSTR)
		c.len = strlen((char *)memory + c.addr) + 1;
	peer_say(p, FRAME_RESP, FRAME_COPYIN, hdr->reqno, 0, memory + c.addr,
	    c.len);
}

static void
heard(struct peer *p, const struct frame_hdr *hdr, const uint8_t *body)
{
	struct talk_answer *a;
	struct frame_sysresp r;

	if (hdr->class == FRAME_REQ && hdr->type == FRAME_RAISE)
		talkers[p->id].raised |= UINT64_C(1) << hdr->u % 64;
	else if (hdr->class == FRAME_REQ)
		copy(p, hdr, body);
	if (hdr->class == FRAME_REQ)
		return;
	a = &talkers[p->id].answers[talkers[p->id].nanswers++ % ANSWERS];
	*a = (struct talk_answer){ .reqno = hdr->reqno, .class = hdr->class };
	if (hdr->class == FRAME_ERROR) {
		a->error = (int)hdr->u;
	} else if (hdr->type == FRAME_SYSCALL) {
		memcpy(&r, body, sizeof(r));
		a->error = r.error;
		memcpy(a->ret, r.retval, sizeof(a->ret));
	} else if (hdr->type == FRAME_PREFORK) {
		memcpy(a->cookie, body, sizeof(a->cookie));
	} else {
		memcpy(&a->error, body, 4);
	}
}

/* --- what guests do --- */

uint8_t *
talk_memory(unsigned n)
{

	return talkers[n].memory;
}

uint64_t
talk_raised(unsigned n)
{

	return talkers[n].raised;
}

uint64_t
talk_ask(unsigned n, unsigned type, uint32_t u, const void *body, size_t len)
{

	return peer_ask(&peers[n], type, u, body, len);
}

static struct talk_answer *
find(unsigned n, uint64_t reqno)
{
	unsigned i;

	for (i = 0; i < ANSWERS; i++)
		if (talkers[n].answers[i].reqno == reqno)
			return &talkers[n].answers[i];
	return NULL;
}

bool
talk_has(unsigned n, uint64_t reqno)
{

	while (peers_pump(peers, TALKERS, 0))
		continue;
	return find(n, reqno) != NULL;
}

struct talk_answer
talk_wait(unsigned n, uint64_t reqno)
{
	int ms, most = patience();

	for (ms = 0; ms < most && find(n, reqno) == NULL; ms += 10)
		while (peers[n].fd != -1 && find(n, reqno) == NULL &&
		    peers_pump(peers, TALKERS, 10))
			continue;
	return find(n, reqno) != NULL ? *find(n, reqno) :
	    (struct talk_answer){ .reqno = 0 };
}

static void
begin(unsigned n)
{

	peer_join(&peers[n], srv);
	memset(talkers[n].answers, 0, sizeof(talkers[n].answers));
	talkers[n].raised = 0;
}

struct talk_answer
talk_guest(unsigned n)
{

	begin(n);
	return talk_wait(n, talk_ask(n, FRAME_HANDSHAKE, HANDSHAKE_GUEST,
	    "model", 6));
}

struct talk_answer
talk_fork(unsigned n, const uint32_t *cookie, bool cancel)
{
	struct frame_fork ff = { .cancel = cancel };

	memcpy(ff.cookie, cookie, sizeof(ff.cookie));
	begin(n);
	return talk_wait(n, talk_ask(n, FRAME_HANDSHAKE, HANDSHAKE_FORK, &ff,
	    20));
}

void
talk_leave(unsigned n)
{

	peer_leave(&peers[n]);
}

bool
talk_rest(uint64_t clients, uint64_t preforks)
{
	struct rumpserver_stats st;
	int ms, most = patience();

	for (ms = 0; ms < most; ms++) {
		rumpserver_getstats(srv, &st);
		if (st.clients == clients && st.preforks_now == preforks)
			return true;
		poll(NULL, 0, 1);
	}
	return false;
}

/* --- the server --- */

static void
be_quiet(void *cookie, enum rumpserver_loglevel level, const char *line)
{

	(void)cookie;
	(void)level;
	(void)line;
}

static void *
run_loop(void *arg)
{
	struct pollfd pfd[2] = {
		{ .fd = rumpserver_pollfd(srv), .events = POLLIN },
		{ .fd = quit[0], .events = POLLIN },
	};

	(void)arg;
	do
		poll(pfd, 2, rumpserver_step(srv));
	while (pfd[1].revents == 0);
	return NULL;
}

/* In an event loop, as somebody who embeds the server runs it. */
static bool
start_loop(void)
{

	return pipe2(quit, O_CLOEXEC) == 0 &&
	    pthread_create(&loop, NULL, run_loop, NULL) == 0;
}

static void
stop_loop(void)
{

	close(quit[1]);
	pthread_join(loop, NULL);
	close(quit[0]);
}

void
talk_start(const char *root, bool in_loop)
{
	struct hostkern_config conf = { .root = root, .console_fd = -1 };
	struct rumpserver_config sc = { .kernel = &hostkern_kernel,
	    .log = be_quiet, .allow_anyone = true,
	    .prefork_timeout_ms = 600000 };
	char why[256];
	unsigned n;

	hk = hostkern_create(&conf, why, sizeof(why));
	if (hk == NULL)
		fuzz_fail("%s", why);
	sc.kern = hk;
	srv = rumpserver_create(&sc);
	quit[0] = -1;
	if (srv == NULL ||
	    (in_loop ? !start_loop() : rumpserver_start(srv) == -1))
		fuzz_fail("no server: %s", strerror(errno));
	for (n = 0; n < TALKERS; n++) {
		peers[n].id = n;
		peers[n].fd = -1;
		peers[n].heard = heard;
	}
}

void
talk_stop(void)
{
	unsigned n;

	for (n = 0; n < TALKERS; n++)
		peer_leave(&peers[n]);
	if (quit[0] != -1)
		stop_loop();
	rumpserver_stop(srv, 0);
	rumpserver_destroy(srv);
	hostkern_destroy(hk);
}
