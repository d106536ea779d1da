/*
 * The mount table: the host's, as far as it is below a root.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostkern/mounts.h"
#include "hostkern/path.h"

int
mounts_open(struct lwp *l, struct mounts *m, const struct kdir *root)
{
	int error;

	*m = (struct mounts){ .l = l, .root = root };
	error = path_hostname(root->fd, m->rootname);
	if (error != 0)
		return error;
	m->fp = fopen("/proc/self/mountinfo", "re");
	return m->fp == NULL ? kern_errno() : 0;
}

void
mounts_close(struct mounts *m)
{

	if (m->fp != NULL)
		fclose(m->fp);
	free(m->line);
}

static bool
is_octal(char c)
{

	return c >= '0' && c <= '7';
}

/* Blanks and backslashes are \040 and the like there. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && is_octal(s[1]) && is_octal(s[2]) &&
		    is_octal(s[3])) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 +
			    s[3] - '0');
			s += 3;
		} else
			*to++ = *s;
	}
	*to = '\0';
}

bool
mounts_next(struct mounts *m, uint64_t *id, const char **name)
{
	size_t n = strcmp(m->rootname, "/") == 0 ? 0 : strlen(m->rootname);

	while (getline(&m->line, &m->cap, m->fp) != -1) {
		if (sscanf(m->line, "%" SCNu64 " %*s %*s %*s %4095s", id,
		    m->name) != 2)
			continue;
		unescape(m->name);
		if (rumpserver_interrupted(m->l))
			return false;
		/* Saves asking for those that are elsewhere. */
		if (strncmp(m->name, m->rootname, n) != 0 ||
		    m->name[n] != '/' || m->name[n + 1] == '\0')
			continue;
		*name = m->name + n;
		return true;
	}
	return false;
}

int
mounts_enter(const struct mounts *m, uint64_t id, const char *name)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve =
	    RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS };
	struct fileid found;
	int fd;

	fd = path_openat2(m->l, m->root->fd, name, &how);
	if (fd != -1 && (path_id(fd, &found) != 0 || found.mnt != id)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void
mount_name(struct lwp *l, const struct kdir *root, int fd, char *buf,
    size_t len)
{
	struct fileid wanted;
	struct mounts m;
	const char *name;
	uint64_t id;
	int at;

	snprintf(buf, len, "/");
	if (path_id(fd, &wanted) != 0 || wanted.mnt == root->id.mnt)
		return;
	if (mounts_open(l, &m, root) == 0) {
		while (mounts_next(&m, &id, &name)) {
			if (id != wanted.mnt)
				continue;
			at = mounts_enter(&m, id, name);
			if (at == -1)
				continue;
			snprintf(buf, len, "%s", name);
			close(at);
		}
	}
	mounts_close(&m);
}
