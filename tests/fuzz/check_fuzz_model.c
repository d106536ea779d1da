/*
 * Conversations of many clients, and the model of what must come of them.
 *
 * An input is steps of 8 bytes: calls on descriptors, files and pipes, forks,
 * forks that are cancelled, cookies used twice, execs, guests that come and
 * that are cut off, in the middle of a call or not.  Each result is compared
 * with the model's.  When one differs, steps are left out as long as it goes
 * on to differ, and what remains is printed.
 */
#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rump_sysnum.h>
#include <rump/rumpdefs.h>

#include "fuzz/fuzz.h"
#include "fuzz/guest.h"
#include "fuzz/model.h"
#include "fuzz/talk.h"
#include "lib/tree.h"

enum {
	MAX_STEPS = 120, MAX_IO = 200, USED = 8, OTHER = TALKERS - 1,
	/* Places in a guest's memory. */
	PATH = 0, PATH2 = 256, BUF = 1024, READ_BUF = 8192
};

struct step {
	uint8_t op, who, a, b, c, d, e, f;
};

static struct model model;
static struct {
	uint64_t read_reqno[M_PROCS];
	uint32_t cookie[M_PROCS][FRAME_COOKIE_WORDS];
	uint32_t used[USED][FRAME_COOKIE_WORDS];
	unsigned nused;
	uint8_t pattern;
	bool wrong;
	FILE *log;			/* NULL: say nothing */
	char names[140];		/* of the call's, quoted */
} now;

static char top[64];			/* holds each conversation's root */

/* --- what is said --- */

__attribute__((format(printf, 1, 2)))
static void
say(const char *fmt, ...)
{
	va_list ap;

	if (now.log == NULL)
		return;
	va_start(ap, fmt);
	vfprintf(now.log, fmt, ap);
	va_end(ap);
}

static unsigned
id(const struct m_proc *p)
{

	return (unsigned)(p - model.procs);
}

/* A value is what the model says. */
static void
expect(const char *what, int64_t is, int64_t must)
{

	if (is == must || now.wrong)
		return;
	say("\t%s is %lld, must be %lld", what, (long long)is,
	    (long long)must);
	now.wrong = true;
}

/* --- calls --- */

static uint64_t
at(unsigned place)
{

	return TALK_BASE + place;
}

static uint64_t
send_call(struct m_proc *p, unsigned num, const uint64_t *args, size_t n)
{

	return talk_ask(id(p), FRAME_SYSCALL, num, args, n * sizeof(*args));
}

/* Makes a call, whose errno and first result must be the model's. */
static struct talk_answer
call(struct m_proc *p, int error, unsigned num, const uint64_t *args, size_t n)
{
	struct talk_answer a;

	a = talk_wait(id(p), send_call(p, num, args, n));
	if (a.reqno == 0) {
		say("\tgets no answer");
		now.wrong = true;
	}
	say(" = %lld, errno %d", (long long)a.ret[0], a.error);
	expect("errno", a.error, error);
	return a;
}

#define CALL(p, error, name, ...)					\
	call(p, error, RUMP_SYS_##name, (uint64_t[]){ __VA_ARGS__ },	\
	    sizeof((uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t))

/* The same, unless the model does not say what comes of it. */
#define COMPARE(p, error, name, ...) do {				\
	int error_ = (error);						\
	struct talk_answer a_;						\
									\
	if (error_ == MODEL_SKIP)					\
		break;							\
	say("guest %u: " #name "(%s", id(p), now.names);		\
	now.names[0] = '\0';						\
	say_args((int64_t[]){ __VA_ARGS__ },				\
	    sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t));	\
	a_ = CALL(p, error_, name, __VA_ARGS__);			\
	if (error_ == 0)						\
		expect("the result", a_.ret[0], model.ret[0]);		\
	say("\n");							\
} while (0)

