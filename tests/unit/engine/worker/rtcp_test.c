/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/video.h"
#include "tests/unit/engine/rig.h"

enum { SSRC_A = 0x1001, SSRC_B = 0x1002 };

/* An SR of `sender` with one report block on `about`. */
static struct bytes sender_report(uint8_t out[64], uint32_t sender, uint32_t timestamp,
				  uint32_t about, uint32_t highest)
{
	struct writer w = writer_over(out, 64);

	writer_u8(&w, 0x81);
	writer_u8(&w, RTCP_TYPE_SR);
	writer_be16(&w, 12);
	writer_be32(&w, sender);
	writer_be64(&w, 0x0102030405060708); /* NTP */
	writer_be32(&w, timestamp);
	writer_be32(&w, 1000); /* packets, octets */
	writer_be32(&w, 160000);
	writer_be32(&w, about);
	writer_be32(&w, 0x0a000005); /* lost */
	writer_be32(&w, highest);
	writer_be32(&w, 33); /* jitter, LSR, DLSR */
	writer_be32(&w, 44);
	writer_be32(&w, 55);
	return writer_done(&w);
}

static struct bytes bye(uint8_t out[8], uint32_t sender)
{
	struct writer w = writer_over(out, 8);

	writer_be32(&w, 0x81cb0001);
	writer_be32(&w, sender);
	return writer_done(&w);
}

static const struct sim_packet *relay_rtcp(struct rig *r, int side, enum channel c, struct bytes in)
{
	struct addr from = c == CHANNEL_RTP ? party(side) : party_rtcp(side);

	put_bytes(r, side, c, &from, in);
	worker_step(&r->w);
	return port_sim_sent(r->sim);
}

/* Both parties have sent, with offsets that are not zero: each changed its source once. */
static struct rig *rig_talking(void)
{
	struct rig *r = rig_open();

	for (int side = A; side <= B; side++) {
		assert_non_null(relay_rtp(r, side, &(struct rtp){ .ssrc = 5, .sequence = 50000 }));
		assert_non_null(relay_rtp(r, side,
					  &(struct rtp){ .ssrc = SSRC_A + (uint32_t)side,
							 .sequence = 100,
							 .timestamp = 1000 }));
	}
	return r;
}

static void speaks_of_streams_as_the_other_party_knows_them(void **state)
{
	struct rig *r = rig_talking();
	struct flow *a = flow_of(r, A), *b = flow_of(r, B);
	uint8_t memory[64];
	/* A reports on what we send to it (0xaaaa), of which it has B's packet 100 as 50001 */
	const struct sim_packet *out =
		relay_rtcp(r, A, CHANNEL_RTCP,
			   sender_report(memory, SSRC_A, 1000, 0xaaaa, 0x00020000 + 50001));
	struct addr to = party_rtcp(B);

	(void)state;
	assert_non_null(out);
	assert_int_equal(out->slot, B);
	assert_int_equal(out->channel, CHANNEL_RTCP);
	assert_true(addr_eq(&out->remote, &to));
	assert_int_equal(be32_get(out->data + 4), 0xbbbb);
	assert_int_equal(be32_get(out->data + 16), 1000 + a->source.timestamp_offset);
	assert_int_equal(be32_get(out->data + 28), SSRC_B);
	assert_int_equal(be16_get(out->data + 38), 100);
	assert_int_not_equal(a->source.timestamp_offset, 0);
	assert_int_equal(b->source.sequence_offset, 50001 - 100);
	assert_int_equal(a->stats.rtcp_in, 1);
	assert_int_equal(b->stats.rtcp_out, 1);
	rig_close(r);
}

/* An echo: what the party says of our stream is what it hears of its own, so that loss and round trip are those of the whole way. */
static void a_flow_that_is_its_own_peer(void **state)
{
	struct rig *r = rig_open();
	struct flow *a = flow_of(r, A);
	const struct sim_packet *out;
	uint8_t memory[64];
	struct addr to = party_rtcp(A);

	(void)state;
	r->spec[A].peer = r->spec[A].id;
	rig_update(r, &r->spec[A]);
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 5, .sequence = 50000 }));
	assert_non_null(relay_rtp(
		r, A, &(struct rtp){ .ssrc = SSRC_A, .sequence = 100, .timestamp = 1000 }));
	out = relay_rtcp(r, A, CHANNEL_RTCP,
			 sender_report(memory, SSRC_A, 1000, 0xaaaa, 0x00020000 + 50001));
	assert_non_null(out);
	assert_true(addr_eq(&out->remote, &to));
	assert_int_equal(be32_get(out->data + 4), 0xaaaa);
	assert_int_equal(be32_get(out->data + 16), 1000 + a->source.timestamp_offset);
	assert_int_equal(be32_get(out->data + 28), SSRC_A);
	assert_int_equal(be16_get(out->data + 38), 100);
	rig_close(r);
}

