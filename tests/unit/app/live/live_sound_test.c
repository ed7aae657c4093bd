/* SPDX-License-Identifier: Apache-2.0 */
/* The sound of a live stream: both ways, without a socket. The worker is the test. */
#include "tests/unit/test.h"

#include <math.h>

#include "app/live/live_sound.h"
#include "base/clock.h"
#include "dsp/codec/g711.h"
#include "media/codec.h"

enum { MS = 20, TICK_MS = 10, MAX = 1000 };

struct scene {
	struct live_sound *s;
	struct media_feed *feed;
	uint64_t now_ns;
	uint32_t said;    /* packets of the party */
	uint32_t heard_n; /* samples that the party has heard */
	int16_t heard[24000];
	uint32_t app_n; /* samples that the application has */
	int16_t app[48000];
	uint32_t missed;
	bool reads; /* the application */
};

static struct scene *scene_open(enum live_format format, uint32_t rate, uint32_t feed_rate)
{
	struct scene *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->s = calloc(1, sizeof(*c->s));
	c->feed = media_feed_make();
	c->now_ns = 1000 * NS_PER_S;
	c->reads = true;
	assert_int_equal(live_sound_open(c->s, c->feed, format, rate, feed_rate), 0);
	return c;
}

static void scene_close(struct scene *c)
{
	live_sound_close(c->s);
	media_feed_free(c->feed);
	free(c->s);
	free(c);
}

static int16_t tone(uint32_t hz, uint32_t rate, uint32_t i)
{
	return (int16_t)(8000 * sin(2 * M_PI * hz * i / rate));
}

/* Power of a frequency beside that of all, 0 to 1 (Goertzel). */
static double share_of(const int16_t *pcm, uint32_t n, uint32_t rate, uint32_t hz)
{
	double w = 2 * cos(2 * M_PI * hz / rate), a = 0, b = 0, all = 0;

	for (uint32_t i = 0; i < n; i++) {
		double now = pcm[i] + w * a - b;

		b = a;
		a = now;
		all += (double)pcm[i] * pcm[i];
	}
	return all > 0 ? 2 * (a * a + b * b - w * a * b) / (all * n) : 0;
}

static int loudest(const int16_t *pcm, uint32_t n)
{
	int most = 0;

	for (uint32_t i = 0; i < n; i++)
		most = abs(pcm[i]) > most ? abs(pcm[i]) : most;
	return most;
}

/* The party says 20 ms of a tone, in G.711. */
static void party_says(struct scene *c, uint32_t hz)
{
	struct feed_out *said = media_feed_out_reserve(c->feed);
	int16_t pcm[160];

	assert_non_null(said);
	for (uint32_t i = 0; i < 160; i++)
		pcm[i] = tone(hz, 8000, c->said * 160 + i);
	*said = (struct feed_out){ .at_ns = c->now_ns,
				   .ssrc = 7,
				   .sequence = (uint16_t)c->said,
				   .timestamp = c->said * 160,
				   .codec = MEDIA_CODEC_PCMU,
				   .length = 160 };
	g711_ulaw_encode(said->octets, pcm, 160);
	c->said++;
	media_feed_out_publish(c->feed);
}

static void app_reads(struct scene *c)
{
	const struct live_frame *f;
	uint32_t n = live_sound_frame_octets(c->s);

	while (c->reads && (f = live_sound_frame(c->s)) != NULL) {
		c->missed += f->missed_before;
		for (uint32_t i = 0; c->s->format == LIVE_L16 && i < n / 2; i++)
			c->app[c->app_n++] =
				(int16_t)(uint16_t)(f->octets[2 * i] | f->octets[2 * i + 1] << 8);
		if (c->s->format == LIVE_ULAW) {
			g711_ulaw_decode(c->app + c->app_n, f->octets, n);
			c->app_n += n;
		}
		live_sound_frame_release(c->s);
	}
}

static void worker_says(struct scene *c)
{
	const struct feed_frame *f = media_feed_frame(c->feed);
	uint32_t n = c->s->feed_rate / 50;

	if (!f)
		return;
	assert_true(c->heard_n + n <= COUNT_OF(c->heard));
	memcpy(c->heard + c->heard_n, f->pcm, n * sizeof(f->pcm[0]));
	c->heard_n += n;
	media_feed_frame_release(c->feed);
}

static void pass(struct scene *c, uint32_t ms, uint32_t says_hz)
{
	for (uint32_t at = 0; at < ms; at += TICK_MS) {
		if (at % MS == 0) {
			if (says_hz)
				party_says(c, says_hz);
			worker_says(c);
		}
		live_sound_tick(c->s, c->now_ns);
		app_reads(c);
		c->now_ns += TICK_MS * NS_PER_MS;
	}
}

