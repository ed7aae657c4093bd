/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "tests/unit/test.h"

#include "sig/sip/message.h"

#define REST                                                                     \
	"From: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 1 " \
	"INVITE\r\nMax-Forwards: 70\r\n"
#define LINE "INVITE sip:c@d SIP/2.0\r\n"

static const struct addr SOURCE = { .ip = { 192, 0, 2, 99 }, .port = 40000, .family = ADDR_V4 };

static struct bytes write(struct sip_message *m, const struct addr *source, char *out, size_t cap)
{
	struct writer w = writer_over(out, cap);

	m->hop.remote = *source;
	message_write_response(&w, m, 486, NULL, BYTES_LIT("ours"), BYTES_LIT("Server: t\r\n"),
			       bytes_str(NULL), bytes_str(NULL));
	message_close(m);
	assert_false(w.overflow);
	return writer_done(&w);
}

/* Parses and answers; the answer in `out`. What is answered later is answered alike. */
static struct bytes answer(const char *request, const struct addr *source, char *out, size_t cap)
{
	struct bytes text = bytes_str(request), first, later;
	char again[4096];
	struct message_error error;
	struct sip_message m;
	int err = message_parse(&m, text, &error);

	if (err && error.status == 0)
		fail_msg("refused as %s", error.reason);
	first = write(&m, source, out, cap);
	if (!err) {
		assert_int_equal(message_parse_kept(&m, text), 0);
		later = write(&m, source, again, sizeof(again));
		assert_true(bytes_eq(first, later));
	}
	return first;
}

static void test_whole(void **state)
{
	char out[2048];
	struct bytes have = answer(LINE "v: SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx\r\n" REST
					"Contact: <sip:a@x>\r\nRecord-Route: <sip:p;lr>\r\n\r\n",
				   &SOURCE, out, sizeof(out));

	(void)state;
	assert_true(bytes_is(have, "SIP/2.0 486 Busy Here\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.99:5070;branch=z9hG4bKx\r\n"
				   "From: \"A\" <sip:a@b>;tag=1\r\n"
				   "To: <sip:c@d>;tag=ours\r\n"
				   "Call-ID: i\r\n"
				   "CSeq: 1 INVITE\r\n"
				   "Server: t\r\n"
				   "Content-Length: 0\r\n\r\n"));
}

/* RFC 3261 18.2.1, RFC 3581 4, RFC 5118 4.5 */
static void test_via(void **state)
{
	static const struct addr v6 = { .ip = { 0x20, 1, 0xd, 0xb8, [15] = 9 },
					.port = 5090,
					.family = ADDR_V6 };
	static const struct {
		const char *name, *via, *want;
		const struct addr *source;
	} rows[] = {
		{ "same address", "SIP/2.0/UDP 192.0.2.99;branch=b",
		  "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\n", &SOURCE },
		{ "other address", "SIP/2.0/UDP 10.0.0.1;branch=b",
		  "Via: SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.99\r\n", &SOURCE },
		{ "host name", "SIP/2.0/UDP pc.example.org;branch=b",
		  "Via: SIP/2.0/UDP pc.example.org;branch=b;received=192.0.2.99\r\n", &SOURCE },
		{ "rport", "SIP/2.0/UDP 192.0.2.99;rport;branch=b",
		  "Via: SIP/2.0/UDP 192.0.2.99;branch=b;received=192.0.2.99;rport=40000\r\n",
		  &SOURCE },
		{ "forged received and rport",
		  "SIP/2.0/UDP 10.0.0.1;received=8.8.8.8;rport=53;branch=b",
		  "Via: SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.99;rport=40000\r\n",
		  &SOURCE },
		{ "blanks", "SIP / 2.0 / UDP  10.0.0.1 : 5070 ; branch = b ;ttl=1",
		  "Via: SIP/2.0/UDP 10.0.0.1 : 5070;branch = b;ttl=1;received=192.0.2.99\r\n",
		  &SOURCE },
		{ "quoted parameter", "SIP/2.0/UDP 192.0.2.99;branch=b;x=\"a;b\"",
		  "Via: SIP/2.0/UDP 192.0.2.99;branch=b;x=\"a;b\"\r\n", &SOURCE },
		{ "IPv6", "SIP/2.0/UDP [2001:db8::1]:5070;rport;branch=b",
		  "Via: SIP/2.0/UDP [2001:db8::1]:5070;branch=b;received=2001:db8::9;rport=5090\r\n",
		  &v6 },
		{ "IPv6, same address", "SIP/2.0/UDP [2001:DB8:0::9];branch=b",
		  "Via: SIP/2.0/UDP [2001:DB8:0::9];branch=b\r\n", &v6 },
		{ "several", "SIP/2.0/UDP 192.0.2.99;branch=b , SIP/2.0/TCP x;branch=c",
		  "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\nVia: SIP/2.0/TCP x;branch=c\r\n",
		  &SOURCE },
		{ "broken goes back as it came", "SIP/2.0/UDP 10.0.0.1;;branch=b",
		  "Via: SIP/2.0/UDP 10.0.0.1;;branch=b\r\n", &SOURCE },
		{ "folded", "SIP/2.0/UDP 10.0.0.1;\r\n branch=b",
		  "Via: SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.99\r\n", &SOURCE },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char request[1024];
		char out[2048];
		struct bytes have;

		(void)snprintf(request, sizeof(request), LINE "Via: %s\r\n" REST "\r\n", row->via);
		have = answer(request, row->source, out, sizeof(out));
		have = bytes_from(have, strlen("SIP/2.0 486 Busy Here\r\n"));
		if (!bytes_starts(have, row->want))
			fail_msg("%s: " BYTES_FMT, row->name, BYTES_ARG(have));
	}
}

