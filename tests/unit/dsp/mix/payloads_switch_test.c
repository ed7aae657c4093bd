/* SPDX-License-Identifier: Apache-2.0 */
/* What a member hears when it changes between its own stream and the shared one, by its own decoder, a thousand times. */
#include "tests/unit/test.h"

#include <errno.h>

#include "tests/unit/dsp/measure.h"
#include "tests/unit/dsp/mix/room.h"

enum {
	A,
	B,
	L,
	MEMBERS,
	SWITCHES = 1000,
	AFTER_MS = 40,
	WINDOW_MS = 5,
	CLICK_MOST = 6,
	CALM = 33 /* -60 dBov: what is less is not heard */
};

/* What two who listen hear behind a return, in dB: how loud it is, and the sharpest edge in it. */
struct changed {
	double jump, click;
};

static int16_t g_mine[CODEC_SAMPLES_MAX * 4], g_theirs[CODEC_SAMPLES_MAX * 4];

static double decibels(double a, double b)
{
	return 20 * log10((a + CALM) / (b + CALM));
}

/* The most that the curve bends: a click is a bend. */
static double edge(const int16_t *pcm, uint32_t n)
{
	double most = 0;

	for (uint32_t i = 1; i + 1 < n; i++)
		most = fmax(most, fabs(pcm[i - 1] - 2.0 * pcm[i] + pcm[i + 1]));
	return most;
}

/*
 * In windows of 5 ms from `at` on: how loud in the one that begins 10 ms behind it; bends in any of mine, against theirs up to half a window
 * before and behind: two encoders do not put the same edge at the same sample.
 */
static struct changed compare(uint32_t rate, uint32_t at)
{
	uint32_t window = rate / 1000 * WINDOW_MS;
	struct changed c = { 0 };

	for (uint32_t i = 0; i < AFTER_MS / WINDOW_MS - 1; i++) {
		const int16_t *mine = g_mine + at + i * window,
			      *theirs = g_theirs + at + i * window;
		double bend = decibels(edge(mine, window), edge(theirs - window / 2, 2 * window));

		c.click = fmax(c.click, bend);
		if (i == 2)
			c.jump = fabs(
				decibels(measure_rms(mine, window), measure_rms(theirs, window)));
	}
	return c;
}

/* A and L hear a tick of it, behind the n samples that they have. */
static void both_hear(struct room *r, uint32_t *n)
{
	for (uint32_t i = 0; i < room_sent(r, L).count; i++) {
		(void)room_receive(r, A, i, g_mine + *n);
		*n += room_receive(r, L, i, g_theirs + *n);
	}
}

static void room_ticks(struct room *r, uint32_t ticks, uint32_t talk)
{
	for (uint32_t i = 0; i < ticks; i++) {
		uint32_t n = 0;

		room_tick(r, talk);
		both_hear(r, &n);
	}
}

/* B talks on. A does for some packets, and falls silent. Of what came before its first shared packet one is kept. */
static struct changed switch_once(struct room *r)
{
	struct codec_format f = payloads_format(r->payloads, r->id[A]);
	uint32_t n = f.samples;