/* RFC 5761: one side muxes, the other does not. */
static void goes_to_where_the_party_wants_it(void **state)
{
	struct rig *r = rig_open();
	struct addr to = party(B);
	uint8_t memory[64];
	const struct sim_packet *out;

	(void)state;
	r->spec[B].rtcp_mux = 1;
	rig_update(r, &r->spec[B]);
	out = relay_rtcp(r, A, CHANNEL_RTCP, sender_report(memory, SSRC_A, 0, 1, 1));
	assert_non_null(out);
	assert_int_equal(out->channel, CHANNEL_RTP);
	assert_true(addr_eq(&out->remote, &to));
	to = party_rtcp(A);
	out = relay_rtcp(r, B, CHANNEL_RTP, sender_report(memory, SSRC_B, 0, 1, 1));
	assert_non_null(out);
	assert_int_equal(out->channel, CHANNEL_RTCP);
	assert_true(addr_eq(&out->remote, &to));
	rig_close(r);
}

static void a_latched_source_is_answered(void **state)
{
	struct rig *r = rig_open();
	struct addr rtp = rig_addr("192.0.2.20:61000"), nat = rig_addr("192.0.2.20:61001");
	uint8_t memory[64];
	struct bytes report = sender_report(memory, SSRC_B, 0, 1, 1);

	(void)state;
	put_rtp_from(r, B, &rtp, &(struct rtp){ .ssrc = SSRC_B });
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	put_bytes(r, B, CHANNEL_RTCP, &nat, report);
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	report = sender_report(memory, SSRC_A, 0, 1, 1);
	assert_true(addr_eq(&relay_rtcp(r, A, CHANNEL_RTCP, report)->remote, &nat));
	rig_close(r);
}

static const struct drop {
	const char *name;
	enum channel channel;
	enum verdict verdict;
	struct {
		bool mux, cut, no_peer, no_destination, stranger, unknown;
	} how;
} DROPS[] = {
	{ "RTCP on the RTP port, not muxed", CHANNEL_RTP, VERDICT_WRONG_PORT, { 0 } },
	{ "RTCP on the RTCP port, muxed", CHANNEL_RTCP, VERDICT_WRONG_PORT, { .mux = true } },
	{ "cut", CHANNEL_RTCP, VERDICT_MALFORMED, { .cut = true } },
	{ "no peer", CHANNEL_RTCP, VERDICT_NO_PEER, { .no_peer = true } },
	{ "no address", CHANNEL_RTCP, VERDICT_NO_DESTINATION, { .no_destination = true } },
	{ "a stranger", CHANNEL_RTCP, VERDICT_SOURCE_NOT_LATCHED, { .stranger = true } },
	{ "of a source that is over", CHANNEL_RTCP, VERDICT_UNKNOWN_SSRC, { .unknown = true } },
};

static void drops_with_a_reason(void **state)
{
	const struct drop *row;

	(void)state;
	EACH_ROW(row, DROPS)
	{
		struct rig *r = rig_talking();
		struct addr from = row->how.stranger             ? rig_addr("203.0.113.1:4001")
				   : row->channel == CHANNEL_RTP ? party(A)
								 : party_rtcp(A);
		uint8_t memory[64];
		struct bytes in = sender_report(memory, row->how.unknown ? 5 : SSRC_A, 0, 1, 1);

		r->spec[A].rtcp_mux = row->how.mux;
		if (row->how.no_peer)
			r->spec[A].peer = (struct flow_id){ 0 };
		if (row->how.no_destination)
			r->spec[B].remote_rtp = r->spec[B].remote_rtcp = (struct addr){ 0 };
		if (row->how.cut)
			in.n -= 4;
		rig_update(r, &r->spec[A]);
		rig_update(r, &r->spec[B]);
		put_bytes(r, A, row->channel, &from, in);
		worker_step(&r->w);
		ROW_ASSERT(row->name, port_sim_sent(r->sim) == NULL);
		ROW_ASSERT(row->name, dropped(r, row->verdict) == 1);
		rig_close(r);
	}
}

