/*
 * __sysctl: names, values, and questions about the tree itself.
 *
 * The tree is fixed and the same in every server; values are read when asked
 * for.  Nothing here needs a lock: what can be written has its own.
 */
#include <stdlib.h>
#include <string.h>

#include <rump/rump_handlers.h>

#include "hostkern/kern.h"
#include "hostkern/sysctl.h"

enum {
	TREE_VERSION = 1,	/* sysctl_ver of every node: it never changes */
	DESC_MAX = 256,
};

/* Where a call's old value goes: as much of it as there is room for. */
struct sink {
	struct lwp *l;
	rump_uaddr_t addr;	/* 0: only the size is asked for */
	size_t room;		/* what the client has */
	size_t len;		/* what there is to say */
};

/* A description of a node, as CTL_DESCRIBE gives it. */
struct sysctldesc {
	int32_t descr_num;
	uint32_t descr_ver;
	uint32_t descr_len;	/* with NUL; the text is padded to 4 bytes */
	char descr_str[DESC_MAX];
};

static int
sysctl_create(struct hostkern *hk)
{

	hk->ext[KERN_SLOT_SYSCTL] = calloc(1, sizeof(struct sysctl_vars));
	return hk->ext[KERN_SLOT_SYSCTL] == NULL ? RUMP_ENOMEM : 0;
}

static void
sysctl_destroy(struct hostkern *hk)
{

	free(hk->ext[KERN_SLOT_SYSCTL]);
	hk->ext[KERN_SLOT_SYSCTL] = NULL;
}

const struct kern_module sysctl_module = {
	.create = sysctl_create,
	.destroy = sysctl_destroy,
};

/* --- walking --- */

static const struct sysctl_node *
child_of(const struct sysctl_node *node, int num)
{
	unsigned i;

	for (i = 0; i < node->nchild; i++) {
		if (node->child[i].num == num)
			return &node->child[i];
	}
	return NULL;
}

static bool
is_node(const struct sysctl_node *node)
{

	return RUMP_SYSCTL_TYPE(node->flags) == RUMP_CTLTYPE_NODE;
}

/*
 * The node that as much of the name leads to as names one; *used components.
 * ENOENT: there is no such child; ENOTDIR: the name goes on below a leaf.
 */
static int
locate(const int *name, unsigned namelen, const struct sysctl_node **np,
    unsigned *used)
{
	const struct sysctl_node *next;

	*np = &sysctl_root;
	for (*used = 0; *used < namelen; (*used)++) {
		if (!is_node(*np))
			return RUMP_ENOTDIR;
		next = child_of(*np, name[*used]);
		if (next == NULL)
			return RUMP_ENOENT;
		*np = next;
	}
	return 0;
}

/* --- values --- */

static size_t
number_size(const struct sysctl_node *node)
{

	return RUMP_SYSCTL_TYPE(node->flags) == RUMP_CTLTYPE_QUAD ?
	    sizeof(int64_t) : sizeof(int32_t);
}

static void
value_get(struct hostkern *hk, const struct sysctl_node *node,
    struct sysctl_value *v)
{
	int64_t number;

	if (node->read != NULL) {
		node->read(hk, v);
	} else if (node->text != NULL) {
		v->len = strlen(node->text) + 1;
		memcpy(v->data, node->text, v->len);
	} else {
		number = node->number != NULL ? node->number(hk) : node->imm;
		v->len = number_size(node);
		memcpy(v->data, &number, v->len);	/* little-endian */
	}
}

/* The size that the client's new value must have, or may have at most. */
static size_t
value_size(const struct sysctl_node *node)
{

	return node->size != 0 ? node->size : number_size(node);
}

