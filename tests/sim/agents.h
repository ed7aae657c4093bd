/* SPDX-License-Identifier: Apache-2.0 */
/* Agents of a queue in stories. */
#ifndef TESTS_SIM_AGENTS_H
#define TESTS_SIM_AGENTS_H

#include <stdint.h>

enum { CALLBACK_RING_S = 10, CALLBACK_RETRY_S = 5, CALLBACK_TRIES = 3 };

struct shard_shared_tables;
struct tenants;

/* The flow that leads to the queue sales. */
extern const char g_agents_flow[];
/* B and C are agents of the queue sales, and ready: B rings first, each for 15 s. */
void agents_put(struct shard_shared_tables *tables, const struct tenants *tenants, uint16_t tenant);

#endif
