/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP through all stages: the parties are libsrtp2's. */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/engine/rig.h"
#include "tests/unit/engine/srtp/libsrtp.h"

enum { GRANTED = (1 << 15) + SRTP_RESERVE };

/* What a party does with SRTP; NULL: it is plain. */
struct party {
	srtp_t out, in;
};

struct secure_rig {
	struct rig *r;
	struct party party[2];
};

static void parties_open(struct secure_rig *x, const enum media_suite suite[2])
{
	for (uint8_t side = A; side <= B; side++) {
		struct flow_spec *s = &x->r->spec[side];

		*s = rig_spec(side);
		s->srtp_limit = GRANTED;
		s->srtcp_limit = SRTCP_RESERVE;
		if (suite[side] == MEDIA_SUITE_NONE)
			continue;
		s->key_in = key_from(suite[side], (uint8_t)(1 + side));
		s->key_out = key_from(suite[side], (uint8_t)(101 + side));
		x->party[side].out = libsrtp_open(s->key_in, ssrc_any_outbound);
		x->party[side].in = libsrtp_open(s->key_out, ssrc_any_inbound);
	}
}

static struct secure_rig secure_open(enum media_suite a, enum media_suite b)
{
	struct secure_rig x = { .r = rig_open_empty(64) };

	parties_open(&x, (const enum media_suite[]){ a, b });
	for (int side = A; side <= B; side++)
		rig_open_flow(x.r, &x.r->spec[side]);
	assert_int_equal(x.r->w.flows.count, 2);
	return x;
}

static void secure_close(struct secure_rig *x)
{
	for (int side = A; side <= B; side++) {
		if (x->party[side].out)
			(void)srtp_dealloc(x->party[side].out);
		if (x->party[side].in)
			(void)srtp_dealloc(x->party[side].in);
	}
	rig_close(x->r);
}

struct packet {
	uint8_t p[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
	size_t n;
};

static struct packet made(const struct secure_rig *x, int side, enum channel c, struct bytes plain)
{
	struct packet p = { .n = plain.n };

	memcpy(p.p, plain.p, plain.n);
	if (x->party[side].out)
		assert_true(libsrtp_protect(x->party[side].out, c == CHANNEL_RTCP, p.p, &p.n));
	return p;
}

static struct packet made_rtp(const struct secure_rig *x, int side, const struct rtp *rtp)
{
	uint8_t memory[PACKET_MAX];

	return made(x, side, CHANNEL_RTP, rtp_write(memory, rtp));
}

static void put(struct secure_rig *x, int side, enum channel c, const struct packet *p)
{
	struct addr from = c == CHANNEL_RTP ? party(side) : party_rtcp(side);

	put_bytes(x->r, side, c, &from, bytes_mem(p->p, p->n));
}

/* What a party makes of the next packet of this kind that it gets; reports of ours to others are passed over. False: none came. */
static bool heard_on(struct secure_rig *x, int side, enum channel c, struct packet *out)
{
	const struct sim_packet *p = port_sim_take(x->r->sim);

	while (p && (p->slot != (uint32_t)side || p->channel != c))
		p = port_sim_take(x->r->sim);
	if (!p)
		return false;
	memcpy(out->p, p->data, p->length);
	out->n = p->length;
	if (x->party[side].in)
		assert_true(
			libsrtp_unprotect(x->party[side].in, c == CHANNEL_RTCP, out->p, &out->n));
	return true;
}

static bool heard(struct secure_rig *x, int side, struct packet *out)
{
	return heard_on(x, side, CHANNEL_RTP, out);
}

static bool relayed(struct secure_rig *x, int side, const struct rtp *rtp, struct packet *out)
{
	struct packet p = made_rtp(x, side, rtp);

	put(x, side, CHANNEL_RTP, &p);
	worker_step(&x->r->w);
	return heard(x, side ^ 1, out);
}

static uint8_t tag_octets(enum media_suite suite)
{
	if (suite == GCM_128 || suite == GCM_256)
		return 16;
	return suite == SUITE_80 ? 10 : suite == SUITE_32 ? 4 : 0;
}

/* ---- what passes ---- */

static const enum media_suite SUITES[] = { MEDIA_SUITE_NONE, SUITE_80, SUITE_32, GCM_128, GCM_256 };

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

/* ---- what does not ---- */

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

/* ---- restarts ---- */

static struct flow_resume resume_of(struct secure_rig *x, int side)
{
	return flow_resume_read(flow_of(x->r, side));
}

/* The process is another; the parties are the same. */
static void restart(struct secure_rig *x, const struct flow_resume resume[2])
{
	struct flow_spec spec[2] = { x->r->spec[A], x->r->spec[B] };

	rig_close(x->r);
	x->r = rig_open_empty(64);
	for (int side = A; side <= B; side++) {
		x->r->spec[side] = spec[side];
		x->r->spec[side].resume = resume[side];
		x->r->spec[side].srtp_limit = resume[side].srtp_next + SRTP_RESERVE;
		x->r->spec[side].srtcp_limit = resume[side].srtcp_next + SRTCP_RESERVE;
		rig_open_flow(x->r, &x->r->spec[side]);
	}
}

static void goes_on_after_a_restart(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_32);
	struct flow_resume resume[2];
	uint16_t sequence = 100;
	uint32_t timestamp = 7;
	struct packet p;