static void
say_args(const int64_t *args, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		say("%s%lld", i == 0 ? "" : ", ", (long long)args[i]);
	say(")");
}

/* --- processes --- */

static unsigned
count(enum m_state state)
{
	unsigned i, n = 0;

	for (i = 0; i < M_PROCS; i++)
		n += model.procs[i].state == state;
	return n;
}

static struct m_proc *
one_of(enum m_state state, unsigned n)
{
	unsigned all = count(state), i;

	if (all == 0)
		return NULL;
	n %= all;
	for (i = 0; model.procs[i].state != state || n-- > 0;)
		i++;
	return &model.procs[i];
}

static void
rest(void)
{

	if (talk_rest(count(M_ALIVE), count(M_PREFORKED)))
		return;
	say("\tprocesses that must be gone are not");
	now.wrong = true;
}

/* Who a process is, its parent, its group and session. */
static void
check_ids(struct m_proc *p)
{
	struct talk_answer a;
	const struct m_proc *q;

	say("guest %u: getpid", id(p));
	a = CALL(p, 0, getpid, 0);
	if (p->pid == 0) {
		for (q = model.procs; q < model.procs + M_PROCS; q++)
			if (q->state == M_ALIVE && q->pid == a.ret[0])
				expect("another process's pid", a.ret[0], 0);
		p->pid = a.ret[0];
	}
	expect("the pid", a.ret[0], p->pid);
	expect("the parent", a.ret[1],
	    p->parent == NULL ? 1 : p->parent->pid);
	say("; getpgrp");
	a = CALL(p, 0, getpgrp, 0);
	if (p->pgrp == 0)
		p->pgrp = a.ret[0];
	expect("the group", a.ret[0], p->pgrp);
	say("; getsid");
	a = CALL(p, 0, getsid, 0);
	if (p->sid == 0)
		p->sid = a.ret[0];
	expect("the session", a.ret[0], p->sid);
	say("\n");
}

static void
handshake(struct m_proc *p, struct talk_answer a)
{

	expect("the answer's class", a.reqno == 0 ? -1 : (int)a.class,
	    FRAME_RESP);
	expect("the handshake", a.error, 0);
	say("\n");
	if (!now.wrong)
		check_ids(p);
}

static void
come(void)
{
	struct m_proc *p = model_guest(&model);

	if (p == NULL)
		return;
	say("guest %u comes", id(p));
	handshake(p, talk_guest(id(p)));
}

static void
prefork(struct m_proc *p)
{
	struct m_proc *child = model_prefork(&model, p);
	struct talk_answer a;

	if (child == NULL)
		return;
	say("guest %u: prefork of guest %u", id(p), id(child));
	a = talk_wait(id(p), talk_ask(id(p), FRAME_PREFORK, 0, NULL, 0));
	expect("the answer's class", a.reqno == 0 ? -1 : (int)a.class,
	    FRAME_RESP);
	memcpy(now.cookie[id(child)], a.cookie, sizeof(a.cookie));
	say("\n");
}

static void
use_cookie(struct m_proc *p)
{

	memcpy(now.used[now.nused++ % USED], now.cookie[id(p)],
	    sizeof(now.used[0]));
}

static void
fork_guest(struct m_proc *p)
{

	say("guest %u comes, a fork", id(p));
	use_cookie(p);
	p->state = M_ALIVE;
	handshake(p, talk_fork(id(p), now.cookie[id(p)], false));
}

static void
cancel(struct m_proc *p)
{
	struct talk_answer a;

	say("the fork of guest %u is cancelled", id(p));
	use_cookie(p);
	a = talk_fork(OTHER, now.cookie[id(p)], true);
	expect("the answer", (int64_t)a.reqno, 0);
	model_exit(&model, p);
	rest();
	say("\n");
}

