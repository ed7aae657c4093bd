/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP through all stages: the parties are libsrtp2's. */
#include "tests/unit/engine/worker/secure_rig.h"

static const enum media_suite SUITES[] = { MEDIA_SUITE_NONE, SUITE_80, SUITE_32, GCM_128, GCM_256 };

static uint8_t tag_octets(enum media_suite suite)
{
	if (suite == GCM_128 || suite == GCM_256)
		return 16;
	return suite == SUITE_80 ? 10 : suite == SUITE_32 ? 4 : 0;
}

static void rtp_passes(struct secure_rig *x, int side, const enum media_suite suite[2])
{
	struct flow_stats in, out;

	for (uint16_t i = 0; i < 50; i++) {
		struct rtp rtp = { .ssrc = 1,
				   .sequence = (uint16_t)(65500 + i),
				   .payload = "spoken" };
		struct packet p;

		assert_true(relayed(x, side, &rtp, &p));
		assert_int_equal(p.n, 18);
		assert_memory_equal(p.p + 12, "spoken", 6);
		assert_int_equal(be32_get(p.p + 8), x->r->spec[side ^ 1].ssrc_out);
	}
	in = flow_stats_read(flow_of(x->r, side));
	out = flow_stats_read(flow_of(x->r, side ^ 1));
	assert_int_equal(in.packets_in, 50);
	assert_int_equal(in.octets_in, 50 * (18 + tag_octets(suite[side])));
	assert_int_equal(out.packets_out, 50);
	assert_int_equal(out.octets_out, 50 * (18 + tag_octets(suite[side ^ 1])));
	assert_int_equal(in.dropped, 0);
}

static void rtcp_passes(struct secure_rig *x, int side)
{
	uint8_t plain[64];
	struct packet p;
	size_t n;

	assert_int_equal(hex_decode(bytes_str("80c9000100000001"), plain, sizeof(plain), &n), 0);
	for (int i = 0; i < 3; i++) {
		p = made(x, side, CHANNEL_RTCP, bytes_mem(plain, n));
		put(x, side, CHANNEL_RTCP, &p);
		worker_step(&x->r->w);
		assert_true(heard_on(x, side ^ 1, CHANNEL_RTCP, &p));
		assert_int_equal(p.n, n);
		assert_int_equal(be32_get(p.p + 4), x->r->spec[side ^ 1].ssrc_out);
	}
	assert_int_equal(flow_of(x->r, side)->stats.rtcp_in, 3);
	assert_int_equal(flow_of(x->r, side ^ 1)->stats.rtcp_out, 3);
}

/* ---- what passes ---- */

static void any_pair_of_suites_is_relayed(void **state)
{
	(void)state;
	for (size_t a = 0; a < COUNT_OF(SUITES); a++) {
		for (size_t b = 0; b < COUNT_OF(SUITES); b++) {
			const enum media_suite suite[2] = { SUITES[a], SUITES[b] };
			struct secure_rig x = secure_open(suite[A], suite[B]);

			rig_hear(x.r, B);
			for (int side = A; side <= B; side++) {
				rtp_passes(&x, side, suite);
				rtcp_passes(&x, side);
			}
			secure_close(&x);
		}
	}
}

/* Each way may be of its own: as while an answer is under way. */
static void one_way_alone_may_be_secure(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct packet p;

	(void)state;
	(void)srtp_dealloc(x.party[A].in);
	x.party[A].in = NULL;
	x.r->spec[A].key_out = (struct media_key){ 0 };
	rig_update(x.r, &x.r->spec[A]);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1 }, &p));
	assert_true(relayed(&x, B, &(struct rtp){ .ssrc = 2 }, &p));
	assert_memory_equal(p.p + 12, "voice", 5);
	secure_close(&x);
}

