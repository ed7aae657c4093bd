/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "dsp/limiter.h"
#include "dsp/mix/mix.h"
#include "dsp/mix/mix_wide.h"

enum { RATE = 16000, N = 320, LOUD = 20, ROOM = 6 };

static int16_t g_pcm[ROOM][N];

static void frames_make(int amplitude)
{
	uint32_t noise = 1;

	for (int i = 0; i < ROOM; i++) {
		for (int j = 0; j < N; j++) {
			noise = noise * 1664525 + 1013904223;
			g_pcm[i][j] = (int16_t)((int)(noise >> 16) % amplitude);
		}
	}
}

static struct mix *room_open(uint32_t *members, uint32_t n)
{
	struct mix_settings s = { .members = n, .rate = RATE };
	struct mix *m = NULL;

	assert_int_equal(mix_open(&m, &s), 0);
	assert_int_equal(mix_samples(m), N);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(mix_join(m, &members[i]), 0);
	return m;
}

/* The first n talk; there is no sum yet. */
static void room_send(struct mix *m, const uint32_t *members, uint32_t n)
{
	uint32_t placed[2 * MIX_TALKERS_MAX];

	for (uint32_t i = 0; i < n; i++)
		mix_note(m, members[i], LOUD);
	mix_tick(m);
	mix_rank(m, placed);
	for (uint32_t i = 0; i < n; i++)
		mix_put(m, members[i], g_pcm[i]);
}

static bool room_tick(struct mix *m, const uint32_t *members, uint32_t n)
{
	room_send(m, members, n);
	return mix_sum(m);
}

/* Those who hear something of their own are these, in any order. */
static void assert_apart(const struct mix *m, const uint32_t *want, uint32_t n)
{
	uint32_t at = 0, member, found = 0, all = 0;

	for (; mix_apart(m, &at, &member); all++) {
		assert_true(mix_is_apart(m, member));
		for (uint32_t k = 0; k < n; k++)
			found += member == want[k];
	}
	assert_int_equal(all, n);
	assert_int_equal(found, n);
}

/* Of those whose bit is set. */
static void assert_hears(struct mix *m, uint32_t member, uint32_t voices, bool shared)
{
	struct mix_input h = mix_input(m, member);

	assert_non_null(h.pcm);
	assert_int_equal(h.shared, shared);
	for (int j = 0; j < N; j++) {
		int want = 0;

		for (int i = 0; i < ROOM; i++)
			want += voices >> i & 1 ? g_pcm[i][j] : 0;
		assert_int_equal(h.pcm[j], want);
	}
}

static void test_each_hears_the_others(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	frames_make(8000);
	assert_true(room_tick(m, id, 3));
	assert_hears(m, id[0], 6, false);
	assert_hears(m, id[1], 5, false);
	assert_hears(m, id[2], 3, false);
	for (int i = 3; i < ROOM; i++)
		assert_hears(m, id[i], 7, true);
	assert_ptr_equal(mix_input(m, id[3]).pcm, mix_shared(m));
	assert_apart(m, id, 3);
	mix_leave(m, id[2]);
	assert_apart(m, id, 2);
	assert_false(room_tick(m, id, 0));
	assert_hears(m, id[0], 0, true);
	assert_apart(m, id, 0);
	mix_close(m);
}

static void test_no_more_than_have_places(void **state)
{
	uint32_t id[ROOM], placed[2 * MIX_TALKERS_MAX];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	frames_make(8000);
	for (uint32_t i = 0; i < ROOM; i++)
		mix_note(m, id[i], (uint8_t)(60 - 5 * i));
	mix_tick(m);
	assert_int_equal(mix_rank(m, placed), 3);
	for (uint32_t i = 0; i < ROOM; i++)
		mix_put(m, id[i], g_pcm[i]);
	assert_true(mix_sum(m));
	assert_hears(m, id[0], 56, true);
	assert_hears(m, id[5], 24, false);
	mix_close(m);
}

