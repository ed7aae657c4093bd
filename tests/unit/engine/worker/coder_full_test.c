/* SPDX-License-Identifier: Apache-2.0 */
/* Opus at 48 kHz, where it was told to run so: what the other codec has is resampled, and all else is as without. */
#include "tests/unit/test.h"

#include "tests/unit/dsp/speech.h"
#include "tests/unit/engine/worker/coder_rig.h"

enum {
	FULL_HZ = 48000,
	NARROW = 4, /* below: SILK of the narrow band (RFC 6716 3.1) */
	WIDE = 8,   /* SILK of the wide band, and above it */
	HYBRID = 12,
	LAG_MAX = 400,
	SPOKEN = 2 * 8000,
};

static uint32_t told(bool full)
{
	return ease_pack(CODING_COMPLEXITY, EASE_BUSY) | (full ? EASE_FULL_RATE : 0);
}

static struct scene *scene_full(enum media_codec a, enum media_codec b)
{
	return scene_open_told(a, b, told(true));
}

static const struct coding *coding_of(const struct scene *s, int side)
{
	return &transcoder_of(&s->r->w, flow_of(s->r, side))->list[0];
}

static uint8_t configuration(const struct said *h)
{
	return h->octets[0] >> 3;
}

static bool is_stereo(const struct said *h)
{
	return h->octets[0] >> 2 & 1;
}

static void is_tone(const struct scene *s, int side, size_t from, enum media_codec codec)
{
	static int16_t pcm[SAMPLES_MAX];
	uint32_t rate;
	size_t n = heard_decode(s, side, from, codec, pcm, &rate);

	assert_true(tone_share(pcm, n, rate, TONE_HZ) > 0.9);
	assert_true(tone_share(pcm, n, rate, 2 * TONE_HZ) < 0.05);
}

static void both_talk(struct scene *s, int packets)
{
	while (packets-- > 0) {
		talker_put(s, A);
		talker_put(s, B);
		work_off(s);
		pass_ms(s, PACKET_MS);
	}
}

/* ---- it is heard ---- */

static void pair_talks(enum media_codec a)
{
	struct scene *s = scene_full(a, MEDIA_CODEC_OPUS);

	both_talk(s, 60);
	assert_int_equal(coding_of(s, A)->rate_out, FULL_HZ);
	assert_int_equal(coding_of(s, A)->bit_rate, 24000);
	assert_int_equal(coding_of(s, B)->rate_in, FULL_HZ);
	assert_int_equal(s->n[A], 60);
	assert_int_equal(s->n[B], 60);
	in_step(s, A, 0, media_codec_facts(a)->clock_hz);
	in_step(s, B, 0, FULL_HZ);
	is_tone(s, A, 0, a);
	is_tone(s, B, 0, MEDIA_CODEC_OPUS);
	for (size_t i = 0; i < s->n[B]; i++) {
		assert_true(configuration(&s->heard[B][i]) >= WIDE);
		assert_false(is_stereo(&s->heard[B][i]));
	}
	scene_close(s);
}

static void each_codec_talks_with_it(void **state)
{
	static const enum media_codec OTHERS[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,
						   MEDIA_CODEC_G722, MEDIA_CODEC_G726_32,
						   MEDIA_CODEC_L16,  MEDIA_CODEC_L16_WIDE };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(OTHERS); i++)
		pair_talks(OTHERS[i]);
}

/* Without Opus in it there is nothing to tell. */
static void others_run_as_they_do(void **state)
{
	struct scene *s = scene_full(MEDIA_CODEC_PCMU, MEDIA_CODEC_G722);

	(void)state;
	assert_null(coding_of(s, A)->resampler);
	assert_null(coding_of(s, B)->resampler);
	assert_int_equal(coding_of(s, A)->rate_out, 16000);
	scene_close(s);
}

/* As it is at first. */
static void nobody_told_it(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	both_talk(s, 20);
	assert_null(coding_of(s, A)->resampler);
	assert_int_equal(coding_of(s, A)->rate_out, 8000);
	assert_int_equal(coding_of(s, B)->rate_in, 8000);
	assert_true(configuration(&s->heard[B][10]) < NARROW);
	scene_close(s);
}

/* ---- a voice is the same voice ---- */

