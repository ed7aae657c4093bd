/* SPDX-License-Identifier: Apache-2.0 */
#include "sig/sip/digest_credentials.h"

#include <errno.h>

#include "sig/sip/digest_hash.h"
#include "sig/sip/lex.h"

/* What anybody may send costs little to read: a stranger's credentials are read as well. */
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

static int check(struct digest_credentials *c)
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
			return check(out) ? -EBADMSG : 1;
	}
	return 0;
}

/* RFC 7616 3.4.6 leaves room for proxies that rewrite. Phones differ in port and parameters, so user and host decide. */
bool digest_credentials_fit(const struct digest_credentials *c, const struct sip_message *m)
{
	struct sip_uri uri;

	if (bytes_eq(c->uri, m->uri.all))
		return true;
	if (sip_uri_parse(&uri, c->uri))
		return false;
	return bytes_eq(uri.user, m->uri.user) && bytes_ieq(uri.host, m->uri.host);
}
