/* SPDX-License-Identifier: Apache-2.0 */
/* What an external recorder is told (RFC 7866 7.1.1, RFC 7865 9), and what its answer means (REC-02). */
#include <errno.h>

#include "base/rand.h"
#include "media/crypto.h"
#include "sig/pbx/recording/siprec_body.h"
#include "sig/sip/body.h"
#include "tests/unit/test.h"

#define SAID                                                               \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" \
	"t=0 0\r\nm=audio 20000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"         \
	"a=ptime:20\r\na=crypto:1 secret\r\na=sendrecv\r\n"

static const struct addr g_here = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 } };

static struct siprec_talk talk_of(void)
{
	struct siprec_talk t = {
		.call = 0x000123456789abcd,
		.number = 1,
		.begun_utc_ms = 1764030000123,
		.address = &g_here,
		.port = { 20010, 20012 },
		.session_id = 7,
		.version = 2,
	};

	for (unsigned i = 0; i < FORK_STREAMS; i++)
		t.party[i] =
			(struct siprec_party){ .there = true,
					       .speaks = true,
					       .id = (uint8_t)i,
					       .user = i ? BYTES_LIT("1002") : BYTES_LIT("1001"),
					       .host = BYTES_LIT("example.org"),
					       .local = BYTES_LIT(SAID),
					       .since_utc_ms = 1764030001000 };
	return t;
}

static struct bytes sdp_of(const struct siprec_talk *t, char *out, size_t n)
{
	struct writer w = writer_over(out, n);

	siprec_write_sdp(&w, t);
	assert_false(w.overflow);
	return writer_done(&w);
}

static struct bytes metadata_of(const struct siprec_talk *t, char *out, size_t n)
{
	struct writer w = writer_over(out, n);

	siprec_write_metadata(&w, t);
	assert_false(w.overflow);
	return writer_done(&w);
}

static bool text_has(struct bytes text, const char *part)
{
	return text.n && memmem(text.p, text.n, part, strlen(part)) != NULL;
}

static size_t count_of(struct bytes text, uint8_t c)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == c;
	return n;
}

#define ASSERT_TEXT(got, want)                             \
	do {                                               \
		struct bytes got_ = (got);                 \
		assert_int_equal(got_.n, strlen(want));    \
		assert_memory_equal(got_.p, want, got_.n); \
	} while (0)

/* ---- SDP ---- */

#define STREAM(port, label, way)                                                               \
	"m=audio " port " RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"                           \
	"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=label:" label \
	"\r\na=" way "\r\n"
#define HEAD "v=0\r\no=- 7 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static void streams(void **state)
{
	struct siprec_talk t = talk_of();
	char text[4096];

	(void)state;
	ASSERT_TEXT(sdp_of(&t, text, sizeof(text)),
		    HEAD STREAM("20010", "1", "sendonly") STREAM("20012", "2", "sendonly"));
	t.party[0].speaks = false; /* it is paused, or held */
	t.party[1].there = false;
	ASSERT_TEXT(sdp_of(&t, text, sizeof(text)),
		    HEAD STREAM("20010", "1", "inactive") "m=audio 20012 RTP/AVP 0\r\n"
							  "a=label:2\r\na=inactive\r\n");
}

/* Formats of another protocol are words that no line of RTP may have (the fuzzer found it). */
static void not_of_rtp(void **state)
{
	struct siprec_talk t = talk_of();
	char text[4096];

	(void)state;
	t.party[0].there = false;
	t.party[1].local = BYTES_LIT("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
				     "c=IN IP4 192.0.2.1\r\nm=audio 20000 RNP/AVP 8 +01\r\n");
	ASSERT_TEXT(sdp_of(&t, text, sizeof(text)),
		    HEAD "m=audio 20010 RTP/AVP 0\r\na=label:1\r\na=inactive\r\n"
			 "m=audio 20012 RTP/AVP 0\r\na=label:2\r\na=inactive\r\n");
}