static void
replay(unsigned n)
{
	struct talk_answer a;

	if (now.nused == 0)
		return;
	n %= now.nused < USED ? now.nused : USED;
	say("a cookie is used again");
	a = talk_fork(OTHER, now.used[n], false);
	expect("the answer's class", a.reqno == 0 ? -1 : (int)a.class,
	    FRAME_ERROR);
	expect("the error", a.error, FRAME_ERR_NO_PREFORK);
	talk_leave(OTHER);
	rest();
	say("\n");
}

static void
leave(struct m_proc *p)
{

	say("guest %u is cut off", id(p));
	talk_leave(id(p));
	model_exit(&model, p);
	rest();
	say("\n");
}

static void
exec(struct m_proc *p)
{
	struct talk_answer a;
	uint64_t reqno;

	say("guest %u: exec", id(p));
	reqno = talk_ask(id(p), FRAME_HANDSHAKE, HANDSHAKE_EXEC, "exec", 5);
	a = talk_wait(id(p), reqno);
	expect("the handshake", a.reqno == 0 ? -1 : a.error, 0);
	if (p->reading != NULL) {
		a = talk_wait(id(p), now.read_reqno[id(p)]);
		say("; its read ends");
		expect("errno", a.reqno == 0 ? -1 : a.error, RUMP_EINTR);
	}
	model_exec(&model, p);
	say("\n");
}

/* --- files --- */

static void
put_path(struct m_proc *p, unsigned place, unsigned dir, unsigned name,
    bool relative)
{
	char *to = (char *)talk_memory(id(p)) + place;
	size_t len = strlen(now.names);

	if (!relative)
		snprintf(to, 64, "/%c/%u", 'a' + dir, name);
	else if (p->cwd == 0)
		snprintf(to, 64, "%c/%u", 'a' + dir, name);
	else if (p->cwd == dir + 1)
		snprintf(to, 64, "%u", name);
	else
		snprintf(to, 64, "../%c/%u", 'a' + dir, name);
	snprintf(now.names + len, sizeof(now.names) - len, "\"%s\", ", to);
}

static int
open_flags(const struct step *s)
{
	int flags = s->c % 3;

	if (s->d & 1)
		flags |= RUMP_O_CREAT | (s->d & 2 ? RUMP_O_EXCL : 0);
	if ((s->d & 12) == 12 && flags % 4 != RUMP_O_RDONLY)
		flags |= RUMP_O_TRUNC;
	if ((s->d & 48) == 48)
		flags |= RUMP_O_APPEND;
	return flags | (s->d & 64 ? RUMP_O_CLOEXEC : 0);
}

static void
names(struct m_proc *p, const struct step *s)
{
	unsigned dir = s->a % M_DIRS, name = s->b % M_NAMES;
	unsigned to_dir = s->c % M_DIRS, to = s->d % M_NAMES;
	uint64_t old;

	now.names[0] = '\0';
	model.ret[0] = 0;
	if (s->f % 8 != 2 && s->f % 8 != 3)
		put_path(p, PATH, dir, name, s->e & 1);
	switch (s->f % 8) {
	case 0:
		COMPARE(p, model_unlink(&model, dir, name), unlink, at(PATH));
		break;
	case 1:
		put_path(p, PATH2, to_dir, to, s->e & 2);
		COMPARE(p, model_rename(&model, dir, name, to_dir, to),
		    rename, at(PATH), at(PATH2));
		break;
	case 2:
		p->cwd = s->a % (M_DIRS + 1);
		snprintf(now.names, sizeof(now.names), "/%c", p->cwd == 0 ?
		    '.' : 'a' + (int)p->cwd - 1);
		strcpy((char *)talk_memory(id(p)) + PATH, now.names);
		strcat(now.names, ", ");
		COMPARE(p, 0, chdir, at(PATH));
		break;
	case 3:
		old = p->umask;
		p->umask = s->a & 077;
		model.ret[0] = (int64_t)old;
		COMPARE(p, 0, umask, p->umask);
		break;
	default:
		COMPARE(p, model_open(&model, p, dir, name, open_flags(s)),
		    open, at(PATH), (uint64_t)open_flags(s), 0666);
	}
}

