/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes recordings to disk by io_uring. recorder.c's thread calls it; recording.c adds octets.
 * Each file is a small state machine with one operation at a time: create, facts, data, head, sync,
 * sidecar by rename, close. The sidecar appears only after all octets are synced, so its presence
 * means a complete file, whatever crashes. A frozen or full disk only fills the pool, and its files
 * get silence.
 */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/record/disk.h"
#include "base/bytes.h"
#include "base/clock.h"

/* A request to the kernel for a file: by io_uring, or by a plain call. Values. */

enum disk_op_kind {
	DISK_OP_MKDIR,
	DISK_OP_OPEN,
	DISK_OP_WRITE,
	DISK_OP_SYNC,
	DISK_OP_RENAME,
	DISK_OP_CLOSE,
};

struct disk_op {
	enum disk_op_kind kind;
	int fd;
	int flags;        /* of an open */
	const char *path; /* all that is pointed to stays until it is done */
	const char *to;
	struct bytes octets;
	uint64_t offset;
};

enum { FOLDER_MODE = 0700, FILE_MODE = 0600 };

static long disk_op_call(const struct disk_op *op)
{
	switch (op->kind) {
	case DISK_OP_MKDIR:
		return mkdir(op->path, FOLDER_MODE);
	case DISK_OP_OPEN:
		return open(op->path, op->flags | O_CLOEXEC, FILE_MODE);
	case DISK_OP_WRITE:
		return pwrite(op->fd, op->octets.p, op->octets.n, (off_t)op->offset);
	case DISK_OP_SYNC:
		return fdatasync(op->fd);
	case DISK_OP_RENAME:
		return rename(op->path, op->to);
	case DISK_OP_CLOSE:
		return close(op->fd);
	}
	assert(false);
	return -1;
}

static int disk_op_plain(const struct disk_op *op)
{
	long n = disk_op_call(op);

	return n < 0 ? -errno : (int)n;
}

/* Always by a kernel worker: a frozen file system may block the submitter. */
static void disk_op_prepare(struct io_uring_sqe *sqe, const struct disk_op *op)
{
	switch (op->kind) {
	case DISK_OP_MKDIR:
		io_uring_prep_mkdirat(sqe, AT_FDCWD, op->path, FOLDER_MODE);
		break;
	case DISK_OP_OPEN:
		io_uring_prep_openat(sqe, AT_FDCWD, op->path, op->flags | O_CLOEXEC, FILE_MODE);
		break;
	case DISK_OP_WRITE:
		io_uring_prep_write(sqe, op->fd, op->octets.p, (unsigned)op->octets.n, op->offset);
		break;
	case DISK_OP_SYNC:
		io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
		break;
	case DISK_OP_RENAME:
		io_uring_prep_renameat(sqe, AT_FDCWD, op->path, AT_FDCWD, op->to, 0);
		break;
	case DISK_OP_CLOSE:
		io_uring_prep_close(sqe, op->fd);
		break;
	}
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC);
}

/* Pending octets: chunks of the pool in the order of writing. */

static void chunk_add(struct disk_file *f, struct disk_chunk *c)
{
	c->next = NULL;
	if (f->tail)
		f->tail->next = c;
	else
		f->head = c;
	f->tail = c;
	if (c->offset + c->n > f->octets)
		f->octets = c->offset + c->n;
}

/* The kernel may be reading it. */
static bool chunk_is_away(const struct disk_file *f, const struct disk_chunk *c)
{
	return c == f->head && (f->busy || c->done);
}

static void disk_chunk_free(struct disk *d, struct disk_file *f, struct disk_chunk *c)
{
	if (!c->octets) {
		f->hole_count--;
		return;
	}
	c->next = d->free;
	d->free = c;
	d->free_count++;
	f->chunks--;
}

/* The first chunk is written, or given up. */
static void disk_head_drop(struct disk *d, struct disk_file *f)
{
	struct disk_chunk *c = f->head;

	f->head = c->next;
	if (!f->head)
		f->tail = NULL;
	disk_chunk_free(d, f, c);
}

