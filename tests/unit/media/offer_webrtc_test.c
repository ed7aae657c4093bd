/* SPDX-License-Identifier: Apache-2.0 */
/* Lines over DTLS, with ICE or without. */
#include "tests/unit/media/offer_browser.h"

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
		other.local = bytes_mem(said, g_rig.answer_a.n);
		other.remote = bytes_str(offer);
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
		{ "no choice", AUDIO ICE SHA256 "a=setup:actpass\r\n", "a=setup of the answer is not valid", DTLS_NONE, false },
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
		cmocka_unit_test(test_restart_of_ice),
		cmocka_unit_test(test_our_part),
		cmocka_unit_test(test_many_candidates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
