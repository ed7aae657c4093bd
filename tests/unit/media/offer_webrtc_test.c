/* SPDX-License-Identifier: Apache-2.0 */
/* Lines over DTLS, with ICE and BUNDLE or without. */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/rtp/transport_cc.h"

#define HEAD   "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define F16    "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:"
#define F32    F16 F16
#define SHA256 "a=fingerprint:sha-256 " F16 "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:01\r\n"
#define SHA384 "a=fingerprint:SHA-384 " F32 "21:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:02\r\n"
#define SHA512 \
	"a=fingerprint:sha-512 " F32 F16 "31:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff:03\r\n"
#define SHA1     "a=fingerprint:sha-1 " F16 "11:22:33:44\r\n"
#define PWD      "abcdefghijklmnopqrstuv"
#define ICE      "a=ice-ufrag:abcd\r\na=ice-pwd:" PWD "\r\n"
#define AUDIO    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtcp-mux\r\n"
#define VIDEO    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=rtpmap:96 H264/90000\r\n"
#define CC(id)   "a=extmap:" id " " TRANSPORT_CC_URI "\r\n"
#define RID_NAME "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
#define RID(id)  "a=extmap:" id " " RID_NAME "\r\n"
#define PLAIN    HEAD "m=audio 5000 RTP/AVP 0\r\n"

static struct rig g_rig;

static void begin(bool accept, bool offer)
{
	rig_init(&g_rig);
	g_rig.policy.video = true;
	rig_dtls_terms(&g_rig, accept, offer);
}

static void check_reason(const char *name, const char *reason)
{
	ROW_ASSERT(name, g_rig.err == -ENOTSUP && g_rig.error.status == 488);
	if (strcmp(g_rig.error.reason, reason) != 0)
		fail_msg("%s: %s", name, g_rig.error.reason);
}

static void check_has(const char *name, struct bytes text, const char *part)
{
	if (!rig_has(text, part))
		fail_msg("%s: no %s in\n" BYTES_FMT, name, part, BYTES_ARG(text));
}

static void check_no_layers(const char *name, struct bytes text)
{
	ROW_ASSERT(name, !rig_has(text, "a=rid") && !rig_has(text, "a=simulcast") &&
				 !rig_has(text, "SIM"));
}

static void test_refused_offers(void **state)
{
	static const struct {
		const char *name, *lines, *reason;
		struct offer_terms a;
	} rows[] = {
		{ "not accepted", AUDIO SHA256, "DTLS-SRTP is not accepted", { .sdes_accept = true } },
		{ "no certificate", AUDIO "a=setup:actpass\r\n", "no a=fingerprint that can be used", { .dtls_accept = true } },
		{ "a weak hash", AUDIO SHA1, "no a=fingerprint that can be used", { .dtls_accept = true } },
		{ "an octet less", AUDIO "a=fingerprint:sha-256 " F16 "11:22\r\n", "no a=fingerprint that can be used",
		  { .dtls_accept = true } },
		{ "an octet more", AUDIO "a=fingerprint:sha-256 " F32 "11\r\n", "no a=fingerprint that can be used",
		  { .dtls_accept = true } },
		{ "held connection", AUDIO SHA256 "a=setup:holdconn\r\n", "a=setup sets up nothing", { .dtls_accept = true } },
		{ "over TCP", "m=audio 9 TCP/DTLS/RTP/SAVPF 0\r\n" SHA256, "transport is not relayed", { .dtls_accept = true } },
		{ "plain", "m=audio 4000 RTP/AVP 0\r\n", "only DTLS-SRTP is accepted",
		  { .dtls_accept = true, .dtls_only = true } },
		{ "SDES", "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_P "\r\n",
		  "only DTLS-SRTP is accepted", { .dtls_accept = true, .dtls_only = true, .sdes_accept = true } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[1024];

		begin(false, false);
		g_rig.policy.a = row->a;
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->lines);
		rig_offer(&g_rig, bytes_str(offer));
		check_reason(row->name, row->reason);
	}
}