/* How much fits the last chunk: over its octets, and behind them. */
static size_t tail_room(const struct disk_file *f, uint64_t offset, size_t n)
{
	const struct disk_chunk *c = f->tail;

	if (!c || !c->octets || chunk_is_away(f, c) || offset < c->offset ||
	    offset > c->offset + c->n)
		return 0;
	return DISK_CHUNK - (offset - c->offset) < n ? DISK_CHUNK - (size_t)(offset - c->offset)
						     : n;
}

static void tail_put(struct disk_file *f, uint64_t offset, struct bytes octets)
{
	struct disk_chunk *c = f->tail;

	if (!octets.n)
		return;
	memcpy(c->octets + (offset - c->offset), octets.p, octets.n);
	if (offset - c->offset + octets.n > c->n)
		c->n = offset - c->offset + octets.n;
	if (c->offset + c->n > f->octets)
		f->octets = c->offset + c->n;
}

static void disk_chunk_add(struct disk *d, struct disk_file *f, uint64_t offset,
			   struct bytes octets)
{
	struct disk_chunk *c = d->free;

	d->free = c->next;
	d->free_count--;
	f->chunks++;
	memcpy(c->octets, octets.p, octets.n);
	c->offset = offset;
	c->n = octets.n;
	c->done = 0;
	chunk_add(f, c);
}

bool disk_file_write(struct disk *d, struct disk_file *f, uint64_t offset, struct bytes octets)
{
	size_t first = tail_room(f, offset, octets.n);
	size_t need = (octets.n - first + DISK_CHUNK - 1) / DISK_CHUNK;

	assert(!f->ends);
	if (f->state == DISK_DONE || need > d->free_count || f->chunks + need > DISK_FILE_CHUNKS)
		return false;
	tail_put(f, offset, bytes_sub(octets, 0, first));
	while (first < octets.n) {
		struct bytes part = bytes_sub(octets, first, DISK_CHUNK);

		disk_chunk_add(d, f, offset + first, part);
		first += part.n;
	}
	return true;
}

static struct disk_chunk *disk_hole_find(struct disk_file *f)
{
	for (uint32_t i = 0; i < DISK_HOLES; i++) {
		struct disk_chunk *c = &f->holes[i];
		bool used = false;

		for (const struct disk_chunk *o = f->head; o; o = o->next)
			used |= o == c;
		if (!used)
			return c;
	}
	return NULL;
}

/* The last hole that the kernel does not read grows to the end; octets behind it are lost. */
static struct disk_chunk *hole_stretch(struct disk *d, struct disk_file *f)
{
	struct disk_chunk *last = NULL;

	for (struct disk_chunk *c = f->head; c; c = c->next) {
		if (!c->octets && !chunk_is_away(f, c))
			last = c;
	}
	assert(last);
	while (last->next) {
		struct disk_chunk *c = last->next;

		last->next = c->next;
		disk_chunk_free(d, f, c);
	}
	f->tail = last;
	return last;
}

uint64_t disk_file_hole(struct disk *d, struct disk_file *f, uint64_t offset, uint64_t n)
{
	struct disk_chunk *c = f->tail;

	if (f->state == DISK_DONE || !n)
		return offset;
	if (!c || c->octets || chunk_is_away(f, c) || c->offset + c->n != offset) {
		c = f->hole_count < DISK_HOLES ? disk_hole_find(f) : NULL;
		if (c) {
			*c = (struct disk_chunk){ .offset = offset, .n = n };
			f->hole_count++;
			chunk_add(f, c);
			return offset;
		}
		c = hole_stretch(d, f);
	}
	if (offset + n > c->offset + c->n)
		c->n = offset + n - c->offset;
	if (offset + n > f->octets)
		f->octets = offset + n;
	return c->offset < offset ? c->offset : offset;
}

/* The life of one file, one operation at a time: created, written, ended, synced, sidecar written,
 * synced and renamed, closed. */

enum { FOLDERS = 2 };

