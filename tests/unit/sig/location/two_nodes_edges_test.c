/* SPDX-License-Identifier: Apache-2.0 */
/* Phones whose connection, or the way through whose NAT, another node has. */
#include "tests/unit/sig/location/pair.h"

static void assert_held(struct pair *p, const struct phone *phone)
{
	struct rig *other = p->nodes[1];
	struct phone caller;
	struct bytes no;

	pair_wait(p, 1100);
	call_from(p, 1, &caller);
	no = rig_take(other, &caller.addr, "SIP/2.0 480");
	assert_true(bytes_is(rig_header(no, "Reason"),
			     "SIP;cause=480;text=\"the phone is connected to another node\""));
	assert_string_equal(other->cdrs[other->cdr_count - 1].reason,
			    "refused by the node: the phone is connected to another node");
	assert_int_equal(rig_count(other, &phone->addr, "INVITE "), 0);
	phone_begin(&caller, "1002");
	phone_request(&caller, "MESSAGE", "Content-Type: text/plain\r\n", "hello");
	assert_true(rig_has(rig_take(other, &caller.addr, "SIP/2.0 480"), " MESSAGE\r\n"));
	assert_int_equal(rig_count(other, &phone->addr, "MESSAGE "), 0);
}

/* A connection ends where it came to. */
static void held_by_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	assert_held(p, &phone);
}

/* A NAT lets in who was spoken to, over UDP, too. */
static void behind_nat_of_the_other(void **state)
{
	struct pair *p = *state;
	struct phone phone;

	phone_make(&phone, p->nodes[0], "10.0.0.5:5060", "run");
	phone.addr = rig_addr("192.0.2.12:5060");
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	assert_held(p, &phone);
}

/* A GRUU (RFC 5627) of such a phone says so, and leads to no other, whatever its user has set. */
static void named_and_held_by_the_other(void **state)
{
	const struct shard_forward f = { .unreachable = "1003" };
	struct pair *p = *state;
	struct rig *other = p->nodes[1];
	struct phone phone, caller;
	struct bytes no;

	assert_int_equal(shard_forward_set(other->shard, TENANT_DEFAULT, "1002", &f), 0);
	phone_make(&phone, p->nodes[0], "192.0.2.12:5060", "run");
	(void)snprintf(phone.contact_params, sizeof(phone.contact_params),
		       ";+sip.instance=\"<urn:1>\"");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 0, 90), "SIP/2.0 200"));
	phone_open(&caller, other, "1001", "192.0.2.11:5060");
	phone_begin(&caller, "1002");
	(void)snprintf(caller.target, sizeof(caller.target), "sip:1002@test.local;gr=urn:1");
	phone_request(&caller, "INVITE", "", PHONE_SDP_A);
	serve(p, other);
	no = rig_take(other, &caller.addr, "SIP/2.0 480");
	assert_true(bytes_starts(rig_header(no, "Reason"), "SIP;cause=480"));
}

/* Where node 0 sends for it now. */
static uint64_t edge_of(struct pair *p, uint64_t connection)
{
	return hop_edge_put(&p->edges[0], &(struct hop_edge){ 2, connection });
}

/* In a call at node 0, on its connection 5. */
static void talks_over_tcp(struct pair *p, struct phone *phone, struct phone *caller)
{
	phone_make(phone, p->nodes[0], "10.0.0.5:5060", "run");
	connect_phone(phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, phone, 0, 3600), "SIP/2.0 200"));
	phone_open(caller, p->nodes[0], "1001", "192.0.2.11:5060");
	phone_bind(caller);
	call_from(p, 0, caller);
	phone->addr = phone->hop.remote;
	serve(p, p->nodes[0]);
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, p->nodes[0]);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, p->nodes[0]);
	assert_int_equal(rig_counts(p->nodes[0]).calls_established, 1);
}

/* No NAT stands between, and perhaps it listens: first by the connection that it has with the other node, and when that is gone we
 * connect to it ourselves. */
