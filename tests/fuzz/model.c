#include <string.h>

#include <rump/rumpdefs.h>

#include "fuzz/model.h"

/* --- open files and descriptors --- */

static struct m_open *
make_open(struct model *m, struct m_node *node, int flags)
{
	struct m_open *o = &m->opens[m->nopens++];
	int mode = flags & RUMP_O_ACCMODE;

	*o = (struct m_open){ .node = node,
	    .reads = mode != RUMP_O_WRONLY, .writes = mode != RUMP_O_RDONLY,
	    .append = (flags & RUMP_O_APPEND) != 0,
	    .nonblock = (flags & RUMP_O_NONBLOCK) != 0 };
	return o;
}

static struct m_open *
get(struct m_proc *p, int fd)
{

	return fd < 0 || fd >= M_FDS ? NULL : p->fds[fd].open;
}

static void
put(struct m_desc *d)
{

	if (d->open != NULL)
		d->open->refs--;
	d->open = NULL;
}

static void
install(struct m_proc *p, int fd, struct m_open *o, bool cloexec)
{

	o->refs++;
	put(&p->fds[fd]);
	p->fds[fd] = (struct m_desc){ o, cloexec };
}

/* M_FDS when there is none. */
static int
lowest(const struct m_proc *p, int min)
{

	while (min < M_FDS && p->fds[min].open != NULL)
		min++;
	return min;
}

/* Ends of a pipe that somebody has; a blocked read has its end as well. */
static bool
has_end(const struct model *m, const struct m_node *pipe, bool writes)
{
	unsigned i;

	for (i = 0; i < m->nopens; i++)
		if (m->opens[i].node == pipe && m->opens[i].refs > 0 &&
		    m->opens[i].writes == writes)
			return true;
	return false;
}

/* Closing what a call of the process is blocked on is not modelled. */
static bool
is_read(const struct m_proc *p, int fd)
{

	return p->reading != NULL && p->fds[fd].open == p->reading;
}

int
model_close(struct model *m, struct m_proc *p, int fd)
{

	(void)m;
	if (get(p, fd) == NULL)
		return RUMP_EBADF;
	if (is_read(p, fd))
		return MODEL_SKIP;
	put(&p->fds[fd]);
	return 0;
}

int
model_closem(struct model *m, struct m_proc *p, int fd)
{
	int i;

	(void)m;
	for (i = fd; i < M_FDS; i++)
		if (is_read(p, i))
			return MODEL_SKIP;
	for (i = fd; i < M_FDS; i++)
		put(&p->fds[i]);
	return 0;
}

int
model_dup(struct model *m, struct m_proc *p, int fd, int min, bool cloexec)
{
	struct m_open *o = get(p, fd);
	int new = lowest(p, min);

	if (o == NULL)
		return RUMP_EBADF;
	if (new == M_FDS)
		return MODEL_SKIP;
	install(p, new, o, cloexec);
	m->ret[0] = new;
	return 0;
}

int
model_dup2(struct model *m, struct m_proc *p, int fd, int to, bool cloexec)
{
	struct m_open *o = get(p, fd);

	if (o == NULL || to < 0)
		return RUMP_EBADF;
	m->ret[0] = to;
	if (fd == to)
		return 0;
	if (to >= M_FDS || is_read(p, to))
		return MODEL_SKIP;
	install(p, to, o, cloexec);
	return 0;
}

int
model_getfd(struct model *m, struct m_proc *p, int fd)
{

	if (get(p, fd) == NULL)
		return RUMP_EBADF;
	m->ret[0] = p->fds[fd].cloexec;
	return 0;
}

int
model_setfd(struct model *m, struct m_proc *p, int fd, bool cloexec)
{

	(void)m;
	if (get(p, fd) == NULL)
		return RUMP_EBADF;
	p->fds[fd].cloexec = cloexec;
	return 0;
}

int
model_pipe(struct model *m, struct m_proc *p, int flags)
{
	struct m_node *n = &m->nodes[m->nnodes];
	bool cloexec = (flags & RUMP_O_CLOEXEC) != 0;
	int r = lowest(p, 0), w = lowest(p, r + 1);

	if (w >= M_FDS)
		return MODEL_SKIP;
	m->nnodes++;
	n->type = M_PIPE_NODE;
	flags &= RUMP_O_NONBLOCK;
	install(p, r, make_open(m, n, RUMP_O_RDONLY | flags), cloexec);
	install(p, w, make_open(m, n, RUMP_O_WRONLY | flags), cloexec);
	m->ret[0] = r;
	m->ret[1] = w;
	return 0;
}

/* --- names --- */

