/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the node. */
#include "tests/sim/node_state.h"

#include <errno.h>

#include "tests/sim/sim.h"

enum { DEGRADED_MIN_MS = 100, DEGRADED_MAX_MS = 1500 };

static void on_health(struct sim *s, const struct event *e)
{
	struct node *n = node_of_process(s, (uint32_t)e->b);

	if (n && e->a == n->health_serial && !store_is_away(n))
		node_health(n, true);
}

void node_health_of(struct node *n, bool healthy)
{
	if (n->degraded == !healthy)
		return;
	trace_line(n->sim, "node: %s", healthy ? "the store is well" : "degraded");
	n->degraded = !healthy;
	n->degraded_ns = n->sim->now_ns;
	check_degraded(n);
	if (healthy)
		document_catch_up(n);
	locations_degraded(n->locations, !healthy, node_now(n));
}

void node_health(struct node *n, bool healthy)
{
	struct sim *s = n->sim;

	if (!node_is_up(n) || s->leases) /* leases say so */
		return;
	if (healthy)
		document_catch_up(n);
	n->health_serial++;
	if (!healthy && !store_is_away(n))
		sim_after(s, sim_between_ms(s, DEGRADED_MIN_MS, DEGRADED_MAX_MS), on_health, 0,
			  n->health_serial, n->incarnation);
	if (n->degraded == !healthy)
		return;
	trace_line(s, "node: %s", healthy ? "the store is well" : "degraded");
	n->degraded = !healthy;
	n->degraded_ns = s->now_ns;
	check_degraded(n);
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			shard_degraded(n->shards[i].core, !healthy, node_now(n));
	}
	locations_degraded(n->locations, !healthy, node_now(n));
	node_carry(n);
}

bool node_is_leaving(const struct node *n, const struct shard *core)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core == core)
			return n->shards[i].leaving;
	}
	return false;
}

void node_receive(struct node *n, const struct sip_hop *from, struct bytes message)
{
	struct shard *core;

	if (!node_is_up(n))
		return;
	if (n->sim->links.on) {
		node_link_receive(n, from, message);
		return;
	}
	core = node_core_of_message(n, from, message);
	if (!core || node_is_leaving(n, core))
		return;
	check_received(n->sim, message);
	shard_receive(core, from, message, node_now(n));
	node_carry(n);
}

/* What is of no certain shard is for all of them. */
void node_send_failed(struct node *n, const struct sip_hop *to)
{
	node_send_failed_by(n, to, ECONNREFUSED);
}

void node_send_failed_by(struct node *n, const struct sip_hop *to, int error)
{
	if (!node_is_up(n))
		return;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			shard_send_failed(n->shards[i].core, to, error, node_now(n));
	}
	node_carry(n);
}

void node_connection_closed(struct node *n, const struct sip_hop *hop)
{
	if (!node_is_up(n))
		return;
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			shard_connection_closed(n->shards[i].core, hop, node_now(n));
	}
	node_carry(n);
}

void node_saved(struct node *n, const struct store_command *c, bool ok)
{
	struct shard *core = node_core_of(n, c->call);
	enum location_result result = c->conflict ? BINDING_CONFLICT : BINDING_SAVED;
	struct bytes user = text_bytes(&c->user), tenant;

	check_saved(n->sim, c, ok);
	(void)bytes_cut(&user, ':', &tenant);
	if (c->kind == EFFECT_SUBSCRIPTION_SAVE)
		check_lamp_saved(n->sim, c, ok);
	if (c->kind == EFFECT_BINDING_SAVE)
		locations_saved(n->locations, tenant, user, c->version,
				ok ? result : BINDING_FAILED, node_now(n));
	else if (core && c->kind == EFFECT_CALL_SAVE)
		shard_call_saved(core, c->call, c->version, ok, node_now(n));
	else if (core && c->kind == EFFECT_CALL_END)
		shard_call_ended(core, c->call, ok, node_now(n));
	else if (core && c->kind == EFFECT_OBJECT_SAVE)
		shard_object_saved(core, c->call, c->version, ok, node_now(n));
	else if (core && c->kind == EFFECT_SUBSCRIPTION_SAVE)
		shard_subscription_saved(core, c->call, c->version, ok, node_now(n));
	node_carry(n);
}

/* What is in the documents counts from now on. */
void node_set_told(struct node *n, uint32_t extension, uint64_t call,
		   const struct set_reply *outcome)
{
	struct sim *s = n->sim;
	const struct reply reply = { .ask = ASK_SET, .of = call, .set = *outcome };
	struct shard *core = node_core_of(n, call);
	struct call_view view;
	bool waits;

	document_tell(n, extension);
	if (!core)
		return;
	waits = shard_call_glance(core, call, &view) && view.state < CALL_ANSWERING;
	shard_replied(core, &reply, node_now(n));
	if (waits && shard_call_glance(core, call, &view) && view.state == CALL_ANSWERING)
		check_answers(s, call);
	node_carry(n);
}

void node_lookup_told(struct node *n, uint64_t call, const struct lookup_reply *outcome)
{
	const struct reply reply = { .ask = ASK_LOOKUP, .of = call, .lookup = outcome };
	struct shard *core = node_core_of(n, call);

	if (!core)
		return;
	shard_replied(core, &reply, node_now(n));
	node_carry(n);
}

void node_media_event(struct node *n, const struct media_event *ev)
{
	struct shard *core = node_core_of(n, ev->call);

	if (!core)
		return;
	shard_media_event(core, ev, node_now(n));
	node_carry(n);
}

static void on_media_failed(struct sim *s, const struct event *e)
{
	struct flow_id id = { .slot = (uint32_t)(e->a >> 32), .generation = (uint32_t)e->a };
	struct node *n = node_of_process(s, e->who);
	struct shard *core = n ? node_core_of(n, e->b) : NULL;

	if (!core)
		return;
	shard_media_failed(core, id, e->b, -EADDRINUSE, node_now(n));
	node_carry(n);
}

void node_media_failed(struct node *n, struct flow_id id, uint64_t call)
{
	sim_after(n->sim, 0, on_media_failed, n->incarnation,
		  (uint64_t)id.slot << 32 | id.generation, call);
}

void node_carry_on(struct node *n)
{
	node_carry(n);
}
