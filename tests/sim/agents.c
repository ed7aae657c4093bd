/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/agents.h"

#include <assert.h>

#include "sig/pbx/queue/queues.h"
#include "sig/shard/shard_state.h"
#include "sig/shard/shared_tables.h"

const char g_agents_flow[] =
	"{\"name\":\"sales\",\"start\":\"line\",\"steps\":{\"line\":{\"queue\":\"sales\","
	"\"timeout\":\"end\"},\"end\":{\"hangup\":{}}}}";

void agents_put(struct shard_shared_tables *tables, const struct tenants *tenants, uint16_t tenant)
{
	struct queue_terms terms = { .tenant = tenant,
				     .name = "sales",
				     .strategy = QUEUE_IN_ORDER,
				     .ring_s = 15,
				     .max_wait_s = 3600,
				     .callback = { .rule = CALLBACK_AGENT,
						   .tries = CALLBACK_TRIES,
						   .ring_s = CALLBACK_RING_S,
						   .retry_s = CALLBACK_RETRY_S,
						   .most = 1000,
						   .keep_h = 1 } };
	struct queues *queues = tables->queues;
	int err;

	(void)queue_members_parse(&terms, BYTES_LIT("1002,1003"));
	err = queues_put(queues, &terms);
	for (uint8_t i = 0; !err && i < terms.count; i++) {
		struct bytes number = bytes_str(terms.members[i].number);

		(void)queues_agent_put(queues, tenant, number, AGENT_READY, (struct bytes){ 0 },
				       &err);
		if (tables->remote) /* other nodes tell of his calls, as in agent_apply */
			remote_watch_request(tables->remote,
					     bytes_str(tenants_name(tenants, tenant)), number);
	}
	assert(!err);
	(void)err;
}
