/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "tests/unit/engine/rig.h"

/* The line of both parties is one that is not looked into. rtcp: it has a second port. */
static void become_opaque(struct rig *r, bool rtcp)
{
	for (int side = A; side <= B; side++) {
		r->spec[side].kind = MEDIA_OPAQUE;
		r->spec[side].rtcp_mux = !rtcp;
		rig_update(r, &r->spec[side]);
	}
}

static struct rig *opaque_open(bool rtcp)
{
	struct rig *r = rig_open();

	become_opaque(r, rtcp);
	rig_hear(r, A);
	rig_hear(r, B);
	return r;
}

static const struct sim_packet *pass(struct rig *r, int side, enum channel c, struct bytes in)
{
	struct addr from = c == CHANNEL_RTP ? party(side) : party_rtcp(side);

	put_bytes(r, side, c, &from, in);
	worker_step(&r->w);
	return port_sim_sent(r->sim);
}

/* Of this size, beginning with these two octets: STUN, DTLS, RTP and RTCP are told by them (RFC 7983). */
static struct bytes datagram(uint8_t first, uint8_t second, size_t n)
{
	static uint8_t octets[PACKET_MAX];

	for (size_t i = 0; i < n; i++)
		octets[i] = (uint8_t)(first + i * 7);
	octets[0] = first;
	if (n > 1)
		octets[1] = second;
	return bytes_mem(octets, n);
}

static void passes_whatever_it_looks_like(void **state)
{
	static const size_t sizes[] = { 1, 2, 5, 11, 12, 13, 60, 1400 };
	static const uint8_t seconds[] = { 0, 8, 200, 255 };
	struct rig *r = opaque_open(false);
	uint64_t octets = 0, packets = 0;

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (size_t i = 0; i < COUNT_OF(sizes) * COUNT_OF(seconds); i++) {
			int side = i % 2 ? B : A;
			struct addr to = party(side ^ 1);
			struct bytes in = datagram((uint8_t)first, seconds[i / COUNT_OF(sizes)],
						   sizes[i % COUNT_OF(sizes)]);
			const struct sim_packet *out = pass(r, side, CHANNEL_RTP, in);

			assert_non_null(out);
			assert_int_equal(out->slot, side ^ 1);
			assert_int_equal(out->channel, CHANNEL_RTP);
			assert_true(addr_eq(&out->remote, &to));
			assert_true(bytes_eq(bytes_mem(out->data, out->length), in));
			octets += in.n;
			packets++;
			advance_ms(r, 5);
		}
	}
	struct flow_stats a = flow_stats_read(flow_of(r, A)), b = flow_stats_read(flow_of(r, B));

	assert_int_equal(a.packets_in + b.packets_in, packets);
	assert_int_equal(a.packets_in, b.packets_out);
	assert_int_equal(a.octets_in + b.octets_in, octets);
	assert_int_equal(a.octets_out, b.octets_in);
	assert_int_equal(a.dropped + b.dropped + a.lost + b.lost + a.jitter_us, 0);
	rig_close(r);
}

/* Of a batch in which others are RTP that goes its way. */
static void passes_beside_others(void **state)
{
	struct rig *r = opaque_open(false);
	struct flow_spec c = rig_spec(A), d = rig_spec(B);
	struct addr from = rig_addr("192.0.2.30:4000"), fax = party(A);
	const struct rtp voice = { .ssrc = 1, .sequence = 1 };
	uint8_t memory[PACKET_MAX];

	(void)state;
	c.id.slot = d.peer.slot = 2;
	d.id.slot = c.peer.slot = 3;
	c.remote_rtp = from;
	d.remote_rtp = rig_addr("192.0.2.40:4000");
	rig_open_flow(r, &c);
	rig_open_flow(r, &d);
	put_bytes(r, 2, CHANNEL_RTP, &from, rtp_write(memory, &voice));
	put_bytes(r, A, CHANNEL_RTP, &fax, rtp_write(memory, &voice));
	put_bytes(r, 2, CHANNEL_RTP, &from, rtp_write(memory, &(struct rtp){ 1, 160, 2 }));
	worker_step(&r->w);
	assert_int_equal(rtp_read(port_sim_sent(r->sim)).ssrc, d.ssrc_out);
	assert_int_equal(rtp_read(port_sim_sent(r->sim)).ssrc, voice.ssrc);
	assert_int_equal(rtp_read(port_sim_sent(r->sim)).ssrc, d.ssrc_out);
	rig_close(r);
}

