/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/net.h"

#include <assert.h>

#include "tests/sim/node_state.h"
#include "tests/sim/sim.h"

static void deliver(struct sim *s, const struct event *e)
{
	struct sip_hop hop = { .remote = e->from };
	struct phone *to = phone_at(s, &e->to);
	uint32_t place;
	bool from_node = node_place_at(s, &e->from, &place);

	if (!from_node && !node_place_at(s, &e->to, &place))
		return; /* nobody is there */
	if (from_node && srs_is_there(s, &e->to)) {
		srs_receive(s, &e->from, text_bytes(&e->data));
		return;
	}
	if (!from_node) {
		hop.local = node_local(s, place, SIP_UDP, e->from.family);
		node_receive(node_of_place(s, place), &hop, text_bytes(&e->data));
	} else if (to && to->alive) {
		to->heard_from = place;
		phone_receive(s, to, text_bytes(&e->data));
	} else if (names_is_dead(&e->to) || (to && to->unreachable)) { /* ICMP */
		hop.remote = e->to;
		hop.local = node_local(s, place, SIP_UDP, e->to.family);
		node_send_failed(node_of_place(s, place), &hop);
	}
}

static void carry(struct sim *s, const struct addr *from, const struct addr *to,
		  struct bytes datagram)
{
	struct event e = { .fire = deliver, .from = *from, .to = *to };
	uint64_t ns = sim_between(s, 200, 200 + s->net.delay_max_ms * 1000) * NS_PER_US;

	if (sim_chance(s, s->net.late)) {
		s->totals.late++;
		ns += sim_between_ms(s, 1, s->net.late_max_ms);
	}
	e.ns = s->now_ns + ns;
	if (text_set(&e.data, datagram))
		assert(false && "out of memory");
	queue_put(&s->queue, &e);
}

void net_datagram(struct sim *s, const struct addr *from, const struct addr *to,
		  struct bytes message)
{
	if (sim_chance(s, s->net.loss)) {
		s->totals.lost++;
		trace_line(s, "       (lost)");
		return;
	}
	carry(s, from, to, message);
	if (sim_chance(s, s->net.twice)) {
		s->totals.duplicated++;
		carry(s, from, to, message);
	}
}

/* ---- connections: in order, whole, until they die ---- */

static void to_node(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];
	struct sip_hop hop = phone_hop(s, p);

	if (p->connection == e->a)
		node_receive(node_of_place(s, p->node), &hop, text_bytes(&e->data));
}

static void to_phone(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	p->heard_from = p->node;
	if (p->alive && p->connection == e->a)
		phone_receive(s, p, text_bytes(&e->data));
}

static void in_order(struct sim *s, const struct phone *p, event_fn *fire, uint64_t *last_ns,
		     struct bytes message)
{
	struct event e = { .fire = fire, .who = p->index, .a = p->connection };

	e.ns = s->now_ns + sim_between(s, 200, 200 + s->net.delay_max_ms * 1000) * NS_PER_US;
	if (e.ns < *last_ns)
		e.ns = *last_ns;
	*last_ns = e.ns;
	if (text_set(&e.data, message))
		assert(false && "out of memory");
	queue_put(&s->queue, &e);
}

static void on_unsent(struct sim *s, const struct event *e)
{
	struct sip_hop hop = { .transport = (enum sip_transport)(e->b & 0xff),
			       .local = (uint16_t)(e->b >> 8),
			       .remote = e->to,
			       .connection = e->a,
			       .inbound = true };
	struct node *n = node_of_process(s, e->who);

	if (n)
		node_send_failed(n, &hop);
}

static void unsent(struct sim *s, const struct node *n, const struct phone *p,
		   const struct sip_hop *to)
{
	uint32_t place = s->floats ? n->settings.locals[to->local].network : n->index;
	struct event e = { .ns = s->now_ns,
			   .fire = on_unsent,
			   .who = n->incarnation,
			   .a = to->connection,
			   .b = (uint64_t)to->local << 8 | to->transport,
			   .to = to->remote };

	trace_line(s, "       (no connection)");
	if (p)
		check_across(s, place, p->node);
	queue_put(&s->queue, &e);
}

bool net_send_on(struct sim *s, const struct node *n, const struct sip_hop *to,
		 struct bytes message)
{
	struct phone *p = phone_at(s, &to->remote);

	if (!p || !p->connection || p->connection != to->connection)
		return false;
	if (s->links.on && node_of_place(s, p->node) != n)
		return false;
	in_order(s, p, to_phone, &p->received_ns, message);
	return true;
}

void net_send(struct sim *s, struct node *n, const struct sip_hop *to, struct bytes message)
{
	struct phone *p = phone_at(s, &to->remote);
	uint32_t place = s->floats ? n->settings.locals[to->local].network : n->index;
	struct addr from = node_place(s, place);

	if (node_link_says(n, to, message))
		return;
	if (to->transport == SIP_UDP &&
	    (node_of_place(s, place) != n || !node_place_lives(s, place)))
		check_fail(s, "node %u sends from an address that it does not have", n->index);
	s->totals.sent++;
	if (to->transport == SIP_UDP)
		net_datagram(s, &from, &to->remote, message);
	else if (!net_send_on(s, n, to, message)) {
		check_link_unsent(s, message);
		unsent(s, n, p, to);
	}
}

void net_say(struct sim *s, struct phone *p, struct bytes message)
{
	struct addr to = node_place(s, phone_node(s, p, message));

	s->totals.sent++;
	if (p->transport == SIP_UDP)
		net_datagram(s, &p->addr, &to, message);
	else if (p->connection)
		in_order(s, p, to_node, &p->said_ns, message);
	else
		trace_line(s, "       (no connection)");
}

void net_drop(struct sim *s, struct phone *p)
{
	struct sip_hop hop = phone_hop(s, p);

	if (!p->connection)
		return;
	trace_line(s, "%s#%u: the connection dies", p->user, p->index);
	p->connection = 0;
	phone_connect_later(s, p);
	node_connection_closed(node_of_place(s, p->node), &hop);
}
