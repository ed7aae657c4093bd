/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/slots.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

#define SLOTS_LATENCY_NS (NS_PER_MS / 2)

void slots_close(struct slots *t)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++)
		text_clear(&t->taken[i].beside);
	for (uint32_t i = 0; i < t->asked_count; i++)
		text_clear(&t->asked[i].beside);
}

/* NULL: it is free. */
static struct slot_taken *slot_find(struct slots *t, const char *name, bool room)
{
	for (uint32_t i = 0; i < SLOTS_MAX; i++) {
		if (t->taken[i].room == room && strcmp(t->taken[i].name, name) == 0)
			return &t->taken[i];
	}
	return NULL;
}

static bool is_about_room(const struct slot_asked *a)
{
	return a->act >= PARK_ROOM_CLAIM;
}

static struct slot_taken *slot_asked_for(struct slots *t, const struct slot_asked *a)
{
	return slot_find(t, a->name, is_about_room(a));
}

/* ---- what Redis does (cluster/lua/park_claim.lua, park_free.lua) ---- */

static enum park_result slot_claim(struct sim *s, const struct slot_asked *a)
{
	struct slot_taken *slot = slot_asked_for(&s->slots, a);
	struct seen *seen = check_seen(s, a->call);

	if (slot && slot->call != a->call)
		return PARK_TAKEN;
	if (!is_about_room(a) && !store_find(&s->store, a->call))
		check_fail(s, "slot %s is claimed by call %" PRIx64 ", of which there is no record",
			   a->name, a->call);
	if (!slot)
		slot = slot_find(&s->slots, "", false);
	if (!slot)
		return PARK_FULL;
	slot->room = is_about_room(a);
	memcpy(slot->name, a->name, sizeof(slot->name));
	slot->call = a->call;
	if (text_set(&slot->beside, text_bytes(&a->beside)))
		assert(false && "out of memory");
	if (seen)
		seen->has_slot = true;
	return PARK_OK;
}

static enum park_result slot_free(struct sim *s, const struct slot_asked *a)
{
	struct slot_taken *slot = slot_asked_for(&s->slots, a);

	if (slot && slot->call != a->call)
		return PARK_TAKEN;
	if (slot) {
		slot->name[0] = '\0';
		slot->room = false;
		text_clear(&slot->beside);
	}
	return PARK_OK;
}

static enum park_result slot_do(struct sim *s, const struct slot_asked *a)
{
	switch (a->act) {
	case PARK_CLAIM:
	case PARK_ROOM_CLAIM:
		return slot_claim(s, a);
	case PARK_FREE:
	case PARK_ROOM_FREE:
		return slot_free(s, a);
	case PARK_LOOK:
		return slot_asked_for(&s->slots, a) ? PARK_OK : PARK_EMPTY;
	}
	return PARK_UNKNOWN;
}

/* ---- who asks ---- */

static void slot_tell(struct node *n, const struct slot_asked *a, enum park_result told)
{
	struct reply reply = { .ask = ASK_PARK,
			       .of = a->call,
			       .park = { .serial = a->serial, .told = told } };
	struct node_shard *shard = NULL;
	const struct slot_taken *slot = slot_asked_for(&n->sim->slots, a);

	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].number == a->shard)
			shard = &n->shards[i];
	}
	if (!shard || !shard->core || shard->fenced)
		return;
	if (slot && told != PARK_UNKNOWN)
		reply.park.owner = slot->call;
	if (slot)
		reply.park.entry = text_bytes(&slot->beside);
	shard_replied(shard->core, &reply, node_now(n));
	node_carry(n);
}

static void on_slot_asked(struct sim *s, const struct event *e)
{
	struct slot_asked *a = &s->slots.asked[e->a];
	struct node *n = node_of_process(s, a->incarnation);
	enum park_result told = PARK_UNKNOWN;
	const struct slot_taken *slot;

	if (!a->flushed)
		return;
	if (!s->store.down && !(n && n->cut))
		told = slot_do(s, a);
	slot = slot_asked_for(&s->slots, a);
	if (n && a->act == PARK_LOOK && slot)
		check_across(s, n->index, node_of_call(s, slot->call)->index);
	trace_line(s, "store: slot %s, act %d of call %" PRIx64 ": %d", a->name, (int)a->act,
		   a->call, (int)told);
	if (n)
		slot_tell(n, a, told);
}

void slots_ask(const struct node *n, const struct node_shard *shard, const struct effect *e)
{
	struct slots *t = &n->sim->slots;
	const struct request_park *park = e->request;
	struct slot_asked *a;

	if (t->asked_count == SLOTS_ASKED_MAX) {
		check_fail(n->sim, "slots are asked for without end");
		return;
	}
	a = &t->asked[t->asked_count++];
	*a = (struct slot_asked){ .incarnation = n->incarnation,
				  .shard = shard->number,
				  .act = park->act,
				  .call = e->call,
				  .serial = e->serial };
	(void)snprintf(a->name, sizeof(a->name), "%s:%s", text_str(&park->tenant),
		       text_str(&park->slot));
	if (text_set(&a->beside, text_bytes(&park->entry)))
		assert(false && "out of memory");
	sim_after(n->sim, SLOTS_LATENCY_NS, on_slot_asked, 0, t->asked_count - 1, 0);
}

void slots_flush(struct sim *s)
{
	for (uint32_t i = s->slots.asked_count; i-- > 0 && !s->slots.asked[i].flushed;)
		s->slots.asked[i].flushed = node_of_process(s, s->slots.asked[i].incarnation);
}

/* ---- what holds ---- */

static bool slot_is_true(const struct sim *s, const struct slot_taken *slot)
{
	const struct shard *core = node_core(s, slot->call);
	struct bytes number = bytes_str(strchr(slot->name, ':') + 1);

	return core && shard_call_waits_in(core, slot->call, number);
}

void check_slots(struct sim *s, uint32_t count)
{
	uint32_t taken = 0;

	for (uint32_t i = 0; i < SLOTS_MAX; i++) {
		const struct slot_taken *slot = &s->slots.taken[i];

		if (!slot->name[0] || slot->room)
			continue;
		taken++;
		if (!slot_is_true(s, slot))
			check_fail(s, "slot %s names call %" PRIx64 ", where nobody waits",
				   slot->name, slot->call);
	}
	if (taken != count)
		check_fail(s, "%u slots are taken, not %u", taken, count);
}

/* What a lost shard, or a store that was away, has left is freed by who finds it (docs/adr/0017); so is a room's number, which is claimed
 * before the call of who was first is saved. */
void check_slots_end(struct sim *s)
{
	for (uint32_t i = 0; i < SLOTS_MAX && !s->totals.fences && !s->totals.outages; i++) {
		const struct slot_taken *slot = &s->slots.taken[i];

		if (slot->name[0] && !(slot->room && (s->totals.crashes || s->totals.saves_failed)))
			check_fail(s, "slot %s still names call %" PRIx64, slot->name, slot->call);
	}
}
