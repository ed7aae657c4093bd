/* SPDX-License-Identifier: Apache-2.0 */
/* Includes the source, because the vectors come with nonces that are not ours. */
#include "tests/unit/sig/sip/data.h"

#include "sig/sip/digest.c" /* NOLINT(bugprone-suspicious-include) */

enum { FILE_MAX = 30000, MESSAGE_MAX = 2048 };

static const uint64_t NOW = UINT64_C(1790000000000);

static struct bytes field_or_none(struct bytes *row)
{
	struct bytes field = data_field(row);

	return bytes_is(field, "-") ? bytes_str(NULL) : field;
}

struct vector {
	struct bytes source, algorithm, qop, user, realm, password, nonce, nc, cnonce, uri, method,
		body, response, wrong;
};

static void read_vector(struct vector *v, struct bytes row)
{
	struct bytes *const fields[] = { &v->source,   &v->algorithm, &v->qop,    &v->user,
					 &v->realm,    &v->password,  &v->nonce,  &v->nc,
					 &v->cnonce,   &v->uri,       &v->method, &v->body,
					 &v->response, &v->wrong };

	for (size_t i = 0; i < COUNT_OF(fields); i++)
		*fields[i] = field_or_none(&row);
	if (bytes_is(v->body, "v=0\\r\\n"))
		v->body = BYTES_LIT("v=0\r\n");
}

static void algorithm_of(struct bytes name, struct digest_credentials *c)
{
	c->session = name.n > 5 && bytes_is(bytes_from(name, name.n - 5), "-sess");
	if (c->session)
		name = bytes_sub(name, 0, name.n - 5);
	for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
		c->algorithm = (enum digest_algorithm)i;
		if (bytes_is(name, digest_name(c->algorithm)))
			return;
	}
	fail_msg(BYTES_FMT, BYTES_ARG(name));
}

static void check_vector(const struct vector *v)
{
	struct sip_message m = { .method_name = v->method, .body = v->body };
	struct digest_credentials c = { .nonce = v->nonce,
					.uri = v->uri,
					.nc_text = v->nc,
					.cnonce = v->cnonce,
					.qop_text = v->qop,
					.response = v->response };
	struct digest_secret secret;
	struct digest_text have;
	char name[128];

	(void)snprintf(name, sizeof(name), BYTES_FMT " " BYTES_FMT " " BYTES_FMT,
		       BYTES_ARG(v->source), BYTES_ARG(v->algorithm), BYTES_ARG(v->qop));
	algorithm_of(v->algorithm, &c);
	c.qop = v->qop.n == 0              ? DIGEST_QOP_NONE
		: bytes_is(v->qop, "auth") ? DIGEST_QOP_AUTH
					   : DIGEST_QOP_AUTH_INT;
	digest_secret_make(&secret, v->user, v->realm, v->password);
	ROW_ASSERT(name, digest_response(&c, &secret,
					 &(struct digest_body){ m.method_name, m.body }, &have));
	ROW_ASSERT(name, bytes_eq(digest_text_bytes(&have), v->response));
	ROW_ASSERT(name, response_is(&c, &have));
	c.response = v->wrong;
	ROW_ASSERT(name, v->wrong.n == 0 || !response_is(&c, &have));
}

static void test_vectors(void **state)
{
	static uint8_t buf[FILE_MAX];
	struct bytes table = data_read("data/digest/vectors.txt", buf, sizeof(buf));
	struct bytes row;
	unsigned n = 0;

	(void)state;
	for (; data_row(&table, &row); n++) {
		struct vector v;

		read_vector(&v, row);
		check_vector(&v);
	}
	assert_int_equal(n, 31);
}

/* The source of all requests here. */
static const struct addr g_here = { .family = ADDR_V4, .ip = { 192, 0, 2, 1 }, .port = 5060 };

static enum digest_verdict check(const struct digest_server *s, struct sip_message *m, bool proxy,
				 const struct digest_secret *secret, uint64_t utc_ms)
{
	struct digest_answer a;
	enum digest_verdict read;

	m->hop.remote = g_here;
	read = digest_read(&a, s, m, proxy, utc_ms);
	return read == DIGEST_OK ? digest_prove(&a, s, m, secret) : read;
}

static const struct digest_server *server(void)
{
	static struct digest_server s;

	s = (struct digest_server){ .realm = "example.org",
				    .nonce_lifetime_ms = 60000,
				    .offer = DIGEST_OFFER_ALL };
	memset(s.key, 0x42, sizeof(s.key));
	return &s;
}