/* The BYE of the source before is not the end of the stream that its successor feeds. */
static void a_late_bye_is_not_passed_on(void **state)
{
	struct rig *r = rig_talking();
	uint8_t memory[8];
	const struct sim_packet *out;

	(void)state;
	assert_null(relay_rtcp(r, A, CHANNEL_RTCP, bye(memory, 5)));
	out = relay_rtcp(r, A, CHANNEL_RTCP, bye(memory, SSRC_A));
	assert_non_null(out);
	assert_int_equal(be32_get(out->data + 4), 0xbbbb);
	rig_close(r);
}

static void a_party_that_only_listens_reports_too(void **state)
{
	struct rig *r = rig_open();
	uint8_t memory[64];
	const struct sim_packet *out;

	(void)state;
	assert_non_null(relay_rtp(r, B, &(struct rtp){ .ssrc = SSRC_B, .sequence = 7 }));
	out = relay_rtcp(r, A, CHANNEL_RTCP, sender_report(memory, 0x4242, 0, 0xaaaa, 7));
	assert_non_null(out);
	assert_int_equal(be32_get(out->data + 4), 0xbbbb);
	assert_int_equal(be32_get(out->data + 28), SSRC_B);
	rig_close(r);
}

static void goes_on_during_hold(void **state)
{
	struct rig *r = rig_talking();
	uint8_t memory[64];

	(void)state;
	r->spec[A].receive = r->spec[A].send = 0;
	r->spec[B].receive = r->spec[B].send = 0;
	rig_update(r, &r->spec[A]);
	rig_update(r, &r->spec[B]);
	assert_non_null(relay_rtcp(r, A, CHANNEL_RTCP, sender_report(memory, SSRC_A, 0, 1, 1)));
	rig_close(r);
}

static bool feedback_is_offered(struct rig *r, int side, uint32_t source)
{
	const struct sim_packet *p;
	bool asked = false;

	advance_ms(r, 300);
	worker_step(&r->w);
	while ((p = port_sim_sent(r->sim)) != NULL) {
		struct bytes rtcp = bytes_mem(p->data, p->length);

		assert_int_equal(p->slot, side);
		assert_int_equal(p->channel, CHANNEL_RTCP);
		assert_int_equal(rtcp_check(rtcp), 0);
		asked |= keyframe_is_requested(rtcp, source);
	}
	return asked;
}

/* Whoever sees the party from now on needs a picture to begin with. */
static void another_one_sees_it(void **state)
{
	static const struct flow_id other = { .slot = 3, .generation = 9 };
	struct rig *r = rig_open_empty(64);
	struct flow_spec spec;

	(void)state;
	for (int side = A; side <= B; side++) {
		r->spec[side] = rig_spec(side);
		r->spec[side].kind = MEDIA_VIDEO;
		rig_open_flow(r, &r->spec[side]);
	}
	spec = r->spec[A];
	spec.peer = other;
	rig_update(r, &spec);
	assert_false(feedback_is_offered(r, A, SSRC_A)); /* it says nothing yet */
	rig_update(r, &r->spec[A]);
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = SSRC_A, .sequence = 1 }));
	rig_update(r, &r->spec[A]);
	assert_false(feedback_is_offered(r, A, SSRC_A)); /* the same one */
	rig_update(r, &spec);
	assert_true(feedback_is_offered(r, A, SSRC_A));
	assert_false(feedback_is_offered(r, A, SSRC_A));
	spec.peer = (struct flow_id){ 0 };
	rig_update(r, &spec);
	assert_false(feedback_is_offered(r, A, SSRC_A)); /* nobody does */
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_of_streams_as_the_other_party_knows_them),
		cmocka_unit_test(a_flow_that_is_its_own_peer),
		cmocka_unit_test(goes_to_where_the_party_wants_it),
		cmocka_unit_test(a_latched_source_is_answered),
		cmocka_unit_test(drops_with_a_reason),
		cmocka_unit_test(a_late_bye_is_not_passed_on),
		cmocka_unit_test(a_party_that_only_listens_reports_too),
		cmocka_unit_test(another_one_sees_it),
		cmocka_unit_test(goes_on_during_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
