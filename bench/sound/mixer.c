/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A conference of 500 of whom three talk: what a tick of 20 ms costs where all who hear the same are encoded for once (dsp/mix/payloads.h),
 * and where each member has an encoder of its own. CPU time of the thread.
 *
 *   mixer [--members 500] [--turns 5] [--ticks 200]     one JSON line a row, medians over turns
 *
 * Both decode the three who talk, mix them, and leave a packet with its RTP header for each member. No port, no SRTP, no jitter buffer is in
 * it. In each turn one comes behind the other, on the same sound. Encoders of its own have a tenth of the ticks, for they take long.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "dsp/mix/payloads.h"
#include "dsp/voice.h"
#include "tests/unit/dsp/speech.h"

enum {
	TALKERS = 3,
	SECONDS = 4,
	TICKS_A_SECOND = 50,
	FRAMES = SECONDS * TICKS_A_SECOND,
	NOISE = 400, /* behind each voice: -43 dBov. So no talker is silent for long enough to go without a stream */
	HEADER = 12,
	PACKET_MAX = HEADER + PACKER_OCTETS_MAX,
	TURNS_MAX = 99,
	TICKS_MAX = 10000,
	PARTS = 10,
	WARM_UP = 10, /* ticks */
};

struct row {
	const char *name;
	uint32_t rate; /* of the mix */
	struct packer_settings s;
};

static const struct row g_rows[] = {
	{ "opus_16", 16000, { { "opus", 20, 20000, 5, .rate = 16000, .voice = true } } },
	{ "opus_48", 48000, { { "opus", 20, 28000, 5, .rate = 48000, .voice = true } } },
	{ "G722", 16000, { { "G722" } } },
	{ "PCMU", 8000, { { "PCMU" } } },
};

/* What a talker says, in packets. */
struct talker {
	uint8_t octets[FRAMES][PACKER_OCTETS_MAX];
	int lengths[FRAMES];
	struct decoder *decoder;
	struct voice voice;
	int16_t pcm[MIX_SAMPLES_MAX];
};

struct room {
	const struct row *row;
	struct mix *mix;
	struct payloads *payloads;
	uint32_t members, frame;
	uint32_t id[MIX_MEMBERS_MAX];
	struct encoder *encoders[MIX_MEMBERS_MAX]; /* for the other way */
};

static struct talker g_talkers[TALKERS];
static struct room g_room;
static uint8_t g_packets[MIX_MEMBERS_MAX][PACKET_MAX];
static double g_ticks_us[TICKS_MAX];

struct turn {
	double shared_us, p99_us, each_us; /* of a tick */
};

static _Noreturn void bench_fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "mixer: %s: %s\n", name, what);
	exit(1);
}

/* ---- open, close ---- */

static void talker_say(struct talker *t, const struct row *row, uint32_t which)
{
	static int16_t pcm[MIX_SAMPLES_MAX];
	struct speech s = { .rate = row->rate,
			    .at = row->rate * (1 + 7 * which) / 3,
			    .noise = which };
	uint32_t n = row->rate / TICKS_A_SECOND;
	struct encoder *encoder = NULL;

	if (encoder_open(&encoder, &row->s.encoder) ||
	    decoder_open(&t->decoder,
			 &(struct decoder_settings){ row->s.encoder.codec, row->rate }))
		bench_fail("no codec", row->name);
	for (uint32_t i = 0; i < FRAMES; i++) {
		speech_make(&s, pcm, n);
		for (uint32_t k = 0; k < n; k++)
			pcm[k] = (int16_t)(pcm[k] * 3 / 4 + NOISE * speech_noise(&s));
		t->lengths[i] = encoder_frame(encoder, pcm, n, t->octets[i], PACKER_OCTETS_MAX);
		if (t->lengths[i] <= 0)
			bench_fail("a packet was not made", row->name);
	}
	encoder_close(encoder);
}

static void room_open(struct room *r, const struct row *row, uint32_t members)
{
	struct mix_settings s = { .members = members, .rate = row->rate };
	struct packer_settings packer = row->s;

	*r = (struct room){ .row = row, .members = members };
	memset(g_talkers, 0, sizeof(g_talkers));
	for (uint32_t i = 0; i < TALKERS; i++)
		talker_say(&g_talkers[i], row, i);
	if (mix_open(&r->mix, &s) || payloads_open(&r->payloads, r->mix, 0) ||
	    packer_defaults(&packer, row->rate))
		bench_fail("no mix", row->name);
	for (uint32_t i = 0; i < members; i++) {
		if (mix_join(r->mix, &r->id[i]) || payloads_join(r->payloads, r->id[i], &row->s) ||
		    encoder_open(&r->encoders[i], &packer.encoder))
			bench_fail("no member", row->name);
	}
}

static void room_close(struct room *r)
{
	for (uint32_t i = 0; i < r->members; i++)
		encoder_close(r->encoders[i]);
	for (uint32_t i = 0; i < TALKERS; i++)
		decoder_close(g_talkers[i].decoder);
	payloads_close(r->payloads);
	mix_close(r->mix);
}

/* ---- ticks ---- */

static void packet_write(struct room *r, uint32_t i, struct bytes payload)
{
	uint8_t *p = g_packets[i];
	uint32_t head[3] = { 0x80600000 | (r->frame & 0xffff), r->frame * 960, i };

	memcpy(p, head, HEADER);
	memcpy(p + HEADER, payload.p, payload.n);
}

