/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys as tones through codecs, as telephone-events and by INFO: how many are told right. No clock: what is given is heard as fast as it goes.
 *
 *	digits tones CODEC RATE BIT_RATE ON_MS OFF_MS LOSS_PERMILLE TIMES    each of the 16 keys so often, in random order
 *	digits events ON_MS LOSS_PERMILLE TIMES                              RFC 4733, packets of 20 ms, the end three times
 *	digits info TIMES                                                    bodies of both types
 *	digits speech CODEC RATE BIT_RATE < PCM of 16000 Hz                  keys that are none
 *
 * One line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/codec/g729.h"
#include "dsp/dtmf.h"
#include "dsp/resample.h"
#include "media/rtp/telephone_event.h"
#include "sig/leg/dtmf.h"

enum {
	KEYS = 16,
	FRAME_MS = 20,
	PACKET_MAX = 1500,
	SEED = 20261125,
	COMPLEXITY = 5,
	LEAD_MS = 200,
	SPEECH_FRAME = 16 * FRAME_MS
};

static const char g_keys[] = "0123456789*#ABCD";

struct tally {
	uint64_t sent, right, missed, wrong, twice;
};

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || !*text || n > 100000000) {
		fprintf(stderr, "digits: %s is no number\n", text);
		exit(2);
	}
	return (uint32_t)n;
}

static void tally_print(const struct tally *t)
{
	printf("{\"sent\": %llu, \"right\": %llu, \"missed\": %llu, \"wrong\": %llu, \"twice\": "
	       "%llu}\n",
	       (unsigned long long)t->sent, (unsigned long long)t->right,
	       (unsigned long long)t->missed, (unsigned long long)t->wrong,
	       (unsigned long long)t->twice);
}

/* ---- a line: a codec, packets of 20 ms that may be lost, and an ear ---- */

struct line {
	struct encoder *encoder;
	struct decoder *decoder;
	struct half_band band;
	struct dtmf_detector ear;
	struct rand_source rand;
	uint32_t frame, loss_permille;
};

static void module_have(const char *codec)
{
	char why[MODULE_TEXT_MAX];

	if (!strcmp(codec, "G729") && !g729_module() && g729_load(why))
		fprintf(stderr, "digits: %s\n", why);
}

static void line_open(struct line *l, const char *codec, uint32_t rate, uint32_t bit_rate,
		      uint32_t loss_permille)
{
	const struct encoder_settings out = { .codec = codec,
					      .packet_ms = FRAME_MS,
					      .bit_rate = bit_rate,
					      .complexity = COMPLEXITY,
					      .rate = rate,
					      .voice = true };
	const struct decoder_settings in = { .codec = codec, .rate = rate };

	*l = (struct line){ .frame = rate / 1000 * FRAME_MS, .loss_permille = loss_permille };
	rand_open_seed(&l->rand, SEED);
	module_have(codec);
	if ((rate != 8000 && rate != 16000) || encoder_open(&l->encoder, &out) ||
	    decoder_open(&l->decoder, &in)) {
		fprintf(stderr, "digits: %s at %u Hz is not coded here\n", codec, rate);
		exit(1);
	}
	dtmf_detector_open(&l->ear);
}

static void line_close(struct line *l)
{
	encoder_close(l->encoder);
	decoder_close(l->decoder);
}

/* What is heard of a frame; the keys are in the ear. */
static uint32_t line_pass(struct line *l, const int16_t *pcm)
{
	static int16_t heard[CODEC_SAMPLES_MAX], narrow[CODEC_SAMPLES_MAX];
	static uint8_t octets[PACKET_MAX];
	int n = encoder_frame(l->encoder, pcm, l->frame, octets, sizeof(octets));
	bool lost = rand_below(&l->rand, 1000) < l->loss_permille;

	if (n > 0 && !lost)
		n = decoder_frame(l->decoder, bytes_mem(octets, (size_t)n), heard,
				  CODEC_SAMPLES_MAX);
	else if (decoder_conceal(l->decoder, heard, l->frame) != (int)l->frame)
		memset(heard, 0, l->frame * sizeof(*heard));
	if (l->frame == DTMF_RATE / 1000 * FRAME_MS)
		return dtmf_detector_feed(&l->ear, heard, l->frame);
	half_band_down(&l->band, heard, l->frame / 2, narrow);
	return dtmf_detector_feed(&l->ear, narrow, l->frame / 2);
}

/* ---- tones ---- */