static int
value_set(struct lwp *l, const struct sysctl_node *node, rump_uaddr_t newp,
    uint64_t newlen)
{
	struct kproc *p = kern_proc(l);
	size_t size = value_size(node);
	struct sysctl_value v;
	int error;

	if (RUMP_SYSCTL_TYPE(node->flags) == RUMP_CTLTYPE_STRING) {
		if (newlen > size)
			return RUMP_EINVAL;
	} else if (newlen != size)
		return RUMP_EINVAL;
	memset(v.data, 0, sizeof(v.data));
	v.len = newlen;
	error = rumpserver_copyin(l, newp, v.data, newlen);
	if (error != 0)
		return error;
	if (RUMP_SYSCTL_TYPE(node->flags) == RUMP_CTLTYPE_STRING) {
		/* The client's NUL is optional, its place is not. */
		if (newlen == size && v.data[size - 1] != '\0')
			return RUMP_EINVAL;
		v.len = strlen((char *)v.data) + 1;
	}
	return node->write(p->hk, &v);
}

static int
lookup(const struct sysctl_node *node, struct sink *old, rump_uaddr_t newp,
    uint64_t newlen)
{
	struct kproc *p = kern_proc(old->l);
	struct sysctl_value v;
	int error;

	if (is_node(node))
		return RUMP_EISDIR;
	if (newlen == 0)
		newp = 0;
	if (newp != 0) {
		error = cred_suser(p);
		if (error != 0)
			return error;
		if (node->write == NULL)
			return RUMP_EPERM;
	}
	v.room = old->addr != 0 ? old->room : 0;
	value_get(p->hk, node, &v);
	old->len = v.len;
	if (old->addr != 0) {
		error = rumpserver_copyout(old->l, v.data, old->addr,
		    v.len < old->room ? v.len : old->room);
		if (error != 0)
			return error;
	}
	if (newp == 0)
		return 0;
	return value_set(old->l, node, newp, newlen);
}

/* --- the tree itself --- */

/* Adds an object to the old value, if the whole of it still fits. */
static int
emit(struct sink *old, const void *data, size_t len)
{
	int error = 0;

	if (old->addr != 0 && old->len <= old->room &&
	    len <= old->room - old->len)
		error = rumpserver_copyout(old->l, data,
		    old->addr + old->len, len);
	old->len += len;
	return error;
}

/* The node that a question carries, EINVAL unless it is of our version. */
static int
copyin_node(struct lwp *l, rump_uaddr_t newp, uint64_t newlen,
    struct rump_sysctlnode *node)
{
	int error;

	if (newp == 0 || newlen != sizeof(*node))
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, newp, node, sizeof(*node));
	if (error != 0)
		return error;
	if ((node->sysctl_flags & RUMP_SYSCTL_VERS_MASK) !=
	    RUMP_SYSCTL_VERSION)
		return RUMP_EINVAL;
	return 0;
}

static void
describe_node(const struct sysctl_node *node, struct rump_sysctlnode *out)
{

	memset(out, 0, sizeof(*out));
	out->sysctl_flags = RUMP_SYSCTL_VERSION | RUMP_CTLFLAG_PERMANENT |
	    node->flags;
	if (node->write != NULL)
		out->sysctl_flags |= RUMP_CTLFLAG_READWRITE;
	out->sysctl_num = node->num;
	strncpy(out->sysctl_name, node->name, sizeof(out->sysctl_name) - 1);
	out->sysctl_ver = TREE_VERSION;
	if (is_node(node)) {
		out->sysctl_size = sizeof(*out);
		out->sysctl_un.child.csize = node->nchild;
		out->sysctl_un.child.clen = node->nchild;
	} else if (node->text != NULL)
		out->sysctl_size = strlen(node->text) + 1;
	else
		out->sysctl_size = value_size(node);
}

static int
query(const struct sysctl_node *node, struct sink *old, rump_uaddr_t newp,
    uint64_t newlen)
{
	struct rump_sysctlnode asked, out;
	unsigned i;
	int error;

	error = copyin_node(old->l, newp, newlen, &asked);
	if (error != 0)
		return error;
	if (asked.sysctl_ver != 0 && asked.sysctl_ver != TREE_VERSION)
		return RUMP_EINVAL;
	for (i = 0; i < node->nchild; i++) {
		describe_node(&node->child[i], &out);
		error = emit(old, &out, sizeof(out));
		if (error != 0)
			return error;
	}
	return 0;
}

