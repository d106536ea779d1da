/*
 * Processes among many others: numbers and who has them, what one connection
 * has to do with another, users' counts, families.
 */
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "lib/sanitizer.h"
#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

enum { NUMBERS = 30000 };	/* then they come round */

/* --- connections apart --- */

START_TEST(guests_share_no_group)
{
	struct raw_guest *other = raw_guest(&S, "other"), *child;
	int pid = (int)OK0(G, getpid), cpid;

	/* What a process of a NetBSD rump kernel sees. */
	ck_assert_int_eq(OK0(G, getpgrp), 1);
	ck_assert_int_eq(OK0(other, getpgrp), 1);
	ck_assert_int_eq(OK(other, getsid, 0), 1);
	ck_assert_int_eq(OK(other, getpgid, pid), 1);
	ck_assert_int_eq(OK(other, getpgid, 1), 1);
	ck_assert_int_eq(OK(other, getsid, 1), 1);
	/* Out of it and back. */
	child = raw_fork(&S, G);
	cpid = (int)OK0(child, getpid);
	ck_assert_int_eq(OK0(child, getpgrp), 1);
	OK(G, setpgid, 0, 0);
	ck_assert_int_eq(OK0(G, getpgrp), pid);
	OK(G, setpgid, cpid, pid);
	OK(G, setpgid, 0, 1);
	ck_assert_int_eq(OK0(G, getpgrp), 1);
	ck_assert_int_eq(OK0(child, getpgrp), pid);
	/* Another's groups are out of reach, whatever they are called. */
	ck_assert_int_eq(CALL(other, setpgid, 0, pid), RUMP_EPERM);
	OK0(child, setsid);
	ck_assert_int_eq(CALL(child, setpgid, 0, 1), RUMP_EPERM);
	ck_assert_int_eq(OK0(other, setsid), OK0(other, getpid));
	ck_assert_int_eq(CALL0(other, setsid), RUMP_EPERM);
	raw_leave(child);
	raw_leave(other);
}
END_TEST

START_TEST(guests_share_no_login_name)
{
	struct raw_guest *other, *child;
	char name[17] = "";

	if (skip_unless_root())
		return;
	other = raw_guest(&S, "other");
	child = raw_fork(&S, G);
	OK(G, __setlogin, P("alice"));
	OK(other, __getlogin, P(name), sizeof(name));
	ck_assert_str_eq(name, "root");
	OK(child, __getlogin, P(name), sizeof(name));
	ck_assert_str_eq(name, "alice");
	raw_leave(other);
	other = raw_guest(&S, "later");
	OK(other, __getlogin, P(name), sizeof(name));
	ck_assert_str_eq(name, "root");
	raw_leave(other);
	raw_leave(child);
}
END_TEST

/* --- families --- */

/* More than one look at the tree takes. */
START_TEST(many_orphans)
{
	struct raw_guest *parent = raw_fork(&S, G), *child[150];
	unsigned i, n = sizeof(child) / sizeof(child[0]);

	for (i = 0; i < n; i++)
		child[i] = raw_fork(&S, parent);
	raw_leave(child[n / 2]);
	child[n / 2] = raw_fork(&S, child[0]);
	raw_leave(parent);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(OK0(child[i], getppid),
		    i == n / 2 ? OK0(child[0], getpid) : 1);
	for (i = 0; i < n; i++)
		raw_leave(child[i]);
}
END_TEST

/* --- users --- */

static struct raw_guest *
fork_as(int ruid, int euid)
{
	struct raw_guest *g = raw_fork(&S, G);

	OK(g, setreuid, ruid, euid);
	return g;
}

START_TEST(processes_are_counted_by_real_user)
{
	struct rump_rlimit rl = { .rlim_cur = 3, .rlim_max = 3 };
	struct raw_guest *a, *b, *c;

	if (skip_unless_root())
		return;
	OK(G, setrlimit, RUMP_RLIMIT_NPROC, P(&rl));
	a = fork_as(1000, 1000);
	b = fork_as(1000, 0);
	c = fork_as(1000, 0);
	raw_fork_refused(a);
	/* To another user and back. */
	OK(c, setreuid, 1001, -1);
	raw_leave(raw_fork(&S, a));
	OK(c, setreuid, 1000, -1);
	raw_fork_refused(a);
	/* The effective id says nothing, who leaves counts no more. */
	OK(c, seteuid, 1002);
	raw_fork_refused(a);
	raw_leave(b);
	raw_leave(raw_fork(&S, a));
	raw_leave(a);
	raw_leave(c);
}
END_TEST

