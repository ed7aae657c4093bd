/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/spool/spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/privilege.h"
#include "base/thread.h"
#include "cluster/spool/file.h"

enum job_type {
	JOB_APPEND,
	JOB_READ,
	JOB_REMOVE,
};

struct job {
	struct job *next;
	enum job_type type;
	int err;
	spool_done_fn *done;
	spool_segment_fn *segment;
	void *arg;
	uint64_t number;
	bool aside;
	uint8_t *read; /* JOB_READ: what was read */
	size_t n;
	uint8_t data[]; /* JOB_APPEND: the entry */
};

struct jobs {
	struct job *first;
	struct job **end;
};

struct spool {
	struct spool_file file; /* the thread's, while it runs */
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct jobs asked;    /* under the lock */
	struct jobs answered; /* under the lock */
	bool stop;            /* under the lock */
	int event_fd;
	/* the control thread's */
	struct job *answering; /* those whose turn to be answered has come */
	uint64_t lowest;
	uint32_t appending; /* appends not answered yet */
	uint32_t depth;     /* rounds of answers under way */
	bool closed;
	bool stored; /* there are segments, or may be */
};

static void jobs_clear(struct jobs *jobs)
{
	jobs->first = NULL;
	jobs->end = &jobs->first;
}

static void jobs_add(struct jobs *jobs, struct job *job)
{
	job->next = NULL;
	*jobs->end = job;
	jobs->end = &job->next;
}

/* ---- the thread ---- */

/* All appends from job on, up to another kind of job, with one sync. Returns that other job. */
static struct job *append_run(struct spool_file *f, struct job *job)
{
	struct job *end;
	int err;

	for (end = job; end && end->type == JOB_APPEND; end = end->next)
		end->err = spool_file_write(f, bytes_mem(end->data, end->n));
	err = spool_file_sync(f);
	for (; job != end; job = job->next)
		job->err = job->err ? job->err : err;
	return end;
}

static struct job *job_run(struct spool_file *f, struct job *job)
{
	switch (job->type) {
	case JOB_APPEND:
		return append_run(f, job);
	case JOB_READ:
		job->err = spool_file_read(f, &job->number, &job->read, &job->n);
		break;
	case JOB_REMOVE:
		job->err = spool_file_remove(f, job->number, job->aside);
		break;
	}
	return job->next;
}

