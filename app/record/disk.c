/* SPDX-License-Identifier: Apache-2.0 */
#include "app/record/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "app/record/disk_state.h"
#include "base/clock.h"

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

void disk_file_begin(struct disk *d, struct disk_file *f, const char *path, uint8_t silence)
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
static bool disk_ask(struct disk *d, struct disk_file *f, const struct disk_op *op, uint64_t now_ns)
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
		(void)disk_ask(d, f, &op, now_ns);
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
