/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a party that are tones in what it says: each is told once, and what it says passes as it is. Likewise keys that are made so. */
#include "tests/unit/test.h"

#include "dsp/dtmf.h"
#include "tests/unit/engine/worker/coder_rig.h"

enum { ON_MS = 100, OFF_MS = 100, KEYS_MAX = 32 };

static const enum media_codec ALL[] = {
	MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,    MEDIA_CODEC_G722,
	MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32, MEDIA_CODEC_L16_WIDE
};

/* Both speak the same, without telephone-events. */
static struct scene *scene_plain(enum media_codec codec)
{
	struct scene *s = scene_open(codec, codec);

	for (int side = A; side <= B; side++) {
		struct flow_spec *spec = &s->r->spec[side];

		spec->rule_count = 1;
		spec->rules[0].coding = 0;
		spec->rule_codecs[0] = (uint8_t)(codec + 1);
		spec->event_pt = PAYLOAD_NONE;
		spec->accepted_count = 1;
		spec->accepted[0] = (struct media_accepted){ CODEC_PT[codec], (uint8_t)codec };
		rig_update(s->r, spec);
	}
	s->talker[A].ssrc = 1001;
	return s;
}

static struct scene *scene_heard(enum media_codec codec)
{
	struct scene *s = scene_plain(codec);

	s->r->spec[A].detects_dtmf = 1;
	rig_update(s->r, &s->r->spec[A]);
	assert_int_equal(s->r->w.detectors.open, 1);
	return s;
}

/* The next 20 ms of a key, or of silence, come at once. */
static void key_comes(struct scene *s, char digit, uint32_t at_ms, bool lost)
{
	struct talker *t = &s->talker[A];
	uint8_t payload[PACKET_MAX], packet[PACKET_MAX];
	int16_t pcm[CODEC_SAMPLES_MAX] = { 0 };
	struct addr from = party(A);
	struct tone tone;
	struct rtp p = { .payload_type = t->payload_type,
			 .ssrc = t->ssrc,
			 .sequence = t->sequence++,
			 .timestamp = t->timestamp,
			 .payload = (const char *)payload };
	int n;

	if (digit) {
		assert_true(dtmf_tone(digit, ON_MS, OFF_MS, DTMF_LEVEL, &tone));
		tone_render(&tone, t->format.rate, (uint64_t)at_ms * t->format.rate / 1000, pcm,
			    t->format.samples);
	}
	n = encoder_frame(t->encoder, pcm, t->format.samples, payload, sizeof(payload));
	assert_true(n > 0);
	p.payload_n = (size_t)n;
	t->timestamp += talker_units(t);
	if (!lost)
		put_bytes(s->r, A, CHANNEL_RTP, &from, rtp_write(packet, &p));
}

static void key_put(struct scene *s, char digit, uint32_t at_ms, bool lost)
{
	key_comes(s, digit, at_ms, lost);
	work_off(s);
	pass_ms(s, PACKET_MS);
}

static void key_press(struct scene *s, char digit, int lost)
{
	for (uint32_t ms = 0; ms < ON_MS + OFF_MS; ms += PACKET_MS)
		key_put(s, digit, ms, (int)(ms / PACKET_MS) == lost);
}

static void keys_press(struct scene *s, const char *keys)
{
	key_press(s, 0, -1);
	for (; *keys; keys++)
		key_press(s, *keys, -1);
	key_press(s, 0, -1);
}

static const char *keys_told(struct scene *s)
{
	static char keys[KEYS_MAX];
	struct media_event e;
	size_t n = 0;

	while (rig_event(s->r, MEDIA_FLOW_DIGIT, &e)) {
		assert_true(e.tone && e.relayed && e.leg == A);
		assert_in_range(e.duration_ms, ON_MS - 40, ON_MS + 40);
		assert_true(n < KEYS_MAX - 1);
		keys[n++] = e.digit;
	}
	keys[n] = 0;
	return keys;
}

static void heard_in_each_codec(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL); i++) {
		struct scene *s = scene_heard(ALL[i]);

		keys_press(s, "1597");
		assert_string_equal(keys_told(s), "1597");
		keys_press(s, "*0#D");
		assert_string_equal(keys_told(s), "*0#D");
		assert_int_equal(s->n[B], 2 * 6 * (ON_MS + OFF_MS) / PACKET_MS);
		in_step(s, B, 0, media_codec_facts(ALL[i])->clock_hz);
		scene_close(s);
	}
}

