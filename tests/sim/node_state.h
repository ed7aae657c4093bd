/* SPDX-License-Identifier: Apache-2.0 */
/* Private to node*.c. */
#ifndef TESTS_SIM_NODE_STATE_H
#define TESTS_SIM_NODE_STATE_H

#include "tests/sim/node.h"

#define NODE_BOOT0_NS (1000 * NS_PER_S)
#define NODE_NO_TIMER UINT64_MAX

/* After each call of the shard: its effects are carried out, on which it may die. */
void node_carry(struct sim *s);
void node_crash(struct sim *s);
/* EFFECT_PLAY */
void node_play(struct sim *s, const struct effect *e);
/* A call waits for the application of its extension. */
void node_application_told(struct sim *s, uint64_t call);

#endif
