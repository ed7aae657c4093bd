/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/rtp_parse.h"

static struct bytes from_hex(const char *hex, uint8_t *buf, size_t cap)
{
	size_t n = 0;

	assert_int_equal(hex_decode(bytes_str(hex), buf, cap, &n), 0);
	return bytes_mem(buf, n);
}

static void test_accepts(void **state)
{
	static const struct {
		const char *name, *packet;
		struct rtp_head want; /* slices: only their lengths */
	} rows[] = {
		{ "RFC 4733 figure 3",
		  "8064001200002bc0005234a8019406e0",
		  { .timestamp = 11200,
		    .ssrc = 0x5234a8,
		    .sequence = 18,
		    .payload_type = 100,
		    .payload.n = 4 } },
		{ "marker, empty payload",
		  "80800001000000020a0b0c0d",
		  { .timestamp = 2, .ssrc = 0x0a0b0c0d, .sequence = 1, .marker = 1 } },
		{ "two CSRC",
		  "8200000100000002000000030000000a0000000bff",
		  { .timestamp = 2, .ssrc = 3, .sequence = 1, .csrc.n = 8, .payload.n = 1 } },
		{ "extension of no words",
		  "900000010000000200000003bede0000ff",
		  { .timestamp = 2,
		    .ssrc = 3,
		    .sequence = 1,
		    .has_extension = 1,
		    .extension_profile = 0xbede,
		    .payload.n = 1 } },
		{ "extension and padding",
		  "b00000010000000200000003bede000110aa0000ffff0002",
		  { .timestamp = 2,
		    .ssrc = 3,
		    .sequence = 1,
		    .padding = 2,
		    .has_extension = 1,
		    .extension_profile = 0xbede,
		    .extension.n = 4,
		    .payload.n = 2 } },
		{ "nothing but padding",
		  "a00000010000000200000003000003",
		  { .timestamp = 2, .ssrc = 3, .sequence = 1, .padding = 3 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[64];
		struct rtp_head h;
		struct bytes in = from_hex(row->packet, buf, sizeof(buf));

		ROW_ASSERT(row->name, rtp_parse(&h, in) == 0);
		ROW_ASSERT(row->name, h.timestamp == row->want.timestamp);
		ROW_ASSERT(row->name, h.ssrc == row->want.ssrc);
		ROW_ASSERT(row->name, h.sequence == row->want.sequence);
		ROW_ASSERT(row->name, h.payload_type == row->want.payload_type);
		ROW_ASSERT(row->name, h.marker == row->want.marker);
		ROW_ASSERT(row->name, h.padding == row->want.padding);
		ROW_ASSERT(row->name, h.has_extension == row->want.has_extension);
		ROW_ASSERT(row->name, h.extension_profile == row->want.extension_profile);
		ROW_ASSERT(row->name, h.csrc.n == row->want.csrc.n);
		ROW_ASSERT(row->name, h.extension.n == row->want.extension.n);
		ROW_ASSERT(row->name, h.payload.n == row->want.payload.n);
		ROW_ASSERT(row->name, h.payload.p + h.payload.n + h.padding == in.p + in.n);
	}
}

static void test_refuses(void **state)
{
	static const struct {
		const char *name, *packet;
	} rows[] = {
		{ "empty", "" },
		{ "11 octets", "8000000100000002000000" },
		{ "version 1", "400000010000000200000003" },
		{ "version 3", "c00000010000000200000003" },
		{ "CSRC list past the end", "820000010000000200000003000000" },
		{ "extension head cut", "900000010000000200000003bede00" },
		{ "extension past the end", "900000010000000200000003bede0001000000" },
		{ "padding of 0", "a000000100000002000000030000" },
		{ "padding longer than the rest", "a000000100000002000000030003" },
		{ "padding bit, nothing follows", "a00000010000000200000003" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[64];
		struct rtp_head h, before;

		memset(&h, 0x5a, sizeof(h));
		memset(&before, 0x5a, sizeof(before));
		ROW_ASSERT(row->name,
			   rtp_parse(&h, from_hex(row->packet, buf, sizeof(buf))) == -EBADMSG);
		ROW_ASSERT(row->name, memcmp(&h, &before, sizeof(h)) == 0);
	}
}

static void test_elements(void **state)
{
	static const struct {
		const char *name, *packet, *want; /* "id:hex " each */
	} rows[] = {
		{ "one-byte, padded", "900000010000000200000003bede000210aa0021bbcc0000", "1:aa 2:bbcc " },
		{ "one-byte, id 15 ends", "900000010000000200000003bede000210aaf0bb20cc0000", "1:aa " },
		{ "one-byte, id 0 with a length ends", "900000010000000200000003bede000101aabb00", "" },
		{ "one-byte, cut", "900000010000000200000003bede000110aa27bb", "1:aa " },
		{ "two-byte", "900000010000000200000003100f000201000f02bbcc0000", "1: 15:bbcc " },
		{ "two-byte, cut", "90000001000000020000000310000001010002ff", "1: " },
		{ "another profile", "900000010000000200000003abcd000110aa0000", "" },
		{ "no extension", "8000000100000002000000031000", "" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[64], text[64];
		struct writer w = writer_over(text, sizeof(text));
		struct rtp_element element;
		struct rtp_head h;

		ROW_ASSERT(row->name, rtp_parse(&h, from_hex(row->packet, buf, sizeof(buf))) == 0);
		for (struct bytes rest = h.extension; rtp_element_next(&h, &rest, &element);) {
			writer_fmt(&w, "%u:", element.id);
			writer_hex(&w, element.data);
			writer_str(&w, " ");
		}
		ROW_ASSERT(row->name, bytes_is(writer_done(&w), row->want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_elements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