	room_ticks(r, 1 + room_random(r, 5), 1U << B);
	room_ticks(r, 2 + room_random(r, 4), 1U << A | 1U << B);
	do {
		memmove(g_mine, g_mine + n - f.samples, f.samples * sizeof(*g_mine));
		memmove(g_theirs, g_theirs + n - f.samples, f.samples * sizeof(*g_theirs));
		n = f.samples;
		room_tick(r, 1U << B);
		both_hear(r, &n);
	} while (n == f.samples || room_sent(r, A).subject != PAYLOADS_SHARED);
	while (n < f.samples + AFTER_MS * f.rate / 1000) {
		room_tick(r, 1U << B);
		both_hear(r, &n);
	}
	return compare(f.rate, f.samples);
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct row {
	const char *name;
	struct packer_settings s;
	uint32_t rate, switches;
	double jump_part, jump_most; /* dB: so large a part of the jumps is no more */
};

static const struct row g_rows[] = {
	{ "opus", { { "opus", 20, 20000, 5, .voice = true } }, 16000, SWITCHES, 0.99, 1 },
	{ "opus, 40 ms",
	  { { "opus", 40, 20000, 5, .voice = true } },
	  16000,
	  SWITCHES / 10,
	  0.99,
	  1 },
	{ "opus, hybrid",
	  { { "opus", 20, 28000, 2, .voice = true } },
	  48000,
	  SWITCHES / 4,
	  0.99,
	  1 },
	{ "G722", { { "G722" } }, 16000, SWITCHES, 0.95, 3 },
	{ "G722 of 48 kHz", { { "G722" } }, 48000, SWITCHES / 10, 0.95, 3 },
};

static void test_returns_are_not_heard(void **state)
{
	static double jumps[SWITCHES], clicks[SWITCHES];
	const struct row *row;

	(void)state;
	EACH_ROW(row, g_rows)
	{
		struct room r;
		uint32_t n = row->switches;

		room_open(&r, row->rate, 20, MEMBERS, 0);
		room_join(&r, A, &row->s);
		room_join(&r, L, &row->s);
		for (uint32_t i = 0; i < n; i++) {
			struct changed c = switch_once(&r);

			jumps[i] = c.jump;
			clicks[i] = c.click;
		}
		assert_int_equal(payloads_counts(r.payloads).returns, n);
		qsort(jumps, n, sizeof(*jumps), double_compare);
		qsort(clicks, n, sizeof(*clicks), double_compare);
		if (jumps[(uint32_t)(n * row->jump_part)] > row->jump_most ||
		    clicks[n - 1] > CLICK_MOST)
			fail_msg("%s: jumps %.2f, at most %.2f; click %.2f dB", row->name,
				 jumps[(uint32_t)(n * row->jump_part)], jumps[n - 1],
				 clicks[n - 1]);
		room_close(&r);
	}
}

/* ---- out of a pause ---- */

/*
 * Two encodings alike but for their pauses: A's decoder has had to make what was not sent. When B talks again, A hears what L does, whose
 * encoder never rested.
 */
static void test_resumes(void **state)
{
	static const struct packer_settings rests = { { "opus", 20, 20000, 5, .voice = true } },
					    goes_on = { { "opus", 20, 20000, 5, .voice = true },
							PACKER_PAUSE_SENT };
	static double levels[SWITCHES];
	const uint32_t n = 100, rate = 16000, at = rate / 50;
	struct room r;

	(void)state;
	room_open(&r, rate, 20, MEMBERS, 0);
	room_join(&r, A, &rests);
	room_join(&r, L, &goes_on);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t heard = at;

		room_ticks(&r, 3 + room_random(&r, 9), 1U << B);
		room_ticks(&r, 20 + room_random(&r, 20), 0);
		assert_int_not_equal(room_sent(&r, A).packets[0].kind, PACKER_SOUND);
		while (heard < 5 * at) {
			room_tick(&r, 1U << B);
			both_hear(&r, &heard);
		}
		levels[i] = fabs(decibels(measure_rms(g_mine + at, heard - at),
					  measure_rms(g_theirs + at, heard - at)));
		if (compare(rate, at).click > CLICK_MOST)
			fail_msg("click %.2f dB", compare(rate, at).click);
	}
	qsort(levels, n, sizeof(*levels), double_compare);
	if (levels[n / 2] > 1 || levels[n * 95 / 100] > 4)
		fail_msg("median %.2f, p95 %.2f dB", levels[n / 2], levels[n * 95 / 100]);
	room_close(&r);
}

/* ---- all along ---- */

enum { HEARD_MAX = CODEC_RATE_MAX * 4, LAG_MS = 10 };
/* Of Opus, at these bit rates, no more is the waveform's. */
#define ALIKE 0.98

/* What somebody was to hear, what a codec of its own makes of that, and what it heard. */
struct heard {
	int16_t mix[HEARD_MAX], own[HEARD_MAX], ear[HEARD_MAX];
	uint32_t mixed, owned, heard;
	struct alone alone;
	struct decoder *decoder;
};

