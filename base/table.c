/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing, at most three quarters full, deletion by shifting back: no tombstones, so a table
 * that lives for months is as fast as a fresh one. */
#include "base/table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { SLOTS_MIN = 16, TABLE_CAPACITY_MAX = 1 << 30 };

/* The upper bits of a multiplication: plain numbers as hashes do no harm. */
static uint32_t home_of(uint64_t hash, uint32_t mask)
{
	return (uint32_t)((hash * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
}

int table_open(struct table *t, uint32_t capacity)
{
	assert(capacity > 0 && capacity <= TABLE_CAPACITY_MAX);
	*t = (struct table){ .mask = SLOTS_MIN - 1, .capacity = capacity };
	t->slots = calloc(SLOTS_MIN, sizeof(*t->slots));
	return t->slots ? 0 : -ENOMEM;
}

void table_close(struct table *t)
{
	free(t->slots);
	*t = (struct table){ 0 };
}

static void slots_put(struct table_slot *slots, uint32_t mask, struct table_slot entry)
{
	uint32_t i = home_of(entry.hash, mask);

	while (slots[i].value)
		i = (i + 1) & mask;
	slots[i] = entry;
}

static int table_grow(struct table *t)
{
	uint32_t mask = t->mask * 2 + 1;
	struct table_slot *slots = calloc((size_t)mask + 1, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i <= t->mask; i++) {
		if (t->slots[i].value)
			slots_put(slots, mask, t->slots[i]);
	}
	free(t->slots);
	t->slots = slots;
	t->mask = mask;
	return 0;
}

int table_put(struct table *t, uint64_t hash, uint64_t value)
{
	assert(value != 0);
	if (t->count >= t->capacity)
		return -ENOSPC;
	if (((uint64_t)t->count + 1) * 4 > ((uint64_t)t->mask + 1) * 3) {
		int err = table_grow(t);

		if (err)
			return err;
	}
	slots_put(t->slots, t->mask, (struct table_slot){ .hash = hash, .value = value });
	t->count++;
	return 0;
}

uint64_t table_next(const struct table *t, uint64_t hash, uint32_t *cursor)
{
	uint32_t home = home_of(hash, t->mask);

	for (;;) {
		const struct table_slot *slot = &t->slots[(home + *cursor) & t->mask];

		if (slot->value == 0)
			return 0;
		(*cursor)++;
		if (slot->hash == hash)
			return slot->value;
	}
}

/* Knuth, TAOCP 3, 6.4 algorithm R: pull back what would no longer be found behind the hole. */
static void close_hole(struct table *t, uint32_t hole)
{
	for (uint32_t i = (hole + 1) & t->mask; t->slots[i].value; i = (i + 1) & t->mask) {
		uint32_t home = home_of(t->slots[i].hash, t->mask);

		if (((i - home) & t->mask) >= ((i - hole) & t->mask)) {
			t->slots[hole] = t->slots[i];
			hole = i;
		}
	}
	t->slots[hole] = (struct table_slot){ 0 };
}

bool table_del(struct table *t, uint64_t hash, uint64_t value)
{
	uint32_t i = home_of(hash, t->mask);

	for (; t->slots[i].value; i = (i + 1) & t->mask) {
		if (t->slots[i].hash == hash && t->slots[i].value == value) {
			close_hole(t, i);
			t->count--;
			return true;
		}
	}
	return false;
}