static void keys(void **state)
{
	struct media_key key[FORK_STREAMS] = {
		{ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 },
		{ .suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, .length = 30 },
	};
	struct siprec_talk t = talk_of();
	struct sdp_error error;
	char text[4096];
	struct crypto c;
	uint16_t line = 0;
	struct sdp sdp;

	(void)state;
	memset(key[1].octets, 9, 30);
	t.keys = key;
	assert_int_equal(sdp_parse(&sdp, sdp_of(&t, text, sizeof(text)), &error), 0);
	for (unsigned i = 0; i < FORK_STREAMS; i++) {
		ASSERT_TEXT(sdp_slice(&sdp, sdp.sections[i + 1].proto), "RTP/SAVP");
		line = 0;
		assert_true(crypto_next(&sdp, i + 1, &line, &c)); /* ours, and not the party's */
		assert_memory_equal(c.key.octets, key[i].octets, 30);
		assert_false(crypto_next(&sdp, i + 1, &line, &c));
	}
}

/* ---- metadata ---- */

#define XML_HEAD                                                       \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n"               \
	"<recording xmlns=\"urn:ietf:params:xml:ns:recording:1\">\r\n" \
	"<datamode>complete</datamode>\r\n"
#define SESSION  "AAEjRWeJq80AAAABAAAAAA=="
#define PARTY_0  "AAEjRWeJq80AAAAAAAEAAA=="
#define PARTY_1  "AAEjRWeJq80AAAAAAAEAAQ=="
#define STREAM_0 "AAEjRWeJq80AAAABAAIAAA=="
#define STREAM_1 "AAEjRWeJq80AAAABAAIAAQ=="

static void metadata(void **state)
{
	struct siprec_talk t = talk_of();
	char text[8192];

	(void)state;
	t.party[1].name = BYTES_LIT("B & <C>");
	ASSERT_TEXT(
		metadata_of(&t, text, sizeof(text)), XML_HEAD
		"<session session_id=\"" SESSION
		"\"><start-time>2025-11-25T00:20:00.123Z</start-time>"
		"<name xmlns=\"urn:tandem:recording:1\">000938ljojaud-1</name></session>\r\n"
		"<participant participant_id=\"" PARTY_0
		"\"><nameID aor=\"sip:1001@example.org\"></nameID></participant>\r\n"
		"<participant participant_id=\"" PARTY_1
		"\"><nameID aor=\"sip:1002@example.org\"><name>B &amp; &lt;C&gt;</name></nameID>"
		"</participant>\r\n"
		"<stream stream_id=\"" STREAM_0 "\" session_id=\"" SESSION
		"\"><label>1</label></stream>\r\n"
		"<stream stream_id=\"" STREAM_1 "\" session_id=\"" SESSION
		"\"><label>2</label></stream>\r\n"
		"<sessionrecordingassoc session_id=\"" SESSION
		"\"><associate-time>2025-11-25T00:20:00.123Z</associate-time>"
		"</sessionrecordingassoc>\r\n"
		"<participantsessionassoc participant_id=\"" PARTY_0 "\" session_id=\"" SESSION
		"\"><associate-time>2025-11-25T00:20:01.000Z</associate-time>"
		"</participantsessionassoc>\r\n"
		"<participantsessionassoc participant_id=\"" PARTY_1 "\" session_id=\"" SESSION
		"\"><associate-time>2025-11-25T00:20:01.000Z</associate-time>"
		"</participantsessionassoc>\r\n"
		"<participantstreamassoc participant_id=\"" PARTY_0 "\"><send>" STREAM_0
		"</send><recv>" STREAM_1 "</recv></participantstreamassoc>\r\n"
		"<participantstreamassoc participant_id=\"" PARTY_1 "\"><send>" STREAM_1
		"</send><recv>" STREAM_0 "</recv></participantstreamassoc>\r\n"
		"</recording>\r\n");
}

/* Whom nobody may hear sends nothing, and the other one receives nothing; who is not there is not named. */
static void held(void **state)
{
	struct siprec_talk t = talk_of();
	char text[8192];
	struct bytes xml;

	(void)state;
	t.party[0].speaks = false;
	xml = metadata_of(&t, text, sizeof(text));
	assert_false(text_has(xml, "<send>" STREAM_0));
	assert_false(text_has(xml, "<recv>" STREAM_0));
	assert_true(text_has(xml, "<send>" STREAM_1));
	t.party[1].there = false;
	xml = metadata_of(&t, text, sizeof(text));
	assert_false(text_has(xml, PARTY_1));
	assert_false(text_has(xml, STREAM_1));
}