/* Of all files: each kind of silence: mu-law, A-law, PCM. */
static struct bytes silence_of(uint8_t octet)
{
	static uint8_t ulaw[DISK_CHUNK], alaw[DISK_CHUNK], zeros[DISK_CHUNK];
	uint8_t *p = octet == 0xff ? ulaw : octet == 0xd5 ? alaw : zeros;

	if (*p != octet)
		memset(p, octet, DISK_CHUNK);
	return bytes_mem(p, DISK_CHUNK);
}

/* PATH without its last n parts. */
static void folder_of(char out[DISK_PATH_MAX], const char *path, unsigned n)
{
	size_t length = strnlen(path, DISK_PATH_MAX - 1);

	for (; n; n--) {
		while (length && path[length - 1] != '/')
			length--;
		length -= length > 0;
	}
	memcpy(out, path, length);
	out[length] = '\0';
}

static void op_make(struct disk_file *f, struct disk_op *op)
{
	if (f->folders) {
		/* 2: the tenant's, 1: the day's */
		folder_of(f->other, f->path, f->folders);
		*op = (struct disk_op){ .kind = DISK_OP_MKDIR, .path = f->other };
		return;
	}
	*op = (struct disk_op){ .kind = DISK_OP_OPEN,
				.path = f->path,
				.flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW };
}

static bool op_grow(struct disk_file *f, struct disk_op *op)
{
	struct disk_chunk *c = f->head;
	struct bytes octets;

	if (!c)
		return false;
	if (c->octets) {
		octets = bytes_mem(c->octets + c->done, (size_t)(c->n - c->done));
	} else {
		octets = silence_of(f->silence);
		octets = bytes_sub(octets, 0, (size_t)(c->n - c->done));
	}
	*op = (struct disk_op){
		.kind = DISK_OP_WRITE, .fd = f->fd, .octets = octets, .offset = c->offset + c->done
	};
	return true;
}

/* By another name until it is complete. */
static void op_sidecar_open(struct disk_file *f, struct disk_op *op)
{
	(void)snprintf(f->other, sizeof(f->other), "%.*s.new", DISK_PATH_MAX - 5, f->sidecar_path);
	*op = (struct disk_op){ .kind = DISK_OP_OPEN,
				.path = f->other,
				.flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW };
}

static void op_early_again(struct disk_file *f, struct disk_op *op)
{
	free(f->early);
	f->early = f->later;
	f->early_n = f->later_n;
	f->later = NULL;
	f->state = DISK_EARLY_OPENS;
	op_sidecar_open(f, op);
}

static void op_sidecar(struct disk_file *f, struct disk_op *op)
{
	*op = (struct disk_op){ .kind = DISK_OP_WRITE,
				.fd = f->sidecar_fd,
				.octets = bytes_mem(f->sidecar + f->sidecar_done,
						    f->sidecar_n - f->sidecar_done),
				.offset = f->sidecar_done };
}

/* The next operation of the file. False: none for now. */
static bool disk_step_next(struct disk_file *f, struct disk_op *op)
{
	switch (f->state) {
	case DISK_MAKING:
		op_make(f, op);
		return !f->taken;
	case DISK_EARLY_OPENS:
		op_sidecar_open(f, op);
		return true;
	case DISK_EARLY_WRITES:
		*op = (struct disk_op){ .kind = DISK_OP_WRITE,
					.fd = f->sidecar_fd,
					.octets = bytes_mem(f->early, f->early_n) };
		return true;
	case DISK_EARLY_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE, .fd = f->sidecar_fd };
		return true;
	case DISK_GROWS:
		if (f->later && !f->ends) {
			op_early_again(f, op);
			return true;
		}
		return op_grow(f, op);
	case DISK_HEADS:
		*op = (struct disk_op){ .kind = DISK_OP_WRITE,
					.fd = f->fd,
					.octets = bytes_mem(f->head_octets, f->head_n) };
		return true;
	case DISK_SYNCS:
		*op = (struct disk_op){ .kind = DISK_OP_SYNC, .fd = f->fd };
		return true;
	case DISK_SIDECAR_OPENS:
		op_sidecar_open(f, op);
		return true;
	case DISK_SIDECAR_WRITES:
		op_sidecar(f, op);
		return true;
	case DISK_SIDECAR_SYNCS:
		*op = (struct disk_op){ .kind = DISK_OP_SYNC, .fd = f->sidecar_fd };
		return true;
	case DISK_SIDECAR_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE, .fd = f->sidecar_fd };
		return true;
	case DISK_RENAMES:
		*op = (struct disk_op){ .kind = DISK_OP_RENAME,
					.path = f->other,
					.to = f->sidecar_path };
		return true;
	case DISK_CLOSES:
		*op = (struct disk_op){ .kind = DISK_OP_CLOSE,
					.fd = f->sidecar_fd >= 0 ? f->sidecar_fd : f->fd };
		return true;
	case DISK_DONE:
		break;
	}
	return false;
}

