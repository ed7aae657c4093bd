/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "engine/net/neighbour.h"

enum { ROOM = 256 };

static const uint8_t OURS[FRAME_MAC_LEN] = { 2, 0, 0, 0, 0, 1 };

/* ARP: 192.0.2.7 (02:..:11) asks for 192.0.2.1. The solicitations: 2001:db8::7 for 2001:db8::1, and the same from nowhere. */
#define ARP_ASK                    \
	"ffffffffffff020000000011" \
	"0806"                     \
	"0001080006040001"         \
	"020000000011c0000207"     \
	"000000000000c0000201"     \
	"000000000000000000000000000000000000"
#define NS_HEAD "3333ff000001020000000011"
#define NS_IP                              \
	"6000000000203aff"                 \
	"20010db8000000000000000000000007" \
	"ff0200000000000000000001ff000001"

static const struct row {
	const char *name, *ask, *subject;
	const char *answer; /* NULL: no question */
} ROWS[] = {
	{ "arp", ARP_ASK, "192.0.2.1",
	  "020000000011020000000001"
	  "0806"
	  "0001080006040002"
	  "020000000001c0000201"
	  "020000000011c0000207" },
	{ "arp with a tag",
	  "ffffffffffff020000000011"
	  "81000007"
	  "0806"
	  "0001080006040001"
	  "020000000011c0000207"
	  "000000000000c0000201",
	  "192.0.2.1",
	  "020000000011020000000001"
	  "81000007"
	  "0806"
	  "0001080006040002"
	  "020000000001c0000201"
	  "020000000011c0000207" },
	{ "an arp reply",
	  "ffffffffffff020000000011"
	  "0806"
	  "0001080006040002"
	  "020000000011c0000207"
	  "000000000000c0000201",
	  NULL, NULL },
	{ "arp cut",
	  "ffffffffffff020000000011"
	  "0806"
	  "0001080006040001"
	  "020000000011c0000207"
	  "000000000000c00002",
	  NULL, NULL },
	{ "solicitation",
	  NS_HEAD "86dd" NS_IP "8700"
		  "1c13"
		  "00000000"
		  "20010db8000000000000000000000001"
		  "0101020000000011",
	  "2001:db8::1",
	  "020000000011020000000001"
	  "86dd"
	  "6000000000203aff"
	  "20010db8000000000000000000000001"
	  "20010db8000000000000000000000007"
	  "8800" },
	{ "solicitation with a wrong sum",
	  NS_HEAD "86dd" NS_IP "8700"
		  "1c12"
		  "00000000"
		  "20010db8000000000000000000000001"
		  "0101020000000011",
	  NULL, NULL },
	{ "of another network's hop limit",
	  NS_HEAD "86dd"
		  "6000000000203a40"
		  "20010db8000000000000000000000007"
		  "ff0200000000000000000001ff000001"
		  "8700"
		  "1c13"
		  "00000000"
		  "20010db8000000000000000000000001"
		  "0101020000000011",
	  NULL, NULL },
	{ "nothing", "", NULL, NULL },
};

static uint32_t sum16(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum += (uint32_t)p[i] << (i % 2 ? 0 : 8);
	return sum;
}

/* RFC 8200 8.1, over what the answer says it is long. */
static void assert_icmp_sum(const struct row *row, const uint8_t *ip)
{
	uint16_t length = be16_get(ip + 4);
	uint32_t sum = sum16(sum16(58U + length, ip + 8, 32), ip + 40, length);

	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	ROW_ASSERT(row->name, sum == 0xffff);
}

static void answers_for_our_addresses(void **state)
{
	const struct row *row;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		uint8_t frame[ROOM], want[ROOM];
		size_t n = 0, want_n = 0;
		struct addr subject, expected;

		assert_int_equal(hex_decode(bytes_str(row->ask), frame, sizeof(frame), &n), 0);
		ROW_ASSERT(row->name, neighbour_is_request(bytes_mem(frame, n), &subject) ==
					      (row->answer != NULL));
		if (!row->answer)
			continue;
		assert_int_equal(addr_parse(&expected, bytes_str(row->subject)), 0);
		ROW_ASSERT(row->name, addr_eq(&subject, &expected));
		ROW_ASSERT(row->name, neighbour_answer(frame, n, 30, OURS) == 0);
		n = neighbour_answer(frame, n, sizeof(frame), OURS);
		assert_int_equal(hex_decode(bytes_str(row->answer), want, sizeof(want), &want_n),
				 0);
		ROW_ASSERT(row->name, n >= want_n && memcmp(frame, want, want_n) == 0);
		if (subject.family == ADDR_V6)
			assert_icmp_sum(row, frame + 14);
		ROW_ASSERT(row->name, !neighbour_is_request(bytes_mem(frame, n), &subject));
	}
}

/* RFC 4862 5.4.3: somebody wants the address; all are told that it is ours (RFC 4861 7.2.4). */
static void tells_all_who_asks_from_nowhere(void **state)
{
	uint8_t frame[ROOM];
	size_t n = 0;
	struct addr subject;

	(void)state;
	assert_int_equal(hex_decode(bytes_str(NS_HEAD "86dd"
						      "6000000000183aff"
						      "00000000000000000000000000000000"
						      "ff0200000000000000000001ff000001"
						      "8700"
						      "4ced"
						      "00000000"
						      "20010db8000000000000000000000001"),
				    frame, sizeof(frame), &n),
			 0);
	assert_true(neighbour_is_request(bytes_mem(frame, n), &subject));
	n = neighbour_answer(frame, n, sizeof(frame), OURS);
	assert_int_equal(n, 14 + 40 + 32);
	assert_memory_equal(frame, "\x33\x33\0\0\0\x01", 6);
	assert_memory_equal(frame + 14 + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	assert_int_equal(be32_get(frame + 14 + 44), UINT32_C(1)
							    << 29); /* override, not solicited */
	assert_memory_equal(frame + 14 + 40 + 24, "\x02\x01", 2);
	assert_memory_equal(frame + 14 + 40 + 26, OURS, 6);
	assert_icmp_sum(&ROWS[0], frame + 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_for_our_addresses),
		cmocka_unit_test(tells_all_who_asks_from_nowhere),
	};

	return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
