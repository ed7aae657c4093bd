/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker has a call. A new call goes where the least load is; all its flows follow it, because a flow and its peer must be
 * on one worker. Remembered while the call has a flow or is pinned. Control's thread alone; nothing is allocated after open.
 */
#ifndef ENGINE_WALK_SPREAD_H
#define ENGINE_WALK_SPREAD_H

#include "base/bytes.h"

enum {
	SPREAD_WORKERS_MAX = 16,
	SPREAD_WHOLE = 1000, /* of busy: all of the time */
};

struct spread_call;

struct spread {
	uint32_t *buckets, mask; /* by the hash of the call: its index + 1 */
	struct spread_call *calls;
	uint32_t *call_of;  /* per slot: index + 1 of the call whose flow it has; 0: none */
	uint8_t *worker_of; /* per slot: since its last open, whoever has it now */
	uint32_t free;      /* first unused call, as index + 1 */
	uint32_t slots, workers, pins;
	uint32_t load[SPREAD_WORKERS_MAX]; /* flows; a pinned call without one counts as one */
};

/* 0 or -ENOMEM. */
int spread_open(struct spread *s, uint32_t workers, uint32_t slots) NODISCARD;
void spread_close(struct spread *s);
/* The call's worker; a call that has none gets nothing yet, only the choice is made. busy: of each worker, per SPREAD_WHOLE. */
uint8_t spread_choose(const struct spread *s, uint64_t call, const uint32_t busy[]);
/* The worker that the call has by now. False: none yet. */
bool spread_find(const struct spread *s, uint64_t call, uint8_t *worker);
/* The slot's flow is of this call from now on, which is on this worker. What the slot had before is over. */
void spread_put(struct spread *s, uint32_t slot, uint64_t call, uint8_t worker);
/* The slot's flow is over; a late command for it still finds the worker. */
void spread_drop(struct spread *s, uint32_t slot);
/* The call stays there until spread_unpin, even without a flow. As many as there are slots can be pinned; false: it was too many. */
bool spread_pin(struct spread *s, uint64_t call, uint8_t worker);
/* Forgets a call without flows; one with flows is forgotten with the last one. */
void spread_unpin(struct spread *s, uint64_t call);

/* Whose flow the slot has; 0: none. */
uint64_t spread_call(const struct spread *s, uint32_t slot);

static inline uint8_t spread_of(const struct spread *s, uint32_t slot)
{
	return s->worker_of[slot];
}

#endif
