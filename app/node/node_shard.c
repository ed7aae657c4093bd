/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the shard of a node that a message, call or command is for, and sums up what all shards are
 * together. A SIP message goes to the shard that it names (shard_name), to that of its listener, or
 * else to one by a hash of its Call-ID. It also binds the media sockets of a shard that is handed
 * over before the lease comes (node_ahead_prepare). */

#include <stdlib.h>
#include <string.h>

#include "app/node/node.h"
#include "app/node/node_capacity.h"
#include "app/node/node_cluster.h"
#include "app/node/node_life.h"
#include "app/node/node_shard.h"
#include "app/node/node_sip.h"
#include "app/node/node_wait.h"
#include "app/node/node_watch.h"
#include "app/schema/feature.h"
#include "app/settings/settings.h"
#include "base/log.h"
#include "base/table.h"
#include "sig/sip/id.h"
#include "sig/transport/inter_shard.h"

/*
 * Parties of a shard that is handed over hear silence until its flows are open at the new node,
 * mostly for the binds of their sockets. So these are bound before, by what Redis shows while the
 * owner still has the shard. Nothing else of those records is kept: calls are loaded when the shard
 * is this node's, as always. A newer call binds its ports then, and sockets of one that is over are
 * closed.
 */

enum { EVENTS_FIRST = 16, EVENTS_MAX = 4096 };

/* Then the shard is asked for, whatever is bound: who is asked has it as long as that takes. */
#define PREPARE_NS (2 * NS_PER_S)

/* ---- before it is given ---- */

static void on_place(const struct shard_place *place, void *arg)
{
	struct node_shard *s = arg;

	if (s->ahead.networks & BIT64(place->network))
		prebound_bind(&s->ahead.sockets, &place->rtp, &place->rtcp, place->dscp);
}

/* A preparation is closed when its shard is not wanted any more. */
static bool is_wanted(const struct node_shard *s)
{
	return s->state == NODE_SHARD_WAITING && s->wants_until_ns && !s->owned &&
	       s->node->life->phase == NODE_RUNNING;
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
static uint32_t networks_remote(const struct node_shard *s)
{
	const struct node *n = s->node;
	uint32_t bits = 0;

	for (uint32_t i = 0; i < n->settings->network_count; i++) {
		if (node_network_shard(n, i) == s->number &&
		    node_address_is_remote(&n->settings->networks[i].bind))
			bits |= (uint32_t)BIT64(i);
	}
	return bits;
}

void node_ahead_prepare(struct node_shard *s, node_shard_fn *done)
{
	uint32_t networks = s->ahead.peeks ? 0 : networks_remote(s);

	node_ahead_close(s);
	if (!networks || prebound_open(&s->ahead.sockets, settings_port_pairs(s->node->settings))) {
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
	effects_open_prebound(&s->effects_to, shard_effects(s->core));
	s->effects_to.hurries = false;
}

bool node_ahead_round(struct node *n)
{
	bool any = false;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (!n->shards->list[i].ahead.loads)
			continue;
		node_ahead_open(&n->shards->list[i]);
		any |= n->shards->list[i].state == NODE_SHARD_WAITING;
	}
	return any;
}

/* ---- what its flows say meanwhile ---- */

static struct node_shard *shard_that_loads(struct node *n, uint64_t call)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->number == id_shard(call))
			return s->state == NODE_SHARD_WAITING && s->ahead.loads ? s : NULL;
	}
	return NULL;
}

static bool prebound_event_add(struct node_prebound *a, const struct media_event *event)
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
	if (s->ahead.event_count == EVENTS_MAX || !prebound_event_add(&s->ahead, event))
		LOG_WARN("media", event->call,
			 "what a flow of a shard that is being loaded says is lost",
			 LOG_U64("shard", s->number), LOG_INT("kind", event->kind));
	return true;
}

static void events_drop(struct node_prebound *a)
{
	for (uint32_t i = 0; i < a->event_count; i++) {
		explicit_bzero(a->events[i], sizeof(*a->events[i])); /* keys */
		free(a->events[i]);
	}
	free(a->events);
	a->events = NULL;
	a->event_count = 0;
}

void node_ahead_notify(struct node_shard *s)
{
	for (uint32_t i = 0; i < s->ahead.event_count; i++)
		shard_media_event(s->core, s->ahead.events[i], clock_instant());
	node_ahead_close(s);
}

void node_ahead_close(struct node_shard *s)
{
	events_drop(&s->ahead);
	prebound_close(&s->ahead.sockets);
	s->ahead.networks = 0;
	s->ahead.done = NULL;
	s->ahead.loads = false;
}

struct node_shard *node_shard_find(struct node *n, uint16_t number)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].number == number &&
		    n->shards->list[i].state == NODE_SHARD_LIVE)
			return &n->shards->list[i];
	}
	return NULL;
}