/* What A says of its transport, and the answer. */
static void test_offers(void **state)
{
	static const struct {
		const char *name, *session, *lines;
		enum media_dtls_role role;
		bool ice;
		enum media_hash hash;
		uint8_t last; /* octet of the certificate's hash */
		const char *answer, *none;
	} rows[] = {
		{ "actpass", "", ICE SHA256 "a=setup:actpass\r\n", DTLS_SERVER, true, MEDIA_HASH_SHA256, 1,
		  "a=setup:passive\r\n", "zzz" },
		{ "active", "", ICE SHA256 "a=setup:active\r\n", DTLS_SERVER, true, MEDIA_HASH_SHA256, 1,
		  "a=setup:passive\r\n", "zzz" },
		{ "passive", "", ICE SHA256 "a=setup:passive\r\n", DTLS_CLIENT, true, MEDIA_HASH_SHA256, 1,
		  "a=setup:active\r\n", "zzz" },
		{ "no role", "", ICE SHA256, DTLS_SERVER, true, MEDIA_HASH_SHA256, 1, "a=setup:passive\r\n", "zzz" },
		{ "for the session", ICE SHA256 "a=setup:passive\r\n", "", DTLS_CLIENT, true, MEDIA_HASH_SHA256, 1,
		  "a=setup:active\r\n", "zzz" },
		{ "the line before the session", SHA512, ICE SHA256, DTLS_SERVER, true, MEDIA_HASH_SHA256, 1, "a=setup", "zzz" },
		{ "the strongest", "", ICE SHA1 SHA384 SHA512 SHA256, DTLS_SERVER, true, MEDIA_HASH_SHA512, 3, "a=setup", "zzz" },
		{ "the strongest that is whole", "", ICE SHA256 SHA384 "a=fingerprint:sha-512 " F32 F16 "\r\n", DTLS_SERVER, true,
		  MEDIA_HASH_SHA384, 2, "a=setup", "zzz" },
		{ "ICE", "", ICE SHA256, DTLS_SERVER, true, MEDIA_HASH_SHA256, 1,
		  "a=ice-ufrag:00000000\r\na=ice-pwd:000000000000000000000000\r\n"
		  "a=candidate:1 1 UDP 2130706431 203.0.113.1 30000 typ host\r\na=end-of-candidates\r\n", "zzz" },
		{ "ICE, for the session", "", ICE SHA256, DTLS_SERVER, true, MEDIA_HASH_SHA256, 1,
		  "t=0 0\r\na=ice-lite\r\na=ice-options:ice2\r\nm=audio 30000 UDP/TLS/RTP/SAVPF 0\r\n", "zzz" },
		{ "no ICE", "", SHA256, DTLS_SERVER, false, MEDIA_HASH_SHA256, 1, "a=setup", "a=ice-" },
		{ "both are lite", "a=ice-lite\r\n", ICE SHA256, DTLS_SERVER, false, MEDIA_HASH_SHA256, 1, "a=setup", "a=ice-" },
		{ "a short password", "", "a=ice-ufrag:abcd\r\na=ice-pwd:abc\r\n" SHA256, DTLS_SERVER, false, MEDIA_HASH_SHA256, 1,
		  "a=setup", "a=ice-" },
		{ "a password of other characters", "", "a=ice-ufrag:ab-d\r\na=ice-pwd:" PWD "\r\n" SHA256, DTLS_SERVER, false,
		  MEDIA_HASH_SHA256, 1, "a=setup", "a=ice-" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct media_side *side = &g_rig.plan.line[0].a;
		char offer[2048];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer), HEAD "%s" AUDIO "%s", row->session,
			       row->lines);
		rig_exchange(&g_rig, bytes_str(offer), BYTES_LIT(PLAIN));
		if (g_rig.err)
			fail_msg("%s: %s", row->name, g_rig.error.reason);
		ROW_ASSERT(row->name, side->dtls == row->role && side->ice == row->ice);
		ROW_ASSERT(row->name, !side->ice_name == !row->ice);
		ROW_ASSERT(row->name, side->fingerprint.hash == row->hash);
		ROW_ASSERT(row->name, side->fingerprint.octets[16 * row->hash + 15] == row->last);
		ROW_ASSERT(row->name, side->mux && !side->key_in.suite && !side->key_out.suite);
		check_has(row->name, g_rig.answer_a, row->answer);
		ROW_ASSERT(row->name, !rig_has(g_rig.answer_a, row->none));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "ice") &&
					      !rig_has(g_rig.offer_b, "fingerprint") &&
					      rig_has(g_rig.offer_b, "m=audio 40000 RTP/AVP 0"));
	}
}

/* An UPDATE of the other party is answered by what the browser had offered: the roles stay as they were agreed. */
static void test_by_an_offer_of_the_browser(void **state)
{
	static const char *const setups[] = { "a=setup:actpass\r\n", "a=setup:passive\r\n" };
	static uint8_t said[8192], space[8192];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(setups); i++) {
		struct writer w = writer_over(space, sizeof(space));
		struct offer_of_other other = { .theirs = true };
		char offer[2048];
		uint8_t role;

		begin(true, false);
		(void)snprintf(offer, sizeof(offer), HEAD AUDIO ICE SHA256 "%s", setups[i]);
		rig_exchange(&g_rig, bytes_str(offer), BYTES_LIT(PLAIN));
		role = g_rig.plan.line[0].a.dtls;
		memcpy(said, g_rig.answer_a.p, g_rig.answer_a.n);
		other.said = bytes_mem(said, g_rig.answer_a.n);
		other.heard = bytes_str(offer);
		g_rig.policy.b.dtls_accept = true;
		assert_int_equal(offer_answer_by(BYTES_LIT(PLAIN), &other, &g_rig.policy,
						 &g_rig.to_b, &w, &g_rig.plan, &g_rig.error),
				 0);
		assert_int_equal(g_rig.plan.line[0].b.dtls, role);
		assert_int_equal(g_rig.plan.line[0].a.dtls, DTLS_NONE);
	}
}

/* RFC 8840 4.1.1, 8839 4.2.1: what is not known yet is not an address, nor a hold. */
static void test_addresses(void **state)
{
	static const struct {
		const char *name, *connection, *transport, *address;
		uint8_t receives;
	} rows[] = {
		{ "none yet", "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n", ICE, "none", 1 },
		{ "held", "c=IN IP4 0.0.0.0\r\na=sendonly\r\n", ICE, "none", 0 },
		{ "a name", "c=IN IP4 5ac0ea02.local\r\n", ICE, "none", 1 },
		{ "the port is none yet", "", ICE, "none", 1 },
		{ "the hold of RFC 2543", "c=IN IP4 0.0.0.0\r\n", "", "none", 0 },
		{ "no ICE", "", "", "192.0.2.1:9", 1 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct media_side *side = &g_rig.plan.line[0].a;
		char offer[1024], text[ADDR_TEXT_MAX];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer),
			       HEAD "m=audio 9 UDP/TLS/RTP/SAVP 0\r\n%sa=rtcp-mux\r\n%s" SHA256,
			       row->connection, row->transport);
		rig_exchange(&g_rig, bytes_str(offer), BYTES_LIT(PLAIN));
		ROW_ASSERT(row->name, g_rig.err == 0);
		assert_string_equal(addr_text(&side->rtp, text), row->address);
		ROW_ASSERT(row->name, side->receives == row->receives);
		check_has(row->name, g_rig.answer_a, "UDP/TLS/RTP/SAVP 0");
	}
}