/* The last octet of an encrypted packet says nothing about padding; of a plain one it does. */
static void padding_is_judged_when_plain(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	uint8_t plain[] = { 0xa0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 0, 2 };
	struct packet p;

	(void)state;
	rig_hear(x.r, B);
	for (uint8_t i = 0; i < 100; i++) {
		plain[3] = i;
		p = made(&x, A, CHANNEL_RTP, bytes_mem(plain, sizeof(plain)));
		put(&x, A, CHANNEL_RTP, &p);
		worker_step(&x.r->w);
		assert_true(heard(&x, B, &p));
		assert_memory_equal(p.p + 12, plain + 12, 4);
	}
	plain[15] = 5;
	assert_int_equal(dropped(x.r, VERDICT_MALFORMED), 0);
	plain[3] = 101;
	p = made(&x, A, CHANNEL_RTP, bytes_mem(plain, sizeof(plain)));
	put(&x, A, CHANNEL_RTP, &p);
	p = made(&x, B, CHANNEL_RTP, bytes_mem(plain, sizeof(plain)));
	put(&x, B, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &p));
	assert_int_equal(dropped(x.r, VERDICT_MALFORMED), 2);
	secure_close(&x);
}

/* All of the flow but its drops, as the next packets find it. */
static struct flow flow_kept(struct secure_rig *x, int side)
{
	struct flow f = *flow_of(x->r, side);

	f.stats.dropped = 0;
	f.detail = (struct flow_detail){ 0 };
	return f;
}

static void assert_untouched(struct secure_rig *x, const struct flow before[2])
{
	for (int side = A; side <= B; side++) {
		struct flow f = flow_kept(x, side);

		assert_memory_equal(&f, &before[side], sizeof(f));
	}
}

/* ---- what does not ---- */

static void forged_packets_change_nothing(void **state)
{
	static const struct {
		const char *name;
		const char *from;    /* of A's network: LATCH_SAME_IP would have it */
		uint32_t silence_ms; /* before: the latch is open for others */
		int side_of_key;     /* whose key it was made with; -1: sent in clear */
		bool is_rtcp, is_damaged;
		enum verdict want;
	} ROWS[] = {
		{ "in clear", "192.0.2.10:4000", 0, -1, false, false, VERDICT_SRTP_AUTH },
		{ "in clear, rtcp", "192.0.2.10:4001", 0, -1, true, false, VERDICT_SRTP_AUTH },
		{ "of another key", "192.0.2.10:4000", 0, B, false, false, VERDICT_SRTP_AUTH },
		{ "damaged", "192.0.2.10:4000", 0, A, false, true, VERDICT_SRTP_AUTH },
		{ "damaged, rtcp", "192.0.2.10:4001", 0, A, true, true, VERDICT_SRTP_AUTH },
		{ "from another port", "192.0.2.10:6666", 0, B, false, false,
		  VERDICT_SOURCE_NOT_LATCHED },
		{ "from another port, after silence", "192.0.2.10:6666", 4000, B, false, false,
		  VERDICT_SRTP_AUTH },
		{ "in clear from another port, after silence", "192.0.2.10:6666", 4000, -1, false,
		  false, VERDICT_SRTP_AUTH },
		{ "rtcp from another port, after silence", "192.0.2.10:6667", 4000, B, true, false,
		  VERDICT_SRTP_AUTH },
		{ "from elsewhere, with the key", "198.51.100.66:4000", 4000, A, false, false,
		  VERDICT_SOURCE_NOT_LATCHED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct secure_rig x = secure_open(SUITE_80, SUITE_80);
		enum channel c = ROWS[i].is_rtcp ? CHANNEL_RTCP : CHANNEL_RTP;
		struct addr from = rig_addr(ROWS[i].from);
		uint8_t plain[64] = { 0x80, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1 };
		struct flow before[2];
		struct packet p;

		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 1 }, &p));
		if (ROWS[i].is_rtcp)
			memcpy(plain, "\x80\xc9\x00\x01\x00\x00\x00\x01", 8);
		advance_ms(x.r, ROWS[i].silence_ms);
		worker_step(&x.r->w);
		for (int side = A; side <= B; side++)
			before[side] = flow_kept(&x, side);
		p = (struct packet){ .n = 40 };
		memcpy(p.p, plain, 40);
		if (ROWS[i].side_of_key >= 0)
			p = made(&x, ROWS[i].side_of_key, c, bytes_mem(plain, 40));
		if (ROWS[i].is_damaged)
			p.p[20] ^= 1;
		put_bytes(x.r, A, c, &from, bytes_mem(p.p, p.n));
		worker_step(&x.r->w);
		ROW_ASSERT(ROWS[i].name, !heard(&x, B, &p));
		ROW_ASSERT(ROWS[i].name, dropped(x.r, ROWS[i].want) == 1);
		ROW_ASSERT(ROWS[i].name, flow_of(x.r, A)->stats.dropped == 1);
		assert_untouched(&x, before);
		/* and the party goes on */
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 9 }, &p));
		secure_close(&x);
	}
}

