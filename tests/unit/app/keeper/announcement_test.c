/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "app/keeper/address.h"

static const uint8_t MAC[6] = { 2, 3, 4, 5, 6, 7 };

static struct addr address(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static void arp_is_a_request_for_itself(void **state)
{
	static const uint8_t want[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,   3, 4, 5, 6, 7, 0x08, 0x06, /* to all */
		0,    1,    0x08, 0,    6,    4,    0,   1,                         /* a request */
		2,    3,    4,    5,    6,    7,    192, 0, 2, 9,                   /* sender */
		0,    0,    0,    0,    0,    0,    192, 0, 2, 9,                   /* target */
	};
	struct addr ip = address("192.0.2.9");
	uint8_t out[ANNOUNCEMENT_MAX];

	(void)state;
	assert_int_equal(announcement_write(out, MAC, &ip), sizeof(want));
	assert_memory_equal(out, want, sizeof(want));
}

/* A receiver's sum over all, the checksum included, is all ones (RFC 1071). */
static uint32_t sum_of(const uint8_t *frame)
{
	uint32_t sum = 32 + 58;

	for (size_t i = 22; i < 86; i += 2)
		sum += be16_get(frame + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void advertisement_overrides(void **state)
{
	static const uint8_t
		head[] = {
			0x33, 0x33, 0, 0, 0, 1, 2,  3,  4,   5,    6,    7,    0x86,
			0xdd, 0x60, 0, 0, 0, 0, 32, 58, 255, 0x20, 0x01, 0x0d, 0xb8,
			0,    0,    0, 0, 0, 0, 0,  0,  0,   0,    0,    9, /* from */
			0xff, 0x02, 0, 0, 0, 0, 0,  0,  0,   0,    0,    0,    0,
			0,    0,    1, /* to */
			136,  0,
		};
	static const uint8_t tail[] = {
		0x20, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0,
		0,    0, 0, 0, 0,    9,    2,    1,    2, 3, 4, 5, 6, 7,
	};
	struct addr ip = address("2001:db8::9");
	uint8_t out[ANNOUNCEMENT_MAX];

	(void)state;
	assert_int_equal(announcement_write(out, MAC, &ip), ANNOUNCEMENT_MAX);
	assert_memory_equal(out, head, sizeof(head));
	assert_memory_equal(out + sizeof(head) + 2, tail, sizeof(tail));
	assert_int_equal(sum_of(out), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_is_a_request_for_itself),
		cmocka_unit_test(advertisement_overrides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