/* ---- results of the kernel ---- */

/* Errors that may pass: a full disk, a quota, a fault of the device, too many files. */
static bool disk_may_pass(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EIO || err == -EROFS || err == -ENOMEM ||
	       err == -EMFILE || err == -ENFILE || err == -EAGAIN || err == -EINTR ||
	       err == -ECANCELED;
}

static void file_give_up(struct disk *d, struct disk_file *f, int err)
{
	f->error = err;
	while (f->head)
		disk_head_drop(d, f);
	f->state = f->fd >= 0 || f->sidecar_fd >= 0 ? DISK_CLOSES : DISK_DONE;
}

static void file_refused(struct disk *d, struct disk_file *f, int err, uint64_t now_ns)
{
	d->counts.errors++;
	d->counts.error = err;
	if (!f->refused_ns)
		f->refused_ns = now_ns;
	if (!disk_may_pass(err) ||
	    (f->ends && now_ns - f->refused_ns > DISK_PATIENCE_S * NS_PER_S)) {
		file_give_up(d, f, err);
		return;
	}
	f->retry_ns = err == -EINTR || err == -EAGAIN ? 0 : now_ns + DISK_RETRY_S * NS_PER_S;
}

/* Locked while it is open: the search for abandoned files skips it. */
static void file_made(struct disk *d, struct disk_file *f, int fd)
{
	f->fd = fd;
	f->made = true;
	f->state = f->early ? DISK_EARLY_OPENS : DISK_GROWS;
	if (flock(fd, LOCK_EX | LOCK_NB))
		file_give_up(d, f, -EBUSY);
}

static void file_making(struct disk *d, struct disk_file *f, int result, uint64_t now_ns)
{
	if (f->folders) {
		if (result < 0 && result != -EEXIST)
			file_refused(d, f, result, now_ns);
		else
			f->folders--;
		return;
	}
	if (result == -ENOENT && f->retry_ns == 0) {
		f->folders = FOLDERS;
		f->retry_ns = 1; /* made once: where it is missing then, it is an error */
	} else if (result == -EEXIST) {
		f->taken = true;
	} else if (result < 0) {
		file_refused(d, f, result, now_ns);
	} else {
		f->retry_ns = f->refused_ns = 0;
		d->counts.error = 0;
		file_made(d, f, result);
	}
}

/* Whatever the result, sound is written next. True: it was that operation. */
static bool file_early(struct disk_file *f, int result)
{
	if (f->state == DISK_EARLY_OPENS) {
		f->state = result < 0 ? DISK_GROWS : DISK_EARLY_WRITES;
		f->sidecar_fd = result < 0 ? -1 : result;
	} else if (f->state == DISK_EARLY_WRITES) {
		f->state = DISK_EARLY_CLOSES;
	} else if (f->state == DISK_EARLY_CLOSES) {
		f->state = DISK_GROWS;
		f->sidecar_fd = -1;
	} else {
		return false;
	}
	return true;
}

static void chunk_written(struct disk *d, struct disk_file *f, int n)
{
	struct disk_chunk *c = f->head;

	d->counts.written += (uint64_t)n;
	c->done += (uint64_t)n;
	if (c->done >= c->n)
		disk_head_drop(d, f);
}

