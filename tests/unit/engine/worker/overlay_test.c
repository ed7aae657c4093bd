/* SPDX-License-Identifier: Apache-2.0 */
/* A tone within what a party hears: that it is there when it is due, and that nothing is touched when it is not. */
#include "tests/unit/test.h"

#include <errno.h>
#include <malloc.h>

#include "engine/worker/flow.h"
#include "tests/unit/engine/worker/coder_rig.h"
#include "tests/unit/engine/worker/job_rig.h"

enum {
	BEEP_HZ = 1400,
	BEEP_MS = 500,
	EVERY_MS = 15000,
	HEARS_HZ = 300,    /* amplitude in the midst of a tone of -20 dBm0, which is 2283 */
	SIDE_PACKETS = 10, /* that may be touched before and behind a tone */
	NOT_SPOKEN_PT = 18,
};

static const enum media_codec ALL[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA, MEDIA_CODEC_G722,
					MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32 };

/* What was said, to be compared. */
static struct said g_sent[HEARD_MAX];
static size_t g_sent_n;
static int16_t g_pcm[SAMPLES_MAX];

static void tone_order(struct scene *s, int side, enum media_codec codec)
{
	struct flow_spec *spec = &s->r->spec[side];

	spec->overlay = (struct media_overlay){ .tone = { BEEP_HZ, -200, BEEP_MS },
						.begun_ns = s->r->w.now_ns,
						.every_ms = EVERY_MS };
	spec->accepted_count = 1;
	spec->accepted[0] = (struct media_accepted){ CODEC_PT[codec], (uint8_t)codec };
	rig_update(s->r, spec);
}

/* Both speak the same: packets pass as they are. */
static struct scene *scene_plain(enum media_codec codec)
{
	struct scene *s = scene_open(codec, codec);

	for (int side = A; side <= B; side++) {
		s->r->spec[side].rules[0].coding = 0;
		rig_update(s->r, &s->r->spec[side]);
	}
	assert_int_equal(s->r->w.transcoders.open, 0);
	s->talker[A].ssrc = 1001;
	g_sent_n = 0;
	return s;
}

static void talk_noted(struct scene *s, int side, uint32_t packets)
{
	for (uint32_t i = 0; i < packets; i++) {
		struct said *k = &g_sent[g_sent_n++];
		uint8_t packet[PACKET_MAX + SRTP_MAX_TRAILER_LEN];
		struct addr from = party(side);
		size_t n;

		k->rtp = talker_next(&s->talker[side], k->octets);
		k->at_ms = (s->r->sim->now_ns - RIG_START) / NS_PER_MS;
		n = rtp_write(packet, &k->rtp).n;
		if (s->out[side])
			assert_true(libsrtp_protect(s->out[side], false, packet, &n));
		put_bytes(s->r, side, CHANNEL_RTP, &from, bytes_mem(packet, n));
		work_off(s);
		pass_ms(s, s->talker[side].packet_ms);
	}
}

/* Of the sine, from a moment on for so long. */
static double amplitude(uint32_t rate, uint32_t hz, uint64_t from_ms, uint32_t ms)
{
	const int16_t *pcm = g_pcm + from_ms * rate / 1000;
	size_t n = (size_t)rate / 1000 * ms;
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += pcm[i] * cos(2 * M_PI * hz * (double)i / rate);
		im += pcm[i] * sin(2 * M_PI * hz * (double)i / rate);
	}
	return 2 * sqrt(re * re + im * im) / (double)n;
}

/* Heard at once, and after 15 and 30 s, by the one at whom it is aimed, over the voice, and not in between. */
static void is_attached(const struct scene *s, int side, enum media_codec codec)
{
	uint32_t rate;
	size_t n = heard_decode(s, side, 0, codec, g_pcm, &rate);

	assert_in_range(n, 31 * rate, 32 * rate);
	for (uint32_t at_ms = 0; at_ms <= 2 * EVERY_MS; at_ms += EVERY_MS) {
		assert_in_range(amplitude(rate, BEEP_HZ, at_ms + 300, 180), 1900, 2700);
		assert_in_range(amplitude(rate, TONE_HZ, at_ms + 300, 180), 7000, 9000);
		assert_true(amplitude(rate, BEEP_HZ, at_ms + BEEP_MS + 300, 200) < HEARS_HZ);
	}
	assert_true(amplitude(rate, BEEP_HZ, EVERY_MS - 400, 200) < HEARS_HZ);
	assert_true(amplitude(rate, BEEP_HZ, 7000, 200) < HEARS_HZ);
}

