/* SPDX-License-Identifier: Apache-2.0 */
/* Which of them it is. */
#include "tests/sim/node_state.h"

#include <assert.h>

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

bool node_is_up(const struct node *n)
{
	return n->locations != NULL;
}

/* ---- places ---- */

uint16_t node_local(const struct sim *s, uint32_t place, enum sip_transport transport,
		    uint8_t family)
{
	const struct shard_settings *set = &s->nodes[0].settings;

	if (!s->floats)
		return (uint16_t)(transport + (family == ADDR_V6 ? LOCALS : 0));
	for (uint32_t i = 0; i < set->local_count; i++) {
		if (set->locals[i].network == place && set->locals[i].transport == transport)
			return (uint16_t)i;
	}
	assert(false && "no such place");
	return 0;
}

struct addr node_place(const struct sim *s, uint32_t place)
{
	if (s->floats)
		return s->nodes[0].settings.networks[place].media_bind;
	return s->nodes[place].settings.networks[0].media_bind;
}

bool node_place_at(const struct sim *s, const struct addr *addr, uint32_t *place)
{
	for (*place = 0; *place < s->place_count; ++*place) {
		struct addr of = node_place(s, *place);

		if (addr_ip_eq(&of, addr))
			return true;
	}
	return false;
}

struct node *node_of_place(struct sim *s, uint32_t place)
{
	return &s->nodes[s->floats ? s->owners[place].node : place];
}

bool node_place_lives(const struct sim *s, uint32_t place)
{
	const struct node *n = &s->nodes[s->floats ? s->owners[place].node : place];

	return node_is_up(n) && (!s->floats || n->shards[place].core);
}

uint32_t node_run(const struct sim *s, uint32_t place)
{
	return s->floats ? s->owners[place].run : s->nodes[place].incarnation;
}

uint32_t node_run_of_call(const struct sim *s, uint64_t call, uint32_t place)
{
	uint32_t shard = (uint32_t)id_shard(call) - SHARD_FIRST;

	return s->leased && shard < SHARDS_MAX ? s->owners[shard].run : node_run(s, place);
}

struct node *node_at(struct sim *s, const struct addr *addr)
{
	uint32_t place;

	return node_place_at(s, addr, &place) ? node_of_place(s, place) : NULL;
}

struct node *node_of_process(struct sim *s, uint32_t incarnation)
{
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (s->nodes[i].incarnation == incarnation && node_is_up(&s->nodes[i]))
			return &s->nodes[i];
	}
	return NULL;
}

static const struct node_shard *shard_of_call(const struct sim *s, uint64_t call,
					      const struct node **subject)
{
	uint16_t number = id_shard(call);
	uint32_t place = number - SHARD_FIRST;

	*subject = &s->nodes[0];
	if (s->floats && number >= SHARD_FIRST && place < s->place_count) {
		*subject = &s->nodes[s->owners[place].node];
		return &(*subject)->shards[place];
	}
	for (uint32_t i = 0; i < s->node_count; i++) {
		for (uint32_t k = 0; k < s->nodes[i].shard_count; k++) {
			if (s->nodes[i].shards[k].number != number)
				continue;
			*subject = &s->nodes[i];
			return &s->nodes[i].shards[k];
		}
	}
	return NULL;
}

struct node *node_of_call(const struct sim *s, uint64_t call)
{
	const struct node *n;

	(void)shard_of_call(s, call, &n);
	return n->sim->nodes + n->index;
}

uint32_t node_place_of_call(const struct sim *s, uint64_t call, uint32_t otherwise)
{
	uint32_t place = (uint32_t)id_shard(call) - SHARD_FIRST;

	return s->links.on && place < s->place_count ? place : otherwise;
}

struct shard *node_core(const struct sim *s, uint64_t call)
{
	const struct node *n;
	const struct node_shard *shard = shard_of_call(s, call, &n);

	return shard ? shard->core : NULL;
}

bool node_shard_is_owner(const struct node *n, const struct node_shard *shard)
{
	const struct sim *s = n->sim;
	const struct node_owner *o = &s->owners[shard->number - SHARD_FIRST];

	return !s->floats || (o->node == n->index && o->epoch == shard->epoch);
}

const struct node_shard *node_shard_there(struct node *n, uint64_t call)
{
	return node_shard_of(n, id_shard(call));
}

struct shard *node_core_of(struct node *n, uint64_t call)
{
	const struct node_shard *shard = node_shard_of(n, id_shard(call));

	return shard ? shard->core : NULL;
}

struct shard *node_core_any(const struct node *n)
{
	for (uint32_t i = 0; i < n->shard_count; i++) {
		if (n->shards[i].core)
			return n->shards[i].core;
	}
	return NULL;
}

bool node_call_next(const struct sim *s, struct node_calls *cursor, struct call_view *out)
{
	for (; cursor->node < s->node_count; cursor->node++, cursor->shard = 0) {
		const struct node *n = &s->nodes[cursor->node];

		for (; cursor->shard < n->shard_count; cursor->shard++, cursor->call = 0) {
			const struct shard *core = n->shards[cursor->shard].core;

			if (core && node_shard_is_owner(n, &n->shards[cursor->shard]) &&
			    shard_call_next(core, &cursor->call, out))
				return true;
		}
	}
	return false;
}
