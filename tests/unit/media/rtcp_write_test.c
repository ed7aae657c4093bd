/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/rtcp_write.h"

static const struct rtcp_report SR = {
	.ssrc = 0x11223344,
	.sends = true,
	.info = { .ntp = 0xe000000180000000, .timestamp = 160, .packets = 2, .octets = 320 },
	.hears = true,
	.block = { .ssrc = 0x55667788,
		   .fraction_lost = 64,
		   .lost = -3,
		   .extended_highest = 0x10020,
		   .jitter = 7,
		   .last_sr = 0xabcdef01,
		   .delay = 65536 },
	.cname = "abcdefghijklmnop",
};

static void reads_as_written(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct rtcp_report r = SR;
		uint8_t memory[RTCP_REPORT_MAX];
		struct rtcp_packet packet;
		struct rtcp_block block;
		struct rtcp_chunk chunk;
		struct bytes out, text;
		uint8_t type;

		r.sends = kind & 1;
		r.hears = kind & 2;
		out = rtcp_report_write(memory, &r);
		assert_int_equal(rtcp_check(out), 0);
		assert_true(rtcp_next(&out, &packet));
		assert_int_equal(packet.type, r.sends ? RTCP_TYPE_SR : RTCP_TYPE_RR);
		assert_int_equal(be32_get(packet.body.p), r.ssrc);
		if (r.sends) {
			struct rtcp_sender_info info = rtcp_sender_info(&packet);

			assert_true(info.ntp == r.info.ntp);
			assert_int_equal(info.timestamp, r.info.timestamp);
			assert_int_equal(info.packets, r.info.packets);
			assert_int_equal(info.octets, r.info.octets);
		}
		assert_int_equal(rtcp_block(&packet, 0, &block), r.hears);
		if (r.hears)
			assert_int_equal(block.ssrc, r.block.ssrc);
		if (r.hears) {
			assert_int_equal(block.fraction_lost, r.block.fraction_lost);
			assert_int_equal(block.lost, r.block.lost);
			assert_int_equal(block.extended_highest, r.block.extended_highest);
			assert_int_equal(block.jitter, r.block.jitter);
			assert_int_equal(block.last_sr, r.block.last_sr);
			assert_int_equal(block.delay, r.block.delay);
		}
		assert_false(rtcp_block(&packet, 1, &block));
		assert_true(rtcp_next(&out, &packet));
		assert_int_equal(packet.type, RTCP_TYPE_SDES);
		assert_int_equal(packet.count, 1);
		assert_true(rtcp_chunk_next(&packet.body, &chunk));
		assert_int_equal(chunk.ssrc, r.ssrc);
		assert_true(rtcp_item_next(&chunk.items, &type, &text));
		assert_int_equal(type, 1);
		assert_true(bytes_eq(text, bytes_mem(r.cname, RTCP_CNAME_LEN)));
		assert_false(rtcp_item_next(&chunk.items, &type, &text));
		assert_int_equal(out.n, 0);
	}
}

static void time_is_of_1900(void **state)
{
	(void)state;
	assert_true(rtcp_ntp(0) == UINT64_C(2208988800) << 32);
	assert_true(rtcp_ntp(1500) == (UINT64_C(2208988801) << 32 | 0x80000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_written),
		cmocka_unit_test(time_is_of_1900),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
