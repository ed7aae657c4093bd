/* SPDX-License-Identifier: Apache-2.0 */
/* Pure, without state: whether an answer was used before is checked by the caller
 * (sig/shard/shared_tables.h). */
#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "sig/sip/digest.h"
#include "sig/sip/lex.h"

static const EVP_MD *digest_md(enum digest_algorithm algorithm)
{
	switch (algorithm) {
	case DIGEST_MD5:
		return EVP_md5();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA512_256:
		return EVP_sha512_256();
	case DIGEST_ALGORITHMS:
		break;
	}
	return NULL;
}

static size_t digest_hash_len(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_MD5 ? 16 : DIGEST_HASH_MAX;
}

const char *digest_name(enum digest_algorithm algorithm)
{
	static const char *const names[] = {
		[DIGEST_MD5] = "MD5",
		[DIGEST_SHA256] = "SHA-256",
		[DIGEST_SHA512_256] = "SHA-512-256",
	};

	assert(algorithm < DIGEST_ALGORITHMS);
	return names[algorithm];
}

bool digest_algorithm_read(struct bytes text, enum digest_algorithm *out, bool *session)
{
	enum { SESS_LEN = 5 };

	*session = text.n > SESS_LEN && bytes_iis(bytes_from(text, text.n - SESS_LEN), "-sess");
	if (*session)
		text = bytes_sub(text, 0, text.n - SESS_LEN);
	*out = DIGEST_MD5;
	if (text.n == 0)
		return true;
	for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
		*out = (enum digest_algorithm)i;
		if (bytes_iis(text, digest_name(*out)))
			return true;
	}
	return false;
}

static bool hash_parts(EVP_MD_CTX *ctx, const struct bytes *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i && !EVP_DigestUpdate(ctx, ":", 1))
			return false;
		if (!EVP_DigestUpdate(ctx, parts[i].p, parts[i].n))
			return false;
	}
	return true;
}

/* H(part:part:...). False when OpenSSL does not have the hash (MD5 under FIPS). */
static bool digest_hash(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
			uint8_t out[DIGEST_HASH_MAX])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok;

	memset(out, 0, DIGEST_HASH_MAX);
	ok = ctx && EVP_DigestInit_ex(ctx, digest_md(algorithm), NULL) &&
	     hash_parts(ctx, parts, n) && EVP_DigestFinal_ex(ctx, out, NULL);
	EVP_MD_CTX_free(ctx);
	return ok;
}

bool digest_hash_text(enum digest_algorithm algorithm, const struct bytes *parts, size_t n,
		      struct digest_text *out)
{
	uint8_t raw[DIGEST_HASH_MAX];
	struct writer w = writer_over(out->p, sizeof(out->p));
	bool ok = digest_hash(algorithm, parts, n, raw);

	writer_hex(&w, bytes_mem(raw, digest_hash_len(algorithm)));
	out->n = w.n;
	return ok;
}

struct bytes digest_text_bytes(const struct digest_text *t)
{
	return bytes_mem(t->p, t->n);
}

/* HMAC-SHA256 of the parts without separators, cut to n bytes. */
static bool digest_mac(const uint8_t key[DIGEST_KEY_LEN], const struct bytes *parts, size_t count,
		       uint8_t *out, size_t n)
{
	uint8_t text[256];
	uint8_t mac[EVP_MAX_MD_SIZE];
	struct writer w = writer_over(text, sizeof(text));

	for (size_t i = 0; i < count; i++)
		writer_bytes(&w, parts[i]);
	assert(!w.overflow && n <= 32);
	if (!HMAC(EVP_sha256(), key, DIGEST_KEY_LEN, text, w.n, mac, NULL))
		return false;
	memcpy(out, mac, n);
	return true;
}

/* Limits that keep parsing cheap: credentials of strangers are parsed as well. */
enum { CREDENTIALS_PARAMS_MAX = 32, REALMS_MAX = 16 };

/* Where a parameter goes; NULL: not one of ours. */
static struct bytes *slot_of(struct digest_credentials *c, struct bytes name)
{
	const struct {
		const char *name;
		struct bytes *slot;
	} slots[] = {
		{ "username", &c->user },
		{ "realm", &c->realm },
		{ "nonce", &c->nonce },
		{ "uri", &c->uri },
		{ "response", &c->response },
		{ "cnonce", &c->cnonce },
		{ "nc", &c->nc_text },
		{ "qop", &c->qop_text },
		{ "algorithm", &c->algorithm_text },
	};

	for (size_t i = 0; i < COUNT_OF(slots); i++) {
		if (bytes_iis(name, slots[i].name))
			return slots[i].slot;
	}
	return NULL;
}

