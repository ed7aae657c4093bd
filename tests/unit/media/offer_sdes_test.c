/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/media/offer_rig.h"

#include <errno.h>

#include "media/crypto.h"

#define A_HEAD              "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=a\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define B_HEAD              "v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=b\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
#define S80                 "AES_CM_128_HMAC_SHA1_80"
#define S32                 "AES_CM_128_HMAC_SHA1_32"
#define G128                "AEAD_AES_128_GCM"
#define G256                "AEAD_AES_256_GCM"
#define C80(tag, key)       "a=crypto:" tag " " S80 " inline:" key "\r\n"
#define C32(tag, key)       "a=crypto:" tag " " S32 " inline:" key "\r\n"
#define CG(tag, suite, key) "a=crypto:" tag " " suite " inline:" key "\r\n"

enum { KEY_TEXT = 32 };

/* "80:P", "-" for none: a key of one repeated octet; "80:P/258:2" with an MKI of two octets. */
static const char *key_text(const struct media_key *key, char buf[KEY_TEXT])
{
	static const char *const NAMES[] = { "-", "80", "32", "g128", "g256" };
	uint64_t mki = 0;

	assert_true(key->suite < COUNT_OF(NAMES));
	assert_int_equal(key->length, crypto_key_length(key->suite));
	if (key->suite == MEDIA_SUITE_NONE)
		return "-";
	for (uint8_t i = 0; i < MEDIA_KEY_MAX; i++)
		assert_int_equal(key->octets[i], i < key->length ? key->octets[0] : 0);
	for (uint8_t i = 0; i < key->mki_length; i++)
		mki = mki << 8 | key->mki[i];
	(void)snprintf(buf, KEY_TEXT, key->mki_length ? "%s:%c/%u:%u" : "%s:%c", NAMES[key->suite],
		       key->octets[0], (unsigned)mki, key->mki_length);
	return buf;
}

static void check_keys(const char *name, const struct media_line *line, const char *want)
{
	char got[4 * KEY_TEXT], buf[4][KEY_TEXT];

	(void)snprintf(got, sizeof(got), "%s %s %s %s", key_text(&line->a.key_in, buf[0]),
		       key_text(&line->a.key_out, buf[1]), key_text(&line->b.key_in, buf[2]),
		       key_text(&line->b.key_out, buf[3]));
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
}

static void check_part(const char *name, struct bytes text, const char *want)
{
	if (!rig_has(text, want))
		fail_msg("%s: no %s in\n" BYTES_FMT, name, want, BYTES_ARG(text));
}