static int
emit_desc(const struct sysctl_node *node, struct sink *old)
{
	const char *text = node->desc != NULL ? node->desc : "";
	struct sysctldesc d;
	size_t len = strlen(text) + 1;

	memset(&d, 0, sizeof(d));
	d.descr_num = node->num;
	d.descr_ver = TREE_VERSION;
	d.descr_len = len;
	memcpy(d.descr_str, text, len);
	return emit(old, &d,
	    offsetof(struct sysctldesc, descr_str) + ((len + 3) & ~(size_t)3));
}

/* Of one child when the question names one, else of all. */
static int
describe(const struct sysctl_node *node, struct sink *old, rump_uaddr_t newp,
    uint64_t newlen)
{
	struct rump_sysctlnode asked;
	const struct sysctl_node *one = NULL;
	unsigned i;
	int error = 0;

	if (newp != 0) {
		error = copyin_node(old->l, newp, newlen, &asked);
		if (error != 0)
			return error;
		if (asked.sysctl_desc != 0)
			return RUMP_EPERM;	/* ours are there to stay */
		one = child_of(node, asked.sysctl_num);
		return one == NULL ? RUMP_ENOENT : emit_desc(one, old);
	}
	for (i = 0; i < node->nchild && error == 0; i++)
		error = emit_desc(&node->child[i], old);
	return error;
}

/* A name's last component that is negative asks about its parent. */
static int
meta(const struct sysctl_node *node, int op, struct sink *old,
    rump_uaddr_t newp, uint64_t newlen)
{

	switch (op) {
	case RUMP_CTL_QUERY:
		return query(node, old, newp, newlen);
	case RUMP_CTL_DESCRIBE:
		return describe(node, old, newp, newlen);
	case RUMP_CTL_CREATE:
	case RUMP_CTL_CREATESYM:
	case RUMP_CTL_DESTROY:
		/* The tree is as a NetBSD one whose nodes are all permanent. */
		return newp == 0 ? RUMP_EINVAL : RUMP_EPERM;
	default:
		return RUMP_EOPNOTSUPP;
	}
}

static int
dispatch(const int *name, unsigned namelen, struct sink *old,
    rump_uaddr_t newp, uint64_t newlen)
{
	const struct sysctl_node *node;
	unsigned used;
	int error;

	error = locate(name, namelen, &node, &used);
	if (error == 0)
		return lookup(node, old, newp, newlen);
	if (error == RUMP_ENOENT && used + 1 == namelen && name[used] < 0)
		return meta(node, name[used], old, newp, newlen);
	return error;
}

/*
 * A value that does not fit is cut short, its length told and ENOMEM given.
 * A name that stands for a node gives EISDIR, one that goes on below a leaf
 * ENOTDIR, an unknown one ENOENT.
 */
/* @partial sys___sysctl: the names of runtime/hostkern/sysctl_tree.c; kern.proc and other tables of structures are not among them, and of those that NetBSD lets one set only kern.hostname, kern.domainname and kern.hostid can be */
int
sys___sysctl(struct lwp *l, const struct sys___sysctl_args *uap,
    register_t *retval)
{
	struct sink old = { .l = l, .addr = uap->oldv };
	int name[RUMP_CTL_MAXNAME];
	uint64_t len = 0;
	int error, error1;

	(void)retval;
	if (uap->oldlenp != 0) {
		error = rumpserver_copyin(l, uap->oldlenp, &len, sizeof(len));
		if (error != 0)
			return error;
	}
	if (uap->namelen < 1 || uap->namelen > RUMP_CTL_MAXNAME)
		return RUMP_EINVAL;
	error = rumpserver_copyin(l, uap->name, name,
	    uap->namelen * sizeof(name[0]));
	if (error != 0)
		return error;
	old.room = len;
	error = dispatch(name, uap->namelen, &old, uap->newv, uap->newlen);
	if (uap->oldlenp != 0) {
		len = error == 0 || old.len != 0 ? old.len : len;
		error1 = rumpserver_copyout(l, &len, uap->oldlenp,
		    sizeof(len));
		if (error == 0)
			error = error1;
	}
	if (error == 0 && old.addr != 0 && old.room < old.len)
		error = RUMP_ENOMEM;
	return error;
}
