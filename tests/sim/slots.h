/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots where calls are parked, as the store has them (cluster/store/park.c). Whoever has a slot keeps it; only the call that it names frees
 * it. So with the numbers of rooms. All nodes ask here. What a process asked and had not sent when it was killed never happens.
 */
#ifndef TESTS_SIM_SLOTS_H
#define TESTS_SIM_SLOTS_H

#include "sig/host/effect.h"
#include "tests/sim/node.h"

struct sim;

enum { SLOTS_MAX = 16, SLOTS_ASKED_MAX = 512, SLOT_NAME_MAX = 48 };

struct slot_taken {
	char name[SLOT_NAME_MAX]; /* TENANT:SLOT; "": free */
	bool room; /* TENANT:NUMBER of a room, and its conference in place of a call */
	uint64_t call;
	struct text beside;
};

struct slot_asked {
	uint32_t incarnation;
	uint16_t shard;
	bool flushed;
	enum park_act act;
	char name[SLOT_NAME_MAX];
	uint64_t call, serial;
	struct text beside;
};

struct slots {
	struct slot_taken taken[SLOTS_MAX];
	struct slot_asked asked[SLOTS_ASKED_MAX]; /* all of the run */
	uint32_t asked_count;
};

void slots_close(struct slots *t);
/* An EFFECT_PARK. */
void slots_ask(const struct node *n, const struct node_shard *shard, const struct effect *e);
/* What processes that live have asked leaves them. */
void slots_flush(struct sim *s);
/* So many are taken, each by a call whose party waits in it. */
void check_slots(struct sim *s, uint32_t count);
/* Everything is over: nobody waits anywhere. */
void check_slots_end(struct sim *s);

#endif