static void test_answers(void **state)
{
	static const struct {
		const char *name, *lines, *reason;
		enum media_dtls_role role;
		bool ice;
	} rows[] = {
		{ "active", AUDIO ICE SHA256 "a=setup:active\r\n", NULL, DTLS_SERVER, true },
		{ "passive", AUDIO ICE SHA256 "a=setup:passive\r\n", NULL, DTLS_CLIENT, true },
		{ "no role", AUDIO ICE SHA256, NULL, DTLS_CLIENT, true },
		{ "no ICE", AUDIO SHA256 "a=setup:active\r\n", NULL, DTLS_SERVER, false },
		{ "no feedback", "m=audio 9 UDP/TLS/RTP/SAVP 0\r\na=rtcp-mux\r\n" SHA256, NULL, DTLS_CLIENT, false },
		{ "no choice", AUDIO ICE SHA256 "a=setup:actpass\r\n", "a=setup of the answer is none", DTLS_NONE, false },
		{ "no certificate", AUDIO ICE "a=setup:active\r\n", "no a=fingerprint that can be used", DTLS_NONE, false },
		{ "plain", "m=audio 5000 RTP/AVP 0\r\n", "another transport profile than offered", DTLS_NONE, false },
		{ "SDES", "m=audio 5000 RTP/SAVPF 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" RIG_KEY_Q "\r\n",
		  "another transport profile than offered", DTLS_NONE, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		const struct media_side *side = &g_rig.plan.line[0].b;
		char answer[1024];

		begin(false, true);
		(void)snprintf(answer, sizeof(answer), HEAD "%s", row->lines);
		rig_exchange(&g_rig, BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\n"),
			     bytes_str(answer));
		check_has(row->name, g_rig.offer_b, "a=setup:actpass\r\n");
		if (row->reason) {
			check_reason(row->name, row->reason);
			continue;
		}
		ROW_ASSERT(row->name, g_rig.err == 0 && side->dtls == row->role);
		ROW_ASSERT(row->name, side->ice == row->ice && side->mux);
		ROW_ASSERT(row->name, side->fingerprint.octets[31] == 1);
	}
}

/* RFC 9143 7.1.3 is not kept: browsers repeat the transport in lines that are carried, and Firefox dies without. */
static void test_carried(void **state)
{
	(void)state;
	begin(true, false);
	rig_exchange(&g_rig,
		     BYTES_LIT(HEAD "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" ICE SHA256
				    "m=audio 0 UDP/TLS/RTP/SAVPF "
				    "0\r\na=rtcp-mux\r\na=mid:1\r\na=bundle-only\r\n"),
		     BYTES_LIT(PLAIN "m=audio 5002 RTP/AVP 0\r\n"));
	assert_int_equal(g_rig.err, 0);
	check_has("carried", g_rig.answer_a,
		  "m=audio 30000 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=msid:5 5-1\r\na=ssrc:30002 "
		  "cname:5\r\n"
		  "a=ice-ufrag:00000000\r\na=ice-pwd:000000000000000000000000\r\na=fingerprint:sha-"
		  "256 30:30:");
}

/* Without a name in each packet nobody could tell two lines of the same codecs apart. */
static void test_same_numbers(void **state)
{
	static const char mid[] = "a=extmap:5/recvonly urn:ietf:params:rtp-hdrext:sdes:mid\r\n";
	static const struct {
		const char *name, *group, *second, *extension;
		uint8_t id;
	} rows[] = {
		{ "the same", "a=group:BUNDLE 0 1\r\n", "0", "5", 5 },
		{ "with a direction", "a=group:BUNDLE 0 1\r\n", "0", "5/sendrecv", 5 },
		{ "others", "a=group:BUNDLE 0 1\r\n", "8", "5", 0 },
		{ "each its own transport", "", "0", "5", 0 },
		{ "too high for one octet", "a=group:BUNDLE 0 1\r\n", "0", "15", 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], answer[512];

		begin(true, false);
		(void)snprintf(
			offer, sizeof(offer),
			HEAD
			"%s" AUDIO
			"a=mid:0\r\na=extmap:%s urn:ietf:params:rtp-hdrext:sdes:mid\r\n" ICE SHA256
			"m=audio 9 UDP/TLS/RTP/SAVPF %s\r\na=rtcp-mux\r\na=mid:1\r\n"
			"a=extmap:%s urn:ietf:params:rtp-hdrext:sdes:mid\r\n" ICE SHA256,
			row->group, row->extension, row->second, row->extension);
		(void)snprintf(answer, sizeof(answer), PLAIN "m=audio 5002 RTP/AVP %s\r\n",
			       row->second);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (uint8_t i = 0; i < 2; i++)
			ROW_ASSERT(row->name, g_rig.plan.line[i].a.mid_extension == row->id);
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, mid) == (row->id != 0));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "extmap"));
	}
}