int
model_open(struct model *m, struct m_proc *p, unsigned dir, unsigned name,
    int flags)
{
	struct m_node **n = &m->names[dir][name];
	int fd = lowest(p, 0);

	if (*n == NULL && (flags & RUMP_O_CREAT) == 0)
		return RUMP_ENOENT;
	if (*n != NULL && (flags & RUMP_O_CREAT) != 0 &&
	    (flags & RUMP_O_EXCL) != 0)
		return RUMP_EEXIST;
	if (fd == M_FDS)
		return MODEL_SKIP;
	if (*n == NULL) {
		*n = &m->nodes[m->nnodes++];
		(*n)->type = M_FILE;
		(*n)->nlink = 1;
		(*n)->mode = 0666 & ~p->umask;
	}
	if ((flags & RUMP_O_TRUNC) != 0)
		(*n)->len = 0;
	install(p, fd, make_open(m, *n, flags), (flags & RUMP_O_CLOEXEC) != 0);
	m->ret[0] = fd;
	return 0;
}

int
model_unlink(struct model *m, unsigned dir, unsigned name)
{
	struct m_node **n = &m->names[dir][name];

	if (*n == NULL)
		return RUMP_ENOENT;
	(*n)->nlink--;
	*n = NULL;
	return 0;
}

int
model_rename(struct model *m, unsigned dir, unsigned name, unsigned to_dir,
    unsigned to)
{
	struct m_node **from = &m->names[dir][name];
	struct m_node **into = &m->names[to_dir][to];

	if (*from == NULL)
		return RUMP_ENOENT;
	if (from == into)
		return 0;
	if (*into != NULL)
		(*into)->nlink--;
	*into = *from;
	*from = NULL;
	return 0;
}

/* --- reading and writing --- */

static void
take(struct model *m, struct m_node *n, size_t at, size_t want)
{
	size_t len = at < n->len ? n->len - at : 0;

	if (len > want)
		len = want;
	memcpy(m->data, n->data + (len > 0 ? at : 0), len);
	m->ret[0] = (int64_t)len;
}

/* A pipe's bytes, or its end; else the read goes on. */
static int
read_pipe(struct model *m, struct m_node *n, size_t want)
{

	if (n->len == 0 && has_end(m, n, true))
		return MODEL_BLOCKS;
	take(m, n, 0, want);
	n->len -= (size_t)m->ret[0];
	memmove(n->data, n->data + m->ret[0], n->len);
	return 0;
}

static bool
is_awaited(const struct model *m, const struct m_node *pipe)
{
	const struct m_proc *p;

	for (p = m->procs; p < m->procs + M_PROCS; p++)
		if (p->state == M_ALIVE && p->reading != NULL &&
		    p->reading->node == pipe)
			return true;
	return false;
}

int
model_read(struct model *m, struct m_proc *p, int fd, size_t n)
{
	struct m_open *o = get(p, fd);
	int error;

	if (o == NULL)
		return RUMP_EBADF;
	if (o->node->type == M_DIR || o->node->type == M_CONSOLE)
		return MODEL_SKIP;
	if (!o->reads)
		return RUMP_EBADF;
	if (o->node->type == M_FILE) {
		take(m, o->node, (size_t)o->offset, n);
		o->offset += m->ret[0];
		return 0;
	}
	/* Which of two readers gets the bytes is not modelled. */
	if (n == 0 || is_awaited(m, o->node))
		return MODEL_SKIP;
	error = read_pipe(m, o->node, n);
	if (error != MODEL_BLOCKS)
		return error;
	if (o->nonblock)
		return RUMP_EAGAIN;
	if (p->reading != NULL)
		return MODEL_SKIP;
	p->reading = o;
	p->want = n;
	return MODEL_BLOCKS;
}

int
model_wake(struct model *m, struct m_proc *p)
{
	int error = read_pipe(m, p->reading->node, p->want);

	if (error != MODEL_BLOCKS)
		p->reading = NULL;
	return error;
}

static int
write_pipe(struct model *m, struct m_node *n, const uint8_t *data, size_t len)
{

	if (!has_end(m, n, false)) {
		m->sigpipe = true;
		return RUMP_EPIPE;
	}
	if (n->len + len > M_PIPE)
		return MODEL_SKIP;
	memcpy(n->data + n->len, data, len);
	n->len += len;
	m->ret[0] = (int64_t)len;
	return 0;
}