static void listens_perhaps(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	phone.hop.remote.port = 40000;
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	assert_false(last(r, "INVITE ")->hop.inbound);
	assert_int_equal(last(r, "INVITE ")->hop.remote.port, 5060);
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(count(r, "INVITE "), 2);
	assert_int_equal(last(r, "INVITE ")->hop.connection, 0);
	assert_int_equal(last(r, "INVITE ")->hop.remote.port, 5060);
	assert_int_equal(rig_counts(r).calls, 1);
}

/* In a call at node 0, over UDP and behind a NAT. */
static void talks_behind_nat(struct pair *p, struct phone *phone, struct phone *caller)
{
	phone_make(phone, p->nodes[0], "10.0.0.5:5060", "run");
	phone->addr = rig_addr("192.0.2.12:40001");
	assert_true(bytes_starts(come_to(p, phone, 0, 3600), "SIP/2.0 200"));
	call_from(p, 0, caller);
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, p->nodes[0]);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, p->nodes[0]);
	assert_int_equal(rig_counts(p->nodes[0]).calls_established, 1);
}

/* Node 1 has it, by its only address for UDP. */
static uint64_t flow_of(struct pair *p)
{
	return edge_of(p, hop_edge_flow(0));
}

/* The NAT has forgotten it, or lets node 0 in no more, and says nothing: what waits for it goes by way of the other node. */
static void moves_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_behind_nat(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, 0);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_true(addr_eq(&last(r, "BYE ")->hop.remote, &phone.addr));
	assert_int_equal(last(r, "BYE ")->hop.connection, flow_of(p));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* Nothing waits for it any more, but it does not know where it is heard: it is looked for until it comes. */
static void comes_late_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct call_view v;
	uint32_t cursor = 0, asked;
	struct call *c;

	talks_behind_nat(p, &phone, &caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	c = shard_call_find(r->shard, v.call);
	phone_request(&caller, "INFO", "", "");
	pair_wait(p, 1000);
	c->away |= (uint16_t)BIT64(1);
	for (unsigned i = 0; i < 80; i++)
		pair_wait(p, 1000);
	asked = r->save_count;
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 1000);
	assert_in_range(r->save_count - asked, 4, 5);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 6; i++)
		pair_wait(p, 1000);
	assert_int_equal(c->away, 0);
	assert_int_equal(c->legs[1]->dialog.hop.connection, flow_of(p));
}

/* The machine with the NAT says that nobody is there. */
static void refused_behind_nat(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct call_view v;
	uint32_t cursor = 0;
	struct call *c;

	talks_behind_nat(p, &phone, &caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	c = shard_call_find(r->shard, v.call);
	phone_request(&caller, "INFO", "", "");
	pair_wait(p, 10);
	c->away |= (uint16_t)BIT64(1);
	shard_send_failed(r->shard, &c->legs[1]->dialog.hop, ECONNREFUSED, r->now);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_int_equal(c->away, 0);
	assert_int_equal(c->legs[1]->dialog.hop.connection, flow_of(p));
}

/* Nobody knows the process that it was reached by: it is looked for as one whose connection is gone. */
static void flow_is_gone(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	phone_make(&phone, p->nodes[1], "10.0.0.5:5060", "run");
	phone.addr = rig_addr("192.0.2.12:40001");
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_int_equal(last(r, "INVITE ")->hop.connection, flow_of(p));
	/* ... however many are reached by it */
	shard_send_failed(r->shard,
			  &(struct sip_hop){ .connection = flow_of(p), .remote = caller.addr },
			  ENOTCONN, r->now);
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 1);
	phone.addr = rig_addr("192.0.2.12:40002");
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	for (unsigned i = 0; i < 20; i++)
		pair_wait(p, 100);
	assert_true(addr_eq(&last(r, "INVITE ")->hop.remote, &phone.addr));
	assert_int_equal(last(r, "INVITE ")->hop.connection, flow_of(p));
}

/* Its connection dies, and it has come to the other node: what waits for it goes there within a second, and nobody has told that. */
static void comes_back_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_over_tcp(p, &phone, &caller);
	shard_connection_closed(r->shard, &phone.hop, r->now);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, 5);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(count(r, "BYE "), 1);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 2);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* ... and is lost there: it is said until it is heard, as what was said there at first. */
