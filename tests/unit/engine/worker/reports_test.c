/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP of our own, and what is read from the party's. */
#include "tests/unit/test.h"

#include "media/rtp/rtcp_parse.h"
#include "tests/unit/engine/rig.h"

enum { SSRC_A = 0x1001 };

struct heard {
	struct rtcp_sender_info info;
	struct rtcp_block block;
	uint8_t type, blocks;
	uint32_t ssrc;
	uint64_t at_ms;
	enum channel channel;
	uint8_t cname[16];
};

static struct heard heard_read(struct rig *r, const struct sim_packet *p)
{
	struct heard h = { .at_ms = (r->sim->now_ns - RIG_START) / NS_PER_MS,
			   .channel = p->channel };
	struct bytes rest = bytes_mem(p->data, p->length);
	struct rtcp_packet packet;

	assert_int_equal(rtcp_check(rest), 0);
	assert_true(rtcp_next(&rest, &packet));
	h.type = packet.type;
	h.blocks = packet.count;
	h.ssrc = be32_get(packet.body.p);
	if (h.type == RTCP_TYPE_SR)
		h.info = rtcp_sender_info(&packet);
	(void)rtcp_block(&packet, 0, &h.block);
	assert_true(rtcp_next(&rest, &packet));
	assert_int_equal(packet.type, RTCP_TYPE_SDES);
	memcpy(h.cname, packet.body.p + 6, sizeof(h.cname));
	return h;
}

/* A talks at 50 packets a second for so long, every tenth is lost; RTCP that leaves for `side`. */
static size_t talk(struct rig *r, uint32_t ms, uint16_t *sequence, int side, struct heard *out,
		   size_t max)
{
	const struct sim_packet *p;
	size_t n = 0;

	for (uint32_t t = 0; t < ms; t += 20) {
		uint16_t s = (*sequence)++;

		if (s % 10 != 9)
			put_rtp(r, A,
				&(struct rtp){
					.ssrc = SSRC_A, .sequence = s, .timestamp = s * 160U });
		worker_step(&r->w);
		while ((p = port_sim_sent(r->sim)) != NULL)
			if (p->data[1] >= 200 && p->slot == (uint32_t)side && n < max)
				out[n++] = heard_read(r, p);
		advance_ms(r, 20);
	}
	return n;
}

static void a_silent_peer_is_stood_in_for(void **state)
{
	struct rig *r = rig_open();
	struct heard to_b[64], to_a[64];
	uint16_t sequence = 100;
	size_t n;

	(void)state;
	n = talk(r, 120000, &sequence, B, to_b, 64);
	assert_in_range(n, 120 / 6 - 3, 120 / 2);
	assert_true(to_b[0].at_ms >= 10000);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(to_b[i].type, RTCP_TYPE_SR);
		assert_int_equal(to_b[i].ssrc, 0xbbbb);
		assert_int_equal(to_b[i].channel, CHANNEL_RTCP);
		assert_int_equal(to_b[i].blocks, 0); /* B sends nothing */
		assert_in_range(to_b[i].info.packets, to_b[i].at_ms / 20 * 9 / 10 - 2,
				to_b[i].at_ms / 20 * 9 / 10 + 2);
		assert_int_equal(to_b[i].info.octets, to_b[i].info.packets * 5);
		/* the stream's timestamp of that moment */
		assert_in_range(to_b[i].info.timestamp, 16000 + to_b[i].at_ms * 8 - 320,
				16000 + to_b[i].at_ms * 8 + 320);
		assert_memory_equal(to_b[i].cname, to_b[0].cname, 16);
		if (i > 0) /* RFC 3550 6.2: randomised around 5 s */
			assert_in_range(to_b[i].at_ms - to_b[i - 1].at_ms, 2000, 6500);
	}
	n = talk(r, 30000, &sequence, A, to_a, 64);
	assert_true(n >= 3);
	assert_int_equal(to_a[1].type, RTCP_TYPE_RR); /* nothing is sent to A */
	assert_int_equal(to_a[1].blocks, 1);
	assert_int_equal(to_a[1].block.ssrc, SSRC_A);
	assert_in_range(to_a[1].block.fraction_lost, 256 / 10 - 4, 256 / 10 + 4);
	assert_in_range(to_a[1].block.lost, to_a[1].at_ms / 200 - 2, to_a[1].at_ms / 200 + 2);
	assert_int_equal(to_a[1].block.last_sr, 0);
	assert_memory_not_equal(to_a[1].cname, to_b[0].cname, 16);
	rig_close(r);
}