/* name=value or name="value"; *element is one between commas. */
static int credentials_read_param(struct digest_credentials *c, struct bytes element)
{
	struct bytes name = lex_token(&element);
	struct bytes *slot = slot_of(c, name);
	struct bytes value;

	if (name.n == 0 || !lex_sep(&element, '='))
		return -EBADMSG;
	if (element.n && element.p[0] == '"') {
		if (lex_quoted(&element, &value) || element.n)
			return -EBADMSG;
	} else {
		value = element;
	}
	if (!slot)
		return 0;
	if (slot->p) /* twice: which one would count? */
		return -EBADMSG;
	*slot = value;
	return 0;
}

static int read_qop(struct digest_credentials *c)
{
	uint8_t raw[4];
	size_t n;

	c->qop = DIGEST_QOP_NONE;
	c->nc = 1;
	if (c->qop_text.n == 0) /* RFC 2069 clients know MD5 only */
		return c->algorithm == DIGEST_MD5 && !c->session ? 0 : -EBADMSG;
	if (bytes_iis(c->qop_text, "auth")) {
		c->qop = DIGEST_QOP_AUTH;
	} else if (bytes_iis(c->qop_text, "auth-int")) {
		c->qop = DIGEST_QOP_AUTH_INT;
	} else {
		return -EBADMSG;
	}
	if (c->cnonce.n == 0 || hex_decode(c->nc_text, raw, sizeof(raw), &n) || n != sizeof(raw))
		return -EBADMSG;
	c->nc = be32_get(raw);
	return c->nc ? 0 : -EBADMSG; /* RFC 7616 3.4: counts from 1 */
}

static int credentials_check(struct digest_credentials *c)
{
	if (c->user.n == 0 || c->nonce.n == 0 || c->uri.n == 0)
		return -EBADMSG;
	if (!digest_algorithm_read(c->algorithm_text, &c->algorithm, &c->session) || read_qop(c))
		return -EBADMSG;
	return c->response.n == 2 * digest_hash_len(c->algorithm) ? 0 : -EBADMSG;
}

/* 1: Digest, 0: another scheme, -EBADMSG. */
static int credentials_read_value(struct digest_credentials *c, struct bytes value)
{
	struct bytes scheme = lex_token(&value);
	struct bytes element;
	unsigned n = 0;

	*c = (struct digest_credentials){ 0 };
	if (!bytes_iis(scheme, "Digest"))
		return 0;
	value = bytes_trim(value);
	while (lex_element(&value, &element)) {
		if (n++ == CREDENTIALS_PARAMS_MAX || credentials_read_param(c, element))
			return -EBADMSG;
	}
	return 1;
}

int digest_credentials_find(struct digest_credentials *out, const struct sip_message *m, bool proxy,
			    struct bytes realm)
{
	const char *name = proxy ? "Proxy-Authorization" : "Authorization";
	struct bytes value;

	for (unsigned i = 0; i < REALMS_MAX && message_header(m, name, i, &value); i++) {
		int found = credentials_read_value(out, value);

		if (found < 0)
			return found;
		if (found && bytes_eq(out->realm, realm))
			return credentials_check(out) ? -EBADMSG : 1;
	}
	return 0;
}

/* RFC 7616 3.4.6 permits rewriting proxies. Phones differ in port and parameters, so user and host
 * are compared. */
static bool digest_credentials_fit(const struct digest_credentials *c, const struct sip_message *m)
{
	struct sip_uri uri;

	if (bytes_eq(c->uri, m->uri.all))
		return true;
	if (sip_uri_parse(&uri, c->uri))
		return false;
	return bytes_eq(uri.user, m->uri.user) && bytes_ieq(uri.host, m->uri.host);
}

enum { HEAD_LEN = 16, LIFETIME_PRESET_MS = 60000 };

static void nonce_mac(const struct digest_server *s, const struct addr *source,
		      const uint8_t head[HEAD_LEN], uint8_t out[DIGEST_MAC_LEN])
{
	const struct addr subject = addr_source(source);
	const struct bytes parts[] = {
		BYTES_LIT("nonce"), /* the key serves other purposes too */
		bytes_mem(head, HEAD_LEN),
		bytes_mem(&subject.family, sizeof(subject.family)),
		bytes_mem(subject.ip, sizeof(subject.ip)),
		bytes_str(s->realm),
	};

	if (!digest_mac(s->key, parts, COUNT_OF(parts), out, DIGEST_MAC_LEN))
		memset(out, 0, DIGEST_MAC_LEN);
}

uint64_t digest_nonce_lifetime_ms(const struct digest_server *s)
{
	return s->nonce_lifetime_ms ? s->nonce_lifetime_ms : LIFETIME_PRESET_MS;
}

