/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parties of a shard that is given away hear nothing until its flows are open with the next node. What takes longest of that is to
 * bind their sockets. So it is done before, of what Redis shows while the owner still has the shard. Nothing else is kept of those
 * records: calls are loaded when the shard is this node's, as ever. A call that began since binds its ports then, and the sockets of one
 * that is over are closed.
 */
#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "base/log.h"

enum { EVENTS_FIRST = 16, EVENTS_MAX = 4096 };

/* Then the shard is asked for, whatever is bound: who is asked has it as long as that takes. */
#define PREPARE_NS (2 * NS_PER_S)

/* ---- before it is given ---- */

static void on_place(const struct shard_place *place, void *arg)
{
	struct node_shard *s = arg;

	if (s->ahead.networks & BIT64(place->network))
		ahead_bind(&s->ahead.sockets, &place->rtp, &place->rtcp, place->dscp);
}

/* Whoever waits for the shard no longer has closed them. */
static bool is_wanted(const struct node_shard *s)
{
	return s->state == NODE_SHARD_WAITING && s->wants_until_ns && !s->owned &&
	       s->node->phase == NODE_RUNNING;
}

/* Once. */
static void prepared(struct node_shard *s)
{
	node_shard_fn *done = s->ahead.done;

	s->ahead.done = NULL;
	s->ahead.networks = 0;
	if (!done || !is_wanted(s))
		return;
	LOG_INFO("node", 0, "media ports of a shard to come are bound", LOG_U64("shard", s->number),
		 LOG_U64("flows", s->ahead.sockets.count));
	done(s);
}

static void on_peeked(struct bytes record, void *arg)
{
	struct node_shard *s = arg;
	struct instant now = clock_instant();

	if (!s->ahead.networks)
		return;
	if (is_wanted(s) && now.ns < s->ahead.until_ns)
		shard_record_places(s->core, record, now, on_place, s);
	else
		prepared(s);
}

static void on_peek_done(enum store_result result, uint64_t key, uint64_t version, void *arg)
{
	struct node_shard *s = arg;

	(void)result;
	(void)key;
	(void)version;
	s->ahead.peeks = false;
	if (s->ahead.networks)
		prepared(s);
}

/* Beside an address that the machine has anyhow its owner of now may have the ports. */
static uint32_t networks_elsewhere(const struct node_shard *s)
{
	const struct node *n = s->node;
	uint32_t bits = 0;

	for (uint32_t i = 0; i < n->settings.network_count; i++) {
		if (node_network_shard(n, i) == s->number &&
		    node_address_is_elsewhere(&n->settings.networks[i].bind))
			bits |= (uint32_t)BIT64(i);
	}
	return bits;
}

void node_ahead_prepare(struct node_shard *s, node_shard_fn *done)
{
	uint32_t networks = s->ahead.peeks ? 0 : networks_elsewhere(s);

	node_ahead_close(s);
	if (!networks || ahead_open(&s->ahead.sockets, settings_port_pairs(&s->node->settings))) {
		done(s);
		return;
	}
	s->ahead.networks = networks;
	s->ahead.peeks = true;
	s->ahead.done = done;
	s->ahead.until_ns = clock_now_ns() + PREPARE_NS;
	store_peek_calls(s->store, on_peeked, on_peek_done, s);
}

/* ---- until it is live ---- */

void node_ahead_open(struct node_shard *s)
{
	if (!s->has_addresses || s->state != NODE_SHARD_WAITING)
		return;
	s->effects_to.hurries = true;
	effects_open_ahead(&s->effects_to, shard_effects(s->core));
	s->effects_to.hurries = false;
}

bool node_ahead_round(struct node *n)
{
	bool any = false;

	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (!n->shards[i].ahead.loads)
			continue;
		node_ahead_open(&n->shards[i]);
		any |= n->shards[i].state == NODE_SHARD_WAITING;
	}
	return any;
}

/* ---- what its flows say meanwhile ---- */

static struct node_shard *shard_that_loads(struct node *n, uint64_t call)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		struct node_shard *s = &n->shards[i];

		if (s->number == id_shard(call))
			return s->state == NODE_SHARD_WAITING && s->ahead.loads ? s : NULL;
	}
	return NULL;
}

static bool ahead_event_add(struct node_ahead *a, const struct media_event *event)
{
	bool grows = a->event_count >= EVENTS_FIRST ? (a->event_count & (a->event_count - 1)) == 0
						    : a->event_count == 0;
	uint32_t more = a->event_count ? 2 * a->event_count : EVENTS_FIRST;
	struct media_event **list = a->events;

	if (grows)
		list = reallocarray(list, more, sizeof(*list));
	if (!list)
		return false;
	a->events = list;
	list[a->event_count] = malloc(sizeof(*event));
	if (!list[a->event_count])
		return false;
	*list[a->event_count++] = *event;
	return true;
}

bool node_ahead_keeps(struct node *n, const struct media_event *event)
{
	struct node_shard *s = shard_that_loads(n, event->call);

	if (!s)
		return false;
	if (s->ahead.event_count == EVENTS_MAX || !ahead_event_add(&s->ahead, event))
		LOG_WARN("media", event->call,
			 "what a flow of a shard that is being loaded says is lost",
			 LOG_U64("shard", s->number), LOG_INT("kind", event->kind));
	return true;
}

static void events_drop(struct node_ahead *a)
{
	for (uint32_t i = 0; i < a->event_count; i++) {
		explicit_bzero(a->events[i], sizeof(*a->events[i])); /* keys */
		free(a->events[i]);
	}
	free(a->events);
	a->events = NULL;
	a->event_count = 0;
}

void node_ahead_tell(struct node_shard *s)
{
	for (uint32_t i = 0; i < s->ahead.event_count; i++)
		shard_media_event(s->core, s->ahead.events[i], clock_instant());
	node_ahead_close(s);
}

void node_ahead_close(struct node_shard *s)
{
	events_drop(&s->ahead);
	ahead_close(&s->ahead.sockets);
	s->ahead.networks = 0;
	s->ahead.done = NULL;
	s->ahead.loads = false;
}
