/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a VP8 payload, and numbers of pictures that go on where one stream follows another. */
#include "tests/unit/test.h"

#include "media/rtp/video.h"

#define KEY 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x41 /* 640 x 360, scaled */

static void heads(void **state)
{
	static const struct {
		uint8_t octets[20], n;
		struct vp8_head want;
	} rows[] = {
		{ { 0 }, 0, { 0 } },
		{ { 0x90 }, 1, { 0 } },
		{ { 0x90, 0x80 }, 2, { 0 } },
		{ { 0x90, 0x80, 0x91 }, 3, { 0 } },
		{ { 0x90, 0x40 }, 2, { 0 } },
		{ { 0x10, KEY }, 11, { .length = 1, .key = true, .pixels = 640 * 360 } },
		{ { 0x10, KEY }, 10, { .length = 1, .key = true } }, /* cut off */
		{ { 0x10, 0x01 }, 2, { .length = 1 } },
		{ { 0x00, KEY }, 11, { .length = 1 } }, /* its middle */
		{ { 0x90, 0x80, 0x11, KEY },
		  13,
		  { .length = 3, .key = true, .pixels = 640 * 360, .id_at = 2, .id = 0x11 } },
		{ { 0x90, 0xe0, 0x91, 0x23, 0x45, 0x20, 0x01 },
		  7,
		  { .length = 6,
		    .id_at = 2,
		    .id_long = true,
		    .id = 0x1123,
		    .tl0_at = 4,
		    .tl0 = 0x45 } },
		{ { 0x80, 0x50, 0x45, 0x20, 0x01 }, 5, { .length = 4, .tl0_at = 2, .tl0 = 0x45 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct vp8_head h = vp8_head_read(bytes_mem(rows[i].octets, rows[i].n));

		assert_int_equal(h.length, rows[i].want.length);
		assert_int_equal(h.key, rows[i].want.key);
		assert_int_equal(h.pixels, rows[i].want.pixels);
		assert_int_equal(h.id_at, rows[i].want.id_at);
		assert_int_equal(h.id_long, rows[i].want.id_long);
		assert_int_equal(h.id, rows[i].want.id);
		assert_int_equal(h.tl0_at, rows[i].want.tl0_at);
		assert_int_equal(h.tl0, rows[i].want.tl0);
	}
}

/* A packet of a picture; what it leaves with. */
static struct vp8_head sent(struct vp8_numbers *n, bool begins, bool is_long, unsigned id,
			    unsigned tl0)
{
	uint8_t octets[] = { 0x90, 0xe0, (uint8_t)(0x80 | id >> 8), (uint8_t)id, (uint8_t)tl0,
			     0x20, 0x01 };
	uint8_t brief[] = { 0x90, 0xe0, (uint8_t)id, (uint8_t)tl0, 0x20, 0x01 };
	struct bytes packet =
		bytes_mem(is_long ? octets : brief, is_long ? sizeof(octets) : sizeof(brief));
	uint8_t *memory = is_long ? octets : brief;
	struct vp8_head h = vp8_head_read(packet), out;

	assert_int_equal(h.id, id);
	if (begins)
		vp8_numbers_start(n, &h);
	vp8_numbers_write(n, &h, memory);
	out = vp8_head_read(packet);
	vp8_numbers_write(&(struct vp8_numbers){ 0 }, &h, memory); /* its own ones */
	assert_int_equal(vp8_head_read(packet).id, id);
	assert_int_equal(out.id_long, is_long);
	return out;
}

static void numbers_go_on(void **state)
{
	struct vp8_numbers n = { 0 };
	struct vp8_head h;

	(void)state;
	h = sent(&n, true, true, 0x7ffe, 254);
	assert_int_equal(h.id, 0x7ffe);
	assert_int_equal(h.tl0, 254);
	assert_int_equal(sent(&n, false, true, 0x7fff, 255).id, 0x7fff);
	h = sent(&n, false, true, 1, 1); /* it comes too early */
	assert_int_equal(h.id, 1);
	h = sent(&n, false, true, 0, 0);
	assert_int_equal(h.id, 0);
	/* another stream */
	h = sent(&n, true, true, 500, 77);
	assert_int_equal(h.id, 2);
	assert_int_equal(h.tl0, 2);
	h = sent(&n, false, true, 502, 78);
	assert_int_equal(h.id, 4);
	assert_int_equal(h.tl0, 3);
	h = sent(&n, false, true, 501, 77);
	assert_int_equal(h.id, 3);
	/* and one with short numbers */
	h = sent(&n, true, false, 126, 10);
	assert_int_equal(h.id, 5);
	assert_int_equal(h.tl0, 4);
	h = sent(&n, false, false, 0, 11);
	assert_int_equal(h.id, 7);
	for (unsigned i = 1; i < 300; i++)
		assert_int_equal(sent(&n, false, false, i % 128, 11).id, (7 + i) % 128);
	h = sent(&n, true, true, 9, 9);
	assert_int_equal(h.id & 0x7f, (7 + 300) % 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads),
		cmocka_unit_test(numbers_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
