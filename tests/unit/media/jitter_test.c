/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories of packets of 20 ms: a number comes, a dot is 20 ms of sound. What is heard is the number, L (lost), l (lost, and what follows is
 * there for FEC), s (silence); what became of a packet that was not simply kept stands before it.
 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/jitter.h"
#include "tests/unit/media/jitter_path.h"

enum { HZ = 8000, FRAME = 160, HEARD_MAX = 400 };

/* The delay is 40 ms, as few packets as come in a story. */
static const struct jitter_settings g_plain = { .clock_hz = HZ,
						.slots = 16,
						.octets = 8,
						.tick_ms = 20,
						.min_ms = 40,
						.start_ms = 40,
						.max_ms = 100 };
static const struct jitter_settings g_fec = { .clock_hz = HZ,
					      .slots = 16,
					      .octets = 8,
					      .tick_ms = 20,
					      .min_ms = 40,
					      .start_ms = 40,
					      .max_ms = 100,
					      .fec = true };

static struct jitter *jitter_of(const struct jitter_settings *s)
{
	struct jitter *j;

	assert_int_equal(jitter_open(&j, s), 0);
	return j;
}

static void heard_add(struct writer *w, const struct jitter_frame *f)
{
	switch (f->kind) {
	case JITTER_PLAY:
		assert_int_equal(f->payload.n, 2);
		writer_fmt(w, " %u", f->payload.p[0] << 8 | f->payload.p[1]);
		break;
	case JITTER_LOST:
		writer_str(w, f->payload.n ? " l" : " L");
		break;
	case JITTER_SILENCE:
		writer_str(w, " s");
		break;
	}
}

static void put_add(struct writer *w, enum jitter_put put)
{
	static const char *const names[] = {
		[JITTER_KEPT] = "",      [JITTER_RESTARTED] = " restarted",
		[JITTER_LATE] = " late", [JITTER_DUPLICATE] = " twice",
		[JITTER_FAR] = " far",   [JITTER_TOO_LARGE] = " large",
	};

	writer_str(w, names[put]);
}

struct story {
	struct jitter *j;
	struct writer heard;
	uint64_t now_ns;
	uint32_t ahead; /* what is added to timestamps */
	uint32_t ssrc;
};

static void story_tick(struct story *s)
{
	struct jitter_frame f;

	jitter_get(s->j, s->now_ns, 0, &f);
	assert_int_equal(f.units, FRAME);
	heard_add(&s->heard, &f);
	s->now_ns += 20 * UINT64_C(1000000);
}

/* e: an event in place of sound; m: with the marker; c: comfort noise. */
static void story_put(struct story *s, uint32_t number, char kind)
{
	const uint8_t octets[2] = { (uint8_t)(number >> 8), (uint8_t)number };
	const struct jitter_packet p = {
		.arrival_ns = s->now_ns,
		.ssrc = s->ssrc,
		.timestamp = number * FRAME + s->ahead,
		.sequence = (uint16_t)number,
		.units = kind == 'e' ? 0 : FRAME,
		.marker = kind == 'm',
		.pauses = kind == 'c',
		.payload = bytes_mem(octets, 2),
	};

	put_add(&s->heard, jitter_put(s->j, &p));
}

/* .: 20 ms. +N, -N: timestamps are so many frames ahead from now on. #: another source. 5: a packet. */
static const char *told(const struct jitter_settings *settings, const char *story)
{
	static char text[HEARD_MAX];
	struct story s = { .j = jitter_of(settings),
			   .heard = writer_over(text, sizeof(text) - 1),
			   .now_ns = 1 << 30 };
	char *end = NULL;

	for (const char *at = story; *at; at = end) {
		end = (char *)(uintptr_t)at + 1;
		if (*at == '.')
			story_tick(&s);
		else if (*at == '#')
			s.ssrc++;
		else if (*at == '+' || *at == '-')
			s.ahead += (uint32_t)strtol(at, &end, 10) * FRAME;
		else if (*at != ' ') {
			uint32_t number = (uint32_t)strtoul(at, &end, 10);

			story_put(&s, number, *end);
			end += *end == 'e' || *end == 'm' || *end == 'c';
		}
	}
	assert_false(s.heard.overflow);
	text[s.heard.n] = 0;
	jitter_close(s.j);
	return text + 1;
}

static void stories_check(const struct jitter_settings *settings, const char *name,
			  const char *story, const char *want)
{
	const char *heard = told(settings, story);

	if (strcmp(heard, want))
		fail_msg("%s: [%s] heard [%s], not [%s]", name, story, heard, want);
}