static void replayed_packets_are_dropped(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 7 }), out;
	struct addr elsewhere = rig_addr("192.0.2.10:6666");
	struct flow before[2];

	(void)state;
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_true(heard(&x, B, &out));
	advance_ms(x.r, 4000); /* silence: another port could be latched */
	worker_step(&x.r->w);
	for (int side = A; side <= B; side++)
		before[side] = flow_kept(&x, side);
	put(&x, A, CHANNEL_RTP, &p);
	put_bytes(x.r, A, CHANNEL_RTP, &elsewhere, bytes_mem(p.p, p.n));
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &out));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), 2);
	assert_untouched(&x, before);
	secure_close(&x);
}

/* The party's packets move the latch as ever. */
static void what_authenticates_is_latched(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct addr natted = rig_addr("192.0.2.10:61000");
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1 });
	struct media_event event;

	(void)state;
	put_bytes(x.r, A, CHANNEL_RTP, &natted, bytes_mem(p.p, p.n));
	worker_step(&x.r->w);
	assert_true(addr_eq(&flow_of(x.r, A)->latch_rtp.source, &natted));
	assert_true(rig_event(x.r, MEDIA_FLOW_LATCHED, &event));
	assert_true(addr_eq(&event.resume.source_rtp, &natted));
	/* of two candidates in one batch the first has it */
	advance_ms(x.r, 4000);
	for (uint16_t i = 0; i < 2; i++) {
		natted.port++;
		p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = (uint16_t)(1 + i) });
		put_bytes(x.r, A, CHANNEL_RTP, &natted, bytes_mem(p.p, p.n));
	}
	worker_step(&x.r->w);
	assert_int_equal(flow_of(x.r, A)->latch_rtp.source.port, 61001);
	assert_int_equal(dropped(x.r, VERDICT_SOURCE_NOT_LATCHED), 1);
	secure_close(&x);
}

static void a_repeated_packet_is_sent_once(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct rtp rtp = { .ssrc = 1, .sequence = 5 };
	struct packet p;

	(void)state;
	assert_true(relayed(&x, A, &rtp, &p));
	assert_false(relayed(&x, A, &rtp, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_INDEX_REUSE), 1);
	assert_int_equal(flow_of(x.r, B)->sent.packets, 1);
	secure_close(&x);
}

static void a_packet_without_room_is_not_sent(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	static char payload[PACKET_MAX - 12];
	struct packet p;

	(void)state;
	assert_false(relayed(
		&x, A, &(struct rtp){ .ssrc = 1, .payload = payload, .payload_n = sizeof(payload) },
		&p));
	assert_int_equal(dropped(x.r, VERDICT_TOO_LONG), 1);
	secure_close(&x);
}

/* ---- indexes ---- */

static void a_source_that_jumps_wastes_no_indexes(void **state)
{
	static const uint16_t SEQUENCES[] = { 100, 101, 40000, 40001, 50, 51, 20000, 60000, 3 };
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct packet p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(SEQUENCES); i++) {
		uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);

		assert_true(
			relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = SEQUENCES[i] }, &p));
		assert_int_equal(srtp_stream_next(flow_of(x.r, B)->srtp_out), next + 1);
	}
	secure_close(&x);
}

/* How many events came, and the last. */
static uint32_t reserves(struct secure_rig *x, struct media_event *last)
{
	struct media_event event;
	uint32_t n = 0;

	while (rig_event(x->r, MEDIA_FLOW_RESERVE, &event)) {
		*last = event;
		n++;
	}
	return n;
}

