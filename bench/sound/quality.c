/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A voice through a codec that loses packets of 20 ms, and what a listener hears.
 *
 *   quality pcmu|g722|opus|coded METHOD LOSSES < in > out     16-bit samples, at 8000 Hz (pcmu, coded) or 16000; LOSSES: a file of 0 and 1
 *   quality read-g722 < in > out                        octets of a file of G.722
 *   quality time < in                                   a voice at 16000 Hz: what each step costs, one line of JSON
 */
#include "bench/sound/quality.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp/telephony.h>

#include <spandsp/g722.h>

#include <spandsp/private/g722.h>

#include "base/clock.h"
#include "base/compiler.h"

enum {
	SAMPLES_MAX = QUALITY_FRAME_MAX * QUALITY_FRAMES_MAX,
	TURNS = 400, /* frames of each rate are timed */
	AGAIN = 15,  /* each so often, and the least counts */
	LOST_FRAMES = 3,
};

static const char *const g_methods[QUALITY_METHODS] = { "none", "zero", "repeat",  "library",
							"fec",  "plc",  "plc_led", "plc_reset" };
static const struct {
	const char *name;
	uint32_t frame;
	void (*run)(const struct quality *q);
} g_codecs[] = { { "pcmu", 160, quality_pcmu },
		 { "g722", 320, quality_g722 },
		 { "opus", 320, quality_opus },
		 { "coded", 160, quality_coded } };

static int16_t g_in[SAMPLES_MAX], g_out[SAMPLES_MAX];
static char g_lost[QUALITY_FRAMES_MAX];

static void die(const char *why)
{
	fprintf(stderr, "quality: %s\n", why);
	exit(1);
}

static void read_losses(const char *path, uint32_t frames)
{
	FILE *file = fopen(path, "r");

	if (!file || fread(g_lost, 1, frames, file) < frames)
		die("not a loss for each packet");
	fclose(file);
}

static void write_out(const int16_t *samples, size_t n)
{
	if (fwrite(samples, sizeof(*samples), n, stdout) < n)
		die("cannot write");
}

static int run(const char *codec, const char *method, const char *losses)
{
	struct quality q = { .in = g_in, .out = g_out, .lost = g_lost };
	size_t c = 0;

	while (c < COUNT_OF(g_codecs) && strcmp(codec, g_codecs[c].name))
		c++;
	while (q.method < QUALITY_METHODS && strcmp(method, g_methods[q.method]))
		q.method++;
	if (c == COUNT_OF(g_codecs) || q.method == QUALITY_METHODS)
		die("no such codec or method");
	q.frame = g_codecs[c].frame;
	q.frames = (uint32_t)(fread(g_in, sizeof(*g_in), SAMPLES_MAX, stdin) / q.frame);
	if (q.frames > QUALITY_FRAMES_MAX)
		q.frames = QUALITY_FRAMES_MAX;
	if (q.method == QUALITY_NONE)
		memset(g_lost, '0', sizeof(g_lost));
	else
		read_losses(losses, q.frames);
	g_codecs[c].run(&q);
	write_out(g_out, (size_t)q.frame * q.frames);
	return 0;
}

static int read_g722(void)
{
	static uint8_t octets[SAMPLES_MAX / 2];
	g722_decode_state_t decoder;
	int n = (int)fread(octets, 1, sizeof(octets), stdin);

	g722_decode_init(&decoder, 64000, 0);
	write_out(g_out, (size_t)g722_decode(&decoder, g_out, octets, n));
	return 0;
}

/* ---- what it costs ---- */

enum step { HEARD, LOST, LOST_AGAIN, HEARD_AFTER, LOST_LED, STEPS };

/* Of one frame after so much of the voice, in ns: the least of all turns. */
static void time_frame(const struct plc *s, uint32_t frame, const int16_t *next,
		       uint64_t least[STEPS])
{
	for (int turn = 0; turn < AGAIN; turn++) {
		struct plc a = *s, b = *s, c = *s;
		int16_t x[QUALITY_FRAME_MAX], y[QUALITY_FRAME_MAX];
		g722_decode_state_t decoder;
		uint64_t at[STEPS + 1];

		g722_decode_init(&decoder, 64000, 0);
		memcpy(x, next, sizeof(x));
		memcpy(y, next, sizeof(y));
		at[HEARD] = clock_now_ns();
		plc_on_samples(&a, x, frame);
		at[LOST] = clock_now_ns();
		plc_lost(&b, x, frame);
		at[LOST_AGAIN] = clock_now_ns();
		plc_lost(&b, x, frame);
		at[HEARD_AFTER] = clock_now_ns();
		plc_on_samples(&b, y, frame);
		at[LOST_LED] = clock_now_ns();
		if (s->rate == PLC_RATE_MAX)
			quality_led_lost(&c, &decoder, x, frame);
		at[STEPS] = clock_now_ns();
		for (int i = 0; i < STEPS; i++)
			least[i] = at[i + 1] - at[i] < least[i] ? at[i + 1] - at[i] : least[i];
	}
}

static void time_rate(uint32_t rate, uint32_t frames, uint64_t sum[STEPS])
{
	uint32_t frame = rate / 50;
	struct plc s;

	plc_open(&s, rate);
	for (uint32_t f = 0; f + 1 < frames; f++) {
		uint64_t least[STEPS] = { UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
					  UINT64_MAX };

		plc_on_samples(&s, g_in + f * frame, frame);
		time_frame(&s, frame, g_in + (f + 1) * frame, least);
		for (int i = 0; i < STEPS; i++)
			sum[i] += least[i];
	}
}

/* Every other sample: what is folded costs nothing. */
static uint32_t halved(uint32_t samples)
{
	for (uint32_t i = 0; 2 * i < samples; i++)
		g_in[i] = g_in[2 * i];
	return samples / 2;
}

static int time_all(void)
{
	static const char *const names[STEPS] = { "heard", "lost", "lost_again", "heard_after",
						  "lost_led" };
	uint32_t samples = (uint32_t)fread(g_in, sizeof(*g_in), SAMPLES_MAX, stdin);

	printf("{\"state_octets\": %zu", sizeof(struct plc));
	for (uint32_t rate = PLC_RATE_MAX; rate >= PLC_RATE_MAX / 2;
	     rate /= 2, samples = halved(samples)) {
		uint32_t frames = samples / (rate / 50) < TURNS ? samples / (rate / 50) : TURNS;
		uint64_t sum[STEPS] = { 0 };

		time_rate(rate, frames, sum);
		for (int i = 0; i < STEPS - (rate < PLC_RATE_MAX); i++)
			printf(", \"%s_%u_ns\": %.0f", names[i], rate,
			       (double)sum[i] / (frames - 1));
	}
	printf("}\n");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "read-g722"))
		return read_g722();
	if (argc == 2 && !strcmp(argv[1], "time"))
		return time_all();
	if (argc != 4)
		die("usage: quality pcmu|g722|opus|coded METHOD LOSSES < in > out; quality "
		    "read-g722; quality time");
	return run(argv[1], argv[2], argv[3]);
}
