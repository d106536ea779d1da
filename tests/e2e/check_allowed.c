/*
 * Every call of the list, on every kind of descriptor, through rump_server:
 * its filter of host calls has missed none that it makes.  What the calls
 * answer is nobody's business here.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rump_types.h>
#include <rump/rumpclient.h>
#include <rump/rumpdefs.h>

#include "lib/suite.h"
#include "tests/e2e/daemon.h"
#include "trace/sysdesc.h"

enum { ROUNDS = 60, MAX_ARGS = 10, ROOM = 4096, LENGTH = 64 };

static uint32_t seed;
static int fds[16];
static unsigned nfds;

static unsigned
below(unsigned n)
{

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

static void
have(int fd)
{

	ck_assert_int_ge(fd, 0);
	ck_assert_uint_lt(nfds, sizeof(fds) / sizeof(fds[0]));
	rump_sys_fcntl(fd, RUMP_F_SETFL, (void *)RUMP_O_NONBLOCK);
	fds[nfds++] = fd;
}

/* One of each kind, none of which blocks. */
static void
open_all(void)
{
	struct rump_sockaddr_in sin = { .sin_family = RUMP_AF_INET,
	    .sin_len = sizeof(sin) };
	int pair[2], fd;

	have(rump_sys_open("f", RUMP_O_RDWR | RUMP_O_CREAT, 0666));
	rump_sys_mkdir("d", 0777);
	have(rump_sys_open("d", RUMP_O_RDONLY));
	rump_sys_mkfifo("p", 0666);
	have(rump_sys_open("p", RUMP_O_RDWR | RUMP_O_NONBLOCK));
	rump_sys_symlink("f", "s");
	have(rump_sys_open("/dev/zero", RUMP_O_RDWR));
	ck_assert_int_eq(rump_sys_pipe(pair), 0);
	have(pair[0]);
	have(pair[1]);
	ck_assert_int_eq(rump_sys_socketpair(RUMP_AF_LOCAL, RUMP_SOCK_DGRAM,
	    0, pair), 0);
	have(pair[0]);
	have(pair[1]);
	fd = rump_sys_socket(RUMP_AF_INET, RUMP_SOCK_STREAM, 0);
	rump_sys_bind(fd, (void *)&sin, sizeof(sin));
	rump_sys_listen(fd, 1);
	have(fd);
	have(rump_sys_kqueue());
}

/* A value for one argument; what is behind a pointer is zero or a name. */
static uint64_t
value(const struct sysdesc_arg *a, char *room)
{
	static const char *const names[] = { "f", "d", "p", "s", "new",
	    "/dev/null", "d/new", "user.name" };

	memset(room, 0, ROOM);
	switch (a->kind) {
	case SYSDESC_FD:
		return (uint64_t)fds[below(nfds)];
	case SYSDESC_PTR:
		if (a->extent == SYSDESC_X_STRING)
			strcpy(room, names[below(sizeof(names) /
			    sizeof(names[0]))]);
		return below(8) == 0 ? 0 : (uint64_t)(uintptr_t)room;
	case SYSDESC_OCTAL:
		return below(0777);
	case SYSDESC_HEX:	/* a file that is immutable stays for ever */
		return 0;
	default:
		/* An id, a length, a command, a flag. */
		if (strcmp(a->type, "uid_t") == 0 ||
		    strcmp(a->type, "gid_t") == 0)
			return 0;
		return below(4) == 0 ? LENGTH : below(12);
	}
}

/* No pointer is taken away from a call that would wait without it for ever. */
static bool
has_timeout(const struct sysdesc_arg *a)
{

	return strstr(a->type, "timespec") != NULL ||
	    strstr(a->type, "timeval") != NULL;
}

static void
make_call(int num, char room[MAX_ARGS][ROOM])
{
	const struct sysdesc *d = &rump_sysdesc[num];
	uint64_t args[MAX_ARGS];
	register_t rv[2];
	unsigned i;

	for (i = 0; i < d->narg; i++) {
		args[i] = value(&d->args[i], room[i]);
		if (has_timeout(&d->args[i]))
			args[i] = (uint64_t)(uintptr_t)room[i];
	}
	rumpclient_syscall(num, args, d->narg * sizeof(args[0]), rv);
}

/* Each call by a guest of its own, in a directory of its own, as it may lose its
 * root, its rights, and the directory. */
static void
guest(int num)
{
	static char room[MAX_ARGS][ROOM];
	char dir[16];
	unsigned i;

	seed = (uint32_t)num;
	ck_assert_int_eq(rumpclient_init(), 0);
	snprintf(dir, sizeof(dir), "/%d", num);
	ck_assert_int_eq(rump_sys_mkdir(dir, 0777), 0);
	ck_assert_int_eq(rump_sys_chdir(dir), 0);
	open_all();
	for (i = 0; i < ROUNDS; i++)
		make_call(num, room);
}

START_TEST(every_call)
{
	pid_t pid;
	unsigned i;

	/* There is no filter then. */
	if (skip_under_sanitizer())
		return;
	daemon_start();
	/* Ours is a line for each address 0. */
	capture();
	for (i = 0; i < rump_nsysdesc; i++) {
		if (rump_sysdesc[i].name == NULL)
			continue;
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			guest((int)i);
			_exit(0);
		}
		ck_assert_msg(status_of(pid) == 0, "%s",
		    rump_sysdesc[i].name);
	}
	captured();
	/* The log has no line of a refused call. */
	daemon_stop();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("allowed");
	TCase *tc = tcase_create("allowed");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, every_call);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