static void asks_for_indexes_in_time(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *spec = &x.r->spec[B];
	uint64_t first = srtp_stream_next(flow_of(x.r, B)->srtp_out);
	struct media_event event = { 0 };
	struct packet p;
	uint16_t i = 0;

	(void)state;
	rig_hear(x.r, B);
	assert_in_range(first, 1, (1 << 15) - 1);
	spec->srtp_limit = first + SRTP_RESERVE / 2 + 3;
	rig_update(x.r, spec);
	for (; i < 3; i++) {
		assert_int_equal(reserves(&x, &event), 0);
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	}
	assert_int_equal(reserves(&x, &event), 0);
	for (; i < SRTP_RESERVE / 2 + 3; i++)
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	assert_int_equal(reserves(&x, &event), 1);
	assert_int_equal(event.id.slot, B);
	assert_int_equal(event.resume.srtp_next, first + 4);
	assert_false(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i++ }, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_INDEX), 1);
	assert_int_equal(flow_of(x.r, B)->sent.packets, SRTP_RESERVE / 2 + 3);
	/* granted: it goes on where it was, and asks again */
	spec->srtp_limit += SRTP_RESERVE / 2;
	rig_update(x.r, spec);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i++ }, &p));
	assert_int_equal(reserves(&x, &event), 1);
	secure_close(&x);
}

static void rtcp_asks_for_indexes_in_time(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct media_event event = { 0 };
	struct packet p, out;

	(void)state;
	rig_hear(x.r, B);
	flow_of(x.r, A)->pace.rtcp_left = UINT32_MAX;
	p = made(&x, A, CHANNEL_RTCP, bytes_mem(RR, sizeof(RR)));
	for (uint32_t i = 0; i < SRTCP_RESERVE + 2; i++) {
		put(&x, A, CHANNEL_RTCP, &p);
		worker_step(&x.r->w);
		assert_int_equal(heard_on(&x, B, CHANNEL_RTCP, &out), i < SRTCP_RESERVE);
	}
	assert_int_equal(dropped(x.r, VERDICT_SRTP_INDEX), 2);
	assert_int_equal(flow_of(x.r, B)->stats.rtcp_out, SRTCP_RESERVE);
	assert_int_equal(reserves(&x, &event), 1);
	assert_int_equal(event.resume.srtcp_next, SRTCP_RESERVE / 2 + 1);
	secure_close(&x);
}

/* Packets made here are protected like relayed ones, and take their indexes from the same stream. */
static void digits_of_ours_are_protected(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *spec = &x.r->spec[B];
	uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);
	uint32_t events = 0;
	struct packet p;

	(void)state;
	spec->event_pt = 97;
	spec->event_clock_hz = 8000;
	rig_update(x.r, spec);
	rig_command(x.r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						  .id = spec->id,
						  .digit = '5',
						  .duration_ms = 200 });
	for (int i = 0; i < 300; i++) {
		for (; heard(&x, B, &p); events++) {
			assert_int_equal(p.n, 16);
			assert_int_equal(p.p[12], 5);
			assert_int_equal(be16_get(p.p + 2), next + events);
		}
		advance_ms(x.r, 1);
		worker_step(&x.r->w);
	}
	assert_true(events > 8);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 4000 }, &p));
	assert_int_equal(be16_get(p.p + 2), next + events);
	secure_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_pair_of_suites_is_relayed),
		cmocka_unit_test(one_way_alone_may_be_secure),
		cmocka_unit_test(padding_is_judged_when_plain),
		cmocka_unit_test(forged_packets_change_nothing),
		cmocka_unit_test(replayed_packets_are_dropped),
		cmocka_unit_test(what_authenticates_is_latched),
		cmocka_unit_test(a_repeated_packet_is_sent_once),
		cmocka_unit_test(a_packet_without_room_is_not_sent),
		cmocka_unit_test(a_source_that_jumps_wastes_no_indexes),
		cmocka_unit_test(asks_for_indexes_in_time),
		cmocka_unit_test(rtcp_asks_for_indexes_in_time),
		cmocka_unit_test(digits_of_ours_are_protected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