uint32_t node_shards_live(const struct node *n)
{
	uint32_t live = 0;

	for (uint32_t i = 0; i < n->shards->count; i++)
		live += n->shards->list[i].state == NODE_SHARD_LIVE;
	return live;
}

/* The one at that place among those that live. */
static const struct node_shard *live_at(const struct node *n, uint64_t place)
{
	const struct node_shard *s = n->shards->list;

	for (;; s++) {
		if (s->state == NODE_SHARD_LIVE && !place--)
			return s;
	}
}

struct shard *node_core(const struct node *n, uint64_t call)
{
	struct shard *live = NULL, *idle = NULL;

	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->state != NODE_SHARD_LIVE) {
			idle = idle ? idle : s->core;
			continue;
		}
		if (s->number == id_shard(call))
			return s->core;
		if (!live)
			live = s->core;
	}
	return live ? live : idle;
}

struct shard *node_core_next(const struct node *n, uint32_t *cursor)
{
	while (*cursor < n->shards->count) {
		struct shard *core = n->shards->list[(*cursor)++].core;

		if (core)
			return core;
	}
	return NULL;
}

struct toll_now node_toll_now(const struct node *n, uint16_t tenant)
{
	struct instant now = clock_instant();
	uint32_t cursor = 0;
	struct shard *core = node_core_next(n, &cursor);

	return core ? shard_toll_now(core, tenant, now)
		    : toll_now_of(n->common.tenants, tenant, now.utc_ms, 0);
}

uint16_t node_shard_of_command(const struct node *n, struct bytes command)
{
	struct call_view view;

	/* the live ones may be others than when it came first */
	for (uint32_t i = 0; i < n->shards->count; i++) {
		const struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE &&
		    shard_call_glance(s->core, id_call_derive(s->number, command), &view))
			return s->number;
	}
	if (!node_shards_live(n)) /* which takes no calls */
		return n->shards->list[0].number;
	return live_at(n, id_order(command) % node_shards_live(n))->number;
}

/* ---- messages ---- */

static struct node_shard *shard_with_copy(struct node *n, const struct sip_message *m)
{
	for (uint32_t i = 0; i < n->shards->count; i++) {
		struct node_shard *s = &n->shards->list[i];

		if (s->state == NODE_SHARD_LIVE && shard_has_request(s->core, m))
			return s;
	}
	return NULL;
}

static struct node_shard *shard_of_listener(struct node *n, const struct sip_hop *from)
{
	uint16_t number = n->sip->local_shards[from->local];

	return number ? node_shard_find(n, number) : NULL;
}

/* All that one Call-ID is about goes to one shard. */
static struct node_shard *shard_by_spread(struct node *n, struct bytes call_id)
{
	static const struct hash_key key; /* the same in each process: nobody gains by choosing */
	uint64_t place = hash_sip(&key, call_id) % node_shards_live(n);
	struct node_shard *s = n->shards->list;

	for (;; s++) {
		if (s->state == NODE_SHARD_LIVE && !place--)
			return s;
	}
}

/* The conference of a number may be of any shard: its members have calls here. */
static uint16_t shard_of_conference(const struct node *n, const struct sip_message *m)
{
	uint16_t number = 0;

	for (uint32_t i = 0; i < n->shards->count && !number; i++) {
		if (n->shards->list[i].state == NODE_SHARD_LIVE)
			number = shard_focus_shard(n->shards->list[i].core, m);
	}
	return number;
}

static uint16_t shard_of_message(const struct node *n, const struct sip_message *m)
{
	uint16_t number = shard_name(m);

	return number ? number : shard_of_conference(n, m);
}

/* number: of shard_of_message. NULL: it is for a shard that is not here, or not yet. */
static struct node_shard *shard_of_parsed(struct node *n, const struct sip_message *m,
					  uint16_t number)
{
	struct node_shard *s;

	for (uint32_t i = 0; number && i < n->shards->count; i++) {
		if (n->shards->list[i].number == number)
			return n->shards->list[i].state == NODE_SHARD_LIVE ? &n->shards->list[i]
									   : NULL;
	}
	s = m->request ? shard_with_copy(n, m) : NULL;
	if (!s)
		s = shard_of_listener(n, &m->hop);
	return s ? s : shard_by_spread(n, m->call_id);
}

/* Checked before it is parsed: an overloaded shard refuses a call at a glance. */
static bool receive_unparsed(struct node_shard *s, const struct sip_hop *from, struct bytes message,
			     uint64_t behind_ns, struct instant now)
{
	if (!s || !node_shard_listens(s))
		return false;
	shard_behind(s->core, behind_ns);
	shard_receive(s->core, from, message, now);
	return true;
}

