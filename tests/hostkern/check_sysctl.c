/*
 * __sysctl.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <rump/rump_syscalls.h>
#include <rump/rumpdefs.h>

#include "tests/hostkern/host.h"
#include "tests/hostkern/ways.h"
#include "tests/lib/suite.h"

#define LENGTH(a)	(sizeof(a) / sizeof((a)[0]))

static int
get(int a, int b, void *old, size_t *len)
{
	const int name[] = { a, b };

	return rump_sys___sysctl(name, 2, old, len, NULL, 0);
}

static int
set(int a, int b, const void *new, size_t len)
{
	const int name[] = { a, b };

	return rump_sys___sysctl(name, 2, NULL, NULL, new, len);
}

static int32_t
number(int a, int b)
{
	int32_t value = -12345;
	size_t len = sizeof(value);

	ck_assert_int_eq(get(a, b, &value, &len), 0);
	ck_assert_uint_eq(len, sizeof(value));
	return value;
}

static const char *
string(int a, int b)
{
	static char buf[300];
	size_t len = sizeof(buf);

	ck_assert_int_eq(get(a, b, buf, &len), 0);
	ck_assert_uint_eq(len, strlen(buf) + 1);
	return buf;
}

START_TEST(says_what_it_is)
{

	ck_assert_str_eq(string(RUMP_CTL_KERN, RUMP_KERN_OSTYPE), "NetBSD");
	ck_assert_str_eq(string(RUMP_CTL_KERN, RUMP_KERN_OSRELEASE),
	    "7.99.34");
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_OSREV), 799003400);
	ck_assert_ptr_nonnull(strstr(string(RUMP_CTL_KERN, RUMP_KERN_VERSION),
	    "NetBSD 7.99.34"));
	ck_assert_str_eq(string(RUMP_CTL_HW, RUMP_HW_MACHINE), "amd64");
	ck_assert_str_eq(string(RUMP_CTL_HW, RUMP_HW_MACHINE_ARCH), "x86_64");
	ck_assert_int_gt(strlen(string(RUMP_CTL_HW, RUMP_HW_MODEL)), 0);
}
END_TEST

START_TEST(says_what_it_has)
{
	struct rump_clockinfo ci;
	size_t len = sizeof(ci);
	int64_t bytes;

	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_ARGMAX), 262144);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_NGROUPS), 16);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_IOV_MAX), 1024);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_SAVED_IDS), 1);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_POSIX1), 200112);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_SECURELVL), -1);
	ck_assert_int_gt(number(RUMP_CTL_KERN, RUMP_KERN_MAXFILES), 0);
	ck_assert_int_gt(number(RUMP_CTL_KERN, RUMP_KERN_MAXPROC), 0);
	ck_assert_int_eq(number(RUMP_CTL_HW, RUMP_HW_NCPUONLINE),
	    sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_int_ge(number(RUMP_CTL_HW, RUMP_HW_NCPU),
	    number(RUMP_CTL_HW, RUMP_HW_NCPUONLINE));
	ck_assert_int_eq(number(RUMP_CTL_HW, RUMP_HW_BYTEORDER), 1234);
	ck_assert_int_eq(number(RUMP_CTL_HW, RUMP_HW_PAGESIZE),
	    sysconf(_SC_PAGESIZE));
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_CLOCKRATE, &ci, &len),
	    0);
	ck_assert_uint_eq(len, sizeof(ci));
	ck_assert_int_eq(ci.hz * ci.tick, 1000000);
	len = sizeof(bytes);
	ck_assert_int_eq(get(RUMP_CTL_HW, RUMP_HW_PHYSMEM64, &bytes, &len), 0);
	ck_assert_uint_eq(len, 8);
	ck_assert_int_eq(bytes, sysconf(_SC_PHYS_PAGES) *
	    sysconf(_SC_PAGESIZE));
	ck_assert_uint_eq((uint32_t)number(RUMP_CTL_HW, RUMP_HW_PHYSMEM),
	    bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes);
}
END_TEST

START_TEST(says_since_when)
{
	struct rump_timespec boot;
	struct timespec now, up;
	size_t len = sizeof(boot);

	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_BOOTTIME, &boot, &len),
	    0);
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_MONOTONIC, &up);
	ck_assert_int_le(llabs(now.tv_sec - up.tv_sec - boot.tv_sec), 2);
}
END_TEST

START_TEST(says_how_busy_it_is)
{
	struct {
		uint32_t avg[3];
		int64_t fscale;
	} la;
	size_t len = sizeof(la);

	ck_assert_int_eq(get(RUMP_CTL_VM, 2, &la, &len), 0);
	ck_assert_uint_eq(len, 24);
	ck_assert_int_eq(la.fscale, 2048);
}
END_TEST

START_TEST(knows_the_network)
{
	static const int ttl[] = { RUMP_CTL_NET, RUMP_AF_INET, RUMP_IPPROTO_IP,
	    RUMP_IPCTL_DEFTTL };
	static const int hlim[] = { RUMP_CTL_NET, RUMP_AF_INET6,
	    RUMP_IPPROTO_IPV6, RUMP_IPV6CTL_DEFHLIM };
	int32_t value = 0;
	size_t len = sizeof(value);

	ck_assert_int_eq(rump_sys___sysctl(ttl, 4, &value, &len, NULL, 0), 0);
	ck_assert(value > 0 && value < 256);
	ck_assert_int_eq(rump_sys___sysctl(hlim, 4, &value, &len, NULL, 0), 0);
	ck_assert(value > 0 && value < 256);
}
END_TEST

START_TEST(random_bytes)
{
	unsigned char a[256], b[256];
	size_t len = sizeof(a);

	(void)number(RUMP_CTL_KERN, RUMP_KERN_URND);
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_ARND, a, &len), 0);
	ck_assert_uint_eq(len, sizeof(a));
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_ARND, b, &len), 0);
	ck_assert_int_ne(memcmp(a, b, sizeof(a)), 0);
	len = 10;
	memset(a, 0, sizeof(a));
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_ARND, a, &len), 0);
	ck_assert_uint_eq(len, 10);
	ck_assert(a[10] == 0 && a[11] == 0);
}
END_TEST

/* What does not fit is cut short, and the length that was wanted told. */
START_TEST(lengths)
{
	char buf[8];
	int32_t value;
	size_t len;

	len = 0;
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, NULL, &len), 0);
	ck_assert_uint_eq(len, 7);
	memset(buf, 'x', sizeof(buf));
	len = 3;
	ck_fails(get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, buf, &len), ENOMEM);
	ck_assert_uint_eq(len, 7);
	ck_assert_int_eq(memcmp(buf, "Netxxxxx", 8), 0);
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, buf, &len), 0);
	ck_assert_str_eq(buf, "NetBSD");
	len = 0;
	ck_fails(get(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, buf, &len), ENOMEM);
	value = 77;
	len = 2;
	ck_fails(get(RUMP_CTL_KERN, RUMP_KERN_NGROUPS, &value, &len), ENOMEM);
	ck_assert_uint_eq(len, 4);
	len = 100;
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_NGROUPS, &value, &len),
	    0);
	ck_assert_uint_eq(len, 4);
	/* Nobody asks. */
	ck_assert_int_eq(get(RUMP_CTL_KERN, RUMP_KERN_NGROUPS, NULL, NULL), 0);
}
END_TEST

