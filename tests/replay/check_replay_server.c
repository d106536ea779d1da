/*
 * Our server library and the host kernel against recorded clients: what they
 * answer must be what a NetBSD rump kernel answered, but for process ids and
 * cookies.
 */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <rump/rump_syscallargs.h>
#include <rump/rump_sysnum.h>
#include <rump/rumpserver.h>

#include "hostkern/hostkern.h"
#include "lib/suite.h"
#include "recordings.h"
#include "script.h"
#include "served.h"

static struct recordings recordings;

/* How a conversation is played. */
static const struct { enum served_how how; size_t chunk; } ways[] = {
	{ SERVED_LOCAL, 0 }, { SERVED_LOCAL, 1 }, { SERVED_TCP, 0 },
	{ SERVED_FD, 0 }, { SERVED_LOOP, 0 }, { SERVED_LOOP, 1 },
};
#define NWAYS	((int)(sizeof(ways) / sizeof(ways[0])))

#define NETBSD_EOPNOTSUPP	45
#define NETBSD_MAXPATHLEN	1024

static struct conversation *
load(const char *path)
{
	char why[CONVERSATION_WHY];
	struct conversation *conv = conversation_load(path, why);

	ck_assert_msg(conv != NULL, "%s", why);
	return conv;
}

static int
connect_one(void *cookie, int conn)
{

	(void)conn;
	return served_connect(cookie);
}

/* --- the host kernel against captures ----------------------------------------- */

/* The captured kernel's file system had no rename: it looked at both names
 * and refused. */
static int
refuse_rename(struct lwp *l, const struct sys_rename_args *uap)
{
	char name[NETBSD_MAXPATHLEN];
	int error;

	error = rumpserver_copyinstr(l, uap->from, name, sizeof(name), NULL);
	if (error == 0)
		error = rumpserver_copyinstr(l, uap->to, name, sizeof(name),
		    NULL);
	return error != 0 ? error : NETBSD_EOPNOTSUPP;
}

static int
captured_syscall(void *kern, struct lwp *l, int num, const void *args,
    size_t len, register_t retval[2])
{

	if (num == RUMP_SYS_rename && len >= sizeof(struct sys_rename_args))
		return refuse_rename(l, args);
	return hostkern_kernel.syscall(kern, l, num, args, len, retval);
}

static struct hostkern *
make_hostkern(const struct served *s)
{
	struct hostkern_config conf = { .root = s->root, .console_fd = -1 };
	struct hostkern *hk;
	char why[256];

	hk = hostkern_create(&conf, why, sizeof(why));
	ck_assert_msg(hk != NULL, "%s", why);
	return hk;
}

START_TEST(capture)
{
	struct conversation *conv = load(recordings.captures[_i / NWAYS]);
	struct rumpserver_kernel kernel = hostkern_kernel;
	char why[CONVERSATION_WHY];
	struct conversation_player cp;
	struct hostkern *hk;
	struct served s;
	bool ok;

	kernel.syscall = captured_syscall;
	served_folder(&s);
	hk = make_hostkern(&s);
	served_start(&s, &kernel, hk, ways[_i % NWAYS].how);
	cp = (struct conversation_player){ .conv = conv,
	    .side = CONVERSATION_CLIENT, .open = connect_one, .cookie = &s,
	    .chunk = ways[_i % NWAYS].chunk,
	    .timeout_ms = patience_ms() };
	ok = conversation_play(&cp, why);
	served_stop(&s);
	hostkern_destroy(hk);
	served_remove(&s);
	conversation_free(conv);
	ck_assert_msg(ok, "%s", why);
}
END_TEST

/* --- the library with a recorded kernel ------------------------------------------ */

struct scripted {
	struct served served;
	struct script *script;
};

static int
connect_scripted(void *cookie, int conn)
{

	(void)conn;
	return served_connect(&((struct scripted *)cookie)->served);
}

static void
progress_scripted(void *cookie, size_t i)
{

	script_progress(((struct scripted *)cookie)->script, i);
}

static void
replay_script(const char *path, int way)
{
	struct conversation *conv = load(path);
	char why[CONVERSATION_WHY];
	struct conversation_player cp;
	struct scripted sc;
	const char *wrong;
	bool ok;

	served_folder(&sc.served);
	sc.script = script_create(conv);
	ck_assert_ptr_nonnull(sc.script);
	served_start(&sc.served, &script_kernel, sc.script, ways[way].how);
	cp = (struct conversation_player){ .conv = conv,
	    .side = CONVERSATION_CLIENT, .open = connect_scripted,
	    .progress = progress_scripted, .cookie = &sc,
	    .chunk = ways[way].chunk, .timeout_ms = patience_ms() };
	ok = conversation_play(&cp, why);
	served_stop(&sc.served);
	served_remove(&sc.served);
	wrong = script_wrong(sc.script);
	ck_assert_msg(wrong == NULL, "%s", wrong);
	ck_assert_msg(ok, "%s", why);
	script_destroy(sc.script);
	conversation_free(conv);
}

START_TEST(capture_scripted)
{
	replay_script(recordings.captures[_i / NWAYS], _i % NWAYS);
}
END_TEST

START_TEST(fixture_scripted)
{
	replay_script(recordings.fixtures[_i / NWAYS], _i % NWAYS);
}
END_TEST