static void bye_is_lost_where_it_went(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_over_tcp(p, &phone, &caller);
	shard_connection_closed(r->shard, &phone.hop, r->now);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 2);
	pair_wait(p, 600);
	assert_int_equal(count(r, "BYE "), 3);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
}

/* In a call at node 0, on a connection of node 1; no NAT stands between. */
static void talks_by_the_other(struct pair *p, struct phone *phone, struct phone *caller)
{
	struct rig *r = p->nodes[0];

	phone_make(phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, phone, 1, 3600), "SIP/2.0 200"));
	phone_open(caller, r, "1001", "192.0.2.11:5060");
	phone_bind(caller);
	call_from(p, 0, caller);
	pair_wait(p, 10);
	phone->r = r;
	phone->addr = last(r, "INVITE ")->hop.remote;
	phone->hop.connection = edge_of(p, 5);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	assert_true(phone_rings(phone).n);
	phone_answer(phone, phone->invite, "200 OK", PHONE_SDP_B);
	serve(p, r);
	assert_true(phone_hears(caller, "SIP/2.0 200").n);
	phone_ack(caller);
	serve(p, r);
	assert_int_equal(rig_counts(r).calls_established, 1);
}

/* A neighbour that cannot be reached is refused at once. A phone that was connected to the other node may have come there anew. */
static void neighbour_comes_back_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, 0);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	pair_wait(p, 10);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* Node 0 is to say BYE by the connection of node 1. */
static struct leg *hangs_up(struct pair *p, struct phone *phone, struct phone *caller)
{
	struct rig *r = p->nodes[0];
	struct call_view v;
	uint32_t cursor = 0;
	struct leg *l;

	talks_by_the_other(p, phone, caller);
	assert_true(shard_call_next(r->shard, &cursor, &v));
	l = shard_call_find(r->shard, v.call)->legs[1];
	phone_request(caller, "BYE", "", "");
	serve(p, r);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	return l;
}

static void bye_is_answered(struct pair *p, struct phone *phone)
{
	struct rig *r = p->nodes[0];

	phone->r = r;
	phone_answer(phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* It registered at an address of another shard, and its dialog goes by ours: that is the same way. */
static void registered_at_anothers_address(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct shard_settings *set = &r->shard->settings;
	struct phone phone, caller;
	struct sip_hop direct;
	struct leg *l = hangs_up(p, &phone, &caller);

	set->networks[1] = set->networks[0];
	set->networks[0].shard = set->number + 1;
	set->network_count = 2;
	set->locals[set->local_count] = set->locals[TCP_LOCAL];
	set->locals[set->local_count].network = 1;
	l->dialog.hop.local = (uint16_t)set->local_count++;
	direct = last(r, "BYE ")->hop;
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 3); /* and by timer E */
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	bye_is_answered(p, &phone);
}

/* Its dialog goes by another address by now than what had left, and waits without a connection. */
static void left_from_another_address(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct leg *l = hangs_up(p, &phone, &caller);

	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	l->dialog.hop.local = TLS_LOCAL;
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	bye_is_answered(p, &phone);
}

/* The store cannot be asked as its connection dies: it is as soon as it is back. */
static void comes_back_while_away(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	(void)hangs_up(p, &phone, &caller);
	rig_degraded(r, true);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	rig_wait_ms(r, 10);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ECONNREFUSED, r->now);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	rig_wait_ms(r, 1000);
	rig_degraded(r, false);
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 7));
	bye_is_answered(p, &phone);
}

/* The other node was not heard for a while: what waits is said again by the same connection. */
static void other_is_heard_again(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct sip_hop direct;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	/* its process is not heard: the transport has tried to connect to the phone (transport.c) */
	direct = last(r, "BYE ")->hop;
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	assert_int_equal(count(r, "BYE "), 1);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 3); /* and by timer E */
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	/* nothing has failed since: by timer E alone */
	pair_wait(p, 1000);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 4);
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "BYE ")->data), "200 OK", "");
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 0);
}

