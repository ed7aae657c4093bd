/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "tests/unit/engine/rig.h"

static void maps_payload_types(void **state)
{
	static const struct {
		uint8_t in, out;
	} TYPES[] = { { 0, 0 }, { 8, 9 }, { 101, 96 }, { 18, NO_RULE }, { 127, NO_RULE } };
	struct rig *r = rig_open();
	uint64_t refused = 0;

	(void)state;
	for (uint16_t i = 0; i < COUNT_OF(TYPES); i++) {
		struct rtp in = { .ssrc = 1, .sequence = i, .payload_type = TYPES[i].in };
		const struct sim_packet *out = relay_rtp(r, A, &in);

		if (TYPES[i].out == NO_RULE)
			refused++;
		else
			assert_int_equal(rtp_read(out).payload_type, TYPES[i].out);
		assert_int_equal(out == NULL, TYPES[i].out == NO_RULE);
	}
	assert_int_equal(dropped(r, VERDICT_PAYLOAD_TYPE), refused);
	rig_close(r);
}

static void changes_the_head_only(void **state)
{
	/* a CSRC, an extension and padding */
	static const char HEX[] = "b1800001000000020000000311111111bede000122222222556601";
	struct rig *r = rig_open();
	struct addr from = party(A), to = party(B);
	uint8_t in[64];
	size_t n = 0;

	(void)state;
	assert_int_equal(hex_decode(bytes_str(HEX), in, sizeof(in), &n), 0);
	put_bytes(r, A, CHANNEL_RTP, &from, bytes_mem(in, n));
	worker_step(&r->w);

	const struct sim_packet *out = port_sim_sent(r->sim);

	assert_non_null(out);
	assert_int_equal(out->slot, B);
	assert_int_equal(out->channel, CHANNEL_RTP);
	assert_true(addr_eq(&out->remote, &to));
	assert_int_equal(out->length, n);
	assert_int_equal(out->data[0], in[0]);
	assert_int_equal(be32_get(out->data + 8), 0xbbbb);
	assert_memory_equal(out->data + 12, in + 12, n - 12);
	rig_close(r);
}

/* An echo: what the party sends comes back as ours, one stream over its own changes; in between a digit of ours has its number. */
static void a_flow_that_is_its_own_peer(void **state)
{
	struct rig *r = rig_open();
	struct addr to = party(A);
	uint16_t last = 0;

	(void)state;
	r->spec[A].peer = r->spec[A].id;
	r->spec[A].rules[1].out = 8;
	r->spec[A].rules[2].out = 101;
	rig_update(r, &r->spec[A]);
	for (uint16_t i = 0; i < 40; i++) {
		struct rtp in = { .ssrc = i < 20 ? 1 : 2,
				  .sequence = (uint16_t)(65530 + i),
				  .timestamp = 160U * i,
				  .payload_type = i % 10 == 9 ? 101 : 8,
				  .payload = i % 10 == 9 ? "\005\012\001\100" : "said" };
		const struct sim_packet *sent = relay_rtp(r, A, &in);
		struct rtp out = rtp_read(sent);

		assert_int_equal(sent->slot, A);
		assert_true(addr_eq(&sent->remote, &to));
		assert_int_equal(out.ssrc, 0xaaaa);
		assert_int_equal(out.payload_type, in.payload_type);
		assert_memory_equal(out.payload, in.payload, 4);
		if (i > 0)
			assert_int_equal((uint16_t)(out.sequence - last), 1);
		last = out.sequence;
		nothing_sent(r);
		advance_ms(r, 20);
	}
	assert_int_equal(flow_of(r, A)->received.packets, 40);
	assert_int_equal(flow_of(r, A)->sent.packets, 40);
	assert_int_equal(flow_of(r, B)->sent.packets, 0);
	rig_close(r);
}

static void keeps_the_marker(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		struct rtp in = { .ssrc = 1, .sequence = i, .marker = i % 2, .payload_type = 8 };

		assert_int_equal(rtp_read(relay_rtp(r, A, &in)).marker, i % 2);
	}
	rig_close(r);
}

