/* SPDX-License-Identifier: Apache-2.0 */
/* A seed from its beginning to its end. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/decoys.h"
#include "tests/sim/sim.h"

enum { FLOAT = 400, LINKS_CHANCE = 500, FLOATING_LOCALS = 3 }; /* of a thousand seeds */

const char *sabotage_name(enum sabotage sabotage)
{
	switch (sabotage) {
	case SABOTAGE_NONE:
		return "none";
	case SABOTAGE_FORGET:
		return "forget";
	case SABOTAGE_EARLY:
		return "early";
	case SABOTAGE_NO_CDR:
		return "no-cdr";
	case SABOTAGE_TWO_CDRS:
		return "two-cdrs";
	case SABOTAGE_MUTE_BYE:
		return "mute-bye";
	case SABOTAGE_LEAK_FLOW:
		return "leak-flow";
	case SABOTAGE_INDEX:
		return "index";
	case SABOTAGE_AMNESIA:
		return "amnesia";
	case SABOTAGE_GAP:
		return "gap";
	case SABOTAGE_FENCE:
		return "fence";
	case SABOTAGE_TENANT:
		return "tenant";
	case SABOTAGE_RECORDER:
		return "recorder";
	case SABOTAGE_LAMPS:
		return "lamps";
	case SABOTAGE_UNBOUND:
		return "unbound";
	case SABOTAGE_ALONE:
		return "alone";
	case SABOTAGE_MEDIA:
		return "media";
	case SABOTAGE_LAPSE:
		return "lapse";
	case SABOTAGE_DEAF:
		return "deaf";
	case SABOTAGE_NOTICE:
		return "notice";
	case SABOTAGE_COUNT:
		break;
	}
	return "?";
}

void sim_after(struct sim *s, uint64_t ns, event_fn *fire, uint32_t who, uint64_t a, uint64_t b)
{
	struct event e = { .ns = s->now_ns + ns, .fire = fire, .who = who, .a = a, .b = b };

	queue_put(&s->queue, &e);
}

bool sim_chance(struct sim *s, uint32_t permille)
{
	return permille && !s->script && rand_below(&s->rand, 1000) < permille;
}

uint64_t sim_between(struct sim *s, uint64_t low, uint64_t high)
{
	assert(low <= high && high - low < UINT32_MAX);
	if (s->script)
		return low;
	return low + rand_below(&s->rand, (uint32_t)(high - low) + 1);
}

uint64_t sim_between_ms(struct sim *s, uint64_t low, uint64_t high)
{
	return sim_between(s, low, high) * NS_PER_MS;
}

static void step(struct sim *s, struct event *e)
{
	assert(e->ns >= s->now_ns);
	s->now_ns = e->ns;
	e->fire(s, e);
	text_clear(&e->data);
}

void sim_run_until(struct sim *s, bool (*is)(struct sim *s))
{
	struct event e;

	while (s->check.broken[0] == '\0' && !is(s) && queue_take(&s->queue, &e))
		step(s, &e);
}

bool sim_run_on(struct sim *s)
{
	struct event e;

	while (s->check.broken[0] == '\0' && queue_take(&s->queue, &e)) {
		if (e.ns > s->end_ns || s->misled) {
			text_clear(&e.data);
			break;
		}
		step(s, &e);
	}
	if (s->check.broken[0] == '\0' && !s->misled)
		check_end(s);
	s->totals.virtual_ns = s->now_ns;
	return s->check.broken[0] == '\0';
}

bool sim_fits(uint32_t places)
{
	return places <= SHARD_NETWORKS_MAX && places * FLOATING_LOCALS <= SHARD_LOCALS_MAX;
}

static bool floats(const struct sim *s, const struct sim_way *way)
{
	struct rand_source rand;

	if (way->floats != FLOATS_BY_CHANCE || s->script)
		return way->floats == FLOATS;
	if (s->node_count == 1 || !sim_fits(s->node_count * s->shard_count))
		return false;
	rand_open_seed(&rand, s->seed ^ UINT64_C(0x666c6f6174));
	return rand_below(&rand, 1000) < FLOAT;
}

/* Addresses that stay with their nodes are those of nodes that are in no cluster: they have nothing to say to each other. */
static bool has_links(const struct sim *s, const struct sim_way *way)
{
	struct rand_source rand;

	if (!s->floats || s->node_count == 1 || way->links != LINKS_BY_CHANCE || s->script)
		return s->floats && s->node_count > 1 && way->links == LINKS;
	rand_open_seed(&rand, s->seed ^ UINT64_C(0x6c696e6b));
	return rand_below(&rand, 1000) < LINKS_CHANCE;
}

bool sim_run(struct sim *s, uint64_t seed, const struct sim_way *way)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
	s->sabotage = way->sabotage;
	s->trace.keep = way->story;
	s->asked.keep = way->story;
	s->hashes = way->hashes;
	s->harvest = way->harvest;
	s->script = way->script;
	s->harm = way->harm;
	s->behind = way->behind;
	s->rooms = way->rooms;
	s->callbacks.on = way->callbacks;
	rand_open_seed(&s->callbacks.rand, seed ^ UINT64_C(0x63616c6c6261636b));
	s->node_count = way->nodes ? way->nodes : 1;
	s->shard_count = way->shards ? way->shards : 1;
	if (s->script)
		s->shard_count = s->script->shards ? s->script->shards : 1;
	s->floats = floats(s, way);
	s->leased = s->floats && !s->script;
	s->place_count = s->floats ? s->node_count * s->shard_count : s->node_count;
	s->links.on = has_links(s, way);
	links_begin(s);
	decoys_begin(s);
	rand_open_seed(&s->rand, seed);
	rand_open_seed(&s->applications, seed ^ UINT64_C(0x6170706c6963));
	rand_open_seed(&s->names.rand, seed ^ UINT64_C(0x6e616d6573));
	rand_open_seed(&s->cluster, seed ^ UINT64_C(0x636c7573746572));
	rand_open_seed(&s->fences, seed ^ UINT64_C(0x66656e636573));
	recorder_start(s);
	if (s->script)
		story_begin(s);
	else
		scenario_begin(s);
	return sim_run_on(s);
}

void sim_tell(const struct sim *s)
{
	const struct trace *t = s->hashes ? &s->asked : &s->trace;

	(void)fwrite(t->text, 1, t->n, stdout);
}

uint64_t sim_hash(const struct sim *s)
{
	return s->hashes ? s->asked.hash : s->trace.hash;
}

void sim_close(struct sim *s)
{
	lamps_close(s);
	phones_close(s);
	node_close(s);
	store_close(&s->store);
	slots_close(&s->slots);
	kept_close(&s->kept);
	srs_close(s);
	leases_close(s);
	links_close(s);
	queue_close(&s->queue);
	trace_close(&s->trace);
	trace_close(&s->asked);
}