static struct bytes sr_write(uint8_t out[64], uint32_t sender, uint32_t ntp_middle, uint32_t about,
			     uint32_t last_sr, uint32_t delay)
{
	struct writer w = writer_over(out, 64);

	writer_be32(&w, 0x81c8000c);
	writer_be32(&w, sender);
	writer_be64(&w, (uint64_t)ntp_middle << 16);
	writer_be32(&w, 0);
	writer_be64(&w, 0);
	writer_be32(&w, about);
	writer_be32(&w, 0x0a000007); /* lost */
	writer_be32(&w, 0);
	writer_be32(&w, 80); /* 10 ms at 8 kHz */
	writer_be32(&w, last_sr);
	writer_be32(&w, delay);
	return writer_done(&w);
}

static void put_sr(struct rig *r, int side, uint32_t ntp, uint32_t about, uint32_t last_sr,
		   uint32_t delay)
{
	struct addr from = party_rtcp(side);
	uint8_t memory[64];

	put_bytes(r, side, CHANNEL_RTCP, &from,
		  sr_write(memory, SSRC_A + (uint32_t)side, ntp, about, last_sr, delay));
	worker_step(&r->w);
}

/* While the peer reports itself nothing of ours is added. */
static void a_talkative_peer_is_not(void **state)
{
	struct rig *r = rig_open();
	struct heard h[64];
	uint16_t sequence = 0;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 12; i++) {
		put_sr(r, A, 1, 9, 0, 0);
		while (port_sim_sent(r->sim))
			continue;
		n += talk(r, 5000, &sequence, B, h, 64);
	}
	assert_int_equal(n, 0);
	rig_close(r);
}

static void nobody_is_bothered_before_the_first_packet(void **state)
{
	struct rig *r = rig_open();

	(void)state;
	for (int i = 0; i < 100; i++) {
		advance_ms(r, 1000);
		worker_step(&r->w);
	}
	nothing_sent(r);
	rig_close(r);
}

static void reports_go_where_the_party_wants_them(void **state)
{
	struct rig *r = rig_open();
	struct heard h[8];
	uint16_t sequence = 0;

	(void)state;
	r->spec[B].rtcp_mux = 1;
	rig_update(r, &r->spec[B]);
	assert_true(talk(r, 20000, &sequence, B, h, 8) > 0);
	assert_int_equal(h[0].channel, CHANNEL_RTP);
	rig_close(r);
}

/* Of our stream to A: lost 7, jitter 10 ms, and the way there and back from LSR and DLSR. */
static void what_a_party_reports_is_kept(void **state)
{
	struct rig *r = rig_open();
	const struct flow_stats *a = &flow_of(r, A)->stats;

	(void)state;
	assert_non_null(relay_rtp(r, B, &(struct rtp){ .ssrc = SSRC_A + B, .sequence = 1 }));
	put_sr(r, B, 0x77777777, 1, 0, 0); /* relayed to A */
	advance_ms(r, 600);
	put_sr(r, A, 0x11111111, 0xaaaa, 0x77777777, 65536 / 2);
	assert_int_equal(a->remote_lost, 7);
	assert_int_equal(a->remote_jitter_us, 10000);
	assert_int_equal(a->rtt_us, 100000);
	put_sr(r, A, 0x11111112, 0x9999, 0x77777777, 0); /* of a stream that is not ours */
	advance_ms(r, 1000);
	put_sr(r, A, 0x11111113, 0xaaaa, 0x12345678, 0); /* of a report that we do not know */
	assert_int_equal(a->rtt_us, 100000);
	rig_close(r);
}

/* The party's own sender report comes back in ours (LSR, DLSR). */
static void a_report_answers_that_of_the_party(void **state)
{
	struct rig *r = rig_open();
	struct heard h[16];
	uint16_t sequence = 0;
	size_t n;

	(void)state;
	(void)talk(r, 100, &sequence, A, h, 16);
	put_sr(r, A, 0x24681357, 9, 0, 0);
	uint64_t at_ms = (r->sim->now_ns - RIG_START) / NS_PER_MS;

	n = talk(r, 30000, &sequence, A, h, 16);
	assert_true(n > 0);
	assert_int_equal(h[0].block.last_sr, 0x24681357);
	assert_in_range(h[0].block.delay, (h[0].at_ms - at_ms) * 65536 / 1000 - 70,
			(h[0].at_ms - at_ms) * 65536 / 1000 + 70);
	rig_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_silent_peer_is_stood_in_for),
		cmocka_unit_test(a_talkative_peer_is_not),
		cmocka_unit_test(nobody_is_bothered_before_the_first_packet),
		cmocka_unit_test(reports_go_where_the_party_wants_them),
		cmocka_unit_test(what_a_party_reports_is_kept),
		cmocka_unit_test(a_report_answers_that_of_the_party),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
