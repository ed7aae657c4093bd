/* SPDX-License-Identifier: Apache-2.0 */
/* A phone with several flows (RFC 5626): it rings once, over the next one when that is not heard. */
#include <errno.h>

#include "tests/unit/sig/wired.h"

#define INSTANCE "<urn:uuid:00000000-0000-1000-8000-aabbccddeeff>"

/* B registers a flow over that connection; 9 is another phone. */
static void register_flow(struct line *l, uint64_t connection, unsigned reg_id)
{
	struct phone *b = &l->b;

	connect_phone(b, SIP_TCP, connection);
	(void)snprintf(b->address, sizeof(b->address), "10.0.0.5:%u", 5060 + (unsigned)connection);
	(void)snprintf(b->registration, sizeof(b->registration), "run-%u", (unsigned)connection);
	(void)snprintf(b->contact_params, sizeof(b->contact_params),
		       ";reg-id=%u;+sip.instance=\"%s\"", reg_id,
		       connection == 9 ? "<urn:other>" : INSTANCE);
	assert_true(bytes_starts(log_in(b, "Supported: outbound, path\r\n"), "SIP/2.0 200"));
}

static void open_flows(struct line *l)
{
	for (unsigned i = 1; i <= 3; i++)
		register_flow(l, 4 + i, i);
	assert_int_equal(locations_find(l->r->locations, TENANT_DEFAULT, BYTES_LIT("1002"))->count,
			 3);
}

static void answer_on(struct line *l, uint64_t connection, const char *status, const char *body)
{
	struct bytes invite = text_bytes(&last(l->r, "INVITE ")->data);

	connect_phone(&l->b, SIP_TCP, connection);
	(void)snprintf(l->b.tag, sizeof(l->b.tag), "on%u", (unsigned)connection);
	phone_answer(&l->b, invite, status, body);
}

/* The newest rings alone; the others in their order, each once, and who calls hears nothing of it. */
static void next_on_430(void **state)
{
	struct line *l = *state;

	open_flows(l);
	register_flow(l, 9, 1);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_int_equal(count(l->r, "INVITE "), 2);
	assert_on(last(l->r, "INVITE "), 7);
	answer_on(l, 7, "430 Flow Failed", "");
	assert_int_equal(count(l->r, "INVITE "), 3);
	assert_on(last(l->r, "INVITE "), 6);
	answer_on(l, 6, "408 Request Timeout", "");
	assert_on(last(l->r, "INVITE "), 5);
	answer_on(l, 5, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	answer_on(l, 5, "200 OK", PHONE_SDP_B);
	assert_int_equal(count(l->r, "INVITE "), 4);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

/* What the instance says itself counts (RFC 5626 7). */
static void busy_is_an_answer(void **state)
{
	struct line *l = *state;

	open_flows(l);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	answer_on(l, 7, "486 Busy Here", "");
	assert_int_equal(count(l->r, "INVITE "), 1);
	assert_true(phone_hears(&l->a, "SIP/2.0 486").n);
}

/* RFC 5626 11.5: nobody hears 430. */
static void all_fail(void **state)
{
	struct line *l = *state;

	open_flows(l);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	for (uint64_t connection = 7; connection >= 5; connection--)
		answer_on(l, connection, "430 Flow Failed", "");
	assert_int_equal(count(l->r, "INVITE "), 3);
	assert_true(phone_hears(&l->a, "SIP/2.0 480").n);
	assert_int_equal(count(l->r, "SIP/2.0 430"), 0);
}

/* A connection that is gone is waited for only where there is no other way. */
static void next_when_closed(void **state)
{
	struct line *l = *state;
	struct sip_hop hop;

	open_flows(l);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	hop = last(l->r, "INVITE ")->hop;
	shard_connection_closed(l->r->shard, &hop, l->r->now);
	rig_run(l->r);
	shard_send_failed(l->r->shard, &last(l->r, "INVITE ")->hop, ENOTCONN, l->r->now);
	rig_run(l->r);
	assert_on(last(l->r, "INVITE "), 6);
	answer_on(l, 6, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
}

/* Known to be gone before the call: it is not the first one that is asked. */
static void closed_before(void **state)
{
	struct line *l = *state;

	open_flows(l);
	connect_phone(&l->b, SIP_TCP, 7);
	shard_connection_closed(l->r->shard, &l->b.hop, l->r->now);
	rig_run(l->r);
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_int_equal(count(l->r, "INVITE "), 1);
	assert_on(last(l->r, "INVITE "), 6);
}

/* A successor asks the phone once, too. */
static void killed_between(void **state)
{
	struct line *l = *state;

	open_flows(l);
	l->r->hold_saves = true;
	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_int_equal(count(l->r, "INVITE "), 0);
	l->r->hold_saves = false;
	rig_run(l->r);
	assert_int_equal(count(l->r, "INVITE "), 1);
	answer_on(l, 7, "430 Flow Failed", "");
	assert_true(rig_record(l->r)->answered);
	assert_int_equal(count(l->r, "INVITE "), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(next_on_430),      TEST(busy_is_an_answer), TEST(all_fail),
		TEST(next_when_closed), TEST(closed_before),     TEST(killed_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
