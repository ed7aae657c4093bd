/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which RTP port pairs are free (ports.h). The free pairs are a doubly linked queue inside the
 * array, so that a restored call can claim its pair out of the middle. Pairs are reused in the
 * order in which they were freed, after a rest, so that late packets of one call do not reach the
 * next. Control allocates a pair per m-line and leg from it.
 */

#include "media/ports.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SLOT_REST_NS (2 * NS_PER_S)

static void queue_append(struct ports *p, uint32_t index)
{
	struct ports_pair *pair = &p->pairs[index];

	pair->next = PORTS_END;
	pair->prev = p->tail;
	if (p->tail == PORTS_END) {
		p->head = index;
	} else {
		p->pairs[p->tail].next = index;
	}
	p->tail = index;
	p->free_count++;
}

static void queue_remove(struct ports *p, uint32_t index)
{
	struct ports_pair *pair = &p->pairs[index];

	assert(p->free_count > 0);
	if (pair->prev == PORTS_END) {
		p->head = pair->next;
	} else {
		p->pairs[pair->prev].next = pair->next;
	}
	if (pair->next == PORTS_END) {
		p->tail = pair->prev;
	} else {
		p->pairs[pair->next].prev = pair->prev;
	}
	p->free_count--;
}

/* Fisher-Yates: an attacker shall not know which port the next call gets. */
static int queue_shuffled(struct ports *p, struct rand_source *rand)
{
	uint32_t *order = calloc(p->pair_count, sizeof(*order));

	if (!order)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->pair_count; i++) {
		uint32_t at = rand_below(rand, i + 1);

		order[i] = order[at];
		order[at] = i;
	}
	for (uint32_t i = 0; i < p->pair_count; i++)
		queue_append(p, order[i]);
	free(order);
	return 0;
}

int ports_open(struct ports *p, uint16_t first, uint16_t last, uint32_t slot_base, uint64_t rest_ns,
	       uint64_t rest_min_ns, struct rand_source *rand)
{
	uint32_t from = first + (first & 1U);
	uint32_t end = (last + 1U) & ~1U; /* first port past the last whole pair */

	memset(p, 0, sizeof(*p));
	p->head = p->tail = p->slot_head = p->slot_tail = PORTS_END;
	if (from == 0 || end <= from || rest_min_ns > rest_ns)
		return -EINVAL;
	p->pair_count = (end - from) / 2;
	p->pairs = calloc(p->pair_count, sizeof(*p->pairs));
	p->slots = calloc(p->pair_count, sizeof(*p->slots));
	if (!p->pairs || !p->slots) {
		ports_close(p);
		return -ENOMEM;
	}
	p->slot_base = slot_base;
	p->first_port = (uint16_t)from;
	p->rest_ns = rest_ns;
	p->rest_min_ns = rest_min_ns;

	int err = queue_shuffled(p, rand);

	if (err)
		ports_close(p);
	return err;
}

void ports_close(struct ports *p)
{
	free(p->pairs);
	free(p->slots);
	memset(p, 0, sizeof(*p));
	p->head = p->tail = PORTS_END;
}

/* Not at once a slot that a worker still closes. As many slots as pairs exist, so one is left. */
static uint32_t slot_claim(struct ports *p, uint64_t now_ns)
{
	uint32_t at = p->slot_head;

	if (p->slots_used < p->pair_count &&
	    (at == PORTS_END || now_ns < p->slots[at].freed_ns + SLOT_REST_NS))
		return p->slots_used++;
	assert(at != PORTS_END);
	p->slot_head = p->slots[at].next;
	if (p->slot_head == PORTS_END)
		p->slot_tail = PORTS_END;
	return at;
}

static void slot_give(struct ports *p, uint32_t at, uint64_t now_ns)
{
	struct ports_slot *slot = &p->slots[at];

	slot->pair = slot->next = PORTS_END;
	slot->freed_ns = now_ns;
	if (p->slot_tail == PORTS_END)
		p->slot_head = at;
	else
		p->slots[p->slot_tail].next = at;
	p->slot_tail = at;
}

static struct flow_id pair_use(struct ports *p, uint32_t index, uint64_t now_ns)
{
	struct ports_pair *pair = &p->pairs[index];
	struct ports_slot *slot;

	assert(!pair->in_use);
	queue_remove(p, index);
	pair->in_use = 1;
	pair->slot = slot_claim(p, now_ns);
	slot = &p->slots[pair->slot];
	slot->pair = index;
	if (++slot->generation == 0) /* 0 means no flow */
		slot->generation = 1;
	return (struct flow_id){ .slot = p->slot_base + pair->slot,
				 .generation = slot->generation };
}

static bool pair_has_rested(const struct ports *p, const struct ports_pair *pair, uint64_t now_ns)
{
	return pair->freed_ns == 0 || now_ns >= pair->freed_ns + p->rest_min_ns;
}

bool ports_have(const struct ports *p, uint32_t count, uint64_t now_ns)
{
	uint32_t index = p->head;

	while (count && index != PORTS_END && pair_has_rested(p, &p->pairs[index], now_ns)) {
		index = p->pairs[index].next;
		count--;
	}
	return count == 0;
}

/* The head was freed first: when it has not rested, no other pair has. */
int ports_alloc(struct ports *p, uint64_t now_ns, struct flow_id *id)
{
	if (p->head == PORTS_END)
		return -EAGAIN;

	const struct ports_pair *pair = &p->pairs[p->head];
	uint64_t rested = now_ns > pair->freed_ns ? now_ns - pair->freed_ns : 0;
	bool used_before = pair->freed_ns != 0;

	if (used_before && rested < p->rest_min_ns)
		return -EAGAIN;
	if (used_before && rested < p->rest_ns)
		p->reused_early++;
	*id = pair_use(p, p->head, now_ns);
	return 0;
}

int ports_claim(struct ports *p, uint16_t rtp_port, struct flow_id *id)
{
	uint32_t index = (uint32_t)(rtp_port - p->first_port) / 2;

	if (rtp_port < p->first_port || (rtp_port & 1) || index >= p->pair_count)
		return -ERANGE;
	if (p->pairs[index].in_use)
		return -EBUSY;
	*id = pair_use(p, index, 0);
	return 0;
}

static struct ports_pair *pair_of(const struct ports *p, struct flow_id id)
{
	uint32_t at = id.slot - p->slot_base;
	const struct ports_slot *slot;

	if (id.slot < p->slot_base || at >= p->slots_used)
		return NULL;
	slot = &p->slots[at];
	return slot->pair != PORTS_END && slot->generation == id.generation ? &p->pairs[slot->pair]
									    : NULL;
}

bool ports_release(struct ports *p, struct flow_id id, uint64_t now_ns)
{
	struct ports_pair *pair = pair_of(p, id);

	if (!pair)
		return false;
	pair->in_use = 0;
	pair->freed_ns = now_ns ? now_ns : 1; /* 0 means never used */
	slot_give(p, pair->slot, now_ns);
	queue_append(p, (uint32_t)(pair - p->pairs));
	return true;
}

bool ports_in_use(const struct ports *p, uint16_t port)
{
	uint32_t index = (uint32_t)(port - p->first_port) / 2;

	return port >= p->first_port && index < p->pair_count && p->pairs[index].in_use;
}

uint16_t ports_rtp_port(const struct ports *p, struct flow_id id)
{
	const struct ports_pair *pair = pair_of(p, id);

	assert(pair);
	return (uint16_t)(p->first_port + (pair - p->pairs) * 2);
}
