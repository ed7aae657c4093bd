/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchical timer wheel, 1 ms steps, O(1) start and stop. Holds no callbacks: expired timers are
 * handed out one by one and the owner decides by kind. Timers live inside the owner's objects.
 */
#ifndef BASE_WHEEL_H
#define BASE_WHEEL_H

#include "base/bytes.h"

enum { WHEEL_LEVELS = 5, WHEEL_SLOTS = 256 }; /* 256^5 ms: 34 years */

struct wheel_timer {
	struct wheel_timer *next, *prev; /* NULL: not running */
	uint64_t deadline_ns;
	uint64_t owner; /* pool handle of the object it belongs to */
	uint32_t kind;  /* owner's enum */
	uint32_t slot;  /* level * WHEEL_SLOTS + slot while in the wheel */
};

struct wheel {
	struct wheel_timer slots[WHEEL_LEVELS * WHEEL_SLOTS]; /* list heads */
	uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64];
	struct wheel_timer due; /* expired, not yet handed out */
	uint64_t tick;          /* ms already processed */
	uint32_t running;
};

/* The wheel points into itself: it does not move afterwards. */
void wheel_open(struct wheel *w, uint64_t now_ns);
/* Starts or restarts. A past deadline expires at the next wheel_expire. Never early, 1 ms late. */
void wheel_start(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns);
void wheel_stop(struct wheel *w, struct wheel_timer *t); /* idle timers are fine */
/* Sets the deadline, or stops it with UINT64_MAX; a timer with the same deadline already keeps its
 * place in the order. */
void wheel_aim(struct wheel *w, struct wheel_timer *t, uint64_t deadline_ns);
bool wheel_is_running(const struct wheel_timer *t);
/* Removes and returns the next timer due at now, or NULL. Timers may start and stop between
 * calls. */
struct wheel_timer *wheel_expire(struct wheel *w, uint64_t now_ns);
/* When to call wheel_expire next (never later than the earliest deadline rounded up to a step);
 * 0: at once; UINT64_MAX: nothing runs. May be before any deadline: calling then is cheap. */
uint64_t wheel_next_ns(const struct wheel *w);

#endif
