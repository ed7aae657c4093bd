/* SPDX-License-Identifier: Apache-2.0 */
/* What one party says in a codec that the other one does not take. */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/engine/worker/coder_rig.h"

static const enum media_codec ALL[] = { MEDIA_CODEC_PCMU,    MEDIA_CODEC_PCMA,    MEDIA_CODEC_G722,
					MEDIA_CODEC_OPUS,    MEDIA_CODEC_G726_32, MEDIA_CODEC_L16,
					MEDIA_CODEC_L16_WIDE };

/* ---- tones ---- */

static void is_tone(const struct scene *s, int side, enum media_codec codec)
{
	static int16_t pcm[SAMPLES_MAX];
	uint32_t rate;
	size_t n = heard_decode(s, side, 0, codec, pcm, &rate);

	assert_true(tone_share(pcm, n, rate, TONE_HZ) > 0.9);
	assert_true(tone_share(pcm, n, rate, 2 * TONE_HZ) < 0.05);
}

static void pair_talks(enum media_codec a, enum media_codec b)
{
	struct scene *s = scene_open(a, b);

	for (int i = 0; i < 60; i++) {
		talker_put(s, A);
		talker_put(s, B);
		work_off(s);
		pass_ms(s, PACKET_MS);
	}
	assert_int_equal(s->n[A], 60);
	assert_int_equal(s->n[B], 60);
	in_step(s, A, 0, media_codec_facts(a)->clock_hz);
	in_step(s, B, 0, media_codec_facts(b)->clock_hz);
	is_tone(s, A, a);
	is_tone(s, B, b);
	assert_int_equal(s->heard[A][0].rtp.marker, 1);
	assert_int_equal(s->heard[A][1].rtp.marker, 0);
	assert_int_equal(flow_of(s->r, A)->received.packets, 60);
	assert_int_equal(flow_of(s->r, A)->sent.packets, 60);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, 0);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).dropped, 0);
	assert_int_equal(dropped(s->r, VERDICT_TRANSCODED), 120);
	scene_close(s);
}

static void each_pair_talks_both_ways(void **state)
{
	(void)state;
	for (size_t a = 0; a < COUNT_OF(ALL); a++)
		for (size_t b = a + 1; b < COUNT_OF(ALL); b++)
			pair_talks(ALL[a], ALL[b]);
}

/* ---- what does not come ---- */

static double loudness(const int16_t *pcm, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)pcm[i] * pcm[i];
	return sum / (double)n;
}

static void lost_ones_are_made_of(enum media_codec from, enum media_codec to, uint32_t lost)
{
	static int16_t pcm[SAMPLES_MAX];
	struct scene *s = scene_open(from, to);
	uint32_t units = media_codec_facts(to)->clock_hz / 1000 * PACKET_MS, rate;
	size_t n, frame;

	talk(s, A, 10);
	talker_skip(&s->talker[A], lost, true);
	pass_ms(s, lost * PACKET_MS);
	talk(s, A, 40);
	assert_int_equal(s->n[B], 50 + lost);
	for (size_t k = 1; k < s->n[B]; k++) {
		const struct said *h = &s->heard[B][k];

		assert_int_equal(h->rtp.sequence, (uint16_t)(h[-1].rtp.sequence + 1));
		assert_int_equal(h->rtp.timestamp - h[-1].rtp.timestamp, units);
		assert_int_equal(h->rtp.marker, 0);
	}
	assert_int_equal(s->heard[B][10].at_ms, s->heard[B][10 + lost].at_ms);
	is_tone(s, B, to);
	n = heard_decode(s, B, 0, to, pcm, &rate);
	frame = rate / 1000 * PACKET_MS;
	assert_int_equal(n, (50 + lost) * frame);
	for (uint32_t k = 0; k < lost; k++)
		assert_true(loudness(pcm + (10 + k) * frame, frame) >
			    0.3 * loudness(pcm + 8 * frame, frame));
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, lost);
	scene_close(s);
}

/* Of codecs that have no means of their own: the party hears no gap. */
static void lost_ones_are_made(void **state)
{
	(void)state;
	lost_ones_are_made_of(MEDIA_CODEC_PCMU, MEDIA_CODEC_G722, 1);
	lost_ones_are_made_of(MEDIA_CODEC_PCMA, MEDIA_CODEC_OPUS, 2);
	lost_ones_are_made_of(MEDIA_CODEC_G722, MEDIA_CODEC_PCMU, 3);
	lost_ones_are_made_of(MEDIA_CODEC_G722, MEDIA_CODEC_OPUS, 1);
	lost_ones_are_made_of(MEDIA_CODEC_G726_32, MEDIA_CODEC_PCMA, 2);
	lost_ones_are_made_of(MEDIA_CODEC_L16_WIDE, MEDIA_CODEC_PCMU, 3);
}