/* --- numbers --- */

static void
setup_for_many(void)
{

	raw_config = (struct rumpserver_config){ .max_clients = NUMBERS,
	    .max_preforks_per_proc = 2 * NUMBERS, .user_share = 100 };
	raw_setup();
}

/* Processes, until the next one has the last number. */
static struct raw_guest *
use_up_numbers(void)
{
	struct raw_guest *many = raw_guest(&S, "many");

	raw_prefork(many, (unsigned)(NUMBERS - 1 - OK0(many, getpid)));
	return many;
}

/*
 * Whoever has a number keeps it for himself, so does a group and a session; the
 * one free for longest is used first, and nobody searches for it.
 */
START_TEST(numbers_come_round)
{
	struct raw_guest *leader = raw_fork(&S, G), *member, *gone, *many, *g;
	int taken, freed, fd[2];
	char c = 'x';

	taken = (int)OK0(leader, setsid);
	member = raw_fork(&S, leader);
	gone = raw_fork(&S, G);
	freed = (int)OK0(gone, getpid);
	/* The owner of a file goes, its number stays. */
	OK0(G, pipe);
	fd[0] = (int)G->retval[0];
	fd[1] = (int)G->retval[1];
	OK(G, fcntl, fd[0], RUMP_F_SETFL, RUMP_O_ASYNC);
	OK(G, fcntl, fd[0], RUMP_F_SETOWN, freed);
	raw_leave(leader);
	raw_leave(gone);

	many = use_up_numbers();
	g = raw_fork(&S, G);
	ck_assert_int_eq(OK0(g, getpid), NUMBERS);
	raw_leave(g);
	g = raw_fork(&S, G);
	ck_assert_int_eq(OK0(g, getpid), freed);
	ck_assert_int_eq(OK0(g, getppid), OK0(G, getpid));
	/* It is another process, which is told nothing. */
	OK(G, write, fd[1], P(&c), 1);
	OK(G, fcntl, fd[0], RUMP_F_SETOWN, OK0(G, getpid));
	OK(G, write, fd[1], P(&c), 1);
	while ((G->raised >> RUMP_SIGIO & 1) == 0)
		OK0(G, getpid);
	OK0(g, getpid);
	ck_assert_uint_eq(g->raised, 0);
	raw_leave(g);
	g = raw_fork(&S, G);
	ck_assert_int_eq(OK0(g, getpid), NUMBERS);
	ck_assert_int_eq(OK(g, getsid, OK0(member, getpid)), taken);
	raw_leave(g);
	raw_leave(member);
	raw_leave(many);
}
END_TEST

/* When all are taken the next ones are above. */
START_TEST(more_than_come_round)
{
	struct raw_guest *many = use_up_numbers(), *g[3];
	int i;

	for (i = 0; i < 3; i++) {
		g[i] = raw_fork(&S, G);
		ck_assert_int_eq(OK0(g[i], getpid), NUMBERS + i);
		ck_assert_int_eq(OK(G, getpgid, NUMBERS + i), 1);
	}
	ck_assert_int_eq(CALL(G, getpgid, NUMBERS + i), RUMP_ESRCH);
	for (i = 0; i < 3; i++)
		raw_leave(g[i]);
	raw_leave(many);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_test(t, guests_share_no_group);
	tcase_add_test(t, guests_share_no_login_name);
	tcase_add_test(t, many_orphans);
	tcase_add_test(t, processes_are_counted_by_real_user);
}

int
main(void)
{
	Suite *s = suite_both_ways("hostkern processes", raw_setup,
	    raw_teardown, add_tests);
	TCase *t = tcase_create("numbers");

	tcase_add_checked_fixture(t, setup_for_many, raw_teardown);
	tcase_add_test(t, numbers_come_round);
	tcase_add_test(t, more_than_come_round);
	suite_add_tcase(s, t);
	return suite_run(s);
}
