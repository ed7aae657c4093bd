/* SPDX-License-Identifier: Apache-2.0 */
/* Calls from the first INVITE to the last BYE, seen from the phones. */
#include "../test.h"
#include "phone.h"

struct line {
	struct rig *r;
	struct phone a, b;
};

static int setup(void **state)
{
	struct line *l = calloc(1, sizeof(*l));

	l->r = rig_open();
	phones_open(l->r, &l->a, &l->b);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct line *l = *state;

	rig_close(l->r);
	free(l);
	return 0;
}

static void assert_all_gone(struct rig *r)
{
	struct shard_counts c;

	rig_wait_ms(r, 70000);
	c = rig_counts(r);
	assert_int_equal(c.calls, 0);
	assert_int_equal(c.calls_established, 0);
	assert_int_equal(c.txns, 0);
	assert_int_equal(c.ports_free, 100);
	assert_int_equal(c.saves_pending, 0);
}

/* RFC 3665 3.1 through a B2BUA. */
static void full_call(void **state)
{
	struct line *l = *state;
	struct bytes m;

	phone_invite(&l->a, "1002", PHONE_SDP_A);
	assert_true(phone_hears(&l->a, "SIP/2.0 100").n);
	m = phone_rings(&l->b);
	assert_true(m.n);
	assert_true(bytes_starts(m, "INVITE sip:1002@192.0.2.12:5060 SIP/2.0\r\n"));
	assert_true(rig_has(m, "Max-Forwards: 69\r\n"));
	assert_true(rig_has(m, "From: \"Phone\" <sip:1001@192.0.2.1:5060>;tag="));
	assert_true(rig_has(m, "c=IN IP4 192.0.2.1\r\n"));
	assert_false(rig_has(m, "192.0.2.11"));
	phone_answer(&l->b, m, "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
	phone_answer(&l->b, m, "200 OK", PHONE_SDP_B);
	assert_true(rig_take(l->r, &l->b.addr, "ACK ").n);
	m = phone_hears(&l->a, "SIP/2.0 200");
	assert_true(rig_has(m, "c=IN IP4 192.0.2.1\r\n"));
	assert_false(rig_has(m, "192.0.2.12"));
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
	rig_wait_ms(l->r, 5000);
	phone_request(&l->a, "BYE", "Reason: Q.850;cause=16\r\n", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	m = rig_take(l->r, &l->b.addr, "BYE ");
	assert_true(rig_has(m, "Reason: Q.850;cause=16\r\n"));
	phone_answer(&l->b, m, "200 OK", "");
	assert_int_equal(l->r->cdr_count, 1);
	assert_int_equal(l->r->cdrs[0].sip_status, 200);
	assert_int_equal(l->r->cdrs[0].q850, 16);
	assert_int_equal(l->r->cdrs[0].ended_by, ENDED_BY_A);
	assert_int_equal(l->r->cdrs[0].a.packets_in, 50);
	assert_int_equal(l->r->cdrs[0].b.packets_in, 51);
	assert_int_equal(l->r->cdrs[0].end_utc_ms - l->r->cdrs[0].answer_utc_ms, 5000);
	assert_string_equal(l->r->cdrs[0].from, "1001");
	assert_string_equal(l->r->cdrs[0].to, "1002");
	assert_int_equal(rig_counts(l->r).calls, 0);
	assert_all_gone(l->r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(full_call, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
