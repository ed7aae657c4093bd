/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold of what nodes hand to each other (link.h), whatever breaks:
 *  - nothing arrives twice, or before what was said before it over that connection;
 *  - what was for a process that is gone no other one takes;
 *  - what waits for a node is bounded, and in the end nothing waits: no parcel, no message of a phone, no question;
 *  - what left arrived, or is lost with its connection; what did not leave was given back.
 */
#include <inttypes.h>

#include "sig/shard/shared_tables.h"
#include "tests/sim/sim.h"

void check_link_arrived(struct sim *s, const struct link_wire *w, const struct link_parcel *p)
{
	const struct node *n = &s->nodes[w->to];

	if (p->serial <= w->seen)
		check_fail(s, "a parcel of node %u to node %u arrives twice, or too late", w->from,
			   w->to);
	if (!node_is_up(n) || n->incarnation != p->process || n->incarnation != w->to_process)
		check_fail(s, "node %u takes what was for process %u", w->to, p->process);
}

/* Over TCP a message is said once. Whoever is in its dialog may not know what became of that. */
static void excuse(struct sim *s, struct bytes message)
{
	struct bytes call_id = trace_header(message, "Call-ID");

	for (uint32_t i = 0; call_id.n && i < s->phones.count; i++) {
		const struct phone *p = &s->phones.list[i];

		for (uint32_t k = 0; k < p->call_count; k++)
			p->calls[k]->parted |= bytes_is(call_id, p->calls[k]->call_id);
	}
}

void check_link_unsent(struct sim *s, struct bytes message)
{
	if (s->links.on && bytes_starts(message, "CANCEL "))
		excuse(s, message);
}

/* What becomes of the story nobody can say then. Lamps are told again, and shards say it again. */
static bool is_said_once(const struct sim *s, const struct parcel *p)
{
	return p->kind == PARCEL_SEND || p->kind == PARCEL_RECEIVED || p->kind == PARCEL_GONE ||
	       (p->kind == PARCEL_STATES && s->script && !s->script->blf_keys);
}

/* That its connection is gone is not heard: what was said to it waits for an answer. */
static void excuse_phone(struct sim *s, const struct addr *remote)
{
	const struct phone *p = phone_at(s, remote);

	for (uint32_t k = 0; p && k < p->call_count; k++)
		p->calls[k]->parted = true;
}

void check_link_lost(struct sim *s, const struct link_parcel *p)
{
	struct parcel parcel;

	if (parcel_read(&parcel, bytes_mem(p->octets, p->n)))
		return;
	if (parcel.kind == PARCEL_SEND || parcel.kind == PARCEL_RECEIVED)
		excuse(s, parcel.data);
	if (parcel.kind == PARCEL_GONE)
		excuse_phone(s, &parcel.remote);
	s->loose |= is_said_once(s, &parcel);
}

void check_link_unheard(struct sim *s, struct bytes message)
{
	if (s->nodes[0].settings.trusted_count)
		excuse(s, message);
}

void check_link_refused(struct sim *s, const struct node *n, const struct addr *remote)
{
	const struct phone *p = phone_at(s, remote);

	if (p && p->connection && node_of_place(s, p->node) == n)
		lamps_go(s, p);
}

void check_link_queued(struct sim *s, const struct link *l)
{
	if (l->waits.n > LINK_QUEUE_MAX + PARCEL_HEAD_LEN * 1024)
		check_fail(s, "%zu octets wait for a node", l->waits.n);
}

static void look_at_node(struct sim *s, const struct node *n)
{
	if (n->held_count)
		check_fail(s, "node %u has %u messages of phones that wait for a shard", n->index,
			   n->held_count);
	for (uint32_t i = 0; i < NODE_FARS; i++) {
		if (n->fars[i].serial)
			check_fail(s, "order %" PRIu64 " waits for another node", n->fars[i].order);
	}
	if (n->shared_tables && n->shared_tables->picking)
		check_fail(s, "node %u waits for others that were asked what rings", n->index);
}

/* That is a second ago, and nothing is broken any more. */
#define END_NS NS_PER_S

static uint64_t look_at_wire(struct sim *s, const struct link_wire *w)
{
	uint64_t count = 0;

	for (const struct link_parcel *p = w->list.first; p; p = p->next, count++) {
		if (p->arrives_ns + END_NS < s->now_ns)
			check_fail(s, "a parcel of node %u to node %u is under way for ever",
				   w->from, w->to);
	}
	return count;
}

void check_links_end(struct sim *s)
{
	const struct link_totals *t = &s->links.totals;
	uint64_t under_way = 0;

	if (!s->links.on)
		return;
	for (uint32_t i = 0; i < s->node_count; i++) {
		for (uint32_t k = 0; k < s->node_count; k++) {
			if (s->links.list[i][k].waits.first)
				check_fail(s, "something waits for the link of node %u to node %u",
					   i, k);
		}
		look_at_node(s, &s->nodes[i]);
	}
	for (const struct link_wire *w = s->links.wires; w; w = w->next)
		under_way += look_at_wire(s, w);
	if (t->sent != t->arrived + t->lost + under_way)
		check_fail(s, "%" PRIu64 " parcels left, %" PRIu64 " arrived, %" PRIu64 " are lost",
			   t->sent, t->arrived, t->lost);
}