	(void)state;
	for (int life = 0; life < 10; life++) {
		rig_hear(x.r, B);
		for (int i = 0; i < 3000; i++, sequence++) {
			struct rtp rtp = { .ssrc = 1,
					   .sequence = sequence,
					   .timestamp = timestamp += 160 };

			assert_true(relayed(&x, A, &rtp, &p));
			assert_int_equal(be32_get(p.p + 4), timestamp);
			if (life > 0 && i == 0)
				assert_int_equal(be16_get(p.p + 2), resume[B].srtp_next & 0xffff);
		}
		for (int side = A; side <= B; side++)
			resume[side] = resume_of(&x, side);
		assert_true(resume[A].srtp_in % 65536 == (uint16_t)(sequence - 1));
		resume[A].srtp_in -= 2000;                  /* saved a while ago */
		resume[B].srtp_next += SRTP_RESERVE - 3000; /* all that was granted */
		restart(&x, resume);
	}
	assert_true(resume[A].srtp_in < 65536 && resume[B].srtp_next > 65536);
	secure_close(&x);
}

static void what_is_late_after_a_restart_is_not_sent(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_resume resume[2];
	struct packet p;

	(void)state;
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 100 }, &p));
	for (int side = A; side <= B; side++)
		resume[side] = resume_of(&x, side);
	restart(&x, resume);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 105 }, &p));
	assert_int_equal(be16_get(p.p + 2), resume[B].srtp_next & 0xffff);
	assert_false(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 104 }, &p));
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 106 }, &p));
	secure_close(&x);
}

static void a_replay_across_a_restart_is_dropped(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 100 }), out;
	struct flow_resume resume[2];

	(void)state;
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_true(heard(&x, B, &out));
	for (int side = A; side <= B; side++)
		resume[side] = resume_of(&x, side);
	restart(&x, resume);
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &out));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), 1);
	secure_close(&x);
}

/* So that a successor guesses the rollover counter right. */
static void control_hears_of_half_a_rollover(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct media_event event;
	struct packet p;

	(void)state;
	for (uint32_t i = 0; i < 70000; i++) {
		advance_ms(x.r, 20);
		assert_true(relayed(
			&x, A, &(struct rtp){ .ssrc = 1, .sequence = (uint16_t)(i + 10) }, &p));
		if (!rig_event(x.r, MEDIA_FLOW_LATCHED, &event))
			continue;
		assert_true(event.resume.srtp_in == 10 || event.resume.srtp_in == 32768 ||
			    event.resume.srtp_in == 65536);
	}
	assert_int_equal(event.resume.srtp_in, 65536);
	secure_close(&x);
}

/* ---- updates ---- */

static void the_same_key_goes_on(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_80);
	struct packet p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 0 }), first = p;

	(void)state;
	put(&x, A, CHANNEL_RTP, &p);
	worker_step(&x.r->w);
	assert_true(heard(&x, B, &p));
	for (uint16_t i = 1; i < 20; i++) {
		x.r->spec[A].receive = x.r->spec[B].send = i % 2 == 0;
		rig_update(x.r, &x.r->spec[A]);
		rig_update(x.r, &x.r->spec[B]);
		assert_int_equal(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p),
				 i % 2 == 0);
		put(&x, A, CHANNEL_RTP, &first);
		worker_step(&x.r->w);
		assert_int_equal(dropped(x.r, VERDICT_SRTP_REPLAY), i);
	}
	secure_close(&x);
}

