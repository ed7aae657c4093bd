/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/phone.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/sim.h"

enum { LAST_OCTET = 11, ROAM_OCTETS = 20, ROAM_MS = 200, PORTS_FROM = 30000 };

static void phone_is_at(struct phone *p, const char *text)
{
	int err = addr_parse(&p->addr, bytes_str(text));

	assert(!err);
	(void)err;
	(void)addr_text(&p->addr, p->address);
}

void phone_place(uint32_t index, bool v6, char out[ADDR_TEXT_MAX])
{
	(void)snprintf(out, ADDR_TEXT_MAX, v6 ? "[2001:db8::%u]:5060" : "192.0.2.%u:5060",
		       LAST_OCTET + index);
}

void phone_open(struct sim *s, uint32_t index, const struct phone_kind *kind)
{
	struct phone *p = &s->phones.list[index];
	char text[ADDR_TEXT_MAX];

	*p = (struct phone){ .index = index,
			     .extension = kind->extension,
			     .node = kind->node,
			     .expires_s = kind->expires_s,
			     .transport = kind->transport,
			     .srtp = kind->srtp,
			     .prack = kind->prack,
			     .video = kind->video,
			     .web = kind->web,
			     .alive = true };
	p->named = s->phones.named[index] && p->transport == SIP_UDP && !kind->v6;
	p->connection = p->transport == SIP_UDP ? 0 : ++s->net.connections;
	s->totals.tcp += p->transport == SIP_TCP;
	s->totals.tls += p->transport == SIP_TLS;
	s->totals.udp6 += kind->v6;
	(void)node_extension(p->extension, p->user);
	phone_place(index, kind->v6, text);
	phone_is_at(p, text);
	phone_register_later(s, p, sim_between_ms(s, 1, 1500));
}

static void on_roamed(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (!p->alive || p->roamed != e->a)
		return;
	p->reg_tries = 0;
	phone_register(s, p, p->expires_s, "");
	phone_txns_again(s, p);
}

void phone_roam(struct sim *s, struct phone *p, enum sip_transport transport)
{
	struct sip_hop hop = phone_hop(s, p);
	char text[ADDR_TEXT_MAX];

	if (!p->alive)
		return;
	(void)snprintf(text, sizeof(text), "192.0.2.%u:5060",
		       LAST_OCTET + ++p->roamed * ROAM_OCTETS + p->index);
	trace_line(s, "%s#%u is at %s now", p->user, p->index, text);
	check_roams(s, p);
	if (p->connection)
		node_connection_closed(node_of_place(s, p->node), &hop);
	phone_is_at(p, text);
	p->transport = transport;
	p->connection = transport == SIP_UDP ? 0 : ++s->net.connections;
	p->said_ns = p->received_ns = 0;
	sim_after(s, ROAM_MS * NS_PER_MS, on_roamed, p->index, p->roamed, 0);
}

static bool is_in_call(const struct phone *p)
{
	for (uint32_t i = 0; i < p->call_count; i++) {
		if (p->calls[i]->state != PC_OVER)
			return true;
	}
	return false;
}

/* With links its dialogs are reached from the other node, too. An INVITE that it said again there would begin a second call. */
static bool may_leave(const struct sim *s, const struct phone *p)
{
	for (uint32_t i = 0; i < p->call_count && s->links.on; i++) {
		if (p->calls[i]->state == PC_CALLING)
			return false;
	}
	return s->links.on || !is_in_call(p);
}

void phone_go(struct sim *s, struct phone *p, uint32_t node)
{
	struct sip_hop hop = phone_hop(s, p);
	uint32_t before = p->node;

	if (!p->alive || node == p->node || (p->transport != SIP_UDP && !may_leave(s, p)))
		return;
	trace_line(s, "%s#%u goes to node %u", p->user, p->index, node);
	s->totals.moves++;
	p->node = node;
	p->roamed++;
	if (p->transport == SIP_UDP) {
		sim_after(s, ROAM_MS * NS_PER_MS, on_roamed, p->index, p->roamed, 0);
		return;
	}
	if (p->connection)
		node_connection_closed(node_of_place(s, before), &hop);
	p->connection = 0;
	p->registered &= !s->links.on;
	lamps_go(s, p);
	phone_connect_later(s, p);
}

void phones_close(struct sim *s)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		phone_txns_close(p);
		for (uint32_t k = 0; k < p->call_count; k++)
			phone_call_close(p->calls[k]);
	}
}

struct phone *phone_at(struct sim *s, const struct addr *addr)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		if (addr_ip_eq(&s->phones.list[i].addr, addr))
			return &s->phones.list[i];
	}
	return NULL;
}

const char *phone_name(struct sim *s, const struct addr *addr, char out[16])
{
	const struct phone *p = phone_at(s, addr);

	if (p) {
		(void)snprintf(out, 16, "%s#%u", p->user, p->index);
	} else {
		(void)snprintf(out, 16, "node");
	}
	return out;
}

void phone_say(struct sim *s, struct phone *p, struct bytes text)
{
	char name[16];

	trace_message(s, phone_name(s, &p->addr, name), "node", text);
	net_say(s, p, text);
}

