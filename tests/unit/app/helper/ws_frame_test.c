/* SPDX-License-Identifier: Apache-2.0 */
#include "app/helper/ws_frame.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

/* The example of RFC 6455 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void test_accept(void **state)
{
	char text[WS_ACCEPT_MAX];

	(void)state;
	ws_accept(text, KEY);
	assert_string_equal(text, ACCEPT);
}

static int head(const char *text, long *status)
{
	return ws_head_read(bytes_str(text), KEY, status);
}

static void test_heads(void **state)
{
	const char *well = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n"
			   "sec-websocket-accept: " ACCEPT "\r\n\r\nrest";
	char many[WS_HEAD_MAX + 1];
	long status;

	(void)state;
	assert_int_equal(head(well, &status), strlen(well) - strlen("rest"));
	assert_int_equal(status, 101);
	assert_int_equal(head("HTTP/1.1 101 Switch", &status), 0);
	assert_int_equal(head("HTTP/1.1 403 No\r\n\r\n", &status), -EPROTO);
	assert_int_equal(status, 403);
	assert_int_equal(head("HTTP/1.1 101 X\r\nUpgrade: websocket\r\n"
			      "Sec-WebSocket-Accept: no\r\n\r\n",
			      &status),
			 -EPROTO);
	assert_int_equal(head("SIP/2.0 200 OK\r\n\r\n", &status), -EPROTO);
	memset(many, 'x', sizeof(many));
	assert_int_equal(ws_head_read(bytes_mem(many, sizeof(many)), KEY, &status), -EPROTO);
}

static int frame(const char *octets, size_t n, struct ws_frame *f)
{
	return ws_frame_read(bytes_mem(octets, n), f);
}

/* Examples of RFC 6455 5.7, and what is none. */
static void test_frames(void **state)
{
	struct ws_frame f;

	(void)state;
	assert_int_equal(frame("\x81\x05Hello...", 10, &f), 7);
	assert_true(f.last && f.opcode == WS_TEXT && bytes_is(f.payload, "Hello"));
	assert_int_equal(frame("\x01\x03Hel", 5, &f), 5);
	assert_true(!f.last && f.opcode == WS_TEXT);
	assert_int_equal(frame("\x80\x02lo", 4, &f), 4);
	assert_int_equal(f.opcode, WS_MORE);
	assert_int_equal(frame("\x81\x05Hell", 6, &f), 0);
	assert_int_equal(frame("\x82\x7e\x01", 3, &f), 0);
	assert_int_equal(frame("\x81\x85mask", 6, &f), -EPROTO);
	assert_int_equal(frame("\xc1\x00", 2, &f), -EPROTO);
	assert_int_equal(frame("\x83\x00", 2, &f), -EPROTO);
	assert_int_equal(frame("\x09\x00", 2, &f), -EPROTO);
	assert_int_equal(frame("\x89\x7e\x00\x7e", 4, &f), -EPROTO);
	assert_int_equal(frame("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10, &f), 0);
	assert_int_equal(frame("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x01", 10, &f), -EMSGSIZE);
	assert_int_equal(frame("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, &f), -EMSGSIZE);
}

static void test_written(void **state)
{
	static char payload[WS_PAYLOAD_MAX];
	static uint8_t out[WS_PAYLOAD_MAX + WS_FRAME_HEAD_MAX];
	static const size_t sizes[] = { 0, 125, 126, 65535, 65536 }, heads[] = { 6, 6, 8, 8, 14 };
	const uint8_t mask[4] = { 1, 2, 3, 4 };

	(void)state;
	memset(payload, 'x', sizeof(payload));
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct writer w = writer_over(out, sizeof(out));

		ws_frame_write(&w, WS_TEXT, bytes_mem(payload, sizes[i]), mask);
		assert_false(w.overflow);
		assert_int_equal(w.n, heads[i] + sizes[i]);
		assert_int_equal(out[0], 0x81);
		assert_true(out[1] & 0x80);
		if (sizes[i])
			assert_int_equal(out[heads[i]], 'x' ^ 1);
	}
}

/* Whatever comes: no octet behind its end is looked at, and what is taken was there. */
static void test_anything(void **state)
{
	uint32_t seed = 1;
	struct ws_frame f;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t octets[16];
		size_t n = (seed >> 8) % (sizeof(octets) + 1);
		int used;

		for (size_t k = 0; k < n; k++)
			octets[k] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		seed = seed * 1664525 + 1013904223;
		used = ws_frame_read(bytes_mem(octets, n), &f);
		assert_true(used <= (int)n);
		if (used > 0)
			assert_true(f.payload.p + f.payload.n == octets + used);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accept),   cmocka_unit_test(test_heads),
		cmocka_unit_test(test_frames),   cmocka_unit_test(test_written),
		cmocka_unit_test(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