START_TEST(names_are_checked)
{
	int name[RUMP_CTL_MAXNAME + 1] = { RUMP_CTL_KERN, RUMP_KERN_OSTYPE };
	char buf[64];
	size_t len = sizeof(buf);

	ck_fails(rump_sys___sysctl(name, 0, buf, &len, NULL, 0), EINVAL);
	ck_fails(rump_sys___sysctl(name, LENGTH(name), buf, &len, NULL, 0),
	    EINVAL);
	ck_fails(rump_sys___sysctl(name, UINT32_MAX, buf, &len, NULL, 0),
	    EINVAL);
	ck_fails(rump_sys___sysctl(name, 1, buf, &len, NULL, 0), EISDIR);
	ck_fails(rump_sys___sysctl(name, 3, buf, &len, NULL, 0), ENOTDIR);
	ck_fails(get(RUMP_CTL_KERN, 9999, buf, &len), ENOENT);
	ck_fails(get(9999, 1, buf, &len), ENOENT);
	ck_fails(get(RUMP_CTL_VFS, 1, buf, &len), ENOENT);
	ck_fails(get(RUMP_CTL_KERN, -99, buf, &len), EOPNOTSUPP);
	ck_fails(rump_sys___sysctl((void *)8, 2, buf, &len, NULL, 0), EFAULT);
	ck_fails(rump_sys___sysctl(name, 2, buf, (void *)8, NULL, 0), EFAULT);
	ck_assert_uint_eq(len, sizeof(buf));
}
END_TEST

