/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of Polycom's multicast paging, octet by octet. */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/feature/page/page_wire.h"

static const uint8_t g_alert[PAGE_WIRE_HEAD] = { 0x0f, 31,  0x00, 0xf2, 0x12, 0x34, 13,
						 'F',  'r', 'o',  'n',  't',  ' ',  'd',
						 'e',  's', 'k',  0,    0,    0 };

/* A packet of sound: channel 50, G.722, both frames, each octet of which is its number. */
static size_t sound_make(uint8_t out[PAGE_WIRE_MAX])
{
	memcpy(out, g_alert, sizeof(g_alert));
	out[0] = PAGE_OP_SOUND;
	out[1] = 50;
	memcpy(out + 20, (const uint8_t[]){ 9, 0, 0x00, 0x01, 0x02, 0xa0 }, 6);
	for (int i = 0; i < 2 * PAGE_WIRE_FRAME; i++)
		out[26 + i] = (uint8_t)i;
	return PAGE_WIRE_MAX;
}

static void test_alert(void **state)
{
	struct page_packet p;

	(void)state;
	assert_int_equal(page_packet_parse(&p, bytes_mem(g_alert, sizeof(g_alert))), 0);
	assert_int_equal(p.op, PAGE_OP_ALERT);
	assert_int_equal(p.channel - PAGE_WIRE_FIRST, 6);
	assert_int_equal(p.serial, 0x00f21234);
	assert_int_equal(p.caller_length, 13);
	assert_string_equal((const char *)p.caller, "Front desk");
}

static void test_sound(void **state)
{
	uint8_t in[PAGE_WIRE_MAX], out[PAGE_WIRE_MAX];
	size_t n = sound_make(in);
	struct page_packet p;
	struct writer w = writer_over(out, sizeof(out));

	(void)state;
	assert_int_equal(page_packet_parse(&p, bytes_mem(in, n)), 0);
	assert_int_equal(p.codec, PAGE_CODEC_G722);
	assert_int_equal(p.sample, 0x102a0);
	assert_int_equal(p.before.n, PAGE_WIRE_FRAME);
	assert_int_equal(p.before.p[0], 0);
	assert_int_equal(p.frame.n, PAGE_WIRE_FRAME);
	assert_int_equal(p.frame.p[0], PAGE_WIRE_FRAME);
	page_packet_write(&w, &p);
	assert_true(bytes_eq(writer_done(&w), bytes_mem(in, n)));
	/* the first one of a page has no frame before it */
	memmove(in + 26, in + 26 + PAGE_WIRE_FRAME, PAGE_WIRE_FRAME);
	assert_int_equal(page_packet_parse(&p, bytes_mem(in, n - PAGE_WIRE_FRAME)), 0);
	assert_int_equal(p.before.n, 0);
	assert_int_equal(p.frame.p[1], PAGE_WIRE_FRAME + 1);
}

/* Each of these differs from a good packet in one thing. */
static void test_wrong(void **state)
{
	static const struct wrong_row {
		const char *name;
		size_t at;
		uint8_t octet;
		size_t length;
	} rows[] = {
		{ "op", 0, 0x11, PAGE_WIRE_MAX },
		{ "an alert with sound", 0, PAGE_OP_ALERT, PAGE_WIRE_MAX },
		{ "channel 0", 1, 0, PAGE_WIRE_MAX },
		{ "channel 51", 1, 51, PAGE_WIRE_MAX },
		{ "a longer name", 6, 14, PAGE_WIRE_MAX },
		{ "codec", 20, 8, PAGE_WIRE_MAX },
		{ "no head", 0, PAGE_OP_SOUND, PAGE_WIRE_HEAD - 1 },
		{ "no head of sound", 0, PAGE_OP_SOUND, PAGE_WIRE_HEAD + 5 },
		{ "no frame", 0, PAGE_OP_SOUND, PAGE_WIRE_HEAD + 6 },
		{ "half a frame", 0, PAGE_OP_SOUND, PAGE_WIRE_MAX - PAGE_WIRE_FRAME / 2 },
	};
	const struct wrong_row *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t in[PAGE_WIRE_MAX];
		struct page_packet p = { .channel = 7 };

		(void)sound_make(in);
		in[row->at] = row->octet;
		ROW_ASSERT(row->name,
			   page_packet_parse(&p, bytes_mem(in, row->length)) == -EBADMSG);
		ROW_ASSERT(row->name, p.channel == 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
