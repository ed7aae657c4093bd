/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <errno.h>

#include "sig/sip/message.h"

/* An OPTIONS in pieces, so that a row replaces one. */
#define LINE  "OPTIONS sip:1002@192.0.2.1 SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKa;rport\r\n"
#define FROM  "From: <sip:1001@example.org>;tag=f\r\n"
#define TO    "To: <sip:1002@example.org>\r\n"
#define ID    "Call-ID: c1\r\n"
#define CSEQ  "CSeq: 7 OPTIONS\r\n"
#define REST  FROM TO ID CSEQ
#define END   "Content-Length: 0\r\n\r\n"
#define WHOLE LINE VIA REST

static void test_refuses(void **state)
{
	static const struct {
		const char *reason;
		const char *text;
		uint16_t status;
	} rows[] = {
		{ "keepalive", "", 0 },
		{ "keepalive", "\r\n\r\n", 0 },
		{ "not_sip", "x", 0 },
		{ "not_sip", "OPTIONS\r\n\r\n", 0 },
		{ "not_sip", "OPTIONS sip:a@b\r\n\r\n", 0 },
		{ "not_sip", " OPTIONS sip:a@b SIP/2.0\r\n\r\n", 0 },
		{ "not_sip", "OPT(IONS sip:a@b SIP/2.0\r\n\r\n", 0 },
		{ "request_line_malformed", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0 },
		{ "request_line_malformed", "OPTIONS sip:a@b HTTP/1.1\r\n" VIA REST END, 400 },
		{ "version_unknown", "OPTIONS sip:a@b SIP/3.0\r\n" VIA REST END, 505 },
		{ "version_unknown", "ACK sip:a@b SIP/3.0\r\n" VIA REST END, 0 },
		{ "request_uri_malformed", "OPTIONS <sip:a@b> SIP/2.0\r\n" VIA REST END, 400 },
		{ "request_uri_malformed", "OPTIONS a@b SIP/2.0\r\n" VIA REST END, 400 },
		{ "request_uri_headers", "OPTIONS sip:b?X=y SIP/2.0\r\n" VIA REST END, 400 },
		{ "via_missing", LINE REST END, 0 },
		{ "via_malformed", LINE "Via: SIP/2.0/UDP\r\n" REST END, 0 },
		{ "via_malformed", LINE "Via: SIP/2.0/UDP a b;branch=x\r\n" REST END, 0 },
		{ "via_malformed", LINE "Via: SIP/2.0/UDP a:0\r\n" REST END, 0 },
		{ "via_malformed", LINE "Via: SIP/2.0/UDP a:65536\r\n" REST END, 0 },
		{ "via_malformed", LINE "Via: SIP/2.0/UDP a;branch=\r\n" REST END, 400 },
		{ "via_malformed", LINE "Via: SIP/1.0/UDP a;branch=x\r\n" REST END, 400 },
		{ "via_malformed", LINE VIA "Via: SIP/2.0/UDP a,,b\r\n" REST END, 400 },
		{ "via_malformed", LINE "Via:\r\n" VIA REST END, 0 },
		{ "via_malformed", LINE VIA "Via: \r\n" REST END, 400 },
		{ "via_branch_empty", LINE "Via: SIP/2.0/UDP a;branch=z9hG4bK\r\n" REST END, 400 },
		{ "from_missing", LINE VIA TO ID CSEQ END, 400 },
		{ "to_missing", LINE VIA FROM ID CSEQ END, 400 },
		{ "call_id_missing", LINE VIA FROM TO CSEQ END, 400 },
		{ "cseq_missing", LINE VIA FROM TO ID END, 400 },
		{ "from_malformed", LINE VIA "From: \"a <sip:b>\r\n" TO ID CSEQ END, 400 },
		{ "to_malformed", LINE VIA FROM "To: <sip:b\r\n" ID CSEQ END, 400 },
		{ "to_malformed", LINE VIA FROM "To: <sip:b>;\r\n" ID CSEQ END, 400 },
		{ "call_id_malformed", LINE VIA FROM TO "Call-ID: a b\r\n" CSEQ END, 400 },
		{ "call_id_malformed", LINE VIA FROM TO "Call-ID:\r\n" CSEQ END, 400 },
		{ "cseq_malformed", LINE VIA FROM TO ID "CSeq: OPTIONS\r\n" END, 400 },
		{ "cseq_malformed", LINE VIA FROM TO ID "CSeq: -1 OPTIONS\r\n" END, 400 },
		{ "cseq_malformed", LINE VIA FROM TO ID "CSeq: 1\r\n" END, 400 },
		{ "cseq_malformed", LINE VIA FROM TO ID "CSeq: 1 OPTIONS x\r\n" END, 400 },
		{ "cseq_out_of_range", LINE VIA FROM TO ID "CSeq: 2147483648 OPTIONS\r\n" END, 400 },
		{ "cseq_out_of_range",
		  LINE VIA FROM TO ID "CSeq: 18446744073709551623 OPTIONS\r\n" END, 400 },
		{ "cseq_method_mismatch", LINE VIA FROM TO ID "CSeq: 1 options\r\n" END, 400 },
		{ "max_forwards_malformed", WHOLE "Max-Forwards: 256\r\n" END, 400 },
		{ "max_forwards_malformed", WHOLE "Max-Forwards: -1\r\n" END, 400 },
		{ "header_repeated", WHOLE CSEQ END, 400 },
		{ "header_repeated", WHOLE "f: <sip:x@y>\r\n" END, 400 },
		{ "header_repeated", WHOLE "Expires: 1\r\nExpires: 1\r\n" END, 400 },
		{ "header_malformed", WHOLE "no colon\r\n" END, 400 },
		{ "header_malformed", WHOLE ": nameless\r\n" END, 400 },
		{ "header_malformed", WHOLE "two words: x\r\n" END, 400 },
		{ "request_line_malformed", LINE " Via: folded into the line\r\n" VIA REST END, 400 },
		{ "bare_cr", WHOLE "X: a\rVia: b\r\n" END, 400 },
		{ "bare_cr", "SIP/2.0 200 O\rK\r\n" VIA REST END, 0 },
		{ "bare_cr", WHOLE "\rX: y\r\n" END, 400 },
		{ "no_end_of_headers", WHOLE "Content-Length: 0\r\n", 400 },
		{ "no_end_of_headers", WHOLE "Content-Length: 0", 400 },
		{ "contact_malformed", WHOLE "Contact: <sip:a\r\n" END, 400 },
		{ "contact_malformed", WHOLE "Contact:\r\n" END, 400 },
		{ "content_length_malformed", WHOLE "Content-Length: x\r\n\r\n", 400 },
		{ "content_length_malformed", WHOLE "Content-Length:\r\n\r\n", 400 },
		{ "content_length_too_large", WHOLE "Content-Length: 3\r\n\r\nab", 400 },
		{ "content_length_too_large",
		  WHOLE "Content-Length: 18446744073709551616\r\n\r\nab", 400 },
		{ "content_length_repeated",
		  WHOLE "Content-Length: 1\r\nl: 2\r\n\r\nab", 400 },
		{ "cseq_method_mismatch", "ACK sip:a@b SIP/2.0\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0 099 x\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0 700 x\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0 0200 x\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0 20 x\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0 2x0 x\r\n" VIA REST END, 0 },
		{ "status_malformed", "SIP/2.0  200 x\r\n" VIA REST END, 0 },
		{ "from_missing", "SIP/2.0 200 OK\r\n" VIA TO ID CSEQ END, 0 },
		{ "not_sip", "SIP/2.1 200 OK\r\n" VIA REST END, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct message_error error = { 0 };
		struct sip_message m;
		int err = message_parse(&m, bytes_str(row->text), &error);

		if (err != -EBADMSG || strcmp(error.reason, row->reason) != 0 ||
		    error.status != row->status) {
			fail_msg("%s (row %zu): %d %u %s", row->reason, row_i, err, error.status,
				 error.reason ? error.reason : "none");
		}
		ROW_ASSERT(row->reason, (m.head != NULL) == (error.status != 0));
		message_close(&m);
	}
}

static void test_accepts(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		size_t body;
	} rows[] = {
		{ "plain", WHOLE END, 0 },
		{ "CRLF first", "\r\n\r\n" WHOLE END, 0 },
		{ "no length, no body", WHOLE "\r\n", 0 },
		{ "no length, body", WHOLE "\r\nabc", 3 },
		{ "shorter length", WHOLE "Content-Length: 2\r\n\r\nabc", 2 },
		{ "same length twice", WHOLE "Content-Length: 2\r\nl: 2\r\n\r\nabc", 2 },
		{ "version in lower case", "OPTIONS sip:a@b sip/2.0\r\n" VIA REST END, 0 },
		{ "blank before the colon", WHOLE "X \t: y\r\n" END, 0 },
		{ "Max-Forwards 0", WHOLE "Max-Forwards: 0\r\n" END, 0 },
		{ "Max-Forwards 255", WHOLE "Max-Forwards: 255\r\n" END, 0 },
		{ "CSeq at the limit", LINE VIA FROM TO ID "CSeq: 2147483647 OPTIONS\r\n" END, 0 },
		{ "unknown method", "FOO sip:a@b SIP/2.0\r\n" VIA FROM TO ID "CSeq: 1 FOO\r\n" END,
		  0 },
		{ "response", "SIP/2.0 200 OK\r\n" VIA REST END, 0 },
		{ "response without a phrase", "SIP/2.0 699\r\n" VIA REST END, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct message_error error = { 0 };
		struct sip_message m;

		if (message_parse(&m, bytes_str(row->text), &error))
			fail_msg("%s: %s", row->name, error.reason);
		ROW_ASSERT(row->name, m.body.n == row->body);
		message_close(&m);
		message_close(&m);
		ROW_ASSERT(row->name, m.head == NULL);
	}
}

static void parse(struct sip_message *m, const char *text)
{
	struct message_error error;

	if (message_parse(m, bytes_str(text), &error))
		fail_msg("refused as %s", error.reason);
}

static void test_fields(void **state)
{
	struct sip_message m;

	(void)state;
	parse(&m, WHOLE "Contact: \"A, B\" <sip:1001@192.0.2.9:5070;ob>;q=0.5, sip:x@y\r\n"
			"Max-Forwards: 70\r\nc: text/plain\r\nExpires: 60\r\nl: 2\r\n\r\nhi");
	assert_true(m.request);
	assert_int_equal(m.method, SIP_OPTIONS);
	assert_true(bytes_is(m.uri.user, "1002"));
	assert_true(bytes_is(m.via.sent_by, "192.0.2.9:5070"));
	assert_int_equal(m.via.port, 5070);
	assert_true(m.via.rport && m.via.udp);
	assert_true(bytes_is(m.from.tag, "f"));
	assert_int_equal(m.to.tag.n, 0);
	assert_true(bytes_is(m.contact.display, "A, B"));
	assert_true(bytes_is(m.contact.uri.params, "ob"));
	assert_true(bytes_is(m.contact.params, "q=0.5"));
	assert_int_equal(m.max_forwards, 70);
	assert_int_equal(message_expires(&m), 60);
	assert_true(bytes_is(m.content_type, "text/plain"));
	assert_true(bytes_is(m.body, "hi"));
	message_close(&m);
}

/* RFC 3261 7.3.1: a folded value is one value with a blank, and nothing of it can become a line again. */
static void test_folding(void **state)
{
	struct sip_message m;
	struct bytes value;

	(void)state;
	parse(&m, WHOLE "Subject: one\r\n two\r\n\tthree\r\nX:\r\n y\n z\r\n" END);
	assert_true(message_header(&m, "Subject", 0, &value));
	assert_true(bytes_is(value, "one   two  \tthree"));
	assert_true(message_header(&m, "x", 0, &value));
	assert_true(bytes_is(value, "y  z"));
	message_close(&m);
}

static void test_header_names(void **state)
{
	struct sip_message m;
	struct bytes value;

	(void)state;
	parse(&m, WHOLE "k: 100rel, timer\r\nSUPPORTED: path\r\nx-own: 1\r\nX-Own: 2\r\n" END);
	assert_true(message_header(&m, "Supported", 1, &value));
	assert_true(bytes_is(value, "path"));
	assert_true(message_header(&m, "k", 0, &value));
	assert_true(message_header(&m, "X-OWN", 1, &value));
	assert_true(bytes_is(value, "2"));
	assert_false(message_header(&m, "X-Own", 2, &value));
	assert_false(message_header(&m, "Route", 0, &value));
	assert_true(message_has_token(&m, "Supported", "TIMER"));
	assert_true(message_has_token(&m, "Supported", "path"));
	assert_false(message_has_token(&m, "Supported", "time"));
	message_close(&m);
}

static void test_name_addr_walk(void **state)
{
	static const char *const wanted[] = { "sip:a@b", "sip:c@d", "sip:e@f", "sip:g@h" };
	struct sip_name_addr a;
	struct sip_message m;
	unsigned cursor = 0;

	(void)state;
	parse(&m, WHOLE "Route: <sip:a@b>,\"x,y\" <sip:c@d>;lr\r\nX: <sip:no@no>\r\n"
			"Route: <sip:e@f>\r\nROUTE: sip:g@h\r\n" END);
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		assert_int_equal(message_name_addr_next(&m, "Route", &cursor, &a), 1);
		assert_true(bytes_is(a.uri.all, wanted[i]));
	}
	assert_int_equal(message_name_addr_next(&m, "Route", &cursor, &a), 0);
	assert_int_equal(message_name_addr_next(&m, "Route", &cursor, &a), 0);
	message_close(&m);
}

