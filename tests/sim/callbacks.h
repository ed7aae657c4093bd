/* SPDX-License-Identifier: Apache-2.0 */
/* Callbacks of the queue sales (agents.h): their documents in small, and a model of them (callbacks.c). */
#ifndef TESTS_SIM_CALLBACKS_H
#define TESTS_SIM_CALLBACKS_H

#include "tests/sim/node.h"

enum { CALLBACKS_MAX = 12 };

struct callback_document {
	char number[16];
	bool there;
	uint8_t tries;
	uint64_t created_utc_ms, called_utc_ms;
	/* of the model */
	uint32_t extension, calls; /* calls: so many were made */
	uint64_t call;             /* the last of them; 0: none yet */
};

struct callbacks {
	bool on; /* seeds have them: `sim --callbacks` */
	struct callback_document list[CALLBACKS_MAX];
	uint32_t count;
	struct rand_source rand;
};

struct shard;

/* The extension is to be called back, unless it has a callback. */
void callback_create(struct sim *s, uint32_t extension);
/* The run has any. */
bool callbacks_are_there(const struct sim *s);
/* A core that opens reads them. */
void callbacks_read(const struct node *n, struct shard *core);
/* A process begins: it looks at them twice a second. */
void callbacks_begin(struct node *n);
/* All had time: none is left, and no agent is reserved for one. */
void callbacks_check_end(struct sim *s);
/* Callers who wait in the queue, and others who want to be called back. */
void scenario_callbacks(struct sim *s);

#endif