/* More than CODING_LOSS_MS_MAX: the other party's phone knows that something is missing. */
static void a_long_loss_is_a_gap(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_G722);

	(void)state;
	talk(s, A, 10);
	talker_skip(&s->talker[A], 4, true);
	pass_ms(s, 4 * PACKET_MS);
	talk(s, A, 40);
	assert_int_equal(s->n[B], 50);
	in_step(s, B, 0, 8000);
	assert_int_equal(s->heard[B][10].at_ms - s->heard[B][9].at_ms, 5 * PACKET_MS);
	assert_int_equal(s->heard[B][10].rtp.marker, 0);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, 4);
	scene_close(s);
}

/* Opus: the last one is made of what the next packet repeats, or in its manner. */
static void opus_makes_up_for_one(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMA);

	(void)state;
	talk(s, A, 20);
	talker_skip(&s->talker[A], 2, true);
	pass_ms(s, 2 * PACKET_MS);
	talk(s, A, 40);
	assert_int_equal(s->n[B], 61);
	assert_int_equal(s->heard[B][20].at_ms, s->heard[B][21].at_ms);
	assert_int_equal(s->heard[B][20].rtp.timestamp - s->heard[B][19].rtp.timestamp, 320);
	assert_int_equal(s->heard[B][21].rtp.timestamp - s->heard[B][20].rtp.timestamp, 160);
	in_step(s, B, 21, 8000);
	is_tone(s, B, MEDIA_CODEC_PCMA);
	scene_close(s);
}

/* Not sent, and not lost. A marker begins what follows. */
static void silence_is_as_long(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU);

	(void)state;
	talk(s, A, 10);
	talker_skip(&s->talker[A], 100, false);
	pass_ms(s, 100 * PACKET_MS);
	s->talker[A].marker = 1;
	talk(s, A, 10);
	assert_int_equal(s->n[B], 20);
	in_step(s, B, 0, 8000);
	assert_int_equal(s->heard[B][10].rtp.marker, 1);
	scene_close(s);
}

static void late_ones_and_doubles_do_not_pass(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	uint8_t first[PACKET_MAX], second[PACKET_MAX];
	struct rtp a, b;

	(void)state;
	talk(s, A, 10);
	a = talker_next(&s->talker[A], first);
	b = talker_next(&s->talker[A], second);
	put_rtp(s->r, A, &b); /* in one batch: each finds its place */
	put_rtp(s->r, A, &a);
	put_rtp(s->r, A, &b);
	work_off(s);
	assert_int_equal(s->n[B], 12);
	assert_int_equal(dropped(s->r, VERDICT_LATE), 1);
	pass_ms(s, 2 * PACKET_MS);
	put_rtp(s->r, A, &a);
	work_off(s);
	assert_int_equal(s->n[B], 12);
	assert_int_equal(dropped(s->r, VERDICT_LATE), 2);
	talk(s, A, 40);
	assert_int_equal(s->n[B], 52);
	is_tone(s, B, MEDIA_CODEC_OPUS);
	in_step(s, B, 12, 48000);
	scene_close(s);
}

/* Another SSRC, a jump, a party that stood still: in the one stream, as far on as time. */
static void what_jumps_begins_anew(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_G722, MEDIA_CODEC_OPUS);

	(void)state;
	talk(s, A, 5);
	s->talker[A].ssrc++;
	s->talker[A].sequence = 7;
	s->talker[A].timestamp += 77777;
	talk(s, A, 5);
	s->talker[A].timestamp -= 1000000;
	talk(s, A, 5);
	pass_ms(s, 5000);
	talk(s, A, 5);
	assert_int_equal(s->n[B], 20);
	in_step(s, B, 0, 48000);
	for (size_t i = 0; i < s->n[B]; i++)
		assert_int_equal(s->heard[B][i].rtp.marker, i % 5 == 0);
	assert_int_equal(flow_of(s->r, A)->stats.source_changes, 1);
	scene_close(s);
}

/* ---- packet times ---- */

static struct scene *scene_open_ms(enum media_codec a, uint32_t a_ms, enum media_codec b,
				   uint8_t b_ms)
{
	struct scene *s = scene_open(a, b);

	encoder_close(s->talker[A].encoder);
	talker_open(&s->talker[A], a, a_ms);
	s->r->spec[A].codings[0].packet_ms = b_ms;
	rig_update(s->r, &s->r->spec[A]);
	return s;
}