/* And nothing is looked at. */
static void not_where_nobody_listens(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMA);

	(void)state;
	keys_press(s, "12");
	assert_string_equal(keys_told(s), "");
	assert_int_equal(s->r->w.flows.tapped, 0);
	assert_int_equal(s->r->w.detectors.open, 0);
	s->r->spec[A].detects_dtmf = 1;
	rig_update(s->r, &s->r->spec[A]);
	keys_press(s, "3");
	assert_string_equal(keys_told(s), "3");
	s->r->spec[A].detects_dtmf = 0;
	rig_update(s->r, &s->r->spec[A]);
	assert_int_equal(s->r->w.flows.tapped, 0);
	assert_int_equal(s->r->w.detectors.open, 0);
	keys_press(s, "4");
	assert_string_equal(keys_told(s), "");
	scene_close(s);
}

/* A packet is lost within the tone, or within the pause behind it. */
static void a_loss_makes_no_second_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL); i++) {
		struct scene *s = scene_heard(ALL[i]);

		key_press(s, 0, -1);
		key_press(s, '8', 6);
		key_press(s, '8', 9);
		key_press(s, 0, -1);
		assert_string_equal(keys_told(s), "88");
		scene_close(s);
	}
}

static void let_go_in_silence(void **state)
{
	struct scene *s = scene_heard(MEDIA_CODEC_PCMU);
	struct media_event e;

	(void)state;
	key_press(s, 0, -1);
	for (uint32_t ms = 0; ms < ON_MS - 20; ms += PACKET_MS)
		key_put(s, '6', ms, false);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_DIGIT), 0);
	pass_ms(s, DETECTOR_QUIET_MS + 20);
	assert_true(rig_event(s->r, MEDIA_FLOW_DIGIT, &e));
	assert_int_equal(e.digit, '6');
	pass_ms(s, 1000);
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_DIGIT), 0);
	scene_close(s);
}

/* Nothing comes for a while, then all that was said meanwhile, at once: wherever in the key that is, it is one. A pause of who speaks is told by
 * its timestamps, and behind it the same key is another one. */
static void a_stall_makes_no_second_key(void **state)
{
	struct media_event e;

	(void)state;
	for (uint32_t stall = 0; stall <= ON_MS + OFF_MS; stall += PACKET_MS) {
		struct scene *s = scene_heard(MEDIA_CODEC_PCMU);
		uint32_t n = 0;

		key_press(s, 0, -1);
		for (uint32_t ms = 0; ms < 4 * (ON_MS + OFF_MS); ms += PACKET_MS) {
			if (ms == stall)
				pass_ms(s, 2 * (ON_MS + OFF_MS));
			key_comes(s, '1', ms, false);
			if (ms < stall || ms >= stall + 2 * (ON_MS + OFF_MS))
				pass_ms(s, PACKET_MS);
		}
		key_press(s, 0, -1);
		while (rig_event(s->r, MEDIA_FLOW_DIGIT, &e))
			n += e.digit == '1';
		assert_int_equal(n, 4);
		scene_close(s);
	}
}

static void behind_a_pause_it_is_another_key(void **state)
{
	struct scene *s = scene_heard(MEDIA_CODEC_PCMU);

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (uint32_t ms = 0; ms < ON_MS - 20; ms += PACKET_MS)
			key_put(s, '6', ms, false);
		pass_ms(s, 2 * DETECTOR_QUIET_MS);
		s->talker[A].timestamp += 8U * 2 * DETECTOR_QUIET_MS;
	}
	assert_int_equal(rig_events(s->r, MEDIA_FLOW_DIGIT), 2);
	scene_close(s);
}

/* With the node, as one who is asked for keys is. */
static void alone(void **state)
{
	struct scene *s = scene_heard(MEDIA_CODEC_PCMA);

	(void)state;
	s->r->spec[A].peer = (struct flow_id){ 0 };
	s->r->spec[A].alone = 1;
	rig_update(s->r, &s->r->spec[A]);
	keys_press(s, "42");
	assert_string_equal(keys_told(s), "42");
	assert_int_equal(s->n[B], 0);
	scene_close(s);
}

/* Who is held, or muted, presses nothing. */
static void not_while_muted(void **state)
{
	struct scene *s = scene_heard(MEDIA_CODEC_PCMA);

	(void)state;
	s->r->spec[A].receive = 0;
	rig_update(s->r, &s->r->spec[A]);
	keys_press(s, "42");
	assert_string_equal(keys_told(s), "");
	scene_close(s);
}