static void heard_open(struct heard *h, const struct room *r, const struct packer_settings *s)
{
	struct codec_format f;

	memset(h, 0, sizeof(*h));
	alone_open(&h->alone, r, s);
	f = encoder_format(h->alone.encoder);
	assert_int_equal(decoder_open(&h->decoder, &(struct decoder_settings){ f.codec, f.rate }),
			 0);
}

static void heard_close(struct heard *h)
{
	alone_close(&h->alone);
	decoder_close(h->decoder);
}

static void heard_put(struct heard *h, struct room *r, uint32_t member)
{
	const int16_t *pcm = mix_input(r->mix, r->id[member]).pcm;

	memcpy(h->mix + h->mixed, pcm, r->samples * sizeof(*h->mix));
	h->mixed += r->samples;
	alone_hear(&h->alone, pcm);
	for (uint32_t i = 0; i < h->alone.count; i++) {
		struct bytes octets = bytes_mem(h->alone.octets[i], (size_t)h->alone.lengths[i]);

		h->owned += (uint32_t)decoder_frame(h->decoder, octets, h->own + h->owned,
						    CODEC_SAMPLES_MAX);
		h->heard += room_receive(r, member, i, h->ear + h->heard);
	}
	assert_int_equal(h->owned, h->heard);
}

/* At the best lag of those below lag_max. */
static double correlation(const int16_t *a, const int16_t *b, uint32_t n, uint32_t lag_max)
{
	double best = -1, norm = measure_rms(a, n) * measure_rms(b, n) * n;

	for (uint32_t lag = 0; lag < lag_max; lag++) {
		double sum = 0;

		for (uint32_t i = lag; i < n; i++)
			sum += (double)a[i - lag] * b[i];
		best = fmax(best, sum / norm);
	}
	return best;
}

static void check_heard(const struct heard *h, const char *name, double like_mix, uint32_t rate)
{
	double mix = correlation(h->mix, h->ear, h->heard, rate / 1000 * LAG_MS);
	double own = correlation(h->own, h->ear, h->heard, 1);

	if (own < ALIKE || mix < like_mix)
		fail_msg("%s: %.4f with its own codec, %.4f with the mix", name, own, mix);
}

/* Who talks now and then hears the others all along, and who listens hears all. */
static void test_hears_the_mix(void **state)
{
	static const struct {
		const char *name;
		struct packer_settings s;
		uint32_t rate;
		double like_mix;
	} rows[] = {
		{ "PCMU", { { "PCMU" } }, 8000, 0.98 },
		{ "PCMA, 60 ms", { { "PCMA", .packet_ms = 60 } }, 8000, 0.98 },
		{ "L16", { { "L16" } }, 16000, 0.98 },
		{ "G722", { { "G722" } }, 16000, 0.98 },
		{ "opus", { { "opus", 20, 20000, 5, .voice = true } }, 16000, 0.9 },
		{ "opus, 40 ms", { { "opus", 40, 20000, 5, .voice = true } }, 16000, 0.9 },
		{ "opus, hybrid", { { "opus", 20, 28000, 2, .voice = true } }, 48000, 0.9 },
	}, *row;
	static struct heard talker, listener;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct room r;

		room_open(&r, row->rate, 20, MEMBERS, 0);
		room_join(&r, A, &row->s);
		room_join(&r, L, &row->s);
		heard_open(&talker, &r, &row->s);
		heard_open(&listener, &r, &row->s);
		for (uint32_t t = 0; t < 100; t++) {
			room_tick(&r, 1U << B | (t % 23 < 11 ? 1U << A : 0));
			heard_put(&talker, &r, A);
			heard_put(&listener, &r, L);
		}
		assert_true(payloads_counts(r.payloads).returns > 3 ||
			    payloads_counts(r.payloads).copies == 0);
		check_heard(&talker, row->name, row->like_mix, row->rate);
		check_heard(&listener, row->name, row->like_mix, row->rate);
		heard_close(&talker);
		heard_close(&listener);
		room_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_returns_are_not_heard),
		cmocka_unit_test(test_resumes),
		cmocka_unit_test(test_hears_the_mix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