/* Holds and missing ends, each with its own reason. */
static const struct drop {
	const char *name;
	enum verdict verdict;
	struct {
		bool a_receives_not, b_sends_not, no_peer, stale_peer, b_unknown, b_anywhere;
	} how;
} DROPS[] = {
	{ "the party is on hold", VERDICT_NOT_RECEIVING, { .a_receives_not = true } },
	{ "the peer's party is on hold", VERDICT_NOT_SENDING, { .b_sends_not = true } },
	{ "no peer yet", VERDICT_NO_PEER, { .no_peer = true } },
	{ "the peer is gone", VERDICT_NO_PEER, { .stale_peer = true } },
	{ "the peer's party has said no address", VERDICT_NO_DESTINATION, { .b_unknown = true } },
	{ "the peer's party has said 0.0.0.0", VERDICT_NO_DESTINATION, { .b_anywhere = true } },
};

static void drops_with_a_reason(void **state)
{
	const struct drop *row;

	(void)state;
	EACH_ROW(row, DROPS)
	{
		struct rig *r = rig_open();

		r->spec[A].receive = !row->how.a_receives_not;
		r->spec[B].send = !row->how.b_sends_not;
		if (row->how.no_peer)
			r->spec[A].peer = (struct flow_id){ 0 };
		if (row->how.stale_peer)
			r->spec[A].peer.generation++;
		if (row->how.b_unknown)
			r->spec[B].remote_rtp = (struct addr){ 0 };
		if (row->how.b_anywhere)
			r->spec[B].remote_rtp = rig_addr("0.0.0.0:5000");
		rig_update(r, &r->spec[A]);
		rig_update(r, &r->spec[B]);
		ROW_ASSERT(row->name, relay_rtp(r, A, &(struct rtp){ .ssrc = 1 }) == NULL);
		ROW_ASSERT(row->name, dropped(r, row->verdict) == 1);
		ROW_ASSERT(row->name, flow_of(r, A)->stats.dropped == 1);
		ROW_ASSERT(row->name, flow_of(r, A)->received.packets == 0);
		rig_close(r);
	}
}

static void a_first_source_passes_as_it_is(void **state)
{
	struct rig *r = rig_open();
	struct rtp out = rtp_read(
		relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 65535, .timestamp = 9 }));

	(void)state;
	assert_int_equal(out.ssrc, 0xbbbb);
	assert_int_equal(out.sequence, 65535);
	assert_int_equal(out.timestamp, 9);
	rig_close(r);
}

/* The phone behind A is replaced: other SSRC, other numbers; B hears one unbroken stream. */
static void a_new_source_continues_the_stream(void **state)
{
	static const struct {
		const char *name;
		uint32_t pause_ms, timestamp_step;
	} ROWS[] = { { "at once", 0, 160 },
		     { "after 20 ms", 20, 160 },
		     { "after 500 ms", 500, 4000 },
		     { "after an hour", 3600000, 28800000 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		struct rig *r = rig_open();
		struct rtp in = { .ssrc = 1, .sequence = 65530, .timestamp = 0xffffff00 };
		struct rtp last = { 0 }, out;

		for (int n = 0; n < 10; n++, in.sequence++, in.timestamp += 160) {
			last = rtp_read(relay_rtp(r, A, &in));
			advance_ms(r, n < 9 ? 20 : ROWS[i].pause_ms);
		}
		in = (struct rtp){ .ssrc = 99, .sequence = 31000, .timestamp = 123456 };
		out = rtp_read(relay_rtp(r, A, &in));
		ROW_ASSERT(ROWS[i].name, out.ssrc == 0xbbbb);
		ROW_ASSERT(ROWS[i].name, out.sequence == (uint16_t)(last.sequence + 1));
		ROW_ASSERT(ROWS[i].name, out.timestamp == last.timestamp + ROWS[i].timestamp_step);
		while (port_sim_sent(r->sim))
			continue; /* a report of ours after an hour */
		/* and goes on from there in its own steps */
		in.sequence += 3;
		in.timestamp += 480;
		last = out;
		out = rtp_read(relay_rtp(r, A, &in));
		ROW_ASSERT(ROWS[i].name, out.sequence == (uint16_t)(last.sequence + 3));
		ROW_ASSERT(ROWS[i].name, out.timestamp == last.timestamp + 480);
		ROW_ASSERT(ROWS[i].name, flow_of(r, A)->stats.source_changes == 1);
		rig_close(r);
	}
}

/* The packets of a telephone event share the timestamp of its start: time has passed all the same. */
static void a_new_source_after_a_long_event(void **state)
{
	struct rig *r = rig_open();
	struct rtp in = { .ssrc = 1, .timestamp = 1000, .payload_type = 101, .payload_n = 4 };

	(void)state;
	for (uint16_t n = 0; n < 50; n++) {
		in.sequence = n;
		in.payload = "\x01\x0a\x03\x20";
		assert_non_null(relay_rtp(r, A, &in));
		advance_ms(r, 20);
	}
	in = (struct rtp){ .ssrc = 2, .timestamp = 77 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).timestamp, 1000 + 8000);
	rig_close(r);
}