static bool is_touched(const struct said *was, const struct said *is)
{
	return was->rtp.payload_n != is->rtp.payload_n ||
	       memcmp(was->octets, is->octets, is->rtp.payload_n) != 0;
}

/* Numbers and time go on as if nothing had been; what is not near a tone is what was said. */
static void is_untouched_between(const struct scene *s, int side, uint32_t clock_hz)
{
	size_t touched = 0;

	assert_int_equal(s->n[side], g_sent_n);
	in_step(s, side, 0, clock_hz);
	for (size_t i = 0; i < s->n[side]; i++) {
		const struct said *was = &g_sent[i], *is = &s->heard[side][i];
		uint64_t since_ms = is->at_ms % EVERY_MS;

		assert_int_equal(was->at_ms, is->at_ms);
		touched += is_touched(was, is);
		if (since_ms > BEEP_MS + 20 * SIDE_PACKETS && since_ms < EVERY_MS)
			assert_false(is_touched(was, is));
	}
	assert_in_range(touched, 3 * BEEP_MS / 20, 3 * (BEEP_MS / 20 + SIDE_PACKETS));
}

static void tone_in(enum media_codec codec)
{
	struct scene *s = scene_plain(codec);

	tone_order(s, B, codec);
	talk_noted(s, A, 1550);
	is_untouched_between(s, B, media_codec_facts(codec)->clock_hz);
	is_attached(s, B, codec);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).dropped, 0);
	assert_int_equal(flow_stats_read(flow_of(s->r, A)).lost, 0);
	assert_int_equal(flow_of(s->r, B)->sent.packets, 1550);
	assert_null(overlay_of(&s->r->w, flow_of(s->r, A)));
	scene_close(s);
}

static void heard_in_each_codec(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL); i++)
		tone_in(ALL[i]);
}

/* Opus of 10, 40 and 60 ms is as long when it leaves. */
static void packets_of_any_length(void **state)
{
	(void)state;
	for (uint32_t ms = 10; ms <= 60; ms += ms == 10 ? 30 : 20) {
		struct scene *s = scene_plain(MEDIA_CODEC_OPUS);
		uint32_t rate;

		encoder_close(s->talker[A].encoder);
		talker_open(&s->talker[A], MEDIA_CODEC_OPUS, ms);
		tone_order(s, B, MEDIA_CODEC_OPUS);
		talk_noted(s, A, 1200 / ms);
		assert_int_equal(s->n[B], g_sent_n);
		in_step(s, B, 0, 48000);
		(void)heard_decode(s, B, 0, MEDIA_CODEC_OPUS, g_pcm, &rate);
		assert_in_range(amplitude(rate, BEEP_HZ, 300, 200), 1700, 2700);
		scene_close(s);
	}
}

/* ---- keys ---- */

static void parties_have_keys(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);

	(void)state;
	for (uint8_t side = A; side <= B; side++) {
		struct flow_spec *spec = &s->r->spec[side];

		flow_end(s->r, side);
		spec->srtp_limit = spec->srtcp_limit = 1 << 20;
		spec->key_in = key_from(MEDIA_SUITE_AEAD_AES_128_GCM, (uint8_t)(1 + side));
		spec->key_out =
			key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, (uint8_t)(101 + side));
		spec->resume.srtp_next = 65500;
		s->out[side] = libsrtp_open(spec->key_in, ssrc_any_outbound);
		s->in[side] = libsrtp_open(spec->key_out, ssrc_any_inbound);
	}
	for (uint8_t side = A; side <= B; side++) {
		rig_open_flow(s->r, &s->r->spec[side]);
		rig_hear(s->r, side);
	}
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 1550);
	is_untouched_between(s, B, 8000);
	is_attached(s, B, MEDIA_CODEC_PCMU);
	for (int side = A; side <= B; side++) {
		(void)srtp_dealloc(s->out[side]);
		(void)srtp_dealloc(s->in[side]);
	}
	scene_close(s);
}

