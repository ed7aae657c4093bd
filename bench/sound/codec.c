/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What 20 ms of each codec cost, in CPU time of the thread: encoded, decoded, and made of nothing where the codec can.
 *
 *   codec [--turns 9]     one JSON line a codec, medians over turns; then one for each that cannot be coded, and why
 *
 * In each turn all codecs have two seconds of the same voice, one after the other, so that what else runs here befalls all alike.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dsp/codec/decoder.h"
#include "dsp/codec/encoder.h"
#include "dsp/codec/g729.h"
#include "tests/unit/dsp/speech.h"

enum {
	TURNS_MAX = 99,
	SECONDS = 2,
	PACKETS_MAX = SECONDS * 200,
	OCTETS_MAX = 4000,
	RATES = 3,
};

struct contender {
	const char *name;
	struct encoder_settings s;
	struct encoder *encoder, *copy;
	struct decoder *decoder;
	uint64_t octets;
	double encode[TURNS_MAX], decode[TURNS_MAX], conceal[TURNS_MAX], copied[TURNS_MAX];
};

static struct contender g_contenders[] = {
	{ "PCMU", { "PCMU" } },
	{ "PCMA", { "PCMA" } },
	{ "L16, 16 kHz", { "L16", .rate = 16000 } },
	{ "G722", { "G722" } },
	{ "G722, lower band", { "G722", .rate = 8000 } },
	{ "G726-32", { "G726-32" } },
	{ "G729", { "G729" } },
	{ "opus 8 kHz 12 kbit/s c0", { "opus", 20, 12000, 0, .rate = 8000 } },
	{ "opus 8 kHz 12 kbit/s c2", { "opus", 20, 12000, 2, .rate = 8000 } },
	{ "opus 8 kHz 12 kbit/s c5", { "opus", 20, 12000, 5, .rate = 8000 } },
	{ "opus 8 kHz 12 kbit/s c10", { "opus", 20, 12000, 10, .rate = 8000 } },
	{ "opus 16 kHz 20 kbit/s c0", { "opus", 20, 20000, 0, .rate = 16000 } },
	{ "opus 16 kHz 20 kbit/s c2", { "opus", 20, 20000, 2, .rate = 16000 } },
	{ "opus 16 kHz 20 kbit/s c5", { "opus", 20, 20000, 5, .rate = 16000 } },
	{ "opus 16 kHz 20 kbit/s c10", { "opus", 20, 20000, 10, .rate = 16000 } },
	{ "opus 16 kHz 20 kbit/s c5, FEC",
	  { "opus", 20, 20000, 5, .rate = 16000, .loss_percent = 15 } },
	{ "opus 16 kHz 20 kbit/s c5, 40 ms", { "opus", 40, 20000, 5, .rate = 16000 } },
	{ "opus 48 kHz 28 kbit/s c0", { "opus", 20, 28000, 0, .rate = 48000 } },
	{ "opus 48 kHz 28 kbit/s c2", { "opus", 20, 28000, 2, .rate = 48000 } },
	{ "opus 48 kHz 28 kbit/s c5", { "opus", 20, 28000, 5, .rate = 48000 } },
	{ "opus 48 kHz 28 kbit/s c10", { "opus", 20, 28000, 10, .rate = 48000 } },
	{ "opus 48 kHz 64 kbit/s c5", { "opus", 20, 64000, 5, .rate = 48000 } },
};

static struct {
	int16_t pcm[SECONDS * CODEC_RATE_MAX];
	uint32_t rate;
} g_voices[RATES];
static uint8_t g_octets[PACKETS_MAX][OCTETS_MAX];
static int g_lengths[PACKETS_MAX];
static int16_t g_pcm[CODEC_SAMPLES_MAX];

static _Noreturn void bench_fail(const char *what, const char *name)
{
	(void)fprintf(stderr, "codec: %s: %s\n", name, what);
	exit(1);
}

static const int16_t *voice_of(uint32_t rate)
{
	uint32_t i = 0;

	while (g_voices[i].rate && g_voices[i].rate != rate)
		i++;
	if (!g_voices[i].rate) {
		struct speech s = { .rate = rate };

		speech_make(&s, g_voices[i].pcm, (size_t)rate * SECONDS);
		g_voices[i].rate = rate;
	}
	return g_voices[i].pcm;
}

/* Us of 20 ms, of so many samples that took so long. */
static double us_per_20_ms(uint64_t ns, uint32_t samples, uint32_t rate)
{
	return (double)ns / 1000 / (double)samples * (double)rate / 50;
}

/* ---- turns ---- */

static double encode_all(struct contender *c, const struct codec_format *f, uint32_t packets)
{
	const int16_t *voice = voice_of(f->rate);
	uint64_t start_ns = clock_thread_cpu_ns();

	for (uint32_t i = 0; i < packets; i++)
		g_lengths[i] = encoder_frame(c->encoder, voice + i * f->samples, f->samples,
					     g_octets[i], OCTETS_MAX);
	return us_per_20_ms(clock_thread_cpu_ns() - start_ns, packets * f->samples, f->rate);
}