void digest_nonce_put(char out[DIGEST_NONCE_LEN], const struct digest_server *s,
		      const struct addr *source, uint64_t utc_ms, uint64_t random)
{
	uint8_t raw[HEAD_LEN + DIGEST_MAC_LEN];
	struct writer head = writer_over(raw, HEAD_LEN);
	struct writer w = writer_over(out, DIGEST_NONCE_LEN);

	writer_be64(&head, utc_ms);
	writer_be64(&head, random);
	nonce_mac(s, source, raw, raw + HEAD_LEN);
	writer_hex(&w, bytes_mem(raw, sizeof(raw)));
}

enum digest_nonce digest_nonce_check(struct digest_answer *a, const struct digest_server *s,
				     const struct addr *source, uint64_t utc_ms)
{
	uint8_t raw[HEAD_LEN + DIGEST_MAC_LEN];
	uint8_t mac[DIGEST_MAC_LEN];
	uint64_t made, away;
	size_t n;

	if (a->c.nonce.n != DIGEST_NONCE_LEN || hex_decode(a->c.nonce, raw, sizeof(raw), &n))
		return DIGEST_NONCE_FOREIGN;
	nonce_mac(s, source, raw, mac);
	if (!bytes_eq_secret(bytes_mem(mac, sizeof(mac)),
			     bytes_mem(raw + HEAD_LEN, DIGEST_MAC_LEN)))
		return DIGEST_NONCE_FOREIGN;
	made = be64_get(raw);
	a->nonce_id = be64_get(mac);
	a->nonce_utc_ms = made;
	/* the clock of the node that made it may be ahead of ours */
	away = made > utc_ms ? made - utc_ms : utc_ms - made;
	return away <= digest_nonce_lifetime_ms(s) ? DIGEST_NONCE_FRESH : DIGEST_NONCE_OLD;
}

/* H(user:realm:password), and for -sess hashed again with nonce and cnonce (RFC 7616 3.4.2). */
static bool make_a1(const struct digest_credentials *c, const struct digest_secret *secret,
		    struct digest_text *a1)
{
	struct writer w = writer_over(a1->p, sizeof(a1->p));
	struct bytes parts[3];

	writer_hex(&w, bytes_mem(secret->ha1[c->algorithm], digest_hash_len(c->algorithm)));
	a1->n = w.n;
	if (!c->session)
		return true;
	parts[0] = digest_text_bytes(a1);
	parts[1] = c->nonce;
	parts[2] = c->cnonce;
	return digest_hash_text(c->algorithm, parts, COUNT_OF(parts), a1);
}

/* RFC 7616 3.4.3 */
static bool make_a2(const struct digest_credentials *c, const struct digest_body *of,
		    struct digest_text *a2)
{
	struct digest_text body;
	struct bytes parts[3] = { of->method, c->uri };

	if (c->qop != DIGEST_QOP_AUTH_INT)
		return digest_hash_text(c->algorithm, parts, 2, a2);
	if (!digest_hash_text(c->algorithm, &of->body, 1, &body))
		return false;
	parts[2] = digest_text_bytes(&body);
	return digest_hash_text(c->algorithm, parts, 3, a2);
}

/* RFC 7616 3.4.1; without qop RFC 2617 3.2.2.1 */
bool digest_response(const struct digest_credentials *c, const struct digest_secret *secret,
		     const struct digest_body *of, struct digest_text *out)
{
	struct digest_text a1;
	struct digest_text a2;
	struct bytes parts[DIGEST_PARTS_MAX];
	size_t n = 0;

	if (!make_a1(c, secret, &a1) || !make_a2(c, of, &a2))
		return false;
	parts[n++] = digest_text_bytes(&a1);
	parts[n++] = c->nonce;
	if (c->qop != DIGEST_QOP_NONE) {
		parts[n++] = c->nc_text;
		parts[n++] = c->cnonce;
		parts[n++] = c->qop_text;
	}
	parts[n++] = digest_text_bytes(&a2);
	return digest_hash_text(c->algorithm, parts, n, out);
}

void digest_secret_make(struct digest_secret *out, struct bytes user, struct bytes realm,
			struct bytes password)
{
	const struct bytes parts[] = { user, realm, password };

	for (unsigned i = 0; i < DIGEST_ALGORITHMS; i++) {
		if (!digest_hash((enum digest_algorithm)i, parts, COUNT_OF(parts), out->ha1[i]))
			memset(out->ha1[i], 0, sizeof(out->ha1[i]));
	}
}

