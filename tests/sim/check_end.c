/* SPDX-License-Identifier: Apache-2.0 */
/* Everybody has hung up and time has passed. */
#include <inttypes.h>
#include <string.h>

#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/outside.h"
#include "tests/sim/scenario.h"
#include "tests/sim/sim.h"
#include "tests/sim/story.h"

/* A copy of the INVITE became a second call in another shard, its own being lost. Both went on. */
static bool is_called_twice(const struct sim *s, const struct phone_call *c)
{
	uint32_t calls = 0;

	for (uint32_t i = 0; s->totals.lost_alone && i < s->check.seen_count; i++)
		calls += strcmp(s->check.seen[i].call_id, c->call_id) == 0;
	return calls > 1;
}

/* ... or was refused there: who is called is busy with the first, or no second one fits. */
static bool was_second(const struct sim *s, const struct phone_call *c)
{
	return s->totals.lost_alone && (c->final == 503 || c->final == 486);
}

/* It gave up what it had cancelled in a call that was lost, and a copy of its INVITE had become a second one a moment before. */
static bool gave_up_the_first(const struct sim *s, const struct phone_call *c)
{
	bool lost = false;

	for (uint32_t i = 0; c->cancelled && i < s->check.seen_count; i++) {
		lost |= s->check.seen[i].crashes &&
			strcmp(s->check.seen[i].call_id, c->call_id) == 0;
	}
	return lost;
}

static void look_at_caller(struct sim *s, const struct phone_call *c, const struct seen *seen)
{
	bool crashed = !seen || seen->crashes;

	if (c->final == 0 && c->heard && !c->excused && !c->phone->vanished_ns &&
	    !(seen && (seen->weak || seen->stale)) && !crashed && !gave_up_the_first(s, c))
		check_fail(s, "%s: the INVITE has no final response", c->call_id);
	if (!seen || !seen->cdrs || is_called_twice(s, c))
		return;
	if (c->answered && (seen->cdr.sip_status != 200 || !seen->cdr.answer_utc_ms) &&
	    !seen->weak && !seen->stale)
		check_fail(s, "%s was answered, the CDR says %u", c->call_id, seen->cdr.sip_status);
	if (!c->answered && c->final >= 300 && seen->cdr.sip_status != c->final &&
	    !(seen->crashes && (seen->weak || seen->stale || seen->excused)) && !was_second(s, c))
		check_fail(s, "%s ended with %u, the CDR says %u", c->call_id, c->final,
			   seen->cdr.sip_status);
}

/* Of the call that it began in. */
static uint64_t first_call(const struct phone_call *c)
{
	struct id_tag id;

	return id_tag_get(bytes_str(c->remote_tag), &id) ? c->node_call : id.call;
}

static bool dials_pick(const struct phone_call *c)
{
	return strncmp(c->to, PHONE_PICK, sizeof(PHONE_PICK) - 1) == 0;
}

/* The phone's call, which takes the other one while that rings, or later. By a code it may be any: that they speak is looked at elsewhere. */
static bool takes_from(const struct phone_call *c, uint64_t call)
{
	return c->answered && (dials_pick(c) || (c->replaces && first_call(c->replaces) == call));
}

static bool callee_answered(struct sim *s, uint64_t call)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++) {
			if (!p->calls[k]->caller && first_call(p->calls[k]) == call &&
			    p->calls[k]->answered)
				return true;
			if (takes_from(p->calls[k], call))
				return true;
		}
	}
	return false;
}

/* Who waits there answered long ago. */
static bool picks_up(const struct phone_call *c)
{
	return strcmp(c->to, PHONE_SLOT) == 0 || strcmp(c->to, PHONE_ROOM) == 0 ||
	       strcmp(c->to, PHONE_FACTORY) == 0 || dials_pick(c);
}

static bool leads_to_room(const struct shard_forward *f)
{
	const char *lists[] = { f->always, f->busy, f->no_answer, f->unreachable };

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		if (bytes_list_has(bytes_str(lists[i]), BYTES_LIT(PHONE_ROOM)) ||
		    bytes_list_has(bytes_str(lists[i]), BYTES_LIT(PHONE_FACTORY)))
			return true;
	}
	return false;
}

