/* SPDX-License-Identifier: Apache-2.0 */
/* How loud members are, by whatever says so; and when what they say is heard. */
#include "tests/unit/test.h"

#include "media/rtp/rtp_parse.h"
#include "tests/unit/engine/job/room_party.h"

enum { LEVEL_ID = 1, VOICE = 0x80, LOUD = 20, QUIET = 60 };

static const uint32_t g_hz[] = { 500, 900, 1300 };

/* RFC 6464 of each party; UINT8_MAX: its packets have none. */
static uint8_t g_told[PARTIES_MAX];

static void head_with_level(struct parties *s, struct party_in_room *p, struct writer *w)
{
	uint8_t level = g_told[p->spec.id.slot];

	(void)s;
	writer_u8(w, (uint8_t)(0x80 | (level == UINT8_MAX ? 0 : RTP_EXTENSION_BIT)));
	writer_u8(w, p->spec.rules[0].in);
	writer_be16(w, p->sequence);
	writer_be32(w, p->timestamp);
	writer_be32(w, 0xabc00 + p->spec.id.slot);
	if (level == UINT8_MAX)
		return;
	writer_be16(w, RTP_EXTENSION_ONE_BYTE);
	writer_be16(w, 1);
	writer_u8(w, LEVEL_ID << 4);
	writer_u8(w, level);
	writer_be16(w, 0);
}

static struct party_in_room *telling_join(struct parties *s, enum media_codec codec, uint32_t hz,
					  uint8_t level)
{
	struct party_in_room *p = party_make(s, codec, hz);

	p->spec.member.level_extension = LEVEL_ID;
	g_told[p->spec.id.slot] = level;
	s->said = head_with_level;
	member_open(s->r, &p->spec);
	return p;
}

/* Both are as loud. What their packets say counts, and who has no place is not decoded. */
static void levels_are_believed(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS,
						   MEDIA_CODEC_G722 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct media_room terms = room_terms(16000);
		struct parties s;
		struct party_in_room *p;

		terms.talkers = 1;
		parties_open(&s, &terms);
		(void)telling_join(&s, codecs[i], g_hz[0], VOICE | LOUD);
		(void)telling_join(&s, codecs[i], g_hz[1], VOICE | QUIET);
		p = telling_join(&s, MEDIA_CODEC_PCMA, g_hz[2], QUIET); /* no voice at all */
		parties_run(&s, 3000);
		assert_true(party_hears(&s, p, g_hz[0], 1920));
		assert_true(party_heard(p, g_hz[1], 1000, 3000) < 10);
		g_told[0] = VOICE | QUIET;
		g_told[1] = VOICE | LOUD;
		parties_run(&s, 3000);
		assert_true(party_hears(&s, p, g_hz[1], 1920));
		assert_true(party_heard(p, g_hz[0], 4000, 6000) < 10);
		parties_close(&s);
	}
}

/* Some never say that there is a voice (RFC 6464 4: vad=off). */
static void levels_without_voice_flags(void **state)
{
	const struct media_room terms = room_terms(16000);
	struct parties s;
	struct party_in_room *p;

	(void)state;
	parties_open(&s, &terms);
	(void)telling_join(&s, MEDIA_CODEC_OPUS, g_hz[0], LOUD);
	(void)telling_join(&s, MEDIA_CODEC_OPUS, g_hz[1], QUIET);
	p = telling_join(&s, MEDIA_CODEC_PCMU, 0, 127);
	p->silent = true;
	parties_run(&s, 3000);
	assert_true(party_hears(&s, p, g_hz[0], 1920));
	assert_false(party_hears(&s, p, g_hz[1], 1920));
	parties_close(&s);
}

