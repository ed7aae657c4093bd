/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the disk: chunks of the pool, in the order in which they are written. */
#include <assert.h>
#include <string.h>

#include "app/record/disk_state.h"

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

/* The kernel may read it. */
static bool chunk_is_away(const struct disk_file *f, const struct disk_chunk *c)
{
	return c == f->head && (f->busy || c->done);
}

void disk_chunk_free(struct disk *d, struct disk_file *f, struct disk_chunk *c)
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

void disk_head_drop(struct disk *d, struct disk_file *f)
{
	struct disk_chunk *c = f->head;

	f->head = c->next;
	if (!f->head)
		f->tail = NULL;
	disk_chunk_free(d, f, c);
}

/* How much of it goes into the last chunk: over what is there, and behind that. */
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

static void chunk_take(struct disk *d, struct disk_file *f, uint64_t offset, struct bytes octets)
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

		chunk_take(d, f, offset + first, part);
		first += part.n;
	}
	return true;
}

static struct disk_chunk *hole_take(struct disk_file *f)
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

/* The last hole that the kernel does not read goes to the end; what waits behind it is lost. */
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
		c = f->hole_count < DISK_HOLES ? hole_take(f) : NULL;
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
