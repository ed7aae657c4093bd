/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates by INFO (RFC 8840): what a body may be, and that none of it reaches the other party. */
#include <errno.h>

#include "base/metric.h"
#include "sig/leg/trickle.h"
#include "tests/unit/sig/line.h"

#define KEYS "a=ice-ufrag:qX3f\r\na=ice-pwd:by3GZGG1lboN4xEHfvYRHkFQ\r\n"
#define LINE "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
#define HOST                                                                                  \
	"a=candidate:842163049 1 udp 1677729535 192.0.2.11 4000 typ host generation 0 ufrag " \
	"qX3f\r\n"
#define TYPE "Content-Type: application/trickle-ice-sdpfrag\r\n"
#define INFO "Info-Package: trickle-ice\r\nContent-Disposition: Info-Package\r\n" TYPE
#define WEB                                                                                      \
	"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"                                    \
	"m=audio 9 UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 0.0.0.0\r\n" KEYS "a=ice-options:trickle\r\n" \
	"a=fingerprint:sha-256 "                                                                 \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"                                       \
	"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n"                                    \
	"a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\n"

static void bodies(void **state)
{
	static const struct {
		const char *name, *body;
		int want;
	} rows[] = {
		{ "a candidate", KEYS LINE HOST, 0 },
		{ "the last one", KEYS LINE HOST "a=end-of-candidates\r\n", 0 },
		{ "nothing but the end", KEYS "a=end-of-candidates\r\n", 0 },
		{ "credentials of the line", LINE KEYS HOST, 0 },
		{ "of a restart", "a=ice-ufrag:zzzz\r\na=ice-pwd:0123456789012345678901\r\n", 0 },
		{ "two lines", KEYS LINE HOST "m=video 9 RTP/AVP 96\r\na=mid:1\r\n" HOST, 0 },
		{ "lines of Unix",
		  "a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\nm=audio 9 RTP/AVP "
		  "0\na=mid:0\n",
		  0 },
		{ "no end of line", KEYS "a=end-of-candidates", 0 },
		{ "a name",
		  KEYS LINE "a=candidate:1 1 UDP 1 8c9b1c3a-1f0e.local 50000 typ host\r\n", 0 },
		{ "over TCP",
		  KEYS LINE "a=candidate:1 1 tcp 1 2001:db8::1 9 typ host tcptype active\r\n", 0 },
		{ "reflexive",
		  KEYS LINE
		  "a=candidate:+/a 256 udp 4294967295 1.2.3.4 65535 typ srflx raddr 0.0.0.0 "
		  "rport 0\r\n",
		  0 },
		{ "attributes of others", KEYS "a=x\r\na=y:z\r\n", 0 },
		{ "empty", "", -EBADMSG },
		{ "no credentials", LINE HOST, -EBADMSG },
		{ "no password", "a=ice-ufrag:abcd\r\n" LINE HOST, -EBADMSG },
		{ "no name", "a=ice-pwd:0123456789012345678901\r\n" LINE HOST, -EBADMSG },
		{ "short name", "a=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n",
		  -EBADMSG },
		{ "short password", "a=ice-ufrag:abcd\r\na=ice-pwd:012345678901234567890\r\n",
		  -EBADMSG },
		{ "blank in a name", "a=ice-ufrag:ab cd\r\na=ice-pwd:0123456789012345678901\r\n",
		  -EBADMSG },
		{ "a candidate of no line", KEYS HOST, -EBADMSG },
		{ "an empty line", KEYS "\r\n", -EBADMSG },
		{ "a whole description", "v=0\r\n" KEYS, -EBADMSG },
		{ "no attribute", KEYS "a=\r\n", -EBADMSG },
		{ "no value", KEYS "a=:x\r\n", -EBADMSG },
		{ "no medium", KEYS "m=\r\n", -EBADMSG },
		{ "a return", KEYS "a=x\ry\r\n", -EBADMSG },
		{ "foundation", KEYS LINE "a=candidate:- 1 udp 1 1.2.3.4 1 typ host\r\n",
		  -EBADMSG },
		{ "long foundation",
		  KEYS LINE "a=candidate:012345678901234567890123456789012 1 udp 1 1.2.3.4 1 typ "
			    "host\r\n",
		  -EBADMSG },
		{ "component", KEYS LINE "a=candidate:1 257 udp 1 1.2.3.4 1 typ host\r\n",
		  -EBADMSG },
		{ "transport", KEYS LINE "a=candidate:1 1  1 1.2.3.4 1 typ host\r\n", -EBADMSG },
		{ "priority", KEYS LINE "a=candidate:1 1 udp 4294967296 1.2.3.4 1 typ host\r\n",
		  -EBADMSG },
		{ "port", KEYS LINE "a=candidate:1 1 udp 1 1.2.3.4 65536 typ host\r\n", -EBADMSG },
		{ "typ", KEYS LINE "a=candidate:1 1 udp 1 1.2.3.4 1 type host\r\n", -EBADMSG },
		{ "no type", KEYS LINE "a=candidate:1 1 udp 1 1.2.3.4 1 typ\r\n", -EBADMSG },
		{ "no candidate", KEYS LINE "a=candidate\r\n", -EBADMSG },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		ROW_ASSERT(row->name, trickle_check(bytes_str(row->body)) == row->want);
	}
}