static int
host_is(void *arg)
{

	return strcmp(string(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME), arg) == 0;
}

START_TEST(hostname_is_the_servers)
{
	char before[256], after[256], longest[256], old[300];
	const int name[] = { RUMP_CTL_KERN, RUMP_KERN_HOSTNAME };
	size_t len = sizeof(old);

	if (skip_unless_root())
		return;
	gethostname(before, sizeof(before));
	ck_assert_int_eq(host_is(before), 1);
	/* With and without its NUL. */
	ck_assert_int_eq(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, "one", 4), 0);
	ck_assert_int_eq(host_is("one"), 1);
	ck_assert_int_eq(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, "other", 5),
	    0);
	ck_assert_int_eq(host_is("other"), 1);
	ck_assert_int_eq(guest_wait(guest_start(false, host_is, "other")), 1);
	gethostname(after, sizeof(after));
	ck_assert_str_eq(before, after);
	/* Old and new at once. */
	ck_assert_int_eq(rump_sys___sysctl(name, 2, old, &len, "third", 6), 0);
	ck_assert_str_eq(old, "other");
	ck_assert_int_eq(host_is("third"), 1);

	memset(longest, 'x', sizeof(longest));
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, longest, 256), EINVAL);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, longest, 257), EINVAL);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, longest, SIZE_MAX),
	    EINVAL);
	ck_assert_int_eq(host_is("third"), 1);
	ck_assert_int_eq(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, longest, 255),
	    0);
	longest[255] = '\0';
	ck_assert_int_eq(host_is(longest), 1);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, (void *)8, 4),
	    EFAULT);
}
END_TEST

START_TEST(few_others_can_be_set)
{
	int32_t id = 0x12345678;

	if (skip_unless_root())
		return;
	ck_assert_int_eq(set(RUMP_CTL_KERN, RUMP_KERN_DOMAINNAME, "yp", 3), 0);
	ck_assert_str_eq(string(RUMP_CTL_KERN, RUMP_KERN_DOMAINNAME), "yp");
	ck_assert_int_eq(set(RUMP_CTL_KERN, RUMP_KERN_HOSTID, &id, 4), 0);
	ck_assert_int_eq(number(RUMP_CTL_KERN, RUMP_KERN_HOSTID), id);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTID, &id, 3), EINVAL);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTID, &id, 8), EINVAL);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_OSTYPE, "Unix", 5), EPERM);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_SECURELVL, &id, 4), EPERM);
}
END_TEST

START_TEST(setting_is_the_superusers)
{

	if (rump_sys_geteuid() == 0)
		ck_assert_int_eq(rump_sys_setuid(1000), 0);
	ck_fails(set(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME, "mine", 5), EPERM);
	ck_assert_str_ne(string(RUMP_CTL_KERN, RUMP_KERN_HOSTNAME), "mine");
}
END_TEST

/* The children of a node, as sysctlgetmibinfo(3) asks for them. */
static size_t
children(const int *parent, unsigned n, struct rump_sysctlnode *nodes,
    size_t room)
{
	struct rump_sysctlnode query = { .sysctl_flags = RUMP_SYSCTL_VERSION };
	int name[RUMP_CTL_MAXNAME];
	size_t len = room * sizeof(*nodes);

	memcpy(name, parent, n * sizeof(name[0]));
	name[n] = RUMP_CTL_QUERY;
	ck_assert_int_eq(rump_sys___sysctl(name, n + 1, nodes, &len, &query,
	    sizeof(query)), 0);
	ck_assert_uint_eq(len % sizeof(*nodes), 0);
	return len / sizeof(*nodes);
}

/* A name's number by its text, as sysctlbyname(3) finds it. */
static unsigned
by_name(const char *text, int *name)
{
	static struct rump_sysctlnode nodes[128];
	char copy[64], *part, *rest = copy;
	unsigned n = 0;
	size_t i, found;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, ".")) != NULL) {
		found = children(name, n, nodes, LENGTH(nodes));
		for (i = 0; i < found; i++) {
			if (strcmp(nodes[i].sysctl_name, part) == 0)
				break;
		}
		ck_assert_msg(i < found, "%s: no %s", text, part);
		name[n++] = nodes[i].sysctl_num;
	}
	return n;
}