struct keyboard {
	char *keys;
	uint32_t count, on_ms, off_ms, rate;
};

static void keyboard_open(struct keyboard *k, uint32_t times)
{
	struct rand_source rand;

	k->count = KEYS * times;
	k->keys = malloc(k->count);
	if (!k->keys)
		exit(1);
	rand_open_seed(&rand, SEED);
	for (uint32_t i = 0; i < k->count; i++)
		k->keys[i] = g_keys[i % KEYS];
	for (uint32_t i = k->count - 1; i > 0; i--) {
		uint32_t other = rand_below(&rand, i + 1);
		char key = k->keys[i];

		k->keys[i] = k->keys[other];
		k->keys[other] = key;
	}
}

/* One sample of the whole time: silence at first, then a key each on_ms + off_ms. */
static void keyboard_render(const struct keyboard *k, uint64_t at, int16_t *pcm, uint32_t n)
{
	uint64_t lead = (uint64_t)k->rate / 1000 * LEAD_MS;
	uint32_t each = k->rate / 1000 * (k->on_ms + k->off_ms);

	memset(pcm, 0, n * sizeof(*pcm));
	for (uint32_t i = 0; i < n;) {
		uint64_t of = at + i - lead, key = of / each;
		uint32_t into = (uint32_t)(of % each);
		uint32_t part = each - into < n - i ? each - into : n - i;
		struct tone t;

		if (at + i < lead) {
			part = lead - at - i < n - i ? (uint32_t)(lead - at - i) : n - i;
		} else if (key < k->count) {
			if (!dtmf_tone(k->keys[key], (uint16_t)k->on_ms, (uint16_t)k->off_ms,
				       DTMF_LEVEL, &t))
				exit(1);
			tone_render(&t, k->rate, into, pcm + i, part);
		}
		i += part;
	}
}

/* Keys that began to be heard since the key before belong to the key whose time it is. */
static void hear_key(struct tally *t, const struct keyboard *k, uint8_t *told, uint64_t at_ms,
		     char digit)
{
	uint64_t key = at_ms < LEAD_MS ? k->count : (at_ms - LEAD_MS) / (k->on_ms + k->off_ms);

	if (key >= k->count || k->keys[key] != digit)
		t->wrong++;
	else if (told[key]++)
		t->twice++;
	else
		t->right++;
}

static void tones(char **a)
{
	struct keyboard k = { .rate = number(a[1]), .on_ms = number(a[3]), .off_ms = number(a[4]) };
	static int16_t pcm[CODEC_SAMPLES_MAX];
	struct tally t = { 0 };
	struct line l;
	uint64_t end_ms;
	uint8_t *told;

	line_open(&l, a[0], k.rate, number(a[2]), number(a[5]));
	keyboard_open(&k, number(a[6]));
	told = calloc(k.count, 1);
	end_ms = LEAD_MS * 2 + (uint64_t)k.count * (k.on_ms + k.off_ms);
	for (uint64_t ms = 0; told && ms < end_ms; ms += FRAME_MS) {
		uint32_t events;

		keyboard_render(&k, ms * k.rate / 1000, pcm, l.frame);
		events = line_pass(&l, pcm);
		for (uint32_t i = 0; i < events; i++) {
			if (!l.ear.events[i].ends)
				hear_key(&t, &k, told, ms, l.ear.events[i].digit);
		}
	}
	t.sent = k.count;
	t.missed = t.sent - t.right;
	tally_print(&t);
	free(told);
	free(k.keys);
	line_close(&l);
}

/* ---- speech ---- */

static void speech(char **a)
{
	static int16_t pcm[SPEECH_FRAME], narrow[SPEECH_FRAME];
	struct half_band down = { 0 };
	uint64_t frames = 0, keys = 0;
	struct line l;

	line_open(&l, a[0], number(a[1]), number(a[2]), 0);
	while (fread(pcm, sizeof(*pcm), SPEECH_FRAME, stdin) == SPEECH_FRAME) {
		bool wide = l.frame == SPEECH_FRAME;
		uint32_t events;

		half_band_down(&down, pcm, SPEECH_FRAME / 2, narrow);
		events = line_pass(&l, wide ? pcm : narrow);
		frames++;
		for (uint32_t i = 0; i < events; i++)
			keys += !l.ear.events[i].ends;
	}
	printf("{\"seconds\": %.2f, \"false\": %llu}\n", (double)frames * FRAME_MS / 1000,
	       (unsigned long long)keys);
	line_close(&l);
}