/* The way there broke, and it was not sent: we connect to the phone, and say it once more by its connection. */
static void way_to_the_other_breaks(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_by_the_other(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, EHOSTUNREACH, r->now);
	assert_int_equal(count(r, "BYE "), 1);
	pair_wait(p, 10);
	assert_int_equal(count(r, "BYE "), 3);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	pair_wait(p, 2000);
	assert_int_equal(count(r, "BYE "), 5); /* by timer E */
}

/* ... or nobody knows that it did not arrive: a BYE is said until it is heard, and what follows something else shows that. */
static void bye_is_lost_on_the_way(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	(void)hangs_up(p, &phone, &caller);
	pair_wait(p, 600);
	assert_int_equal(count(r, "BYE "), 2);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 5));
	bye_is_answered(p, &phone);
	pair_wait(p, 2000);
	assert_int_equal(count(r, "BYE "), 2);
}

/* ... also who rings: a node that has just begun, and has taken the call, has heard nobody yet. */
static void rings_at_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct sip_hop direct;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	direct = last(r, "INVITE ")->hop;
	assert_int_equal(direct.connection, edge_of(p, 5));
	direct.connection = 0;
	shard_send_failed(r->shard, &direct, ECONNREFUSED, r->now);
	pair_wait(p, 1000);
	assert_int_equal(rig_counts(r).calls, 1);
	assert_int_equal(count(r, "INVITE "), 3); /* and by timer A */
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
}

static void node_is_followed(struct pair *p)
{
	struct rig *r = p->nodes[0];
	struct text record = { 0 };
	const char *reason = "";

	assert_int_equal(text_set(&record, text_bytes(&rig_stored(r)->record)), 0);
	shard_close(r->shard);
	rig_start_shard(r);
	assert_int_equal(shard_restore_call(r->shard, text_bytes(&record), r->now, &reason), 0);
	shard_resume(r->shard, r->now);
	pair_wait(p, 10);
	text_clear(&record);
}

/* The connection of whom a node has asked that was killed ended with another one: it may ring, and is waited for. */
static void rings_behind_a_kill(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	struct text via = { 0 };

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	assert_int_equal(text_set(&via, rig_header(text_bytes(&last(r, "INVITE ")->data), "Via")),
			 0);
	node_is_followed(p);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ENOTCONN, r->now);
	rig_drain(r);
	assert_int_equal(last(r, "INVITE ")->hop.connection, 0);
	shard_send_failed(r->shard, &last(r, "INVITE ")->hop, ECONNREFUSED, r->now);
	pair_wait(p, 10);
	assert_int_equal(rig_counts(r).calls, 1);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 7));
	assert_true(bytes_eq(rig_header(text_bytes(&last(r, "INVITE ")->data), "Via"),
			     text_bytes(&via))); /* the same, and no other call */
	assert_int_equal(count(r, "SIP/2.0 480"), 0);
	text_clear(&via);
}