static void test_muted_and_deaf(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	frames_make(8000);
	mix_mute(m, id[0], true);
	mix_deafen(m, id[4], true);
	room_tick(m, id, 2);
	assert_hears(m, id[0], 2, true);
	assert_null(mix_input(m, id[4]).pcm);
	mix_mute(m, id[0], false);
	mix_deafen(m, id[4], false);
	room_tick(m, id, 2);
	assert_hears(m, id[4], 3, true);
	mix_mute(m, id[0], true);
	room_tick(m, id, 2);
	assert_hears(m, id[4], 2, true);
	mix_close(m);
}

static void test_only_one_hears_a_coach(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	frames_make(8000);
	assert_int_equal(mix_coach(m, id[2], id[2]), -EINVAL);
	assert_int_equal(mix_coach(m, id[2], id[0]), 0);
	room_tick(m, id, 3);
	assert_hears(m, id[0], 6, false); /* who talks */
	assert_apart(m, id, 2);
	assert_hears(m, id[1], 1, false);
	assert_hears(m, id[2], 3, true);
	assert_hears(m, id[3], 3, true);
	assert_int_equal(mix_coach(m, id[2], id[4]), 0);
	room_tick(m, id, 3);
	assert_hears(m, id[4], 7, false); /* who listens */
	assert_apart(m, (uint32_t[]){ id[4], id[0], id[1] }, 3);
	assert_hears(m, id[3], 3, true);
	mix_leave(m, id[4]);
	assert_int_equal(mix_join(m, &id[4]), 0);
	room_tick(m, id, 3);
	assert_hears(m, id[4], 3, true);
	assert_int_equal(mix_coach(m, id[2], MIX_NOBODY), 0);
	room_tick(m, id, 3);
	assert_hears(m, id[4], 7, true);
	mix_close(m);
}

static void test_gain_comes_without_a_step(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	for (int j = 0; j < N; j++)
		g_pcm[0][j] = 10000;
	assert_int_equal(mix_gain(m, id[0], MIX_GAIN_DB_MAX + 1), -EINVAL);
	assert_int_equal(mix_gain(m, id[0], -6), 0);
	room_tick(m, id, 1);

	const int16_t *pcm = mix_input(m, id[1]).pcm;

	assert_int_equal(pcm[0], 10000);
	for (int j = 1; j < N; j++)
		assert_in_range(pcm[j - 1] - pcm[j], 0, 20);
	room_tick(m, id, 1);
	assert_int_equal(mix_input(m, id[1]).pcm[0], 5012);
	mix_close(m);
}

static void test_loud_sums_are_limited(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);

	(void)state;
	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < N; j++)
			g_pcm[i][j] = 20000;
	}
	room_tick(m, id, 3);
	assert_in_range(mix_input(m, id[5]).pcm[N - 1], 32700, 32767);
	assert_in_range(mix_input(m, id[0]).pcm[N - 1], 32700, 32767);
	mix_close(m);
}

/* Who begins to talk hears the same as before: what is made for it alone is no louder than what all heard. */
static void test_limiter_goes_on(void **state)
{
	uint32_t id[ROOM];
	struct mix *m = room_open(id, ROOM);
	int16_t before[N];

	(void)state;
	frames_make(32000);
	for (int i = 0; i < 10; i++)
		assert_true(room_tick(m, id, 2));
	memset(g_pcm[2], 0, sizeof(g_pcm[2]));
	assert_true(room_tick(m, id, 3));
	memcpy(before, mix_input(m, id[5]).pcm, sizeof(before));
	assert_true(mix_input(m, id[5]).shared);
	assert_false(mix_input(m, id[2]).shared);
	assert_memory_equal(mix_input(m, id[2]).pcm, before, sizeof(before));
	mix_close(m);
}

static void test_wide_sums(void **state)
{
	int32_t a[N], b[N], sum[N], less[N];

	(void)state;
	for (int i = 0; i < N; i++) {
		sum[i] = a[i] = i * 7919 - 1000000;
		b[i] = 400000 - i * 104729 % 800000;
	}
	for (size_t i = mix_add_wide(sum, b, N - 3); i-- > 0;)
		assert_int_equal(sum[i], a[i] + b[i]);
	for (size_t i = mix_less_wide(a, b, less, N - 3); i-- > 0;)
		assert_int_equal(less[i], a[i] - b[i]);
	assert_int_equal(sum[N - 1], a[N - 1]);
}