START_TEST(names_are_found_by_text)
{
	static const char *const names[] = { "kern.hostname", "kern.boottime",
	    "kern.ipc.sysvshm", "kern.posix_aio", "hw.physmem64",
	    "vm.loadavg", "net.inet.ip.ttl", "net.inet.tcp.sack.enable",
	    "net.inet6.ip6.hlim" };
	int name[RUMP_CTL_MAXNAME];
	char buf[300];
	size_t i, len;
	unsigned n;

	for (i = 0; i < LENGTH(names); i++) {
		n = by_name(names[i], name);
		len = sizeof(buf);
		ck_assert_int_eq(rump_sys___sysctl(name, n, buf, &len, NULL,
		    0), 0);
		ck_assert_uint_gt(len, 0);
	}
	ck_assert_uint_eq(by_name("kern.osrelease", name), 2);
	ck_assert_int_eq(name[0], RUMP_CTL_KERN);
	ck_assert_int_eq(name[1], RUMP_KERN_OSRELEASE);
}
END_TEST

/* Every leaf can be read, and is as large as its node says. */
static unsigned
walk(int *name, unsigned n)
{
	struct rump_sysctlnode *nodes = calloc(128, sizeof(*nodes));
	unsigned leaves = 0;
	size_t i, found, len;
	char buf[300];

	ck_assert_ptr_nonnull(nodes);
	found = children(name, n, nodes, 128);
	for (i = 0; i < found; i++) {
		name[n] = nodes[i].sysctl_num;
		ck_assert_int_gt(nodes[i].sysctl_name[0], 0);
		ck_assert(i == 0 || nodes[i].sysctl_num >
		    nodes[i - 1].sysctl_num);
		if (RUMP_SYSCTL_TYPE(nodes[i].sysctl_flags) ==
		    RUMP_CTLTYPE_NODE) {
			leaves += walk(name, n + 1);
			continue;
		}
		len = sizeof(buf);
		ck_assert_int_eq(rump_sys___sysctl(name, n + 1, buf, &len,
		    NULL, 0), 0);
		if (RUMP_SYSCTL_TYPE(nodes[i].sysctl_flags) ==
		    RUMP_CTLTYPE_STRING)
			ck_assert_uint_eq(len, strlen(buf) + 1);
		else
			ck_assert_uint_eq(len, nodes[i].sysctl_size);
		leaves++;
	}
	free(nodes);
	return leaves;
}

START_TEST(all_can_be_read)
{
	int name[RUMP_CTL_MAXNAME];

	ck_assert_uint_gt(walk(name, 0), 60);
}
END_TEST

START_TEST(questions_about_the_tree)
{
	struct rump_sysctlnode query = { .sysctl_flags = RUMP_SYSCTL_VERSION },
	    nodes[3];
	const int root[] = { RUMP_CTL_QUERY };
	size_t len = sizeof(nodes);

	/* Whole nodes alone, and the length that was wanted. */
	memset(nodes, 0, sizeof(nodes));
	len = 2 * sizeof(nodes[0]) + 10;
	ck_fails(rump_sys___sysctl(root, 1, nodes, &len, &query,
	    sizeof(query)), ENOMEM);
	ck_assert_uint_eq(len, 13 * sizeof(nodes[0]));
	ck_assert_str_eq(nodes[0].sysctl_name, "kern");
	ck_assert_str_eq(nodes[1].sysctl_name, "vm");
	ck_assert_int_eq(nodes[2].sysctl_name[0], 0);
	ck_assert_uint_ne(nodes[0].sysctl_un.child.clen, 0);

	ck_fails(rump_sys___sysctl(root, 1, nodes, &len, NULL, 0), EINVAL);
	ck_fails(rump_sys___sysctl(root, 1, nodes, &len, &query,
	    sizeof(query) - 1), EINVAL);
	query.sysctl_flags = 0;
	ck_fails(rump_sys___sysctl(root, 1, nodes, &len, &query,
	    sizeof(query)), EINVAL);
	query.sysctl_flags = RUMP_SYSCTL_VERSION;
	query.sysctl_ver = 12345;
	ck_fails(rump_sys___sysctl(root, 1, nodes, &len, &query,
	    sizeof(query)), EINVAL);
	query.sysctl_ver = nodes[0].sysctl_ver;
	len = 0;
	ck_assert_int_eq(rump_sys___sysctl(root, 1, NULL, &len, &query,
	    sizeof(query)), 0);
	ck_assert_uint_eq(len, 13 * sizeof(nodes[0]));
	ck_fails(get(RUMP_CTL_KERN, RUMP_CTL_CREATE, nodes, &len), EINVAL);
	ck_fails(set(RUMP_CTL_KERN, RUMP_CTL_CREATE, &query, sizeof(query)),
	    EPERM);
	ck_fails(set(RUMP_CTL_KERN, RUMP_CTL_DESTROY, &query, sizeof(query)),
	    EPERM);
}
END_TEST

