/* SPDX-License-Identifier: Apache-2.0 */
/* What BLF keys show of queues and agents. All nodes have the lines and the agents' documents, so
 * none asks another. A key of a queue flashes while somebody waits there. A key of an agent is lit
 * while he is ready, and flashes while he is not. */

#include "sig/feature/queue/lamps.h"

#include "sig/host/programs.h"
#include "sig/pbx/queue/queues.h"
#include "sig/shard/hooks.h"
#include "sig/shard/shard_parts.h"

static bool agent_lamp(const struct shard *s, uint16_t tenant, struct bytes name,
		       struct shard_lamp *out)
{
	const struct queue_agent *a;
	enum feature_action feature;
	struct feature_codes codes;

	shard_codes_of(s, tenant, &codes);
	if (!feature_dialled(&codes, name, &feature, &out->of) || feature != FEATURE_AGENT_IN ||
	    !shard_extension_find(s, tenant, out->of))
		return false;
	a = queues_agent(shard_shared_tables(s)->queues, tenant, out->of);
	out->lit = a && a->state == AGENT_READY;
	out->flashes = a && a->state == AGENT_NOT_READY;
	return true;
}

static struct queue *queue_of_flow(const struct shard_shared_tables *c, uint16_t tenant,
				   struct bytes flow)
{
	return bytes_starts(flow, QUEUE_WORD)
		       ? queues_find(c->queues, tenant, bytes_from(flow, strlen(QUEUE_WORD)))
		       : NULL;
}

static bool queue_waits(const struct queue *q)
{
	return q->waiting > q->callbacks;
}

bool queue_lamp(const struct shard *s, uint16_t tenant, struct bytes name, struct shard_lamp *out)
{
	const struct shard_shared_tables *c = shard_shared_tables(s);
	struct bytes of = bytes_str(tenants_name(shard_settings(s)->tenants, tenant));
	const struct queue *q =
		c->programs ? queue_of_flow(c, tenant, programs_number_exact(c->programs, of, name))
			    : NULL;

	if (!q)
		return agent_lamp(s, tenant, name, out);
	out->flashes = queue_waits(q);
	return true;
}

/* The numbers that lead to queues with a change. */
static void queue_lamps_notify(struct shard_shared_tables *c)
{
	struct bytes tenant, number, flow;
	uint32_t cursor = 0;
	uint16_t id;

	while (programs_numbers(c->programs, &cursor, &tenant, &number, &flow)) {
		const struct queue *q =
			bytes_starts(flow, QUEUE_WORD) && shard_remote_tenant(c, tenant, &id)
				? queue_of_flow(c, id, flow)
				: NULL;

		if (q && q->lit != queue_waits(q))
			shard_watch_notify_of(c->shards, id, number, CHANGED_DIALOGS);
	}
}

void queue_lamps_second(struct shard_shared_tables *c)
{
	struct queue *q;
	uint32_t cursor = 0;
	bool any = false;

	while ((q = queues_next(c->queues, &cursor)) != NULL)
		any |= q->lit != queue_waits(q);
	if (!any)
		return;
	if (c->programs && c->shards)
		queue_lamps_notify(c);
	cursor = 0;
	while ((q = queues_next(c->queues, &cursor)) != NULL)
		q->lit = queue_waits(q);
}

void queue_lamp_agent(struct shard *s, uint16_t tenant, struct bytes number, struct instant now)
{
	char name[FEATURE_CODE_LEN + DIAL_NUMBER_MAX];
	struct writer w = writer_over(name, sizeof(name));
	struct feature_codes codes;

	shard_set_now(s, now);
	shard_codes_of(s, tenant, &codes);
	if (!codes.code[FEATURE_AGENT_IN][0])
		return;
	writer_str(&w, codes.code[FEATURE_AGENT_IN]);
	writer_bytes(&w, number);
	if (!w.overflow)
		shard_watch_notify_of(s, tenant, writer_done(&w), CHANGED_DIALOGS);
}
