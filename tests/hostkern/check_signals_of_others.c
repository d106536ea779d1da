/*
 * Signals from one guest's doings to another: SIGIO to the owner of a file,
 * which kill's rule allows or not.
 *
 * That none comes is seen by one that comes later: the thread that raises them
 * takes one event after the other.
 */
#include <poll.h>
#include <unistd.h>

#include <check.h>

#include "lib/suite.h"
#include "raw.h"
#include "ways.h"

static int owned[2], later[2];	/* pipes of G */

static void
make_pipe(int fd[2])
{

	OK0(G, pipe);
	fd[0] = (int)G->retval[0];
	fd[1] = (int)G->retval[1];
	OK(G, fcntl, fd[0], RUMP_F_SETFL, RUMP_O_ASYNC);
}

static void
setup(void)
{

	raw_setup();
	make_pipe(owned);
	make_pipe(later);
	OK(G, fcntl, later[0], RUMP_F_SETOWN, OK0(G, getpid));
}

static bool
was_raised(struct raw_guest *g)
{
	bool was;

	OK0(g, getpid);		/* what was sent comes before the answer */
	was = (g->raised >> RUMP_SIGIO & 1) != 0;
	g->raised = 0;
	return was;
}

/* Something to read in `owned', and everybody told who is to be told. */
static void
happen(void)
{
	char c = 'x';

	(void)was_raised(G);
	OK(G, write, owned[1], P(&c), 1);
	OK(G, write, later[1], P(&c), 1);
	while (!was_raised(G))
		poll(NULL, 0, 1);
}

/* A child of G, which is root, with other ids. */
static struct raw_guest *
fork_as(int ruid, int euid)
{
	struct raw_guest *g = raw_fork(&S, G);

	OK(g, setreuid, ruid, euid);
	return g;
}

static int
pid_of(struct raw_guest *g)
{

	return (int)OK0(g, getpid);
}

static int
own(struct raw_guest *g, int owner)
{

	return CALL(g, fcntl, owned[0], RUMP_F_SETOWN, owner);
}

/* Every guest begins in group 1, but that is not one group. */
START_TEST(group_of_a_guest_is_its_own)
{
	struct raw_guest *child = raw_fork(&S, G);
	struct raw_guest *other = raw_guest(&S, "other");

	ck_assert_int_eq(own(G, -1), 0);
	ck_assert_int_eq(OK(G, fcntl, owned[0], RUMP_F_GETOWN, 0), -1);
	happen();
	ck_assert(was_raised(child));
	ck_assert(!was_raised(other));
	raw_leave(other);
	raw_leave(child);
}
END_TEST

START_TEST(group_of_another_session)
{
	struct raw_guest *other = raw_guest(&S, "other");
	int pid = (int)OK0(other, setsid), n = -pid, fd;

	ck_assert_int_eq(own(G, -pid), RUMP_EPERM);
	ck_assert_int_eq(own(G, -29999), RUMP_EINVAL);
	ck_assert_int_eq(own(G, INT32_MIN), RUMP_EINVAL);
	ck_assert_int_eq(CALL(G, ioctl, owned[0], RUMP_FIOSETOWN, P(&n)),
	    RUMP_EPERM);
	fd = (int)OK(G, __socket30, RUMP_AF_LOCAL, RUMP_SOCK_STREAM, 0);
	ck_assert_int_eq(CALL(G, ioctl, fd, RUMP_SIOCSPGRP, P(&n)),
	    RUMP_EPERM);
	ck_assert_int_eq(OK(G, fcntl, owned[0], RUMP_F_GETOWN, 0), 0);
	raw_leave(other);
}
END_TEST

/* The group that was found is the owner, not one that is called so later. */
START_TEST(group_that_has_gone)
{
	struct raw_guest *child = raw_fork(&S, G);
	int pid = pid_of(child);

	OK(child, setpgid, 0, 0);
	ck_assert_int_eq(own(G, -pid), 0);
	OK(child, setpgid, 0, 1);
	OK(child, setpgid, 0, pid);
	happen();
	ck_assert(!was_raised(child));
	ck_assert_int_eq(own(G, -pid), 0);
	happen();
	ck_assert(was_raised(child));
	raw_leave(child);
	happen();
}
END_TEST

START_TEST(process_of_another_user)
{
	struct raw_guest *a, *b, *same;

	if (skip_unless_root())
		return;
	a = fork_as(1000, 1000);
	b = fork_as(1001, 1001);
	same = fork_as(1000, 1000);
	ck_assert_int_eq(own(a, pid_of(b)), RUMP_EPERM);
	ck_assert_int_eq(own(a, pid_of(G)), RUMP_EPERM);
	ck_assert_int_eq(own(a, 29999), RUMP_ESRCH);
	happen();
	ck_assert(!was_raised(b));
	ck_assert_int_eq(own(a, pid_of(same)), 0);
	happen();
	ck_assert(was_raised(same));
	ck_assert_int_eq(own(G, pid_of(b)), 0);
	happen();
	ck_assert(was_raised(b));
	ck_assert(!was_raised(same));
	raw_leave(a);
	raw_leave(b);
	raw_leave(same);
}
END_TEST

/* The ids count that both have: of who asked, then; of who is told, now. */
START_TEST(asked_again_when_it_comes)
{
	struct raw_guest *a, *b;

	if (skip_unless_root())
		return;
	a = fork_as(1000, 1000);
	b = fork_as(1000, 0);
	ck_assert_int_eq(own(a, pid_of(b)), 0);
	happen();
	ck_assert(was_raised(b));
	OK(b, setuid, 1001);
	happen();
	ck_assert(!was_raised(b));
	/* As root, who is not root any more. */
	ck_assert_int_eq(own(G, pid_of(b)), 0);
	OK(G, seteuid, 1002);
	happen();
	ck_assert(was_raised(b));
	OK(G, seteuid, 0);
	raw_leave(a);
	raw_leave(b);
}
END_TEST

START_TEST(members_of_other_users)
{
	struct raw_guest *a, *b, *same;

	if (skip_unless_root())
		return;
	a = fork_as(1000, 1000);
	b = fork_as(1001, 1001);
	same = fork_as(1000, 1000);
	ck_assert_int_eq(own(a, -1), 0);
	happen();
	ck_assert(was_raised(a));
	ck_assert(was_raised(same));
	ck_assert(!was_raised(b));
	raw_leave(a);
	raw_leave(b);
	raw_leave(same);
}
END_TEST

static void
add_tests(TCase *t)
{

	tcase_add_test(t, group_of_a_guest_is_its_own);
	tcase_add_test(t, group_of_another_session);
	tcase_add_test(t, group_that_has_gone);
	tcase_add_test(t, process_of_another_user);
	tcase_add_test(t, asked_again_when_it_comes);
	tcase_add_test(t, members_of_other_users);
}

int
main(void)
{

	return suite_run(suite_both_ways("hostkern signals of others", setup,
	    raw_teardown, add_tests));
}