/* Packets are numbered over all that a party sends: where it wants to hear of it, and one transport has them all. */
static void test_transport_cc_of_a(void **state)
{
	static const struct {
		const char *name, *group, *first, *second, *feedback;
		uint8_t ids[2];
	} rows[] = {
		{ "of both", "a=group:BUNDLE 0 1\r\n", CC("3"), CC("3"), "96 transport-cc", { 3, 3 } },
		{ "with a direction", "a=group:BUNDLE 0 1\r\n", CC("3/sendonly"), CC("3"), "* transport-cc", { 3, 3 } },
		{ "of the picture alone", "a=group:BUNDLE 0 1\r\n", "", CC("14"), "96 transport-cc", { 0, 14 } },
		{ "nothing is to be heard of it", "a=group:BUNDLE 0 1\r\n", "", CC("3"), "96 nack", { 0, 0 } },
		{ "nothing of what is left", "a=group:BUNDLE 0 1\r\n", "", CC("3"), "97 transport-cc", { 0, 0 } },
		{ "not numbered", "a=group:BUNDLE 0 1\r\n", "", "a=extmap:3 urn:x\r\n", "96 transport-cc", { 0, 0 } },
		{ "too high for one octet", "a=group:BUNDLE 0 1\r\n", CC("15"), CC("15"), "* transport-cc", { 0, 0 } },
		{ "each its own transport", "", CC("3"), CC("3"), "* transport-cc", { 0, 0 } },
		{ "one alone has its own transport", "", "", CC("3"), "* transport-cc", { 0, 3 } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], want[2][256];

		begin(true, false);
		(void)snprintf(offer, sizeof(offer),
			       HEAD "%s" AUDIO
				    "a=mid:0\r\na=rtcp-fb:* transport-cc\r\n%s" ICE SHA256 VIDEO
				    "a=mid:1\r\na=rtcp-fb:%s\r\n%s" ICE SHA256,
			       row->group, row->first, row->feedback, row->second);
		rig_exchange(&g_rig, bytes_str(offer),
			     BYTES_LIT(PLAIN "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
					     "a=extmap:3 " TRANSPORT_CC_URI "\r\n"));
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (uint8_t i = 0; i < 2; i++) {
			const struct media_line *line = &g_rig.plan.line[i];

			ROW_ASSERT(row->name,
				   line->a.cc_extension == row->ids[i] && !line->b.cc_extension);
			(void)snprintf(want[i], sizeof(want[i]),
				       "a=mid:%u\r\na=extmap:%u/recvonly " TRANSPORT_CC_URI "\r\n",
				       i, row->ids[i]);
			ROW_ASSERT(row->name,
				   rig_has(g_rig.answer_a, want[i]) == (row->ids[i] > 0));
		}
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, "a=rtcp-fb:0 transport-cc\r\n") ==
					      (row->ids[0] > 0));
		ROW_ASSERT(row->name, rig_has(g_rig.answer_a, "a=rtcp-fb:96 transport-cc\r\n") ==
					      (row->ids[1] > 0));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "extmap") &&
					      !rig_has(g_rig.offer_b, "transport-cc"));
	}
}

#define PICTURE "a=rtpmap:96 H264/90000\r\n"

/* Where the party and we have both said so: to a browser we do, whatever a phone says; to a phone we do not. */
static void test_nack(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool webrtc_b;
		uint8_t a, b;
	} rows[] = {
		{ "a browser calls a phone", VIDEO ICE SHA256 "a=rtcp-fb:96 nack\r\n", "RTP/AVP 96\r\n" PICTURE, false, 1, 0 },
		{ "of all formats", VIDEO ICE SHA256 "a=rtcp-fb:* nack \r\n", "RTP/AVP 96\r\n" PICTURE, false, 1, 0 },
		{ "PLI alone", VIDEO ICE SHA256 "a=rtcp-fb:96 nack pli\r\n", "RTP/AVP 96\r\n" PICTURE, false, 0, 0 },
		{ "of another format", VIDEO ICE SHA256 "a=rtcp-fb:97 nack\r\n", "RTP/AVP 96\r\n" PICTURE, false, 0, 0 },
		{ "a phone that was not offered it", VIDEO ICE SHA256, "RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:* nack\r\n", false, 0, 0 },
		{ "a phone calls a browser", "m=video 4000 RTP/AVP 96\r\n" PICTURE,
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "one that says so of RTP/AVP", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:* nack\r\n",
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "a browser that does not want it", "m=video 4000 RTP/AVP 96\r\n" PICTURE,
		  "UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\n", true, 0, 0 },
		{ "two phones", "m=video 4000 RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n", false, 1, 1 },
		{ "two phones, and one does not", "m=video 4000 RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE, false, 0, 0 },
		{ "two phones, and one answers another profile", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n", false, 0, 1 },
		{ "neither has a profile of feedback", "m=video 4000 RTP/AVP 96\r\n" PICTURE "a=rtcp-fb:96 nack\r\n",
		  "UDP/TLS/RTP/SAVP 96\r\na=rtcp-mux\r\n" PICTURE ICE SHA256 "a=setup:active\r\na=rtcp-fb:96 nack\r\n", true, 0, 1 },
		{ "sound", "m=audio 4000 RTP/AVPF 96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n",
		  "RTP/AVPF 96\r\na=rtpmap:96 opus/48000/2\r\na=rtcp-fb:96 nack\r\n", false, 0, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048], answer[2048];
		const struct media_line *line = &g_rig.plan.line[0];

		begin(true, row->webrtc_b);
		if (row->webrtc_b)
			g_rig.policy.b.dtls_accept = true;
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), HEAD "m=%.5s 5002 %s", row->offer + 2,
			       row->answer);
		rig_exchange(&g_rig, bytes_str(offer), bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		ROW_ASSERT(row->name, line->a.nack == row->a && line->b.nack == row->b);
		if (line->kind == MEDIA_VIDEO)
			ROW_ASSERT(row->name, rig_has(g_rig.answer_a, " nack\r\n") == row->a);
		ROW_ASSERT(row->name, !row->b || rig_has(g_rig.offer_b, "nack\r\n"));
	}
}