static const struct digest_secret *secret_of_1001(void)
{
	static struct digest_secret secret;

	digest_secret_make(&secret, BYTES_LIT("1001"), BYTES_LIT("example.org"),
			   BYTES_LIT("secret"));
	return &secret;
}

/* A REGISTER with an Authorization header line. */
static void request(struct sip_message *m, const char *authorization)
{
	struct message_error error;
	char text[MESSAGE_MAX];

	(void)snprintf(text, sizeof(text),
		       "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		       "From: <sip:1001@example.org>;tag=f\r\nTo: <sip:1001@example.org>\r\n"
		       "Call-ID: c\r\nCSeq: 2 REGISTER\r\n%s\r\nbody",
		       authorization);
	if (message_parse(m, bytes_str(text), &error))
		fail_msg("%s", error.reason);
}

/* What a phone would answer, to be bent by a test. */
struct answer {
	const char *name;
	enum digest_algorithm algorithm;
	const char *algorithm_text; /* NULL: none */
	const char *qop;            /* NULL: none */
	const char *nc, *cnonce, *user, *realm, *uri, *password;
	uint64_t nonce_ms;
	const char *further;
	enum digest_verdict want;
};

static void answer_response(const struct answer *a, struct bytes nonce, struct digest_text *out)
{
	struct sip_message m = { .method_name = BYTES_LIT("REGISTER"), .body = BYTES_LIT("body") };
	struct digest_credentials c = { .nonce = nonce,
					.uri = bytes_str(a->uri),
					.nc_text = bytes_str(a->nc),
					.cnonce = bytes_str(a->cnonce),
					.qop_text = bytes_str(a->qop),
					.algorithm = a->algorithm };
	struct digest_secret secret;

	if (a->qop)
		c.qop = strcmp(a->qop, "auth-int") == 0 ? DIGEST_QOP_AUTH_INT : DIGEST_QOP_AUTH;
	digest_secret_make(&secret, bytes_str(a->user), bytes_str(a->realm),
			   bytes_str(a->password));
	assert_true(
		digest_response(&c, &secret, &(struct digest_body){ m.method_name, m.body }, out));
}

static void answer_write(const struct answer *a, char *text, size_t cap)
{
	struct writer w = writer_over(text, cap - 1);
	char nonce[DIGEST_NONCE_LEN];
	struct digest_text response;

	digest_nonce_put(nonce, server(), &g_here, a->nonce_ms ? a->nonce_ms : NOW, 99);
	answer_response(a, bytes_mem(nonce, sizeof(nonce)), &response);
	writer_fmt(&w, "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%.*s\", ",
		   a->user, a->realm, DIGEST_NONCE_LEN, nonce);
	writer_fmt(&w, "uri=\"%s\", response=\"%.*s\"", a->uri, (int)response.n, response.p);
	if (a->algorithm_text)
		writer_fmt(&w, ", algorithm=%s", a->algorithm_text);
	if (a->qop)
		writer_fmt(&w, ", qop=%s", a->qop);
	if (a->nc)
		writer_fmt(&w, ", nc=%s", a->nc);
	if (a->cnonce)
		writer_fmt(&w, ", cnonce=\"%s\"", a->cnonce);
	writer_fmt(&w, "%s\r\n", a->further ? a->further : "");
	text[w.n] = '\0';
}

#define R  "example.org"
#define U  "sip:example.org"
#define OK "00000001", "c", "1001", R, U, "secret"

