/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of operators about nodes and shards: cluster.status, node.* and shard.*, health,
 * rebalance and log level. They show leases, claims and neighbours as claimant and store know them,
 * and drain a node or move shards. A dead node is removed only while it does not beat, as its
 * shards may otherwise have two owners.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/command/commands.h"
#include "app/document/directory.h"
#include "app/document/document.h"
#include "app/document/extensions.h"
#include "app/node/claimant.h"
#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "cluster/peer/peers.h"
#include "sig/transport/transport.h"

/* What operators see of a cluster, and say to it. */

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

/* A new node may have the name of a dead one: the name then means the dead one. */
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

/* ---- state ---- */

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

/* Without a cluster: the node itself alone. */
static json_t *nodes_json(const struct node *n, uint64_t self)
{
	const struct claimant *c = n->cluster->claimant;
	struct claimant_node node = { 0 };
	json_t *list = json_array();

	for (uint32_t i = 0; c && claimant_node(c, i, &node); i++)
		(void)json_array_append_new(list, node_json(&node, self));
	if (c)
		return list;
	(void)bytes_cstr(bytes_str(n->settings->node.name), node.node.name, sizeof(node.node.name));
	for (uint32_t i = 0; i < n->shards->count; i++)
		node.node.shards[node.node.shard_count++] = n->shards->list[i].number;
	(void)json_array_append_new(list, node_json(&node, self));
	return list;
}

/* Name of a node, or its id while it is unknown. */
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
	if (!redis_is_connected(n->redis->link))
		return "redis_away";
	if (redis_is_cluster(n->redis->link))
		return "redis_cluster";
	return n->redis->leases && redis_is_connected(n->redis->leases) ? "replicas" : "no_link";
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
				n->settings->node.name, "epoch", (json_int_t)store_epoch(s->store),
				"named", named_json(n->cluster->claimant, &lease.named), "age_ms",
				since_json(lease.granted_ns, now_ns), "valid_ms",
				valid_json(&lease, now_ns), "kept", lease.kept, "why_not_kept",
				unkept_why(n, &lease), "live_utc_ms", (json_int_t)s->live_utc_ms));
}

static void claim_add(json_t *json, const struct node_shard *s, uint64_t now_ns)
{
	const struct claimant *c = s->node->cluster->claimant;
	const struct claim *claim = claimant_claim(c, s->number);

	if (!claim)
		return;
	(void)json_object_update_missing_new(
		json,
		json_pack("{s:o, s:I, s:o, s:o}", "owner", name_json(c, claim->record), "epoch",
			  (json_int_t)claim->heard.counter, "named", named_json(c, &claim->named),
			  "age_ms", since_json(claim->seen_ns, now_ns)));
}

/* The name of the owner of the shard; null: no node that is alive has it. */
static json_t *runner_json(const struct claimant *c, uint16_t shard, uint64_t now_ns)
{
	struct claimant_node node;
	const struct standing *of;

	for (uint32_t i = 0; claimant_node(c, i, &node); i++) {
		of = node.heard ? claimant_standing(c, node.node.id) : NULL;
		if (of && standing_runs(of, shard, now_ns))
			return json_string(node.node.name);
	}
	return json_null();
}

static bool shards_have(const json_t *list, json_int_t shard)
{
	const json_t *row;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (json_integer_value(json_object_get(row, "shard")) == shard)
			return true;
	}
	return false;
}

/* Shards that this node never has, as Redis and their owners say. */
static void shards_elsewhere_add(json_t *list, const struct claimant *c, uint64_t now_ns)
{
	struct claimant_node node;

	for (uint32_t i = 0; c && claimant_node(c, i, &node); i++) {
		for (uint32_t k = 0; k < node.node.shard_count; k++) {
			uint16_t shard = node.node.shards[k];

			if (shards_have(list, shard))
				continue;
			(void)json_array_append_new(list, json_pack("{s:i, s:b, s:s, s:o}", "shard",
								    (int)shard, "home", 0, "state",
								    "elsewhere", "owner",
								    runner_json(c, shard, now_ns)));
		}
	}
}

