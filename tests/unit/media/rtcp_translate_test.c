/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/rtp/rtcp_write.h"

/* The party sends aaaa0001, known to the other as bbbb0001; it receives cccc0002, in truth the other's dddd0002. */
static const struct rtcp_mapping g_mapping = {
	.source_in = 0xaaaa0001,
	.source_out = 0xbbbb0001,
	.timestamp_offset = 0x1000,
	.report_in = 0xcccc0002,
	.report_out = 0xdddd0002,
	.sender = 0xaaaa000f,
	.sequence_offset = 0x20,
};

static size_t from_hex(const char *hex, uint8_t *buf, size_t cap)
{
	char packed[1024];
	size_t len = 0, n = 0;

	for (; *hex; hex++) {
		assert_in_range(len, 0, sizeof(packed) - 2);
		if (*hex != ' ')
			packed[len++] = *hex;
	}
	assert_int_equal(hex_decode(bytes_mem(packed, len), buf, cap, &n), 0);
	return n;
}

static void test_translate(void **state)
{
	static const struct {
		const char *name, *in, *want;
	} rows[] = {
		{ "SR with a block",
		  "81c8000c aaaa0001 e000000180000000 00000064 00000002 00000140 "
		  "cccc0002 00000000 00010025 00000010 aaaabbbb 00008000",
		  "81c8000c bbbb0001 e000000180000000 00001064 00000002 00000140 "
		  "dddd0002 00000000 00010005 00000010 aaaabbbb 00008000" },
		{ "SR of another source", "80c80006 aaaa0009 e000000180000000 00000064 00000002 00000140", "" },
		{ "SR of another source, its name and its end, late",
		  "80c80006 aaaa0009 e000000180000000 00000064 00000002 00000140 "
		  "81ca0003 aaaa0009 0101610000000000 81cb0001 aaaa0009", "" },
		{ "a name alone is passed on", "81ca0003 aaaa0001 0101610000000000",
		  "81ca0003 bbbb0001 0101610000000000" },
		{ "RR, name and PLI of one who sends no RTP",
		  "80c90001 aaaa000f 81ca0003 aaaa000f 0101610000000000 81ce0002 aaaa000f cccc0002",
		  "80c90001 bbbb0001 81ca0003 bbbb0001 0101610000000000 81ce0002 bbbb0001 dddd0002" },
		{ "an unknown type goes, the rest stays",
		  "80c90001 aaaa0001 80d10002 11111111 22222222 81ce0002 aaaa0001 cccc0002",
		  "80c90001 bbbb0001 81ce0002 bbbb0001 dddd0002" },
		{ "an unknown type, padded, at the end",
		  "81ce0002 aaaa0001 cccc0002 a0d10001 00000004", "81ce0002 bbbb0001 dddd0002" },
		{ "an unknown type alone", "80d10000", "" },
		{ "transport-wide congestion control: its numbers are not of the stream",
		  "8fcd0005 aaaa0001 cccc0002 00250003 00000100 20030400",
		  "8fcd0005 bbbb0001 dddd0002 00250003 00000100 20030400" },
		{ "SLI", "82ce0003 aaaa0001 cccc0002 12345678", "82ce0003 bbbb0001 dddd0002 12345678" },
		{ "timestamp wraps", "80c80006 aaaa0001 e000000180000000 fffff001 00000002 00000140",
		  "80c80006 bbbb0001 e000000180000000 00000001 00000002 00000140" },
		{ "RR with two blocks, one foreign",
		  "82c9000d aaaa0001 cccc0002 00000000 00020010 00000010 00000000 00000000 "
		  "cccc0003 00000000 00020010 00000010 00000000 00000000",
		  "82c9000d bbbb0001 dddd0002 00000000 0001fff0 00000010 00000000 00000000 "
		  "cccc0003 00000000 00020010 00000010 00000000 00000000" },
		{ "SDES of two chunks, the SSRC in a text stays",
		  "82ca0006 aaaa0001 0104aaaa00010000 aaaa0007 0101610000000000",
		  "82ca0006 bbbb0001 0104aaaa00010000 aaaa0007 0101610000000000" },
		{ "BYE with a reason", "82cb0004 aaaa0001 aaaa0007 04aaaa00 01000000",
		  "82cb0004 bbbb0001 aaaa0007 04aaaa00 01000000" },
		{ "APP", "80cc0003 aaaa0001 6e616d65 aaaa0001", "80cc0003 bbbb0001 6e616d65 aaaa0001" },
		{ "NACK", "81cd0004 aaaa0001 cccc0002 00250003 0010ffff",
		  "81cd0004 bbbb0001 dddd0002 00050003 fff0ffff" },
		{ "NACK of a foreign stream", "81cd0003 aaaa0001 cccc0003 00250003",
		  "81cd0003 bbbb0001 cccc0003 00250003" },
		{ "TMMBR", "83cd0004 aaaa0001 00000000 cccc0002 12345678",
		  "83cd0004 bbbb0001 00000000 dddd0002 12345678" },
		{ "PLI", "81ce0002 aaaa0001 cccc0002", "81ce0002 bbbb0001 dddd0002" },
		{ "FIR", "84ce0006 aaaa0001 00000000 cccc0002 05000000 cccc0003 06000000",
		  "84ce0006 bbbb0001 00000000 dddd0002 05000000 cccc0003 06000000" },
		{ "REMB", "8fce0005 aaaa0001 00000000 52454d42 01000001 cccc0002",
		  "8fce0005 bbbb0001 00000000 52454d42 01000001 dddd0002" },
		{ "another AFB is not looked into", "8fce0004 aaaa0001 cccc0002 12345678 cccc0002",
		  "8fce0004 bbbb0001 dddd0002 12345678 cccc0002" },
		{ "XR: summary, receiver time, DLRR",
		  "80cf000f aaaa0001 06e00003 cccc0002 00250030 00000000 04000002 cccc0002cccc0002 "
		  "05000006 cccc0002 11111111 22222222 cccc0003 11111111 22222222",
		  "80cf000f bbbb0001 06e00003 dddd0002 00050010 00000000 04000002 cccc0002cccc0002 "
		  "05000006 dddd0002 11111111 22222222 cccc0003 11111111 22222222" },
		{ "RPSI names a payload type: it goes, the rest stays",
		  "80c90001 aaaa0001 83ce0003 aaaa0001 cccc0002 00600000 81ce0002 aaaa0001 cccc0002",
		  "80c90001 bbbb0001 81ce0002 bbbb0001 dddd0002" },
		{ "the report of RFC 8888 alone", "8bcd0004 aaaa0001 cccc0002 00250001 80000000", "" },
		{ "a request for an SR", "85cd0002 aaaa0001 cccc0002", "85cd0002 bbbb0001 dddd0002" },
		{ "compound, reduced", "81ce0002 aaaa0001 cccc0002 80c90001 aaaa0001",
		  "81ce0002 bbbb0001 dddd0002 80c90001 bbbb0001" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		uint8_t got[256], want[256], text[512];
		size_t n = from_hex(row->in, got, sizeof(got));
		size_t want_n = from_hex(row->want, want, sizeof(want));
		struct writer w = writer_over(text, sizeof(text));

		ROW_ASSERT(row->name,
			   rtcp_translate(got, &n, &g_mapping) == (want_n ? 0 : -ENOMSG));
		if (want_n == 0)
			continue;
		writer_hex(&w, bytes_mem(got, n));
		if (n != want_n || memcmp(got, want, n) != 0)
			fail_msg("%s: " BYTES_FMT, row->name, BYTES_ARG(writer_done(&w)));
	}
}

static void test_malformed_is_untouched(void **state)
{
	uint8_t got[64], before[64];
	size_t n = from_hex("80c90001 aaaa0001 81c90001 aaaa0001", got, sizeof(got));

	(void)state;
	memcpy(before, got, n);
	assert_int_equal(rtcp_translate(got, &n, &g_mapping), -EBADMSG);
	assert_memory_equal(got, before, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_translate),
		cmocka_unit_test(test_malformed_is_untouched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
