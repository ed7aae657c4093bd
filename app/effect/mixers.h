/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mixers of conferences: a job for each, on the worker of its id, where its members' flows go, too.
 * Bounded: one more is refused. Control thread.
 */
#ifndef APP_NODE_MIXERS_H
#define APP_NODE_MIXERS_H

#include "app/effect/answers.h"
#include "app/effect/media_queue.h"
#include "sig/host/effect.h"

enum mixer_state {
	MIXER_FREE,
	MIXER_OPEN,
	MIXER_LEFT,    /* it is to close */
	MIXER_CLOSING, /* the worker has not said that it closed it */
};

struct mixer {
	enum mixer_state state;
	uint64_t room, serial;
	struct job_id job;
};

struct mixers {
	struct mixer *list;
	uint32_t capacity, first_slot; /* of jobs */
	uint32_t used, left, generation;
	struct media_queue *queue;
	struct answers *answers;
};

void mixers_setup(void); /* registers the metrics; main thread, once */
/* 0 or -ENOMEM. */
int mixers_open(struct mixers *m, uint32_t first_slot, uint32_t capacity) NODISCARD;
void mixers_close(struct mixers *m);
/* EFFECT_ROOM_OPEN; what becomes of it is an answer. */
void mixers_start(struct mixers *m, const struct effect *e);
/* EFFECT_ROOM_CLOSE */
void mixers_end(struct mixers *m, uint64_t room, uint64_t serial);
/* Those of all conferences of a shard. */
void mixers_leave(struct mixers *m, uint16_t shard);
/* An event of a job; false: not a mixer's. */
bool mixers_event(struct mixers *m, const struct media_event *event);
/* Calls have told the workers what their parties hear now. */
void mixers_round(struct mixers *m);

#endif
