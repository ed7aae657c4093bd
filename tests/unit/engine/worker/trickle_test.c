/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/worker/latch.h"
#include "tests/unit/engine/rig.h"

/* A speaks that often for so long; how many packets left for B. */
static uint32_t sent_while(struct rig *r, uint32_t per_s, uint32_t seconds, uint16_t *sequence)
{
	uint32_t sent = 0;

	for (uint32_t i = 0; i < per_s * seconds; i++) {
		put_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = (*sequence)++ });
		worker_step(&r->w);
		for (const struct sim_packet *p; (p = port_sim_sent(r->sim)) != NULL;)
			sent += p->slot == B && p->channel == CHANNEL_RTP;
		r->sim->now_ns += NS_PER_S / per_s;
	}
	return sent;
}

/* Sound of 20 ms frames passes, more does not: who asks for media for others gets little. */
static void a_party_that_was_not_heard_gets_a_trickle(void **state)
{
	struct rig *r = rig_open();
	uint16_t sequence = 0;

	(void)state;
	assert_int_equal(sent_while(r, 50, 10, &sequence), 500);
	assert_in_range(sent_while(r, 500, 10, &sequence), 10 * TRICKLE_PER_S, 11 * TRICKLE_PER_S);
	assert_true(dropped(r, VERDICT_UNHEARD) > 0);
	/* one packet of it, and all leaves */
	assert_non_null(relay_rtp(r, B, &(struct rtp){ .ssrc = 2 }));
	assert_int_equal(sent_while(r, 500, 2, &sequence), 1000);
	rig_close(r);
}

/* An address that SDP alone names is given up. */
static void an_unproven_address_gets_so_much_and_no_more(void **state)
{
	struct rig *r = rig_open();
	uint16_t sequence = 0;

	(void)state;
	r->spec[B].unproven = 1;
	rig_update(r, &r->spec[B]);
	assert_int_equal(sent_while(r, 50, 100, &sequence), TRICKLE_MAX);
	rig_update(r, &r->spec[B]); /* what changes nothing gives no more */
	assert_int_equal(sent_while(r, 50, 1, &sequence), 0);
	r->spec[B].remote_rtp.port++;
	rig_update(r, &r->spec[B]);
	assert_int_equal(sent_while(r, 50, 1, &sequence), 50);
	rig_close(r);
}

/* RTCP is heard, too. */
static void rtcp_counts(void **state)
{
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct rig *r = rig_open();
	struct addr rtcp = party_rtcp(B), a = party_rtcp(A);
	uint32_t sent = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		put_bytes(r, A, CHANNEL_RTCP, &a, bytes_mem(RR, sizeof(RR)));
		worker_step(&r->w);
		while (port_sim_sent(r->sim))
			sent++;
	}
	assert_int_equal(sent, TRICKLE_PER_S);
	put_bytes(r, B, CHANNEL_RTCP, &rtcp, bytes_mem(RR, sizeof(RR)));
	worker_step(&r->w);
	assert_true(flow_has_received(flow_of(r, B)));
	rig_close(r);
}

static uint32_t silences(struct rig *r, uint32_t ms)
{
	uint32_t n = 0;

	for (uint32_t t = 0; t < ms; t += 250) {
		r->sim->now_ns += 250 * NS_PER_MS;
		worker_step(&r->w);
		n += rig_events(r, MEDIA_FLOW_SILENT);
	}
	return n;
}

/* a=recvonly: a party that says nothing at all has to be heard once, or media went to somebody else for ever. */
static void who_only_listens_is_heard_once(void **state)
{
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct rig *r = rig_open();
	struct addr rtcp = party_rtcp(B);

	(void)state;
	r->spec[B].receive = 0;
	r->spec[B].silence_ms = 10000;
	rig_update(r, &r->spec[B]);
	assert_int_equal(silences(r, 9500), 0);
	assert_int_equal(silences(r, 1000), 1);
	put_bytes(r, B, CHANNEL_RTCP, &rtcp, bytes_mem(RR, sizeof(RR)));
	worker_step(&r->w);
	assert_int_equal(silences(r, 60000), 0);
	rig_close(r);
}

/* What comes faster than any codec sends is a loop, or a flood: the rest is dropped, and a party that slows down is heard again. */
static void a_party_that_sends_too_fast(void **state)
{
	struct rig *r = rig_open();
	uint16_t sequence = 0;
	uint32_t sent;

	(void)state;
	rig_hear(r, B);
	sent = sent_while(r, 12000, 2, &sequence);
	assert_in_range(sent, PARTY_SOUND_PER_S, 2 * PARTY_SOUND_PER_S + 12000 / 4);
	assert_true(dropped(r, VERDICT_TOO_FAST) > 12000);
	(void)sent_while(r, 50, 1, &sequence);
	assert_int_equal(sent_while(r, 50, 5, &sequence), 250);
	assert_int_equal(flow_of(r, A)->receive, FLOW_RECEIVE);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_party_that_was_not_heard_gets_a_trickle),
		cmocka_unit_test(an_unproven_address_gets_so_much_and_no_more),
		cmocka_unit_test(rtcp_counts),
		cmocka_unit_test(who_only_listens_is_heard_once),
		cmocka_unit_test(a_party_that_sends_too_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