/* ---- who says something else, or nothing ---- */

/* The party is silent: the tone is said all the same, and it is the same stream that goes on. */
static void nobody_speaks(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMA);
	uint32_t rate;

	(void)state;
	talk_noted(s, A, 10);
	pass_ms(s, 1000);
	tone_order(s, B, MEDIA_CODEC_PCMA);
	talker_skip(&s->talker[A], 100, false);
	pass_ms(s, 1000);
	assert_int_equal(s->n[B], 10 + BEEP_MS / 20);
	assert_int_equal(s->heard[B][10].rtp.marker, 1);
	in_step(s, B, 10, 8000);
	(void)heard_decode(s, B, 10, MEDIA_CODEC_PCMA, g_pcm, &rate);
	assert_in_range(amplitude(rate, BEEP_HZ, 150, 200), 1900, 2700);
	talk_noted(s, A, 10);
	assert_int_equal(s->n[B], 20 + BEEP_MS / 20);
	in_step(s, B, 0, 8000);
	scene_close(s);
}

/* It begins while nobody speaks, and then one does. */
static void one_begins_to_speak(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);

	(void)state;
	talk_noted(s, A, 2);
	pass_ms(s, 500);
	talker_skip(&s->talker[A], 35, false);
	tone_order(s, B, MEDIA_CODEC_PCMU);
	pass_ms(s, 200);
	assert_in_range(s->n[B], 6, 8);
	talk_noted(s, A, 50);
	assert_in_range(s->n[B], 56, 58);
	for (size_t i = 1; i < s->n[B]; i++)
		assert_int_equal(s->heard[B][i].rtp.sequence,
				 (uint16_t)(s->heard[B][i - 1].rtp.sequence + 1));
	scene_close(s);
}

/* What comes late, when its place is filled, makes no stream that goes back in time; and what is in time is where it belongs. */
static void late_one(struct scene *s, bool digit)
{
	const struct said *first = &s->heard[B][0], *last;

	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 15);
	if (digit)
		rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
							   .id = s->r->spec[B].id,
							   .digit = '5',
							   .duration_ms = 100 });
	pass_ms(s, 300);
	for (int i = 0; i < 15; i++)
		say(s, A);
	talk_noted(s, A, 15);
	for (size_t i = 1; i < s->n[B]; i++) {
		const struct rtp *p = &s->heard[B][i].rtp, *before = &s->heard[B][i - 1].rtp;

		assert_int_equal(p->sequence, (uint16_t)(before->sequence + 1));
		assert_true((int32_t)(p->timestamp - before->timestamp) >= 0);
	}
	last = &s->heard[B][s->n[B] - 1];
	assert_int_equal(last->rtp.timestamp - first->rtp.timestamp,
			 (last->at_ms - first->at_ms) * 8);
	assert_in_range(dropped(s->r, VERDICT_LATE), 1, 15);
}

static void late_ones_do_not_go_back(void **state)
{
	(void)state;
	for (int digit = 0; digit < 2; digit++) {
		struct scene *s = scene_plain(MEDIA_CODEC_PCMU);

		late_one(s, digit);
		scene_close(s);
	}
}

/* Of a codec that the node does not speak: the tone in another one that the party takes, in the place of the packets. */
static void codec_is_not_spoken(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	size_t toned = 0;

	(void)state;
	s->r->spec[A].rules[0].in = s->r->spec[A].rules[0].out = NOT_SPOKEN_PT;
	rig_update(s->r, &s->r->spec[A]);
	s->talker[A].payload_type = NOT_SPOKEN_PT;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 100);
	assert_int_equal(s->n[B], 100);
	in_step(s, B, 0, 8000);
	for (size_t i = 0; i < 100; i++) {
		bool is_tone = s->heard[B][i].rtp.payload_type == 0;

		toned += is_tone;
		assert_int_equal(is_tone, is_touched(&g_sent[i], &s->heard[B][i]));
		assert_int_equal(s->heard[B][i].rtp.payload_n, 160);
	}
	assert_in_range(toned, BEEP_MS / 20 - 1, BEEP_MS / 20 + 1);
	s->talker[A].payload_type = 0;
	scene_close(s);
}