static void packet_times_differ(void **state)
{
	static const struct {
		enum media_codec from;
		uint32_t from_ms;
		enum media_codec to;
		uint8_t to_ms; /* as control says it */
		uint32_t ms;   /* as it leaves */
	} rows[] = {
		{ MEDIA_CODEC_PCMU, 30, MEDIA_CODEC_OPUS, 0, 20 },
		{ MEDIA_CODEC_PCMU, 30, MEDIA_CODEC_G722, 0, 30 },
		{ MEDIA_CODEC_PCMU, 30, MEDIA_CODEC_G722, 20, 20 },
		{ MEDIA_CODEC_PCMU, 10, MEDIA_CODEC_G722, 20, 20 },
		{ MEDIA_CODEC_OPUS, 60, MEDIA_CODEC_PCMA, 20, 20 },
		{ MEDIA_CODEC_OPUS, 60, MEDIA_CODEC_PCMA, 0, 60 },
		{ MEDIA_CODEC_OPUS, 10, MEDIA_CODEC_PCMA, 0, 10 },
		{ MEDIA_CODEC_OPUS, 5, MEDIA_CODEC_PCMA, 0, 10 },
		{ MEDIA_CODEC_G722, 20, MEDIA_CODEC_PCMU, 30, 30 },
		{ MEDIA_CODEC_PCMA, 20, MEDIA_CODEC_OPUS, 60, 60 },
		{ MEDIA_CODEC_PCMA, 20, MEDIA_CODEC_OPUS, 50, 40 }, /* Opus has none so long */
		{ MEDIA_CODEC_PCMU, 20, MEDIA_CODEC_OPUS, 30, 20 },
		{ MEDIA_CODEC_G722, 20, MEDIA_CODEC_OPUS, 60, 40 }, /* one would take too long */
		{ MEDIA_CODEC_G726_32, 60, MEDIA_CODEC_PCMU, 20, 20 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct scene *s =
			scene_open_ms(rows[i].from, rows[i].from_ms, rows[i].to, rows[i].to_ms);
		uint32_t units = media_codec_facts(rows[i].to)->clock_hz / 1000 * rows[i].ms;

		talk(s, A, (int)(1200 / rows[i].from_ms));
		assert_int_equal(s->n[B], 1200 / rows[i].ms);
		for (size_t k = 1; k < s->n[B]; k++) {
			assert_int_equal(s->heard[B][k].rtp.sequence,
					 (uint16_t)(s->heard[B][k - 1].rtp.sequence + 1));
			assert_int_equal(s->heard[B][k].rtp.timestamp -
						 s->heard[B][k - 1].rtp.timestamp,
					 units);
		}
		is_tone(s, B, rows[i].to);
		scene_close(s);
	}
}

/* What waited for the rest of its packet leaves with silence in the place of what was not sent. */
static void a_gap_in_a_packet_is_filled(void **state)
{
	struct scene *s = scene_open_ms(MEDIA_CODEC_PCMU, 30, MEDIA_CODEC_L16, 20);
	int16_t last[80];

	(void)state;
	talk(s, A, 5); /* 150 ms: 10 wait */
	assert_int_equal(s->n[B], 7);
	talker_skip(&s->talker[A], 2, false);
	pass_ms(s, 60);
	talk(s, A, 2);
	assert_int_equal(s->n[B], 7 + 1 + 3);
	for (size_t k = 1; k < 8; k++)
		assert_int_equal(s->heard[B][k].rtp.timestamp - s->heard[B][k - 1].rtp.timestamp,
				 160);
	assert_int_equal(s->heard[B][8].rtp.timestamp - s->heard[B][7].rtp.timestamp, 160 + 50 * 8);
	memcpy(last, s->heard[B][7].octets + 160, sizeof(last));
	assert_true(loudness(last, 80) == 0);
	scene_close(s);
}

/* What was lost is made, from the very sample on. */
static void a_loss_in_a_packet_is_made(void **state)
{
	struct scene *s = scene_open_ms(MEDIA_CODEC_PCMU, 30, MEDIA_CODEC_L16, 20);

	(void)state;
	talk(s, A, 5);
	talker_skip(&s->talker[A], 2, true);
	pass_ms(s, 60);
	talk(s, A, 20);
	assert_int_equal(s->n[B], 810 / 20);
	for (size_t k = 1; k < s->n[B]; k++)
		assert_int_equal(s->heard[B][k].rtp.timestamp - s->heard[B][k - 1].rtp.timestamp,
				 160);
	is_tone(s, B, MEDIA_CODEC_L16);
	scene_close(s);
}

/* ---- what is said otherwise ---- */

static struct rtp event_of_talker(struct talker *t, uint8_t payload[4], uint16_t duration, bool end)
{
	payload[0] = 5;
	payload[1] = (uint8_t)(end ? 0x8a : 0x0a);
	be16_put(payload + 2, duration);
	return (struct rtp){ .payload_type = EVENT_PT,
			     .ssrc = t->ssrc,
			     .sequence = t->sequence++,
			     .timestamp = t->timestamp,
			     .payload = (const char *)payload,
			     .payload_n = 4 };
}

/* Ten packets of an event, and three with its end. */
static void event_say_as(struct scene *s, int side)
{
	struct talker *t = &s->talker[side];
	uint32_t units = talker_units(t);
	uint8_t payload[4];

	for (uint32_t i = 1; i <= 13; i++) {
		struct rtp p =
			event_of_talker(t, payload, (uint16_t)(units * (i < 10 ? i : 10)), i > 10);

		p.marker = i == 1;
		put_rtp(s->r, side, &p);
		work_off(s);
		pass_ms(s, PACKET_MS);
	}
	talker_skip(t, 13, false);
}

static void events_cross(enum media_codec from, enum media_codec to)
{
	struct scene *s = scene_open(from, to);
	uint32_t clock_hz = media_codec_facts(to)->clock_hz, units = clock_hz / 1000 * PACKET_MS;
	const struct said *h = s->heard[B];
	struct media_event event;

	talk(s, A, 10);
	event_say_as(s, A);
	talk(s, A, 10);
	assert_int_equal(s->n[B], 33);
	for (size_t i = 10; i < 23; i++) {
		assert_int_equal(h[i].rtp.payload_type, EVENT_PT);
		assert_int_equal(h[i].rtp.timestamp - h[9].rtp.timestamp, units);
		assert_int_equal(h[i].rtp.sequence, (uint16_t)(h[9].rtp.sequence + i - 9));
		assert_int_equal(h[i].rtp.marker, i == 10);
		assert_int_equal(be16_get(h[i].octets + 2), units * (i < 19 ? i - 9 : 10));
	}
	assert_int_equal(h[23].rtp.timestamp - h[9].rtp.timestamp, 14 * units);
	in_step(s, B, 23, clock_hz);
	event_say_as(s, A); /* two in a row */
	event_say_as(s, A);
	assert_int_equal(s->n[B], 59);
	assert_int_equal(h[46].rtp.timestamp - h[33].rtp.timestamp, 13 * units);
	assert_int_equal(flow_of(s->r, A)->stats.digits, 3);
	assert_true(rig_event(s->r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '5');
	assert_int_equal(event.relayed, 1);
	assert_int_equal(event.duration_ms, 200);
	scene_close(s);
}

static void events_cross_in_the_other_clock(void **state)
{
	(void)state;
	events_cross(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	events_cross(MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU);
	events_cross(MEDIA_CODEC_PCMA, MEDIA_CODEC_G722);
}

/* The party hears a digit of ours, and no audio meanwhile. */
static void digits_of_ours_come_first(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	size_t events = 0, i;

	(void)state;
	talk(s, A, 10);
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						   .id = s->r->spec[B].id,
						   .digit = '7',
						   .duration_ms = 100 });
	heard_take(s);
	talk(s, A, 20);
	for (i = 10; i < s->n[B]; i++) {
		bool event = s->heard[B][i].rtp.payload_type == EVENT_PT;

		events += event;
		assert_int_equal(s->heard[B][i].rtp.sequence,
				 (uint16_t)(s->heard[B][i - 1].rtp.sequence + 1));
		assert_true((int32_t)(s->heard[B][i].rtp.timestamp -
				      s->heard[B][i - 1].rtp.timestamp) >= !event);
	}
	assert_int_equal(events, 9); /* 120 ms at least, and its end three times */
	assert_in_range(dropped(s->r, VERDICT_DURING_DIGIT), 8, 10);
	assert_int_equal(s->heard[B][i - 1].rtp.payload_type, 111);
	assert_int_equal(s->heard[B][i - 1].rtp.timestamp - s->heard[B][9].rtp.timestamp, 20 * 960);
	scene_close(s);
}

/* Nor what came before it, and waits. */
static void what_waits_does_not_cross_a_digit(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	size_t before;

	(void)state;
	for (int i = 0; i < 12; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	assert_true(turn_is_queued(&s->r->w));
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						   .id = s->r->spec[B].id,
						   .digit = '7',
						   .duration_ms = 100 });
	heard_take(s);
	before = s->n[B];
	pass_ms(s, 200);
	assert_true(before < 12);
	for (size_t i = 0, digit = 0; i < s->n[B]; i++) {
		digit |= s->heard[B][i].rtp.payload_type == EVENT_PT;
		assert_int_equal(s->heard[B][i].rtp.payload_type, digit ? EVENT_PT : 111);
	}
	scene_close(s);
}