static double decode_all(struct contender *c, const struct codec_format *f, uint32_t packets)
{
	uint64_t start_ns = clock_thread_cpu_ns();
	uint32_t samples = 0;

	c->octets = 0;
	for (uint32_t i = 0; i < packets; i++) {
		int n = g_lengths[i] > 0
				? decoder_frame(c->decoder,
						bytes_mem(g_octets[i], (size_t)g_lengths[i]), g_pcm,
						CODEC_SAMPLES_MAX)
				: -1;

		if (n < 0)
			bench_fail("a packet was lost", c->name);
		samples += (uint32_t)n;
		c->octets += (uint32_t)g_lengths[i];
	}
	return us_per_20_ms(clock_thread_cpu_ns() - start_ns, samples, f->rate);
}

/* One lost in ten, as if each of them were followed by others: only what is made is timed. 0: the codec has no means. */
static double conceal_all(struct contender *c, const struct codec_format *f, uint32_t packets)
{
	uint64_t ns = 0;
	uint32_t samples = 0;

	for (uint32_t i = 0; i < packets; i++) {
		uint64_t start_ns = clock_thread_cpu_ns();

		if (i % 10 == 9) {
			int n = decoder_conceal(c->decoder, g_pcm, f->samples);

			if (n < 0)
				return 0;
			ns += clock_thread_cpu_ns() - start_ns;
			samples += (uint32_t)n;
			continue;
		}
		if (decoder_frame(c->decoder, bytes_mem(g_octets[i], (size_t)g_lengths[i]), g_pcm,
				  CODEC_SAMPLES_MAX) < 0)
			bench_fail("a packet was lost", c->name);
	}
	return samples ? us_per_20_ms(ns, samples, f->rate) : 0;
}

/* Us of one. */
static double copy_all(struct contender *c)
{
	enum { COPIES = 50 };
	uint64_t start_ns = clock_thread_cpu_ns();

	for (uint32_t i = 0; i < COPIES; i++)
		if (encoder_copy(c->copy, c->encoder))
			return 0;
	return (double)(clock_thread_cpu_ns() - start_ns) / 1000 / COPIES;
}

static void turn_run(struct contender *c, uint32_t turn)
{
	struct codec_format f = encoder_format(c->encoder);
	uint32_t packets = f.rate * SECONDS / f.samples;

	c->encode[turn] = encode_all(c, &f, packets);
	c->decode[turn] = decode_all(c, &f, packets);
	c->conceal[turn] = conceal_all(c, &f, packets);
	c->copied[turn] = copy_all(c);
}

/* ---- figures ---- */

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *list, uint32_t count)
{
	qsort(list, count, sizeof(*list), double_compare);
	return list[count / 2];
}

static void print(struct contender *c, uint32_t turns)
{
	(void)printf("{\"name\": \"%s\", \"encode_us\": %.3f, \"decode_us\": %.3f, ", c->name,
		     median(c->encode, turns), median(c->decode, turns));
	(void)printf("\"conceal_us\": %.3f, \"copy_us\": %.3f, \"kbit_s\": %.1f}\n",
		     median(c->conceal, turns), median(c->copied, turns),
		     (double)c->octets * 8 / 1000 / SECONDS);
}

static void print_refused(void)
{
	if (!g729_module())
		(void)printf("{\"name\": \"G729\", \"refusal\": \"G729 needs the module "
			     "tandem-g729.so, which is not there\"}\n");
}

/* False: it needs a module that is not there. */
static bool contender_open(struct contender *c)
{
	if (encoder_open(&c->encoder, &c->s))
		return false;

	const struct decoder_settings s = { c->s.codec, encoder_format(c->encoder).rate };

	if (encoder_open(&c->copy, &c->s) || decoder_open(&c->decoder, &s))
		bench_fail("no decoder", c->name);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option OPTIONS[] = { { "turns", required_argument, NULL, 't' }, { 0 } };
	char why[MODULE_TEXT_MAX];
	uint32_t turns = 9;
	int option;

	while ((option = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1)
		turns = option == 't' ? (uint32_t)strtoul(optarg, NULL, 10) : 0;
	if (turns == 0 || turns > TURNS_MAX)
		bench_fail("usage: codec [--turns 1 to 99]", "options");
	if (g729_load(why))
		(void)fprintf(stderr, "codec: %s\n", why);
	for (size_t i = 0; i < COUNT_OF(g_contenders); i++)
		if (!contender_open(&g_contenders[i]) &&
		    strcmp(g_contenders[i].s.codec, "G729") != 0)
			bench_fail("no encoder", g_contenders[i].name);
	for (uint32_t turn = 0; turn < turns; turn++)
		for (size_t i = 0; i < COUNT_OF(g_contenders); i++)
			if (g_contenders[i].encoder)
				turn_run(&g_contenders[i], turn);
	for (size_t i = 0; i < COUNT_OF(g_contenders); i++)
		if (g_contenders[i].encoder)
			print(&g_contenders[i], turns);
	print_refused();
	return 0;
}
