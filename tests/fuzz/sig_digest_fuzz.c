/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: the value of an Authorization header. Oracle: a verdict of right is given only to what a second, plain computation finds right,
 * never without a secret, and never under another key.
 */
#include <assert.h>
#include <openssl/evp.h>
#include <string.h>

#include "sig/sip/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 8192 };

static const uint64_t NOW = UINT64_C(1790000000000);

static const EVP_MD *md_of(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_MD5      ? EVP_md5()
	       : algorithm == DIGEST_SHA256 ? EVP_sha256()
					    : EVP_sha512_256();
}

/* hex(H(text)) appended */
static void append_hash(struct writer *w, enum digest_algorithm algorithm, struct bytes text)
{
	uint8_t raw[EVP_MAX_MD_SIZE];
	unsigned n;

	assert(EVP_Digest(text.p, text.n, raw, &n, md_of(algorithm), NULL));
	writer_hex(w, bytes_mem(raw, n));
}

static void append(struct writer *w, struct bytes part)
{
	writer_u8(w, ':');
	writer_bytes(w, part);
}

static void append_a1(struct writer *w, const struct digest_credentials *c)
{
	static char text[TEXT_MAX];
	struct writer inner = writer_over(text, sizeof(text));

	if (!c->session) {
		append_hash(w, c->algorithm, BYTES_LIT("1001:example.org:secret"));
		return;
	}
	append_hash(&inner, c->algorithm, BYTES_LIT("1001:example.org:secret"));
	append(&inner, c->nonce);
	append(&inner, c->cnonce);
	append_hash(w, c->algorithm, writer_done(&inner));
}

static void append_a2(struct writer *w, const struct digest_credentials *c)
{
	static char text[TEXT_MAX];
	struct writer inner = writer_over(text, sizeof(text));

	writer_str(&inner, "REGISTER");
	append(&inner, c->uri);
	if (c->qop == DIGEST_QOP_AUTH_INT) {
		writer_u8(&inner, ':');
		append_hash(&inner, c->algorithm, BYTES_LIT("body"));
	}
	append_hash(w, c->algorithm, writer_done(&inner));
}

static void check_right(const struct sip_message *m)
{
	static char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	char want[2 * EVP_MAX_MD_SIZE];
	struct writer hex = writer_over(want, sizeof(want));
	struct digest_credentials c;

	assert(digest_credentials_find(&c, m, false, BYTES_LIT("example.org")) == 1);
	append_a1(&w, &c);
	append(&w, c.nonce);
	if (c.qop != DIGEST_QOP_NONE) {
		append(&w, c.nc_text);
		append(&w, c.cnonce);
		append(&w, c.qop_text);
	}
	writer_u8(&w, ':');
	append_a2(&w, &c);
	append_hash(&hex, c.algorithm, writer_done(&w));
	assert(bytes_ieq(writer_done(&hex), c.response));
}

static int parse(struct sip_message *m, struct bytes value)
{
	static char text[TEXT_MAX];
	struct writer w = writer_over(text, sizeof(text));
	struct message_error error;

	writer_str(&w, "REGISTER sip:example.org SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
		       "From: <sip:1001@example.org>;tag=f\r\nTo: <sip:1001@example.org>\r\n"
		       "Call-ID: c\r\nCSeq: 2 REGISTER\r\nAuthorization: ");
	writer_bytes(&w, value);
	writer_str(&w, "\r\n\r\nbody");
	if (w.overflow || message_parse(m, writer_done(&w), &error) == 0)
		return w.overflow ? -1 : 0;
	message_close(m);
	return -1;
}

static bool is_right(enum digest_verdict verdict)
{
	return verdict == DIGEST_OK || verdict == DIGEST_STALE;
}

static enum digest_verdict check(const struct digest_server *s, const struct sip_message *m,
				 bool proxy, const struct digest_secret *secret, uint64_t utc_ms)
{
	struct digest_answer a;
	enum digest_verdict read = digest_read(&a, s, m, proxy, utc_ms);

	assert(read != DIGEST_STALE && read != DIGEST_WRONG);
	return read == DIGEST_OK ? digest_prove(&a, s, m, secret) : read;
}

/* What HTTP takes is what SIP would take, but for the URI, which the caller compares. */
static void check_http(const struct digest_server *s, const struct sip_message *m,
		       struct bytes value, const struct digest_secret *secret)
{
	struct digest_answer a;
	enum digest_verdict read = digest_read_http(&a, s, value, &m->hop.remote, NOW);

	assert(read != DIGEST_STALE && read != DIGEST_WRONG);
	if (read != DIGEST_OK)
		return;
	assert(a.c.qop != DIGEST_QOP_AUTH_INT);
	assert(!is_right(digest_prove_http(&a, s, BYTES_LIT("REGISTER"), NULL)));
	if (is_right(digest_prove_http(&a, s, BYTES_LIT("REGISTER"), secret)))
		assert(!is_right(digest_prove_http(&a, s, BYTES_LIT("GET"), secret)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest_server s = { .realm = "example.org", .offer = DIGEST_OFFER_ALL };
	struct digest_secret secret;
	struct sip_message m;

	if (bytes_find(bytes_mem(data, size), '\n') < size || parse(&m, bytes_mem(data, size)))
		return 0;
	memset(s.key, 0x42, sizeof(s.key));
	digest_secret_make(&secret, BYTES_LIT("1001"), BYTES_LIT("example.org"),
			   BYTES_LIT("secret"));
	check_http(&s, &m, bytes_mem(data, size), &secret);
	assert(!is_right(check(&s, &m, false, NULL, NOW)));
	if (is_right(check(&s, &m, false, &secret, NOW))) {
		check_right(&m);
		s.key[0] ^= 1;
		assert(!is_right(check(&s, &m, false, &secret, NOW)));
	}
	message_close(&m);
	return 0;
}