static void test_answers(void **state)
{
	static const struct answer rows[] = {
		{ "MD5", DIGEST_MD5, "MD5", "auth", OK, 0, NULL, DIGEST_OK },
		{ "no algorithm is MD5", DIGEST_MD5, NULL, "auth", OK, 0, NULL, DIGEST_OK },
		{ "SHA-256", DIGEST_SHA256, "SHA-256", "auth", OK, 0, NULL, DIGEST_OK },
		{ "in lower case", DIGEST_SHA256, "sha-256", "auth", OK, 0, NULL, DIGEST_OK },
		{ "SHA-512-256", DIGEST_SHA512_256, "SHA-512-256", "auth", OK, 0, NULL, DIGEST_OK },
		{ "auth-int", DIGEST_SHA256, "SHA-256", "auth-int", OK, 0, NULL, DIGEST_OK },
		{ "quoted qop", DIGEST_MD5, "MD5", "auth", OK, 0, ", opaque=\"\"", DIGEST_OK },
		{ "RFC 2069", DIGEST_MD5, NULL, NULL, NULL, NULL, "1001", R, U, "secret", 0, NULL,
		  DIGEST_OK },
		{ "RFC 2069 with SHA-256", DIGEST_SHA256, "SHA-256", NULL, NULL, NULL, "1001", R, U,
		  "secret", 0, NULL, DIGEST_MALFORMED },
		{ "at the end of its life", DIGEST_MD5, "MD5", "auth", OK, NOW - 60000, NULL,
		  DIGEST_OK },
		{ "too old", DIGEST_MD5, "MD5", "auth", OK, NOW - 60001, NULL, DIGEST_STALE },
		{ "old and wrong", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R, U, "x",
		  NOW - 60001, NULL, DIGEST_WRONG },
		{ "from a clock ahead", DIGEST_MD5, "MD5", "auth", OK, NOW + 5000, NULL, DIGEST_OK },
		{ "from the far future", DIGEST_MD5, "MD5", "auth", OK, NOW + 60001, NULL,
		  DIGEST_STALE },
		{ "wrong password", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R, U,
		  "Secret", 0, NULL, DIGEST_WRONG },
		{ "another user", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1002", R, U,
		  "secret", 0, NULL, DIGEST_WRONG },
		{ "another realm", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", "other", U,
		  "secret", 0, NULL, DIGEST_MISSING },
		{ "realm in capitals", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001",
		  "EXAMPLE.org", U, "secret", 0, NULL, DIGEST_MISSING },
		{ "uri with a port", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R,
		  "sip:Example.org:5060;transport=udp", "secret", 0, NULL, DIGEST_OK },
		{ "uri of another host", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R,
		  "sip:example.com", "secret", 0, NULL, DIGEST_MALFORMED },
		{ "uri of another user", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R,
		  "sip:1002@example.org", "secret", 0, NULL, DIGEST_MALFORMED },
		{ "uri is none", DIGEST_MD5, "MD5", "auth", "00000001", "c", "1001", R, "x",
		  "secret", 0, NULL, DIGEST_MALFORMED },
		{ "nc of zero", DIGEST_MD5, "MD5", "auth", "00000000", "c", "1001", R, U, "secret",
		  0, NULL, DIGEST_MALFORMED },
		{ "nc too short", DIGEST_MD5, "MD5", "auth", "0001", "c", "1001", R, U, "secret", 0,
		  NULL, DIGEST_MALFORMED },
		{ "nc is no hex", DIGEST_MD5, "MD5", "auth", "0000000x", "c", "1001", R, U,
		  "secret", 0, NULL, DIGEST_MALFORMED },
		{ "no nc", DIGEST_MD5, "MD5", "auth", NULL, "c", "1001", R, U, "secret", 0, NULL,
		  DIGEST_MALFORMED },
		{ "no cnonce", DIGEST_MD5, "MD5", "auth", "00000001", NULL, "1001", R, U, "secret",
		  0, NULL, DIGEST_MALFORMED },
		{ "unknown algorithm", DIGEST_MD5, "SHA-1", "auth", OK, 0, NULL, DIGEST_MALFORMED },
		{ "unknown qop", DIGEST_MD5, "MD5", "auth-conf", OK, 0, NULL, DIGEST_MALFORMED },
		{ "other algorithm than hashed", DIGEST_SHA256, "SHA-512-256", "auth", OK, 0, NULL,
		  DIGEST_WRONG },
		{ "length of another algorithm", DIGEST_MD5, "SHA-256", "auth", OK, 0, NULL,
		  DIGEST_MALFORMED },
		{ "twice the user", DIGEST_MD5, "MD5", "auth", OK, 0, ", username=\"1002\"",
		  DIGEST_MALFORMED },
		{ "broken", DIGEST_MD5, "MD5", "auth", OK, 0, ", x=\"", DIGEST_MALFORMED },
		{ "no comma", DIGEST_MD5, "MD5", "auth", OK, 0, " x=y", DIGEST_MALFORMED },
		{ "no user", DIGEST_MD5, "MD5", "auth", "00000001", "c", "", R, U, "secret", 0,
		  NULL, DIGEST_MALFORMED },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char text[MESSAGE_MAX];
		enum digest_verdict have;
		struct sip_message m;

		answer_write(row, text, sizeof(text));
		request(&m, text);
		have = check(server(), &m, false, secret_of_1001(), NOW);
		if (have != row->want)
			fail_msg("%s: %d", row->name, have);
		have = check(server(), &m, false, NULL, NOW);
		if (have == DIGEST_OK || have == DIGEST_STALE)
			fail_msg("%s: good without a secret", row->name);
		ROW_ASSERT(row->name,
			   check(server(), &m, true, secret_of_1001(), NOW) == DIGEST_MISSING);
		message_close(&m);
	}
}