/* AES_CM_128_HMAC_SHA1_32 has the keystream of the former: no index of it comes twice. */
static void another_suite_with_the_same_key_goes_on(void **state)
{
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *b = &x.r->spec[B];
	struct packet p;
	uint64_t next;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	next = srtp_stream_next(flow_of(x.r, B)->srtp_out);
	b->key_out.suite = SUITE_32;
	b->resume.srtp_next = next - 3;
	rig_update(x.r, b);
	assert_int_equal(srtp_stream_next(flow_of(x.r, B)->srtp_out), next);
	(void)srtp_dealloc(x.party[B].in);
	x.party[B].in = libsrtp_open(b->key_out, ssrc_any_inbound);
	assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 4 }, &p));
	assert_int_equal(be16_get(p.p + 2), next);
	secure_close(&x);
}

static void another_key_starts_afresh(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_80);
	struct flow_spec *a = &x.r->spec[A], *b = &x.r->spec[B];
	struct packet p;

	(void)state;
	for (uint16_t i = 0; i < 4; i++)
		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
	p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1, .sequence = 5 });
	a->key_in = key_from(SUITE_32, 55);
	a->resume = (struct flow_resume){ .started = 1,
					  .source_ssrc = 1,
					  .srtp_in = 300000 }; /* of the former */
	b->key_out = key_from(SUITE_32, 66);
	rig_update(x.r, a);
	rig_update(x.r, b);
	put(&x, A, CHANNEL_RTP, &p); /* under the former key */
	worker_step(&x.r->w);
	assert_false(heard(&x, B, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_AUTH), 1);
	(void)srtp_dealloc(x.party[A].out);
	(void)srtp_dealloc(x.party[B].in);
	x.party[A].out = libsrtp_open(a->key_in, ssrc_any_outbound);
	x.party[B].in = libsrtp_open(b->key_out, ssrc_any_inbound);
	assert_in_range(srtp_stream_next(flow_of(x.r, B)->srtp_out), 1, (1 << 15) - 1);
	for (uint16_t i = 6; i < 10; i++) {
		uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);

		assert_true(relayed(&x, A, &(struct rtp){ .ssrc = 1, .sequence = i }, &p));
		assert_int_equal(be16_get(p.p + 2), next);
	}
	secure_close(&x);
}

/* The key of an answer: control has said in the record where its indexes begin. */
static void a_key_by_update_begins_where_the_record_says(void **state)
{
	static const uint64_t FIRST[] = { 5000, 65535, 3 * 65536 + 100 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(FIRST); i++) {
		struct secure_rig x = secure_open(SUITE_80, SUITE_80);
		struct flow_resume resume[2] = { { .srtp_next = FIRST[i], .srtcp_next = 77 },
						 { .srtp_next = FIRST[i], .srtcp_next = 77 } };
		struct media_key key[2][2];
		struct packet p;

		for (int side = A; side <= B; side++) {
			key[side][0] = x.r->spec[side].key_in;
			key[side][1] = x.r->spec[side].key_out;
			x.r->spec[side].key_in = x.r->spec[side].key_out = (struct media_key){ 0 };
		}
		restart(&x, resume);
		for (int side = A; side <= B; side++) {
			x.r->spec[side].key_in = key[side][0];
			x.r->spec[side].key_out = key[side][1];
			rig_update(x.r, &x.r->spec[side]);
		}
		assert_int_equal(srtp_stream_next(flow_of(x.r, B)->srtp_out), FIRST[i]);
		assert_int_equal(srtcp_stream_next(flow_of(x.r, B)->srtp_out), 77);
		(void)srtp_set_stream_roc(x.party[B].in, 0xbbbb, (uint32_t)(FIRST[i] >> 16));
		p = made_rtp(&x, A, &(struct rtp){ .ssrc = 1 });
		put(&x, A, CHANNEL_RTP, &p);
		worker_step(&x.r->w);
		assert_int_equal(be16_get(port_sim_take(x.r->sim)->data + 2), FIRST[i] & 0xffff);
		assert_int_equal(resume_of(&x, B).srtp_next, FIRST[i] + 1);
		secure_close(&x);
	}
}