static void test_stories(void **state)
{
	static const struct {
		const char *name, *story, *heard;
	} rows[] = {
		{ "nothing yet", "...", "s s s" },
		{ "in time", "1. 2. 3. 4. ..", "s s 1 2 3 4" },
		{ "overtaken", "1. . 3 2. 4. 5.", "s s 1 2 3" },
		{ "the first one overtaken", "2 1. 3. ...", "s 1 2 3 L" },
		{ "twice", "1. 1 2. 2. 2. .2", "s twice s twice 1 twice 2 L twice" },
		{ "one is lost", "1. 2. . 4. 5. 6. .", "s s 1 2 L 4 5" },
		{ "one, and later another one", "1. 2. . 4. 5. . 7. 8. 9. .", "s s 1 2 L 4 5 L 7 8" },
		{ "two are lost", "1. 2. . . 5. 6. 7. .", "s s 1 2 L L 5 6" },
		{ "late, and nothing behind it was played", "1. 2. . . . 3. 4 5. 6. 7.", "s s 1 2 L 3 4 5 6" },
		{ "the same, and the next was there", "1. 2. . 4. 5. 3. 6. 7.", "s s 1 2 L 3 4 5" },
		{ "late, and the next was played", "1. 2. . 4. 5. 6. 3. 7.", "s s 1 2 L 4 late 5 6" },
		{ "all of a stall at once", "1. 2. ..... 3 4 5 6 7. 8. .", "s s 1 2 L L L 3 4 5" },
		{ "a longer stall", "1. 2. ...... 3 4 5 6 7 8. .", "s s 1 2 L L L L late 4 5" },
		{ "nothing any more", "1. 2. ..........", "s s 1 2 L L L L L s s s" },
		{ "a pause", "1. 2c. .... +4 3m. 4. ..", "s s 1 2 s s s s 3 4" },
		{ "a pause that was not told", "1. 2. .... +4 3m. 4. ..", "s s 1 2 L L s s 3 4" },
		{ "a pause that is known in time", "1. 2. . +1 3m. 4. ..", "s s 1 2 s 3 4" },
		{ "one is lost before a pause", "1. 2. .... +3 4m. 5. ..", "s s 1 2 L L s s 4 5" },
		{ "an event", "1. 2. 3e. 4e. 5e. 6. 7. 8. .", "s s 1 2 s s s 6 7" },
		{ "numbers turn round", "65534. 65535. +65536 0. 1. 2. .", "s s 65534 65535 0 1" },
		{ "one below zero is overtaken", "+65536 0 -65536 65535. +65536 1. ..", "s 65535 0 1" },
		{ "another source", "1. 2. # 500. 501. 502. 503.", "s s restarted s s 500 501" },
		{ "far away, once", "1. 2. 9000. 3. 4. 5. .", "s s far 1 2 3 4 5" },
		{ "far away, and it goes on there", "1. 2. 9000. 9001. 9002. 9003.", "s s far 1 restarted s s 9001" },
		{ "timestamps go on elsewhere", "1. 2. +5000 3. 4. 5. 6. 7. .", "s s 1 2 3 4 5 6" },
		{ "timestamps go on elsewhere, behind", "1. 2. -5000 3. 4. 5. 6. 7. .", "s s 1 2 3 4 5 6" },
		{ "timestamps stood still over a pause", "1. 2. ........... 3m. 4. 5. ..",
		  "s s 1 2 L L L L L s s s s s s 3 4 5" },
		{ "more than it holds", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18. . . . .", "13 14 15 16 17" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	stories_check(&g_plain, row->name, row->story, row->heard);
}

/* What was made of the packet behind it is not heard twice. */
static void test_stories_of_fec(void **state)
{
	static const struct {
		const char *name, *story, *heard;
	} rows[] = {
		{ "one is lost", "1. 2. . 4. 5. 6. .", "s s 1 2 l 4 5" },
		{ "two are lost", "1. 2. . . 5. 6. 7. .", "s s 1 2 L l 5 6" },
		{ "two are lost, and nothing is there for the first", "1. 2. . . . 5. 6. 7. .", "s s 1 2 L l 5 6 7" },
		{ "it comes behind that", "1. 2. . 4. 5. 3. 6. 7.", "s s 1 2 l late 4 5 6" },
		{ "nothing behind it is there", "1. 2. . . . 3. 4 5. 6. 7.", "s s 1 2 L 3 4 5 6" },
		{ "a pause is nothing lost", "1. 2. . +1 3m. 4. ..", "s s 1 2 s 3 4" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	stories_check(&g_fec, row->name, row->story, row->heard);
}

static struct jitter_packet packet_of(uint16_t sequence, uint32_t timestamp, uint32_t units,
				      uint64_t ms)
{
	static const uint8_t octets[16];

	return (struct jitter_packet){
		.arrival_ns = ms * 1000000,
		.timestamp = timestamp,
		.sequence = sequence,
		.units = units,
		.payload = bytes_mem(octets, 8),
	};
}

/* 10 ms, 60, 20 and so on, each sent when it ends, heard without a gap. */
static void test_packet_times_that_change(void **state)
{
	static const uint32_t times_ms[] = { 10, 60, 20, 20, 40, 30, 10, 10, 50, 20, 60, 60 };
	struct jitter_settings settings = g_plain;
	uint32_t at = 0, sent_ms = 0, received_ms = 0, count = 0;

	(void)state;
	settings.min_ms = settings.start_ms = 60;
	settings.tick_ms = 10;

	struct jitter *j = jitter_of(&settings);

	for (uint32_t now = 0; now < 380; now += 10) {
		struct jitter_frame f;

		if (count < COUNT_OF(times_ms) && now >= sent_ms + times_ms[count]) {
			struct jitter_packet p =
				packet_of((uint16_t)count, at, times_ms[count] * 8, now);

			assert_int_equal(jitter_put(j, &p), JITTER_KEPT);
			at += times_ms[count] * 8;
			sent_ms += times_ms[count++];
		}
		if (received_ms > now)
			continue;
		jitter_get(j, now * UINT64_C(1000000), 0, &f);
		if (received_ms == 0 && f.kind == JITTER_SILENCE)
			continue;
		assert_int_equal(f.kind, JITTER_PLAY);
		received_ms = now + f.units / 8;
	}
	assert_true(jitter_counts(j)->played > 9);
	jitter_close(j);
}

/* Its delay shrinks in silence to what the network asks for, and grows by advice alone where packets vary. */
static void test_advice(void **state)
{
	const struct jitter_settings settings = { .clock_hz = HZ,
						  .slots = 32,
						  .octets = 8,
						  .tick_ms = 20,
						  .min_ms = 0,
						  .start_ms = 100,
						  .max_ms = 200 };
	struct jitter *j = jitter_of(&settings);
	uint32_t silent = 0, any = 0, n;
	struct jitter_frame f;

	(void)state;
	for (n = 0; jitter_target_ms(j) > 20 && n < 3000; n++) {
		struct jitter_packet p = packet_of((uint16_t)n, n * FRAME, FRAME, n * UINT64_C(20));

		assert_int_equal(jitter_put(j, &p), JITTER_KEPT);
		jitter_get(j, n * UINT64_C(20000000), 0, &f);
		assert_int_equal(f.kind, n < 5 ? JITTER_SILENCE : JITTER_PLAY);
	}
	assert_in_range(n, 100, 1000); /* within 20 s */
	for (uint32_t i = 0; i < 50; i++, n++) {
		struct jitter_packet p = packet_of((uint16_t)n, n * FRAME, FRAME, n * UINT64_C(20));

		assert_int_equal(jitter_put(j, &p), JITTER_KEPT);
		jitter_get(j, n * UINT64_C(20000000), 0, &f);
		silent += f.pace == JITTER_SHRINK_SILENCE;
		any += f.pace == JITTER_SHRINK;
		assert_in_range(f.spare, 600, 800);
	}
	assert_int_equal(silent + any, 50);
	assert_int_equal(any, 5); /* each 200 ms */
	jitter_close(j);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		struct jitter_settings s;
	} rows[] = {
		{ "slow clock", { 4000, 16, 8, 20, 0, 0, 100, false } },
		{ "odd clock", { 11025, 16, 8, 20, 0, 0, 100, false } },
		{ "fast clock", { 193000, 16, 8, 20, 0, 0, 100, false } },
		{ "one slot", { 8000, 1, 8, 20, 0, 0, 100, false } },
		{ "slots", { 8000, 24, 8, 20, 0, 0, 100, false } },
		{ "too many slots", { 8000, 2048, 8, 20, 0, 0, 100, false } },
		{ "no octets", { 8000, 16, 0, 20, 0, 0, 100, false } },
		{ "too many octets", { 8000, 16, 65537, 20, 0, 0, 100, false } },
		{ "no tick", { 8000, 16, 8, 0, 0, 0, 100, false } },
		{ "long tick", { 8000, 16, 8, 61, 0, 0, 100, false } },
		{ "least over first", { 8000, 16, 8, 20, 50, 40, 100, false } },
		{ "first over most", { 8000, 16, 8, 20, 0, 101, 100, false } },
		{ "most", { 8000, 16, 8, 20, 0, 0, 601, false } },
		{ "none at all", { 8000, 16, 8, 20, 0, 0, 0, false } },
	}, *row;
	struct jitter *j = NULL;

	(void)state;
	EACH_ROW(row, rows)
	ROW_ASSERT(row->name, jitter_open(&j, &row->s) == -EINVAL && !j);
	jitter_close(NULL);
	j = jitter_of(&g_plain);

	struct jitter_packet p = packet_of(1, 0, FRAME, 0);

	p.payload.n = 9;
	assert_int_equal(jitter_put(j, &p), JITTER_TOO_LARGE);
	assert_int_equal(jitter_kept(j), 0);
	p.payload.n = 8;
	assert_int_equal(jitter_put(j, &p), JITTER_KEPT);
	assert_int_equal(jitter_kept(j), 1);
	jitter_close(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_stories_of_fec),
		cmocka_unit_test(test_packet_times_that_change),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