/* Of Opus that nobody hears a few packets say how loud it is. */
static void opus_without_levels(void **state)
{
	struct media_room terms = room_terms(16000);
	struct parties s;
	struct party_in_room *p;

	(void)state;
	terms.talkers = 1;
	parties_open(&s, &terms);
	p = listener_join(&s, MEDIA_CODEC_PCMU);
	(void)party_join(&s, MEDIA_CODEC_OPUS, g_hz[0]);
	parties_run(&s, 1000);
	party_join(&s, MEDIA_CODEC_OPUS, g_hz[1])->quieter = 8;
	party_join(&s, MEDIA_CODEC_OPUS, g_hz[2])->quieter = 8;
	parties_run(&s, 3000);
	assert_true(party_hears(&s, p, g_hz[0], 1920));
	assert_true(party_heard(p, g_hz[1], 2000, 4000) < 10);
	s.list[1].quieter = 8;
	s.list[2].quieter = 1; /* now that one is */
	parties_run(&s, 4000);
	assert_true(party_hears(&s, p, g_hz[1], 1920));
	parties_close(&s);
}

/* A fax, a door station, a test: at -20 dB of full scale, for as long as it is there. In all codecs, whatever its party says of it. */
static void a_steady_tone_is_heard(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_PCMA,
						   MEDIA_CODEC_G722, MEDIA_CODEC_L16_WIDE,
						   MEDIA_CODEC_OPUS };
	static const uint32_t hz[] = { 425, 1000, 2100 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs) * COUNT_OF(hz) * 2; i++) {
		const struct media_room terms = room_terms(16000);
		enum media_codec codec = codecs[i % COUNT_OF(codecs)];
		uint32_t tone = hz[i / COUNT_OF(codecs) % COUNT_OF(hz)];
		bool told = i >= COUNT_OF(codecs) * COUNT_OF(hz);
		struct party_in_room *p, *from;
		struct parties s;

		parties_open(&s, &terms);
		p = listener_join(&s, MEDIA_CODEC_L16_WIDE);
		from = told ? telling_join(&s, codec, tone, 23) : party_join(&s, codec, tone);
		from->steady = true;
		from->quieter = 2;
		for (int second = 1; second <= 11; second++) {
			parties_run(&s, 1000);
			if (second > 1 && party_heard(p, tone, s.now_ms - 900, s.now_ms) < 1500)
				fail_msg("codec %d, %u Hz: not in second %d", codec, tone, second);
		}
		parties_close(&s);
	}
}

/* While another one talks it has no place, and its encoder takes it for noise by then. */
static void a_tone_is_heard_when_a_place_is_free(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct media_room terms = room_terms(16000);
		struct party_in_room *p, *talker, *tone;
		struct parties s;

		terms.talkers = 1;
		parties_open(&s, &terms);
		p = listener_join(&s, MEDIA_CODEC_L16_WIDE);
		talker = party_join(&s, MEDIA_CODEC_PCMU, 500);
		parties_run(&s, 1000);
		tone = party_join(&s, codecs[i], 1300);
		tone->steady = true;
		tone->quieter = 4;
		parties_run(&s, 7000);
		assert_true(party_heard(p, 1300, 6000, 8000) < 100);
		talker->hz = 0;
		talker->silent = true;
		parties_run(&s, 3000);
		assert_true(party_heard(p, 1300, 10000, 11000) > 750);
		parties_close(&s);
	}
}

/* Noise is no voice: nobody is sent it, though it comes all the time. */
static void noise_takes_no_place(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;
	uint32_t noise = 1;

	(void)state;
	parties_open(&s, &terms);
	for (uint32_t i = 0; i < 3; i++)
		(void)party_join(&s, MEDIA_CODEC_PCMU, 0);
	for (uint32_t ms = 0; ms < 6000; ms++) {
		for (uint32_t i = 0; i < s.count && ms % 20 == 0; i++) {
			struct party_in_room *p = &s.list[i];
			struct rtp rtp = { .ssrc = 1 + i,
					   .sequence = p->sequence++,
					   .timestamp = p->sequence * 160U,
					   .payload_n = 160 };
			char payload[160];

			for (size_t k = 0; k < sizeof(payload); k++) {
				noise = noise * 1664525 + 1013904223;
				payload[k] = (char)(0xe0 | noise >> 27); /* of -45 dBov or so */
			}
			rtp.payload = payload;
			put_rtp_from(s.r, (int)i, &p->spec.remote_rtp, &rtp);
		}
		parties_run(&s, 1);
	}
	assert_int_equal(room_of(s.r)->places_n, 0);
	assert_int_equal(room_of(s.r)->talks.count, 0);
	parties_close(&s);
}

