/* SPDX-License-Identifier: Apache-2.0 */
/* Small values of extensions, as the store has them (cluster/store/kept.c). All nodes ask here; nothing expires. What a process asked and had
 * not sent when it was killed never happens. */
#ifndef TESTS_SIM_KEPT_H
#define TESTS_SIM_KEPT_H

#include "sig/host/effect.h"
#include "tests/sim/node.h"

struct sim;

enum { KEPT_VALUES_MAX = 16, KEPT_ASKED_MAX = 1024, KEPT_NAME_MAX = 64 };

struct kept_value {
	char name[KEPT_NAME_MAX]; /* TENANT:USER:NAME; "": none */
	struct text value;
};

struct kept_asked {
	uint32_t incarnation;
	uint16_t shard;
	bool flushed, put;
	uint64_t call, serial;
	struct kept_value of;
};

struct kept_values {
	struct kept_value list[KEPT_VALUES_MAX];
	struct kept_asked asked[KEPT_ASKED_MAX]; /* all of the run */
	uint32_t asked_count;
};

void kept_close(struct kept_values *k);
/* An EFFECT_KV. */
void kept_ask(const struct node *n, const struct node_shard *shard, const struct effect *e);
/* What processes that live have asked leaves them. */
void kept_flush(struct sim *s);

#endif
