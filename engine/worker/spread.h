/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which worker has a call. A new call goes to the least loaded one; all its flows follow it,
 * because a flow and its peer must be on one worker. Remembered while the call has a flow or is
 * pinned. Control's thread only; nothing is allocated after open.
 */
#ifndef ENGINE_WORKER_SPREAD_H
#define ENGINE_WORKER_SPREAD_H

#include "base/bytes.h"
#include "engine/worker/flow.h"
#include "media/flow.h"

enum {
	SPREAD_WORKERS_MAX = 16,
	SPREAD_WHOLE = 1000, /* of busy: all of the time */
};

struct spread_call;

struct spread {
	uint32_t *buckets, mask; /* by the hash of the call: its index + 1 */
	struct spread_call *calls;
	uint32_t *call_of;  /* per slot: index + 1 of its flow's call; 0: none */
	uint8_t *worker_of; /* per slot: since its last open, its present worker */
	uint32_t free;      /* first unused call, as index + 1 */
	uint32_t slots, workers, pins;
	uint32_t load[SPREAD_WORKERS_MAX]; /* flows; a pinned call without one counts as one */
};

/* 0 or -ENOMEM. */
int spread_open(struct spread *s, uint32_t workers, uint32_t slots) NODISCARD;
void spread_close(struct spread *s);
/* The call's worker; a call without a worker gets none yet, only the choice is made. busy: of each
 * worker, per SPREAD_WHOLE. */
uint8_t spread_choose(const struct spread *s, uint64_t call, const uint32_t busy[]);
/* The call's present worker. False: it has no worker yet. */
bool spread_find(const struct spread *s, uint64_t call, uint8_t *worker);
/* The slot's flow now belongs to this call, on this worker. What the slot had before is over. */
void spread_put(struct spread *s, uint32_t slot, uint64_t call, uint8_t worker);
/* The slot's flow is over; a late command for it still finds the worker. */
void spread_drop(struct spread *s, uint32_t slot);
/* The call stays there until spread_unpin, even without a flow. At most as many as there are slots;
 * false: too many. */
bool spread_pin(struct spread *s, uint64_t call, uint8_t worker);
/* Forgets a call without flows; one with flows is forgotten with the last one. */
void spread_unpin(struct spread *s, uint64_t call);

/* The call of the slot's flow; 0: free. */
uint64_t spread_call(const struct spread *s, uint32_t slot);

static inline uint8_t spread_of(const struct spread *s, uint32_t slot)
{
	return s->worker_of[slot];
}

/* Which workers have a job, as control knows it: that of a call, or all. Each of them has a
 * reference of its sound, which returns with its MEDIA_JOB_CLOSED. Control's thread only; nothing
 * is allocated after open. */

struct job_workers {
	uint8_t first, count;
};

struct job_route {
	struct job_workers on; /* also when it is closed by now */
	uint8_t open;          /* so many of them have not reported its end */
};

struct job_routes {
	struct job_route *list; /* by slot */
	uint32_t capacity;
};

/* 0 or -ENOMEM. */
int job_routes_open(struct job_routes *r, uint32_t capacity) NODISCARD;
void job_routes_close(struct job_routes *r);
/* Its commands go to these workers from now on. What the slot had before is closed. */
void job_route_open(struct job_routes *r, uint32_t slot, struct job_workers on);
/* Where its commands go. */
struct job_workers job_route_find(const struct job_routes *r, uint32_t slot);
/* For any event of a worker: drops the sound of a MEDIA_JOB_CLOSED, and notes if it was the
 * last. */
void job_route_closed(struct job_routes *r, struct media_event *event);

/* Flows on their way from one worker to another (engine/worker/flow.h), as control knows them.
 * Until such a flow is open again its commands wait with the caller. Control's thread only. */

struct moves {
	struct flow_parcel *first; /* in the order of the requests; few */
};

/* NULL: no memory. */
struct flow_parcel *moves_add(struct moves *m, const struct flow_spec *spec);
/* That of the slot; NULL: nothing of it is on its way. */
struct flow_parcel *moves_find(const struct moves *m, uint32_t slot);
/* The move is over. Sockets not taken are closed. */
void moves_end(struct moves *m, struct flow_parcel *p);
/* All are. */
void moves_close(struct moves *m);

#endif
