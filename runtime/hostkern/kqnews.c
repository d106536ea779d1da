/*
 * kqueue: what notes are told of processes and signals.
 *
 * Whoever tells holds no lock of a queue's: the news wait in the queue's mail
 * until it is looked at.  A note leaves its source before it goes, so who finds
 * it there may tell it.
 */
#include <sys/eventfd.h>

#include <stdlib.h>
#include <unistd.h>

#include "hostkern/knote.h"
#include "hostkern/kqueue.h"

/* --- notes --- */

struct knote *
knote_alloc(struct kqueue *kq)
{
	struct knote *kn;

	if (!rumpserver_charge(kq->kp->account, RUMPSERVER_BYTES, sizeof(*kn)))
		return NULL;
	kn = calloc(1, sizeof(*kn));
	if (kn == NULL) {
		rumpserver_refund(kq->kp->account, RUMPSERVER_BYTES,
		    sizeof(*kn));
		return NULL;
	}
	kn->kq = kq;
	kn->efd = -1;
	return kn;
}

void
knote_free(struct knote *kn)
{

	rumpserver_refund(kn->kq->kp->account, RUMPSERVER_BYTES, sizeof(*kn));
	free(kn);
}

/* --- mail --- */

/* The queue's mail_lock held. */
static void
put_mail(struct knote *kn, uint32_t news)
{
	struct kqueue *kq = kn->kq;

	kn->news |= news;
	kn->nnews++;
	if (!kn->mailed)
		TAILQ_INSERT_TAIL(&kq->mail, kn, mail);
	kn->mailed = true;
	if (!kq->woken)
		(void)eventfd_write(kq->wakefd, 1);
	kq->woken = true;
}

void
knote_tell(struct knote *kn, uint32_t news)
{
	struct kqueue *kq = kn->kq;

	pthread_mutex_lock(&kq->mail_lock);
	news &= kn->wants;
	if (news != 0)
		put_mail(kn, news);
	pthread_mutex_unlock(&kq->mail_lock);
}

struct knote *
kqueue_mail(struct kqueue *kq, bool *born, uint32_t *news, unsigned *n)
{
	struct knote *kn;

	pthread_mutex_lock(&kq->mail_lock);
	kn = TAILQ_FIRST(&kq->mail);
	if (kn != NULL) {
		TAILQ_REMOVE(&kq->mail, kn, mail);
		*born = kn->born;
		*news = kn->news;
		*n = kn->nnews;
		kn->mailed = kn->born = false;
		kn->news = kn->nnews = 0;
	}
	pthread_mutex_unlock(&kq->mail_lock);
	return kn;
}

/* --- sources --- */

void
kqueue_source_init(struct knsource *s)
{

	pthread_mutex_init(&s->lock, NULL);
	LIST_INIT(&s->notes);
}

void
kqueue_source_free(struct knsource *s)
{

	pthread_mutex_destroy(&s->lock);
}

bool
knote_listen(struct knote *kn, struct knsource *s, struct kqproc *target)
{
	bool gone;

	pthread_mutex_lock(&s->lock);
	gone = target != NULL && target->gone;
	if (!gone) {
		LIST_INSERT_HEAD(&s->notes, kn, told);
		kn->source = s;
		kn->target = target;
	}
	pthread_mutex_unlock(&s->lock);
	if (!gone && target != NULL)
		kqproc_ref(target);
	return !gone;
}

void
knote_silence(struct knote *kn)
{
	struct kqueue *kq = kn->kq;

	if (kn->watch != NULL)
		kqwatch_remove(kq->p->hk, kn);
	if (kn->source != NULL) {
		pthread_mutex_lock(&kn->source->lock);
		LIST_REMOVE(kn, told);
		pthread_mutex_unlock(&kn->source->lock);
	}
	if (kn->target != NULL)
		kqproc_put(kn->target);
	pthread_mutex_lock(&kq->mail_lock);
	if (kn->mailed)
		TAILQ_REMOVE(&kq->mail, kn, mail);
	pthread_mutex_unlock(&kq->mail_lock);
}

/* ident 0: all of them. */
static void
source_tell(struct knsource *s, uintptr_t ident, uint32_t news)
{
	struct knote *kn;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH(kn, &s->notes, told)
		if (ident == 0 || kn->kev.ident == ident)
			knote_tell(kn, news);
	pthread_mutex_unlock(&s->lock);
}

void
kqueue_source_changed(struct knsource *s)
{

	source_tell(s, 0, UINT32_MAX);
}

/* --- processes --- */

