/* SPDX-License-Identifier: Apache-2.0 */
/* Which client transactions wait for a first answer on a connection: a list each, so that the end of one costs what was on it. */
#include <assert.h>

#include "sig/host/txns.h"

static struct txn_slot *first_on(const struct txns *t, uint64_t connection)
{
	uint32_t cursor = 0;
	uint64_t h = connection ? table_next(&t->by_connection, connection, &cursor) : 0;

	return h ? pool_get(&t->pool, h) : NULL;
}

/* Behind the first one: the table need not change. False: out of memory. */
static bool txn_join(struct txns *t, struct txn_slot *slot, uint64_t connection)
{
	struct txn_slot *first = first_on(t, connection);

	if (!first)
		return table_put(&t->by_connection, connection, slot->self) == 0;
	slot->on_prev = first;
	slot->on_next = first->on_next;
	first->on_next = slot;
	if (slot->on_next)
		slot->on_next->on_prev = slot;
	return true;
}

/* The next one takes its place, so there is room for it. */
static void first_leaves(struct txns *t, const struct txn_slot *slot)
{
	bool was = table_del(&t->by_connection, slot->on, slot->self);
	int err = slot->on_next ? table_put(&t->by_connection, slot->on, slot->on_next->self) : 0;

	assert(was && !err);
	(void)was;
	(void)err;
}

void txns_unlist_on(struct txns *t, struct txn_slot *slot)
{
	if (!slot->on)
		return;
	if (slot->on_prev)
		slot->on_prev->on_next = slot->on_next;
	if (slot->on_next)
		slot->on_next->on_prev = slot->on_prev;
	if (!slot->on_prev)
		first_leaves(t, slot);
	slot->on_next = slot->on_prev = NULL;
	slot->on = 0;
}

void txns_list_on(struct txns *t, struct txn_slot *slot)
{
	const struct sip_hop *to = &slot->txn.hop;
	uint64_t connection = slot->waiting && !to->inbound ? to->connection : 0;

	if (connection == slot->on)
		return;
	txns_unlist_on(t, slot);
	if (!connection)
		return;
	if (txn_join(t, slot, connection)) {
		slot->on = connection;
	} else { /* it waits for its timer then */
		sig_count_dropped(t->metrics, DROPPED_OOM);
	}
}

struct txn_slot *txns_take_on(struct txns *t, uint64_t connection)
{
	struct txn_slot *slot = first_on(t, connection);

	if (!slot)
		return NULL;
	txns_unlist_on(t, slot);
	slot->txn.hop.connection = 0;
	return slot;
}