static void file_advance(struct disk *d, struct disk_file *f, int result)
{
	switch (f->state) {
	case DISK_GROWS:
		chunk_written(d, f, result);
		break;
	case DISK_HEADS:
		f->state = DISK_SYNCS;
		break;
	case DISK_SYNCS:
		f->state = DISK_SIDECAR_OPENS;
		break;
	case DISK_SIDECAR_OPENS:
		f->sidecar_fd = result;
		f->sidecar_done = 0;
		f->state = DISK_SIDECAR_WRITES;
		break;
	case DISK_SIDECAR_WRITES:
		f->sidecar_done += (size_t)result;
		if (f->sidecar_done >= f->sidecar_n)
			f->state = DISK_SIDECAR_SYNCS;
		break;
	case DISK_SIDECAR_SYNCS:
		f->state = DISK_SIDECAR_CLOSES;
		break;
	case DISK_SIDECAR_CLOSES:
		f->sidecar_fd = -1;
		f->state = DISK_RENAMES;
		break;
	case DISK_RENAMES:
		f->state = DISK_CLOSES;
		break;
	case DISK_MAKING:
	case DISK_EARLY_OPENS:
	case DISK_EARLY_WRITES:
	case DISK_EARLY_CLOSES:
	case DISK_CLOSES:
	case DISK_DONE:
		assert(false);
	}
}

static void file_closed(struct disk_file *f)
{
	if (f->sidecar_fd >= 0)
		f->sidecar_fd = -1;
	else
		f->fd = -1;
	if (f->fd < 0)
		f->state = DISK_DONE;
}

/* The result of an operation. */
static void disk_step_done(struct disk *d, struct disk_file *f, int result, uint64_t now_ns)
{
	if (f->state == DISK_CLOSES) {
		file_closed(f);
		return;
	}
	if (f->state == DISK_MAKING) {
		file_making(d, f, result, now_ns);
	} else if (file_early(f, result)) {
		; /* nothing is tried again */
	} else if (result < 0 || (result == 0 && f->state == DISK_GROWS)) {
		/* a write of nothing is a disk that has no room */
		file_refused(d, f, result < 0 ? result : -ENOSPC, now_ns);
		return;
	} else {
		f->retry_ns = f->refused_ns = 0;
		d->counts.error = 0;
		file_advance(d, f, result);
	}
	if (f->state == DISK_GROWS && f->ends && !f->head)
		f->state = f->head_n ? DISK_HEADS : DISK_SYNCS;
}

enum { DISK_ENTRIES = 1024, DISK_COMPLETIONS = 32768 };

static int disk_memory(struct disk *d, uint32_t memory_mib)
{
	void *p;

	d->chunk_count = (uint32_t)(((uint64_t)memory_mib << 20) / DISK_CHUNK);
	d->memory_n = (size_t)d->chunk_count * DISK_CHUNK;
	d->chunks = calloc(d->chunk_count, sizeof(*d->chunks));
	p = mmap(NULL, d->memory_n, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -ENOMEM;
	d->memory = p;
	if (!d->chunks)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->chunk_count; i++) {
		d->chunks[i].octets = d->memory + (size_t)i * DISK_CHUNK;
		d->chunks[i].next = d->free;
		d->free = &d->chunks[i];
	}
	d->free_count = d->chunk_count;
	return 0;
}

int disk_open(struct disk *d, uint32_t memory_mib)
{
	struct io_uring_params params = { .flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
					  .cq_entries = DISK_COMPLETIONS };
	int err;

	assert(memory_mib > 0);
	*d = (struct disk){ .plain = false };
	err = disk_memory(d, memory_mib);
	if (err) {
		d->plain = true;
		disk_close(d);
		return err;
	}
	d->plain = io_uring_queue_init_params(DISK_ENTRIES, &d->ring, &params) != 0;
	return 0;
}

void disk_close(struct disk *d)
{
	if (!d->plain)
		io_uring_queue_exit(&d->ring);
	if (d->memory)
		(void)munmap(d->memory, d->memory_n);
	free(d->chunks);
	*d = (struct disk){ .plain = true };
}

