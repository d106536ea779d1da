/*
 * execve(2) with the connection handed on.
 *
 * The new image must find the stream between two frames: so nobody may be in
 * the middle of receiving or sending one when the other threads vanish.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rump/rumpclient.h>

#include "client/call.h"
#include "client/init.h"
#include "client/reader.h"
#include "wire/host.h"

/* How long the stream may take to come to rest, in milliseconds. */
#define SETTLE_TIMEOUT	5000

/* The two variables and their terminating NUL. */
#define EXECFD_LEN	(sizeof(ENV_EXECFD) + 2 * 12)
#define PARSED_LEN	(sizeof(ENV_PARSED) + 1 + LOCATOR_MAX)

/* A larger environment is E2BIG, as it would be for the kernel. */
#define ENV_MAX		65536

static bool
is_variable(const char *entry, const char *name)
{
	size_t n;

	n = strlen(name);
	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

static size_t
env_count(char *const *env)
{
	size_t n;

	for (n = 0; env != NULL && env[n] != NULL; n++)
		continue;
	return n;
}

/* The variables for a connection. */
static void
format_variables(const struct conn *c, char execfd[EXECFD_LEN],
    char parsed[PARSED_LEN])
{

	snprintf(execfd, EXECFD_LEN, ENV_EXECFD "=%d,%d", c->fd, c->sig.fd);
	snprintf(parsed, PARSED_LEN, ENV_PARSED "=%s", conn_server.text);
}

/*
 * Fills `env`, room for env_count(old) + 3, with old and our variables
 * instead of any it has of those names.  RUMP__PARSEDSERVER only when
 * RUMP_SERVER does not say the same: it stays in the environment and wins
 * when a program further down is given another server.
 */
static void
fill_env(char **env, char *const *old, char *execfd, char *parsed)
{
	bool named;
	size_t n;

	n = 0;
	named = false;
	for (; old != NULL && *old != NULL; old++) {
		if (!is_variable(*old, ENV_EXECFD) &&
		    !is_variable(*old, ENV_PARSED))
			env[n++] = *old;
		if (is_variable(*old, ENV_SERVER))
			named = strcmp(*old + sizeof(ENV_SERVER),
			    conn_server.text) == 0;
	}
	env[n++] = execfd;
	if (!named)
		env[n++] = parsed;
	env[n] = NULL;
}

/*
 * Exported for programs that exec by themselves: a copy of oenv with our
 * variables, in one malloc'd block that the caller frees as such (the strings
 * of oenv are not copied).
 */
int rumpclient__exec_augmentenv(char *const oenv[], char ***newenv);

int
rumpclient__exec_augmentenv(char *const oenv[], char ***newenv)
{
	struct conn *c;
	struct entry e;
	size_t vector;
	char *block;

	vector = (env_count(oenv) + 3) * sizeof(char *);
	block = malloc(vector + EXECFD_LEN + PARSED_LEN);
	if (block == NULL)
		return -1;
	entry_begin(&e);
	c = conn_self(&e);
	pthread_mutex_lock(&c->lock);
	format_variables(c, block + vector, block + vector + EXECFD_LEN);
	pthread_mutex_unlock(&c->lock);
	entry_end(&e);
	fill_env((char **)(void *)block, oenv, block + vector,
	    block + vector + EXECFD_LEN);
	*newenv = (char **)(void *)block;
	return 0;
}

static void
set_frozen(struct conn *c, bool frozen)
{

	pthread_mutex_lock(&c->sendlock);
	pthread_mutex_lock(&c->lock);
	c->frozen = frozen;
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->sendlock);
}

/* Brings the stream to rest: all sent, and received up to a frame's end. */
static int
settle(struct conn *c)
{
	uint64_t deadline;
	int error;

	deadline = conn_now() + SETTLE_TIMEOUT;
	for (;;) {
		error = reader_settle(c, deadline);
		if (error != 0)
			return error;
		if (!atomic_load(&c->have_unsent))
			return 0;
		if (conn_now() >= deadline)
			return ETIMEDOUT;
		error = conn_flush(c);
		if (error != 0)
			return error;
		if (atomic_load(&c->have_unsent))
			poll(&(struct pollfd){ .fd = c->fd,
			    .events = POLLOUT }, 1, 20);
	}
}

/* What the new image of either library expects, and back. */
static int
set_inheritable(struct conn *c, bool on)
{
	int flags;

	flags = fcntl(c->fd, F_GETFL);
	if (flags == -1)
		return errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	if (fcntl(c->fd, F_SETFL, flags) == -1 ||
	    fcntl(c->fd, F_SETFD, on ? 0 : FD_CLOEXEC) == -1)
		return errno;
	if (c->sig.fd != -1 &&
	    fcntl(c->sig.fd, F_SETFD, on ? 0 : FD_CLOEXEC) == -1)
		return errno;
	return 0;
}

/* With setup and the reader's role: execs, or says why not. */
static int
hand_over(struct conn *c, const struct entry *e, const char *path,
    char *const argv[], char *const envp[])
{
	char execfd[EXECFD_LEN], parsed[PARSED_LEN];
	char *env[env_count(envp) + 3];
	int error;

	pthread_mutex_lock(&c->lock);
	error = c->state == CONN_UP ? 0 : ENOTCONN;
	pthread_mutex_unlock(&c->lock);
	if (error == 0)
		error = settle(c);
	if (error != 0)
		return error;

	format_variables(c, execfd, parsed);
	fill_env(env, envp, execfd, parsed);
	sigwait_arm_all(&c->sig);
	error = set_inheritable(c, true);
	if (error == 0) {
		sig_open(e);
		host_execve(path, argv, env);
		error = errno;
		sig_close();
	}
	(void)set_inheritable(c, false);
	return error;
}

int
rumpclient_exec(const char *path, char *const argv[], char *const envp[])
{
	struct conn *c;
	struct call claim = { .done = true };
	struct entry e;
	int error;

	if (env_count(envp) > ENV_MAX) {
		errno = E2BIG;
		return -1;
	}
	entry_begin(&e);
	c = conn_self(&e);
	error = conn_setup_begin(c, &e);
	if (error == 0) {
		conn_claim(c, &claim);
		set_frozen(c, true);
		error = hand_over(c, &e, path, argv, envp);
		set_frozen(c, false);
		conn_release(c, &claim);
		conn_setup_end(c);
	}
	entry_end_errno(&e, error);
	return -1;
}
