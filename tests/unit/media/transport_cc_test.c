/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "base/rand.h"
#include "media/rtp/rtcp_parse.h"
#include "media/rtp/transport_cc.h"

#define TICK_NS     UINT64_C(250000)
#define HEAD(words) "8fcd00" words "1111111122222222"

enum { SENDER = 0x11111111, MEDIA = 0x22222222, NOTES_MAX = 4 };

struct note {
	uint16_t number, more; /* and so many more, each 20 ticks after the one before */
	uint64_t tick;         /* 0: the end */
};

/* clang-format off */
static const struct row {
	const char *name;
	struct note notes[NOTES_MAX + 1];
	const char *want;
} ROWS[] = {
	{ "one", { { 1, 0, 1280 } }, HEAD("05") "00010001" "00000500" "2001" "0000" },
	{ "a delta to the reference time", { { 1, 0, 1535 } }, HEAD("05") "00010001" "00000500" "2001" "ff00" },
	{ "one is missing", { { 10, 0, 1280 }, { 12, 0, 1320 } }, HEAD("05") "000a0003" "00000500" "a800" "0028" },
	{ "the longest small delta", { { 10, 0, 1280 }, { 11, 0, 1535 } }, HEAD("05") "000a0002" "00000500" "2002" "00ff" },
	{ "the shortest large one", { { 10, 0, 1280 }, { 11, 0, 1536 } },
	  HEAD("06") "000a0002" "00000500" "d800" "00" "0100" "000000" },
	{ "late", { { 11, 0, 1280 }, { 10, 0, 1284 } }, HEAD("06") "000a0002" "00000500" "d800" "04" "fffc" "000000" },
	{ "twice", { { 10, 0, 1280 }, { 10, 0, 1290 } }, HEAD("05") "000a0001" "00000500" "2001" "0000" },
	{ "a run", { { 10, 19, 1280 } },
	  HEAD("0a") "000a0014" "00000500" "2014" "00" "141414141414141414" "14141414141414141414" "0000" },
	{ "runs shorter than a vector", { { 10, 12, 1280 }, { 24, 0, 1600 } },
	  HEAD("09") "000a000f" "00000500" "bffe" "2001" "00" "141414141414" "141414141414" "50" "0000" },
	{ "a long gap", { { 0, 0, 1280 }, { 30, 0, 1281 } }, HEAD("06") "0000001f" "00000500" "a000" "0010" "2001" "0001" },
	{ "all symbols", { { 0, 0, 1280 }, { 2, 0, 1281 }, { 3, 0, 2281 }, { 4, 0, 2282 } },
	  HEAD("06") "00000005" "00000500" "d190" "00" "01" "03e8" "01" "00" },
	{ "numbers wrap", { { 65535, 1, 1280 } }, HEAD("05") "ffff0002" "00000500" "2002" "0014" },
	{ "time wraps", { { 1, 0, 0xffffffff }, { 2, 0, UINT64_C(0x100000001) } },
	  HEAD("05") "00010002" "ffffff00" "2002" "ff02" },
	{ "as far as is kept", { { 1, 0, 1280 }, { 257, 0, 1281 } },
	  HEAD("06") "00020100" "00000500" "00ff" "2001" "01000000" },
	{ "farther ahead", { { 1, 0, 1280 }, { 257, 0, 1281 }, { 514, 0, 1282 } }, HEAD("05") "02020001" "00000500" "2001" "0200" },
	{ "farther behind", { { 1000, 0, 1280 }, { 744, 0, 1281 } }, HEAD("05") "02e80001" "00000500" "2001" "0100" },
	{ "as far behind as is kept", { { 1000, 0, 1280 }, { 745, 0, 1281 } },
	  HEAD("07") "02e90100" "00000500" "a000" "00f1" "4001" "01" "ffff" "000000" },
};
/* clang-format on */

static void put(struct transport_cc *t, const struct note *n)
{
	for (uint16_t i = 0; i <= n->more; i++)
		transport_cc_note(t, (uint16_t)(n->number + i), (n->tick + 20 * i) * TICK_NS);
}

static void says(const char *name, struct transport_cc *t, const char *want)
{
	uint8_t memory[TRANSPORT_CC_MAX], text[2 * TRANSPORT_CC_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct bytes out;

	ROW_ASSERT(name, transport_cc_is_due(t));
	out = transport_cc_write(t, memory, SENDER, MEDIA);
	writer_hex(&w, out);
	if (!bytes_is(writer_done(&w), want))
		fail_msg("%s: " BYTES_FMT ", not %s", name, BYTES_ARG(writer_done(&w)), want);
	assert_int_equal(rtcp_check(out), 0);
}

static void writes_each_octet(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct transport_cc t = { 0 };

		assert_false(transport_cc_is_due(&t));
		for (const struct note *n = row->notes; n->tick; n++)
			put(&t, n);
		says(row->name, &t, row->want);
		ROW_ASSERT(row->name, !transport_cc_is_due(&t));
	}
}

