/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "media/rtp/rtp_parse.h"

/* RFC 7983 figure 3, every first octet; RFC 5761 4, every second one. */
static enum datagram_class want(unsigned first, unsigned second)
{
	if (first >= 128 && first <= 191)
		return second >= 192 && second <= 223 ? DATAGRAM_RTCP : DATAGRAM_RTP;
	if (first <= 3)
		return DATAGRAM_STUN;
	if (first >= 64 && first <= 79)
		return DATAGRAM_TURN;
	if (first >= 16 && first <= 63)
		return first < 20 ? DATAGRAM_ZRTP : DATAGRAM_DTLS;
	return DATAGRAM_UNKNOWN;
}

static void test_every_pair(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			const uint8_t in[2] = { (uint8_t)first, (uint8_t)second };

			assert_int_equal(datagram_classify(bytes_mem(in, 2)), want(first, second));
		}
	}
}

static void test_short(void **state)
{
	const uint8_t in[1] = { 0x80 };

	(void)state;
	assert_int_equal(datagram_classify(bytes_mem(NULL, 0)), DATAGRAM_UNKNOWN);
	assert_int_equal(datagram_classify(bytes_mem(in, 1)), DATAGRAM_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_pair),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