/* After a broken one the walk goes on. */
static void test_name_addr_walk_broken(void **state)
{
	static const int wanted[] = { 1, -EBADMSG, -EBADMSG, 1, -EBADMSG, 0 };
	struct sip_name_addr a;
	struct sip_message m;
	unsigned cursor = 0;

	(void)state;
	parse(&m, WHOLE "Route: <sip:a@b>, bad, , sip:c@d\r\nRoute:\r\n" END);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		assert_int_equal(message_name_addr_next(&m, "Route", &cursor, &a), wanted[i]);
	message_close(&m);
}

static void test_expires(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} rows[] = {
		{ WHOLE END, -1 },
		{ WHOLE "Expires: 0\r\n" END, 0 },
		{ WHOLE "Expires: x\r\n" END, -1 },
		{ WHOLE "Expires:\r\n" END, -1 },
		{ WHOLE "Expires: 4294967296\r\n" END, UINT32_MAX },
		{ WHOLE "Expires: 99999999999999999999999\r\n" END, UINT32_MAX },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct sip_message m;

		parse(&m, row->text);
		ROW_ASSERT(row->text, message_expires(&m) == row->want);
		message_close(&m);
	}
}

static void with_headers(unsigned extra, char *text, size_t cap)
{
	struct writer w = writer_over(text, cap - 1);

	writer_str(&w, WHOLE);
	for (unsigned i = 0; i < extra; i++)
		writer_str(&w, "X: y\r\n");
	writer_str(&w, "\r\n");
	text[w.n] = '\0';
}

