/* SPDX-License-Identifier: Apache-2.0 */
/* Pure. Nothing is kept here: whether an answer was used before is for its caller (sig/shard/nonce_window.h). */
#include "sig/sip/digest.h"

#include <string.h>

#include "sig/sip/digest_credentials.h"
#include "sig/sip/digest_hash.h"
#include "sig/sip/digest_nonce.h"
#include "sig/sip/digest_response.h"

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

enum digest_verdict digest_read(struct digest_answer *out, const struct digest_server *s,
				const struct sip_message *m, bool proxy, uint64_t utc_ms)
{
	int found = digest_credentials_find(&out->c, m, proxy, bytes_str(s->realm));

	if (found == 0)
		return DIGEST_MISSING;
	if (found < 0 || !digest_credentials_fit(&out->c, m))
		return DIGEST_MALFORMED;
	switch (digest_nonce_check(out, s, &m->hop.remote, utc_ms)) {
	case DIGEST_NONCE_FRESH:
		out->old = false;
		return DIGEST_OK;
	case DIGEST_NONCE_OLD:
		out->old = true;
		return DIGEST_OK;
	case DIGEST_NONCE_FOREIGN:
		break;
	}
	return DIGEST_FOREIGN;
}

enum digest_verdict digest_prove(const struct digest_answer *a, const struct digest_server *s,
				 const struct sip_message *m, const struct digest_secret *secret)
{
	static const struct digest_secret nobody;
	struct digest_text want = { .n = 0 };
	bool right = digest_response(&a->c, secret ? secret : &nobody,
				     &(struct digest_body){ m->method_name, m->body }, &want);

	right = response_is(&a->c, &want) && right && secret && is_offered(s, a->c.algorithm);
	if (!right)
		return DIGEST_WRONG;
	return a->old ? DIGEST_STALE : DIGEST_OK;
}

void digest_challenge(const struct digest_server *s, struct writer *w, bool proxy, bool stale,
		      const struct addr *source, uint64_t utc_ms, uint64_t random)
{
	char nonce[DIGEST_NONCE_LEN];

	digest_nonce_put(nonce, s, source, utc_ms, random);
	for (unsigned i = DIGEST_ALGORITHMS; i-- > 0;) {
		if (!is_offered(s, (enum digest_algorithm)i))
			continue;
		writer_str(w, proxy ? "Proxy-Authenticate" : "WWW-Authenticate");
		writer_str(w, ": Digest realm=\"");
		writer_str(w, s->realm);
		writer_fmt(w, "\", qop=\"auth,auth-int\", nonce=\"%.*s\", ", DIGEST_NONCE_LEN,
			   nonce);
		writer_fmt(w, "algorithm=%s%s\r\n", digest_name((enum digest_algorithm)i),
			   stale ? ", stale=true" : "");
	}
}
