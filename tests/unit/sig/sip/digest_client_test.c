/* SPDX-License-Identifier: Apache-2.0 */
/* What we answer to challenges, and what our own server makes of it. */
#include "sig/sip/digest_client.h"
#include "tests/unit/test.h"

enum { TEXT_MAX = 8192 };

static const uint64_t NOW = UINT64_C(1790000000000);
static const struct addr g_source = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 }, .port = 5060 };

static void refused(struct sip_message *m, const char *lines)
{
	struct message_error error;
	static char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		       "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		       "From: <sip:1001@h>;tag=f\r\nTo: <sip:2@h>;tag=t\r\nCall-ID: c\r\n"
		       "CSeq: 2 INVITE\r\n%s\r\n",
		       lines);
	if (message_parse(m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
}

static void test_what_is_asked(void **state)
{
	static const struct {
		const char *lines;
		enum digest_asked is;
		enum digest_algorithm algorithm;
		enum digest_qop qop;
		const char *nonce;
		bool session, stale;
	} table[] = {
		{ "", DIGEST_ASKED_NOTHING, 0, 0, "", false, false },
		{ "WWW-Authenticate: Basic realm=\"pbx\"\r\n", DIGEST_ASKED_NOTHING, 0, 0, "",
		  false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\"\r\n", DIGEST_ASKED_OK,
		  DIGEST_MD5, DIGEST_QOP_NONE, "a", false, false },
		{ "WWW-Authenticate: digest nonce=a,realm=pbx , qop=\"auth-int, AUTH\"\r\n",
		  DIGEST_ASKED_OK, DIGEST_MD5, DIGEST_QOP_AUTH, "a", false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", qop=\"auth-int\", "
		  "stale=TRUE, algorithm=md5\r\n",
		  DIGEST_ASKED_OK, DIGEST_MD5, DIGEST_QOP_AUTH_INT, "a", false, true },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", qop=\"auth\", "
		  "algorithm=SHA-256-sess\r\n",
		  DIGEST_ASKED_OK, DIGEST_SHA256, DIGEST_QOP_AUTH, "a", true, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", algorithm=MD5-sess\r\n",
		  DIGEST_ASKED_UNKNOWN, 0, 0, "", false, false }, /* it needs a cnonce */
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", algorithm=AKAv1-MD5\r\n",
		  DIGEST_ASKED_UNKNOWN, 0, 0, "", false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", qop=\"token\"\r\n",
		  DIGEST_ASKED_UNKNOWN, 0, 0, "", false, false },
		{ "WWW-Authenticate: Digest realm=\"other\", nonce=\"a\"\r\n", DIGEST_ASKED_REALM,
		  0, 0, "", false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", nonce=\"b\"\r\n",
		  DIGEST_ASKED_NOTHING, 0, 0, "", false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\r\n", DIGEST_ASKED_NOTHING, 0,
		  0, "", false, false },
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"\"\r\n", DIGEST_ASKED_NOTHING, 0,
		  0, "", false, false },
		{ "Proxy-Authenticate: Digest realm=\"pbx\", nonce=\"a\"\r\n", DIGEST_ASKED_NOTHING,
		  0, 0, "", false, false },
		/* the strongest, in whatever order, in one line or several, among those of others */
		{ "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"a\", algorithm=SHA-256\r\n"
		  "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"b\", algorithm=SHA-512-256\r\n"
		  "WWW-Authenticate: Digest realm=\"pbx\", nonce=\"c\", algorithm=MD5\r\n",
		  DIGEST_ASKED_OK, DIGEST_SHA512_256, DIGEST_QOP_NONE, "b", false, false },
		{ "WWW-Authenticate: Basic realm=\"pbx\", Digest realm=\"pbx\", nonce=\"a\", "
		  "Digest realm=\"other\", nonce=\"b\", algorithm=SHA-256, Digest realm=\"pbx\", "
		  "nonce=\"c\", algorithm=SHA-256, qop=\"auth\"\r\n",
		  DIGEST_ASKED_OK, DIGEST_SHA256, DIGEST_QOP_AUTH, "c", false, false },
	};
	const typeof(table[0]) *row;

	(void)state;
	EACH_ROW(row, table)
	{
		struct digest_client_challenge ask;
		struct sip_message m;

		refused(&m, row->lines);
		ROW_ASSERT(row->lines,
			   digest_client_choose(&ask, &m, false, BYTES_LIT("pbx")) == row->is);
		if (row->is == DIGEST_ASKED_OK) {
			ROW_ASSERT(row->lines, ask.algorithm == row->algorithm);
			ROW_ASSERT(row->lines, ask.qop == row->qop);
			ROW_ASSERT(row->lines, bytes_is(ask.nonce, row->nonce));
			ROW_ASSERT(row->lines, ask.session == row->session);
			ROW_ASSERT(row->lines, ask.stale == row->stale);
		}
		message_close(&m);
	}
}

