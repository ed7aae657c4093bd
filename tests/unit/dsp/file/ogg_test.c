/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "dsp/file/ogg.h"
#include "tests/unit/dsp/ogg_make.h"

enum { FILE_MAX = 1 << 17, SAMPLES_20_MS = 960, LONG = 70000 };

static uint8_t g_file[FILE_MAX];
static struct ogg_packets g_packets;

/* 20 ms each: SILK, hybrid, CELT, and two frames of 10 ms. */
static const struct {
	uint8_t octets[3];
} g_good[] = { { { 0x08, 1, 2 } }, { { 0x68, 3, 4 } }, { { 0x98, 5, 6 } }, { { 0x91, 7, 8 } } };

static struct bytes good(size_t i)
{
	return bytes_mem(g_good[i % COUNT_OF(g_good)].octets, 3);
}

/* Heads, and so many packets, one a page; the last page says that it is. */
static struct writer file_of(uint32_t packets, uint16_t pre_skip)
{
	struct writer w = writer_over(g_file, sizeof(g_file));

	ogg_put_heads(&w, 1, pre_skip, 0);
	for (uint32_t i = 0; i < packets; i++)
		ogg_put_page(&w, i + 1 == packets ? OGG_LAST : 0, SAMPLES_20_MS * (i + 1), 2 + i,
			     good(i), true);
	return w;
}

static struct ogg read_ok(struct bytes file)
{
	struct ogg_error error = { 0 };
	struct ogg o;

	if (ogg_parse(&o, file, &error))
		fail_msg("at %zu: %s", error.at, error.reason);
	return o;
}

static void refused(const char *name, struct bytes file, size_t at, const char *reason)
{
	struct ogg o = { 0 }, none = { 0 };
	struct ogg_error error = { 0 };

	ROW_ASSERT(name, ogg_parse(&o, file, &error) == -EBADMSG);
	ROW_ASSERT(name, !memcmp(&o, &none, sizeof(o)));
	if (strcmp(error.reason, reason) != 0 || error.at != at)
		fail_msg("%s: at %zu, not %zu: %s", name, error.at, at, error.reason);
}

static void what_a_file_has(void **state)
{
	struct writer w = file_of(5, 312);
	struct ogg o = read_ok(writer_done(&w));
	struct bytes packet;
	uint32_t n = 0;
	size_t at = 0;

	(void)state;
	assert_int_equal(o.channels, 1);
	assert_int_equal(o.pre_skip, 312);
	assert_int_equal(o.samples, 5 * SAMPLES_20_MS - 312);
	ogg_packets_open(&g_packets, &o);
	while (ogg_packets_next(&g_packets, &packet, &at)) {
		assert_true(bytes_eq(packet, good(n)));
		n++;
	}
	assert_int_equal(n, 5);
	assert_int_equal(at, w.n);
}