/* How alike two are at the best lag: 1 is the same but for loudness. */
static double alike(const int16_t *said, const int16_t *heard, size_t n)
{
	double best = 0;

	for (size_t lag = 0; lag < LAG_MAX; lag++) {
		double both = 0, a = 0, b = 0;

		for (size_t i = 0; i + lag < n; i++) {
			both += (double)said[i] * heard[i + lag];
			a += (double)said[i] * said[i];
			b += (double)heard[i + lag] * heard[i + lag];
		}
		best = fmax(best, both / sqrt(a * b));
	}
	return best;
}

static void speak(struct scene *s, int side, struct speech *voice)
{
	struct talker *t = &s->talker[side];
	uint8_t payload[PACKET_MAX], packet[PACKET_MAX];
	int16_t pcm[CODEC_SAMPLES_MAX];
	struct addr from = party(side);
	struct rtp p = { .payload_type = t->payload_type,
			 .ssrc = t->ssrc,
			 .sequence = t->sequence,
			 .timestamp = t->timestamp,
			 .payload = (const char *)payload };
	int n;

	speech_make(voice, pcm, t->format.samples);
	n = encoder_frame(t->encoder, pcm, t->format.samples, payload, PACKET_MAX);
	assert_true(n > 0);
	p.payload_n = (size_t)n;
	put_bytes(s->r, side, CHANNEL_RTP, &from, rtp_write(packet, &p));
	talker_skip(t, 1, true);
	work_off(s);
	pass_ms(s, PACKET_MS);
}

/* The voice is made of samples of 8 kHz, whoever says it. */
static void talker_narrow(struct talker *t)
{
	const struct encoder_settings narrow = { .codec = media_codec_facts(t->codec)->name,
						 .rate = 8000 };

	encoder_close(t->encoder);
	assert_int_equal(encoder_open(&t->encoder, &narrow), 0);
	t->format = encoder_format(t->encoder);
}

static void voice_crosses(int side, bool full)
{
	static int16_t said[SPOKEN], heard[SPOKEN];
	enum media_codec to = side == A ? MEDIA_CODEC_OPUS : MEDIA_CODEC_PCMA;
	struct scene *s = scene_open_told(MEDIA_CODEC_PCMA, MEDIA_CODEC_OPUS, told(full));
	struct speech voice = { .rate = 8000 }, again = { .rate = 8000 };
	struct decoder *d;
	size_t n = 0;

	talker_narrow(&s->talker[side]);

	speech_make(&again, said, SPOKEN);
	assert_int_equal(
		decoder_open(&d, &(struct decoder_settings){ media_codec_facts(to)->name, 8000 }),
		0);
	for (size_t i = 0; i < SPOKEN / 160; i++)
		speak(s, side, &voice);
	for (size_t i = 0; i < s->n[!side]; i++) {
		const struct rtp *p = &s->heard[!side][i].rtp;

		n += (size_t)decoder_frame(d, bytes_mem(p->payload, p->payload_n), heard + n,
					   (uint32_t)(SPOKEN - n));
	}
	assert_int_equal(n, SPOKEN);
	if (alike(said, heard, SPOKEN) < 0.9)
		fail_msg("side %d, full %d: %.3f", side, full, alike(said, heard, SPOKEN));
	decoder_close(d);
	scene_close(s);
}

static void a_voice_is_the_same(void **state)
{
	(void)state;
	voice_crosses(A, false);
	voice_crosses(A, true);
	voice_crosses(B, true);
}

/* Where the encoder looks for bands that are empty it finds them so: nothing is folded up into them. */
static void no_band_is_made_up(void **state)
{
	static const enum media_codec OTHERS[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
		struct scene *s = scene_open_told(OTHERS[i], MEDIA_CODEC_OPUS,
						  ease_pack(10, EASE_BUSY) | EASE_FULL_RATE);
		struct speech voice = { .rate = s->talker[A].format.rate };

		for (int n = 0; n < 200; n++)
			speak(s, A, &voice);
		assert_int_equal(s->n[B], 200);
		for (size_t n = 100; n < 200; n++) /* the first second it does not know */
			assert_in_range(configuration(&s->heard[B][n]), WIDE, HYBRID - 1);
		scene_close(s);
	}
}

/* ---- what does not come, and how long it is ---- */

static void what_is_lost_is_made_up(void **state)
{
	struct scene *s = scene_full(MEDIA_CODEC_OPUS, MEDIA_CODEC_PCMA);

	(void)state;
	talk(s, A, 20);
	talker_skip(&s->talker[A], 2, true);
	pass_ms(s, 2 * PACKET_MS);
	talk(s, A, 40);
	assert_int_equal(s->n[B], 61);
	assert_int_equal(s->heard[B][20].rtp.timestamp - s->heard[B][19].rtp.timestamp, 320);
	assert_int_equal(s->heard[B][21].rtp.timestamp - s->heard[B][20].rtp.timestamp, 160);
	in_step(s, B, 21, 8000);
	is_tone(s, B, 0, MEDIA_CODEC_PCMA);
	scene_close(s);
}