static void test_legs(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		bool accept, secure;            /* A's SRTP is taken, B is offered it */
		const char *to_b, *to_a, *keys; /* A in, A out, B in, B out */
	} rows[] = {
		{ "plain, plain", "m=audio 4000 RTP/AVP 0\r\n", "m=audio 5000 RTP/AVP 0\r\n", true, false,
		  "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n", "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "- - - -" },
		{ "SDES, plain", "m=audio 4000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_P),
		  "m=audio 5000 RTP/AVP 0\r\n", true, false,
		  "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_A0) "a=sendrecv\r\n", "80:P 80:0 - -" },
		{ "plain, SDES", "m=audio 4000 RTP/AVP 0\r\n",
		  "m=audio 5000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_Q), true, true,
		  "m=audio 40000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0) "a=sendrecv\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n", "- - 80:Q 80:a" },
		{ "SDES, SDES", "m=audio 4000 RTP/SAVP 0\r\n" C80("7", RIG_KEY_P),
		  "m=audio 5000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_Q), true, true,
		  "m=audio 40000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0) "a=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" C80("7", RIG_KEY_A0) "a=sendrecv\r\n",
		  "80:P 80:0 80:Q 80:a" },
		{ "A's first line that we know, in its suite",
		  "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" RIG_KEY_Q "\r\n"
		  "a=crypto:2 " S80 " inline:" RIG_KEY_Q "|2^20|1:9\r\n" C32("3", RIG_KEY_P)
		  C80("4", RIG_KEY_Q),
		  "m=audio 5000 RTP/AVP 0\r\n", true, false, "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" C32("3", RIG_KEY_A0) "a=sendrecv\r\n", "32:P 32:0 - -" },
		{ "GCM", "m=audio 4000 RTP/SAVP 0\r\n" CG("1", G128, RIG_KEY_P_28) C80("2", RIG_KEY_Q),
		  "m=audio 5000 RTP/AVP 0\r\n", true, false, "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" CG("1", G128, RIG_KEY_A0_28) "a=sendrecv\r\n",
		  "g128:P g128:0 - -" },
		{ "the long GCM, by the offerer's order",
		  "m=audio 4000 RTP/SAVP 0\r\n" CG("9", G256, RIG_KEY_P_44) CG("1", G128, RIG_KEY_P_28),
		  "m=audio 5000 RTP/AVP 0\r\n", true, false, "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" CG("9", G256, RIG_KEY_A0_44) "a=sendrecv\r\n",
		  "g256:P g256:0 - -" },
		{ "the key of the offer has an MKI, ours has none",
		  "m=audio 4000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_P "|2^20|258:2"),
		  "m=audio 5000 RTP/AVP 0\r\n", true, false, "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_A0) "a=sendrecv\r\n",
		  "80:P/258:2 80:0 - -" },
		{ "so may that of an answer", "m=audio 4000 RTP/AVP 0\r\n",
		  "m=audio 5000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_Q "|1:4"), true, true,
		  "m=audio 40000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0) "a=sendrecv\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n", "- - 80:Q/1:4 80:a" },
		{ "feedback stays with the offerer's profile, on both legs",
		  "m=audio 4000 RTP/SAVPF 0\r\n" C80("1", RIG_KEY_P) "a=rtcp-fb:* nack\r\n",
		  "m=audio 5000 RTP/AVPF 0\r\na=rtcp-fb:* ccm fir\r\n", true, false,
		  "m=audio 40000 RTP/AVPF 0\r\na=rtcp-fb:* nack\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVPF 0\r\na=rtcp-fb:* ccm fir\r\n" C80("1", RIG_KEY_A0) "a=sendrecv\r\n",
		  "80:P 80:0 - -" },
		{ "feedback is dropped where A did not offer the profile",
		  "m=audio 4000 RTP/AVP 0\r\n",
		  "m=audio 5000 RTP/SAVPF 0\r\na=rtcp-fb:* nack\r\n" C80("1", RIG_KEY_Q), true, true,
		  "m=audio 40000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0) "a=sendrecv\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n", "- - 80:Q 80:a" },
		{ "feedback said under RTP/AVP stays (baresip, linphone)",
		  "m=audio 4000 RTP/AVP 0\r\na=rtcp-fb:* nack\r\n",
		  "m=audio 5000 RTP/AVP 0\r\na=rtcp-fb:* nack\r\n", false, false,
		  "m=audio 40000 RTP/AVP 0\r\na=rtcp-fb:* nack\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=rtcp-fb:* nack\r\na=sendrecv\r\n", "- - - -" },
		{ "best effort is plain", "m=audio 4000 RTP/AVP 0\r\n" C80("1", RIG_KEY_P),
		  "m=audio 5000 RTP/AVP 0\r\n" C80("1", RIG_KEY_Q), true, false,
		  "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n", "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "- - - -" },
		{ "B answers with a line more", "m=audio 4000 RTP/AVP 0\r\n",
		  "m=audio 5000 RTP/SAVP 0\r\n" C80("2", RIG_KEY_P) C80("1", RIG_KEY_Q), false, true,
		  "m=audio 40000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0) "a=sendrecv\r\n",
		  "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n", "- - 80:Q 80:a" },
		{ "one stream offered twice: the secure one is used",
		  "m=audio 4000 RTP/SAVP 0\r\n" C80("8", RIG_KEY_P) "m=audio 4000 RTP/AVP 0\r\n",
		  "m=audio 5000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", true, false,
		  "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "m=audio 30000 RTP/SAVP 0\r\n" C80("8", RIG_KEY_A0) "a=sendrecv\r\n", "80:P 80:0 - -" },
		{ "one stream offered twice, the secure one with a suite of others: plain is used",
		  "m=audio 4000 RTP/AVP 0\r\nm=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:y\r\n",
		  "m=audio 5000 RTP/AVP 0\r\nm=audio 0 RTP/AVP 0\r\n", true, false,
		  "m=audio 40000 RTP/AVP 0\r\na=sendrecv\r\n", "m=audio 30000 RTP/AVP 0\r\na=sendrecv\r\n",
		  "- - - -" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[1024], answer[512];

		rig_init(&r);
		r.policy.a.sdes_accept = row->accept;
		r.policy.b.sdes_offer = row->secure;
		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		(void)snprintf(answer, sizeof(answer), B_HEAD "%s", row->answer);
		rig_exchange(&r, bytes_str(offer), bytes_str(answer));
		if (r.err)
			fail_msg("%s: %s", row->name, r.error.reason);
		check_part(row->name, r.offer_b, row->to_b);
		check_part(row->name, r.answer_a, row->to_a);
		check_keys(row->name, &r.plan.line[0], row->keys);
		ROW_ASSERT(row->name,
			   !rig_has(r.offer_b, RIG_KEY_P) && !rig_has(r.answer_a, RIG_KEY_P));
		ROW_ASSERT(row->name,
			   !rig_has(r.offer_b, RIG_KEY_Q) && !rig_has(r.answer_a, RIG_KEY_Q));
		ROW_ASSERT(row->name,
			   !rig_has(r.offer_b, RIG_KEY_A0) && !rig_has(r.answer_a, RIG_KEY_B0));
	}
}

static void test_refused_offers(void **state)
{
	static const struct {
		const char *name, *offer;
		struct offer_terms a, b;
		const char *reason;
	} rows[] = {
		{ "SRTP is not accepted", "m=audio 4000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_P), { 0 }, { 0 },
		  "SRTP is not accepted" },
		{ "only SRTP is accepted", "m=audio 4000 RTP/AVP 0\r\n" C80("1", RIG_KEY_P),
		  { .sdes_accept = true, .sdes_only = true }, { 0 }, "plain RTP is not accepted" },
		{ "no key at all", "m=audio 4000 RTP/SAVP 0\r\n", { .sdes_accept = true }, { 0 },
		  "no a=crypto that can be used" },
		{ "a key for the session is none", C80("1", RIG_KEY_P) "m=audio 4000 RTP/SAVP 0\r\n",
		  { .sdes_accept = true }, { 0 }, "no a=crypto that can be used" },
		{ "no suite that we know", "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:y\r\n",
		  { .sdes_accept = true }, { 0 }, "no a=crypto that can be used" },
		{ "DTLS-SRTP", "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n", { .sdes_accept = true }, { 0 },
		  "DTLS-SRTP is not accepted" },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char offer[512];

		rig_init(&r);
		r.policy.a = row->a;
		r.policy.b = row->b;
		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		rig_offer(&r, bytes_str(offer));
		ROW_ASSERT(row->name, r.err == -ENOTSUP && r.error.status == 488);
		if (strcmp(r.error.reason, row->reason) != 0)
			fail_msg("%s: %s", row->name, r.error.reason);
	}
}

static void test_refused_answers(void **state)
{
	static const struct {
		const char *name, *answer;
		bool secure;
		const char *reason;
	} rows[] = {
		{ "plain to SRTP", "m=audio 5000 RTP/AVP 0\r\n", true, "another transport profile than offered" },
		{ "plain to SRTP, with a key", "m=audio 5000 RTP/AVP 0\r\n" C80("1", RIG_KEY_Q), true,
		  "another transport profile than offered" },
		{ "SRTP to plain", "m=audio 5000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_Q), false,
		  "another transport profile than offered" },
		{ "no key", "m=audio 5000 RTP/SAVP 0\r\n", true, "the answer has no a=crypto of ours" },
		{ "another tag", "m=audio 5000 RTP/SAVP 0\r\n" C80("2", RIG_KEY_Q), true,
		  "the answer has no a=crypto of ours" },
		{ "another suite", "m=audio 5000 RTP/SAVP 0\r\n" C32("1", RIG_KEY_Q), true,
		  "the answer has no a=crypto of ours" },
		{ "an MKI that is too long", "m=audio 5000 RTP/SAVP 0\r\na=crypto:1 " S80 " inline:" RIG_KEY_Q "|1:9\r\n", true,
		  "the answer has no a=crypto of ours" },
		{ "our own key", "m=audio 5000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_B0), true,
		  "a=crypto has our own key" },
	}, *row;
	static const struct media_plan empty;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		char answer[512];

		rig_init(&r);
		r.policy.b.sdes_offer = row->secure;
		(void)snprintf(answer, sizeof(answer), B_HEAD "%s", row->answer);
		rig_exchange(&r, BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 0\r\n"), bytes_str(answer));
		ROW_ASSERT(row->name, r.err == -ENOTSUP && r.error.status == 488);
		if (strcmp(r.error.reason, row->reason) != 0)
			fail_msg("%s: %s", row->name, r.error.reason);
		ROW_ASSERT(row->name, memcmp(&r.plan, &empty, sizeof(empty)) == 0);
	}
}

/* Of two lines one has no key: it is refused alone, and the plan has none of its keys. */
static void test_one_of_two(void **state)
{
	static const struct media_key none;
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.sdes_accept = r.policy.b.sdes_offer = true;
	r.to_a.keys[0].length = 0;
	rig_exchange(&r,
		     BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" C80(
			     "1", RIG_KEY_P) "m=audio 4002 RTP/AVP 8\r\n"),
		     BYTES_LIT(B_HEAD "m=audio 5000 RTP/SAVP 0\r\n" C80(
			     "1", RIG_KEY_Q) "m=audio 5002 RTP/SAVP 8\r\n" C80("1", RIG_KEY_P)));
	assert_int_equal(r.err, 0);
	assert_true(rig_has(r.answer_a, "m=audio 0 RTP/SAVP 0\r\nm=audio 30002 RTP/AVP 8\r\n"));
	assert_int_equal(r.plan.line[0].active, 0);
	assert_memory_equal(&r.plan.line[0].b.key_in, &none, sizeof(none));
	assert_memory_equal(&r.plan.line[0].b.key_out, &none, sizeof(none));
	check_keys("the other", &r.plan.line[1], "- - 80:P 80:b");
}

/* One stream offered with keys and without, in either order and on one port or two: one of them is taken, the other has port 0. */
static void test_best_effort(void **state)
{
#define SAVP(port, formats) "m=audio " port " RTP/SAVP " formats "\r\n" C80("1", RIG_KEY_P)
#define AVP(port, formats)  "m=audio " port " RTP/AVP " formats "\r\n"
	static const struct {
		const char *name, *offer;
		bool accept;
		bool active[2];
	} rows[] = {
		{ "keys first", SAVP("4000", "0 8") AVP("4002", "0 8"), true, { true, false } },
		{ "keys last", AVP("4000", "0 8") SAVP("4002", "0 8"), true, { false, true } },
		{ "one port", AVP("4000", "0 8") SAVP("4000", "0"), true, { false, true } },
		{ "keys not taken", SAVP("4000", "0") AVP("4002", "0"), false, { false, true } },
		{ "two streams by name", SAVP("4000", "0") AVP("4002", "0") "a=label:2\r\n", true,
		  { true, true } },
		{ "two streams by formats", SAVP("4000", "0") AVP("4002", "8"), true, { true, true } },
		{ "keys of no use", "m=audio 4000 RTP/SAVP 0\r\n" AVP("4002", "0"), true,
		  { false, true } },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;
		struct media_plan lines;
		char offer[1024];

		rig_init(&r);
		r.policy.a.sdes_accept = row->accept;
		(void)snprintf(offer, sizeof(offer), A_HEAD "%s", row->offer);
		ROW_ASSERT(row->name,
			   offer_inspect(bytes_str(offer), &r.policy, &lines, &r.error) == 0);
		ROW_ASSERT(row->name, lines.line_count == 2);
		ROW_ASSERT(row->name, lines.line[0].active == row->active[0]);
		ROW_ASSERT(row->name, lines.line[1].active == row->active[1]);
	}
}

/* What was agreed with keys goes on with keys, although the terms would not offer any. */
static void test_keys_stay(void **state)
{
	static const struct {
		const char *name, *earlier;
		bool accept, secure;
	} rows[] = {
		{ "nothing before", "", true, false },
		{ "keys before", A_HEAD SAVP("4000", "0"), true, true },
		{ "plain before", A_HEAD AVP("4000", "0"), true, false },
		{ "keys refused before", A_HEAD "m=audio 0 RTP/SAVP 0\r\n", true, false },
		{ "keys are not for it any more", A_HEAD SAVP("4000", "0"), false, false },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		static struct rig r;

		rig_init(&r);
		r.policy.b.sdes_accept = row->accept;
		r.to_b.earlier = bytes_str(row->earlier);
		rig_offer(&r, BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 0\r\n"));
		ROW_ASSERT(row->name, r.err == 0);
		ROW_ASSERT(row->name, rig_has(r.offer_b, " RTP/SAVP ") == row->secure);
		ROW_ASSERT(row->name, rig_has(r.offer_b, "a=crypto:") == row->secure);
	}
#undef SAVP
#undef AVP
}

static void test_our_keys(void **state)
{
	const struct bytes secure =
		BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" C32("1", RIG_KEY_P));
	const struct bytes plain = BYTES_LIT(A_HEAD "m=audio 4000 RTP/AVP 0\r\n");
	const struct bytes answer = BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 0\r\n");
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.sdes_accept = r.policy.b.sdes_offer = true;
	r.to_b.keys[0].length = 0;
	rig_offer(&r, plain);
	assert_int_equal(r.err, -ENOTSUP);
	assert_string_equal(r.error.reason, "no key for it");
	r.to_b.keys[0].length = 30;
	r.to_b.keys[0].suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32; /* the one in force */
	rig_offer(&r, plain);
	check_part("suite in force", r.offer_b, C32("1", RIG_KEY_B0));
	r.policy.b.sdes_offer = false;
	r.policy.b.sdes_only = true; /* never plain */
	rig_offer(&r, plain);
	check_part("sdes_only", r.offer_b, "m=audio 40000 RTP/SAVP 0\r\n");
	r.policy.b.sdes_only = false;
	r.to_a.keys[0].length = 0;
	rig_exchange(&r, secure, answer);
	assert_int_equal(r.err, -ENOTSUP);
	assert_string_equal(r.error.reason, "no key for it");
	r.to_a.keys[0].length = 30;
	memset(r.to_a.keys[0].octets, 'P', 30);
	rig_exchange(&r, secure, answer);
	assert_string_equal(r.error.reason, "a=crypto has our own key");
}

/* A key of before we knew the long suites: what it has not octets enough for is passed over. */
static void test_short_key_of_ours(void **state)
{
	const struct bytes answer = BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 0\r\n");
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.sdes_accept = true;
	r.to_a.keys[0].length = 30;
	rig_exchange(&r,
		     BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" CG("1", G256, RIG_KEY_P_44)
				       C80("2", RIG_KEY_P)),
		     answer);
	check_keys("the next that fits", &r.plan.line[0], "80:P 80:0 - -");
	check_part("the next that fits", r.answer_a, C80("2", RIG_KEY_A0));
	rig_exchange(&r,
		     BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" CG("1", G256, RIG_KEY_P_44)),
		     answer);
	assert_int_equal(r.err, -ENOTSUP);
	assert_string_equal(r.error.reason, "no key for it");
}

/* A party may renew its key (RFC 4568 5.1.4); ours stays what the caller gives. */
static void test_again(void **state)
{
	const struct bytes first =
		BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" C80("1", RIG_KEY_P));
	const struct bytes second =
		BYTES_LIT(A_HEAD "m=audio 4000 RTP/SAVP 0\r\n" C80("2", RIG_KEY_Q));
	const struct bytes answer = BYTES_LIT(B_HEAD "m=audio 5000 RTP/AVP 0\r\n");
	static struct rig r;

	(void)state;
	rig_init(&r);
	r.policy.a.sdes_accept = true;
	rig_exchange(&r, first, answer);
	check_keys("first", &r.plan.line[0], "80:P 80:0 - -");
	r.to_a.session_version++;
	rig_exchange(&r, second, answer);
	check_keys("second", &r.plan.line[0], "80:Q 80:0 - -");
	check_part("second", r.answer_a, C80("2", RIG_KEY_A0));
	check_part("second", r.answer_a, "o=- 5 2 IN IP4 203.0.113.1\r\n");
}

/* Names that a careless reader might take for a key, and other ways of keying. */
static void test_nothing_leaks(void **state)
{
	static const char *const rows[] = {
		"a=CRYPTO:1 " S80 " inline:" RIG_KEY_P,
		"a= crypto :1 " S80 " inline:" RIG_KEY_P,
		"a=key-mgmt:mikey " RIG_KEY_P,
		"k=base64:" RIG_KEY_P,
		"a=acap:1 crypto:1 " S80 " inline:" RIG_KEY_P,
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		static struct rig r;
		char offer[512], answer[512];

		rig_init(&r);
		(void)snprintf(offer, sizeof(offer),
			       A_HEAD "%s\r\nm=audio 4000 RTP/AVP 0\r\n%s\r\n",
			       rows[i][0] == 'k' ? "a=x" : rows[i], rows[i]);
		(void)snprintf(answer, sizeof(answer), B_HEAD "m=audio 5000 RTP/AVP 0\r\n%s\r\n",
			       rows[i]);
		rig_exchange(&r, bytes_str(offer), bytes_str(answer));
		assert_int_equal(r.err, 0);
		if (rig_has(r.offer_b, RIG_KEY_P) || rig_has(r.answer_a, RIG_KEY_P))
			fail_msg("%s", rows[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_legs),
		cmocka_unit_test(test_refused_offers),
		cmocka_unit_test(test_refused_answers),
		cmocka_unit_test(test_our_keys),
		cmocka_unit_test(test_one_of_two),
		cmocka_unit_test(test_best_effort),
		cmocka_unit_test(test_keys_stay),
		cmocka_unit_test(test_short_key_of_ours),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
