/* SPDX-License-Identifier: Apache-2.0 */
/* The line of queues over all nodes of a cluster (docs/adr/0165). Each node tells the others of its
 * own callers and of the agents that it reserves, as soon as something changes, and every few
 * seconds again; what they tell stands in the table of each (sig/pbx/queue/queues.h). Nothing is
 * acknowledged, and no node keeps the line for the others. */

#include "base/log.h"
#include "sig/feature/queue/lamps.h"
#include "sig/feature/queue/line.h"
#include "sig/pbx/queue/callbacks.h"
#include "sig/shard/shard_parts.h"

#define LINE "queue" /* as the feature is called */

/* ---- told ---- */

static const char *tenant_name(const struct shard_shared_tables *c, uint16_t tenant)
{
	return tenants_name(shard_settings(c->shards)->tenants, tenant);
}

static void line_send(const struct shard_shared_tables *c, struct writer *w)
{
	const struct remote_item told = { .kind = REMOTE_FEATURE,
					  .message = { BYTES_LIT(LINE), writer_done(w) } };

	if (!w->overflow)
		remote_watch_send(c->remote, 0, &told);
}

static void caller_changed(void *arg, const struct queue_caller *caller, bool gone)
{
	const struct shard_shared_tables *c = arg;
	uint8_t space[LINE_MESSAGE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (!c->shards)
		return;
	line_add_caller(&w, tenant_name(c, caller->tenant), caller, gone);
	line_send(c, &w);
}

static void agent_changed(void *arg, const struct queue_agent *a,
			  const struct queue_agent_word *word)
{
	const struct shard_shared_tables *c = arg;
	uint8_t space[LINE_MESSAGE_MAX];
	struct writer w = writer_over(space, sizeof(space));

	if (!c->shards)
		return;
	line_add_agent(&w, tenant_name(c, a->tenant), a->number, word);
	line_send(c, &w);
}

static int line_opened(struct shard *s)
{
	const struct queues_listener listener = { caller_changed, agent_changed,
						  shard_shared_tables(s) };

	if (shard_shared_tables(s)->remote)
		queues_listen(shard_shared_tables(s)->queues, &listener);
	return 0;
}

void line_wake(const struct shard_shared_tables *tables, const struct queue *q)
{
	struct queue_walk w = queue_walk(q);
	const struct queue_caller *c;

	while ((c = queue_walk_next(&w)) != NULL) {
		if (!c->process && !c->callback && tables->shards)
			shard_call_wake(tables->shards, c->call);
	}
}

/* ---- heard ---- */

struct hearing {
	struct shard_shared_tables *tables;
	uint64_t process;
};

/* Another caller may be next by now: the first one of the tenant at this node looks. */
static void line_hurry(const struct shard_shared_tables *c, uint16_t tenant)
{
	const struct queue_caller *first = queues_first(c->queues, tenant);

	if (first)
		shard_call_wake(c->shards, first->call);
}

static void hear_caller(void *arg, struct bytes tenant, struct queue_caller *caller, bool gone)
{
	const struct hearing *h = arg;

	if (!shard_remote_tenant(h->tables, tenant, &caller->tenant))
		return;
	caller->process = h->process;
	if (queues_hear_caller(h->tables->queues, caller, gone))
		LOG_WARN(LINE, caller->call, "no room for a caller of another node");
	line_hurry(h->tables, caller->tenant);
}

/* No shard may have done anything for a while. */
static uint64_t line_wall_ms(const struct shard_shared_tables *c)
{
	return steady_add(c->remote_now.utc_ms, shard_host(c->shards)->wall_ms);
}

static void hear_agent(void *arg, struct bytes tenant, struct bytes number,
		       const struct queue_agent_word *word)
{
	const struct hearing *h = arg;
	uint16_t of;

	if (!shard_remote_tenant(h->tables, tenant, &of))
		return;
	if (queues_hear_agent(h->tables->queues, of, number, h->process, word,
			      line_wall_ms(h->tables)))
		LOG_WARN(LINE, word->by, "no room for an agent of another node");
	line_hurry(h->tables, of);
}

static bool line_received(struct shard_shared_tables *c, const struct remote_item *item,
			  struct remote_item *answer)
{
	struct hearing h = { c, item->process };
	const struct line_readers readers = { hear_caller, hear_agent, &h };

	(void)answer;
	if (line_read(item->message.octets, &readers))
		LOG_WARN(LINE, 0, "what another node tells of queues is not understood",
			 LOG_INT("octets", (int64_t)item->message.octets.n));
	return false;
}

static bool line_is_there(void *arg, uint64_t process)
{
	const struct shard_shared_tables *c = arg;

	return c->remote_with.is_attached(c->remote_with.arg, process);
}

static bool line_has_call(void *arg, uint64_t call)
{
	const struct shard_shared_tables *c = arg;
	uint16_t unused;

	for (const struct shard *s = c->shards; s; s = shard_next(s)) {
		if (shard_call_tenant(s, call, &unused))
			return true;
	}
	return queues_callback_try(c->queues, call);
}

static void line_second(struct shard_shared_tables *c)
{
	const struct queues_around around = { line_is_there, line_has_call, c };

	queues_second(c->queues, c->remote_quick, &around);
	queue_lamps_second(c);
}

static const struct shard_remote_hook line_remotes[] = {
	{ REMOTE_FEATURE, LINE, line_received },
	{ 0 },
};

const struct shard_hooks queue_hooks = {
	.remotes = line_remotes,
	.second = line_second,
	.lamp = queue_lamp,
	.opened = line_opened,
};
