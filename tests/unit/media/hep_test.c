/* SPDX-License-Identifier: Apache-2.0 */
/* HEP3 datagrams, octet by octet. */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/hep.h"

static struct addr of(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, bytes_str(text)), 0);
	return a;
}

static const uint8_t g_v4[] = {
	'H', 'E', 'P', '3', 0, 132,                         /* whole length */
	0,   0,   0,   1,   0, 7,   2,                      /* AF_INET */
	0,   0,   0,   2,   0, 7,   17,                     /* UDP */
	0,   0,   0,   3,   0, 10,  192,  0,    2,    1,    /* from */
	0,   0,   0,   4,   0, 10,  198,  51,   100,  2,    /* to */
	0,   0,   0,   7,   0, 8,   0x13, 0xc4,             /* 5060 */
	0,   0,   0,   8,   0, 8,   0x27, 0x4c,             /* 10060 */
	0,   0,   0,   9,   0, 10,  0x65, 0x53, 0xf1, 0x00, /* 1700000000 s */
	0,   0,   0,   10,  0, 10,  0,    1,    0xe2, 0x40, /* 123456 us */
	0,   0,   0,   11,  0, 7,   1,                      /* SIP */
	0,   0,   0,   12,  0, 10,  0,    0,    0x07, 0xd1, /* 2001 */
	0,   0,   0,   14,  0, 9,   'k',  'e',  'y',        /* */
	0,   0,   0,   17,  0, 19,  '0',  '1',  '2',  '3',  '4', '5', '6', '7', '8', /* */
	'9', 'a', 'b', 'c', 0, 0,   0,    15,   0,    11,   'h', 'e', 'l', 'l', 'o',
};

static const uint8_t g_v6[] = {
	'H', 'E', 'P', '3', 0, 123,     /* */
	0,   0,   0,   1,   0, 7,   10, /* */
	0,   0,   0,   2,   0, 7,   6,  /* TCP */
	0,   0,   0,   5,   0, 22,  0x20, 0x01, 0x0d, 0xb8, 0,
	0,   0,   0,   0,   0, 0,   0,    0,    0,    0,    1, /* */
	0,   0,   0,   6,   0, 22,  0x20, 0x01, 0x0d, 0xb8, 0,
	0,   0,   0,   0,   0, 0,   0,    0,    0,    0,    2, /* */
	0,   0,   0,   7,   0, 8,   0,    1,                   /* */
	0,   0,   0,   8,   0, 8,   0xff, 0xff,                /* */
	0,   0,   0,   9,   0, 10,  0,    0,    0,    1,       /* */
	0,   0,   0,   10,  0, 10,  0,    0,    0,    0,       /* */
	0,   0,   0,   11,  0, 7,   5,                         /* RTCP */
	0,   0,   0,   12,  0, 10,  0xff, 0xff, 0xff, 0xff,    /* */
	0,   0,   0,   15,  0, 6,                              /* */
};

static void octets(void **state)
{
	struct addr a4 = of("192.0.2.1:5060"), b4 = of("198.51.100.2:10060");
	struct addr a6 = of("[2001:db8::1]:1"), b6 = of("[2001:db8::2]:65535");
	struct hep_packet v4 = { .utc_ns = UINT64_C(1700000000123456789),
				 .from = &a4,
				 .to = &b4,
				 .transport = HEP_TRANSPORT_UDP,
				 .type = HEP_SIP,
				 .capture_id = 2001,
				 .password = BYTES_LIT("key"),
				 .correlation = BYTES_LIT("0123456789abc"),
				 .payload = BYTES_LIT("hello") };
	struct hep_packet v6 = { .utc_ns = UINT64_C(1000000999),
				 .from = &a6,
				 .to = &b6,
				 .transport = HEP_TRANSPORT_TCP,
				 .type = HEP_RTCP,
				 .capture_id = UINT32_MAX };
	uint8_t space[256];
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	assert_int_equal(hep_write(&w, &v4), 0);
	assert_int_equal(w.n, sizeof(g_v4));
	assert_memory_equal(space, g_v4, sizeof(g_v4));
	w = writer_over(space, sizeof(space));
	assert_int_equal(hep_write(&w, &v6), 0);
	assert_int_equal(w.n, sizeof(g_v6));
	assert_memory_equal(space, g_v6, sizeof(g_v6));
}

static void too_long(void **state)
{
	static uint8_t payload[HEP_PAYLOAD_MAX + 1], space[HEP_PAYLOAD_MAX + HEP_ROOM];
	static const uint8_t password[HEP_PASSWORD_MAX];
	struct addr a = of("[2001:db8::1]:1");
	struct hep_packet p = { .from = &a,
				.to = &a,
				.password = bytes_mem(password, sizeof(password)),
				.correlation = BYTES_LIT("0123456789abc"),
				.payload = bytes_mem(payload, sizeof(payload)) };
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	assert_int_equal(hep_write(&w, &p), -EMSGSIZE);
	assert_int_equal(w.n, 0);
	p.payload.n = HEP_PAYLOAD_MAX;
	assert_int_equal(hep_write(&w, &p), 0);
	assert_int_equal(be16_get(space + 4), w.n);
	w = writer_over(space, 100);
	p.payload.n = 50;
	assert_int_equal(hep_write(&w, &p), -EMSGSIZE);
	assert_int_equal(w.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