/* Reports of one stream say nothing of the other; each party has ours. */
static void reports_end_here(void **state)
{
	static const uint8_t RR[] = { 0x80, 201, 0, 1, 0, 0, 0, 7 };
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	struct addr from = party_rtcp(A);

	(void)state;
	talk(s, A, 5);
	put_bytes(s->r, A, CHANNEL_RTCP, &from, bytes_mem(RR, sizeof(RR)));
	work_off(s);
	assert_int_equal(s->n[B], 5);
	assert_int_equal(dropped(s->r, VERDICT_TRANSCODED), 6);
	assert_int_equal(flow_of(s->r, A)->stats.rtcp_in, 1);
	scene_close(s);
}

/* ---- commands ---- */

/* A codec in common is found: what follows is relayed as it is, behind what was coded; and back. */
static void the_coding_ends(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA);
	struct flow_spec coded = s->r->spec[A], plain = coded;

	(void)state;
	plain.rules[0].coding = 0;
	plain.rules[0].out = 0;
	talk(s, A, 10);
	rig_update(s->r, &plain);
	assert_null(transcoder_of(&s->r->w, flow_of(s->r, A)));
	talk(s, A, 10);
	assert_int_equal(flow_of(s->r, B)->sink.transcoded, 0);
	rig_update(s->r, &coded);
	talk(s, A, 10);
	assert_int_equal(s->n[B], 30);
	in_step(s, B, 0, 8000);
	for (size_t i = 0; i < 30; i++)
		assert_int_equal(s->heard[B][i].rtp.payload_type, i / 10 == 1 ? 0 : 8);
	assert_int_equal(dropped(s->r, VERDICT_TRANSCODED), 20);
	assert_int_equal(flow_of(s->r, A)->stats.source_changes, 0);
	scene_close(s);
}