int
model_write(struct model *m, struct m_proc *p, int fd, const uint8_t *data,
    size_t len)
{
	struct m_open *o = get(p, fd);
	struct m_node *n;

	m->sigpipe = false;
	if (o == NULL)
		return RUMP_EBADF;
	n = o->node;
	if (n->type == M_CONSOLE || len == 0)
		return MODEL_SKIP;
	if (!o->writes)
		return RUMP_EBADF;
	if (n->type == M_PIPE_NODE)
		return write_pipe(m, n, data, len);
	if (o->append)
		o->offset = (int64_t)n->len;
	if ((size_t)o->offset + len > M_DATA)
		return MODEL_SKIP;
	if (n->len < (size_t)o->offset)
		memset(n->data + n->len, 0, (size_t)o->offset - n->len);
	memcpy(n->data + o->offset, data, len);
	o->offset += (int64_t)len;
	if (n->len < (size_t)o->offset)
		n->len = (size_t)o->offset;
	m->ret[0] = (int64_t)len;
	return 0;
}

int
model_lseek(struct model *m, struct m_proc *p, int fd, int64_t off, int whence)
{
	struct m_open *o = get(p, fd);

	if (o == NULL)
		return RUMP_EBADF;
	if (o->node->type == M_PIPE_NODE)
		return RUMP_ESPIPE;
	if (o->node->type != M_FILE)
		return MODEL_SKIP;
	if (whence == RUMP_SEEK_CUR)
		off += o->offset;
	else if (whence == RUMP_SEEK_END)
		off += (int64_t)o->node->len;
	if (off < 0)
		return RUMP_EINVAL;
	m->ret[0] = o->offset = off;
	return 0;
}

int
model_truncate(struct model *m, struct m_proc *p, int fd, int64_t len)
{
	struct m_open *o = get(p, fd);
	struct m_node *n;

	(void)m;
	if (o == NULL)
		return RUMP_EBADF;
	n = o->node;
	if (n->type != M_FILE || len > M_DATA)
		return MODEL_SKIP;
	if (!o->writes || len < 0)
		return RUMP_EINVAL;
	if (n->len < (size_t)len)
		memset(n->data + n->len, 0, (size_t)len - n->len);
	n->len = (size_t)len;
	return 0;
}

int
model_stat(struct model *m, struct m_proc *p, int fd)
{
	struct m_open *o = get(p, fd);

	if (o == NULL)
		return RUMP_EBADF;
	if (o->node->type != M_FILE)
		return MODEL_SKIP;
	m->ret[0] = (int64_t)o->node->len;
	m->ret[1] = (int64_t)o->node->mode;
	m->data[0] = (uint8_t)o->node->nlink;
	return 0;
}

/* --- processes --- */

void
model_init(struct model *m)
{

	memset(m, 0, sizeof(*m));
	m->console.type = M_CONSOLE;
	m->dir.type = M_DIR;
}

static struct m_proc *
make_proc(struct model *m, enum m_state state)
{
	struct m_proc *p;

	for (p = m->procs; p < m->procs + M_PROCS; p++) {
		if (p->state != M_FREE)
			continue;
		memset(p, 0, sizeof(*p));
		p->state = state;
		return p;
	}
	return NULL;
}

struct m_proc *
model_guest(struct model *m)
{
	struct m_proc *p = make_proc(m, M_ALIVE);
	struct m_open *o;
	int fd;

	if (p == NULL)
		return NULL;
	p->umask = 022;
	o = make_open(m, &m->console, RUMP_O_RDWR);
	for (fd = 0; fd < 3; fd++)
		install(p, fd, o, false);
	return p;
}

struct m_proc *
model_prefork(struct model *m, struct m_proc *parent)
{
	struct m_proc *p = make_proc(m, M_PREFORKED);
	int fd;

	if (p == NULL)
		return NULL;
	*p = *parent;
	p->state = M_PREFORKED;
	p->parent = parent;
	p->pid = 0;
	p->reading = NULL;
	for (fd = 0; fd < M_FDS; fd++)
		if (p->fds[fd].open != NULL)
			p->fds[fd].open->refs++;
	return p;
}

void
model_exec(struct model *m, struct m_proc *p)
{
	int fd;

	(void)m;
	p->reading = NULL;
	for (fd = 0; fd < M_FDS; fd++)
		if (p->fds[fd].cloexec)
			put(&p->fds[fd]);
}

void
model_exit(struct model *m, struct m_proc *p)
{
	struct m_proc *q;
	int fd;

	for (fd = 0; fd < M_FDS; fd++)
		put(&p->fds[fd]);
	for (q = m->procs; q < m->procs + M_PROCS; q++)
		if (q->state != M_FREE && q->parent == p)
			q->parent = NULL;
	p->state = M_FREE;
	p->reading = NULL;
}

int
model_setsid(struct model *m, struct m_proc *p)
{

	if (p->pgrp == p->pid)
		return RUMP_EPERM;
	m->ret[0] = p->pgrp = p->sid = p->pid;
	return 0;
}

int
model_setpgid(struct model *m, struct m_proc *p)
{

	(void)m;
	if (p->sid == p->pid)
		return RUMP_EPERM;
	p->pgrp = p->pid;
	return 0;
}
