/*
 * Which open files are of the same file.
 */
#include <stdlib.h>

#include "hostkern/inode.h"

enum { BUCKETS = 4096 };

/* One that somebody has open; its bucket's lock. */
struct inode {
	LIST_ENTRY(inode) link;
	uint64_t dev, ino;
	unsigned writers;	/* of the open files */
	LIST_HEAD(, file) files;
};

struct bucket {
	pthread_mutex_t lock;
	LIST_HEAD(, inode) inodes;
};

struct inodes {
	struct bucket bucket[BUCKETS];
};

struct inodes *
inodes_make(void)
{
	struct inodes *is;
	unsigned i;

	is = calloc(1, sizeof(*is));
	for (i = 0; is != NULL && i < BUCKETS; i++) {
		pthread_mutex_init(&is->bucket[i].lock, NULL);
		LIST_INIT(&is->bucket[i].inodes);
	}
	return is;
}

void
inodes_free(struct inodes *is)
{
	unsigned i;

	for (i = 0; is != NULL && i < BUCKETS; i++)
		pthread_mutex_destroy(&is->bucket[i].lock);
	free(is);
}

/* Locked. */
static struct bucket *
bucket_get(struct hostkern *hk, uint64_t dev, uint64_t ino)
{
	const uint64_t h = (dev * 31 + ino) * UINT64_C(0x9e3779b97f4a7c15);
	struct bucket *b = &hk->inodes->bucket[(h >> 32) % BUCKETS];

	pthread_mutex_lock(&b->lock);
	return b;
}

static struct inode *
find(const struct bucket *b, uint64_t dev, uint64_t ino)
{
	struct inode *i;

	LIST_FOREACH(i, &b->inodes, link)
		if (i->dev == dev && i->ino == ino)
			break;
	return i;
}

static struct inode *
make(struct bucket *b, uint64_t dev, uint64_t ino)
{
	struct inode *i;

	i = calloc(1, sizeof(*i));
	if (i == NULL)
		return NULL;
	i->dev = dev;
	i->ino = ino;
	LIST_INIT(&i->files);
	LIST_INSERT_HEAD(&b->inodes, i, link);
	return i;
}

static bool
writes(const struct file *f)
{

	return (atomic_load(&f->flags) & RUMP_O_ACCMODE) != RUMP_O_RDONLY;
}

int
inode_enter(struct file *f)
{
	struct bucket *b = bucket_get(f->hk, f->hdev, f->hino);
	struct inode *i;

	i = find(b, f->hdev, f->hino);
	if (i == NULL)
		i = make(b, f->hdev, f->hino);
	if (i != NULL) {
		LIST_INSERT_HEAD(&i->files, f, same);
		i->writers += writes(f);
		f->inode = i;
	}
	pthread_mutex_unlock(&b->lock);
	return i != NULL ? 0 : RUMP_ENOMEM;
}

void
inode_leave(struct file *f)
{
	struct inode *i = f->inode;
	struct bucket *b;

	if (i == NULL)
		return;
	b = bucket_get(f->hk, f->hdev, f->hino);
	LIST_REMOVE(f, same);
	i->writers -= writes(f);
	if (LIST_EMPTY(&i->files)) {
		LIST_REMOVE(i, link);
		free(i);
	}
	pthread_mutex_unlock(&b->lock);
}

bool
inode_has_writer(struct file *f)
{
	struct bucket *b = bucket_get(f->hk, f->hdev, f->hino);
	bool has = f->inode->writers > 0;

	pthread_mutex_unlock(&b->lock);
	return has;
}

void
inode_revoke(struct hostkern *hk, uint64_t hdev, uint64_t hino)
{
	struct bucket *b = bucket_get(hk, hdev, hino);
	struct inode *i;
	struct file *f;

	i = find(b, hdev, hino);
	if (i != NULL) {
		LIST_FOREACH(f, &i->files, same) {
			atomic_store(&f->revoked, true);
			file_wake_closed(NULL, f);
		}
	}
	pthread_mutex_unlock(&b->lock);
}
