/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer lies at the level of the highest byte in which its deadline (in ms) differs from the
 * current tick, in the slot of that byte. So all slots in use lie ahead of the tick's own byte,
 * lower levels come before higher ones, and a timer moves down at most once per level:
 *
 *   tick      00 00 00 12 f0
 *   deadline  00 00 00 12 f7   level 0, slot f7
 *   deadline  00 00 00 13 02   level 1, slot 13; moves to level 0, slot 02 at tick 00 00 00 13 00
 *
 * Slot 0 of the top level cannot be ahead of anything, so it keeps what lies beyond 256^5 ms.
 */

#include "base/wheel.h"

#include <assert.h>

#include "base/clock.h"

enum {
	LEVEL_BITS = 8,
	WORD_BITS = 64,
	HORIZON_BITS = WHEEL_LEVELS * LEVEL_BITS,
	SLOT_DUE = WHEEL_LEVELS * WHEEL_SLOTS, /* wheel_timer.slot of timers in wheel.due */
	SLOT_BEYOND = (WHEEL_LEVELS - 1) * WHEEL_SLOTS,
};

static void wheel_list_open(struct wheel_timer *head)
{
	head->next = head;
	head->prev = head;
}

static bool list_is_empty(const struct wheel_timer *head)
{
	return head->next == head;
}

static void slot_append(struct wheel_timer *head, struct wheel_timer *t)
{
	t->next = head;
	t->prev = head->prev;
	t->prev->next = t;
	head->prev = t;
}

static void list_remove(struct wheel_timer *t)
{
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->next = NULL;
	t->prev = NULL;
}

static uint64_t *occupied_word(struct wheel *w, uint32_t slot)
{
	return &w->occupied[slot / WHEEL_SLOTS][slot % WHEEL_SLOTS / WORD_BITS];
}

/* Rounded up, so that nothing is early. */
static uint64_t deadline_ms(uint64_t ns)
{
	return ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}

static uint32_t slot_for(const struct wheel *w, uint64_t ms)
{
	uint32_t level;

	if (ms <= w->tick)
		return SLOT_DUE;
	level = (uint32_t)(WORD_BITS - 1 - __builtin_clzll(ms ^ w->tick)) / LEVEL_BITS;
	if (level >= WHEEL_LEVELS)
		return SLOT_BEYOND;
	return level * WHEEL_SLOTS + (uint32_t)(ms >> level * LEVEL_BITS) % WHEEL_SLOTS;
}

static void timer_place(struct wheel *w, struct wheel_timer *t)
{
	t->slot = slot_for(w, deadline_ms(t->deadline_ns));
	if (t->slot == SLOT_DUE) {
		slot_append(&w->due, t);
		return;
	}
	slot_append(&w->slots[t->slot], t);
	*occupied_word(w, t->slot) |= BIT64(t->slot % WORD_BITS);
}

void wheel_open(struct wheel *w, uint64_t now_ns)
{
	*w = (struct wheel){ .tick = now_ns / NS_PER_MS };
	wheel_list_open(&w->due);
	for (size_t i = 0; i < COUNT_OF(w->slots); i++)
		wheel_list_open(&w->slots[i]);
}

bool wheel_is_running(const struct wheel_timer *t)
{
	return t->next != NULL;
}

void wheel_stop(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_is_running(t))
		return;
	list_remove(t);
	w->running--;
	if (t->slot != SLOT_DUE && list_is_empty(&w->slots[t->slot]))
		*occupied_word(w, t->slot) &= ~BIT64(t->slot % WORD_BITS);
}

void wheel_start(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns)
{
	wheel_stop(w, t);
	t->deadline_ns = deadline_ns;
	timer_place(w, t);
	w->running++;
}

void wheel_aim(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns)
{
	if (deadline_ns == UINT64_MAX) {
		wheel_stop(w, t);
	} else if (!wheel_is_running(t) || t->deadline_ns != deadline_ns) {
		wheel_start(w, t, deadline_ns);
	}
}

/* First slot in use of a level, leaving out the slot for what is beyond; or WHEEL_SLOTS. */
static uint32_t level_first(const struct wheel *w, uint32_t level)
{
	for (uint32_t i = 0; i < WHEEL_SLOTS / WORD_BITS; i++) {
		uint64_t word = w->occupied[level][i];

		if (level == WHEEL_LEVELS - 1 && i == 0)
			word &= ~UINT64_C(1);
		if (word)
			return i * WORD_BITS + (uint32_t)__builtin_ctzll(word);
	}
	return WHEEL_SLOTS;
}

/* The next slot in use and the tick at which its turn comes. False: nothing in any slot. */
static bool slot_next(const struct wheel *w, uint32_t *slot, uint64_t *tick)
{
	for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
		uint32_t first = level_first(w, level);
		uint32_t shift = level * LEVEL_BITS;

		if (first < WHEEL_SLOTS) {
			*slot = level * WHEEL_SLOTS + first;
			*tick = (w->tick >> (shift + LEVEL_BITS) << LEVEL_BITS | first) << shift;
			return true;
		}
	}
	*slot = SLOT_BEYOND;
	*tick = ((w->tick >> HORIZON_BITS) + 1) << HORIZON_BITS;
	return !list_is_empty(&w->slots[SLOT_BEYOND]);
}

/* The tick has come to a slot: its timers go to lower levels or, at their time, to the due list. */
static void slot_open(struct wheel *w, uint32_t slot)
{
	struct wheel_timer *head = &w->slots[slot];
	struct wheel_timer batch;

	/* a list of its own, because what is beyond may go back to the same slot */
	batch = *head;
	batch.next->prev = &batch;
	batch.prev->next = &batch;
	wheel_list_open(head);
	*occupied_word(w, slot) &= ~BIT64(slot % WORD_BITS);
	while (!list_is_empty(&batch)) {
		struct wheel_timer *t = batch.next;

		list_remove(t);
		timer_place(w, t);
	}
}

struct wheel_timer *wheel_expire(struct wheel *w, uint64_t now_ns)
{
	uint64_t now_tick = now_ns / NS_PER_MS;
	struct wheel_timer *t;
	uint64_t tick;
	uint32_t slot;

	while (list_is_empty(&w->due)) {
		if (!slot_next(w, &slot, &tick) || tick > now_tick) {
			if (w->tick < now_tick)
				w->tick = now_tick;
			return NULL;
		}
		assert(tick > w->tick);
		w->tick = tick;
		slot_open(w, slot);
	}
	t = w->due.next;
	list_remove(t);
	w->running--;
	return t;
}

uint64_t wheel_next_ns(const struct wheel *w)
{
	uint64_t tick;
	uint64_t ns;
	uint32_t slot;

	if (!list_is_empty(&w->due))
		return 0;
	if (!slot_next(w, &slot, &tick))
		return UINT64_MAX;
	/* the last ms of 64 bits rounds up to beyond them */
	if (__builtin_mul_overflow(tick, NS_PER_MS, &ns) || ns == UINT64_MAX)
		return UINT64_MAX - 1;
	return ns;
}
