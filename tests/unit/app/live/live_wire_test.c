/* SPDX-License-Identifier: Apache-2.0 */
/* What the node and an application of live sound say to each other. */
#include "tests/unit/test.h"

#include <errno.h>

#include "app/live/live.h"
#include "app/live/live_wire.h"

static void it_says(const char *want, const struct writer *w)
{
	struct bytes text = writer_done(w);

	assert_false(w->overflow);
	assert_int_equal(text.n, strlen(want));
	assert_memory_equal(text.p, want, text.n);
}

static void what_the_node_says(void **state)
{
	char memory[LIVE_WRITE_MAX];
	struct writer w = writer_over(memory, sizeof(memory));
	const struct live_start start = { .call = "000agvj5jqr40",
					  .leg = 'a',
					  .tenant = "default",
					  .endpoint = "bot",
					  .format = LIVE_L16,
					  .rate = 16000,
					  .said = true,
					  .resumed = true,
					  .times = 2 };

	(void)state;
	live_write_start(&w, &start);
	it_says("{\"event\":\"start\",\"version\":1,\"call\":\"000agvj5jqr40\",\"leg\":\"a\","
		"\"tenant\":\"default\",\"endpoint\":\"bot\",\"format\":\"l16\",\"rate\":16000,"
		"\"channels\":1,\"tracks\":[\"said\"],\"listens\":false,\"frame_ms\":20,"
		"\"resumed\":true,\"connected\":2}",
		&w);
	w.n = 0;
	live_write_mark(&w, "a \"name\"");
	it_says("{\"event\":\"mark\",\"name\":\"a \\\"name\\\"\"}", &w);
	w.n = 0;
	live_write_missed(&w, 50, 1000);
	it_says("{\"event\":\"missed\",\"frames\":50,\"ms\":1000}", &w);
	w.n = 0;
	live_write_refused(&w, 640, 20);
	it_says("{\"event\":\"refused\",\"octets\":640,\"ms\":20}", &w);
	w.n = 0;
	live_write_digit(&w, '#');
	it_says("{\"event\":\"dtmf\",\"digit\":\"#\"}", &w);
	w.n = 0;
	live_write_stop(&w, "stopped");
	it_says("{\"event\":\"stop\",\"reason\":\"stopped\"}", &w);
}

static void who_hears_both(void **state)
{
	char memory[LIVE_WRITE_MAX];
	struct writer w = writer_over(memory, sizeof(memory));
	const struct live_start start = { .call = "000agvj5jqr40",
					  .leg = 'b',
					  .tenant = "default",
					  .endpoint = "ears",
					  .format = LIVE_ULAW,
					  .rate = 8000,
					  .said = true,
					  .heard = true,
					  .listens = true,
					  .times = 1 };

	(void)state;
	live_write_start(&w, &start);
	it_says("{\"event\":\"start\",\"version\":1,\"call\":\"000agvj5jqr40\",\"leg\":\"b\","
		"\"tenant\":\"default\",\"endpoint\":\"ears\",\"format\":\"ulaw\",\"rate\":8000,"
		"\"channels\":2,\"tracks\":[\"said\",\"heard\"],\"listens\":true,\"frame_ms\":20,"
		"\"resumed\":false,\"connected\":1}",
		&w);
}

static void what_the_application_says(void **state)
{
	static const struct {
		const char *text;
		int err;
		enum live_said_kind kind;
		const char *name;
	} rows[] = {
		{ "{\"event\":\"started\"}", 0, LIVE_SAID_STARTED, "" },
		{ " { \"event\" : \"clear\" , \"more\" : [1] } ", 0, LIVE_SAID_CLEAR, "" },
		{ "{\"event\":\"stop\"}", 0, LIVE_SAID_STOP, "" },
		{ "{\"event\":\"mark\",\"name\":\"hello\"}", 0, LIVE_SAID_MARK, "hello" },
		{ "{\"event\":\"mark\",\"name\":\"h\\u00e9\"}", 0, LIVE_SAID_MARK, "h\xc3\xa9" },
		{ "{\"event\":\"mark\",\"name\":\"\"}", -EBADMSG, 0, "" },
		{ "{\"event\":\"mark\",\"name\":\"a\\nb\"}", -EBADMSG, 0, "" },
		{ "{\"event\":\"mark\",\"name\":1}", -EBADMSG, 0, "" },
		{ "{\"event\":\"mark\"}", -EBADMSG, 0, "" },
		{ "{\"event\":\"mark\",\"name\":"
		  "\"12345678901234567890123456789012345678901234567890123456789012345\"}",
		  -EBADMSG, 0, "" },
		{ "{\"event\":\"dance\"}", -EBADMSG, 0, "" },
		{ "{\"event\":null}", -EBADMSG, 0, "" },
		{ "{\"event\":\"stop\",\"event\":\"clear\"}", -EBADMSG, 0, "" },
		{ "[\"stop\"]", -EBADMSG, 0, "" },
		{ "stop", -EBADMSG, 0, "" },
		{ "", -EBADMSG, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct live_audio said = { .kind = LIVE_SAID_STARTED };

		assert_int_equal(live_said_parse(&said, bytes_str(rows[i].text)), rows[i].err);
		assert_int_equal(said.kind, rows[i].kind);
		assert_string_equal(said.name, rows[i].name);
	}
}

static void too_long_a_text(void **state)
{
	char text[LIVE_TEXT_MAX + 1];
	struct live_audio said;

	(void)state;
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"event\":\"stop\"}", 16);
	assert_int_equal(live_said_parse(&said, bytes_mem(text, LIVE_TEXT_MAX)), 0);
	assert_int_equal(live_said_parse(&said, bytes_mem(text, LIVE_TEXT_MAX + 1)), -EMSGSIZE);
}

static void urls(void **state)
{
	static const struct {
		const char *text;
		bool good, tls;
		const char *host;
		uint16_t port;
		const char *path;
	} rows[] = {
		{ "ws://bot", true, false, "bot", 80, "/" },
		{ "wss://bot.example.net/a/b?c=d", true, true, "bot.example.net", 443, "/a/b?c=d" },
		{ "ws://127.0.0.1:9000/x", true, false, "127.0.0.1", 9000, "/x" },
		{ "wss://[2001:db8::1]:9000", true, true, "2001:db8::1", 9000, "/" },
		{ "wss://[2001:db8::1]", true, true, "2001:db8::1", 443, "/" },
		{ "http://bot", false, false, "", 0, "" },
		{ "ws://", false, false, "", 0, "" },
		{ "ws://:80", false, false, "", 0, "" },
		{ "ws://bot:0", false, false, "", 0, "" },
		{ "ws://bot:65536", false, false, "", 0, "" },
		{ "ws://bot:x", false, false, "", 0, "" },
		{ "ws://bot?x", false, false, "", 0, "" },
		{ "ws://user@bot", false, false, "", 0, "" },
		{ "ws://bot/a b", false, false, "", 0, "" },
		{ "ws://bot/\r\nx: y", false, false, "", 0, "" },
		{ "ws://[2001:db8::1", false, false, "", 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct live_url url;

		assert_int_equal(live_url_read(&url, rows[i].text), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(url.tls, rows[i].tls);
		assert_string_equal(url.host, rows[i].host);
		assert_int_equal(url.port, rows[i].port);
		assert_string_equal(url.path, rows[i].path);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_node_says),
		cmocka_unit_test(who_hears_both),
		cmocka_unit_test(what_the_application_says),
		cmocka_unit_test(too_long_a_text),
		cmocka_unit_test(urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