/* All Vias, in order, also those of further lines. */
static void test_all_vias(void **state)
{
	char out[2048];
	struct bytes have =
		answer(LINE
		       "Via: SIP/2.0/UDP 192.0.2.99;branch=a\r\nX: y\r\nv: SIP/2.0/TCP h;branch=b,"
		       "SIP/2.0/X i\r\nVIA: SIP/2.0/TLS j;branch=d\r\n" REST "\r\n",
		       &SOURCE, out, sizeof(out));

	(void)state;
	have = bytes_from(have, strlen("SIP/2.0 486 Busy Here\r\n"));
	assert_true(bytes_starts(have, "Via: SIP/2.0/UDP 192.0.2.99;branch=a\r\n"
				       "Via: SIP/2.0/TCP h;branch=b,SIP/2.0/X i\r\n"
				       "Via: SIP/2.0/TLS j;branch=d\r\nFrom: "));
}

static void test_to_tag_stays(void **state)
{
	char out[2048];
	struct bytes have = answer(
		"BYE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=b\r\nf: <sip:a@b>;tag=1\r\n"
		"t: <sip:c@d>;tag=theirs\r\ni: i\r\nCSeq: 2 BYE\r\n\r\n",
		&SOURCE, out, sizeof(out));

	(void)state;
	assert_non_null(memmem(have.p, have.n, "\r\nTo: <sip:c@d>;tag=theirs\r\n", 28));
}

/* What is missing in a refused request is missing in its answer. */
static void test_answer_to_broken(void **state)
{
	char out[2048];
	struct bytes have =
		answer("INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.99;branch=b\r\n"
		       "To: bad\r\nCSeq: 9 INVITE\r\n\r\n",
		       &SOURCE, out, sizeof(out));

	(void)state;
	assert_true(bytes_is(have, "SIP/2.0 486 Busy Here\r\n"
				   "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\n"
				   "To: bad\r\nCSeq: 9 INVITE\r\nServer: t\r\n"
				   "Content-Length: 0\r\n\r\n"));
}

/* A CR alone does not come back: to some it ends a line. */
static void test_kept_is_broken(void **state)
{
	static const char *const rows[] = {
		LINE REST "\r\n",
		LINE "Via: SIP/2.0/UDP\r\n" REST "\r\n",
		LINE "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\nTo: <sip:c@\r\n\r\n",
		LINE "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\n" REST,
		"",
	};
	struct sip_message m;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		ROW_ASSERT(rows[i], message_parse_kept(&m, bytes_str(rows[i])) == -EBADMSG);
		ROW_ASSERT(rows[i], !m.head);
	}
}

static void test_bare_cr(void **state)
{
	char out[2048];
	struct bytes have =
		answer(LINE "Via: SIP/2.0/UDP 192.0.2.99;branch=b\r\nFrom: a\rX: y\r\n\r\n",
		       &SOURCE, out, sizeof(out));

	(void)state;
	assert_non_null(memmem(have.p, have.n, "\r\nFrom: a X: y\r\n", 16));
}