static void size(void **state)
{
	static char body[TRICKLE_MAX + 1];
	size_t n = sizeof(KEYS) - 1;

	(void)state;
	memset(body, 'x', sizeof(body));
	memcpy(body, KEYS "a=", n + 2);
	assert_int_equal(trickle_check(bytes_mem(body, TRICKLE_MAX)), 0);
	assert_int_equal(trickle_check(bytes_mem(body, TRICKLE_MAX + 1)), -EMSGSIZE);
}

/* ---- in calls of a browser with a phone ---- */

static void ring(struct line *l)
{
	struct shard_extension e = rig_extension("1001", false);

	e.webrtc = WEBRTC_ALWAYS;
	assert_int_equal(shard_extension_put(l->r->shard, &e), 0);
	phone_invite(&l->a, "1002", WEB);
	phone_answer(&l->b, phone_rings(&l->b), "180 Ringing", "");
	assert_true(phone_hears(&l->a, "SIP/2.0 180").n);
}

static void talk(struct line *l)
{
	ring(l);
	phone_answer(&l->b, l->b.invite, "200 OK", PHONE_SDP_B);
	assert_true(phone_hears(&l->a, "SIP/2.0 200").n);
	phone_ack(&l->a);
	assert_int_equal(rig_counts(l->r).calls_established, 1);
}

static struct bytes answer(struct line *l, struct phone *to, const char *headers, const char *body)
{
	phone_request(to, "INFO", headers, body);
	for (;;) {
		struct bytes m = rig_take(l->r, &to->addr, "SIP/2.0 ");

		if (m.n == 0 || rig_has(m, " INFO\r\n"))
			return m;
	}
}

static void it_ends_here(void **state)
{
	static const struct {
		const char *name, *headers, *body, *status;
	} rows[] = {
		{ "of the package", INFO, KEYS LINE HOST, "SIP/2.0 200 OK\r\n" },
		{ "of an ICE restart", INFO,
		  "a=ice-ufrag:zzzz\r\na=ice-pwd:0123456789012345678901\r\n" LINE HOST,
		  "SIP/2.0 200 OK\r\n" },
		{ "without the package's name", TYPE, KEYS LINE HOST, "SIP/2.0 200 OK\r\n" },
		{ "names have parameters and any case",
		  "info-package: Trickle-ICE;x=y\r\n"
		  "Content-Type: Application/Trickle-Ice-SDPfrag;charset=utf-8\r\n",
		  KEYS "a=end-of-candidates\r\n", "SIP/2.0 200 OK\r\n" },
		{ "malformed", INFO, LINE HOST, "SIP/2.0 400 Bad Request\r\n" },
		{ "no body", "Info-Package: trickle-ice\r\n", "",
		  "SIP/2.0 415 Unsupported Media Type\r\n" },
		{ "another type", "Info-Package: trickle-ice\r\nContent-Type: application/sdp\r\n",
		  KEYS, "SIP/2.0 415 Unsupported Media Type\r\n" },
		{ "compressed", INFO "Content-Encoding: gzip\r\n", KEYS,
		  "SIP/2.0 415 Unsupported Media Type\r\n" },
	}, *row;
	struct line *l = *state;

	talk(l);
	EACH_ROW(row, rows)
	{
		struct bytes m = answer(l, &l->a, row->headers, row->body);

		ROW_ASSERT(row->name, bytes_starts(m, row->status));
		ROW_ASSERT(row->name, rig_count(l->r, &l->b.addr, "INFO ") == 0);
	}
	phone_request(&l->a, "BYE", "", "");
	line_assert_cdr(l, 200, 16, ENDED_BY_A);
}

/* It trickles as soon as it knows that the dialog is there (RFC 8840 4.3). */
static void while_it_rings(void **state)
{
	struct line *l = *state;

	ring(l);
	assert_true(bytes_starts(answer(l, &l->a, INFO, KEYS LINE HOST), "SIP/2.0 200"));
	assert_int_equal(rig_count(l->r, &l->b.addr, "INFO "), 0);
}

/* A phone without ICE has none to send (RFC 6086 4.2.2). */
static void of_a_phone(void **state)
{
	uint64_t before = metric_value(metric_register(METRIC_COUNTER, "tandem_sip_refused_total",
						       "reason=\"body\"",
						       "SIP requests refused, by reason."));
	struct line *l = *state;
	struct bytes m;

	talk(l);
	m = answer(l, &l->b, INFO, KEYS LINE HOST);
	assert_true(bytes_starts(m, "SIP/2.0 469 Bad Info Package\r\n"));
	assert_true(rig_has(m, "Recv-Info:\r\n"));
	assert_int_equal(rig_count(l->r, &l->a.addr, "INFO "), 0);
	assert_int_equal(metric_value(metric_register(METRIC_COUNTER, "tandem_sip_refused_total",
						      "reason=\"body\"",
						      "SIP requests refused, by reason.")),
			 before + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),  cmocka_unit_test(size), LINE_TEST(it_ends_here),
		LINE_TEST(while_it_rings), LINE_TEST(of_a_phone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