/* The bytes that a read has given are the model's. */
static void
check_data(struct m_proc *p, unsigned place)
{
	size_t i, n = (size_t)model.ret[0];
	const uint8_t *is = talk_memory(id(p)) + place;

	for (i = 0; i < n && is[i] == model.data[i];)
		i++;
	if (i == n)
		return;
	say("byte %zu: ", i);
	expect("it", is[i], model.data[i]);
	say("\n");
}

static void
read_some(struct m_proc *p, int fd, size_t n)
{
	uint64_t args[3] = { (uint32_t)fd, at(BUF), n };
	int error = model_read(&model, p, fd, n);

	if (error == MODEL_BLOCKS) {
		say("guest %u: read(%d, %zu) blocks\n", id(p), fd, n);
		args[1] = at(READ_BUF);
		now.read_reqno[id(p)] = send_call(p, RUMP_SYS_read, args, 3);
		return;
	}
	COMPARE(p, error, read, args[0], args[1], args[2]);
	if (error == 0 && !now.wrong)
		check_data(p, BUF);
}

static void
write_some(struct m_proc *p, int fd, size_t n)
{
	uint8_t *data = talk_memory(id(p)) + BUF;
	size_t i;

	for (i = 0; i < n; i++)
		data[i] = now.pattern++;
	COMPARE(p, model_write(&model, p, fd, data, n), write, (uint32_t)fd,
	    at(BUF), n);
	if (model.sigpipe && !now.wrong)
		expect("SIGPIPE", talk_raised(id(p)) >> RUMP_SIGPIPE & 1, 1);
}

static void
stat_file(struct m_proc *p, int fd)
{
	int error = model_stat(&model, p, fd);
	int64_t size = model.ret[0], mode = model.ret[1];
	struct rump_stat st;

	model.ret[0] = 0;
	COMPARE(p, error, __fstat50, (uint32_t)fd, at(BUF));
	if (error != 0 || now.wrong)
		return;
	memcpy(&st, talk_memory(id(p)) + BUF, sizeof(st));
	expect("the size", st.st_size, size);
	expect("the mode", st.st_mode & 07777, mode);
	expect("the links", st.st_nlink, model.data[0]);
}

static void
make_pipe(struct m_proc *p, int flags)
{
	int error = model_pipe(&model, p, flags);
	int64_t r = model.ret[0], w = model.ret[1];
	int32_t fds[2];

	model.ret[0] = 0;
	COMPARE(p, error, pipe2, at(BUF), (uint64_t)flags);
	if (error != 0 || now.wrong)
		return;
	memcpy(fds, talk_memory(id(p)) + BUF, sizeof(fds));
	expect("the end to read", fds[0], r);
	expect("the end to write", fds[1], w);
}

static void
io(struct m_proc *p, const struct step *s, int fd)
{
	int64_t off = (int8_t)s->c * 4;

	model.ret[0] = 0;
	switch (s->f % 9) {
	case 0: case 1: case 2:
		read_some(p, fd, s->b % MAX_IO);
		break;
	case 3: case 4: case 5:
		write_some(p, fd, s->b % MAX_IO);
		break;
	case 6:
		COMPARE(p, model_lseek(&model, p, fd, off, s->d % 3), lseek,
		    (uint32_t)fd, 0, (uint64_t)off, s->d % 3);
		break;
	case 7:
		stat_file(p, fd);
		break;
	default:
		COMPARE(p, model_truncate(&model, p, fd, off), ftruncate,
		    (uint32_t)fd, 0, (uint64_t)off);
	}
}

