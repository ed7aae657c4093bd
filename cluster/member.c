/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/member.h"

#include <assert.h>

uint32_t members_rank(const struct members *m, uint64_t id)
{
	uint32_t i = 0;

	while (i < m->count && m->ids[i] != id)
		i++;
	return i;
}

bool members_has(const struct members *m, uint64_t id)
{
	return members_rank(m, id) < m->count;
}

uint32_t members_consents(const struct members *m)
{
	return m->count > 1 ? 2 : m->count;
}

uint32_t members_acks(const struct members *m)
{
	return m->count > 2 ? 2 : 1;
}

bool members_votes(const struct members *m, uint64_t record, uint64_t id)
{
	return members_has(m, id) || (m->count < MEMBERS_MAX && id == record);
}

uint64_t members_acked_until(const struct members *m, const uint64_t sent_ns[MEMBERS_MAX],
			     uint64_t length_ns)
{
	uint64_t first = 0, second = 0, sent;

	for (uint32_t i = 0; i < m->count; i++) {
		second = sent_ns[i] > first ? first : sent_ns[i] > second ? sent_ns[i] : second;
		first = sent_ns[i] > first ? sent_ns[i] : first;
	}
	sent = members_acks(m) == 2 ? second : first;
	return sent ? sent + length_ns : 0;
}

static bool stays(const struct member *node, uint64_t now_ns)
{
	return !node->leaving && now_ns - node->heard_ns < MEMBER_UNHEARD_NS;
}

static void members_add(struct members *m, uint64_t id, uint32_t limit)
{
	if (m->count < limit && !members_has(m, id))
		m->ids[m->count++] = id;
}

static const struct member *node_find(const struct member *nodes, uint32_t count, uint64_t id)
{
	for (uint32_t i = 0; i < count; i++) {
		if (nodes[i].id == id)
			return &nodes[i];
	}
	return NULL;
}

void members_next(struct members *next, const struct members *now, const struct member *nodes,
		  uint32_t count, uint64_t now_ns)
{
	uint32_t limit = count < MEMBERS_MAX ? count : MEMBERS_MAX;

	*next = (struct members){ 0 };
	for (uint32_t i = 0; i < now->count; i++) {
		const struct member *node = node_find(nodes, count, now->ids[i]);

		if (node && stays(node, now_ns))
			members_add(next, node->id, limit);
	}
	for (uint32_t i = 0; i < count; i++) {
		if (stays(&nodes[i], now_ns))
			members_add(next, nodes[i].id, limit);
	}
	for (uint32_t i = 0; i < now->count; i++) {
		const struct member *node = node_find(nodes, count, now->ids[i]);

		if (!node || !node->leaving)
			members_add(next, now->ids[i], now->count);
	}
}