/* Nothing that the node speaks is taken: what is said passes, and it is counted that there was no tone. */
static void nothing_is_spoken(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	uint64_t missed = metric_value(s->r->metrics.tones_missed);

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	s->r->spec[B].accepted_count = 0;
	rig_update(s->r, &s->r->spec[B]);
	talk_noted(s, A, 50);
	assert_int_equal(s->n[B], 50);
	for (size_t i = 0; i < 50; i++)
		assert_false(is_touched(&g_sent[i], &s->heard[B][i]));
	assert_in_range(metric_value(s->r->metrics.tones_missed) - missed, BEEP_MS / 20 - 1,
			BEEP_MS / 20 + 1);
	scene_close(s);
}

/* ---- what is made here ---- */

static void coded_anew(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMU);

	(void)state;
	g_sent_n = 0;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 1550);
	assert_int_equal(s->n[B], 1550);
	in_step(s, B, 0, 8000);
	is_attached(s, B, MEDIA_CODEC_PCMU);
	scene_close(s);
}

static void over_music(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	struct media_sound *sound = media_sound_make(8000, 8000);
	struct media_track track = track_of(sound);
	uint32_t rate;

	(void)state;
	for (uint32_t i = 0; i < 8000; i++)
		sound->samples[i] = (int16_t)lrint(8000 * sin(2 * M_PI * TONE_HZ * i / 8000));
	job_open_as(s->r, MUSIC_ID, &track);
	hears(s->r, B, MUSIC_ID, 0);
	pass_ms(s, 1000);
	tone_order(s, B, MEDIA_CODEC_PCMU);
	pass_ms(s, 2000);
	in_step(s, B, 0, 8000);
	assert_in_range(s->n[B], 148, 151);
	(void)heard_decode(s, B, 50, MEDIA_CODEC_PCMU, g_pcm, &rate);
	assert_in_range(amplitude(rate, BEEP_HZ, 150, 200), 1900, 2700);
	assert_in_range(amplitude(rate, TONE_HZ, 150, 200), 7000, 9000);
	assert_true(amplitude(rate, BEEP_HZ, 1000, 200) < HEARS_HZ);
	(void)job_close_as(s->r, MUSIC_ID);
	media_sound_unref(sound);
	scene_close(s);
}

/* A digit of ours in the midst of it, and one of the party's. */
static void digits_cross(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	size_t events = 0;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 5);
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						   .id = s->r->spec[B].id,
						   .digit = '5',
						   .duration_ms = 100 });
	talk_noted(s, A, 30);
	for (size_t i = 0; i < s->n[B]; i++)
		events += s->heard[B][i].rtp.payload_type == EVENT_PT;
	assert_in_range(events, 5, 12);
	for (size_t i = 1; i < s->n[B]; i++)
		assert_int_equal(s->heard[B][i].rtp.sequence,
				 (uint16_t)(s->heard[B][i - 1].rtp.sequence + 1));
	scene_close(s);
}

/* ---- orders ---- */

static void it_is_ended(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 10);
	s->r->spec[B].overlay = (struct media_overlay){ 0 };
	rig_update(s->r, &s->r->spec[B]);
	assert_int_equal(s->r->w.overlays.open, 0);
	assert_int_equal(flow_of(s->r, B)->making, 0);
	g_sent_n = s->n[B] = 0;
	talk_noted(s, A, 800);
	assert_int_equal(s->n[B], 800);
	for (size_t i = 0; i < 800; i++)
		assert_false(is_touched(&g_sent[i], &s->heard[B][i]));
	scene_close(s);
}

