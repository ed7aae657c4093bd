/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/rtcp_parse.h"

/* Spaces between packets are for the reader. */
static struct bytes from_hex(const char *hex, uint8_t *buf, size_t cap)
{
	char packed[1024];
	size_t len = 0, n = 0;

	for (; *hex; hex++) {
		assert_in_range(len, 0, sizeof(packed) - 2);
		if (*hex != ' ')
			packed[len++] = *hex;
	}
	assert_int_equal(hex_decode(bytes_mem(packed, len), buf, cap, &n), 0);
	return bytes_mem(buf, n);
}

#define SR                                                               \
	"81c8000c 0000000a e000000180000000 00000064 00000002 00000140 " \
	"0000000b 40fffffe 00010005 00000010 aaaabbbb 00008000"
#define RR_EMPTY "80c90001 0000000a"
#define SDES     "81ca0003 0000000a 010461406263 0000"
#define BYE      "82cb0004 0000000a 0000000c 036f7574 00000000"

static void test_check(void **state)
{
	static const struct {
		const char *name, *packet;
		int want;
	} rows[] = {
		{ "SR, SDES, BYE", SR SDES BYE, 0 },
		{ "RR of nobody and SDES", RR_EMPTY SDES, 0 },
		{ "RFC 5506: feedback alone", "81ce0002 0000000a 0000000b", 0 },
		{ "SDES of nobody", "80ca0000", 0 },
		{ "BYE of nobody", "80cb0000", 0 },
		{ "unknown type in the middle", RR_EMPTY "80d20001 01020304" SDES, 0 },
		{ "padded at the end", RR_EMPTY "a0cc0003 0000000a 6e616d65 00000004", 0 },
		{ "padding is all", "a0d20001 00000004", 0 },
		{ "APP", "80cc0002 0000000a 6e616d65", 0 },
		{ "XR", "80cf0003 0000000a 04000002 0000000000000000", -EBADMSG },
		{ "XR whole", "80cf0004 0000000a 04000002 0000000000000000", 0 },
		{ "empty", "", -EBADMSG },
		{ "three octets", "80c900", -EBADMSG },
		{ "version 1", "40c90001 0000000a", -EBADMSG },
		{ "not RTCP: type 191", "80bf0001 0000000a", -EBADMSG },
		{ "not RTCP: type 224", "80e00001 0000000a", -EBADMSG },
		{ "longer than the datagram", "80c90002 0000000a", -EBADMSG },
		{ "octets behind the last packet", RR_EMPTY "0000", -EBADMSG },
		{ "second packet has version 0", RR_EMPTY "00ca0000", -EBADMSG },
		{ "padded in the middle", "a0c90002 0000000a 00000004" SDES, -EBADMSG },
		{ "padding of 0", "a0c90002 0000000a 00000000", -EBADMSG },
		{ "padding not of whole words", "a0c90002 0000000a 00000003", -EBADMSG },
		{ "padding longer than the packet", "a0c90002 0000000a 0000000c", -EBADMSG },
		{ "SR cut", "80c80005 0000000a e000000180000000 00000064 00000002", -EBADMSG },
		{ "RR with a block less than counted", "81c90001 0000000a", -EBADMSG },
		{ "RR of no SSRC", "80c90000", -EBADMSG },
		{ "BYE with a source less than counted", "82cb0001 0000000a", -EBADMSG },
		{ "feedback without media", "81cd0001 0000000a", -EBADMSG },
		{ "SDES chunk without end", "81ca0002 0000000a 01026162", -EBADMSG },
		{ "SDES item past the end", "81ca0002 0000000a 01096100", -EBADMSG },
		{ "SDES with a chunk less than counted", "82ca0003 0000000a 010461406263 0000", -EBADMSG },
		{ "SDES filled up behind the chunk", "81ca0003 0000000a 01026162 00000000", 0 },
		{ "SDES filled up twice", "81ca0004 0000000a 01026162 0000000000000000", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t buf[256];

		ROW_ASSERT(row->name,
			   rtcp_check(from_hex(row->packet, buf, sizeof(buf))) == row->want);
	}
}

static void test_report(void **state)
{
	uint8_t buf[256];
	struct bytes rest = from_hex(SR, buf, sizeof(buf));
	struct rtcp_packet packet;
	struct rtcp_sender_info info;
	struct rtcp_block block;
	uint32_t ssrc = 0;

	(void)state;
	assert_true(rtcp_next(&rest, &packet));
	assert_int_equal(rest.n, 0);
	assert_int_equal(packet.type, RTCP_TYPE_SR);
	assert_true(rtcp_sender(&packet, &ssrc));
	assert_int_equal(ssrc, 10);
	info = rtcp_sender_info(&packet);
	assert_int_equal(info.ntp, UINT64_C(0xe000000180000000));
	assert_int_equal(info.timestamp, 100);
	assert_int_equal(info.packets, 2);
	assert_int_equal(info.octets, 320);
	assert_true(rtcp_block(&packet, 0, &block));
	assert_int_equal(block.ssrc, 11);
	assert_int_equal(block.fraction_lost, 64);
	assert_int_equal(block.lost, -2);
	assert_int_equal(block.extended_highest, 0x10005);
	assert_int_equal(block.jitter, 16);
	assert_int_equal(block.last_sr, 0xaaaabbbb);
	assert_int_equal(block.delay, 0x8000);
	assert_false(rtcp_block(&packet, 1, &block));
	assert_false(rtcp_next(&rest, &packet));
}

static void test_walk(void **state)
{
	uint8_t buf[256], type = 0;
	struct bytes rest =
		from_hex(RR_EMPTY SDES BYE "81cd0003 0000000a 0000000b 00070003"
					   "80cf0004 0000000a 04000002 1111111122222222",
			 buf, sizeof(buf));
	struct rtcp_packet packet;
	struct rtcp_feedback feedback;
	struct rtcp_xr_block block;
	struct rtcp_chunk chunk;
	struct bytes text, body;
	uint32_t ssrc;

	(void)state;
	assert_int_equal(rtcp_check(rest), 0);
	assert_true(rtcp_next(&rest, &packet));
	assert_int_equal(rtcp_blocks(&packet).n, 0);

	assert_true(rtcp_next(&rest, &packet));
	body = packet.body;
	assert_true(rtcp_chunk_next(&body, &chunk));
	assert_int_equal(chunk.ssrc, 10);
	assert_true(rtcp_item_next(&chunk.items, &type, &text));
	assert_int_equal(type, 1);
	assert_true(bytes_is(text, "a@bc"));
	assert_false(rtcp_item_next(&chunk.items, &type, &text));
	assert_int_equal(body.n, 0);

	assert_true(rtcp_next(&rest, &packet));
	assert_int_equal(rtcp_bye_sources(&packet).n, 8);
	assert_int_equal(be32_get(rtcp_bye_sources(&packet).p + 4), 12);

	assert_true(rtcp_next(&rest, &packet));
	feedback = rtcp_feedback(&packet);
	assert_int_equal(packet.count, RTCP_FEEDBACK_NACK);
	assert_int_equal(feedback.sender, 10);
	assert_int_equal(feedback.media, 11);
	assert_int_equal(be16_get(feedback.control.p), 7);

	assert_true(rtcp_next(&rest, &packet));
	body = bytes_from(packet.body, 4);
	assert_true(rtcp_xr_next(&body, &block));
	assert_int_equal(block.type, 4);
	assert_int_equal(block.content.n, 8);
	assert_false(rtcp_xr_next(&body, &block));
	assert_false(rtcp_next(&rest, &packet));

	rest = from_hex("80cb0000", buf, sizeof(buf));
	assert_true(rtcp_next(&rest, &packet));
	assert_false(rtcp_sender(&packet, &ssrc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