struct kqproc *
kqproc_of(const struct kproc *p)
{

	return p->ext[KERN_SLOT_KQUEUE];
}

struct kqproc *
kqproc_ref(struct kqproc *kp)
{

	atomic_fetch_add(&kp->refs, 1);
	return kp;
}

void
kqproc_put(struct kqproc *kp)
{

	if (kp == NULL || atomic_fetch_sub(&kp->refs, 1) != 1)
		return;
	rumpserver_account_put(kp->account);
	pthread_mutex_destroy(&kp->lock);
	kqueue_source_free(&kp->signals);
	kqueue_source_free(&kp->watchers);
	free(kp->onfd);
	free(kp);
}

static int
kqueue_proc_new(struct kproc *p)
{
	struct kqproc *kp;

	kp = calloc(1, sizeof(*kp));
	if (kp == NULL)
		return RUMP_ENOMEM;
	atomic_init(&kp->refs, 1);
	pthread_mutex_init(&kp->lock, NULL);
	kqueue_source_init(&kp->signals);
	kqueue_source_init(&kp->watchers);
	rumpserver_account_ref(p->account);
	kp->account = p->account;
	p->ext[KERN_SLOT_KQUEUE] = kp;
	return 0;
}

static int
kqueue_proc_copy(struct kproc *child, struct kproc *parent)
{

	(void)parent;
	return kqueue_proc_new(child);
}

/* NOTE_TRACK: a note like kn, for the child.  The lock of who tells kn held. */
static struct knote *
follow(struct knote *kn, struct kproc *child)
{
	struct kqproc *kp = kqproc_of(child);
	struct knote *new;

	new = knote_alloc(kn->kq);
	if (new == NULL)
		return NULL;
	pthread_mutex_lock(&kn->kq->mail_lock);
	new->kev = kn->kev;
	new->wants = kn->wants;
	pthread_mutex_unlock(&kn->kq->mail_lock);
	new->kev.ident = (uintptr_t)child->pid;
	new->fflags = RUMP_NOTE_CHILD;
	new->count = (int64_t)kn->kev.ident;
	new->enabled = true;
	new->born = true;
	if (!knote_listen(new, &kp->watchers, kp)) {
		knote_free(new);
		return NULL;
	}
	return new;
}

/* The same lock held. */
static void
tell_forked(struct knote *kn, struct kproc *child)
{
	struct kqueue *kq = kn->kq;
	struct knote *new;
	uint32_t wants;

	pthread_mutex_lock(&kq->mail_lock);
	wants = kn->wants;
	pthread_mutex_unlock(&kq->mail_lock);
	knote_tell(kn, RUMP_NOTE_FORK);
	if ((wants & RUMP_NOTE_TRACK) == 0)
		return;
	new = follow(kn, child);
	if (new == NULL) {
		knote_tell(kn, RUMP_NOTE_TRACKERR);
		return;
	}
	pthread_mutex_lock(&kq->mail_lock);
	put_mail(new, 0);
	pthread_mutex_unlock(&kq->mail_lock);
}

static void
kqueue_proc_forked(struct kproc *child, struct kproc *parent)
{
	struct knsource *s = &kqproc_of(parent)->watchers;
	struct knote *kn;

	pthread_mutex_lock(&s->lock);
	LIST_FOREACH(kn, &s->notes, told)
		tell_forked(kn, child);
	pthread_mutex_unlock(&s->lock);
}

static void
kqueue_proc_exec(struct kproc *p)
{

	source_tell(&kqproc_of(p)->watchers, 0, RUMP_NOTE_EXEC);
}

/* Queues that watch it keep it; its own are closed later. */
static void
kqueue_proc_exit(struct kproc *p)
{
	struct kqproc *kp = kqproc_of(p);

	source_tell(&kp->watchers, 0, RUMP_NOTE_EXIT);
	pthread_mutex_lock(&kp->watchers.lock);
	kp->gone = true;
	pthread_mutex_unlock(&kp->watchers.lock);
	p->ext[KERN_SLOT_KQUEUE] = NULL;
	kqproc_put(kp);
}

void
kqueue_signal(struct kproc *p, int signo)
{

	source_tell(&kqproc_of(p)->signals, (uintptr_t)signo, 1);
}

const struct kern_module kqueue_module = {
	.create = kqwatch_create,
	.destroy = kqwatch_destroy,
	.proc_new = kqueue_proc_new,
	.proc_copy = kqueue_proc_copy,
	.proc_forked = kqueue_proc_forked,
	.proc_exec = kqueue_proc_exec,
	.proc_exit = kqueue_proc_exit,
};