static json_t *shards_json(const struct node *n, uint64_t now_ns)
{
	static const char *const states[] = { [NODE_SHARD_WAITING] = "waiting",
					      [NODE_SHARD_LIVE] = "live",
					      [NODE_SHARD_LOST] = "lost" };
	json_t *list = json_array();

	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];
		json_t *json = json_pack("{s:I, s:b, s:s}", "shard", (json_int_t)s->number, "home",
					 s->home, "state", states[s->state]);

		if (s->state == NODE_SHARD_LIVE)
			live_add(json, s, now_ns);
		else
			claim_add(json, s, now_ns);
		(void)json_array_append_new(list, json);
	}
	shards_elsewhere_add(list, n->cluster->claimant, now_ns);
	return list;
}

void command_cluster_status(struct command_run *run)
{
	const struct node *n = run->node;
	uint64_t self, incarnation;
	char id[NODE_ID_TEXT];

	if (!n->cluster->claimant) {
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "the node is in no cluster: see cluster.listen");
		return;
	}
	claimant_self(n->cluster->claimant, &self, &incarnation);
	node_id_write(id, self);
	command_answer(run,
		       json_pack("{s:s, s:s, s:I, s:I, s:b, s:b, s:o, s:o}", "name",
				 n->settings->node.name, "id", id, "lease_ms",
				 (json_int_t)(n->settings->cluster.lease / NS_PER_MS), "replicas",
				 (json_int_t)n->settings->cluster.replicas, "redis_connected",
				 redis_is_connected(n->redis->link), "leases_connected",
				 n->redis->leases && redis_is_connected(n->redis->leases), "nodes",
				 nodes_json(n, self), "shards", shards_json(n, clock_now_ns())));
}

void command_node_list(struct command_run *run)
{
	uint64_t self = 0, incarnation;

	if (run->node->cluster->claimant)
		claimant_self(run->node->cluster->claimant, &self, &incarnation);
	command_answer(run, nodes_json(run->node, self));
}

void command_shard_list(struct command_run *run)
{
	command_answer(run, shards_json(run->node, clock_now_ns()));
}

void command_shard_get(struct command_run *run)
{
	json_int_t wanted = (json_int_t)command_value(run, "shard")->number;
	json_t *list = shards_json(run->node, clock_now_ns()), *row, *found = NULL;
	size_t i;

	json_array_foreach(list, i, row)
	{
		if (json_integer_value(json_object_get(row, "shard")) == wanted)
			found = json_incref(row);
	}
	json_decref(list);
	if (found)
		command_answer(run, found);
	else
		command_fail(run, COMMAND_NOT_FOUND, "shard",
			     "the node knows no shard of that number");
}

/* ---- removal of a dead node ---- */

void command_node_remove(struct command_run *run)
{
	struct bytes name = command_value(run, "name")->text;
	const struct claimant *c = run->node->cluster->claimant;
	struct claimant_node found;
	char id[NODE_ID_TEXT];

	if (!redis_is_connected(run->node->redis->link)) {
		command_fail(run, COMMAND_UNAVAILABLE, NULL, "Redis is away");
	} else if (!cluster_node_find(c, name, &found)) {
		command_fail(run, COMMAND_NOT_FOUND, "name", "no node of the cluster is " BYTES_FMT,
			     BYTES_ARG(name));
	} else if (found.alive || found.heard) {
		command_fail(run, COMMAND_CONFLICT, "name",
			     "node %s lives, or did ten seconds ago: stop it", found.node.name);
	} else {
		claimant_remove(run->node->cluster->claimant, &found.node);
		node_id_write(id, found.node.id);
		command_answer(run, json_pack("{s:s, s:s}", "name", found.node.name, "id", id));
	}
}

static const char *const g_move_whys[] = {
	[BALANCE_HOME] = "home", [BALANCE_DRAINS] = "drains", [BALANCE_EVEN] = "even"
};

static json_t *moves_json(const struct rebalance_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->count; i++) {
		const struct balance_move *m = &plan->moves[i];

		(void)json_array_append_new(
			list, json_pack("{s:I, s:s, s:s, s:s}", "shard", (json_int_t)m->shard,
					"from", plan->nodes[m->from].node.name, "to",
					plan->nodes[m->to].node.name, "why", g_move_whys[m->why]));
	}
	return list;
}