static void
descriptors(struct m_proc *p, const struct step *s, int fd)
{
	int to = s->b % 20;
	bool cloexec = s->c & 1;
	int flags = (s->c & 1 ? RUMP_O_CLOEXEC : 0) |
	    ((s->c & 6) == 6 ? RUMP_O_NONBLOCK : 0);

	model.ret[0] = 0;
	switch (s->f % 10) {
	case 0: case 1:
		COMPARE(p, model_close(&model, p, fd), close, (uint32_t)fd);
		break;
	case 2:
		COMPARE(p, model_dup(&model, p, fd, 0, false), dup,
		    (uint32_t)fd);
		break;
	case 3:
		COMPARE(p, model_dup2(&model, p, fd, to, false), dup2,
		    (uint32_t)fd, (uint64_t)to);
		break;
	case 4:
		COMPARE(p, model_dup(&model, p, fd, to, cloexec), fcntl,
		    (uint32_t)fd, cloexec ? RUMP_F_DUPFD_CLOEXEC :
		    RUMP_F_DUPFD, (uint64_t)to);
		break;
	case 5:
		COMPARE(p, model_getfd(&model, p, fd), fcntl, (uint32_t)fd,
		    RUMP_F_GETFD, 0);
		break;
	case 6:
		COMPARE(p, model_setfd(&model, p, fd, cloexec), fcntl,
		    (uint32_t)fd, RUMP_F_SETFD, cloexec);
		break;
	case 7:
		if (s->d % 4 == 0 && fd >= 0)
			COMPARE(p, model_closem(&model, p, fd), fcntl,
			    (uint32_t)fd, RUMP_F_CLOSEM, 0);
		break;
	default:
		make_pipe(p, flags);
	}
}

/* --- steps --- */

/* Mostly one that is open. */
static int
a_descriptor(const struct m_proc *p, unsigned n)
{
	unsigned i;

	if (n >= 240)
		return n == 255 ? -1 : (int)(n - 220);
	for (i = 0; i < M_FDS; i++)
		if (p->fds[(n + i) % 20].open != NULL)
			return (int)((n + i) % 20);
	return (int)n % 20;
}

static void
processes(struct m_proc *p, const struct step *s)
{
	struct m_proc *child = one_of(M_PREFORKED, s->a);

	model.ret[0] = 0;
	switch (s->f % 14) {
	case 0: case 1: case 2:
		prefork(p);
		break;
	case 3: case 4: case 5:
		if (child != NULL)
			fork_guest(child);
		break;
	case 6:
		if (child != NULL)
			cancel(child);
		break;
	case 7:
		replay(s->a);
		break;
	case 8:
		exec(p);
		break;
	case 9:
		leave(p);
		break;
	case 10:
		come();
		break;
	case 11:
		check_ids(p);
		break;
	case 12:
		COMPARE(p, model_setsid(&model, p), setsid, 0);
		break;
	default:
		COMPARE(p, model_setpgid(&model, p), setpgid, 0, 0);
	}
}

/* Reads that were blocked and are no more. */
static void
wake(void)
{
	struct talk_answer a;
	struct m_proc *p;

	for (p = model.procs; p < model.procs + M_PROCS && !now.wrong; p++) {
		if (p->state != M_ALIVE || p->reading == NULL)
			continue;
		if (model_wake(&model, p) == MODEL_BLOCKS) {
			expect("the blocked read's answer",
			    talk_has(id(p), now.read_reqno[id(p)]), false);
			continue;
		}
		a = talk_wait(id(p), now.read_reqno[id(p)]);
		say("guest %u: its read ends = %lld", id(p),
		    (long long)a.ret[0]);
		expect("errno", a.reqno == 0 ? -1 : a.error, 0);
		expect("the result", a.ret[0], model.ret[0]);
		say("\n");
		if (!now.wrong)
			check_data(p, READ_BUF);
	}
}

