/*
 * kqueue: what other parts of the kernel tell it.  Each may be called with no
 * lock of those in kern.h held.
 */
#ifndef RUMPGEN_HOSTKERN_KQUEUE_H
#define RUMPGEN_HOSTKERN_KQUEUE_H

#include "hostkern/kern.h"

LIST_HEAD(knlist, knote);

/* Something that notes are told of. */
struct knsource {
	pthread_mutex_t lock;
	struct knlist notes;
};

void kqueue_source_init(struct knsource *);
void kqueue_source_free(struct knsource *);	/* no note is left */
/* Its notes are to look again. */
void kqueue_source_changed(struct knsource *);

/* p's descriptor fd, of f, is closed: what p's queues watch of it there is gone.
 * The number may be another file's already.  f is there, still. */
void kqueue_closed(struct kproc *p, int fd, const struct file *f);

/* The kernel has raised NetBSD signal signo in p. */
void kqueue_signal(struct kproc *p, int signo);

extern const struct kern_module kqueue_module;

#endif