/* Control changes one side of a line, then the other: what is said in between is for neither. */
static void gets_nothing_of_a_line_that_is_looked_into(void **state)
{
	static const uint8_t report[] = { 0x80, 201, 0, 1, 0, 0, 0, 1 };
	struct rig *r = rig_open();
	uint8_t memory[PACKET_MAX];

	(void)state;
	for (uint16_t n = 0; n < 3; n++) /* of a run that goes on */
		assert_non_null(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = n }));
	rig_hear(r, B);
	r->spec[B].kind = MEDIA_OPAQUE;
	rig_update(r, &r->spec[B]);
	assert_null(pass(r, A, CHANNEL_RTP,
			 rtp_write(memory, &(struct rtp){ .ssrc = 1, .sequence = 3 })));
	assert_null(pass(r, A, CHANNEL_RTCP, bytes_mem(report, sizeof(report))));
	assert_int_equal(dropped(r, VERDICT_NO_PEER), 2);
	rig_close(r);
}

static void believes_the_party_alone(void **state)
{
	struct rig *r = rig_open();
	struct addr foreign = rig_addr("203.0.113.9:4000"), moved = rig_addr("192.0.2.10:4444");

	(void)state;
	become_opaque(r, false);
	put_bytes(r, A, CHANNEL_RTP, &foreign, datagram(0, 0, 20));
	worker_step(&r->w);
	nothing_sent(r);
	assert_int_equal(dropped(r, VERDICT_SOURCE_NOT_LATCHED), 1);
	put_bytes(r, A, CHANNEL_RTP, &moved, datagram(0, 0, 20)); /* behind a NAT */
	worker_step(&r->w);
	assert_non_null(port_sim_sent(r->sim));
	assert_true(addr_eq(&flow_of(r, A)->latch_rtp.source, &moved));
	assert_int_equal(rig_events(r, MEDIA_FLOW_LATCHED), 1);
	assert_true(addr_eq(&pass(r, B, CHANNEL_RTP, datagram(1, 1, 9))->remote, &moved));
	rig_close(r);
}

static void has_rtcp_where_its_transport_is_rtp(void **state)
{
	struct rig *r = opaque_open(false);
	struct addr to = party_rtcp(B);
	const struct sim_packet *out;

	(void)state;
	assert_null(pass(r, A, CHANNEL_RTCP, datagram(0x80, 200, 28)));
	assert_int_equal(dropped(r, VERDICT_WRONG_PORT), 1);
	become_opaque(r, true);
	out = pass(r, A, CHANNEL_RTCP, datagram(0x80, 200, 28));
	assert_non_null(out);
	assert_int_equal(out->channel, CHANNEL_RTCP);
	assert_true(addr_eq(&out->remote, &to));
	assert_true(bytes_eq(bytes_mem(out->data, out->length), datagram(0x80, 200, 28)));
	assert_int_equal(flow_stats_read(flow_of(r, A)).rtcp_in, 1);
	assert_int_equal(flow_stats_read(flow_of(r, B)).rtcp_out, 1);
	assert_int_equal(flow_stats_read(flow_of(r, A)).packets_in, 0);
	rig_close(r);
}

static void stops_where_nobody_is_to_hear(void **state)
{
	static const struct {
		const char *name;
		bool receives_not, sends_not, no_peer, peer_is_audio, nowhere, keys;
		enum verdict verdict;
	} rows[] = {
		{ "held", .receives_not = true, .verdict = VERDICT_NOT_RECEIVING },
		{ "the other one is not to hear", .sends_not = true,
		  .verdict = VERDICT_NOT_SENDING },
		{ "nobody there", .no_peer = true, .verdict = VERDICT_NO_PEER },
		{ "the other one speaks", .peer_is_audio = true, .verdict = VERDICT_NO_PEER },
		{ "no address", .nowhere = true, .verdict = VERDICT_NO_DESTINATION },
		{ "keys", .keys = true, .verdict = VERDICT_SRTP_AUTH },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct rig *r = opaque_open(false);

		r->spec[A].receive = !row->receives_not;
		r->spec[A].peer.generation -= row->no_peer;
		if (row->keys)
			r->spec[A].key_in = r->spec[A].key_out =
				(struct media_key){ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80,
						    .length = 30 };
		r->spec[B].send = !row->sends_not;
		r->spec[B].kind = row->peer_is_audio ? MEDIA_AUDIO : MEDIA_OPAQUE;
		if (row->nowhere)
			r->spec[B].remote_rtp = (struct addr){ 0 };
		rig_update(r, &r->spec[A]);
		rig_update(r, &r->spec[B]);
		ROW_ASSERT(row->name,
			   !pass(r, A, CHANNEL_RTP, datagram(0x80, 0, row->keys ? 40 : 20)));
		ROW_ASSERT(row->name, dropped(r, row->verdict) == 1);
		rig_close(r);
	}
}