/* The hex digits may be in either case. */
static bool response_is(const struct digest_credentials *c, const struct digest_text *want)
{
	uint8_t ours[DIGEST_HASH_MAX];
	uint8_t theirs[DIGEST_HASH_MAX];
	size_t n;
	size_t m;

	if (hex_decode(c->response, theirs, sizeof(theirs), &n) ||
	    hex_decode(digest_text_bytes(want), ours, sizeof(ours), &m))
		return false;
	return bytes_eq_secret(bytes_mem(ours, m), bytes_mem(theirs, n));
}

/* Else who cuts the better lines out of our challenge could choose for both. */
static bool is_offered(const struct digest_server *s, enum digest_algorithm algorithm)
{
	unsigned offer = s->offer ? s->offer : 1U << DIGEST_MD5;

	return offer & 1U << algorithm;
}

static enum digest_verdict digest_nonce_judge(struct digest_answer *out,
					      const struct digest_server *s,
					      const struct addr *source, uint64_t utc_ms)
{
	enum digest_nonce nonce = digest_nonce_check(out, s, source, utc_ms);

	out->old = nonce == DIGEST_NONCE_OLD;
	return nonce == DIGEST_NONCE_FOREIGN ? DIGEST_FOREIGN : DIGEST_OK;
}

enum digest_verdict digest_read(struct digest_answer *out, const struct digest_server *s,
				const struct sip_message *m, bool proxy, uint64_t utc_ms)
{
	int found = digest_credentials_find(&out->c, m, proxy, bytes_str(s->realm));

	if (found == 0)
		return DIGEST_MISSING;
	if (found < 0 || !digest_credentials_fit(&out->c, m))
		return DIGEST_MALFORMED;
	return digest_nonce_judge(out, s, &m->hop.remote, utc_ms);
}

enum digest_verdict digest_read_http(struct digest_answer *out, const struct digest_server *s,
				     struct bytes value, const struct addr *source, uint64_t utc_ms)
{
	int found = credentials_read_value(&out->c, value);

	if (found == 0 || (found > 0 && !bytes_is(out->c.realm, s->realm)))
		return DIGEST_MISSING;
	if (found < 0 || credentials_check(&out->c) || out->c.qop == DIGEST_QOP_AUTH_INT)
		return DIGEST_MALFORMED;
	return digest_nonce_judge(out, s, source, utc_ms);
}

static enum digest_verdict digest_prove_of(const struct digest_answer *a,
					   const struct digest_server *s,
					   const struct digest_body *of,
					   const struct digest_secret *secret)
{
	static const struct digest_secret nobody;
	struct digest_text want = { .n = 0 };
	bool right = digest_response(&a->c, secret ? secret : &nobody, of, &want);

	right = response_is(&a->c, &want) && right && secret && is_offered(s, a->c.algorithm);
	if (!right)
		return DIGEST_WRONG;
	return a->old ? DIGEST_STALE : DIGEST_OK;
}

enum digest_verdict digest_prove(const struct digest_answer *a, const struct digest_server *s,
				 const struct sip_message *m, const struct digest_secret *secret)
{
	return digest_prove_of(a, s, &(struct digest_body){ m->method_name, m->body }, secret);
}

enum digest_verdict digest_prove_http(const struct digest_answer *a, const struct digest_server *s,
				      struct bytes method, const struct digest_secret *secret)
{
	return digest_prove_of(a, s, &(struct digest_body){ .method = method }, secret);
}

static void challenge_write(const struct digest_server *s, struct writer *w, const char *qop,
			    enum digest_algorithm algorithm, bool stale, const char *nonce)
{
	WRITER_TEXTS(w, "Digest realm=\"", s->realm, "\", qop=\"", qop, "\", nonce=\"");
	writer_mem(w, nonce, DIGEST_NONCE_LEN);
	WRITER_TEXTS(w, "\", algorithm=", digest_name(algorithm), stale ? ", stale=true" : "");
}

bool digest_challenge_http(const struct digest_server *s, struct writer *w,
			   enum digest_algorithm algorithm, bool stale, const char nonce[])
{
	if (!is_offered(s, algorithm))
		return false;
	challenge_write(s, w, "auth", algorithm, stale, nonce);
	return true;
}

void digest_challenge(const struct digest_server *s, struct writer *w, bool proxy, bool stale,
		      const struct addr *source, uint64_t utc_ms, uint64_t random)
{
	char nonce[DIGEST_NONCE_LEN];

	digest_nonce_put(nonce, s, source, utc_ms, random);
	for (unsigned i = DIGEST_ALGORITHMS; i-- > 0;) {
		if (!is_offered(s, (enum digest_algorithm)i))
			continue;
		writer_str(w, proxy ? "Proxy-Authenticate: " : "WWW-Authenticate: ");
		challenge_write(s, w, "auth,auth-int", (enum digest_algorithm)i, stale, nonce);
		writer_str(w, "\r\n");
	}
}