/* Another update of the flow changes nothing of it. */
static void it_goes_on_over_updates(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_G722);
	uint32_t rate;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_G722);
	for (int i = 0; i < 10; i++) {
		talk_noted(s, A, 5);
		s->r->spec[B].srtp_limit++;
		rig_update(s->r, &s->r->spec[B]);
	}
	in_step(s, B, 0, 8000);
	(void)heard_decode(s, B, 0, MEDIA_CODEC_G722, g_pcm, &rate);
	assert_in_range(amplitude(rate, BEEP_HZ, 200, 300), 1900, 2700);
	assert_true(amplitude(rate, BEEP_HZ, 780, 200) < HEARS_HZ);
	scene_close(s);
}

/* A process that comes after: it began long ago, and each 15 s from then on. */
static void a_successor_keeps_time(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	uint32_t rate;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	s->r->spec[B].overlay.begun_ns -= 3 * (uint64_t)EVERY_MS * NS_PER_MS + 12000 * NS_PER_MS;
	rig_update(s->r, &s->r->spec[B]);
	talk_noted(s, A, 250);
	(void)heard_decode(s, B, 0, MEDIA_CODEC_PCMU, g_pcm, &rate);
	assert_true(amplitude(rate, BEEP_HZ, 200, 200) < HEARS_HZ);
	assert_true(amplitude(rate, BEEP_HZ, 2500, 200) < HEARS_HZ);
	assert_in_range(amplitude(rate, BEEP_HZ, 3150, 200), 1900, 2700);
	assert_true(amplitude(rate, BEEP_HZ, 4000, 200) < HEARS_HZ);
	scene_close(s);
}

static void once_is_once(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	uint32_t rate;

	(void)state;
	s->r->spec[B].overlay.every_ms = 0;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	s->r->spec[B].overlay.every_ms = 0;
	rig_update(s->r, &s->r->spec[B]);
	talk_noted(s, A, 1000);
	(void)heard_decode(s, B, 0, MEDIA_CODEC_PCMU, g_pcm, &rate);
	assert_in_range(amplitude(rate, BEEP_HZ, 150, 200), 1900, 2700);
	assert_true(amplitude(rate, BEEP_HZ, 15150, 200) < HEARS_HZ);
	scene_close(s);
}

/* As the call waiting tone of most countries: two, and a pause between them. */
static void a_tone_comes_twice(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	struct flow_spec *spec = &s->r->spec[B];
	uint32_t rate;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	spec->overlay.tone = (struct media_tone){ BEEP_HZ, -200, 200, 600 };
	spec->overlay.every_ms = 4000;
	rig_update(s->r, spec);
	talk_noted(s, A, 300);
	(void)heard_decode(s, B, 0, MEDIA_CODEC_PCMU, g_pcm, &rate);
	for (uint32_t at_ms = 100; at_ms <= 4000; at_ms += 3900) { /* the first one is late */
		assert_in_range(amplitude(rate, BEEP_HZ, at_ms + 20, 150), 1900, 2700);
		assert_true(amplitude(rate, BEEP_HZ, at_ms + 300, 300) < HEARS_HZ);
		assert_in_range(amplitude(rate, BEEP_HZ, at_ms + 820, 150), 1900, 2700);
		assert_true(amplitude(rate, BEEP_HZ, at_ms + 1100, 300) < HEARS_HZ);
	}
	scene_close(s);
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct media_overlay BAD[] = {
		{ .tone = { 0, -200, 500 } },
		{ .tone = { 4000, -200, 500 } },
		{ .tone = { 1400, 10, 500 } },
		{ .tone = { 1400, -200, 500 }, .every_ms = 600 },
		{ .tone = { 1400, -200, 200, 600 }, .every_ms = 1400 },
	};
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);
	struct media_event event;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(BAD); i++) {
		s->r->spec[B].overlay = BAD[i];
		rig_update(s->r, &s->r->spec[B]);
		assert_true(rig_event(s->r, MEDIA_FLOW_FAILED, &event));
		assert_int_equal(event.error, -EINVAL);
	}
	talk_noted(s, A, 10);
	assert_int_equal(s->n[B], 10);
	scene_close(s);
}