/* Of what waits for the rest of a packet, and of a pause. */
static void gaps_are_as_long(void **state)
{
	struct scene *s = scene_full(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	encoder_close(s->talker[A].encoder);
	talker_open(&s->talker[A], MEDIA_CODEC_PCMU, 10);
	talk(s, A, 21);
	talker_skip(&s->talker[A], 9, false);
	pass_ms(s, 90);
	talk(s, A, 40);
	for (size_t i = 1; i < s->n[B]; i++)
		assert_int_equal(
			(s->heard[B][i].rtp.timestamp - s->heard[B][i - 1].rtp.timestamp) % 480, 0);
	assert_int_equal(s->heard[B][s->n[B] - 1].rtp.timestamp - s->heard[B][0].rtp.timestamp,
			 680 * 48);
	scene_close(s);
}

/* No packet is so long that it holds others up. */
static void packet_times_differ(void **state)
{
	static const struct {
		uint8_t asked;
		uint32_t ms;
	} rows[] = { { 0, 20 }, { 10, 10 }, { 20, 20 }, { 30, 20 }, { 40, 40 }, { 60, 40 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct scene *s = scene_full(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

		s->r->spec[A].codings[0].packet_ms = rows[i].asked;
		rig_update(s->r, &s->r->spec[A]);
		talk(s, A, 60);
		assert_int_equal(s->n[B], 1200 / rows[i].ms);
		assert_int_equal(s->heard[B][9].rtp.timestamp - s->heard[B][8].rtp.timestamp,
				 rows[i].ms * 48);
		is_tone(s, B, 0, MEDIA_CODEC_OPUS);
		scene_close(s);
	}
}

/* ---- what control says ---- */

/* What is open goes on as it is, and what begins anew is as it was told last. */
static void the_setting_changes(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	both_talk(s, 10);
	atomic_store(&s->r->w.coding, told(true));
	s->r->spec[A].rules[0].out = 112;
	rig_update(s->r, &s->r->spec[A]);
	both_talk(s, 10);
	assert_int_equal(coding_of(s, A)->rate_out, 8000);
	in_step(s, B, 0, FULL_HZ);
	s->r->spec[A].rules[0].out = CODEC_PT[MEDIA_CODEC_OPUS];
	s->r->spec[A].codings[0].packet_ms = 20;
	rig_update(s->r, &s->r->spec[A]);
	both_talk(s, 40);
	assert_int_equal(coding_of(s, A)->rate_out, FULL_HZ);
	assert_int_equal(coding_of(s, B)->rate_in, 8000);
	assert_int_equal(s->n[B], 60);
	in_step(s, B, 0, FULL_HZ);
	is_tone(s, B, 20, MEDIA_CODEC_OPUS);
	scene_close(s);
}

/* The word has both. */
static void it_eases_as_well(void **state)
{
	struct scene *s = scene_full(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	uint32_t full_ns = coding_of(s, A)->cost_ns;

	(void)state;
	talk(s, A, 60);
	assert_int_equal(coding_of(s, A)->complexity, CODING_COMPLEXITY);
	atomic_store(&s->r->w.busy, 1000); /* 750 with the next tick */
	talk(s, A, 60);
	assert_in_range(coding_of(s, A)->complexity, 0, CODING_COMPLEXITY - 1);
	assert_true(coding_of(s, A)->cost_ns < full_ns);
	atomic_store(&s->r->w.coding, ease_pack(10, EASE_BUSY) | EASE_FULL_RATE);
	talk(s, A, 700);
	assert_int_equal(coding_of(s, A)->complexity, 10);
	in_step(s, B, 0, FULL_HZ);
	scene_close(s);
}

static void it_costs_more(void **state)
{
	const struct media_coding to = { .from = MEDIA_CODEC_PCMU, .to = MEDIA_CODEC_OPUS };
	const struct media_coding from = { .from = MEDIA_CODEC_OPUS, .to = MEDIA_CODEC_PCMU };
	const struct media_coding none = { .from = MEDIA_CODEC_G722, .to = MEDIA_CODEC_PCMU };

	(void)state;
	assert_true(coding_cost_ns(&to, FULL_HZ) > 2 * coding_cost_ns(&to, 0));
	assert_true(coding_cost_ns(&from, FULL_HZ) > 4 * coding_cost_ns(&from, 0));
	assert_int_equal(coding_cost_ns(&none, FULL_HZ), coding_cost_ns(&none, 0));
}

/* ---- it goes elsewhere ---- */

/* Its rate is its own: the other worker was told another one. */
static void it_goes_to_another_worker(void **state)
{
	struct scene *s = scene_full(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	struct rig *from = s->r, *to = rig_open_empty(64);
	const struct transcoder *c = transcoder_of(&from->w, flow_of(from, A));

	(void)state;
	both_talk(s, 30);
	memcpy(to->spec, from->spec, sizeof(to->spec));
	to->sim->now_ns = from->sim->now_ns;
	worker_step(&to->w);
	for (int side = A; side <= B; side++)
		flow_goes(from, to, &from->spec[side]);
	assert_ptr_equal(transcoder_of(&to->w, flow_of(to, A)), c);
	s->r = to;
	both_talk(s, 30);
	assert_int_equal(coding_of(s, A)->rate_out, FULL_HZ);
	assert_int_equal(coding_of(s, B)->rate_in, FULL_HZ);
	assert_int_equal(s->n[B], 60);
	in_step(s, A, 0, 8000);
	in_step(s, B, 0, FULL_HZ);
	assert_int_equal(s->heard[B][30].rtp.marker, 0);
	is_tone(s, A, 0, MEDIA_CODEC_PCMU);
	is_tone(s, B, 0, MEDIA_CODEC_OPUS);
	scene_close(s);
	rig_close(from);
}

static struct said process_dies(bool full, struct flow_spec specs[2], uint64_t *now_ns,
				uint16_t *next)
{
	struct scene *s = scene_open_told(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS, told(full));
	struct said last;

	talk(s, A, 60);
	memcpy(specs, s->r->spec, 2 * sizeof(*specs));
	specs[B].resume = flow_resume_read(flow_of(s->r, B));
	*now_ns = s->r->sim->now_ns;
	*next = s->talker[A].sequence;
	last = s->heard[B][59];
	scene_close(s);
	return last;
}

/* The stream goes on in the clock of Opus, whatever rates the two processes were told. */
static void another_process_goes_on(bool before, bool after)
{
	struct flow_spec specs[2];
	uint64_t now_ns;
	uint16_t next;
	struct said last = process_dies(before, specs, &now_ns, &next);
	struct scene *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->r = rig_open_empty(64);
	atomic_store(&s->r->w.coding, told(after));
	s->r->sim->now_ns = now_ns + 980 * NS_PER_MS;
	for (int side = A; side <= B; side++) {
		s->r->spec[side] = specs[side];
		talker_open(&s->talker[side], side ? MEDIA_CODEC_OPUS : MEDIA_CODEC_PCMU,
			    PACKET_MS);
		rig_open_flow(s->r, &s->r->spec[side]);
		rig_hear(s->r, side);
	}
	s->talker[A].sequence = next;
	talk(s, A, 30);
	assert_int_equal(coding_of(s, A)->rate_out, after ? FULL_HZ : 8000);
	assert_int_equal(s->n[B], 30);
	assert_in_range((uint16_t)(s->heard[B][0].rtp.sequence - last.rtp.sequence), 50, 100);
	assert_in_range(s->heard[B][0].rtp.timestamp - last.rtp.timestamp, 48000, 48000 + 17 * 960);
	in_step(s, B, 0, FULL_HZ);
	is_tone(s, B, 0, MEDIA_CODEC_OPUS);
	scene_close(s);
}

static void processes_go_on(void **state)
{
	(void)state;
	another_process_goes_on(true, true);
	another_process_goes_on(true, false);
	another_process_goes_on(false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_codec_talks_with_it),
		cmocka_unit_test(others_run_as_they_do),
		cmocka_unit_test(nobody_told_it),
		cmocka_unit_test(a_voice_is_the_same),
		cmocka_unit_test(no_band_is_made_up),
		cmocka_unit_test(what_is_lost_is_made_up),
		cmocka_unit_test(gaps_are_as_long),
		cmocka_unit_test(packet_times_differ),
		cmocka_unit_test(the_setting_changes),
		cmocka_unit_test(it_eases_as_well),
		cmocka_unit_test(it_costs_more),
		cmocka_unit_test(it_goes_to_another_worker),
		cmocka_unit_test(processes_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
