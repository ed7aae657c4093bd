/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "base/rand.h"
#include "cluster/redis/buffer.h"

static void test_bound(void **state)
{
	struct redis_buffer b = { .max = 10 };

	(void)state;
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("")), 0);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("01234567890")), -ENOSPC);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("0123456")), 0);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("7890")), -ENOSPC);
	redis_buffer_eat(&b, 2);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("7890")), 0);
	assert_true(bytes_is(redis_buffer_bytes(&b), "234567890"));
	redis_buffer_eat(&b, 9);
	assert_int_equal(redis_buffer_bytes(&b).n, 0);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("0123456789")), 0);
	redis_buffer_clear(&b);
	assert_int_equal(redis_buffer_bytes(&b).n, 0);
	assert_int_equal(redis_buffer_put(&b, BYTES_LIT("x")), 0);
	redis_buffer_clear(&b);
}

/* What goes in comes out, whatever the steps: each byte tells its place in the stream. */
static void test_stream(void **state)
{
	struct redis_buffer b = { .max = 200000 };
	struct rand_source r;
	static uint8_t chunk[40000];
	uint32_t in = 0, out = 0;

	(void)state;
	rand_open_seed(&r, 1);
	for (int i = 0; i < 3000; i++) {
		uint32_t n = rand_below(&r, i % 7 ? 300 : sizeof(chunk));
		struct bytes have;

		for (uint32_t k = 0; k < n; k++)
			chunk[k] = (uint8_t)((in + k) * 31 >> 3);
		if (redis_buffer_put(&b, bytes_mem(chunk, n)) == 0)
			in += n;
		have = redis_buffer_bytes(&b);
		assert_int_equal(have.n, in - out);
		n = rand_below(&r, (uint32_t)have.n + 1);
		for (uint32_t k = 0; k < n; k++)
			assert_int_equal(have.p[k], (uint8_t)((out + k) * 31 >> 3));
		redis_buffer_eat(&b, n);
		out += n;
	}
	assert_true(out > 1000000);
	redis_buffer_clear(&b);
}

/* One burst keeps no memory for long, and many in a row are not grown for again and again. */
static void test_burst(void **state)
{
	static const uint8_t burst[1 << 20];
	struct redis_buffer b = { .max = sizeof(burst) };
	size_t room;

	(void)state;
	for (int i = 0; i < 40; i++) {
		const struct bytes in =
			i % 10 ? BYTES_LIT("small") : bytes_mem(burst, sizeof(burst));

		assert_int_equal(redis_buffer_put(&b, in), 0);
		assert_true(b.cap >= sizeof(burst));
		redis_buffer_eat(&b, in.n);
	}
	room = b.cap;
	for (int i = 0; i < 20; i++) {
		assert_int_equal(redis_buffer_put(&b, BYTES_LIT("small")), 0);
		assert_true(bytes_is(redis_buffer_bytes(&b), "small"));
		redis_buffer_cut(&b, 0);
	}
	assert_true(b.cap < room / 8);
	redis_buffer_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
