/*
 * The shared library: what it exports, and a program that was never compiled
 * against anything of ours, and so is not for a library that a sanitizer's
 * runtime comes with.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/e2e/daemon.h"
#include "tests/lib/suite.h"

/* Quoted for the shell. */
#define LIBRARY		"'" RUMPGEN_BUILD "/lib/librumpclient.so.0'"
#define LIBRARY_PATH	"LD_LIBRARY_PATH='" RUMPGEN_BUILD "/lib'"
#define PROGRAM_C	"'" RUMPGEN_TOP "/tests/e2e/netbsd/program.c'"
#define LIST		RUMPGEN_TOP "/syscalls.master"

#define CALLS		218	/* that NetBSD's list of 2016 marks RUMP: at least */
#define MAXNAMES	512
#define NAME_LEN	64

struct names {
	char name[MAXNAMES][NAME_LEN];
	size_t n;
};

static bool
has(const struct names *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (strcmp(l->name[i], name) == 0)
			return true;
	}
	return false;
}

static void
add(struct names *l, const char *prefix, const char *name, const char *suffix)
{

	ck_assert_uint_lt(l->n, MAXNAMES);
	ck_assert_int_lt(snprintf(l->name[l->n++], NAME_LEN, "%s%s%s", prefix,
	    name, suffix), NAME_LEN);
}

/* The symbols that nm(1) shows, each with its version. */
static void
exported(struct names *l)
{
	char line[256], name[128];
	FILE *f;

	f = popen("nm -D --defined-only " LIBRARY, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%*s %*[TW] %127[^@\n]@@RUMPCLIENT_0",
		    name) == 1) {
			ck_assert_ptr_nonnull(strstr(line, "@@RUMPCLIENT_0\n"));
			add(l, name, "", "");
		} else {
			/* The version itself. */
			ck_assert_msg(strstr(line, " A RUMPCLIENT_0") != NULL,
			    "%s", line);
		}
	}
	ck_assert_int_eq(pclose(f), 0);
}

/*
 * One entry of the list, read without the generator's help:
 *
 *	30 COMPAT_50 MODULAR compat RUMP { int|sys|30|stat(...); } [alias]
 */
static void
add_entry(struct names *l, const char *entry)
{
	char compat[8] = "", name[48], alias[48];
	const char *p;

	p = strstr(entry, "|sys|");
	ck_assert_ptr_nonnull(p);
	if (sscanf(p, "|sys||%47[a-z0-9A-Z_](", name) != 1)
		ck_assert_int_eq(sscanf(p, "|sys|%7[0-9]|%47[a-z0-9A-Z_](",
		    compat, name), 2);
	p = strstr(p, "; }");
	ck_assert_ptr_nonnull(p);
	if (sscanf(p, "; }%*[ \t]%47[a-z_]", alias) == 1)
		add(l, "rump___sysimpl_", alias, compat);
	else
		add(l, "rump___sysimpl_", name, compat);
}

static void
listed(struct names *l)
{
	char line[256], entry[4096] = "";
	size_t len;
	FILE *f;

	f = fopen(LIST, "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (entry[0] == '\0' && (line[0] < '0' || line[0] > '9'))
			continue;
		ck_assert_uint_lt(strlen(entry) + strlen(line),
		    sizeof(entry));
		strcat(entry, line);
		len = strlen(entry);
		if (len >= 2 && strcmp(entry + len - 2, "\\\n") == 0) {
			entry[len - 2] = '\0';
			continue;
		}
		if (strstr(entry, "RUMP") != NULL)
			add_entry(l, entry);
		entry[0] = '\0';
	}
	fclose(f);
}

/* What <rump/rumpclient.h> and NetBSD's librumphijack ask for. */
static const char *const functions[] = {
	"rump_sys_pipe", "rumpclient_init", "rumpclient_syscall",
	"rumpclient_fork", "rumpclient_prefork", "rumpclient_fork_init",
	"rumpclient_fork_cancel", "rumpclient_fork_vparent",
	"rumpclient_fork_done", "rumpclient__vfork_parent",
	"rumpclient_exec", "rumpclient__exec_augmentenv",
	"rumpclient_daemon", "rumpclient_setconnretry",
	"rumpclient_setguard", "rumpclient__closenotify",
	"rumpclient__fail", "rumpclient__host_errno", "rumpclient__dlsym",
	"rumphijack_dlsym",
};
#define NFUNCTIONS	(sizeof(functions) / sizeof(functions[0]))

static bool
is_function(const char *name)
{
	size_t i;

	for (i = 0; i < NFUNCTIONS; i++) {
		if (strcmp(functions[i], name) == 0)
			return true;
	}
	return false;
}

START_TEST(symbols)
{
	static struct names lib, list;
	size_t i;

	exported(&lib);
	listed(&list);
	ck_assert_uint_ge(list.n, CALLS);
	for (i = 0; i < list.n; i++)
		ck_assert_msg(has(&lib, list.name[i]), "%s is missing",
		    list.name[i]);
	for (i = 0; i < NFUNCTIONS; i++)
		ck_assert_msg(has(&lib, functions[i]), "%s is missing",
		    functions[i]);
	for (i = 0; i < lib.n; i++)
		ck_assert_msg(has(&list, lib.name[i]) ||
		    is_function(lib.name[i]) ||
		    strncmp(lib.name[i], "rump_conv_", 10) == 0,
		    "%s is exported", lib.name[i]);
}
END_TEST

static void
run(const char *fmt, const char *arg)
{
	char cmd[1024];
	int status;

	ck_assert_int_lt(snprintf(cmd, sizeof(cmd), fmt, arg),
	    (int)sizeof(cmd));
	status = system(cmd);
	ck_assert_msg(status == 0, "%s: %d", cmd, status);
}

START_TEST(program_of_netbsd)
{
	char path[160];

	run("cc -Wall -Werror -o %s/program " PROGRAM_C " " LIBRARY,
	    daemon_dir());
	/* By soname, not by path. */
	run("readelf -d %s/program | grep -q 'NEEDED.*"
	    "\\[librumpclient.so.0\\]'", daemon_dir());
	run(LIBRARY_PATH " %s/program /netbsd",
	    daemon_dir());
	snprintf(path, sizeof(path), "%s/netbsd", daemon_root());
	ck_assert_str_eq(contents(path), "netbsd");
	ck_assert(daemon_wait("clients", 0));
}
END_TEST

/* A program nobody recompiled is traced by the environment alone. */
START_TEST(program_traced)
{
	const char *text;
	char path[160];

	run("cc -o %s/program " PROGRAM_C " " LIBRARY, daemon_dir());
	run("cd %s && " LIBRARY_PATH " "
	    "RUMPCLIENT_TRACE=trace ./program /netbsd", daemon_dir());
	snprintf(path, sizeof(path), "%s/trace", daemon_dir());
	text = contents(path);
	ck_assert_ptr_nonnull(strstr(text,
	    "open(\"/netbsd\", O_RDWR|O_CREAT, 0600) = "));
	ck_assert_ptr_nonnull(strstr(text, "stat50(\"/no such file\", "));
	ck_assert_ptr_nonnull(strstr(text, ", \"c\", 1) = 1 <"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("shared");
	TCase *tc = tcase_create("shared");

	if (!skip_under_sanitizer()) {
		tcase_add_checked_fixture(tc, daemon_start, daemon_stop);
		tcase_add_test(tc, symbols);
		tcase_add_test(tc, program_of_netbsd);
		tcase_add_test(tc, program_traced);
	}
	suite_add_tcase(s, tc);
	return suite_run(s);
}
