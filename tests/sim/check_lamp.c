/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

static struct lamp_seen *seen_of(const struct sim *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->blf_keys.seen_count; i++) {
		if (s->blf_keys.seen[i].id == id)
			return (struct lamp_seen *)(uintptr_t)&s->blf_keys.seen[i];
	}
	return NULL;
}

static struct lamp_seen *see(struct sim *s, uint64_t id)
{
	struct lamp_seen *seen = seen_of(s, id);

	if (seen)
		return seen;
	if (s->blf_keys.seen_count == COUNT_OF(s->blf_keys.seen)) {
		check_fail(s, "more subscriptions than phones made");
		return &s->blf_keys.seen[0];
	}
	seen = &s->blf_keys.seen[s->blf_keys.seen_count++];
	*seen = (struct lamp_seen){ .id = id };
	return seen;
}

/* ---- the store ---- */

void check_lamp_save(struct sim *s, const struct node_shard *shard, const struct effect *e)
{
	const struct request_save *save = e->request;
	struct lamp_seen *seen = see(s, e->call);

	if (shard && shard->fenced)
		check_fail(s, "a node that has lost its shard saves");
	if (!shard || shard->number != id_shard(e->call))
		check_fail(s, "subscription %" PRIx64 " is saved by another shard", e->call);
	if (save->version <= seen->stored)
		check_fail(s, "subscription %" PRIx64 ": version %" PRIu64 " after %" PRIu64,
			   e->call, save->version, seen->stored);
	seen->asked = save->version;
	seen->ended = save->record.n == 0;
	trace_line(s, "node: %s subscription %" PRIx64 " version %" PRIu64,
		   save->record.n ? "saves" : "forgets", e->call, save->version);
}

void check_lamp_saved(struct sim *s, const struct store_command *c, bool ok)
{
	struct lamp_seen *seen = see(s, c->call);

	if (ok)
		return;
	seen->excused = true;
}

void check_lamp_stored(struct sim *s, uint64_t id, uint64_t version)
{
	see(s, id)->stored = version;
}

void check_lamp_forgotten(struct sim *s, uint64_t id, uint64_t version)
{
	struct lamp_seen *seen = see(s, id);

	seen->stored = version;
	seen->excused = true;
	seen->took |= !node_core(s, id);
}

void check_lamps_crashed(struct sim *s, uint16_t shard)
{
	for (uint32_t i = 0; i < s->blf_keys.seen_count; i++) {
		struct lamp_seen *seen = &s->blf_keys.seen[i];

		if (id_shard(seen->id) != shard)
			continue;
		seen->took |= seen->excused;
		seen->asked = 0;
	}
}

bool check_lamp_took(const struct sim *s, uint64_t id)
{
	const struct lamp_seen *seen = seen_of(s, id);

	return seen && seen->took;
}

/* ---- what is said ---- */

void check_lamp_answer(struct sim *s, const struct sip_message *m)
{
	struct lamp_seen *seen;
	struct id_tag id;

	if (m->status != 200 || message_expires(m) == 0)
		return;
	if (id_tag_get(m->to.tag, &id)) {
		check_fail(s, "200 to SUBSCRIBE without a tag of ours");
		return;
	}
	seen = see(s, id.call);
	if (node_of_call(s, id.call)->degraded)
		seen->excused = true;
	else if (seen->ended)
		return; /* said again */
	else if (seen->stored < seen->asked && !seen->excused)
		check_fail(s, "200 of subscription %" PRIx64 " leaves before it is saved", id.call);
	else if (!seen->stored && !seen->excused)
		check_fail(s, "200 of subscription %" PRIx64 " leaves without a record", id.call);
}

void check_lamp_notify(struct sim *s, const struct sip_message *m)
{
	struct id_tag id;

	if (lamp_find(s, m->call_id) && !id_tag_get(m->from.tag, &id) &&
	    node_of_call(s, id.call)->degraded)
		see(s, id.call)->excused = true;
}

/* Nothing but a kill, or a phone that was not there, takes a subscription before its time is over. */
static bool is_promised(const struct sim *s, const struct blf_watch *l)
{
	return l->state == BLF_WATCH_ON && l->manner != BLF_WATCH_LEAVES &&
	       l->dialog.phone->alive && s->now_ns < l->until_ns && !l->excused &&
	       !check_lamp_took(s, l->id) && !s->totals.documents && !s->totals.steps;
}

void check_lamp_lost(struct sim *s, struct blf_watch *l)
{
	if (is_promised(s, l))
		check_fail(s, "%s is lost", l->dialog.call_id);
}

/* ---- the end ---- */

static const struct subscription *sub_next(const struct sim *s, const struct blf_watch *l,
					   struct node_calls *at)
{
	for (; at->node < s->node_count; at->node++, at->shard = at->call = 0) {
		const struct node *n = &s->nodes[at->node];

		for (; at->shard < n->shard_count; at->shard++, at->call = 0) {
			const struct shard *core = n->shards[at->shard].core;
			const struct subscription *sub;
			pool_handle h;

			while (core && node_shard_is_owner(n, &n->shards[at->shard]) &&
			       (sub = pool_next(&core->subscriptions.pool, &at->call, &h)) !=
				       NULL) {
				if (bytes_is(text_bytes(&sub->dialog.call_id), l->dialog.call_id))
					return sub;
			}
		}
	}
	return NULL;
}

static void look_at_lamp(struct sim *s, const struct blf_watch *l)
{
	struct node_calls at = { 0 };
	const struct lamp_seen *seen = seen_of(s, l->id);
	uint32_t count = 0;

	while (sub_next(s, l, &at))
		count++;
	if (count > 1)
		check_fail(s, "%s is there %u times", l->dialog.call_id, count);
	if (is_promised(s, l) && count == 0)
		check_fail(s, "%s is not there", l->dialog.call_id);
	if (is_promised(s, l) && !store_find_lamp(&s->store, l->id) && !(seen && seen->excused))
		check_fail(s, "%s is not in the store", l->dialog.call_id);
	if (is_promised(s, l) && !lamp_is_dark(l))
		check_fail(s, "%s is lit, and nobody talks", l->dialog.call_id);
	if (l->state != LAMP_OVER || l->excused || l->silent || (seen && seen->excused))
		return;
	if (count)
		check_fail(s, "%s is over, and the node has it", l->dialog.call_id);
	if (store_find_lamp(&s->store, l->id))
		check_fail(s, "%s is over, and the store has it", l->dialog.call_id);
}

void check_lamps_end(struct sim *s)
{
	for (uint32_t i = 0; i < s->blf_keys.count; i++)
		look_at_lamp(s, s->blf_keys.list[i]);
}
