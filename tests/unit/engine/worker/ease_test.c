/* SPDX-License-Identifier: Apache-2.0 */
/* Less complexity under load, and more again after some calm. */
#include "tests/unit/test.h"

#include "engine/worker/transcoder.h"
#include "tests/unit/engine/worker/coder_rig.h"

enum { LIMIT = 700 };

/* So busy for so many ticks, and the step it is at then. */
static const struct {
	uint32_t busy, ticks;
	uint8_t step;
} g_rows[] = {
	{ 0, 10, 0 },   { 699, 10, 0 }, { 700, 1, 1 }, { 700, 1, 2 },
	{ 1000, 9, 2 }, { 524, 4, 2 },  { 525, 1, 2 }, /* not calm: it begins anew */
	{ 524, 4, 2 },  { 524, 1, 1 },  { 600, 9, 1 }, { 100, 4, 1 },
	{ 100, 1, 0 },  { 100, 10, 0 }, { 800, 1, 1 },
};

static void steps(void **state)
{
	struct ease e = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		for (uint32_t n = 0; n < g_rows[i].ticks; n++)
			ease_tick(&e, g_rows[i].busy, LIMIT);
		if (e.step != g_rows[i].step)
			fail_msg("row %zu: %u", i, e.step);
	}
}

static void complexities(void **state)
{
	(void)state;
	for (uint8_t step = 0; step <= EASE_STEPS; step++) {
		const struct ease e = { .step = step };

		assert_int_equal(ease_complexity(&e, 10), 10 - 5 * step);
		assert_int_equal(ease_complexity(&e, 5), step == 0 ? 5 : step == 1 ? 2 : 0);
		assert_int_equal(ease_complexity(&e, 0), 0);
	}
}

/* The worker's coders are told with their next packet, and count less. */
static void coders_follow(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);
	const struct coding *c = &transcoder_of(&s->r->w, flow_of(s->r, A))->list[0];
	uint32_t full_ns = c->cost_ns, octets;

	(void)state;
	talk(s, A, 60);
	assert_int_equal(c->complexity, CODING_COMPLEXITY);
	octets = (uint32_t)s->heard[B][s->n[B] - 1].rtp.payload_n;
	atomic_store(&s->r->w.busy, 1000); /* 750 with the next tick */
	talk(s, A, 60);
	assert_in_range(c->complexity, 0, CODING_COMPLEXITY - 1);
	assert_true(c->cost_ns < full_ns);
	talk(s, A, 500);
	assert_int_equal(c->complexity, CODING_COMPLEXITY); /* nothing to do here */
	assert_int_equal(c->cost_ns, full_ns);
	assert_in_range(s->heard[B][s->n[B] - 1].rtp.payload_n, octets / 2, octets * 2);
	in_step(s, B, 0, 48000);
	scene_close(s);
}

/* What was asked for stays. */
static void what_was_asked_for_stays(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	s->r->spec[A].codings[0].complexity = 3;
	rig_update(s->r, &s->r->spec[A]);
	atomic_store(&s->r->w.busy, 1000);
	talk(s, A, 60);
	assert_false(transcoder_of(&s->r->w, flow_of(s->r, A))->list[0].eases);
	assert_int_equal(s->n[B], 60);
	scene_close(s);
}

/* Another setting. */
static void control_says_how_much(void **state)
{
	struct scene *s = scene_open(MEDIA_CODEC_PCMU, MEDIA_CODEC_OPUS);

	(void)state;
	atomic_store(&s->r->w.coding, ease_pack(9, LIMIT));
	talk(s, A, 60);
	assert_int_equal(transcoder_of(&s->r->w, flow_of(s->r, A))->list[0].complexity, 9);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps),
		cmocka_unit_test(complexities),
		cmocka_unit_test(coders_follow),
		cmocka_unit_test(what_was_asked_for_stays),
		cmocka_unit_test(control_says_how_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