static void app_says(struct scene *c, uint32_t hz, uint32_t ms)
{
	uint32_t samples = c->s->rate / 1000 * ms;
	uint8_t *octets = calloc(samples, 2);
	uint32_t n = 0;

	assert_non_null(octets);
	for (uint32_t i = 0; i < samples; i++) {
		int16_t pcm = tone(hz, c->s->rate, i);

		if (c->s->format == LIVE_ULAW) {
			g711_ulaw_encode(octets + n++, &pcm, 1);
			continue;
		}
		octets[n++] = (uint8_t)((uint16_t)pcm & 0xff);
		octets[n++] = (uint8_t)((uint16_t)pcm >> 8);
	}
	live_sound_receive(c->s, bytes_mem(octets, n), c->now_ns);
	free(octets);
}

static void the_application_hears_the_party(void **state)
{
	static const struct {
		enum live_format format;
		uint32_t rate;
	} rows[] = {
		{ LIVE_ULAW, 8000 }, { LIVE_L16, 8000 }, { LIVE_L16, 16000 }, { LIVE_L16, 24000 }
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct scene *c = scene_open(rows[i].format, rows[i].rate, 8000);
		uint32_t half = rows[i].rate / 2;

		pass(c, 1000, 440);
		assert_in_range(c->app_n, rows[i].rate - rows[i].rate / 50,
				rows[i].rate + rows[i].rate / 50);
		assert_true(share_of(c->app + c->app_n - half, half, rows[i].rate, 440) > 0.9);
		assert_int_equal(c->missed, 0);
		scene_close(c);
	}
}

/* 20 ms of a tone for a stream that hears two: in that channel, number is of the packet. */
static void channel_put(struct live_sound *s, uint32_t channel, uint32_t number, uint32_t hz,
			uint64_t now_ns)
{
	uint8_t octets[160];
	int16_t pcm[160];

	for (uint32_t i = 0; i < 160; i++)
		pcm[i] = tone(hz, 8000, number * 160 + i);
	g711_ulaw_encode(octets, pcm, 160);
	live_sound_put(s, channel,
		       &(struct live_packet){ .at_ns = now_ns,
					      .ssrc = 7 + channel,
					      .sequence = (uint16_t)number,
					      .timestamp = number * 160,
					      .codec = MEDIA_CODEC_PCMU,
					      .payload = bytes_mem(octets, sizeof(octets)) });
}

static void a_pair_is_heard(void **state)
{
	enum { N = 50 };
	struct live_sound *s = calloc(1, sizeof(*s));
	uint64_t now_ns = 1000 * NS_PER_S;
	const struct live_frame *f;
	int16_t *pcm[2] = { calloc(N * 2, 640), calloc(N * 2, 640) };
	uint32_t n = 0;

	(void)state;
	assert_int_equal(live_sound_open_mixed(s, LIVE_L16, 16000, 2), 0);
	assert_int_equal(live_sound_frame_octets(s), 1280);
	for (uint32_t i = 0; i < N; i++, now_ns += MS * NS_PER_MS) {
		channel_put(s, 0, i, 440, now_ns);
		channel_put(s, 1, i, 1000, now_ns);
		live_sound_tick(s, now_ns);
		for (; (f = live_sound_frame(s)) != NULL; live_sound_frame_release(s)) {
			for (uint32_t k = 0; k < 640; k++)
				pcm[k % 2][n + k / 2] =
					(int16_t)(uint16_t)(f->octets[2 * k] | f->octets[2 * k + 1]
										       << 8);
			n += 320;
		}
	}
	assert_int_equal(n, N * 320);
	assert_true(share_of(pcm[0] + n / 2, n / 4, 16000, 440) > 0.9);
	assert_true(share_of(pcm[1] + n / 2, n / 4, 16000, 1000) > 0.9);
	live_sound_receive(s, bytes_mem("abcd", 4), now_ns); /* nobody hears it */
	assert_false(live_sound_set_mark(s, "m"));
	live_sound_clear(s);
	assert_null(live_sound_mark(s));
	live_sound_close(s);
	free(pcm[0]);
	free(pcm[1]);
	free(s);
}