/* Texts of others: what is in them never makes an element, an attribute, or what XML has not. */
static void any_name(void **state)
{
	struct siprec_talk t = talk_of();
	struct rand_source rand;
	char plain[8192], text[16384];
	struct bytes want, got;

	(void)state;
	rand_open_seed(&rand, 7866);
	t.party[0].name = BYTES_LIT("x");
	want = metadata_of(&t, plain, sizeof(plain));
	for (int i = 0; i < 3000; i++) {
		uint8_t name[64], user[64], host[64];
		uint32_t n = 1 + rand_below(&rand, sizeof(name));

		rand_fill(&rand, name, sizeof(name));
		rand_fill(&rand, user, sizeof(user));
		rand_fill(&rand, host, sizeof(host));
		if (i % 3 == 0)
			memset(name, "<>&\"'\r\n-]"[rand_below(&rand, 9)], n);
		t.party[0].name = bytes_mem(name, n);
		t.party[0].user = bytes_mem(user, n);
		t.party[0].host = bytes_mem(host, n);
		got = metadata_of(&t, text, sizeof(text));
		assert_int_equal(count_of(got, '<'), count_of(want, '<'));
		assert_int_equal(count_of(got, '>'), count_of(want, '>'));
		assert_int_equal(count_of(got, '"'), count_of(want, '"'));
		assert_int_equal(count_of(got, '\n'), count_of(want, '\n'));
		for (size_t k = 0; k < got.n; k++)
			assert_true(got.p[k] >= ' ' || got.p[k] == '\r' || got.p[k] == '\n');
	}
}

/* ---- the body ---- */

static void two_parts(void **state)
{
	struct siprec_talk t = talk_of();
	char text[16384], type[64], part_text[8192];
	struct writer w = writer_over(text, sizeof(text)), kind = writer_over(type, sizeof(type));
	struct body_part whole, part;
	struct multipart m;
	struct bytes sdp;

	(void)state;
	t.party[0].name = BYTES_LIT("--tandem-7");
	siprec_write_body(&w, &t);
	siprec_write_type(&kind, &t);
	ASSERT_TEXT(writer_done(&kind), "multipart/mixed;boundary=tandem-7");
	whole = (struct body_part){ .type = writer_done(&kind), .octets = writer_done(&w) };
	assert_int_equal(multipart_open(&m, &whole), 0);
	assert_int_equal(multipart_next(&m, &part), 1);
	assert_true(body_part_is(&part, "application/sdp"));
	assert_int_equal(multipart_next(&m, &part), 1);
	assert_true(body_part_is(&part, "application/rs-metadata+xml"));
	ASSERT_TEXT(part.disposition, "recording-session");
	assert_int_equal(multipart_next(&m, &part), 0);
	assert_int_equal(body_session(&whole, &sdp), 0);
	assert_true(bytes_eq(sdp, sdp_of(&t, part_text, sizeof(part_text))));
}

static void too_long(void **state)
{
	struct siprec_talk t = talk_of();
	char text[500];
	struct writer w = writer_over(text, sizeof(text));

	(void)state;
	siprec_write_body(&w, &t);
	assert_true(w.overflow);
}

/* ---- answers ---- */

#define ANSWER "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

