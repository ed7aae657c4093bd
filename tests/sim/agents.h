/* SPDX-License-Identifier: Apache-2.0 */
/* Agents of a queue in stories. */
#ifndef TESTS_SIM_AGENTS_H
#define TESTS_SIM_AGENTS_H

#include <stdint.h>

struct shard;

/* B and C are agents of the queue sales, and ready: B rings first, each for 15 s. */
void agents_put(struct shard *core, uint16_t tenant);

#endif