static void
one_step(const struct step *s)
{
	struct m_proc *p;

	if (count(M_ALIVE) == 0)
		come();
	p = one_of(M_ALIVE, s->who);
	if (now.wrong || p == NULL)
		return;
	if (s->op < 56)
		processes(p, s);
	else if (s->op < 96)
		names(p, s);
	else if (s->op < 144)
		descriptors(p, s, a_descriptor(p, s->a));
	else
		io(p, s, a_descriptor(p, s->a));
	if (!now.wrong)
		wake();
}

/* True when all is as the model says. */
static bool
converse(const struct step *steps, size_t n, bool in_loop, FILE *log)
{
	char root[128], sub[160];
	unsigned d, fds = fuzz_fds();
	size_t i;

	memset(&now, 0, sizeof(now));
	now.log = log;
	model_init(&model);
	snprintf(root, sizeof(root), "%s/root", top);
	for (d = 0; d <= M_DIRS; d++) {
		snprintf(sub, sizeof(sub), d == 0 ? "%s" : "%s/%c", root,
		    'a' + (int)d - 1);
		if (mkdir(sub, 0777) == -1)
			fuzz_fail("%s cannot be made", sub);
	}
	say("a server %s\n", in_loop ? "in an event loop" : "on threads");
	talk_start(root, in_loop);
	for (i = 0; i < n && !now.wrong; i++)
		one_step(&steps[i]);
	talk_stop();
	if (fuzz_fds() != fds)
		fuzz_fail("%u descriptors, then %u", fds, fuzz_fds());
	if (tree_remove(root) != 0)
		fuzz_fail("%s cannot be removed", root);
	return !now.wrong;
}

/* Leaves out what is not needed to differ; the number that remain. */
static size_t
shrink(struct step *steps, size_t n, bool in_loop)
{
	struct step fewer[MAX_STEPS];
	size_t cut, i;

	for (cut = n / 2; cut > 0; cut = cut > 1 ? cut / 2 : 0)
		for (i = 0; i + cut <= n;) {
			alarm(fuzz_hang() * 10);
			memcpy(fewer, steps, i * sizeof(*steps));
			memcpy(fewer + i, steps + i + cut,
			    (n - i - cut) * sizeof(*steps));
			if (converse(fewer, n - cut, in_loop, NULL)) {
				i += cut;
				continue;
			}
			n -= cut;
			memcpy(steps, fewer, n * sizeof(*steps));
		}
	return n;
}

/* The last byte, behind the steps, says how the server runs. */
static void
run(const uint8_t *data, size_t len)
{
	bool in_loop = len > 0 && data[len - 1] % 4 == 0;
	struct step steps[MAX_STEPS];
	size_t n = len / sizeof(steps[0]);

	if (n > MAX_STEPS)
		n = MAX_STEPS;
	if (n > 0)
		memcpy(steps, data, n * sizeof(steps[0]));
	if (converse(steps, n, in_loop,
	    getenv("FUZZ_LOG") != NULL ? stderr : NULL))
		return;
	n = shrink(steps, n, in_loop);
	fprintf(stderr, "The kernel is not as the model, in %zu steps:\n", n);
	if (converse(steps, n, in_loop, stderr))
		fprintf(stderr, "(not this time)");
	fprintf(stderr, "\n");
	fuzz_fail("a result differs from the model's");
}

static size_t
make(struct rng *r, uint8_t buf[FUZZ_MAX])
{
	size_t n, i;

	n = sizeof(struct step) * (4 + (size_t)rng_below(r, MAX_STEPS - 4)) +
	    1;
	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)rng_next(r);
	return n;
}

static void
setup(void)
{

	guest_confine();
	strcpy(top, "/tmp/rumpgen-model-XXXXXX");
	if (mkdtemp(top) == NULL)
		fuzz_fail("%s cannot be made", top);
}

static void
finish(void)
{

	rmdir(top);
}

const struct fuzz_target fuzz_target = {
	.name = "fuzz_model", .setup = setup, .make = make, .run = run,
	.finish = finish, .fresh = true
};
