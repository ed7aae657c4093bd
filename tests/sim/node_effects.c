/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of effects. */
#include "tests/sim/node_state.h"

#include <inttypes.h>

#include "tests/sim/decoys.h"
#include "tests/sim/sim.h"

enum { RENEWAL_MS = 500 };

/* The answer to an order. */
static void ordered(struct sim *s, const struct effect *e)
{
	struct node_order *o = &s->node.orders[e->order.ticket - 1];

	trace_line(s, "node: order %" PRIu64 " is number %u of call %" PRIx64 "%s", e->order.ticket,
		   e->order.number, e->call, e->order.saved ? "" : ", not saved");
	if (!e->order.saved)
		return;
	if (e->call != o->call) { /* of a split the new call says so */
		check_stored_call(s, e->call);
		return;
	}
	check_ordered(s, o, e->order.number);
	o->number = e->order.number;
}

/* What the store has of an extension. */
static void on_binding_got(struct sim *s, const struct event *e)
{
	struct bytes record = { 0 };
	char user[16];

	if (!s->node.shard || e->a != s->node.incarnation)
		return;
	(void)node_extension(e->who, user);
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		const struct store_entry *x = &s->store.entries[i];

		if (x->user.n && x->expires_ns > s->now_ns && bytes_is(text_bytes(&x->user), user))
			record = text_bytes(&x->record);
	}
	locations_got(s->node.locations, BYTES_LIT("default"), bytes_str(user),
		      s->store.down ? BINDING_FAILED : BINDING_SAVED, record, node_now(s));
	node_carry(s);
}

static void carry_one(struct sim *s, const struct effect *e)
{
	decoys_not_named(s, e);
	switch (e->kind) {
	case EFFECT_SEND:
		decoys_not_sent(s, &e->hop.remote);
		if (s->story)
			golden_said(s->story, &e->hop.remote, text_bytes(&e->data));
		if (check_sent(s, &e->hop.remote, text_bytes(&e->data)))
			net_send(s, &e->hop, text_bytes(&e->data));
		break;
	case EFFECT_CALL_SAVE:
	case EFFECT_CALL_END:
	case EFFECT_BINDING_SAVE:
		check_save(s, e);
		store_save(s, e);
		break;
	case EFFECT_MEDIA:
		engine_command(s, e->media, e->call);
		break;
	case EFFECT_SET:
		document_set(s, e);
		break;
	case EFFECT_LOOKUP:
		names_lookup(s, e);
		break;
	case EFFECT_ORDERED:
		ordered(s, e);
		break;
	case EFFECT_EVENT:
		check_event(s, e->event);
		if (e->event->kind == SIG_CALL_WAITING)
			node_application_told(s, e->call);
		break;
	case EFFECT_PLAY:
		node_play(s, e);
		break;
	case EFFECT_BINDING_GET:
		sim_after(s, NS_PER_MS, on_binding_got, node_extension_index(text_str(&e->user)),
			  s->node.incarnation, 0);
		break;
	case EFFECT_CALL_OPEN:
	case EFFECT_PLAY_STOP: /* news of it comes all the same, and too late */
	case EFFECT_TRUST:
	case EFFECT_SECURITY:
		break;
	}
}

static void on_renewal(struct sim *s, const struct event *e)
{
	if (!s->node.shard || e->a != s->node.incarnation)
		return;
	if (s->store.down) /* no answer */
		sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, 0, e->a, 0);
	else
		node_fenced(s);
}

/* Another owner has the shard. The node hears of it with the next answer of the store, at the latest to its renewal. */
static void lose(struct sim *s)
{
	trace_line(s, "store: another owner takes the shard");
	s->totals.fences++;
	s->store.taken = s->node.incarnation;
	sim_after(s, RENEWAL_MS * NS_PER_MS, on_renewal, 0, s->node.incarnation, 0);
}

/* False: it died on the way. */
static bool carry_list(struct sim *s, struct effects *list)
{
	check_effects(s, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		if (s->node.crash_in && --s->node.crash_in == 0 && !s->calm)
			return false;
		if (s->node.fence_in && --s->node.fence_in == 0 && !s->calm)
			lose(s);
		carry_one(s, &list->list[i]);
		s->node.effects++;
	}
	effects_clear(list);
	return true;
}

static bool carry_all(struct sim *s)
{
	return carry_list(s, locations_effects(s->node.locations)) &&
	       carry_list(s, shard_effects(s->node.shard));
}

static void on_timer(struct sim *s, const struct event *e);

static void arm(struct sim *s)
{
	uint64_t next = shard_next_ns(s->node.shard);
	uint64_t locations = locations_next_ns(s->node.locations);
	uint64_t in;

	if (locations < next)
		next = locations;

	if (next == UINT64_MAX || next >= s->node.timer_ns)
		return;
	s->node.timer_ns = next;
	in = next > NODE_BOOT0_NS + s->now_ns ? next - NODE_BOOT0_NS - s->now_ns : 0;
	sim_after(s, in, on_timer, 0, s->node.incarnation, next);
}

/* After each call of the shard. */
void node_carry(struct sim *s)
{
	if (!carry_all(s)) {
		node_crash(s);
		return;
	}
	store_flush(s);
	check_step(s);
	arm(s);
}

static void on_timer(struct sim *s, const struct event *e)
{
	if (!s->node.shard || e->a != s->node.incarnation || e->b != s->node.timer_ns)
		return;
	s->node.timer_ns = NODE_NO_TIMER;
	locations_expire(s->node.locations, node_now(s));
	shard_expire(s->node.shard, node_now(s));
	node_carry(s);
}