static void part_pcm_check(const int32_t *sum, const int16_t *pcm)
{
	int32_t part[N], peak = 0, want = 0;

	for (size_t i = mix_part_pcm_wide(sum, pcm, part, N - 3, &peak); i-- > 0;) {
		assert_int_equal(part[i], sum[i] - pcm[i]);
		want = abs(part[i]) > want ? abs(part[i]) : want;
	}
	assert_int_equal(peak, want);
}

/* By the plain arithmetic: some fit, and some do not, one only just. */
static void test_wide_samples(void **state)
{
	static const int32_t mosts[] = { 0, INT16_MAX, INT16_MAX + 1, 1 << 28 }, *most;
	int32_t a[N], sum[N];
	int16_t pcm[N], less[N];

	(void)state;
	frames_make(INT16_MAX);
	memcpy(pcm, g_pcm[0], sizeof(pcm));
	EACH_ROW(most, mosts)
	{
		for (int sign = -1; sign <= 1; sign += 2) {
			bool fits = true;

			for (int i = 0; i < N; i++)
				sum[i] = a[i] = pcm[i] + (i == 40 ? sign * *most : i);
			for (size_t i = mix_add_pcm_wide(sum, pcm, N - 3); i-- > 0;)
				assert_int_equal(sum[i], a[i] + pcm[i]);
			for (size_t i = mix_less_pcm_wide(a, pcm, less, N - 3, &fits); i-- > 0;) {
				int32_t d = a[i] - pcm[i];

				assert_int_equal(less[i], d > INT16_MAX   ? INT16_MAX
							  : d < INT16_MIN ? INT16_MIN
									  : d);
				assert_true(fits || *most > INT16_MAX);
			}
			assert_int_equal(sum[N - 1], a[N - 1]);
			part_pcm_check(a, pcm);
		}
	}
}

/* ---- everybody is heard ---- */

enum { CROWD = 300 };

static struct mix *crowd_open(uint32_t *members, bool seams)
{
	struct mix_settings s = {
		.members = CROWD, .rate = RATE, .talkers = MIX_TALKERS_ALL, .seams = seams
	};
	struct mix *m = NULL;

	assert_int_equal(mix_open(&m, &s), 0);
	for (uint32_t i = 0; i < CROWD; i++)
		assert_int_equal(mix_join(m, &members[i]), 0);
	return m;
}

static bool crowd_tick(struct mix *m, const uint32_t *members, uint32_t n)
{
	uint32_t placed[2 * MIX_TALKERS_MAX];

	mix_tick(m);
	for (uint32_t i = 0; i < n; i++)
		mix_put(m, members[i], g_pcm[i % ROOM]);
	for (uint32_t i = 0; i < n; i++)
		mix_note(m, members[i], LOUD);
	assert_in_range(mix_rank(m, placed), 0, 2 * MIX_TALKERS_MAX);
	return mix_sum(m);
}

/* As it was asked for in this tick: the sum of the first n without its own voice, by a limiter of its own. */
static void assert_hears_crowd(struct mix *m, const uint32_t *members, uint32_t which, uint32_t n,
			       struct limiter *limiter)
{
	int32_t sum[N] = { 0 };
	int16_t want[N];

	for (uint32_t i = 0; i < n; i++)
		for (int j = 0; j < N && i != which; j++)
			sum[j] += g_pcm[i % ROOM][j];
	limiter_frame(limiter, RATE, sum, want, N);
	assert_memory_equal(mix_input(m, members[which]).pcm, want, sizeof(want));
	assert_memory_equal(mix_input(m, members[which]).pcm, want, sizeof(want));
	assert_int_equal(mix_input(m, members[which]).shared, which >= n);
}

/* No matter how many they are, how loud the sum is, and who is asked for first; muted ones are not. */
static void test_everybody_is_heard(void **state)
{
	static const int louds[] = { 20, 1000, 32000 }, *loud;
	static const uint32_t talks[] = { 1, 2, 40, CROWD - 1 }, *n;
	uint32_t id[CROWD];

	(void)state;
	EACH_ROW(loud, louds)
	EACH_ROW(n, talks)
	{
		struct limiter first = { 0 }, last = { 0 }, all = { 0 };
		struct mix *m = crowd_open(id, false);

		frames_make(*loud);
		for (int t = 0; t < 4; t++) {
			assert_true(crowd_tick(m, id, *n));
			assert_hears_crowd(m, id, *n - 1, *n, &last);
			assert_hears_crowd(m, id, 0, *n, *n == 1 ? &last : &first);
			assert_hears_crowd(m, id, CROWD - 1, *n, &all);
		}
		mix_mute(m, id[0], true);
		assert_int_equal(crowd_tick(m, id, 1), false);
		mix_close(m);
	}
}