static void late_packets_of_the_old_source_find_their_place(void **state)
{
	struct rig *r = rig_open();
	struct rtp first = { .ssrc = 1, .sequence = 10, .timestamp = 1600 };
	struct rtp late = { .ssrc = 1, .sequence = 9, .timestamp = 1440 };
	struct rtp second = { .ssrc = 2, .sequence = 500, .timestamp = 80000 };

	(void)state;
	assert_int_equal(rtp_read(relay_rtp(r, A, &first)).sequence, 10);
	assert_int_equal(rtp_read(relay_rtp(r, A, &second)).sequence, 11);
	assert_int_equal(rtp_read(relay_rtp(r, A, &late)).sequence, 9);
	second.sequence++;
	assert_int_equal(rtp_read(relay_rtp(r, A, &second)).sequence, 12);
	assert_int_equal(flow_of(r, A)->stats.source_changes, 1);
	/* but when the old one goes on, it is the source again */
	first.sequence++;
	assert_int_equal(rtp_read(relay_rtp(r, A, &first)).sequence, 13);
	assert_int_equal(flow_of(r, A)->stats.source_changes, 2);
	rig_close(r);
}

/* The highest counts, not the last. */
static void reordering_before_a_new_source(void **state)
{
	struct rig *r = rig_open();
	struct rtp in = { .ssrc = 1, .sequence = 10 };

	(void)state;
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 10);
	in.sequence = 12;
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 12);
	in.sequence = 11;
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 11);
	in = (struct rtp){ .ssrc = 2, .sequence = 999 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 13);
	in = (struct rtp){ .ssrc = 1, .sequence = 12 };
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 12);
	rig_close(r);
}

/* Some gateways send telephone events under their own SSRC between the audio packets. */
static void interleaved_sources_make_one_stream(void **state)
{
	struct rig *r = rig_open();
	uint16_t next = 100;

	(void)state;
	rig_hear(r, B);
	for (uint16_t n = 0; n < 40; n++) {
		struct rtp audio = { .ssrc = 1,
				     .sequence = (uint16_t)(100 + n),
				     .timestamp = n * 160U };
		struct rtp event = { .ssrc = 2,
				     .sequence = (uint16_t)(7000 + n),
				     .timestamp = 5,
				     .payload_type = 101 };

		assert_int_equal(rtp_read(relay_rtp(r, A, &audio)).sequence, next++);
		assert_int_equal(rtp_read(relay_rtp(r, A, &event)).sequence, next++);
	}
	rig_close(r);
}

static void reordered_and_repeated_packets_pass(void **state)
{
	static const uint16_t ORDER[] = { 100, 102, 101, 101, 103, 2000, 1999, 2001 };
	struct rig *r = rig_open();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ORDER); i++) {
		struct rtp in = { .ssrc = 1, .sequence = ORDER[i], .timestamp = ORDER[i] * 160U };
		struct rtp out = rtp_read(relay_rtp(r, A, &in));

		assert_int_equal(out.sequence, ORDER[i]);
		assert_int_equal(out.timestamp, ORDER[i] * 160U);
	}
	rig_close(r);
}

/* A change of codec, to one of another clock, within one SSRC. The phone goes on by its book (RFC 7160), or begins anew. */
static void another_clock_goes_on_in_time(void **state)
{
	static const uint32_t ANEW[] = { 16000, 7, 0x80000000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ANEW); i++) {
		struct rig *r = rig_open();
		struct rtp in = { .ssrc = 1, .sequence = 100, .timestamp = 16000 }, out;

		r->spec[A].rules[1] = (struct payload_rule){ .in = 8, .out = 9, .clock_hz = 48000 };
		rig_update(r, &r->spec[A]);
		assert_int_equal(rtp_read(relay_rtp(r, A, &in)).timestamp, 16000);
		advance_ms(r, 40);
		in = (struct rtp){
			.ssrc = 1, .sequence = 101, .timestamp = ANEW[i], .payload_type = 8
		};
		out = rtp_read(relay_rtp(r, A, &in));
		assert_int_equal(out.sequence, 101);
		assert_int_equal(out.timestamp, 16000 + 40 * 48);
		in.sequence++;
		in.timestamp += 960;
		assert_int_equal(rtp_read(relay_rtp(r, A, &in)).timestamp, 16000 + 60 * 48);
		/* an event of the other clock is of the same stream */
		in.sequence++;
		in.payload_type = 101;
		assert_int_equal(rtp_read(relay_rtp(r, A, &in)).timestamp, 16000 + 60 * 48);
		assert_int_equal(flow_of(r, A)->stats.source_changes, 0);
		rig_close(r);
	}
}

