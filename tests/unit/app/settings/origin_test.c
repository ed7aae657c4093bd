/* SPDX-License-Identifier: Apache-2.0 */
#include "app/settings/origin.h"

#include "tests/unit/test.h"

static const char LISTED[][ORIGIN_MAX] = { "https://phone.example.org", "http://10.0.0.1:8000" };
static const char ALL[][ORIGIN_MAX] = { "*" };

static const struct {
	const char *origin, *host;
	bool secure, by_host, by_list;
} ROWS[] = {
	{ NULL, "192.0.2.1:8080", false, true, true },
	{ "http://192.0.2.1:8080", "192.0.2.1:8080", false, true, false },
	{ "http://[2001:db8::1]:8080", "[2001:db8::1]:8080", false, true, false },
	{ "http://localhost:8080", "localhost:8080", false, true, false },
	{ "http://localhost", "localhost", false, true, false },
	{ "https://node.example", "node.example", true, true, false },
	{ "https://NODE.example", "node.example", true, true, false },
	/* a name that leads here without TLS to prove it */
	{ "http://node.example:8080", "node.example:8080", false, false, false },
	{ "http://localhost.evil.example", "localhost.evil.example", false, false, false },
	{ "https://192.0.2.1:8080", "192.0.2.1:8080", false, false, false },
	{ "http://192.0.2.1:8080", "192.0.2.1:8080", true, false, false },
	{ "http://192.0.2.1:8081", "192.0.2.1:8080", false, false, false },
	{ "http://192.0.2.1", "192.0.2.1:8080", false, false, false },
	{ "http://192.0.2.1:8080.evil.example", "192.0.2.1:8080", false, false, false },
	{ "https://evil.example", "node.example", true, false, false },
	{ "https://", "", true, false, false },
	{ "null", "node.example", true, false, false },
	{ "", "", false, false, false },
	{ "file://", "", false, false, false },
	{ "https://phone.example.org", "node.example", true, false, true },
	{ "https://Phone.Example.ORG", "node.example", true, false, true },
	{ "http://10.0.0.1:8000", "192.0.2.1", false, false, true },
	{ "http://phone.example.org", "node.example", true, false, false },
	{ "https://phone.example.org:444", "node.example", true, false, false },
	{ "https://phone.example.org/", "node.example", true, false, false },
};

static void test_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
		const char *name = ROWS[i].origin ? ROWS[i].origin : "no browser";
		const struct origin_request r = { .origin = bytes_str(ROWS[i].origin),
						  .host = bytes_str(ROWS[i].host),
						  .secure = ROWS[i].secure };

		ROW_ASSERT(name, origin_is_allowed(&r, NULL, 0) == ROWS[i].by_host);
		ROW_ASSERT(name,
			   origin_is_allowed(&r, LISTED, COUNT_OF(LISTED)) == ROWS[i].by_list);
		ROW_ASSERT(name, origin_is_allowed(&r, ALL, COUNT_OF(ALL)));
	}
}

static void test_patterns(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{ "*", true },
		{ "https://a.example", true },
		{ "http://[::1]:8080", true },
		{ "", false },
		{ "https://", false },
		{ "a.example", false },
		{ "ftp://a.example", false },
		{ "https://a.example/", false },
		{ "https://A.example", false },
		{ "https://*.example", false },
		{ "https://a.example b", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].text, origin_is_pattern(bytes_str(rows[i].text)) == rows[i].is);
}

static void test_protocols(void **state)
{
	static const struct {
		const char *list;
		bool has;
	} rows[] = {
		{ "sip", true },    { "chat, sip", true }, { "sip,chat", true },
		{ " ,sip ", true }, { "", false },         { "SIP", false },
		{ "sips", false },  { "chat", false },     { "si p", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		ROW_ASSERT(rows[i].list,
			   origin_offers(bytes_str(rows[i].list), "sip") == rows[i].has);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_protocols),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
