/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the node. */
#include "tests/sim/node_state.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

enum { DEGRADED_MIN_MS = 100, DEGRADED_MAX_MS = 1500 };

static void on_health(struct sim *s, const struct event *e)
{
	if (e->a != s->node.health_serial || e->b != s->node.incarnation || s->store.down)
		return;
	node_health(s, true);
}

void node_health(struct sim *s, bool healthy)
{
	struct node *n = &s->node;

	if (!n->shard)
		return;
	n->health_serial++;
	if (!healthy && !s->store.down)
		sim_after(s, sim_between_ms(s, DEGRADED_MIN_MS, DEGRADED_MAX_MS), on_health, 0,
			  n->health_serial, n->incarnation);
	if (n->degraded == !healthy)
		return;
	trace_line(s, "node: %s", healthy ? "the store is well" : "degraded");
	n->degraded = !healthy;
	check_degraded(s);
	shard_degraded(n->shard, !healthy, node_now(s));
	locations_degraded(n->locations, !healthy, node_now(s));
	node_carry(s);
}

void node_receive(struct sim *s, const struct sip_hop *from, struct bytes message)
{
	if (!s->node.shard)
		return;
	check_received(s, message);
	shard_receive(s->node.shard, from, message, node_now(s));
	node_carry(s);
}

void node_send_failed(struct sim *s, const struct sip_hop *to)
{
	if (!s->node.shard)
		return;
	shard_send_failed(s->node.shard, to, ECONNREFUSED, node_now(s));
	node_carry(s);
}

void node_connection_closed(struct sim *s, const struct sip_hop *hop)
{
	if (!s->node.shard)
		return;
	shard_connection_closed(s->node.shard, hop, node_now(s));
	node_carry(s);
}

void node_saved(struct sim *s, const struct store_command *c, bool ok)
{
	struct shard *shard = s->node.shard;
	enum location_result result = c->conflict ? BINDING_CONFLICT : BINDING_SAVED;
	struct bytes user = text_bytes(&c->user), tenant;

	check_saved(s, c, ok);
	(void)bytes_cut(&user, ':', &tenant);
	switch (c->kind) {
	case EFFECT_CALL_SAVE:
		shard_call_saved(shard, c->call, c->version, ok, node_now(s));
		break;
	case EFFECT_CALL_END:
		shard_call_ended(shard, c->call, ok, node_now(s));
		break;
	case EFFECT_BINDING_SAVE:
		locations_saved(s->node.locations, tenant, user, c->version,
				ok ? result : BINDING_FAILED, node_now(s));
		break;
	case EFFECT_BINDING_GET:
	case EFFECT_SEND:
	case EFFECT_CALL_OPEN:
	case EFFECT_MEDIA:
	case EFFECT_EVENT:
	case EFFECT_TRUST:
	case EFFECT_SECURITY:
	case EFFECT_PLAY:
	case EFFECT_SET:
	case EFFECT_LOOKUP:
	case EFFECT_PLAY_STOP:
	case EFFECT_ORDERED:
		break;
	}
	node_carry(s);
}

/* What is in the documents counts from now on. */
void node_set_told(struct sim *s, uint32_t extension, uint64_t call, const struct set_news *news)
{
	struct call_view view;
	char number[16];
	bool waits = shard_call_glance(s->node.shard, call, &view) && view.state < CALL_ANSWERING;

	if (extension < s->phones.extension_count &&
	    shard_forward_set(s->node.shard, s->node.tenant, node_extension(extension, number),
			      &s->phones.forward[extension]))
		abort();
	shard_set_told(s->node.shard, call, news, node_now(s));
	if (waits && shard_call_glance(s->node.shard, call, &view) && view.state == CALL_ANSWERING)
		check_answers(s, call);
	node_carry(s);
}

void node_lookup_told(struct sim *s, uint64_t call, const struct lookup_news *news)
{
	shard_lookup_told(s->node.shard, call, news, node_now(s));
	node_carry(s);
}

void node_media_event(struct sim *s, const struct media_event *ev)
{
	if (!s->node.shard)
		return;
	shard_media_event(s->node.shard, ev, node_now(s));
	node_carry(s);
}

static void on_media_failed(struct sim *s, const struct event *e)
{
	struct flow_id id = { .slot = (uint32_t)(e->a >> 32), .generation = (uint32_t)e->a };

	if (!s->node.shard || e->who != s->node.incarnation)
		return;
	shard_media_failed(s->node.shard, id, e->b, -EADDRINUSE, node_now(s));
	node_carry(s);
}

void node_media_failed(struct sim *s, struct flow_id id, uint64_t call)
{
	sim_after(s, 0, on_media_failed, s->node.incarnation,
		  (uint64_t)id.slot << 32 | id.generation, call);
}