/* More than can wait, in one batch: what does not find room passes as it is. Nothing is lost. */
static void too_many_pass(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_OPUS);

	(void)state;
	tone_order(s, B, MEDIA_CODEC_OPUS);
	talk_noted(s, A, 5);
	for (int i = 0; i < 3 * OVERLAY_PACKETS_MAX; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	assert_true(turn_is_queued(&s->r->w));
	work_off(s);
	assert_int_equal(s->n[B], 5 + 3 * OVERLAY_PACKETS_MAX);
	scene_close(s);
}

/* What a tone needs was opened by the command. */
static void packets_allocate_nothing(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_OPUS);
	size_t before;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_OPUS);
	before = mallinfo2().uordblks;
	talk_noted(s, A, 10);
	assert_int_equal(overlay_of(&s->r->w, flow_of(s->r, B))->phase, OVERLAY_SOUNDS);
	assert_non_null(overlay_of(&s->r->w, flow_of(s->r, B))->voice);
	assert_int_equal(mallinfo2().uordblks, before);
	scene_close(s);
}

static void it_closes_in_the_midst(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_OPUS);

	(void)state;
	tone_order(s, B, MEDIA_CODEC_OPUS);
	talk_noted(s, A, 5);
	for (int i = 0; i < 6; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	assert_true(turn_is_queued(&s->r->w));
	flow_end(s->r, B);
	heard_take(s);
	assert_int_equal(s->r->w.overlays.open, 0);
	assert_int_equal(s->r->w.overlays.sounding, 0);
	scene_close(s);
}

/* Other keys: what waits has numbers of before, whose indexes under the new key would be anything. */
static void keys_change_while_packets_wait(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_OPUS);
	struct flow_spec *spec = &s->r->spec[B];

	(void)state;
	tone_order(s, B, MEDIA_CODEC_OPUS);
	talk_noted(s, A, 5);
	for (int i = 0; i < 6; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	heard_take(s);
	assert_in_range(s->n[B], 6, 8);
	spec->srtp_limit = spec->srtcp_limit = 1 << 20;
	spec->key_out = key_from(MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 7);
	spec->resume.srtp_next = 3;
	s->in[B] = libsrtp_open(spec->key_out, ssrc_any_inbound);
	s->n[B] = 0;
	rig_update(s->r, spec);
	talk_noted(s, A, 5);
	assert_int_equal(s->n[B], 5);
	assert_int_equal(s->heard[B][0].rtp.sequence, 3);
	(void)srtp_dealloc(s->in[B]);
	scene_close(s);
}

/* What waits leaves before the flow does. */
static void it_goes_to_another_worker(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_OPUS);
	static struct flow_parcel p;
	struct media_event event;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_OPUS);
	talk_noted(s, A, 5);
	for (int i = 0; i < 6; i++)
		talker_put(s, A);
	worker_step(&s->r->w);
	assert_true(turn_is_queued(&s->r->w));
	p = (struct flow_parcel){ .spec = s->r->spec[B], .fd = { -1, -1 } };
	rig_command(s->r, &(struct media_command){
				  .kind = MEDIA_FLOW_YIELD, .id = p.spec.id, .parcel = &p });
	assert_true(rig_event(s->r, MEDIA_FLOW_YIELDED, &event));
	assert_int_equal(event.error, 0);
	heard_take(s);
	assert_int_equal(s->n[B], 11);
	assert_int_equal(s->r->w.overlays.open, 0);
	scene_close(s);
}

/* ---- a kill ---- */

/* What the record has of both flows by now. */
static void record_read(struct scene *s, struct flow_resume record[2])
{
	struct media_event event;

	while (rig_event(s->r, MEDIA_FLOW_LATCHED, &event))
		record[event.id.slot] = event.resume;
}

static void pass_noted(struct scene *s, uint32_t ms, struct flow_resume record[2])
{
	while (ms-- > 0) {
		pass_ms(s, 1);
		record_read(s, record);
	}
}