/* We offer it, under a number that means nothing else on the leg. */
static void test_transport_cc_of_b(void **state)
{
	static const struct {
		const char *name, *earlier, *answer, *offered;
		uint8_t id;
	} rows[] = {
		{ "agreed", "", CC("1") "a=rtcp-fb:0 transport-cc\r\n", "1/recvonly", 1 },
		{ "not taken", "", "", "1/recvonly", 0 },
		{ "numbered, not to be told", "", CC("1"), "1/recvonly", 0 },
		{ "to be told, not numbered", "", "a=rtcp-fb:* transport-cc\r\n", "1/recvonly", 0 },
		{ "as before", HEAD "a=extmap:2 urn:s\r\n" AUDIO "a=extmap:1 urn:x\r\n" CC("7/sendonly"),
		  CC("7") "a=rtcp-fb:* transport-cc\r\n", "7/recvonly", 7 },
		{ "others have theirs", HEAD "a=extmap:1 urn:s\r\n" AUDIO "a=extmap:2 urn:x\r\na=extmap:4 urn:y\r\n",
		  CC("3") "a=rtcp-fb:* transport-cc\r\n", "3/recvonly", 3 },
		{ "all are in use", HEAD "a=extmap:1 urn:a\r\na=extmap:2 urn:b\r\na=extmap:3 urn:c\r\na=extmap:4 urn:d\r\n"
		  "a=extmap:5 urn:e\r\na=extmap:6 urn:f\r\na=extmap:7 urn:g\r\na=extmap:8 urn:h\r\na=extmap:9 urn:i\r\n"
		  "a=extmap:10 urn:j\r\na=extmap:11 urn:k\r\na=extmap:12 urn:l\r\na=extmap:13 urn:m\r\n" AUDIO
		  "a=extmap:14 urn:n\r\n", "", NULL, 0 },
		{ "answered, not offered", HEAD "a=extmap:1 urn:a\r\na=extmap:2 urn:b\r\na=extmap:3 urn:c\r\na=extmap:4 urn:d\r\n"
		  "a=extmap:5 urn:e\r\na=extmap:6 urn:f\r\na=extmap:7 urn:g\r\na=extmap:8 urn:h\r\na=extmap:9 urn:i\r\n"
		  "a=extmap:10 urn:j\r\na=extmap:11 urn:k\r\na=extmap:12 urn:l\r\na=extmap:13 urn:m\r\n" AUDIO
		  "a=extmap:14 urn:n\r\n", CC("3") "a=rtcp-fb:* transport-cc\r\n", NULL, 0 },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char answer[1024], want[256];

		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		(void)snprintf(answer, sizeof(answer),
			       HEAD AUDIO "%s" ICE SHA256 "a=setup:active\r\n", row->answer);
		rig_exchange(&g_rig,
			     BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 "
					    "telephone-event/8000\r\n"
					    "a=extmap:9 " TRANSPORT_CC_URI "\r\n"),
			     bytes_str(answer));
		ROW_ASSERT(row->name, g_rig.err == 0);
		(void)snprintf(want, sizeof(want), "a=extmap:%s " TRANSPORT_CC_URI "\r\n",
			       row->offered);
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, row->offered ? want : "zzz") ==
					      (row->offered != NULL));
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, "a=rtcp-fb:0 transport-cc\r\n") ==
					      (row->offered != NULL));
		ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, "a=rtcp-fb:101") &&
					      !rig_has(g_rig.offer_b, "extmap:9"));
		ROW_ASSERT(row->name, g_rig.plan.line[0].b.cc_extension == row->id);
		ROW_ASSERT(row->name, !rig_has(g_rig.answer_a, "extmap") &&
					      !rig_has(g_rig.answer_a, "transport-cc"));
	}
	/* a phone that has DTLS alone */
	begin(false, true);
	g_rig.to_b.ice[0].on = 0;
	rig_offer(&g_rig, BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\n"));
	assert_true(!rig_has(g_rig.offer_b, "extmap") && !rig_has(g_rig.offer_b, "transport-cc"));
}

/* Which line carries which: "-" for one that is off. */
static void check_bundle(const char *name, bool of_b, const char *want)
{
	char got[MEDIA_LINES_MAX + 1] = "";

	for (uint8_t i = 0; i < g_rig.plan.line_count; i++) {
		const struct media_line *line = &g_rig.plan.line[i];

		got[i] =
			(char)(line->active ? '0' + (of_b ? line->b.bundle : line->a.bundle) : '-');
	}
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
}