/* Who watches by a connection of the other node comes there anew: it is told there. */
static void watches_by_the_other(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	phone.r = r;
	phone.hop.connection = edge_of(p, 5);
	phone_begin(&phone, "1002");
	phone_request(&phone, "SUBSCRIBE", "Event: reg\r\n", "");
	serve(p, r);
	pair_wait(p, 10);
	assert_int_equal(last(r, "NOTIFY ")->hop.connection, edge_of(p, 5));
	shard_send_failed(r->shard, &last(r, "NOTIFY ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(last(r, "NOTIFY ")->hop.connection, 0);
	shard_send_failed(r->shard, &last(r, "NOTIFY ")->hop, ECONNREFUSED, r->now);
	pair_wait(p, 10);
	connect_phone(&phone, SIP_TCP, 7);
	assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	pair_wait(p, 1000);
	assert_int_equal(last(r, "NOTIFY ")->hop.connection, edge_of(p, 7));
}

/* An INVITE is said until it is heard, too: given up before that it could not be cancelled (RFC 3261 9.1). */
static void invite_is_lost_on_the_way(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	phone_make(&phone, p->nodes[1], "192.0.2.12:5060", "run");
	connect_phone(&phone, SIP_TCP, 5);
	assert_true(bytes_starts(come_to(p, &phone, 1, 3600), "SIP/2.0 200"));
	call_from(p, 0, &caller);
	pair_wait(p, 10);
	phone_cancel(&caller);
	pair_wait(p, 600);
	assert_int_equal(count(r, "INVITE "), 2);
	assert_int_equal(last(r, "INVITE ")->hop.connection, edge_of(p, 5));
	assert_int_equal(count(r, "CANCEL "), 0);
	phone.r = r;
	phone_answer(&phone, text_bytes(&last(r, "INVITE ")->data), "180 Ringing", "");
	pair_wait(p, 10);
	assert_int_equal(count(r, "CANCEL "), 1);
	assert_int_equal(count(r, "INVITE "), 2);
}

/* It went there twice meanwhile: by what its dialog calls it. */
static void comes_back_twice(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;

	talks_over_tcp(p, &phone, &caller);
	for (uint64_t connection = 7; connection < 9; connection++) {
		connect_phone(&phone, SIP_TCP, connection);
		assert_true(bytes_starts(come_to(p, &phone, 1, 90), "SIP/2.0 200"));
	}
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 10);
	assert_int_equal(last(r, "BYE ")->hop.connection, edge_of(p, 8));
}

/* Another phone of the same user, on the same machine, is not it. */
static void another_one_comes(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller, other;

	talks_over_tcp(p, &phone, &caller);
	phone_make(&other, p->nodes[1], "10.0.0.6:5070", "other");
	for (uint64_t connection = 7; connection < 9; connection++) {
		connect_phone(&other, SIP_TCP, connection);
		other.hop.inbound = false; /* no NAT stands between */
		assert_true(bytes_starts(come_to(p, &other, 1, 90), "SIP/2.0 200"));
	}
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	pair_wait(p, 1000);
	assert_int_equal(count(r, "BYE "), 1);
}

/* Nothing waits for ever, nor asks. */
static void does_not_come_back(void **state)
{
	struct pair *p = *state;
	struct rig *r = p->nodes[0];
	struct phone phone, caller;
	uint32_t asked;

	talks_over_tcp(p, &phone, &caller);
	phone_request(&caller, "BYE", "", "");
	serve(p, r);
	shard_send_failed(r->shard, &last(r, "BYE ")->hop, ENOTCONN, r->now);
	for (unsigned i = 0; i < 35; i++)
		pair_wait(p, 1000);
	assert_int_equal(rig_counts(r).calls, 0);
	asked = r->save_count;
	for (unsigned i = 0; i < 5; i++)
		pair_wait(p, 1000);
	assert_int_equal(r->save_count, asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(held_by_the_other),
		TEST(behind_nat_of_the_other),
		EDGES_TEST(neighbour_comes_back_at_the_other),
		EDGES_TEST(other_is_heard_again),
		EDGES_TEST(registered_at_anothers_address),
		EDGES_TEST(left_from_another_address),
		EDGES_TEST(comes_back_while_away),
		EDGES_TEST(way_to_the_other_breaks),
		EDGES_TEST(bye_is_lost_on_the_way),
		EDGES_TEST(rings_at_the_other),
		EDGES_TEST(invite_is_lost_on_the_way),
		EDGES_TEST(rings_behind_a_kill),
		EDGES_TEST(watches_by_the_other),
		EDGES_TEST(comes_back_at_the_other),
		EDGES_TEST(bye_is_lost_where_it_went),
		EDGES_TEST(comes_back_twice),
		EDGES_TEST(another_one_comes),
		EDGES_TEST(does_not_come_back),
		EDGES_TEST(listens_perhaps),
		EDGES_TEST(moves_behind_nat),
		EDGES_TEST(flow_is_gone),
		EDGES_TEST(refused_behind_nat),
		EDGES_TEST(comes_late_behind_nat),
		TEST(named_and_held_by_the_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