/* What it does not change goes on. */
static void an_update_keeps_the_coder(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	const struct transcoder *c = transcoder_of(&s->r->w, flow_of(s->r, A));

	(void)state;
	talk(s, A, 5);
	s->r->spec[A].rules[0].out = 112;
	rig_update(s->r, &s->r->spec[A]);
	assert_ptr_equal(transcoder_of(&s->r->w, flow_of(s->r, A)), c);
	talk(s, A, 5);
	in_step(s, B, 0, 48000);
	assert_int_equal(s->heard[B][9].rtp.payload_type, 112);
	assert_int_equal(s->heard[B][5].rtp.marker, 0);
	scene_close(s);
}

static void a_codec_that_there_is_not(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	struct media_event event;

	(void)state;
	s->r->spec[A].codings[0].packet_ms = CODING_PACKET_MS_MAX + 1;
	rig_update(s->r, &s->r->spec[A]);
	assert_true(rig_event(s->r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	say(s, A);
	assert_int_equal(s->n[B], 0);
	assert_int_equal(dropped(s->r, VERDICT_TRANSCODER_FULL), 1);
	flow_end(s->r, A);
	rig_open_flow(s->r, &s->r->spec[A]);
	assert_true(rig_event(s->r, MEDIA_FLOW_FAILED, &event));
	assert_int_equal(event.error, -EINVAL);
	assert_int_equal(flow_of(s->r, A)->id.generation, 0);
	scene_close(s);
}

/* What came, as it came, and what left of it: both are plain. */
static void a_watcher_sees_both(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	const struct capture_order order = { .call = s->r->spec[A].call,
					     .points = CAPTURE_IN_PLAIN | CAPTURE_OUT_PLAIN };
	const struct capture_packet *p;
	uint32_t seen[2] = { 0 };

	(void)state;
	assert_true(ring_push(&s->r->w.capture.orders, &order));
	talk(s, A, 10);
	while ((p = ring_peek(&s->r->w.capture.packets)) != NULL) {
		if (p->point == CAPTURE_IN_PLAIN && p->flow.slot == A) {
			assert_int_equal(p->octets[1] & 0x7f, CODEC_PT[MEDIA_CODEC_PCMU]);
			assert_int_equal(p->length, 12 + 160);
			seen[A]++;
		} else if (!p->rtcp) {
			const struct rtp *left = &s->heard[B][seen[B]++].rtp;

			assert_int_equal(p->point, CAPTURE_OUT_PLAIN);
			assert_int_equal(p->flow.slot, B);
			assert_int_equal(p->octets[1] & 0x7f, CODEC_PT[MEDIA_CODEC_OPUS]);
			assert_memory_equal(p->octets + 12, left->payload, left->payload_n);
		}
		ring_release(&s->r->w.capture.packets);
	}
	assert_int_equal(seen[A], 10);
	assert_int_equal(seen[B], 10);
	scene_close(s);
}

/* ---- turns ---- */

/* More than can wait, in one batch; a slice of it between two polls. */
static void too_many_are_dropped(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	for (int i = 0; i < TRANSCODER_PACKETS_MAX + 4; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	heard_take(s);
	assert_in_range(s->n[B], 1, 4);
	assert_true(turn_is_queued(&s->r->w));
	assert_int_equal(dropped(s->r, VERDICT_TRANSCODER_FULL), 4);
	work_off(s);
	assert_int_equal(s->n[B], TRANSCODER_PACKETS_MAX);
	for (size_t i = 1; i < s->n[B]; i++)
		assert_int_equal(s->heard[B][i].rtp.timestamp - s->heard[B][i - 1].rtp.timestamp,
				 960);
	scene_close(s);
}

static void it_closes_while_packets_wait(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	for (int i = 0; i < 10; i++) {
		talker_put(s, A);
		talker_put(s, B);
	}
	worker_step(&s->r->w);
	assert_true(turn_is_queued(&s->r->w));
	flow_end(s->r, A);
	heard_take(s);
	assert_int_equal(transcoder_of(&s->r->w, flow_of(s->r, B))->count, 0);
	assert_int_equal(s->r->w.transcoders.open, 1);
	say(s, B); /* nobody is there */
	assert_int_equal(dropped(s->r, VERDICT_NO_PEER), 1);
	scene_close(s);
}

/* ---- a restart ---- */

/* What the record of a process has of its stream to B. */
static bool told_read(struct scene *s, struct flow_resume *told)
{
	struct media_event event;
	bool found = false;

	while (rig_event(s->r, MEDIA_FLOW_LATCHED, &event)) {
		if (event.id.slot != B || event.resume.sent.units != 960)
			continue;
		*told = event.resume;
		found = true;
	}
	return found;
}

/* The process before was killed. Its stream goes on: later numbers, and a timestamp of this moment. */
static void another_process_goes_on(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS), *next;
	const struct said *last, *first;
	struct flow_resume told;

	(void)state;
	talk(s, A, 150); /* the worker's tick tells of it */
	assert_true(told_read(s, &told));
	last = &s->heard[B][149];
	next = scene_successor(s, (struct flow_resume[2]){ [B] = told }, 980);
	say(next, A);
	first = &next->heard[B][0];
	assert_int_equal(next->n[B], 1);
	assert_in_range((uint16_t)(first->rtp.sequence - last->rtp.sequence), 50, 100);
	assert_in_range(first->rtp.timestamp - last->rtp.timestamp, 48000, 48000 + 5 * 960);
	assert_int_equal(first->rtp.marker, 1);
	talk(next, A, 10);
	scene_close(next);
	scene_close(s);
}

/* A stream whose first packet is late, by a party whose clock is fast, which is killed then. */
static void late_and_killed(uint32_t late_ms, uint32_t packets, uint32_t every_ms,
			    uint32_t after_ms)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS), *next;
	const struct rtp *last, *first;
	struct flow_resume told = { 0 };

	pass_ms(s, late_ms);
	for (uint32_t i = 0; i < 1 + late_ms / PACKET_MS; i++) {
		say(s, A);
		(void)told_read(s, &told);
	}
	for (uint32_t i = 0; i < packets; i++) {
		pass_ms(s, every_ms);
		say(s, A);
		(void)told_read(s, &told);
	}
	assert_int_not_equal(told.sent.units, 0);
	last = &s->heard[B][s->n[B] - 1].rtp;
	next = scene_successor(s, (struct flow_resume[2]){ [B] = told }, after_ms);
	say(next, A);
	first = &next->heard[B][0].rtp;
	assert_in_range((uint16_t)(first->sequence - last->sequence), 1,
			200 + after_ms / PACKET_MS);
	assert_in_range(first->timestamp - last->timestamp, after_ms * 48, (after_ms + 420) * 48);
	scene_close(next);
	scene_close(s);
}

