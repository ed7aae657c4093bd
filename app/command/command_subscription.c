/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/command/command_walk.h"
#include "app/node/node.h"
#include "sig/sip/id.h"

static json_t *subscription_json(const struct subscription_row *row)
{
	char id[ID_TEXT_LEN];

	id_call_put(id, row->id);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:o}", "id",
			 command_text_json(bytes_mem(id, sizeof(id))), "tenant", row->tenant,
			 "number", command_text_json(row->watcher), "watches",
			 command_text_json(row->resource), "trunk", command_text_json(row->trunk),
			 "event", row->package, "begun_utc_ms", (json_int_t)row->begun_utc_ms,
			 "expires_utc_ms", (json_int_t)row->expires_utc_ms, "notified",
			 (json_int_t)row->notified, "source", command_addr_json(row->remote));
}

static const enum subscription_ending g_endings[] = { ENDING_DEACTIVATED, ENDING_PROBATION,
						      ENDING_GIVEUP, ENDING_REJECTED,
						      ENDING_NORESOURCE };

static void no_such_subscription(struct command_run *run)
{
	command_fail(run, COMMAND_NOT_FOUND, "id", "there is no subscription " BYTES_FMT,
		     BYTES_ARG(command_value(run, "id")->text));
}

/* One of another tenant is none. */
static bool subscription_is_seen(const struct command_run *run, const struct shard *core,
				 uint64_t id)
{
	uint16_t tenant;

	return core && shard_subscription_tenant(core, id, &tenant) &&
	       command_may_see(run, tenants_name(run->node->tenants, tenant));
}

void command_subscription_end(struct command_run *run)
{
	enum subscription_ending why = g_endings[command_value(run, "reason")->number];
	struct shard *core;
	uint64_t id;

	if (id_call_get(command_value(run, "id")->text, &id)) {
		command_fail(run, COMMAND_BAD_ARGUMENT, "id",
			     "id must be one as subscription.list shows it");
		return;
	}
	core = node_core(run->node, id);
	if (!subscription_is_seen(run, core, id) ||
	    shard_subscription_end(core, id, why, clock_instant()))
		no_such_subscription(run);
	else
		command_answer(run, json_pack("{s:o}", "id", command_call_id_json(id)));
}

/* Operators see all tenants that have the number. */
static bool subscription_look(const struct command_run *run, const struct command_span *span,
			      struct command_walk_at *at, bool show, struct command_walk_entry *out)
{
	struct subscription_row row;
	struct shard *core;

	while ((core = command_walk_shard(run, at)) &&
	       !shard_subscription_next(core, &at->place, &row))
		command_walk_past(at);
	if (!core)
		return false;
	out->utc_ms = row.begun_utc_ms;
	out->wanted = command_may_see(run, row.tenant) && command_span_has(span, out->utc_ms) &&
		      (!span->number.n || bytes_eq(row.watcher, span->number) ||
		       bytes_eq(row.resource, span->number));
	out->json = show && out->wanted ? subscription_json(&row) : NULL;
	return true;
}

void command_subscription_list(struct command_run *run)
{
	command_walk_start(run, subscription_look);
}