static void account_of(struct digest_account *a, const char *user, const char *password)
{
	*a = (struct digest_account){ bytes_str(user), BYTES_LIT("example.org"), { { { 0 } } } };
	digest_secret_make(&a->secret, a->user, a->realm, bytes_str(password));
}

/* An INVITE with that line, as the server reads it. */
static enum digest_verdict verdict_of(const struct digest_server *s, struct bytes line, bool proxy,
				      const struct digest_secret *secret)
{
	static char text[TEXT_MAX];
	struct message_error error;
	struct digest_answer answer;
	enum digest_verdict verdict;
	struct sip_message m;

	(void)snprintf(text, sizeof(text),
		       "INVITE sip:2@pbx.example.org SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:1@h>;tag=f\r\n"
		       "To: <sip:2@h>\r\nCall-ID: c\r\nCSeq: 2 INVITE\r\n" BYTES_FMT "\r\nbody",
		       BYTES_ARG(line));
	if (message_parse(&m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
	m.hop.remote = g_source;
	verdict = digest_read(&answer, s, &m, proxy, NOW);
	if (verdict == DIGEST_OK) {
		assert_int_equal(answer.c.nc, 7);
		verdict = digest_prove(&answer, s, &m, secret);
	}
	message_close(&m);
	return verdict;
}

static struct digest_server server(unsigned offer)
{
	struct digest_server s = { .realm = "example.org",
				   .nonce_lifetime_ms = 60000,
				   .offer = offer };

	memset(s.key, 0x42, sizeof(s.key));
	return s;
}

static void answer(struct writer *w, const struct digest_server *s, bool proxy,
		   const struct digest_account *account, enum digest_algorithm want)
{
	const struct digest_answering r = { .method = BYTES_LIT("INVITE"),
					    .uri = BYTES_LIT("sip:2@pbx.example.org"),
					    .body = BYTES_LIT("body"),
					    .nc = 7,
					    .cnonce = UINT64_C(0x0123456789abcdef),
					    .proxy = proxy };
	char lines[2048];
	struct writer l = writer_over(lines, sizeof(lines) - 1);
	struct digest_client_challenge ask;
	struct sip_message m;

	digest_challenge(s, &l, proxy, false, &g_source, NOW, 5);
	lines[l.n] = '\0';
	refused(&m, lines);
	assert_int_equal(digest_client_choose(&ask, &m, proxy, account->realm), DIGEST_ASKED_OK);
	assert_int_equal(ask.algorithm, want);
	assert_true(digest_client_write(w, &ask, account, &r));
	message_close(&m);
}

static void test_a_server_takes_the_answer(void **state)
{
	struct digest_account right, wrong;

	(void)state;
	account_of(&right, "node", "secret");
	account_of(&wrong, "node", "guess");
	for (unsigned i = 0; i < 2 * DIGEST_ALGORITHMS; i++) {
		struct digest_server s = server((2U << i % DIGEST_ALGORITHMS) - 1);
		uint8_t space[DIGEST_CLIENT_LINE_MAX];
		struct writer w = writer_over(space, sizeof(space));
		bool proxy = i >= DIGEST_ALGORITHMS;

		answer(&w, &s, proxy, &right, (enum digest_algorithm)(i % DIGEST_ALGORITHMS));
		assert_int_equal(verdict_of(&s, writer_done(&w), proxy, &right.secret), DIGEST_OK);
		assert_int_equal(verdict_of(&s, writer_done(&w), proxy, &wrong.secret),
				 DIGEST_WRONG);
		assert_int_equal(verdict_of(&s, writer_done(&w), !proxy, &right.secret),
				 DIGEST_MISSING);
	}
}

/* Each qop and session, with what a challenge of ours never asks. */
static void test_other_challenges(void **state)
{
	static const struct {
		enum digest_algorithm algorithm;
		enum digest_qop qop;
		bool session;
	} table[] = {
		{ DIGEST_MD5, DIGEST_QOP_NONE, false },
		{ DIGEST_MD5, DIGEST_QOP_AUTH_INT, true },
		{ DIGEST_SHA256, DIGEST_QOP_AUTH_INT, false },
		{ DIGEST_SHA256, DIGEST_QOP_AUTH, true },
	};
	struct digest_server s = server(DIGEST_OFFER_ALL);
	struct digest_account account;
	const typeof(table[0]) *row;

	(void)state;
	account_of(&account, "node", "secret");
	EACH_ROW(row, table)
	{
		struct digest_answering r = { .method = BYTES_LIT("INVITE"),
					      .uri = BYTES_LIT("sip:2@pbx.example.org"),
					      .body = BYTES_LIT("body"),
					      .nc = row->qop == DIGEST_QOP_NONE ? 1 : 7 };
		uint8_t space[DIGEST_CLIENT_LINE_MAX];
		struct writer w = writer_over(space, sizeof(space));
		struct digest_client_challenge ask = { .algorithm = row->algorithm,
						       .qop = row->qop,
						       .session = row->session,
						       .realm = account.realm,
						       .opaque = BYTES_LIT("\\\"x") };
		char lines[2048];
		struct writer l = writer_over(lines, sizeof(lines));
		struct bytes nonce;

		digest_challenge(&s, &l, false, false, &g_source, NOW, 5);
		nonce = bytes_from(
			writer_done(&l),
			(size_t)((uint8_t *)memmem(lines, l.n, "nonce=\"", 7) - (uint8_t *)lines) +
				7);
		ask.nonce = bytes_sub(nonce, 0, bytes_find(nonce, '"'));
		assert_true(digest_client_write(&w, &ask, &account, &r));
		assert_non_null(memmem(space, w.n, ", opaque=\"\\\"x\"\r\n", 15));
		assert_null(memmem(space, w.n, "secret", 6));
		if (row->qop == DIGEST_QOP_NONE)
			assert_null(memmem(space, w.n, "cnonce", 6));
		else
			assert_int_equal(verdict_of(&s, writer_done(&w), false, &account.secret),
					 DIGEST_OK);
	}
}

static void test_what_is_not_answered(void **state)
{
	static const char long_one[DIGEST_CLIENT_TEXT_MAX + 2] = { [0 ... DIGEST_CLIENT_TEXT_MAX] =
									   'n' };
	const struct digest_answering r = { .method = BYTES_LIT("INVITE"),
					    .uri = BYTES_LIT("sip:h"),
					    .nc = 1 };
	const struct digest_client_challenge good = { .nonce = BYTES_LIT("n") };
	uint8_t space[DIGEST_CLIENT_LINE_MAX];
	struct digest_account account;
	struct digest_client_challenge ask = good;
	struct writer w = writer_over(space, sizeof(space));

	(void)state;
	account_of(&account, "node", "secret");
	assert_true(digest_client_write(&w, &ask, &account, &r));
	ask.nonce = bytes_str(long_one);
	assert_false(digest_client_write(&w, &ask, &account, &r));
	ask.nonce = BYTES_LIT("a\\");
	assert_false(digest_client_write(&w, &ask, &account, &r));
	ask = good;
	ask.opaque = BYTES_LIT("a\"");
	assert_false(digest_client_write(&w, &ask, &account, &r));
	account.user = BYTES_LIT("no\"de");
	assert_false(digest_client_write(&w, &good, &account, &r));
	account.user = BYTES_LIT("");
	assert_false(digest_client_write(&w, &good, &account, &r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_asked),
		cmocka_unit_test(test_a_server_takes_the_answer),
		cmocka_unit_test(test_other_challenges),
		cmocka_unit_test(test_what_is_not_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