/* ---- telephone-events ---- */

struct events {
	struct tally t;
	struct event_tracker tracker;
	struct rand_source rand;
	uint32_t loss_permille, on_ms;
	uint64_t now_ns;
	char told[TELEPHONE_EVENT_PACKED_MAX + 1];
	uint32_t told_count;
};

static void events_done(struct events *e, const struct event_done *done, uint32_t count)
{
	for (uint32_t i = 0; i < count && e->told_count < COUNT_OF(e->told); i++)
		e->told[e->told_count++] = telephone_event_digit(done[i].event);
}

static void events_packet(struct events *e, uint8_t code, uint32_t at, uint32_t ms, bool end)
{
	struct telephone_event event = {
		.event = code, .end = end, .volume = 10, .duration = (uint16_t)(ms * 8)
	};
	uint8_t octets[TELEPHONE_EVENT_LEN];
	struct event_step step;

	telephone_event_write(octets, &event);
	if (rand_below(&e->rand, 1000) < e->loss_permille)
		return;
	if (!event_tracker_packet(&e->tracker, bytes_mem(octets, sizeof(octets)), at,
				  ms == FRAME_MS, e->now_ns, &step))
		events_done(e, step.done, step.done_count);
}

/* What is told until the next key begins is this one's. */
static void events_key(struct events *e, char key, uint32_t at)
{
	uint8_t code;

	if (telephone_event_code(key, &code))
		exit(1);
	for (uint32_t ms = FRAME_MS; ms < e->on_ms; ms += FRAME_MS) {
		events_packet(e, code, at, ms, false);
		e->now_ns += FRAME_MS * UINT64_C(1000000);
	}
	for (unsigned i = 0; i < 3; i++) {
		events_packet(e, code, at, e->on_ms, true);
		e->now_ns += FRAME_MS * UINT64_C(1000000);
	}
}

static void events_count(struct events *e, char key)
{
	bool right = false;

	for (uint32_t i = 0; i < e->told_count; i++) {
		if (e->told[i] != key)
			e->t.wrong++;
		else if (right)
			e->t.twice++;
		right |= e->told[i] == key;
	}
	e->t.right += right;
	e->told_count = 0;
}

static void events(char **a)
{
	struct events e = { .on_ms = number(a[0]), .loss_permille = number(a[1]) };
	struct keyboard k = { .rate = 8000 };
	struct event_done over;
	uint32_t at = 1;

	rand_open_seed(&e.rand, SEED);
	keyboard_open(&k, number(a[2]));
	for (uint32_t i = 0; i < k.count; i++) {
		events_key(&e, k.keys[i], at);
		e.now_ns += TELEPHONE_EVENT_SILENCE_NS;
		if (event_tracker_expire(&e.tracker, e.now_ns, &over))
			events_done(&e, &over, 1);
		events_count(&e, k.keys[i]);
		at += 8000;
	}
	e.t.sent = k.count;
	e.t.missed = e.t.sent - e.t.right;
	tally_print(&e.t);
	free(k.keys);
}

/* ---- INFO ---- */

static void info(char **a)
{
	struct tally t = { .sent = (uint64_t)number(a[0]) * KEYS };
	char body[64];

	for (uint64_t i = 0; i < t.sent; i++) {
		bool plain = i / KEYS % 2;
		char key = g_keys[i % KEYS];
		struct dtmf told = { 0 };
		int n = plain ? snprintf(body, sizeof(body), "%c", key)
			      : snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n", key,
					 (unsigned)(40 + i % 400));

		if (dtmf_parse(plain ? BYTES_LIT("application/dtmf")
				     : BYTES_LIT("application/dtmf-relay"),
			       bytes_mem(body, (size_t)n), &told))
			t.missed++;
		else if (told.digit == key)
			t.right++;
		else
			t.wrong++;
	}
	tally_print(&t);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		void (*go)(char **arguments);
	} modes[] = { { "tones", 7, tones },
		      { "events", 3, events },
		      { "info", 1, info },
		      { "speech", 3, speech } };

	for (size_t i = 0; argc > 1 && i < COUNT_OF(modes); i++) {
		if (!strcmp(argv[1], modes[i].name) && argc == modes[i].arguments + 2) {
			modes[i].go(argv + 2);
			return 0;
		}
	}
	fprintf(stderr, "usage: see the head of bench/sound/digits.c\n");
	return 2;
}
