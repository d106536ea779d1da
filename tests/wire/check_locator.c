/*
 * Locators: what parses, what the messages say, and real sockets.
 */
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/suite.h"
#include "wire/locator.h"

static char dir[64];
static char why[LOCATOR_WHY];
static struct locator loc;

static void
enter_dir(void)
{

	snprintf(dir, sizeof(dir), "/tmp/locator.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
}

static void
leave_dir(void)
{

	unlink("sock");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(dir);
}

static void
parses(const char *s, enum locator_role role, const char *text)
{

	ck_assert_int_eq(locator_parse(&loc, s, role, why), 0);
	ck_assert_str_eq(loc.text, text);
	ck_assert_str_eq(why, "");
}

static void
refused(const char *s, enum locator_role role, const char *say)
{

	ck_assert_int_ne(locator_parse(&loc, s, role, why), 0);
	ck_assert_msg(strstr(why, say) != NULL, "'%s' lacks '%s'", why, say);
}

START_TEST(unix_paths)
{
	char want[LOCATOR_MAX], cwd[128], path[256];

	parses("unix:///a/b", LOCATOR_CLIENT, "unix:///a/b");
	ck_assert_int_eq(loc.kind, LOCATOR_UNIX);
	ck_assert_ptr_nonnull(getcwd(cwd, sizeof(cwd)));
	snprintf(want, sizeof(want), "unix://%s/s/t", cwd);
	parses("unix://s/t", LOCATOR_CLIENT, want);

	ck_assert_int_eq(chdir("/"), 0);
	parses("unix://s", LOCATOR_CLIENT, "unix:///s");
	ck_assert_int_eq(chdir(dir), 0);

	refused("unix://", LOCATOR_CLIENT, "no path");
	snprintf(path, sizeof(path), "unix:///%0120d", 0);
	ck_assert_int_eq(locator_parse(&loc, path, LOCATOR_CLIENT, why),
	    ENAMETOOLONG);
	ck_assert_ptr_nonnull(strstr(why, "121 bytes"));
}
END_TEST

START_TEST(tcp_name)
{

	if (skip_unless_localhost())
		return;
	parses("tcp://localhost:1", LOCATOR_CLIENT, "tcp://127.0.0.1:1/");
}
END_TEST

START_TEST(tcp)
{

	parses("tcp://127.0.0.1:8000/", LOCATOR_CLIENT,
	    "tcp://127.0.0.1:8000/");
	parses("tcp://127.0.0.1:8000", LOCATOR_CLIENT,
	    "tcp://127.0.0.1:8000/");
	ck_assert_int_eq(((struct sockaddr_in *)&loc.addr)->sin_port,
	    htons(8000));
	parses("tcp://127.0.0.1:0", LOCATOR_SERVER, "tcp://127.0.0.1:0/");
	parses("tcp://127.0.0.1:65535", LOCATOR_SERVER,
	    "tcp://127.0.0.1:65535/");
	parses("tcp://*:1", LOCATOR_SERVER, "tcp://0.0.0.0:1/");
	parses("tcp://0:1", LOCATOR_SERVER, "tcp://0.0.0.0:1/");

	refused("tcp://*:1", LOCATOR_CLIENT, "'*' is for servers");
	refused("tcp://0:1", LOCATOR_CLIENT, "'0' is for servers");
	refused("tcp://1.2.3.4", LOCATOR_CLIENT, "no ':PORT'");
	refused("tcp://1.2.3.4/", LOCATOR_CLIENT, "no ':PORT'");
	refused("tcp://:80", LOCATOR_CLIENT, "no address");
	refused("tcp://1.2.3.4:", LOCATOR_CLIENT, "port ''");
	refused("tcp://1.2.3.4:/", LOCATOR_CLIENT, "port ''");
	refused("tcp://1.2.3.4:99999", LOCATOR_CLIENT, "port '99999'");
	refused("tcp://1.2.3.4:-1", LOCATOR_CLIENT, "port '-1'");
	refused("tcp://1.2.3.4: 1", LOCATOR_CLIENT, "port ' 1'");
	refused("tcp://1.2.3.4:0x50", LOCATOR_CLIENT, "port '0x50'");
	refused("tcp://1.2.3.4:80/x", LOCATOR_CLIENT, "'/x' after the port");
	refused("tcp://1.2.3.4:80//", LOCATOR_CLIENT, "'//' after the port");
	refused("tcp://no.such.host.invalid:80", LOCATOR_CLIENT,
	    "host 'no.such.host.invalid'");
}
END_TEST

START_TEST(tcp6)
{

	parses("tcp6://[::1]:8000/", LOCATOR_CLIENT, "tcp6://[::1]:8000/");
	parses("tcp6://[0:0::0:1]:8000", LOCATOR_CLIENT, "tcp6://[::1]:8000/");
	parses("tcp6://[*]:1", LOCATOR_SERVER, "tcp6://[::]:1/");
	parses("tcp6://*:1", LOCATOR_SERVER, "tcp6://[::]:1/");
	refused("tcp6://*:1", LOCATOR_CLIENT, "'*' is for servers");
	refused("tcp6://::1:80", LOCATOR_CLIENT, "not in [ ]");
	refused("tcp6://[::1:80", LOCATOR_CLIENT, "no ']'");
	refused("tcp6://[::1]", LOCATOR_CLIENT, "no ':PORT'");
	refused("tcp6://[]:1", LOCATOR_CLIENT, "no address");
	refused("tcp6://[1.2.3.4]:1", LOCATOR_CLIENT, "not an IPv6 address");
	refused("tcp6://[::1]:x", LOCATOR_CLIENT, "port 'x'");
}
END_TEST

START_TEST(others)
{
	char s[LOCATOR_MAX + 64];

	parses("fd://7", LOCATOR_CLIENT, "fd://7");
	ck_assert_int_eq(loc.fd, 7);
	refused("fd://", LOCATOR_CLIENT, "not a descriptor");
	refused("fd://-1", LOCATOR_CLIENT, "not a descriptor");
	refused("fd://99999999999", LOCATOR_CLIENT, "not a descriptor");
	refused("http://x", LOCATOR_CLIENT, "does not start with");
	refused("", LOCATOR_CLIENT, "does not start with");
	refused("unix:/x", LOCATOR_CLIENT, "does not start with");

	memset(s, 'x', sizeof(s));
	memcpy(s, "tcp://", 6);
	s[sizeof(s) - 1] = '\0';
	refused(s, LOCATOR_CLIENT, "longer than");
	s[LOCATOR_MAX - 1] = '\0';
	refused(s, LOCATOR_CLIENT, "no ':PORT'");
}
END_TEST

/* Connects to loc, whose listener is lfd, and sees a byte arrive. */
static void
talk(int lfd)
{
	struct locator client;
	char c = 'x';
	int cfd, sfd;

	ck_assert_int_eq(locator_parse(&client, loc.text, LOCATOR_CLIENT, why),
	    0);
	cfd = locator_connect(&client);
	ck_assert_int_gt(cfd, 2);
	ck_assert_int_eq(fcntl(cfd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(cfd, F_GETFL) & O_NONBLOCK, 0);
	sfd = accept(lfd, NULL, NULL);
	ck_assert_int_ne(sfd, -1);
	ck_assert_int_eq(write(cfd, &c, 1), 1);
	c = 0;
	ck_assert_int_eq(read(sfd, &c, 1), 1);
	ck_assert_int_eq(c, 'x');
	close(cfd);
	close(sfd);
}

START_TEST(unix_sockets)
{
	struct locator other;
	struct stat st;
	mode_t mask;
	int fd, lfd;

	mask = umask(077);
	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	lfd = locator_listen(&loc, 5, 0660);
	ck_assert_int_gt(lfd, 2);
	umask(mask);
	ck_assert_int_eq(stat("sock", &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_int_ne(fcntl(lfd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(fcntl(lfd, F_GETFD), FD_CLOEXEC);
	talk(lfd);

	/* Alive: nobody else may have it. */
	other = loc;
	ck_assert_int_eq(locator_listen(&other, 5, 0600), -1);
	ck_assert_int_eq(errno, EADDRINUSE);
	fd = accept(lfd, NULL, NULL);	/* the other one asked */
	ck_assert_int_ne(fd, -1);
	close(fd);
	talk(lfd);

	/* Dead: its file is in nobody's way. */
	close(lfd);
	lfd = locator_listen(&other, 5, 0600);
	ck_assert_int_ne(lfd, -1);
	talk(lfd);
	locator_unlink(&other);
	ck_assert_int_eq(stat("sock", &st), -1);
	close(lfd);
}
END_TEST

START_TEST(unix_spares_files)
{
	struct stat st;
	int fd;

	fd = open("sock", O_CREAT | O_WRONLY, 0600);
	ck_assert_int_ne(fd, -1);
	close(fd);
	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	ck_assert_int_eq(locator_listen(&loc, 5, 0600), -1);
	ck_assert_int_eq(errno, ENOTSOCK);
	ck_assert_int_eq(stat("sock", &st), 0);
}
END_TEST

/* Servers that start at once: one gets the place of a dead one, and keeps it. */
enum { RIVALS = 4, RACES = 300 };

static pthread_barrier_t start;

static void *
rival(void *arg)
{
	struct locator mine = loc;
	int *fd = arg;

	pthread_barrier_wait(&start);
	*fd = locator_listen(&mine, 5, 0600);
	if (*fd == -1)
		ck_assert_int_eq(errno, EADDRINUSE);
	return NULL;
}

START_TEST(unix_one_of_many)
{
	int fd[RIVALS], won, i, race;
	pthread_t thread[RIVALS];

	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	ck_assert_int_eq(pthread_barrier_init(&start, NULL, RIVALS), 0);
	for (race = 0; race < RACES; race++) {
		for (i = 0; i < RIVALS; i++)
			pthread_create(&thread[i], NULL, rival, &fd[i]);
		for (i = 0; i < RIVALS; i++)
			pthread_join(thread[i], NULL);
		won = -1;
		for (i = 0; i < RIVALS; i++) {
			if (fd[i] == -1)
				continue;
			ck_assert_int_eq(won, -1);
			won = fd[i];
		}
		ck_assert_int_ne(won, -1);
		/* Its file is left behind for the next race. */
		close(won);
	}
	pthread_barrier_destroy(&start);
}
END_TEST

/* The file is another server's by now: it stays. */
START_TEST(unix_spares_others)
{
	struct locator other;
	struct stat st;
	int lfd, lfd2;

	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	other = loc;
	lfd = locator_listen(&loc, 5, 0600);
	ck_assert_int_ne(lfd, -1);
	ck_assert_int_eq(unlink("sock"), 0);
	lfd2 = locator_listen(&other, 5, 0600);
	ck_assert_int_ne(lfd2, -1);
	locator_unlink(&loc);
	ck_assert_int_eq(stat("sock", &st), 0);
	locator_unlink(&other);
	ck_assert_int_eq(stat("sock", &st), -1);
	close(lfd);
	close(lfd2);
}
END_TEST

/* Somebody who sits on the directory's lock cannot keep a server away. */
START_TEST(unix_lock_is_no_wall)
{
	int fd, lfd;

	fd = open(".", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	lfd = locator_listen(&loc, 5, 0600);
	ck_assert_int_ne(lfd, -1);
	close(lfd);
	close(fd);
}
END_TEST

static int
option(int fd, int level, int name)
{
	socklen_t len;
	int value;

	len = sizeof(value);
	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void
notices_silence(int fd)
{

	ck_assert_int_ne(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPIDLE),
	    LOCATOR_KEEP_IDLE);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPINTVL),
	    LOCATOR_KEEP_INTERVAL);
	ck_assert_int_eq(option(fd, IPPROTO_TCP, TCP_KEEPCNT),
	    LOCATOR_KEEP_COUNT);
}

static void
on_alarm(int signo)
{

	(void)signo;
}

/* Nobody accepts; and that signals come does not make it any longer. */
START_TEST(connect_gives_up)
{
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } };
	struct locator client;
	int lfd, first, fd;

	ck_assert_int_eq(locator_parse(&loc, "unix://sock", LOCATOR_SERVER,
	    why), 0);
	lfd = locator_listen(&loc, 0, 0600);
	ck_assert_int_ne(lfd, -1);
	ck_assert_int_eq(locator_parse(&client, "unix://sock", LOCATOR_CLIENT,
	    why), 0);
	first = locator_connect(&client);
	ck_assert_int_ne(first, -1);
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &it, NULL);
	fd = locator_socket(&client);
	ck_assert_int_eq(locator_connect_socket(&client, fd, 200), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	close(fd);
	close(first);
	close(lfd);
}
END_TEST

START_TEST(tcp_sockets)
{
	struct locator client;
	int fd, lfd, peer;

	parses("tcp://127.0.0.1:0/", LOCATOR_SERVER, "tcp://127.0.0.1:0/");
	lfd = locator_listen(&loc, 5, 0);
	ck_assert_int_gt(lfd, 2);
	ck_assert_str_ne(loc.text, "tcp://127.0.0.1:0/");
	talk(lfd);

	ck_assert_int_eq(locator_parse(&client, loc.text, LOCATOR_CLIENT, why),
	    0);
	fd = locator_connect(&client);
	ck_assert_int_ne(fd, -1);
	ck_assert_int_ne(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	notices_silence(fd);
	peer = accept(lfd, NULL, NULL);
	ck_assert_int_ne(peer, -1);
	notices_silence(peer);
	close(peer);
	close(fd);
	close(lfd);
	ck_assert_int_eq(locator_connect(&client), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
}
END_TEST

START_TEST(tcp6_sockets)
{
	int lfd;

	parses("tcp6://[::1]:0", LOCATOR_SERVER, "tcp6://[::1]:0/");
	lfd = locator_listen(&loc, 5, 0);
	if (lfd == -1 && (errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT))
		return;		/* a host without IPv6 */
	ck_assert_int_ne(lfd, -1);
	talk(lfd);
	close(lfd);
}
END_TEST

START_TEST(inherited)
{
	char s[32];
	int sv[2], dg[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, dg), 0);
	snprintf(s, sizeof(s), "fd://%d", sv[0]);
	parses(s, LOCATOR_CLIENT, s);
	ck_assert_int_eq(locator_connect(&loc), sv[0]);
	ck_assert_int_eq(locator_listen(&loc, 1, 0), -1);
	ck_assert_int_eq(errno, EOPNOTSUPP);

	loc.fd = dg[0];
	ck_assert_int_eq(locator_connect(&loc), -1);
	ck_assert_int_eq(errno, EPROTOTYPE);
	loc.fd = 9999;
	ck_assert_int_eq(locator_connect(&loc), -1);
	ck_assert_int_eq(errno, EBADF);
	close(sv[0]);
	close(sv[1]);
	close(dg[0]);
	close(dg[1]);
}
END_TEST

/* Stdio closed: no descriptor of ours takes its place. */
START_TEST(above_stdio)
{
	int status;
	pid_t pid;

	pid = fork();
	ck_assert_int_ne(pid, -1);
	if (pid == 0) {
		int fd;

		close(0);
		close(1);
		close(2);
		if (locator_parse(&loc, "unix://sock", LOCATOR_SERVER, why))
			_exit(1);
		fd = locator_listen(&loc, 1, 0600);
		if (fd < 3 || fcntl(0, F_GETFD) != -1)
			_exit(2);
		fd = locator_connect(&loc);
		if (fd < 3 || fcntl(fd, F_GETFD) != FD_CLOEXEC)
			_exit(3);
		if (fcntl(0, F_GETFD) != -1 || wire_fd_above_stdio(9999) != -1)
			_exit(4);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("locator");
	TCase *tc = tcase_create("locator");

	tcase_add_checked_fixture(tc, enter_dir, leave_dir);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, unix_paths);
	tcase_add_test(tc, tcp);
	tcase_add_test(tc, tcp_name);
	tcase_add_test(tc, tcp6);
	tcase_add_test(tc, others);
	tcase_add_test(tc, unix_sockets);
	tcase_add_test(tc, unix_spares_files);
	tcase_add_test(tc, unix_one_of_many);
	tcase_add_test(tc, unix_spares_others);
	tcase_add_test(tc, unix_lock_is_no_wall);
	tcase_add_test(tc, connect_gives_up);
	tcase_add_test(tc, tcp_sockets);
	tcase_add_test(tc, tcp6_sockets);
	tcase_add_test(tc, inherited);
	tcase_add_test(tc, above_stdio);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