/* Nothing that may have left is repeated, neither a number nor a time. */
static void no_process_goes_back(void **state)
{
	(void)state;
	for (uint32_t late_ms = 0; late_ms <= 300; late_ms += 20)
		for (uint32_t packets = 0; packets <= 140; packets += 70)
			for (uint32_t after_ms = 1; after_ms <= 1001; after_ms += 500)
				late_and_killed(late_ms, packets, PACKET_MS, after_ms);
	late_and_killed(0, HEARD_MAX - 20, PACKET_MS - 1, 1);
}

/* ---- keys, and another worker ---- */

static struct scene *scene_secure(enum media_suite of_a)
{
	struct scene *s = scene_open(MEDIA_CODEC_G722, MEDIA_CODEC_OPUS);

	for (int side = A; side <= B; side++)
		flow_end(s->r, side);
	for (uint8_t side = A; side <= B; side++) {
		enum media_suite suite = side == A ? of_a : GCM_128;
		struct flow_spec *spec = &s->r->spec[side];

		spec->srtp_limit = spec->srtcp_limit = 1 << 20;
		spec->key_in = key_from(suite, (uint8_t)(1 + side));
		spec->key_out = key_from(suite, (uint8_t)(101 + side));
		spec->resume.srtp_next = 65500; /* it turns over */
		s->out[side] = libsrtp_open(spec->key_in, ssrc_any_outbound);
		s->in[side] = libsrtp_open(spec->key_out, ssrc_any_inbound);
		rig_open_flow(s->r, spec);
		rig_hear(s->r, side);
	}
	return s;
}

