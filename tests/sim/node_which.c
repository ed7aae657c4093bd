/* SPDX-License-Identifier: Apache-2.0 */
/* Which of them it is. */
#include "tests/sim/node_state.h"

#include "sig/sip/id.h"
#include "tests/sim/sim.h"

bool node_is_up(const struct node *n)
{
	return n->locations != NULL;
}

struct node *node_at(struct sim *s, const struct addr *addr)
{
	for (uint32_t i = 0; i < s->node_count; i++) {
		if (addr_ip_eq(&s->nodes[i].addr, addr))
			return &s->nodes[i];
	}
	return NULL;
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
					      const struct node **whose)
{
	uint16_t number = id_shard(call);

	*whose = &s->nodes[0];
	for (uint32_t i = 0; i < s->node_count; i++) {
		for (uint32_t k = 0; k < s->nodes[i].shard_count; k++) {
			if (s->nodes[i].shards[k].number != number)
				continue;
			*whose = &s->nodes[i];
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

struct shard *node_core(const struct sim *s, uint64_t call)
{
	const struct node *n;
	const struct node_shard *shard = shard_of_call(s, call, &n);

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

			if (core && shard_call_next(core, &cursor->call, out))
				return true;
		}
	}
	return false;
}
