/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/digest_response.h"

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