START_TEST(descriptions)
{
	struct rump_sysctlnode query = { .sysctl_flags = RUMP_SYSCTL_VERSION,
	    .sysctl_num = RUMP_KERN_OSTYPE };
	const int name[] = { RUMP_CTL_KERN, RUMP_CTL_DESCRIBE };
	struct {
		int32_t num;
		uint32_t ver, len;
		char text[100];
	} d;
	size_t len = sizeof(d);

	ck_assert_int_eq(rump_sys___sysctl(name, 2, &d, &len, &query,
	    sizeof(query)), 0);
	ck_assert_int_eq(d.num, RUMP_KERN_OSTYPE);
	ck_assert_uint_eq(d.len, strlen(d.text) + 1);
	ck_assert_uint_eq(len, 12 + (d.len + 3) / 4 * 4);
	query.sysctl_num = 9999;
	ck_fails(rump_sys___sysctl(name, 2, &d, &len, &query, sizeof(query)),
	    ENOENT);
	query.sysctl_desc = 1;
	ck_fails(rump_sys___sysctl(name, 2, &d, &len, &query, sizeof(query)),
	    EPERM);
	ck_fails(get(RUMP_CTL_KERN, RUMP_CTL_DESCRIBE, &d, &len), ENOMEM);
	ck_assert_uint_gt(len, 500);
}
END_TEST

/* Whatever is asked: never a byte more than there is room for, and the length
 * is told whenever there was a value. */
START_TEST(nonsense)
{
	static const int parts[] = { 0, 1, 2, 4, 6, 10, 12, 21, 24, 41, 81, 82,
	    83, 1024, -1, -2, -3, -5, -6, -7, -8, INT32_MIN, INT32_MAX };
	struct rump_sysctlnode query = { .sysctl_flags = RUMP_SYSCTL_VERSION };
	unsigned char buf[1024];
	int name[RUMP_CTL_MAXNAME], rc;
	size_t len, room, i, k;
	unsigned n, seed = 20161123;

	for (i = 0; i < 3000; i++) {
		n = 1 + rand_r(&seed) % (i % 4 == 0 ? RUMP_CTL_MAXNAME : 4);
		for (k = 0; k < n; k++)
			name[k] = parts[rand_r(&seed) % LENGTH(parts)];
		memset(buf, 0xa5, sizeof(buf));
		len = room = rand_r(&seed) % 600;
		if (name[n - 1] < 0)
			rc = rump_sys___sysctl(name, n, buf, &len, &query,
			    sizeof(query));
		else
			rc = rump_sys___sysctl(name, n, buf, &len, NULL, 0);
		for (k = room; k < sizeof(buf) && buf[k] == 0xa5; k++)
			continue;
		ck_assert_uint_eq(k, sizeof(buf));
		if (rc == 0)
			ck_assert_uint_le(len, room);
		else if (errno == ENOMEM)
			ck_assert_uint_gt(len, room);
		else
			ck_assert_uint_eq(len, room);
	}
}
END_TEST

static void
add_tests(TCase *tc)
{

	tcase_add_test(tc, says_what_it_is);
	tcase_add_test(tc, says_what_it_has);
	tcase_add_test(tc, says_since_when);
	tcase_add_test(tc, says_how_busy_it_is);
	tcase_add_test(tc, knows_the_network);
	tcase_add_test(tc, random_bytes);
	tcase_add_test(tc, lengths);
	tcase_add_test(tc, names_are_checked);
	tcase_add_test(tc, hostname_is_the_servers);
	tcase_add_test(tc, few_others_can_be_set);
	tcase_add_test(tc, setting_is_the_superusers);
	tcase_add_test(tc, names_are_found_by_text);
	tcase_add_test(tc, all_can_be_read);
	tcase_add_test(tc, questions_about_the_tree);
	tcase_add_test(tc, descriptions);
	tcase_add_test(tc, nonsense);
}

int
main(void)
{

	return suite_run(suite_both_ways("sysctl", host_start, host_stop,
	    add_tests));
}