static bool receive_parsed(struct node_shard *s, const struct sip_message *m, struct bytes message,
			   uint64_t behind_ns, struct instant now)
{
	if (!s || !node_shard_listens(s))
		return false;
	shard_behind(s->core, behind_ns);
	shard_receive_parsed(s->core, m, message, now);
	return true;
}

bool node_shards_dispatch(struct node *n, const struct sip_hop *from, struct bytes message,
			  uint64_t behind_ns, struct instant now)
{
	struct message_error error;
	struct node_shard *s;
	struct sip_message m;
	bool is_live, taken;
	uint16_t number;

	if (n->shards->count == 1 && !n->cluster->edge)
		return receive_unparsed(n->shards->list, from, message, behind_ns, now);
	is_live = node_shards_live(n) != 0;
	if (!is_live && !n->cluster->edge)
		return false;
	if (message_parse(&m, message, &error)) {
		/* which counts or answers it */
		s = is_live ? shard_by_spread(n, message) : NULL;
		taken = receive_unparsed(s, from, message, behind_ns, now);
	} else {
		m.hop = *from;
		number = shard_of_message(n, &m);
		s = is_live ? shard_of_parsed(n, &m, number) : NULL;
		taken = (!s && node_edge_hand(n, number, from, message)) ||
			receive_parsed(s, &m, message, behind_ns, now);
	}
	message_close(&m);
	return taken;
}

void node_shards_receive(struct node *n, const struct sip_hop *from, struct bytes message,
			 uint64_t behind_ns, struct instant now)
{
	if ((n->cluster->held.count && node_holds(n, from)) ||
	    !node_shards_dispatch(n, from, message, behind_ns, now))
		node_hold(n, from, message);
}

/* A shard that is not live yet gets it when it is repeated. */
bool node_shard_receive(struct node_shard *s)
{
	struct node *n = s->node;
	struct text message;
	struct sip_hop from;
	bool any = false;

	while (inter_shard_receive(n->sip->inter_shard, s->number, &from, &message)) {
		any = true;
		if (node_shard_listens(s))
			shard_receive(s->core, &from, text_bytes(&message), clock_instant());
		node_on_passed(&from, false, 0, text_bytes(&message), NULL, n);
		text_clear(&message);
	}
	return any;
}

/* ---- all of them ---- */

/* What is not of one shard alone: it is told by each. */
static void counts_add(struct shard_counts *sum, const struct shard_counts *c,
		       uint64_t locations_pending)
{
	sum->calls += c->calls;
	sum->calls_established += c->calls_established;
	sum->calls_transcoded += c->calls_transcoded;
	sum->txns += c->txns;
	sum->subscriptions += c->subscriptions;
	sum->txns_max += c->txns_max;
	sum->saves_pending += c->saves_pending - locations_pending;
	sum->given_up += c->given_up;
	sum->aors = c->aors;
	sum->bindings = c->bindings;
	sum->extensions = c->extensions;
	sum->ports_free = c->ports_free;
	sum->degraded |= c->degraded;
	sum->draining |= c->draining;
}

void node_counts(const struct node *n, struct shard_counts *out)
{
	struct locations_counts locations;
	struct shard_counts c;

	locations_count(n->common.locations, &locations);
	*out = (struct shard_counts){ .saves_pending = locations.saves_pending };
	for (uint32_t i = 0; i < n->shards->count; i++) {
		if (n->shards->list[i].state != NODE_SHARD_LIVE)
			continue;
		shard_counts(n->shards->list[i].core, &c);
		counts_add(out, &c, locations.saves_pending);
	}
}

bool node_call_view(const struct node *n, uint64_t call, struct call_view *out)
{
	const struct shard *core = node_core(n, call);

	return core && shard_call_view(core, call, out);
}

void node_event_carry(const struct effect *e, void *node)
{
	FEATURE_EACH (f) {
		for (const struct carrier *c = f->carriers; c && c->carry; c++) {
			if (c->kind == EFFECT_EVENT)
				c->carry(e, node);
		}
	}
}

void node_event(struct node *n, const char *tenant, struct sig_event *event)
{
	static char json[FIELDS_JSON_MAX]; /* large for a stack */
	struct writer w = writer_over(json, sizeof(json));
	const struct effect heard = { .kind = EFFECT_EVENT, .call = event->call, .request = event };

	if (n->redis->store) {
		event_write_json(&w, event);
		assert(!w.overflow);
		store_event(n->redis->store, bytes_str(tenant), (struct bytes){ 0 },
			    writer_done(&w));
	}
	(void)bytes_cstr(bytes_str(tenant), event->tenant, sizeof(event->tenant));
	node_event_carry(&heard, n);
	event_clear(event);
}