static json_t *unowned_json(const struct rebalance_plan *plan)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < plan->balance.shard_count; i++) {
		const struct balance_shard *s = &plan->balance.shards[i];

		if (s->owner == BALANCE_NOBODY)
			(void)json_array_append_new(list, json_integer(s->number));
	}
	return list;
}

/* Before anything is planned. True: the run has failed. */
static bool rebalance_is_refused(struct command_run *run)
{
	const struct node *n = run->node;

	if (!n->cluster->claimant)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "the node is in no cluster: see cluster.listen");
	else if (n->life->drain.ends)
		command_fail(run, COMMAND_CONFLICT, "node",
			     "this node is about to stop: ask another one");
	else if (!redis_is_connected(n->redis->link))
		command_fail(run, COMMAND_UNAVAILABLE, NULL,
			     "Redis is away, and no shard is given without it: try again when it "
			     "is back");
	else if (!node_hand_is_possible(n))
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "no other node is heard: start one, or see cluster.status");
	else
		return false;
	return true;
}

static bool plan_is_refused(struct command_run *run, const struct rebalance_plan *plan, bool dry)
{
	if (plan->silent)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "node %s has not said yet which shards are its own: try again in a "
			     "second; if it never does, its program is an earlier one: replace it",
			     plan->silent);
	else if (!plan->any_takes)
		command_fail(run, COMMAND_CONFLICT, NULL,
			     "no node takes calls: say node.undrain to one of them");
	else if (!dry && run->node->cluster->rebalance.count)
		command_fail(run, COMMAND_BUSY, NULL,
			     "shards are being moved by an earlier command: the log says when "
			     "each is");
	else
		return false;
	return true;
}

void command_cluster_rebalance(struct command_run *run)
{
	static struct rebalance_plan plan; /* the control thread's */
	struct node *n = run->node;
	bool dry = command_value(run, "dry")->number;

	if (rebalance_is_refused(run))
		return;
	node_rebalance_plan(n, &plan);
	if (plan_is_refused(run, &plan, dry))
		return;
	if (!dry)
		node_rebalance_start(n, &plan);
	command_answer(run, json_pack("{s:b, s:o, s:o}", "dry", dry, "moves", moves_json(&plan),
				      "unowned", unowned_json(&plan)));
}

static json_t *health_json(struct node *node)
{
	char text[2048];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes done;

	health_write(&w, &node->web->health, health_reasons(&node->web->health, clock_now_ns()));
	done = writer_done(&w);
	return json_loadb((const char *)done.p, done.n, 0, NULL);
}

void command_health(struct command_run *run)
{
	command_answer(run, health_json(run->node));
}

static json_t *limits_json(const struct node *node)
{
	const struct settings_limits *limits = &node->settings->limits;

	return json_pack("{s:I, s:I, s:I, s:I}", "calls", (json_int_t)node->capacity->calls_max,
			 "registrations", (json_int_t)limits->registrations, "transactions",
			 (json_int_t)limits->transactions, "port_pairs",
			 (json_int_t)settings_port_pairs(node->settings));
}

static json_t *tls_json(const struct node *node)
{
	const struct settings_tls *tls = &node->settings->tls;

	if (!node->sip->tls)
		return json_pack("{s:b}", "on", 0);
	return json_pack("{s:b, s:s, s:I, s:I}", "on", 1, "certificate", tls->own.certificate,
			 "days_left", (json_int_t)tls_days_left(node->sip->tls), "certificates",
			 (json_int_t)tls->certificate_count + 1);
}

static json_t *connections_json(const struct node *node)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "tcp",
			 (json_int_t)transport_connections(node->sip->transport, SIP_TCP), "tls",
			 (json_int_t)transport_connections(node->sip->transport, SIP_TLS), "ws",
			 (json_int_t)transport_connections(node->sip->transport, SIP_WS), "wss",
			 (json_int_t)transport_connections(node->sip->transport, SIP_WSS), "max",
			 (json_int_t)node->capacity->connections_max);
}

