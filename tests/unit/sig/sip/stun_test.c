/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/transport/transport.h"

#include <errno.h>

#include "media/stun/stun.h"
#include "tests/unit/sig/rig.h"
#include "tests/unit/test.h"

/* The transaction id of RFC 5769 2.2 and 2.3: addresses and their forms are from there. */
#define ID   "\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae"
#define HEAD "\x21\x12\xa4\x42" ID

static struct bytes answer(char *space, size_t cap, const char *request, size_t n,
			   const char *source)
{
	struct writer w = writer_over(space, cap);
	struct addr a = rig_addr(source);

	return stun_answer(&w, bytes_mem(request, n), &a) ? (struct bytes){ 0 } : writer_done(&w);
}

#define ANSWER(request, source) answer(space, sizeof(space), request, sizeof(request) - 1, source)
#define IS(got, want)           assert_true(bytes_eq(got, bytes_mem(want, sizeof(want) - 1)))

static void test_addresses(void **state)
{
	char space[STUN_ANSWER_MAX];

	(void)state;
	IS(ANSWER("\0\1\0\0" HEAD, "192.0.2.1:32853"),
	   "\1\1\0\x0c" HEAD "\0\x20\0\x08\0\1\xa1\x47\xe1\x12\xa6\x43");
	IS(ANSWER("\0\1\0\0" HEAD, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"),
	   "\1\1\0\x18" HEAD "\0\x20\0\x14\0\2\xa1\x47"
	   "\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9");
}

static void test_attributes(void **state)
{
	char space[STUN_ANSWER_MAX];

	(void)state;
	/* SOFTWARE need not be understood; USERNAME must, and is not ours to check (RFC 5626 8) */
	assert_true(ANSWER("\0\1\0\x08" HEAD "\x80\x22\0\3abc\0", "192.0.2.1:1").n == 32);
	IS(ANSWER("\0\1\0\x08" HEAD "\0\6\0\3abc\0", "192.0.2.1:1"),
	   "\1\x11\0\x10" HEAD "\0\x09\0\4\0\0\4\x14\0\x0a\0\2\0\6\0\0");
}

static void test_refuses(void **state)
{
	char space[STUN_ANSWER_MAX];

	(void)state;
	assert_false(stun_is(BYTES_LIT("OPTIONS sip:x SIP/2.0\r\n\r\n")));
	assert_false(stun_is(bytes_mem("\0\1\0\0" HEAD, 19)));
	assert_int_equal(ANSWER("\1\1\0\0" HEAD, "192.0.2.1:1").n, 0);      /* an answer */
	assert_int_equal(ANSWER("\0\x11\0\0" HEAD, "192.0.2.1:1").n, 0);    /* an indication */
	assert_int_equal(ANSWER("\0\1\0\4" HEAD, "192.0.2.1:1").n, 0);      /* cut */
	assert_int_equal(ANSWER("\0\1\0\2" HEAD "xx", "192.0.2.1:1").n, 0); /* half an attribute */
	assert_int_equal(ANSWER("\0\1\0\4" HEAD "\0\6\0\4", "192.0.2.1:1").n,
			 0); /* beyond the end */
	assert_int_equal(ANSWER("\0\1\0\4" HEAD "\0\6\xff\xff", "192.0.2.1:1").n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
