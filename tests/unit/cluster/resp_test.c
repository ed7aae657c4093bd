/* SPDX-License-Identifier: Apache-2.0 */
/* What is written by hand is what hiredis writes. */
#include "tests/unit/test.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "base/rand.h"
#include "cluster/redis/buffer.h"

enum { ARGS_MAX = 40, TEXT_MAX = 3000, BUFFER_MAX = 1 << 20 };

static void expect_same(struct redis_buffer *b, const struct bytes *args, size_t n)
{
	const char *texts[ARGS_MAX];
	size_t lengths[ARGS_MAX];
	char *want = NULL;
	int size;

	for (size_t i = 0; i < n; i++) {
		texts[i] = (const char *)args[i].p;
		lengths[i] = args[i].n;
	}
	size = redisFormatCommandArgv(&want, (int)n, texts, lengths);
	assert_true(size > 0);
	assert_true(bytes_eq(redis_buffer_bytes(b), bytes_mem(want, (size_t)size)));
	redisFreeCommand(want);
}

static void as_hiredis(void **state)
{
	static uint8_t noise[TEXT_MAX];
	struct redis_buffer b = { .max = BUFFER_MAX };
	struct bytes args[ARGS_MAX];
	struct rand_source r;

	(void)state;
	rand_open_seed(&r, 1);
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)rand_u32_from(&r);
	for (int round = 0; round < 500; round++) {
		size_t n = 1 + rand_below(&r, ARGS_MAX);

		for (size_t i = 0; i < n; i++)
			args[i] = bytes_mem(noise, rand_below(&r, 1 + rand_below(&r, TEXT_MAX)));
		assert_int_equal(resp_words(&b, args, n), 0);
		expect_same(&b, args, n);
		redis_buffer_cut(&b, 0);
	}
	redis_buffer_clear(&b);
}

static void numbers(void **state)
{
	static const struct {
		uint64_t number;
		const char *text;
	} rows[] = { { 0, "$1\r\n0\r\n" },
		     { 9, "$1\r\n9\r\n" },
		     { 10, "$2\r\n10\r\n" },
		     { 4294967296, "$10\r\n4294967296\r\n" },
		     { UINT64_MAX, "$20\r\n18446744073709551615\r\n" } };
	struct redis_buffer b = { .max = BUFFER_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(resp_number(&b, rows[i].number), 0);
		ROW_ASSERT(rows[i].text, bytes_is(redis_buffer_bytes(&b), rows[i].text));
		redis_buffer_cut(&b, 0);
	}
	redis_buffer_clear(&b);
}

/* An argument that its owner writes in place. */
static void in_place(void **state)
{
	struct redis_buffer b = { .max = BUFFER_MAX };
	uint8_t *p;

	(void)state;
	assert_int_equal(resp_command(&b, 1), 0);
	p = resp_open(&b, 5);
	assert_non_null(p);
	memcpy(p, "hello", 5);
	resp_closed(&b, 5);
	assert_true(bytes_is(redis_buffer_bytes(&b), "*1\r\n$5\r\nhello\r\n"));
	redis_buffer_clear(&b);
}

/* Nothing beyond the bound, and what was there stays. */
static void bound(void **state)
{
	struct redis_buffer b = { .max = 100 };
	static const char text[90];

	(void)state;
	assert_int_equal(resp_text(&b, BYTES_LIT("x")), 0);
	assert_true(resp_text(&b, bytes_mem(text, sizeof(text))) != 0);
	assert_null(resp_open(&b, 1000));
	assert_true(bytes_is(redis_buffer_bytes(&b), "$1\r\nx\r\n"));
	redis_buffer_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_hiredis),
		cmocka_unit_test(numbers),
		cmocka_unit_test(in_place),
		cmocka_unit_test(bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
