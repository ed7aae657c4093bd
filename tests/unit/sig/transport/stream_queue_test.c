/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/transport/stream_connection.h"

#include "tests/unit/test.h"

enum { NODE = VALID_ALWAYS, FIRST = 1, SECOND = 2 };

struct said {
	uint8_t place;
	const char *text; /* NULL: no more */
};

static void test_what_goes_and_what_stays(void **state)
{
	static const struct {
		const char *name;
		struct said said[5];
		size_t taken, held; /* octets that have left; that TLS has */
		const char *left;
		uint32_t gone; /* when the first may not speak any more */
	} ROWS[] = {
		{ "nothing waits", { { 0 } }, 0, 0, "", 0 },
		{ "all of it", { { FIRST, "aaa" }, { FIRST, "bbb" } }, 0, 0, "", 2 },
		{ "others stay",
		  { { FIRST, "aaa" }, { SECOND, "bbb" }, { FIRST, "ccc" }, { NODE, "\r\n" } },
		  0,
		  0,
		  "bbb\r\n",
		  2 },
		{ "one that has begun", { { FIRST, "aaa" }, { FIRST, "bbb" } }, 1, 0, "aa", 1 },
		{ "one that has left", { { FIRST, "aaa" }, { FIRST, "bbb" } }, 3, 0, "", 1 },
		{ "after what is the node's",
		  { { NODE, "\r\n" }, { NODE, "\r\n" }, { FIRST, "aaa" } },
		  3,
		  0,
		  "\n",
		  1 },
		{ "TLS has one", { { FIRST, "aaa" }, { FIRST, "bbb" } }, 0, 3, "aaa", 1 },
		{ "TLS has some of the second",
		  { { FIRST, "aaa" }, { FIRST, "bbb" }, { FIRST, "ccc" } },
		  0,
		  4,
		  "aaabbb",
		  1 },
		{ "TLS has more than has begun",
		  { { SECOND, "aaa" }, { FIRST, "bbb" }, { FIRST, "ccc" }, { SECOND, "d" } },
		  1,
		  3,
		  "aabbbd",
		  1 },
	}, *row;
	const struct said *s;

	(void)state;
	EACH_ROW(row, ROWS)
	{
		struct stream_queue q = { 0 };
		struct validity v;

		validity_open(&v, SECOND);
		validity_set(&v, FIRST, 10);
		validity_set(&v, SECOND, 20);
		for (s = row->said; s->text; s++)
			assert_int_equal(stream_queue_add(&q, s->place, bytes_str(s->text)), 0);
		if (row->taken)
			stream_queue_consume(&q, row->taken);
		stream_queue_hold(&q, row->held);
		ROW_ASSERT(row->name, stream_queue_withhold(&q, &v, 9) == 0);
		ROW_ASSERT(row->name, stream_queue_withhold(&q, &v, 10) == row->gone);
		ROW_ASSERT(row->name, bytes_is(stream_queue_bytes(&q), row->left));
		ROW_ASSERT(row->name, validity_withheld(&v, FIRST) == row->gone);
		assert_int_equal(stream_queue_add(&q, FIRST, BYTES_LIT("late")), 0);
		ROW_ASSERT(row->name, stream_queue_withhold(&q, &v, 10) == 1);
		ROW_ASSERT(row->name, bytes_is(stream_queue_bytes(&q), row->left));
		stream_queue_clear(&q);
	}
}

/* Octets are what they were, however they come and go; an empty queue has no memory. */
static void test_first_in_first_out(void **state)
{
	struct stream_queue q = { 0 };
	uint8_t next_in = 0, next_out = 0;

	(void)state;
	for (unsigned turn = 0; turn < 2000; turn++) {
		uint8_t text[7];
		size_t n = 1 + turn % sizeof(text);
		struct bytes b;

		for (size_t i = 0; i < n; i++)
			text[i] = next_in++;
		assert_int_equal(stream_queue_add(&q, (uint8_t)(turn % 3), bytes_mem(text, n)), 0);
		b = stream_queue_bytes(&q);
		n = turn % 11;
		if (n > b.n || turn == 1999)
			n = b.n;
		for (size_t i = 0; i < n; i++)
			assert_int_equal(b.p[i], next_out++);
		stream_queue_consume(&q, n);
	}
	assert_int_equal(next_in, next_out);
	assert_null(q.octets.p);
	assert_null(q.marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_goes_and_what_stays),
		cmocka_unit_test(test_first_in_first_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