/* A response goes where its request came from, and a request within a dialog to its target (RFC 3261 18.2.2, 8.1.2). */
static bool names_node(const struct sim *s, struct bytes message, uint32_t *node)
{
	struct bytes of_party = bytes_starts(message, "SIP/2.0 ")
					? trace_header(message, "Via")
					: bytes_sub(message, 0, bytes_find(message, '\n'));
	char text[ADDR_TEXT_MAX];

	for (*node = 0; *node < s->place_count; ++*node) {
		struct addr place = node_place(s, *node);

		(void)addr_text(&place, text);
		if (memmem(of_party.p, of_party.n, text, strlen(text)))
			return true;
	}
	return false;
}

uint32_t phone_node(const struct sim *s, const struct phone *p, struct bytes message)
{
	const struct blf_watch *l;
	struct bytes call_id;
	uint32_t node;

	if (s->place_count == 1)
		return 0;
	if (p->transport == SIP_UDP && names_node(s, message, &node))
		return node;
	call_id = trace_header(message, "Call-ID");
	for (uint32_t i = p->call_count; i-- > 0;) {
		if (bytes_is(call_id, p->calls[i]->call_id))
			return p->calls[i]->node;
	}
	l = lamp_find(s, call_id);
	return l ? l->dialog.node : p->node;
}

struct sip_hop phone_hop(const struct sim *s, const struct phone *p)
{
	struct sip_hop hop = { .transport = p->transport,
			       .local = node_local(s, p->node, p->transport, p->addr.family),
			       .remote = p->addr };

	if (p->transport == SIP_UDP)
		return hop;
	hop.inbound = true;
	hop.connection = p->connection;
	hop.remote.port = (uint16_t)(PORTS_FROM + p->connection % PORTS_FROM);
	return hop;
}

static void on_connect(struct sim *s, const struct event *e)
{
	struct phone *p = &s->phones.list[e->who];

	if (!p->alive || p->connection)
		return;
	if (!node_place_lives(s, p->node)) {
		phone_connect_later(s, p);
		return;
	}
	p->connection = ++s->net.connections;
	p->said_ns = p->received_ns = 0;
	p->reg_tries = 0;
	phone_register(s, p, p->expires_s, "");
	phone_txns_again(s, p);
}

void phone_connect_later(struct sim *s, struct phone *p)
{
	sim_after(s, sim_between_ms(s, 5, 1500), on_connect, p->index, 0, 0);
}

void phones_disconnect(struct sim *s, uint32_t place)
{
	for (uint32_t i = 0; i < s->phones.count; i++) {
		struct phone *p = &s->phones.list[i];

		if (p->node != place)
			continue;
		if (p->connection)
			phone_connect_later(s, p);
		p->connection = 0;
	}
}

static void response(struct sim *s, struct phone *p, const struct sip_message *m)
{
	struct phone_txn *t = phone_txn_client(p, m);

	if (!t) {
		phone_uac_stray(s, p, m);
		return;
	}
	if (!phone_txn_response(s, p, t, m))
		return;
	if (t->method == SIP_REGISTER) {
		phone_registered(s, p, m);
	} else if (t->method == SIP_SUBSCRIBE) {
		struct blf_watch *l = lamp_find(s, m->call_id);

		if (l)
			lamp_answered(s, l, m);
	} else if (t->method == SIP_MESSAGE && !t->call) {
		phone_page_answered(s, p, m);
	} else if (t->call) {
		phone_uac_response(s, t, m);
	}
}

static void request(struct sim *s, struct phone *p, const struct sip_message *m,
		    struct bytes datagram)
{
	struct phone_txn *t = phone_txn_server(p, m, m->method == SIP_ACK ? SIP_INVITE : m->method);

	if (m->method == SIP_ACK) {
		if (t)
			phone_txn_acked(s, p, t);
		if (!t || t->state == PT_ACCEPTED)
			phone_uas_ack(s, p, m);
	} else if (t) {
		phone_txn_repeated(s, p, t);
	} else {
		phone_uas_request(s, p, m, datagram);
	}
}

void phone_receive(struct sim *s, struct phone *p, struct bytes datagram)
{
	struct message_error error;
	struct sip_message m;

	if (message_parse(&m, datagram, &error)) {
		message_close(&m);
		return; /* check_sent has seen it */
	}
	if (m.request) {
		request(s, p, &m, datagram);
	} else {
		response(s, p, &m);
	}
	message_close(&m);
}

void phone_vanish(struct sim *s, struct phone *p, bool unreachable)
{
	if (!p->alive)
		return;
	trace_line(s, "%s#%u vanishes%s", p->user, p->index, unreachable ? " (ICMP)" : "");
	s->totals.vanished++;
	p->alive = p->registered = false;
	p->unreachable = unreachable;
	p->connection = 0;
	p->vanished_ns = s->now_ns;
	p->reg_serial++;
	for (uint32_t i = 0; i < p->call_count; i++) {
		if (p->calls[i]->state == PC_OVER)
			continue;
		check_vanished(s, p->calls[i]);
		phone_call_over(s, p->calls[i], "vanished");
	}
	for (struct phone_txn *t = p->txns; t; t = t->next)
		t->dead = true;
	lamps_vanish(s, p);
}

void phone_return(struct sim *s, struct phone *p)
{
	if (p->alive)
		return;
	trace_line(s, "%s#%u is back", p->user, p->index);
	p->alive = true;
	if (p->transport != SIP_UDP)
		p->connection = ++s->net.connections;
	phone_register_later(s, p, sim_between_ms(s, 10, 500));
}