/* The last page cuts samples off; a stream that was joined later counts from elsewhere. */
static void what_is_heard(void **state)
{
	static const struct {
		const char *name;
		uint64_t granules[3];
		uint8_t last; /* flags of the last page */
		uint64_t samples;
	} rows[] = {
		{ "all", { 960, 1920, 2880 }, OGG_LAST, 2880 - 100 },
		{ "cut", { 960, 1920, 2000 }, OGG_LAST, 1900 },
		{ "cut before its own packets", { 960, 1920, 1800 }, OGG_LAST, 1700 },
		{ "the last page says more", { 960, 1920, 9999 }, OGG_LAST, 2880 - 100 },
		{ "no last page", { 960, 1920, 2880 }, 0, 2880 - 100 },
		{ "joined later", { 100960, 101920, 102000 }, OGG_LAST, 1900 },
		{ "a gap", { 960, 1920 + 480, 2880 + 480 }, OGG_LAST, 2880 - 100 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct writer w = writer_over(g_file, sizeof(g_file));

		ogg_put_heads(&w, 2, 100, 0);
		for (uint32_t i = 0; i < 3; i++)
			ogg_put_page(&w, i == 2 ? row->last : 0, row->granules[i], 2 + i, good(i),
				     true);
		if (read_ok(writer_done(&w)).samples != row->samples)
			fail_msg("%s: %zu", row->name, (size_t)read_ok(writer_done(&w)).samples);
	}
}

/* Of a length that 255 divides, and over two pages: with tags, too. */
static void packets_of_all_lengths(void **state)
{
	static const size_t lengths[] = { 1, 254, 255, 256, 510, 1275 };
	static uint8_t octets[LONG];
	struct writer w = writer_over(g_file, sizeof(g_file));
	struct bytes packet;
	size_t at;
	struct ogg o;

	(void)state;
	memset(octets, 0x5a, sizeof(octets));
	memcpy(octets, "OpusTags", 8);
	ogg_put_heads(&w, 1, 0, 0);
	w.n -= OGG_MADE_HEAD + 1 + 20; /* tags of our own */
	ogg_put_page(&w, 0, OGG_GRANULE_NONE, 1, bytes_mem(octets, 65025), false);
	ogg_put_page(&w, OGG_CONTINUED, 0, 2, bytes_mem(octets, 100), true);
	octets[0] = 0x08;
	for (uint32_t i = 0; i < COUNT_OF(lengths); i++)
		ogg_put_page(&w, 0, SAMPLES_20_MS * (i + 1), 3 + i, bytes_mem(octets, lengths[i]),
			     true);
	ogg_put_page(&w, 0, OGG_GRANULE_NONE, 9, bytes_mem(octets, 510), false);
	ogg_put_page(&w, OGG_CONTINUED | OGG_LAST, SAMPLES_20_MS * 7, 10,
		     bytes_mem(octets + 510, 7), true);
	o = read_ok(writer_done(&w));
	assert_int_equal(o.samples, SAMPLES_20_MS * 7);
	ogg_packets_open(&g_packets, &o);
	for (size_t i = 0; i < COUNT_OF(lengths); i++) {
		assert_true(ogg_packets_next(&g_packets, &packet, &at));
		assert_true(bytes_eq(packet, bytes_mem(octets, lengths[i])));
	}
	assert_true(ogg_packets_next(&g_packets, &packet, &at));
	assert_true(bytes_eq(packet, bytes_mem(octets, 517)));
	assert_false(ogg_packets_next(&g_packets, &packet, &at));
}

enum { FIRST = OGG_MADE_HEAD + 1, TAGS = FIRST + 19, SOUND = TAGS + OGG_MADE_HEAD + 1 + 20 };

/* One octet is another one. */
static void what_is_wrong(void **state)
{
	static const struct {
		const char *name, *reason;
		size_t octet, at, page; /* whose checksum is mended */
		uint8_t value;
	} rows[] = {
		{ "no Ogg", "no page of Ogg begins here", 0, 0, 0, 'o' },
		{ "version of Ogg", "unknown version of Ogg", 4, 4, 0, 1 },
		{ "first page", "does not begin with the first page of a stream", 5, 5, 0, 0 },
		{ "no Opus", "is Ogg, but not of Opus", FIRST, FIRST, 0, 'X' },
		{ "version", "unknown version of Opus in Ogg", FIRST + 8, FIRST + 8, 0, 0x10 },
		{ "channels", "neither mono nor stereo (mapping family 0)", FIRST + 9, FIRST + 9, 0,
		  3 },
		{ "family", "neither mono nor stereo (mapping family 0)", FIRST + 18, FIRST + 9, 0,
		  1 },
		{ "no tags", "the second page has no tags of Opus", TAGS + FIRST, TAGS, TAGS, 'X' },
		{ "stream", "more than one stream", TAGS + 14, TAGS, TAGS, 1 },
		{ "number", "a page is missing before this one", SOUND + 18, SOUND, SOUND, 3 },
		{ "continued", "a packet is cut before this page", SOUND + 5, SOUND, SOUND, 1 },
		{ "damaged", "this page is damaged: its checksum is wrong", SOUND + FIRST + 2,
		  SOUND, SIZE_MAX, 0x77 },
		{ "time", "a page ends before its packets do", SOUND + 7, SOUND + 6, SOUND, 0 },
		{ "no packet", "what ends here is no packet of Opus", SOUND + FIRST,
		  SOUND + FIRST + 3, SOUND, 0x0b }, /* of 1 frame and more octets than one */
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct writer w = file_of(3, 0);

		g_file[row->octet] = row->value;
		if (!strcmp(row->name, "no packet"))
			g_file[row->octet + 1] = 0; /* no frame */
		if (row->page != SIZE_MAX)
			ogg_sum_mend(g_file + row->page,
				     row->page == 0
					     ? TAGS
					     : (row->page == TAGS ? SOUND - TAGS : FIRST + 3));
		refused(row->name, writer_done(&w), row->at, row->reason);
	}
}

/* Cut anywhere: never read beyond, and the end is where it is wrong; but between two pages of sound. */
static void what_is_cut(void **state)
{
	struct writer w = file_of(3, 0);
	size_t page = FIRST + 3;

	(void)state;
	for (size_t n = 0; n < w.n; n++) {
		uint8_t *exact = malloc(n + 1);
		struct ogg_error error = { 0 };
		struct ogg o;
		int err;

		assert_non_null(exact);
		memcpy(exact, g_file, n);
		err = ogg_parse(&o, bytes_mem(exact, n), &error);
		if (n > SOUND && (n - SOUND) % page == 0)
			assert_int_equal(err, 0);
		else
			assert_int_equal(error.at, n);
		free(exact);
	}
	refused("no sound", bytes_mem(g_file, SOUND), SOUND, "no samples");
}

static void what_follows(void **state)
{
	static const uint8_t octets[510] = { 0x08 };
	struct writer w = file_of(3, 0);
	size_t end = w.n;

	(void)state;
	writer_str(&w, "x");
	refused("behind", writer_done(&w), end, "something follows the last page");
	w = file_of(3, 3 * SAMPLES_20_MS);
	refused("skipped", writer_done(&w), w.n, "no samples");
	w = file_of(1, 0);
	w.n = SOUND;
	ogg_put_page(&w, 0, OGG_GRANULE_NONE, 2, bytes_mem(octets, 510), false);
	refused("open", writer_done(&w), w.n, "ends within a packet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_file_has),
		cmocka_unit_test(what_is_heard),
		cmocka_unit_test(packets_of_all_lengths),
		cmocka_unit_test(what_is_wrong),
		cmocka_unit_test(what_is_cut),
		cmocka_unit_test(what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
