/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries, segment files and the thread of the spool, in this order. store/ appends the CDR of each
 * ended call here when Redis does not answer, and drains the segments when it is back, so no CDR is
 * lost to an outage or a crash. An append is answered only after fsync(2) of its segment; a removal
 * syncs the folder, since Redis then forgets that it has these CDRs.
 */

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/loop.h"
#include "base/privilege.h"
#include "base/table.h"
#include "base/thread.h"
#include "cluster/spool/spool.h"

enum {
	ENTRY_MAGIC_LEN = 4,
	ENTRY_LENGTH_AT = 4,
	AT_NUMBER = 8,
	AT_CALL = 16,
	ENTRY_CRC_AT = 24,
};

static const char g_entry_magic[ENTRY_MAGIC_LEN + 1] = "TDC1";

static uint32_t entry_crc(const uint8_t *head, struct bytes fields)
{
	return hash_crc32c(hash_crc32c(0, bytes_mem(head, ENTRY_CRC_AT)), fields);
}

void spool_entry_write(struct writer *w, const struct spool_entry *entry)
{
	uint8_t head[SPOOL_ENTRY_HEAD];
	struct writer hw = writer_over(head, sizeof(head));

	assert(entry->fields.n <= SPOOL_FIELDS_MAX);
	writer_mem(&hw, g_entry_magic, ENTRY_MAGIC_LEN);
	writer_be32(&hw, (uint32_t)entry->fields.n);
	writer_be64(&hw, entry->number);
	writer_be64(&hw, entry->call);
	writer_be32(&hw, entry_crc(head, entry->fields));
	writer_mem(w, head, sizeof(head));
	writer_bytes(w, entry->fields);
}

/* Skips to where the next entry may start. */
static int entry_skip(struct bytes *rest)
{
	const uint8_t *found = memmem(rest->p + 1, rest->n - 1, g_entry_magic, ENTRY_MAGIC_LEN);

	*rest = found ? bytes_from(*rest, (size_t)(found - rest->p)) : (struct bytes){ 0 };
	return -EBADMSG;
}

static int skip_torn(struct bytes *rest)
{
	(void)entry_skip(rest);
	return rest->n ? -EBADMSG : -ENODATA;
}

int spool_entry_next(struct bytes *rest, struct spool_entry *out)
{
	struct bytes in = *rest;
	size_t same = in.n < ENTRY_MAGIC_LEN ? in.n : ENTRY_MAGIC_LEN;
	struct bytes fields;

	if (in.n == 0)
		return 0;
	if (memcmp(in.p, g_entry_magic, same) != 0)
		return entry_skip(rest);
	if (in.n < SPOOL_ENTRY_HEAD)
		return skip_torn(rest);
	if (be32_get(in.p + ENTRY_LENGTH_AT) > SPOOL_FIELDS_MAX)
		return entry_skip(rest);
	if (be32_get(in.p + ENTRY_LENGTH_AT) > in.n - SPOOL_ENTRY_HEAD)
		return skip_torn(rest);
	fields = bytes_sub(in, SPOOL_ENTRY_HEAD, be32_get(in.p + ENTRY_LENGTH_AT));
	if (be32_get(in.p + ENTRY_CRC_AT) != entry_crc(in.p, fields))
		return entry_skip(rest);
	*out = (struct spool_entry){
		.number = be64_get(in.p + AT_NUMBER),
		.call = be64_get(in.p + AT_CALL),
		.fields = fields,
	};
	*rest = bytes_from(in, SPOOL_ENTRY_HEAD + fields.n);
	return 1;
}

#define WAITING ".cdr"
#define BROKEN  ".broken"
enum { NUMBER_DIGITS = 16, NAME_MAX_LEN = 32 };

static void spool_name_write(char name[NAME_MAX_LEN], uint64_t number, const char *suffix)
{
	(void)snprintf(name, NAME_MAX_LEN, "%016" PRIx64 "%s", number, suffix);
}

/* 0 when it is not the name of a segment with this suffix. */
static uint64_t name_number(const char *name, const char *suffix)
{
	uint8_t raw[8];
	size_t n;

	if (strlen(name) < NUMBER_DIGITS || strcmp(name + NUMBER_DIGITS, suffix) != 0)
		return 0;
	if (hex_decode(bytes_mem(name, NUMBER_DIGITS), raw, sizeof(raw), &n) != 0)
		return 0;
	return ((uint64_t)be32_get(raw) << 32) | be32_get(raw + 4);
}