static void test_groups_of_a(void **state)
{
	static const struct {
		const char *name, *offer, *answer, *bundle, *group;
		bool no_video;
	} rows[] = {
		{ "both", "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256, NULL, "00",
		  "a=group:BUNDLE 0 v\r\nm=audio 30000 ", false },
		{ "the second has no port of its own, nor anything of the transport",
		  "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:v\r\n",
		  NULL, "00", "a=group:BUNDLE 0 v\r\n", false },
		{ "the tag that is first", "a=group:BUNDLE v 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  NULL, "11", "a=group:BUNDLE v 0\r\nm=audio 30002 ", false },
		{ "the first is refused", "a=group:BUNDLE v 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  NULL, "0-", "a=group:BUNDLE 0\r\nm=audio 30000 ", true },
		{ "one is not in it", "a=group:BUNDLE 0\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256, NULL, "01",
		  "a=group:BUNDLE 0\r\nm=audio 30000 ", false },
		{ "no group", AUDIO ICE SHA256 VIDEO ICE SHA256, NULL, "01", "a=ice-options:ice2\r\nm=audio 30000 ", false },
		{ "two groups", "a=group:LS 0 v\r\na=group:BUNDLE 0\r\na=group:BUNDLE v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO
		  "a=mid:v\r\n" ICE SHA256, NULL, "01", "a=group:BUNDLE 0\r\na=group:BUNDLE v\r\nm=audio", false },
		{ "B takes one", "a=group:BUNDLE 0 v\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:v\r\n" ICE SHA256,
		  HEAD "m=audio 0 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", "-1",
		  "a=group:BUNDLE v\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\nm=video 30002 ", false },
		{ "port 0 without a group refuses", AUDIO ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:v\r\n", NULL, "0-",
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n", false },
	}, *row;
	static const char both[] = HEAD
		"m=audio 5000 RTP/AVP 0\r\nm=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

	(void)state;
	EACH_ROW(row, rows)
	{
		char offer[2048];

		begin(true, false);
		g_rig.policy.a.no_video = row->no_video;
		(void)snprintf(offer, sizeof(offer), HEAD "%s", row->offer);
		rig_exchange(&g_rig, bytes_str(offer),
			     bytes_str(row->answer     ? row->answer
				       : row->no_video ? HEAD
					       "m=audio 5000 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n"
						       : both));
		if (g_rig.err)
			fail_msg("%s: %s", row->name, g_rig.error.reason);
		check_bundle(row->name, false, row->bundle);
		check_has(row->name, g_rig.answer_a, row->group);
	}
}

static void test_groups_of_b(void **state)
{
	static const struct {
		const char *name, *answer, *bundle;
	} rows[] = {
		{ "both", "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" ICE SHA256 VIDEO "a=mid:1\r\n", "00" },
		{ "the other is the first", "a=group:BUNDLE 1 0\r\n" AUDIO "a=mid:0\r\n" VIDEO "a=mid:1\r\n" ICE SHA256, "11" },
		{ "none", AUDIO ICE SHA256 VIDEO ICE SHA256, "01" },
		{ "no port but the first's (RFC 8843 7.3)", "a=group:BUNDLE 0 1\r\n" AUDIO "a=mid:0\r\n" ICE SHA256
		  "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=bundle-only\r\na=rtpmap:96 H264/90000\r\na=mid:1\r\n", "00" },
		{ "the first is refused by B", "a=group:BUNDLE 0 1\r\nm=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" VIDEO
		  "a=mid:1\r\n" ICE SHA256, "-1" },
		{ "nothing in common with the first", "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 8\r\na=rtcp-mux\r\na=mid:0\r\n"
		  ICE SHA256 VIDEO "a=mid:1\r\n", NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char answer[2048];

		begin(false, true);
		(void)snprintf(answer, sizeof(answer), HEAD "%s", row->answer);
		rig_exchange(&g_rig,
			     BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 96\r\n"
					    "a=rtpmap:96 H264/90000\r\n"),
			     bytes_str(answer));
		check_has(row->name, g_rig.offer_b, "a=group:BUNDLE 0 1\r\nm=audio 40000 ");
		if (!row->bundle) {
			check_reason(row->name, "no codec in common");
			continue;
		}
		if (g_rig.err)
			fail_msg("%s: %s", row->name, g_rig.error.reason);
		check_bundle(row->name, true, row->bundle);
		for (uint8_t i = 0; i < 2; i++)
			ROW_ASSERT(row->name,
				   !g_rig.plan.line[i].active || g_rig.plan.line[i].b.ice_name);
	}
}

/* Two lines of one mid: the first is meant, and off. So the second is not taken, nor what B bundles with it. */
static void test_groups_of_both(void **state)
{
	(void)state;
	begin(true, true);
	rig_exchange(&g_rig,
		     BYTES_LIT(HEAD "a=group:BUNDLE x\r\n"
				    "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\n" AUDIO
				    "a=mid:x\r\n" ICE SHA256 VIDEO ICE SHA256 AUDIO ICE SHA256),
		     BYTES_LIT(HEAD "a=group:BUNDLE 1 2\r\n"
				    "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n" AUDIO
				    "a=mid:1\r\n" ICE SHA256 VIDEO "a=mid:2\r\n" ICE SHA256 AUDIO
				    "a=mid:3\r\n" ICE SHA256));
	assert_int_equal(g_rig.err, 0);
	check_bundle("A", false, "---3");
	check_bundle("B", true, "---3");
	check_has("A is told", g_rig.answer_a, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n");
}

static uint64_t ice_name_of(const char *ufrag, const char *pwd)
{
	struct media_plan lines;
	struct offer_error error;
	char offer[1024];

	begin(true, false);
	(void)snprintf(offer, sizeof(offer), HEAD AUDIO SHA256 "a=ice-ufrag:%s\r\na=ice-pwd:%s\r\n",
		       ufrag, pwd);
	assert_int_equal(offer_inspect(bytes_str(offer), &g_rig.policy, &lines, &error), 0);
	assert_true(lines.line[0].active && lines.line[0].a.ice);
	return lines.line[0].a.ice_name;
}

static void test_restart_of_ice(void **state)
{
	uint64_t first = ice_name_of("abcd", PWD);

	(void)state;
	assert_true(first == ice_name_of("abcd", PWD));
	assert_true(first != ice_name_of("abce", PWD));
	assert_true(first != ice_name_of("abcd", PWD "w"));
	assert_true(first != ice_name_of(PWD, "abcdabcdabcdabcdabcdabcd"));
}

/* One number has one use in a group, now and later; mids stay as they were. */
static void test_our_offers(void **state)
{
	static const struct bytes offer =
		BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 96 0 101\r\na=rtpmap:96 "
			       "opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
			       "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	static const struct {
		const char *name, *earlier, *want[3];
	} rows[] = {
		{ "first", "",
		  { "a=group:BUNDLE 0 1\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 96 0 127\r\n",
		    "a=rtpmap:127 telephone-event/48000\r\n", "m=video 40002 UDP/TLS/RTP/SAVPF 126\r\n" } },
		{ "as the party had them",
		  HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 111 0 110\r\na=mid:sound\r\na=rtpmap:111 opus/48000/2\r\n"
		       "a=rtpmap:110 telephone-event/48000\r\n"
		       "m=video 9 UDP/TLS/RTP/SAVPF 103\r\na=mid:picture\r\na=rtpmap:103 H264/90000\r\n",
		  { "a=group:BUNDLE sound picture\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 111 0 110\r\n", "a=mid:sound\r\n",
		    "m=video 40002 UDP/TLS/RTP/SAVPF 103\r\n" } },
		{ "a later line's number is not taken before it",
		  HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n"
		       "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=rtpmap:96 H264/90000\r\n",
		  { "a=group:BUNDLE 1 0\r\nm=audio 40000 UDP/TLS/RTP/SAVPF 127 0 126\r\n", "a=mid:0\r\n",
		    "m=video 40002 UDP/TLS/RTP/SAVPF 96\r\n" } },
		{ "a new line's mid is a new one", HEAD "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\n",
		  { "a=group:BUNDLE 1 a1\r\n", "a=mid:a1\r\n", "m=video 40002 " } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		rig_offer(&g_rig, offer);
		ROW_ASSERT(row->name, g_rig.err == 0);
		for (size_t i = 0; i < COUNT_OF(row->want); i++)
			check_has(row->name, g_rig.offer_b, row->want[i]);
	}
}

/* Feedback is said as we relay it, and nothing that one leg alone has a meaning for crosses. */
static void test_between(void **state)
{
	static const char video[] = "a=rtpmap:96 H264/90000\r\n";
	char offer[2048];

	(void)state;
	begin(true, false);
	(void)snprintf(
		offer, sizeof(offer),
		HEAD
		"a=extmap-allow-mixed\r\na=extmap:9 urn:x\r\n" VIDEO "%s" ICE SHA256
		"a=mid:0\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=msid:s t\r\n"
		"a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\na=rtcp-fb:96 nack pli\r\n"
		"a=rtcp-fb:* ccm fir\r\na=ssrc:1 cname:x\r\na=rid:1 send\r\na=simulcast:send 1\r\n",
		video);
	rig_exchange(&g_rig, bytes_str(offer),
		     BYTES_LIT(
			     HEAD
			     "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-rsize\r\n"
			     "a=extmap:4 urn:y\r\na=rtcp-fb:96 nack\r\n"));
	assert_int_equal(g_rig.err, 0);
	assert_true(bytes_is(
		g_rig.offer_b,
		"v=0\r\no=- 5 1 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n"
		"m=video 40000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=rtcp-fb:* nack "
		"pli\r\na=rtcp-fb:* ccm fir\r\n"
		"a=sendrecv\r\n"
		"a=rtcp:40001 IN IP4 198.51.100.7\r\n"));
	check_has("asked for", g_rig.answer_a, "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n");
	check_has("our stream", g_rig.answer_a, "a=msid:5 5-0\r\na=ssrc:30000 cname:5\r\n");
	assert_true(!rig_has(g_rig.answer_a, "extmap") && !rig_has(g_rig.answer_a, "96 nack\r\n"));
	assert_true(!rig_has(g_rig.answer_a, "rtcp-rsize") &&
		    !rig_has(g_rig.answer_a, "transport-cc"));
	assert_true(!rig_has(g_rig.answer_a, "goog-remb") && !rig_has(g_rig.answer_a, "rid"));
}

/* RFC 8853 5.3.3: who hears of no simulcast in the answer sends one layer; and nobody else is offered several. */
static void test_simulcast(void **state)
{
	static const struct bytes phone =
		BYTES_LIT(HEAD "m=video 5002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
	static const struct bytes browser =
		BYTES_LIT(HEAD VIDEO ICE SHA256 "a=mid:0\r\na=setup:active\r\n");
	static const struct {
		const char *name, *lines, *granted;
	} rows[] = {
		{ "three layers", RID("10") "a=rid:q send\r\na=rid:h send\r\na=rid:f send\r\na=simulcast:send q;h;f\r\n", RID("10/recvonly") },
		{ "one way", RID("4/sendonly") "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n", RID("4/recvonly") },
		{ "with limits",
		  RID("1") "a=rid:1 send pt=96;max-width=1280;max-height=720\r\na=rid:2 send max-br=64000\r\na=simulcast:send 1;2\r\n",
		  RID("1/recvonly") },
		{ "choices, and one that waits", RID("1") "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=simulcast:send 1,2;~3\r\n",
		  RID("1/recvonly") },
		{ "both ways", RID("1") "a=rid:1 send\r\na=rid:2 recv\r\na=simulcast:send 1 recv 2\r\n", RID("1/recvonly") },
		{ "twice", RID("1") "a=rid:1 send\r\na=simulcast:send 1\r\na=simulcast:send 1\r\n", RID("1/recvonly") },
		{ "of layers that are not there", RID("14") "a=simulcast:send 7;8\r\n", RID("14/recvonly") },
		{ "empty", RID("1") "a=rid:\r\na=rid\r\na=simulcast:\r\n", RID("1/recvonly") },
		{ "no extension", "a=rid:1 send\r\na=rid:2 send\r\na=simulcast:send 1;2\r\n", NULL },
		{ "too high a number", RID("15") "a=rid:1 send\r\na=simulcast:send 1\r\n", NULL },
		{ "one layer", RID("10"), NULL },
		{ "an older way", RID("10") "a=ssrc-group:SIM 1 2 3\r\na=ssrc:1 cname:x\r\na=ssrc:2 cname:x\r\na=ssrc:3 cname:x\r\n", NULL },
	}, *row;
	char offer[2048];

	(void)state;
	EACH_ROW(row, rows)
	{
		for (int i = 0; i < 2; i++) {
			begin(true, i);
			(void)snprintf(offer, sizeof(offer), HEAD VIDEO ICE SHA256 "a=mid:0\r\n%s",
				       row->lines);
			rig_exchange(&g_rig, bytes_str(offer), i ? browser : phone);
			ROW_ASSERT(row->name, g_rig.err == 0);
			check_no_layers(row->name, g_rig.offer_b);
			check_no_layers(row->name, g_rig.answer_a);
			check_has(row->name, g_rig.answer_a, "m=video 30000 ");
			check_has(row->name, g_rig.answer_a, row->granted ? row->granted : "");
			ROW_ASSERT(row->name, rig_has(g_rig.answer_a, RID_NAME) == !!row->granted);
			ROW_ASSERT(row->name, !rig_has(g_rig.offer_b, RID_NAME));
		}
	}
}

/* It is granted as long as the call lasts, whoever offers. */
static void test_after_simulcast(void **state)
{
	static const struct {
		const char *name, *earlier, *offered;
	} rows[] = {
		{ "the first offer", "", NULL },
		{ "it offered layers", HEAD VIDEO RID("10") "a=rid:1 send\r\na=simulcast:send 1\r\n", RID("10/recvonly") },
		{ "it answered", HEAD VIDEO RID("10/sendonly"), RID("10/recvonly") },
		{ "it has none", HEAD VIDEO CC("3"), NULL },
		{ "on another line", HEAD VIDEO AUDIO RID("10"), NULL },
		{ "the line is new", HEAD, NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		begin(false, true);
		g_rig.to_b.earlier = bytes_str(row->earlier);
		rig_offer(&g_rig,
			  BYTES_LIT(HEAD "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
		ROW_ASSERT(row->name, g_rig.err == 0);
		check_no_layers(row->name, g_rig.offer_b);
		check_has(row->name, g_rig.offer_b, row->offered ? row->offered : "");
		ROW_ASSERT(row->name, rig_has(g_rig.offer_b, RID_NAME) == !!row->offered);
	}
}

/* What we lack ourselves refuses the line. */
static void test_our_part(void **state)
{
	static const struct bytes plain = BYTES_LIT(HEAD "m=audio 4000 RTP/AVP 0\r\n");
	static const struct bytes ice = BYTES_LIT(HEAD AUDIO ICE SHA256);

	(void)state;
	begin(false, true);
	g_rig.to_b.fingerprint.hash = MEDIA_HASH_NONE;
	rig_offer(&g_rig, plain);
	check_reason("certificate towards B", "no certificate for it");
	begin(true, false);
	g_rig.to_a.fingerprint.hash = MEDIA_HASH_NONE;
	rig_exchange(&g_rig, ice, BYTES_LIT(PLAIN));
	check_reason("certificate towards A", "no certificate for it");
	begin(true, false);
	g_rig.to_a.ice[0].on = 0;
	rig_exchange(&g_rig, ice, BYTES_LIT(PLAIN));
	check_reason("credentials", "no ICE credentials for it");
	begin(false, true);
	for (int i = 0; i < MEDIA_LINES_MAX; i++)
		g_rig.to_b.ice[i].on = 0;
	rig_offer(&g_rig, plain);
	assert_int_equal(g_rig.err, 0);
	assert_true(rig_has(g_rig.offer_b, "a=fingerprint:") && !rig_has(g_rig.offer_b, "a=ice"));
}

/* A machine of many networks has many candidates; they do not count as lines that we would have to write. */
static void test_many_candidates(void **state)
{
	static char offer[16384];
	int n = snprintf(offer, sizeof(offer), HEAD AUDIO ICE SHA256);

	(void)state;
	for (int i = 0; i < 280; i++)
		n += snprintf(offer + n, sizeof(offer) - (size_t)n,
			      "a=candidate:1 1 udp 1 x.local 1 typ host\r\n");
	begin(true, false);
	rig_offer(&g_rig, bytes_str(offer));
	assert_int_equal(g_rig.err, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_offers),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_by_an_offer_of_the_browser),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_carried),
		cmocka_unit_test(test_same_numbers),
		cmocka_unit_test(test_groups_of_a),
		cmocka_unit_test(test_groups_of_b),
		cmocka_unit_test(test_groups_of_both),
		cmocka_unit_test(test_restart_of_ice),
		cmocka_unit_test(test_our_offers),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_our_part),
		cmocka_unit_test(test_many_candidates),
		cmocka_unit_test(test_transport_cc_of_a),
		cmocka_unit_test(test_transport_cc_of_b),
		cmocka_unit_test(test_nack),
		cmocka_unit_test(test_simulcast),
		cmocka_unit_test(test_after_simulcast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