static const struct answer GOOD = { "good", DIGEST_MD5, "MD5", "auth", OK, 0, NULL, DIGEST_OK };

static enum digest_verdict check_good(const struct digest_server *s)
{
	enum digest_verdict have;
	struct sip_message m;
	char text[MESSAGE_MAX];

	answer_write(&GOOD, text, sizeof(text));
	request(&m, text);
	have = check(s, &m, false, secret_of_1001(), NOW);
	message_close(&m);
	return have;
}

/* A nonce of another cluster, or of a guess, is worth nothing. */
static void test_foreign_nonce(void **state)
{
	struct digest_server other = *server();

	(void)state;
	assert_int_equal(check_good(&other), DIGEST_OK);
	other.key[31] ^= 1;
	assert_int_equal(check_good(&other), DIGEST_FOREIGN);
}

/* For a user who is not known the hash runs over zeros, which anybody can do. */
static void test_nobody(void **state)
{
	static const struct digest_secret zeros;
	struct digest_credentials c = { .algorithm = DIGEST_MD5,
					.uri = BYTES_LIT(U),
					.qop = DIGEST_QOP_NONE };
	char nonce[DIGEST_NONCE_LEN];
	struct digest_text response;
	char text[MESSAGE_MAX];
	struct sip_message m;

	(void)state;
	digest_nonce_put(nonce, server(), &g_here, NOW, 1);
	c.nonce = bytes_mem(nonce, sizeof(nonce));
	m = (struct sip_message){ .method_name = BYTES_LIT("REGISTER") };
	assert_true(digest_response(&c, &zeros, &(struct digest_body){ m.method_name, m.body },
				    &response));
	(void)snprintf(text, sizeof(text),
		       "Authorization: Digest username=\"x\", realm=\"" R "\", nonce=\"%.*s\", "
		       "uri=\"" U "\", response=\"%.*s\"\r\n",
		       DIGEST_NONCE_LEN, nonce, (int)response.n, response.p);
	request(&m, text);
	assert_int_equal(check(server(), &m, false, &zeros, NOW), DIGEST_OK);
	assert_int_equal(check(server(), &m, false, NULL, NOW), DIGEST_WRONG);
	message_close(&m);
}

static enum digest_nonce nonce_check(struct bytes nonce, const char *source)
{
	struct digest_answer a = { .c.nonce = nonce };
	struct addr from;

	assert_int_equal(addr_parse(&from, bytes_str(source)), 0);
	return digest_nonce_check(&a, server(), &from, NOW);
}

static void test_nonce(void **state)
{
	char nonce[DIGEST_NONCE_LEN];
	char other[DIGEST_NONCE_LEN];

	(void)state;
	digest_nonce_put(nonce, server(), &g_here, NOW, 1);
	digest_nonce_put(other, server(), &g_here, NOW, 2);
	assert_memory_not_equal(nonce, other, sizeof(nonce));
	for (size_t i = 0; i < sizeof(nonce); i++) {
		char was = nonce[i];

		nonce[i] = was == '0' ? '1' : '0';
		assert_int_equal(nonce_check(bytes_mem(nonce, sizeof(nonce)), "192.0.2.1"),
				 DIGEST_NONCE_FOREIGN);
		nonce[i] = was;
	}
	assert_int_equal(nonce_check(bytes_mem(nonce, sizeof(nonce)), "192.0.2.1"),
			 DIGEST_NONCE_FRESH);
	assert_int_equal(nonce_check(bytes_mem(nonce, sizeof(nonce) - 1), "192.0.2.1"),
			 DIGEST_NONCE_FOREIGN);
	assert_int_equal(nonce_check(bytes_str(NULL), "192.0.2.1"), DIGEST_NONCE_FOREIGN);
}

/* A nonce is worth something to whom it was given: an address, or an IPv6 /64, whatever the port. */
static void test_nonce_of_a_source(void **state)
{
	static const struct row {
		const char *given, *shown;
		enum digest_nonce want;
	} rows[] = {
		{ "192.0.2.1:5060", "192.0.2.1:6060", DIGEST_NONCE_FRESH },
		{ "192.0.2.1:5060", "192.0.2.2:5060", DIGEST_NONCE_FOREIGN },
		{ "[2001:db8::1]:5060", "[2001:db8::2]:5060", DIGEST_NONCE_FRESH },
		{ "[2001:db8::1]:5060", "[2001:db8:0:1::1]:5060", DIGEST_NONCE_FOREIGN },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		char nonce[DIGEST_NONCE_LEN];
		struct addr given;

		ROW_ASSERT(row->given, addr_parse(&given, bytes_str(row->given)) == 0);
		digest_nonce_put(nonce, server(), &given, NOW, 1);
		ROW_ASSERT(row->shown,
			   nonce_check(bytes_mem(nonce, sizeof(nonce)), row->shown) == row->want);
	}
}