static void goes_on_where_it_ended(void **state)
{
	struct transport_cc t = { 0 };

	(void)state;
	put(&t, &(struct note){ 5, 0, 256 });
	says("first", &t,
	     HEAD("05") "00050001"
			"00000100"
			"2001"
			"0000");
	put(&t, &(struct note){ 8, 0, 257 });
	says("those lost in between", &t,
	     HEAD("05") "00060003"
			"00000101"
			"8800"
			"0100");
	put(&t, &(struct note){ 7, 0, 259 });
	says("a late one, and again what came after it", &t,
	     HEAD("06") "00070002"
			"00000102"
			"d800"
			"03"
			"fffe"
			"000000");
	put(&t, &(struct note){ 8, 0, 260 });
	assert_false(transport_cc_is_due(&t));
}

/* 16 bits of delta. */
static void too_far_apart_for_one(void **state)
{
	struct transport_cc t = { 0 };

	(void)state;
	put(&t, &(struct note){ 5, 0, 256 });
	put(&t, &(struct note){ 6, 0, 256 + 32768 });
	says("the first", &t,
	     HEAD("05") "00050001"
			"00000100"
			"2001"
			"0000");
	says("the other", &t,
	     HEAD("05") "00060001"
			"00008101"
			"2001"
			"0000");
	assert_false(transport_cc_is_due(&t));
}

/* ---- a reader that was written from the draft alone ---- */

struct heard {
	uint32_t tick; /* 0: not received */
	bool said;
};

struct reading {
	const uint8_t *chunk, *delta;
	uint32_t tick;
	uint16_t number;
	uint32_t left;
};

static void one_status(struct reading *r, unsigned symbol, struct heard all[65536])
{
	struct heard *h = &all[r->number++];

	r->left--;
	assert_true(symbol <= 2);
	if (symbol == 0)
		return;
	if (symbol == 1) {
		r->tick += r->delta[0];
		r->delta++;
	} else {
		r->tick += (uint32_t)(int32_t)(int16_t)(r->delta[0] << 8 | r->delta[1]);
		r->delta += 2;
	}
	assert_true(h->tick == r->tick);
	h->said = true;
}

static unsigned statuses_of(unsigned chunk)
{
	return chunk >> 15 == 0 ? chunk & 0x1fff : chunk >> 14 == 2 ? 14 : 7;
}

static unsigned status_of(unsigned chunk, unsigned i)
{
	if (chunk >> 15 == 0)
		return chunk >> 13 & 3;
	return chunk >> 14 == 2 ? chunk >> (13 - i) & 1 : chunk >> (12 - 2 * i) & 3;
}

static void reads(struct bytes p, struct heard all[65536])
{
	struct reading r = { .number = be16_get(p.p + 12),
			     .left = be16_get(p.p + 14),
			     .tick = be32_get(p.p + 16) >> 8 << 8,
			     .chunk = p.p + 20,
			     .delta = p.p + 20 };

	for (uint32_t left = r.left; left > 0; r.delta += 2) {
		unsigned n = statuses_of(be16_get(r.delta));

		left -= n < left ? n : left;
	}
	for (const uint8_t *end = r.delta; r.chunk < end; r.chunk += 2) {
		unsigned chunk = be16_get(r.chunk);

		for (unsigned i = 0; i < statuses_of(chunk) && r.left > 0; i++)
			one_status(&r, status_of(chunk, i), all);
	}
	assert_int_equal(r.left, 0);
	assert_true(r.delta <= p.p + p.n && p.p + p.n - r.delta < 4);
}

static struct heard g_all[65536];

static void all_is_said(uint16_t next)
{
	for (uint16_t i = 0; i < 1000; i++) {
		const struct heard *h = &g_all[(uint16_t)(next - i)];

		assert_true(h->tick == 0 || h->said);
	}
}

static void feedback_is_true(struct transport_cc *t, size_t *longest)
{
	uint8_t memory[TRANSPORT_CC_MAX];
	struct bytes out = transport_cc_write(t, memory, SENDER, MEDIA);

	*longest = out.n > *longest ? out.n : *longest;
	assert_int_equal(rtcp_check(out), 0);
	reads(out, g_all);
}

/* Nothing is said that did not happen, and in the end all was said. */
static void reads_as_noted(void **state)
{
	struct transport_cc t = { 0 };
	struct rand_source rand;
	uint32_t tick = 1;
	uint16_t next = 65000, ahead = (uint16_t)(next + 32768);
	size_t longest = 0;

	(void)state;
	rand_open_seed(&rand, 4711);
	for (int i = 0; i < 60000; i++) {
		bool late = rand_below(&rand, 8) == 0;
		uint16_t number = late ? (uint16_t)(next - rand_below(&rand, 60)) : next++;

		next = (uint16_t)(next + (rand_below(&rand, 20) ? 0 : rand_below(&rand, 40)));
		tick += rand_below(&rand, 10) ? rand_below(&rand, 12) : rand_below(&rand, 600);
		while (ahead != (uint16_t)(next + 32768)) /* of the round before */
			g_all[ahead++] = (struct heard){ 0 };
		if (g_all[number].tick == 0)
			g_all[number].tick = tick;
		transport_cc_note(&t, number, tick * TICK_NS);
		while (i % 24 == 0 && transport_cc_is_due(&t))
			feedback_is_true(&t, &longest);
		if (!transport_cc_is_due(&t))
			all_is_said(next);
	}
	assert_true(longest > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_each_octet),
		cmocka_unit_test(goes_on_where_it_ended),
		cmocka_unit_test(too_far_apart_for_one),
		cmocka_unit_test(reads_as_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