static void test_body(void **state)
{
	char out[1024];
	struct writer w = writer_over(out, sizeof(out));
	struct message_error error;
	struct sip_message m;
	struct bytes have;

	(void)state;
	assert_int_equal(
		message_parse(&m, BYTES_LIT(LINE "Via: SIP/2.0/UDP h;branch=b\r\n" REST "\r\n"),
			      &error),
		0);
	message_write_response(&w, &m, 183, "Own Phrase", BYTES_LIT("t"), bytes_str(NULL),
			       BYTES_LIT("application/sdp"), BYTES_LIT("v=0\r\n"));
	have = writer_done(&w);
	assert_true(bytes_starts(have, "SIP/2.0 183 Own Phrase\r\n"));
	assert_non_null(memmem(have.p, have.n,
			       "CSeq: 1 INVITE\r\nContent-Type: application/sdp\r\n"
			       "Content-Length: 5\r\n\r\nv=0\r\n",
			       73));
	message_close(&m);
}

static void test_response_hop(void **state)
{
	static const struct {
		const char *name, *via;
		uint16_t port;
	} rows[] = {
		{ "rport: source port", "SIP/2.0/UDP h:5070;rport;branch=b", 40000 },
		{ "rport with a value", "SIP/2.0/UDP h:5070;rport=1;branch=b", 40000 },
		{ "sent-by port", "SIP/2.0/UDP h:5070;branch=b", 5070 },
		{ "no port", "SIP/2.0/UDP h;branch=b", 5060 },
		{ "maddr is not followed", "SIP/2.0/UDP h;maddr=203.0.113.1;branch=b", 5060 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct message_error error;
		struct sip_message m;
		struct sip_hop hop;
		char request[1024];

		(void)snprintf(request, sizeof(request), LINE "Via: %s\r\n" REST "\r\n", row->via);
		ROW_ASSERT(row->name, message_parse(&m, bytes_str(request), &error) == 0);
		m.hop = (struct sip_hop){ .local = 3, .remote = SOURCE };
		message_response_hop(&m, &hop);
		ROW_ASSERT(row->name, hop.local == 3 && addr_ip_eq(&hop.remote, &SOURCE));
		ROW_ASSERT(row->name, hop.remote.port == row->port);
		message_close(&m);
	}
}

/* RFC 3261 18.2.2: the connection it came on; without that the port of sent-by, unless sent-by is not where it came from. */
static void test_response_hop_of_stream(void **state)
{
	static const struct {
		const char *name, *via;
		enum sip_transport transport;
		uint16_t port;
		bool inbound;
	} rows[] = {
		{ "its own address", "SIP/2.0/TCP 192.0.2.99:5070;rport;branch=b", SIP_TCP, 5070,
		  false },
		{ "no port", "SIP/2.0/TCP 192.0.2.99;branch=b", SIP_TCP, 5060, false },
		{ "TLS", "SIP/2.0/TLS 192.0.2.99;branch=b", SIP_TLS, 5061, false },
		{ "behind NAT", "SIP/2.0/TCP 10.0.0.5:5070;branch=b", SIP_TCP, 40000, true },
		{ "a name", "SIP/2.0/TCP h:5070;branch=b", SIP_TCP, 40000, true },
		{ "a browser", "SIP/2.0/WS x.invalid;branch=b", SIP_WS, 40000, true },
		{ "what it says", "SIP/2.0/WSS 192.0.2.99:443;branch=b", SIP_WSS, 40000, true },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct message_error error;
		struct sip_message m;
		struct sip_hop hop;
		char request[1024];

		(void)snprintf(request, sizeof(request), LINE "Via: %s\r\n" REST "\r\n", row->via);
		ROW_ASSERT(row->name, message_parse(&m, bytes_str(request), &error) == 0);
		m.hop = (struct sip_hop){ .transport = row->transport,
					  .local = 3,
					  .remote = SOURCE,
					  .connection = 9,
					  .inbound = true };
		message_response_hop(&m, &hop);
		ROW_ASSERT(row->name, hop.connection == 9 && hop.transport == row->transport);
		ROW_ASSERT(row->name, addr_ip_eq(&hop.remote, &SOURCE));
		ROW_ASSERT(row->name, hop.remote.port == row->port && hop.inbound == row->inbound);
		message_close(&m);
	}
}

static void test_reasons(void **state)
{
	(void)state;
	assert_string_equal(sip_reason(200), "OK");
	assert_string_equal(sip_reason(481), "Call/Transaction Does Not Exist");
	assert_string_equal(sip_reason(299), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_via),
		cmocka_unit_test(test_all_vias),
		cmocka_unit_test(test_to_tag_stays),
		cmocka_unit_test(test_answer_to_broken),
		cmocka_unit_test(test_kept_is_broken),
		cmocka_unit_test(test_bare_cr),
		cmocka_unit_test(test_body),
		cmocka_unit_test(test_response_hop),
		cmocka_unit_test(test_response_hop_of_stream),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