/* How much later it is heard than said, in ms: the lag at which both fit best. A packet that is sent has what is said from then on. */
static uint32_t lag_of(const struct parties *s, const struct party_in_room *from,
		       const struct party_in_room *to, uint32_t received_ms)
{
	enum { N = 8000 };
	static int16_t said[N];
	struct parties then = *s;
	uint32_t per_ms = to->rate / 1000, best = 0;
	double best_fit = 0;

	for (uint32_t lag = 0; lag < 200; lag++) {
		double fit = 0;

		then.now_ms = received_ms - lag;
		party_voice(&then, from, said, N);
		for (uint32_t i = 0; i < N; i++)
			fit += said[i] *
			       (double)to->heard[(received_ms - to->begun_ms) * per_ms + i];
		if (fit > best_fit)
			best = lag;
		best_fit = fit > best_fit ? fit : best_fit;
	}
	return best;
}

/* Beside what the jitter buffer waits, which is 20 ms at the beginning, there is no more than a tick. */
static void it_is_heard_within_a_packet_time(void **state)
{
	const struct media_room terms = room_terms(8000);

	(void)state;
	for (uint32_t at = 0; at < PARTY_MS; at += 3) {
		struct parties s;
		struct party_in_room *p;
		uint32_t lag;

		parties_open(&s, &terms);
		(void)party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
		s.list[0].at_ms = at;
		p = listener_join(&s, MEDIA_CODEC_PCMU);
		parties_run(&s, 4000);
		lag = lag_of(&s, &s.list[0], p, 2000);
		assert_in_range(lag, 1, ROOM_JITTER_START_MS + ROOM_TICK_MS);
		parties_close(&s);
	}
}

/* Packets of silence are not kept, but they have numbers. */
static void the_first_word_behind_silence_is_heard(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_G722 };
	const struct media_room terms = room_terms(16000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct parties s;
		struct party_in_room *p, *other;
		uint32_t begun_ms;

		parties_open(&s, &terms);
		p = party_join(&s, codecs[i], g_hz[0]);
		other = party_join(&s, MEDIA_CODEC_PCMA, g_hz[1]);
		parties_run(&s, 2000);
		p->silent = true;
		parties_run(&s, 4000);
		while (syllable(s.now_ms + p->hz) > 0 || syllable(s.now_ms + p->hz + 1.0) <= 0)
			parties_run(&s, 1);
		p->silent = false;
		begun_ms = s.now_ms;
		parties_run(&s, 600);
		assert_true(party_heard(other, g_hz[0], begun_ms - 500, begun_ms) < 50);
		assert_true(party_heard(other, g_hz[0], begun_ms + 60, begun_ms + 220) > 1500);
		parties_close(&s);
	}
}

/* A key has the numbers of packets that are not there then; behind it the voice goes on. */
static void keys_are_told_and_not_heard(void **state)
{
	const struct media_room terms = room_terms(8000);
	struct parties s;
	struct party_in_room *p;
	struct media_event event;
	uint32_t begun_ms;

	(void)state;
	parties_open(&s, &terms);
	p = party_join(&s, MEDIA_CODEC_PCMU, g_hz[0]);
	(void)listener_join(&s, MEDIA_CODEC_PCMU);
	parties_run(&s, 2000);
	while (syllable(s.now_ms + p->hz) < 0.9 || s.now_ms % PARTY_MS != p->at_ms)
		parties_run(&s, 1);
	p->hz = 0; /* in the middle of a word */
	begun_ms = s.now_ms;
	for (uint16_t i = 0; i < 8; i++) {
		const char on[] = { 5, (char)(i == 7 ? 0x8a : 0x0a), 0,
				    (char)(160 * (i + 1) / 256) };

		put_rtp_from(s.r, 0, &p->spec.remote_rtp,
			     &(struct rtp){ .ssrc = 0xabc00,
					    .sequence = p->sequence++,
					    .timestamp = p->timestamp,
					    .payload_type = 101,
					    .marker = i == 0,
					    .payload = on,
					    .payload_n = sizeof(on) });
		parties_run(&s, 20);
	}
	p->timestamp += 8 * 160;
	p->hz = g_hz[0];
	assert_true(rig_event(s.r, MEDIA_FLOW_DIGIT, &event));
	assert_int_equal(event.digit, '5');
	/* what the jitter buffer had is heard, and nothing is made up */
	assert_true(party_heard(&s.list[1], g_hz[0], begun_ms + 60, begun_ms + 160) < 100);
	parties_run(&s, 3000);
	hears_all_others(&s, 1920);
	parties_close(&s);
}