/* Coaches are heard by one each, however many they are, and gains and seams are as where few are heard. */
static void test_everybody_has_coaches_and_gains(void **state)
{
	uint32_t id[CROWD];
	struct mix *m = crowd_open(id, true);
	int16_t before;

	(void)state;
	frames_make(100);
	for (uint32_t i = 20; i < 40; i++)
		assert_int_equal(mix_coach(m, id[i], id[0]), 0);
	assert_int_equal(mix_gain(m, id[1], 6), 0);
	for (int t = 0; t < 3; t++)
		assert_true(crowd_tick(m, id, 40));
	for (int j = 0; j < N; j++) {
		int want = 0;

		for (uint32_t i = 1; i < 40; i++)
			want += i == 1 ? (int)lrintf((float)g_pcm[1][j] * powf(10, 6 / 20.0f))
				       : g_pcm[i % ROOM][j];
		assert_int_equal(mix_input(m, id[0]).pcm[j], want);
	}
	before = mix_shared(m)[N - 1];
	assert_true(crowd_tick(m, id, 0)); /* their ends */
	assert_in_range(abs(mix_shared(m)[0] - before), 0, abs(before) / (RATE / 200) + 20);
	assert_int_equal(mix_shared(m)[N - 1], 0);
	assert_false(crowd_tick(m, id, 0));
	mix_close(m);
}

/* What it said may be gone with it. */
static void test_everybody_may_leave(void **state)
{
	uint32_t id[CROWD], at = 0, member;
	struct mix *m = crowd_open(id, true);
	int16_t *gone = malloc(sizeof(g_pcm[0]));

	(void)state;
	assert_non_null(gone);
	frames_make(1000);
	memcpy(gone, g_pcm[1], sizeof(g_pcm[1]));
	assert_int_equal(mix_coach(m, id[2], id[0]), 0);
	mix_tick(m);
	mix_put(m, id[0], g_pcm[0]);
	mix_put(m, id[1], gone);
	mix_put(m, id[2], gone);
	assert_true(mix_sum(m));
	mix_leave(m, id[1]);
	mix_leave(m, id[2]);
	free(gone);
	assert_true(mix_apart(m, &at, &member));
	assert_int_equal(member, id[0]);
	assert_false(mix_apart(m, &at, &member));
	assert_non_null(mix_input(m, id[0]).pcm);
	assert_int_equal(mix_join(m, &id[1]), 0);
	assert_true(mix_input(m, id[1]).shared);
	mix_close(m);
}

/* A guest is heard by all who talk, who do not, and who are coached; and hears all but itself. */
static void test_guests(void **state)
{
	int16_t heard[N];
	struct limiter limiter = { 0 };
	uint32_t members[4];
	struct mix *m = room_open(members, 4);

	(void)state;
	frames_make(4000);
	assert_int_equal(mix_coach(m, members[1], members[3]), 0);
	room_send(m, members, 2);
	mix_guest(m, g_pcm[4]);
	mix_guest(m, g_pcm[5]);
	assert_true(mix_sum(m));
	assert_hears(m, members[0], 0x30, false);
	assert_hears(m, members[2], 0x31, true);
	assert_hears(m, members[3], 0x33, false);
	mix_minus_guest(m, g_pcm[5], &limiter, heard);
	for (int j = 0; j < N; j++)
		assert_int_equal(heard[j], g_pcm[0][j] + g_pcm[4][j]);
	room_send(m, members, 0);
	mix_guest(m, g_pcm[4]);
	assert_true(mix_sum(m));
	assert_hears(m, members[2], 0x10, true);
	assert_false(room_tick(m, members, 0));
	assert_hears(m, members[2], 0, true);
	mix_close(m);
}