/* Each tenth packet does not come: what the application hears has no hole. */
static void what_is_lost_is_made(void **state)
{
	struct scene *c = scene_open(LIVE_L16, 8000, 8000);

	(void)state;
	for (int i = 0; i < 10; i++) {
		pass(c, 180, 440);
		c->said++;
		pass(c, MS, 0);
	}
	assert_true(share_of(c->app + 4000, 8000, 8000, 440) > 0.9);
	for (uint32_t at = 4000; at < 12000; at += 80)
		assert_true(loudest(c->app + at, 80) > 4000);
	scene_close(c);
}

static void silence_keeps_time(void **state)
{
	struct scene *c = scene_open(LIVE_L16, 16000, 8000);

	(void)state;
	pass(c, 1000, 0);
	assert_in_range(c->app_n, 16000, 16000 + 320);
	for (uint32_t i = 0; i < c->app_n; i++)
		assert_int_equal(c->app[i], 0);
	scene_close(c);
}

static void the_party_hears_the_application(void **state)
{
	static const uint32_t rates[][2] = { { 8000, 8000 },  { 16000, 8000 },  { 24000, 8000 },
					     { 8000, 16000 }, { 24000, 16000 }, { 24000, 24000 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		struct scene *c = scene_open(LIVE_L16, rates[i][0], rates[i][1]);

		app_says(c, 660, 600);
		pass(c, 1000, 0);
		assert_in_range(c->heard_n, rates[i][1] * 600 / 1000 - rates[i][1] / 50,
				rates[i][1] * 600 / 1000 + rates[i][1] / 50);
		assert_true(share_of(c->heard + rates[i][1] / 10, rates[i][1] / 4, rates[i][1],
				     660) > 0.9);
		scene_close(c);
	}
}

/* It reads nothing for three seconds: it is told what it missed, and hears on from now. */
static void a_slow_application_is_told(void **state)
{
	struct scene *c = scene_open(LIVE_L16, 8000, 8000);

	(void)state;
	c->reads = false;
	pass(c, 3000, 440);
	c->reads = true;
	pass(c, 1000, 440);
	assert_int_equal(c->missed, c->s->frames_missed);
	assert_in_range(c->missed, 3000 / MS - LIVE_FRAMES - 1, 3000 / MS - LIVE_FRAMES + 1);
	assert_in_range(c->app_n / 160 + c->missed, 4000 / MS, 4000 / MS + 1);
	scene_close(c);
}

static void clear_and_marks(void **state)
{
	struct scene *c = scene_open(LIVE_L16, 8000, 8000);

	(void)state;
	app_says(c, 660, 200);
	assert_true(live_sound_set_mark(c->s, "one"));
	app_says(c, 660, 2000);
	assert_true(live_sound_set_mark(c->s, "two"));
	pass(c, 160, 0);
	assert_null(live_sound_mark(c->s));
	pass(c, 200, 0);
	assert_string_equal(live_sound_mark(c->s), "one");
	live_sound_mark_release(c->s);
	assert_null(live_sound_mark(c->s));
	live_sound_clear(c->s);
	pass(c, 100, 0);
	assert_in_range(c->heard_n, 160 * 15, 160 * 20);
	assert_string_equal(live_sound_mark(c->s), "two");
	live_sound_mark_release(c->s);
	app_says(c, 660, 100);
	pass(c, 300, 0);
	assert_in_range(c->heard_n, 160 * 20, 160 * 25);
	scene_close(c);
}

/* Half a minute may wait, and what is beyond it is counted. */
static void too_much_is_refused(void **state)
{
	struct scene *c = scene_open(LIVE_ULAW, 8000, 8000);

	(void)state;
	for (uint32_t i = 0; i < 31; i++)
		app_says(c, 660, 1000);
	assert_int_equal(c->s->refused, 8000);
	for (uint32_t i = 0; i < LIVE_MARKS; i++)
		assert_true(live_sound_set_mark(c->s, "m"));
	assert_false(live_sound_set_mark(c->s, "m"));
	scene_close(c);
}

static void no_such_rate(void **state)
{
	struct live_sound *s = calloc(1, sizeof(*s));

	(void)state;
	assert_non_null(s);
	assert_int_not_equal(live_sound_open(s, NULL, LIVE_L16, 11025, 8000), 0);
	assert_int_not_equal(live_sound_open(s, NULL, LIVE_ULAW, 16000, 8000), 0);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_application_hears_the_party),
		cmocka_unit_test(a_pair_is_heard),
		cmocka_unit_test(what_is_lost_is_made),
		cmocka_unit_test(silence_keeps_time),
		cmocka_unit_test(the_party_hears_the_application),
		cmocka_unit_test(a_slow_application_is_told),
		cmocka_unit_test(clear_and_marks),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(no_such_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
