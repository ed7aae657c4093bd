/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "sig/shard/shard_state.h"
#include "sig/sip/id.h"
#include "tests/sim/sim.h"

static struct lamp_seen *seen_of(const struct sim *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->lamps.seen_count; i++) {
		if (s->lamps.seen[i].id == id)
			return (struct lamp_seen *)(uintptr_t)&s->lamps.seen[i];
	}
	return NULL;
}

static struct lamp_seen *see(struct sim *s, uint64_t id)
{
	struct lamp_seen *seen = seen_of(s, id);

	if (seen)
		return seen;
	if (s->lamps.seen_count == COUNT_OF(s->lamps.seen)) {
		check_fail(s, "more subscriptions than phones made");
		return &s->lamps.seen[0];
	}
	seen = &s->lamps.seen[s->lamps.seen_count++];
	*seen = (struct lamp_seen){ .id = id };
	return seen;
}

/* ---- the store ---- */

void check_lamp_save(struct sim *s, const struct node_shard *shard, const struct effect *e)
{
	struct lamp_seen *seen = see(s, e->call);

	if (shard && shard->fenced)
		check_fail(s, "a node that has lost its shard saves");
	if (!shard || shard->number != id_shard(e->call))
		check_fail(s, "subscription %" PRIx64 " is saved by another shard", e->call);
	if (e->version <= seen->stored)
		check_fail(s, "subscription %" PRIx64 ": version %" PRIu64 " after %" PRIu64,
			   e->call, e->version, seen->stored);
	seen->asked = e->version;
	seen->ended = e->data.n == 0;
	trace_line(s, "node: %s subscription %" PRIx64 " version %" PRIu64,
		   e->data.n ? "saves" : "forgets", e->call, e->version);
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
	for (uint32_t i = 0; i < s->lamps.seen_count; i++) {
		struct lamp_seen *seen = &s->lamps.seen[i];

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