static void a_source_that_begins_anew_goes_on(void **state)
{
	struct rig *r = rig_open();
	struct rtp in = { .ssrc = 1, .sequence = 30000, .timestamp = 16000 }, out;

	(void)state;
	assert_non_null(relay_rtp(r, A, &in));
	advance_ms(r, 20);
	in.sequence = 5;
	in.timestamp = 0x90000000;
	out = rtp_read(relay_rtp(r, A, &in));
	assert_int_equal(out.sequence, 30001);
	assert_int_equal(out.timestamp, 16160);
	in.sequence = 4; /* overtaken, and its number is that of the packet before */
	assert_null(relay_rtp(r, A, &in));
	assert_int_equal(dropped(r, VERDICT_LATE), 1);
	in.sequence = 30000; /* as late as that is far ahead: anew */
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 30000);
	in.sequence = 30001;
	assert_int_equal(rtp_read(relay_rtp(r, A, &in)).sequence, 30002);
	rig_close(r);
}

/* ---- restart ---- */

static struct rig *rig_resumed(void)
{
	struct rig *r = rig_open_empty(64);
	struct flow_spec a = rig_spec(A), b = rig_spec(B);

	a.resume = (struct flow_resume){ .source_rtp = party(A),
					 .source_ssrc = 1,
					 .sequence_offset = 500,
					 .timestamp_offset = 0xfffffff0,
					 .started = 1 };
	rig_open_flow(r, &a);
	rig_open_flow(r, &b);
	return r;
}

static void a_restart_is_not_heard(void **state)
{
	struct rig *r = rig_resumed();
	struct rtp in = { .ssrc = 1, .sequence = 65400, .timestamp = 32 };
	struct rtp out = rtp_read(relay_rtp(r, A, &in));

	(void)state;
	assert_int_equal(out.ssrc, 0xbbbb);
	assert_int_equal(out.sequence, (uint16_t)(65400 + 500));
	assert_int_equal(out.timestamp, 16);
	assert_int_equal(out.marker, 0);
	assert_int_equal(flow_of(r, A)->stats.source_changes, 0);
	rig_close(r);
}

/* What a process hands over is what its successor uses. */
static void offsets_survive_two_lives(void **state)
{
	struct rig *r = rig_open();
	struct rtp in = { .ssrc = 5, .sequence = 40000, .timestamp = 70000 };
	struct media_event saved;
	struct rtp before, after;
	struct rig *next = rig_open_empty(64);
	struct flow_spec a = rig_spec(A), b = rig_spec(B);

	(void)state;
	assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 9, .timestamp = 9 }));
	advance_ms(r, 2000);
	before = rtp_read(relay_rtp(r, A, &in));
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &saved));
	assert_true(rig_event(r, MEDIA_FLOW_LATCHED, &saved)); /* of the second source */
	rig_close(r);

	a.resume = saved.resume;
	rig_open_flow(next, &a);
	rig_open_flow(next, &b);
	in.sequence++;
	in.timestamp += 160;
	after = rtp_read(relay_rtp(next, A, &in));
	assert_int_equal(after.sequence, (uint16_t)(before.sequence + 1));
	assert_int_equal(after.timestamp, before.timestamp + 160);
	assert_int_equal(after.ssrc, before.ssrc);
	rig_close(next);
}

static void another_source_after_a_restart_is_marked(void **state)
{
	struct rig *r = rig_resumed();
	struct rtp in = { .ssrc = 77, .sequence = 3, .timestamp = 1000 };
	struct rtp first = rtp_read(relay_rtp(r, A, &in)), second;

	(void)state;
	assert_int_equal(first.ssrc, 0xbbbb);
	assert_int_equal(first.marker, 1);
	assert_int_equal(flow_of(r, A)->stats.source_changes, 1);
	in.sequence++;
	in.timestamp += 160;
	second = rtp_read(relay_rtp(r, A, &in));
	assert_int_equal(second.sequence, (uint16_t)(first.sequence + 1));
	assert_int_equal(second.timestamp, first.timestamp + 160);
	assert_int_equal(second.marker, 0);
	rig_close(r);
}