/* The longest time in which next to nothing is heard, in tenths of ms. */
static uint32_t hole_of(const struct party_in_room *p, uint32_t from_ms, uint32_t to_ms)
{
	uint32_t most = 0, run = 0, per_ms = p->rate / 1000;

	for (uint32_t i = (from_ms - p->begun_ms) * per_ms; i < (to_ms - p->begun_ms) * per_ms;
	     i++) {
		run = abs(p->heard[i]) < 200 ? run + 1 : 0;
		most = run > most ? run : most;
	}
	return most * 10 / per_ms;
}

/* By the codec, or by what was heard before. */
static void a_lost_packet_is_made_up_for(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS,
						   MEDIA_CODEC_G722 };
	const struct media_room terms = room_terms(16000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct parties s;
		struct party_in_room *p, *other;
		uint32_t lost_ms;

		parties_open(&s, &terms);
		p = party_join(&s, codecs[i], g_hz[0]);
		other = listener_join(&s, MEDIA_CODEC_L16_WIDE);
		parties_run(&s, 3000);
		while (syllable(s.now_ms + p->hz) < 0.9 || s.now_ms % PARTY_MS != p->at_ms)
			parties_run(&s, 1);
		p->hz = 0;
		p->sequence++;
		p->timestamp += p->clock / 1000 * PARTY_MS;
		lost_ms = s.now_ms + PARTY_MS; /* it would be sent then */
		parties_run(&s, PARTY_MS);
		p->hz = g_hz[0];
		parties_run(&s, 500);
		assert_in_range(hole_of(other, lost_ms, lost_ms + 70), 0, 50);
		parties_close(&s);
	}
}

/* Of a word of 60 ms nothing is lost: who gets a place is decoded from what it has said already. */
static void the_first_packet_is_heard(void **state)
{
	static const enum media_codec codecs[] = { MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS };
	const struct media_room terms = room_terms(8000);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(codecs); i++) {
		struct parties s;
		struct party_in_room *p, *other;
		uint32_t loud = 0;

		parties_open(&s, &terms);
		p = telling_join(&s, codecs[i], g_hz[0], VOICE | LOUD);
		other = telling_join(&s, MEDIA_CODEC_L16, g_hz[1], VOICE | LOUD);
		parties_run(&s, 1000);
		p->hz = 0;
		parties_run(&s, 2000);
		while (syllable(s.now_ms + 1 + g_hz[0]) < 0.8 ||
		       (s.now_ms + 1) % PARTY_MS != p->at_ms)
			parties_run(&s, 1);
		p->hz = g_hz[0];
		parties_run(&s, 60);
		p->silent = true; /* or the last packet would be made up for */
		parties_run(&s, 300);
		for (uint32_t k = other->heard_n - 360 * 8; k < other->heard_n; k++)
			loud += abs(other->heard[k]) > 500;
		assert_in_range(loud, 55 * 8 * 9 / 10, 90 * 8);
		parties_close(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_are_believed),
		cmocka_unit_test(levels_without_voice_flags),
		cmocka_unit_test(opus_without_levels),
		cmocka_unit_test(a_steady_tone_is_heard),
		cmocka_unit_test(a_tone_is_heard_when_a_place_is_free),
		cmocka_unit_test(noise_takes_no_place),
		cmocka_unit_test(it_is_heard_within_a_packet_time),
		cmocka_unit_test(the_first_word_behind_silence_is_heard),
		cmocka_unit_test(keys_are_told_and_not_heard),
		cmocka_unit_test(the_first_packet_is_heard),
		cmocka_unit_test(a_lost_packet_is_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