/* Secure, in clear, and secure again under the same keys: no index comes twice. */
static void a_time_in_clear_repeats_no_index(void **state)
{
	static const uint32_t CLEAR[] = { 0, 1, 10, 40000, 65536 };
	struct secure_rig x = secure_open(MEDIA_SUITE_NONE, SUITE_80);
	struct flow_spec *b = &x.r->spec[B], secure = *b;
	srtp_t in = x.party[B].in;
	uint16_t sequence = 0;
	struct packet p;

	(void)state;
	rig_hear(x.r, B);
	for (size_t i = 0; i < COUNT_OF(CLEAR); i++) {
		uint64_t next = srtp_stream_next(flow_of(x.r, B)->srtp_out);

		x.party[B].in = in;
		for (uint32_t n = 0; n < 5; n++) {
			assert_true(relayed(
				&x, A, &(struct rtp){ .ssrc = 1, .sequence = sequence++ }, &p));
			assert_int_equal(be16_get(p.p + 2), (next + n) & 0xffff);
		}
		b->key_in = b->key_out = (struct media_key){ 0 };
		rig_update(x.r, b);
		x.party[B].in = NULL;
		for (uint32_t n = 0; n < CLEAR[i]; n++)
			assert_true(relayed(
				&x, A, &(struct rtp){ .ssrc = 1, .sequence = sequence++ }, &p));
		b->key_in = secure.key_in;
		b->key_out = secure.key_out;
		rig_update(x.r, b);
	}
	x.party[B].in = in;
	secure_close(&x);
}

static void without_its_key_nothing_passes(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, MEDIA_SUITE_NONE);
	struct flow_spec *a = &x.r->spec[A];
	struct media_event event;
	struct packet p;

	(void)state;
	a->key_in.length = a->key_out.length = 7;
	rig_update(x.r, a);
	assert_true(rig_event(x.r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	assert_false(relayed(&x, A, &(struct rtp){ .ssrc = 1 }, &p));
	assert_false(relayed(&x, B, &(struct rtp){ .ssrc = 1 }, &p));
	assert_int_equal(dropped(x.r, VERDICT_SRTP_KEY), 2);
	assert_int_equal(flow_of(x.r, A)->sent.packets, 0);
	secure_close(&x);
}

static void a_flow_with_a_bad_key_does_not_open(void **state)
{
	struct rig *r = rig_open_empty(64);
	struct flow_spec spec = rig_spec(A);
	struct media_event event;

	(void)state;
	spec.key_in = key_from(SUITE_80, 1);
	spec.key_in.length--;
	rig_open_flow(r, &spec);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	spec.key_in.length++;
	spec.resume.srtp_next = SRTP_INDEX_END;
	rig_open_flow(r, &spec);
	assert_true(rig_event(r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(r->w.flows.count, 0);
	assert_int_equal(r->w.flows.secure, 0);
	rig_close(r);
}

/* A worker without SRTP skips the stages: it has to know when there is none. */
static void secure_flows_are_counted(void **state)
{
	struct secure_rig x = secure_open(SUITE_80, SUITE_32);
	struct flow_spec *a = &x.r->spec[A];

	(void)state;
	assert_int_equal(x.r->w.flows.secure, 2);
	a->key_in = (struct media_key){ 0 };
	rig_update(x.r, a);
	assert_int_equal(x.r->w.flows.secure, 2);
	a->key_out = (struct media_key){ 0 };
	rig_update(x.r, a);
	assert_int_equal(x.r->w.flows.secure, 1);
	rig_command(x.r,
		    &(struct media_command){ .kind = MEDIA_FLOW_CLOSE, .id = x.r->spec[B].id });
	assert_int_equal(x.r->w.flows.secure, 0);
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
		cmocka_unit_test(goes_on_after_a_restart),
		cmocka_unit_test(what_is_late_after_a_restart_is_not_sent),
		cmocka_unit_test(a_replay_across_a_restart_is_dropped),
		cmocka_unit_test(control_hears_of_half_a_rollover),
		cmocka_unit_test(the_same_key_goes_on),
		cmocka_unit_test(another_suite_with_the_same_key_goes_on),
		cmocka_unit_test(another_key_starts_afresh),
		cmocka_unit_test(a_key_by_update_begins_where_the_record_says),
		cmocka_unit_test(a_time_in_clear_repeats_no_index),
		cmocka_unit_test(without_its_key_nothing_passes),
		cmocka_unit_test(a_flow_with_a_bad_key_does_not_open),
		cmocka_unit_test(secure_flows_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