static void add_counts(json_t *json, const struct node *node)
{
	struct shard_counts c;

	node_counts(node, &c);
	(void)json_object_update_missing_new(
		json,
		json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "calls",
			  (json_int_t)c.calls, "calls_established", (json_int_t)c.calls_established,
			  "registrations", (json_int_t)c.aors, "contacts", (json_int_t)c.bindings,
			  "extensions", (json_int_t)extensions_count(node->api.extensions),
			  "transactions", (json_int_t)c.txns, "ports_free",
			  (json_int_t)c.ports_free, "saves_pending", (json_int_t)c.saves_pending,
			  "calls_given_up", (json_int_t)c.given_up, "degraded", c.degraded,
			  "draining", node_is_draining(node)));
}

void command_node_status(struct command_run *run)
{
	struct node *node = run->node;
	json_t *json = health_json(node);
	uint64_t reserved, resident;

	(void)json_object_update_missing_new(
		json, json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:s, s:I, s:I, s:I}", "realm",
				document_realm(node, document_tenant(run)), "name",
				node->settings->node.name, "shard",
				(json_int_t)node->settings->node.shard, "version", TANDEM_VERSION,
				"uptime_ms",
				(json_int_t)((clock_now_ns() - node->life->start_ns) / NS_PER_MS),
				"redis_connected", redis_is_connected(node->redis->link), "redis",
				node->redis->embedded_used ? "own" : "configured", "epoch",
				(json_int_t)store_epoch(node->shards->list[0].store),
				"calls_restored", (json_int_t)node->life->calls_restored,
				"records_broken", (json_int_t)node->life->records_broken));
	add_counts(json, node);
	node_memory(&reserved, &resident);
	(void)json_object_set_new(json, "memory_resident", json_integer((json_int_t)resident));
	(void)json_object_set_new(json, "memory_reserved",
				  json_integer((json_int_t)node->capacity->reserved_bytes));
	(void)json_object_set_new(json, "limits", limits_json(node));
	(void)json_object_set_new(json, "tls", tls_json(node));
	(void)json_object_set_new(json, "connections", connections_json(node));
	command_answer(run, json);
}

static void drain_answer(struct command_run *run)
{
	struct shard_counts c;

	node_counts(run->node, &c);
	command_answer(run, json_pack("{s:b, s:I}", "draining", node_is_draining(run->node),
				      "calls", (json_int_t)c.calls));
}

void command_node_drain(struct command_run *run)
{
	node_drain_set(run->node, true);
	drain_answer(run);
}

void command_node_undrain(struct command_run *run)
{
	if (run->node->life->drain.ends) {
		command_fail(run, COMMAND_CONFLICT, NULL, "the node was told to stop and will");
		return;
	}
	node_drain_set(run->node, false);
	drain_answer(run);
}

static struct node_shard *shard_of_number(struct node *n, uint64_t number)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return &n->shards->list[i];
	}
	return NULL;
}

void command_shard_claim(struct command_run *run)
{
	uint64_t number = command_value(run, "shard")->number;
	struct node_shard *s = shard_of_number(run->node, number);

	if (!s || !node_is_clustered(run->node)) {
		command_fail(run, COMMAND_NOT_FOUND, "shard",
			     "no floating network of this node is of shard %llu",
			     (unsigned long long)number);
	} else if (!node_shard_request(s)) {
		command_fail(run, COMMAND_CONFLICT, "shard",
			     "this node has shard %llu, or is about to",
			     (unsigned long long)number);
	} else {
		command_answer(run, json_pack("{s:I, s:s}", "shard", (json_int_t)number, "holder",
					      store_holder(s->store)->node));
	}
}

void command_log_level(struct command_run *run)
{
	const struct command_value *level = command_value(run, "level");

	if (level->given) {
		log_level_set((enum log_level)level->number);
		LOG_WARN("log", 0, "level set by command",
			 LOG_STR("level", log_level_name(log_level_get())));
	}
	command_answer(run, json_pack("{s:s}", "level", log_level_name(log_level_get())));
}