static const struct {
	const char *name, *sdp;
	bool secure;
	int err;
	uint16_t port[FORK_STREAMS]; /* 0: off */
} g_answers[] = {
	{ "both",
	  ANSWER
	  "m=audio 4000 RTP/AVP 8 101\r\na=recvonly\r\nm=audio 4002 RTP/AVP 8\r\na=recvonly\r\n",
	  false,
	  0,
	  { 4000, 4002 } },
	{ "one",
	  ANSWER "m=audio 0 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\na=recvonly\r\n",
	  false,
	  0,
	  { 0, 4002 } },
	{ "paused",
	  ANSWER "m=audio 4000 RTP/AVP 8\r\na=inactive\r\nm=audio 4002 RTP/AVP 8\r\na=inactive\r\n",
	  false,
	  0,
	  { 0, 0 } },
	{ "an address of a line",
	  ANSWER "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 192.0.2.10\r\nm=audio 4002 RTP/AVP 8\r\n",
	  false,
	  0,
	  { 4000, 4002 } },
	{ "neither",
	  ANSWER "m=audio 0 RTP/AVP 8\r\nm=audio 0 RTP/AVP 8\r\n",
	  false,
	  -ENOENT,
	  { 0 } },
	{ "one line", ANSWER "m=audio 4000 RTP/AVP 8\r\n", false, -EBADMSG, { 0 } },
	{ "three lines",
	  ANSWER "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\nm=audio 4004 RTP/AVP 8\r\n",
	  false,
	  -EBADMSG,
	  { 0 } },
	{ "a name",
	  ANSWER "m=audio 4000 RTP/AVP 8\r\nc=IN IP4 host.example\r\nm=audio 0 RTP/AVP 8\r\n",
	  false,
	  -ENOTSUP,
	  { 0 } },
	{ "plain for keys",
	  ANSWER "m=audio 4000 RTP/AVP 8\r\nm=audio 4002 RTP/AVP 8\r\n",
	  true,
	  -ENOTSUP,
	  { 0 } },
	{ "keys",
	  ANSWER "m=audio 4000 RTP/SAVP 8\r\nm=audio 4002 RTP/SAVP 8\r\n",
	  true,
	  0,
	  { 4000, 4002 } },
	{ "no SDP", "hello", false, -EBADMSG, { 0 } },
	{ "nothing", "", false, -EBADMSG, { 0 } },
};

static void answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(g_answers); i++) {
		struct media_fork fork = { 0 };
		const char *reason = NULL;
		int err;

		print_message("# %s\n", g_answers[i].name);
		err = siprec_read_answer(&fork, bytes_str(g_answers[i].sdp), g_answers[i].secure,
					 &reason);
		assert_int_equal(err, g_answers[i].err);
		assert_int_equal(reason != NULL, err != 0);
		for (unsigned s = 0; s < FORK_STREAMS; s++) {
			uint16_t port = g_answers[i].port[s];

			assert_int_equal(fork.stream[s].on, port != 0);
			assert_int_equal(fork.stream[s].remote.port, port);
		}
	}
}

/* What it does not take is not sent (RFC 3264 6.1). */
static void payload_types(void **state)
{
	struct media_fork fork;
	const char *reason;

	(void)state;
	assert_int_equal(siprec_read_answer(&fork, bytes_str(g_answers[0].sdp), false, &reason), 0);
	assert_true(fork_accepts(&fork.stream[0], 8));
	assert_true(fork_accepts(&fork.stream[0], 101));
	assert_false(fork_accepts(&fork.stream[1], 101));
	assert_false(fork_accepts(&fork.stream[0], 0));
}

/* The port above the other one, if it says nothing else (RFC 3550 11, RFC 3605). */
static void reports(void **state)
{
	static const char sdp[] =
		ANSWER "m=audio 4000 RTP/SAVP 8\r\n"
		       "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
		       "inline:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\r\n"
		       "m=audio 4002 RTP/SAVP 8\r\na=rtcp:5000 IN IP4 192.0.2.11\r\n";
	struct media_fork fork;
	const char *reason;
	struct addr other;

	(void)state;
	assert_int_equal(addr_parse(&other, BYTES_LIT("192.0.2.11:5000")), 0);
	assert_int_equal(siprec_read_answer(&fork, bytes_str(sdp), true, &reason), 0);
	assert_true(addr_ip_eq(&fork.stream[0].rtcp_remote, &fork.stream[0].remote));
	assert_int_equal(fork.stream[0].rtcp_remote.port, 4001);
	assert_true(addr_eq(&fork.stream[1].rtcp_remote, &other));
	assert_int_equal(fork.stream[0].key_in.suite, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80);
	assert_int_equal(fork.stream[0].key_in.octets[29], 1);
	assert_int_equal(fork.stream[1].key_in.suite, MEDIA_SUITE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports),       cmocka_unit_test(streams),
		cmocka_unit_test(not_of_rtp),    cmocka_unit_test(keys),
		cmocka_unit_test(metadata),      cmocka_unit_test(held),
		cmocka_unit_test(any_name),      cmocka_unit_test(two_parts),
		cmocka_unit_test(too_long),      cmocka_unit_test(answers),
		cmocka_unit_test(payload_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
