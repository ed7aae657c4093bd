/* SPDX-License-Identifier: Apache-2.0 */
/* What operators see of a cluster, and say to it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command/command_handlers.h"
#include "app/node/claimant.h"
#include "app/node/node.h"

enum { NODE_ID_TEXT = 17 };

static void node_id_write(char out[NODE_ID_TEXT], uint64_t id)
{
	(void)snprintf(out, NODE_ID_TEXT, "%016" PRIx64, id);
}

static bool cluster_node_is(const struct roster_node *node, struct bytes name)
{
	char id[NODE_ID_TEXT];

	node_id_write(id, node->id);
	return bytes_is(name, id) || bytes_is(name, node->name);
}

/* A node that was set up anew may have the name of one that is gone: that one is meant. */
static bool cluster_node_find(const struct claimant *c, struct bytes name,
			      struct claimant_node *out)
{
	struct claimant_node node;
	bool found = false;

	for (uint32_t i = 0; claimant_node(c, i, &node); i++) {
		if (!cluster_node_is(&node.node, name) || (found && (node.alive || node.heard)))
			continue;
		*out = node;
		found = true;
	}
	return found;
}

/* ---- what is ---- */

static const char *node_state(const struct claimant_node *node, uint64_t self)
{
	if (node->node.id == self)
		return "self";
	if (node->heard)
		return "heard";
	if (roster_has_left(&node->node))
		return "left";
	return node->alive ? "unheard" : "silent";
}

static json_t *node_json(const struct claimant_node *node, uint64_t self)
{
	json_t *shards = json_array();
	char id[NODE_ID_TEXT];

	for (uint32_t i = 0; i < node->node.shard_count; i++)
		(void)json_array_append_new(shards, json_integer(node->node.shards[i]));
	node_id_write(id, node->node.id);
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", node->node.name, "id", id, "address",
			 node->node.address, "state", node_state(node, self), "shards", shards);
}

static json_t *nodes_json(const struct claimant *c, uint64_t self)
{
	json_t *list = json_array();
	struct claimant_node node;

	for (uint32_t i = 0; claimant_node(c, i, &node); i++)
		(void)json_array_append_new(list, node_json(&node, self));
	return list;
}

/* Its name, or its id where nobody has told of it. */
static json_t *name_json(const struct claimant *c, uint64_t id)
{
	struct claimant_node node;
	char text[NODE_ID_TEXT];

	for (uint32_t i = 0; claimant_node(c, i, &node); i++) {
		if (node.node.id == id)
			return json_string(node.node.name);
	}
	node_id_write(text, id);
	return id ? json_string(text) : json_null();
}

static json_t *named_json(const struct claimant *c, const struct members *named)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < named->count; i++)
		(void)json_array_append_new(list, name_json(c, named->ids[i]));
	return list;
}

static json_t *since_json(uint64_t since_ns, uint64_t now_ns)
{
	return since_ns && since_ns <= now_ns
		       ? json_integer((json_int_t)((now_ns - since_ns) / NS_PER_MS))
		       : json_null();
}

static const char *unkept_why(const struct node *n, const struct store_lease_view *lease)
{
	if (lease->kept)
		return NULL;
	if (!redis_is_connected(n->redis))
		return "redis_away";
	if (redis_is_cluster(n->redis))
		return "redis_cluster";
	return n->redis_leases && redis_is_connected(n->redis_leases) ? "replicas" : "no_link";
}

static json_t *valid_json(const struct store_lease_view *lease, uint64_t now_ns)
{
	uint64_t until_ns = lease->valid_until_ns;

	if (until_ns == UINT64_MAX)
		return json_null();
	return json_integer(until_ns > now_ns ? (json_int_t)((until_ns - now_ns) / NS_PER_MS) : 0);
}

static void live_add(json_t *json, const struct node_shard *s, uint64_t now_ns)
{
	const struct node *n = s->node;
	struct store_lease_view lease;

	store_lease_view(s->store, &lease);
	(void)json_object_update_missing_new(
		json, json_pack("{s:s, s:I, s:o, s:o, s:o, s:b, s:s?, s:I}", "owner",
				n->settings.node.name, "epoch", (json_int_t)store_epoch(s->store),
				"named", named_json(n->claimant, &lease.named), "age_ms",
				since_json(lease.granted_ns, now_ns), "valid_ms",
				valid_json(&lease, now_ns), "kept", lease.kept, "why_not_kept",
				unkept_why(n, &lease), "live_utc_ms", (json_int_t)s->live_utc_ms));
}

static void claim_add(json_t *json, const struct node_shard *s, uint64_t now_ns)
{
	const struct claimant *c = s->node->claimant;
	const struct claim *claim = claimant_claim(c, s->number);

	if (!claim)
		return;
	(void)json_object_update_missing_new(
		json,
		json_pack("{s:o, s:I, s:o, s:o}", "owner", name_json(c, claim->record), "epoch",
			  (json_int_t)claim->heard.counter, "named", named_json(c, &claim->named),
			  "age_ms", since_json(claim->seen_ns, now_ns)));
}

static json_t *shards_json(const struct node *n, uint64_t now_ns)
{
	static const char *const states[] = { [NODE_SHARD_WAITING] = "waiting",
					      [NODE_SHARD_LIVE] = "live",
					      [NODE_SHARD_LOST] = "lost" };
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->shard_count; i++) {
		const struct node_shard *s = &n->shards[i];
		json_t *json = json_pack("{s:I, s:b, s:s}", "shard", (json_int_t)s->number, "home",
					 s->home, "state", states[s->state]);

		if (s->state == NODE_SHARD_LIVE)
			live_add(json, s, now_ns);
		else
			claim_add(json, s, now_ns);
		(void)json_array_append_new(list, json);
	}
	return list;
}

void command_cluster_status(struct command_run *run)
{
	const struct node *n = run->node;
	uint64_t self, incarnation;
	char id[NODE_ID_TEXT];

	if (!n->claimant) {
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "the node is in no cluster: see cluster.listen");
		return;
	}
	claimant_self(n->claimant, &self, &incarnation);
	node_id_write(id, self);
	command_answer(
		run,
		json_pack("{s:s, s:s, s:I, s:I, s:b, s:b, s:o, s:o}", "name", n->settings.node.name,
			  "id", id, "lease_ms", (json_int_t)(n->settings.cluster.lease / NS_PER_MS),
			  "replicas", (json_int_t)n->settings.cluster.replicas, "redis_connected",
			  redis_is_connected(n->redis), "leases_connected",
			  n->redis_leases && redis_is_connected(n->redis_leases), "nodes",
			  nodes_json(n->claimant, self), "shards", shards_json(n, clock_now_ns())));
}

/* ---- who is gone ---- */

void command_node_remove(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text;
	const struct claimant *c = run->node->claimant;
	struct claimant_node found;
	char id[NODE_ID_TEXT];

	if (!redis_is_connected(run->node->redis)) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis is away");
	} else if (!cluster_node_find(c, name, &found)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "no node of the cluster is " BYTES_FMT,
			     BYTES_ARG(name));
	} else if (found.alive || found.heard) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "node %s lives, or did ten seconds ago: stop it", found.node.name);
	} else {
		claimant_remove(run->node->claimant, &found.node);
		node_id_write(id, found.node.id);
		command_answer(run, json_pack("{s:s, s:s}", "name", found.node.name, "id", id));
	}
}