/* At first, or now: then the node itself answers callers of any extension that leads to that one. */
static bool calls_go_to_rooms(const struct sim *s)
{
	for (uint32_t i = 0; s->script && i < STORY_PHONES; i++) {
		if (leads_to_room(&s->script->forward[i]))
			return true;
	}
	return s->rooms && scenario_has_room_forwards(s);
}

static void look_at_phone_call(struct sim *s, const struct phone_call *c)
{
	const struct seen *seen = check_seen(s, c->node_call),
			  *first = check_seen(s, first_call(c));

	if (c->state != PC_OVER)
		check_fail(s, "%s: %s#%u is still %s", c->call_id, c->phone->user, c->phone->index,
			   phone_call_state_name(c->state));
	if (!c->caller)
		return;
	look_at_caller(s, c, seen);
	if (c->answered && !c->replaces && !picks_up(c) &&
	    !(first && (first->by_node || first->is_code || first->has_slot)) &&
	    !calls_go_to_rooms(s) && !s->callbacks.on && !(s->script && s->script->flow) &&
	    !callee_answered(s, first_call(c)))
		check_fail(s, "%s was answered, and nobody answered it", c->call_id);
}

static void look_at_phones(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++)
			look_at_phone_call(s, p->calls[k]);
	}
}

static void look_at_cdrs(struct sim *s)
{
	for (uint32_t i = 0; i < s->check.seen_count; i++) {
		struct seen *seen = &s->check.seen[i];

		if (seen->cdrs > 1 || (seen->cdrs == 0 && !check_waits_for_ever(s, seen)))
			check_fail(s, "call %" PRIx64 " (%s) has %u CDRs", seen->call,
				   seen->call_id, seen->cdrs);
	}
}

static void look_at_shard(struct sim *s, const struct shard *core)
{
	uint32_t ports = s->nodes[0].settings.network_count * NODE_PORTS;
	struct shard_counts c;

	if (!core) {
		check_fail(s, "the node did not come back");
		return;
	}
	shard_counts(core, &c);
	if (c.calls || c.calls_established)
		check_fail(s, "the node has %u calls left", c.calls);
	if (c.txns)
		check_fail(s, "the node has %u transactions left", c.txns);
	if (c.ports_free != ports)
		check_fail(s, "the node has %u of %u ports", c.ports_free, ports);
	if (core->invite_wait_count)
		check_fail(s, "%u INVITEs wait for the store", core->invite_wait_count);
	if (c.saves_pending)
		check_fail(s, "the node waits for %" PRIu64 " saves", c.saves_pending);
}

static void look_at_node(struct sim *s, const struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (node_shard_is_owner(n, &n->shards[i]))
			look_at_shard(s, n->shards[i].core);
	}
	if (node_core_any(n))
		outside_check(n);
	for (enum quota_kind kind = 0; node_is_up(n) && kind < QUOTA_KINDS; kind++) {
		for (enum quota_item item = 0; item < QUOTA_HELD; item++) {
			if (quota_held(n->quota, kind, item))
				check_fail(s, "a quota of kind %d is not given back", kind);
		}
	}
}

static void look_at_rest(struct sim *s)
{
	if (s->engine.open_count)
		check_fail(s, "%u flows are left", s->engine.open_count);
	for (uint32_t i = 0; i < STORE_RECORDS_MAX; i++) {
		if (s->store.calls[i].record.n)
			check_fail(s, "the record of call %" PRIx64 " is left",
				   s->store.calls[i].call);
	}
}

void check_end(struct sim *s)
{
	look_at_phones(s);
	look_at_cdrs(s);
	for (uint32_t i = 0; i < s->node_count; i++)
		look_at_node(s, &s->nodes[i]);
	look_at_rest(s);
	check_slots_end(s);
	check_links_end(s);
	check_lamps_end(s);
	callbacks_check_end(s);
	if (s->script)
		story_end(s);
}