static void test_two_thousand_come_and_leave(void **state)
{
	static uint32_t id[MIX_MEMBERS_MAX];
	uint32_t more;
	struct mix *m = room_open(id, MIX_MEMBERS_MAX);

	(void)state;
	frames_make(8000);
	assert_int_equal(mix_join(m, &more), -ENOSPC);
	for (uint32_t i = 0; i < MIX_MEMBERS_MAX; i++) {
		room_tick(m, id + i, i + 3 <= MIX_MEMBERS_MAX ? 3 : 1);
		mix_leave(m, id[i]);
	}
	for (uint32_t i = 0; i < MIX_MEMBERS_MAX; i++)
		assert_int_equal(mix_join(m, &id[i]), 0);
	assert_int_equal(mix_join(m, &more), -ENOSPC);
	assert_false(room_tick(m, id, 0));
	mix_close(m);
}

static void test_bad_settings(void **state)
{
	static const struct mix_settings rows[] = {
		{ .members = 0, .rate = 8000 },
		{ .members = MIX_MEMBERS_MAX + 1, .rate = 8000 },
		{ .members = 2, .rate = 44100 },
		{ .members = 2, .rate = 8000, .tick_ms = 30 },
		{ .members = 2, .rate = 8000, .talkers = MIX_TALKERS_MAX + 1 },
	}, *row;
	struct mix *m = NULL;

	(void)state;
	for (row = rows; row < rows + COUNT_OF(rows); row++)
		assert_int_equal(mix_open(&m, row), -EINVAL);
	mix_close(m);
}

/* The largest difference of two samples that follow each other, from `before` on. */
static int step_most(const int16_t *pcm, int before)
{
	int most = 0;

	for (int j = 0; j < N; j++) {
		int d = abs(pcm[j] - before);

		most = d > most ? d : most;
		before = pcm[j];
	}
	return most;
}

/* Of a constant, so that what is not constant is a seam. */
static void test_a_voice_comes_and_goes_without_a_step(void **state)
{
	enum { HIGH = 8000, STEP = HIGH / (RATE / 200) + 1 };
	const struct mix_settings s = { .members = 2, .rate = RATE, .seams = true };
	uint32_t id[2], placed[2 * MIX_TALKERS_MAX];
	struct mix *m = NULL;

	(void)state;
	assert_int_equal(mix_open(&m, &s), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(mix_join(m, &id[i]), 0);
	for (int j = 0; j < N; j++)
		g_pcm[0][j] = HIGH;
	assert_true(room_tick(m, id, 1));
	assert_in_range(step_most(mix_shared(m), 0), 1, STEP);
	assert_int_equal(mix_shared(m)[N - 1], HIGH);
	assert_true(room_tick(m, id, 1));
	assert_int_equal(step_most(mix_shared(m), HIGH), 0);
	mix_mute(m, id[0], true);
	mix_tick(m);
	(void)mix_rank(m, placed);
	assert_true(mix_sum(m)); /* its end is heard */
	assert_in_range(step_most(mix_shared(m), HIGH), 1, STEP);
	assert_int_equal(mix_shared(m)[N - 1], 0);
	mix_tick(m);
	(void)mix_rank(m, placed);
	assert_false(mix_sum(m));
	mix_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_hears_the_others),
		cmocka_unit_test(test_no_more_than_have_places),
		cmocka_unit_test(test_muted_and_deaf),
		cmocka_unit_test(test_only_one_hears_a_coach),
		cmocka_unit_test(test_gain_comes_without_a_step),
		cmocka_unit_test(test_loud_sums_are_limited),
		cmocka_unit_test(test_a_voice_comes_and_goes_without_a_step),
		cmocka_unit_test(test_limiter_goes_on),
		cmocka_unit_test(test_wide_sums),
		cmocka_unit_test(test_wide_samples),
		cmocka_unit_test(test_everybody_is_heard),
		cmocka_unit_test(test_everybody_has_coaches_and_gains),
		cmocka_unit_test(test_everybody_may_leave),
		cmocka_unit_test(test_guests),
		cmocka_unit_test(test_two_thousand_come_and_leave),
		cmocka_unit_test(test_bad_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
