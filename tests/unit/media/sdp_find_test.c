/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "media/sdp/sdp.h"

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"

static void parse(struct sdp *s, const char *text)
{
	struct sdp_error error;

	if (sdp_parse(s, bytes_str(text), &error))
		fail_msg("line %u: %s", error.line, error.reason);
}

static void test_attributes(void **state)
{
	struct bytes rest = { 0 };
	uint16_t line = 0;
	struct sdp s;

	(void)state;
	parse(&s,
	      HEAD "a=x:session\r\nm=audio 4 RTP/AVP 0\r\na=flag\r\na=x:1\r\na=xy:2\r\na=x:3:4\r\n"
		   "m=audio 6 RTP/AVP 0\r\na=x:other\r\n");
	assert_true(sdp_attribute(&s, SDP_SESSION, "x", &rest));
	assert_true(bytes_is(rest, "session"));
	assert_true(sdp_attribute(&s, 1, "flag", &rest));
	assert_int_equal(rest.n, 0);
	assert_true(sdp_attribute_next(&s, 1, "x", &line, &rest));
	assert_true(bytes_is(rest, "1"));
	assert_true(sdp_attribute_next(&s, 1, "x", &line, &rest));
	assert_true(bytes_is(rest, "3:4"));
	assert_false(sdp_attribute_next(&s, 1, "x", &line, &rest));
	assert_true(sdp_attribute(&s, 2, "x", &rest));
	assert_true(bytes_is(rest, "other"));
	assert_false(sdp_attribute(&s, 2, "flag", &rest));
	assert_false(sdp_attribute(&s, 1, "X", &rest)); /* names are exact (RFC 8866 5.13) */
}

static void test_connection(void **state)
{
	static const struct {
		const char *name, *session, *media;
		int want;
		uint16_t line;
		const char *address;
	} rows[] = {
		{ "session", "c=IN IP4 192.0.2.1\r\n", "", 0, 4, "192.0.2.1" },
		{ "m-line goes first", "c=IN IP4 192.0.2.1\r\n", "c=IN IP4 192.0.2.2\r\n", 0, 6, "192.0.2.2" },
		{ "IPv6", "", "c=IN IP6 2001:DB8::1\r\n", 0, 5, "2001:db8::1" },
		{ "mapped IPv6 is IPv4", "", "c=IN IP6 ::ffff:192.0.2.3\r\n", 0, 5, "192.0.2.3" },
		{ "any", "", "c=IN IP4 0.0.0.0\r\n", 0, 5, "0.0.0.0" },
		{ "space at the end", "", "c=IN IP4 192.0.2.1 \r\n", 0, 5, "192.0.2.1" },
		{ "none", "", "", -ENOENT, 0, NULL },
		{ "host name", "", "c=IN IP4 a.example.com\r\n", -ENOTSUP, 5, NULL },
		{ "multicast", "", "c=IN IP4 233.252.0.1\r\n", -ENOTSUP, 5, NULL },
		{ "multicast with ttl", "", "c=IN IP4 233.252.0.1/127\r\n", -ENOTSUP, 5, NULL },
		{ "multicast v6", "", "c=IN IP6 ff15::101\r\n", -ENOTSUP, 5, NULL },
		{ "ATM", "", "c=ATM NSAP 47\r\n", -ENOTSUP, 5, NULL },
		{ "IP5", "", "c=IN IP5 192.0.2.1\r\n", -ENOTSUP, 5, NULL },
		{ "too short", "", "c=IN IP4\r\n", -EBADMSG, 5, NULL },
		{ "octet of 256", "", "c=IN IP4 192.0.2.256\r\n", -EBADMSG, 5, NULL },
		{ "v6 as v4", "", "c=IN IP4 2001:db8::1\r\n", -ENOTSUP, 5, NULL },
		{ "v4 as v6", "", "c=IN IP6 192.0.2.1\r\n", -EBADMSG, 5, NULL },
		{ "v4 and port as v6", "", "c=IN IP6 192.0.2.1:0\r\n", -EBADMSG, 5, NULL },
		{ "v6 in brackets", "", "c=IN IP6 [2001:db8::1]\r\n", -ENOTSUP, 5, NULL },
		{ "v6 with a scope", "", "c=IN IP6 fe80::1%2\r\n", -ENOTSUP, 5, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[256], address[ADDR_TEXT_MAX];
		struct sdp_connection to;
		struct sdp s;

		(void)snprintf(text, sizeof(text), HEAD "%sm=audio 4 RTP/AVP 0\r\n%s", row->session,
			       row->media);
		parse(&s, text);
		ROW_ASSERT(row->name, sdp_connection(&s, 1, &to) == row->want);
		ROW_ASSERT(row->name, to.line == row->line);
		if (!row->want) {
			ROW_ASSERT(row->name,
				   strcmp(addr_text(&to.address, address), row->address) == 0);
		}
	}
}

static void test_rtcp(void **state)
{
	static const struct {
		const char *name, *line;
		int want;
		const char *address;
	} rows[] = {
		{ "port alone", "a=rtcp:53020\r\n", 0, "192.0.2.1:53020" },
		{ "with an address", "a=rtcp:53020 IN IP4 192.0.2.7\r\n", 0, "192.0.2.7:53020" },
		{ "with another family", "a=rtcp:53020 IN IP6 2001:db8::1\r\n", 0, "[2001:db8::1]:53020" },
		{ "none", "", -ENOENT, NULL },
		{ "port 0", "a=rtcp:0\r\n", -EBADMSG, NULL },
		{ "port 65536", "a=rtcp:65536\r\n", -EBADMSG, NULL },
		{ "no port", "a=rtcp:\r\n", -EBADMSG, NULL },
		{ "half an address", "a=rtcp:5 IN IP4\r\n", -EBADMSG, NULL },
		{ "host name", "a=rtcp:5 IN IP4 a.example.com\r\n", -ENOTSUP, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[256], address[ADDR_TEXT_MAX];
		struct addr rtcp;
		struct sdp_connection to;
		struct sdp s;

		(void)snprintf(text, sizeof(text),
			       HEAD "c=IN IP4 192.0.2.1\r\nm=audio 4 RTP/AVP 0\r\n%s", row->line);
		parse(&s, text);
		assert_int_equal(sdp_connection(&s, 1, &to), 0);
		ROW_ASSERT(row->name, sdp_rtcp(&s, 1, &to.address, &rtcp) == row->want);
		if (!row->want)
			ROW_ASSERT(row->name, strcmp(addr_text(&rtcp, address), row->address) == 0);
	}
}

static void test_direction(void **state)
{
	static const struct {
		const char *session, *media, *want;
	} rows[] = {
		{ "", "", "sendrecv" },
		{ "a=sendonly\r\n", "", "sendonly" },
		{ "a=sendonly\r\n", "a=sendrecv\r\n", "sendrecv" },
		{ "", "a=recvonly\r\n", "recvonly" },
		{ "a=recvonly\r\n", "a=inactive\r\n", "inactive" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char text[256];
		struct sdp s;

		(void)snprintf(text, sizeof(text), HEAD "%sm=audio 4 RTP/AVP 0\r\n%s",
			       rows[i].session, rows[i].media);
		parse(&s, text);
		assert_string_equal(sdp_direction_name(sdp_direction(&s, 1)), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_connection),
		cmocka_unit_test(test_rtcp),
		cmocka_unit_test(test_direction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