/* The oldest waiting segment, and the highest number of all; 0: none. */
static int scan(struct spool_file *f, uint64_t *first, uint64_t *last)
{
	int fd = openat(f->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int err = dir ? 0 : -errno;

	*first = *last = 0;
	while (dir && (entry = readdir(dir)) != NULL) {
		uint64_t number = name_number(entry->d_name, WAITING);
		uint64_t broken = name_number(entry->d_name, BROKEN);

		if (number && (!*first || number < *first))
			*first = number;
		number = number > broken ? number : broken;
		*last = *last > number ? *last : number;
	}
	if (dir) {
		(void)closedir(dir);
	} else if (fd >= 0) {
		(void)close(fd);
	}
	return err;
}

int spool_file_open(struct spool_file *f, const char *dir)
{
	uint64_t first;
	int err;

	*f = (struct spool_file){ .dir_fd = -1, .fd = -1 };
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return -errno;
	err = scan(f, &first, &f->number);
	if (err)
		spool_file_close(f);
	return err;
}

static void segment_end(struct spool_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	f->size = 0;
}

void spool_file_close(struct spool_file *f)
{
	segment_end(f);
	if (f->dir_fd >= 0)
		(void)close(f->dir_fd);
	f->dir_fd = -1;
}

static int segment_start(struct spool_file *f)
{
	char name[NAME_MAX_LEN];

	spool_name_write(name, f->number + 1, WAITING);
	f->fd = openat(f->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	f->number++;
	f->size = 0;
	if (fsync(f->dir_fd) == 0)
		return 0;
	segment_end(f);
	return -EIO;
}

static int spool_write(int fd, struct bytes in)
{
	while (in.n > 0) {
		ssize_t n = write(fd, in.p, in.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		in = bytes_from(in, (size_t)n);
	}
	return 0;
}

int spool_file_write(struct spool_file *f, struct bytes in)
{
	int err = f->fd < 0 ? segment_start(f) : 0;

	if (err)
		return err;
	err = spool_write(f->fd, in);
	if (!err) {
		f->size += in.n;
	} else if (ftruncate(f->fd, (off_t)f->size) < 0) {
		segment_end(f); /* what is behind a torn entry would be hard to find */
	}
	return err;
}

int spool_file_sync(struct spool_file *f)
{
	int err = f->fd < 0 || fdatasync(f->fd) == 0 ? 0 : -errno;

	/* after a failed sync nobody knows what of the file is on disk: begin another */
	if (err || f->size >= SPOOL_SEGMENT_MAX)
		segment_end(f);
	return err;
}

static int read_all(int fd, uint8_t **out, size_t *n)
{
	struct stat st;
	uint8_t *p;
	ssize_t got = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	p = malloc((size_t)st.st_size + 1);
	if (!p)
		return -ENOMEM;
	for (*n = 0; *n < (size_t)st.st_size && got > 0; *n += (size_t)got) {
		got = read(fd, p + *n, (size_t)st.st_size - *n);
		if (got < 0) {
			free(p);
			return -errno;
		}
	}
	*out = p;
	return 0;
}

int spool_file_read(struct spool_file *f, uint64_t *number, uint8_t **out, size_t *n)
{
	char name[NAME_MAX_LEN];
	uint64_t last;
	int err = scan(f, number, &last);
	int fd;

	if (!err && !*number)
		err = -ENOENT;
	if (err)
		return err;
	if (f->fd >= 0 && *number == f->number)
		segment_end(f);
	spool_name_write(name, *number, WAITING);
	fd = openat(f->dir_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = read_all(fd, out, n);
	(void)close(fd);
	return err;
}

int spool_file_remove(struct spool_file *f, uint64_t number, bool aside)
{
	char name[NAME_MAX_LEN], broken[NAME_MAX_LEN];
	int err;

	spool_name_write(name, number, WAITING);
	spool_name_write(broken, number, BROKEN);
	err = aside ? renameat(f->dir_fd, name, f->dir_fd, broken) : unlinkat(f->dir_fd, name, 0);
	/* it must not come back after a power failure: Redis forgets then that it has these CDRs */
	return err < 0 || fsync(f->dir_fd) < 0 ? -errno : 0;
}

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
	struct job *answering; /* those to be answered now */
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

/* An answer may close the spool: it is gone then after the outermost round. */
static void spool_answers_deliver(struct spool *sp)
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
		spool_answers_deliver(arg);
}

static void spool_job_push(struct spool *sp, struct job *job)
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
	spool_job_push(sp, job);
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
	spool_job_push(sp, job);
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
	spool_job_push(sp, job);
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
	spool_answers_deliver(sp);
}