START_TEST(every_call_scripted)
{
	size_t i;

	ck_assert_uint_gt(recordings.ncalls, 0);
	for (i = 0; i < recordings.ncalls; i++)
		replay_script(recordings.calls[i], _i);
}
END_TEST

/* --- every call of the list, with senseless arguments ------------------------------ */

#define FENCE	(UINT64_C(1) << 40)	/* the request number of a getpid */

static void
put_frame(int fd, uint64_t reqno, unsigned class, unsigned type, uint32_t u,
    const void *body, size_t len)
{
	uint64_t total = SP_HDRLEN + len;
	uint16_t ct[2] = { (uint16_t)class, (uint16_t)type };
	uint8_t *frame = calloc(1, total);

	ck_assert_ptr_nonnull(frame);
	memcpy(frame, &total, 8);
	memcpy(frame + 8, &reqno, 8);
	memcpy(frame + 16, ct, 4);
	memcpy(frame + 20, &u, 4);
	if (len > 0)
		memcpy(frame + SP_HDRLEN, body, len);
	ck_assert_int_eq(send(fd, frame, total, MSG_NOSIGNAL), (ssize_t)total);
	free(frame);
}

static void
get_bytes(int fd, void *buf, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		ck_assert_int_eq(poll(&pfd, 1, patience_ms()), 1);
		n = recv(fd, (char *)buf + got, len - got, 0);
		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
}

/* Serves one frame of the server as a client does whose memory is all zero.
 * True when it was the answer to the fence. */
static bool
serve_frame(int fd)
{
	uint8_t h[SP_HDRLEN], *body, *zero;
	uint64_t len, reqno, want;
	unsigned class, type;

	get_bytes(fd, h, sizeof(h));
	len = conversation_u64(h) - SP_HDRLEN;
	reqno = conversation_u64(h + 8);
	class = h[16];
	type = h[18];
	ck_assert_uint_le(len, 1 << 25);
	body = calloc(1, len + 1);
	ck_assert_ptr_nonnull(body);
	get_bytes(fd, body, len);
	want = len >= 8 ? conversation_u64(body) : 0;
	free(body);
	if (class != SP_REQ) {
		ck_assert_uint_eq(class, SP_RESP);
		return type == SP_SYSCALL && reqno == FENCE;
	}
	if (type == SP_COPYINSTR)
		want = 1;
	else if (type == SP_ANONMMAP)
		want = 8;
	else if (type != SP_COPYIN)
		return false;
	ck_assert_uint_le(want, 1 << 25);
	zero = calloc(1, want + 1);
	ck_assert_ptr_nonnull(zero);
	put_frame(fd, reqno, SP_RESP, type, 0, zero, want);
	free(zero);
	return false;
}

/* Makes a call and a getpid behind it; hangs up when the getpid is answered,
 * whether the call sleeps or not. */
static void
try_call(const struct served *s, const struct conversation_event *call)
{
	uint8_t banner[96];
	int fd = served_connect(s);
	size_t n = 0;

	ck_assert_int_ge(fd, 0);
	do
		get_bytes(fd, &banner[n], 1);
	while (banner[n++] != '\n');
	put_frame(fd, 1, SP_REQ, SP_HANDSHAKE, SP_GUEST, "senseless", 10);
	ck_assert(!serve_frame(fd));
	put_frame(fd, 2, SP_REQ, SP_SYSCALL, call->u, call->body,
	    call->bodylen);
	put_frame(fd, FENCE, SP_REQ, SP_SYSCALL, RUMP_SYS_getpid, NULL, 0);
	while (!serve_frame(fd))
		continue;
	close(fd);
}

/* The first call in a conversation. */
static const struct conversation_event *
first_call(const struct conversation *conv)
{
	size_t i = 0;

	while (i < conv->nevents && (conv->events[i].class != SP_REQ ||
	    conv->events[i].type != SP_SYSCALL))
		i++;
	ck_assert_uint_lt(i, conv->nevents);
	return &conv->events[i];
}

START_TEST(senseless_calls)
{
	struct hostkern *hk;
	struct served s;
	size_t i;

	served_folder(&s);
	hk = make_hostkern(&s);
	served_start(&s, &hostkern_kernel, hk, (enum served_how)_i);
	for (i = 0; i < recordings.ncalls; i++) {
		struct conversation *conv = load(recordings.calls[i]);

		try_call(&s, first_call(conv));
		conversation_free(conv);
	}
	served_stop(&s);
	hostkern_destroy(hk);
	served_remove(&s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replay server");
	TCase *tc = tcase_create("conversations");
	int status;

	recordings_find(&recordings);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, capture, 0,
	    (int)recordings.ncaptures * NWAYS);
	tcase_add_loop_test(tc, capture_scripted, 0,
	    (int)recordings.ncaptures * NWAYS);
	tcase_add_loop_test(tc, fixture_scripted, 0,
	    (int)recordings.nfixtures * NWAYS);
	tcase_add_loop_test(tc, every_call_scripted, 0, 2);
	tcase_add_loop_test(tc, senseless_calls, 0, SERVED_NHOW);
	suite_add_tcase(suite, tc);
	status = suite_run(suite);
	recordings_free(&recordings);
	return status;
}
