/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/peer/standing.h"

#include <stddef.h>

static bool standing_lasts(uint64_t said_ns, uint64_t now_ns)
{
	return said_ns && now_ns <= said_ns + STANDING_LAST_NS;
}

/* More nodes than can be heard at once: whoever was silent for longest is forgotten. */
static struct standing *standing_place(struct standings *s, uint64_t id)
{
	struct standing *oldest = s->list;

	for (uint32_t i = 0; i < s->count; i++) {
		if (s->list[i].id == id)
			return &s->list[i];
		if (s->list[i].said_ns < oldest->said_ns)
			oldest = &s->list[i];
	}
	return s->count < STANDINGS_MAX ? &s->list[s->count++] : oldest;
}

/* NULL: no node has so many. */
static struct standing_shard *standing_shard_take(struct standing *s, uint16_t number)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->shards[i].number == number)
			return &s->shards[i];
	}
	if (s->count == STANDING_SHARDS_MAX)
		return NULL;
	s->shards[s->count] = (struct standing_shard){ .number = number };
	return &s->shards[s->count++];
}

bool standings_take(struct standings *s, const struct peer_item *item, uint64_t from,
		    uint64_t process, uint64_t now_ns)
{
	struct standing_shard *shard;
	struct standing *of;

	if (item->kind != PEER_HOME && item->kind != PEER_RUNS && item->kind != PEER_DRAINS)
		return false;
	of = standing_place(s, from);
	if (of->id != from || of->process != process)
		*of = (struct standing){ .id = from, .process = process };
	of->said_ns = now_ns;
	if (item->kind == PEER_DRAINS) {
		of->drains_ns = now_ns;
		return true;
	}
	shard = standing_shard_take(of, item->shard);
	if (shard && item->kind == PEER_HOME)
		shard->home = true;
	else if (shard)
		shard->runs_ns = now_ns;
	return true;
}

const struct standing *standings_of(const struct standings *s, uint64_t id, uint64_t process)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct standing *of = &s->list[i];

		for (uint32_t k = 0; of->id == id && of->process == process && k < of->count; k++) {
			if (of->shards[k].home)
				return of;
		}
	}
	return NULL;
}

bool standing_drains(const struct standing *s, uint64_t now_ns)
{
	return standing_lasts(s->drains_ns, now_ns);
}

static const struct standing_shard *standing_find(const struct standing *s, uint16_t shard)
{
	for (uint32_t i = 0; i < s->count; i++) {
		if (s->shards[i].number == shard)
			return &s->shards[i];
	}
	return NULL;
}

bool standing_is_home(const struct standing *s, uint16_t shard)
{
	const struct standing_shard *found = standing_find(s, shard);

	return found && found->home;
}

uint64_t standing_runs(const struct standing *s, uint16_t shard, uint64_t now_ns)
{
	const struct standing_shard *found = standing_find(s, shard);

	return found && standing_lasts(found->runs_ns, now_ns) ? found->runs_ns : 0;
}