/* A call becomes a fax and a call again (RFC 3264 8.3.3): what each party hears is the same stream as before. */
static void is_audio_again(void **state)
{
	struct rig *r = rig_open();
	struct rtp before, after;

	(void)state;
	rig_hear(r, A);
	rig_hear(r, B);
	before = rtp_read(relay_rtp(r, A, &(struct rtp){ .ssrc = 1, .sequence = 10 }));
	become_opaque(r, false);
	for (uint16_t i = 0; i < 20; i++) { /* as if it were the same stream */
		const struct rtp page = { .ssrc = 1, .sequence = (uint16_t)(11 + i) };

		assert_int_equal(rtp_read(relay_rtp(r, A, &page)).ssrc, 1);
	}
	for (int side = A; side <= B; side++) {
		r->spec[side].kind = MEDIA_AUDIO;
		r->spec[side].rtcp_mux = 0;
		rig_update(r, &r->spec[side]);
	}
	after = rtp_read(relay_rtp(r, A, &(struct rtp){ .ssrc = 2, .sequence = 5000 }));
	assert_int_equal(after.ssrc, before.ssrc);
	assert_int_equal((uint16_t)(after.sequence - before.sequence), 1);
	rig_close(r);
}

static void is_sent_nothing_of_ours(void **state)
{
	struct rig *r = opaque_open(false);
	struct media_command digit = {
		.kind = MEDIA_FLOW_DIGIT_SEND, .id = r->spec[A].id, .digit = '5', .duration_ms = 100
	};

	(void)state;
	r->spec[A].event_pt = 101;
	r->spec[A].event_clock_hz = 8000;
	rig_update(r, &r->spec[A]);
	rig_command(r, &digit);
	for (int s = 0; s < 60; s++) {
		advance_ms(r, 1000);
		assert_non_null(pass(r, B, CHANNEL_RTP, datagram(0, 0, 9)));
		assert_non_null(pass(r, A, CHANNEL_RTP, datagram(0, 0, 9)));
		nothing_sent(r);
	}
	rig_close(r);
}

/* RTP bleed and loops: as with any other line. */
static void is_paced(void **state)
{
	struct rig *r = rig_open();
	uint32_t out = 0;

	(void)state;
	become_opaque(r, false);
	for (int i = 0; i < 200; i++)
		out += pass(r, A, CHANNEL_RTP, datagram(0, 0, 9)) != NULL;
	assert_int_equal(out, TRICKLE_PER_S);
	assert_int_equal(dropped(r, VERDICT_UNHEARD), 200 - TRICKLE_PER_S);
	rig_hear(r, B);
	for (int s = 0; s < 10; s++) {
		out = 0;
		for (int i = 0; i < 2 * PARTY_SOUND_PER_S; i++) {
			out += pass(r, A, CHANNEL_RTP, datagram(0, 0, 9)) != NULL;
			r->sim->now_ns += NS_PER_S / (2 * PARTY_SOUND_PER_S);
		}
	}
	assert_in_range(out, PARTY_SOUND_PER_S / 2, PARTY_SOUND_PER_S + PARTY_SOUND_PER_S / 5);
	assert_true(dropped(r, VERDICT_TOO_FAST) > 0);
	rig_close(r);
}

/* What keeps a NAT open says nothing to the other party. */
static void drops_what_is_empty(void **state)
{
	struct rig *r = opaque_open(false);

	(void)state;
	assert_null(pass(r, A, CHANNEL_RTP, (struct bytes){ 0 }));
	assert_int_equal(dropped(r, VERDICT_NOT_RTP), 1);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_whatever_it_looks_like),
		cmocka_unit_test(passes_beside_others),
		cmocka_unit_test(gets_nothing_of_a_line_that_is_looked_into),
		cmocka_unit_test(believes_the_party_alone),
		cmocka_unit_test(has_rtcp_where_its_transport_is_rtp),
		cmocka_unit_test(stops_where_nobody_is_to_hear),
		cmocka_unit_test(is_audio_again),
		cmocka_unit_test(is_sent_nothing_of_ours),
		cmocka_unit_test(is_paced),
		cmocka_unit_test(drops_what_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
