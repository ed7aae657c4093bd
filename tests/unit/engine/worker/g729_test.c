/* SPDX-License-Identifier: Apache-2.0 */
/* G.729 transcoded, by its module. Only where that is built. */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/codec/g729.h"
#include "dsp/dtmf.h"
#include "tests/unit/engine/worker/coder_rig.h"

static const enum media_codec OTHERS[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA, MEDIA_CODEC_G722,
					   MEDIA_CODEC_OPUS, MEDIA_CODEC_G726_32 };

static void it_is_not_loaded(void **state)
{
	struct coding c;

	(void)state;
	assert_int_equal(coding_open(&c,
				     &(struct media_coding){ .from = MEDIA_CODEC_G729,
							     .to = MEDIA_CODEC_PCMU },
				     0),
			 -ENOTSUP);
	assert_int_equal(coding_open(&c,
				     &(struct media_coding){ .from = MEDIA_CODEC_PCMU,
							     .to = MEDIA_CODEC_G729 },
				     0),
			 -ENOTSUP);
}

static void it_is_loaded(void **state)
{
	char why[MODULE_TEXT_MAX] = "";

	(void)state;
	if (g729_load(why))
		fail_msg("%s", why);
}

static void pair_talks(enum media_codec other)
{
	static int16_t pcm[SAMPLES_MAX];
	struct scene *s = scene_open(MEDIA_CODEC_G729, other);
	uint32_t rate;
	size_t n;

	for (int i = 0; i < 60; i++) {
		talker_put(s, A);
		talker_put(s, B);
		work_off(s);
		pass_ms(s, PACKET_MS);
	}
	assert_int_equal(s->n[A], 60);
	assert_int_equal(s->n[B], 60);
	in_step(s, A, 0, 8000);
	in_step(s, B, 0, media_codec_facts(other)->clock_hz);
	n = heard_decode(s, A, 0, MEDIA_CODEC_G729, pcm, &rate);
	assert_true(tone_share(pcm, n, rate, TONE_HZ) > 0.8);
	n = heard_decode(s, B, 0, other, pcm, &rate);
	assert_true(tone_share(pcm, n, rate, TONE_HZ) > 0.8);
	assert_int_equal(s->heard[A][10].rtp.payload_n, 20);
	assert_true(transcoder_of(&s->r->w, flow_of(s->r, B))->list[0].cost_ns >= 36000);
	scene_close(s);
}

static void it_speaks_with_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(OTHERS); i++)
		pair_talks(OTHERS[i]);
}

/* ---- keys ---- */

/* The party of B takes G.729 alone, and no telephone-events. */
static struct scene *scene_keys(void)
{
	struct scene *s = scene_open(MEDIA_CODEC_G729, MEDIA_CODEC_G729);

	for (int side = A; side <= B; side++) {
		struct flow_spec *spec = &s->r->spec[side];

		spec->rule_count = 1;
		spec->rules[0].coding = 0;
		spec->rule_codecs[0] = MEDIA_CODEC_G729 + 1;
		spec->event_pt = PAYLOAD_NONE;
		spec->accepted_count = 1;
		spec->accepted[0] = (struct media_accepted){ 18, MEDIA_CODEC_G729 };
		rig_update(s->r, spec);
	}
	return s;
}

static void keys_send(struct scene *s, const char *keys)
{
	for (; *keys; keys++) {
		rig_command(s->r, &(struct media_command){ .kind = MEDIA_FLOW_DIGIT_SEND,
							   .id = s->r->spec[B].id,
							   .digit = *keys,
							   .duration_ms = 120 });
		talk(s, A, 16);
	}
}

/* What B's ear makes of it. */
static void keys_heard(const struct scene *s, char *out, size_t cap)
{
	static int16_t pcm[SAMPLES_MAX];
	struct dtmf_detector ear;
	uint32_t rate;
	size_t n = heard_decode(s, B, 0, MEDIA_CODEC_G729, pcm, &rate), count = 0;

	dtmf_detector_open(&ear);
	for (size_t at = 0; at + 160 <= n; at += 160) {
		dtmf_detector_feed(&ear, pcm + at, 160);
		for (uint8_t i = 0; i < ear.count && count + 1 < cap; i++)
			if (!ear.events[i].ends)
				out[count++] = ear.events[i].digit;
	}
	out[count] = 0;
}

/* In place of what the other party says, in packets as long. */
static void keys_are_said_in_it(void **state)
{
	static const char KEYS[] = "0123456789*#ABCD";
	struct scene *s = scene_keys();
	char heard[64];

	(void)state;
	talk(s, A, 10);
	keys_send(s, KEYS);
	for (size_t k = 1; k < s->n[B]; k++) {
		assert_int_equal(s->heard[B][k].rtp.payload_type, 18);
		assert_int_equal(s->heard[B][k].rtp.payload_n, 20);
		assert_int_equal(s->heard[B][k].rtp.sequence,
				 (uint16_t)(s->heard[B][k - 1].rtp.sequence + 1));
	}
	keys_heard(s, heard, sizeof(heard));
	assert_string_equal(heard, KEYS);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_not_loaded),
		cmocka_unit_test(it_is_loaded),
		cmocka_unit_test(it_speaks_with_each),
		cmocka_unit_test(keys_are_said_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
