/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/agents.h"

#include <assert.h>

#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"

void agents_put(struct shard *core, uint16_t tenant)
{
	struct queue_terms terms = { .tenant = tenant,
				     .name = "sales",
				     .strategy = QUEUE_IN_ORDER,
				     .ring_s = 15,
				     .max_wait_s = 3600 };
	struct queues *queues = core->shared_tables->queues;
	int err;

	(void)queue_members_parse(&terms, BYTES_LIT("1002,1003"));
	err = queues_put(queues, &terms);
	for (uint8_t i = 0; !err && i < terms.count; i++)
		(void)queues_agent_put(queues, tenant, bytes_str(terms.members[i].number),
				       AGENT_READY, (struct bytes){ 0 }, &err);
	assert(!err);
	(void)err;
}