static void room_mix(struct room *r)
{
	uint32_t placed[2 * MIX_TALKERS_MAX], n = mix_samples(r->mix);

	for (uint32_t i = 0; i < TALKERS; i++) {
		struct talker *t = &g_talkers[i];
		uint32_t f = r->frame % FRAMES;
		struct bytes octets = bytes_mem(t->octets[f], (size_t)t->lengths[f]);

		if (decoder_frame(t->decoder, octets, t->pcm, MIX_SAMPLES_MAX) != (int)n)
			bench_fail("a packet was lost", r->row->name);
		mix_note(r->mix, r->id[i], voice_frame(&t->voice, r->row->rate, t->pcm, n).level);
	}
	mix_tick(r->mix);
	(void)mix_rank(r->mix, placed);
	for (uint32_t i = 0; i < TALKERS; i++)
		mix_put(r->mix, r->id[i], g_talkers[i].pcm);
	(void)mix_sum(r->mix);
	r->frame++;
}

static void tick_shared(struct room *r)
{
	room_mix(r);
	payloads_make(r->payloads);
	for (uint32_t i = 0; i < r->members; i++) {
		struct payloads_space space;
		struct payloads_sent sent = payloads_of(r->payloads, r->id[i], &space);

		if (sent.count != 1 || sent.packets[0].kind != PACKER_SOUND)
			bench_fail("a member has no packet", r->row->name);
		packet_write(r, i, sent.packets[0].octets);
	}
}

static void tick_each(struct room *r)
{
	static uint8_t octets[PACKER_OCTETS_MAX];
	uint32_t n = mix_samples(r->mix);

	room_mix(r);
	for (uint32_t i = 0; i < r->members; i++) {
		int made = encoder_frame(r->encoders[i], mix_input(r->mix, r->id[i]).pcm, n, octets,
					 PACKER_OCTETS_MAX);

		if (made <= 0)
			bench_fail("a packet was not made", r->row->name);
		packet_write(r, i, bytes_mem(octets, (size_t)made));
	}
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Us of a tick in the mean; each of them in g_ticks_us, in order of length. */
static double ticks_run(struct room *r, void (*tick)(struct room *r), uint32_t ticks)
{
	double sum = 0;

	for (uint32_t i = 0; i < ticks; i++) {
		uint64_t start_ns = clock_thread_cpu_ns();

		tick(r);
		g_ticks_us[i] = (double)(clock_thread_cpu_ns() - start_ns) / 1000;
		sum += g_ticks_us[i];
	}
	qsort(g_ticks_us, ticks, sizeof(*g_ticks_us), double_compare);
	return sum / ticks;
}

static struct turn turn_run(struct room *r, uint32_t ticks)
{
	struct turn t;

	t.shared_us = ticks_run(r, tick_shared, ticks);
	t.p99_us = g_ticks_us[ticks * 99 / 100];
	t.each_us = ticks_run(r, tick_each, (ticks + PARTS - 1) / PARTS);
	return t;
}

/* ---- figures ---- */

static double median(const double *list, uint32_t n)
{
	double sorted[TURNS_MAX];

	memcpy(sorted, list, n * sizeof(*list));
	qsort(sorted, n, sizeof(*sorted), double_compare);
	return sorted[n / 2];
}

static void row_run(const struct row *row, uint32_t members, uint32_t turns, uint32_t ticks)
{
	double shared[TURNS_MAX], p99[TURNS_MAX], each[TURNS_MAX], ratio[TURNS_MAX];
	struct payloads_counts before, after;
	struct room *r = &g_room;

	room_open(r, row, members);
	(void)ticks_run(r, tick_shared, WARM_UP);
	before = payloads_counts(r->payloads);
	for (uint32_t i = 0; i < turns; i++) {
		struct turn t = turn_run(r, ticks);

		shared[i] = t.shared_us;
		p99[i] = t.p99_us;
		each[i] = t.each_us;
		ratio[i] = t.shared_us / t.each_us;
	}
	after = payloads_counts(r->payloads);
	if (after.own - before.own != (uint64_t)TALKERS * ticks * turns)
		bench_fail("not all three talked all the time", row->name);
	(void)printf(
		"{\"name\": \"%s\", \"members\": %u, \"tick_us\": %.1f, \"tick_p99_us\": %.1f, "
		"\"encode_per_member_us\": %.1f, \"ratio_vs_encode_per_member\": %.5f, "
		"\"encodes_a_tick\": %.3f}\n",
		row->name, members, median(shared, turns), median(p99, turns), median(each, turns),
		median(ratio, turns),
		(double)(after.shared + after.own - before.shared - before.own) /
			((double)ticks * turns));
	room_close(r);
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = { { "members", required_argument, NULL, 'm' },
						 { "turns", required_argument, NULL, 't' },
						 { "ticks", required_argument, NULL, 'n' },
						 { 0 } };
	uint32_t members = 500, turns = 5, ticks = 200;
	int option;

	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
		uint32_t n = option == '?' ? 0 : (uint32_t)strtoul(optarg, NULL, 10);

		*(option == 'm' ? &members : option == 't' ? &turns : &ticks) = n;
	}
	if (members <= TALKERS || members > MIX_MEMBERS_MAX || turns == 0 || turns > TURNS_MAX ||
	    ticks == 0 || ticks > TICKS_MAX)
		bench_fail(
			"usage: mixer [--members 4 to 2000] [--turns 1 to 99] [--ticks 1 to 10000]",
			"options");
	for (size_t i = 0; i < COUNT_OF(g_rows); i++)
		row_run(&g_rows[i], members, turns, ticks);
	return 0;
}