static void jobs_run(struct spool *sp, struct job *first)
{
	uint64_t one = 1;

	for (struct job *job = first; job;)
		job = job_run(&sp->file, job);
	(void)pthread_mutex_lock(&sp->lock);
	for (struct job *job = first, *next; job; job = next) {
		next = job->next;
		jobs_add(&sp->answered, job);
	}
	(void)pthread_mutex_unlock(&sp->lock);
	/* fails only with its counter full: then it is readable anyway */
	if (write(sp->event_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void *spool_thread(void *arg)
{
	struct spool *sp = arg;
	struct job *first = NULL;
	bool stop;

	privilege_drop(); /* the media ports come later, and theirs are no business of ours */
	do {
		(void)pthread_mutex_lock(&sp->lock);
		while (!sp->asked.first && !sp->stop)
			(void)pthread_cond_wait(&sp->wake, &sp->lock);
		first = sp->asked.first;
		jobs_clear(&sp->asked);
		stop = sp->stop;
		(void)pthread_mutex_unlock(&sp->lock);
		if (first)
			jobs_run(sp, first);
	} while (first || !stop);
	return NULL;
}

/* ---- the control thread ---- */

static void job_answer(struct spool *sp, struct job *job)
{
	switch (job->type) {
	case JOB_APPEND:
		sp->appending--;
		job->done(job->err, job->arg);
		break;
	case JOB_READ:
		/* an append asked for meanwhile will make a segment again */
		if (job->err == -ENOENT && sp->appending == 0) {
			sp->stored = false;
			sp->lowest = UINT64_MAX;
		}
		job->segment(job->err, job->number, bytes_mem(job->read, job->n), job->arg);
		free(job->read);
		break;
	case JOB_REMOVE:
		job->done(job->err, job->arg);
		break;
	}
	free(job);
}

static struct job *answer_next(struct spool *sp)
{
	struct job *job = sp->answering;

	if (job) {
		sp->answering = job->next;
		return job;
	}
	(void)pthread_mutex_lock(&sp->lock);
	job = sp->answered.first;
	jobs_clear(&sp->answered);
	(void)pthread_mutex_unlock(&sp->lock);
	if (job)
		sp->answering = job->next;
	return job;
}

static void spool_destroy(struct spool *sp);

/* An answer may close the spool: it is gone then after the outermost round. */
static void answers_take(struct spool *sp)
{
	struct job *job;

	sp->depth++;
	while ((job = answer_next(sp)) != NULL)
		job_answer(sp, job);
	if (--sp->depth == 0 && sp->closed)
		spool_destroy(sp);
}

static void spool_on_event(int fd, unsigned events, void *arg)
{
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) == sizeof(count))
		answers_take(arg);
}

static void spool_job_ask(struct spool *sp, struct job *job)
{
	(void)pthread_mutex_lock(&sp->lock);
	jobs_add(&sp->asked, job);
	(void)pthread_cond_signal(&sp->wake);
	(void)pthread_mutex_unlock(&sp->lock);
}

void spool_append(struct spool *sp, const struct spool_entry *entry, spool_done_fn *fn, void *arg)
{
	size_t size = SPOOL_ENTRY_HEAD + entry->fields.n;
	struct job *job = calloc(1, sizeof(*job) + size);
	struct writer w;

	if (!job) {
		fn(-ENOMEM, arg);
		return;
	}
	w = writer_over(job->data, size);
	spool_entry_write(&w, entry);
	assert(!w.overflow && w.n == size);
	job->type = JOB_APPEND;
	job->n = size;
	job->done = fn;
	job->arg = arg;
	sp->appending++;
	sp->stored = true;
	if (entry->number < sp->lowest)
		sp->lowest = entry->number;
	spool_job_ask(sp, job);
}

void spool_read(struct spool *sp, spool_segment_fn *fn, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		fn(-ENOMEM, 0, (struct bytes){ 0 }, arg);
		return;
	}
	job->type = JOB_READ;
	job->segment = fn;
	job->arg = arg;
	spool_job_ask(sp, job);
}

void spool_remove(struct spool *sp, uint64_t number, bool aside, spool_done_fn *fn, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		fn(-ENOMEM, arg);
		return;
	}
	job->type = JOB_REMOVE;
	job->number = number;
	job->aside = aside;
	job->done = fn;
	job->arg = arg;
	spool_job_ask(sp, job);
}

bool spool_is_empty(const struct spool *sp)
{
	return !sp->stored;
}

uint64_t spool_lowest(const struct spool *sp)
{
	return sp->lowest;
}

static int spool_setup(struct spool *sp, const char *dir)
{
	int err = spool_file_open(&sp->file, dir);

	if (err)
		return err;
	sp->stored = true; /* what lies there is not known before it was read */
	sp->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (sp->event_fd < 0)
		return -errno;
	err = loop_watch(sp->event_fd, LOOP_READ, spool_on_event, sp);
	return err ? err : thread_spawn(&sp->thread, "spool", spool_thread, sp);
}

static void spool_destroy(struct spool *sp)
{
	spool_file_close(&sp->file);
	if (sp->event_fd >= 0) {
		loop_unwatch(sp->event_fd);
		(void)close(sp->event_fd);
	}
	(void)pthread_cond_destroy(&sp->wake);
	(void)pthread_mutex_destroy(&sp->lock);
	free(sp);
}

int spool_open(struct spool **out, const char *dir)
{
	struct spool *sp = calloc(1, sizeof(*sp));
	int err;

	if (!sp)
		return -ENOMEM;
	sp->event_fd = -1;
	jobs_clear(&sp->asked);
	jobs_clear(&sp->answered);
	(void)pthread_mutex_init(&sp->lock, NULL);
	(void)pthread_cond_init(&sp->wake, NULL);
	err = spool_setup(sp, dir);
	if (err) {
		spool_destroy(sp);
	} else {
		*out = sp;
	}
	return err;
}

void spool_close(struct spool *sp)
{
	if (!sp)
		return;
	(void)pthread_mutex_lock(&sp->lock);
	sp->stop = true;
	(void)pthread_cond_signal(&sp->wake);
	(void)pthread_mutex_unlock(&sp->lock);
	(void)pthread_join(sp->thread, NULL);
	sp->closed = true;
	answers_take(sp);
}
