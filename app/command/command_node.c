/* SPDX-License-Identifier: Apache-2.0 */
#include "app/command/command_handlers.h"
#include "app/node/node.h"
#include "base/log.h"
#include "base/tls/tls.h"
#include "sig/transport/transport.h"

static json_t *health_json(struct node *node)
{
	char text[2048];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes done;

	health_write(&w, &node->health, health_reasons(&node->health, clock_now_ns()));
	done = writer_done(&w);
	return json_loadb((const char *)done.p, done.n, 0, NULL);
}

static json_t *limits_json(const struct node *node)
{
	const struct settings_limits *limits = &node->settings.limits;

	return json_pack("{s:I, s:I, s:I, s:I}", "calls", (json_int_t)node->calls_max,
			 "registrations", (json_int_t)limits->registrations, "transactions",
			 (json_int_t)limits->transactions, "port_pairs",
			 (json_int_t)settings_port_pairs(&node->settings));
}

static json_t *tls_json(const struct node *node)
{
	const struct settings_tls *tls = &node->settings.tls;

	if (!node->tls)
		return json_pack("{s:b}", "on", 0);
	return json_pack("{s:b, s:s, s:I, s:I}", "on", 1, "certificate", tls->own.certificate,
			 "days_left", (json_int_t)tls_days_left(node->tls), "certificates",
			 (json_int_t)tls->certificate_count + 1);
}

static json_t *connections_json(const struct node *node)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "tcp",
			 (json_int_t)transport_connections(node->sip, SIP_TCP), "tls",
			 (json_int_t)transport_connections(node->sip, SIP_TLS), "ws",
			 (json_int_t)transport_connections(node->sip, SIP_WS), "wss",
			 (json_int_t)transport_connections(node->sip, SIP_WSS), "max",
			 (json_int_t)node->connections_max);
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
			  "extensions", (json_int_t)extensions_count(&node->extensions),
			  "transactions", (json_int_t)c.txns, "ports_free",
			  (json_int_t)c.ports_free, "saves_pending", (json_int_t)c.saves_pending,
			  "calls_given_up", (json_int_t)c.given_up, "degraded", c.degraded,
			  "draining", c.draining));
}

void command_node_status(struct command_run *run)
{
	struct node *node = run->node;
	json_t *json = health_json(node);
	uint64_t reserved, resident;

	(void)json_object_update_missing_new(
		json,
		json_pack("{s:s, s:s, s:I, s:s, s:I, s:b, s:s, s:I, s:I, s:I}", "realm",
			  document_realm(node, document_tenant(run)), "name",
			  node->settings.node.name, "shard", (json_int_t)node->settings.node.shard,
			  "version", TANDEM_VERSION, "uptime_ms",
			  (json_int_t)((clock_now_ns() - node->start_ns) / NS_PER_MS),
			  "redis_connected", redis_is_connected(node->redis), "redis",
			  node->embedded_used ? "own" : "configured", "epoch",
			  (json_int_t)store_epoch(node->shards[0].store), "calls_restored",
			  (json_int_t)node->calls_restored, "records_broken",
			  (json_int_t)node->records_broken));
	add_counts(json, node);
	node_memory(&reserved, &resident);
	(void)json_object_set_new(json, "memory_resident", json_integer((json_int_t)resident));
	(void)json_object_set_new(json, "memory_reserved",
				  json_integer((json_int_t)node->reserved_bytes));
	(void)json_object_set_new(json, "limits", limits_json(node));
	(void)json_object_set_new(json, "tls", tls_json(node));
	(void)json_object_set_new(json, "connections", connections_json(node));
	command_answer(run, json);
}

static void drain_answer(struct command_run *run)
{
	struct shard_counts c;

	node_counts(run->node, &c);
	command_answer(run, json_pack("{s:b, s:I}", "draining", c.draining, "calls",
				      (json_int_t)c.calls));
}

void command_node_drain(struct command_run *run)
{
	node_drain_set(run->node, true);
	drain_answer(run);
}

void command_node_undrain(struct command_run *run)
{
	if (run->node->drain.ends) {
		command_fail(run, COMMAND_CONFLICT, NULL, "the node was told to stop and will");
		return;
	}
	node_drain_set(run->node, false);
	drain_answer(run);
}

static struct node_shard *shard_of_number(struct node *n, uint64_t number)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == number)
			return &n->shards[i];
	}
	return NULL;
}

void command_shard_take(struct command_run *run)
{
	uint64_t number = command_value(run, "shard")->number;
	struct node_shard *s = shard_of_number(run->node, number);

	if (!s || !node_is_clustered(run->node)) {
		command_fail(run, COMMAND_NOT_FOUND, "shard",
			     "no floating network of this node is of shard %llu",
			     (unsigned long long)number);
	} else if (!node_shard_want(s)) {
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