static void test_header_limit(void **state)
{
	static char text[4096];
	struct message_error error;
	struct sip_message m;

	(void)state;
	with_headers(128 - 5, text, sizeof(text));
	parse(&m, text);
	message_close(&m);
	with_headers(128 - 4, text, sizeof(text));
	assert_int_equal(message_parse(&m, bytes_str(text), &error), -EBADMSG);
	assert_string_equal(error.reason, "too_many_headers");
	assert_int_equal(error.status, 400);
	message_close(&m);
}

static void test_size_limit(void **state)
{
	static char text[65536 + 1];
	struct message_error error;
	struct sip_message m;
	size_t n = strlen(WHOLE "\r\n");

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, WHOLE "\r\n", n);
	assert_int_equal(message_parse(&m, bytes_mem(text, 65535), &error), 0);
	assert_int_equal(m.body.n, 65535 - n);
	message_close(&m);
	assert_int_equal(message_parse(&m, bytes_mem(text, 65536), &error), -EBADMSG);
	assert_string_equal(error.reason, "too_large");
	assert_null(m.head);
}

/* A copy is parsed: the caller's buffer may go. */
static void test_owns_its_bytes(void **state)
{
	char text[] = WHOLE END;
	struct sip_message m;

	(void)state;
	parse(&m, text);
	memset(text, 0, sizeof(text));
	assert_true(bytes_is(m.call_id, "c1"));
	assert_true(bytes_is(m.uri.user, "1002"));
	message_close(&m);
}

static void test_methods(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SIP_UNKNOWN; i++) {
		const char *name = sip_method_name((enum sip_method)i);

		assert_int_equal(sip_method_parse(bytes_str(name)), i);
	}
	assert_int_equal(sip_method_parse(BYTES_LIT("invite")), SIP_UNKNOWN);
	assert_int_equal(sip_method_parse(BYTES_LIT("unknown")), SIP_UNKNOWN);
	assert_int_equal(sip_method_parse(BYTES_LIT("")), SIP_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_header_names),
		cmocka_unit_test(test_name_addr_walk),
		cmocka_unit_test(test_name_addr_walk_broken),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_header_limit),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_owns_its_bytes),
		cmocka_unit_test(test_methods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