/* What challenges do not name is not taken either. */
static void test_offer(void **state)
{
	struct digest_server s = *server();

	(void)state;
	s.offer = 1U << DIGEST_SHA256;
	assert_int_equal(check_good(&s), DIGEST_WRONG);
	s.offer = 1U << DIGEST_MD5 | 1U << DIGEST_SHA256;
	assert_int_equal(check_good(&s), DIGEST_OK);
	s.offer = 0;
	assert_int_equal(check_good(&s), DIGEST_OK);
}

static void test_user(void **state)
{
	static const struct {
		const char *name, *line, *want; /* NULL: none */
	} rows[] = {
		{ "none", "", NULL },
		{ "another scheme", "Authorization: Basic MTAwMTp4\r\n", NULL },
		{ "RFC 4475 3.3.7", "Authorization: NoOneKnowsThisScheme opaque-data=here\r\n",
		  NULL },
		{ "another realm",
		  "Authorization: Digest username=\"a\", realm=\"b\", nonce=\"c\", uri=\"sip:d\", "
		  "response=\"00000000000000000000000000000000\"\r\n",
		  NULL },
		{ "the second header",
		  "Authorization: Basic x\r\nAuthorization:digest username=\"a\",realm=\"" R
		  "\",nonce=\"c\",uri=\"sip:d\",response=\"00000000000000000000000000000000\"\r\n",
		  "a" },
		{ "no response",
		  "Authorization: Digest username=\"a\", realm=\"" R "\", nonce=\"c\", "
		  "uri=\"sip:d\"\r\n",
		  NULL },
	}, *row;

	(void)state;
	EACH_ROW(row, rows)
	{
		struct digest_credentials c;
		struct sip_message m;
		bool found;

		request(&m, row->line);
		found = digest_credentials_find(&c, &m, false, bytes_str(R)) == 1;
		ROW_ASSERT(row->name, found == (row->want != NULL));
		ROW_ASSERT(row->name, !found || bytes_is(c.user, row->want));
		message_close(&m);
	}
}

static void test_challenge(void **state)
{
	char out[DIGEST_HEADER_MAX];
	struct writer w = writer_over(out, sizeof(out));
	struct digest_server s = *server();
	char want[DIGEST_HEADER_MAX];
	char nonce[DIGEST_NONCE_LEN];

	(void)state;
	digest_nonce_put(nonce, &s, &g_here, NOW, 5);
	digest_challenge(&s, &w, false, true, &g_here, NOW, 5);
	(void)snprintf(want, sizeof(want),
		       "WWW-Authenticate: Digest realm=\"example.org\", qop=\"auth,auth-int\", "
		       "nonce=\"%.*s\", algorithm=SHA-512-256, stale=true\r\nWWW-Auth",
		       DIGEST_NONCE_LEN, nonce);
	assert_true(bytes_starts(writer_done(&w), want));
	s.offer = 0;
	w = writer_over(out, sizeof(out));
	digest_challenge(&s, &w, true, false, &g_here, NOW, 5);
	(void)snprintf(want, sizeof(want),
		       "Proxy-Authenticate: Digest realm=\"example.org\", qop=\"auth,auth-int\", "
		       "nonce=\"%.*s\", algorithm=MD5\r\n",
		       DIGEST_NONCE_LEN, nonce);
	assert_true(bytes_is(writer_done(&w), want));
}

/* The longest realm, all algorithms and stale still fit what the header promises. */
static void test_challenge_size(void **state)
{
	char out[DIGEST_HEADER_MAX];
	struct writer w = writer_over(out, sizeof(out));
	struct digest_server s = *server();

	(void)state;
	memset(s.realm, 'r', sizeof(s.realm) - 1);
	digest_challenge(&s, &w, true, true, &g_here, UINT64_MAX, UINT64_MAX);
	assert_false(w.overflow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),        cmocka_unit_test(test_answers),
		cmocka_unit_test(test_foreign_nonce),  cmocka_unit_test(test_nonce),
		cmocka_unit_test(test_nobody),         cmocka_unit_test(test_offer),
		cmocka_unit_test(test_user),           cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_challenge_size), cmocka_unit_test(test_nonce_of_a_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