/* Of a successor, to which A goes on to speak, after the packets that a socket kept. No number and no time comes twice. */
static void goes_on_at(struct scene *s, struct flow_resume record[2], uint32_t kept)
{
	const struct rtp *last = &s->heard[B][s->n[B] - 1].rtp, *p;
	struct scene *next;

	record_read(s, record);
	s->r->spec[B].overlay.tone.ms = 0;
	next = scene_successor(s, record, 40);
	next->talker[A].ssrc = s->talker[A].ssrc;
	next->talker[A].timestamp = s->talker[A].timestamp;
	for (uint32_t i = 0; i < kept; i++)
		say(next, A);
	talk(next, A, 20);
	assert_int_equal(next->n[B], kept + 20);
	for (size_t i = 0; i < next->n[B]; i++) {
		p = &next->heard[B][i].rtp;
		assert_int_equal(p->ssrc, last->ssrc);
		assert_in_range((uint16_t)(p->sequence - last->sequence), 1, 100);
		assert_in_range(p->timestamp - last->timestamp, 1, 100 * 160);
		last = p;
	}
	scene_close(next);
}

/* Killed within a tone, or within a digit, while A's packets are late and the node makes its own. */
static void killed_within(bool digit, uint32_t made_ms)
{
	struct flow_resume record[2] = { 0 };
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU);

	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 15);
	record_read(s, record);
	if (digit)
		rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
							   .id = s->r->spec[B].id,
							   .digit = '5',
							   .duration_ms = 100 });
	pass_noted(s, made_ms, record);
	assert_true(s->n[B] > 15);
	goes_on_at(s, record, made_ms / PACKET_MS);
	scene_close(s);
}

static void does_not_go_back_behind_a_kill(void **state)
{
	(void)state;
	for (uint32_t made_ms = 120; made_ms <= 300; made_ms += 20) {
		killed_within(false, made_ms);
		killed_within(true, made_ms);
	}
}

/* Where the tone is over, and what A says is relayed again, a successor relays it under the very same numbers. */
static void is_relayed_alike_behind_a_kill(void **state)
{
	struct flow_resume record[2] = { 0 };
	struct scene *s = scene_plain(MEDIA_CODEC_PCMU), *next;
	const struct rtp *last, *first;

	(void)state;
	tone_order(s, B, MEDIA_CODEC_PCMU);
	talk_noted(s, A, 15);
	pass_noted(s, 300, record);
	talker_skip(&s->talker[A], 15, true);
	for (int i = 0; i < 75; i++) {
		talk_noted(s, A, 1);
		record_read(s, record);
	}
	last = &s->heard[B][s->n[B] - 1].rtp;
	next = scene_successor(s, record, 0);
	next->talker[A].ssrc = s->talker[A].ssrc;
	next->talker[A].timestamp = s->talker[A].timestamp;
	say(next, A);
	first = &next->heard[B][0].rtp;
	assert_int_equal((uint16_t)(first->sequence - last->sequence), 1);
	assert_int_equal(first->timestamp - last->timestamp, 160);
	scene_close(next);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heard_in_each_codec),
		cmocka_unit_test(packets_of_any_length),
		cmocka_unit_test(parties_have_keys),
		cmocka_unit_test(nobody_speaks),
		cmocka_unit_test(one_begins_to_speak),
		cmocka_unit_test(late_ones_do_not_go_back),
		cmocka_unit_test(does_not_go_back_behind_a_kill),
		cmocka_unit_test(is_relayed_alike_behind_a_kill),
		cmocka_unit_test(codec_is_not_spoken),
		cmocka_unit_test(nothing_is_spoken),
		cmocka_unit_test(coded_anew),
		cmocka_unit_test(over_music),
		cmocka_unit_test(digits_cross),
		cmocka_unit_test(it_is_ended),
		cmocka_unit_test(it_goes_on_over_updates),
		cmocka_unit_test(a_successor_keeps_time),
		cmocka_unit_test(once_is_once),
		cmocka_unit_test(a_tone_comes_twice),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(too_many_pass),
		cmocka_unit_test(packets_allocate_nothing),
		cmocka_unit_test(it_closes_in_the_midst),
		cmocka_unit_test(keys_change_while_packets_wait),
		cmocka_unit_test(it_goes_to_another_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