static void scene_secure_close(struct scene *s)
{
	for (int side = A; side <= B; side++) {
		(void)srtp_dealloc(s->out[side]);
		(void)srtp_dealloc(s->in[side]);
	}
	scene_close(s);
}

/* Behind a rollover, whether the party's counter goes on or begins at 0 (RFC 3711 3.3.1). */
static void behind_another_key(enum media_suite suite, bool continues)
{
	struct scene *s = scene_secure(suite);
	struct flow_spec *spec = &s->r->spec[A];
	struct talker *t = &s->talker[A];
	uint16_t first = t->sequence;

	talk(s, A, 60);
	assert_true(t->sequence < first);
	(void)srtp_dealloc(s->out[A]);
	spec->key_in = key_from(suite, 55);
	s->out[A] =
		libsrtp_behind(spec->key_in, t->ssrc, continues ? first : t->sequence, t->sequence);
	rig_update(s->r, spec);
	talk(s, A, 60);
	assert_int_equal(s->n[B], 120);
	in_step(s, B, 0, 48000);
	is_tone(s, B, MEDIA_CODEC_OPUS);
	scene_secure_close(s);
}

static void another_key_is_no_gap(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL_SUITES); i++) {
		behind_another_key(ALL_SUITES[i], true);
		behind_another_key(ALL_SUITES[i], false);
	}
}

static void parties_have_keys(void **state)
{
	struct scene *s = scene_secure(SUITE_80);

	(void)state;
	for (int i = 0; i < 60; i++) {
		talker_put(s, A);
		talker_put(s, B);
		work_off(s);
		pass_ms(s, PACKET_MS);
	}
	assert_int_equal(s->n[A], 60);
	assert_int_equal(s->n[B], 60);
	assert_int_equal(s->heard[B][0].rtp.sequence, 65500);
	in_step(s, A, 0, 8000);
	in_step(s, B, 0, 48000);
	is_tone(s, A, MEDIA_CODEC_G722);
	is_tone(s, B, MEDIA_CODEC_OPUS);
	scene_secure_close(s);
}

/* With its codecs as they are, so that nobody hears of it. */
static void it_goes_to_another_worker(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	struct rig *from = s->r, *to = rig_open_empty(64);
	const struct transcoder *c = transcoder_of(&from->w, flow_of(from, A));

	(void)state;
	talk(s, A, 30);
	memcpy(to->spec, from->spec, sizeof(to->spec));
	to->sim->now_ns = from->sim->now_ns;
	worker_step(&to->w);
	for (int side = A; side <= B; side++)
		flow_goes(from, to, &from->spec[side]);
	assert_int_equal(from->w.transcoders.open, 0);
	assert_int_equal(to->w.transcoders.open, 2);
	assert_ptr_equal(transcoder_of(&to->w, flow_of(to, A)), c);
	s->r = to;
	talk(s, A, 30);
	assert_int_equal(s->n[B], 60);
	in_step(s, B, 0, 48000);
	assert_int_equal(s->heard[B][30].rtp.marker, 0);
	is_tone(s, B, MEDIA_CODEC_OPUS);
	scene_close(s);
	rig_close(from);
}

