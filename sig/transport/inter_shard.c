/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between the shards of one process (inter_shard.h): a table of bounded rings, one per
 * pair and direction, with exactly one writer and one reader each, so no locks are needed. Messages
 * beyond the bound are dropped and counted, as with UDP. A shard that has left refuses messages
 * until it enters again. */

#include "sig/transport/inter_shard.h"

#include <errno.h>
#include <stdlib.h>

#include "base/metric.h"
#include "base/ring.h"

struct inter_shard {
	uint32_t count;
	uint16_t numbers[INTER_SHARD_MAX];
	_Atomic bool left[INTER_SHARD_MAX];
	_Atomic uint32_t waiting[INTER_SHARD_MAX]; /* messages for it, in all its rings */
	struct ring rings[]; /* from * count + to; of a shard to itself none */
};

enum { INTER_SHARD_NOBODY = UINT32_MAX };

static struct {
	metric_id sent, full;
} g_metrics;

void inter_shard_setup(void)
{
	g_metrics.sent = metric_register(METRIC_COUNTER, "tandem_sip_cell_messages_total", NULL,
					 "SIP messages from one shard of the node to another.");
	g_metrics.full = metric_register(METRIC_COUNTER, "tandem_sip_cell_dropped_total", NULL,
					 "SIP messages between shards of the node that were lost "
					 "because too many waited.");
}

static uint32_t place_of(const struct inter_shard *c, uint16_t number)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->numbers[i] == number)
			return i;
	}
	return INTER_SHARD_NOBODY;
}

static struct ring *ring_of(struct inter_shard *c, uint32_t from, uint32_t to)
{
	return &c->rings[from * c->count + to];
}

static int rings_open(struct inter_shard *c)
{
	int err = 0;

	for (uint32_t i = 0; i < c->count * c->count && !err; i++) {
		c->rings[i].wake_fd = -1;
		if (i / c->count != i % c->count)
			err = ring_open(&c->rings[i], sizeof(struct text), INTER_SHARD_MESSAGES);
	}
	return err;
}

int inter_shard_open(struct inter_shard **out, const uint16_t *numbers, uint32_t count)
{
	struct inter_shard *c;
	int err;

	if (count > INTER_SHARD_MAX)
		return -EINVAL;
	c = aligned_alloc(_Alignof(struct inter_shard),
			  sizeof(*c) + count * count * sizeof(struct ring));
	if (!c)
		return -ENOMEM;
	memset(c, 0, sizeof(*c) + count * count * sizeof(struct ring));
	c->count = count;
	memcpy(c->numbers, numbers, count * sizeof(*numbers));
	err = rings_open(c);
	if (err) {
		inter_shard_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static void ring_empty(struct ring *r)
{
	struct text t;

	while (ring_pop(r, &t, 1))
		text_clear(&t);
	ring_close(r);
}

void inter_shard_close(struct inter_shard *c)
{
	if (!c)
		return;
	for (uint32_t i = 0; i < c->count * c->count; i++) {
		if (c->rings[i].slots)
			ring_empty(&c->rings[i]);
	}
	free(c);
}

int inter_shard_send(struct inter_shard *c, uint16_t from, const struct sip_hop *to,
		     struct bytes message)
{
	uint32_t at = place_of(c, inter_shard_of(&to->remote)), by = place_of(c, from);
	struct text copy = { 0 };

	if (at == INTER_SHARD_NOBODY || by == INTER_SHARD_NOBODY || at == by ||
	    atomic_load_explicit(&c->left[at], memory_order_relaxed))
		return -EHOSTUNREACH;
	if (text_set(&copy, message))
		return -ENOMEM;
	atomic_fetch_add_explicit(&c->waiting[at], 1, memory_order_relaxed);
	if (!ring_push(ring_of(c, by, at), &copy)) {
		atomic_fetch_sub_explicit(&c->waiting[at], 1, memory_order_relaxed);
		text_clear(&copy);
		metric_add(g_metrics.full, 1);
		return -ENOBUFS;
	}
	metric_add(g_metrics.sent, 1);
	return 0;
}

bool inter_shard_receive(struct inter_shard *c, uint16_t to, struct sip_hop *from,
			 struct text *message)
{
	uint32_t at = place_of(c, to);

	if (at == INTER_SHARD_NOBODY ||
	    !atomic_load_explicit(&c->waiting[at], memory_order_relaxed))
		return false;
	for (uint32_t i = 0; i < c->count; i++) {
		if (i == at || !ring_pop(ring_of(c, i, at), message, 1))
			continue;
		atomic_fetch_sub_explicit(&c->waiting[at], 1, memory_order_relaxed);
		*from = (struct sip_hop){ .transport = SIP_INTER_SHARD,
					  .remote = inter_shard_address(c->numbers[i]) };
		return true;
	}
	return false;
}

static void cell_mark(struct inter_shard *c, uint16_t shard, bool left)
{
	uint32_t at = place_of(c, shard);

	if (at != INTER_SHARD_NOBODY)
		atomic_store_explicit(&c->left[at], left, memory_order_relaxed);
}

void inter_shard_leave(struct inter_shard *c, uint16_t shard)
{
	cell_mark(c, shard, true);
}

void inter_shard_enter(struct inter_shard *c, uint16_t shard)
{
	cell_mark(c, shard, false);
}