/* ---- made ---- */

static void digit_send(struct scene *s, char digit, uint16_t ms)
{
	rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
						   .id = s->r->spec[B].id,
						   .digit = digit,
						   .duration_ms = ms });
}

/* What B hears. */
static const char *keys_heard(const struct scene *s, enum media_codec codec)
{
	static int16_t pcm[SAMPLES_MAX], narrow[SAMPLES_MAX];
	static char keys[KEYS_MAX];
	struct dtmf_detector ear;
	uint32_t rate;
	size_t n = heard_decode(s, B, 0, codec, pcm, &rate), count = 0;

	for (size_t i = 0; i < n * DTMF_RATE / rate; i++)
		narrow[i] = pcm[i * rate / DTMF_RATE];
	dtmf_detector_open(&ear);
	for (size_t at = 0; at < n * DTMF_RATE / rate; at += 160) {
		dtmf_detector_feed(&ear, narrow + at, 160);
		for (uint8_t i = 0; i < ear.count; i++)
			if (!ear.events[i].ends)
				keys[count++] = ear.events[i].digit;
	}
	keys[count] = 0;
	return keys;
}

/* In place of what A says: one stream, whose time goes on. */
static void made_in_each_codec(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ALL); i++) {
		struct scene *s = scene_plain(ALL[i]);
		size_t before;

		talk(s, A, 10);
		before = s->n[B];
		digit_send(s, '5', 100);
		digit_send(s, '5', 100);
		digit_send(s, '#', 300);
		talk(s, A, 70);
		assert_string_equal(keys_heard(s, ALL[i]), "55#");
		assert_int_equal(before, 10);
		assert_in_range(s->n[B], 78, 82);
		for (size_t k = 1; k < s->n[B]; k++) {
			const struct rtp *p = &s->heard[B][k].rtp, *was = &s->heard[B][k - 1].rtp;

			assert_int_equal(p->sequence, (uint16_t)(was->sequence + 1));
			assert_in_range(p->timestamp - was->timestamp, talker_units(&s->talker[A]),
					2 * talker_units(&s->talker[A]));
		}
		scene_close(s);
	}
}

/* A party that sends nothing hears them, too, and a flash has no tone. */
static void made_in_silence(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMA);

	(void)state;
	digit_send(s, 'F', 100);
	pass_ms(s, 400);
	assert_int_equal(s->n[B], 0);
	digit_send(s, '1', 100);
	pass_ms(s, 400);
	assert_int_equal(s->n[B], 12); /* 120 ms, and as much silence */
	assert_string_equal(keys_heard(s, MEDIA_CODEC_PCMA), "1");
	scene_close(s);
}

/* The party gets another codec meanwhile, or events: what waits is forgotten. */
static void not_in_a_codec_of_before(void **state)
{
	struct scene *s = scene_plain(MEDIA_CODEC_PCMA);

	(void)state;
	digit_send(s, '1', 100);
	digit_send(s, '2', 100);
	pass_ms(s, 300);
	s->r->spec[B].accepted[0] = (struct media_accepted){ 0, MEDIA_CODEC_PCMU };
	rig_update(s->r, &s->r->spec[B]);
	s->n[B] = 0;
	pass_ms(s, 400);
	assert_int_equal(s->n[B], 0);
	digit_send(s, '3', 100);
	pass_ms(s, 400);
	assert_string_equal(keys_heard(s, MEDIA_CODEC_PCMU), "3");
	s->r->spec[B].event_pt = EVENT_PT;
	rig_update(s->r, &s->r->spec[B]);
	s->n[B] = 0;
	digit_send(s, '4', 100);
	pass_ms(s, 400);
	assert_int_equal(s->heard[B][0].rtp.payload_type, EVENT_PT);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heard_in_each_codec),
		cmocka_unit_test(not_where_nobody_listens),
		cmocka_unit_test(a_loss_makes_no_second_key),
		cmocka_unit_test(let_go_in_silence),
		cmocka_unit_test(a_stall_makes_no_second_key),
		cmocka_unit_test(behind_a_pause_it_is_another_key),
		cmocka_unit_test(alone),
		cmocka_unit_test(not_while_muted),
		cmocka_unit_test(made_in_each_codec),
		cmocka_unit_test(made_in_silence),
		cmocka_unit_test(not_in_a_codec_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
