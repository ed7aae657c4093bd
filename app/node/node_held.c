/* SPDX-License-Identifier: Apache-2.0 */
#include "app/node/node_held.h"

#include <assert.h>
#include <stdlib.h>

#include "app/node/node.h"
#include "base/clock.h"
#include "base/metric.h"

/* A shard is taken in a second or two, and in milliseconds where its owner gives it. A phone gives up after 32 s. */
#define HELD_NS       (5 * NS_PER_S)
#define HELD_RETRY_NS (10 * NS_PER_MS)

static struct {
	metric_id taken, late, full;
} g_held_metrics;

void node_held_setup(void)
{
#define HELD(what)                                                                             \
	metric_register(METRIC_COUNTER, "tandem_cluster_held_messages_total",                  \
			"result=\"" what "\"",                                                 \
			"SIP messages of connections that waited for a shard: taken, dropped " \
			"after 5 s, and dropped as too many waited.")
	g_held_metrics.taken = HELD("taken");
	g_held_metrics.late = HELD("late");
	g_held_metrics.full = HELD("full");
#undef HELD
}

static bool held_has_room(const struct node_held *h, size_t octets)
{
	return h->count < NODE_HELD_MAX && h->octets + octets <= NODE_HELD_OCTETS_MAX;
}

static int held_add(struct node_held *h, const struct sip_hop *from, struct bytes message,
		    uint64_t now_ns)
{
	struct node_held_message *m;
	int err;

	assert(!h->retries);
	if (!h->list && !(h->list = calloc(NODE_HELD_MAX, sizeof(*h->list))))
		return -1;
	m = &h->list[h->count];
	*m = (struct node_held_message){ .from = *from, .until_ns = now_ns + HELD_NS };
	err = text_set(&m->message, message);
	if (err)
		return err;
	if (!h->count++)
		h->next_ns = now_ns + HELD_RETRY_NS;
	h->octets += message.n;
	return 0;
}

void node_hold(struct node *n, const struct sip_hop *from, struct bytes message)
{
	if (!sip_transport_is_stream(from->transport) || n->phase != NODE_RUNNING)
		return;
	if (!held_has_room(&n->held, message.n) ||
	    held_add(&n->held, from, message, clock_now_ns()))
		metric_add(g_held_metrics.full, 1);
}

bool node_holds(const struct node *n, const struct sip_hop *from)
{
	for (uint32_t i = 0; i < n->held.count; i++) {
		if (n->held.list[i].from.connection == from->connection &&
		    n->held.list[i].from.transport == from->transport)
			return true;
	}
	return false;
}

/* True: it waits no longer. */
static bool held_retry(struct node *n, struct node_held_message *m, struct instant now)
{
	if (node_shards_take(n, &m->from, text_bytes(&m->message), 0, now))
		metric_add(g_held_metrics.taken, 1);
	else if (m->until_ns <= now.ns)
		metric_add(g_held_metrics.late, 1);
	else
		return false;
	n->held.octets -= m->message.n;
	text_clear(&m->message);
	return true;
}

/* Each connection's in their order: behind one that waits on, the others of that wait as well. */
void node_held_expire(struct node *n, struct instant now)
{
	struct node_held *h = &n->held;
	uint32_t all = h->count;

	if (!all || h->next_ns > now.ns)
		return;
	h->next_ns = now.ns + HELD_RETRY_NS;
	h->retries = true;
	h->count = 0; /* so far none waits on */
	for (uint32_t i = 0; i < all; i++) {
		struct node_held_message *m = &h->list[i];

		if ((m->until_ns > now.ns && node_holds(n, &m->from)) || !held_retry(n, m, now))
			h->list[h->count++] = *m;
	}
	h->retries = false;
}

uint64_t node_held_next_ns(const struct node *n)
{
	return n->held.count ? n->held.next_ns : UINT64_MAX;
}

void node_held_close(struct node *n)
{
	for (uint32_t i = 0; i < n->held.count; i++)
		text_clear(&n->held.list[i].message);
	free(n->held.list);
	n->held = (struct node_held){ 0 };
}
