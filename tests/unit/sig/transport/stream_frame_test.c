/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "sig/transport/stream_frame.h"

/* What a stream is cut into: one letter a frame and, for messages, their octets. */
struct cut {
	char kinds[16];
	size_t sizes[16];
	size_t count;
	enum stream_broken reason;
};

static void cut(struct cut *out, struct bytes in, size_t step)
{
	struct stream_scan scan = { 0 };
	size_t taken = 0, come = 0;

	memset(out, 0, sizeof(*out));
	while (come < in.n) {
		come = come + step < in.n ? come + step : in.n;
		for (;;) {
			struct stream_frame f =
				stream_frame_next(&scan, bytes_sub(in, taken, come - taken));

			if (f.kind == STREAM_MORE)
				break;
			assert_true(out->count < COUNT_OF(out->sizes) - 1);
			out->kinds[out->count] = ".MPB!"[f.kind];
			out->sizes[out->count++] = f.n;
			if (f.kind == STREAM_BROKEN) {
				out->reason = f.reason;
				return;
			}
			taken += f.n;
		}
	}
}

#define OPTIONS "OPTIONS sip:x SIP/2.0\r\n"
#define EMPTY   OPTIONS "Content-Length: 0\r\n\r\n"

static const struct {
	const char *name, *in, *kinds;
	size_t first;
	enum stream_broken reason;
} g_rows[] = {
	{ "one", EMPTY, "M", sizeof(EMPTY) - 1, 0 },
	{ "two in one piece", EMPTY EMPTY, "MM", sizeof(EMPTY) - 1, 0 },
	{ "body", OPTIONS "l: 4\r\n\r\nabcd", "M", sizeof(OPTIONS) - 1 + 12, 0 },
	{ "body with an empty line", OPTIONS "L : 6\r\n\r\n\r\n\r\nab" EMPTY, "MM",
	  sizeof(OPTIONS) - 1 + 15, 0 },
	{ "folded length", OPTIONS "Content-Length:\r\n  2\r\n\r\nab" EMPTY, "MM",
	  sizeof(OPTIONS) - 1 + 26, 0 },
	{ "a length in a folded subject is none",
	  OPTIONS "Subject: a\r\n Content-Length: 5\r\nl: 0\r\n\r\n" EMPTY, "MM", 0, 0 },
	{ "ping", "\r\n\r\n", "P", 4, 0 },
	{ "ping and message", "\r\n\r\n" EMPTY, "PM", 4, 0 },
	{ "pong before a message", "\r\n" EMPTY, "BM", 2, 0 },
	{ "three ends of line", "\r\n\r\n\r\n" EMPTY, "PBM", 4, 0 },
	{ "equal lengths twice", OPTIONS "l: 0\r\nContent-Length: 0\r\n\r\n", "M", 0, 0 },
	{ "not whole", OPTIONS "l: 4\r\n\r\nabc", "", 0, 0 },
	{ "half a ping", "\r\n\r", "", 0, 0 },
	{ "no length", OPTIONS "\r\n", "!", 0, STREAM_BROKEN_LENGTH_MISSING },
	{ "two lengths", OPTIONS "l: 0\r\nl: 1\r\n\r\n", "!", 0, STREAM_BROKEN_LENGTH_WRONG },
	{ "negative length", OPTIONS "l: -1\r\n\r\n", "!", 0, STREAM_BROKEN_LENGTH_WRONG },
	{ "no number", OPTIONS "l: 1, 1\r\n\r\n", "!", 0, STREAM_BROKEN_LENGTH_WRONG },
	{ "beyond 64 bits", OPTIONS "l: 99999999999999999999\r\n\r\n", "!", 0,
	  STREAM_BROKEN_LENGTH_WRONG },
	{ "too large", OPTIONS "l: 65536\r\n\r\n", "!", 0, STREAM_BROKEN_MESSAGE_TOO_LARGE },
	{ "largest number", OPTIONS "l: 18446744073709551615\r\n\r\n", "!", 0,
	  STREAM_BROKEN_MESSAGE_TOO_LARGE },
	{ "a ClientHello", "\x16\x03\x01", "!", 0, STREAM_BROKEN_NOT_SIP },
	{ "CR and a letter", "\rOPTIONS", "!", 0, STREAM_BROKEN_NOT_SIP },
	{ "a blank", " OPTIONS", "!", 0, STREAM_BROKEN_NOT_SIP },
	{ "garbage after a message", EMPTY "\n", "M!", 0, STREAM_BROKEN_NOT_SIP },
};

static void test_rows_under_any_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_rows); i++) {
		struct bytes in = bytes_str(g_rows[i].in);

		for (size_t step = 1; step <= in.n; step++) {
			struct cut c;

			cut(&c, in, step);
			if (strcmp(c.kinds, g_rows[i].kinds) != 0)
				fail_msg("%s, step %zu: %s", g_rows[i].name, step, c.kinds);
			if (g_rows[i].first && c.sizes[0] != g_rows[i].first)
				fail_msg("%s, step %zu: %zu octets", g_rows[i].name, step,
					 c.sizes[0]);
			if (strchr(c.kinds, '!') && c.reason != g_rows[i].reason)
				fail_msg("%s: reason %d", g_rows[i].name, (int)c.reason);
		}
	}
}

/* The same, whether the octets come one by one or at once: what is refused does not depend on the sender's timing. */
static void test_head_without_end(void **state)
{
	static uint8_t in[STREAM_HEAD_MAX + 8];
	struct cut c;

	(void)state;
	memset(in, 'A', sizeof(in));
	cut(&c, bytes_mem(in, STREAM_HEAD_MAX), 4096);
	assert_string_equal(c.kinds, "");
	cut(&c, bytes_mem(in, sizeof(in)), 4096);
	assert_string_equal(c.kinds, "!");
	assert_int_equal(c.reason, STREAM_BROKEN_HEAD_TOO_LARGE);
	memcpy(in + sizeof(in) - 4, "\r\n\r\n", 4); /* an end that comes too late */
	cut(&c, bytes_mem(in, sizeof(in)), sizeof(in));
	assert_string_equal(c.kinds, "!");
	assert_int_equal(c.reason, STREAM_BROKEN_HEAD_TOO_LARGE);
}

static void test_largest_message(void **state)
{
	char head[64];
	int n = snprintf(head, sizeof(head), OPTIONS "l: 65500\r\n\r\n");
	struct stream_scan scan = { 0 };
	struct stream_frame f;
	uint8_t *all;

	(void)state;
	n = snprintf(head, sizeof(head), OPTIONS "l: %d\r\n\r\n", STREAM_MESSAGE_MAX - n);
	all = calloc(1, STREAM_MESSAGE_MAX);
	assert_non_null(all);
	memcpy(all, head, (size_t)n);
	f = stream_frame_next(&scan, bytes_mem(all, STREAM_MESSAGE_MAX - 1));
	assert_int_equal(f.kind, STREAM_MORE);
	f = stream_frame_next(&scan, bytes_mem(all, STREAM_MESSAGE_MAX));
	assert_int_equal(f.kind, STREAM_MESSAGE);
	assert_int_equal(f.n, STREAM_MESSAGE_MAX);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_under_any_split),
		cmocka_unit_test(test_head_without_end),
		cmocka_unit_test(test_largest_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