/* What waits goes along. The peer came first. */
static void what_waits_goes_along(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	struct rig *from = s->r, *to = rig_open_empty(64);

	(void)state;
	memcpy(to->spec, from->spec, sizeof(to->spec));
	flow_goes(from, to, &from->spec[B]);
	rig_open_flow(from, &from->spec[B]); /* else nothing would wait for it */
	rig_hear(from, B);
	for (int i = 0; i < 12; i++)
		talker_put(s, A);
	worker_step(&from->w);
	heard_take(s);
	assert_in_range(s->n[B], 1, 11);
	flow_goes(from, to, &from->spec[A]);
	assert_false(turn_is_queued(&from->w));
	flow_end(from, B);
	heard_take(s);
	s->r = to;
	rig_hear(to, B);
	work_off(s);
	assert_int_equal(s->n[B], 12);
	scene_close(s);
	rig_close(from);
}

/* ---- whatever comes ---- */

static void nonsense_is_survived(void **state)
{
	struct scene *s;
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 4711);
	for (uint32_t round = 0; round < 40; round++) {
		uint32_t a = rand_below(&r, COUNT_OF(ALL)), b = (a + 1 + rand_below(&r, 4)) % 5;
		uint32_t said = 0;

		s = scene_open(ALL[a], ALL[b]);
		for (uint32_t i = 0; i < 200; i++) {
			char payload[1400];
			struct talker *t = &s->talker[A];
			struct rtp p = { .payload_type =
						 rand_below(&r, 10) ? t->payload_type : EVENT_PT,
					 .ssrc = t->ssrc + (rand_below(&r, 50) == 0),
					 .payload = payload,
					 .payload_n = 1 + rand_below(&r, sizeof(payload)) };

			t->sequence = (uint16_t)(t->sequence + rand_below(&r, 4));
			t->timestamp +=
				rand_below(&r, 3) ? 160 : rand_u32_from(&r) >> rand_below(&r, 32);
			p.sequence = t->sequence;
			p.timestamp = t->timestamp;
			for (size_t k = 0; k < p.payload_n; k++)
				payload[k] = (char)rand_below(&r, 256);
			put_rtp(s->r, A, &p);
			said++;
			if (rand_below(&r, 3))
				work_off(s);
			s->n[B] = 0;
			if (rand_below(&r, 2))
				pass_ms(s, rand_below(&r, 40));
			s->n[B] = 0;
		}
		work_off(s);
		/* 120 ms at most in one, of packets of 10 ms at least; and each may be made up for */
		assert_true(flow_of(s->r, B)->sent.packets <= said * 24);
		s->n[B] = 0;
		scene_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_pair_talks_both_ways),
		cmocka_unit_test(lost_ones_are_made),
		cmocka_unit_test(a_long_loss_is_a_gap),
		cmocka_unit_test(opus_makes_up_for_one),
		cmocka_unit_test(silence_is_as_long),
		cmocka_unit_test(late_ones_and_doubles_do_not_pass),
		cmocka_unit_test(what_jumps_begins_anew),
		cmocka_unit_test(packet_times_differ),
		cmocka_unit_test(a_gap_in_a_packet_is_filled),
		cmocka_unit_test(a_loss_in_a_packet_is_made),
		cmocka_unit_test(events_cross_in_the_other_clock),
		cmocka_unit_test(digits_of_ours_come_first),
		cmocka_unit_test(what_waits_does_not_cross_a_digit),
		cmocka_unit_test(reports_end_here),
		cmocka_unit_test(the_coding_ends),
		cmocka_unit_test(an_update_keeps_the_coder),
		cmocka_unit_test(a_codec_that_there_is_not),
		cmocka_unit_test(a_watcher_sees_both),
		cmocka_unit_test(too_many_are_dropped),
		cmocka_unit_test(it_closes_while_packets_wait),
		cmocka_unit_test(another_process_goes_on),
		cmocka_unit_test(no_process_goes_back),
		cmocka_unit_test(parties_have_keys),
		cmocka_unit_test(another_key_is_no_gap),
		cmocka_unit_test(it_goes_to_another_worker),
		cmocka_unit_test(what_waits_goes_along),
		cmocka_unit_test(nonsense_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