void disk_file_name(struct disk_file *f, const char *path)
{
	(void)snprintf(f->path, sizeof(f->path), "%s", path);
	(void)snprintf(f->sidecar_path, sizeof(f->sidecar_path), "%.*s.json", DISK_PATH_MAX - 6,
		       path);
	f->taken = false;
}

void disk_file_start(struct disk *d, struct disk_file *f, const char *path, uint8_t silence)
{
	*f = (struct disk_file){ .fd = -1, .sidecar_fd = -1, .silence = silence };
	disk_file_name(f, path);
	f->next = d->files;
	d->files = f;
	d->counts.files++;
}

void disk_file_early(struct disk_file *f, char *early, size_t n)
{
	char **to = f->state == DISK_MAKING ? &f->early : &f->later;

	free(*to);
	*to = early;
	if (to == &f->early)
		f->early_n = n;
	else
		f->later_n = n;
}

struct bytes disk_file_facts(const struct disk_file *f)
{
	return f->later ? bytes_mem(f->later, f->later_n) : bytes_mem(f->early, f->early_n);
}

void disk_file_end(struct disk *d, struct disk_file *f, struct bytes head, char *sidecar,
		   size_t sidecar_n)
{
	(void)d;
	assert(head.n <= DISK_HEAD_MAX && !f->ends);
	f->ends = true;
	f->sidecar = sidecar;
	f->sidecar_n = sidecar_n;
	f->head_n = (uint32_t)head.n;
	if (head.n)
		memcpy(f->head_octets, head.p, head.n);
	if (f->state == DISK_GROWS && !f->head && !f->busy)
		f->state = f->head_n ? DISK_HEADS : DISK_SYNCS;
}

/* False: the kernel takes nothing now. */
static bool disk_submit(struct disk *d, struct disk_file *f, const struct disk_op *op,
			uint64_t now_ns)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&d->ring);

	if (!sqe) {
		(void)io_uring_submit(&d->ring);
		sqe = io_uring_get_sqe(&d->ring);
	}
	if (!sqe)
		return false;
	disk_op_prepare(sqe, op);
	io_uring_sqe_set_data(sqe, f);
	f->busy = true;
	f->begun_ns = now_ns;
	return true;
}

static void disk_go_on(struct disk *d, struct disk_file *f, uint64_t now_ns)
{
	struct disk_op op;

	if (f->busy || now_ns < f->retry_ns || !disk_step_next(f, &op))
		return;
	if (!d->plain) {
		(void)disk_submit(d, f, &op, now_ns);
		return;
	}
	f->busy = true;
	while (f->busy) {
		f->busy = false;
		disk_step_done(d, f, disk_op_plain(&op), now_ns);
		f->busy = now_ns >= f->retry_ns && disk_step_next(f, &op);
	}
}

static void disk_reap(struct disk *d, uint64_t now_ns)
{
	struct io_uring_cqe *cqe;

	while (!d->plain && io_uring_peek_cqe(&d->ring, &cqe) == 0) {
		struct disk_file *f = io_uring_cqe_get_data(cqe);
		int result = cqe->res;

		io_uring_cqe_seen(&d->ring, cqe);
		f->busy = false;
		disk_step_done(d, f, result, now_ns);
	}
}

void disk_poll(struct disk *d, uint64_t now_ns)
{
	struct disk_file **at = &d->files;

	disk_reap(d, now_ns);
	d->counts.longest_ns = 0;
	while (*at) {
		struct disk_file *f = *at;

		disk_go_on(d, f, now_ns);
		if (f->busy && now_ns - f->begun_ns > d->counts.longest_ns)
			d->counts.longest_ns = now_ns - f->begun_ns;
		if (f->state != DISK_DONE) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		d->counts.files--;
		free(f->sidecar);
		free(f->early);
		free(f->later);
		f->sidecar = f->early = f->later = NULL;
	}
	d->counts.chunks = d->chunk_count - d->free_count;
	if (!d->plain)
		(void)io_uring_submit(&d->ring);
}