/* ---- transfer ---- */

/* B hears A, then C in A's place: one stream. C's flow is new, B's is not. */
static void another_flow_continues_the_stream(void **state)
{
	struct rig *r = rig_open();
	struct addr from = party(A);
	struct flow_spec c = rig_spec(A);
	struct rtp last = { 0 }, out;

	(void)state;
	for (uint16_t n = 0; n < 5; n++)
		last = rtp_read(relay_rtp(
			r, A, &(struct rtp){ .ssrc = 1, .sequence = n, .timestamp = n * 160U }));
	c.id = (struct flow_id){ .slot = 2, .generation = 3 };
	c.ssrc_out = 0xcccc;
	rig_open_flow(r, &c);
	r->spec[B].peer = c.id;
	rig_update(r, &r->spec[B]);
	put_rtp_from(r, 2, &from, &(struct rtp){ .ssrc = 900, .sequence = 60000, .timestamp = 5 });
	worker_step(&r->w);
	out = rtp_read(port_sim_sent(r->sim));
	assert_int_equal(out.ssrc, 0xbbbb);
	assert_int_equal(out.sequence, last.sequence + 1);
	assert_int_equal(out.timestamp, last.timestamp + 160);
	rig_close(r);
}

/* A holds B: music of another source for B, under another flow, and then A again. B hears one stream in time. */
static void music_on_hold_is_of_one_stream(void **state)
{
	struct rig *r = rig_open();
	struct flow_spec music = rig_spec(A);
	struct addr from = party(A);
	struct rtp in = { .ssrc = 1, .sequence = 500, .timestamp = 80000 }, out;
	uint64_t start_ns = r->sim->now_ns;
	uint16_t next = 500;

	(void)state;
	music.id = (struct flow_id){ .slot = 2, .generation = 3 };
	rig_open_flow(r, &music);
	for (int i = 0; i < 30; i++) {
		uint32_t slot = i >= 10 && i < 20 ? 2 : A;

		if (i == 10 || i == 20) { /* re-INVITEs: hold, resume */
			r->spec[A].receive = i == 20;
			rig_update(r, &r->spec[A]);
			r->spec[B].peer = i == 20 ? r->spec[A].id : music.id;
			rig_update(r, &r->spec[B]);
		}
		in = (struct rtp){ .ssrc = slot == A ? 1 : 77,
				   .sequence = (uint16_t)(slot == A ? 500 + i : 9000 + i),
				   .timestamp = (slot == A ? 80000U : 5U) + (uint32_t)i * 160 };
		put_rtp_from(r, (int)slot, &from, &in);
		worker_step(&r->w);
		out = rtp_read(port_sim_sent(r->sim));
		assert_int_equal(out.ssrc, 0xbbbb);
		assert_int_equal(out.sequence, next++);
		assert_int_equal(out.timestamp,
				 80000 + (r->sim->now_ns - start_ns) / NS_PER_MS * 8);
		nothing_sent(r);
		advance_ms(r, 20);
	}
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_payload_types),
		cmocka_unit_test(changes_the_head_only),
		cmocka_unit_test(a_flow_that_is_its_own_peer),
		cmocka_unit_test(keeps_the_marker),
		cmocka_unit_test(drops_with_a_reason),
		cmocka_unit_test(a_first_source_passes_as_it_is),
		cmocka_unit_test(a_new_source_continues_the_stream),
		cmocka_unit_test(a_new_source_after_a_long_event),
		cmocka_unit_test(late_packets_of_the_old_source_find_their_place),
		cmocka_unit_test(reordering_before_a_new_source),
		cmocka_unit_test(interleaved_sources_make_one_stream),
		cmocka_unit_test(reordered_and_repeated_packets_pass),
		cmocka_unit_test(another_clock_goes_on_in_time),
		cmocka_unit_test(a_source_that_begins_anew_goes_on),
		cmocka_unit_test(a_restart_is_not_heard),
		cmocka_unit_test(offsets_survive_two_lives),
		cmocka_unit_test(another_source_after_a_restart_is_marked),
		cmocka_unit_test(another_flow_continues_the_stream),
		cmocka_unit_test(music_on_hold_is_of_one_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
